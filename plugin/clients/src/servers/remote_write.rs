//! A receiver of Prometheus remote write: 2.0, or 1.0 where the receiver knows no other.
//!
//! A receiver of 2.0 says in headers what it wrote. One that takes a 2.0 request and says nothing
//! is of 1.0 and read nothing: to it the request held only fields that it does not know. So the
//! same is then sent again, as 1.0.

use foldhash::fast::FixedState;

use crate::error::Error;
use crate::http::{Client, Method, Peer, Request, Response, Url};
use crate::send_queue::Amounts;
use plugpipe_metrics::exposition::remote_write::{TimeSeries, encode_1, encode_2};

/// For errors.
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
    /// The receiver does not want these values, now or later. What it wrote of them nevertheless,
    /// where it says so.
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
    /// Sends the series in one request, or in a second one in the other version. Says what was
    /// written, where the receiver says so.
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
                _ => {
                    // It read the version that it had not refused to read.
                    if !may_change && classify(&response) != Refused::Nothing {
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
    // Only more than 4 GiB cannot be compressed.
    let body = snap::raw::Encoder::new().compress_vec(&body).unwrap_or_default();
    // A value that arrives twice is the same value.
    let mut request = Request::new(Method::Post, url.clone())
        .with_body(content_type, body)
        .repeatable()
        .unless(|response| classify(response) != Refused::Nothing);
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

/// A message by which receivers refuse values, and what to do about it.
#[derive(Debug)]
struct Reason {
    /// A part of the message, as Prometheus and its relatives (Mimir, Cortex, Thanos) put it into a
    /// 4xx.
    contains: &'static str,
    /// The message itself. Receivers that do not tell such errors from failures of their own answer
    /// 500 with it, alone or after what they were doing: `add sample: too old sample`.
    message: &'static str,
    todo: &'static str,
}

const NO_HISTOGRAMS: &str = "native histograms are disabled";
const LATE: &str = "the values waited longer than it takes them, or a clock is wrong";
const INVALID_HISTOGRAM: &str = "it does not take a native histogram of this form; record a classic one";

/// The messages of Prometheus's storage about single values, 2.42 to 3.5. Too old samples are a 500
/// up to 2.49; native histograms that are disabled or not valid, and invalid labels, are a 500 in
/// all of these versions. Any other text in a 500 is a failure of the receiver itself, and the same
/// values are sent again.
const REASONS: [Reason; 13] = [
    Reason {
        contains: NO_HISTOGRAMS,
        message: NO_HISTOGRAMS,
        todo: "let it take native histograms, or record classic ones",
    },
    Reason {
        contains: "out-of-order native histogram",
        message: "out-of-order native histogram ingestion is disabled",
        todo: "it holds a later value of the histogram: give each plug that writes there its own instance or external_labels, or let it take native histograms out of order",
    },
    Reason {
        contains: "duplicate sample",
        message: "duplicate sample for timestamp",
        todo: "it holds another value at that time: give each plug that writes there its own instance or external_labels",
    },
    Reason {
        contains: "out of order",
        message: "out of order sample",
        todo: "it holds a later value of the series: give each plug that writes there its own instance or external_labels, or let it take samples out of order",
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
    /// The reason that a response gives. A 5xx must be the message itself: as one of several errors
    /// it says nothing, because the others may be temporary.
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

/// What a response refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// At least one of the values.
    Values,
    /// Every native histogram.
    Histograms,
    /// No value in particular: the same request may be sent again.
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
            "check the path of remote_write_url (/api/v1/write, or /api/v1/push), and that the server takes remote writes (Prometheus: --web.enable-remote-write-receiver)"
        }
        (None, _) => "",
    };
    let error = Box::new(super::refused(PEER, url, response, todo));
    match classify(response) {
        Refused::Histograms => Refusal::Histograms(error),
        // After a failure of its own a receiver keeps nothing of the request, whatever its headers
        // count.
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
            // As Prometheus's write handler answers, and with what wraps the error.
            for text in [format!("{message}\n"), (*message).to_owned(), format!("add 3 values: {message}\n")] {
                assert_eq!(classify(&response(500, &text)), about, "{text}");
                assert_eq!(classify(&response(400, &text)), about, "{text}");
            }
        }
        let future = "out of bounds: timestamp is too far in the future\n";
        assert_eq!(classify(&response(500, future)), Refused::Values);
    }

    #[test]
    fn failures_of_the_receiver_itself_are_no_refusals() {
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
