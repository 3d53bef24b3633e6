//! The sandbox itself, judged from outside: by the vendors' published schemas and by what
//! it promises about faults. Nothing of the provider takes part.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

#[path = "sandbox_judges/app.rs"]
mod app;
#[path = "sandbox_judges/client.rs"]
mod client;
#[path = "sandbox_judges/extracts.rs"]
mod extracts;
#[path = "sandbox_judges/faults.rs"]
mod faults;
#[expect(dead_code, reason = "these tests use part of it")]
#[path = "support/sandbox.rs"]
mod harness;
#[path = "sandbox_judges/railway.rs"]
mod railway;
#[path = "sandbox_judges/render.rs"]
mod render;
#[path = "sandbox_judges/resend.rs"]
mod resend;
#[path = "sandbox_judges/signature.rs"]
mod signature;
#[path = "sandbox_judges/vercel.rs"]
mod vercel;
#[path = "sandbox_judges/walk.rs"]
mod walk;
