use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::{Mode, fchmod, mkdirat};

use crate::sys;

/// Files for a program: a file system in memory that is mounted nowhere. It has no
/// name that could be left behind, and is gone with its last handle and the last
/// program that it was given to, also on `kill -9`.
///
/// Clones are handles to the same files. All paths are relative to it; none can lead
/// out of it, whatever links the program made (`openat2(2)`, `RESOLVE_BENEATH` and
/// `RESOLVE_NO_SYMLINKS`).
#[derive(Debug, Clone)]
pub struct Scratch {
    tree: Arc<OwnedFd>,
    mount_point: &'static Path,
}

/// A scratch, or a file in it, was not to be had.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// The kernel gave no file system.
    #[error("no file system in memory for a program's files")]
    Create(#[source] io::Error),
    /// A file could not be reached, read or written.
    #[error("scratch file `{}`", path.display())]
    File {
        /// The path in the scratch.
        path: PathBuf,
        /// What the kernel says; `ELOOP` and `EXDEV` are a link or path that would lead out.
        source: io::Error,
    },
}

/// Where a program finds its files in a root of its own. In a container's, the directory must
/// be there: see [`Scratch::with_mount_point`].
pub(crate) const MOUNT_POINT: &str = "/files";

impl Scratch {
    /// An empty one that holds at most so many bytes.
    ///
    /// # Errors
    /// When the kernel gives none.
    pub fn new(limit_bytes: u64) -> Result<Scratch, ScratchError> {
        let tree = sys::detached_tmpfs(limit_bytes).map_err(ScratchError::Create)?;
        Ok(Scratch {
            tree: Arc::new(tree),
            mount_point: Path::new(MOUNT_POINT),
        })
    }

    /// The same files, for a program that finds them there. The directory must be in its
    /// root, and is hidden.
    #[must_use]
    pub fn with_mount_point(mut self, directory: &'static Path) -> Scratch {
        self.mount_point = directory;
        self
    }

    /// A directory in the root of another process, as if it were a scratch: a container's.
    /// Not to be given to a program.
    ///
    /// # Errors
    /// When there is no such process or directory, or this process may not look at it.
    pub fn of_process(pid: u32, directory: &Path) -> Result<Scratch, ScratchError> {
        let failed = |errno: nix::errno::Errno| file_error(directory)(errno.into());
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = format!("/proc/{pid}/root");
        let root = open(root.as_str(), flags, Mode::empty()).map_err(failed)?;
        // What a link in there says is meant in there.
        let how = OpenHow::new()
            .flags(flags)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        let tree = openat2(root, directory, how).map_err(failed)?;
        Ok(Scratch {
            tree: Arc::new(tree),
            // It is mounted for no program.
            mount_point: Path::new("/"),
        })
    }

    /// Where a program finds its files.
    pub fn mount_point(&self) -> &'static Path {
        self.mount_point
    }

    /// Writes a file (mode 644, whatever this process's umask), in place of what it held.
    ///
    /// # Errors
    /// When the path leads out or through a link, or the space is used up.
    pub fn write(&self, path: impl AsRef<Path>, content: &[u8]) -> Result<(), ScratchError> {
        self.write_from(path, content).map(drop)
    }

    /// Writes a file from a reader, and returns how many bytes it had.
    ///
    /// # Errors
    /// As [`Scratch::write`], and what the reader says.
    pub fn write_from(
        &self,
        path: impl AsRef<Path>,
        mut content: impl Read,
    ) -> Result<u64, ScratchError> {
        let path = path.as_ref();
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC;
        let mode = Mode::from_bits_truncate(0o644);
        let file = self.at(path, flags, mode)?;
        // Made with less where this process's umask says so.
        fchmod(file.as_fd(), mode).map_err(|errno| file_error(path)(errno.into()))?;
        let mut file = File::from(file);
        let copied = io::copy(&mut content, &mut file);
        copied
            .and_then(|bytes| file.flush().map(|()| bytes))
            .map_err(file_error(path))
    }

    /// A file's content.
    ///
    /// # Errors
    /// When the path leads out or through a link, or is no readable file.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Vec<u8>, ScratchError> {
        let path = path.as_ref();
        let mut content = Vec::new();
        let read = self.open(path)?.read_to_end(&mut content);
        read.map_err(file_error(path))?;
        Ok(content)
    }

    /// A file opened for reading. A FIFO that the program made does not hold this up.
    ///
    /// # Errors
    /// When the path leads out or through a link, or is no readable file.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<File, ScratchError> {
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let file = self.at(path.as_ref(), flags, Mode::empty())?;
        Ok(File::from(file))
    }

    /// Makes a directory with that mode, whatever this process's umask.
    ///
    /// # Errors
    /// When it is there, its parent is not, or the path leads out or through a link.
    pub fn create_dir(&self, path: impl AsRef<Path>, mode: u32) -> Result<(), ScratchError> {
        let path = path.as_ref();
        let mode = Mode::from_bits_truncate(mode);
        let directory = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
        let name = path
            .file_name()
            .ok_or_else(|| file_error(path)(io::ErrorKind::InvalidInput.into()))?;
        let made = match path.parent().filter(|parent| *parent != Path::new("")) {
            Some(parent) => {
                let parent = self.at(parent, directory, Mode::empty())?;
                mkdirat(parent.as_fd(), name, mode)
            }
            None => mkdirat(self.tree.as_fd(), name, mode),
        };
        made.map_err(|errno| file_error(path)(errno.into()))?;
        let made = self.at(path, directory, Mode::empty())?;
        fchmod(made.as_fd(), mode).map_err(|errno| file_error(path)(errno.into()))
    }

    /// Changes a file's or directory's mode.
    ///
    /// # Errors
    /// When the path leads out or through a link, or is not there.
    pub fn set_mode(&self, path: impl AsRef<Path>, mode: u32) -> Result<(), ScratchError> {
        let path = path.as_ref();
        let file = self.at(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK, Mode::empty())?;
        fchmod(file.as_fd(), Mode::from_bits_truncate(mode))
            .map_err(|errno| file_error(path)(errno.into()))
    }

    /// The mount, for a program that is about to start.
    pub(crate) fn tree(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.tree)
    }

    fn at(&self, path: &Path, flags: OFlag, mode: Mode) -> Result<OwnedFd, ScratchError> {
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(file_error(path)(io::ErrorKind::InvalidInput.into()));
        }
        let how = OpenHow::new()
            .flags(flags | OFlag::O_CLOEXEC)
            .mode(mode)
            .resolve(
                ResolveFlag::RESOLVE_BENEATH
                    | ResolveFlag::RESOLVE_NO_SYMLINKS
                    | ResolveFlag::RESOLVE_NO_MAGICLINKS
                    | ResolveFlag::RESOLVE_NO_XDEV,
            );
        openat2(self.tree.as_fd(), path, how).map_err(|errno| file_error(path)(errno.into()))
    }
}

fn file_error(path: &Path) -> impl Fn(io::Error) -> ScratchError {
    let path = path.to_owned();
    move |source| ScratchError::File {
        path: path.clone(),
        source,
    }
}
