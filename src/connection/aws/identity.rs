//! The credentials that calls are signed with: fetched by the first call, kept until shortly before they expire.

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Either, Shared, select};
use jiff::Timestamp;

use super::failure::chain;
use crate::clock::Clock;

/// How long before their end credentials are fetched anew: longer than a request takes.
const MARGIN: Duration = Duration::from_secs(60);

/// Time for finding credentials, whatever the chain tries: SSO, STS, a process, an instance.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there are none, in a few words without secrets.
type Found = Result<Credentials, String>;

/// A provider and what it last provided.
pub(super) struct Identity {
    provider: Option<SharedCredentialsProvider>,
    clock: Clock,
    /// All calls of one moment wait for one fetch, and share its failure.
    fetch: Mutex<Option<Shared<BoxFuture<'static, Found>>>>,
}

impl Identity {
    /// Fetches nothing yet.
    pub(super) fn new(provider: Option<SharedCredentialsProvider>, clock: Clock) -> Self {
        Self {
            provider,
            clock,
            fetch: Mutex::new(None),
        }
    }

    /// Credentials that are valid for a minute and more, where the provider has such.
    ///
    /// # Errors
    /// The cause, for a sentence. It is not kept: the next call asks again.
    pub(super) async fn credentials(&self) -> Found {
        self.current().await
    }

    fn current(&self) -> Shared<BoxFuture<'static, Found>> {
        let mut fetch = self.fetch.lock().unwrap_or_else(PoisonError::into_inner);
        let usable = |fetch: &Shared<BoxFuture<'static, Found>>| match fetch.peek() {
            None => true,
            Some(found) => found.as_ref().is_ok_and(|found| self.lasts(found)),
        };
        if let Some(fetch) = fetch.as_ref().filter(|fetch| usable(fetch)) {
            return fetch.clone();
        }
        let next = provide(self.provider.clone(), self.clock).boxed().shared();
        *fetch = Some(next.clone());
        next
    }

    fn lasts(&self, credentials: &Credentials) -> bool {
        let Some(expiry) = credentials.expiry() else {
            return true;
        };
        Timestamp::try_from(expiry).is_ok_and(|expiry| {
            self.clock
                .real_now()
                .checked_add(MARGIN)
                .is_ok_and(|soon| soon < expiry)
        })
    }
}

async fn provide(provider: Option<SharedCredentialsProvider>, clock: Clock) -> Found {
    let Some(provider) = provider else {
        return Err("nothing is configured that could provide them".to_owned());
    };
    let limit = Box::pin(clock.sleep(PATIENCE));
    match select(provider.provide_credentials(), limit).await {
        Either::Left((found, _)) => found.map_err(|error| cause(&error)),
        Either::Right(_) => provider
            .fallback_on_interrupt()
            .ok_or_else(|| format!("nothing was found within {} seconds", PATIENCE.as_secs())),
    }
}

/// The innermost text, less what a credential process said: that may be anything, a credential included.
fn cause(error: &CredentialsError) -> String {
    let error: &(dyn Error + 'static) = error;
    let innermost = chain(error).last().map(ToString::to_string).unwrap_or_default();
    let own = innermost.split("Stderr:").next().unwrap_or_default();
    own.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::SystemTime;

    use aws_credential_types::provider::ProvideCredentials;
    use aws_credential_types::provider::future::ProvideCredentials as Provided;
    use futures::future::join_all;

    use super::*;

    /// Fails at first, then provides credentials that last so many seconds.
    #[derive(Debug)]
    struct Counting {
        asked: Arc<AtomicUsize>,
        failures: usize,
        lasts: i64,
    }

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> Provided<'a>
        where
            Self: 'a,
        {
            Provided::new(async move {
                let asked = self.asked.fetch_add(1, Ordering::SeqCst);
                Clock::default().sleep(Duration::from_millis(20)).await;
                if asked < self.failures {
                    return Err(CredentialsError::provider_error("none here"));
                }
                let expiry = Timestamp::now() + jiff::SignedDuration::from_secs(self.lasts);
                Ok(Credentials::new(
                    "id",
                    "key",
                    None,
                    Some(SystemTime::from(expiry)),
                    "test",
                ))
            })
        }
    }

    fn identity(failures: usize, lasts: i64) -> (Identity, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let provider = Counting {
            asked: Arc::clone(&asked),
            failures,
            lasts,
        };
        let provider = SharedCredentialsProvider::new(provider);
        (Identity::new(Some(provider), Clock::default()), asked)
    }

    #[tokio::test]
    async fn calls_of_one_moment_share_a_fetch_and_its_failure_and_later_ones_ask_again() {
        let (identity, asked) = identity(1, 3600);
        let found = join_all((0..25).map(|_| identity.credentials())).await;
        let causes: Vec<_> = found.into_iter().map(|found| found.map(drop).unwrap_err()).collect();
        assert_eq!(causes, ["none here"; 25]);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        for _ in 0..2 {
            assert!(identity.credentials().await.is_ok());
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn credentials_are_fetched_anew_a_minute_before_they_expire() {
        for (lasts, fetches) in [(50, 2), (90, 1)] {
            let (identity, asked) = identity(0, lasts);
            for _ in 0..2 {
                assert!(identity.credentials().await.is_ok());
            }
            assert_eq!(asked.load(Ordering::SeqCst), fetches, "{lasts}");
        }
    }

    #[test]
    fn what_a_credential_process_says_is_not_passed_on() {
        let said = "external process exited with code 1. Stderr: boom token=procSECRET0123456789abcdef";
        let error = CredentialsError::provider_error(said);
        assert_eq!(cause(&error), "external process exited with code 1.");
    }
}
