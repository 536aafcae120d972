use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};

/// The BLAKE3 hash of bytes; how content is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of all that a hasher was given.
    pub(crate) fn of(hasher: &blake3::Hasher) -> Digest {
        Digest(*hasher.finalize().as_bytes())
    }

    /// The digest of bytes in memory.
    pub fn of_bytes(bytes: &[u8]) -> Digest {
        Digest(*blake3::hash(bytes).as_bytes())
    }
}

/// The first eight bytes in hexadecimal digits: enough for people to see that
/// two differ.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How many digests are remembered: more than a matrix has contents.
const REMEMBERED: usize = 1024;

type Key = (blake3::Hash, u64, u64);

/// A digest that is made once for each key; the lock is not held while it is made.
pub(crate) fn cached_digest(key: Key, make: impl FnOnce() -> Digest) -> Digest {
    static CACHE: LazyLock<Mutex<HashMap<Key, Digest>>> = LazyLock::new(Mutex::default);
    let lock = || CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(digest) = lock().get(&key) {
        return *digest;
    }
    let digest = make();
    let mut cache = lock();
    if cache.len() >= REMEMBERED {
        cache.clear();
    }
    cache.insert(key, digest);
    digest
}
