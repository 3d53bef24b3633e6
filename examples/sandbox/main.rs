//! The sandbox: vendors on loopback that keep real state, to try the provider with and to test it against.
//!
//! `cargo run --example sandbox` prints `export NAME='value'` lines that point the provider at it, then `ready`. It is
//! written from the vendors' published specifications and shares no code with the provider. See README.md beside this file.

mod aws;
mod body;
mod call;
mod clock;
mod control;
mod fault;
mod fields;
mod fly;
mod github;
mod graphql;
mod hold;
mod keys;
mod neon;
mod platform;
mod railway;
mod render;
mod resend;
mod server;
mod timeline;
mod vendors;
mod vercel;
mod world;

use std::process::ExitCode;

const HELP: &str = "\
Vendors on loopback that keep real state, to try the provider with and to test it against.

Usage: cargo run --example sandbox -- [options]

  --port N           listen there (default: a free port)
  --exit-with-stdin  end when standard input ends
  --help             print this

It prints `export NAME='value'` lines that point the provider at it, then `ready`. examples/sandbox/README.md has the rest.";

/// What the command line asks for.
struct Options {
    port: u16,
    exit_with_stdin: bool,
}

/// `None`: help.
fn options() -> Result<Option<Options>, String> {
    let mut options = Options {
        port: 0,
        exit_with_stdin: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--port" => {
                let port = arguments.next().and_then(|text| text.parse().ok());
                options.port = port.ok_or("--port needs a number from 0 to 65535")?;
            }
            "--exit-with-stdin" => options.exit_with_stdin = true,
            "--help" | "-h" => return Ok(None),
            other => {
                return Err(format!(
                    "unknown argument {other:?}; there are --port N, --exit-with-stdin and --help"
                ));
            }
        }
    }
    Ok(Some(options))
}

#[tokio::main]
async fn main() -> ExitCode {
    match options() {
        Ok(Some(options)) => server::run(options.port, options.exit_with_stdin).await,
        Ok(None) => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("sandbox: {problem}");
            ExitCode::FAILURE
        }
    }
}
