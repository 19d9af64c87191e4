//! Every request of a plug passes here. One that was not granted is refused before any name is looked up or connection made, and a
//! name that leads where it may not before any connection is.
//!
//! | module | what it is for |
//! |---|---|
//! | `network` | the way out of one plug, over all its instances: admits requests, sends them, bounds answers |
//! | `connect` | connections: resolves, checks the address, tunnels through a proxy, encrypts |
//! | `keyring` | secrets and certificates, read again when their files change |
//! | `tls` | certificates that are trusted and shown |
//! | `body` | bodies on their way: bounded in length and time, masked, recorded |
//! | `gunzip` | compressed responses, taken apart |
//! | `failure` | why no answer came |
//! | `audit` | what was refused, in the log and as counts |

mod audit;
mod body;
mod connect;
pub(crate) mod failure;
mod gunzip;
mod keyring;
mod network;
mod tls;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use http::Request;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::limits::PIECE_BYTES;
use failure::Failure;
pub(crate) use network::Network;

/// Enforces the grants of one plug on one of its instances.
pub(crate) struct Egress {
    network: Arc<Network>,
    /// Whether calls are made again that were made before: what they sent is not sent twice.
    pub(crate) replaying: bool,
    /// What the running call has sent.
    pub(crate) call: Sent,
}

/// What one call has sent.
#[derive(Clone, Default)]
pub(crate) struct Sent {
    /// How many requests.
    pub(crate) requests: u32,
    /// How many bytes in their bodies; shared with those that are still on their way.
    pub(crate) bytes: Arc<AtomicU64>,
}

impl Egress {
    pub(crate) fn new(network: Arc<Network>) -> Self {
        Self { network, replaying: false, call: Sent::default() }
    }
}

type Exchange = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Egress {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Exchange, Error>> + Send> {
        self.call.requests = self.call.requests.saturating_add(1);
        if self.replaying {
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        // Admitted here and not in the future, so that requests count in the order in which the plug makes them.
        let admitted = self.network.admit(request, &self.call);
        let network = Arc::clone(&self.network);
        Box::new(async move {
            let response = network.send(admitted?, options.unwrap_or_default()).await?;
            // The pool drives the connection.
            let done = Box::new(async { Ok(()) }) as Box<dyn Future<Output = _> + Send>;
            Ok((response, done))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        PIECE_BYTES
    }
}

/// A failure as the plug is told it.
fn told(failure: Failure) -> Error {
    match failure {
        Failure::AddressProhibited => Error::DestinationIpProhibited,
        Failure::UnknownHost => Error::DnsError { rcode: None, info_code: None },
        Failure::ConnectionRefused => Error::ConnectionRefused,
        Failure::ConnectionTimeout => Error::ConnectionTimeout,
        Failure::Unroutable => Error::DestinationIpUnroutable,
        Failure::ReadTimeout => Error::ConnectionReadTimeout,
        Failure::Terminated => Error::ConnectionTerminated,
        Failure::Incomplete => Error::HttpResponseIncomplete,
        Failure::RequestTooLong(limit) => Error::HttpRequestBodySize(Some(limit)),
        Failure::TooLong(limit) => Error::HttpResponseBodySize(Some(limit)),
        Failure::Certificate(_) => Error::TlsCertificateError,
        Failure::TlsAlert(alert) => Error::TlsAlertReceived { alert_id: None, alert_message: Some(alert) },
        Failure::Tls(_) => Error::TlsProtocolError,
        Failure::Protocol => Error::HttpProtocolError,
        Failure::Partial
        | Failure::Coding(_)
        | Failure::Gzip
        | Failure::Expands(_)
        | Failure::Proxy(_)
        | Failure::Said(_) => Error::InternalError(Some(failure.to_string())),
    }
}
