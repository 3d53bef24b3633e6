//! Names in PostgreSQL, as an argument writes them.

use crate::terraform::{Diagnostics, Field, Node};

/// Longest name of a role or a database, in bytes; the server cuts a longer one, which is another name then. `NAMEDATALEN` is 64 with the end mark.
/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>
const LONGEST: usize = 63;

/// What is wrong with the name of a role or a database, as a sentence.
pub(super) fn mistake(name: &str) -> Option<String> {
    let length = name.len();
    if length > LONGEST {
        Some(format!(
            "It has {length} bytes; names in PostgreSQL have at most {LONGEST}."
        ))
    } else if name.is_empty() {
        Some("It is empty.".to_owned())
    } else if name.chars().any(char::is_control) {
        Some("It contains a line break or another control character.".to_owned())
    } else {
        None
    }
}

/// The name of a role or a database.
pub(crate) fn named(node: &Node<'_>, problems: &mut Diagnostics) -> Field<String> {
    node.string(problems).and_then_checked(|name| match mistake(&name) {
        None => Some(name),
        Some(mistake) => {
            node.report_not(problems, "a name in PostgreSQL", mistake);
            None
        }
    })
}

/// What is wrong with a host, as the rest of a sentence that begins with "It".
pub(super) fn host_mistake(host: &str) -> Option<&'static str> {
    if host.is_empty() {
        return Some("is empty");
    }
    if host.starts_with('/') {
        return Some("is the path of a socket. Name a host, such as localhost");
    }
    if host.contains(',') {
        return Some("names several hosts. Name the primary server alone");
    }
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | '?' | '#' | '[' | ']');
    let is_odd_name = host.contains(':') && host.parse::<std::net::Ipv6Addr>().is_err();
    (is_odd_name || host.chars().any(is_odd))
        .then_some("is not the name or the IP address of a host. The port is an argument of its own")
}

/// A host.
pub(crate) fn hosted(node: &Node<'_>, problems: &mut Diagnostics) -> Field<String> {
    node.string(problems)
        .and_then_checked(|host| match host_mistake(&host) {
            None => Some(host),
            Some(why) => {
                node.report_not(problems, "a host", format!("It {why}."));
                None
            }
        })
}
