use std::collections::BTreeSet;

use fwlab_model::ruleset::Listing;
use fwlab_record::{Family, InterfaceName};

use super::*;

fn question(position: Position) -> Question {
    let end = |address: &str| End {
        usual_addresses: vec![address.parse().expect("an address")],
        usual_interfaces: vec![InterfaceName::new("e0").expect("a name")],
        ..End::default()
    };
    Question {
        position,
        family: Family::Ipv4,
        control_port: 21,
        passive_ports: None,
        ends: [end("10.77.0.2"), end("10.77.0.1")],
        taken: Vec::new(),
        network: None,
        at_most: 50,
    }
}

fn classes(rules: &str, question: &Question) -> Classes {
    let mut saved =
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n".to_owned();
    saved += rules;
    saved += "COMMIT\n";
    let listing = Listing::parse(&saved, Family::Ipv4).expect("a listing");
    Classes::of(&listing.told(&[]), question)
}

/// Each class in words, with its representative.
fn shown(classes: &Classes) -> Vec<String> {
    (0..classes.len())
        .map(|at| {
            let words = classes.describe(&BTreeSet::from([at]));
            let Representative {
                interface,
                far_interface,
                address,
                far_address,
            } = classes.representative(at);
            let interfaces = [interface, far_interface].into_iter().flatten();
            let addresses = [address, far_address].into_iter().flatten();
            let interfaces = interfaces.map(|one| one.to_string());
            let parts: Vec<String> = interfaces
                .chain(addresses.map(|one| one.to_string()))
                .collect();
            format!("{}: {}", words.join(" | "), parts.join(" "))
        })
        .collect()
}

#[test]
fn rules_that_name_nobody_tell_nobody_apart() {
    let found = classes(
        "-A INPUT -p tcp -m tcp --dport 21 -j ACCEPT\n",
        &question(Position::Server),
    );
    assert_eq!(shown(&found), ["anyone: e0 10.77.0.2 10.77.0.1"]);
}

#[test]
fn interfaces_and_addresses_are_multiplied() {
    let rules = "-A INPUT -i lo -j ACCEPT\n\
                 -A INPUT -s 203.0.113.0/24 -i eth0 -p tcp -m tcp --dport 21 -j ACCEPT\n\
                 -A INPUT -i docker0 -j ACCEPT\n\
                 -A INPUT -s 192.0.2.1/32 -p tcp -m tcp --dport 22 -j ACCEPT\n\
                 -A INPUT -s 192.0.2.1/32 -p udp -j ACCEPT\n\
                 -A INPUT -s 224.0.0.0/4 -j DROP\n\
                 -A FORWARD -s 192.0.2.9/32 -j DROP\n";
    let found = classes(rules, &question(Position::Server));
    assert_eq!(
        shown(&found),
        [
            "from 203.0.113.0/24 on eth0: eth0 203.0.113.1 10.77.0.1",
            "from anywhere else on eth0: eth0 10.77.0.2 10.77.0.1",
            "from 203.0.113.0/24 on docker0: docker0 203.0.113.1 10.77.0.1",
            "from anywhere else on docker0: docker0 10.77.0.2 10.77.0.1",
            "from 203.0.113.0/24 on any other interface: e0 203.0.113.1 10.77.0.1",
            "from anywhere else on any other interface: e0 10.77.0.2 10.77.0.1",
        ]
    );
    let described = |of: &[usize]| found.describe(&of.iter().copied().collect());
    assert_eq!(described(&[0, 1, 2, 3, 4, 5]), ["anyone"]);
    assert_eq!(described(&[2, 3]), ["on docker0"]);
    assert_eq!(described(&[0, 2, 4]), ["from 203.0.113.0/24"]);
    assert_eq!(
        described(&[1, 4, 5]),
        [
            "on any other interface",
            "from anywhere else on any interface but docker0"
        ]
    );
}

#[test]
fn what_lies_within_another_is_told_apart() {
    let rules = "-A INPUT -s 10.0.0.0/8 -p tcp -j DROP\n\
                 -A INPUT -s 10.77.0.0/16 -p tcp -m tcp --dport 21 -j ACCEPT\n\
                 -A OUTPUT -d 10.77.5.5/32 -p tcp -j DROP\n\
                 -A INPUT -d 203.0.113.5/32 -p tcp -j ACCEPT\n";
    let found = classes(rules, &question(Position::Server));
    let [near, far]: [Vec<&str>; 2] = [Respect::Address, Respect::Own].map(|wanted| {
        let of = found
            .respects
            .iter()
            .find(|(respect, _)| *respect == wanted);
        of.expect("it is there")
            .1
            .iter()
            .map(Value::words)
            .collect()
    });
    assert_eq!(
        near,
        [
            "the rest of 10.0.0.0/8",
            "the rest of 10.77.0.0/16",
            "10.77.5.5",
            ""
        ]
    );
    assert_eq!(far, ["203.0.113.5", ""]);
    assert_eq!(found.len(), 8);
}

#[test]
fn rules_that_say_the_same_of_one_another_s_neighbours_are_as_one() {
    let blocked: String = (1..200)
        .map(|number| format!("-A INPUT -s 192.0.2.{number}/32 -j DROP\n"))
        .collect();
    let found = classes(&blocked, &question(Position::Server));
    assert_eq!(found.len(), 2, "{:?}", shown(&found));
    let differing = blocked.replace(
        "DROP\n-A INPUT -s 192.0.2.9/32 -j DROP",
        "DROP\n-A INPUT -s 192.0.2.9/32 -j ACCEPT",
    );
    let found = classes(&differing, &question(Position::Server));
    assert_eq!(found.len(), 4, "{:?}", shown(&found));
}

#[test]
fn a_router_has_two_sides() {
    let rules = "-A FORWARD -s 192.168.1.0/24 -i eth1 -o eth0 -j ACCEPT\n";
    let mut asked = question(Position::Router);
    asked.ends[1].usual_addresses = vec!["203.0.113.10".parse().expect("an address")];
    let found = classes(rules, &asked);
    // Three interfaces, of which two are one each, and two parts of addresses at either end.
    assert_eq!(found.len(), (9 - 2) * 4);
    assert_eq!(found.impossible, 2 * 4);
    let shown = shown(&found);
    let expected =
        "from 192.168.1.0/24 on eth1 to anywhere else on eth0: eth1 eth0 192.168.1.1 203.0.113.10";
    assert!(shown.iter().any(|one| one == expected), "{shown:#?}");
    asked.at_most = 5;
    let found = classes(rules, &asked);
    assert_eq!((found.len(), found.untried), (5, 23));
}

#[test]
fn what_the_user_chose_is_all_there_is() {
    let rules = "-A INPUT -s 203.0.113.0/24 -i eth0 -j ACCEPT\n-A INPUT -i eth1 -j DROP\n";
    let mut asked = question(Position::Server);
    asked.ends[0].interface = Some(InterfaceName::new("eth1").expect("a name"));
    asked.ends[0].address = Some("198.51.100.7".parse().expect("an address"));
    let found = classes(rules, &asked);
    assert_eq!(shown(&found), ["anyone: eth1 198.51.100.7 10.77.0.1"]);
}

#[test]
fn a_pattern_of_names_stands_for_more_than_those_that_are_named() {
    let rules = "-A INPUT -i eth0 -j DROP\n-A INPUT -i eth+ -j ACCEPT\n-A INPUT -i wg+ -j DROP\n";
    let found = classes(rules, &question(Position::Server));
    assert_eq!(
        shown(&found),
        [
            "on eth0: eth0 10.77.0.2 10.77.0.1",
            "on eth+: eth1 10.77.0.2 10.77.0.1",
            "on wg+: wg0 10.77.0.2 10.77.0.1",
            "on any other interface: e0 10.77.0.2 10.77.0.1",
        ]
    );
}
