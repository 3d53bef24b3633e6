//! The HTTP client over real TLS: a server whose authority is trusted through `SSL_CERT_FILE`, and one that nobody trusts.
//!
//! The variable is read when TLS is set up, so the trusting half runs in a child process that is given it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rotation_provider::call::{CallErrorKind, Effect, WritePermit};
use rotation_provider::clock::Clock;
use rotation_provider::environment::Environment;
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

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_in_ssl_cert_file_is_trusted_and_loopback_is_not_proxied() {
    let (url, authority) = serve().await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(authority.as_bytes()).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "child_calls_the_server", "--ignored", "--nocapture"])
        .env("SSL_CERT_FILE", file.path())
        .env("TLS_TEST_URL", url)
        // Nobody listens there: whoever sent a call to this machine through a proxy would fail.
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    let output = tokio::task::spawn_blocking(move || child.output())
        .await
        .unwrap()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && shown.contains("answered: safe"), "{shown}");
}

#[tokio::test]
#[ignore = "run by the test before it, in a process with SSL_CERT_FILE"]
async fn child_calls_the_server() {
    let environment = Environment::of_process();
    let url = environment
        .get("TLS_TEST_URL")
        .expect("TLS_TEST_URL is set by the parent");
    let client = HttpClient::new(Clock::default(), false);
    let answer = client.read(request("GET", url)).await.unwrap();
    println!("answered: {}", answer.text().expose());
}
