//! TLS by the project's own backend: what each `sslmode` demands of the server's certificate, and channel binding.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use aws_lc_rs::digest;
use pkcs1::der::asn1::{AnyRef, ObjectIdentifier};
use pkcs1::der::{Decode as _, Reader as _, SliceReader};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs as backend, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

/// How much a connection insists on.
/// <https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-SSLMODE-STATEMENTS>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SslMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl SslMode {
    pub(super) const NAMES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "disable" => Self::Disable,
            // libpq tries without encryption first: `prefer` connects wherever that does.
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }

    pub(super) fn is_required(self) -> bool {
        !matches!(self, Self::Disable | Self::Prefer)
    }
}

/// Who may sign a server's certificate.
#[derive(Clone)]
pub(super) enum Roots {
    System,
    Of(Arc<RootCertStore>),
}

impl Roots {
    /// Reads a PEM file.
    ///
    /// # Errors
    /// Why it cannot be used; the rest of a sentence that begins with "It". Nothing of the content.
    pub(super) fn read(path: &str) -> Result<Self, String> {
        let unread = |error: pem::Error| match error {
            pem::Error::Io(error) => format!("cannot be read: {}", error.kind()),
            _ => "is not a PEM file".to_owned(),
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(unread)? {
            let added = roots.add(certificate.map_err(unread)?);
            added.map_err(|error| format!("contains a certificate that cannot be used: {error}"))?;
        }
        match roots.is_empty() {
            true => Err("is not a PEM file with certificates".to_owned()),
            false => Ok(Self::Of(Arc::new(roots))),
        }
    }
}

/// How sessions with a server are encrypted; clones share what is made of it at the first session.
#[derive(Clone)]
pub(super) struct Ssl {
    pub(super) mode: SslMode,
    pub(super) roots: Roots,
    pub(super) config: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Ssl {
    pub(super) fn is_required(&self) -> bool {
        self.mode.is_required()
    }

    /// What the client is told; certificates are this file's affair.
    pub(super) fn mode_of_client(&self) -> tokio_postgres::config::SslMode {
        match self.mode {
            SslMode::Disable => tokio_postgres::config::SslMode::Disable,
            SslMode::Prefer => tokio_postgres::config::SslMode::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => tokio_postgres::config::SslMode::Require,
        }
    }

    /// What encrypts a session with that host.
    ///
    /// # Errors
    /// Those of the backend, and of the system's certificates.
    pub(super) fn to(&self, host: &str) -> Result<Encryption, rustls::Error> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| rustls::Error::General(error.to_string()))?;
        let config = match self.config.get() {
            Some(config) => config,
            None => {
                let made = Arc::new(self.client_config()?);
                self.config.get_or_init(|| made)
            }
        };
        Ok(Encryption {
            connector: TlsConnector::from(Arc::clone(config)),
            name,
        })
    }

    fn client_config(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(backend::default_provider());
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let of_roots = |roots: &Arc<RootCertStore>| {
            let verifier =
                WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(&provider)).build();
            verifier.map_err(|error| rustls::Error::General(error.to_string()))
        };
        let verifier: Arc<dyn ServerCertVerifier> = match (self.mode, &self.roots) {
            (SslMode::Disable | SslMode::Prefer | SslMode::Require, _) => Arc::new(AnyCertificate(provider)),
            (SslMode::VerifyCa, Roots::Of(roots)) => Arc::new(AnyName(of_roots(roots)?)),
            (SslMode::VerifyFull, Roots::Of(roots)) => of_roots(roots)?,
            (SslMode::VerifyCa | SslMode::VerifyFull, Roots::System) => {
                Arc::new(rustls_platform_verifier::Verifier::new(provider)?)
            }
        };
        Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth())
    }
}

/// `require`: whoever answers; the session is encrypted, but not with anybody in particular.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// `verify-ca`: an authority of the file has signed the certificate, for whatever name. The verifier looks at the name last.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        match self
            .0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        {
            Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// What encrypts one session.
pub(super) struct Encryption {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl TlsConnect<TcpStream> for Encryption {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

    fn connect(self, stream: TcpStream) -> Self::Future {
        Box::pin(async move { self.connector.connect(self.name, stream).await.map(Encrypted) })
    }
}

/// An encrypted stream.
pub(super) struct Encrypted(tokio_rustls::client::TlsStream<TcpStream>);

impl TlsStream for Encrypted {
    /// `tls-server-end-point` (RFC 5929 section 4.1): with it, SCRAM fails where somebody stands between both ends.
    fn channel_binding(&self) -> ChannelBinding {
        let certificates = self.0.get_ref().1.peer_certificates();
        let end_point = certificates
            .and_then(<[_]>::first)
            .and_then(|certificate| end_point(certificate));
        end_point.map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

/// The hash of a certificate by the algorithm of its signature; `None` where that names none that is certain.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let oid = signature_algorithm(certificate)?;
    let algorithm = match oid.to_string().as_str() {
        // MD5, SHA-1 (both count as SHA-256) and SHA-256, with RSA and ECDSA.
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.1"
        | "1.2.840.10045.4.3.2" => &digest::SHA256,
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => &digest::SHA384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => &digest::SHA512,
        _ => return None,
    };
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

/// RFC 5280 section 4.1: `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OID, … }, signature }`.
fn signature_algorithm(certificate: &[u8]) -> Option<ObjectIdentifier> {
    let whole = AnyRef::from_der(certificate).ok()?;
    let mut fields = SliceReader::new(whole.value()).ok()?;
    let _to_be_signed: AnyRef<'_> = fields.decode().ok()?;
    let algorithm: AnyRef<'_> = fields.decode().ok()?;
    SliceReader::new(algorithm.value()).ok()?.decode().ok()
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_hashed_by_the_algorithm_of_its_signature() {
        let hashed = |algorithm: &'static rcgen::SignatureAlgorithm| {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let certificate = rcgen::CertificateParams::new(vec!["db".to_owned()])
                .unwrap()
                .self_signed(&key)
                .unwrap();
            (end_point(certificate.der()), certificate.der().to_vec())
        };
        for (algorithm, digest) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, &digest::SHA256),
            (&rcgen::PKCS_ECDSA_P384_SHA384, &digest::SHA384),
        ] {
            let (found, der) = hashed(algorithm);
            assert_eq!(found.as_deref(), Some(digest::digest(digest, &der).as_ref()));
        }
        // RFC 5929 leaves undefined what has no hash of its own.
        assert_eq!(hashed(&rcgen::PKCS_ED25519).0, None);
        for wrong in [&b""[..], b"\x30\x03\x02\x01\x00", b"\x30\x80"] {
            assert_eq!(end_point(wrong), None);
        }
    }
}
