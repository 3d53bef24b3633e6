//! One line of a dotenv file on the machine that runs Terraform.
//!
//! Our mark is a comment above the line. Whoever edits the line may leave the comment, so the mark has a salted digest of the value
//! that it was written with, and counts for that value alone ([`super::mark`], [`value_digest`]). The salt, new for each write, is the
//! revision: the state has nothing that follows from the value. All keys of a file are written together, under a lock.

mod dotenv;

use std::path::PathBuf;

use async_trait::async_trait;

use super::environment_variable::Variables;
use super::mark::Mark;
use super::path::{file_path, path_in, place_of};
use super::value_digest;
use super::{
    Activated, Activation, Delivery, EntryWords, Escrowed, Offers, Receipt, Slot, Target, TargetConfig, TargetKind,
    TargetTraits,
};
use crate::address::Address;
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::Link;
use crate::diagnostics::StateProblem;
use crate::files::{Content, FileProblem, PrivateFile};
use crate::rotation::{Entry, RevisionKind};
use crate::secret::Secret;
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Path, Type};

/// The kind.
pub static KIND: TargetKind = TargetKind {
    name: "file",
    summary: "One line `KEY=value` of a dotenv file on the machine that runs Terraform. Other lines and comments stay as they are; a \
              comment above the line has the provider's mark. Processes load it when they start: set `settle` or `overlap`, or add an \
              activation. Runs on another machine see another file.",
    api_docs: None,
    attributes,
    parse,
    reach: None,
    slot,
    words,
    offers: Offers {
        marks: true,
        // It counts only together with the mark, which every write leaves.
        revision: RevisionKind::Version,
        pages: false,
        proof_of_absence: false,
        identity: false,
    },
};

static VARIABLES: Variables = Variables {
    platform: "Whatever reads the file",
    also_in_names: "",
};

/// Where it is, in errors.
const HERE: &str = "this machine";

/// The permissions that a file may have: with values in it, it is nobody's but its owner's and group's.
const MODES: &[&str] = &["0600", "0640", "0660"];

/// The bits of the owner, who may read it whatever they say.
const OWNER: u32 = 0o700;

/// The most that any of them permits.
const WIDEST: u32 = 0o660;

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::required(
            "path",
            Type::String,
            "The absolute path of the file, such as `abspath(\"${path.module}/.env\")`. Its name is `.env`, or begins with `.env.`, or ends with \
             `.env`: a file that the system takes for something else (a crontab, a login script) is never written. It is created if it does \
             not exist; its folder must exist.",
        ),
        Attribute::optional("name", Type::String, "The key. Default: `name` of the resource."),
        Attribute::optional(
            "mode",
            Type::String,
            "The permissions that the file has after a write: `\"0600\"` (default), `\"0640\"` or `\"0660\"`. Its owner and group stay.",
        ),
    ]
}

/// What a file is called that is read as a dotenv file: cron, sudo and `run-parts` pass over names with a dot in them.
fn is_dotenv(name: &str) -> bool {
    name == ".env" || name.starts_with(".env.") || name.ends_with(".env")
}

fn parse(node: &Node<'_>, default_name: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn TargetConfig>> {
    let why = "Its name must be .env, begin with .env. or end with .env.";
    let path = file_path(node, is_dotenv, why, problems);
    let name = VARIABLES.name(node, default_name, problems);
    let mode = node.attr("mode").one_of(MODES, problems).or("0600");
    Some(Box::new(Config {
        path: path?,
        name: name.known()?,
        mode: mode?,
    }))
}

struct Config {
    path: String,
    name: String,
    mode: &'static str,
}

/// Path and key of an address of ours.
fn parts_of(address: &Address) -> Option<(String, String)> {
    let (place, name) = address.locator.rsplit_once('/')?;
    let path = path_in(place)?;
    VARIABLES.is_name(name).then(|| (path, name.to_owned()))
}

fn slot(address: &Address, link: &Link<'_>) -> Result<Box<dyn Slot>, Diagnostic> {
    let (path, name) = parts_of(address).ok_or_else(|| {
        let mistake = StateProblem::Address {
            address: address.to_string(),
            what: "the address of a line of a dotenv file".into(),
            expected: "/path/of/.env/KEY".into(),
        };
        Diagnostic::new(Path::root(), mistake)
    })?;
    Ok(Box::new(Line::new(path, name, WIDEST, link)))
}

fn words(address: &Address) -> EntryWords {
    let Some((path, name)) = parts_of(address) else {
        return EntryWords::of_text(address);
    };
    let place = format!("in file {path}");
    EntryWords {
        noun: format!("{name} {place}"),
        entry: name,
        place,
    }
}

impl TargetConfig for Config {
    fn slot(&self, _: &Link<'_>) -> Result<Address, Diagnostic> {
        Ok(Address::new(
            KIND.name,
            format!("{}/{}", place_of(&self.path), self.name),
        ))
    }

    /// One write for all keys of a file.
    fn batch(&self) -> Option<String> {
        Some(format!("{} {}", self.path, self.mode))
    }

    /// Processes read it when they start.
    fn traits(&self) -> TargetTraits {
        TargetTraits {
            activation: Activation::Later,
            readable: true,
            reloads_within: None,
            follow_up: false,
        }
    }

    fn fingerprint(&self) -> String {
        self.mode.to_owned()
    }

    fn settings_in_words(&self) -> Vec<String> {
        let mode = Some(self.mode).filter(|mode| *mode != "0600");
        mode.map(|mode| format!("mode {mode}")).into_iter().collect()
    }

    #[expect(clippy::disallowed_methods, reason = "only whether it can be quoted comes out")]
    fn accepts(&self, value: &Secret) -> Result<(), String> {
        VARIABLES.accepts(&self.name, value)?;
        dotenv::quoted(value.expose()).map(drop)
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Target>, Diagnostic> {
        let mode = u32::from_str_radix(self.mode, 8).unwrap_or(0o600);
        Ok(Box::new(FileTarget {
            line: Line::new(self.path.clone(), self.name.clone(), mode, link),
        }))
    }
}

/// One line of a file.
struct Line {
    path: String,
    name: String,
    /// The permissions that its file may have.
    mode: u32,
    file: PrivateFile,
}

/// The line, to be written.
struct FileTarget {
    line: Line,
}

/// What a file has of a key.
struct Seen {
    value: Option<Secret>,
    /// The mark, and the salt of the write that it names, where it belongs to the value beside it.
    mark: Option<(Mark, String)>,
}

/// The salt of a digest: what tells one write from another.
fn salt(digest: &str) -> &str {
    digest.split_once('.').map_or(digest, |(salt, _)| salt)
}

impl Line {
    fn new(path: String, name: String, mode: u32, link: &Link<'_>) -> Self {
        let file = PrivateFile::at(PathBuf::from(&path), link.clock());
        Self { path, name, mode, file }
    }

    /// That others than the configuration permits have access to the file, and the way out.
    fn exposure(&self, mode: u32) -> Option<String> {
        let (path, permitted) = (&self.path, self.mode);
        (mode & !permitted & !OWNER != 0).then(|| {
            format!(
                "The mode of {path} is {mode:04o}, and {permitted:04o} is configured: others have access to its values. Run chmod \
                 {permitted:04o} {path}; the next write does the same."
            )
        })
    }

    fn operation(&self, verb: &str) -> String {
        format!("{verb} {} in {}", self.name, self.path)
    }

    fn failed(&self, verb: &str, problem: &FileProblem) -> CallError {
        let effect = if problem.is_doubtful {
            Effect::Possible
        } else {
            Effect::None
        };
        CallError::new(
            CallErrorKind::Invalid,
            effect,
            HERE,
            self.operation(verb),
            None,
            &problem.why,
        )
    }

    fn set_twice(&self, verb: &str, name: &str) -> CallError {
        let why = format!("several lines set {name}: remove all but one");
        CallError::new(
            CallErrorKind::Conflict,
            Effect::None,
            HERE,
            self.operation(verb),
            None,
            &why,
        )
    }

    fn seen_in(&self, content: &Content) -> Result<Option<Seen>, CallError> {
        let found = dotenv::find(&content.text, &self.name);
        let Some(found) = found.map_err(|_| self.set_twice("reading", &self.name))? else {
            return Ok(None);
        };
        let value = dotenv::unquoted(found.written).map(|value| Secret::new(value.to_owned()));
        let mark = found.mark.and_then(Mark::find).and_then(|(mark, write)| {
            let under_it = value_digest::under_the_salt_of(write, value.as_ref()?);
            (under_it.as_deref() == Some(write)).then(|| (mark, salt(write).to_owned()))
        });
        Ok(Some(Seen { value, mark }))
    }

    /// The entry beside what is on record of it: a line without our mark is somebody's write if we had left one.
    async fn look(&self, recorded: Option<&str>) -> Result<Option<Entry>, CallError> {
        let content = self.file.read().await;
        let Some(content) = content.map_err(|problem| self.failed("reading", &problem))? else {
            return Ok(None);
        };
        let Some(seen) = self.seen_in(&content)? else {
            return Ok(None);
        };
        let (label, revision) = match seen.mark {
            Some((mark, salt)) => (Some(mark.label), Some(salt)),
            None => (None, None),
        };
        // The time of the file is that of any line of it: alone it tells nothing of this one.
        let is_dated = label.is_some() || recorded.is_some_and(value_digest::is_salt);
        Ok(Some(Entry {
            revision,
            kind: RevisionKind::Version,
            label,
            modified_at: content.modified_at.filter(|_| is_dated),
            live: None,
            detail: None,
            is_unreadable: false,
            exposed: self.exposure(content.mode),
        }))
    }
}

#[async_trait]
impl Slot for Line {
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
        const VERB: &str = "removing";
        let failed = |problem: FileProblem| self.failed(VERB, &problem);
        let content = self.file.read().await.map_err(failed)?;
        if content.is_none() {
            return Ok(());
        }
        let locked = self.file.lock().await.map_err(failed)?;
        let Some(content) = locked.read().await.map_err(failed)? else {
            return Ok(());
        };
        let rest = dotenv::without(&content.text, &self.name).map_err(|_| self.set_twice(VERB, &self.name))?;
        if *rest == *content.text {
            return Ok(());
        }
        locked.replace(rest, None, permit).await.map_err(failed)
    }
}

#[async_trait]
impl Target for FileTarget {
    fn slot(&self) -> &dyn Slot {
        &self.line
    }

    fn into_slot(self: Box<Self>) -> Box<dyn Slot> {
        Box::new(self.line)
    }

    async fn check_writable(&self) -> Result<(), CallError> {
        match self.line.file.obstacle().await {
            Some(why) => Err(CallError::refused(HERE, self.line.operation("setting"), &why)),
            None => Ok(()),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "it is written to a file that only owner and group may read"
    )]
    async fn deliver(&self, deliveries: &[Delivery<'_>], permit: &WritePermit) -> Result<Vec<Receipt>, CallError> {
        const VERB: &str = "setting";
        let line = &self.line;
        let failed = |problem: FileProblem| line.failed(VERB, &problem);
        let refused = |why: &str| CallError::refused(HERE, line.operation(VERB), why);
        let locked = line.file.lock().await.map_err(failed)?;
        let mut text = match locked.read().await.map_err(failed)? {
            Some(content) => content.text,
            None => Default::default(),
        };
        let mut receipts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let (path, name) = parts_of(&delivery.slot).ok_or_else(|| refused("the address is not one of a line"))?;
            if path != line.path {
                return Err(refused("one batch has lines of two files"));
            }
            let digest = value_digest::new(delivery.value).map_err(|error| refused(&error.to_string()))?;
            let quoted = dotenv::quoted(delivery.value.expose()).map_err(|why| refused(&why))?;
            let mark = Mark::of(delivery).text(&digest);
            text = dotenv::set(&text, &name, &mark, &quoted).map_err(|_| line.set_twice(VERB, &name))?;
            receipts.push(Receipt {
                revision: Some(salt(&digest).to_owned()),
                written_at: None,
            });
        }
        locked.replace(text, Some(line.mode), permit).await.map_err(failed)?;
        Ok(receipts)
    }

    /// Nothing to do: processes read the file when they start.
    async fn activate(&self, _: Option<&str>, _: &Stop, _: &WritePermit) -> Result<Activated, CallError> {
        Ok(Activated::Live)
    }

    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        let content = self.line.file.read().await;
        let Some(content) = content.map_err(|problem| self.line.failed("reading", &problem))? else {
            return Ok(None);
        };
        let seen = self.line.seen_in(&content)?;
        Ok(seen.and_then(|seen| {
            let (Mark { label, content, origin }, revision) = seen.mark?;
            Some(Escrowed {
                label,
                content,
                origin,
                revision,
                value: seen.value?,
            })
        }))
    }
}
