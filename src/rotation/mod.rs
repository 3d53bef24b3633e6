//! The engine: what happens next. No clock, no network, no randomness.
