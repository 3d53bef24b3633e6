//! The command line, for people: Terraform passes no arguments.

use std::path::Path;

use serde_json::json;

use super::handshake::PROTOCOL;

/// What the process was started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// To serve the host that started it.
    Serve,
    /// To serve whoever attaches.
    Debug,
    /// To say its version.
    Version,
}

/// Reads the arguments after the program's name.
///
/// # Errors
/// A sentence for the user about an argument that does not exist.
pub(super) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let command = match arguments.next().as_deref() {
        None => Command::Serve,
        Some("-debug" | "--debug") => Command::Debug,
        Some("-version" | "--version") => Command::Version,
        Some(other) => return Err(unknown(other)),
    };
    match arguments.next() {
        None => Ok(command),
        Some(other) => Err(unknown(&other)),
    }
}

fn unknown(argument: &str) -> String {
    format!("Unknown argument {argument:?}. There are -debug and --version.")
}

/// What a developer pastes into a shell, in the format that terraform reads (terraform, `internal/command/meta_providers.go`).
pub(super) fn reattach(address: &str, socket: &Path) -> String {
    let providers = json!({
        address: {
            "Protocol": "grpc",
            "ProtocolVersion": PROTOCOL,
            "Pid": std::process::id(),
            "Test": true,
            "Addr": { "Network": "unix", "String": socket.to_string_lossy() },
        }
    });
    format!(
        "# Run terraform in another shell with this variable; Ctrl-C here ends the provider.\nTF_REATTACH_PROVIDERS='{providers}'"
    )
}
