//! Renders `page.html`. The template escapes every value except the output of [`sparkline`], which
//! escapes its label itself.

use std::time::{Duration, SystemTime};

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde_json::{Value, json};

use super::history::History;
use crate::chart::{number, sparkline};
use crate::families::MetricFamily;
use plugpipe_runtime::Error;

/// Maximum number of listed families.
const MAX_FAMILIES: usize = 300;

/// Maximum number of listed samples per family.
const MAX_SAMPLES: usize = 50;

/// Renders the page of a plug with this name and version. `families` is none if the exposition is
/// too large.
pub(super) fn page(
    (name, version): (&str, &str),
    crashes: u64,
    families: Option<&[MetricFamily]>,
    began: SystemTime,
    history: &History,
) -> Result<String, Error> {
    let now = SystemTime::now();
    let since = |at: SystemTime| age(now.duration_since(at).unwrap_or_default());
    let listed = families.unwrap_or_default();
    let rows: Vec<Value> = listed.iter().take(MAX_FAMILIES).map(|family| row(family, history)).collect();
    let events: Vec<Value> = history
        .events()
        .map(|event| json!({"ago": since(event.at), "outcome": event.outcome.word(), "text": event.text}))
        .collect();
    let health = history.last_health().map(|(at, result)| json!({"ago": since(*at), "servers": servers(result)}));
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let problem = |error: minijinja::Error| Error::Answer { problem: format!("web UI: {error:#}") };
    let template = environment.template_from_str(include_str!("page.html")).map_err(problem)?;
    template
        .render(minijinja::Value::from(Serde(json!({
            "name": name,
            "version": version,
            "uptime": since(began),
            "crashes": crashes,
            "too_large": families.is_none(),
            "families": rows,
            "families_more": listed.len().saturating_sub(MAX_FAMILIES),
            "families_count": listed.len(),
            "series_count": listed.iter().map(MetricFamily::series).sum::<usize>(),
            "events": events,
            "health": health,
        }))))
        .map_err(problem)
}

fn row(family: &MetricFamily, history: &History) -> Value {
    let trend = history.trend(&family.name);
    let samples: Vec<Value> = family
        .samples
        .iter()
        .take(MAX_SAMPLES)
        .map(|(series, value)| json!({"series": series, "value": written(*value)}))
        .collect();
    let mut values = trend.iter().filter(|value| value.max.is_finite());
    let line = match (values.next(), values.next_back()) {
        (Some(first), Some(last)) => {
            let largest: Vec<f64> = trend.iter().map(|value| value.max).collect();
            let smallest: Vec<f64> = trend.iter().map(|value| value.min).collect();
            let is_single = trend.iter().all(|value| value.min == value.max || value.is_gap());
            let lines: &[&[f64]] = if is_single { &[&largest] } else { &[&largest, &smallest] };
            Some(sparkline(&format!("first {first}, last {last}"), lines))
        }
        _ => None,
    };
    json!({
        "name": family.name,
        "kind": family.kind,
        "help": family.help,
        "series": family.series(),
        "value": family.value().to_string(),
        "line": line,
        "samples": samples,
        "samples_more": family.samples.len().saturating_sub(MAX_SAMPLES),
    })
}

/// The exact number; the table of families rounds.
fn written(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { number(value) }
}

/// The servers of a health check with their states and details.
fn servers(result: &Value) -> Vec<Value> {
    let Some(result) = result.as_object() else { return Vec::new() };
    let states = result.iter().filter_map(|(key, state)| Some((key.strip_suffix("_status")?, state.as_str()?)));
    states
        .map(|(server, state)| {
            let detail = result.get("details").and_then(|details| details.get(server));
            let detail = match detail {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Object(fields)) => {
                    fields.get("error").or(fields.get("problem")).and_then(Value::as_str).unwrap_or_default().to_owned()
                }
                _ => String::new(),
            };
            json!({"server": server, "state": state.replace('_', " "), "healthy": state == "healthy", "detail": detail})
        })
        .collect()
}

/// A duration in its largest units: `12 s`, `5 min`, `3 h 20 min`, `2 d 4 h`.
fn age(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        seconds => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::families::read;
    use plugpipe_runtime::Answer;

    #[test]
    fn every_value_is_escaped() {
        let evil = "<script>alert(1)</script>\"'&";
        let mut history = History::default();
        let exposition = format!("# HELP m {evil}\n# TYPE m gauge\nm{{a=\"{evil}\"}} 1\n");
        let families = read(&exposition);
        history.sample(&families);
        history.sample(&families);
        let mut answer = Answer::default();
        answer.warnings = vec![evil.into()];
        answer.body = json!({"operation": evil, "result": {"push_error": evil}}).to_string();
        history.answered(&answer);
        answer.body = json!({"result": {"prometheus_status": evil, "details": {"prometheus": evil}}}).to_string();
        history.health(&answer);
        let html = page((evil, evil), 0, Some(&families), SystemTime::now(), &history).unwrap();
        assert!(!html.contains("<script>alert") && !html.contains("\"'&"), "{html}");
        // Name (in title and heading), version, help, series, event twice, state and detail.
        assert!(html.matches("&lt;script&gt;alert(1)").count() >= 8, "{html}");
        assert!(html.contains("<polyline"), "the line is drawn: {html}");
    }

    #[test]
    fn gauges_are_shown_as_a_span_and_drawn_as_two_lines() {
        let mut history = History::default();
        let rooms = |one: u8, other: u8| {
            read(&format!(
                "# TYPE t gauge\nt{{room=\"a\"}} {one}\nt{{room=\"b\"}} {other}\n# TYPE c counter\nc{{a=\"1\"}} 20\nc{{a=\"2\"}} 22\n"
            ))
        };
        history.sample(&rooms(19, 21));
        let families = rooms(20, 22);
        history.sample(&families);
        let html = page(("p", "1"), 0, Some(&families), SystemTime::now(), &history).unwrap();
        assert!(
            html.contains(">20–22</td>") && html.contains(">42</td>"),
            "counters are summed, gauges are not: {html}"
        );
        assert!(html.contains("first 19–21, last 20–22") && html.matches("<polyline").count() == 3, "{html}");
    }

    #[test]
    fn an_empty_plug_and_a_huge_one_are_rendered() {
        let history = History::default();
        let html = page(("p", "1"), 0, Some(&[]), SystemTime::now(), &history).unwrap();
        assert!(
            html.contains("No metrics yet") && html.contains("No pushes, denied requests or warnings yet"),
            "{html}"
        );
        let html = page(("p", "1"), 0, None, SystemTime::now(), &history).unwrap();
        assert!(html.contains("too large to list"), "{html}");
        let many = read(&(0..400).map(|index| format!("m{index}_x 1\n")).collect::<String>());
        let html = page(("p", "1"), 0, Some(&many), SystemTime::now(), &history).unwrap();
        assert!(html.contains("100 more families"), "{html}");
    }

    #[test]
    fn ages_use_the_largest_units() {
        for (seconds, text) in [(5, "5 s"), (65, "1 min"), (12_000, "3 h 20 min"), (187_200, "2 d 4 h")] {
            assert_eq!(age(Duration::from_secs(seconds)), text);
        }
    }
}
