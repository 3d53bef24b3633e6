//! What each `sslmode` demands, at a server with a certificate of an authority of its own, and at one without.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rotation_provider::call::CallErrorKind;

use crate::world::World;

/// A certificate for that name and its key, and the certificate of its authority.
fn certificate(name: &str) -> (String, String, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    (leaf.pem(), key.serialize_pem(), authority.pem())
}

/// A server, and files with its authority and with another one.
fn server(name: &str) -> (World, tempfile::TempDir) {
    let (certificate_of_server, key, authority) = certificate(name);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("own.pem"), authority).unwrap();
    std::fs::write(folder.path().join("other.pem"), certificate("localhost").2).unwrap();
    (World::with(Some((&certificate_of_server, &key))), folder)
}

/// How a session ends: `None` when it is opened.
async fn opens(
    world: &mut World,
    folder: &tempfile::TempDir,
    mode: &str,
    roots: &str,
) -> Option<(CallErrorKind, String)> {
    world.set("PGSSLMODE", mode);
    let file = folder.path().join(roots).display().to_string();
    world.set("PGSSLROOTCERT", if roots.is_empty() { "" } else { &file });
    let error = world.one_role().inspect().await.err()?;
    Some((error.kind.clone(), error.message))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_looked_at_as_closely_as_sslmode_says() {
    let (mut world, folder) = server("localhost");
    world.set("PGHOST", "localhost");
    for (mode, roots) in [
        ("disable", ""),
        ("allow", ""),
        ("prefer", ""),
        ("require", ""),
        ("require", "own.pem"),
        ("verify-ca", "own.pem"),
        ("verify-full", "own.pem"),
    ] {
        assert_eq!(opens(&mut world, &folder, mode, roots).await, None, "{mode} {roots}");
    }
    for (mode, roots) in [
        ("require", "other.pem"),
        ("verify-ca", "other.pem"),
        ("verify-full", "other.pem"),
        ("verify-full", ""),
    ] {
        let (kind, message) = opens(&mut world, &folder, mode, roots).await.unwrap();
        assert_eq!(kind, CallErrorKind::Invalid, "{mode} {roots}: {message}");
        assert!(
            message.contains("TLS: ") && message.contains("sslrootcert"),
            "{message}"
        );
    }
    world.server.sql("ALTER SYSTEM SET log_connections = on");
    world.server.sql("SELECT pg_reload_conf()");
    assert_eq!(opens(&mut world, &folder, "verify-full", "own.pem").await, None);
    // The same file asked for a session that is encrypted, and had it.
    let log = world.server.log();
    assert!(log.contains("SSL enabled"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_is_enough_for_all_but_verify_full() {
    let (mut world, folder) = server("db.example.com");
    world.set("PGHOST", "localhost");
    for (mode, roots) in [("require", ""), ("verify-ca", "own.pem")] {
        assert_eq!(opens(&mut world, &folder, mode, roots).await, None, "{mode}");
    }
    let (_, message) = opens(&mut world, &folder, "verify-full", "own.pem").await.unwrap();
    assert!(message.contains("not valid for name"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_encrypt_is_refused_where_encryption_is_required() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(opens(&mut world, &folder, "prefer", "").await, None);
    for mode in ["require", "verify-full"] {
        let (_, message) = opens(&mut world, &folder, mode, "").await.unwrap();
        assert!(message.contains("does not support TLS"), "{mode}: {message}");
    }
    // A server that accepts nothing else refuses a session that is not encrypted.
    let (mut world, folder) = server("localhost");
    let file = world.server.sql("SHOW hba_file");
    let rules = std::fs::read_to_string(&file).unwrap().replace("host ", "hostssl ");
    std::fs::write(&file, rules).unwrap();
    // The last thing that is said without encryption.
    drop(world.server.sql("SELECT pg_reload_conf()"));
    for _ in 0..50 {
        if opens(&mut world, &folder, "disable", "").await.is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let (kind, message) = opens(&mut world, &folder, "disable", "").await.unwrap();
    assert_eq!(kind, CallErrorKind::Forbidden, "{message}");
    assert!(message.contains("28000"), "{message}");
    assert_eq!(opens(&mut world, &folder, "prefer", "").await, None);
}
