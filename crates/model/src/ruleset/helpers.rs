//! Which conntrack helpers there are, and which of them FTP does without.

use super::mistake::quote;

/// A helper's name and the protocols that it is for.
type Helper = (&'static str, &'static [&'static str]);

/// The kernel's (`nf_conntrack_helper_register` in net/netfilter/nf_conntrack_*.c).
const OF_THE_KERNEL: &[Helper] = &[
    ("ftp", &["tcp"]),
    ("tftp", &["udp"]),
    ("sip", &["udp", "tcp"]),
    ("irc", &["tcp"]),
    ("RAS", &["udp"]),
    ("Q.931", &["tcp"]),
    ("H.245", &["tcp"]),
    ("amanda", &["udp"]),
    ("netbios-ns", &["udp"]),
    ("pptp", &["tcp"]),
    ("sane", &["tcp"]),
    ("snmp", &["udp"]),
    ("snmp_trap", &["udp"]),
];

/// Those that come from elsewhere: modules that the kernel never had (rtsp, mms, quake3), and programs (`nfct helper add`, in
/// src/helpers of conntrack-tools).
const FROM_ELSEWHERE: &[Helper] = &[
    ("rtsp", &["tcp"]),
    ("mms", &["tcp"]),
    ("quake3", &["udp"]),
    ("dhcpv6", &["udp"]),
    ("mdns", &["udp"]),
    ("rpc", &["udp", "tcp"]),
    ("slp", &["udp"]),
    ("ssdp", &["udp", "tcp"]),
    ("tns", &["tcp"]),
];

/// The helper that this is all about.
pub(super) const FTP: &str = "ftp";

/// What to do where the kernel has not even that.
pub(super) const LOAD_FTP: &str = "the kernel's FTP helper is not there: load it, as root, with `modprobe -a nf_conntrack_ftp nf_nat_ftp`. If \
                                   there is no such module, the kernel was built without CONFIG_NF_CONNTRACK_FTP: use one \
                                   that has it. `fwlab doctor` says whether it is there";

/// Ports of FTP's control connection, as numbers and by name.
const CONTROL: [&str; 3] = ["ftp", "ftps", "ftp-control"];
const CONTROL_PORTS: [u16; 2] = [21, 990];

/// What is said of rules that are left out for want of a helper that FTP does without.
pub(super) fn left_out(name: &str) -> String {
    format!(
        "left out: the kernel of this machine has no helper `{}`. It is another protocol's, and no packet of FTP comes to it",
        quote(name)
    )
}

/// The names of the kernel's helpers.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    OF_THE_KERNEL.iter().map(|(name, _)| *name)
}

/// The protocols that the kernel has a helper for; nothing where it has none of that name.
pub(super) fn protocols(name: &str) -> Option<&'static [&'static str]> {
    let mut known = OF_THE_KERNEL.iter();
    let (_, protocols) = known.find(|(helper, _)| *helper == name)?;
    Some(protocols)
}

/// Whether there is such a helper somewhere, and it is another protocol's than FTP. A name that nobody knows may be `ftp` with
/// a slip of the finger.
pub(super) fn is_of_another(name: &str, protocol: &str) -> bool {
    let mut known = OF_THE_KERNEL.iter().chain(FROM_ELSEWHERE);
    name != FTP && known.any(|(helper, protocols)| *helper == name && protocols.contains(&protocol))
}

/// Whether a port, a range or a list of them leaves FTP's control connections out.
pub(super) fn spares_control(ports: &str) -> bool {
    let is_control = |port: &str| CONTROL.contains(&port);
    let spares = |one: &str| {
        let ends = one.split_once([':', '-']).unwrap_or((one, one));
        match (ends.0.parse::<u16>(), ends.1.parse::<u16>()) {
            (Ok(first), Ok(last)) => {
                let mut control = CONTROL_PORTS.iter();
                !control.any(|port| (first..=last).contains(port))
            }
            // A name, or a range of which one end is a name.
            _ => ends.0 == ends.1 && !ends.0.is_empty() && !is_control(ends.0),
        }
    };
    ports.split(',').all(|one| spares(one.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_names_are_of_another_protocol() {
        for (name, protocol) in [
            ("sip", "udp"),
            ("sip", "tcp"),
            ("rtsp", "tcp"),
            ("RAS", "udp"),
        ] {
            assert!(is_of_another(name, protocol), "{name} {protocol}");
        }
        for (name, protocol) in [
            ("ftp", "tcp"),
            ("fpt", "tcp"),
            ("ftps", "tcp"),
            ("sftp", "tcp"),
            ("FTP", "tcp"),
            ("", "tcp"),
            // It is UDP's: of TCP, `ftp` was meant.
            ("tftp", "tcp"),
            ("rtsp", "udp"),
        ] {
            assert!(!is_of_another(name, protocol), "{name} {protocol}");
        }
    }

    #[test]
    fn ports_spare_the_control_connection() {
        for ports in ["5060", "5060:5061", "554,8554", "22-989", "rtsp", "sip,554"] {
            assert!(spares_control(ports), "{ports}");
        }
        for ports in [
            "21", "20:22", "5060,21", "ftp", "990", "ftps", "", "1-1024", "ftp:sip", "554,",
        ] {
            assert!(!spares_control(ports), "{ports}");
        }
    }
}
