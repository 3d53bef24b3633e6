//! Entries that a command of the user's writes: what `exec`, on this machine, and `ssh`, on another host, have in common.
//!
//! The value goes to the command's standard input alone. How the command ends says what came of it: exit code 0 is done, one of
//! `refused_exit_codes` is refused, and any other ending leaves open whether it wrote, since a script may fail behind its write. What
//! the user's `read` prints stands for the entry: a salted digest of it is the revision ([`value_digest`]), so that the state never has
//! what is printed, be it the value itself. How the entry is read and removed stands in its address, behind the place, because a
//! destroy has nothing else.

use std::time::Duration;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::value_digest;
use super::{
    Activated, Activation, Delivery, EntryWords, Escrowed, Offers, Receipt, Slot, Target, TargetConfig, TargetTraits,
};
use crate::address::Address;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::command::Presenting;
use crate::connection::{Link, segment};
use crate::diagnostics::{Argument, StateProblem};
use crate::process::{Printed, Runs};
use crate::rotation::{Entry, RevisionKind};
use crate::secret::Secret;
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Field, Mode, Nesting, Node, Path, Type};

/// What the kinds offer.
pub(super) const OFFERS: Offers = Offers {
    marks: false,
    revision: RevisionKind::SaltedDigest,
    pages: false,
    proof_of_absence: false,
    identity: false,
};

/// How long a command may take when the user does not say.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How a command gets the value.
pub(super) const BY_INPUT: Presenting = Presenting("The command reads the value from standard input.");

/// Where commands run: what tells one kind from the other.
pub(super) trait Machine: Clone + Send + Sync + 'static {
    /// A command, as the user writes it.
    type Command: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync;
    /// What it takes to run one, beside the place.
    type Setting: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync;

    /// The kind's name.
    const KIND: &'static str;
    /// What runs the commands, as errors call it.
    const SERVICE: &'static str;
    /// An address of the kind, for errors.
    const FORM: &'static str;

    /// The argument `command`, with that description.
    fn command_attribute(does: &str) -> Attribute;

    /// Reads a command. `None` when it is unknown or wrong, which is reported.
    fn read_command(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Self::Command>;

    /// The place in addresses.
    fn place(&self) -> String;

    /// The machine at that place; `None` where it is no place of the kind.
    fn at(place: &str, setting: Self::Setting) -> Option<Self>;

    /// That place with a preposition: `on host deploy@app.example.com`.
    fn place_in_words(place: &str) -> Option<String>;

    /// What it takes to run a command.
    fn setting(&self) -> &Self::Setting;

    /// What of the setting is part of what a command does: a change of it writes again.
    fn effective_setting(&self) -> Option<&Self::Setting>;

    /// Command and setting in words, as far as the place does not tell them.
    fn in_words(&self, command: &Self::Command) -> Vec<String>;

    /// What `allow_exec` must name for that command.
    fn runs(&self, command: &Self::Command) -> Runs;

    /// The command, permitted.
    ///
    /// # Errors
    /// A diagnostic that says what to add to `allow_exec`.
    fn permitted(
        &self,
        command: &Self::Command,
        timeout: Duration,
        link: &Link<'_>,
    ) -> Result<Box<dyn Permitted>, Diagnostic>;
}

/// A command that may run, with all that it takes.
#[async_trait]
pub(super) trait Permitted: Send + Sync {
    /// What is missing on this machine. `None` when it can be started, as far as that shows.
    async fn obstacle(&self) -> Option<String>;

    /// Runs it with that input.
    async fn run(&self, input: Option<Secret>, permit: &WritePermit) -> Result<(), Unsuccessful>;

    /// Runs one that only looks.
    async fn read(&self) -> Result<Printed, Unsuccessful>;
}

/// How a command ended that did not succeed.
pub(super) struct Unsuccessful {
    pub(super) kind: CallErrorKind,
    /// Whether it may have had its effect.
    pub(super) effect: Effect,
    /// The command's own.
    pub(super) exit_code: Option<i32>,
    /// What happened, in whole sentences.
    pub(super) message: String,
}

/// The arguments that both kinds have, behind their own.
pub(super) fn attributes<M: Machine>() -> Vec<Attribute> {
    let nested = |name, does: &str, description: &str| {
        let command = vec![M::command_attribute(does)];
        Attribute::nested(name, Nesting::Single, Mode::Optional, command, description)
    };
    vec![
        Attribute::optional(
            "name",
            Type::String,
            "The entry's name, which tells it from others that the same place holds. Default: `name` of the resource. The command does not \
             get it.",
        ),
        Attribute::optional(
            "timeout",
            Type::String,
            "How long each command may take. After that it is stopped, and a write counts as unknown: the next apply repeats it. Default: `1m`.",
        ),
        Attribute::optional(
            "refused_exit_codes",
            Type::List(Box::new(Type::Number)),
            "Exit codes that say that nothing was written. Any other than these and 0 leaves that open, so that the value counts as one that \
             consumers may have. Default: none.",
        ),
        nested(
            "read",
            "It prints what changes whenever the entry does: a version, a time, a digest, or the entry. Nothing printed means that there is \
             no entry.",
            "A command that shows whether the entry was changed, and changes nothing. **It runs in every plan and refresh.** The state \
             has a salted digest of what it prints, and that only for a value that was generated. Without it, no change is seen, nothing is \
             deleted, and the first write needs `on_existing = \"replace\"`.",
        ),
        nested(
            "remove",
            "It removes the entry. It gets no value.",
            "The command that removes the entry. Requires `read`, which shows whose it is. Without it, set `on_remove = \"keep\"`.",
        ),
    ]
}

/// How an entry is reached beside its place: it stands in the address.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
struct Means<M: Machine> {
    #[serde(flatten)]
    setting: M::Setting,
    /// In seconds.
    timeout: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refused_exit_codes: Vec<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read: Option<M::Command>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remove: Option<M::Command>,
}

/// The arguments, parsed.
struct Config<M: Machine> {
    machine: M,
    name: String,
    command: M::Command,
    means: Means<M>,
}

/// Reads what both kinds have. `None` when something is unknown or wrong, which is reported.
pub(super) fn parse<M: Machine>(
    node: &Node<'_>,
    default_name: Option<&str>,
    machine: Option<M>,
    command: Option<M::Command>,
    problems: &mut Diagnostics,
) -> Option<Box<dyn TargetConfig>> {
    let name_node = node.attr("name");
    let name = name_node.string_or(default_name, problems).and_then_checked(|name| {
        let mistake = match name.trim().is_empty() {
            true => Some("It is blank."),
            false => name
                .contains(char::is_control)
                .then_some("It contains a control character."),
        };
        if let Some(why) = mistake {
            name_node.report_not(problems, "the name of an entry", why);
        }
        mistake.is_none().then_some(name)
    });
    let timeout = timeout(&node.attr("timeout"), problems);
    let refused = node
        .attr("refused_exit_codes")
        .integers(1, 255, problems)
        .or(Vec::new());
    let mut optional = |name| {
        let node = node.attr(name);
        match node.is_null() {
            true => Some(None),
            false => M::read_command(&node.attr("command"), problems).map(Some),
        }
    };
    let (read, remove) = (optional("read"), optional("remove"));
    let (read, remove) = (read?, remove?);
    if remove.is_some() && read.is_none() {
        let why = "Only what `read` prints shows that nobody else has written the entry since. Set it, or remove `remove` and set \
                   on_remove = \"keep\".";
        node.attr("remove").report_needs(problems, "read", why);
        return None;
    }
    let machine = machine?;
    Some(Box::new(Config {
        name: name.known()?,
        command: command?,
        means: Means::<M> {
            setting: machine.setting().clone(),
            timeout: timeout?.as_secs(),
            refused_exit_codes: refused?.into_iter().filter_map(|code| code.try_into().ok()).collect(),
            read,
            remove,
        },
        machine,
    }))
}

fn timeout(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Duration> {
    let timeout = match node.duration(problems) {
        Field::Absent => return Some(TIMEOUT),
        Field::Unknown => return None,
        Field::Known(timeout) => Duration::from_secs(timeout.as_secs().unsigned_abs()),
    };
    if timeout.is_zero() {
        node.report(problems, |argument| Argument::Zero {
            argument,
            why: "No command could finish in time. Remove it to use the default.".into(),
        });
        return None;
    }
    Some(timeout)
}

/// Place and name of an address of the kind.
fn named(address: &Address) -> Option<(&str, String)> {
    let (place, name) = address.named().rsplit_once('/')?;
    let name = segment::decode(name);
    (!name.is_empty()).then_some((place, name))
}

fn locator<M: Machine>(machine: &M, name: &str, means: &Means<M>) -> String {
    let means = serde_json::to_string(means).unwrap_or_default();
    format!("{}/{}#{means}", machine.place(), segment::encode(name))
}

/// Machine, name and means of an address of ours.
fn parts_of<M: Machine>(address: &Address) -> Option<(M, String, Means<M>)> {
    let (place, name) = named(address)?;
    let means: Means<M> = serde_json::from_str(address.means()?).ok()?;
    let machine = M::at(place, means.setting.clone())?;
    (locator(&machine, &name, &means) == address.locator).then_some((machine, name, means))
}

/// The slot at an address of the kind.
pub(super) fn slot<M: Machine>(address: &Address, link: &Link<'_>) -> Result<Box<dyn Slot>, Diagnostic> {
    let (machine, name, means) = parts_of::<M>(address).ok_or_else(|| {
        let mistake = StateProblem::Address {
            address: address.to_string(),
            what: "the address of an entry that a command writes".into(),
            expected: M::FORM.into(),
        };
        Diagnostic::new(Path::root(), mistake)
    })?;
    Ok(Box::new(CommandEntry::new(&machine, name, &means, link)?))
}

/// What the entry at an address of the kind is called in texts.
pub(super) fn words<M: Machine>(address: &Address) -> EntryWords {
    let known = named(address).and_then(|(place, name)| Some((M::place_in_words(place)?, name)));
    let Some((place, name)) = known else {
        return EntryWords::of_text(address);
    };
    EntryWords {
        noun: format!("entry {name} {place}"),
        entry: name,
        place,
    }
}

impl<M: Machine> TargetConfig for Config<M> {
    fn slot(&self, _: &Link<'_>) -> Result<Address, Diagnostic> {
        Ok(Address::new(M::KIND, locator(&self.machine, &self.name, &self.means)))
    }

    /// Nobody can tell what a command makes of the value.
    fn traits(&self) -> TargetTraits {
        TargetTraits {
            activation: Activation::Later,
            readable: false,
            reloads_within: None,
            follow_up: false,
        }
    }

    fn fingerprint(&self) -> String {
        serde_json::json!([self.command, self.machine.effective_setting()]).to_string()
    }

    fn settings_in_words(&self) -> Vec<String> {
        let Means {
            timeout,
            refused_exit_codes: refused,
            ..
        } = &self.means;
        let timeout = (*timeout != TIMEOUT.as_secs()).then(|| format!("at most {timeout} seconds"));
        let refused = (!refused.is_empty()).then(|| {
            let codes: Vec<String> = refused.iter().map(i32::to_string).collect();
            format!("refused by exit code {}", codes.join(" or "))
        });
        let words = self.machine.in_words(&self.command).into_iter();
        words.chain(timeout).chain(refused).collect()
    }

    fn runs(&self) -> Vec<Runs> {
        let commands = [&self.command].into_iter();
        let commands = commands.chain(&self.means.read).chain(&self.means.remove);
        commands.map(|command| self.machine.runs(command)).collect()
    }

    /// Whatever a pipe carries.
    fn accepts(&self, _: &Secret) -> Result<(), String> {
        Ok(())
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Target>, Diagnostic> {
        let timeout = Duration::from_secs(self.means.timeout);
        Ok(Box::new(CommandTarget {
            write: self.machine.permitted(&self.command, timeout, link)?,
            entry: CommandEntry::new(&self.machine, self.name.clone(), &self.means, link)?,
        }))
    }
}

/// An entry that can be reached.
struct CommandEntry {
    service: &'static str,
    /// `API_KEY on host deploy@app.example.com`.
    noun: String,
    refused_exit_codes: Vec<i32>,
    read: Option<Box<dyn Permitted>>,
    remove: Option<Box<dyn Permitted>>,
}

/// An entry with the command that writes it.
struct CommandTarget {
    entry: CommandEntry,
    write: Box<dyn Permitted>,
}

const fn entry(revision: Option<String>) -> Entry {
    Entry {
        revision,
        kind: RevisionKind::SaltedDigest,
        label: None,
        modified_at: None,
        live: None,
        detail: None,
        is_unreadable: false,
        exposed: None,
    }
}

impl CommandEntry {
    fn new<M: Machine>(machine: &M, name: String, means: &Means<M>, link: &Link<'_>) -> Result<Self, Diagnostic> {
        let timeout = Duration::from_secs(means.timeout);
        let permitted = |command: &Option<M::Command>| {
            let command = command.as_ref();
            command
                .map(|command| machine.permitted(command, timeout, link))
                .transpose()
        };
        let place = M::place_in_words(&machine.place()).unwrap_or_default();
        Ok(Self {
            service: M::SERVICE,
            noun: format!("{name} {place}"),
            refused_exit_codes: means.refused_exit_codes.clone(),
            read: permitted(&means.read)?,
            remove: permitted(&means.remove)?,
        })
    }

    fn failed(&self, verb: &str, why: Unsuccessful) -> CallError {
        let is_refusal = why
            .exit_code
            .is_some_and(|code| self.refused_exit_codes.contains(&code));
        let effect = if is_refusal { Effect::None } else { why.effect };
        let operation = format!("{verb} {}", self.noun);
        // With what a command printed, it is cut where it gets long; what we say ourselves is not.
        let printed = why.message.contains('\n');
        let (said, told) = if printed {
            (why.message.as_str(), "")
        } else {
            ("", why.message.as_str())
        };
        let error = CallError::new(why.kind, effect, self.service, operation, None, said);
        let error = if printed { error } else { error.advise(told) };
        match is_refusal {
            true => error.advise("By this exit code, nothing was written (refused_exit_codes)."),
            false => error,
        }
    }

    /// What `read` prints: `None` where there is no entry.
    async fn printed(&self, read: &dyn Permitted) -> Result<Option<Secret>, CallError> {
        let withheld = "What it printed is not shown, because it might contain the value: run it by hand.";
        let printed = read.read().await.map_err(|why| {
            let by_itself = why.exit_code.is_some();
            let nothing_happened = Unsuccessful {
                effect: Effect::None,
                ..why
            };
            let error = self.failed("reading", nothing_happened);
            match by_itself {
                true => error.advise(withheld),
                false => error,
            }
        })?;
        let text = printed.text().map_err(|what| {
            let operation = format!("reading {}", self.noun);
            CallError::malformed(self.service, operation, Effect::None, &format!("The command {what}"))
        })?;
        Ok((!text.is_empty()).then_some(text))
    }

    async fn look(&self, recorded: Option<&str>) -> Result<Option<Entry>, CallError> {
        let Some(read) = &self.read else {
            // It may hold anything.
            return Ok(Some(Entry {
                is_unreadable: true,
                ..entry(None)
            }));
        };
        let printed = self.printed(read.as_ref()).await?;
        Ok(printed.map(|text| entry(recorded.and_then(|recorded| value_digest::under_the_salt_of(recorded, &text)))))
    }
}

#[async_trait]
impl Slot for CommandEntry {
    async fn inspect(&self) -> Result<Option<Entry>, CallError> {
        self.look(None).await
    }

    async fn inspect_for(&self, recorded: &str) -> Result<Option<Entry>, CallError> {
        self.look(Some(recorded)).await
    }

    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError> {
        self.look(None).await
    }

    async fn inspect_since(&self, recorded: &str) -> Result<Option<Entry>, CallError> {
        self.look(Some(recorded)).await
    }

    async fn remove(&self, permit: &WritePermit) -> Result<(), CallError> {
        let Some(remove) = &self.remove else {
            let why = "This target has no command that removes an entry. Set `remove` and apply before you remove the target, or set \
                       on_remove = \"keep\".";
            return Err(CallError::refused(self.service, format!("removing {}", self.noun), why));
        };
        let removed = remove.run(None, permit).await;
        removed.map_err(|why| self.failed("removing", why))
    }
}

#[async_trait]
impl Target for CommandTarget {
    fn slot(&self) -> &dyn Slot {
        &self.entry
    }

    fn into_slot(self: Box<Self>) -> Box<dyn Slot> {
        Box::new(self.entry)
    }

    async fn check_writable(&self) -> Result<(), CallError> {
        let Some(why) = self.write.obstacle().await else {
            return Ok(());
        };
        let operation = format!("setting {}", self.entry.noun);
        Err(CallError::refused(self.entry.service, operation, &why))
    }

    async fn deliver(&self, deliveries: &[Delivery<'_>], permit: &WritePermit) -> Result<Vec<Receipt>, CallError> {
        let mut receipts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let written = self.write.run(Some(delivery.value.share()), permit).await;
            written.map_err(|why| self.entry.failed("setting", why))?;
            // The write is confirmed: a look that fails now takes nothing back.
            let printed = match &self.entry.read {
                Some(read) if delivery.generated => self.entry.printed(read.as_ref()).await.ok().flatten(),
                _ => None,
            };
            let revision = printed.and_then(|text| value_digest::of(&text, delivery).ok().flatten());
            receipts.push(Receipt {
                revision,
                written_at: None,
            });
        }
        Ok(receipts)
    }

    /// Nothing to do: the command tells consumers, or they load the value in their own time.
    async fn activate(&self, _: Option<&str>, _: &Stop, _: &WritePermit) -> Result<Activated, CallError> {
        Ok(Activated::Live)
    }

    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        Ok(None)
    }
}
