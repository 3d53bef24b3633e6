//! The first line, and what stands in its place when the provider cannot start.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;

use crate::fixture::{running, start};

#[tokio::test]
async fn the_first_line_is_a_handshake_and_nothing_follows() {
    let (plugin, mut clients) = running(start()).await;
    let fields: Vec<&str> = plugin.line.split('|').collect();
    assert_eq!(fields.len(), 6, "{}", plugin.line);
    assert_eq!(fields[..3], ["1", "6", "unix"]);
    assert!(fields[3].starts_with('/'));
    assert_eq!(fields[4], "grpc");
    assert!(fields[5].len() > 50 && !fields[5].contains('='), "{}", fields[5]);
    clients
        .controller
        .shutdown(crate::grpc::clients::plugin::Empty {})
        .await
        .unwrap();
    let (status, rest, log) = plugin.end().await;
    assert_eq!((status, rest.as_str(), log.as_str()), (Some(0), "", ""));
}

#[tokio::test]
async fn without_a_client_certificate_the_line_has_none_either() {
    let plugin = start().begin().await;
    assert!(
        plugin.line.starts_with("1|6|unix|/") && plugin.line.ends_with("|grpc|"),
        "{}",
        plugin.line
    );
    let mut clients = plugin.plain().await.unwrap();
    clients
        .provider
        .get_metadata(crate::grpc::clients::tfplugin6::get_metadata::Request {})
        .await
        .unwrap();
}

#[tokio::test]
async fn started_by_hand_it_explains_itself() {
    for cookie in ["", "wrong"] {
        let plugin = start().env(crate::grpc::COOKIE.0, cookie).begin().await;
        assert_eq!(plugin.line, "");
        let (status, _, log) = plugin.end().await;
        assert_eq!(status, Some(1));
        assert!(log.contains("is a plugin of Terraform and OpenTofu"), "{log}");
    }
}

#[tokio::test]
async fn a_host_that_does_not_speak_protocol_6_is_told() {
    for (versions, served) in [
        ("6", true),
        ("6,5", true),
        ("4,5", false),
        ("16", false),
        ("rubbish", false),
    ] {
        let plugin = start().env("PLUGIN_PROTOCOL_VERSIONS", versions).begin().await;
        assert_eq!(plugin.line.starts_with("1|6|"), served, "{versions}: {}", plugin.line);
        if !served {
            assert!(plugin.line.contains("speaks plugin protocol 6"), "{}", plugin.line);
            assert_eq!(plugin.end().await.0, Some(1));
        }
    }
}

#[tokio::test]
async fn what_keeps_it_from_starting_is_the_first_line() {
    let plugin = start()
        .env("FIXTURE_CANNOT_START", "ROTATION|is\nset wrongly")
        .begin()
        .await;
    assert_eq!(plugin.line, "The provider cannot start: ROTATION/is set wrongly.");
    assert_eq!(plugin.end().await.0, Some(1));

    let plugin = start().env("PLUGIN_CLIENT_CERT", "not a certificate").begin().await;
    assert!(
        plugin.line.contains("PLUGIN_CLIENT_CERT holds no PEM certificate"),
        "{}",
        plugin.line
    );
    assert_eq!(plugin.end().await.0, Some(1));

    // What is set and cannot be read is not the same as nothing, which would mean a connection without TLS.
    let unreadable = OsString::from_vec(b"\xff".to_vec());
    let plugin = start().env("PLUGIN_CLIENT_CERT", unreadable).begin().await;
    assert!(
        plugin.line.contains("PLUGIN_CLIENT_CERT holds no PEM certificate"),
        "{}",
        plugin.line
    );
    assert_eq!(plugin.end().await.0, Some(1));

    for variable in ["TMPDIR", "PLUGIN_UNIX_SOCKET_DIR"] {
        let plugin = start().env(variable, "/nowhere/at/all").begin().await;
        let advice = format!("Set {variable} to a directory");
        assert!(plugin.line.contains(&advice), "{}", plugin.line);
        assert!(plugin.line.contains("/nowhere/at/all"), "{}", plugin.line);
    }
}

#[tokio::test]
async fn the_socket_is_in_a_private_directory_that_goes_away() {
    let (plugin, mut clients) = running(start()).await;
    let socket = plugin.socket();
    let directory = socket.parent().unwrap().to_owned();
    assert_eq!(directory.parent(), Some(plugin.scratch()));
    let mode = std::fs::metadata(&directory).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    clients
        .controller
        .shutdown(crate::grpc::clients::plugin::Empty {})
        .await
        .unwrap();
    plugin.end().await;
    assert!(!directory.exists());
}

#[tokio::test]
async fn the_hosts_directory_for_sockets_wins() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = start().env("PLUGIN_UNIX_SOCKET_DIR", directory.path()).begin().await;
    assert!(plugin.socket().starts_with(directory.path()), "{}", plugin.line);
}

#[tokio::test]
async fn a_directory_that_is_too_deep_for_sockets_is_avoided() {
    let base = tempfile::tempdir().unwrap();
    let deep = base.path().join("d".repeat(90));
    std::fs::create_dir(&deep).unwrap();
    let plugin = start().env("TMPDIR", &deep).begin().await;
    let directory = plugin.socket().parent().unwrap().to_owned();
    assert_eq!(
        directory.parent(),
        Some(std::path::Path::new("/tmp")),
        "{}",
        plugin.line
    );
    assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 0);
    plugin.plain().await.unwrap();
    drop(plugin);
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn it_says_its_version_and_refuses_unknown_arguments() {
    let plugin = start().env(crate::grpc::COOKIE.0, "").arg("--version").begin().await;
    assert_eq!(
        plugin.line,
        format!("terraform-provider-fixture {}", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(plugin.end().await.0, Some(0));
    for argument in ["-h", "--help"] {
        let plugin = start().env(crate::grpc::COOKIE.0, "").arg(argument).begin().await;
        let (status, rest, log) = plugin.end().await;
        assert_eq!((status, log.as_str()), (Some(0), ""));
        for known in ["-debug ", "--version", "--help"] {
            assert!(rest.contains(known), "{rest}");
        }
    }
    for (argument, shown) in [(&b"--verbose"[..], "--verbose"), (b"-\xff", "-\\xFF")] {
        let argument = OsString::from_vec(argument.to_vec());
        let (status, _, log) = start().arg(argument).begin().await.end().await;
        assert_eq!(status, Some(1));
        assert_eq!(
            log,
            format!("Unknown argument \"{shown}\". There are -debug, --version and --help.\n")
        );
    }
}
