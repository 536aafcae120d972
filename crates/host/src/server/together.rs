//! Whether several files are the settings of one server.

use super::{ServerProgram, proftpd, pure_ftpd};
use crate::host::ServerConfig;

/// Files of which one server does not read all: which, why, and what to give instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct NotTogether {
    what: String,
    help: &'static str,
}

impl NotTogether {
    /// What to do.
    pub fn help(&self) -> &'static str {
        self.help
    }
}

/// Whether one server reads all these files, the main one first. On a host there may be others beside them; of files that
/// somebody gives, each is meant to count.
///
/// # Errors
/// When one of them would be left out, or take the place of another.
pub fn stand_together(program: ServerProgram, files: &[ServerConfig]) -> Result<(), NotTogether> {
    let Some(first) = files.first() else {
        return Ok(());
    };
    let both = |other: &ServerConfig| NotTogether {
        what: format!(
            "{} and {} are both settings of {program}",
            first.file, other.file
        ),
        help: "a server has only one: give that",
    };
    match program {
        ServerProgram::Vsftpd => match files.get(1) {
            Some(other) => Err(both(other)),
            None => Ok(()),
        },
        ServerProgram::Proftpd => match proftpd::not_included(files) {
            Some(other) => Err(NotTogether {
                what: format!(
                    "{} and {} are both settings of {program}, but nothing includes {1}",
                    first.file, other.file
                ),
                help: "give one server's proftpd.conf and the files that it includes, each under the name that it includes it by",
            }),
            None => Ok(()),
        },
        ServerProgram::PureFtpd => of_pure_ftpd(files, both),
    }
}

/// Either `pure-ftpd.conf` alone, or Debian's files for one setting each.
fn of_pure_ftpd(
    files: &[ServerConfig],
    both: impl Fn(&ServerConfig) -> NotTogether,
) -> Result<(), NotTogether> {
    let key =
        |file: &ServerConfig| pure_ftpd::named(&file.file).map(|key| key.to_ascii_lowercase());
    let first = &files[0];
    for (at, file) in files.iter().enumerate().skip(1) {
        match (key(first), key(file)) {
            (Some(_), Some(own)) => {
                let mut before = files[..at].iter();
                if let Some(same) = before.find(|other| key(other).as_ref() == Some(&own)) {
                    return Err(NotTogether {
                        what: format!(
                            "{} and {} are both the same setting of Pure-FTPd",
                            same.file, file.file
                        ),
                        help: "a server has only one of each: give that",
                    });
                }
            }
            (None, None) => return Err(both(file)),
            _ => {
                return Err(NotTogether {
                    what: format!(
                        "no Pure-FTPd reads both {} and {}: Debian's reads a file for each setting, and not pure-ftpd.conf",
                        first.file, file.file
                    ),
                    help: "give those that this server reads",
                });
            }
        }
    }
    Ok(())
}
