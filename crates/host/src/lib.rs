//! A host in one file: what `capture.sh` read of it, read back and typed.
//!
//! | to | there is |
//! | --- | --- |
//! | read a host, on the host itself | [`SCRIPT`], plain POSIX sh |
//! | read the file that it writes | [`Host::read`] |
//! | know which rules it has, and where they stand in the file | [`Host::iptables`], [`Host::nft`], [`Host::ipset`] |
//! | know its network | [`Host::addresses`], [`Host::route_to`] |
//! | replace public addresses before it is sent on | [`redact()`] |
//! | know what the settings of its FTP server say | [`Host::server_files`], [`read_server()`] |
//! | seal one again that was edited on purpose | [`seal()`] |
//! | have a run in one file, in the same form | [`Bundle`] |
//!
//! The file is text that somebody else wrote: nothing in it is opened, run or resolved. This crate
//! does no I/O.
//!
//! ```
//! use fwlab_host::{Edits, Host};
//!
//! let text = b"fwlab host 1\nredacted no\n\n== kernel\n$ uname -srm\n|Linux 6.1.0 x86_64\n|\nexit 0\n\
//!     end sections=1 bytes=78 cksum=none\n";
//! let host = Host::read("host.fwlab", text, Edits::Refused).unwrap();
//! assert_eq!(host.kernel.as_deref(), Some("Linux 6.1.0 x86_64"));
//!
//! let cut = Host::read("host.fwlab", &text[..60], Edits::Refused).unwrap_err();
//! assert!(cut.to_string().contains("cut off"));
//! ```

mod bundle;
mod cksum;
mod frame;
mod host;
mod mistake;
mod network;
mod nft_tables;
mod piece;
mod reading;
mod redact;
mod seal;
mod section;
mod server;

pub use bundle::{Bundle, BundleMistake, MAX_BUNDLE};
pub use frame::{Edits, FORMAT, MAX_CAPTURE, MAX_SECTION};
pub use host::{Host, Listener, ServerConfig, Unread};
pub use mistake::{CaptureMistake, CaptureMistakes, Problem};
pub use network::{Address, Hop, Link, PolicyRule, Route, RouteKind};
pub use nft_tables::{hidden_tables, without_table};
pub use piece::Piece;
pub use redact::{Redacted, redact};
pub use seal::seal;
pub use section::SectionName;
pub use server::{
    MAX_SERVER_CONFIG, NotTogether, OwnSetting, OwnSettings, ServerProgram, ServerRead,
    ServerSettings, SettingMistake, SettingMistakes, SettingNote, read_server,
    recognise as recognise_server, stand_together,
};

/// The script that reads a host and writes the file: POSIX sh, for a host that need not have fwlab.
pub const SCRIPT: &str = include_str!("capture.sh");
