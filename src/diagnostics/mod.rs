//! Every error and warning that the provider can give: one catalogue, a file for each area.
//!
//! A variant carries data; its summary, detail and severity stand beside it, with a sample. `golden.rs` prints every sample as Terraform
//! would, so each text is seen by who reviews a change. Nothing else in the crate can make a [`Message`] (`tests/architecture.rs`).
//! What a vendor answered, and what its adapter advises, are data of the vendor (`CallError`): they come in as fields.
//!
//! Depends on nothing, so that every layer can use it.

#[macro_use]
mod catalogue;

mod activation;
mod adoption;
mod apply;
mod argument;
mod check;
mod configuration;
mod connection;
mod destroy;
#[cfg(test)]
mod golden;
mod plan;
mod protocol;
mod refresh;
mod run;
mod situation;
mod state;

use std::borrow::Cow;

pub use activation::Activation;
pub use adoption::Adoption;
pub use apply::Apply;
pub use argument::{Argument, Hint};
pub use catalogue::{Message, Severity, Text};
pub use check::CheckArgument;
pub use configuration::Configuration;
pub use connection::ConnectionProblem;
pub use destroy::Destroy;
pub use plan::{Exposed, Plan};
pub use protocol::Protocol;
pub use refresh::Refresh;
pub use run::{LostMint, Run};
pub use situation::{Ending, Next, Situation, TargetSituation, Work};
pub use state::StateProblem;

/// A text in a message: a name, or a rule of a vendor.
pub type Words = Cow<'static, str>;

/// Names with commas between them.
fn list(names: &[Words]) -> String {
    names.join(", ")
}

/// Names that all take part: `a`, `a and b`, or `a, b and c`.
pub fn all_of<N: AsRef<str>>(names: &[N]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        others => others.concat(),
    }
}

/// A text with its first letter in upper case.
pub fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next();
    first
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}

/// Names for a list in a message.
pub fn names<N: Into<Words>>(names: impl IntoIterator<Item = N>) -> Vec<Words> {
    names.into_iter().map(Into::into).collect()
}
