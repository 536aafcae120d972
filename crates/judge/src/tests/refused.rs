//! Servers that say no.

use fwlab_ftp::wire::{Dialogue, Side};

use super::*;

#[test]
fn the_servers_425_does_not_hide_the_rule() {
    let (mut told, data) = Told::active();
    told.drops(&NodeName::client(), syn(data));
    told.hears(&["425 cannot connect"]);
    assert_eq!(told.ends().cause.kind(), CauseKind::Policy);
}

#[test]
fn a_refused_login_is_refused_at_login() {
    let mut told = Told::connected(DataSetup::Pasv);
    told.hears(&["220 hi"]);
    told.says(true, "USER a");
    told.hears(&["530 no"]);
    told.ends_in(Symptom::Refused, Phase::Login);
}

#[test]
fn under_tls_the_client_tells_of_the_refusal() {
    let mut told = Told::by(DataSetup::Port, |terms| {
        terms.protection = Protection::Explicit;
    });
    told.opened(control());
    let mut seen = Dialogue::default();
    seen.bytes(Side::Server, b"220 hi\r\n");
    seen.bytes(Side::Client, b"PORT 10,0,0,2,1,1\r\n");
    seen.bytes(Side::Server, b"500 Illegal PORT\r\n");
    told.tracker.take_client_report(seen.progress().clone());
    told.ends_in(Symptom::Refused, Phase::Negotiate);
}
