//! What the environment says in the block's stead. The SDK would read some of it itself, but not as other tools' users write it: it keeps
//! line breaks, and panics on some of what it cannot read.

use aws_config::retry::RetryConfig;
use aws_credential_types::Credentials;
use aws_smithy_types::retry::RetryMode;

use crate::connection::Surroundings;
use crate::connection::opening::{Variable, refuse_variable};
use crate::environment::Form;
use crate::secret::Secret;
use crate::terraform::Diagnostics;

/// Where calls go instead of AWS. What is `None` here may still be in the shared configuration files, which the SDK reads.
#[derive(Default)]
pub(super) struct Endpoints {
    /// All services that have none of their own: the block, or `AWS_ENDPOINT_URL`.
    pub(super) general: Option<Address>,
    /// Systems Manager: `AWS_ENDPOINT_URL_SSM`.
    pub(super) ssm: Option<Address>,
    /// STS: `AWS_ENDPOINT_URL_STS`.
    pub(super) sts: Option<Address>,
}

/// An endpoint, and where it was configured.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) url: String,
    pub(super) origin: String,
}

impl Endpoints {
    pub(super) fn ssm(&self) -> Option<&Address> {
        self.ssm.as_ref().or(self.general.as_ref())
    }

    pub(super) fn sts(&self) -> Option<&Address> {
        self.sts.as_ref().or(self.general.as_ref())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Address> {
        [&self.general, &self.ssm, &self.sts].into_iter().flatten()
    }
}

/// Keys in the environment.
pub(super) struct Keys {
    pub(super) credentials: Credentials,
    /// So that they are redacted everywhere. Stand-ins such as `test` are not: they would be cut out of ordinary words.
    _redacted: Vec<Secret>,
}

/// Shorter keys are stand-ins for an emulator: a real one has forty characters.
pub(super) const REAL_KEY: usize = 16;

/// The variables of AWS's own tools.
pub(super) struct Variables<'a> {
    pub(super) surroundings: &'a Surroundings,
}

impl<'a> Variables<'a> {
    /// The first of these that is set. `None` when it cannot be used, which is reported.
    pub(super) fn first(
        &self,
        names: &[&'static str],
        form: Form,
        problems: &mut Diagnostics,
    ) -> Option<Option<Variable<'a>>> {
        self.surroundings.variable(names, form, problems).optional()
    }

    fn word(&self, name: &'static str, problems: &mut Diagnostics) -> Option<Option<&'a str>> {
        let found = self.first(&[name], Form::Word, problems)?;
        Some(found.map(|found| found.text))
    }

    fn refuse<T>(&self, name: &str, why: &str, problems: &mut Diagnostics) -> Option<T> {
        refuse_variable(name, why, problems);
        None
    }

    pub(super) fn region(&self, problems: &mut Diagnostics) -> Option<Option<String>> {
        let found = self.first(&["AWS_REGION", "AWS_DEFAULT_REGION"], Form::Word, problems)?;
        match found {
            Some(Variable { name, text }) if !is_region(text) => {
                self.refuse(name, "is not a region, such as eu-west-1", problems)
            }
            found => Some(found.map(|found| found.text.to_owned())),
        }
    }

    /// An empty `AWS_PROFILE` means the default profile, as for the SDK for Go. This SDK would look for one without a name.
    pub(super) fn profile(&self, problems: &mut Diagnostics) -> Option<Option<String>> {
        const PROFILE: &str = "AWS_PROFILE";
        let found = self.first(&[PROFILE], Form::Line, problems)?;
        let is_empty = || {
            self.surroundings
                .environment
                .is_empty(PROFILE)
                .then(|| "default".to_owned())
        };
        Some(found.map(|found| found.text.to_owned()).or_else(is_empty))
    }

    /// The SDK would panic on what it cannot read.
    pub(super) fn retry(&self, problems: &mut Diagnostics) -> Option<Option<RetryConfig>> {
        const ATTEMPTS: &str = "AWS_MAX_ATTEMPTS";
        const MODE: &str = "AWS_RETRY_MODE";
        let mut config = None;
        if let Some(text) = self.word(ATTEMPTS, problems)? {
            match text.parse() {
                Ok(attempts) if attempts > 0 => config = Some(RetryConfig::standard().with_max_attempts(attempts)),
                Ok(_) | Err(_) => return self.refuse(ATTEMPTS, "is not a number from 1", problems),
            }
        }
        if let Some(text) = self.word(MODE, problems)? {
            let mode = match text.to_ascii_lowercase().as_str() {
                "adaptive" => RetryMode::Adaptive,
                // Other SDKs' oldest mode, which this one does not have.
                "standard" | "legacy" => RetryMode::Standard,
                _ => return self.refuse(MODE, "is not standard, adaptive or legacy", problems),
            };
            config = Some(config.unwrap_or_else(RetryConfig::standard).with_retry_mode(mode));
        }
        Some(config)
    }

    fn endpoint(&self, name: &'static str, problems: &mut Diagnostics) -> Option<Option<Address>> {
        let url = self.word(name, problems)?;
        Some(url.map(|url| Address {
            url: url.to_owned(),
            origin: name.to_owned(),
        }))
    }

    /// docs.aws.amazon.com/sdkref, "Service-specific endpoints": the service's variable goes before the general one.
    pub(super) fn endpoints(&self, problems: &mut Diagnostics) -> Option<Endpoints> {
        let ignored = self.word("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", problems)?;
        if ignored.is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return Some(Endpoints::default());
        }
        Some(Endpoints {
            general: self.endpoint("AWS_ENDPOINT_URL", problems)?,
            ssm: self.endpoint("AWS_ENDPOINT_URL_SSM", problems)?,
            sts: self.endpoint("AWS_ENDPOINT_URL_STS", problems)?,
        })
    }

    pub(super) fn keys(&self, problems: &mut Diagnostics) -> Option<Option<Keys>> {
        let id = self.word("AWS_ACCESS_KEY_ID", problems)?;
        let key = self.word("AWS_SECRET_ACCESS_KEY", problems)?;
        let token = self.word("AWS_SESSION_TOKEN", problems)?;
        let (Some(id), Some(key)) = (id, key) else {
            return Some(None);
        };
        let real = [Some(key), token]
            .into_iter()
            .flatten()
            .filter(|text| text.len() >= REAL_KEY);
        Some(Some(Keys {
            _redacted: real.map(|text| Secret::new(text.to_owned())).collect(),
            credentials: Credentials::new(id, key, token.map(str::to_owned), None, "environment"),
        }))
    }
}

/// The region becomes part of a host name.
pub(super) fn is_region(text: &str) -> bool {
    let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.len() <= 63 && text.chars().all(label) && !text.starts_with('-') && !text.ends_with('-')
}
