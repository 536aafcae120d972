//! How a loader is asked until it has nothing more to refuse.

use std::collections::BTreeMap;

use super::command::Command;
use super::complaint;
use super::helper::{self, Assigned};
use super::helpers;
use super::input::Input;
use super::mistake::{MISTAKES_TOLD, Note};
use super::rules::Ruleset;
use fwlab_record::Family;

/// Commands of one family on their way through a loader.
///
/// The loader alone decides what is a rule. What it refuses is left out and the rest is tried again, so that every
/// mistake is told at once. Where it does not say which command the kernel did not take, that one is searched for.
///
/// ```
/// use fwlab_record::Family;
/// use fwlab_model::ruleset::{Attempt, Next, Source, parse};
///
/// let source = Source::new("rules", "iptables -A INPUT -j LOG\niptables -A INPUT -j DORP\n");
/// let ruleset = parse(&source, Family::Ipv4).ruleset;
/// let mut attempt = Attempt::new(&ruleset, Family::Ipv4);
/// assert_eq!(attempt.input().batches(), ["*filter\n[1:0] -A INPUT -j LOG\n[2:0] -A INPUT -j DORP\nCOMMIT\n"]);
/// let said = "iptables-restore v1.8.9 (legacy): Couldn't load target `DORP':No such file or directory\n\nError occurred at line: 3\n";
/// assert_eq!(attempt.refused(said, "exit status: 2"), Next::Again);
/// assert_eq!(attempt.input().batches(), ["*filter\n[1:0] -A INPUT -j LOG\nCOMMIT\n"]);
/// assert_eq!(attempt.loaded(), Next::Done);
/// ```
#[derive(Debug)]
pub struct Attempt<'r> {
    pub(super) ruleset: &'r Ruleset,
    pub(super) family: Family,
    pub(super) refusals: BTreeMap<usize, Refusal>,
    /// The rules that are left out for want of a helper that FTP does without.
    pub(super) unneeded: BTreeMap<usize, Assigned>,
    search: Option<Search>,
}

/// What a loader said of a command that it refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Its words; empty where it said none.
    pub(super) words: String,
    pub(super) meaning: Option<&'static str>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Load what [`Attempt::input`] gives now, into a fresh node.
    Again,
    /// All is loaded but what was refused.
    Done,
    /// Enough was refused to be told.
    Enough,
    /// It is no command that is refused: what the loader said.
    Hopeless(String),
}

/// The commands of a table up to which one it loads.
#[derive(Debug)]
struct Search {
    /// The places of its commands; of all where the loader did not even say which table it is.
    among: Vec<usize>,
    /// So many of them load, as far as is known.
    loads: usize,
    /// So many do not.
    fails: usize,
    /// Whether it was tried with none of them.
    is_certain: bool,
    refusal: Refusal,
}

impl Search {
    fn middle(&self) -> usize {
        if self.fails - self.loads > 1 {
            self.loads + (self.fails - self.loads) / 2
        } else {
            0
        }
    }
}

impl<'r> Attempt<'r> {
    /// The commands of a family, of which none was tried.
    pub fn new(ruleset: &'r Ruleset, family: Family) -> Attempt<'r> {
        Attempt {
            ruleset,
            family,
            refusals: BTreeMap::new(),
            unneeded: BTreeMap::new(),
            search: None,
        }
    }

    /// The ruleset that they are of.
    pub fn ruleset(&self) -> &'r Ruleset {
        self.ruleset
    }

    pub(super) fn commands(&self) -> &'r [Command] {
        self.ruleset.commands(self.family)
    }

    /// What to load.
    pub fn input(&self) -> Input {
        let commands = self.commands();
        let Some(search) = &self.search else {
            return Input::of(commands, |at| !self.is_left_out(at));
        };
        let tried = &search.among[..search.middle()];
        Input::of(commands, |at| tried.binary_search(&at).is_ok())
    }

    /// The same with each rule's number in its comment, for where the loader lost the counters: ip6tables-nft (1.8.9)
    /// does. It is not what is to be loaded, but tells what came of what.
    pub fn commented(&self) -> Input {
        let wanted = |at| !self.is_left_out(at);
        Input::commented(self.commands(), self.family, wanted)
    }

    /// Whether a command was refused.
    pub fn is_refused(&self) -> bool {
        !self.refusals.is_empty()
    }

    /// The input was loaded.
    pub fn loaded(&mut self) -> Next {
        let Some(search) = &mut self.search else {
            return Next::Done;
        };
        match search.middle() {
            0 => search.is_certain = true,
            loads => search.loads = loads,
        }
        self.searched()
    }

    /// The loader refused the input, in these words, and ended so.
    pub fn refused(&mut self, stderr: &str, ended: &str) -> Next {
        if let Some(search) = &mut self.search {
            match search.middle() {
                0 => return Next::Hopeless(said(&search.refusal.words, ended)),
                fails => search.fails = fails,
            }
            return self.searched();
        }
        let input = self.input();
        let complaints = complaint::complaints(stderr, &input, self.commands());
        // What is refused behind the first may be refused for that one: two rules that lead into one circle.
        let first = complaints.into_iter().next();
        if let Some(complaint) = &first
            && let Some(command) = complaint.command
        {
            self.leave_out(command, complaint.refusal.clone());
            return self.again();
        }
        let said_nothing = first.is_none();
        let table = first.as_ref().and_then(|complaint| complaint.table);
        let Refusal { words, meaning } = first.map_or_else(Refusal::default, |first| first.refusal);
        let commands = self.commands().iter().enumerate();
        let among = commands.filter(|(at, command)| {
            !self.is_left_out(*at) && table.is_none_or(|table| command.table == table)
        });
        let among: Vec<usize> = among.map(|(at, _)| at).collect();
        if among.is_empty() {
            return Next::Hopeless(said(&words, ended));
        }
        self.search = Some(Search {
            loads: 0,
            fails: among.len(),
            among,
            is_certain: false,
            refusal: match said_nothing {
                true => Refusal {
                    words: said(&words, ended),
                    meaning,
                },
                false => Refusal { words, meaning },
            },
        });
        Next::Again
    }

    /// Goes on searching, or leaves out what was found.
    fn searched(&mut self) -> Next {
        let Some(search) = self.search.take_if(|search| {
            search.fails - search.loads == 1 && (search.is_certain || search.loads > 0)
        }) else {
            return Next::Again;
        };
        self.leave_out(search.among[search.loads], search.refusal);
        self.again()
    }

    /// Whether a command is not handed over any more.
    pub(super) fn is_left_out(&self, at: usize) -> bool {
        self.refusals.contains_key(&at) || self.unneeded.contains_key(&at)
    }

    /// Goes on without a command that was refused. With a rule that assigns a helper of another protocol go all that assign the
    /// same one: they would be refused alike.
    fn leave_out(&mut self, at: usize, refusal: Refusal) {
        let counted = helper::are_counted(self.commands(), self.family);
        let unneeded = || helper::unneeded(&self.commands()[at], self.family, &refusal);
        let Some(lacking) = (!counted).then(unneeded).flatten() else {
            self.refusals.insert(at, refusal);
            return;
        };
        for (at, command) in self.commands().iter().enumerate() {
            if !self.is_left_out(at)
                && helper::assigned(command, self.family).as_ref() == Some(&lacking)
            {
                self.unneeded.insert(at, lacking.clone());
            }
        }
    }

    /// What is said of the rules that are left out for want of a helper that FTP does without, each at its line.
    pub fn left_out(&self) -> Vec<Note> {
        let told = self.unneeded.iter().filter_map(|(at, lacking)| {
            Some(Note {
                line: self.commands()[*at].source()?,
                message: helpers::left_out(&lacking.name),
            })
        });
        told.collect()
    }

    fn again(&self) -> Next {
        if self.refusals.len() < MISTAKES_TOLD {
            Next::Again
        } else {
            Next::Enough
        }
    }
}

/// What a loader said, or at least how it ended.
fn said(words: &str, ended: &str) -> String {
    if words.is_empty() {
        format!("the loader ended with {ended}")
    } else {
        words.to_owned()
    }
}
