use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::machine::most_neighbours;

/// Raises this process's limit of open files to what it is allowed, and returns the
/// limit. A lab with many cells at once holds some twenty descriptors for each.
///
/// # Errors
/// When the kernel refuses; the old limit then stands.
pub fn raise_open_file_limit() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

/// How many cells may be run at a time, so that this process's limit of open files holds them, and the machine's table
/// of neighbours: so many as are asked for, or fewer.
pub fn cells_at_a_time(wanted: usize) -> usize {
    let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    fitting(wanted, files, most_neighbours())
}

/// So many cells as there are open files and neighbours for.
fn fitting(wanted: usize, files: u64, neighbours: u64) -> usize {
    /// Three nodes with their observers take some forty; what is not a cell's, a few dozen.
    const FILES_OF_A_CELL: u64 = 40;
    const FILES_OF_ALL: u64 = 64;
    /// Three nodes have four of each family, and those of cells that are over are there for a while. Measured with 1024:
    /// full with 512 cells, and not with 160.
    const NEIGHBOURS_OF_A_CELL: u64 = 6;
    let by_files = files.saturating_sub(FILES_OF_ALL) / FILES_OF_A_CELL;
    let fitting = by_files.min(neighbours / NEIGHBOURS_OF_A_CELL);
    usize::try_from(fitting)
        .map_or(wanted, |fitting| wanted.min(fitting))
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_cells_than_the_machine_holds() {
        assert_eq!(fitting(24, 1 << 20, 1024), 24);
        assert_eq!(fitting(512, 1 << 20, 1024), 170);
        assert_eq!(fitting(512, 1 << 20, 8192), 512);
        assert_eq!(fitting(64, 1024, 1024), 24);
        assert_eq!(fitting(64, 10, 0), 1);
    }
}
