//! A command on another host, by SSH, which must succeed.
//!
//! `allow_exec` of the provider block must name the host, and the host must present the pinned key. The credential goes to the
//! command's standard input alone. It runs only where writing is permitted, so never in a plan or a refresh.

use std::time::Duration;

use async_trait::async_trait;

use super::attempts::{Attempts, Shortfall};
use super::input::{self, Input};
use crate::call::{CallError, WritePermit};
use crate::check::{Check, CheckConfig, CheckFailure, CheckKind, Patience, Presents};
use crate::connection::Link;
use crate::connection::command::{Presenting, RemoteAccount, remote_command};
use crate::process::{Host, Remote, RemoteFailure, RemoteFault, Runs};
use crate::secret::{Parts, Secret};
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Type};

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

/// How the command gets the credential.
const BY_INPUT: Presenting = Presenting("Present the credential on standard input: input = \"{{ value }}\".");

fn attributes() -> Vec<Attribute> {
    let command = Attribute::required(
        "command",
        Type::String,
        "What the account's shell on the host runs. The state stores it and other users of both machines see it, so it must not contain \
         secrets.",
    );
    let all = RemoteAccount::attributes().into_iter().chain([command]);
    all.chain(input::attributes()).collect()
}

#[derive(Clone)]
struct Config {
    account: RemoteAccount,
    remote: Remote,
    input: Input,
}

fn parse(node: &Node<'_>, _connection: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn CheckConfig>> {
    let account = RemoteAccount::read(node, problems);
    let command = remote_command(&node.attr("command"), BY_INPUT, problems);
    let input = input::parse(node, problems);
    let account = account?;
    Some(Box::new(Config {
        remote: account.remote(command?),
        account,
        input: input?,
    }))
}

impl CheckConfig for Config {
    fn presents(&self) -> Presents {
        self.input.presents
    }

    fn parts_used(&self) -> Vec<String> {
        self.input.parts_used()
    }

    fn in_words(&self) -> String {
        let key = self.account.identity_file().map(|path| format!(" with the key {path}"));
        let key = key.unwrap_or_default();
        format!(
            "command {:?} on {}{key}{}",
            self.remote.command,
            self.account.place(),
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
        Some(self.account.runs())
    }

    fn default_patience(&self) -> Patience {
        KIND.patience
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Check>, Diagnostic> {
        Ok(Box::new(SshCheck {
            host: link.host(&self.account.host, self.account.port)?,
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
        let operation = format!("connecting to {}", self.config.account.place());
        Err(CallError::refused("this machine", operation, &why))
    }

    async fn run(
        &self,
        parts: Option<&Parts>,
        patience: Patience,
        stop: &Stop,
        permit: &WritePermit,
    ) -> Result<(), CheckFailure> {
        let place = self.config.account.place();
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
