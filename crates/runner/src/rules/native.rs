use std::sync::Arc;

use fwlab_fabric::{Fabric, Node, ToolCall, ToolOutput};
use fwlab_model::ruleset::native::{Complaint, Echo, NativeListing, NativeRule, NativeScript};
use fwlab_record::{Backend, InterfaceName, NodeName};
use fwlab_scenario::{Deployment, RulesOrigin, RulesetEntry};

use super::error::PrepareError;
use super::loader::{Counters, DEADLINE, LoadError, Loader, words_of};
use super::node_ruleset::file_of;
use super::proven::Proven;
use super::remembered::Remembered;
use super::{Doubt, Listed, NodeRuleset};

/// A script, and the interfaces of the node that it was tried in: `iif eth0` does not load where there is no `eth0`.
type Key = (Arc<str>, Vec<InterfaceName>);

/// What nft lists of a script that it loaded, and what it said of each rule.
struct Loaded {
    listing: Arc<NativeListing>,
    echo: Echo,
    /// The script that was loaded, where it is not the one that was given: without what this kernel lacks.
    instead: Option<NativeScript>,
}

const OF_IPTABLES: &str = "the script adds rules to iptables-nft chains that it does not make: fwlab makes them \
                           first, without rules and with policy accept";

/// By text and the interfaces of the node.
static PROVEN: Remembered<Key, Loaded> = Remembered::new();

/// The program that this machine lacks to load a ruleset through a backend, or to list what an
/// image loaded, and what to do.
pub(crate) fn lacks(entry: &RulesetEntry, backend: Backend) -> Option<String> {
    let mut beside = entry.beside.iter();
    let native = backend == Backend::Native
        || beside.any(|(backend, _)| *backend == Backend::Native)
        || matches!(entry.origin, RulesOrigin::Image(_));
    (native && fwlab_fabric::find_tool("nft").is_none()).then(|| {
        "no nft on this machine: apt-get install nftables (Debian, Ubuntu), dnf install nftables (Fedora)"
            .to_owned()
    })
}

impl Loader {
    /// Proves in a throwaway node that a script loads.
    pub(super) async fn prove_script(
        &self,
        name: &str,
        deployment: &Deployment,
        node: &NodeName,
        script: &NativeScript,
    ) -> Result<Proven, PrepareError> {
        let input: Arc<str> = script.text().into();
        let interfaces = deployment.topology.interfaces_in(node);
        let key: Key = (
            Arc::clone(&input),
            interfaces.map(|interface| interface.name.clone()).collect(),
        );
        let loaded = match PROVEN.get(&key) {
            Some(loaded) => loaded,
            None => {
                let loaded = self
                    .loaded_as_far_as_here(name, deployment, node, script)
                    .await?;
                let loaded = Arc::new(loaded);
                PROVEN.insert(key, Arc::clone(&loaded));
                loaded
            }
        };
        let Loaded {
            listing,
            echo,
            instead,
        } = &*loaded;
        let script = instead.as_ref().unwrap_or(script);
        let lines = script.correspond(listing, echo).map_err(|differences| {
            PrepareError::differs(name, "nft", Some(script.source()), &differences)
        })?;
        let impurities = listing.impurities(&lines);
        let by_port = listing.by_port(&lines);
        let by_push = listing.by_push(&lines);
        let source = script.source().name();
        let read = script.notes().iter();
        let mut notes: Vec<String> = read.map(|note| format!("{source}: {note}")).collect();
        let beforehand = script.beforehand();
        if beforehand.is_some() {
            notes.push(OF_IPTABLES.to_owned());
        }
        notes.extend(untraced(listing));
        let part = NodeRuleset {
            node: node.clone(),
            input: beforehand
                .into_iter()
                .chain([script.text().to_owned()])
                .collect(),
            listed: Listed::Native(Arc::clone(listing)),
            lines: Arc::new(lines),
            file: file_of(script.source()),
        };
        Ok(Proven {
            part,
            doubts: Doubt::of_native(node, impurities).collect(),
            by_port,
            by_push,
            notes,
        })
    }

    /// Loads a script into a throwaway of a node; without what the kernel lacks and FTP does not need, helpers of other
    /// protocols and flowtables.
    async fn loaded_as_far_as_here(
        &self,
        name: &str,
        deployment: &Deployment,
        node: &NodeName,
        script: &NativeScript,
    ) -> Result<Loaded, PrepareError> {
        let is_there = |device: &str| {
            let mut interfaces = deployment.topology.interfaces_in(node);
            interfaces.any(|interface| interface.name.as_str() == device)
        };
        let mut lesser: Option<NativeScript> = None;
        loop {
            let tried = lesser.as_ref().unwrap_or(script);
            let refusal = match self.loaded(name, deployment, node, tried).await? {
                Ok(loaded) => {
                    return Ok(Loaded {
                        instead: lesser,
                        ..loaded
                    });
                }
                Err(refusal) => refusal,
            };
            let complaints = tried.complaints(&refusal.words);
            // Each time there is less of it.
            let next = tried
                .without_other_helpers(&complaints)
                .or_else(|| tried.without_flowtables(is_there));
            let Some(next) = next else {
                return Err(refusal.told(name, tried));
            };
            lesser = Some(next);
        }
    }

    /// Loads a script into a throwaway of a node, and lists what is there then.
    async fn loaded(
        &self,
        name: &str,
        deployment: &Deployment,
        node: &NodeName,
        script: &NativeScript,
    ) -> Result<Result<Loaded, Refusal>, PrepareError> {
        let failed = |source| PrepareError::Load {
            ruleset: name.into(),
            source,
        };
        let fabric = Fabric::build(&deployment.topology)
            .await
            .map_err(|source| PrepareError::Fabric {
                ruleset: name.into(),
                source,
            })?;
        let throwaway = fabric
            .node(node)
            .ok_or_else(|| failed(LoadError::NoNode(node.clone())))?;
        if let Some(beforehand) = script.beforehand() {
            let made = self.load_script(throwaway, &beforehand).await;
            let (loader, output) = made.map_err(failed)?;
            if !output.status.success() {
                return Ok(Err(Refusal::of(loader, &output)));
            }
        }
        let nft = self.nft(throwaway, &["-e", "-a", "-f", "-"], script.text());
        let (loader, output) = nft.await.map_err(failed)?;
        if !output.status.success() {
            return Ok(Err(Refusal::of(loader, &output)));
        }
        let listing = self.list(throwaway, Counters::Shown);
        Ok(Ok(Loaded {
            listing: Arc::new(listing.await.map_err(failed)?),
            echo: Echo::parse(&String::from_utf8_lossy(&output.stdout)),
            instead: None,
        }))
    }

    /// Loads a script as it is: all of it or nothing.
    pub(super) async fn load_script(
        &self,
        node: &Node,
        script: &str,
    ) -> Result<(String, ToolOutput), LoadError> {
        self.nft(node, &["-f", "-"], script).await
    }

    async fn nft(
        &self,
        node: &Node,
        options: &[&str],
        script: &str,
    ) -> Result<(String, ToolOutput), LoadError> {
        let nft = self.tools.nft.as_ref().ok_or(LoadError::NoNft)?;
        let call = ToolCall {
            deadline: DEADLINE,
            ..ToolCall::new(nft)
                .arguments(options.iter().copied())
                .stdin(script)
        };
        Ok((nft.display().to_string(), node.tool(call).await?))
    }

    /// Lists what the kernel has of nf_tables.
    pub(super) async fn list(
        &self,
        node: &Node,
        counters: Counters,
    ) -> Result<NativeListing, LoadError> {
        let nft = self.tools.nft.as_ref().ok_or(LoadError::NoNft)?;
        let mut listings = Vec::new();
        let options: [&[&str]; 2] = match counters {
            Counters::Shown => [&["-j", "-a"], &["-a"]],
            Counters::Hidden => [&["-j", "-s", "-a"], &["-s", "-a"]],
        };
        for options in options {
            let call = ToolCall {
                deadline: DEADLINE,
                ..ToolCall::new(nft)
                    .arguments(options)
                    .arguments(["list", "ruleset"])
            };
            let output = node.tool(call).await?;
            if !output.status.success() {
                return Err(LoadError::Refused {
                    argv: format!("{} {} list ruleset", nft.display(), options.join(" ")),
                    status: output.status,
                    stderr: words_of(&output),
                });
            }
            listings.push(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        NativeListing::parse(&listings[0], &listings[1]).map_err(|error| LoadError::Listing {
            argv: nft.display().to_string(),
            why: crate::with_causes(&error),
        })
    }
}

/// That nft did not take a script, and what it said.
struct Refusal {
    loader: String,
    words: String,
}

impl Refusal {
    fn of(loader: String, output: &ToolOutput) -> Refusal {
        Refusal {
            loader,
            words: words_of(output),
        }
    }

    /// What nft said, each complaint at its place in the script; what has no place is told beside.
    fn told(&self, name: &str, script: &NativeScript) -> PrepareError {
        let (complaints, others) = script.leading(script.complaints(&self.words));
        let without_place = |complaint: &&Complaint| complaint.line.is_none();
        let words: Vec<String> = complaints
            .iter()
            .filter(without_place)
            .map(ToString::to_string)
            .collect();
        let words = words.join("; ");
        let source = Some(script.source());
        PrepareError::refused(name, &self.loader, source, &complaints, &words, others)
    }
}

/// What the packet trace does not show of these rules.
pub(super) fn untraced(listing: &NativeListing) -> Vec<String> {
    let mut notes = Vec::new();
    for (id, chain) in listing.chains() {
        if chain.is_before_trace() {
            notes.push(format!(
                "{id} acts before the lab's packet trace begins: what it stops leaves a cell unclear"
            ));
        }
        if chain.rules().iter().any(NativeRule::sets_trace) {
            notes.push(format!(
                "{id} sets nftrace itself: what it stops without a trace leaves a cell unclear"
            ));
        }
    }
    notes
}
