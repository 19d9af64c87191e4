//! A plug as Python has it: sessions of one component, each for the configurations that name the
//! same servers.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use plugpipe_runtime::answer::Server;
use plugpipe_runtime::grants::origins_in;
use plugpipe_runtime::session::{Format, Taken, Waiting as Open};
use plugpipe_runtime::{Answer, Error, Origin, Plug as Component, Request, SharedPlug};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use serde_json::Value;

use crate::answer::{failure, response};
use crate::buffer::{Buffer, Cell, hand_over_at_intervals};
use crate::convert::{from_json, to_json};
use crate::inbox::Waiting;
use crate::settings::{Arguments, Settings};
use crate::world::{World, busy, generation, world};

/// Configurations whose session is remembered by their text; a caller may make up one for each call.
const MAX_TEXTS: usize = 1_024;

/// Sessions of one plug. Each has an instance of the component.
const MAX_SESSIONS: usize = 64;

/// How often a thread that waits looks for signals, such as Ctrl-C.
const LOOK: Duration = Duration::from_millis(100);

/// A component with its settings, running in this process.
#[pyclass(frozen, subclass, module = "plugpipe_host._native")]
pub(crate) struct Plug {
    settings: Settings,
    /// Locked for moments, and only by threads that hold the interpreter's lock: so it is free in the
    /// child of a fork.
    running: Mutex<Running>,
}

/// What runs in one process.
#[derive(Default)]
struct Running {
    generation: u64,
    started: Option<Started>,
    by_text: HashMap<String, SharedPlug>,
    /// The last configuration that was taken, as text, and its session.
    last: Option<(String, SharedPlug)>,
    is_closed: bool,
    /// Increments for the session of the plug's own configuration.
    buffer: Option<Arc<Buffer>>,
    /// For the next answer.
    warnings: Vec<String>,
    /// In the parent of a fork what it pushes to, and in the child what the parent pushed to, as
    /// lanes of the plug.
    lanes: BTreeSet<String>,
}

/// How the plug `monitoring_prometheus` calls the lane of a group of pushes; its URL follows.
const PUSHES: &str = "push:";

struct Started {
    component: Component,
    main: SharedPlug,
    by_origins: HashMap<BTreeSet<Origin>, SharedPlug>,
}

impl Drop for Plug {
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        if running.generation != generation() {
            // Of a process that forked this one: not even its end works here.
            std::mem::forget(std::mem::take(running));
        }
    }
}

/// A host's error as an exception, for what is no request.
pub(crate) fn raised(error: &Error) -> PyErr {
    match error {
        Error::Config { .. } | Error::Settings { .. } => PyValueError::new_err(error.to_string()),
        _ => PyRuntimeError::new_err(error.to_string()),
    }
}

fn servers(plug: &SharedPlug) -> &[Server] {
    &plug.describe().servers
}

impl Plug {
    fn running(&self) -> MutexGuard<'_, Running> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.generation != generation() {
            let parent = std::mem::take(&mut *running);
            (running.generation, running.is_closed) = (generation(), parent.is_closed);
            running.lanes.clone_from(&parent.lanes);
            std::mem::forget(parent);
        }
        running
    }

    /// Runs what takes long without the interpreter's lock.
    fn detached<T: Send>(py: Python<'_>, run: impl FnOnce(&'static World) -> T + Send) -> Result<T, Error> {
        let problem = |error: std::io::Error| Error::Settings { what: "threads".into(), problem: error.to_string() };
        let world = world().map_err(problem)?;
        Ok(py.detach(|| {
            let _busy = busy();
            run(world)
        }))
    }

    /// The session of the plug's own configuration, started if it does not run in this process.
    pub(crate) fn main(&self, py: Python<'_>) -> Result<SharedPlug, Error> {
        {
            let running = self.running();
            if running.is_closed {
                return Err(Error::Ended);
            }
            if let Some(started) = &running.started {
                return Ok(started.main.clone());
            }
        }
        let is_child = generation() > 0;
        let started = Self::detached(py, |world| {
            let component = self.settings.load(world, is_child)?;
            let main = world.runtime().block_on(self.settings.start(&component, &self.settings.config, is_child))?;
            Ok::<_, Error>((component, SharedPlug::new(main, world.runtime())))
        });
        let (component, main) = started??;
        let origins = origins_in(&self.settings.config, servers(&main));
        let mut running = self.running();
        if let Some(started) = &running.started {
            // Another thread was faster.
            return Ok(started.main.clone());
        }
        running.warnings = self.not_in_a_child(is_child);
        running.warnings.extend(self.settings.unnamed_secrets(&origins));
        let by_origins = HashMap::from([(origins, main.clone())]);
        running.started = Some(Started { component, main: main.clone(), by_origins });
        Ok(main)
    }

    /// Whether what is unsent is kept for the next start.
    fn keeps_state(&self) -> bool {
        self.settings.state.is_some() && generation() == 0
    }

    /// What the child of a fork does without.
    fn not_in_a_child(&self, is_child: bool) -> Vec<String> {
        let Settings { state, record, .. } = &self.settings;
        let note = |what: &str, path: &Option<PathBuf>| {
            let path = path.as_ref().filter(|_| is_child)?;
            Some(format!("{what}: {} belongs to the parent process; this process continues without it", path.display()))
        };
        [note("state", state), note("record", record)].into_iter().flatten().collect()
    }

    /// The session for a configuration, which is empty for the last one.
    fn session(&self, py: Python<'_>, cfg: &str) -> Result<SharedPlug, Error> {
        {
            let running = self.running();
            let known = match &running.last {
                Some((text, plug)) if cfg.is_empty() || text == cfg => Some(plug),
                _ => running.by_text.get(cfg),
            };
            if let Some(plug) = known.filter(|_| !running.is_closed) {
                return Ok(plug.clone());
            }
        }
        let main = self.main(py)?;
        if cfg.is_empty() || self.settings.is_single() {
            return Ok(main);
        }
        // What is no configuration is for the plug to say.
        let config: Value = serde_json::from_str(cfg).unwrap_or_default();
        let origins = origins_in(&config, servers(&main));
        let component = {
            let mut running = self.running();
            let Some(started) = &running.started else { return Err(Error::Ended) };
            if let Some(plug) = started.by_origins.get(&origins).cloned() {
                running.remember(cfg, &plug);
                return Ok(plug);
            }
            if started.by_origins.len() >= MAX_SESSIONS {
                let problem = format!(
                    "the calls named {MAX_SESSIONS} different sets of servers, the maximum; \
                     start the plug with grants= for all of them"
                );
                return Err(Error::Settings { what: "cfg".into(), problem });
            }
            started.component.clone()
        };
        let is_child = generation() > 0;
        let plug = Self::detached(py, |world| {
            // Started with what names the servers, so that tenants and the like are granted; the call
            // then hands it over as its own.
            let session = world.runtime().block_on(self.settings.start(&component, &config, is_child))?;
            Ok::<_, Error>(SharedPlug::new(session, world.runtime()))
        })??;
        let mut running = self.running();
        let Some(started) = &mut running.started else { return Err(Error::Ended) };
        let plug = started.by_origins.entry(origins).or_insert(plug).clone();
        running.remember(cfg, &plug);
        Ok(plug)
    }

    /// Has buffered increments of this series be handed over to the plug.
    pub(crate) fn buffer(&self, plug: &SharedPlug, series: u32, cell: &Arc<Cell>) -> PyResult<()> {
        let mut running = self.running();
        if let Some(buffer) = &running.buffer {
            buffer.add(series, cell);
            return Ok(());
        }
        let buffer = Arc::new(Buffer::default());
        buffer.add(series, cell);
        world()?.runtime().spawn(hand_over_at_intervals(Arc::downgrade(&buffer), plug.clone()));
        running.buffer = Some(buffer);
        Ok(())
    }

    /// Hands over buffered increments before anybody looks at what was recorded.
    fn hand_over(&self, py: Python<'_>) {
        let (buffer, main) = {
            let running = self.running();
            let Some((buffer, started)) = running.buffer.as_ref().zip(running.started.as_ref()) else { return };
            (Arc::clone(buffer), started.main.clone())
        };
        if buffer.is_empty() {
            return;
        }
        let outcome = py.detach(|| main.turn().call(async |session| buffer.hand_over(session).await));
        if let Err(error) = outcome {
            self.running().warnings.push(error.to_string());
        }
    }

    fn take(&self, py: Python<'_>, request: Request, cfg: &str) -> Taken {
        self.hand_over(py);
        match self.session(py, cfg) {
            Ok(plug) => match py.detach(|| plug.turn().take(request, cfg)) {
                Taken::Answered(answer) => {
                    self.note_last(cfg, &plug, &answer);
                    Taken::Answered(answer)
                }
                waits => {
                    self.note_open(cfg, plug);
                    waits
                }
            },
            // A configuration that the plug rejects is an answer as it would give it.
            Err(Error::Config { code, problem }) => {
                let mut answer = Answer::default();
                let body = serde_json::json!({
                    "success": false, "error": problem, "error_code": code, "field": field(&problem),
                });
                answer.body = body.to_string();
                Taken::Answered(Ok(answer))
            }
            Err(error) => Taken::Answered(Err(error)),
        }
    }

    /// Remembers a configuration as the last one, unless its request failed.
    fn note_last(&self, cfg: &str, plug: &SharedPlug, answer: &Result<Answer, Error>) {
        if !cfg.is_empty() && matches!(answer, Ok(answer) if answer.is_ok()) {
            self.note_open(cfg, plug.clone());
        }
    }

    fn note_open(&self, cfg: &str, plug: SharedPlug) {
        let mut running = self.running();
        if cfg.is_empty() || running.last.as_ref().is_some_and(|(text, _)| text == cfg) {
            return;
        }
        running.last = Some((cfg.to_owned(), plug));
    }

    fn answered<'py>(&self, py: Python<'py>, answer: Result<Answer, Error>) -> PyResult<Bound<'py, PyAny>> {
        self.noted(py, response(py, answer)?)
    }

    /// An answer with what the host has to say.
    fn noted<'py>(&self, py: Python<'py>, answer: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.note_shared_groups(py);
        let warnings = std::mem::take(&mut self.running().warnings);
        if !warnings.is_empty() {
            add_warnings(&answer, warnings)?;
        }
        Ok(answer)
    }

    /// In the child of a fork, warns at its first push to a group that its parent pushed to.
    fn note_shared_groups(&self, py: Python<'_>) {
        if generation() == 0 || self.running().lanes.is_empty() {
            return;
        }
        let mut running = self.running();
        let plugs: Vec<SharedPlug> =
            running.started.iter().flat_map(|started| started.by_origins.values()).cloned().collect();
        drop(running);
        let own: BTreeSet<String> = py.detach(|| plugs.iter().flat_map(pushed).collect());
        running = self.running();
        let shared: Vec<String> = running.lanes.intersection(&own).cloned().collect();
        for lane in shared {
            running.lanes.remove(&lane);
            let group = lane.strip_prefix(PUSHES).unwrap_or(&lane);
            running.warnings.push(format!(
                "{group}: the parent process pushes to this group too, and each push replaces the other's;                  give each process an instance of its own, or connect() them to one host"
            ));
        }
    }

    fn begin<'py>(&self, py: Python<'py>, request: Request, cfg: &str) -> PyResult<Bound<'py, PyAny>> {
        match self.take(py, request, cfg) {
            Taken::Answered(answer) => self.answered(py, answer),
            Taken::Waits(open) => Ok(Bound::new(py, Waiting::new(open))?.into_any()),
        }
    }

    fn wait<'py>(&self, py: Python<'py>, request: Request, cfg: &str) -> PyResult<Bound<'py, PyAny>> {
        match self.take(py, request, cfg) {
            Taken::Answered(answer) => self.answered(py, answer),
            Taken::Waits(open) => {
                let answer = wait_for(py, open)?;
                self.answered(py, answer)
            }
        }
    }

    /// `ctx` and `cfg` as JSON, or the answer that says what is wrong with them.
    fn texts<'py>(
        py: Python<'py>,
        ctx: Option<&Bound<'py, PyAny>>,
        cfg: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Result<(String, String), Bound<'py, PyAny>>> {
        let text = |value: Option<&Bound<'py, PyAny>>| value.map_or_else(|| Ok(String::new()), to_json);
        let invalid = |what: &str, problem: String| {
            let dot = if problem.starts_with(':') { "" } else { "." };
            failure(py, "invalid_field", &format!("{what}{dot}{problem}")).map(Err)
        };
        let ctx = match text(ctx) {
            Ok(ctx) if ctx.is_empty() => "{}".to_owned(),
            Ok(ctx) => ctx,
            Err(problem) => return invalid("ctx", problem),
        };
        match text(cfg) {
            Ok(cfg) if matches!(cfg.as_str(), "{}" | "null") => Ok(Ok((ctx, String::new()))),
            Ok(cfg) => Ok(Ok((ctx, cfg))),
            Err(problem) => invalid("cfg", problem),
        }
    }
}

impl Running {
    fn remember(&mut self, cfg: &str, plug: &SharedPlug) {
        if self.by_text.len() >= MAX_TEXTS {
            self.by_text.clear();
        }
        self.by_text.insert(cfg.to_owned(), plug.clone());
    }
}

/// The groups that a plug pushed to, as lanes.
fn pushed(plug: &SharedPlug) -> Vec<String> {
    let lanes = plug.turn().call(async |session| session.lanes_used().map(str::to_owned).collect::<Vec<_>>());
    lanes.into_iter().filter(|lane| lane.starts_with(PUSHES)).collect()
}

/// The field that an error of the plug begins with.
fn field(problem: &str) -> &str {
    problem.split_once(": ").map_or("cfg", |(field, _)| field)
}

/// Waits for an answer without the interpreter's lock; a signal's exception ends the wait.
fn wait_for(py: Python<'_>, open: Open) -> PyResult<Result<Answer, Error>> {
    let runtime = world()?.runtime();
    let mut answer = Box::pin(open.answer());
    loop {
        let waited = py.detach(|| runtime.block_on(async { tokio::time::timeout(LOOK, &mut answer).await }));
        match waited {
            Ok(answer) => return Ok(answer),
            Err(_) => py.check_signals()?,
        }
    }
}

/// Adds what the host has to say to the warnings in an answer.
fn add_warnings(answer: &Bound<'_, PyAny>, warnings: Vec<String>) -> PyResult<()> {
    let Ok(answer) = answer.cast::<PyDict>() else { return Ok(()) };
    match answer.get_item("warnings")? {
        Some(list) if list.is_instance_of::<PyList>() => list.cast::<PyList>()?.call_method1("extend", (warnings,))?,
        _ => {
            answer.set_item("warnings", warnings)?;
            return Ok(());
        }
    };
    Ok(())
}

#[pymethods]
impl Plug {
    #[new]
    #[pyo3(signature = (
        component=None, config=None, grants=None, limits=None, state=None, record=None, replay=None, secrets=None
    ))]
    #[allow(clippy::too_many_arguments, reason = "Python's, by name")]
    fn new(
        py: Python<'_>,
        component: Option<PathBuf>,
        config: Option<&Bound<'_, PyAny>>,
        grants: Option<&Bound<'_, PyAny>>,
        limits: Option<&Bound<'_, PyAny>>,
        state: Option<PathBuf>,
        record: Option<PathBuf>,
        replay: Option<PathBuf>,
        secrets: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let settings = Settings::read(Arguments { component, config, grants, limits, secrets, state, record, replay })?;
        let running = Running { generation: generation(), ..Running::default() };
        let plug = Self { settings, running: Mutex::new(running) };
        plug.main(py).map_err(|error| raised(&error))?;
        Ok(plug)
    }

    /// Starts a request; returns its answer, or a handle that waits for it.
    #[pyo3(signature = (ctx=None, cfg=None))]
    fn _begin<'py>(
        &self,
        py: Python<'py>,
        ctx: Option<&Bound<'py, PyAny>>,
        cfg: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match Self::texts(py, ctx, cfg)? {
            Ok((ctx, cfg)) => self.begin(py, Request::Call(ctx), &cfg),
            Err(answer) => Ok(answer),
        }
    }

    /// Runs the operation that `ctx` names, and waits for servers without the interpreter's lock.
    #[pyo3(signature = (ctx=None, cfg=None))]
    fn process_sync<'py>(
        &self,
        py: Python<'py>,
        ctx: Option<&Bound<'py, PyAny>>,
        cfg: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match Self::texts(py, ctx, cfg)? {
            Ok((ctx, cfg)) => self.wait(py, Request::Call(ctx), &cfg),
            Err(answer) => Ok(answer),
        }
    }

    /// Runs an operation on what was recorded under the plug's own configuration, whatever the last
    /// request's was, as metrics do that are made in Python.
    fn _process_own<'py>(&self, py: Python<'py>, ctx: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let plug = self.main(py).map_err(|error| raised(&error))?;
        let ctx = match Self::texts(py, Some(ctx), None)? {
            Ok((ctx, _)) => ctx,
            Err(answer) => return Ok(answer),
        };
        let answer = match py.detach(|| plug.turn().take(Request::Call(ctx), "")) {
            Taken::Answered(answer) => answer,
            Taken::Waits(open) => wait_for(py, open)?,
        };
        response(py, answer)
    }

    /// An answer that came by way of an inbox, with what the host has to say.
    fn _noted<'py>(&self, py: Python<'py>, answer: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.noted(py, answer)
    }

    /// Before a fork: notes for the child what this process pushes to.
    fn _before_fork(&self, py: Python<'_>) {
        let running = self.running();
        let plugs: Vec<SharedPlug> =
            running.started.iter().flat_map(|started| started.by_origins.values()).cloned().collect();
        drop(running);
        let lanes: Vec<String> = py.detach(|| plugs.iter().flat_map(pushed).collect());
        self.running().lanes.extend(lanes);
    }

    #[pyo3(signature = (cfg=None))]
    fn _begin_health<'py>(&self, py: Python<'py>, cfg: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        match Self::texts(py, None, cfg)? {
            Ok((_, cfg)) => self.begin(py, Request::Health, &cfg),
            Err(answer) => Ok(answer),
        }
    }

    #[pyo3(signature = (cfg=None))]
    fn _begin_cleanup<'py>(&self, py: Python<'py>, cfg: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        match Self::texts(py, None, cfg)? {
            Ok((_, cfg)) => self.begin(py, Request::Cleanup, &cfg),
            Err(answer) => Ok(answer),
        }
    }

    fn _begin_deliver<'py>(&self, py: Python<'py>, sink: String) -> PyResult<Bound<'py, PyAny>> {
        self.begin(py, Request::Deliver(sink), "")
    }

    /// Sends to this sink what has not been sent. Returns how many values no server has accepted
    /// then.
    fn _unsent_after(&self, py: Python<'_>, sink: String) -> PyResult<u64> {
        let answer = match self.take(py, Request::Deliver(sink), "") {
            Taken::Answered(answer) => answer,
            Taken::Waits(open) => wait_for(py, open)?,
        };
        answer.map(|answer| answer.unsent).map_err(|error| raised(&error))
    }

    /// Checks every configured server.
    fn health_sync<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.wait(py, Request::Health, "")
    }

    /// Makes the plug forget what it recorded, and remove what it left on servers.
    fn cleanup_sync<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.wait(py, Request::Cleanup, "")
    }

    /// Sends to this sink what has not been sent.
    fn deliver_sync<'py>(&self, py: Python<'py>, sink: String) -> PyResult<Bound<'py, PyAny>> {
        self.wait(py, Request::Deliver(sink), "")
    }

    /// What the plug is: its name, version, operations, sinks and settings of servers.
    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let plug = self.main(py).map_err(|error| raised(&error))?;
        let text = serde_json::to_string(plug.describe()).unwrap_or_default();
        from_json(py, &text).ok_or_else(|| PyRuntimeError::new_err("the description is not JSON"))
    }

    /// Whether the plug's own configuration names a server.
    fn _has_servers(&self, py: Python<'_>) -> PyResult<bool> {
        let plug = self.main(py).map_err(|error| raised(&error))?;
        Ok(!origins_in(&self.settings.config, servers(&plug)).is_empty())
    }

    /// What the plug said of the configuration that it was started with.
    #[getter]
    fn warnings(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        Ok(self.main(py).map_err(|error| raised(&error))?.warnings().to_vec())
    }

    /// What became of crashes so far.
    fn recovery<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let plug = self.main(py).map_err(|error| raised(&error))?;
        let recovery = py.detach(|| plug.turn().call(async |session| session.recovery().clone()));
        let text = serde_json::to_string(&recovery).unwrap_or_default();
        from_json(py, &text).ok_or_else(|| PyRuntimeError::new_err("the report is not JSON"))
    }

    /// The exposition that a scraper with this `Accept` header gets, after its content type.
    #[pyo3(signature = (accept=""))]
    fn scrape<'py>(&self, py: Python<'py>, accept: &str) -> PyResult<(String, Bound<'py, PyBytes>)> {
        let plug = self.main(py).map_err(|error| raised(&error))?;
        self.hand_over(py);
        let exposed = py.detach(|| plug.turn().call(async |session| session.scrape(accept).await));
        let exposed = exposed.map_err(|error| raised(&error))?;
        if exposed.content_type.is_empty() {
            return Err(PyRuntimeError::new_err(String::from_utf8_lossy(&exposed.body).into_owned()));
        }
        Ok((exposed.content_type, PyBytes::new(py, &exposed.body)))
    }

    /// What was recorded, in the text format.
    fn text(&self, py: Python<'_>) -> PyResult<String> {
        let plug = self.main(py).map_err(|error| raised(&error))?;
        self.hand_over(py);
        let text = py.detach(|| plug.turn().call(async |session| session.encode(Format::Text).await));
        let text = text.map_err(|error| raised(&error))?;
        String::from_utf8(text).map_err(|error| PyRuntimeError::new_err(error.to_string()))
    }

    /// What servers have not accepted: the number of values, and the servers of each session that
    /// has some. Nothing in the child of a fork before it used the plug, and nothing that a state
    /// folder keeps.
    fn _unsent(&self, py: Python<'_>) -> Vec<(u64, Vec<String>)> {
        self.hand_over(py);
        let running = self.running();
        let Some(started) = running.started.as_ref().filter(|_| !self.keeps_state()) else { return Vec::new() };
        let plugs: Vec<(Vec<String>, SharedPlug)> = started
            .by_origins
            .iter()
            .map(|(origins, plug)| (origins.iter().map(ToString::to_string).collect(), plug.clone()))
            .collect();
        drop(running);
        let unsent = |(origins, plug): (Vec<String>, SharedPlug)| {
            // Any answer says what is unsent; this one needs no server.
            match plug.turn().take(Request::Call(r#"{"operation":"describe"}"#.into()), "") {
                Taken::Answered(Ok(answer)) if answer.unsent > 0 => Some((answer.unsent, origins)),
                _ => None,
            }
        };
        py.detach(|| plugs.into_iter().filter_map(unsent).collect())
    }

    /// Ends the plug: later requests are answered with an error. What was recorded is gone, unless it
    /// is in a state folder.
    fn close(&self, py: Python<'_>) {
        self.hand_over(py);
        let mut running = self.running();
        let ended = std::mem::take(&mut *running);
        (running.generation, running.is_closed) = (generation(), true);
        drop(running);
        py.detach(|| {
            let _busy = busy();
            drop(ended);
        });
    }
}
