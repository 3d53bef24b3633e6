//! go-plugin's handshake: a cookie that proves that Terraform is the caller, the protocol's version, one line on standard output.
//!
//! Standard output carries that line and nothing else, ever. Text on standard error is invisible to the user at this
//! point, so a failure to start is told in place of the line: Terraform quotes a first line that it does not understand.

use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::environment::Environment;

/// Name and value of the variable by which Terraform and OpenTofu show that they are the caller (terraform, `internal/plugin6/serve.go`).
const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// Version of go-plugin's own protocol.
const CORE_PROTOCOL: u32 = 1;

/// Major version of the provider protocol.
pub(super) const PROTOCOL: u32 = 6;

/// Whether a host that knows the cookie started this process.
pub(super) fn started_by_host(environment: &Environment) -> bool {
    environment.get(COOKIE.0) == Some(COOKIE.1)
}

/// Checks that the host speaks our version. `PLUGIN_PROTOCOL_VERSIONS` lists its versions in any order; a host that does not say takes what it gets.
///
/// # Errors
/// A sentence for the user.
pub(super) fn negotiate(environment: &Environment) -> Result<(), String> {
    let Some(versions) = environment.get("PLUGIN_PROTOCOL_VERSIONS") else {
        return Ok(());
    };
    let speaks = |version: &str| version.trim().parse() == Ok(PROTOCOL);
    if versions.split(',').any(speaks) {
        return Ok(());
    }
    Err(format!(
        "this provider speaks plugin protocol {PROTOCOL}, the host offers {versions:?}. Use Terraform 1.11 or OpenTofu 1.12, or a later one"
    ))
}

/// The line that tells the host where and how to connect; with the server's certificate when TLS is on.
pub(super) fn line(socket: &Path, certificate: Option<&[u8]>) -> String {
    let certificate = certificate.map(|der| STANDARD_NO_PAD.encode(der)).unwrap_or_default();
    format!(
        "{CORE_PROTOCOL}|{PROTOCOL}|unix|{}|grpc|{certificate}",
        socket.display()
    )
}

/// A failure to start, as the line that Terraform quotes. Without `|`, or it would be taken for a handshake.
pub(super) fn failure_line(problem: &str) -> String {
    let problem = problem.replace('|', "/");
    let words: Vec<&str> = problem.split_whitespace().collect();
    format!("The provider cannot start: {}.", words.join(" "))
}

/// Writes a line to standard output and flushes it.
///
/// # Errors
/// When nobody reads it.
pub(super) fn announce(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(format!("{line}\n").as_bytes())?;
    stdout.flush()
}
