//! When the process ends: never by Ctrl-C, Ctrl-\ or a terminal that closes, which reach provider and Terraform alike and would
//! lose the apply in flight; on SIGTERM, and when Terraform has died without a word, after the calls in flight.

use std::io;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getppid, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::ending::Ending;
use crate::clock::Clock;

/// How long calls in flight may take when nobody waits for the answer any more.
const GRACE: Duration = Duration::from_secs(30);

/// How often the parent is looked at. A signal at the parent's death is no alternative: Linux ties it to the parent's
/// *thread*, and Go ends threads as it likes (prctl(2), `PR_SET_PDEATHSIG`).
const PARENT_CHECK: Duration = Duration::from_secs(1);

/// Forbids core dumps: they would hold secrets. A system that refuses has its own reasons.
pub(super) fn forbid_core_dumps() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps could not be forbidden");
    }
}

/// Keeps other processes of the same user out of this one's memory and environment (ptrace(2), `/proc/<pid>/mem`, `environ`), and
/// core dumps off even where a handler takes them in spite of the limit (core(5)). Elsewhere than on Linux there is no such switch.
pub(super) fn keep_memory_private() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "the process could not be closed to others of this user");
    }
}

/// What the signals of a terminal mean: SIGINT, SIGQUIT, SIGHUP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// Nothing: Terraform sends StopProvider when it wants an end, and one that dies of them is missed.
    Ignored,
    /// The end: a developer runs the provider by hand.
    Ends,
}

/// The signals that are taken, from the moment on when this was made, and the parent of that moment.
pub(super) struct Signals {
    interrupts: Interrupts,
    terminations: Signal,
    parent: Option<Pid>,
}

/// Those of a terminal.
struct Interrupts {
    interrupt: Signal,
    quit: Signal,
    hangup: Signal,
}

impl Signals {
    /// Takes them. Early, so that none ends the process while there is something to clean up; what comes before [`Signals::watch`]
    /// is not lost. To be called inside a runtime.
    ///
    /// # Errors
    /// When the system refuses a signal handler.
    pub(super) fn take() -> io::Result<Self> {
        Ok(Self {
            interrupts: Interrupts {
                interrupt: signal(SignalKind::interrupt())?,
                quit: signal(SignalKind::quit())?,
                hangup: signal(SignalKind::hangup())?,
            },
            terminations: signal(SignalKind::terminate())?,
            // As it is before the handshake: a host that has died by then reads no line, and one that dies later leaves another parent.
            parent: getppid(),
        })
    }

    /// Watches signals and, when a host started us, the host. `on_end` is called once before the end is told.
    pub(super) fn watch(
        mut self,
        interrupt: Interrupt,
        ending: Ending,
        clock: Clock,
        on_end: impl FnOnce() + Send + 'static,
    ) {
        tokio::spawn(async move {
            tokio::select! {
                () = interrupted(self.interrupts, interrupt) => tracing::info!("interrupted"),
                _ = self.terminations.recv() => tracing::info!("asked to terminate"),
                () = orphaned(interrupt, self.parent, clock) => tracing::warn!("the host has died"),
            }
            on_end();
            ending.begin(GRACE);
        });
    }
}

async fn interrupted(mut interrupts: Interrupts, interrupt: Interrupt) {
    loop {
        let signal = tokio::select! {
            Some(()) = interrupts.interrupt.recv() => "SIGINT",
            Some(()) = interrupts.quit.recv() => "SIGQUIT",
            Some(()) = interrupts.hangup.recv() => "SIGHUP",
            else => break,
        };
        if interrupt == Interrupt::Ends {
            return;
        }
        tracing::info!(signal, "interrupt ignored: the host says when to stop");
    }
    std::future::pending().await
}

async fn orphaned(interrupt: Interrupt, parent: Option<Pid>, clock: Clock) {
    if interrupt == Interrupt::Ends {
        // Run by hand, there is no host to outlive.
        std::future::pending().await
    }
    while getppid() == parent {
        clock.sleep(PARENT_CHECK).await;
    }
}
