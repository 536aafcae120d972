//! How long 20,000 rules take: `cargo bench -p fwlab-model`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use fwlab_model::ruleset::{Listing, Source, correspond, parse};
use fwlab_record::Family;

const RULES: usize = 20_000;
const ROUNDS: usize = 15;

fn main() {
    let address = |at: usize| format!("10.{}.{}.{}", at >> 16 & 255, at >> 8 & 255, at & 255);
    let dump = text(
        "*filter\n:INPUT DROP [0:0]\n:own - [0:0]\n",
        "COMMIT\n",
        |at| {
            format!(
                "[{at}:60] -A INPUT -s {}/32 -i eth0 -p tcp -m tcp --dport {} -m conntrack --ctstate NEW,ESTABLISHED -m comment --comment \"rule {at}\" -j own\n",
                address(at),
                1 + at % 65_000
            )
        },
    );
    let commands = text("iptables -N own\n", "", |at| {
        format!(
            "iptables -A INPUT -s {} -p tcp --dport {} -m state --state NEW -j own # {at}\n",
            address(at),
            1 + at % 65_000
        )
    });
    let inserts = text("iptables -N own\n", "", |at| {
        format!("iptables -I INPUT {} -j own\n", 1 + at / 2)
    });
    let wrong = text("*filter\n", "COMMIT\n", |at| {
        format!("-A INPUT –p tpc --dprot {at} -j ACEPT\n")
    });
    let parsed = |text: &str| parse(&Source::new("bench", text), Family::Ipv4);

    measure("a dump, parsed", &dump, || parsed(&dump).is_ok());
    measure("commands, parsed", &commands, || parsed(&commands).is_ok());
    measure("inserts in the middle, parsed", &inserts, || {
        parsed(&inserts).is_ok()
    });
    measure("nothing but mistakes, parsed", &wrong, || {
        parsed(&wrong).is_err()
    });
    let ruleset = parsed(&dump).expect("the rules are right").ruleset;
    measure("rendered", &dump, || {
        !ruleset.render(Family::Ipv4).text().is_empty()
    });
    measure("classified", &dump, || ruleset.impurities().is_empty());
    let saved = ruleset.render(Family::Ipv4).text().to_owned();
    measure("a listing, parsed", &saved, || {
        Listing::parse(&saved, Family::Ipv4).is_ok()
    });
    let listing = Listing::parse(&saved, Family::Ipv4).expect("it was rendered");
    measure("compared", &saved, || {
        correspond(&ruleset, &listing).is_ok()
    });
}

fn text(head: &str, tail: &str, rule: impl Fn(usize) -> String) -> String {
    let rules: String = (0..RULES).map(rule).collect();
    format!("{head}{rules}{tail}")
}

fn measure(what: &str, text: &str, work: impl Fn() -> bool) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            assert!(black_box(work()), "{what}");
            start.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "{what:32} {:>6} KiB  median {:>9.3?}  best {:>9.3?}",
        text.len() / 1024,
        times[ROUNDS / 2],
        times[0]
    );
}
