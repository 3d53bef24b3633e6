//! What is started, complete.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Clock;
use crate::secret::Secret;

/// A program with everything that it gets; nothing else is inherited.
pub struct Command {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) directory: PathBuf,
    pub(super) input: Option<Secret>,
    pub(super) timeout: Duration,
    pub(super) clock: Clock,
}

/// Where a program runs that declares no folder.
const ROOT: &str = "/";

impl Command {
    pub(super) fn at(program: PathBuf, timeout: Duration, clock: Clock) -> Self {
        Self {
            program,
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            directory: ROOT.into(),
            input: None,
            timeout,
            clock,
        }
    }

    /// Its arguments, each as it is.
    #[must_use]
    pub fn arguments(mut self, arguments: &[String]) -> Self {
        self.arguments = arguments.to_vec();
        self
    }

    /// Its whole environment.
    #[must_use]
    pub fn environment(mut self, variables: &BTreeMap<String, String>) -> Self {
        self.environment = variables.clone();
        self
    }

    /// The folder that it runs in.
    #[must_use]
    pub fn directory(mut self, directory: &str) -> Self {
        self.directory = directory.into();
        self
    }

    /// What it reads from standard input, which is empty otherwise.
    #[must_use]
    pub fn input(mut self, input: Option<Secret>) -> Self {
        self.input = input;
        self
    }

    /// What is missing: no such program, or one that nobody may execute, or no such folder. `None` when it can be started, as far as
    /// that shows.
    pub async fn obstacle(&self) -> Option<String> {
        use std::os::unix::fs::PermissionsExt as _;
        let (program, directory) = (self.program.display(), self.directory.display());
        match tokio::fs::metadata(&self.program).await {
            Err(error) => Some(format!("the program {program} cannot be found ({})", error.kind())),
            Ok(found) if !found.is_file() => Some(format!("{program} is not a file")),
            Ok(found) if found.permissions().mode() & 0o111 == 0 => {
                Some(format!("the file {program} is not executable"))
            }
            Ok(_) => match tokio::fs::metadata(&self.directory).await {
                Err(error) => Some(format!("the folder {directory} cannot be found ({})", error.kind())),
                Ok(found) if !found.is_dir() => Some(format!("{directory} is not a folder")),
                Ok(_) => None,
            },
        }
    }
}
