use std::net::IpAddr;

use fwlab_host::{Edits, Host, redact};

use crate::support::{BUSYBOX, JSON, WORDS, read, refused};

fn redacted(bytes: &[u8], key: u8) -> (String, Host) {
    let redacted = redact("host.fwlab", bytes, Edits::Refused, &[key; 32]);
    let redacted = redacted.expect("it is whole");
    assert!(redacted.has_comments);
    let text = String::from_utf8(redacted.text).expect("it is text");
    let host = read(text.as_bytes());
    assert!(host.is_redacted);
    (text, host)
}

#[test]
fn public_addresses_and_the_name_are_gone_and_all_else_is_there() {
    for bytes in [JSON, WORDS, BUSYBOX] {
        let (before, original) = (String::from_utf8_lossy(bytes), read(bytes));
        // A bit of each that may change can stay by chance.
        let key = (0..255).find(|key| {
            let (text, _) = redacted(bytes, *key);
            ["9.20.30.4", "9.9.9."]
                .iter()
                .all(|public| !text.contains(public))
        });
        let (text, host) = redacted(bytes, key.expect("one of many keys replaces all"));
        assert!(before.contains("9.20.30.40") && before.contains("9.9.9.8"));
        assert_eq!(host.name.as_deref(), Some("host"));
        assert_eq!(text.lines().count(), before.lines().count());
        for address in original.addresses() {
            let is_there = host.addresses.contains(address);
            let is_public = address.net.addr() == IpAddr::from([9, 20, 30, 40]);
            assert_ne!(is_there, is_public, "{address:?}");
        }
        assert_eq!(host.links, original.links);
        assert_eq!(host.sysctls, original.sysctls);
        assert_eq!(host.versions, original.versions);
        assert_eq!(host.iptables.len(), original.iptables.len());
    }
}

#[test]
fn who_is_in_which_network_stays() {
    let (_, host) = redacted(JSON, 77);
    let own = host
        .addresses
        .iter()
        .find(|address| address.interface.as_str() == "wan0" && address.net.prefix_len() == 29);
    let own = own.expect("it is there").net;
    // The server announces the address that the host has, and the rule is about its neighbours.
    let config = String::from_utf8_lossy(&host.servers[0].text.text).into_owned();
    assert!(
        config.contains(&format!("pasv_address={}\n", own.addr())),
        "{config}"
    );
    let nft = host.nft.expect("it is there");
    let nft = String::from_utf8_lossy(&nft.text).into_owned();
    let (_, range) = nft.split_once("ip saddr ").expect("a rule");
    let (range, _) = range.split_once(' ').expect("a range");
    for end in range.split('-') {
        let end: IpAddr = end.parse().expect("an address");
        assert!(own.contains(&end), "{end} {own}");
    }
    let route = host.routes.iter().find(|route| route.to == own.trunc());
    assert!(route.is_some(), "{own}");
}

#[test]
fn another_key_makes_other_addresses_and_the_same_key_the_same() {
    assert_eq!(redacted(JSON, 1).0, redacted(JSON, 1).0);
    assert_ne!(redacted(JSON, 1).0, redacted(JSON, 2).0);
}

#[test]
fn what_is_redacted_is_sealed_anew() {
    let (text, _) = redacted(JSON, 9);
    let said = refused(text.replace("COMMIT", "commit").as_bytes());
    assert!(said.contains("it was edited"), "{said}");
    let edited = String::from_utf8_lossy(JSON).replace("COMMIT", "commit");
    let key = [0; 32];
    assert!(redact("x", edited.as_bytes(), Edits::Refused, &key).is_err());
    assert!(redact("x", edited.as_bytes(), Edits::Accepted, &key).is_ok());
}
