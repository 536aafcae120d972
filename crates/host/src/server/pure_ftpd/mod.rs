//! Pure-FTPd: `pure-ftpd.conf`, a file for each setting as Debian's pure-ftpd-wrapper(8) reads them, or options, as
//! pure-ftpd(8) has them.

mod options;
mod own;
mod settings;

pub(super) use settings::{named, read};
