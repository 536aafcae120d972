//! Rules that assign helpers which the kernel lacks, in the loaders' own words: FTP's is needed, others are left out.

use fwlab_model::ruleset::{Attempt, Next, Source, parse};
use fwlab_record::Family;

/// Answers as a loader does on a kernel that lacks a helper, until all is loaded; says what is left out, and what is a mistake.
fn tried(text: &str, lacks: &str, is_legacy: bool) -> (Vec<String>, Option<String>, String) {
    let source = Source::new("rules", text);
    let ruleset = parse(&source, Family::Ipv4).ruleset;
    let mut attempt = Attempt::new(&ruleset, Family::Ipv4);
    for _ in 0..100 {
        let input = attempt.input().batches().concat();
        let refused = (1..)
            .zip(input.lines())
            .find(|(_, line)| line.contains(&format!("--helper {lacks}")));
        let commit = (1..).zip(input.lines()).find(|(_, line)| *line == "COMMIT");
        let next = match (refused, commit) {
            (None, _) => attempt.loaded(),
            (Some(_), Some((line, _))) if is_legacy => {
                attempt.refused(&format!("iptables-restore: line {line} failed\n"), "exit status: 1")
            }
            (Some((line, _)), _) => attempt.refused(
                &format!(
                    "iptables-nft-restore v1.8.9 (nf_tables): \nline {line}: RULE_APPEND failed (No such file or directory): rule \
                     in chain PREROUTING\n"
                ),
                "exit status: 4",
            ),
        };
        if next == Next::Done {
            let left_out = attempt.left_out();
            let left_out = left_out.iter().map(ToString::to_string);
            let mistakes = attempt.mistakes().map(|mistakes| {
                let told = mistakes
                    .told()
                    .iter()
                    .map(|mistake| format!("line {}: {mistake}", mistake.line()));
                told.collect::<Vec<_>>().join("; ")
            });
            return (left_out.collect(), mistakes, input);
        }
        assert_eq!(next, Next::Again);
    }
    panic!("it comes to no end");
}

const SIP: &str = "iptables -t raw -A PREROUTING -p udp --dport 5060 -j CT --helper sip
iptables -t raw -A PREROUTING -p tcp -m multiport --dports 5060,5061 -j CT --helper sip
iptables -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp
iptables -t raw -A OUTPUT -p udp --dport 5060 -j CT --helper sip
iptables -A INPUT -j DROP
";

#[test]
fn a_helper_of_another_protocol_is_left_out() {
    for is_legacy in [false, true] {
        let (left_out, mistakes, input) = tried(SIP, "sip", is_legacy);
        assert_eq!(mistakes, None);
        let said = "left out: the kernel of this machine has no helper `sip`. It is another protocol's, and no packet of FTP comes to it";
        let expected = [1, 2, 4].map(|line| format!("line {line}: {said}"));
        assert_eq!(left_out, expected, "{is_legacy}");
        assert!(!input.contains("sip"), "{input}");
        // What stays keeps its number.
        assert!(
            input.contains("[3:0] -A PREROUTING -p tcp --dport 21 -j CT --helper ftp\n"),
            "{input}"
        );
        assert!(input.contains("[5:0] -A INPUT -j DROP\n"), "{input}");
    }
}

#[test]
fn a_kernel_without_ftp_s_helper_is_a_mistake_that_says_what_to_do() {
    for is_legacy in [false, true] {
        let (left_out, mistakes, _) = tried(SIP, "ftp", is_legacy);
        assert_eq!(left_out, [""; 0]);
        assert_eq!(
            mistakes.as_deref(),
            Some("line 3: the kernel of this machine has no helper `ftp`"),
            "{is_legacy}"
        );
    }
}

#[test]
fn what_may_take_ftp_s_connections_is_not_left_out() {
    for (rule, helper, told) in [
        (
            "-p tcp --dport 2121 -j CT --helper fpt",
            "fpt",
            "the kernel has no helper `fpt`",
        ),
        (
            "-p tcp --dport 2121 -j CT --helper ftp-2121",
            "ftp-2121",
            "the kernel has no helper `ftp-2121`",
        ),
        (
            "-p tcp --dport 2121 -j CT --helper tftp",
            "tftp",
            "the helper `tftp` needs `-p udp`",
        ),
        (
            "-p tcp -j CT --helper rtsp",
            "rtsp",
            "the kernel of this machine has no helper `rtsp`",
        ),
        (
            "-p tcp --dport 1:1024 -j CT --helper rtsp",
            "rtsp",
            "the kernel of this machine has no helper `rtsp`",
        ),
        (
            "-p tcp ! --dport 80 -j CT --helper rtsp",
            "rtsp",
            "the kernel of this machine has no helper `rtsp`",
        ),
        (
            "-p tcp --sport 1024:65535 -j CT --helper rtsp",
            "rtsp",
            "the kernel of this machine has no helper `rtsp`",
        ),
        (
            "-p tcp --dport ftp -j CT --helper rtsp",
            "rtsp",
            "the kernel of this machine has no helper `rtsp`",
        ),
        (
            "-p tcp --dport 5060 -j CT --zone 3 --helper sip",
            "sip",
            "the kernel of this machine has no helper `sip`",
        ),
    ] {
        for is_legacy in [false, true] {
            let text = format!("iptables -t raw -A PREROUTING {rule}\n");
            let (left_out, mistakes, _) = tried(&text, helper, is_legacy);
            assert_eq!(left_out, [""; 0], "{rule}");
            let mistakes = mistakes.unwrap_or_else(|| panic!("{rule}"));
            assert!(mistakes.contains(told), "{rule}: {mistakes}");
        }
    }
    // By the number of a rule that is left out, others would be meant.
    let counted = format!("{SIP}iptables -t raw -I PREROUTING 3 -p tcp --dport 22 -j NOTRACK\n");
    let (left_out, mistakes, _) = tried(&counted, "sip", false);
    assert_eq!(left_out, [""; 0]);
    assert!(mistakes.is_some_and(|told| told.contains("no helper `sip`")));
}
