use fwlab_record::{DataSetup, Phase};
use serde::{Deserialize, Serialize};

use super::{Command, MAX_BYTES_SAID, MAX_LINES_SAID, Reply};

/// The most data setups of one dialogue that are kept.
const MAX_SETUPS: usize = 16;

/// The most commands of one dialogue that are kept: a session is some dozen.
const MAX_EXCHANGES: usize = 64;

/// A command, and what the server said to it in the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The command.
    pub command: Command,
    /// The server's final answer; `None` until it comes.
    pub answer: Option<Reply>,
}

/// A data setup that the client asked for, and what the server said to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupExchange {
    /// The setup that was asked for.
    pub setup: DataSetup,
    /// The server's answer; `None` until it comes.
    pub answer: Option<Reply>,
}

/// How far a dialogue has come.
///
/// The replies about a transfer are those of the latest one: a new data setup
/// clears them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// The server's first reply.
    pub greeting: Option<Reply>,
    /// The reply that let the client in, 230 or 232.
    pub login: Option<Reply>,
    /// Whether AUTH was sent and is not answered.
    pub securing: bool,
    /// Whether AUTH was answered with 234: what follows is TLS, and hidden from the wire
    /// until CCC is granted, if it ever is.
    pub secured: bool,
    /// The data setups asked for, in order: a second one is a client's fallback
    /// or second transfer. At most sixteen are kept.
    pub setups: Vec<SetupExchange>,
    /// The latest answer to REST, 350 when the next transfer begins elsewhere.
    pub restart: Option<Reply>,
    /// The transfer command, `RETR name`.
    pub transfer: Option<Command>,
    /// Its preliminary reply, 125 or 150.
    pub preliminary: Option<Reply>,
    /// Its final reply, 226 or 250 when it went well.
    pub completion: Option<Reply>,
    /// The latest reply of any kind.
    pub latest: Option<Reply>,
    /// The commands, in order; the first sixty-four.
    pub exchanges: Vec<Exchange>,
    /// Whether the server once said more between two commands than [`MAX_LINES_SAID`] or [`MAX_BYTES_SAID`].
    pub flooded: bool,
}

impl Progress {
    /// What is wrong with a server that never comes to an end.
    pub fn flood(&self) -> Option<String> {
        self.flooded.then(|| {
            format!(
                "the server said more than {MAX_LINES_SAID} lines or {} KiB in answer to one command, \
                 and no more is read",
                MAX_BYTES_SAID >> 10
            )
        })
    }

    /// Whether the server greeted the client and did not turn it away.
    pub fn is_greeted(&self) -> bool {
        self.greeting
            .as_ref()
            .is_some_and(|reply| reply.code.is_completion())
    }

    /// Whether the client is logged in.
    pub fn is_logged_in(&self) -> bool {
        self.login.is_some()
    }

    /// Whether the latest data setup was granted.
    pub fn is_set_up(&self) -> bool {
        self.setups
            .last()
            .and_then(|exchange| exchange.answer.as_ref())
            .is_some_and(|answer| answer.code.is_completion())
    }

    /// Whether the latest transfer ended in 226 or 250.
    pub fn is_complete(&self) -> bool {
        self.completion
            .as_ref()
            .is_some_and(|reply| reply.code.is_completion())
    }

    /// The phase that the dialogue is in, as far as the control connection tells.
    ///
    /// It cannot tell `data-connect` from `transfer` for sure (a server may send
    /// 150 before or after the data connection is up), nor when the last byte of
    /// data went; who sees the data connection knows better.
    pub fn phase(&self) -> Phase {
        if self.completion.is_some() {
            Phase::Completion
        } else if self.preliminary.is_some() {
            Phase::Transfer
        } else if self.transfer.is_some() || self.is_set_up() {
            Phase::DataConnect
        } else if self.is_logged_in() {
            Phase::Negotiate
        } else if self.securing || self.awaits_tls() {
            Phase::AuthTls
        } else if self.is_greeted() {
            Phase::Login
        } else {
            Phase::Greeting
        }
    }

    /// Whether nothing was read since the 234 that granted AUTH: on the wire nothing
    /// ever is, and to an end of the connection the next reply shows that TLS is up.
    fn awaits_tls(&self) -> bool {
        let latest = self.latest.as_ref();
        self.secured && latest.is_some_and(|reply| reply.code.number() == 234)
    }

    pub(super) fn command(&mut self, command: &Command) {
        if self.exchanges.len() < MAX_EXCHANGES {
            self.exchanges.push(Exchange {
                command: command.clone(),
                answer: None,
            });
        }
        if let Some(setup) = asked_setup(command) {
            self.transfer = None;
            self.preliminary = None;
            self.completion = None;
            if self.setups.len() == MAX_SETUPS {
                self.setups.pop();
            }
            self.setups.push(SetupExchange {
                setup,
                answer: None,
            });
        } else if is_transfer(command) {
            self.transfer = Some(command.clone());
            self.preliminary = None;
            self.completion = None;
        } else if command.is("AUTH") {
            self.securing = true;
        }
    }

    pub(super) fn greeted(&mut self, reply: &Reply) {
        self.greeting = Some(reply.clone());
    }

    pub(super) fn answered(&mut self, command: &Command, reply: &Reply) {
        let mut open = self.exchanges.iter_mut();
        // Answers come in the order of the commands (RFC 959 section 5.4).
        if let Some(exchange) = open.find(|exchange| exchange.answer.is_none())
            && exchange.command == *command
            && !reply.code.is_preliminary()
        {
            exchange.answer = Some(reply.clone());
        }
        // 220 greets: the client has connected anew, as lftp does, and this answers nothing of before.
        if is_transfer(command) && reply.code.number() != 220 {
            let place = if reply.code.is_preliminary() {
                &mut self.preliminary
            } else {
                &mut self.completion
            };
            *place = Some(reply.clone());
        } else if asked_setup(command).is_some() {
            let open = self
                .setups
                .iter_mut()
                .find(|exchange| exchange.answer.is_none());
            if let Some(exchange) = open.filter(|_| !reply.code.is_preliminary()) {
                exchange.answer = Some(reply.clone());
            }
        } else if command.is("REST") {
            self.restart = Some(reply.clone());
        } else if command.is("AUTH") {
            self.securing = false;
            self.secured = reply.code.number() == 234;
        } else if ["USER", "PASS", "ACCT"].iter().any(|verb| command.is(verb))
            && matches!(reply.code.number(), 230 | 232)
        {
            self.login = Some(reply.clone());
        }
    }
}

/// The data setup that a command asks for. `EPSV ALL` asks for none (RFC 2428
/// section 4).
fn asked_setup(command: &Command) -> Option<DataSetup> {
    let setup = DataSetup::ALL
        .iter()
        .copied()
        .find(|setup| command.is(setup.command()))?;
    let all = setup == DataSetup::Epsv && command.argument_text().eq_ignore_ascii_case("all");
    (!all).then_some(setup)
}

fn is_transfer(command: &Command) -> bool {
    ["RETR", "STOR", "STOU", "APPE", "LIST", "NLST", "MLSD"]
        .iter()
        .any(|verb| command.is(verb))
}
