//! A login to a PostgreSQL server: the new credential is accepted, or the previous one is refused.
//!
//! Only SQLSTATE 28P01 (`invalid_password`) proves a refusal: a server that is away, a role without `LOGIN` or an entry of `pg_hba.conf`
//! says nothing about a password. A pooler may accept what the server no longer does.
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>

use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use super::attempts::{Attempts, Shortfall};
use crate::call::{CallErrorKind, WritePermit};
use crate::check::{Check, CheckConfig, CheckFailure, CheckKind, Patience, Presents};
use crate::connection::postgres::{self, Login, PORT, Postgres, PostgresClient, hosted, named};
use crate::connection::templated::templated;
use crate::connection::{Link, segment};
use crate::diagnostics::Argument;
use crate::secret::{Parts, Secret, redact};
use crate::stop::Stop;
use crate::template::Template;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Field, Node, Type};

/// The kind.
pub static KIND: CheckKind = CheckKind {
    name: "postgres_login",
    summary: "A login to a PostgreSQL server, which must be accepted, or refused as a wrong password. Nothing is asked or changed.",
    api_docs: Some("https://www.postgresql.org/docs/current/auth-password.html"),
    attributes,
    patience: Patience {
        timeout: Duration::from_secs(10),
        retry_for: Duration::from_secs(60),
    },
    reach: Some(postgres::VENDOR.reach()),
    parse,
};

/// The part that names the role, where the user names none.
const USERNAME: &str = "username";

const PASSWORD: &str = "{{ password }}";

fn attributes() -> Vec<Attribute> {
    let text = |name, description: &str| Attribute::optional(name, Type::String, description);
    vec![
        text(
            "uri",
            "A connection URI as a template, such as `\"{{ uri }}\"`, instead of `user`, `password`, `database`, `host` and `port`. Its query is \
             ignored.",
        ),
        text("user", "The role that logs in. Default: the part `username`."),
        text(
            "password",
            "Its password, as a template of parts of the credential. Default: `\"{{ password }}\"`.",
        ),
        text("database", "The database. Default: that of the connection."),
        text(
            "host",
            "Where to log in, such as a pooler. Default: the host of the connection, whose `sslmode` and `sslrootcert` count everywhere.",
        ),
        Attribute::optional("port", Type::Number, "The port. Default: that of the connection."),
        text(
            "credential",
            "Which credential logs in: `new` (default), or `previous` (the one that it replaces).",
        ),
        text(
            "expect",
            "What the server must do: `accepted` (default for `new`), or `refused` (default for `previous`), which only SQLSTATE 28P01 proves.",
        ),
    ]
}

/// The arguments, parsed.
#[derive(Clone)]
struct Config {
    who: Who,
    presents: Presents,
    is_refused: bool,
}

/// Who logs in where.
#[derive(Clone)]
enum Who {
    Uri(Template),
    Fields {
        user: Option<String>,
        password: Template,
        database: Option<String>,
        host: Option<String>,
        port: Option<u16>,
    },
}

/// The arguments that a URI stands for.
const FIELDS: [&str; 5] = ["user", "password", "database", "host", "port"];

fn parse(node: &Node<'_>, _connection: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn CheckConfig>> {
    let who = match node.attr("uri").is_null() {
        true => fields(node, problems),
        false => uri(node, problems),
    };
    let credential = node.attr("credential").one_of(&["new", "previous"], problems).or("new");
    let expect = node
        .attr("expect")
        .one_of(&["accepted", "refused"], problems)
        .optional();
    let presents = match credential? {
        "previous" => Presents::Previous,
        _ => Presents::New,
    };
    let is_refused = expect?.map_or(presents == Presents::Previous, |expect| expect == "refused");
    Some(Box::new(Config {
        who: who?,
        presents,
        is_refused,
    }))
}

fn uri(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Who> {
    let mut is_alone = true;
    for field in FIELDS.map(|name| node.attr(name)).iter().filter(|field| field.is_set()) {
        is_alone = false;
        field.report(problems, |argument| Argument::CannotBeUsed {
            argument,
            why: "It stands in uri, which is set. Remove one of them.".into(),
        });
    }
    let template = presenting(&node.attr("uri"), "{{ uri }}", problems)?;
    is_alone.then_some(Who::Uri(template))
}

fn fields(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Who> {
    let user = named(&node.attr("user"), problems).optional();
    let database = named(&node.attr("database"), problems).optional();
    let host = hosted(&node.attr("host"), problems).optional();
    let port = node.attr("port").integer(1, u64::from(u16::MAX), problems).optional();
    let password = presenting(&node.attr("password"), PASSWORD, problems);
    Some(Who::Fields {
        user: user?,
        password: password?,
        database: database?,
        host: host?,
        port: port?.and_then(|port| u16::try_from(port).ok()),
    })
}

/// A template in which the credential stands: any other password would be stored.
fn presenting(node: &Node<'_>, default: &str, problems: &mut Diagnostics) -> Option<Template> {
    let text = match node.string(problems) {
        Field::Absent => return Template::parse(default).ok(),
        Field::Unknown => return None,
        Field::Known(text) => text,
    };
    let template = templated(node, &text, "", problems)?;
    if template.is_literal() {
        node.report(problems, |argument| Argument::PlainCredential {
            argument,
            what: "password".into(),
            advice: format!("Write it as a part, such as {default}.").into(),
        });
        return None;
    }
    Some(template)
}

impl CheckConfig for Config {
    fn presents(&self) -> Presents {
        self.presents
    }

    fn parts_used(&self) -> Vec<String> {
        let (template, username) = match &self.who {
            Who::Uri(template) => (template, None),
            Who::Fields { user, password, .. } => (password, user.is_none().then(|| USERNAME.to_owned())),
        };
        let mut names: Vec<String> = template.parts().into_iter().chain(username).collect();
        names.sort();
        names.dedup();
        names
    }

    fn in_words(&self) -> String {
        let mut words = "PostgreSQL login".to_owned();
        match &self.who {
            Who::Uri(_) => words.push_str(" by URI"),
            Who::Fields {
                user,
                database,
                host,
                port,
                ..
            } => {
                let port = port.map(|port| port.to_string());
                let told = [
                    (" as ", user),
                    (" to database ", database),
                    (" at ", host),
                    (", port ", &port),
                ];
                for (before, what) in told {
                    words.extend(what.iter().flat_map(|what| [before, what]));
                }
            }
        }
        if self.presents == Presents::Previous {
            words.push_str(" with the previous credential");
        }
        if self.is_refused {
            words.push_str(", expecting a refusal");
        }
        words
    }

    fn default_patience(&self) -> Patience {
        KIND.patience
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Check>, Diagnostic> {
        let client = link.account::<Postgres>()?.client()?;
        Ok(Box::new(LoginCheck {
            config: self.clone(),
            client,
        }))
    }
}

/// A check, ready to run.
struct LoginCheck {
    config: Config,
    client: PostgresClient,
}

#[async_trait]
impl Check for LoginCheck {
    async fn run(
        &self,
        parts: Option<&Parts>,
        patience: Patience,
        stop: &Stop,
        _permit: &WritePermit,
    ) -> Result<(), CheckFailure> {
        let what = self.config.in_words();
        let filled = self.config.fill(parts).map_err(|why| CheckFailure {
            message: redact(&format!("{what} was not tried: {why}.")),
            interrupted: false,
        })?;
        let attempts = Attempts::new(&what, patience, self.client.clock(), stop);
        attempts
            .until_one_passes(|| self.attempt(&filled, patience.timeout))
            .await
    }
}

/// A login with everything filled in.
struct Filled {
    user: String,
    password: Secret,
    database: Option<String>,
    host: Option<String>,
    port: Option<u16>,
}

impl Config {
    #[expect(
        clippy::disallowed_methods,
        reason = "the name of a role is no secret, and the password of a URI is a Secret again"
    )]
    fn fill(&self, parts: Option<&Parts>) -> Result<Filled, String> {
        let none = Parts::default();
        let parts = parts.unwrap_or(&none);
        let render = |template: &Template| template.render(parts).map_err(|error| error.to_string());
        match &self.who {
            Who::Uri(template) => {
                let no_uri = || "it is not a connection URI with a user, a password and a host".to_owned();
                let text = render(template)?;
                let uri = Url::parse(text.expose()).map_err(|_| no_uri())?;
                let database = segment::decode(uri.path().trim_start_matches('/'));
                Ok(Filled {
                    user: segment::decode(uri.username()),
                    password: Secret::new(segment::decode(uri.password().ok_or_else(no_uri)?)),
                    database: Some(database).filter(|name| !name.is_empty()),
                    host: Some(segment::decode(
                        uri.host_str().ok_or_else(no_uri)?.trim_matches(['[', ']']),
                    )),
                    port: Some(uri.port().unwrap_or(PORT)),
                })
            }
            Who::Fields {
                user,
                password,
                database,
                host,
                port,
            } => {
                let of_part = || parts.get(USERNAME).map(|part| part.expose().to_owned());
                let user = user.clone().or_else(of_part);
                Ok(Filled {
                    user: user.ok_or("the credential has no part username")?,
                    password: render(password)?,
                    database: database.clone(),
                    host: host.clone(),
                    port: *port,
                })
            }
        }
    }
}

impl LoginCheck {
    async fn attempt(&self, filled: &Filled, limit: Duration) -> Result<(), Shortfall> {
        let user = &filled.user;
        let login = Login {
            user,
            password: &filled.password,
            database: filled.database.as_deref().unwrap_or_else(|| self.client.database()),
        };
        let answer = self
            .client
            .log_in(&login, filled.host.as_deref(), filled.port, limit)
            .await;
        match (answer, self.config.is_refused) {
            (Ok(()), false) => Ok(()),
            (Err(error), true) if error.kind == CallErrorKind::Unauthenticated => Ok(()),
            (Ok(()), true) => {
                let whose = match self.config.presents {
                    Presents::Previous => "The previous password",
                    Presents::New | Presents::Nothing => "The password",
                };
                Err(Shortfall::Passing(format!(
                    "{whose} of role {user:?} is still accepted."
                )))
            }
            (Err(error), true) => {
                let said = error.sentence();
                Err(Shortfall::Passing(format!(
                    "{said} That does not prove that the password is refused."
                )))
            }
            (Err(error), false) => Err(Shortfall::Passing(error.sentence())),
        }
    }
}
