//! How long 20,000 rules take: `cargo bench -p fwlab-model`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use fwlab_model::ruleset::{Attempt, Listing, Source, parse};
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
    let parsed = |text: &str| parse(&Source::new("bench", text), Family::Ipv4);

    measure("a dump, parsed", &dump, || parsed(&dump).mistakes.is_none());
    measure("commands, parsed", &commands, || {
        parsed(&commands).mistakes.is_none()
    });
    let ruleset = parsed(&dump).ruleset;
    let attempt = Attempt::new(&ruleset, Family::Ipv4);
    measure("written for the loader", &dump, || {
        attempt.input().batches().len() == 1
    });
    let saved = attempt.input().batches().concat();
    measure("a listing, parsed", &saved, || {
        Listing::parse(&saved, Family::Ipv4).is_ok()
    });
    let listing = Listing::parse(&saved, Family::Ipv4).expect("it is one");
    measure("compared", &saved, || attempt.correspond(&listing).is_ok());
    let lines = attempt.correspond(&listing).expect("it is itself");
    measure("classified", &saved, || {
        listing.impurities(&lines).is_empty()
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
