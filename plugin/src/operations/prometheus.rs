//! What a Prometheus knows: its series, labels and metadata, its targets, rules and alerts, and how it is. Answers hold the API's
//! own form of each.

use super::{Answer, Call};
use crate::error::{ClientError, Error, excerpt};
use crate::fields::{self, Fields, kind_of};
use crate::http::Client;
use crate::json::Json;
use crate::servers::prometheus::{Api, Form, Place, Reply, Selection, count_items, places};
use crate::time::Timestamp;

/// `list_series`: the series that selectors find.
pub(super) fn series(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let selection = selection(call)?;
    if selection.matches.is_empty() {
        return Err(Error::missing("match", "a selector such as up{job=\"a\"}, or a list of them"));
    }
    let reply = ask(call, answer, |api| api.series(&selection))?;
    write_list(answer, "series", reply.as_ref());
    Ok(())
}

/// `list_labels`: the names of labels.
pub(super) fn labels(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let selection = selection(call)?;
    let reply = ask(call, answer, |api| api.labels(&selection))?;
    write_list(answer, "labels", reply.as_ref());
    Ok(())
}

/// `label_values`: the values of one label.
pub(super) fn label_values(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let label = call.ctx.text("label", "a label's name")?;
    let selection = selection(call)?;
    answer.text("label", &label);
    let reply = ask(call, answer, |api| api.label_values(&label, &selection))?;
    write_list(answer, "values", reply.as_ref());
    Ok(())
}

/// `list_metadata`: type, help and unit of metrics.
pub(super) fn metadata(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let mut form = Form::default();
    form.put_text("metric", call.ctx.text_or_none("metric", "a metric's name")?.as_deref());
    form.put_count("limit", count(&call.ctx, "limit")?);
    form.put_count("limit_per_metric", count(&call.ctx, "limit_per_metric")?);
    let reply = ask(call, answer, |api| api.ask(places::METADATA, &form))?;
    answer.raw("metadata", reply.as_ref().map_or("{}", |reply| reply.data()));
    write_reply_remarks(answer, reply.as_ref());
    Ok(())
}

/// `list_targets`: what is scraped, and how that went.
pub(super) fn targets(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let mut form = Form::default();
    form.put_text("state", choice(&call.ctx, "state", &["any", "active", "dropped"])?.as_deref());
    form.put_text("scrapePool", call.ctx.text_or_none("scrape_pool", "a scrape pool's name")?.as_deref());
    let reply = ask(call, answer, |api| api.ask(places::TARGETS, &form))?;
    answer.raw("targets", reply.as_ref().map_or("{}", |reply| reply.data()));
    write_reply_remarks(answer, reply.as_ref());
    Ok(())
}

/// `list_rules`: groups of rules, and the alerts they raised.
pub(super) fn rules(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let ctx = call.ctx;
    let mut form = Form::default();
    form.put_text("type", choice(&ctx, "type", &["alert", "record"])?.as_deref());
    for (field, name) in [("rule_name", "rule_name[]"), ("rule_group", "rule_group[]"), ("file", "file[]")] {
        form.put_all(name, &texts(&ctx, &[field])?);
    }
    form.put_all("match[]", &texts(&ctx, MATCH)?);
    if let Some(value) = ctx.some("exclude_alerts") {
        let exclude = fields::flag(value).ok_or_else(|| Error::invalid("exclude_alerts", "expected true or false"))?;
        form.put("exclude_alerts", if exclude { "true" } else { "false" });
    }
    let reply = ask(call, answer, |api| api.ask(places::RULES, &form))?;
    write_member(answer, "groups", reply.as_ref());
    Ok(())
}

/// `list_prometheus_alerts`: alerts that are pending or firing, as Prometheus has them. (Alertmanager's are others.)
pub(super) fn alerts(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let reply = ask(call, answer, |api| api.ask(places::ALERTS, &Form::default()))?;
    write_member(answer, "alerts", reply.as_ref());
    Ok(())
}

/// What `prometheus_status` can tell, and what it tells unasked.
const STATUS: [(&str, Place, bool); 5] = [
    ("build", places::BUILD, true),
    ("runtime", places::RUNTIME, true),
    ("tsdb", places::TSDB, true),
    ("flags", places::FLAGS, false),
    ("config", places::CONFIG, false),
];

/// `prometheus_status`: what the server is and how it runs. What it does not tell is said in `unavailable`.
pub(super) fn status(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let wanted = texts(&call.ctx, &["include"])?;
    if let Some(other) = wanted.iter().find(|name| !STATUS.iter().any(|(known, ..)| known == name)) {
        let problem = format!("expected some of build, runtime, tsdb, flags and config, got {:?}", excerpt(other, 100));
        return Err(Error::invalid("include", problem));
    }
    let (names, asked): (Vec<&'static str>, Vec<Place>) = STATUS
        .iter()
        .filter(|(name, _, unasked)| if wanted.is_empty() { *unasked } else { wanted.iter().any(|one| one == name) })
        .map(|(name, place, _)| (*name, *place))
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

/// The names under which selectors may stand.
pub(super) const MATCH: &[&str] = &["match", "match[]"];

fn selection(call: &Call) -> Result<Selection, Error> {
    Ok(Selection {
        matches: texts(&call.ctx, MATCH)?,
        start_ms: moment(&call.ctx, "start", call.unix_nanos)?,
        end_ms: moment(&call.ctx, "end", call.unix_nanos)?,
        limit: count(&call.ctx, "limit")?,
    })
}

/// A moment, which may be missing, in milliseconds since the epoch.
pub(super) fn moment(fields: &Fields, key: &str, now_unix_nanos: u64) -> Result<Option<i64>, Error> {
    Ok(fields.moment(&[key], now_unix_nanos)?.map(Timestamp::unix_millis))
}

/// A duration of at least a millisecond, which may be missing, in milliseconds.
pub(super) fn duration(fields: &Fields, key: &str) -> Result<Option<i64>, Error> {
    let Some(duration) = fields.duration(key)? else { return Ok(None) };
    match i64::try_from(duration.as_millis()) {
        Ok(milliseconds @ 1..) => Ok(Some(milliseconds)),
        Ok(_) => Err(Error::invalid(fields.path(key), "must be at least 1ms")),
        Err(_) => Err(Error::invalid(fields.path(key), "is too long")),
    }
}

/// A count, which may be missing.
pub(super) fn count(fields: &Fields, key: &str) -> Result<Option<u64>, Error> {
    let Some(text) = fields.text_or_none(key, "a whole number")? else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| {
        Error::invalid(fields.path(key), format!("expected a whole number, got {:?}", excerpt(&text, 100)))
    })
}

/// One text or a list of them, which may be missing, under the first of these names.
pub(super) fn texts(fields: &Fields, keys: &[&str]) -> Result<Vec<String>, Error> {
    let Some((key, value)) = fields.any(keys) else { return Ok(Vec::new()) };
    let items = match value {
        Json::Array(items) => items.as_slice(),
        one => core::slice::from_ref(one),
    };
    items
        .iter()
        .map(|item| match fields::scalar(item) {
            Some(text) if !text.trim().is_empty() => Ok(text),
            Some(_) => Err(Error::invalid(fields.path(key), "holds an empty text")),
            None => {
                let problem = format!("expected a text or a list of texts, got {}", kind_of(item));
                Err(Error::invalid(fields.path(key), problem))
            }
        })
        .collect()
}

fn choice(fields: &Fields, key: &str, known: &[&str]) -> Result<Option<String>, Error> {
    let text = fields.text_or_none(key, "a word")?;
    match text {
        Some(text) if !known.contains(&&*text) => {
            let problem = format!("expected one of {}, got {:?}", known.join(", "), excerpt(&text, 100));
            Err(Error::invalid(fields.path(key), problem))
        }
        text => Ok(text),
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
