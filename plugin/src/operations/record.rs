//! `record_*`: records values in the registry, then pushes them if a gateway is configured.
//!
//! Recording succeeds if the registry accepted the values. `metric_pushed` tells whether they also
//! reached the gateway; otherwise the next push sends them.

use crate::error::{Error, excerpt};
use crate::registry::{Definition, Kind, Recording, Registry, SeriesId, check, check_exemplar};
use crate::time::Timestamp;
use plugpipe_contract::requests::{DefinitionFields, ListedParts, Record};
use plugpipe_contract::responses::{
    Amount, Overflow, RecordListResponse, RecordResponse, Recorded, RecordedAt, RecordedMetrics,
};
use plugpipe_contract::scalar::{Labels, MetricValue, Moment};
use plugpipe_metrics::model::{Exemplar, Point};
use plugpipe_operations::operations::call::Call;
use plugpipe_operations::operations::{definition, push};

/// A record's fields.
pub(super) type Given<'r> = (&'r Record<'r>, &'r DefinitionFields<'r>);

/// The records of a list, and their common timestamp.
pub(super) type GivenList<'r> = (Option<&'r [ListedParts<'r>]>, &'r Moment<'r>);

/// Records one value as this kind, or as the kind in the request.
pub(super) fn one<'r>(
    call: &'r mut Call,
    kind: Option<Kind>,
    (request, fields): Given<'r>,
) -> Result<RecordResponse<'r>, Error> {
    match kind {
        Some(kind) => of_kind(call, (request, fields), kind),
        None => {
            let kind = definition::kind(&request.metric_type, "metric_type")?;
            single(call, (request, fields), kind)
        }
    }
}

/// Records as the kind of the operation and warns if `metric_type` differs.
fn of_kind<'r>(call: &'r mut Call, (request, fields): Given<'r>, kind: Kind) -> Result<RecordResponse<'r>, Error> {
    if let Some(given) = request.metric_type.get()
        && given.trim() != kind.name()
    {
        let (given, kind) = (excerpt(given, 100), kind.name());
        call.warn(format!(
            "metric_type: {given:?} is ignored; record_{kind} always records a {kind}, use record_metric for other types"
        ));
    }
    single(call, (request, fields), kind)
}

/// Records one metric, given by `metric_name`, `metric_value` and `labels`.
fn single<'r>(call: &'r mut Call, (request, fields): Given<'r>, kind: Kind) -> Result<RecordResponse<'r>, Error> {
    let moment = moment(call, &request.timestamp)?;
    let (recorded, id) = if kind == Kind::StateSet {
        let (item, id) = state(call, request, fields)?;
        (recorded(call, &item, id), id)
    } else {
        let item = Item::of(request, fields, kind)?;
        let id = match exemplar(call, &request.exemplar)? {
            Some(exemplar) => with_exemplar(call, &item.recording()?, exemplar)?,
            None => match item.find(call.registry) {
                Some(id) => {
                    call.registry.record(id, item.amount)?;
                    id
                }
                None => first(call.registry.record_all(&[item.recording()?]))?,
            },
        };
        (recorded(call, &item, id), id)
    };
    call.recorded(1);
    let push = push::after_record(call, || vec![id.raw()]);
    Ok((recorded, (push, recorded_at(call, moment))))
}

/// Records `metrics: [{name, value, labels, type?}]`, all or none, with one push.
pub(super) fn multiple<'r>(
    call: &'r mut Call,
    (list, timestamp): GivenList<'r>,
) -> Result<RecordListResponse<'r>, Error> {
    let list = match list {
        None => return Err(Error::missing("metrics", "a list of {name, value, labels, type}")),
        Some([]) => return Err(Error::invalid("metrics", "the list is empty; expected at least one metric")),
        Some(list) => list,
    };
    let within = |(index, error): (usize, Error)| error.within(&format!("metrics[{index}]"));
    let items =
        list.iter().enumerate().map(|(index, given)| Item::listed(*given).map_err(|error| within((index, error))));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    let moment = moment(call, timestamp)?;
    let known: Option<Vec<SeriesId>> = items.iter().map(|item| item.find(call.registry)).collect();
    let ids = match known {
        Some(ids) => {
            let amounts: Vec<f64> = items.iter().map(|item| item.amount).collect();
            let series: Vec<u32> = ids.iter().map(|id| id.raw()).collect();
            call.registry.record_many(&series, &amounts).map(|()| ids)
        }
        None => {
            let recordings =
                items.iter().enumerate().map(|(index, item)| item.recording().map_err(|error| within((index, error))));
            call.registry.record_all(&recordings.collect::<Result<Vec<_>, _>>()?)
        }
    };
    let ids = ids.map_err(|(index, error)| within((index, error.into())))?;
    call.recorded(items.len() as u64);
    let metrics = items.iter().zip(&ids).map(|(item, id)| recorded(call, item, *id)).collect();
    let recorded = RecordedMetrics { metrics_recorded: items.len() as u64, metrics };
    let push = push::after_record(call, || ids.iter().map(|id| id.raw()).collect());
    Ok((recorded, (push, recorded_at(call, moment))))
}

/// The field names of the metric name and the value, for errors.
struct Names {
    name: &'static str,
    value: &'static str,
}

/// One validated value for one series.
struct Item<'r> {
    names: Names,
    name: &'r str,
    kind: Kind,
    amount: f64,
    labels: &'r Labels<'r>,
    help: Option<&'r str>,
    fields: &'r DefinitionFields<'r>,
}

impl<'r> Item<'r> {
    /// From a request for one record.
    fn of(request: &'r Record, fields: &'r DefinitionFields, kind: Kind) -> Result<Self, Error> {
        let names = Names { name: "metric_name", value: "metric_value" };
        let name = definition::given_name(&request.metric_name, names.name)?;
        let item = Self { names, name, kind, amount: 0.0, labels: &request.labels, help: request.help.get(), fields };
        item.with_amount(request.metric_value)
    }

    fn with_amount(self, given: MetricValue) -> Result<Self, Error> {
        let (names, kind) = (&self.names, self.kind);
        let amount = match given.get() {
            // An info metric has only labels; its value is always 1.
            None if kind == Kind::Info => 1.0,
            None => return Err(Error::missing(names.value, "a number")),
            Some(amount) => {
                check(kind, amount, names.value)?;
                amount
            }
        };
        Ok(Self { amount, ..self })
    }

    /// From an item of a list, where each field has two names.
    fn listed((given, fields): ListedParts<'r>) -> Result<Self, Error> {
        let (name_field, name) = match given.name.is_some() || given.metric_name.is_none() {
            true => ("name", &given.name),
            false => ("metric_name", &given.metric_name),
        };
        let (value_field, value) = match given.value.get().is_some() || given.metric_value.get().is_none() {
            true => ("value", given.value),
            false => ("metric_value", given.metric_value),
        };
        let (kind_field, kind) = match given.r#type.get() {
            Some(_) => ("type", &given.r#type),
            None => ("metric_type", &given.metric_type),
        };
        let kind = definition::kind(kind, kind_field)?;
        if kind == Kind::StateSet {
            return Err(Error::invalid(
                kind_field,
                "a state set cannot be recorded in a list; use record_metric with state and on",
            ));
        }
        let names = Names { name: name_field, value: value_field };
        let name = definition::given_name(name, names.name)?;
        let item = Self { names, name, kind, amount: 0.0, labels: &given.labels, help: given.help.get(), fields };
        item.with_amount(value)
    }

    /// The series, if it exists and the item has no definition fields that the registry would have
    /// to compare.
    fn find(&self, registry: &mut Registry) -> Option<SeriesId> {
        if *self.fields != DefinitionFields::default() || matches!(self.kind, Kind::Info | Kind::StateSet) {
            return None;
        }
        let id = registry.find_known(self.name, self.kind, self.labels.iter(), self.amount)?;
        let Some(help) = self.help else { return Some(id) };
        let definition = registry.definition(registry.family_of(id)?)?;
        (definition.help.as_deref() == Some(help)).then_some(id)
    }

    fn definition(&self) -> Result<Definition, Error> {
        definition::of(self.name, self.names.name, self.kind, self.help, self.fields)
    }

    fn recording(&self) -> Result<Recording, Error> {
        let labels = definition::labels(self.labels, self.fields.utf8.or(false), "labels")?;
        Ok(Recording { definition: self.definition()?, labels, amount: self.amount })
    }
}

/// Sets one state of a state set: `state`, and `on` (true by default).
fn state<'r>(
    call: &mut Call,
    request: &'r Record,
    fields: &'r DefinitionFields,
) -> Result<(Item<'r>, SeriesId), Error> {
    let names = Names { name: "metric_name", value: "metric_value" };
    let on = request.on.or(true);
    let item = Item {
        names,
        name: definition::given_name(&request.metric_name, "metric_name")?,
        kind: Kind::StateSet,
        amount: f64::from(u8::from(on)),
        labels: &request.labels,
        help: request.help.get(),
        fields,
    };
    let Recording { mut definition, labels, .. } = item.recording()?;
    let state = request.state.required("state", "the name of one of the metric's states")?;
    let known = call.registry.family(definition.name.as_str());
    if let Some(known) = known.and_then(|id| call.registry.definition(id)).filter(|_| definition.states.is_empty()) {
        definition.states.clone_from(&known.states);
    }
    if !definition.states.is_empty() && !definition.states.iter().any(|name| **name == *state) {
        return Err(Error::invalid("state", format!("{:?} is not one of the metric's states", excerpt(state, 100))));
    }
    let id = series(call, &Recording { definition, labels, amount: 1.0 })?;
    call.registry.set_state(id, state, on)?;
    Ok((item, id))
}

/// `exemplar: {label: text, …}`: exemplar labels, such as a trace id.
fn exemplar(call: &Call, given: &Labels) -> Result<Option<Exemplar>, Error> {
    if given.is_empty() {
        return Ok(None);
    }
    let labels = given.iter().map(|(name, value)| (name.into(), value.into())).collect();
    let exemplar = Exemplar { labels, value: 0.0, unix_ms: Some(call.unix_nanos / 1_000_000) };
    check_exemplar(&exemplar)?;
    Ok(Some(exemplar))
}

fn with_exemplar(call: &mut Call, recording: &Recording, mut exemplar: Exemplar) -> Result<SeriesId, Error> {
    let kind = recording.definition.kind;
    if !matches!(kind, Kind::Counter | Kind::Histogram | Kind::NativeHistogram) {
        let problem = format!("only counters and histograms have exemplars, but this is a {}", kind.name());
        return Err(Error::invalid("exemplar", problem));
    }
    exemplar.value = recording.amount;
    let id = series(call, recording)?;
    if kind == Kind::Counter {
        call.registry.add_with_exemplar(id, recording.amount, exemplar)?;
    } else {
        call.registry.observe_with_exemplar(id, recording.amount, exemplar)?;
    }
    Ok(id)
}

/// The series of a recording that is already validated.
fn series(call: &mut Call, recording: &Recording) -> Result<SeriesId, Error> {
    let mut definition = recording.definition.clone();
    definition.label_names = recording.labels.names().cloned().collect();
    let family = call.registry.register(definition)?;
    let labels: Vec<(&str, &str)> = recording.labels.iter().map(|(name, value)| (name.as_str(), value)).collect();
    Ok(call.registry.series_by_labels(family, &labels)?)
}

fn first(recorded: Result<Vec<SeriesId>, (usize, plugpipe_metrics::Error)>) -> Result<SeriesId, Error> {
    let nothing = || Error::invalid("metric_name", "nothing was recorded");
    recorded.map_err(|(_, error)| error)?.first().copied().ok_or_else(nothing)
}

/// The time of the recording: `timestamp`, or `None` for now. It is returned but not exposed,
/// because gateways reject timestamps and scrapes set their own.
fn moment(call: &Call, given: &Moment) -> Result<Option<Timestamp>, Error> {
    Ok(given.at("timestamp", call.unix_nanos)?)
}

fn recorded_at<'c>(call: &'c mut Call, moment: Option<Timestamp>) -> RecordedAt<'c> {
    let timestamp = match moment {
        Some(moment) => {
            let mut text = String::with_capacity(32);
            moment.write_rfc3339(&mut text);
            text.into()
        }
        None => call.moment.rfc3339(call.unix_nanos).into(),
    };
    RecordedAt { timestamp }
}

/// The recorded value and the current state of its series.
fn recorded<'r>(call: &mut Call, item: &Item<'r>, id: SeriesId) -> Recorded<'r> {
    call.note_name(item.name);
    let overflow = call.registry.overflow(id).map(|overflow| {
        let text = format!(
            "the series limit of {} is reached, so the value went to its overflow series; the label {} has the most values, {}",
            overflow.metric, overflow.label, overflow.distinct_values
        );
        let distinct_values = overflow.distinct_values as u64;
        Box::new(Overflow { metric: overflow.metric, label: overflow.label, distinct_values, text })
    });
    let mut recorded = Recorded {
        metric_name: item.name,
        metric_type: definition::contract_kind(item.kind),
        metric_value: Amount(item.amount),
        labels: item.labels,
        current_value: None,
        count: None,
        sum: None,
        states_on: None,
        overflow,
    };
    add_current_state(&mut recorded, call.registry, id);
    recorded
}

/// Adds the current state of a series.
fn add_current_state(recorded: &mut Recorded, registry: &Registry, id: SeriesId) {
    let mut value = |value| recorded.current_value = Some(Amount(value));
    if let Some(scalar) = registry.scalar(id) {
        return value(scalar);
    }
    let (count, sum) = match registry.point(id) {
        Some(Point::Counter { total, .. }) => return value(total),
        Some(Point::Gauge(gauge)) => return value(gauge),
        Some(Point::StateSet(states)) => {
            let on = states.iter().filter(|(_, on)| *on).map(|(name, _)| (**name).to_owned());
            recorded.states_on = Some(on.collect());
            return;
        }
        Some(Point::Histogram { counts, sum, .. }) => (counts.iter().sum(), sum),
        Some(Point::Native(histogram)) => (histogram.count(), histogram.sum()),
        Some(Point::Summary { count, sum, .. }) => (count, sum),
        Some(Point::Info) | None => return,
    };
    (recorded.count, recorded.sum) = (Some(count), Some(Amount(sum)));
}
