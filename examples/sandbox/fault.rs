//! Faults that a test or a user plants: the k-th matching call from now on ends in a chosen way.

use serde_json::Value;

use crate::fields::Fields;

/// How a call goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Refuse,
    DropAfter,
    ErrorBefore,
    ErrorAfter,
    RateLimit,
    SecondaryLimit,
    Hang,
    HoldBefore,
    HoldAfter,
    Garbage,
    Truncate,
    Unauthorized,
    Forbidden,
    NotFound,
    Invalid,
}

impl Kind {
    pub(crate) const ALL: [(&'static str, Self); 15] = [
        ("refuse", Self::Refuse),
        ("drop_after", Self::DropAfter),
        ("error_before", Self::ErrorBefore),
        ("error_after", Self::ErrorAfter),
        ("rate_limit", Self::RateLimit),
        ("secondary_limit", Self::SecondaryLimit),
        ("hang", Self::Hang),
        ("hold_before", Self::HoldBefore),
        ("hold_after", Self::HoldAfter),
        ("garbage", Self::Garbage),
        ("truncate", Self::Truncate),
        ("unauthorized", Self::Unauthorized),
        ("forbidden", Self::Forbidden),
        ("not_found", Self::NotFound),
        ("invalid", Self::Invalid),
    ];

    /// Whether the vendor acts on the call nevertheless.
    pub(crate) fn has_effect(self) -> bool {
        matches!(
            self,
            Self::DropAfter | Self::ErrorAfter | Self::HoldBefore | Self::HoldAfter | Self::Garbage | Self::Truncate
        )
    }
}

/// A planted fault.
pub(crate) struct Fault {
    pattern: String,
    nth: u64,
    times: u64,
    seen: u64,
    kind: Kind,
}

impl Fault {
    pub(crate) fn from_json(body: &Value) -> Result<Self, String> {
        let fields = Fields::of(body, "", &["match", "nth", "kind", "times"])?;
        let names = Kind::ALL.map(|(name, _)| name);
        let name = fields.word("kind", &names)?;
        let kind = Kind::ALL.iter().find(|(known, _)| Some(*known) == name);
        let kind = kind.map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| format!("kind is missing: one of {}", names.join(", ")))?;
        let pattern = fields.text("match")?;
        let times = match (fields.number("times", 1)?, kind) {
            (Some(times), _) => times,
            (None, Kind::Unauthorized) => u64::MAX,
            (None, _) => 1,
        };
        Ok(Self {
            pattern: pattern
                .ok_or("match is missing: a part of METHOD /path operation")?
                .to_owned(),
            nth: fields.number("nth", 1)?.unwrap_or(1),
            times,
            seen: 0,
            kind,
        })
    }
}

/// The first planted fault that this call meets; `line` is `METHOD /path operation`.
pub(crate) fn strike(faults: &mut [Fault], line: &str) -> Option<Kind> {
    let mut struck = None;
    for fault in faults.iter_mut().filter(|fault| line.contains(&fault.pattern)) {
        fault.seen += 1;
        let last = fault.nth.saturating_add(fault.times);
        if struck.is_none() && fault.seen >= fault.nth && fault.seen < last {
            struck = Some(fault.kind);
        }
    }
    struck
}
