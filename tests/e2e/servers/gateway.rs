//! Pushgateways that are away, silent, or come back.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{answer, body, harness, pushgateway, pushgateway_1_11, start, stderr, without_servers};

fn count(value: u32) -> Value {
    json!({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": value, "labels": {"a": "1"}})
}

/// A port on which nobody listens.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn ten_records_are_quick_and_told(gateway: &str, code: &str) {
    let plug = start(json!({"gateway_url": gateway})).await;
    let started = Instant::now();
    for index in 1..=10 {
        let answer = plug.process(&count(1)).await.unwrap();
        assert_eq!((&answer["success"], &answer["result"]["metric_pushed"]), (&json!(true), &json!(false)), "{answer}");
        assert_eq!(answer["result"]["current_value"], f64::from(index));
        let told = answer["result"]["push_error"].as_str().unwrap();
        assert!(told.contains(gateway), "{told}");
        if index == 1 {
            assert_eq!(answer["result"]["push_error_code"], code, "{answer}");
        }
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn records_do_not_wait_for_a_gateway_that_is_away() {
    ten_records_are_quick_and_told(&format!("http://127.0.0.1:{}", free_port()), "unreachable").await;
}

#[tokio::test]
async fn records_do_not_wait_for_a_gateway_that_is_silent() {
    // The system takes connections for a listener that accepts none.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    ten_records_are_quick_and_told(&format!("http://{}", listener.local_addr().unwrap()), "timeout").await;
}

#[tokio::test]
async fn what_a_dead_gateway_missed_goes_out_with_the_next_push() {
    if without_servers("what_a_dead_gateway_missed_goes_out_with_the_next_push") {
        return;
    }
    let gateway = pushgateway(None).await;
    let (url, port) = (gateway.url.clone(), gateway.port());
    let plug = start(json!({"gateway_url": url, "job_name": "away", "instance": "i"})).await;
    assert_eq!(plug.process(&count(1)).await.unwrap()["result"]["metric_pushed"], true);
    tokio::task::spawn_blocking(move || gateway.stop()).await.unwrap();
    assert_eq!(plug.process(&count(2)).await.unwrap()["result"]["metric_pushed"], false);
    let gateway = pushgateway(Some(port)).await;
    // A connection that was kept from before may break once more; the value is in the push after
    // it.
    let answer = plug.process(&count(4)).await.unwrap();
    assert_eq!(
        (&answer["result"]["metric_pushed"], &answer["result"]["current_value"]),
        (&json!(true), &json!(7)),
        "{answer}"
    );
    assert_eq!(scraped(&gateway.url, "jobs_total{").await, ["jobs_total{a=\"1\",instance=\"i\",job=\"away\"} 7"]);
}

#[tokio::test]
async fn ten_pushes_of_a_counter_add_up_to_ten() {
    if without_servers("ten_pushes_of_a_counter_add_up_to_ten") {
        return;
    }
    let gateway = pushgateway(None).await;
    let plug = start(json!({"prometheus_config": {"gateway_url": gateway.url, "job_name": "ten"}})).await;
    for _ in 0..10 {
        assert_eq!(plug.process(&count(1)).await.unwrap()["result"]["metric_pushed"], true);
    }
    assert_eq!(scraped(&gateway.url, "jobs_total{").await, ["jobs_total{a=\"1\",instance=\"\",job=\"ten\"} 10"]);
    let deleted = plug.process(&json!({"operation": "delete_metrics"})).await.unwrap();
    assert_eq!(deleted["result"]["deleted"], true, "{deleted}");
    assert!(scraped(&gateway.url, "jobs_total{").await.is_empty());
    let pushed = plug.process(&json!({"operation": "push_metrics"})).await.unwrap();
    assert_eq!(pushed["result"]["metric_pushed"], true, "{pushed}");
    assert_eq!(scraped(&gateway.url, "jobs_total{").await.len(), 1);
}

#[tokio::test]
async fn group_names_that_no_path_can_hold_arrive_whole() {
    if without_servers("group_names_that_no_path_can_hold_arrive_whole") {
        return;
    }
    let gateway = pushgateway(None).await;
    for (job, instance) in [("a/b c+d%", "x y"), ("..", "/"), ("é ☃", "q\"b\\s")] {
        let plug = start(json!({"gateway_url": gateway.url, "job_name": job, "instance": instance})).await;
        let answer = plug.process(&count(1)).await.unwrap();
        assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let expected = format!("jobs_total{{a=\"1\",instance=\"{}\",job=\"{}\"}} 1", escaped(instance), escaped(job));
        assert_eq!(scraped(&gateway.url, "jobs_total{").await, [expected]);
        plug.process(&json!({"operation": "delete_metrics"})).await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_push_says_what_the_gateway_said_and_keeps_the_value() {
    if without_servers("a_refused_push_says_what_the_gateway_said_and_keeps_the_value") {
        return;
    }
    let gateway = pushgateway(None).await;
    let plug = start(json!({"gateway_url": gateway.url})).await;
    // The gateway exposes a metric of this name itself, of another kind.
    let ctx = json!({"operation": "record_counter", "metric_name": "go_goroutines", "metric_value": 1});
    let answer = plug.process(&ctx).await.unwrap();
    assert_eq!(
        (&answer["success"], &answer["result"]["push_error_code"]),
        (&json!(true), &json!("refused")),
        "{answer}"
    );
    assert!(answer["result"]["push_error"].as_str().unwrap().contains("400"), "{answer}");
    assert!(answer["result"]["push_error"].as_str().unwrap().contains("gauge of the gateway itself"), "{answer}");
    let push = json!({"operation": "push_metrics", "preflight": false});
    let pushed = plug.process(&push).await.unwrap();
    assert_eq!((&pushed["success"], &pushed["http_status"]), (&json!(false), &json!(400)), "{pushed}");
}

#[tokio::test]
async fn a_push_by_name_is_refused_before_it_reaches_the_gateway() {
    if without_servers("a_push_by_name_is_refused_before_it_reaches_the_gateway") {
        return;
    }
    let gateway = pushgateway(None).await;
    let config = |job: &str| json!({"gateway_url": gateway.url, "job_name": job, "push_policy": "manual"});
    let (first, second) = (start(config("first")).await, start(config("second")).await);
    let push = json!({"operation": "push_metrics"});
    first.process(&count(1)).await.unwrap();
    assert_eq!(first.process(&push).await.unwrap()["result"]["metric_pushed"], true);
    let gauge =
        json!({"operation": "record_gauge", "metric_name": "jobs_total", "metric_value": 1, "labels": {"a": "1"}});
    second.process(&gauge).await.unwrap();
    let answer = second.process(&push).await.unwrap();
    assert_eq!(answer["error_code"], "push_conflict", "{answer}");
    let conflict = &answer["conflicts"][0];
    assert_eq!(
        [&conflict["reason"], &conflict["metric"], &conflict["group"]],
        [&json!("type"), &json!("jobs_total"), &json!("{job=\"first\"}")],
        "{answer}"
    );
    let groups = second.process(&json!({"operation": "list_groups"})).await.unwrap();
    assert_eq!(groups["result"]["count"], 1, "a refused push would have left a group: {groups}");
}

#[tokio::test]
async fn metrics_are_added_to_a_group_or_replace_it() {
    if without_servers("metrics_are_added_to_a_group_or_replace_it") {
        return;
    }
    let gateway = pushgateway(None).await;
    let gauge = |name: &str| json!({"operation": "record_gauge", "metric_name": name, "metric_value": 1});
    for (mode, left) in [("add", 2), ("replace", 1)] {
        for name in ["first", "second"] {
            let plug = start(json!({"gateway_url": gateway.url, "push_mode": mode})).await;
            let answer = plug.process(&gauge(name)).await.unwrap();
            assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
        }
        let found = [scraped(&gateway.url, "first").await, scraped(&gateway.url, "second").await].concat();
        assert_eq!(found.len(), left, "{mode}: {found:?}");
    }
}

#[tokio::test]
async fn a_grouping_key_arrives_whole_and_is_deleted_exactly() {
    if without_servers("a_grouping_key_arrives_whole_and_is_deleted_exactly") {
        return;
    }
    let gateway = pushgateway_1_11(&["--push.enable-utf8-names"]).await;
    let key = json!({"a.b/c": "x/y", "é": "..", "empty": "", "zone": "a b+c%"});
    let plug = start(json!({"gateway_url": gateway.url, "job_name": "j", "grouping_key": key})).await;
    let bystander = start(json!({"gateway_url": gateway.url, "job_name": "j"})).await;
    for plug in [&plug, &bystander] {
        assert_eq!(plug.process(&count(1)).await.unwrap()["result"]["metric_pushed"], true);
    }
    let mut labels = key.clone();
    labels["job"] = json!("j");
    let list = json!({"operation": "list_groups"});
    let groups = plug.process(&list).await.unwrap();
    assert_eq!(groups["result"]["groups"][0]["labels"], labels, "{groups}");
    assert_eq!(plug.process(&json!({"operation": "delete_metrics"})).await.unwrap()["result"]["deleted"], true);
    let groups = plug.process(&list).await.unwrap();
    assert_eq!(
        (&groups["result"]["count"], &groups["result"]["groups"][0]["labels"]),
        (&json!(1), &json!({"job": "j"}))
    );

    // A gateway that would store another name is not given one.
    for gateway in [pushgateway_1_11(&[]).await, pushgateway(None).await] {
        let plug = start(json!({"gateway_url": gateway.url, "grouping_key": key})).await;
        let answer = plug.process(&count(1)).await.unwrap();
        assert_eq!(answer["result"]["push_error_code"], "invalid_field", "{answer}");
        assert!(answer["result"]["push_error"].as_str().unwrap().contains("--push.enable-utf8-names"), "{answer}");
    }
}

#[tokio::test]
async fn native_histograms_reach_a_gateway_that_takes_them_and_are_named_elsewhere() {
    if without_servers("native_histograms_reach_a_gateway_that_takes_them_and_are_named_elsewhere") {
        return;
    }
    let observe =
        json!({"operation": "record_metric", "metric_type": "native_histogram", "metric_name": "h", "metric_value": 3});
    let (old, new) = (pushgateway(None).await, pushgateway_1_11(&[]).await);
    for gzip in [false, true] {
        let plug = start(json!({"gateway_url": old.url, "push_gzip": gzip})).await;
        let answer = plug.process(&observe).await.unwrap();
        assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
        assert_eq!(answer["result"]["downgraded"], json!(["h"]), "{answer}");
        assert!(answer["result"]["downgrade_reason"].as_str().unwrap().contains("1.5"), "{answer}");
        assert_eq!(scraped(&old.url, "h_sum").await, ["h_sum{instance=\"\",job=\"plugpipe\"} 3"]);

        let plug = start(json!({"gateway_url": new.url, "push_gzip": gzip})).await;
        let answer = plug.process(&observe).await.unwrap();
        assert_eq!((&answer["result"]["metric_pushed"], &answer["result"]["downgraded"]), (&json!(true), &Value::Null));
        let held = crate::cli::serve::get(&format!("{}/api/v1/metrics", new.url)).await.1;
        let held: Value = serde_json::from_str(&held).unwrap();
        let metric = &held["data"][0]["h"]["metrics"][0];
        assert_eq!((&metric["count"], &metric["sum"]), (&json!("1"), &json!("3")), "{held}");
        // At schema 3, three lies between 2^(12/8) and 2^(13/8).
        assert_eq!(metric["buckets"], json!([[0, "2.82842712474619", "3.0844216508158815", "1"]]), "{held}");
        plug.process(&json!({"operation": "delete_metrics"})).await.unwrap();
    }
}

#[tokio::test]
async fn old_groups_expire_and_young_ones_stay() {
    if without_servers("old_groups_expire_and_young_ones_stay") {
        return;
    }
    let gateway = pushgateway(None).await;
    for job in ["a/b", "old"] {
        let plug = start(json!({"gateway_url": gateway.url, "job_name": job})).await;
        plug.process(&count(1)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let plug = start(json!({"gateway_url": gateway.url, "job_name": "young"})).await;
    plug.process(&count(1)).await.unwrap();
    let expire = |older_than: &str, dry_run: bool| json!({"operation": "expire_groups", "older_than": older_than, "dry_run": dry_run});
    let jobs = async || {
        let groups = plug.process(&json!({"operation": "list_groups"})).await.unwrap();
        let groups = groups["result"]["groups"].as_array().unwrap().clone();
        groups.iter().map(|group| group["labels"]["job"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let dry = plug.process(&expire("1s", true)).await.unwrap();
    assert_eq!((&dry["result"]["count"], &dry["result"]["deleted"]), (&json!(2), &json!(0)), "{dry}");
    assert_eq!(jobs().await, ["a/b", "old", "young"]);
    let nothing = plug.process(&expire("1h", false)).await.unwrap();
    assert_eq!(nothing["result"]["count"], 0, "{nothing}");
    let done = plug.process(&expire("1s", false)).await.unwrap();
    assert_eq!((&done["result"]["count"], &done["result"]["deleted"]), (&json!(2), &json!(2)), "{done}");
    assert_eq!(jobs().await, ["young"]);
}

#[tokio::test]
async fn cleanup_deletes_this_plugs_group_and_no_other() {
    if without_servers("cleanup_deletes_this_plugs_group_and_no_other") {
        return;
    }
    let gateway = pushgateway(None).await;
    let config = |instance: &str| json!({"gateway_url": gateway.url, "job_name": "j", "instance": instance});
    let (mine, other) = (start(config("mine")).await, start(config("other")).await);
    for plug in [&mine, &other] {
        plug.process(&count(1)).await.unwrap();
    }
    let answer = body(&mine.cleanup().await.unwrap());
    let group = format!("{}/metrics/job/j/instance/mine", gateway.url);
    assert_eq!((&answer["result"]["groups_deleted"], &answer["result"]["groups_left"]), (&json!([group]), &json!([])));
    assert_eq!(scraped(&gateway.url, "jobs_total{").await, ["jobs_total{a=\"1\",instance=\"other\",job=\"j\"} 1"]);
}

#[tokio::test]
async fn what_waits_for_its_interval_is_pushed_at_the_end_of_a_run() {
    if without_servers("what_waits_for_its_interval_is_pushed_at_the_end_of_a_run") {
        return;
    }
    let gateway = pushgateway(None).await;
    let file = |text: String| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    };
    let step = |id: &str| {
        format!(
            "  - id: {id}\n    plugin: monitoring_prometheus\n    config: {{operation: record_counter, metric_name: jobs_total, metric_value: 1, labels: {{a: \"1\"}}}}\n"
        )
    };
    let pipe = file(format!("name: waits\nsteps:\n{}{}", step("one"), step("two")));
    for (policy, value) in [("interval", Some("2")), ("manual", None)] {
        let config = file(
            json!({"gateway_url": gateway.url, "job_name": policy, "push_policy": policy, "push_interval": "1h"})
                .to_string(),
        );
        let output = harness(&["run", "--json"]).arg(pipe.path()).arg("--config").arg(config.path()).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let lost = stderr(&output).contains("1 series are lost: push_policy is manual");
        assert_eq!((lost, stderr(&output).is_empty()), (value.is_none(), value.is_some()), "{}", stderr(&output));
        let second = &answer(&output)["steps"][1]["result"]["result"];
        assert_eq!((&second["current_value"], &second["metric_pushed"]), (&json!(2), &json!(false)));
        let found = scraped(&gateway.url, &format!("jobs_total{{a=\"1\",instance=\"\",job=\"{policy}\"}}")).await;
        let expected: Vec<String> =
            value.iter().map(|value| format!("jobs_total{{a=\"1\",instance=\"\",job=\"{policy}\"}} {value}")).collect();
        assert_eq!(found, expected, "{policy}");
    }
}

/// The lines of a gateway's own exposition that begin so.
async fn scraped(url: &str, prefix: &str) -> Vec<String> {
    let text = crate::cli::serve::get(&format!("{url}/metrics")).await.1;
    text.lines().filter(|line| line.starts_with(prefix)).map(str::to_owned).collect()
}
