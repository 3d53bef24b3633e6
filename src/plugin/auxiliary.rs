//! The services that go-plugin itself expects beside the provider: the end of the process, and two streams that Terraform
//! opens and that have nothing to say here.

use std::time::Duration;

use futures::{StreamExt as _, future, stream};
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::ending::Ending;
use super::wire::go_plugin::grpc_broker_server::GrpcBroker;
use super::wire::go_plugin::grpc_controller_server::GrpcController;
use super::wire::go_plugin::grpc_stdio_server::GrpcStdio;
use super::wire::go_plugin::{ConnInfo, Empty, StdioData};

/// The host kills a plugin two seconds after its call of Shutdown (go-plugin `client.go`, `Kill`).
const GRACE: Duration = Duration::from_secs(1);

/// Serves all three.
#[derive(Clone)]
pub(super) struct Auxiliary(pub(super) Ending);

impl Auxiliary {
    /// A stream that sends nothing and ends with the process.
    fn silence<T: Send + 'static>(&self) -> BoxStream<T> {
        let ending = self.0.clone();
        let end = stream::once(async move { ending.begun().await });
        Box::pin(end.filter_map(|_| future::ready(None)))
    }
}

#[async_trait]
impl GrpcController for Auxiliary {
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.0.begin(GRACE);
        Ok(Response::new(Empty {}))
    }
}

#[async_trait]
impl GrpcStdio for Auxiliary {
    /// Nothing is forwarded: the log goes to the real standard error, and nothing is printed after the handshake.
    async fn stream_stdio(&self, _request: Request<()>) -> Result<Response<BoxStream<StdioData>>, Status> {
        Ok(Response::new(self.silence()))
    }
}

#[async_trait]
impl GrpcBroker for Auxiliary {
    async fn start_stream(
        &self,
        _request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<BoxStream<ConnInfo>>, Status> {
        Ok(Response::new(self.silence()))
    }
}
