//! Writing the entries of a container that several applies bring, in one call.

use super::response_guard;
use super::shared_work::{Order as _, WriteOrder, WrittenEntry};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::secret::Secret;
use crate::stop::Stop;
use crate::target::{Delivery, Receipt, Target};

/// The receipts of one order.
type Written = Result<Vec<Receipt>, CallError>;

/// Writes all that was brought: in one call, or, where that was refused because of what some entry is, order by order, so that none
/// fails for the sake of another. Gives back what came of each. The values go with the last call that needs them.
pub(super) async fn write(
    adapter: &dyn Target,
    orders: Vec<WriteOrder>,
    stop: &Stop,
    permit: &WritePermit,
) -> Vec<Written> {
    let entries: Vec<&WrittenEntry> = orders.iter().flat_map(|order| &order.entries).collect();
    let error = match call(adapter, &entries, permit).await {
        Ok(receipts) => {
            let mut receipts = receipts.into_iter();
            let each = orders
                .iter()
                .map(|order| Ok(receipts.by_ref().take(order.entries.len()).collect()));
            return each.collect();
        }
        Err(error) => error,
    };
    if orders.len() == 1 || !is_about_an_entry(&error) {
        return orders.iter().map(|_| Err(error.clone())).collect();
    }
    tracing::info!(%error, "the entries of several secrets were refused together, and are written secret by secret");
    let mut endings = Vec::new();
    for order in orders {
        let entries: Vec<&WrittenEntry> = order.entries.iter().collect();
        endings.push(match stop.requested() {
            true => WriteOrder::interrupted(),
            false => call(adapter, &entries, permit).await,
        });
    }
    endings
}

/// Whether the vendor refused what was sent, so that less of it might be accepted: neither the credential nor the container nor the time.
fn is_about_an_entry(error: &CallError) -> bool {
    error.kind == CallErrorKind::Invalid && error.effect == Effect::None
}

async fn call(adapter: &dyn Target, entries: &[&WrittenEntry], permit: &WritePermit) -> Written {
    let deliveries: Vec<Delivery<'_>> = entries.iter().map(|entry| entry.delivery()).collect();
    let values: Vec<&Secret> = entries.iter().map(|entry| &entry.value).collect();
    // No value may come back in the receipt of any of them.
    let receipts = response_guard::receipts(adapter.deliver(&deliveries, permit).await, &values)?;
    if receipts.len() == entries.len() {
        return Ok(receipts);
    }
    let what = format!("it answers for {} entries instead of {}", receipts.len(), entries.len());
    let operation = "reading the answer to a write";
    Err(CallError::malformed("the vendor", operation, Effect::Possible, &what))
}

#[cfg(test)]
mod tests;
