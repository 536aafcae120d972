use std::time::Duration;

use fwlab_record::{ConntrackState, EventId, Flow, NodeName, Packet, Way, ms};
use serde::{Deserialize, Serialize};

use super::stop::{Doubted, StoppedBy};

/// Something that was reported of a cell, or that the lab did to it: what the judge knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its place among all events of the cell. Evidence and outcome name it by this.
    pub id: EventId,
    /// When the lab heard of it, since the client was started, in microseconds.
    #[serde(rename = "ms", with = "ms")]
    pub at: Duration,
    /// Where.
    pub node: NodeName,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What can be reported, and what the lab can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    /// The node's TCP made a packet that opens a connection; no rule has seen it yet.
    Sent {
        /// The packet.
        packet: Packet,
    },
    /// A packet went over an interface of the node.
    Captured {
        /// In or out.
        way: Way,
        /// The packet.
        packet: Packet,
        /// Whether it went to where nobody is.
        #[serde(default, skip_serializing_if = "is_false")]
        swallowed: bool,
        /// What it carried, where it is the control connection's.
        #[serde(default, skip_serializing_if = "Vec::is_empty", with = "payload")]
        payload: Vec<u8>,
    },
    /// A rule, a policy or a helper stopped a packet.
    Stopped {
        /// What stopped it.
        by: StoppedBy,
        /// Whether the sender is told.
        #[serde(default, skip_serializing_if = "is_false")]
        rejects: bool,
        /// The packet.
        packet: Packet,
        /// What conntrack called it, where the kernel says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<ConntrackState>,
        /// What may decide otherwise the next time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        doubt: Option<Doubted>,
    },
    /// A packet was handed to something that may stop it. Until it goes on, it is taken for stopped.
    HandedOn {
        /// The packet's number at the node.
        number: u64,
        /// The rule that handed it on.
        by: StoppedBy,
        /// The packet.
        packet: Packet,
        /// What may decide otherwise the next time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        doubt: Option<Doubted>,
    },
    /// A packet that was handed on took another step.
    WentOn {
        /// Its number at the node.
        number: u64,
    },
    /// A rule gave a connection another destination.
    Translated {
        /// The rule.
        by: StoppedBy,
        /// The connection's first packet, as it was before.
        packet: Packet,
    },
    /// Conntrack changed what it knows of a connection: that it is there, or its mark.
    Tracked {
        /// The connection, from the side that opened it.
        flow: Flow,
        /// Whether it came or went, rather than changed.
        #[serde(default, skip_serializing_if = "is_false")]
        is_new: bool,
        /// Its mark.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mark: Option<u32>,
    },
    /// Conntrack expects something else than before. Which connection that is for nobody can tell.
    Expected,
    /// Something stopped a packet, or may have, that cannot be read.
    Unread {
        /// What, in words.
        why: String,
    },
    /// Events were lost.
    Lost,
    /// The lab sent a connection's SYN again, in TCP's place.
    SentAgain {
        /// The connection.
        flow: Flow,
    },
    /// The lab ended a connection that waits in vain.
    Ended {
        /// The connection.
        flow: Flow,
    },
}

fn is_false(value: &bool) -> bool {
    !value
}

/// Bytes as a string of the characters that have their numbers: nearly all of FTP is readable so.
mod payload {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        let text: String = bytes.iter().copied().map(char::from).collect();
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = text.chars().map(u8::try_from).collect::<Result<_, _>>();
        bytes.map_err(serde::de::Error::custom)
    }
}
