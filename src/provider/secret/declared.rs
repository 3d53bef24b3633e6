//! What stands in the dynamic attributes, put together from the registries of kinds: the one declaration, by which values are
//! conformed and checked, and from which the reference pages and `docs/kinds.json` are made.

use std::sync::LazyLock;
use std::time::Duration;

use jiff::SignedDuration;

use crate::check::Patience;
use crate::provider::kinds::{activations, connection, kind, timeout};
use crate::terraform::{Attribute, AttributeType, Nesting, Type};
use crate::{check, duration, source, target};

/// A dynamic attribute: its name and what it holds.
pub struct Declared {
    /// The attribute's name.
    pub name: &'static str,
    /// Its content.
    pub content: AttributeType,
}

/// Every dynamic attribute of the resource.
pub static DYNAMIC: LazyLock<[Declared; 4]> = LazyLock::new(|| {
    let map = |name, common: Vec<Attribute>, kinds: Vec<Attribute>| Declared {
        name,
        content: AttributeType::Nested(Nesting::Map, common.into_iter().chain(kinds).collect()),
    };
    let source = common_of_source().into_iter().chain(sources()).collect();
    [
        Declared {
            name: "source",
            content: AttributeType::Nested(Nesting::Single, source),
        },
        map("targets", common_of_targets(), targets()),
        map("activations", common_of_activations(), activations()),
        map("checks", common_of_checks(), checks()),
    ]
});

fn sources() -> Vec<Attribute> {
    let all = source::ALL.iter();
    all.map(|known| kind(known.name, known.summary, (known.attributes)()))
        .collect()
}

fn targets() -> Vec<Attribute> {
    let all = target::ALL.iter();
    all.map(|known| kind(known.name, known.summary, (known.attributes)()))
        .collect()
}

fn checks() -> Vec<Attribute> {
    let all = check::ALL.iter();
    all.map(|known| kind(known.name, known.summary, (known.attributes)()))
        .collect()
}

/// The common keys of `source`.
pub fn common_of_source() -> Vec<Attribute> {
    vec![connection()]
}

/// The common keys of a target.
pub fn common_of_targets() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "wave",
            Type::Number,
            "Waves are delivered in ascending order, the targets of one wave together. A whole number from 1 to 1000. Default `1`.",
        ),
        Attribute::optional(
            "part",
            Type::String,
            "The part of the credential that the entry holds. Required where the source has several parts, unless `template` is set.",
        ),
        Attribute::optional(
            "template",
            Type::String,
            "The text that the entry holds instead of a bare part: `{{ part }}`, with the filters `urlencode`, `base64`, `base64url` \
             and `json`.",
        ),
        connection(),
        Attribute::optional(
            "on_remove",
            Type::String,
            "What happens to the entry when the target is removed from `targets`: `delete` (default) or `keep`. Read from the state.",
        ),
        Attribute::optional(
            "settle",
            Type::String,
            "How long consumers may go on using the old value after delivery and activation. Old credentials are not revoked before; an \
             incident does not wait for it.",
        ),
        Attribute::optional(
            "lead",
            Type::String,
            "How long this target is live before the next wave starts, so that those who verify have a value before others use it. Up to \
             10 minutes the apply waits. Beyond that it ends without an error, and a later apply continues once the time has passed.",
        ),
        Attribute::optional(
            "impact",
            Type::String,
            "What breaks if this target alone lacks the new value. Shown in errors, and in the plan of an incident that revokes at once.",
        ),
    ]
}

/// The common keys of an activation.
pub fn common_of_activations() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "wave",
            Type::Number,
            "It runs after the deliveries of this wave, and before its checks. Default: the last wave.",
        ),
        timeout(),
        connection(),
    ]
}

/// The common keys of a check.
pub fn common_of_checks() -> Vec<Attribute> {
    vec![
        Attribute::optional("wave", Type::Number, "It runs after this wave. Default: the last wave."),
        Attribute::optional(
            "phase",
            Type::String,
            "`delivered` (default): after its wave. `preflight`: before anything is minted. `revoked`: after an old credential was \
             revoked.",
        ),
        Attribute::optional(
            "timeout",
            Type::String,
            format!(
                "Time for one attempt. Default: {}.",
                by_check(|patience| patience.timeout)
            ),
        ),
        Attribute::optional(
            "retry_for",
            Type::String,
            format!(
                "A failed attempt is repeated for this long; `0s` means one attempt. Default: {}.",
                by_check(|patience| patience.retry_for)
            ),
        ),
        connection(),
        Attribute::optional(
            "effects",
            Type::Bool,
            "`true` confirms that the check changes something outside. Default `true` for `github_workflow`; required for `exec`, `ssh` and \
             `http` with a method other than GET or HEAD. Such a check is not repeated before a revocation.",
        ),
    ]
}

/// The default for each kind of check.
fn by_check(field: fn(&Patience) -> Duration) -> String {
    let texts = check::ALL.iter().map(|kind| {
        let text = SignedDuration::try_from(field(&kind.patience)).map(duration::format);
        format!("`{}` for `{}`", text.unwrap_or_default(), kind.name)
    });
    texts.collect::<Vec<_>>().join(", ")
}
