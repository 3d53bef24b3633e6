//! Variables that a platform passes to the processes of its services: what their names and values may be.

use crate::secret::Secret;
use crate::terraform::{Attribute, Diagnostics, Field, Node, Type};

/// The largest variable that Linux passes to a process, in bytes: name, `=`, value and the NUL at the end (execve(2),
/// `MAX_ARG_STRLEN`).
const LARGEST: usize = 131_072;

/// What a platform says of its variables.
pub(super) struct Variables {
    /// The platform, as texts call it: `Render`.
    pub(super) platform: &'static str,
    /// Characters that a name may have beside letters, digits and underscores.
    pub(super) also_in_names: &'static str,
}

impl Variables {
    /// The argument `name`.
    pub(super) fn name_attribute() -> Attribute {
        Attribute::optional(
            "name",
            Type::String,
            "The name of the environment variable. Default: `name` of the resource.",
        )
    }

    /// Reads the argument `name`.
    pub(super) fn name(&self, node: &Node<'_>, default: Option<&str>, problems: &mut Diagnostics) -> Field<String> {
        let node = node.attr("name");
        node.string_or(default, problems).and_then_checked(|name| {
            if self.is_name(&name) {
                return Some(name);
            }
            let Self { platform, also_in_names } = self;
            let marks = match also_in_names.is_empty() {
                true => " and underscores".to_owned(),
                false => format!(", underscores and any of {also_in_names:?}"),
            };
            let why = format!(
                "It is {name:?} (the resource's name, unless it is set here). {platform} passes it to processes as an environment \
                 variable, whose name has letters, digits{marks}, and does not begin with a digit."
            );
            node.report_not(problems, "the name of an environment variable", why);
            None
        })
    }

    /// POSIX.1-2017, section 8.1, with lower case and what the platform adds.
    pub(super) fn is_name(&self, text: &str) -> bool {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || self.also_in_names.contains(c);
        text.chars().all(fits) && text.starts_with(|c: char| !c.is_ascii_digit())
    }

    /// Whether a process can get that value in a variable of that name.
    ///
    /// # Errors
    /// A whole sentence.
    pub(super) fn accepts(&self, name: &str, value: &Secret) -> Result<(), String> {
        let platform = self.platform;
        if value.is_empty() {
            return Err(format!("An environment variable of {platform} can't be empty here."));
        }
        if value.contains("\0") {
            return Err("An environment variable can't contain a NUL character.".to_owned());
        }
        let around = name.len() + "=\0".len();
        if value.len() + around > LARGEST {
            return Err(format!(
                "A process gets at most {LARGEST} bytes in one environment variable, its name included; this value has {}.",
                value.len()
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static VARIABLES: Variables = Variables {
        platform: "Acme",
        also_in_names: "-.",
    };

    #[test]
    fn a_name_that_no_process_gets_is_refused() {
        for name in ["FLY_API_TOKEN", "_x", "a.b-c", "A1"] {
            assert!(VARIABLES.is_name(name), "{name}");
        }
        for name in ["", "1A", "A B", "É", "A=B", "A/B"] {
            assert!(!VARIABLES.is_name(name), "{name}");
        }
        assert!(
            !Variables {
                also_in_names: "",
                ..VARIABLES
            }
            .is_name("a.b")
        );
    }

    #[test]
    fn a_value_that_no_process_gets_is_refused() {
        let said = |value: String| VARIABLES.accepts("KEY", &Secret::new(value));
        assert_eq!(said("x".repeat(LARGEST - "KEY=\0".len())), Ok(()));
        for wrong in [String::new(), "a\0b".to_owned(), "x".repeat(LARGEST - 4)] {
            assert!(said(wrong).is_err());
        }
    }
}
