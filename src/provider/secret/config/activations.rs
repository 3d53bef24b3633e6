//! `activations`: the common keys and the kind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::targets::is_key;
use crate::activation;
use crate::check::{Patience, Presents};
use crate::diagnostics::Configuration;
use crate::part::PartNames;
use crate::provider::kinds::{parse_run, work};
use crate::spec::{ActivationSpec, CheckSpec, When};
use crate::terraform::{Diagnostics, Node};

pub(super) fn parse_activations(
    node: &Node<'_>,
    parts: Option<&PartNames>,
    waves: Option<&BTreeSet<u64>>,
    problems: &mut Diagnostics,
) -> Option<BTreeMap<String, Arc<ActivationSpec>>> {
    if node.is_unknown() {
        return None;
    }
    let mut activations = BTreeMap::new();
    let mut complete = true;
    for (key, element) in node.elements() {
        if !is_key(key, &element, problems) {
            complete = false;
            continue;
        }
        match parse_activation(&element, parts, waves, problems) {
            Some(activation) => drop(activations.insert(key.to_owned(), Arc::new(activation))),
            None => complete = false,
        }
    }
    complete.then_some(activations)
}

fn parse_activation(
    node: &Node<'_>,
    parts: Option<&PartNames>,
    waves: Option<&BTreeSet<u64>>,
    problems: &mut Diagnostics,
) -> Option<ActivationSpec> {
    if node.is_unknown() {
        return None;
    }
    let runs = parse_run(node, activation::ALL, parts, waves, problems)?;
    let path = node.path().then_attribute(runs.kind.name);
    if runs.config.presents() == Presents::Previous {
        let mistake = Configuration::ActivationPresentsPrevious;
        problems.report(path.then_attribute("credential"), mistake);
        return None;
    }
    let wave = runs.wave.or_else(|| waves?.last().copied()).unwrap_or(1);
    let equal_work = work(runs.kind.name, &runs.connection, node.attr(runs.kind.name).value());
    Some(ActivationSpec {
        equal_work: Some(equal_work).filter(|_| runs.parts.is_empty()),
        run: Arc::new(CheckSpec {
            when: When::Wave(wave),
            patience: Patience {
                timeout: runs.timeout.unwrap_or(runs.config.default_patience().timeout),
                // To deploy twice is not the same as to look twice.
                retry_for: Duration::ZERO,
            },
            effects: true,
            kind: runs.kind,
            parts: runs.parts,
            config: runs.config,
            connection: runs.connection,
        }),
    })
}
