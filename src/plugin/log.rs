//! The log: one JSON object a line on standard error, as hclog writes it and Terraform reads it.
//!
//! Only this crate's own records are written: libraries log whole requests at their finest level. Texts are redacted,
//! lines capped below the 64 KiB at which go-plugin splits them. `@timestamp` has exactly six digits of fraction,
//! or Terraform takes the line for plain text (go-plugin `log_entry.go`).

use std::fmt;
use std::io::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::clock::Clock;
use crate::environment::Environment;
use crate::secret::shown;

/// Longest text of one field, in bytes.
const LONGEST: usize = 8 * 1024;

/// Starts logging at the level that the user asked Terraform for. A second start changes nothing.
pub(super) fn install(provider: &str, environment: &Environment) {
    let ours = env!("CARGO_CRATE_NAME");
    let filter = Targets::new().with_target(ours, level(provider, environment));
    let installed = tracing_subscriber::registry()
        .with(Hclog.with_filter(filter))
        .try_init();
    if installed.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// `TF_LOG_PROVIDER_<NAME>`, else `TF_LOG_PROVIDER`, else `TF_LOG`, in Terraform's words; unset means that nobody reads the log.
fn level(provider: &str, environment: &Environment) -> LevelFilter {
    let name = provider.strip_prefix("terraform-provider-").unwrap_or(provider);
    let own = format!("TF_LOG_PROVIDER_{}", name.to_ascii_uppercase().replace('-', "_"));
    let Some(word) = environment.first(&[&own, "TF_LOG_PROVIDER", "TF_LOG"]) else {
        return LevelFilter::OFF;
    };
    match word.to_ascii_uppercase().as_str() {
        "OFF" => LevelFilter::OFF,
        "ERROR" => LevelFilter::ERROR,
        "WARN" => LevelFilter::WARN,
        "INFO" => LevelFilter::INFO,
        "DEBUG" => LevelFilter::DEBUG,
        // TRACE, JSON, and what Terraform does not know, which it treats as TRACE.
        _ => LevelFilter::TRACE,
    }
}

struct Hclog;

impl<S: Subscriber> Layer<S> for Hclog {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let line = line(event, Clock::default().real_now());
        // A log that cannot be written has no other reader.
        drop(std::io::stderr().write_all(line.as_bytes()));
    }
}

fn line(event: &Event<'_>, now: Timestamp) -> String {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let metadata = event.metadata();
    let mut record = fields.rest;
    record.insert("@level".into(), word(*metadata.level()).into());
    record.insert("@message".into(), fields.message.into());
    record.insert("@module".into(), metadata.target().into());
    record.insert("@timestamp".into(), format!("{now:.6}").into());
    format!("{}\n", Json::Object(record))
}

fn word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    rest: Map<String, Json>,
}

impl Fields {
    fn text(&mut self, field: &Field, text: &str) {
        let mut text = shown(text);
        text.truncate(text.floor_char_boundary(LONGEST));
        if field.name() == "message" {
            self.message = text;
        } else {
            self.rest.insert(field.name().to_owned(), text.into());
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }
}
