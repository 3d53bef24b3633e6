//! A secret that is rotated and destroyed only when a person confirms it.

/// What a rotation breaks, and what a person has confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// What happens to those who use the secret.
    pub consequence: String,
    /// What was confirmed.
    pub confirm: Option<String>,
}

impl Guard {
    /// What is to be confirmed before that generation is made.
    pub fn line(&self, generation: u64) -> String {
        format!("{generation}: {}", self.consequence)
    }

    /// What is to be confirmed before the secret is destroyed.
    pub fn destroy_line(&self) -> String {
        format!("destroy: {}", self.consequence)
    }

    /// Whether that generation may be made.
    pub fn permits(&self, generation: u64) -> bool {
        self.confirm.as_ref() == Some(&self.line(generation))
    }

    /// Whether the secret may be destroyed.
    pub fn permits_destroy(&self) -> bool {
        self.confirm.as_ref() == Some(&self.destroy_line())
    }

    /// Whether a confirmation is of the form that is ever accepted: a generation or `destroy`, and the consequence word for word.
    pub fn is_well_formed(&self) -> bool {
        let Some(confirm) = &self.confirm else { return true };
        let what = confirm.strip_suffix(&format!(": {}", self.consequence));
        what.is_some_and(|what| {
            what == "destroy"
                || what
                    .parse::<u64>()
                    .is_ok_and(|generation| what == generation.to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_names_one_generation_and_repeats_the_consequence() {
        let guard = |confirm: &str| Guard {
            consequence: "every tenant is unreachable".to_owned(),
            confirm: Some(confirm.to_owned()),
        };
        let confirmed = guard("4: every tenant is unreachable");
        assert!(confirmed.permits(4) && confirmed.is_well_formed());
        assert!(!confirmed.permits(3) && !confirmed.permits(5) && !confirmed.permits_destroy());
        let destroy = guard("destroy: every tenant is unreachable");
        assert!(destroy.permits_destroy() && destroy.is_well_formed() && !destroy.permits(1));
        for wrong in [
            "4: every tenant",
            "04: every tenant is unreachable",
            "yes",
            "",
            "+4: every tenant is unreachable",
        ] {
            assert!(!guard(wrong).is_well_formed() && !guard(wrong).permits(4), "{wrong}");
        }
    }
}
