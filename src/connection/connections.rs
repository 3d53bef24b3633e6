//! All connections of one provider configuration, each in a state of its own: what is unknown or wrong with one concerns only who
//! needs it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::allow_exec::{self, ALLOW_EXEC, allow_list};
use super::named::open_named;
use super::state::{Named, State, Unready, open};
use super::{Account, Opening, Reach, Surroundings, VENDORS, Vendor};
use crate::address::DEFAULT_CONNECTION;
use crate::clock::{Clock, OFFSET};
use crate::diagnostics::ConnectionProblem;
use crate::environment::Environment;
use crate::http::{HttpClient, Skew};
use crate::process::{Allowance, Programs, Runs};
use crate::terraform::{Attribute, Block, BlockNesting, Diagnostic, Diagnostics, NestedBlock, Node, Path};

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
        let http = HttpClient::until(
            surroundings.stop.clone(),
            surroundings.clock,
            surroundings.allow_insecure,
        );
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
        let state = self.state(vendor, name)?;
        let account = state.account()?;
        match self.clock_refusal(vendor, name, account.as_ref()) {
            Some(why) => Err(Unready::Wrong(why)),
            None => Ok(account),
        }
    }

    fn state(&self, vendor: &Vendor, name: &str) -> Result<&State, Unready> {
        if name == DEFAULT_CONNECTION {
            return self.own.get(vendor.block).ok_or(Unready::Undeclared);
        }
        match self.named.get(name) {
            None if self.is_open => Ok(&State::Unknown),
            None => Err(Unready::Undeclared),
            Some(named) => match named.vendor {
                Some(other) if other.block != vendor.block => Err(Unready::OfOtherVendor(other.title)),
                _ => Ok(&named.state),
            },
        }
    }

    /// Why nothing may be asked or told there: a moved clock is for vendors on this machine.
    fn clock_refusal(&self, vendor: &Vendor, name: &str, account: &dyn Account) -> Option<Diagnostic> {
        let host = account.remote_host().filter(|_| self.clock.is_moved())?;
        let refused = ConnectionProblem::ClockMovedElsewhere {
            variable: OFFSET.into(),
            connection: (name != DEFAULT_CONNECTION).then(|| name.to_owned()),
            vendor: vendor.title.into(),
            host,
        };
        Some(Diagnostic::new(Path::root(), refused))
    }

    /// The same for all of these connections: the first refusal.
    pub fn refused_by_clock<'a>(&self, used: impl Iterator<Item = (Reach, &'a str)>) -> Option<Diagnostic> {
        let mut used = used.filter(|_| self.clock.is_moved());
        used.find_map(|(reach, name)| match self.state(reach.vendor, name) {
            Ok(State::Ready(account)) => self.clock_refusal(reach.vendor, name, account.as_ref()),
            _ => None,
        })
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

    /// Every vendor's own account, with a moved clock and these base URLs; the hosts that are refused, by block.
    async fn refused_hosts(base_url: Option<&str>) -> Vec<(&'static str, Option<String>)> {
        let own: Vec<_> = VENDORS.iter().filter(|vendor| vendor.has_default).collect();
        let blocks = own.iter().map(|vendor| {
            // A server has a host in the place of a URL.
            let host = base_url.map(|url| url::Url::parse(url).unwrap().host_str().unwrap().to_owned());
            let host = host.map(|host| host.trim_matches(['[', ']']).to_owned());
            let of = |argument: &str| match argument {
                "host" => host.clone(),
                name => base_url.filter(|_| name.ends_with("url")).map(str::to_owned),
            };
            let urls = (vendor.attributes)().into_iter();
            let urls = urls.filter_map(|argument| Some((argument.name.to_owned(), Value::string(of(argument.name)?))));
            (vendor.block.to_owned(), Value::Map(urls.collect()))
        });
        let provider = Value::Map(blocks.collect());
        let surroundings = Surroundings::new(
            Environment::of(&[("AWS_REGION", "eu-west-1"), ("PGHOST", "db.example")]),
            Clock::with_offset(jiff::SignedDuration::from_hours(1)),
        );
        let node = Node::root(&provider, crate::terraform::Origin::Configuration);
        let mut problems = Diagnostics::new();
        let connections = Connections::parse(&node, &surroundings, &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        connections.prepare().await;
        let host = |vendor: &Vendor| match connections.find(vendor, DEFAULT_CONNECTION) {
            Ok(_) => None,
            Err(Unready::Wrong(why)) => why
                .summary
                .strip_prefix("ROTATION_CLOCK_OFFSET cannot be used with ")
                .map(str::to_owned),
            Err(other) => panic!("{}: {other:?}", vendor.block),
        };
        own.iter().map(|vendor| (vendor.block, host(vendor))).collect()
    }

    #[tokio::test]
    async fn a_moved_clock_is_for_vendors_on_this_machine_only() {
        let own = refused_hosts(None).await;
        assert!(own.len() >= 5, "{own:?}");
        assert!(own.iter().all(|(_, host)| host.is_some()), "{own:?}");
        let elsewhere = refused_hosts(Some("https://vendor.example")).await;
        let host = Some("vendor.example");
        assert!(
            elsewhere.iter().all(|(_, refused)| refused.as_deref() == host),
            "{elsewhere:?}"
        );
        for here in ["http://127.0.0.1:4280", "http://localhost:4280", "https://[::1]/api"] {
            let here = refused_hosts(Some(here)).await;
            assert!(here.iter().all(|(_, host)| host.is_none()), "{here:?}");
        }
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
