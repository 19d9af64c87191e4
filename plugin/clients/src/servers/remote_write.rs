//! Prometheus remote write, 2.0, with a fallback to 1.0.
//!
//! A 2.0 receiver reports in headers what it wrote. If a receiver accepts a 2.0 request without
//! these headers, it speaks 1.0 and ignored the request, whose fields it does not know. The same
//! data is then sent again as 1.0. So it is after a 415, and after a 400 without these headers from
//! a receiver of which nothing is known yet: one that knows no content types may fail to decode it.

use foldhash::fast::FixedState;

use crate::error::Error;
use crate::http::{Client, Method, Peer, Request, Response, Url};
use crate::send_queue::Amounts;
use plugpipe_metrics::exposition::remote_write::{TimeSeries, encode_1, encode_2};

/// Identifies the server in errors.
pub const PEER: Peer = Peer { server: "the remote-write receiver", setting: "remote_write_url" };

/// Of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Version {
    /// `prometheus.WriteRequest`.
    One,
    /// `io.prometheus.write.v2.Request`.
    Two,
}

impl Version {
    /// Its name in the setting.
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

/// Why samples were not written.
#[derive(Debug, PartialEq)]
pub enum Refusal {
    /// The receiver rejects these samples for good. With the amounts it wrote nevertheless, if
    /// reported.
    Values(Box<Error>, Option<Amounts>),
    /// The receiver does not accept native histograms; it wrote nothing of the request.
    Histograms(Box<Error>),
    /// Any other error; the samples can be sent again.
    Otherwise(Box<Error>),
}

/// Version negotiation with one receiver.
#[derive(Debug)]
pub struct Conversation<'a> {
    /// The full URL.
    pub url: &'a Url,
    /// The configured version; `None` to detect it.
    pub wanted: Option<Version>,
    /// The detected version.
    pub spoken: &'a mut Option<Version>,
    /// The number of requests sent.
    pub requests: u64,
}

impl Conversation<'_> {
    /// Sends the series, with a second request in the other version if needed. Returns the amounts
    /// written, if the receiver reports them.
    pub fn write(
        &mut self,
        client: &mut Client,
        series: &[TimeSeries],
        hasher: &FixedState,
    ) -> Result<Option<Amounts>, Refusal> {
        let mut version = self.wanted.or(*self.spoken).unwrap_or(Version::Two);
        let mut may_change = self.wanted.is_none();
        // The first 400 of a receiver of which it is not known whether it can read 2.0.
        let mut doubtful = None;
        loop {
            self.requests += 1;
            let request = request(self.url, version, series, hasher.clone());
            let response = client.send(PEER, request).map_err(|error| Refusal::Otherwise(Box::new(error)))?;
            let written = written(&response);
            let understood = match response.status {
                200..=299 => version == Version::One || written.is_some(),
                // It only reads the other version, so that one was about the values.
                415 if let Some(first) = &doubtful => {
                    *self.spoken = Some(version.other());
                    return Err(refused(self.url, first, None));
                }
                415 => false,
                400 if may_change && self.spoken.is_none() && written.is_none() && Reason::of(&response).is_none() => {
                    doubtful = Some(response.clone());
                    false
                }
                _ => {
                    // The error is not about the version, so the receiver supports it. After two
                    // 400s it is unknown which one it supports.
                    if !may_change && doubtful.is_none() && classify(&response) != Refused::Nothing {
                        *self.spoken = Some(version);
                    }
                    return Err(refused(self.url, &response, written));
                }
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
    // Fails for more than 4 GiB only.
    let body = snap::raw::Encoder::new().compress_vec(&body).unwrap_or_default();
    // Samples are idempotent.
    let mut request = Request::new(Method::Post, url.clone())
        .with_body(content_type, body)
        .repeatable()
        .unless(|response| classify(response) != Refused::Nothing);
    request.headers.push(("content-encoding", "snappy".into()));
    request.headers.push(("x-prometheus-remote-write-version", number.into()));
    request
}

/// The amounts written, if the response reports them.
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
        Version::Two => "it supports only remote write 1.0; set remote_write_version to auto or 1.0",
        Version::One => "it supports only remote write 2.0; set remote_write_version to auto or 2.0",
    };
    super::refused(PEER, url, response, todo)
}

/// An error message that rejects samples, and what to do.
#[derive(Debug)]
struct Reason {
    /// Part of the message in 4xx responses of Prometheus, Mimir, Cortex and Thanos.
    contains: &'static str,
    /// The full message. Some receivers return it with status 500, alone or after a prefix: `add
    /// sample: too old sample`.
    message: &'static str,
    todo: &'static str,
}

const NO_HISTOGRAMS: &str = "native histograms are disabled";
const LATE: &str = "the samples were queued for longer than it accepts, or a clock is wrong";
const INVALID_HISTOGRAM: &str = "it does not accept this form of native histogram; record a classic one";

/// Messages of Prometheus's storage about single samples, 2.42 to 3.5. "Too old sample" is a 500 up
/// to 2.49; disabled or invalid native histograms and invalid labels are a 500 in all of these
/// versions. Any other 500 is an internal failure of the receiver, and the samples are sent again.
const REASONS: [Reason; 13] = [
    Reason {
        contains: NO_HISTOGRAMS,
        message: NO_HISTOGRAMS,
        todo: "enable native histograms in the receiver, or record classic ones",
    },
    Reason {
        contains: "out-of-order native histogram",
        message: "out-of-order native histogram ingestion is disabled",
        todo: "it has a later sample of the histogram: give each plug that writes there its own instance or external_labels, or enable out-of-order native histograms",
    },
    Reason {
        contains: "duplicate sample",
        message: "duplicate sample for timestamp",
        todo: "it has another sample with this timestamp: give each plug that writes there its own instance or external_labels",
    },
    Reason {
        contains: "out of order",
        message: "out of order sample",
        todo: "it has a later sample of the series: give each plug that writes there its own instance or external_labels, or enable out-of-order samples",
    },
    Reason {
        contains: "too far in the future",
        message: "timestamp is too far in the future",
        todo: "the plug's clock or the receiver's is wrong",
    },
    Reason { contains: "out of bounds", message: "out of bounds", todo: LATE },
    Reason { contains: "too old", message: "too old sample", todo: LATE },
    Reason {
        contains: "invalid sample",
        message: "invalid sample",
        todo: "check the names of the labels and external_labels",
    },
    Reason {
        contains: "histogram's observation count should be at least",
        message: "histogram's observation count should be at least the number of observations found in the buckets",
        todo: INVALID_HISTOGRAM,
    },
    Reason {
        contains: "histogram's observation count should equal",
        message: "histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)",
        todo: INVALID_HISTOGRAM,
    },
    Reason {
        contains: "histogram has a bucket whose observation count is negative",
        message: "histogram has a bucket whose observation count is negative",
        todo: INVALID_HISTOGRAM,
    },
    Reason {
        contains: "histogram has a span whose offset is negative",
        message: "histogram has a span whose offset is negative",
        todo: INVALID_HISTOGRAM,
    },
    Reason {
        contains: "histogram spans specify different number of buckets",
        message: "histogram spans specify different number of buckets than provided",
        todo: INVALID_HISTOGRAM,
    },
];

impl Reason {
    /// The reason in a response. A 5xx must be the message itself: as one of several errors it
    /// decides nothing, because the others may be transient.
    fn of(response: &Response) -> Option<&'static Self> {
        let reply = String::from_utf8_lossy(&response.body);
        let reply = reply.trim();
        REASONS.iter().find(|reason| {
            if response.status < 500 || reason.message == NO_HISTOGRAMS {
                return reply.contains(reason.contains);
            }
            let before = reply.strip_suffix(reason.message);
            before.is_some_and(|before| (before.is_empty() || before.ends_with(": ")) && !before.contains([';', '\n']))
        })
    }
}

/// What a response rejects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// At least one of the samples.
    Values,
    /// Every native histogram.
    Histograms,
    /// No particular sample: the request can be sent again.
    Nothing,
}

fn classify(response: &Response) -> Refused {
    match (response.status, Reason::of(response)) {
        (400..=599, Some(reason)) if reason.message == NO_HISTOGRAMS => Refused::Histograms,
        (400 | 409 | 413 | 422, _) => Refused::Values,
        (500, Some(_)) => Refused::Values,
        _ => Refused::Nothing,
    }
}

fn refused(url: &Url, response: &Response, written: Option<Amounts>) -> Refusal {
    let todo = match (Reason::of(response), response.status) {
        (Some(reason), _) => reason.todo,
        (None, 404) => {
            "check the path of remote_write_url (/api/v1/write, or /api/v1/push), and that the server accepts remote writes (Prometheus: --web.enable-remote-write-receiver)"
        }
        (None, _) => "",
    };
    let error = Box::new(super::refused(PEER, url, response, todo));
    match classify(response) {
        Refused::Histograms => Refusal::Histograms(error),
        // After an internal failure the receiver keeps nothing, whatever its headers say.
        Refused::Values => Refusal::Values(error, written.filter(|_| response.status < 500)),
        Refused::Nothing => Refusal::Otherwise(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, headers: Vec::new(), body: body.into() }
    }

    #[test]
    fn every_message_of_the_table_is_a_refusal_also_with_status_500() {
        for Reason { contains, message, .. } in &REASONS {
            let about = if *message == NO_HISTOGRAMS { Refused::Histograms } else { Refused::Values };
            assert!(message.contains(contains), "{message}");
            // As returned by Prometheus's write handler, alone and wrapped.
            for text in [format!("{message}\n"), (*message).to_owned(), format!("add 3 values: {message}\n")] {
                assert_eq!(classify(&response(500, &text)), about, "{text}");
                assert_eq!(classify(&response(400, &text)), about, "{text}");
            }
        }
        let future = "out of bounds: timestamp is too far in the future\n";
        assert_eq!(classify(&response(500, future)), Refused::Values);
    }

    #[test]
    fn internal_failures_of_the_receiver_reject_nothing() {
        for text in [
            "",
            "context deadline exceeded\n",
            "context canceled",
            "runtime: out of memory",
            "write to WAL: log samples: write /data/wal/00000001: no space left on device\n",
            "appender is closed",
            "runtime error: index out of bounds [3]",
            "read block: out of bounds, offset 12",
            "too many outstanding requests",
            "the replica is too old, and is replaced",
            "2 errors: store locally: out of order sample; forward to 10.0.0.1: connection refused",
            "forward to 10.0.0.1: connection refused; store locally: too old sample",
            "forward to 10.0.0.1: connection refused\nstore locally: too old sample",
            "<html>out of order</html>",
        ] {
            assert_eq!(classify(&response(500, text)), Refused::Nothing, "{text:?}");
        }
        for status in [401, 403, 404, 408, 429, 502, 503, 504] {
            assert_eq!(classify(&response(status, "too old sample")), Refused::Nothing, "{status}");
        }
        for status in [400, 409, 413, 422] {
            assert_eq!(classify(&response(status, "anything")), Refused::Values, "{status}");
        }
    }
}
