//! TLS under FTP (RFC 4217): the server's certificate, the configurations of both
//! sides, and the layer that a control connection puts on and takes off.
//!
//! Which rules let TLS through is what is asked here, and never whom it is spoken
//! with: the clients check that the handshake is signed by the key of the
//! certificate that they are shown, and believe every certificate.

mod certificate;
mod client;
mod ended;
mod layer;
mod record_wise;
mod secrets;

pub(crate) use certificate::NAME;
pub use certificate::{Certificate, CertificateError};
pub(crate) use client::{connector, server_name};
pub(crate) use ended::Ended;
pub(crate) use layer::{Layer, Tls};
pub use secrets::TlsSecrets;
