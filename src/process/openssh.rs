//! Commands on other hosts, by the OpenSSH client of this machine.
//!
//! The client reads no configuration of the user or the system, knows one host key, asks nobody, and forwards nothing. Host key and
//! log are files in a private folder that is removed with the attempt; neither holds anything secret. A `KnownHostsCommand` would
//! need no file, but OpenSSH 8.5 and a program that prints the key (`docs/decisions/programs.md`).

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::openssh_log::Log;
use super::{Command, Ending, Failure, Host, HostKey, Printed, RemoteFailure, RemoteFault};
use crate::call::WritePermit;
use crate::environment::{Environment, Form};
use crate::secret::Secret;
use crate::stop::Stop;

/// Where the client is looked for when `PATH` names no absolute folder.
const FOLDERS: &str = "/usr/local/bin:/usr/bin:/bin";

/// Where private folders are made without `TMPDIR`.
const SCRATCH: &str = "/tmp";

/// The name by which the client knows the host, whatever it is called.
const ALIAS: &str = "pinned";

/// Files in the private folder, in which the client runs.
const KNOWN_HOSTS: &str = "known_hosts";
const LOG: &str = "log";

/// How long a connection may take to come about.
const TO_CONNECT: Duration = Duration::from_secs(15);

/// What the client is told, beside where to go. `ssh_config(5)` explains each.
const OPTIONS: [&str; 25] = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UserKnownHostsFile=known_hosts",
    "GlobalKnownHostsFile=/dev/null",
    "HostKeyAlias=pinned",
    "CheckHostIP=no",
    "UpdateHostKeys=no",
    "VerifyHostKeyDNS=no",
    "PreferredAuthentications=publickey",
    "PasswordAuthentication=no",
    "NumberOfPasswordPrompts=0",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "ControlMaster=no",
    "ControlPath=none",
    "ConnectionAttempts=1",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=3",
    "RequestTTY=no",
    "EscapeChar=none",
    "AddKeysToAgent=no",
    "Tunnel=no",
    "LogLevel=DEBUG1",
];

/// The client of this machine.
#[derive(Debug, Clone)]
pub(super) struct Client {
    folders: Vec<PathBuf>,
    agent: Option<String>,
    scratch: PathBuf,
}

impl Client {
    pub(super) fn of(environment: &Environment) -> Self {
        let line = |name| environment.read(name, Form::Line).ok().flatten();
        let absolute = |path: &str| -> Vec<PathBuf> {
            let folders = path.split(':').map(PathBuf::from);
            folders.filter(|folder| folder.is_absolute()).collect()
        };
        let folders = absolute(line("PATH").unwrap_or_default());
        Self {
            folders: match folders.is_empty() {
                true => absolute(FOLDERS),
                false => folders,
            },
            agent: line("SSH_AUTH_SOCK").map(str::to_owned),
            scratch: line("TMPDIR").unwrap_or(SCRATCH).into(),
        }
    }

    /// The first executable of that name.
    async fn program(&self) -> Option<PathBuf> {
        for folder in &self.folders {
            let path = folder.join("ssh");
            let found = tokio::fs::metadata(&path).await;
            if found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0) {
                return Some(path);
            }
        }
        None
    }

    /// A private folder with what the client reads.
    async fn folder(&self, key: &HostKey) -> std::io::Result<TempDir> {
        let folder = tempfile::Builder::new()
            .prefix("tf-provider-ssh-")
            .permissions(PermissionsExt::from_mode(0o700))
            .tempdir_in(std::path::absolute(&self.scratch)?)?;
        tokio::fs::write(folder.path().join(KNOWN_HOSTS), key.known_as(ALIAS)).await?;
        Ok(folder)
    }
}

/// What authenticates this side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A key of the agent in `SSH_AUTH_SOCK`.
    Agent,
    /// The key in that file.
    File(String),
}

/// A command on another host.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Who runs it there.
    pub user: String,
    /// The key that the host must present.
    pub host_key: HostKey,
    /// The key that this side presents.
    pub identity: Identity,
    /// What the user's shell there runs.
    pub command: String,
}

/// One run of the client, and the folder that is removed after it.
struct ClientRun {
    command: Command,
    folder: TempDir,
}

/// What is wrong with the name of a user: the client must not take it for an option.
pub fn user_mistake(text: &str) -> Option<&'static str> {
    let fits = text
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '$' | '\\' | '@'));
    (!fits || text.is_empty() || text.starts_with('-'))
        .then_some("Write the name of the account on the host, such as deploy.")
}

/// What keeps the client from using a private key: it leaves out one of ours that others can read, and says so on its log alone.
async fn check_key(path: &str) -> Result<(), String> {
    const OTHERS: u32 = 0o077;
    let Ok(found) = tokio::fs::metadata(path).await else {
        return Err(format!("the file {path} (`identity_file`) cannot be found"));
    };
    let mode = found.permissions().mode();
    if found.uid() == rustix::process::getuid().as_raw() && mode & OTHERS != 0 {
        let mode = mode & 0o7777;
        return Err(format!(
            "others have access to the private key {path} (`identity_file`, mode {mode:04o}), and OpenSSH does not use such a key: run chmod \
             600 {path}"
        ));
    }
    Ok(())
}

impl Remote {
    /// What is missing on this machine. `None` when the client can be started, as far as that shows.
    pub async fn obstacle(&self, host: &Host) -> Option<String> {
        self.program(host).await.err()
    }

    /// The client, when all that it needs is there.
    async fn program(&self, host: &Host) -> Result<PathBuf, String> {
        let client = &host.client;
        match &self.identity {
            Identity::Agent if client.agent.is_none() => {
                return Err(
                    "there is no key: set `identity_file`, or start an agent (SSH_AUTH_SOCK is not set)".to_owned(),
                );
            }
            Identity::File(path) => check_key(path).await?,
            Identity::Agent => {}
        }
        let program = client.program().await;
        program.ok_or_else(|| "there is no OpenSSH client (`ssh`) in PATH: install it".to_owned())
    }

    /// Runs the command until it ends, its time is over, or `stop` is set. `input` is its standard input.
    ///
    /// # Errors
    /// [`RemoteFailure`], which tells a failure of the connection from one of the command.
    pub async fn run(
        &self,
        host: &Host,
        input: Option<Secret>,
        timeout: Duration,
        stop: &Stop,
        permit: &WritePermit,
    ) -> Result<(), RemoteFailure> {
        let client = self.client(host, timeout).await?;
        let ended = client.command.input(input).run(stop, permit).await;
        match ended {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.explained(failure, &Log::read(&client.folder.path().join(LOG)).await)),
        }
    }

    /// Runs a command that only looks, as [`Command::read`] does.
    ///
    /// # Errors
    /// As [`Self::run`], without what the command printed.
    pub async fn read(&self, host: &Host, timeout: Duration) -> Result<Printed, RemoteFailure> {
        let client = self.client(host, timeout).await?;
        match client.command.read().await {
            Ok(printed) => Ok(printed),
            Err(failure) => Err(self.explained(failure, &Log::read(&client.folder.path().join(LOG)).await)),
        }
    }

    /// The client with all that it reads, ready to start.
    async fn client(&self, host: &Host, timeout: Duration) -> Result<ClientRun, RemoteFailure> {
        let not_started = |why| RemoteFailure::of(RemoteFault::NotStarted(why));
        let program = self.program(host).await.map_err(not_started)?;
        let client = &host.client;
        let folder = client.folder(&self.host_key).await;
        let folder =
            folder.map_err(|error| not_started(format!("no private folder can be made ({error}): set TMPDIR")))?;
        let arguments = self.arguments(host, timeout);
        let mut command = Command::at(program, timeout, host.clock).arguments(&arguments);
        command.environment = self.environment(client);
        command.directory = folder.path().to_owned();
        Ok(ClientRun { command, folder })
    }

    /// Nothing of the value is among them: other users of this machine see them.
    fn arguments(&self, host: &Host, timeout: Duration) -> Vec<String> {
        let connect = timeout.min(TO_CONNECT).as_secs().max(1);
        let options = OPTIONS.map(str::to_owned).into_iter();
        let options = options
            .chain([format!("ConnectTimeout={connect}")])
            .chain(match &self.identity {
                Identity::Agent => vec!["IdentityFile=none".to_owned()],
                Identity::File(path) => vec![
                    "IdentitiesOnly=yes".to_owned(),
                    "IdentityAgent=none".to_owned(),
                    format!("IdentityFile=\"{path}\""),
                ],
            });
        let mut arguments: Vec<String> = ["-F", "none", "-E", LOG, "-T"].map(str::to_owned).to_vec();
        arguments.extend(options.flat_map(|option| ["-o".to_owned(), option]));
        let whereto = [
            "-l",
            &self.user,
            "-p",
            &host.port.to_string(),
            "--",
            &host.host,
            &self.command,
        ];
        arguments.extend(whereto.map(str::to_owned));
        arguments
    }

    /// The client's whole environment.
    fn environment(&self, client: &Client) -> BTreeMap<String, String> {
        let agent = client.agent.iter().filter(|_| self.identity == Identity::Agent);
        let agent = agent.map(|socket| ("SSH_AUTH_SOCK".to_owned(), socket.clone()));
        agent.chain([("LC_ALL".to_owned(), "C".to_owned())]).collect()
    }

    /// What the client's log says of its failure. Its exit code is that of the command, or 255 when the client itself failed.
    fn explained(&self, failure: Failure, log: &Log) -> RemoteFailure {
        let said = log.said();
        let has_begun = log.is_authenticated();
        let fault = match failure.ending {
            Ending::NotStarted(why) => RemoteFault::NotStarted(why),
            Ending::Exited(_) if log.has_other_host_key() => RemoteFault::HostKey {
                presented: log.presented_key(),
                pinned: self.host_key.fingerprint(),
            },
            Ending::Exited(_) if log.is_denied() => RemoteFault::Authentication(said),
            Ending::Exited(_) if !has_begun => RemoteFault::Unreachable(said),
            Ending::Exited(_) if log.has_remote_signal() => RemoteFault::CommandKilled,
            Ending::Exited(code) if log.exit_status() == Some(code) => RemoteFault::Command(code),
            Ending::Exited(_) => RemoteFault::ConnectionLost(said),
            Ending::TimedOut(timeout) => RemoteFault::TimedOut { timeout, has_begun },
            Ending::Interrupted => RemoteFault::Interrupted { has_begun },
            Ending::Signalled(signal) => {
                RemoteFault::ConnectionLost(format!("The client was killed by signal {signal}."))
            }
            Ending::Lost(why) => RemoteFault::ConnectionLost(why),
        };
        RemoteFailure {
            fault,
            output: failure.output,
        }
    }
}
