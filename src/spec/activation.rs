//! An activation as configured.

use std::sync::Arc;

use super::{CheckSpec, TargetSpec};

/// What makes the consumers of a wave load the new value.
pub struct ActivationSpec {
    /// What runs, after which wave.
    pub run: Arc<CheckSpec>,
    /// The same text for two activations that do the same: kind, connection and arguments. `None` for one that presents a value.
    pub equal_work: Option<String>,
}

impl ActivationSpec {
    /// The wave whose deliveries it follows.
    pub fn wave(&self) -> u64 {
        self.run.wave().unwrap_or(1)
    }

    /// Whether consumers of that target load its value when it has succeeded.
    pub fn covers(&self, target: &TargetSpec) -> bool {
        let named = self.run.config.restarts().zip(target.config.consumers());
        self.wave() == target.wave && named.is_none_or(|(restarted, consumers)| restarted == consumers)
    }
}
