//! All connections of one provider configuration, each in a state of its own: what is unknown or wrong with one concerns only who
//! needs it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::allow_exec::{self, ALLOW_EXEC, allow_list};
use super::named::open_named;
use super::state::{Named, State, Unready, open};
use super::{Account, Opening, Surroundings, VENDORS, Vendor};
use crate::address::DEFAULT_CONNECTION;
use crate::clock::Clock;
use crate::environment::Environment;
use crate::http::{HttpClient, Skew};
use crate::process::{Allowance, Programs, Runs};
use crate::terraform::{Attribute, Block, BlockNesting, Diagnostics, NestedBlock, Node};

/// All connections of one provider configuration.
#[derive(Clone)]
pub struct Connections {
    pub(super) http: HttpClient,
    pub(super) clock: Clock,
    /// What `allow_exec` permits.
    pub(super) programs: Programs,
    /// The provider's own accounts, by block.
    own: BTreeMap<&'static str, State>,
    /// Named connections.
    named: BTreeMap<String, Named>,
    /// Which named connections there are is known only after apply.
    is_open: bool,
}

impl Connections {
    /// The arguments of the provider schema that say what may be used.
    pub fn attributes() -> Vec<Attribute> {
        vec![allow_exec::attribute()]
    }

    /// The nested blocks of the provider schema: one per vendor with an own account, and `connection`.
    pub fn blocks() -> Vec<NestedBlock> {
        let own = VENDORS.iter().filter(|vendor| vendor.has_default);
        let own = own.map(|vendor| vendor.own_block());
        own.chain([Self::named_block()]).collect()
    }

    fn named_block() -> NestedBlock {
        NestedBlock {
            name: "connection",
            nesting: BlockNesting::Map,
            block: Block {
                attributes: Vec::new(),
                blocks: VENDORS.iter().map(|vendor| vendor.named_block()).collect(),
                description: "Another account, with a name that a source, target or check uses as `connection`. It contains exactly one \
                              block, and takes nothing from the environment. The state records the name, so keep the block until no state \
                              uses it. Renaming it writes nothing."
                    .to_owned(),
            },
        }
    }

    /// Reads all connections from the provider block. What is wrong with arguments is reported; what is wrong with the environment,
    /// only to who needs it.
    pub fn parse(provider: &Node<'_>, surroundings: &Surroundings, problems: &mut Diagnostics) -> Arc<Self> {
        let http = HttpClient::new(surroundings.clock, surroundings.allow_insecure);
        let mut own = BTreeMap::new();
        for vendor in VENDORS.iter().filter(|vendor| vendor.has_default) {
            let opening = Opening::new(provider.attr(vendor.block), surroundings, &http);
            own.insert(vendor.block, open(opening, vendor, problems));
        }
        let blocks = provider.attr("connection");
        let nowhere = Surroundings {
            environment: Environment::default(),
            ..surroundings.clone()
        };
        let mut named = BTreeMap::new();
        for (name, node) in blocks.elements() {
            let found = open_named(name, &node, &nowhere, &http, &own, problems);
            named.insert(name.to_owned(), found);
        }
        Arc::new(Self {
            http,
            clock: surroundings.clock,
            programs: Programs::new(
                allow_list(&provider.attr(ALLOW_EXEC), problems),
                surroundings.clock,
                &surroundings.environment,
            ),
            own,
            named,
            is_open: blocks.is_unknown(),
        })
    }

    /// Whether the provider block names that program or host in `allow_exec`.
    pub fn allows(&self, what: &Runs) -> bool {
        self.programs.allows(what) == Allowance::Allowed
    }

    /// Whether it may turn out to be named there: the list is known only after apply.
    pub fn may_yet_allow(&self, what: &Runs) -> bool {
        self.programs.allows(what) == Allowance::Unknown
    }

    /// Looks, without any call, for what stands neither in the provider block nor in the environment.
    pub async fn prepare(&self) {
        let named = self.named.values().map(|named| &named.state);
        for state in self.own.values().chain(named) {
            if let State::Ready(account) = state {
                account.prepare().await;
            }
        }
    }

    /// A vendor whose clock differs from this machine's by more than five minutes, where this run has met one.
    pub fn skew(&self) -> Option<Skew> {
        self.http.skew()
    }

    /// The account of a vendor by the connection of that name.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn find(&self, vendor: &Vendor, name: &str) -> Result<&Arc<dyn Account>, Unready> {
        let state = if name == DEFAULT_CONNECTION {
            self.own.get(vendor.block).ok_or(Unready::Undeclared)?
        } else {
            match self.named.get(name) {
                None if self.is_open => &State::Unknown,
                None => return Err(Unready::Undeclared),
                Some(named) => match named.vendor {
                    Some(other) if other.block != vendor.block => return Err(Unready::OfOtherVendor(other.title)),
                    _ => &named.state,
                },
            }
        };
        state.account()
    }

    /// The names of a vendor's connections in a sentence: `Connections of AWS: "a", "b".`
    pub fn names_in_words(&self, vendor: &Vendor) -> String {
        let names = self.named.iter();
        let names = names.filter(|(_, named)| named.vendor.is_none_or(|of| of.block == vendor.block));
        let names: Vec<String> = names.map(|(name, _)| format!("{name:?}")).collect();
        if names.is_empty() {
            format!(
                "The provider block declares no connection for {title}: add `connection \"NAME\" {{ {block} {{ … }} }}`.",
                title = vendor.title,
                block = vendor.block
            )
        } else {
            format!("Connections for {}: {}.", vendor.title, names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::aws::Aws;
    use crate::connection::fly::{self, Fly};
    use crate::connection::{github, http, opened};
    use crate::terraform::Value;

    fn provider(named: &[(&str, Value)]) -> Value {
        let named = named.iter().map(|(name, block)| ((*name).to_owned(), block.clone()));
        Value::object([("connection", Value::Map(named.collect()))])
    }

    fn of_fly<const N: usize>(arguments: [(&str, Value); N]) -> Value {
        Value::object([("fly", Value::object(arguments))])
    }

    #[test]
    fn each_connection_has_a_state_of_its_own() {
        let block = provider(&[
            ("ready", of_fly([("token", Value::string("fo1_named"))])),
            ("empty", of_fly([])),
            ("later", of_fly([("token", Value::unknown())])),
            (
                "open",
                Value::object([("fly", Value::unknown()), ("neon", Value::unknown())]),
            ),
            ("wrong", of_fly([("api_url", Value::string("ftp://x"))])),
        ]);
        let (connections, problems) = opened(&block, &[("FLY_API_TOKEN", "fo1_environment")]);
        let paths: Vec<String> = problems.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(paths, [r#"connection["wrong"].fly.api_url"#]);
        let state = |name: &str| connections.find(&fly::VENDOR, name).map(drop);
        assert_eq!(state("ready"), Ok(()));
        assert_eq!(state("later"), Err(Unready::Unknown));
        assert_eq!(state("open"), Err(Unready::Unknown), "it may turn out to be of Fly");
        assert!(matches!(state("wrong"), Err(Unready::Wrong(_))));
        assert_eq!(state("nowhere"), Err(Unready::Undeclared));
        assert_eq!(
            connections.find(&github::VENDOR, "ready").err(),
            Some(Unready::OfOtherVendor("Fly"))
        );
        // Nothing of a named one comes from the environment, and the error names no variable.
        let empty = connections
            .link("empty")
            .account::<Fly>()
            .unwrap()
            .client()
            .err()
            .unwrap();
        assert_eq!(empty.summary, r#"The connection "empty" has no token"#);
        assert!(!empty.detail.contains("FLY_API_TOKEN"), "{}", empty.detail);
        let advice = connections.link("ready").account::<Fly>().unwrap().client().unwrap();
        assert_eq!(advice.token_origin(), r#"connection["ready"].fly.token"#);
    }

    #[test]
    fn names_that_are_known_only_after_apply_are_no_mistake() {
        let block = Value::object([("connection", Value::unknown())]);
        let (connections, problems) = opened(&block, &[]);
        assert!(problems.is_empty());
        assert_eq!(connections.find(&fly::VENDOR, "x").err(), Some(Unready::Unknown));
        assert!(connections.find(&fly::VENDOR, "default").is_ok());
        assert_eq!(
            connections.find(&http::VENDOR, "default").err(),
            Some(Unready::Undeclared)
        );
    }

    #[test]
    fn an_error_lists_the_names_there_are() {
        let (connections, _) = opened(&provider(&[("a", of_fly([])), ("b", of_fly([]))]), &[]);
        let told = |name: &str| connections.link(name).account::<Fly>().err().unwrap();
        assert_eq!(told("c").detail, r#"Connections for Fly: "a", "b"."#);
        let told = connections.link("a").account::<Aws>().err().unwrap();
        assert_eq!(told.summary, r#"The connection "a" is for Fly, not for AWS"#);
        assert!(
            told.detail.contains("declares no connection for AWS"),
            "{}",
            told.detail
        );
    }

    #[test]
    fn a_role_starts_from_the_own_account_and_shares_its_trouble() {
        let role = Value::object([("role_arn", Value::string("arn:aws:iam::222222222222:role/rotation"))]);
        let block = provider(&[(
            "partner",
            Value::object([("aws", Value::object([("assume_role", role)]))]),
        )]);
        let state = |environment: &[(&str, &str)]| {
            let (connections, problems) = opened(&block, environment);
            assert!(problems.is_empty());
            connections
                .link("partner")
                .account::<Aws>()
                .map(drop)
                .map_err(|why| why.summary.clone())
        };
        assert_eq!(state(&[]), Ok(()));
        let wrong = Err("The environment variable AWS_PROFILE cannot be used".to_owned());
        assert_eq!(state(&[("AWS_PROFILE", "a\nb")]), wrong);
    }
}
