use fwlab_ftp::Certificate;

use crate::format::section::Kind;
use crate::format::value::{Found, Value};
use crate::read::source::{Beside, beside};

/// The certificate of a PEM file beside the scenario; a file that holds none is a mistake.
pub(crate) struct CertificateFile;

impl Value for CertificateFile {
    type Read = Certificate;
    const KIND: Kind = Kind::Text("text");

    fn read(mut found: Found<'_>) -> Option<Certificate> {
        let name = found.text()?;
        let Found { file, problems, .. } = found;
        let Beside { path, bytes, .. } = beside(&name, file, problems)?;
        match Certificate::from_pem(&String::from_utf8_lossy(&bytes)) {
            Ok(certificate) => Some(certificate),
            Err(error) => {
                problems.add_with_help(
                    name.span,
                    format!("{}: {error}", path.display()),
                    "remove it, and the lab makes a certificate and its key",
                );
                None
            }
        }
    }
}
