//! A variable of a Railway service, or one that the services of an environment share.
//!
//! Lists tell when each variable was last changed, without its value; sealed variables are among them. Nothing is kept beside a
//! variable that could show whose it is. Every write says `skipDeploys`. Railway replaces `${{…}}` in a value by what it refers to, so
//! that such a value is refused. <https://docs.railway.com/integrations/api/manage-variables>

use async_trait::async_trait;

use super::environment_variable::Variables;
use super::{
    Activated, Activation, Delivery, EntryWords, Escrowed, Offers, Receipt, Slot, Target, TargetConfig, TargetKind,
    TargetTraits,
};
use crate::address::Address;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::Link;
use crate::connection::railway::{self, Environment, Place, Railway, RailwayClient, Variable, checked_id};
use crate::connection::uuid::is_uuid;
use crate::diagnostics::StateProblem;
use crate::rotation::{Entry, RevisionKind};
use crate::secret::Secret;
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Path, Type};

/// The kind.
pub static KIND: TargetKind = TargetKind {
    name: "railway_variable",
    summary: "A variable of a Railway service, or one that services of an environment share. Only a deployment loads it: add the activation \
              `railway_redeploy`.",
    api_docs: Some("https://docs.railway.com/integrations/api/manage-variables"),
    attributes,
    parse,
    reach: Some(railway::VENDOR.reach()),
    slot,
    words,
    offers: Offers {
        marks: false,
        revision: RevisionKind::Time,
        pages: true,
        proof_of_absence: false,
        // Addresses hold the ids themselves.
        identity: false,
    },
};

static VARIABLES: Variables = Variables {
    platform: "Railway",
    also_in_names: "",
};

/// Stands for the service in addresses of shared variables.
const SHARED: &str = "shared";

/// What begins a reference (docs.railway.com, "Variables", reference variables).
const REFERENCE: &str = "${{";

struct Config {
    place: Place,
    name: String,
}

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::required("project_id", Type::String, "The id of the project, a UUID."),
        Attribute::required("environment_id", Type::String, "The id of the environment, a UUID."),
        Attribute::optional(
            "service_id",
            Type::String,
            "The id of the service, a UUID. Default: a shared variable of the environment, which services refer to.",
        ),
        Variables::name_attribute(),
    ]
}

fn parse(node: &Node<'_>, default_name: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn TargetConfig>> {
    let mut required = |name: &str| {
        let node = node.attr(name);
        let id = node.required_string(problems);
        checked_id(&node, id, problems).known()
    };
    let (project, environment) = (required("project_id"), required("environment_id"));
    let service_node = node.attr("service_id");
    let service = service_node.string(problems);
    let service = checked_id(&service_node, service, problems).optional();
    let name = VARIABLES.name(node, default_name, problems);
    Some(Box::new(Config {
        place: Place {
            project: project?,
            environment: environment?,
            service: service?,
        },
        name: name.known()?,
    }))
}

/// Place and name in a locator of ours: `project/environment/service/NAME`.
fn parts_of(locator: &str) -> Option<(Place, String)> {
    let [project, environment, service, name] = locator.split('/').collect::<Vec<_>>().try_into().ok()?;
    let fits = is_uuid(project) && is_uuid(environment) && (service == SHARED || is_uuid(service));
    (fits && VARIABLES.is_name(name)).then(|| {
        let place = Place {
            project: project.to_owned(),
            environment: environment.to_owned(),
            service: (service != SHARED).then(|| service.to_owned()),
        };
        (place, name.to_owned())
    })
}

fn slot(address: &Address, link: &Link<'_>) -> Result<Box<dyn Slot>, Diagnostic> {
    let (place, name) = parts_of(&address.locator).ok_or_else(|| {
        let mistake = StateProblem::Address {
            address: address.to_string(),
            what: "the address of a variable at Railway".into(),
            expected: "project/environment/service/NAME".into(),
        };
        Diagnostic::new(Path::root(), mistake)
    })?;
    Ok(Box::new(RailwayVariable {
        client: link.account::<Railway>()?.client()?,
        place,
        name,
    }))
}

fn words(address: &Address) -> EntryWords {
    let Some((place, name)) = parts_of(&address.locator) else {
        return EntryWords::of_text(address);
    };
    let host = address.at_host();
    let Place {
        project, environment, ..
    } = &place;
    let place = match &place.service {
        Some(service) => format!("Railway service {service}{host}, project {project}, environment {environment}"),
        None => format!("shared variables of Railway project {project}{host}, environment {environment}"),
    };
    EntryWords {
        noun: format!("variable {name} of {place}"),
        entry: name,
        place: format!("in {place}"),
    }
}

impl TargetConfig for Config {
    fn slot(&self, _: &Link<'_>) -> Result<Address, Diagnostic> {
        let Place {
            project,
            environment,
            service,
        } = &self.place;
        let service = service.as_deref().unwrap_or(SHARED);
        let locator = format!("{project}/{environment}/{service}/{}", self.name);
        Ok(Address::new(KIND.name, locator))
    }

    /// Any service may refer to a shared variable.
    fn consumers(&self) -> Option<String> {
        let service = self.place.service.as_ref()?;
        Some(railway::consumers(&self.place.environment, service))
    }

    fn traits(&self) -> TargetTraits {
        TargetTraits {
            activation: Activation::Later,
            readable: false,
            reloads_within: None,
            follow_up: false,
        }
    }

    fn accepts(&self, value: &Secret) -> Result<(), String> {
        if value.contains(REFERENCE) {
            return Err(format!(
                "The value contains {REFERENCE:?}, which Railway takes for a reference to another variable."
            ));
        }
        VARIABLES.accepts(&self.name, value)
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Target>, Diagnostic> {
        Ok(Box::new(RailwayVariable {
            client: link.account::<Railway>()?.client()?,
            place: self.place.clone(),
            name: self.name.clone(),
        }))
    }
}

/// A variable that can be reached.
struct RailwayVariable {
    client: RailwayClient,
    place: Place,
    name: String,
}

fn entry(variable: &Variable) -> Entry {
    Entry {
        revision: variable.updated_at.map(|at| at.to_string()),
        kind: RevisionKind::Time,
        label: None,
        modified_at: variable.updated_at,
        live: None,
        detail: None,
        is_unreadable: false,
        exposed: None,
    }
}

impl RailwayVariable {
    fn among<'v>(&self, environment: &'v Environment) -> Option<&'v Variable> {
        let mut variables = environment.variables.iter();
        variables.find(|known| known.name == self.name && known.service_id == self.place.service)
    }
}

#[async_trait]
impl Slot for RailwayVariable {
    async fn inspect(&self) -> Result<Option<Entry>, CallError> {
        let environment = self.client.environment(&self.place.environment).await?;
        Ok(self.among(&environment).map(entry))
    }

    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError> {
        let environment = self.client.environment_now(&self.place.environment).await?;
        Ok(self.among(&environment).map(entry))
    }

    /// An answer may say that there is no such variable: the list tells.
    async fn remove(&self, permit: &WritePermit) -> Result<(), CallError> {
        match self.client.delete(&self.place, &self.name, permit).await {
            Err(error) if error.kind == CallErrorKind::NotFound && self.inspect_directly().await?.is_none() => Ok(()),
            ended => ended,
        }
    }
}

#[async_trait]
impl Target for RailwayVariable {
    fn slot(&self) -> &dyn Slot {
        self
    }

    fn into_slot(self: Box<Self>) -> Box<dyn Slot> {
        self
    }

    /// The environment has to be one of the project.
    async fn check_writable(&self) -> Result<(), CallError> {
        let Place {
            project, environment, ..
        } = &self.place;
        let found = self.client.environment(environment).await?;
        if found.project == *project {
            return Ok(());
        }
        let message = format!(
            "environment {environment} belongs to project {}, not to {project}. Correct `project_id` or `environment_id`",
            found.project
        );
        let operation = format!("preparing variable {}", self.name);
        Err(CallError::new(
            CallErrorKind::Invalid,
            Effect::None,
            railway::VENDOR.title,
            operation,
            None,
            &message,
        ))
    }

    /// The answer names no time: the list is read after it. What fails there takes nothing back.
    async fn deliver(&self, deliveries: &[Delivery<'_>], permit: &WritePermit) -> Result<Vec<Receipt>, CallError> {
        let mut receipts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            self.client.put(&self.place, &self.name, delivery.value, permit).await?;
            let seen = self.client.environment_now(&self.place.environment).await.ok();
            let written_at = seen
                .as_ref()
                .and_then(|environment| self.among(environment)?.updated_at);
            receipts.push(Receipt {
                revision: written_at.map(|at| at.to_string()),
                written_at,
            });
        }
        Ok(receipts)
    }

    /// Nothing to do: the next deployment gets the new value.
    async fn activate(&self, _: Option<&str>, _: &Stop, _: &WritePermit) -> Result<Activated, CallError> {
        Ok(Activated::Live)
    }

    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        Ok(None)
    }
}
