//! Everything that the sandbox knows: the vendors, the call log, planted faults, settings.

use serde_json::{Value, json};

use crate::call::{Call, Reply, Vendor};
use crate::fault::Fault;
use crate::{aws, clock, fly, github, neon, platform};

/// The whole state.
pub(crate) struct World {
    pub fly: fly::Fly,
    pub github: github::GitHub,
    pub neon: neon::Neon,
    pub aws: aws::Aws,
    pub platform: platform::Platform,
    pub faults: Vec<Fault>,
    pub settings: Settings,
    calls: Vec<Value>,
    count: u64,
}

/// What can be switched.
#[derive(Default)]
pub(crate) struct Settings {
    /// Error bodies and a header echo the request: vendors do.
    pub echo: bool,
    /// How long lists lag behind writes, in milliseconds.
    pub list_lag_ms: i64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            fly: fly::Fly::seeded(),
            github: github::GitHub::seeded(),
            neon: neon::Neon::seeded(),
            aws: aws::Aws::default(),
            platform: platform::Platform::seeded(),
            faults: Vec::new(),
            settings: Settings::default(),
            calls: Vec::new(),
            count: 0,
        }
    }

    /// The vendor's answer; changes the world.
    pub(crate) fn answer(&mut self, vendor: Vendor, call: &Call) -> Reply {
        let lag = self.settings.list_lag_ms;
        match vendor {
            Vendor::Fly => self.fly.answer(call, lag),
            Vendor::GitHub => self.github.answer(call, lag),
            Vendor::Neon => self.neon.answer(call, lag),
            Vendor::Aws => self.aws.answer(call, lag),
            Vendor::Platform => self.platform.answer(call),
        }
    }

    /// Notes a call. `effect` says whether the vendor acted on it.
    pub(crate) fn note(&mut self, vendor: Vendor, call: &Call, operation: &str, status: u16, effect: bool) {
        self.count += 1;
        self.calls.push(json!({
            "n": self.count,
            "vendor": vendor.name(),
            "method": call.method,
            "path": call.path,
            "query": call.search,
            "operation": operation,
            "status": status,
            "effect": effect,
            "at": clock::millis(),
        }));
    }

    pub(crate) fn forget_calls(&mut self) {
        self.calls.clear();
        self.count = 0;
    }

    /// The truth about everything, values included.
    pub(crate) fn state(&self) -> Value {
        json!({
            "fly": self.fly.state(),
            "github": self.github.state(),
            "neon": self.neon.state(),
            "aws": self.aws.state(),
            "platform": self.platform.state(),
            "calls": self.calls,
        })
    }
}

/// What a call does, for the log and for faults: the GraphQL field, the AWS target.
pub(crate) fn operation(vendor: Vendor, call: &Call) -> String {
    match vendor {
        Vendor::Aws => aws::operation(call),
        Vendor::Fly if call.path == "/graphql" => fly::root_field(call),
        _ => String::new(),
    }
}
