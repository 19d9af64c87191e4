//! What wasmtime calls for each request of an instance.

use std::sync::Arc;

use http::Request;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::network::Network;
use super::sent::Sent;
use crate::grants::Origin;
use crate::http_recording::Turn;
use crate::limits::PIECE_BYTES;

/// Enforces the grants of one plug on one of its instances.
pub(crate) struct Egress {
    network: Arc<Network>,
    pub(crate) reach: Reach,
    /// What the running call has sent.
    call: Sent,
}

/// What an instance may reach of what is granted.
#[derive(Debug, Clone)]
pub(crate) enum Reach {
    /// Nothing: recorders, and all instances as they start.
    Nothing,
    /// The origins that a job named.
    Job(JobReach),
    /// All of it, for typed queries.
    Granted,
}

/// The origins of a job, and its name in an HTTP recording.
#[derive(Debug, Clone)]
pub(crate) struct JobReach {
    pub(crate) origins: Arc<[Origin]>,
    pub(crate) lane: Arc<str>,
    /// Which job of its lane it is.
    pub(crate) number: u64,
}

impl Reach {
    /// The place of a request in a recording, if it is of a job.
    pub(super) fn turn(&self, request: u32) -> Option<Turn> {
        match self {
            Self::Job(job) => Some(Turn { lane: job.lane.to_string(), number: job.number, request }),
            Self::Nothing | Self::Granted => None,
        }
    }
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
