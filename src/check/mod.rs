//! How a rotation is proved to work: the trait of every check, its data types, and the registry of kinds.

mod attempts;
mod deployment;
mod input;

use std::time::Duration;

use async_trait::async_trait;

use crate::call::{CallError, WritePermit};
use crate::connection::{Link, Reach};
use crate::diagnostics::capitalized;
use crate::process::Runs;
use crate::secret::Parts;
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node};

/// Which credential a check presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presents {
    /// The one that is being delivered.
    New,
    /// The one that it follows; needs its value.
    Previous,
    /// None at all.
    Nothing,
}

/// How long a check may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For one attempt.
    pub timeout: Duration,
    /// For attempts altogether: a failed one is repeated until this has passed.
    pub retry_for: Duration,
}

/// A check that did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckFailure {
    /// What was seen and what was expected, redacted: `GET https://… answered 404, expected 401`.
    pub message: String,
    /// It was interrupted, not answered.
    pub interrupted: bool,
}

impl CheckFailure {
    /// One for a call that failed.
    fn of_call(error: &CallError) -> Self {
        Self {
            message: capitalized(&error.sentence()),
            interrupted: false,
        }
    }
}

/// A check, ready to run.
#[async_trait]
pub trait Check: Send + Sync {
    /// Whether what it needs is there and may be used, asked before anything is minted. Reads only.
    ///
    /// # Errors
    /// [`CallError`] with what is missing.
    async fn inspect(&self) -> Result<(), CallError> {
        Ok(())
    }

    /// Runs until it passes or the patience ends. `parts` is the credential that [`CheckConfig::presents`] asks for. Ends early when `stop` is set.
    async fn run(
        &self,
        parts: Option<&Parts>,
        patience: Patience,
        stop: &Stop,
        permit: &WritePermit,
    ) -> Result<(), CheckFailure>;
}

/// A check's configuration, parsed and complete.
pub trait CheckConfig: Send + Sync {
    /// Which credential it presents.
    fn presents(&self) -> Presents;

    /// The parts its templates use, checked against the source's.
    fn parts_used(&self) -> Vec<String>;

    /// What it does, for texts: `GET https://…/health`, `workflow deploy.yml of molecule-ai/x on main`. Free of secrets.
    fn in_words(&self) -> String;

    /// Whether running it changes something outside: then it is no condition of a revocation.
    fn has_effects(&self) -> bool {
        false
    }

    /// What `effects` is when the user does not set it. `None`: the check may change something that nobody expects of a check, so the
    /// user must confirm it with `effects = true`.
    fn effects_default(&self) -> Option<bool> {
        Some(self.has_effects())
    }

    /// The program or host that it uses, which `allow_exec` of the provider block must name. `None`: neither.
    fn runs(&self) -> Option<Runs> {
        None
    }

    /// Whose processes it makes load a new value, where its arguments name them: as [`TargetConfig::consumers`] names them. `None`: whatever
    /// its wave delivers.
    ///
    /// [`TargetConfig::consumers`]: crate::target::TargetConfig::consumers
    fn restarts(&self) -> Option<String> {
        None
    }

    /// Place and name of the entry that it looks at, where its arguments name one: as [`TargetConfig::names`] names them.
    ///
    /// [`TargetConfig::names`]: crate::target::TargetConfig::names
    fn looks_at(&self) -> Option<(String, String)> {
        None
    }

    /// The patience when the user sets none: [`CheckKind::patience`].
    fn default_patience(&self) -> Patience;

    /// The adapter, ready to call.
    ///
    /// # Errors
    /// A diagnostic that names argument and environment variable when the connection is not configured.
    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Check>, Diagnostic>;
}

/// Everything about a kind of check that is known without building one.
pub struct CheckKind {
    /// The key in `checks = { x = { … } }`.
    pub name: &'static str,
    /// One sentence for the docs.
    pub summary: &'static str,
    /// The vendor's API page.
    pub api_docs: Option<&'static str>,
    /// The arguments.
    pub attributes: fn() -> Vec<Attribute>,
    /// The patience when the user sets none.
    pub patience: Patience,
    /// Whose accounts it uses. Those of one without a default are needed by those checks alone that name a connection.
    pub reach: Option<Reach>,
    /// Reads the kind's object, given the name of the connection if there is one. `None` when something in it is unknown or wrong;
    /// what is wrong is reported.
    pub parse: fn(&Node<'_>, Option<&str>, &mut Diagnostics) -> Option<Box<dyn CheckConfig>>,
}

/// Declares the files of this folder and lists their kinds.
macro_rules! checks {
    ($($file:ident),* $(,)?) => {
        $(pub mod $file;)*
        /// Every kind of check, in the order of the docs.
        pub static ALL: &[&CheckKind] = &[$(&$file::KIND),*];
    };
}

checks! { http, http_canary, github_workflow, postgres_login, exec, ssh, vercel_deployment }

// They activate, and prove nothing that a check asks for.
pub mod railway_redeploy;
pub mod render_deploy;
pub mod vercel_redeploy;

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static CheckKind> {
    ALL.iter().find(|kind| kind.name == name).copied()
}
