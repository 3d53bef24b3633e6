//! From the configured targets to the addresses of their entries.

use std::collections::BTreeMap;

use super::paths::{at, path_of};
use super::texts;
use crate::address::Address;
use crate::clock::Clock;
use crate::connection::{Connections, Surroundings};
use crate::diagnostics::{Configuration, ConnectionProblem};
use crate::environment::Environment;
use crate::executor::{Failure, Subject};
use crate::provider::kinds::{not_on_the_list, undeclared_connection};
use crate::rotation::Ledger;
use crate::spec::{Config, TargetSpec};
use crate::terraform::{Diagnostic, Diagnostics, Node, Origin, Value};
use crate::vendors::{self, Vendors};

/// Targets in one slot, as far as that shows without the provider block.
pub(super) fn shared_slots(config: &Config) -> Diagnostics {
    let surroundings = Surroundings::new(Environment::default(), Clock::default());
    let nothing = Value::Null;
    let node = Node::root(&nothing, Origin::Configuration);
    let connections = Connections::parse(&node, &surroundings, &mut Diagnostics::new());
    let mut found = Diagnostics::new();
    // What only the provider block tells is no mistake yet.
    slots_of(config, &connections, &mut found, &mut Diagnostics::new());
    found
}

/// The addresses of targets as far as their arguments tell them: kind and locator.
pub(super) fn by_arguments(config: &Config) -> BTreeMap<&str, Address> {
    let surroundings = Surroundings::new(Environment::default(), Clock::default());
    let nothing = Value::Null;
    let node = Node::root(&nothing, Origin::Configuration);
    let connections = Connections::parse(&node, &surroundings, &mut Diagnostics::new());
    let targets = config.targets.iter();
    let told = targets.filter_map(|(key, target)| {
        let slot = target.config.slot(&connections.link(&target.connection)).ok()?;
        Some((key.as_str(), slot))
    });
    told.collect()
}

/// Connections that the configuration names, and the provider block does not declare, or declares for another vendor.
pub(super) fn undeclared(config: &Config, connections: &Connections) -> Diagnostics {
    let source = (
        Subject::Source,
        config.source.kind.reach,
        &config.source.issuer.connection,
    );
    let targets = config.targets.iter();
    let targets = targets.map(|(key, target)| (Subject::Target(key.clone()), target.kind.reach, &target.connection));
    let activations = config.activations.iter().map(|(key, activation)| {
        let run = &activation.run;
        (Subject::Activation(key.clone()), run.kind.reach, &run.connection)
    });
    let checks = config.checks.iter();
    let checks = checks.map(|(key, check)| (Subject::Check(key.clone()), check.kind.reach, &check.connection));
    let mut found = Diagnostics::new();
    for (site, reach, name) in targets.chain(activations).chain(checks).chain([source]) {
        if let Some(why) = undeclared_connection(reach, name, connections) {
            found.push(at(site, config, why));
        }
    }
    found
}

/// Programs and hosts that the configuration uses, and `allow_exec` does not name.
pub(super) fn not_allowed(config: &Config, connections: &Connections) -> Diagnostics {
    let mut found = Diagnostics::new();
    let targets = config.targets.iter();
    let targets = targets.map(|(key, target)| (Subject::Target(key.clone()), target.config.runs()));
    let activations = config.activations.iter();
    let activations = activations.map(|(key, activation)| (Subject::Activation(key.clone()), &activation.run));
    let checks = config
        .checks
        .iter()
        .map(|(key, check)| (Subject::Check(key.clone()), check));
    let runs = activations.chain(checks);
    let runs = runs.map(|(site, run)| (site, run.config.runs().into_iter().collect()));
    for (site, runs) in targets.chain(runs) {
        if let Some(why) = not_on_the_list(runs, connections) {
            found.push(at(site, config, why));
        }
    }
    found
}

/// The slots of all targets by key; two targets on one slot are a mistake.
pub(super) fn slots(
    config: &Config,
    connections: &Connections,
    problems: &mut Diagnostics,
) -> Option<BTreeMap<String, Address>> {
    let (mut shared, mut unknown) = (Diagnostics::new(), Diagnostics::new());
    let slots = slots_of(config, connections, &mut shared, &mut unknown);
    problems.extend(shared);
    problems.extend(unknown);
    slots
}

/// The same; targets on one slot are reported to `shared`, those whose slot the provider block does not tell to `unknown`.
fn slots_of(
    config: &Config,
    connections: &Connections,
    shared: &mut Diagnostics,
    unknown: &mut Diagnostics,
) -> Option<BTreeMap<String, Address>> {
    let mut slots: BTreeMap<String, Address> = BTreeMap::new();
    let mut complete = true;
    for (key, target) in &config.targets {
        match slot_of_target(target, connections) {
            Ok(slot) => {
                if let Some((other, _)) = slots.iter().find(|(_, known)| is_certainly_one(known, &slot)) {
                    let site = Subject::Target(key.clone());
                    shared.report(path_of(&site, Some(config)), one_entry(other, key, &slot));
                    complete = false;
                }
                slots.insert(key.clone(), slot);
            }
            Err(diagnostic) => {
                unknown.push(at(Subject::Target(key.clone()), config, diagnostic));
                complete = false;
            }
        }
    }
    complete.then_some(slots)
}

/// The slot of a configured target, by its connection and at the place to which that leads.
fn slot_of_target(target: &TargetSpec, connections: &Connections) -> Result<Address, Diagnostic> {
    let link = connections.link(&target.connection);
    let place = match target.kind.reach {
        Some(reach) => (reach.place)(link.dynamic(reach.vendor)?.as_ref()),
        None => String::new(),
    };
    Ok(Address {
        connection: target.connection.clone(),
        place,
        ..target.config.slot(&link)?
    })
}

/// Whether two slots are one, as far as that is known without a call: two connections may lead to two accounts that nothing but a
/// call tells apart.
fn is_certainly_one(one: &Address, other: &Address) -> bool {
    one.is_same_place(other) && (one.connection == other.connection || (one.is_complete() && other.is_complete()))
}

/// Two targets in one slot.
fn one_entry(one: &str, other: &str, slot: &Address) -> Configuration {
    Configuration::OneEntry {
        one: one.to_owned(),
        other: other.to_owned(),
        entry: texts::entry(&slot.to_string()).noun,
    }
}

/// What a slot is known by to the other secrets of this process. While its account is unknown, its connection tells it from others.
pub(super) fn claim_of(slot: &Address) -> String {
    match slot.is_complete() {
        true => slot.slot(),
        false => slot.to_string(),
    }
}

/// The same for an address in state.
pub(super) fn claim_on_record(slot: &str) -> String {
    slot.parse::<Address>()
        .map_or_else(|_| slot.to_owned(), |slot| claim_of(&slot))
}

/// The same addresses, with what only a call tells of their places.
///
/// # Errors
/// The first that cannot be told, or that turns out to be one with another.
pub(super) async fn complete(
    slots: &BTreeMap<String, Address>,
    vendors: &dyn Vendors,
) -> Result<BTreeMap<String, Address>, Failure> {
    let mut complete: BTreeMap<String, Address> = BTreeMap::new();
    for (key, slot) in slots {
        let slot = vendors.complete(slot).await.map_err(|error| Failure {
            site: Subject::Target(key.clone()),
            message: ConnectionProblem::AccountUnknown { why: error.answer() }.into(),
            cause: None,
        })?;
        if let Some((other, _)) = complete.iter().find(|(_, known)| is_certainly_one(known, &slot)) {
            return Err(Failure {
                site: Subject::Target(key.clone()),
                message: one_entry(other, key, &slot).into(),
                cause: None,
            });
        }
        complete.insert(key.clone(), slot);
    }
    Ok(complete)
}

/// Reports configured targets, and a source, whose record names another place than this run's connection leads to: the same entry in
/// another region, account or host. Nothing is done by a run that would do it elsewhere.
pub(super) fn misplaced(
    slots: &BTreeMap<String, Address>,
    ledger: &Ledger,
    config: &Config,
    problems: &mut Diagnostics,
) -> bool {
    let mut problem = |site: Subject, text: &str, here: &Address| {
        let Ok(known) = text.parse::<Address>() else {
            return false;
        };
        // What another connection led to is reached by that one still.
        let by_it = known.connection == here.connection;
        let elsewhere = by_it && known.is_elsewhere(here) && !known.is_same_place(here);
        if elsewhere {
            let why = vendors::misplaced(&known, &here.place);
            problems.push(why.at(path_of(&site, Some(config))));
        }
        elsewhere
    };
    let mut any = false;
    for (key, slot) in slots {
        if let Some(delivery) = ledger.delivery(key) {
            any |= problem(Subject::Target(key.clone()), &delivery.slot, slot);
        }
    }
    if let Some(known) = ledger.credential(ledger.generation()) {
        any |= problem(Subject::Source, &known.issuer, &config.source.issuer);
    }
    any
}
