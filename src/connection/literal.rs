//! Which headers, variables and URLs carry a credential in plain text, where Terraform would store it.

use url::Url;

use crate::template::Template;

/// What the name of a header ends in, blanks between words and letter case aside, when its value is a credential.
const HEADERS: &[&str] = &[
    "authorization",
    "cookie",
    "token",
    "apikey",
    "accesskey",
    "authkey",
    "functionskey",
    "secretkey",
    "subscriptionkey",
    "secret",
    "password",
];

/// Arguments of a query whose value is a credential, written as [`plain`] writes them. Whole names: a `page_token` is none.
const QUERY: &[&str] = &[
    "accesskey",
    "accesstoken",
    "apikey",
    "apisecret",
    "apitoken",
    "authkey",
    "authtoken",
    "clientsecret",
    "jwt",
    "passwd",
    "password",
    "privatetoken",
    "pwd",
    "refreshtoken",
    "secret",
    "secretkey",
    "sessiontoken",
    "sig",
    "subscriptionkey",
    "token",
    "xamzsecuritytoken",
    "xamzsignature",
    "xapikey",
    "xgoogsignature",
];

/// Fewer letters and digits beside a part than this are taken for punctuation of some scheme.
const TELLING: usize = 3;

/// A name without letter case and without what stands between its words.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '-' | '_' | '.'));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a header of that name and value holds a credential in plain text: as a whole, or grown onto a part, as in
/// `Bearer abc{{ value }}`. A prefix that ends in punctuation, such as `sk_live_`, is none.
pub fn in_header(name: &str, value: &Template) -> bool {
    let name = plain(name);
    if !HEADERS.iter().any(|end| name.ends_with(end)) {
        return false;
    }
    value.is_literal() || value.longest_touching() >= TELLING
}

/// Whether a variable of an environment holds a credential in plain text, by its name.
pub fn in_variable(name: &str, value: &str) -> bool {
    let name = plain(name);
    !value.is_empty() && HEADERS.iter().any(|end| name.ends_with(end))
}

/// The argument of the URL's query that is a credential.
pub fn in_query(url: &Url) -> Option<String> {
    let mut arguments = url.query_pairs();
    let found = arguments.find(|(name, value)| !value.is_empty() && QUERY.contains(&plain(name).as_str()));
    found.map(|(name, _)| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_in_a_header_is_told_from_the_text_around_a_part() {
        for (name, value, found) in [
            ("Authorization", "Bearer abc", true),
            ("Authorization", "Bearer {{ value }}", false),
            ("Authorization", "Bearer abc{{ value }}", true),
            ("Authorization", "Bearer {{ value }}abc", true),
            ("authorization", "Basic {{ username }}hunter2{{ password }}", true),
            ("Authorization", "Basic {{ value | base64 }}", false),
            ("Authorization", "FlyV1 {{ value }}", false),
            ("Authorization", "Token token=\"{{ value }}\", user=ops", false),
            ("Authorization", "Bearer sk_live_{{ value }}", false),
            ("Authorization", "Bearer v1.{{ value }}", false),
            ("Cookie", "theme=dark; session={{ value }}; lang=en", false),
            ("Cookie", "session=hunter2{{ value }}", true),
            ("Set-Cookie", "a=b", true),
            ("X-ApiKey", "a", true),
            ("x_api_key", "a", true),
            ("api-key", "a", true),
            ("X-Auth-Token", "a", true),
            ("X-Hub-Secret", "a", true),
            ("X-Password", "a", true),
            ("Ocp-Apim-Subscription-Key", "a", true),
            ("X-Api-Key", "{{ value }}", false),
            ("X-Idempotency-Key", "a", false),
            ("Accept", "text/html", false),
            ("X-Note", "abc{{ value }}", false),
        ] {
            assert_eq!(
                in_header(name, &Template::parse(value).unwrap()),
                found,
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn a_credential_in_a_variable_is_found_by_its_name() {
        for (name, found) in [
            ("FLY_API_TOKEN", true),
            ("PGPASSWORD", true),
            ("DB_PASSWORD", true),
            ("STRIPE_API_KEY", true),
            ("AWS_SECRET_ACCESS_KEY", true),
            ("client_secret", true),
            ("TOKEN_FILE", false),
            ("PATH", false),
            ("STAGE", false),
        ] {
            assert_eq!(in_variable(name, "x"), found, "{name}");
            assert!(!in_variable(name, ""));
        }
    }

    #[test]
    fn a_credential_in_a_query_is_found_by_its_name() {
        for (query, found) in [
            ("access_token=abc", Some("access_token")),
            ("a=b&Api-Key=abc", Some("Api-Key")),
            ("token=abc", Some("token")),
            ("%74oken=abc", Some("token")),
            ("X-Amz-Signature=abc", Some("X-Amz-Signature")),
            ("token=", None),
            ("token", None),
            ("page_token=abc", None),
            ("token_type=bearer", None),
            ("key=status", None),
            ("q=token", None),
            ("", None),
        ] {
            let url = Url::parse(&format!("https://example.com/?{query}")).unwrap();
            assert_eq!(in_query(&url).as_deref(), found, "{query}");
        }
    }
}
