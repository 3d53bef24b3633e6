//! What sources have in common whose values nobody issues, and those that are made on this machine.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{Credential, Issuance, Issuer, Liveness, MintOrder, Minted, Source, SourceTraits};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::randomness::NoEntropy;
use crate::secret::Parts;

/// Makes values on this machine.
pub(super) trait Generator: Send + Sync {
    /// A new value.
    fn generate(&self) -> Result<Minted, Failed>;

    /// What a readable target gave back, with the parts that follow from it; `None` when they do not.
    fn restore(&self, found: Parts) -> Option<Minted> {
        Some(Minted {
            credential: None,
            parts: found,
            public: BTreeMap::new(),
        })
    }
}

/// Why there is no new value.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// The system's generator gave nothing.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// The crypto backend gave no key of that kind.
    #[error("the crypto library could not make a key of the kind {0}")]
    NoKey(&'static str),
}

/// A generator as a source.
pub(super) struct Generated<G>(pub(super) G);

/// The facts of every generator.
pub(super) const TRAITS: SourceTraits = SourceTraits {
    issuance: Issuance::Fresh { at_most: None },
    lists: false,
    revocable: false,
    reveals: false,
    reveals_superseded: false,
    generated: true,
};

/// A source whose values nobody issues: there is nothing to list, to ask or to revoke.
pub(super) trait Unissued: Send + Sync {}

impl<G: Generator> Unissued for Generated<G> {}

#[async_trait]
impl<S: Unissued> Issuer for S {
    async fn survey(&self) -> Result<Vec<Credential>, CallError> {
        Ok(Vec::new())
    }

    async fn liveness(&self, _id: &str) -> Result<Liveness, CallError> {
        Ok(Liveness::CannotTell)
    }

    async fn authenticates_this_run(&self, _id: &str) -> Result<bool, CallError> {
        Ok(false)
    }

    async fn revoke(&self, _id: &str, _permit: &WritePermit) -> Result<(), CallError> {
        Ok(())
    }
}

#[async_trait]
impl<G: Generator> Source for Generated<G> {
    fn issuer(&self) -> &dyn Issuer {
        self
    }

    async fn inspect(&self) -> Result<(), CallError> {
        Ok(())
    }

    async fn mint(&self, _order: &MintOrder, _permit: &WritePermit) -> Result<Minted, CallError> {
        aside(|| self.0.generate()).map_err(|error| {
            let message = format!("{error}; nothing was changed");
            CallError::new(
                CallErrorKind::Unavailable,
                Effect::None,
                "this machine",
                "generating a value",
                None,
                &message,
            )
        })
    }

    async fn restore(&self, found: Parts, _order: &MintOrder) -> Result<Option<Minted>, CallError> {
        Ok(aside(|| self.0.restore(found)))
    }
}

/// Computes for long (primes of an RSA key) without keeping other tasks from this thread.
fn aside<T>(compute: impl FnOnce() -> T) -> T {
    let threads = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    if matches!(threads, Ok(RuntimeFlavor::MultiThread)) {
        tokio::task::block_in_place(compute)
    } else {
        compute()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::*;
    use crate::label::Label;
    use crate::source::Handles;

    /// Computes until somebody else has had a turn.
    struct Slow(Mutex<Receiver<()>>);

    impl Generator for Slow {
        fn generate(&self) -> Result<Minted, Failed> {
            let turn = self.0.lock().unwrap().recv_timeout(Duration::from_secs(20));
            Err(Failed::NoKey(turn.map_or("that keeps others", |()| "that is slow")))
        }
    }

    #[test]
    fn while_a_value_is_computed_other_tasks_go_on() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
        let (others, turn) = channel();
        let minted = async move {
            let source = Generated(Slow(Mutex::new(turn)));
            let other = tokio::spawn(async move { others.send(()).unwrap() });
            let order = MintOrder {
                label: Label::new("t", "0123456789abcdef", 1),
                handles: Handles::default(),
            };
            let minted = source.mint(&order, &WritePermit::granted_by_apply()).await;
            other.await.unwrap();
            minted.map(|_| ()).unwrap_err().message
        };
        let runtime = runtime.unwrap();
        let message = runtime.block_on(runtime.spawn(minted)).unwrap();
        assert!(message.contains("that is slow"), "{message}");
    }
}
