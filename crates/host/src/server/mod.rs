//! An FTP server's settings, as far as they matter to a firewall: read from vsftpd's, ProFTPD's or Pure-FTPd's own file.
//!
//! Each program's meanings and defaults are those of its documentation: vsftpd.conf(5) 3.0.3, ProFTPD 1.3.8's reference
//! (mod_core, mod_auth, mod_tls), pure-ftpd(8) 1.0.50 and Debian's pure-ftpd-wrapper(8). What was measured says so.

mod captured;
mod known;
mod mistake;
mod own;
mod proftpd;
mod pure_ftpd;
mod reader;
mod recognise;
mod settings;
mod together;
mod vsftpd;

pub use mistake::{SettingMistake, SettingMistakes, SettingNote};
pub use own::{OwnSetting, OwnSettings};
pub use recognise::recognise;
pub use settings::{ServerProgram, ServerRead, ServerSettings};
pub use together::{NotTogether, stand_together};

use crate::host::ServerConfig;
use reader::Reader;

/// The most that is read of a server's settings, in bytes.
pub const MAX_SERVER_CONFIG: usize = 1 << 20;

/// Reads a server's settings. The first file is the main one; others are read where it includes them.
///
/// # Errors
/// Everything that is wrong with a setting that matters.
pub fn read_server(
    program: ServerProgram,
    files: &[ServerConfig],
) -> Result<ServerRead, SettingMistakes> {
    let mut reader = Reader::default();
    let name = files.first().map_or("", |file| file.text.name.as_str());
    let settings = match files.first() {
        None => ServerSettings::default(),
        Some(first) if first.text.text.len() > MAX_SERVER_CONFIG => {
            reader.too_large(&first.text.name);
            ServerSettings::default()
        }
        Some(first) => match program {
            ServerProgram::Vsftpd => vsftpd::read(&first.text, &mut reader),
            ServerProgram::Proftpd => proftpd::read(files, &mut reader),
            ServerProgram::PureFtpd => pure_ftpd::read(files, &mut reader),
        },
    };
    reader.end(program, name, settings)
}

#[cfg(test)]
mod tests;
