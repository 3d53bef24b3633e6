//! Where credentials are held: the trait of every target, its data types, and the registry of kinds.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::address::{Address, DEFAULT_CONNECTION};
use crate::call::{CallError, WritePermit};
use crate::connection::{Link, Reach};
use crate::label::Label;
use crate::process::Runs;
use crate::rotation::{Container, Entry, RevisionKind};
use crate::secret::Secret;
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node};

/// When consumers see what was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// [`Target::activate`] makes it live and waits until it is.
    Itself,
    /// Consumers pick it up in their own time; nobody can tell when.
    Later,
    /// Consumers pick it up at their next deployment, and the target can tell whether they have.
    Staged,
}

/// What the engine must know about a target; data, never a special case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetTraits {
    /// When consumers see what was published.
    pub activation: Activation,
    /// The value can be read back, so that an interrupted delivery resumes with it.
    pub readable: bool,
    /// For [`Activation::Later`]: how long a consumer goes on with the old value at most. `None` where nobody knows.
    pub reloads_within: Option<SignedDuration>,
    /// A write leaves work to do that does not change the value (tags, labels): [`Target::activate`] does it, and it is repeated
    /// without a write when it fails.
    pub follow_up: bool,
}

/// One value for one slot.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// The slot, as [`TargetConfig::slot`] named it.
    pub slot: Address,
    /// The value, rendered for this slot.
    pub value: &'a Secret,
    /// The generation's mark, stored beside the value where the vendor keeps metadata.
    pub label: &'a Label,
    /// What the value is, where it is not the bare primary part: the name of another part, or [`TEMPLATE`]. Part of the mark.
    pub content: Option<&'a str>,
    /// What made the credential: a short digest of source, issuer and arguments. Part of the mark.
    pub origin: &'a str,
    /// No person chose the value, and it has at least 96 bits of entropy ([`SourceTraits::generated`](crate::source::SourceTraits)):
    /// only of such a value may a salted digest be kept.
    pub generated: bool,
}

/// The content of an entry that is made of a template: it gives no part back.
pub const TEMPLATE: &str = "template";

/// Proof of a delivery: the answer of the write. What fails after it never takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The vendor's marker of this write. `None` where the answer does not name it and reading it back failed: then the time tells.
    pub revision: Option<String>,
    /// When the vendor says that it was written, by its own clock. `None`: now.
    pub written_at: Option<Timestamp>,
}

/// How an activation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activated {
    /// Every consumer uses the new value.
    Live,
    /// Every consumer was given the new value, but for some it cannot be proved that they still use it; says which and why, in whole
    /// sentences. It counts as live, with a warning.
    Unproved(String),
    /// Interrupted between consumers; says how far it came.
    Stopped(String),
}

/// A value that a readable target gave back.
#[derive(Debug)]
pub struct Escrowed {
    /// The mark that was written with it.
    pub label: Label,
    /// What the mark says that the value is, as in [`Delivery::content`]. The configuration may say something else by now.
    pub content: Option<String>,
    /// What the mark says of its making, as in [`Delivery::origin`]. Another source may have made it: an interrupted run had another
    /// configuration.
    pub origin: Option<String>,
    /// The revision that was read.
    pub revision: String,
    /// The value as it stands in the slot.
    pub value: Secret,
}

/// An entry that takes precedence over one of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    /// Who uses it, as texts say it: `Render service api (srv-1)`.
    pub consumer: String,
    /// Kind and locator of the target that writes it, at the same vendor; `None` where no target is known to.
    pub written_by: Option<(&'static str, String)>,
}

impl Shadow {
    /// The entry's address, given that of the one in its shadow.
    pub fn address(&self, shadowed: &Address) -> Option<Address> {
        let (kind, locator) = self.written_by.as_ref()?;
        Some(Address::at(&shadowed.place, kind, locator.as_str()))
    }
}

/// The part of a target that outlives its configuration: found again from a ledger's address.
#[async_trait]
pub trait Slot: Send + Sync {
    /// What the slot holds; `None` when it is empty. Reads metadata only, and where the vendor lists a container in one call, from a
    /// listing that is shared per container and run ([`Shared`](crate::http::Shared); whoever writes forgets it). Without such a list
    /// it is [`Self::inspect_directly`].
    async fn inspect(&self) -> Result<Option<Entry>, CallError>;

    /// The same, where `live` and `detail` are about our own write that `recorded` marks: a later write beside it, to the same container,
    /// must not make it look undone.
    async fn inspect_for(&self, recorded: &str) -> Result<Option<Entry>, CallError> {
        let _ = recorded;
        self.inspect().await
    }

    /// The same as [`Self::inspect`] by a direct read of that entry, not from a shared listing: what "changed" and "missing" must be confirmed by.
    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError>;

    /// The same, at least as new as our own write that `recorded` marks, where the vendor can be asked for that: a vendor that
    /// replicates its writes late must not make them look undone.
    async fn inspect_since(&self, recorded: &str) -> Result<Option<Entry>, CallError> {
        let _ = recorded;
        self.inspect_directly().await
    }

    /// What is known of the container, asked when an entry cannot be looked at. A listing of its parent proves that it is gone; a bare
    /// "not found" may be a missing permission.
    async fn container(&self) -> Result<Container, CallError> {
        Ok(Container::CannotTell)
    }

    /// The vendor's own identity of the container, which outlives a change of its name: the id of a GitHub repository or a Fly app.
    /// `None` where the vendor has none, or does not show it to this run. Read only, at most once per container and run.
    async fn container_id(&self) -> Result<Option<String>, CallError> {
        Ok(None)
    }

    /// The locator of this entry under the container's present name, where that is another than the slot's and earlier looks in this run
    /// have shown it. Read only.
    async fn renamed_to(&self) -> Result<Option<String>, CallError> {
        Ok(None)
    }

    /// Consumers of the container that use an entry of the same name from a place of their own instead. Read only.
    async fn shadowed_by(&self) -> Result<Vec<Shadow>, CallError> {
        Ok(Vec::new())
    }

    /// The revision of an entry with this value, for kinds whose revision follows from the value
    /// ([`RevisionKind::SaltedDigest`](crate::rotation::RevisionKind::SaltedDigest)). By it an entry is known whose revision may not be stored.
    fn revision_of(&self, value: &Secret) -> Option<String> {
        let _ = value;
        None
    }

    /// Empties the slot. One that is already empty is success; "not found" for lack of a permission is none, where the two can be
    /// told apart.
    async fn remove(&self, permit: &WritePermit) -> Result<(), CallError>;
}

/// What a slot holds by the listing that all readers of this run share, beside what is on record of it.
///
/// # Errors
/// Those of the slot.
pub async fn seen_beside(slot: &dyn Slot, recorded: Option<&str>) -> Result<Option<Entry>, CallError> {
    match recorded {
        Some(recorded) => slot.inspect_for(recorded).await,
        None => slot.inspect().await,
    }
}

/// What certainly stands in a slot now: read directly, and as new as our own write where there was one.
///
/// # Errors
/// Those of the slot.
pub async fn confirmed(slot: &dyn Slot, recorded: Option<&str>) -> Result<Option<Entry>, CallError> {
    match recorded {
        Some(recorded) => slot.inspect_since(recorded).await,
        None => slot.inspect_directly().await,
    }
}

/// A target that can be written.
#[async_trait]
pub trait Target: Send + Sync {
    /// The slot that it writes.
    fn slot(&self) -> &dyn Slot;

    /// The same, for whoever only looks and empties.
    fn into_slot(self: Box<Self>) -> Box<dyn Slot>;

    /// Whether the entry can become what the configuration says, as far as a read can tell: a parameter keeps its type, an archived
    /// repository takes nothing. Asked beside [`Slot::inspect`] before anything is minted.
    async fn check_writable(&self) -> Result<(), CallError> {
        Ok(())
    }

    /// Whether everything that holds the value can be given a new one, as far as a read can tell. Asked beside
    /// [`Self::check_writable`], but only before a mint: a value that exists goes to whatever can be reached.
    async fn check_reachable(&self) -> Result<(), CallError> {
        Ok(())
    }

    /// Writes the values of one batch ([`TargetConfig::batch`]), this target's own among them, in as few calls as the vendor allows.
    /// Without batches there is exactly one, this target's own. The values may be those of several secrets.
    /// The receipts are in the order of the deliveries. Repeating it changes nothing but markers. A refusal because of one entry
    /// ([`CallErrorKind::Invalid`](crate::call::CallErrorKind)) is for the executor to sort out.
    async fn deliver(&self, deliveries: &[Delivery<'_>], permit: &WritePermit) -> Result<Vec<Receipt>, CallError>;

    /// Makes the published entry live for its consumers and waits until it is, for [`Activation::Itself`]; called once per batch with the
    /// revision of the newest delivery, whichever secret it belongs to. Needs no value, so that an interrupted one is taken up again. Ends early between two consumers when `stop` is set.
    async fn activate(&self, revision: Option<&str>, stop: &Stop, permit: &WritePermit)
    -> Result<Activated, CallError>;

    /// Which of several revisions of one batch, the last delivered at the end, marks the newest write: the one to activate.
    fn newest<'r>(&self, revisions: &[&'r str]) -> Option<&'r str> {
        revisions.last().copied()
    }

    /// The value, where [`TargetTraits::readable`]. `None` when the slot is empty or the entry carries no label of ours. Called in apply only, because it decrypts.
    ///
    /// A label that outlives somebody else's write counts for nothing: the value beside it is theirs, and would be delivered
    /// everywhere as ours. Where the vendor keeps the note when the value alone is written, the note has to say which write it
    /// belongs to (docs/decisions/ssm-mark-names-its-version.md).
    async fn read(&self) -> Result<Option<Escrowed>, CallError>;

    /// The newest value of a generation below `before` that the slot held under a mark of this secret (`id`), where the vendor keeps
    /// what was overwritten. Called in apply only, because it decrypts.
    async fn read_older(&self, id: &str, before: u64) -> Result<Option<Escrowed>, CallError> {
        let _ = (id, before);
        Ok(None)
    }
}

/// A target's configuration, parsed and complete.
pub trait TargetConfig: Send + Sync {
    /// The slot: `kind:connection:container/name`; [`TargetKind::reach`] tells what is put in front of the container. It stands in the state, and [`TargetKind::slot`] must find the place again by it
    /// alone: one place has one text, and what could hold a `/` is encoded.
    ///
    /// # Errors
    /// A diagnostic when the provider block is needed for it and does not say (a GitHub owner).
    fn slot(&self, link: &Link<'_>) -> Result<Address, Diagnostic>;

    /// What has the same batch is written in one call and activated once: targets of one wave, and those of other secrets that are applied
    /// at the same time. Only where the vendor's call leaves alone what it does not name, and answers for each entry. `None` is a batch
    /// of its own.
    fn batch(&self) -> Option<String> {
        None
    }

    /// Whose processes use the entry, where its arguments name them. An activation that restarts others by name does not make them load it.
    fn consumers(&self) -> Option<String> {
        None
    }

    /// Place and name of the entry, where there are checks that look at such entries by name.
    fn names(&self) -> Option<(String, String)> {
        None
    }

    /// What the engine must know.
    fn traits(&self) -> TargetTraits;

    /// Arguments whose change makes the entry be written again (description, tier, tags …), free of secrets. What only says how a write
    /// goes live, such as `stage`, is no part of it.
    fn fingerprint(&self) -> String {
        String::new()
    }

    /// The settings that differ from the defaults, for the steps of a plan: `tier Advanced`. What [`TargetKind::words`] says of the
    /// address is left out.
    fn settings_in_words(&self) -> Vec<String> {
        Vec::new()
    }

    /// What this provider does to make a write live, for the steps of a plan: `update its machines one by one`. `None` where it does
    /// nothing.
    fn goes_live_in_words(&self) -> Option<&'static str> {
        None
    }

    /// The programs and hosts that it uses, which `allow_exec` of the provider block must name.
    fn runs(&self) -> Vec<Runs> {
        Vec::new()
    }

    /// Checks a value against the vendor's limits before anything is minted or written; the error says what the limit is, never the value.
    ///
    /// # Errors
    /// A whole sentence: it is shown by itself.
    fn accepts(&self, value: &Secret) -> Result<(), String>;

    /// The adapter, ready to call.
    ///
    /// # Errors
    /// A diagnostic that names argument and environment variable when the connection is not configured.
    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Target>, Diagnostic>;
}

/// What an entry is called in texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryWords {
    /// The entry and where it is: `Fly secret FLY_API_TOKEN on app molecule-cp`.
    pub noun: String,
    /// Its name alone: `FLY_API_TOKEN`.
    pub entry: String,
    /// Where it is, with a preposition: `on Fly app molecule-cp`, `in GitHub repository molecule-ai/x, environment production`.
    pub place: String,
}

impl EntryWords {
    /// The same with the name of the connection, where it is not the provider's own account.
    fn by_connection(self, connection: &str) -> Self {
        if connection == DEFAULT_CONNECTION {
            return self;
        }
        Self {
            noun: format!("{}, connection {connection}", self.noun),
            place: format!("{}, connection {connection}", self.place),
            ..self
        }
    }

    /// Those of an address that cannot be taken apart: its text.
    fn of_text(address: &Address) -> Self {
        let text = address.to_string();
        Self {
            place: format!("at {text}"),
            noun: text.clone(),
            entry: text,
        }
    }
}

/// Everything about a kind of target that is known without building one.
pub struct TargetKind {
    /// The key in `targets = { x = { … } }`.
    pub name: &'static str,
    /// One sentence for the docs.
    pub summary: &'static str,
    /// The vendor's API page.
    pub api_docs: Option<&'static str>,
    /// The arguments.
    pub attributes: fn() -> Vec<Attribute>,
    /// Reads the kind's object; `default_name` is the secret's `name` (`None` while unknown), for [`Node::string_or`]. `None` when something in it is unknown or wrong; what is wrong is reported.
    pub parse: fn(&Node<'_>, Option<&str>, &mut Diagnostics) -> Option<Box<dyn TargetConfig>>,
    /// Whose accounts it uses.
    pub reach: Option<Reach>,
    /// The slot at an address of this kind, for targets whose configuration is gone.
    pub slot: fn(&Address, &Link<'_>) -> Result<Box<dyn Slot>, Diagnostic>,
    /// What the entry at an address of this kind is called in texts.
    pub words: fn(&Address) -> EntryWords,
    /// What the vendor offers. The behaviour suite (`tests/behaviour`) leaves out what is not offered, and nothing else.
    pub offers: Offers,
}

/// What a vendor offers for the entries of a kind; data, never a special case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offers {
    /// A note beside the value, which [`Entry::label`] is read from.
    pub marks: bool,
    /// What tells one write from another.
    pub revision: RevisionKind,
    /// Containers are listed in pages.
    pub pages: bool,
    /// A listing that proves a container to be gone ([`Slot::container`]).
    pub proof_of_absence: bool,
    /// An identity of containers that outlives their names, which [`Slot::container_id`] tells.
    pub identity: bool,
}

impl Offers {
    /// Whether two writes never share a revision; times are whole seconds.
    pub fn tells_every_write(self) -> bool {
        self.revision != RevisionKind::Time
    }
}

/// Declares the files of this folder and lists their kinds.
macro_rules! targets {
    ($($file:ident),* $(,)?) => {
        $(pub mod $file;)*
        /// Every kind of target, in the order of the docs.
        pub static ALL: &[&TargetKind] = &[$(&$file::KIND),*];
    };
}

mod by_command;
mod environment_variable;
mod github_secret;
mod mark;
mod path;
mod render_variable;
mod value_digest;

targets! {
    age_file, exec, file, fly_secret, github_actions_secret, github_codespaces_secret, github_dependabot_secret, http, railway_variable, render_env_group_variable,
    render_env_variable, ssh, ssm_parameter, vercel_env,
}

/// What the entry at a recorded address is called in texts.
pub fn entry(slot: &str) -> EntryWords {
    let address: Option<Address> = slot.parse().ok();
    let known = address.and_then(|address| {
        let words = (kind(&address.kind)?.words)(&address);
        Some(words.by_connection(&address.connection))
    });
    known.unwrap_or_else(|| EntryWords {
        noun: slot.to_owned(),
        entry: slot.to_owned(),
        place: String::new(),
    })
}

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static TargetKind> {
    ALL.iter().find(|kind| kind.name == name).copied()
}
