//! An environment variable of a Vercel project.
//!
//! A project may have several variables of one name, each for environments of its own. The one with exactly the environments of the
//! target is written; others of the same name are left alone, and one that shares an environment is refused, because Vercel takes one
//! of a name in each. Writes are told by `updatedAt`, in milliseconds. The comment names secret and generation for people, but is no
//! mark: whoever changes the value in the dashboard leaves it as it is.
//! <https://vercel.com/docs/rest-api/reference/endpoints/projects>

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::environment_variable::Variables;
use super::{
    Activated, Activation, Delivery, EntryWords, Escrowed, Offers, Receipt, Slot, Target, TargetConfig, TargetKind,
    TargetTraits,
};
use crate::address::Address;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::Link;
use crate::connection::vercel::{
    self, ENVIRONMENTS, NewVariable, Scope, Variable, Vercel, VercelClient, is_environment_id, is_project_id,
};
use crate::diagnostics::{Argument, StateProblem, names};
use crate::rotation::{Entry, RevisionKind};
use crate::secret::Secret;
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Path, Type};

/// The kind.
pub static KIND: TargetKind = TargetKind {
    name: "vercel_env",
    summary: "An environment variable of a Vercel project. Only new deployments get the new value: add the activation `vercel_redeploy`. Old \
              deployments keep the old value for ever, so an instant rollback fails once the old credential is revoked.",
    api_docs: Some("https://vercel.com/docs/rest-api/reference/endpoints/projects"),
    attributes,
    parse,
    reach: Some(vercel::VENDOR.reach()),
    slot,
    words,
    offers: Offers {
        marks: false,
        revision: RevisionKind::Time,
        pages: true,
        proof_of_absence: false,
        // Addresses hold the id itself.
        identity: false,
    },
};

static VARIABLES: Variables = Variables {
    platform: "Vercel",
    also_in_names: "",
};

/// Of all variables of a deployment together, in bytes (vercel.com/docs/environment-variables, "Environment Variable size").
const LARGEST: usize = 64 * 1024;

/// The longest comment (description of the API), and what is left to the user.
const COMMENT: usize = 500;
const MARK_ROOM: usize = 100;

/// The longest name of a branch (description of the API).
const BRANCH: usize = 250;

const DEFAULT_TYPE: &str = "sensitive";
/// `plain` would show the value in lists; `secret` and `system` are not for users.
const TYPES: &[&str] = &[DEFAULT_TYPE, "encrypted"];

const DEFAULT_COMMENT: &str = "Managed by Terraform";

struct Config {
    project: String,
    name: String,
    scope: Scope,
    kind: &'static str,
    comment: Option<String>,
}

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::required(
            "project_id",
            Type::String,
            "The id of the project, such as `prj_…`, which stands in its settings.",
        ),
        Attribute::optional(
            "target",
            Type::List(Box::new(Type::String)),
            "The environments: `production`, `preview`, `development`. At least one, unless `custom_environment_ids` is set. Variables of the \
             same name in other environments are left alone.",
        ),
        Attribute::optional(
            "custom_environment_ids",
            Type::List(Box::new(Type::String)),
            "Ids of custom environments, such as `env_…`.",
        ),
        Attribute::optional(
            "git_branch",
            Type::String,
            "The only branch whose preview deployments get the value. `target` must be `[\"preview\"]`.",
        ),
        Attribute::optional(
            "type",
            Type::String,
            "`sensitive` (default) cannot be read back by anyone, and is not possible for `development`. `encrypted` can be read by members \
             with access to the project.",
        ),
        Attribute::optional(
            "comment",
            Type::String,
            "A note of up to 400 characters. The provider appends the label of the generation. A changed note appears with the next value: it \
             alone writes nothing. Default: `Managed by Terraform`.",
        ),
        Variables::name_attribute(),
    ]
}

fn parse(node: &Node<'_>, default_name: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn TargetConfig>> {
    let project_node = node.attr("project_id");
    let project = project_node.required_string(problems).and_then_checked(|id| {
        let good = is_project_id(&id);
        if !good {
            let why =
                "An id begins with \"prj_\" and stands in the settings of the project; it is not the project's name.";
            project_node.report_not(problems, "the id of a Vercel project", why);
        }
        good.then_some(id)
    });
    let name = VARIABLES.name(node, default_name, problems);
    let kind = node.attr("type").one_of(TYPES, problems).or(DEFAULT_TYPE);
    let comment_node = node.attr("comment");
    let comment = comment_node.string(problems).and_then_checked(|text| {
        let fits = text.chars().count() <= COMMENT.saturating_sub(MARK_ROOM) && !text.is_empty();
        if !fits {
            let why = "A comment has 1 to 400 characters here; the provider's label needs the rest.";
            comment_node.report_not(problems, "a comment", why);
        }
        fits.then_some(text)
    });
    let scope = scope(node, kind, problems);
    Some(Box::new(Config {
        project: project.known()?,
        name: name.known()?,
        scope: scope?,
        kind: kind?,
        comment: comment.optional()?,
    }))
}

/// The environments, and whether they fit together and to the type.
fn scope(node: &Node<'_>, kind: Option<&str>, problems: &mut Diagnostics) -> Option<Scope> {
    let (target, custom, branch) = (
        node.attr("target"),
        node.attr("custom_environment_ids"),
        node.attr("git_branch"),
    );
    let listed =
        |node: &Node<'_>, fits: fn(&str) -> bool, what: &'static str, why: &'static str, problems: &mut Diagnostics| {
            node.strings(problems).and_then_checked(|names| {
                let good = names.iter().all(|name| fits(name));
                if !good {
                    node.report_not(problems, what, why);
                }
                good.then(|| names.into_iter().collect::<BTreeSet<String>>())
            })
        };
    let is_environment = |name: &str| ENVIRONMENTS.contains(&name);
    let why = "The environments of every project are production, preview and development; others go into custom_environment_ids.";
    let targets = listed(&target, is_environment, "a list of environments", why, problems);
    let why = "The id of a custom environment begins with \"env_\".";
    let custom_ids = listed(
        &custom,
        is_environment_id,
        "a list of ids of environments",
        why,
        problems,
    );
    let named = branch.string(problems).and_then_checked(|name| {
        let fits = !name.is_empty() && name.chars().count() <= BRANCH && !name.contains(char::is_control);
        if !fits {
            branch.report_not(problems, "the name of a branch", "It has 1 to 250 characters.");
        }
        fits.then_some(name)
    });
    let (targets, custom_ids) = (targets.or(BTreeSet::new())?, custom_ids.or(BTreeSet::new())?);
    let scope = Scope {
        targets,
        custom: custom_ids,
        branch: named.optional()?,
    };
    if scope.targets.is_empty() && scope.custom.is_empty() {
        node.report(problems, |argument| Argument::OneOf {
            argument,
            choices: names(["target", "custom_environment_ids"]),
            advice: "Neither names an environment. Set target = [\"production\"], for example.".into(),
        });
        return None;
    }
    let previews_alone = scope.targets.len() == 1 && scope.targets.contains("preview") && scope.custom.is_empty();
    if scope.branch.is_some() && !previews_alone {
        let why =
            "Vercel keeps values of a branch for previews alone. Set target to [\"preview\"], or remove git_branch.";
        branch.report_needs(problems, "target = [\"preview\"]", why);
        return None;
    }
    if kind == Some(DEFAULT_TYPE) && scope.targets.contains("development") {
        let why = "Vercel keeps no sensitive values for development. Set type to \"encrypted\", or remove development from target.";
        target.report(problems, |argument| Argument::CannotBeUsed {
            argument,
            why: why.into(),
        });
        return None;
    }
    Some(scope)
}

/// Project, environments and name in a locator of ours: `prj_x/production,preview/NAME`.
fn parts_of(locator: &str) -> Option<(String, Scope, String)> {
    let [project, scope, name] = locator.split('/').collect::<Vec<_>>().try_into().ok()?;
    let scope = Scope::parse(scope)?;
    let fits = is_project_id(project) && VARIABLES.is_name(name);
    fits.then(|| (project.to_owned(), scope, name.to_owned()))
}

fn slot(address: &Address, link: &Link<'_>) -> Result<Box<dyn Slot>, Diagnostic> {
    let (project, scope, name) = parts_of(&address.locator).ok_or_else(|| {
        let mistake = StateProblem::Address {
            address: address.to_string(),
            what: "the address of a variable at Vercel".into(),
            expected: "project/environments/NAME".into(),
        };
        Diagnostic::new(Path::root(), mistake)
    })?;
    Ok(Box::new(VercelVariable {
        client: link.account::<Vercel>()?.client()?,
        project,
        scope,
        name,
    }))
}

fn words(address: &Address) -> EntryWords {
    let Some((project, scope, name)) = parts_of(&address.locator) else {
        return EntryWords::of_text(address);
    };
    let place = format!("Vercel project {project}{}, {}", address.at_host(), scope.in_words());
    EntryWords {
        noun: format!("variable {name} of {place}"),
        entry: name,
        place: format!("in {place}"),
    }
}

impl TargetConfig for Config {
    fn slot(&self, _: &Link<'_>) -> Result<Address, Diagnostic> {
        let locator = format!("{}/{}/{}", self.project, self.scope, self.name);
        Ok(Address::new(KIND.name, locator))
    }

    /// Other deployments than that of production are redeployed by nobody but their authors.
    fn consumers(&self) -> Option<String> {
        let is_production = self.scope.custom.is_empty() && self.scope.targets.iter().eq(["production"]);
        let production = vercel::production(&self.project);
        Some(match is_production {
            true => production,
            false => format!("{production}, and its previews"),
        })
    }

    fn names(&self) -> Option<(String, String)> {
        Some((vercel::project(&self.project), self.name.clone()))
    }

    fn traits(&self) -> TargetTraits {
        TargetTraits {
            activation: Activation::Later,
            readable: false,
            reloads_within: None,
            follow_up: false,
        }
    }

    /// The comment is for people: no value is written, or rotated, for its sake.
    fn fingerprint(&self) -> String {
        serde_json::json!({ "type": self.kind }).to_string()
    }

    fn settings_in_words(&self) -> Vec<String> {
        let told = [
            (self.kind != DEFAULT_TYPE).then(|| format!("type {}", self.kind)),
            self.comment.as_ref().map(|comment| format!("comment {comment:?}")),
        ];
        told.into_iter().flatten().collect()
    }

    fn accepts(&self, value: &Secret) -> Result<(), String> {
        VARIABLES.accepts(&self.name, value)?;
        if value.len() + self.name.len() > LARGEST {
            return Err(format!(
                "The variables of a Vercel deployment hold at most {LARGEST} bytes (64 KB) together; this value has {}.",
                value.len()
            ));
        }
        Ok(())
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Target>, Diagnostic> {
        Ok(Box::new(VercelTarget {
            variable: VercelVariable {
                client: link.account::<Vercel>()?.client()?,
                project: self.project.clone(),
                scope: self.scope.clone(),
                name: self.name.clone(),
            },
            kind: self.kind,
            comment: self.comment.clone(),
        }))
    }
}

/// A variable that can be reached.
struct VercelVariable {
    client: VercelClient,
    project: String,
    scope: Scope,
    name: String,
}

/// A variable with the configuration that writes it.
struct VercelTarget {
    variable: VercelVariable,
    kind: &'static str,
    comment: Option<String>,
}

fn entry(variable: &Variable) -> Entry {
    Entry {
        revision: variable.updated_at.map(|at| at.to_string()),
        kind: RevisionKind::Time,
        label: None,
        modified_at: variable.updated_at,
        live: None,
        detail: None,
        is_unreadable: false,
        exposed: None,
    }
}

impl VercelVariable {
    /// The variable with exactly these environments.
    fn among<'v>(&self, all: &'v [Variable]) -> Option<&'v Variable> {
        all.iter()
            .find(|known| known.key == self.name && known.scope == self.scope)
    }

    /// Another one of the same name that shares an environment.
    fn rival_among<'v>(&self, all: &'v [Variable]) -> Option<&'v Variable> {
        let mut named = all
            .iter()
            .filter(|known| known.key == self.name && known.scope != self.scope);
        named.find(|known| known.scope.overlaps(&self.scope))
    }

    /// What stands in the way of a write, as far as a list tells.
    fn refuse_rival(&self, all: &[Variable]) -> Result<(), CallError> {
        let Some(rival) = self.rival_among(all) else {
            return Ok(());
        };
        let message = format!(
            "another variable of this name is for {}, and Vercel takes one of a name in each environment. Nothing was changed. \
             If that variable is this secret's own, restore its environments in `targets` and add another target for those that it lacks. \
             Otherwise give this target the same environments, or change that variable at Vercel",
            rival.scope.in_words()
        );
        let operation = format!("checking variable {} of project {}", self.name, self.project);
        Err(CallError::new(
            CallErrorKind::Conflict,
            Effect::None,
            vercel::VENDOR.title,
            operation,
            None,
            &message,
        ))
    }
}

#[async_trait]
impl Slot for VercelVariable {
    async fn inspect(&self) -> Result<Option<Entry>, CallError> {
        let all = self.client.variables(&self.project).await?;
        Ok(self.among(&all).map(entry))
    }

    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError> {
        let all = self.client.variables_now(&self.project).await?;
        Ok(self.among(&all).map(entry))
    }

    async fn remove(&self, permit: &WritePermit) -> Result<(), CallError> {
        let all = self.client.variables_now(&self.project).await?;
        match self.among(&all) {
            Some(found) => self.client.delete_variable(&self.project, &found.id, permit).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Target for VercelTarget {
    fn slot(&self) -> &dyn Slot {
        &self.variable
    }

    fn into_slot(self: Box<Self>) -> Box<dyn Slot> {
        Box::new(self.variable)
    }

    async fn check_writable(&self) -> Result<(), CallError> {
        let VercelVariable { client, project, .. } = &self.variable;
        self.variable.refuse_rival(&client.variables(project).await?)
    }

    async fn deliver(&self, deliveries: &[Delivery<'_>], permit: &WritePermit) -> Result<Vec<Receipt>, CallError> {
        let VercelVariable {
            client,
            project,
            scope,
            name,
        } = &self.variable;
        let mut receipts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let comment = self.comment.as_deref().unwrap_or(DEFAULT_COMMENT);
            let comment = format!("{comment} [{}]", delivery.label);
            let new = NewVariable {
                key: name,
                scope,
                kind: self.kind,
                comment: &comment,
                value: delivery.value,
            };
            let all = client.variables_now(project).await?;
            let written_at = match self.variable.among(&all) {
                Some(found) => client.change_variable(project, &found.id, &new, permit).await?,
                None => client.create_variable(project, &new, permit).await?,
            };
            receipts.push(Receipt {
                revision: written_at.map(|at| at.to_string()),
                written_at,
            });
        }
        Ok(receipts)
    }

    /// Nothing to do: the next deployment gets the new value.
    async fn activate(&self, _: Option<&str>, _: &Stop, _: &WritePermit) -> Result<Activated, CallError> {
        Ok(Activated::Live)
    }

    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        Ok(None)
    }
}
