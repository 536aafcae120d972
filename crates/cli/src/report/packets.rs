//! The packets of each cell, as Wireshark opens them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use fwlab_record::{CellRecord, Packet};
use fwlab_runner::{Direction, Frame, Packets};

use super::causes::cause_in_short;
use super::folder::{FolderError, empty, file_name, with_path};
use super::matrix::Shown;
use super::pcapng::{Pcapng, Way};

/// Writes a pcapng file a cell.
#[derive(Debug)]
pub struct PacketFolder {
    folder: PathBuf,
}

impl PacketFolder {
    /// A folder that is there and empty; made where it is not.
    ///
    /// # Errors
    /// When it cannot be made, or something is in it.
    pub fn open(folder: &Path) -> Result<PacketFolder, FolderError> {
        empty(folder).map(|folder| PacketFolder { folder })
    }

    /// Adds the packets of a cell, as [`pcapng`] gives them.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn add(&mut self, record: &CellRecord, pcapng: &[u8]) -> io::Result<()> {
        let name = record.axes.to_string();
        let cell = name.strip_prefix(&record.axes.scenario).unwrap_or(&name);
        let cell = cell.trim_start_matches(':').replace("::", "-");
        let path = file_name(&format!("{}/{cell}", record.axes.scenario), "pcapng");
        let path = self.folder.join(path);
        // Two scenarios may have names that make one file's.
        let new = || {
            let mut free = (1..1000).filter_map(|number| made_new(&path, number));
            free.next().unwrap_or_else(|| File::create_new(&path))
        };
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        let made = made.and_then(|()| new());
        made.and_then(|mut file| io::Write::write_all(&mut file, pcapng))
            .map_err(|error| with_path(&path, &error))
    }
}

/// A file that was not there; nothing where it was.
fn made_new(path: &Path, number: u32) -> Option<io::Result<File>> {
    let path = match number {
        1 => path.to_owned(),
        number => path.with_extension(format!("{number}.pcapng")),
    };
    match File::create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
        made => Some(made),
    }
}

/// The packets of a cell: an interface a node, what decided in a comment, and the secrets of TLS.
pub fn pcapng(record: &CellRecord, packets: &Packets) -> Vec<u8> {
    let name = &record.axes;
    let outcome = record.judgement.outcome();
    let mut about = format!("{name}: {}", Shown::of(&record.judgement).words());
    let because = outcome.map(|outcome| cause_in_short(&outcome.cause));
    if let Some(because) = because.as_ref().filter(|because| !because.is_empty()) {
        about += &format!("; {because}");
    }
    if packets.beyond > 0 {
        about += &format!("; {} bytes more were not kept", packets.beyond);
    }
    let mut file = Pcapng::begin(&about);
    for node in &packets.nodes {
        file.interface(node.as_str());
    }
    if !packets.tls_secrets.is_empty() {
        file.tls_secrets(&packets.tls_secrets);
    }
    let decides = outcome.and_then(|outcome| outcome.cause.packet());
    let deciding = decides.and_then(|packet| deciding(packets, outcome?.cause.node(), packet));
    for (at, frame) in packets.frames.iter().enumerate() {
        let place = packets.nodes.iter().position(|node| *node == *frame.node);
        let way = match frame.direction {
            Direction::In => Way::In,
            Direction::Out => Way::Out,
        };
        let comment = because.as_deref().filter(|_| deciding == Some(at));
        file.packet(
            place.unwrap_or_default(),
            frame.at,
            &frame.bytes,
            way,
            comment,
        );
    }
    file.end()
}

/// The frame in which a packet was seen that decided: the last one, at the node where it did if it was seen there.
fn deciding(
    packets: &Packets,
    node: Option<&fwlab_record::NodeName>,
    packet: &Packet,
) -> Option<usize> {
    let is_it = |frame: &Frame| frame.packet().as_ref() == Some(packet);
    let frames = || packets.frames.iter();
    let here = frames().rposition(|frame| Some(&*frame.node) == node && is_it(frame));
    here.or_else(|| frames().rposition(is_it))
}
