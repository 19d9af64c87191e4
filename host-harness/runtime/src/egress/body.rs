//! Request and response bodies. A response body is bounded in length and in the time between two
//! chunks, and secrets in it are masked; recordings store both.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use super::connect::failure_of_error;
use super::failure::Failure;
use super::gunzip::Gunzip;
use super::keyring::Masks;
use super::wasi::error_code;
use crate::grants::{Denial, GrantedLimits};
use crate::http_recording::{Answered, Begun, Exchanges, Outcome};
use crate::mask::MaskedStream;

/// The maximum length of a recorded body, which is buffered in memory, several times over while it
/// is written.
const MAX_RECORDED_LEN: usize = 8 * 1024 * 1024;

/// Request bodies of up to this length are buffered before they are sent, so that they can be sent
/// again.
const MAX_BUFFERED_LEN: usize = 1024 * 1024;

/// Counts the bytes of a request body against its limits. Clones share the count.
#[derive(Clone)]
pub(super) struct Meter(Arc<Counts>);

struct Counts {
    one: u64,
    all: u64,
    body: AtomicU64,
    /// Of all request bodies of the call.
    call: Arc<AtomicU64>,
    /// Which of the two limits was exceeded; 0 for none.
    passed: AtomicU8,
}

impl Meter {
    pub(super) fn new(limits: &GrantedLimits, call: Arc<AtomicU64>) -> Self {
        let (one, all) = (limits.request_body(), limits.request_bodies());
        Self(Arc::new(Counts { one, all, body: AtomicU64::new(0), call, passed: AtomicU8::new(0) }))
    }

    /// Counts more bytes; false if they exceed a limit.
    fn count(&self, bytes: usize) -> bool {
        let bytes = bytes as u64;
        let body = self.0.body.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let call = self.0.call.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let passed = if body > self.0.one { 1 } else { 2 * u8::from(call > self.0.all) };
        self.0.passed.fetch_max(passed, Ordering::Relaxed);
        passed == 0
    }

    /// The limit that was exceeded, if any.
    pub(super) fn denial(&self) -> Option<Denial> {
        match self.0.passed.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(Denial::RequestBody(self.0.one)),
            _ => Some(Denial::RequestBodies(self.0.all)),
        }
    }
}

/// A request body that fails when it exceeds its limit.
pub(super) struct Metered {
    pub(super) body: WasiBody,
    pub(super) meter: Meter,
}

impl Body for Metered {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let bytes =
            frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref).map_or(0, Bytes::len);
        if self.meter.count(bytes) {
            return Poll::Ready(frame);
        }
        Poll::Ready(Some(Err(Error::HttpRequestBodySize(None))))
    }
}

/// A request body before it is sent.
pub(super) enum Gathered {
    /// The whole body.
    Whole(Bytes),
    /// A long body: the buffered start, and the rest.
    Long { first: Vec<Bytes>, rest: WasiBody },
}

/// Buffers a body unless it is long. The error is the plug's own: it abandoned the body.
pub(super) async fn gather(mut body: WasiBody) -> Result<Gathered, Error> {
    let (mut pieces, mut length) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        // Drop request trailers, which no supported server uses.
        let Ok(piece) = frame?.into_data() else { continue };
        length = length.saturating_add(piece.len());
        pieces.push(piece);
        if length > MAX_BUFFERED_LEN {
            return Ok(Gathered::Long { first: pieces, rest: body });
        }
    }
    Ok(Gathered::Whole(match pieces.len() {
        0 | 1 => pieces.pop().unwrap_or_default(),
        _ => pieces.concat().into(),
    }))
}

/// The part of a request body that has passed, for a recording.
#[derive(Debug, Default)]
pub(super) struct Sent {
    bytes: Vec<u8>,
    /// Whether it is complete.
    whole: bool,
}

/// Shared with the body while it is being sent.
pub(super) type Seen = Arc<Mutex<Sent>>;

fn seen(seen: &Seen) -> MutexGuard<'_, Sent> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A body that was buffered whole.
pub(super) fn whole(bytes: &Bytes) -> Seen {
    Arc::new(Mutex::new(Sent { bytes: bytes.to_vec(), whole: true }))
}

/// A long body in flight: the buffered start, and the rest. Recorded as it passes.
pub(super) struct Long {
    pub(super) first: std::vec::IntoIter<Bytes>,
    pub(super) rest: WasiBody,
    pub(super) seen: Option<Seen>,
}

impl Body for Long {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = match self.first.next() {
            Some(piece) => Some(Ok(Frame::data(piece))),
            None => ready!(Pin::new(&mut self.rest).poll_frame(cx)),
        };
        if let Some(own) = &self.seen {
            let mut sent = seen(own);
            match frame.as_ref().map(|frame| frame.as_ref().ok().and_then(Frame::data_ref)) {
                Some(Some(piece)) => {
                    let room = MAX_RECORDED_LEN.saturating_sub(sent.bytes.len());
                    sent.bytes.extend_from_slice(piece.get(..room).unwrap_or(piece));
                }
                Some(None) => {}
                None => sent.whole = sent.bytes.len() < MAX_RECORDED_LEN,
            }
        }
        Poll::Ready(frame)
    }
}

/// Records an exchange when it ends, however it ends.
pub(super) struct Recording {
    exchanges: Exchanges,
    begun: Option<Begun>,
    request: Seen,
    status: u16,
    headers: http::HeaderMap,
    response: Vec<u8>,
    /// Whether the response continued after the recorded part.
    cut: bool,
}

impl Recording {
    pub(super) fn new(exchanges: Exchanges, begun: Begun, request: Seen) -> Self {
        Self {
            exchanges,
            begun: Some(begun),
            request,
            status: 0,
            headers: http::HeaderMap::new(),
            response: Vec::new(),
            cut: false,
        }
    }

    pub(super) fn set_head(&mut self, head: &http::response::Parts) {
        self.status = head.status.as_u16();
        self.headers = head.headers.clone();
    }

    pub(super) fn failed(mut self, failure: Failure) {
        self.end(Outcome::Failed(failure));
    }

    fn ended(&mut self, broken: Option<Failure>) {
        let response = std::mem::take(&mut self.response);
        // A replay must not treat a truncated body as complete.
        let broken = broken.or_else(|| self.cut.then_some(Failure::TooLong(MAX_RECORDED_LEN as u64)));
        self.end(Outcome::Answered(Answered::new(self.status, &self.headers, response, broken)));
    }

    fn end(&mut self, outcome: Outcome) {
        let Some(begun) = self.begun.take() else { return };
        let (request, whole) = {
            let mut sent = seen(&self.request);
            (std::mem::take(&mut sent.bytes), sent.whole)
        };
        self.exchanges.end(begun, request, whole, outcome);
    }
}

impl Drop for Recording {
    /// The plug did not wait for the response, or did not read it to its end.
    fn drop(&mut self) {
        let broken = Some(Failure::Incomplete);
        if self.status == 0 { self.end(Outcome::Failed(Failure::Incomplete)) } else { self.ended(broken) }
    }
}

/// The limits of a response body.
pub(super) struct Bounds {
    /// The maximum length, in bytes.
    pub(super) limit: u64,
    /// The maximum time between two chunks.
    pub(super) between: Duration,
}

/// A response body as the plug reads it.
pub(super) struct ResponseBody<G> {
    body: Incoming,
    bounds: Bounds,
    received: u64,
    pause: Pin<Box<Sleep>>,
    gunzip: Option<Gunzip>,
    masks: Masks,
    /// None if there is nothing to mask.
    masked: Option<MaskedStream>,
    recording: Option<Recording>,
    over: bool,
    /// Held until the body is dropped.
    _guard: G,
}

impl<G> ResponseBody<G> {
    pub(super) fn new(
        body: Incoming,
        bounds: Bounds,
        gunzip: Option<Gunzip>,
        masks: Masks,
        recording: Option<Recording>,
        guard: G,
    ) -> Self {
        let pause = Box::pin(sleep(bounds.between));
        let mut response = Self {
            body,
            bounds,
            received: 0,
            pause,
            gunzip,
            masks,
            masked: None,
            recording,
            over: false,
            _guard: guard,
        };
        // An empty body may never be polled.
        if response.body.is_end_stream() {
            response.end(None);
        }
        response
    }

    fn end(&mut self, broken: Option<Failure>) {
        self.over = true;
        if let Some(mut recording) = self.recording.take() {
            recording.ended(broken);
        }
    }

    fn fail(&mut self, failure: Failure) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        // The plug only sees that the body ended: wasmtime passes no reason.
        tracing::info!(%failure, "a response was not read to its end");
        self.end(Some(failure.clone()));
        Poll::Ready(Some(Err(error_code(failure))))
    }

    fn mask(&mut self, bytes: Bytes) -> Bytes {
        let mask = self.masks.now();
        match &mut self.masked {
            Some(masked) => {
                masked.follow(mask);
                masked.push(&bytes)
            }
            None if mask.is_empty() => bytes,
            None => self.masked.insert(mask.stream()).push(&bytes),
        }
    }

    fn give(&mut self, bytes: Bytes) -> Frame<Bytes> {
        if let Some(recording) = &mut self.recording {
            let room = MAX_RECORDED_LEN.saturating_sub(recording.response.len());
            recording.cut |= bytes.len() > room;
            recording.response.extend_from_slice(bytes.get(..room).unwrap_or(&bytes));
        }
        Frame::data(bytes)
    }
}

impl<G: Unpin> Body for ResponseBody<G> {
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
                    // Drop response trailers, which the plug does not use.
                    let Ok(bytes) = frame.into_data() else { continue };
                    this.received = this.received.saturating_add(bytes.len() as u64);
                    if this.received > this.bounds.limit {
                        return this.fail(Failure::TooLong(this.bounds.limit));
                    }
                    let bytes = match this.gunzip.as_mut().map(|gunzip| gunzip.push(&bytes, this.bounds.limit)) {
                        Some(Ok(plain)) => plain,
                        Some(Err(failure)) => return this.fail(failure),
                        None => bytes,
                    };
                    let bytes = this.mask(bytes);
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(Ok(this.give(bytes))));
                    }
                }
                Some(Err(error)) => {
                    let failure = match failure_of_error(&error) {
                        Failure::Terminated => Failure::Incomplete,
                        other => other,
                    };
                    return this.fail(failure);
                }
                None => {
                    let plain = match this.gunzip.as_mut().map(|gunzip| gunzip.finish(this.bounds.limit)) {
                        Some(Ok(plain)) => plain,
                        Some(Err(failure)) => return this.fail(failure),
                        None => Bytes::new(),
                    };
                    let plain = this.mask(plain);
                    let rest = match &mut this.masked {
                        Some(masked) => [plain, masked.finish()].concat().into(),
                        None => plain,
                    };
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
        Poll::Ready(self.broken.take().map(|failure| Err(error_code(failure))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.as_ref().is_none_or(Bytes::is_empty) && self.broken.is_none()
    }
}
