//! SCRAM verifiers: what a server stores instead of a password, made and compared on this side.
//!
//! `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` (RFC 5803, RFC 5802 section 3, RFC 7677). A server that is given one stores
//! it as it is. Passwords of printable ASCII are their own SASLprep (RFC 4013), and no others are taken.
//! <https://www.postgresql.org/docs/current/sql-createrole.html>

use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// As PostgreSQL makes them, and the least that RFC 7677 permits.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).expect("4096 is not zero");

/// Length of a salt, in bytes, as PostgreSQL makes them.
pub(crate) const SALT: usize = 16;

/// What a server stores for a password.
pub(crate) struct Verifier(Secret);

/// A verifier's fields.
struct Fields<'a> {
    iterations: NonZeroU32,
    salt: Vec<u8>,
    stored_key: Vec<u8>,
    /// As it is written.
    salt_text: &'a str,
}

impl Verifier {
    /// Of a password with that salt; `None` when the password is not printable ASCII.
    pub(crate) fn of(password: &Secret, salt: &[u8; SALT]) -> Option<Self> {
        let (stored, server) = keys(password, salt, ITERATIONS)?;
        let [salt, stored, server] = [&salt[..], &stored, &server].map(|bytes| STANDARD.encode(bytes));
        Some(Self(Secret::new(format!(
            "SCRAM-SHA-256${ITERATIONS}:{salt}${stored}:{server}"
        ))))
    }

    /// One that a server stores; `None` for hashes of other kinds.
    pub(super) fn stored(text: String) -> Option<Self> {
        let found = Self(Secret::new(text));
        found.fields().is_some().then_some(found)
    }

    /// Whether it is of that password, compared in constant time; `None` when that cannot be told here.
    pub(crate) fn is_of(&self, password: &Secret) -> Option<bool> {
        let fields = self.fields()?;
        let (stored, _) = keys(password, &fields.salt, fields.iterations)?;
        Some(constant_time::verify_slices_are_equal(&stored, &fields.stored_key).is_ok())
    }

    /// Its salt in Base64, which a server tells whoever begins to log in; empty if there is none.
    pub(crate) fn salt(&self) -> String {
        self.fields()
            .map_or_else(String::new, |fields| fields.salt_text.to_owned())
    }

    /// As a statement sends it.
    #[expect(clippy::disallowed_methods, reason = "it goes into the statement that sets it")]
    pub(super) fn text(&self) -> &str {
        self.0.expose()
    }

    fn fields(&self) -> Option<Fields<'_>> {
        let rest = self.text().strip_prefix("SCRAM-SHA-256$")?;
        let (head, keys) = rest.split_once('$')?;
        let (iterations, salt_text) = head.split_once(':')?;
        let decoded = |text: &str| STANDARD.decode(text).ok();
        Some(Fields {
            iterations: iterations.parse().ok()?,
            salt: decoded(salt_text)?,
            stored_key: decoded(keys.split_once(':')?.0)?,
            salt_text,
        })
    }
}

/// StoredKey and ServerKey of RFC 5802 section 3.
#[expect(
    clippy::disallowed_methods,
    reason = "what comes out is a hash of many rounds, which goes into a verifier or a comparison"
)]
fn keys(password: &Secret, salt: &[u8], iterations: NonZeroU32) -> Option<(Vec<u8>, Vec<u8>)> {
    let password = password.expose();
    if !password.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return None;
    }
    let mut salted = Zeroizing::new([0; digest::SHA256_OUTPUT_LEN]);
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        iterations,
        salt,
        password.as_bytes(),
        &mut *salted,
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, &*salted);
    let client_key = hmac::sign(&key, b"Client Key");
    let stored = digest::digest(&digest::SHA256, client_key.as_ref());
    Some((
        stored.as_ref().to_vec(),
        hmac::sign(&key, b"Server Key").as_ref().to_vec(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The password and salt of RFC 7677 section 3, whose server signature this verifier gives.
    const VECTOR: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_verifier_is_that_of_rfc_7677() {
        let salt: [u8; SALT] = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap().try_into().unwrap();
        let made = Verifier::of(&secret("pencil"), &salt).unwrap();
        assert_eq!(made.text(), VECTOR);
        assert_eq!(made.salt(), "W22ZaJ0SNY7soEsUEjb6gQ==");
        assert!(Verifier::of(&secret("p\u{e9}ncil"), &salt).is_none());
    }

    #[test]
    fn a_stored_verifier_tells_its_password_from_others() {
        let stored = Verifier::stored(VECTOR.to_owned()).unwrap();
        assert_eq!(stored.is_of(&secret("pencil")), Some(true));
        assert_eq!(stored.is_of(&secret("pencils")), Some(false));
        // SASLprep would map a soft hyphen to nothing.
        assert_eq!(stored.is_of(&secret("pen\u{ad}cil")), None);
        for other in [
            "md55f4dcc3b5aa765d61d8327deb882cf99",
            "",
            "SCRAM-SHA-256$0:AA==$AA==:AA==",
            "SCRAM-SHA-256$4096:AA==",
        ] {
            assert!(Verifier::stored(other.to_owned()).is_none(), "{other}");
        }
    }
}
