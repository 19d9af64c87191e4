//! Dashboards of any kind: titles in any script, markup, quotes, thousands of panels, absurd JSON.
//! Each is a dashboard that is right or an error that says why, and nothing is asked that was not
//! wished for.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use core::time::Duration;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use monitoring_prometheus::http::{Clock, Failure, Limits, Request, Response, Transport};
use monitoring_prometheus::operations::Standalone;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Takes each dashboard as a new one, and keeps what was sent.
#[derive(Clone, Default)]
struct Wire(Rc<RefCell<Vec<(String, Value)>>>);

impl Clock for Wire {
    fn unix_nanos(&self) -> u64 {
        1_704_067_200_000_000_000
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl Transport for Wire {
    fn send_all(&mut self, requests: &[&Request], _: &Limits) -> Vec<Result<Response, Failure>> {
        requests
            .iter()
            .map(|request| {
                let line = format!("{:?} {}", request.method, request.url.path_and_query());
                let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
                let uid = body["dashboard"]["uid"].clone();
                let (status, answer) = match line.starts_with("Post") {
                    true => (200, json!({"uid": uid, "version": 1, "url": "/d/x/y", "status": "success"})),
                    false => (404, json!({"message": "Dashboard not found"})),
                };
                self.0.borrow_mut().push((line, body));
                Ok(Response { status, headers: Vec::new(), body: answer.to_string().into() })
            })
            .collect()
    }

    fn sleep(&mut self, _: Duration) {}
}

/// The answer to a dashboard, and what Grafana was sent.
fn create(dashboard: &Value) -> (Value, Vec<(String, Value)>) {
    let wire = Wire::default();
    let mut plug = Standalone::new(wire.clone());
    let ctx = json!({"operation": "create_dashboard", "dashboard_config": dashboard});
    let cfg = json!({"grafana_url": "http://g:3000", "grafana_auth": {"token": "t"}});
    let answer = serde_json::from_str(&plug.process(&ctx.to_string(), &cfg.to_string())).unwrap();
    (answer, wire.0.take())
}

/// What must hold of any answer: an error that says something and asked nothing, or one dashboard
/// that was sent whole.
fn check(dashboard: &Value) -> Option<Value> {
    let (answer, asked) = create(dashboard);
    if answer["success"] == false {
        assert!(answer["error"].as_str().is_some_and(|error| error.len() > 10), "{answer}");
        assert!(asked.is_empty(), "an error asks nothing: {answer} {asked:?}");
        return None;
    }
    let sent: Vec<&Value> = asked.iter().filter(|(line, _)| line.starts_with("Post")).map(|(_, body)| body).collect();
    assert_eq!((asked.len(), sent.len()), (2, 1), "one is read, and saved: {asked:?}");
    assert!(asked.iter().all(|(line, _)| line.contains("/api/dashboards/")), "{asked:?}");
    let model = sent[0]["dashboard"].clone();
    let uid = model["uid"].as_str().unwrap();
    assert!(
        (1..=40).contains(&uid.len()) && uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    );
    let panels = model["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "ids are unique");
    for panel in panels {
        let grid = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(grid("w") >= 1 && grid("x") + grid("w") <= 24 && grid("h") >= 1, "{panel}");
    }
    Some(model)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let names = prop_oneof![
            any::<String>(),
            prop::sample::select(vec![
                "title",
                "uid",
                "panels",
                "type",
                "targets",
                "expr",
                "gridPos",
                "x",
                "y",
                "w",
                "h",
                "id",
                "datasource",
                "templating",
                "list",
                "tags",
                "fieldConfig",
                "thresholds",
                "yaxes",
                "dashboard",
                "rows",
                "spec",
                "xaxis",
                "legend",
                "libraryPanel",
                "refId",
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn titles_of_any_text_arrive_as_they_are(title in any::<String>(), panel in any::<String>(), legend in any::<String>()) {
        let panels = json!([{"title": panel, "type": "timeseries", "targets": [{"expr": "up", "legendFormat": legend}]}]);
        let model = check(&json!({"title": title, "panels": panels}));
        prop_assert_eq!(model.is_some(), !title.trim().is_empty() && title.trim().chars().count() <= 189);
        if let Some(model) = model {
            prop_assert_eq!(model["title"].as_str(), Some(title.trim()));
            prop_assert_eq!(model["panels"][0]["title"].as_str(), Some(panel.as_str()));
            prop_assert_eq!(model["panels"][0]["targets"][0]["legendFormat"].as_str(), Some(legend.as_str()));
        }
    }

    #[test]
    fn any_json_is_a_dashboard_or_an_error(given in any_json()) {
        check(&given);
    }

    #[test]
    fn any_member_of_a_dashboard_is_taken_or_refused(
        name in prop::sample::select(vec!["uid", "panels", "templating", "tags", "time", "annotations", "links", "refresh", "schemaVersion", "version", "id"]),
        value in any_json(),
        panels in prop::collection::vec(any_json(), 0..4),
    ) {
        let mut given = json!({"title": "t", "panels": panels});
        given[name] = value;
        check(&given);
    }

    #[test]
    fn panels_of_any_members_are_taken_or_refused(
        kind in prop::sample::select(vec!["graph", "singlestat", "table-old", "pie", "row", "text", "stat", "own-plugin"]),
        members in prop::collection::btree_map(
            prop::sample::select(vec!["gridPos", "targets", "datasource", "id", "yaxes", "xaxis", "fill", "thresholds", "colors", "gauge", "panels", "fieldConfig", "options", "title"]),
            any_json(),
            0..6,
        ),
    ) {
        let mut panel = json!({"type": kind});
        for (name, value) in members {
            panel[name] = value;
        }
        check(&json!({"title": "t", "panels": [panel, {"type": "stat", "targets": [{"expr": "up"}]}]}));
    }
}

#[test]
fn titles_that_are_markup_or_of_any_script_are_only_text() {
    for title in [
        "<script>alert(\"x\")</script>",
        "quotes \" ' ` \\ \\u0000 %2e%2e/ ../..",
        "日本語 العربية עברית 👩‍👩‍👧 ﷽ Z͑ͫ̓ͪ",
        "\u{202e}reversed\u{0}\u{7}\u{ffff}",
        "${datasource} $__rate_interval {{x}}",
    ] {
        let model = check(&json!({"title": title, "panels": [{"title": title, "targets": [{"expr": "up"}]}]})).unwrap();
        assert_eq!((&model["title"], &model["panels"][0]["title"]), (&json!(title), &json!(title)));
    }
    let long = check(&json!({"title": "☃".repeat(189)}));
    assert!(long.is_some());
    assert!(check(&json!({"title": "☃".repeat(190)})).is_none());
}

#[test]
fn ten_thousand_panels_are_one_dashboard() {
    let panels: Vec<Value> = (0..10_000)
        .map(|index| json!({"title": format!("p{index}"), "type": "graph", "targets": [{"expr": format!("up{{i=\"{index}\"}}")}]}))
        .collect();
    let model = check(&json!({"title": "many", "panels": panels})).unwrap();
    assert_eq!(model["panels"].as_array().unwrap().len(), 10_000);
    assert_eq!(model["panels"][9_999]["targets"][0]["expr"], "up{i=\"9999\"}");
}

#[test]
fn json_that_is_absurdly_deep_is_refused() {
    let depth = 100_000;
    for (open, close) in [("[", "]"), ("{\"panels\":[", "]}"), ("{\"dashboard\":", "}")] {
        let ctx = format!(
            "{{\"operation\":\"create_dashboard\",\"dashboard_config\":{{\"title\":\"t\",\"panels\":{}1{}}}}}",
            open.repeat(depth),
            close.repeat(depth)
        );
        let wire = Wire::default();
        let mut plug = Standalone::new(wire.clone());
        let answer: Value = serde_json::from_str(&plug.process(&ctx, "{\"grafana_url\": \"http://g:3000\"}")).unwrap();
        assert_eq!(answer["success"], false, "{answer}");
        assert!(wire.0.borrow().is_empty());
    }
}
