use super::*;

fn class(addresses: [&str; 2], interfaces: [&str; 2]) -> Representative {
    let interface = |name: &str| InterfaceName::new(name).ok();
    Representative {
        interface: interface(interfaces[0]),
        far_interface: interface(interfaces[1]),
        address: addresses[0].parse().ok(),
        far_address: addresses[1].parse().ok(),
    }
}

#[test]
fn every_representative_can_be_built() {
    for (shape, near, far) in [
        (Shape::ServerFirewall, "10.1.2.3", "203.0.113.5"),
        (Shape::ClientFirewall, "10.1.2.3", "203.0.113.5"),
        (Shape::Gateway, "10.1.2.3", "192.0.2.1"),
        (Shape::ServerNat, "10.1.2.3", "192.0.2.1"),
        (Shape::Hairpin, "192.168.7.77", "192.0.2.1"),
    ] {
        let place = Place {
            layout: Layout::new(shape),
            interfaces: [InterfaceName::new("docker0").expect("a name")].into(),
            given: BTreeSet::new(),
            network: None,
        };
        let deployment = place.deployment(&class([near, far], ["eth0", "eth1"]), Family::Ipv4, 21);
        assert_eq!(deployment.topology.mistakes(), [], "{shape}");
        let firewall = deployment.firewall.clone().expect("there is one");
        let names: Vec<&str> = deployment
            .topology
            .interfaces_in(&firewall)
            .map(|one| one.name.as_str())
            .collect();
        assert!(
            names.contains(&"eth0") && names.contains(&"docker0"),
            "{names:?}"
        );
        let addresses: Vec<String> = deployment
            .topology
            .addresses()
            .map(|(address, _)| address.to_string())
            .collect();
        assert!(addresses.contains(&near.to_owned()), "{addresses:?}");
        assert!(addresses.contains(&far.to_owned()), "{addresses:?}");
    }
}

#[test]
fn a_host_may_have_an_address_of_the_lab_s_own() {
    let name = |name: &str| InterfaceName::new(name).expect("a name");
    let net = |net: &str| net.parse::<IpNet>().expect("a prefix");
    let place = Place {
        layout: Layout::new(Shape::ServerNat),
        interfaces: BTreeSet::new(),
        given: BTreeSet::new(),
        network: Some(Network {
            interfaces: vec![
                (name("lan0"), vec![net("192.168.7.1/24")]),
                (name("ppp0"), vec![net("198.51.100.1/32")]),
            ],
            ..Network::default()
        }),
    };
    let deployment = place.deployment(&Representative::default(), Family::Ipv4, 21);
    assert_eq!(deployment.topology.mistakes(), []);
}

#[test]
fn who_says_nothing_gets_the_shape_as_it_is() {
    for shape in [
        Shape::ServerFirewall,
        Shape::ClientFirewall,
        Shape::Gateway,
        Shape::ServerNat,
        Shape::Hairpin,
    ] {
        let place = Place {
            layout: Layout::new(shape),
            interfaces: BTreeSet::new(),
            given: BTreeSet::new(),
            network: None,
        };
        let asked = place.question(Family::Ipv4, 21, 50);
        let classes = crate::Classes::of(&[], &asked);
        assert_eq!(classes.len(), 1);
        let deployment = place.deployment(&classes.representative(0), Family::Ipv4, 21);
        assert_eq!(deployment, Layout::new(shape).deployment(21), "{shape}");
    }
}

/// Each would look for the other on its own link, where it is not.
#[test]
fn client_and_server_of_one_network_are_still_on_two_links() {
    let place = Place {
        layout: Layout::new(Shape::Gateway),
        interfaces: BTreeSet::new(),
        given: BTreeSet::new(),
        network: None,
    };
    let one = class(["10.77.1.2", "10.77.1.3"], ["lan", "wan"]);
    let deployment = place.deployment(&one, Family::Ipv4, 21);
    assert_eq!(deployment.topology.mistakes(), []);
    for peer in [&deployment.client, &deployment.server] {
        let own = deployment
            .topology
            .ends_in(peer)
            .flat_map(|end| &end.addresses);
        let nets: Vec<String> = own.map(ToString::to_string).collect();
        assert!(nets.iter().all(|net| net.ends_with("/32")), "{nets:?}");
    }
}
