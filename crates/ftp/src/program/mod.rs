//! The peers that are programs of the machine, started in a node.

mod curl;
mod dialogue_log;
mod installed;
mod lftp;
mod session;
mod vsftpd;

pub use curl::Curl;
pub use lftp::Lftp;
pub use vsftpd::Vsftpd;
