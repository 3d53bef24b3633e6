//! The arguments of the `github` block, each falling back on its environment variable.
//!
//! The names of the variables are those of GitHub's own Terraform provider, so that one environment serves both.
//! <https://github.com/integrations/terraform-provider-github/blob/main/docs/index.md>

use std::collections::BTreeMap;

use super::Login;
use super::app::App;
use crate::connection::opening::refuse_variable;
use crate::connection::{Endpoint, Opening};
use crate::diagnostics::{Argument, ConnectionProblem, names};
use crate::environment::Form;
use crate::secret::Secret;
use crate::terraform::{Attribute, Field, Node, Path, Type};

const BASE_URL: &str = "https://api.github.com";

/// The REST API.
pub(super) const API: Endpoint = Endpoint::whole("GITHUB_BASE_URL", BASE_URL);
const TOKEN: &[&str] = &["GITHUB_TOKEN"];
pub(super) const OWNER: &[&str] = &["GITHUB_OWNER"];
const APP_ID: &[&str] = &["GITHUB_APP_ID"];
const APP_INSTALLATION_ID: &[&str] = &["GITHUB_APP_INSTALLATION_ID"];
/// Both hold the key itself; the second is no path either, whatever its name says.
const APP_PRIVATE_KEY: &[&str] = &["GITHUB_APP_PRIVATE_KEY", "GITHUB_APP_PEM_FILE"];

/// The block, read.
pub(super) struct Arguments {
    pub(super) owner: Option<String>,
    pub(super) base_url: String,
    /// The credentials, and where they were taken from. `None` when there are none, or not all of an App's.
    pub(super) login: Option<(Login, String)>,
}

/// The block's arguments.
pub(super) fn attributes() -> Vec<Attribute> {
    let text = |name, description: &str| Attribute::optional(name, Type::String, description);
    vec![
        text(
            "token",
            "A personal access token, or the token of a workflow. Default: `GITHUB_TOKEN`. Cannot be combined with the `app_` arguments.",
        )
        .sensitive(),
        text(
            "base_url",
            "The whole URL of the REST API, for GitHub Enterprise Server `https://HOST/api/v3`. Default: `GITHUB_BASE_URL`, \
             else `https://api.github.com`.",
        ),
        text(
            "owner",
            "The owner of repositories that are given without one. Default: `GITHUB_OWNER`.",
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
    ]
}

/// How credentials are set, for who needs them.
pub(super) fn ways(opening: &Opening<'_>) -> String {
    if opening.name.is_some() {
        let block = opening.node.path();
        return format!("Set {block}.token, or its three arguments that begin with app_, in the provider block.");
    }
    "Set github.token in the provider block or GITHUB_TOKEN in the environment; for a GitHub App set github.app_id, \
     github.app_installation_id and github.app_private_key, or GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PRIVATE_KEY \
     (or GITHUB_APP_PEM_FILE)."
        .to_owned()
}

/// Reads the block. `None` when something is unknown or wrong; what is wrong is reported.
pub(super) fn read(opening: &mut Opening<'_>) -> Option<Arguments> {
    let owner = owner(opening);
    let base_url = opening.url("base_url", &API);
    let login = login(opening);
    Some(Arguments {
        owner: owner?,
        base_url: base_url?,
        login: login?,
    })
}

fn owner(opening: &mut Opening<'_>) -> Option<Option<String>> {
    let node = opening.node.attr("owner");
    let fits = |owner: &str| super::repository_mistake(&format!("{owner}/x")).is_none();
    let owner = match node.string(&mut opening.written) {
        Field::Absent => {
            let found = opening.surroundings.variable(OWNER, Form::Word, &mut opening.found);
            found.and_then_checked(|found| {
                if fits(found.text) {
                    return Some(found.text.to_owned());
                }
                let why = "is not the name of a user or an organization";
                refuse_variable(found.name, why, &mut opening.found);
                None
            })
        }
        owner => owner.and_then_checked(|owner| {
            if fits(&owner) {
                return Some(owner);
            }
            node.report_not(
                &mut opening.written,
                "a user or an organization",
                "Set it to the name alone, without a URL or a path.",
            );
            None
        }),
    };
    owner.optional()
}

/// The credentials: those of the block, else a token from the environment, else an App from there. A runner of GitHub Actions
/// often has `GITHUB_TOKEN` set beside an App's variables, so what the block begins it completes.
fn login(opening: &mut Opening<'_>) -> Option<Option<(Login, String)>> {
    let arguments = ["app_id", "app_installation_id", "app_private_key"];
    let app = arguments.map(|name| opening.node.attr(name));
    let (app_is_set, app_begun) = (app.iter().any(Node::is_set), app.iter().any(|node| !node.is_null()));
    let token_node = opening.node.attr("token");
    if app_is_set && token_node.is_set() {
        let app = opening.node.attr("app_id");
        token_node.report(&mut opening.written, |argument| Argument::Conflict {
            advice: format!("Authenticate with a token or as a GitHub App: remove {argument}, or the arguments that begin with app_.").into(),
            argument,
            other: app.path().to_string().into(),
        });
        return None;
    }
    // What the block begins, a token of the environment does not end.
    let variables = if app_begun { &[] } else { TOKEN };
    match opening.credential("token", variables, Form::Word) {
        Field::Unknown => return None,
        // They may turn out to be there.
        Field::Known(_) if app_begun => return None,
        #[expect(clippy::disallowed_methods, reason = "what comes out is a Secret again")]
        Field::Known(token) => return Some(Some((Login::Token(bearer(token.secret.expose())), token.origin))),
        Field::Absent => {}
    }
    let mut missing = Vec::new();
    let mut origins = BTreeMap::new();
    let mut find = |name: &'static str, variables: &[&'static str], form: Form| {
        let node = opening.node.attr(name);
        let found = match node.secret(&mut opening.written) {
            Field::Absent => {
                let found = opening.surroundings.variable(variables, form, &mut opening.found);
                found.map(|found| {
                    origins.insert(name, found.name);
                    Secret::new(found.text.to_owned())
                })
            }
            secret => secret,
        };
        if matches!(found, Field::Absent) {
            missing.push(match opening.name {
                Some(_) => node.path().to_string(),
                None => format!("{} ({})", node.path(), variables.join(" or ")),
            });
        }
        found.optional()
    };
    let id = find("app_id", APP_ID, Form::Word);
    let number = find("app_installation_id", APP_INSTALLATION_ID, Form::Word);
    let key = find("app_private_key", APP_PRIVATE_KEY, Form::Text);
    let (Some(id), Some(number), Some(key)) = (id?, number?, key?) else {
        if !app_begun {
            return Some(None);
        }
        let path = opening.node.path().clone();
        opening.written.report(
            path,
            ConnectionProblem::AppIncomplete {
                missing: names(missing),
            },
        );
        return None;
    };
    #[expect(clippy::disallowed_methods, reason = "App keeps the key inside the crypto backend")]
    match App::new(id.expose().trim(), number.expose().trim(), key.expose()) {
        Ok(app) => Some(Some((Login::App(app), opening.node.path().to_string()))),
        Err(mistake) => {
            let (problems, place, what) = match origins.get(mistake.argument()) {
                Some(variable) => (
                    &mut opening.found,
                    Path::root(),
                    format!("The environment variable {variable}"),
                ),
                None => {
                    let path = opening.node.attr(mistake.argument()).path().clone();
                    (&mut opening.written, path.clone(), path.to_string())
                }
            };
            let why = format!("{mistake}.").into();
            problems.report(place, Argument::CannotBeUsed { argument: what, why });
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
    use std::sync::Arc;

    use crate::connection::github::{GitHub, VENDOR};
    use crate::connection::{Connections, Unready};
    use crate::terraform::{Diagnostics, Value};

    fn parse(block: &Value, environment: &[(&str, &str)]) -> (Arc<Connections>, Diagnostics) {
        crate::connection::opened(&Value::object([("github", block.clone())]), environment)
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
        let (connections, _) = parse(&Value::Null, &environment);
        let github = connections.own().account::<GitHub>().unwrap();
        let client = github.client().unwrap();
        assert_eq!(client.0.base_url, "https://ghe.example.com/api/v3");
        assert!(matches!(&client.0.login, Login::Token(header) if header.expose() == "Bearer ghp_env"));
        assert_eq!(github.repository("x").unwrap().owner, "molecule-ai");
        assert_eq!(github.repository("other/x").unwrap().owner, "other");
        let block = Value::object([("token", Value::string("ghp_mine"))]);
        let (connections, _) = parse(&block, &environment);
        let client = connections.own().account::<GitHub>().unwrap().client().unwrap();
        assert!(matches!(&client.0.login, Login::Token(header) if header.expose() == "Bearer ghp_mine"));
    }

    #[test]
    fn missing_credentials_and_a_missing_owner_are_wrong_only_for_who_needs_them() {
        let (connections, problems) = parse(&Value::Null, &[]);
        assert!(problems.is_empty());
        let github = connections.own().account::<GitHub>().unwrap();
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
        assert!(details(&parse(&both, &[]).1).contains("cannot both be set"));
        let half = Value::object([("app_id", Value::string("1"))]);
        let (connections, problems) = parse(&half, &[("GITHUB_TOKEN", "t"), ("GITHUB_APP_INSTALLATION_ID", "7")]);
        assert!(connections.own().account::<GitHub>().is_err());
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
        let (connections, problems) = parse(&Value::Null, &environment);
        assert!(problems.is_empty(), "nobody needs GitHub");
        let why = connections.own().account::<GitHub>().err().unwrap();
        let text = format!("{}: {}", why.summary, why.detail);
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
            let (connections, problems) = parse(&block, &[("GITHUB_APP_ID", "1"), ("GITHUB_APP_INSTALLATION_ID", "7")]);
            let github = connections.find(&VENDOR, "default").err();
            assert!(
                github == Some(Unready::Unknown) && problems.is_empty(),
                "{block:?} {}",
                details(&problems)
            );
        }
    }
}
