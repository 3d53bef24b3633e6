//! The way from a kind to the accounts that it uses, and what is told where there is none.

use std::any::Any;
use std::sync::Arc;

use super::{Account, Connections, Unready, Vendor};
use crate::address::DEFAULT_CONNECTION;
use crate::clock::Clock;
use crate::diagnostics::ConnectionProblem;
use crate::http::HttpClient;
use crate::process::{Host, Program, Runs};
use crate::terraform::{Diagnostic, Path};

/// The way from a kind to the accounts that it uses: all connections, and the name of the one that was chosen.
#[derive(Clone, Copy)]
pub struct Link<'a> {
    connections: &'a Connections,
    name: &'a str,
}

impl Connections {
    /// What leads to accounts by the connection of that name.
    pub fn link<'a>(&'a self, name: &'a str) -> Link<'a> {
        Link {
            connections: self,
            name,
        }
    }

    /// What leads to the provider's own accounts.
    pub fn own(&self) -> Link<'_> {
        self.link(DEFAULT_CONNECTION)
    }
}

impl<'a> Link<'a> {
    /// The connection's name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Whether it is a `connection` block's, not the provider's own account.
    pub fn is_named(&self) -> bool {
        self.name != DEFAULT_CONNECTION
    }

    /// The client for calls that belong to no vendor (checks).
    pub fn http(&self) -> &'a HttpClient {
        &self.connections.http
    }

    /// The clock.
    pub fn clock(&self) -> Clock {
        self.connections.clock
    }

    /// The permission to run the program at that path.
    ///
    /// # Errors
    /// A diagnostic that says what to add to `allow_exec`.
    pub fn program(&self, path: &str) -> Result<Program, Diagnostic> {
        let program = self.connections.programs.program(path);
        program.ok_or_else(|| self.not_allowed(&Runs::Program(path.to_owned())))
    }

    /// The permission to run commands on that host.
    ///
    /// # Errors
    /// As [`Self::program`].
    pub fn host(&self, host: &str, port: u16) -> Result<Host, Diagnostic> {
        let found = self.connections.programs.host(host, port);
        let host = host.to_owned();
        found.ok_or_else(|| self.not_allowed(&Runs::Host { host, port }))
    }

    /// What to tell who needs a program or host that `allow_exec` does not name, or not yet.
    pub fn not_allowed(&self, what: &Runs) -> Diagnostic {
        let why = match self.connections.may_yet_allow(what) {
            true => ConnectionProblem::AllowExecUnknown,
            false => ConnectionProblem::NotAllowed {
                entry: what.to_string(),
                is_host: matches!(what, Runs::Host { .. }),
            },
        };
        Diagnostic::new(Path::root(), why)
    }

    /// The account of this type.
    ///
    /// # Errors
    /// As [`Self::dynamic`].
    pub fn account<A: Account>(&self) -> Result<&'a A, Diagnostic> {
        let account: &dyn Any = self.dynamic(A::vendor())?.as_ref();
        account.downcast_ref().ok_or_else(|| {
            let name = self.name.to_owned();
            Diagnostic::new(Path::root(), ConnectionProblem::OfAnotherType { name })
        })
    }

    /// The account of that vendor.
    ///
    /// # Errors
    /// A diagnostic that says why it cannot be used, and names the connections that there are.
    pub fn dynamic(&self, vendor: &Vendor) -> Result<&'a Arc<dyn Account>, Diagnostic> {
        let (name, connections) = (self.name, self.connections);
        let names = || connections.names_in_words(vendor);
        let why = match connections.find(vendor, name) {
            Ok(account) => return Ok(account),
            Err(Unready::Wrong(why)) => return Err(why),
            Err(Unready::Unknown) => ConnectionProblem::NotKnownYet {
                connection: self.is_named().then(|| name.to_owned()),
                block: vendor.block.into(),
            },
            Err(Unready::Undeclared) if !self.is_named() => ConnectionProblem::Required { names: names() },
            Err(Unready::Undeclared) => ConnectionProblem::Undeclared {
                name: name.to_owned(),
                names: names(),
            },
            Err(Unready::OfOtherVendor(other)) => ConnectionProblem::OfAnotherVendor {
                name: name.to_owned(),
                other: other.into(),
                vendor: vendor.title.into(),
                names: names(),
            },
        };
        Err(Diagnostic::new(Path::root(), why))
    }
}
