//! Instant and range queries. A range with more points than one response may have gets a longer
//! step, or is split into parts.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::values::{self, Value};
use super::{Api, Form, PEER, Reply, envelope, merge, places};
use crate::error::Error;
use crate::http::Failure;
use plugpipe_contract::requests::TooManyPoints;

/// The most points per series in one response: Prometheus's limit.
pub const MAX_POINTS: u64 = 11_000;

/// The most parts of a split range.
pub const MAX_PARTS: u64 = 50;

/// A query. Times are in milliseconds since the epoch, Prometheus's resolution.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// `/api/v1/query`.
    Instant {
        /// PromQL.
        expression: String,
        /// `None` for the server's now.
        time_ms: Option<i64>,
    },
    /// `/api/v1/query_range`.
    Range {
        /// PromQL.
        expression: String,
        /// The time of the first point.
        start_ms: i64,
        /// Not before the start. The last point is not after it.
        end_ms: i64,
        /// The step between points; more than zero.
        step_ms: i64,
        /// What to do for more than [`MAX_POINTS`].
        too_many: TooManyPoints,
    },
}

impl Query {
    /// Validates the query; the error names the field. [`Api::query`] does so too, but needs a
    /// server.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Instant { .. } => Ok(()),
            Self::Range { start_ms, end_ms, step_ms, too_many, .. } => {
                Plan::new(*start_ms, *end_ms, *step_ms, *too_many).map(|_| ())
            }
        }
    }
}

/// Optional query parameters. Servers ignore those they do not know.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// The query timeout, in milliseconds.
    pub timeout_ms: Option<i64>,
    /// The most series; since Prometheus 3.0.
    pub limit: Option<u64>,
    /// The lookback delta, in milliseconds.
    pub lookback_ms: Option<i64>,
    /// Whether to return query statistics; `all` for each step too.
    pub stats: Option<String>,
}

/// The result of a query.
#[derive(Debug, Clone)]
pub struct Found {
    /// `vector`, `matrix`, `scalar` or `string`.
    pub result_type: String,
    /// The raw result: values are strings, times are seconds.
    pub result: Box<RawValue>,
    /// The query statistics, if requested; of a split range, those of the first part.
    pub stats: Option<Box<RawValue>>,
    /// The warnings.
    pub warnings: Vec<String>,
    /// The infos.
    pub infos: Vec<String>,
    /// The step in milliseconds, if it was raised.
    pub step_raised_to_ms: Option<i64>,
    /// The number of requests.
    pub parts: u64,
}

impl Found {
    /// The memory that this response takes.
    fn memory_bytes(&self) -> usize {
        let stats = self.stats.as_ref().map_or(0, |stats| stats.get().len());
        let remarks = self.warnings.iter().chain(&self.infos).map(String::len);
        self.result.get().len() + stats + remarks.sum::<usize>()
    }
}

/// The data of a response.
#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    result_type: String,
    result: Box<RawValue>,
    stats: Option<Box<RawValue>>,
}

impl Found {
    /// Adds the warnings and infos of another part of the range.
    fn with_remarks_of(mut self, other: Self) -> Self {
        for (all, more) in [(&mut self.warnings, other.warnings), (&mut self.infos, other.infos)] {
            for text in more {
                if !all.contains(&text) {
                    all.push(text);
                }
            }
        }
        self
    }
}

impl Api<'_> {
    /// Runs a query.
    pub fn query(&mut self, query: &Query, options: &Options) -> Result<Found, Error> {
        let mut form = Form::default();
        match query {
            Query::Instant { expression, time_ms } => {
                form.put("query", expression);
                form.put_ms("time", *time_ms);
                options.put_into(&mut form);
                let reply = self.ask_query(places::QUERY, &form, expression)?;
                self.found(reply)
            }
            Query::Range { expression, start_ms, end_ms, step_ms, too_many } => {
                let plan = Plan::new(*start_ms, *end_ms, *step_ms, *too_many)?;
                let mut parts = Vec::with_capacity(plan.parts.len());
                let mut room = self.client.limits.response_bytes;
                for (start_ms, end_ms) in &plan.parts {
                    let mut form = Form::default();
                    form.put("query", expression);
                    form.put_ms("start", Some(*start_ms));
                    form.put_ms("end", Some(*end_ms));
                    form.put_duration("step", Some(plan.step_ms));
                    options.put_into(&mut form);
                    let reply = self.ask_query(places::QUERY_RANGE, &form, expression)?;
                    let part = self.found(reply)?;
                    // All parts are in memory together, so they share the limit of one response.
                    room = room.checked_sub(part.memory_bytes()).ok_or_else(|| self.too_long())?;
                    parts.push(part);
                }
                let mut found = self.joined(parts)?;
                found.step_raised_to_ms = (plan.step_ms != *step_ms).then_some(plan.step_ms);
                Ok(found)
            }
        }
    }

    /// Parses the result.
    pub fn typed(&self, found: &Found) -> Result<Value, Error> {
        let result = found.result.get();
        values::value(&found.result_type, result).map_err(|problem| envelope::bad_answer(&self.base, result, &problem))
    }

    fn found(&self, reply: Reply<Option<Data>>) -> Result<Found, Error> {
        let Some(Data { result_type, result, stats }) = reply.data else {
            let problem = serde::de::Error::custom("expected resultType and result");
            return Err(envelope::bad_answer(&self.base, "null", &problem));
        };
        Ok(Found {
            result_type,
            result,
            stats: stats.or(reply.stats),
            warnings: reply.warnings,
            infos: reply.infos,
            step_raised_to_ms: None,
            parts: 1,
        })
    }

    fn joined(&self, parts: Vec<Found>) -> Result<Found, Error> {
        let count = parts.len();
        let mut joined = None;
        if count > 1 {
            let results: Vec<&RawValue> = parts.iter().map(|part| &*part.result).collect();
            let result = merge::matrices(&results)
                .map_err(|(part, problem)| envelope::bad_answer(&self.base, part, &problem))?;
            joined = Some(result);
        }
        let found = parts.into_iter().reduce(Found::with_remarks_of).ok_or_else(|| self.too_long())?;
        Ok(Found { result: joined.unwrap_or(found.result), parts: count as u64, ..found })
    }

    fn too_long(&self) -> Error {
        Error::Unanswered {
            server: PEER.server,
            origin: self.base.origin(),
            setting: PEER.setting,
            failure: Failure::TooLong { limit: self.client.limits.response_bytes },
        }
    }
}

impl Options {
    fn put_into(&self, form: &mut Form) {
        form.put_duration("timeout", self.timeout_ms);
        form.put_count("limit", self.limit);
        form.put_duration("lookback_delta", self.lookback_ms);
        // VictoriaMetrics's name.
        form.put_duration("max_lookback", self.lookback_ms);
        form.put_text("stats", self.stats.as_deref());
    }
}

/// The plan of a range query: the step, and the first and last time of each part. Parts have no
/// points in common.
#[derive(Debug, PartialEq)]
struct Plan {
    step_ms: i64,
    parts: Vec<(i64, i64)>,
}

impl Plan {
    fn new(start_ms: i64, end_ms: i64, step_ms: i64, too_many: TooManyPoints) -> Result<Self, Error> {
        let span = end_ms.checked_sub(start_ms).and_then(|span| u64::try_from(span).ok());
        let span = span.ok_or_else(|| Error::invalid("time_range.end", "is before time_range.start"))?;
        let step = u64::try_from(step_ms).ok().filter(|step| *step > 0);
        let step = step.ok_or_else(|| Error::invalid("time_range.step", "must be at least 1ms"))?;
        let points = span / step + 1;
        if points <= MAX_POINTS {
            return Ok(Self { step_ms, parts: vec![(start_ms, end_ms)] });
        }
        let too_many_points = |todo: &str| {
            let problem = format!("makes {points} points per series, but servers return at most {MAX_POINTS}; {todo}");
            Error::invalid("time_range.step", problem)
        };
        match too_many {
            TooManyPoints::Refuse => Err(too_many_points("raise it, or set on_too_many_points to raise_step or split")),
            TooManyPoints::RaiseStep => {
                // The points of the longer step are a subset of those of the shorter one.
                let raised = step.checked_mul(points.div_ceil(MAX_POINTS)).and_then(|step| i64::try_from(step).ok());
                let step_ms = raised.ok_or_else(|| too_many_points("raise it"))?;
                Ok(Self { step_ms, parts: vec![(start_ms, end_ms)] })
            }
            TooManyPoints::Split => {
                let count = points.div_ceil(MAX_POINTS);
                if count > MAX_PARTS {
                    return Err(too_many_points(
                        "that is too many parts: raise it, or set on_too_many_points to raise_step",
                    ));
                }
                // Cannot overflow: points are within the span.
                let moment = |point: u64| start_ms.saturating_add_unsigned(point.saturating_mul(step));
                let parts = (0..count)
                    .map(|part| {
                        let first = part * MAX_POINTS;
                        let last = (first + MAX_POINTS).min(points) - 1;
                        (moment(first), moment(last))
                    })
                    .collect();
                Ok(Self { step_ms, parts })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(start: i64, end: i64, step: i64) -> Vec<i64> {
        (0..).map(|n| start + n * step).take_while(|moment| *moment <= end).collect()
    }

    #[test]
    fn a_short_range_is_one_request() {
        for too_many in [TooManyPoints::RaiseStep, TooManyPoints::Split, TooManyPoints::Refuse] {
            let plan = Plan::new(5, 10_999 * 7 + 5, 7, too_many).unwrap();
            assert_eq!(plan, Plan { step_ms: 7, parts: vec![(5, 10_999 * 7 + 5)] });
        }
    }

    #[test]
    fn one_point_too_many_is_too_many() {
        assert_eq!(
            Plan::new(0, 11_000, 1, TooManyPoints::RaiseStep).unwrap(),
            Plan { step_ms: 2, parts: vec![(0, 11_000)] }
        );
        assert_eq!(Plan::new(0, 11_000, 1, TooManyPoints::Split).unwrap().parts, [(0, 10_999), (11_000, 11_000)]);
        let refused = Plan::new(0, 11_000, 1, TooManyPoints::Refuse).unwrap_err();
        assert!(
            refused.to_string().contains("11001 points") && refused.field() == Some("time_range.step"),
            "{refused}"
        );
    }

    #[test]
    fn invalid_ranges_are_rejected_with_the_field() {
        for (start, end, step, field) in [
            (2, 1, 1, "time_range.end"),
            (i64::MIN, i64::MAX, 1, "time_range.end"),
            (0, 1, 0, "time_range.step"),
            (0, 1, -1, "time_range.step"),
            (0, i64::MAX, 1, "time_range.step"),
        ] {
            assert_eq!(Plan::new(start, end, step, TooManyPoints::Split).unwrap_err().field(), Some(field));
        }
        assert!(Plan::new(0, i64::MAX, i64::MAX, TooManyPoints::Split).is_ok());
        assert!(Plan::new(0, i64::MAX, 1, TooManyPoints::RaiseStep).is_ok());
    }

    proptest! {
        #[test]
        fn the_parts_cover_the_range_without_duplicate_points(
            start in -1_000_000_i64..1_000_000, step in 1_i64..1_000, count in 0_i64..60_000, rest in 0_i64..1_000,
        ) {
            let end = start + count * step + rest % step;
            let plan = Plan::new(start, end, step, TooManyPoints::Split).unwrap();
            let parts: Vec<Vec<i64>> = plan.parts.iter().map(|(start, end)| points(*start, *end, plan.step_ms)).collect();
            prop_assert!(parts.iter().all(|part| !part.is_empty() && part.len() as u64 <= MAX_POINTS));
            prop_assert_eq!(parts.concat(), points(start, end, step));
        }

        #[test]
        fn a_raised_step_gives_few_enough_points_on_the_same_grid(
            start in -1_000_000_i64..1_000_000, step in 1_i64..1_000_000, count in 11_000_i64..100_000_000,
        ) {
            let plan = Plan::new(start, start + count * step, step, TooManyPoints::RaiseStep).unwrap();
            prop_assert!(count * step / plan.step_ms < MAX_POINTS as i64);
            prop_assert!(plan.step_ms > step && plan.step_ms % step == 0);
        }
    }
}
