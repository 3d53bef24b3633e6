//! The one HTTP client: authentication headers marked sensitive, retry where it is safe, capped bodies, redacted errors,
//! redirects that never carry a credential to another host.
//!
//! Reads need nothing; writes need a [`WritePermit`](crate::call::WritePermit), which validate, plan and read do not have.

mod classify;
mod client;
mod governor;
mod header;
mod known_answers;
mod pace;
mod protocol;
mod request;
mod response;
mod retry;
mod shared;
mod skew;
mod url_policy;
mod withhold;

pub use client::HttpClient;
pub use header::{HeaderMistake, header_mistake};
pub use known_answers::KnownAnswers;
pub use pace::Allowance;
pub use protocol::{Attempt, Protocol, Refusal, Refused};
pub use request::{ErrorMessage, RefusalKind, Request, WordedLimit};
pub use response::{BODY_LIMIT, Response};
pub use shared::Shared;
pub use skew::Skew;
pub use url_policy::permitted;
pub(crate) use url_policy::{is_loopback, is_this_machine, remote_host, resolve};
pub use withhold::{WITHHELD, of_secret_answer, readable};
