//! Dashboards through the component, in a Grafana that keeps what it is told.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::IntoResponse;
use plugpipe_testkit::ScrapeJob;
use serde_json::{Value, json};

use crate::cli::serve::Served;
use crate::fake_grafana::Grafana;
use crate::support::{answer, prometheus, query_until, root, run, start, stderr, without_servers};

pub type Shared = Arc<Mutex<Grafana>>;

async fn handle(
    State(grafana): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let target = uri.path_and_query().unwrap().as_str();
    let (status, body) = grafana.lock().unwrap().answer(method.as_str(), target, &headers, &body);
    (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, "application/json")], body.to_string())
}

/// The fake on a free port, and its URL.
pub async fn grafana() -> (Shared, String) {
    let grafana = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(handle).layer(DefaultBodyLimit::disable()).with_state(grafana.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (grafana, url)
}

/// The dashboards of the examples, which are those of the first version's documents.
pub fn examples() -> Vec<Value> {
    ["custom_metrics", "system_overview", "security_monitoring"]
        .iter()
        .map(|name| {
            let file = root().join(format!("examples/dashboards/{name}.json"));
            serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
        })
        .collect()
}

#[tokio::test]
async fn every_example_becomes_a_dashboard_and_says_what_was_mended() {
    let (grafana, url) = grafana().await;
    let plug = start(json!({"grafana_url": url, "grafana_auth": {"api_key": "glsa_first"}})).await;
    let mut warnings = Vec::new();
    for example in examples() {
        let ctx = json!({"operation": "create_dashboard", "dashboard_config": example, "folder": "PlugPipe"});
        let created = plug.process(&ctx).await.unwrap();
        assert_eq!(
            (&created["result"]["action"], &created["result"]["dashboard_created"]),
            (&json!("created"), &json!(true)),
            "{created}"
        );
        warnings.extend(
            created["result"]["warnings"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()),
        );
        assert_eq!(plug.process(&ctx).await.unwrap()["result"]["action"], "unchanged");
    }
    for said in [
        "converted to timeseries",
        "converted to piechart",
        "sum by (plugin_name) (rate(plugpipe_plugin_errors_total[5m]))",
        "sum by (status) (rate(plugpipe_auth_attempts_total[5m]))",
    ] {
        assert!(warnings.iter().any(|warning| warning.contains(said)), "{said}: {warnings:#?}");
    }
    let (_, writes) = grafana.lock().unwrap().take_asked();
    assert_eq!(writes, 4, "three dashboards and a folder");
}

/// A dashboard as Grafana exports it to be shared.
pub fn shared_export() -> Value {
    let file = root().join("tests/grafana/shared_export.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[tokio::test]
async fn shared_exports_and_resources_become_dashboards_without_placeholders() {
    let (grafana, url) = grafana().await;
    let plug = start(json!({"grafana_url": url, "grafana_auth": {"api_key": "glsa_first"}})).await;
    let shared = shared_export();
    let resource = json!({"apiVersion": "dashboard.grafana.app/v1beta1", "kind": "Dashboard",
        "metadata": {"name": shared["uid"]}, "spec": shared});
    for (given, action) in [(shared, "created"), (resource, "unchanged")] {
        let ctx = json!({"operation": "create_dashboard", "dashboard_config": given});
        let answer = plug.process(&ctx).await.unwrap();
        assert_eq!(answer["result"]["action"], action, "{answer}");
        assert_eq!(answer["result"]["warnings"].as_array().unwrap().len(), 1, "{answer}");
    }
    let stored = grafana.lock().unwrap().organizations[&1].dashboards["orders-of-the-shop"].model.clone();
    let text = stored.to_string();
    for gone in ["__inputs", "__elements", "__requires", "DS_PROMETHEUS", "DS_EXPRESSION", "VAR_"] {
        assert!(!text.contains(gone), "{gone}: {stored:#}");
    }
    let ours = json!({"type": "prometheus", "uid": "${datasource}"});
    assert_eq!((&stored["panels"][0]["datasource"], &stored["panels"][1]["datasource"]), (&ours, &ours));
    assert_eq!(stored["panels"][2]["datasource"]["uid"], "-- Mixed --");
    assert_eq!(stored["panels"][3]["datasource"], json!({"type": "loki", "uid": "${DS_LOGS}"}));
    assert_eq!(stored["title"], "Orders of shop");

    let v2 = json!({"apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard", "metadata": {"name": "x"}, "spec": {"title": "x"}});
    let answer = plug.process(&json!({"operation": "create_dashboard", "dashboard_config": v2})).await.unwrap();
    assert_eq!(answer["field"], "dashboard_config.apiVersion", "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("schema v2"), "{answer}");
}

#[tokio::test]
async fn templates_are_planned_applied_and_found_unchanged() {
    let (grafana, url) = grafana().await;
    let plug = start(json!({
        "grafana_url": url, "grafana_org_id": 2,
        "grafana_auth": {"type": "basic", "username": "admin", "password": "s3cret"},
    }))
    .await;
    let mut ctx = json!({"operation": "plan_dashboards", "templates": "all", "folder": ["A", "B"]});
    assert_eq!(plug.process(&ctx).await.unwrap()["result"]["created"], 5);
    assert_eq!(grafana.lock().unwrap().take_asked().1, 0);
    ctx["operation"] = json!("apply_dashboards");
    assert_eq!(plug.process(&ctx).await.unwrap()["result"]["created"], 5);
    assert_eq!(grafana.lock().unwrap().take_asked().1, 7);
    assert_eq!(plug.process(&ctx).await.unwrap()["result"]["unchanged"], 5);
    assert_eq!(grafana.lock().unwrap().take_asked().1, 0);
    assert_eq!(grafana.lock().unwrap().organizations[&1].dashboards.len(), 0);
    let status = plug.process(&json!({"operation": "grafana_status"})).await.unwrap();
    assert_eq!(
        (&status["result"]["version"], &status["result"]["organization"]["name"]),
        (&json!("12.1.0"), &json!("Second"))
    );
}

#[test]
fn the_command_exports_templates_as_files() {
    let output = run(&["call", "export_dashboards", "--ctx", r#"{"templates": "all"}"#]);
    assert!(output.status.success(), "{}", stderr(&output));
    let files = answer(&output)["result"]["files"].as_array().unwrap().len();
    assert_eq!(files, 5);
}

/// One value of every metric that the templates ask for, with the labels of the catalogue.
pub fn metrics() -> Value {
    let metric = |name: &str, kind: &str, labels: Value| json!({"name": format!("plugpipe_{name}"), "type": kind, "value": 1, "labels": labels});
    let mut list = Vec::new();
    for status in ["success", "failure"] {
        list.push(metric("auth_attempts_total", "counter", json!({"method": "password", "status": status})));
        list.push(metric("pipeline_executions_total", "counter", json!({"pipeline_name": "a", "status": status})));
        list.push(metric("pipeline_duration_seconds", "histogram", json!({"pipeline_name": "a", "status": status})));
        list.push(metric("plugin_executions_total", "counter", json!({"plugin_name": "p", "status": status})));
    }
    for (name, kind, labels) in [
        ("capability_violations_total", "counter", json!({"capability": "net", "plugin_name": "p"})),
        ("sandbox_violations_total", "counter", json!({"plugin_name": "p"})),
        ("pipeline_starts_total", "counter", json!({"pipeline_name": "a"})),
        ("pipeline_queue_size", "gauge", json!({})),
        ("plugin_duration_seconds", "histogram", json!({"plugin_name": "p"})),
        ("plugin_errors_total", "counter", json!({"plugin_name": "p"})),
        ("plugin_memory_usage_bytes", "gauge", json!({"plugin_name": "p"})),
        ("requests_total", "counter", json!({"endpoint": "/", "method": "GET"})),
        ("memory_usage_bytes", "gauge", json!({})),
        ("cpu_usage_percent", "gauge", json!({})),
        ("system_uptime_seconds", "gauge", json!({})),
    ] {
        list.push(metric(name, kind, labels));
    }
    json!({"operation": "record_multiple_metrics", "metrics": list})
}

#[tokio::test]
async fn every_expression_of_every_template_returns_data() {
    if without_servers("every_expression_of_every_template_returns_data") {
        return;
    }
    let served = Served::start(&[]);
    let (_, recorded) =
        served.process(json!({"ctx": metrics(), "cfg": {"own_metrics": true, "default_metrics": true}})).await;
    assert_eq!(recorded["success"], true, "{recorded}");
    let prometheus = prometheus(vec![ScrapeJob::new("plugpipe", served.authority())]).await;
    let plug = start(json!({"prometheus_url": prometheus.url})).await;
    let exported =
        plug.process(&json!({"operation": "export_dashboards", "templates": "all"})).await.unwrap()["result"].clone();
    let mut expressions = 0;
    for file in exported["files"].as_array().unwrap() {
        let model: Value = serde_json::from_str(file["content"].as_str().unwrap()).unwrap();
        for target in model["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap())
        {
            let mut expression = target["expr"].as_str().unwrap().to_owned();
            for (variable, value) in
                [("$__rate_interval", "1m"), ("$__range", "1m"), ("$job", "plugpipe"), ("$instance", ".*")]
            {
                expression = expression.replace(variable, value);
            }
            let query = json!({"operation": "query_metrics", "query": expression});
            query_until(&plug, query, |result| !result.as_array().unwrap().is_empty()).await;
            expressions += 1;
        }
    }
    assert!(expressions > 30, "{expressions}");
}
