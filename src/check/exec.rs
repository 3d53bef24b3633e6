//! A program on the machine that runs Terraform, which must succeed.
//!
//! `allow_exec` of the provider block must name it. It gets the arguments and the environment that are declared, no shell, and the
//! credential on standard input alone. It runs only where writing is permitted, so never in a plan or a refresh.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::attempts::{Attempts, Shortfall};
use super::input::{self, Input};
use super::plain;
use crate::call::{CallError, WritePermit};
use crate::check::{Check, CheckConfig, CheckFailure, CheckKind, Patience, Presents};
use crate::connection::Link;
use crate::diagnostics::Argument;
use crate::process::{Command, Ending, Failure, Program, Runs, path_mistake};
use crate::secret::{Parts, Secret};
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Field, Node, Type};

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

fn attributes() -> Vec<Attribute> {
    let own = [
        Attribute::required(
            "command",
            Type::strings(),
            "The absolute path of the program, and its arguments: `[\"/usr/local/bin/verify\", \"--env\", \"production\"]`. There is no \
             shell. The state stores them and other users of the machine see them, so they must not contain secrets.",
        ),
        Attribute::optional(
            "environment",
            Type::string_map(),
            "The whole environment of the program. Nothing is inherited, not even `PATH` and `HOME`. It must not contain secrets either.",
        ),
        Attribute::optional(
            "directory",
            Type::String,
            "The folder that it runs in, as an absolute path. Default: `/`.",
        ),
    ];
    own.into_iter().chain(input::attributes()).collect()
}

#[derive(Clone)]
struct Config {
    program: String,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    /// `None`: the root.
    directory: Option<String>,
    input: Input,
}

fn parse(node: &Node<'_>, _connection: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn CheckConfig>> {
    let command = command(&node.attr("command"), problems);
    let environment = plain::environment(&node.attr("environment"), problems);
    let directory = directory(&node.attr("directory"), problems);
    let input = input::parse(node, problems);
    let (program, arguments) = command?;
    Some(Box::new(Config {
        program,
        arguments,
        environment: environment?,
        directory: directory?,
        input: input?,
    }))
}

fn command(node: &Node<'_>, problems: &mut Diagnostics) -> Option<(String, Vec<String>)> {
    let words = node.required(node.strings(problems), problems).known()?;
    let Some((program, arguments)) = words.split_first() else {
        node.report(problems, |argument| Argument::Empty {
            argument,
            advice: "Set the absolute path of the program, and its arguments.".into(),
        });
        return None;
    };
    let first = node.path().then_index(0);
    if let Some(mistake) = path_mistake(program) {
        let (argument, what) = (first.to_string(), "the path of a program".into());
        let why = mistake.into();
        problems.report(first, Argument::IsNot { argument, what, why });
        return None;
    }
    let all_plain = (0..).zip(&words).fold(true, |good, (at, word)| {
        plain::is_plain(&node.path().then_index(at), word, problems) && good
    });
    all_plain.then(|| (program.clone(), arguments.to_vec()))
}

fn directory(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Option<String>> {
    let text = match node.string(problems) {
        Field::Absent => return Some(None),
        Field::Unknown => return None,
        Field::Known(text) => text,
    };
    if let Some(mistake) = path_mistake(&text) {
        node.report_not(problems, "the path of a folder", mistake);
        return None;
    }
    plain::is_plain(node.path(), &text, problems).then_some(Some(text))
}

/// A word of a command as a shell would need it.
fn quoted(word: &str) -> String {
    let is_simple = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_=+,./:@%".contains(c));
    if is_simple {
        word.to_owned()
    } else {
        format!("{word:?}")
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
        let command: Vec<String> = std::iter::once(&self.program)
            .chain(&self.arguments)
            .map(|word| quoted(word))
            .collect();
        let mut words = format!("program {}", command.join(" "));
        if let Some(directory) = &self.directory {
            words.push_str(&format!(" in {directory}"));
        }
        if !self.environment.is_empty() {
            let variables: Vec<String> = self
                .environment
                .iter()
                .map(|(name, value)| format!("{name}={}", quoted(value)))
                .collect();
            words.push_str(&format!(" with {}", variables.join(", ")));
        }
        words.push_str(self.input.in_words());
        words
    }

    fn has_effects(&self) -> bool {
        true
    }

    /// Nobody can see by its name what a program does.
    fn effects_default(&self) -> Option<bool> {
        None
    }

    fn runs(&self) -> Option<Runs> {
        Some(Runs::Program(self.program.clone()))
    }

    fn default_patience(&self) -> Patience {
        KIND.patience
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Check>, Diagnostic> {
        Ok(Box::new(ExecCheck {
            program: link.program(&self.program)?,
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
        let command = self
            .program
            .command(timeout)
            .arguments(&self.config.arguments)
            .environment(&self.config.environment);
        match &self.config.directory {
            Some(directory) => command.directory(directory),
            None => command,
        }
    }
}

#[async_trait]
impl Check for ExecCheck {
    /// Whether the program and its folder are there.
    async fn inspect(&self) -> Result<(), CallError> {
        let Some(why) = self.command(KIND.patience.timeout).obstacle().await else {
            return Ok(());
        };
        let operation = format!("starting {}", self.config.program);
        Err(CallError::refused(HERE, operation, &why))
    }

    async fn run(
        &self,
        parts: Option<&Parts>,
        patience: Patience,
        stop: &Stop,
        permit: &WritePermit,
    ) -> Result<(), CheckFailure> {
        let program = self.config.program.as_str();
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
