//! Rules are neither lost nor dropped: files that others wrote, several alerts of one file, fields
//! that a server does not take, expressions that it writes otherwise.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use plugpipe_testkit::{Program, PrometheusOptions, Running, start_prometheus};
use serde_json::{Value, json};

use crate::support::{Checked, program, result, run, servers, start_with_rules, stderr, stdout, without_servers};

const MARKER: &str = "# Managed by monitoring_prometheus";

/// A Prometheus that evaluates the rules of a folder.
async fn prometheus(bin: PathBuf, rules: &Path) -> Running {
    let config = format!("global: {{evaluation_interval: 1s}}\nrule_files: [{:?}]\n", rules.join("*.yml"));
    tokio::task::spawn_blocking(move || {
        let options = PrometheusOptions { config, ..PrometheusOptions::default() }.flag("--web.enable-lifecycle");
        start_prometheus(&bin, &options).unwrap()
    })
    .await
    .unwrap()
}

fn prometheus_3() -> PathBuf {
    servers().find_or_fetch_at_least(Program::Prometheus, 3).unwrap_or_else(|error| panic!("{error}"))
}

fn alert(operation: &str, name: &str, file: &str) -> Value {
    let mut ctx = json!({"operation": operation, "alert_name": name, "rules_file": file});
    if operation == "create_alert" {
        ctx["expression"] = json!("up == 0");
    }
    ctx
}

/// The alerts of a file, by group.
fn alerts(file: &Path) -> BTreeMap<String, Vec<String>> {
    let file: Value = serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let name = |rule: &Value| rule["alert"].as_str().unwrap_or_default().to_owned();
    file["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            (group["name"].as_str().unwrap().to_owned(), group["rules"].as_array().unwrap().iter().map(name).collect())
        })
        .collect()
}

#[tokio::test]
async fn a_file_that_the_plug_did_not_write_is_left_as_it_is() {
    const BY_HAND: &str = "groups:\n- name: ops\n  rules:\n  - {alert: Disk, expr: disk > 9}\n";
    let rules = tempfile::tempdir().unwrap();
    let file = rules.path().join("op2.yml");
    fs::write(&file, BY_HAND).unwrap();
    let plug = start_with_rules(json!({"job_name": "j"}), rules.path()).await;
    let groups = json!([{"name": "g", "rules": [{"alert": "A", "expr": "up == 0"}]}]);
    for ctx in [
        alert("delete_alert", "Nothing", "op2.yml"),
        alert("create_alert", "A", "op2.yml"),
        json!({"operation": "apply_alerts", "groups": groups, "rules_file": "op2.yml"}),
        json!({"operation": "apply_alerts", "groups": [], "rules_file": "op2.yml"}),
        json!({"operation": "plan_alerts", "groups": groups, "rules_file": "op2.yml"}),
    ] {
        let refused = plug.process(&ctx).await.unwrap();
        assert_eq!((&refused["success"], &refused["field"]), (&json!(false), &json!("rules_file")), "{ctx}: {refused}");
        assert!(refused["error"].as_str().unwrap().contains("op2.yml is not managed"), "{refused}");
        assert_eq!(fs::read_to_string(&file).unwrap(), BY_HAND, "{ctx}");
    }
    // By the command line, as well.
    let (folder, ctx) = (rules.path().to_str().unwrap(), alert("delete_alert", "Nothing", "op2.yml").to_string());
    let output = run(&["call", "delete_alert", "--ctx", &ctx, "--rules-folder", folder]);
    assert!(!output.status.success(), "{}{}", stdout(&output), stderr(&output));
    assert!(format!("{}{}", stdout(&output), stderr(&output)).contains("op2.yml"));
    assert_eq!(fs::read_to_string(&file).unwrap(), BY_HAND);

    // What was the plug's and was edited since is not changed rule by rule; who gives all rules may
    // replace it.
    let edited = format!("{MARKER}; x\n{BY_HAND}");
    fs::write(&file, &edited).unwrap();
    for operation in ["create_alert", "delete_alert"] {
        let refused = plug.process(&alert(operation, "A", "op2.yml")).await.unwrap();
        assert!(refused["error"].as_str().unwrap().contains("op2.yml was edited by hand"), "{refused}");
        assert_eq!(fs::read_to_string(&file).unwrap(), edited);
    }
    let applied = result(&plug, json!({"operation": "apply_alerts", "groups": groups, "rules_file": "op2.yml"})).await;
    assert_eq!(applied["rules_file_written"], true, "{applied}");
    assert_eq!(alerts(&file), [("g".to_owned(), vec!["A".to_owned()])].into());
}

#[cfg(unix)]
#[tokio::test]
async fn a_symbolic_link_in_the_rules_folder_is_not_followed() {
    let (rules, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = other.path().join("target.yml");
    fs::write(&target, format!("{MARKER}\n")).unwrap();
    std::os::unix::fs::symlink(&target, rules.path().join("a.yml")).unwrap();
    let plug = start_with_rules(json!({"job_name": "j"}), rules.path()).await;
    let answer = plug.process(&alert("create_alert", "A", "a.yml")).await.unwrap().to_string();
    assert!(answer.contains("a.yml") && answer.contains("symbolic link"), "{answer}");
    assert_eq!(fs::read_to_string(&target).unwrap(), format!("{MARKER}\n"));
    assert!(fs::symlink_metadata(rules.path().join("a.yml")).unwrap().is_symlink());
}

#[tokio::test]
async fn alerts_of_one_file_are_added_changed_and_taken_out_one_by_one() {
    let rules = tempfile::tempdir().unwrap();
    let file = rules.path().join("ops.yml");
    let plug = start_with_rules(json!({"job_name": "j"}), rules.path()).await;
    for name in ["A", "B"] {
        let created = result(&plug, alert("create_alert", name, "ops.yml")).await;
        assert_eq!(
            (&created["status"], &created["created"], &created["rules_file_written"]),
            (&json!("pending"), &json!(1), &json!(true)),
            "{created}"
        );
        assert!(created["pending"].as_str().unwrap().contains("prometheus_url"), "{created}");
    }
    let mut other = alert("create_alert", "A", "ops.yml");
    other["group"] = json!("other");
    result(&plug, other).await;
    let both = || vec!["A".to_owned(), "B".to_owned()];
    assert_eq!(alerts(&file), [("other".into(), vec!["A".into()]), ("plugpipe".into(), both())].into());
    let mut changed = alert("create_alert", "A", "ops.yml");
    changed["expression"] = json!("up == 1");
    assert_eq!(result(&plug, changed).await["changed"], 1);
    assert_eq!(alerts(&file)["plugpipe"], both());
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with(MARKER) && text.contains("up == 1"), "{text}");

    let absent = result(&plug, alert("delete_alert", "C", "ops.yml")).await;
    assert_eq!((&absent["deleted"], &absent["was_there"]), (&json!(false), &json!(false)), "{absent}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    let nowhere = result(&plug, alert("delete_alert", "C", "no.yml")).await;
    assert_eq!(nowhere["deleted"], false, "{nowhere}");
    assert!(!rules.path().join("no.yml").exists());

    let deleted = result(&plug, alert("delete_alert", "A", "ops.yml")).await;
    assert_eq!((&deleted["was_there"], &deleted["removed"]), (&json!(true), &json!(1)), "{deleted}");
    assert_eq!(alerts(&file), [("other".into(), vec!["A".into()]), ("plugpipe".into(), vec!["B".into()])].into());
    let mut other = alert("delete_alert", "A", "ops.yml");
    other["group"] = json!("other");
    result(&plug, other).await;
    let last = result(&plug, alert("delete_alert", "B", "ops.yml")).await;
    assert_eq!((&last["rules_file_removed"], &last["was_there"]), (&json!(true), &json!(true)), "{last}");
    assert!(!file.exists());
}

#[tokio::test]
async fn changes_of_one_file_at_the_same_time_are_all_kept() {
    let rules = tempfile::tempdir().unwrap();
    let one = start_with_rules(json!({"job_name": "j"}), rules.path()).await;
    let other = start_with_rules(json!({"job_name": "k"}), rules.path()).await;
    let calls = (0..12).map(|number| {
        let plug = if number % 2 == 0 { one.clone() } else { other.clone() };
        tokio::spawn(async move {
            let ctx = alert("create_alert", &format!("A{number}"), "ops.yml");
            // Between two hosts, who was overtaken too often is told so.
            for _ in 0..20 {
                match plug.process(&ctx).await {
                    Ok(answer) => {
                        assert_eq!(answer["success"], true, "{answer}");
                        return;
                    }
                    Err(error) => assert!(error.to_string().contains("another process"), "{error}"),
                }
            }
            panic!("A{number} is never written");
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(alerts(&rules.path().join("ops.yml"))["plugpipe"].len(), 12);
    assert_eq!(fs::read_dir(rules.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_loaded_file_is_changed_rule_by_rule_and_confirmed() {
    if without_servers("a_loaded_file_is_changed_rule_by_rule_and_confirmed") {
        return;
    }
    let rules = tempfile::tempdir().unwrap();
    let server = prometheus(program(Program::Prometheus), rules.path()).await;
    let plug = start_with_rules(json!({"prometheus_url": server.url}), rules.path()).await;
    for name in ["A", "B"] {
        let created = result(&plug, alert("create_alert", name, "ops.yml")).await;
        assert_eq!((&created["alert_created"], &created["status"]), (&json!(true), &json!("installed")), "{created}");
    }
    assert_eq!(result(&plug, alert("create_alert", "A", "ops.yml")).await["status"], "unchanged");
    let listed = result(&plug, json!({"operation": "list_alerts"})).await;
    assert_eq!(listed["alerts"].as_array().unwrap().len(), 2, "{listed}");
    // Who has no folder is not handed a file that would cost the other rule.
    let without_folder = plug_without_folder(&server.url).await;
    let pending = result(&without_folder, alert("create_alert", "C", "ops.yml")).await;
    assert_eq!(pending.get("artifacts"), None, "{pending}");
    assert!(pending["pending"].as_str().unwrap().contains("plugpipe/A, plugpipe/B"), "{pending}");

    let deleted = result(&plug, alert("delete_alert", "A", "ops.yml")).await;
    assert_eq!((&deleted["deleted"], &deleted["was_there"]), (&json!(true), &json!(true)), "{deleted}");
    let again = result(&plug, alert("delete_alert", "A", "ops.yml")).await;
    assert_eq!((&again["deleted"], &again["was_there"]), (&json!(false), &json!(false)), "{again}");
    assert_eq!(alerts(&rules.path().join("ops.yml"))["plugpipe"], ["B"]);
    let listed = result(&plug, json!({"operation": "list_alerts"})).await;
    assert_eq!(listed["alerts"][0]["alert_name"], "B", "{listed}");
}

async fn plug_without_folder(url: &str) -> Checked {
    crate::support::start(json!({"prometheus_url": url})).await
}

#[tokio::test]
async fn a_server_is_given_the_fields_that_its_version_takes() {
    if without_servers("a_server_is_given_the_fields_that_its_version_takes") {
        return;
    }
    let apply = |groups: Value| json!({"operation": "apply_alerts", "groups": groups, "rules_file": "all.yml"});
    let rule = json!({"alert": "A", "expr": "up == 0", "keep_firing_for": "2m"});
    let newer = [
        (json!([{"name": "g", "query_offset": "1m", "rules": [rule]}]), "groups[0].query_offset"),
        (json!([{"name": "g", "labels": {"team": "x"}, "rules": [rule]}]), "groups[0].labels"),
        (
            json!([{"name": "g", "rules": [{"alert": "A", "expr": "up", "labels": {"my.label": "x"}}]}]),
            "groups[0].rules[0].labels.my.label",
        ),
        (
            json!([{"name": "g", "rules": [{"alert": "A", "expr": "up", "annotations": {"my é": "x"}}]}]),
            "groups[0].rules[0].annotations.my é",
        ),
        (json!([{"name": "g", "rules": [{"record": "my.record", "expr": "up"}]}]), "groups[0].rules[0].record"),
    ];
    let never = [
        (
            json!([{"name": "g", "rules": [{"alert": "A", "expr": "up", "annotation": {}}]}]),
            "groups[0].rules[0].annotation",
        ),
        (json!([{"name": "g", "rules": [{"alert": "A", "expr": "up", "fro": "5m"}]}]), "groups[0].rules[0].fro"),
        (json!([{"name": "g", "rules": [{"record": "a", "expr": "up", "for": "5m"}]}]), "groups[0].rules[0].for"),
        (
            json!([{"name": "g", "rules": [{"record": "a", "expr": "up", "annotations": {"a": "b"}}]}]),
            "groups[0].rules[0].annotations",
        ),
        (json!([{"name": "g", "type": "graphite", "rules": []}]), "groups[0].type"),
        (json!([{"name": "g", "source_tenants": ["a"], "rules": []}]), "groups[0].source_tenants"),
        (
            json!([{"name": "g", "rules": [{"alert": "A", "expr": "up", "annotations": {"a": "{{ $label.x }}"}}]}]),
            "groups[0].rules[0].annotations.a",
        ),
    ];
    for (bin, is_3) in [(program(Program::Prometheus), false), (prometheus_3(), true)] {
        let rules = tempfile::tempdir().unwrap();
        let server = prometheus(bin, rules.path()).await;
        let plug = start_with_rules(json!({"prometheus_url": server.url}), rules.path()).await;
        for (groups, field) in newer.iter().chain(&never) {
            let answer = plug.process(&apply(groups.clone())).await.unwrap();
            if is_3 && newer.iter().any(|(_, own)| own == field) {
                let result = &answer["result"];
                assert_eq!(
                    (&result["applied"], &result["status"]),
                    (&json!(true), &json!("installed")),
                    "{groups} {answer}"
                );
            } else {
                assert_eq!((&answer["success"], &answer["field"]), (&json!(false), &json!(field)), "{groups} {answer}");
            }
        }
        // What every version takes: a limit, a group without rules, two alerts that differ by their
        // expression only.
        let common = json!([
            {"name": "g", "limit": 7, "rules": [{"alert": "A", "expr": "up == 0"}, {"alert": "A", "expr": "up == 1"}]},
            {"name": "empty", "rules": []}, {"name": "none"},
        ]);
        let applied = result(&plug, apply(common.clone())).await;
        assert_eq!((&applied["applied"], &applied["status"]), (&json!(true), &json!("installed")), "{applied}");
        assert_eq!(result(&plug, apply(common)).await["status"], "unchanged");
        let text = fs::read_to_string(rules.path().join("all.yml")).unwrap();
        assert!(text.contains("limit: 7") && text.contains("rules: []"), "{text}");
        let limited = json!([{"name": "g", "limit": 8, "rules": [{"alert": "A", "expr": "up == 0"}]}]);
        assert_eq!(result(&plug, apply(limited)).await["applied"], true);
    }
    // Without a server only 2.42's fields are taken, unless the version is told.
    let plug = crate::support::alone().await;
    let mut export = json!({"operation": "export_rules", "groups": newer[0].0});
    assert_eq!(plug.process(&export).await.unwrap()["field"], "groups[0].query_offset");
    export["target_version"] = json!("2.53.0");
    assert!(result(&plug, export).await["exported_rules"].as_str().unwrap().contains("query_offset: 1m"));
}

/// A program that ends with the test.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn vmalert_is_given_its_own_fields() {
    if without_servers("vmalert_is_given_its_own_fields") {
        return;
    }
    let rules = tempfile::tempdir().unwrap();
    let vmalert = servers().find_or_fetch_newest(Program::VictoriaMetrics).unwrap().with_file_name("vmalert");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let mut command = Command::new(vmalert);
    command
        .arg(format!("-rule={}", rules.path().join("*.yml").display()))
        .args([
            "-datasource.url=http://127.0.0.1:1",
            "-notifier.blackhole",
            &format!("-httpListenAddr=127.0.0.1:{port}"),
        ])
        .current_dir(rules.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _server = Ending(command.spawn().unwrap());
    let started = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(started.elapsed() < Duration::from_secs(30), "vmalert does not listen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let plug = start_with_rules(json!({"ruler_url": url}), rules.path()).await;
    let groups = json!([{
        "name": "g", "interval": "30s", "type": "prometheus", "concurrency": 2, "params": {"nocache": ["1"]}, "headers": ["X-A: b"],
        "eval_delay": "1m", "labels": {"team": "x"}, "debug": true,
        "rules": [{"alert": "A", "expr": "sum(rate(x[60s])) by (job)>1", "keep_firing_for": "2m", "debug": true, "update_entries_limit": 5,
            "annotations": {"at": "{{ $activeAt | formatTime }}", "é": "x"}}],
    }]);
    let apply = json!({"operation": "apply_alerts", "groups": groups, "rules_file": "vm.yml", "target": "vmalert"});
    let applied = result(&plug, apply.clone()).await;
    assert_eq!((&applied["applied"], &applied["status"]), (&json!(true), &json!("installed")), "{applied}");
    assert_eq!(result(&plug, apply.clone()).await["status"], "unchanged");
    let mut other = apply;
    other["target"] = json!("file");
    let refused = plug.process(&other).await.unwrap();
    assert!(refused["field"].as_str().unwrap().starts_with("groups[0]."), "{refused}");
}

#[tokio::test]
async fn an_expression_is_compared_as_the_server_writes_it() {
    if without_servers("an_expression_is_compared_as_the_server_writes_it") {
        return;
    }
    for (bin, expression) in [
        (program(Program::Prometheus), "{__name__=\"my.silo\"}>1"),
        (prometheus_3(), "{\"my.silo\"} > 1"),
        (prometheus_3(), "sum({\"my.silo\", a='b'}) by (x) > on () group_left () (1)"),
        (program(Program::Prometheus), "avg(up) without () > -(-1) # why"),
    ] {
        let rules = tempfile::tempdir().unwrap();
        let server = prometheus(bin, rules.path()).await;
        let plug = start_with_rules(json!({"prometheus_url": server.url}), rules.path()).await;
        let create = json!({"operation": "create_alert", "alert_name": "A", "expression": expression});
        let created = result(&plug, create.clone()).await;
        assert_eq!((&created["alert_created"], &created["status"]), (&json!(true), &json!("installed")), "{created}");
        assert_eq!(result(&plug, create).await["status"], "unchanged");
        let groups =
            json!([{"name": "g", "rules": [{"alert": "A", "expr": expression}]}, {"name": "empty", "rules": []}]);
        let applied =
            result(&plug, json!({"operation": "apply_alerts", "groups": groups, "rules_file": "b.yml"})).await;
        assert_eq!((&applied["applied"], &applied["status"]), (&json!(true), &json!("installed")), "{applied}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_format_expressions_leaves_some_unverified() {
    use axum::routing::{get, post};
    let rule = |query: &str| {
        json!({"type": "alerting", "name": "A", "query": query, "duration": 0, "keepFiringFor": 0, "labels": {}, "annotations": {},
            "state": "firing", "health": "ok", "alerts": []})
    };
    let listed = json!({"status": "success", "data": {"groups": [
        {"name": "g", "file": "/r/a.yml", "interval": 60, "rules": [rule("(sum by (job) (up)) > 1")]},
        {"name": "h", "file": "/r/b.yml", "interval": 60, "rules": [rule("sum by (job) (up) > 1")]},
    ]}});
    let router = axum::Router::new()
        .route("/api/v1/rules", get(async move || listed.to_string()))
        .route("/-/reload", post(async || ""));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let rules = tempfile::tempdir().unwrap();
    let plug =
        start_with_rules(json!({"prometheus_url": url, "timeout": "1s", "retry_attempts": 1}), rules.path()).await;
    let apply = |group: &str, file: &str| {
        let groups = json!([{"name": group, "rules": [{"alert": "A", "expr": "sum(up) by (job)>1"}]}]);
        json!({"operation": "apply_alerts", "groups": groups, "rules_file": file})
    };
    let unverified = result(&plug, apply("g", "a.yml")).await;
    assert_eq!((&unverified["applied"], &unverified["status"]), (&json!(false), &json!("unverified")), "{unverified}");
    assert!(unverified["pending"].as_str().unwrap().contains("A as (sum by (job) (up)) > 1"), "{unverified}");
    // What is the same after parsing is no question.
    let same = result(&plug, apply("h", "b.yml")).await;
    assert_eq!((&same["applied"], &same["status"]), (&json!(true), &json!("installed")), "{same}");
    // And what is not listed at all is not guessed about.
    let absent = result(&plug, apply("i", "c.yml")).await;
    assert_eq!(absent["status"], "pending", "{absent}");
    assert!(absent["pending"].as_str().unwrap().contains("i/A is not listed"), "{absent}");
}
