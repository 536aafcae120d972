#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Backend, NodeName, RuleId};

/// How often a rule matched, of the packets of a cell whose way through the rules was traced: those that open or end a
/// connection, ICMP, the control connection's and the first of the others, with copies that the lab sent in TCP's place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Matched {
    /// The node whose rules these are.
    pub node: NodeName,
    /// The backend that the rule was loaded through.
    pub backend: Backend,
    /// Which rule.
    #[serde(flatten)]
    pub rule: RuleId,
    /// The line of the ruleset's source that the rule came from, 1 for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_line: Option<u32>,
    /// How often. A packet can match a rule of a chain more than once, where several rules lead there.
    pub times: u64,
}
