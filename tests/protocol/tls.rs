//! Who is let in: the one client whose certificate the host passed on, and nobody else.

use std::sync::Arc;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::fixture::start;
use crate::grpc::clients::tfplugin6::get_metadata;
use crate::grpc::{self, ClientIdentity, Plugin};

async fn guarded() -> (Plugin, ClientIdentity) {
    let identity = ClientIdentity::like_terraform();
    let plugin = start().env("PLUGIN_CLIENT_CERT", &identity.pem).begin().await;
    (plugin, identity)
}

/// Whether a client with this TLS gets an answer. In TLS 1.3 a refusal shows only after the client's handshake.
async fn answered(plugin: &Plugin, tls: rustls::ClientConfig) -> bool {
    let Ok(mut clients) = plugin.encrypted(tls).await else {
        return false;
    };
    clients.provider.get_metadata(get_metadata::Request {}).await.is_ok()
}

#[tokio::test]
async fn the_client_of_the_handshake_is_let_in() {
    let (plugin, identity) = guarded().await;
    for version in [&TLS12, &TLS13] {
        let tls = grpc::tls(plugin.certificate(), Some(&identity), &[version]);
        assert!(answered(&plugin, tls).await, "{version:?}");
    }
}

#[tokio::test]
async fn a_client_with_another_kind_of_key_is_let_in() {
    let identity = ClientIdentity::with_key(&rcgen::PKCS_ECDSA_P256_SHA256);
    let plugin = start().env("PLUGIN_CLIENT_CERT", &identity.pem).begin().await;
    assert!(answered(&plugin, grpc::tls(plugin.certificate(), Some(&identity), &[&TLS13])).await);
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let (plugin, _) = guarded().await;
    for version in [&TLS12, &TLS13] {
        assert!(
            !answered(&plugin, grpc::tls(plugin.certificate(), None, &[version])).await,
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn a_client_with_a_certificate_of_its_own_is_refused() {
    let (plugin, _) = guarded().await;
    let stranger = ClientIdentity::like_terraform();
    for version in [&TLS12, &TLS13] {
        let tls = grpc::tls(plugin.certificate(), Some(&stranger), &[version]);
        assert!(!answered(&plugin, tls).await, "{version:?}");
    }
}

#[tokio::test]
async fn a_client_that_shows_the_certificate_without_its_key_is_refused() {
    let (plugin, identity) = guarded().await;
    let thief = ClientIdentity {
        certificate: identity.certificate.clone(),
        ..ClientIdentity::like_terraform()
    };
    for version in [&TLS12, &TLS13] {
        let tls = grpc::tls(plugin.certificate(), Some(&thief), &[version]);
        assert!(!answered(&plugin, tls).await, "{version:?}");
    }
}

#[tokio::test]
async fn a_client_that_shows_the_certificate_behind_its_own_is_refused() {
    let (plugin, identity) = guarded().await;
    let stranger = ClientIdentity::like_terraform();
    for version in [&TLS12, &TLS13] {
        let mut tls = grpc::tls(plugin.certificate(), Some(&stranger), &[version]);
        let key =
            rustls::crypto::aws_lc_rs::sign::any_supported_type(&PrivatePkcs8KeyDer::from(stranger.key.clone()).into());
        let chain = vec![stranger.certificate.clone(), identity.certificate.clone()];
        let shown = CertifiedKey::new(chain, key.unwrap());
        tls.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(shown));
        assert!(!answered(&plugin, tls).await, "{version:?}");
    }
}

#[tokio::test]
async fn a_client_without_tls_is_refused() {
    let (plugin, _) = guarded().await;
    if let Ok(mut clients) = plugin.plain().await {
        clients
            .provider
            .get_metadata(get_metadata::Request {})
            .await
            .unwrap_err();
    }
}

#[tokio::test]
async fn tls_1_1_is_refused() {
    let (plugin, _) = guarded().await;
    let mut stream = UnixStream::connect(plugin.socket()).await.unwrap();
    stream.write_all(&client_hello_1_1()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    // A record of type alert: fatal, protocol_version (RFC 5246, 7.2).
    assert_eq!(answer.first(), Some(&21), "{answer:x?}");
    assert_eq!(answer.get(5..7), Some([2, 70].as_slice()), "{answer:x?}");
}

/// A ClientHello whose highest version is TLS 1.1 (RFC 4346, 7.4.1.2), with one cipher suite that was common then.
fn client_hello_1_1() -> Vec<u8> {
    let mut body = vec![3, 2];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0xc0, 0x09, 1, 0]);
    // supported_groups with P-256 and signature_algorithms with ECDSA/SHA-256, without which rustls looks no further.
    let extensions = [0, 10, 0, 4, 0, 2, 0, 23, 0, 13, 0, 4, 0, 2, 4, 3];
    body.extend([0, u8::try_from(extensions.len()).unwrap()]);
    body.extend(extensions);
    let length = u8::try_from(body.len()).unwrap();
    [vec![22, 3, 1, 0, length + 4, 1, 0, 0, length], body].concat()
}
