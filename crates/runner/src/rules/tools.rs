use std::path::PathBuf;

use fwlab_record::{Backend, Family};

/// The programs that load and list rules.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    iptables: Vec<Tool>,
    /// Loads and lists scripts of its own.
    pub(super) nft: Option<PathBuf>,
    /// Makes sets for rules of iptables.
    pub(super) ipset: Option<PathBuf>,
}

#[derive(Debug, Clone)]
pub(super) struct Tool {
    pub(super) backend: Backend,
    pub(super) family: Family,
    pub(super) restore: PathBuf,
    pub(super) save: PathBuf,
}

/// This machine has no iptables at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no iptables on this machine: neither iptables-nft-restore nor iptables-legacy-restore was found"
)]
pub struct NoLoader;

impl NoLoader {
    /// The command that mends it.
    pub fn help(&self) -> &'static str {
        "install it: apt-get install iptables (Debian, Ubuntu), dnf install iptables-nft iptables-legacy (Fedora)"
    }
}

impl Tools {
    pub(super) fn find() -> Result<Tools, NoLoader> {
        let mut tools = Vec::new();
        for &family in Family::ALL {
            for backend in Backend::IPTABLES {
                let name = |verb: &str| format!("{}-{backend}-{verb}", command(family));
                let (restore, save) = (
                    fwlab_fabric::find_tool(&name("restore")),
                    fwlab_fabric::find_tool(&name("save")),
                );
                if let (Some(restore), Some(save)) = (restore, save) {
                    tools.push(Tool {
                        backend,
                        family,
                        restore,
                        save,
                    });
                }
            }
        }
        if tools.is_empty() {
            return Err(NoLoader);
        }
        Ok(Tools {
            iptables: tools,
            nft: fwlab_fabric::find_tool("nft"),
            ipset: fwlab_fabric::find_tool("ipset"),
        })
    }

    pub(super) fn get(&self, backend: Backend, family: Family) -> Option<&Tool> {
        self.iptables
            .iter()
            .find(|tool| tool.backend == backend && tool.family == family)
    }
}

/// The command's name for a family.
pub(super) fn command(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "iptables",
        Family::Ipv6 => "ip6tables",
    }
}
