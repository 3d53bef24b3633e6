//! One case: a story, one fault at one call of it, at most two clean applies, the judge, and the search for values in what it left.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::canary::{Canary, OWN, held};
use crate::crowd;
use crate::evidence::Evidence;
use crate::fault::{Blow, Fault};
use crate::judge::{Moment, Trial, moments};
use crate::needles::Needles;
use crate::run::{User, sign_of_a_crash};
use crate::sandbox::{Call, Sandbox};
use crate::story::{Act, Setting, Shape, Source, Story};
use crate::terms::to_confirm;
use crate::terraform_cores::Outcome;

/// A story whose prelude has been played, ready to be played to its end again and again.
pub(crate) struct Scene {
    pub(crate) story: Story,
    sandbox: Sandbox,
    state: Option<String>,
    /// Logs are searched as well, which takes its time.
    logs: bool,
    /// The calls of a run without a fault, sorted, so that their numbers are always the same.
    pub(crate) calls: Vec<Target>,
}

/// A call that can go wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    /// `METHOD /path operation`.
    pub(crate) line: String,
    /// Which one of those with this line, from 1.
    pub(crate) nth: usize,
    pub(crate) writes: bool,
}

/// How a case ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// It needed a way out that the error names: one of the two declared exceptions, or another confirmation of a guarded secret.
    WayOut,
    /// The call did not come in this run, so nothing went wrong.
    NotMet,
}

/// A case that failed: what is wrong, and all that was said.
pub(crate) type Failure = String;

impl Scene {
    /// Plays the prelude, then the story once without a fault.
    pub(crate) fn prepare(story: Story, nothing: &Sandbox, logs: bool) -> Result<Self, Failure> {
        let sandbox = nothing.fork();
        story.exists(&sandbox);
        let mut user = User::new(story, &sandbox, None);
        for setting in story.prelude() {
            user.wants(setting);
            let outcome = user.applies();
            if outcome.status != 0 {
                return Err(format!("the prelude of {story} failed:\n{}", outcome.output));
            }
        }
        // GitHub's instants have whole seconds: what others do is told from ours by a later one.
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        story.mischief(&sandbox);
        let mut scene = Self {
            story,
            state: user.state(),
            logs,
            calls: Vec::new(),
            sandbox,
        };
        let mut calls = scene.without_a_fault(|user| user.applies())?;
        if story.secrets() > 1 {
            // Those of secrets that are applied at once differ from run to run.
            calls = scene.without_a_fault(|user| user.applies_in_turn())?;
        }
        calls.sort_by(|one, other| one.line.cmp(&other.line));
        let mut nth = 0;
        for (place, call) in calls.iter().enumerate() {
            let again = place > 0 && calls.get(place - 1).is_some_and(|before| before.line == call.line);
            nth = if again { nth + 1 } else { 1 };
            scene.calls.push(Target {
                line: call.line.clone(),
                nth,
                writes: call.writes(),
            });
        }
        Ok(scene)
    }

    /// Plays it without a fault. Returns the calls of the apply.
    fn without_a_fault(&self, applies: impl Fn(&User<'_>) -> Outcome) -> Result<Vec<Call>, Failure> {
        let story = self.story;
        let sandbox = self.sandbox.fork();
        let mut run = Run::new(self, &sandbox, None);
        run.user.wants(story.climax());
        let first = applies(&run.user);
        run.shows()?;
        if first.status != 0 {
            return Err(format!("{story} fails without a fault:\n{}", first.output));
        }
        let calls = sandbox.calls();
        run.note("apply", first.status, &first.output);
        run.conclude(story.climax(), true)
            .map_err(|error| format!("{story}, without a fault: {error}"))?;
        Ok(calls)
    }

    /// Plays it with a fault at the `k`th call, from 1.
    pub(crate) fn play(&self, fault: Fault, k: usize) -> Result<Verdict, Failure> {
        let target = &self.calls[k - 1];
        let sandbox = self.sandbox.fork();
        let mut run = Run::new(self, &sandbox, Some(fault));
        run.user.wants(self.story.climax());
        if fault.lasts() {
            // Sorted or not, from the k-th call on every one is struck.
            sandbox.fault("", k, fault.kind);
        } else {
            sandbox.fault(&target.line, target.nth, fault.kind);
        }
        let (first, struck) = match fault.blow {
            Some(blow) => run.user.applies_and_is_struck(blow),
            None => {
                let outcome = run.user.applies();
                let calls = sandbox.calls();
                let met = |call: &&Call| call.line.contains(&target.line);
                let call = if fault.lasts() {
                    calls.get(k - 1)
                } else {
                    calls.iter().filter(met).nth(target.nth - 1)
                };
                (outcome, call.map(|call| call.line.clone()))
            }
        };
        run.note(
            &format!(
                "apply with {} at {}",
                fault.name,
                struck.as_deref().unwrap_or("no call")
            ),
            first.status,
            &first.output,
        );
        sandbox.heal();
        if self.story.act.is_incident() && fault.loses_the_state() {
            run.incident_asks_again = Some(sandbox.timeline().len());
        }
        let killed = fault.blow == Some(Blow::KillProvider);
        if let Some(sign) = sign_of_a_crash(&first.output).filter(|_| !killed) {
            return Err(format!("{sign:?} is in the output\n{}", run.said));
        }
        if first.status == -2 {
            return Err(format!("the apply did not end\n{}", run.said));
        }
        run.shows()?;
        let way_out = run.conclude(self.story.climax(), first.status == 0)?;
        Ok(match (way_out, struck) {
            (true, _) => Verdict::WayOut,
            (false, Some(_)) => Verdict::Passed,
            (false, None) => Verdict::NotMet,
        })
    }
}

/// One run of a scene, and all that was said in it.
struct Run<'a> {
    user: User<'a>,
    story: Story,
    fault: Option<Fault>,
    /// When a run was killed that rotated for an incident: the state does not say that it did.
    incident_asks_again: Option<usize>,
    logs: bool,
    /// What `terraform show -json` said last of each secret.
    shown: Vec<Value>,
    said: String,
    /// Outputs, and after every apply the files.
    evidence: Evidence,
}

impl<'a> Run<'a> {
    fn new(scene: &Scene, sandbox: &'a Sandbox, fault: Option<Fault>) -> Self {
        // Addresses of places carry the host of their vendor.
        let host = |world: &Sandbox| world.export("SANDBOX_URL").replace("http://", "");
        let state = scene.state.as_ref();
        let state = state.map(|state| state.replace(&host(&scene.sandbox), &host(sandbox)));
        let mut user = User::new(scene.story, sandbox, state.as_deref());
        if scene.logs {
            user.logs();
        }
        Self {
            user,
            logs: scene.logs,
            story: scene.story,
            fault,
            incident_asks_again: None,
            shown: Vec::new(),
            said: String::new(),
            evidence: Evidence::default(),
        }
    }

    fn note(&mut self, what: &str, status: i32, output: &str) {
        write!(self.said, "--- {what}: {status} ---\n{output}\n").unwrap();
        self.evidence.add("output", output);
    }

    fn fails(&self, problem: &str) -> Failure {
        format!("{problem}\n{}", self.said)
    }

    /// The state can be shown; to be asked after every apply.
    fn shows(&mut self) -> Result<(), Failure> {
        self.shown = self.user.shows().map_err(|problem| self.fails(&problem))?;
        self.evidence.add_files(self.user.directory());
        drop(std::fs::remove_file(self.user.log()));
        Ok(())
    }

    /// Where a value stands that a vendor ever had, or one that the run authenticates with.
    fn leaks(&self, timeline: &[Value], moments: &[Moment]) -> Vec<String> {
        for place in ["output", "file terraform.tfstate", "file trace.log"] {
            let seen = self.evidence.has(place) || place == "file trace.log" && !self.logs;
            assert!(seen, "nothing was seen of: {place}");
        }
        let issued = timeline.iter().flat_map(|entry| held(&entry["state"]));
        let mut values: BTreeSet<Canary> = issued.map(|value| Canary::of(&value)).collect();
        let parked = moments.iter().flat_map(|moment| moment.world.parked_values());
        values.extend(parked.map(|value| Canary::of(value)));
        values.extend(OWN.map(|name| Canary::of(self.user.sandbox.export(name))));
        self.evidence.leaks(&Needles::of(&values), "")
    }

    /// Applies until the plan is empty, and lets the judge look. Returns whether the declared way out was needed.
    fn conclude(&mut self, setting: Setting, applied: bool) -> Result<bool, Failure> {
        let mut setting = setting;
        let way_out = self.converges(&mut setting, applied)?;
        let mut overlap_ends = None;
        if let Some(epilogue) = self.story.epilogue(setting) {
            overlap_ends = Some(self.user.sandbox.timeline().len());
            setting = epilogue;
            self.user.wants(setting);
            self.converges(&mut setting, false)?;
        }
        self.claims(setting)?;
        let timeline = self.user.sandbox.timeline();
        let moments = moments(&timeline, self.story.source);
        let trial = Trial {
            story: self.story,
            setting,
            moments: &moments,
            disturbed: self.fault.is_some(),
            could_not_park: self.fault.is_some() && could_not_park(&self.said),
            incident_asks_again: self.incident_asks_again,
            overlap_ends,
        };
        let judged = match self.story.secrets() {
            1 => [trial.violations(), trial.consumers(), trial.ending(), trial.escrow()].concat(),
            count => [crowd::violations(&moments), crowd::ending(count, &moments)].concat(),
        };
        let problems = [judged, self.leaks(&timeline, &moments)].concat();
        if problems.is_empty() {
            return Ok(way_out);
        }
        let calls: Vec<String> = moments
            .iter()
            .enumerate()
            .map(|(n, moment)| format!("{n} {}", moment.call))
            .collect();
        Err(self.fails(&format!(
            "{}\n--- timeline ---\n{}",
            problems.join("\n"),
            calls.join("\n")
        )))
    }

    /// At most two applies lead to an empty plan.
    fn converges(&mut self, setting: &mut Setting, applied: bool) -> Result<bool, Failure> {
        if applied && self.is_settled()? {
            return Ok(false);
        }
        let mut way_out = false;
        let mut left = 2;
        while left > 0 {
            left -= 1;
            let outcome = self.user.applies();
            self.note("clean apply", outcome.status, &outcome.output);
            if let Some(sign) = sign_of_a_crash(&outcome.output) {
                return Err(self.fails(&format!("{sign:?} is in the output")));
            }
            self.shows()?;
            // Such a plan is empty, with a warning.
            let is_lost =
                !setting.asks_again && may_lose_the_value(self.story, self.fault) && asks_for_a_reason(&outcome.output);
            let unconfirmed = to_confirm(&outcome.output)
                .filter(|generation| self.story.act == Act::Guarded && *generation != setting.confirmed);
            if outcome.status == 0 && self.is_settled()? && !is_lost && unconfirmed.is_none() {
                return Ok(way_out);
            }
            if let Some(generation) = unconfirmed.filter(|_| self.fault.is_some()) {
                // What was confirmed is lost, so the person confirms what comes after it.
                setting.confirmed = generation;
                self.user.wants(*setting);
                way_out = true;
                left = 2;
            } else if !way_out
                && may_need_the_way_out(self.story, self.fault)
                && outcome.output.contains("on_existing = \"replace\"")
            {
                // The error names it, so the user does it; the two applies are counted from here.
                setting.replaces_existing = true;
                self.user.wants(*setting);
                way_out = true;
                left = 2;
            } else if is_lost {
                // A generated value is never replaced unless somebody asks.
                setting.asks_again = true;
                self.user.wants(*setting);
                way_out = true;
                left = 2;
            }
        }
        Err(self.fails("two clean applies do not lead to an empty plan"))
    }

    fn is_settled(&mut self) -> Result<bool, Failure> {
        let plan = self.user.plans();
        self.note("plan", plan.status, &plan.output);
        if let Some(sign) = sign_of_a_crash(&plan.output) {
            return Err(self.fails(&format!("{sign:?} is in the output")));
        }
        Ok(plan.status == 0)
    }

    /// What the state says of itself in the end.
    fn claims(&self, setting: Setting) -> Result<(), Failure> {
        let expected = if setting.destroys { 0 } else { self.story.secrets() };
        if self.shown.len() != expected {
            let stored = self.shown.len();
            return Err(self.fails(&format!("the state has {stored} secrets instead of {expected}")));
        }
        for shown in &self.shown {
            if shown["phase"] != "settled" || shown["pending"] != serde_json::json!([]) {
                return Err(self.fails(&format!(
                    "{}: phase {}, pending {}",
                    shown["name"], shown["phase"], shown["pending"]
                )));
            }
        }
        Ok(())
    }
}

/// Terraform breaks lines.
fn says(output: &str, what: &str) -> bool {
    let words = output.split_whitespace().filter(|word| *word != "│");
    let words: Vec<&str> = words.collect();
    words.join(" ").contains(what)
}

/// Whether terraform repeats the provider's way out of a lost value.
fn asks_for_a_reason(output: &str) -> bool {
    says(output, "set a new `rotation_reason`")
}

/// Whether the provider said that it could not park what it made; it delivers that all the same.
fn could_not_park(output: &str) -> bool {
    says(output, "is not in escrow")
}

/// The other exception that is declared: a generated value that some target may hold is lost with the run that made it, because no
/// target of the first wave gives it back.
fn may_lose_the_value(story: Story, fault: Option<Fault>) -> bool {
    fault.is_some()
        && story.shape == Shape::Blind
        && story.source == Source::Random
        && matches!(story.act, Act::Create | Act::Rotate)
}

/// An exception that is declared: a process was killed between the writing of an entry that carries no mark and the
/// saving of the state, and no issuer can show either that the entry is ours: nobody issues the value, its handle carries no
/// name (a role), or (an update) the credential is not new. Only then may the next apply refuse the entry that it finds.
fn may_need_the_way_out(story: Story, fault: Option<Fault>) -> bool {
    let killed = fault.is_some_and(Fault::loses_the_state);
    let first_write_is_blind = match story.act {
        Act::Create => story.shape == Shape::Blind && !story.source.is_labelled(),
        Act::Add => true,
        _ => false,
    };
    killed && first_write_is_blind
}
