//! Names given by callers that become part of a URL path stay one segment or are rejected with
//! their field.

use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::Standalone;
use crate::http::{Clock, Failure, Limits, Request, Response, Transport};

/// Records requests and returns one response that suits all of them.
#[derive(Clone, Default)]
struct Recorder(Rc<RefCell<Vec<String>>>, Rc<Cell<Duration>>);

impl Clock for Recorder {
    fn unix_nanos(&self) -> u64 {
        1_704_067_200_000_000_000 + self.1.get().as_nanos() as u64
    }

    fn monotonic(&self) -> Duration {
        self.1.get()
    }
}

impl Transport for Recorder {
    fn send_all(&mut self, requests: &[&Request], _: &Limits) -> Vec<Result<Response, Failure>> {
        self.1.set(self.1.get() + Duration::from_secs(1));
        let answer = json!({
            "status": "success", "data": {"groups": []}, "id": 1, "name": "Main", "version": "12.0.0", "database": "ok",
            "versions": [{"version": "v1"}], "dashboard": {"title": "T"}, "meta": {}, "spec": {"title": "T"}, "metadata": {},
        });
        self.0.borrow_mut().extend(requests.iter().map(|request| request.url.path_and_query()));
        let answer = || Response { status: 200, headers: Vec::new(), body: answer.to_string().into_bytes() };
        requests.iter().map(|_| Ok(answer())).collect()
    }

    fn sleep(&mut self, time: Duration) {
        self.1.set(self.1.get() + time);
    }
}

const SPELLINGS: [&str; 32] = [
    "..",
    ".",
    "../x",
    "x/..",
    "x/../y",
    "./x",
    "a/b",
    "/",
    "//",
    "a//b",
    "/a",
    "a/",
    "..\\x",
    "a\\b",
    "\\",
    "%2e%2e",
    "%2E",
    "..%2f",
    "%2f",
    "%00",
    "..;",
    "a;b=c",
    "a?b",
    "a#b",
    "a b",
    "a+b",
    "a:b@c",
    "a\nb",
    "a\u{0}b",
    "é☃",
    "...",
    "{a}[b]|^`\"<>",
];

/// Requests with a name, and the field that an error names.
fn places(name: &str) -> Vec<(Value, &'static str)> {
    let rule = json!([{"name": name, "rules": [{"alert": "A", "expr": "up"}]}]);
    let mut places = vec![
        (json!({"operation": "ensure_datasource", "uid": name, "datasource_url": "http://h"}), "uid"),
        (json!({"operation": "datasource_health", "uid": name}), "uid"),
        (json!({"operation": "annotate", "text": "t", "dashboard_uid": name}), ""),
        (json!({"operation": "annotate", "text": "t", "annotation_id": name}), "annotation_id"),
        (json!({"operation": "expire_silence", "silence_id": name}), "silence_id"),
        (
            json!({"operation": "create_silence", "silence_id": name, "matchers": ["a=b"], "comment": "c", "duration": "1h"}),
            "",
        ),
        (json!({"operation": "label_values", "label": name}), "label"),
        (json!({"operation": "push_metrics", "job_name": name}), ""),
        (json!({"operation": "push_metrics", "instance": name}), ""),
        (json!({"operation": "push_metrics", "grouping_key": {"zone": name}}), ""),
        (json!({"operation": "push_metrics", "grouping_key": {name: "zone"}}), ""),
        (json!({"operation": "delete_metrics", "job_name": name}), ""),
    ];
    for api in ["api", "k8s"] {
        let dashboard = |uid: &str| json!({"title": "T", "uid": uid, "panels": []});
        places.extend([
            (json!({"operation": "get_dashboard", "uid": name, "grafana_api": api}), "uid"),
            (json!({"operation": "delete_dashboard", "uid": name, "grafana_api": api}), "uid"),
            (json!({"operation": "export_dashboards", "uids": ["good", name], "grafana_api": api}), "uids[1]"),
            (
                json!({"operation": "apply_dashboards", "templates": "all", "folder_uid": name, "grafana_api": api}),
                "folder_uid",
            ),
            (
                json!({"operation": "apply_dashboards", "dashboards": [dashboard(name)], "grafana_api": api}),
                "dashboards[0].uid",
            ),
            (json!({"operation": "plan_dashboards", "templates": "all", "folder": name, "grafana_api": api}), ""),
        ]);
    }
    for target in ["mimir", "cortex", "grafana"] {
        let whole = |rest: Value| {
            let mut ctx = json!({"target": target, "datasource_uid": "d"});
            ctx.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            ctx
        };
        places.extend([
            (whole(json!({"operation": "apply_alerts", "namespace": name, "groups": []})), "namespace"),
            (whole(json!({"operation": "apply_alerts", "groups": rule.clone()})), "group"),
            (whole(json!({"operation": "plan_alerts", "namespace": name, "groups": rule.clone()})), "namespace"),
            (
                whole(json!({"operation": "create_alert", "alert_name": "A", "expression": "up", "group": name})),
                "group",
            ),
            (
                whole(json!({"operation": "create_alert", "alert_config": {"alert_name": "A", "expression": "up", "namespace": name}})),
                "alert_config.namespace",
            ),
            (whole(json!({"operation": "delete_alert", "alert_name": "A", "namespace": name})), "namespace"),
            // The rules are listed first and have no such group.
            (whole(json!({"operation": "delete_alert", "alert_name": "A", "group": name})), ""),
            (whole(json!({"operation": "list_alerts", "namespace": name})), "namespace"),
        ]);
    }
    places
}

#[test]
fn names_stay_within_their_path_segment() {
    let recorder = Recorder::default();
    let mut plug = Standalone::new(recorder.clone());
    let cfg = json!({
        "prometheus_url": "http://h/base", "gateway_url": "http://h/base", "grafana_url": "http://h/base", "ruler_url": "http://h/base",
        "alertmanager_url": "http://h/base", "retry_attempts": 1, "preflight": false,
    });
    plug.process(r#"{"metric_name": "m", "metric_value": 1}"#, &cfg.to_string());
    let mut sent = 0;
    for name in SPELLINGS {
        for (ctx, field) in places(name) {
            recorder.0.borrow_mut().clear();
            let answer: Value = serde_json::from_str(&plug.process(&ctx.to_string(), "")).unwrap();
            for asked in recorder.0.borrow().iter() {
                sent += 1;
                let path = asked.split('?').next().unwrap();
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/%@=".contains(&byte);
                assert!(path.bytes().all(plain), "{asked} for {ctx}");
                assert!(path.starts_with("/base/"), "{asked} for {ctx}");
                for segment in path.split('/').skip(1) {
                    let decoded = percent_decode_str(segment).decode_utf8().unwrap();
                    let dots = decoded.split(['/', '\\']).any(|part| matches!(part, "." | ".."));
                    assert!(!segment.is_empty() && !dots, "{asked} for {ctx}");
                }
            }
            if answer["success"] == false && recorder.0.borrow().is_empty() {
                // A group's name is checked as a name first.
                let named = answer["field"].as_str().unwrap_or_default();
                assert!(named.ends_with(field) || named == "groups[0].group", "{answer} for {ctx}");
            }
            if matches!(name, "." | ".." | "../x" | "..\\x" | "a\nb") && !["", "label"].contains(&field) {
                assert_eq!(answer["success"], false, "{answer} for {ctx}");
                // A group's name is checked as a name first.
                let named = answer["field"].as_str().unwrap_or_default();
                assert!(named.ends_with(field) || named == "groups[0].group", "{answer} for {ctx}");
                assert!(recorder.0.borrow().is_empty(), "{:?} for {ctx}", recorder.0.borrow());
            }
        }
    }
    assert!(sent > 500, "{sent}");
}
