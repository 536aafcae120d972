use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use fwlab_record::CellRecord;

use super::About;
use super::file::Begun;
use super::format::Report;

/// Makes the text of a report of all cells, which stand in the order of the plan.
pub(super) type Written = fn(&[&CellRecord], &About) -> io::Result<String>;

/// A report that is written as a whole, when every cell is known.
#[derive(Debug)]
pub(super) struct Gathered {
    file: Begun,
    about: Arc<About>,
    records: BTreeMap<usize, Arc<CellRecord>>,
    written: Written,
}

impl Gathered {
    /// A report that this function makes the text of.
    pub(super) fn report(file: Begun, about: &Arc<About>, written: Written) -> Box<dyn Report> {
        Box::new(Gathered {
            file,
            about: Arc::clone(about),
            records: BTreeMap::new(),
            written,
        })
    }
}

impl Report for Gathered {
    fn add(&mut self, index: usize, record: &Arc<CellRecord>) -> io::Result<()> {
        self.records.insert(index, Arc::clone(record));
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        let records: Vec<&CellRecord> = self.records.values().map(Arc::as_ref).collect();
        let text = (self.written)(&records, &self.about)?;
        self.file.write(text.as_bytes())
    }
}
