//! `include_metrics`: metrics that another library of the caller's process has, exposed and sent
//! with those recorded here.

use super::call::Call;
use super::scrape::{MAX_REFUSED, refused_metric, text_format};
use crate::error::{Error, excerpt};
use crate::exposition::parse::{Format, Limits, import, parse};
use plugpipe_contract::requests::IncludeMetrics;
use plugpipe_contract::responses::IncludedMetrics;

/// The maximum length of a source's name.
const MAX_SOURCE_LEN: usize = 128;

/// Replaces what the source included before.
pub fn run(call: &mut Call, request: &IncludeMetrics) -> Result<IncludedMetrics, Error> {
    let source = request.source.required("source", "the name of the library, such as prometheus_client")?;
    if source.len() > MAX_SOURCE_LEN {
        let problem = format!("expected at most {MAX_SOURCE_LEN} bytes, got {:?}", excerpt(source, 60));
        return Err(Error::invalid("source", problem));
    }
    let text = request.text.get().ok_or_else(|| Error::missing("text", "an exposition"))?;
    let format = match request.format.get() {
        Some(name) => text_format(name).map_err(|problem| Error::invalid("format", problem))?,
        None => Format::OpenMetrics,
    };
    let limits = Limits { bytes: text.len(), seed: call.unix_nanos, ..Limits::default() };
    let families =
        parse(text.as_bytes(), format, &limits).map_err(|error| Error::invalid("text", error.to_string()))?;
    call.registry.set_now(call.unix_nanos / 1_000_000);
    let included = import::include(&families, call.registry, source);
    if included.series + included.removed > 0 {
        // Sent with the next push: what has another source does not count as recorded here.
        call.pending.mark();
    }
    for refused in included.refused.iter().take(MAX_REFUSED) {
        let reason = refused.reason.strip_prefix(&format!("metric {}: ", refused.metric));
        let reason = reason.unwrap_or(&refused.reason);
        call.warn(format!("{}: included from {source}: {reason}", refused.metric));
    }
    if let Some(more) = included.refused.len().checked_sub(MAX_REFUSED).filter(|more| *more > 0) {
        call.warn(format!("{source}: {more} further metrics were changed or left out"));
    }
    Ok(IncludedMetrics {
        source: source.to_owned(),
        metrics: included.metrics as u64,
        series: included.series as u64,
        removed: included.removed as u64,
        timestamps_dropped: included.without_timestamp as u64,
        exemplars_dropped: included.exemplars_dropped as u64,
        refused_count: included.refused.len() as u64,
        refused: included.refused.iter().take(MAX_REFUSED).map(refused_metric).collect(),
    })
}
