use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use fwlab_record::Protection;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::control::Control;
use super::defaults::{Answer as ByDefault, GREETING, Manners};
use super::expand::{Segment, Values};
use super::parsed::Script;
use super::place::Hosts;
use super::sockets;
use super::step::{Step, StepKind};
use super::template::Template;
use crate::embedded::storage::Storage;
use crate::tls::Tls;
use crate::wire::{Command, Event, HostPort, Side};
use crate::{DataSourcePort, PassivePorts};

/// What all sessions of one server share.
pub(super) struct Terms {
    pub(super) script: Arc<Script>,
    pub(super) hosts: Hosts,
    pub(super) storage: Storage,
    /// The name of the file that it holds at the start; empty for none.
    pub(super) file: String,
    pub(super) passive_ports: Option<PassivePorts>,
    pub(super) data_source_port: DataSourcePort,
    /// The address that its 227 announces in place of its own.
    pub(super) advertised_address: Option<Ipv4Addr>,
    pub(super) protection: Protection,
    pub(super) control_tls: TlsAcceptor,
    pub(super) data_tls: TlsAcceptor,
    pub(super) require_session_reuse: bool,
    pub(super) logger: slog::Logger,
}

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Stop {
    /// The session is over: the client has gone, or the script closes it.
    Over,
    /// The session cannot go on, and no firewall is the cause of that: better no
    /// reply than one that looks like a finding.
    Fault(String),
    /// The client is told no, and the session goes on.
    No { code: u16, words: String },
}

impl Stop {
    pub(super) fn no(code: u16, words: impl Into<String>) -> Stop {
        Stop::No {
            code,
            words: words.into(),
        }
    }

    /// This with the line of the script that it happened at.
    fn at(self, Step { line, written, .. }: &Step) -> Stop {
        let with_line = |words| format!("line {line} of the script, `{written}`: {words}");
        match self {
            Stop::Over => Stop::Over,
            Stop::Fault(words) => Stop::Fault(with_line(words)),
            Stop::No { code, words } => Stop::No {
                code,
                words: with_line(words),
            },
        }
    }
}

impl From<io::Error> for Stop {
    /// Of the control connection: whatever it was, nobody is there any more.
    fn from(_: io::Error) -> Stop {
        Stop::Over
    }
}

/// A server's session with one client.
pub(super) struct Session {
    pub(super) terms: Arc<Terms>,
    pub(super) control: Control,
    pub(super) own: IpAddr,
    pub(super) listener: Option<TcpListener>,
    /// What the latest PORT or EPRT announced.
    pub(super) announced: Option<SocketAddr>,
    pub(super) data: Option<TcpStream>,
    /// Where the next transfer begins.
    pub(super) offset: u64,
    /// Whether TLS is on the control connection, or was until CCC.
    is_secured: bool,
    /// Whether data connections are under TLS: PROT P came.
    pub(super) protects_data: bool,
    /// How often each verb came.
    came: BTreeMap<String, usize>,
}

impl Session {
    pub(super) fn begin(stream: TcpStream, terms: Arc<Terms>) -> io::Result<Session> {
        stream.set_nodelay(true)?;
        Ok(Session {
            own: stream.local_addr()?.ip().to_canonical(),
            control: Control::new(stream, Side::Server),
            terms,
            listener: None,
            announced: None,
            data: None,
            offset: 0,
            is_secured: false,
            protects_data: false,
            came: BTreeMap::new(),
        })
    }

    /// Serves the client until one of the two goes.
    pub(super) async fn run(mut self) {
        let script = Arc::clone(&self.terms.script);
        let mut latest = self.open_session(&script).await;
        loop {
            match latest {
                Ok(()) => {}
                Err(Stop::Over) => return,
                Err(Stop::Fault(words)) => {
                    slog::error!(self.terms.logger, "{}", words);
                    return;
                }
                Err(Stop::No { code, words }) => {
                    slog::warn!(self.terms.logger, "{}", words);
                    if self.say(&format!("{code} {words}")).await.is_err() {
                        return;
                    }
                }
            }
            latest = match self.control.hear().await {
                Ok(Some(Event::Command(command))) => self.answer(&script, &command).await,
                Ok(Some(_)) => Ok(()),
                Ok(None) | Err(_) => return,
            };
        }
    }

    async fn open_session(&mut self, script: &Script) -> Result<(), Stop> {
        if self.terms.protection == Protection::Implicit {
            self.secure().await?;
        }
        if script.opening.is_empty() {
            self.say(GREETING).await
        } else {
            self.play(&script.opening, None).await
        }
    }

    /// Puts TLS on. A client that cannot do it is no longer there.
    async fn secure(&mut self) -> Result<(), Stop> {
        let terms = Arc::clone(&self.terms);
        let secured = self.control.secure(Tls::Server(&terms.control_tls)).await;
        secured.map_err(|error| Stop::Fault(format!("TLS: {error}")))?;
        self.is_secured = true;
        Ok(())
    }

    async fn clear(&mut self) -> Result<(), Stop> {
        let cleared = self.control.clear().await;
        cleared.map_err(|error| Stop::Fault(format!("the end of TLS: {error}")))
    }

    async fn answer(&mut self, script: &Script, command: &Command) -> Result<(), Stop> {
        let verb = command.verb();
        match verb.as_str() {
            "PORT" | "EPRT" => {
                let announced = command.announces();
                self.announced = announced.map(|announced| announced.target(self.own));
                self.listener = None;
            }
            "PASV" | "EPSV" => self.announced = None,
            "PROT" => {
                self.protects_data = command.argument_text().eq_ignore_ascii_case("p");
            }
            _ => {}
        }
        let answers = script.answers.iter().filter(|answer| answer.verb == verb);
        let answers: Vec<_> = answers.collect();
        let coming = self.came.entry(verb).or_default();
        // The last answer is for all comings that follow.
        let answer = answers.get(*coming).or(answers.last());
        *coming += 1;
        match answer {
            Some(answer) => self.play(&answer.steps, Some(command)).await,
            None => self.answer_by_default(command).await,
        }
    }

    async fn play(&mut self, steps: &[Step], to: Option<&Command>) -> Result<(), Stop> {
        for step in steps {
            self.perform(&step.does, to)
                .await
                .map_err(|stop| stop.at(step))?;
        }
        Ok(())
    }

    async fn perform(&mut self, does: &StepKind, to: Option<&Command>) -> Result<(), Stop> {
        match does {
            StepKind::Say(text) => self.say_text(text).await,
            StepKind::Listen(port) => self.listen(*port),
            StepKind::Accept => self.accept().await,
            StepKind::Connect { from, to } => self.connect(*from, to.as_ref()).await,
            StepKind::Open => self.open().await,
            StepKind::Send => self.send(to).await,
            StepKind::Receive => self.receive(to).await,
            StepKind::Pause(pause) => {
                // Part of the experiment: the script says how long, 5 s at most.
                tokio::time::sleep(*pause).await;
                Ok(())
            }
            StepKind::Close => Err(Stop::Over),
            StepKind::Tls => self.secure().await,
            StepKind::Clear => self.clear().await,
            StepKind::Silence
            | StepKind::Expect(_)
            | StepKind::Login
            | StepKind::Setup
            | StepKind::Transfer
            | StepKind::LowerCase
            | StepKind::Unread => Ok(()),
        }
    }

    async fn answer_by_default(&mut self, command: &Command) -> Result<(), Stop> {
        let manners = Manners {
            protection: self.terms.protection,
            is_secured: self.is_secured,
            protects_data: self.protects_data,
            over_six: self.own.is_ipv6(),
        };
        match manners.answer(command) {
            ByDefault::Reply(reply) => self.say(&reply).await,
            ByDefault::Goodbye => {
                self.say("221 goodbye").await?;
                Err(Stop::Over)
            }
            ByDefault::Secure => {
                self.say("234 go on under TLS").await?;
                self.secure().await
            }
            ByDefault::Clear => {
                self.say("200 go on in the clear").await?;
                self.clear().await
            }
            ByDefault::Size => {
                let name = command.argument_text();
                let size = self.size_of(&name).await?;
                self.say(&format!("213 {size}")).await
            }
            ByDefault::Restart(offset) => {
                self.offset = offset;
                self.say(&format!("350 the next transfer begins at {offset}"))
                    .await
            }
            ByDefault::Active if self.announced.is_none() => {
                Err(Stop::no(501, "this is no address and port"))
            }
            ByDefault::Active => self.say("200 done").await,
            ByDefault::Passive => {
                self.listen(None)?;
                let port = self.port().unwrap_or_default();
                match self.announced_own() {
                    IpAddr::V4(own) if command.is("PASV") => {
                        let to = HostPort(std::net::SocketAddrV4::new(own, port));
                        self.say(&format!("227 Entering Passive Mode ({to})")).await
                    }
                    _ => {
                        self.say(&format!("229 Entering Extended Passive Mode (|||{port}|)"))
                            .await
                    }
                }
            }
            ByDefault::Transfer => self.transfer(command).await,
        }
    }

    pub(super) async fn say(&mut self, line: &str) -> Result<(), Stop> {
        let line = Segment::Bytes(format!("{line}\r\n").into_bytes());
        Ok(self.control.say(&[line]).await?)
    }

    async fn say_text(&mut self, text: &Template) -> Result<(), Stop> {
        let values = Values {
            own: self.announced_own(),
            port: self.port(),
            file: &self.terms.file,
            hosts: &self.terms.hosts,
            setup: None,
            lower_case: false,
        };
        let segments = values.expand(text);
        let segments = segments.map_err(|no_value| Stop::Fault(no_value.to_string()))?;
        Ok(self.control.say(&segments).await?)
    }

    /// The own address as 227 announces it.
    fn announced_own(&self) -> IpAddr {
        let advertised = self.terms.advertised_address.map(IpAddr::V4);
        advertised.unwrap_or(self.own)
    }

    fn port(&self) -> Option<u16> {
        Some(self.listener.as_ref()?.local_addr().ok()?.port())
    }

    fn listen(&mut self, port: Option<u16>) -> Result<(), Stop> {
        let ports = match (port, self.terms.passive_ports) {
            (Some(port), _) => port..=port,
            (None, Some(PassivePorts { min, max })) => min..=max,
            (None, None) => 0..=0,
        };
        // A port that was listened on is free again.
        self.listener = None;
        let listener = sockets::listen(self.own, ports, None);
        let listener = listener.map_err(|sockets::NotBound { address, source }| {
            Stop::Fault(format!("{address} could not be bound: {source}"))
        })?;
        self.listener = Some(listener);
        Ok(())
    }
}
