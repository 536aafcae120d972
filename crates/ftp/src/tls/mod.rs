//! TLS under FTP (RFC 4217): the server's certificate, and the configurations of
//! both sides.
//!
//! Which rules let TLS through is what is asked here, and never whom it is spoken
//! with: the clients check that the handshake is signed by the key of the
//! certificate that they are shown, and believe every certificate.

mod certificate;
mod client;
mod secrets;

pub(crate) use certificate::NAME;
pub use certificate::{Certificate, CertificateError};
pub(crate) use client::{connector, server_name};
pub use secrets::TlsSecrets;
