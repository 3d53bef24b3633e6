//! Text built from a credential's parts: `postgres://{{ username | urlencode }}@host/db`.
