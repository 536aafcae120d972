use std::ops::Range;

use fwlab_record::{
    Axes, Backend, Cause, CauseKind, DataSetup, Family, NodeName, Operation, Outcome, PeerName,
    Phase, Protection, Symptom,
};

use crate::format::table::table;
use crate::format::value::{Table, Texts, Word, Words};
use crate::format::vocabulary::{Clients, Servers};
use crate::read::requirement::CauseTable;

/// What a scenario demands of the outcomes of some of its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Which cells.
    pub selector: Selector,
    /// What the client's user must see.
    pub symptom: SymptomDemand,
    /// The phase that the transfer must end in.
    pub phase: Option<Phase>,
    /// Why.
    pub cause: Option<CauseDemand>,
    /// Where it belongs in its file, in bytes; empty for one made by a program.
    pub span: Range<usize>,
}

/// What the client's user must see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymptomDemand {
    /// Just this.
    Is(Symptom),
    /// Anything but a transfer. Scenario files say what; `fwlab check --expect` need not.
    Blocked,
}

impl SymptomDemand {
    /// Whether an outcome shows it.
    fn is_met(self, outcome: &Outcome) -> bool {
        match self {
            SymptomDemand::Is(symptom) => symptom == outcome.symptom,
            SymptomDemand::Blocked => outcome.symptom != Symptom::Transferred,
        }
    }
}

impl From<Symptom> for SymptomDemand {
    fn from(symptom: Symptom) -> SymptomDemand {
        SymptomDemand::Is(symptom)
    }
}

impl PartialEq<Symptom> for SymptomDemand {
    fn eq(&self, symptom: &Symptom) -> bool {
        *self == SymptomDemand::Is(*symptom)
    }
}

impl std::fmt::Display for SymptomDemand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SymptomDemand::Is(symptom) => symptom.fmt(f),
            SymptomDemand::Blocked => f.write_str("blocked"),
        }
    }
}

table! {
    RequireTable, [["require"]],
    "A requirement for the cells that its selectors name; without selectors, for all. If several name a cell, \
     the last one counts. A cell that none names is only reported.",
    fills selector:
    /// Names cells by their axes. An empty list names every value.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct Selector {
        /// Rulesets by name.
        rulesets: Vec<String> = Vec::new(),
    }
    keys {
        "ruleset", Texts, "selector: rulesets by name" -> ruleset;
        "backend", Words<Backend>, "selector" => backends: Vec<Backend> = Vec::new();
        "server", Words<Servers>, "selector" => servers: Vec<PeerName> = Vec::new();
        "client", Words<Clients>, "selector" => clients: Vec<PeerName> = Vec::new();
        "data", Words<DataSetup>, "selector" => data: Vec<DataSetup> = Vec::new();
        "protection", Words<Protection>, "selector" => protections: Vec<Protection> = Vec::new();
        "family", Words<Family>, "selector" => families: Vec<Family> = Vec::new();
        "operation", Words<Operation>, "selector" => operations: Vec<Operation> = Vec::new();
        required "symptom", Word<Symptom>, "what the client's user sees" -> symptom;
        "phase", Word<Phase>, "the phase that the transfer ended in" -> phase;
        "cause", Table<CauseTable>, "why" -> cause;
    }
}

/// The selector in words, `explicit pasv,epsv`; empty where it names all.
impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        fn words<T: ToString>(values: &[T]) -> String {
            let words: Vec<String> = values.iter().map(T::to_string).collect();
            words.join(",")
        }
        let axes = [
            words(&self.rulesets),
            words(&self.backends),
            words(&self.servers),
            words(&self.clients),
            words(&self.protections),
            words(&self.families),
            words(&self.operations),
            words(&self.data),
        ];
        let named: Vec<String> = axes.into_iter().filter(|axis| !axis.is_empty()).collect();
        f.write_str(&named.join(" "))
    }
}

impl Selector {
    /// Whether a cell is among those named.
    pub fn names(&self, axes: &Axes) -> bool {
        fn among<T: PartialEq>(listed: &[T], value: &T) -> bool {
            listed.is_empty() || listed.contains(value)
        }
        among(&self.rulesets, &axes.ruleset)
            && among(&self.backends, &axes.backend)
            && among(&self.servers, &axes.server)
            && among(&self.clients, &axes.client)
            && among(&self.data, &axes.data)
            && among(&self.protections, &axes.protection)
            && among(&self.families, &axes.family)
            && among(&self.operations, &axes.operation)
    }
}

/// What the cause must be; what is `None` is not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseDemand {
    /// The cause's kind.
    pub kind: CauseKind,
    /// The backend that the rule was loaded through.
    pub backend: Option<Backend>,
    /// The node whose rules, or which host.
    pub node: Option<NodeName>,
    /// Table and chain, `filter/INPUT`, or with the family, `inet/filter/input`.
    pub chain: Option<String>,
    /// The rule's place in its chain.
    pub ordinal: Option<u32>,
    /// The line of the ruleset's source.
    pub line: Option<u32>,
    /// The code of the FTP reply.
    pub reply: Option<u16>,
}

impl Requirement {
    /// Everything in which an outcome is not what is demanded; empty when it is met.
    pub fn differences(&self, outcome: &Outcome) -> Vec<String> {
        let mut differences = Vec::new();
        // What the client's user asked for came through, though not as the cell asked for it.
        if self.symptom == Symptom::Transferred && outcome.came_through.is_some() {
            return differences;
        }
        if !self.symptom.is_met(outcome) {
            differences.push(format!(
                "symptom {}, required {}",
                outcome.symptom, self.symptom
            ));
        }
        if let Some(phase) = self.phase.filter(|phase| *phase != outcome.phase) {
            differences.push(format!("phase {}, required {phase}", outcome.phase));
        }
        if let Some(demanded) = &self.cause {
            let found = match &outcome.cause {
                // Of a rule that sent the packet to a host that said no, either may be named.
                Cause::Rule {
                    led_to: Some(led_to),
                    ..
                } if demanded.kind == led_to.kind() => led_to,
                found => found,
            };
            demanded.compare(found, &mut differences);
        }
        differences
    }
}

/// The requirement in words, without its selectors: `data-timeout at data-connect by policy filter/INPUT`.
impl std::fmt::Display for Requirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.symptom)?;
        if let Some(phase) = self.phase {
            write!(f, " at {phase}")?;
        }
        self.cause
            .as_ref()
            .map_or(Ok(()), |cause| write!(f, " by {cause}"))
    }
}

impl std::fmt::Display for CauseDemand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let CauseDemand {
            kind,
            backend,
            node,
            chain,
            ordinal,
            line,
            reply,
        } = self;
        write!(f, "{kind}")?;
        let mut part = |what: &str, value: Option<String>| {
            value.map_or(Ok(()), |value| write!(f, " {what}{value}"))
        };
        part("of ", node.as_ref().map(ToString::to_string))?;
        part("through ", backend.map(|backend| backend.to_string()))?;
        part("in ", chain.clone())?;
        part("number ", ordinal.map(|ordinal| ordinal.to_string()))?;
        part("from line ", line.map(|line| line.to_string()))?;
        part("", reply.map(|reply| reply.to_string()))
    }
}

impl CauseDemand {
    fn compare(&self, cause: &Cause, differences: &mut Vec<String>) {
        fn compare<T: PartialEq + std::fmt::Display>(
            what: &str,
            demanded: Option<&T>,
            found: Option<&T>,
            differences: &mut Vec<String>,
        ) {
            if let Some(demanded) = demanded.filter(|demanded| Some(*demanded) != found) {
                let found = found.map_or_else(|| "none".to_owned(), ToString::to_string);
                differences.push(format!("cause {what} {found}, required {demanded}"));
            }
        }
        compare("kind", Some(&self.kind), Some(&cause.kind()), differences);
        let backend = match cause {
            Cause::Rule { backend, .. } | Cause::Policy { backend, .. } => Some(backend),
            _ => None,
        };
        let (node, chain, ordinal, line) = match cause {
            Cause::Rule {
                node,
                rule,
                source_line,
                ..
            } => (
                Some(node),
                Some(&rule.chain),
                Some(rule.ordinal.0),
                *source_line,
            ),
            Cause::Policy {
                node,
                chain,
                source_line,
                ..
            } => (Some(node), Some(chain), None, *source_line),
            Cause::Helper { node, .. } | Cause::Host { node, .. } | Cause::Loss { node, .. } => {
                (Some(node), None, None, None)
            }
            Cause::None | Cause::Reply { .. } => (None, None, None, None),
        };
        let reply = match cause {
            Cause::Reply { reply } => reply.get(..3).and_then(|code| code.parse::<u16>().ok()),
            _ => None,
        };
        // As it is demanded, where it is that one.
        let chain = chain.map(|chain| {
            let demanded = self.chain.as_ref().filter(|text| chain.is_named(text));
            demanded.map_or_else(|| format!("{}/{}", chain.table, chain.chain), Clone::clone)
        });
        compare("backend", self.backend.as_ref(), backend, differences);
        compare("node", self.node.as_ref(), node, differences);
        compare("chain", self.chain.as_ref(), chain.as_ref(), differences);
        compare(
            "ordinal",
            self.ordinal.as_ref(),
            ordinal.as_ref(),
            differences,
        );
        compare("line", self.line.as_ref(), line.as_ref(), differences);
        compare("reply", self.reply.as_ref(), reply.as_ref(), differences);
    }
}
