//! The peers that are programs of the machine, started in a node. The clients among
//! them can be programs of a container as well.

mod bare_replies;
mod curl;
mod dialogue_log;
mod installed;
mod lftp;
mod running;
mod session;
mod tnftp;
mod vsftpd;
mod wget;

pub use curl::Curl;
pub use lftp::Lftp;
pub use running::{Places, START_DEADLINE, ServerProgram, died, reserve_passive_ports, stored_in};
pub use tnftp::Tnftp;
pub use vsftpd::Vsftpd;
pub use wget::Wget;
