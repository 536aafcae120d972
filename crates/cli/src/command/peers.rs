use std::fmt::Write as _;

use clap::Args;
use console::measure_text_width;
use fwlab_ftp::DEVIATIONS;
use fwlab_ftp::deviation::Deviation;
use fwlab_ftp::{DataSourcePort, PeerMissing};
use fwlab_record::{DataSetup, Exit, Family, PeerName};
use fwlab_runner::{Abilities, PeerRegistry, Present, Run};

use super::containers::Where;
use super::exit::{complain, print};

/// The arguments of `list peers`.
#[derive(Debug, Args)]
pub(super) struct PeersArguments {
    #[command(flatten)]
    place: Where,
    /// Print only the deviations, as they stand in docs/peers.md
    #[arg(long)]
    deviations: bool,
}

/// Prints what each peer is and can do, and what it does otherwise than the rest.
pub(super) fn peers(arguments: &PeersArguments) -> Exit {
    if arguments.deviations {
        print(page());
        return Exit::Good;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format!("the runtime did not start: {error}"), None);
            return Exit::Lab;
        }
    };
    let placement = arguments.place.placement();
    let named = PeerName::ALL.iter().copied();
    let named = named.filter(|peer| !peer.is_scripted());
    let (inventory, abilities) = runtime.block_on(async {
        let registry = PeerRegistry::of(named.map(|peer| (peer, placement)).collect(), None).await;
        let inventory = registry.inventory();
        let abilities: Vec<Option<Abilities>> = inventory
            .iter()
            .map(|found| registry.abilities(peer_of(found)))
            .collect();
        drop(registry);
        if let Err(unsettled) = Run::settle().await {
            complain(unsettled, None);
        }
        (inventory, abilities)
    });
    let rows: Vec<[String; COLUMNS]> = inventory
        .iter()
        .zip(&abilities)
        .filter_map(|(found, abilities)| Some(row(found.as_ref().ok()?, abilities.as_ref()?)))
        .collect();
    let mut text = table(&rows);
    text += "scripted-server and scripted-client do what their script says.\n";
    for missing in inventory.iter().filter_map(|found| found.as_ref().err()) {
        let _ = writeln!(text, "{missing}");
    }
    text += "\nHow they differ from the rest (docs/peers.md has reasons and sources):\n";
    let width = DEVIATIONS
        .iter()
        .map(|one| one.word.len())
        .max()
        .unwrap_or(0);
    for one in DEVIATIONS {
        let _ = writeln!(text, "  {:9}  {:width$}  {}", one.peer, one.word, one.what);
    }
    print(text);
    Exit::Good
}

fn peer_of(found: &Result<Present, PeerMissing>) -> PeerName {
    match found {
        Ok(present) => present.peer,
        Err(missing) => missing.peer,
    }
}

const COLUMNS: usize = 8;

const HEADS: [&str; COLUMNS] = [
    "peer",
    "version",
    "where",
    "over IPv4",
    "over IPv6",
    "protections",
    "active from",
    "deviations",
];

fn row(present: &Present, abilities: &Abilities) -> [String; COLUMNS] {
    let Present {
        peer,
        version,
        place,
    } = present;
    let over = |family: Family| {
        let setups = abilities.setups.get(&family);
        let setups = setups.map_or(&[][..], Vec::as_slice);
        if setups == DataSetup::ALL {
            "all".to_owned()
        } else {
            words(setups.iter().map(|setup| setup.word()))
        }
    };
    let sources = abilities.data_source_ports.iter().map(|port| match port {
        DataSourcePort::Twenty => "20",
        DataSourcePort::Ephemeral => "any",
    });
    let place = if peer.is_embedded() {
        "in the lab"
    } else {
        place.word()
    };
    let own = DEVIATIONS.iter().filter(|one| one.peer == *peer).count();
    [
        peer.to_string(),
        version.clone(),
        place.to_owned(),
        over(Family::Ipv4),
        over(Family::Ipv6),
        words(abilities.protections.iter().map(|one| one.word())),
        words(sources),
        if own == 0 {
            "–".into()
        } else {
            own.to_string()
        },
    ]
}

fn words<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    if words.is_empty() {
        "–".into()
    } else {
        words.join(",")
    }
}

fn table(rows: &[[String; COLUMNS]]) -> String {
    let heads = HEADS.map(str::to_owned);
    let all = || std::iter::once(&heads).chain(rows);
    let widths: Vec<usize> = (0..COLUMNS)
        .map(|column| {
            all()
                .map(|row| measure_text_width(&row[column]))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in all() {
        let mut line = String::new();
        for (part, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{part:width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// The deviations as Markdown.
fn page() -> String {
    let mut page = String::new();
    let mut peer = None;
    for one in DEVIATIONS {
        if peer.replace(one.peer) != Some(one.peer) {
            let _ = write!(
                page,
                "\n### {}\n\n| deviation | what it does | reason and source |\n| --- | --- | --- |\n",
                one.peer
            );
        }
        let Deviation {
            word,
            what,
            reason,
            source,
            ..
        } = one;
        let _ = writeln!(page, "| `{word}` | {what} | {reason} ({source}) |");
    }
    page
}
