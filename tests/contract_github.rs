//! The GitHub adapters against a GitHub that keeps state: boxes are really opened, keys really differ, runs really end.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "contract_github/app.rs"]
mod app;
#[path = "contract_github/codespaces_secret.rs"]
mod codespaces_secret;
#[path = "contract_github/dependabot_secret.rs"]
mod dependabot_secret;
#[path = "contract_github/fake.rs"]
mod fake;
#[path = "contract_github/place.rs"]
mod place;
#[path = "contract_github/secret.rs"]
mod secret;
#[expect(dead_code, reason = "only the interpreter is asked for")]
#[path = "support/terraform_cores.rs"]
mod terraform_cores;
#[path = "support/vendor.rs"]
mod vendor;
#[path = "contract_github/workflow.rs"]
mod workflow;
