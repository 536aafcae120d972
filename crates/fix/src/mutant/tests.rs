use super::words::{of_iptables, of_script};
use super::*;

fn left_out(line: &str) -> Vec<String> {
    of_iptables(line)
        .into_iter()
        .map(|(words, _)| words)
        .collect()
}

#[test]
fn a_rule_of_iptables_asks_less_by_one_thing() {
    let line = "iptables -t filter -A INPUT ! -s 10.0.0.0/8 -p tcp --dport 21 -m conntrack --ctstate NEW -j ACCEPT";
    assert_eq!(
        left_out(line),
        [
            "! -s 10.0.0.0/8",
            "-p tcp",
            "--dport 21",
            "-m conntrack --ctstate NEW"
        ]
    );
    let without = &of_iptables(line)[2].1;
    assert_eq!(
        without,
        "iptables -t filter -A INPUT ! -s 10.0.0.0/8 -p tcp -m conntrack --ctstate NEW -j ACCEPT"
    );
}

#[test]
fn a_match_with_several_options_loses_one_at_a_time() {
    let line =
        "-A INPUT -p tcp -m multiport --dports 20,21 ! --sports 1:2 -j LOG --log-prefix \"-p a\"";
    assert_eq!(
        left_out(line),
        ["-p tcp", "--dports 20,21", "! --sports 1:2"]
    );
}

#[test]
fn a_comment_asks_nothing() {
    let line = "-A INPUT -m comment --comment \"ftp -p tcp\" -p tcp -j ACCEPT";
    assert_eq!(left_out(line), ["-p tcp"]);
}

#[test]
fn a_rule_of_nft_asks_nothing() {
    let of = of_script;
    let (out, rest) = ("tcp dport 21 ct state new", "  accept # ftp");
    let line = "  tcp dport 21 ct state new accept # ftp";
    assert_eq!(of(line), Some((out.to_owned(), rest.to_owned())));
    let line = "add rule inet t c tcp dport 21 counter drop";
    let (out, rest) = ("tcp dport 21 counter", "add rule inet t c drop");
    assert_eq!(of(line), Some((out.to_owned(), rest.to_owned())));
    assert_eq!(of("accept"), None);
    assert_eq!(of("tcp dport 21 accept; accept"), None);
}

#[test]
fn every_kind_of_mistake_is_made_once() {
    let source = Source::new(
        "rules",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -j ACCEPT\n-A FORWARD -j DROP\n-A INPUT -j DROP\nCOMMIT\n",
    );
    let rule = |line, chain: &str| RuleLine {
        line,
        chain: chain.to_owned(),
    };
    let rules = [rule(3, "INPUT"), rule(4, "FORWARD"), rule(5, "INPUT")];
    let made = mutants(&source, &rules);
    let told: Vec<String> = made
        .iter()
        .map(|mutant| format!("{} {}", mutant.line, mutant.change))
        .collect();
    assert_eq!(
        told,
        [
            "2 with the policy ACCEPT",
            "3 taken away",
            "3 without `-p tcp`",
            "3 after line 5",
            "4 taken away",
            "5 taken away"
        ]
    );
    let text = |at: usize| String::from_utf8_lossy(&made[at].source.text).into_owned();
    assert!(text(0).contains(":INPUT ACCEPT [0:0]"));
    assert!(text(2).contains("\n-A INPUT -j ACCEPT\n"));
    assert!(
        text(3).contains("\n-A INPUT -j DROP\n-A FORWARD -j DROP\n-A INPUT -p tcp -j ACCEPT\n")
    );
}

#[test]
fn a_policy_of_commands_and_of_a_script() {
    let lines = |text: &str| {
        let source = Source::new("rules", text.to_owned());
        let made = mutants(&source, &[]);
        let told = made
            .iter()
            .map(|mutant| String::from_utf8_lossy(&mutant.source.text).into_owned());
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        lines("iptables -P INPUT DROP\niptables -P OUTPUT ACCEPT\n"),
        ["iptables -P INPUT ACCEPT\niptables -P OUTPUT ACCEPT\n"]
    );
    let script =
        "table ip t {\n chain c {\n  type filter hook input priority 0; policy drop;\n }\n}\n";
    assert_eq!(
        lines(script),
        [script.replace("policy drop", "policy accept")]
    );
}
