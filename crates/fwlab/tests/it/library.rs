//! The library as a user's tests have it.

use std::net::SocketAddr;
use std::panic::catch_unwind;

use fwlab::{
    Backend, Cause, DataSetup, Lab, LabError, Operation, OwnServer, Phase, Symptom, assert_blocked,
    assert_met, assert_transferred, libunftp,
};

use crate::support::can_build;

/// The link's other end answers, and nothing else is let in.
const ESTABLISHED: &str = "iptables -P INPUT DROP
iptables -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT";

#[test]
fn what_passes_and_what_a_policy_stops() {
    if !can_build() {
        return;
    }
    for backend in [Backend::Nft, Backend::Legacy] {
        let lab = Lab::client_firewall().rules(ESTABLISHED).backend(backend);
        assert_transferred!(lab.transfer(DataSetup::Pasv).unwrap());
        let blocked = lab.transfer(DataSetup::Port).unwrap();
        assert_blocked!(blocked);
        assert_blocked!(blocked, by policy "filter/INPUT");
        assert_eq!(
            (blocked.outcome.symptom, blocked.outcome.phase),
            (Symptom::DataTimeout, Phase::DataConnect)
        );
        let Cause::Policy { source_line, .. } = blocked.outcome.cause else {
            panic!("{blocked}")
        };
        assert_eq!(source_line, Some(1));
        assert_transferred!(lab.with_helper().transfer(DataSetup::Port).unwrap());
    }
}

#[test]
fn what_a_rule_stops_is_told_by_its_place() {
    if !can_build() {
        return;
    }
    let rules = "iptables -A INPUT -p tcp --dport 21 -j ACCEPT
iptables -A INPUT -p tcp --syn -j REJECT --reject-with tcp-reset";
    let lab = Lab::server_firewall().rules(rules);
    let blocked = lab.transfer(DataSetup::Epsv).unwrap();
    assert_blocked!(blocked, by rule "filter/INPUT", 2);
    assert!(!blocked.is_blocked_by_rule("filter/INPUT", 1));
    assert!(!blocked.is_blocked_by_rule("filter/OUTPUT", 2));
    assert!(!blocked.is_blocked_by_policy("filter/INPUT"));
    assert_eq!(blocked.outcome.symptom, Symptom::DataRejected);
    assert_transferred!(lab.run(DataSetup::Port, Operation::Stor).unwrap());
}

#[test]
fn a_gateway_s_rules_are_the_gateway_s() {
    if !can_build() {
        return;
    }
    let lab = Lab::gateway().rules("iptables -P FORWARD DROP\niptables -P INPUT DROP");
    let blocked = lab.transfer(DataSetup::Pasv).unwrap();
    assert_blocked!(blocked, by policy "filter/FORWARD");
    assert_eq!(blocked.outcome.symptom, Symptom::ControlTimeout);
}

/// What the lab takes for granted is noted.
#[test]
fn the_interface_that_rules_name_is_said_to_be_the_peers() {
    if !can_build() {
        return;
    }
    let lab = Lab::server_firewall().rules("iptables -A INPUT ! -i eth7 -j DROP");
    let passed = lab.transfer(DataSetup::Pasv).unwrap();
    assert_transferred!(passed);
    let assumed = "the peers are on eth7, the only interface that the rules name";
    assert!(
        passed.notes.iter().any(|note| note.starts_with(assumed)),
        "{passed}"
    );
    let elsewhere = lab.interface("eth1".parse().unwrap());
    let blocked = elsewhere.transfer(DataSetup::Pasv).unwrap();
    assert_blocked!(blocked, by rule "filter/INPUT", 1);
    let told = "the rules name eth7, but server has eth1, lo";
    assert!(
        blocked.notes.iter().all(|note| note.starts_with(told)),
        "{blocked}"
    );
}

/// The message of the panic.
fn message(panics: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let payload = catch_unwind(panics).expect_err("it must panic");
    *payload.downcast::<String>().expect("a formatted message")
}

#[test]
fn a_failed_assertion_is_the_evidence() {
    if !can_build() {
        return;
    }
    let lab = Lab::client_firewall().rules(ESTABLISHED);
    let observed = lab.transfer(DataSetup::Port).unwrap();
    let message = message(|| assert_transferred!(observed));
    for part in [
        "it should have passed, but did not: lab::rules::nft::libunftp::suppaftp::port",
        "  with libunftp ",
        " in the lab, suppaftp ",
        "data-timeout at data-connect: client: policy of ipv4/filter/INPUT (line 1) `-P INPUT DROP` stopped SYN ",
        "client: PORT 10,77,0,2,",
        "server: 220 ",
        "conntrack  new connection",
        "wire       in: SYN ",
    ] {
        assert!(message.contains(part), "{part}\nis not in\n{message}");
    }
    let deciding: Vec<&str> = message
        .lines()
        .filter(|line| line.starts_with('▶'))
        .collect();
    assert_eq!(deciding.len(), 1, "{message}");
    assert!(deciding[0].contains("`-P INPUT DROP` stopped SYN"));
}

#[test]
fn an_assertion_that_names_another_rule_fails() {
    if !can_build() {
        return;
    }
    let lab = Lab::client_firewall().rules(ESTABLISHED);
    let blocked = lab.transfer(DataSetup::Port).unwrap();
    let text = message(|| assert_blocked!(blocked, by policy "filter/OUTPUT"));
    assert!(text.starts_with("the policy of filter/OUTPUT should have stopped it, but did not: "));
    let text = message(|| assert_blocked!(blocked, by rule "filter/INPUT", 1));
    assert!(text.starts_with("rule 1 of filter/INPUT should have stopped it, but did not: "));
    assert!(text.contains("`-P INPUT DROP`"), "{text}");
    let passed = lab.transfer(DataSetup::Pasv).unwrap();
    let text = message(|| assert_blocked!(passed));
    assert!(text.starts_with("the firewall should have stopped it, but did not: "));
    assert!(text.contains("server: 226"), "{text}");
}

/// One ruleset, one cell that passes; with the requirement that is given.
fn in_place(data: &str, requirement: &str) -> String {
    format!(
        r#"description = "In place."
topology.shape = "client-firewall"
ruleset = [{{ name = "open", text = "iptables -P INPUT ACCEPT", backends = "nft" }}]
matrix.data = "{data}"
require = [{{ {requirement} }}]"#
    )
}

#[test]
fn a_scenario_in_place_is_met_or_tells_why_not() {
    if !can_build() {
        return;
    }
    assert_met(&in_place("pasv", "symptom = 'transferred'"));
    let text = message(|| assert_met(&in_place("pasv", "symptom = 'refused'")));
    assert!(
        text.starts_with(
            "in-place::open::nft::libunftp::suppaftp::pasv::plain::ipv4::retr\n\
             symptom transferred, required refused\n"
        ) && text.contains("server: 226"),
        "{text}"
    );
    let text = message(|| assert_met(&in_place("eprt", "symptom = 'transferred'")));
    assert!(
        text.starts_with("every cell was skipped:") && text.contains("answers EPRT with 500"),
        "{text}"
    );
    let text = message(|| assert_met(&in_place("pasv", "server = 'vsftpd', symptom = 'refused'")));
    assert!(text.contains("is never held against a cell"), "{text}");
    let text = message(|| assert_met(&in_place("pasw", "symptom = 'transferred'")));
    assert!(text.contains("did you mean `pasv`?"), "{text}");
}

/// What a lab has no word for: nodes and links, a setting of a kernel, a step; each cell with its evidence.
#[test]
fn a_scenario_in_place_is_observed() {
    if !can_build() {
        return;
    }
    let text = r#"description = "In place."
step = [{ at = "logged-in", load = "shut" }]
sysctl = [{ node = "one", set = { "net.ipv4.tcp_timestamps" = 0 } }]
matrix = { rulesets = "open", data = ["pasv", "port", "eprt"] }
[topology]
firewall = "one"
[[topology.node]]
name = "one"
addresses = { e0 = ["10.0.1.2/24"] }
[[topology.node]]
name = "server"
addresses = { e1 = ["10.0.1.1/24"] }
[[topology.link]]
between = ["one:e0", "server:e1"]
[client]
at = "one"
[[ruleset]]
name = "open"
text = "iptables -P INPUT ACCEPT"
backends = "nft"
[[ruleset]]
name = "shut"
text = """
iptables -P INPUT DROP
iptables -A INPUT -m state --state ESTABLISHED -j ACCEPT
"""
backends = "nft"
"#;
    let observed = fwlab::observe_in_place(text).unwrap();
    let [pasv, port] = &observed[..] else {
        panic!("libunftp answers EPRT with 500: {observed:#?}")
    };
    assert!(pasv.cell.contains("::pasv::"), "{pasv}");
    assert_transferred!(pasv);
    assert_blocked!(port, by policy "filter/INPUT");
    assert_eq!(port.peers.len(), 2, "{:?}", port.peers);
    let refused = fwlab::observe_in_place(&in_place("eprt", "symptom = 'transferred'"));
    assert!(refused.unwrap_err().to_string().contains("500"));
    let mistaken = fwlab::observe_in_place(&in_place("pasw", "symptom = 'transferred'"));
    assert!(
        mistaken
            .unwrap_err()
            .to_string()
            .contains("did you mean `pasv`?")
    );
}

#[test]
fn threads_share_a_lab() {
    if !can_build() {
        return;
    }
    let lab = Lab::client_firewall().rules(ESTABLISHED);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_transferred!(lab.transfer(DataSetup::Pasv).unwrap()));
            scope.spawn(
                || assert_blocked!(lab.transfer(DataSetup::Port).unwrap(), by policy "filter/INPUT"),
            );
        }
    });
}

#[tokio::test]
async fn a_test_can_be_asynchronous() -> Result<(), LabError> {
    if !can_build() {
        return Ok(());
    }
    let lab = Lab::client_firewall().rules(ESTABLISHED);
    assert_transferred!(lab.observe(DataSetup::Epsv, Operation::List).await?);
    Ok(())
}

#[test]
fn a_lab_can_be_used_in_a_runtime() {
    if !can_build() {
        return;
    }
    let lab = Lab::client_firewall().rules(ESTABLISHED);
    for runtime in [
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build(),
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build(),
    ] {
        runtime.unwrap().block_on(async {
            let (passes, blocked) = tokio::join!(
                lab.observe(DataSetup::Epsv, Operation::List),
                lab.observe(DataSetup::Port, Operation::Retr)
            );
            assert_transferred!(passes.unwrap());
            assert_blocked!(blocked.unwrap(), by policy "filter/INPUT");
            // The blocking call too: a test may not know that it is in a runtime.
            assert_transferred!(lab.transfer(DataSetup::Pasv).unwrap());
        });
    }
}

#[test]
fn ports_and_addresses_are_those_that_were_asked_for() {
    if !can_build() {
        return;
    }
    let rules = "iptables -P INPUT DROP
iptables -A INPUT -s 198.51.100.7 -p tcp --dport 2121 -j ACCEPT
iptables -A INPUT -s 198.51.100.7 -p tcp --dport 50000:50010 -j ACCEPT";
    let lab = Lab::server_firewall()
        .rules(rules)
        .control_port(2121)
        .passive_ports(50000..=50010)
        .client_address("198.51.100.7/24".parse().unwrap())
        .server_address("198.51.100.8/24".parse().unwrap());
    assert_transferred!(lab.transfer(DataSetup::Pasv).unwrap());
    let active = Lab::client_firewall()
        .rules("iptables -P INPUT DROP\niptables -A INPUT -m state --state ESTABLISHED -j ACCEPT\niptables -A INPUT -p tcp --sport 20 --dport 40000:40001 -j ACCEPT")
        .data_from_port_20()
        .active_ports(40000..=40001);
    assert_transferred!(active.transfer(DataSetup::Port).unwrap());
    let elsewhere = active.active_ports(40002..=40003);
    let blocked = elsewhere.transfer(DataSetup::Port).unwrap();
    assert_blocked!(blocked, by policy "filter/INPUT");
    let flow = match blocked.outcome.cause.packet() {
        Some(fwlab_record::Packet::Tcp { flow, .. }) => *flow,
        other => panic!("{other:?}"),
    };
    assert_eq!(flow.from.port(), 20);
    assert!((40002..=40003).contains(&SocketAddr::port(&flow.to)));
}

#[test]
fn what_is_no_answer_is_an_error() {
    if !can_build() {
        return;
    }
    let missing = Lab::client_firewall().rules_file("no/such/file");
    let error = missing.expect_err("it is not there").to_string();
    assert_eq!(error, "cannot read no/such/file");
    let lab = Lab::client_firewall().rules("iptables -A INPTU -j DROP");
    let error = lab.transfer(DataSetup::Pasv).unwrap_err();
    assert!(matches!(error, LabError::Ruleset(_)));
    // What a test prints that returns it.
    assert_eq!(format!("{error:?}"), error.to_string());
    insta::assert_snapshot!(error, @"
    the ruleset cannot be used:
    a mistake in rules
    rules:1:13: the table filter has no chain `INPTU`
    1 | iptables -A INPTU -j DROP
      |             ^^^^^ `INPUT`?
    ");
    let error = Lab::client_firewall()
        .transfer(DataSetup::Eprt)
        .unwrap_err();
    insta::assert_snapshot!(error, @"not run: not supported by libunftp: libunftp answers EPRT with 500");
    let lab = Lab::client_firewall().server(libunftp().in_container());
    let error = lab.transfer(DataSetup::Pasv).unwrap_err();
    insta::assert_snapshot!(error, @"not run: libunftp does not run in a container: it is part of the lab");
}

#[test]
fn a_server_of_somebody_elses_is_set_up_by_its_owner() {
    if !can_build() {
        return;
    }
    let own = OwnServer::new(std::process::id(), "/srv");
    let lab = Lab::gateway().server(own.clone());
    let error = lab
        .clone()
        .passive_ports(50000..=50100)
        .transfer(DataSetup::Pasv);
    insta::assert_snapshot!(error.unwrap_err(), @"not run: not supported by own-server: a server that runs already is set up by its owner: passive ports");
    let error = Lab::server_firewall().server(own).transfer(DataSetup::Pasv);
    insta::assert_snapshot!(error.unwrap_err(), @"not run: the namespace of a server that is already running outlives the lab, so rules in it would stay: put the firewall on a gateway or on the client's host");
    // This process is in the machine's own network, which is no lab's.
    let error = lab.transfer(DataSetup::Pasv).unwrap_err();
    assert!(matches!(error, LabError::Inconclusive(_)));
    let error = error.to_string();
    assert!(
        error.ends_with("is the machine's own, and no lab's"),
        "{error}"
    );
}

#[cfg(not(feature = "containers"))]
#[test]
fn without_the_feature_there_are_no_containers() {
    if !can_build() {
        return;
    }
    let lab = Lab::client_firewall().server(fwlab::proftpd());
    let error = lab.transfer(DataSetup::Pasv).unwrap_err().to_string();
    for part in ["not run: ", "features = [\"containers\"]"] {
        assert!(error.contains(part), "{error}");
    }
}

/// The macro makes a test for the usual harness, too: it fails, where that one would find no other, and says what to add.
#[test]
#[expect(
    unnameable_test_items,
    reason = "its test is called here instead of by the harness"
)]
fn scenario_tests_in_the_usual_harness_fail_with_the_line_to_add() {
    fwlab::scenario_tests!("nowhere");
    let payload = catch_unwind(the_harness_is_switched_off).expect_err("it must panic");
    let said = payload
        .downcast::<&str>()
        .expect("a message that is a constant");
    assert!(
        said.contains("write `harness = false` in this test's `[[test]]`"),
        "{said}"
    );
}
