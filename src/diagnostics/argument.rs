//! Mistakes in one argument, whatever block or kind it belongs to. Kinds bring their rules as data.

use super::{Words, list};

/// Where a mistaken key belongs, or what it most likely means.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hint {
    /// It is an argument of the block itself.
    OfTheBlock(String),
    /// It is an argument of an object around this one.
    Outside(String, String),
    /// It is an argument of objects in this one.
    Inside(String, Vec<Words>),
    /// The nearest name.
    Nearest(Words),
}

impl Hint {
    fn words(&self) -> String {
        match self {
            Self::OfTheBlock(key) => format!("`{key}` is an argument of the block itself: set it there."),
            Self::Outside(key, owner) => format!("`{key}` is an argument of {owner}: set it there."),
            Self::Inside(key, owners) => {
                let owners: Vec<String> = owners.iter().map(|owner| format!("`{owner}`")).collect();
                format!("`{key}` is an argument of {}: set it inside.", owners.join(" and of "))
            }
            Self::Nearest(name) => format!("Did you mean `{name}`?"),
        }
    }
}

fn it_is(found: Option<&Words>) -> String {
    match found {
        Some(found) => format!("It is {found}."),
        // A text may be a secret in the wrong place: it is never repeated.
        None => "Change it to a permitted value.".to_owned(),
    }
}

catalogue! {
    /// A mistake in one argument.
    Argument {
        /// It is missing or empty.
        error Required { argument: String } => {
            summary: format!("{argument} is required"),
            detail: "Set a non-empty value.",
            samples: [{ argument: "targets[\"web\"].fly_secret.app".into() }],
        }
        /// It is missing, and the kind says what it is for.
        error RequiredBecause { argument: String, why: Words } => {
            summary: format!("{argument} is required"),
            detail: why.as_ref(),
            samples: [
                { argument: "source.key_pair.algorithm".into(), why: "Choose the algorithm that consumers verify with: ed25519, ecdsa_p256.".into() },
                { argument: "source".into(), why: "Set exactly one kind.".into() },
            ],
        }
        /// It has another type, or none of the permitted values. `found` only where it cannot be a secret.
        error MustBe { argument: String, expected: Words, found: Option<Words> } => {
            summary: format!("{argument} must be {expected}"),
            detail: it_is(found.as_ref()),
            samples: [
                { argument: "targets[\"web\"].wave".into(), expected: "a whole number from 1 to 1000".into(), found: Some("1.5".into()) },
                { argument: "on_drift".into(), expected: "one of \"heal\", \"report\", \"rotate\"".into(), found: None },
            ],
        }
        /// It is a text of another form.
        error IsNot { argument: String, what: Words, why: Words } => {
            summary: format!("{argument} is not {what}"),
            detail: why.as_ref(),
            samples: [
                { argument: "overlap".into(), what: "a duration".into(), why: "\"soon\" is not a duration. Use a number with a unit, such as \"90d\".".into() },
                { argument: "fly.token".into(), what: "a token".into(), why: "It is blank.".into() },
            ],
        }
        /// A key that is not declared.
        error UnknownKey { argument: String, hint: Option<Hint>, owner: String, takes: Vec<Words> } => {
            summary: format!("{argument} is not an argument"),
            detail: {
                let owner = if owner.is_empty() { "This block" } else { owner };
                let hint = hint.as_ref().map_or_else(String::new, |hint| format!("{} ", hint.words()));
                if takes.is_empty() {
                    format!("{hint}{owner} takes no arguments: write `{{}}`.")
                } else {
                    format!("{hint}{owner} takes: {}.", list(takes))
                }
            },
            samples: [
                {
                    argument: "targets[\"web\"].waves".into(),
                    hint: Some(Hint::Nearest("wave".into())),
                    owner: "targets[\"web\"]".into(),
                    takes: super::names(["wave", "part", "fly_secret"]),
                },
                {
                    argument: "targets[\"web\"].fly_secret.wave".into(),
                    hint: Some(Hint::Outside("wave".into(), "targets[\"web\"]".into())),
                    owner: "targets[\"web\"].fly_secret".into(),
                    takes: super::names(["app", "name", "stage"]),
                },
                {
                    argument: "source.provided.value_wo".into(),
                    hint: Some(Hint::OfTheBlock("value_wo".into())),
                    owner: "source.provided".into(),
                    takes: super::names(["credential_id", "part_names"]),
                },
                {
                    argument: "targets[\"web\"].app".into(),
                    hint: Some(Hint::Inside("app".into(), super::names(["fly_secret"]))),
                    owner: "targets[\"web\"]".into(),
                    takes: super::names(["wave", "part", "fly_secret"]),
                },
                { argument: "source.fernet_key.bytes".into(), hint: None, owner: "source.fernet_key".into(), takes: Vec::new() },
            ],
        }
        /// It excludes another one.
        error Conflict { argument: String, other: Words, advice: Words } => {
            summary: format!("{argument} and {other} cannot both be set"),
            detail: advice.as_ref(),
            samples: [{
                argument: "targets[\"web\"].template".into(),
                other: "part".into(),
                advice: "A template names the parts that it uses. Remove `part`.".into(),
            }],
        }
        /// It means nothing without another one.
        error Needs { argument: String, other: Words, why: Words } => {
            summary: format!("{argument} requires {other}"),
            detail: why.as_ref(),
            samples: [{
                argument: "rotation.early".into(),
                other: "rotation.every".into(),
                why: "Without a schedule there is nothing to be early for. Set `every`, or remove `early`.".into(),
            }],
        }
        /// One of several is required; none is set, or more than one.
        error OneOf { argument: String, choices: Vec<Words>, advice: Words } => {
            summary: format!("{argument} requires {}", choices.join(" or ")),
            detail: advice.as_ref(),
            samples: [{
                argument: "source.fly_token".into(),
                choices: super::names(["app", "organization"]),
                advice: "Both are set. Remove one.".into(),
            }],
        }
        /// Its value would be ignored.
        error NoEffect { argument: String, why: Words } => {
            summary: format!("{argument} has no effect"),
            detail: why.as_ref(),
            samples: [{
                argument: "targets[\"web\"].connection".into(),
                why: "http takes no connection. Remove `connection`.".into(),
            }],
        }
        /// It breaks a rule of who takes it.
        error CannotBeUsed { argument: String, why: Words } => {
            summary: format!("{argument} cannot be used"),
            detail: why.as_ref(),
            samples: [{
                argument: "fly.api_url".into(),
                why: "It comes from the environment variable FLY_FLAPS_BASE_URL: plain http is allowed to loopback hosts only.".into(),
            }],
        }
        /// A vendor or protocol does not take it.
        error NotAccepted { argument: String, by: Words, why: Words } => {
            summary: format!("{by} does not accept {argument}"),
            detail: why.as_ref(),
            samples: [{
                argument: "targets[\"ci\"].github_actions_secret.name".into(),
                by: "GitHub".into(),
                why: "It is \"GITHUB_X\". Names must not begin with GITHUB_.".into(),
            }],
        }
        /// The same thing twice.
        error SetTwice { argument: String, advice: Words } => {
            summary: format!("{argument} is set twice"),
            detail: advice.as_ref(),
            samples: [{
                argument: "checks[\"up\"].http.headers[\"accept\"]".into(),
                advice: "Header names ignore case. Remove one.".into(),
            }],
        }
        /// A list or an object with nothing in it.
        error Empty { argument: String, advice: Words } => {
            summary: format!("{argument} is empty"),
            detail: advice.as_ref(),
            samples: [
                { argument: "targets".into(), advice: "Set at least one target.".into() },
                { argument: "targets[\"web\"].fly_secret".into(), advice: "Set its required arguments.".into() },
            ],
        }
        /// A duration of zero.
        error Zero { argument: String, why: Words } => {
            summary: format!("{argument} must be longer than zero"),
            detail: why.as_ref(),
            samples: [{ argument: "rotation.every".into(), why: "To rotate once, set `rotation_reason`.".into() }],
        }
        /// More elements than are permitted.
        error TooMany { argument: String, count: usize, most: usize, advice: Words } => {
            summary: format!("{argument} has {count} elements"),
            detail: format!("At most {most} are allowed. {advice}"),
            samples: [{ argument: "targets".into(), count: 1_001, most: 1_000, advice: "Split the secret into several.".into() }],
        }
        /// A credential in plain text, where Terraform would store it.
        error PlainCredential { argument: String, what: Words, advice: Words } => {
            summary: format!("{argument} contains a {what} in plain text"),
            detail: format!("Terraform would store it in state. {advice}"),
            samples: [{
                argument: "targets[\"web\"].template".into(),
                what: "password".into(),
                advice: "Write it as a part, such as {{ password | urlencode }}.".into(),
            }],
        }
        /// A part that the credential does not have; shown only where it is a word.
        error UnknownPart { argument: String, part: Option<String>, parts: String } => {
            summary: match part {
                Some(part) => format!("{argument} refers to the unknown part {part:?}"),
                None => format!("{argument} refers to an unknown part"),
            },
            detail: format!("The credential has these parts: {parts}."),
            samples: [
                { argument: "targets[\"web\"].part".into(), part: Some("pasword".into()), parts: "username, password".into() },
                { argument: "targets[\"web\"].template".into(), part: None, parts: "value".into() },
            ],
        }
        /// It belongs to a later version.
        error NotYet { argument: String } => {
            summary: format!("{argument} is not available yet"),
            detail: "This version of the provider does not implement it. Remove it.",
            samples: [{ argument: "guard".into() }],
        }
        /// Only the provider sets it.
        error ReadOnly { argument: String } => {
            summary: format!("{argument} is a read-only attribute"),
            detail: "The provider sets it. Remove it from the configuration.",
            samples: [{ argument: "generation".into() }],
        }
        /// More errors than are shown.
        error MoreErrors { count: usize, shown: usize } => {
            summary: format!("And {count} more {}", if *count == 1 { "error" } else { "errors" }),
            detail: format!("Only the first {shown} are shown. Fix these, then run the command again to see the rest."),
            samples: [{ count: 1, shown: 100 }, { count: 7, shown: 100 }],
        }
        /// More warnings than are shown.
        warning MoreWarnings { count: usize, shown: usize } => {
            summary: format!("And {count} more {}", if *count == 1 { "warning" } else { "warnings" }),
            detail: format!("Only the first {shown} are shown. Fix these, then run the command again to see the rest."),
            samples: [{ count: 99_900, shown: 100 }],
        }
    }
}
