use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::Standalone;
use crate::http::{Clock, Failure, Limits, Request, Response, Transport};
use core::time::Duration;

type Answers = dyn FnMut(&Request) -> Result<Response, Failure>;

/// A fake receiver, and the requests it received.
#[derive(Clone)]
pub(super) struct World {
    answers: Rc<RefCell<Box<Answers>>>,
    asked: Rc<RefCell<Vec<Request>>>,
    pub(super) now: Rc<RefCell<Duration>>,
}

impl Clock for World {
    fn unix_nanos(&self) -> u64 {
        1_704_067_200_000_000_000 + self.monotonic().as_nanos() as u64
    }

    fn monotonic(&self) -> Duration {
        *self.now.borrow()
    }
}

impl Transport for World {
    fn send_all(&mut self, requests: &[&Request], limits: &Limits) -> Vec<Result<Response, Failure>> {
        let answer = |request: &&Request| {
            self.asked.borrow_mut().push((*request).clone());
            let answer = (self.answers.borrow_mut())(request);
            if let Err(Failure::Timeout { .. }) = answer {
                *self.now.borrow_mut() += limits.total;
            }
            answer
        };
        requests.iter().map(answer).collect()
    }

    fn sleep(&mut self, duration: Duration) {
        *self.now.borrow_mut() += duration;
    }
}

impl World {
    pub(super) fn answer(&self, answers: impl FnMut(&Request) -> Result<Response, Failure> + 'static) {
        *self.answers.borrow_mut() = Box::new(answers);
    }

    pub(super) fn asked(&self) -> Vec<Request> {
        std::mem::take(&mut self.asked.borrow_mut())
    }
}

pub(super) fn world() -> (Standalone<World>, World) {
    let world = World {
        answers: Rc::new(RefCell::new(Box::new(|_| Err(Failure::Refused)))),
        asked: Rc::default(),
        now: Rc::default(),
    };
    (Standalone::new(world.clone()), world)
}

pub(super) fn run(plug: &mut Standalone<World>, ctx: Value) -> Value {
    let cfg = json!({"remote_write_url": "http://u:secret@h:9090/api/v1/write?x=1", "otlp_url": "http://o:1/v1/metrics", "retry_attempts": 1});
    let mut answer: Value = serde_json::from_str(&plug.process(&ctx.to_string(), &cfg.to_string())).unwrap();
    // Tested in `tests/exchange.rs`.
    answer["result"].as_object_mut().map(|result| result.remove("exchange"));
    answer
}

fn gauge(plug: &mut Standalone<World>, label: &str, value: f64) {
    let ctx = json!({"operation": "record_gauge", "metric_name": "g", "metric_value": value, "labels": {"a": label}});
    assert_eq!(run(plug, ctx)["success"], true);
}

fn write(plug: &mut Standalone<World>) -> Value {
    run(plug, json!({"operation": "remote_write_metrics"}))
}

pub(super) fn status(status: u16, body: &str) -> Result<Response, Failure> {
    Ok(Response { status, headers: Vec::new(), body: body.into() })
}

fn says_written(status: u16, samples: u64) -> Result<Response, Failure> {
    let header = |name: &str, count: u64| (format!("x-prometheus-remote-write-{name}-written"), count.to_string());
    let headers = vec![header("samples", samples), header("histograms", 0), header("exemplars", 0)];
    Ok(Response { status, headers, body: Vec::new() })
}

fn header<'r>(request: &'r Request, name: &str) -> &'r str {
    request.headers.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| value)
}

fn is_2(request: &Request) -> bool {
    header(request, "x-prometheus-remote-write-version") == "2.0.0"
}

/// Times (since the plug's beginning) and values of the samples in a 1.0 body, by series.
fn samples(request: &Request) -> Vec<(i64, f64)> {
    #[derive(Clone, PartialEq, prost::Message)]
    struct WriteRequest {
        #[prost(message, repeated, tag = "1")]
        timeseries: Vec<TimeSeries>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    struct TimeSeries {
        #[prost(message, repeated, tag = "2")]
        samples: Vec<Sample>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    struct Sample {
        #[prost(double, tag = "1")]
        value: f64,
        #[prost(int64, tag = "2")]
        timestamp: i64,
    }
    let body = snap::raw::Decoder::new().decompress_vec(&request.body).unwrap();
    let request: WriteRequest = prost::Message::decode(&*body).unwrap();
    let samples = request.timeseries.into_iter().flat_map(|series| series.samples);
    samples.map(|sample| (sample.timestamp - 1_704_067_200_000, sample.value)).collect()
}

#[test]
fn counts_reported_by_a_2_0_receiver_are_returned() {
    let (mut plug, world) = world();
    world.answer(|_| says_written(204, 1));
    gauge(&mut plug, "x", 1.0);
    let answer = write(&mut plug);
    let expected = json!({
        "written": {"samples": 1, "histograms": 0, "exemplars": 0}, "confirmed": true, "version": "2.0", "requests": 1,
        "pending": 0, "receiver": "http://h:9090/api/v1/write",
    });
    assert_eq!(answer["result"], expected);
    let asked = world.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].url.to_string(), "http://h:9090/api/v1/write?x=1");
    assert_eq!(header(&asked[0], "content-type"), "application/x-protobuf;proto=io.prometheus.write.v2.Request");
    assert_eq!(header(&asked[0], "content-encoding"), "snappy");
    assert!(header(&asked[0], "user-agent").starts_with("plugpipe"));
    assert!(is_2(&asked[0]) && header(&asked[0], "authorization").starts_with("Basic "));
    let health = run(&mut plug, json!({"operation": "health_check"}));
    assert_eq!(health["result"]["unpushed"], false);
}

#[test]
fn a_1_0_receiver_is_detected_once() {
    for old in [204, 415] {
        let (mut plug, world) = world();
        world.answer(move |request| status(if is_2(request) { old } else { 204 }, ""));
        gauge(&mut plug, "x", 2.5);
        let answer = write(&mut plug);
        let result = &answer["result"];
        assert_eq!((&result["version"], &result["confirmed"]), (&json!("1.0"), &json!(false)), "{answer}");
        assert_eq!((&result["requests"], &result["written"]["samples"]), (&json!(2), &json!(1)), "{answer}");
        let asked = world.asked();
        assert_eq!(asked.iter().map(is_2).collect::<Vec<_>>(), [true, false]);
        assert_eq!(header(&asked[1], "content-type"), "application/x-protobuf");
        assert_eq!(header(&asked[1], "x-prometheus-remote-write-version"), "0.1.0");
        assert_eq!(samples(&asked[1]), [(0, 2.5)]);
        assert_eq!(write(&mut plug)["result"]["requests"], 1);
    }
}

#[test]
fn a_400_from_a_receiver_of_which_nothing_is_known_may_be_about_the_version() {
    // One that cannot decode 2.0.
    let (mut plug, world) = world();
    world.answer(|request| status(if is_2(request) { 400 } else { 204 }, "cannot parse"));
    gauge(&mut plug, "x", 2.5);
    let answer = write(&mut plug);
    let result = &answer["result"];
    assert_eq!((&result["version"], &result["requests"]), (&json!("1.0"), &json!(2)), "{answer}");
    assert_eq!(write(&mut plug)["result"]["requests"], 1);
    world.asked();

    // One of 2.0 says what it wrote, and one that names a value has read it.
    for about_values in [says_written(400, 0), status(400, "out of order sample")] {
        let (mut plug, world) = self::world();
        let about_values = about_values.unwrap();
        world.answer(move |_| Ok(about_values.clone()));
        gauge(&mut plug, "x", 2.5);
        assert_eq!(write(&mut plug)["lost"], 1);
        assert!(world.asked().iter().all(is_2));
    }

    // One that reads 2.0 alone refused the value.
    let (mut plug, world) = self::world();
    world.answer(|request| status(if is_2(request) { 400 } else { 415 }, "no"));
    gauge(&mut plug, "x", 2.5);
    let answer = write(&mut plug);
    assert_eq!((&answer["lost"], &answer["http_status"]), (&json!(1), &json!(400)), "{answer}");
    assert_eq!(world.asked().iter().map(is_2).collect::<Vec<_>>(), [true, false]);
    write(&mut plug);
    assert_eq!(world.asked().iter().map(is_2).collect::<Vec<_>>(), [true]);

    // With a version configured it is about the values.
    let (mut plug, world) = self::world();
    world.answer(|_| status(400, "no"));
    gauge(&mut plug, "x", 2.5);
    let answer = run(&mut plug, json!({"operation": "remote_write_metrics", "remote_write_version": "2.0"}));
    assert_eq!((&answer["lost"], world.asked().len()), (&json!(1), 1), "{answer}");
}

#[test]
fn only_the_configured_version_is_used() {
    let (mut plug, world) = world();
    world.answer(|_| status(204, ""));
    gauge(&mut plug, "x", 1.0);
    let answer = run(&mut plug, json!({"operation": "remote_write_metrics", "remote_write_version": "2.0"}));
    assert_eq!((&answer["error_code"], &answer["pending"]), (&json!("refused"), &json!(1)), "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("set remote_write_version to auto"), "{answer}");
    assert_eq!(world.asked().len(), 1);
    let answer = run(&mut plug, json!({"operation": "remote_write_metrics", "remote_write_version": 1.0}));
    assert_eq!(answer["result"]["version"], "1.0", "{answer}");
    assert!(world.asked().iter().all(|request| !is_2(request)));
}

#[test]
fn queued_values_keep_their_timestamps() {
    let (mut plug, world) = world();
    for second in 0..3 {
        *world.now.borrow_mut() = Duration::from_secs(second);
        gauge(&mut plug, "x", second as f64);
        let answer = write(&mut plug);
        assert_eq!((&answer["error_code"], &answer["origin"]), (&json!("unreachable"), &json!("http://h:9090")));
        assert_eq!((&answer["pending"], &answer["lost"]), (&json!(second + 1), &json!(0)), "{answer}");
        assert!(!answer.to_string().contains("secret"), "{answer}");
    }
    world.asked();
    world.answer(|request| status(if is_2(request) { 415 } else { 200 }, ""));
    *world.now.borrow_mut() = Duration::from_secs(3);
    let answer = write(&mut plug);
    assert_eq!((&answer["result"]["written"]["samples"], &answer["result"]["pending"]), (&json!(4), &json!(0)));
    assert_eq!(samples(&world.asked()[1]), [(0, 0.0), (1_000, 1.0), (2_000, 2.0), (3_000, 2.0)]);
}

#[test]
fn the_queue_is_bounded_and_drops_the_oldest_values() {
    let (mut plug, world) = world();
    let ctx = json!({"operation": "remote_write_metrics", "remote_write_capacity": 3});
    for second in 0..5 {
        *world.now.borrow_mut() = Duration::from_secs(second);
        gauge(&mut plug, "x", second as f64);
        let answer = run(&mut plug, ctx.clone());
        assert_eq!(answer["lost"], u64::from(second >= 3), "{answer}");
        let warned = answer["warnings"].to_string().contains("1 values were dropped, the oldest first");
        assert_eq!(warned, second >= 3, "{answer}");
    }
    world.answer(|request| status(if is_2(request) { 415 } else { 200 }, ""));
    world.asked();
    assert_eq!(run(&mut plug, ctx)["result"]["written"]["samples"], 4);
    assert_eq!(samples(&world.asked()[1])[0], (2_000, 2.0));
}

#[test]
fn values_that_are_too_old_are_dropped() {
    let (mut plug, world) = world();
    let ctx = json!({"operation": "remote_write_metrics", "remote_write_max_age": "5s"});
    for (second, lost, pending) in [(0, 0, 1), (3, 0, 2), (5, 0, 3), (9, 2, 2)] {
        *world.now.borrow_mut() = Duration::from_secs(second);
        gauge(&mut plug, "x", second as f64);
        let answer = run(&mut plug, ctx.clone());
        assert_eq!((&answer["lost"], &answer["pending"]), (&json!(lost), &json!(pending)), "{answer}");
    }
    // Two hours, where nothing is said.
    let (mut plug, world) = self::world();
    for (second, lost) in [(0, 0), (7_200, 0), (7_201, 1)] {
        *world.now.borrow_mut() = Duration::from_secs(second);
        gauge(&mut plug, "x", second as f64);
        assert_eq!(write(&mut plug)["lost"], lost, "{second}");
    }
}

#[test]
fn a_rejected_value_does_not_affect_others() {
    let (mut plug, world) = world();
    let kept = picky(&world, 400, "out of order sample", |value| value == 13.0);
    (0..50).for_each(|value| gauge(&mut plug, &value.to_string(), f64::from(value)));
    let answer = write(&mut plug);
    assert_eq!((&answer["error_code"], &answer["http_status"]), (&json!("refused"), &json!(400)), "{answer}");
    assert_eq!((&answer["written"], &answer["lost"]), (&json!(49), &json!(1)), "{answer}");
    let text = answer["error"].as_str().unwrap();
    assert!(text.contains("out of order sample") && text.contains("it has a later sample"), "{text}");
    let mut kept: Vec<u32> = kept.borrow().iter().map(|(_, value)| *value as u32).collect();
    kept.sort_unstable();
    assert_eq!(kept, (0..50).filter(|value| *value != 13).collect::<Vec<_>>());
}

/// A 1.0 receiver that rejects requests with a value that `is_bad`, and the accepted times and
/// values.
fn picky(
    world: &World,
    code: u16,
    text: &'static str,
    is_bad: impl Fn(f64) -> bool + 'static,
) -> Rc<RefCell<Vec<(i64, f64)>>> {
    let kept = Rc::new(RefCell::new(Vec::new()));
    let keeps = kept.clone();
    world.answer(move |request| {
        if is_2(request) {
            return status(415, "");
        }
        let samples = samples(request);
        if samples.iter().any(|(_, value)| is_bad(*value)) {
            return status(code, text);
        }
        keeps.borrow_mut().extend(samples);
        status(204, "")
    });
    kept
}

fn retrying(plug: &mut Standalone<World>, operation: &str) -> Value {
    run(plug, json!({"operation": operation, "retry_attempts": 3}))
}

#[test]
fn a_rejection_with_status_500_loses_only_the_bad_values_and_is_not_retried() {
    for text in ["too old sample\n", "out of bounds\n", "add 50 samples: out of order sample\n"] {
        let (mut plug, world) = world();
        gauge(&mut plug, "x", 13.0);
        assert_eq!(write(&mut plug)["pending"], 1);
        world.asked();
        let kept = picky(&world, 500, text, |value| value == 13.0);
        *world.now.borrow_mut() = Duration::from_secs(9);
        (0..41).for_each(|value| gauge(&mut plug, &value.to_string(), f64::from(value)));
        gauge(&mut plug, "x", 7.0);
        gauge(&mut plug, "13", 7.0);
        let answer = retrying(&mut plug, "remote_write_metrics");
        assert_eq!((&answer["error_code"], &answer["http_status"]), (&json!("refused"), &json!(500)), "{answer}");
        let counts = (&answer["written"], &answer["lost"], &answer["pending"]);
        assert_eq!(counts, (&json!(42), &json!(1), &json!(0)), "{answer}");
        // 43 values, halved until the first is alone; then one, two, four and so on; and the probe
        // for 2.0.
        assert_eq!(world.asked().len(), 1 + 6 + 6, "{text}");
        assert!(kept.borrow().iter().all(|(time, _)| *time == 9_000), "{:?}", kept.borrow());
        assert_eq!(retrying(&mut plug, "remote_write_metrics")["result"]["pending"], 0);
        let text = run(&mut plug, json!({"operation": "export_metrics", "own_metrics": true}));
        assert!(text.to_string().contains("plugpipe_monitoring_values_lost_total 1\\n"), "{text}");
    }
}

#[test]
fn the_plugs_own_metrics_are_not_written_and_are_no_change() {
    let (mut plug, world) = world();
    gauge(&mut plug, "x", 1.0);
    let text = run(&mut plug, json!({"operation": "export_metrics", "own_metrics": true}));
    assert!(text.to_string().contains("plugpipe_monitoring_series 1\\n"), "{text}");
    world.answer(|request| status(if is_2(request) { 415 } else { 200 }, ""));
    for operation in ["remote_write_metrics", "export_otlp"] {
        let wanted = json!({"operation": operation, "if_changed": true, "own_metrics": true});
        let first = run(&mut plug, wanted.clone());
        assert_eq!((&first["success"], first["result"].get("unchanged")), (&json!(true), None), "{first}");
        if operation == "remote_write_metrics" {
            assert_eq!(samples(world.asked().last().unwrap()), [(0, 1.0)]);
        }
        let again = run(&mut plug, wanted);
        assert_eq!(again["result"]["unchanged"], true, "{again}");
    }
}

#[test]
fn what_does_not_change_is_sent_once_in_two_minutes() {
    for operation in ["remote_write_metrics", "export_otlp"] {
        let (mut plug, world) = world();
        gauge(&mut plug, "x", 1.0);
        world.answer(|request| status(if is_2(request) { 415 } else { 200 }, ""));
        // Prometheus takes a series for gone that has had no sample for five minutes.
        for (second, unchanged) in [(0, false), (60, true), (119, true), (120, false), (239, true), (300, false)] {
            *world.now.borrow_mut() = Duration::from_secs(second);
            let answer = run(&mut plug, json!({"operation": operation, "if_changed": true}));
            assert_eq!(answer["result"]["unchanged"] == true, unchanged, "{second}: {answer}");
        }
    }
}

#[test]
fn values_are_resent_in_order_with_their_timestamps() {
    let (mut plug, world) = world();
    for second in 0..9 {
        *world.now.borrow_mut() = Duration::from_secs(second);
        gauge(&mut plug, "x", second as f64);
        write(&mut plug);
    }
    let kept = picky(&world, 500, "too old sample", |value| matches!(value as u32, 2 | 3 | 6));
    *world.now.borrow_mut() = Duration::from_secs(9);
    let answer = write(&mut plug);
    assert_eq!((&answer["written"], &answer["lost"], &answer["pending"]), (&json!(7), &json!(3), &json!(0)));
    let expected = [(0, 0.0), (1_000, 1.0), (4_000, 4.0), (5_000, 5.0), (7_000, 7.0), (8_000, 8.0), (9_000, 8.0)];
    assert_eq!(*kept.borrow(), expected);
}

#[test]
fn a_failure_of_the_receiver_keeps_the_values_and_is_retried() {
    for text in ["context deadline exceeded", "out of memory", "log samples: no space left on device"] {
        let (mut plug, world) = world();
        world.answer(move |_| status(500, text));
        gauge(&mut plug, "x", 1.0);
        let answer = retrying(&mut plug, "remote_write_metrics");
        assert_eq!((&answer["pending"], &answer["lost"]), (&json!(1), &json!(0)), "{answer}");
        assert_eq!(world.asked().len(), 3, "{text}");
    }
}

#[test]
fn many_rejected_values_take_several_calls_and_do_not_affect_others() {
    let (mut plug, world) = world();
    let kept = picky(&world, 400, "out of order sample", |value| value as u32 % 2 == 1);
    let metrics: Vec<_> =
        (0..1_000).map(|at| json!({"name": "g", "type": "gauge", "value": at, "labels": {"a": at}})).collect();
    run(&mut plug, json!({"operation": "record_multiple_metrics", "metrics": metrics}));
    let mut lost = 0;
    let mut answer = write(&mut plug);
    for call in 0.. {
        lost += answer["lost"].as_u64().unwrap();
        if answer["pending"] == 0 {
            break;
        }
        assert!(call < 20 && world.asked().len() < 1_100, "{answer}");
        // Only accepted values.
        run(&mut plug, json!({"operation": "clear_metrics"}));
        answer = write(&mut plug);
    }
    assert_eq!(lost, 500);
    let values: std::collections::BTreeSet<u32> = kept.borrow().iter().map(|(_, value)| *value as u32).collect();
    assert!((0..1_000).step_by(2).all(|value| values.contains(&value)), "{}", values.len());
}

#[test]
fn a_partial_write_of_a_2_0_receiver_is_not_resent() {
    let (mut plug, world) = world();
    world.answer(|_| says_written(400, 7));
    (0..10).for_each(|value| gauge(&mut plug, &value.to_string(), 1.0));
    let answer = write(&mut plug);
    assert_eq!((&answer["written"], &answer["lost"], &answer["pending"]), (&json!(7), &json!(3), &json!(0)));
    assert_eq!(world.asked().len(), 1);
}

#[test]
fn rejected_native_histograms_do_not_block_other_values() {
    let (mut plug, world) = world();
    let mut asked = 0;
    world.answer(move |_| {
        asked += 1;
        if asked == 1 { status(500, "native histograms are disabled\n") } else { says_written(204, 1) }
    });
    for series in 0..200 {
        let ctx = json!({
            "operation": "record_metric", "metric_type": "native_histogram", "metric_name": "n", "metric_value": 1,
            "labels": {"a": series},
        });
        assert_eq!(run(&mut plug, ctx)["success"], true);
    }
    gauge(&mut plug, "x", 1.0);
    let answer = write(&mut plug);
    assert_eq!((&answer["written"], &answer["lost"], &answer["pending"]), (&json!(1), &json!(200), &json!(0)));
    assert!(answer["error"].as_str().unwrap().contains("enable native histograms"), "{answer}");
    assert_eq!(world.asked().len(), 2);
}

#[test]
fn values_are_kept_on_configuration_errors() {
    for (code, told) in [(401, "credentials"), (404, "--web.enable-remote-write-receiver"), (302, "remote_write_url")] {
        let (mut plug, world) = world();
        world.answer(move |_| status(code, "no"));
        gauge(&mut plug, "x", 1.0);
        let answer = write(&mut plug);
        assert_eq!((&answer["http_status"], &answer["pending"]), (&json!(code), &json!(1)), "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(told), "{answer}");
    }
}

#[test]
fn many_values_are_split_into_several_requests() {
    let (mut plug, world) = world();
    world.answer(|request| status(if is_2(request) { 204 } else { 200 }, ""));
    let metrics: Vec<_> =
        (0..4_500).map(|at| json!({"name": "g", "type": "gauge", "value": at, "labels": {"a": at}})).collect();
    run(&mut plug, json!({"operation": "record_multiple_metrics", "metrics": metrics}));
    let answer = write(&mut plug);
    assert_eq!(answer["result"]["written"]["samples"], 4_500, "{answer}");
    let sizes: Vec<_> = world.asked().iter().map(|request| samples(request).len()).collect();
    assert_eq!(sizes, [0, 2_000, 2_000, 500]);
}

#[test]
fn a_silent_receiver_costs_one_timeout() {
    let (mut plug, world) = world();
    world.answer(|_| Err(Failure::Timeout { after: Duration::from_secs(10) }));
    gauge(&mut plug, "x", 1.0);
    assert_eq!(write(&mut plug)["error_code"], "timeout");
    assert_eq!(world.asked().len(), 1);
}

#[test]
fn cleanup_ends_the_series_that_were_written_and_asks_nobody_else() {
    let cleanup = |plug: &mut Standalone<World>| -> Value { serde_json::from_str(&plug.cleanup()).unwrap() };
    let (mut plug, world) = world();
    gauge(&mut plug, "x", 1.0);
    assert_eq!(cleanup(&mut plug)["result"].get("remote_write"), None);
    assert!(world.asked().is_empty());

    world.answer(|request| status(if is_2(request) { 415 } else { 200 }, ""));
    gauge(&mut plug, "x", 1.0);
    write(&mut plug);
    world.asked();
    let answer = cleanup(&mut plug);
    let expected = json!([{"receiver": "http://h:9090/api/v1/write", "series_ended": 1, "delivered": true}]);
    assert_eq!(answer["result"]["remote_write"], expected);
    let asked = world.asked();
    assert_eq!(samples(&asked[0])[0].1.to_bits(), 0x7ff0_0000_0000_0002);
    assert_eq!(cleanup(&mut plug)["result"].get("remote_write"), None);

    gauge(&mut plug, "x", 1.0);
    write(&mut plug);
    world.answer(|_| Err(Failure::Refused));
    let answer = cleanup(&mut plug);
    let told = &answer["result"]["remote_write"][0];
    assert_eq!((&told["delivered"], &told["lost"]), (&json!(false), &json!(1)), "{answer}");
    assert_eq!(told["error_code"], "unreachable");
}

#[test]
fn a_removed_series_gets_a_stale_marker_with_the_next_write() {
    let (mut plug, world) = world();
    world.answer(|request| status(if is_2(request) { 415 } else { 200 }, ""));
    gauge(&mut plug, "x", 1.0);
    gauge(&mut plug, "y", 2.0);
    write(&mut plug);
    world.asked();
    run(&mut plug, json!({"operation": "remove_metric", "metric_name": "g", "labels": {"a": "x"}}));
    write(&mut plug);
    let mut bits: Vec<_> = samples(&world.asked()[0]).into_iter().map(|(_, value)| value.to_bits()).collect();
    bits.sort_unstable();
    assert_eq!(bits, [2_f64.to_bits(), 0x7ff0_0000_0000_0002]);
}

#[test]
fn a_missing_receiver_is_an_error_except_in_mock_mode() {
    let (mut plug, world) = world();
    for (operation, field) in [("remote_write_metrics", "remote_write_url"), ("export_otlp", "otlp_url")] {
        let ctx = json!({"operation": operation}).to_string();
        let answer: Value = serde_json::from_str(&plug.process(&ctx, "")).unwrap();
        assert_eq!((&answer["error_code"], &answer["field"]), (&json!("not_configured"), &json!(field)));
    }
    for operation in ["remote_write_metrics", "export_otlp"] {
        let answer = run(&mut plug, json!({"operation": operation, "mock_mode": true}));
        assert_eq!((&answer["success"], &answer["result"]["mock"]), (&json!(true), &json!(true)), "{answer}");
    }
    assert!(world.asked().is_empty());
}

#[test]
fn an_export_reports_rejected_data_points() {
    let (mut plug, world) = world();
    gauge(&mut plug, "x", 1.0);
    gauge(&mut plug, "y", 1.0);
    world.answer(|_| status(200, "\x0a\x06\x08\x01\x12\x02no"));
    let answer = run(&mut plug, json!({"operation": "export_otlp"}));
    let expected = json!({
        "data_points": 2, "accepted": 1, "rejected_data_points": 1, "message": "no", "receiver": "http://o:1/v1/metrics",
    });
    assert_eq!(answer["result"], expected);
    let warning = "http://o:1/v1/metrics: the receiver rejected 1 of 2 data points: no";
    assert_eq!(answer["warnings"], json!([warning]), "{answer}");
    assert_eq!(header(&world.asked()[0], "content-type"), "application/x-protobuf");
    world.answer(|_| status(200, "\x0a\x04\x12\x02hm"));
    let answer = run(&mut plug, json!({"operation": "export_otlp"}));
    assert_eq!(answer["warnings"], json!(["http://o:1/v1/metrics: the receiver warns: hm"]), "{answer}");
    world.answer(|_| status(200, ""));
    let answer = run(&mut plug, json!({"operation": "export_otlp"}));
    assert_eq!((&answer["result"]["accepted"], answer["result"].get("message")), (&json!(2), None));
    world.answer(|_| status(404, ""));
    let answer = run(&mut plug, json!({"operation": "export_otlp"}));
    assert!(answer["error"].as_str().unwrap().contains("--web.enable-otlp-receiver"), "{answer}");
    // 1 was rejected, and 2 failed with 404.
    assert_eq!((&answer["lost"], &answer["http_status"]), (&json!(2), &json!(404)), "{answer}");
    let text = run(&mut plug, json!({"operation": "export_metrics", "own_metrics": true}));
    assert!(text.to_string().contains("plugpipe_monitoring_values_lost_total 3\\n"), "{text}");
    // That they were asked for once brings them into no other exposition.
    let text = run(&mut plug, json!({"operation": "export_metrics"}));
    assert!(!text.to_string().contains("plugpipe_monitoring"), "{text}");
}

#[test]
fn an_export_is_retried_like_other_requests() {
    for code in [429, 502, 503, 504] {
        let (mut plug, world) = world();
        gauge(&mut plug, "x", 1.0);
        let mut asked = 0;
        world.answer(move |_| {
            asked += 1;
            let headers = vec![("retry-after".to_owned(), "2".to_owned())];
            if asked < 3 { Ok(Response { status: code, headers, body: Vec::new() }) } else { status(200, "") }
        });
        let answer = retrying(&mut plug, "export_otlp");
        assert_eq!(answer["result"]["accepted"], 1, "{answer}");
        let asked = world.asked();
        assert!(asked.len() == 3 && asked.iter().all(|request| request.body == asked[0].body), "{code}");
        // Twice the delay that the receiver requested.
        assert_eq!(world.now.borrow().as_secs(), 4, "{code}");
    }
}

#[test]
fn an_export_reports_lost_values() {
    for (code, times) in [(503, 3), (500, 1), (400, 1)] {
        let (mut plug, world) = world();
        gauge(&mut plug, "x", 1.0);
        gauge(&mut plug, "y", 1.0);
        world.answer(move |_| {
            let headers = vec![("content-type".to_owned(), "application/x-protobuf".to_owned())];
            Ok(Response { status: code, headers, body: b"\x08\x03\x12\x08bad name".to_vec() })
        });
        let answer = retrying(&mut plug, "export_otlp");
        let told = (&answer["error_code"], &answer["http_status"], &answer["lost"], &answer["pending"]);
        assert_eq!(told, (&json!("refused"), &json!(code), &json!(2), &json!(0)), "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(&format!("{code}: bad name. ")), "{answer}");
        assert_eq!(world.asked().len(), times, "{code}");
    }
    let (mut plug, world) = world();
    gauge(&mut plug, "x", 1.0);
    let answer = retrying(&mut plug, "export_otlp");
    assert_eq!((&answer["error_code"], &answer["lost"]), (&json!("unreachable"), &json!(1)), "{answer}");
    assert_eq!(world.asked().len(), 3);
    world.answer(|_| {
        let headers = vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())];
        Ok(Response { status: 200, headers, body: b"<html>log in</html>".to_vec() })
    });
    let answer = retrying(&mut plug, "export_otlp");
    assert_eq!((&answer["error_code"], &answer["lost"]), (&json!("bad_answer"), &json!(1)), "{answer}");
}
