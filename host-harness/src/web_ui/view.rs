//! Renders `page.html`. The template escapes every value except the output of [`sparkline`], which
//! escapes its label itself.

use std::time::{Duration, Instant, SystemTime};

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::history::History;
use crate::chart::{number, sparkline};
use crate::families::{self, MetricFamily};
use plugpipe_runtime::{Error, printable};

/// Number of families on a page.
const PAGE: usize = 100;

/// Maximum length of a filter.
const MAX_FILTER: usize = 200;

/// Maximum number of listed samples per family.
const MAX_SAMPLES: usize = 50;

/// Which families are listed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// Part of a name or a label, whatever its case.
    filter: String,
    /// From 1.
    page: usize,
}

impl Selection {
    /// Reads the query of a URL.
    pub(super) fn of(query: &str) -> Self {
        let mut selection = Self { filter: String::new(), page: 1 };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "q" => selection.filter = value.trim().chars().take(MAX_FILTER).collect(),
                "page" => selection.page = value.parse().unwrap_or(1).max(1),
                _ => {}
            }
        }
        selection
    }

    fn selects(&self, text: &str) -> bool {
        self.filter.is_empty() || text.to_lowercase().contains(&self.filter.to_lowercase())
    }

    fn selects_family(&self, family: &MetricFamily) -> bool {
        self.selects(&family.name) || family.samples.iter().any(|(series, _)| self.selects(series))
    }

    /// The URL of a page of the same families.
    fn url(&self, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.filter.is_empty() {
            query.append_pair("q", &self.filter);
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        format!("/?{}", query.finish())
    }
}

/// Renders the page of a plug with this name and version. `families` is none if the exposition is
/// too large.
pub(super) fn page(
    (name, version): (&str, &str),
    crashes: u64,
    families: Option<&[MetricFamily]>,
    selection: &Selection,
    began: SystemTime,
    history: &History,
) -> Result<String, Error> {
    let now = SystemTime::now();
    let since = |at: SystemTime| age(now.duration_since(at).unwrap_or_default());
    let all = families.unwrap_or_default();
    let selected: Vec<&MetricFamily> = all.iter().filter(|family| selection.selects_family(family)).collect();
    let pages = selected.len().div_ceil(PAGE).max(1);
    let at = selection.page.clamp(1, pages);
    let listed = selected.iter().skip((at - 1) * PAGE).take(PAGE);
    let rows: Vec<Value> = listed.map(|family| row(family, selection, history)).collect();
    let events: Vec<Value> = history
        .events()
        .map(|event| {
            json!({
                "ago": since(event.at),
                "outcome": event.outcome.word(),
                "text": printable::line(&event.text),
                "count": event.count,
            })
        })
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
            "filter": selection.filter,
            "selected": selected.len(),
            "from": (at - 1) * PAGE + 1,
            "to": (at - 1) * PAGE + rows.len(),
            "previous": (at > 1).then(|| selection.url(at - 1)),
            "next": (at < pages).then(|| selection.url(at + 1)),
            "families": rows,
            "families_count": all.len(),
            "series_count": all.iter().map(MetricFamily::series).sum::<usize>(),
            "events": events,
            "health": health,
        }))))
        .map_err(problem)
}

fn row(family: &MetricFamily, selection: &Selection, history: &History) -> Value {
    // The history has the names of the text format.
    let name = families::text_name(&family.name);
    let trend = history.trend(&name);
    let rate = if family.accumulates() { history.rate(&name, family.value().max, Instant::now()) } else { None };
    let by_name = selection.selects(&family.name);
    let found: Vec<&(String, f64)> =
        family.samples.iter().filter(|(series, _)| by_name || selection.selects(series)).collect();
    let samples: Vec<Value> = found
        .iter()
        .take(MAX_SAMPLES)
        .map(|(series, value)| json!({"series": printable::line(series), "value": written(*value)}))
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
        "name": printable::line(&family.name),
        "kind": family.kind,
        "help": printable::line(&family.help),
        "series": family.series(),
        "value": family.value().to_string(),
        "rate": rate.map(|rate| format!("{}/s", number(rounded(rate)))),
        "line": line,
        "samples": samples,
        "samples_more": found.len().saturating_sub(MAX_SAMPLES),
    })
}

/// Three significant digits; a rate is no more exact.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10f64.powf(2.0 - value.abs().log10().floor());
    if scale.is_normal() { (value * scale).round() / scale } else { value }
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
            let class = match state {
                "healthy" => "good",
                "unhealthy" => "bad",
                _ => "plain",
            };
            json!({"server": server, "state": state.replace('_', " "), "class": class, "detail": detail})
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

    fn shown(families: Option<&[MetricFamily]>, query: &str, history: &History) -> String {
        let html = page(("p", "1"), 0, families, &Selection::of(query), SystemTime::now(), history).unwrap();
        html.replace("&#x2f;", "/")
    }

    #[test]
    fn every_value_is_escaped() {
        let evil = "<script>alert(1)</script>\"'&";
        let mut history = History::default();
        let exposition = format!("# HELP m {evil}\n# TYPE m gauge\nm{{a=\"{evil}\"}} 1\n");
        let families = read(&exposition);
        history.sample_all(&families, Instant::now());
        history.sample_all(&families, Instant::now());
        let mut answer = Answer::default();
        answer.warnings = vec![evil.into()];
        answer.body = json!({"operation": evil, "result": {"push_error": evil}}).to_string();
        history.answered(&answer);
        answer.body = json!({"result": {"prometheus_status": evil, "details": {"prometheus": evil}}}).to_string();
        history.health(&answer);
        let selection = Selection { filter: evil.into(), page: 1 };
        let html = page((evil, evil), 0, Some(&families), &selection, SystemTime::now(), &history).unwrap();
        assert!(!html.contains("<script>alert") && !html.contains("\"'&"), "{html}");
        // Name (in title and heading), version, filter, help, series, event twice, state and
        // detail.
        assert!(html.matches("&lt;script&gt;alert(1)").count() >= 9, "{html}");
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
        let before = Instant::now().checked_sub(Duration::from_secs(100)).unwrap();
        history.sample_all(&read("# TYPE c counter\nc 2\n# TYPE t gauge\nt{a=\"1\"} 19\nt{a=\"2\"} 21\n"), before);
        let families = rooms(20, 22);
        history.sample_all(&families, Instant::now());
        let html = shown(Some(&families), "", &history);
        assert!(
            html.contains(">20–22</td>") && html.contains(">42</td>"),
            "counters are summed, gauges are not: {html}"
        );
        assert!(html.contains(">0.4/s</td>") && html.matches("/s</td>").count() == 1, "a gauge has no rate: {html}");
        assert!(html.contains("first 19–21, last 20–22") && html.matches("<polyline").count() == 3, "{html}");
    }

    #[test]
    fn an_empty_plug_and_a_huge_one_are_rendered() {
        let history = History::default();
        let html = shown(Some(&[]), "", &history);
        assert!(
            html.contains("No metrics yet") && html.contains("No pushes, denied requests or warnings yet"),
            "{html}"
        );
        assert!(shown(None, "", &history).contains("too large to list"));
    }

    #[test]
    fn families_are_found_by_name_and_label_on_any_page() {
        let history = History::default();
        let many: String = (0..511).map(|index| format!("m{index}_x{{queue=\"Q{index}\"}} 1\n")).collect();
        let many = read(&many);
        let rows = |html: &str| html.matches("<tr>").count() - 1;
        let first = shown(Some(&many), "", &history);
        assert_eq!(rows(&first), PAGE);
        assert!(
            first.contains("1–100 of 511") && first.contains("href=\"/?page=2\"") && !first.contains("Previous"),
            "{first}"
        );
        let last = shown(Some(&many), "page=99", &history);
        assert_eq!(rows(&last), 11);
        assert!(
            last.contains("501–511 of 511") && last.contains("href=\"/?page=5\"") && !last.contains(">Next"),
            "{last}"
        );
        for (query, count) in
            [("q=M500", 1), ("q=q500", 1), ("q=m1&page=2", 11), ("q=m1", 100), ("page=x&other=1", 100)]
        {
            assert_eq!(rows(&shown(Some(&many), query, &history)), count, "{query}");
        }
        let none = shown(Some(&many), "q=%3Cb%3E+%26", &history);
        assert!(none.contains("No family has") && none.contains("value=\"&lt;b&gt; &amp;\""), "{none}");
        // The filter stays in the links, however it is written.
        let second = Selection { filter: "a&b=<\"".into(), page: 1 }.url(2);
        assert_eq!(Selection::of(second.trim_start_matches("/?")), Selection { filter: "a&b=<\"".into(), page: 2 });
    }

    #[test]
    fn a_label_finds_its_samples_in_a_large_family() {
        let text: String = (0..80).map(|index| format!("x{{queue=\"q{index:02}\"}} {index}\n")).collect();
        let html = shown(Some(&read(&text)), "q=q79", &History::default());
        assert!(html.contains("q79") && !html.contains("q00") && !html.contains("more samples"), "{html}");
    }

    #[test]
    fn repeated_events_are_one_row_with_their_number() {
        let mut history = History::default();
        let mut answer = Answer::default();
        answer.warnings = vec!["typo".into()];
        for _ in 0..12 {
            history.answered(&answer);
        }
        let html = shown(Some(&[]), "", &history);
        assert!(html.matches("typo").count() == 1 && html.contains("× 12"), "{html}");
    }

    #[test]
    fn characters_that_reorder_text_are_shown_as_escapes() {
        let html = shown(Some(&read("x{a=\"\u{202e}b\"} 1\n")), "", &History::default());
        assert!(!html.contains('\u{202e}') && html.contains("\\u{202e}b"), "{html}");
    }

    #[test]
    fn rates_have_three_digits() {
        for (rate, text) in [(0.399_999, 0.4), (123.456, 123.0), (0.001_234_5, 0.00123), (0.0, 0.0), (1e300, 1e300)] {
            assert!((rounded(rate) - text).abs() <= text * 1e-12, "{rate}");
        }
    }

    #[test]
    fn ages_use_the_largest_units() {
        for (seconds, text) in [(5, "5 s"), (65, "1 min"), (12_000, "3 h 20 min"), (187_200, "2 d 4 h")] {
            assert_eq!(age(Duration::from_secs(seconds)), text);
        }
    }
}
