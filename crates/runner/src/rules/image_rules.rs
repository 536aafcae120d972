//! Rules that stand in a node without this lab having loaded them: what an image loaded.

use std::sync::Arc;

use fwlab_fabric::Node;
use fwlab_model::ruleset::native::NativeListing;
use fwlab_model::ruleset::{ChainPolicy, Correspondence, Listing};
use fwlab_record::{Backend, Family, NodeName, TableFamily};
use fwlab_scenario::Deployment;

use super::interfaces::strange_interfaces;
use super::loader::{Counters, LoadError, Loader};
use super::native::untraced;
use super::{Doubt, Listed, NodeRuleset, PreparedRuleset};

/// The tables that iptables-nft has, and `iptables-nft-save` lists.
const OF_IPTABLES: [&str; 5] = ["filter", "nat", "mangle", "raw", "security"];

/// Why the rules that stand in a node cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageRulesError {
    /// They could not be listed.
    #[error("the rules at {node} cannot be listed")]
    List { node: NodeName, source: LoadError },
    /// Rules stand there that the backend's listing does not have.
    #[error(
        "{node} has rules of {instead}, in {place}, but the scenario says `backend = \"{backend}\"`: all of them must be \
         of one backend"
    )]
    Others {
        node: NodeName,
        backend: Backend,
        place: String,
        instead: Backend,
    },
}

impl Loader {
    /// Reads the rules that stand in a node, all of which must be of one backend.
    pub(crate) async fn standing(
        &self,
        node: &Node,
        deployment: &Deployment,
        backend: Backend,
    ) -> Result<PreparedRuleset, ImageRulesError> {
        let standing = self.listed(node).await;
        let standing = standing.map_err(|source| ImageRulesError::List {
            node: node.name().clone(),
            source,
        })?;
        if let Some((place, instead)) = standing.beside(backend) {
            return Err(ImageRulesError::Others {
                node: node.name().clone(),
                backend,
                place,
                instead,
            });
        }
        Ok(standing.prepared(node, deployment, backend))
    }

    async fn listed(&self, node: &Node) -> Result<Standing, LoadError> {
        let native = self.list(node, Counters::Hidden).await?;
        let mut iptables = Vec::new();
        for backend in Backend::IPTABLES {
            for &family in Family::ALL {
                // To list a table of legacy may make it, and it acts from then on.
                let is_there = match backend {
                    Backend::Legacy => has_legacy(node, family).await?,
                    _ => has_iptables(&native, family),
                };
                if is_there {
                    let (listing, text) =
                        self.save(node, backend, family, Counters::Hidden).await?;
                    iptables.push(Saved {
                        backend,
                        family,
                        listing,
                        text,
                    });
                }
            }
        }
        Ok(Standing { native, iptables })
    }
}

/// What of legacy's tables the kernel has in a node's namespace.
async fn has_legacy(node: &Node, family: Family) -> Result<bool, LoadError> {
    let file = match family {
        Family::Ipv4 => "/proc/thread-self/net/ip_tables_names",
        Family::Ipv6 => "/proc/thread-self/net/ip6_tables_names",
    };
    match node.run(async move || std::fs::read(file)).await? {
        Ok(names) => Ok(!names.is_empty()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(LoadError::Listing {
            argv: file.to_owned(),
            why: error.to_string(),
        }),
    }
}

fn has_iptables(native: &NativeListing, family: Family) -> bool {
    let mut tables = native.tables();
    tables.any(|(of, table)| of == nft_family(family) && OF_IPTABLES.contains(&table))
}

fn nft_family(family: Family) -> TableFamily {
    match family {
        Family::Ipv4 => TableFamily::Ip,
        Family::Ipv6 => TableFamily::Ip6,
    }
}

/// Everything that stands in a node.
struct Standing {
    native: NativeListing,
    iptables: Vec<Saved>,
}

/// What a `-save` lists.
struct Saved {
    backend: Backend,
    family: Family,
    listing: Listing,
    text: String,
}

impl Standing {
    /// The first place with rules that act and are not in the backend's listing, and the backend
    /// that lists them.
    fn beside(&self, backend: Backend) -> Option<(String, Backend)> {
        if backend != Backend::Legacy {
            let saved = self.iptables.iter();
            let mut legacy = saved.filter(|saved| saved.backend == Backend::Legacy);
            if let Some(place) = legacy.find_map(acting_chain) {
                return Some((place, Backend::Legacy));
            }
        }
        let mut acting = self
            .native
            .chains()
            .filter(|(_, chain)| !chain.rules().is_empty() || chain.hook().contains("policy drop"));
        let is_of_iptables = |table: &str, family| {
            matches!(family, TableFamily::Ip | TableFamily::Ip6) && OF_IPTABLES.contains(&table)
        };
        let (id, instead) = match backend {
            Backend::Native => return None,
            Backend::Nft => {
                let is_other =
                    |family, table: &str| !is_of_iptables(table, family) || self.is_odd();
                let (id, _) = acting.find(|(id, _)| is_other(id.family, &id.table))?;
                (id, Backend::Native)
            }
            Backend::Legacy => {
                let (id, _) = acting.next()?;
                let instead = if is_of_iptables(&id.table, id.family) {
                    Backend::Nft
                } else {
                    Backend::Native
                };
                (id, instead)
            }
        };
        Some((id.to_string(), instead))
    }

    /// Whether a table that is called like one of iptables' is none that it can list.
    fn is_odd(&self) -> bool {
        let saved = self.iptables.iter();
        saved
            .filter(|saved| saved.backend == Backend::Nft)
            .any(|saved| saved.text.contains("is incompatible, use 'nft' tool"))
    }

    fn prepared(self, node: &Node, deployment: &Deployment, backend: Backend) -> PreparedRuleset {
        let mut prepared = PreparedRuleset::default();
        // No line of anybody's text: the image knows where its rules come from.
        let lines = Arc::new(Correspondence::default());
        let part = |listed| NodeRuleset {
            node: node.name().clone(),
            input: [].into(),
            listed,
            lines: Arc::clone(&lines),
            file: None,
        };
        if backend == Backend::Native {
            let impurities = self.native.impurities(&lines);
            prepared
                .doubts
                .extend(Doubt::of_native(node.name(), impurities));
            prepared.notes.extend(untraced(&self.native));
            prepared
                .parts
                .push(part(Listed::Native(Arc::new(self.native))));
        }
        for saved in self.iptables {
            // iptables-nft's tables are in nft's listing, too.
            if (saved.backend, backend) == (Backend::Nft, Backend::Native) {
                continue;
            }
            let impurities = saved.listing.impurities(&lines);
            prepared
                .doubts
                .extend(Doubt::of_iptables(node.name(), saved.backend, impurities));
            let named = saved.listing.interfaces_used();
            prepared
                .notes
                .extend(strange_interfaces(named, deployment, node.name()));
            prepared.parts.push(part(Listed::Iptables {
                backend: saved.backend,
                family: saved.family,
                listing: Arc::new(saved.listing),
            }));
        }
        prepared
    }
}

/// A chain with rules, or with a policy that drops.
fn acting_chain(saved: &Saved) -> Option<String> {
    saved.listing.tables().find_map(|table| {
        let mut chains = saved.listing.chains(table);
        let (name, _) = chains.find(|(_, chain)| {
            !chain.rules().is_empty() || chain.policy() == Some(ChainPolicy::Drop)
        })?;
        Some(format!("{}/{}/{name}", saved.family, table.word()))
    })
}
