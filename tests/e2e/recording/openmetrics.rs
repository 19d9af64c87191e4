//! OpenMetrics as strict readers take it: metrics that share names once their suffixes are taken
//! away, and imports that keep when series began.

use std::io::Write as _;
use std::process::{Command, Stdio};

use monitoring_prometheus::exposition::parse::{Format, Limits, parse};
use plugpipe_testkit::ScrapeJob;
use serde_json::{Value, json};

use crate::cli::serve::Served;
use crate::fixture::Fixture;
use crate::servers::grafana_tools::python;
use crate::servers::scrape::endpoint;
use crate::support::{Checked, alone, prometheus_3, query_until, root, start, stderr, without_servers};

/// How many sets of metrics are tried.
const SETS: u64 = 150;

/// The same numbers each time, so that a failure comes again.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// A record of some kind to a metric whose name others may need.
fn record(numbers: &mut Numbers) -> Value {
    let base = numbers.of(&["jobs", "jobs", "jobs", "jobs.done", "took_seconds"]);
    let suffixes = ["", "", "", "_total", "_total", "_created", "_created", "_info", "_bucket", "_count", "_sum"];
    let name = format!("{base}{}{}", numbers.of(&suffixes), numbers.of(&suffixes));
    let value: f64 = numbers.of(&[1.0, 1.0, 1.0, 2.5, -1.0]);
    let kind = numbers.of(&["counter", "counter", "gauge", "gauge", "histogram", "summary", "info", "stateset"]);
    let mut ctx = json!({"operation": "record_metric", "metric_type": kind, "metric_name": name, "utf8": true, "help": "A \"b\"\n\\."});
    match kind {
        "info" => ctx["labels"] = json!({"version": "1"}),
        "stateset" => (ctx["states"], ctx["state"]) = (json!(["on", "off"]), json!("on")),
        _ => ctx["metric_value"] = json!(value),
    }
    if kind == "histogram" {
        ctx["buckets"] = json!([value.min(0.5), 2]);
        ctx["exemplar"] = json!({"trace_id": "a"});
    }
    if name.trim_end_matches("_total").ends_with("_seconds") {
        ctx["unit"] = json!("seconds");
    }
    ctx
}

async fn exported(plug: &Checked, format: &str) -> String {
    let answer = plug.process(&json!({"operation": "export_metrics", "export_format": format})).await.unwrap();
    answer["result"]["exported_data"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// What `prometheus_client` says of each of these.
///
/// Where it differs from the specification, it is the laxer one: it takes a sample that comes twice
/// without timestamps, timestamps beside an info that fall, labels that are given twice, and
/// escapes that there are not. The plug's own parser refuses those, and nothing that it takes is
/// refused here; so there is no exception to make.
fn judged(expositions: &[String]) -> Vec<Option<String>> {
    let mut judge = Command::new(python("prometheus-client", "openmetrics/requirements.txt"))
        .arg(root().join("tests/openmetrics/judge.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = judge.stdin.take().unwrap();
    let text = serde_json::to_vec(expositions).unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&text));
    let output = judge.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn whatever_is_recorded_strict_parsers_take_the_exposition() {
    if without_servers("whatever_is_recorded_strict_parsers_take_the_exposition") {
        return;
    }
    let mut expositions = Vec::new();
    let (mut warned, mut unknown) = (0, 0);
    for seed in 0..SETS {
        let mut numbers = Numbers(seed);
        let plug = alone().await;
        for _ in 0..2 + numbers.below(12) {
            // What the plug refuses is not of interest here.
            let answer = plug.process(&record(&mut numbers)).await.unwrap();
            warned += answer["warnings"].as_array().map_or(0, Vec::len);
        }
        let text = exported(&plug, "openmetrics").await;
        let read = parse(text.as_bytes(), Format::OpenMetrics, &Limits::default());
        assert!(read.is_ok(), "{}: {text}", read.unwrap_err());
        unknown += usize::from(text.contains("_total unknown\n"));
        expositions.push(text);
    }
    assert!(warned > 10 && unknown > 10, "the sets hardly share names: {warned} {unknown}");
    // What is wrong must be found, or the judge is worth nothing.
    let clash = "# TYPE jobs gauge\njobs 1\n# TYPE jobs counter\njobs_total 1\n# EOF\n";
    expositions.push(clash.to_owned());
    let judgments = tokio::task::spawn_blocking(move || {
        let judgments = judged(&expositions);
        expositions.into_iter().zip(judgments).collect::<Vec<_>>()
    })
    .await
    .unwrap();
    let (wrong, ours) = judgments.split_last().unwrap();
    assert!(wrong.1.is_some(), "two families of one name pass");
    for (text, refusal) in ours {
        assert_eq!(refusal.as_deref(), None, "{text}");
    }
    assert_eq!(ours.len() as u64, SETS);
}

#[tokio::test]
async fn the_record_that_brings_two_metrics_together_warns_once_whichever_comes_first() {
    let gauge = json!({"operation": "record_gauge", "metric_name": "jobs", "metric_value": 1});
    let created = json!({"operation": "record_gauge", "metric_name": "jobs_created", "metric_value": 7});
    let counter = json!({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 1});
    for order in [[&gauge, &created, &counter], [&counter, &gauge, &created], [&created, &counter, &gauge]] {
        let plug = alone().await;
        let mut warnings = Vec::new();
        for ctx in order.into_iter().chain(order) {
            let answer = plug.process(ctx).await.unwrap();
            assert_eq!(answer["success"], true, "{answer}");
            warnings.extend(answer["warnings"].as_array().cloned().unwrap_or_default());
        }
        let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
        assert!(warning.as_str().unwrap().starts_with("jobs_total: "), "{warning}");
        assert_eq!(
            exported(&plug, "openmetrics").await,
            "# TYPE jobs gauge\njobs 1\n# TYPE jobs_created gauge\njobs_created 7\n\
             # TYPE jobs_total unknown\njobs_total 2\n# EOF\n"
        );
        assert!(exported(&plug, "prometheus").await.contains("# TYPE jobs_total counter\njobs_total 2\n"));
    }
}

/// Tells when it began, and a counter that does not.
const STARTED: &[u8] = b"# TYPE foo counter\nfoo_total 1000000 # {trace_id=\"x\"} 1\nfoo_created 1500000000\n\
    # TYPE bar counter\nbar_total 1000000\n# TYPE took histogram\ntook_bucket{le=\"1.0\"} 1\ntook_bucket{le=\"+Inf\"} 3\ntook_sum 4\ntook_count 3\n\
    took_created 1500000000.25\n# EOF\n";

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The bytes of an integer in protobuf.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[tokio::test]
async fn an_import_keeps_the_start_of_each_series_and_invents_none() {
    let url = endpoint(OPENMETRICS, STARTED);
    let plug = start(json!({"endpoint_url": url, "push_policy": "manual"})).await;
    let ctx = json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": url}, "import": true});
    let answer = plug.process(&ctx).await.unwrap();
    let imported = &answer["result"]["imported"];
    assert_eq!(
        (&imported["series"], &imported["exemplars_dropped"], &answer["result"]["exemplars_dropped"]),
        (&json!(3), &json!(0), &Value::Null),
        "{answer}"
    );
    let text = exported(&plug, "openmetrics").await;
    assert!(text.contains("foo_created 1500000000.000\n") && text.contains("took_created 1500000000.250\n"), "{text}");
    assert!(!text.contains("bar_created"), "{text}");
    // The same in protobuf, which remote write 2.0 writes as OpenMetrics does.
    let answer = plug.process(&json!({"operation": "export_metrics", "export_format": "protobuf"})).await.unwrap();
    let bytes = answer["result"]["exported_data_base64"].as_str().unwrap();
    let bytes = base64_decoded(bytes);
    let starts = bytes.windows(5).filter(|window| *window == varint(1_500_000_000).as_slice()).count();
    assert_eq!(starts, 2, "{text}");
    // Remote write says it too.
    let receiver = Fixture::start(|_| (204, "text/plain", Vec::new()));
    let plug =
        start(json!({"endpoint_url": url, "remote_write_url": receiver.url, "remote_write_version": "2.0"})).await;
    assert_eq!(plug.process(&ctx).await.unwrap()["success"], true);
    plug.process(&json!({"operation": "remote_write_metrics"})).await.unwrap();
    let body = receiver.asked()[0].body.clone();
    let start_ms = varint(1_500_000_000_000);
    assert!(body.windows(start_ms.len()).any(|window| window == start_ms.as_slice()));
    // Fewer than before: it began anew. Any setting of a server grants its origin.
    let fallen = endpoint(OPENMETRICS, b"# TYPE bar counter\nbar_total 5\n# EOF\n");
    let plug = start(json!({"endpoint_url": url, "ruler_url": fallen, "push_policy": "manual"})).await;
    for url in [&url, &fallen] {
        let ctx = json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": url}, "import": true});
        assert_eq!(plug.process(&ctx).await.unwrap()["success"], true);
    }
    let text = exported(&plug, "openmetrics").await;
    assert!(text.contains("bar_created ") && !text.contains("bar_created 1500000000"), "{text}");
}

fn base64_decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

#[tokio::test]
async fn prometheus_computes_no_increase_from_an_import() {
    if without_servers("prometheus_computes_no_increase_from_an_import") {
        return;
    }
    let url = endpoint(OPENMETRICS, STARTED);
    let served = Served::start(&["--grant", &url]);
    let ctx = json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": url}, "import": true});
    assert_eq!(served.process(json!({"ctx": ctx})).await.1["success"], true);
    let prometheus = prometheus_3(vec![ScrapeJob::new("plug", served.authority())], |options| {
        options.flag("--enable-feature=created-timestamp-zero-ingestion")
    })
    .await;
    let plug = start(json!({"prometheus_url": prometheus.url})).await;
    let query = |query: &str| json!({"operation": "query_metrics", "query": query});
    // Some scrapes long.
    query_until(&plug, query("count_over_time(bar_total[5m]) > 3"), |result| !result.as_array().unwrap().is_empty())
        .await;
    let answer = plug.process(&query("increase(bar_total[5m])")).await.unwrap();
    assert_eq!(answer["result"]["query_result"]["result"][0]["value"][1], "0", "{answer}");
}
