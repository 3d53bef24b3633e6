//! The bodies of answers: whole, or broken off on purpose.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};

/// Closes the connection without an answer.
#[derive(Debug)]
pub(crate) struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

/// When a body breaks off.
#[derive(Clone, Copy)]
enum Break {
    AfterFlush,
    Now,
}

/// A response body that may break off.
#[derive(Default)]
pub(crate) struct Answer {
    data: Option<Bytes>,
    breaks: Option<Break>,
}

impl Answer {
    /// A body that is sent to its end.
    pub(crate) fn whole(text: String) -> Self {
        Self {
            data: Some(Bytes::from(text)).filter(|data| !data.is_empty()),
            breaks: None,
        }
    }

    /// The beginning of a body, after which the connection closes.
    pub(crate) fn half(text: String) -> Self {
        Self {
            data: Some(Bytes::from(text)),
            breaks: Some(Break::AfterFlush),
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.breaks {
            None => Poll::Ready(None),
            Some(Break::AfterFlush) => {
                // hyper sends what it has when the body is not ready, and throws it away when the body fails.
                self.breaks = Some(Break::Now);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Break::Now) => Poll::Ready(Some(Err(Dropped))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.breaks.is_none()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        if self.breaks.is_some() {
            return hyper::body::SizeHint::default();
        }
        hyper::body::SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64))
    }
}
