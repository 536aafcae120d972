//! What the loaders refuse is told at the line of the source.

use fwlab_model::ruleset::{Source, parse};
use fwlab_record::Family;

use crate::kernel;

/// Commands of which the marked ones do not load, and a word of what is told.
const REFUSED: &[(&str, &str)] = &[
    (
        "iptables -P INPUT DROP\niptables -A INPUT -j LOG\niptables -A INPUT -j NOSUCHTARGET # !\niptables -A INPUT -j LOG\n",
        "NOSUCHTARGET",
    ),
    (
        "iptables -A INPUT -j LOG\niptables -A INPUT -m nosuchmatch -j DROP # !\n",
        "nosuchmatch",
    ),
    (
        "iptables -A INPUT -m time --days Sun -j DROP # !\niptables -A INPUT -j LOG\n",
        "--days",
    ),
    (
        "iptables -A INPUT -p tcp --dport nosuchservice -j DROP # !\n",
        "nosuchservice",
    ),
    (
        "iptables -A INPUT -p nosuchprotocol -j DROP # !\n",
        "nosuchprotocol",
    ),
    (
        "iptables -A INPUT -p icmp --icmp-type nosuch -j DROP # !\n",
        "nosuch",
    ),
    (
        "iptables -A INPUT -m set --match-set nosuchset src -j DROP # !\n",
        "nosuchset",
    ),
    (
        "iptables -t raw -A OUTPUT -p tcp -j CT --helper nosuchhelper # !\niptables -A INPUT -j LOG\n",
        "nosuchhelper",
    ),
    // legacy does not say which rule of a table the kernel refused.
    (
        "iptables -t raw -A OUTPUT -j LOG\niptables -t raw -A OUTPUT -p tcp -j CT --helper nosuchone # !\niptables -t raw -A OUTPUT -j LOG\niptables -t raw -A OUTPUT -p tcp -j CT --helper nosuchother # !\n",
        "nosuchone",
    ),
    // Each of a shell's commands is carried out by itself.
    (
        "iptables -N late\niptables -F late\niptables -A INPUT -j later # !\niptables -N later\niptables -A INPUT -j later\n",
        "later",
    ),
    (
        "iptables -A INPUT -j LOG\niptables -R INPUT 1 -j DROP\niptables -R INPUT 2 -j DROP # !\n",
        "",
    ),
];

#[test]
fn what_is_refused_is_told_at_its_line() {
    for backend in kernel::backends() {
        for (text, word) in REFUSED {
            let parsed = parse(&Source::new("refused", *text), Family::Ipv4);
            assert!(parsed.mistakes.is_none(), "{text}");
            let (attempt, listing) = kernel::attempt(backend, &parsed.ruleset, Family::Ipv4);
            let mistakes = attempt.mistakes().expect(text);
            let marked = (1..).zip(text.lines());
            let marked = marked.filter(|(_, line)| line.ends_with("# !"));
            let marked: Vec<u32> = marked.map(|(number, _)| number).collect();
            let told = mistakes.told().iter();
            let lines: Vec<u32> = told.map(|mistake| mistake.line()).collect();
            assert_eq!(lines, marked, "{backend}: {text}{:?}", mistakes.told());
            let message = mistakes.told()[0].message();
            assert!(message.contains(word), "{backend}: {message}");
            // The others are there.
            let listing = listing.expect(text);
            attempt
                .correspond(&listing)
                .unwrap_or_else(|differences| panic!("{backend}: {text}{differences:?}"));
        }
    }
}
