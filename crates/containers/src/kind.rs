use fwlab_ftp::{ContainedServer, Login, Role, ServerSettings, Support, TransferSpec, peer_entry};
use fwlab_record::PeerName;

use crate::Image;
use crate::image_of;

/// A server that containers run: what is its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    peer: PeerName,
    image: Image,
    contained: &'static ContainedServer,
}

impl Kind {
    pub(crate) fn of(peer: PeerName) -> Option<Kind> {
        let Role::Server { contained, .. } = &peer_entry(peer).role else {
            return None;
        };
        Some(Kind {
            peer,
            image: image_of(peer)?,
            contained: contained.as_ref()?,
        })
    }

    pub(crate) fn peer(self) -> PeerName {
        self.peer
    }

    pub(crate) fn image(self) -> Image {
        self.image
    }

    /// The Debian package that it is of.
    pub(crate) fn package(self) -> &'static str {
        self.contained.package
    }

    /// What it needs beyond a container's usual capabilities.
    pub(crate) fn capabilities(self) -> &'static [&'static str] {
        self.contained.capabilities
    }

    pub(crate) fn supports(self, transfer: &TransferSpec, settings: &ServerSettings) -> Support {
        let own = || (self.contained.supports)(transfer, settings);
        self.options(settings).and(|| login(settings)).and(own)
    }

    /// Whether it knows these options: each server's own are written in its own way.
    fn options(self, settings: &ServerSettings) -> Support {
        let is_value = |value: &str| {
            value
                .bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        };
        match settings
            .options
            .iter()
            .find(|(name, value)| !(self.contained.is_option)(name) || !is_value(value))
        {
            Some((name, value)) => Support::no(format!(
                "`{name}={value}` is not an option of {}",
                self.peer
            )),
            None => Support::Yes,
        }
    }
}

fn login(settings: &ServerSettings) -> Support {
    match settings.login {
        Login::As { .. } => Support::no("the lab sets up the users of its own servers"),
        Login::Anonymous | Login::Named => Support::Yes,
    }
}
