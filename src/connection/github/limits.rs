//! How many writes GitHub takes, so that its secondary limits are never met.

use std::time::Duration;

use url::Url;

use crate::http::Allowance;

/// "In general, no more than 80 content-generating requests per minute and no more than 500 content-generating requests per hour are
/// allowed" (docs.github.com, "Rate limits for the REST API", about secondary rate limits). Which requests generate content is not said
/// there, so every write counts.
static PUBLISHED: [Allowance; 2] = [
    Allowance {
        writes: 80,
        within: Duration::from_secs(60),
    },
    Allowance {
        writes: 500,
        within: Duration::from_secs(3600),
    },
];

/// Those of the service at this base URL: GitHub's own, with data residency (`*.ghe.com`) too. An Enterprise Server has no limits unless its
/// administrators set some (docs.github.com, "Configuring rate limits").
pub(super) fn allowances(base_url: &str) -> &'static [Allowance] {
    let url = Url::parse(base_url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    match host == "api.github.com" || host.ends_with(".ghe.com") {
        true => &PUBLISHED,
        false => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_service_of_github_has_published_limits() {
        for limited in ["https://api.github.com", "https://api.octocorp.ghe.com"] {
            assert_eq!(allowances(limited), PUBLISHED, "{limited}");
        }
        for own in [
            "https://github.example.com/api/v3",
            "http://127.0.0.1:4280",
            "https://api.github.com.example.com",
        ] {
            assert!(allowances(own).is_empty(), "{own}");
        }
    }
}
