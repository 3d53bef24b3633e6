//! A command on another host, by SSH.

use serde::{Deserialize, Serialize};

use super::plain::{self, Presenting};
use crate::diagnostics::Argument;
use crate::process::{HostKey, Identity, Remote, Runs, host_mistake, path_mistake, user_mistake};
use crate::terraform::{Attribute, Diagnostics, Field, Node, Type};

/// The port when the user sets none.
const PORT: u16 = 22;

/// Who runs commands on which host, and how that host is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteAccount {
    /// The host's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The account on the host.
    pub user: String,
    /// What it takes to get in.
    pub access: Access,
}

/// How the host is known, and what this side presents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    host_key: HostKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity_file: Option<String>,
}

impl RemoteAccount {
    /// Its arguments.
    pub fn attributes() -> [Attribute; 5] {
        [
            Attribute::required("host", Type::String, "The host's name or IP address."),
            Attribute::optional("port", Type::Number, "The port. Default: `22`."),
            Attribute::required("user", Type::String, "The account on the host."),
            Attribute::required(
                "host_key",
                Type::String,
                "The host's public key: `\"ssh-ed25519 AAAA…\"`. A host that presents another key gets nothing. `ssh-keyscan -t ed25519 HOST` \
                 prints it; compare its fingerprint with the one that the host itself shows.",
            ),
            Attribute::optional(
                "identity_file",
                Type::String,
                "The absolute path of a private key without a passphrase, which only its owner may read. Default: the keys of the agent in \
                 `SSH_AUTH_SOCK`.",
            ),
        ]
    }

    /// Reads them from the kind's object. `None` when one is unknown or wrong, which is reported.
    pub fn read(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Self> {
        let host = text(&node.attr("host"), problems, "a host", host_mistake);
        let port = node
            .attr("port")
            .integer(1, u64::from(u16::MAX), problems)
            .or(u64::from(PORT));
        let user = text(&node.attr("user"), problems, "a user name", user_mistake);
        let host_key = host_key(&node.attr("host_key"), problems);
        let identity_file = identity_file(&node.attr("identity_file"), problems);
        Some(Self {
            host: host?,
            port: u16::try_from(port?).ok()?,
            user: user?,
            access: Access {
                host_key: host_key?,
                identity_file: identity_file?,
            },
        })
    }

    /// What `allow_exec` must name.
    pub fn runs(&self) -> Runs {
        Runs::Host {
            host: self.host.clone(),
            port: self.port,
        }
    }

    /// For messages: `deploy@app.example.com:2222`.
    pub fn place(&self) -> String {
        format!("{}@{}", self.user, self.runs())
    }

    /// The key that this side presents, where it is one in a file.
    pub fn identity_file(&self) -> Option<&str> {
        self.access.identity_file.as_deref()
    }

    /// That command, run by this account.
    pub fn remote(&self, command: String) -> Remote {
        Remote {
            user: self.user.clone(),
            host_key: self.access.host_key.clone(),
            identity: match &self.access.identity_file {
                None => Identity::Agent,
                Some(path) => Identity::File(path.clone()),
            },
            command,
        }
    }
}

/// The argument `command`, which `does` describes in whole sentences.
pub fn remote_command_attribute(does: &str) -> Attribute {
    Attribute::required("command", Type::String, does)
}

/// Reads what the account's shell runs. `None` when it is unknown or wrong, which is reported.
pub fn remote_command(node: &Node<'_>, by: Presenting, problems: &mut Diagnostics) -> Option<String> {
    let command = node.required_string(problems);
    let command = command.and_then_checked(|text| plain::is_plain(node, &text, by, problems).then_some(text));
    command.known()
}

fn text(
    node: &Node<'_>,
    problems: &mut Diagnostics,
    what: &'static str,
    mistake: fn(&str) -> Option<&'static str>,
) -> Option<String> {
    let text = node.required_string(problems).known()?;
    match mistake(&text) {
        None => Some(text),
        Some(why) => {
            node.report_not(problems, what, why);
            None
        }
    }
}

/// Refuses a private key, of which Terraform has stored a copy if it is applied.
fn is_private_key(node: &Node<'_>, text: &str, advice: &'static str, problems: &mut Diagnostics) -> bool {
    let found = text.contains("PRIVATE KEY");
    if found {
        node.report(problems, |argument| Argument::PlainCredential {
            argument,
            what: "private key".into(),
            advice: advice.into(),
        });
    }
    found
}

fn host_key(node: &Node<'_>, problems: &mut Diagnostics) -> Option<HostKey> {
    let text = node.required_string(problems).known()?;
    if is_private_key(node, &text, "Write the public key of the host.", problems) {
        return None;
    }
    match HostKey::parse(&text) {
        Ok(key) => Some(key),
        Err(mistake) => {
            node.report_not(problems, "the public key of a host", mistake);
            None
        }
    }
}

fn identity_file(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Option<String>> {
    let path = match node.string(problems) {
        Field::Absent => return Some(None),
        Field::Unknown => return None,
        Field::Known(path) => path,
    };
    if is_private_key(node, &path, "Write the path of its file.", problems) {
        return None;
    }
    // The client would put something else in their place.
    let odd = path
        .contains(['%', '$', '"'])
        .then_some("It contains one of % $ \", to which OpenSSH gives a meaning.");
    if let Some(mistake) = path_mistake(&path).or(odd) {
        node.report_not(problems, "the path of a file", mistake);
        return None;
    }
    Some(Some(path))
}
