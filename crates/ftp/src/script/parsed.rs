use std::net::IpAddr;
use std::ops::{Range, RangeInclusive};

use fwlab_record::NodeName;

use super::mistake::Mistake;
use super::place::{Host, Target};
use super::step::{Answer, Step, StepKind};
use super::template::Template;
use crate::wire::Side;

/// What a scripted peer does, line by line. It does no I/O: [`ScriptedServer`] and
/// [`ScriptedClient`] play it.
///
/// The language is told in `docs/scenario-files.md`, "Scripted peers".
///
/// ```
/// use fwlab_ftp::script::Script;
/// use fwlab_ftp::wire::Side;
///
/// let script = "PASV\n@listen\n227 Entering Passive Mode ={h1,h2,h3,h4,p1,p2}\n";
/// assert!(Script::parse(Side::Server, script, 1).is_ok());
/// let mistakes = Script::parse(Side::Server, "PASV\n227 ({h1,h2,h3,h4,p1,p2})", 1);
/// assert_eq!(mistakes.unwrap_err()[0].message, "nobody listens here");
/// ```
///
/// [`ScriptedServer`]: super::ScriptedServer
/// [`ScriptedClient`]: super::ScriptedClient
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    pub(super) side: Side,
    /// All of a client's steps; what a server does when a client has connected.
    pub(super) opening: Vec<Step>,
    /// What a server does when a verb comes. The second answer to one verb is for its
    /// second coming, and the last one is for all that follow.
    pub(super) answers: Vec<Answer>,
}

impl Script {
    /// Reads a side's script. `first_line` is the number of its first line, in the
    /// file that it stands in: messages name lines by it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in order of place.
    pub fn parse(side: Side, text: &str, first_line: usize) -> Result<Script, Vec<Mistake>> {
        super::parse::parse(side, text, first_line)
    }

    /// The side that plays it.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Whether it pauses somewhere. Then a side that is silent may yet speak.
    pub fn pauses(&self) -> bool {
        self.steps()
            .any(|step| matches!(step.does, StepKind::Pause(_)))
            || self.texts().any(|(_, text)| text.pauses())
    }

    /// The targets that it connects to although nobody announced them, each once.
    pub fn written_targets(&self) -> Vec<&Target> {
        let mut targets: Vec<&Target> = self
            .steps()
            .filter_map(|step| match &step.does {
                StepKind::Connect { to, .. } => to.as_ref(),
                _ => None,
            })
            .collect();
        targets.sort();
        targets.dedup();
        targets
    }

    /// The nodes that it names, with their places in bytes of the script.
    pub fn nodes(&self) -> impl Iterator<Item = (&NodeName, Range<usize>)> {
        self.hosts().filter_map(|(host, span)| match host {
            Host::Node(name) => Some((name, span)),
            Host::Address(_) => None,
        })
    }

    /// The addresses that it connects from, which its node must have, with their places.
    pub fn source_addresses(&self) -> impl Iterator<Item = (IpAddr, Range<usize>)> {
        self.steps().filter_map(|step| match step.does {
            StepKind::Connect { from, .. } => Some((from?.address?, step.span.clone())),
            _ => None,
        })
    }

    /// Whether it takes TLS off by itself.
    pub(super) fn clears(&self) -> bool {
        self.steps().any(|step| step.does == StepKind::Clear)
    }

    /// The ports that it listens on by number, from the lowest to the highest.
    pub(super) fn listened_ports(&self) -> Option<RangeInclusive<u16>> {
        let ports = || {
            self.steps().filter_map(|step| match step.does {
                StepKind::Listen(port) => port,
                _ => None,
            })
        };
        Some(ports().min()?..=ports().max()?)
    }

    /// Every step, of the opening and of all answers.
    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        let answers = self.answers.iter().flat_map(|answer| &answer.steps);
        self.opening.iter().chain(answers)
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = (&Step, &Template)> {
        self.steps().filter_map(|step| match &step.does {
            StepKind::Say(text) => Some((step, text)),
            _ => None,
        })
    }

    fn hosts(&self) -> impl Iterator<Item = (&Host, Range<usize>)> {
        let said = self
            .texts()
            .flat_map(|(_, text)| text.hosts().map(|(host, span)| (host, span.clone())));
        let connected = self.steps().filter_map(|step| match &step.does {
            StepKind::Connect { to, .. } => Some((&to.as_ref()?.host, step.span.clone())),
            _ => None,
        });
        said.chain(connected)
    }
}
