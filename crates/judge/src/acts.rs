//! What the lab may do in place of the peers' timers: send a stopped SYN again, and end what waits in vain.

use fwlab_record::Flow;

use super::connections::ConnectionId;
use super::failure::ConnectionFailure;
use super::tracker::SessionTracker;

/// A connection that nobody will be told of the end of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InVain {
    /// The connection.
    pub id: ConnectionId,
    /// Whether it is still being opened: then one side alone has a socket.
    pub opening: bool,
}

impl SessionTracker {
    /// Whether the lab may act on what it knows by now.
    fn may_act(&self) -> bool {
        !self.lost && self.unread.is_none()
    }

    /// The connections of which the lab shall send the SYN again, in TCP's place: what becomes of it then is what the cell's
    /// outcome rests on.
    pub fn wanted_again(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        let connections = self.connections.iter().filter(|_| self.may_act());
        connections
            .filter(|(id, connection)| {
                connection.track.wants_syn_again(self.opener(*id)) && self.role(*id).is_watched()
            })
            .map(|(id, _)| id)
    }

    /// The connections that the rules have stopped for good, and that the lab has not ended yet.
    pub fn in_vain(&self) -> impl Iterator<Item = InVain> + '_ {
        let failures = self.failures().filter(|_| self.may_act());
        failures
            .filter(|(id, role, failure)| {
                self.is_final(*id, failure) && role.is_watched() && !self.ended.contains(id)
            })
            .map(|(id, _, failure)| InVain {
                id,
                opening: failure.opening,
            })
    }

    /// Whether the cell's outcome is known, and waiting would change nothing of it.
    pub fn is_decided(&self) -> bool {
        // Nobody waits for a server without end, whatever its patience.
        self.flood().is_some()
            || self.may_act()
                && self
                    .deciding()
                    .is_some_and(|(id, _, failure)| self.is_final(id, &failure))
    }

    /// A flow by which a connection is known.
    pub fn known_as(&self, id: ConnectionId) -> Option<Flow> {
        self.flows(id).first().copied()
    }

    /// Whether nobody will be told of a connection's end, however long is waited.
    fn is_final(&self, id: ConnectionId, failure: &ConnectionFailure) -> bool {
        // What is stopped of the control connection when the final reply was read is the goodbye.
        let is_goodbye = self.control() == Some(id) && self.is_complete();
        failure.settled && !failure.heard && !is_goodbye && !self.may_yet_speak(id, failure)
    }

    /// Whether a peer that pauses may go on, and say what changes what conntrack makes of the rest. One that waits for its
    /// connection to open does not.
    fn may_yet_speak(&self, id: ConnectionId, failure: &ConnectionFailure) -> bool {
        let waiting = self.opener(id).filter(|_| failure.opening);
        let mut pausing = self.terms.pausing.iter();
        pausing.any(|node| Some(node) != waiting)
    }
}
