use super::{LISTEN_FIRST, needs_listener, never};
use crate::script::mistake::Mistakes;
use crate::script::step::{Step, StepKind};
use crate::script::template::Sent;
use crate::script::words::Expected;

/// What is known of a client's session before a step.
#[derive(Debug, Default)]
struct Known {
    /// The line that heard the greeting.
    greeted: Option<usize>,
    /// A listener of its own.
    listens: bool,
    /// PASV or EPSV was sent.
    asked_passive: bool,
    /// A reply that may have announced a port was read.
    announced: bool,
    /// The setup was left to the cell: it has a listener or an announcement.
    set_up: bool,
    /// A data connection.
    data: bool,
    /// The line that put TLS on, or left it to the cell.
    secured: Option<usize>,
    /// The line that sent QUIT, and whether its reply was waited for.
    quit: Option<(usize, bool)>,
    /// The line that closed the connection.
    closed: Option<usize>,
}

pub(super) fn check(steps: &[Step], mistakes: &mut Mistakes) {
    let mut known = Known::default();
    for step in steps {
        if known.is_over(step, mistakes) {
            // One is enough: all that follow cannot happen either.
            return;
        }
        needs_listener(step, known.listens, mistakes);
        known.needs(step, mistakes);
        known.learn(step);
    }
}

impl Known {
    fn is_over(&mut self, step: &Step, mistakes: &mut Mistakes) -> bool {
        if let Some(line) = self.closed {
            let why = format!("line {line} closes the connection");
            never(step, why, "remove it, or write it before", mistakes);
            return true;
        }
        match (&mut self.quit, &step.does) {
            (Some((_, answered @ false)), StepKind::Expect(_)) => {
                *answered = true;
                false
            }
            (Some((line, _)), _) => {
                let why = format!("QUIT on line {line} ends the session");
                never(step, why, "remove it, or write it before QUIT", mistakes);
                true
            }
            (None, _) => false,
        }
    }

    /// Tells what a step needs and nobody has done before.
    fn needs(&self, step: &Step, mistakes: &mut Mistakes) {
        let (why, help) = match &step.does {
            StepKind::Expect(expected) if self.greeted.is_none() && !may_greet(*expected) => (
                format!("a server's first reply is its greeting, and never {expected}"),
                "write `220` or `@login` first",
            ),
            StepKind::Login => match self.greeted {
                Some(line) => (
                    format!("line {line} has waited for the greeting, and `@login` waits for it"),
                    "write `@login` in its place",
                ),
                None => return,
            },
            StepKind::Accept if !self.listens && !self.set_up => {
                ("nobody listens here".into(), LISTEN_FIRST)
            }
            StepKind::Connect { to: None, .. } if !self.announced && !self.set_up => (
                "no reply before it can have announced where to".into(),
                "send PASV or EPSV and write the reply to it, `227`, or name the target: \
                 `@connect to server:2000`",
            ),
            StepKind::Open if !self.can_open() => (
                "no data connection has been agreed on before it".into(),
                "write `@setup` before, or `@listen` and the command that announces it",
            ),
            StepKind::Transfer if !self.can_open() && !self.data => (
                "no data connection has been agreed on before it".into(),
                "write `@setup` before, or `@listen` and the command that announces it",
            ),
            StepKind::Tls => match self.secured {
                Some(line) => (format!("line {line} sees to TLS"), "remove one of the two"),
                None => return,
            },
            StepKind::Clear if self.secured.is_none() => (
                "there is no TLS to end".into(),
                "write `@login` before, or `@tls` below AUTH's 234",
            ),
            StepKind::Send | StepKind::Receive if !self.data => (
                "there is no data connection here".into(),
                "write `@open`, `@accept` or `@connect` before",
            ),
            _ => return,
        };
        never(step, why, help, mistakes);
    }

    fn can_open(&self) -> bool {
        self.listens || self.announced || self.set_up
    }

    fn learn(&mut self, step: &Step) {
        match &step.does {
            StepKind::Say(text) => {
                for command in text.commands() {
                    match command {
                        Sent::Setup { .. } => {
                            self.set_up = true;
                            self.asked_passive = true;
                        }
                        Sent::Command { verb, .. } if verb == "PASV" || verb == "EPSV" => {
                            self.asked_passive = true;
                        }
                        Sent::Command { verb, .. } if verb == "QUIT" => {
                            self.quit = Some((step.line, false));
                        }
                        Sent::Command { .. } => {}
                    }
                }
            }
            StepKind::Expect(expected) => {
                self.greeted.get_or_insert(step.line);
                let named = matches!(expected, Expected::Code(_));
                let announces = expected.admits(227) || expected.admits(229);
                self.announced |= announces && (named || self.asked_passive);
            }
            StepKind::Login => {
                self.greeted = Some(step.line);
                self.secured = Some(step.line);
            }
            StepKind::Tls => self.secured = Some(step.line),
            StepKind::Clear => self.secured = None,
            StepKind::Listen(_) => self.listens = true,
            StepKind::Accept | StepKind::Connect { .. } | StepKind::Open => self.data = true,
            StepKind::Send | StepKind::Receive | StepKind::Transfer => self.data = false,
            StepKind::Setup => self.set_up = true,
            StepKind::Close => self.closed = Some(step.line),
            StepKind::Unread => {
                self.greeted.get_or_insert(step.line);
                self.secured.get_or_insert(step.line);
                (self.listens, self.announced, self.data) = (true, true, true);
            }
            StepKind::Pause(_) | StepKind::Silence | StepKind::LowerCase => {}
        }
    }
}

/// 120 and 220 greet, 421 turns away (RFC 959 section 5.4); 4yz and 5yz of other
/// kinds are seen in the field.
fn may_greet(expected: Expected) -> bool {
    match expected {
        Expected::Code(code) => code.is_negative() || code.is_completion() || code.is_preliminary(),
        Expected::Class(class) => matches!(class, 1 | 2 | 4 | 5),
    }
}
