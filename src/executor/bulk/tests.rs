use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::address::Address;
use crate::label::Label;
use crate::rotation::Entry;
use crate::target::{Activated, Escrowed, Slot};

/// A vendor that answers as it is told.
#[derive(Default)]
struct Vendor {
    /// It refuses every call with an entry of this name, for that reason.
    refuses: Option<(&'static str, CallErrorKind, Effect)>,
    /// What its receipts say instead of the name.
    says: Option<&'static str>,
    /// How many receipts it leaves out.
    forgets: usize,
    /// The interrupt that comes with the call of that number.
    interrupted: Option<(usize, Stop)>,
    /// The names in each call.
    calls: Mutex<Vec<Vec<String>>>,
}

#[async_trait]
impl Slot for Vendor {
    async fn inspect(&self) -> Result<Option<Entry>, CallError> {
        Ok(None)
    }

    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError> {
        Ok(None)
    }

    async fn remove(&self, _permit: &WritePermit) -> Result<(), CallError> {
        Ok(())
    }
}

#[async_trait]
impl Target for Vendor {
    fn slot(&self) -> &dyn Slot {
        self
    }

    fn into_slot(self: Box<Self>) -> Box<dyn Slot> {
        self
    }

    async fn deliver(&self, deliveries: &[Delivery<'_>], _permit: &WritePermit) -> Result<Vec<Receipt>, CallError> {
        let names: Vec<String> = deliveries.iter().map(|one| one.slot.locator.clone()).collect();
        let nth = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(names.clone());
            calls.len()
        };
        if let Some((_, stop)) = self.interrupted.as_ref().filter(|(at, _)| *at == nth) {
            stop.request();
        }
        if let Some((name, kind, effect)) = &self.refuses
            && names.iter().any(|known| known == name)
        {
            let error = CallError::new(kind.clone(), *effect, "Test", "writing", Some(422), "no");
            return Err(error);
        }
        let kept = names.len() - self.forgets;
        let receipts = names.into_iter().take(kept).map(|name| Receipt {
            revision: Some(self.says.map_or(name, str::to_owned)),
            written_at: None,
        });
        Ok(receipts.collect())
    }

    async fn activate(
        &self,
        _revision: Option<&str>,
        _stop: &Stop,
        _permit: &WritePermit,
    ) -> Result<Activated, CallError> {
        Ok(Activated::Live)
    }

    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        Ok(None)
    }
}

fn order(names: &[&str]) -> WriteOrder {
    let entry = |name: &&str| WrittenEntry {
        slot: Address::new("fly_secret", (*name).to_owned()),
        value: Secret::new(format!("the-value-of-{name}")),
        label: Label::new("suite", "0123456789abcdef", 1),
        content: None,
        origin: String::new(),
        generated: true,
    };
    WriteOrder {
        entries: names.iter().map(entry).collect(),
    }
}

/// What each order was told: its revisions, or kind and effect of the error.
async fn told(vendor: &Vendor, stop: &Stop) -> Vec<Result<Vec<String>, (CallErrorKind, Effect)>> {
    let orders = vec![order(&["a1", "a2"]), order(&["b"]), order(&["c"])];
    let permit = WritePermit::granted_by_apply();
    let endings = write(vendor, orders, stop, &permit).await;
    let one = |ending: Written| {
        let revisions = |receipts: Vec<Receipt>| receipts.into_iter().filter_map(|receipt| receipt.revision).collect();
        ending.map(revisions).map_err(|error| (error.kind, error.effect))
    };
    endings.into_iter().map(one).collect()
}

fn calls(vendor: &Vendor) -> Vec<String> {
    vendor
        .calls
        .lock()
        .unwrap()
        .iter()
        .map(|names| names.join(" "))
        .collect()
}

fn names(names: &[&str]) -> Result<Vec<String>, (CallErrorKind, Effect)> {
    Ok(names.iter().map(|name| (*name).to_owned()).collect())
}

#[tokio::test]
async fn one_call_writes_the_entries_of_all() {
    let vendor = Vendor::default();
    let told = told(&vendor, &Stop::default()).await;
    assert_eq!(told, [names(&["a1", "a2"]), names(&["b"]), names(&["c"])]);
    assert_eq!(calls(&vendor), ["a1 a2 b c"]);
}

#[tokio::test]
async fn an_entry_that_is_refused_fails_its_own_secret_alone() {
    let vendor = Vendor {
        refuses: Some(("b", CallErrorKind::Invalid, Effect::None)),
        ..Vendor::default()
    };
    let told = told(&vendor, &Stop::default()).await;
    let refused = Err((CallErrorKind::Invalid, Effect::None));
    assert_eq!(told, [names(&["a1", "a2"]), refused, names(&["c"])]);
    assert_eq!(calls(&vendor), ["a1 a2 b c", "a1 a2", "b", "c"]);
}

#[tokio::test]
async fn what_concerns_them_all_is_told_to_all_and_asked_once() {
    for (kind, effect) in [
        (CallErrorKind::Forbidden, Effect::None),
        (CallErrorKind::NotFound, Effect::None),
        (CallErrorKind::RateLimited { retry_after: None }, Effect::None),
        (CallErrorKind::TimedOut, Effect::Possible),
        (CallErrorKind::Unavailable, Effect::Possible),
    ] {
        let vendor = Vendor {
            refuses: Some(("b", kind.clone(), effect)),
            ..Vendor::default()
        };
        assert_eq!(told(&vendor, &Stop::default()).await, vec![Err((kind, effect)); 3]);
        assert_eq!(calls(&vendor), ["a1 a2 b c"]);
    }
}

#[tokio::test]
async fn an_interrupt_leaves_unwritten_what_has_not_begun() {
    let stop = Stop::default();
    let vendor = Vendor {
        refuses: Some(("c", CallErrorKind::Invalid, Effect::None)),
        interrupted: Some((2, stop.clone())),
        ..Vendor::default()
    };
    let interrupted = || Err((CallErrorKind::Interrupted, Effect::None));
    assert_eq!(
        told(&vendor, &stop).await,
        [names(&["a1", "a2"]), interrupted(), interrupted()]
    );
    assert_eq!(calls(&vendor), ["a1 a2 b c", "a1 a2"]);
}

#[tokio::test]
async fn an_answer_that_is_not_that_of_the_call_is_nobodys_receipt() {
    let short = Vendor {
        forgets: 1,
        ..Vendor::default()
    };
    // The value of one secret in the receipt of another would be stored in a state.
    let repeats = Vendor {
        says: Some("the-value-of-c@7"),
        ..Vendor::default()
    };
    for vendor in [short, repeats] {
        let unknown = Err((CallErrorKind::Malformed, Effect::Possible));
        assert_eq!(told(&vendor, &Stop::default()).await, vec![unknown; 3]);
        assert_eq!(calls(&vendor).len(), 1);
    }
}
