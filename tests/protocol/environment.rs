//! Variables that happen to be set where Terraform runs: none shows anything, opens anything or changes the handshake.

use std::os::unix::fs::PermissionsExt as _;

use crate::fixture::{running, start};
use crate::grpc::clients::plugin::Empty;
use crate::grpc::clients::tfplugin6::get_metadata;

#[tokio::test]
async fn stray_variables_change_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let sockets = scratch.path().join("sockets");
    std::fs::create_dir(&sockets).unwrap();
    let keys = scratch.path().join("keys.log");
    let start = [
        // Read by rustls and Go where they are told to: it would open every connection.
        ("SSLKEYLOGFILE", keys.to_str().unwrap()),
        // Those of go-plugin that concern other hosts: a group for the socket, a seventh field in the line, ports.
        ("PLUGIN_UNIX_SOCKET_GROUP", "0"),
        ("PLUGIN_MULTIPLEX_GRPC", "true"),
        ("PLUGIN_MIN_PORT", "not a port"),
        ("PLUGIN_MAX_PORT", "1"),
        ("PLUGIN_UNIX_SOCKET_DIR", sockets.to_str().unwrap()),
        // Nobody listens there.
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
        ("NO_PROXY", "*"),
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
        ("GRPC_TRACE", "all"),
    ]
    .iter()
    .fold(start(), |start, (name, value)| start.env(name, value));
    let (plugin, mut clients) = running(start).await;
    assert_eq!(plugin.line.split('|').count(), 6, "{}", plugin.line);
    assert!(plugin.socket().starts_with(&sockets), "{}", plugin.line);
    let directory = plugin.socket().parent().unwrap().to_owned();
    let mode = std::fs::metadata(&directory).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    clients.provider.get_metadata(get_metadata::Request {}).await.unwrap();
    clients.controller.shutdown(Empty {}).await.unwrap();
    drop(clients);
    let (status, rest, log) = plugin.end().await;
    assert_eq!((status, rest.as_str(), log.as_str()), (Some(0), "", ""));
    assert!(!keys.exists(), "the keys of the connection were written down");
    assert_eq!(std::fs::read_dir(&sockets).unwrap().count(), 0);
}
