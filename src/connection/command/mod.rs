//! The arguments of what a user has run, on this machine or on another host: the same for checks, activations and targets.
//!
//! [`LocalCommand`] is a program with its arguments, and [`LocalSetting`] what it runs in; [`RemoteAccount`] is who runs a command on
//! which host. None holds a credential: Terraform stores them, and other users of a machine see them.

mod local;
mod plain;
mod remote;

pub use local::{LocalCommand, LocalSetting};
pub use plain::Presenting;
pub use remote::{Access, RemoteAccount, remote_command, remote_command_attribute};
