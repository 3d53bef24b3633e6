//! An entry that a command on another host writes, by SSH: a line of a file, a secret of a container runtime.
//!
//! `allow_exec` of the provider block must name the host, which must present the pinned key; the command gets the value on standard
//! input alone (docs/decisions/programs.md). What it has in common with programs on this machine is in [`by_command`].

use std::time::Duration;

use async_trait::async_trait;

use super::by_command::{self, BY_INPUT, Machine, Permitted, Unsuccessful};
use super::{TargetConfig, TargetKind};
use crate::call::{CallErrorKind, Effect, WritePermit};
use crate::connection::command::{Access, RemoteAccount, remote_command, remote_command_attribute};
use crate::connection::{Link, segment};
use crate::process::{Host, Printed, Remote, RemoteFailure, RemoteFault, Runs, entry, user_mistake};
use crate::secret::Secret;
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node};

/// The kind.
pub static KIND: TargetKind = TargetKind {
    name: RemoteAccount::KIND,
    summary: "An entry that a command on another host writes by SSH, which reads the value from standard input. `allow_exec` of the provider \
              block must name the host. The OpenSSH client of this machine is used, without its configuration files. Nothing tells when \
              consumers load a new value: set `settle` or `overlap`, or add an activation.",
    api_docs: Some("https://man.openbsd.org/ssh"),
    attributes,
    parse,
    reach: None,
    slot: by_command::slot::<RemoteAccount>,
    words: by_command::words::<RemoteAccount>,
    offers: by_command::OFFERS,
};

fn attributes() -> Vec<Attribute> {
    let command = RemoteAccount::command_attribute(
        "What the account's shell on the host runs: `\"umask 077 && cat >/run/app/key.new && mv /run/app/key.new /run/app/key\"`. It reads the \
         value from standard input, without a line break, and must overwrite what there is. The state stores it and other users of both \
         machines see it, so it must not contain secrets. Account, host and `name` identify the entry.",
    );
    let own = RemoteAccount::attributes().into_iter().chain([command]);
    own.chain(by_command::attributes::<RemoteAccount>()).collect()
}

fn parse(node: &Node<'_>, default_name: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn TargetConfig>> {
    let account = RemoteAccount::read(node, problems);
    let command = RemoteAccount::read_command(&node.attr("command"), problems);
    by_command::parse(node, default_name, account, command, problems)
}

impl Machine for RemoteAccount {
    type Command = String;
    type Setting = Access;

    const KIND: &'static str = "ssh";
    const SERVICE: &'static str = "the host";
    const FORM: &'static str = "user@host/NAME#{…}";

    fn command_attribute(does: &str) -> Attribute {
        remote_command_attribute(does)
    }

    fn read_command(node: &Node<'_>, problems: &mut Diagnostics) -> Option<String> {
        remote_command(node, BY_INPUT, problems)
    }

    fn place(&self) -> String {
        format!("{}@{}", segment::encode(&self.user), Self::runs(self))
    }

    fn at(place: &str, access: Access) -> Option<Self> {
        let (user, host) = place.split_once('@')?;
        let user = segment::decode(user);
        match entry(host) {
            Ok(Runs::Host { host, port }) if user_mistake(&user).is_none() => Some(Self {
                host,
                port,
                user,
                access,
            }),
            _ => None,
        }
    }

    fn place_in_words(place: &str) -> Option<String> {
        let (user, host) = place.split_once('@')?;
        Some(format!("on host {}@{host}", segment::decode(user)))
    }

    fn setting(&self) -> &Access {
        &self.access
    }

    /// Another key of either side changes nothing of what the command does.
    fn effective_setting(&self) -> Option<&Access> {
        None
    }

    fn in_words(&self, command: &String) -> Vec<String> {
        let key = self.identity_file().map(|path| format!("with the key {path}"));
        std::iter::once(format!("command {command:?}")).chain(key).collect()
    }

    fn runs(&self, _: &String) -> Runs {
        Self::runs(self)
    }

    fn permitted(
        &self,
        command: &String,
        timeout: Duration,
        link: &Link<'_>,
    ) -> Result<Box<dyn Permitted>, Diagnostic> {
        Ok(Box::new(RemoteRun {
            host: link.host(&self.host, self.port)?,
            remote: self.remote(command.clone()),
            place: Self::place(self),
            timeout,
        }))
    }
}

/// One command with all that it takes.
struct RemoteRun {
    host: Host,
    remote: Remote,
    /// `deploy@app.example.com`.
    place: String,
    timeout: Duration,
}

impl RemoteRun {
    fn unsuccessful(&self, failure: &RemoteFailure) -> Unsuccessful {
        let (kind, effect) = match failure.fault {
            RemoteFault::NotStarted(_) => (CallErrorKind::Invalid, Effect::None),
            RemoteFault::HostKey { .. } | RemoteFault::Authentication(_) => (CallErrorKind::Forbidden, Effect::None),
            RemoteFault::Unreachable(_) | RemoteFault::TimedOut { has_begun: false, .. } => {
                (CallErrorKind::Unavailable, Effect::None)
            }
            RemoteFault::Interrupted { has_begun: false } => (CallErrorKind::Interrupted, Effect::None),
            RemoteFault::ConnectionLost(_) | RemoteFault::TimedOut { .. } | RemoteFault::Interrupted { .. } => {
                (CallErrorKind::TimedOut, Effect::Possible)
            }
            RemoteFault::Command(_) | RemoteFault::CommandKilled => (CallErrorKind::Invalid, Effect::Possible),
        };
        Unsuccessful {
            kind,
            effect,
            exit_code: match failure.fault {
                RemoteFault::Command(code) => Some(code),
                _ => None,
            },
            message: failure.explain(&self.place),
        }
    }
}

#[async_trait]
impl Permitted for RemoteRun {
    async fn obstacle(&self) -> Option<String> {
        self.remote.obstacle(&self.host).await
    }

    /// An interrupt waits for it, as for every write.
    async fn run(&self, input: Option<Secret>, permit: &WritePermit) -> Result<(), Unsuccessful> {
        let never = Stop::default();
        let ended = self.remote.run(&self.host, input, self.timeout, &never, permit).await;
        ended.map_err(|failure| self.unsuccessful(&failure))
    }

    async fn read(&self) -> Result<Printed, Unsuccessful> {
        let printed = self.remote.read(&self.host, self.timeout).await;
        printed.map_err(|failure| self.unsuccessful(&failure))
    }
}
