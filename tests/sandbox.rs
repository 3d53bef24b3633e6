//! The sandbox keeps the vendors' rules, not only their shapes: what was done decides what is answered next.
//!
//! Other people's clients use it (boto3, PyGithub), and plain calls show the rules that those clients do not meet. Nothing of
//! the provider takes part. Shapes and faults are judged in `sandbox_judges.rs`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

#[path = "sandbox/caller.rs"]
mod caller;
#[path = "sandbox/clients.rs"]
mod clients;
#[path = "sandbox/control.rs"]
mod control;
#[path = "sandbox/fly.rs"]
mod fly;
#[path = "sandbox/github.rs"]
mod github;
#[expect(dead_code, reason = "these tests use part of it")]
#[path = "support/sandbox.rs"]
mod harness;
#[path = "sandbox/neon.rs"]
mod neon;
#[path = "sandbox/platform.rs"]
mod platform;
#[path = "sandbox/process.rs"]
mod process;
#[path = "sandbox/timeline.rs"]
mod timeline;
