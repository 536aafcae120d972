use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::ServerSessionMemoryCache;
use tokio_rustls::rustls::{self, ServerConfig};

/// How many TLS sessions an embedded server remembers.
const SESSIONS: usize = 256;

/// What a server proves itself with: a certificate, those of its issuers, and its
/// private key. Clones are the same one.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    pem: String,
    configuration: ServerConfig,
}

/// A text is no certificate that a server could use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// There is no certificate in it.
    #[error(
        "a TLS file that is not a certificate: it must hold a PEM section `BEGIN CERTIFICATE`, \
         the server's own before its issuers'"
    )]
    NoCertificate,
    /// There is no private key in it.
    #[error(
        "a TLS file without a key: besides the certificate, it must hold a PEM section \
         `BEGIN PRIVATE KEY`, not encrypted"
    )]
    NoKey,
    /// A section of it is broken.
    #[error("a TLS file that is not PEM text: {why}")]
    NoPem {
        /// What is wrong.
        why: String,
    },
    /// Certificate and key are there, and cannot be used together.
    #[error("a TLS file that cannot be used: {why}")]
    Unfit {
        /// What is wrong.
        why: String,
    },
}

impl Certificate {
    /// The lab's own, made in memory once a process: self-signed, with an ECDSA key
    /// on the curve P-256, since a handshake with such a key costs least.
    pub fn of_the_lab() -> Certificate {
        static OWN: OnceLock<Certificate> = OnceLock::new();
        OWN.get_or_init(|| {
            let made = rcgen::generate_simple_self_signed([NAME.to_owned()])
                .expect("a name and a fresh key make a certificate");
            let text = made.cert.pem() + &made.signing_key.serialize_pem();
            Certificate::from_pem(&text).expect("what was just made can be read")
        })
        .clone()
    }

    /// Reads one from PEM text (RFC 7468): certificates, the server's own first,
    /// and its private key, in any order.
    ///
    /// # Errors
    ///
    /// What is missing or wrong.
    pub fn from_pem(text: &str) -> Result<Certificate, CertificateError> {
        let broken = |error: pem::Error| CertificateError::NoPem {
            why: error.to_string(),
        };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(broken)?;
        if chain.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        let key = match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
            Ok(key) => key,
            Err(pem::Error::NoItemsFound) => return Err(CertificateError::NoKey),
            Err(error) => return Err(broken(error)),
        };
        let configuration = configuration(chain, key).map_err(|error| CertificateError::Unfit {
            why: error.to_string(),
        })?;
        Ok(Certificate(Arc::new(Inner {
            pem: text.to_owned(),
            configuration,
        })))
    }

    /// The PEM text, key and all.
    pub fn pem(&self) -> &str {
        &self.0.pem
    }

    /// A configuration for one server: its sessions are its own.
    pub(crate) fn server_configuration(&self) -> Arc<ServerConfig> {
        let mut configuration = self.0.configuration.clone();
        configuration.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        Arc::new(configuration)
    }
}

/// Two are the same when their texts are.
impl PartialEq for Certificate {
    fn eq(&self, other: &Certificate) -> bool {
        self.0.pem == other.0.pem
    }
}

impl Eq for Certificate {}

/// The name in the lab's certificate, and the one that the embedded client asks for.
pub(crate) const NAME: &str = "fwlab";

fn configuration(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
}

/// The key is not shown.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_labs_own_can_be_read_again() {
        let own = Certificate::of_the_lab();
        assert!(Certificate::from_pem(own.pem()).is_ok());
        assert!(!format!("{own:?}").contains("KEY"));
    }

    #[test]
    fn what_is_no_certificate_says_so() {
        let own = Certificate::of_the_lab();
        let key_at = own.pem().find("-----BEGIN PRIVATE KEY").unwrap();
        let (certificate, key) = own.pem().split_at(key_at);
        let error = |text: &str| Certificate::from_pem(text).unwrap_err();
        assert_eq!(error(""), CertificateError::NoCertificate);
        assert_eq!(error("*filter\nCOMMIT\n"), CertificateError::NoCertificate);
        assert_eq!(error(key), CertificateError::NoCertificate);
        assert_eq!(error(certificate), CertificateError::NoKey);
        assert!(
            error("")
                .to_string()
                .starts_with("a TLS file that is not a certificate")
        );
        let cut = certificate.replace("-----END CERTIFICATE-----", "");
        assert!(matches!(error(&cut), CertificateError::NoPem { .. }));
        let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let mixed = certificate.to_owned() + &other;
        assert!(matches!(error(&mixed), CertificateError::Unfit { .. }));
        let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let nonsense = nonsense.to_owned() + key;
        assert!(matches!(error(&nonsense), CertificateError::Unfit { .. }));
        // In any order.
        assert!(Certificate::from_pem(&(key.to_owned() + certificate)).is_ok());
    }
}
