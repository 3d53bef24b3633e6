//! URLs that a value must not be sent to: they are refused before anything is made, wherever they are configured.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::story::{A_DAY, FLY_TARGET, FLY_TOKEN, SSM_TARGET, Story};
use crate::watch::Watched;

/// What a plan or an apply says that must fail, in one line; nothing was written anywhere.
#[track_caller]
fn refused(story: &Story, command: &str, unset: &str) -> String {
    let arguments: &[&str] = match command {
        "apply" => &["apply", "-no-color", "-auto-approve"],
        _ => &["plan", "-no-color"],
    };
    let output = story.workspace.command(arguments).env_remove(unset).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    story.wrote_nothing();
    crate::story::unframed(&said)
}

#[test]
fn a_check_is_not_sent_over_plain_http_nor_to_a_metadata_service_and_the_plan_says_so() {
    for (url, reason) in [
        ("http://checked.example.com/health", "allow_insecure"),
        ("https://169.254.169.254/latest/meta-data", "link-local"),
        ("http://2852039166/", "link-local"),
        ("https://[::ffff:169.254.169.254]/", "link-local"),
        ("https://user:hunter2@checked.example.com/", "user name or password"),
    ] {
        let story = Story::new();
        let check = format!("checks = {{\n    up = {{ http = {{ url = {url:?} }} }}\n  }}");
        story.configure(&[FLY_TOKEN, FLY_TARGET, &check]);
        let said = refused(&story, "plan", "");
        assert!(
            said.contains(reason) && said.contains("checks[\"up\"]"),
            "{url}: {said}"
        );
    }
}

#[test]
fn a_vendor_is_not_called_over_plain_http_wherever_its_url_comes_from() {
    const GITHUB_TARGET: &str =
        r#"targets = { ci = { github_actions_secret = { repository = "molecule-monorepo" } } }"#;
    const NEON_KEY: &str = "source = { neon_api_key = { organization_id = \"org-quiet-1\" } }";
    for (variable, argument, source, targets) in [
        ("FLY_FLAPS_BASE_URL", "fly.api_url", FLY_TOKEN, FLY_TARGET),
        ("FLY_API_BASE_URL", "fly.graphql_url", FLY_TOKEN, FLY_TARGET),
        ("GITHUB_BASE_URL", "github.base_url", FLY_TOKEN, GITHUB_TARGET),
        ("NEON_BASE_URL", "neon.base_url", NEON_KEY, FLY_TARGET),
    ] {
        let mut story = Story::new();
        story.workspace.set(variable, "http://vendor.example.com");
        story.configure(&[source, targets]);
        let said = refused(&story, "plan", "");
        for part in [variable, argument, "allow_insecure"] {
            assert!(said.contains(part), "{variable}: {said}");
        }
    }
}

#[test]
fn an_endpoint_from_the_shared_aws_files_is_held_to_the_same_rules() {
    for (url, reason) in [
        ("http://ssm.example.com", "allow_insecure"),
        ("https://169.254.169.254", "link-local"),
    ] {
        let mut story = Story::new();
        let file = story.workspace.path().join("aws.ini");
        std::fs::write(&file, format!("[default]\nendpoint_url = {url}\n")).unwrap();
        story.workspace.set("AWS_CONFIG_FILE", file.to_str().unwrap());
        story.configure(&[FLY_TOKEN, SSM_TARGET, A_DAY]);
        let said = refused(&story, "apply", "AWS_ENDPOINT_URL");
        assert!(
            said.contains("the endpoint in the shared AWS configuration files cannot be used") && said.contains(reason),
            "{url}: {said}"
        );
    }
}

/// A proxy that refuses everybody, and repeats in head and body how they authenticated.
fn refusing_proxy() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 8192];
            let length = stream.read(&mut buffer).unwrap_or(0);
            let asked = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let shown = asked
                .lines()
                .find(|line| line.to_lowercase().starts_with("proxy-authorization"))
                .unwrap_or("nobody");
            let (_, credential) = shown.split_once(": ").unwrap_or_default();
            let answer = format!(
                "HTTP/1.1 407 {credential}\r\nx-echo: {credential}\r\ncontent-length: {}\r\n\r\n{credential}",
                credential.len()
            );
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    port
}

#[test]
fn the_password_of_a_proxy_shows_nowhere() {
    const PASSWORD: &str = "zj7Q2mV9xKp4";
    let mut watched = Watched::new();
    let proxy = format!("http://user:{PASSWORD}@127.0.0.1:{}", refusing_proxy());
    for (name, value) in [
        ("HTTPS_PROXY", proxy.as_str()),
        ("FLY_FLAPS_BASE_URL", "https://machines.example.com"),
        ("FLY_API_BASE_URL", "https://graphql.example.com"),
        ("AWS_ENDPOINT_URL", "https://ssm.example.com"),
        ("AWS_MAX_ATTEMPTS", "1"),
    ] {
        watched.story.workspace.set(name, value);
    }
    let random = "source = { random = { bytes = 32, encoding = \"hex\" } }";
    // On loopback no proxy stands between.
    let sandbox = watched.story.sandbox.export("SANDBOX_URL").to_owned();
    let elsewhere = "https://ssm.example.com".to_owned();
    for (source, target, settings, vendor) in [
        (FLY_TOKEN, FLY_TARGET, [("AWS_ENDPOINT_URL_SSM", &elsewhere)], "Fly"),
        (random, SSM_TARGET, [("AWS_ENDPOINT_URL_SSM", &sandbox)], "AWS STS"),
        (random, SSM_TARGET, [("AWS_ENDPOINT_URL_SSM", &elsewhere)], "AWS SSM"),
    ] {
        for (name, value) in settings {
            watched.story.workspace.set(name, value);
        }
        watched.story.configure(&[source, target]);
        let (status, said) = watched.run(&["apply", "-auto-approve"]);
        assert_eq!(status, Some(1), "{said}");
        assert!(
            crate::story::unframed(&said).contains(&format!("{vendor} could not be reached")),
            "{vendor}: {said}"
        );
    }
    watched.expect_only_in_environments(PASSWORD);
    watched.expect_only_in_environments(&STANDARD.encode(format!("user:{PASSWORD}")));
    watched.nothing_leaked(0);
}
