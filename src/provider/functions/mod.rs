//! The functions: what can be said of secrets from their attributes alone, without a clock or a vendor.

mod inventory;
mod secrets;

pub(super) use inventory::Inventory;
