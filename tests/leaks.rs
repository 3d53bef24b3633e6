//! The search for values where none may be: whole stories at the finest log level, with vendors that repeat in their errors
//! what they were sent; afterwards every output, file, process and temporary file is searched for every value.
//!
//! `make leaks` plants every kind of fault at every kind of call (`ROTATION_LEAKS=all`); without it, a sample is planted.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[expect(dead_code, reason = "these stories copy and hold nothing")]
#[path = "support/sandbox.rs"]
mod sandbox;
#[path = "support/sshd.rs"]
mod sshd;
#[expect(dead_code, reason = "no script is run here")]
#[path = "support/terraform_cores.rs"]
mod terraform_cores;

#[expect(dead_code, reason = "these stories judge less than those of the end-to-end tests")]
#[path = "e2e/story.rs"]
mod story;

#[path = "leaks/canary.rs"]
mod canary;
#[path = "leaks/cut.rs"]
mod cut;
#[path = "leaks/endpoints.rs"]
mod endpoints;
#[path = "leaks/evidence.rs"]
mod evidence;
#[path = "leaks/faults.rs"]
mod faults;
#[path = "leaks/life.rs"]
mod life;
#[path = "leaks/needles.rs"]
mod needles;
#[path = "leaks/planted.rs"]
mod planted;
#[path = "leaks/programs.rs"]
mod programs;
#[path = "leaks/sources.rs"]
mod sources;
#[path = "leaks/tls.rs"]
mod tls;
#[path = "leaks/watch.rs"]
mod watch;
