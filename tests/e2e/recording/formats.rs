//! Every format read back by somebody else's reader, sample by sample, as the component wrote it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plugpipe_harness::session::{Definition, Label, MetricKind, NativeBuckets, Session};
use plugpipe_testkit::{Program, ScrapeJob};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::cli::serve::{Served, get};
use crate::support::{
    Checked, alone, exposition, program, prometheus_3, prometheus_with, start, stderr, stdout, without_servers,
};

const PROTOBUF: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

/// Label values that a format could get wrong.
const ODD_VALUES: [&str; 14] = [
    "q\"b\\s\nü☃ {},=",
    "\\n",
    "\\\\n",
    "\"",
    "\\",
    "\n",
    "\r\n",
    "\t",
    " a ",
    "# HELP x",
    "}} 1 # {",
    "'; --",
    "\u{1F600}\u{0301}\u{202E}",
    "\u{1}\u{7F}\u{FEFF}",
];

/// Numbers that a format could get wrong.
const ODD_NUMBERS: [f64; 12] = [
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    -0.0,
    5e-324,
    -5e-324,
    f64::MIN_POSITIVE,
    f64::MAX,
    0.1 + 0.2,
    1e21,
    9_007_199_254_740_993.0,
    -1.0 / 3.0,
];

/// A series as text, and its value as text: NaN and the sign of zero count here.
type Samples = BTreeMap<String, String>;

fn sample<'a>(name: &str, labels: impl IntoIterator<Item = (&'a str, &'a str)>, value: f64) -> (String, String) {
    let mut labels: Vec<(String, String)> = labels
        .into_iter()
        // To Prometheus, a label with an empty value is no label.
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    labels.sort();
    (format!("{name}{labels:?}"), format!("{value:?}"))
}

/// What is recorded in [`record`] and what must be read back.
fn zoo() -> (Vec<Value>, Samples) {
    let took = |value: f64| json!({"operation": "record_histogram", "metric_name": "zoo_took_seconds", "help": "Took.", "unit": "seconds", "buckets": [0.5, 2], "metric_value": value});
    let exemplar = |mut ctx: Value, id: &str| {
        ctx["exemplar"] = json!({"trace_id": id});
        ctx
    };
    let jobs = |queue: &str, value: f64| json!({"operation": "record_counter", "metric_name": "zoo_jobs_total", "help": "Jobs.", "labels": {"queue": queue}, "metric_value": value});
    let size = json!({"operation": "record_summary", "metric_name": "zoo_size_bytes", "help": "Size.", "quantiles": [0.5], "metric_value": 4});
    let recorded = vec![
        exemplar(jobs("a", 2.5), "j1"),
        jobs("b", 4.0),
        json!({"operation": "record_gauge", "metric_name": "zoo_room_celsius", "help": "Warmth.", "unit": "celsius", "labels": {"room": "attic", "empty": ""}, "metric_value": -1.5}),
        exemplar(took(0.25), "t1"),
        took(1.0),
        exemplar(took(9.0), "t3"),
        size.clone(),
        size,
        json!({"operation": "record_metric", "metric_type": "stateset", "metric_name": "zoo_mode", "help": "Mode.", "states": ["on", "off"], "state": "on"}),
        json!({"operation": "record_metric", "metric_type": "info", "metric_name": "zoo_build_info", "help": "Build.", "labels": {"version": "1.2"}}),
    ];
    let samples = [
        sample("zoo_jobs_total", [("queue", "a")], 2.5),
        sample("zoo_jobs_total", [("queue", "b")], 4.0),
        sample("zoo_room_celsius", [("room", "attic")], -1.5),
        sample("zoo_took_seconds_bucket", [("le", "0.5")], 1.0),
        sample("zoo_took_seconds_bucket", [("le", "2.0")], 2.0),
        sample("zoo_took_seconds_bucket", [("le", "+Inf")], 3.0),
        sample("zoo_took_seconds_sum", [], 10.25),
        sample("zoo_took_seconds_count", [], 3.0),
        sample("zoo_size_bytes", [("quantile", "0.5")], 4.0),
        sample("zoo_size_bytes_sum", [], 8.0),
        sample("zoo_size_bytes_count", [], 2.0),
        sample("zoo_mode", [("zoo_mode", "on")], 1.0),
        sample("zoo_mode", [("zoo_mode", "off")], 0.0),
        sample("zoo_build_info", [("version", "1.2")], 1.0),
    ];
    (recorded, samples.into())
}

/// A plug that holds the [`zoo`].
async fn with_zoo() -> Checked {
    let plug = alone().await;
    for ctx in zoo().0 {
        let answer = plug.process(&ctx).await.unwrap();
        assert_eq!(answer["success"], true, "{ctx}: {answer}");
    }
    plug
}

async fn exported(plug: &Checked, format: &str) -> String {
    let answer = plug.process(&json!({"operation": "export_metrics", "export_format": format})).await.unwrap();
    answer["result"]["exported_data"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// The samples of a text, as the crate prometheus-parse understands it. It knows no escapes.
fn parsed(text: &str) -> Samples {
    use prometheus_parse::Value::{Counter, Gauge, Histogram, Summary, Untyped};
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let scrape = prometheus_parse::Scrape::parse(lines).unwrap();
    let mut samples = Samples::new();
    for found in &scrape.samples {
        let labels: Vec<(&str, &str)> =
            found.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let of = |suffix: &str, own: Option<(&str, f64)>, value: f64| {
            // The parser gives numbers; that the text writes them like this too is seen by
            // Prometheus below.
            let own = own.map(|(name, bound)| (name, format!("{bound:?}").replace("inf", "+Inf")));
            let own = own.as_ref().map(|(name, bound)| (*name, bound.as_str()));
            sample(&format!("{}{suffix}", found.metric), labels.iter().copied().chain(own), value)
        };
        match &found.value {
            Counter(value) | Gauge(value) | Untyped(value) => samples.extend([of("", None, *value)]),
            Histogram(buckets) => {
                samples.extend(buckets.iter().map(|held| of("_bucket", Some(("le", held.less_than)), held.count)));
            }
            Summary(ranks) => {
                samples.extend(ranks.iter().map(|held| of("", Some(("quantile", held.quantile)), held.count)));
            }
        }
    }
    samples
}

#[tokio::test]
async fn text_is_read_back_by_another_parser() {
    let plug = with_zoo().await;
    let text = exposition(&plug).await;
    assert_eq!(parsed(&text), zoo().1, "{text}");
}

#[tokio::test]
async fn json_holds_every_sample() {
    let json: Value = serde_json::from_str(&exported(&with_zoo().await, "json").await).unwrap();
    let samples = json["families"].as_array().unwrap().iter().flat_map(|family| family["samples"].as_array().unwrap());
    let samples: Samples = samples
        .map(|found| {
            let labels = found["labels"].as_object().unwrap();
            let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
            sample(found["name"].as_str().unwrap(), labels, found["value"].as_f64().unwrap())
        })
        .collect();
    assert_eq!(samples, zoo().1, "{json}");
}

#[tokio::test]
async fn csv_holds_every_sample() {
    let csv = exported(&with_zoo().await, "csv").await;
    let mut rows = rows(&csv).into_iter();
    assert_eq!(rows.next().unwrap(), ["metric", "type", "labels", "value"]);
    let mut text = String::new();
    for row in rows {
        let [metric, kind, labels, value] = &row[..] else { panic!("{row:?}") };
        assert!(["counter", "gauge", "histogram", "summary", "stateset", "info"].contains(&&**kind), "{row:?}");
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        text.push_str(&format!("{metric}{labels} {value}\n"));
    }
    assert_eq!(parsed(&text), zoo().1, "{csv}");
}

/// Rows of cells, as RFC 4180 has them.
fn rows(csv: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = csv.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(characters.next(), Some('\n'));
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    assert!(row.is_empty() && cell.is_empty() && !quoted, "the last line does not end: {csv}");
    rows
}

/// What `promtool check metrics` says: nothing, where there is nothing to say.
fn promtool(text: &str) -> String {
    let mut child = Command::new(program(Program::Promtool))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    format!("{}{}", stdout(&output), stderr(&output))
}

#[tokio::test]
async fn promtool_reads_the_text_and_lints_what_is_wrong() {
    if without_servers("promtool_reads_the_text_and_lints_what_is_wrong") {
        return;
    }
    let plug = with_zoo().await;
    for (index, value) in ODD_VALUES.into_iter().enumerate() {
        let ctx = json!({"operation": "record_gauge", "metric_name": "odd", "help": value, "labels": {"text": value}, "metric_value": index});
        assert_eq!(plug.process(&ctx).await.unwrap()["success"], true);
    }
    let text = exposition(&plug).await;
    assert_eq!(promtool(&text), "", "{text}");
    // It does say so where something is wrong.
    assert!(promtool("# TYPE no_help gauge\nno_help 1\n").contains("no_help"));
    assert!(promtool("not a line\n").contains("error"));
}

#[tokio::test]
async fn promtool_finds_nothing_to_mend_in_the_plugs_own_metrics() {
    if without_servers("promtool_finds_nothing_to_mend_in_the_plugs_own_metrics") {
        return;
    }
    let plug = start(json!({"own_metrics": true, "default_metrics": true})).await;
    // As PlugPipe's manifest of the plug lists them.
    for (operation, name, labels) in [
        ("record_counter", "plugpipe_auth_attempts_total", &["method", "status"][..]),
        ("record_counter", "plugpipe_auth_failures_total", &["method"]),
        ("record_counter", "plugpipe_capability_violations_total", &["capability", "plugin_name"]),
        ("record_gauge", "plugpipe_cpu_usage_percent", &[]),
        ("record_gauge", "plugpipe_memory_usage_bytes", &[]),
        ("record_histogram", "plugpipe_pipeline_duration_seconds", &["pipeline_name", "status"]),
        ("record_counter", "plugpipe_pipeline_executions_total", &["pipeline_name", "status"]),
        ("record_gauge", "plugpipe_pipeline_success_rate", &["pipeline_name"]),
        ("record_gauge", "plugpipe_pipeline_queue_size", &[]),
        ("record_counter", "plugpipe_pipeline_starts_total", &["pipeline_name"]),
        ("record_histogram", "plugpipe_plugin_duration_seconds", &["plugin_name"]),
        ("record_counter", "plugpipe_plugin_errors_total", &["plugin_name"]),
        ("record_counter", "plugpipe_plugin_executions_total", &["plugin_name", "status"]),
        ("record_gauge", "plugpipe_plugin_memory_usage_bytes", &["plugin_name"]),
        ("record_histogram", "plugpipe_request_duration_seconds", &["handler"]),
        ("record_counter", "plugpipe_requests_total", &["endpoint", "method"]),
        ("record_counter", "plugpipe_sandbox_violations_total", &["plugin_name"]),
        ("record_gauge", "plugpipe_active_connections", &[]),
        ("record_gauge", "plugpipe_system_info", &["version"]),
        ("record_gauge", "plugpipe_system_uptime_seconds", &[]),
        ("record_gauge", "plugpipe_uptime_seconds", &[]),
    ] {
        let labels: serde_json::Map<String, Value> =
            labels.iter().map(|label| ((*label).to_owned(), "x".into())).collect();
        let ctx = json!({"operation": operation, "metric_name": name, "metric_value": 1, "labels": labels});
        let answer = plug.process(&ctx).await.unwrap();
        assert_eq!(answer["success"], true, "{answer}");
    }
    let text = exposition(&plug).await;
    assert_eq!(text.matches("# HELP ").count(), 21 + 8, "{text}");
    assert_eq!(text.matches("# HELP plugpipe_monitoring_").count(), 8, "{text}");
    assert_eq!(promtool(&text), "", "{text}");
}

/// The content type and the body that a request with this `Accept` header gets.
async fn fetch(url: String, accept: &'static str) -> (String, Vec<u8>) {
    tokio::task::spawn_blocking(move || {
        let mut request = ureq::get(&url);
        if !accept.is_empty() {
            request = request.header("Accept", accept);
        }
        let mut response = request.call().unwrap();
        let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        (content_type, response.body_mut().read_to_vec().unwrap())
    })
    .await
    .unwrap()
}

/// A served plug that holds the [`zoo`].
async fn served_zoo() -> Served {
    let served = Served::start(&[]);
    for ctx in zoo().0 {
        let (status, answer) = served.process(json!({"ctx": ctx})).await;
        assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
    }
    served
}

#[tokio::test]
async fn a_served_plug_answers_in_the_format_that_is_accepted() {
    let served = served_zoo().await;
    let url = format!("http://{}/metrics", served.authority());
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    for (accept, content_type, begins, ends) in [
        ("", TEXT, "# HELP ", "\n"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", TEXT, "# HELP ", "\n"),
        (
            "application/openmetrics-text;version=1.0.0",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
            "# ",
            "\n# EOF\n",
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8,text/plain;q=0.5",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            "# ",
            "\n# EOF\n",
        ),
        // 2.0 is written when asked for first.
        (
            "application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;q=0.9",
            "application/openmetrics-text; version=2.0.0; charset=utf-8",
            "# ",
            "\n# EOF\n",
        ),
        ("application/json", "application/json", "{\"families\":[", "]}"),
        (
            "text/csv, text/plain;q=0.9",
            "text/csv; charset=utf-8; header=present",
            "metric,type,labels,value\r\n",
            "\r\n",
        ),
        ("application/json;q=0.1, text/plain", TEXT, "# HELP ", "\n"),
        ("image/png", TEXT, "# HELP ", "\n"),
    ] {
        let (found, body) = fetch(url.clone(), accept).await;
        let body = String::from_utf8(body).unwrap();
        assert_eq!(found, content_type, "{accept}");
        assert!(body.starts_with(begins) && body.ends_with(ends), "{accept}: {body}");
    }
    let (content_type, body) = fetch(url, PROTOBUF).await;
    assert_eq!(
        content_type,
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
    );
    // A message's length, then its first field, the family's name.
    assert_eq!(&body[1..17], b"\x0a\x0ezoo_build_info");
    assert!(usize::from(body[0]) < 128 && body.len() > usize::from(body[0]));
}

/// The data of an answer of Prometheus's API.
async fn ask(prometheus: &str, path: &str, parameters: &[(&str, &str)]) -> Value {
    let url = url::Url::parse_with_params(&format!("{prometheus}/api/v1/{path}"), parameters).unwrap();
    let (status, text) = get(url.as_str()).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str::<Value>(&text).unwrap()["data"].clone()
}

async fn query(prometheus: &str, promql: &str) -> Vec<Value> {
    ask(prometheus, "query", &[("query", promql)]).await["result"].as_array().unwrap().clone()
}

/// Waits until a job was scraped; that it could not be is said with Prometheus's reason.
async fn scraped(prometheus: &str, job: &str) {
    let started = Instant::now();
    while query(prometheus, &format!("up{{job={job:?}}} == 1")).await.is_empty() {
        let targets = ask(prometheus, "targets", &[("state", "active")]).await;
        let target = targets["activeTargets"].as_array().unwrap().iter().find(|target| target["labels"]["job"] == job);
        if let Some(target) = target {
            assert_ne!(target["health"], "down", "{}", target["lastError"]);
        }
        assert!(started.elapsed() < Duration::from_secs(40), "{job} is not scraped: {targets}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What Prometheus holds of a job: samples, and native histograms by name.
async fn stored(prometheus: &str, job: &str) -> (Samples, BTreeMap<String, Value>) {
    let (mut samples, mut histograms) = (Samples::new(), BTreeMap::new());
    for found in query(prometheus, &format!("{{job={job:?}}}")).await {
        let labels = found["metric"].as_object().unwrap();
        let name = labels["__name__"].as_str().unwrap();
        // What Prometheus says about the scrape.
        if name == "up" || name.starts_with("scrape_") {
            continue;
        }
        let own = labels.iter().filter(|(name, _)| !["__name__", "job", "instance"].contains(&name.as_str()));
        let own = own.map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        match &found["histogram"] {
            Value::Null => samples.extend([sample(name, own, found["value"][1].as_str().unwrap().parse().unwrap())]),
            histogram => {
                let (series, _) = sample(name, own, 0.0);
                histograms.insert(series, histogram[1].clone());
            }
        }
    }
    (samples, histograms)
}

/// Takes out the moments at which series were made, which must be lately, and answers their names.
fn take_created(samples: &mut Samples) -> Vec<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let (created, others): (Samples, Samples) =
        std::mem::take(samples).into_iter().partition(|(series, _)| series.contains("_created["));
    *samples = others;
    for (series, moment) in &created {
        let moment: f64 = moment.parse().unwrap();
        assert!(moment <= now && moment > now - 300.0, "{series} {moment}");
    }
    created.into_keys().map(|series| series.split('[').next().unwrap().to_owned()).collect()
}

/// The exemplars that Prometheus holds of a metric: their trace and their value.
async fn exemplars(prometheus: &str, metric: &str, job: &str) -> Vec<(String, String)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (start, end) = ((now - 600).to_string(), (now + 60).to_string());
    let promql = format!("{metric}{{job={job:?}}}");
    let found = ask(prometheus, "query_exemplars", &[("query", &promql), ("start", &start), ("end", &end)]).await;
    let exemplars = found.as_array().unwrap().iter().flat_map(|series| series["exemplars"].as_array().unwrap());
    let mut exemplars: Vec<(String, String)> = exemplars
        .map(|exemplar| {
            let trace = exemplar["labels"]["trace_id"].as_str().unwrap();
            (trace.to_owned(), exemplar["value"].as_str().unwrap().to_owned())
        })
        .collect();
    exemplars.sort();
    exemplars
}

async fn assert_zoo_exemplars(prometheus: &str, job: &str) {
    let pair = |trace: &str, value: &str| (trace.to_owned(), value.to_owned());
    assert_eq!(exemplars(prometheus, "zoo_jobs_total", job).await, [pair("j1", "2.5")], "{job}");
    let took = exemplars(prometheus, "zoo_took_seconds_bucket", job).await;
    assert_eq!(took, [pair("t1", "0.25"), pair("t3", "9")], "{job}");
}

/// What cannot be recorded through JSON, or not kept apart by other readers: see [`odd_samples`].
async fn record_odd(session: &mut Session) -> Result<(), plugpipe_harness::Error> {
    let metric = |name: &str, kind, label: &str| Definition {
        name: name.into(),
        kind,
        help: Some(ODD_VALUES[0].into()),
        unit: None,
        label_names: vec![label.into()],
        buckets: None,
        native: None,
        quantiles: None,
        window_seconds: None,
        states: Vec::new(),
        series_limit: None,
        expire_after_seconds: None,
    };
    let label = |name: &str, value: &str| [Label { name: name.into(), value: value.into() }];
    let texts = session.register(&metric("odd_text", MetricKind::Counter, "text")).await?;
    for (index, text) in ODD_VALUES.into_iter().enumerate() {
        let series = session.series_of(texts, &label("text", text)).await?;
        session.add(series, index as f64).await?;
    }
    let numbers = session.register(&metric("odd_number", MetricKind::Gauge, "index")).await?;
    for (index, number) in ODD_NUMBERS.into_iter().enumerate() {
        let series = session.series_of(numbers, &label("index", &index.to_string())).await?;
        session.set(series, number).await?;
    }
    let named = session.register(&metric("odd.näme \"x\"", MetricKind::Gauge, "weg/ziel")).await?;
    let series = session.series_of(named, &label("weg/ziel", "☃")).await?;
    session.set(series, 7.0).await?;

    let native = NativeBuckets { schema: 3, zero_threshold: 0.001, max_buckets: 200, custom_bounds: None };
    let waits = metric("odd_wait_seconds", MetricKind::NativeHistogram, "side");
    let waits = session.register(&Definition { native: Some(native), ..waits }).await?;
    for (side, values) in [("positive", positive()), ("both", both())] {
        let series = session.series_of(waits, &label("side", side)).await?;
        session.record_many(&vec![series; values.len()], &values).await?;
    }
    Ok(())
}

/// Observations of a native histogram: 0.01 to 10.
fn positive() -> Vec<f64> {
    (1..=1_000).map(|n| f64::from(n) / 100.0).collect()
}

/// Observations of either sign, and zero.
fn both() -> Vec<f64> {
    (-20..=20).map(|n| f64::from(n) / 4.0).collect()
}

/// What of [`record_odd`] are samples, for a reader that knows any name or one that knows the older
/// ones only.
fn odd_samples(utf8: bool) -> Samples {
    let texts = ODD_VALUES.into_iter().enumerate();
    let mut samples: Samples = texts.map(|(index, text)| sample("odd_text", [("text", text)], index as f64)).collect();
    for (index, number) in ODD_NUMBERS.into_iter().enumerate() {
        samples.extend([sample("odd_number", [("index", &*index.to_string())], number)]);
    }
    let (name, label) = if utf8 { ("odd.näme \"x\"", "weg/ziel") } else { ("odd_n_me__x_", "weg_ziel") };
    samples.extend([sample(name, [(label, "☃")], 7.0)]);
    samples
}

/// What is left of a native histogram in a format without them.
fn native_as_samples() -> Samples {
    let mut samples = Samples::new();
    for (side, values) in [("positive", positive()), ("both", both())] {
        let count = values.len() as f64;
        samples.extend([
            sample("odd_wait_seconds_bucket", [("side", side), ("le", "+Inf")], count),
            sample("odd_wait_seconds_sum", [("side", side)], values.iter().sum()),
            sample("odd_wait_seconds_count", [("side", side)], count),
        ]);
    }
    samples
}

/// Where a plug within this process is served, with the [`zoo`] and [`record_odd`] in it.
async fn serve_odd() -> String {
    let plug = with_zoo().await;
    plug.with(|session| Box::pin(record_odd(session))).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(plugpipe_harness::serve::serve(listener, (*plug).clone(), std::future::pending()));
    address
}

#[tokio::test]
async fn prometheus_2_scrapes_openmetrics_and_holds_every_sample() {
    if without_servers("prometheus_2_scrapes_openmetrics_and_holds_every_sample") {
        return;
    }
    let (served, odd) = (served_zoo().await, serve_odd().await);
    let jobs = vec![ScrapeJob::new("zoo", served.authority()), ScrapeJob::new("odd", odd)];
    let prometheus = prometheus_with(jobs, |options| options.flag("--enable-feature=exemplar-storage")).await;
    let url = &prometheus.url;

    scraped(url, "zoo").await;
    let (mut samples, _) = stored(url, "zoo").await;
    let created = take_created(&mut samples);
    assert_eq!(created, ["zoo_jobs_created", "zoo_jobs_created", "zoo_size_bytes_created", "zoo_took_seconds_created"]);
    assert_eq!(samples, zoo().1);
    assert_zoo_exemplars(url, "zoo").await;
    // Only OpenMetrics has these types and units, so it was what was scraped.
    let metadata = ask(url, "targets/metadata", &[("match_target", "{job=\"zoo\"}")]).await;
    let of = |metric: &str| {
        let found = metadata.as_array().unwrap().iter().find(|found| found["metric"] == metric);
        let found = found.unwrap_or_else(|| panic!("{metric}: {metadata}"));
        ["type", "unit", "help"].map(|key| found[key].as_str().unwrap().to_owned())
    };
    assert_eq!(of("zoo_mode"), ["stateset", "", "Mode."]);
    assert_eq!(of("zoo_build"), ["info", "", "Build."]);
    assert_eq!(of("zoo_jobs"), ["counter", "", "Jobs."]);
    assert_eq!(of("zoo_took_seconds"), ["histogram", "seconds", "Took."]);
    assert_eq!(of("zoo_room_celsius"), ["gauge", "celsius", "Warmth."]);

    scraped(url, "odd").await;
    let (mut samples, _) = stored(url, "odd").await;
    take_created(&mut samples);
    let expected: Samples = zoo().1.into_iter().chain(odd_samples(false)).chain(native_as_samples()).collect();
    assert_eq!(samples, expected);
    let metadata = ask(url, "targets/metadata", &[("match_target", "{job=\"odd\"}"), ("metric", "odd_number")]).await;
    assert_eq!(metadata[0]["help"], ODD_VALUES[0]);
}

#[tokio::test]
async fn prometheus_3_holds_every_sample_of_every_format_and_answers_on_native_histograms() {
    if without_servers("prometheus_3_holds_every_sample_of_every_format_and_answers_on_native_histograms") {
        return;
    }
    let odd = serve_odd().await;
    let job = |name: &str, protocol: &str| ScrapeJob::new(name, &*odd).protocol(protocol);
    let jobs = vec![
        job("protobuf", "PrometheusProto"),
        job("openmetrics", "OpenMetricsText1.0.0"),
        job("text", "PrometheusText0.0.4"),
        ScrapeJob::new("its own choice", &*odd),
    ];
    let prometheus = prometheus_3(jobs, |options| options.flag("--enable-feature=exemplar-storage")).await;
    let url = &prometheus.url;
    for (job, utf8, native, exemplars) in [
        // Prometheus says which names it takes with OpenMetrics only.
        ("protobuf", false, true, true),
        ("openmetrics", true, false, true),
        ("text", false, false, false),
        ("its own choice", true, true, true),
    ] {
        scraped(url, job).await;
        let (mut samples, histograms) = stored(url, job).await;
        take_created(&mut samples);
        let mut expected: Samples = zoo().1.into_iter().chain(odd_samples(utf8)).collect();
        if native {
            assert_native(url, job, &histograms).await;
        } else {
            expected.extend(native_as_samples());
            assert!(histograms.is_empty(), "{job}: {histograms:?}");
        }
        assert_eq!(samples, expected, "{job}");
        if exemplars {
            assert_zoo_exemplars(url, job).await;
        }
    }
}

/// That Prometheus holds the native histograms whole, and answers quantiles of them within the
/// width of a bucket.
async fn assert_native(prometheus: &str, job: &str, histograms: &BTreeMap<String, Value>) {
    assert_eq!(histograms.len(), 2, "{job}: {histograms:?}");
    for (side, values) in [("positive", positive()), ("both", both())] {
        let (series, _) = sample("odd_wait_seconds", [("side", side)], 0.0);
        let histogram = &histograms[&series];
        let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
        assert_eq!(number(&histogram["count"]), values.len() as f64);
        assert_eq!(number(&histogram["sum"]), values.iter().sum::<f64>());
        let mut counted = 0.0;
        for bucket in histogram["buckets"].as_array().unwrap() {
            let (lower, upper, count) = (number(&bucket[1]), number(&bucket[2]), number(&bucket[3]));
            // Whether the lower and the upper bound are part of the bucket.
            let (with_lower, with_upper) = match bucket[0].as_u64().unwrap() {
                0 => (false, true),
                1 => (true, false),
                2 => (false, false),
                _ => (true, true),
            };
            let within = |value: &&f64| {
                (**value > lower || (with_lower && **value == lower))
                    && (**value < upper || (with_upper && **value == upper))
            };
            assert_eq!(values.iter().filter(within).count() as f64, count, "{job} {side}: {bucket}");
            counted += count;
        }
        assert_eq!(counted, values.len() as f64);
    }

    let mut values = positive();
    values.sort_by(f64::total_cmp);
    for rank in [0.01, 0.1, 0.5, 0.9, 0.99, 1.0] {
        let promql = format!("histogram_quantile({rank}, odd_wait_seconds{{side=\"positive\", job={job:?}}})");
        let found = query(prometheus, &promql).await;
        let answer: f64 = found[0]["value"][1].as_str().unwrap().parse().unwrap();
        let true_value = values[(rank * values.len() as f64).ceil() as usize - 1];
        // A bucket's upper bound is so many times its lower one.
        let width = 2f64.powf(1.0 / 8.0);
        let off = (answer / true_value).max(true_value / answer);
        assert!(off <= width * (1.0 + 1e-9), "{job} {rank}: {answer} for {true_value}");
    }
}
