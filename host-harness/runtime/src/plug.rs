//! A compiled component, from which plugs are started.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre};

use crate::answer::Description;
use crate::budget::Budget;
use crate::cache;
use crate::compile::{self, Compiler};
use crate::egress::Network;
use crate::empty_wasi;
use crate::engine;
use crate::error::Error;
use crate::exports::{Exports, Recorder};
use crate::grants::{Advice, Grants};
use crate::handle::PlugHandle;
use crate::http_recording::Exchanges;
use crate::limits::Limits;
use crate::linker::{imports, linked};
use crate::monitoring::Link;
use crate::session::Session;
use crate::store::{Factory, Instance, State, call_recorder};

/// A compiled component. Cheap to clone.
#[derive(Clone)]
pub struct Plug {
    component: Component,
    pre: InstancePre<State>,
    exports: Arc<Exports>,
    description: Arc<OnceCell<Arc<Description>>>,
    size_bytes: usize,
    sha256: Arc<str>,
    exchanges: Option<Exchanges>,
    advice: Option<Advice>,
    /// The plug that records for this one, and under which name.
    monitoring: Option<(PlugHandle, String)>,
    name: Arc<str>,
    /// Whether the plug keeps a returned exposition in memory until the next call.
    in_place: bool,
}

/// An exported interface.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Export {
    /// The interface's name with its version.
    pub interface: String,
    /// Its functions.
    pub functions: Vec<String>,
}

impl Plug {
    /// Loads a component of at most [`compile::MAX_COMPONENT_BYTES`] from a file. It is compiled in
    /// this process, without limits on memory and time; for untrusted components, use
    /// [`Plug::from_file_with`].
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        Self::from_file_with(path, Compiler::default())
    }

    /// Loads a component from a file with the given compiler.
    pub fn from_file_with(path: &Path, compiler: Compiler) -> Result<Self, Error> {
        let bytes = compile::read(path, compiler.max_component_bytes())?;
        Self::from_bytes_with(&path.display().to_string(), &bytes, compiler)
    }

    /// Loads a component of at most [`compile::MAX_COMPONENT_BYTES`] from memory; `name` is for
    /// errors. It is compiled in this process, like by [`Plug::from_file`].
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        Self::from_bytes_with(name, bytes, Compiler::default())
    }

    /// Loads a component from memory with the given compiler; `name` is for errors.
    pub fn from_bytes_with(name: &str, bytes: &[u8], compiler: Compiler) -> Result<Self, Error> {
        let max = compiler.max_component_bytes();
        if bytes.len() > max {
            return Err(Error::Load { plug: name.into(), problem: compile::too_long(bytes.len(), max) });
        }
        let sha256: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self::load(name, bytes, &sha256, compiler)
    }

    /// Loads an embedded component with a known SHA-256 digest, in lowercase hex. It is compiled in
    /// this process and not hashed again. The digest identifies its compiled form in the cache, so
    /// a wrong digest may load another component.
    pub fn from_digested(name: &str, bytes: &[u8], sha256: &str) -> Result<Self, Error> {
        Self::load(name, bytes, sha256, Compiler::default())
    }

    /// Like [`Plug::from_digested`], for a component whose compiled form is at hand: nothing is
    /// compiled, and no cache is used.
    ///
    /// # Safety
    /// `compiled` is machine code that this process will run. It must be the unchanged output of
    /// [`compile::child`] for these bytes.
    ///
    /// # Errors
    /// [`Error::Load`] if it was compiled by another version, with other settings, or for another
    /// kind of machine.
    pub unsafe fn from_compiled(name: &str, bytes: &[u8], sha256: &str, compiled: &[u8]) -> Result<Self, Error> {
        Self::load_with(name, bytes, sha256, |engine| {
            // SAFETY: the caller guarantees that these bytes are the compiler's output.
            unsafe { Component::deserialize(engine, compiled) }
        })
    }

    fn load(name: &str, bytes: &[u8], sha256: &str, compiler: Compiler) -> Result<Self, Error> {
        Self::load_with(name, bytes, sha256, |engine| cache::load(engine, bytes, sha256, compiler))
    }

    fn load_with(
        name: &str,
        bytes: &[u8],
        sha256: &str,
        load: impl FnOnce(&Engine) -> wasmtime::Result<Component>,
    ) -> Result<Self, Error> {
        let problem = |error: wasmtime::Error| Error::Load { plug: name.into(), problem: format!("{error:#}") };
        let engine = engine::start().map_err(problem)?;
        let component = load(&engine).map_err(problem)?;
        let pre = linked(&engine, &component).map_err(problem)?;
        let exports = Exports::of(&pre).map_err(|problem| Error::Load { plug: name.into(), problem })?;
        Ok(Self {
            component,
            pre,
            exports: Arc::new(exports),
            description: Arc::default(),
            size_bytes: bytes.len(),
            sha256: sha256.into(),
            exchanges: None,
            advice: None,
            monitoring: None,
            name: name.into(),
            in_place: false,
        })
    }

    /// The interfaces that the component imports, sorted. It cannot use any others.
    pub fn imports(&self) -> Vec<String> {
        imports(&self.component)
    }

    /// The interfaces that the component exports, with their functions.
    pub fn exports(&self) -> Vec<Export> {
        let engine = self.component.engine();
        self.component
            .component_type()
            .exports(engine)
            .map(|(name, item)| {
                let functions = match item.ty {
                    ComponentItem::ComponentInstance(instance) => instance
                        .exports(engine)
                        .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)))
                        .map(|(function, _)| function.to_owned())
                        .collect(),
                    _ => Vec::new(),
                };
                Export { interface: name.to_owned(), functions }
            })
            .collect()
    }

    /// The component's size.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// The component's SHA-256 digest, in hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Records or replays the HTTP exchanges of plugs that are started later.
    #[must_use]
    pub fn with_exchanges(mut self, exchanges: Exchanges) -> Self {
        self.exchanges = Some(exchanges);
        self
    }

    /// Links what the component imports of `plugpipe:monitoring` to a running plug that exports it,
    /// for plugs that are started later and whose grants have [`Grants::metrics`] or
    /// [`Grants::query`]. What they record has the label `plug` with this name.
    #[must_use]
    pub fn recording_to(mut self, exporter: &PlugHandle, name: &str) -> Self {
        self.monitoring = Some((exporter.clone(), name.to_owned()));
        self
    }

    /// The imports that the host provides without any content: `wasi:cli`, `wasi:filesystem`,
    /// `wasi:random` and `wasi:sockets`.
    pub fn empty_imports(&self) -> Vec<String> {
        self.imports().into_iter().filter(|import| empty_wasi::is_empty(import)).collect()
    }

    /// Sets the host's advice on missing grants, which is logged for denied requests.
    #[must_use]
    pub fn with_advice(mut self, advice: Advice) -> Self {
        self.advice = Some(advice);
        self
    }

    /// Declares that the plug keeps a returned exposition in memory until the next call, so that
    /// [`Session::encode_into`] copies it once instead of twice. If the plug frees or reuses that
    /// memory earlier, the bytes are wrong.
    #[must_use]
    pub fn with_exposition_in_place(mut self) -> Self {
        self.in_place = true;
        self
    }

    /// What the plug is: its operations, and the settings that name servers. Runs it, once.
    pub async fn describe(&self) -> Result<&Description, Error> {
        self.describe_within(Limits::default()).await
    }

    /// The same for a component that is to run within these limits.
    pub async fn describe_within(&self, limits: Limits) -> Result<&Description, Error> {
        Ok(self.description(limits).await?)
    }

    /// A JSON Schema of an operation's `ctx`; none if the plug has none, or no such operation. Runs
    /// the plug.
    pub async fn schema(&self, operation: &str) -> Result<Option<String>, Error> {
        self.schema_within(operation, Limits::default()).await
    }

    /// The same for a component that is to run within these limits.
    pub async fn schema_within(&self, operation: &str, limits: Limits) -> Result<Option<String>, Error> {
        let mut instance = self.describing(limits).await?;
        let limit = limits.recorder_call();
        Ok(call_recorder!(&mut instance, limit, |exports, store| exports.plug.call_schema(store, operation))?)
    }

    /// An instance without a configuration, which reaches nothing.
    async fn describing(&self, limits: Limits) -> Result<Box<Instance<Recorder>>, Error> {
        let network = Network::open(Grants::none(), None, None).await?;
        self.factory(network, limits, None).recorder().await
    }

    async fn description(&self, limits: Limits) -> Result<&Arc<Description>, Error> {
        let describe = || async {
            let mut instance = self.describing(limits).await?;
            let limit = limits.recorder_call();
            let description = call_recorder!(&mut instance, limit, |exports, store| exports.plug.call_describe(store))?;
            Ok(Arc::new(description.into()))
        };
        self.description.get_or_try_init(describe).await
    }

    fn factory(&self, network: Arc<Network>, limits: Limits, link: Option<Arc<Link>>) -> Factory {
        Factory {
            pre: self.pre.clone(),
            exports: Arc::clone(&self.exports),
            network,
            limits,
            budget: Budget::new(limits.memory_bytes),
            link,
            name: Arc::clone(&self.name),
        }
    }

    /// Starts a plug with this configuration, grants and limits, to be shared. Must be called
    /// within a tokio runtime; the plug ends when its last handle is dropped.
    pub async fn start(&self, config: &Value, grants: Grants, limits: Limits) -> Result<PlugHandle, Error> {
        self.open(config, grants, limits, None).await.map(PlugHandle::new)
    }

    /// Starts a plug for one owner: without a queue, for callers to whom each nanosecond counts.
    pub async fn session(&self, config: &Value, grants: Grants, limits: Limits) -> Result<Session, Error> {
        self.open(config, grants, limits, None).await
    }

    /// Like [`Plug::start`], with a folder that keeps what was acknowledged: it is there again
    /// after a restart of the host, also after `kill -9`. The folder is made if need be, and is for
    /// one plug at a time. `docs/recovery.md` says what is promised.
    pub async fn start_in(
        &self,
        folder: &Path,
        config: &Value,
        grants: Grants,
        limits: Limits,
    ) -> Result<PlugHandle, Error> {
        self.open(config, grants, limits, Some(folder)).await.map(PlugHandle::new)
    }

    /// Like [`Plug::session`], with a folder as [`Plug::start_in`] has it.
    pub async fn session_in(
        &self,
        folder: &Path,
        config: &Value,
        grants: Grants,
        limits: Limits,
    ) -> Result<Session, Error> {
        self.open(config, grants, limits, Some(folder)).await
    }

    async fn open(
        &self,
        config: &Value,
        grants: Grants,
        limits: Limits,
        folder: Option<&Path>,
    ) -> Result<Session, Error> {
        let limits = limits.lowest(limits.granted(&grants.limits));
        let description = Arc::clone(self.description(limits).await?);
        let link = self.monitoring.as_ref().map(|(to, name)| Link::new(to.clone(), name, &grants));
        let grants = grants.with_headers_of(config, &description.servers);
        let network = Network::open(grants, self.exchanges.clone(), self.advice).await?;
        Session::open(self.factory(network, limits, link), description, self.in_place, config, folder).await
    }
}
