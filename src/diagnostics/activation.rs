//! What concerns a `rotation_activation`.

/// What the state says after a run that has not succeeded.
fn next(is_create: bool) -> &'static str {
    if is_create {
        "It was not saved in the state, so the next apply runs it again. Until it succeeds, consumers may still use old values."
    } else {
        "The state still says what it last succeeded for, so the next apply runs it again. Until it succeeds, consumers may still use old \
         values."
    }
}

catalogue! {
    /// An error of a `rotation_activation`.
    Activation {
        /// A key of activations of a secret.
        error Wave { argument: String } => {
            summary: format!("{argument} is not an argument"),
            detail: "A wave belongs to the targets of one secret. A rotation_activation runs after every resource that it refers to: name \
                     them in `triggers` or `depends_on`, and remove `wave`.",
            samples: [{ argument: "run.wave".into() }],
        }
        /// A run that needs a value.
        error PresentsCredential { argument: String } => {
            summary: format!("{argument} cannot present a credential"),
            detail: "A rotation_activation belongs to no single secret, so it has no value to present. Remove the template, or use \
                     `activations` of the rotation_secret.",
            samples: [{ argument: "run.http".into() }],
        }
        /// It failed, or nobody knows how it ended.
        error Failed { why: String, is_create: bool } => {
            summary: "The activation failed",
            detail: format!("{why}\n\n{}", next(*is_create)),
            samples: [
                {
                    why: "Workflow \"deploy.yml\" of molecule-ai/x ended with the conclusion \"failure\", expected \"success\": run 7.".into(),
                    is_create: true,
                },
                {
                    why: "/usr/local/bin/deploy ended with exit code 1.".into(),
                    is_create: false,
                },
            ],
        }
        /// An interrupt.
        error Interrupted { why: String, is_create: bool } => {
            summary: "Interrupted",
            detail: format!("{why}\n\n{}", next(*is_create)),
            samples: [{
                why: "Workflow \"deploy.yml\" of molecule-ai/x was started and not waited for because of the interrupt: run 7.".into(),
                is_create: false,
            }],
        }
    }
}
