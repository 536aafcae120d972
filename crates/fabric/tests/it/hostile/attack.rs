//! The attacker's side.

use std::path::PathBuf;

use super::{files, kernel};

pub(super) const PLACE: &str = "FWLAB_TEST_ATTACK";
pub(super) const SECRETS: &str = "FWLAB_TEST_SECRETS";
pub(super) const ABSTRACT: &str = "FWLAB_TEST_ABSTRACT";
pub(super) const SEGMENT: &str = "FWLAB_TEST_SEGMENT";
pub(super) const LAB: &str = "FWLAB_TEST_LAB";

/// What stands in files that nobody in there should see.
pub(super) const SECRET: &str = "the machine's own";

/// What is printed when all has been tried.
pub(super) const ATTACKED: &str = "attacked, all of it";

/// Where it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Server,
    Client,
    Loader,
    Container,
}

impl Place {
    const ALL: [Place; 4] = [
        Place::Server,
        Place::Client,
        Place::Loader,
        Place::Container,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Place::Server => "server",
            Place::Client => "client",
            Place::Loader => "loader",
            Place::Container => "container",
        }
    }

    fn here() -> Option<Place> {
        let word = std::env::var(PLACE).ok()?;
        Place::ALL.into_iter().find(|place| place.word() == word)
    }
}

/// Gathers what should not have worked.
#[derive(Default)]
pub(super) struct Breaches(Vec<String>);

impl Breaches {
    pub(super) fn add(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }

    pub(super) fn if_so(&mut self, holds: bool, what: impl Into<String>) {
        if holds {
            self.add(what);
        }
    }
}

#[test]
fn attack() {
    let Some(place) = Place::here() else {
        return; // nobody sent it
    };
    let mut breaches = Breaches::default();
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let secrets: Vec<PathBuf> = std::env::var_os(SECRETS)
        .map(|paths| std::env::split_paths(&paths).collect())
        .unwrap_or_default();
    assert!(!secrets.is_empty(), "it is told what to look for");
    files::known_paths(&secrets, &mut breaches);
    files::everything(place, &mut breaches);
    files::descriptors(&mut breaches);
    files::processes(place, &variable(LAB), &mut breaches);
    files::handles(&secrets, &mut breaches);
    kernel::privileges(place, &mut breaches);
    kernel::mounts(&mut breaches);
    kernel::namespaces(&mut breaches);
    kernel::others(&variable(LAB), &mut breaches);
    kernel::keys(&mut breaches);
    kernel::machinery(&mut breaches);
    kernel::settings(&mut breaches);
    kernel::sockets(place, &variable(ABSTRACT), &mut breaches);
    kernel::memory(&variable(SEGMENT), &mut breaches);
    for breach in &breaches.0 {
        println!("breach: {breach}");
    }
    println!("{ATTACKED}");
}
