//! A cluster, a connection to it, and the kinds over both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rotation_provider::call::{CallError, WritePermit};
use rotation_provider::check::{self, CheckFailure, Patience};
use rotation_provider::clock::Clock;
use rotation_provider::connection::{Connections, Surroundings};
use rotation_provider::environment::Environment;
use rotation_provider::label::Label;
use rotation_provider::secret::Parts;
use rotation_provider::source::{Handles, MintOrder, Minted, Source, SourceConfig, postgres_password};
use rotation_provider::stop::Stop;
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};

use crate::postgres::{Postgres, SUPERUSER, Template};

/// Whole id of the secret of these tests.
pub(crate) const ID: &str = "0123456789abcdef";

pub(crate) struct World {
    pub(crate) server: Arc<Postgres>,
    /// Variables that differ from those of a superuser without encryption.
    variables: BTreeMap<&'static str, String>,
}

impl World {
    /// A cluster with the roles `app` and `app_b`.
    pub(crate) fn new() -> Self {
        Self::with(None)
    }

    pub(crate) fn with(tls: Option<(&str, &str)>) -> Self {
        let server = Template::make(true).start(tls);
        server.sql("CREATE ROLE app LOGIN PASSWORD 'first'; CREATE ROLE app_b LOGIN PASSWORD 'second'");
        Self {
            server: Arc::new(server),
            variables: BTreeMap::new(),
        }
    }

    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.variables.insert(name, value.to_owned());
    }

    /// The connections of a run of its own, and what is wrong with them.
    pub(crate) fn connections(&self) -> Arc<Connections> {
        let port = self.server.port().to_string();
        let usual = [
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", &port),
            ("PGUSER", "postgres"),
            ("PGPASSWORD", SUPERUSER),
            ("PGSSLMODE", "disable"),
        ];
        let mut all: BTreeMap<&str, &str> = usual.into();
        all.extend(self.variables.iter().map(|(name, value)| (*name, value.as_str())));
        let pairs: Vec<(&str, &str)> = all.into_iter().collect();
        let surroundings = Surroundings::new(Environment::of(&pairs), Clock::default());
        let block = Value::object([]);
        Connections::parse(
            &Node::root(&block, Origin::Configuration),
            &surroundings,
            &mut Diagnostics::new(),
        )
    }

    /// The source with these arguments.
    pub(crate) fn source(&self, arguments: &[(&'static str, &str)]) -> Box<dyn Source> {
        config(arguments).connect(&self.connections().own()).unwrap()
    }

    pub(crate) fn one_role(&self) -> Box<dyn Source> {
        self.source(&[("role", "app")])
    }

    pub(crate) fn two_roles(&self) -> Box<dyn Source> {
        self.source(&[("role", "app"), ("alternate_role", "app_b")])
    }

    /// Runs the check `postgres_login` once.
    pub(crate) async fn check(&self, arguments: &[(&'static str, &str)], parts: &Parts) -> Result<(), CheckFailure> {
        let object = object(arguments);
        let mut problems = Diagnostics::new();
        let node = Node::root(&object, Origin::Configuration);
        let config = (check::postgres_login::KIND.parse)(&node, None, &mut problems);
        let config = config.unwrap_or_else(|| panic!("{problems:?}"));
        let check = config.connect(&self.connections().own()).unwrap();
        let patience = Patience {
            timeout: Duration::from_secs(10),
            retry_for: Duration::ZERO,
        };
        check.run(Some(parts), patience, &Stop::default(), &permit()).await
    }
}

pub(crate) fn config(arguments: &[(&'static str, &str)]) -> Box<dyn SourceConfig> {
    let object = object(arguments);
    let mut problems = Diagnostics::new();
    let node = Node::root(&object, Origin::Configuration);
    let config = (postgres_password::KIND.parse)(&node, &node, &mut problems);
    config.unwrap_or_else(|| panic!("{problems:?}"))
}

fn object(arguments: &[(&'static str, &str)]) -> Value {
    let written = |(name, value): &(&str, &str)| {
        let number = value.parse().ok().filter(|_| *name == "port").map(Value::number);
        ((*name).to_owned(), number.unwrap_or_else(|| Value::string(*value)))
    };
    Value::Map(arguments.iter().map(written).collect())
}

pub(crate) fn permit() -> WritePermit {
    WritePermit::granted_by_apply()
}

/// The mint of a generation, while these credentials may be in use.
pub(crate) fn order(generation: u64, in_use: &[&str]) -> MintOrder {
    MintOrder {
        label: Label::new("DATABASE_URL", ID, generation),
        handles: Handles {
            in_use: in_use.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>(),
            ..Handles::default()
        },
    }
}

pub(crate) async fn mint(source: &dyn Source, generation: u64, in_use: &[&str]) -> Result<Minted, CallError> {
    source.mint(&order(generation, in_use), &permit()).await
}

/// The text of a part.
pub(crate) fn part<'a>(minted: &'a Minted, name: &str) -> &'a str {
    minted.parts.get(name).unwrap().expose()
}

/// The id of what was minted.
pub(crate) fn id(minted: &Minted) -> String {
    minted.credential.as_ref().unwrap().id.clone()
}
