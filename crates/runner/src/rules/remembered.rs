use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// How many rulesets a process remembers that it has proven. Those of most runs; and a process that lives
/// on does not grow with what it was once given.
const MOST: usize = 512;

/// The listings of rulesets that were proven to load: a test process with many labs proves each once.
pub(super) struct Remembered<K, V>(LazyLock<Mutex<HashMap<K, Arc<V>>>>);

impl<K: Eq + Hash, V> Remembered<K, V> {
    pub(super) const fn new() -> Remembered<K, V> {
        Remembered(LazyLock::new(Mutex::default))
    }

    pub(super) fn get(&self, key: &K) -> Option<Arc<V>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).cloned()
    }

    pub(super) fn insert(&self, key: K, listing: Arc<V>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, listing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_grow_for_ever() {
        static LISTINGS: Remembered<usize, usize> = Remembered::new();
        for number in 0..3 * MOST {
            LISTINGS.insert(number, Arc::new(number));
            assert_eq!(LISTINGS.get(&number).as_deref(), Some(&number));
        }
        let known = (0..3 * MOST).filter(|number| LISTINGS.get(number).is_some());
        assert!(known.count() <= MOST);
    }
}
