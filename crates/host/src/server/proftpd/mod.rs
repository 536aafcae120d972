//! `proftpd.conf`: directives in sections, as ProFTPD's reference has them (1.3.8: mod_core, mod_auth, mod_tls).

mod includes;
mod own;
mod sections;
mod settings;

pub(super) use includes::not_included;
pub(super) use settings::read;
