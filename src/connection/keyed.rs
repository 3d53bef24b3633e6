//! A vendor whose API takes one key in the header `Authorization`, at one address: what most connections are.

use super::rest::Rest;
use super::{Account, Endpoint, Opening, Vendor};
use crate::environment::Form;
use crate::http::remote_host;
use crate::secret::Secret;
use crate::terraform::{Attribute, Diagnostic, Type};

/// What differs between such vendors.
pub(super) struct Keyed {
    /// The argument that holds the key: `api_key`.
    pub(super) argument: &'static str,
    /// The environment variable of the vendor's own tools.
    pub(super) variable: &'static str,
    /// What it is called, without an article: `API key`.
    pub(super) credential: &'static str,
    /// Where the API is; the argument is `base_url`.
    pub(super) api: Endpoint,
    /// Another kind of key, which goes into a header of its own.
    pub(super) other: Option<OtherKey>,
    /// What calls name beside the key, where one key reaches several.
    pub(super) tenant: Option<Tenant>,
}

/// A key of a smaller reach, which the vendor's own tools prefer where both variables are set.
pub(super) struct OtherKey {
    /// The argument that holds it.
    pub(super) argument: &'static str,
    /// The environment variable of the vendor's own tools.
    pub(super) variable: &'static str,
    /// What it is called, without an article.
    pub(super) credential: &'static str,
    /// The header that carries it, as it is.
    pub(super) header: &'static str,
}

/// The part of an account that calls are about, such as a team.
pub(super) struct Tenant {
    /// The argument that holds its id.
    pub(super) argument: &'static str,
    /// The environment variable.
    pub(super) variable: &'static str,
    /// The documentation of the argument, without its default.
    pub(super) description: &'static str,
}

/// A client over such an API; its clones share what was listed.
pub trait KeyedClient: Clone + Send + Sync + 'static {
    /// Its vendor.
    const VENDOR: &'static Vendor;

    /// Of an account with that API.
    fn over(api: Rest) -> Self;
}

/// An account at such a vendor; it may lack a key.
pub struct KeyedAccount<C> {
    place: String,
    remote_host: Option<String>,
    client: Result<C, Diagnostic>,
}

impl<C: KeyedClient> Account for KeyedAccount<C> {
    fn vendor() -> &'static Vendor {
        C::VENDOR
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    fn remote_host(&self) -> Option<String> {
        self.remote_host.clone()
    }
}

impl<C: KeyedClient> KeyedAccount<C> {
    /// The client.
    ///
    /// # Errors
    /// A diagnostic that names argument and environment variable when there is no key.
    pub fn client(&self) -> Result<C, Diagnostic> {
        self.client.clone()
    }
}

impl Keyed {
    /// The arguments of the block.
    pub(super) fn attributes(&self) -> Vec<Attribute> {
        let (credential, variable, api) = (self.credential, self.variable, &self.api);
        let tenant = self.tenant.iter().map(|tenant| {
            let description = format!("{} Default: `{}`.", tenant.description, tenant.variable);
            Attribute::optional(tenant.argument, Type::String, description)
        });
        let other = self.other.iter().map(|other| {
            let description = format!(
                "A {} to authenticate with instead of `{}`. Default: `{}`, which takes precedence over `{variable}`.",
                other.credential, self.argument, other.variable
            );
            Attribute::optional(other.argument, Type::String, description).sensitive()
        });
        let mut attributes = vec![
            Attribute::optional(
                self.argument,
                Type::String,
                format!("The {credential} that this run authenticates with. Default: `{variable}`."),
            )
            .sensitive(),
            Attribute::optional(
                "base_url",
                Type::String,
                format!(
                    "The whole URL of the API. Default: `{}`, else `{}`.",
                    api.variable, api.default
                ),
            ),
        ];
        attributes.extend(other);
        attributes.extend(tenant);
        attributes
    }

    /// Reads the block.
    pub(super) fn open<C: KeyedClient>(&self, opening: &mut Opening<'_>) -> Option<Box<dyn Account>> {
        let variables = [self.variable];
        let (other_key, written) = match &self.other {
            Some(other) => (
                opening
                    .credential(other.argument, &[other.variable], Form::Word)
                    .optional()?,
                opening.is_written(self.argument),
            ),
            None => (None, false),
        };
        // What is written counts before what is found.
        let other_key = other_key.filter(|key| !written || key.is_written);
        let key = opening.credential(self.argument, &variables, Form::Word);
        let base_url = opening.url("base_url", &self.api);
        let tenant = match &self.tenant {
            Some(tenant) => opening.word(tenant.argument, tenant.variable).optional()?,
            None => None,
        };
        let (key, base_url) = (key.optional()?, base_url?);
        let (header, credential) = match (&self.other, &other_key) {
            (Some(other), Some(_)) => (other.header, other.credential),
            _ => ("authorization", self.credential),
        };
        let scheme = if other_key.is_some() { "" } else { "Bearer " };
        let key = other_key.or(key);
        let place = self.api.place(&base_url);
        let remote_host = remote_host(&base_url);
        let client = match key {
            None => Err(opening.missing(C::VENDOR, self.credential, &opening.way(self.argument, &variables))),
            Some(key) => Ok(C::over(Rest {
                http: opening.http.clone(),
                clock: opening.surroundings.clock,
                vendor: C::VENDOR,
                #[expect(clippy::disallowed_methods, reason = "what comes out is a Secret again")]
                authorization: Secret::of_pieces(&[scheme, key.secret.expose().trim()]),
                header,
                credential,
                origin: key.origin,
                base_url,
                tenant,
            })),
        };
        Some(Box::new(KeyedAccount {
            place,
            remote_host,
            client,
        }))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::connection::{Unready, neon, opened};
    use crate::terraform::Value;

    /// Every vendor of this form.
    pub(in crate::connection) static ALL: &[(&Vendor, &Keyed)] = &[
        // A line for each.
        (&neon::VENDOR, &neon::KEYED),
        (&crate::connection::railway::VENDOR, &crate::connection::railway::KEYED),
        (&crate::connection::render::VENDOR, &crate::connection::render::KEYED),
        (&crate::connection::resend::VENDOR, &crate::connection::resend::KEYED),
        (&crate::connection::vercel::VENDOR, &crate::connection::vercel::KEYED),
    ];

    #[test]
    fn a_missing_key_is_wrong_only_for_who_needs_it() {
        fn refusal<C: KeyedClient>() -> String {
            let (connections, problems) = opened(&Value::Null, &[]);
            assert!(problems.is_empty());
            let account = connections.own().account::<KeyedAccount<C>>().unwrap();
            account.client().err().unwrap().detail.clone()
        }
        let said = refusal::<neon::NeonClient>();
        assert!(
            said.contains("Set neon.api_key in the provider block, or NEON_API_KEY in"),
            "{said}"
        );
        for (vendor, keyed) in ALL {
            let block = Value::object([(keyed.argument, Value::unknown())]);
            let (connections, problems) = opened(&Value::object([(vendor.block, block)]), &[]);
            assert!(problems.is_empty());
            assert_eq!(connections.find(vendor, "default").err(), Some(Unready::Unknown));
        }
    }

    #[test]
    fn an_unencrypted_url_is_reported_with_its_origin() {
        for (vendor, keyed) in ALL {
            let (connections, problems) = opened(&Value::Null, &[(keyed.api.variable, "http://api.example.com")]);
            assert!(problems.is_empty(), "nobody needs it");
            let Err(Unready::Wrong(why)) = connections.find(vendor, "default") else {
                panic!("{} takes it", vendor.block)
            };
            assert_eq!(why.summary, format!("{}.base_url cannot be used", vendor.block));
            assert!(why.detail.contains(keyed.api.variable), "{}", why.detail);
        }
    }
}
