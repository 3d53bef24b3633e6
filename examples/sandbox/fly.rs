//! Fly.io: the Machines API, and tokens over GraphQL.

mod graphql;
mod machines;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Call, Reply, Vendor};
use crate::clock;
use machines::{App, Machine};

/// The token that the sandbox is used with.
pub(crate) const TOKEN: &str = "FlyV1 fm2_c2FuZGJveC1wZXJzb25hbC10b2tlbg==";

pub(crate) struct Token {
    pub id: String,
    pub name: String,
    pub value: String,
    /// `app:<name>` or `organization:<slug>`.
    pub owner: String,
    pub profile: String,
    pub created_at: String,
    pub expires_at: Option<String>,
    pub revoked_at: Option<String>,
    /// When lists begin to show it, in milliseconds.
    pub listed_from: i64,
}

/// Fly.
pub(crate) struct Fly {
    pub apps: BTreeMap<String, App>,
    pub organizations: BTreeMap<String, String>,
    pub tokens: Vec<Token>,
    serial: u64,
}

pub(crate) fn root_field(call: &Call) -> String {
    graphql::root_field(call.text("query").unwrap_or_default())
}

impl Fly {
    pub(crate) fn seeded() -> Self {
        let mut fly = Self {
            apps: BTreeMap::new(),
            organizations: BTreeMap::from([("molecule".to_owned(), "org-molecule-1".to_owned())]),
            tokens: Vec::new(),
            serial: 0,
        };
        fly.mint("organization:molecule", "personal", "user", None, Some(TOKEN), 0);
        let cp = json!({ "machines": [{ "state": "started", "checks": true }, { "state": "started", "checks": true }, { "state": "stopped" }] });
        fly.add_app("molecule-cp", &cp);
        fly.add_app("molecule-worker", &json!({ "machines": [{ "state": "started" }] }));
        fly
    }

    fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn add_app(&mut self, name: &str, wanted: &Value) {
        if self.apps.contains_key(name) {
            return;
        }
        let organization = wanted
            .get("organization")
            .and_then(Value::as_str)
            .unwrap_or("molecule")
            .to_owned();
        let mut app = App::new(format!("app-{name}-id"), organization);
        for machine in wanted.get("machines").and_then(Value::as_array).into_iter().flatten() {
            let id = format!("{:014x}", 0xd890_0000_0000_u64 + self.serial());
            app.machines.insert(id.clone(), Machine::new(&id, machine));
        }
        self.apps.insert(name.to_owned(), app);
    }

    /// `{"apps": {"name": {"machines": [{"state", "checks", "fails_after_update"}]}}, "tokens": [{"app", "name"}]}`
    pub(crate) fn seed(&mut self, content: &Value) -> Result<(), String> {
        for (name, wanted) in content.get("apps").and_then(Value::as_object).into_iter().flatten() {
            self.add_app(name, wanted);
        }
        for token in content.get("tokens").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| token.get(name).and_then(Value::as_str);
            let owner = text("app")
                .map(|app| format!("app:{app}"))
                .ok_or("a token needs an app")?;
            self.mint(
                &owner,
                text("name").ok_or("a token needs a name")?,
                "deploy",
                None,
                None,
                0,
            );
        }
        Ok(())
    }

    /// Makes a token; returns its place in the list.
    pub(crate) fn mint(
        &mut self,
        owner: &str,
        name: &str,
        profile: &str,
        seconds: Option<i64>,
        value: Option<&str>,
        lag: i64,
    ) -> usize {
        let number = self.serial();
        let value = value.map(str::to_owned).unwrap_or_else(|| {
            use base64::Engine as _;
            let part = |kind: &str| {
                base64::engine::general_purpose::STANDARD.encode(format!("{kind}-{number}-{:x}", secret_number()))
            };
            format!("FlyV1 fm2_{},fm2_{}", part("permission"), part("discharge"))
        });
        self.tokens.push(Token {
            id: format!("tok_{number:06}"),
            name: name.to_owned(),
            value,
            owner: owner.to_owned(),
            profile: profile.to_owned(),
            created_at: clock::seconds(),
            expires_at: seconds.map(clock::ahead),
            revoked_at: None,
            listed_from: clock::epoch_millis() + lag,
        });
        self.tokens.len() - 1
    }

    /// The live token that a header value stands for.
    pub(crate) fn token(&self, header: &str) -> Option<&Token> {
        let bare = |text: &str| {
            let mut text = text.trim();
            while let Some((scheme, rest)) = text.split_once(' ') {
                if scheme.eq_ignore_ascii_case("FlyV1") || scheme.eq_ignore_ascii_case("Bearer") {
                    text = rest.trim();
                } else {
                    break;
                }
            }
            text.to_owned()
        };
        let presented = bare(header);
        let now = clock::seconds();
        self.tokens.iter().find(|token| {
            let alive = token.revoked_at.is_none() && token.expires_at.as_ref().is_none_or(|at| *at > now);
            alive && !presented.is_empty() && bare(&token.value) == presented
        })
    }

    pub(crate) fn answer(&mut self, call: &Call, lag: i64) -> Reply {
        let (method, segments) = call.route();
        // These two carry the token in their body, and no Authorization header.
        if method == "POST" && segments.as_slice() == ["v1", "tokens", "authenticate"] {
            return match self.token(call.text("header").unwrap_or_default()) {
                Some(token) => Reply::ok(json!([{ "nonce": { "uuid": token.id }, "caveats": [] }])),
                None => Vendor::Fly.error(400, "token could not be verified"),
            };
        }
        let Some(token) = self.token(call.header("authorization")) else {
            return if call.path == "/graphql" {
                Reply::ok(
                    json!({ "data": null, "errors": [{ "message": "You must be authenticated to view this.", "extensions": { "code": "UNAUTHORIZED" } }] }),
                )
            } else {
                Vendor::Fly.error(401, "unauthorized")
            };
        };
        if method == "GET" && segments.as_slice() == ["v1", "tokens", "current"] {
            return Reply::ok(
                json!({ "tokens": [{ "token_id": token.id, "organization": "molecule", "org_slug": "molecule", "apps": [], "user": "sandbox" }] }),
            );
        }
        match segments.as_slice() {
            ["graphql"] => graphql::answer(self, call, lag),
            ["v1", "apps", name, rest @ ..] => match self.apps.get_mut(*name) {
                Some(app) => machines::answer(app, name, call, rest).with("fly-request-id", "sandbox"),
                None => Vendor::Fly.error(404, "app not found"),
            },
            _ => Vendor::Fly.error(404, "not found"),
        }
    }

    pub(crate) fn state(&self) -> Value {
        let apps: BTreeMap<_, _> = self
            .apps
            .iter()
            .map(|(name, app)| (name.clone(), app.state()))
            .collect();
        let tokens: Vec<Value> = self
            .tokens
            .iter()
            .map(|token| {
                json!({
                    "id": token.id, "name": token.name, "value": token.value, "owner": token.owner, "profile": token.profile,
                    "created_at": token.created_at, "expires_at": token.expires_at, "revoked_at": token.revoked_at,
                })
            })
            .collect();
        json!({ "apps": apps, "tokens": tokens })
    }
}

/// Something that nobody guesses, for token values.
fn secret_number() -> u128 {
    use crypto_box::aead::rand_core::RngCore as _;
    let mut rng = crypto_box::aead::OsRng;
    (u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64())
}
