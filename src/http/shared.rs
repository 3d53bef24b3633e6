//! A listing that is read once and shared by all who need it.
//!
//! Many targets of one account ask for the same listing during one run; the vendors' limits (Fly: one request a second and
//! app) would not bear it otherwise. Nothing here expires: whoever writes forgets.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

/// Values by key, each fetched at most once at a time. Clones share the content.
pub struct Shared<T>(Arc<Mutex<Cells<T>>>);

type Cells<T> = BTreeMap<String, Arc<OnceCell<Arc<T>>>>;

impl<T> Shared<T> {
    /// Holds nothing yet.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(BTreeMap::new())))
    }

    /// The value of `key`; fetched unless it is there. Concurrent callers wait for one fetch.
    ///
    /// # Errors
    /// Those of `fetch`. They are not kept: the next caller fetches again.
    pub async fn get<E, F>(&self, key: &str, fetch: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key.to_owned()).or_default())
        };
        let value = cell.get_or_try_init(|| async { fetch().await.map(Arc::new) }).await?;
        Ok(Arc::clone(value))
    }

    /// Forgets the value of `key`, after a write to what it lists. A fetch that is under way answers its own callers only.
    pub fn forget(&self, key: &str) {
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(cells.remove(key));
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

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
}
