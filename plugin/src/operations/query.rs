//! `query_metrics`: PromQL, at an instant or over a time range.

use core::time::Duration;

use super::{Answer, Call};
use crate::error::Error;
use crate::fields::Fields;
use crate::servers::prometheus::{self, Query};
use crate::time::{parse_duration, parse_instant, rfc3339};

/// The step of a range that names none.
const DEFAULT_STEP: Duration = Duration::from_secs(15);

pub(super) fn run(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let expression = call.ctx.text("query", "a PromQL expression")?;
    let query = match call.ctx.object("time_range")? {
        None => Query::Instant { expression: expression.clone(), time: instant(&call.ctx, "time")? },
        Some(range) => self::range(&Fields::new(range, "time_range"), expression.clone(), call.unix_nanos)?,
    };
    answer.text("query", &expression);
    answer.text("timestamp", &rfc3339(call.unix_nanos));
    if call.config.mock {
        answer.flag("mock", true);
        let result_type = if matches!(query, Query::Instant { .. }) { "vector" } else { "matrix" };
        write_result(answer, result_type, "[]");
        return Ok(());
    }
    let base = call.config.prometheus_url.clone().ok_or(Error::NotConfigured {
        field: "prometheus_url",
        todo: "name a Prometheus server, for example {\"prometheus_config\": {\"prometheus_url\": \"http://127.0.0.1:9090\"}}",
    })?;
    let data = prometheus::query(&mut call.client(call.config.limits(), true), &base, &query)?;
    write_result(answer, &data.result_type, &data.result);
    for (key, list) in [("warnings", data.warnings), ("infos", data.infos)] {
        if !list.is_empty() {
            answer.texts(key, list.iter().map(String::as_str));
        }
    }
    Ok(())
}

/// As the output schema has it; `result` is JSON already.
fn write_result(answer: &mut Answer, result_type: &str, result: &str) {
    answer.open("query_result");
    answer.text("resultType", result_type);
    answer.raw("result", result);
    answer.close();
}

fn range(fields: &Fields, expression: String, now_unix_nanos: u64) -> Result<Query, Error> {
    let start = instant(fields, "start")?
        .ok_or_else(|| Error::Missing { field: fields.path("start"), expected: "an instant" })?;
    let end = instant(fields, "end")?.unwrap_or(now_unix_nanos as f64 / 1e9);
    if end < start {
        return Err(Error::invalid(fields.path("end"), "lies before time_range.start"));
    }
    let step = match fields.text_or_none("step", "a duration")? {
        None => DEFAULT_STEP,
        Some(text) => parse_duration(&text).map_err(|problem| Error::invalid(fields.path("step"), problem))?,
    };
    if step.is_zero() {
        return Err(Error::invalid(fields.path("step"), "must be more than zero"));
    }
    Ok(Query::Range { expression, start, end, step })
}

fn instant(fields: &Fields, key: &str) -> Result<Option<f64>, Error> {
    fields
        .text_or_none(key, "an instant")?
        .map(|text| parse_instant(&text).map_err(|problem| Error::invalid(fields.path(key), problem)))
        .transpose()
}
