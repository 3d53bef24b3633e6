//! Joins questions that are asked within a few milliseconds into one call.
//!
//! Terraform refreshes many resources at once, each asking for one name; AWS takes fifty names in one call and allows few
//! calls a second. Nothing is kept: a question asked later is answered by a later call.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};

use crate::call::CallError;
use crate::clock::Clock;

/// How long the first question of a batch waits for others.
const WINDOW: Duration = Duration::from_millis(5);

/// Answers by key, asked for in batches of at most `size`.
pub(super) struct Batches<T> {
    clock: Clock,
    size: usize,
    open: Mutex<Option<Batch<T>>>,
}

/// The keys of a batch that still takes some; `None` once its call has begun.
type Keys = Arc<Mutex<Option<Vec<String>>>>;

/// A failure is everybody's.
type Answer<T> = Result<Arc<BTreeMap<String, T>>, CallError>;

struct Batch<T> {
    keys: Keys,
    /// Driven by whoever waits for it, so that it survives an abandoned caller.
    answer: Shared<BoxFuture<'static, Answer<T>>>,
}

impl<T: Clone + Send + Sync + 'static> Batches<T> {
    /// No batch yet.
    pub(super) fn new(clock: Clock, size: usize) -> Self {
        Self {
            clock,
            size,
            open: Mutex::new(None),
        }
    }

    /// The answer for `key`; `None` when the call knows nothing of it. `fetch` asks for all keys of a batch; that of the
    /// caller who opened the batch is used.
    ///
    /// # Errors
    /// Those of `fetch`.
    pub(super) async fn get<F, A>(&self, key: &str, fetch: F) -> Result<Option<T>, CallError>
    where
        F: FnOnce(Vec<String>) -> A + Send + 'static,
        A: Future<Output = Result<BTreeMap<String, T>, CallError>> + Send + 'static,
    {
        let answer = self.join(key, fetch);
        Ok(answer.await?.get(key).cloned())
    }

    fn join<F, A>(&self, key: &str, fetch: F) -> Shared<BoxFuture<'static, Answer<T>>>
    where
        F: FnOnce(Vec<String>) -> A + Send + 'static,
        A: Future<Output = Result<BTreeMap<String, T>, CallError>> + Send + 'static,
    {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(batch) = open.as_ref()
            && add(&batch.keys, key, self.size)
        {
            return batch.answer.clone();
        }
        let keys: Keys = Arc::new(Mutex::new(Some(vec![key.to_owned()])));
        let (asked, clock) = (Arc::clone(&keys), self.clock);
        let answer = async move {
            clock.sleep(WINDOW).await;
            let keys = asked.lock().unwrap_or_else(PoisonError::into_inner).take();
            fetch(keys.unwrap_or_default()).await.map(Arc::new)
        };
        let answer = answer.boxed().shared();
        *open = Some(Batch {
            keys,
            answer: answer.clone(),
        });
        answer
    }
}

/// Adds a key unless the batch has begun or is full.
fn add(keys: &Keys, key: &str, size: usize) -> bool {
    let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(keys) = keys.as_mut() else {
        return false;
    };
    if keys.iter().any(|known| known == key) {
        return true;
    }
    let room = keys.len() < size;
    if room {
        keys.push(key.to_owned());
    }
    room
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

    use super::*;
    use crate::call::{CallErrorKind, Effect};
    use crate::simulation::play;

    #[tokio::test]
    async fn questions_of_one_moment_share_calls_and_later_ones_do_not() {
        let batches = Batches::new(Clock::default(), 10);
        let calls = Arc::new(AtomicUsize::new(0));
        let fetch = |calls: Arc<AtomicUsize>| {
            move |keys: Vec<String>| async move {
                assert!(keys.len() <= 10);
                calls.fetch_add(1, Ordering::SeqCst);
                Ok(keys
                    .into_iter()
                    .filter(|key| key != "7")
                    .map(|key| (key.clone(), key))
                    .collect())
            }
        };
        let keys: Vec<String> = (0..25).map(|n| n.to_string()).collect();
        let answers = join_all(keys.iter().map(|key| batches.get(key, fetch(Arc::clone(&calls))))).await;
        for (key, answer) in keys.iter().zip(answers) {
            let expected = (key != "7").then(|| key.clone());
            assert_eq!(answer, Ok(expected));
        }
        assert_eq!(calls.load(Ordering::SeqCst), 3);
        assert_eq!(
            batches.get("1", fetch(Arc::clone(&calls))).await,
            Ok(Some("1".to_owned()))
        );
        assert_eq!(calls.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn a_caller_who_gives_up_does_not_take_the_others_along() {
        let batches = Batches::new(Clock::default(), 10);
        let fetch = |keys: Vec<String>| async move { Ok(keys.into_iter().map(|key| (key, 1_u8)).collect()) };
        let mut first = Box::pin(batches.get("a", fetch));
        let mut second = Box::pin(batches.get("b", fetch));
        assert!(futures::poll!(&mut first).is_pending());
        assert!(futures::poll!(&mut second).is_pending());
        drop(first);
        assert_eq!(second.await, Ok(Some(1)));
    }

    #[test]
    fn every_answer_is_of_the_own_key_and_later_than_the_question() {
        use tokio::time::Instant;

        let pause = Duration::from_millis(300);
        play(0..500, |dice| async move {
            let batches = Batches::new(Clock::default(), 4);
            let askers = (0..20).map(|nth| {
                let (dice, batches) = (dice.clone(), &batches);
                async move {
                    dice.pause(pause).await;
                    let (key, asked) = (format!("key {}", nth % 12), Instant::now());
                    let lost = dice.once_in(5);
                    let takes = Duration::from_millis(dice.below(200));
                    let fetch = move |keys: Vec<String>| async move {
                        assert!(keys.len() <= 4);
                        let at = Instant::now();
                        tokio::time::sleep(takes).await;
                        let down = CallError::new(CallErrorKind::Unavailable, Effect::None, "Test", "asking", None, "");
                        let answers = keys.into_iter().map(|key| (key.clone(), (key, at)));
                        if lost { Err(down) } else { Ok(answers.collect()) }
                    };
                    let asking = batches.get(&key, fetch);
                    let answer = match dice.once_in(6) {
                        true => tokio::time::timeout(Duration::from_millis(dice.below(50)), asking).await,
                        false => Ok(asking.await),
                    };
                    if let Ok(Ok(answer)) = answer {
                        let (of, at) = answer.unwrap();
                        assert_eq!(of, key);
                        assert!(at >= asked, "answered by a call that had begun before");
                    }
                }
            });
            join_all(askers).await;
        });
    }

    #[tokio::test]
    async fn a_failure_is_everybodys_and_is_not_kept() {
        let batches: Batches<u8> = Batches::new(Clock::default(), 10);
        let down = CallError::new(CallErrorKind::Unavailable, Effect::None, "Test", "asking", None, "");
        let failure = down.clone();
        let fails = |_| async move { Err(failure) };
        assert_eq!(batches.get("a", fails).await, Err(down));
        let works = |keys: Vec<String>| async move { Ok(keys.into_iter().map(|key| (key, 2)).collect()) };
        assert_eq!(batches.get("a", works).await, Ok(Some(2)));
    }
}
