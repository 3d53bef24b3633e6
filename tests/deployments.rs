//! Activations that deploy: each platform of the sandbox, and all that can happen between the order and its end.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "deployments/bench.rs"]
mod bench;
#[path = "deployments/railway.rs"]
mod railway;
#[path = "deployments/render.rs"]
mod render;
#[expect(dead_code, reason = "other suites need more of it")]
#[path = "support/sandbox.rs"]
mod sandbox;
#[expect(dead_code, reason = "other suites need more of it")]
#[path = "support/vendor.rs"]
mod vendor;
#[path = "deployments/vercel.rs"]
mod vercel;
