//! The targets `file` and `age_file` on a real file system, judged by those who read such files: `sh`, Python's dotenv, and age.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "contract_file/age_file.rs"]
mod age_file;
#[path = "contract_file/file.rs"]
mod file;
#[expect(dead_code, reason = "other suites need more of it")]
#[path = "support/vendor.rs"]
mod vendor;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rotation_provider::address::Address;
use rotation_provider::call::{CallError, WritePermit};
use rotation_provider::clock::Clock;
use rotation_provider::label::Label;
use rotation_provider::rotation::{DeliveryRecord, DeliveryStatus, Verdict, judge};
use rotation_provider::secret::Secret;
use rotation_provider::target::{self, Delivery, Receipt, Slot, Target, TargetConfig, TargetKind};
use rotation_provider::terraform::{Diagnostics, Node, Origin, Value};

const ID: &str = "0123456789abcdef0123456789abcdef";
const VALUE: &str = "canary-6f1d0c2b9a7e4835-canary";

fn permit() -> WritePermit {
    WritePermit::granted_by_apply()
}

fn label(generation: u64) -> Label {
    Label::new("suite", ID, generation)
}

struct Entry {
    kind: &'static TargetKind,
    config: Box<dyn TargetConfig>,
    address: Address,
    target: Box<dyn Target>,
}

impl Entry {
    fn of(kind: &'static TargetKind, arguments: &Value) -> Self {
        let mut problems = Diagnostics::new();
        let config = (kind.parse)(
            &Node::root(arguments, Origin::Configuration),
            Some("KEY"),
            &mut problems,
        );
        let config = config.unwrap_or_else(|| panic!("{problems:?}"));
        let connections = vendor::connections_of(&Value::object([]), &[], Clock::default());
        Self {
            kind,
            address: config.slot(&connections.own()).unwrap(),
            target: config.connect(&connections.own()).unwrap(),
            config,
        }
    }

    async fn deliver(&self, value: &str, generation: u64) -> Result<Receipt, CallError> {
        let (value, label) = (Secret::new(value.to_owned()), label(generation));
        let delivery = delivery(&self.address, &value, &label);
        let receipts = self.target.deliver(&[delivery], &permit()).await?;
        Ok(receipts[0].clone())
    }

    fn record(&self, receipt: &Receipt, generation: u64) -> DeliveryRecord {
        DeliveryRecord {
            generation: Some(generation),
            status: DeliveryStatus::Current,
            revision: receipt.revision.clone(),
            delivered_at: Some(receipt.written_at.unwrap_or_else(|| Clock::default().now())),
            ..DeliveryRecord::new(self.address.to_string())
        }
    }

    /// Whose the entry is, as a run sees it that has the address alone.
    async fn whose(&self, record: &DeliveryRecord) -> Verdict {
        let seen = target::confirmed(self.at_address().as_ref(), record.revision.as_deref()).await;
        judge(record, seen.unwrap().as_ref(), ID)
    }

    fn at_address(&self) -> Box<dyn Slot> {
        let connections = vendor::connections_of(&Value::object([]), &[], Clock::default());
        let stored: Address = self.address.to_string().parse().unwrap();
        (self.kind.slot)(&stored, &connections.own()).unwrap()
    }

    /// Why it cannot be written, before and at the write alike.
    async fn refusal(&self) -> String {
        let before = self.target.check_writable().await.unwrap_err();
        let error = self.deliver(VALUE, 1).await.unwrap_err();
        assert_eq!(error.effect, rotation_provider::call::Effect::None);
        assert_eq!(before.message, error.message);
        error.message
    }
}

fn delivery<'a>(slot: &Address, value: &'a Secret, label: &'a Label) -> Delivery<'a> {
    Delivery {
        slot: slot.clone(),
        value,
        label,
        content: None,
        origin: "9f3ac01b",
        generated: true,
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What a script of the tests' Python prints.
fn python(script: &str, arguments: &[&str]) -> String {
    let python = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    let mut command = Command::new(python);
    let output = command
        .args(["-c", script])
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let output = output.expect("the tests' Python is missing: run `make tools`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
