use std::fs::{self, File, Metadata};
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{major, minor};

use super::format::is_report;

/// As much of a file as is looked at to tell whether it is a report.
const PREFIX: u64 = 4096;

/// `/dev/null`, by its major and minor number.
const NULL: (u64, u64) = (1, 3);

/// Opening waits for nobody, and takes no terminal.
const AT_ONCE: OFlag = OFlag::O_NONBLOCK.union(OFlag::O_NOCTTY);

/// The file of a report: found to be writable before the run, and left as it is until then.
#[derive(Debug)]
pub struct ReportFile {
    path: PathBuf,
    file: File,
    /// Where it was made for the report, and nothing is in it yet.
    is_new: bool,
}

/// A report cannot go where it was asked to go.
#[derive(Debug, thiserror::Error)]
pub enum ReportFileError {
    /// The file cannot be made or opened.
    #[error("cannot write {}: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The run reads the file.
    #[error("{} is read by this run, so a report would overwrite it", path.display())]
    Input {
        /// The file.
        path: PathBuf,
    },
    /// Something else is in the file.
    #[error("{} exists and is not a report of fwlab, so fwlab does not overwrite it", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It is a directory, a device or a socket.
    #[error("{} is not a file, so no report is written there", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// Something else is written to the file.
    #[error("{} and {other} would be written to the same file", path.display())]
    Shared {
        /// The file.
        path: PathBuf,
        /// The other.
        other: String,
    },
}

impl ReportFileError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            ReportFileError::Unwritable { .. } => {
                "name a file in a folder that exists and that you may write to"
            }
            ReportFileError::Foreign { .. } => {
                "name a file that does not exist yet, or move this one away or delete it"
            }
            ReportFileError::Input { .. }
            | ReportFileError::NotAFile { .. }
            | ReportFileError::Shared { .. } => {
                "name a different file for each report: --report json=report.json"
            }
        }
    }
}

/// Files that must not be written to, and what each is.
#[derive(Debug, Default)]
pub struct Taken(Vec<(Identity, Option<String>)>);

/// Device and inode: what a file is, whatever it is called.
type Identity = (u64, u64);

fn identity(found: &Metadata) -> Identity {
    (found.dev(), found.ino())
}

impl Taken {
    /// What a run reads: these files, as far as they exist, and standard input. And what it prints
    /// to, where that is a file.
    pub fn by_run<'a>(inputs: impl IntoIterator<Item = &'a Path>) -> Taken {
        let standard_input = Path::new("/dev/stdin");
        let inputs = inputs.into_iter().chain([standard_input]);
        // Of standard input that is a terminal, a pipe or /dev/null nothing can be overwritten.
        let inputs = inputs.filter_map(|path| fs::metadata(path).ok().filter(Metadata::is_file));
        let mut taken: Vec<_> = inputs.map(|found| (identity(&found), None)).collect();
        if let Ok(found) = fs::metadata("/dev/stdout")
            && found.is_file()
        {
            taken.push((identity(&found), Some("standard output".into())));
        }
        Taken(taken)
    }

    /// And a file that something else than a report is written to.
    pub fn and(&mut self, path: &Path, what: &str) {
        if let Ok(found) = fs::metadata(path) {
            self.0.push((identity(&found), Some(what.to_owned())));
        }
    }
}

impl ReportFile {
    /// Opens a file for a report, and makes it where there is none. What is in it stays until
    /// `ReportFile::begin`.
    ///
    /// # Errors
    /// When it cannot be written, or is anything else than an empty file or an older report.
    pub fn open(path: &Path, taken: &mut Taken) -> Result<ReportFile, ReportFileError> {
        let unwritable = |source| ReportFileError::Unwritable {
            path: path.to_owned(),
            source,
        };
        let found = match fs::metadata(path) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unwritable(error)),
        };
        if let Some(found) = &found
            && !found.is_file()
        {
            return Self::open_stream(path, found);
        }
        // It may be another thing by now: what was opened is looked at.
        let opened = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(AT_ONCE.bits())
            .open(path);
        let file = opened.map_err(unwritable)?;
        let mut report = ReportFile {
            path: path.to_owned(),
            file,
            is_new: found.is_none(),
        };
        report.look(taken)?;
        Ok(report)
    }

    /// A pipe, a terminal or `/dev/null`: nothing is in there that could be overwritten.
    fn open_stream(path: &Path, found: &Metadata) -> Result<ReportFile, ReportFileError> {
        let unwritable = |source| ReportFileError::Unwritable {
            path: path.to_owned(),
            source,
        };
        let none = || ReportFileError::NotAFile {
            path: path.to_owned(),
        };
        let kind = found.file_type();
        if !kind.is_fifo() && !kind.is_char_device() {
            return Err(none());
        }
        let opened = File::options()
            .write(true)
            .custom_flags(AT_ONCE.bits())
            .open(path);
        let file = opened.map_err(unwritable)?;
        let device = (major(found.rdev()), minor(found.rdev()));
        if kind.is_char_device() && device != NULL && !file.is_terminal() {
            return Err(none());
        }
        // From here on, writing waits for the reader.
        let waits = fcntl(&file, FcntlArg::F_SETFL(OFlag::empty()));
        waits.map_err(|errno| unwritable(errno.into()))?;
        Ok(ReportFile {
            path: path.to_owned(),
            file,
            is_new: false,
        })
    }

    /// Looks at what was opened.
    fn look(&mut self, taken: &mut Taken) -> Result<(), ReportFileError> {
        let path = self.path.clone();
        let found = match self.file.metadata() {
            Ok(found) => found,
            Err(source) => return Err(ReportFileError::Unwritable { path, source }),
        };
        if !found.is_file() {
            return Err(ReportFileError::NotAFile { path });
        }
        let own = identity(&found);
        if let Some((_, other)) = taken.0.iter().find(|(identity, _)| *identity == own) {
            return Err(match other.clone() {
                Some(other) => ReportFileError::Shared { path, other },
                None => ReportFileError::Input { path },
            });
        }
        let mut prefix = Vec::new();
        let read = (&self.file).take(PREFIX).read_to_end(&mut prefix);
        if let Err(source) = read {
            return Err(ReportFileError::Unwritable { path, source });
        }
        if !prefix.is_empty() && !is_report(&prefix) {
            return Err(ReportFileError::Foreign { path });
        }
        taken.0.push((own, Some(path.display().to_string())));
        Ok(())
    }

    /// Takes away what is in it: a report begins.
    ///
    /// # Errors
    /// When the file cannot be written any more.
    pub(super) fn begin(mut self) -> io::Result<Begun> {
        self.is_new = false;
        let file = self.file.try_clone()?;
        if file.metadata()?.is_file() {
            file.set_len(0)?;
            (&file).seek(SeekFrom::Start(0))?;
        }
        Ok(Begun {
            file,
            path: self.path.clone(),
        })
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        // No report has begun: the file was made for nothing. What somebody has put there since
        // is not ours.
        if self.is_new
            && let (Ok(own), Ok(there)) = (self.file.metadata(), fs::symlink_metadata(&self.path))
            && identity(&own) == identity(&there)
            && own.len() == 0
        {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The file of a report that has begun.
#[derive(Debug)]
pub(super) struct Begun {
    file: File,
    path: PathBuf,
}

impl Begun {
    /// Writes more of the report.
    ///
    /// # Errors
    /// When that fails, with the file's name.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let written = (&self.file).write_all(bytes);
        written.map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", self.path.display()))
        })
    }
}
