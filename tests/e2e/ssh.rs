//! Checks that run a command on another host: a real OpenSSH server on loopback.

use crate::exec::write;
use crate::sshd::Sshd;
use crate::story::{A_DAY, FLY_TOKEN, PARAMETER, SSM_TARGET, Story, says};
use crate::truth::{alive, parameter};

/// A check that runs `command` there, given that key of the host.
fn check(server: &Sshd, host_key: &str, command: &str) -> String {
    let (port, user, key) = (server.port(), server.user(), server.private_key("user"));
    format!(
        "checks = {{\n    deployed = {{ effects = true, timeout = \"60s\", ssh = {{ host = \"127.0.0.1\", port = {port}, user = {user:?}, \
         host_key = {:?}, identity_file = {:?}, command = {command:?}, input = \"{{{{ value }}}}\" }} }}\n  }}",
        host_key.trim(),
        key.to_str().unwrap()
    )
}

#[test]
fn a_server_is_deployed_after_the_write_and_what_fails_there_is_told_without_the_value() {
    let (story, server) = (Story::new(), Sshd::start());
    let allowed = format!("127.0.0.1:{}", server.port());
    let env = story.workspace.path().join(".env");
    let deploys = format!("umask 077 && cat >{0} && grep -q . {0}", env.display());
    let lines = |check: String, more: &str| -> Vec<String> {
        [FLY_TOKEN, SSM_TARGET, A_DAY, &check, more].map(str::to_owned).to_vec()
    };
    let configure = |check: String, more: &str| {
        let lines = lines(check, more);
        write(
            &story,
            &[&allowed],
            &lines.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    };
    configure(check(&server, &server.host_key(), &deploys), "");
    story.plan();
    assert!(!env.exists(), "a plan runs nothing");
    story.apply();
    assert_eq!(
        std::fs::read_to_string(&env).unwrap(),
        parameter(&story, PARAMETER).unwrap()
    );

    configure(
        check(&server, &server.host_key(), "echo \"got $(cat)\"; exit 255"),
        "rotation_reason = \"once\"",
    );
    let said = story.fails();
    says(
        &said,
        &[
            "Check \"deployed\" did not pass",
            "failed with exit code 255",
            "got [redacted]",
        ],
    );
    assert!(!said.contains(&parameter(&story, PARAMETER).unwrap()), "{said}");

    std::fs::remove_file(&env).unwrap();
    configure(
        check(&server, &server.public_key("stranger"), &deploys),
        "rotation_reason = \"once\"",
    );
    says(
        &story.fails(),
        &["nothing was sent: the host presents the key ssh-ed25519 SHA256:"],
    );
    assert!(!env.exists());
    assert_eq!(alive(&story).len(), 2, "nothing is revoked");

    configure(
        check(&server, &server.host_key(), &deploys),
        "rotation_reason = \"once\"",
    );
    story.apply();
    assert_eq!(
        std::fs::read_to_string(&env).unwrap(),
        parameter(&story, PARAMETER).unwrap()
    );
}

#[test]
fn a_server_that_is_deployed_over_ssh_uses_the_new_value_before_it_counts_as_live() {
    let (story, server) = (Story::new(), Sshd::start());
    let allowed = format!("127.0.0.1:{}", server.port());
    let log = story.workspace.path().join("deployments");
    let deploys = |then: &str| {
        check(
            &server,
            &server.host_key(),
            &format!("echo deployed >>{}; {then}", log.display()),
        )
        .replace("checks = {", "activations = {")
        .replace("effects = true, ", "")
        .replace(", input = \"{{ value }}\"", "")
    };
    let configure =
        |activation: &str, more: &str| write(&story, &[&allowed], &[FLY_TOKEN, SSM_TARGET, A_DAY, activation, more]);
    let deployments = || std::fs::read_to_string(&log).unwrap().lines().count();
    configure(&deploys("exit 0"), "");
    story.apply();
    assert_eq!(deployments(), 1);
    configure(&deploys("exit 9"), "rotation_reason = \"once\"");
    says(&story.fails(), &["failed with exit code 9"]);
    assert_eq!((deployments(), alive(&story).len()), (2, 2));
    configure(&deploys("exit 0"), "rotation_reason = \"once\"");
    story.apply();
    assert_eq!(deployments(), 3);
    write(
        &story,
        &["/bin/true"],
        &[
            FLY_TOKEN,
            SSM_TARGET,
            A_DAY,
            &deploys("exit 0"),
            "rotation_reason = \"once\"",
        ],
    );
    says(
        &story.refused("validate"),
        &[&format!("allow_exec does not name {allowed}")],
    );
}

#[test]
fn a_host_that_the_provider_block_does_not_name_is_refused_before_the_plan() {
    let (story, server) = (Story::new(), Sshd::start());
    let check = check(&server, &server.host_key(), "true");
    write(&story, &["127.0.0.1"], &[FLY_TOKEN, SSM_TARGET, A_DAY, &check]);
    let entry = format!("127.0.0.1:{}", server.port());
    for command in ["validate", "plan"] {
        says(&story.refused(command), &[&format!("allow_exec does not name {entry}")]);
    }
}
