//! Whole stories: the installed terraform, the provider's executable, and the sandbox as judge.
//!
//! Each test has a world of its own. What counts is the vendors' truth (`_sandbox/state`), then the plan's text.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[expect(dead_code, reason = "each story has a server of its own")]
#[path = "support/moto.rs"]
mod moto_server;
#[path = "support/postgres.rs"]
mod postgres;
#[expect(dead_code, reason = "these stories lose calls, and refuse none")]
#[path = "support/postgres_proxy.rs"]
mod postgres_proxy;
#[expect(dead_code, reason = "these stories copy and hold nothing")]
#[path = "support/sandbox.rs"]
mod sandbox;
#[path = "support/sshd.rs"]
mod sshd;
#[path = "support/terraform_cores.rs"]
mod terraform_cores;

#[path = "e2e/accounts.rs"]
mod accounts;
#[path = "e2e/activation.rs"]
mod activation;
#[path = "e2e/activation_of_many.rs"]
mod activation_of_many;
#[path = "e2e/adopt.rs"]
mod adopt;
#[path = "e2e/beforehand.rs"]
mod beforehand;
#[path = "e2e/brownfield.rs"]
mod brownfield;
#[path = "e2e/causes.rs"]
mod causes;
#[path = "e2e/clock.rs"]
mod clock;
#[path = "e2e/connections.rs"]
mod connections;
#[path = "e2e/cores.rs"]
mod cores;
#[path = "e2e/create.rs"]
mod create;
#[path = "e2e/damaged.rs"]
mod damaged;
#[path = "e2e/day_two.rs"]
mod day_two;
#[path = "e2e/decisions.rs"]
mod decisions;
#[path = "e2e/deployed.rs"]
mod deployed;
#[path = "e2e/drift.rs"]
mod drift;
#[path = "e2e/edited.rs"]
mod edited;
#[path = "e2e/end.rs"]
mod end;
#[path = "e2e/escrow.rs"]
mod escrow;
#[path = "e2e/exec.rs"]
mod exec;
#[path = "e2e/flags.rs"]
mod flags;
#[path = "e2e/format.rs"]
mod format;
#[path = "e2e/forty.rs"]
mod forty;
#[path = "e2e/gate.rs"]
mod gate;
#[path = "e2e/generated.rs"]
mod generated;
#[path = "e2e/github_codespaces_secret.rs"]
mod github_codespaces_secret;
#[path = "e2e/github_dependabot_secret.rs"]
mod github_dependabot_secret;
#[path = "e2e/gone.rs"]
mod gone;
#[path = "e2e/guard.rs"]
mod guard;
#[path = "e2e/http_canary.rs"]
mod http_canary;
#[path = "e2e/http_credential.rs"]
mod http_credential;
#[path = "e2e/http_entry.rs"]
mod http_entry;
#[path = "e2e/import.rs"]
mod import;
#[path = "e2e/incident.rs"]
mod incident;
#[path = "e2e/input.rs"]
mod input;
#[path = "e2e/interrupt.rs"]
mod interrupt;
#[path = "e2e/inventory.rs"]
mod inventory;
#[path = "e2e/key_life.rs"]
mod key_life;
#[path = "e2e/key_set.rs"]
mod key_set;
#[path = "e2e/lagging.rs"]
mod lagging;
#[path = "e2e/lead.rs"]
mod lead;
#[path = "e2e/local_targets.rs"]
mod local_targets;
#[path = "e2e/locked.rs"]
mod locked;
#[path = "e2e/moto.rs"]
mod moto;
#[path = "e2e/musehub.rs"]
mod musehub;
#[path = "e2e/neon.rs"]
mod neon;
#[path = "e2e/pairs.rs"]
mod pairs;
#[path = "e2e/parameters.rs"]
mod parameters;
#[path = "e2e/places.rs"]
mod places;
#[path = "e2e/postgres_kill.rs"]
mod postgres_kill;
#[path = "e2e/postgres_password.rs"]
mod postgres_password;
#[path = "e2e/postgres_sessions.rs"]
mod postgres_sessions;
#[path = "e2e/presented.rs"]
mod presented;
#[path = "e2e/proofs.rs"]
mod proofs;
#[path = "e2e/quiet.rs"]
mod quiet;
#[path = "e2e/railway.rs"]
mod railway;
#[path = "e2e/read_only.rs"]
mod read_only;
#[path = "e2e/readiness.rs"]
mod readiness;
#[path = "e2e/reading.rs"]
mod reading;
#[path = "e2e/rename.rs"]
mod rename;
#[path = "e2e/renamed_repository.rs"]
mod renamed_repository;
#[path = "e2e/render.rs"]
mod render;
#[path = "e2e/replace.rs"]
mod replace;
#[path = "e2e/requests.rs"]
mod requests;
#[path = "e2e/resend.rs"]
mod resend;
#[path = "e2e/rivals.rs"]
mod rivals;
#[path = "e2e/roll.rs"]
mod roll;
#[path = "e2e/rollback.rs"]
mod rollback;
#[path = "e2e/room.rs"]
mod room;
#[path = "e2e/rotate.rs"]
mod rotate;
#[path = "e2e/samples.rs"]
mod samples;
#[path = "e2e/saved_plan.rs"]
mod saved_plan;
#[path = "e2e/settle.rs"]
mod settle;
#[path = "e2e/spectral.rs"]
mod spectral;
#[path = "e2e/ssh.rs"]
mod ssh;
#[path = "e2e/story.rs"]
mod story;
#[path = "e2e/supplied.rs"]
mod supplied;
#[path = "e2e/targets.rs"]
mod targets;
#[path = "e2e/together.rs"]
mod together;
#[path = "e2e/truth.rs"]
mod truth;
#[path = "e2e/unsaved.rs"]
mod unsaved;
#[path = "e2e/values.rs"]
mod values;
#[path = "e2e/vercel.rs"]
mod vercel;
#[path = "e2e/window.rs"]
mod window;
#[path = "e2e/words.rs"]
mod words;
