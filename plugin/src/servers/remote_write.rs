//! A receiver of Prometheus remote write: 2.0, or 1.0 where the receiver knows no other.
//!
//! A receiver of 2.0 says in headers what it wrote. One that takes a 2.0 request and says nothing is of 1.0 and read nothing: to
//! it the request held only fields that it does not know. So the same is then sent again, as 1.0.

use foldhash::fast::FixedState;

use crate::error::Error;
use crate::exposition::remote_write::{TimeSeries, encode_1, encode_2};
use crate::http::{Client, Method, Peer, Request, Response, Url};
use crate::outbox::Amounts;
use crate::snappy;

/// For errors.
pub const PEER: Peer = Peer { server: "the remote-write receiver", setting: "remote_write_url" };

/// Of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `prometheus.WriteRequest`.
    One,
    /// `io.prometheus.write.v2.Request`.
    Two,
}

impl Version {
    /// As the setting writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "1.0",
            Self::Two => "2.0",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::One => Self::Two,
            Self::Two => Self::One,
        }
    }
}

/// Why values were not written.
#[derive(Debug, PartialEq)]
pub enum Refusal {
    /// The receiver does not want these values, now or later. What it wrote of them nevertheless, where it says so.
    Values(Box<Error>, Option<Amounts>),
    /// The receiver takes no native histograms, and writes nothing of a request that holds one.
    Histograms(Box<Error>),
    /// Anything else: the values may be sent again.
    Otherwise(Box<Error>),
}

/// How a receiver is spoken to.
#[derive(Debug)]
pub struct Conversation<'a> {
    /// With its path.
    pub url: &'a Url,
    /// The version to speak; none to find out.
    pub wanted: Option<Version>,
    /// What was found out.
    pub spoken: &'a mut Option<Version>,
    /// Requests that were sent.
    pub requests: u64,
}

impl Conversation<'_> {
    /// Sends the series in one request, or in a second one in the other version. Says what was written, where the receiver says
    /// so.
    pub fn write(
        &mut self,
        client: &mut Client,
        series: &[TimeSeries],
        hasher: &FixedState,
    ) -> Result<Option<Amounts>, Refusal> {
        let mut version = self.wanted.or(*self.spoken).unwrap_or(Version::Two);
        let mut may_change = self.wanted.is_none();
        loop {
            self.requests += 1;
            let request = request(self.url, version, series, hasher.clone());
            let response = client.send(PEER, request).map_err(|error| Refusal::Otherwise(Box::new(error)))?;
            let written = written(&response);
            let understood = match response.status {
                200..=299 => version == Version::One || written.is_some(),
                415 => false,
                _ => return Err(refused(self.url, &response, written)),
            };
            if understood {
                *self.spoken = Some(version);
                return Ok(written);
            }
            if !may_change {
                return Err(Refusal::Otherwise(Box::new(not_understood(self.url, version, &response))));
            }
            may_change = false;
            version = version.other();
        }
    }
}

fn request(url: &Url, version: Version, series: &[TimeSeries], hasher: FixedState) -> Request {
    let (content_type, number, body) = match version {
        Version::One => ("application/x-protobuf", "0.1.0", encode_1(series)),
        Version::Two => {
            ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "2.0.0", encode_2(series, hasher))
        }
    };
    // A value that arrives twice is the same value.
    let mut request =
        Request::new(Method::Post, url.clone()).with_body(content_type, snappy::compress(&body)).repeatable();
    request.headers.push(("content-encoding", "snappy".into()));
    request.headers.push(("x-prometheus-remote-write-version", number.into()));
    request
}

/// What the receiver says that it wrote; none where it does not say.
fn written(response: &Response) -> Option<Amounts> {
    let header = |name| {
        let (_, value) = response.headers.iter().find(|(own, _)| own == name)?;
        value.trim().parse::<u64>().ok()
    };
    let samples = header("x-prometheus-remote-write-samples-written");
    let histograms = header("x-prometheus-remote-write-histograms-written");
    let exemplars = header("x-prometheus-remote-write-exemplars-written");
    samples.or(histograms).or(exemplars)?;
    let or_none = |count: Option<u64>| count.unwrap_or(0);
    Some(Amounts { samples: or_none(samples), histograms: or_none(histograms), exemplars: or_none(exemplars) })
}

fn not_understood(url: &Url, version: Version, response: &Response) -> Error {
    let todo = match version {
        Version::Two => "it speaks remote write 1.0 only; set remote_write_version to auto or 1.0",
        Version::One => "it speaks remote write 2.0 only; set remote_write_version to auto or 2.0",
    };
    super::refused(PEER, url, response, todo)
}

/// How Prometheus says that it takes no native histograms.
const NO_HISTOGRAMS: &str = "native histograms are disabled";

/// What a reply holds, and what to do about it.
const REASONS: [(&str, &str); 6] = [
    (NO_HISTOGRAMS, "let it take native histograms, or record classic ones"),
    (
        "duplicate sample",
        "it holds another value at that time: give each plug that writes there its own instance or external_labels",
    ),
    (
        "out of order",
        "it holds a later value of the series: give each plug that writes there its own instance or external_labels, or let it take samples out of order",
    ),
    ("out of bounds", "the values waited longer than it takes them, or a clock is wrong"),
    ("too old", "the values waited longer than it takes them, or a clock is wrong"),
    ("too far in the future", "the plug's clock or the receiver's is wrong"),
];

fn refused(url: &Url, response: &Response, written: Option<Amounts>) -> Refusal {
    let reply = String::from_utf8_lossy(&response.body);
    let reason = REASONS.iter().find(|(holds, _)| reply.contains(holds));
    let todo = match (reason, response.status) {
        (Some((_, todo)), _) => todo,
        (None, 404) => {
            "check the path of remote_write_url (/api/v1/write, or /api/v1/push), and that the server takes remote writes (Prometheus: --web.enable-remote-write-receiver)"
        }
        (None, _) => "",
    };
    let error = Box::new(super::refused(PEER, url, response, todo));
    match (response.status, reason) {
        // Prometheus says 500, and would say so again.
        (400..=599, Some((NO_HISTOGRAMS, _))) => Refusal::Histograms(error),
        (400 | 409 | 413 | 422, _) => Refusal::Values(error, written),
        _ => Refusal::Otherwise(error),
    }
}
