//! The access tokens of apps and organizations as Fly lists them, never with their values, and what is shared of them in a run.

use jiff::Timestamp;
use serde::Deserialize;

use super::FlyClient;
use crate::clock::Clock;
use crate::connection::instant::instant;
use crate::http::Shared;

/// A token's metadata (`LimitedAccessToken`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// By which it is revoked.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "instant")]
    pub created_at: Option<Timestamp>,
    /// When it expires.
    #[serde(default, deserialize_with = "instant")]
    pub expires_at: Option<Timestamp>,
    /// Any text at all means revoked, also one that is not an instant.
    #[serde(default)]
    revoked_at: Option<String>,
}

impl Token {
    /// Whether it works at that time, as far as the list tells.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }
}

/// The node ids that minting needs.
pub struct TokenOwner {
    /// The organization.
    pub organization: String,
    /// The app, for a token of one.
    pub app: Option<String>,
}

/// What is known of tokens, by app or organization.
pub struct TokenListings {
    /// All tokens; revoked ones stay in Fly's list.
    pub tokens: Shared<Vec<Token>>,
    /// Whose they are.
    pub owners: Shared<TokenOwner>,
}

impl TokenListings {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            tokens: Shared::for_a_while(clock),
            owners: Shared::new(),
        }
    }
}

impl FlyClient {
    /// What all users of this client know of tokens.
    pub fn token_listings(&self) -> &TokenListings {
        &self.0.token_listings
    }
}
