//! Mistakes in the arguments of HTTP checks.

use super::Words;

catalogue! {
    /// A mistake in a check.
    CheckArgument {
        /// A body that would present a credential.
        error BodyPresents { argument: String } => {
            summary: format!("{argument} presents a credential"),
            detail: "With credential = \"none\", headers that use parts are left out, but the body is always sent. Remove the parts from it.",
            samples: [{ argument: "checks[\"up\"].http.body".into() }],
        }
        /// A header that the HTTP client writes.
        error OwnHeader { argument: String, header: String } => {
            summary: format!("{argument} cannot be set"),
            detail: format!("The HTTP client sets {header} itself. Remove it. To reach another host, change `url`."),
            samples: [{ argument: "checks[\"up\"].http.headers[\"Host\"]".into(), header: "Host".into() }],
        }
        /// A body expected where there is none.
        error HeadHasNoBody => {
            summary: "A response to HEAD has no body",
            detail: "Use GET, or remove expect_json, expect_body and reject_body.",
            samples: [{}],
        }
        /// A URL that must not be called.
        error UrlRefused { why: Words } => {
            summary: "The URL of this check cannot be called",
            detail: format!("http.url is refused: {why}."),
            samples: [{ why: "it is relative, and the check names no connection".into() }],
        }
        /// A header that its connection sets, too.
        error HeaderOfConnection { header: String, connection: String } => {
            summary: format!("The header {header} is set twice"),
            detail: format!("The check sets it, and so does the connection {connection:?}. Remove one of the two."),
            samples: [{ header: "Authorization".into(), connection: "status".into() }],
        }
    }
}
