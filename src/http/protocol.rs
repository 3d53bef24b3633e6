//! What a vendor's protocol adds to the common client, where a token in a header and the HTTP status do not suffice: headers that are
//! made anew for each attempt, and errors that are told apart by a code in the answer.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::call::CallErrorKind;
use crate::secret::Secret;

/// A protocol's part in one call. The attempts of a call follow one another.
pub trait Protocol: Send + Sync {
    /// The headers that authenticate an attempt. None of them is sent to another origin than that of the request's URL.
    ///
    /// # Errors
    /// One sentence, without secrets: the request is not sent.
    fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Vec<(&'static str, Secret)>, String>;

    /// What an answer outside the accepted statuses means.
    fn refusal(&self, refused: &Refused<'_>) -> Refusal;
}

/// What is about to be sent.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// `POST` and so on.
    pub method: &'static str,
    /// Where it goes, with its query.
    pub url: &'a str,
    /// The headers that are no secrets, `content-type` among them, by name as they were given.
    pub headers: &'a [(String, String)],
    /// The SHA-256 of the body.
    pub body_hash: [u8; 32],
    /// The system's time.
    pub now: Timestamp,
}

/// An answer outside the accepted statuses.
pub struct Refused<'a> {
    /// HTTP status.
    pub status: u16,
    /// As [`Response::headers`](super::Response).
    pub headers: &'a BTreeMap<String, String>,
    /// The body; it may hold anything.
    pub body: &'a str,
    /// The system's time when it had arrived.
    pub now: Timestamp,
}

/// What a refusal means.
#[derive(Debug, Default)]
pub struct Refusal {
    /// The vendor's words: the code and the message, nothing else of the body.
    pub message: String,
    /// What the code says; `None` where the HTTP status has to tell.
    pub kind: Option<CallErrorKind>,
    /// What the user can do about it, in sentences, without secrets.
    pub advice: Option<String>,
    /// Another attempt will be made in another way, and may end differently.
    pub corrected: bool,
}
