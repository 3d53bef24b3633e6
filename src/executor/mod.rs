//! Performs the engine's steps through the adapters, and records what became known.

mod stop;

pub use stop::Stop;
