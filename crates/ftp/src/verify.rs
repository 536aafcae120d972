use fwlab_record::Operation;

use crate::{Digest, StoredFile, TransferSpec, Transferred};

/// A transfer that came to a good end, with the wrong bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Another number of bytes.
    #[error("{got} bytes instead of {expected}")]
    Size {
        /// The number that there should be.
        expected: u64,
        /// The number that there is.
        got: u64,
    },
    /// Other bytes, as many.
    #[error("the bytes differ: digest {got} instead of {expected}")]
    Bytes {
        /// The digest that there should be.
        expected: Digest,
        /// The digest that there is.
        got: Digest,
    },
    /// The server does not hold the file that was sent.
    #[error("the server does not hold `{name}`")]
    NotStored {
        /// The file's name.
        name: String,
    },
    /// The listing does not name the file.
    #[error("the listing does not name `{name}`, but {names:?}")]
    NotListed {
        /// The file's name.
        name: String,
        /// The names that are there.
        names: Vec<String>,
    },
    /// The listing gives no size for the file where it must.
    #[error("the listing gives no size for `{name}`")]
    NoSize {
        /// The file's name.
        name: String,
    },
    /// What was done is not what was asked.
    #[error("the client did something other than {0}")]
    Operation(Operation),
}

impl TransferSpec {
    /// Whether what a client transferred is what it should be. For an upload,
    /// `stored` is what the server holds afterwards; for anything else it is
    /// not looked at.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn verify(
        &self,
        transferred: &Transferred,
        stored: Option<StoredFile>,
    ) -> Result<(), Mismatch> {
        let moved = self.moved();
        let name = self.content.name();
        match (self.operation, transferred) {
            (Operation::Retr | Operation::Rest, Transferred::Received { bytes, digest }) => {
                same_size(moved.end - moved.start, *bytes)?;
                same_bytes(self.content.digest(moved), *digest)
            }
            (Operation::Stor | Operation::Appe, Transferred::Sent { bytes }) => {
                same_size(moved.end - moved.start, *bytes)?;
                let stored = stored.ok_or_else(|| Mismatch::NotStored { name: name.into() })?;
                same_size(self.content.size(), stored.size)?;
                same_bytes(self.content.digest(0..self.content.size()), stored.digest)
            }
            (Operation::List | Operation::Mlsd, Transferred::Listed { files }) => {
                let Some(file) = files.iter().find(|file| file.name == name) else {
                    return Err(Mismatch::NotListed {
                        name: name.into(),
                        names: files
                            .iter()
                            .map(|file| file.name.clone())
                            .take(16)
                            .collect(),
                    });
                };
                match (self.operation, file.size) {
                    (Operation::Mlsd, None) => Err(Mismatch::NoSize { name: name.into() }),
                    (Operation::Mlsd, Some(size)) => same_size(self.content.size(), size),
                    _ => Ok(()),
                }
            }
            _ => Err(Mismatch::Operation(self.operation)),
        }
    }
}

fn same_size(expected: u64, got: u64) -> Result<(), Mismatch> {
    if expected == got {
        Ok(())
    } else {
        Err(Mismatch::Size { expected, got })
    }
}

fn same_bytes(expected: Digest, got: Digest) -> Result<(), Mismatch> {
    if expected == got {
        Ok(())
    } else {
        Err(Mismatch::Bytes { expected, got })
    }
}
