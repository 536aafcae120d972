//! The data connection of a scripted client's session.

use fwlab_record::Operation;
use tokio::time::timeout;

use super::client_failure::{broke, closed, nothing_announced};
use super::client_session::{End, Session, Way};
use super::data::{self, Data};
use super::expand::NoValue;
use super::place::{Source, Target};
use super::sockets::{self, NotOpen};
use super::words::Expected;
use crate::embedded::{command, failure, flow, receive_buffer};
use crate::listing::listed_files;
use crate::wire::Event;
use crate::{ClientFailure, Connection, FailureKind, Transferred};

impl Session<'_> {
    pub(super) fn listen(&mut self, port: Option<u16>) -> Result<(), End> {
        let ports = match port {
            Some(port) => port..=port,
            None => self.spec.active_ports.clone().unwrap_or(0..=0),
        };
        self.listener = None;
        let listener = sockets::listen(self.own, ports, receive_buffer(self.spec))?;
        self.listener = Some(listener);
        Ok(())
    }

    /// Waits for the server's data connection, or for its no.
    pub(super) async fn accept(&mut self) -> Result<(), End> {
        let Some(listener) = &self.listener else {
            return Err(NoValue::Port.into());
        };
        let timeouts = self.spec.timeouts.connect;
        let control = &mut self.control;
        let waiting = async {
            loop {
                let no = control.ahead().find_map(|event| match event {
                    Event::Reply { reply, .. } if reply.code.is_negative() => Some(reply),
                    _ => None,
                });
                if let Some(no) = no {
                    return Err(failure::refused(no.clone()));
                }
                tokio::select! {
                    biased;
                    // From any address: which one may connect is the firewall's to say.
                    accepted = listener.accept() => {
                        let failed = |error| failure::connect(Connection::Data, &error);
                        return accepted.map(|(data, _)| data).map_err(failed);
                    }
                    more = control.hear_more() => match more {
                        Ok(true) => {}
                        Ok(false) => return Err(closed()),
                        Err(error) => return Err(broke(&error)),
                    },
                }
            }
        };
        let data = match timeout(timeouts, waiting).await {
            Ok(data) => data?,
            Err(_) => return Err(failure::connect_deadline(Connection::Data, timeouts).into()),
        };
        self.data = Some(data);
        Ok(())
    }

    pub(super) async fn connect(
        &mut self,
        from: Option<Source>,
        to: Option<&Target>,
    ) -> Result<(), End> {
        let to = match to {
            Some(target) => self
                .hosts
                .socket_address(target)
                .ok_or_else(|| NoValue::Host(target.host.clone()))?,
            None => self.announced.ok_or_else(nothing_announced)?,
        };
        let timeouts = self.spec.timeouts.connect;
        let connecting = sockets::connect(from, self.own, to, receive_buffer(self.spec));
        let data = match timeout(timeouts, connecting).await {
            Ok(Ok(data)) => data,
            Ok(Err(NotOpen::NotBound(not_bound))) => return Err(not_bound.into()),
            Ok(Err(NotOpen::Failed { source, .. })) => {
                return Err(failure::connect(Connection::Data, &source).into());
            }
            Err(_) => return Err(failure::connect_deadline(Connection::Data, timeouts).into()),
        };
        self.data = Some(data);
        Ok(())
    }

    pub(super) async fn open_data(&mut self) -> Result<(), End> {
        match self.way {
            Some(Way::Connect) => self.connect(None, None).await,
            None if self.listener.is_none() => self.connect(None, None).await,
            _ => self.accept().await,
        }
    }

    pub(super) async fn transfer(&mut self) -> Result<(), End> {
        if self.data.is_none() && self.way == Some(Way::Connect) {
            self.open_data().await?;
        }
        if self.spec.operation == Operation::Rest {
            let half = self.spec.content.half();
            self.say_plain(format!("REST {half}")).await?;
            self.expect(Expected::Class(3)).await?;
        }
        self.say_plain(command(self.spec)).await?;
        if self.data.is_none() {
            self.open_data().await?;
        }
        self.expect(Expected::Class(1)).await?;
        if self.spec.operation.is_upload() {
            self.send().await?;
        } else {
            self.receive().await?;
        }
        self.expect(Expected::Class(2)).await
    }

    pub(super) async fn send(&mut self) -> Result<(), End> {
        let moved = self.send_content().await;
        self.has_moved(moved).await
    }

    pub(super) async fn receive(&mut self) -> Result<(), End> {
        let moved = self.receive_content().await;
        self.has_moved(moved).await
    }

    async fn send_content(&mut self) -> Result<Transferred, ClientFailure> {
        let mut data = self.protected_data().await?;
        let (content, range) = (&self.spec.content, self.spec.moved());
        let silence = self.spec.timeouts.silence;
        let bytes = flow::send(&mut data, content, range, silence, None).await?;
        self.close(data, self.protects_data).await;
        Ok(Transferred::Sent { bytes })
    }

    async fn receive_content(&mut self) -> Result<Transferred, ClientFailure> {
        let mut data = self.protected_data().await?;
        let (spec, silence) = (self.spec, self.spec.timeouts.silence);
        let transferred = if spec.operation.is_listing() {
            let listing = flow::receive_listing(&mut data, silence).await?;
            Transferred::Listed {
                files: listed_files(spec.operation, &listing),
            }
        } else {
            let moved = spec.moved();
            let expected = moved.end - moved.start;
            let (bytes, digest) =
                flow::receive(&mut data, expected, silence, spec.pace, None).await?;
            Transferred::Received { bytes, digest }
        };
        self.close(data, false).await;
        Ok(transferred)
    }

    /// The data connection, under TLS when it is to be. That is put on when the first
    /// bytes are to go, after the preliminary reply, as servers expect.
    async fn protected_data(&mut self) -> Result<Data, ClientFailure> {
        let socket = self.data.take().ok_or_else(nothing_announced)?;
        let silence = self.spec.timeouts.silence;
        let tls = self.protects_data.then_some(&self.tls);
        match timeout(silence, data::of_client(socket, tls)).await {
            Ok(Ok(data)) => Ok(data),
            Ok(Err(error)) => Err(failure::tls(Connection::Data, &error)),
            Err(_) => Err(failure::tls_deadline(Connection::Data, silence)),
        }
    }

    /// Ends the data connection; the final reply tells how it went.
    async fn close(&self, data: Data, drain: bool) {
        let _ = timeout(self.spec.timeouts.silence, data::close(data, drain)).await;
    }

    /// Takes note of what was moved. A server that refuses a data connection for its
    /// TLS may end it first, and say why after that (522).
    async fn has_moved(&mut self, moved: Result<Transferred, ClientFailure>) -> Result<(), End> {
        match moved {
            Ok(moved) => {
                self.moved = Some(moved);
                Ok(())
            }
            Err(failure) => {
                let tls = matches!(failure.kind, FailureKind::Tls | FailureKind::Broken);
                if tls
                    && self.protects_data
                    && let Ok(reply) = self.hear_reply().await
                    && reply.code.is_negative()
                {
                    return Err(failure::refused(reply).into());
                }
                Err(failure.into())
            }
        }
    }
}
