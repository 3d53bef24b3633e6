//! Compiles the protocol descriptions. Needs no installed `protoc`: protox is a compiler in Rust.
//!
//! The product serves and never calls, so its code is server code only. Client code goes to a directory of its own,
//! which only tests include, beside the descriptors that a test compares with the published protocol.

use std::error::Error;
use std::path::PathBuf;

const PROTOCOLS: [&str; 4] = [
    "tfplugin6.proto",
    "go-plugin/grpc_broker.proto",
    "go-plugin/grpc_controller.proto",
    "go-plugin/grpc_stdio.proto",
];

/// Keeps AWS-LC from gathering entropy of its own (docs/decisions/randomness-from-the-kernel.md). Cargo finds the file that sets it by
/// the folder that it is started in, so a build from elsewhere would lose it without a word.
const KERNEL_RANDOMNESS: &str = "AWS_LC_SYS_NO_JITTER_ENTROPY";

#[expect(clippy::disallowed_methods, reason = "cargo talks to build scripts in variables")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={KERNEL_RANDOMNESS}");
    if std::env::var(KERNEL_RANDOMNESS).as_deref() != Ok("1") {
        return Err(format!(
            "{KERNEL_RANDOMNESS} is not 1, so every start of the provider would take 20 ms longer. \
             Run cargo inside the repository, whose .cargo/config.toml sets it, or set it yourself"
        )
        .into());
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let clients = out.join("clients");
    std::fs::create_dir_all(&clients)?;
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).open_files(PROTOCOLS)?;
    std::fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    let descriptors = compiler.file_descriptor_set();
    tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .generate_default_stubs(true)
        .compile_fds(descriptors.clone())?;
    tonic_prost_build::configure()
        .build_server(false)
        .build_transport(false)
        .out_dir(clients)
        .compile_fds(descriptors)?;
    Ok(())
}
