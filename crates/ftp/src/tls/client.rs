use std::sync::{Arc, OnceLock};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{self, ClientConfig, DigitallySignedStruct, SignatureScheme};

use super::{NAME, TlsSecrets};

/// What the embedded client speaks TLS with in one FTP session: what it remembers of
/// a TLS session is known to its own connections alone, and to those only when it
/// may be used again. Its secrets are told to who wants them.
pub(crate) fn connector(session_reuse: bool, secrets: Option<&TlsSecrets>) -> TlsConnector {
    let mut configuration = shared().clone();
    if let Some(secrets) = secrets {
        configuration.key_log = Arc::new(secrets.clone());
    }
    configuration.resumption = if session_reuse {
        // One control connection, and the tickets of its data connections.
        Resumption::in_memory_sessions(8)
    } else {
        Resumption::disabled()
    };
    TlsConnector::from(Arc::new(configuration))
}

/// The server's name, by which TLS sessions are remembered.
pub(crate) fn server_name() -> ServerName<'static> {
    ServerName::try_from(NAME).expect("it is a name")
}

fn shared() -> &'static ClientConfig {
    static SHARED: OnceLock<ClientConfig> = OnceLock::new();
    SHARED.get_or_init(|| {
        let provider = Arc::new(ring::default_provider());
        ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring speaks both versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(EveryCertificate(provider)))
            .with_no_client_auth()
    })
}

/// Believes every certificate, and none that the server has no key for.
#[derive(Debug)]
struct EveryCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for EveryCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
