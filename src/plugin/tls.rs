//! Mutual TLS as go-plugin means it: a certificate of ours for this one process, and of the client's exactly the one in
//! `PLUGIN_CLIENT_CERT`.
//!
//! The client's certificate is a self-signed P-521 *authority* (go-plugin `mtls.go`). webpki refuses an authority as a leaf, and
//! a backend without P-521 makes Go send no certificate at all; so the certificate is pinned byte for byte, and only
//! the proof of its key is left to the crypto backend. Its dates are not looked at: it was made for this process a moment ago.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme, version,
};

/// What the server needs, and the certificate that the handshake line shows.
pub(super) struct Tls {
    pub(super) config: Arc<ServerConfig>,
    pub(super) certificate: CertificateDer<'static>,
}

impl Tls {
    /// A fresh P-256 certificate for `localhost`, the name that go-plugin clients ask for, and a server that accepts the
    /// client of `client_pem` alone. TLS 1.2 or later, ALPN `h2` (grpc-go enforces it since 1.67).
    ///
    /// # Errors
    /// A sentence for the user, when `client_pem` holds no certificate or the crypto backend fails.
    pub(super) fn for_client(client_pem: &str) -> Result<Self, String> {
        let pinned = CertificateDer::from_pem_slice(client_pem.as_bytes())
            .map_err(|error| format!("PLUGIN_CLIENT_CERT holds no PEM certificate ({error})"))?;
        let failed = |error: &dyn std::fmt::Display| format!("no TLS certificate could be made ({error})");
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| failed(&error))?;
        let certificate = CertificateParams::new(["localhost".to_owned()])
            .and_then(|parameters| parameters.self_signed(&key))
            .map_err(|error| failed(&error))?;
        let certificate = certificate.der().clone();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = server(pinned, certificate.clone(), key).map_err(|error| failed(&error))?;
        Ok(Self {
            config: Arc::new(config),
            certificate,
        })
    }
}

fn server(
    pinned: CertificateDer<'static>,
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
) -> Result<ServerConfig, Error> {
    let backend = Arc::new(aws_lc_rs::default_provider());
    let verifier = PinnedClient {
        pinned,
        backend: Arc::clone(&backend),
    };
    let mut config = ServerConfig::builder_with_provider(backend)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(vec![certificate], key.into())?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// Accepts one certificate and no other; a client without one is refused.
#[derive(Debug)]
struct PinnedClient {
    pinned: CertificateDer<'static>,
    backend: Arc<CryptoProvider>,
}

impl ClientCertVerifier for PinnedClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if end_entity.as_ref() == self.pinned.as_ref() {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.backend.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.backend.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.backend.signature_verification_algorithms.supported_schemes()
    }
}
