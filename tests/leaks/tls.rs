//! Vendors behind TLS: their authority comes from `SSL_CERT_FILE`, calls to this machine go past any proxy, and nothing writes down
//! what would open the connections.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::story::{A_DAY, FLY_TOKEN, Story, THREE_TARGETS};

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap()
}

/// Puts TLS before `inner`, for `localhost`; its address, and its authority's certificate.
async fn behind_tls(inner: String) -> (SocketAddr, String) {
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let backend = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(backend)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, inner) = (acceptor.clone(), inner.clone());
            tokio::spawn(async move {
                let Ok(mut outside) = acceptor.accept(stream).await else {
                    return;
                };
                let mut inside = TcpStream::connect(inner).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut outside, &mut inside).await);
            });
        }
    });
    (address, authority.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn vendors_behind_tls_are_called_and_no_session_key_is_written_down() {
    let mut story = Story::new();
    let inner = story.sandbox.export("SANDBOX_URL").replace("http://", "");
    let (address, authority) = behind_tls(inner).await;
    let outer = format!("https://localhost:{}", address.port());
    let file = |name: &str| story.workspace.path().join(name).to_str().unwrap().to_owned();
    let (trusted, keys) = (file("authority.pem"), file("keys.log"));
    std::fs::write(&trusted, authority).unwrap();
    for (name, value) in [
        ("FLY_FLAPS_BASE_URL", outer.as_str()),
        ("FLY_API_BASE_URL", &outer),
        ("GITHUB_BASE_URL", &outer),
        ("AWS_ENDPOINT_URL", &outer),
        ("SSL_CERT_FILE", &trusted),
        ("SSLKEYLOGFILE", &keys),
        // Nobody listens there: whoever sent a call to this machine through a proxy would fail.
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
        ("AWS_MAX_ATTEMPTS", "1"),
    ] {
        story.workspace.set(name, value);
    }
    story.configure(&[FLY_TOKEN, THREE_TARGETS, A_DAY]);
    tokio::task::spawn_blocking(move || {
        story.apply();
        assert!(!std::path::Path::new(&keys).exists(), "session keys were written down");
        std::fs::write(&trusted, self::authority().pem()).unwrap();
        let said = crate::story::unframed(&story.settled());
        assert!(
            said.contains("invalid peer certificate") && said.contains("SSL_CERT_FILE"),
            "{said}"
        );
    })
    .await
    .unwrap();
}
