//! Whether two rules say the same, as `iptables -D` compares them.

use std::hash::{DefaultHasher, Hash, Hasher};

use ipnet::IpNet;

use super::rule::Rule;
use super::value;
use super::walk::{Core, Opt, Piece};
use fwlab_record::Family;

/// A number that rules share when they say the same in other words: another
/// spelling or order of the options, an implied match, a mask that goes
/// without saying. Names of services are not looked up.
pub(super) fn likeness(rule: &Rule, family: Family) -> u64 {
    let walk = rule.walk(family);
    let mut said: Vec<String> = Vec::new();
    let mut modules: Vec<&str> = Vec::new();
    for piece in &walk.pieces {
        match &piece.option {
            Opt::Core(Core::Match) => modules.push(piece.value()),
            Opt::Core(Core::Counters) => {}
            Opt::Core(core) => {
                let value = core_value(*core, piece.value());
                if !value.is_empty() || piece.negation.is_some() {
                    said.push(format!("{}{core:?} {value}", negated(piece)));
                }
            }
            Opt::Extension { of, name, .. } => {
                modules.push(of);
                let value = extension_value(name, piece.value());
                let second = piece.second.map_or("", |value| value.text);
                said.push(format!("{}{of} {name} {value} {second}", negated(piece)));
            }
            Opt::Unknown(written) => {
                said.push(format!("{}{written} {}", negated(piece), piece.value()))
            }
        }
    }
    said.sort_unstable();
    modules.sort_unstable();
    modules.dedup();
    let mut hasher = DefaultHasher::new();
    (said, modules).hash(&mut hasher);
    hasher.finish()
}

/// Whether a rule decides on every packet that comes to it.
pub(super) fn is_unconditional(rule: &Rule, family: Family) -> bool {
    let is_verdict = matches!(rule.target(), Some("ACCEPT" | "DROP" | "RETURN"));
    is_verdict
        && rule
            .walk(family)
            .pieces
            .iter()
            .all(|piece| match piece.option {
                Opt::Core(Core::Jump | Core::Counters) => true,
                Opt::Core(Core::Match) | Opt::Extension { .. } | Opt::Unknown(_) => false,
                Opt::Core(core) => {
                    piece.negation.is_none() && core_value(core, piece.value()).is_empty()
                }
            })
}

fn negated(piece: &Piece<'_>) -> &'static str {
    if piece.negation.is_some() { "! " } else { "" }
}

/// The value in one spelling; empty for what matches everything.
fn core_value(core: Core, value: &str) -> String {
    match core {
        Core::Source | Core::Destination if value.ends_with("/0") => String::new(),
        Core::Source | Core::Destination => match network(value) {
            Some(network) => network.to_string(),
            None => value.to_owned(),
        },
        Core::Protocol => match value::integer(value) {
            Some(0) => String::new(),
            Some(6) => "tcp".to_owned(),
            Some(17) => "udp".to_owned(),
            Some(number) => number.to_string(),
            None if value.eq_ignore_ascii_case("all") => String::new(),
            None => value.to_ascii_lowercase(),
        },
        Core::In | Core::Out if value == "+" => String::new(),
        Core::Fragment => "yes".to_owned(),
        _ => value.to_owned(),
    }
}

/// An address and its prefix, as far as they are written in full.
fn network(text: &str) -> Option<IpNet> {
    match text.split_once('/') {
        Some((address, mask)) => match mask.parse() {
            Ok(length) => IpNet::new(address.parse().ok()?, length)
                .ok()
                .map(|network| network.trunc()),
            Err(_) => IpNet::with_netmask(address.parse().ok()?, mask.parse().ok()?)
                .ok()
                .map(|network| network.trunc()),
        },
        None => Some(IpNet::from(text.parse::<std::net::IpAddr>().ok()?)),
    }
}

fn extension_value(name: &str, value: &str) -> String {
    match name {
        "state" | "ctstate" => {
            let mut states: Vec<_> = value.split(',').map(str::to_ascii_uppercase).collect();
            states.sort_unstable();
            states.join(",")
        }
        "dport" | "sport" | "destination-port" | "source-port" => match value.split_once(':') {
            Some((first, "")) => format!("{first}:65535"),
            Some(("", last)) => format!("0:{last}"),
            _ => value.to_owned(),
        },
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(one: &str, other: &str) -> bool {
        let likeness =
            |rule: &str| likeness(&Rule::new(rule.split(' '), Family::Ipv4), Family::Ipv4);
        likeness(one) == likeness(other)
    }

    #[test]
    fn a_rule_without_a_condition_decides_always() {
        let rule = |words: &str| {
            is_unconditional(&Rule::new(words.split(' '), Family::Ipv4), Family::Ipv4)
        };
        assert!(rule("-j ACCEPT") && rule("-p all -s 0/0 -i + -j DROP"));
        assert!(
            !rule("-p tcp -j ACCEPT")
                && !rule("-j LOG")
                && !rule("-j own")
                && !rule("! -i + -j DROP")
        );
        assert!(!rule("-m comment --comment x -j ACCEPT") && !rule("-f -j DROP"));
    }

    #[test]
    fn rules_that_say_the_same_are_alike() {
        let rule = "-s 1.1.1.1 -p tcp --dport 21 -j ACCEPT";
        assert!(like(rule, "-p 6 -m tcp --dport 21 -s 1.1.1.1/32 -j ACCEPT"));
        assert!(like(
            rule,
            "--jump ACCEPT --protocol TCP --source 1.1.1.1/255.255.255.255 --dport 21"
        ));
        assert!(like("-p all -i + -s 0/0 -j DROP", "-i + -s 0/0 -j DROP"));
        assert!(like(
            "-m state --state NEW,RELATED",
            "-m state --state RELATED,NEW"
        ));
        assert!(!like(rule, "-s 1.1.1.1 ! -p tcp -j ACCEPT"));
        assert!(!like(rule, "-s 1.1.1.1 -p tcp --dport 22 -j ACCEPT"));
        assert!(!like("-m state --state NEW", "-m conntrack --ctstate NEW"));
        assert!(!like("-p tcp", "-p tcp -m tcp"));
        assert!(!like("-f -j DROP", "-j DROP"));
        assert!(!like("-m comment --comment a", "-m comment --comment b"));
    }
}
