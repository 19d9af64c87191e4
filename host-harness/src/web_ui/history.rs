//! History since the start: the value of each family over time, and recent pushes and denied
//! requests. Memory is bounded: once there are [`POINTS`] points, every second one is dropped and
//! the sampling interval doubles, so that the history always covers the whole time. The totals of
//! the last [`WINDOW`] are kept beside it, for rates.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::families::{MetricFamily, Span};
use plugpipe_runtime::Answer;

/// Maximum number of points per family.
pub(super) const POINTS: usize = 120;

/// Maximum number of families with a trend.
const MAX_FAMILIES: usize = 2_000;

/// The time over which rates are taken.
pub(super) const WINDOW: Duration = Duration::from_secs(5 * 60);

/// Intervals between two totals of a family.
const TOTALS_STRIDE: u64 = 15;

/// Maximum number of events.
const MAX_EVENTS: usize = 50;

/// Maximum length of an event's text.
const MAX_TEXT: usize = 400;

/// The members of a response body that become events.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    operation: Option<Cow<'a, str>>,
    #[serde(borrow)]
    result: Option<Recorded<'a>>,
}

/// The same members of its result.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Recorded<'a> {
    #[serde(borrow)]
    metric_name: Option<Cow<'a, str>>,
    metric_pushed: Option<bool>,
    #[serde(borrow)]
    push_error: Option<Cow<'a, str>>,
    #[serde(borrow)]
    push_error_code: Option<Cow<'a, str>>,
}

/// The history; see the module.
#[derive(Debug)]
pub(super) struct History {
    intervals: u64,
    /// Number of intervals per sample.
    stride: u64,
    samples: usize,
    /// One value per family and sample; a gap if the family did not exist.
    trends: BTreeMap<String, Vec<Span>>,
    /// Totals of the families that accumulate, the oldest first.
    totals: BTreeMap<String, VecDeque<(Instant, f64)>>,
    events: VecDeque<Event>,
    health: Option<(SystemTime, Value)>,
}

impl Default for History {
    fn default() -> Self {
        Self {
            intervals: 0,
            stride: 1,
            samples: 0,
            trends: BTreeMap::new(),
            totals: BTreeMap::new(),
            events: VecDeque::new(),
            health: None,
        }
    }
}

/// What to sample in an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    trends: bool,
    totals: bool,
}

/// A push, a denied request, or a warning, with its repetitions.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    /// The last time.
    pub(super) at: SystemTime,
    /// How often it happened while it was in the list.
    pub(super) count: u64,
    pub(super) outcome: Outcome,
    pub(super) text: String,
}

/// The outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A gateway accepted the push.
    Pushed,
    /// The push did not arrive, or a server rejected it.
    Failed,
    /// The host denied the request.
    Denied,
    /// The call succeeded with a warning.
    Warned,
}

impl Outcome {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pushed => "pushed",
            Self::Failed => "not pushed",
            Self::Denied => "denied by the host",
            Self::Warned => "warning",
        }
    }
}

impl History {
    /// What to sample of the families in this interval, if anything. Called once per interval.
    pub(super) fn due(&mut self) -> Option<Due> {
        // A second total soon after the first, so that there are rates soon.
        let totals = self.intervals < 2 || self.intervals.is_multiple_of(TOTALS_STRIDE);
        let due = Due { trends: self.intervals.is_multiple_of(self.stride), totals };
        self.intervals += 1;
        (due.trends || due.totals).then_some(due)
    }

    /// Adds a sample of the families.
    pub(super) fn sample(&mut self, families: &[MetricFamily], due: Due, now: Instant) {
        if due.trends {
            self.sample_trends(families);
        }
        if due.totals {
            self.sample_totals(families, now);
        }
    }

    /// Adds a sample for everything.
    #[cfg(test)]
    pub(super) fn sample_all(&mut self, families: &[MetricFamily], now: Instant) {
        self.sample(families, Due { trends: true, totals: true }, now);
    }

    fn sample_totals(&mut self, families: &[MetricFamily], now: Instant) {
        for family in families.iter().filter(|family| family.accumulates()) {
            let total = family.value().max;
            let room = self.totals.len() < MAX_FAMILIES;
            if let Some(totals) = self.totals.get_mut(&family.name) {
                totals.push_back((now, total));
            } else if room {
                self.totals.insert(family.name.clone(), VecDeque::from([(now, total)]));
            }
        }
        self.totals.retain(|_, totals| {
            while totals.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW) {
                totals.pop_front();
            }
            !totals.is_empty()
        });
    }

    /// The increase per second of a family with this total, over the last [`WINDOW`] or since its
    /// first sample. A total that shrinks because series were removed counts as unchanged.
    pub(super) fn rate(&self, family: &str, total: f64, now: Instant) -> Option<f64> {
        let totals = self.totals.get(family)?;
        let elapsed = now.saturating_duration_since(totals.front()?.0).as_secs_f64();
        let values = totals.iter().map(|(_, total)| *total);
        let next = values.clone().skip(1).chain([total]);
        let increase: f64 = values.zip(next).map(|(one, next)| next - one).filter(|change| *change > 0.0).sum();
        (elapsed >= 1.0).then_some(increase / elapsed)
    }

    fn sample_trends(&mut self, families: &[MetricFamily]) {
        if self.samples >= POINTS {
            self.thin_out();
        }
        for family in families {
            let room = self.trends.len() < MAX_FAMILIES;
            if let Some(trend) = self.trends.get_mut(&family.name) {
                trend.push(family.value());
            } else if room {
                let mut trend = vec![Span::GAP; self.samples];
                trend.push(family.value());
                self.trends.insert(family.name.clone(), trend);
            }
        }
        self.samples += 1;
        for trend in self.trends.values_mut() {
            trend.resize(self.samples, Span::GAP);
        }
        self.trends.retain(|_, trend| trend.iter().any(|value| !value.is_gap()));
    }

    fn thin_out(&mut self) {
        for trend in self.trends.values_mut() {
            let mut index = 0;
            trend.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
        self.samples = self.samples.div_ceil(2);
        self.stride *= 2;
    }

    /// The values of a family.
    pub(super) fn trend(&self, family: &str) -> &[Span] {
        self.trends.get(family).map(Vec::as_slice).unwrap_or_default()
    }

    /// Adds the events of a response: a push, a denied request, and warnings.
    pub(super) fn answered(&mut self, answer: &Answer) {
        // The bodies of other plugs have no such members.
        let Body { operation, result } = serde_json::from_str(&answer.body).unwrap_or_default();
        let Recorded { metric_name, metric_pushed, push_error, push_error_code } = result.unwrap_or_default();
        let what = metric_name.or(operation).unwrap_or("a call".into());
        for warning in &answer.warnings {
            self.note(Outcome::Warned, &format!("{what}: {warning}"));
        }
        let code = push_error_code.as_deref().or(answer.error.as_ref().map(|problem| problem.code.as_str()));
        let problem = push_error.as_deref().or(answer.error.as_ref().map(|problem| problem.message.as_str()));
        match problem {
            Some(problem) => {
                let outcome = if code == Some("not_granted") { Outcome::Denied } else { Outcome::Failed };
                self.note(outcome, &format!("{what}: {problem}"));
            }
            None if metric_pushed == Some(true) => self.note(Outcome::Pushed, &what),
            None => {}
        }
    }

    fn note(&mut self, outcome: Outcome, text: &str) {
        let text: String = text.chars().take(MAX_TEXT).collect();
        let same = self.events.iter().position(|event| event.outcome == outcome && event.text == text);
        let count = same.and_then(|index| self.events.remove(index)).map_or(0, |event| event.count) + 1;
        self.events.truncate(MAX_EVENTS - 1);
        self.events.push_front(Event { at: SystemTime::now(), count, outcome, text });
    }

    /// Stores the response of a health check.
    pub(super) fn health(&mut self, answer: &Answer) {
        if let Some(problem) = &answer.error {
            self.note(Outcome::Failed, &format!("the health check: {}", problem.message));
        }
        let mut body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        self.health = Some((SystemTime::now(), body.get_mut("result").map(Value::take).unwrap_or_default()));
    }

    /// Recent events, the latest first.
    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }

    /// The last health check and its time.
    pub(super) fn last_health(&self) -> Option<&(SystemTime, Value)> {
        self.health.as_ref()
    }

    /// The events and the health check as JSON.
    pub(super) fn status(&self) -> Value {
        let events: Vec<Value> = self
            .events()
            .map(|event| json!({"at": seconds(event.at), "count": event.count, "outcome": event.outcome.word(), "text": event.text}))
            .collect();
        let health = self.health.as_ref().map(|(at, result)| json!({"at": seconds(*at), "result": result}));
        json!({"events": events, "health": health})
    }
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::families::read;

    const TRENDS: Due = Due { trends: true, totals: false };
    const TOTALS: Due = Due { trends: false, totals: true };

    #[test]
    fn the_history_covers_the_whole_time_in_bounded_memory() {
        let (mut history, now) = (History::default(), Instant::now());
        for sample in 0..10_000 {
            if history.due().is_some_and(|due| due.trends) {
                history.sample(&read(&format!("a {sample}\n")), TRENDS, now);
            }
        }
        let trend = history.trend("a");
        assert!(trend.len() <= POINTS && trend.len() >= POINTS / 2, "{}", trend.len());
        assert_eq!(trend.first(), Some(&Span::of(0.0)));
        assert!(trend.last().unwrap().max > 9_800.0, "{trend:?}");
        let steps: Vec<f64> = trend.iter().zip(trend.iter().skip(1)).map(|(one, next)| next.max - one.max).collect();
        assert!(steps.iter().all(|step| Some(step) == steps.first()), "equal steps: {steps:?}");
    }

    #[test]
    fn a_family_that_appears_late_or_disappears_has_gaps() {
        let mut history = History::default();
        for text in ["a 1\n", "a 1\nb 2\n", "b 3\n"] {
            history.sample(&read(text), TRENDS, Instant::now());
        }
        assert!(history.trend("b").first().unwrap().is_gap() && history.trend("a").last().unwrap().is_gap());
        assert_eq!(history.trend("b").get(1..), Some(&[Span::of(2.0), Span::of(3.0)][..]));
        let many: String = (0..MAX_FAMILIES + 100).map(|index| format!("m{index}_x 1\n")).collect();
        history.sample(&read(&many), TRENDS, Instant::now());
        assert_eq!(history.trends.len(), MAX_FAMILIES);
    }

    #[test]
    fn rates_are_those_of_the_last_five_minutes() {
        let (mut history, start) = (History::default(), Instant::now());
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let counter = |total: u64| read(&format!("# TYPE c counter\nc {total}\n# TYPE g gauge\ng {total}\n"));
        for (seconds, total) in [(0, 100), (15, 160), (30, 20), (45, 80)] {
            history.sample(&counter(total), TOTALS, at(seconds));
        }
        // 60 and 60; that some series were removed is no increase.
        assert_eq!(history.rate("c", 110.0, at(60)), Some(2.5));
        assert_eq!((history.rate("g", 1.0, at(60)), history.rate("none", 1.0, at(60))), (None, None));
        history.sample(&counter(110), TOTALS, at(400));
        assert_eq!(history.totals["c"].len(), 1, "older ones are forgotten");
        assert_eq!(history.rate("c", 110.0, at(400)), None, "a moment has no rate");
        assert_eq!(history.rate("c", 120.0, at(410)), Some(1.0));
        history.sample(&[], TOTALS, at(1_000));
        assert!(history.totals.is_empty(), "families that are gone");
        // Once a second or so at first, and every 15 s in the end.
        let due: Vec<bool> = (0..600).map(|_| history.due().is_some_and(|due| due.totals)).collect();
        assert_eq!((due[..2].to_vec(), due[300..].iter().filter(|due| **due).count()), (vec![true, true], 20));
    }

    fn answer(error: Option<(&str, &str)>, warnings: &[&str], body: Value) -> Answer {
        let mut answer = Answer::default();
        answer.error = error.map(|(code, message)| {
            let mut problem = plugpipe_runtime::Problem::default();
            (problem.code, problem.message) = (code.into(), message.into());
            problem
        });
        answer.warnings = warnings.iter().map(|warning| (*warning).to_owned()).collect();
        answer.body = body.to_string();
        answer
    }

    #[test]
    fn responses_become_events() {
        let mut history = History::default();
        let well = |body| answer(None, &[], body);
        let warned = || answer(None, &["lables: unknown field"], json!({"operation": "o", "result": {}}));
        let denied = answer(Some(("not_granted", "no")), &[], json!({"operation": "push_metrics", "result": null}));
        let mut text = answer(Some(("down", "no")), &[], json!([]));
        text.body = "<no JSON".into();
        for (answer, outcome) in [
            (well(json!({"result": {"metric_name": "m", "metric_pushed": true}})), Some(Outcome::Pushed)),
            (
                well(json!({"result": {"metric_name": "m", "push_error": "down", "push_error_code": "unreachable"}})),
                Some(Outcome::Failed),
            ),
            (well(json!({"result": {"push_error": "no", "push_error_code": "not_granted"}})), Some(Outcome::Denied)),
            (denied, Some(Outcome::Denied)),
            (text, Some(Outcome::Failed)),
            (well(json!({"result": {"metric_pushed": false}})), None),
            (warned(), Some(Outcome::Warned)),
        ] {
            let before = history.events.len();
            history.answered(&answer);
            assert_eq!(history.events.len() - before, usize::from(outcome.is_some()), "{answer:?}");
            if outcome.is_some() {
                assert_eq!(history.events().next().map(|event| event.outcome), outcome, "{answer:?}");
            }
        }
        // Repeated events are one, and it is the latest.
        let before = history.events.len();
        for _ in 0..3 {
            history.answered(&warned());
        }
        let (first, status) = (history.events().next().unwrap(), history.status());
        assert_eq!((history.events.len(), first.outcome, first.count), (before, Outcome::Warned, 4));
        assert_eq!(status["events"][0]["count"], 4);
        for index in 0..200 {
            history.answered(&well(json!({"result": {"metric_name": format!("m{index}"), "metric_pushed": true}})));
        }
        assert_eq!(history.events.len(), MAX_EVENTS);
    }
}
