//! Remote write and OTLP into real receivers: queries return the recorded values to the bit, also
//! after a receiver was away.

mod delivery;
mod native;
mod otlp;
mod refusals;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plugpipe_testkit::{
    Program, PrometheusOptions, Running, VictoriaMetricsOptions, start_prometheus, start_victoria_metrics,
};
use serde_json::{Value, json};

use crate::cli::serve::get;
use crate::support::{Checked, program, servers};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// 2.42, which knows 1.0 only.
    Prometheus2,
    /// 3, which knows both.
    Prometheus3,
    /// Knows 1.0 only.
    VictoriaMetrics,
    /// Knows OTLP too.
    NewestVictoriaMetrics,
}

const ALL: [Kind; 4] = [Kind::Prometheus2, Kind::Prometheus3, Kind::VictoriaMetrics, Kind::NewestVictoriaMetrics];

/// A receiver whose data outlive it.
struct Receiver {
    kind: Kind,
    server: Option<Running>,
    url: String,
    port: u16,
    data: tempfile::TempDir,
    flags: &'static [&'static str],
    /// Of Prometheus, in YAML.
    config: &'static str,
}

impl Receiver {
    async fn start(kind: Kind) -> Self {
        Self::start_with(kind, &["--enable-feature=native-histograms,exemplar-storage"]).await
    }

    async fn start_with(kind: Kind, flags: &'static [&'static str]) -> Self {
        Self::start_configured(kind, flags, "").await
    }

    async fn start_configured(kind: Kind, flags: &'static [&'static str], config: &'static str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut receiver = Self { kind, server: None, url: String::new(), port: 0, data, flags, config };
        receiver.run(None).await;
        receiver
    }

    async fn run(&mut self, port: Option<u16>) {
        let (kind, flags, config) = (self.kind, self.flags, self.config.to_owned());
        let data = Some(self.data.path().to_owned());
        let server = tokio::task::spawn_blocking(move || {
            let bin = match kind {
                Kind::Prometheus2 => program(Program::Prometheus),
                Kind::Prometheus3 => {
                    servers().find_or_fetch_at_least(Program::Prometheus, 3).unwrap_or_else(|error| panic!("{error}"))
                }
                Kind::VictoriaMetrics | Kind::NewestVictoriaMetrics => {
                    let options = VictoriaMetricsOptions { port, data, ..Default::default() };
                    let options = options.flag("-search.latencyOffset=0s");
                    let bin = match kind {
                        Kind::VictoriaMetrics => program(Program::VictoriaMetrics),
                        _ => servers().find_or_fetch_newest(Program::VictoriaMetrics).unwrap(),
                    };
                    return start_victoria_metrics(&bin, &options).unwrap();
                }
            };
            let options = PrometheusOptions { port, data, config, ..Default::default() };
            let options = options.flag("--web.enable-remote-write-receiver");
            let options = flags.iter().fold(options, |options, flag| options.flag(*flag));
            start_prometheus(&bin, &options).unwrap()
        })
        .await
        .unwrap();
        self.url.clone_from(&server.url);
        self.port = server.port();
        self.server = Some(server);
    }

    async fn stop(&mut self) {
        let server = self.server.take().unwrap();
        tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
    }

    async fn start_again(&mut self) {
        self.run(Some(self.port)).await;
    }

    fn config(&self) -> Value {
        json!({"prometheus_config": {
            "remote_write_url": format!("{}/api/v1/write", self.url), "job_name": "rw", "instance": "one",
            "external_labels": {"region": "north"},
        }})
    }

    /// The version that a plug finds out.
    fn version(&self) -> &'static str {
        if self.kind == Kind::Prometheus3 { "2.0" } else { "1.0" }
    }

    async fn json(&self, path: &str, query: &[(&str, &str)]) -> Vec<Value> {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let (status, text) = get(&format!("{}{path}?{query}", self.url)).await;
        assert_eq!(status, 200, "{text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    /// All samples of the series, with milliseconds; the ends of series are none. Waits until there
    /// are so many, because VictoriaMetrics shows them a moment late.
    async fn samples(&self, selector: &str, count: usize) -> Stored {
        let started = Instant::now();
        loop {
            let stored = self.samples_now(selector).await;
            let found: usize = stored.values().map(Vec::len).sum();
            if found >= count || started.elapsed() > Duration::from_secs(15) {
                return stored;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    async fn samples_now(&self, selector: &str) -> Stored {
        let labels = |metric: &Value| {
            let mut labels: Vec<_> = metric
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
                .collect();
            labels.sort();
            labels.join(" ")
        };
        let answer = self.json("/api/v1/query", &[("query", &format!("{selector}[1h]"))]).await;
        let series = answer[0]["data"]["result"].as_array().unwrap().iter().map(|series| {
            let value = |pair: &Value| {
                let time = (pair[0].as_f64().unwrap() * 1_000.0).round() as i64;
                (time, pair[1].as_str().unwrap().parse::<f64>().unwrap())
            };
            // VictoriaMetrics shows the end of a series as NaN.
            let values =
                series["values"].as_array().into_iter().flatten().map(value).filter(|(_, value)| !value.is_nan());
            (labels(&series["metric"]), values.collect())
        });
        series.collect()
    }

    /// How many series an instant query finds now.
    async fn present(&self, selector: &str) -> usize {
        let answer = self.json("/api/v1/query", &[("query", selector)]).await;
        answer[0]["data"]["result"].as_array().unwrap().len()
    }
}

/// Milliseconds and values, by labels.
type Stored = BTreeMap<String, Vec<(i64, f64)>>;

fn values(stored: &Stored) -> BTreeMap<&str, Vec<f64>> {
    stored.iter().map(|(labels, values)| (labels.as_str(), values.iter().map(|(_, value)| *value).collect())).collect()
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// Of two writes in one millisecond the second is told as of the next one.
async fn another_millisecond() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}

async fn process(plug: &Checked, ctx: Value) -> Value {
    let answer = plug.process(&ctx).await.unwrap();
    assert_eq!(answer["success"], true, "{ctx}: {answer}");
    answer["result"].clone()
}

async fn gauge(plug: &Checked, name: &str, value: f64) {
    process(plug, json!({"operation": "record_gauge", "metric_name": name, "metric_value": value})).await;
}

async fn write(plug: &Checked) -> Value {
    plug.process(&json!({"operation": "remote_write_metrics"})).await.unwrap()
}

/// Records one of each kind, in each round something more. What must be stored: by labels without
/// the further ones.
async fn record_round(plug: &Checked, round: u32) {
    let add = f64::from(round);
    another_millisecond().await;
    for ctx in [
        json!({"operation": "record_counter", "metric_name": "rw_jobs_total", "metric_value": 2.5, "labels": {"queue": "a \"b\" ü☃"}}),
        json!({"operation": "record_gauge", "metric_name": "rw_room_celsius", "unit": "celsius", "metric_value": -1.5 - add, "labels": {"empty": ""}}),
        json!({"operation": "record_gauge", "metric_name": "rw_owned", "metric_value": add, "labels": {"job": "own", "region": "own"}}),
        json!({"operation": "record_histogram", "metric_name": "rw_took_seconds", "buckets": [0.5, 2], "metric_value": 0.25 + add}),
        json!({"operation": "record_summary", "metric_name": "rw_size_bytes", "quantiles": [0.5], "metric_value": 4}),
        json!({"operation": "record_metric", "metric_type": "stateset", "metric_name": "rw_mode", "states": ["on", "off"], "state": "on", "on": round == 1}),
        json!({"operation": "record_metric", "metric_type": "info", "metric_name": "rw_build_info", "labels": {"version": "1.2"}}),
    ] {
        let mut ctx = ctx;
        if ctx["metric_name"] == "rw_build_info" {
            ctx["metric_value"] = Value::Null;
        }
        process(plug, ctx).await;
    }
}

/// What two rounds store.
const TWO_ROUNDS: [(&str, [f64; 2]); 13] = [
    ("__name__=rw_build_info version=1.2", [1.0, 1.0]),
    ("__name__=rw_jobs_total queue=a \"b\" ü☃", [2.5, 5.0]),
    ("__name__=rw_mode rw_mode=off", [0.0, 0.0]),
    ("__name__=rw_mode rw_mode=on", [1.0, 0.0]),
    ("__name__=rw_room_celsius", [-2.5, -3.5]),
    ("__name__=rw_size_bytes quantile=0.5", [4.0, 4.0]),
    ("__name__=rw_size_bytes_count", [1.0, 2.0]),
    ("__name__=rw_size_bytes_sum", [4.0, 8.0]),
    ("__name__=rw_took_seconds_bucket le=+Inf", [1.0, 2.0]),
    ("__name__=rw_took_seconds_bucket le=0.5", [0.0, 0.0]),
    ("__name__=rw_took_seconds_bucket le=2.0", [1.0, 1.0]),
    ("__name__=rw_took_seconds_count", [1.0, 2.0]),
    ("__name__=rw_took_seconds_sum", [1.25, 3.5]),
];

/// Labels with the further ones among them, sorted.
fn with(labels: &str, further: &[&str]) -> String {
    // Values with a space in them stand last, and sort where they stand.
    let (name, own) = labels.split_once(' ').map_or((labels, None), |(name, own)| (name, Some(own)));
    let mut all: Vec<&str> = further.iter().copied().chain([name]).chain(own).collect();
    all.sort_unstable();
    all.join(" ")
}

/// What the plug counted as lost, by its own metrics.
async fn values_lost(plug: &Checked) -> f64 {
    let result = process(plug, json!({"operation": "export_metrics", "own_metrics": true})).await;
    let text = result["exported_data"].as_str().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("plugpipe_monitoring_values_lost_total "));
    line.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

fn native(value: f64) -> Value {
    json!({"operation": "record_metric", "metric_type": "native_histogram", "metric_name": "rw_wait_seconds", "metric_value": value})
}
