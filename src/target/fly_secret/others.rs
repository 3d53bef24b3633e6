//! Values of others in a machine's configuration: its environment and files. An update sends them back whole.

use serde_json::Value;

use crate::connection::fly::Machine;
use crate::secret::Secret;

/// Shorter texts are settings, and would be cut out of ordinary words.
const LENGTH: usize = 8;

/// The values, which the redaction knows as long as they are held.
pub(super) fn values(machine: &Machine) -> Vec<Secret> {
    let Some(config) = &machine.config else {
        return Vec::new();
    };
    let listed = |name: &str| config.get(name).and_then(Value::as_array).into_iter().flatten();
    let environment = |of: &'_ Value| -> Vec<String> {
        let variables = of.get("env").and_then(Value::as_object).into_iter().flatten();
        variables
            .filter_map(|(_, value)| value.as_str().map(str::to_owned))
            .collect()
    };
    let files = listed("files").filter_map(|file| file.get("raw_value")?.as_str().map(str::to_owned));
    environment(config)
        .into_iter()
        .chain(listed("processes").flat_map(environment))
        .chain(files)
        .filter(|value| value.len() >= LENGTH)
        .map(Secret::new)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::redact;

    #[test]
    fn environment_and_files_are_known_while_they_are_held() {
        let machine: Machine = serde_json::from_value(serde_json::json!({ "id": "a", "config": {
            "env": { "PASSWORD": "letmeinplease", "PORT": "8080" },
            "processes": [{ "env": { "KEY": "opensesamenow" } }, {}],
            "files": [{ "guest_path": "/x", "raw_value": "aGVsbG8gd29ybGQ=" }, { "guest_path": "/y" }],
        }}))
        .unwrap();
        let text = "on 8080: letmeinplease, opensesamenow, aGVsbG8gd29ybGQ=";
        let known = values(&machine);
        assert_eq!(redact(text), "on 8080: [redacted], [redacted], [redacted]");
        drop(known);
        assert_eq!(redact(text), text);
    }
}
