//! The block: who and where, and how the connection is encrypted.

use std::sync::{Arc, OnceLock};

use super::name::{host_mistake, mistake};
use super::tls::{Roots, Ssl, SslMode};
use super::{Inner, Postgres, PostgresClient, VENDOR};
use crate::connection::{Account, Opening};
use crate::environment::Form;
use crate::http::{Shared, is_this_machine};
use crate::secret::Secret;
use crate::terraform::{Attribute, Field, Type};

/// libpq's.
pub(crate) const PORT: u16 = 5432;

/// The database that every cluster has.
const DATABASE: &str = "postgres";

/// What is wrong with the `sslmode` of a server that is not protected, as the rest of a sentence that begins with "It".
pub(super) const UNPROTECTED: &str = "does not insist on encryption, so the password could be read on the network. Use verify-full, or set \
                                      allow_insecure in the provider block";

/// A server, and how sessions with it are encrypted.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) ssl: Ssl,
}

impl Server {
    /// Host and port as a URI writes them (RFC 3986 section 3.2).
    pub(super) fn place(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        }
    }

    /// Whether the network is kept from what is said, or there is none.
    pub(super) fn is_protected(&self, allow_insecure: bool) -> bool {
        self.ssl.is_required() || allow_insecure || is_this_machine(&self.host)
    }

    fn remote_host(&self) -> Option<String> {
        (!is_this_machine(&self.host)).then(|| self.host.clone())
    }
}

pub(super) fn attributes() -> Vec<Attribute> {
    let text = |name, description: &str| Attribute::optional(name, Type::String, description);
    vec![
        text(
            "host",
            "The server's name or IP address: the primary itself, not a pooler. Default: `PGHOST`.",
        ),
        Attribute::optional("port", Type::Number, "The port. Default: `PGPORT`, else `5432`."),
        text("user", "The role that this run connects as. Default: `PGUSER`."),
        text("password", "Its password. Default: `PGPASSWORD`.").sensitive(),
        text(
            "database",
            "The database that it connects to. Roles belong to the whole server. Default: `PGDATABASE`, else `postgres`.",
        ),
        text(
            "sslmode",
            "As for libpq: `disable`, `allow` (as `prefer`), `prefer`, `require` (as `verify-ca` with `sslrootcert`), `verify-ca` or \
             `verify-full`. The first three need a host on this machine, or `allow_insecure`. Default: `PGSSLMODE`, else `prefer` on this \
             machine and `verify-full` elsewhere.",
        ),
        text(
            "sslrootcert",
            "The path of a PEM file with the certificate authorities that may sign the server's certificate, or `system` for those of this \
             machine. Default: `PGSSLROOTCERT`, else `system`.",
        ),
    ]
}

pub(super) fn open(opening: &mut Opening<'_>) -> Option<Box<dyn Account>> {
    let host = opening.text("host", "PGHOST", Form::Word, |host| {
        host_mistake(host).map(str::to_owned)
    });
    let port = port(opening);
    let user = named(opening, "user", "PGUSER");
    let database = named(opening, "database", "PGDATABASE");
    let mode = opening.text("sslmode", "PGSSLMODE", Form::Word, |mode| {
        SslMode::parse(mode)
            .is_none()
            .then(|| format!("is none of {}", SslMode::NAMES.join(", ")))
    });
    let roots = roots(opening);
    let password = opening.node.attr("password");
    let (password, origin) = match password.secret(&mut opening.written) {
        Field::Known(password) => (Some(password), password_origin(opening, true)),
        Field::Unknown => return None,
        Field::Absent => {
            let found = opening
                .surroundings
                .variable(&["PGPASSWORD"], Form::Line, &mut opening.found);
            let found = found.optional()?;
            let secret = found.map(|found| Secret::new(found.text.to_owned()));
            (secret, password_origin(opening, false))
        }
    };
    let (host, port, user, database) = (
        host.optional()?,
        port?,
        user.optional()?,
        database.or(DATABASE.to_owned())?,
    );
    let (mode, roots) = (mode.optional()?, roots?);
    let Some(host) = host else {
        return Some(Box::new(incomplete(opening, "host", "PGHOST", None)));
    };
    let is_here = is_this_machine(&host);
    let mode = match mode.as_deref().and_then(SslMode::parse) {
        Some(mode) => mode,
        None if is_here => SslMode::Prefer,
        None => SslMode::VerifyFull,
    };
    let mode = match (mode, &roots) {
        // As libpq does: a file of authorities makes no sense without a look at the certificate.
        (SslMode::Require, Roots::Of(_)) => SslMode::VerifyCa,
        (SslMode::VerifyCa, Roots::System) => {
            let why = "needs sslrootcert: any host can have a certificate of a public authority. Use verify-full, or name a file";
            opening.refuse("sslmode", "PGSSLMODE", why);
            return None;
        }
        (mode, _) => mode,
    };
    let server = Server {
        host,
        port,
        ssl: Ssl {
            mode,
            roots,
            config: Arc::new(OnceLock::new()),
        },
    };
    if !server.is_protected(opening.surroundings.allow_insecure) {
        opening.refuse("sslmode", "PGSSLMODE", UNPROTECTED);
        return None;
    }
    let Some(user) = user else {
        return Some(Box::new(incomplete(opening, "user", "PGUSER", Some(&server))));
    };
    let Some(password) = password else {
        return Some(Box::new(incomplete(opening, "password", "PGPASSWORD", Some(&server))));
    };
    Some(Box::new(Postgres {
        place: server.place(),
        remote_host: server.remote_host(),
        client: Ok(PostgresClient(Arc::new(Inner {
            server,
            user,
            password,
            origin,
            database,
            clock: opening.surroundings.clock,
            allow_insecure: opening.surroundings.allow_insecure,
            roles: Shared::for_a_while(opening.surroundings.clock),
        }))),
    }))
}

/// An account that lacks something: wrong only for who needs it.
fn incomplete(opening: &Opening<'_>, argument: &'static str, variable: &str, server: Option<&Server>) -> Postgres {
    Postgres {
        place: server.map_or_else(String::new, Server::place),
        remote_host: server.and_then(Server::remote_host),
        client: Err(opening.missing(&VENDOR, argument, &opening.way(argument, &[variable]))),
    }
}

fn password_origin(opening: &Opening<'_>, is_written: bool) -> String {
    let path = opening.node.attr("password").path().to_string();
    if is_written {
        path
    } else {
        format!("PGPASSWORD (or {path})")
    }
}

fn named(opening: &mut Opening<'_>, argument: &str, variable: &'static str) -> Field<String> {
    opening.text(argument, variable, Form::Line, |name| {
        let sentence = mistake(name)?;
        let rest = sentence.strip_prefix("It ").unwrap_or(&sentence);
        Some(rest.trim_end_matches('.').to_owned())
    })
}

fn port(opening: &mut Opening<'_>) -> Option<u16> {
    let written = opening
        .node
        .attr("port")
        .integer(1, u64::from(u16::MAX), &mut opening.written);
    if let Some(port) = written.optional()? {
        return u16::try_from(port).ok();
    }
    let is_port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    match opening
        .surroundings
        .variable(&["PGPORT"], Form::Word, &mut opening.found)
    {
        Field::Absent => Some(PORT),
        Field::Unknown => None,
        Field::Known(found) => {
            let port = is_port(found.text);
            if port.is_none() {
                opening.refuse("port", "PGPORT", "is not a port");
            }
            port
        }
    }
}

fn roots(opening: &mut Opening<'_>) -> Option<Roots> {
    let path = opening
        .text("sslrootcert", "PGSSLROOTCERT", Form::Line, |_| None)
        .optional()?;
    match path.as_deref() {
        None | Some("system") => Some(Roots::System),
        Some(path) => match Roots::read(path) {
            Ok(roots) => Some(roots),
            Err(why) => {
                opening.refuse("sslrootcert", "PGSSLROOTCERT", &why);
                None
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::connection::postgres::{Postgres, VENDOR};
    use crate::connection::{Account as _, Unready, opened};
    use crate::terraform::Value;

    /// What is told to who needs the account with these arguments and variables; nothing when it can be used.
    fn told(arguments: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
        let written = |(name, text): &(&str, &str)| ((*name).to_owned(), Value::string(*text));
        let block = Value::Map(arguments.iter().map(written).collect());
        let (connections, problems) = opened(&Value::object([("postgres", block)]), variables);
        let mut said: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.summary, problem.detail))
            .collect();
        let found = match connections.find(&VENDOR, "default") {
            Ok(_) => connections.own().account::<Postgres>().unwrap().client().err(),
            Err(Unready::Wrong(why)) => Some(why),
            Err(_) => None,
        };
        said.extend(found.map(|why| format!("{}: {}", why.summary, why.detail)));
        said.join("\n")
    }

    const RUN: [(&str, &str); 3] = [
        ("PGHOST", "db.example.com"),
        ("PGUSER", "admin"),
        ("PGPASSWORD", "zq7-Qz9wKx2"),
    ];

    #[test]
    fn an_argument_goes_before_its_variable_and_each_is_named_where_it_is_wrong() {
        assert_eq!(told(&[], &RUN), "");
        for (name, variable, wrong) in [
            ("host", "PGHOST", "a.example,b.example"),
            ("host", "PGHOST", "/var/run/postgresql"),
            ("host", "PGHOST", "db.example.com:5432"),
            ("sslmode", "PGSSLMODE", "strict"),
            ("sslmode", "PGSSLMODE", "prefer"),
            ("sslmode", "PGSSLMODE", "verify-ca"),
            ("sslrootcert", "PGSSLROOTCERT", "/nowhere/root.pem"),
            ("port", "PGPORT", "0"),
        ] {
            let others = RUN.iter().filter(|(known, _)| *known != variable);
            let variables: Vec<(&str, &str)> = others.copied().chain([(variable, wrong)]).collect();
            let said = told(&[], &variables);
            assert!(
                said.starts_with(&format!("The environment variable {variable} cannot be used: It ")),
                "{said}"
            );
            if name != "port" {
                let said = told(&[(name, wrong)], &RUN);
                assert!(
                    said.starts_with(&format!("postgres.{name} cannot be used: It ")),
                    "{said}"
                );
            }
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (variable, what) in [("PGHOST", "host"), ("PGUSER", "user"), ("PGPASSWORD", "password")] {
            let others: Vec<(&str, &str)> = RUN.into_iter().filter(|(known, _)| *known != variable).collect();
            let said = told(&[], &others);
            assert!(
                said.contains(&format!("There is no {what} for PostgreSQL. Set postgres.{what}")),
                "{said}"
            );
        }
    }

    #[test]
    fn a_server_stands_for_itself_in_addresses() {
        for (host, place, remote) in [
            ("db.example.com", "db.example.com:5432", Some("db.example.com")),
            ("::1", "[::1]:5432", None),
            ("localhost", "localhost:5432", None),
        ] {
            let others = RUN.into_iter().filter(|(known, _)| *known != "PGHOST");
            let variables: Vec<(&str, &str)> = others.chain([("PGHOST", host)]).collect();
            let (connections, _) = opened(&Value::Null, &variables);
            let account = connections.own().account::<Postgres>().unwrap();
            assert_eq!(
                (account.place().as_str(), account.remote_host().as_deref()),
                (place, remote)
            );
        }
    }
}
