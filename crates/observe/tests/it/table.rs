//! The lab's own table beside other people's, and both backends beside each other.

use std::net::SocketAddr;

use fwlab_observe::{Newer, Observer, ObserverSettings, Step, TABLE, TracePlace};
use fwlab_record::{Backend, Family};
use fwlab_skipped::{Need, skipped};

use crate::lab::{self, PORT, in_lab};
use crate::watch::{Watch, is_syn_to, stopped_syn};

const FLUSH: &str = "flush ruleset\n\
                     table inet mine {\n\
                     chain in { type filter hook input priority 0; policy drop; }\n\
                     }\n";

fn address() -> SocketAddr {
    SocketAddr::new(lab::server(Family::Ipv4), PORT)
}

#[test]
fn flush_ruleset_leaves_the_table() {
    in_lab(async |lab| {
        let mut watch = Watch::start(&lab, "server").await;
        if !watch.observer.survives_flush() {
            return skipped(
                Need::Machine,
                "this kernel has no owned tables (Linux 5.12)",
            );
        }
        lab.nft("server", FLUSH).await;
        lab.knock("client", address());
        let step = watch
            .until("drop", |seen| stopped_syn(seen, PORT, ""))
            .await;
        assert_eq!((&*step.table, &*step.chain), ("mine", "in"));
        assert_eq!(step.at, TracePlace::Policy);
        assert_eq!(step.table_family.to_string(), "inet");
        let rules = watch.observer.nft_rules().await.expect("a listing");
        assert!(
            rules.is_empty(),
            "the lab's own rules are nobody's: {rules:?}"
        );
    });
}

#[test]
fn a_kernel_without_owned_tables() {
    in_lab(async |lab| {
        let settings = ObserverSettings {
            pretend_without: vec![Newer::OwnedTable],
            ..ObserverSettings::default()
        };
        lab.nft("server", FLUSH).await;
        let mut watch = Watch::with(&lab, "server", settings).await;
        assert!(!watch.observer.survives_flush());
        lab.knock("client", address());
        watch
            .until("drop", |seen| stopped_syn(seen, PORT, ""))
            .await;
        // What start's documentation warns of.
        lab.nft("server", "flush ruleset").await;
        let error = watch
            .observer
            .trace_everything()
            .await
            .expect_err("the table is gone");
        assert!(matches!(
            error,
            fwlab_observe::ObserveError::Kernel {
                step: Step::TraceEverything,
                ..
            }
        ));
    });
}

#[test]
fn one_observer_a_node_and_another_after_it() {
    in_lab(async |lab| {
        let watch = Watch::start(&lab, "server").await;
        let (sender, _events) = tokio::sync::mpsc::unbounded_channel();
        let second =
            Observer::start(lab.node("server"), &ObserverSettings::default(), sender).await;
        let error = second.expect_err("the node has an observer");
        assert!(error.to_string().contains("another observer"), "{error}");
        watch.observer.end().await;
        let mut third = Watch::start(&lab, "server").await;
        lab.nft("server", FLUSH).await;
        lab.knock("client", address());
        third
            .until("drop", |seen| stopped_syn(seen, PORT, ""))
            .await;
    });
}

#[test]
fn an_ended_observer_takes_its_table_along() {
    in_lab(async |lab| {
        let watch = Watch::start(&lab, "server").await;
        assert!(lab.list_tables("server").await.contains(TABLE));
        watch.observer.end().await;
        assert!(!lab.list_tables("server").await.contains(TABLE));
    });
}

/// Loads one ruleset by legacy and one by nft, and says which of them stopped the SYN, and whether
/// both spoke of the same packet.
fn both(legacy: &'static str, nft: &'static str, stopped: Backend) {
    in_lab(async |lab| {
        lab.restore("server", Backend::Legacy, Family::Ipv4, legacy)
            .await;
        lab.restore("server", Backend::Nft, Family::Ipv4, nft).await;
        let saved = lab.save("server", Backend::Legacy, Family::Ipv4).await;
        let mut watch = Watch::start(&lab, "server").await;
        lab.knock("client", address());
        let step = watch
            .until("drop", |seen| stopped_syn(seen, PORT, &saved))
            .await;
        assert_eq!(step.backend, stopped);
        let of_the_packet = |backend| {
            watch.steps().any(|other| {
                other.backend == backend
                    && other.packet_id == step.packet_id
                    && is_syn_to(&other.packet, PORT)
            })
        };
        assert!(of_the_packet(Backend::Legacy), "{:?}", watch.seen);
        assert!(of_the_packet(Backend::Nft), "{:?}", watch.seen);
    });
}

const ACCEPT: &str =
    "*filter\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n*raw\n-A PREROUTING -p tcp -j ACCEPT\nCOMMIT\n";
const DROP: &str =
    "*filter\n:INPUT DROP [0:0]\nCOMMIT\n*raw\n-A PREROUTING -p tcp -j ACCEPT\nCOMMIT\n";

#[test]
fn both_backends_nft_stops() {
    both(ACCEPT, DROP, Backend::Nft);
}

#[test]
fn both_backends_legacy_stops() {
    both(DROP, ACCEPT, Backend::Legacy);
}

#[test]
fn a_packet_to_oneself_has_two_ways() {
    for family in [Family::Ipv4, Family::Ipv6] {
        in_lab(async |lab| {
            let rules = "*filter\n:INPUT DROP [0:0]\n-A OUTPUT -p tcp -j ACCEPT\nCOMMIT\n";
            lab.restore("server", Backend::Nft, family, rules).await;
            let mut watch = Watch::start(&lab, "server").await;
            lab.knock("server", SocketAddr::new(lab::server(family), PORT));
            let step = watch
                .until("drop", |seen| stopped_syn(seen, PORT, ""))
                .await;
            assert_eq!(
                step.input.as_ref().map(ToString::to_string).as_deref(),
                Some("lo")
            );
            let out = watch
                .steps()
                .find(|step| &*step.chain == "OUTPUT" && is_syn_to(&step.packet, PORT))
                .expect("the way out");
            assert!(out.packet_id < step.packet_id);
        });
    }
}
