//! Bodies on their way: an answer's is bounded in length and in the time between two pieces, and secrets in it are written over; both
//! are taken down where exchanges are recorded.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use super::connect::of_error;
use super::failure::Failure;
use super::told;
use crate::recording::{Answered, Begun, Exchanges, Outcome};
use crate::secrets::{Mask, MaskedStream};

/// The most of a body that is kept in memory: of an answer's where it is recorded, and of a request's.
const MOST_KEPT: usize = 64 * 1024 * 1024;

/// What has gone by of a request's body: for a recording, and to send it again.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pieces: Vec<Bytes>,
    length: usize,
    /// Whether that is all of it.
    pub(super) whole: bool,
}

impl Sent {
    fn see(&mut self, piece: &Bytes) {
        if self.length.saturating_add(piece.len()) <= MOST_KEPT {
            self.length += piece.len();
            self.pieces.push(piece.clone());
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.pieces.concat()
    }
}

/// Shared with the body while it is being sent.
pub(super) type Seen = Arc<Mutex<Sent>>;

/// A look at what has been sent.
pub(super) fn seen(seen: &Seen) -> MutexGuard<'_, Sent> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request's body whose pieces are kept as they pass.
pub(super) struct Watched {
    body: WasiBody,
    seen: Seen,
    length: usize,
}

impl Watched {
    pub(super) fn new(body: WasiBody, seen: Seen) -> Self {
        if body.is_end_stream() {
            self::seen(&seen).whole = true;
        }
        Self { body, seen, length: 0 }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Some(piece)) = frame.as_ref().and_then(|frame| Some(frame.as_ref().ok()?.data_ref())) {
            self.length = self.length.saturating_add(piece.len());
            seen(&self.seen).see(piece);
        }
        let over = frame.is_none() || self.body.is_end_stream();
        let mut sent = seen(&self.seen);
        sent.whole = over && !matches!(frame, Some(Err(_))) && sent.length == self.length;
        drop(sent);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Writes an exchange down when it is over, however it ends.
pub(super) struct Taking {
    exchanges: Exchanges,
    begun: Option<Begun>,
    request: Seen,
    status: u16,
    headers: http::HeaderMap,
    answer: Vec<u8>,
}

impl Taking {
    pub(super) fn new(exchanges: Exchanges, begun: Begun, request: Seen) -> Self {
        Self { exchanges, begun: Some(begun), request, status: 0, headers: http::HeaderMap::new(), answer: Vec::new() }
    }

    pub(super) fn answered(&mut self, head: &http::response::Parts) {
        self.status = head.status.as_u16();
        self.headers = head.headers.clone();
    }

    pub(super) fn failed(mut self, failure: Failure) {
        self.end(Outcome::Failed(failure));
    }

    fn ended(&mut self, broken: Option<Failure>) {
        let answer = std::mem::take(&mut self.answer);
        self.end(Outcome::Answered(Answered::new(self.status, &self.headers, answer, broken)));
    }

    fn end(&mut self, outcome: Outcome) {
        let Some(begun) = self.begun.take() else { return };
        let (request, whole) = {
            let sent = seen(&self.request);
            (sent.bytes(), sent.whole)
        };
        self.exchanges.end(begun, request, whole, outcome);
    }
}

impl Drop for Taking {
    /// The plug did not wait, or did not read to the end.
    fn drop(&mut self) {
        let broken = Some(Failure::Incomplete);
        if self.status == 0 { self.end(Outcome::Failed(Failure::Incomplete)) } else { self.ended(broken) }
    }
}

/// How an answer's body is bounded.
pub(super) struct Bounds {
    /// The most bytes of it.
    pub(super) limit: u64,
    /// The longest time between two pieces.
    pub(super) between: Duration,
}

/// An answer's body as the plug gets it.
pub(super) struct Answer<G> {
    body: Incoming,
    bounds: Bounds,
    received: u64,
    pause: Pin<Box<Sleep>>,
    masked: Option<MaskedStream>,
    taking: Option<Taking>,
    over: bool,
    /// Held until the body is gone.
    _guard: G,
}

impl<G> Answer<G> {
    pub(super) fn new(body: Incoming, bounds: Bounds, mask: &Mask, taking: Option<Taking>, guard: G) -> Self {
        let pause = Box::pin(sleep(bounds.between));
        let masked = (!mask.is_empty()).then(|| mask.stream());
        let mut answer = Self { body, bounds, received: 0, pause, masked, taking, over: false, _guard: guard };
        // Nobody may ask for a body that says that it has none.
        if answer.body.is_end_stream() {
            answer.end(None);
        }
        answer
    }

    fn end(&mut self, broken: Option<Failure>) {
        self.over = true;
        if let Some(mut taking) = self.taking.take() {
            taking.ended(broken);
        }
    }

    fn fail(&mut self, failure: Failure) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.end(Some(failure.clone()));
        Poll::Ready(Some(Err(told(failure))))
    }

    fn give(&mut self, bytes: Bytes) -> Frame<Bytes> {
        if let Some(taking) = &mut self.taking {
            let room = MOST_KEPT.saturating_sub(taking.answer.len());
            taking.answer.extend_from_slice(bytes.get(..room).unwrap_or(&bytes));
        }
        Frame::data(bytes)
    }
}

impl<G: Unpin> Body for Answer<G> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        loop {
            if this.over {
                return Poll::Ready(None);
            }
            let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
                ready!(this.pause.as_mut().poll(cx));
                return this.fail(Failure::ReadTimeout);
            };
            this.pause.as_mut().reset(Instant::now() + this.bounds.between);
            match frame {
                Some(Ok(frame)) => {
                    // Trailers are of no use to this plug, and could not come before what is kept back.
                    let Ok(bytes) = frame.into_data() else { continue };
                    this.received = this.received.saturating_add(bytes.len() as u64);
                    if this.received > this.bounds.limit {
                        return this.fail(Failure::TooLong(this.bounds.limit));
                    }
                    let bytes = match &mut this.masked {
                        Some(masked) => masked.push(&bytes),
                        None => bytes,
                    };
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(Ok(this.give(bytes))));
                    }
                }
                Some(Err(error)) => {
                    let failure = match of_error(&error) {
                        Failure::Terminated => Failure::Incomplete,
                        other => other,
                    };
                    return this.fail(failure);
                }
                None => {
                    let rest = this.masked.as_mut().map(MaskedStream::finish).unwrap_or_default();
                    let last = (!rest.is_empty()).then(|| this.give(rest));
                    this.end(None);
                    return Poll::Ready(last.map(Ok));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }

    fn size_hint(&self) -> SizeHint {
        if self.over { SizeHint::with_exact(0) } else { SizeHint::default() }
    }
}

/// A recorded body, and how it ended.
pub(super) struct Recorded {
    pub(super) bytes: Option<Bytes>,
    pub(super) broken: Option<Failure>,
}

impl Body for Recorded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(bytes) = self.bytes.take().filter(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        Poll::Ready(self.broken.take().map(|failure| Err(told(failure))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.as_ref().is_none_or(Bytes::is_empty) && self.broken.is_none()
    }
}
