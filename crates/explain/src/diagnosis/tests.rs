use std::time::Duration;

use fwlab_record::{DataSetup, Flow, Tuple};

use super::*;

fn said(what: impl IntoIterator<Item = Seen>) -> Evidence {
    let facts = what.into_iter().enumerate().map(|(at, what)| Fact {
        event: EventId(at as u64),
        at: Duration::ZERO,
        node: NodeName::client(),
        connection: Some(Role::Control),
        what,
        deciding: false,
    });
    Evidence {
        facts: facts.collect(),
        ..Evidence::default()
    }
}

#[test]
fn what_follows_in_tls_alone_is_hidden() {
    let command = |line: &str| Seen::Command { line: line.into() };
    let tls = [command("AUTH TLS"), Seen::Secured];
    let met = Met {
        connection: Role::Data(DataSetup::Epsv),
        opening: Opening::Opens,
        state: Some(ConntrackState::New),
        node: &NodeName::client(),
    };
    let hidden = (Why::HiddenByTls, Some(EventId(1)));
    assert_eq!(met.why(&said(tls.clone())), hidden);
    // After CCC it is read again.
    let in_the_clear = tls.into_iter().chain([command("EPSV")]);
    assert_eq!(never_read_again(&said(in_the_clear)), None);
    assert_eq!(never_read_again(&said([command("EPSV")])), None);
}

#[test]
fn what_would_pass_rests_on_what_showed_what_was_missing() {
    let rests_on = |why| {
        let diagnosis = Diagnosis {
            connection: Role::Data(DataSetup::Pasv),
            opening: Opening::Opens,
            node: NodeName::server(),
            state: Some(ConntrackState::New),
            why,
            rests_on: vec![EventId(34), EventId(49)],
        };
        let events = diagnosis.would_pass_rests_on();
        events.iter().map(|event| event.0).collect::<Vec<_>>()
    };
    assert_eq!(rests_on(Why::NoHelper { unmet: None }), [49]);
    assert_eq!(rests_on(Why::HiddenByTls), [49]);
    assert_eq!(rests_on(Why::EstablishedRefused), [34, 49]);
}

#[test]
fn a_connection_that_was_let_through_is_told_by_the_event_that_tracked_it() {
    let tracked = |connection, event| Fact {
        event: EventId(event),
        at: Duration::ZERO,
        node: NodeName::client(),
        connection: Some(connection),
        what: Seen::Tracked {
            original: Tuple::of(Flow {
                from: "10.0.0.2:40000".parse().expect("an address"),
                to: "10.0.0.1:21".parse().expect("an address"),
            }),
            helper: None,
            master: None,
        },
        deciding: false,
    };
    let data = Role::Data(DataSetup::Port);
    let node = NodeName::client();
    let met = Met {
        connection: data,
        opening: Opening::Later,
        state: None,
        node: &node,
    };
    let mut evidence = Evidence {
        facts: vec![tracked(Role::Control, 3)],
        ..Evidence::default()
    };
    let let_through = |event| (Why::EstablishedRefused, Some(EventId(event)));
    assert_eq!(met.why(&evidence), let_through(3));
    evidence.facts.push(tracked(data, 9));
    assert_eq!(met.why(&evidence), let_through(9));
    assert_eq!(met.why(&Evidence::default()), (Why::Stateless, None));
}
