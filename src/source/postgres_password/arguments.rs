//! The arguments of `postgres_password`, and what clients of its roles connect to.
//!
//! The address names the server alone, so that a change from one role to two, or back, is one issuer's affair.

use super::{KIND, NAME, Passwords, ROLES};
use crate::address::Address;
use crate::connection::Link;
use crate::connection::postgres::{Postgres, PostgresClient, hosted, named};
use crate::connection::segment;
use crate::part::PartNames;
use crate::secret::{Parts, Secret};
use crate::source::alternating;
use crate::source::{Issuance, Source, SourceConfig, SourceTraits};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Type};

/// The arguments.
pub(super) fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::required(
            "role",
            Type::String,
            "The role. It must exist, with `LOGIN`, and not be the one that this run connects as.",
        ),
        Attribute::optional(
            "alternate_role",
            Type::String,
            "A second role with the same rights. Generations alternate between the two roles: the old password works until the overlap has \
             ended, and is then taken away. Without it, every rotation ends the old password at once.",
        ),
        Attribute::optional(
            "database",
            Type::String,
            "The database in the part `uri`. Default: that of the connection.",
        ),
        Attribute::optional(
            "host",
            Type::String,
            "The host in the parts `host` and `uri`, such as a pooler. Default: that of the connection.",
        ),
        Attribute::optional(
            "port",
            Type::Number,
            "The port in the part `uri`. Default: that of the connection.",
        ),
    ]
}

/// What is configured.
pub(super) struct Config {
    pub(super) role: String,
    pub(super) alternate: Option<String>,
    database: Option<String>,
    host: Option<String>,
    port: Option<u64>,
}

/// Reads the arguments.
pub(super) fn parse(node: &Node<'_>, _root: &Node<'_>, problems: &mut Diagnostics) -> Option<Box<dyn SourceConfig>> {
    let roles = alternating::roles(node, named, problems);
    let database = named(&node.attr("database"), problems).optional();
    let host = hosted(&node.attr("host"), problems).optional();
    let port = node.attr("port").integer(1, u64::from(u16::MAX), problems).optional();
    let (role, alternate) = roles?;
    Some(Box::new(Config {
        role,
        alternate,
        database: database?,
        host: host?,
        port: port?,
    }))
}

/// What clients connect to.
pub(super) struct Client {
    pub(super) host: String,
    /// Everything behind the `@` of a URI.
    rest: String,
}

impl Client {
    /// A connection URI, percent-encoded as RFC 3986 section 3.2.1 demands.
    /// <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>
    #[expect(clippy::disallowed_methods, reason = "what comes out is a Secret again")]
    pub(super) fn uri(&self, user: &str, password: &Secret) -> Secret {
        let (user, password) = (segment::encode(user), Secret::new(segment::encode(password.expose())));
        Secret::of_pieces(&["postgresql://", &user, ":", password.expose(), "@", &self.rest])
    }
}

/// The password that parts tell, by itself or in a URI.
#[expect(clippy::disallowed_methods, reason = "what comes out is a Secret again")]
pub(super) fn password_in(parts: &Parts) -> Option<Secret> {
    if let Some(password) = parts.get("password") {
        return Some(password.share());
    }
    let (_, rest) = parts.get("uri")?.expose().split_once("://")?;
    let (user_info, _) = rest.split_once('@')?;
    let (_, password) = user_info.split_once(':')?;
    Some(Secret::new(segment::decode(password)))
}

impl Config {
    pub(super) fn client(&self, connection: &PostgresClient) -> Client {
        let host = self.host.clone().unwrap_or_else(|| connection.host().to_owned());
        let port = self
            .port
            .map_or_else(|| connection.port().to_string(), |port| port.to_string());
        let in_uri = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.clone()
        };
        let database = self.database.as_deref().unwrap_or_else(|| connection.database());
        let rest = format!(
            "{in_uri}:{port}/{}{}",
            segment::encode(database),
            connection.uri_query()
        );
        Client { host, rest }
    }
}

impl SourceConfig for Config {
    fn issuer(&self) -> Address {
        Address::new(NAME, ROLES)
    }

    fn displaces(&self) -> Option<String> {
        Some(format!("the present password of the role {:?}", self.role))
    }

    /// The server says whose password it is, and the rest is public.
    fn tells_all(&self, has: &dyn Fn(&str) -> bool) -> bool {
        has("password") || has("uri")
    }

    fn sole_handle(&self) -> Option<&str> {
        self.alternate.is_none().then_some(self.role.as_str())
    }

    fn may_have(&self, credential_id: &str) -> bool {
        let role = super::role_of(credential_id);
        role == self.role || self.alternate.as_deref() == Some(role)
    }

    fn traits(&self) -> SourceTraits {
        SourceTraits {
            issuance: Issuance::Reset {
                handles: if self.alternate.is_some() { 2 } else { 1 },
            },
            lists: true,
            revocable: true,
            reveals: false,
            reveals_superseded: false,
            generated: true,
        }
    }

    fn parts(&self) -> PartNames {
        KIND.declared_parts()
    }

    fn in_words(&self) -> String {
        let mut words = match &self.alternate {
            None => format!("password of PostgreSQL role {}", self.role),
            Some(alternate) => format!("password of PostgreSQL roles {} and {alternate} in turn", self.role),
        };
        if let Some(database) = &self.database {
            words.push_str(&format!(", database {database}"));
        }
        if let Some(host) = &self.host {
            words.push_str(&format!(", by way of {host}"));
        }
        if let Some(port) = self.port {
            words.push_str(&format!(", port {port}"));
        }
        words
    }

    fn fingerprint(&self) -> String {
        serde_json::json!({
            "role": self.role,
            "alternate_role": self.alternate,
            "database": self.database,
            "host": self.host,
            "port": self.port,
        })
        .to_string()
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Source>, Diagnostic> {
        let client = link.account::<Postgres>()?.client()?;
        Ok(Box::new(Passwords::new(client, self)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_holds_odd_names_and_gives_its_password_back() {
        let place = Client {
            host: "::1".to_owned(),
            rest: "[::1]:5432/my%20db".to_owned(),
        };
        let password = Secret::new("a/b@c:d?e%f".to_owned());
        let uri = place.uri("r\u{f4}le @1", &password);
        assert_eq!(
            uri.expose(),
            "postgresql://r%C3%B4le%20%401:a%2Fb%40c%3Ad%3Fe%25f@[::1]:5432/my%20db"
        );
        let found = password_in(&Parts::single("uri", uri)).unwrap();
        assert!(found.is_same_as(&password));
        assert!(password_in(&Parts::single("username", password)).is_none());
    }
}
