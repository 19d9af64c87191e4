//! What a metric is, as JSON says it: read by every operation that records or registers.

use super::{Answer, Call, together};
use crate::catalog;
use crate::error::{Error, excerpt};
use crate::fields::label_name;
use crate::fields::{self, Fields};
use crate::json::Json;
use crate::registry::{Definition, Kind, LabelName, MetricName, NativeConfig};
use crate::sort::sorted_by;
use plugpipe_metrics::number::number_text;

/// What the fields of a metric are called; the first name is the one that errors say.
pub(super) struct Names {
    pub(super) name: &'static [&'static str],
    pub(super) value: &'static [&'static str],
}

/// At the top of a `ctx`.
pub(super) const NAMES: Names = Names { name: &["metric_name"], value: &["metric_value"] };

/// In a list of metrics.
pub(super) const ITEM_NAMES: Names = Names { name: &["name", "metric_name"], value: &["value", "metric_value"] };

/// `register_metric`: makes the family, so that its options are fixed before anything is recorded.
pub(super) fn register(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let kind = kind(&call.ctx, &["metric_type"])?.unwrap_or(Kind::Gauge);
    let mut definition = read(&call.ctx, &NAMES, kind)?;
    definition.label_names = label_names(&call.ctx)?;
    answer.text("metric_name", definition.name.as_str());
    answer.text("metric_type", kind.name());
    let family = call.registry.register(definition)?;
    answer.count("family", family.raw().into());
    Ok(())
}

/// `remove_metric`: takes out one series, by `metric_name` and `labels`.
pub(super) fn remove(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let name = name(&call.ctx, &NAMES)?;
    let labels = call.ctx.labels("labels", utf8(&call.ctx))?;
    let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), value)).collect();
    answer.text("metric_name", name.as_str());
    let registry = &mut *call.registry;
    let family = registry.family_with(name.as_str(), labels.iter().map(|(name, _)| *name));
    // None with these labels: the first one says which it has.
    let removed = match family.or_else(|| registry.family(name.as_str())) {
        Some(family) => registry.remove_series(family, &labels)?,
        None => false,
    };
    if removed {
        call.pending.mark();
    }
    answer.flag("removed", removed);
    Ok(())
}

/// `clear_metrics`: forgets all families and series; the configuration stays.
pub(super) fn clear(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let removed = match call.own {
        true => together::clear_one(call.registry, call.pending),
        false => together::clear(call.registry, call.groups, call.config, call.pending)?,
    };
    answer.count("series_removed", removed as u64);
    Ok(())
}

/// A metric's name, help, unit and options. Its label names are not among them: a record has them in its labels.
pub(super) fn read(fields: &Fields, names: &Names, kind: Kind) -> Result<Definition, Error> {
    let mut definition = Definition::new(name(fields, names)?, kind);
    definition.help = match fields.text_or_none("help", "text")? {
        Some(help) => Some(help),
        None => fields
            .text_or_none("description", "text")?
            .or_else(|| catalog::help(definition.name.as_str()).map(str::to_owned)),
    };
    definition.unit = fields.text_or_none("unit", "a unit such as seconds")?;
    definition.buckets =
        fields.some("buckets").map(|value| fields::buckets(value, &fields.path("buckets"))).transpose()?;
    definition.native = native(fields)?;
    definition.quantiles = numbers(fields, "quantiles")?;
    definition.window = fields.duration("window")?;
    definition.ttl = fields.duration("expire_after")?;
    definition.states = texts(fields, "states")?.into_iter().map(String::into_boxed_str).collect();
    definition.series_limit = whole(fields, "series_limit")?;
    Ok(definition)
}

/// The kind that the first of these fields names, if one is there.
pub(super) fn kind(fields: &Fields, keys: &[&str]) -> Result<Option<Kind>, Error> {
    let Some((key, value)) = fields.any(keys) else { return Ok(None) };
    match value.as_str().and_then(|name| Kind::from_name(name.trim())) {
        Some(kind) => Ok(Some(kind)),
        None => {
            let known: Vec<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
            let problem = format!("expected one of {}, got {}", known.join(", "), excerpt(&value.shown(), 100));
            Err(Error::invalid(fields.path(key), problem))
        }
    }
}

fn name(fields: &Fields, names: &Names) -> Result<MetricName, Error> {
    let missing = || fields.path(names.name.first().copied().unwrap_or_default());
    let (key, name) = fields.any(names.name).ok_or_else(|| Error::missing(missing(), "a metric's name"))?;
    match name {
        Json::String(name) if utf8(fields) => Ok(MetricName::new_utf8(name, &fields.path(key))?),
        Json::String(name) => Ok(MetricName::new(name, &fields.path(key))?),
        other => {
            let problem = format!("expected a metric's name, got {}", fields::kind_of(other));
            Err(Error::invalid(fields.path(key), problem))
        }
    }
}

/// Whether the metric's names, its own and those of its labels, may be any text.
pub(super) fn utf8(fields: &Fields) -> bool {
    fields.some("utf8").and_then(fields::flag).unwrap_or(false)
}

fn label_names(fields: &Fields) -> Result<Vec<LabelName>, Error> {
    let names = texts(fields, "label_names")?
        .iter()
        .map(|name| label_name(name, utf8(fields), &fields.path("label_names")))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(sorted_by(names, Ord::cmp))
}

/// `native: true`, or `{schema, zero_threshold, max_buckets}`, each with a default.
fn native(fields: &Fields) -> Result<Option<NativeConfig>, Error> {
    let Some(map) = fields.object("native")? else { return Ok(None) };
    let path = fields.path("native");
    let native = Fields::new(map, &path);
    let mut config = NativeConfig::default();
    if let Some(schema) = number(&native, "schema")? {
        // A schema out of range, or one that is no whole number, is out of range after this too.
        config.schema = if schema.trunc() == schema { schema as i32 } else { i32::MAX };
    }
    if let Some(threshold) = number(&native, "zero_threshold")? {
        config.zero_threshold = threshold;
    }
    if let Some(most) = whole(&native, "max_buckets")? {
        config.max_buckets = most;
    }
    Ok(Some(config))
}

fn number(fields: &Fields, key: &str) -> Result<Option<f64>, Error> {
    let read = |value| fields::number(value).map_err(|problem| Error::invalid(fields.path(key), problem));
    fields.some(key).map(read).transpose()
}

fn whole(fields: &Fields, key: &str) -> Result<Option<usize>, Error> {
    match number(fields, key)? {
        None => Ok(None),
        Some(number) if number.trunc() == number && (0.0..=4e9).contains(&number) => Ok(Some(number as usize)),
        Some(number) => {
            Err(Error::invalid(fields.path(key), format!("expected a whole number, got {}", number_text(number))))
        }
    }
}

fn numbers(fields: &Fields, key: &str) -> Result<Option<Vec<f64>>, Error> {
    let Some(value) = fields.some(key) else { return Ok(None) };
    let path = fields.path(key);
    let Json::Array(list) = value else {
        return Err(Error::invalid(path, format!("expected a list of numbers, got {}", fields::kind_of(value))));
    };
    let read = |value| fields::number(value).map_err(|problem| Error::invalid(&path, problem));
    list.iter().map(read).collect::<Result<_, _>>().map(Some)
}

fn texts(fields: &Fields, key: &str) -> Result<Vec<String>, Error> {
    let Some(value) = fields.some(key) else { return Ok(Vec::new()) };
    let wrong = || Error::invalid(fields.path(key), "expected a list of texts");
    let Json::Array(list) = value else { return Err(wrong()) };
    list.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}
