//! Faults that a test or a user plants: the k-th matching call from now on ends in a chosen way.

use serde_json::Value;

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
}

impl Kind {
    pub(crate) const ALL: [(&'static str, Self); 14] = [
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
        let name = body.get("kind").and_then(Value::as_str).unwrap_or_default();
        let names: Vec<&str> = Kind::ALL.iter().map(|(name, _)| *name).collect();
        let kind = Kind::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| format!("kind must be one of {}", names.join(", ")))?;
        let number = |name: &str| body.get(name).and_then(Value::as_u64);
        let times = match (number("times"), kind) {
            (Some(times), _) => times,
            (None, Kind::Unauthorized) => u64::MAX,
            (None, _) => 1,
        };
        let pattern = body.get("match").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self {
            pattern,
            nth: number("nth").unwrap_or(1).max(1),
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
