//! Which of a captured host's files are the settings of the server that waits for clients there.

use super::ServerProgram;
use crate::host::{Host, ServerConfig};
use crate::piece::Piece;

impl Host {
    /// The server that waits for FTP clients there, and its files of settings: the main one first. Nothing where none is known.
    pub fn server_files(&self) -> Option<(ServerProgram, Vec<ServerConfig>)> {
        let listening = self.listeners.iter().find_map(|listener| {
            let program = program(&listener.program)?;
            Some((program, listener.command.as_str()))
        });
        let starts_others =
            |name: &str| name.contains("inetd") || ["systemd", "unknown"].contains(&name);
        let (program, command) = match listening {
            Some(found) => found,
            // The files are another server's.
            None if self
                .listeners
                .iter()
                .any(|one| !starts_others(&one.program)) =>
            {
                return None;
            }
            None => {
                // Started for each client by something else, or not now.
                let mut programs = self.servers.iter();
                (programs.find_map(|file| file.program.parse().ok())?, "")
            }
        };
        if program == ServerProgram::PureFtpd && command.contains(" -") {
            return Some((program, vec![self.of_command(program, command)]));
        }
        let own = self.servers.iter();
        let mut own: Vec<&ServerConfig> =
            own.filter(|file| file.program == program.word()).collect();
        own.sort_by_key(|file| {
            let is_named = command.split_whitespace().any(|word| word == file.file);
            let name = file.file.rsplit('/').next().unwrap_or_default();
            (!is_named, name != format!("{program}.conf"))
        });
        if program == ServerProgram::PureFtpd {
            // Debian's wrapper reads a file for each setting, and not pure-ftpd.conf.
            let each: Vec<&ServerConfig> = own
                .iter()
                .copied()
                .filter(|file| file.file.contains("/conf/"))
                .collect();
            if !each.is_empty() {
                own = each;
            }
        }
        let files: Vec<ServerConfig> = own.into_iter().cloned().collect();
        (!files.is_empty()).then_some((program, files))
    }

    fn of_command(&self, program: ServerProgram, command: &str) -> ServerConfig {
        ServerConfig {
            program: program.word().to_owned(),
            file: String::new(),
            text: Piece {
                name: format!("the options of {program}"),
                text: command.as_bytes().to_vec(),
                begins: 1,
            },
        }
    }
}

/// The server that a process is of, by its name: at most 15 letters of it are known.
fn program(process: &str) -> Option<ServerProgram> {
    let mut all = ServerProgram::ALL.iter();
    all.find(|program| process.starts_with(program.word()))
        .copied()
}
