//! A receiver of OTLP metrics over HTTP, such as Prometheus with `--web.enable-otlp-receiver`, or a
//! collector.

use crate::error::Error;
use crate::http::{Client, Method, Peer, Request, Url};
use plugpipe_metrics::exposition::otlp::{self, PartialSuccess};

/// For errors.
pub const PEER: Peer = Peer { server: "the OTLP receiver", setting: "otlp_url" };

/// Posts a body that [`plugpipe_metrics::exposition::otlp`] made; says what the receiver did not
/// take of it.
pub fn export(client: &mut Client, url: &Url, body: Vec<u8>) -> Result<PartialSuccess, Error> {
    // A point that arrives twice is the same point. OTLP's temporary statuses are 429, 502, 503 and
    // 504: a 500 is final.
    let request = Request::new(Method::Post, url.clone())
        .with_body(otlp::CONTENT_TYPE, body)
        .repeatable()
        .unless(|response| response.status == 500);
    let mut response = client.send(PEER, request)?;
    match response.status {
        200..=299 if super::is_page(&response) => {
            let problem = format!("HTTP {} with a page in HTML", response.status);
            Err(Error::BadAnswer { server: PEER.server, origin: url.origin(), problem })
        }
        // An answer in JSON is against the protocol where the request was none; that much was taken
        // all the same.
        200..=299 => Ok(otlp::decode_answer(&response.body).unwrap_or_default()),
        404 => {
            let todo = "check the path of otlp_url (/v1/metrics, or /api/v1/otlp/v1/metrics), and that the server takes OTLP (Prometheus: --web.enable-otlp-receiver)";
            Err(super::refused(PEER, url, &response, todo))
        }
        _ => {
            // Errors are `google.rpc.Status` messages, of which only the text is for people.
            let is_status = response.header("content-type").is_some_and(|kind| kind.starts_with(otlp::CONTENT_TYPE));
            if let Some(message) = is_status.then(|| otlp::decode_status(&response.body)).flatten() {
                response.body = message.into_bytes();
            }
            Err(super::refused(PEER, url, &response, ""))
        }
    }
}
