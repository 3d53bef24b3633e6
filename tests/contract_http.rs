//! What is peculiar to services that a user describes: several instances, lists that are not as described, other origins.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/vendor.rs"]
#[expect(dead_code, reason = "other suites need more of it")]
mod vendor;

#[path = "contract_http/canary.rs"]
mod canary;
#[path = "contract_http/service.rs"]
mod service;
#[path = "contract_http/target.rs"]
mod target;
