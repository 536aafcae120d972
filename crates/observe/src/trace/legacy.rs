/// Where a packet is on its way through legacy's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LegacyPlace<'a> {
    pub(crate) table: &'a str,
    pub(crate) chain: &'a str,
    pub(crate) number: u32,
}

impl<'a> LegacyPlace<'a> {
    /// Takes `TRACE: filter:INPUT:rule:3 ` apart (`trace_packet` in
    /// `net/ipv4/netfilter/ip_tables.c`). A chain's name may have colons in it.
    pub(crate) fn read(prefix: &'a str) -> Option<LegacyPlace<'a>> {
        let place = prefix.strip_prefix("TRACE: ")?.trim_end();
        let (table, rest) = place.split_once(':')?;
        let (rest, number) = rest.rsplit_once(':')?;
        let (chain, word) = rest.rsplit_once(':')?;
        if !["rule", "policy", "return"].contains(&word) {
            return None;
        }
        Some(LegacyPlace {
            table,
            chain,
            number: number.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_prefixes() {
        let place = |prefix| {
            let place = LegacyPlace::read(prefix)?;
            Some((place.table, place.chain, place.number))
        };
        assert_eq!(
            place("TRACE: filter:INPUT:policy:3 "),
            Some(("filter", "INPUT", 3))
        );
        assert_eq!(place("TRACE: raw:a:b:rule:12 "), Some(("raw", "a:b", 12)));
        for other in [
            "",
            "TRACE: ",
            "TRACE: a:b:c:1",
            "dropped: ",
            "TRACE: f:I:rule:x",
        ] {
            assert_eq!(place(other), None, "{other}");
        }
    }
}
