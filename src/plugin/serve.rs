//! The life of the process: start, handshake, service, end.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tonic::transport::Server;

use super::arguments::{self, Command};
use super::auxiliary::Auxiliary;
use super::calls::Calls;
use super::ending::Ending;
use super::lifetime::{Interrupt, Signals};
use super::service::Service;
use super::socket::SocketDirectory;
use super::tls::Tls;
use super::wire::go_plugin::grpc_broker_server::GrpcBrokerServer;
use super::wire::go_plugin::grpc_controller_server::GrpcControllerServer;
use super::wire::go_plugin::grpc_stdio_server::GrpcStdioServer;
use super::wire::tfplugin6::provider_server::ProviderServer;
use super::{Provider, crash, handshake, lifetime, log, transport};
use crate::clock::Clock;
use crate::environment::Environment;

/// Largest message either way, in bytes; what Go providers allow. The default of 4 MiB is too small for real states.
const LARGEST_MESSAGE: usize = 256 * 1024 * 1024;

/// Threads for what must never wait for a call: connections, StopProvider, Shutdown, signals, the watch on the host.
const CONTROL_THREADS: usize = 2;

/// Time for connections to close when the last call has ended; a client that says nothing keeps its own open.
const LINGER: Duration = Duration::from_secs(1);

/// Who is being served.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// Name of the executable.
    pub name: &'static str,
    /// Version of the executable.
    pub version: &'static str,
    /// Full address, such as `registry.terraform.io/namespace/type`; for `-debug`.
    pub address: &'static str,
}

/// Serves the provider that `build` makes until the host ends it; the whole of a provider's `main`.
///
/// Started by Terraform or OpenTofu it speaks go-plugin's protocol. `-debug` serves without a host and prints what to
/// put into `TF_REATTACH_PROVIDERS`; `--version` and `--help` say what it is. A failure of `build` reaches the user as the
/// reason why the provider did not start.
pub fn serve<P: Provider>(
    identity: Identity,
    environment: &Environment,
    build: impl FnOnce() -> Result<P, String>,
) -> ExitCode {
    crash::install_hook();
    log::install(identity.name, environment);
    lifetime::forbid_core_dumps();
    match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Command::Version) => tell(&format!("{} {}", identity.name, identity.version)),
        Ok(Command::Help) => tell(&format!("{}\n\n{}", by_hand(identity), arguments::HELP)),
        Ok(Command::Debug) => match debug(identity, environment, build) {
            Ok(()) => ExitCode::SUCCESS,
            Err(problem) => complain(&problem),
        },
        Ok(Command::Serve) if !handshake::started_by_host(environment) => complain(&by_hand(identity)),
        Ok(Command::Serve) => match launched(environment, build) {
            Ok(()) => ExitCode::SUCCESS,
            Err(problem) => {
                tracing::error!(problem, "the provider cannot start");
                // The exit status says the same when nobody reads the line.
                drop(handshake::announce(&handshake::failure_line(&problem)));
                ExitCode::FAILURE
            }
        },
        Err(problem) => complain(&problem),
    }
}

/// Serves a host that started us, over TLS when it sent a certificate (`TF_DISABLE_PLUGIN_TLS` makes it send none).
fn launched<P: Provider>(environment: &Environment, build: impl FnOnce() -> Result<P, String>) -> Result<(), String> {
    // Not in debug mode, where a debugger is to be let in.
    lifetime::keep_memory_private();
    let process = Process::begin()?;
    handshake::negotiate(environment)?;
    let tls = tls(environment)?;
    let socket = SocketDirectory::create(environment)?;
    let certificate = tls.as_ref().map(|tls| tls.certificate.as_ref());
    let line = handshake::line(&socket.socket(), certificate);
    process.serve(build()?, &socket, tls, Interrupt::Ignored, &line)
}

/// Serves whoever sets `TF_REATTACH_PROVIDERS`: no cookie, no TLS, and Ctrl-C ends it. The socket's directory still keeps others out.
fn debug<P: Provider>(
    identity: Identity,
    environment: &Environment,
    build: impl FnOnce() -> Result<P, String>,
) -> Result<(), String> {
    let process = Process::begin()?;
    let socket = SocketDirectory::create(environment)?;
    let line = arguments::reattach(identity.address, &socket.socket());
    process.serve(build()?, &socket, None, Interrupt::Ends, &line)
}

/// TLS when the host sent a certificate. One that cannot be read must not pass for none.
fn tls(environment: &Environment) -> Result<Option<Tls>, String> {
    const CERTIFICATE: &str = "PLUGIN_CLIENT_CERT";
    if environment.is_unreadable(CERTIFICATE) {
        return Err(format!(
            "{CERTIFICATE} holds no PEM certificate (it is not even UTF-8). Terraform sets it: unset it where else it is set"
        ));
    }
    environment.get(CERTIFICATE).map(Tls::for_client).transpose()
}

/// Threads and signal handlers: what is there before anything that must be cleaned up.
struct Process {
    control: Runtime,
    work: Runtime,
    signals: Signals,
}

impl Process {
    fn begin() -> Result<Self, String> {
        let runtime = |mut builder: Builder| {
            let runtime = builder.enable_all().build();
            runtime.map_err(|error| format!("the runtime did not start ({error})"))
        };
        let mut few = Builder::new_multi_thread();
        few.worker_threads(CONTROL_THREADS);
        let control = runtime(few)?;
        let signals = {
            let _inside = control.enter();
            Signals::take().map_err(|error| format!("signals cannot be handled ({error})"))?
        };
        let work = runtime(Builder::new_multi_thread())?;
        Ok(Self { control, work, signals })
    }

    /// Announces `line` once everything is ready, then serves until the end.
    fn serve<P: Provider>(
        self,
        provider: P,
        socket: &SocketDirectory,
        tls: Option<Tls>,
        interrupt: Interrupt,
        line: &str,
    ) -> Result<(), String> {
        let (ending, calls) = (Ending::new(), Calls::new(self.work.handle().clone()));
        let provider = Arc::new(provider);
        let stopped = Arc::clone(&provider);
        let clock = Clock::default();
        let result = self.control.block_on(async {
            self.signals
                .watch(interrupt, ending.clone(), clock, move || stopped.stop());
            work(provider, socket, tls, calls, ending, clock, line).await
        });
        // Calls that outlast their grace must not keep the process.
        self.work.shutdown_background();
        self.control.shutdown_background();
        result
    }
}

async fn work<P: Provider>(
    provider: Arc<P>,
    socket: &SocketDirectory,
    tls: Option<Tls>,
    calls: Calls,
    ending: Ending,
    clock: Clock,
    line: &str,
) -> Result<(), String> {
    let listener = socket
        .listen()
        .map_err(|error| format!("its socket cannot be opened ({error})"))?;
    let incoming = transport::accept(listener, tls.map(|tls| tls.config), clock);
    let provider_server = ProviderServer::new(Service::new(provider, calls.clone()))
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    let auxiliary = Auxiliary(ending.clone());
    let begun = ending.clone();
    let end = async move {
        begun.begun().await;
    };
    let server = Server::builder()
        .add_service(provider_server)
        .add_service(GrpcControllerServer::new(auxiliary.clone()))
        .add_service(GrpcStdioServer::new(auxiliary.clone()))
        .add_service(GrpcBrokerServer::new(auxiliary))
        .serve_with_incoming_shutdown(incoming, end);
    handshake::announce(line).map_err(|error| format!("the handshake line cannot be written ({error})"))?;
    // Connections close first, then calls whose client has gone come to their end.
    let done = async {
        let served = server.await;
        calls.idle().await;
        served.map_err(|error| format!("the server failed ({error})"))
    };
    tokio::select! {
        done = done => done,
        () = quiet(&ending, &calls, clock) => {
            tracing::info!("ended without waiting for connections on which nothing happens");
            Ok(())
        }
        () = overdue(&ending, clock) => {
            tracing::warn!("ended without waiting any longer for calls and connections");
            Ok(())
        }
    }
}

/// Completes some time after the wish to end, when the last call has ended. A call may still come in on the heels of that wish.
async fn quiet(ending: &Ending, calls: &Calls, clock: Clock) {
    ending.begun().await;
    loop {
        calls.idle().await;
        clock.sleep(LINGER).await;
        if calls.are_none() {
            return;
        }
    }
}

/// Completes when the grace after the wish to end has passed.
async fn overdue(ending: &Ending, clock: Clock) {
    let grace = ending.begun().await;
    clock.sleep(grace).await;
}

fn by_hand(identity: Identity) -> String {
    format!(
        "{} {} is a plugin of Terraform and OpenTofu, which start it themselves: it is of no use on its own.\n\
         Name it under required_providers and run `terraform init`, or start it with -debug to attach a debugger.",
        identity.name, identity.version
    )
}

/// Tells a person who asked.
fn tell(text: &str) -> ExitCode {
    handshake::announce(text).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

/// Tells a person at a terminal.
fn complain(problem: &str) -> ExitCode {
    // The exit status says the same when nobody reads the text.
    drop(std::io::stderr().write_all(format!("{problem}\n").as_bytes()));
    ExitCode::FAILURE
}
