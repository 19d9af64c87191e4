//! `query_metrics`: PromQL, at an instant or over a time range; and what else takes an expression.

use super::prometheus::{ask, duration, moment, write_remarks};
use super::{Answer, Call};
use crate::error::Error;
use crate::servers::prometheus::{Form, Options, Query, places};
use crate::time::rfc3339;
use plugpipe_contract::requests::{Expression, QueryExemplars, QueryMetrics, TimeRange};
use plugpipe_contract::scalar::Text;

/// The step of a range that names none.
const DEFAULT_STEP_MS: i64 = 15_000;

pub(super) fn run(call: &mut Call, request: &QueryMetrics, answer: &mut Answer) -> Result<(), Error> {
    let expression = expression(&request.query)?;
    let now = call.unix_nanos;
    let query = match &request.time_range {
        None => Query::Instant { expression: expression.to_owned(), time_ms: moment(&request.time, "time", now)? },
        Some(range) => self::range(range, expression, now)?,
    };
    query.check()?;
    let options = Options {
        // Read with the configuration already, as the bound on the plug's own patience.
        timeout_ms: duration(request.timeout, "timeout")?,
        limit: request.limit.get(),
        lookback_ms: duration(request.lookback_delta, "lookback_delta")?,
        stats: request.stats.to_owned().filter(|stats| !stats.eq_ignore_ascii_case("false")),
    };
    answer.text("query", expression);
    answer.text("timestamp", &rfc3339(call.unix_nanos));
    let result_type = if matches!(query, Query::Instant { .. }) { "vector" } else { "matrix" };
    let found = ask(call, answer, |api| api.query(&query, &options))?;
    let Some(found) = found else {
        write_result(answer, result_type, "[]");
        return Ok(());
    };
    write_result(answer, &found.result_type, found.result());
    if let Some(step_ms) = found.step_raised_to_ms {
        answer.number("step_raised_to_seconds", step_ms as f64 / 1e3);
    }
    if found.parts > 1 {
        answer.count("parts", found.parts);
    }
    if let Some(stats) = found.stats().filter(|_| options.stats.is_some()) {
        answer.raw("stats", stats);
    }
    write_remarks(answer, found.warnings(), found.infos());
    Ok(())
}

/// `format_query`: an expression, laid out as Prometheus would.
pub(super) fn format(call: &mut Call, request: &Expression, answer: &mut Answer) -> Result<(), Error> {
    whole(call, request, answer, places::FORMAT, "formatted", "\"\"")
}

/// `parse_query`: an expression as the server's parser sees it.
pub(super) fn parse(call: &mut Call, request: &Expression, answer: &mut Answer) -> Result<(), Error> {
    whole(call, request, answer, places::PARSE, "syntax_tree", "{}")
}

/// `query_exemplars`: the exemplars of an expression's series.
pub(super) fn exemplars(call: &mut Call, request: &QueryExemplars, answer: &mut Answer) -> Result<(), Error> {
    let expression = expression(&request.query)?;
    let mut form = Form::default();
    form.put("query", expression);
    form.put_ms("start", moment(&request.start, "start", call.unix_nanos)?);
    form.put_ms("end", moment(&request.end, "end", call.unix_nanos)?);
    let reply = ask(call, answer, |api| api.ask_query(places::EXEMPLARS, &form, expression))?;
    answer.raw("exemplars", reply.as_ref().map_or("[]", |reply| super::prometheus::list_or_empty(reply.data())));
    super::prometheus::write_reply_remarks(answer, reply.as_ref());
    Ok(())
}

fn whole(
    call: &mut Call,
    request: &Expression,
    answer: &mut Answer,
    place: crate::servers::prometheus::Place,
    name: &'static str,
    empty: &str,
) -> Result<(), Error> {
    let expression = expression(&request.query)?;
    let mut form = Form::default();
    form.put("query", expression);
    let reply = ask(call, answer, |api| api.ask_query(place, &form, expression))?;
    answer.text("query", expression);
    answer.raw(name, reply.as_ref().map_or(empty, |reply| reply.data()));
    super::prometheus::write_reply_remarks(answer, reply.as_ref());
    Ok(())
}

fn expression<'r>(given: &'r Text) -> Result<&'r str, Error> {
    Ok(given.required("query", "a PromQL expression")?)
}

/// As the output schema has it; `result` is JSON already.
fn write_result(answer: &mut Answer, result_type: &str, result: &str) {
    answer.open("query_result");
    answer.text("resultType", result_type);
    answer.raw("result", result);
    answer.close();
}

fn range(given: &TimeRange, expression: &str, now: u64) -> Result<Query, Error> {
    let start_ms = moment(&given.start, "time_range.start", now)?;
    Ok(Query::Range {
        expression: expression.to_owned(),
        start_ms: start_ms.ok_or(Error::missing("time_range.start", "a moment"))?,
        end_ms: moment(&given.end, "time_range.end", now)?.unwrap_or((now / 1_000_000) as i64),
        step_ms: duration(given.step, "time_range.step")?.unwrap_or(DEFAULT_STEP_MS),
        too_many: given.on_too_many_points.get().unwrap_or_default(),
    })
}
