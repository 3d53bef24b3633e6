//! The sandbox itself, judged from outside: by the vendors' published schemas, by their users' own clients, and by what it
//! promises about state and faults. Nothing of the provider takes part.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

#[path = "sandbox/client.rs"]
mod client;
#[path = "sandbox/faults.rs"]
mod faults;
#[expect(dead_code, reason = "these tests use part of it")]
#[path = "support/sandbox.rs"]
mod harness;
#[path = "sandbox/walk.rs"]
mod walk;
