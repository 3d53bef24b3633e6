//! What a parameter may be called, and what its value may be. Pure.
//!
//! Rules: Systems Manager API reference, PutParameter (`Name`, `Value`, `Tier`); user guide, "About requirements and
//! constraints for parameter names".

use crate::secret::Secret;

/// Longest name that a user may choose. AWS counts the ARN's leading part in, about 50 characters of region and account,
/// which only AWS can check.
const NAME_LIMIT: usize = 1011;
const LEVEL_LIMIT: usize = 15;

const STANDARD_LIMIT: usize = 4096;
const ADVANCED_LIMIT: usize = 8192;

/// Checks a name.
///
/// # Errors
/// One sentence that says which rule it breaks.
pub(super) fn check(name: &str) -> Result<(), String> {
    let path = name.strip_prefix('/');
    let rest = path.unwrap_or(name);
    if name.len() > NAME_LIMIT {
        return Err(format!("a parameter's name has at most {NAME_LIMIT} characters"));
    }
    let permitted = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
    if !rest.chars().all(permitted) {
        return Err("a parameter's name consists of letters, digits, and _ . - /".to_owned());
    }
    if rest.split('/').any(str::is_empty) {
        return Err("a level of the parameter's path is empty".to_owned());
    }
    if path.is_none() && rest.contains('/') {
        return Err("the name of a parameter in a hierarchy begins with a slash".to_owned());
    }
    if rest.split('/').count() > LEVEL_LIMIT {
        return Err(format!("a parameter's path has at most {LEVEL_LIMIT} levels"));
    }
    let lower = rest.to_ascii_lowercase();
    if lower.starts_with("aws") || lower.starts_with("ssm") {
        return Err("names that begin with \"aws\" or \"ssm\" are reserved by AWS".to_owned());
    }
    Ok(())
}

/// Checks a value against the limits of the tier. `None` is the account's default tier, which may be any; only AWS can tell.
///
/// # Errors
/// A whole sentence that says which limit it breaks; never the value.
pub(super) fn accepts(value: &Secret, tier: Option<&str>) -> Result<(), String> {
    let (limit, way_out) = match tier {
        Some("Standard") => (STANDARD_LIMIT, "; tier = \"Advanced\" allows 8192"),
        _ => (ADVANCED_LIMIT, ""),
    };
    if value.is_empty() {
        return Err("A parameter's value cannot be empty.".to_owned());
    }
    if value.len() > limit {
        return Err(format!(
            "A parameter's value has at most {limit} bytes, this one has {}{way_out}.",
            value.len()
        ));
    }
    if value.contains("{{") {
        return Err("A parameter's value cannot contain \"{{\", which AWS reads as a reference.".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass() {
        let deep = format!("/{}", vec!["a"; 15].join("/"));
        for name in [
            "/molecule/production/FLY_API_TOKEN",
            "API_KEY",
            "/a.b-c_d",
            deep.as_str(),
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_aws_would_refuse_is_refused_before_anything_is_minted() {
        let deep = format!("/{}", vec!["a"; 16].join("/"));
        let long = "a".repeat(1012);
        for name in [
            "",
            "/",
            "/a//b",
            "/a/",
            "a/b",
            "/with space",
            "/ä",
            "/a:3",
            "/aws/x",
            "AWSx",
            "/Ssm/x",
            deep.as_str(),
            long.as_str(),
        ] {
            assert!(check(name).is_err(), "{name}");
        }
    }

    #[test]
    fn values_are_measured_in_bytes_by_tier() {
        let value = |text: String| Secret::new(text);
        assert_eq!(accepts(&value("x".repeat(4096)), Some("Standard")), Ok(()));
        // The account's default tier may be Advanced.
        assert_eq!(accepts(&value("x".repeat(8192)), None), Ok(()));
        assert_eq!(accepts(&value("x".repeat(8192)), Some("Advanced")), Ok(()));
        for (text, tier) in [
            ("x".repeat(8193), None),
            ("x".repeat(4097), Some("Standard")),
            ("é".repeat(2049), Some("Standard")),
            ("x".repeat(8193), Some("Advanced")),
            (String::new(), None),
            ("canary {{ssm:/other}}".to_owned(), None),
        ] {
            let refusal = accepts(&value(text), tier).expect_err("too much");
            assert!(!refusal.contains("canary") && refusal.ends_with('.'), "{refusal}");
        }
    }
}
