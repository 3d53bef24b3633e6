//! Declarations of what every element with a kind takes.

use jiff::SignedDuration;

use crate::activation;
use crate::duration;
use crate::terraform::{Attribute, Mode, Nesting, Type};

/// `connection`, which every element takes.
pub(in crate::provider) fn connection() -> Attribute {
    Attribute::optional(
        "connection",
        Type::String,
        "The name of a `connection` block of the provider. Default: the provider's own account at that vendor.",
    )
}

/// The key of a kind.
pub(in crate::provider) fn kind(name: &'static str, summary: &str, attributes: Vec<Attribute>) -> Attribute {
    Attribute::nested(name, Nesting::Single, Mode::Optional, attributes, summary)
}

/// `timeout` of an activation.
pub(in crate::provider) fn timeout() -> Attribute {
    let own = activation::that_are_no_checks().map(|kind| {
        let text = SignedDuration::try_from(kind.patience.timeout).map(duration::format);
        format!(", `{}` for `{}`", text.unwrap_or_default(), kind.name)
    });
    let own: String = own.collect();
    Attribute::optional(
        "timeout",
        Type::String,
        format!("How long it may take. Default: that of the check of the same kind{own}."),
    )
}

/// The kinds of activations.
pub(in crate::provider) fn activations() -> Vec<Attribute> {
    let all = activation::ALL.iter();
    all.map(|known| kind(known.name, known.summary, (known.attributes)()))
        .collect()
}
