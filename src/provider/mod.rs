//! What a user sees: the provider block and the resource `rotation_secret`.
