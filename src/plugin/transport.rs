//! Accepts connections and hands them to the gRPC server, after the TLS handshake where TLS is on.
//!
//! Handshakes run beside each other, so that a client that stalls does not keep another one waiting.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::clock::Clock;

/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Pause after a failed accept; such failures (too many open files) do not go away at once.
const PAUSE: Duration = Duration::from_millis(50);

/// A connection, encrypted or not.
pub(super) enum Connection {
    Plain(UnixStream),
    Encrypted(Box<TlsStream<UnixStream>>),
}

/// Accepts for as long as the returned stream is read.
pub(super) fn accept(
    listener: UnixListener,
    tls: Option<Arc<ServerConfig>>,
    clock: Clock,
) -> impl Stream<Item = io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(16);
    let acceptor = tls.map(TlsAcceptor::from);
    tokio::spawn(async move {
        while !sender.is_closed() {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(admit(stream, acceptor.clone(), sender.clone(), clock))),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    clock.sleep(PAUSE).await;
                }
            }
        }
    });
    ReceiverStream::new(receiver)
}

async fn admit(
    stream: UnixStream,
    acceptor: Option<TlsAcceptor>,
    sender: mpsc::Sender<io::Result<Connection>>,
    clock: Clock,
) {
    let connection = match acceptor {
        None => Connection::Plain(stream),
        Some(acceptor) => {
            let handshake = tokio::select! {
                handshake = acceptor.accept(stream) => handshake,
                () = clock.sleep(HANDSHAKE) => Err(io::ErrorKind::TimedOut.into()),
            };
            match handshake {
                Ok(stream) => Connection::Encrypted(Box::new(stream)),
                Err(error) => {
                    tracing::warn!(%error, "a client was refused");
                    return;
                }
            }
        }
    };
    if sender.send(Ok(connection)).await.is_err() {
        tracing::debug!("a client came after the end");
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
