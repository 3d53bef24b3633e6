//! One vendor block while it is read: its arguments, and for the provider's own blocks the environment.
//!
//! Two kinds of mistakes are kept apart. What is written is wrong at once, for everybody. What the environment says is wrong only
//! for who needs that vendor: runners have variables of many tools.

use std::any::Any;
use std::sync::Arc;

use super::{Account, Endpoint, Surroundings, Unready, Vendor};
use crate::diagnostics::{Argument, ConnectionProblem, all_of};
use crate::environment::Form;
use crate::http::HttpClient;
use crate::secret::Secret;
use crate::terraform::{Diagnostic, Diagnostics, Field, Node, Path};

/// A block that is being read.
pub struct Opening<'a> {
    /// The block.
    pub(super) node: Node<'a>,
    /// What the account is built with; a named connection's environment is empty.
    pub(super) surroundings: &'a Surroundings,
    /// The client for its calls.
    pub(super) http: &'a HttpClient,
    /// The name of the connection; `None` for the provider's own account.
    pub(super) name: Option<&'a str>,
    /// The provider's own account at the same vendor, for a named connection that starts from it.
    pub(super) own: Result<&'a Arc<dyn Account>, Unready>,
    /// What is wrong with arguments.
    pub(super) written: Diagnostics,
    /// What is wrong with variables of the environment.
    pub(super) found: Diagnostics,
}

/// What an environment variable says.
pub(super) struct Variable<'a> {
    pub(super) name: &'static str,
    pub(super) text: &'a str,
}

/// A credential, and where it was taken from.
pub(super) struct Credential {
    pub(super) secret: Secret,
    /// Its argument or variable, as errors say it: `fly.token`.
    pub(super) origin: String,
    /// It stands in the block, not in the environment.
    pub(super) is_written: bool,
}

impl<'a> Opening<'a> {
    /// Of the block at `node`.
    pub(super) fn new(node: Node<'a>, surroundings: &'a Surroundings, http: &'a HttpClient) -> Self {
        Self {
            node,
            surroundings,
            http,
            name: None,
            own: Err(Unready::Undeclared),
            written: Diagnostics::new(),
            found: Diagnostics::new(),
        }
    }

    /// The provider's own account at this vendor, from which a named connection starts; `None` while that is unknown, or wrong, which
    /// is reported.
    pub(super) fn own_account<A: Account>(&mut self) -> Option<&'a A> {
        match self.own.clone() {
            Ok(own) => {
                let own: &dyn Any = own.as_ref();
                own.downcast_ref()
            }
            Err(Unready::Wrong(why)) => {
                self.found.push(why);
                None
            }
            Err(_) => None,
        }
    }

    /// A token or key that calls are authenticated with: the argument, else the first of the variables that is set.
    /// `Field::Unknown` as well when it cannot be used, which is reported.
    pub(super) fn credential(&mut self, argument: &str, variables: &[&'static str], form: Form) -> Field<Credential> {
        let node = self.node.attr(argument);
        match super::token(&node, &mut self.written) {
            Field::Known(secret) => Field::Known(Credential {
                secret,
                origin: node.path().to_string(),
                is_written: true,
            }),
            Field::Absent => {
                let found = self.surroundings.variable(variables, form, &mut self.found);
                found.map(|found| Credential {
                    origin: in_environment(found.name, variables, node.path()),
                    secret: Secret::new(found.text.to_owned()),
                    is_written: false,
                })
            }
            Field::Unknown => Field::Unknown,
        }
    }

    /// Reports that a credential cannot be used, at the place that it was taken from; `why` follows "It".
    pub(super) fn refuse_credential(&mut self, argument: &str, credential: &Credential, why: &str) {
        let path = self.node.attr(argument).path().clone();
        if credential.origin == path.to_string() {
            let mistake = Argument::CannotBeUsed {
                argument: path.to_string(),
                why: format!("It {why}.").into(),
            };
            self.written.report(path, mistake);
        } else {
            let name = credential.origin.split(' ').next().unwrap_or_default();
            refuse_variable(name, why, &mut self.found);
        }
    }

    /// Whether the argument stands in the block.
    pub(super) fn is_written(&self, argument: &str) -> bool {
        self.node.attr(argument).is_set()
    }

    /// A word that is no secret: the argument, else the variable.
    pub(super) fn word(&mut self, argument: &str, variable: &'static str) -> Field<String> {
        self.text(argument, variable, Form::Word, |_| None)
    }

    /// A text: the argument, else the variable. `mistake` is the rest of a sentence about it that begins with "It". `Field::Unknown` as
    /// well when it cannot be used, which is reported where it was taken from.
    pub(super) fn text(
        &mut self,
        argument: &str,
        variable: &'static str,
        form: Form,
        mistake: impl Fn(&str) -> Option<String>,
    ) -> Field<String> {
        let written = self.node.attr(argument).string(&mut self.written);
        let text = match written {
            Field::Absent => {
                let found = self.surroundings.variable(&[variable], form, &mut self.found);
                found.map(|found| found.text.to_owned())
            }
            written => written,
        };
        text.and_then_checked(|text| match mistake(&text) {
            None => Some(text),
            Some(why) => {
                self.refuse(argument, variable, &why);
                None
            }
        })
    }

    /// Reports that a setting cannot be used, at the argument if that is set, else at the variable; `why` follows "It".
    pub(super) fn refuse(&mut self, argument: &str, variable: &str, why: &str) {
        let node = self.node.attr(argument);
        match node.is_null() {
            true => refuse_variable(variable, why, &mut self.found),
            false => node.report(&mut self.written, |argument| Argument::CannotBeUsed {
                argument,
                why: format!("It {why}.").into(),
            }),
        }
    }

    /// Where an API is: the argument, else the variable, else the vendor's own address. `None` when it is unknown or must not be
    /// used, which is reported.
    pub(super) fn url(&mut self, argument: &str, endpoint: &Endpoint) -> Option<String> {
        let node = self.node.attr(argument);
        endpoint.read(&node, self.surroundings, &mut self.written, &mut self.found)
    }

    /// What to tell who needs a credential that is set nowhere. `what` is its name with an article, such as `an API key`.
    pub(super) fn missing(&self, vendor: &Vendor, what: &'static str, ways: &str) -> Diagnostic {
        let (what, ways) = (what.into(), ways.to_owned());
        let missing = match self.name {
            None => ConnectionProblem::NotConfigured {
                vendor: vendor.title.into(),
                what,
                ways,
            },
            Some(name) => ConnectionProblem::NoCredential {
                connection: name.to_owned(),
                what,
                ways,
            },
        };
        Diagnostic::new(Path::root(), missing)
    }

    /// How a credential of one argument is set, for [`Self::missing`].
    pub(super) fn way(&self, argument: &str, variables: &[&str]) -> String {
        let path = self.node.attr(argument).path().clone();
        match self.name {
            None => format!(
                "Set {path} in the provider block, or {} in the environment.",
                variables.join(" or ")
            ),
            Some(_) => format!("Set {path} in the provider block."),
        }
    }
}

/// Names the variable that a credential was taken from, for errors.
fn in_environment(variable: &str, variables: &[&str], argument: &Path) -> String {
    match variables {
        [first, rest @ ..] if variable == *first && !rest.is_empty() => {
            format!("{first} (which takes precedence over {})", all_of(rest))
        }
        _ => format!("{variable} (or {argument})"),
    }
}

impl Surroundings {
    /// The first of these variables that is set. One that cannot be used is reported by its name.
    pub(super) fn variable(
        &self,
        names: &[&'static str],
        form: Form,
        problems: &mut Diagnostics,
    ) -> Field<Variable<'_>> {
        for name in names {
            match self.environment.read(name, form) {
                Ok(None) => {}
                Ok(Some(text)) => return Field::Known(Variable { name, text }),
                Err(why) => {
                    refuse_variable(name, &why.to_string(), problems);
                    return Field::Unknown;
                }
            }
        }
        Field::Absent
    }
}

/// Reports a variable whose text cannot be used, without the text; `why` follows "It". Whose secret needs it gets the path.
pub(super) fn refuse_variable(name: &str, why: &str, problems: &mut Diagnostics) {
    let mistake = ConnectionProblem::Variable {
        name: name.to_owned(),
        why: format!("It {why}.").into(),
    };
    problems.report(Path::root(), mistake);
}
