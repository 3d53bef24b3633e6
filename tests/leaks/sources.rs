//! Values of every shape: a password inside a URI, keys in PEM and JWK, random text, what a person supplies.

use crate::story::{A_DAY, resource};
use crate::terraform_cores::Core;
use crate::watch::Watched;

/// A target that holds a part, or a text made of parts.
fn parameter(name: &str, what: &str) -> String {
    format!("{name} = {{ {what}, ssm_parameter = {{ name = \"/leaks/{name}\" }} }}")
}

#[test]
fn a_password_inside_a_uri_and_an_api_key_show_nowhere() {
    let place = "project_id = \"quiet-river-12345678\", branch_id = \"br-main-123456\"";
    let password = format!(
        "source = {{ neon_role_password = {{ {place}, role = \"app\", alternate_role = \"app_b\" }} }}\n  targets = {{\n    {}\n    {}\n    {}\n  }}",
        parameter("uri", "part = \"uri\""),
        parameter(
            "templated",
            "template = \"postgres://{{ username | urlencode }}:{{ password | urlencode }}@db.internal/x\""
        ),
        parameter(
            "json",
            "template = \"{\\\"password\\\": \\\"{{ password | json }}\\\"}\""
        ),
    );
    let key = format!(
        "source = {{ neon_api_key = {{}} }}\n  targets = {{ {} }}",
        parameter("key", "part = \"value\"")
    );
    let mut watched = Watched::new();
    for reason in ["first", "second"] {
        let reason = format!("rotation_reason = {reason:?}");
        watched.story.write(&format!(
            "{}{}",
            resource("password", "DATABASE_URL", &[&password, &reason, A_DAY]),
            resource("key", "NEON_API_KEY", &[&key, &reason, A_DAY])
        ));
        watched.succeeds(&["plan", "-out=saved"]);
        watched.succeeds(&["apply", "saved"]);
    }
    // Of two generations: key, password, URI, two templates.
    watched.nothing_leaked(10);
    watched.saw(&["file terraform.tfstate.backup", "file saved, opened"]);
}

#[test]
fn generated_keys_and_random_values_show_nowhere() {
    let mut watched = Watched::new();
    for reason in ["first", "second"] {
        let reason = format!("rotation_reason = {reason:?}");
        let mut configuration = String::new();
        for algorithm in ["ed25519", "ecdsa_p256", "rsa_2048"] {
            let lines = format!(
                "source = {{ key_pair = {{ algorithm = {algorithm:?} }} }}\n  targets = {{\n    {}\n    {}\n    {}\n  }}",
                parameter(&format!("{algorithm}_pem"), "part = \"private_key_pem\""),
                parameter(&format!("{algorithm}_jwk"), "part = \"private_jwk\""),
                parameter(&format!("{algorithm}_public"), "part = \"public_jwk\""),
            );
            configuration += &resource(algorithm, &algorithm.to_uppercase(), &[&lines, &reason]);
        }
        for (name, source) in [
            ("hex", "random = { bytes = 32, encoding = \"hex\" }"),
            (
                "ascii",
                "random = { length = 40, charset = \"ascii\", prefix = \"sk_live_\", checksum = true }",
            ),
            ("fernet", "fernet_key = {}"),
        ] {
            // Parameter Store refuses "{{", which printable characters may hold.
            let target = format!(
                "{name} = {{ fly_secret = {{ app = \"molecule-worker\", name = \"LEAKS_{}\" }} }}",
                name.to_uppercase()
            );
            let lines = format!("source = {{ {source} }}\n  targets = {{ {target} }}");
            configuration += &resource(name, &name.to_uppercase(), &[&lines, &reason]);
        }
        watched.story.write(&configuration);
        watched.succeeds(&["plan", "-out=saved"]);
        watched.succeeds(&["apply", "saved"]);
    }
    // Two generations of two private forms of three keys, and of three random values.
    watched.nothing_leaked(18);
}

#[test]
fn a_supplied_value_shows_nowhere_even_where_every_target_refuses_it() {
    a_supplied_value_under(Core::Installed);
}

#[test]
fn a_supplied_value_shows_nowhere_under_terraform_1_15() {
    a_supplied_value_under(Core::Terraform115);
}

fn a_supplied_value_under(core: Core) {
    let variable = "variable \"value\" {\n  type      = string\n  ephemeral = true\n}\n";
    let targets = "targets = {\n    app = { fly_secret = { app = \"molecule-cp\" } }\n    repository = { github_actions_secret = { repository = \"molecule-monorepo\" } }\n    \
                   parameter = { ssm_parameter = { name = \"/leaks/provided\" } }\n  }";
    let aside = tempfile::tempdir().unwrap();
    let mut watched = Watched::under(core);
    // The user's own file; through TF_VAR_… the value would be in every process's environment, by the user's doing.
    for (version, value) in [(1, "first-5f1d7a90c3-by-hand"), (2, "s3cond/8e2b+6d41f7\"by hand\"")] {
        let file = aside.path().join(format!("{version}.tfvars"));
        std::fs::write(&file, format!("value = {value:?}\n")).unwrap();
        let file = format!("-var-file={}", file.display());
        let source = format!("source = {{ provided = {{}} }}\n  value_wo = var.value\n  value_wo_version = {version}");
        watched.story.write(&format!(
            "{variable}{}",
            resource("it", "SUPPLIED", &[&source, targets])
        ));
        watched.expect_nowhere(value);
        if version == 2 {
            for write in ["POST /v1/apps/molecule-cp/secrets", "PUT /repos", "PutParameter"] {
                watched.story.sandbox.fault(write, 1, "forbidden");
            }
            let (status, said) = watched.run(&["apply", "-auto-approve", &file]);
            assert_eq!(status, Some(1), "{said}");
            assert_eq!(said.matches("Error: ").count(), 3, "{said}");
            watched.story.sandbox.heal();
        }
        watched.succeeds(&["plan", "-out=saved", &file]);
        watched.succeeds(&["apply", &file, "saved"]);
    }
    watched.nothing_leaked(2);
    watched.saw(&["file terraform.tfstate.backup", "file saved, opened"]);
}
