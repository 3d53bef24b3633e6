//! What GitHub counts: calls an hour, and, where it is told to, writes within shorter spans (secondary limits). An answer that the client
//! has already, by its entity tag, is not counted (docs.github.com, "Best practices for using the REST API", conditional requests).

use std::collections::VecDeque;

use aws_lc_rs::digest;
use serde_json::Value;

use crate::call::{Call, Reply};
use crate::fields::Fields;

/// At most so many writes in any span of so many milliseconds.
#[derive(Clone)]
struct Span {
    writes: usize,
    within: i64,
    counted: VecDeque<i64>,
}

/// The secondary limits; none until some are set.
#[derive(Clone, Default)]
pub(super) struct Secondary {
    spans: Vec<Span>,
    refusals: u64,
}

impl Secondary {
    pub(super) fn of(fields: &Fields<'_>) -> Result<Option<Self>, String> {
        let mut spans = Vec::new();
        for (path, span) in fields.list("write_limits")? {
            let span = Fields::of(span, &path, &["writes", "within_ms"])?;
            let writes = span.number("writes", 1)?.ok_or("writes is missing")?;
            spans.push(Span {
                writes: usize::try_from(writes).map_err(|error| error.to_string())?,
                within: span.span("within_ms")?.ok_or("within_ms is missing")?,
                counted: VecDeque::new(),
            });
        }
        Ok((!spans.is_empty()).then_some(Self { spans, refusals: 0 }))
    }

    /// How many milliseconds a write at this moment comes too early, unless it is counted.
    pub(super) fn refuses(&mut self, call: &Call, now: i64) -> Option<i64> {
        if call.method == "GET" {
            return None;
        }
        let mut early = None;
        for span in &mut self.spans {
            while span.counted.front().is_some_and(|at| at + span.within <= now) {
                span.counted.pop_front();
            }
            if span.counted.len() >= span.writes {
                early = early.max(span.counted.front().map(|at| at + span.within - now));
            }
        }
        match early {
            Some(_) => self.refusals += 1,
            None => self.spans.iter_mut().for_each(|span| span.counted.push_back(now)),
        }
        early
    }

    pub(super) fn refusals(&self) -> u64 {
        self.refusals
    }
}

/// The same answer with its entity tag, or none where the client has it.
pub(super) fn tagged(call: &Call, reply: Reply) -> Reply {
    let body = reply
        .body
        .as_ref()
        .filter(|_| call.method == "GET" && reply.status == 200);
    let Some(tag) = body.map(entity_tag) else {
        return reply;
    };
    match call.header("if-none-match") == tag {
        true => Reply::empty(304).with("etag", tag),
        false => reply.with("etag", tag),
    }
}

/// A weak one, as GitHub's are: by the content.
fn entity_tag(body: &Value) -> String {
    let digest = digest::digest(&digest::SHA256, body.to_string().as_bytes());
    let digits: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{digits}\"")
}
