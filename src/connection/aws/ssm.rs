//! The calls to Parameter Store that the adapters need, in our own types.
//!
//! The SDK repeats reads. Writes are sent once and repeated here only after a refusal: a put whose answer was lost may have
//! made a version already, and somebody may have written since. Parameter Store knows no compare-and-set.
//!
//! API: docs.aws.amazon.com/systems-manager/latest/APIReference.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::Config;
use aws_sdk_ssm::config::http::HttpResponse;
use aws_sdk_ssm::config::retry::RetryConfig;
use aws_sdk_ssm::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_ssm::primitives::DateTime;
use aws_sdk_ssm::types::{
    ParameterMetadata, ParameterStringFilter, ParameterTier, ParameterType, ResourceTypeForTagging, Tag,
};
use jiff::Timestamp;

use super::batch::Batches;
use super::failure::Call;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::clock::Clock;
use crate::randomness;
use crate::secret::Secret;

const SERVICE: &str = "AWS SSM";

/// Names in one DescribeParameters call: as many as a filter takes values (API reference, `ParameterStringFilter`) and a
/// page has room for. Unverified: that AWS answers a filter of fifty names as fast as one of ten.
const NAMES_PER_CALL: usize = 50;

/// Pages of one DescribeParameters call that are followed; a page may be empty and still not be the last.
const PAGES: usize = 100;

/// Attempts of a write that is refused for being too fast, or never leaves. PutParameter is allowed a few times a second
/// and account.
const WRITE_ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const FIRST_PAUSE_WHEN_LIMITED: Duration = Duration::from_millis(500);

/// Parameter Store of one account and region.
pub struct Ssm {
    client: Client,
    clock: Clock,
    /// Where calls go and who says so, as a sentence; `None` for AWS itself.
    address: Option<String>,
    descriptions: Batches<Metadata>,
}

/// What DescribeParameters tells of a parameter; never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Grows by one with each write; begins at one again after a deletion.
    pub version: i64,
    /// `String`, `StringList` or `SecureString`; empty when AWS does not say.
    pub kind: String,
    /// `Standard` or `Advanced`; empty when AWS does not say.
    pub tier: String,
    /// The text written in the same call as the value.
    pub description: Option<String>,
    /// When this version was written.
    pub modified_at: Option<Timestamp>,
}

/// A value together with the version that it is.
#[derive(Debug)]
pub struct Stored {
    /// The version read.
    pub version: i64,
    /// The decrypted value.
    pub value: Secret,
}

/// An older version of a parameter.
#[derive(Debug)]
pub struct Past {
    /// Which one.
    pub version: i64,
    /// The text written in the same call as the value.
    pub description: Option<String>,
    /// The decrypted value.
    pub value: Secret,
}

/// What PutParameter is told.
#[derive(Debug)]
pub struct Put<'a> {
    /// The parameter.
    pub name: &'a str,
    /// Its value.
    pub value: &'a Secret,
    /// `String` or `SecureString`.
    pub kind: &'a str,
    /// The KMS key; `None` is the account's default.
    pub key_id: Option<&'a str>,
    /// `Standard`, `Advanced`, `Intelligent-Tiering`; `None` is the account's default.
    pub tier: Option<&'a str>,
    /// Up to 1024 characters.
    pub description: &'a str,
    /// `Some`: create it with these tags, and fail when it exists. `None`: create it or write a new version
    /// (the API refuses tags together with `Overwrite`).
    pub create_with_tags: Option<&'a BTreeMap<String, String>>,
}

impl Ssm {
    /// Wraps a client.
    pub(super) fn new(client: Client, clock: Clock, address: Option<String>) -> Self {
        Self {
            client,
            clock,
            address,
            descriptions: Batches::new(clock, NAMES_PER_CALL),
        }
    }

    /// A parameter's metadata; `None` when there is no such parameter. Asked together with others of the same moment.
    ///
    /// # Errors
    /// Those of DescribeParameters.
    pub async fn describe(&self, name: &str) -> Result<Option<Metadata>, CallError> {
        let client = self.client.clone();
        let fetch = |names| async move { describe(&client, names).await };
        self.descriptions
            .get(name, fetch)
            .await
            .map_err(|error| self.located(error))
    }

    /// The same by a call for this name alone.
    ///
    /// # Errors
    /// Those of DescribeParameters.
    pub async fn describe_alone(&self, name: &str) -> Result<Option<Metadata>, CallError> {
        let found = describe(&self.client, vec![name.to_owned()]).await;
        Ok(found.map_err(|error| self.located(error))?.remove(name))
    }

    /// The parameter's version, by GetParameter without decryption: newer than what DescribeParameters lists. `None` when
    /// there is no such parameter.
    ///
    /// # Errors
    /// Those of GetParameter.
    pub async fn version(&self, name: &str) -> Result<Option<i64>, CallError> {
        let found = self
            .get(name, false, &format!("looking for parameter {name:?}"))
            .await?;
        Ok(found.map(|stored| stored.version))
    }

    /// The decrypted value; `None` when there is no such parameter.
    ///
    /// # Errors
    /// Those of GetParameter and of the key.
    pub async fn read(&self, name: &str) -> Result<Option<Stored>, CallError> {
        self.get(name, true, &format!("reading parameter {name:?}")).await
    }

    /// The value is wrapped at once, whether it is decrypted or not: that of a `String` is plain in either case.
    async fn get(&self, name: &str, decrypt: bool, operation: &str) -> Result<Option<Stored>, CallError> {
        let resource = resource(&self.client, name);
        let call = call(operation, "ssm:GetParameter", &resource, false);
        let request = self.client.get_parameter().name(name).with_decryption(decrypt);
        match call.settle(Box::pin(request.send()).await) {
            Ok(answer) => Ok(answer.parameter.map(|parameter| Stored {
                version: parameter.version(),
                value: Secret::new(parameter.value.unwrap_or_default()),
            })),
            Err(error) if error.kind == CallErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.located(error)),
        }
    }

    /// Every version that Parameter Store still has (at most a hundred), oldest first, decrypted, with the description that was
    /// written with it; none when there is no such parameter.
    ///
    /// # Errors
    /// Those of GetParameterHistory and of the key.
    pub async fn history(&self, name: &str) -> Result<Vec<Past>, CallError> {
        let resource = resource(&self.client, name);
        let operation = format!("reading the history of parameter {name:?}");
        let call = call(&operation, "ssm:GetParameterHistory", &resource, false);
        let mut versions = Vec::new();
        let mut token = None;
        for _ in 0..PAGES {
            let request = self.client.get_parameter_history().name(name).with_decryption(true);
            let request = request.max_results(50).set_next_token(token);
            let page = match call.settle(Box::pin(request.send()).await) {
                Err(error) if error.kind == CallErrorKind::NotFound => return Ok(Vec::new()),
                page => page?,
            };
            versions.extend(page.parameters.unwrap_or_default().into_iter().map(|past| Past {
                version: past.version(),
                description: past.description,
                value: Secret::new(past.value.unwrap_or_default()),
            }));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(versions);
            }
        }
        Err(endless(operation))
    }

    /// Writes a value and its description in one call; returns the new version.
    ///
    /// # Errors
    /// Those of PutParameter. [`CallErrorKind::Conflict`] when it was to be created and exists.
    pub async fn put(&self, put: &Put<'_>, permit: &WritePermit) -> Result<i64, CallError> {
        let operation = format!("writing parameter {:?}", put.name);
        let resource = resource(&self.client, put.name);
        let call = call(&operation, "ssm:PutParameter", &resource, true);
        let tags = put
            .create_with_tags
            .map(sdk_tags)
            .transpose()
            .map_err(|error| unbuilt(&operation, &error))?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the SDK takes a copy, which it does not wipe (SECURITY.md)"
        )]
        let send = || {
            let request = self
                .client
                .put_parameter()
                .name(put.name)
                .value(put.value.expose())
                .r#type(ParameterType::from(put.kind))
                .set_key_id(put.key_id.map(str::to_owned))
                .set_tier(put.tier.map(ParameterTier::from))
                .description(put.description)
                .overwrite(put.create_with_tags.is_none())
                .set_tags(tags.clone());
            request.customize().config_override(once()).send()
        };
        Ok(self.write(&call, send, permit).await?.version())
    }

    /// Adds tags, or changes the values of those that are there; others stay.
    ///
    /// # Errors
    /// Those of AddTagsToResource.
    pub async fn tag(
        &self,
        name: &str,
        tags: &BTreeMap<String, String>,
        permit: &WritePermit,
    ) -> Result<(), CallError> {
        let operation = format!("tagging parameter {name:?}");
        let resource = resource(&self.client, name);
        let call = call(&operation, "ssm:AddTagsToResource", &resource, true);
        let tags = sdk_tags(tags).map_err(|error| unbuilt(&operation, &error))?;
        let send = || {
            let request = self
                .client
                .add_tags_to_resource()
                .resource_type(ResourceTypeForTagging::Parameter)
                .resource_id(name)
                .set_tags(Some(tags.clone()));
            request.customize().config_override(once()).send()
        };
        self.write(&call, send, permit).await.map(drop)
    }

    /// Deletes a parameter and its history. One that is gone is success.
    ///
    /// # Errors
    /// Those of DeleteParameter.
    pub async fn delete(&self, name: &str, permit: &WritePermit) -> Result<(), CallError> {
        let operation = format!("deleting parameter {name:?}");
        let resource = resource(&self.client, name);
        let call = call(&operation, "ssm:DeleteParameter", &resource, true);
        let send = || {
            self.client
                .delete_parameter()
                .name(name)
                .customize()
                .config_override(once())
                .send()
        };
        match self.write(&call, send, permit).await {
            Err(error) if error.kind == CallErrorKind::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    /// Sends a write, again and again while AWS refuses it for being too fast or cannot be reached at all.
    async fn write<T, E, A>(&self, call: &Call<'_>, send: impl Fn() -> A, _permit: &WritePermit) -> Result<T, CallError>
    where
        A: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let mut failed = 0;
        loop {
            let failure = match call.settle(Box::pin(send()).await) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            failed += 1;
            let passing = matches!(
                failure.kind,
                CallErrorKind::RateLimited { .. } | CallErrorKind::Unavailable
            );
            if failure.effect == Effect::Possible || !passing || failed >= WRITE_ATTEMPTS {
                return Err(self.located(failure));
            }
            self.clock.sleep(pause(&failure.kind, failed)).await;
        }
    }

    /// An error of a call that nobody answered says where it went, unless that was AWS itself.
    fn located(&self, error: CallError) -> CallError {
        let unanswered = matches!(error.kind, CallErrorKind::Unavailable | CallErrorKind::TimedOut);
        match &self.address {
            Some(address) if unanswered && error.status.is_none() => error.advise(address),
            _ => error,
        }
    }

    /// The clock, for waits between calls.
    pub fn clock(&self) -> Clock {
        self.clock
    }
}

/// Follows all pages for these names (at most [`NAMES_PER_CALL`]).
async fn describe(client: &Client, names: Vec<String>) -> Result<BTreeMap<String, Metadata>, CallError> {
    let operation = match names.as_slice() {
        [name] => format!("describing parameter {name:?}"),
        names => format!("describing {} parameters", names.len()),
    };
    let call = call(&operation, "ssm:DescribeParameters", "\"*\"", false);
    let filter = ParameterStringFilter::builder()
        .key("Name")
        .option("Equals")
        .set_values(Some(names))
        .build()
        .map_err(|error| unbuilt(&operation, &error))?;
    let mut found = BTreeMap::new();
    let mut token = None;
    for _ in 0..PAGES {
        let request = client
            .describe_parameters()
            .parameter_filters(filter.clone())
            .max_results(50)
            .set_next_token(token);
        let page = call.settle(Box::pin(request.send()).await)?;
        found.extend(page.parameters.unwrap_or_default().into_iter().filter_map(metadata));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(found);
        }
    }
    Err(endless(operation))
}

fn endless(operation: String) -> CallError {
    let message = format!("AWS announces further pages after {PAGES}");
    CallError::malformed(SERVICE, operation, Effect::None, &message)
}

fn metadata(parameter: ParameterMetadata) -> Option<(String, Metadata)> {
    let metadata = Metadata {
        version: parameter.version(),
        kind: parameter
            .r#type
            .map(|kind| kind.as_str().to_owned())
            .unwrap_or_default(),
        tier: parameter.tier.map(|tier| tier.as_str().to_owned()).unwrap_or_default(),
        description: parameter.description,
        modified_at: parameter.last_modified_date.as_ref().and_then(timestamp),
    };
    Some((parameter.name?, metadata))
}

/// In whole seconds, like every instant that is stored.
fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::from_second(time.secs()).ok()
}

fn sdk_tags(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, BuildError> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect()
}

fn unbuilt(operation: &str, error: &BuildError) -> CallError {
    CallError::refused(SERVICE, operation, &error.to_string())
}

fn call<'a>(operation: &'a str, action: &'static str, resource: &'a str, writes: bool) -> Call<'a> {
    Call {
        service: SERVICE,
        operation,
        action,
        resource,
        writes,
    }
}

/// The ARN pattern that a policy grants on ("Actions, resources, and condition keys for AWS Systems Manager").
fn resource(client: &Client, name: &str) -> String {
    let region = client.config().region().map_or("*", |region| region.as_ref());
    let partition = match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let path = name.strip_prefix('/').unwrap_or(name);
    format!("arn:{partition}:ssm:{region}:*:parameter/{path}")
}

/// Switches the SDK's own retry off for one call.
fn once() -> aws_sdk_ssm::config::Builder {
    Config::builder().retry_config(RetryConfig::disabled())
}

/// Doubles with each failure; between one half and the whole, so that targets of one wave do not come back together.
fn pause(kind: &CallErrorKind, failed: u32) -> Duration {
    let first = match kind {
        CallErrorKind::RateLimited { .. } => FIRST_PAUSE_WHEN_LIMITED,
        _ => FIRST_PAUSE,
    };
    let doubled = first.saturating_mul(1 << failed.saturating_sub(1).min(16));
    let mut jitter = [0];
    // Without entropy all pauses are the shortest; nothing else depends on it.
    let [jitter] = randomness::fill(&mut jitter).map_or([0], |()| jitter);
    doubled / 2 + doubled.saturating_mul(u32::from(jitter)) / 510
}
