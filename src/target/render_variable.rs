//! What the two kinds of Render variables have in common: the calls are the same below another path.
//!
//! Render gives values back, and keeps neither a note nor a time beside a variable: drift shows by a salted digest of what was
//! delivered ([`value_digest`]), and nothing shows whose a value is, so that no value is taken from here. Names and sizes are those
//! that a process can get; Render documents none (unverified). A kind is a [`RenderVariables`] and the words of its docs.

use async_trait::async_trait;

use super::environment_variable::Variables;
use super::value_digest;
use crate::address::Address;
use crate::call::{CallError, WritePermit};
use crate::connection::Link;
use crate::connection::render::{self, Holder, HolderKind, Render, RenderClient};
use crate::diagnostics::StateProblem;
use crate::rotation::{Entry, RevisionKind};
use crate::secret::Secret;
use crate::stop::Stop;
use crate::target::{
    Activated, Activation, Delivery, EntryWords, Escrowed, Offers, Receipt, Shadow, Slot, Target, TargetConfig,
    TargetTraits,
};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Path, Type};

/// The kind of a service's variables, which hide those of groups.
pub(super) const OF_SERVICE: &str = "render_env_variable";

/// What tells one kind from the other.
pub(super) struct RenderVariables {
    /// The kind's name, in addresses.
    pub(super) kind: &'static str,
    /// What has the variable.
    pub(super) holder: HolderKind,
    /// The argument with its id, and that argument's documentation.
    pub(super) id: (&'static str, &'static str),
}

static VARIABLES: Variables = Variables {
    platform: "Render",
    also_in_names: "-.",
};

struct Config {
    variables: &'static RenderVariables,
    holder: Holder,
    name: String,
}

impl RenderVariables {
    /// What Render offers for them.
    pub(super) const fn offers(&self) -> Offers {
        Offers {
            marks: false,
            revision: RevisionKind::SaltedDigest,
            // A group is read whole.
            pages: matches!(self.holder, HolderKind::Service),
            // No list is known to have every service or group of an account that its key may not see any more.
            proof_of_absence: false,
            // Addresses hold the id itself.
            identity: false,
        }
    }

    /// The arguments.
    pub(super) fn attributes(&self) -> Vec<Attribute> {
        let (id, words) = self.id;
        vec![
            Attribute::required(id, Type::String, words),
            Variables::name_attribute(),
        ]
    }

    /// Reads the kind's object, as [`TargetKind::parse`](super::TargetKind::parse) does.
    pub(super) fn parse(
        &'static self,
        node: &Node<'_>,
        default_name: Option<&str>,
        problems: &mut Diagnostics,
    ) -> Option<Box<dyn TargetConfig>> {
        let id_node = node.attr(self.id.0);
        let id = id_node.required_string(problems).and_then_checked(|id| {
            let mistake = self.holder.id_mistake(&id);
            if let Some(why) = mistake {
                id_node.report_not(problems, format!("the id of a {}", self.holder.noun()), why);
            }
            mistake.is_none().then_some(id)
        });
        let name = VARIABLES.name(node, default_name, problems);
        Some(Box::new(Config {
            variables: self,
            holder: Holder {
                kind: self.holder,
                id: id.known()?,
            },
            name: name.known()?,
        }))
    }

    /// Holder and name in a locator of ours, `id/NAME`.
    fn parts_of(&self, locator: &str) -> Option<(Holder, String)> {
        let (id, name) = locator.split_once('/')?;
        let fits = self.holder.id_mistake(id).is_none() && VARIABLES.is_name(name);
        let holder = Holder {
            kind: self.holder,
            id: id.to_owned(),
        };
        fits.then(|| (holder, name.to_owned()))
    }

    /// The slot at an address of this kind.
    ///
    /// # Errors
    /// A diagnostic when the address is not one of this kind, or the connection has no key.
    pub(super) fn slot(&self, address: &Address, link: &Link<'_>) -> Result<Box<dyn Slot>, Diagnostic> {
        let (holder, name) = self.parts_of(&address.locator).ok_or_else(|| {
            let mistake = StateProblem::Address {
                address: address.to_string(),
                what: "the address of a variable at Render".into(),
                expected: format!("{}/NAME", self.id.0).into(),
            };
            Diagnostic::new(Path::root(), mistake)
        })?;
        Ok(Box::new(RenderVariable {
            client: link.account::<Render>()?.client()?,
            holder,
            name,
        }))
    }

    /// What the entry at an address of this kind is called in texts.
    pub(super) fn words(&self, address: &Address) -> EntryWords {
        let Some((holder, name)) = self.parts_of(&address.locator) else {
            return EntryWords::of_text(address);
        };
        let place = format!("{} {}{}", self.holder.noun(), holder.id, address.at_host());
        EntryWords {
            noun: format!("variable {name} of {place}"),
            entry: name,
            place: format!("on {place}"),
        }
    }
}

impl TargetConfig for Config {
    fn slot(&self, _: &Link<'_>) -> Result<Address, Diagnostic> {
        let locator = format!("{}/{}", self.holder.id, self.name);
        Ok(Address::new(self.variables.kind, locator))
    }

    fn consumers(&self) -> Option<String> {
        Some(self.holder.consumers())
    }

    /// Processes get variables when they start, and only a deploy starts them with new ones.
    fn traits(&self) -> TargetTraits {
        TargetTraits {
            activation: Activation::Later,
            readable: false,
            reloads_within: None,
            follow_up: false,
        }
    }

    fn accepts(&self, value: &Secret) -> Result<(), String> {
        VARIABLES.accepts(&self.name, value)
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Target>, Diagnostic> {
        Ok(Box::new(RenderVariable {
            client: link.account::<Render>()?.client()?,
            holder: self.holder.clone(),
            name: self.name.clone(),
        }))
    }
}

/// A variable that can be reached.
struct RenderVariable {
    client: RenderClient,
    holder: Holder,
    name: String,
}

const fn entry(revision: Option<String>) -> Entry {
    Entry {
        revision,
        kind: RevisionKind::SaltedDigest,
        label: None,
        modified_at: None,
        live: None,
        detail: None,
        is_unreadable: false,
        exposed: None,
    }
}

#[async_trait]
impl Slot for RenderVariable {
    async fn inspect(&self) -> Result<Option<Entry>, CallError> {
        let names = self.client.names(&self.holder).await?;
        Ok(names.contains(&self.name).then(|| entry(None)))
    }

    async fn inspect_for(&self, recorded: &str) -> Result<Option<Entry>, CallError> {
        self.inspect_since(recorded).await
    }

    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError> {
        let names = self.client.names_now(&self.holder).await?;
        Ok(names.contains(&self.name).then(|| entry(None)))
    }

    async fn inspect_since(&self, recorded: &str) -> Result<Option<Entry>, CallError> {
        let value = self.client.value(&self.holder, &self.name).await?;
        Ok(value.map(|value| entry(value_digest::under_the_salt_of(recorded, &value))))
    }

    /// A service's own variable takes precedence over that of a group (unverified). A service that cannot be read is left out.
    async fn shadowed_by(&self) -> Result<Vec<Shadow>, CallError> {
        let mut shadowing = Vec::new();
        if self.holder.kind == HolderKind::Group {
            for linked in self.client.linked_services(&self.holder).await?.iter() {
                let service = Holder {
                    kind: HolderKind::Service,
                    id: linked.id.clone(),
                };
                let names = self.client.names(&service).await;
                if names.is_ok_and(|names| names.contains(&self.name)) {
                    shadowing.push(Shadow {
                        consumer: format!("{} {} ({})", service.kind.noun(), linked.name, linked.id),
                        written_by: Some((OF_SERVICE, format!("{}/{}", linked.id, self.name))),
                    });
                }
            }
        }
        Ok(shadowing)
    }

    fn revision_of(&self, value: &Secret) -> Option<String> {
        value_digest::new(value).ok()
    }

    async fn remove(&self, permit: &WritePermit) -> Result<(), CallError> {
        self.client.delete(&self.holder, &self.name, permit).await
    }
}

#[async_trait]
impl Target for RenderVariable {
    fn slot(&self) -> &dyn Slot {
        self
    }

    fn into_slot(self: Box<Self>) -> Box<dyn Slot> {
        self
    }

    async fn deliver(&self, deliveries: &[Delivery<'_>], permit: &WritePermit) -> Result<Vec<Receipt>, CallError> {
        let mut receipts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let revision = value_digest::of_delivery(delivery).map_err(|error| {
                CallError::refused(render::VENDOR.title, "preparing a variable", &error.to_string())
            })?;
            self.client
                .put(&self.holder, &self.name, delivery.value, permit)
                .await?;
            receipts.push(Receipt {
                revision,
                written_at: None,
            });
        }
        Ok(receipts)
    }

    /// Nothing to do: the next deploy starts processes with the new value.
    async fn activate(&self, _: Option<&str>, _: &Stop, _: &WritePermit) -> Result<Activated, CallError> {
        Ok(Activated::Live)
    }

    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        Ok(None)
    }
}
