//! The addresses that a host can have in a lab.

use fwlab_model::ruleset::Addresses;
use fwlab_record::Family;

/// The ranges of a family that hosts have addresses of: no loopback, no multicast, no broadcast, none of "this network", and
/// none that is good on one link alone.
pub(crate) fn ranges(family: Family) -> Vec<(u128, u128)> {
    let written: &[(&str, &str)] = match family {
        Family::Ipv4 => &[
            ("1.0.0.0", "126.255.255.255"),
            ("128.0.0.0", "223.255.255.255"),
        ],
        Family::Ipv6 => &[
            ("2000::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ],
    };
    let number = |text: &str| Addresses::number(text.parse().expect("it is an address"));
    written
        .iter()
        .map(|(first, last)| (number(first), number(last)))
        .collect()
}
