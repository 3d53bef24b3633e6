//! One parameter as a slot and as a target.
//!
//! Parameter Store answers DescribeParameters from a copy that lags behind: what was just written may be missing or old
//! there for a moment. So a delivery waits until its version is listed, and "missing" is confirmed by GetParameter.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::mark;
use super::{Settings, TYPES};
use crate::call::{CallError, CallErrorKind, Effect, WritePermit};
use crate::connection::aws::{Aws, Metadata, Put, Ssm};
use crate::rotation::{Entry, RevisionKind};
use crate::stop::Stop;
use crate::target::mark::Mark;
use crate::target::{Activated, Delivery, Escrowed, Receipt, Slot, Target};

/// Pauses between looks at a listing that lags behind; about six seconds altogether.
const LAG: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1600),
    Duration::from_millis(3200),
];

/// Writes of one delivery, while others write as well.
const WRITES: usize = 4;

/// A parameter by its name, as a ledger's address gives it.
pub(super) struct ParameterSlot {
    pub(super) aws: Aws,
    pub(super) name: String,
}

/// A parameter with the configuration that writes it.
pub(super) struct ParameterTarget {
    pub(super) slot: ParameterSlot,
    pub(super) settings: Settings,
    /// The last delivery created the parameter, and its tags with it.
    pub(super) created_with_tags: AtomicBool,
}

#[async_trait]
impl Slot for ParameterSlot {
    async fn inspect(&self) -> Result<Option<Entry>, CallError> {
        let found = self.aws.ssm().await?.describe(&self.name).await?;
        Ok(found.as_ref().map(entry))
    }

    async fn inspect_directly(&self) -> Result<Option<Entry>, CallError> {
        self.look(0).await
    }

    async fn inspect_since(&self, recorded: &str) -> Result<Option<Entry>, CallError> {
        self.look(recorded.parse().unwrap_or(0)).await
    }

    async fn remove(&self, permit: &WritePermit) -> Result<(), CallError> {
        self.aws.ssm().await?.delete(&self.name, permit).await
    }
}

impl ParameterSlot {
    /// What stands there: the listing's word for it, once the listing shows that version, or as much as the parameter itself
    /// confirms (a deleted parameter begins again at version one).
    async fn look(&self, since: i64) -> Result<Option<Entry>, CallError> {
        let ssm = self.aws.ssm().await?;
        let mut stored = 0;
        for pause in LAG {
            let listed = ssm.describe_alone(&self.name).await?;
            if let Some(found) = listed.as_ref().filter(|found| found.version >= since) {
                return Ok(Some(entry(found)));
            }
            match ssm.version(&self.name).await? {
                None => return Ok(None),
                Some(version) => stored = version,
            }
            if let Some(found) = listed.filter(|found| found.version == stored) {
                return Ok(Some(entry(&found)));
            }
            // The listing would add the mark. Of our own write that is known; without it, nothing tells whose the entry is.
            if since > 0 && stored == since {
                break;
            }
            ssm.clock().sleep(pause).await;
        }
        Ok(Some(Entry {
            revision: Some(stored.to_string()),
            kind: RevisionKind::Version,
            label: None,
            modified_at: None,
            live: None,
            detail: Some("exists, but AWS does not list its metadata yet".to_owned()),
            is_unreadable: false,
            exposed: None,
        }))
    }
}

#[async_trait]
impl Target for ParameterTarget {
    fn slot(&self) -> &dyn Slot {
        &self.slot
    }

    fn into_slot(self: Box<Self>) -> Box<dyn Slot> {
        Box::new(self.slot)
    }

    async fn check_writable(&self) -> Result<(), CallError> {
        let listed = self.slot.aws.ssm().await?.describe(&self.slot.name).await?;
        let refusal = listed.as_ref().and_then(|listed| self.cannot_become(listed));
        refusal.map_or(Ok(()), |why| Err(self.refused("preparing to write", &why)))
    }

    async fn deliver(&self, deliveries: &[Delivery<'_>], permit: &WritePermit) -> Result<Vec<Receipt>, CallError> {
        let ssm = self.slot.aws.ssm().await?;
        let mut receipts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let version = self.put(ssm, delivery, permit).await?;
            receipts.push(Receipt {
                revision: Some(version.to_string()),
                written_at: self.wait_until_listed(ssm, version).await,
            });
        }
        Ok(receipts)
    }

    /// Sets the tags. The value needs nothing: consumers read it when they start.
    async fn activate(&self, _: Option<&str>, _: &Stop, permit: &WritePermit) -> Result<Activated, CallError> {
        let tags = &self.settings.tags;
        if !tags.is_empty() && !self.created_with_tags.load(Ordering::SeqCst) {
            self.slot.aws.ssm().await?.tag(&self.slot.name, tags, permit).await?;
        }
        Ok(Activated::Live)
    }

    async fn read(&self) -> Result<Option<Escrowed>, CallError> {
        let ssm = self.slot.aws.ssm().await?;
        let name = &self.slot.name;
        for pause in LAG {
            let listed = ssm.describe_alone(name).await?;
            let mark = listed
                .as_ref()
                .and_then(|found| mark::read(found.description.as_deref(), found.version));
            match (listed, mark) {
                (None, _) if ssm.version(name).await?.is_none() => return Ok(None),
                (Some(_), None) => return Ok(None),
                (Some(listed), Some(mark)) => match ssm.read(name).await? {
                    None => return Ok(None),
                    // Only then does the mark belong to this value.
                    Some(stored) if stored.version == listed.version => {
                        return Ok(Some(Escrowed {
                            label: mark.label,
                            content: mark.content,
                            origin: mark.origin,
                            revision: stored.version.to_string(),
                            value: stored.value,
                        }));
                    }
                    Some(_) => {}
                },
                (None, _) => {}
            }
            ssm.clock().sleep(pause).await;
        }
        let message = "its value and its description are of different versions. Somebody is writing it, or AWS lists it late. \
                       Nothing was changed; apply again";
        Err(CallError::new(
            CallErrorKind::Conflict,
            Effect::None,
            "AWS SSM",
            format!("reading parameter {name:?}"),
            None,
            message,
        ))
    }

    async fn read_older(&self, id: &str, before: u64) -> Result<Option<Escrowed>, CallError> {
        let versions = self.slot.aws.ssm().await?.history(&self.slot.name).await?;
        let marked = versions.into_iter().filter_map(|past| {
            let Mark { label, content, origin } = mark::read(past.description.as_deref(), past.version)?;
            let older = label.belongs_to(id) && label.generation < before;
            older.then(|| Escrowed {
                label,
                content,
                origin,
                revision: past.version.to_string(),
                value: past.value,
            })
        });
        // Of several writes of one generation the last one counts.
        Ok(marked.max_by_key(|found| found.label.generation))
    }
}

impl ParameterTarget {
    /// Writes value and mark in one call. The version is that of the value.
    async fn put(&self, ssm: &Ssm, delivery: &Delivery<'_>, permit: &WritePermit) -> Result<i64, CallError> {
        self.created_with_tags.store(false, Ordering::SeqCst);
        let listed = ssm.describe(&self.slot.name).await?;
        // AWS refuses it as well, but only once a value is on its way.
        if let Some(why) = listed.as_ref().and_then(|listed| self.cannot_become(listed)) {
            return Err(self.refused("writing", &why));
        }
        let mut latest = listed.as_ref().map_or(0, |listed| listed.version);
        // Tags in the creating call satisfy policies that demand them there (`aws:RequestTag`).
        if listed.is_none() && !self.settings.tags.is_empty() {
            match self.write(ssm, delivery, 1, true, permit).await {
                // Somebody was faster.
                Err(error) if error.kind == CallErrorKind::Conflict => {}
                Err(error) => return Err(error),
                Ok(version) => {
                    self.created_with_tags.store(true, Ordering::SeqCst);
                    if version == 1 {
                        return Ok(version);
                    }
                    latest = version;
                }
            }
        }
        self.write_marked(ssm, delivery, latest, permit).await
    }

    /// Writes until the mark names the version that AWS made: it has to be written before that is known, and others may write.
    async fn write_marked(
        &self,
        ssm: &Ssm,
        delivery: &Delivery<'_>,
        mut latest: i64,
        permit: &WritePermit,
    ) -> Result<i64, CallError> {
        for earlier in 0..WRITES {
            let expected = latest.saturating_add(1);
            let written = self.write(ssm, delivery, expected, false, permit).await;
            latest = written.map_err(|error| match earlier {
                0 => error,
                _ => CallError {
                    effect: Effect::Possible,
                    ..error
                },
            })?;
            if latest == expected {
                return Ok(latest);
            }
        }
        let message = "somebody else writes it at the same time. It holds one of the values written; find the other writer, \
                       then apply again";
        Err(CallError::new(
            CallErrorKind::Conflict,
            Effect::Possible,
            "AWS SSM",
            format!("writing parameter {:?}", self.slot.name),
            None,
            message,
        ))
    }

    async fn write(
        &self,
        ssm: &Ssm,
        delivery: &Delivery<'_>,
        expected: i64,
        create: bool,
        permit: &WritePermit,
    ) -> Result<i64, CallError> {
        let settings = &self.settings;
        let mark = Mark::of(delivery);
        let description = mark::write(settings.description.as_deref(), &mark, expected);
        let put = Put {
            name: &self.slot.name,
            value: delivery.value,
            kind: settings.kind,
            key_id: settings.key_id.as_deref(),
            tier: settings.tier,
            description: &description,
            create_with_tags: create.then_some(&settings.tags),
        };
        ssm.put(&put, permit).await
    }

    /// Why a parameter cannot become what is configured.
    fn cannot_become(&self, listed: &Metadata) -> Option<String> {
        let (is, wanted) = (listed.kind.as_str(), self.settings.kind);
        if !is.is_empty() && is != wanted {
            let keep = match TYPES.contains(&is) {
                true => format!("set type = {is:?}, "),
                false => String::new(),
            };
            return Some(format!(
                "it is a {is}, `type` is {wanted:?}, and a parameter cannot change its type: {keep}choose another name, or delete \
                 the parameter"
            ));
        }
        let downgraded = listed.tier == "Advanced" && self.settings.tier == Some("Standard");
        downgraded.then(|| {
            "it is Advanced; AWS does not downgrade: set tier = \"Advanced\" or delete the parameter".to_owned()
        })
    }

    fn refused(&self, doing: &str, why: &str) -> CallError {
        let operation = format!("{doing} parameter {:?}", self.slot.name);
        CallError::new(CallErrorKind::Conflict, Effect::None, "AWS SSM", operation, None, why)
    }

    /// Waits until the listing shows at least this version; when AWS wrote it, if it shows this very one. The write is proved by
    /// its own answer: if the listing stays behind or fails, that is no failure of the delivery.
    async fn wait_until_listed(&self, ssm: &Ssm, version: i64) -> Option<Timestamp> {
        for pause in LAG {
            match ssm.describe(&self.slot.name).await {
                Ok(Some(listed)) if listed.version >= version => {
                    return listed.modified_at.filter(|_| listed.version == version);
                }
                Ok(_) => ssm.clock().sleep(pause).await,
                Err(error) => {
                    tracing::debug!(name = self.slot.name, %error, "written, but not seen in the listing");
                    return None;
                }
            }
        }
        None
    }
}

fn entry(found: &Metadata) -> Entry {
    Entry {
        revision: Some(found.version.to_string()),
        kind: RevisionKind::Version,
        label: mark::read(found.description.as_deref(), found.version).map(|mark| mark.label),
        modified_at: found.modified_at,
        live: None,
        detail: None,
        is_unreadable: false,
        exposed: None,
    }
}
