//! The file format age-encryption.org/v1, encryption to X25519 recipients alone (<https://c2sp.org/age>).
//!
//! There is no private key here, so nothing that was encrypted can be read again. The reasons for not using a crate are in
//! docs/decisions/age.md.

mod bech32;

use std::fmt;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey, X25519};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use zeroize::Zeroizing;

use crate::randomness;
use crate::secret::Secret;

/// The first line of a file.
const VERSION: &str = "age-encryption.org/v1";

/// What keys of a recipient and of a file are derived for.
const FOR_X25519: &[u8] = b"age-encryption.org/v1/X25519";
const FOR_HEADER: &[u8] = b"header";
const FOR_PAYLOAD: &[u8] = b"payload";

/// The human-readable part of a recipient in Bech32.
const PREFIX: &str = "age";

/// Bytes of a key of X25519, ChaCha20-Poly1305 and HMAC-SHA-256, of a file key, and of the nonce of a payload.
const KEY: usize = 32;
const FILE_KEY: usize = 16;
const PAYLOAD_NONCE: usize = 16;

/// Bytes of a chunk of the payload.
const CHUNK: usize = 64 * 1024;

/// Characters of a line of armor (RFC 7468, section 2).
const LINE: usize = 64;

/// Who can read a file: the public half of a key pair.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recipient([u8; KEY]);

impl Recipient {
    /// Reads `age1…`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.starts_with("ssh-") {
            return Err("It is an SSH key. Write an age recipient, which begins with age1; `age-keygen -y` prints it.");
        }
        let (prefix, key) =
            bech32::decode(text).ok_or("Write a recipient as `age-keygen -y` prints it: age1… in lower case.")?;
        if prefix != PREFIX {
            return Err("It is for a plugin of age. Write a recipient of age itself, which begins with age1.");
        }
        let key = key.try_into().map_err(|_| "Its length is not that of an X25519 key.")?;
        Ok(Self(key))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32::encode(PREFIX, &self.0))
    }
}

/// Why nothing was encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgeError {
    /// The system gives no random numbers.
    #[error(transparent)]
    Entropy(#[from] randomness::NoEntropy),
    /// The crypto backend refuses: a recipient that is no point of large order, for example.
    #[error("one of the recipients cannot be encrypted to")]
    Refused,
}

impl From<aws_lc_rs::error::Unspecified> for AgeError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Refused
    }
}

/// The value, readable for all of these recipients, as text with armor.
///
/// # Errors
/// [`AgeError`].
#[expect(clippy::disallowed_methods, reason = "it comes out encrypted")]
pub fn encrypt(value: &Secret, recipients: &[Recipient]) -> Result<String, AgeError> {
    let mut file_key = Zeroizing::new([0; FILE_KEY]);
    randomness::fill(file_key.as_mut_slice())?;
    let mut header = format!("{VERSION}\n");
    for recipient in recipients {
        header.push_str(&stanza(recipient, &file_key)?);
    }
    header.push_str("---");
    let mac_key = hmac::Key::new(
        hmac::HMAC_SHA256,
        derived(&[], file_key.as_slice(), FOR_HEADER)?.as_slice(),
    );
    let mac = hmac::sign(&mac_key, header.as_bytes());
    header.push_str(&format!(" {}\n", STANDARD_NO_PAD.encode(mac)));
    let mut file = header.into_bytes();
    payload(value.expose().as_bytes(), &file_key, &mut file)?;
    Ok(armored(&file))
}

/// The file key for one recipient: `-> X25519 <share>`, and the key in base64.
fn stanza(recipient: &Recipient, file_key: &[u8; FILE_KEY]) -> Result<String, AgeError> {
    let private = EphemeralPrivateKey::generate(&X25519, &randomness::generator())?;
    let share = private.compute_public_key()?;
    let salt = [share.as_ref(), &recipient.0].concat();
    let theirs = UnparsedPublicKey::new(&X25519, &recipient.0);
    let wrap_key = agreement::agree_ephemeral(private, theirs, AgeError::Refused, |shared| {
        // A key of small order gives nothing that only two know.
        match shared.iter().all(|byte| *byte == 0) {
            true => Err(AgeError::Refused),
            false => derived(&salt, shared, FOR_X25519),
        }
    })?;
    let mut body = file_key.to_vec();
    // Each key is used once.
    seal(&key_of(&wrap_key)?, [0; NONCE_LEN], &mut body)?;
    let (share, body) = (STANDARD_NO_PAD.encode(share), STANDARD_NO_PAD.encode(body));
    Ok(format!("-> X25519 {share}\n{body}\n"))
}

/// The nonce and the chunks of the payload (STREAM): each has its number and whether it is the last in its nonce.
fn payload(value: &[u8], file_key: &[u8; FILE_KEY], file: &mut Vec<u8>) -> Result<(), AgeError> {
    let mut nonce = [0; PAYLOAD_NONCE];
    randomness::fill(&mut nonce)?;
    file.extend_from_slice(&nonce);
    let key = key_of(&derived(&nonce, file_key, FOR_PAYLOAD)?)?;
    let chunks: Vec<&[u8]> = match value.is_empty() {
        true => vec![value],
        false => value.chunks(CHUNK).collect(),
    };
    for (number, chunk) in chunks.iter().enumerate() {
        let mut counter = [0; NONCE_LEN];
        let number_at = NONCE_LEN - 1 - size_of::<u64>();
        if let Some(place) = counter.get_mut(number_at..NONCE_LEN - 1) {
            place.copy_from_slice(&(number as u64).to_be_bytes());
        }
        if let Some(last) = counter.last_mut() {
            *last = u8::from(number + 1 == chunks.len());
        }
        let mut sealed = Zeroizing::new(Vec::with_capacity(chunk.len() + CHACHA20_POLY1305.tag_len()));
        sealed.extend_from_slice(chunk);
        seal(&key, counter, &mut sealed)?;
        file.extend_from_slice(&sealed);
    }
    Ok(())
}

fn key_of(key: &Zeroizing<[u8; KEY]>) -> Result<LessSafeKey, AgeError> {
    Ok(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key.as_slice())?))
}

fn seal(key: &LessSafeKey, nonce: [u8; NONCE_LEN], text: &mut Vec<u8>) -> Result<(), AgeError> {
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), text)?;
    Ok(())
}

/// A key of 32 bytes by HKDF-SHA-256 (RFC 5869).
fn derived(salt: &[u8], secret: &[u8], purpose: &[u8]) -> Result<Zeroizing<[u8; KEY]>, AgeError> {
    struct Length;
    impl KeyType for Length {
        fn len(&self) -> usize {
            KEY
        }
    }
    let mut key = Zeroizing::new([0; KEY]);
    let extracted = Salt::new(HKDF_SHA256, salt).extract(secret);
    extracted.expand(&[purpose], Length)?.fill(key.as_mut_slice())?;
    Ok(key)
}

/// As text: base64 in lines, between a first and a last line.
fn armored(file: &[u8]) -> String {
    let encoded = STANDARD.encode(file);
    let mut text = "-----BEGIN AGE ENCRYPTED FILE-----\n".to_owned();
    let mut rest = encoded.as_str();
    while let Some((line, more)) = rest
        .split_at_checked(LINE.min(rest.len()))
        .filter(|(line, _)| !line.is_empty())
    {
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text + "-----END AGE ENCRYPTED FILE-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recipient of the specification's test vectors (C2SP/CCTV, age).
    const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

    #[test]
    fn a_recipient_survives_its_text_and_what_is_none_is_told_what_it_is() {
        assert_eq!(Recipient::parse(RECIPIENT).unwrap().to_string(), RECIPIENT);
        for (text, word) in [
            ("", "age-keygen"),
            ("age1", "age-keygen"),
            (&RECIPIENT.replace("73e", "73q"), "age-keygen"),
            (&RECIPIENT.to_uppercase(), "age-keygen"),
            ("ssh-ed25519 AAAA", "SSH"),
        ] {
            let mistake = Recipient::parse(text).err().unwrap();
            assert!(mistake.contains(word), "{text}: {mistake}");
        }
    }

    #[test]
    fn a_recipient_of_small_order_is_refused() {
        let value = Secret::new("value".to_owned());
        assert_eq!(encrypt(&value, &[Recipient([0; KEY])]), Err(AgeError::Refused));
    }

    #[test]
    fn a_file_has_a_stanza_for_each_recipient_and_lines_of_64_characters() {
        let recipient = Recipient::parse(RECIPIENT).unwrap();
        let value = Secret::new("x".repeat(CHUNK + 1));
        let text = encrypt(&value, &[recipient.clone(), recipient]).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.first().copied(), Some("-----BEGIN AGE ENCRYPTED FILE-----"));
        assert_eq!(lines.last().copied(), Some("-----END AGE ENCRYPTED FILE-----"));
        assert!(lines[1..lines.len() - 2].iter().all(|line| line.len() == LINE));
        let file = STANDARD.decode(lines[1..lines.len() - 1].concat()).unwrap();
        let header_end = file.windows(5).position(|window| window == b"\n--- ").unwrap();
        let header = String::from_utf8(file[..header_end].to_vec()).unwrap();
        assert_eq!(header.matches("\n-> X25519 ").count(), 2, "{header}");
        // Behind the MAC and its line break: nonce, two chunks, two tags.
        let rest = file.len() - header_end - "\n--- ".len() - 43 - 1;
        assert_eq!(rest, PAYLOAD_NONCE + CHUNK + 1 + 2 * 16);
    }
}
