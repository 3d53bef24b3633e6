//! A program on the machine that runs Terraform.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plain::{self, Presenting};
use crate::diagnostics::Argument;
use crate::process::{Command, Program, Runs, path_mistake};
use crate::terraform::{Attribute, Diagnostics, Field, Node, Type};

/// A program and its arguments, in the order in which they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct LocalCommand {
    program: String,
    arguments: Vec<String>,
}

impl TryFrom<Vec<String>> for LocalCommand {
    type Error = &'static str;

    fn try_from(words: Vec<String>) -> Result<Self, Self::Error> {
        let mut words = words.into_iter();
        let program = words.next().ok_or("It names no program.")?;
        path_mistake(&program).map_or(Ok(()), Err)?;
        let arguments = words.collect();
        Ok(Self { program, arguments })
    }
}

impl From<LocalCommand> for Vec<String> {
    fn from(command: LocalCommand) -> Self {
        std::iter::once(command.program).chain(command.arguments).collect()
    }
}

impl LocalCommand {
    /// The argument `command`, which `does` describes from the start of a sentence to its end.
    pub fn attribute(does: &str) -> Attribute {
        Attribute::required("command", Type::strings(), does)
    }

    /// Reads it. `None` when it is unknown or wrong, which is reported.
    pub fn read(node: &Node<'_>, by: Presenting, problems: &mut Diagnostics) -> Option<Self> {
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
        plain::are_plain(node, &words, by, problems).then(|| Self {
            program: program.clone(),
            arguments: arguments.to_vec(),
        })
    }

    /// The absolute path of the program.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// What `allow_exec` must name.
    pub fn runs(&self) -> Runs {
        Runs::Program(self.program.clone())
    }

    /// The arguments as a shell would need them.
    pub fn arguments_in_words(&self) -> String {
        let words: Vec<String> = self.arguments.iter().map(|word| quoted(word)).collect();
        words.join(" ")
    }

    /// The whole as a shell would need it.
    pub fn in_words(&self) -> String {
        let words = [quoted(&self.program), self.arguments_in_words()];
        words.join(" ").trim_end().to_owned()
    }
}

/// What a program runs in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalSetting {
    /// The whole environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    environment: BTreeMap<String, String>,
    /// `None`: the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    directory: Option<String>,
}

impl LocalSetting {
    /// The arguments `environment` and `directory`.
    pub fn attributes() -> [Attribute; 2] {
        [
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
        ]
    }

    /// Reads both from the kind's object. `None` when one is unknown or wrong, which is reported.
    pub fn read(node: &Node<'_>, by: Presenting, problems: &mut Diagnostics) -> Option<Self> {
        let environment = plain::environment(&node.attr("environment"), by, problems);
        let directory = directory(&node.attr("directory"), by, problems);
        Some(Self {
            environment: environment?,
            directory: directory?,
        })
    }

    /// A run of that command, whose program is the permitted one.
    pub fn command(&self, command: &LocalCommand, program: &Program, timeout: Duration) -> Command {
        let run = program
            .command(timeout)
            .arguments(&command.arguments)
            .environment(&self.environment);
        match &self.directory {
            Some(directory) => run.directory(directory),
            None => run,
        }
    }

    /// What differs from the defaults: `in /srv`, `with PATH=/bin`.
    pub fn in_words(&self) -> Vec<String> {
        let directory = self.directory.iter().map(|directory| format!("in {directory}"));
        let variables: Vec<String> = self
            .environment
            .iter()
            .map(|(name, value)| format!("{name}={}", quoted(value)))
            .collect();
        let variables = (!variables.is_empty()).then(|| format!("with {}", variables.join(", ")));
        directory.chain(variables).collect()
    }
}

fn directory(node: &Node<'_>, by: Presenting, problems: &mut Diagnostics) -> Option<Option<String>> {
    let text = match node.string(problems) {
        Field::Absent => return Some(None),
        Field::Unknown => return None,
        Field::Known(text) => text,
    };
    if let Some(mistake) = path_mistake(&text) {
        node.report_not(problems, "the path of a folder", mistake);
        return None;
    }
    plain::is_plain(node, &text, by, problems).then_some(Some(text))
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
