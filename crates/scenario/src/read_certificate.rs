use fwlab_ftp::Certificate;

use super::problem::Problems;
use super::read_source::{Content, Origin, beside, tidy};
use super::reader::{At, Reader};

/// The certificate of a PEM file beside the scenario; a file that holds none is a mistake.
pub(super) fn certificate(
    table: &Reader<'_>,
    key: &'static str,
    file: &Origin<'_>,
    problems: &mut Problems,
) -> Option<Certificate> {
    let At { value, span } = table.text(key, problems)?;
    let Content::Read((path, text, _)) = beside(&value, span.clone(), file, problems)? else {
        return None;
    };
    match Certificate::from_pem(&String::from_utf8_lossy(&text)) {
        Ok(certificate) => Some(certificate),
        Err(error) => {
            problems.add_with_help(
                span,
                format!("{}: {error}", tidy(&path).display()),
                "leave it out, and the lab makes a certificate and its key",
            );
            None
        }
    }
}
