//! Work that is repeated for one generation counts: "again, 2nd time". What an apply did not come to does not.

use std::collections::BTreeSet;

use crate::rotation::Task;

/// A line of `steps`, and the work that it stands for; `None` where that is done before the run, or is no work.
#[derive(Debug)]
pub(in crate::provider::secret) struct Line {
    /// The work.
    pub task: Option<Task>,
    /// The text, without how often it has been said.
    pub text: String,
}

impl Line {
    /// Of a piece of work.
    pub(super) fn of(task: Task, text: String) -> Self {
        Self { task: Some(task), text }
    }

    /// Of anything else.
    pub(super) fn without_task(text: String) -> Self {
        Self { task: None, text }
    }
}

/// The line, with how often it has been said, where the last apply had the same.
pub(super) fn again(line: String, before: &[String]) -> String {
    let said = before.iter().filter_map(|old| times(&line, old));
    match said.max() {
        Some(times) => nth(&line, times + 1),
        None => line,
    }
}

/// What is on record of `planned` after a run that failed: the lines of what it began. Of the others, those before it keep what they counted.
pub(in crate::provider::secret) fn begun(
    planned: Vec<String>,
    lines: &[Line],
    begun: &BTreeSet<Task>,
    before: &[String],
) -> Vec<String> {
    let is_of = |known: &Line, line: &String| times(&known.text, line).is_some();
    let recorded = planned.into_iter().filter_map(|line| {
        let mut of_it = lines.iter().filter(|known| is_of(known, &line)).peekable();
        let Some(first) = of_it.peek().map(|known| known.text.clone()) else {
            return Some(line);
        };
        if of_it.any(|known| known.task.as_ref().is_none_or(|task| begun.contains(task))) {
            return Some(line);
        }
        before.iter().find(|old| times(&first, old).is_some()).cloned()
    });
    recorded.collect()
}

/// How often `old` says that `line` has been said; `None` where it is another line.
fn times(line: &str, old: &str) -> Option<u64> {
    let rest = old.strip_prefix(line)?;
    if rest.is_empty() {
        return Some(1);
    }
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    let number: u64 = digits.parse().ok()?;
    (old == nth(line, number)).then_some(number)
}

fn nth(line: &str, number: u64) -> String {
    format!("{line}, again, {} time", ordinal(number))
}

fn ordinal(number: u64) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_line_counts() {
        let line = || "wave 1: set X of generation 2".to_owned();
        let first = again(line(), &[]);
        assert_eq!(first, line());
        let second = again(line(), &[first]);
        assert_eq!(second, "wave 1: set X of generation 2, again, 2nd time");
        let third = again(line(), &[second]);
        assert_eq!(third, "wave 1: set X of generation 2, again, 3rd time");
        assert_eq!(ordinal(11), "11th");
        assert_eq!(ordinal(22), "22nd");
        // The generation is part of the line: 2 is not the beginning of 21.
        assert_eq!(again(line(), &["wave 1: set X of generation 21".to_owned()]), line());
    }

    #[test]
    fn what_a_failed_run_did_not_come_to_does_not_count() {
        let lines = [
            Line::of(
                Task::Activation(1, "a".to_owned()),
                "activate generation 1 by a".to_owned(),
            ),
            Line::of(Task::Mint(2), "mint generation 2".to_owned()),
            Line::of(
                Task::Activation(2, "b".to_owned()),
                "activate generation 2 by b".to_owned(),
            ),
            Line::without_task("leave generation 1 in place".to_owned()),
        ];
        let before = ["activate generation 1 by a", "activate generation 2 by b"].map(str::to_owned);
        let planned: Vec<String> = lines.iter().map(|line| again(line.text.clone(), &before)).collect();
        let done = [Task::Activation(1, "a".to_owned())].into();
        let recorded = begun(planned, &lines, &done, &before);
        assert_eq!(
            recorded,
            [
                "activate generation 1 by a, again, 2nd time",
                "activate generation 2 by b",
                "leave generation 1 in place"
            ]
        );
        let next: Vec<String> = lines.iter().map(|line| again(line.text.clone(), &recorded)).collect();
        assert_eq!(
            next,
            [
                "activate generation 1 by a, again, 3rd time",
                "mint generation 2",
                "activate generation 2 by b, again, 2nd time",
                "leave generation 1 in place, again, 2nd time"
            ]
        );
    }
}
