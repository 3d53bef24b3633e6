//! The arguments of the `github` block, each falling back on its environment variable.
//!
//! The names of the variables are those of GitHub's own Terraform provider, so that one environment serves both.
//! <https://github.com/integrations/terraform-provider-github/blob/main/docs/index.md>

use std::collections::BTreeMap;

use super::Login;
use super::app::App;
use crate::connection::Surroundings;
use crate::connection::endpoint::Endpoint;
use crate::environment::Form;
use crate::secret::Secret;
use crate::terraform::{Attribute, Block, BlockNesting, Diagnostics, Field, NestedBlock, Node, Type};

const BASE_URL: &str = "https://api.github.com";

/// The REST API.
pub(super) const API: Endpoint = Endpoint::whole("GITHUB_BASE_URL", BASE_URL);
const TOKEN: &[&str] = &["GITHUB_TOKEN"];
const OWNER: &[&str] = &["GITHUB_OWNER"];
const APP_ID: &[&str] = &["GITHUB_APP_ID"];
const APP_INSTALLATION_ID: &[&str] = &["GITHUB_APP_INSTALLATION_ID"];
/// Both hold the key itself; the second is no path either, whatever its name says.
const APP_PRIVATE_KEY: &[&str] = &["GITHUB_APP_PRIVATE_KEY", "GITHUB_APP_PEM_FILE"];

/// The block, read.
pub(super) struct Arguments {
    pub(super) owner: Option<String>,
    pub(super) base_url: String,
    /// `None` when there are no credentials, or not all of an App's.
    pub(super) login: Option<Login>,
}

/// The block's schema.
pub(super) fn block() -> NestedBlock {
    let text = |name, description: &str| Attribute::optional(name, Type::String, description);
    let attributes = vec![
        text(
            "token",
            "A personal access token, or the token of a workflow. Default: `GITHUB_TOKEN`. Excludes the `app_` arguments.",
        )
        .sensitive(),
        text(
            "base_url",
            "The whole URL of the REST API, for GitHub Enterprise Server `https://HOST/api/v3`. Default: `GITHUB_BASE_URL`, \
             else `https://api.github.com`.",
        ),
        text(
            "owner",
            "The owner of repositories that are written without one. Default: `GITHUB_OWNER`.",
        ),
        text(
            "app_id",
            "The id or client id of a GitHub App to authenticate as. Default: `GITHUB_APP_ID`.",
        ),
        text(
            "app_installation_id",
            "The number of the App's installation. Default: `GITHUB_APP_INSTALLATION_ID`.",
        ),
        text(
            "app_private_key",
            "The App's private key: the text of the PEM file, with line breaks or with `\\n` for them. Default: \
             `GITHUB_APP_PRIVATE_KEY`, else `GITHUB_APP_PEM_FILE`.",
        )
        .sensitive(),
    ];
    NestedBlock {
        name: "github",
        nesting: BlockNesting::Single,
        block: Block {
            attributes,
            blocks: Vec::new(),
            description: "[GitHub](https://docs.github.com/en/rest): Actions secrets and workflows. What is left out comes from the environment; the block may be empty.".to_owned(),
        },
    }
}

/// Reads the block. `None` when something is unknown or wrong; what is wrong is reported.
pub(super) fn read(node: &Node<'_>, surroundings: &Surroundings, problems: &mut Diagnostics) -> Option<Arguments> {
    let owner = owner(&node.attr("owner"), surroundings, problems);
    let base_url = API.read(&node.attr("base_url"), surroundings, problems);
    let login = login(node, surroundings, problems);
    Some(Arguments {
        owner: owner?,
        base_url: base_url?,
        login: login?,
    })
}

fn owner(node: &Node<'_>, surroundings: &Surroundings, problems: &mut Diagnostics) -> Option<Option<String>> {
    let path = node.path();
    let fits = |owner: &str| super::repository_mistake(&format!("{owner}/x")).is_none();
    let owner = match node.string(problems) {
        Field::Absent => surroundings
            .variable(OWNER, Form::Word, path, problems)
            .and_then_checked(|found| {
                if fits(found.text) {
                    return Some(found.text.to_owned());
                }
                let why = "is not the name of a user or an organization";
                crate::connection::refuse_variable(found.name, why, path, problems);
                None
            }),
        owner => owner.and_then_checked(|owner| {
            if fits(&owner) {
                return Some(owner);
            }
            let summary = "github.owner is not a user or an organization";
            problems.error(path.clone(), summary, "Write its name alone.");
            None
        }),
    };
    owner.optional()
}

/// The credentials: those of the block, else a token from the environment, else an App from there. A runner of GitHub Actions
/// often has `GITHUB_TOKEN` set beside an App's variables, so what the block begins it completes.
fn login(node: &Node<'_>, surroundings: &Surroundings, problems: &mut Diagnostics) -> Option<Option<Login>> {
    let token = crate::connection::token(&node.attr("token"), problems);
    let app_id = node.attr("app_id");
    let installation = node.attr("app_installation_id");
    let private_key = node.attr("app_private_key");
    let app = [&app_id, &installation, &private_key];
    let app_begun = app.iter().any(|node| !node.is_null());
    if app.iter().any(|node| node.is_set()) && node.attr("token").is_set() {
        problems.error(
            node.attr("token").path().clone(),
            "github.token and github.app_id exclude each other",
            "Authenticate with a token or as a GitHub App: remove github.token, or the arguments that begin with app_.",
        );
        return None;
    }
    match token {
        Field::Unknown => return None,
        // They may turn out to be there.
        Field::Known(_) if app_begun => return None,
        #[expect(clippy::disallowed_methods, reason = "what comes out is a Secret again")]
        Field::Known(token) => return Some(Some(Login::Token(bearer(token.expose())))),
        Field::Absent if !app_begun => {
            match surroundings.variable(TOKEN, Form::Word, node.attr("token").path(), problems) {
                Field::Known(token) => return Some(Some(Login::Token(bearer(token.text)))),
                Field::Unknown => return None,
                Field::Absent => {}
            }
        }
        Field::Absent => {}
    }
    let mut missing = Vec::new();
    let mut origins = BTreeMap::new();
    let mut find = |node: &Node<'_>, variables: &[&'static str], form: Form, problems: &mut Diagnostics| {
        let found = match node.secret(problems) {
            Field::Absent => surroundings
                .variable(variables, form, node.path(), problems)
                .map(|found| {
                    origins.insert(node.path().to_string(), found.name);
                    Secret::new(found.text.to_owned())
                }),
            secret => secret,
        };
        if matches!(found, Field::Absent) {
            missing.push(format!("{} ({})", node.path(), variables.join(" or ")));
        }
        found.optional()
    };
    let id = find(&app_id, APP_ID, Form::Word, problems);
    let number = find(&installation, APP_INSTALLATION_ID, Form::Word, problems);
    let key = find(&private_key, APP_PRIVATE_KEY, Form::Text, problems);
    let (Some(id), Some(number), Some(key)) = (id?, number?, key?) else {
        if !app_begun {
            return Some(None);
        }
        problems.error(
            node.path().clone(),
            "The credentials of the GitHub App are not complete",
            format!("Also set {}.", missing.join(" and ")),
        );
        return None;
    };
    #[expect(clippy::disallowed_methods, reason = "App keeps the key inside the crypto backend")]
    match App::new(id.expose().trim(), number.expose().trim(), key.expose()) {
        Ok(app) => Some(Some(Login::App(app))),
        Err(mistake) => {
            let path = node.attr(mistake.argument()).path().clone();
            let summary = match origins.get(&path.to_string()) {
                Some(variable) => format!("The environment variable {variable} cannot be used"),
                None => format!("{path} cannot be used"),
            };
            problems.error(path, summary, format!("{mistake}."));
            None
        }
    }
}

fn bearer(token: &str) -> Secret {
    Secret::of_pieces(&["Bearer ", token.trim()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::connection::github::GitHub;
    use crate::environment::Environment;
    use crate::http::HttpClient;
    use crate::terraform::{Origin, Value};

    fn parse(block: &Value, environment: &[(&str, &str)]) -> (Option<GitHub>, Diagnostics) {
        let surroundings = Surroundings {
            environment: Environment::of(environment),
            clock: Clock::default(),
            allow_insecure: false,
        };
        let provider = Value::object([("github", block.clone())]);
        let node = Node::root(&provider, Origin::Configuration).attr("github");
        let mut problems = Diagnostics::new();
        let github = GitHub::parse(
            &node,
            &surroundings,
            &HttpClient::new(Clock::default(), false),
            &mut problems,
        );
        (github, problems)
    }

    fn details(problems: &Diagnostics) -> String {
        problems
            .iter()
            .map(|d| format!("{}: {}", d.summary, d.detail))
            .collect()
    }

    #[test]
    fn the_environment_fills_what_the_block_leaves_out() {
        let environment = [
            ("GITHUB_TOKEN", "ghp_env\n"),
            ("GITHUB_OWNER", " molecule-ai\n"),
            ("GITHUB_BASE_URL", "https://ghe.example.com/api/v3/\r\n"),
        ];
        let github = parse(&Value::Null, &environment).0.unwrap();
        let client = github.client().unwrap();
        assert_eq!(client.0.base_url, "https://ghe.example.com/api/v3");
        assert!(matches!(&client.0.login, Login::Token(header) if header.expose() == "Bearer ghp_env"));
        assert_eq!(github.repository("x").unwrap().owner, "molecule-ai");
        assert_eq!(github.repository("other/x").unwrap().owner, "other");
        let block = Value::object([("token", Value::string("ghp_mine"))]);
        let client = parse(&block, &environment).0.unwrap().client().unwrap();
        assert!(matches!(&client.0.login, Login::Token(header) if header.expose() == "Bearer ghp_mine"));
    }

    #[test]
    fn missing_credentials_and_a_missing_owner_are_wrong_only_for_who_needs_them() {
        let (github, problems) = parse(&Value::Null, &[]);
        assert!(problems.is_empty());
        let github = github.unwrap();
        let diagnostic = github.client().err().unwrap();
        for name in [
            "github.token",
            "GITHUB_TOKEN",
            "GITHUB_APP_PRIVATE_KEY",
            "GITHUB_APP_PEM_FILE",
        ] {
            assert!(diagnostic.detail.contains(name), "{}", diagnostic.detail);
        }
        let diagnostic = github.repository("x").err().unwrap();
        assert!(diagnostic.detail.contains("GITHUB_OWNER"), "{}", diagnostic.detail);
    }

    #[test]
    fn a_token_and_an_app_exclude_each_other_and_half_an_app_is_named() {
        let both = Value::object([("token", Value::string("t")), ("app_id", Value::string("1"))]);
        assert!(details(&parse(&both, &[]).1).contains("exclude each other"));
        let half = Value::object([("app_id", Value::string("1"))]);
        let (github, problems) = parse(&half, &[("GITHUB_TOKEN", "t"), ("GITHUB_APP_INSTALLATION_ID", "7")]);
        assert!(github.is_none());
        let text = details(&problems);
        assert!(
            text.contains("github.app_private_key (GITHUB_APP_PRIVATE_KEY or GITHUB_APP_PEM_FILE)"),
            "{text}"
        );
        assert!(!text.contains("app_installation_id"), "{text}");
    }

    #[test]
    fn a_wrong_private_key_is_reported_without_its_text() {
        let environment = [
            ("GITHUB_APP_ID", "1"),
            ("GITHUB_APP_INSTALLATION_ID", "7"),
            ("GITHUB_APP_PRIVATE_KEY", "hunter2hunter2"),
        ];
        let (github, problems) = parse(&Value::Null, &environment);
        assert!(github.is_none());
        let text = details(&problems);
        assert!(
            text.contains("The environment variable GITHUB_APP_PRIVATE_KEY cannot be used")
                && !text.contains("hunter2"),
            "{text}"
        );
    }

    #[test]
    fn unknown_values_are_no_mistakes() {
        for block in [
            Value::unknown(),
            Value::object([("token", Value::unknown())]),
            Value::object([("app_private_key", Value::unknown())]),
            Value::object([("token", Value::string("t")), ("app_id", Value::unknown())]),
            Value::object([("token", Value::unknown()), ("app_id", Value::string("1"))]),
            Value::object([("owner", Value::unknown()), ("token", Value::string("t"))]),
        ] {
            let (github, problems) = parse(&block, &[("GITHUB_APP_ID", "1"), ("GITHUB_APP_INSTALLATION_ID", "7")]);
            assert!(
                github.is_none() && problems.is_empty(),
                "{block:?} {}",
                details(&problems)
            );
        }
    }
}
