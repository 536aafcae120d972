use std::net::IpAddr;

/// Whether an address is only known within a network: nobody outside has a way to it (RFC 1918, RFC 3927, RFC 6598, RFC 4193, RFC 4291
/// section 2.5.6).
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let is_shared = first == 100 && second & 0xc0 == 64;
            address.is_private() || address.is_link_local() || is_shared
        }
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_within_a_network_alone() {
        for (address, private) in [
            ("10.0.0.1", true),
            ("172.31.0.1", true),
            ("172.32.0.1", false),
            ("100.64.0.1", true),
            ("100.128.0.1", false),
            ("169.254.1.1", true),
            ("203.0.113.1", false),
            ("fd77::1", true),
            ("fe80::1", true),
            ("2001:db8::1", false),
        ] {
            let parsed = address.parse().expect("an address");
            assert_eq!(is_private(parsed), private, "{address}");
        }
    }
}
