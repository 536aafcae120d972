//! Files that somebody names: scenarios, rulesets, certificates. The one reader of all of them.

use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use nix::fcntl::OFlag;
use nix::sys::statfs::{
    CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, FsType, PROC_SUPER_MAGIC,
    SECURITYFS_MAGIC, SYSFS_MAGIC, TRACEFS_MAGIC, fstatfs,
};

/// The most bytes that are read of one file or of standard input: 16 MiB, some 200,000 rules.
pub const MAX_INPUT: u64 = 16 << 20;

/// File systems whose files are the kernel's answers: some of them never end, or are used up by reading.
const OF_KERNEL: [FsType; 7] = [
    PROC_SUPER_MAGIC,
    SYSFS_MAGIC,
    DEBUGFS_MAGIC,
    TRACEFS_MAGIC,
    SECURITYFS_MAGIC,
    CGROUP_SUPER_MAGIC,
    CGROUP2_SUPER_MAGIC,
];

/// Why something that was named is not read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It is not there, or may not be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// It is a directory, a device, a pipe or a socket.
    #[error("it is {0}, and only plain files are read")]
    NotAFile(&'static str),
    /// It is a file of `/proc`, `/sys` and the like.
    #[error("the kernel makes its content up as it is read, and only plain files are read")]
    OfKernel,
    /// There is more of it than is read.
    #[error("it is larger than {} MiB, the most that is read", .0 >> 20)]
    TooLarge(u64),
}

/// Reads a plain file, and nothing else.
///
/// # Errors
/// When it cannot be read, is not a plain file, or is larger than [`MAX_INPUT`].
pub fn read_file(path: &Path) -> Result<Vec<u8>, InputError> {
    read_file_up_to(path, MAX_INPUT)
}

/// The same for a file that may have so many bytes.
///
/// # Errors
/// As [`read_file`].
pub fn read_file_up_to(path: &Path, most: u64) -> Result<Vec<u8>, InputError> {
    read_stream_up_to(open(path, most)?, most)
}

/// Reads a plain file that a scenario names, and tells whether it is in the scenario's folder or below it. A link
/// that leads out of there is not.
///
/// # Errors
/// As [`read_file`].
pub(crate) fn read_beside(path: &Path, folder: &Path) -> Result<(Vec<u8>, bool), InputError> {
    let file = open(path, MAX_INPUT)?;
    // Where the file is that was opened, and not where its name leads by now.
    let own = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let is_within = own.is_ok_and(|own| is_within(&own, folder));
    Ok((read_stream(file)?, is_within))
}

/// Whether what a path leads to is in a folder or below it.
pub fn is_within(path: &Path, folder: &Path) -> bool {
    let here = Path::new(".");
    let folder = if folder.as_os_str().is_empty() {
        here
    } else {
        folder
    };
    let real = |path: &Path| -> io::Result<PathBuf> { path.canonicalize() };
    matches!((real(path), real(folder)), (Ok(path), Ok(folder)) if path.starts_with(&folder))
}

/// A path without `folder/..` in it, as far as that can be told without the file system.
pub fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for component in path.components() {
        if component == Component::ParentDir
            && matches!(tidy.components().next_back(), Some(Component::Normal(_)))
        {
            tidy.pop();
        } else {
            tidy.push(component);
        }
    }
    tidy
}

/// Whether a path is that of a plain file that begins so, however large it is. What cannot be read does not.
pub fn begins_with(path: &Path, begin: &[u8]) -> bool {
    let mut read = Vec::new();
    let file = open(path, u64::MAX);
    file.is_ok_and(|file| {
        let length = begin.len() as u64;
        file.take(length).read_to_end(&mut read).is_ok() && read == begin
    })
}

/// Reads what is open already, as standard input is, to its end.
///
/// # Errors
/// When it cannot be read, or is larger than [`MAX_INPUT`].
pub fn read_stream(stream: impl Read) -> Result<Vec<u8>, InputError> {
    read_stream_up_to(stream, MAX_INPUT)
}

/// The same of what may have so many bytes.
///
/// # Errors
/// As [`read_stream`].
pub fn read_stream_up_to(stream: impl Read, most: u64) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    stream.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(InputError::TooLarge(most));
    }
    Ok(bytes)
}

fn open(path: &Path, most: u64) -> Result<File, InputError> {
    // To open a device can be an order to it.
    plain(&fs::metadata(path)?, most)?;
    let file = File::options()
        .read(true)
        .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).bits())
        .open(path)?;
    // It may be another thing by now: what was opened is looked at.
    plain(&file.metadata()?, most)?;
    let system = fstatfs(&file).map_err(io::Error::from)?;
    if OF_KERNEL.contains(&system.filesystem_type()) {
        return Err(InputError::OfKernel);
    }
    Ok(file)
}

fn plain(found: &Metadata, most: u64) -> Result<(), InputError> {
    match found.file_type() {
        kind if kind.is_file() && found.len() > most => Err(InputError::TooLarge(most)),
        kind if kind.is_file() => Ok(()),
        kind => Err(InputError::NotAFile(in_words(kind))),
    }
}

fn in_words(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_are_read() {
        for (path, words) in [
            ("/dev/zero", "a device"),
            ("/", "a directory"),
            ("/proc/self/status", "the kernel makes its content up"),
            ("/proc/kmsg", "the kernel makes its content up"),
            (
                "/sys/kernel/uevent_seqnum",
                "the kernel makes its content up",
            ),
        ] {
            let error = read_file(Path::new(path)).expect_err(path).to_string();
            let is_forbidden =
                error.contains("Permission denied") || error.contains("No such file");
            assert!(error.contains(words) || is_forbidden, "{path}: {error}");
        }
    }

    #[test]
    fn a_stream_without_end_is_read_to_the_limit() {
        let error = read_stream(io::repeat(b'x')).expect_err("it has no end");
        assert!(matches!(error, InputError::TooLarge(MAX_INPUT)), "{error}");
    }

    #[test]
    fn what_is_within_a_folder_is_known() {
        assert!(is_within(Path::new("Cargo.toml"), Path::new("")));
        assert!(is_within(Path::new("src/../Cargo.toml"), Path::new(".")));
        assert!(!is_within(Path::new("../../Cargo.toml"), Path::new("")));
        assert!(!is_within(Path::new("/etc/passwd"), Path::new("")));
    }
}
