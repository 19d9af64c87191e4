//! What a Prometheus knows: its series, labels and metadata, its targets, rules and alerts, and how it is. Answers hold the API's
//! own form of each.

use super::{Answer, Call};
use crate::error::{ClientError, Error};
use crate::http::Client;
use crate::servers::prometheus::{Api, Form, Place, Reply, Selection, count_items, places};
use crate::time::Timestamp;
use plugpipe_contract::document::Both;
use plugpipe_contract::requests::{
    LabelValues, ListMetadata, ListRules, ListTargets, NoFields, PrometheusStatus, RuleType, SeriesSelection,
    StatusPart, TargetState,
};
use plugpipe_contract::scalar::{Duration, Moment, OneOrMany, Text};

/// `list_series`: the series that selectors find.
pub(super) fn series(call: &mut Call, request: &SeriesSelection, answer: &mut Answer) -> Result<(), Error> {
    let selection = selection(request, call.unix_nanos)?;
    if selection.matches.is_empty() {
        return Err(Error::missing("match", "a selector such as up{job=\"a\"}, or a list of them"));
    }
    let reply = ask(call, answer, |api| api.series(&selection))?;
    write_list(answer, "series", reply.as_ref());
    Ok(())
}

/// `list_labels`: the names of labels.
pub(super) fn labels(call: &mut Call, request: &SeriesSelection, answer: &mut Answer) -> Result<(), Error> {
    let selection = selection(request, call.unix_nanos)?;
    let reply = ask(call, answer, |api| api.labels(&selection))?;
    write_list(answer, "labels", reply.as_ref());
    Ok(())
}

/// `label_values`: the values of one label.
pub(super) fn label_values(
    call: &mut Call,
    Both(request, selection): &Both<LabelValues, SeriesSelection>,
    answer: &mut Answer,
) -> Result<(), Error> {
    let label = request.label.required("label", "a label's name")?;
    let selection = self::selection(selection, call.unix_nanos)?;
    answer.text("label", label);
    let reply = ask(call, answer, |api| api.label_values(label, &selection))?;
    write_list(answer, "values", reply.as_ref());
    Ok(())
}

/// `list_metadata`: type, help and unit of metrics.
pub(super) fn metadata(call: &mut Call, request: &ListMetadata, answer: &mut Answer) -> Result<(), Error> {
    let mut form = Form::default();
    form.put_text("metric", request.metric.get());
    form.put_count("limit", request.limit.get());
    form.put_count("limit_per_metric", request.limit_per_metric.get());
    let reply = ask(call, answer, |api| api.ask(places::METADATA, &form))?;
    answer.raw("metadata", reply.as_ref().map_or("{}", |reply| reply.data()));
    write_reply_remarks(answer, reply.as_ref());
    Ok(())
}

/// `list_targets`: what is scraped, and how that went.
pub(super) fn targets(call: &mut Call, request: &ListTargets, answer: &mut Answer) -> Result<(), Error> {
    let mut form = Form::default();
    let state = request.state.get().map(|state| match state {
        TargetState::Any => "any",
        TargetState::Active => "active",
        TargetState::Dropped => "dropped",
    });
    form.put_text("state", state);
    form.put_text("scrapePool", request.scrape_pool.get());
    let reply = ask(call, answer, |api| api.ask(places::TARGETS, &form))?;
    answer.raw("targets", reply.as_ref().map_or("{}", |reply| reply.data()));
    write_reply_remarks(answer, reply.as_ref());
    Ok(())
}

/// `list_rules`: groups of rules, and the alerts they raised.
pub(super) fn rules(call: &mut Call, request: &ListRules, answer: &mut Answer) -> Result<(), Error> {
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
    let reply = ask(call, answer, |api| api.ask(places::RULES, &form))?;
    write_member(answer, "groups", reply.as_ref());
    Ok(())
}

/// `list_prometheus_alerts`: alerts that are pending or firing, as Prometheus has them. (Alertmanager's are others.)
pub(super) fn alerts(call: &mut Call, _: &NoFields, answer: &mut Answer) -> Result<(), Error> {
    let reply = ask(call, answer, |api| api.ask(places::ALERTS, &Form::default()))?;
    write_member(answer, "alerts", reply.as_ref());
    Ok(())
}

/// What `prometheus_status` can tell, and what it tells unasked.
const STATUS: [(StatusPart, &str, Place, bool); 5] = [
    (StatusPart::Build, "build", places::BUILD, true),
    (StatusPart::Runtime, "runtime", places::RUNTIME, true),
    (StatusPart::Tsdb, "tsdb", places::TSDB, true),
    (StatusPart::Flags, "flags", places::FLAGS, false),
    (StatusPart::Config, "config", places::CONFIG, false),
];

/// `prometheus_status`: what the server is and how it runs. What it does not tell is said in `unavailable`.
pub(super) fn status(call: &mut Call, request: &PrometheusStatus, answer: &mut Answer) -> Result<(), Error> {
    let wanted = &request.include;
    let (names, asked): (Vec<&'static str>, Vec<Place>) = STATUS
        .iter()
        .filter(|(part, _, _, unasked)| if wanted.is_empty() { *unasked } else { wanted.contains(part) })
        .map(|(_, name, place, _)| (*name, *place))
        .unzip();
    let Some(replies) = ask(call, answer, |api| Ok(api.ask_all(&asked)))? else { return Ok(()) };
    if let (true, Some(Err(error))) = (replies.iter().all(Result::is_err), replies.first()) {
        return Err(error.clone().into());
    }
    for (name, reply) in names.iter().zip(&replies) {
        if let Ok(reply) = reply {
            answer.raw(name, reply.data());
        }
    }
    answer.open("unavailable");
    for (name, reply) in names.iter().zip(&replies) {
        if let Err(error) = reply {
            answer.text(name, &error.to_string());
        }
    }
    answer.close();
    Ok(())
}

/// Asks the configured Prometheus; none, and `"mock": true` in the answer, where no server is to be reached.
pub(super) fn ask<R>(
    call: &mut Call,
    answer: &mut Answer,
    ask: impl FnOnce(&mut Api) -> Result<R, ClientError>,
) -> Result<Option<R>, Error> {
    if call.config.mock {
        answer.flag("mock", true);
        return Ok(None);
    }
    let (base, limits) = (call.config.prometheus_url.clone(), call.config.limits());
    ask_api(call.client(limits, true), base, ask).map(Some)
}

/// Asks the server at `base`.
pub(super) fn ask_api<R>(
    client: Client,
    base: Option<crate::http::Url>,
    ask: impl FnOnce(&mut Api) -> Result<R, ClientError>,
) -> Result<R, Error> {
    let base = base.ok_or(Error::NotConfigured {
        field: "prometheus_url",
        todo: "name a Prometheus server, for example {\"prometheus_config\": {\"prometheus_url\": \"http://127.0.0.1:9090\"}}",
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

/// Selectors, under the first name that has some.
pub(super) fn selectors(own: &OneOrMany<Text>, of_api: &OneOrMany<Text>) -> Result<Vec<String>, Error> {
    if own.is_empty() { filled(of_api, "match[]") } else { filled(own, "match") }
}

/// Texts, none of which may be empty: to a server, that would mean something else than none.
fn filled(given: &[Text], field: &str) -> Result<Vec<String>, Error> {
    let texts = given.iter().map(|text| text.to_owned().ok_or_else(|| Error::invalid(field, "holds an empty text")));
    texts.collect()
}

/// A moment, which may be missing, in milliseconds since the epoch.
pub(super) fn moment(given: &Moment, field: &str, now_unix_nanos: u64) -> Result<Option<i64>, Error> {
    Ok(given.at(field, now_unix_nanos)?.map(Timestamp::unix_millis))
}

/// A duration of at least a millisecond, which may be missing, in milliseconds.
pub(super) fn duration(given: Duration, field: &str) -> Result<Option<i64>, Error> {
    let Some(duration) = given.get() else { return Ok(None) };
    match i64::try_from(duration.as_millis()) {
        Ok(milliseconds @ 1..) => Ok(Some(milliseconds)),
        Ok(_) => Err(Error::invalid(field, "must be at least 1ms")),
        Err(_) => Err(Error::invalid(field, "is too long")),
    }
}

/// Null counts as an empty list, which some servers write.
pub(super) fn list_or_empty(list: &str) -> &str {
    if list == "null" { "[]" } else { list }
}

fn write_list(answer: &mut Answer, name: &'static str, reply: Option<&Reply>) {
    let list = list_or_empty(reply.map_or("[]", |reply| reply.data()));
    answer.raw(name, list);
    answer.count("count", count_items(list));
    write_reply_remarks(answer, reply);
}

/// The list that stands in the data under its name.
fn write_member(answer: &mut Answer, name: &'static str, reply: Option<&Reply>) {
    let list = list_or_empty(reply.and_then(|reply| reply.member(name)).unwrap_or("[]"));
    answer.raw(name, list);
    answer.count("count", count_items(list));
    write_reply_remarks(answer, reply);
}

pub(super) fn write_reply_remarks(answer: &mut Answer, reply: Option<&Reply>) {
    if let Some(reply) = reply {
        write_remarks(answer, &reply.warnings, &reply.infos);
    }
}

pub(super) fn write_remarks(answer: &mut Answer, warnings: &[String], infos: &[String]) {
    for (key, list) in [("warnings", warnings), ("infos", infos)] {
        if !list.is_empty() {
            answer.texts(key, list.iter().map(String::as_str));
        }
    }
}
