use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::Digest;
use crate::remembered::Remembered;

/// The length of the pieces that content is made and moved in.
pub(crate) const PIECE: usize = 256 * 1024;

/// How many bytes of a content are kept, from its first on: of most files, all.
const KEPT: usize = 64 * 1024;

/// The digests of ranges that were asked for, by the seed: more than a matrix has contents.
static DIGESTS: Remembered<(blake3::Hash, u64, u64), Digest> = Remembered::new(1024);

/// The first bytes of the contents that were asked for, by their seed.
static FIRST: Remembered<blake3::Hash, Arc<[u8]>> = Remembered::new(64);

/// What a file holds, as a function of its name and size.
///
/// Next to nothing is stored: any range of it can be made again, at some GB/s, so
/// that a hundred cells that move 100 MiB each hold a hundred pieces and no more.
///
/// It is the endless output that BLAKE3 gives for the name and the size: no range
/// of it is like another.
#[derive(Clone)]
pub struct Content {
    name: String,
    size: u64,
    seed: blake3::Hash,
    bytes: blake3::OutputReader,
    /// The first of them.
    first: Arc<[u8]>,
}

/// Two contents are equal when their names and sizes are: the rest follows.
impl PartialEq for Content {
    fn eq(&self, other: &Content) -> bool {
        self.size == other.size && self.name == other.name
    }
}

impl Eq for Content {}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("name", &self.name)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Why there is no such content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The name would mean something to a server, a client, or a shell.
    #[error(
        "`{0}` is not a file name: 1 to 64 of a-z, A-Z, 0-9, `.`, `_` and `-`, a letter or digit first"
    )]
    Name(String),
    /// The size is over [`Content::MAX_SIZE`].
    #[error("{size} bytes are more than the {max} that a file may have", max = Content::MAX_SIZE)]
    Size {
        /// The size asked for, in bytes.
        size: u64,
    },
}

impl Content {
    /// The largest size, in bytes: 100 MiB.
    pub const MAX_SIZE: u64 = 100 << 20;

    /// The content of a file with this name and size in bytes.
    ///
    /// # Errors
    ///
    /// When the name is not 1 to 64 letters, digits, `.`, `_` and `-` with a
    /// letter or digit first, or the size is over [`Content::MAX_SIZE`].
    pub fn new(name: impl Into<String>, size: u64) -> Result<Content, ContentError> {
        let name = name.into();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let valid = (1..=64).contains(&name.len())
            && name.bytes().all(plain)
            && name.starts_with(|first: char| first.is_ascii_alphanumeric());
        if !valid {
            return Err(ContentError::Name(name));
        }
        if size > Content::MAX_SIZE {
            return Err(ContentError::Size { size });
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(name.as_bytes()).update(&size.to_le_bytes());
        let seed = hasher.finalize();
        let bytes = hasher.finalize_xof();
        let first = FIRST.get(seed, || {
            let mut first = vec![0; usize::try_from(size).unwrap_or(KEPT).min(KEPT)];
            bytes.clone().fill(&mut first);
            first.into()
        });
        Ok(Content {
            name,
            size,
            seed,
            bytes,
            first,
        })
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where the second half begins: what APPE appends and REST asks for.
    pub fn half(&self) -> u64 {
        self.size / 2
    }

    /// Writes the bytes from `offset` on into `buffer`, as far as the content
    /// goes; gives their number.
    pub fn fill(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = left.min(buffer.len());
        let first = usize::try_from(offset)
            .ok()
            .and_then(|at| self.first.get(at..));
        let first = first.unwrap_or_default();
        let (kept, made) = buffer[..length].split_at_mut(first.len().min(length));
        kept.copy_from_slice(&first[..kept.len()]);
        if !made.is_empty() {
            let mut bytes = self.bytes.clone();
            bytes.set_position(offset + kept.len() as u64);
            bytes.fill(made);
        }
        length
    }

    /// The bytes of a range, in memory. For small ranges and for files that a
    /// program reads.
    pub fn bytes(&self, range: Range<u64>) -> Vec<u8> {
        let length = range.end.min(self.size).saturating_sub(range.start);
        let mut bytes = vec![0; usize::try_from(length).expect("at most 100 MiB")];
        self.fill(range.start, &mut bytes);
        bytes
    }

    /// The bytes of a range, as a reader makes them.
    pub fn reader(&self, range: Range<u64>) -> ContentReader {
        ContentReader {
            content: self.clone(),
            left: range,
        }
    }

    /// The digest of a range; made once for each content and range.
    pub fn digest(&self, range: Range<u64>) -> Digest {
        DIGESTS.get((self.seed, range.start, range.end), || {
            let mut hasher = blake3::Hasher::new();
            self.feed(range, &mut hasher);
            Digest::of(&hasher)
        })
    }

    /// Hashes a range, piece by piece.
    pub(crate) fn feed(&self, range: Range<u64>, hasher: &mut blake3::Hasher) {
        let end = range.end.min(self.size);
        let mut at = range.start;
        let mut piece =
            vec![0; PIECE.min(usize::try_from(end.saturating_sub(at)).unwrap_or(PIECE))];
        while at < end {
            let wanted = piece.len().min((end - at) as usize);
            let made = self.fill(at, &mut piece[..wanted]);
            hasher.update(&piece[..made]);
            at += made as u64;
        }
    }
}

/// Reads a range of a content.
#[derive(Debug, Clone)]
pub struct ContentReader {
    content: Content,
    left: Range<u64>,
}

impl io::Read for ContentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.left.end.saturating_sub(self.left.start));
        let room = left.unwrap_or(usize::MAX).min(buffer.len());
        let made = self.content.fill(self.left.start, &mut buffer[..room]);
        self.left.start += made as u64;
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_and_sizes() {
        for name in ["", "-x", ".x", "a b", "a/b", "a\n", "ü", &"a".repeat(65)] {
            assert!(Content::new(name, 1).is_err(), "{name:?}");
        }
        assert!(Content::new("a-b_c.1", Content::MAX_SIZE).is_ok());
        assert!(Content::new("a", Content::MAX_SIZE + 1).is_err());
    }

    #[test]
    fn name_and_size_make_the_content() {
        let digest = |name, size| {
            let content = Content::new(name, size).unwrap();
            content.digest(0..size)
        };
        assert_eq!(digest("a", 1000), digest("a", 1000));
        assert_ne!(digest("a", 1000), digest("b", 1000));
        assert_ne!(digest("a", 1000), digest("a", 1001));
        assert_eq!(digest("a", 0), Digest::of_bytes(b""));
    }

    /// Bytes that are in the wrong place are wrong bytes.
    #[test]
    fn no_block_is_like_another() {
        let content = Content::new("blocks", 1 << 20).unwrap();
        let bytes = content.bytes(0..1 << 20);
        let words: Vec<&[u8]> = bytes.chunks_exact(8).collect();
        let different: std::collections::HashSet<&&[u8]> = words.iter().collect();
        assert_eq!(different.len(), words.len());
    }

    proptest! {
        #[test]
        fn a_range_is_a_cut_of_the_whole(
            size in prop_oneof![0_u64..3000, 32_000_u64..70_000],
            start in 0_u64..70_000,
            length in 0_u64..40_000,
        ) {
            let content = Content::new("cut", size).unwrap();
            let whole = content.bytes(0..size);
            let start = start.min(size);
            let end = (start + length).min(size);
            prop_assert_eq!(&content.bytes(start..end), &whole[start as usize..end as usize]);
            let mut read = Vec::new();
            io::Read::read_to_end(&mut content.reader(start..end), &mut read).unwrap();
            prop_assert_eq!(&read, &whole[start as usize..end as usize]);
            let mut hasher = blake3::Hasher::new();
            hasher.update(&whole[start as usize..end as usize]);
            prop_assert_eq!(content.digest(start..end), Digest::of(&hasher));
        }
    }
}
