//! Mistakes in the provider block, its connections, and the environment variables that stand in for arguments.

use std::path::PathBuf;

use super::{Words, list};

catalogue! {
    /// A connection that cannot be used, or a mistake in the provider block.
    ConnectionProblem {
        /// No credential of the provider's own account.
        error NotConfigured { vendor: Words, what: Words, ways: String } => {
            summary: format!("{vendor} is not configured"),
            detail: format!("There is no {what} for {vendor}. {ways}"),
            samples: [{
                vendor: "Fly".into(),
                what: "token".into(),
                ways: "Set fly.token in the provider block, or FLY_ACCESS_TOKEN or FLY_API_TOKEN in the environment.".into(),
            }],
        }
        /// No credential in a named connection.
        error NoCredential { connection: String, what: Words, ways: String } => {
            summary: format!("The connection {connection:?} has no {what}"),
            detail: format!("A named connection takes nothing from the environment. {ways}"),
            samples: [{
                connection: "staging".into(),
                what: "token".into(),
                ways: "Set connection[\"staging\"].fly.token in the provider block.".into(),
            }],
        }
        /// AWS without a region.
        error NoRegion { why: String } => {
            summary: "AWS is not configured",
            detail: why.as_str(),
            samples: [{ why: "There is no region. Set aws.region in the provider block, or AWS_REGION in the environment.".into() }],
        }
        /// A variable whose text cannot be used.
        error Variable { name: String, why: Words } => {
            summary: format!("The environment variable {name} cannot be used"),
            detail: format!("{} Correct it, or unset it.", why),
            samples: [{ name: "FLY_API_TOKEN".into(), why: "It contains a line break.".into() }],
        }
        /// A name of a connection that cannot be used.
        error Name { argument: String, longest: usize, reserved: Option<Words> } => {
            summary: format!("{argument} has a name that cannot be used"),
            detail: match reserved {
                Some(name) => format!("{name:?} stands for the provider's own accounts. Choose another name."),
                None => format!("A name has 1 to {longest} letters, digits, hyphens or underscores."),
            },
            samples: [
                { argument: "connection[\"a b\"]".into(), longest: 64, reserved: None },
                { argument: "connection[\"default\"]".into(), longest: 64, reserved: Some("default".into()) },
            ],
        }
        /// A connection without an account, or with several.
        error Accounts { argument: String, found: Vec<Words>, blocks: Vec<Words> } => {
            summary: if found.is_empty() {
                format!("{argument} has no account")
            } else {
                format!("{argument} has {} accounts: {}", found.len(), list(found))
            },
            detail: format!("Write exactly one of these blocks: {}.", list(blocks)),
            samples: [
                { argument: "connection[\"staging\"]".into(), found: Vec::new(), blocks: super::names(["aws", "fly"]) },
                { argument: "connection[\"staging\"]".into(), found: super::names(["aws", "fly"]), blocks: super::names(["aws", "fly"]) },
            ],
        }
        /// Something of it is known only after apply.
        error NotKnownYet { connection: Option<String>, block: Words } => {
            summary: match connection {
                Some(name) => format!("The connection {name:?} is not known yet"),
                None => format!("The provider's block {block} is not known yet"),
            },
            detail: "One of its arguments is known only after apply. Nothing was changed. Apply what it depends on first (`-target`).",
            samples: [
                { connection: Some("staging".into()), block: "fly".into() },
                { connection: None, block: "fly".into() },
            ],
        }
        /// A kind that the provider's own accounts do not serve.
        error Required { names: String } => {
            summary: "connection is required",
            detail: format!("The provider has no account of its own for this. {names}"),
            samples: [{ names: "Connections of this kind: status.".into() }],
        }
        /// No connection has that name.
        error Undeclared { name: String, names: String } => {
            summary: format!("The connection {name:?} is not declared"),
            detail: names.as_str(),
            samples: [{ name: "stagin".into(), names: "Connections to Fly: staging.".into() }],
        }
        /// It belongs to another vendor.
        error OfAnotherVendor { name: String, other: Words, vendor: Words, names: String } => {
            summary: format!("The connection {name:?} is for {other}, not for {vendor}"),
            detail: names.as_str(),
            samples: [{
                name: "staging".into(),
                other: "Fly".into(),
                vendor: "GitHub".into(),
                names: "No connection to GitHub is declared.".into(),
            }],
        }
        /// A bug.
        error OfAnotherType { name: String } => {
            summary: format!("The connection {name:?} is of another kind"),
            detail: "This is a bug in the provider. Nothing was changed.",
            samples: [{ name: "staging".into() }],
        }
        /// A named connection that would be the provider's own account.
        error WhoseAccount { argument: String } => {
            summary: format!("{argument} requires `profile` or `assume_role`"),
            detail: "It does not say whose account it is. Set `profile` or `assume_role`. A named connection takes nothing from the environment, so \
                     that it never falls back on the provider's own account.",
            samples: [{ argument: "connection[\"partner\"].aws".into() }],
        }
        /// A repository without an owner.
        error NoOwner { repository: String, way: String } => {
            summary: format!("Repository {repository:?} has no owner"),
            detail: format!("Write it as \"owner/{repository}\". Or: {way}"),
            samples: [{
                repository: "molecule-monorepo".into(),
                way: "Set github.owner in the provider block, or GITHUB_OWNER in the environment.".into(),
            }],
        }
        /// Half of a GitHub App's credentials.
        error AppIncomplete { missing: Vec<Words> } => {
            summary: "The credentials of the GitHub App are incomplete",
            detail: format!("Also set {}.", super::all_of(missing)),
            samples: [{ missing: super::names(["github.app_installation_id", "github.app_private_key"]) }],
        }
        /// A namespace that is too long.
        error NamespaceTooLong { longest: usize } => {
            summary: format!("namespace is longer than {longest} characters"),
            detail: "Use a short name for this state, such as molecule-production.",
            samples: [{ longest: 200 }],
        }
        /// An incident at a system that does not exist.
        error UnknownSystem { argument: String, name: String, vendors: Vec<Words>, meant: Option<String> } => {
            summary: format!("{argument} names an unknown system"),
            detail: {
                let meant = meant.as_ref().map_or_else(String::new, |meant| format!(" Did you mean {meant:?}?"));
                format!(
                    "{name:?} is neither a vendor ({}) nor an address from `deliveries` or `credentials` in the state.{meant}",
                    list(vendors)
                )
            },
            samples: [
                { argument: "incident.systems".into(), name: "vault".into(), vendors: super::names(["aws", "fly"]), meant: None },
            ],
        }
        /// A program or host that the provider block does not name.
        error NotAllowed { entry: String, is_host: bool } => {
            summary: format!("allow_exec does not name {entry}"),
            detail: format!(
                "{} only if the provider block names it. To allow it, add it to the list: allow_exec = [{entry:?}].",
                if *is_host { "Commands run on a host" } else { "A program runs" }
            ),
            samples: [
                { entry: "/usr/local/bin/verify".into(), is_host: false },
                { entry: "app.example.com:2222".into(), is_host: true },
            ],
        }
        /// What may run is known only after apply.
        error AllowExecUnknown => {
            summary: "allow_exec is not known yet",
            detail: "One of its elements is known only after apply. Nothing was changed. Apply what it depends on first (`-target`).",
            samples: [{}],
        }
        /// The clock is moved.
        warning ClockMoved { variable: Words, now: String } => {
            summary: format!("{variable} moves the provider's clock"),
            detail: format!("It now shows {now}. Unset the variable outside tests."),
            samples: [{ variable: "ROTATION_CLOCK_OFFSET".into(), now: "2027-02-01T00:00:00Z".into() }],
        }
        /// The clock is moved, and a vendor is not on this machine.
        error ClockMovedElsewhere { variable: Words, connection: Option<String>, vendor: Words, host: String } => {
            summary: format!("{variable} cannot be used with {host}"),
            detail: {
                let account = match connection {
                    Some(name) => format!("The connection {name:?} leads to {host}"),
                    None => format!("The provider's own account for {vendor} is at {host}"),
                };
                format!(
                    "{account}. {variable} moves the provider's clock, so credentials would be rotated and revoked at the wrong time. It works \
                     only with vendors on this machine (loopback addresses). Nothing was read or changed. Unset it."
                )
            },
            samples: [
                { variable: "ROTATION_CLOCK_OFFSET".into(), connection: None, vendor: "Fly".into(), host: "api.machines.dev".into() },
                {
                    variable: "ROTATION_CLOCK_OFFSET".into(),
                    connection: Some("staging".into()),
                    vendor: "AWS".into(),
                    host: "ssm.eu-west-1.amazonaws.com".into(),
                },
            ],
        }
        /// An offset that is no duration.
        error ClockOffset { variable: Words, why: String } => {
            summary: format!("{variable} is not a duration"),
            detail: format!("{why}."),
            samples: [{ variable: "ROTATION_CLOCK_OFFSET".into(), why: "\"soon\" is not a number with a unit, such as 90d".into() }],
        }
        /// A folder for listings that cannot be used.
        error CachePath { path: PathBuf, why: String } => {
            summary: "cache_path cannot be used",
            detail: format!("{}: {why}. Name a folder in which this run may write, or remove the argument.", path.display()),
            samples: [{ path: PathBuf::from("/var/cache/rotation"), why: "Permission denied (os error 13)".into() }],
        }
        /// The account of this run is not known.
        error AccountUnknown { why: String } => {
            summary: "Cannot tell which AWS account this run uses",
            detail: why.as_str(),
            samples: [{ why: "AWS STS answered 403: The security token included in the request is invalid.".into() }],
        }
    }
}
