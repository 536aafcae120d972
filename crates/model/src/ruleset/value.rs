//! The values of options, as far as the loader surely refuses them.

use std::net::{Ipv4Addr, Ipv6Addr};

use fwlab_record::Family;

/// A number as `xtables_strtoul` reads it: decimal, `0x` hexadecimal, `0` octal.
pub(super) fn integer(text: &str) -> Option<u64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if !text.starts_with(|char: char| char.is_ascii_digit()) {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(digits) if !digits.is_empty() => u64::from_str_radix(digits, 8).ok(),
        _ => text.parse().ok(),
    }
}

/// What is wrong with a port or a range of ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PortFault {
    /// No port, and no name of a service.
    NoPort(String),
    /// Above 65535.
    OutOfRange(String),
    /// The first is greater than the last.
    Reversed(u64, u64),
    /// A list or range of another option's form.
    Form(Form),
}

/// A form of several ports that the option does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    List,
    DashRange,
}

/// One port or service name.
fn port(text: &str) -> Result<Option<u64>, PortFault> {
    match integer(text) {
        Some(number) if number > 65535 => Err(PortFault::OutOfRange(text.to_owned())),
        Some(number) => Ok(Some(number)),
        // A service may be named anything that holds a letter.
        None if text.bytes().any(|byte| byte.is_ascii_alphabetic()) && !text.starts_with('-') => {
            Ok(None)
        }
        None => Err(PortFault::NoPort(text.to_owned())),
    }
}

/// A port, or `first:last` with either left out (`XTTYPE_PORTRC`).
///
/// iptables takes `70000:80000` for udp, and then never matches: refused here.
pub(super) fn port_range(text: &str) -> Result<(), PortFault> {
    let Some((first, last)) = text.split_once(':') else {
        let numeric = |text: &str| text.split([',', '-']).all(|part| integer(part).is_some());
        if numeric(text) && text.contains(',') {
            return Err(PortFault::Form(Form::List));
        }
        if numeric(text) && text.contains('-') {
            return Err(PortFault::Form(Form::DashRange));
        }
        return port(text).map(drop);
    };
    let end = |text: &str, open: u64| {
        if text.is_empty() {
            Ok(Some(open))
        } else {
            port(text)
        }
    };
    match (end(first, 0)?, end(last, 65535)?) {
        (Some(first), Some(last)) if first > last => Err(PortFault::Reversed(first, last)),
        _ => Ok(()),
    }
}

/// The most ports that `-m multiport` takes, a range counting twice.
pub(super) const MULTIPORT_MOST: usize = 15;

/// The list of `-m multiport`; gives how many of [`MULTIPORT_MOST`] it uses.
pub(super) fn port_list(text: &str) -> Result<usize, PortFault> {
    let mut used = 0;
    for item in text.split(',') {
        port_range(item)?;
        if item.starts_with(':') || item.ends_with(':') {
            return Err(PortFault::NoPort(item.to_owned()));
        }
        used += 1 + usize::from(item.contains(':'));
    }
    Ok(used)
}

/// What is wrong with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AddressFault {
    Mask(String),
    OtherFamily,
    Range,
    HostName,
    NoAddress,
}

/// One address with or without a mask, as `-s` and `-d` take it.
pub(super) fn address(text: &str, family: Family) -> Result<(), AddressFault> {
    let (host, mask) = match text.split_once('/') {
        Some((host, mask)) => (host, Some(mask)),
        None => (text, None),
    };
    let bits: u64 = match family {
        Family::Ipv4 => 32,
        Family::Ipv6 => 128,
    };
    if let Some(mask) = mask {
        let is_address = match family {
            Family::Ipv4 => mask.parse::<Ipv4Addr>().is_ok(),
            Family::Ipv6 => mask.parse::<Ipv6Addr>().is_ok(),
        };
        if !is_address && integer(mask).is_none_or(|length| length > bits) {
            return Err(AddressFault::Mask(mask.to_owned()));
        }
        // Whatever stands before a mask of nothing is not looked at.
        if mask == "0" {
            return Ok(());
        }
    }
    let of = |family| match family {
        Family::Ipv4 => host.parse::<Ipv4Addr>().is_ok(),
        Family::Ipv6 => host.parse::<Ipv6Addr>().is_ok(),
    };
    if of(family) || host == "localhost" {
        return Ok(());
    }
    let other = match family {
        Family::Ipv4 => Family::Ipv6,
        Family::Ipv6 => Family::Ipv4,
    };
    if of(other) {
        return Err(AddressFault::OtherFamily);
    }
    if let Some((first, last)) = host.split_once('-')
        && first.parse::<std::net::IpAddr>().is_ok()
        && last.starts_with(|char: char| char.is_ascii_digit())
    {
        return Err(AddressFault::Range);
    }
    if host.contains(':') || host.is_empty() {
        return Err(AddressFault::NoAddress);
    }
    let numeric = host
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if numeric {
        let parts: Vec<_> = host.split('.').collect();
        let small = parts.iter().all(|part| part.parse::<u8>().is_ok());
        // Fewer than four parts are filled up with zeros, or read by the
        // resolver in its own way: the loader knows.
        return match (family, parts.len()) {
            (Family::Ipv4, 1..=3) => Ok(()),
            (Family::Ipv4, 4) if small => Ok(()),
            _ => Err(AddressFault::NoAddress),
        };
    }
    let named = host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    let last_is_word = host
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().any(|byte| byte.is_ascii_alphabetic()));
    Err(if named && last_is_word && !host.starts_with('-') {
        AddressFault::HostName
    } else {
        AddressFault::NoAddress
    })
}

/// The protocols that `-p` knows by name: /etc/protocols as distributions ship
/// it, and iptables' own list (`xtables_chain_protos`).
#[rustfmt::skip]
pub(super) const PROTOCOLS: &[&str] = &[
    "all", "ip", "hopopt", "icmp", "igmp", "ggp", "ipencap", "st", "tcp", "egp", "igp", "pup",
    "udp", "hmp", "xns-idp", "rdp", "iso-tp4", "dccp", "xtp", "ddp", "idpr-cmtp", "ipv6",
    "ipv6-route", "ipv6-frag", "idrp", "rsvp", "gre", "esp", "ah", "skip", "ipv6-icmp",
    "icmpv6", "ipv6-nonxt", "ipv6-opts", "rspf", "vmtp", "eigrp", "ospf", "ax.25", "ipip",
    "etherip", "encap", "pim", "ipcomp", "vrrp", "l2tp", "isis", "sctp", "fc",
    "mobility-header", "ipv6-mh", "mh", "udplite", "mpls-in-ip", "manet", "hip", "shim6",
    "wesp", "rohc", "ethernet", "mptcp",
];

/// Whether a number or name is a protocol: `None` when only the machine's own
/// /etc/protocols can tell.
pub(super) fn protocol(text: &str) -> Option<bool> {
    if let Some(number) = integer(text) {
        return Some(number <= 255);
    }
    let known = PROTOCOLS.iter().any(|name| text.eq_ignore_ascii_case(name));
    let possible = text.starts_with(|char: char| char.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte));
    if known {
        Some(true)
    } else if possible {
        None
    } else {
        Some(false)
    }
}

/// Whether a protocol that was written so is the one of that name and number.
pub(super) fn is_protocol(text: &str, name: &str, number: u64) -> bool {
    text.eq_ignore_ascii_case(name) || integer(text) == Some(number)
}

/// The states of `-m state`.
pub(super) const STATES: &[&str] = &["INVALID", "NEW", "ESTABLISHED", "RELATED", "UNTRACKED"];

/// The states of `-m conntrack --ctstate`.
pub(super) const CTSTATES: &[&str] = &[
    "INVALID",
    "NEW",
    "ESTABLISHED",
    "RELATED",
    "UNTRACKED",
    "SNAT",
    "DNAT",
];

/// The first item of a comma list that is not the start of one of the words,
/// in capitals or not (`xt_parse_state` compares so).
pub(super) fn bad_item<'t>(list: &'t str, words: &[&str]) -> Option<&'t str> {
    list.split(',').find(|item| {
        let start_of = |word: &&str| {
            word.get(..item.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(item))
        };
        item.is_empty() || !words.iter().any(start_of)
    })
}

/// What REJECT answers with.
pub(super) fn reject_types(family: Family) -> &'static [&'static str] {
    match family {
        Family::Ipv4 => &[
            "icmp-net-unreachable",
            "net-unreach",
            "icmp-host-unreachable",
            "host-unreach",
            "icmp-port-unreachable",
            "port-unreach",
            "icmp-proto-unreachable",
            "proto-unreach",
            "icmp-net-prohibited",
            "net-prohib",
            "icmp-host-prohibited",
            "host-prohib",
            "tcp-reset",
            "tcp-rst",
            "icmp-admin-prohibited",
            "admin-prohib",
            "echo-reply",
            "echoreply",
        ],
        Family::Ipv6 => &[
            "icmp6-no-route",
            "no-route",
            "icmp6-adm-prohibited",
            "adm-prohibited",
            "icmp6-addr-unreachable",
            "addr-unreach",
            "icmp6-port-unreachable",
            "port-unreach",
            "tcp-reset",
            "icmp6-policy-fail",
            "policy-fail",
            "icmp6-reject-route",
            "reject-route",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_three_bases() {
        assert_eq!(integer("21"), Some(21));
        assert_eq!(integer("021"), Some(17));
        assert_eq!(integer("0x15"), Some(21));
        assert_eq!(integer("+5"), Some(5));
        assert_eq!(integer("0"), Some(0));
        for no in ["", "-5", "08", "0x", "ftp", "99999999999999999999"] {
            assert_eq!(integer(no), None, "{no}");
        }
    }

    #[test]
    fn ports() {
        for good in [
            "21", "ftp", "1024:", ":1023", ":", "20:21", "ftp:80", "ftp-data", "0x15",
        ] {
            assert_eq!(port_range(good), Ok(()), "{good}");
        }
        assert_eq!(
            port_range("99999"),
            Err(PortFault::OutOfRange("99999".into()))
        );
        assert_eq!(
            port_range("70000:80000"),
            Err(PortFault::OutOfRange("70000".into()))
        );
        assert_eq!(port_range("20:10"), Err(PortFault::Reversed(20, 10)));
        assert_eq!(port_range("21,22"), Err(PortFault::Form(Form::List)));
        assert_eq!(port_range("20-22"), Err(PortFault::Form(Form::DashRange)));
        assert_eq!(port_range("5:6:7"), Err(PortFault::NoPort("6:7".into())));
        assert_eq!(port_range(""), Err(PortFault::NoPort(String::new())));
        assert_eq!(port_list("21,1024:65535"), Ok(3));
        assert!(port_list("21,,22").is_err());
    }

    #[test]
    fn addresses() {
        for good in [
            "1.2.3.4",
            "10/8",
            "192.168.1/24",
            "1.2.3.4/255.0.255.0",
            "any/0",
            "localhost",
            "1.2.3.4/032",
        ] {
            assert_eq!(address(good, Family::Ipv4), Ok(()), "{good}");
        }
        for good in ["::1", "2001:db8::/32", "fe80::1/ffff::", "any/0"] {
            assert_eq!(address(good, Family::Ipv6), Ok(()), "{good}");
        }
        assert_eq!(
            address("1.2.3.4/33", Family::Ipv4),
            Err(AddressFault::Mask("33".into()))
        );
        assert_eq!(address("::1", Family::Ipv4), Err(AddressFault::OtherFamily));
        assert_eq!(
            address("1.2.3.4", Family::Ipv6),
            Err(AddressFault::OtherFamily)
        );
        assert_eq!(
            address("1.2.3.4-1.2.3.9", Family::Ipv4),
            Err(AddressFault::Range)
        );
        assert_eq!(
            address("ftp.example.net", Family::Ipv4),
            Err(AddressFault::HostName)
        );
        for bad in ["1.2.3.400", "1.2.3.4.5", "", "1.2.3.x!"] {
            assert_eq!(
                address(bad, Family::Ipv4),
                Err(AddressFault::NoAddress),
                "{bad}"
            );
        }
    }

    #[test]
    fn states_may_be_shortened() {
        assert_eq!(bad_item("NEW,est,Rel", STATES), None);
        assert_eq!(bad_item("NEW,ESTABLISHEDD", STATES), Some("ESTABLISHEDD"));
        assert_eq!(bad_item("NEW,", STATES), Some(""));
        assert_eq!(bad_item("SNAT", STATES), Some("SNAT"));
        assert_eq!(bad_item("SNAT", CTSTATES), None);
        assert_eq!(bad_item("é", STATES), Some("é"));
    }

    #[test]
    fn protocols() {
        assert_eq!(protocol("TCP"), Some(true));
        assert_eq!(protocol("300"), Some(false));
        assert_eq!(protocol("017"), Some(true));
        assert_eq!(protocol("quic"), None);
        assert_eq!(protocol("tcp,udp"), Some(false));
        assert_eq!(protocol(""), Some(false));
    }
}
