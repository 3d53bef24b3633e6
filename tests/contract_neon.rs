//! The Neon adapters against a Neon that keeps state: revoked keys are dead, resets take effect when their operations have
//! finished, and what is lost is found.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "contract_neon/fake.rs"]
mod fake;
#[path = "contract_neon/gone.rs"]
mod gone;
#[path = "contract_neon/key.rs"]
mod key;
#[path = "contract_neon/password.rs"]
mod password;
#[expect(dead_code, reason = "no answer of this fake gets lost: tests/behaviour loses them")]
#[path = "support/vendor.rs"]
mod vendor;
