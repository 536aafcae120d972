//! Commands make of the rules what the real programs make of them.

use fwlab_model::ruleset::{Source, parse};
use fwlab_record::{Backend, Family};
use proptest::prelude::*;

use crate::kernel;

/// What stands behind `iptables`; words are safe for a shell.
fn command() -> impl Strategy<Value = String> {
    let chain = || prop::sample::select(vec!["INPUT", "OUTPUT", "a", "b"]);
    let number = 1..4_u32;
    let rule = || {
        prop::sample::select(vec![
            "-p icmp -j ACCEPT",
            "-p tcp --dport 21 -j ACCEPT",
            "-p tcp -m tcp --dport 21 -j ACCEPT",
            "-s 10.0.0.1,10.0.0.2 -j DROP",
            "-s 10.0.0.1 -d 10.1.0.0/16,10.2.0.0/16 -j DROP",
            "-m state --state NEW -j LOG",
            "-j a",
            "-g b",
            "-i lo",
            "-p udp ! --sport 53 -j RETURN",
            "-s 10.0.0.1/32 -j DROP",
        ])
    };
    prop_oneof![
        4 => (chain(), rule()).prop_map(|(chain, rule)| format!("-A {chain} {rule}")),
        3 => (chain(), number.clone(), rule()).prop_map(|(chain, number, rule)| format!("-I {chain} {number} {rule}")),
        2 => (chain(), rule()).prop_map(|(chain, rule)| format!("-I {chain} {rule}")),
        2 => (chain(), number.clone()).prop_map(|(chain, number)| format!("-D {chain} {number}")),
        2 => (chain(), rule()).prop_map(|(chain, rule)| format!("-D {chain} {rule}")),
        1 => (chain(), number, rule()).prop_map(|(chain, number, rule)| format!("-R {chain} {number} {rule}")),
        1 => chain().prop_map(|chain| format!("-F {chain}")),
        1 => prop::sample::select(vec!["a", "b"]).prop_map(|chain| format!("-X {chain}")),
        1 => Just("-X".to_owned()),
        1 => Just("-N b".to_owned()),
        1 => (chain(), prop::sample::select(vec!["DROP", "ACCEPT", "REJECT"])).prop_map(|(chain, policy)| format!("-P {chain} {policy}")),
    ]
}

/// The commands that the model takes, one by one, as a shell would go on after
/// one that failed.
fn taken(commands: &[String]) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for command in commands {
        taken.push(command.clone());
        let text: String = taken
            .iter()
            .map(|command| format!("iptables {command}\n"))
            .collect();
        if parse(&Source::new("commands", text), Family::Ipv4).is_err() {
            taken.pop();
        }
    }
    taken
}

fn script(backend: Backend, commands: &[String]) -> String {
    let lines = commands
        .iter()
        .map(|command| format!("iptables-{backend} {command} 2>/dev/null && echo '# {command}'\n"));
    format!("{}iptables-{backend}-save", lines.collect::<String>())
}

/// The rules and policies of a listing, without dates and counters.
fn rules(saved: &str) -> Vec<String> {
    let lines = saved
        .lines()
        .filter(|line| line.starts_with('-') || line.starts_with(':'));
    let mut lines: Vec<_> = lines
        .map(|line| line.split(" [").next().unwrap_or(line).to_owned())
        .collect();
    // Where nothing was loaded, a table may be listed or not; chains in any order.
    lines.retain(|line| !line.ends_with(" ACCEPT") || line.starts_with('-'));
    lines.sort_by_key(|line| !line.starts_with(':'));
    let chains = lines
        .iter()
        .take_while(|line| line.starts_with(':'))
        .count();
    lines[..chains].sort();
    lines[chains..].sort_by_key(|line| line.split(' ').nth(1).unwrap_or_default().to_owned());
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_model_is_the_kernel(commands in prop::collection::vec(command(), 1..14)) {
        let mut all = vec!["-N a".to_owned(), "-N b".to_owned()];
        all.extend(commands);
        let taken = taken(&all);
        let text: String = taken.iter().map(|command| format!("iptables {command}\n")).collect();
        let ruleset = parse(&Source::new("commands", text), Family::Ipv4).expect("taken one by one").ruleset;
        for backend in kernel::backends() {
            let real = kernel::run(&script(backend, &all), "");
            let done: Vec<_> = real.saved.lines().filter_map(|line| line.strip_prefix("# -")).map(|line| format!("-{line}")).collect();
            prop_assert_eq!(&done, &taken, "{}", backend);
            let rendered = ruleset.render(Family::Ipv4);
            let loaded = kernel::load(backend, Family::Ipv4, rendered.text());
            prop_assert!(loaded.success, "{backend}: {}\n{}", loaded.stderr, rendered.text());
            prop_assert_eq!(rules(&loaded.saved), rules(&real.saved), "{}", backend);
        }
    }
}
