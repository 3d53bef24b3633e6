//! Secrets of a Fly app: written in one call for all that go to the app, then made live machine by machine.
//!
//! Setting a secret changes no machine: only an update of the machine does, a restart does not. Fly keeps no metadata
//! beside a secret and never tells its value; its digest is opaque, but the same for the same value.
//! <https://fly.io/docs/apps/secrets/>, <https://fly.io/docs/machines/api/machines-resource/>

mod health;
mod lease;
mod machine;
mod mark;
#[cfg(test)]
mod model;
mod others;
mod roll;
mod slot;
mod update;

use crate::address::Address;
use crate::connection::Link;
use crate::connection::fly::{self, Fly};
use crate::diagnostics::{Argument, StateProblem};
use crate::rotation::RevisionKind;
use crate::secret::Secret;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Path, Type};

use super::{Activation, EntryWords, Offers, Slot, Target, TargetConfig, TargetKind, TargetTraits};

pub use roll::Patience;
pub use slot::FlySecret;

const NAME: &str = "fly_secret";

/// The kind.
pub static KIND: TargetKind = TargetKind {
    name: NAME,
    summary: "A secret of a Fly.io app, live at once by updating its machines one by one, or staged until the next deployment.",
    api_docs: Some("https://fly.io/docs/apps/secrets/"),
    attributes,
    parse,
    reach: Some(fly::VENDOR.reach()),
    slot: slot_at,
    words,
    offers: Offers {
        marks: false,
        revision: RevisionKind::Digest,
        pages: false,
        // Fly lists no apps to a token that covers one.
        proof_of_absence: false,
        identity: true,
    },
};

/// flyctl reads at most this much from its standard input; the API publishes no limit. In bytes.
const VALUE_LIMIT: usize = 64 * 1024;

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::required("app", Type::String, "The app's name."),
        Attribute::optional(
            "name",
            Type::String,
            "The secret's name, which is the name of the environment variable. Default: `name` of the resource.",
        ),
        Attribute::optional(
            "stage",
            Type::Bool,
            "`true` leaves the machines alone: the value is live after the app's next deployment that starts at least one minute \
             after the write. `false` (default) updates the machines one by one, waits until each is healthy, and notes the version \
             of the app's secrets in the machine's metadata (`rotation_secrets`).",
        ),
    ]
}

#[derive(Debug)]
struct Config {
    app: String,
    name: String,
    stage: bool,
}

fn parse(node: &Node<'_>, default_name: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn TargetConfig>> {
    let app_node = node.attr("app");
    let app = app_node.required_string(problems).and_then_checked(|app| {
        let good = is_app(&app);
        if !good {
            app_node.report(problems, |argument| Argument::IsNot {
                argument,
                what: "the name of a Fly app".into(),
                why: format!("It is {app:?}. Names of Fly apps have lower-case letters, digits and hyphens.").into(),
            });
        }
        good.then_some(app)
    });
    let name_node = node.attr("name");
    let name = name_node.string_or(default_name, problems).known().filter(|name| {
        let good = is_variable(name);
        if !good {
            name_node.report(problems, |argument| Argument::IsNot {
                argument,
                what: "the name of an environment variable".into(),
                why: format!(
                    "It is {name:?} (the resource's name, unless it is set here). Fly passes secrets to machines as environment variables, \
                     whose names have letters, digits and underscores and do not begin with a digit."
                )
                .into(),
            });
        }
        good
    });
    let stage = node.attr("stage").bool(problems).or(false);
    Some(Box::new(Config {
        app: app.known()?,
        name: name?,
        stage: stage?,
    }))
}

/// Fly's names for apps.
fn is_app(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Names of environment variables (POSIX.1-2017, section 8.1, with lower case).
fn is_variable(text: &str) -> bool {
    let follows = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.bytes().all(follows) && text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
}

/// App and name in a locator of ours.
fn parts_of(locator: &str) -> Option<(&str, &str)> {
    locator
        .split_once('/')
        .filter(|(app, name)| is_app(app) && is_variable(name))
}

fn slot_at(address: &Address, link: &Link<'_>) -> Result<Box<dyn Slot>, Diagnostic> {
    let (app, name) = parts_of(&address.locator).ok_or_else(|| {
        let mistake = StateProblem::Address {
            address: address.to_string(),
            what: "the address of a Fly secret".into(),
            expected: "<app>/<NAME>".into(),
        };
        Diagnostic::new(Path::root(), mistake)
    })?;
    let client = link.account::<Fly>()?.client()?;
    // The stricter of the two: only proof makes it live. It is never asked to write.
    Ok(Box::new(FlySecret::new(client, app, name, false, Patience::default())))
}

fn words(address: &Address) -> EntryWords {
    let Some((app, name)) = parts_of(&address.locator) else {
        return EntryWords::of_text(address);
    };
    let host = address.at_host();
    EntryWords {
        noun: format!("Fly secret {name} on app {app}{host}"),
        entry: name.to_owned(),
        place: format!("on Fly app {app}{host}"),
    }
}

impl TargetConfig for Config {
    fn slot(&self, _link: &Link<'_>) -> Result<Address, Diagnostic> {
        Ok(Address::new(NAME, format!("{}/{}", self.app, self.name)))
    }

    fn batch(&self) -> Option<String> {
        let how = if self.stage { "staged" } else { "live" };
        Some(format!("{NAME}:{}:{how}", self.app))
    }

    fn traits(&self) -> TargetTraits {
        TargetTraits {
            activation: if self.stage {
                Activation::Staged
            } else {
                Activation::Itself
            },
            readable: false,
            reloads_within: None,
            follow_up: false,
        }
    }

    fn settings_in_words(&self) -> Vec<String> {
        let staged = self.stage.then(|| "staged until the next deployment".to_owned());
        staged.into_iter().collect()
    }

    fn goes_live_in_words(&self) -> Option<&'static str> {
        (!self.stage).then_some("update its machines one by one")
    }

    fn accepts(&self, value: &Secret) -> Result<(), String> {
        if value.is_empty() {
            return Err("The value is empty; Fly would hand machines an empty variable.".to_owned());
        }
        if value.contains("\0") {
            return Err("The value holds a NUL byte, which no environment variable can.".to_owned());
        }
        if value.len() > VALUE_LIMIT {
            return Err(format!(
                "The value has {} bytes; a Fly secret has at most {VALUE_LIMIT}.",
                value.len()
            ));
        }
        Ok(())
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Target>, Diagnostic> {
        let client = link.account::<Fly>()?.client()?;
        Ok(Box::new(FlySecret::new(
            client,
            &self.app,
            &self.name,
            self.stage,
            Patience::default(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::{Origin, Value};

    fn parsed(value: &Value, name: Option<&str>) -> (Option<Box<dyn TargetConfig>>, Vec<String>) {
        let mut problems = Diagnostics::new();
        let config = parse(&Node::root(value, Origin::Configuration), name, &mut problems);
        (config, problems.iter().map(|problem| problem.summary.clone()).collect())
    }

    fn object(app: &str) -> Value {
        Value::object([("app", Value::string(app)), ("stage", Value::Bool(true))])
    }

    #[test]
    fn secrets_of_one_app_are_one_batch_unless_one_is_staged() {
        let (config, problems) = parsed(&object("molecule-cp"), Some("FLY_API_TOKEN"));
        let config = config.unwrap();
        assert!(problems.is_empty());
        assert_eq!(config.traits().activation, Activation::Staged);
        let live = Value::object([("app", Value::string("molecule-cp")), ("name", Value::string("other"))]);
        let live = parsed(&live, Some("FLY_API_TOKEN")).0.unwrap();
        assert_eq!(live.traits().activation, Activation::Itself);
        assert_ne!(config.batch(), live.batch());
    }

    #[test]
    fn names_that_fly_or_a_shell_would_not_take_are_refused() {
        for (app, name, expected) in [
            ("Molecule", "A", "app is not the name of a Fly app"),
            ("a/b", "A", "app is not the name of a Fly app"),
            ("a", "1A", "name is not the name of an environment variable"),
            ("a", "fly-token", "name is not the name of an environment variable"),
            ("a", "É", "name is not the name of an environment variable"),
        ] {
            let (config, problems) = parsed(&object(app), Some(name));
            assert!(config.is_none());
            assert_eq!(problems, [expected]);
        }
        let (config, problems) = parsed(&object("a"), None);
        assert!(config.is_none() && problems.is_empty(), "an unknown name is no mistake");
    }

    #[test]
    fn values_are_accepted_up_to_the_limit() {
        let config = parsed(&object("a"), Some("A")).0.unwrap();
        let accepts = |value: String| config.accepts(&Secret::new(value));
        assert_eq!(accepts("x".repeat(VALUE_LIMIT)), Ok(()));
        for wrong in [String::new(), "a\0b".to_owned(), "x".repeat(VALUE_LIMIT + 1)] {
            let limit = accepts(wrong).unwrap_err();
            assert!(limit.starts_with("The value ") && limit.ends_with('.'), "{limit}");
        }
    }

    #[test]
    fn stage_is_told_in_words_and_writes_nothing() {
        let staged = parsed(&object("a"), Some("A")).0.unwrap();
        let live = parsed(&Value::object([("app", Value::string("a"))]), Some("A"))
            .0
            .unwrap();
        assert_eq!(staged.fingerprint(), live.fingerprint());
        assert_eq!(staged.settings_in_words(), ["staged until the next deployment"]);
        assert_eq!(staged.goes_live_in_words(), None);
        assert_eq!(live.settings_in_words(), Vec::<String>::new());
        assert_eq!(live.goes_live_in_words(), Some("update its machines one by one"));
    }

    #[test]
    fn an_address_is_told_in_words() {
        let address = Address::new(NAME, "molecule-cp/FLY_API_TOKEN");
        let expected = EntryWords {
            noun: "Fly secret FLY_API_TOKEN on app molecule-cp".to_owned(),
            entry: "FLY_API_TOKEN".to_owned(),
            place: "on Fly app molecule-cp".to_owned(),
        };
        assert_eq!(words(&address), expected);
        let elsewhere = words(&Address::at("127.0.0.1:4280", NAME, "a/B"));
        assert_eq!(elsewhere.noun, "Fly secret B on app a at 127.0.0.1:4280");
        assert_eq!(elsewhere.place, "on Fly app a at 127.0.0.1:4280");
        assert_eq!(words(&Address::new(NAME, "a")).noun, "fly_secret:default:a");
    }

    #[test]
    fn a_locator_gives_app_and_name_back() {
        assert_eq!(
            parts_of("molecule-cp/FLY_API_TOKEN"),
            Some(("molecule-cp", "FLY_API_TOKEN"))
        );
        for wrong in ["molecule-cp", "a/..", "../b", "a/b/c"] {
            assert_eq!(parts_of(wrong), None, "{wrong}");
        }
    }
}
