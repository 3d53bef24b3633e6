//! The provider's executable.

use std::process::ExitCode;

use rotation_provider::environment::Environment;
use rotation_provider::plugin::{Identity, serve};
use rotation_provider::provider::RotationProvider;

const IDENTITY: Identity = Identity {
    name: "terraform-provider-rotation",
    version: env!("CARGO_PKG_VERSION"),
    address: "registry.terraform.io/secret-rotation/rotation",
};

fn main() -> ExitCode {
    let environment = Environment::of_process();
    serve(IDENTITY, &environment, || {
        Ok(RotationProvider::new(environment.clone()))
    })
}
