//! `nft -a list ruleset`: the rules' own words, each found by its handle.

use std::collections::BTreeMap;

use fwlab_record::{ChainId, TableFamily};

/// What each rule and each base chain is listed as.
#[derive(Debug, Default)]
pub(super) struct Statements {
    rules: BTreeMap<(TableFamily, String, u64), String>,
    hooks: BTreeMap<ChainId, String>,
}

impl Statements {
    /// Reads what `nft -a list ruleset` wrote. A line that is not understood is passed over: these are only words.
    pub(super) fn read(listed: &str) -> Statements {
        let mut statements = Statements::default();
        let mut table: Option<(TableFamily, String)> = None;
        let mut chain: Option<ChainId> = None;
        let mut rule = String::new();
        for line in listed.lines() {
            let in_rule = !rule.is_empty();
            if !in_rule && let Some(names) = line.strip_prefix("table ") {
                let mut names = names.split(' ');
                let family = names.next().and_then(|family| family.parse().ok());
                table = family.zip(names.next().map(str::to_owned));
                chain = None;
                continue;
            }
            if !in_rule
                && let Some(names) = line
                    .strip_prefix('\t')
                    .filter(|rest| !rest.starts_with('\t'))
            {
                chain = match (&table, names.strip_prefix("chain ")) {
                    (Some((family, table)), Some(name)) => Some(ChainId {
                        family: *family,
                        table: table.clone(),
                        chain: name.split(' ').next().unwrap_or_default().to_owned(),
                    }),
                    _ => None,
                };
                continue;
            }
            let Some(chain) = &chain else { continue };
            if !in_rule {
                let line = line.trim();
                if line.starts_with("type ") && line.ends_with(';') {
                    statements.hooks.insert(chain.clone(), line.to_owned());
                    continue;
                }
                if line.starts_with("comment ") || line.starts_with("flags ") {
                    continue;
                }
            }
            rule += if in_rule { " " } else { "" };
            rule += line.trim();
            // A comment may go over lines, and say what ends one.
            if rule.matches('"').count() % 2 == 1 {
                continue;
            }
            if let Some((words, handle)) = rule.rsplit_once(" # handle ")
                && let Ok(handle) = handle.parse()
            {
                let key = (chain.family, chain.table.clone(), handle);
                statements.rules.insert(key, words.to_owned());
                rule.clear();
            }
        }
        statements
    }

    /// A rule's own words.
    pub(super) fn rule(&mut self, chain: &ChainId, handle: u64) -> Option<String> {
        self.rules
            .remove(&(chain.family, chain.table.clone(), handle))
    }

    /// A base chain's hook and policy.
    pub(super) fn hook(&mut self, chain: &ChainId) -> Option<String> {
        self.hooks.remove(chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_found_by_their_handles() {
        let mut statements = Statements::read(
            "table inet t { # handle 1
\tset s { # handle 7
\t\ttype inet_service
\t\telements = { 21, 22 }
\t}

\tchain i { # handle 3
\t\tcomment \"of a chain\"
\t\ttype filter hook input priority filter + 10; policy drop;
\t\tiif \"lo\" accept comment \"# handle 99\" # handle 15
\t\taccept comment \"one # handle 98
\t}
# handle 97\" # handle 16
\t\ttcp dport 8080 jump {
\t\t\tdrop
\t\t} # handle 27
\t}
}
table ip nat { # handle 2
\tchain c { # handle 1
\t\treject # handle 15
\t}
}
",
        );
        let chain = |family, table: &str, chain: &str| ChainId {
            family,
            table: table.into(),
            chain: chain.into(),
        };
        let input = chain(TableFamily::Inet, "t", "i");
        let mut rule = |chain: &ChainId, handle| statements.rule(chain, handle);
        assert_eq!(
            rule(&input, 15).as_deref(),
            Some("iif \"lo\" accept comment \"# handle 99\"")
        );
        assert_eq!(
            rule(&input, 16).as_deref(),
            Some("accept comment \"one # handle 98 } # handle 97\"")
        );
        assert_eq!(
            rule(&input, 27).as_deref(),
            Some("tcp dport 8080 jump { drop }")
        );
        assert_eq!(
            rule(&chain(TableFamily::Ip, "nat", "c"), 15).as_deref(),
            Some("reject")
        );
        assert_eq!(rule(&input, 99), None);
        assert_eq!(
            statements.hook(&input).as_deref(),
            Some("type filter hook input priority filter + 10; policy drop;")
        );
    }
}
