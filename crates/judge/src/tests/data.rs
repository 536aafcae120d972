//! Which connection is the data connection.

use super::*;

#[test]
fn an_announced_data_syn_that_is_dropped_is_a_data_timeout_whatever_comes_first() {
    for announced_first in [true, false] {
        let mut told = Told::logged_in(DataSetup::Port);
        let announce = |told: &mut Told| told.says(true, "PORT 10,0,0,2,154,208");
        if announced_first {
            announce(&mut told);
        }
        let data = flow("10.0.0.1:20", "10.0.0.2:39632");
        told.drops(&NodeName::client(), syn(data));
        if !announced_first {
            assert!(!told.is_dead(), "nobody announced it yet");
            announce(&mut told);
        }
        assert!(told.is_dead());
        told.ends_in(Symptom::DataTimeout, Phase::DataConnect);
    }
}

#[test]
fn a_connection_that_nobody_announced_decides_nothing() {
    let mut told = Told::logged_in(DataSetup::Pasv);
    let other = flow("10.0.0.2:5000", "10.0.0.1:8080");
    told.drops(&NodeName::server(), syn(other));
    assert!(!told.is_dead());
    assert!(told.is_inconclusive());
}

#[test]
fn a_connection_to_a_written_target_needs_no_announcement() {
    let attack = flow("10.0.0.1:20", "10.0.0.2:8080");
    let mut told = Told::by(DataSetup::Port, |terms| terms.unannounced = vec![attack.to]);
    told.drops(&NodeName::client(), syn(attack));
    assert!(told.is_dead());
    told.ends_in(Symptom::DataTimeout, Phase::DataConnect);
}

#[test]
fn the_death_of_a_fallbacks_connection_does_not_decide() {
    let mut told = Told::logged_in(DataSetup::Epsv);
    for (command, answer) in [
        ("EPSV", "500 what"),
        ("PASV", "227 Entering (10,0,0,1,122,8)"),
    ] {
        told.says(true, command);
        told.says(false, answer);
    }
    let data = flow("10.0.0.2:5000", "10.0.0.1:31240");
    told.drops(&NodeName::server(), syn(data));
    assert!(!told.is_dead());
    told.ends_in(Symptom::Refused, Phase::Negotiate);
}

#[test]
fn under_tls_the_direction_tells_the_data_connection() {
    let mut told = Told::by(DataSetup::Epsv, |terms| {
        terms.protection = Protection::Implicit;
    });
    told.opened(control());
    let data = flow("10.0.0.2:5000", "10.0.0.1:31240");
    told.drops(&NodeName::server(), syn(data));
    assert_eq!(told.ends().symptom, Symptom::DataTimeout);
}

#[test]
fn an_active_data_connection_may_come_from_another_address_of_the_server() {
    let other = "10.0.0.9".parse().expect("an address");
    let mut told = Told::by(DataSetup::Port, |terms| {
        terms.owners.insert(other, NodeName::server());
    });
    told.opened(control());
    told.says(true, "PORT 10,0,0,2,154,208");
    told.passes(flow("10.0.0.9:20", "10.0.0.2:39632"), SYN);
    assert_eq!(told.tracker.data_from_elsewhere(), None);
    let (mut other_address, mut usual) = (told, Told::active());
    other_address.opened(flow("10.0.0.9:20", "10.0.0.2:39632"));
    let known = "10.0.0.1".parse().expect("an address");
    assert_eq!(
        other_address.tracker.data_from_elsewhere(),
        Some((other, known))
    );
    usual.0.opened(usual.1);
    assert_eq!(usual.0.tracker.data_from_elsewhere(), None);
}
