//! Which headers somebody else than this client may write.

/// Headers that the HTTP client writes itself, from the URL, the body and the connection (RFC 9110, sections 6.6.2, 7.2, 7.6.1, 7.8, 8.6, 10.1.1
/// and 10.1.4; RFC 9112, section 6.1). Another `content-length` than the body's would make the service wait for the rest.
const OF_THE_CLIENT: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Why a header cannot be sent. Never holds its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderMistake {
    /// The name is none (RFC 9110 section 5.6.2).
    #[error("its name holds a character that HTTP forbids")]
    Name,
    /// The client writes it.
    #[error("the HTTP client writes it itself, from the URL, the body and the connection")]
    OfTheClient,
    /// The value would end the line.
    #[error("its value holds a control character or a line break")]
    Value,
}

/// What is wrong with a header of this name and value.
pub fn header_mistake(name: &str, value: &str) -> Option<HeaderMistake> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        Some(HeaderMistake::Name)
    } else if OF_THE_CLIENT.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        Some(HeaderMistake::OfTheClient)
    } else if value.chars().any(char::is_control) {
        Some(HeaderMistake::Value)
    } else {
        None
    }
}
