//! Who may call: personal tokens, and an App whose signed assertions buy installation tokens for an hour.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::refuse;
use crate::call::{Call, Reply};
use crate::clock;
use crate::fields::Fields;

/// A personal token or an installation's.
#[derive(Clone)]
pub(super) struct Token {
    pub value: String,
    /// The repositories (`owner/name`) that it sees; without a list all of them.
    pub repositories: Option<Vec<String>>,
    pub may_write: bool,
    /// The scopes of a classic token, as the header tells them; other tokens have none.
    pub scopes: Option<String>,
    /// Whether its account has the role Write.
    pub account_writes: bool,
    pub expires_at: Option<String>,
    pub revoked: bool,
    pub installation: bool,
}

impl Token {
    pub(super) fn personal(value: &str) -> Self {
        Self {
            value: value.to_owned(),
            repositories: None,
            may_write: true,
            scopes: value.starts_with("ghp_").then(|| "repo, workflow".to_owned()),
            account_writes: true,
            expires_at: None,
            revoked: false,
            installation: false,
        }
    }

    pub(super) fn from_seed(wanted: &Value, path: &str) -> Result<Self, String> {
        let fields = Fields::of(
            wanted,
            path,
            &["value", "repositories", "may_write", "scopes", "account_writes"],
        )?;
        let value = fields.text("value")?.ok_or_else(|| format!("{path} needs a value"))?;
        let mut token = Self::personal(value);
        token.repositories = fields.texts("repositories")?.map(owned);
        token.account_writes = fields.flag("account_writes")?.unwrap_or(true);
        let scopes = fields.text("scopes")?.map(str::to_owned).or(token.scopes);
        // A classic token without the scope writes nothing.
        let covers = scopes
            .as_ref()
            .is_none_or(|scopes| scopes.split(", ").any(|scope| scope == "repo"));
        token.may_write = fields.flag("may_write")?.unwrap_or(covers);
        token.scopes = scopes;
        Ok(token)
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.revoked && self.expires_at.as_ref().is_none_or(|at| *at > clock::seconds())
    }

    pub(super) fn sees(&self, full: &str) -> bool {
        let known = self.repositories.as_ref();
        known.is_none_or(|known| known.iter().any(|name| name.eq_ignore_ascii_case(full)))
    }

    pub(super) fn state(&self) -> Value {
        json!({
            "value": self.value, "installation": self.installation, "revoked": self.revoked, "expires_at": self.expires_at,
            "repositories": self.repositories, "may_write": self.may_write,
        })
    }
}

fn owned(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

fn names(list: &Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A GitHub App with one installation.
#[derive(Clone)]
pub(super) struct App {
    id: String,
    installation: String,
    public_key: Vec<u8>,
    repositories: Vec<String>,
    permissions: Value,
}

impl App {
    /// `{"id", "installation_id", "public_key": "PEM", "repositories": ["owner/name"], "permissions": {"secrets": "write"}}`
    pub(super) fn from_seed(wanted: &Value, path: &str) -> Result<Self, String> {
        let known = ["id", "installation_id", "public_key", "repositories", "permissions"];
        let fields = Fields::of(wanted, path, &known)?;
        let usual = json!({ "secrets": "write", "environments": "write", "actions": "write", "metadata": "read" });
        let number = |name: &str| {
            let number = fields.number(name, 1)?.map(|number| number.to_string());
            number.ok_or_else(|| format!("{path} needs a numeric {name}"))
        };
        let pem = fields.text("public_key")?.unwrap_or_default();
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        Ok(Self {
            id: number("id")?,
            installation: number("installation_id")?,
            public_key: STANDARD
                .decode(body)
                .map_err(|_| format!("{path}.public_key must be PEM"))?,
            repositories: fields.texts("repositories")?.map(owned).unwrap_or_default(),
            permissions: wanted.get("permissions").cloned().unwrap_or(usual),
        })
    }

    /// Whether an assertion is signed by this app, and is for now.
    fn accepts(&self, assertion: &str) -> Result<(), &'static str> {
        let malformed = "A JSON web token could not be decoded";
        let (signed, signature) = assertion.rsplit_once('.').ok_or(malformed)?;
        let (head, claims) = signed.split_once('.').ok_or(malformed)?;
        let json = |text: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok() };
        let (head, claims) = (json(head).ok_or(malformed)?, json(claims).ok_or(malformed)?);
        if head.get("alg").and_then(Value::as_str) != Some("RS256") {
            return Err("The algorithm must be RS256");
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?;
        let key = aws_lc_rs::signature::UnparsedPublicKey::new(
            &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256,
            &self.public_key,
        );
        key.verify(signed.as_bytes(), &signature).map_err(|_| malformed)?;
        let now = clock::epoch_millis() / 1000;
        let claim = |name: &str| claims.get(name).and_then(Value::as_i64);
        let issuer = claims
            .get("iss")
            .map(|issuer| issuer.as_str().map_or_else(|| issuer.to_string(), str::to_owned));
        match (claim("iat"), claim("exp")) {
            _ if issuer.as_ref() != Some(&self.id) => Err("Integration not found"),
            (Some(issued), _) if issued > now => Err("'Issued at' claim ('iat') must be an Integer in the past"),
            (Some(_), Some(expiry)) if expiry <= now => Err("'Expiration time' claim ('exp') must be in the future"),
            (Some(_), Some(expiry)) if expiry > now + 600 => {
                Err("'Expiration time' claim ('exp') is too far in the future")
            }
            (Some(_), Some(_)) => Ok(()),
            _ => Err("'Issued at' and 'Expiration time' claims are required"),
        }
    }

    /// Answers the calls that an app makes as itself; the token that came of it.
    pub(super) fn answer(&self, call: &Call) -> (Option<Token>, Reply) {
        if let Err(problem) = self.accepts(call.bearer()) {
            return (None, refuse(401, problem));
        }
        let (method, segments) = call.route();
        match (method, segments.as_slice()) {
            ("GET", ["app"]) => (
                None,
                Reply::ok(json!({ "id": self.id.parse::<u64>().ok(), "slug": "sandbox", "name": "Sandbox" })),
            ),
            ("GET", ["repos", owner, name, "installation"])
                if self.repositories.contains(&format!("{owner}/{name}")) =>
            {
                (
                    None,
                    Reply::ok(
                        json!({ "id": self.installation.parse::<u64>().ok(), "app_id": self.id.parse::<u64>().ok() }),
                    ),
                )
            }
            ("POST", ["app", "installations", id, "access_tokens"]) if *id == self.installation => self.issue(call),
            _ => (None, refuse(404, "Not Found")),
        }
    }

    fn issue(&self, call: &Call) -> (Option<Token>, Reply) {
        let wanted = call.body.get("repositories").map(names);
        let short = |full: &String| full.split_once('/').map_or(full.clone(), |(_, name)| name.to_owned());
        if let Some(unknown) = wanted
            .iter()
            .flatten()
            .find(|name| !self.repositories.iter().any(|full| short(full) == **name))
        {
            return (
                None,
                refuse(
                    422,
                    &format!("There is at least one repository that does not exist or is not accessible: {unknown}"),
                ),
            );
        }
        let chosen = self
            .repositories
            .iter()
            .filter(|full| wanted.as_ref().is_none_or(|names| names.contains(&short(full))));
        let expires_at = clock::ahead(3600);
        let token = Token {
            // The stateless form of 2026: several hundred characters.
            value: format!("ghs_{}_{}", self.id, super::random_text(400)),
            repositories: Some(chosen.cloned().collect()),
            may_write: true,
            scopes: None,
            account_writes: true,
            expires_at: Some(expires_at.clone()),
            revoked: false,
            installation: true,
        };
        let body = json!({
            "token": token.value, "expires_at": expires_at, "permissions": self.permissions,
            "repository_selection": "selected",
        });
        (Some(token), Reply::json(201, body))
    }
}
