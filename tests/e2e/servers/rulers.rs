//! Rulers with an API: fakes of Mimir's, Cortex's and Grafana's, made from their published routes
//! and answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::support::start;

/// What the servers differ in.
#[derive(Clone, Copy)]
struct Dialect {
    target: &'static str,
    /// Before the namespace.
    config: &'static str,
    /// Where it tells what it has loaded.
    rules: &'static str,
}

const DIALECTS: [Dialect; 3] = [
    Dialect { target: "mimir", config: "/prometheus/config/v1/rules/", rules: "/prometheus/api/v1/rules" },
    Dialect { target: "cortex", config: "/api/v1/rules/", rules: "/prometheus/api/v1/rules" },
    Dialect {
        target: "grafana",
        config: "/api/convert/prometheus/config/v1/rules/",
        rules: "/api/prometheus/grafana/api/v1/rules",
    },
];

/// A ruler: its groups by tenant, namespace and name, and what was asked.
#[derive(Default)]
struct Ruler {
    groups: BTreeMap<(String, String, String), Value>,
    asked: Vec<(Method, String, HeaderMap)>,
    /// Answers everything with this.
    broken: Option<(StatusCode, &'static str)>,
    /// How many looks it takes until a change is loaded.
    lag: usize,
    /// What was loaded before that.
    loaded: BTreeMap<(String, String, String), Value>,
}

type Shared = (Dialect, Arc<Mutex<Ruler>>);

/// Starts one; its URL, and what it holds.
async fn ruler(dialect: Dialect) -> (String, Arc<Mutex<Ruler>>) {
    let held = Arc::new(Mutex::new(Ruler::default()));
    let router = axum::Router::new().fallback(answer).with_state((dialect, held.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, held)
}

async fn answer(State((dialect, held)): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = to_bytes(body, 1 << 24).await.unwrap();
    let path = percent(parts.uri.path());
    let mut ruler = held.lock().unwrap();
    ruler.asked.push((parts.method.clone(), path.clone(), parts.headers.clone()));
    if let Some((status, text)) = ruler.broken {
        return (status, text).into_response();
    }
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let tenant = if dialect.target == "grafana" { "org".to_owned() } else { header("x-scope-orgid") };
    if tenant.is_empty() {
        return (StatusCode::UNAUTHORIZED, "no org id").into_response();
    }
    if parts.method == Method::GET && path == dialect.rules {
        if ruler.lag > 0 {
            ruler.lag -= 1;
        } else {
            ruler.loaded = ruler.groups.clone();
        }
        return axum_json(StatusCode::OK, &told(&ruler.loaded, &tenant, dialect));
    }
    if parts.method == Method::POST && path.ends_with("/api/v1/format_query") {
        // Each expression has a form of its own.
        return axum_json(StatusCode::OK, &json!({"status": "success", "data": String::from_utf8_lossy(&body)}));
    }
    let Some(rest) = path.strip_prefix(dialect.config) else {
        return (StatusCode::NOT_FOUND, "404 page not found").into_response();
    };
    let (namespace, group) = match rest.split_once('/') {
        None => (rest, None),
        Some((namespace, group)) => (namespace, Some(group)),
    };
    match (&parts.method, group) {
        (&Method::POST, None) => {
            let Ok(group) = serde_saphyr::from_str::<Value>(std::str::from_utf8(&body).unwrap()) else {
                return (StatusCode::BAD_REQUEST, "unable to decode rule group").into_response();
            };
            let Some(name) = group["name"].as_str().filter(|name| !name.is_empty()) else {
                return (StatusCode::BAD_REQUEST, "invalid rules configuration: rule group name must not be empty")
                    .into_response();
            };
            if dialect.target == "grafana" && header("x-grafana-alerting-datasource-uid").is_empty() {
                return axum_json(StatusCode::BAD_REQUEST, &json!({"message": "missing datasource UID header"}));
            }
            ruler.groups.insert((tenant, namespace.to_owned(), name.to_owned()), group);
            (StatusCode::ACCEPTED, r#"{"status":"success","data":null,"errorType":"","error":""}"#).into_response()
        }
        (&Method::DELETE, Some(group)) => {
            match ruler.groups.remove(&(tenant, namespace.to_owned(), group.to_owned())) {
                Some(_) => StatusCode::ACCEPTED.into_response(),
                None => (StatusCode::NOT_FOUND, "group does not exist").into_response(),
            }
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn percent(path: &str) -> String {
    // What the tests' names hold.
    path.replace("%20", " ").replace("%C3%A9", "é").replace("%2F", "/")
}

fn axum_json(status: StatusCode, body: &Value) -> Response {
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

/// As `/api/v1/rules` has it.
fn told(groups: &BTreeMap<(String, String, String), Value>, tenant: &str, dialect: Dialect) -> Value {
    let seconds = |text: &Value| -> f64 {
        match text.as_str() {
            Some("1m30s") => 90.0,
            Some("5m") => 300.0,
            Some("30s") => 30.0,
            None => 0.0,
            Some(other) => panic!("{other}"),
        }
    };
    let rule = |rule: &Value| {
        let empty = || json!({});
        // Grafana asks a query of its own making.
        let query = if dialect.target == "grafana" { json!("A | B | C") } else { rule["expr"].clone() };
        json!({
            "type": if rule["alert"].is_string() { "alerting" } else { "recording" },
            "name": if rule["alert"].is_string() { &rule["alert"] } else { &rule["record"] },
            "query": query, "duration": seconds(&rule["for"]), "keepFiringFor": 0, "state": "inactive", "health": "ok",
            "labels": rule.get("labels").cloned().unwrap_or_else(empty),
            "annotations": rule.get("annotations").cloned().unwrap_or_else(empty), "alerts": [],
        })
    };
    let groups: Vec<Value> = groups
        .iter()
        .filter(|((own, ..), _)| own == tenant)
        .map(|((_, namespace, name), group)| {
            let rules: Vec<Value> = group["rules"].as_array().unwrap().iter().map(rule).collect();
            json!({"name": name, "file": namespace, "interval": seconds(&group["interval"]).max(60.0), "rules": rules})
        })
        .collect();
    json!({"status": "success", "data": {"groups": groups}})
}

fn config(dialect: Dialect, url: &str) -> Value {
    match dialect.target {
        "grafana" => json!({"grafana_url": url, "grafana_auth": {"token": "t"}}),
        _ => json!({"ruler_url": url, "ruler_auth": {"tenant": "team-1"}}),
    }
}

fn alert(dialect: Dialect, operation: &str, name: &str, duration: &str) -> Value {
    json!({"operation": operation, "alert_config": {
        "alert_name": name, "expression": "sum(rate(x[5m]))by(job) > 1", "duration": duration, "target": dialect.target,
        "namespace": "my é rules", "group": format!("group of {name}"), "datasource_uid": "prom",
    }})
}

#[tokio::test]
async fn a_ruler_gets_one_group_at_a_time_and_is_believed_when_it_lists_it() {
    for dialect in DIALECTS {
        let (url, held) = ruler(dialect).await;
        let plug = start(config(dialect, &url)).await;
        let run = async |ctx: Value| {
            let answer = plug.process(&ctx).await.unwrap();
            assert_eq!(answer["success"], true, "{}: {answer}", dialect.target);
            answer["result"].clone()
        };
        held.lock().unwrap().lag = 2;
        let created = run(alert(dialect, "create_alert", "A", "5m")).await;
        assert_eq!((&created["alert_created"], &created["status"]), (&json!(true), &json!("installed")), "{created}");
        let written = |method: Method| {
            held.lock()
                .unwrap()
                .asked
                .iter()
                .filter(|(own, path, _)| *own == method && path.starts_with(dialect.config))
                .count()
        };
        assert_eq!(written(Method::POST), 1);
        let again = run(alert(dialect, "create_alert", "A", "5m")).await;
        assert_eq!((&again["alert_created"], &again["status"]), (&json!(true), &json!("unchanged")), "{again}");
        assert_eq!(written(Method::POST), 1, "the same rule twice changes nothing");
        let changed = run(alert(dialect, "create_alert", "A", "90s")).await;
        assert_eq!((&changed["alert_created"], &changed["changed"]), (&json!(true), &json!(1)), "{changed}");
        run(alert(dialect, "create_alert", "B", "90s")).await;
        assert_eq!(held.lock().unwrap().groups.len(), 2, "groups of other alerts stay");
        {
            let ruler = held.lock().unwrap();
            let (_, _, headers) = ruler.asked.iter().find(|(method, ..)| *method == Method::POST).unwrap();
            let expected =
                if dialect.target == "grafana" { ("authorization", "Bearer t") } else { ("x-scope-orgid", "team-1") };
            assert_eq!(headers.get(expected.0).unwrap(), expected.1);
        }
        // A group is replaced and deleted as a whole: nothing else of it is lost for one alert.
        let mut second = alert(dialect, "create_alert", "C", "90s");
        second["alert_config"]["group"] = json!("group of A");
        let before = written(Method::POST);
        let refused = plug.process(&second).await.unwrap();
        assert_eq!(
            (&refused["success"], &refused["field"]),
            (&json!(false), &json!("alert_config.group")),
            "{refused}"
        );
        assert_eq!(written(Method::POST), before);
        second["operation"] = json!("delete_alert");
        let absent = run(second).await;
        assert_eq!((&absent["deleted"], &absent["was_there"]), (&json!(false), &json!(false)), "{absent}");
        assert_eq!((written(Method::DELETE), held.lock().unwrap().groups.len()), (0, 2));
        let deleted = run(alert(dialect, "delete_alert", "A", "")).await;
        assert_eq!((&deleted["deleted"], &deleted["was_there"]), (&json!(true), &json!(true)), "{deleted}");
        assert_eq!(held.lock().unwrap().groups.len(), 1);

        // A whole namespace: groups missing from the request are deleted, with one write for each
        // group that changes.
        let before = (written(Method::POST), written(Method::DELETE));
        let groups = json!([{"name": "whole", "rules": [{"alert": "C", "expr": "up == 0"}, {"record": "job:up:sum", "expr": "sum(up)"}]}]);
        let apply = json!({"operation": "apply_alerts", "groups": groups, "target": dialect.target, "namespace": "my é rules", "datasource_uid": "prom"});
        let mut plan = apply.clone();
        plan["operation"] = json!("plan_alerts");
        assert_eq!(run(plan).await["status"], "planned");
        assert_eq!((written(Method::POST), written(Method::DELETE)), before, "a plan writes nothing");
        let applied = run(apply.clone()).await;
        assert_eq!((&applied["applied"], &applied["removed"]), (&json!(true), &json!(1)), "{applied}");
        assert_eq!((written(Method::POST), written(Method::DELETE)), (before.0 + 1, before.1 + 1));
        let again = run(apply).await;
        assert_eq!(again["status"], "unchanged", "{again}");
    }
}

#[tokio::test]
async fn a_ruler_that_has_not_loaded_it_yet_or_refuses_is_told_as_it_is() {
    for dialect in DIALECTS {
        let (url, held) = ruler(dialect).await;
        let mut config = config(dialect, &url);
        config["timeout"] = json!("1s");
        let plug = start(config).await;
        held.lock().unwrap().lag = 1_000;
        let pending = plug.process(&alert(dialect, "create_alert", "A", "5m")).await.unwrap();
        let result = &pending["result"];
        assert_eq!((&result["alert_created"], &result["status"]), (&json!(false), &json!("pending")), "{pending}");
        held.lock().unwrap().lag = 0;
        let there = plug.process(&alert(dialect, "create_alert", "A", "5m")).await.unwrap();
        assert_eq!(there["result"]["status"], "unchanged", "{there}");

        held.lock().unwrap().broken =
            Some((StatusCode::UNPROCESSABLE_ENTITY, "per-user rules limit (limit: 20) exceeded"));
        let refused = plug.process(&alert(dialect, "create_alert", "B", "5m")).await.unwrap();
        assert_eq!((&refused["error_code"], &refused["http_status"]), (&json!("refused"), &json!(422)), "{refused}");
        assert!(refused["error"].as_str().unwrap().contains("rules limit"), "{refused}");
    }
    // Without the tenant that it wants.
    let (url, _) = ruler(DIALECTS[0]).await;
    let plug = start(json!({"ruler_url": url})).await;
    let refused = plug.process(&alert(DIALECTS[0], "create_alert", "A", "5m")).await.unwrap();
    assert_eq!((&refused["error_code"], &refused["http_status"]), (&json!("refused"), &json!(401)), "{refused}");
    assert!(refused["error"].as_str().unwrap().contains("ruler_auth"), "{refused}");
}

#[tokio::test]
async fn what_is_missing_for_a_target_is_named() {
    let plug = start(json!({"job_name": "j"})).await;
    for (alert_config, field) in [
        (json!({"alert_name": "A", "expression": "up", "target": "mimir"}), "ruler_url"),
        (json!({"alert_name": "A", "expression": "up", "target": "grafana"}), "grafana_url"),
        (json!({"alert_name": "A", "expression": "up", "target": "loki"}), "alert_config.target"),
        (json!({"alert_name": "A"}), "alert_config.expression"),
        (json!({"expression": "up"}), "alert_config.alert_name"),
        (json!({"alert_name": "A", "expression": "up", "duration": "soon"}), "alert_config.duration"),
        (json!({"alert_name": "A", "expression": "up", "labels": {"1a": "b"}}), "alert_config.labels.1a"),
        (json!({"alert_name": "A\nB", "expression": "up"}), "alert_config.alert_name"),
        (
            json!({"alert_name": "A", "expression": "up", "annotations": {"summary": "{{ $value"}}),
            "alert_config.annotations.summary",
        ),
        (json!({"alert_name": "A", "expression": "up", "rules_file": "../a.yml"}), "alert_config.rules_file"),
        (json!({"alert_name": "A", "expression": "a".repeat(1 << 20)}), "alert_config.expression"),
    ] {
        let answer = plug.process(&json!({"operation": "create_alert", "alert_config": alert_config})).await.unwrap();
        assert_eq!((&answer["success"], &answer["field"]), (&json!(false), &json!(field)), "{answer}");
    }
    // The configuration's alert, as the seed has it.
    let configured = json!({"alert_config": {"alert_name": "From cfg", "expression": "up == 0", "severity": "info"}});
    let plug = start(configured).await;
    let pending = plug.process(&json!({"operation": "create_alert"})).await.unwrap();
    assert_eq!(pending["result"]["alert_name"], "From cfg", "{pending}");
}
