use std::collections::BTreeMap;
use std::sync::Arc;

use fwlab_record::{RuleOrdinal, TableFamily};
use nix::errno::Errno;

use crate::error::errno;
use crate::names::Names;
use crate::table::TABLE;
use crate::trace::table_family;
use fwlab_fabric::netlink::{
    Attributes, Batch, Netfilter, NetlinkSocket, be64, family, flags, kind, subsystem, text,
};

/// A chain of nf_tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NftChain {
    /// The table's family.
    pub family: TableFamily,
    /// The table.
    pub table: Arc<str>,
    /// The chain.
    pub chain: Arc<str>,
}

/// The rules of a node in nf_tables, of iptables-nft and native alike, save the lab's own:
/// for each chain that has any, the handles in the order in which they are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NftRules {
    chains: BTreeMap<NftChain, Vec<u64>>,
}

impl NftRules {
    /// Where in its chain the rule of that handle stands.
    pub fn ordinal(
        &self,
        family: TableFamily,
        table: &str,
        chain: &str,
        handle: u64,
    ) -> Option<RuleOrdinal> {
        let chain = NftChain {
            family,
            table: table.into(),
            chain: chain.into(),
        };
        let at = self
            .chains
            .get(&chain)?
            .iter()
            .position(|rule| *rule == handle)?;
        u32::try_from(at + 1).ok().map(RuleOrdinal)
    }

    /// The chains that have rules, with their rules' handles in order.
    pub fn chains(&self) -> impl Iterator<Item = (&NftChain, &[u64])> {
        self.chains
            .iter()
            .map(|(chain, handles)| (chain, handles.as_slice()))
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.chains.values().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.chains.is_empty()
    }
}

/// `NFT_MSG_GETRULE`; the answers are `NFT_MSG_NEWRULE`.
const GET_RULE: u8 = 7;
const NEW_RULE: u8 = 6;
const RULE_TABLE: u16 = 1;
const RULE_CHAIN: u16 = 2;
const RULE_HANDLE: u16 = 3;

/// How often a listing is tried while somebody changes the rules.
const TRIES: usize = 16;

/// Lists the rules in one dump. The kernel answers within the calls themselves, so nothing waits.
pub(crate) fn list(socket: &NetlinkSocket) -> Result<NftRules, Errno> {
    let mut tries = 0..TRIES;
    loop {
        match dump(socket) {
            // They changed under it.
            Err(Errno::EINTR) if tries.next().is_some() => {}
            listed => return listed,
        }
    }
}

fn dump(socket: &NetlinkSocket) -> Result<NftRules, Errno> {
    let mut request = Batch::default();
    let get = kind(subsystem::NF_TABLES, GET_RULE);
    let purpose = "list the rules of nf_tables";
    request.netfilter(get, flags::DUMP, family::UNSPECIFIED, purpose, |_| {});
    let mut rules = NftRules::default();
    let mut names = Names::default();
    let listed = socket.exchange(request, |message| {
        if let Some(Netfilter {
            subsystem: subsystem::NF_TABLES,
            kind: NEW_RULE,
            family,
            attributes,
            ..
        }) = message.netfilter()
        {
            rules.take(family, attributes, &mut names);
        }
    });
    listed.map_err(|error| errno(error.source))?;
    Ok(rules)
}

impl NftRules {
    pub(crate) fn take(&mut self, family: u8, attributes: Attributes<'_>, names: &mut Names) {
        let (mut table, mut chain, mut handle) = (None, None, None);
        for (attribute, value) in attributes {
            match attribute {
                RULE_TABLE => table = text(value),
                RULE_CHAIN => chain = text(value),
                RULE_HANDLE => handle = be64(value),
                _ => {}
            }
            if handle.is_some() && chain.is_some() && table.is_some() {
                break;
            }
        }
        let (Some(family), Some(table), Some(chain), Some(handle)) =
            (table_family(family), table, chain, handle)
        else {
            return;
        };
        if family == TableFamily::Inet && table == TABLE {
            return;
        }
        let chain = NftChain {
            family,
            table: names.get(table),
            chain: names.get(chain),
        };
        self.chains.entry(chain).or_default().push(handle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fwlab_fabric::netlink::Body;

    #[test]
    fn an_ordinal_is_a_place_not_a_handle() {
        let mut rules = NftRules::default();
        let mut names = Names::default();
        for (table, handle) in [("filter", 5), ("filter", 3), (TABLE, 1), ("filter", 4)] {
            let mut body = Body::default();
            body.text(RULE_TABLE, table)
                .text(RULE_CHAIN, "INPUT")
                .be64(RULE_HANDLE, handle);
            let family = if table == TABLE {
                family::INET
            } else {
                family::IPV4
            };
            rules.take(family, Attributes::new(&body.into_bytes()), &mut names);
        }
        let ordinal = |handle| rules.ordinal(TableFamily::Ip, "filter", "INPUT", handle);
        assert_eq!(ordinal(5), Some(RuleOrdinal(1)));
        assert_eq!(ordinal(4), Some(RuleOrdinal(3)));
        assert_eq!(ordinal(1), None);
        assert_eq!(rules.len(), 3);
    }
}
