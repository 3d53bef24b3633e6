//! All cases: their names, which ones are played, several at a time, and the table.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::thread::scope;

use serde_json::json;

use crate::case::{Failure, Scene, Verdict};
use crate::consumers::is_for_an_activation;
use crate::fault::{self, Fault};
use crate::sandbox::Sandbox;
use crate::say;
use crate::story::{Act, Source, Story};
use crate::world::seeds;

/// Which cases are played.
#[derive(Debug, Clone)]
pub(crate) enum Choice {
    /// A few of every story and every kind of fault; of the stories every `of`th, beginning with this one, from 1.
    Sample { nth: usize, of: usize },
    /// Those whose name, `story/source/fault/call`, begins with these parts. A part may be `*`, or several with commas; a fault
    /// may be given without its ending.
    Named(Vec<Vec<String>>),
    /// Every `of`th of all cases, beginning with this one, from 1: what one of `of` machines plays.
    Part { nth: usize, of: usize },
}

impl Choice {
    /// Reads what a person writes; `all` is all.
    pub(crate) fn parse(text: &str) -> Self {
        if let Some((nth, of)) = text.split_once('/')
            && let (Ok(nth), Ok(of)) = (nth.parse(), of.parse())
        {
            assert!((1..=of).contains(&nth), "a part is 1/{of} to {of}/{of}");
            return Self::Part { nth, of };
        }
        let text = if text == "all" { "*" } else { text };
        Self::Named(
            text.split('/')
                .map(|part| part.split(',').map(str::to_owned).collect())
                .collect(),
        )
    }

    fn allows(&self, place: usize, part: &str) -> bool {
        let Self::Named(parts) = self else { return true };
        parts.get(place).is_none_or(|words| {
            let fits =
                |word: &String| word == "*" || word == part || (place == 2 && part.starts_with(&format!("{word}_")));
            words.iter().any(fits)
        })
    }

    fn has_story(&self, story: Story) -> bool {
        let name = story.to_string();
        let (act, source) = name.split_once('/').unwrap();
        if story.act == Act::Forty && self.is_sample() {
            return false;
        }
        // The sample has every story with its readable target and its blind one, and every source once or twice.
        let sampled = story.source == Source::FlyToken
            || (story.act == Act::Rotate) != story.is_blind() && story.act <= Act::Rotate;
        let sampled = match story.parks() {
            true => PARKED.contains(&(story.act, story.source)),
            false => sampled && !(story.act.has_terms() && story.is_blind()),
        };
        self.allows(0, act) && self.allows(1, source) && (sampled || !self.is_sample())
    }

    fn is_sample(&self) -> bool {
        matches!(self, Self::Sample { .. })
    }

    /// The chosen stories, each with its place among all that are not left out by name: a part of the sample plays what the
    /// whole sample would.
    fn stories(&self) -> Vec<(usize, Story)> {
        let mut stories: Vec<Story> = Story::all()
            .into_iter()
            .filter(|story| self.has_story(*story))
            .collect();
        // What was there first keeps its cases.
        stories.sort_by_key(|story| (story.source == Source::Http, story.parks(), *story));
        let placed = stories.into_iter().enumerate();
        match *self {
            Self::Sample { nth, of } => placed.filter(|(place, _)| place % of == nth - 1).collect(),
            Self::Named(_) | Self::Part { .. } => placed.collect(),
        }
    }
}

/// What of the parked ones is in the sample.
const PARKED: [(Act, Source); 10] = [
    (Act::Create, Source::FlyToken),
    (Act::Create, Source::NeonTwoRoles),
    (Act::Create, Source::NeonOneRole),
    (Act::Rotate, Source::FlyToken),
    (Act::Rotate, Source::NeonTwoRoles),
    (Act::Rotate, Source::Random),
    (Act::Destroy, Source::FlyToken),
    (Act::Destroy, Source::Random),
    (Act::Restore, Source::FlyToken),
    (Act::Restore, Source::Random),
];

/// Cases that failed once; they are in every sample.
const FOUND: [(&str, &str, usize); 8] = [
    ("create/neon_one_role-parked", "kill_terraform_before", 8),
    ("create/neon_two_roles-parked", "kill_provider_before", 36),
    ("destroy/random-parked", "drop_after", 12),
    ("rotate/neon_one_role", "kill_provider_after", 39),
    ("rotate/neon_one_role", "kill_terraform_after", 39),
    ("rotate/neon_two_roles", "kill_provider_after", 1),
    ("rotate/neon_two_roles", "kill_provider_after", 2),
    ("rotate/provided", "kill_terraform_after", 36),
];

/// A case that is to be played.
struct Case<'a> {
    scene: &'a Scene,
    fault: Fault,
    call: usize,
}

impl Case<'_> {
    fn name(&self) -> String {
        format!("{}/{}/{}", self.scene.story, self.fault.name, self.call)
    }
}

/// What came of all cases of one kind in one story.
#[derive(Default, Clone, Copy)]
struct Cell {
    played: usize,
    passed: usize,
    way_out: usize,
    not_met: usize,
}

/// What came of everything.
pub(crate) struct Report {
    pub(crate) table: String,
    pub(crate) failures: Vec<(String, Failure)>,
    pub(crate) played: usize,
}

/// Plays the chosen cases, `jobs` at a time.
pub(crate) fn play(choice: &Choice, jobs: usize) -> Report {
    let nothing = Sandbox::start();
    nothing.seed(seeds());
    // Vendors repeat in their errors what they were sent: nothing of it may be shown.
    nothing.settings(json!({ "echo": true }));
    let scenes = Mutex::new(Vec::new());
    let failures = Mutex::new(Vec::new());
    // The sample is played often, and whoever plays more has more time.
    let logs = !choice.is_sample();
    each(choice.stories(), jobs, |(place, story)| {
        match Scene::prepare(story, &nothing, logs) {
            Ok(scene) => scenes.lock().unwrap().push((place, scene)),
            Err(problem) => failures.lock().unwrap().push((format!("{story}/none/0"), problem)),
        }
    });
    let mut scenes = scenes.into_inner().unwrap();
    scenes.sort_by_key(|(place, _)| *place);
    let cases = cases(choice, &scenes);
    let all = cases.len();
    say(&format!("{all} cases of {} stories", scenes.len()));
    let cells = Mutex::new(BTreeMap::<(Story, usize), Cell>::new());
    let play = |case: Case<'_>| {
        let outcome = case.scene.play(case.fault, case.call);
        let column = fault::ALL.iter().position(|known| *known == case.fault).unwrap();
        let mut cells = cells.lock().unwrap();
        let cell = cells.entry((case.scene.story, column)).or_default();
        cell.played += 1;
        let done: usize = cells.values().map(|cell| cell.played).sum();
        if done.is_multiple_of(100) {
            say(&format!("{done} of {all} cases played"));
        }
        let cell = cells.entry((case.scene.story, column)).or_default();
        match outcome {
            Ok(verdict) => {
                cell.passed += 1;
                cell.way_out += usize::from(verdict == Verdict::WayOut);
                cell.not_met += usize::from(verdict == Verdict::NotMet);
            }
            Err(problem) => {
                say(&format!(
                    "FAILED {}: {}",
                    case.name(),
                    problem.lines().next().unwrap_or_default()
                ));
                failures.lock().unwrap().push((case.name(), problem));
            }
        }
    };
    // Waiting costs nothing, so what hangs hangs beside the rest.
    let (waiting, working): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.fault.waits());
    scope(|scope| {
        scope.spawn(|| each(waiting, jobs * 6, play));
        each(working, jobs, play);
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    Report {
        table: table(&cells.into_inner().unwrap()),
        failures,
        played: all,
    }
}

/// Does something with each, several at a time.
fn each<T: Send>(all: Vec<T>, jobs: usize, act: impl Fn(T) + Sync) {
    let all = Mutex::new(VecDeque::from(all));
    scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let next = all.lock().unwrap().pop_front();
                    let Some(next) = next else { break };
                    act(next);
                }
            });
        }
    });
}

fn cases<'a>(choice: &Choice, scenes: &'a [(usize, Scene)]) -> Vec<Case<'a>> {
    let mut cases = Vec::new();
    let mut number = 0;
    for (place, scene) in scenes {
        for (column, fault) in fault::ALL.iter().enumerate() {
            let calls = scene
                .calls
                .iter()
                .enumerate()
                .filter(|(_, call)| call.writes || !fault.only_for_writes);
            let mut calls: Vec<usize> = calls.map(|(index, _)| index + 1).collect();
            if scene.story.act == Act::Activated && choice.is_sample() {
                // What is new in this story; the rest is that of a rotation.
                calls.retain(|number| is_for_an_activation(&scene.calls[number - 1].line));
            }
            let mut chosen: Vec<usize> = match choice {
                // Another kind in another place for each story, so that over all of them much is met.
                Choice::Sample { .. } if (place + column).is_multiple_of(scene.story.every()) => {
                    let turn = (place * 5 + column * 7) % calls.len().max(1);
                    calls.get(turn).copied().into_iter().collect()
                }
                Choice::Sample { .. } => Vec::new(),
                Choice::Named(parts) if parts.len() > 3 => calls,
                Choice::Named(_) | Choice::Part { .. } => share(&calls, scene.story.faults_of_a_kind(column), column),
            };
            if choice.is_sample() {
                let story = scene.story.to_string();
                let found = FOUND
                    .iter()
                    .filter(|(name, kind, _)| *name == story && *kind == fault.name);
                chosen.extend(found.map(|(_, _, call)| *call));
            }
            for call in chosen {
                number += 1;
                if let Choice::Part { nth, of } = choice
                    && number % of != nth % of
                {
                    continue;
                }
                if choice.allows(2, fault.name) && choice.allows(3, &call.to_string()) {
                    cases.push(Case {
                        scene,
                        fault: *fault,
                        call,
                    });
                }
            }
        }
    }
    cases
}

/// So many of the calls, all over them; other ones for every kind of fault.
fn share(calls: &[usize], most: usize, column: usize) -> Vec<usize> {
    if calls.len() <= most {
        return calls.to_vec();
    }
    let chosen = (0..most).map(|n| (n * calls.len() / most + column * 7) % calls.len());
    chosen.map(|index| calls[index]).collect()
}

/// Rows are stories, columns are faults: how many passed of how many. `w`: by the declared way out; `-`: the call did not come.
fn table(cells: &BTreeMap<(Story, usize), Cell>) -> String {
    let mut text = String::from(
        "story/source × fault: cases passed (of, when some failed; w: by the declared way out; -: not met)\n",
    );
    for (column, fault) in fault::ALL.iter().enumerate() {
        if cells.keys().any(|(_, known)| *known == column) {
            writeln!(text, "{:>4} = {}", letter(column), fault.name).unwrap();
        }
    }
    let mut rows: BTreeMap<String, Vec<(usize, Cell)>> = BTreeMap::new();
    for ((story, column), cell) in cells {
        rows.entry(story.to_string()).or_default().push((*column, *cell));
    }
    write!(text, "{:<24}", "").unwrap();
    for column in 0..fault::ALL.len() {
        write!(text, "{:>8}", letter(column)).unwrap();
    }
    for (row, known) in rows {
        write!(text, "\n{row:<24}").unwrap();
        for column in 0..fault::ALL.len() {
            let cell = known
                .iter()
                .find(|(place, _)| *place == column)
                .map(|(_, cell)| shown(*cell));
            write!(text, "{:>8}", cell.unwrap_or_default()).unwrap();
        }
    }
    text
}

fn letter(column: usize) -> char {
    char::from(b'a' + u8::try_from(column).unwrap())
}

fn shown(cell: Cell) -> String {
    let mut text = cell.passed.to_string();
    if cell.passed < cell.played {
        write!(text, "/{}", cell.played).unwrap();
    }
    for (count, sign) in [(cell.way_out, 'w'), (cell.not_met, '-')] {
        if count > 0 {
            write!(text, " {count}{sign}").unwrap();
        }
    }
    text
}
