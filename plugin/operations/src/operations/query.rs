//! `query_metrics`: instant and range queries; and other operations on expressions.

use super::call::Call;
use super::prometheus::{ask, duration, moment, unless_mock};
use crate::error::Error;
use crate::servers::prometheus::{Data, Form, Options, Place, Query, places};
use crate::time::rfc3339;
use plugpipe_contract::requests::{Expression, QueryExemplars, QueryMetrics, TimeRange};
use plugpipe_contract::responses::{
    Amount, FormattedQuery, FormerMetadata, FoundExemplars, ParsedQuery, Queried, QueryResult, ServerRemarks,
};
use plugpipe_contract::scalar::Text;

/// The default step of a range.
const DEFAULT_STEP_MS: i64 = 15_000;

/// `query_metrics`.
pub fn run<'r>(call: &mut Call, request: &'r QueryMetrics) -> Result<(Queried<'r>, ServerRemarks), Error> {
    let expression = expression(&request.query)?;
    let now = call.unix_nanos;
    let query = match &request.time_range {
        None => Query::Instant { expression: expression.to_owned(), time_ms: moment(&request.time, "time", now)? },
        Some(range) => self::range(range, expression, now)?,
    };
    query.check()?;
    let query_type = Some(if matches!(query, Query::Instant { .. }) { "instant" } else { "range" });
    call.add_former(|| FormerMetadata { query_type, ..FormerMetadata::default() });
    let options = Options {
        // The same field is also a setting, which limits how long the plug waits.
        timeout_ms: duration(request.timeout, "timeout")?,
        limit: request.limit.get(),
        lookback_ms: duration(request.lookback_delta, "lookback_delta")?,
        stats: request.stats.to_owned().filter(|stats| !stats.eq_ignore_ascii_case("false")),
    };
    let mut queried = Queried {
        query: expression,
        timestamp: rfc3339(call.unix_nanos),
        query_result: QueryResult::empty(if matches!(query, Query::Instant { .. }) { "vector" } else { "matrix" }),
        step_raised_to_seconds: None,
        parts: None,
        stats: None,
    };
    let Some(found) = unless_mock(call, |api| api.query(&query, &options))? else {
        return Ok((queried, ServerRemarks { mock: true, ..ServerRemarks::default() }));
    };
    queried.query_result = QueryResult { result_type: found.result_type.into(), result: found.result };
    queried.step_raised_to_seconds = found.step_raised_to_ms.map(|step_ms| Amount(step_ms as f64 / 1e3));
    queried.parts = (found.parts > 1).then_some(found.parts);
    queried.stats = found.stats.filter(|_| options.stats.is_some());
    Ok((queried, ServerRemarks { warnings: found.warnings, infos: found.infos, mock: false }))
}

/// `format_query`: formats an expression by Prometheus's formatter.
pub fn format<'r>(call: &mut Call, request: &'r Expression) -> Result<(FormattedQuery<'r>, ServerRemarks), Error> {
    let (query, (formatted, remarks)) = send_expression(call, request, places::FORMAT)?;
    Ok((FormattedQuery { query, formatted }, remarks))
}

/// `parse_query`: parses an expression by the server's parser.
pub fn parse<'r>(call: &mut Call, request: &'r Expression) -> Result<(ParsedQuery<'r>, ServerRemarks), Error> {
    let (query, (syntax_tree, remarks)) = send_expression(call, request, places::PARSE)?;
    Ok((ParsedQuery { query, syntax_tree }, remarks))
}

/// `query_exemplars`: the exemplars of an expression's series.
pub fn exemplars(call: &mut Call, request: &QueryExemplars) -> Result<(FoundExemplars, ServerRemarks), Error> {
    let expression = expression(&request.query)?;
    let mut form = Form::default();
    form.put("query", expression);
    form.put_ms("start", moment(&request.start, "start", call.unix_nanos)?);
    form.put_ms("end", moment(&request.end, "end", call.unix_nanos)?);
    let (exemplars, remarks) = ask(call, |api| api.ask_query(places::EXEMPLARS, &form, expression))?;
    Ok((FoundExemplars { exemplars }, remarks))
}

/// Sends an expression to an API endpoint; returns the expression and the result.
fn send_expression<'r, D: Data>(
    call: &mut Call,
    request: &'r Expression,
    place: Place,
) -> Result<(&'r str, (D, ServerRemarks)), Error> {
    let expression = expression(&request.query)?;
    let mut form = Form::default();
    form.put("query", expression);
    Ok((expression, ask(call, |api| api.ask_query(place, &form, expression))?))
}

fn expression<'r>(given: &'r Text) -> Result<&'r str, Error> {
    Ok(given.required("query", "a PromQL expression")?)
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
