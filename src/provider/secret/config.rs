//! The configuration of a `rotation_secret`, read once into typed structs.
//!
//! Every mistake is reported at its path, with what is allowed. Unknown values are legal: then the whole is `None`.

mod activations;
mod adopt;
mod checks;
mod escrow;
mod format;
mod guard;
mod lead;
mod names;
mod overlap;
mod quiet;
mod relations;
mod schedule;
mod shape;
mod source;
mod supplied;
mod targets;
mod warnings;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::activations::parse_activations;
use self::adopt::{id_fits, parse_adopt};
use self::checks::parse_checks;
use self::format::{format_holds, parse_format};
use self::guard::parse_guard;
pub(super) use self::names::name_mistake;
use self::names::{parse_label_prefix, parse_name, parse_reason};
use self::schedule::parse_schedule;
use self::shape::conformed;
pub(super) use self::shape::refuse;
use self::source::{ParsedSource, parse_source};
use self::targets::{known_waves, parse_targets};
use crate::spec::{Config, OnDrift, SourceSpec};
use crate::terraform::{Diagnostics, Node, Origin, Value};

/// Reads a whole resource as it crosses the wire. `None` when something is unknown or wrong; what is wrong is reported.
pub(super) fn read(value: &Value, origin: Origin, problems: &mut Diagnostics) -> Option<Config> {
    let conformed = conformed(value, origin, problems);
    parse(&Node::root(&conformed, origin), problems)
}

fn parse(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Config> {
    let before = problems.has_errors();
    let name = parse_name(&node.attr("name"), problems);
    let source = parse_source(node, problems);
    let parts = source.as_ref().map(|source| source.parts.as_ref());
    let targets = parse_targets(&node.attr("targets"), name.as_deref(), parts.flatten(), problems);
    let waves = known_waves(&node.attr("targets"));
    let activations = parse_activations(&node.attr("activations"), parts.flatten(), waves.as_ref(), problems);
    let checks = parse_checks(&node.attr("checks"), parts.flatten(), waves.as_ref(), problems);
    let schedule = parse_schedule(&node.attr("rotation"), problems);
    let triggers = node.attr("rotation").attr("triggers").string_map(problems);
    let mode = node.attr("revoke").attr("mode");
    let mode = mode.one_of(&["automatic", "manual"], problems).or("automatic");
    let confirmed = node.attr("revoke").attr("confirmed");
    let confirmed = confirmed.integer(0, crate::label::LARGEST_GENERATION, problems);
    let quiet_for = node.attr("revoke").attr("quiet_for").duration(problems);
    let guard = parse_guard(&node.attr("guard"), problems);
    let overlap = node.attr("overlap").duration(problems);
    let rotation_reason = parse_reason(&node.attr("rotation_reason"), problems);
    let on_drift = node.attr("on_drift").one_of(&["heal", "report", "rotate"], problems);
    let on_existing = node.attr("on_existing").one_of(&["refuse", "replace"], problems);
    let on_destroy = node.attr("on_destroy").one_of(&["revoke", "abandon"], problems);
    let label_prefix = parse_label_prefix(node, name.as_deref(), problems);
    let info = names::parse_info(&node.attr("info"), problems);
    let format = parse_format(&node.attr("format"), problems);
    let adopt = parse_adopt(&node.attr("adopt"), problems);
    let parks = node.attr("escrow").bool(problems);
    let restore = node
        .attr("restore")
        .integer(1, crate::label::LARGEST_GENERATION, problems);
    let readers = node.attr("readers").strings(problems).or(Vec::new());

    let ParsedSource {
        kind,
        config,
        connection,
        ..
    } = source?;
    let targets = targets?;
    let mode = mode?;
    let source = Arc::new(SourceSpec::new(kind, Arc::from(config?), connection?));
    let written = overlap.optional()?;
    let written = written.zip(node.attr("overlap").value().as_str());
    let (overlap, overlap_text) = overlap::decided(written, &source, &targets);
    let info = info?;
    on_destroy.optional()?;
    let config = Config {
        name: name?,
        contact: info.get("contact").cloned(),
        docs_url: info.get("docs_url").cloned(),
        activations: activations?,
        checks: checks?,
        schedule: schedule?,
        triggers: triggers.or(BTreeMap::new())?,
        revoke_by_hand: mode == "manual",
        confirmed: confirmed.optional()?,
        readers: readers?.into_iter().collect(),
        incident: None,
        guard: guard?,
        escrow: None,
        parks: parks.optional()?,
        restore: restore.optional()?,
        overlap_text,
        overlap,
        quiet_for: quiet_for.optional()?.filter(|span| !span.is_zero()),
        rotation_reason: rotation_reason.optional()?,
        on_drift: match on_drift.or("heal")? {
            "report" => OnDrift::Report,
            "rotate" => OnDrift::Rotate,
            _ => OnDrift::Heal,
        },
        replace_existing: on_existing.or("refuse")? == "replace",
        label_prefix: label_prefix?,
        adopt: adopt?,
        format: format?,
        source,
        targets,
    };
    if node.origin() == Origin::Configuration {
        config.relations(node, problems);
        format_holds(config.format.as_ref(), &config.source, node, problems);
        supplied::targets_hold(&config, problems);
        id_fits(config.adopt.as_ref(), &config.source, &node.attr("adopt"), problems);
    }
    (before || !problems.has_errors()).then_some(config)
}
