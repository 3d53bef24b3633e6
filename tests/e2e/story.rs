//! A user with a real terraform, the provider's own executable, and vendors on loopback.
//!
//! Every apply that ends well is followed by a plan that must be empty: [`Story::apply`] is the only way to apply.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::sandbox::{Call, Sandbox};
use crate::terraform_cores::{Core, Outcome, Workspace};

/// The secret's name in most stories, and the default name of its entries.
pub(crate) const NAME: &str = "FLY_API_TOKEN";
/// The parameter that most stories write.
pub(crate) const PARAMETER: &str = "/molecule/production/FLY_API_TOKEN";
/// The repository that most stories write to.
pub(crate) const REPOSITORY: &str = "molecule-ai/molecule-monorepo";

/// Lines of a resource: a Fly token for one app.
pub(crate) const FLY_TOKEN: &str = r#"source = { fly_token = { app = "molecule-cp", expires_in = "2400h" } }"#;
/// Three targets in two waves.
pub(crate) const THREE_TARGETS: &str = r#"
  targets = {
    control_plane = { wave = 1, fly_secret = { app = "molecule-cp" } }
    image_publish = { wave = 2, github_actions_secret = { repository = "molecule-monorepo" } }
    runtime       = { wave = 2, ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } }
  }"#;
/// How long the old credential stays valid. It has to be written where an SSM parameter holds what an issuer can revoke.
pub(crate) const A_DAY: &str = "overlap = \"24h\"";
/// One target that goes live by itself; its value cannot be read back.
pub(crate) const FLY_TARGET: &str = r#"targets = { control_plane = { fly_secret = { app = "molecule-cp" } } }"#;
/// One target that is readable.
pub(crate) const SSM_TARGET: &str =
    r#"targets = { runtime = { ssm_parameter = { name = "/molecule/production/FLY_API_TOKEN" } } }"#;

const PREAMBLE: &str = r#"
terraform {
  required_providers {
    rotation = {
      source = "secret-rotation/rotation"
    }
  }
}
"#;

/// One story.
pub(crate) struct Story {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) workspace: Workspace,
}

impl Story {
    /// A fresh world and an empty directory.
    pub(crate) fn new() -> Self {
        Self::on(Core::Installed)
    }

    /// The same for a user of that core.
    pub(crate) fn on(core: Core) -> Self {
        Self::of(core, Arc::new(Sandbox::start()))
    }

    /// Another directory with a state of its own, in the same world.
    pub(crate) fn beside(&self) -> Self {
        Self::of(Core::Installed, Arc::clone(&self.sandbox))
    }

    fn of(core: Core, sandbox: Arc<Sandbox>) -> Self {
        let mut workspace = Workspace::new(
            core,
            "secret-rotation/rotation",
            Path::new(env!("CARGO_BIN_EXE_terraform-provider-rotation")),
        );
        for (name, value) in sandbox.exports() {
            workspace.set(name, value);
        }
        Self { sandbox, workspace }
    }

    /// A story whose resource has these lines, and that has been applied.
    pub(crate) fn begun(lines: &[&str]) -> Self {
        let story = Self::new();
        story.configure(lines);
        story.apply();
        story
    }

    /// Writes a configuration with one secret, `rotation_secret.it`, that has these lines.
    pub(crate) fn configure(&self, lines: &[&str]) {
        self.write(&resource("it", NAME, lines));
    }

    /// Writes a whole configuration, except for the preamble and an ordinary provider block.
    pub(crate) fn write(&self, resources: &str) {
        self.write_all(&format!(
            "provider \"rotation\" {{\n  namespace = \"production\"\n}}\n{resources}"
        ));
    }

    /// Writes a whole configuration, except for the preamble.
    pub(crate) fn write_all(&self, configuration: &str) {
        self.workspace.write(&format!("{PREAMBLE}{configuration}"));
    }

    /// GitHub's instants have whole seconds: a change within the second of our own write cannot be told. Lets one pass.
    pub(crate) fn a_second_later(&self) -> &Self {
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        self
    }

    /// Moves the provider's clock from now on.
    pub(crate) fn clock(&mut self, offset: &str) {
        self.workspace.set("ROTATION_CLOCK_OFFSET", offset);
    }

    /// Applies, and shows that a second plan is empty. Returns what apply said.
    #[track_caller]
    pub(crate) fn apply(&self) -> String {
        let said = self.run(&["apply", "-auto-approve"]).success();
        self.settled();
        said
    }

    /// An apply that must fail, and must show an error of ours rather than a crash.
    #[track_caller]
    pub(crate) fn fails(&self) -> String {
        let outcome = self.run(&["apply", "-auto-approve"]);
        assert_eq!(outcome.status, 1, "{}", outcome.output);
        assert!(outcome.output.contains("Error: "), "{}", outcome.output);
        outcome.output
    }

    /// The plan's text; it must have changes.
    #[track_caller]
    pub(crate) fn plan(&self) -> String {
        let outcome = self.run(&["plan", "-detailed-exitcode"]);
        assert_eq!(outcome.status, 2, "{}", outcome.output);
        outcome.output
    }

    /// A plan or validation that must fail; its text in one line per paragraph, without the frame.
    #[track_caller]
    pub(crate) fn refused(&self, command: &str) -> String {
        let outcome = self.run(&[command]);
        assert_eq!(outcome.status, 1, "{}", outcome.output);
        unframed(&outcome.output)
    }

    /// Plans once more, and nothing is to be done.
    #[track_caller]
    pub(crate) fn settled(&self) -> String {
        let outcome = self.run(&["plan", "-detailed-exitcode"]);
        assert_eq!(outcome.status, 0, "a plan should be empty:\n{}", outcome.output);
        outcome.output
    }

    /// Destroys everything.
    #[track_caller]
    pub(crate) fn destroy(&self) -> String {
        self.run(&["apply", "-destroy", "-auto-approve"]).success()
    }

    /// Edits the state as `terraform state` does.
    #[track_caller]
    pub(crate) fn state(&self, arguments: &[&str]) {
        let output = self
            .workspace
            .command(&[&["state"], arguments].concat())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Runs a command; a crash of the plugin never passes unseen.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        let outcome = self.workspace.run(arguments);
        for sign in [
            "panicked",
            "plugin crashed",
            "Plugin did not respond",
            "produced an invalid",
            "inconsistent result",
        ] {
            assert!(!outcome.output.contains(sign), "{}", outcome.output);
        }
        outcome
    }

    /// The attributes of `rotation_secret.<name>` in state.
    #[track_caller]
    pub(crate) fn attributes_of(&self, name: &str) -> Value {
        let state = self.workspace.state();
        let resources = state["resources"].as_array().unwrap();
        let found = resources.iter().find(|resource| resource["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is not in state"))["instances"][0]["attributes"].clone()
    }

    /// The attributes of `rotation_secret.it`.
    #[track_caller]
    pub(crate) fn attributes(&self) -> Value {
        self.attributes_of("it")
    }

    /// Whether the state has no resource at all.
    pub(crate) fn has_no_state(&self) -> bool {
        let file = self.workspace.path().join("terraform.tfstate");
        !file.exists() || self.workspace.state()["resources"].as_array().unwrap().is_empty()
    }

    /// The writes that vendors have been asked for since the log was cleared.
    pub(crate) fn writes(&self) -> Vec<String> {
        let calls = self.sandbox.calls().into_iter();
        calls.filter(Call::writes).map(|call| call.line).collect()
    }

    /// No vendor has been asked for a write since the log was cleared.
    #[track_caller]
    pub(crate) fn wrote_nothing(&self) {
        assert_eq!(self.writes(), [""; 0]);
    }
}

/// A resource block.
pub(crate) fn resource(label: &str, name: &str, lines: &[&str]) -> String {
    let lines = lines.join("\n  ");
    format!("resource \"rotation_secret\" {label:?} {{\n  name = {name:?}\n  {lines}\n}}\n")
}

/// Terraform's error frames taken away, and wrapped lines joined.
pub(crate) fn unframed(output: &str) -> String {
    let lines = output.lines().map(|line| line.trim_start_matches(['│', '╷', '╵', ' ']));
    lines.collect::<Vec<_>>().join(" ")
}

/// What a command said has these words, however Terraform wrapped them.
#[track_caller]
pub(crate) fn says(output: &str, words: &[&str]) {
    let text = unframed(output);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in words {
        assert!(text.contains(words), "{words:?} is not in\n{output}");
    }
}
