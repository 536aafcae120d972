use super::*;

fn listed(statements: &str) -> NativeListing {
    let json = format!(
        r#"{{"nftables": [
            {{"table": {{"family": "ip", "name": "filter", "handle": 1}}}},
            {{"rule": {{"family": "ip", "table": "filter", "chain": "INPUT", "handle": 2, "expr": [{statements}]}}}},
            {{"table": {{"family": "inet", "name": "fwlab-observe", "handle": 3}}}},
            {{"rule": {{"family": "inet", "table": "fwlab-observe", "chain": "out", "handle": 4, "expr": []}}}}
        ]}}"#
    );
    NativeListing::parse(&json, "").unwrap()
}

fn rejects(statements: &str) -> Option<bool> {
    let listing = listed(statements);
    let (_, chain) = listing.chains().next().unwrap();
    chain.rules()[0].rejects()
}

#[test]
fn what_iptables_rejects_with_is_not_named_by_nft() {
    assert_eq!(rejects(r#"{"drop": null}"#), Some(false));
    assert_eq!(rejects(r#"{"reject": null}"#), Some(true));
    assert_eq!(
        rejects(r#"{"xt": {"type": "target", "name": "REJECT"}}"#),
        None
    );
}

#[test]
fn the_lab_s_own_table_is_not_listed() {
    let listing = listed("");
    assert!(listing.tables().eq([(TableFamily::Ip, "filter")]));
    assert_eq!(listing.chains().count(), 1);
}
