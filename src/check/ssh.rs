//! A command on another host, by SSH, which must succeed.
//!
//! `allow_exec` of the provider block must name the host, and the host must present the pinned key. The credential goes to the
//! command's standard input alone. It runs only where writing is permitted, so never in a plan or a refresh.

use std::time::Duration;

use async_trait::async_trait;

use super::attempts::{Attempts, Shortfall};
use super::input::{self, Input};
use super::plain;
use crate::call::{CallError, WritePermit};
use crate::check::{Check, CheckConfig, CheckFailure, CheckKind, Patience, Presents};
use crate::connection::Link;
use crate::diagnostics::Argument;
use crate::process::{
    Host, HostKey, Identity, Remote, RemoteFailure, RemoteFault, Runs, host_mistake, path_mistake, user_mistake,
};
use crate::secret::{Parts, Secret};
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Field, Node, Type};

/// The kind.
pub static KIND: CheckKind = CheckKind {
    name: "ssh",
    summary: "Runs a command on another host by SSH, which must end with exit code 0. `allow_exec` of the provider block must name the host. \
              The OpenSSH client of this machine is used, without its configuration files, agent forwarding or a terminal.",
    api_docs: Some("https://man.openbsd.org/ssh"),
    attributes,
    patience: Patience {
        timeout: Duration::from_secs(5 * 60),
        // Its effect may not bear a repetition.
        retry_for: Duration::ZERO,
    },
    reach: None,
    parse,
};

/// The port when the user sets none.
const PORT: u16 = 22;

fn attributes() -> Vec<Attribute> {
    let own = [
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
        Attribute::required(
            "command",
            Type::String,
            "What the account's shell on the host runs. The state stores it and other users of both machines see it, so it must not contain \
             secrets.",
        ),
    ];
    own.into_iter().chain(input::attributes()).collect()
}

#[derive(Clone)]
struct Config {
    host: String,
    port: u16,
    remote: Remote,
    input: Input,
}

fn parse(node: &Node<'_>, _connection: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn CheckConfig>> {
    let host = text(&node.attr("host"), problems, "a host", host_mistake);
    let port = node
        .attr("port")
        .integer(1, u64::from(u16::MAX), problems)
        .or(u64::from(PORT));
    let user = text(&node.attr("user"), problems, "a user name", user_mistake);
    let host_key = host_key(&node.attr("host_key"), problems);
    let identity = identity(&node.attr("identity_file"), problems);
    let command = node.attr("command");
    let command = command
        .required_string(problems)
        .and_then_checked(|text| plain::is_plain(command.path(), &text, problems).then_some(text));
    let input = input::parse(node, problems);
    Some(Box::new(Config {
        host: host?,
        port: u16::try_from(port?).ok()?,
        remote: Remote {
            user: user?,
            host_key: host_key?,
            identity: identity?,
            command: command.known()?,
        },
        input: input?,
    }))
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

fn identity(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Identity> {
    let path = match node.string(problems) {
        Field::Absent => return Some(Identity::Agent),
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
    Some(Identity::File(path))
}

impl Config {
    fn runs(&self) -> Runs {
        Runs::Host {
            host: self.host.clone(),
            port: self.port,
        }
    }

    /// For messages: `deploy@app.example.com:2222`.
    fn place(&self) -> String {
        let user = &self.remote.user;
        format!("{user}@{}", self.runs())
    }
}

impl CheckConfig for Config {
    fn presents(&self) -> Presents {
        self.input.presents
    }

    fn parts_used(&self) -> Vec<String> {
        self.input.parts_used()
    }

    fn in_words(&self) -> String {
        let key = match &self.remote.identity {
            Identity::Agent => String::new(),
            Identity::File(path) => format!(" with the key {path}"),
        };
        format!(
            "command {:?} on {}{key}{}",
            self.remote.command,
            self.place(),
            self.input.in_words()
        )
    }

    fn has_effects(&self) -> bool {
        true
    }

    /// Nobody can see by its name what a command does.
    fn effects_default(&self) -> Option<bool> {
        None
    }

    fn runs(&self) -> Option<Runs> {
        Some(Self::runs(self))
    }

    fn default_patience(&self) -> Patience {
        KIND.patience
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Check>, Diagnostic> {
        Ok(Box::new(SshCheck {
            host: link.host(&self.host, self.port)?,
            config: self.clone(),
        }))
    }
}

struct SshCheck {
    host: Host,
    config: Config,
}

#[async_trait]
impl Check for SshCheck {
    /// Whether the client and its key are there. The host is not asked: it would have to let us in.
    async fn inspect(&self) -> Result<(), CallError> {
        let Some(why) = self.config.remote.obstacle(&self.host).await else {
            return Ok(());
        };
        let operation = format!("connecting to {}", self.config.place());
        Err(CallError::refused("this machine", operation, &why))
    }

    async fn run(
        &self,
        parts: Option<&Parts>,
        patience: Patience,
        stop: &Stop,
        permit: &WritePermit,
    ) -> Result<(), CheckFailure> {
        let place = self.config.place();
        let input = self.config.input.fill(parts).map_err(|why| CheckFailure {
            message: format!("The command on {place} was not run: {why}."),
            interrupted: false,
        })?;
        let attempts = Attempts::new(&place, patience, self.host.clock(), stop);
        let attempt = || async {
            let (remote, input) = (&self.config.remote, input.as_ref().map(Secret::share));
            let ended = remote.run(&self.host, input, patience.timeout, stop, permit).await;
            ended.map(drop).map_err(|failure| shortfall(&failure, &place))
        };
        attempts.until_one_passes(attempt).await
    }
}

/// The command is run again where the host was away, and where the command has said how it went.
fn shortfall(failure: &RemoteFailure, place: &str) -> Shortfall {
    let message = failure.explain(place);
    match failure.fault {
        RemoteFault::Interrupted { .. } => Shortfall::Interrupted(message),
        _ if failure.may_pass() => Shortfall::Passing(message),
        _ => Shortfall::Lasting(message),
    }
}
