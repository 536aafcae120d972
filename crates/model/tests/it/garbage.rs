//! Nothing that can stand in a file makes the parser panic or linger.

use std::time::Duration;

use fwlab_model::ruleset::{Attempt, Correspondence, Listing, Next, Source, parse};
use fwlab_record::Family;
use proptest::prelude::*;

/// Pieces that rulesets are made of, and some that they are not.
fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "*filter\n",
        "*nat\n",
        "COMMIT\n",
        ":INPUT DROP [0:0]\n",
        ":f - [0:0]\n",
        "-A INPUT ",
        "-A f ",
        "-I INPUT 1 ",
        "-D INPUT 1",
        "-D f -j f",
        "-R INPUT 1 ",
        "-N f",
        "-X",
        "-E f g",
        "-F",
        "-P INPUT ",
        "-j f ",
        "-j ACCEPT ",
        "-j CT ",
        "--helper ftp ",
        "-p tcp ",
        "-p ",
        "--dport 1024:",
        "--dport ",
        "–dport 21 ",
        "-m state --state NEW ",
        "-m multiport --dports 1,2 ",
        "-s 1.1.1.1,2.2.2.2 ",
        "-s ",
        "! ",
        "\"",
        "'",
        "\\",
        "\\\n",
        "#",
        " # iptables ",
        "iptables ",
        "\n# iptables ",
        "\niptables -A INPUT ",
        "sudo ",
        "$",
        "${",
        "$(",
        "`",
        "{a,b}",
        ";",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "\0",
        "\u{feff}",
        "\u{a0}",
        "“",
        "--",
        "-",
        "=",
        ":",
        "[1:2] ",
        "é",
        "\u{1b}[31m",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => "\\PC{0,6}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_pieces_are_read(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        for family in [Family::Ipv4, Family::Ipv6] {
            let parsed = parse(&Source::new("pieces", text.as_str()), family);
            for mistake in parsed.mistakes.iter().flat_map(|mistakes| mistakes.told()) {
                let span = mistake.span().unwrap_or_default();
                prop_assert!(parsed.source.text().get(span).is_some());
            }
            for family in parsed.ruleset.families() {
                let rendered = parsed.ruleset.render(family);
                let again = parse(&Source::new("rendered", rendered.as_str()), family);
                let batches = Attempt::new(&parsed.ruleset, family).input().batches();
                prop_assert_eq!(batches.len() <= 2, true);
                if again.mistakes.is_none() {
                    prop_assert_eq!(again.ruleset.render(family), rendered);
                }
                let _ = Listing::parse(&batches[0], family).map(|listing| listing.impurities(&Correspondence::default()));
            }
        }
    }

    /// Whatever a loader says, it is asked no more often than there are commands to refuse and to search for.
    #[test]
    fn any_loader_is_done_with(
        pieces in prop::collection::vec(piece(), 0..40),
        said in prop::collection::vec(("(|Bad argument `x'\n|line 3 failed\n)", 0..9_u32, any::<bool>()), 1..9),
    ) {
        let text = pieces.concat();
        let ruleset = parse(&Source::new("pieces", text.as_str()), Family::Ipv4).ruleset;
        let mut attempt = Attempt::new(&ruleset, Family::Ipv4);
        let commands = ruleset.commands(Family::Ipv4).len();
        let mut done = false;
        for (words, line, taken) in said.iter().cycle().take(10 + 12 * commands) {
            let next = match *taken && attempt.is_refused() {
                true => attempt.loaded(),
                false => attempt.refused(&format!("{words}Error occurred at line: {line}\n"), "2"),
            };
            done = !matches!(next, Next::Again);
            if done {
                break;
            }
        }
        prop_assert!(done);
        attempt.mistakes();
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&Source::new("bytes", bytes.clone()), Family::Ipv4);
        let text = String::from_utf8_lossy(&bytes);
        let _ = Listing::parse(&text, Family::Ipv4);
    }
}

/// The processor's time that this thread has had: what others have of it meanwhile does not count.
fn processor_time() -> Duration {
    /// `sysconf(_SC_CLK_TCK)`, which is the same on every machine (`USER_HZ` in `include/asm-generic/param.h`).
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("the kernel tells");
    let (_, behind_name) = stat.rsplit_once(')').expect("a name");
    // From the state on: utime and stime are the 14th and 15th of all (proc_pid_stat(5)).
    let ticks = behind_name.split_whitespace().skip(11).take(2);
    let ticks: u32 = ticks
        .map(|ticks| ticks.parse::<u32>().expect("a number"))
        .sum();
    TICK * ticks
}

/// The texts that could cost most, in a debug build.
#[test]
fn no_text_takes_long() {
    const LINES: usize = 20_000;
    let lines = |line: &str| line.repeat(LINES);
    let texts = [
        (
            "inserts",
            format!(
                "*filter\n{}COMMIT\n",
                lines("-I INPUT -p tcp --dport 21 -j ACCEPT\n")
            ),
        ),
        (
            "mistakes",
            format!(
                "*filter\n{}COMMIT\n",
                lines("-A INPUT –p tpc --dprot 99999 -m conntrakc -j ACEPT\n")
            ),
        ),
        ("prose", lines("nothing that anybody could load\n")),
        (
            "chains",
            format!(
                "*filter\n{}COMMIT\n",
                (0..LINES)
                    .map(|at| format!(":c{at} - [0:0]\n"))
                    .collect::<String>()
            ),
        ),
        ("deep", {
            let chains: String = (0..LINES).map(|at| format!(":c{at} - [0:0]\n")).collect();
            let jumps: String = (1..LINES)
                .map(|at| format!("-A c{} -j c{at}\n", at - 1))
                .collect();
            format!("*filter\n{chains}-A INPUT -j c0\n{jumps}COMMIT\n")
        }),
        (
            "one line",
            format!("iptables -A INPUT {}\n", lines("-m comment --comment x ")),
        ),
        (
            "addresses",
            format!(
                "iptables -A INPUT -s {} -d {}\n",
                lines("1.1.1.1,"),
                lines("2.2.2.2,")
            ),
        ),
        (
            "quotes",
            lines("iptables -A INPUT -m comment --comment \"\n"),
        ),
        (
            "hashes",
            format!("# iptables -A INPUT {}\n", lines("# iptables -A INPUT ")),
        ),
        ("braces", format!("iptables {}\n", lines("{{{{"))),
        ("control characters", "\u{1}".repeat(LINES * 10)),
    ];
    for (name, text) in texts {
        let before = processor_time();
        let _ = parse(&Source::new(name, text), Family::Ipv4);
        let took = processor_time() - before;
        assert!(took < Duration::from_secs(10), "{name} took {took:?}");
    }
}
