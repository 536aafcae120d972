//! What a script can be asked to do.

use std::net::IpAddr;

use fwlab_record::{DataSetup, Operation, Protection};

use super::parsed::Script;
use super::place::Hosts;
use super::step::StepKind;
use super::template::Sent;
use crate::{Support, TransferSpec};

impl Script {
    /// Whether it can be played in a transfer at all.
    pub(super) fn supports(&self, hosts: &Hosts, transfer: &TransferSpec) -> Support {
        if let Some((name, _)) = self.nodes().find(|(name, _)| !hosts.has(name)) {
            return Support::no(format!("its script names `{name}`, which has no address"));
        }
        let four_only = self.texts().find(|(_, text)| {
            let port = transfer.data_setup == DataSetup::Port;
            let mut written = text.hosts_of_ipv4(port);
            written.any(|host| hosts.address(host).is_some_and(|it: IpAddr| it.is_ipv6()))
        });
        match four_only {
            Some((step, _)) => Support::no(format!(
                "line {} of its script writes an address as PORT does, and has none of IPv4",
                step.line
            )),
            None => Support::Yes,
        }
    }

    /// Whether a client's script can do this protection: all of them when it leaves the
    /// login to the cell, otherwise the one that it speaks.
    pub(super) fn supports_protection(&self, protection: Protection) -> Support {
        let does = |what: StepKind| self.opening.iter().find(|step| step.does == what);
        let (step, fixed) = match (does(StepKind::Clear), does(StepKind::Tls)) {
            (Some(clear), _) => (Some(clear), Protection::Ccc),
            (None, Some(tls)) => (Some(tls), Protection::Explicit),
            (None, None) if does(StepKind::Login).is_some() => return Support::Yes,
            (None, None) => (None, Protection::Plain),
        };
        match step {
            _ if fixed == protection => Support::Yes,
            Some(step) => Support::no(format!("line {} of its script is for {fixed}", step.line)),
            None => Support::no("its script does not speak TLS: `@login` does, as the cell asks"),
        }
    }

    /// Whether a client's script can do this data setup: all of them when it leaves
    /// the choice to the cell, otherwise the one that it asks for last.
    pub(super) fn supports_setup(&self, setup: DataSetup) -> Support {
        let mut asked = None;
        for step in &self.opening {
            match &step.does {
                StepKind::Setup => asked = Some((step, None)),
                StepKind::Say(text) => {
                    for command in text.commands() {
                        match command {
                            Sent::Setup { to_target: false } => asked = Some((step, None)),
                            Sent::Setup { to_target: true } if !setup.is_active() => {
                                return Support::no(format!(
                                    "line {} of its script announces an address, and {} announces none",
                                    step.line,
                                    setup.command(),
                                ));
                            }
                            Sent::Setup { to_target: true } => asked = Some((step, None)),
                            Sent::Command { verb, argument } if argument != "ALL" => {
                                let fixed = DataSetup::ALL.iter().find(|it| it.command() == verb);
                                asked = fixed.map(|fixed| (step, Some(*fixed))).or(asked);
                            }
                            Sent::Command { .. } => {}
                        }
                    }
                }
                _ => {}
            }
        }
        match asked {
            Some((_, Some(fixed))) if fixed == setup => Support::Yes,
            Some((step, Some(fixed))) => Support::no(format!(
                "its script asks for {}, on line {}",
                fixed.command(),
                step.line
            )),
            _ => self.supports_direction(setup),
        }
    }

    /// A script that accepts is for active setups, one that connects for passive ones.
    fn supports_direction(&self, setup: DataSetup) -> Support {
        let against = self.opening.iter().find(|step| match step.does {
            StepKind::Accept => !setup.is_active(),
            StepKind::Connect { .. } => setup.is_active(),
            _ => false,
        });
        let opener = if setup.is_active() {
            "server"
        } else {
            "client"
        };
        match against {
            Some(step) => Support::no(format!(
                "line {} of its script is `{}`, and after {} the {opener} opens the data connection",
                step.line,
                step.written,
                setup.command()
            )),
            None => Support::Yes,
        }
    }

    /// Whether a client's script can do this operation: all of them when it leaves the
    /// transfer to the cell or moves nothing, otherwise the one that it asks for.
    pub(super) fn supports_operation(&self, operation: Operation) -> Support {
        let moves = |does: &StepKind| matches!(does, StepKind::Send | StepKind::Receive);
        let Some(moving) = self.opening.iter().rfind(|step| moves(&step.does)) else {
            return Support::Yes;
        };
        let mut verbs = Vec::new();
        for (step, text) in self.texts().take_while(|(step, _)| step.line < moving.line) {
            verbs.extend(
                text.commands()
                    .into_iter()
                    .filter_map(|command| match command {
                        Sent::Command { verb, .. } => Some((step, verb)),
                        Sent::Setup { .. } => None,
                    }),
            );
        }
        let restarts = verbs.iter().any(|(_, verb)| verb == "REST");
        let asked = verbs.iter().rev().find_map(|(step, verb)| {
            let fitting = |it: &&Operation| {
                it.command() == verb && (**it == Operation::Rest) == (restarts && verb == "RETR")
            };
            Some((step, *Operation::ALL.iter().find(fitting)?))
        });
        let (line, fixed) = match asked {
            Some((step, fixed)) => (step.line, fixed),
            None if moving.does == StepKind::Send => (moving.line, Operation::Stor),
            None => (moving.line, Operation::Retr),
        };
        if fixed == operation {
            Support::Yes
        } else {
            Support::no(format!("its script does {fixed}, on line {line}"))
        }
    }
}
