//! Authentication as a GitHub App: a JSON Web Token signed with the App's key is exchanged for an installation token that
//! lives an hour.
//!
//! The exchange adds a credential of this run and changes nothing else, so plan and read do it too. GitHub promises neither
//! length nor form of the token.
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app>

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::{GitHubClient, SERVICE};
use crate::call::{CallError, CallErrorKind, Effect};
use crate::secret::Secret;

/// GitHub refuses tokens that live longer than ten minutes, or that were issued in its future: issue early, end early.
const ISSUED_BEFORE: i64 = 60;
const EXPIRES_AFTER: i64 = 9 * 60;

/// An installation token is replaced this long before its end, so that none ends during a call.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// An App's installation.
pub(super) struct App {
    id: String,
    installation: String,
    key: RsaKeyPair,
    /// The authorization header in use, and when its token ends.
    current: Mutex<Option<(Secret, Timestamp)>>,
    /// What GitHub said that the last installation token may do.
    permissions: Mutex<Option<BTreeMap<String, String>>>,
}

/// What is wrong with an App's credentials. Never holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum AppMistake {
    /// The App's id.
    #[error("It is neither the number nor the client id of a GitHub App; both stand on the App's settings page")]
    Id,
    /// The installation's number.
    #[error("It is not a number; it ends the URL of the installation's settings page")]
    Installation,
    /// The private key.
    #[error(
        "It is not an RSA private key in PEM form (PKCS #1 or PKCS #8, unencrypted); the argument and its variables hold the \
         text of the file, not its path"
    )]
    PrivateKey,
}

impl AppMistake {
    /// The argument that holds the mistake.
    pub(super) fn argument(self) -> &'static str {
        match self {
            Self::Id => "app_id",
            Self::Installation => "app_installation_id",
            Self::PrivateKey => "app_private_key",
        }
    }
}

#[derive(Deserialize)]
struct InstallationToken {
    token: String,
    expires_at: String,
    #[serde(default)]
    permissions: Option<BTreeMap<String, String>>,
}

impl App {
    /// Reads the credentials; line breaks in the key may be written as `\n`, as environments that know no line breaks do.
    pub(super) fn new(id: &str, installation: &str, private_key: &str) -> Result<Self, AppMistake> {
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '.') {
            return Err(AppMistake::Id);
        }
        if installation.is_empty() || !installation.chars().all(|c| c.is_ascii_digit()) {
            return Err(AppMistake::Installation);
        }
        let pem = Zeroizing::new(private_key.replace("\\n", "\n"));
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| AppMistake::PrivateKey)?;
        let key = match &key {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            _ => return Err(AppMistake::PrivateKey),
        };
        Ok(Self {
            id: id.to_owned(),
            installation: installation.to_owned(),
            key: key.map_err(|_| AppMistake::PrivateKey)?,
            current: Mutex::new(None),
            permissions: Mutex::new(None),
        })
    }

    /// The authorization header of an installation token that still lives for a while. Concurrent callers wait for one
    /// exchange.
    pub(super) async fn authorization(&self, client: &GitHubClient) -> Result<Secret, CallError> {
        let mut current = self.current.lock().await;
        let now = client.0.clock.real_now();
        if let Some((header, ends)) = current.as_ref()
            && ends.duration_since(now) > MARGIN
        {
            return Ok(header.share());
        }
        let (header, ends) = self.exchange(client, now).await?;
        let shared = header.share();
        *current = Some((header, ends));
        Ok(shared)
    }

    /// Forgets a refused token, so that the next caller exchanges anew.
    pub(super) async fn forget(&self, refused: &Secret) {
        let mut current = self.current.lock().await;
        if current
            .as_ref()
            .is_some_and(|(header, _)| header.is_shared_with(refused))
        {
            *current = None;
        }
    }

    /// What the installation may do, by permission: `secrets` → `write`. `None` before the first exchange, and where GitHub does not
    /// say.
    pub(super) async fn permissions(&self) -> Option<BTreeMap<String, String>> {
        self.permissions.lock().await.clone()
    }

    async fn exchange(&self, client: &GitHubClient, now: Timestamp) -> Result<(Secret, Timestamp), CallError> {
        let segments = ["app", "installations", &self.installation, "access_tokens"];
        let operation = format!(
            "authenticating as installation {} of GitHub App {}",
            self.installation, self.id
        );
        let failed = |message: &str| CallError::malformed(SERVICE, &*operation, Effect::None, message);
        let web_token = self
            .web_token(now)
            .ok_or_else(|| failed("the JSON Web Token could not be signed"))?;
        let request = client
            .request("POST", &segments, &*operation)
            .secret_header("authorization", web_token)
            .secret_answer()
            .timeout(Duration::from_secs(30));
        let answer = client.0.http.read(request).await.map_err(|error| match error.kind {
            CallErrorKind::NotFound => error.advise(
                "The GitHub App has no such installation. Compare github.app_installation_id with the URL of the installation's settings page.",
            ),
            _ => client.explain(error),
        })?;
        let InstallationToken {
            token,
            expires_at,
            permissions,
        } = answer.json()?;
        *self.permissions.lock().await = permissions.filter(|granted| !granted.is_empty());
        let token = Secret::new(token);
        let ends = expires_at.parse().map_err(|_| failed("expires_at is not a time"))?;
        #[expect(clippy::disallowed_methods, reason = "what comes out is a Secret again")]
        let header = Secret::of_pieces(&["Bearer ", token.expose()]);
        Ok((header, ends))
    }

    /// RFC 7519, signed with RS256 (RFC 7518 section 3.3).
    fn web_token(&self, now: Timestamp) -> Option<Secret> {
        let header = serde_json::json!({ "alg": "RS256", "typ": "JWT" });
        let claims = serde_json::json!({
            "iat": now.as_second().checked_sub(ISSUED_BEFORE)?,
            "exp": now.as_second().checked_add(EXPIRES_AFTER)?,
            "iss": self.id,
        });
        let encode = |json: &serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        // This padding uses no randomness; the generator is only asked for by the signature of the function.
        let generator = crate::randomness::generator();
        self.key
            .sign(&RSA_PKCS1_SHA256, &generator, signed.as_bytes(), &mut signature)
            .ok()?;
        Some(Secret::new(format!(
            "Bearer {signed}.{}",
            URL_SAFE_NO_PAD.encode(signature)
        )))
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn pem(key: &RsaKeyPair) -> String {
        let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
        let body = STANDARD.encode(der.as_ref());
        format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
    }

    #[test]
    fn the_web_token_verifies_under_the_public_key_and_ends_within_ten_minutes() {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let escaped = pem(&key).replace('\n', "\\n");
        let app = App::new("Iv23liAbc", "42", &escaped).ok().unwrap();
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let token = app.web_token(now).unwrap();
        let token = token.expose().strip_prefix("Bearer ").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref())
            .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["iss"], "Iv23liAbc");
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
        assert!(claims["iat"].as_i64().unwrap() < now.as_second());
    }

    #[test]
    fn mistakes_name_the_argument() {
        let key = pem(&RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
        let argument = |id: &str, number: &str, key: &str| App::new(id, number, key).err().map(AppMistake::argument);
        assert_eq!(argument("12", "7", &key), None);
        assert_eq!(argument("", "7", &key), Some("app_id"));
        assert_eq!(argument("12", "7/../8", &key), Some("app_installation_id"));
        assert_eq!(argument("12", "7", "/home/me/key.pem"), Some("app_private_key"));
        assert_eq!(argument("12", "7", &key.replace("MII", "MIA")), Some("app_private_key"));
    }
}
