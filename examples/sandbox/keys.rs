//! Keys that a vendor has issued, as the state shows them; and how many requests it takes.

use crypto_box::aead::OsRng;
use crypto_box::aead::rand_core::RngCore as _;
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock;
use crate::fields::Fields;

/// Keys, the newest last; revoked ones stay.
#[derive(Clone, Default)]
pub(crate) struct Keys(Vec<Value>);

impl Keys {
    /// Issues a key with these fields, `name` and `value` among them; lists show it after so many milliseconds.
    pub(crate) fn issue(&mut self, mut key: Value, lag: i64) -> Value {
        key["last_used_at"] = Value::Null;
        key["revoked"] = json!(false);
        key["listed_from"] = json!(clock::epoch_millis() + lag);
        self.0.push(key.clone());
        key
    }

    /// The key that works and has that there.
    fn alive(&mut self, field: &str, content: &Value) -> Option<&mut Value> {
        let mut alive = self.0.iter_mut().filter(|key| key["revoked"] == false);
        alive.find(|key| key[field] == *content)
    }

    /// The key of that value, if it works.
    pub(crate) fn with_value(&mut self, value: &str) -> Option<&Value> {
        self.alive("value", &json!(value)).map(|key| &*key)
    }

    /// The key that a request carries, and that it is used at this instant.
    pub(crate) fn presented(&mut self, call: &Call, at: String) -> Option<&Value> {
        self.presented_at(call, json!(at))
    }

    /// The same, where the instant is no text.
    pub(crate) fn presented_at(&mut self, call: &Call, at: Value) -> Option<&Value> {
        let key = self.alive("value", &json!(call.bearer()))?;
        key["last_used_at"] = at;
        Some(key)
    }

    /// Revokes the key of that id, if it works and is one of those.
    pub(crate) fn revoke(&mut self, id: &Value, those: impl Fn(&Value) -> bool) -> Option<&Value> {
        let key = self.alive("id", id).filter(|key| those(key))?;
        key["revoked"] = json!(true);
        Some(key)
    }

    /// The keys that lists show.
    pub(crate) fn listed(&self) -> impl DoubleEndedIterator<Item = &Value> {
        let now = Some(clock::epoch_millis());
        let shown = move |key: &&Value| key["revoked"] == false && key["listed_from"].as_i64() <= now;
        self.0.iter().filter(shown)
    }

    /// The truth about all of them, without what every request changes.
    pub(crate) fn state(&self) -> Value {
        let mut keys = self.0.clone();
        for key in keys.iter_mut().filter_map(Value::as_object_mut) {
            key.retain(|name, _| !matches!(name.as_str(), "last_used_at" | "listed_from"));
        }
        json!(keys)
    }
}

/// Keys of a seed, each with a name and some of these fields.
pub(crate) fn wanted<'a>(list: Vec<(String, &'a Value)>, known: &[&str]) -> Result<Vec<Fields<'a>>, String> {
    let read = |(path, wanted): (String, &'a Value)| {
        let fields = Fields::of(wanted, &path, known)?;
        fields.text("name")?.ok_or_else(|| format!("{path} needs a name"))?;
        Ok(fields)
    };
    list.into_iter().map(read).collect()
}

/// A random text for values.
pub(crate) fn random_text() -> String {
    format!("{:016x}{:016x}", OsRng.next_u64(), OsRng.next_u64())
}
