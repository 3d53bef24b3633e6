//! What is parked, against what should be.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::rotation::Ledger;
use crate::spec::Config;

/// Whether two addresses are one entry, as far as that shows without a call; the connection only says how to reach it.
fn is_one(known: &Address, here: &Address) -> bool {
    known.is_same_place(here) || known.is_elsewhere(here) && (!known.is_complete() || !here.is_complete())
}

/// Whether what is parked stands elsewhere than the configuration says.
pub(in crate::provider::secret) fn moves(ledger: &Ledger, config: &Config) -> bool {
    let known = ledger.escrow().and_then(|escrow| escrow.slot.parse::<Address>().ok());
    let (Some(known), Some(here)) = (known, &config.escrow) else {
        return false;
    };
    !is_one(&known, &here.slot) && !fits(&known, &here.slot)
}

/// Whether the account that is not known yet may be the one on record.
fn fits(known: &Address, here: &Address) -> bool {
    known.is_elsewhere(here) && crate::address::places_fit(&known.place, &here.place)
}

/// The address on record under the connection that leads there now, where that has another name.
pub(super) fn renamed(ledger: &Ledger, config: &Config) -> BTreeMap<String, String> {
    let known = ledger.escrow().map(|escrow| escrow.slot.as_str());
    let known = known.and_then(|text| Some((text, text.parse::<Address>().ok()?)));
    let (Some((text, known)), Some(here)) = (known, &config.escrow) else {
        return BTreeMap::new();
    };
    if !fits(&known, &here.slot) || known.connection == here.slot.connection {
        return BTreeMap::new();
    }
    let connection = here.slot.connection.clone();
    BTreeMap::from([(text.to_owned(), Address { connection, ..known }.to_string())])
}

/// Whether something is parked that should not be any more, or not there.
pub(super) fn is_untidy(ledger: &Ledger, config: &Config) -> bool {
    let off = ledger.escrow().is_some() && config.escrow.is_none();
    off || !ledger.left_in_escrow().is_empty() || moves(ledger, config)
}
