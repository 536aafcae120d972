//! Chains of nft that stand at interfaces, as `ingress` does: packets of other interfaces do not come to them.

use std::collections::BTreeSet;

use super::Condition;
use crate::ruleset::Hook;
use crate::ruleset::native::NativeChain;

/// The hook whose packets pass a chain at interfaces, on that side of a host, and which packets these are. Nothing of a chain on
/// another hook.
pub(super) fn stands_at(chain: &NativeChain) -> Option<(Hook, Condition)> {
    // `type filter hook ingress device "eth0" priority filter; policy drop;`, `devices = { eth0, eth1 }`
    let words = chain.hook().split(['"', ' ', ',', '{', '}', '=', ';']);
    let mut words = words.filter(|word| !word.is_empty());
    words.find(|word| *word == "hook")?;
    let hook = match words.next()? {
        "ingress" => Hook::Prerouting,
        "egress" => Hook::Postrouting,
        _ => return None,
    };
    let names = words.skip(1).take_while(|word| *word != "priority");
    let devices: BTreeSet<String> = names.map(str::to_owned).collect();
    let condition = match hook {
        Hook::Prerouting => Condition::In(devices),
        _ => Condition::Out(devices),
    };
    Some((hook, condition))
}
