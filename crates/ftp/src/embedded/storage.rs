use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use unftp_core::auth::UserDetail;
use unftp_core::storage::{
    Error, ErrorKind, FEATURE_RESTART, Fileinfo, Metadata, Result, StorageBackend,
};

use crate::content::PIECE;
use crate::{Content, Digest, Stored, StoredFile};

/// The files of an embedded server, in memory. What is there at the start is
/// made when it is read; of what is sent, length and hash are kept and the bytes
/// are not: nothing reads them again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Storage(Arc<Mutex<BTreeMap<String, File>>>);

#[derive(Debug, Clone)]
enum File {
    Stored(Stored),
    Sent {
        size: u64,
        hasher: Box<blake3::Hasher>,
    },
}

impl File {
    fn size(&self) -> u64 {
        match self {
            File::Stored(stored) => stored.size,
            File::Sent { size, .. } => *size,
        }
    }

    fn hasher(&self) -> Box<blake3::Hasher> {
        match self {
            File::Stored(stored) => {
                let mut hasher = Box::<blake3::Hasher>::default();
                stored.content.feed(0..stored.size, &mut hasher);
                hasher
            }
            File::Sent { hasher, .. } => hasher.clone(),
        }
    }
}

impl Storage {
    /// A storage that holds this file, or none.
    pub(crate) fn holding(stored: Option<Stored>) -> Storage {
        let files = stored
            .into_iter()
            .map(|stored| (stored.content.name().to_owned(), File::Stored(stored)))
            .collect();
        Storage(Arc::new(Mutex::new(files)))
    }

    /// What is held under a name.
    pub(crate) fn stored(&self, name: &str) -> Option<StoredFile> {
        let files = self.files();
        let file = files.get(name)?;
        Some(StoredFile {
            size: file.size(),
            digest: match file {
                File::Stored(stored) => stored.content.digest(0..stored.size),
                File::Sent { hasher, .. } => Digest::of(hasher),
            },
        })
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, File>> {
        // Nothing panics between two writes to the map: it is whole even then.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, path: &Path) -> Result<File> {
        self.files()
            .get(&key(path))
            .cloned()
            .ok_or_else(|| Error::from(ErrorKind::PermanentFileNotAvailable))
    }

    fn content(&self, path: &Path) -> Result<Stored> {
        match self.find(path)? {
            File::Stored(stored) => Ok(stored),
            File::Sent { .. } => Err(Error::new(
                ErrorKind::PermanentFileNotAvailable,
                io::Error::other("the bytes of a file that was sent are not kept"),
            )),
        }
    }
}

/// The names of the files: there are no directories but the root.
fn key(path: &Path) -> String {
    path.to_string_lossy().trim_start_matches('/').to_owned()
}

fn is_root(path: &Path) -> bool {
    matches!(key(path).as_str(), "" | "." | "./")
}

/// A file's, or the root's, metadata.
#[derive(Debug, Clone)]
pub(crate) struct Meta {
    size: u64,
    directory: bool,
}

impl Metadata for Meta {
    fn len(&self) -> u64 {
        self.size
    }

    fn is_dir(&self) -> bool {
        self.directory
    }

    fn is_file(&self) -> bool {
        !self.directory
    }

    fn is_symlink(&self) -> bool {
        false
    }

    fn modified(&self) -> Result<SystemTime> {
        Ok(SystemTime::UNIX_EPOCH)
    }

    fn gid(&self) -> u32 {
        0
    }

    fn uid(&self) -> u32 {
        0
    }
}

fn not_offered() -> Error {
    Error::from(ErrorKind::CommandNotImplemented)
}

#[async_trait]
impl<User: UserDetail> StorageBackend<User> for Storage {
    type Metadata = Meta;

    fn supported_features(&self) -> u32 {
        FEATURE_RESTART
    }

    async fn metadata<P: AsRef<Path> + Send + Debug>(&self, _: &User, path: P) -> Result<Meta> {
        if is_root(path.as_ref()) {
            return Ok(Meta {
                size: 0,
                directory: true,
            });
        }
        let file = self.find(path.as_ref())?;
        Ok(Meta {
            size: file.size(),
            directory: false,
        })
    }

    async fn list<P: AsRef<Path> + Send + Debug>(
        &self,
        _: &User,
        path: P,
    ) -> Result<Vec<Fileinfo<PathBuf, Meta>>> {
        let wanted = (!is_root(path.as_ref())).then(|| key(path.as_ref()));
        Ok(self
            .files()
            .iter()
            .filter(|(name, _)| wanted.as_ref().is_none_or(|wanted| wanted == *name))
            .map(|(name, file)| Fileinfo {
                path: PathBuf::from(name),
                metadata: Meta {
                    size: file.size(),
                    directory: false,
                },
            })
            .collect())
    }

    async fn get<P: AsRef<Path> + Send + Debug>(
        &self,
        _: &User,
        path: P,
        start_pos: u64,
    ) -> Result<Box<dyn AsyncRead + Send + Sync + Unpin>> {
        let stored = self.content(path.as_ref())?;
        Ok(Box::new(Cursor::new(
            stored.content.bytes(start_pos..stored.size),
        )))
    }

    /// RETR, without the 8 KiB steps that libunftp copies a reader in.
    async fn get_into<'a, P, W: ?Sized>(
        &self,
        _: &User,
        path: P,
        start_pos: u64,
        output: &'a mut W,
    ) -> Result<u64>
    where
        W: AsyncWrite + Unpin + Sync + Send,
        P: AsRef<Path> + Send + Debug,
    {
        let Stored { content, size } = self.content(path.as_ref())?;
        send_range(&content, start_pos.min(size)..size, output).await
    }

    async fn put<P, R>(&self, _: &User, mut input: R, path: P, start_pos: u64) -> Result<u64>
    where
        P: AsRef<Path> + Send + Debug,
        R: AsyncRead + Send + Sync + Unpin + 'static,
    {
        let mut hasher = match start_pos {
            0 => Box::default(),
            start => {
                let file = self.find(path.as_ref())?;
                if file.size() != start {
                    return Err(not_offered());
                }
                file.hasher()
            }
        };
        let mut piece = vec![0; PIECE];
        let mut taken = 0;
        let end = loop {
            match input.read(&mut piece).await {
                Ok(0) => break Ok(taken),
                Ok(length) => {
                    hasher.update(&piece[..length]);
                    taken += length as u64;
                }
                Err(error) => break Err(Error::from(error)),
            }
        };
        // What came before a connection broke is there, as on a disk.
        let size = start_pos + taken;
        self.files()
            .insert(key(path.as_ref()), File::Sent { size, hasher });
        end
    }

    async fn del<P: AsRef<Path> + Send + Debug>(&self, _: &User, _: P) -> Result<()> {
        Err(not_offered())
    }

    async fn mkd<P: AsRef<Path> + Send + Debug>(&self, _: &User, _: P) -> Result<()> {
        Err(not_offered())
    }

    async fn rename<P: AsRef<Path> + Send + Debug>(&self, _: &User, _: P, _: P) -> Result<()> {
        Err(not_offered())
    }

    async fn rmd<P: AsRef<Path> + Send + Debug>(&self, _: &User, _: P) -> Result<()> {
        Err(not_offered())
    }

    async fn cwd<P: AsRef<Path> + Send + Debug>(&self, _: &User, path: P) -> Result<()> {
        if is_root(path.as_ref()) {
            Ok(())
        } else {
            Err(Error::from(ErrorKind::PermanentDirectoryNotAvailable))
        }
    }
}

/// Makes a range and writes it, piece by piece.
async fn send_range<W: AsyncWrite + Unpin + ?Sized>(
    content: &Content,
    range: std::ops::Range<u64>,
    output: &mut W,
) -> Result<u64> {
    let total = range.end - range.start;
    let mut piece = vec![0; PIECE.min(usize::try_from(total).unwrap_or(PIECE))];
    let mut at = range.start;
    while at < range.end {
        let wanted = piece.len().min((range.end - at) as usize);
        let made = content.fill(at, &mut piece[..wanted]);
        output
            .write_all(&piece[..made])
            .await
            .map_err(Error::from)?;
        at += made as u64;
    }
    Ok(total)
}
