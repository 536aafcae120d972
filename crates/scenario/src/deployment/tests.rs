use std::path::Path;

use fwlab_model::NextHop;
use fwlab_model::ruleset::Side;
use fwlab_record::{Family, InterfaceName, NodeName};

use super::{Deployment, Layout, Shape};
use crate::Scenario;

fn scenario(topology: &str) -> Scenario {
    let text = format!(
        "description = \"A stage.\"\n{topology}\n\
         [[ruleset]]\nname = \"open\"\nnone = true\n\
         [matrix]\nfamilies = [\"ipv4\", \"ipv6\"]\n"
    );
    match Scenario::prepare("stage", Path::new("stage.toml"), &text) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{error}: {:#?}\n{text}", error.problems),
    }
}

/// Every shape, as it is and with more hosts.
fn layouts() -> impl Iterator<Item = Layout> {
    Shape::ALL.iter().flat_map(|&shape| {
        [(1, false), (1, true), (2, false), (3, true)].map(|(clients, third)| {
            let mut layout = Layout::new(shape);
            layout.clients = clients;
            layout.third = third;
            layout.families = Family::ALL.to_vec();
            layout
        })
    })
}

#[test]
fn the_long_form_gives_the_same_stage_as_the_short_one() {
    for layout in layouts() {
        let Layout {
            shape,
            clients,
            third,
            ..
        } = &layout;
        let short =
            format!("[topology]\nshape = \"{shape}\"\nclients = {clients}\nthird = {third}");
        let deployment = layout.deployment(21);
        assert_eq!(scenario(&short).deployment, deployment, "{short}");
        let long = deployment.long_form();
        let read = scenario(&long).deployment;
        // What is not written is worked out: the server's own addresses.
        for family in Family::ALL {
            assert_eq!(
                read.connect_to(*family),
                deployment.connect_to(*family),
                "{long}"
            );
        }
        let reached_at = deployment.reached_at.clone();
        assert_eq!(Deployment { reached_at, ..read }, deployment, "{long}");
    }
}

#[test]
fn a_shape_s_file_is_its_long_form() {
    for &shape in Shape::ALL {
        let mut layout = Layout::new(shape);
        layout.families = Family::ALL.to_vec();
        assert_eq!(layout.deployment(21).long_form(), shape.file());
    }
}

#[test]
fn more_hosts_and_other_addresses_come_into_a_shape() {
    let mut all = String::new();
    for &shape in Shape::ALL {
        let mut layout = Layout::new(shape);
        layout.clients = 3;
        layout.third = true;
        let nets = [
            "10.9.0.5/16",
            "172.16.4.9/20",
            "10.9.0.1/16",
            "172.16.4.1/20",
        ];
        let names = ["up0", "up1", "eth1", "eth0"];
        let ports = layout.addressing.ports_mut();
        for ((net, name), port) in nets.into_iter().zip(names).zip(ports) {
            port.place(&[net.parse().expect("an address")]);
            port.interface = InterfaceName::new(name).expect("a name");
        }
        all += &format!("# {shape}\n{}\n", layout.deployment(21).long_form());
    }
    insta::assert_snapshot!(all);
}

#[test]
fn every_shape_can_be_built() {
    for layout in layouts() {
        let mistakes = layout.deployment(21).topology.mistakes();
        assert_eq!(mistakes, [], "{layout:?}");
    }
}

#[test]
fn every_address_has_an_owner_and_every_peer_an_address() {
    for layout in layouts() {
        let deployment = layout.deployment(21);
        for (address, node) in deployment.topology.addresses() {
            assert_eq!(deployment.owner_of(address), Some(node));
        }
        for family in Family::ALL {
            let connect_to = deployment.connect_to(*family).expect("an address");
            let listens_on = deployment.listens_on(*family).expect("an address");
            assert_eq!(deployment.owner_of(listens_on), Some(&deployment.server));
            let behind_nat = matches!(
                layout.shape,
                Shape::ServerNat | Shape::BothNat | Shape::Hairpin
            );
            let same = connect_to.ip() == listens_on;
            assert_eq!(same, !behind_nat, "{layout:?}");
        }
    }
}

#[test]
fn a_stage_speaks_no_more_than_is_asked_of_it() {
    for &shape in Shape::ALL {
        let deployment = Layout::new(shape).deployment(21);
        assert!(
            deployment
                .topology
                .addresses()
                .all(|(one, _)| one.is_ipv4())
        );
        let mut routes = deployment
            .topology
            .nodes
            .iter()
            .flat_map(|node| &node.routes);
        assert!(routes.all(|route| route.to.addr().is_ipv4()), "{shape}");
        assert_eq!(deployment.connect_to(Family::Ipv6), None);
    }
}

#[test]
fn a_private_network_is_reached_by_no_route_from_outside() {
    let default = |deployment: &Deployment, node: &str| {
        let node = NodeName::new(node).expect("a node name");
        let node = deployment
            .topology
            .node(&node)
            .expect("a node of the shape");
        node.routes[0].via.clone()
    };
    let swallows =
        |deployment: &Deployment, node: &str| matches!(default(deployment, node), NextHop::Sink(_));
    let client_nat = Layout::new(Shape::ClientNat).deployment(21);
    assert!(swallows(&client_nat, "server") && swallows(&client_nat, "gateway"));
    assert!(!swallows(&client_nat, "client"));
    let server_nat = Layout::new(Shape::ServerNat).deployment(21);
    assert!(swallows(&server_nat, "client") && swallows(&server_nat, "gateway"));
    assert!(!swallows(&server_nat, "server"));
    let both = Layout::new(Shape::BothNat).deployment(21);
    assert!(swallows(&both, "client-gateway") && swallows(&both, "server-gateway"));
}

#[test]
fn a_firewall_s_side_is_where_its_node_stands() {
    let deployment = Layout::new(Shape::BothNat).deployment(21);
    for (node, side) in [
        ("client", Side::Client),
        ("client-gateway", Side::Gateway),
        ("server-gateway", Side::Gateway),
        ("server", Side::Server),
    ] {
        let node = NodeName::new(node).expect("a node name");
        assert_eq!(deployment.side_of(&node), side);
    }
    assert_eq!(deployment.firewall, None);
}

#[test]
fn a_route_on_a_link_is_read_as_it_is_written() {
    let text = "[topology]\nfirewall = \"server\"\n\
                [[topology.node]]\nname = \"client\"\naddresses = { e0 = [\"198.51.100.7/32\"] }\n\
                routes = [{ to = \"10.77.0.1/32\", link = \"e0\" }]\n\
                [[topology.node]]\nname = \"server\"\naddresses = { e0 = [\"10.77.0.1/24\"] }\n\
                routes = [{ to = \"198.51.100.7/32\", link = \"e0\" }]\n\
                [[topology.link]]\nbetween = [\"client:e0\", \"server:e0\"]\n";
    let text = format!(
        "description = \"On a link.\"\n{text}\
         [[ruleset]]\nname = \"open\"\nnone = true\n[matrix]\nfamilies = [\"ipv4\"]\n"
    );
    let read = |text: &str| match Scenario::parse("stage", Path::new("stage.toml"), text) {
        Ok(scenario) => scenario.deployment.clone(),
        Err(error) => panic!("{error}: {:#?}\n{text}", error.problems),
    };
    let deployment = read(&text);
    let link = NextHop::Link("e0".parse().expect("a name"));
    assert!(
        deployment
            .topology
            .nodes
            .iter()
            .all(|node| node.routes[0].via == link),
        "{deployment:?}"
    );
    assert!(
        deployment.long_form().contains("link = \"e0\""),
        "{}",
        deployment.long_form()
    );
}

/// Who names a gateway's interfaces the other way round gets them so.
#[test]
fn two_interfaces_may_take_each_other_s_names() {
    for shape in [Shape::Gateway, Shape::ClientNat, Shape::ServerNat] {
        let usual = Layout::new(shape);
        let mut swapped = usual.clone();
        let [inner, outer] = &mut swapped.addressing.gateway[..] else {
            panic!("{shape} has a gateway of two sides");
        };
        std::mem::swap(&mut inner.interface, &mut outer.interface);
        let [usual, swapped] = [usual.deployment(21), swapped.deployment(21)];
        assert_eq!(swapped.topology.mistakes(), [], "{shape}");
        let ends = |deployment: &Deployment| {
            let firewall = deployment.firewall.clone().expect("there is one");
            let interfaces = deployment.topology.interfaces_in(&firewall);
            let mut ends: Vec<_> = interfaces
                .map(|one| (one.name.clone(), one.addresses.to_vec()))
                .collect();
            ends.sort();
            ends
        };
        let (usual, swapped) = (ends(&usual), ends(&swapped));
        assert_eq!(usual.len(), 2, "{shape}");
        assert_eq!(
            (&usual[0].0, &usual[1].0),
            (&swapped[0].0, &swapped[1].0),
            "{shape}"
        );
        assert_eq!(
            (&usual[0].1, &usual[1].1),
            (&swapped[1].1, &swapped[0].1),
            "{shape}"
        );
    }
}
