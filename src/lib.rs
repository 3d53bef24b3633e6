//! A Terraform and OpenTofu provider that rotates secrets.
//!
//! | module | holds |
//! |---|---|
//! | [`plugin`] | how Terraform talks to us: go-plugin handshake, mutual TLS, the tfplugin 6 service |
//! | [`terraform`] | Terraform's vocabulary: values, schema, paths, diagnostics, configuration cursor |
//! | [`diagnostics`] | the catalogue of every error and warning |
//! | [`provider`] | what a user sees: the provider block and the resources `rotation_secret` and `rotation_activation` |
//! | [`rotation`] | the engine: what happens next, decided without clock, network or randomness |
//! | [`spec`] | what a secret is to be: the configuration, read once, by which the provider decides and the executor works |
//! | [`executor`] | performs the engine's steps through the adapters and records what became known |
//! | [`source`], [`target`], [`check`] | the adapters, one file a kind; [`activation`] names the checks that also activate |
//! | [`vendors`] | where adapters come from |
//! | [`connection`] | one authenticated client per vendor account, shared by its adapters |
//! | [`escrow`] | the text in which values are parked |
//! | [`part`] | the names of a credential's parts |
//! | [`age`], [`files`] | encryption to age recipients; files of users that hold values |
//! | [`http`] | the one HTTP client: retry, redaction, caps, redirects |
//! | [`secret`], [`clock`], [`randomness`], [`environment`], [`stop`] | the only places for values, time, entropy, variables, interrupts |
//!
//! Which module may use which is a table in `tests/architecture.rs`.

pub mod activation;
pub mod address;
pub mod age;
pub mod call;
pub mod check;
pub mod clock;
pub mod connection;
pub mod diagnostics;
pub mod duration;
pub mod environment;
pub mod escrow;
pub mod executor;
pub mod files;
pub mod http;
pub mod label;
pub mod part;
pub mod plugin;
pub mod process;
pub mod provider;
pub mod randomness;
pub mod rotation;
pub mod secret;
#[cfg(test)]
mod simulation;
pub mod source;
pub mod spec;
pub mod stop;
pub mod target;
pub mod template;
pub mod terraform;
pub mod vendors;
