//! A vendor of one case alone: a copy of the sandbox, or a name of its own at moto, with a proxy before it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use jiff::Timestamp;
use rotation_provider::clock::Clock;
use rotation_provider::connection::Connections;
use rotation_provider::terraform::Value;
use serde_json::{Value as Json, json};

use crate::moto::Moto;
use crate::postgres::{Postgres, SUPERUSER, Template};
use crate::proxy::Proxy;
use crate::sandbox::Sandbox;
use crate::vendor;

/// Cases whose refusals AWS's limits would make last: nothing waits in them.
const STILL: [&str; 3] = [
    "refusals_are_told_in_words",
    "a_refused_write_changes_nothing",
    "no_error_shows_the_value_or_the_credential_of_this_run",
];

/// The connections of kinds that have no account of the provider's own: targets are at the runbooks' platform, sources at Resend.
pub(crate) const PLATFORM: &str = "service";
pub(crate) const RESEND: &str = "issuer";

/// Where the worlds of a kind come from; it outlives them.
pub(crate) enum Origin {
    Sandbox(Sandbox),
    Moto(Moto),
    Postgres(Template),
}

/// What stands behind the proxy.
pub(crate) enum Truth {
    Sandbox(Sandbox),
    /// Its address; the world is told from others by its tag.
    Moto(String),
    Postgres(Postgres),
}

/// The world of one case.
pub(crate) struct World {
    /// The name of the case.
    pub(crate) tag: &'static str,
    pub(crate) proxy: Proxy,
    pub(crate) connections: Arc<Connections>,
    pub(crate) truth: Truth,
    environment: Vec<(String, String)>,
    clock: Clock,
}

impl World {
    pub(crate) async fn of(origin: &Origin, tag: &'static str) -> Self {
        if let Origin::Postgres(template) = origin {
            return Self::with_postgres(template, tag);
        }
        let (truth, url, exports) = match origin {
            Origin::Postgres(_) => unreachable!("it speaks no HTTP"),
            Origin::Sandbox(sandbox) => {
                let copy = sandbox.fork();
                let (url, exports) = (copy.export("SANDBOX_URL").to_owned(), copy.exports().to_vec());
                (Truth::Sandbox(copy), url, exports)
            }
            Origin::Moto(moto) => {
                // The SDK repeats reads by a clock of its own.
                let attempts = if STILL.contains(&tag) { "1" } else { "3" };
                let exports = [
                    ("AWS_MAX_ATTEMPTS", attempts.to_owned()),
                    ("AWS_ENDPOINT_URL", moto.url()),
                    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
                    ("AWS_SECRET_ACCESS_KEY", "aws-secret-of-this-run-0123456789".to_owned()),
                    ("AWS_REGION", "eu-west-1".to_owned()),
                ];
                let exports = exports.map(|(name, value)| (name.to_owned(), value));
                let address = moto.url().replace("http://", "");
                (Truth::Moto(address), moto.url(), exports.to_vec())
            }
        };
        let proxy = Proxy::before(&url).await;
        let through = |(name, value): (String, String)| (name, value.replace(&url, &proxy.url));
        let environment: Vec<(String, String)> = exports.into_iter().map(through).collect();
        let clock = match STILL.contains(&tag) && matches!(origin, Origin::Moto(_)) {
            true => Clock::standing_at(Timestamp::now()),
            false => Clock::default(),
        };
        let connections = connect(&environment, clock);
        Self {
            tag,
            proxy,
            connections,
            truth,
            environment,
            clock,
        }
    }

    /// A cluster with one role besides that of the run.
    fn with_postgres(template: &Template, tag: &'static str) -> Self {
        let server = template.start(None);
        server.sql("CREATE ROLE app LOGIN PASSWORD 'first'");
        let proxy = Proxy::before_postgres(server.port());
        let environment = [
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", &proxy.url),
            ("PGUSER", "postgres"),
            ("PGPASSWORD", SUPERUSER),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let clock = Clock::default();
        Self {
            tag,
            connections: connect(&environment, clock),
            proxy,
            truth: Truth::Postgres(server),
            environment: environment.to_vec(),
            clock,
        }
    }

    /// The server behind it.
    pub(crate) fn postgres(&self) -> &Postgres {
        match &self.truth {
            Truth::Postgres(server) => server,
            Truth::Sandbox(_) | Truth::Moto(_) => panic!("no PostgreSQL stands behind this world"),
        }
    }

    /// The connections of a later run, which has listed nothing yet.
    pub(crate) fn later_run(&self) -> Arc<Connections> {
        connect(&self.environment, self.clock)
    }

    /// The value of a variable that the run under test authenticates with.
    pub(crate) fn variable(&self, name: &str) -> &str {
        let found = self.environment.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap()
    }

    /// The sandbox behind it.
    pub(crate) fn sandbox(&self) -> &Sandbox {
        match &self.truth {
            Truth::Sandbox(sandbox) => sandbox,
            Truth::Moto(_) | Truth::Postgres(_) => panic!("no sandbox stands behind this world"),
        }
    }

    /// Asks moto as an outsider does, past the proxy.
    pub(crate) fn moto(&self, operation: &str, body: &Json) -> Json {
        let Truth::Moto(address) = &self.truth else {
            panic!("no moto stands behind this world")
        };
        let body = body.to_string();
        let credential =
            "AWS4-HMAC-SHA256 Credential=OUTSIDER/20260101/eu-west-1/ssm/aws4_request, SignedHeaders=host, Signature=0";
        let head = format!(
            "POST / HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AmazonSSM.{operation}\r\n\
             Authorization: {credential}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|_| json!({ "answer": answer }))
    }
}

fn connect(environment: &[(String, String)], clock: Clock) -> Arc<Connections> {
    let borrowed: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let variable = |name: &str| {
        let found = borrowed.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    };
    let named = |(name, url, token): (&str, &str, &str)| {
        let (url, token) = (variable(url)?, variable(token)?);
        let headers = Value::object([("authorization", Value::string(format!("Bearer {token}")))]);
        let http = Value::object([("base_url", Value::string(url)), ("headers", headers)]);
        Some((name.to_owned(), Value::object([("http", http)])))
    };
    let all = [
        (PLATFORM, "PLATFORM_URL", "PLATFORM_TOKEN"),
        (RESEND, "RESEND_BASE_URL", "RESEND_API_KEY"),
    ];
    let named = all.into_iter().filter_map(named).collect();
    let block = Value::object([("connection", Value::Map(named))]);
    vendor::connections_of(&block, &borrowed, clock)
}
