//! Where a vendor's API is: the argument of the block, else the environment variable, else the vendor's own address.

use super::Surroundings;
use crate::diagnostics::Argument;
use crate::environment::Form;
use crate::terraform::{Diagnostics, Field, Node, Path};

/// What stands in for an API's base URL that the block leaves out, and what the client adds to it.
pub(crate) struct Endpoint {
    /// The environment variable that is asked first.
    pub(super) variable: &'static str,
    /// The vendor's own address.
    pub(super) default: &'static str,
    /// The path that the client appends itself, such as `/v1`: a base URL that ends in it has it twice. Empty for none.
    pub(super) appended: &'static str,
}

impl Endpoint {
    /// An API whose base URL is taken whole: the client appends the vendor's paths and nothing before them.
    pub(super) const fn whole(variable: &'static str, default: &'static str) -> Self {
        Self {
            variable,
            default,
            appended: "",
        }
    }

    /// What this base URL adds to an address: nothing for the vendor's own host, else the host and a port that is not the scheme's.
    pub(super) fn place(&self, url: &str) -> String {
        let authority = |url: &str| {
            let url = url::Url::parse(url).ok()?;
            let host = url.host_str()?.to_owned();
            Some(url.port().map_or(host.clone(), |port| format!("{host}:{port}")))
        };
        authority(url)
            .filter(|place| Some(place) != authority(self.default).as_ref())
            .unwrap_or_default()
    }

    /// The base URL, without slashes at its end. `None` when it is unknown or must not be used; what is wrong is reported
    /// together with the place that it was taken from: to `written`, or to `found` where the environment says it.
    pub(super) fn read(
        &self,
        node: &Node<'_>,
        surroundings: &Surroundings,
        written: &mut Diagnostics,
        found: &mut Diagnostics,
    ) -> Option<String> {
        let Self {
            variable,
            default,
            appended,
        } = *self;
        let path = node.path();
        let (text, origin, problems, place) = match node.string(written) {
            Field::Unknown => return None,
            Field::Known(text) => (text, path.to_string(), written, path.clone()),
            Field::Absent => match surroundings.variable(&[variable], Form::Word, found) {
                Field::Unknown => return None,
                Field::Known(said) => {
                    let origin = format!("the environment variable {variable}");
                    (said.text.to_owned(), origin, found, Path::root())
                }
                Field::Absent => (default.to_owned(), "the default".to_owned(), written, path.clone()),
            },
        };
        let text = text.trim_end_matches('/');
        let refusal = match crate::http::permitted(text, surroundings.allow_insecure) {
            Err(why) => Some(why),
            Ok(_) if !appended.is_empty() && text.ends_with(appended) => {
                Some(format!("remove {appended} from its end"))
            }
            Ok(_) => None,
        };
        if let Some(why) = refusal {
            let mistake = Argument::CannotBeUsed {
                argument: path.to_string(),
                why: format!("It comes from {origin}: {why}.").into(),
            };
            problems.report(place, mistake);
            return None;
        }
        Some(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::environment::Environment;
    use crate::terraform::{Origin, Value};

    const API: Endpoint = Endpoint {
        variable: "ACME_URL",
        default: "https://api.acme.example",
        appended: "/v1",
    };

    fn read(block: &Value, environment: &[(&str, &str)]) -> (Option<String>, Vec<String>) {
        let surroundings = Surroundings::new(Environment::of(environment), Clock::default());
        let mut problems = Diagnostics::new();
        let mut found = Diagnostics::new();
        let node = Node::root(block, Origin::Configuration).attr("url");
        let url = API.read(&node, &surroundings, &mut problems, &mut found);
        assert!(
            block.is_null() || found.is_empty(),
            "what is written goes before the environment"
        );
        problems.extend(found);
        let problems = problems.iter().map(|problem| problem.detail.clone()).collect();
        (url, problems)
    }

    #[test]
    fn the_block_goes_before_the_environment_and_that_before_the_vendors_own() {
        let block = Value::object([("url", Value::string("https://block.example//"))]);
        let environment = [("ACME_URL", "https://environment.example/")];
        for (url, expected) in [
            (read(&block, &environment), "https://block.example"),
            (read(&Value::Null, &environment), "https://environment.example"),
            (read(&Value::Null, &[]), "https://api.acme.example"),
        ] {
            assert_eq!(url, (Some(expected.to_owned()), Vec::new()));
        }
        assert_eq!(read(&Value::unknown(), &environment), (None, Vec::new()));
    }

    #[test]
    fn only_a_host_that_is_not_the_vendors_own_is_part_of_an_address() {
        for (url, place) in [
            ("https://api.acme.example", ""),
            ("https://api.acme.example/prefix", ""),
            ("https://acme.corp.example/api", "acme.corp.example"),
            ("http://127.0.0.1:4280", "127.0.0.1:4280"),
            ("https://api.acme.example:8443", "api.acme.example:8443"),
        ] {
            assert_eq!(API.place(url), place, "{url}");
        }
    }

    #[test]
    fn a_url_that_must_not_be_used_is_reported_with_its_origin() {
        let (url, problems) = read(&Value::Null, &[("ACME_URL", "http://acme.example")]);
        assert!(url.is_none());
        assert!(
            problems[0].starts_with("It comes from the environment variable ACME_URL: "),
            "{problems:?}"
        );
        let block = Value::object([("url", Value::string("https://acme.example/v1/"))]);
        let (url, problems) = read(&block, &[]);
        assert!(url.is_none());
        assert_eq!(problems, ["It comes from url: remove /v1 from its end."]);
    }
}
