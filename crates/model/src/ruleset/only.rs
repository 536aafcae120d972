use fwlab_record::Packet;

/// Which packets a rule looks at, as far as its protocol and ports say for sure: no other can match it.
/// What is not known leaves every packet in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only {
    pub(super) protocols: Option<Vec<u8>>,
    pub(super) from_ports: Option<Vec<PortRange>>,
    pub(super) to_ports: Option<Vec<PortRange>>,
}

/// Ports from the first to the last.
pub(super) type PortRange = (u16, u16);

const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMPV6: u8 = 58;

impl Only {
    /// Whether a packet can match the rule, for all that is known.
    pub fn may_be(&self, packet: &Packet) -> bool {
        match packet {
            Packet::Tcp { flow, .. } => {
                let within = |ports: &Option<Vec<PortRange>>, port: u16| {
                    let within = |(first, last): &PortRange| (*first..=*last).contains(&port);
                    ports.as_ref().is_none_or(|ports| ports.iter().any(within))
                };
                self.is_of(TCP)
                    && within(&self.from_ports, flow.from.port())
                    && within(&self.to_ports, flow.to.port())
            }
            Packet::Icmp { .. } => self.is_of(ICMP) || self.is_of(ICMPV6),
            Packet::Other { number, .. } => self.is_of(*number),
        }
    }

    /// Whether a packet of TCP between ports that may be these can match the rule, or one of ICMP.
    pub fn may_be_of_ftp(&self, may_be: impl Fn(u16) -> bool) -> bool {
        let may_have = |ports: &Option<Vec<PortRange>>| {
            let mut ranges = ports.iter().flatten();
            ports.is_none() || ranges.any(|(first, last)| (*first..=*last).any(&may_be))
        };
        let named = self.protocols.iter().flatten();
        let of_icmp = named.into_iter().any(|only| [ICMP, ICMPV6].contains(only));
        of_icmp || (self.is_of_tcp() && may_have(&self.from_ports) && may_have(&self.to_ports))
    }

    /// Whether a packet of TCP can match the rule, whatever its ports.
    pub fn is_of_tcp(&self) -> bool {
        self.is_of(TCP)
    }

    fn is_of(&self, protocol: u8) -> bool {
        let only = self.protocols.as_ref();
        only.is_none_or(|only| only.contains(&protocol))
    }

    /// Whether packets of TCP alone can match the rule.
    pub fn is_of_tcp_alone(&self) -> bool {
        self.protocols.as_deref() == Some(&[TCP])
    }

    /// The ports that it looks at: where packets of TCP come from, and where they go; nothing where that is any.
    pub fn ports(&self) -> [Option<&[(u16, u16)]>; 2] {
        [self.from_ports.as_deref(), self.to_ports.as_deref()]
    }

    /// Narrows it to a protocol, by its number or one of the names that rules are written with; a name that is not known
    /// here narrows nothing.
    pub(super) fn protocol(&mut self, written: &str) {
        if let Some(number) = protocol_number(written) {
            self.of_protocols(&[number]);
        }
    }

    /// Narrows it to packets of one of these protocols.
    pub(super) fn of_protocols(&mut self, numbers: &[u8]) {
        match &mut self.protocols {
            Some(only) => only.retain(|number| numbers.contains(number)),
            None => self.protocols = Some(numbers.to_vec()),
        }
    }
}

/// A protocol's number, by that or by one of the names that rules are written with; 0 stands for all.
pub(super) fn protocol_number(written: &str) -> Option<u8> {
    const NAMES: &[(&str, u8)] = &[
        ("ah", 51),
        ("comp", 108),
        ("dccp", 33),
        ("esp", 50),
        ("gre", 47),
        ("icmp", ICMP),
        ("icmpv6", ICMPV6),
        ("igmp", 2),
        ("ipv6-icmp", ICMPV6),
        ("sctp", 132),
        ("tcp", TCP),
        ("udp", UDP),
        ("udplite", 136),
    ];
    let named = NAMES.iter().find(|(name, _)| *name == written);
    let number = named.map_or_else(|| written.parse().ok(), |(_, number)| Some(*number));
    number.filter(|number| *number != 0)
}

/// Ports as iptables writes them: `21`, `20:21`, `20,21,50000:50100`. Nothing where a name is among them.
pub(super) fn ports(written: &str) -> Option<Vec<PortRange>> {
    let port = |text: &str, open: u16| {
        if text.is_empty() {
            Some(open)
        } else {
            text.parse().ok()
        }
    };
    written
        .split(',')
        .map(|one| match one.split_once(':') {
            Some((first, last)) => Some((port(first, 0)?, port(last, u16::MAX)?)),
            None => one.parse().ok().map(|one| (one, one)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fwlab_record::{Flow, TcpFlags};

    fn tcp(to: u16) -> Packet {
        Packet::Tcp {
            flow: Flow {
                from: "192.0.2.1:1024".parse().expect("an address"),
                to: ([192, 0, 2, 2], to).into(),
            },
            flags: TcpFlags(TcpFlags::SYN),
            sequence: 1,
            acknowledgement: 0,
            payload: 0,
        }
    }

    #[test]
    fn ports_as_they_are_written() {
        assert_eq!(ports("21"), Some(vec![(21, 21)]));
        assert_eq!(
            ports("20,50000:50100"),
            Some(vec![(20, 20), (50000, 50100)])
        );
        assert_eq!(ports(":1023"), Some(vec![(0, 1023)]));
        assert_eq!(ports("1024:"), Some(vec![(1024, u16::MAX)]));
        assert_eq!(ports("ftp"), None);
    }

    #[test]
    fn what_is_not_known_leaves_every_packet_in() {
        assert!(Only::default().may_be(&tcp(21)));
        let mut ssh = Only {
            to_ports: ports("22"),
            ..Only::default()
        };
        assert!(ssh.may_be(&tcp(22)));
        assert!(!ssh.may_be(&tcp(21)));
        ssh = Only::default();
        ssh.protocol("icmp");
        assert!(!ssh.may_be(&tcp(21)));
        ssh = Only::default();
        ssh.protocol("a name");
        assert!(ssh.may_be(&tcp(21)));
        ssh.of_protocols(&[TCP, UDP]);
        assert!(ssh.may_be(&tcp(21)) && !ssh.is_of_tcp_alone());
        ssh.protocol("tcp");
        assert!(ssh.may_be(&tcp(21)) && ssh.is_of_tcp_alone());
    }
}
