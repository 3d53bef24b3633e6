//! GitHub's REST API: secrets of repositories, environments and organizations, workflow dispatch and runs.

mod access;
mod actions;
mod bodies;
mod limits;
mod secrets;
mod workflow;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::clock;
use crate::fields::{self, Fields};
use crate::vendors::Vendor;
use access::{App, Token};
use actions::{Circumstances, Run};
use limits::Secondary;
use secrets::Level;
use workflow::Workflow;

pub(crate) const TOKEN: &str = "ghp_sandboxT7hKq2Rz9XcW4vBn6LmYp3Ds8Fg1";
pub(crate) const OWNER: &str = "molecule-ai";

/// Versions of the API that GitHub serves.
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// Products whose secrets have their own place and key in a repository or an organization.
const PRODUCTS: [&str; 4] = ["actions", "dependabot", "codespaces", "agents"];

/// Calls an hour.
const RATE_LIMIT: u64 = 5_000;

#[derive(Clone)]
struct Repository {
    id: u64,
    /// Read-only for everybody.
    archived: bool,
    default_branch: String,
    branches: Vec<String>,
    tags: Vec<String>,
    products: BTreeMap<String, Level>,
    environments: BTreeMap<String, Level>,
    workflows: Vec<Workflow>,
    runs: Vec<Run>,
}

impl Repository {
    fn levels(&mut self) -> impl Iterator<Item = &mut Level> {
        self.products.values_mut().chain(self.environments.values_mut())
    }

    fn state(&self) -> Value {
        let mut state = json!({ "runs": self.runs.iter().map(Run::state).collect::<Vec<_>>() });
        let environments: BTreeMap<_, _> = self
            .environments
            .iter()
            .map(|(name, level)| (name, level.state()))
            .collect();
        state["environments"] = json!(environments);
        for (product, level) in &self.products {
            if product == "actions" {
                state["secrets"] = level.state()["secrets"].take();
            } else {
                state[product] = level.state();
            }
        }
        state
    }
}

/// GitHub.
#[derive(Clone)]
pub(crate) struct GitHub {
    repositories: BTreeMap<String, Repository>,
    /// Former names of repositories, with their ids.
    former: BTreeMap<String, u64>,
    organization: BTreeMap<String, Level>,
    tokens: Vec<Token>,
    app: Option<App>,
    serial: u64,
    next_run: u64,
    silent_dispatch: bool,
    /// Calls that are permitted within an hour.
    rate_limit: u64,
    remaining: u64,
    /// When the calls are counted anew, in seconds since 1970.
    reset: i64,
    secondary: Secondary,
}

fn refuse(status: u16, message: &str) -> Reply {
    Vendor::GitHub.error(status, message)
}

/// A page of a list: `per_page`, `page`, and a Link header to the others.
fn page(call: &Call, field: &str, all: Vec<Value>) -> Reply {
    let size = call.number("per_page").unwrap_or(30).clamp(1, 100);
    let number = call.number("page").unwrap_or(1).max(1);
    let last = all.len().div_ceil(size).max(1);
    let shown: Vec<&Value> = all.iter().skip((number - 1) * size).take(size).collect();
    let reply = Reply::ok(json!({ "total_count": all.len(), field: shown }));
    let mut links = Vec::new();
    let mut link = |name: &str, to: usize| {
        let kept = call
            .query
            .iter()
            .filter(|(name, _)| *name != "page" && *name != "per_page");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .append_pair("per_page", &size.to_string())
            .append_pair("page", &to.to_string())
            .finish();
        links.push(format!(
            "<http://{}{}?{query}>; rel=\"{name}\"",
            call.header("host"),
            call.path
        ));
    };
    if number > 1 {
        link("prev", number - 1);
    }
    if number < last {
        link("next", number + 1);
        link("last", last);
    }
    if links.is_empty() {
        return reply;
    }
    reply.with("link", links.join(", "))
}

fn random_text(length: usize) -> String {
    use crypto_box::aead::rand_core::RngCore as _;
    let mut rng = crypto_box::aead::OsRng;
    (0..length.div_ceil(16))
        .map(|_| format!("{:016x}", rng.next_u64()))
        .collect()
}

impl GitHub {
    pub(crate) fn seeded() -> Self {
        let levels = PRODUCTS.iter().zip(1..);
        let mut github = Self {
            repositories: BTreeMap::new(),
            former: BTreeMap::new(),
            organization: levels
                .map(|(product, at)| ((*product).to_owned(), Level::new(at, true)))
                .collect(),
            tokens: vec![Token::personal(TOKEN)],
            app: None,
            serial: 10,
            next_run: 30_433_642,
            silent_dispatch: false,
            rate_limit: RATE_LIMIT,
            remaining: RATE_LIMIT,
            secondary: Secondary::default(),
            reset: clock::epoch_millis() / 1000 + 3600,
        };
        for name in ["molecule-monorepo", "molecule-docs"] {
            github.add_repository(&format!("{OWNER}/{name}"), &["staging", "production"]);
        }
        github
    }

    fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn add_repository(&mut self, name: &str, environments: &[&str]) {
        let mut numbers = Vec::new();
        for _ in 0..PRODUCTS.len() + environments.len() + 1 {
            numbers.push(self.serial());
        }
        let mut numbers = numbers.into_iter();
        let mut number = move || numbers.next().unwrap_or_default();
        let repository = self.repositories.entry(name.to_owned()).or_insert_with(|| Repository {
            id: number(),
            archived: false,
            default_branch: "main".to_owned(),
            branches: vec!["main".to_owned()],
            tags: Vec::new(),
            products: PRODUCTS
                .iter()
                .map(|product| ((*product).to_owned(), Level::new(number(), false)))
                .collect(),
            environments: BTreeMap::new(),
            workflows: vec![Workflow {
                file: "publish-platform-image.yml".to_owned(),
                id: 161_335,
                ..Workflow::default()
            }],
            runs: Vec::new(),
        });
        for environment in environments {
            let level = repository.environments.entry((*environment).to_owned());
            level.or_insert_with(|| Level::new(number(), false));
        }
    }

    /// `{"repositories": {"owner/name": {"renamed_to": "owner/other", "archived": bool, "environments": […], "deleted_environments": […], "default_branch", "branches": […],
    /// "tags": […], "workflows": {"file.yml": "conclusion" | {"conclusion", "state", "triggers": […], "only_on"}}, "secrets": {"NAME":
    /// "value"}, "dependabot_secrets", "codespaces_secrets", "agents_secrets": the same, "environment_secrets": {"env": {"NAME": "value"}}}},
    /// "tokens": […], "app": {…}, "silent_dispatch": bool, "rotate_keys": true, "rate_limit": n, "rate_limit_remaining": n,
    /// "write_limits": [{"writes": n, "within_ms": n}]}`
    pub(crate) fn seed(&mut self, content: &Value, path: &str) -> Result<(), String> {
        let known = [
            "repositories",
            "tokens",
            "app",
            "silent_dispatch",
            "rotate_keys",
            "rate_limit",
            "rate_limit_remaining",
            "write_limits",
        ];
        let fields = Fields::of(content, path, &known)?;
        self.silent_dispatch = fields.flag("silent_dispatch")?.unwrap_or(self.silent_dispatch);
        if let Some(limit) = fields.number("rate_limit", 0)? {
            self.rate_limit = limit;
            self.remaining = limit;
        }
        if let Some(remaining) = fields.number("rate_limit_remaining", 0)? {
            self.remaining = remaining;
            self.reset = clock::epoch_millis() / 1000 + 2;
        }
        if let Some(secondary) = Secondary::of(&fields)? {
            self.secondary = secondary;
        }
        if let Some(app) = content.get("app") {
            self.app = Some(App::from_seed(app, &fields.path_of("app"))?);
        }
        for (path, token) in fields.list("tokens")? {
            let token = Token::from_seed(token, &path)?;
            self.tokens.retain(|known| known.value != token.value);
            self.tokens.push(token);
        }
        for (name, path, wanted) in fields.names("repositories")? {
            self.seed_repository(name, wanted, &path)?;
        }
        if fields.flag("rotate_keys")? == Some(true) {
            let repositories = self.repositories.values_mut().flat_map(Repository::levels);
            repositories
                .chain(self.organization.values_mut())
                .for_each(Level::rotate_key);
        }
        Ok(())
    }

    fn seed_repository(&mut self, name: &str, wanted: &Value, path: &str) -> Result<(), String> {
        if wanted.is_null() {
            self.repositories.remove(name);
            return Ok(());
        }
        let known = [
            "renamed_to",
            "archived",
            "environments",
            "deleted_environments",
            "default_branch",
            "branches",
            "tags",
            "workflows",
            "secrets",
            "environment_secrets",
            "dependabot_secrets",
            "codespaces_secrets",
            "agents_secrets",
        ];
        let fields = Fields::of(wanted, path, &known)?;
        if let Some(other) = fields.text("renamed_to")? {
            let repository = self.repositories.remove(name).ok_or("no such repository")?;
            self.former.insert(name.to_owned(), repository.id);
            self.repositories.insert(other.to_owned(), repository);
            return Ok(());
        }
        self.add_repository(name, &fields.texts("environments")?.unwrap_or_default());
        let id = self.serial();
        let repository = self.repositories.get_mut(name).ok_or("no such repository")?;
        repository.archived = fields.flag("archived")?.unwrap_or(repository.archived);
        for environment in fields.texts("deleted_environments")?.into_iter().flatten() {
            repository.environments.remove(environment);
        }
        if let Some(branch) = fields.text("default_branch")? {
            branch.clone_into(&mut repository.default_branch);
            repository.branches = vec![branch.to_owned()];
        }
        let owned = |names: Option<Vec<&str>>| names.into_iter().flatten().map(str::to_owned).collect::<Vec<_>>();
        repository.branches.extend(owned(fields.texts("branches")?));
        repository.tags.extend(owned(fields.texts("tags")?));
        for (file, path, wanted) in fields.names("workflows")? {
            let at = repository.workflows.iter().position(|known| known.file == *file);
            let at = at.unwrap_or_else(|| {
                repository.workflows.push(Workflow {
                    file: file.to_owned(),
                    id: 161_335 + id,
                    ..Workflow::default()
                });
                repository.workflows.len() - 1
            });
            if let Some(workflow) = repository.workflows.get_mut(at) {
                workflow.seed(wanted, &path)?;
            }
        }
        // As a person would in the settings page.
        let write = |level: &mut Level, secrets: Vec<(&str, String, &Value)>| -> Result<(), String> {
            for (secret, path, value) in secrets {
                let value = fields::text(&path, value)?;
                level.write(&secret.to_ascii_uppercase(), value.to_owned(), 0);
            }
            Ok(())
        };
        for (product, level) in &mut repository.products {
            let field = match product.as_str() {
                "actions" => "secrets".to_owned(),
                product => format!("{product}_secrets"),
            };
            write(level, fields.names(&field)?)?;
        }
        for (environment, path, secrets) in fields.names("environment_secrets")? {
            let level = repository.environments.get_mut(environment);
            let level = level.ok_or_else(|| format!("{path}: the repository has no such environment"))?;
            write(level, Fields::any(secrets, &path)?.all().collect())?;
        }
        Ok(())
    }

    pub(crate) fn state(&self) -> Value {
        let repositories = self
            .repositories
            .iter()
            .map(|(name, repository)| (name, repository.state()));
        let organization = self
            .organization
            .iter()
            .map(|(product, level)| (product, level.state()));
        json!({
            "repositories": repositories.collect::<BTreeMap<_, _>>(),
            "organizations": { OWNER: organization.collect::<BTreeMap<_, _>>() },
            "tokens": self.tokens.iter().map(Token::state).collect::<Vec<_>>(),
        })
    }

    /// What is left of the calls of this hour, and how many writes came too early: reads change them, so they are no part of the truth.
    pub(crate) fn limits(&self) -> Value {
        json!({ "remaining": self.remaining, "refused_writes": self.secondary.refusals() })
    }

    pub(crate) fn answer(&mut self, call: &Call, lag: i64) -> Reply {
        if call.header("user-agent").is_empty() {
            return refuse(
                403,
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
            );
        }
        let version = call.header("x-github-api-version");
        if !version.is_empty() && !VERSIONS.contains(&version) {
            return refuse(400, &format!("{version:?} is not a supported API version"));
        }
        let now = clock::epoch_millis() / 1000;
        if now >= self.reset {
            self.remaining = self.rate_limit;
            self.reset = now + 3600;
        }
        let mut reply = if let Some(early) = self.secondary.refuses(call, clock::epoch_millis()) {
            let why = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
            refuse(403, why).with("retry-after", (early / 1000 + 1).to_string())
        } else if self.remaining == 0 {
            refuse(403, "API rate limit exceeded for user ID 1.")
        } else {
            self.remaining -= 1;
            self.authenticated(call, lag)
        };
        if let Some(body) = &mut reply.body {
            localise(body, &format!("http://{}", call.header("host")));
        }
        let reply = limits::tagged(call, reply);
        if reply.status == 304 {
            self.remaining += 1;
        }
        reply
            .with("x-ratelimit-limit", self.rate_limit.to_string())
            .with("x-ratelimit-remaining", self.remaining.to_string())
            .with(
                "x-ratelimit-used",
                self.rate_limit.saturating_sub(self.remaining).to_string(),
            )
            .with("x-ratelimit-reset", self.reset.to_string())
            .with("x-ratelimit-resource", "core")
            .with("x-github-request-id", "SANDBOX:1")
            .with("date", httpdate())
    }

    /// The same call by the repository's name, where it names it by its id: `/repositories/{id}/…`.
    fn by_name(&self, call: &Call) -> Option<Call> {
        let (_, segments) = call.route();
        let ["repositories", id, rest @ ..] = segments.as_slice() else {
            return None;
        };
        let id: u64 = id.parse().ok()?;
        let (full, _) = self.repositories.iter().find(|(_, known)| known.id == id)?;
        let (owner, name) = full.split_once('/')?;
        let named = ["repos", owner, name].into_iter().chain(rest.iter().copied());
        Some(Call {
            method: call.method.clone(),
            path: call.path.clone(),
            search: call.search.clone(),
            segments: named.map(str::to_owned).collect(),
            query: call.query.clone(),
            headers: call.headers.clone(),
            raw: call.raw.clone(),
            body: call.body.clone(),
        })
    }

    /// GitHub sends who asks for a former name to the repository's id, for reads by 301, for everything else by 307
    /// (<https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects>).
    fn redirect(&self, call: &Call, full: &str) -> Option<Reply> {
        let id = self.former.get(full)?;
        // What follows `/repos/owner/name`, as it came.
        let rest = call.path.splitn(5, '/').nth(4);
        let rest = rest.map_or_else(String::new, |rest| format!("/{rest}"));
        let search = match call.search.as_str() {
            "" => String::new(),
            search => format!("?{search}"),
        };
        let to = format!("http://{}/repositories/{id}{rest}{search}", call.header("host"));
        let (status, message) = match call.method.as_str() {
            "GET" => (301, "Moved Permanently"),
            _ => (307, "Temporary Redirect"),
        };
        Some(refuse(status, message).with("location", to))
    }

    fn authenticated(&mut self, call: &Call, lag: i64) -> Reply {
        let by_name = self.by_name(call);
        let call = by_name.as_ref().unwrap_or(call);
        let (_, segments) = call.route();
        if let (["app", ..] | ["repos", _, _, "installation"], Some(app)) = (segments.as_slice(), &self.app) {
            let (token, reply) = app.answer(call);
            self.tokens.extend(token);
            return reply;
        }
        let presented = call.bearer();
        let found = self
            .tokens
            .iter_mut()
            .find(|token| token.value == presented && token.is_alive());
        let Some(token) = found else {
            return refuse(401, "Bad credentials");
        };
        if call.method == "DELETE" && segments.as_slice() == ["installation", "token"] {
            if !token.installation {
                return refuse(403, "You must authenticate with an installation access token");
            }
            token.revoked = true;
            return Reply::empty(204);
        }
        let writes = call.method != "GET";
        let scopes = token.scopes.clone();
        let (may_write, account_writes) = (token.may_write, token.account_writes);
        if let ["repos", owner, name, ..] = segments.as_slice() {
            if !token.sees(&format!("{owner}/{name}")) {
                return refuse(404, "Not Found");
            }
            if writes && !(may_write && account_writes) {
                return refuse(403, "Resource not accessible by personal access token");
            }
        } else if segments.first() == Some(&"orgs") && (token.repositories.is_some() || (writes && !may_write)) {
            return refuse(403, "Resource not accessible by personal access token");
        }
        let mut reply = self.route(call, lag);
        if let (Some(body), ["repos", _, _]) = (&mut reply.body, segments.as_slice())
            && scopes.is_some()
        {
            // The role of the account.
            let may = account_writes;
            body["permissions"] = json!({ "admin": may, "maintain": may, "push": may, "triage": may, "pull": true });
        }
        match scopes {
            Some(scopes) => reply.with("x-oauth-scopes", scopes),
            None => reply,
        }
    }

    fn route(&mut self, call: &Call, lag: i64) -> Reply {
        let (method, segments) = call.route();
        match (method, segments.as_slice()) {
            ("GET", ["rate_limit"]) => {
                let rate = json!({
                    "limit": self.rate_limit,
                    "remaining": self.remaining,
                    "reset": self.reset,
                    "used": self.rate_limit.saturating_sub(self.remaining),
                });
                Reply::ok(json!({ "resources": { "core": rate, "search": rate }, "rate": rate }))
            }
            ("GET", ["user"]) => Reply::ok(bodies::user("sandbox")),
            (_, ["orgs", OWNER, product, "secrets", rest @ ..]) => match self.organization.get_mut(*product) {
                Some(level) => level.answer(call, rest, lag),
                None => refuse(404, "Not Found"),
            },
            (_, ["repos", owner, name, rest @ ..]) => {
                let full = format!("{owner}/{name}");
                if !self.repositories.contains_key(&full)
                    && let Some(reply) = self.redirect(call, &full)
                {
                    return reply;
                }
                let found = self
                    .repositories
                    .iter_mut()
                    .find(|(known, _)| known.eq_ignore_ascii_case(&full));
                let Some((full, repository)) = found else {
                    return refuse(404, "Not Found");
                };
                let mut around = Circumstances {
                    full,
                    next_run: &mut self.next_run,
                    silent: self.silent_dispatch,
                    lag,
                };
                in_repository(repository, call, rest, &mut around)
            }
            _ => refuse(404, "Not Found"),
        }
    }
}

fn in_repository(repository: &mut Repository, call: &Call, rest: &[&str], around: &mut Circumstances<'_>) -> Reply {
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let mut body = bodies::repository(around.full, repository.id);
            body["archived"] = json!(repository.archived);
            body["default_branch"] = json!(repository.default_branch);
            Reply::ok(body)
        }
        (method, _) if method != "GET" && repository.archived => {
            refuse(403, "Repository was archived so is read-only.")
        }
        (_, ["environments", name, "secrets", rest @ ..]) => match repository.environments.get_mut(*name) {
            Some(level) => level.answer(call, rest, around.lag),
            None => refuse(404, "Not Found"),
        },
        (_, [product, "secrets", rest @ ..]) => match repository.products.get_mut(*product) {
            Some(level) => level.answer(call, rest, around.lag),
            None => refuse(404, "Not Found"),
        },
        ("GET", ["git", "matching-refs", kind @ ("heads" | "tags"), begin @ ..]) => {
            workflow::matching_refs(repository, kind, &begin.join("/"))
        }
        ("GET", ["contents", ".github", "workflows", file]) => workflow::contents(repository, call, file),
        ("GET", ["environments"]) => {
            let all = repository
                .environments
                .keys()
                .map(|name| bodies::environment(around.full, name));
            page(call, "environments", all.collect())
        }
        ("GET", ["environments", name]) if repository.environments.contains_key(*name) => {
            Reply::ok(bodies::environment(around.full, name))
        }
        (_, ["actions", rest @ ..]) => actions::answer(repository, call, rest, around),
        _ => refuse(404, "Not Found"),
    }
}

/// Makes the API's links point to where the API is served: clients follow them.
fn localise(body: &mut Value, origin: &str) {
    match body {
        Value::String(text) if text.starts_with(bodies::API) => *text = text.replacen(bodies::API, origin, 1),
        Value::Array(items) => items.iter_mut().for_each(|item| localise(item, origin)),
        Value::Object(fields) => fields.values_mut().for_each(|field| localise(field, origin)),
        _ => {}
    }
}

/// The Date header's format (RFC 9110 §5.6.7).
fn httpdate() -> String {
    jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
