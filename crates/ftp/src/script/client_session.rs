use std::net::{IpAddr, SocketAddr};

use std::time::Duration;

use fwlab_record::Protection;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::client_failure::{broke, closed, no_ftp, nothing_transferred, silent};
use super::control::Control;
use super::expand::{NoValue, Segment, Values};
use super::parsed::Script;
use super::place::Hosts;
use super::sockets::{self, NotBound, NotOpen};
use super::step::{Step, StepKind};
use super::template::{Sent, Template, TemplatePart};
use super::words::Expected;
use crate::embedded::failure;
use crate::tls::{Tls, connector};
use crate::wire::{Event, Reply, Side};
use crate::{ClientFailure, Connection, PassiveAddress, TransferSpec, Transferred};

/// Why a session ended before its script.
pub(super) enum End {
    /// Something was done to it: the report's.
    Failed(ClientFailure),
    /// A port of its own could not be bound: the lab's fault.
    NotBound(NotBound),
    /// A line could not be filled in: the lab's fault.
    NoValue(NoValue),
}

impl From<ClientFailure> for End {
    fn from(failure: ClientFailure) -> End {
        End::Failed(failure)
    }
}

impl From<NotBound> for End {
    fn from(not_bound: NotBound) -> End {
        End::NotBound(not_bound)
    }
}

impl From<NoValue> for End {
    fn from(no_value: NoValue) -> End {
        End::NoValue(no_value)
    }
}

/// How the data connection was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Accept,
    Connect,
}

/// A client's session, and how far it has come.
pub(super) struct Session<'a> {
    pub(super) spec: &'a TransferSpec,
    script: &'a Script,
    pub(super) hosts: &'a Hosts,
    pub(super) control: Control,
    pub(super) own: IpAddr,
    step: Option<&'a Step>,
    lower_case: bool,
    pub(super) way: Option<Way>,
    pub(super) listener: Option<TcpListener>,
    pub(super) announced: Option<SocketAddr>,
    pub(super) data: Option<TcpStream>,
    pub(super) moved: Option<Transferred>,
    is_complete: bool,
    has_quit: bool,
    refusal: Option<Reply>,
    pub(super) tls: TlsConnector,
    /// Whether data connections are under TLS: PROT P was sent.
    pub(super) protects_data: bool,
}

impl<'a> Session<'a> {
    /// Connects.
    pub(super) async fn open(
        spec: &'a TransferSpec,
        script: &'a Script,
        hosts: &'a Hosts,
    ) -> Result<Session<'a>, ClientFailure> {
        let timeouts = spec.timeouts.connect;
        let on = Connection::Control;
        // The address is of no matter: nothing is bound.
        let connecting = sockets::connect(None, spec.server.ip(), spec.server, None);
        let stream = match timeout(timeouts, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(NotOpen::Failed { source, .. })) => return Err(failure::connect(on, &source)),
            Ok(Err(NotOpen::NotBound(error))) => {
                return Err(failure::connect(on, &error.source));
            }
            Err(_) => return Err(failure::connect_deadline(on, timeouts)),
        };
        let own = stream.local_addr();
        let mut session = Session {
            spec,
            script,
            hosts,
            own: own.map_err(|error| failure::connect(on, &error))?.ip(),
            control: Control::new(stream, Side::Client),
            step: None,
            lower_case: false,
            way: None,
            listener: None,
            announced: None,
            data: None,
            moved: None,
            is_complete: false,
            has_quit: false,
            refusal: None,
            tls: connector(spec.session_reuse, spec.tls_secrets.as_ref()),
            protects_data: false,
        };
        if spec.protection == Protection::Implicit {
            session.secure().await?;
        }
        Ok(session)
    }

    /// Does every step, and says what came of it.
    pub(super) async fn play(&mut self) -> Result<Transferred, End> {
        for step in &self.script.opening {
            self.step = Some(step);
            match self.perform(&step.does).await {
                Ok(()) => {}
                Err(End::Failed(failure)) => return Err(self.at_line(failure).into()),
                Err(fault) => return Err(fault),
            }
            if step.does == StepKind::Close {
                break;
            }
        }
        if self.has_quit {
            // A server that goes without a goodbye takes nothing from the transfer.
            let _ = self.hear_reply().await;
        }
        match self.moved.take() {
            Some(moved) if self.is_complete => Ok(moved),
            moved => Err(self.fell_short(moved.is_some()).into()),
        }
    }

    /// A failure with the line that it happened at.
    pub(super) fn at_line(&self, failure: ClientFailure) -> ClientFailure {
        match self.step {
            Some(Step { line, written, .. }) => ClientFailure {
                words: format!("line {line} of the script, `{written}`: {}", failure.words),
                ..failure
            },
            None => failure,
        }
    }

    /// The script came to its end, and nothing was transferred.
    fn fell_short(&self, moved: bool) -> ClientFailure {
        if let Some(reply) = &self.refusal {
            return failure::refused(reply.clone());
        }
        nothing_transferred(moved)
    }

    async fn perform(&mut self, does: &StepKind) -> Result<(), End> {
        match does {
            StepKind::Say(text) => self.say(text).await,
            StepKind::Expect(expected) => self.expect(*expected).await,
            StepKind::Listen(port) => self.listen(*port),
            StepKind::Accept => self.accept().await,
            StepKind::Connect { from, to } => self.connect(*from, to.as_ref()).await,
            StepKind::Open => self.open_data().await,
            StepKind::Send => self.send().await,
            StepKind::Receive => self.receive().await,
            StepKind::Pause(pause) => {
                // Part of the experiment: the script says how long, 5 s at most.
                tokio::time::sleep(*pause).await;
                Ok(())
            }
            StepKind::Login => self.login().await,
            StepKind::Setup => {
                self.say(&Template(vec![(TemplatePart::Setup(None), 0..0)]))
                    .await?;
                self.expect(Expected::Class(2)).await
            }
            StepKind::Transfer => self.transfer().await,
            StepKind::Tls => Ok(self.secure().await?),
            StepKind::Clear => Ok(self.clear().await?),
            StepKind::LowerCase => {
                self.lower_case = true;
                Ok(())
            }
            StepKind::Close | StepKind::Silence | StepKind::Unread => Ok(()),
        }
    }

    async fn say(&mut self, text: &Template) -> Result<(), End> {
        let active = self.spec.data_setup.is_active();
        for command in text.commands() {
            match command {
                Sent::Setup { to_target } => {
                    if active && !to_target && self.listener.is_none() {
                        self.listen(None)?;
                    }
                    self.agree(if active { Way::Accept } else { Way::Connect });
                }
                Sent::Command { verb, argument } => match verb.as_str() {
                    "PROT" => self.protects_data = argument.eq_ignore_ascii_case("p"),
                    "PORT" | "EPRT" => self.agree(Way::Accept),
                    "PASV" | "EPSV" => self.agree(Way::Connect),
                    "QUIT" => self.has_quit = true,
                    _ => {}
                },
            }
        }
        let segments = self.values().expand(text)?;
        self.send_line(&segments).await
    }

    fn agree(&mut self, way: Way) {
        self.way = Some(way);
        self.announced = None;
    }

    fn values(&self) -> Values<'_> {
        let listening = self.listener.as_ref();
        Values {
            own: self.own,
            port: listening.and_then(|listener| Some(listener.local_addr().ok()?.port())),
            file: self.spec.content.name(),
            hosts: self.hosts,
            setup: Some(self.spec.data_setup),
            lower_case: self.lower_case,
        }
    }

    pub(super) async fn say_plain(&mut self, line: String) -> Result<(), End> {
        let line = Template(vec![(TemplatePart::Literal(line), 0..0)]);
        let segments = self.values().expand(&line)?;
        self.send_line(&segments).await
    }

    async fn send_line(&mut self, segments: &[Segment]) -> Result<(), End> {
        let timeouts = self.spec.timeouts.silence;
        match timeout(timeouts + pauses(segments), self.control.say(segments)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(broke(&error).into()),
            Err(_) => Err(silent(timeouts).into()),
        }
    }

    pub(super) async fn hear_reply(&mut self) -> Result<Reply, ClientFailure> {
        let timeouts = self.spec.timeouts;
        // A server that connects before it answers needs a connection's patience too.
        let silence = match self.way {
            Some(Way::Accept) => timeouts.silence + timeouts.connect,
            _ => timeouts.silence,
        };
        match timeout(silence, self.control.hear()).await {
            Ok(Ok(Some(Event::Reply { reply, .. }))) => {
                if reply.code.is_negative() {
                    self.refusal = Some(reply.clone());
                }
                Ok(reply)
            }
            Ok(Ok(Some(event))) => Err(no_ftp(&event)),
            Ok(Ok(None)) => Err(closed()),
            Ok(Err(error)) => Err(broke(&error)),
            Err(_) => Err(silent(silence)),
        }
    }

    pub(super) async fn expect(&mut self, expected: Expected) -> Result<(), End> {
        let reply = self.hear_reply().await?;
        if !expected.is_met_by(&reply) {
            let words = format!("{expected} was to come, and {reply} came");
            return Err(ClientFailure {
                words,
                ..failure::refused(reply)
            }
            .into());
        }
        if let Some(announced) = reply.announces() {
            let server = self.spec.server.ip();
            let mut target = announced.target(server);
            if self.spec.passive_address == PassiveAddress::Ignored {
                target.set_ip(server);
            }
            self.announced = Some(target);
        }
        if self.moved.is_some() {
            self.is_complete |= reply.code.is_completion();
        }
        Ok(())
    }

    async fn secure(&mut self) -> Result<(), ClientFailure> {
        let silence = self.spec.timeouts.silence;
        let tls = Tls::Client(&self.tls);
        tls_step(silence, self.control.secure(tls)).await
    }

    async fn clear(&mut self) -> Result<(), ClientFailure> {
        let silence = self.spec.timeouts.silence;
        tls_step(silence, self.control.clear()).await
    }

    /// Sends a command, and waits for its 2yz.
    async fn ask(&mut self, line: &str) -> Result<(), End> {
        self.say_plain(line.into()).await?;
        self.expect(Expected::Class(2)).await
    }

    async fn login(&mut self) -> Result<(), End> {
        let protection = self.spec.protection;
        self.expect(Expected::Class(2)).await?;
        if matches!(protection, Protection::Explicit | Protection::Ccc) {
            self.ask("AUTH TLS").await?;
            self.secure().await?;
        }
        if protection.protects_data() {
            self.ask("PBSZ 0").await?;
            self.ask("PROT P").await?;
            self.protects_data = true;
        }
        self.say_plain(format!("USER {}", self.spec.login.user()))
            .await?;
        let reply = self.hear_reply().await?;
        if reply.code.is_intermediate() {
            self.ask(&format!("PASS {}", self.spec.login.password()))
                .await?;
        } else if !reply.code.is_completion() {
            return Err(failure::refused(reply).into());
        }
        if protection == Protection::Ccc && !self.script.clears() {
            self.ask("CCC").await?;
            self.clear().await?;
        }
        self.ask("TYPE I").await
    }
}

async fn tls_step(
    silence: Duration,
    step: impl Future<Output = std::io::Result<()>>,
) -> Result<(), ClientFailure> {
    match timeout(silence, step).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(failure::tls(Connection::Control, &error)),
        Err(_) => Err(failure::tls_deadline(Connection::Control, silence)),
    }
}

fn pauses(segments: &[Segment]) -> Duration {
    segments
        .iter()
        .map(|segment| match segment {
            Segment::Pause(pause) => *pause,
            Segment::Bytes(_) => Duration::ZERO,
        })
        .sum()
}
