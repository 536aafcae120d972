use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

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

/// How many cells may be run at a time, so that this process's limit of open files holds them:
/// so many as are asked for, or fewer.
pub fn cells_at_a_time(wanted: usize) -> usize {
    /// Three nodes with their observers take some forty; what is not a cell's, a few dozen.
    const OF_A_CELL: u64 = 40;
    const OF_ALL: u64 = 64;
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    let fitting = limit.saturating_sub(OF_ALL) / OF_A_CELL;
    usize::try_from(fitting)
        .map_or(wanted, |fitting| wanted.min(fitting))
        .max(1)
}
