//! `query_metrics`: PromQL, at an instant or over a time range; and what else takes an expression.

use super::prometheus::{ask, duration, moment, write_remarks};
use super::{Answer, Call};
use crate::error::{Error, excerpt};
use crate::fields::Fields;
use crate::servers::prometheus::{Form, Options, Query, TooManyPoints, places};
use crate::time::rfc3339;

/// The step of a range that names none.
const DEFAULT_STEP_MS: i64 = 15_000;

pub(super) fn run(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let expression = call.ctx.text("query", "a PromQL expression")?;
    let query = match call.ctx.object("time_range")? {
        None => Query::Instant { expression: expression.clone(), time_ms: moment(&call.ctx, "time", call.unix_nanos)? },
        Some(range) => self::range(call, &Fields::new(range, "time_range"), expression.clone())?,
    };
    query.check()?;
    let options = Options {
        // Read with the configuration already, as the bound on the plug's own patience.
        timeout_ms: duration(&call.ctx, "timeout")?,
        limit: super::prometheus::count(&call.ctx, "limit")?,
        lookback_ms: duration(&call.ctx, "lookback_delta")?,
        stats: call.ctx.text_or_none("stats", "true or all")?.filter(|stats| !stats.eq_ignore_ascii_case("false")),
    };
    answer.text("query", &expression);
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
pub(super) fn format(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    whole(call, answer, places::FORMAT, "formatted", "\"\"")
}

/// `parse_query`: an expression as the server's parser sees it.
pub(super) fn parse(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    whole(call, answer, places::PARSE, "syntax_tree", "{}")
}

/// `query_exemplars`: the exemplars of an expression's series.
pub(super) fn exemplars(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let expression = call.ctx.text("query", "a PromQL expression")?;
    let mut form = Form::default();
    form.put("query", &expression);
    // Without bounds some servers look at a few minutes, others at all.
    form.put_ms("start", moment(&call.ctx, "start", call.unix_nanos)?);
    form.put_ms("end", moment(&call.ctx, "end", call.unix_nanos)?);
    let reply = ask(call, answer, |api| api.ask_query(places::EXEMPLARS, &form, &expression))?;
    answer.raw("exemplars", reply.as_ref().map_or("[]", |reply| super::prometheus::list_or_empty(reply.data())));
    super::prometheus::write_reply_remarks(answer, reply.as_ref());
    Ok(())
}

fn whole(
    call: &mut Call,
    answer: &mut Answer,
    place: crate::servers::prometheus::Place,
    name: &'static str,
    empty: &str,
) -> Result<(), Error> {
    let expression = call.ctx.text("query", "a PromQL expression")?;
    let mut form = Form::default();
    form.put("query", &expression);
    let reply = ask(call, answer, |api| api.ask_query(place, &form, &expression))?;
    answer.text("query", &expression);
    answer.raw(name, reply.as_ref().map_or(empty, |reply| reply.data()));
    super::prometheus::write_reply_remarks(answer, reply.as_ref());
    Ok(())
}

/// As the output schema has it; `result` is JSON already.
fn write_result(answer: &mut Answer, result_type: &str, result: &str) {
    answer.open("query_result");
    answer.text("resultType", result_type);
    answer.raw("result", result);
    answer.close();
}

fn range(call: &Call, fields: &Fields, expression: String) -> Result<Query, Error> {
    let start_ms =
        moment(fields, "start", call.unix_nanos)?.ok_or_else(|| Error::missing(fields.path("start"), "a moment"))?;
    let end_ms = moment(fields, "end", call.unix_nanos)?.unwrap_or((call.unix_nanos / 1_000_000) as i64);
    let step_ms = duration(fields, "step")?.unwrap_or(DEFAULT_STEP_MS);
    let too_many = match fields.text_or_none("on_too_many_points", "raise_step, split or error")?.as_deref() {
        None | Some("raise_step") => TooManyPoints::RaiseStep,
        Some("split") => TooManyPoints::Split,
        Some("error") => TooManyPoints::Refuse,
        Some(other) => {
            let problem = format!("expected raise_step, split or error, got {:?}", excerpt(other, 100));
            return Err(Error::invalid(fields.path("on_too_many_points"), problem));
        }
    };
    Ok(Query::Range { expression, start_ms, end_ms, step_ms, too_many })
}
