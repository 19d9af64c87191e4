//! OTLP exports of deltas.

use std::collections::BTreeMap;

use serde_json::json;

use super::remote_tests::{World, run, status, world};
use crate::Standalone;
use crate::http::{Failure, Request};
use core::time::Duration;

/// The schema for prost, as far as numbers and counts are concerned.
mod schema {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Request {
        #[prost(message, repeated, tag = "1")]
        pub(super) resource_metrics: Vec<ResourceMetrics>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ResourceMetrics {
        #[prost(message, optional, tag = "1")]
        pub(super) resource: Option<Resource>,
        #[prost(message, repeated, tag = "2")]
        pub(super) scope_metrics: Vec<ScopeMetrics>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Resource {
        #[prost(message, repeated, tag = "1")]
        pub(super) attributes: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct KeyValue {
        #[prost(string, tag = "1")]
        pub(super) key: String,
        #[prost(message, optional, tag = "2")]
        pub(super) value: Option<AnyValue>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct AnyValue {
        #[prost(string, tag = "1")]
        pub(super) string_value: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ScopeMetrics {
        #[prost(message, repeated, tag = "2")]
        pub(super) metrics: Vec<Metric>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Metric {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(message, optional, tag = "5")]
        pub(super) gauge: Option<Numbers>,
        #[prost(message, optional, tag = "7")]
        pub(super) sum: Option<Numbers>,
        #[prost(message, optional, tag = "9")]
        pub(super) histogram: Option<Counts>,
        #[prost(message, optional, tag = "10")]
        pub(super) exponential: Option<Counts>,
        #[prost(message, optional, tag = "11")]
        pub(super) summary: Option<Counts>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Numbers {
        #[prost(message, repeated, tag = "1")]
        pub(super) points: Vec<Number>,
        #[prost(int32, tag = "2")]
        pub(super) temporality: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Number {
        #[prost(fixed64, tag = "2")]
        pub(super) start: u64,
        #[prost(fixed64, tag = "3")]
        pub(super) time: u64,
        #[prost(double, tag = "4")]
        pub(super) value: f64,
    }

    /// Histograms, exponential ones and summaries.
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Counts {
        #[prost(message, repeated, tag = "1")]
        pub(super) points: Vec<Count>,
        #[prost(int32, tag = "2")]
        pub(super) temporality: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Count {
        #[prost(fixed64, tag = "2")]
        pub(super) start: u64,
        #[prost(fixed64, tag = "3")]
        pub(super) time: u64,
        #[prost(fixed64, tag = "4")]
        pub(super) count: u64,
    }
}

/// A data point: its service, metric, start, time and value or count.
pub(super) type Point = (String, String, u64, u64, f64);

/// The data points of a request by temporality: none, delta, cumulative.
pub(super) fn points(body: &[u8]) -> [Vec<Point>; 3] {
    let request: schema::Request = prost::Message::decode(body).unwrap();
    let mut found: [Vec<Point>; 3] = Default::default();
    for resource in request.resource_metrics {
        let service = resource.resource.unwrap().attributes.remove(0).value.unwrap().string_value;
        for metric in resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
            for data in metric.gauge.into_iter().chain(metric.sum) {
                let own = &mut found[data.temporality as usize];
                let points = data.points.into_iter();
                own.extend(
                    points.map(|point| (service.clone(), metric.name.clone(), point.start, point.time, point.value)),
                );
            }
            for data in metric.histogram.into_iter().chain(metric.exponential).chain(metric.summary) {
                let own = &mut found[data.temporality as usize];
                let points = data.points.into_iter().map(|point| (point.start, point.time, point.count as f64));
                own.extend(
                    points.map(|(start, time, count)| (service.clone(), metric.name.clone(), start, time, count)),
                );
            }
        }
    }
    found
}

/// What a receiver has counted that takes a later delta with the same start for the former one.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted(BTreeMap<(String, String, u64), f64>);

impl Counted {
    pub(super) fn take(&mut self, body: &[u8]) {
        let [_, deltas, _] = points(body);
        for (service, name, start, time, value) in deltas {
            assert!(start < time, "{name}: {start} {time}");
            self.0.insert((service, name, start), value);
        }
    }

    pub(super) fn total(&self, service: &str, name: &str) -> f64 {
        let own = self.0.iter().filter(|((of, metric, _), _)| of == service && metric == name);
        own.map(|(_, value)| value).sum()
    }
}

const BEGIN: u64 = 1_704_067_200_000_000_000;

fn seconds(world: &World, seconds: u64) {
    *world.now.borrow_mut() = Duration::from_secs(seconds);
}

/// Records one value of each kind.
fn record(plug: &mut Standalone<World>) {
    for (kind, name) in
        [("counter", "c_total"), ("histogram", "h"), ("native_histogram", "n"), ("summary", "s"), ("gauge", "g")]
    {
        let ctx = json!({"operation": "record_metric", "metric_type": kind, "metric_name": name, "metric_value": 2});
        assert_eq!(run(plug, ctx)["success"], true);
    }
}

fn export(plug: &mut Standalone<World>) -> serde_json::Value {
    run(plug, json!({"operation": "export_otlp", "otlp_temporality": "delta"}))
}

/// Name, start, time and value of the last request's points, in seconds since the beginning.
fn last(world: &World) -> [Vec<(String, u64, u64, f64)>; 3] {
    let seconds = |nanos: u64| nanos.saturating_sub(BEGIN) / 1_000_000_000;
    let asked: Vec<Request> = world.asked();
    points(&asked.last().unwrap().body).map(|points| {
        points.into_iter().map(|(_, name, start, time, value)| (name, seconds(start), seconds(time), value)).collect()
    })
}

fn named<const N: usize>(points: [(&str, u64, u64, f64); N]) -> Vec<(String, u64, u64, f64)> {
    points.map(|(name, start, time, value)| (name.to_owned(), start, time, value)).into()
}

#[test]
fn a_delta_is_what_was_counted_since_the_last_accepted_export() {
    let (mut plug, world) = world();
    world.answer(|_| status(200, ""));
    record(&mut plug);
    seconds(&world, 10);
    assert_eq!(export(&mut plug)["result"]["data_points"], 5);
    let [none, deltas, cumulative] = last(&world);
    assert_eq!(none, named([("g", 0, 10, 2.0), ("s", 0, 10, 1.0)]));
    assert_eq!(deltas, named([("c_total", 0, 10, 2.0), ("h", 0, 10, 1.0), ("n", 0, 10, 1.0)]));
    assert_eq!(cumulative, []);
    // What counted nothing is left out; gauges and summaries say how they are.
    seconds(&world, 20);
    assert_eq!(export(&mut plug)["result"]["data_points"], 2);
    assert_eq!(last(&world)[1], []);
    seconds(&world, 25);
    record(&mut plug);
    record(&mut plug);
    seconds(&world, 30);
    export(&mut plug);
    let [none, deltas, _] = last(&world);
    assert_eq!(none, named([("g", 0, 30, 2.0), ("s", 0, 30, 3.0)]));
    assert_eq!(deltas, named([("c_total", 20, 30, 4.0), ("h", 20, 30, 2.0), ("n", 20, 30, 2.0)]));
    // Each receiver has its own.
    seconds(&world, 40);
    let ctx = json!({"operation": "export_otlp", "otlp_temporality": "delta", "otlp_url": "http://other/v1/metrics"});
    run(&mut plug, ctx);
    assert_eq!(last(&world)[1][0], named([("c_total", 0, 40, 6.0)])[0]);
    // And all else is as ever.
    run(&mut plug, json!({"operation": "export_otlp"}));
    assert_eq!(last(&world)[2][0], named([("c_total", 0, 40, 6.0)])[0]);
}

#[test]
fn what_fails_is_part_of_the_next_delta() {
    let (mut plug, world) = world();
    let mut total = 0.0;
    for (second, answer) in
        [(10, status(503, "")), (20, status(400, "")), (30, Err(Failure::Timeout { after: Duration::from_millis(1) }))]
    {
        record(&mut plug);
        total += 2.0;
        seconds(&world, second);
        let answer = std::cell::RefCell::new(answer);
        world.answer(move |_| answer.replace(Err(Failure::Refused)));
        let answer = export(&mut plug);
        assert_eq!((&answer["pending"], &answer["lost"]), (&json!(5), &json!(0)), "{answer}");
        assert_eq!(last(&world)[1][0].3, total);
    }
    // A receiver that rejects some says that it must not be sent again.
    world.answer(|_| status(200, "\x0a\x06\x08\x01\x12\x02no"));
    seconds(&world, 40);
    let answer = export(&mut plug);
    assert_eq!((&answer["result"]["accepted"], &answer["result"]["rejected_data_points"]), (&json!(4), &json!(1)));
    assert_eq!(last(&world)[1][0], named([("c_total", 0, 40, total)])[0]);
    record(&mut plug);
    seconds(&world, 50);
    export(&mut plug);
    assert_eq!(last(&world)[1][0], named([("c_total", 40, 50, 2.0)])[0]);
    // What was rejected, twice.
    let text = run(&mut plug, json!({"operation": "export_metrics", "own_metrics": true})).to_string();
    assert!(text.contains("plugpipe_monitoring_values_lost_total 2\\n"), "{text}");
}

#[test]
fn groups_resets_and_imports_have_deltas_of_their_own() {
    let (mut plug, world) = world();
    world.answer(|_| status(200, ""));
    let mut counted = Counted::default();
    let mut take = |plug: &mut Standalone<World>| {
        let answer = export(plug);
        counted.take(&world.asked().last().unwrap().body);
        answer
    };
    let counter = |job: &str| json!({"operation": "record_counter", "metric_name": "c_total", "metric_value": 1, "job_name": job});
    for (second, jobs) in [(10, &["plugpipe", "a"][..]), (20, &["a"]), (30, &["b", "plugpipe", "a"])] {
        for job in jobs {
            run(&mut plug, counter(job));
        }
        seconds(&world, second);
        assert_eq!(take(&mut plug)["result"]["data_points"], jobs.len());
    }
    seconds(&world, 35);
    run(&mut plug, json!({"operation": "clear_metrics"}));
    run(&mut plug, counter("a"));
    seconds(&world, 40);
    take(&mut plug);
    let totals = ["plugpipe", "a", "b"].map(|service| counted.total(service, "c_total"));
    assert_eq!(totals, [2.0, 4.0, 1.0]);
}

#[test]
fn what_deltas_leave_out_is_a_warning() {
    let (mut plug, world) = world();
    let text = "# TYPE c counter\nc_total 7\n# TYPE d counter\nd_total 7\nd_created 1500000000\n\
        # TYPE gh gaugehistogram\ngh_bucket{le=\"1\"} 1\ngh_bucket{le=\"+Inf\"} 1\ngh_gcount 1\ngh_gsum 1\n# EOF\n";
    let content = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    world.answer(move |request| {
        let mut answer = status(200, if request.url.to_string() == "http://e/metrics" { text } else { "" })?;
        answer.headers.push(("content-type".into(), content.into()));
        Ok(answer)
    });
    let scrape = json!({"operation": "scrape_endpoint", "endpoint_url": "http://e/metrics", "import": true});
    let scraped = run(&mut plug, scrape);
    assert_eq!(scraped["result"]["imported"]["series"], 3, "{scraped}");
    let ctx = json!({"operation": "export_otlp", "otlp_temporality": "delta", "own_metrics": true});
    let answer = run(&mut plug, ctx);
    let warnings: Vec<&str> =
        answer["warnings"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert_eq!(warnings.len(), 3, "{answer}");
    for (warning, begins) in warnings.iter().zip([
        "own_metrics: ",
        "gh: OTLP has no gauge histograms",
        "otlp_temporality: 1 imported series",
    ]) {
        assert!(warning.starts_with(begins), "{answer}");
    }
    assert_eq!(last(&world)[1].len(), 1);
    let answer = export(&mut plug);
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 1, "{answer}");
}

#[test]
fn there_is_a_bound_on_receivers_of_deltas() {
    let (mut plug, world) = world();
    world.answer(|_| status(200, ""));
    for number in 0..5 {
        let url = format!("http://o{number}/v1/metrics");
        let answer = run(&mut plug, json!({"operation": "export_otlp", "otlp_temporality": "delta", "otlp_url": url}));
        assert_eq!(answer["success"], number < 4, "{answer}");
        assert_eq!(answer["error_code"] == "limit_reached", number == 4, "{answer}");
    }
}
