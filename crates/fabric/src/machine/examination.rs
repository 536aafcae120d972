use std::collections::BTreeMap;

use fwlab_record::{Backend, Family};

use super::ability::Ability;
use super::packages::Distribution;
use super::probes::{Reason, probe};
use super::tools::{ToolProgram, examine, tables_tool, tables_tools};
use crate::{Privilege, PrivilegeError};

/// What this machine can do for a lab.
#[derive(Debug)]
pub struct Machine {
    /// By what right labs are built, or why they cannot be.
    pub privilege: Result<Privilege, PrivilegeError>,
    /// The kernel's release: `6.1.0-18-amd64`.
    pub kernel: String,
    /// The tools that load and list rules, as far as they are installed.
    pub tools: Vec<ToolProgram>,
    /// What the kernel can do, each tried for real, or why it cannot.
    pub abilities: BTreeMap<Ability, Result<(), Reason>>,
}

/// Something that this machine lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What: `iptables-nft-restore`, `packet trace`.
    pub what: String,
    /// Why it is not there.
    pub why: String,
    /// The command, or the sentence, that mends it.
    pub remedy: String,
    /// Whether labs work without it, with less to show.
    pub optional: bool,
}

impl Machine {
    /// Looks at everything. It blocks for some tens of milliseconds, in which tools
    /// run in a namespace that is thrown away.
    pub fn examine() -> Machine {
        let privilege = Privilege::current();
        let names = Backend::IPTABLES
            .iter()
            .flat_map(|backend| tables_tools(*backend))
            .chain(["nft".to_owned()]);
        Machine {
            abilities: match privilege {
                Ok(_) => probe(),
                Err(_) => BTreeMap::new(),
            },
            kernel: kernel_release(),
            tools: names.filter_map(|name| examine(&name)).collect(),
            privilege,
        }
    }

    /// The tool of that name, if it is installed.
    pub fn tool(&self, name: &str) -> Option<&ToolProgram> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// Whether rulesets can be loaded and listed through a backend, in both families.
    pub fn has_backend(&self, backend: Backend) -> bool {
        let (ability, tools) = match backend {
            Backend::Nft => (Ability::NftRules, tables_tools(backend).to_vec()),
            Backend::Legacy => (Ability::LegacyRules, tables_tools(backend).to_vec()),
            // Where packets can be traced, nf_tables is there: nft needs nothing of iptables.
            Backend::Native => (Ability::PacketTrace, vec!["nft".to_owned()]),
        };
        self.can(ability) && tools.iter().all(|name| self.tool(name).is_some())
    }

    /// The tool that loads rulesets of a backend and a family.
    pub fn restore(&self, backend: Backend, family: Family) -> Option<&ToolProgram> {
        self.tool(&tables_tool(backend, family, "restore"))
    }

    /// The tool that lists rulesets of a backend and a family.
    pub fn save(&self, backend: Backend, family: Family) -> Option<&ToolProgram> {
        self.tool(&tables_tool(backend, family, "save"))
    }

    /// Whether the kernel can do it.
    pub fn can(&self, ability: Ability) -> bool {
        matches!(self.abilities.get(&ability), Some(Ok(())))
    }

    /// Everything that is missing, what labs cannot do without first.
    pub fn missing(&self) -> Vec<Missing> {
        let distribution = Distribution::here();
        let mut missing = Vec::new();
        if let Err(error) = &self.privilege {
            missing.push(Missing {
                what: "privilege to make network namespaces".to_owned(),
                why: error.door.to_string(),
                remedy: error.help.clone(),
                optional: false,
            });
        }
        let any_backend = Backend::IPTABLES
            .iter()
            .any(|backend| self.has_backend(*backend));
        for (names, optional) in [
            (tables_tools(Backend::Nft), any_backend),
            (tables_tools(Backend::Legacy), any_backend),
        ] {
            for name in names.iter().filter(|name| self.tool(name).is_none()) {
                missing.push(Missing {
                    what: name.clone(),
                    why: "it is not installed".to_owned(),
                    remedy: distribution.install(name),
                    optional,
                });
            }
        }
        if self.tool("nft").is_none() {
            missing.push(Missing {
                what: "nft".to_owned(),
                why: "it is not installed: cells of the backend native are skipped".to_owned(),
                remedy: distribution.install("nft"),
                optional: true,
            });
        }
        for (ability, result) in &self.abilities {
            let Err(reason) = result else { continue };
            missing.push(Missing {
                what: ability.to_string(),
                why: with_sources(&**reason),
                remedy: remedy(*ability),
                optional: match ability {
                    needed if needed.is_needed() => false,
                    Ability::NftRules | Ability::LegacyRules => any_backend,
                    _ => true,
                },
            });
        }
        missing.sort_by_key(|missing| missing.optional);
        missing
    }
}

/// The kernel's release, as `uname -r` has it.
pub fn kernel_release() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .map_or_else(|error| error.to_string(), |text| text.trim().to_owned())
}

fn remedy(ability: Ability) -> String {
    match ability {
        // As in every container that was not started otherwise.
        Ability::Settings => {
            return "in a container: docker run --security-opt systempaths=unconfined …; \
                    elsewhere: sudo mount -o remount,rw /proc/sys"
                .to_owned();
        }
        Ability::Programs => {
            return "in a container: docker run --cap-add SYS_ADMIN --security-opt apparmor=unconfined …"
                .to_owned();
        }
        _ => {}
    }
    format!(
        "sudo modprobe -a {} (a kernel with {})",
        ability.modules().join(" "),
        ability.option()
    )
}

fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
