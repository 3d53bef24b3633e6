//! A user at a terminal: applies, and meets a blow at one call.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fault::Blow;
use crate::sandbox::Sandbox;
use crate::story::{Setting, Story};
use crate::terms::handed_over;
use crate::terraform_cores::{Core, Outcome, Workspace};

/// Longer than any command may take: the provider's patience with one call that hangs, twice, and some.
const LONGEST: Duration = Duration::from_secs(180);

/// What terraform says when the provider did what it must not.
const SIGNS: [&str; 6] = [
    "panicked",
    "plugin crashed",
    "Plugin did not respond",
    "produced an invalid",
    "produced an unexpected",
    "inconsistent result",
];

/// A directory, and the world that its provider talks to.
pub(crate) struct User<'a> {
    pub(crate) sandbox: &'a Sandbox,
    workspace: Workspace,
    story: Story,
    destroys: bool,
}

impl<'a> User<'a> {
    /// Somebody with this stored state, if any.
    pub(crate) fn new(story: Story, sandbox: &'a Sandbox, state: Option<&str>) -> Self {
        let mut workspace = Workspace::new(
            Core::Installed,
            "secret-rotation/rotation",
            Path::new(env!("CARGO_BIN_EXE_terraform-provider-rotation")),
        );
        for (name, value) in sandbox.exports() {
            workspace.set(name, value);
        }
        if let Some(state) = state {
            std::fs::write(workspace.path().join("terraform.tfstate"), state).unwrap();
        }
        Self {
            sandbox,
            workspace,
            story,
            destroys: false,
        }
    }

    /// Writes the configuration, and sets the clock.
    pub(crate) fn wants(&mut self, setting: Setting) {
        let origin = self.sandbox.export("SANDBOX_URL");
        let adopts = self.story.act.adopts();
        let token = adopts.then(|| handed_over(self.sandbox)).flatten();
        let id = token.as_ref().and_then(|token| token["id"].as_str());
        self.workspace.write(&self.story.configuration(setting, origin, id));
        self.workspace.set("ROTATION_CLOCK_OFFSET", setting.clock);
        self.destroys = setting.destroys;
    }

    /// The stored state as it is.
    pub(crate) fn state(&self) -> Option<String> {
        std::fs::read_to_string(self.workspace.path().join("terraform.tfstate")).ok()
    }

    /// Where terraform runs.
    pub(crate) fn directory(&self) -> &Path {
        self.workspace.path()
    }

    /// From now on the provider logs all that it can.
    pub(crate) fn logs(&mut self) {
        let log = self.log().display().to_string();
        for (name, value) in [
            ("TF_LOG_PROVIDER", "TRACE"),
            ("TF_LOG_PATH", &log),
            ("RUST_LOG", "trace"),
        ] {
            self.workspace.set(name, value);
        }
    }

    /// The log, which only grows.
    pub(crate) fn log(&self) -> PathBuf {
        self.directory().join("trace.log")
    }

    fn arguments(&self, command: &'static str) -> Vec<&'static str> {
        let mut arguments = vec![command, "-no-color", "-input=false"];
        if self.destroys {
            arguments.push("-destroy");
        }
        arguments.push(if command == "apply" {
            "-auto-approve"
        } else {
            "-detailed-exitcode"
        });
        arguments
    }

    /// Applies, from beginning to end.
    pub(crate) fn applies(&self) -> Outcome {
        self.ended(self.begins(&self.arguments("apply")))
    }

    /// Applies one resource after the other, so that the calls are the same every time.
    pub(crate) fn applies_in_turn(&self) -> Outcome {
        let arguments = [self.arguments("apply"), vec!["-parallelism=1"]].concat();
        self.ended(self.begins(&arguments))
    }

    /// Plans; the status is 0 when nothing is to be done.
    pub(crate) fn plans(&self) -> Outcome {
        self.ended(self.begins(&self.arguments("plan")))
    }

    /// What `terraform show -json` says of each secret.
    pub(crate) fn shows(&self) -> Result<Vec<Value>, String> {
        let output = self.workspace.command(&["show", "-json"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            return Err(format!("terraform show -json failed: {error}"));
        }
        let shown: Value = serde_json::from_str(&said).map_err(|error| format!("terraform show -json: {error}"))?;
        let resources = shown.pointer("/values/root_module/resources").and_then(Value::as_array);
        Ok(resources
            .into_iter()
            .flatten()
            .map(|resource| resource["values"].clone())
            .collect())
    }

    /// Applies, and strikes when a call is held. Returns what was said, and which call was held.
    pub(crate) fn applies_and_is_struck(&self, blow: Blow) -> (Outcome, Option<String>) {
        let mut child = self.begins(&self.arguments("apply"));
        let begun = Instant::now();
        let mut held = None;
        while held.is_none() && child.try_wait().unwrap().is_none() && begun.elapsed() < LONGEST {
            std::thread::sleep(Duration::from_millis(15));
            held = self.sandbox.held().pop();
        }
        let Some(call) = held else {
            return (self.ended(child), None);
        };
        let providers = children_of(child.id());
        match blow {
            Blow::KillProvider => providers.iter().for_each(|id| signal("-KILL", id)),
            Blow::Interrupt => signal("-INT", &format!("-{}", child.id())),
            Blow::KillTerraform => child.kill().unwrap(),
        }
        if blow == Blow::Interrupt {
            // Terraform tells the provider; the held call must not be over before.
            std::thread::sleep(Duration::from_millis(150));
        } else {
            // The connection of what was killed is closed when the vendor goes on.
            std::thread::sleep(Duration::from_millis(50));
        }
        self.sandbox.release();
        let outcome = self.ended(child);
        await_the_end_of(&providers);
        (outcome, Some(call))
    }

    fn begins(&self, arguments: &[&str]) -> Child {
        let said = File::create(self.said()).unwrap();
        let mut command = self.workspace.command(arguments);
        // A group of its own: Ctrl-C reaches terraform and its children, and nobody else.
        command.process_group(0).stdin(Stdio::null());
        command.stdout(said.try_clone().unwrap()).stderr(said);
        command
            .spawn()
            .unwrap_or_else(|error| panic!("terraform cannot be run ({error}): install it, then run `make test`"))
    }

    fn ended(&self, mut child: Child) -> Outcome {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(5);
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.code().unwrap_or(-1);
            }
            if begun.elapsed() > LONGEST {
                drop(child.kill());
                drop(child.wait());
                break -2;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(40));
        };
        let output = String::from_utf8_lossy(&std::fs::read(self.said()).unwrap()).into_owned();
        Outcome { status, output }
    }

    fn said(&self) -> PathBuf {
        self.workspace.path().join("said.txt")
    }
}

/// What in a command's output must never be there.
pub(crate) fn sign_of_a_crash(output: &str) -> Option<&'static str> {
    SIGNS.into_iter().find(|sign| output.contains(sign))
}

fn children_of(process: u32) -> Vec<String> {
    let found = Command::new("pgrep")
        .args(["-P", &process.to_string()])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    text.lines().map(str::to_owned).collect()
}

fn signal(name: &str, process: &str) {
    // It may have ended by itself meanwhile.
    drop(
        Command::new("kill")
            .args([name, "--", process])
            .stderr(Stdio::null())
            .status(),
    );
}

/// A provider whose host is gone finishes the call in flight, and ends.
fn await_the_end_of(processes: &[String]) {
    let begun = Instant::now();
    for process in processes {
        loop {
            let output = Command::new("ps")
                .args(["-o", "stat=", "-p", process])
                .output()
                .unwrap();
            let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            if state.is_empty() || state.starts_with('Z') {
                break;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "a provider outlives its host"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
