//! The interfaces that a component exports: those of every plug, and those that some have.

use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use crate::bindings::exports::plugpipe::monitoring::{exposition, metrics, query, types};
use crate::bindings::exports::plugpipe::plug::{hosting, plug, state};
use crate::error::Error;

/// Where a component's exports are.
pub(crate) struct Exports {
    plug: plug::GuestIndices,
    hosting: hosting::GuestIndices,
    state: state::GuestIndices,
    metrics: Option<metrics::GuestIndices>,
    exposition: Option<exposition::GuestIndices>,
    query: Option<query::GuestIndices>,
}

/// The exports of an instance that serves as recorder.
pub(crate) struct Recorder {
    pub(crate) plug: plug::Guest,
    pub(crate) hosting: hosting::Guest,
    pub(crate) state: state::Guest,
    pub(crate) metrics: Option<metrics::Guest>,
    pub(crate) exposition: Option<exposition::Guest>,
}

/// The exports of an instance that serves as worker.
pub(crate) struct Worker {
    pub(crate) hosting: hosting::Guest,
    query: Option<query::Guest>,
}

impl Exports {
    /// Finds the exports, or says which are missing.
    pub(crate) fn of<T: 'static>(pre: &InstancePre<T>) -> Result<Self, String> {
        let missing: Vec<String> = ["plug", "hosting", "state"]
            .map(|name| format!("plugpipe:plug/{name}@1.0.0"))
            .into_iter()
            .filter(|name| pre.component().get_export_index(None, name).is_none())
            .collect();
        if !missing.is_empty() {
            return Err(format!("it is not a plug: it does not export {} (docs/hosting.md)", missing.join(", ")));
        }
        // An interface that is there and has other types.
        let differs = |error: wasmtime::Error| format!("it is a plug for another version of this host: {error:#}");
        // An interface that is there and has other types is not one to do without.
        let optional = |name: &str| {
            let name = format!("plugpipe:monitoring/{name}@1.0.0");
            pre.component().get_export_index(None, &name).is_some()
        };
        let metrics = optional("metrics").then(|| metrics::GuestIndices::new(pre)).transpose();
        let exposition = optional("exposition").then(|| exposition::GuestIndices::new(pre)).transpose();
        let query = optional("query").then(|| query::GuestIndices::new(pre)).transpose();
        Ok(Self {
            plug: plug::GuestIndices::new(pre).map_err(differs)?,
            hosting: hosting::GuestIndices::new(pre).map_err(differs)?,
            state: state::GuestIndices::new(pre).map_err(differs)?,
            metrics: metrics.map_err(differs)?,
            exposition: exposition.map_err(differs)?,
            query: query.map_err(differs)?,
        })
    }

    /// Whether the plug records metrics through the typed interface.
    pub(crate) fn has_metrics(&self) -> bool {
        self.metrics.is_some()
    }

    pub(crate) fn recorder<T>(&self, store: &mut Store<T>, instance: &Instance) -> wasmtime::Result<Recorder> {
        Ok(Recorder {
            plug: self.plug.load(&mut *store, instance)?,
            hosting: self.hosting.load(&mut *store, instance)?,
            state: self.state.load(&mut *store, instance)?,
            metrics: self.metrics.as_ref().map(|indices| indices.load(&mut *store, instance)).transpose()?,
            exposition: self.exposition.as_ref().map(|indices| indices.load(&mut *store, instance)).transpose()?,
        })
    }

    pub(crate) fn worker<T>(&self, store: &mut Store<T>, instance: &Instance) -> wasmtime::Result<Worker> {
        Ok(Worker {
            hosting: self.hosting.load(&mut *store, instance)?,
            query: self.query.as_ref().map(|indices| indices.load(&mut *store, instance)).transpose()?,
        })
    }
}

impl Worker {
    pub(crate) fn query(&self) -> Result<&query::Guest, Error> {
        self.query.as_ref().ok_or(Error::NotExported { interface: "plugpipe:monitoring/query" })
    }
}

/// What an error of a typed call says.
pub(crate) fn text(error: types::Error) -> String {
    match error {
        types::Error::InvalidInput(text)
        | types::Error::Conflict(text)
        | types::Error::LimitReached(text)
        | types::Error::NotConfigured(text)
        | types::Error::NotGranted(text)
        | types::Error::Unreachable(text)
        | types::Error::Refused(text)
        | types::Error::Unsupported(text) => text,
    }
}
