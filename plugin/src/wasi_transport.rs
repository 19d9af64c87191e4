//! [`Transport`] over `wasi:http/outgoing-handler`, [`Clock`] over `wasi:clocks`.
//!
//! Every wait also polls the deadline, so that limits apply even if the host ignores the request's
//! options.

use core::time::Duration;

use crate::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{
    self as wasi_http, ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme,
};
use crate::bindings::wasi::io::poll::{Pollable, poll};
use crate::bindings::wasi::io::streams::StreamError;
use crate::http::{Clock, Failure, Limits, Method, Request, Response, Transport, Url};

/// The maximum size of a read.
const READ_BYTES: u64 = 64 * 1024;

/// Network and clocks of the host.
pub(crate) struct Wasi;

impl Clock for Wasi {
    fn unix_nanos(&self) -> u64 {
        let now = wall_clock::now();
        now.seconds.saturating_mul(1_000_000_000).saturating_add(u64::from(now.nanoseconds))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }
}

impl Transport for Wasi {
    fn send_all(&mut self, requests: &[&Request], limits: &Limits) -> Vec<Result<Response, Failure>> {
        let deadline = Deadline::after(limits.total);
        // Start all requests before waiting for the first response.
        let sent: Vec<_> = requests.iter().map(|request| start(request, limits, &deadline)).collect();
        sent.into_iter().map(|future| receive(future?, limits, &deadline)).collect()
    }

    fn sleep(&mut self, duration: Duration) {
        poll(&[&Deadline::after(duration).pollable]);
    }
}

struct Deadline {
    pollable: Pollable,
    after: Duration,
}

impl Deadline {
    fn after(after: Duration) -> Self {
        let nanos = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        Self { pollable: monotonic_clock::subscribe_instant(monotonic_clock::now().saturating_add(nanos)), after }
    }

    /// Waits until `event` is ready; fails if the deadline comes first.
    fn wait(&self, event: &Pollable) -> Result<(), Failure> {
        // `poll` returns the indices that are ready; index 0 is the event.
        if poll(&[event, &self.pollable]).contains(&0) { Ok(()) } else { Err(Failure::Timeout { after: self.after }) }
    }
}

fn start(request: &Request, limits: &Limits, deadline: &Deadline) -> Result<FutureIncomingResponse, Failure> {
    let mut headers: Vec<_> =
        request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into_bytes())).collect();
    headers
        .extend(request.credentials.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned().into_bytes())));
    headers.push(("content-length".into(), request.body.len().to_string().into_bytes()));
    let headers = Fields::from_list(&headers).map_err(|_| Failure::Protocol("a header is not valid".into()))?;

    let outgoing = OutgoingRequest::new(headers);
    let invalid = |()| Failure::Protocol("the host rejected the URL".into());
    outgoing.set_method(&method(request.method)).map_err(invalid)?;
    outgoing.set_scheme(Some(&scheme(&request.url))).map_err(invalid)?;
    outgoing.set_authority(Some(&request.url.authority())).map_err(invalid)?;
    outgoing.set_path_with_query(Some(&request.url.path_and_query())).map_err(invalid)?;

    let options = RequestOptions::new();
    let nanos = |duration: Duration| Some(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    // A host may not support these; the deadline applies anyway.
    let _ = options.set_connect_timeout(nanos(limits.connect));
    let _ = options.set_first_byte_timeout(nanos(limits.total));
    let _ = options.set_between_bytes_timeout(nanos(limits.total));

    let body = outgoing.body().map_err(invalid)?;
    let future = outgoing_handler::handle(outgoing, Some(options)).map_err(|code| failure(&code, limits))?;
    match write(body, &request.body, deadline) {
        Ok(()) => Ok(future),
        // A server may respond early, for example with 413, and stop reading; its response is more
        // useful than the broken stream.
        Err(Failure::Broken) => Ok(future),
        Err(other) => Err(other),
    }
}

fn write(body: OutgoingBody, mut bytes: &[u8], deadline: &Deadline) -> Result<(), Failure> {
    let stream = body.write().map_err(|()| Failure::Protocol("the body cannot be written".into()))?;
    let ready = stream.subscribe();
    while !bytes.is_empty() {
        deadline.wait(&ready)?;
        let room = stream.check_write().map_err(|_| Failure::Broken)?;
        let (now, later) = bytes.split_at(bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
        stream.write(now).map_err(|_| Failure::Broken)?;
        bytes = later;
    }
    stream.flush().map_err(|_| Failure::Broken)?;
    deadline.wait(&ready)?;
    // Child resources must be dropped before their parent.
    drop(ready);
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|_| Failure::Broken)
}

fn receive(future: FutureIncomingResponse, limits: &Limits, deadline: &Deadline) -> Result<Response, Failure> {
    deadline.wait(&future.subscribe())?;
    let incoming = match future.get() {
        Some(Ok(Ok(incoming))) => incoming,
        Some(Ok(Err(code))) => return Err(failure(&code, limits)),
        Some(Err(())) | None => return Err(Failure::Protocol("the host returned no response".into())),
    };
    let status = incoming.status();
    let headers = incoming
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), String::from_utf8_lossy(&value).into_owned()))
        .collect();
    let mut response = Response { status, headers, body: Vec::new() };
    // Do not start reading a body whose announced length is too long.
    let announced = response.header("content-length").and_then(|length| length.parse::<u64>().ok()).unwrap_or(0);
    if announced > limits.response_bytes as u64 {
        return Err(Failure::TooLong { limit: limits.response_bytes });
    }
    response.body = read(&incoming, limits, deadline)?;
    Ok(response)
}

fn read(incoming: &IncomingResponse, limits: &Limits, deadline: &Deadline) -> Result<Vec<u8>, Failure> {
    let unreadable = |()| Failure::Protocol("the response body cannot be read".into());
    let body = incoming.consume().map_err(unreadable)?;
    let stream = body.stream().map_err(unreadable)?;
    let ready = stream.subscribe();
    let mut bytes = Vec::new();
    loop {
        deadline.wait(&ready)?;
        match stream.read(READ_BYTES) {
            Ok(piece) => bytes.extend(piece),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(wasi_http::http_error_code(&error).map_or(Failure::Broken, |code| failure(&code, limits)));
            }
        }
        if bytes.len() > limits.response_bytes {
            return Err(Failure::TooLong { limit: limits.response_bytes });
        }
    }
}

fn method(method: Method) -> wasi_http::Method {
    match method {
        Method::Get => wasi_http::Method::Get,
        Method::Put => wasi_http::Method::Put,
        Method::Post => wasi_http::Method::Post,
        Method::Patch => wasi_http::Method::Patch,
        Method::Delete => wasi_http::Method::Delete,
    }
}

fn scheme(url: &Url) -> Scheme {
    if url.scheme() == "https" { Scheme::Https } else { Scheme::Http }
}

fn failure(code: &ErrorCode, limits: &Limits) -> Failure {
    match code {
        ErrorCode::HttpRequestDenied => Failure::NotGranted,
        ErrorCode::DestinationIpProhibited => Failure::AddressNotGranted,
        ErrorCode::ConnectionRefused | ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable => {
            Failure::Refused
        }
        ErrorCode::DnsError(_) | ErrorCode::DnsTimeout | ErrorCode::DestinationNotFound => Failure::UnknownHost,
        ErrorCode::ConnectionTimeout => Failure::Timeout { after: limits.connect },
        ErrorCode::ConnectionReadTimeout | ErrorCode::ConnectionWriteTimeout | ErrorCode::HttpResponseTimeout => {
            Failure::Timeout { after: limits.total }
        }
        ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => Failure::Broken,
        ErrorCode::TlsProtocolError => Failure::Tls("protocol negotiation failed".into()),
        ErrorCode::TlsCertificateError => Failure::Tls("the certificate is not trusted".into()),
        ErrorCode::TlsAlertReceived(alert) => {
            Failure::Tls(alert.alert_message.clone().unwrap_or_else(|| "the server sent an alert".into()))
        }
        ErrorCode::HttpResponseBodySize(_) => Failure::TooLong { limit: limits.response_bytes },
        ErrorCode::InternalError(Some(text)) => Failure::Protocol(crate::error::excerpt(text, 200)),
        other => Failure::Protocol(message(other).into()),
    }
}

/// Messages of other error codes. The derived `Debug` implementation would add kilobytes of code.
fn message(code: &ErrorCode) -> &'static str {
    match code {
        ErrorCode::ConnectionLimitReached => "the connection limit is reached",
        ErrorCode::HttpRequestLengthRequired => "the request needs a content length",
        ErrorCode::HttpRequestBodySize(_) => "the request body is too long",
        ErrorCode::HttpRequestMethodInvalid => "the method is not valid",
        ErrorCode::HttpRequestUriInvalid => "the URL is not valid",
        ErrorCode::HttpRequestUriTooLong => "the URL is too long",
        ErrorCode::HttpRequestHeaderSectionSize(_) => "the request headers are too long",
        ErrorCode::HttpRequestHeaderSize(_) => "a request header is too long",
        ErrorCode::HttpRequestTrailerSectionSize(_) => "the request trailers are too long",
        ErrorCode::HttpRequestTrailerSize(_) => "a request trailer is too long",
        ErrorCode::HttpResponseHeaderSectionSize(_) => "the response headers are too long",
        ErrorCode::HttpResponseHeaderSize(_) => "a response header is too long",
        ErrorCode::HttpResponseTrailerSectionSize(_) => "the response trailers are too long",
        ErrorCode::HttpResponseTrailerSize(_) => "a response trailer is too long",
        ErrorCode::HttpResponseTransferCoding(_) => "the response has an unknown transfer coding",
        ErrorCode::HttpResponseContentCoding(_) => "the response has an unknown content coding",
        ErrorCode::HttpUpgradeFailed => "the upgrade failed",
        ErrorCode::HttpProtocolError => "the server violates the HTTP protocol",
        ErrorCode::LoopDetected => "a request loop was detected",
        ErrorCode::ConfigurationError => "the host's configuration is invalid",
        _ => "the host gave no details",
    }
}
