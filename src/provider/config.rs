//! The provider block: namespace, connections, and what holds for every secret of this configuration.

mod escrow;
mod incident;
mod later;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::clock::{self, Clock};
use crate::connection::{Connections, Surroundings, prepare_cache};
use crate::diagnostics::ConnectionProblem;
use crate::environment::Environment;
use crate::provider::{Configured, Declared, Setting};
use crate::spec::{Escrow, Incident};
use crate::stop::Stop;
use crate::terraform::{Attribute, Block, Diagnostics, Node, Origin, Path, Schema, Type, Value};

/// Longest namespace, in characters.
const LONGEST_NAMESPACE: usize = 200;

/// The provider block's schema.
pub(super) fn schema() -> Schema {
    Schema {
        version: 0,
        block: Block {
            attributes: vec![
                Attribute::required(
                    "namespace",
                    Type::String,
                    "Part of every secret's id. Two states must never share one, or each takes the other's credentials for its own.",
                ),
                Attribute::optional(
                    "read_only",
                    Type::Bool,
                    "`true` plans as usual, and refuses to apply: for plans on pull requests, with credentials that may only read. Default \
                     `false`.",
                ),
                Attribute::optional(
                    "cache_path",
                    Type::String,
                    "A folder that keeps GitHub's listings of secrets from one run to the next, with names and times and without values. GitHub \
                     does not count a request whose answer has not changed. The folder and its files are for their owner alone.",
                ),
                Attribute::optional(
                    "allow_insecure",
                    Type::Bool,
                    "`true` allows plain http to hosts other than loopback. Default `false`.",
                ),
            ]
            .into_iter()
            .chain(Connections::attributes())
            .chain(later::attributes())
            .collect(),
            blocks: Connections::blocks()
                .into_iter()
                .chain([escrow::block(), incident::block()])
                .chain(later::blocks())
                .collect(),
            description:
                "Rotates secrets: mints a new credential, delivers it to every place that needs it, activates and checks it, and revokes \
                 the old one when nothing uses it any more."
                    .to_owned(),
        },
    }
}

/// Checks the block's shape. The connections are only good for their names: what is unknown now may be known when it is configured.
pub(super) fn validate(config: &Value, environment: &Environment) -> (Option<Declared>, Diagnostics) {
    let mut problems = Diagnostics::new();
    let Parsed {
        connections, escrow, ..
    } = parse(config, environment, &mut problems);
    let declared = connections.map(|connections| Declared::new(connections, &escrow));
    (declared, problems)
}

/// Takes the block over. Errors are reported. An unknown `namespace` or `allow_insecure` leaves all connections out; what else is
/// unknown concerns one of them.
pub(super) fn configure(config: &Value, environment: &Environment, problems: &mut Diagnostics) -> Configured {
    let Parsed {
        namespace,
        connections,
        clock,
        incident,
        escrow,
        read_only,
        stop,
        cache_path,
    } = parse(config, environment, problems);
    if clock.is_moved() {
        let moved = ConnectionProblem::ClockMoved {
            variable: clock::OFFSET.into(),
            now: clock.now().to_string(),
        };
        problems.report(Path::root(), moved);
    }
    if let Some(path) = cache_path
        && let Err(error) = prepare_cache(&path)
    {
        let why = error.to_string();
        problems.report(
            Path::attribute("cache_path"),
            ConnectionProblem::CachePath { path, why },
        );
    }
    let known = namespace.is_some();
    Configured {
        incident,
        escrow,
        read_only,
        stop,
        ..Configured::new(namespace, connections.filter(|_| known), clock, environment)
    }
}

/// What the block says, as far as it is known.
struct Parsed {
    namespace: Option<String>,
    connections: Option<Arc<Connections>>,
    clock: Clock,
    incident: Setting<Incident>,
    escrow: Setting<Escrow>,
    read_only: bool,
    stop: Stop,
    cache_path: Option<PathBuf>,
}

fn parse(config: &Value, environment: &Environment, problems: &mut Diagnostics) -> Parsed {
    let node = Node::root(config, Origin::Configuration);
    let clock = Clock::with_offset(offset(environment, problems));
    let stop = Stop::default();
    let namespace = node.attr("namespace");
    let text = namespace.required_string(problems).known().filter(|text| {
        let fits = text.chars().count() <= LONGEST_NAMESPACE;
        if !fits {
            let longest = LONGEST_NAMESPACE;
            problems.report(
                namespace.path().clone(),
                ConnectionProblem::NamespaceTooLong { longest },
            );
        }
        fits
    });
    later::refuse(config, problems);
    let escrow = escrow::parse(&node.attr("escrow"), problems);
    let incident = incident::parse(&node.attr("incident"), problems);
    // What is not known yet must not write.
    let read_only = node.attr("read_only").bool(problems).or(false).unwrap_or(true);
    let cache_path = node.attr("cache_path").string(problems).known().map(PathBuf::from);
    let allow_insecure = node.attr("allow_insecure").bool(problems).or(false);
    let Some(allow_insecure) = allow_insecure else {
        return Parsed {
            namespace: text,
            connections: None,
            clock,
            incident,
            escrow,
            read_only,
            stop,
            cache_path,
        };
    };
    let surroundings = Surroundings {
        environment: environment.clone(),
        clock,
        allow_insecure,
        stop: stop.clone(),
        cache_path: cache_path.clone(),
    };
    let connections = Connections::parse(&node, &surroundings, problems);
    if let Some(escrow) = escrow.known() {
        escrow::check_connection(escrow, &node.attr("escrow"), &connections, problems);
    }
    Parsed {
        namespace: text,
        connections: Some(connections),
        clock,
        incident,
        escrow,
        read_only,
        stop,
        cache_path,
    }
}

/// A duration, forward or with a minus sign backward.
fn offset(environment: &Environment, problems: &mut Diagnostics) -> SignedDuration {
    let Some(text) = environment.get(clock::OFFSET) else {
        return SignedDuration::ZERO;
    };
    let (backward, amount) = text.strip_prefix('-').map_or((false, text), |amount| (true, amount));
    match crate::duration::parse(amount) {
        Ok(duration) if backward => -duration,
        Ok(duration) => duration,
        Err(error) => {
            let mistake = ConnectionProblem::ClockOffset {
                variable: clock::OFFSET.into(),
                why: error.to_string(),
            };
            problems.report(Path::root(), mistake);
            SignedDuration::ZERO
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::call::{CallErrorKind, Effect, WritePermit};
    use crate::connection::github::GitHub;
    use crate::http::{Allowance, Request};

    /// Nobody listens there.
    const NOWHERE: &str = "http://127.0.0.1:9";

    #[tokio::test]
    async fn a_write_that_waits_for_its_turn_ends_when_terraform_asks_for_the_end() {
        let environment = Environment::of(&[("GITHUB_TOKEN", "ghp_env"), ("GITHUB_BASE_URL", NOWHERE)]);
        let config = Value::object([("namespace", Value::string("test"))]);
        let configured = configure(&config, &environment, &mut Diagnostics::new());
        let connections = configured.connections.clone().unwrap();
        let client = connections.own().account::<GitHub>().unwrap().client().unwrap();
        let one_an_hour = Allowance {
            writes: 1,
            within: Duration::from_secs(3600),
        };
        client.http().limit_writes(NOWHERE, &[one_an_hour]);
        let permit = WritePermit::granted_by_apply();
        let write = || client.write(Request::new("DELETE", NOWHERE, "GitHub", "deleting").once(), &permit);
        assert_eq!(write().await.map(drop).unwrap_err().kind, CallErrorKind::Unavailable);
        let end = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            configured.stop.request();
        };
        let error = tokio::join!(write(), end).0.map(drop).unwrap_err();
        assert_eq!((error.kind, error.effect), (CallErrorKind::Interrupted, Effect::None));
    }
}
