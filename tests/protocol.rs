//! The plugin layer from outside: an executable, driven by a small gRPC client, by real cores, and by an independent driver.
//!
//! The provider is `examples/protocol_fixture.rs`, so nothing here depends on what the product does with secrets; only
//! `hostile.rs` turns on the product itself.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[path = "support/grpc.rs"]
mod grpc;
#[path = "support/terraform_cores.rs"]
mod terraform_cores;
#[path = "support/written.rs"]
#[expect(dead_code, reason = "shared with other suites, which read JSON")]
mod written;

#[path = "protocol/cores.rs"]
mod cores;
#[path = "protocol/descriptor.rs"]
mod descriptor;
#[path = "protocol/driver.rs"]
mod driver;
#[path = "protocol/dynamic.rs"]
mod dynamic;
#[path = "protocol/environment.rs"]
mod environment;
#[path = "protocol/fixture.rs"]
mod fixture;
#[path = "protocol/handshake.rs"]
mod handshake;
#[path = "protocol/hostile.rs"]
mod hostile;
#[path = "protocol/life.rs"]
mod life;
#[path = "protocol/log.rs"]
mod log;
#[path = "protocol/offers.rs"]
mod offers;
#[path = "protocol/randomness.rs"]
mod randomness;
#[path = "protocol/service.rs"]
mod service;
#[path = "protocol/tls.rs"]
mod tls;
