//! The life of an issued key with Terraform, the same for every vendor: made, replaced, both valid for the overlap, revoked, refused.
//!
//! The key of this run comes from a named connection, and only the apply knows it: a secret that does without it is planned all the same.

use serde_json::Value;

use crate::story::{A_DAY, NAME, PARAMETER, SSM_TARGET, Story, resource, says};
use crate::truth::parameter;

/// What differs between the vendors.
pub(crate) struct Key {
    /// The vendor, as its block and the sandbox call it.
    pub(crate) vendor: &'static str,
    /// The argument that holds the key of this run, and its variable.
    pub(crate) own: (&'static str, &'static str),
    /// The arguments of the vendor's addresses, and their variables.
    pub(crate) urls: &'static [(&'static str, &'static str)],
    /// The kind and its arguments: `neon_api_key = {}`.
    pub(crate) source: &'static str,
    /// How the vendor answers a request that carries this key.
    pub(crate) answers: fn(&Story, &str) -> u16,
}

/// The values of the keys that this provider made at that vendor and that work, the oldest first.
pub(crate) fn alive(story: &Story, vendor: &str) -> Vec<String> {
    let state = story.sandbox.state();
    let held = &state[vendor];
    let keys = held["api_keys"].as_array().or(held["tokens"].as_array()).unwrap();
    let works = |key: &&Value| {
        key.get("revoked")
            .map_or(key["revoked_at"].is_null(), |revoked| revoked == false)
    };
    let ours = keys
        .iter()
        .filter(works)
        .filter(|key| key["name"].as_str().unwrap().contains("-rot-"));
    ours.map(|key| key["value"].as_str().unwrap().to_owned()).collect()
}

/// How a vendor answers a request that carries that key, once it has time for it: some answer few requests a second.
pub(crate) fn presented(story: &Story, key: &str, method: &str, path: &str, body: &Value) -> u16 {
    let bearer = format!("Bearer {key}");
    let ask = || {
        story
            .sandbox
            .call(method, path, &[("authorization", bearer.as_str())], body)
            .0
    };
    let mut answers = (0..50).map(|_| ask()).inspect(|status| {
        if *status == 429 {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    });
    answers.find(|status| *status != 429).unwrap_or(429)
}

impl Key {
    /// A secret with such a key, and one that needs none.
    fn configure(&self, story: &Story, reason: &str) {
        let export = |name: &str| story.sandbox.export(name).to_owned();
        let (argument, variable) = self.own;
        let urls = self.urls.iter();
        let urls: String = urls
            .map(|(argument, variable)| format!("      {argument} = {:?}\n", export(variable)))
            .collect();
        let source = format!("source = {{ connection = \"named\", {} }}", self.source);
        let reason = format!("rotation_reason = {reason:?}");
        let key = resource("it", NAME, &[&source, SSM_TARGET, A_DAY, &reason]);
        let hex = r#"source = { random = { bytes = 32, encoding = "hex" } }"#;
        let other = resource("hex", "HEX", &[hex, &SSM_TARGET.replace(NAME, "HEX")]);
        story.write_all(&format!(
            "provider \"rotation\" {{\n  namespace = \"production\"\n  connection \"named\" {{\n    {} {{\n      {argument} = \
             terraform_data.key.output\n{urls}    }}\n  }}\n}}\nresource \"terraform_data\" \"key\" {{\n  input = {:?}\n}}\n{key}{other}",
            self.vendor,
            export(variable),
        ));
    }

    /// Plays it. Every apply of a [`Story`] is followed by a plan that must be empty.
    #[track_caller]
    pub(crate) fn live(&self) {
        let mut story = Story::new();
        self.configure(&story, "once");
        says(&story.plan(), &["wave 1: set /molecule/production/HEX"]);
        story.apply();
        let first = parameter(&story, PARAMETER).unwrap();
        self.configure(&story, "leaked");
        story.apply();
        let second = parameter(&story, PARAMETER).unwrap();
        assert_eq!(alive(&story, self.vendor), [&*first, &*second]);
        let answers = |story: &Story| ((self.answers)(story, &first), (self.answers)(story, &second));
        assert_eq!(answers(&story), (200, 200));
        story.clock("25h");
        story.apply();
        assert_eq!(alive(&story, self.vendor), [&*second]);
        assert_eq!(answers(&story), (401, 200));
    }
}
