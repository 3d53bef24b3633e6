//! Whether a stored state is one that this version understands wholly.
//!
//! A record that is not understood must not be dropped: a credential would be orphaned, an entry forgotten. So read, plan,
//! apply and upgrade ask here first, and leave a state of a newer version untouched.

use jiff::Timestamp;

use super::declared::DYNAMIC;
use crate::diagnostics::StateProblem;
use crate::label::LARGEST_GENERATION;
use crate::rotation::{Cause, CredentialStatus, DeliveryStatus};
use crate::spec::IncidentRevoke;
use crate::terraform::{Attribute, AttributeType, Diagnostics, Nesting, Path, Value};

/// Reports everything in `stored` that this version does not understand; nothing for a null state.
pub(in crate::provider) fn check(stored: &Value) -> Diagnostics {
    let mut check = Check(Diagnostics::new());
    if stored.is_null() {
        return check.0;
    }
    let root = Path::root();
    check.generation(stored, &root);
    for name in ["rotated_at", "rotate_after", "revoke_after", "next_action_at"] {
        check.instant(stored, &root, name);
    }
    for (key, credential) in stored.get("credentials").as_map().into_iter().flatten() {
        let path = root.then_attribute("credentials").then_key(key);
        let known = |text: &str| CredentialStatus::parse(text).is_some();
        // Of what an interrupted run parked, it says only where.
        let is_only_parked = credential.get("status").is_null() && credential.get("escrow").as_str().is_some();
        if !is_only_parked {
            check.record(credential, &path, known, &["label"]);
        }
        if key
            .parse::<u64>()
            .is_ok_and(|generation| generation > LARGEST_GENERATION)
            || key.parse::<u64>().is_err()
        {
            check.refuse(&path);
        }
        for name in ["minted_at", "expires_at", "revoke_after"] {
            check.instant(credential, &path, name);
        }
    }
    for (key, delivery) in stored.get("deliveries").as_map().into_iter().flatten() {
        let path = root.then_attribute("deliveries").then_key(key);
        let known = |text: &str| DeliveryStatus::parse(text).is_some();
        check.record(delivery, &path, known, &["slot"]);
        // None of ours yet: then there is no generation.
        if !delivery.get("generation").is_null() {
            check.generation(delivery, &path);
        }
        check.instant(delivery, &path, "delivered_at");
    }
    let receipt = stored.get("last_rotation");
    let cause = receipt.get("cause");
    if !receipt.is_null() && cause.as_str().is_none_or(|text| Cause::parse(text).is_none()) {
        check.refuse(&root.then_attribute("last_rotation").then_attribute("cause"));
    }
    let revoke = receipt.get("incident_revoke");
    if !revoke.is_null() && revoke.as_str().is_none_or(|text| IncidentRevoke::parse(text).is_none()) {
        check.refuse(&root.then_attribute("last_rotation").then_attribute("incident_revoke"));
    }
    for name in ["started_at", "finished_at", "continues_at"] {
        check.instant(receipt, &root.then_attribute("last_rotation"), name);
    }
    for declared in &*DYNAMIC {
        check.known_keys(
            stored.get(declared.name),
            &declared.content,
            &root.then_attribute(declared.name),
        );
    }
    check.0
}

struct Check(Diagnostics);

impl Check {
    /// A record has a status that is known, and the texts without which it is of no use.
    fn record(&mut self, record: &Value, path: &Path, known: impl Fn(&str) -> bool, texts: &[&str]) {
        if !record.get("status").as_str().is_some_and(known) {
            self.refuse(&path.then_attribute("status"));
        }
        for name in texts {
            if record.get(name).as_str().is_none() {
                self.refuse(&path.then_attribute(name));
            }
        }
    }

    fn generation(&mut self, object: &Value, path: &Path) {
        let number = object.get("generation").as_u64();
        if number.is_none_or(|generation| generation > LARGEST_GENERATION) {
            self.refuse(&path.then_attribute("generation"));
        }
    }

    fn instant(&mut self, object: &Value, path: &Path, name: &str) {
        let legible = match object.get(name) {
            Value::Null => true,
            value => value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok()),
        };
        if !legible {
            self.refuse(&path.then_attribute(name));
        }
    }

    /// Everything in a dynamic attribute is declared: Terraform drops nothing there, but what a kind does not know is ignored.
    fn known_keys(&mut self, value: &Value, content: &AttributeType, path: &Path) {
        let AttributeType::Nested(nesting, attributes) = content else {
            return;
        };
        let items = value.plain().as_map().into_iter().flatten();
        if *nesting == Nesting::Map {
            items.for_each(|(key, item)| self.known_names(item, attributes, &path.then_key(key)));
        } else {
            self.known_names(value, attributes, path);
        }
    }

    fn known_names(&mut self, value: &Value, attributes: &[Attribute], path: &Path) {
        let items = value.plain().as_map().into_iter().flatten();
        for (name, item) in items.filter(|(_, item)| !item.is_null()) {
            let path = path.then_attribute(name);
            match attributes.iter().find(|attribute| attribute.name == name) {
                Some(attribute) => self.known_keys(item, &attribute.kind, &path),
                None => self.refuse(&path),
            }
        }
    }

    fn refuse(&mut self, path: &Path) {
        let argument = path.to_string();
        self.0.report(path.clone(), StateProblem::NotUnderstood { argument });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(status: &str) -> Value {
        Value::object([
            ("status", Value::string(status)),
            ("issuer", Value::string("fly_token:default:app/a")),
            ("label", Value::string("A-rot-0123456789ab-g1")),
        ])
    }

    fn places(state: &Value) -> Vec<String> {
        check(state).iter().map(|problem| problem.path.to_string()).collect()
    }

    #[test]
    fn what_this_version_does_not_understand_is_named() {
        let delivery = Value::object([("status", Value::string("frozen")), ("slot", Value::Null)]);
        let state = Value::object([
            ("generation", Value::number(1)),
            ("rotated_at", Value::string("yesterday")),
            (
                "credentials",
                Value::object([("1", credential("current")), ("newest", credential("suspended"))]),
            ),
            ("deliveries", Value::object([("web", delivery)])),
            (
                "source",
                Value::object([("vault_token", Value::object([("role", Value::string("r"))]))]),
            ),
            (
                "targets",
                Value::object([
                    (
                        "web",
                        Value::object([("fly_secret", Value::object([("region", Value::string("ams"))]))]),
                    ),
                    (
                        "old",
                        Value::object([("vault_secret", Value::Null), ("wave", Value::string("first"))]),
                    ),
                ]),
            ),
        ]);
        let expected = [
            "rotated_at",
            "credentials[\"newest\"].status",
            "credentials[\"newest\"]",
            "deliveries[\"web\"].status",
            "deliveries[\"web\"].slot",
            "source.vault_token",
            "targets[\"web\"].fly_secret.region",
        ];
        assert_eq!(places(&state), expected);
    }

    #[test]
    fn what_is_understood_is_not_complained_about() {
        assert_eq!(places(&Value::Null), [""; 0]);
        let parked = Value::object([("escrow", Value::string("ssm_parameter:default:/rotation/escrow/a"))]);
        let state = Value::object([
            ("generation", Value::number(LARGEST_GENERATION)),
            ("revoke_after", Value::string("2026-11-02T00:00:00Z")),
            (
                "credentials",
                Value::object([("1", credential("current")), ("2", parked)]),
            ),
        ]);
        assert_eq!(places(&state), [""; 0]);
    }
}
