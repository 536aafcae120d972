use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use fwlab_check::Subject;
use fwlab_fix::{NoPlace, Remedy, apply, line_before, patch, put_before, take_away};
use fwlab_model::ruleset::{Source, dump_family};
use fwlab_record::{Backend, Exit, Family};
use fwlab_scenario::{RulesOrigin, RulesetEntry, Scenario};

use crate::command::exit::complain;

/// The rules of a host with remedies in them.
#[derive(Debug, Clone)]
pub(in crate::command) struct Candidate {
    remedies: Vec<Remedy>,
    sources: Vec<Edited>,
}

/// One text of the rules, before and after.
#[derive(Debug, Clone)]
struct Edited {
    slot: Slot,
    before: Source,
    after: Source,
}

/// Which of the texts it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::command) enum Slot {
    Origin,
    Ipv6,
    Beside(usize),
}

impl Slot {
    /// The text that rules of a backend and a family stand in.
    pub(in crate::command) fn of(
        subject: &Subject,
        backend: Backend,
        family: Family,
    ) -> Option<Slot> {
        let files = &subject.files;
        let of_both = subject.backends.contains(&backend);
        Slot::among(
            of_both,
            files.ipv6.is_some(),
            &files.beside,
            backend,
            family,
        )
    }

    /// The same, of an entry of a scenario.
    pub(in crate::command) fn in_entry(
        entry: &RulesetEntry,
        backend: Backend,
        family: Family,
    ) -> Option<Slot> {
        let of_both = entry.backends.contains(&backend);
        Slot::among(
            of_both,
            entry.ipv6.is_some(),
            &entry.beside,
            backend,
            family,
        )
    }

    fn among(
        of_both: bool,
        has_ipv6: bool,
        beside: &[(Backend, Source)],
        backend: Backend,
        family: Family,
    ) -> Option<Slot> {
        if of_both {
            return Some(match family {
                Family::Ipv6 if has_ipv6 => Slot::Ipv6,
                _ => Slot::Origin,
            });
        }
        let of = |(other, source): &(Backend, Source)| {
            *other == backend
                && (backend == Backend::Native
                    || dump_family(source).unwrap_or(Family::Ipv4) == family)
        };
        beside.iter().position(of).map(Slot::Beside)
    }

    /// The text that stands there in an entry of a scenario, where somebody wrote it.
    pub(in crate::command) fn text(self, entry: &RulesetEntry) -> Option<&Source> {
        match (self, &entry.origin) {
            (Slot::Origin, RulesOrigin::Written(source)) => Some(source),
            (Slot::Origin, _) => None,
            (Slot::Ipv6, _) => entry.ipv6.as_ref(),
            (Slot::Beside(at), _) => entry.beside.get(at).map(|(_, source)| source),
        }
    }

    /// Puts a text there.
    pub(in crate::command) fn put(self, entry: &mut RulesetEntry, text: Source) {
        match self {
            Slot::Origin => entry.origin = RulesOrigin::Written(text),
            Slot::Ipv6 => entry.ipv6 = Some(text),
            Slot::Beside(at) => entry.beside[at].1 = text,
        }
    }
}

impl Candidate {
    /// The rules as they are.
    pub(in crate::command) fn none(subject: &Subject) -> Candidate {
        let files = &subject.files;
        let edited = |slot, source: &Source| Edited {
            slot,
            before: source.clone(),
            after: source.clone(),
        };
        let mut sources = Vec::new();
        if let RulesOrigin::Written(source) = &files.origin {
            sources.push(edited(Slot::Origin, source));
        }
        sources.extend(files.ipv6.iter().map(|source| edited(Slot::Ipv6, source)));
        for (at, (_, source)) in files.beside.iter().enumerate() {
            sources.push(edited(Slot::Beside(at), source));
        }
        Candidate {
            remedies: Vec::new(),
            sources,
        }
    }

    /// The same rules with these remedies in place of those that it has.
    pub(in crate::command) fn with(
        &self,
        subject: &Subject,
        remedies: Vec<Remedy>,
    ) -> Result<Candidate, NoPlace> {
        let mut candidate = self.clone();
        for edited in &mut candidate.sources {
            let here = |remedy: &&Remedy| slot_of(subject, remedy) == Some(edited.slot);
            let remedies: Vec<&Remedy> = remedies.iter().filter(here).collect();
            edited.after = apply(&edited.before, &remedies)?;
        }
        candidate.remedies = remedies;
        Ok(candidate)
    }

    /// The same rules without what stands on a line.
    pub(in crate::command) fn without(&self, slot: Slot, line: u32) -> Result<Candidate, NoPlace> {
        let mut candidate = self.clone();
        let mut sources = candidate.sources.iter_mut();
        if let Some(edited) = sources.find(|edited| edited.slot == slot) {
            edited.after = take_away(&edited.after, line)?;
        }
        Ok(candidate)
    }

    /// The same rules with a line before another one of its text.
    pub(in crate::command) fn moved(
        &self,
        slot: Slot,
        line: u32,
        before: u32,
    ) -> Result<Candidate, NoPlace> {
        let mut candidate = self.clone();
        let mut sources = candidate.sources.iter_mut();
        if let Some(edited) = sources.find(|edited| edited.slot == slot) {
            edited.after = put_before(&edited.after, line, before)?;
        }
        Ok(candidate)
    }

    /// What a text of the rules is called, where there are several.
    pub(in crate::command) fn name_among_several(&self, slot: Slot) -> Option<&str> {
        let mut sources = self.sources.iter();
        let of_slot = sources.find(|edited| edited.slot == slot)?;
        (self.sources.len() > 1).then_some(of_slot.before.name.as_str())
    }

    pub(in crate::command) fn remedies(&self) -> &[Remedy] {
        &self.remedies
    }

    pub(in crate::command) fn is_empty(&self) -> bool {
        self.remedies.is_empty()
    }

    /// A scenario with these rules, and with the server's settings.
    pub(in crate::command) fn scenario(&self, scenario: &Scenario) -> Arc<Scenario> {
        let mut scenario = scenario.clone();
        let ruleset = &mut scenario.rulesets[0];
        for Edited { slot, after, .. } in &self.sources {
            slot.put(ruleset, after.clone());
        }
        for remedy in &self.remedies {
            match remedy {
                Remedy::PassivePorts { low, high } => {
                    scenario.server.passive_ports = Some((*low, *high));
                }
                Remedy::Advertise { address } => {
                    scenario.server.advertised_address = Some(*address)
                }
                Remedy::Helper { .. }
                | Remedy::Track { .. }
                | Remedy::Accept { .. }
                | Remedy::Forward { .. }
                | Remedy::Masquerade { .. }
                | Remedy::ClampMss { .. } => {}
            }
        }
        Arc::new(scenario)
    }

    /// The line that a line of these rules was before; nothing for one that a remedy brought.
    pub(in crate::command) fn line_before(
        &self,
        subject: &Subject,
        remedy: &Remedy,
        line: u32,
    ) -> Option<u32> {
        let slot = slot_of(subject, remedy)?;
        let edited = self.sources.iter().find(|edited| edited.slot == slot)?;
        line_before(&edited.before, &edited.after, line)
    }

    /// What is changed, a unified diff for each text.
    pub(in crate::command) fn patches(&self) -> impl Iterator<Item = String> {
        let changed = self
            .sources
            .iter()
            .filter(|edited| edited.before.text != edited.after.text);
        changed.map(|edited| patch(&edited.before, &edited.after))
    }

    /// Writes the changed text to a new file; says so where nothing in it was changed.
    pub(in crate::command) fn write(&self, file: &Path) -> Result<(), Exit> {
        let changed = self
            .sources
            .iter()
            .filter(|edited| edited.before.text != edited.after.text);
        let changed: Vec<&Edited> = changed.collect();
        if changed.is_empty() {
            let told = format!(
                "no rules were changed, so {} is not written",
                file.display()
            );
            complain(told, None);
            return Ok(());
        }
        let [edited] = changed[..] else {
            complain(
                format!(
                    "the rules of several files were changed, so {} is not written",
                    file.display()
                ),
                Some("--family and --backend choose one of them; the patches above have all"),
            );
            return Err(Exit::Usage);
        };
        let created = OpenOptions::new().write(true).create_new(true).open(file);
        let written = created.and_then(|mut file| file.write_all(&edited.after.text));
        written.map_err(|error| {
            complain(
                format!("{} cannot be written: {error}", file.display()),
                None,
            );
            Exit::Lab
        })
    }
}

/// The text that a remedy changes.
fn slot_of(subject: &Subject, remedy: &Remedy) -> Option<Slot> {
    let (backend, family) = match remedy {
        Remedy::Helper {
            backend, family, ..
        }
        | Remedy::Track {
            backend, family, ..
        } => (*backend, *family),
        Remedy::Accept { spot, .. } => (spot.backend, spot.family),
        Remedy::Forward { backend, from, .. } => (*backend, Family::of(*from)),
        Remedy::Masquerade {
            backend, family, ..
        }
        | Remedy::ClampMss { backend, family } => (*backend, *family),
        Remedy::PassivePorts { .. } | Remedy::Advertise { .. } => return None,
    };
    Slot::of(subject, backend, family)
}
