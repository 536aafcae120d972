//! `generate`: rules from nothing, proven before they are printed, and policies that no rules can hold.

use fwlab_skipped::{Need, skipped};

use crate::bad_input::folder;
use crate::support::{Ended, end_of, fwlab, has_program, lab, shared};

fn generate(arguments: &[&str]) -> Ended {
    end_of(fwlab().arg("generate").args(arguments))
}

/// What is printed is what was proven: `check` finds the same, on every backend and wherever the rules stand.
#[test]
fn what_is_printed_does_what_was_asked() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") {
        return skipped(Need::Programs, "no vsftpd here");
    }
    let with_range = ["--allow", "passive,tls", "--passive-ports", "40000-40100"];
    let kept = ["--passive-ports", "40000-40100"];
    let with_helper = ["--allow", "active"];
    for (at, format, asked, server, expected) in [
        (
            "server",
            "nft",
            &with_range[..],
            &kept[..],
            ["passive passes", "active blocked"],
        ),
        (
            "client",
            "commands",
            &with_helper[..],
            &[][..],
            ["plain/active passes", "passive blocked"],
        ),
        (
            "server",
            "save",
            &["--allow", "active,tls"][..],
            &[][..],
            ["active passes", "passive blocked"],
        ),
        (
            "gateway",
            "save",
            &with_helper[..],
            &[][..],
            ["plain/active passes", "passive blocked"],
        ),
    ] {
        let made = generate(&[&["--at", at, "--format", format][..], asked].concat()).with(0);
        assert!(
            made.stderr
                .contains("what you asked for passed, and nothing else did"),
            "{}",
            made.stderr
        );
        let folder = folder(&[("made", made.stdout.as_bytes())]);
        let mut check = fwlab();
        check
            .current_dir(folder.path())
            .args(["check", "made", "--at", at])
            .args(server);
        for expected in expected {
            check.args(["--expect", expected]);
        }
        end_of(&mut check).with(0);
    }
}

#[test]
fn the_rules_are_the_fewest() {
    let Some(_lab) = lab() else { return };
    if fwlab_fabric::find_tool("nft").is_none() || !has_program("vsftpd") {
        return skipped(Need::Programs, "no nft or no vsftpd here");
    }
    let made = generate(&["--at", "server", "--format", "nft", "--allow", "passive"]).with(0);
    insta::assert_snapshot!(made.stdout, @r#"
    table inet ftp {
    	ct helper ftp-standard {
    		type "ftp" protocol tcp
    	}
    	chain helper {
    		type filter hook prerouting priority mangle; policy accept;
    		tcp dport 21 ct helper set "ftp-standard"
    	}
    	chain input {
    		type filter hook input priority filter; policy drop;
    		iifname "lo" accept
    		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    		tcp dport 21 ct state new,established accept
    		tcp sport 1024-65535 tcp dport 1024-65535 ct state related,established ct helper "ftp" accept
    	}
    	chain forward {
    		type filter hook forward priority filter; policy drop;
    	}
    	chain output {
    		type filter hook output priority filter; policy drop;
    		oifname "lo" accept
    		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    		tcp sport 21 ct state established accept
    		tcp sport 1024-65535 tcp dport 1024-65535 ct state established ct helper "ftp" accept
    	}
    }
    "#);
}

/// Nothing is printed of what no rules can do.
#[test]
fn what_no_rules_can_do_is_refused_with_the_nearest() {
    let _started = shared();
    let refused = generate(&["--at", "gateway", "--allow", "active,tls"]).with(2);
    assert_eq!(refused.stdout, "");
    insta::assert_snapshot!(refused.stderr, @"
    fwlab: no rules can do this: active FTP under TLS: no helper can read under TLS, so the server's connection looks like any stranger's
      the nearest that rules can do is --allow passive,tls --passive-ports 50000-50100, with the server limited to these ports
    ");
}

/// A gateway that translates addresses lets in only what it forwards, and out only what it masquerades; each is tried.
#[test]
fn a_gateway_that_translates_is_made_and_tried() {
    let Some(_lab) = lab() else { return };
    if !has_program("vsftpd") {
        return skipped(Need::Programs, "no vsftpd here");
    }
    let made = |nat: &str, more: &[&str]| {
        let asked = ["--at", "gateway", "--nat", nat];
        let made = generate(&[&asked[..], more].concat()).with(0);
        let proven = "what you asked for passed, and nothing else did";
        assert!(made.stderr.contains(proven), "{}", made.stderr);
        made
    };
    let out = made("masquerade=wan0", &["--allow", "passive,active"]).stdout;
    for rule in [
        "-A POSTROUTING -o wan0 -j MASQUERADE",
        "-A FORWARD -o wan0 -p tcp --dport 21 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT",
    ] {
        assert!(out.contains(rule), "{rule}: {out}");
    }
    let range = ["--allow", "passive,tls", "--passive-ports", "40000-40100"];
    let forward = made(
        "forward=10.0.0.5",
        &[&range[..], &["--format", "nft"]].concat(),
    );
    for rule in [
        "fib daddr type local tcp dport 40000-40100 dnat ip to 10.0.0.5",
        "ip daddr 10.0.0.5 tcp dport 40000-40100 ct state new,established accept",
    ] {
        assert!(forward.stdout.contains(rule), "{rule}: {}", forward.stdout);
    }
    assert!(
        forward.stderr.contains("pasv_address=ADDRESS"),
        "{}",
        forward.stderr
    );
    made(
        "forward=fd00::5",
        &[
            "--allow", "active", "--family", "ipv6", "--format", "commands",
        ],
    );
    for (asked, told) in [
        (
            &["--at", "server", "--nat", "masquerade=eth0"][..],
            "only a gateway translates addresses",
        ),
        (
            &["--at", "gateway", "--nat", "masquerade=a b"],
            "`a b` is not the name of an interface",
        ),
        (
            &["--at", "gateway", "--nat", "forward=here"],
            "`here` is not an address",
        ),
        (
            &["--at", "gateway", "--nat", "snat"],
            "write masquerade=INTERFACE",
        ),
        (
            &["--at", "gateway", "--nat", "forward=fd00::5"],
            "the server's address is not of IPv4",
        ),
    ] {
        let refused = generate(&[asked, &["--allow", "active"]].concat()).with(2);
        assert!(refused.stderr.contains(told), "{told}: {}", refused.stderr);
    }
}
