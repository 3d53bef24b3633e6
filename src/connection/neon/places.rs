//! Where clients connect to: databases, endpoints, and the connection URI as Neon writes it.
//!
//! Neon's URI holds the password of the moment; only what surrounds it is kept.

use serde::Deserialize;

use super::roles::is_unstored;
use super::{Branch, Call, NeonClient, SERVICE};
use crate::call::{CallError, CallErrorKind, Effect};
use crate::connection::segment;
use crate::connection::serde_helpers::null_is_empty;
use crate::secret::Secret;

/// What a client connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The database's name.
    pub database: String,
    /// The endpoint's id; without one the branch's endpoint that can write.
    pub endpoint_id: Option<String>,
    /// Through Neon's connection pooler.
    pub pooled: bool,
}

/// A database (schema `Database`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// The role that owns it.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub owner_name: String,
}

/// A connection URI without user and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    scheme: String,
    host: String,
    /// What follows the user: host, port, path and query.
    rest: String,
}

impl Place {
    /// Takes a URI apart. Neon percent-encodes what it puts before the `@`.
    fn of_uri(uri: &str) -> Option<Self> {
        let (scheme, rest) = uri.split_once("://")?;
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let host = rest.split(['/', ':', '?']).next().filter(|host| !host.is_empty())?;
        Some(Self {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            rest: rest.to_owned(),
        })
    }

    /// The host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The URI for this user and password, percent-encoded as RFC 3986 section 3.2.1 demands.
    #[expect(clippy::disallowed_methods, reason = "what comes out is a Secret again")]
    pub fn uri(&self, user: &str, password: &Secret) -> Secret {
        let (user, password) = (segment::encode(user), Secret::new(segment::encode(password.expose())));
        Secret::of_pieces(&[&self.scheme, "://", &user, ":", password.expose(), "@", &self.rest])
    }
}

#[derive(Deserialize)]
struct DatabaseList {
    #[serde(deserialize_with = "null_is_empty")]
    databases: Vec<Database>,
}

#[derive(Deserialize)]
struct UriAnswer {
    uri: String,
}

#[derive(Deserialize)]
struct EndpointList {
    #[serde(deserialize_with = "null_is_empty")]
    endpoints: Vec<ComputeEndpoint>,
}

/// A compute endpoint (schema `Endpoint`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ComputeEndpoint {
    /// Its id, such as `ep-…`.
    pub id: String,
    /// Where clients connect to.
    host: String,
    /// `read_write` or `read_only`.
    #[serde(default, rename = "type", deserialize_with = "null_is_empty")]
    kind: String,
}

impl NeonClient {
    /// The databases of a branch.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn databases(&self, branch: &Branch) -> Result<Vec<Database>, CallError> {
        let [a, b, c, d] = branch.path();
        let path = [a, b, c, d, "databases"];
        let call = Call::new("GET", &path, format!("listing databases of {branch}"));
        let response = self.read(&call).await.map_err(|error| branch.advise(error))?;
        Ok(response.json::<DatabaseList>()?.databases)
    }

    /// The compute endpoints of a branch.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn endpoints(&self, branch: &Branch) -> Result<Vec<ComputeEndpoint>, CallError> {
        let [a, b, c, d] = branch.path();
        let path = [a, b, c, d, "endpoints"];
        let call = Call::new("GET", &path, format!("listing endpoints of {branch}"));
        let response = self.read(&call).await.map_err(|error| branch.advise(error))?;
        Ok(response.json::<EndpointList>()?.endpoints)
    }

    /// Where `role` connects to. Where the project stores no passwords, Neon writes no URI, and it is put together from the
    /// endpoint's host.
    ///
    /// # Errors
    /// [`CallError`] without effect.
    pub async fn place(&self, branch: &Branch, role: &str, selection: &Selection) -> Result<Place, CallError> {
        let path = ["projects", &branch.project_id, "connection_uri"];
        let mut query = vec![
            ("branch_id", branch.branch_id.as_str()),
            ("database_name", &selection.database),
            ("role_name", role),
        ];
        query.extend(selection.endpoint_id.as_deref().map(|id| ("endpoint_id", id)));
        query.extend(selection.pooled.then_some(("pooled", "true")));
        let database = &selection.database;
        let operation = format!("asking for the connection URI of role {role:?} and database {database:?} of {branch}");
        let call = Call {
            query: &query,
            ..Call::new("GET", &path, operation).secret_answer()
        };
        let response = match self.read(&call).await {
            Ok(response) => response,
            Err(error) if is_unstored(&error) => return self.place_of_endpoint(branch, selection).await,
            Err(error) => return Err(branch.advise(error)),
        };
        let uri = Secret::new(response.json::<UriAnswer>()?.uri);
        #[expect(
            clippy::disallowed_methods,
            reason = "the user name and password are left out of a Place"
        )]
        Place::of_uri(uri.expose()).ok_or_else(|| {
            let what = "the answer holds no connection URI";
            CallError::malformed(SERVICE, call.operation, Effect::None, what)
        })
    }

    async fn place_of_endpoint(&self, branch: &Branch, selection: &Selection) -> Result<Place, CallError> {
        let endpoints = self.endpoints(branch).await?;
        let chosen = endpoints.into_iter().find(|endpoint| match &selection.endpoint_id {
            Some(id) => endpoint.id == *id,
            None => endpoint.kind == "read_write",
        });
        let endpoint = chosen.ok_or_else(|| {
            let what = "There is no such endpoint: create one, or set endpoint_id to one of this branch.";
            CallError::new(
                CallErrorKind::NotFound,
                Effect::None,
                SERVICE,
                format!("choosing an endpoint of {branch}"),
                None,
                what,
            )
        })?;
        let host = match endpoint.host.split_once('.') {
            Some((name, domain)) if selection.pooled => format!("{name}-pooler.{domain}"),
            _ => endpoint.host,
        };
        Ok(Place {
            scheme: "postgresql".to_owned(),
            rest: format!("{host}/{}?sslmode=require", segment::encode(&selection.database)),
            host,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_keeps_its_surroundings_and_changes_user_and_password() {
        let uri =
            "postgresql://app:npg_old@ep-x-pooler.eu.aws.neon.tech/my%2Fdb?sslmode=require&channel_binding=require";
        let place = Place::of_uri(uri).unwrap();
        assert_eq!(place.host(), "ep-x-pooler.eu.aws.neon.tech");
        let password = Secret::new("a/b@c:d?e%f".to_owned());
        assert_eq!(
            place.uri("rôle @1", &password).expose(),
            "postgresql://r%C3%B4le%20%401:a%2Fb%40c%3Ad%3Fe%25f@ep-x-pooler.eu.aws.neon.tech/my%2Fdb\
             ?sslmode=require&channel_binding=require"
        );
    }

    #[test]
    fn a_uri_without_user_or_with_a_port_is_understood_and_one_without_host_is_not() {
        assert_eq!(
            Place::of_uri("postgres://localhost:5432/db").unwrap().host(),
            "localhost"
        );
        assert_eq!(Place::of_uri("postgres://u@h?x=1").unwrap().host(), "h");
        for wrong in ["", "postgres:", "postgres:///db", "postgres://u:p@/db"] {
            assert_eq!(Place::of_uri(wrong), None, "{wrong}");
        }
    }
}
