//! What goes wrong between Terraform and the provider.

use super::{Words, list};

catalogue! {
    /// A call of Terraform that cannot be answered.
    Protocol {
        /// A panic or a deadlock.
        error Crashed { rpc: Words, problem: String } => {
            summary: format!("The provider crashed in {rpc}"),
            detail: format!(
                "{problem}. This is a bug in the provider; please report it. Terraform keeps the previous state, but the call may have \
                 had effects already: the next plan reads what exists and resumes from there."
            ),
            samples: [{ rpc: "ApplyResourceChange".into(), problem: "The call was cut short".into() }],
        }
        /// A type, data source or function that does not exist.
        error Unknown { noun: Words, name: String, known: Vec<Words> } => {
            summary: format!("This provider has no {noun} {name:?}"),
            detail: if known.is_empty() {
                "It has none. Check the name, and the version of the provider.".to_owned()
            } else {
                format!("It has: {}. Check the name, and the version of the provider.", list(known))
            },
            samples: [
                { noun: "resource type".into(), name: "rotation_vault".into(), known: super::names(["rotation_secret"]) },
                { noun: "data source".into(), name: "rotation_check".into(), known: Vec::new() },
            ],
        }
        /// A state of a time before Terraform 0.12.
        error Flatmap => {
            summary: "The state is in a format from before Terraform 0.12",
            detail: "No version of this provider wrote it. Remove the object from the state with `terraform state rm`.",
            samples: [{}],
        }
        /// A state that the resource returned with unknown values.
        error UnknownInState => {
            summary: "A state with unknown values cannot be stored",
            detail: "This is a bug in the provider, or in the program that sent this state; please report it. The previous state is kept. If \
                     this was an apply, it may have had effects already: the next plan reads what exists and resumes from there.",
            samples: [{}],
        }
        /// A value that the resource returned and that does not fit.
        error OutsideSchema { problem: String } => {
            summary: "The provider made a value that its own schema forbids",
            detail: format!("{problem}. This is a bug in the provider; please report it. The previous state is kept."),
            samples: [{ problem: "steps: the value does not have the type that the schema declares".into() }],
        }
        /// A write-only argument for a client that would store it.
        error WriteOnlyUnsupported { argument: String } => {
            summary: format!("{argument} is write-only, which this client does not support"),
            detail: "It would store the value in its state. Use Terraform 1.11, OpenTofu 1.12, or a later version.",
            samples: [{ argument: "value_wo".into() }],
        }
        /// A value on the wire that cannot be read.
        error Unreadable { what: Words, problem: String, advice: Words } => {
            summary: format!("Cannot read {what}"),
            detail: format!("{problem}. Nothing was changed. {advice}"),
            samples: [{
                what: "the stored state".into(),
                problem: "generation: the JSON does not fit the schema".into(),
                advice: "Use the version of the provider that wrote it, or a newer one.".into(),
            }],
        }
        /// An import of a type that has none.
        error CannotImport => {
            summary: "This resource cannot be imported",
            detail: "Nothing was changed. Write the resource and apply it.",
            samples: [{}],
        }
        /// A `moved` block from another type.
        error CannotMove { source: String, known: Vec<Words> } => {
            summary: format!("The state of {source:?} cannot be taken over"),
            detail: {
                let known = if known.is_empty() { "none".to_owned() } else { list(known) };
                format!("Types whose state this resource can take over: {known}. Nothing was changed. Remove the `moved` block.")
            },
            samples: [
                { source: "aws_ssm_parameter".into(), known: super::names(["random_password (hashicorp/random)"]) },
                { source: "random_password".into(), known: Vec::new() },
            ],
        }
    }
}
