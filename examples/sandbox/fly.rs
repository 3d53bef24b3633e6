//! Fly.io: the Machines API, and tokens over GraphQL.

mod graphql;
mod machines;
mod secrets;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::clock;
use crate::fields::Fields;
use crate::vendors::Vendor;
use machines::{App, Change, Machine};

/// The token that the sandbox is used with.
pub(crate) const TOKEN: &str = "FlyV1 fm2_c2FuZGJveC1wZXJtaXQthbCLRQts01x7B3xxsjUxhGZW";

#[derive(Clone)]
pub(crate) struct Token {
    pub id: String,
    pub name: String,
    pub value: String,
    /// `app:<name>` or `organization:<slug>`.
    pub owner: String,
    pub profile: String,
    pub params: Value,
    /// Its holder took the right to write away from it.
    pub read_only: bool,
    pub created_at: String,
    pub expires_at: Option<String>,
    pub revoked_at: Option<String>,
    /// When lists begin to show it, in milliseconds.
    pub listed_from: i64,
}

/// Fly.
#[derive(Clone)]
pub(crate) struct Fly {
    pub apps: BTreeMap<String, App>,
    pub organizations: BTreeMap<String, String>,
    pub tokens: Vec<Token>,
    serial: u64,
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
        let worker = json!({ "machines": [{ "state": "started" }] });
        for (name, wanted) in [("molecule-cp", &cp), ("molecule-worker", &worker)] {
            if let Err(problem) = fly.add_app(name, wanted, name) {
                eprintln!("sandbox: {problem}");
            }
        }
        fly
    }

    fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Adds an app, unless it is there.
    fn add_app(&mut self, name: &str, wanted: &Value, path: &str) -> Result<(), String> {
        let fields = Fields::any(wanted, path)?;
        let organization = fields.text("organization")?.unwrap_or("molecule").to_owned();
        let mut app = App::new(format!("app-{name}-id"), organization);
        for (path, machine) in fields.list("machines")? {
            let id = format!("{:014x}", 0xd890_0000_0000_u64 + self.serial());
            app.machines.insert(id.clone(), Machine::new(&id, machine, &path)?);
        }
        self.apps.entry(name.to_owned()).or_insert(app);
        Ok(())
    }

    /// `{"apps": {"name": {"machines": [{"state", "checks", …}], …}}, "tokens": [{"app" | "organization", "name", "read_only"}]}`;
    /// `fails_after_update`, `exit_code`, `start_ms`, `host_status` and `leased_for` hold for a machine, or for all machines of an app;
    /// `secrets_age_ms` says how much longer ago the app's secrets were written.
    pub(crate) fn seed(&mut self, content: &Value, path: &str) -> Result<(), String> {
        let fields = Fields::of(content, path, &["apps", "tokens"])?;
        for (name, path, wanted) in fields.names("apps")? {
            let change = Change::read(wanted, &path, &["machines", "organization", "secrets_age_ms"])?;
            let age = Fields::any(wanted, &path)?.span("secrets_age_ms")?;
            self.add_app(name, wanted, &path)?;
            if let Some(app) = self.apps.get_mut(name) {
                app.age_secrets(age.unwrap_or(0));
                app.machines.values_mut().for_each(|machine| machine.change(&change));
            }
        }
        for (path, token) in fields.list("tokens")? {
            let fields = Fields::of(token, &path, &["app", "organization", "name", "read_only"])?;
            let owner = fields.text("app")?.map(|app| format!("app:{app}"));
            let organization = fields.text("organization")?;
            let owner = owner.or_else(|| organization.map(|slug| format!("organization:{slug}")));
            let owner = owner.ok_or_else(|| format!("{path} needs an app or an organization"))?;
            let name = fields.text("name")?.ok_or_else(|| format!("{path} needs a name"))?;
            let live = |known: &&Token| known.name == name && known.owner == owner && known.revoked_at.is_none();
            if self.tokens.iter().find(live).is_none() {
                let at = self.mint(&owner, name, "deploy", None, None, 0);
                if let Some(token) = self.tokens.get_mut(at) {
                    token.read_only = fields.flag("read_only")?.unwrap_or(false);
                }
            }
        }
        Ok(())
    }

    /// What all checks say once their machine has been updated.
    pub(crate) fn set_check_health(&mut self, health: &str) {
        for machine in self.apps.values_mut().flat_map(|app| app.machines.values_mut()) {
            machine.set_health_after_update(health);
        }
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
                // Bytes, not their digits: whoever searches for pieces of a token must not find those of some other digest.
                let random = [secret_number(), secret_number()].map(|number| number.to_be_bytes());
                let text = [format!("{kind}-{number}-").as_bytes(), random.as_flattened()].concat();
                base64::engine::general_purpose::STANDARD.encode(text)
            };
            format!("FlyV1 fm2_{},fm2_{}", part("permission"), part("discharge"))
        });
        self.tokens.push(Token {
            id: format!("tok_{number:06}"),
            name: name.to_owned(),
            value,
            owner: owner.to_owned(),
            profile: profile.to_owned(),
            params: owner
                .strip_prefix("app:")
                .map_or(json!({}), |app| json!({ "app_id": format!("app-{app}-id") })),
            read_only: false,
            created_at: clock::seconds(),
            expires_at: seconds.map(clock::ahead),
            revoked_at: None,
            listed_from: clock::epoch_millis() + lag,
        });
        self.tokens.len() - 1
    }

    /// The first live token of a header, which may carry several, and each in two parts.
    pub(crate) fn token(&self, header: &str) -> Option<&Token> {
        let presented: Vec<&str> = bare(header).split(',').map(str::trim).collect();
        let now = clock::seconds();
        self.tokens.iter().find(|token| {
            let alive = token.revoked_at.is_none() && token.expires_at.as_ref().is_none_or(|at| *at > now);
            alive && bare(&token.value).split(',').all(|part| presented.contains(&part))
        })
    }

    /// The app that a token is limited to.
    fn only(token: &Token) -> Option<&str> {
        token.owner.strip_prefix("app:")
    }

    pub(crate) fn answer(&mut self, call: &Call, lag: i64) -> Reply {
        let (method, segments) = call.route();
        // These two carry the token in their body, and no Authorization header.
        if let ("POST", ["v1", "tokens", question @ ("authenticate" | "authorize")]) = (method, segments.as_slice()) {
            let token = self.token(call.text("header").unwrap_or_default());
            return token.map_or_else(
                || refuse(400, "token could not be verified"),
                |token| verified(question, token, call),
            );
        }
        let Some(token) = self.token(call.header("authorization")) else {
            return if call.path == "/graphql" {
                let error = crate::graphql::validate::error("You must be authenticated to view this.", "UNAUTHORIZED");
                Reply::ok(json!({ "data": null, "errors": [error] }))
            } else {
                refuse(401, "unauthorized")
            };
        };
        let only = Self::only(token).map(str::to_owned);
        if token.read_only && !graphql::reads(call) {
            return refuse(403, "permission denied: the token does not allow this action");
        }
        let reply = match (method, segments.as_slice()) {
            ("GET", ["v1", "tokens", "current"]) => Reply::ok(json!({ "tokens": [{
                "token_id": token.id, "organization": "molecule", "org_slug": "molecule",
                "apps": only.iter().collect::<Vec<_>>(), "user": "sandbox@example.com",
            }] })),
            ("POST", ["graphql"]) => graphql::answer(self, call, lag),
            ("GET", ["v1", "apps"]) => {
                let seen = |(name, _): &(&String, &App)| only.as_ref().is_none_or(|only| only == *name);
                let apps: Vec<Value> = self
                    .apps
                    .iter()
                    .filter(seen)
                    .map(|(name, app)| app.body(name))
                    .collect();
                Reply::ok(json!({ "apps": apps, "total_apps": apps.len() }))
            }
            ("GET", ["v1", "orgs", slug, "machines"]) if self.organizations.contains_key(*slug) && only.is_none() => {
                self.machines_of(slug)
            }
            (_, ["v1", "apps", name, ..]) if only.as_ref().is_some_and(|only| only != *name) => {
                refuse(403, "this token is not for this app")
            }
            ("POST", ["v1", "apps", name, "deploy_token"]) if self.apps.contains_key(*name) => {
                let at = self.mint(&format!("app:{name}"), "deploy-token", "deploy", None, None, lag);
                Reply::ok(json!({ "token": self.tokens.get(at).map(|token| token.value.clone()) }))
            }
            (_, ["v1", "apps", name, rest @ ..]) => match self.apps.get_mut(*name) {
                Some(app) => app.answer(name, call, rest, lag),
                None => refuse(404, "app not found"),
            },
            _ => refuse(404, "not found"),
        };
        reply.with("fly-request-id", "sandbox")
    }

    fn machines_of(&self, slug: &str) -> Reply {
        let apps = self.apps.iter().filter(|(_, app)| app.organization == slug);
        let all: Vec<Value> = apps
            .flat_map(|(name, app)| app.machines.values().map(|machine| machine.overview(name)))
            .collect();
        Reply::ok(json!({ "machines": all, "next_cursor": "", "last_machine_id": "", "last_updated_at": "" }))
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

fn refuse(status: u16, message: &str) -> Reply {
    Vendor::Fly.error(status, message)
}

/// A token without the schemes that stand before it.
fn bare(text: &str) -> &str {
    let mut text = text.trim();
    while let Some((scheme, rest)) = text.split_once(' ') {
        if !scheme.eq_ignore_ascii_case("FlyV1") && !scheme.eq_ignore_ascii_case("Bearer") {
            break;
        }
        text = rest.trim();
    }
    text
}

/// What the two questions about a token answer when it is alive.
fn verified(question: &str, token: &Token, call: &Call) -> Reply {
    if question == "authenticate" {
        let number: Vec<u8> = token.id.bytes().collect();
        return Reply::ok(
            json!([{ "header": token.value, "nonce": { "kid": number, "rnd": number, "proof": false } }]),
        );
    }
    let wanted = call.body.pointer("/access/app_name").and_then(Value::as_str);
    let allowed = wanted.is_none_or(|wanted| Fly::only(token).is_none_or(|only| only == wanted));
    let writes = call
        .body
        .pointer("/access/action")
        .and_then(Value::as_str)
        .unwrap_or_default()
        != "r";
    if allowed && !(token.read_only && writes) {
        Reply::ok(json!({}))
    } else {
        refuse(400, "unauthorized for this app")
    }
}

/// Something that nobody guesses, for token values.
fn secret_number() -> u128 {
    use crypto_box::aead::rand_core::RngCore as _;
    let mut rng = crypto_box::aead::OsRng;
    (u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64())
}
