//! The files of a host that `check` is given: each is known by its content.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use fwlab_host::{Host, MAX_CAPTURE, ServerRead, hidden_tables, without_table};
use fwlab_model::ruleset::{Format, Note, Source, around_notes, by_family, recognise, why_empty};
use fwlab_record::{Backend, Exit, Family, InterfaceName};
use fwlab_runner::written as rules;
use fwlab_scenario::RulesOrigin;
use fwlab_scenario::input::{self, InputError};
use fwlab_text::one_line;

use crate::both_backends::{BothBackends, are_of_both};
use crate::messages::Messages;
use crate::terms::Terms;
use crate::{asked_families, captured, includes, server_files, sets};

/// The rules of a host, from one file or from several.
pub struct HostFiles {
    /// What they are called together.
    pub name: String,
    /// Its rules of iptables for IPv4, or its script of nft where that stands alone.
    pub origin: RulesOrigin,
    /// Its rules of iptables for IPv6.
    pub ipv6: Option<Source>,
    /// Its sets of ipset.
    pub sets: Option<Source>,
    /// What stands beside them: a script of nft beside rules of iptables.
    pub beside: Vec<(Backend, Source)>,
    /// The backends that load them.
    pub backends: Backends,
    /// The interfaces that they name.
    pub interfaces: BTreeSet<String>,
    /// The families that they are of, as far as they say.
    pub families: Vec<Family>,
    /// What is missing of its rules, as they say themselves.
    pub incomplete: Vec<String>,
    /// What was read with leniency, and where.
    pub notes: Vec<(String, Note)>,
    /// The host that was captured, where one was.
    pub host: Option<Box<Host>>,
    /// The settings of the FTP server, where they are among them.
    pub server: Option<ServerRead>,
    /// Those of the server that waits on the host that was captured.
    pub own_server: Option<ServerRead>,
}

/// The backends that load rules.
pub struct Backends {
    /// Those that can.
    pub(crate) able: &'static [Backend],
    /// Those that they are of, as far as they say.
    pub(crate) own: Vec<Backend>,
}

impl HostFiles {
    /// Of a host of which nothing is known yet.
    pub(crate) fn empty() -> HostFiles {
        HostFiles {
            name: String::new(),
            origin: RulesOrigin::None,
            ipv6: None,
            sets: None,
            beside: Vec::new(),
            backends: Backends {
                able: &Backend::IPTABLES,
                own: Vec::new(),
            },
            interfaces: BTreeSet::new(),
            families: Vec::new(),
            incomplete: Vec::new(),
            notes: Vec::new(),
            host: None,
            server: None,
            own_server: None,
        }
    }

    /// Of rules that were made, and whose families and backends are known.
    pub fn of_rules(
        rules: Source,
        families: Vec<Family>,
        backends: &'static [Backend],
    ) -> HostFiles {
        let mut files = HostFiles {
            name: rules.name.clone(),
            backends: Backends {
                able: backends,
                own: backends.to_vec(),
            },
            ..HostFiles::empty()
        };
        match families[..] {
            [Family::Ipv6] => files.ipv6 = Some(rules),
            _ => files.origin = RulesOrigin::Written(rules),
        }
        files.families = families;
        files
    }

    /// Whether two hosts have the same rules and sets, but for comments and counters.
    pub fn has_rules_of(&self, other: &HostFiles) -> bool {
        self.rules() == other.rules()
    }

    /// Its rules, by what loads them, without what no rule is.
    pub(crate) fn rules(&self) -> Vec<(Option<Backend>, Vec<String>)> {
        let own = match &self.origin {
            RulesOrigin::Written(source) => Some(source),
            _ => None,
        };
        let main = [own, self.ipv6.as_ref(), self.sets.as_ref()]
            .into_iter()
            .flatten();
        let beside = self
            .beside
            .iter()
            .map(|(backend, source)| (Some(*backend), source));
        let all = main.map(|source| (None, source)).chain(beside);
        all.map(|(backend, source)| (backend, plain_lines(source)))
            .collect()
    }

    /// Whether rules look at the user who sends a packet.
    pub(crate) fn looks_at_users(&self) -> bool {
        let rules = self.rules();
        let mut lines = rules.iter().flat_map(|(_, lines)| lines);
        lines.any(|line| {
            let mut words = line.split_ascii_whitespace();
            words.any(|word| ["--uid-owner", "--gid-owner", "skuid", "skgid"].contains(&word))
        })
    }

    /// The interfaces that they name, but for loopback; of a pattern, `tun+`, one that it matches.
    pub(crate) fn named_interfaces(&self) -> BTreeSet<InterfaceName> {
        let names = self.interfaces.iter().filter(|name| *name != "lo");
        let names = names.filter_map(|name| match name.strip_suffix(['+', '*']) {
            Some("") => None,
            Some(begin) => Some(format!("{begin}0")),
            None => Some(name.clone()),
        });
        names
            .filter_map(|name| InterfaceName::new(name).ok())
            .collect()
    }
}

/// The lines of rules without comments, blanks at the ends and counters of packets.
fn plain_lines(source: &Source) -> Vec<String> {
    let text = String::from_utf8_lossy(&source.text);
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let words = line.split_ascii_whitespace();
            let is_counter =
                |word: &&str| word.starts_with('[') && word.ends_with(']') && word.contains(':');
            words
                .filter(|word| !is_counter(word))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

/// Reads the files. A dump that does not say its family is of the first that is spoken.
///
/// # Errors
/// When one cannot be read, or they do not fit each other: why is said.
pub fn read(paths: &[PathBuf], terms: &Terms, said: &mut Messages) -> Result<HostFiles, Exit> {
    let mut files = read_all(paths, terms, said)?;
    sets::complete(&mut files, &terms.sets, terms.empty_sets, said)?;
    Ok(files)
}

fn read_all(paths: &[PathBuf], terms: &Terms, said: &mut Messages) -> Result<HostFiles, Exit> {
    let family = terms.first_family();
    let mut slots = Slots::default();
    let mut files = HostFiles::empty();
    let mut names = Vec::new();
    let mut sources = Vec::new();
    let mut servers = Vec::new();
    for path in paths {
        let source = open(path, said)?;
        match server_files::program(&source) {
            Some(_) => servers.push(source),
            None => sources.push(source),
        }
    }
    refuse_beside_host(&sources, said)?;
    files.server = server_files::read(servers, said)?;
    if let (true, Some(server)) = (sources.is_empty(), &files.server) {
        said.say(
            format!(
                "{} has the settings of {}, but no rules are given with it",
                server.name, server.program
            ),
            Some("give the rules of that host, too: fwlab check rules.v4 vsftpd.conf"),
        );
        return Err(Exit::Usage);
    }
    let mut missing = Vec::new();
    for source in sources.into_iter().flat_map(dumps) {
        if source.text.starts_with(captured::BEGINS) {
            let mut captured = captured::read(&source.name, &source.text, said)?;
            captured.server = files.server;
            return Ok(captured);
        }
        if !names.contains(&source.name) {
            names.push(source.name.clone());
        }
        if recognise(&source) == Format::Empty {
            let (why, instead) = why_empty(&source);
            said.say(format!("{}: {why}", one_line(&source.name)), Some(instead));
            return Err(Exit::Usage);
        }
        if recognise(&source) == Format::Sets {
            let notes = around_notes(&source).into_iter();
            files
                .notes
                .extend(notes.map(|note| (source.name.clone(), note)));
            slots.fill(Slot::Sets, source, said)?;
            continue;
        }
        let source = match &terms.include {
            Some(folder) if rules::is_script(&source) => includes::included(source, folder, said)?,
            _ => source,
        };
        let parsed = rules::read(&source, family).map_err(|mistakes| {
            said.mistakes([mistakes]);
            Exit::Usage
        })?;
        files.interfaces.extend(parsed.interfaces);
        let new = parsed.families.into_iter();
        let new: Vec<Family> = new.filter(|of| !files.families.contains(of)).collect();
        files.families.extend(new);
        let notes = parsed.notes.into_iter();
        files
            .notes
            .extend(notes.map(|note| (source.name.clone(), note)));
        if rules::is_script(&source) {
            slots.fill(Slot::Script, source, said)?;
            continue;
        }
        if is_beside_legacy(&source) {
            let missing_rules = format!(
                "{} says that the host also has iptables-legacy rules, which count as well",
                one_line(&source.name)
            );
            missing.push(missing_rules);
        }
        let own = rules::dumped_by(&source).into_iter();
        let new: Vec<Backend> = own.filter(|of| !files.backends.own.contains(of)).collect();
        files.backends.own.extend(new);
        match rules::placed(source, family) {
            (_, Some(ipv6)) => slots.fill(Slot::Ipv6, ipv6, said)?,
            (RulesOrigin::Written(source), None) => slots.fill(Slot::Rules, source, said)?,
            (_, None) => {}
        }
    }
    files.name = names.join(" + ");
    let legacy =
        std::mem::take(&mut slots.both_backends).into_slots(&mut slots.rules, &mut slots.ipv6);
    if !legacy.is_empty() {
        files.backends.own = vec![Backend::Nft];
        files.backends.able = &[Backend::Nft];
    } else {
        for missing in missing {
            said.say(
                &missing,
                Some("`fwlab capture` reads all of them into one file"),
            );
            files.incomplete.push(missing);
        }
    }
    slots.shown_in_full(said)?;
    files.ipv6 = slots.ipv6;
    files.sets = slots.sets;
    match (slots.rules, slots.script) {
        (None, Some(script)) if files.ipv6.is_none() => {
            if let Some(sets) = &files.sets {
                let message = format!(
                    "{} are sets of ipset, but no iptables rules match on them",
                    sets.name
                );
                said.say(
                    message,
                    Some("give the iptables rules, too: nft has its own sets"),
                );
                return Err(Exit::Usage);
            }
            files.backends.able = &[Backend::Native];
            files.backends.own.clear();
            files.origin = RulesOrigin::Written(script);
        }
        (rules, script) => {
            files.origin = rules.map_or(RulesOrigin::None, RulesOrigin::Written);
            files.beside = script
                .into_iter()
                .map(|script| (Backend::Native, script))
                .collect();
        }
    }
    let legacy = legacy.into_iter().map(|dump| (Backend::Legacy, dump));
    files.beside.extend(legacy);
    if matches!(files.origin, RulesOrigin::None) && files.ipv6.is_none() {
        let message = "sets of ipset are not rules".to_owned();
        said.say(message, Some("give the rules that match on them, too"));
        return Err(Exit::Usage);
    }
    if files.backends.own.is_empty() {
        files.backends.own = files.backends.able.to_vec();
    }
    files.families.sort();
    asked_families::refuse_others(&files, terms, said)?;
    Ok(files)
}

/// A host that was captured is one file, and is alone.
fn refuse_beside_host(sources: &[Source], said: &mut Messages) -> Result<(), Exit> {
    let is_host = |source: &&Source| source.text.starts_with(captured::BEGINS);
    let hosts: Vec<&Source> = sources.iter().filter(is_host).collect();
    let (what, instead) = match (&hosts[..], sources.len()) {
        ([], _) | ([_], 1) => return Ok(()),
        ([host], _) => (
            format!(
                "{} is a whole host, but other files are given with it",
                host.name
            ),
            "give only the host, or only its files",
        ),
        ([one, other, ..], _) => (
            format!("{} and {} are both whole hosts", one.name, other.name),
            "give one of them; `fwlab diff` compares two",
        ),
    };
    said.say(what, Some(instead));
    Err(Exit::Usage)
}

/// The dumps in a file: of both families where it has both.
fn dumps(source: Source) -> Vec<Source> {
    match recognise(&source) {
        Format::Saved => by_family(source),
        _ => vec![source],
    }
}

/// Whether a dump was made where there are rules of the other backend that it does not show.
fn is_beside_legacy(dump: &Source) -> bool {
    let text = String::from_utf8_lossy(&dump.text);
    let mut lines = text.lines();
    lines.any(|line| line.starts_with("# Warning: iptables-legacy tables present"))
}

/// What a host has one of.
#[derive(Default)]
struct Slots {
    rules: Option<Source>,
    ipv6: Option<Source>,
    script: Option<Source>,
    sets: Option<Source>,
    both_backends: BothBackends,
}

#[derive(Clone, Copy)]
enum Slot {
    Rules,
    Ipv6,
    Script,
    Sets,
}

impl Slots {
    /// Leaves out of a dump the tables of which it says that only nft shows all chains, where nft's listing is here, too.
    fn shown_in_full(&mut self, said: &mut Messages) -> Result<(), Exit> {
        let Slots {
            rules,
            ipv6,
            script,
            ..
        } = self;
        let families = [("ip", rules), ("ip6", ipv6)];
        for (family, slot) in families {
            let Some(dump) = slot else { continue };
            for table in hidden_tables(&dump.text) {
                let begins = format!("table {family} {table} ");
                let is_listed = script.as_ref().is_some_and(|script| {
                    let text = String::from_utf8_lossy(&script.text);
                    text.lines().any(|line| line.starts_with(&begins))
                });
                if !is_listed {
                    said.say(
                        format!(
                            "{} says that its table {table} has chains that iptables-save does not show",
                            one_line(&dump.name)
                        ),
                        Some("also give what `nft list ruleset` prints on that host, or capture the host with `fwlab capture`"),
                    );
                    return Err(Exit::Usage);
                }
                dump.text = without_table(&dump.text, table.as_bytes());
            }
            if recognise(dump) == Format::Empty {
                *slot = None;
            }
        }
        Ok(())
    }

    fn fill(&mut self, slot: Slot, source: Source, said: &mut Messages) -> Result<(), Exit> {
        let (place, what) = match slot {
            Slot::Rules => (&mut self.rules, "iptables rules for IPv4"),
            Slot::Ipv6 => (&mut self.ipv6, "iptables rules for IPv6"),
            Slot::Script => (&mut self.script, "nft scripts"),
            Slot::Sets => (&mut self.sets, "sets of ipset"),
        };
        let Some(first) = place.as_ref() else {
            *place = Some(source);
            return Ok(());
        };
        if matches!(slot, Slot::Rules | Slot::Ipv6) && are_of_both(first, &source) {
            self.both_backends.push(source);
            return Ok(());
        }
        said.say(
            format!("{} and {} are both {what}", first.name, source.name),
            Some("one host loads one of them: give that, or both as one file"),
        );
        Err(Exit::Usage)
    }
}

pub(crate) fn open(path: &Path, said: &mut Messages) -> Result<Source, Exit> {
    if path
        .extension()
        .is_some_and(|extension| extension == "toml")
    {
        let path = path.display();
        said.say(
            format!("{path} is a scenario by its name, not a ruleset"),
            Some(&format!("write `fwlab run {path}`")),
        );
        return Err(Exit::Usage);
    }
    read_source(path).map_err(|error| {
        said.say(format!("cannot read {}: {error}", path.display()), None);
        Exit::Usage
    })
}

fn read_source(path: &Path) -> Result<Source, InputError> {
    if path == Path::new("-") {
        let text = read_stream(std::io::stdin().lock())?;
        return Ok(Source::new("standard input", text));
    }
    // What the shell makes of `<(iptables-save)`: it is open already, and has an end.
    let is_open = ["/dev/stdin", "/dev/fd/", "/proc/self/fd/"];
    let is_open = is_open.iter().any(|begin| {
        path.as_os_str()
            .as_encoded_bytes()
            .starts_with(begin.as_bytes())
    });
    let text = if is_open {
        read_stream(std::fs::File::open(path)?)?
    } else {
        let text = input::read_file_up_to(path, MAX_CAPTURE as u64)?;
        match text.starts_with(captured::BEGINS) {
            true => text,
            false => input::read_stream(&*text)?,
        }
    };
    Ok(Source::new(path.display().to_string(), text))
}

/// Reads a stream: a whole host may be larger than rules may.
fn read_stream(stream: impl Read) -> Result<Vec<u8>, InputError> {
    let mut stream = BufReader::new(stream);
    let begin = stream.fill_buf()?;
    let is_host = !begin.is_empty()
        && begin
            .iter()
            .zip(captured::BEGINS)
            .all(|(read, known)| read == known);
    match is_host {
        true => input::read_stream_up_to(stream, MAX_CAPTURE as u64),
        false => input::read_stream(stream),
    }
}
