//! From the Python plug 1.0.0, as docs/upgrading.md has it: its groups are on a real Pushgateway, and
//! 2.0.0 takes over.

use plugpipe_testkit::Running;
use serde_json::{Value, json};

use crate::cli::serve::{get, send};
use crate::support::{Checked, pushgateway, pushgateway_1_11, start, without_servers};

/// What 1.0.0 pushes with a record: `record_counter` made a gauge, in a registry with the metrics
/// that each call made anew, and each push replaced the group.
async fn pushed_by_1_0_0(gateway: &Running, instance: &str, value: f64) {
    let body = format!(
        "# HELP plugpipe_system_uptime_seconds PlugPipe system uptime in seconds\n# TYPE plugpipe_system_uptime_seconds gauge\n\
         plugpipe_system_uptime_seconds 0.0\n# HELP jobs_total jobs_total gauge metric\n# TYPE jobs_total gauge\njobs_total{{queue=\"mail\"}} {value}\n"
    );
    let url = format!("{}/metrics/job/plugpipe/instance/{instance}", gateway.url);
    let (status, text) = send("PUT", &url, body).await;
    assert!((200..300).contains(&status), "{status} {text}");
}

/// 2.0.0 as main.py starts it, for a caller whose configuration was written for 1.0.0.
async fn started(gateway: &Running) -> Checked {
    start(json!({"compatibility": "1.0.0", "prometheus_config": {"gateway_url": gateway.url}})).await
}

async fn count(plug: &Checked) -> Value {
    let ctx = json!({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 1, "labels": {"queue": "mail"}});
    let answer = plug.process(&ctx).await.unwrap();
    assert_eq!(answer["success"], true, "{answer}");
    answer["result"].clone()
}

async fn jobs(gateway: &Running) -> Vec<String> {
    let text = get(&format!("{}/metrics", gateway.url)).await.1;
    text.lines().filter(|line| line.contains("jobs_total")).map(str::to_owned).collect()
}

async fn upgraded(gateway: &Running) {
    // The same configuration is the same group, and its first push replaces what 1.0.0 left there.
    pushed_by_1_0_0(gateway, "plugpipe-instance", 41.0).await;
    let plug = started(gateway).await;
    let recorded = count(&plug).await;
    assert_eq!((&recorded["metric_pushed"], &recorded["current_value"]), (&json!(true), &json!(1)), "{recorded}");
    assert_eq!(
        jobs(gateway).await,
        ["# TYPE jobs_total counter", "jobs_total{instance=\"plugpipe-instance\",job=\"plugpipe\",queue=\"mail\"} 1"]
    );
    // Side by side, with a 1.0.0 of another instance: its gauge is refused while ours is there, and
    // once we are gone ours is, with the metric and the group to blame.
    plug.process(&json!({"operation": "delete_metrics"})).await.unwrap();
    pushed_by_1_0_0(gateway, "old-host", 7.0).await;
    let recorded = count(&plug).await;
    assert_eq!((&recorded["metric_pushed"], &recorded["current_value"]), (&json!(false), &json!(2)), "{recorded}");
    let checked = plug.process(&json!({"operation": "push_metrics"})).await.unwrap();
    assert_eq!(checked["error_code"], "push_conflict", "{checked}");
    let conflict = &checked["conflicts"][0];
    assert_eq!(conflict["metric"], "jobs_total", "{checked}");
    assert_eq!(conflict["group"], "{instance=\"old-host\", job=\"plugpipe\"}", "{checked}");
    // The documented call frees the name, and the next push carries what was recorded meanwhile.
    let expire = |dry_run: bool| {
        let labels = json!({"job": "plugpipe", "instance": "old-host"});
        json!({"operation": "expire_groups", "older_than": "0s", "labels": labels, "dry_run": dry_run})
    };
    let listed = plug.process(&expire(true)).await.unwrap();
    assert_eq!((&listed["result"]["count"], &listed["result"]["deleted"]), (&json!(1), &json!(0)), "{listed}");
    let freed = plug.process(&expire(false)).await.unwrap();
    assert_eq!(freed["result"]["deleted"], 1, "{freed}");
    let recorded = count(&plug).await;
    assert_eq!((&recorded["metric_pushed"], &recorded["current_value"]), (&json!(true), &json!(3)), "{recorded}");
    // Rollback: once the group is deleted, 1.0.0 pushes again.
    plug.process(&json!({"operation": "delete_metrics"})).await.unwrap();
    pushed_by_1_0_0(gateway, "plugpipe-instance", 42.0).await;
    assert_eq!(
        jobs(gateway).await.last().unwrap(),
        "jobs_total{instance=\"plugpipe-instance\",job=\"plugpipe\",queue=\"mail\"} 42"
    );
}

#[tokio::test]
async fn an_upgrade_takes_over_from_1_0_0_and_can_be_rolled_back() {
    if without_servers("an_upgrade_takes_over_from_1_0_0_and_can_be_rolled_back") {
        return;
    }
    upgraded(&pushgateway(None).await).await;
    upgraded(&pushgateway_1_11(&[]).await).await;
}
