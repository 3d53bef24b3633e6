//! The HTTP client over real TLS, at a server whose authority nobody trusts. `tests/leaks/tls.rs` has the one that is trusted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rotation_provider::call::{CallErrorKind, Effect, WritePermit};
use rotation_provider::clock::Clock;
use rotation_provider::http::{HttpClient, Request};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Starts a server for `localhost`; gives its URL and the authority's certificate.
async fn serve() -> (String, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut buffer = [0; 4096];
            assert!(stream.read(&mut buffer).await.unwrap() > 0);
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nsafe")
                .await
                .unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    (format!("https://localhost:{port}/"), authority.pem())
}

fn request(method: &'static str, url: &str) -> Request {
    Request::new(method, url, "Test", "testing")
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_ends_the_call_before_anything_is_sent() {
    let (url, _) = serve().await;
    let client = HttpClient::new(Clock::default(), false);
    let permit = WritePermit::granted_by_apply();
    let error = client.write(request("POST", &url), &permit).await.err().unwrap();
    assert_eq!(
        (error.kind.clone(), error.effect),
        (CallErrorKind::Unavailable, Effect::None)
    );
    assert!(
        error.message.contains("UnknownIssuer") && error.message.contains("SSL_CERT_FILE"),
        "{error}"
    );
}
