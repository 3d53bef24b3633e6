//! A recovery copy: a file on the machine that runs Terraform, encrypted to declared age recipients.
//!
//! Nothing here can read it, so its revision is a digest of what was written. There are no consumers: a copy is of use as soon as it
//! is there.

use std::path::PathBuf;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroizing;

use super::path::{file_path, path_in, place_of};
use super::{
    Activated, Activation, Delivery, EntryWords, Escrowed, Offers, Receipt, Slot, Target, TargetConfig, TargetKind,
    TargetTraits,
};
use crate::address::Address;
use crate::age::{self, Recipient};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::Link;
use crate::diagnostics::{Argument, StateProblem};
use crate::files::{Content, FileProblem, PrivateFile};
use crate::rotation::{Entry, RevisionKind};
use crate::secret::Secret;
use crate::stop::Stop;
use crate::terraform::{Attribute, Diagnostic, Diagnostics, Node, Path, Type};

/// The kind.
pub static KIND: TargetKind = TargetKind {
    name: "age_file",
    summary: "A recovery copy of the value: a file on the machine that runs Terraform, encrypted to the age recipients that you name. The \
              provider has no private key and never reads the value back. Runs on another machine see another file.",
    api_docs: Some("https://c2sp.org/age"),
    attributes,
    parse,
    reach: None,
    slot,
    words,
    offers: Offers {
        marks: false,
        revision: RevisionKind::Digest,
        pages: false,
        proof_of_absence: false,
        identity: false,
    },
};

/// Where it is, in errors.
const HERE: &str = "this machine";

/// Its permissions.
const MODE: u32 = 0o600;

/// What a private key of age begins with.
const PRIVATE: &str = "AGE-SECRET-KEY-";

/// The largest value, in bytes: encrypted and with armor it stays a file that is read back.
const LARGEST: usize = 512 * 1024;

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::required(
            "path",
            Type::String,
            "The absolute path of the file, which ends with `.age`. Each secret needs a file of its own, and the file holds the newest value \
             alone. Its folder must exist.",
        ),
        Attribute::required(
            "recipients",
            Type::strings(),
            "Who can decrypt it: public keys of age (X25519), as `age-keygen -y` prints them: `[\"age1…\"]`. A change of them writes the file again.",
        ),
    ]
}

fn parse(node: &Node<'_>, _: Option<&str>, problems: &mut Diagnostics) -> Option<Box<dyn TargetConfig>> {
    let path = file_path(
        node,
        |name| name.ends_with(".age"),
        "Its name must end with .age.",
        problems,
    );
    let recipients = recipients(&node.attr("recipients"), problems);
    Some(Box::new(Config {
        path: path?,
        recipients: recipients?,
    }))
}

fn recipients(node: &Node<'_>, problems: &mut Diagnostics) -> Option<Vec<Recipient>> {
    let texts = node.required(node.strings(problems), problems).known()?;
    if texts.is_empty() {
        node.report(problems, |argument| Argument::Empty {
            argument,
            advice: "Set at least one recipient, such as [\"age1…\"].".into(),
        });
        return None;
    }
    let mut recipients = Some(Vec::new());
    for (at, text) in (0..).zip(&texts) {
        let node = node.index(at);
        if text.trim().to_ascii_uppercase().starts_with(PRIVATE) {
            node.report(problems, |argument| Argument::PlainCredential {
                argument,
                what: "private key".into(),
                advice: "Write the public key, which `age-keygen -y` prints: age1….".into(),
            });
            recipients = None;
            continue;
        }
        match Recipient::parse(text.trim()) {
            Ok(recipient) => recipients.iter_mut().for_each(|all| all.push(recipient.clone())),
            Err(why) => {
                node.report_not(problems, "a recipient", why);
                recipients = None;
            }
        }
    }
    // The order says nothing.
    recipients.map(|mut all| {
        all.sort();
        all.dedup();
        all
    })
}

struct Config {
    path: String,
    recipients: Vec<Recipient>,
}

fn slot(address: &Address, link: &Link<'_>) -> Result<Box<dyn Slot>, Diagnostic> {
    let path = path_in(&address.locator).ok_or_else(|| {
        let mistake = StateProblem::Address {
            address: address.to_string(),
            what: "the address of an encrypted file".into(),
            expected: "/path/of/copy.age".into(),
        };
        Diagnostic::new(Path::root(), mistake)
    })?;
    Ok(Box::new(Copy::new(path, link)))
}

fn words(address: &Address) -> EntryWords {
    let Some(path) = path_in(&address.locator) else {
        return EntryWords::of_text(address);
    };
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
    EntryWords {
        noun: format!("recovery copy {path}"),
        entry: format!("recovery copy {name}"),
        place: format!("in folder {folder}/"),
    }
}

impl TargetConfig for Config {
    fn slot(&self, _: &Link<'_>) -> Result<Address, Diagnostic> {
        Ok(Address::new(KIND.name, place_of(&self.path)))
    }

    fn traits(&self) -> TargetTraits {
        TargetTraits {
            activation: Activation::Itself,
            readable: false,
            reloads_within: None,
            follow_up: false,
        }
    }

    fn fingerprint(&self) -> String {
        let recipients: Vec<String> = self.recipients.iter().map(ToString::to_string).collect();
        recipients.join(" ")
    }

    fn settings_in_words(&self) -> Vec<String> {
        // Their beginnings tell them apart for people.
        let beginning =
            |recipient: &Recipient| format!("{}…", recipient.to_string().chars().take(12).collect::<String>());
        let recipients: Vec<String> = self.recipients.iter().map(beginning).collect();
        vec![format!("for {}", recipients.join(", "))]
    }

    fn accepts(&self, value: &Secret) -> Result<(), String> {
        match value.len() > LARGEST {
            true => Err(format!(
                "A recovery copy holds at most {LARGEST} bytes; this value has {}.",
                value.len()
            )),
            false => Ok(()),
        }
    }

    fn connect(&self, link: &Link<'_>) -> Result<Box<dyn Target>, Diagnostic> {
        Ok(Box::new(AgeFile {
            copy: Copy::new(self.path.clone(), link),
            recipients: self.recipients.clone(),
        }))
    }
}

/// A file that can be looked at and deleted.
struct Copy {
    path: String,
    file: PrivateFile,
}

/// The same with those who can read it.
struct AgeFile {
    copy: Copy,
    recipients: Vec<Recipient>,
}

/// The revision of a file: of what is encrypted, which tells nothing of the value.
fn revision(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Copy {
    fn new(path: String, link: &Link<'_>) -> Self {
        let file = PrivateFile::at(PathBuf::from(&path), link.clock());
        Self { path, file }
    }

    fn operation(&self, verb: &str) -> String {
        format!("{verb} {}", self.path)
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
}

#[async_trait]
impl Slot for Copy {
    async fn inspect(&self) -> Result<Option<Entry>, CallError> {
        self.inspect_directly().await
    }

    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError> {
        let content = self.file.read().await;
        let content = content.map_err(|problem| self.failed("reading", &problem))?;
        Ok(content.map(|Content { text, modified_at, .. }| Entry {
            revision: Some(revision(&text)),
            kind: RevisionKind::Digest,
            label: None,
            modified_at,
            live: None,
            detail: None,
            is_unreadable: false,
            exposed: None,
        }))
    }

    async fn remove(&self, permit: &WritePermit) -> Result<(), CallError> {
        let failed = |problem: FileProblem| self.failed("deleting", &problem);
        if self.file.read().await.map_err(failed)?.is_none() {
            return Ok(());
        }
        let locked = self.file.lock().await.map_err(failed)?;
        locked.delete(permit).await.map_err(failed)
    }
}

#[async_trait]
impl Target for AgeFile {
    fn slot(&self) -> &dyn Slot {
        &self.copy
    }

    fn into_slot(self: Box<Self>) -> Box<dyn Slot> {
        Box::new(self.copy)
    }

    async fn check_writable(&self) -> Result<(), CallError> {
        match self.copy.file.obstacle().await {
            Some(why) => Err(CallError::refused(HERE, self.copy.operation("writing"), &why)),
            None => Ok(()),
        }
    }

    async fn deliver(&self, deliveries: &[Delivery<'_>], permit: &WritePermit) -> Result<Vec<Receipt>, CallError> {
        const VERB: &str = "writing";
        let failed = |problem: FileProblem| self.copy.failed(VERB, &problem);
        let mut receipts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let encrypted = age::encrypt(delivery.value, &self.recipients);
            let encrypted =
                encrypted.map_err(|error| CallError::refused(HERE, self.copy.operation(VERB), &error.to_string()))?;
            let revision = revision(&encrypted);
            let locked = self.copy.file.lock().await.map_err(failed)?;
            let written = locked.replace(Zeroizing::new(encrypted), Some(MODE), permit).await;
            written.map_err(failed)?;
            // By the clock of the file, by which another write is later.
            let seen = locked.read().await.ok().flatten();
            receipts.push(Receipt {
                revision: Some(revision),
                written_at: seen.and_then(|content| content.modified_at),
            });
        }
        Ok(receipts)
    }

    /// Nothing to do: a copy has no consumers.
    async fn activate(&self, _: Option<&str>, _: &Stop, _: &WritePermit) -> Result<Activated, CallError> {
        Ok(Activated::Live)
    }

    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        Ok(None)
    }
}
