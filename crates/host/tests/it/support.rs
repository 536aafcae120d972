use fwlab_host::{Edits, Host};

/// What real programs wrote on one host, by how its `ip` answers: `tests/fixtures/make` makes them.
pub(crate) const JSON: &[u8] = include_bytes!("../fixtures/iproute2-json.fwlab");
pub(crate) const WORDS: &[u8] = include_bytes!("../fixtures/iproute2-words.fwlab");
pub(crate) const BUSYBOX: &[u8] = include_bytes!("../fixtures/busybox.fwlab");

pub(crate) fn read(bytes: &[u8]) -> Host {
    match Host::read("host.fwlab", bytes, Edits::Refused) {
        Ok(host) => host,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

/// Why a file is not read.
pub(crate) fn refused(bytes: &[u8]) -> String {
    match Host::read("host.fwlab", bytes, Edits::Refused) {
        Ok(_) => panic!("it was read: {}", String::from_utf8_lossy(bytes)),
        Err(mistakes) => mistakes.to_string(),
    }
}
