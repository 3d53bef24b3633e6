//! The public key that a host must present.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The kinds of keys that hosts have. DSA is left out: OpenSSH has disabled it since version 7.0.
const KINDS: [&str; 5] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
];

/// A host's public key, as `ssh-keyscan` prints it behind the host's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey {
    kind: &'static str,
    blob: Vec<u8>,
}

/// As [`HostKey::parse`] reads it.
impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, STANDARD.encode(&self.blob))
    }
}

impl Serialize for HostKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HostKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl HostKey {
    /// Reads `ssh-ed25519 AAAA…`, with or without a comment.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "Write the kind and the key, such as \"ssh-ed25519 AAAA…\".";
        let mut words = text.split_whitespace();
        let (Some(kind), Some(key)) = (words.next(), words.next()) else {
            return Err(match text.trim().starts_with("SHA256:") {
                true => "It is the fingerprint of a key. Write the key itself, such as \"ssh-ed25519 AAAA…\".",
                false => FORM,
            });
        };
        if text.trim().contains('\n') {
            return Err("It has several lines. Pin one key.");
        }
        let Some(kind) = KINDS.into_iter().find(|known| *known == kind) else {
            return Err(match KINDS.contains(&key) {
                true => "It begins with the name of the host, as in known_hosts. Leave that out.",
                false => {
                    "Its kind is none of ssh-ed25519, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521 and ssh-rsa."
                }
            });
        };
        // RFC 4253 section 6.6: the blob begins with the kind, as a string with its length.
        let blob = STANDARD
            .decode(key)
            .map_err(|_| "The key is not in base64, or part of it is missing.")?;
        let length = u32::try_from(kind.len()).unwrap_or_default().to_be_bytes();
        let is_whole = blob.starts_with(&[&length[..], kind.as_bytes()].concat()) && blob.len() > kind.len() + 8;
        is_whole
            .then_some(Self { kind, blob })
            .ok_or("The key is not one of the kind that it begins with, or part of it is missing.")
    }

    /// As `ssh-keygen -l` shows it: `ssh-ed25519 SHA256:…`.
    pub fn fingerprint(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.blob);
        format!("{} SHA256:{}", self.kind, STANDARD_NO_PAD.encode(digest))
    }

    /// The line of a `known_hosts` file.
    pub(super) fn known_as(&self, host: &str) -> String {
        format!("{host} {self}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    #[test]
    fn a_key_has_the_fingerprint_that_openssh_shows() {
        // The key that GitHub publishes, with its fingerprint:
        // https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints
        let expected = "ssh-ed25519 SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";
        for text in [KEY.to_owned(), format!("  {KEY} github.com\n"), KEY.replace(' ', "\t")] {
            assert_eq!(HostKey::parse(&text).unwrap().fingerprint(), expected);
        }
        assert_eq!(
            HostKey::parse(KEY).unwrap().known_as("pinned"),
            format!("pinned {KEY}\n")
        );
    }

    #[test]
    fn what_is_no_key_is_refused_by_what_it_is() {
        for (text, word) in [
            (String::new(), "Write the kind"),
            ("ssh-ed25519".to_owned(), "Write the kind"),
            (
                "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU".to_owned(),
                "fingerprint",
            ),
            (format!("github.com {KEY}"), "name of the host"),
            (format!("{KEY}\n{KEY}"), "several lines"),
            (KEY.replace("ssh-ed25519", "ssh-dss"), "none of"),
            (KEY.replace("ssh-ed25519", "ssh-rsa"), "begins with"),
            (KEY[..KEY.len() - 1].to_owned(), "base64"),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA".to_owned(), "missing"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc".to_owned(), "several lines"),
        ] {
            let mistake = HostKey::parse(&text).unwrap_err();
            assert!(mistake.contains(word), "{text}: {mistake}");
        }
    }
}
