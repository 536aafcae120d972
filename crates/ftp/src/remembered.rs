use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Values that are made once for each key, for the process; a bounded number of them.
pub(crate) struct Remembered<K, V> {
    values: LazyLock<Mutex<HashMap<K, V>>>,
    most: usize,
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    pub(crate) const fn new(most: usize) -> Remembered<K, V> {
        Remembered {
            values: LazyLock::new(Mutex::default),
            most,
        }
    }

    /// The value of a key. It is made without the lock: by two at once, where two ask at once.
    pub(crate) fn get(&self, key: K, make: impl FnOnce() -> V) -> V {
        let values = || self.values.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = values().get(&key) {
            return value.clone();
        }
        let value = make();
        let mut values = values();
        if values.len() >= self.most {
            values.clear();
        }
        values.insert(key, value.clone());
        value
    }
}
