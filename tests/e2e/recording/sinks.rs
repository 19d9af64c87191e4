//! What arrives at each sink: one metric of each kind, with all that it can have, is sent to real
//! servers and to receivers that decode what they get, and read back. `docs/formats.md` has the
//! result; `UPDATE=1` writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use plugpipe_harness::serve::{Options, serve_with};
use plugpipe_testkit::ScrapeJob;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::cli::serve::get;
use crate::fixture::Fixture;
use crate::servers::scrape::endpoint;
use crate::support::{Checked, prometheus_3, pushgateway_1_11, query_until, result, start, without_servers};

/// Everything but a summary with quantiles, which an import would drop.
const ALL: &[u8] =
    b"# TYPE counter_total counter\ncounter_total{a=\"b\"} 7 st@1500000000.000 # {t=\"x\"} 1 1500000001.000\n\
    # TYPE gauge gauge\ngauge 1.5\n\
    # TYPE histogram histogram\n\
    histogram {count:3,sum:4.5,bucket:[1:1,2:2,+Inf:3]} st@1500000000.000 # {t=\"x\"} 1.5 1500000001.000\n\
    # TYPE native_histogram histogram\nnative_histogram {count:3,sum:4.5,schema:0,zero_threshold:0,zero_count:1,\
    positive_spans:[1:2],positive_buckets:[1,1]} st@1500000000.000\n\
    # TYPE some_info info\nsome_info{version=\"1\"} 1\n\
    # TYPE stateset stateset\nstateset{stateset=\"off\"} 0\nstateset{stateset=\"on\"} 1\n\
    # TYPE gauge_histogram gaugehistogram\n\
    gauge_histogram {gcount:3,gsum:4.5,bucket:[1:1,2:2,+Inf:3]} # {t=\"x\"} 1.5 1500000001.000\n\
    # TYPE gauge_native_histogram gaugehistogram\ngauge_native_histogram {gcount:3,gsum:4.5,schema:0,zero_threshold:0,\
    zero_count:1,positive_spans:[1:2],positive_buckets:[1,1]}\n\
    # TYPE unknown unknown\nunknown 9\n# EOF\n";

/// The metrics, their types, and whether they have a start time and an exemplar.
const KINDS: [(&str, &str, bool, bool); 10] = [
    ("counter", "counter", true, true),
    ("gauge", "gauge", false, false),
    ("histogram", "histogram", true, true),
    ("native_histogram", "histogram", true, false),
    ("summary", "summary", true, false),
    ("some", "info", false, false),
    ("stateset", "stateset", false, false),
    ("gauge_histogram", "gaugehistogram", false, true),
    ("gauge_native_histogram", "gaugehistogram", false, false),
    ("unknown", "unknown", false, false),
];

/// The samples of each metric, as a scrape of text stores them.
const SAMPLES: [(&str, f64); 19] = [
    ("counter_total a=b", 7.0),
    ("gauge", 1.5),
    ("histogram_bucket le=1", 1.0),
    ("histogram_bucket le=2", 2.0),
    ("histogram_bucket le=inf", 3.0),
    ("histogram_sum", 4.5),
    ("histogram_count", 3.0),
    ("summary quantile=0.5", 1.5),
    ("summary_sum", 1.5),
    ("summary_count", 1.0),
    ("some_info version=1", 1.0),
    ("stateset stateset=off", 0.0),
    ("stateset stateset=on", 1.0),
    ("gauge_histogram_bucket le=1", 1.0),
    ("gauge_histogram_bucket le=2", 2.0),
    ("gauge_histogram_bucket le=inf", 3.0),
    ("gauge_histogram_gsum", 4.5),
    ("gauge_histogram_gcount", 3.0),
    ("unknown", 9.0),
];

/// The metric to which a name belongs, with the suffix of a sample or without.
fn metric(name: &str) -> Option<&'static str> {
    let rest = |base: &str| name.strip_prefix(base).map(str::to_owned);
    let suffixes = ["", "_total", "_info", "_bucket", "_sum", "_count", "_gsum", "_gcount", "_created"];
    KINDS.iter().map(|(base, ..)| *base).find(|base| rest(base).is_some_and(|rest| suffixes.contains(&rest.as_str())))
}

/// What is left of a metric.
#[derive(Debug, Default)]
struct Arrived {
    types: BTreeSet<String>,
    samples: BTreeMap<String, f64>,
    /// Count, sum, and the counts of the buckets.
    native: Option<(f64, f64, Vec<f64>)>,
    start: bool,
    exemplars: usize,
}

/// All that arrived at a sink.
#[derive(Debug, Default)]
struct Sink(BTreeMap<&'static str, Arrived>);

impl Sink {
    fn of(&mut self, name: &str) -> Option<&mut Arrived> {
        metric(name).map(|metric| self.0.entry(metric).or_default())
    }

    fn declare(&mut self, name: &str, kind: &str) {
        // How our JSON, text and OTLP spell the same.
        let kind = match kind {
            "untyped" => "unknown",
            "native_histogram" => "histogram",
            "gauge_histogram" | "gauge_native_histogram" => "gaugehistogram",
            kind => kind,
        };
        if let Some(arrived) = self.of(name) {
            arrived.types.insert(kind.to_owned());
        }
    }

    fn sample<'a>(&mut self, name: &str, labels: impl IntoIterator<Item = (&'a str, &'a str)>, value: f64) {
        let mut own: Vec<(&str, &str)> = labels.into_iter().collect();
        // Not what a target or a resource adds.
        own.retain(|(name, _)| ["a", "le", "quantile", "version", "stateset"].contains(name));
        own.sort_unstable();
        let mut key = name.to_owned();
        for (name, value) in own {
            let number = value.trim_start_matches('+').parse::<f64>();
            let value = if matches!(name, "le" | "quantile") { number.unwrap().to_string() } else { value.to_owned() };
            let _ = write!(key, " {name}={value}");
        }
        if let Some(arrived) = self.of(name) {
            assert!(arrived.samples.insert(key, value).is_none(), "{name} is there twice");
        }
    }

    /// What this sink leaves out or changes of a metric.
    fn verdict(&self, (name, kind, start, exemplar): (&str, &str, bool, bool)) -> String {
        let Some(arrived) = self.0.get(name) else { return "nothing".into() };
        let mut notes = Vec::new();
        let types: Vec<&str> = arrived.types.iter().map(String::as_str).collect();
        match types.as_slice() {
            [] => notes.push("without type".to_owned()),
            types if types == [kind] => {}
            types => notes.push(format!("as {}", types.join(", "))),
        }
        let is_native = name.contains("native");
        let expected: BTreeMap<&str, f64> = SAMPLES
            .iter()
            .copied()
            .filter(|(sample, _)| metric(sample.split(' ').next().unwrap()) == Some(name))
            .collect();
        let found: BTreeMap<&str, f64> = arrived.samples.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        let mut lost = Vec::new();
        match &arrived.native {
            Some(native) if is_native => assert_eq!(native, &(3.0, 4.5, vec![1.0, 1.0, 1.0]), "{name}"),
            None if is_native => {
                let whole = found.iter().filter(|(key, _)| key.contains("sum") || key.contains("count"));
                assert_eq!(whole.map(|(_, value)| *value).sum::<f64>(), 7.5, "{name}: {arrived:?}");
                lost.push("buckets");
            }
            _ if found == expected => {}
            _ => {
                let named = expected
                    .iter()
                    .map(|(key, value)| (key.replace("_gsum", "_sum").replace("_gcount", "_count"), *value));
                assert_eq!(named.collect::<BTreeMap<_, _>>(), arrived.samples, "{name}");
                notes.push("with `_sum` and `_count`".to_owned());
            }
        }
        if start && !arrived.start {
            lost.push("start");
        }
        if exemplar && arrived.exemplars == 0 {
            lost.push("exemplars");
        }
        if !lost.is_empty() {
            notes.push(format!("without {}", lost.join(" and ")));
        }
        if notes.is_empty() { "exact".into() } else { notes.join(", ") }
    }
}

/// A plug that stores one metric of each kind.
async fn with_all(mut config: Value) -> Checked {
    let url = endpoint("application/openmetrics-text; version=2.0.0; charset=utf-8", ALL);
    config["endpoint_url"] = json!(url);
    config["push_policy"] = json!("manual");
    config["job_name"] = json!("sinks");
    let plug = start(config).await;
    let scrape = json!({"operation": "scrape_endpoint", "endpoint_url": url, "accept": "openmetrics2", "import": true});
    let scraped = result(&plug, scrape).await;
    assert_eq!((&scraped["imported"]["refused"], &scraped["imported"]["series"]), (&json!([]), &json!(9)), "{scraped}");
    let summary =
        json!({"operation": "record_summary", "metric_name": "summary", "quantiles": [0.5], "metric_value": 1.5});
    result(&plug, summary).await;
    plug
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn pairs(labels: &Value) -> impl Iterator<Item = (&str, &str)> {
    labels.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
}

/// What a gateway exposes as protobuf.
async fn pushed() -> Sink {
    let gateway = pushgateway_1_11(&[]).await;
    let plug = with_all(json!({"gateway_url": gateway.url})).await;
    let answer = result(&plug, json!({"operation": "push_metrics"})).await;
    assert_eq!(answer["metric_pushed"], true, "{answer}");
    let reader = start(json!({"endpoint_url": gateway.url})).await;
    let scrape = json!({"operation": "scrape_endpoint", "endpoint_url": gateway.url, "accept": "protobuf", "include_samples": true, "sample_limit": 5_000});
    let exposed = result(&reader, scrape).await;
    let mut sink = Sink::default();
    for family in exposed["families"].as_array().unwrap() {
        sink.declare(family["name"].as_str().unwrap(), family["type"].as_str().unwrap());
    }
    for sample in exposed["samples"].as_array().unwrap() {
        let name = sample["name"].as_str().unwrap();
        let Some(arrived) = sink.of(name) else { continue };
        arrived.start |= sample["created"].is_number();
        arrived.exemplars += usize::from(sample["exemplar"].is_object());
        if sample["native"].is_object() {
            let native = &sample["native"];
            let buckets = native["positive"].as_array().unwrap().iter().map(|bucket| number(&bucket["count"]));
            let counts = [number(&native["zero_count"])].into_iter().chain(buckets).collect();
            arrived.native = Some((number(&native["count"]), number(&native["sum"]), counts));
        } else if !name.ends_with("_created") {
            sink.sample(name, pairs(&sample["labels"]), number(&sample["value"]));
        }
    }
    sink
}

/// What a Prometheus that takes native histograms stores of scrapes.
async fn scraped() -> Sink {
    let plug = with_all(json!({})).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    tokio::spawn(serve_with(listener, (*plug).clone(), Options::default(), std::future::pending()));
    let jobs = vec![ScrapeJob::new("sinks", &authority)];
    let server = prometheus_3(jobs, |options| options.flag("--enable-feature=exemplar-storage")).await;
    let reader = start(json!({"prometheus_url": server.url})).await;
    let all = json!({"operation": "query_metrics", "query": "{job=\"sinks\",__name__!~\"up|scrape_.*\"}"});
    let is_there = |stored: &Value| stored.as_array().is_some_and(|stored| stored.len() >= 19);
    query_until(&reader, all, is_there).await;
    let fetch = async |path: &str| -> Value {
        let (status, text) = get(&format!("{}{path}", server.url)).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str::<Value>(&text).unwrap()["data"].clone()
    };
    let mut sink = Sink::default();
    for (name, metadata) in fetch("/api/v1/metadata").await.as_object().unwrap() {
        sink.declare(name, metadata[0]["type"].as_str().unwrap());
    }
    for series in fetch("/api/v1/query?query=%7Bjob=%22sinks%22%7D").await["result"].as_array().unwrap() {
        let name = series["metric"]["__name__"].as_str().unwrap();
        let native = &series["histogram"][1];
        if native.is_null() {
            sink.sample(name, pairs(&series["metric"]), number(&series["value"][1]));
        } else if let Some(arrived) = sink.of(name) {
            let counts = native["buckets"].as_array().unwrap().iter().map(|bucket| number(&bucket[3])).collect();
            arrived.native = Some((number(&native["count"]), number(&native["sum"]), counts));
        }
    }
    let exemplars = "/api/v1/query_exemplars?query=%7Bjob=%22sinks%22%7D&start=0&end=9999999999";
    for series in fetch(exemplars).await.as_array().unwrap() {
        if let Some(arrived) = sink.of(series["seriesLabels"]["__name__"].as_str().unwrap()) {
            arrived.exemplars += series["exemplars"].as_array().unwrap().len();
        }
    }
    sink
}

/// A field of a message of protobuf.
enum Field<'m> {
    Number(u64),
    Bytes(&'m [u8]),
}

impl<'m> Field<'m> {
    fn bytes(&self) -> &'m [u8] {
        let Self::Bytes(bytes) = self else { panic!("a number") };
        bytes
    }

    fn text(&self) -> &'m str {
        std::str::from_utf8(self.bytes()).unwrap()
    }

    fn number(&self) -> u64 {
        let Self::Number(number) = self else { panic!("bytes") };
        *number
    }

    fn double(&self) -> f64 {
        f64::from_bits(self.number())
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if *first < 0x80 {
            break;
        }
    }
    value
}

/// The fields of a message, which this reads without the code that wrote them.
struct Message<'m>(Vec<(u64, Field<'m>)>);

impl<'m> Message<'m> {
    fn read(mut bytes: &'m [u8]) -> Self {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            let length = match key & 7 {
                0 => {
                    fields.push((key >> 3, Field::Number(varint(&mut bytes))));
                    continue;
                }
                1 => 8,
                2 => varint(&mut bytes) as usize,
                kind => panic!("wire type {kind}"),
            };
            let (value, rest) = bytes.split_at(length);
            bytes = rest;
            let field = match key & 7 {
                1 => Field::Number(u64::from_le_bytes(value.try_into().unwrap())),
                _ => Field::Bytes(value),
            };
            fields.push((key >> 3, field));
        }
        Self(fields)
    }

    fn all(&self, number: u64) -> impl Iterator<Item = &Field<'m>> {
        self.0.iter().filter(move |(own, _)| *own == number).map(|(_, field)| field)
    }

    fn messages(&self, number: u64) -> impl Iterator<Item = Message<'m>> {
        self.all(number).map(|field| Message::read(field.bytes()))
    }

    fn double(&self, number: u64) -> f64 {
        self.all(number).next().map_or(0.0, Field::double)
    }

    fn number(&self, number: u64) -> u64 {
        self.all(number).next().map_or(0, Field::number)
    }

    fn text(&self, number: u64) -> &'m str {
        self.all(number).next().map_or("", Field::text)
    }

    /// Packed varints.
    fn packed(&self, number: u64) -> Vec<u64> {
        let mut numbers = Vec::new();
        for field in self.all(number) {
            let mut bytes = field.bytes();
            while !bytes.is_empty() {
                numbers.push(varint(&mut bytes));
            }
        }
        numbers
    }

    /// Packed numbers of 8 bytes.
    fn fixed(&self, number: u64) -> Vec<u64> {
        let bytes = self.all(number).next().map_or(&[][..], Field::bytes);
        bytes.chunks(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap())).collect()
    }
}

/// The counts of a native histogram of remote write: the zero bucket, and the positive ones.
fn native(histogram: &Message) -> (f64, f64, Vec<f64>) {
    let mut count = 0_i64;
    let positive = histogram.packed(12).into_iter().map(|delta| {
        count += (delta >> 1) as i64 ^ -((delta & 1) as i64);
        count as f64
    });
    let counts = [histogram.number(6) as f64].into_iter().chain(positive).collect();
    (histogram.number(1) as f64, histogram.double(3), counts)
}

const TYPES: [&str; 8] = ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"];

/// What a receiver of remote writes decodes.
async fn written(version: &'static str) -> Sink {
    let said = "text/plain\r\nX-Prometheus-Remote-Write-Samples-Written: 17\r\n\
        X-Prometheus-Remote-Write-Histograms-Written: 2\r\nX-Prometheus-Remote-Write-Exemplars-Written: 3";
    let receiver = Fixture::start(move |_| (200, said, Vec::new()));
    let plug = with_all(json!({"remote_write_url": format!("{}/api/v1/write", receiver.url)})).await;
    result(&plug, json!({"operation": "remote_write_metrics", "remote_write_version": version})).await;
    let mut sink = Sink::default();
    for asked in receiver.asked() {
        let body = snap::raw::Decoder::new().decompress_vec(&asked.body).unwrap();
        let request = Message::read(&body);
        let is_2 = asked.header("content-type").unwrap().contains("v2.Request");
        assert_eq!(is_2, version == "2.0");
        let symbols: Vec<&str> = request.all(4).map(Field::text).collect();
        for metadata in request.messages(3).filter(|_| !is_2) {
            sink.declare(metadata.text(2), TYPES[metadata.number(1) as usize]);
        }
        for series in request.messages(if is_2 { 5 } else { 1 }) {
            let symbol = |index: &u64| symbols[*index as usize];
            let labels: Vec<(&str, &str)> = if is_2 {
                series.packed(1).chunks(2).map(|pair| (symbol(&pair[0]), symbol(&pair[1]))).collect()
            } else {
                series.messages(1).map(|label| (label.text(1), label.text(2))).collect()
            };
            let name = labels.iter().find(|(name, _)| *name == "__name__").unwrap().1;
            for metadata in series.messages(5).filter(|_| is_2) {
                sink.declare(name, TYPES[metadata.number(1) as usize]);
            }
            for sample in series.messages(2) {
                sink.sample(name, labels.iter().copied(), sample.double(1));
                sink.of(name).unwrap().start |= sample.number(3) != 0;
            }
            let arrived = sink.of(name).unwrap();
            arrived.exemplars += series.all(if is_2 { 4 } else { 3 }).count();
            for histogram in series.messages(if is_2 { 3 } else { 4 }) {
                arrived.native = Some(native(&histogram));
                arrived.start |= histogram.number(17) != 0;
            }
        }
    }
    sink
}

/// The attributes with texts in these fields.
fn attributes<'m>(message: &Message<'m>, number: u64) -> Vec<(&'m str, &'m str)> {
    message.messages(number).map(|pair| (pair.text(1), pair.messages(2).next().unwrap().text(1))).collect()
}

/// What a receiver of OTLP decodes. Types are those that the compatibility specification reads.
async fn exported() -> Sink {
    let receiver = Fixture::start(|_| (200, "application/x-protobuf", Vec::new()));
    let plug = with_all(json!({"otlp_url": format!("{}/v1/metrics", receiver.url)})).await;
    result(&plug, json!({"operation": "export_otlp"})).await;
    let mut sink = Sink::default();
    let asked = receiver.asked().remove(0);
    let request = Message::read(&asked.body);
    for metric in request
        .messages(1)
        .flat_map(|resource| resource.messages(2).collect::<Vec<_>>())
        .flat_map(|scope| scope.messages(2).collect::<Vec<_>>())
    {
        let name = metric.text(1);
        let data =
            [5, 7, 9, 10, 11].into_iter().find_map(|field| metric.messages(field).next().map(|data| (field, data)));
        let (field, data) = data.unwrap();
        let declared = attributes(&metric, 12).iter().find(|(key, _)| *key == "prometheus.type").unwrap().1;
        let kind = match (field, data.number(3), declared) {
            (5, _, "unknown") => "unknown",
            (5, ..) => "gauge",
            (7, 1, _) => "counter",
            (7, 0, "info" | "stateset") => declared,
            (7, ..) => "gauge",
            (11, ..) => "summary",
            _ => "histogram",
        };
        sink.declare(name, kind);
        for point in data.messages(1) {
            let labels = attributes(
                &point,
                if field == 10 {
                    1
                } else if field == 9 {
                    9
                } else {
                    7
                },
            );
            let with = |label: &'static str, value: f64| -> Vec<(String, String)> {
                let own = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
                own.chain([(label.to_owned(), value.to_string())]).collect()
            };
            let arrived = sink.of(name).unwrap();
            arrived.start |= point.number(2) != 0;
            // In the data point of a summary these fields are others.
            let exemplars = match field {
                5 | 7 => point.all(5).count(),
                9 => point.all(8).count(),
                _ => 0,
            };
            arrived.exemplars += exemplars;
            match field {
                5 | 7 => sink.sample(name, labels.iter().copied(), point.double(4)),
                10 => {
                    let buckets = point.messages(8).next().unwrap().packed(2).into_iter().filter(|count| *count > 0);
                    let counts = [point.number(7)].into_iter().chain(buckets).map(|count| count as f64).collect();
                    arrived.native = Some((point.number(4) as f64, point.double(5), counts));
                }
                _ => {
                    sink.sample(&format!("{name}_count"), labels.iter().copied(), point.number(4) as f64);
                    sink.sample(&format!("{name}_sum"), labels.iter().copied(), point.double(5));
                    let mut total = 0;
                    let fixed = |number| if field == 9 { point.fixed(number) } else { Vec::new() };
                    let bounds = fixed(7).into_iter().map(f64::from_bits).chain([f64::INFINITY]);
                    for (count, bound) in fixed(6).into_iter().zip(bounds) {
                        total += count;
                        let labels = with("le", bound);
                        let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                        sink.sample(&format!("{name}_bucket"), labels, total as f64);
                    }
                    for quantile in point.all(6).filter(|_| field == 11).map(|field| Message::read(field.bytes())) {
                        let labels = with("quantile", quantile.double(1));
                        let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                        sink.sample(name, labels, quantile.double(2));
                    }
                }
            }
        }
    }
    sink
}

async fn export(format: &str) -> String {
    let plug = with_all(json!({})).await;
    let exported = result(&plug, json!({"operation": "export_metrics", "export_format": format})).await;
    exported["exported_data"].as_str().unwrap().to_owned()
}

/// What our JSON has.
async fn json() -> Sink {
    let document: Value = serde_json::from_str(&export("json").await).unwrap();
    let mut sink = Sink::default();
    for family in document["families"].as_array().unwrap() {
        let name = family["name"].as_str().unwrap();
        sink.declare(name, family["type"].as_str().unwrap());
        for series in family["series"].as_array().unwrap() {
            let Some(arrived) = sink.of(name) else { continue };
            arrived.start |= series["created"].is_number();
            let buckets = series["buckets"].as_array().into_iter().flatten();
            arrived.exemplars += buckets.chain([series]).filter(|place| place["exemplar"].is_object()).count();
            if let Some(positive) = series["positive"].as_array() {
                let counts = [&series["zero_count"]].into_iter().chain(positive.iter().map(|bucket| &bucket["count"]));
                arrived.native = Some((number(&series["count"]), number(&series["sum"]), counts.map(number).collect()));
            }
        }
        for sample in family["samples"].as_array().unwrap() {
            sink.sample(sample["name"].as_str().unwrap(), pairs(&sample["labels"]), number(&sample["value"]));
        }
    }
    sink
}

/// What our CSV has. None of its cells here holds a comma.
async fn csv() -> Sink {
    let mut sink = Sink::default();
    for row in export("csv").await.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').map(str::trim).collect();
        let [name, kind, labels, value] = cells.as_slice() else { panic!("{row}") };
        sink.declare(name, kind);
        let labels = labels.trim_matches('"').replace("\"\"", "\"");
        let labels = labels.split_once('=').map(|(name, value)| (name, value.trim_matches('"')));
        sink.sample(name, labels, value.parse().unwrap());
    }
    sink
}

#[tokio::test]
async fn the_table_of_sinks_is_what_arrives() {
    if without_servers("the_table_of_sinks_is_what_arrives") {
        return;
    }
    let sinks = [
        ("Pushgateway 1.11", pushed().await),
        ("Prometheus 3 scrapes", scraped().await),
        ("remote write 2.0", written("2.0").await),
        ("remote write 1.0", written("1.0").await),
        ("OTLP", exported().await),
        ("JSON", json().await),
        ("CSV", csv().await),
    ];
    let names: Vec<&str> = sinks.iter().map(|(name, _)| *name).collect();
    let mut table = format!("| kind, by sink | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(sinks.len()));
    for kind in KINDS {
        let cells: Vec<String> = sinks.iter().map(|(_, sink)| sink.verdict(kind)).collect();
        let name = if kind.0 == "some" { "info".into() } else { kind.0.replace('_', " ") };
        let _ = writeln!(table, "| {name} | {} |", cells.join(" | "));
    }
    let path = crate::support::root().join("docs/formats.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once("| kind, by sink |").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let expected = format!("{before}{table}\n{after}");
    if std::env::var_os("UPDATE").is_some() {
        return std::fs::write(path, &expected).unwrap();
    }
    assert_eq!(document, expected, "docs/formats.md has another table; UPDATE=1 writes it");
}
