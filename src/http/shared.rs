//! A listing that is read once and shared by all who need it.
//!
//! Many targets of one account ask for the same listing during one run; the vendors' limits (Fly: one request a second and
//! app) would not bear it otherwise. Whoever writes either forgets it, or takes the confirmed write into it. What others may change
//! meanwhile is kept for [`LIFE`] only, since a run may wait for hours; what they do not change, for the whole run.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::clock::{Clock, Deadline};

/// How long a listing is kept, counted from the moment at which it was asked for.
const LIFE: Duration = Duration::from_secs(60);

/// Values by key, each fetched at most once at a time. Clones share the content.
pub struct Shared<T> {
    cells: Arc<Mutex<Cells<T>>>,
    /// For values that do not live for the whole run.
    clock: Option<Clock>,
}

type Cells<T> = BTreeMap<String, Arc<Cell<T>>>;

struct Cell<T> {
    value: OnceCell<Arc<T>>,
    dies: Option<Deadline>,
}

impl<T> Cell<T> {
    fn is_dead(&self) -> bool {
        self.dies.is_some_and(|dies| dies.passed())
    }
}

impl<T> Shared<T> {
    /// Holds nothing yet, and keeps what it will hold until it is told to forget it.
    pub fn new() -> Self {
        Self {
            cells: Arc::default(),
            clock: None,
        }
    }

    /// Holds nothing yet, and keeps each value for [`LIFE`].
    pub fn for_a_while(clock: Clock) -> Self {
        Self {
            clock: Some(clock),
            ..Self::new()
        }
    }

    /// The value of `key`; fetched unless it is there. Concurrent callers wait for one fetch.
    ///
    /// # Errors
    /// Those of `fetch`. They are not kept: the next caller fetches again.
    pub async fn get<E, F>(&self, key: &str, fetch: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let cell = self.with(|cells| match cells.get(key) {
            Some(cell) if !cell.is_dead() => Arc::clone(cell),
            _ => {
                let cell = self.cell(OnceCell::new());
                drop(cells.insert(key.to_owned(), Arc::clone(&cell)));
                cell
            }
        });
        let value = cell.value.get_or_try_init(|| async { fetch().await.map(Arc::new) });
        Ok(Arc::clone(value.await?))
    }

    /// Forgets the value of `key`, after a write to what it lists. A fetch that is under way answers its own callers only.
    pub fn forget(&self, key: &str) {
        self.with(|cells| drop(cells.remove(key)));
    }

    /// Takes a write that the vendor has confirmed into the value of `key`, so that it need not be fetched again. Whether a fetch that is
    /// under way has seen the write is unknown: it answers its own callers only.
    pub fn amend(&self, key: &str, change: impl FnOnce(&mut T))
    where
        T: Clone,
    {
        self.with(|cells| {
            let Some(known) = cells.remove(key) else { return };
            let Some(value) = known.value.get() else { return };
            let mut value = T::clone(value);
            change(&mut value);
            let amended = Cell {
                value: OnceCell::new_with(Some(Arc::new(value))),
                dies: known.dies,
            };
            drop(cells.insert(key.to_owned(), Arc::new(amended)));
        });
    }

    /// What a write to `key` leaves: the confirmed change, or nothing where its outcome is unknown.
    pub fn settle<A, E>(&self, key: &str, answer: &Result<A, E>, change: impl FnOnce(&mut T, &A))
    where
        T: Clone,
    {
        match answer {
            Ok(answer) => self.amend(key, |value| change(value, answer)),
            Err(_) => self.forget(key),
        }
    }

    fn cell(&self, value: OnceCell<Arc<T>>) -> Arc<Cell<T>> {
        let dies = self.clock.map(|clock| clock.deadline(LIFE));
        Arc::new(Cell { value, dies })
    }

    fn with<R>(&self, act: impl FnOnce(&mut Cells<T>) -> R) -> R {
        act(&mut self.cells.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self {
            cells: Arc::clone(&self.cells),
            clock: self.clock,
        }
    }
}

#[cfg(test)]
mod story;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn concurrent_readers_share_one_fetch() {
        let shared = Shared::new();
        let fetches = AtomicU32::new(0);
        let fetch = || async {
            tokio::task::yield_now().await;
            Ok::<_, ()>(fetches.fetch_add(1, Ordering::SeqCst))
        };
        let (one, two) = tokio::join!(shared.get("app", fetch), shared.get("app", fetch));
        assert_eq!((one, two), (Ok(Arc::new(0)), Ok(Arc::new(0))));
        assert_eq!(shared.get("other", fetch).await, Ok(Arc::new(1)));
    }

    #[tokio::test]
    async fn errors_are_not_kept_and_a_write_makes_the_next_reader_fetch() {
        let shared = Shared::new();
        assert_eq!(shared.get("app", || async { Err::<u8, _>("down") }).await, Err("down"));
        assert_eq!(shared.get("app", || async { Ok::<_, &str>(1) }).await, Ok(Arc::new(1)));
        assert_eq!(shared.get("app", || async { Ok::<_, &str>(2) }).await, Ok(Arc::new(1)));
        shared.forget("app");
        assert_eq!(shared.get("app", || async { Ok::<_, &str>(3) }).await, Ok(Arc::new(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_may_change_is_fetched_again_after_a_while() {
        let (brief, lasting) = (Shared::for_a_while(Clock::default()), Shared::new());
        let fetch = |value| move || async move { Ok::<_, ()>(value) };
        for shared in [&brief, &lasting] {
            assert_eq!(shared.get("app", fetch(1)).await, Ok(Arc::new(1)));
            assert_eq!(shared.get("app", fetch(2)).await, Ok(Arc::new(1)));
        }
        tokio::time::advance(LIFE).await;
        assert_eq!(brief.get("app", fetch(2)).await, Ok(Arc::new(2)));
        assert_eq!(lasting.get("app", fetch(2)).await, Ok(Arc::new(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_confirmed_write_does_not_prolong_a_value() {
        let shared = Shared::for_a_while(Clock::default());
        let fetch = |value| move || async move { Ok::<_, ()>(value) };
        assert_eq!(shared.get("app", fetch(1)).await, Ok(Arc::new(1)));
        tokio::time::advance(LIFE / 2).await;
        shared.settle("app", &Ok::<_, ()>(10), |value, answer| *value += answer);
        assert_eq!(shared.get("app", fetch(2)).await, Ok(Arc::new(11)));
        tokio::time::advance(LIFE / 2).await;
        assert_eq!(shared.get("app", fetch(2)).await, Ok(Arc::new(2)));
    }

    #[tokio::test]
    async fn a_write_without_an_answer_makes_the_next_reader_fetch() {
        let shared = Shared::new();
        assert_eq!(shared.get("app", || async { Ok::<_, ()>(1) }).await, Ok(Arc::new(1)));
        shared.settle("app", &Err::<(), _>("lost"), |value, ()| *value = 7);
        assert_eq!(shared.get("app", || async { Ok::<_, ()>(2) }).await, Ok(Arc::new(2)));
    }

    #[tokio::test]
    async fn a_fetch_that_a_write_overtakes_answers_its_own_callers_only() {
        let shared = Shared::new();
        let (begun, ended) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
        let slow = shared.get("app", || async {
            begun.notify_one();
            ended.notified().await;
            Ok::<_, ()>(1)
        });
        let write = async {
            begun.notified().await;
            shared.amend("app", |value| *value += 10);
            ended.notify_one();
        };
        assert_eq!(tokio::join!(slow, write).0, Ok(Arc::new(1)));
        assert_eq!(shared.get("app", || async { Ok::<_, ()>(12) }).await, Ok(Arc::new(12)));
    }
}
