//! What is said about a panic. Terraform shows standard error only from a line on that begins with `panic: `.
//!
//! The text is redacted in the hook, while the call's secrets are still alive: after unwinding nobody would know them.

use std::cell::RefCell;
use std::io::Write as _;
use std::panic::PanicHookInfo;

use crate::secret::redact;

/// Longest panic message shown, in characters.
const LONGEST: usize = 4_000;

thread_local! {
    /// The redacted text of this thread's last panic.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes every panic print `panic: <message>` and its place on standard error, redacted, in the form that Terraform looks for.
pub(super) fn install_hook() {
    std::panic::set_hook(Box::new(report));
}

/// The redacted text of the panic that this thread has just caught, with its place.
pub(super) fn caught() -> String {
    LAST.take().unwrap_or_else(|| "a panic without a message".to_owned())
}

fn report(info: &PanicHookInfo<'_>) {
    let text = info.payload_as_str().unwrap_or("a panic without a message");
    let text: String = redact(text).chars().take(LONGEST).collect();
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let report = format!("panic: {}\n\n  at {place}\n", text.replace('\n', "\n  "));
    // A report that cannot be written has no other reader.
    drop(std::io::stderr().write_all(report.as_bytes()));
    LAST.set(Some(format!("{text} (at {place})")));
}
