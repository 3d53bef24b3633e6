//! All connections of one provider configuration, each in a state of its own: what is unknown or wrong with one concerns only who
//! needs it.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Account, Opening, Surroundings, VENDORS, Vendor};
use crate::address::DEFAULT_CONNECTION;
use crate::clock::Clock;
use crate::environment::Environment;
use crate::http::HttpClient;
use crate::terraform::{Block, BlockNesting, Diagnostic, Diagnostics, NestedBlock, Node, Path};

/// All connections of one provider configuration.
#[derive(Clone)]
pub struct Connections {
    http: HttpClient,
    clock: Clock,
    /// The provider's own accounts, by block.
    own: BTreeMap<&'static str, State>,
    /// Named connections.
    named: BTreeMap<String, Named>,
    /// Which named connections there are is known only after apply.
    is_open: bool,
}

#[derive(Clone)]
struct Named {
    /// `None` while it is unknown, or wrong.
    vendor: Option<&'static Vendor>,
    state: State,
}

/// How far one connection can be used.
#[derive(Clone)]
enum State {
    Ready(Arc<dyn Account>),
    /// Something in its block is known only after apply.
    Unknown,
    Wrong(Diagnostic),
}

impl State {
    fn account(&self) -> Result<&Arc<dyn Account>, Unready> {
        match self {
            Self::Ready(account) => Ok(account),
            Self::Unknown => Err(Unready::Unknown),
            Self::Wrong(why) => Err(Unready::Wrong(why.clone())),
        }
    }
}

/// Why a connection cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unready {
    /// Something of it is known only after apply.
    Unknown,
    /// What is wrong with it.
    Wrong(Diagnostic),
    /// No connection has that name.
    Undeclared,
    /// It is one of another vendor.
    OfOtherVendor(&'static str),
}

impl Connections {
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
                description: "An account beside the provider's own, by a name that a source, target or check gives as `connection`. It holds \
                              exactly one block, and nothing of it comes from the environment. The state records the name: keep the block \
                              until no state names it. Renaming it writes nothing."
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
            own,
            named,
            is_open: blocks.is_unknown(),
        })
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

    /// What leads to accounts by the connection of that name.
    pub fn link<'a>(&'a self, name: &'a str) -> Link<'a> {
        Link {
            connections: self,
            name,
        }
    }

    /// What leads to the provider's own accounts.
    pub fn own(&self) -> Link<'_> {
        self.link(DEFAULT_CONNECTION)
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

/// The way from a kind to the accounts that it uses: all connections, and the name of the one that was chosen.
#[derive(Clone, Copy)]
pub struct Link<'a> {
    connections: &'a Connections,
    name: &'a str,
}

impl<'a> Link<'a> {
    /// The connection's name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Whether it is a `connection` block's, not the provider's own account.
    pub fn is_named(&self) -> bool {
        self.name != DEFAULT_CONNECTION
    }

    /// The client for calls that belong to no vendor (checks).
    pub fn http(&self) -> &'a HttpClient {
        &self.connections.http
    }

    /// The clock.
    pub fn clock(&self) -> Clock {
        self.connections.clock
    }

    /// The account of this type.
    ///
    /// # Errors
    /// As [`Self::dynamic`].
    pub fn account<A: Account>(&self) -> Result<&'a A, Diagnostic> {
        let account: &dyn Any = self.dynamic(A::vendor())?.as_ref();
        account.downcast_ref().ok_or_else(|| {
            let summary = format!("The connection {:?} is of another kind", self.name);
            Diagnostic::error(
                Path::root(),
                summary,
                "This is a bug in the provider. Nothing was changed.",
            )
        })
    }

    /// The account of that vendor.
    ///
    /// # Errors
    /// A diagnostic that says why it cannot be used, and names the connections that there are.
    pub fn dynamic(&self, vendor: &Vendor) -> Result<&'a Arc<dyn Account>, Diagnostic> {
        let (name, connections) = (self.name, self.connections);
        let error = |summary: String, detail: String| Err(Diagnostic::error(Path::root(), summary, detail));
        let what = match self.is_named() {
            true => format!("The connection {name:?}"),
            false => format!("The provider's block {}", vendor.block),
        };
        match connections.find(vendor, name) {
            Ok(account) => Ok(account),
            Err(Unready::Wrong(why)) => Err(why),
            Err(Unready::Unknown) => error(
                format!("{what} is not known yet"),
                "An argument of it is known only after apply. Nothing was changed. Apply first what it depends on (`-target`).".to_owned(),
            ),
            Err(Unready::Undeclared) if !self.is_named() => error(
                "connection is required".to_owned(),
                format!("This reaches no account of the provider's own. {}", connections.names_in_words(vendor)),
            ),
            Err(Unready::Undeclared) => error(
                format!("The connection {name:?} is not declared"),
                connections.names_in_words(vendor),
            ),
            Err(Unready::OfOtherVendor(other)) => error(
                format!("The connection {name:?} is one of {other}, not of {}", vendor.title),
                connections.names_in_words(vendor),
            ),
        }
    }
}

/// Reads one block, and keeps apart what is wrong for everybody.
fn open(mut opening: Opening<'_>, vendor: &'static Vendor, problems: &mut Diagnostics) -> State {
    let account = (vendor.open)(&mut opening);
    let wrong = opening.written.iter().chain(opening.found.iter()).next().cloned();
    let state = match (wrong, account) {
        (Some(why), _) => State::Wrong(Diagnostic {
            path: Path::root(),
            ..why
        }),
        (None, Some(account)) => State::Ready(Arc::from(account)),
        (None, None) => State::Unknown,
    };
    problems.extend(opening.written);
    state
}

/// Longest name of a connection, in bytes.
const LONGEST_NAME: usize = 64;

/// A name stands in addresses, between colons.
fn name_mistake(name: &str) -> Option<String> {
    let permitted = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name == DEFAULT_CONNECTION {
        return Some(format!(
            "{DEFAULT_CONNECTION:?} stands for the provider's own accounts. Choose another name."
        ));
    }
    let fits = (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(permitted);
    (!fits).then(|| format!("A name has 1 to {LONGEST_NAME} letters, digits, hyphens or underscores."))
}

fn open_named(
    name: &str,
    node: &Node<'_>,
    surroundings: &Surroundings,
    http: &HttpClient,
    own: &BTreeMap<&'static str, State>,
    problems: &mut Diagnostics,
) -> Named {
    let path = node.path();
    let mut wrong = |summary: String, detail: String| {
        let why = Diagnostic::error(path.clone(), summary, detail);
        problems.push(why.clone());
        Named {
            vendor: None,
            state: State::Wrong(Diagnostic {
                path: Path::root(),
                ..why
            }),
        }
    };
    if let Some(mistake) = name_mistake(name) {
        return wrong(format!("{path} has a name that cannot be used"), mistake);
    }
    let those = |test: &dyn Fn(&Node<'_>) -> bool| -> Vec<&'static Vendor> {
        let all = VENDORS.iter().filter(|vendor| test(&node.attr(vendor.block)));
        all.copied().collect()
    };
    let (set, possible) = (those(&|node| node.is_set()), those(&|node| !node.is_null()));
    let vendor = match (set.as_slice(), possible.as_slice()) {
        ([_] | [], [_, _, ..]) => {
            return Named {
                vendor: None,
                state: State::Unknown,
            };
        }
        ([], [vendor]) | ([vendor], _) => *vendor,
        (set, _) => {
            let all: Vec<&str> = VENDORS.iter().map(|vendor| vendor.block).collect();
            let found: Vec<&str> = set.iter().map(|vendor| vendor.block).collect();
            let summary = match found.as_slice() {
                [] => format!("{path} says nothing of an account"),
                several => format!("{path} has {} accounts: {}", several.len(), several.join(", ")),
            };
            return wrong(summary, format!("Write exactly one block of {}.", all.join(", ")));
        }
    };
    let opening = Opening {
        name: Some(name),
        own: own.get(vendor.block).map_or(Err(Unready::Undeclared), State::account),
        ..Opening::new(node.attr(vendor.block), surroundings, http)
    };
    Named {
        vendor: Some(vendor),
        state: open(opening, vendor, problems),
    }
}
