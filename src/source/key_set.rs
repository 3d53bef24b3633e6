//! The public keys of a secret that are valid at the same time, as a JWK set (RFC 7517 section 5).

/// The part that holds the set.
pub const JWKS: &str = "jwks";

/// The public part of one generation that goes into it: a JWK (RFC 7517 section 4).
pub const PUBLIC_JWK: &str = "public_jwk";

#[derive(serde::Serialize, serde::Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

/// A key as it stands in a set: the same text however the members of `jwk` are ordered. `None` where it is no JSON object.
pub fn key(jwk: &str) -> Option<String> {
    let read: serde_json::Value = serde_json::from_str(jwk).ok()?;
    read.is_object().then(|| read.to_string())
}

/// The set of these keys.
pub fn set<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    let keys: Vec<&str> = keys.into_iter().collect();
    format!("{{\"keys\":[{}]}}", keys.join(","))
}

/// The keys of a set, in its order; none where it cannot be read.
pub fn keys(set: &str) -> Vec<String> {
    let read: Option<Set> = serde_json::from_str(set).ok();
    let keys = read.into_iter().flat_map(|set| set.keys);
    keys.map(|key| key.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_gives_back_the_keys_that_it_was_made_of() {
        let made: Vec<String> = [r#"{"kty":"OKP","kid":"b"}"#, r#"{"kid":"a"}"#]
            .iter()
            .filter_map(|jwk| key(jwk))
            .collect();
        let text = set(made.iter().map(String::as_str));
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (read["keys"][0]["kid"].as_str(), read["keys"][1]["kid"].as_str()),
            (Some("b"), Some("a"))
        );
        assert_eq!(keys(&text), made);
        assert_eq!(set([]), r#"{"keys":[]}"#);
    }

    #[test]
    fn what_is_no_key_is_none_and_what_is_no_set_has_none() {
        assert_eq!(key("[]"), None);
        assert_eq!(key("x"), None);
        assert!(keys("").is_empty() && keys("{}").is_empty() && keys(r#"{"keys":1}"#).is_empty());
    }
}
