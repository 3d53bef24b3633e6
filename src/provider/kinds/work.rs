//! Whether two runs do the same, so that one can stand for both.

use crate::terraform::Value;

/// The same text for two runs that do the same: kind, connection and arguments.
pub(in crate::provider) fn work(kind: &str, connection: &str, arguments: &Value) -> String {
    format!("{kind} {connection:?} {}", written_out(arguments))
}

/// A value with its texts, which its debug format leaves out. Arguments of runs hold no secret: the state stores them.
fn written_out(value: &Value) -> String {
    match value.plain() {
        Value::String(text) => format!("{:?}", text.as_str()),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(written_out).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(items) => {
            let items = items
                .iter()
                .map(|(name, item)| format!("{name:?}: {}", written_out(item)));
            format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workflow(file: &str, inputs: &[&str]) -> Value {
        let inputs = inputs.iter().map(|input| Value::string(*input)).collect();
        Value::object([
            ("repository", Value::string("example-org/service")),
            ("workflow", Value::string(file)),
            ("inputs", Value::List(inputs)),
        ])
    }

    #[test]
    fn only_what_is_equal_in_every_text_is_the_same_work() {
        let one = work("github_workflow", "default", &workflow("deploy.yml", &["a", "b"]));
        assert_eq!(
            one,
            work("github_workflow", "default", &workflow("deploy.yml", &["a", "b"]))
        );
        for other in [
            work("github_workflow", "default", &workflow("publish.yml", &["a", "b"])),
            work("github_workflow", "staging", &workflow("deploy.yml", &["a", "b"])),
            work("exec", "default", &workflow("deploy.yml", &["a", "b"])),
            work("github_workflow", "default", &workflow("deploy.yml", &["a\", \"b"])),
        ] {
            assert_ne!(one, other);
        }
    }
}
