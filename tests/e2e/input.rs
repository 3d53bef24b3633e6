//! Mistakes in the configuration: each is found before any vendor is asked, names its place, and says what is allowed.

use crate::story::{A_DAY, FLY_TARGET, FLY_TOKEN, Story, resource, unframed};

pub(crate) const SSM: &str = "targets = { a = { ssm_parameter = { name = \"/a\" } } }";
pub(crate) const NEON_ROLE: &str = "source = { neon_role_password = { project_id = \"quiet-river-12345678\", branch_id = \"br-main-123456\", role = \"app\" } }";
pub(crate) const FLY_PASSWORD: &str =
    "targets = { a = { part = \"password\", fly_secret = { app = \"molecule-cp\" } } }";
pub(crate) const RANDOM: &str = "source = { random = { bytes = 32, encoding = \"hex\" } }";

/// The lines of a resource, and what the error must say.
const MISTAKES: &[(&[&str], &[&str])] = &[
    (
        &[
            "source = { fly_token = { app = \"a\" }, random = { bytes = 32, encoding = \"hex\" } }",
            SSM,
        ],
        &[
            "source has 2 kinds: random, fly_token",
            "Set exactly one of random, fernet_key",
        ],
    ),
    (
        &["source = {}", SSM],
        &["source has no kind", "Set exactly one of", "fly_token"],
    ),
    (
        &["source = { fly_tokn = { app = \"a\" } }", SSM],
        &["source.fly_tokn is not an argument", "Did you mean `fly_token`?"],
    ),
    (
        &["source = { fly_token = {} }", SSM],
        &["source.fly_token", "requires app or organization"],
    ),
    (
        &[
            RANDOM,
            "targets = { a = { ssm_parameter = { name = \"/a\" }, fly_secret = { app = \"a\" } } }",
        ],
        &[
            "targets[\"a\"] has 2 kinds: fly_secret, ssm_parameter",
            "Set exactly one of",
        ],
    ),
    (
        &[RANDOM, "targets = { a = { wave = 1 } }"],
        &[
            "targets[\"a\"] has no kind",
            "Set exactly one of",
            "github_actions_secret",
        ],
    ),
    (&[RANDOM, "targets = {}"], &["targets is empty"]),
    (
        &[RANDOM, SSM, "revoke {\n mode = \"never\"\n }"],
        &["revoke.mode must be one of", "automatic", "manual"],
    ),
    (
        &[RANDOM, SSM, "rotation {\n every = \"90 days\"\n }"],
        &["rotation.every is not a duration", "\"90d\""],
    ),
    (
        &[RANDOM, SSM, "rotation {\n every = \"0s\"\n }"],
        &["rotation.every must be longer than zero"],
    ),
    (
        &[RANDOM, SSM, "rotation {\n every = \"1d\"\n early = \"2d\"\n }"],
        &["rotation.early must be shorter"],
    ),
    (
        &[RANDOM, SSM, "rotation {\n early = \"2d\"\n }"],
        &["rotation.early requires rotation.every"],
    ),
    (&[RANDOM, SSM, "overlap = \"soon\""], &["overlap is not a duration"]),
    (
        &[RANDOM, SSM, "on_drift = \"ignore\""],
        &["on_drift must be one of", "heal", "report"],
    ),
    (
        &[RANDOM, SSM, "on_existing = \"keep\""],
        &["on_existing must be one of", "refuse", "replace"],
    ),
    (
        &[RANDOM, SSM, "on_destroy = \"keep\""],
        &["on_destroy must be one of", "revoke", "abandon"],
    ),
    (
        &[
            RANDOM,
            "targets = { a = { wave = 0, ssm_parameter = { name = \"/a\" } } }",
        ],
        &["targets[\"a\"].wave", "whole number from 1"],
    ),
    (
        &[
            RANDOM,
            "targets = { a = { wave = 1.5, ssm_parameter = { name = \"/a\" } } }",
        ],
        &["targets[\"a\"].wave", "whole number"],
    ),
    (
        &[
            RANDOM,
            "targets = { a = { on_remove = \"drop\", ssm_parameter = { name = \"/a\" } } }",
        ],
        &["targets[\"a\"].on_remove must be one of", "delete", "keep"],
    ),
    (
        &[
            RANDOM,
            "targets = { a = { template = \"{{ password }}\", ssm_parameter = { name = \"/a\" } } }",
        ],
        &["targets[\"a\"]", "password", "value"],
    ),
    (
        &[
            RANDOM,
            "targets = { a = { template = \"{{ value | rot13 }}\", ssm_parameter = { name = \"/a\" } } }",
        ],
        &["targets[\"a\"]", "rot13", "urlencode"],
    ),
    (
        &[
            RANDOM,
            "targets = { a = { part = \"username\", ssm_parameter = { name = \"/a\" } } }",
        ],
        &["targets[\"a\"]", "username", "value"],
    ),
    (
        &[
            "source = { random = { bytes = 32, encoding = \"hex\", length = 40, charset = \"digits\" } }",
            SSM,
        ],
        &["bytes", "length"],
    ),
    (
        &["source = { random = { length = 8, charset = \"digits\" } }", SSM],
        &["source.random.length", "96 are required"],
    ),
    (
        &["source = { random = { bytes = 32, encoding = \"base32\" } }", SSM],
        &["encoding must be one of", "base64url"],
    ),
    (
        &[RANDOM, "targets = { a = { ssm_parameter = { name = \"/aws/a\" } } }"],
        &["ssm_parameter.name", "aws"],
    ),
    (
        &[
            RANDOM,
            "targets = { a = { github_actions_secret = { repository = \"m\", name = \"GITHUB_X\" } } }",
        ],
        &["github_actions_secret", "GITHUB_"],
    ),
    (
        &[
            FLY_TARGET,
            "source = { fly_token = { app = \"a\", expires_in = \"30d\" } }",
            "overlap = \"1d\"",
            "rotation {\n every = \"30d\"\n }",
        ],
        &["every + overlap is longer than the credential is valid"],
    ),
    (
        &[
            "source = { fly_token = { app = \"molecule-cp\", expires_in = \"1d\" } }",
            "targets = { a = { github_actions_secret = { repository = \"m\" } } }",
        ],
        &[
            "overlap is not shorter than the credential is valid",
            "overlap is 24h",
            "default",
        ],
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { http = { url = \"https://me:secret@example.com/\" } } }",
        ],
        &["checks[\"up\"].http.url", "user"],
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { http = { url = \"https://example.com/\", headers = { Authorization = \"Bearer abcdef\" } } } }",
        ],
        &["checks[\"up\"].http.headers", "into the headers of a connection"],
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { wave = 3, http = { url = \"https://example.com/\" } } }",
        ],
        &["No target is in wave 3"],
    ),
    (
        &[
            FLY_TOKEN,
            FLY_TARGET,
            "checks = { up = { http = { url = \"https://example.com/\", credential = \"previous\", headers = { X-Old = \"{{ value }}\" } } } }",
        ],
        &[
            "checks[\"up\"].http.credential",
            "The value of the previous credential cannot be recovered",
        ],
    ),
    (
        &["source = { random = { bytes = 32 } }", SSM],
        &["source.random.encoding is required", "With bytes, choose", "base64url"],
    ),
    (
        &["source = { random = { bytes = 5000, encoding = \"hex\" } }", SSM],
        &[
            "source.random.bytes must be a whole number from 1 to 4096",
            "It is 5000.",
        ],
    ),
    (
        &["source = { fly_token = { app = \"a\", type = \"org\" } }", SSM],
        &["source.fly_token.type must be \"deploy\"", "It is \"org\"."],
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { timeout = \"0s\", http = { url = \"https://example.com/\" } } }",
        ],
        &["checks[\"up\"].timeout must be longer than zero"],
    ),
    (
        &[RANDOM, SSM, "label_prefix = \"a b\""],
        &["label_prefix", "letters, digits"],
    ),
    (
        &[RANDOM, SSM, "label_prefix = format(\"%0129d\", 0)"],
        &["label_prefix is too long", "It has 129 characters", "at most 128"],
    ),
    (
        &[
            "source = { random = { bytes = 32, encoding = \"hex\", prefix = \"a\\n\" } }",
            SSM,
        ],
        &["It contains '\\n'", "not printable ASCII"],
    ),
    (
        &[
            "source = { random = { bytes = 32, encoding = \"hex\", prefix = format(\"%065d\", 0) } }",
            SSM,
        ],
        &["source.random.prefix cannot be used", "at most 64"],
    ),
    (
        &[
            RANDOM,
            "targets = { a = { template = \"DATABASE_URL=user:literal@host/{{ value }}\", ssm_parameter = { name = \"/a\" } } }",
        ],
        &["contains a password in plain text"],
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { http = { url = \"https://example.com/\", headers = { Content-Length = \"3\" } } } }",
        ],
        &[
            "checks[\"up\"].http.headers[\"Content-Length\"] cannot be set",
            "Remove it",
        ],
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { http = { url = \"https://example.com/?access_token=abcdef\" } } }",
        ],
        &[
            "checks[\"up\"].http.url cannot be used",
            "access_token",
            "into the headers of a connection",
        ],
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { http = { url = \"https://example.com/\", headers = { Authorization = \"Bearer abc{{ value }}\" } } } }",
        ],
        &[
            "checks[\"up\"].http.headers[\"Authorization\"] contains a credential in plain text",
            "into the headers of a connection",
        ],
    ),
    (
        &[
            "source = { neon_api_key = {} }",
            SSM,
            "label_prefix = format(\"%040d\", 0)",
        ],
        &[
            "label_prefix is too long for names of neon_api_key",
            "allows 64 characters",
            "at most 39 characters",
        ],
    ),
    (
        &[
            RANDOM,
            "targets = { a = { part = \"value\", template = \"x={{ value }}\", ssm_parameter = { name = \"/a\" } } }",
        ],
        &["template and part cannot both be set", "Remove `part`"],
    ),
    (
        &[
            RANDOM,
            "targets = { a = { template = \"DATABASE_HOST=db.example.com\", ssm_parameter = { name = \"/a\" } } }",
        ],
        &["template uses no part", "parts: value"],
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { wave = 1, phase = \"preflight\", http = { url = \"https://example.com/\" } } }",
        ],
        &[
            "wave is only for checks with phase = \"delivered\"",
            "Remove `wave` or `phase`",
        ],
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { wave = 1, phase = \"revoked\", http = { url = \"https://example.com/\" } } }",
        ],
        &[
            "wave is only for checks with phase = \"delivered\"",
            "Remove `wave` or `phase`",
        ],
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { phase = \"preflight\", http = { url = \"https://example.com/\", headers = { X-New = \"{{ value }}\" } } } }",
        ],
        &[
            "A preflight check cannot present the new credential",
            "credential = \"previous\" or \"none\"",
        ],
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { http = { url = \"https://example.com/\", headers = { X-User = \"{{ username }}\" } } } }",
        ],
        &["refers to the unknown part \"username\"", "these parts: value"],
    ),
    (
        &[NEON_ROLE, SSM],
        &["targets[\"a\"]", "part", "password, username, host, uri"],
    ),
    (
        &[
            NEON_ROLE,
            "targets = { a = { part = \"value\", ssm_parameter = { name = \"/a\" } } }",
        ],
        &["targets[\"a\"]", "value", "password, username, host, uri"],
    ),
    (
        &["source = { provided = { value_wo = \"v\" } }", SSM],
        &["source.provided.value_wo is not an argument"],
    ),
    (
        &[RANDOM, SSM, "value_wo = \"v\""],
        &["value_wo cannot be used with source random"],
    ),
    (
        &[
            RANDOM,
            "targets = { a = { wave = \"two\", ssm_parameter = { name = \"/a\" } } }",
        ],
        &["targets[\"a\"].wave", "number"],
    ),
    (&[RANDOM, "targets = [\"a\"]"], &["targets", "map"]),
    (
        &[RANDOM, "targets = { a = { ssm_parameter = [{ name = \"/a\" }] } }"],
        &["targets[\"a\"].ssm_parameter", "object"],
    ),
    (
        &[RANDOM, SSM, "info = { onwer = \"platform\" }"],
        &["info[\"onwer\"] is not a key of info", "Did you mean `owner`?"],
    ),
    (&[FLY_TOKEN, SSM], &["overlap is required", "target a", "Set `overlap`"]),
    (
        &[
            FLY_TOKEN,
            "targets = { a = { render_env_variable = { service_id = \"srv-d1control0000000001\" } } }",
            "activations = { d = { render_deploy = { service_id = \"srv-d1worker00000000002\" } } }",
        ],
        &[
            "overlap is required",
            "target a",
            "The activations of their wave do not restart all of them",
        ],
    ),
    (
        &[
            FLY_TOKEN,
            "targets = { a = { render_env_group_variable = { env_group_id = \"evg-d1production00000003\" } } }",
            "activations = { d = { render_deploy = { env_group_id = \"evg-d1staging00000004\" } } }",
        ],
        &[
            "overlap is required",
            "target a",
            "for an environment group, one with its `env_group_id` does",
        ],
    ),
    (
        &[
            FLY_TOKEN,
            "targets = { a = { render_env_group_variable = { env_group_id = \"evg-d1production00000003\" } } }",
            "activations = { d = { render_deploy = { service_id = \"srv-d1worker00000000002\" } } }",
        ],
        &[
            "overlap is required",
            "target a",
            "for an environment group, one with its `env_group_id` does",
        ],
    ),
    (
        &[
            FLY_TOKEN,
            "targets = { a = { render_env_variable = { service_id = \"srv-d1control0000000001\" } } }",
            "activations = { d = { render_deploy = { env_group_id = \"evg-d1production00000003\" } } }",
        ],
        &["overlap is required", "target a", "do not restart all of them"],
    ),
    (
        &[
            FLY_TOKEN,
            "targets = { a = { vercel_env = { project_id = \"prj_example\", target = [\"production\", \"preview\"] } } }",
            "activations = { d = { vercel_redeploy = { project_id = \"prj_example\" } } }",
        ],
        &[
            "overlap is required",
            "target a",
            "The activations of their wave do not restart all of them",
        ],
    ),
    (
        &[
            FLY_TOKEN,
            "targets = { a = { railway_variable = { project_id = \"0e6f3a52-6d3c-4f0e-9a5e-3b8f6f1f0a01\", environment_id = \"0e6f3a52-6d3c-4f0e-9a5e-3b8f6f1f0a02\", service_id = \"0e6f3a52-6d3c-4f0e-9a5e-3b8f6f1f0a03\" } } }",
            "activations = { d = { railway_redeploy = { environment_id = \"0e6f3a52-6d3c-4f0e-9a5e-3b8f6f1f0a02\", service_id = \"0e6f3a52-6d3c-4f0e-9a5e-3b8f6f1f0a04\" } } }",
        ],
        &[
            "overlap is required",
            "target a",
            "The activations of their wave do not restart all of them",
        ],
    ),
    (
        &[
            RANDOM,
            "targets = { a = { vercel_env = { project_id = \"prj_example\", target = [\"production\"], name = \"KEY\" } } }",
            "checks = { c = { vercel_deployment = { project_id = \"prj_example\", variable = \"KEYS\" } } }",
        ],
        &[
            "checks[\"c\"].vercel_deployment names no target",
            "this secret writes KEY, not KEYS",
        ],
    ),
    (
        &[RANDOM, SSM, "generation = 7"],
        &["generation is a read-only attribute"],
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { http = { url = \"https://example.com/\", method = \"POST\" } } }",
        ],
        &["checks[\"up\"]", "effects = true"],
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { http = { url = \"https://example.com/\", headers_wo = { A = \"b\" } } } }",
        ],
        &["checks[\"up\"].http.headers_wo is not an argument"],
    ),
    (
        &[RANDOM, SSM, "rotation_reason = true"],
        &["rotation_reason is not a reason", "true"],
    ),
    (
        &[RANDOM, SSM, "rotation_reason = 2"],
        &["rotation_reason is not a reason", "2"],
    ),
    (
        &[RANDOM, SSM, "rotation_reason = \"null\""],
        &["rotation_reason is not a reason", "null"],
    ),
    (
        &[RANDOM, SSM, "rotation_reason = \"  \""],
        &["rotation_reason is not a reason", "It is blank"],
    ),
    (
        &[RANDOM, SSM, "rotation_reason = \"a\\u001b[31mb\""],
        &["rotation_reason is not a reason", "control character", "chomp()"],
    ),
];

#[test]
fn every_mistake_is_found_by_validate_and_says_where_and_what_is_allowed() {
    let story = Story::new();
    let mut wrong = Vec::new();
    for (lines, wanted) in MISTAKES {
        story.configure(lines);
        let outcome = story.run(&["validate"]);
        let said = unframed(&outcome.output);
        if outcome.status != 1 {
            wrong.push(format!("{lines:?} is accepted:\n{said}"));
            continue;
        }
        let missing: Vec<_> = wanted.iter().filter(|text| !said.contains(**text)).collect();
        if !missing.is_empty() {
            wrong.push(format!("{lines:?} does not say {missing:?}:\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(story.sandbox.calls().is_empty());
}

/// A key that is misspelt somewhere in a secret that is otherwise right: its path, and the key that was meant.
const MISSPELT: &[(&[&str], &str, &str)] = &[
    (
        &["source = { fly_token = { ap = \"a\" } }", FLY_TARGET],
        "source.fly_token.ap",
        "app",
    ),
    (
        &[
            "source = { fly_token = { app = \"a\", expire_in = \"30d\" } }",
            FLY_TARGET,
        ],
        "source.fly_token.expire_in",
        "expires_in",
    ),
    (
        &["source = { randm = { bytes = 32, encoding = \"hex\" } }", SSM],
        "source.randm",
        "random",
    ),
    (
        &["source = { random = { bytes = 32, encodng = \"hex\" } }", SSM],
        "source.random.encodng",
        "encoding",
    ),
    (
        &[
            NEON_ROLE,
            "targets = { a = { parts = \"uri\", ssm_parameter = { name = \"/a\" } } }",
        ],
        "targets[\"a\"].parts",
        "part",
    ),
    (
        &[
            RANDOM,
            "targets = { a = { waves = 2, ssm_parameter = { name = \"/a\" } } }",
        ],
        "targets[\"a\"].waves",
        "wave",
    ),
    (
        &[
            RANDOM,
            "targets = { a = { onremove = \"keep\", ssm_parameter = { name = \"/a\" } } }",
        ],
        "targets[\"a\"].onremove",
        "on_remove",
    ),
    (
        &[
            RANDOM,
            "targets = { a = { tempalte = \"x={{ value }}\", ssm_parameter = { name = \"/a\" } } }",
        ],
        "targets[\"a\"].tempalte",
        "template",
    ),
    (
        &[
            RANDOM,
            "targets = { a = { github_actions_secret = { repository = \"m\", environmnet = \"production\" } } }",
        ],
        "targets[\"a\"].github_actions_secret.environmnet",
        "environment",
    ),
    (
        &[
            RANDOM,
            "targets = { a = { fly_secret = { app = \"a\", staged = true } } }",
        ],
        "targets[\"a\"].fly_secret.staged",
        "stage",
    ),
    (
        &[RANDOM, "targets = { a = { ssm_paramter = { name = \"/a\" } } }"],
        "targets[\"a\"].ssm_paramter",
        "ssm_parameter",
    ),
    (
        &[
            RANDOM,
            "targets = { \"a b\" = { ssm_parameter = { name = \"/a\", keyid = \"alias/x\" } } }",
        ],
        "targets[\"a b\"].ssm_parameter.keyid",
        "key_id",
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { http = { url = \"https://example.com/\", expect_statuses = [200] } } }",
        ],
        "checks[\"up\"].http.expect_statuses",
        "expect_status",
    ),
    (
        &[
            RANDOM,
            SSM,
            "checks = { up = { retryfor = \"1m\", http = { url = \"https://example.com/\" } } }",
        ],
        "checks[\"up\"].retryfor",
        "retry_for",
    ),
];

#[test]
fn a_misspelt_key_is_refused_with_its_path_and_the_key_that_was_meant() {
    let story = Story::new();
    let mut wrong = Vec::new();
    for (lines, path, meant) in MISSPELT {
        story.configure(lines);
        let outcome = story.run(&["validate"]);
        let said = unframed(&outcome.output);
        let errors = said.matches("Error: ").count();
        let missing = [format!("{path} is not an argument"), format!("Did you mean `{meant}`?")];
        let missing: Vec<_> = missing.iter().filter(|text| !said.contains(text.as_str())).collect();
        if outcome.status != 1 || errors != 1 || !missing.is_empty() {
            wrong.push(format!("{lines:?} does not say {missing:?} once:\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(story.sandbox.calls().is_empty());
}

#[test]
fn a_name_that_no_vendor_could_keep_is_refused() {
    let story = Story::new();
    for (name, wanted) in [
        ("n".repeat(256), &["name cannot be used", "at most 255 are allowed"][..]),
        (
            "n".repeat(129),
            &[
                "name is too long for names at vendors",
                "Set label_prefix",
                "at most 128",
            ],
        ),
        ("a\nb".to_owned(), &["name cannot be used", "line break"]),
    ] {
        story.write(&resource("it", &name, &[RANDOM, SSM]));
        let said = story.refused("validate");
        assert!(wanted.iter().all(|text| said.contains(text)), "{said}");
    }
    // Some vendors keep less, and then it is their limit that counts.
    story.write(&resource(
        "it",
        &"n".repeat(40),
        &["source = { neon_api_key = {} }", SSM],
    ));
    let said = story.refused("validate");
    assert!(said.contains("name is too long for names of neon_api_key"), "{said}");
    story.write(&resource(
        "it",
        &"n".repeat(129),
        &[RANDOM, SSM, "label_prefix = \"n\""],
    ));
    story.run(&["validate"]).success();
}

#[test]
fn an_empty_block_and_null_arguments_count_as_absent() {
    let story = Story::new();
    story.configure(&[
        RANDOM,
        SSM,
        "rotation {}",
        "revoke {}",
        "checks = null",
        "rotation_reason = null",
        "generation = null",
    ]);
    story.apply();
    let attributes = story.attributes();
    assert_eq!(attributes["rotate_after"], serde_json::Value::Null);
    story.configure(&[
        RANDOM,
        SSM,
        "rotation {\n every = null\n }",
        "revoke {\n mode = null\n }",
    ]);
    story.settled();
}

#[test]
fn what_may_be_a_mistake_is_a_warning_that_says_what_may_come_of_it() {
    let story = Story::new();
    let github = "targets = { image = { github_actions_secret = { repository = \"molecule-monorepo\" } } }";
    for (lines, wanted) in [
        (
            &[FLY_TOKEN, github, "overlap = \"1h\""][..],
            &[
                "FLY_API_TOKEN: the overlap may be too short",
                "keeps the old value of image for up to 24h",
                "With overlap = \"1h\" the old credential may be revoked while it is still in use.",
            ][..],
        ),
        // By itself it is long enough; who has nothing to revoke, or nobody to wait for, needs none.
        (&[FLY_TOKEN, github], &[]),
        (&[FLY_TOKEN, github, "overlap = \"24h\""], &[]),
        (&[FLY_TOKEN, FLY_TARGET, "overlap = \"0s\""], &[]),
        (&[RANDOM, github, "overlap = \"0s\""], &[]),
    ] {
        story.configure(lines);
        let said = unframed(&story.run(&["plan"]).success());
        assert!(wanted.iter().all(|text| said.contains(text)), "{lines:?}: {said}");
        assert_eq!(
            said.contains("the overlap may be too short"),
            !wanted.is_empty(),
            "{lines:?}: {said}"
        );
    }
}

#[test]
fn a_mistake_inside_the_source_shows_the_line_of_the_source() {
    let story = Story::new();
    story.configure(&["source = { random = { bytes = 5, encoding = \"hex\" } }", SSM]);
    let said = story.refused("validate");
    assert!(said.contains("5 gives 40 bits"), "{said}");
    assert!(said.contains("bytes = 5, encoding"), "{said}");
    // And what lies in a block keeps its own line.
    story.configure(&[RANDOM, SSM, "rotation {\n every = \"soon\"\n }"]);
    let said = story.refused("validate");
    assert!(said.contains("every = \"soon\""), "{said}");
}

#[test]
fn what_is_known_only_after_apply_is_legal_anywhere() {
    let story = Story::new();
    let inputs = "resource \"terraform_data\" \"later\" {\n  input = { app = \"molecule-cp\", parameter = \"/later\", template = \"x {{ value }}\", every = \"30d\", wave = 2 }\n}\n";
    let resource = r#"
resource "rotation_secret" "it" {
  name    = "LATER"
  overlap = "24h"
  source  = { fly_token = { app = terraform_data.later.output.app } }
  targets = {
    a = { ssm_parameter = { name = terraform_data.later.output.parameter } }
    b = { wave = terraform_data.later.output.wave, template = terraform_data.later.output.template, fly_secret = { app = "molecule-cp" } }
  }
  rotation {
    every = terraform_data.later.output.every
  }
}
"#;
    story.write(&format!("{inputs}{resource}"));
    let plan = story.plan();
    assert!(plan.contains("Plan: 2 to add"), "{plan}");
    story.apply();
    assert_eq!(story.attributes()["deliveries"]["b"]["generation"], 1);
}

#[test]
fn what_may_turn_out_null_excludes_nothing() {
    let story = Story::new();
    let null = |value: &str| format!("(terraform_data.later.output == \"other\" ? {value} : null)");
    let ssm = |name: &str| format!("targets = {{ a = {{ ssm_parameter = {{ name = {name:?} }} }} }}");
    let checked = |more: &str| {
        let platform = "url = \"${terraform_data.platform.output}/health\"";
        format!(
            "checks = {{ up = {{ http = {{ {platform}, method = \"HEAD\", expect_status = [200, 404], {more} }} }} }}"
        )
    };
    let cases = [
        (
            RANDOM.to_owned(),
            format!(
                "targets = {{ a = {{ fly_secret = {}, ssm_parameter = {} }} }}",
                null("{ app = \"molecule-cp\" }"),
                "terraform_data.later.output == \"later\" ? { name = \"/n0\" } : null"
            ),
            String::new(),
        ),
        (
            format!(
                "source = {{ random = {{ length = 40, charset = \"ascii\", encoding = {} }} }}",
                null("\"hex\"")
            ),
            ssm("/n1"),
            String::new(),
        ),
        (
            format!(
                "source = {{ random = {{ bytes = 32, encoding = \"hex\" }}, fernet_key = {} }}",
                null("{}")
            ),
            ssm("/n2"),
            String::new(),
        ),
        (
            format!("source = {{ neon_api_key = {{ project_id = {} }} }}", null("\"p-1\"")),
            ssm("/n3"),
            A_DAY.to_owned(),
        ),
        (
            RANDOM.to_owned(),
            format!(
                "targets = {{ a = {{ ssm_parameter = {{ name = \"/n4\", type = \"String\", key_id = {} }} }} }}",
                null("\"alias/x\"")
            ),
            String::new(),
        ),
        (
            RANDOM.to_owned(),
            ssm("/n5"),
            checked(&format!("expect_body = {}", null("\"ok\""))),
        ),
    ];
    let mut text = "resource \"terraform_data\" \"later\" {\n input = \"later\"\n}\n".to_owned();
    text += &format!(
        "resource \"terraform_data\" \"platform\" {{\n input = {:?}\n}}\n",
        story.sandbox.export("PLATFORM_URL")
    );
    for (at, (source, targets, more)) in cases.iter().enumerate() {
        text += &resource(&format!("it{at}"), &format!("N{at}"), &[source, targets, more]);
    }
    story.write(&text);
    let plan = story.plan();
    assert!(plan.contains("Plan: 8 to add"), "{plan}");
    story.apply();
}
