use std::collections::BTreeSet;

use fwlab_model::ruleset::{Addresses, Condition, Listing};
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
        ["on any other interface", "from anywhere else on eth0"]
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

/// A random number, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let count = u64::try_from(from.len()).expect("a few");
        from[usize::try_from(self.below(count)).expect("a few")]
    }

    fn net(&mut self) -> String {
        let length = self.pick(&["8", "16", "24", "28", "32"]);
        format!(
            "{}.{}.{}.{}/{length}",
            self.pick(&["10", "192", "203"]),
            self.below(3),
            self.below(3),
            self.below(256)
        )
    }
}

/// Which conditions hold for a host, each told by itself.
fn held(told: &[Told], interface: &str, address: IpAddr) -> Vec<bool> {
    let number = Addresses::number(address);
    let holds = |condition: &Condition| match condition {
        Condition::In(names) => names.iter().any(|pattern| match pattern.strip_suffix('+') {
            Some(begin) => interface.starts_with(begin),
            None => pattern == interface,
        }),
        Condition::Source(addresses) => {
            let mut ranges = addresses.ranges().iter();
            ranges.any(|(first, last)| (*first..=*last).contains(&number))
        }
        _ => false,
    };
    told.iter()
        .flat_map(|told| &told.conditions)
        .map(holds)
        .collect()
}

/// For every host there is a class whose representative all conditions hold for as they do for it; and no two classes are
/// alike in that.
#[test]
fn every_host_has_a_representative() {
    let mut random = Random(0x5eed_0001);
    for _ in 0..300 {
        let mut rules = String::new();
        for number in 0..=random.below(6) {
            let interface = match random.below(3) {
                0 => String::new(),
                _ => format!(
                    "-i {} ",
                    random.pick(&["eth0", "eth1", "eth+", "wg+", "docker0"])
                ),
            };
            let source = match random.below(4) {
                0 => String::new(),
                1 => format!(
                    "-m iprange --src-range 10.{0}.0.9-10.{0}.2.77 ",
                    random.below(3)
                ),
                _ => format!("-s {} ", random.net()),
            };
            // Each says something else, so that none is as one with its neighbour.
            rules += &format!(
                "-A INPUT {interface}{source}-p tcp -m tcp --dport {} -j ACCEPT\n",
                20_000 + number
            );
        }
        let saved = format!("*filter\n:INPUT DROP [0:0]\n{rules}COMMIT\n");
        let listing = Listing::parse(&saved, Family::Ipv4).expect("a listing");
        let told = listing.told(&[]);
        let mut asked = question(Position::Server);
        asked.at_most = 10_000;
        let classes = Classes::of(&told, &asked);
        let of_class = |at: usize| {
            let Representative {
                interface, address, ..
            } = classes.representative(at);
            let interface = interface.expect("a server has one");
            held(&told, interface.as_str(), address.expect("it has one"))
        };
        let of_classes: BTreeSet<Vec<bool>> = (0..classes.len()).map(of_class).collect();
        assert_eq!(of_classes.len(), classes.len(), "{saved}");
        for _ in 0..200 {
            let interface = random.pick(&["eth0", "eth1", "eth7", "wg0", "docker0", "ens3"]);
            let address = random.net();
            let (address, _) = address.split_once('/').expect("it has a length");
            let address: IpAddr = address.parse().expect("an address");
            let own = held(&told, interface, address);
            assert!(
                of_classes.contains(&own),
                "{address} on {interface}: {saved}"
            );
        }
    }
}

/// Two rules that do something to a packet are not as one: who meets both is treated otherwise than who meets one.
#[test]
fn rules_that_do_more_than_decide_are_each_by_itself() {
    let rules = "-A INPUT -s 10.0.0.0/8 -j MARK --set-xmark 0x1/0x0\n\
                 -A INPUT -s 10.1.0.0/16 -j MARK --set-xmark 0x1/0x0\n";
    let found = classes(rules, &question(Position::Server));
    assert_eq!(found.len(), 3, "{:?}", shown(&found));
    let found = classes(
        &rules.replace("MARK --set-xmark 0x1/0x0", "DROP"),
        &question(Position::Server),
    );
    assert_eq!(found.len(), 2, "{:?}", shown(&found));
}

/// Under a bound, what no rule names comes first; then what differs from that in one respect, interfaces before addresses.
#[test]
fn what_stands_for_the_most_is_tried_first() {
    let rules: String = (1..9)
        .map(|number| {
            let port = 2000 + number;
            format!(
                "-A INPUT -s 192.0.2.{number}/32 -i eth0 -p tcp -m tcp --dport {port} -j DROP\n"
            )
        })
        .collect();
    let mut asked = question(Position::Server);
    asked.at_most = 2;
    let found = classes(&rules, &asked);
    let representatives = [0, 1].map(|at| found.representative(at));
    let names: Vec<&str> = representatives
        .iter()
        .filter_map(|one| one.interface.as_ref().map(InterfaceName::as_str))
        .collect();
    assert_eq!(names, ["eth0", "e0"]);
    let usual: IpAddr = "10.77.0.2".parse().expect("an address");
    let is_usual = |one: &Representative| one.address == Some(usual);
    assert!(representatives.iter().all(is_usual), "{representatives:?}");
    assert_eq!(found.untried, 16);
}
