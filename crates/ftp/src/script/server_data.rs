//! The data connection of a scripted server's session.

use std::fmt::Write as _;

use tokio::io::AsyncWriteExt;
use unftp_core::auth::DefaultUser;
use unftp_core::storage::{Metadata, StorageBackend};

use super::data::{self, Data};
use super::place::{Source, Target};
use super::server_session::{Session, Stop};
use super::sockets::{self, NotBound, NotOpen};
use crate::DataSourcePort;
use crate::wire::Command;

impl Session {
    /// Waits for the client's data connection, from whichever address, as long as the
    /// client is there.
    pub(super) async fn accept(&mut self) -> Result<(), Stop> {
        let Some(listener) = &self.listener else {
            return Err(Stop::no(425, "nobody listens: PASV or EPSV comes first"));
        };
        let accepted = self.control.while_there(listener.accept()).await;
        let accepted = accepted.ok_or(Stop::Over)?;
        let (data, _) = accepted.map_err(|error| Stop::no(425, error.to_string()))?;
        self.data = Some(data);
        Ok(())
    }

    /// Connects to a written target, or to what the client announced.
    pub(super) async fn connect(
        &mut self,
        from: Option<Source>,
        to: Option<&Target>,
    ) -> Result<(), Stop> {
        let to = match to {
            Some(target) => self
                .terms
                .hosts
                .socket_address(target)
                .ok_or_else(|| Stop::Fault(format!("`{}` has no address", target.host)))?,
            None => self
                .announced
                .ok_or_else(|| Stop::no(425, "nothing is announced: PORT or EPRT comes first"))?,
        };
        let from = from.or(match self.terms.data_source_port {
            DataSourcePort::Twenty => Some(Source {
                address: None,
                port: Some(20),
            }),
            DataSourcePort::Ephemeral => None,
        });
        let connecting = sockets::connect(from, self.own, to, None);
        let connected = self.control.while_there(connecting).await;
        let data = connected.ok_or(Stop::Over)?.map_err(|error| match error {
            NotOpen::NotBound(NotBound { address, source }) => {
                Stop::Fault(format!("{address} could not be bound: {source}"))
            }
            failed => Stop::no(425, failed.to_string()),
        })?;
        self.data = Some(data);
        Ok(())
    }

    /// Opens the data connection as it was agreed on last.
    pub(super) async fn open(&mut self) -> Result<(), Stop> {
        if self.announced.is_some() {
            self.connect(None, None).await
        } else {
            self.accept().await
        }
    }

    /// Sends what a command asks for; the stored file where it asks for nothing.
    pub(super) async fn send(&mut self, command: Option<&Command>) -> Result<(), Stop> {
        let mut data = self.protected_data().await?;
        let listing = command.filter(|it| ["LIST", "NLST", "MLSD"].iter().any(|verb| it.is(verb)));
        let offset = std::mem::take(&mut self.offset);
        let storage = self.terms.storage.clone();
        let name = self.named(command.filter(|it| it.is("RETR")));
        let sending = async {
            match listing {
                Some(listing) => {
                    let text = listed(&storage, listing).await?;
                    data.write_all(text.as_bytes()).await?;
                }
                None => {
                    let sent = storage.get_into(&DefaultUser, &name, offset, &mut data);
                    sent.await.map_err(std::io::Error::other)?;
                }
            }
            data::close(data, false).await
        };
        match self.control.while_there(sending).await {
            Some(sent) => sent.map_err(|error| Stop::no(426, error.to_string())),
            None => Err(Stop::Over),
        }
    }

    /// Receives what a command sends, under its name, or under the stored file's.
    pub(super) async fn receive(&mut self, command: Option<&Command>) -> Result<(), Stop> {
        let data = self.protected_data().await?;
        let upload = command.filter(|it| it.is("STOR") || it.is("APPE"));
        let name = self.named(upload);
        let start = match upload.filter(|it| it.is("APPE")) {
            Some(_) => self.size_of(&name).await.unwrap_or(0),
            None => std::mem::take(&mut self.offset),
        };
        let storage = self.terms.storage.clone();
        let receiving = storage.put(&DefaultUser, data, &name, start);
        match self.control.while_there(receiving).await {
            Some(received) => received
                .map(drop)
                .map_err(|error| Stop::no(426, error.to_string())),
            None => Err(Stop::Over),
        }
    }

    /// A whole transfer, as a well-behaved server does it.
    pub(super) async fn transfer(&mut self, command: &Command) -> Result<(), Stop> {
        if command.is("RETR") {
            self.size_of(&command.argument_text()).await?;
        }
        if self.data.is_none() {
            self.open().await?;
        }
        self.say("150 here it goes").await?;
        if command.is("STOR") || command.is("APPE") {
            self.receive(Some(command)).await?;
        } else {
            self.send(Some(command)).await?;
        }
        self.say("226 done").await
    }

    /// The size of a file that is there.
    pub(super) async fn size_of(&self, name: &str) -> Result<u64, Stop> {
        let found = self.terms.storage.metadata(&DefaultUser, name).await;
        match found {
            Ok(found) if found.is_file() => Ok(found.len()),
            _ => Err(Stop::no(550, format!("there is no file `{name}`"))),
        }
    }

    /// The data connection, under TLS when it is to be.
    async fn protected_data(&mut self) -> Result<Data, Stop> {
        let data = self.data.take();
        let data = data.ok_or_else(|| Stop::no(425, "there is no data connection"))?;
        let tls = self.protects_data.then_some(&self.terms.data_tls);
        let protecting = data::of_server(data, tls);
        let protected = self.control.while_there(protecting).await;
        let (data, resumed) = protected
            .ok_or(Stop::Over)?
            .map_err(|error| Stop::no(426, format!("TLS: {error}")))?;
        if self.protects_data && self.terms.require_session_reuse && !resumed {
            return Err(Stop::no(522, "TLS: the session is not resumed"));
        }
        Ok(data)
    }

    /// The file that a command names; the one that is stored where it names none.
    fn named(&self, command: Option<&Command>) -> String {
        let named = command.map(Command::argument_text);
        named.unwrap_or_else(|| self.terms.file.clone())
    }
}

/// A listing in the form that a command asks for.
async fn listed(
    storage: &crate::embedded::storage::Storage,
    command: &Command,
) -> std::io::Result<String> {
    let files = storage.list(&DefaultUser, "").await;
    let mut text = String::new();
    for file in files.map_err(std::io::Error::other)? {
        let (name, size) = (file.path.display(), file.metadata.len());
        let written = if command.is("MLSD") {
            write!(text, "type=file;size={size}; {name}\r\n")
        } else if command.is("NLST") {
            write!(text, "{name}\r\n")
        } else {
            write!(
                text,
                "-rw-r--r-- 1 ftp ftp {size:>12} Jan 01 1970 {name}\r\n"
            )
        };
        written.expect("a string takes everything");
    }
    Ok(text)
}
