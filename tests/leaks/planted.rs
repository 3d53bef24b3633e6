//! The search itself: it finds what was planted in every form, and is silent about what is public.

use serde_json::json;

use crate::canary::{Canary, OWN, held};
use crate::evidence::Evidence;
use crate::needles::{Needles, forms};
use crate::sandbox::Sandbox;

const FLY: &str = "FlyV1 fm2_cGVybWlzc2lvbi0xMS0xYTJiM2M0ZDVlNmY3ZThk,fm2_ZGlzY2hhcmdlLTExLTZmN2U4ZDljMWEyYjNjNGQ1ZTZm";
const ODD: &str = "p@ss/wörd+\"q\\uote\" 100%&=?é";
const URI: &str = "postgresql://app:p%40ss%2Fw0rd-9f3a71c2@ep-quiet.example.com/neondb?sslmode=require";
const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAV2vHt8c0kVhQm0m9S7b5aZ1x3pR2uYwE6nT4qLk8Jd\n-----END PRIVATE KEY-----\n";
const JWK: &str = r#"{"crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn needles() -> Needles {
    Needles::of(&[FLY, ODD, URI, PEM, JWK].map(Canary::of))
}

/// What gives each value away; eight characters, or more.
const TELLING: [&str; 5] = [
    "NGQ1ZTZm",
    "wörd+\"q\\uote\"",
    "p@ss/w0rd-9f3a71c2",
    "8c0kVhQm0",
    "nWGxne_9",
];

#[test]
fn a_whole_value_is_found_in_every_form() {
    let needles = needles();
    for value in [FLY, ODD, URI, PEM, JWK] {
        for (form, text) in forms(value) {
            let content = format!("{{\"x\": \"{text}\"}}");
            assert!(
                needles.found(content.as_bytes()).is_some(),
                "{value} in the form {form}: {content}"
            );
        }
    }
}

#[test]
fn eight_characters_of_a_secret_part_are_found_in_every_form() {
    let needles = needles();
    for part in TELLING {
        for (form, text) in forms(part) {
            let content = format!("{{\"x\": \"{text}\"}}");
            assert!(
                needles.found(content.as_bytes()).is_some(),
                "{part} in the form {form}: {content}"
            );
        }
    }
}

#[test]
fn a_value_inside_something_that_is_encoded_as_a_whole_is_found_wherever_it_stands() {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let needles = needles();
    for before in ["", "a", "ab", "abc", "user:"] {
        for after in ["", "z", "zz", "}"] {
            for part in TELLING {
                let whole = format!("{before}{part}{after}");
                for encoded in [STANDARD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
                    assert!(needles.found(encoded.as_bytes()).is_some(), "{whole}: {encoded}");
                }
            }
        }
    }
}

#[test]
fn seven_characters_and_public_text_are_not_taken_for_a_value() {
    let needles = needles();
    for text in [
        "GQ1ZTZm",
        "kZcDusA",
        "FlyV1 fm2_cGVybWlzc2lvbi0xMi1",
        "postgresql://app@ep-quiet.example.com/neondb?sslmode=require",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI",
        r#""kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#,
        "rotate: every 60d, due since 2026-11-22T07:28:00Z",
        "FLY_API_TOKEN-rot-02d383de8e4b-g2",
    ] {
        assert_eq!(needles.found(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn eight_characters_of_what_a_run_authenticates_with_are_found_and_what_every_sandbox_has_is_not() {
    let sandbox = Sandbox::start();
    for name in OWN {
        let canary = Canary::of(sandbox.export(name));
        let needles = Needles::of([&canary]);
        let secret: Vec<char> = canary.secret.concat().chars().collect();
        assert!(secret.len() >= 16, "{canary:?}");
        for eight in secret.windows(8) {
            let eight: String = eight.iter().collect();
            assert!(needles.found(eight.as_bytes()).is_some(), "{name}: {eight}");
        }
        for text in [
            "FlyV1 fm2_c2FuZGJveC1wZXJtaXQt",
            "ghp_sandbox, napi_sandbox_, sandbox/secret/access/key/",
        ] {
            assert_eq!(needles.found(text.as_bytes()), None, "{name}: {text}");
        }
    }
}

#[test]
fn archives_and_private_state_are_opened() {
    let directory = tempfile::tempdir().unwrap();
    let program = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)\nz.writestr('tfplan', 'x' * 99 + sys.argv[2])";
    let zipped = std::process::Command::new("python3")
        .args(["-c", program])
        .arg(directory.path().join("saved"))
        .arg(FLY)
        .status()
        .unwrap();
    assert!(zipped.success());
    let private = forms(&format!("{{\"kept\":{:?}}}", ODD));
    let private = &private.iter().find(|(form, _)| *form == "base64").unwrap().1;
    let state = json!({ "resources": [{ "instances": [{ "private": private }] }] });
    std::fs::write(directory.path().join("terraform.tfstate"), state.to_string()).unwrap();
    let mut evidence = Evidence::default();
    evidence.add_files(directory.path());
    let leaks = evidence.leaks(&needles(), "").join("\n");
    assert!(leaks.contains("file saved, opened: "), "{leaks}");
    assert!(leaks.contains("file terraform.tfstate, private state: "), "{leaks}");
}

#[test]
fn every_value_that_the_vendors_hold_is_searched_for_and_nothing_public() {
    let state = json!({
        "fly": {
            "apps": { "a": { "secrets": { "S": { "value": "in-an-app", "digest": "0123456789" } }, "machines": { "m": { "env": { "S": "in-a-machine" } } } } },
            "tokens": [{ "id": "tok_000001", "name": "x-rot-1", "value": FLY }]
        },
        "github": { "repositories": { "o/r": { "secrets": { "S": { "value": "in-a-repository" } }, "environments": { "e": { "secrets": { "S": { "value": "in-an-environment" } } } } } } },
        "neon": { "api_keys": [{ "value": "an-api-key" }], "projects": { "p": { "roles": { "r": { "password": "in-force", "coming": "in-force-soon" } } } } },
        "aws": { "ssm": { "/p": { "value": "-----BEGIN PUBLIC KEY-----\n", "description": "described" }, "/q": { "value": "in-a-parameter" } } },
    });
    let expected = [
        FLY,
        "an-api-key",
        "in-a-machine",
        "in-a-parameter",
        "in-a-repository",
        "in-an-app",
        "in-an-environment",
        "in-force",
        "in-force-soon",
    ];
    assert_eq!(held(&state), expected);
}
