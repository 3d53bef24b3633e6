//! Credentials that the SDK finds or fetches itself, known to the redaction from then on: AWS repeats requests in some of its errors,
//! and a session token is a header of each.

use std::sync::{Mutex, PoisonError};

use aws_credential_types::Credentials;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};

use super::variables::REAL_KEY;
use crate::secret::Secret;

/// A provider whose secret keys and session tokens are kept, as long as it lives.
#[derive(Debug)]
pub(super) struct Known {
    provider: SharedCredentialsProvider,
    /// A session outlives its credentials; of what has ended, nothing is forgotten.
    kept: Mutex<Vec<Secret>>,
}

impl Known {
    /// What `provider` provides.
    pub(super) fn of(provider: SharedCredentialsProvider) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(Self {
            provider,
            kept: Mutex::new(Vec::new()),
        })
    }

    fn keep(&self, credentials: &Credentials) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let texts = [Some(credentials.secret_access_key()), credentials.session_token()];
        for text in texts.into_iter().flatten().filter(|text| text.len() >= REAL_KEY) {
            if !kept
                .iter()
                .any(|known| known.len() == text.len() && known.contains(text))
            {
                kept.push(Secret::new(text.to_owned()));
            }
        }
    }
}

impl ProvideCredentials for Known {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async move {
            let credentials = self.provider.provide_credentials().await?;
            self.keep(&credentials);
            Ok(credentials)
        })
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.provider.fallback_on_interrupt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::redact;

    #[tokio::test]
    async fn what_was_provided_is_redacted_as_long_as_the_session_lives() {
        let token = "IQoJb3JpZ2luX2VjPROFILETOKENabcdefghijklmnop0123456789";
        let key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let credentials = Credentials::new("AKIDEXAMPLE", key, Some(token.to_owned()), None, "test");
        let known = Known::of(SharedCredentialsProvider::new(credentials));
        let text = format!("x-amz-security-token:{token} {key}");
        assert_eq!(redact(&text), text, "nobody has fetched them");
        for _ in 0..2 {
            known.provide_credentials().await.unwrap();
        }
        assert_eq!(redact(&text), "x-amz-security-token:[redacted] [redacted]");
        drop(known);
        assert_eq!(redact(&text), text);
        let stand_in = Known::of(SharedCredentialsProvider::new(Credentials::new(
            "id", "example", None, None, "test",
        )));
        stand_in.provide_credentials().await.unwrap();
        assert_eq!(redact("for example"), "for example");
    }
}
