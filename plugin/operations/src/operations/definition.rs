//! Reads metric definitions for operations that record or register.

use super::call::Call;
use super::together;
use crate::catalog;
use crate::config::{buckets, label_name};
use crate::error::{Error, excerpt};
use crate::registry::{Definition, Kind, LabelName, Labels, MetricName, NativeConfig};
use crate::sort::sorted_by;
use plugpipe_contract::document::Both;
use plugpipe_contract::kind::MetricKind;
use plugpipe_contract::requests::{DefinitionFields, NativeFields, NoFields, RegisterMetric, RemoveMetric};
use plugpipe_contract::responses::{Cleared, Registered, Removed};
use plugpipe_contract::scalar::{self, LabelValue, Text};

/// `register_metric`: creates the family, so that its options are fixed before recording.
pub fn register<'r>(
    call: &mut Call,
    Both(request, fields): &'r Both<RegisterMetric, DefinitionFields>,
) -> Result<Registered<'r>, Error> {
    let kind = kind(&request.metric_type, "metric_type")?;
    let name = given_name(&request.metric_name, "metric_name")?;
    let mut definition = of(name, "metric_name", kind, request.help.get(), fields)?;
    let names = request
        .label_names
        .iter()
        .flatten()
        .enumerate()
        .map(|(index, name)| label_name(&name.0, fields.utf8.or(false), &format!("label_names[{index}]")));
    definition.label_names = sorted_by(names.collect::<Result<Vec<LabelName>, _>>()?, Ord::cmp);
    let family = call.registry.register(definition)?;
    call.note_name(name);
    Ok(Registered { metric_name: name, metric_type: contract_kind(kind), family: family.raw() })
}

/// `remove_metric`: removes one series, by `metric_name` and `labels`.
pub fn remove<'r>(call: &mut Call, request: &'r RemoveMetric) -> Result<Removed<'r>, Error> {
    let given = given_name(&request.metric_name, "metric_name")?;
    let utf8 = request.utf8.or(false);
    let name = metric_name(given, utf8, "metric_name")?;
    let labels = labels(&request.labels, utf8, "labels")?;
    let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let registry = &mut *call.registry;
    let family = registry.family_with(name.as_str(), labels.iter().map(|(name, _)| *name));
    // If no family has these labels, the error of the first one tells its label names.
    let removed = match family.or_else(|| registry.family(name.as_str())) {
        Some(family) => registry.remove_series(family, &labels)?,
        None => false,
    };
    if removed {
        call.pending.mark();
    }
    Ok(Removed { metric_name: given, removed })
}

/// `clear_metrics`: removes all families and series; the configuration is kept.
pub fn clear(call: &mut Call, _: &NoFields) -> Result<Cleared, Error> {
    let removed = match call.own {
        true => together::clear_one(call.registry, call.pending),
        false => together::clear(call.registry, call.groups, call.config, call.pending)?,
    };
    Ok(Cleared { series_removed: removed as u64 })
}

/// Reads a definition: name, help, unit and options, but no label names, which records give in
/// their labels. `field` is the path of the name.
pub fn of(
    name: &str,
    field: &str,
    kind: Kind,
    help: Option<&str>,
    fields: &DefinitionFields,
) -> Result<Definition, Error> {
    let mut definition = Definition::new(metric_name(name, fields.utf8.or(false), field)?, kind);
    let help = help.or_else(|| fields.description.get()).or_else(|| catalog::help(name));
    definition.help = help.map(str::to_owned);
    definition.unit = fields.unit.to_owned();
    definition.buckets = fields.buckets.as_deref().map(|bounds| buckets(bounds, "buckets")).transpose()?;
    definition.native = fields.native.as_ref().map(native);
    definition.quantiles = fields.quantiles.as_deref().map(|ranks| ranks.iter().map(|rank| rank.0).collect());
    definition.window = fields.window.get();
    definition.ttl = fields.expire_after.get();
    definition.states = fields.states.iter().flatten().map(|state| state.0.as_ref().into()).collect();
    definition.series_limit = fields.series_limit.get();
    Ok(definition)
}

/// The kind named by `metric_type`; gauge by default.
#[inline]
pub fn kind(given: &Text, field: &str) -> Result<Kind, Error> {
    let Some(name) = given.get() else { return Ok(Kind::Gauge) };
    MetricKind::from_name(name.trim()).map(registry_kind).ok_or_else(|| {
        let known: Vec<&str> = MetricKind::ALL.into_iter().map(MetricKind::name).collect();
        Error::invalid(field, format!("expected one of {}, got {:?}", known.join(", "), excerpt(name, 100)))
    })
}

/// A kind of the contract as the registry knows it. `From` cannot say it here: both types are of
/// other crates.
#[inline]
pub fn registry_kind(kind: MetricKind) -> Kind {
    match kind {
        MetricKind::Counter => Kind::Counter,
        MetricKind::Gauge => Kind::Gauge,
        MetricKind::Histogram => Kind::Histogram,
        MetricKind::Summary => Kind::Summary,
        MetricKind::NativeHistogram => Kind::NativeHistogram,
        MetricKind::Info => Kind::Info,
        MetricKind::StateSet => Kind::StateSet,
    }
}

/// A recorded kind of the registry as the contract names it. A request cannot name the two that are
/// only imported, so nothing recorded has them.
#[inline]
pub fn contract_kind(kind: Kind) -> MetricKind {
    match kind {
        Kind::Counter => MetricKind::Counter,
        Kind::Gauge => MetricKind::Gauge,
        Kind::Histogram => MetricKind::Histogram,
        Kind::Summary => MetricKind::Summary,
        Kind::NativeHistogram => MetricKind::NativeHistogram,
        Kind::Info => MetricKind::Info,
        Kind::StateSet => MetricKind::StateSet,
        Kind::GaugeHistogram => MetricKind::Histogram,
        Kind::Unknown => MetricKind::Gauge,
    }
}

/// Validates labels of a series; with `utf8`, names may be any UTF-8 text.
pub fn labels(given: &scalar::Labels, utf8: bool, field: &str) -> Result<Labels, Error> {
    let labels = given.iter().map(|(name, value)| Ok((label_name(name, utf8, field)?, value.into())));
    Ok(Labels::of(labels.collect::<Result<Vec<_>, Error>>()?, field)?)
}

/// The required name of a metric, not yet validated.
#[inline]
pub fn given_name<'r>(name: &'r Option<LabelValue>, field: &str) -> Result<&'r str, Error> {
    name.as_ref().map(|name| &*name.0).ok_or_else(|| Error::missing(field, "a metric's name"))
}

fn metric_name(name: &str, utf8: bool, field: &str) -> Result<MetricName, Error> {
    Ok(if utf8 { MetricName::new_utf8(name, field) } else { MetricName::new(name, field) }?)
}

fn native(fields: &NativeFields) -> NativeConfig {
    let mut config = NativeConfig::default();
    if let Some(schema) = fields.schema.get() {
        // Invalid schemas stay out of range, so that the registry rejects them.
        config.schema = if schema.trunc() == schema { schema as i32 } else { i32::MAX };
    }
    if let Some(threshold) = fields.zero_threshold.get() {
        config.zero_threshold = threshold;
    }
    if let Some(max_buckets) = fields.max_buckets.get() {
        config.max_buckets = max_buckets;
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_one_name_in_the_contract_and_in_the_registry() {
        assert_eq!(MetricKind::ALL.map(registry_kind), Kind::ALL);
        assert_eq!(Kind::ALL.map(contract_kind), MetricKind::ALL);
        assert_eq!(MetricKind::ALL.map(MetricKind::name), Kind::ALL.map(Kind::name));
    }
}
