//! Links the interfaces of the plug that records for another one.

use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, LinkerInstance};

use crate::bindings::exports::plugpipe::monitoring::metrics::{Definition, Outcome, Rejection};
use crate::bindings::exports::plugpipe::monitoring::query::{Options, Selection, TooManyPoints};
use crate::bindings::exports::plugpipe::monitoring::types::{Error as TypedError, Label, MetricKind};
use crate::egress::InFlight;
use crate::error::Error;
use crate::handle::PlugHandle;
use crate::query::Querier;
use crate::role::Role;
use crate::store::State;

use crate::monitoring::{Ask, Link, MAX_VALUES, Monitored, NONE, bounded, importer_error};

/// The interfaces that this links.
const METRICS: &str = "plugpipe:monitoring/metrics@1.0.0";
const QUERY: &str = "plugpipe:monitoring/query@1.0.0";

/// What a call that can say an error came to; the error of the host is a trap.
type Said<T> = wasmtime::Result<Result<T, TypedError>>;

/// Links both interfaces.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    link_metrics(&mut linker.instance(METRICS)?)?;
    link_query(&mut linker.instance(QUERY)?)
}

/// A function whose only result is what `$work` comes to.
macro_rules! function {
    ($interface:ident, $name:literal, |$store:ident, ($($argument:ident: $type:ty),*)| $work:expr) => {
        $interface.func_wrap_async($name, |mut $store: StoreContextMut<'_, State>, ($($argument,)*): ($($type,)*)| {
            Box::new(async move {
                let result = $work.await?;
                Ok((result,))
            })
        })?
    };
}

/// Makes a call on the exporter's session. The call that finds a loss is not made: one by name is
/// then made again, and one by handle not, since handles may lead elsewhere afterwards.
macro_rules! ask {
    (by name: $store:expr, $ask:expr, |$session:ident| $call:expr) => {
        ask!($store, $ask, |$session| async {
            match $call.await {
                Err(Error::Lost { .. }) => $call.await,
                other => other,
            }
        })
    };
    ($store:expr, $ask:expr, |$session:ident| $call:expr) => {{
        let exporter = exporter(&$ask)?;
        let call = exporter.with(move |$session| Box::pin(async move { $call.await }));
        let (answer, left) = $ask.wait(call).await?;
        $store.data_mut().monitored.left = left;
        answer
    }};
}

/// What can be said at once.
macro_rules! or_say {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Ok(Err(error)),
        }
    };
}

fn link_metrics(metrics: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    function!(metrics, "register", |store, (definition: Definition)| register(&mut store, definition));
    function!(metrics, "series-of", |store, (family: u32, labels: Vec<Label>)| series_of(&mut store, family, labels));
    function!(metrics, "add", |store, (series: u32, amount: f64)| update(&mut store, series, Update::Add(amount)));
    function!(metrics, "set", |store, (series: u32, value: f64)| update(&mut store, series, Update::Set(value)));
    function!(metrics, "observe", |store, (series: u32, value: f64)| update(&mut store, series, Update::Observe(value)));
    function!(metrics, "observe-with-exemplar", |store, (series: u32, value: f64, exemplar: Vec<Label>)| {
        observe_with_exemplar(&mut store, series, value, exemplar)
    });
    function!(metrics, "set-state", |store, (series: u32, state: String, on: bool)| {
        set_state(&mut store, series, state, on)
    });
    function!(metrics, "record-many", |store, (series: Vec<u32>, values: Vec<f64>)| {
        record_many(&mut store, series, values)
    });
    function!(metrics, "record", |store, (name: String, kind: MetricKind, labels: Vec<Label>, value: f64)| {
        record(&mut store, name, kind, labels, value)
    });
    function!(metrics, "remove", |store, (series: u32)| remove(&mut store, series));
    function!(metrics, "clear", |store, ()| clear(&mut store));
    Ok(())
}

/// The exporter, which every link is made with.
fn exporter(ask: &Ask) -> wasmtime::Result<&PlugHandle> {
    ask.link.exporter().ok_or_else(|| wasmtime::Error::msg("plugpipe:monitoring: the link leads to no plug"))
}

impl State {
    fn ask(&mut self, interface: &str, granted: impl Fn(&Link) -> bool) -> Result<Ask, TypedError> {
        self.watch.host_call();
        let Monitored { link, left, is_started, .. } = &self.monitored;
        let left = *left;
        if !is_started {
            let problem =
                format!("plugpipe:monitoring/{interface}: a start function reaches no other plug; call it later");
            return Err(TypedError::Unsupported(problem));
        }
        let Some(link) = link else {
            let problem = format!("plugpipe:monitoring/{interface}: no plug is there that exports it");
            return Err(TypedError::NotGranted(problem));
        };
        if !granted(link) {
            let problem = format!("plugpipe:monitoring/{interface}: is not granted; grant it with {interface}: true");
            return Err(TypedError::NotGranted(problem));
        }
        let link = Arc::clone(link);
        if let Some(exporter) = link.exporter::<PlugHandle>() {
            let replaced = exporter.replaced();
            link.check_handles(replaced);
            self.monitored.check_handles(replaced);
        }
        Ok(Ask { link, again: self.wall_clock.replayed != 0, left, yielded: Arc::clone(&self.yielded) })
    }

    fn ask_metrics(&mut self) -> Result<Ask, TypedError> {
        self.ask("metrics", |link| link.metrics)
    }

    fn ask_query(&mut self) -> Result<Ask, TypedError> {
        let ask = self.ask("query", |link| link.query)?;
        if self.monitored.role == Role::Recorder {
            let problem = "plugpipe:monitoring/query: a recorder waits for no server; ask in `run`";
            return Err(TypedError::Unsupported(problem.into()));
        }
        Ok(ask)
    }

    /// Counts a query as a request of the importer, whose own limits it has.
    fn count_query(&mut self) -> Result<InFlight, TypedError> {
        self.egress.count_request().map_err(|denial| {
            TypedError::LimitReached(format!("plugpipe:monitoring/query: {denial}; a query counts as a request"))
        })
    }
}

type Store<'s, 'd> = &'s mut StoreContextMut<'d, State>;

async fn register(store: Store<'_, '_>, definition: Definition) -> Said<u32> {
    let ask = or_say!(store.data_mut().ask_metrics());
    let definition = or_say!(ask.link.defined(definition));
    or_say!(ask.link.admit_definition(&definition));
    let name = definition.name.clone();
    let family = or_say!(
        ask!(by name: store, ask, |session| session.try_register(&definition))
            .unwrap_or_else(|error| Err(importer_error(&error)))
    );
    Ok(Ok(store.data_mut().monitored.add_family(family, &name)))
}

async fn series_of(store: Store<'_, '_>, family: u32, labels: Vec<Label>) -> Said<u32> {
    let ask = or_say!(store.data_mut().ask_metrics());
    let Some((family, name)) = store.data().monitored.family(family) else {
        return Ok(Err(TypedError::InvalidInput("family: there is no such family; register it".into())));
    };
    let labels = or_say!(ask.link.labeled(labels));
    let admitted = or_say!(ask.link.admit_series(&name, &labels));
    let series = or_say!(
        ask!(store, ask, |session| session.try_series_of(family, &labels))
            .unwrap_or_else(|error| Err(importer_error(&error)))
    );
    admitted.made(series);
    Ok(Ok(store.data_mut().monitored.add_series(series)))
}

/// An update by handle.
#[derive(Clone, Copy)]
enum Update {
    Add(f64),
    Set(f64),
    Observe(f64),
}

/// An error of the host has no place in the outcome, so that it ends the importer's call.
async fn update(store: Store<'_, '_>, series: u32, update: Update) -> wasmtime::Result<Outcome> {
    // Without a grant there are no handles.
    let Ok(ask) = store.data_mut().ask_metrics() else { return Ok(Outcome::UnknownSeries) };
    let Some(series) = store.data().monitored.series(series) else { return Ok(Outcome::UnknownSeries) };
    if ask.again {
        return Ok(Outcome::Recorded);
    }
    let outcome = ask!(store, ask, |session| async {
        match update {
            Update::Add(amount) => session.add(series, amount).await,
            Update::Set(value) => session.set(series, value).await,
            Update::Observe(value) => session.observe(series, value).await,
        }
    });
    let outcome = match outcome {
        Err(Error::Lost { .. }) => Outcome::UnknownSeries,
        other => other.map_err(into_trap)?,
    };
    if outcome == Outcome::UnknownSeries {
        // It expired, or the exporter was cleared.
        ask.link.removed(series);
    }
    Ok(outcome)
}

fn into_trap(error: Error) -> wasmtime::Error {
    wasmtime::Error::msg(format!("plugpipe:monitoring/metrics: {}", error.cause()))
}

fn unknown_series() -> TypedError {
    TypedError::InvalidInput("series: there is no such series (any more); ask for its handle again".into())
}

async fn observe_with_exemplar(store: Store<'_, '_>, series: u32, value: f64, exemplar: Vec<Label>) -> Said<()> {
    let ask = or_say!(store.data_mut().ask_metrics());
    let Some(series) = store.data().monitored.series(series) else { return Ok(Err(unknown_series())) };
    let length = exemplar.iter().map(|label| label.name.len() + label.value.len()).sum();
    or_say!(bounded("exemplar", exemplar.len(), length));
    if ask.again {
        return Ok(Ok(()));
    }
    let observed = ask!(store, ask, |session| session.try_observe_with_exemplar(series, value, &exemplar));
    Ok(observed.unwrap_or_else(|error| Err(importer_error(&error))))
}

async fn set_state(store: Store<'_, '_>, series: u32, state: String, on: bool) -> Said<()> {
    let ask = or_say!(store.data_mut().ask_metrics());
    let Some(series) = store.data().monitored.series(series) else { return Ok(Err(unknown_series())) };
    or_say!(bounded("state", 1, state.len()));
    if ask.again {
        return Ok(Ok(()));
    }
    let set = ask!(store, ask, |session| session.try_set_state(series, &state, on));
    Ok(set.unwrap_or_else(|error| Err(importer_error(&error))))
}

async fn record_many(
    store: Store<'_, '_>,
    series: Vec<u32>,
    values: Vec<f64>,
) -> wasmtime::Result<Result<(), Rejection>> {
    let rejected = |index: usize, error| Ok(Err(Rejection { index: index as u32, error }));
    let ask = match store.data_mut().ask_metrics() {
        Ok(ask) => ask,
        Err(error) => return rejected(0, error),
    };
    if series.len() > MAX_VALUES || values.len() > MAX_VALUES {
        let problem =
            format!("series: {} values, and a call takes at most {MAX_VALUES}", series.len().max(values.len()));
        return rejected(MAX_VALUES, TypedError::LimitReached(problem));
    }
    // Each value is work of the exporter, as a call of its own would be.
    store.data_mut().watch.host_calls(values.len() as u64);
    let mut real = Vec::with_capacity(series.len());
    for (index, handle) in series.into_iter().enumerate() {
        match store.data().monitored.series(handle) {
            Some(series) => real.push(series),
            None => return rejected(index, unknown_series()),
        }
    }
    if ask.again {
        return Ok(Ok(()));
    }
    let recorded = ask!(store, ask, |session| session.try_record_many(&real, &values));
    Ok(recorded.unwrap_or_else(|error| Err(Rejection { index: 0, error: importer_error(&error) })))
}

async fn record(store: Store<'_, '_>, name: String, kind: MetricKind, labels: Vec<Label>, value: f64) -> Said<u32> {
    let ask = or_say!(store.data_mut().ask_metrics());
    or_say!(bounded("name", 1, name.len()));
    or_say!(ask.link.check_name(&name));
    let labels = or_say!(ask.link.labeled(labels));
    or_say!(ask.link.admit_metric(&name, kind, &labels));
    let admitted = or_say!(ask.link.admit_series(&name, &labels));
    if ask.again {
        // Its series may have gone since, and a value is not to be recorded twice.
        let known = admitted.known();
        return Ok(Ok(known.map_or(NONE, |series| store.data_mut().monitored.add_series(series))));
    }
    let recorded = ask!(by name: store, ask, |session| session.try_record(&name, kind, &labels, value));
    let series = or_say!(recorded.unwrap_or_else(|error| Err(importer_error(&error))));
    admitted.made(series);
    Ok(Ok(store.data_mut().monitored.add_series(series)))
}

async fn remove(store: Store<'_, '_>, series: u32) -> wasmtime::Result<bool> {
    let Ok(ask) = store.data_mut().ask_metrics() else { return Ok(false) };
    let Some(series) = store.data().monitored.series(series) else { return Ok(false) };
    if ask.again {
        return Ok(true);
    }
    let removed = match ask!(store, ask, |session| session.remove(series)) {
        Err(Error::Lost { .. }) => return Ok(false),
        other => other.map_err(into_trap)?,
    };
    ask.link.removed(series);
    Ok(removed)
}

/// Removes the importer's own series.
async fn clear(store: Store<'_, '_>) -> wasmtime::Result<u64> {
    let Ok(ask) = store.data_mut().ask_metrics() else { return Ok(0) };
    if ask.again {
        return Ok(0);
    }
    let series = ask.link.take_series();
    let removed = ask!(store, ask, |session| async {
        let mut removed = 0;
        for series in &series {
            removed += u64::from(session.remove(*series).await?);
        }
        Ok(removed)
    });
    removed.map_err(into_trap)
}

fn link_query(query: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    function!(query, "instant", |store, (expression: String, time_ms: Option<i64>, options: Options)| {
        asked(&mut store, expression.len(), move |querier| async move {
            querier.try_instant(&expression, time_ms, options).await
        })
    });
    function!(query, "range", |store, (expression: String, start_ms: i64, end_ms: i64, step_ms: i64, too_many: TooManyPoints, options: Options)| {
        asked(&mut store, expression.len(), move |querier| async move {
            querier.try_range(&expression, (start_ms, end_ms, step_ms), too_many, options).await
        })
    });
    function!(query, "series", |store, (selection: Selection)| {
        asked(&mut store, length(&selection), move |querier| async move { querier.try_series(&selection).await })
    });
    function!(query, "labels", |store, (selection: Selection)| {
        asked(&mut store, length(&selection), move |querier| async move { querier.try_labels(&selection).await })
    });
    function!(query, "label-values", |store, (label: String, selection: Selection)| {
        asked(&mut store, label.len() + length(&selection), move |querier| async move { querier.try_label_values(&label, &selection).await })
    });
    Ok(())
}

fn length(selection: &Selection) -> usize {
    selection.matches.iter().map(String::len).sum()
}

/// Asks the exporter's server; `length` is that of the question.
async fn asked<T, F, A>(store: Store<'_, '_>, length: usize, question: F) -> Said<T>
where
    F: FnOnce(Querier) -> A,
    A: Future<Output = Result<Result<T, TypedError>, Error>>,
{
    let ask = or_say!(store.data_mut().ask_query());
    or_say!(bounded("expression", 1, length));
    let _in_flight = or_say!(store.data_mut().count_query());
    let exporter = exporter(&ask)?;
    let answer = async {
        let querier = exporter.querier().await?;
        question(querier).await
    };
    let (answer, left) = ask.wait(answer).await?;
    store.data_mut().monitored.left = left;
    Ok(answer.unwrap_or_else(|error| Err(importer_error(&error))))
}
