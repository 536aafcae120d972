//! What `nft -e -a -f -` says of a script that it loads: each rule that it adds, with the handle that it got.

use std::collections::BTreeMap;

use fwlab_record::ChainId;

/// The handles of the rules that a script added, by chain, in the order in which the script adds them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Echo {
    handles: BTreeMap<ChainId, Vec<u64>>,
}

impl Echo {
    /// Reads what nft wrote. A line that is not understood is passed over: then the count of a chain's rules
    /// is not that of the script, and no line is known of them.
    pub fn parse(echoed: &str) -> Echo {
        let mut echo = Echo::default();
        let mut rule = String::new();
        for line in echoed.lines() {
            if rule.is_empty() && rule_of(line).is_none() {
                continue;
            }
            if !rule.is_empty() {
                rule.push('\n');
            }
            rule.push_str(line);
            // A comment may go over lines, and say what ends one.
            if rule.matches('"').count() % 2 == 1 {
                continue;
            }
            let handle = rule.rsplit_once(" # handle ");
            let handle = handle.and_then(|(_, handle)| handle.trim().parse().ok());
            if let (Some(chain), Some(handle)) = (rule_of(&rule), handle) {
                echo.handles.entry(chain).or_default().push(handle);
                rule.clear();
            }
        }
        echo
    }

    pub(super) fn handles(&self, chain: &ChainId) -> &[u64] {
        self.handles.get(chain).map_or(&[], Vec::as_slice)
    }

    /// Every handle, with its chain.
    pub(super) fn all(&self) -> impl Iterator<Item = (&ChainId, u64)> {
        let chains = self.handles.iter();
        chains.flat_map(|(chain, handles)| handles.iter().map(move |handle| (chain, *handle)))
    }
}

/// The chain of `add rule inet filter input …`.
fn rule_of(line: &str) -> Option<ChainId> {
    let (verb, rest) = line.split_once(" rule ")?;
    let mut words =
        matches!(verb, "add" | "insert" | "replace").then(|| rest.split_ascii_whitespace())?;
    Some(ChainId {
        family: words.next()?.parse().ok()?,
        table: words.next()?.to_owned(),
        chain: words.next()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_found_and_nothing_else() {
        let echo = Echo::parse(
            "add table inet t # handle 1
add chain inet t a { type filter hook input priority filter; policy drop; } # handle 1
add set inet t s { # handle 4 type ipv4_addr; }
add element inet t s { 1.2.3.4 }
add rule inet t a handle 13 tcp dport { 20, 21 } accept # handle 6
add rule inet t a accept comment \"one # handle 98
add rule inet t a # handle 97\" # handle 16
insert rule inet t a tcp dport {
\t21, 22 } drop # handle 7
replace rule ip u a counter # handle 3
",
        );
        let chain = |family: &str, table: &str| ChainId {
            family: family.parse().unwrap(),
            table: table.to_owned(),
            chain: "a".to_owned(),
        };
        assert_eq!(echo.handles(&chain("inet", "t")), [6, 16, 7]);
        assert_eq!(echo.handles(&chain("ip", "u")), [3]);
        assert_eq!(echo.all().count(), 4);
    }
}
