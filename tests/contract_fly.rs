//! The Fly adapters against a Fly that keeps state: what is written is there, what is revoked is dead, what is lost is found.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "contract_fly/fake.rs"]
mod fake;
#[path = "contract_fly/secret.rs"]
mod secret;
#[path = "contract_fly/shared.rs"]
mod shared;
#[path = "contract_fly/token.rs"]
mod token;
#[path = "support/vendor.rs"]
mod vendor;
#[path = "contract_fly/world.rs"]
mod world;
