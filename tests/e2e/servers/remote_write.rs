//! Remote write and OTLP into real receivers: queries return the recorded values to the bit, also
//! after a receiver was away.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plugpipe_testkit::{
    Program, PrometheusOptions, Running, VictoriaMetricsOptions, start_prometheus, start_victoria_metrics,
};
use serde_json::{Value, json};

use crate::cli::serve::get;
use crate::support::{Checked, body, program, servers, start, without_servers};

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

#[tokio::test]
async fn what_was_recorded_is_what_each_receiver_answers() {
    if without_servers("what_was_recorded_is_what_each_receiver_answers") {
        return;
    }
    for kind in ALL {
        let receiver = Receiver::start(kind).await;
        let plug = start(receiver.config()).await;
        let mut times = Vec::new();
        for round in 1..=2 {
            record_round(&plug, round).await;
            let before = now_ms();
            let answer = write(&plug).await;
            times.push(before..=now_ms());
            let result = &answer["result"];
            assert_eq!(result["written"]["samples"], 14, "{kind:?}: {answer}");
            assert_eq!((&result["version"], &result["pending"]), (&json!(receiver.version()), &json!(0)), "{answer}");
            assert_eq!(result["confirmed"], kind == Kind::Prometheus3, "{answer}");
        }
        let stored = receiver.samples("{__name__=~\"rw_.+\"}", 28).await;
        let further = ["instance=one", "job=rw", "region=north"];
        let mut expected: BTreeMap<String, Vec<f64>> =
            TWO_ROUNDS.iter().map(|(labels, values)| (with(labels, &further), values.to_vec())).collect();
        expected.insert("__name__=rw_owned instance=one job=own region=own".into(), vec![1.0, 2.0]);
        let expected: BTreeMap<&str, Vec<f64>> =
            expected.iter().map(|(labels, values)| (labels.as_str(), values.clone())).collect();
        assert_eq!(values(&stored), expected, "{kind:?}");
        for (labels, values) in &stored {
            for ((time, _), during) in values.iter().zip(&times) {
                assert!(during.contains(time), "{kind:?} {labels}: {time} is not in {during:?}");
            }
        }
    }
}

#[tokio::test]
async fn odd_numbers_arrive_to_the_bit_in_both_versions() {
    if without_servers("odd_numbers_arrive_to_the_bit_in_both_versions") {
        return;
    }
    let odd = [0.1 + 0.2, 5e-324, f64::MAX, f64::MIN_POSITIVE, 9_007_199_254_740_993.0, -1.0 / 3.0, 1e21];
    let receiver = Receiver::start(Kind::Prometheus3).await;
    for version in ["1.0", "2.0"] {
        let mut config = receiver.config();
        config["prometheus_config"]["remote_write_version"] = json!(version);
        config["prometheus_config"]["job_name"] = json!(version);
        let plug = start(config).await;
        let metrics: Vec<_> = odd
            .iter()
            .enumerate()
            .map(|(at, value)| json!({"name": "rw_odd", "type": "gauge", "value": value, "labels": {"n": at}}))
            .collect();
        process(&plug, json!({"operation": "record_multiple_metrics", "metrics": metrics})).await;
        let answer = write(&plug).await;
        assert_eq!(answer["result"]["version"], version, "{answer}");
        let stored = receiver.samples(&format!("rw_odd{{job=\"{version}\"}}"), odd.len()).await;
        let bits: Vec<_> = stored.values().map(|values| values[0].1.to_bits()).collect();
        assert_eq!(bits, odd.map(f64::to_bits), "{version}");
    }
}

#[tokio::test]
async fn what_a_receiver_missed_arrives_when_it_is_back() {
    if without_servers("what_a_receiver_missed_arrives_when_it_is_back") {
        return;
    }
    for kind in ALL {
        let mut receiver = Receiver::start(kind).await;
        let plug = start(receiver.config()).await;
        let mut times = Vec::new();
        for round in 0..6 {
            match round {
                2 => receiver.stop().await,
                5 => receiver.start_again().await,
                _ => {}
            }
            let value = 0.5 + f64::from(round);
            gauge(&plug, "rw_missed", value).await;
            another_millisecond().await;
            let before = now_ms();
            let mut answer = write(&plug).await;
            times.push(before..=now_ms());
            if (2..5).contains(&round) {
                assert_eq!(answer["error_code"], "unreachable", "{kind:?}: {answer}");
                assert_eq!((&answer["pending"], &answer["lost"]), (&json!(round - 1), &json!(0)), "{answer}");
                continue;
            }
            // A connection that was kept from before may break once more; what it carried is in the
            // write after it.
            if round == 5 && answer["success"] == false {
                gauge(&plug, "rw_missed", value).await;
                answer = write(&plug).await;
            }
            assert_eq!(answer["result"]["pending"], 0, "{kind:?}: {answer}");
        }
        let stored = receiver.samples("rw_missed", 6).await;
        let values = stored.values().next().unwrap_or_else(|| panic!("{kind:?}: {stored:?}"));
        let numbers: Vec<_> = values.iter().take(6).map(|(_, value)| *value).collect();
        assert_eq!(numbers, [0.5, 1.5, 2.5, 3.5, 4.5, 5.5], "{kind:?}");
        for ((time, value), during) in values.iter().zip(&times) {
            assert!(during.contains(time), "{kind:?}: {value} is of {time}, not {during:?}");
        }
    }
}

#[tokio::test]
async fn series_vanish_when_they_are_removed_and_at_cleanup() {
    if without_servers("series_vanish_when_they_are_removed_and_at_cleanup") {
        return;
    }
    for kind in ALL {
        let receiver = Receiver::start(kind).await;
        let plug = start(receiver.config()).await;
        gauge(&plug, "rw_goes", 1.0).await;
        gauge(&plug, "rw_stays", 2.0).await;
        assert_eq!(write(&plug).await["result"]["written"]["samples"], 2);
        present_becomes(&receiver, "rw_goes", 1).await;
        process(&plug, json!({"operation": "remove_metric", "metric_name": "rw_goes"})).await;
        assert_eq!(write(&plug).await["result"]["written"]["samples"], 2);
        present_becomes(&receiver, "rw_goes", 0).await;
        present_becomes(&receiver, "rw_stays", 1).await;

        let answer = body(&plug.cleanup().await.unwrap());
        let told = &answer["result"]["remote_write"][0];
        assert_eq!((&told["series_ended"], &told["delivered"]), (&json!(1), &json!(true)), "{kind:?}: {answer}");
        present_becomes(&receiver, "rw_stays", 0).await;
        let stored = receiver.samples("{__name__=~\"rw_.+\"}", 3).await;
        let values: Vec<_> = values(&stored).into_values().collect();
        assert_eq!(values, [vec![1.0], vec![2.0, 2.0]], "{kind:?}");
    }
}

/// Waits for what a receiver shows a moment late.
async fn present_becomes(receiver: &Receiver, selector: &str, series: usize) {
    let started = Instant::now();
    loop {
        let present = receiver.present(&format!("{selector}{{job=\"rw\"}}")).await;
        if present == series {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(35), "{:?} {selector}: {present}", receiver.kind);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[tokio::test]
async fn an_older_value_that_is_refused_keeps_no_other_out() {
    if without_servers("an_older_value_that_is_refused_keeps_no_other_out") {
        return;
    }
    for kind in [Kind::Prometheus2, Kind::Prometheus3] {
        let mut receiver = Receiver::start(kind).await;
        let (slow, other) = (start(receiver.config()).await, start(receiver.config()).await);
        receiver.stop().await;
        for name in ["rw_shared", "rw_alone"] {
            gauge(&slow, name, 1.0).await;
        }
        assert_eq!(write(&slow).await["pending"], 2);
        receiver.start_again().await;
        // Another plug writes the same series, later than what waits.
        gauge(&other, "rw_shared", 7.0).await;
        assert_eq!(write(&other).await["result"]["written"]["samples"], 1);
        let answer = write(&slow).await;
        assert_eq!((&answer["http_status"], &answer["lost"]), (&json!(400), &json!(1)), "{kind:?}: {answer}");
        assert_eq!((&answer["written"], &answer["pending"]), (&json!(3), &json!(0)), "{kind:?}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains("give each plug"), "{answer}");
        let stored = receiver.samples("{__name__=~\"rw_.+\"}", 4).await;
        let values: Vec<_> = values(&stored).into_values().collect();
        assert_eq!(values, [vec![1.0, 1.0], vec![7.0, 1.0]], "{kind:?}");
    }
}

/// What the plug counted as lost, by its own metrics.
async fn values_lost(plug: &Checked) -> f64 {
    let result = process(plug, json!({"operation": "export_metrics", "own_metrics": true})).await;
    let text = result["exported_data"].as_str().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("plugpipe_monitoring_values_lost_total "));
    line.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

#[tokio::test]
async fn a_too_old_value_is_lost_alone_and_the_queue_drains() {
    if without_servers("a_too_old_value_is_lost_alone_and_the_queue_drains") {
        return;
    }
    // 2.42 says so with status 500.
    for (kind, status) in [(Kind::Prometheus2, 500), (Kind::Prometheus3, 400)] {
        let window = "storage: {tsdb: {out_of_order_time_window: 1s}}\n";
        let mut receiver = Receiver::start_configured(kind, &[], window).await;
        let (slow, other) = (start(receiver.config()).await, start(receiver.config()).await);
        receiver.stop().await;
        for name in ["rw_alone", "rw_shared", "rw_third"] {
            gauge(&slow, name, 1.0).await;
        }
        let before = now_ms();
        assert_eq!(write(&slow).await["pending"], 3);
        let first = before..=now_ms();
        receiver.start_again().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        gauge(&other, "rw_shared", 7.0).await;
        assert_eq!(write(&other).await["result"]["written"]["samples"], 1);
        let answer = write(&slow).await;
        assert_eq!((&answer["http_status"], &answer["lost"]), (&json!(status), &json!(1)), "{kind:?}: {answer}");
        assert_eq!((&answer["written"], &answer["pending"]), (&json!(5), &json!(0)), "{kind:?}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains("too old sample"), "{answer}");
        another_millisecond().await;
        assert_eq!(write(&slow).await["result"]["written"]["samples"], 3, "{kind:?}: nothing is in the way");
        assert_eq!(values_lost(&slow).await, 1.0, "{kind:?}");
        let stored = receiver.samples("{__name__=~\"rw_.+\"}", 9).await;
        let numbers: Vec<_> = values(&stored).into_values().collect();
        assert_eq!(numbers, [vec![1.0; 3], vec![7.0, 1.0, 1.0], vec![1.0; 3]], "{kind:?}");
        for (labels, values) in stored.iter().filter(|(labels, _)| !labels.contains("rw_shared")) {
            assert!(first.contains(&values[0].0), "{kind:?} {labels}: {values:?} begins in {first:?}");
        }
    }
}

/// A remote write of one sample of the series `rw_future`.
fn one_sample(unix_ms: i64) -> Vec<u8> {
    let mut label = b"\x0a\x08__name__\x12\x09rw_future".to_vec();
    let mut sample = [&b"\x09"[..], &1.0_f64.to_le_bytes(), b"\x10"].concat();
    let mut rest = unix_ms as u64;
    while rest >= 0x80 {
        sample.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    sample.push(rest as u8);
    label.splice(0..0, [0x0a, label.len() as u8]);
    let series = [&label[..], &[0x12, sample.len() as u8], &sample].concat();
    let request = [&[0x0a, series.len() as u8][..], &series].concat();
    // Snappy: the length, and one literal.
    [&[request.len() as u8, (request.len() as u8 - 1) << 2][..], &request].concat()
}

#[tokio::test]
async fn values_out_of_bounds_do_not_stay_in_the_queue() {
    if without_servers("values_out_of_bounds_do_not_stay_in_the_queue") {
        return;
    }
    // 3 takes nothing from so far in the future.
    let receiver = Receiver::start(Kind::Prometheus2).await;
    let (url, body) = (format!("{}/api/v1/write", receiver.url), one_sample(now_ms() + 6 * 3_600_000));
    let posted = tokio::task::spawn_blocking(move || {
        let request =
            ureq::post(&url).header("content-encoding", "snappy").header("content-type", "application/x-protobuf");
        request.send(&body[..]).unwrap().status().as_u16()
    });
    assert_eq!(posted.await.unwrap(), 204);
    let plug = start(receiver.config()).await;
    for name in ["rw_one", "rw_two", "rw_three"] {
        gauge(&plug, name, 1.0).await;
    }
    for calls in 1..=2 {
        let answer = write(&plug).await;
        let counts = (&answer["written"], &answer["lost"], &answer["pending"]);
        assert_eq!(counts, (&json!(0), &json!(3), &json!(0)), "{answer}");
        assert!(answer["error"].as_str().unwrap().contains("out of bounds"), "{answer}");
        assert_eq!(values_lost(&plug).await, f64::from(3 * calls));
        another_millisecond().await;
    }
}

#[tokio::test]
async fn a_path_that_takes_no_writes_is_told_and_nothing_is_lost() {
    if without_servers("a_path_that_takes_no_writes_is_told_and_nothing_is_lost") {
        return;
    }
    let receiver = Receiver::start(Kind::Prometheus2).await;
    let plug = start(receiver.config()).await;
    gauge(&plug, "rw_kept", 1.0).await;
    let wrong = format!("{}/api/v1/push", receiver.url);
    let answer = plug.process(&json!({"operation": "remote_write_metrics", "remote_write_url": wrong})).await.unwrap();
    assert_eq!((&answer["http_status"], &answer["pending"]), (&json!(404), &json!(1)), "{answer}");
    assert_eq!(write(&plug).await["result"]["written"]["samples"], 1);
}

#[tokio::test]
async fn ten_thousand_series_arrive() {
    if without_servers("ten_thousand_series_arrive") {
        return;
    }
    let receiver = Receiver::start(Kind::Prometheus3).await;
    let plug = start(receiver.config()).await;
    let metrics: Vec<_> = (0..10_000)
        .map(|at| json!({"name": "rw_many", "type": "gauge", "value": at, "labels": {"at": at, "path": format!("/some/path/{}", at % 7)}}))
        .collect();
    process(&plug, json!({"operation": "record_multiple_metrics", "metrics": metrics})).await;
    let answer = write(&plug).await;
    assert_eq!(answer["result"]["written"]["samples"], 10_000, "{answer}");
    assert_eq!(answer["result"]["requests"], 5, "{answer}");
    let stored = receiver.json("/api/v1/query", &[("query", "count(rw_many) + sum(rw_many)")]).await;
    assert_eq!(stored[0]["data"]["result"][0]["value"][1], "50005000", "{stored:?}");
}

fn native(value: f64) -> Value {
    json!({"operation": "record_metric", "metric_type": "native_histogram", "metric_name": "rw_wait_seconds", "metric_value": value})
}

async fn histogram(receiver: &Receiver, query: &str) -> Value {
    receiver.json("/api/v1/query", &[("query", query)]).await[0]["data"]["result"][0].clone()
}

#[tokio::test]
async fn native_histograms_arrive_in_both_versions() {
    if without_servers("native_histograms_arrive_in_both_versions") {
        return;
    }
    for (kind, version) in [(Kind::Prometheus2, "1.0"), (Kind::Prometheus3, "1.0"), (Kind::Prometheus3, "2.0")] {
        let receiver = Receiver::start(kind).await;
        let mut config = receiver.config();
        config["prometheus_config"]["remote_write_version"] = json!(version);
        let plug = start(config).await;
        for value in [0.0, 1.5, 1.5, 40.0, -0.3] {
            process(&plug, native(value)).await;
        }
        let answer = write(&plug).await;
        assert_eq!(
            answer["result"]["written"],
            json!({"samples": 0, "histograms": 1, "exemplars": 0}),
            "{kind:?}: {answer}"
        );
        let sample = histogram(&receiver, "rw_wait_seconds").await;
        let stored = &sample["histogram"][1];
        assert_eq!((&stored["count"], &stored["sum"]), (&json!("5"), &json!("42.7")), "{kind:?}: {sample}");
        let counts: Vec<&str> = stored["buckets"].as_array().unwrap().iter().map(|b| b[3].as_str().unwrap()).collect();
        assert_eq!(counts, ["1", "1", "2", "1"], "{kind:?}: {sample}");

        plug.cleanup().await.unwrap();
        assert_eq!(receiver.present("rw_wait_seconds").await, 0, "{kind:?} {version}");
    }
}

#[tokio::test]
async fn native_histograms_that_a_receiver_does_not_take_keep_nothing_else_out() {
    if without_servers("native_histograms_that_a_receiver_does_not_take_keep_nothing_else_out") {
        return;
    }
    for (kind, version) in [(Kind::Prometheus2, "1.0"), (Kind::Prometheus3, "1.0"), (Kind::Prometheus3, "2.0")] {
        let receiver = Receiver::start_with(kind, &[]).await;
        let mut config = receiver.config();
        config["prometheus_config"]["remote_write_version"] = json!(version);
        let plug = start(config).await;
        process(&plug, native(1.0)).await;
        gauge(&plug, "rw_good", 1.0).await;
        let answer = write(&plug).await;
        assert_eq!(
            (&answer["written"], &answer["pending"], &answer["lost"]),
            (&json!(1), &json!(0), &json!(1)),
            "{answer}"
        );
        assert!(answer["error"].as_str().unwrap().contains("enable native histograms"), "{answer}");
        assert_eq!(receiver.present("rw_good").await, 1);
    }
}

#[tokio::test]
async fn exemplars_arrive_with_the_values_they_explain() {
    if without_servers("exemplars_arrive_with_the_values_they_explain") {
        return;
    }
    for kind in [Kind::Prometheus2, Kind::Prometheus3] {
        let receiver = Receiver::start(kind).await;
        let plug = start(receiver.config()).await;
        process(&plug, json!({
            "operation": "record_counter", "metric_name": "rw_traced_total", "metric_value": 3, "exemplar": {"trace_id": "t1"},
        }))
        .await;
        for written in [1, 0] {
            assert_eq!(write(&plug).await["result"]["written"]["exemplars"], written, "{kind:?}");
        }
        let query = [("query", "rw_traced_total"), ("start", "0"), ("end", "9999999999")];
        let found = receiver.json("/api/v1/query_exemplars", &query).await;
        let exemplars = &found[0]["data"][0]["exemplars"];
        assert_eq!(exemplars.as_array().map(Vec::len), Some(1), "{kind:?}: {found:?}");
        assert_eq!((&exemplars[0]["labels"]["trace_id"], &exemplars[0]["value"]), (&json!("t1"), &json!("3")));
    }
}

/// An OTLP receiver that answers with these statuses, the last one again and again, and what it was
/// sent.
async fn otlp_receiver(statuses: &'static [u16]) -> (String, Arc<Mutex<Vec<Vec<u8>>>>) {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let seen = bodies.clone();
    let handle = move |body: axum::body::Bytes| {
        let mut seen = seen.lock().unwrap();
        seen.push(body.to_vec());
        let status = statuses.get(seen.len() - 1).or(statuses.last()).unwrap();
        let answer = axum::http::StatusCode::from_u16(*status).unwrap();
        async move { answer }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/metrics", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/v1/metrics", axum::routing::post(handle));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, bodies)
}

#[tokio::test]
async fn an_otlp_export_is_retried_and_what_it_loses_is_told() {
    for status in [429, 502, 503, 504] {
        let statuses: &'static [u16] = vec![status, status, 200].leak();
        let (url, bodies) = otlp_receiver(statuses).await;
        let plug = start(json!({"otlp_url": url, "retry_delay": "1ms"})).await;
        gauge(&plug, "rw_one", 1.0).await;
        let answer = process(&plug, json!({"operation": "export_otlp"})).await;
        assert_eq!((&answer["accepted"], &answer["exchange"]["attempts"]), (&json!(1), &json!(3)), "{answer}");
        let bodies = bodies.lock().unwrap();
        assert!(bodies.len() == 3 && bodies.iter().all(|body| *body == bodies[0]), "{status}");
    }
    let (url, bodies) = otlp_receiver(&[503]).await;
    let plug = start(json!({"otlp_url": url, "retry_delay": "1ms"})).await;
    gauge(&plug, "rw_one", 1.0).await;
    gauge(&plug, "rw_two", 1.0).await;
    let answer = plug.process(&json!({"operation": "export_otlp"})).await.unwrap();
    assert_eq!((&answer["http_status"], &answer["lost"]), (&json!(503), &json!(2)), "{answer}");
    assert_eq!(bodies.lock().unwrap().len(), 3);
    assert_eq!(values_lost(&plug).await, 2.0);
}

#[tokio::test]
async fn an_otlp_export_has_ids_types_and_the_target() {
    let (url, bodies) = otlp_receiver(&[200]).await;
    let plug = start(json!({"otlp_url": url, "job_name": "rw"})).await;
    process(
        &plug,
        json!({
            "operation": "record_counter", "metric_name": "rw_traced_total", "metric_value": 3,
            "exemplar": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7"},
        }),
    )
    .await;
    process(&plug, json!({
        "operation": "record_metric", "metric_type": "info", "metric_name": "target_info", "labels": {"host_name": "web-1"},
    }))
    .await;
    let answer = process(&plug, json!({"operation": "export_otlp"})).await;
    assert_eq!(answer["data_points"], 1, "{answer}");
    let body = bodies.lock().unwrap()[0].clone();
    let position = |part: &[u8]| body.windows(part.len()).position(|window| window == part);
    let trace = [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];
    let span = [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7];
    assert!(position(&trace).is_some() && position(&span).is_some(), "{body:?}");
    assert_eq!([position(b"trace_id"), position(b"span_id"), position(b"target_info")], [None; 3]);
    // The resource comes before the metrics.
    assert!(position(b"host_name").unwrap() < position(b"rw_traced_total").unwrap());
    assert!(position(b"prometheus.type\x12\x09\x0a\x07counter").is_some(), "{body:?}");
}

#[tokio::test]
async fn otlp_metrics_arrive() {
    if without_servers("otlp_metrics_arrive") {
        return;
    }
    // Debian builds Prometheus without its OTLP receiver.
    let receiver = Receiver::start(Kind::NewestVictoriaMetrics).await;
    let mut config = receiver.config();
    config["prometheus_config"]["otlp_url"] = json!(format!("{}/opentelemetry/v1/metrics", receiver.url));
    let plug = start(config).await;
    let mut times = Vec::new();
    for round in 1..=2 {
        record_round(&plug, round).await;
        let before = now_ms();
        let answer = process(&plug, json!({"operation": "export_otlp"})).await;
        times.push(before..=now_ms());
        assert_eq!((&answer["accepted"], &answer["rejected_data_points"]), (&json!(8), &json!(0)), "{answer}");
    }
    let stored = receiver.samples("{__name__=~\"rw_.+\"}", 28).await;
    // The series with what the resource adds, which stands between their own labels.
    let resource = [
        " region=north",
        " scope.name=monitoring_prometheus",
        " scope.version=2.0.0",
        " service.instance.id=one",
        " service.name=rw",
    ];
    let own = |labels: &str| resource.iter().fold(labels.to_owned(), |labels, added| labels.replacen(added, "", 1));
    let found: BTreeMap<String, Vec<f64>> =
        values(&stored).into_iter().map(|(labels, values)| (own(labels), values)).collect();
    let mut expected: BTreeMap<String, Vec<f64>> =
        // The receiver writes the bounds of buckets its own way.
        TWO_ROUNDS.iter().map(|(labels, values)| (labels.replace("le=2.0", "le=2"), values.to_vec())).collect();
    expected.insert("__name__=rw_owned job=own region=own".into(), vec![1.0, 2.0]);
    assert_eq!(found, expected);
    for values in stored.values() {
        assert!(values.iter().zip(&times).all(|((time, _), during)| during.contains(time)), "{values:?}");
    }

    for value in [1.5, 1.5, 40.0] {
        process(&plug, native(value)).await;
    }
    process(&plug, json!({"operation": "export_otlp"})).await;
    let stored = receiver.samples("{__name__=~\"rw_wait_.+\"}", 4).await;
    let found: BTreeMap<String, Vec<f64>> =
        values(&stored).into_iter().map(|(labels, values)| (own(labels), values)).collect();
    // Exponential buckets as VictoriaMetrics has them: 2^(4/8) to 2^(5/8), and 2^(42/8) to
    // 2^(43/8).
    let expected = [
        ("__name__=rw_wait_seconds_bucket vmrange=1.414e+00...1.542e+00", 2.0),
        ("__name__=rw_wait_seconds_bucket vmrange=3.805e+01...4.150e+01", 1.0),
        ("__name__=rw_wait_seconds_count", 3.0),
        ("__name__=rw_wait_seconds_sum", 43.0),
    ];
    assert_eq!(found, expected.map(|(labels, value)| (labels.to_owned(), vec![value])).into());
}
