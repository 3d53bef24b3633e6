//! What an escrow entry holds: the values of a secret's generations, as one text.
//!
//! ```text
//! {"format":1,"generations":{"4":{"primary":"token","secret":{"token":"…"},"plain":{},"public":{}}}}
//! ```

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret::{Parts, Secret};

/// The only format there is.
const FORMAT: u32 = 1;

/// Stands for the content of an escrow entry in its mark.
pub const CONTENT: &str = "escrow";

/// One generation as it is parked.
#[derive(Debug)]
pub struct ParkedGeneration {
    /// Its parts.
    pub parts: Parts,
    /// What may be shown of it.
    pub public: BTreeMap<String, String>,
}

/// What is about to be minted by an issuer that cannot name it, written before the call: what appears after it is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The generation.
    pub generation: u64,
    /// The issuer's handles at that moment, and when it says that each was made.
    pub before: BTreeMap<String, Option<Timestamp>>,
}

/// Everything that is parked of one secret.
#[derive(Debug, Default)]
pub struct Parked {
    generations: BTreeMap<u64, ParkedGeneration>,
    intent: Option<Intent>,
}

/// An [`Intent`] on the wire: instants are texts.
#[derive(Serialize, Deserialize)]
struct WireIntent {
    generation: u64,
    before: BTreeMap<String, Option<String>>,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<WireIntent>,
    generations: BTreeMap<u64, WrittenGeneration<'a>>,
}

#[derive(Serialize)]
struct WrittenGeneration<'a> {
    primary: &'a str,
    secret: BTreeMap<&'a str, &'a str>,
    plain: BTreeMap<&'a str, &'a str>,
    public: &'a BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Read {
    format: u32,
    #[serde(default)]
    intent: Option<WireIntent>,
    generations: BTreeMap<u64, ReadGeneration>,
}

#[derive(Deserialize)]
struct ReadGeneration {
    primary: String,
    secret: BTreeMap<String, String>,
    plain: BTreeMap<String, String>,
    public: BTreeMap<String, String>,
}

impl Parked {
    /// Reads the text of an entry.
    ///
    /// # Errors
    /// It is not such a text, or one of a later format. Nothing of the text is in the error.
    pub fn of_text(text: &Secret) -> Result<Self, String> {
        #[expect(clippy::disallowed_methods, reason = "what comes out are Secrets again")]
        let read = serde_json::from_str::<Read>(text.expose());
        let read = read.map_err(|_| "Its text is not what this provider parks.".to_owned())?;
        if read.format != FORMAT {
            return Err("A later version of the provider parked it.".to_owned());
        }
        let generations = read.generations.into_iter();
        let generations = generations.map(|(generation, parked)| (generation, parked.into_parked()));
        Ok(Self {
            generations: generations.collect(),
            intent: read.intent.map(WireIntent::into_intent),
        })
    }

    /// The text of an entry that holds it.
    pub fn to_text(&self) -> Secret {
        let generations = self
            .generations
            .iter()
            .map(|(generation, parked)| (*generation, parked.written()));
        let written = Written {
            format: FORMAT,
            intent: self.intent.as_ref().map(WireIntent::of),
            generations: generations.collect(),
        };
        // Twice the length has room for every escape that values consist of, so that no copy is left behind while the text grows.
        let length: usize = self.generations.values().map(ParkedGeneration::len).sum();
        let mut text = Zeroizing::new(Vec::with_capacity(1024 + 2 * length));
        let done = serde_json::to_writer(&mut *text, &written);
        debug_assert!(done.is_ok(), "maps of texts are JSON");
        Secret::new(String::from_utf8(std::mem::take(&mut *text)).unwrap_or_default())
    }

    /// Adds or replaces a generation. What was intended is done with it.
    pub fn add(&mut self, generation: u64, parked: ParkedGeneration) {
        self.intent = None;
        self.generations.insert(generation, parked);
    }

    /// Notes what is about to be minted.
    pub fn intend(&mut self, intent: Intent) {
        self.intent = Some(intent);
    }

    /// Forgets what was intended, where its generation is on record by now.
    pub fn settle_intent(&mut self, through: u64) {
        self.intent = self.intent.take().filter(|intent| intent.generation > through);
    }

    /// Whether something is about to be minted.
    pub fn is_intended(&self) -> bool {
        self.intent.is_some()
    }

    /// What an earlier run was about to mint as that generation, and did not park.
    pub fn intent(&self, generation: u64) -> Option<&Intent> {
        self.intent.as_ref().filter(|intent| intent.generation == generation)
    }

    /// Forgets every generation that is not among these.
    pub fn keep(&mut self, generations: &BTreeSet<u64>) {
        self.generations
            .retain(|generation, _| generations.contains(generation));
    }

    /// That generation.
    pub fn get(&self, generation: u64) -> Option<&ParkedGeneration> {
        self.generations.get(&generation)
    }

    /// The generations in it.
    pub fn generations(&self) -> BTreeSet<u64> {
        self.generations.keys().copied().collect()
    }
}

impl WireIntent {
    fn of(intent: &Intent) -> Self {
        let before = intent.before.iter();
        Self {
            generation: intent.generation,
            before: before
                .map(|(id, at)| (id.clone(), at.map(|at| at.to_string())))
                .collect(),
        }
    }

    fn into_intent(self) -> Intent {
        let before = self.before.into_iter();
        Intent {
            generation: self.generation,
            before: before.map(|(id, at)| (id, at.and_then(|at| at.parse().ok()))).collect(),
        }
    }
}

impl ParkedGeneration {
    fn len(&self) -> usize {
        let parts = self.parts.names().zip(self.parts.values());
        let public = self.public.iter();
        let parts: usize = parts.map(|(name, value)| name.len() + value.len()).sum();
        let public: usize = public.map(|(name, value)| name.len() + value.len()).sum();
        parts + public
    }

    fn written(&self) -> WrittenGeneration<'_> {
        let (mut secret, mut plain) = (BTreeMap::new(), BTreeMap::new());
        for (name, value) in self.parts.names().zip(self.parts.values()) {
            let values = if value.is_plain() { &mut plain } else { &mut secret };
            #[expect(clippy::disallowed_methods, reason = "what comes out is a Secret again")]
            values.insert(name, value.expose());
        }
        WrittenGeneration {
            primary: self.parts.primary(),
            secret,
            plain,
            public: &self.public,
        }
    }
}

impl ReadGeneration {
    fn into_parked(self) -> ParkedGeneration {
        let secret = self.secret.into_iter().map(|(name, value)| (name, Secret::new(value)));
        let plain = self.plain.into_iter().map(|(name, value)| (name, Secret::plain(value)));
        let mut values: BTreeMap<String, Secret> = secret.chain(plain).collect();
        let first = values.remove_entry(&self.primary);
        let parts = first.into_iter().chain(values);
        ParkedGeneration {
            parts: parts.fold(Parts::default(), |parts, (name, value)| parts.with(&name, value)),
            public: self.public,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parked() -> Parked {
        let mut parked = Parked::default();
        let parts = Parts::single("password", Secret::new("hunter2\n\"hunter2\"".to_owned()))
            .with("host", Secret::plain("db.example.com".to_owned()));
        let public = BTreeMap::from([("username".to_owned(), "app".to_owned())]);
        parked.add(4, ParkedGeneration { parts, public });
        let parts = Parts::single("password", Secret::new("correct horse".to_owned()));
        let public = BTreeMap::new();
        parked.add(5, ParkedGeneration { parts, public });
        parked
    }

    #[test]
    fn what_is_parked_is_found_again() {
        let (before, after) = (parked(), Parked::of_text(&parked().to_text()).unwrap());
        assert_eq!(after.generations(), BTreeSet::from([4, 5]));
        for generation in [4, 5] {
            let (before, after) = (before.get(generation).unwrap(), after.get(generation).unwrap());
            assert!(before.parts.agree_with(&after.parts) && after.parts.agree_with(&before.parts));
            assert_eq!(before.parts.primary(), after.parts.primary());
            assert_eq!(before.public, after.public);
        }
        let parts = &after.get(4).unwrap().parts;
        assert!(parts.get("host").unwrap().is_plain() && !parts.get("password").unwrap().is_plain());
    }

    #[test]
    fn an_intent_holds_until_its_generation_is_parked() {
        let mut parked = parked();
        let before = BTreeMap::from([
            ("app".to_owned(), Timestamp::from_second(1).ok()),
            ("app_b".to_owned(), None),
        ]);
        let intent = Intent { generation: 6, before };
        parked.intend(intent.clone());
        let mut read = Parked::of_text(&parked.to_text()).unwrap();
        assert_eq!(read.intent(6), Some(&intent));
        assert_eq!(read.intent(5), None);
        let parts = Parts::single("password", Secret::new("battery staple".to_owned()));
        let public = BTreeMap::new();
        read.add(6, ParkedGeneration { parts, public });
        assert_eq!(Parked::of_text(&read.to_text()).unwrap().intent(6), None);
    }

    #[test]
    fn what_is_not_kept_is_not_in_the_text() {
        let mut parked = parked();
        parked.keep(&BTreeSet::from([5, 6]));
        let text = parked.to_text();
        assert!(text.contains("correct horse") && !text.contains("hunter2"));
    }

    #[test]
    fn a_foreign_text_is_refused_without_repeating_it() {
        let refused = |text: &str| Parked::of_text(&Secret::new(text.to_owned())).unwrap_err();
        assert!(refused("hunter2hunter2").contains("not what this provider parks"));
        assert!(refused("{\"format\":2,\"generations\":{}}").contains("later version"));
        assert!(!refused("{\"format\":\"hunter2hunter2\"}").contains("hunter2"));
    }
}
