//! Plays the cases of a kind side by side, each in a world of its own, and tells which ran, which the declaration leaves out, and
//! which failed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::pin::Pin;

use crate::world::{Origin, World};

/// One case of a kind; `B` is what it works with.
pub(crate) struct Case<B> {
    pub(crate) name: &'static str,
    /// What the kind's declaration says that leaves the case out; nothing: it is played.
    pub(crate) left_out: fn(&B) -> Option<&'static str>,
    pub(crate) run: for<'a> fn(&'a B) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
}

/// The redaction knows the values of the whole process, so cases whose texts are looked at are played alone, and first. So is the one
/// with a value of 10 MB, which every text of the others would be searched for.
pub(crate) const ALONE: [&str; 5] = [
    "a_value_beyond_the_limit_is_refused_without_a_call",
    "requests_are_as_reviewed",
    "refusals_are_told_in_words",
    "no_error_shows_the_value_or_the_credential_of_this_run",
    "no_error_shows_a_new_value_or_the_credential_of_this_run",
];

/// A table of cases: the functions of these names, each with the condition under which the declaration leaves it out.
#[macro_export]
macro_rules! cases {
    ($bench:ty; $($path:ident :: $name:ident $(unless $left_out:expr)?),* $(,)?) => {
        pub(crate) static CASES: &[$crate::play::Case<$bench>] = &[$($crate::play::Case {
            name: stringify!($name),
            left_out: |_bench: &$bench| { None$(.or_else(|| ($left_out)(_bench)))? },
            run: |bench| Box::pin($path::$name(bench)),
        }),*];
    };
}

/// Plays every case that is not left out; panics with all failures.
pub(crate) async fn play<B, F>(kind: &str, cases: &'static [Case<B>], origin: Option<Origin>, bench: F)
where
    B: Send + Sync + 'static,
    F: Fn(Option<World>) -> B,
{
    let mut played = Vec::new();
    let mut row = String::new();
    let mut failed = BTreeMap::new();
    let (alone, together): (Vec<&'static Case<B>>, Vec<&'static Case<B>>) =
        cases.iter().partition(|case| ALONE.contains(&case.name));
    let mut count = 0;
    for case in alone.into_iter().chain(together) {
        let world = match &origin {
            Some(origin) => Some(World::of(origin, case.name).await),
            None => None,
        };
        let bench = bench(world);
        if let Some(why) = (case.left_out)(&bench) {
            writeln!(row, "  left out: {} ({why})", case.name).unwrap();
            continue;
        }
        count += 1;
        let task = tokio::spawn(async move {
            let begun = std::time::Instant::now();
            (case.run)(&bench).await;
            println!("  {:5.1} s  {}", begun.elapsed().as_secs_f64(), case.name);
        });
        if ALONE.contains(&case.name) {
            failed.extend(failure(task).await.map(|text| (case.name, text)));
        } else {
            played.push((case.name, task));
        }
    }
    for (name, task) in played {
        failed.extend(failure(task).await.map(|text| (name, text)));
    }
    println!("{kind}: {count} cases played, {} failed\n{row}", failed.len());
    let told: String = failed
        .iter()
        .map(|(name, text)| format!("\n\n{kind} fails {name}:\n{text}"))
        .collect();
    assert!(failed.is_empty(), "{told}");
}

/// What a case panicked with.
async fn failure(task: tokio::task::JoinHandle<()>) -> Option<String> {
    let panic = task.await.err()?.into_panic();
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    Some(text.unwrap_or_default())
}
