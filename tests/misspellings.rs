//! Mistakes in a configuration: names that are not quite right, wrong types, arguments that only the provider sets or that a later
//! version brings. Each gives one clear error of `validate`; none of the right spellings is refused.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "misspellings/by_hand.rs"]
mod by_hand;
#[path = "misspellings/configurations.rs"]
mod configurations;
#[path = "misspellings/generated.rs"]
mod generated;
#[path = "support/kinds.rs"]
mod kinds;
#[path = "misspellings/shapes.rs"]
mod shapes;
#[path = "misspellings/spellings.rs"]
mod spellings;
