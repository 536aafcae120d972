use fwlab_record::Operation;

use crate::ListedFile;
use crate::wire::FactLine;

/// Reads the files out of a listing.
///
/// LIST has no format (RFC 959 section 4.1.3); what all servers of the field
/// have in common is that the name ends the line, and the lab's names have no
/// blanks. MLSD's is RFC 3659's.
pub(crate) fn listed_files(operation: Operation, listing: &str) -> Vec<ListedFile> {
    let lines = listing.lines().map(str::trim_end);
    match operation {
        Operation::Mlsd => lines
            .filter_map(|line| line.parse::<FactLine>().ok())
            .map(|line| ListedFile {
                size: line.size(),
                name: line.name,
            })
            .collect(),
        _ => lines
            .filter_map(|line| line.split_whitespace().next_back())
            .map(|name| ListedFile {
                name: name.into(),
                size: None,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats() {
        let list = "-rw-r--r--    1 0  0  300000 Jan 01 1970 file.bin\r\ntotal 3\r\n\r\n";
        let files = listed_files(Operation::List, list);
        assert_eq!(files[0].name, "file.bin");
        assert_eq!(files.len(), 2);
        let facts = "type=file;size=42; file.bin\r\nno facts\r\n";
        let files = listed_files(Operation::Mlsd, facts);
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].size, Some(42));
    }
}
