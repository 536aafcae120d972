//! Reads the words of a rule as iptables' option parser does, without a
//! verdict on what they say: which word is an option, which its value.

use std::borrow::Cow;

use super::core::{Arity, core_letter, core_long, core_longs};
pub(super) use super::core::{Core, core_names};
use super::extension::{self, Extension, ExtensionOption, Takes};
use super::lookalike;
use fwlab_record::Family;

/// Which option a word is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opt {
    Core(Core),
    Extension {
        of: &'static str,
        name: &'static str,
        takes: Takes,
    },
    /// One that no known extension has; how many values it takes was guessed.
    Unknown(String),
}

/// A value, and the word that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value<'w> {
    pub(super) text: &'w str,
    pub(super) word: usize,
}

/// An option with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece<'w> {
    /// The word that is its `!`.
    pub(super) negation: Option<usize>,
    /// The word that is the option.
    pub(super) at: usize,
    pub(super) option: Opt,
    pub(super) first: Option<Value<'w>>,
    pub(super) second: Option<Value<'w>>,
}

impl Piece<'_> {
    pub(super) fn core(&self) -> Option<Core> {
        match self.option {
            Opt::Core(core) => Some(core),
            _ => None,
        }
    }

    /// The option of an extension, by its long name.
    pub(super) fn is(&self, option: &str) -> bool {
        matches!(self.option, Opt::Extension { name, .. } if name == option)
    }

    pub(super) fn value(&self) -> &str {
        self.first.map_or("", |value| value.text)
    }
}

/// What keeps the words from being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// A dash of typography, or one dash for two; the option was read as meant.
    Dash { word: usize, meant: String },
    /// A word where an option should be.
    Stray { word: usize },
    /// No option of iptables, of the protocol or of an extension named so far.
    Unknown { word: usize },
}

/// The words of a rule, read.
#[derive(Debug, Default)]
pub(super) struct Walk<'w> {
    pub(super) pieces: Vec<Piece<'w>>,
    pub(super) faults: Vec<Fault>,
    /// The extensions that the rule names, in order, its protocol's included.
    pub(super) extensions: Vec<&'static Extension>,
    /// Whether it names one that is not known here: then any option may be right.
    pub(super) lenient: bool,
}

/// Reads the words of a command or rule.
pub(super) fn walk<W: AsRef<str>>(words: &[W], family: Family) -> Walk<'_> {
    let mut walker = Walker {
        words,
        family,
        at: 0,
        negation: None,
        protocol: None,
        walk: Walk {
            pieces: Vec::with_capacity(8),
            ..Walk::default()
        },
    };
    while walker.at < words.len() {
        walker.step();
    }
    walker.walk
}

struct Walker<'w, W> {
    words: &'w [W],
    family: Family,
    at: usize,
    negation: Option<usize>,
    protocol: Option<&'static str>,
    walk: Walk<'w>,
}

enum Found {
    Option(Opt),
    /// It is the start of more than one.
    Several,
    None,
}

impl<'w, W: AsRef<str>> Walker<'w, W> {
    fn text(&self, word: usize) -> &'w str {
        self.words[word].as_ref()
    }

    fn step(&mut self) {
        let word = self.at;
        let text = self.text(word);
        self.at += 1;
        if text == "!" {
            self.negation = Some(word);
            return;
        }
        if text == "--" {
            self.at = self.words.len();
            return;
        }
        let mut written = Cow::Borrowed(text);
        let meant = lookalike::option_meant(text).map(|(_, meant)| meant);
        if let Some(meant) = meant.or_else(|| long_behind_one_dash(text)) {
            self.walk.faults.push(Fault::Dash {
                word,
                meant: meant.clone(),
            });
            written = Cow::Owned(meant);
        }
        let attached = |name_end: usize| {
            let length = written.len().checked_sub(name_end)?;
            text.get(text.len().checked_sub(length)?..)
        };
        if let Some(long) = written.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, _)) => (name, attached(2 + name.len() + 1)),
                None => (long, None),
            };
            self.long(word, name, value.map(|text| Value { text, word }));
        } else if let Some(letters) = written
            .strip_prefix('-')
            .filter(|letters| !letters.is_empty())
        {
            self.short(word, letters, attached);
        } else {
            self.negation = None;
            self.walk.faults.push(Fault::Stray { word });
        }
    }

    fn long(&mut self, word: usize, name: &str, value: Option<Value<'w>>) {
        match self.find(name) {
            Found::Option(option) => self.take(word, option, value),
            Found::Several => self.guess(word, name, value),
            Found::None => {
                if !self.walk.lenient {
                    self.walk.faults.push(Fault::Unknown { word });
                }
                self.guess(word, name, value);
            }
        }
    }

    /// Letters may be run together, and the last may have its value attached.
    fn short(&mut self, word: usize, letters: &str, attached: impl Fn(usize) -> Option<&'w str>) {
        for (at, letter) in letters.char_indices() {
            let Some((core, arity)) = core_letter(letter) else {
                self.negation = None;
                self.walk.faults.push(Fault::Unknown { word });
                return;
            };
            let end = at + letter.len_utf8();
            if arity == Arity::None {
                self.take(word, Opt::Core(core), None);
                continue;
            }
            let value = (end < letters.len()).then(|| attached(1 + end)).flatten();
            self.take(
                word,
                Opt::Core(core),
                value.map(|text| Value { text, word }),
            );
            return;
        }
    }

    fn find(&mut self, name: &str) -> Found {
        match self.lookup(name) {
            Found::Option(option) => Found::Option(option),
            // The protocol's own match is loaded when an option is not known
            // without it, and only once.
            other => match self.protocol.take().and_then(extension::match_named) {
                Some(extension) if extension.is_of(self.family) => {
                    self.walk.extensions.push(extension);
                    self.lookup(name)
                }
                _ => other,
            },
        }
    }

    fn lookup(&self, name: &str) -> Found {
        if let Some(core) = core_long(name) {
            return Found::Option(Opt::Core(core));
        }
        // Of two extensions with one option, the later is asked first.
        let loaded = || self.walk.extensions.iter().rev();
        let of_extension = |extension: &Extension, option: ExtensionOption| Opt::Extension {
            of: extension.name,
            name: option.name,
            takes: option.takes,
        };
        for extension in loaded() {
            if let Some(option) = extension.option(name) {
                return Found::Option(of_extension(extension, option));
            }
        }
        let core = core_longs().map(|(long, core)| (long, Opt::Core(core)));
        let of_extensions = loaded().flat_map(|extension| {
            extension
                .options()
                .map(|option| (option.name, of_extension(extension, option)))
        });
        let mut started: Vec<(&'static str, Opt)> = Vec::new();
        for (long, option) in core.chain(of_extensions) {
            if long.starts_with(name) && !started.iter().any(|(other, _)| *other == long) {
                started.push((long, option));
            }
        }
        match started.len() {
            0 => Found::None,
            1 => Found::Option(started.remove(0).1),
            _ => Found::Several,
        }
    }

    fn guess(&mut self, word: usize, name: &str, value: Option<Value<'w>>) {
        let mut written = format!("--{name}");
        let mut first = None;
        if let Some(value) = value {
            written.push('=');
            written.push_str(value.text);
        } else {
            first = self.next_value();
        }
        let negation = self.negation.take();
        self.walk.pieces.push(Piece {
            negation,
            at: word,
            option: Opt::Unknown(written),
            first,
            second: None,
        });
    }

    /// The next word, if it is no option.
    fn next_value(&mut self) -> Option<Value<'w>> {
        let word = self.at;
        let text = self.words.get(word)?.as_ref();
        if text.starts_with('-') || text == "!" || lookalike::option_meant(text).is_some() {
            return None;
        }
        self.at += 1;
        Some(Value { text, word })
    }

    /// The next word, whatever it is.
    fn next_word(&mut self) -> Option<Value<'w>> {
        let word = self.at;
        let text = self.words.get(word)?.as_ref();
        self.at += 1;
        Some(Value { text, word })
    }

    fn take(&mut self, word: usize, option: Opt, attached: Option<Value<'w>>) {
        let negation = self.negation.take();
        let arity = match &option {
            Opt::Core(core) => core.arity(),
            Opt::Extension { takes, .. } => match takes {
                Takes::Nothing => Arity::None,
                Takes::One | Takes::Ports => Arity::One,
                Takes::Two => Arity::Two,
            },
            Opt::Unknown(_) => Arity::None,
        };
        let (mut first, mut second) = (attached, None);
        match arity {
            Arity::None => {}
            Arity::One | Arity::OneOrTwo | Arity::Two => {
                first = first.or_else(|| self.next_word());
                if first.is_some() && arity != Arity::One {
                    second = self.next_value();
                }
            }
            Arity::UpToOne => first = first.or_else(|| self.next_value()),
            Arity::UpToTwo => {
                first = first.or_else(|| self.next_value());
                second = first.and_then(|_| self.next_value());
            }
        }
        if let Opt::Core(core) = option {
            let value = first.map_or("", |value| value.text);
            match core {
                Core::Protocol => self.protocol = protocol_match(value),
                Core::Match => self.load(extension::match_named(value)),
                Core::Jump => {
                    let target = extension::target_named(value);
                    if target.is_some() || may_be_target(value) {
                        self.load(target);
                    }
                }
                _ => {}
            }
        }
        self.walk.pieces.push(Piece {
            negation,
            at: word,
            option,
            first,
            second,
        });
    }

    fn load(&mut self, extension: Option<&'static Extension>) {
        match extension {
            Some(extension)
                if self
                    .walk
                    .extensions
                    .iter()
                    .any(|loaded| std::ptr::eq(*loaded, extension)) => {}
            Some(extension) => self.walk.extensions.push(extension),
            None => self.walk.lenient = true,
        }
    }
}

/// `--dport` for `-dport`, which iptables would read as `-d port`.
fn long_behind_one_dash(text: &str) -> Option<String> {
    let name = text
        .strip_prefix('-')
        .filter(|name| name.len() >= 3 && !name.starts_with('-'))?;
    let name = name.split('=').next()?;
    let of_extension =
        |extension: &Extension| extension.options().any(|option| option.name == name);
    let known = core_names().any(|long| long == name)
        || extension::matches().iter().any(of_extension)
        || extension::targets().iter().any(of_extension);
    known.then(|| format!("-{text}"))
}

/// Whether an unknown name may be a target of some other system: those are
/// written in capitals. The verdicts are no extensions.
pub(super) fn may_be_target(name: &str) -> bool {
    !is_verdict(name)
        && name.starts_with(|char: char| char.is_ascii_uppercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The targets that are no extension.
pub(super) fn is_verdict(name: &str) -> bool {
    matches!(name, "ACCEPT" | "DROP" | "QUEUE" | "RETURN")
}

/// The match that a protocol brings with it.
fn protocol_match(protocol: &str) -> Option<&'static str> {
    const WITH_MATCH: &[(&str, &str, &str)] = &[
        ("tcp", "6", "tcp"),
        ("udp", "17", "udp"),
        ("icmp", "1", "icmp"),
        ("icmpv6", "58", "icmp6"),
        ("ipv6-icmp", "58", "icmp6"),
        ("sctp", "132", "sctp"),
        ("dccp", "33", "dccp"),
        ("ah", "51", "ah"),
        ("esp", "50", "esp"),
        ("ipcomp", "108", "ipcomp"),
        ("mh", "135", "mh"),
        ("ipv6-mh", "135", "mh"),
        ("mobility-header", "135", "mh"),
    ];
    let number = super::number::integer(protocol).map(|number| number.to_string());
    WITH_MATCH
        .iter()
        .find(|(name, of, _)| protocol.eq_ignore_ascii_case(name) || number.as_deref() == Some(of))
        .map(|(_, _, module)| *module)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(rule: &str) -> Vec<String> {
        let words: Vec<&str> = rule.split(' ').collect();
        let walk = walk(&words, Family::Ipv4);
        assert_eq!(walk.faults, [], "{rule}");
        let mut written = Vec::new();
        for piece in &walk.pieces {
            let option = match &piece.option {
                Opt::Core(core) => core.written().to_owned(),
                Opt::Extension { name, .. } => format!("--{name}"),
                Opt::Unknown(written) => written.clone(),
            };
            let negation = piece.negation.map(|_| "!".to_owned());
            let values = [piece.first, piece.second].into_iter().flatten();
            let values = values.map(|value| value.text.to_owned());
            let words: Vec<String> = negation.into_iter().chain([option]).chain(values).collect();
            written.push(words.join(" "));
        }
        written
    }

    fn faults(rule: &str) -> Vec<Fault> {
        let words: Vec<&str> = rule.split(' ').collect();
        walk(&words, Family::Ipv4).faults
    }

    #[test]
    fn every_spelling_becomes_one() {
        assert_eq!(
            pieces("-A INPUT -ptcp --dp=21 -jACCEPT"),
            ["-A INPUT", "-p tcp", "--dport 21", "-j ACCEPT"]
        );
        assert_eq!(
            pieces("--append INPUT --src 1.2.3.4 ! --proto 6 --tcp-flag SYN,ACK SYN --jump DROP"),
            [
                "-A INPUT",
                "-s 1.2.3.4",
                "! -p 6",
                "--tcp-flags SYN,ACK SYN",
                "-j DROP"
            ]
        );
        assert_eq!(
            pieces("-I INPUT 3 -m comment --comment -j"),
            ["-I INPUT 3", "-m comment", "--comment -j"]
        );
        assert_eq!(pieces("-vnL INPUT"), ["-v", "-n", "-L INPUT"]);
        assert_eq!(pieces("-w 5 -t nat -F"), ["-w 5", "-t nat", "-F"]);
    }

    #[test]
    fn an_option_needs_what_brings_it_before_it() {
        assert_eq!(faults("--dport 21 -p tcp"), [Fault::Unknown { word: 0 }]);
        assert_eq!(faults("-p tcp --state NEW"), [Fault::Unknown { word: 2 }]);
        assert_eq!(faults("-p tcp --dport 21 -m state --state NEW"), []);
        assert_eq!(faults("-m geoip --src-cc DE,FR -j DROP"), []);
        assert_eq!(faults("-j mychain --foo x"), [Fault::Unknown { word: 2 }]);
    }

    #[test]
    fn a_typographic_dash_is_told_and_read_as_meant() {
        let words = ["-p", "tcp", "–dport", "21", "–m", "state", "–state", "NEW"];
        let walk = walk(&words, Family::Ipv4);
        assert_eq!(walk.faults.len(), 3);
        assert_eq!(walk.pieces.len(), 4);
        assert_eq!(walk.pieces[1].value(), "21");
    }

    #[test]
    fn one_dash_for_two_is_told_and_read_as_meant() {
        let meant = "--dport".to_owned();
        assert_eq!(
            faults("-p tcp -dport 21 -j DROP"),
            [Fault::Dash { word: 2, meant }]
        );
        assert_eq!(faults("-ptcp -d1.2.3.4 -jDROP"), []);
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        assert_eq!(faults("foo -j DROP"), [Fault::Stray { word: 0 }]);
        assert_eq!(faults("-q"), [Fault::Unknown { word: 0 }]);
    }
}
