//! Commands that are handed to the loader together make of the rules what they make one by one.

use fwlab_model::ruleset::{Listing, Source, parse};
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

/// The same of a listing that was read.
fn rules_of(listing: &Listing) -> Vec<String> {
    let mut text = String::new();
    for table in listing.tables() {
        for (name, chain) in listing.chains(table) {
            let policy = chain.policy().map_or("-", |policy| policy.word());
            text += &format!(":{name} {policy} [0:0]\n");
        }
    }
    for (_, rule) in listing.rules() {
        text += &format!("{}\n", rule.statement());
    }
    rules(&text)
}

/// Carries the commands out as a shell does, hands them to each loader together, and tells where the two differ.
fn differs(commands: &[String]) -> Result<(), String> {
    let text: String = commands
        .iter()
        .map(|command| format!("iptables {command}\n"))
        .collect();
    let ruleset = parse(&Source::new("commands", text), Family::Ipv4).ruleset;
    for backend in kernel::backends() {
        let real = kernel::run(&script(backend, commands), "");
        let done: Vec<_> = real
            .saved
            .lines()
            .filter_map(|line| line.strip_prefix("# -"))
            .map(|line| format!("-{line}"))
            .collect();
        let (attempt, listing) = kernel::attempt(backend, &ruleset, Family::Ipv4);
        let listing = listing?;
        let told = attempt.mistakes();
        let told: Vec<u32> = told
            .iter()
            .flat_map(|mistakes| mistakes.told())
            .map(|mistake| mistake.line())
            .collect();
        let taken: Vec<_> = (1..)
            .zip(commands)
            .filter(|(line, _)| !told.contains(line))
            .map(|(_, command)| command)
            .collect();
        if taken.iter().any(|command| !done.contains(command)) {
            return Err(format!("{backend}: taken {taken:?}, done {done:?}"));
        }
        let (ours, theirs) = (rules_of(&listing), rules(&real.saved));
        if ours != theirs {
            let input = attempt.input().batches().concat();
            return Err(format!(
                "{backend}: {ours:?}, and a shell {theirs:?}\n{input}"
            ));
        }
    }
    Ok(())
}

/// iptables-nft removes an empty chain with its policy where both commands are one transaction.
#[test]
fn a_policy_outlives_the_removal_of_all_chains() {
    let begins = ["-P INPUT DROP", "-P OUTPUT DROP", "-F", "-X"];
    let ends = ["-A INPUT -p icmp -j ACCEPT", "-N a", "-A INPUT -j a"];
    let commands: Vec<_> = begins
        .iter()
        .chain(&ends)
        .map(|&it| it.to_owned())
        .collect();
    differs(&commands[..4]).unwrap();
    differs(&commands).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_shell_would_have_done_the_same(commands in prop::collection::vec(command(), 1..14)) {
        let mut all = vec!["-N a".to_owned(), "-N b".to_owned()];
        all.extend(commands);
        differs(&all).map_err(TestCaseError::fail)?;
    }
}
