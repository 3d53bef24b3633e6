//! One authenticated client per vendor account, shared by the adapters that talk to it.
//!
//! A connection is read from the provider block and, argument by argument, from the environment variables of its
//! ecosystem. It may be wholly unset: only a secret that needs it finds that wrong.

pub mod aws;
mod endpoint;
pub mod fly;
pub mod github;
pub(crate) mod instant;
pub mod neon;
pub(crate) mod segment;
pub(crate) mod serde_helpers;

use std::sync::Arc;

use crate::clock::Clock;
use crate::environment::{Environment, Form};
use crate::http::HttpClient;
use crate::secret::Secret;
use crate::terraform::{Diagnostics, Field, NestedBlock, Node, Path};

/// What every connection is built with.
#[derive(Clone)]
pub struct Surroundings {
    /// The process environment.
    pub environment: Environment,
    /// The clock.
    pub clock: Clock,
    /// Plain http off loopback is permitted (`allow_insecure`).
    pub allow_insecure: bool,
}

/// What an environment variable says.
struct Variable<'a> {
    name: &'static str,
    text: &'a str,
}

impl Surroundings {
    /// The first of these variables that is set, in place of the argument at `path`. One that cannot be used is reported by its name.
    fn variable(
        &self,
        names: &[&'static str],
        form: Form,
        path: &Path,
        problems: &mut Diagnostics,
    ) -> Field<Variable<'_>> {
        let found = names.iter().find_map(|name| match self.environment.read(name, form) {
            Ok(None) => None,
            Ok(Some(text)) => Some(Ok(Variable { name, text })),
            Err(why) => Some(Err((*name, why))),
        });
        match found {
            None => Field::Absent,
            Some(Ok(variable)) => Field::Known(variable),
            Some(Err((name, why))) => {
                refuse_variable(name, &why.to_string(), path, problems);
                Field::Unknown
            }
        }
    }
}

/// Reports a variable whose text cannot be used, without the text; `why` follows "it".
fn refuse_variable(name: &str, why: &str, path: &Path, problems: &mut Diagnostics) {
    problems.error(
        path.clone(),
        format!("The environment variable {name} cannot be used"),
        format!("It {why}. Correct it, or unset it."),
    );
}

/// All connections of one provider configuration.
#[derive(Clone)]
pub struct Connections {
    /// The HTTP client for calls that belong to no vendor connection (checks).
    pub http: HttpClient,
    /// The clock.
    pub clock: Clock,
    /// AWS.
    pub aws: aws::Aws,
    /// Fly.io.
    pub fly: fly::Fly,
    /// GitHub.
    pub github: github::GitHub,
    /// Neon.
    pub neon: neon::Neon,
}

impl Connections {
    /// The nested blocks of the provider schema, one per vendor.
    pub fn blocks() -> Vec<NestedBlock> {
        vec![
            aws::Aws::block(),
            fly::Fly::block(),
            github::GitHub::block(),
            neon::Neon::block(),
        ]
    }

    /// Reads all connections from the provider block. `None` when something is unknown or wrong; what is wrong is reported.
    pub fn parse(provider: &Node<'_>, surroundings: &Surroundings, problems: &mut Diagnostics) -> Option<Arc<Self>> {
        let http = HttpClient::new(surroundings.clock, surroundings.allow_insecure);
        let aws = aws::Aws::parse(&provider.attr("aws"), surroundings, problems);
        let fly = fly::Fly::parse(&provider.attr("fly"), surroundings, &http, problems);
        let github = github::GitHub::parse(&provider.attr("github"), surroundings, &http, problems);
        let neon = neon::Neon::parse(&provider.attr("neon"), surroundings, &http, problems);
        Some(Arc::new(Self {
            http,
            clock: surroundings.clock,
            aws: aws?,
            fly: fly?,
            github: github?,
            neon: neon?,
        }))
    }

    /// Looks, without any call, for what stands neither in the provider block nor in the environment: the region that an AWS profile
    /// names. A plan must know whether there is one.
    pub async fn prepare(&self) {
        self.aws.find_region().await;
    }
}

/// A token of a provider block, which is sent in a header. One that no header can hold would fail only in apply.
fn token(node: &Node<'_>, problems: &mut Diagnostics) -> Field<Secret> {
    node.secret(problems).and_then_checked(|token| {
        #[expect(clippy::disallowed_methods, reason = "only the kinds of its characters are looked at")]
        let text = token.expose().trim();
        let mistake = if text.is_empty() {
            "It is blank."
        } else if text.chars().any(char::is_control) {
            "There is a line break or another control character in it, which HTTP permits in no header. Most likely it is two \
             values, or a whole file."
        } else {
            return Some(token);
        };
        let path = node.path();
        problems.error(path.clone(), format!("{path} is not a token"), mistake);
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::{Origin, Value};

    /// An RSA key that protects nothing, with `\n` for line breaks as environments hold it.
    fn private_key() -> String {
        use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
        use base64::Engine as _;
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----")
    }

    /// The summaries and details of what is wrong with an environment.
    fn complaints(environment: &[(&str, &str)]) -> Vec<String> {
        let surroundings = Surroundings {
            environment: Environment::of(environment),
            clock: Clock::default(),
            allow_insecure: false,
        };
        let mut problems = Diagnostics::new();
        let connections = Connections::parse(
            &Node::root(&Value::Null, Origin::Configuration),
            &surroundings,
            &mut problems,
        );
        assert_eq!(connections.is_some(), problems.is_empty());
        let said = problems.iter().map(|p| format!("{}: {}", p.summary, p.detail));
        said.collect()
    }

    #[test]
    fn every_variable_is_trimmed_or_refused_by_its_name() {
        let key = private_key();
        let app = [("GITHUB_APP_ID", "1"), ("GITHUB_APP_INSTALLATION_ID", "7")];
        let whole_app = [app[0], app[1], ("GITHUB_APP_PRIVATE_KEY", &*key)];
        let keys = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "hunter")];
        let words: [(&str, &str, &[(&str, &str)]); 22] = [
            ("FLY_ACCESS_TOKEN", "fo1_hunter2", &[]),
            ("FLY_API_TOKEN", "fo1_hunter2", &[]),
            ("FLY_FLAPS_BASE_URL", "https://fly.example", &[]),
            ("FLY_API_BASE_URL", "https://fly.example", &[]),
            ("GITHUB_TOKEN", "ghp_hunter2", &[]),
            ("GITHUB_OWNER", "molecule-ai", &[]),
            ("GITHUB_BASE_URL", "https://ghe.example/api/v3", &[]),
            ("GITHUB_APP_ID", "11", &whole_app),
            ("GITHUB_APP_INSTALLATION_ID", "77", &whole_app),
            ("NEON_API_KEY", "napi_hunter2", &[]),
            ("NEON_BASE_URL", "https://neon.example/api/v2", &[]),
            ("AWS_REGION", "eu-west-1", &[]),
            ("AWS_DEFAULT_REGION", "eu-west-1", &[]),
            ("AWS_ACCESS_KEY_ID", "AKIA", &keys),
            ("AWS_SECRET_ACCESS_KEY", "hunter2", &keys),
            ("AWS_SESSION_TOKEN", "hunter2", &keys),
            ("AWS_ENDPOINT_URL", "https://aws.example", &[]),
            ("AWS_ENDPOINT_URL_SSM", "https://aws.example", &[]),
            ("AWS_ENDPOINT_URL_STS", "https://aws.example", &[]),
            ("AWS_MAX_ATTEMPTS", "15", &[]),
            ("AWS_RETRY_MODE", "standard", &[]),
            ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", &[]),
        ];
        let lines: [(&str, &str, &[(&str, &str)]); 3] = [
            ("AWS_PROFILE", "prod", &[]),
            ("GITHUB_APP_PRIVATE_KEY", &key, &app),
            ("GITHUB_APP_PEM_FILE", &key, &app),
        ];
        for (name, text, others) in words.into_iter().chain(lines) {
            let with = |text: &str| {
                let others = others.iter().filter(|(other, _)| *other != name);
                complaints(&others.copied().chain([(name, text)]).collect::<Vec<_>>())
            };
            for (before, after) in [("", ""), ("", "\n"), (" ", ""), ("\t", " "), ("", "\r\n")] {
                assert_eq!(with(&format!("{before}{text}{after}")), Vec::<String>::new(), "{name}");
            }
            let (start, end) = text.split_at(text.len() / 2);
            let mut wrong = vec![" ".to_owned(), "\n".to_owned(), " \r\n".to_owned()];
            if text.starts_with("-----") {
                wrong.push("one\nand two".to_owned());
            } else {
                wrong.extend([format!("{start}\n{end}x"), format!("{start}x\r\n{end}")]);
            }
            for wrong in wrong {
                let said = with(&wrong);
                let expected = format!("The environment variable {name} cannot be used: It ");
                assert!(
                    said.len() == 1 && said[0].starts_with(&expected),
                    "{name} {wrong:?}: {said:?}"
                );
                assert!(!said[0].contains("hunter"), "{said:?}");
            }
        }
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        for name in [
            "FLY_API_TOKEN",
            "GITHUB_TOKEN",
            "NEON_API_KEY",
            "AWS_REGION",
            "AWS_RETRY_MODE",
        ] {
            assert_eq!(complaints(&[(name, "")]), Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn what_the_sdk_would_panic_on_is_refused() {
        for (name, text) in [
            ("AWS_MAX_ATTEMPTS", "0"),
            ("AWS_MAX_ATTEMPTS", "many"),
            ("AWS_RETRY_MODE", "eager"),
            ("AWS_REGION", "Frankfurt"),
            ("GITHUB_OWNER", "https://github.com/x"),
        ] {
            let said = complaints(&[(name, text)]);
            assert!(said.len() == 1 && said[0].contains(name), "{said:?}");
        }
    }

    #[test]
    fn a_token_that_no_header_holds_is_refused_without_being_shown() {
        for (argument, block) in [("token", "github"), ("token", "fly"), ("api_key", "neon")] {
            let parsed = |text: &str| {
                let provider = Value::object([(block, Value::object([(argument, Value::string(text))]))]);
                let surroundings = Surroundings {
                    environment: Environment::of(&[]),
                    clock: Clock::default(),
                    allow_insecure: false,
                };
                let mut problems = Diagnostics::new();
                let node = Node::root(&provider, Origin::Configuration);
                let connections = Connections::parse(&node, &surroundings, &mut problems);
                let texts = problems
                    .iter()
                    .map(|p| format!("{} {}", p.summary, p.detail))
                    .collect::<String>();
                (connections.is_some(), texts)
            };
            for wrong in ["hunter2\nhunter3", "  \n", "hunter2\u{7f}x"] {
                let (connected, said) = parsed(wrong);
                assert!(
                    !connected && said.contains(&format!("{block}.{argument} is not a token")),
                    "{said}"
                );
                assert!(!said.contains("hunter"), "{said}");
            }
            assert_eq!(parsed("hunter2\n"), (true, String::new()));
        }
    }
}
