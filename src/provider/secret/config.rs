//! The configuration of a `rotation_secret`, read once into typed structs.
//!
//! Every mistake is reported at its path, with what is allowed. Unknown values are legal: then the whole is `None`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::check::{self, CheckConfig, CheckKind, Patience, Presents};
use crate::label::LONGEST_PREFIX;
use crate::rotation::schedule::Schedule;
use crate::source::{self, SourceConfig, SourceKind};
use crate::target::{self, Activation, TargetConfig, TargetKind};
use crate::template::Template;
use crate::terraform::{Diagnostics, Field, Node, Path};

/// The complete configuration.
pub struct Config {
    /// Default name of the entry at each target, and part of the id.
    pub name: String,
    /// Where credentials come from.
    pub source: SourceEntry,
    /// Where they go, by key.
    pub targets: BTreeMap<String, TargetEntry>,
    /// How they are proved, by key.
    pub checks: BTreeMap<String, CheckEntry>,
    /// When they are renewed.
    pub schedule: Schedule,
    /// Values whose change rotates.
    pub triggers: BTreeMap<String, String>,
    /// Revocation is a person's work.
    pub revoke_by_hand: bool,
    /// How long an old credential stays valid once the new one is in place.
    pub overlap: SignedDuration,
    /// A new text rotates, and is the reason.
    pub rotate_now: Option<String>,
    /// Drift is healed, not just reported.
    pub heal: bool,
    /// An entry that somebody else made may be overwritten.
    pub replace_existing: bool,
    /// Destroy revokes and deletes.
    pub revoke_on_destroy: bool,
    /// Stands before our own mark in every vendor-side name.
    pub label_prefix: String,
}

/// The configured source.
pub struct SourceEntry {
    /// Its kind.
    pub kind: &'static SourceKind,
    /// Its arguments.
    pub config: Box<dyn SourceConfig>,
}

/// A configured target.
pub struct TargetEntry {
    /// Its kind.
    pub kind: &'static TargetKind,
    /// Its arguments.
    pub config: Arc<dyn TargetConfig>,
    /// Its wave.
    pub wave: u64,
    /// The part it holds.
    pub part: String,
    /// The text it holds instead of a bare part.
    pub template: Option<Template>,
    /// Its entry outlives its configuration.
    pub keep: bool,
    /// A change of this makes the entry be written again.
    pub fingerprint: String,
}

impl TargetEntry {
    /// The parts that its value is made of.
    pub fn parts(&self) -> BTreeSet<String> {
        match &self.template {
            Some(template) => template.parts().into_iter().collect(),
            None => BTreeSet::from([self.part.clone()]),
        }
    }
}

/// When a check runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before anything is minted.
    Preflight,
    /// After its wave was delivered and activated.
    Delivered,
    /// After an old credential was revoked.
    Revoked,
}

/// A configured check.
pub struct CheckEntry {
    /// Its kind.
    pub kind: &'static CheckKind,
    /// Its arguments.
    pub config: Box<dyn CheckConfig>,
    /// The wave that it follows.
    pub wave: u64,
    /// When it runs.
    pub phase: Phase,
    /// How long it may take.
    pub patience: Patience,
}

impl CheckEntry {
    /// Names of the parts that it presents, `value` under the name of the source's primary part.
    pub fn parts(&self, source: &SourceKind) -> BTreeSet<String> {
        self.config.parts_used().iter().map(|part| source.part(part)).collect()
    }

    /// Whether it presents the credential that is being delivered.
    pub fn presents_new(&self) -> bool {
        self.config.presents() == Presents::New && !self.config.parts_used().is_empty()
    }
}

/// What consumers of a deferred target are given to pick a new value up, when the user does not say.
const DEFERRED_OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// Digits kept free for the generation when a label's length is checked.
const GENERATION_DIGITS: usize = crate::label::LARGEST_GENERATION.ilog10() as usize + 1;

impl Config {
    /// Reads a whole resource. `None` when something is unknown or wrong; what is wrong is reported.
    pub fn parse(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Self> {
        let name = parse_name(&node.attr("name"), problems);
        let source = parse_source(&node.attr("source"), problems);
        let source_kind = source.as_ref().map(|(kind, _)| *kind);
        let targets = parse_targets(&node.attr("targets"), name.as_deref(), source_kind, problems);
        let waves = known_waves(&node.attr("targets"));
        let checks = parse_checks(&node.attr("checks"), source_kind, waves.as_ref(), problems);
        let rotation = node.attr("rotation");
        if rotation.value().as_map().is_some() && rotation.set_attributes().is_empty() {
            problems.error(
                rotation.path().clone(),
                "rotation is present but empty",
                "Set at least one of every, early, triggers, or leave the block out.",
            );
        }
        let every = rotation.attr("every").duration(problems);
        let early = rotation.attr("early").duration(problems);
        let triggers = rotation.attr("triggers").string_map(problems);
        let revoke = node.attr("revoke");
        let mode = if revoke.is_null() {
            Some("automatic")
        } else {
            let mode = revoke.attr("mode").one_of(&["automatic", "manual"], problems);
            revoke.attr("mode").required(mode, problems).known()
        };
        let overlap = node.attr("overlap").duration(problems);
        let rotate_now = parse_reason(&node.attr("rotate_now"), problems);
        let on_drift = node.attr("on_drift").one_of(&["heal", "report"], problems);
        let on_existing = node.attr("on_existing").one_of(&["refuse", "replace"], problems);
        let on_destroy = node.attr("on_destroy").one_of(&["revoke", "abandon"], problems);
        let label_prefix = parse_label_prefix(node, name.as_deref(), problems);
        info_is_text(&node.attr("info"), problems);
        node.attr("readers").strings(problems);

        let every = every.optional();
        let early = early.optional();
        if let (Some(Some(every)), Some(Some(early))) = (every, early)
            && early >= every
        {
            problems.error(
                rotation.attr("early").path().clone(),
                "rotation.early must be shorter than rotation.every",
                format!(
                    "early is {}, every is {}.",
                    crate::duration::format(early),
                    crate::duration::format(every)
                ),
            );
        }
        if let (Some(None), Some(Some(_))) = (every, early) {
            problems.error(
                rotation.attr("early").path().clone(),
                "rotation.early needs rotation.every",
                "Without a schedule there is nothing to be early for: set every, or remove early.",
            );
        }
        if let Some(Some(every)) = every
            && every.is_zero()
        {
            problems.error(
                rotation.attr("every").path().clone(),
                "rotation.every must be longer than zero",
                "Use rotate_now to rotate once.",
            );
        }

        let (kind, config) = source?;
        let targets = targets?;
        let deferred = targets
            .values()
            .any(|target| target.config.traits().activation != Activation::Itself);
        let default_overlap = if deferred {
            DEFERRED_OVERLAP
        } else {
            SignedDuration::ZERO
        };
        let explicit_overlap = overlap.optional()?;
        let config = Self {
            name: name?,
            source: SourceEntry { kind, config: config? },
            checks: checks?,
            schedule: Schedule {
                every: every?,
                early: early?.unwrap_or(SignedDuration::ZERO),
            },
            triggers: triggers.or(BTreeMap::new())?,
            revoke_by_hand: mode? == "manual",
            overlap: explicit_overlap.unwrap_or(default_overlap),
            rotate_now: rotate_now.optional()?,
            heal: on_drift.or("heal")? == "heal",
            replace_existing: on_existing.or("refuse")? == "replace",
            revoke_on_destroy: on_destroy.or("revoke")? == "revoke",
            label_prefix: label_prefix?,
            targets,
        };
        config.relations(node, explicit_overlap.is_some() && deferred, problems);
        (!problems.has_errors()).then_some(config)
    }

    /// What only shows when all arguments are seen together.
    fn relations(&self, node: &Node<'_>, explicit_overlap_deferred: bool, problems: &mut Diagnostics) {
        if let (Some(every), Some(life)) = (self.schedule.every, self.source.config.lifetime()) {
            let needed = every.checked_add(self.overlap).unwrap_or(SignedDuration::MAX);
            if needed > life {
                problems.error(
                    node.attr("rotation").attr("every").path().clone(),
                    "rotation.every + overlap is longer than the credential's life",
                    format!(
                        "every is {}, overlap is {}, but the credential ends {} after it was minted. Rotate more often, \
                         shorten the overlap, or let the credential live longer.",
                        crate::duration::format(every),
                        crate::duration::format(self.overlap),
                        crate::duration::format(life)
                    ),
                );
            }
        }
        if let (None, Some(life)) = (self.schedule.every, self.source.config.lifetime())
            && self.overlap >= life
        {
            let which = if node.attr("overlap").is_null() {
                "the default where a target goes live later"
            } else {
                "as configured"
            };
            problems.error(
                Path::attribute("overlap"),
                "overlap is as long as the credential's life, or longer",
                format!(
                    "overlap is {} ({which}), but the credential ends {} after it was minted, so that it would have to be rotated \
                     at once. Shorten the overlap, or let the credential live longer.",
                    crate::duration::format(self.overlap),
                    crate::duration::format(life)
                ),
            );
        }
        if let Some(limit) = self.source.config.label_limit() {
            let suffix = "-rot-".len() + crate::label::ID_LENGTH + "-g".len() + GENERATION_DIGITS;
            let longest = limit.saturating_sub(suffix);
            if self.label_prefix.chars().count() > longest {
                let set = if node.attr("label_prefix").is_null() {
                    "name"
                } else {
                    "label_prefix"
                };
                problems.error(
                    Path::attribute(set),
                    format!("{set} is too long for the names of {}", self.source.kind.name),
                    format!(
                        "The issuer allows {limit} characters, of which our own mark takes {suffix}. Set label_prefix \
                         to at most {longest} characters."
                    ),
                );
            }
        }
        if explicit_overlap_deferred && self.overlap < DEFERRED_OVERLAP && self.source.config.traits().revocable {
            let later: Vec<&str> = self
                .targets
                .iter()
                .filter(|(_, target)| target.config.traits().activation != Activation::Itself)
                .map(|(key, _)| key.as_str())
                .collect();
            problems.warning(
                Path::attribute("overlap"),
                "The overlap is shorter than deferred targets may need",
                format!(
                    "Consumers of {} pick a new value up in their own time (a workflow run, a deployment). With \
                     overlap = {:?} the old credential may be revoked while they still use it; 24h is the default.",
                    later.join(", "),
                    crate::duration::format(self.overlap)
                ),
            );
        }
        self.presentable(problems);
        let traits = self.source.config.traits();
        if traits.max_live.is_some() && !traits.replaces && !traits.reveals {
            let first = self.targets.values().map(|target| target.wave).min();
            let escrow = self
                .targets
                .values()
                .any(|target| Some(target.wave) == first && target.config.traits().readable);
            if !escrow {
                problems.warning(
                    Path::attribute("targets"),
                    "An interrupted rotation could not be resumed",
                    format!(
                        "{} allows a limited number of live credentials, and no target of the first wave gives its \
                         value back. Put a readable target (such as ssm_parameter) into the first wave.",
                        self.source.kind.name
                    ),
                );
            }
        }
    }

    /// Whether the credentials of another secret never carry the prefix of this one: it is the name, not one that a user gives to
    /// several.
    pub fn label_names_the_secret(&self) -> bool {
        self.label_prefix == label_prefix_of(&self.name)
    }

    /// A check can present only what can be had at its time.
    fn presentable(&self, problems: &mut Diagnostics) {
        let traits = self.source.config.traits();
        let readable = self.targets.values().filter(|target| target.config.traits().readable);
        let given_back: BTreeSet<String> = readable
            .filter(|target| target.template.is_none())
            .map(|target| self.source.kind.part(&target.part))
            .collect();
        for (key, check) in &self.checks {
            let (whose, can, when) = match check.config.presents() {
                Presents::Previous => ("previous", traits.reveals_superseded, ""),
                // By the time of its own step nobody has the value in memory.
                Presents::New if check.phase == Phase::Revoked && !self.overlap.is_zero() => {
                    ("new", traits.reveals, " after the overlap")
                }
                Presents::New | Presents::Nothing => continue,
            };
            if can || check.parts(self.source.kind).is_subset(&given_back) {
                continue;
            }
            let path = Path::attribute("checks").then_key(key).then_attribute(check.kind.name);
            problems.error(
                path.then_attribute("credential"),
                format!("The {whose} credential's value cannot be had{when}"),
                format!(
                    "credential = {whose:?} needs a target that gives the value back and holds it as it is, without a template \
                     (such as ssm_parameter), or a source that reveals it; {} does not.",
                    self.source.kind.name
                ),
            );
        }
    }
}

type ParsedSource = (&'static SourceKind, Option<Box<dyn SourceConfig>>);

/// The one kind key that is set, checked against the registry's names. `None` also while several may turn out to be it.
fn one_kind<'k>(node: &Node<'_>, kinds: &[&'k str], problems: &mut Diagnostics) -> Option<&'k str> {
    let kinds_that = |test: fn(&Node<'_>) -> bool| -> Vec<&'k str> {
        let found = kinds.iter().filter(|kind| test(&node.attr(kind)));
        found.copied().collect()
    };
    let set = kinds_that(|kind| kind.is_set());
    let possible = kinds_that(|kind| !kind.is_null());
    let list = kinds.join(", ");
    match set.as_slice() {
        [_] | [] if possible.len() > 1 => None,
        [one] => Some(one),
        [] if !possible.is_empty() => possible.first().copied(),
        [] => {
            problems.error(
                node.path().clone(),
                format!("{} names no kind", node.path()),
                format!(
                    "Exactly one of these keys is required: {list}. Terraform drops misspelt keys without a word, so \
                     check the spelling."
                ),
            );
            None
        }
        several => {
            problems.error(
                node.path().clone(),
                format!("{} names {} kinds: {}", node.path(), several.len(), several.join(", ")),
                format!("Exactly one of these keys is allowed: {list}."),
            );
            None
        }
    }
}

/// Reports a kind object in which nothing is set although the kind has arguments.
fn not_empty(node: &Node<'_>, has_arguments: bool, problems: &mut Diagnostics) -> Option<()> {
    if has_arguments && !node.is_unknown() && node.set_attributes().is_empty() {
        problems.error(
            node.path().clone(),
            format!("{} is empty", node.path()),
            "Set at least one argument. Terraform drops misspelt keys without a word, so check the spelling.",
        );
        return None;
    }
    Some(())
}

fn parse_source(node: &Node<'_>, problems: &mut Diagnostics) -> Option<ParsedSource> {
    if node.is_unknown() {
        return None;
    }
    let names: Vec<&str> = source::ALL.iter().map(|kind| kind.name).collect();
    let kind = source::kind(one_kind(node, &names, problems)?)?;
    let object = node.attr(kind.name);
    // Arguments that all have a default (a personal Neon key) may be left out.
    let required = (kind.attributes)()
        .iter()
        .any(|a| a.mode == crate::terraform::Mode::Required);
    not_empty(&object, required, problems)?;
    Some((kind, (kind.parse)(&object, problems)))
}

fn parse_targets(
    node: &Node<'_>,
    name: Option<&str>,
    source: Option<&'static SourceKind>,
    problems: &mut Diagnostics,
) -> Option<BTreeMap<String, TargetEntry>> {
    if node.is_unknown() {
        return None;
    }
    if node.elements().is_empty() {
        problems.error(
            node.path().clone(),
            "targets is empty",
            "A secret needs at least one place that holds it: targets = { … }.",
        );
        return None;
    }
    let mut targets = BTreeMap::new();
    let mut complete = true;
    for (key, element) in node.elements() {
        match parse_target(&element, name, source, problems) {
            Some(target) => drop(targets.insert(key.to_owned(), target)),
            None => complete = false,
        }
    }
    complete.then_some(targets)
}

fn parse_target(
    node: &Node<'_>,
    name: Option<&str>,
    source: Option<&'static SourceKind>,
    problems: &mut Diagnostics,
) -> Option<TargetEntry> {
    if node.is_unknown() {
        return None;
    }
    let wave = node.attr("wave").integer(1, 1_000, problems).or(1);
    let keep = node
        .attr("on_remove")
        .one_of(&["delete", "keep"], problems)
        .or("delete");
    let part = node.attr("part").string(problems).optional();
    let template_text = node.attr("template").string(problems).optional();
    let names: Vec<&str> = target::ALL.iter().map(|kind| kind.name).collect();
    let kind = one_kind(node, &names, problems).and_then(target::kind);
    let config: Option<Arc<dyn TargetConfig>> = kind.and_then(|kind| {
        let object = node.attr(kind.name);
        not_empty(&object, true, problems)?;
        (kind.parse)(&object, name, problems).map(Arc::from)
    });
    let allowed: Option<&[&str]> = source.map(|kind| kind.parts);
    if let (Some(Some(part)), Some(allowed)) = (&part, allowed)
        && part != "value"
        && !allowed.contains(&part.as_str())
    {
        problems.error(
            node.attr("part").path().clone(),
            format!("The credential has no part {part:?}"),
            format!("Its parts are {}.", allowed.join(", ")),
        );
        return None;
    }
    if let (Some(Some(_)), Some(Some(_))) = (&part, &template_text) {
        problems.error(
            node.attr("template").path().clone(),
            "part and template are both set",
            "A template names the parts that it uses: remove part.",
        );
        return None;
    }
    let template = match template_text? {
        None => None,
        Some(text) => Some(parse_template(&node.attr("template"), &text, allowed, problems)?),
    };
    let config = config?;
    let primary = allowed?.first().copied().unwrap_or("value");
    // A template that is one bare part says in other words which part it is.
    let (part, template) = match template {
        Some(template) => match template.sole_part().map(str::to_owned) {
            Some(part) => (Some(part), None),
            None => (None, Some(template)),
        },
        None => (part?, None),
    };
    let part = part
        .filter(|part| part != "value")
        .unwrap_or_else(|| primary.to_owned());
    let print = template
        .as_ref()
        .map(|template| template.canonical(primary))
        .unwrap_or_default();
    let fingerprint = serde_json::json!([part, print, config.fingerprint()]).to_string();
    Some(TargetEntry {
        kind: kind?,
        config,
        wave: wave?,
        part,
        template,
        keep: keep? == "keep",
        fingerprint,
    })
}

/// Reads a template and checks its parts and that it holds no literal credential.
fn parse_template(
    node: &Node<'_>,
    text: &str,
    allowed: Option<&[&str]>,
    problems: &mut Diagnostics,
) -> Option<Template> {
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => {
            problems.error(
                node.path().clone(),
                format!("{} is not a template", node.path()),
                format!("{error}."),
            );
            return None;
        }
    };
    if crate::template::literal_credential(&template) {
        problems.error(
            node.path().clone(),
            "The template holds a literal password",
            "A template is stored in state. Write the password as a part, such as {{ password | urlencode }}.",
        );
        return None;
    }
    let allowed = allowed?;
    for part in template.parts() {
        if part != "value" && !allowed.contains(&part.as_str()) {
            problems.error(
                node.path().clone(),
                format!("The template uses the unknown part {part:?}"),
                format!(
                    "The credential's parts are {}; value means the first.",
                    allowed.join(", ")
                ),
            );
            return None;
        }
    }
    if template.parts().is_empty() {
        problems.error(
            node.path().clone(),
            "The template uses no part",
            format!(
                "Without one, every generation would have the same text. Parts: {}.",
                allowed.join(", ")
            ),
        );
        return None;
    }
    Some(template)
}

/// The waves that have targets; `None` while one is unknown.
fn known_waves(targets: &Node<'_>) -> Option<BTreeSet<u64>> {
    if targets.is_unknown() {
        return None;
    }
    let mut quiet = Diagnostics::new();
    targets
        .elements()
        .iter()
        .map(|(_, node)| node.attr("wave").integer(1, 1_000, &mut quiet).or(1))
        .collect()
}

fn parse_checks(
    node: &Node<'_>,
    source: Option<&'static SourceKind>,
    waves: Option<&BTreeSet<u64>>,
    problems: &mut Diagnostics,
) -> Option<BTreeMap<String, CheckEntry>> {
    if node.is_unknown() {
        return None;
    }
    let mut checks = BTreeMap::new();
    let mut complete = true;
    for (key, element) in node.elements() {
        match parse_check(&element, source, waves, problems) {
            Some(check) => drop(checks.insert(key.to_owned(), check)),
            None => complete = false,
        }
    }
    complete.then_some(checks)
}

fn parse_check(
    node: &Node<'_>,
    source: Option<&'static SourceKind>,
    waves: Option<&BTreeSet<u64>>,
    problems: &mut Diagnostics,
) -> Option<CheckEntry> {
    if node.is_unknown() {
        return None;
    }
    let wave = node.attr("wave").integer(1, 1_000, problems).optional();
    let phase = node
        .attr("phase")
        .one_of(&["delivered", "preflight", "revoked"], problems)
        .or("delivered");
    let timeout = node.attr("timeout").duration(problems).optional();
    if timeout.flatten().is_some_and(|timeout| timeout.is_zero()) {
        problems.error(
            node.attr("timeout").path().clone(),
            format!("{} must be longer than zero", node.attr("timeout").path()),
            "No attempt could end in time. Leave it out for the default of the kind.",
        );
    }
    let retry_for = node.attr("retry_for").duration(problems).optional();
    let names: Vec<&str> = check::ALL.iter().map(|kind| kind.name).collect();
    let kind = one_kind(node, &names, problems).and_then(check::kind);
    let config = kind.and_then(|kind| {
        let object = node.attr(kind.name);
        not_empty(&object, true, problems)?;
        (kind.parse)(&object, problems)
    });
    if let (Some(Some(wave)), Some(waves)) = (wave, waves)
        && !waves.contains(&wave)
    {
        let list = waves.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        problems.error(
            node.attr("wave").path().clone(),
            format!("No target is in wave {wave}"),
            format!("A check runs after a wave that has targets: {list}."),
        );
    }
    if let (Some(Some(_)), Some("preflight" | "revoked")) = (wave, phase) {
        problems.error(
            node.attr("wave").path().clone(),
            "wave is only for checks of the phase \"delivered\"",
            "A check before minting or after revocation belongs to no wave: remove wave or phase.",
        );
    }
    let (kind, config, phase) = (kind?, config?, phase?);
    let path = node.path().then_attribute(kind.name);
    if let Some(parts) = source.map(|source| source.parts) {
        for part in config.parts_used() {
            if part != "value" && !parts.contains(&part.as_str()) {
                // A write-only text between braces may be the credential itself.
                let hidden = !node.attr(kind.name).attr("headers_wo").is_null();
                let summary = match hidden {
                    true => "The check uses an unknown part".to_owned(),
                    false => format!("The check uses the unknown part {part:?}"),
                };
                let known = parts.join(", ");
                let detail = match hidden {
                    true => format!(
                        "A text between double braces, in headers_wo or another argument, is no part of the credential; it is \
                         not repeated here, because it may be secret. The parts are {known}; value means the first. A value \
                         of your own stands without braces."
                    ),
                    false => format!("The credential's parts are {known}; value means the first."),
                };
                problems.error(path.clone(), summary, detail);
                return None;
            }
        }
    }
    if phase == "preflight" && config.presents() == Presents::New && !config.parts_used().is_empty() {
        problems.error(
            path,
            "A preflight check cannot present the new credential",
            "It runs before anything is minted: use credential = \"previous\" or \"none\", or the phase \"delivered\".",
        );
        return None;
    }
    let defaults = config.default_patience();
    let positive = |duration: SignedDuration| Duration::from_secs(duration.as_secs().unsigned_abs());
    Some(CheckEntry {
        kind,
        wave: wave?.or_else(|| waves?.last().copied()).unwrap_or(1),
        phase: match phase {
            "preflight" => Phase::Preflight,
            "revoked" => Phase::Revoked,
            _ => Phase::Delivered,
        },
        patience: Patience {
            timeout: timeout?.map_or(defaults.timeout, positive),
            retry_for: retry_for?.map_or(defaults.retry_for, positive),
        },
        config,
    })
}

/// Longest `name`, in characters; no vendor takes more in the name of an entry, unless it is a path.
const LONGEST_NAME: usize = 255;

fn parse_name(node: &Node<'_>, problems: &mut Diagnostics) -> Option<String> {
    let name = node.required_string(problems).known()?;
    let length = name.chars().count();
    let mistake = if length > LONGEST_NAME {
        format!("It has {length} characters; at most {LONGEST_NAME} are permitted.")
    } else if name.chars().any(char::is_control) || name.trim().is_empty() {
        "It is blank, or holds a line break or another control character. Write the name as it stands in your inventory.".to_owned()
    } else {
        return Some(name);
    };
    problems.error(node.path().clone(), "name cannot be used", mistake);
    None
}

/// `rotate_now`: it is shown as the reason, in one line.
fn parse_reason(node: &Node<'_>, problems: &mut Diagnostics) -> Field<String> {
    node.string(problems).and_then_checked(|text| {
        let mistake = if text.trim().is_empty() {
            "It is blank. Say why the secret is to be rotated, such as \"2026-11-22: left with a contractor\", or leave it out."
        } else if text.chars().any(char::is_control) {
            "It holds a line break or another control character, and it is recorded as the reason: write one line of text, with \
             chomp() around what was read from elsewhere."
        } else {
            return Some(text);
        };
        problems.error(node.path().clone(), "rotate_now is not a reason", mistake);
        None
    })
}

/// `label_prefix`, or the name in an alphabet that every issuer takes.
fn parse_label_prefix(node: &Node<'_>, name: Option<&str>, problems: &mut Diagnostics) -> Option<String> {
    let set = node.attr("label_prefix").string(problems).optional()?;
    let (attribute, prefix) = match set {
        Some(prefix) if prefix.chars().all(permitted) => ("label_prefix", prefix),
        Some(_) => {
            problems.error(
                Path::attribute("label_prefix"),
                "label_prefix has characters that vendors do not take in names",
                "Use letters, digits, hyphens, underscores and dots.",
            );
            return None;
        }
        None => ("name", label_prefix_of(name?)),
    };
    let length = prefix.chars().count();
    if length > LONGEST_PREFIX {
        problems.error(
            Path::attribute(attribute),
            format!("{attribute} is too long for the names that vendors keep"),
            format!(
                "It has {length} characters and stands before our own mark in every such name. Set label_prefix to at most \
                 {LONGEST_PREFIX} characters."
            ),
        );
        return None;
    }
    Some(prefix)
}

/// What vendors take in names.
fn permitted(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn label_prefix_of(name: &str) -> String {
    name.chars().map(|c| if permitted(c) { c } else { '-' }).collect()
}

fn info_is_text(info: &Node<'_>, problems: &mut Diagnostics) {
    for name in super::schema::INFO {
        info.attr(name.0).text(problems);
    }
}
