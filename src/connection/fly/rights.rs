//! What the token of this run may do with an app, asked of Fly before anything is at stake.
//!
//! A holder can take rights away from a macaroon without Fly's help (`fly tokens attenuate`, read-only tokens), and listings succeed
//! all the same. The two questions differ in the action alone, so that a refusal of the second is about writing and nothing else.
//! <https://docs.machines.dev/#tag/tokens>, github.com/superfly/macaroon, `flyio/machinesapi`

use serde::Serialize;

use super::{FlyClient, SERVICE, message};
use crate::call::CallError;
use crate::connection::segment;
use crate::http::Request;

/// The body of `POST /v1/tokens/authorize` (Machines API, `authorizeTokenRequest`).
#[derive(Serialize)]
struct Question<'a> {
    header: &'a str,
    access: Access<'a>,
}

#[derive(Serialize)]
struct Access<'a> {
    app_name: &'a str,
    /// `r` or `w`.
    action: &'a str,
}

impl FlyClient {
    /// Whether Fly says that the token may read the app but not write to it; asked once a run. False where Fly does not say, and for
    /// tokens that are no macaroons.
    pub async fn may_only_read(&self, app: &str) -> bool {
        if !self.has_macaroons() {
            return false;
        }
        let ask = || async {
            let refused = self.may(app, "w").await? == Some(false);
            Ok::<_, CallError>(refused && self.may(app, "r").await? == Some(true))
        };
        // What Fly does not answer now is found out by the write.
        self.0.listings.read_only.get(app, ask).await.is_ok_and(|only| *only)
    }

    /// `None` where the answer is neither yes nor no.
    async fn may(&self, app: &str, action: &str) -> Result<Option<bool>, CallError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "borrowed until the text of the request is made, which is wiped"
        )]
        let question = Question {
            header: self.0.tokens.machines.expose(),
            access: Access { app_name: app, action },
        };
        let operation = format!("asking what the token may do with app {app:?}");
        let url = segment::join(&self.0.machines.base_url, &["tokens", "authorize"]);
        // The token is in the body; Fly's own client sends it in no header.
        let request = Request::new("POST", url, SERVICE, operation)
            .error_message(message)
            .json(&question)
            .accept(&[400]);
        let answer = self.0.machines.http.read(request).await?;
        Ok(match answer.status {
            200 => Some(true),
            400 => Some(false),
            _ => None,
        })
    }
}
