//! Every kind of mistake, as it is told.

use fwlab_model::ruleset::{MISTAKES_TOLD, MistakeKind, Mistakes, Source, parse};
use fwlab_record::Family;
use miette::{Diagnostic, NarratableReportHandler};

use crate::kernel;

fn mistakes(text: &str) -> Mistakes {
    kernel::mistakes(text, Family::Ipv4).expect(text)
}

/// The mistakes as `line: kind: message [labels] help`.
fn told(text: &str) -> String {
    let mistakes = mistakes(text);
    let mut lines = Vec::new();
    for mistake in mistakes.told() {
        let labels = mistake.labels().into_iter().flatten().map(|label| {
            let under = &mistakes.source().text()[label.offset()..label.offset() + label.len()];
            let under: String = under.chars().take(60).collect();
            format!("{under} ~ {}", label.label().unwrap_or_default())
        });
        lines.push(format!(
            "{}: {}: {}",
            mistake.line(),
            mistake.kind(),
            mistake.message()
        ));
        lines.extend(labels.map(|label| format!("    [{label}]")));
        lines.extend(mistake.help().map(|help| format!("    {help}")));
    }
    lines.join("\n")
}

/// A rule in the table filter.
fn rule(rule: &str) -> String {
    told(&format!("*filter\n{rule}\nCOMMIT\n"))
}

/// A command.
fn command(command: &str) -> String {
    told(&format!("iptables {command}\n"))
}

macro_rules! tells {
    ($($name:ident: $told:expr;)+) => {
        $(
            #[test]
            fn $name() {
                insta::assert_snapshot!($told);
            }
        )+
    };
}

tells! {
    en_dash: rule("-A INPUT -p tcp –dport 21 –m state –state NEW –j ACCEPT");
    em_dash_minus_and_hyphens: rule("-A INPUT —p tcp \u{2212}\u{2212}dport 21 -m comment \u{2011}\u{2011}comment x");
    one_dash_for_two: rule("-A INPUT -p tcp -dport 21 -j ACCEPT");
    dash_within_a_value: rule("-A INPUT -p tcp -m multiport --dports 1024–65535 -j ACCEPT");
    typographic_quotes: rule("-A INPUT -m comment --comment “allow ftp” -j ACCEPT");
    apostrophes_in_a_dump: rule("-A INPUT -m comment --comment 'allow ftp' -j ACCEPT");
    no_break_space: rule("-A INPUT -p\u{a0}tcp --dport 21\u{a0}-j ACCEPT");
    zero_width_space: rule("-A INPUT -p tcp\u{200b} -j ACCEPT");
    control_character: rule("-A INPUT -p tc\u{7}p -j ACCEPT");
    missing_commit: told("*filter\n-A INPUT -j ACCEPT\n*nat\nCOMMIT\n*mangle\n");
    text_after_commit: told("*filter\nCOMMIT\nThat was the firewall.\nit has served us well\n-A INPUT -j DROP\n");
    rule_outside_a_table: told("-A INPUT -p tcp -j ACCEPT\n-A INPUT -j ACCEPT\n-A INPUT -j DROP\n");
    prose_around_a_dump: told("here are my rules\n\n*filter\n-A INPUT -j ACCEPT\nand here the rest\nCOMMIT\nthanks\n");
    a_command_in_a_dump: rule("iptables -A INPUT -j ACCEPT");
    comment_behind_a_rule: rule("-A INPUT -j ACCEPT # all");
    unknown_table: told("*fliter\n-A INPUT -j ACCEPT\nCOMMIT\n*none\nCOMMIT\n");
    unknown_built_in_chain: rule("-A PREROUTING -j ACCEPT\n:POSTROUTING ACCEPT [0:0]");
    unknown_chain: rule("-A input -j ACCEPT\n-A ftp -j ACCEPT\n-A ftp -j DROP");
    misplaced_targets: told("*filter\n-A OUTPUT -p tcp -j CT --helper ftp\n-A INPUT -j DNAT --to-destination 1.2.3.4\nCOMMIT\n*nat\n-A PREROUTING -j REJECT\n-A POSTROUTING -j DNAT --to-destination 1.2.3.4\n-A PREROUTING -j DROP\nCOMMIT\n");
    undeclared_chain: rule(":ftp - [0:0]\n-A INPUT -j fpt\n-A INPUT -j late\n:late - [0:0]\n-A INPUT -g gone\n-A INPUT -j accept");
    jump_to_a_built_in_chain: rule("-A INPUT -j FORWARD");
    jump_loop: rule(":a - [0:0]\n:b - [0:0]\n-A a -j b\n-A b -j a\n-A INPUT -j a");
    jump_to_itself: rule(":a - [0:0]\n-A a -j a\n-A INPUT -j a");
    unknown_match: rule("-A INPUT -m conntrakc --ctstate NEW\n-A INPUT -m LOG\n-A INPUT -m -j DROP\n-A INPUT -m icmp6 --icmpv6-type 1");
    unknown_target: rule("-A INPUT -j REJCT\n-A INPUT -j HL --hl-set 3");
    unknown_helper: told("*raw\n-A OUTPUT -p tcp -j CT --helper fpt\n-A OUTPUT -p tcp -j CT --helper ftp-2121\n-A OUTPUT -p tcp -j CT --helper h323\nCOMMIT\n");
    helper_without_protocol: told("*raw\n-A OUTPUT -j CT --helper ftp\n-A OUTPUT -p udp -j CT --helper ftp\nCOMMIT\n");
    ports: rule("-A INPUT -p tcp --dport 99999\n-A INPUT -p tcp --dport 50100:50000\n-A INPUT -p tcp --dport 20,21\n-A INPUT -p tcp --dport 50000-50100\n-A INPUT -p udp --dport 70000:80000\n-A INPUT -p tcp --dport 1:2:3");
    multiport: rule("-A INPUT -p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16\n-A INPUT -m multiport --dports 20,21\n-A INPUT -p tcp -m multiport --dports 20, 21");
    addresses: rule("-A INPUT -s 192.168.0.256\n-A INPUT -s 192.168.0.0/33\n-A INPUT -s ::1\n-A INPUT -s ftp.example.net\n-A INPUT -s 10.0.0.1-10.0.0.9\n-A INPUT -s 10.0.0.1,\n-A INPUT ! -s 10.0.0.1,10.0.0.2");
    protocols: rule("-A INPUT -p tpc\n-A INPUT -p 300\n-A INPUT -p tcp,udp");
    option_without_its_protocol: rule("-A INPUT --dport 21 -j ACCEPT\n-A INPUT --dport 21 -p tcp -j ACCEPT\n-A INPUT --state NEW -j ACCEPT\n-A INPUT -m tcp -j ACCEPT\n-A INPUT --icmpv6-type 1");
    policies: rule(":INPUT REJECT [0:0]\n:FORWARD drop [0:0]\n:OUTPUT\n-P INPUT DENY");
    half_a_policy: rule("-P DROP\n-P INPUT\n-F INPUT");
    half_a_policy_of_a_command: command("-t nat -P ACCEPT");
    part_of_ufw: rule(":ufw-before-input - [0:0]\n-A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny\n-A ufw-not-local -j DROP");
    template: rule("-A INPUT -i {{ lan }} -j ACCEPT\n{% for host in hosts %}\n-A INPUT -s {{ host }} -j ACCEPT\n{% endfor %}");
    owners: rule("-A OUTPUT -m owner --uid-owner ftp -j ACCEPT\n-A OUTPUT -m owner --gid-owner nosuch -j ACCEPT");
    unknown_options: rule("-A INPUT -p tcp --dprot 21\n-A INPUT -q -j ACCEPT\n-A INPUT --in eth0 -j ACCEPT");
    stray_words: rule("-A INPUT p tcp\n-A INPUT -j ACCEPT dport\n-A INPUT -m state --state NEW, ESTABLISHED\n-A INPUT !-s 1.2.3.4");
    negations: rule("-A INPUT -p ! tcp -j ACCEPT\n-A INPUT ! ! -p tcp\n-A INPUT ! -j ACCEPT\n-A INPUT -j ACCEPT !");
    missing_values: rule("-A\n-A INPUT -j\n-A INPUT -p tcp --tcp-flags SYN\n-A INPUT -c 1 -j ACCEPT");
    missing_options: rule("-A INPUT -m state -j ACCEPT\n-A INPUT -m comment -j ACCEPT");
    repeated_options: rule("-A INPUT -s 1.1.1.1 -s 2.2.2.2 -j ACCEPT\n-A INPUT -j LOG -j DROP\n-A INPUT -i eth0 -i eth1");
    states: rule("-A INPUT -m state --state NEW,ESTABLISHD\n-A INPUT -m conntrack --ctstate RELATED,\n-A INPUT -m state --state DNAT");
    rejects: rule("-A INPUT -j REJECT --reject-with icmp-host-prohibted\n-A INPUT -j REJECT --reject-with tcp-reset");
    interfaces: rule("-A INPUT -o eth0\n-A OUTPUT -i eth0\n-A INPUT -i averylonginterfacename");
    rule_numbers: rule("-I INPUT 2 -j ACCEPT\n-I INPUT 0 -j ACCEPT\n-I INPUT one -j ACCEPT\n-D INPUT 1\n-R INPUT 1 -j DROP\n-D INPUT -j LOG");
    unclosed_quote: rule("-A INPUT -m comment --comment \"allow ftp -j ACCEPT");
    commands_that_do_not_go_together: rule("-A INPUT -I INPUT -j ACCEPT\n-p tcp -j ACCEPT\n-t nat -A INPUT -j ACCEPT");
    chains: rule("-N INPUT\n-N LOG\n-N a\n-N a\n-A INPUT -j a\n-X a\n-X none\n-E a b\n-E b b\n:averyveryverylongnameofachain - [0:0]");
    shell: told("IPT=/sbin/iptables\n$IPT -A INPUT -j DROP\niptables -A INPUT -i $LAN -j DROP\niptables -A INPUT -j DROP; iptables -A OUTPUT -j DROP\niptables -F && iptables -X\niptables -A INPUT -j DROP 2>/dev/null\niptables -A INPUT -p tcp --dport {20,21}\niptables -A INPUT -s $(hostname)\niptables -A INPUT -s `hostname`\niptables -L | grep x\niptables-restore < /etc/rules\n");
    unclosed_shell_quote: command("-A INPUT -m comment --comment 'allow\niptables -A INPUT -j DROP");
    prose_among_commands: told("to let FTP through\niptables -A INPUT -j ACCEPT\nand restart the server\n");
    table_of_a_command: command("-t natt -A PREROUTING -j ACCEPT");
    protocol_read_as_a_table: command("-A INPUT -tcp --dport 80 -j ACCEPT");
    blanks_inside_of_options: rule("-A INPUT -p tcp -- dport 3306 -j ACCEPT\n-A INPUT - p tcp -j ACCEPT\n-A INPUT -m comment --comment - -j ACCEPT");
    other_family: command("-6 -A INPUT -j ACCEPT");
    too_long: command(&format!("-A INPUT -m comment --comment {} -j ACCEPT", "x".repeat(2_100)));
    no_ruleset: told("Dear all,\nplease open the firewall for FTP.\n");
    part_of_nft: told("# in\nchain input {\n  type filter hook input priority 0;\n}\n");
    nft_script: told("table inet filter {\n}\n");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    for bytes in [
        &b"\x7fELF\x02\x01\x01\0\0\0"[..],
        &[0xff, 0xfe, 0, 1],
        &[0; 64],
    ] {
        let parsed = parse(&Source::new("binary", bytes), Family::Ipv4);
        let mistakes = parsed.mistakes.unwrap();
        assert_eq!(mistakes.told()[0].kind(), MistakeKind::NotText, "{bytes:?}");
    }
}

#[test]
fn no_more_are_told_than_can_be_read() {
    let text = "that was it\n*filter\nCOMMIT\n".repeat(200);
    let mistakes = mistakes(&text);
    assert_eq!(mistakes.told().len(), MISTAKES_TOLD);
    assert_eq!(mistakes.more(), 150);
    assert_eq!(mistakes.to_string(), "200 mistakes in rules");
    assert_eq!(
        mistakes.help().unwrap().to_string(),
        "the first 50, and 150 more"
    );
}

#[test]
fn a_mistake_is_shown_with_its_place() {
    let mut shown = String::new();
    let mistakes = mistakes("# iptables -A INPUT -p tcp –dport 21 -j ACCEPT\n");
    NarratableReportHandler::new()
        .render_report(&mut shown, &mistakes)
        .unwrap();
    insta::assert_snapshot!(shown);
}

/// Whoever pastes a front end's commands hears which command prints the rules.
#[test]
fn a_front_end_s_commands_are_answered_with_the_command_to_run() {
    for (line, name, instead) in [
        ("sudo ufw allow 21/tcp", "ufw", "`iptables-save`"),
        (
            "# /usr/sbin/ufw enable\n$ ufw status verbose",
            "ufw",
            "`ip6tables-save`",
        ),
        (
            "firewall-cmd --permanent --add-service=ftp",
            "firewalld",
            "`nft list ruleset`",
        ),
        ("fw4 reload", "fw4", "`nft list ruleset`"),
    ] {
        let told = told(line);
        assert!(
            told.contains(&format!("{name}'s own commands are not rules")),
            "{told}"
        );
        assert!(
            told.contains("run them on that host") && told.contains(instead),
            "{told}"
        );
    }
    assert!(told("ufws are birds").contains("not a ruleset: `ufws are birds`"));
}
