//! Every message as Terraform prints it, one file for each area: `tests/snapshots/diagnostics_*.snap`.

use super::{
    Activation, Adoption, Apply, Argument, CheckArgument, Configuration, ConnectionProblem, Destroy, Message, Plan,
    Protocol, Refresh, Run, Severity, StateProblem,
};

/// Columns that Terraform wraps at in a terminal of 80.
const WIDTH: usize = 78;

#[test]
fn every_text_of_the_catalogue_reads_as_terraform_prints_it() {
    let areas = [
        ("argument", Argument::samples()),
        ("check", CheckArgument::samples()),
        ("configuration", Configuration::samples()),
        ("connection", ConnectionProblem::samples()),
        ("protocol", Protocol::samples()),
        ("state", StateProblem::samples()),
        ("plan", Plan::samples()),
        ("refresh", Refresh::samples()),
        ("apply", Apply::samples()),
        ("run", Run::samples()),
        ("destroy", Destroy::samples()),
        ("adoption", Adoption::samples()),
        ("activation", Activation::samples()),
    ];
    for (area, samples) in areas {
        let texts: Vec<String> = samples
            .iter()
            .map(|(variant, message)| printed(variant, message))
            .collect();
        let settings = || {
            let mut settings = insta::Settings::clone_current();
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.set_snapshot_path("../../tests/snapshots");
            settings
        };
        settings().bind(|| insta::assert_snapshot!(format!("diagnostics_{area}"), texts.join("\n\n")));
    }
}

/// What a person can do about an error stands in its detail, and both begin and end as sentences do.
#[test]
fn every_text_has_a_detail_that_is_a_sentence_and_a_summary_that_is_none() {
    let all = [
        Argument::samples(),
        CheckArgument::samples(),
        Configuration::samples(),
        ConnectionProblem::samples(),
        Protocol::samples(),
        StateProblem::samples(),
        Plan::samples(),
        Refresh::samples(),
        Apply::samples(),
        Run::samples(),
        Destroy::samples(),
        Adoption::samples(),
        Activation::samples(),
    ];
    for (variant, message) in all.iter().flatten() {
        let (summary, detail) = (&message.summary, &message.detail);
        assert!(!summary.is_empty() && !summary.ends_with('.'), "{variant}: {summary}");
        assert!(!summary.contains('\n'), "{variant}: {summary}");
        assert!(detail.ends_with('.'), "{variant}: {detail}");
        // Lines of configuration are indented.
        let in_text = detail.lines().filter(|line| !line.starts_with(' '));
        assert!(in_text.clone().all(|line| !line.contains("  ")), "{variant}: {detail}");
    }
}

/// Places have names. Only an address in state that this version cannot read is shown as it stands there.
#[test]
fn no_text_has_an_address_in_it() {
    let all = [
        Argument::samples(),
        CheckArgument::samples(),
        Configuration::samples(),
        ConnectionProblem::samples(),
        Protocol::samples(),
        Plan::samples(),
        Refresh::samples(),
        Apply::samples(),
        Destroy::samples(),
        Adoption::samples(),
        Activation::samples(),
    ];
    for (variant, message) in all.iter().flatten() {
        let text = format!("{} {}", message.summary, message.detail);
        let is_shown_as_stored = text.contains("This version does not know");
        assert!(is_shown_as_stored || !text.contains(":default:"), "{variant}: {text}");
    }
}

#[test]
fn names_that_all_take_part_have_commas_and_one_and() {
    let all = |names: &[&str]| super::all_of(names);
    assert_eq!(all(&["a"]), "a");
    assert_eq!(all(&["a", "b"]), "a and b");
    assert_eq!(all(&["a", "b", "c"]), "a, b and c");
}

fn printed(variant: &str, message: &Message) -> String {
    let severity = match message.severity {
        Severity::Error => "Error",
        Severity::Warning => "Warning",
    };
    let text = format!("{severity}: {}\n\n{}", message.summary, message.detail);
    let lines = text
        .lines()
        .flat_map(wrapped)
        .map(|line| format!("│ {line}").trim_end().to_owned());
    format!("{variant}\n╷\n{}\n╵", lines.collect::<Vec<_>>().join("\n"))
}

fn wrapped(paragraph: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in paragraph.split(' ') {
        let line = lines.last_mut().unwrap();
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else if line.is_empty() {
            line.push_str(word);
        } else {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines
}
