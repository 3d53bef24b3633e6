//! Fernet keys: 32 random bytes, URL-safe base64 with padding (the Fernet specification's `key` format).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use zeroize::Zeroizing;

use super::generated::{Failed, Generated, Generator, TRAITS};
use super::{Maker, Minted, Source, SourceConfig, SourceKind, SourceTraits};
use crate::address::Address;
use crate::connection::Link;
use crate::part::PartNames;
use crate::randomness;
use crate::secret::{Parts, Secret};
use crate::terraform::Diagnostic;

const NAME: &str = "fernet_key";

/// The kind.
pub static KIND: SourceKind = SourceKind {
    name: NAME,
    summary: "A Fernet key: 32 random bytes in padded URL-safe base64 (44 characters).",
    api_docs: Some("https://github.com/fernet/spec/blob/master/Spec.md"),
    attributes: Vec::new,
    maker: Maker::Us,
    parts: &["value"],
    parts_of: |_| Some(KIND.declared_parts()),
    parse: |_, _, _| Some(Box::new(FernetKey)),
    revocable: false,
    offers: super::Offers::NOTHING,
    reach: None,
    issuer: |_, _| Ok(None),
    handle_of: |id| id,
    issuer_in_words: super::this_provider,
};

#[derive(Clone, Copy)]
struct FernetKey;

impl SourceConfig for FernetKey {
    fn issuer(&self) -> Address {
        Address::new(NAME, "")
    }

    fn traits(&self) -> SourceTraits {
        TRAITS
    }

    fn parts(&self) -> PartNames {
        KIND.declared_parts()
    }

    fn in_words(&self) -> String {
        "Fernet key".to_owned()
    }

    fn fingerprint(&self) -> String {
        String::new()
    }

    fn connect(&self, _link: &Link<'_>) -> Result<Box<dyn Source>, Diagnostic> {
        Ok(Box::new(Generated(*self)))
    }
}

impl Generator for FernetKey {
    fn generate(&self) -> Result<Minted, Failed> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        randomness::fill(&mut *bytes)?;
        let value = Secret::new(URL_SAFE.encode(*bytes));
        Ok(Minted {
            credential: None,
            parts: Parts::single("value", value),
            public: BTreeMap::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fernet_key_is_44_characters_of_32_bytes() {
        let minted = FernetKey.generate().unwrap();
        let key = minted.parts.get("value").unwrap().expose();
        assert_eq!(key.len(), 44);
        assert_eq!(URL_SAFE.decode(key).unwrap().len(), 32);
    }
}
