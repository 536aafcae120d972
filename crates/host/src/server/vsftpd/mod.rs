//! `vsftpd.conf`: `option=value`, as vsftpd.conf(5) has it.

mod own;
mod settings;

pub(super) use settings::read;
