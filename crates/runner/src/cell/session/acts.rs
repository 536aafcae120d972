//! What the lab does in a session: sends again, ends what is dead, has everything traced.

use std::time::Instant;

use fwlab_judge::{ConnectionId, What as Reported};
use fwlab_record::Flow;

use super::Session;
use crate::cell::fault::Fault;

impl Session<'_> {
    /// Sends again what was stopped, as TCP would in a second or so: what becomes of it then is what the cell's outcome
    /// rests on.
    pub(in crate::cell) async fn send_again(&mut self) -> Result<(), Fault> {
        if !self.early {
            return Ok(());
        }
        let wanted: Vec<ConnectionId> = self.tracker.wanted_again().collect();
        for id in wanted {
            let known = self.sent.of(self.tracker.flows(id));
            let (Some((node, packet)), Some(flow)) = (
                known.and_then(|(node, packet)| Some((self.fabric.node(node)?, packet.clone()))),
                self.tracker.known_as(id),
            ) else {
                continue;
            };
            let seen = self.seen(Instant::now());
            self.tell(seen, node.name(), Reported::SentAgain { flow });
            self.timeline.sent_again(seen, node.name(), &packet.packet);
            node.send_again(packet.bytes).await?;
        }
        Ok(())
    }

    /// Ends the connections that the rules have stopped, so that whoever waits for one
    /// goes on as after a timeout. Tells whether the cell is decided.
    pub(in crate::cell) async fn end_dead_connections(&mut self) -> Result<bool, Fault> {
        if !self.early {
            return Ok(self.tracker.flood().is_some());
        }
        let in_vain: Vec<_> = self.tracker.in_vain().collect();
        for one in in_vain {
            if let Some(flow) = self.tracker.known_as(one.id) {
                let seen = self.seen(Instant::now());
                let client = self.tracker.terms().client.clone();
                self.tell(seen, &client, Reported::Ended { flow });
            }
            // Behind a translating gateway each end knows the connection by another flow.
            for flow in self.tracker.flows(one.id).to_vec() {
                self.end(flow).await?;
                if !one.opening {
                    self.end(flow.reversed()).await?;
                }
            }
        }
        Ok(self.tracker.is_decided())
    }

    async fn end(&mut self, flow: Flow) -> Result<(), Fault> {
        let Some(node) = self
            .tracker
            .owner_of(flow.from.ip())
            .and_then(|owner| self.fabric.node(owner))
        else {
            return Ok(());
        };
        if node.destroy_tcp(flow).await? {
            let seen = self.seen(Instant::now());
            self.timeline.ended(seen, node.name(), flow);
        }
        Ok(())
    }

    /// Nothing was reported for a while, and the client waits: from now on every
    /// packet is traced, so that a retransmission that is dropped is seen.
    pub(in crate::cell) async fn stalled(&mut self) -> Result<(), Fault> {
        if !std::mem::replace(&mut self.tracing_everything, true) {
            for observer in self.observers.values() {
                observer.trace_everything().await?;
            }
        }
        Ok(())
    }
}
