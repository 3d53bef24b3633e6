//! An entry that a program on the machine that runs Terraform writes: the CLI of a system that has no kind of its own.
//!
//! `allow_exec` of the provider block must name each program, which gets the value on standard input alone
//! (docs/decisions/programs.md). What it has in common with commands on other hosts is in [`by_command`].

use std::time::Duration;

use async_trait::async_trait;

use super::by_command::{self, BY_INPUT, Machine, Permitted, Unsuccessful};
use super::path::{path_in, place_of};
use super::{TargetConfig, TargetKind};
use crate::call::{CallErrorKind, Effect, WritePermit};
use crate::connection::Link;
use crate::connection::command::{LocalCommand, LocalSetting};
use crate::process::{Command, Ending, Failure, Printed, Program, Runs};
use crate::secret::Secret;
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node};

/// The kind.
pub static KIND: TargetKind = TargetKind {
    name: Local::KIND,
    summary: "An entry that a program on the machine that runs Terraform writes, which reads the value from standard input. `allow_exec` of \
              the provider block must name the program. Nothing tells when consumers load a new value: set `settle` or `overlap`, or add an \
              activation.",
    api_docs: None,
    attributes,
    parse,
    reach: None,
    slot: by_command::slot::<Local>,
    words: by_command::words::<Local>,
    offers: by_command::OFFERS,
};

fn attributes() -> Vec<Attribute> {
    let command = Local::command_attribute(
        "The absolute path of the program, and its arguments: `[\"/usr/local/bin/put-secret\", \"API_KEY\"]`. It reads the value from \
         standard input, without a line break, and must overwrite what there is. There is no shell. The state stores them and other users of \
         the machine see them, so they must not contain secrets. The program and `name` identify the entry.",
    );
    let own = std::iter::once(command).chain(LocalSetting::attributes());
    own.chain(by_command::attributes::<Local>()).collect()
}

fn parse(node: &Node<'_>, default_name: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn TargetConfig>> {
    let command = Local::read_command(&node.attr("command"), problems);
    let setting = LocalSetting::read(node, BY_INPUT, problems);
    let machine = command.as_ref().zip(setting).map(|(command, setting)| Local {
        program: command.program().to_owned(),
        setting,
    });
    by_command::parse(node, default_name, machine, command, problems)
}

/// This machine, with the program that keeps the entry.
#[derive(Clone)]
struct Local {
    program: String,
    setting: LocalSetting,
}

impl Machine for Local {
    type Command = LocalCommand;
    type Setting = LocalSetting;

    const KIND: &'static str = "exec";
    const SERVICE: &'static str = "this machine";
    const FORM: &'static str = "/path/of/program/NAME#{…}";

    fn command_attribute(does: &str) -> Attribute {
        LocalCommand::attribute(does)
    }

    fn read_command(node: &Node<'_>, problems: &mut Diagnostics) -> Option<LocalCommand> {
        LocalCommand::read(node, BY_INPUT, problems)
    }

    fn place(&self) -> String {
        place_of(&self.program)
    }

    fn at(place: &str, setting: LocalSetting) -> Option<Self> {
        let program = path_in(place)?;
        Some(Self { program, setting })
    }

    fn place_in_words(place: &str) -> Option<String> {
        path_in(place).map(|program| format!("through program {program}"))
    }

    fn setting(&self) -> &LocalSetting {
        &self.setting
    }

    fn effective_setting(&self) -> Option<&LocalSetting> {
        Some(&self.setting)
    }

    fn in_words(&self, command: &LocalCommand) -> Vec<String> {
        let arguments = command.arguments_in_words();
        let arguments = (!arguments.is_empty()).then(|| format!("arguments {arguments}"));
        arguments.into_iter().chain(self.setting.in_words()).collect()
    }

    fn runs(&self, command: &LocalCommand) -> Runs {
        command.runs()
    }

    fn permitted(
        &self,
        command: &LocalCommand,
        timeout: Duration,
        link: &Link<'_>,
    ) -> Result<Box<dyn Permitted>, Diagnostic> {
        Ok(Box::new(LocalRun {
            program: link.program(command.program())?,
            command: command.clone(),
            setting: self.setting.clone(),
            timeout,
        }))
    }
}

/// One command with all that it takes.
struct LocalRun {
    program: Program,
    command: LocalCommand,
    setting: LocalSetting,
    timeout: Duration,
}

impl LocalRun {
    fn start(&self) -> Command {
        self.setting.command(&self.command, &self.program, self.timeout)
    }

    fn unsuccessful(&self, failure: &Failure) -> Unsuccessful {
        Unsuccessful {
            kind: CallErrorKind::Invalid,
            effect: match failure.ending {
                Ending::NotStarted(_) => Effect::None,
                _ => Effect::Possible,
            },
            exit_code: match failure.ending {
                Ending::Exited(code) => Some(code),
                _ => None,
            },
            message: failure.explain(self.command.program()),
        }
    }
}

#[async_trait]
impl Permitted for LocalRun {
    async fn obstacle(&self) -> Option<String> {
        self.start().obstacle().await
    }

    /// An interrupt waits for it, as for every write.
    async fn run(&self, input: Option<Secret>, permit: &WritePermit) -> Result<(), Unsuccessful> {
        let ended = self.start().input(input).run(&Stop::default(), permit).await;
        ended.map_err(|failure| self.unsuccessful(&failure))
    }

    async fn read(&self) -> Result<Printed, Unsuccessful> {
        let printed = self.start().read().await;
        printed.map_err(|failure| self.unsuccessful(&failure))
    }
}
