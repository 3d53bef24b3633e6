//! An activation against a sandbox of its own.

use std::sync::Arc;
use std::time::Duration;

use rotation_provider::call::{CallError, WritePermit};
use rotation_provider::check::{Check, CheckFailure, CheckKind, Patience};
use rotation_provider::connection::Connections;
use rotation_provider::stop::Stop;
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};

use crate::sandbox::Sandbox;
use crate::vendor;

pub(crate) struct Bench {
    pub(crate) sandbox: Arc<Sandbox>,
    connections: Arc<Connections>,
    kind: &'static CheckKind,
}

impl Bench {
    pub(crate) fn of(kind: &'static CheckKind) -> Self {
        let sandbox = Arc::new(Sandbox::start());
        let exports = sandbox.exports().iter();
        let environment: Vec<(&str, &str)> = exports.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let connections = vendor::connections(&environment);
        Self {
            sandbox,
            connections,
            kind,
        }
    }

    /// Another kind in the same world.
    pub(crate) fn by(&self, kind: &'static CheckKind) -> Self {
        Self {
            sandbox: Arc::clone(&self.sandbox),
            connections: Arc::clone(&self.connections),
            kind,
        }
    }

    fn check(&self, arguments: &[(&str, &str)]) -> Box<dyn Check> {
        let object = arguments.iter().fold(Value::object([]), |object, (name, text)| {
            object.with(name, Value::string(*text))
        });
        let mut problems = Diagnostics::new();
        let config = (self.kind.parse)(&Node::root(&object, Origin::Configuration), None, &mut problems);
        config.unwrap().connect(&self.connections.own()).unwrap()
    }

    pub(crate) async fn inspect(&self, arguments: &[(&str, &str)]) -> Result<(), CallError> {
        self.check(arguments).inspect().await
    }

    pub(crate) async fn run(&self, arguments: &[(&str, &str)]) -> Result<(), CheckFailure> {
        self.run_until(arguments, Duration::from_secs(20), &Stop::default())
            .await
    }

    pub(crate) async fn run_until(
        &self,
        arguments: &[(&str, &str)],
        timeout: Duration,
        stop: &Stop,
    ) -> Result<(), CheckFailure> {
        let patience = Patience {
            timeout,
            retry_for: Duration::ZERO,
        };
        let permit = WritePermit::granted_by_apply();
        self.check(arguments).run(None, patience, stop, &permit).await
    }

    /// Why it did not pass.
    pub(crate) async fn fails(&self, arguments: &[(&str, &str)]) -> String {
        let failure = self.run(arguments).await.unwrap_err();
        assert!(!failure.interrupted);
        failure.message
    }

    /// How many calls of that form were made.
    pub(crate) fn calls(&self, form: &str) -> usize {
        self.sandbox
            .calls()
            .iter()
            .filter(|call| call.line.contains(form))
            .count()
    }
}
