//! Answers that say nothing in another way than their description has it.

use serde::{Deserialize, Deserializer};

/// `null` as the empty value: services in Go write it for a list or map that was never filled. For `deserialize_with`; a field that
/// may also be absent needs `default` beside it.
pub(crate) fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Answer {
        #[serde(deserialize_with = "null_is_empty")]
        needed: Vec<u8>,
        #[serde(default, deserialize_with = "null_is_empty")]
        text: String,
    }

    #[test]
    fn null_is_empty_and_a_field_that_is_needed_is_still_missed() {
        let read = |json: &str| serde_json::from_str::<Answer>(json).ok().map(|a| (a.needed, a.text));
        let nothing = Some((Vec::new(), String::new()));
        assert_eq!(read(r#"{"needed":null,"text":null}"#), nothing);
        assert_eq!(read(r#"{"needed":[]}"#), nothing);
        assert_eq!(read(r#"{"needed":[1],"text":"x"}"#), Some((vec![1], "x".to_owned())));
        assert_eq!(read(r#"{"text":"x"}"#), None);
        assert_eq!(read(r#"{"needed":"x"}"#), None);
    }
}
