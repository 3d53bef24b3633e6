//! What the cases of sources work with, and their table.

use std::collections::BTreeSet;
use std::sync::Arc;

use rotation_provider::address::Address;
use rotation_provider::call::CallError;
use rotation_provider::connection::Connections;
use rotation_provider::label::Label;
use rotation_provider::part::PartNames;
use rotation_provider::secret::Secret;
use rotation_provider::source::{
    Credential, Handles, Issuer, Maker, MintOrder, Minted, Offers, Source, SourceConfig, SourceTraits,
};
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};

use super::targets::{label, permit};
use super::{credentials, issuer_lost, issuer_refused, link, placed};
use crate::fixtures::{Credentials, Held, Issued};
use crate::vendor;
use crate::world::{RESEND, World};

/// A source of the kind in a world of its own, if it has a vendor.
pub(crate) struct Bench {
    pub(crate) fixture: &'static dyn Credentials,
    world: Option<World>,
}

impl Bench {
    pub(crate) fn new(fixture: &'static dyn Credentials, world: Option<World>) -> Self {
        Self { fixture, world }
    }

    pub(crate) fn world(&self) -> &World {
        self.world
            .as_ref()
            .expect("its declaration names a vendor as the maker")
    }

    pub(crate) fn issued(&self) -> &dyn Issued {
        self.fixture
            .issued()
            .expect("its declaration names a vendor as the maker")
    }

    /// The name of its kind in snapshots; a target may have the same.
    pub(crate) fn snapshot(&self) -> String {
        let name = self.fixture.kind().name;
        match rotation_provider::target::kind(name) {
            Some(_) => format!("source_{name}"),
            None => name.to_owned(),
        }
    }

    pub(crate) fn offers(&self) -> Offers {
        self.fixture.kind().offers
    }

    pub(crate) fn traits(&self) -> SourceTraits {
        self.config(&self.fixture.arguments(), &self.fixture.resource())
            .traits()
    }

    fn config(&self, arguments: &Value, resource: &Value) -> Box<dyn SourceConfig> {
        let mut problems = Diagnostics::new();
        let (node, root) = (
            Node::root(arguments, Origin::Configuration),
            Node::root(resource, Origin::Configuration),
        );
        let config = (self.fixture.kind().parse)(&node, &root, &mut problems);
        config.unwrap_or_else(|| panic!("{problems:?}"))
    }

    fn connections(&self) -> Arc<Connections> {
        self.world
            .as_ref()
            .map_or_else(|| vendor::connections(&[]), World::later_run)
    }

    /// The source as a run sees it that has listed nothing yet.
    pub(crate) fn source(&self) -> Box<dyn Source> {
        self.source_with(&self.fixture.arguments())
    }

    pub(crate) fn source_with(&self, arguments: &Value) -> Box<dyn Source> {
        self.config(arguments, &self.fixture.resource())
            .connect(&link(self.fixture.kind().reach, RESEND, &self.connections()))
            .unwrap()
    }

    /// One whose next credential is another.
    pub(crate) fn other_source(&self) -> Box<dyn Source> {
        let config = self.config(&self.fixture.arguments(), &self.fixture.other_resource());
        config
            .connect(&link(self.fixture.kind().reach, RESEND, &self.connections()))
            .unwrap()
    }

    pub(crate) fn parts(&self) -> PartNames {
        self.config(&self.fixture.arguments(), &self.fixture.resource()).parts()
    }

    pub(crate) fn label_limit(&self) -> Option<usize> {
        self.config(&self.fixture.arguments(), &self.fixture.resource())
            .label_limit()
    }

    /// The issuer as it is found again when the configuration is gone.
    pub(crate) fn at_address(&self, arguments: &Value) -> Box<dyn Issuer> {
        let connections = self.connections();
        let kind = self.fixture.kind();
        let address = Address {
            place: placed(kind.reach, RESEND, &connections),
            ..self.config(arguments, &self.fixture.resource()).issuer()
        };
        let stored = address.to_string().parse().unwrap();
        (kind.issuer)(&stored, &link(kind.reach, RESEND, &connections))
            .unwrap()
            .expect("a vendor revokes them")
    }

    /// The credentials that work, as the vendor itself knows them.
    pub(crate) fn alive(&self) -> Vec<Held> {
        self.issued().alive(self.world())
    }

    /// Whether a credential works, with that value.
    pub(crate) fn works(&self, id: &str, value: &Secret) -> bool {
        let is_it = |held: &Held| held.id == id && self.issued().is_of(self.world(), held, value.expose());
        self.alive().iter().any(is_it)
    }

    pub(crate) async fn mint(&self, order: &MintOrder) -> Result<Minted, CallError> {
        self.source().mint(order, &permit()).await
    }
}

pub(crate) fn order(generation: u64) -> MintOrder {
    ordered(label(generation))
}

pub(crate) fn ordered(label: Label) -> MintOrder {
    MintOrder {
        label,
        handles: Handles::default(),
    }
}

/// What follows on a credential that is in use.
pub(crate) fn after(generation: u64, predecessor: &Credential) -> MintOrder {
    MintOrder {
        handles: Handles {
            before: None,
            predecessor_minted_at: predecessor.minted_at,
            unexplained: true,
            in_use: BTreeSet::from([predecessor.id.clone()]),
            in_place: None,
        },
        ..order(generation)
    }
}

fn not_issued(bench: &Bench) -> Option<&'static str> {
    match bench.fixture.kind().maker {
        Maker::Issuer => None,
        Maker::Us => Some("maker is Us: no vendor is called"),
        Maker::Person => Some("maker is Person: no vendor is called"),
    }
}

fn not_listed(bench: &Bench) -> Option<&'static str> {
    not_issued(bench).or((!bench.traits().lists).then_some("traits.lists is false"))
}

fn no_pages(bench: &Bench) -> Option<&'static str> {
    not_issued(bench).or((!bench.offers().pages).then_some("offers.pages is false"))
}

fn no_names(bench: &Bench) -> Option<&'static str> {
    not_issued(bench).or((!bench.offers().names).then_some("offers.names is false"))
}

fn no_proof(bench: &Bench) -> Option<&'static str> {
    not_issued(bench).or((!bench.offers().proof_of_absence).then_some("offers.proof_of_absence is false"))
}

fn no_successor_at_once(bench: &Bench) -> Option<&'static str> {
    not_issued(bench).or((!bench.traits().replaces()).then_some("traits.replaces is false"))
}

fn not_taken_up(bench: &Bench) -> Option<&'static str> {
    no_successor_at_once(bench).or((!bench.traits().reveals).then_some("traits.reveals is false"))
}

fn replaces(bench: &Bench) -> Option<&'static str> {
    not_issued(bench).or(bench.traits().replaces().then_some("traits.replaces is true"))
}

crate::cases! { Bench;
    credentials::a_credential_has_the_parts_that_are_declared,
    credentials::no_two_credentials_are_the_same,
    credentials::what_was_read_back_is_the_credential_that_it_is,
    credentials::a_credential_carries_its_label_lives_and_dies unless not_issued,
    credentials::one_credential_ends_the_one_before unless no_successor_at_once,
    credentials::one_credential_leaves_the_one_before_alone unless replaces,
    credentials::the_longest_label_is_kept unless no_names,
    credentials::credentials_of_others_are_nobodys_whatever_their_names unless no_names,
    credentials::all_readers_share_one_listing unless not_issued,
    credentials::a_listing_is_read_to_its_last_page unless no_pages,
    credentials::an_issuer_is_found_again_by_its_address unless not_issued,
    credentials::an_empty_id_is_refused_without_a_call unless not_issued,
    credentials::what_was_just_made_is_not_the_credential_of_this_run unless not_issued,
    credentials::requests_are_as_reviewed unless not_issued,
    issuer_lost::a_mint_that_is_lost_on_its_way_is_sent_once_and_unknown unless not_issued,
    issuer_lost::a_mint_whose_answer_is_lost_is_found_by_its_label unless not_listed,
    issuer_lost::a_mint_whose_answer_is_lost_is_taken_up_by_the_next unless not_taken_up,
    issuer_lost::a_revocation_that_is_lost_on_its_way_is_unknown_or_done unless not_issued,
    issuer_lost::a_revocation_whose_answer_is_lost_is_unknown_or_done unless not_issued,
    issuer_lost::a_listing_that_is_lost_is_read_again unless not_issued,
    issuer_refused::refusals_are_told_in_words unless not_issued,
    issuer_refused::a_refused_mint_makes_nothing unless not_issued,
    issuer_refused::a_container_that_is_not_there_is_refused_before_the_mint unless not_issued,
    issuer_refused::a_bare_refusal_to_look_proves_nothing unless not_issued,
    issuer_refused::a_container_that_is_proved_gone_is_gone unless no_proof,
    issuer_refused::no_error_shows_a_new_value_or_the_credential_of_this_run unless not_issued,
}
