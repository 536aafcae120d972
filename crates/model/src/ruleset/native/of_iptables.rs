//! The chains that iptables-nft makes, to which people add rules by nft.

use std::fmt::Write as _;

use crate::ruleset::tables::{Hook, TableName};
use fwlab_record::{ChainId, TableFamily};

/// The script that makes these chains as iptables-nft does; nothing where one of them is none of its.
pub(super) fn made<'c>(chains: impl Iterator<Item = &'c ChainId>) -> Option<String> {
    let mut script = String::new();
    for id in chains {
        if !matches!(id.family, TableFamily::Ip | TableFamily::Ip6) {
            return None;
        }
        let table: TableName = id.table.parse().ok()?;
        let hook = table.hook(&id.chain)?;
        let (kind, priority) = place(table, hook);
        let family = id.family;
        let hook_word = hook.chain().to_lowercase();
        let _ = write!(
            script,
            "add table {family} {table}\nadd chain {family} {table} {} {{ type {kind} hook {hook_word} priority {priority}; policy accept; }}\n",
            id.chain
        );
    }
    (!script.is_empty()).then_some(script)
}

/// The type and the priority of a built-in chain (`xtables_ipv4` in iptables/nft-ipv4.c and its like).
fn place(table: TableName, hook: Hook) -> (&'static str, i32) {
    match (table, hook) {
        (TableName::Raw, _) => ("filter", -300),
        (TableName::Mangle, Hook::Output) => ("route", -150),
        (TableName::Mangle, _) => ("filter", -150),
        (TableName::Nat, Hook::Prerouting | Hook::Output) => ("nat", -100),
        (TableName::Nat, _) => ("nat", 100),
        (TableName::Filter, _) => ("filter", 0),
        (TableName::Security, _) => ("filter", 50),
    }
}
