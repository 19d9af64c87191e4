//! wasmtime's hooks for HTTP requests of an instance.

use std::sync::Arc;

use http::Request;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::network::{InFlight, Network};
use super::reach::Reach;
use super::sent::Sent;
use crate::grants::Denial;
use crate::limits::PIECE_BYTES;

/// Enforces the grants of one plug on one of its instances.
pub(crate) struct Egress {
    network: Arc<Network>,
    pub(crate) reach: Reach,
    /// What the running call has sent.
    call: Sent,
}

impl Egress {
    pub(crate) fn new(network: Arc<Network>) -> Self {
        Self { network, reach: Reach::Nothing, call: Sent::default() }
    }

    /// Begins with the next call.
    pub(crate) fn begin(&mut self) {
        // A recorder's calls send nothing.
        if !matches!(self.reach, Reach::Nothing) {
            self.call = Sent::default();
        }
    }

    /// Counts a request that another plug makes for this one.
    pub(crate) fn count_request(&mut self) -> Result<InFlight, Denial> {
        self.call.requests = self.call.requests.saturating_add(1);
        self.network.count_request(self.call.requests)
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
        if matches!(self.reach, Reach::Nothing) {
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        // Admitted here and not in the future, so that requests are counted in the order of the
        // plug's calls.
        let admitted = self.network.admit(request, &self.call, &self.reach);
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
