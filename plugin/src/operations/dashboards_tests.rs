//! Dashboard operations against a Grafana in memory.

#[path = "../../../tests/fakes/grafana.rs"]
#[allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod fake;

use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use fake::Grafana;
use serde_json::{Value, json};

use super::Standalone;
use crate::http::{Clock, Failure, Limits, Request, Response, Transport};

/// A transport to the Grafana in memory.
#[derive(Clone, Default)]
struct Wire(Rc<RefCell<Grafana>>);

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
                let plain = request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
                let secret = request.credentials.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned()));
                let headers: Vec<_> = plain.chain(secret).collect();
                let method = format!("{:?}", request.method).to_uppercase();
                let target = request.url.path_and_query();
                let (status, body) = self.0.borrow_mut().answer(&method, &target, &headers, &request.body);
                Ok(Response { status, headers: Vec::new(), body: body.to_string().into() })
            })
            .collect()
    }

    fn sleep(&mut self, _: Duration) {}
}

/// A plug with these credentials, and its Grafana.
fn plug(auth: Value) -> (impl FnMut(Value) -> Value, Wire) {
    let wire = Wire::default();
    let mut plug = Standalone::new(wire.clone());
    let cfg = json!({"grafana_url": "http://g:3000", "grafana_auth": auth}).to_string();
    let ask = move |ctx: Value| serde_json::from_str(&plug.process(&ctx.to_string(), &cfg)).unwrap();
    (ask, wire)
}

fn first() -> Value {
    json!({"token": "glsa_first"})
}

fn create(title: &str) -> Value {
    json!({"operation": "create_dashboard", "dashboard_config": {"dashboard": {"title": title, "panels": [
        {"title": "p", "type": "graph", "targets": [{"expr": "up"}]}]}}})
}

fn with(mut ctx: Value, more: Value) -> Value {
    ctx.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ctx
}

#[test]
fn a_dashboard_is_created_once_and_then_unchanged() {
    let (mut ask, wire) = plug(first());
    let answer = ask(create("Tëst"));
    let result = &answer["result"];
    assert_eq!(
        (&result["dashboard_created"], &result["action"], &result["version"]),
        (&json!(true), &json!("created"), &json!(1)),
        "{answer}"
    );
    let uid = result["uid"].as_str().unwrap().to_owned();
    assert_eq!(result["url"], format!("http://g:3000/d/{uid}/slug"));
    assert!(result["warnings"][0].as_str().unwrap().ends_with("it was converted to timeseries"), "{answer}");
    assert_eq!(wire.0.borrow_mut().take_asked().1, 1);
    assert_eq!(
        wire.0.borrow().organizations[&1].dashboards[&uid].message,
        format!("monitoring_prometheus {}", crate::VERSION)
    );
    assert_eq!(ask(create("Tëst"))["result"]["action"], "unchanged");
    assert_eq!(wire.0.borrow_mut().take_asked().1, 0);
    assert_eq!(
        ask(json!({"operation": "get_dashboard", "uid": uid}))["result"]["dashboard"]["panels"][0]["type"],
        "timeseries"
    );
    assert_eq!(ask(json!({"operation": "delete_dashboard", "uid": uid}))["result"]["deleted"], true);
    assert_eq!(ask(json!({"operation": "delete_dashboard", "uid": uid}))["result"]["deleted"], false);
    assert_eq!(ask(json!({"operation": "get_dashboard", "uid": uid}))["result"]["found"], false);
}

#[test]
fn reapplying_two_hundred_dashboards_writes_nothing_and_reads_two_pages() {
    let (mut ask, wire) = plug(first());
    let many: Vec<Value> = (0..200)
        .map(|index| json!({"title": format!("d{index}"), "panels": [{"type": "graph", "targets": [{"expr": "up"}]}]}))
        .collect();
    let mut ctx = json!({"operation": "apply_dashboards", "dashboards": many});
    assert_eq!(ask(ctx.clone())["result"]["created"], 200);
    wire.0.borrow_mut().take_asked();
    assert_eq!(ask(ctx.clone())["result"]["unchanged"], 200);
    let (asked, writes) = wire.0.borrow_mut().take_asked();
    assert_eq!((asked.len(), writes), (2, 0), "{asked:?}");
    ctx["dashboards"][7]["panels"][0]["title"] = json!("new");
    let planned = ask(with(ctx.clone(), json!({"operation": "plan_dashboards", "diff": true})));
    assert_eq!((&planned["result"]["updated"], &planned["result"]["unchanged"]), (&json!(1), &json!(199)));
    let paths: Vec<&str> = planned["result"]["dashboards"][7]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["panels[0].title", "tags[1]"]);
    let (asked, writes) = wire.0.borrow_mut().take_asked();
    assert_eq!((asked.len(), writes), (3, 0), "{asked:?}");
    assert_eq!(ask(ctx)["result"]["updated"], 1);
    assert_eq!(wire.0.borrow().organizations[&1].dashboards.values().filter(|held| held.version == 2).count(), 1);
}

#[test]
fn foreign_dashboards_and_changes_are_overwritten_only_on_request() {
    let (mut ask, wire) = plug(first());
    let uid = ask(create("a"))["result"]["uid"].as_str().unwrap().to_owned();
    {
        let mut grafana = wire.0.borrow_mut();
        let held = grafana.organizations.get_mut(&1).unwrap().dashboards.get_mut(&uid).unwrap();
        held.model["panels"][0]["title"] = json!("by hand");
        held.model["version"] = json!(2);
        held.version = 2;
    }
    let answer = ask(create("a"));
    assert_eq!(
        (&answer["result"]["action"], &answer["result"]["dashboard_created"]),
        (&json!("conflict"), &json!(false)),
        "{answer}"
    );
    assert!(answer["result"]["conflict"].as_str().unwrap().contains("overwrite: true"), "{answer}");
    assert_eq!(wire.0.borrow().organizations[&1].dashboards[&uid].version, 2);
    assert_eq!(ask(with(create("a"), json!({"overwrite": true})))["result"]["version"], 3);
    // A dashboard that the plug did not create, which a search by its tag does not find.
    wire.0.borrow_mut().organizations.get_mut(&1).unwrap().dashboards.get_mut(&uid).unwrap().model["tags"] = json!([]);
    let list: Vec<Value> = ["a", "b", "c", "d"].iter().map(|title| create(title)["dashboard_config"].clone()).collect();
    let apply = json!({"operation": "apply_dashboards", "dashboards": list});
    let planned = ask(with(apply.clone(), json!({"operation": "plan_dashboards"})));
    assert_eq!((&planned["result"]["created"], &planned["result"]["conflict"]), (&json!(3), &json!(1)), "{planned}");
    let answer = ask(apply.clone());
    assert_eq!((&answer["result"]["created"], &answer["result"]["conflict"]), (&json!(3), &json!(1)), "{answer}");
    let answer = ask(with(apply, json!({"overwrite": true})));
    assert_eq!((&answer["result"]["unchanged"], &answer["result"]["updated"]), (&json!(3), &json!(1)), "{answer}");
}

#[test]
fn nested_folders_are_created_and_reused() {
    let (mut ask, wire) = plug(first());
    wire.0
        .borrow_mut()
        .organizations
        .get_mut(&1)
        .unwrap()
        .folders
        .insert("by-hand".into(), ("Team A".into(), String::new()));
    let within = || with(create("a"), json!({"folder": ["Team A", "Pipes"]}));
    let planned = json!({"operation": "plan_dashboards", "dashboards": [create("a")["dashboard_config"]], "folder": ["Team A", "Pipes"]});
    assert_eq!(ask(planned)["result"]["created"], 1);
    assert_eq!(wire.0.borrow_mut().take_asked().1, 0);
    let answer = ask(within());
    let folder = answer["result"]["folder_uid"].as_str().unwrap().to_owned();
    assert_eq!(wire.0.borrow().organizations[&1].folders[&folder], ("Pipes".into(), "by-hand".into()), "{answer}");
    let uid = answer["result"]["uid"].as_str().unwrap().to_owned();
    assert_eq!(wire.0.borrow().organizations[&1].dashboards[&uid].folder, folder);
    assert_eq!(ask(within())["result"]["action"], "unchanged");
    assert_eq!(wire.0.borrow().organizations[&1].folders.len(), 2);
    // Without a folder, dashboards are not moved.
    let mut given = create("other");
    given["dashboard_config"]["dashboard"]["uid"] = json!(uid);
    assert_eq!(ask(given)["result"]["action"], "updated");
    assert_eq!(wire.0.borrow().organizations[&1].dashboards[&uid].folder, folder);
    let answer = ask(with(create("b"), json!({"folder_uid": "nowhere"})));
    assert_eq!((&answer["error_code"], &answer["field"]), (&json!("invalid_field"), &json!("folder_uid")));
}

#[test]
fn the_organization_is_verified_before_anything_is_written() {
    let second = || with(create("a"), json!({"grafana_org_id": 2}));
    let (mut ask, wire) = plug(json!({"type": "basic", "username": "admin", "password": "s3cret"}));
    assert_eq!(ask(second())["result"]["action"], "created");
    assert_eq!(wire.0.borrow().organizations.values().map(|one| one.dashboards.len()).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(
        ask(json!({"operation": "grafana_status", "grafana_org_id": "2"}))["result"]["organization"]["name"],
        "Second"
    );
    // A token of another organization writes there, whatever the header is.
    let (mut ask, wire) = plug(first());
    let answer = ask(second());
    assert_eq!(
        (&answer["error_code"], &answer["field"]),
        (&json!("invalid_field"), &json!("grafana_org_id")),
        "{answer}"
    );
    assert_eq!(wire.0.borrow_mut().take_asked().1, 0);
}

#[test]
fn a_rejection_reports_grafanas_message_and_the_setting() {
    for status_form in [false, true] {
        let (mut ask, wire) = plug(json!({"token": "wrong-token"}));
        wire.0.borrow_mut().status_form = status_form;
        let answer = ask(create("a"));
        let error = answer["error"].as_str().unwrap();
        assert_eq!((&answer["error_code"], &answer["http_status"]), (&json!("refused"), &json!(401)), "{answer}");
        assert!(
            error.contains("401: Unauthorized (")
                && error.ends_with("in grafana_auth")
                && !error.contains("wrong-token"),
            "{error}"
        );
    }
}

#[test]
fn every_template_is_applied_listed_and_exported() {
    let (mut ask, wire) = plug(first());
    let all = json!({"operation": "apply_dashboards", "templates": "all", "folder": "PlugPipe", "datasource": "prom"});
    assert_eq!(ask(all.clone())["result"]["created"], 5);
    wire.0.borrow_mut().take_asked();
    assert_eq!(ask(all)["result"]["unchanged"], 5);
    assert_eq!(wire.0.borrow_mut().take_asked().1, 0);
    let list = ask(json!({"operation": "list_dashboards", "tag": "plugpipe", "search": "PlugPipe P"}));
    assert_eq!(
        (&list["result"]["count"], &list["result"]["dashboards"][0]["title"]),
        (&json!(2), &json!("PlugPipe Pipe Overview")),
        "{list}"
    );
    let uid = &list["result"]["dashboards"][0]["uid"];
    let held = ask(json!({"operation": "export_dashboards", "uids": [uid, "none"]}));
    let file = &held["result"]["files"][0];
    assert_eq!(
        (file["path"].as_str().unwrap(), &held["result"]["missing"]),
        (&*format!("{}.json", uid.as_str().unwrap()), &json!(["none"]))
    );
    let model: Value = serde_json::from_str(file["content"].as_str().unwrap()).unwrap();
    assert!(model.get("id").is_none() && model.get("version").is_none() && model["uid"] == *uid);
    let files = ask(json!({"operation": "export_dashboards", "templates": ["all"], "folder": "PlugPipe"}));
    assert_eq!(files["result"]["files"].as_array().unwrap().len(), 5);
    let provider: Value = serde_saphyr::from_str(files["result"]["provider"].as_str().unwrap()).unwrap();
    assert_eq!(provider["providers"][0]["folder"], "PlugPipe");
}

#[test]
fn invalid_input_is_rejected_without_a_request() {
    let (mut ask, wire) = plug(first());
    let twice = create("a")["dashboard_config"].clone();
    for (ctx, field) in [
        (json!({"operation": "create_dashboard"}), "dashboard_config"),
        (json!({"operation": "create_dashboard", "template": "nothing"}), "template"),
        (json!({"operation": "create_dashboard", "template": "pipe_overview", "prefix": "a b"}), "prefix"),
        (with(create("a"), json!({"template": "pipe_overview"})), "template"),
        (json!({"operation": "apply_dashboards"}), "dashboards"),
        (json!({"operation": "apply_dashboards", "dashboards": [twice, twice]}), "dashboards"),
        (json!({"operation": "apply_dashboards", "templates": ["all", {}]}), "templates[1]"),
        (json!({"operation": "apply_dashboards", "templates": ["pipe_overview", "nothing"]}), "templates[1]"),
        (with(create("a"), json!({"folder": [""]})), "folder"),
        (with(create("a"), json!({"folder_uid": "a b"})), "folder_uid"),
        (with(create("a"), json!({"grafana_org_id": "x"})), "ctx.grafana_org_id"),
        (json!({"operation": "get_dashboard", "uid": "a/b"}), "uid"),
    ] {
        let answer = ask(ctx.clone());
        assert_eq!((&answer["success"], answer["field"].as_str()), (&json!(false), Some(field)), "{ctx} {answer}");
    }
    let mock = ask(with(create("a"), json!({"mock_mode": true})));
    assert_eq!((&mock["result"]["mock"], &mock["result"]["dashboard_created"]), (&json!(true), &json!(false)));
    assert_eq!(ask(with(create("a"), json!({"dry_run": true})))["result"]["dashboard"]["schemaVersion"], 39);
    assert_eq!(wire.0.borrow().asked, []);
}

#[test]
fn verify_detects_a_manual_change() {
    let (mut ask, wire) = plug(first());
    let list: Vec<Value> = ["a", "b", "c", "d"].iter().map(|title| create(title)["dashboard_config"].clone()).collect();
    let apply = json!({"operation": "apply_dashboards", "dashboards": list});
    assert_eq!(ask(apply.clone())["result"]["created"], 4);
    let uid = wire.0.borrow().organizations[&1].dashboards.keys().next().unwrap().clone();
    wire.0.borrow_mut().organizations.get_mut(&1).unwrap().dashboards.get_mut(&uid).unwrap().model["time"]["from"] =
        json!("now-2d");
    assert_eq!(ask(apply.clone())["result"]["unchanged"], 4);
    let answer = ask(with(apply, json!({"verify": true, "diff": true})));
    assert_eq!((&answer["result"]["unchanged"], &answer["result"]["conflict"]), (&json!(3), &json!(1)), "{answer}");
    let conflict = answer["result"]["dashboards"].as_array().unwrap().iter().find(|one| one["uid"] == *uid).unwrap();
    assert_eq!(conflict["changes"], json!([{"path": "time.from", "was": "\"now-2d\"", "wanted": "\"now-1h\""}]));
}

#[test]
fn a_rejected_dashboard_does_not_block_others() {
    let (mut ask, wire) = plug(first());
    let mut grafana = wire.0.borrow_mut();
    grafana.refuses = Some("b".into());
    drop(grafana);
    let list: Vec<Value> = ["a", "b", "c"].iter().map(|title| create(title)["dashboard_config"].clone()).collect();
    let answer = ask(json!({"operation": "apply_dashboards", "dashboards": list}));
    assert_eq!((&answer["result"]["created"], &answer["result"]["failed"]), (&json!(2), &json!(1)), "{answer}");
    let failed = &answer["result"]["dashboards"][1];
    assert_eq!((&failed["action"], &failed["http_status"]), (&json!("failed"), &json!(422)), "{failed}");
    assert!(failed["error"].as_str().unwrap().contains("422: dashboard is refused"), "{failed}");
}

#[test]
fn the_resource_api_saves_the_same_dashboards_and_folders() {
    let (mut ask, wire) = plug(first());
    let resources = |ctx: Value| with(ctx, json!({"grafana_api": "k8s", "folder": ["A", "B"]}));
    let created = ask(resources(create("Tëst")));
    assert_eq!(
        (&created["result"]["action"], &created["result"]["version"]),
        (&json!("created"), &json!(1)),
        "{created}"
    );
    let uid = created["result"]["uid"].as_str().unwrap().to_owned();
    {
        let grafana = wire.0.borrow();
        let held = &grafana.organizations[&1];
        let (_, parent) = &held.folders[created["result"]["folder_uid"].as_str().unwrap()];
        assert_eq!(held.folders[parent].0, "A");
        assert_eq!(held.dashboards[&uid].message, format!("monitoring_prometheus {}", crate::VERSION));
        assert!(
            grafana.asked.iter().any(|(method, path)| method == "POST"
                && path == "/apis/dashboard.grafana.app/v1/namespaces/default/dashboards")
        );
    }
    wire.0.borrow_mut().take_asked();
    assert_eq!(ask(resources(create("Tëst")))["result"]["action"], "unchanged");
    assert_eq!(wire.0.borrow_mut().take_asked().1, 0);
    // The older API finds the same dashboard unchanged.
    let by_api = with(create("Tëst"), json!({"folder": ["A", "B"]}));
    assert_eq!(ask(by_api)["result"]["action"], "unchanged");

    let mut other = resources(create("Tëst"));
    other["dashboard_config"]["dashboard"]["panels"][0]["title"] = json!("new");
    let updated = ask(other);
    assert_eq!(
        (&updated["result"]["action"], &updated["result"]["version"]),
        (&json!("updated"), &json!(2)),
        "{updated}"
    );
    let got = ask(resources(json!({"operation": "get_dashboard", "uid": uid})));
    assert_eq!(got["result"]["dashboard"]["panels"][0]["title"], "new");
    assert_eq!(ask(resources(json!({"operation": "delete_dashboard", "uid": uid})))["result"]["deleted"], true);
    assert_eq!(ask(resources(json!({"operation": "delete_dashboard", "uid": uid})))["result"]["deleted"], false);
}

#[test]
fn foreign_resources_and_changes_are_replaced_only_on_request() {
    let (mut ask, wire) = plug(first());
    let resources = |ctx: Value, more: Value| with(with(ctx, json!({"grafana_api": "k8s"})), more);
    let mut theirs = create("Theirs");
    theirs["dashboard_config"]["dashboard"]["uid"] = json!("theirs");
    assert_eq!(ask(resources(theirs.clone(), json!({})))["result"]["action"], "created");
    let edit = |change: &dyn Fn(&mut Value)| {
        let mut grafana = wire.0.borrow_mut();
        change(&mut grafana.organizations.get_mut(&1).unwrap().dashboards.get_mut("theirs").unwrap().model);
    };
    edit(&|model| model["title"] = json!("By hand"));
    let answer = ask(resources(theirs.clone(), json!({})));
    assert_eq!(answer["result"]["action"], "conflict", "{answer}");
    assert_eq!(ask(resources(theirs.clone(), json!({"overwrite": true})))["result"]["action"], "updated");
    // A search by tags does not find it, so it is created, and Grafana reports that it exists.
    edit(&|model| {
        model["tags"] = json!([]);
        model["title"] = json!("By hand");
    });
    let mut several: Vec<Value> = (0..4).map(|index| json!({"title": format!("d{index}"), "panels": []})).collect();
    several.push(theirs["dashboard_config"]["dashboard"].clone());
    let ctx = json!({"operation": "apply_dashboards", "dashboards": several});
    let answer = ask(resources(ctx.clone(), json!({})));
    assert_eq!((&answer["result"]["created"], &answer["result"]["conflict"]), (&json!(4), &json!(1)), "{answer}");
    let answer = ask(resources(ctx, json!({"overwrite": true})));
    assert_eq!((&answer["result"]["unchanged"], &answer["result"]["updated"]), (&json!(4), &json!(1)), "{answer}");
}

#[test]
fn resources_follow_the_organization_and_need_a_recent_grafana() {
    let (mut ask, wire) = plug(json!({"type": "basic", "username": "admin", "password": "s3cret"}));
    let ctx = with(create("x"), json!({"grafana_api": "k8s", "grafana_org_id": 2}));
    assert_eq!(ask(ctx.clone())["result"]["action"], "created");
    assert_eq!(wire.0.borrow().organizations[&2].dashboards.len(), 1);
    assert!(wire.0.borrow().asked.iter().any(|(_, path)| path.contains("/namespaces/org-2/")));
    wire.0.borrow_mut().versions = vec!["v0alpha1", "v1beta1"];
    assert_eq!(ask(ctx.clone())["result"]["action"], "unchanged");
    wire.0.borrow_mut().versions = Vec::new();
    wire.0.borrow_mut().take_asked();
    let answer = ask(ctx);
    assert_eq!(answer["field"], "grafana_api", "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("needs Grafana 12"), "{answer}");
    assert_eq!(wire.0.borrow_mut().take_asked().1, 0);
}

#[test]
fn a_data_source_is_created_once_and_its_secrets_are_not_disclosed() {
    let (mut ask, wire) = plug(first());
    let ctx = json!({"operation": "ensure_datasource", "datasource_url": "http://u:hunter2@prom:9090/x",
        "json_data": {"timeInterval": "15s"}, "default": true});
    let created = ask(ctx.clone());
    assert_eq!(
        (&created["result"]["action"], &created["result"]["datasource_ready"]),
        (&json!("created"), &json!(true)),
        "{created}"
    );
    let uid = created["result"]["uid"].as_str().unwrap().to_owned();
    {
        let grafana = wire.0.borrow();
        let held = &grafana.organizations[&1].datasources[&uid];
        assert_eq!(held["url"], "http://prom:9090/x");
        assert_eq!(
            (&held["basicAuthUser"], &held["secureJsonData"]["basicAuthPassword"]),
            (&json!("u"), &json!("hunter2"))
        );
        assert_eq!(held["jsonData"], json!({"timeInterval": "15s", "httpMethod": "POST"}));
    }
    wire.0.borrow_mut().take_asked();
    let again = ask(ctx.clone());
    assert_eq!(again["result"]["action"], "unchanged", "{again}");
    assert_eq!(wire.0.borrow_mut().take_asked().1, 0);

    let planned = ask(with(
        ctx.clone(),
        json!({"dry_run": true, "diff": true, "json_data": {"timeInterval": "30s"}, "renew_secrets": true}),
    ));
    assert_eq!(
        (&planned["result"]["action"], &planned["result"]["datasource_ready"]),
        (&json!("updated"), &json!(false))
    );
    let paths: Vec<&str> =
        planned["result"]["changes"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["jsonData.timeInterval", "secureJsonData.basicAuthPassword"]);
    assert!(!planned.to_string().contains("hunter2"));
    assert_eq!(wire.0.borrow_mut().take_asked().1, 0);

    // Other changes made in Grafana are kept.
    wire.0.borrow_mut().organizations.get_mut(&1).unwrap().datasources.get_mut(&uid).unwrap()["jsonData"]["queryTimeout"] =
        json!("60s");
    let changed = json!({"operation": "ensure_datasource", "datasource_url": "http://other:9090"});
    assert_eq!(ask(changed)["result"]["action"], "updated");
    let grafana = wire.0.borrow();
    let held = &grafana.organizations[&1].datasources[&uid];
    assert_eq!((&held["isDefault"], &held["jsonData"]["queryTimeout"]), (&json!(true), &json!("60s")), "{held}");
    assert_eq!(held["secureJsonData"]["basicAuthPassword"], "hunter2");
}

#[test]
fn an_invalid_data_source_reports_what_to_do() {
    let (mut ask, wire) = plug(first());
    let without = ask(json!({"operation": "ensure_datasource"}));
    assert_eq!((&without["error_code"], &without["field"]), (&json!("missing_field"), &json!("datasource_url")));
    for (field, more) in [
        ("datasource_url", json!({"datasource_url": "nowhere"})),
        ("uid", json!({"datasource_url": "http://p:9090", "uid": "a b"})),
        ("name", json!({"datasource_url": "http://p:9090", "name": "n".repeat(191)})),
        ("secure_json_data.x", json!({"datasource_url": "http://p:9090", "secure_json_data": {"x": ["s3cret"]}})),
    ] {
        let answer = ask(with(json!({"operation": "ensure_datasource"}), more));
        assert_eq!(answer["field"], field, "{answer}");
        assert!(!answer.to_string().contains("s3cret"));
    }
    assert_eq!(wire.0.borrow_mut().take_asked().0.len(), 0, "no request was asked for");
    ask(json!({"operation": "ensure_datasource", "datasource_url": "http://p:9090"}));
    let taken = ask(json!({"operation": "ensure_datasource", "datasource_url": "http://p:9090", "uid": "other"}));
    assert!(taken["error"].as_str().unwrap().contains("use another name"), "{taken}");
}

#[test]
fn grafana_checks_the_health_of_a_data_source() {
    let (mut ask, _) = plug(first());
    for (url, name, healthy) in [("http://p:9090", "up", true), ("http://down:9090", "down", false)] {
        ask(json!({"operation": "ensure_datasource", "datasource_url": url, "name": name}));
        let answer = ask(json!({"operation": "datasource_health", "name": name}));
        assert_eq!(answer["result"]["healthy"], healthy, "{answer}");
        assert!(answer["result"]["message"].as_str().unwrap().contains("Prometheus API"), "{answer}");
    }
    let missing = ask(json!({"operation": "datasource_health", "name": "none"}));
    assert!(missing["error"].as_str().unwrap().contains("ensure_datasource creates one"), "{missing}");
}

#[test]
fn a_pipe_run_is_annotated_as_a_region() {
    let (mut ask, wire) = plug(first());
    let uid = ask(create("d"))["result"]["uid"].clone();
    let begun = ask(
        json!({"operation": "annotate", "text": "pipe <b>a</b>", "tags": ["pipe"], "dashboard_uid": uid, "panel_id": "1"}),
    );
    let id = &begun["result"]["annotation_id"];
    assert_eq!((id, &begun["result"]["time_ms"]), (&json!(1), &json!(1_704_067_200_000_u64)), "{begun}");
    let ended = ask(json!({"operation": "annotate", "annotation_id": id, "time_end": "2024-01-01T00:05:00Z"}));
    assert_eq!(ended["result"]["annotated"], true, "{ended}");
    assert_eq!(
        wire.0.borrow().organizations[&1].annotations,
        [
            json!({"text": "pipe <b>a</b>", "dashboardUID": uid, "time": 1_704_067_200_000_u64, "timeEnd": 1_704_067_500_000_u64,
            "panelId": 1, "tags": ["pipe"]})
        ]
    );
    wire.0.borrow_mut().take_asked();
    for (field, ctx) in [
        ("text", json!({})),
        ("time_end", json!({"text": "x", "time": "2024-01-02T00:00:00Z", "time_end": "2024-01-01T00:00:00Z"})),
        ("time", json!({"text": "x", "time": "1960-01-01T00:00:00Z"})),
        ("annotation_id", json!({"annotation_id": 0, "text": "x"})),
        ("annotation_id", json!({"annotation_id": "x", "text": "x"})),
        ("time_end", json!({"annotation_id": 1})),
    ] {
        let answer = ask(with(json!({"operation": "annotate"}), ctx));
        assert_eq!(answer["field"], field, "{answer}");
    }
    assert_eq!(wire.0.borrow_mut().take_asked().0.len(), 0);
}
