//! What is said about a panic. Terraform shows standard error only from a line on that begins with `panic: `.

use std::any::Any;
use std::io::Write as _;
use std::panic::PanicHookInfo;

use crate::secret::redact;

/// Longest panic message shown, in characters.
const LONGEST: usize = 4_000;

/// Makes every panic print `panic: <message>` and its place on standard error, redacted, in the form that Terraform looks for.
pub(super) fn install_hook() {
    std::panic::set_hook(Box::new(report));
}

/// The text of a panic, when it has one.
pub(super) fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

fn report(info: &PanicHookInfo<'_>) {
    let text = info.payload_as_str().unwrap_or("a panic without a message");
    let text: String = redact(text).chars().take(LONGEST).collect();
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let report = format!("panic: {}\n\n  at {place}\n", text.replace('\n', "\n  "));
    // A report that cannot be written has no other reader.
    drop(std::io::stderr().write_all(report.as_bytes()));
}
