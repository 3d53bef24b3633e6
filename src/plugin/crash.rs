//! What is said about a panic. Terraform shows standard error only from a line on that begins with `panic: `.
//!
//! A message that was put together at run time may hold any text in reach (a failed slice quotes the whole string), and
//! nothing knows which of them are secret; so only messages that stand in the source are shown, and the place in any case.

use std::cell::RefCell;
use std::io::Write as _;
use std::panic::PanicHookInfo;

/// Stands for a message that was put together at run time.
const WITHHELD: &str = "a panic whose message is not shown, because it may hold a value";

thread_local! {
    /// The text of this thread's last panic.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes every panic print `panic: <message>` and its place on standard error, in the form that Terraform looks for, and no
/// backtrace.
pub(super) fn install_hook() {
    std::panic::set_hook(Box::new(report));
}

/// The text of the panic that this thread has just caught, with its place.
pub(super) fn caught() -> String {
    LAST.take().unwrap_or_else(|| WITHHELD.to_owned())
}

fn report(info: &PanicHookInfo<'_>) {
    // Only a literal message is a `&'static str`; a formatted one is a `String`.
    let text = info
        .payload()
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or(WITHHELD);
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let report = format!("panic: {}\n\n  at {place}\n", text.replace('\n', "\n  "));
    // A report that cannot be written has no other reader.
    drop(std::io::stderr().write_all(report.as_bytes()));
    LAST.set(Some(format!("{text} (at {place})")));
}
