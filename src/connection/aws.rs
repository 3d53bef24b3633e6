//! One AWS account and region: configuration and credentials by the official SDK, calls signed here and sent by `crate::http`
//! (docs/decisions/aws-calls.md).
//!
//! The SDK, not `crate::environment`, finds the credentials the way every AWS tool does (environment, profiles, SSO, web
//! identity, container and instance roles), but only when the first call is made: building this reads no file and opens no
//! connection. The region is never taken from the instance: the same configuration must not mean another place on another machine.
//! What the SDK logs may show its requests for credentials: the plugin's log passes on records of this crate alone.

mod account;
mod api;
mod batch;
mod capped;
mod endpoint;
mod failure;
mod guard;
mod identity;
mod known;
mod role;
mod session;
mod signed;
mod ssm;
mod variables;

use std::sync::Arc;

use async_trait::async_trait;
use aws_credential_types::provider::SharedCredentialsProvider;
use tokio::sync::OnceCell;

use self::account::STS;
use self::session::{Session, Settings};
use self::ssm::SSM;
pub use self::ssm::{Metadata, Past, Put, Ssm, Stored};
use super::{Account, Opening, Vendor};
use crate::address::ANY;
use crate::call::CallError;
use crate::clock::Clock;
use crate::diagnostics::ConnectionProblem;
use crate::http::{HttpClient, remote_host};
use crate::terraform::{Attribute, Block, BlockNesting, Diagnostic, NestedBlock, Path, Type};

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    block: "aws",
    title: "AWS",
    description: "AWS. Arguments that you omit come from the standard AWS configuration chain; the block may be empty. The region is never \
                  taken from the instance metadata. The state records the account and region of every parameter, and a run that is \
                  configured for another account or region does not touch it.",
    named: "`profile` or `assume_role` is required, because it says whose account it is. A role is assumed with the credentials of the \
            profile, or else with those of the provider's own `aws` account.",
    attributes,
    blocks,
    has_default: true,
    open,
};

/// An account and region; clones share the session and its clients.
#[derive(Clone)]
pub struct Aws(Arc<Inner>);

struct Inner {
    settings: Settings,
    /// The account whose credentials take on the role of a named connection that names no profile.
    base: Option<Aws>,
    clock: Clock,
    region: OnceCell<Option<String>>,
    /// Looked for only while the clock is moved.
    remote_host: OnceCell<Option<String>>,
    http: HttpClient,
    session: OnceCell<Session>,
    ssm: OnceCell<Ssm>,
    /// A failure is kept as well: every secret of a run asks, and one answer serves them all.
    account: OnceCell<Result<String, CallError>>,
}

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "region",
            Type::String,
            "The region, such as `eu-west-1`. Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's.",
        ),
        Attribute::optional(
            "profile",
            Type::String,
            "A profile of the shared configuration files. It takes precedence over keys in the environment. \
             Default: the standard chain (environment, `AWS_PROFILE`, SSO, web identity, container and instance roles).",
        ),
        Attribute::optional(
            "endpoint_url",
            Type::String,
            "Sends every call to this address instead of AWS, including those to STS. Default: `AWS_ENDPOINT_URL_SSM` and \
             `AWS_ENDPOINT_URL_STS`, then `AWS_ENDPOINT_URL`. An emulator needs both services: the provider asks STS which \
             account it belongs to.",
        ),
    ]
}

fn blocks() -> Vec<NestedBlock> {
    vec![NestedBlock {
        name: "assume_role",
        nesting: BlockNesting::Single,
        block: Block {
            attributes: vec![
                Attribute::optional("role_arn", Type::String, "Required. The role's ARN."),
                Attribute::optional(
                    "session_name",
                    Type::String,
                    "The name under which CloudTrail shows the session; default `terraform-provider-rotation`.",
                ),
                Attribute::optional(
                    "external_id",
                    Type::String,
                    "The external id that the role's trust policy asks for.",
                ),
            ],
            blocks: Vec::new(),
            description: "Assumes a role (STS `AssumeRole`) with the credentials found above.".to_owned(),
        },
    }]
}

fn open(opening: &mut Opening<'_>) -> Option<Box<dyn Account>> {
    let settings = Settings::parse(opening)?;
    let base = match settings.starts_from_own() {
        true => Some(opening.own_account::<Aws>()?.clone()),
        false => None,
    };
    Some(Box::new(Aws(Arc::new(Inner {
        base,
        settings,
        clock: opening.surroundings.clock,
        http: opening.http.clone(),
        region: OnceCell::new(),
        remote_host: OnceCell::new(),
        session: OnceCell::new(),
        ssm: OnceCell::new(),
        account: OnceCell::new(),
    }))))
}

#[async_trait]
impl Account for Aws {
    fn vendor() -> &'static Vendor {
        &VENDOR
    }

    /// What account and region add to an address. The account is left open: only a call tells it, and a plan makes none.
    fn place(&self) -> String {
        let region = self.0.region.get().and_then(Option::as_deref).unwrap_or(ANY);
        format!("{ANY}:{region}")
    }

    /// The same with the account of the credentials in use; asked once a run.
    ///
    /// # Errors
    /// Those of `sts:GetCallerIdentity`, and when no region is configured anywhere.
    async fn whole_place(&self) -> Result<String, CallError> {
        let session = self.session().await?;
        let settings = &self.0.settings;
        let ask = || async {
            let sts = settings.api(session, &STS, settings.sts_address(), &self.0.http)?;
            let account = account::of_caller(&sts).await;
            account.map_err(|error| match settings.sts_advice() {
                Some(advice) => error.advise(&advice),
                None => error,
            })
        };
        let account = self.0.account.get_or_init(ask).await.clone()?;
        let region = session.config.region().map_or(ANY, |region| region.as_ref());
        Ok(format!("{account}:{region}"))
    }

    fn remote_host(&self) -> Option<String> {
        self.0.remote_host.get().cloned().flatten()
    }

    async fn prepare(&self) {
        self.find_region().await;
        if self.0.clock.is_moved() {
            self.find_remote_host().await;
        }
    }
}

impl Aws {
    /// The connection, if it can have a region.
    ///
    /// # Errors
    /// A diagnostic that names argument, variables and profile when [`Self::find_region`] found none.
    pub fn configured(&self) -> Result<Self, Diagnostic> {
        match self.0.region.get() {
            Some(None) => {
                let why = self.0.settings.no_region();
                Err(Diagnostic::new(Path::root(), ConnectionProblem::NoRegion { why }))
            }
            Some(Some(_)) | None => Ok(self.clone()),
        }
    }

    /// The region of the block, the environment or the profile. Reads the shared configuration files, and calls nobody.
    async fn find_region(&self) -> Option<&str> {
        let find = || self.0.settings.find_region();
        self.0.region.get_or_init(find).await.as_deref()
    }

    /// The first endpoint that is not on this machine: that of a service, or of what its credentials are taken on with. The
    /// shared configuration files count. Calls nobody; where no session can be loaded, no call can be made either.
    async fn find_remote_host(&self) -> Option<&str> {
        let find = || async {
            if let Some(own) = &self.0.base
                && let Some(host) = Box::pin(own.find_remote_host()).await
            {
                return Some(host.to_owned());
            }
            let session = self.session().await.ok()?;
            let settings = &self.0.settings;
            let services = [(&SSM, settings.ssm_address()), (&STS, settings.sts_address())];
            services.into_iter().find_map(|(service, address)| {
                let api = settings.api(session, service, address, &self.0.http).ok()?;
                remote_host(&api.url)
            })
        };
        self.0.remote_host.get_or_init(find).await.as_deref()
    }

    /// Systems Manager's Parameter Store. The first call loads the session.
    ///
    /// # Errors
    /// When no region is configured anywhere, or the endpoint is not permitted. Missing credentials show at the first call.
    pub async fn ssm(&self) -> Result<&Ssm, CallError> {
        let settings = &self.0.settings;
        let build = || async {
            let api = settings.api(self.session().await?, &SSM, settings.ssm_address(), &self.0.http)?;
            Ok(Ssm::new(api, self.0.clock))
        };
        self.0.ssm.get_or_try_init(build).await
    }

    async fn session(&self) -> Result<&Session, CallError> {
        let load = || async {
            let base = match &self.0.base {
                Some(own) => own.credentials().await?,
                None => None,
            };
            let region = self.find_region().await;
            self.0.settings.load(region, base, self.0.clock).await
        };
        self.0.session.get_or_try_init(load).await
    }

    /// What a role of another connection is taken on with.
    async fn credentials(&self) -> Result<Option<SharedCredentialsProvider>, CallError> {
        // The own account starts from nothing but itself, so this ends.
        Ok(Box::pin(self.session()).await?.config.credentials_provider())
    }
}
