//! Everything that the sandbox knows: the vendors, the call log, planted faults, settings.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::call::{Call, Reply};
use crate::fault::Fault;
use crate::hold::Holds;
use crate::timeline::Timeline;
use crate::vendors::{Vendor, Vendors};
use crate::{aws, clock, graphql};

/// The whole state.
pub(crate) struct World {
    pub vendors: Vendors,
    pub faults: Vec<Fault>,
    pub settings: Settings,
    pub holds: Holds,
    pub timeline: Timeline,
    /// Told when this world is to end.
    pub end: Arc<Notify>,
    calls: Vec<Value>,
    count: u64,
}

/// What can be switched.
#[derive(Default, Clone)]
pub(crate) struct Settings {
    /// Error bodies and a header echo the request: vendors do.
    pub echo: bool,
    /// How long lists lag behind writes, in milliseconds.
    pub list_lag_ms: i64,
    /// How far the vendors' clocks are ahead, in milliseconds, by their `Date` headers.
    pub clock_ahead_ms: i64,
    /// How long every answer takes, in milliseconds.
    pub latency_ms: u64,
    /// The timeline has the whole truth after every change, which is too much for a large world.
    pub keeps_no_timeline: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(Vendors::seeded(), Settings::default())
    }

    /// Another world in which everything is as it is here, that goes its own way from now on: without calls, faults and past.
    pub(crate) fn fork(&self) -> Self {
        Self::of(self.vendors.clone(), self.settings.clone())
    }

    fn of(vendors: Vendors, settings: Settings) -> Self {
        let mut world = Self {
            vendors,
            faults: Vec::new(),
            settings,
            holds: Holds::default(),
            timeline: Timeline::default(),
            end: Arc::new(Notify::new()),
            calls: Vec::new(),
            count: 0,
        };
        world.timeline = Timeline::begun(world.truth());
        world
    }

    /// The vendor's answer; changes the world. `line` is `METHOD /path operation`, for the timeline.
    pub(crate) fn answer(&mut self, vendor: Vendor, call: &Call, line: &str) -> Reply {
        let reply = self.dated(vendor, call);
        if reply.waits.is_none() && !self.settings.keeps_no_timeline {
            self.timeline.add(line, reply.status, self.truth());
        }
        reply
    }

    /// The answer; by a clock that is ahead, where that is set.
    fn dated(&mut self, vendor: Vendor, call: &Call) -> Reply {
        let ahead = self.settings.clock_ahead_ms;
        let mut reply = self.vendors.answer(vendor, call, self.settings.list_lag_ms);
        if ahead != 0 {
            let at = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(ahead);
            reply.headers.retain(|(name, _)| *name != "date");
            reply = reply.with("date", at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
        }
        reply
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

    /// The timeline begins anew, with the truth as it is.
    pub(crate) fn forget_past(&mut self) {
        self.timeline = Timeline::begun(self.truth());
    }

    /// The truth about everything, values included, and the call log.
    pub(crate) fn state(&self) -> Value {
        let mut state = self.truth();
        state["calls"] = json!(self.calls);
        state
    }

    /// The truth about everything, values included.
    pub(crate) fn truth(&self) -> Value {
        self.vendors.truth()
    }
}

/// What a call does, for the log and for faults: the GraphQL field, the AWS target.
pub(crate) fn operation(vendor: Vendor, call: &Call) -> String {
    match vendor {
        Vendor::Aws => aws::operation(call),
        Vendor::Fly | Vendor::Railway if call.path.ends_with("/graphql") => {
            graphql::root_field(call.text("query").unwrap_or_default())
        }
        _ => String::new(),
    }
}
