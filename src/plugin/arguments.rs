//! The command line, for people: Terraform passes no arguments.

use std::ffi::{OsStr, OsString};
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
    /// To say what it is.
    Help,
}

/// The arguments that there are, for a terminal.
pub(super) const HELP: &str = "  -debug     serve whoever attaches, and print how\n  \
                                 --version  print the version\n  \
                                 --help     print this";

/// Reads the arguments after the program's name. `-debug` may have a value, as Go's flags do.
///
/// # Errors
/// A sentence for the user about an argument that does not exist.
pub(super) fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let Some(first) = arguments.next() else {
        return Ok(Command::Serve);
    };
    let command = match first.to_str() {
        Some("-debug" | "--debug" | "-debug=true" | "--debug=true") => Command::Debug,
        Some("-debug=false" | "--debug=false") => Command::Serve,
        Some("-version" | "--version") => Command::Version,
        Some("-h" | "-help" | "--help") => Command::Help,
        _ => return Err(unknown(&first)),
    };
    match arguments.next() {
        None => Ok(command),
        Some(other) => Err(unknown(&other)),
    }
}

fn unknown(argument: &OsStr) -> String {
    format!("Unknown argument {argument:?}. There are -debug, --version and --help.")
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
