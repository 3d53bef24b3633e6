//! Which headers, variables, URLs and commands carry a credential in plain text, where Terraform would store it.

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

/// What the option of a command ends in, written as [`plain`] writes names, whose value is a credential. A `--secret` is as often a name.
const OPTIONS: &[&str] = &[
    "accesskey",
    "apikey",
    "apisecret",
    "authkey",
    "clientsecret",
    "passphrase",
    "passwd",
    "password",
    "secretkey",
    "token",
];

/// What credentials of well-known issuers begin with, as their secret scanners know them.
const ISSUED: &[&str] = &[
    "FlyV1 ",
    "-----BEGIN",
    "ghp_",
    "gho_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "hvs.",
    "napi_",
    "npg_",
    "rk_live_",
    "sk_live_",
    "xoxb-",
    "xoxp-",
];

/// Fewer characters than this are no credential of an issuer.
const ISSUED_LENGTH: usize = 8;

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

/// Whether a text of a command holds a credential in plain text: by an issuer's prefix, a header, a variable or an option.
pub fn in_command(text: &str) -> bool {
    let issued = ISSUED.iter().any(|prefix| {
        text.match_indices(prefix).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let rest = text.get(at + prefix.len()..).unwrap_or_default();
            let long = rest.chars().take_while(|c| !c.is_whitespace()).count() >= ISSUED_LENGTH;
            long && before.is_none_or(|before| !before.is_ascii_alphanumeric()) && is_value(rest)
        })
    });
    let separates = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '|' | '&');
    let words: Vec<&str> = text.split(separates).filter(|word| !word.is_empty()).collect();
    let assigned = words.iter().any(|word| {
        let Some((name, value)) = word.split_once('=') else {
            return false;
        };
        let is_credential = match name.strip_prefix('-') {
            Some(_) => is_option(name),
            None => name.len() > "secret".len() && is_name(name) && in_variable(name, value),
        };
        is_credential && is_value(value)
    });
    let beside = words.windows(2).any(|pair| match pair {
        ["Bearer" | "Basic", value] => is_value(value),
        [name, value] => {
            let header = name.strip_suffix(':');
            let is_header = header.is_some_and(|name| plain(name) != "authorization" && in_variable(name, value));
            (is_header && is_value(value)) || is_told_by(name, value)
        }
        _ => false,
    });
    issued || assigned || beside
}

/// Whether a word is the value of the option before it, and that a credential: `--password`, `hunter2`.
pub fn is_told_by(option: &str, word: &str) -> bool {
    is_option(option) && !word.starts_with('-') && is_value(word)
}

fn is_option(word: &str) -> bool {
    let name = plain(word);
    word.starts_with('-') && !word.contains('=') && OPTIONS.iter().any(|end| name.ends_with(end))
}

fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether that is a value itself, and not a path, a variable or a part by which somebody finds it.
fn is_value(text: &str) -> bool {
    let elsewhere = ["$", "`", "{{", "/", "./", "../", "~/", "@", "<", "file:", "env:"];
    !text.is_empty() && !elsewhere.iter().any(|begin| text.starts_with(begin))
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
    fn a_credential_in_a_command_is_found_by_what_stands_around_it() {
        for (text, found) in [
            ("ghp_9f8a7B6c5D4e3F2g1H0iJkLmNoPqRsTuVwXy", true),
            ("deploy # sk_live_51H8x9Abcd", true),
            ("--password=hunter2hunter2", true),
            ("login --password hunter2hunter2", true),
            ("-token=abc", true),
            ("Authorization: Bearer abcdef", true),
            ("curl -H 'X-Api-Key: abcdef' https://example.com", true),
            ("curl -H \"Authorization: Basic dTpw\" https://example.com", true),
            ("PGPASSWORD=hunter2hunter2 psql", true),
            ("sh -c 'VAULT_TOKEN=hvs.CAESIabcdefgh vault'", true),
            ("PGPASSWORD=\"$(cat /run/secret)\" psql", false),
            ("PGPASSWORD=$PW psql", false),
            ("login --password-stdin", false),
            ("login --password \"$PW\"", false),
            ("login --token-file /run/token", false),
            ("login --token=/run/token", false),
            ("login --token @/run/token", false),
            ("gcloud secrets versions add NAME --secret=API_TOKEN", false),
            ("curl -H \"Authorization: Bearer $TOKEN\" https://example.com", false),
            ("--token={{ value }}", false),
            ("set-token API_TOKEN", false),
            ("put ghp_", false),
            ("grep -q token= file", false),
            ("restart example", false),
        ] {
            assert_eq!(in_command(text), found, "{text}");
        }
        assert!(is_told_by("--password", "hunter2"));
        assert!(!is_told_by("--password", "--verbose"));
        assert!(!is_told_by("--user", "hunter2"));
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
