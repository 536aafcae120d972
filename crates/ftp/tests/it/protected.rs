use std::sync::Arc;

use fwlab_ftp::{
    Client, DataSourcePort, PeerName, Server, ServerSettings, Support, TransferSpec, client, server,
};
use fwlab_model::{DataSetup, Family, Operation, Protection};
use libtest_mimic::{Failed, Trial};

use crate::lab::{carries, pass, server_address, skipped, spec, trial};

const SERVERS: [PeerName; 2] = [PeerName::Libunftp, PeerName::Vsftpd];
const CLIENTS: [PeerName; 3] = [PeerName::Suppaftp, PeerName::Curl, PeerName::Lftp];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for server_name in SERVERS {
        for client_name in CLIENTS {
            let name = format!("protected/{server_name}/{client_name}");
            match (server(server_name), client(client_name)) {
                (Ok(server), Ok(client)) => trials.extend(matrix(&name, &server, &client)),
                (Err(missing), _) | (_, Err(missing)) => {
                    trials.push(skipped(name, &missing.to_string()));
                }
            }
        }
    }
    trials
}

/// The same transfer under a protection, at the port that goes with it.
pub(crate) fn protected(spec: TransferSpec, protection: Protection) -> TransferSpec {
    let mut spec = TransferSpec { protection, ..spec };
    if protection == Protection::Implicit {
        spec.server.set_port(990);
    }
    spec
}

/// Every protection × family × data setup × operation that both sides claim to support.
fn matrix(name: &str, server: &Arc<dyn Server>, client: &Arc<dyn Client>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for protection in [Protection::Explicit, Protection::Implicit] {
        for family in [Family::Ipv4, Family::Ipv6] {
            for &setup in DataSetup::ALL {
                for &operation in Operation::ALL {
                    let mut spec = protected(spec(setup, operation, 300_000), protection);
                    spec.server.set_ip(server_address(family));
                    let mut settings = ServerSettings::for_transfer(&spec);
                    if setup.is_active() && operation != Operation::Retr {
                        settings.data_source_port = DataSourcePort::Ephemeral;
                    }
                    let support = server
                        .supports(&spec, &settings)
                        .and(|| client.supports(&spec));
                    if support == Support::Yes && carries(setup, family) {
                        let name = format!("{name}/{protection}/{family}/{setup}/{operation}");
                        let (server, client) = (Arc::clone(server), Arc::clone(client));
                        trials.push(trial(name, move || passes(server, client, settings, spec)));
                    }
                }
            }
        }
    }
    trials
}

/// It passes, and the client can tell what was said, TLS or not.
async fn passes(
    server: Arc<dyn Server>,
    client: Arc<dyn Client>,
    settings: ServerSettings,
    spec: TransferSpec,
) -> Result<(), Failed> {
    let report = pass(&*server, &*client, &settings, &spec).await?;
    let progress = report.progress.ok_or("it has no record")?;
    assert!(progress.is_complete(), "{progress:?}");
    assert_eq!(progress.secured, spec.protection == Protection::Explicit);
    assert_eq!(report.final_reply, progress.completion);
    assert_eq!(report.announcements.len(), 1, "{:?}", report.announcements);
    assert_eq!(report.announcements[0].setup, spec.data_setup);
    Ok(())
}
