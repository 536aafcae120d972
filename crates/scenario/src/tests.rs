//! What a scenario file says of nodes, links, families and who loads what.

use std::path::Path;

use fwlab_record::{Backend, Family, NodeName};

use crate::{RulesOrigin, Scenario};

fn parse(text: &str) -> Result<Scenario, crate::ScenarioError> {
    Scenario::prepare("test", Path::new("test.toml"), text)
}

#[track_caller]
fn sound(text: &str) -> Scenario {
    match parse(text) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{:#?}", error.problems),
    }
}

/// Every mistake, behind the text that it is told of.
#[track_caller]
fn told(text: &str) -> Vec<String> {
    let error = parse(text).expect_err("it has mistakes");
    let problems = error.problems.iter();
    problems
        .map(|problem| {
            let place = &text[problem.span().expect("a place")];
            let place = place.lines().next().unwrap_or_default();
            format!("{place} — {}", problem.message())
        })
        .collect()
}

const RULES: &str = r#"
[[ruleset]]
name = "open"
none = true
"#;

const NODES: &str = r#"
description = "Asymmetric: the server answers by another way than it is asked."
[topology]
firewall = "forth"
[[topology.node]]
name = "caller"
addresses = { e0 = ["10.1.0.2/24"], "eth0.7" = ["10.2.0.2/24"] }
routes = [{ to = "10.3.0.0/24", via = "10.1.0.1" }]
[[topology.node]]
name = "forth"
forwards = true
addresses = { near = ["10.1.0.1/24"], far = ["10.3.0.1/24"] }
[[topology.node]]
name = "back"
forwards = true
addresses = { near = ["10.2.0.1/24"], far = ["10.4.0.1/24"] }
[[topology.node]]
name = "host"
addresses = { e0 = ["10.3.0.9/24", "10.3.0.10/24"], e1 = ["10.4.0.9/24"] }
routes = [{ to = "0.0.0.0/0", sink = "e0" }, { to = "10.1.0.0/24", via = "10.4.0.1" }]
[[topology.link]]
between = ["caller:e0", "forth:near"]
[[topology.link]]
between = ["caller:eth0.7", "back:near"]
[[topology.link]]
between = ["forth:far", "host:e0"]
mtu = 1300
[[topology.link]]
between = ["back:far", "host:e1"]
[client]
at = "caller"
connect-to = "10.3.0.10"
control-port = 2121
[server]
at = "host"
"#;

#[test]
fn nodes_and_links_make_a_stage() {
    let deployment = sound(&format!("{NODES}{RULES}")).deployment;
    assert_eq!(
        (deployment.client.as_str(), deployment.server.as_str()),
        ("caller", "host")
    );
    assert_eq!(deployment.firewall, NodeName::new("forth").ok());
    let connect_to = deployment.connect_to(Family::Ipv4).expect("an address");
    assert_eq!(connect_to.to_string(), "10.3.0.10:2121");
    assert_eq!(deployment.topology.links[2].mtu, Some(1300));
    // And its long form is itself.
    let (_, roles) = NODES.split_once("[client]").expect("they are there");
    let again = format!(
        "description = \"Again.\"\n{}\n[client]{roles}{RULES}",
        deployment.long_form()
    );
    let again = sound(&again).deployment;
    assert_eq!(again.topology, deployment.topology);
    assert_eq!(again.firewall, deployment.firewall);
}

#[test]
fn mistakes_of_nodes_and_links_are_told_all_at_once() {
    let text = r#"
description = "Wrong."
[topology]
firewall = "gatway"
connect-to = "192.0.2.1"
[[topology.node]]
name = "client"
addresses = { e0 = ["10.77.1.2/24", "fd77:1::2/64"], e7 = ["10.9.9.9/24"] }
routes = [{ to = "0.0.0.0/0", via = "10.77.9.1" }, { to = "::/0" }]
[[topology.node]]
name = "gateway"
forwards = true
addresses = { lan = ["10.77.1.2/24"], wan = ["203.0.113.300/24"] }
bridges = { br0 = ["lan7"] }
[[topology.node]]
name = "server"
[[topology.link]]
between = ["client:e0", "gateway:lan"]
mtu = 900
[[topology.link]]
between = ["gateway:wan", "srv:e0"]
[[topology.link]]
between = ["client", "gateway:lan2", "server:e1"]
[[topology.link]]
between = ["client", "gateway:lan2"]
[[ruleset]]
name = "rules"
text = "iptables -P FORWARD DROP"
"#;
    assert_eq!(
        told(text),
        [
            "[topology] — node `server` has no IPv4 address, but there are cells that need one",
            "\"gatway\" — this topology has no node `gatway`",
            "\"192.0.2.1\" — 192.0.2.1 is not an address of this topology",
            "\"fd77:1::2/64\" — fd77:1::2/64 is the only IPv6 address on its link",
            "e7 — node `client` has no interface `e7`",
            "{ to = \"0.0.0.0/0\", via = \"10.77.9.1\" } — node `client` has a route via 10.77.9.1, which is not on any of its links",
            "{ to = \"::/0\" } — a route has exactly one of `via`, `link` or `sink`",
            "\"10.77.1.2/24\" — two interfaces have the address 10.77.1.2",
            "\"203.0.113.300/24\" — `203.0.113.300/24` is not a valid address with a prefix length: invalid IP address syntax",
            "br0 — bridge `br0` of node `gateway` has the port `lan7`, but no link ends there",
            "[[topology.link]] — a link of 900 bytes cannot carry IPv6, which needs 1280",
            "\"srv:e0\" — a link ends at `srv`, which is not a node of this topology",
            "[\"client\", \"gateway:lan2\", \"server:e1\"] — a link has two ends, not 3",
            "\"client\" — `client` is not an end of a link",
        ]
    );
}

#[test]
fn mistakes_of_a_shape_are_told_where_they_are_made() {
    let text = r#"
description = "Wrong."
[topology]
shape = "both-nat"
client = ["10.77.1.2/24", "fd77:1::9/64"]
server = "192.168.8.10/24"
gateway-client-side = "10.77.1.9/24"
clients = 12
firewall = "client-gateway"
[client]
at = "clinet"
connect-to = ["10.77.1.77", "127.0.0.1"]
"#;
    assert_eq!(
        told(&format!("{text}{RULES}")),
        [
            "\"fd77:1::9/64\" — an IPv6 address, but no cell of this scenario speaks that",
            "\"192.168.8.10/24\" — 192.168.7.1/24 and 192.168.8.10/24 are on the same link but not in the same network",
            "\"10.77.1.9/24\" — this topology has two gateways, but `gateway-client-side` does not say which",
            "12 — 12 is out of range",
            "\"client-gateway\" — a shape already has its nodes and links, so `firewall` has no effect",
            "\"clinet\" — this topology has no node `clinet`",
            "\"10.77.1.77\" — 10.77.1.77 is not an address of this topology",
            "\"127.0.0.1\" — 127.0.0.1 is of the same family as 10.77.1.77",
            "\"127.0.0.1\" — a loopback address is the client's own, but the server is on another node",
        ]
    );
}

#[test]
fn what_says_more_of_a_shape_is_wrong_beside_nodes() {
    let text = NODES.replace("firewall = \"forth\"", "firewall = \"forth\"\nthird = true");
    assert_eq!(
        told(&format!("{text}{RULES}")),
        ["true — `third` adds to a shape, but this topology has none"]
    );
    assert_eq!(
        told(&format!("description = \"Nothing.\"\n[topology]\n{RULES}")),
        ["[topology] — [topology] has neither `shape` nor nodes"]
    );
}

#[test]
fn clients_that_would_share_an_address_are_told() {
    let text = "description = \"Close.\"\n[topology]\nshape = \"server-nat\"\nclients = 2\n\
                gateway-client-side = \"198.51.100.3/24\"\n";
    assert_eq!(
        told(&format!("{text}{RULES}")),
        ["\"198.51.100.3/24\" — two interfaces have the address 198.51.100.3"]
    );
}

/// Reading tries nothing: that the kernel has a sysctl, and takes the value, is known when a run is prepared.
#[test]
fn a_sysctl_of_a_node_that_is_not_there_is_told() {
    let text = r#"
description = "Settings."
[topology]
shape = "gateway"
[[sysctl]]
node = "server"
set = { "net.ipv4.ip_forward" = "maybe" }
[[sysctl]]
node = "sever"
set = { "net.ipv4.ip_forward" = 1 }
"#;
    assert_eq!(
        told(&format!("{text}{RULES}")),
        ["\"sever\" — this topology has no node `sever`"]
    );
}

#[test]
fn each_ruleset_has_its_node() {
    let text = r#"
description = "Two gateways."
[topology]
shape = "both-nat"
[[ruleset]]
name = "two"
at = "client-gateway"
text = "iptables -t nat -A POSTROUTING -o wan -j MASQUERADE"
[[ruleset.also]]
at = "server-gateway"
policy = { allow = ["pasv"] }
helper = true
"#;
    let scenario = sound(text);
    let [entry] = &scenario.rulesets[..] else {
        panic!("there is one ruleset")
    };
    assert_eq!(entry.at, NodeName::new("client-gateway").ok());
    let [also] = &entry.also[..] else {
        panic!("there is one more")
    };
    assert_eq!(also.at.as_str(), "server-gateway");
    assert!(also.helper && matches!(also.origin, RulesOrigin::Generated(_)));
    let told = told(&text.replace("server-gateway", "client-gateway"));
    assert_eq!(
        told,
        [
            "[[ruleset.also]] — node `client-gateway` loads two rulesets, but the second would replace the first"
        ]
    );
    let nowhere = text.replace("at = \"client-gateway\"\n", "");
    assert_eq!(
        self::told(&nowhere),
        ["\"two\" — nobody loads ruleset `two`"]
    );
}

#[test]
fn a_dump_stands_where_its_family_belongs() {
    let with = |rules: &str, families: &str| {
        format!(
            "description = \"Dumps.\"\n[topology]\nshape = \"server-firewall\"\n\
             [[ruleset]]\nname = \"rules\"\n{rules}\n[matrix]\nfamilies = {families}\n"
        )
    };
    let dump = r#"text = "*filter\nCOMMIT\n""#;
    let dump6 = r#"text6 = "*filter\nCOMMIT\n""#;
    let both = sound(&with(&format!("{dump}\n{dump6}"), r#"["ipv4", "ipv6"]"#));
    assert!(both.rulesets[0].ipv6.is_some());
    assert!(matches!(both.rulesets[0].origin, RulesOrigin::Written(_)));
    let six = sound(&with(dump6, r#"["ipv6"]"#));
    assert!(matches!(six.rulesets[0].origin, RulesOrigin::None));
    let wrong = [
        (
            dump.to_owned(),
            r#""ipv6""#,
            "an IPv4 dump, but no cell of this scenario speaks IPv4",
        ),
        (
            dump6.to_owned(),
            r#""ipv4""#,
            "an IPv6 dump, but no cell of this scenario speaks IPv6",
        ),
        (
            dump.replace("*filter", "# Generated by ip6tables-save v1.8.9\\n*filter"),
            r#""ipv4""#,
            "these are rules for IPv6, but an IPv4 dump belongs here",
        ),
        (
            r#"text6 = "ip6tables -P INPUT DROP""#.to_owned(),
            r#""ipv6""#,
            "commands name their family themselves, but an IPv6 dump belongs here",
        ),
        (
            format!("text = \"iptables -P INPUT DROP\"\n{dump6}"),
            r#""ipv4""#,
            "an IPv6 dump can only stand beside an IPv4 dump",
        ),
    ];
    for (rules, families, message) in wrong {
        let told = told(&with(&rules, families));
        assert!(
            matches!(&told[..], [one] if one.ends_with(message)),
            "{told:?}"
        );
    }
}

#[test]
fn a_number_is_the_same_in_every_base() {
    let with = |port: &str, option: &str| {
        let text = format!(
            "description = \"Numbers.\"\n[topology]\nshape = \"client-firewall\"\n[server]\n\
             control-port = {port}\noptions = {{ max_clients = {option} }}\n{RULES}"
        );
        sound(&text).server
    };
    let decimal = with("2121", "17");
    for other in [
        with("0x849", "0x11"),
        with("0o4111", "0o21"),
        with("2_121", "0b1_0001"),
    ] {
        assert_eq!(other.control_port, decimal.control_port);
        assert_eq!(other.options, decimal.options);
    }
}

#[test]
fn the_text_alone_is_read_without_the_files_that_it_names() {
    let text = r#"
description = "Files that are nowhere."
topology = { shape = "gateway" }
server = { certificate = "none.pem" }
[[ruleset]]
name = "written"
file = "none.v4"
file6 = "none.v6"
sets = "none.ipset"
backends = "nft"
beside = { backend = "native", file = "none.nft" }
[[ruleset]]
name = "later"
backends = "nft"
file6 = "none.v6"
[[step]]
at = "logged-in"
load = "written"
[[require]]
ruleset = "written"
symptom = "data-timeout"
cause = { kind = "policy", chain = "own/forward" }
"#;
    let outline = Scenario::parse("test", Path::new("nowhere/test.toml"), text).expect("sound");
    assert!(outline.has_cells());
    assert_eq!(outline.rulesets[0].backends, [Backend::Nft]);
    let mistakes = Scenario::prepare("test", Path::new("nowhere/test.toml"), text);
    let mistakes = mistakes.expect_err("there are no files").problems;
    let unread = |name: &str| format!("cannot read nowhere/{name}: ");
    for name in ["none.pem", "none.v4", "none.v6"] {
        assert!(
            mistakes.iter().any(|mistake| {
                text[mistake.span().expect("a place")].contains(name)
                    && mistake.message().starts_with(&unread(name))
            }),
            "{mistakes:#?}"
        );
    }
}

#[test]
fn a_language_that_is_not_known_leaves_the_cells_open() {
    let text = r#"
description = "A file that is nowhere."
topology = { shape = "gateway" }
[[ruleset]]
name = "written"
file = "none.nft"
also = [{ at = "server", file = "none.nft" }]
[[ruleset]]
name = "strict"
text = "flush ruleset"
[[step]]
at = "logged-in"
load = "written"
"#;
    let outline = Scenario::parse("test", Path::new("nowhere/test.toml"), text).expect("sound");
    assert!(!outline.has_cells());
}

#[test]
fn a_misspelt_key_of_a_topology_is_one_mistake() {
    let of_shape = |topology: &str| format!("description = \"d\"\n[topology]\n{topology}\n{RULES}");
    let nodes = format!("{NODES}{RULES}");
    for (text, mistake) in [
        (
            of_shape("shpe = \"gateway\""),
            "shpe — unknown key `shpe` in [topology]",
        ),
        (
            of_shape("nod = [{ name = \"client\" }]"),
            "nod — unknown key `nod` in [topology]",
        ),
        (
            nodes.replace("topology.node", "topology.nodes"),
            "nodes — unknown key `nodes` in [topology]",
        ),
        (
            nodes.replace("topology.link", "topology.links"),
            "links — unknown key `links` in [topology]",
        ),
        (
            nodes.replace("firewall", "firewal"),
            "firewal — unknown key `firewal` in [topology]",
        ),
        // An image loads its own rules: that there are none is no second mistake.
        (
            "description = \"d\"\n[topology]\nshape = \"gateway\"\nfirewal = { image = \"i\" }\n"
                .to_owned(),
            "firewal — unknown key `firewal` in [topology]",
        ),
    ] {
        assert_eq!(told(&text), [mistake], "{text}");
    }
    // A word that is near to none of them leaves a topology without any.
    assert_eq!(told(&of_shape("zzz = 1")).len(), 2);
}
