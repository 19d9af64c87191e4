//! Queries Prometheus for series, labels, metadata, targets, rules, alerts and status. Results have
//! the format of its API.

use super::call::Call;
use crate::error::{ClientError, Error};
use crate::http::Client;
use crate::servers::prometheus::{Alerts, Api, Data, Form, Place, Reply, Rules, Selection, places};
use crate::time::Timestamp;
use plugpipe_contract::document::Both;
use plugpipe_contract::raw::{RawList, RawObject};
use plugpipe_contract::requests::{
    LabelValues, ListMetadata, ListRules, ListTargets, NoFields, PrometheusStatus, RuleType, SeriesSelection,
    StatusPart, TargetState,
};
use plugpipe_contract::responses::{
    LabelNames, MetricMetadata, PrometheusAlerts, PrometheusRules, PrometheusState, ScrapeTargets, SeriesList,
    ServerRemarks, ValuesOfLabel,
};
use plugpipe_contract::scalar::{Duration, Moment, OneOrMany, Text};

/// `list_series`: the series that match selectors.
pub fn series(call: &mut Call, request: &SeriesSelection) -> Result<(SeriesList, ServerRemarks), Error> {
    let selection = selection(request, call.unix_nanos)?;
    if selection.matches.is_empty() {
        return Err(Error::missing("match", "a selector such as up{job=\"a\"}, or a list of them"));
    }
    let (series, remarks) = ask::<RawList>(call, |api| api.series(&selection))?;
    let count = series.len() as u64;
    Ok((SeriesList { series, count }, remarks))
}

/// `list_labels`: label names.
pub fn labels(call: &mut Call, request: &SeriesSelection) -> Result<(LabelNames, ServerRemarks), Error> {
    let selection = selection(request, call.unix_nanos)?;
    let (labels, remarks) = ask(call, |api| api.labels(&selection))?;
    let count = labels.len() as u64;
    Ok((LabelNames { labels, count }, remarks))
}

/// `label_values`: the values of one label.
pub fn label_values<'r>(
    call: &mut Call,
    Both(request, selection): &'r Both<LabelValues, SeriesSelection>,
) -> Result<(ValuesOfLabel<'r>, ServerRemarks), Error> {
    let label = request.label.required("label", "a label's name")?;
    let selection = self::selection(selection, call.unix_nanos)?;
    let (values, remarks) = ask(call, |api| api.label_values(label, &selection))?;
    let count = values.len() as u64;
    Ok((ValuesOfLabel { label, values, count }, remarks))
}

/// `list_metadata`: type, help and unit of metrics.
pub fn metadata(call: &mut Call, request: &ListMetadata) -> Result<(MetricMetadata, ServerRemarks), Error> {
    let mut form = Form::default();
    form.put_text("metric", request.metric.get());
    form.put_count("limit", request.limit.get());
    form.put_count("limit_per_metric", request.limit_per_metric.get());
    let (metadata, remarks) = ask(call, |api| api.ask(places::METADATA, &form))?;
    Ok((MetricMetadata { metadata }, remarks))
}

/// `list_targets`: scrape targets and their state.
pub fn targets(call: &mut Call, request: &ListTargets) -> Result<(ScrapeTargets, ServerRemarks), Error> {
    let mut form = Form::default();
    let state = request.state.get().map(|state| match state {
        TargetState::Any => "any",
        TargetState::Active => "active",
        TargetState::Dropped => "dropped",
    });
    form.put_text("state", state);
    form.put_text("scrapePool", request.scrape_pool.get());
    let (targets, remarks) = ask(call, |api| api.ask(places::TARGETS, &form))?;
    Ok((ScrapeTargets { targets }, remarks))
}

/// `list_rules`: rule groups and their active alerts.
pub fn rules(call: &mut Call, request: &ListRules) -> Result<(PrometheusRules, ServerRemarks), Error> {
    let mut form = Form::default();
    let made = request.r#type.get().map(|made| match made {
        RuleType::Alert => "alert",
        RuleType::Record => "record",
    });
    form.put_text("type", made);
    form.put_all("rule_name[]", &filled(&request.rule_name, "rule_name")?);
    form.put_all("rule_group[]", &filled(&request.rule_group, "rule_group")?);
    form.put_all("file[]", &filled(&request.file, "file")?);
    form.put_all("match[]", &selectors(&request.r#match, &request.match_of_api)?);
    form.put_text("exclude_alerts", request.exclude_alerts.get().map(|exclude| if exclude { "true" } else { "false" }));
    let (Rules { groups }, remarks) = ask(call, |api| api.ask(places::RULES, &form))?;
    let count = groups.len() as u64;
    Ok((PrometheusRules { groups, count }, remarks))
}

/// `list_prometheus_alerts`: pending and firing alerts in Prometheus, as opposed to Alertmanager.
pub fn alerts(call: &mut Call, _: &NoFields) -> Result<(PrometheusAlerts, ServerRemarks), Error> {
    let (Alerts { alerts }, remarks) = ask(call, |api| api.ask(places::ALERTS, &Form::default()))?;
    let count = alerts.len() as u64;
    Ok((PrometheusAlerts { alerts, count }, remarks))
}

/// The field of the response for a part of the status.
type Slot = fn(&mut PrometheusState) -> &mut Option<RawObject>;

/// The parts of `prometheus_status`, and whether they are included by default.
const STATUS: [(StatusPart, &str, Place, bool, Slot); 5] = [
    (StatusPart::Build, "build", places::BUILD, true, |state| &mut state.build),
    (StatusPart::Runtime, "runtime", places::RUNTIME, true, |state| &mut state.runtime),
    (StatusPart::Tsdb, "tsdb", places::TSDB, true, |state| &mut state.tsdb),
    (StatusPart::Flags, "flags", places::FLAGS, false, |state| &mut state.flags),
    (StatusPart::Config, "config", places::CONFIG, false, |state| &mut state.config),
];

/// `prometheus_status`: build, runtime and other information. Parts that the server does not
/// provide are listed in `unavailable`.
pub fn status(call: &mut Call, request: &PrometheusStatus) -> Result<PrometheusState, Error> {
    let wanted = &request.include;
    let (parts, asked): (Vec<(&'static str, Slot)>, Vec<Place>) = STATUS
        .iter()
        .filter(|(part, _, _, default, _)| if wanted.is_empty() { *default } else { wanted.contains(part) })
        .map(|(_, name, place, _, slot)| ((*name, *slot), *place))
        .unzip();
    let Some(replies) = unless_mock(call, |api| Ok(api.ask_all::<RawObject>(&asked)))? else {
        return Ok(PrometheusState { mock: true, ..PrometheusState::default() });
    };
    if let (true, Some(Err(error))) = (replies.iter().all(Result::is_err), replies.first()) {
        return Err(error.clone().into());
    }
    let mut state = PrometheusState::default();
    let mut unavailable = Vec::new();
    for ((name, slot), reply) in parts.into_iter().zip(replies) {
        match reply {
            Ok(reply) => *slot(&mut state) = Some(reply.data),
            Err(error) => unavailable.push((name, error.to_string())),
        }
    }
    state.unavailable = Some(unavailable.into_iter().collect());
    Ok(state)
}

/// Sends a request to the configured Prometheus; in `mock_mode`, the data is empty.
pub fn ask<D: Data>(
    call: &mut Call,
    ask: impl FnOnce(&mut Api) -> Result<Reply<D>, ClientError>,
) -> Result<(D, ServerRemarks), Error> {
    let reply = unless_mock(call, ask)?;
    let mock = reply.is_none();
    let Reply { data, warnings, infos, .. } = reply.unwrap_or_default();
    Ok((data, ServerRemarks { warnings, infos, mock }))
}

/// Sends a request to the configured Prometheus, except in `mock_mode`.
pub fn unless_mock<R>(
    call: &mut Call,
    ask: impl FnOnce(&mut Api) -> Result<R, ClientError>,
) -> Result<Option<R>, Error> {
    if call.config.mock {
        return Ok(None);
    }
    let (base, limits) = (call.config.prometheus_url.clone(), call.config.limits());
    ask_api(call.client(limits, true), base, ask).map(Some)
}

/// Sends a request to the server at `base`.
pub fn ask_api<R>(
    client: Client,
    base: Option<crate::http::Url>,
    ask: impl FnOnce(&mut Api) -> Result<R, ClientError>,
) -> Result<R, Error> {
    let base = base.ok_or(Error::NotConfigured {
        field: "prometheus_url",
        todo: "set it to a Prometheus server, for example {\"prometheus_config\": {\"prometheus_url\": \"http://127.0.0.1:9090\"}}",
    })?;
    Ok(ask(&mut Api::new(client, base))?)
}

fn selection(request: &SeriesSelection, now_unix_nanos: u64) -> Result<Selection, Error> {
    Ok(Selection {
        matches: selectors(&request.r#match, &request.match_of_api)?,
        start_ms: moment(&request.start, "start", now_unix_nanos)?,
        end_ms: moment(&request.end, "end", now_unix_nanos)?,
        limit: request.limit.get(),
    })
}

/// The selectors of the first non-empty field.
pub fn selectors(own: &OneOrMany<Text>, of_api: &OneOrMany<Text>) -> Result<Vec<String>, Error> {
    if own.is_empty() { filled(of_api, "match[]") } else { filled(own, "match") }
}

/// Rejects empty texts, which servers treat differently from missing ones.
fn filled(given: &[Text], field: &str) -> Result<Vec<String>, Error> {
    let texts = given.iter().map(|text| text.to_owned().ok_or_else(|| Error::invalid(field, "contains an empty text")));
    texts.collect()
}

/// An optional timestamp, in milliseconds since the Unix epoch.
pub fn moment(given: &Moment, field: &str, now_unix_nanos: u64) -> Result<Option<i64>, Error> {
    Ok(given.at(field, now_unix_nanos)?.map(Timestamp::unix_millis))
}

/// An optional duration of at least a millisecond, in milliseconds.
pub fn duration(given: Duration, field: &str) -> Result<Option<i64>, Error> {
    let Some(duration) = given.get() else { return Ok(None) };
    match i64::try_from(duration.as_millis()) {
        Ok(milliseconds @ 1..) => Ok(Some(milliseconds)),
        Ok(_) => Err(Error::invalid(field, "must be at least 1ms")),
        Err(_) => Err(Error::invalid(field, "is too long")),
    }
}
