use std::collections::BTreeMap;
use std::net::SocketAddr;

use fwlab_ftp::deviation::{Asked, Deviation, ruled_out};
use fwlab_ftp::{Client, Content, DataSourcePort, Login, Server, ServerSettings, TransferSpec};
use fwlab_record::{DataSetup, Family, Operation, Protection};

use crate::patience::CLIENT_TIMEOUTS;

/// What a peer can do, found out by asking it for everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abilities {
    /// The data setups of each family.
    pub setups: BTreeMap<Family, Vec<DataSetup>>,
    /// The protections, in some data setup.
    pub protections: Vec<Protection>,
    /// The operations, in some data setup.
    pub operations: Vec<Operation>,
    /// Where a server's active data connections can come from; empty for a client.
    pub data_source_ports: Vec<DataSourcePort>,
}

/// A transfer that a peer is asked about.
#[derive(Debug, Clone, Copy)]
struct Question {
    asked: Asked,
    source: DataSourcePort,
}

impl Abilities {
    pub(crate) fn of_server(server: &dyn Server, known: &[Deviation]) -> Abilities {
        let can = |question: &Question| {
            let spec = transfer(&question.asked, server.login());
            let settings = ServerSettings {
                data_source_port: question.source,
                ..ServerSettings::for_transfer(&spec)
            };
            let support = server.supports(&spec, &settings);
            support
                .and(|| ruled_out(server.name(), &question.asked, known))
                .is_yes()
        };
        let mut abilities = Abilities::of(&can);
        let from = |source: &DataSourcePort| {
            let mut active = questions(Protection::Plain, Operation::Retr)
                .filter(|question| question.asked.data.is_active());
            active.any(|question| question.source == *source && can(&question))
        };
        abilities.data_source_ports = SOURCES.into_iter().filter(from).collect();
        abilities
    }

    pub(crate) fn of_client(client: &dyn Client, known: &[Deviation]) -> Abilities {
        Abilities::of(&|question: &Question| {
            let spec = transfer(&question.asked, Login::Anonymous);
            let support = client.supports(&spec);
            support
                .and(|| ruled_out(client.name(), &question.asked, known))
                .is_yes()
        })
    }

    fn of(can: &dyn Fn(&Question) -> bool) -> Abilities {
        let plain = || questions(Protection::Plain, Operation::Retr).filter(can);
        let setups = Family::ALL.iter().map(|&family| {
            let of_family = plain().filter(|question| question.asked.family == family);
            let mut setups: Vec<DataSetup> =
                of_family.map(|question| question.asked.data).collect();
            setups.dedup();
            (family, setups)
        });
        let protected =
            |protection: &Protection| questions(*protection, Operation::Retr).any(|one| can(&one));
        let done =
            |operation: &Operation| questions(Protection::Plain, *operation).any(|one| can(&one));
        Abilities {
            setups: setups.collect(),
            protections: Protection::ALL.iter().copied().filter(protected).collect(),
            operations: Operation::ALL.iter().copied().filter(done).collect(),
            data_source_ports: Vec::new(),
        }
    }
}

const SOURCES: [DataSourcePort; 2] = [DataSourcePort::Twenty, DataSourcePort::Ephemeral];

/// Every data setup in every family, from either port.
fn questions(protection: Protection, operation: Operation) -> impl Iterator<Item = Question> {
    Family::ALL.iter().flat_map(move |&family| {
        DataSetup::ALL.iter().flat_map(move |&data| {
            SOURCES.into_iter().map(move |source| Question {
                asked: Asked {
                    data,
                    family,
                    protection,
                    operation,
                    unresumed: false,
                },
                source,
            })
        })
    })
}

fn transfer(asked: &Asked, login: Login) -> TransferSpec {
    let address = match asked.family {
        Family::Ipv4 => "10.77.0.1:21",
        Family::Ipv6 => "[fd77::1]:21",
    };
    let server: SocketAddr = address.parse().expect("the address is a constant");
    let content = Content::new("fwlab.bin", 1000).expect("the content is small");
    TransferSpec {
        login,
        protection: asked.protection,
        operation: asked.operation,
        ..TransferSpec::retr(server, asked.data, content, CLIENT_TIMEOUTS)
    }
}
