use std::collections::BTreeMap;

use fwlab_host::MAX_SECTION;
use fwlab_judge::Stream;

/// What a run keeps for its bundle beside the records, by the places of the cells.
#[derive(Debug, Default)]
pub(in crate::command) struct Kept {
    /// What each cell's judge was told.
    pub(in crate::command) streams: BTreeMap<usize, Vec<Stream>>,
    pub(in crate::command) packets: KeptPackets,
}

/// The packets of cells, as pcapng.
#[derive(Debug, Default)]
pub(in crate::command) struct KeptPackets {
    files: BTreeMap<usize, Vec<u8>>,
    bytes: usize,
    left_out: usize,
}

impl KeptPackets {
    /// The most bytes of packets in one bundle, those of all cells together.
    const MOST: usize = 64 << 20;

    /// Keeps the packets of a cell, as far as a bundle has room for them.
    pub(in crate::command) fn add(&mut self, place: usize, file: Vec<u8>) {
        if file.len() > MAX_SECTION || self.bytes + file.len() > KeptPackets::MOST {
            self.left_out += 1;
            return;
        }
        self.bytes += file.len();
        self.files.insert(place, file);
    }

    /// Of how many cells they are.
    pub(super) fn count(&self) -> usize {
        self.files.len()
    }

    pub(super) fn into_files(self) -> BTreeMap<usize, Vec<u8>> {
        self.files
    }

    /// What is not there, in words.
    pub(super) fn left_out(&self) -> Option<String> {
        let (cells, cell, all) = (self.left_out, MAX_SECTION >> 20, KeptPackets::MOST >> 20);
        (cells > 0).then(|| {
            format!(
                "the packets of {cells} cells are left out: a bundle holds at most {all} MiB of packets, and \
                 {cell} MiB of one cell; `--capture DIR` writes all"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_left_out_and_told() {
        let mut packets = KeptPackets::default();
        packets.add(0, vec![0; 10]);
        assert_eq!(packets.left_out(), None);
        packets.add(1, vec![0; MAX_SECTION + 1]);
        for place in 2..6 {
            packets.add(place, vec![0; MAX_SECTION]);
        }
        let told = packets.left_out().expect("it is too much");
        assert!(
            told.starts_with("the packets of 2 cells are left out"),
            "{told}"
        );
        assert_eq!(packets.count(), 4);
    }
}
