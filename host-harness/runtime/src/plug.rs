//! A compiled component, from which any number of plugs are started.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre};

use crate::answer::Description;
use crate::budget::Budget;
use crate::cache;
use crate::compile::{self, Compiler};
use crate::egress::Network;
use crate::engine;
use crate::error::Error;
use crate::exports::Exports;
use crate::grants::{Advice, Grants};
use crate::handle::PlugHandle;
use crate::http_recording::Exchanges;
use crate::limits::Limits;
use crate::linker::linker;
use crate::session::Session;
use crate::store::{Factory, State, call_recorder};

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
    /// Whether the plug leaves an exposition where it is until the next call.
    in_place: bool,
}

/// One function or interface that a component exports.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Export {
    /// The interface's name with its version.
    pub interface: String,
    /// Its functions.
    pub functions: Vec<String>,
}

impl Plug {
    /// A component from a file, of at most [`compile::MAX_COMPONENT_BYTES`]. It is compiled in this
    /// process, where neither memory nor time are limited: for components that are not trusted
    /// that far there is [`Plug::from_file_with`].
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        Self::from_file_with(path, Compiler::default())
    }

    /// A component from a file, compiled as the caller says.
    pub fn from_file_with(path: &Path, compiler: Compiler) -> Result<Self, Error> {
        let bytes = compile::read(path, compiler.max_component_bytes())?;
        Self::from_bytes_with(&path.display().to_string(), &bytes, compiler)
    }

    /// A component from memory, of at most [`compile::MAX_COMPONENT_BYTES`]; `name` is for errors.
    /// It is compiled in this process, as by [`Plug::from_file`].
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        Self::from_bytes_with(name, bytes, Compiler::default())
    }

    /// A component from memory, compiled as the caller says; `name` is for errors.
    pub fn from_bytes_with(name: &str, bytes: &[u8], compiler: Compiler) -> Result<Self, Error> {
        let max = compiler.max_component_bytes();
        if bytes.len() > max {
            return Err(Error::Load { plug: name.into(), problem: compile::too_long(bytes.len(), max) });
        }
        let sha256: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self::load(name, bytes, &sha256, compiler)
    }

    /// A component from memory whose SHA-256 digest is known, in lowercase hex: one that a build
    /// embeds. It is compiled in this process and not hashed again. The digest names its compiled
    /// form in the cache, so that a wrong one may load another component.
    pub fn from_digested(name: &str, bytes: &[u8], sha256: &str) -> Result<Self, Error> {
        Self::load(name, bytes, sha256, Compiler::default())
    }

    fn load(name: &str, bytes: &[u8], sha256: &str, compiler: Compiler) -> Result<Self, Error> {
        let problem = |error: wasmtime::Error| Error::Load { plug: name.into(), problem: format!("{error:#}") };
        let engine = engine::start().map_err(problem)?;
        let component = cache::load(&engine, bytes, sha256, compiler).map_err(problem)?;
        let pre = linker(&engine).and_then(|linker| linker.instantiate_pre(&component)).map_err(problem)?;
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
            in_place: false,
        })
    }

    /// The interfaces that the component imports, sorted: everything it could ever use.
    pub fn imports(&self) -> Vec<String> {
        let engine = self.component.engine();
        let mut imports: Vec<String> =
            self.component.component_type().imports(engine).map(|(name, _)| name.to_owned()).collect();
        imports.sort();
        imports
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

    /// The component's digest, in hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The same plug, whose exchanges with servers are recorded or replayed from its next start on.
    #[must_use]
    pub fn with_exchanges(mut self, exchanges: Exchanges) -> Self {
        self.exchanges = Some(exchanges);
        self
    }

    /// The same plug, for a host whose log says how to grant a denied request.
    #[must_use]
    pub fn with_advice(mut self, advice: Advice) -> Self {
        self.advice = Some(advice);
        self
    }

    /// The same plug, known to leave the exposition that it returns in its memory until the next
    /// call: [`Session::encode_into`] then copies it once instead of twice. A plug that frees or
    /// reuses that memory earlier returns other bytes.
    #[must_use]
    pub fn with_exposition_in_place(mut self) -> Self {
        self.in_place = true;
        self
    }

    /// What the plug is: its operations, and the settings that name servers. Runs it, once.
    pub async fn describe(&self) -> Result<&Description, Error> {
        Ok(self.description().await?)
    }

    async fn description(&self) -> Result<&Arc<Description>, Error> {
        let describe = || async {
            let limits = Limits::default();
            let network = Network::open(Grants::none(), None, None).await?;
            let mut instance = self.factory(network, limits).recorder().await?;
            let limit = limits.recorder_call();
            let description = call_recorder!(&mut instance, limit, |exports, store| exports.plug.call_describe(store))?;
            Ok(Arc::new(description.into()))
        };
        self.description.get_or_try_init(describe).await
    }

    fn factory(&self, network: Arc<Network>, limits: Limits) -> Factory {
        Factory {
            pre: self.pre.clone(),
            exports: Arc::clone(&self.exports),
            network,
            limits,
            budget: Budget::new(limits.memory_bytes),
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
        let description = Arc::clone(self.description().await?);
        let grants = grants.with_headers_of(config, &description.servers);
        let network = Network::open(grants, self.exchanges.clone(), self.advice).await?;
        Session::open(self.factory(network, limits), description, self.in_place, config, folder).await
    }
}
