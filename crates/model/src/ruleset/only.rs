use fwlab_record::Packet;

/// Which packets a rule looks at, as far as its protocol and ports say for sure: no other can match it.
/// What is not known leaves every packet in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only {
    pub(super) protocol: Option<u8>,
    pub(super) from_ports: Option<Vec<PortRange>>,
    pub(super) to_ports: Option<Vec<PortRange>>,
}

/// Ports from the first to the last.
pub(super) type PortRange = (u16, u16);

const ICMP: u8 = 1;
const TCP: u8 = 6;
const ICMPV6: u8 = 58;

impl Only {
    /// Whether a packet can match the rule, for all that is known.
    pub fn may_be(&self, packet: &Packet) -> bool {
        let of_protocol = |number: u8| self.protocol.is_none_or(|only| only == number);
        match packet {
            Packet::Tcp { flow, .. } => {
                let within = |ports: &Option<Vec<PortRange>>, port: u16| {
                    let within = |(first, last): &PortRange| (*first..=*last).contains(&port);
                    ports.as_ref().is_none_or(|ports| ports.iter().any(within))
                };
                of_protocol(TCP)
                    && within(&self.from_ports, flow.from.port())
                    && within(&self.to_ports, flow.to.port())
            }
            Packet::Icmp { .. } => of_protocol(ICMP) || of_protocol(ICMPV6),
            Packet::Other { number, .. } => of_protocol(*number),
        }
    }

    /// Whether a packet of TCP between ports that may be these can match the rule, or one of ICMP.
    pub fn may_be_of_ftp(&self, may_be: impl Fn(u16) -> bool) -> bool {
        let may_have = |ports: &Option<Vec<PortRange>>| {
            let mut ranges = ports.iter().flatten();
            ports.is_none() || ranges.any(|(first, last)| (*first..=*last).any(&may_be))
        };
        let of_icmp = [ICMP, ICMPV6].map(Some).contains(&self.protocol);
        of_icmp || (self.is_of_tcp() && may_have(&self.from_ports) && may_have(&self.to_ports))
    }

    /// Whether a packet of TCP can match the rule, whatever its ports.
    pub fn is_of_tcp(&self) -> bool {
        self.protocol.is_none_or(|only| only == TCP)
    }

    /// Whether packets of TCP alone can match the rule.
    pub fn is_of_tcp_alone(&self) -> bool {
        self.protocol == Some(TCP)
    }

    /// The ports that it looks at: where packets of TCP come from, and where they go; nothing where that is any.
    pub fn ports(&self) -> [Option<&[(u16, u16)]>; 2] {
        [self.from_ports.as_deref(), self.to_ports.as_deref()]
    }

    /// Narrows it to a protocol, by its number or one of the names that rules are written with.
    pub(super) fn protocol(&mut self, written: &str) {
        self.protocol = match written {
            "tcp" => Some(TCP),
            "icmp" => Some(ICMP),
            "icmpv6" | "ipv6-icmp" => Some(ICMPV6),
            "udp" => Some(17),
            "all" | "0" => None,
            other => other.parse().ok(),
        };
    }
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
        ssh.protocol("a name");
        assert!(ssh.may_be(&tcp(21)));
    }
}
