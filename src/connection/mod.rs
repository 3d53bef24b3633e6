//! One authenticated client per vendor account, shared by the adapters that talk to it.
//!
//! A vendor is declared in a file of its own, as data ([`Vendor`]) and a reader of its block; [`Connections`] does the rest for all
//! of them. The provider block has one account per vendor, which the environment of the vendor's own tools completes, and any
//! number of named ones, to which the environment says nothing. Each may be unset, unknown or wrong: only a secret that needs it
//! finds that.

mod account;
mod allow_exec;
pub mod command;
mod connections;
mod endpoint;
mod graphql;
pub(crate) mod instant;
mod keyed;
mod link;
mod listed_key;
pub mod literal;
mod named;
mod opening;
pub(crate) mod pages;
mod rest;
pub(crate) mod segment;
pub(crate) mod serde_helpers;
mod state;
pub mod templated;
pub(crate) mod uuid;

pub use account::{Account, Reach, Vendor};
pub use connections::Connections;
use std::io;
use std::path::{Path, PathBuf};

use endpoint::Endpoint;
pub use link::Link;
pub use listed_key::{KeyApi, KeyRing, ListedKey};
pub use opening::Opening;
pub use state::Unready;

use crate::clock::Clock;
use crate::environment::Environment;
use crate::http::KnownAnswers;
use crate::secret::Secret;
use crate::stop::Stop;
use crate::terraform::{Diagnostics, Field, Node};

/// Declares the files of this folder that are vendors, and lists them in the order of the docs.
macro_rules! vendors {
    ($($file:ident),* $(,)?) => {
        $(pub mod $file;)*
        /// Every vendor that a connection can be of.
        pub static VENDORS: &[&Vendor] = &[$(&$file::VENDOR),*];
    };
}

vendors! { aws, fly, github, neon, postgres, railway, render, resend, vercel, http }

/// What every connection is built with.
#[derive(Clone)]
pub struct Surroundings {
    /// The process environment.
    pub environment: Environment,
    /// The clock.
    pub clock: Clock,
    /// Plain http off loopback is permitted (`allow_insecure`).
    pub allow_insecure: bool,
    /// Set when Terraform asks for the end.
    pub stop: Stop,
    /// The folder that keeps listings from one run to the next (`cache_path`).
    pub cache_path: Option<PathBuf>,
}

impl Surroundings {
    /// Those and nothing else: no plain http, no listings of earlier runs, no end.
    pub fn new(environment: Environment, clock: Clock) -> Self {
        Self {
            environment,
            clock,
            allow_insecure: false,
            stop: Stop::default(),
            cache_path: None,
        }
    }
}

/// Makes the folder of [`Surroundings::cache_path`], unless it is there.
///
/// # Errors
/// [`io::Error`] where this run cannot write in it.
pub fn prepare_cache(folder: &Path) -> io::Result<()> {
    KnownAnswers::prepare(folder)
}

/// A token of a provider block, which is sent in a header. One that no header can hold would fail only in apply.
fn token(node: &Node<'_>, problems: &mut Diagnostics) -> Field<Secret> {
    node.secret(problems).and_then_checked(|token| {
        #[expect(clippy::disallowed_methods, reason = "only the kinds of its characters are looked at")]
        let text = token.expose().trim();
        let mistake = if text.is_empty() {
            "It is blank."
        } else if text.chars().any(char::is_control) {
            "It contains a line break or another control character, which HTTP forbids in headers. Most likely it is two values, \
             or a whole file."
        } else {
            return Some(token);
        };
        node.report_not(problems, "a token", mistake);
        None
    })
}

/// Connections of a provider block with that content, for tests of what is in this folder.
#[cfg(test)]
fn opened(
    provider: &crate::terraform::Value,
    environment: &[(&str, &str)],
) -> (std::sync::Arc<Connections>, Diagnostics) {
    let surroundings = Surroundings::new(Environment::of(environment), Clock::default());
    let mut problems = Diagnostics::new();
    let node = Node::root(provider, crate::terraform::Origin::Configuration);
    let connections = Connections::parse(&node, &surroundings, &mut problems);
    (connections, problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::Value;

    /// An RSA key that protects nothing, with `\n` for line breaks as environments hold it.
    fn private_key() -> String {
        use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
        use base64::Engine as _;
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----")
    }

    /// What is told, by vendor, to who needs it in that environment; to others nothing.
    fn complaints(environment: &[(&str, &str)]) -> Vec<String> {
        let (connections, problems) = opened(&Value::Null, environment);
        assert!(problems.is_empty(), "nobody needs it");
        let own = VENDORS.iter().filter(|vendor| vendor.has_default);
        let wrong = own.filter_map(|vendor| match connections.find(vendor, "default") {
            Ok(_) => None,
            Err(Unready::Wrong(why)) => Some(format!("{}: {}", why.summary, why.detail)),
            Err(other) => panic!("{other:?}"),
        });
        wrong.collect()
    }

    #[test]
    fn every_variable_is_trimmed_or_refused_by_its_name() {
        let key = private_key();
        let app = [("GITHUB_APP_ID", "1"), ("GITHUB_APP_INSTALLATION_ID", "7")];
        let whole_app = [app[0], app[1], ("GITHUB_APP_PRIVATE_KEY", &*key)];
        let keys = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "hunter")];
        let words: [(&str, &str, &[(&str, &str)]); 20] = [
            ("FLY_ACCESS_TOKEN", "fo1_hunter2", &[]),
            ("FLY_API_TOKEN", "fo1_hunter2", &[]),
            ("FLY_FLAPS_BASE_URL", "https://fly.example", &[]),
            ("FLY_API_BASE_URL", "https://fly.example", &[]),
            ("GITHUB_TOKEN", "ghp_hunter2", &[]),
            ("GITHUB_OWNER", "molecule-ai", &[]),
            ("GITHUB_BASE_URL", "https://ghe.example/api/v3", &[]),
            ("GITHUB_APP_ID", "11", &whole_app),
            ("GITHUB_APP_INSTALLATION_ID", "77", &whole_app),
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
        let keyed = keyed::tests::ALL.iter().flat_map(|(_, keyed)| {
            let none: &[(&str, &str)] = &[];
            [
                (keyed.variable, "key_hunter2", none),
                (keyed.api.variable, "https://vendor.example/api", none),
            ]
        });
        for (name, text, others) in words.into_iter().chain(lines).chain(keyed) {
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
        let keyed = keyed::tests::ALL
            .iter()
            .map(|(vendor, keyed)| (keyed.argument, vendor.block));
        for (argument, block) in [("token", "github"), ("token", "fly")].into_iter().chain(keyed) {
            let parsed = |text: &str| {
                let provider = Value::object([(block, Value::object([(argument, Value::string(text))]))]);
                let (connections, problems) = opened(&provider, &[]);
                let texts = problems
                    .iter()
                    .map(|p| format!("{} {}", p.summary, p.detail))
                    .collect::<String>();
                let vendor = VENDORS.iter().find(|vendor| vendor.block == block).unwrap();
                (connections.find(vendor, "default").is_ok(), texts)
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
