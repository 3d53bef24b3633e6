//! The arguments of `neon_role_password`, and the address that state keeps of them.
//!
//! The address names the branch alone, so that a change from one role to two, or back, is one issuer's affair.

use super::{KIND, NAME, Passwords};
use crate::address::Address;
use crate::connection::Link;
use crate::connection::neon::{Branch, Neon, identifier, is_identifier};
use crate::connection::postgres::named;
use crate::part::PartNames;
use crate::source::alternating;
use crate::source::{Issuance, Source, SourceConfig, SourceTraits};
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Type};

/// The arguments.
pub(super) fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::required("project_id", Type::String, "The project's id."),
        Attribute::required(
            "branch_id",
            Type::String,
            "The branch's id, such as `br-…`; roles belong to branches.",
        ),
        Attribute::required(
            "role",
            Type::String,
            "The role. It must exist, and log in with a password.",
        ),
        Attribute::optional(
            "alternate_role",
            Type::String,
            "A second role with the same rights. Generations alternate between the two roles: the old password works until the overlap has \
             ended, and is then reset to one that nobody knows. Without it, every rotation ends the old password at once.",
        ),
        Attribute::optional(
            "database",
            Type::String,
            "The database in the part `uri`. Default: the first one that the role owns.",
        ),
        Attribute::optional(
            "endpoint_id",
            Type::String,
            "The compute endpoint in `host` and `uri`, such as `ep-…`. Default: the branch's read-write endpoint.",
        ),
        Attribute::optional(
            "pooled",
            Type::Bool,
            "`true` makes `host` and `uri` use Neon's connection pooler. Default: `false`.",
        ),
    ]
}

/// What is configured.
pub(super) struct Config {
    pub(super) branch: Branch,
    pub(super) role: String,
    pub(super) alternate: Option<String>,
    pub(super) database: Option<String>,
    pub(super) endpoint_id: Option<String>,
    pub(super) pooled: bool,
}

/// Reads the arguments.
pub(super) fn parse(node: &Node<'_>, _root: &Node<'_>, problems: &mut Diagnostics) -> Option<Box<dyn SourceConfig>> {
    let id = |name: &str, problems: &mut Diagnostics| {
        let node = node.attr(name);
        let field = identifier(&node, problems);
        node.required(field, problems).known()
    };
    let project_id = id("project_id", problems);
    let branch_id = id("branch_id", problems);
    let roles = alternating::roles(node, named, problems);
    let database = named(&node.attr("database"), problems).optional();
    let endpoint_id = identifier(&node.attr("endpoint_id"), problems).optional();
    let pooled = node.attr("pooled").bool(problems).or(false);
    let (role, alternate) = roles?;
    Some(Box::new(Config {
        branch: Branch {
            project_id: project_id?,
            branch_id: branch_id?,
        },
        role,
        alternate,
        database: database?,
        endpoint_id: endpoint_id?,
        pooled: pooled?,
    }))
}

/// Reads back the locator of [`Config::issuer`].
pub(super) fn branch_at(locator: &str) -> Option<Branch> {
    let (project_id, branch_id) = locator.split_once('/')?;
    (is_identifier(project_id) && is_identifier(branch_id)).then(|| Branch {
        project_id: project_id.to_owned(),
        branch_id: branch_id.to_owned(),
    })
}

impl SourceConfig for Config {
    fn issuer(&self) -> Address {
        Address::new(NAME, format!("{}/{}", self.branch.project_id, self.branch.branch_id))
    }

    fn displaces(&self) -> Option<String> {
        Some(format!("the present password of the role {:?}", self.role))
    }

    fn next_id(&self) -> Option<&str> {
        self.alternate.is_none().then_some(&self.role)
    }

    fn traits(&self) -> SourceTraits {
        SourceTraits {
            issuance: Issuance::Reset {
                handles: if self.alternate.is_some() { 2 } else { 1 },
            },
            lists: false,
            revocable: true,
            // Where the project stores passwords, which only a call tells.
            reveals: true,
            reveals_superseded: true,
            generated: true,
        }
    }

    fn parts(&self) -> PartNames {
        KIND.declared_parts()
    }

    fn in_words(&self) -> String {
        let mut words = match &self.alternate {
            None => format!("password of role {}", self.role),
            Some(alternate) => format!("password of roles {} and {alternate} in turn", self.role),
        };
        words.push_str(&format!(
            " on Neon branch {} of project {}",
            self.branch.branch_id, self.branch.project_id
        ));
        if let Some(database) = &self.database {
            words.push_str(&format!(", database {database}"));
        }
        if let Some(endpoint) = &self.endpoint_id {
            words.push_str(&format!(", endpoint {endpoint}"));
        }
        if self.pooled {
            words.push_str(", pooled");
        }
        words
    }

    fn fingerprint(&self) -> String {
        serde_json::json!({
            "project_id": self.branch.project_id,
            "branch_id": self.branch.branch_id,
            "role": self.role,
            "alternate_role": self.alternate,
            "database": self.database,
            "endpoint_id": self.endpoint_id,
            "pooled": self.pooled,
        })
        .to_string()
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Source>, Diagnostic> {
        let client = link.account::<Neon>()?.client()?;
        Ok(Box::new(Passwords::new(client, self)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::{Origin, Value};

    fn parsed(changes: &[(&str, Value)]) -> (Option<Box<dyn SourceConfig>>, Vec<String>) {
        let value = |name: &str, default: Value| {
            let change = changes.iter().find(|(changed, _)| *changed == name);
            change.map_or(default, |(_, value)| value.clone())
        };
        let object = Value::object([
            ("project_id", value("project_id", Value::string("quiet-frost-1"))),
            ("branch_id", value("branch_id", Value::string("br-main-1"))),
            ("role", value("role", Value::string("app"))),
            ("alternate_role", value("alternate_role", Value::Null)),
            ("database", value("database", Value::Null)),
            ("pooled", value("pooled", Value::Null)),
        ]);
        let mut problems = Diagnostics::new();
        let node = Node::root(&object, Origin::Configuration);
        let config = parse(&node, &node, &mut problems);
        (config, problems.iter().map(|problem| problem.summary.clone()).collect())
    }

    #[test]
    fn one_role_replaces_and_two_overlap() {
        let (one, problems) = parsed(&[]);
        assert!(problems.is_empty());
        let (two, _) = parsed(&[("alternate_role", Value::string("app_b"))]);
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!((one.traits().replaces(), one.traits().max_live()), (true, Some(1)));
        assert_eq!((two.traits().replaces(), two.traits().max_live()), (false, Some(2)));
        assert_eq!(one.issuer(), two.issuer());
        assert_ne!(one.fingerprint(), two.fingerprint());
        let branch = branch_at(&one.issuer().locator).unwrap();
        assert_eq!(
            (branch.project_id.as_str(), branch.branch_id.as_str()),
            ("quiet-frost-1", "br-main-1")
        );
        for wrong in ["", "p", "p/", "p/b/r", "P/b"] {
            assert_eq!(branch_at(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn mistakes_are_reported_with_their_path_and_unknowns_are_none() {
        let (_, problems) = parsed(&[("project_id", Value::string("My project")), ("role", Value::Null)]);
        assert_eq!(problems, ["project_id is not a Neon id", "role is required"]);
        let (_, problems) = parsed(&[("alternate_role", Value::string("app"))]);
        assert_eq!(problems, ["alternate_role cannot be used"]);
        for name in ["role", "alternate_role", "database"] {
            for wrong in ["\u{e4}".repeat(32), "a\nb".to_owned()] {
                let (_, problems) = parsed(&[(name, Value::string(wrong))]);
                assert_eq!(problems, [format!("{name} is not a name in PostgreSQL")]);
            }
            let (config, _) = parsed(&[(name, Value::string("a".repeat(63)))]);
            assert!(config.is_some(), "{name}");
        }
        let (config, problems) = parsed(&[("branch_id", Value::unknown())]);
        assert!(config.is_none() && problems.is_empty());
    }
}
