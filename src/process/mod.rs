//! Programs on this machine, and commands on other hosts: the only place that starts a process.
//!
//! All of them are run alike. `allow_exec` of the provider block must name the program or host ([`AllowList`]); without a
//! [`Program`] or a [`Host`], which [`Programs`] gives out for those alone, nothing can be started. There is no shell, the environment is what was declared, a value goes to standard input only, output is capped and
//! redacted, and a program that has to be stopped is stopped with everything that it started.

mod allow_list;
mod attempt;
mod command;
mod ending;
mod group;
mod host_key;
mod openssh;
mod openssh_log;
mod output;
mod remote_failure;

use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Clock;
use crate::environment::Environment;

pub use allow_list::{AllowList, Allowance, Runs, entry, host_mistake, path_mistake};
pub use attempt::Printed;
pub use command::Command;
pub use ending::{Ending, Failure};
pub use host_key::HostKey;
pub use openssh::{Identity, Remote, user_mistake};
pub use remote_failure::{RemoteFailure, RemoteFault};

use openssh::Client;

/// What the provider block allows to run, and what running it takes.
#[derive(Clone)]
pub struct Programs {
    allowed: AllowList,
    clock: Clock,
    ssh: Client,
}

impl Programs {
    /// What `allowed` names, by that clock. The environment says where the OpenSSH client and the agent are.
    pub fn new(allowed: AllowList, clock: Clock, environment: &Environment) -> Self {
        Self {
            allowed,
            clock,
            ssh: Client::of(environment),
        }
    }

    /// Whether the provider block allows it.
    pub fn allows(&self, what: &Runs) -> Allowance {
        self.allowed.allows(what)
    }

    /// The permission to run that program. `None` unless the provider block names it.
    pub fn program(&self, path: &str) -> Option<Program> {
        let what = Runs::Program(path.to_owned());
        (self.allows(&what) == Allowance::Allowed).then(|| Program {
            path: path.into(),
            clock: self.clock,
        })
    }

    /// The permission to use that host. `None` unless the provider block names it.
    pub fn host(&self, host: &str, port: u16) -> Option<Host> {
        let what = Runs::Host {
            host: host.to_owned(),
            port,
        };
        (self.allows(&what) == Allowance::Allowed).then(|| Host {
            host: host.to_owned(),
            port,
            client: self.ssh.clone(),
            clock: self.clock,
        })
    }
}

/// The permission to run one program.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    clock: Clock,
}

impl Program {
    /// The clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// A run of it that may take that long.
    pub fn command(&self, timeout: Duration) -> Command {
        Command::at(self.path.clone(), timeout, self.clock)
    }
}

/// The permission to run commands on one host.
#[derive(Debug, Clone)]
pub struct Host {
    host: String,
    port: u16,
    client: Client,
    clock: Clock,
}

impl Host {
    /// The clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }
}
