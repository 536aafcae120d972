use std::collections::BTreeMap;
use std::sync::Arc;

use fwlab_record::{CellRecord, Exit};

/// What settles records when every cell was run: until then, no report has them.
pub(super) trait Settle {
    /// Whether a record waits for that.
    fn waits(&self, record: &CellRecord) -> bool;

    /// Those that waited, by the number of their cells, as they are to be written.
    ///
    /// # Errors
    /// When that cannot be known: why was told, and they are written as they are.
    fn settled(
        &self,
        waiting: BTreeMap<usize, Arc<CellRecord>>,
    ) -> Result<BTreeMap<usize, Arc<CellRecord>>, Exit>;
}
