//! The one place where adapters come from: by configuration while there is one, by a stored address afterwards.
//!
//! [`Connections`] is the real one. Tests put a world of their own in its place (`tests/engine`), so that the same read,
//! plan, apply and destroy run against vendors whose every answer they choose.

use crate::address::Address;
use crate::check::{Check, CheckConfig};
use crate::connection::Connections;
use crate::source::{Issuer, Source, SourceConfig, SourceKind};
use crate::target::{Slot, Target, TargetConfig, TargetKind};
use crate::terraform::Diagnostic;

/// Connects adapters. Every error is a diagnostic that names what is not configured; nothing is called yet.
pub trait Vendors: Send + Sync {
    /// The adapter of a configured source.
    ///
    /// # Errors
    /// As [`SourceConfig::connect`].
    fn source(&self, config: &dyn SourceConfig) -> Result<Box<dyn Source>, Diagnostic>;

    /// The adapter of the configured target in that slot.
    ///
    /// # Errors
    /// As [`TargetConfig::connect`].
    fn target(&self, config: &dyn TargetConfig, slot: &Address) -> Result<Box<dyn Target>, Diagnostic>;

    /// The adapter of the configured check with that key.
    ///
    /// # Errors
    /// As [`CheckConfig::connect`].
    fn check(&self, config: &dyn CheckConfig, key: &str) -> Result<Box<dyn Check>, Diagnostic>;

    /// The slot at a stored address of that kind.
    ///
    /// # Errors
    /// As [`TargetKind::slot`].
    fn slot(&self, kind: &TargetKind, address: &Address) -> Result<Box<dyn Slot>, Diagnostic>;

    /// The issuer at a stored address of that kind; `None` for kinds that issue nothing revocable.
    ///
    /// # Errors
    /// As [`SourceKind::issuer`].
    fn issuer(&self, kind: &SourceKind, address: &Address) -> Result<Option<Box<dyn Issuer>>, Diagnostic>;
}

impl Vendors for Connections {
    fn source(&self, config: &dyn SourceConfig) -> Result<Box<dyn Source>, Diagnostic> {
        config.connect(self)
    }

    fn target(&self, config: &dyn TargetConfig, _slot: &Address) -> Result<Box<dyn Target>, Diagnostic> {
        config.connect(self)
    }

    fn check(&self, config: &dyn CheckConfig, _key: &str) -> Result<Box<dyn Check>, Diagnostic> {
        config.connect(self)
    }

    fn slot(&self, kind: &TargetKind, address: &Address) -> Result<Box<dyn Slot>, Diagnostic> {
        (kind.slot)(address, self)
    }

    fn issuer(&self, kind: &SourceKind, address: &Address) -> Result<Option<Box<dyn Issuer>>, Diagnostic> {
        (kind.issuer)(address, self)
    }
}
