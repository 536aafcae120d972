//! Files of an FTP server's settings.

use std::path::PathBuf;

use fwlab_host::{
    Piece, ServerConfig, ServerProgram, ServerRead, SettingMistakes, read_server, recognise_server,
    stand_together,
};
use fwlab_model::ruleset::{Format, Source, recognise};
use fwlab_record::Exit;
use fwlab_text::one_line;

use crate::host_files::{self, HostFiles};
use crate::messages::Messages;
use crate::terms::{At, Terms};

/// The server whose settings a file has, if it has any.
pub(crate) fn program(source: &Source) -> Option<ServerProgram> {
    match recognise(source) {
        // `include` begins a line of both.
        Format::Nft | Format::Saved | Format::Sets => None,
        _ => recognise_server(&source.name, &source.text),
    }
}

/// Reads those that an option names. The first says whose they are.
pub(crate) fn named(paths: &[PathBuf], said: &mut Messages) -> Result<Option<ServerRead>, Exit> {
    let sources = paths.iter().map(|path| host_files::open(path, said));
    let sources = sources.collect::<Result<_, Exit>>()?;
    read(sources, said)
}

/// Reads the settings of one server: the first file, and what it includes.
pub(crate) fn read(
    mut sources: Vec<Source>,
    said: &mut Messages,
) -> Result<Option<ServerRead>, Exit> {
    // The main file is called after the server.
    sources.sort_by_key(|source| {
        let name = source.name.rsplit('/').next().unwrap_or_default();
        let main = ServerProgram::ALL
            .iter()
            .map(|program| format!("{program}.conf"));
        !main.into_iter().any(|main| main == name)
    });
    let Some(first) = sources.first() else {
        return Ok(None);
    };
    let Some(whose) = program(first) else {
        said.say(
            format!("{} is not known as the settings of a server", first.name),
            Some(
                "vsftpd.conf, proftpd.conf and pure-ftpd.conf are read; for another server, give --control-port, --passive-ports and --advertise",
            ),
        );
        return Err(Exit::Usage);
    };
    let other = sources
        .iter()
        .find(|source| program(source).is_some_and(|other| other != whose));
    if let Some(other) = other {
        said.say(
            format!(
                "{} has the settings of {whose}, but {} has those of another server",
                first.name, other.name
            ),
            Some("give the settings of the server that you check"),
        );
        return Err(Exit::Usage);
    }
    let files: Vec<ServerConfig> = sources
        .into_iter()
        .map(|source| ServerConfig {
            program: whose.word().to_owned(),
            file: source.name.clone(),
            text: Piece {
                name: source.name,
                text: source.text,
                begins: 1,
            },
        })
        .collect();
    stand_together(whose, &files).map_err(|refused| {
        said.say(one_line(&refused), Some(refused.help()));
        Exit::Usage
    })?;
    let read = read_server(whose, &files).map_err(|mistakes: SettingMistakes| {
        said.mistakes(mistakes.told().cloned());
        if mistakes.more() > 0 {
            said.say(
                format!("and {} more mistakes in {}", mistakes.more(), files[0].file),
                None,
            );
        }
        Exit::Usage
    })?;
    Ok(Some(read))
}

/// Whether the settings of the server are known: by an option, by a file beside the rules, or of the host itself.
pub fn are_given(files: &HostFiles, terms: &Terms) -> bool {
    // The server of a gateway or a client is another host's.
    let is_servers = terms.at.is_none_or(|at| at == At::Server);
    let own = files.own_server.as_ref().filter(|_| is_servers);
    !terms.server_options.config.is_empty() || files.server.as_ref().or(own).is_some()
}
