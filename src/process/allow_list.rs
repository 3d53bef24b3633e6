//! `allow_exec`: the programs and hosts that may be used, compared as they are written.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv6Addr;

/// The port of SSH.
const SSH: u16 = 22;

/// Longest name of a host (RFC 1035 section 2.3.4).
const LONGEST_HOST: usize = 253;

/// What a kind runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runs {
    /// A program on this machine, by its absolute path.
    Program(String),
    /// A command on another host, by SSH.
    Host {
        /// Its name or address.
        host: String,
        /// The port.
        port: u16,
    },
}

/// As `allow_exec` names it.
impl fmt::Display for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(path) => f.write_str(path),
            Self::Host { host, port: SSH } => f.write_str(&host.to_ascii_lowercase()),
            Self::Host { host, port } if host.contains(':') => write!(f, "[{}]:{port}", host.to_ascii_lowercase()),
            Self::Host { host, port } => write!(f, "{}:{port}", host.to_ascii_lowercase()),
        }
    }
}

/// Whether something may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// The provider block names it.
    Allowed,
    /// It does not.
    Refused,
    /// What the provider block names is known only after apply.
    Unknown,
}

/// The programs and hosts of `allow_exec`.
#[derive(Debug, Clone)]
pub struct AllowList(Option<BTreeSet<String>>);

impl AllowList {
    /// Of these entries, each as [`entry`] gives it.
    pub fn of(entries: impl IntoIterator<Item = Runs>) -> Self {
        Self(Some(entries.into_iter().map(|entry| entry.to_string()).collect()))
    }

    /// One whose entries are known only after apply.
    pub fn unknown() -> Self {
        Self(None)
    }

    /// Whether it has that entry.
    pub fn allows(&self, what: &Runs) -> Allowance {
        match &self.0 {
            None => Allowance::Unknown,
            Some(entries) if entries.contains(&what.to_string()) => Allowance::Allowed,
            Some(_) => Allowance::Refused,
        }
    }
}

/// Reads an entry: an absolute path, or a host with or without a port.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn entry(text: &str) -> Result<Runs, &'static str> {
    if text.contains('/') {
        return path_mistake(text).map_or_else(|| Ok(Runs::Program(text.to_owned())), Err);
    }
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match (bracketed, text.split_once(':')) {
        (Some((host, rest)), _) => (host, rest.strip_prefix(':').or((!rest.is_empty()).then_some(rest))),
        // More than one colon: an IPv6 address without a port.
        (None, Some((host, port))) if !port.contains(':') => (host, Some(port)),
        (None, _) => (text, None),
    };
    if let Some(mistake) = host_mistake(host) {
        return Err(mistake);
    }
    let port = match port {
        None => SSH,
        Some(port) => match port.parse() {
            Ok(0) | Err(_) => return Err("The port is not a number from 1 to 65535."),
            Ok(port) => port,
        },
    };
    Ok(Runs::Host {
        host: host.to_owned(),
        port,
    })
}

/// What is wrong with the path of a program or folder. Two spellings of one path would be two entries.
pub fn path_mistake(text: &str) -> Option<&'static str> {
    let steps = || text.split('/').skip(1);
    if !text.starts_with('/') {
        Some("Write the absolute path. It is not looked up in PATH, and ~ is not expanded.")
    } else if text.chars().any(char::is_control) {
        Some("It contains a control character.")
    } else if text.len() > 1 && steps().any(|step| matches!(step, "" | "." | "..")) {
        Some("Write the path without `.`, `..`, double slashes and a slash at the end.")
    } else {
        None
    }
}

/// What is wrong with the name or address of a host.
pub fn host_mistake(text: &str) -> Option<&'static str> {
    let is_name = (1..=LONGEST_HOST).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric());
    (!is_name && text.parse::<Ipv6Addr>().is_err())
        .then_some("Write a name such as app.example.com, or an IP address, without a user name.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(host: &str, port: u16) -> Runs {
        Runs::Host {
            host: host.to_owned(),
            port,
        }
    }

    #[test]
    fn an_entry_is_a_path_or_a_host_with_its_port() {
        for (text, expected) in [
            (
                "/usr/local/bin/verify",
                Runs::Program("/usr/local/bin/verify".to_owned()),
            ),
            ("/a b/c", Runs::Program("/a b/c".to_owned())),
            ("app.example.com", host("app.example.com", 22)),
            ("app.example.com:2222", host("app.example.com", 2222)),
            ("192.0.2.7", host("192.0.2.7", 22)),
            ("2001:db8::7", host("2001:db8::7", 22)),
            ("[2001:db8::7]", host("2001:db8::7", 22)),
            ("[2001:db8::7]:2222", host("2001:db8::7", 2222)),
        ] {
            assert_eq!(entry(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "bin/verify",
            "./verify",
            "~/verify",
            "/usr/../bin/verify",
            "/usr//bin",
            "/usr/bin/",
            "/bin/sh\n",
            "app:0",
            "app:65536",
            "app:ssh",
            "app:",
            "-oProxyCommand=x",
            "a b",
            "root@app",
            "[app",
            "[::1]x",
            "[::1]:",
            "ssh://app",
            "*",
        ] {
            assert!(entry(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_written_there_is_refused() {
        let list = AllowList::of(["/bin/true", "App.example.com:2222", "::1"].map(|text| entry(text).unwrap()));
        for (what, expected) in [
            (Runs::Program("/bin/true".to_owned()), Allowance::Allowed),
            (Runs::Program("/bin/true2".to_owned()), Allowance::Refused),
            (Runs::Program("/bin".to_owned()), Allowance::Refused),
            (host("app.example.com", 2222), Allowance::Allowed),
            (host("APP.EXAMPLE.COM", 2222), Allowance::Allowed),
            (host("app.example.com", 22), Allowance::Refused),
            (host("example.com", 2222), Allowance::Refused),
            (host("::1", 22), Allowance::Allowed),
            (host("::1", 2222), Allowance::Refused),
        ] {
            assert_eq!(list.allows(&what), expected, "{what}");
            assert_eq!(AllowList::unknown().allows(&what), Allowance::Unknown);
            assert_eq!(AllowList::of([]).allows(&what), Allowance::Refused);
        }
    }

    #[test]
    fn what_is_printed_is_an_entry() {
        for what in [
            Runs::Program("/bin/true".to_owned()),
            host("app.example.com", 22),
            host("app.example.com", 2222),
            host("::1", 22),
            host("::1", 2222),
        ] {
            assert_eq!(entry(&what.to_string()), Ok(what));
        }
    }
}
