//! Programs and commands on other hosts that print the value they are given, in every way that comes to mind.

use crate::sshd::Sshd;
use crate::story::{A_DAY, FLY_TOKEN, NAME, SSM_TARGET, resource};
use crate::watch::Watched;

/// Prints its input as it is, encoded, and in the middle of more than is kept; it lives long enough to be looked at.
const PRINTS: &str = "PATH=/usr/bin:/bin; x=$(cat); for stream in 1 2; do \
    head -c 100000 /dev/zero | tr '\\\\0' y >&$stream; printf '%s' \\\"$x\\\" >&$stream; echo >&$stream; \
    printf '%s' \\\"$x\\\" | base64 >&$stream; printf '%s' \\\"$x\\\" | base64 -w0 >&$stream; echo >&$stream; \
    printf '%s' \\\"$x\\\" | od -An -v -tx1 | tr -d ' \\\\n' >&$stream; echo \\\" user:$x\\\" >&$stream; done; sleep 1; exit 3";

#[test]
fn a_program_and_a_command_on_a_host_that_print_their_value_show_none() {
    let (mut watched, server) = (Watched::new(), Sshd::start());
    let (port, user, key) = (server.port(), server.user(), server.private_key("user"));
    let (host_key, key) = (server.host_key(), key.to_str().unwrap());
    let host_key = host_key.trim();
    let checks = format!(
        "checks = {{\n    here  = {{ effects = true, exec = {{ command = [\"/bin/sh\", \"-c\", \"{PRINTS}\"], input = \"{{{{ value }}}}\" }} }}\n    \
         there = {{ effects = true, ssh = {{ host = \"127.0.0.1\", port = {port}, user = {user:?}, host_key = {host_key:?}, identity_file = \
         {key:?}, command = \"{PRINTS}\", input = \"{{{{ value }}}}\" }} }}\n  }}"
    );
    let provider = format!(
        "provider \"rotation\" {{\n  namespace  = \"production\"\n  allow_exec = [\"/bin/sh\", \"127.0.0.1:{port}\"]\n}}\n"
    );
    let secret = resource("it", NAME, &[FLY_TOKEN, SSM_TARGET, A_DAY, &checks]);
    watched.story.write_all(&format!("{provider}{secret}"));
    let (status, said) = watched.run(&["apply", "-auto-approve"]);
    assert_eq!(status, Some(1), "{said}");
    assert_eq!(said.matches("failed with exit code 3").count(), 2, "{said}");
    assert!(said.contains("user:[redacted]"), "{said}");
    watched.nothing_leaked(1);
}
