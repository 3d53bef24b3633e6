//! A login to a PostgreSQL server: the new credential is accepted, or the previous one is refused.
//!
//! Only SQLSTATE 28P01 (`invalid_password`) proves a refusal: a server that is away, a role without `LOGIN` or an entry of `pg_hba.conf`
//! says nothing about a password. A pooler may accept what the server no longer does.
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>

use std::time::Duration;

use async_trait::async_trait;

use super::attempts::{Attempts, Shortfall};
use super::templated::templated;
use crate::call::{CallErrorKind, WritePermit};
use crate::check::{Check, CheckConfig, CheckFailure, CheckKind, Patience, Presents};
use crate::connection::Link;
use crate::connection::postgres::{self, Login, Postgres, PostgresClient, host_mistake, named};
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
    user: Option<String>,
    password: Template,
    database: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    presents: Presents,
    is_refused: bool,
}

fn parse(node: &Node<'_>, _connection: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn CheckConfig>> {
    let user = named(&node.attr("user"), problems).optional();
    let database = named(&node.attr("database"), problems).optional();
    let host_node = node.attr("host");
    let host = host_node
        .string(problems)
        .and_then_checked(|host| match host_mistake(&host) {
            None => Some(host),
            Some(why) => {
                host_node.report_not(problems, "a host", format!("It {why}."));
                None
            }
        });
    let port = node.attr("port").integer(1, u64::from(u16::MAX), problems);
    let password = password(&node.attr("password"), problems);
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
        user: user?,
        password: password?,
        database: database?,
        host: host.optional()?,
        port: port.optional()?.and_then(|port| u16::try_from(port).ok()),
        presents,
        is_refused,
    }))
}

/// A template in which the credential stands: any other password would be stored.
fn password(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Template> {
    let text = match node.string(problems) {
        Field::Absent => return Template::parse(PASSWORD).ok(),
        Field::Unknown => return None,
        Field::Known(text) => text,
    };
    let template = templated(node, &text, "", problems)?;
    if template.is_literal() {
        node.report(problems, |argument| Argument::PlainCredential {
            argument,
            what: "password".into(),
            advice: "Write it as a part, such as {{ value }}.".into(),
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
        let mut names: Vec<String> = self.password.parts().into_iter().collect();
        if self.user.is_none() {
            names.push(USERNAME.to_owned());
        }
        names.sort();
        names.dedup();
        names
    }

    fn in_words(&self) -> String {
        let mut words = match &self.user {
            Some(user) => format!("PostgreSQL login as {user}"),
            None => "PostgreSQL login".to_owned(),
        };
        if let Some(database) = &self.database {
            words.push_str(&format!(" to database {database}"));
        }
        match (&self.host, self.port) {
            (Some(host), Some(port)) => words.push_str(&format!(" at {host}, port {port}")),
            (Some(host), None) => words.push_str(&format!(" at {host}")),
            (None, Some(port)) => words.push_str(&format!(" at port {port}")),
            (None, None) => {}
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
        let (user, password) = self.config.fill(parts).map_err(|why| CheckFailure {
            message: redact(&format!("{what} was not tried: {why}.")),
            interrupted: false,
        })?;
        let attempts = Attempts::new(&what, patience, self.client.clock(), stop);
        attempts
            .until_one_passes(|| self.attempt(&user, &password, patience.timeout))
            .await
    }
}

impl Config {
    #[expect(clippy::disallowed_methods, reason = "the name of a role is no secret")]
    fn fill(&self, parts: Option<&Parts>) -> Result<(String, Secret), String> {
        let none = Parts::default();
        let parts = parts.unwrap_or(&none);
        let password = self.password.render(parts).map_err(|error| error.to_string())?;
        let user = match (&self.user, parts.get(USERNAME)) {
            (Some(user), _) => user.clone(),
            (None, Some(part)) => part.expose().to_owned(),
            (None, None) => return Err("the credential has no part username".to_owned()),
        };
        Ok((user, password))
    }
}

impl LoginCheck {
    async fn attempt(&self, user: &str, password: &Secret, limit: Duration) -> Result<(), Shortfall> {
        let Config {
            database,
            host,
            port,
            is_refused,
            ..
        } = &self.config;
        let database = database.as_deref().unwrap_or_else(|| self.client.database());
        let login = Login {
            user,
            password,
            database,
        };
        let answer = self.client.log_in(&login, host.as_deref(), *port, limit).await;
        match (answer, is_refused) {
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
