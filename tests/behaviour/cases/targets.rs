//! What the cases of targets work with, and their table.

use std::sync::Arc;

use jiff::Timestamp;
use rotation_provider::address::Address;
use rotation_provider::call::{CallError, WritePermit};
use rotation_provider::connection::Connections;
use rotation_provider::label::Label;
use rotation_provider::rotation::{DeliveryRecord, DeliveryStatus, RevisionKind, Verdict, judge};
use rotation_provider::secret::Secret;
use rotation_provider::target::{Activation, Delivery, Offers, Receipt, Slot, Target, TargetConfig};
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};

use super::{entries, link, lost, ownership, placed, refused};
use crate::fixtures::Entries;
use crate::world::{PLATFORM, World};

/// The id of the secret in every case.
pub(crate) const ID: &str = "0123456789abcdef0123456789abcdef";

/// A value that no error may show.
pub(crate) const VALUE: &str = "canary-6f1d0c2b9a7e4835-canary";

pub(crate) fn permit() -> WritePermit {
    WritePermit::granted_by_apply()
}

pub(crate) fn label(generation: u64) -> Label {
    Label::new("suite", ID, generation)
}

/// A target of the kind in a world of its own.
pub(crate) struct Bench {
    pub(crate) fixture: &'static dyn Entries,
    pub(crate) world: World,
}

/// One entry of the bench.
pub(crate) struct Entry {
    pub(crate) arguments: Value,
    pub(crate) config: Arc<dyn TargetConfig>,
    pub(crate) address: Address,
    pub(crate) target: Box<dyn Target>,
}

impl Bench {
    pub(crate) fn new(fixture: &'static dyn Entries, world: World) -> Self {
        fixture.seed(&world);
        Self { fixture, world }
    }

    pub(crate) fn offers(&self) -> Offers {
        self.fixture.kind().offers
    }

    /// The entry `KEY`.
    pub(crate) fn key(&self) -> Entry {
        self.named("KEY")
    }

    pub(crate) fn named(&self, name: &str) -> Entry {
        self.entry(self.fixture.named(&self.world, name))
    }

    pub(crate) fn entry(&self, arguments: Value) -> Entry {
        self.entry_of(arguments, &self.world.connections)
    }

    /// The same entry as a later run sees it.
    pub(crate) fn later(&self, entry: &Entry) -> Entry {
        self.entry_of(entry.arguments.clone(), &self.world.later_run())
    }

    fn entry_of(&self, arguments: Value, connections: &Connections) -> Entry {
        let kind = self.fixture.kind();
        let mut problems = Diagnostics::new();
        let node = Node::root(&arguments, Origin::Configuration);
        let config = (kind.parse)(&node, Some("KEY"), &mut problems);
        let config: Arc<dyn TargetConfig> = config.unwrap_or_else(|| panic!("{problems:?}")).into();
        let place = placed(kind.reach, PLATFORM, connections);
        let address = Address {
            place,
            ..config.slot(&link(kind.reach, PLATFORM, connections)).unwrap()
        };
        let target = config.connect(&link(kind.reach, PLATFORM, connections)).unwrap();
        Entry {
            arguments,
            config,
            address,
            target,
        }
    }

    /// The slot as it is found again when the configuration is gone.
    pub(crate) fn at_address(&self, entry: &Entry) -> Box<dyn Slot> {
        let stored = entry.address.to_string().parse().unwrap();
        let kind = self.fixture.kind();
        (kind.slot)(&stored, &link(kind.reach, PLATFORM, &self.world.later_run())).unwrap()
    }

    pub(crate) fn held(&self, entry: &Entry) -> Option<String> {
        self.fixture.held(&self.world, &entry.arguments)
    }

    /// Somebody writes it by hand, and time passes where the vendor's is coarse.
    pub(crate) async fn by_hand(&self, entry: &Entry, value: &str) {
        self.a_moment().await;
        self.fixture.write_by_hand(&self.world, &entry.arguments, value);
    }

    /// So long that two writes are told apart.
    pub(crate) async fn a_moment(&self) {
        if self.offers().revision == RevisionKind::Time {
            tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        }
    }
}

impl Entry {
    pub(crate) async fn deliver(&self, value: &str, generation: u64) -> Result<Receipt, CallError> {
        let (value, label) = (Secret::new(value.to_owned()), label(generation));
        let delivery = Delivery {
            slot: self.address.clone(),
            value: &value,
            label: &label,
            content: None,
            origin: "9f3ac01b",
            generated: true,
        };
        let receipts = self.target.deliver(&[delivery], &permit()).await?;
        assert_eq!(receipts.len(), 1);
        Ok(receipts[0].clone())
    }

    /// What a ledger keeps of a delivery.
    pub(crate) fn record(&self, receipt: &Receipt, generation: u64) -> DeliveryRecord {
        DeliveryRecord {
            generation: Some(generation),
            status: DeliveryStatus::Current,
            revision: receipt.revision.clone(),
            delivered_at: Some(receipt.written_at.unwrap_or_else(Timestamp::now)),
            ..DeliveryRecord::new(self.address.to_string())
        }
    }

    /// Whose the entry is now, to whoever has that record.
    pub(crate) async fn whose(&self, record: &DeliveryRecord) -> Verdict {
        let seen = match &record.revision {
            Some(revision) => self.target.slot().inspect_since(revision).await,
            None => self.target.slot().inspect_directly().await,
        };
        judge(record, seen.unwrap().as_ref(), ID)
    }

    pub(crate) async fn remove(&self) -> Result<(), CallError> {
        self.target.slot().remove(&permit()).await
    }
}

fn no_pages(bench: &Bench) -> Option<&'static str> {
    (!bench.offers().pages).then_some("offers.pages is false")
}

fn no_proof(bench: &Bench) -> Option<&'static str> {
    (!bench.offers().proof_of_absence).then_some("offers.proof_of_absence is false")
}

fn no_identity(bench: &Bench) -> Option<&'static str> {
    (!bench.offers().identity).then_some("offers.identity is false")
}

fn no_marks(bench: &Bench) -> Option<&'static str> {
    (!bench.offers().marks).then_some("offers.marks is false")
}

fn marks(bench: &Bench) -> Option<&'static str> {
    bench.offers().marks.then_some("offers.marks is true")
}

fn not_readable(bench: &Bench) -> Option<&'static str> {
    let readable = bench.key().config.traits().readable;
    (!readable).then_some("traits.readable is false")
}

fn not_ours_to_activate(bench: &Bench) -> Option<&'static str> {
    let itself = bench.key().config.traits().activation == Activation::Itself;
    (!itself).then_some("traits.activation is not Itself")
}

crate::cases! { Bench;
    entries::a_value_is_there_once_written_and_again_once_written_again,
    entries::another_value_takes_its_place,
    entries::a_removed_entry_is_gone_and_its_neighbour_is_not,
    entries::an_entry_is_found_again_by_its_address,
    entries::all_readers_share_one_listing,
    entries::a_listing_is_read_to_its_last_page unless no_pages,
    entries::odd_names_stay_what_they_are,
    entries::a_value_beyond_the_limit_is_refused_without_a_call,
    entries::a_value_can_be_read_back_with_its_mark unless not_readable,
    entries::a_write_is_made_live_and_once_is_enough unless not_ours_to_activate,
    entries::a_container_has_an_identity_that_is_read_once unless no_identity,
    entries::requests_are_as_reviewed,
    lost::a_write_that_is_lost_on_its_way_is_repeated_or_unknown,
    lost::a_write_whose_answer_is_lost_is_repeated_or_unknown,
    lost::a_removal_that_is_lost_on_its_way_is_repeated_or_unknown,
    lost::a_removal_whose_answer_is_lost_is_repeated_or_unknown,
    lost::a_read_that_is_lost_is_repeated,
    refused::refusals_are_told_in_words,
    refused::a_refused_write_changes_nothing,
    refused::a_bare_refusal_to_look_proves_nothing,
    refused::a_container_that_is_proved_gone_is_gone unless no_proof,
    refused::no_error_shows_the_value_or_the_credential_of_this_run,
    ownership::revisions_tell_our_write_from_anothers,
    ownership::a_mark_tells_the_generation unless no_marks,
    ownership::a_create_refuses_what_somebody_else_wrote,
    ownership::an_interrupted_create_is_taken_up unless no_marks,
    ownership::an_interrupted_create_without_a_mark_is_refused unless marks,
}
