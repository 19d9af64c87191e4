//! Whether the plug judges a push as the gateway does: cases by hand, and random ones whose
//! verdicts are compared.

use std::borrow::Cow;

use monitoring_prometheus::http::{Response, Url};
use monitoring_prometheus::registry::{LabelName, Labels};
use monitoring_prometheus::servers::pushgateway::Group;
use monitoring_prometheus::servers::pushgateway::groups::{Abilities, groups, own_families};
use monitoring_prometheus::servers::pushgateway::preflight::{Conflict, PushedFamily, Series, Target, check};
use serde_json::{Value, json};

use crate::cli::serve::{get, send};
use crate::support::{pushgateway, pushgateway_1_11, scale, start, without_servers};

/// How many pushes are compared with each gateway's verdict.
fn rounds() -> u32 {
    scale("PLUGPIPE_SOAK_PREFLIGHT_ROUNDS", 200) as u32
}

/// Numbers that look random and are the same in each run (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

fn group(job: &str, labels: &[(&str, &str)]) -> Group {
    let labels = labels.iter().map(|(name, value)| (LabelName::new(name, "l").unwrap(), (*value).into())).collect();
    Group { job: job.into(), labels: Labels::of(labels, "l").unwrap() }
}

fn family(name: &'static str, kind: &'static str, series: &[&[(&'static str, &'static str)]]) -> PushedFamily<'static> {
    let series = series.iter().map(|labels| Series {
        labels: labels.iter().map(|(name, value)| (Cow::Borrowed(*name), *value)).collect(),
        timestamp: false,
    });
    PushedFamily { name: name.into(), kind, help: "", series: series.collect() }
}

/// As text 0.0.4.
fn text(push: &[PushedFamily]) -> String {
    let mut text = String::new();
    for family in push {
        if !family.help.is_empty() {
            text += &format!("# HELP {} {}\n", family.name, family.help);
        }
        text += &format!("# TYPE {} {}\n", family.name, family.kind.to_lowercase());
        for series in &family.series {
            let labels: Vec<String> = series.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            let labels = labels.join(",");
            let line = |suffix: &str, own: &str| {
                let comma = if own.is_empty() || labels.is_empty() { "" } else { "," };
                let timestamp = if series.timestamp { " 1000" } else { "" };
                format!("{}{suffix}{{{labels}{comma}{own}}} 1{timestamp}\n", family.name)
            };
            text += &match family.kind {
                "HISTOGRAM" => line("_bucket", "le=\"+Inf\"") + &line("_sum", "") + &line("_count", ""),
                "SUMMARY" => line("", "quantile=\"0.5\"") + &line("_sum", "") + &line("_count", ""),
                _ => line("", ""),
            };
        }
    }
    text
}

/// What the library says of a push, from what the gateway tells.
async fn judged(gateway: &str, push: &[PushedFamily<'_>], group: &Group, adds: bool) -> Vec<Conflict> {
    let url = Url::parse(gateway).unwrap();
    let answer = |(status, body): (u16, String)| Response { status, headers: Vec::new(), body: body.into() };
    let status = answer(get(&format!("{gateway}/api/v1/status")).await);
    let held = answer(get(&format!("{gateway}/api/v1/metrics")).await);
    let own = get(&format!("{gateway}/metrics")).await.1;
    let body = String::from_utf8(held.body.clone()).unwrap();
    let target = Target {
        group,
        adds,
        held: &groups(&url, &held, &body).unwrap(),
        own: &own_families(&own),
        unchecked: Abilities::read(&status).unchecked,
    };
    check(push, &target)
}

/// What the gateway says.
async fn pushed(gateway: &str, push: &[PushedFamily<'_>], group: &Group, adds: bool) -> (u16, String) {
    let url = group.url(&Url::parse(gateway).unwrap()).to_string();
    send(if adds { "POST" } else { "PUT" }, &url, text(push)).await
}

fn random_push(dice: &mut Dice) -> Vec<PushedFamily<'static>> {
    const USUAL: [(&str, &str); 3] = [("a", "COUNTER"), ("b", "GAUGE"), ("c", "HISTOGRAM")];
    const ODD: [&str; 9] = [
        "a",
        "b",
        "b_count",
        "b_sum",
        "c_bucket",
        "labels",
        "go_goroutines",
        "go_gc_duration_seconds_count",
        "push_failure_time_seconds",
    ];
    const KINDS: [&str; 5] = ["COUNTER", "GAUGE", "HISTOGRAM", "SUMMARY", "UNTYPED"];
    const LABELS: [(&str, &str); 6] =
        [("x", "1"), ("x", "2"), ("x", ""), ("zone", "z"), ("instance", "i"), ("job", "other")];
    let mut push: Vec<PushedFamily> = Vec::new();
    for _ in 0..1 + dice.below(3) {
        let (name, kind) = if dice.one_in(3) { (dice.of(&ODD), dice.of(&KINDS)) } else { dice.of(&USUAL) };
        let mut family = family(name, kind, &[]);
        if push.iter().any(|other| other.name == family.name) {
            continue;
        }
        if dice.one_in(3) {
            family.help =
                dice.of(&["Some help.", "Total HTTP requests processed by the Pushgateway, excluding scrapes."]);
        }
        for _ in 0..1 + dice.below(2) {
            let mut series = Series::default();
            for _ in 0..dice.below(3) {
                let (name, value) = dice.of(&LABELS);
                if series.labels.iter().all(|(own, _)| own != name) {
                    series.labels.push((name.into(), value));
                }
            }
            if dice.one_in(40) {
                series.labels.push(("__reserved".into(), "1"));
            }
            series.timestamp = dice.one_in(40);
            // In text, samples of a histogram or summary with the same labels are one series.
            let mut sorted = series.labels.clone();
            sorted.sort();
            let is_there = family.series.iter().any(|other| {
                let mut other = other.labels.clone();
                other.sort();
                other == sorted
            });
            if !is_there || !matches!(family.kind, "HISTOGRAM" | "SUMMARY") {
                family.series.push(series);
            }
        }
        push.push(family);
    }
    push
}

async fn random_pushes_are_judged_as_by(gateway: &str, seed: u64) {
    let mut dice = Dice(seed);
    let (mut taken, mut refused, mut in_a_row) = (0, 0, 0);
    for round in 0..rounds() {
        let mut labels = Vec::new();
        if dice.one_in(2) {
            labels.push(("instance", dice.of(&["i", ""])));
        }
        if dice.one_in(4) {
            labels.push(("zone", "z"));
        }
        let group = group(dice.of(&["one", "two"]), &labels);
        let adds = dice.one_in(3);
        let mut push = random_push(&mut dice);
        // A metric of this name hides from the API whether a group has no instance or an empty one.
        push.retain(|family| family.name != "labels" || labels.contains(&("instance", "i")));
        let conflicts = judged(gateway, &push, &group, adds).await;
        let (status, reply) = pushed(gateway, &push, &group, adds).await;
        let accepted = matches!(status, 200 | 202);
        assert_eq!(
            conflicts.is_empty(),
            accepted,
            "round {round}: {status} {reply}\n{conflicts:#?}\n{group:?} adds: {adds}\n{}",
            text(&push)
        );
        (taken, refused) = (taken + u32::from(accepted), refused + u32::from(!accepted));
        in_a_row = if accepted { 0 } else { in_a_row + 1 };
        // What spoils everything that comes after it is seen some times, and then removed.
        if in_a_row > 4 || dice.one_in(20) {
            delete_all(gateway).await;
            in_a_row = 0;
        }
    }
    eprintln!("{gateway}: {taken} taken, {refused} refused");
    assert!(taken > rounds() / 5 && refused > rounds() / 5, "{taken} taken, {refused} refused");
}

async fn delete_all(gateway: &str) {
    let held = get(&format!("{gateway}/api/v1/metrics")).await.1;
    let url = Url::parse(gateway).unwrap();
    let response = Response { status: 200, ..Response::default() };
    for held in groups(&url, &response, &held).unwrap() {
        send("DELETE", &held.group().unwrap().url(&url).to_string(), String::new()).await;
    }
}

#[tokio::test]
async fn random_pushes_are_judged_as_by_pushgateway_1_5() {
    if without_servers("random_pushes_are_judged_as_by_pushgateway_1_5") {
        return;
    }
    let gateway = pushgateway(None).await;
    random_pushes_are_judged_as_by(&gateway.url, 1).await;
}

#[tokio::test]
async fn random_pushes_are_judged_as_by_pushgateway_1_11() {
    if without_servers("random_pushes_are_judged_as_by_pushgateway_1_11") {
        return;
    }
    let gateway = pushgateway_1_11(&[]).await;
    random_pushes_are_judged_as_by(&gateway.url, 2).await;
}

#[tokio::test]
async fn every_kind_of_refusal_is_found_with_its_culprit() {
    if without_servers("every_kind_of_refusal_is_found_with_its_culprit") {
        return;
    }
    for gateway in [pushgateway(None).await, pushgateway_1_11(&[]).await] {
        let gateway = gateway.url.as_str();
        let (mine, other) = (group("mine", &[]), group("other", &[("zone", "z")]));
        let held = [family("a", "COUNTER", &[&[]]), family("h", "HISTOGRAM", &[&[]])];
        assert_eq!(pushed(gateway, &held, &other, false).await.0, 200);
        let mut with_time = family("t", "GAUGE", &[&[]]);
        with_time.series[0].timestamp = true;
        let others = Some(r#"{job="other", zone="z"}"#);
        for (push, group, reason, metric, culprit) in [
            (with_time, &mine, "timestamp", "t", None),
            (family("a", "GAUGE", &[&[("x", "1")]]), &mine, "type", "a", others),
            (family("h_count", "COUNTER", &[&[]]), &mine, "name_suffix", "h_count", others),
            (family("d", "GAUGE", &[&[], &[]]), &mine, "duplicate_series", "d", None),
            (family("d", "GAUGE", &[&[("job", "x")], &[("job", "y")]]), &mine, "duplicate_series", "d", None),
            (family("d", "GAUGE", &[&[("__x", "1")]]), &mine, "label_name", "d", None),
            // Another group's series, by a label of the push itself.
            (family("a", "COUNTER", &[&[("zone", "z")]]), &group_of("other"), "duplicate_series", "a", others),
            (family("go_goroutines", "COUNTER", &[&[]]), &mine, "type", "go_goroutines", None),
            (
                family("go_gc_duration_seconds_sum", "GAUGE", &[&[]]),
                &mine,
                "name_suffix",
                "go_gc_duration_seconds_sum",
                None,
            ),
            (
                family("pushgateway_http_requests_total", "COUNTER", &[&[]]),
                &mine,
                "help",
                "pushgateway_http_requests_total",
                None,
            ),
        ] {
            let push = [push];
            let found = judged(gateway, &push, group, false).await;
            let told: Vec<_> = found.iter().map(|c| (c.reason, c.metric.as_str(), c.group.as_deref())).collect();
            assert_eq!(told, [(reason, metric, culprit)], "{found:?}");
            let (status, reply) = pushed(gateway, &push, group, false).await;
            assert_eq!(status, 400, "{reply} {push:?}");
        }
        // The gateway cannot tell these two groups apart, and from then on refuses everything until
        // one of them is gone.
        assert_eq!(pushed(gateway, &[], &group_of("mine"), false).await.0, 200);
        let empty = group("mine", &[("instance", "")]);
        for (group, culprit) in [(&empty, r#"{job="mine"}"#), (&other, r#"{job="mine"}"#)] {
            let push = [family("d", "GAUGE", &[&[]])];
            let found = judged(gateway, &push, group, false).await;
            let told: Vec<_> = found.iter().map(|c| (c.reason, c.group.as_deref())).collect();
            assert_eq!(told, [("duplicate_series", Some(culprit))], "{found:?}");
            assert_eq!(pushed(gateway, &push, group, false).await.0, 400);
        }
        send("DELETE", &empty.url(&Url::parse(gateway).unwrap()).to_string(), String::new()).await;
        // What only sounds like a refusal.
        for push in [
            family("go_goroutines", "GAUGE", &[&[]]),
            family("go_something", "COUNTER", &[&[]]),
            family("process_x", "COUNTER", &[&[]]),
            family("promhttp_metric_handler_requests_total", "GAUGE", &[&[]]),
            family("push_time_seconds", "COUNTER", &[&[]]),
            family("a", "COUNTER", &[&[]]),
            family("d", "GAUGE", &[&[("x", "")], &[]]),
            family("h_something", "GAUGE", &[&[]]),
            PushedFamily {
                help: "Total HTTP requests processed by the Pushgateway, excluding scrapes.",
                ..family("pushgateway_http_requests_total", "COUNTER", &[&[]])
            },
        ] {
            let push = [push];
            assert_eq!(judged(gateway, &push, &mine, false).await, []);
            let (status, reply) = pushed(gateway, &push, &mine, false).await;
            assert_eq!(status, 200, "{reply} {push:?}");
        }
    }
}

fn group_of(job: &str) -> Group {
    group(job, &[])
}

#[tokio::test]
async fn a_gateway_that_checks_nothing_is_known_to_refuse_timestamps_only() {
    if without_servers("a_gateway_that_checks_nothing_is_known_to_refuse_timestamps_only") {
        return;
    }
    let gateway = pushgateway_1_11(&["--push.disable-consistency-check"]).await;
    let push = [family("go_goroutines", "COUNTER", &[&[], &[]])];
    assert_eq!(judged(&gateway.url, &push, &group_of("j"), false).await, []);
    assert_eq!(pushed(&gateway.url, &push, &group_of("j"), false).await.0, 202);
}

/// A plug that records at random, in a random group.
async fn random_plugs_are_judged_as_by(gateway: &str, seed: u64, rounds: u32) {
    let mut dice = Dice(seed);
    let (mut taken, mut refused) = (0, 0);
    for round in 0..rounds {
        let mut config = json!({
            "gateway_url": gateway, "push_policy": "manual", "job_name": dice.of(&["one", "two"]),
            "push_mode": dice.of(&["replace", "replace", "add"]),
        });
        if dice.one_in(2) {
            config["instance"] = json!("i");
        }
        if dice.one_in(3) {
            config["grouping_key"] = json!({"zone": dice.of(&["z", "", "a/b", "."])});
        }
        let plug = start(config.clone()).await;
        for _ in 0..1 + dice.below(3) {
            let name =
                dice.of(&["a", "b", "c", "a_count", "b_sum", "c_info", "go_goroutines", "go_gc_duration_seconds_sum"]);
            let kind = dice.of(&[
                "counter",
                "counter",
                "counter",
                "gauge",
                "histogram",
                "summary",
                "native_histogram",
                "info",
            ]);
            let labels =
                dice.of(&[r#"{}"#, r#"{"x":"1"}"#, r#"{"instance":"i"}"#, r#"{"zone":"z"}"#, r#"{"job":"two"}"#]);
            let labels: Value = serde_json::from_str(labels).unwrap();
            // Some of them the plug itself refuses, which is as well.
            let record = json!({"operation": "record_metric", "metric_name": name, "metric_type": kind, "metric_value": 1, "labels": labels});
            plug.process(&record).await.unwrap();
        }
        let judged = plug.process(&json!({"operation": "push_metrics", "dry_run": true})).await.unwrap();
        let pushed = plug.process(&json!({"operation": "push_metrics", "preflight": false})).await.unwrap();
        let accepted = pushed["success"] == true;
        assert_eq!(judged["result"]["would_be_accepted"], accepted, "round {round}: {config} {judged} {pushed}");
        if !accepted {
            // The same is found once more, after the refusal.
            assert_eq!((&pushed["error_code"], &pushed["http_status"]), (&json!("refused"), &json!(400)), "{pushed}");
            assert_eq!(pushed["conflicts"], judged["result"]["conflicts"], "{pushed}");
        }
        (taken, refused) = (taken + u32::from(accepted), refused + u32::from(!accepted));
        if dice.one_in(6) {
            delete_all(gateway).await;
        }
    }
    eprintln!("{gateway}: {taken} taken, {refused} refused");
    assert!(taken > rounds / 5 && refused > rounds / 5, "{taken} taken, {refused} refused");
}

#[tokio::test]
async fn random_plugs_are_judged_as_by_the_gateways() {
    if without_servers("random_plugs_are_judged_as_by_the_gateways") {
        return;
    }
    random_plugs_are_judged_as_by(&pushgateway(None).await.url, 3, rounds() / 2).await;
    random_plugs_are_judged_as_by(&pushgateway_1_11(&[]).await.url, 4, rounds() / 2).await;
}
