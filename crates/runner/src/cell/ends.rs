use std::net::SocketAddr;

use fwlab_scenario::plan::Cell;

use super::fault::Fault;

/// Where a cell's control connection goes to. Behind NAT the two are not the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct ControlEnds {
    /// What the client connects to.
    pub(super) connect_to: SocketAddr,
    /// What the server listens on.
    pub(super) listening: SocketAddr,
}

impl ControlEnds {
    pub(super) fn of(cell: &Cell) -> Result<ControlEnds, Fault> {
        let (scenario, family) = (&cell.scenario, cell.axes.family);
        let addresses = scenario.deployment.connect_to(family);
        let (connect_to, own) = addresses
            .zip(scenario.deployment.listens_on(family))
            .ok_or(Fault::NoAddress { family })?;
        Ok(ControlEnds {
            connect_to,
            listening: SocketAddr::new(own, scenario.server.control_port),
        })
    }
}
