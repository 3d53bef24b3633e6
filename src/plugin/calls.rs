//! The calls in flight. Each runs as a task of its own: a client that hangs up does not cancel it half way,
//! and a panic in it ends that call alone. They have threads of their own: a call that computes for long keeps neither
//! StopProvider nor the end of the process waiting.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::crash;
use crate::diagnostics::Protocol;
use crate::terraform::{Diagnostic, Diagnostics, Path};

/// Runs calls and counts those in flight; cheap to clone.
#[derive(Clone)]
pub(super) struct Calls {
    threads: Handle,
    in_flight: watch::Sender<usize>,
}

/// Counts one call for as long as it lives.
struct InFlight(watch::Sender<usize>);

impl Calls {
    /// None so far; they will run on `threads`.
    pub(super) fn new(threads: Handle) -> Self {
        Self {
            threads,
            in_flight: watch::Sender::new(0),
        }
    }

    /// Runs one call to its end, even if the caller goes away. A panic becomes an error diagnostic.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        rpc: &'static str,
        call: impl Future<Output = Result<T, Diagnostics>> + Send + 'static,
    ) -> Result<T, Diagnostics> {
        tracing::debug!(rpc, "call begins");
        self.in_flight.send_modify(|count| *count += 1);
        let in_flight = InFlight(self.in_flight.clone());
        let task = self.threads.spawn(async move {
            let _in_flight = in_flight;
            let call = AssertUnwindSafe(call).catch_unwind();
            // Asked on the thread that caught it.
            let result = call.await.map_err(|_| crash::caught());
            tracing::debug!(rpc, ok = result.is_ok(), "call ended");
            result
        });
        let result = match task.await {
            Ok(result) => result,
            // The process ends, and the connection with it: that is the answer.
            Err(failure) if failure.is_cancelled() => std::future::pending().await,
            // Its text would quote the panic.
            Err(_) => Err("The call was cut short".to_owned()),
        };
        result.unwrap_or_else(|problem| Err(crashed(rpc, &problem)))
    }

    /// Whether no call is in flight.
    pub(super) fn are_none(&self) -> bool {
        *self.in_flight.borrow() == 0
    }

    /// Completes when no call is in flight.
    pub(super) async fn idle(&self) {
        // The sender lives in self, so waiting cannot fail.
        drop(self.in_flight.subscribe().wait_for(|count| *count == 0).await);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

fn crashed(rpc: &'static str, problem: &str) -> Diagnostics {
    let crash = Protocol::Crashed {
        rpc: rpc.into(),
        problem: problem.to_owned(),
    };
    Diagnostic::new(Path::root(), crash).into()
}
