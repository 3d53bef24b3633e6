//! The calls to Parameter Store that the adapters need, in our own types.
//!
//! API: docs.aws.amazon.com/systems-manager/latest/APIReference.

mod messages;
mod neighbours;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use self::messages::{AddTags, Describe, Filter, Got, Listed, Named, Page, PutParameter, Version, Written, tags};
use self::neighbours::{Listing, Neighbours};
use super::api::{Api, Call, Service, Wire};
use super::batch::Batches;
use super::endpoint::partition_of;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::clock::Clock;
use crate::secret::Secret;

/// Systems Manager.
pub(super) static SSM: Service = Service {
    title: "AWS SSM",
    id: "SSM",
    prefix: "ssm",
    wire: Wire::Json("AmazonSSM"),
};

/// Names in one DescribeParameters call: as many as a filter takes values (API reference, `ParameterStringFilter`) and a
/// page has room for. Unverified: that AWS answers a filter of fifty names as fast as one of ten.
const NAMES_PER_CALL: usize = 50;

/// Pages of one DescribeParameters call that are followed; a page may be empty and still not be the last.
const PAGES: usize = 100;

/// Pages of fifty for which a path is listed as a whole: beyond a thousand parameters, each name is asked for.
const PAGES_OF_A_PATH: usize = 20;

/// Parameter Store of one account and region.
pub struct Ssm {
    api: Arc<Api>,
    clock: Clock,
    descriptions: Batches<Metadata>,
    neighbours: Neighbours,
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
    /// Wraps the API of Systems Manager.
    pub(super) fn new(api: Api, clock: Clock) -> Self {
        Self {
            api: Arc::new(api),
            clock,
            descriptions: Batches::new(clock, NAMES_PER_CALL),
            neighbours: Neighbours::new(clock),
        }
    }

    /// A parameter's metadata; `None` when there is no such parameter. Asked together with others of its path, or of the same moment; what
    /// this process has not written may be a minute old.
    ///
    /// # Errors
    /// Those of DescribeParameters.
    pub async fn describe(&self, name: &str) -> Result<Option<Metadata>, CallError> {
        let api = Arc::clone(&self.api);
        let list = |path| async move { list(&self.api, path).await };
        if let Some(found) = self.neighbours.of(name, list).await? {
            return Ok(found);
        }
        self.descriptions
            .get(name, |names| async move { describe(&api, &names).await })
            .await
    }

    /// The same by a call for this name alone.
    ///
    /// # Errors
    /// Those of DescribeParameters.
    pub async fn describe_alone(&self, name: &str) -> Result<Option<Metadata>, CallError> {
        Ok(describe(&self.api, &[name.to_owned()]).await?.remove(name))
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
        let resource = self.resource(name);
        let call = Call {
            secret_answer: true,
            ..call("ssm:GetParameter", operation, &resource)
        };
        let request = Named {
            name,
            with_decryption: Some(decrypt),
            ..Named::default()
        };
        let answer = match self.api.ask(&call, &request).await {
            Err(error) if error.kind == CallErrorKind::NotFound => return Ok(None),
            answer => answer?.json::<Got>()?,
        };
        Ok(answer.parameter.map(|parameter| Stored {
            version: parameter.version,
            value: Secret::new(parameter.value.unwrap_or_default()),
        }))
    }

    /// Every version that Parameter Store still has (at most a hundred), oldest first, decrypted, with the description that was
    /// written with it; none when there is no such parameter.
    ///
    /// # Errors
    /// Those of GetParameterHistory and of the key.
    pub async fn history(&self, name: &str) -> Result<Vec<Past>, CallError> {
        let resource = self.resource(name);
        let operation = format!("reading the history of parameter {name:?}");
        let call = Call {
            secret_answer: true,
            ..call("ssm:GetParameterHistory", &operation, &resource)
        };
        let mut request = Named {
            name,
            with_decryption: Some(true),
            max_results: Some(50),
            next_token: None,
        };
        let mut versions = Vec::new();
        for _ in 0..PAGES {
            let page = match self.api.ask(&call, &request).await {
                Err(error) if error.kind == CallErrorKind::NotFound => return Ok(Vec::new()),
                page => page?.json::<Page<Version>>()?,
            };
            versions.extend(page.parameters.unwrap_or_default().into_iter().map(|past| Past {
                version: past.version,
                description: past.description,
                value: Secret::new(past.value.unwrap_or_default()),
            }));
            request.next_token = page.next_token.filter(|token| !token.is_empty());
            if request.next_token.is_none() {
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
        let resource = self.resource(put.name);
        #[expect(
            clippy::disallowed_methods,
            reason = "it is written into the request, whose text is wiped"
        )]
        let value = put.value.expose();
        let request = PutParameter {
            name: put.name,
            value,
            kind: put.kind,
            key_id: put.key_id,
            tier: put.tier,
            description: put.description,
            overwrite: put.create_with_tags.is_none(),
            tags: put.create_with_tags.map(tags),
        };
        let call = call("ssm:PutParameter", &operation, &resource);
        self.neighbours.written(put.name);
        let written: Written = self.api.change(&call, &request, permit).await?.json()?;
        Ok(written.version)
    }

    /// Adds tags, or changes the values of those that are there; others stay.
    ///
    /// # Errors
    /// Those of AddTagsToResource.
    pub async fn tag(
        &self,
        name: &str,
        added: &BTreeMap<String, String>,
        permit: &WritePermit,
    ) -> Result<(), CallError> {
        let operation = format!("tagging parameter {name:?}");
        let resource = self.resource(name);
        let request = AddTags {
            resource_type: "Parameter",
            resource_id: name,
            tags: tags(added),
        };
        let call = call("ssm:AddTagsToResource", &operation, &resource);
        self.api.change(&call, &request, permit).await.map(drop)
    }

    /// Deletes a parameter and its history. One that is gone is success.
    ///
    /// # Errors
    /// Those of DeleteParameter.
    pub async fn delete(&self, name: &str, permit: &WritePermit) -> Result<(), CallError> {
        let operation = format!("deleting parameter {name:?}");
        let resource = self.resource(name);
        let request = Named {
            name,
            ..Named::default()
        };
        let call = call("ssm:DeleteParameter", &operation, &resource);
        self.neighbours.written(name);
        match self.api.change(&call, &request, permit).await {
            Err(error) if error.kind == CallErrorKind::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    /// The ARN pattern that a policy grants on ("Actions, resources, and condition keys for AWS Systems Manager").
    fn resource(&self, name: &str) -> String {
        let region = &self.api.region;
        let partition = partition_of(region).id;
        let path = name.strip_prefix('/').unwrap_or(name);
        format!("arn:{partition}:ssm:{region}:*:parameter/{path}")
    }

    /// The clock, for waits between calls.
    pub fn clock(&self) -> Clock {
        self.clock
    }
}

/// The parameters with these names (at most [`NAMES_PER_CALL`]).
async fn describe(api: &Api, names: &[String]) -> Result<BTreeMap<String, Metadata>, CallError> {
    let operation = match names {
        [name] => format!("describing parameter {name:?}"),
        names => format!("describing {} parameters", names.len()),
    };
    let filter = Filter {
        key: "Name",
        option: "Equals",
        values: names,
    };
    let found = pages(api, &operation, filter, PAGES).await?;
    found.ok_or_else(|| endless(operation))
}

/// The parameters directly below a path, unless there are too many.
async fn list(api: &Api, path: String) -> Result<Listing, CallError> {
    let operation = format!("describing the parameters of {path:?}");
    let filter = Filter {
        key: "Path",
        option: "OneLevel",
        values: &[path],
    };
    pages(api, &operation, filter, PAGES_OF_A_PATH).await
}

/// All pages of what passes a filter; `None` if there are more than so many.
async fn pages(api: &Api, operation: &str, filter: Filter<'_>, most: usize) -> Result<Listing, CallError> {
    let call = call("ssm:DescribeParameters", operation, "\"*\"");
    let mut request = Describe {
        parameter_filters: [filter],
        max_results: 50,
        next_token: None,
    };
    let mut found = BTreeMap::new();
    for _ in 0..most {
        let page: Page<Listed> = api.ask(&call, &request).await?.json()?;
        found.extend(page.parameters.unwrap_or_default().into_iter().map(metadata));
        request.next_token = page.next_token.filter(|token| !token.is_empty());
        if request.next_token.is_none() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn endless(operation: String) -> CallError {
    let message = format!("AWS announces further pages after {PAGES}");
    CallError::malformed(SSM.title, operation, Effect::None, &message)
}

fn metadata(listed: Listed) -> (String, Metadata) {
    let metadata = Metadata {
        version: listed.version,
        modified_at: listed.modified_at(),
        kind: listed.kind.unwrap_or_default(),
        tier: listed.tier.unwrap_or_default(),
        description: listed.description,
    };
    (listed.name, metadata)
}

fn call<'a>(action: &'static str, operation: &'a str, resource: &'a str) -> Call<'a> {
    Call {
        action,
        operation,
        resource,
        secret_answer: false,
    }
}
