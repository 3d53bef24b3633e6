//! PostgreSQL as it is: a real server, with and without TLS, roles of every kind, and who may change them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[expect(dead_code, reason = "a cluster that trusts is for other tests")]
#[path = "support/postgres.rs"]
mod postgres;
#[expect(dead_code, reason = "these tests only watch")]
#[path = "support/postgres_proxy.rs"]
mod postgres_proxy;

#[path = "contract_postgres/password.rs"]
mod password;
#[path = "contract_postgres/sessions.rs"]
mod sessions;
#[path = "contract_postgres/tls.rs"]
mod tls;
#[path = "contract_postgres/world.rs"]
mod world;
