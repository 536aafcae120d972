use std::path::Path;

use fwlab_ftp::Certificate;

use super::problem::Problems;
use super::read_source::{Origin, tidy};
use super::reader::{At, Reader};

/// The certificate of a PEM file beside the scenario; a file that holds none is a mistake.
pub(super) fn certificate(
    table: &Reader<'_>,
    key: &'static str,
    file: &Origin<'_>,
    problems: &mut Problems,
) -> Option<Certificate> {
    let At { value, span } = table.text(key, problems)?;
    let path = tidy(&file.path.parent().unwrap_or(Path::new("")).join(value));
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) => {
            problems.add_with_help(
                span,
                format!("cannot read {}: {error}", path.display()),
                "the path is relative to the scenario file",
            );
            return None;
        }
    };
    match Certificate::from_pem(&String::from_utf8_lossy(&text)) {
        Ok(certificate) => Some(certificate),
        Err(error) => {
            problems.add_with_help(
                span,
                format!("{}: {error}", path.display()),
                "leave it out, and the lab makes a certificate and its key",
            );
            None
        }
    }
}
