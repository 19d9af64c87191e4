//! OTLP metrics over HTTP, to Prometheus with `--web.enable-otlp-receiver`, a collector, or another
//! receiver.

use crate::error::Error;
use crate::http::{Client, Method, Peer, Request, Url, gzip};
use plugpipe_metrics::exposition::otlp::{self, PartialSuccess};

/// Identifies the server in errors.
pub const PEER: Peer = Peer { server: "the OTLP receiver", setting: "otlp_url" };

/// Posts a body from [`plugpipe_metrics::exposition::otlp`], compressed if `gzip`; returns what the
/// receiver rejected.
pub fn export(client: &mut Client, url: &Url, body: Vec<u8>, gzip: bool) -> Result<PartialSuccess, Error> {
    let body = if gzip { gzip::compress(&body) } else { body };
    // Data points are idempotent. OTLP's transient statuses are 429, 502, 503 and 504: a 500 is
    // final.
    let mut request = Request::new(Method::Post, url.clone())
        .with_body(otlp::CONTENT_TYPE, body)
        .repeatable()
        .unless(|response| response.status == 500);
    if gzip {
        request.headers.push(("content-encoding", "gzip".into()));
    }
    let mut response = client.send(PEER, request)?;
    match response.status {
        200..=299 if super::is_page(&response) => {
            let problem = format!("HTTP {} with an HTML page", response.status);
            Err(Error::BadAnswer { server: PEER.server, origin: url.origin(), problem })
        }
        // A JSON response violates the protocol if the request was not JSON, but the data was
        // accepted.
        200..=299 => Ok(otlp::decode_answer(&response.body).unwrap_or_default()),
        404 => {
            let todo = "check the path of otlp_url (/v1/metrics, or /api/v1/otlp/v1/metrics), and that the server takes OTLP (Prometheus: --web.enable-otlp-receiver)";
            Err(super::refused(PEER, url, &response, todo))
        }
        _ => {
            // Errors are `google.rpc.Status` messages; keep their text only.
            let is_status = response.header("content-type").is_some_and(|kind| kind.starts_with(otlp::CONTENT_TYPE));
            if let Some(message) = is_status.then(|| otlp::decode_status(&response.body)).flatten() {
                response.body = message.into_bytes();
            }
            Err(super::refused(PEER, url, &response, ""))
        }
    }
}
