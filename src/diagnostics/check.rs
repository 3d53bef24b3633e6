//! Mistakes in the arguments of HTTP requests: of checks, targets and sources.

use super::Words;

catalogue! {
    /// A mistake in a request.
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
        error UrlRefused { of: Words, argument: Words, why: Words } => {
            summary: format!("The URL of this {of} cannot be called"),
            detail: format!("{argument} is refused: {why}."),
            samples: [{ of: "check".into(), argument: "http.url".into(), why: "it is relative, and the check names no connection".into() }],
        }
        /// A header that its connection sets, too.
        error HeaderOfConnection { of: Words, header: String, connection: String } => {
            summary: format!("The header {header} is set twice"),
            detail: format!("The {of} sets it, and so does the connection {connection:?}. Remove one of the two."),
            samples: [{ of: "check".into(), header: "Authorization".into(), connection: "status".into() }],
        }
    }
}
