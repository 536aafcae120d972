//! The peers: each a folder, and one table of them.
//!
//! A folder holds what a peer is called, its role, where it is found, its package and image, what it can
//! do, how it deviates, and how it is started. What is the same for several peers is elsewhere: `program`
//! starts programs and reads their logs, `embedded` runs the libraries inside the lab, `script` plays scripts.

mod curl;
mod entry;
mod ftplib;
mod lftp;
mod libunftp;
mod own_server;
mod proftpd;
mod pure_ftpd;
mod pyftpdlib;
mod registry;
mod scripted_client;
mod scripted_server;
mod suppaftp;
mod table;
mod tnftp;
mod vsftpd;
mod wget;

pub use curl::Curl;
pub use entry::{ContainedClient, ContainedServer, Finds, PeerEntry, Role};
pub use lftp::Lftp;
pub use own_server::OwnServer;
pub use registry::{client, server};
pub use table::{CLIENT_WORDS, DEVIATIONS, SERVER_WORDS, peer_entry, port_choice};
pub use tnftp::Tnftp;
pub use vsftpd::Vsftpd;
pub use wget::Wget;

/// Every peer: servers, then clients. What lists or knows peers reads this.
pub const PEERS: &[PeerEntry] = &[
    libunftp::ENTRY,
    vsftpd::ENTRY,
    proftpd::ENTRY,
    pure_ftpd::ENTRY,
    pyftpdlib::ENTRY,
    scripted_server::ENTRY,
    own_server::ENTRY,
    suppaftp::ENTRY,
    curl::ENTRY,
    lftp::ENTRY,
    tnftp::ENTRY,
    wget::ENTRY,
    ftplib::ENTRY,
    scripted_client::ENTRY,
];
