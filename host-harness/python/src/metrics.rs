//! Metrics by handle: families, and their series, each an object of Python.
//!
//! | type | purpose |
//! |---|---|
//! | [`Metric`] | a family: finds the series of labels |
//! | [`Series`] | a series: an update is a number and an amount |
//!
//! A series that was made before a fork makes itself again in the child, where it begins at zero.

use std::sync::{Arc, Mutex, PoisonError};

use plugpipe_runtime::session::{Definition, Label, MetricKind, Outcome, Session};
use plugpipe_runtime::{Error, SharedPlug};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use crate::buffer::Cell;
use crate::convert::str_of;
use crate::plug::{Plug, raised};
use crate::world::generation;

/// A family of metrics of one plug.
#[pyclass(frozen, subclass, module = "plugpipe_host._native")]
pub(crate) struct Metric {
    plug: Py<Plug>,
    definition: Definition,
    names: Vec<Py<PyString>>,
    child: Py<PyType>,
    /// By the tuple of their labels' values, as they were given and as text.
    children: Py<PyDict>,
    is_buffered: bool,
    /// The labels of the info's one series.
    info: Mutex<Vec<(String, String)>>,
}

/// A series of a family.
#[pyclass(frozen, subclass, module = "plugpipe_host._native")]
pub(crate) struct Series {
    plug: Py<Plug>,
    definition: Definition,
    labels: Vec<(String, String)>,
    bound: Mutex<Place>,
    buffer: Option<Arc<Cell>>,
}

/// A series' number in the plug of one process.
#[derive(Default)]
struct Place {
    generation: u64,
    to: Option<(SharedPlug, u32)>,
}

impl Drop for Series {
    fn drop(&mut self) {
        let bound = self.bound.get_mut().unwrap_or_else(PoisonError::into_inner);
        if bound.generation != generation() {
            // Of a process that forked this one: not even its end works here.
            std::mem::forget(bound.to.take());
        }
    }
}

/// An update of a series.
#[derive(Clone, Copy)]
enum Update {
    Add(f64),
    Set(f64),
    Observe(f64),
}

impl Update {
    async fn make(self, session: &mut Session, series: u32) -> Result<Outcome, Error> {
        match self {
            Self::Add(amount) => session.add(series, amount).await,
            Self::Set(value) => session.set(series, value).await,
            Self::Observe(value) => session.observe(series, value).await,
        }
    }
}

fn labels(pairs: &[(String, String)]) -> Vec<Label> {
    pairs.iter().map(|(name, value)| Label { name: name.clone(), value: value.clone() }).collect()
}

/// What the plug says of a name, a value or a definition is for the caller's code to mend.
fn rejected(error: Error) -> PyErr {
    match error {
        Error::Plug { problem } => PyValueError::new_err(problem),
        error => raised(&error),
    }
}

impl Series {
    /// The plug and the series' number in it; made, if it is not there.
    fn bound(&self, py: Python<'_>, again: bool) -> PyResult<(SharedPlug, u32)> {
        {
            let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
            if bound.generation != generation() {
                std::mem::forget(bound.to.take());
                bound.generation = generation();
            }
            if let Some((plug, series)) = bound.to.as_ref().filter(|_| !again) {
                return Ok((plug.clone(), *series));
            }
        }
        let plug = self.plug.get().main(py).map_err(|error| raised(&error))?;
        let made = py.detach(|| {
            plug.turn().call(async |session| {
                let family = session.register(&self.definition).await?;
                session.series_of(family, &labels(&self.labels)).await
            })
        });
        let series = made.map_err(rejected)?;
        if let Some(cell) = &self.buffer {
            self.plug.get().buffer(&plug, series, cell)?;
        }
        self.bound.lock().unwrap_or_else(PoisonError::into_inner).to = Some((plug.clone(), series));
        Ok((plug, series))
    }

    #[inline]
    fn update(&self, py: Python<'_>, update: Update) -> PyResult<()> {
        let (plug, series) = self.bound(py, false)?;
        match Self::make(py, &plug, series, update).map_err(|error| raised(&error))? {
            Outcome::Recorded => Ok(()),
            // It was removed, as a cleanup does, or the plug lost it in a crash.
            Outcome::UnknownSeries => {
                let (plug, series) = self.bound(py, true)?;
                let outcome = Self::make(py, &plug, series, update).map_err(|error| raised(&error))?;
                self.check(outcome)
            }
            other => self.check(other),
        }
    }

    /// An update takes less time than to give up the interpreter's lock and take it again, unless
    /// somebody else has the plug.
    fn make(py: Python<'_>, plug: &SharedPlug, series: u32, update: Update) -> Result<Outcome, Error> {
        match plug.try_turn() {
            Some(mut turn) => turn.call(async |session| update.make(session, series).await),
            None => py.detach(|| plug.turn().call(async |session| update.make(session, series).await)),
        }
    }

    fn exemplify(&self, py: Python<'_>, amount: f64, exemplar: &[(String, String)]) -> PyResult<()> {
        let (plug, series) = self.bound(py, false)?;
        let exemplar = labels(exemplar);
        let observe = async |session: &mut Session| session.observe_with_exemplar(series, amount, &exemplar).await;
        py.detach(|| plug.turn().call(observe)).map_err(rejected)
    }

    fn check(&self, outcome: Outcome) -> PyResult<()> {
        let name = &self.definition.name;
        Err(match outcome {
            Outcome::Recorded => return Ok(()),
            Outcome::InvalidAmount => PyValueError::new_err(format!(
                "{name}: expected an amount for its kind: counters only increase, and observations are numbers"
            )),
            Outcome::WrongKind => PyValueError::new_err(format!("{name}: metrics of its kind do not support this")),
            Outcome::UnknownSeries => PyRuntimeError::new_err(format!("{name}: the series was removed")),
        })
    }
}

#[pymethods]
impl Series {
    /// The series of a family with these values of its labels, in order.
    #[new]
    fn new(py: Python<'_>, metric: PyRef<'_, Metric>, values: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let mut labels = Vec::with_capacity(values.len());
        for (name, value) in metric.definition.label_names.iter().zip(values.iter()) {
            labels.push((name.clone(), str_of(&value)?));
        }
        let series = Self {
            plug: metric.plug.clone_ref(py),
            definition: metric.definition.clone(),
            labels,
            bound: Mutex::new(Place { generation: generation(), to: None }),
            buffer: metric.is_buffered.then(Arc::default),
        };
        series.bound(py, false)?;
        Ok(series)
    }

    /// Adds to a counter or gauge; with an example, such as a trace's id, to a counter.
    #[pyo3(signature = (amount=1.0, exemplar=None))]
    fn inc(&self, py: Python<'_>, amount: f64, exemplar: Option<Vec<(String, String)>>) -> PyResult<()> {
        if let Some(exemplar) = exemplar {
            return self.exemplify(py, amount, &exemplar);
        }
        match &self.buffer {
            None => self.update(py, Update::Add(amount)),
            Some(cell) if amount >= 0.0 && amount.is_finite() => {
                if self.bound.lock().unwrap_or_else(PoisonError::into_inner).generation != generation() {
                    // What the parent had not handed over is the parent's.
                    cell.take();
                    self.bound(py, false)?;
                }
                cell.add(amount);
                Ok(())
            }
            Some(_) => self.check(Outcome::InvalidAmount),
        }
    }

    /// Subtracts from a gauge.
    #[pyo3(signature = (amount=1.0))]
    fn dec(&self, py: Python<'_>, amount: f64) -> PyResult<()> {
        self.update(py, Update::Add(-amount))
    }

    /// Sets a gauge.
    fn set(&self, py: Python<'_>, value: f64) -> PyResult<()> {
        self.update(py, Update::Set(value))
    }

    /// Observes a value in a histogram or summary; with an example, in a histogram.
    #[pyo3(signature = (amount, exemplar=None))]
    fn observe(&self, py: Python<'_>, amount: f64, exemplar: Option<Vec<(String, String)>>) -> PyResult<()> {
        match exemplar {
            Some(exemplar) => self.exemplify(py, amount, &exemplar),
            None => self.update(py, Update::Observe(amount)),
        }
    }

    /// Sets the state of a state set: this one on, and all others off.
    fn state(&self, py: Python<'_>, state: &str) -> PyResult<()> {
        let states = &self.definition.states;
        if !states.iter().any(|known| known == state) {
            let problem = format!("{}: expected one of {}, got {state:?}", self.definition.name, states.join(", "));
            return Err(PyValueError::new_err(problem));
        }
        let (plug, series) = self.bound(py, false)?;
        let set = async |session: &mut Session| {
            for known in states {
                session.set_state(series, known, known == state).await?;
            }
            Ok(())
        };
        py.detach(|| plug.turn().call(set)).map_err(rejected)
    }
}

fn kind_of(kind: &str) -> PyResult<MetricKind> {
    Ok(match kind {
        "counter" => MetricKind::Counter,
        "gauge" => MetricKind::Gauge,
        "histogram" => MetricKind::Histogram,
        "native_histogram" => MetricKind::NativeHistogram,
        "summary" => MetricKind::Summary,
        "info" => MetricKind::Info,
        "state_set" => MetricKind::StateSet,
        _ => return Err(PyValueError::new_err(format!("kind: unknown kind {kind:?}"))),
    })
}

#[pymethods]
impl Metric {
    #[new]
    #[pyo3(signature = (plug, child, kind, name, help, unit, label_names, buckets=None, quantiles=None, states=None, buffered=false))]
    #[allow(clippy::too_many_arguments, reason = "for the package's own classes, by name")]
    fn new(
        py: Python<'_>,
        plug: Py<Plug>,
        child: Py<PyType>,
        kind: &str,
        name: String,
        help: String,
        unit: Option<String>,
        label_names: Vec<String>,
        buckets: Option<Vec<f64>>,
        quantiles: Option<Vec<f64>>,
        states: Option<Vec<String>>,
        buffered: bool,
    ) -> PyResult<Self> {
        let names = label_names.iter().map(|name| PyString::intern(py, name).unbind()).collect();
        let kind = kind_of(kind)?;
        let definition = Definition {
            name,
            kind,
            help: Some(help).filter(|help| !help.is_empty()),
            unit: unit.filter(|unit| !unit.is_empty()),
            label_names,
            buckets,
            native: None,
            quantiles,
            window_seconds: None,
            states: states.unwrap_or_default(),
            series_limit: None,
            expire_after_seconds: None,
        };
        // An info's labels are known when it is set.
        if kind != MetricKind::Info {
            let running = plug.get().main(py).map_err(|error| raised(&error))?;
            py.detach(|| running.turn().call(async |session| session.register(&definition).await)).map_err(rejected)?;
        }
        let children = PyDict::new(py).unbind();
        Ok(Self { plug, definition, names, child, children, is_buffered: buffered, info: Mutex::default() })
    }

    /// The series for these values of the labels, all by position or all by name.
    #[pyo3(signature = (*values, **named))]
    fn labels<'py>(
        slf: &Bound<'py, Self>,
        values: &Bound<'py, PyTuple>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, metric) = (slf.py(), slf.get());
        let children = metric.children.bind(py);
        let key = match named {
            None => {
                metric.expect(values.len())?;
                values.clone()
            }
            Some(named) => {
                metric.expect(named.len() + values.len())?;
                let value = |name: &Py<PyString>| {
                    named.get_item(name)?.ok_or_else(|| {
                        PyValueError::new_err(format!("{}: label {name} is missing", metric.definition.name))
                    })
                };
                let values: Vec<Bound<'py, PyAny>> = metric.names.iter().map(value).collect::<PyResult<_>>()?;
                PyTuple::new(py, values)?
            }
        };
        // By what was given where that is text: 1 and True are one key, and not one text.
        let is_text = key.iter().all(|value| value.is_exact_instance_of::<PyString>());
        let key = if is_text {
            key
        } else {
            let texts: Vec<String> = key.iter().map(|value| str_of(&value)).collect::<PyResult<_>>()?;
            PyTuple::new(py, texts)?
        };
        if let Some(known) = children.get_item(&key)? {
            return Ok(known);
        }
        let made = metric.child.bind(py).call1((slf, &key))?;
        // Another thread may have been faster; both are the same series.
        children.call_method1("setdefault", (key, made))
    }

    /// Removes the series with these values of the labels.
    #[pyo3(signature = (*values))]
    fn remove(&self, py: Python<'_>, values: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.expect(values.len())?;
        let texts: Vec<String> = values.iter().map(|value| str_of(&value)).collect::<PyResult<_>>()?;
        let children = self.children.bind(py);
        let key = PyTuple::new(py, texts)?;
        let Some(child) = children.get_item(&key)? else { return Ok(()) };
        children.del_item(&key)?;
        Self::end(py, &child)
    }

    /// Removes all series.
    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        let children = self.children.bind(py);
        let all = children.values();
        children.clear();
        all.iter().try_for_each(|child| Self::end(py, &child))
    }

    /// Sets an info's labels, in place of those that it had.
    fn info(&self, py: Python<'_>, values: Vec<(String, String)>) -> PyResult<()> {
        let plug = self.plug.get().main(py).map_err(|error| raised(&error))?;
        let before = std::mem::replace(&mut *self.info.lock().unwrap_or_else(PoisonError::into_inner), values.clone());
        let of = |pairs: &[(String, String)]| Definition {
            label_names: pairs.iter().map(|(name, _)| name.clone()).collect(),
            ..self.definition.clone()
        };
        let set = async |session: &mut Session| {
            if !before.is_empty() {
                let family = session.register(&of(&before)).await?;
                let series = session.series_of(family, &labels(&before)).await?;
                session.remove(series).await?;
            }
            session.register(&of(&values)).await?;
            session.record(&self.definition.name, MetricKind::Info, &labels(&values), 1.0).await.map(drop)
        };
        py.detach(|| plug.turn().call(set)).map_err(rejected)
    }
}

impl Metric {
    fn expect(&self, given: usize) -> PyResult<()> {
        if given == self.names.len() {
            return Ok(());
        }
        let Definition { name, label_names, .. } = &self.definition;
        let expected = if label_names.is_empty() { "no labels".into() } else { label_names.join(", ") };
        Err(PyValueError::new_err(format!("{name}: expected {expected}, got {given} labels")))
    }

    fn end(py: Python<'_>, child: &Bound<'_, PyAny>) -> PyResult<()> {
        let series = child.cast::<Series>()?.get();
        let (plug, number) = series.bound(py, false)?;
        let removed = py.detach(|| plug.turn().call(async |session| session.remove(number).await));
        removed.map(drop).map_err(|error| raised(&error))
    }
}
