//! How a call at a PostgreSQL server ended, by SQLSTATE and never by a sentence: servers speak the language of `lc_messages`.
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>

use tokio_postgres::Error;

use super::SERVICE;
use crate::call::{CallError, CallErrorKind, Effect};
use crate::http::readable;

/// What an error of the client means; `unknown` is the effect that the call may have had when no answer came.
pub(super) fn failed(error: &Error, operation: &str, unknown: Effect) -> CallError {
    let Some(answer) = error.as_db_error() else {
        let (kind, message) = match root_cause(error) {
            // A certificate that is not trusted will not be trusted in a second either.
            Cause::Tls(tls) => {
                let error = CallError::new(
                    CallErrorKind::Invalid,
                    Effect::None,
                    SERVICE,
                    operation,
                    None,
                    &format!("TLS: {tls}"),
                );
                return error.advise(
                    "Set sslrootcert to a file with the authority that signed the server's certificate, and host to a name in it.",
                );
            }
            Cause::Transport(message) => (CallErrorKind::Unavailable, message),
            Cause::Protocol(message) => (CallErrorKind::Invalid, message),
        };
        return CallError::new(kind, unknown, SERVICE, operation, None, &message);
    };
    let code = answer.code().code();
    // Internal errors are never translated; this one has no code of its own.
    let is_concurrent =
        matches!(code, "40001" | "40P01") || (code == "XX000" && answer.message() == "tuple concurrently updated");
    let kind = if is_concurrent {
        CallErrorKind::Conflict
    } else {
        kind_of(code)
    };
    // An error rolls its transaction back. A session that the server ends may have committed before; these codes say that nobody knows.
    let is_over = !matches!(answer.parsed_severity(), Some(tokio_postgres::error::Severity::Error));
    let effect = if is_over || matches!(code, "08007" | "40003") {
        unknown
    } else {
        Effect::None
    };
    let said = match unknown {
        Effect::None => answer.message().to_owned(),
        // It may repeat a part of the statement, such as a verifier.
        Effect::Possible => readable(answer.message(), &[operation]),
    };
    let message = format!("{} (SQLSTATE {code})", said.trim_end_matches('.'));
    let error = CallError {
        answered: is_answer(code),
        ..CallError::new(kind, effect, SERVICE, operation, None, &message)
    };
    match code {
        _ if is_concurrent => error.advise("Another session changed the same role at the same moment. Apply again."),
        "25006" => error.advise("The server is a standby, or read-only. Set host to the primary server."),
        _ => error,
    }
}

/// Whether the server itself answers, and is neither away nor going away: classes 08 and 57P0x.
fn is_answer(code: &str) -> bool {
    !code.starts_with("08") && !code.starts_with("57P0")
}

/// By the code where it says more than its class.
fn kind_of(code: &str) -> CallErrorKind {
    match code {
        "28P01" => CallErrorKind::Unauthenticated,
        // 28000: `pg_hba.conf` has no entry, or the role may not log in. No password would help.
        "42501" | "28000" => CallErrorKind::Forbidden,
        "42704" | "3D000" => CallErrorKind::NotFound,
        "57014" => CallErrorKind::TimedOut,
        // All sessions that the server or the role may have are in use.
        "53300" => CallErrorKind::RateLimited { retry_after: None },
        "55P03" | "55006" | "42710" => CallErrorKind::Conflict,
        _ => match code.get(..2).unwrap_or_default() {
            "40" => CallErrorKind::Conflict,
            "08" | "53" | "57" | "58" | "XX" => CallErrorKind::Unavailable,
            _ => CallErrorKind::Invalid,
        },
    }
}

/// What an error that the server did not send comes from, with the innermost text, which is the one that says something.
enum Cause {
    /// The encryption.
    Tls(String),
    /// The network: `Connection refused (os error 111)`.
    Transport(String),
    /// What the server offers, or how it answers: no TLS, another way to authenticate.
    Protocol(String),
}

fn root_cause(error: &Error) -> Cause {
    let mut cause: &dyn std::error::Error = error;
    let mut is_transport = error.is_closed();
    loop {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Cause::Tls(tls.to_string());
        }
        let io = cause.downcast_ref::<std::io::Error>();
        is_transport |= io.is_some();
        let wrapped = io.and_then(std::io::Error::get_ref);
        match wrapped
            .map(|inner| inner as &dyn std::error::Error)
            .or_else(|| cause.source())
        {
            Some(next) => cause = next,
            None if is_transport => return Cause::Transport(cause.to_string()),
            None => return Cause::Protocol(cause.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_what_to_do_next() {
        for (code, kind) in [
            ("28P01", CallErrorKind::Unauthenticated),
            ("28000", CallErrorKind::Forbidden),
            ("42501", CallErrorKind::Forbidden),
            ("42704", CallErrorKind::NotFound),
            ("3D000", CallErrorKind::NotFound),
            ("57P03", CallErrorKind::Unavailable),
            ("53300", CallErrorKind::RateLimited { retry_after: None }),
            ("53100", CallErrorKind::Unavailable),
            ("57014", CallErrorKind::TimedOut),
            ("40P01", CallErrorKind::Conflict),
            ("42601", CallErrorKind::Invalid),
            ("", CallErrorKind::Invalid),
        ] {
            assert_eq!(kind_of(code), kind, "{code}");
        }
    }

    #[test]
    fn a_server_that_answers_is_never_called_out_of_reach() {
        for code in ["XX000", "58030", "53100", "57014", "40001"] {
            let error = CallError {
                answered: is_answer(code),
                ..CallError::new(kind_of(code), Effect::None, SERVICE, "asking", None, "no")
            };
            let said = format!("{} {error}", error.answer());
            assert!(
                !said.contains("reach") && !said.contains("network") && !said.contains("in time"),
                "{said}"
            );
        }
        for code in ["08006", "57P01", "57P03"] {
            assert!(!is_answer(code), "{code}");
        }
    }
}
