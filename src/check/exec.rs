//! A program on the machine that runs Terraform, which must succeed.
//!
//! `allow_exec` of the provider block must name it. It gets the arguments and the environment that are declared, no shell, and the
//! credential on standard input alone. It runs only where writing is permitted, so never in a plan or a refresh.

use std::time::Duration;

use async_trait::async_trait;

use super::attempts::{Attempts, Shortfall};
use super::input::{self, Input};
use crate::call::{CallError, WritePermit};
use crate::check::{Check, CheckConfig, CheckFailure, CheckKind, Patience, Presents};
use crate::connection::Link;
use crate::connection::command::{LocalCommand, LocalSetting, Presenting};
use crate::process::{Command, Ending, Failure, Program, Runs};
use crate::secret::{Parts, Secret};
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node};

/// The kind.
pub static KIND: CheckKind = CheckKind {
    name: "exec",
    summary: "Runs a program on the machine that runs Terraform, which must end with exit code 0. `allow_exec` of the provider block must \
              name it. When its time is over, it is killed with everything that it has started.",
    api_docs: None,
    attributes,
    patience: Patience {
        timeout: Duration::from_secs(5 * 60),
        // Its effect may not bear a repetition.
        retry_for: Duration::ZERO,
    },
    reach: None,
    parse,
};

/// Where it runs, in errors.
const HERE: &str = "this machine";

/// How the program gets the credential.
const BY_INPUT: Presenting = Presenting("Present the credential on standard input: input = \"{{ value }}\".");

fn attributes() -> Vec<Attribute> {
    let command = LocalCommand::attribute(
        "The absolute path of the program, and its arguments: `[\"/usr/local/bin/verify\", \"--env\", \"production\"]`. There is no \
         shell. The state stores them and other users of the machine see them, so they must not contain secrets.",
    );
    let all = std::iter::once(command).chain(LocalSetting::attributes());
    all.chain(input::attributes()).collect()
}

#[derive(Clone)]
struct Config {
    command: LocalCommand,
    setting: LocalSetting,
    input: Input,
}

fn parse(node: &Node<'_>, _connection: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn CheckConfig>> {
    let command = LocalCommand::read(&node.attr("command"), BY_INPUT, problems);
    let setting = LocalSetting::read(node, BY_INPUT, problems);
    let input = input::parse(node, problems);
    Some(Box::new(Config {
        command: command?,
        setting: setting?,
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
        let command = format!("program {}", self.command.in_words());
        let words: Vec<String> = std::iter::once(command).chain(self.setting.in_words()).collect();
        format!("{}{}", words.join(" "), self.input.in_words())
    }

    fn has_effects(&self) -> bool {
        true
    }

    /// Nobody can see by its name what a program does.
    fn effects_default(&self) -> Option<bool> {
        None
    }

    fn runs(&self) -> Option<Runs> {
        Some(self.command.runs())
    }

    fn default_patience(&self) -> Patience {
        KIND.patience
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Check>, Diagnostic> {
        Ok(Box::new(ExecCheck {
            program: link.program(self.command.program())?,
            config: self.clone(),
        }))
    }
}

struct ExecCheck {
    program: Program,
    config: Config,
}

impl ExecCheck {
    fn command(&self, timeout: Duration) -> Command {
        let Config { command, setting, .. } = &self.config;
        setting.command(command, &self.program, timeout)
    }
}

#[async_trait]
impl Check for ExecCheck {
    /// Whether the program and its folder are there.
    async fn inspect(&self) -> Result<(), CallError> {
        let Some(why) = self.command(KIND.patience.timeout).obstacle().await else {
            return Ok(());
        };
        let operation = format!("starting {}", self.config.command.program());
        Err(CallError::refused(HERE, operation, &why))
    }

    async fn run(
        &self,
        parts: Option<&Parts>,
        patience: Patience,
        stop: &Stop,
        permit: &WritePermit,
    ) -> Result<(), CheckFailure> {
        let program = self.config.command.program();
        let input = self.config.input.fill(parts).map_err(|why| CheckFailure {
            message: format!("{program} was not started: {why}."),
            interrupted: false,
        })?;
        let attempts = Attempts::new(program, patience, self.program.clock(), stop);
        let attempt = || async {
            let command = self.command(patience.timeout).input(input.as_ref().map(Secret::share));
            let ended = command.run(stop, permit).await;
            ended.map(drop).map_err(|failure| shortfall(&failure, program))
        };
        attempts.until_one_passes(attempt).await
    }
}

/// Only a program that has said how it went is run again: one that was killed may have done half of it.
fn shortfall(failure: &Failure, program: &str) -> Shortfall {
    let message = failure.explain(program);
    match failure.ending {
        Ending::Exited(_) => Shortfall::Passing(message),
        Ending::Interrupted => Shortfall::Interrupted(message),
        _ => Shortfall::Lasting(message),
    }
}
