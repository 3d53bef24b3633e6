//! What the block says, and the SDK session that follows from it.
//!
//! A `profile` in the block goes before keys in the environment, as in the AWS CLI: a second account must not silently
//! become the first one. The rest of the order is the SDK's (docs.aws.amazon.com/sdkref, "Standardized credential providers").

use std::sync::Arc;
use std::time::Duration;

use aws_config::meta::region::ProvideRegion as _;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::service_config::ServiceConfigKey;
use url::Url;

use super::api::{Api, Service};
use super::capped::Capped;
use super::endpoint::{self, Variant};
use super::guard::GuardedNames;
use super::identity::Identity;
use super::known::Known;
use super::role::{Role, SESSION_NAME, checked, parse_role};
use super::variables::{Address, Endpoints, Keys, Variables, is_region};
use crate::call::CallError;
use crate::clock::Clock;
use crate::connection::Opening;
use crate::diagnostics::{Argument, ConnectionProblem, capitalized};
use crate::http::{HttpClient, is_loopback, permitted};

/// Pinned, so that an update of the SDK does not change behaviour unnoticed.
fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// Attempts of a read, unless the environment says otherwise: the SDK's three do not outlast the throttling of a large plan.
const READ_ATTEMPTS: u32 = 8;

/// Time for one attempt, and for all attempts of one call of the SDK's own, for credentials.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
const CALL_TIMEOUT: Duration = Duration::from_secs(120);

/// What the SDK found out, and the credentials that calls are signed with.
pub(super) struct Session {
    pub(super) config: SdkConfig,
    pub(super) identity: Arc<Identity>,
}

/// The `aws` block together with what the environment says instead of it.
pub(super) struct Settings {
    region: Option<String>,
    profile: Option<String>,
    /// `AWS_PROFILE`, which keys in the environment go before.
    default_profile: Option<String>,
    endpoints: Endpoints,
    keys: Option<Keys>,
    role: Option<Role>,
    /// What the environment says of attempts.
    retry: Option<RetryConfig>,
    allow_insecure: bool,
    /// Where it stands, as errors say it: `aws`, `connection["x"].aws`.
    block: String,
    /// It is a named connection's, to which the environment says nothing.
    is_named: bool,
}

impl Settings {
    /// Reads the block, argument by argument, and the environment where an argument is missing.
    pub(super) fn parse(opening: &mut Opening<'_>) -> Option<Self> {
        let (block, surroundings) = (&opening.node, opening.surroundings);
        let (written, found) = (&mut opening.written, &mut opening.found);
        let is_named = opening.name.is_some();
        let region = checked(&block.attr("region"), written, is_region, "a region, such as eu-west-1");
        let profile_node = block.attr("profile");
        let profile = profile_node.string(written);
        let endpoint_node = block.attr("endpoint_url");
        let endpoint =
            endpoint_node
                .string(written)
                .and_then_checked(|url| match permitted(&url, surroundings.allow_insecure) {
                    Ok(_) => Some(url),
                    Err(refusal) => {
                        endpoint_node.report(written, |argument| Argument::CannotBeUsed {
                            argument,
                            why: format!("{}.", capitalized(&refusal)).into(),
                        });
                        None
                    }
                });
        let role_node = block.attr("assume_role");
        let role = parse_role(&role_node, written);
        if is_named && profile_node.is_null() && role_node.is_null() {
            block.report(written, |argument| ConnectionProblem::WhoseAccount { argument });
            return None;
        }
        let variables = Variables { surroundings };
        let profile = profile.optional()?;
        // A profile of the block goes before both.
        let (default_profile, keys) = match profile {
            Some(_) => (None, None),
            None => (variables.profile(found)?, variables.keys(found)?),
        };
        Some(Self {
            region: match region.optional()? {
                Some(region) => Some(region),
                None => variables.region(found)?,
            },
            profile,
            default_profile,
            endpoints: match endpoint.optional()? {
                Some(url) => Endpoints {
                    general: Some(Address {
                        url,
                        origin: endpoint_node.path().to_string(),
                    }),
                    ..Endpoints::default()
                },
                None => variables.endpoints(found)?,
            },
            keys,
            role: role?,
            retry: variables.retry(found)?,
            allow_insecure: surroundings.allow_insecure,
            block: block.path().to_string(),
            is_named,
        })
    }

    /// Whether its role is taken on with the credentials of the provider's own account.
    pub(super) fn starts_from_own(&self) -> bool {
        self.is_named && self.profile.is_none()
    }

    /// The region of the block or the environment, else that of the profile.
    pub(super) async fn find_region(&self) -> Option<String> {
        if let Some(region) = &self.region {
            return Some(region.clone());
        }
        if self.starts_from_own() {
            return None;
        }
        let mut profile = ProfileFileRegionProvider::builder();
        if let Some(name) = self.profile.as_ref().or(self.default_profile.as_ref()) {
            profile = profile.profile_name(name);
        }
        let found = profile.build().region().await?;
        Some(found.as_ref().trim().to_owned()).filter(|region| is_region(region) && !region.is_empty())
    }

    /// What is missing where no region was found.
    pub(super) fn no_region(&self) -> String {
        let profile = match &self.profile {
            Some(name) => format!("the profile {name:?} names none or does not exist"),
            None if self.is_named => "it has no profile that could name one".to_owned(),
            None => "the profile in use (AWS_PROFILE, else default) names none or does not exist".to_owned(),
        };
        if self.is_named {
            let block = &self.block;
            return format!("{block} sets no region, and {profile}. Set {block}.region, or region in the profile.");
        }
        format!(
            "No region is set, and {profile}. Set `region` in the provider's `aws` block (aws.region), AWS_REGION or \
             AWS_DEFAULT_REGION in the environment, or region in the profile."
        )
    }

    /// Loads the session: region, endpoint and the way to credentials; the credentials themselves are fetched by the first call.
    /// `base` is what [`Self::starts_from_own`] asks for.
    ///
    /// # Errors
    /// When no region is set anywhere, or the environment's endpoint is not permitted.
    pub(super) async fn load(
        &self,
        region: Option<&str>,
        base: Option<SharedCredentialsProvider>,
        clock: Clock,
    ) -> Result<Session, CallError> {
        let refused = |why: &str| CallError::refused("AWS", "preparing the AWS session", why);
        for Address { url, origin } in self.endpoints.all() {
            permitted(url, self.allow_insecure)
                .map_err(|refusal| refused(&format!("the endpoint in {origin}: {refusal}")))?;
        }
        let client = http_client(is_local(self.endpoints.sts()));
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let Some(region) = region.map(|region| Region::new(region.to_owned())) else {
            return Err(refused(&self.no_region()));
        };
        let mut session = match self.is_named {
            true => self.bare(&region, &client, timeouts, base),
            false => self.of_environment(&region, &client, timeouts).await,
        };
        if let Some(profile) = &self.profile {
            let around = ProviderConfig::without_region()
                .with_region(Some(region))
                .with_http_client(client);
            let provider = ProfileFileCredentialsProvider::builder()
                .configure(&around)
                .profile_name(profile)
                .build();
            session = with_credentials(session, SharedCredentialsProvider::new(provider));
        }
        // Before a role is taken on with them, and after.
        session = with_known_credentials(session);
        if let Some(role) = &self.role {
            let mut builder = AssumeRoleProvider::builder(&role.arn).session_name(&role.session_name);
            if let Some(id) = &role.external_id {
                builder = builder.external_id(id);
            }
            let provider = builder.configure(&self.with_sts_endpoint(&session)).build().await;
            session = with_known_credentials(with_credentials(session, SharedCredentialsProvider::new(provider)));
        }
        Ok(Session {
            identity: Arc::new(Identity::new(session.credentials_provider(), clock)),
            config: session,
        })
    }

    /// A session that completes itself from the environment.
    async fn of_environment(&self, region: &Region, client: &SharedHttpClient, timeouts: TimeoutConfig) -> SdkConfig {
        let mut loader = aws_config::defaults(behavior())
            .http_client(client.clone())
            .timeout_config(timeouts)
            // Named, so that the SDK does not look for it itself: on what it cannot read it panics.
            .retry_config(self.retry.clone().unwrap_or_else(RetryConfig::standard))
            .region(region.clone());
        if let Some(name) = &self.default_profile {
            loader = loader.profile_name(name);
        }
        if let Ok(name) = AppName::new(SESSION_NAME) {
            loader = loader.app_name(name);
        }
        if let Some(Address { url, .. }) = &self.endpoints.general {
            loader = loader.endpoint_url(url);
        }
        loader = match (&self.profile, &self.keys) {
            (Some(profile), _) => loader.profile_name(profile).no_credentials(),
            (None, Some(keys)) => loader.credentials_provider(keys.credentials.clone()),
            (None, None) => loader,
        };
        loader.load().await
    }

    /// A session to which neither the environment nor the default profile adds anything: the loader would take endpoints from them.
    fn bare(
        &self,
        region: &Region,
        client: &SharedHttpClient,
        timeouts: TimeoutConfig,
        base: Option<SharedCredentialsProvider>,
    ) -> SdkConfig {
        let mut builder = SdkConfig::builder()
            .behavior_version(behavior())
            .http_client(client.clone())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard())
            .region(region.clone());
        builder.set_app_name(AppName::new(SESSION_NAME).ok());
        // Taking on a role panics without one.
        builder.set_time_source(Some(Default::default()));
        builder.set_endpoint_url(self.endpoints.general.as_ref().map(|address| address.url.clone()));
        builder.set_credentials_provider(base);
        builder.build()
    }

    /// A service's API at the endpoint that is configured for it, else at AWS's.
    ///
    /// # Errors
    /// When the endpoint is not permitted, or cannot be what else is configured.
    pub(super) fn api(
        &self,
        session: &Session,
        service: &'static Service,
        configured: Option<&Address>,
        http: &HttpClient,
    ) -> Result<Api, CallError> {
        let refused = |why: String| CallError::refused(service.title, "preparing the AWS session", &why);
        let config = &session.config;
        let region = config.region().map(ToString::to_string).unwrap_or_default();
        let variant = Variant {
            fips: config.use_fips().unwrap_or(false),
            dual_stack: config.use_dual_stack().unwrap_or(false),
        };
        let address = configured.cloned().or_else(|| in_files(config, service));
        if let Some(Address { url, origin }) = &address {
            permitted(url, self.allow_insecure)
                .map_err(|refusal| refused(format!("the endpoint in {origin} cannot be used: {refusal}")))?;
            // As the SDKs do: whoever asks for FIPS must not get something else without a word.
            if variant.fips || variant.dual_stack {
                return Err(refused(format!(
                    "{origin} names an endpoint, and AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT or the profile asks for another \
                     kind of endpoint. Nothing was sent; set only one of them"
                )));
            }
        }
        Ok(Api {
            service,
            http: http.clone(),
            url: match &address {
                Some(Address { url, .. }) => format!("{}/", url.trim_end_matches('/')),
                None => format!("{}/", endpoint::url(service.prefix, &region, variant)),
            },
            region,
            identity: Arc::clone(&session.identity),
            skew: Arc::default(),
            read_attempts: self.retry.as_ref().map_or(READ_ATTEMPTS, RetryConfig::max_attempts),
            address: address.map(|Address { url, origin }| format!("It was sent to {url}, from {origin}.")),
        })
    }

    /// Where calls to Systems Manager go, if not to AWS.
    pub(super) fn ssm_address(&self) -> Option<&Address> {
        self.endpoints.ssm()
    }

    /// Where calls to STS go, if not to AWS.
    pub(super) fn sts_address(&self) -> Option<&Address> {
        self.endpoints.sts()
    }

    /// What to add to an error of STS: an emulator for Systems Manager alone does not know this run's credentials at AWS.
    pub(super) fn sts_advice(&self) -> Option<String> {
        match (self.endpoints.sts(), self.endpoints.ssm()) {
            (Some(Address { url, origin }), _) => Some(format!("It was sent to {url}, from {origin}.")),
            (None, Some(Address { origin, .. })) => Some(format!(
                "{origin} sends calls to Systems Manager alone to an address of their own; this one went to AWS. Set \
                 AWS_ENDPOINT_URL_STS too, or AWS_ENDPOINT_URL for both."
            )),
            (None, None) => None,
        }
    }

    fn with_sts_endpoint(&self, session: &SdkConfig) -> SdkConfig {
        match self.endpoints.sts() {
            Some(Address { url, .. }) => session.clone().into_builder().endpoint_url(url).build(),
            None => session.clone(),
        }
    }
}

/// A variable that nobody sets.
const NO_VARIABLE: &str = "AWS_ENDPOINT_URL_OF_THE_FILES";

/// The endpoint that shared configuration files name for a service: `endpoint_url` of its section `services`, else of the profile.
fn in_files(session: &SdkConfig, service: &Service) -> Option<Address> {
    let said = |variable: &str| {
        let key = ServiceConfigKey::builder();
        let key = key.service_id(service.id).env(variable).profile("endpoint_url");
        session.service_config()?.load_config(key.build().ok()?)
    };
    let is_blank = |url: &String| url.trim().is_empty();
    // The SDK takes an empty variable for an endpoint, which hides that of the files. Nothing at all means that none are wanted.
    let found = said("AWS_ENDPOINT_URL").and_then(|url| if is_blank(&url) { said(NO_VARIABLE) } else { Some(url) });
    let general = || session.endpoint_url().map(str::to_owned);
    let found = found.or_else(general);
    let url = found.filter(|url| !is_blank(url))?;
    Some(Address {
        url,
        origin: "the shared AWS configuration files".to_owned(),
    })
}

/// Whether calls stay on this machine: a proxy could not reach them.
fn is_local(address: Option<&Address>) -> bool {
    address.is_some_and(|address| Url::parse(&address.url).is_ok_and(|url| is_loopback(&url)))
}

fn with_credentials(session: SdkConfig, provider: SharedCredentialsProvider) -> SdkConfig {
    session.into_builder().credentials_provider(provider).build()
}

fn with_known_credentials(session: SdkConfig) -> SdkConfig {
    match session.credentials_provider() {
        Some(provider) => with_credentials(session, Known::of(provider)),
        None => session,
    }
}

/// The HTTP client of all SDK calls, on the same TLS stack as the rest of the provider, through the proxy that the
/// environment names (`HTTPS_PROXY`, `NO_PROXY`), if it names one and the endpoint is not `local`. The SDK alone would ignore that.
fn http_client(local: bool) -> SharedHttpClient {
    let client = Builder::new().build_with_connector_fn(move |settings, components| {
        let proxy = if local {
            ProxyConfig::disabled()
        } else {
            ProxyConfig::from_env()
        };
        let mut connector = Connector::builder().proxy_config(proxy);
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build_with_resolver(GuardedNames)
    });
    SharedHttpClient::new(Capped(client))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Surroundings;
    use crate::environment::Environment;
    use crate::terraform::{Node, Origin, Value};

    fn settings(environment: &[(&str, &str)]) -> Settings {
        let block = Value::object([]);
        let surroundings = Surroundings::new(Environment::of(environment), Clock::default());
        let node = Node::root(&block, Origin::Configuration);
        let http = HttpClient::new(Clock::default(), false);
        Settings::parse(&mut Opening::new(node, &surroundings, &http)).expect("all defaults")
    }

    #[test]
    fn variables_are_read_without_what_surrounds_them() {
        let found = settings(&[
            ("AWS_REGION", " eu-west-1\n"),
            ("AWS_PROFILE", "my profile\r\n"),
            ("AWS_ACCESS_KEY_ID", "AKIA\n"),
            ("AWS_SECRET_ACCESS_KEY", " key\n"),
            ("AWS_SESSION_TOKEN", "token\r\n"),
            ("AWS_ENDPOINT_URL", "https://aws.example\n"),
            ("AWS_MAX_ATTEMPTS", "5\n"),
        ]);
        assert_eq!(found.region.as_deref(), Some("eu-west-1"));
        assert_eq!(found.default_profile.as_deref(), Some("my profile"));
        let keys = found.keys.unwrap().credentials;
        let texts = (keys.access_key_id(), keys.secret_access_key(), keys.session_token());
        assert_eq!(texts, ("AKIA", "key", Some("token")));
        assert_eq!(found.endpoints.general.unwrap().url, "https://aws.example");
        assert_eq!(found.retry.unwrap().max_attempts(), 5);
    }

    #[test]
    fn an_emulator_for_systems_manager_alone_is_named_when_sts_does_not_know_its_keys() {
        let ssm = ("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1");
        let sts = ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:2");
        let advice = settings(&[ssm]).sts_advice().expect("it went to AWS");
        assert!(
            advice.contains("this one went to AWS") && advice.contains("AWS_ENDPOINT_URL_STS"),
            "{advice}"
        );
        assert_eq!(
            settings(&[ssm, sts]).sts_advice().as_deref(),
            Some("It was sent to http://127.0.0.1:2, from AWS_ENDPOINT_URL_STS.")
        );
        assert_eq!(settings(&[]).sts_advice(), None);
        let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        assert_eq!(settings(&[ssm, sts, ignored]).sts_advice(), None);
    }
}
