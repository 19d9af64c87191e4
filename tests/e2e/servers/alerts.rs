//! Alerts as code, through the component: rules that a real Prometheus loads, alerts that a real
//! Alertmanager hears of.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use plugpipe_harness::pipe::{self, Pipe, PlugCaller, PlugKind, Response};
use plugpipe_harness::{Answer, PlugHandle};
use plugpipe_testkit::{Program, PrometheusOptions, Running, start_prometheus};
use serde_json::{Map, Value, json};

use crate::support::{
    Checked, Receiver, alertmanager, program, pushgateway, result, root, servers, start, start_with_rules,
    without_servers,
};

/// A Prometheus that scrapes a gateway, evaluates the rules of a folder each second, and tells an
/// Alertmanager.
async fn prometheus(rules: &Path, gateway: &str, alertmanager: &str, flags: &'static [&'static str]) -> Running {
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
         rule_files: [{rules:?}]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: [{alertmanager:?}]}}]}}]}}\n\
         scrape_configs: [{{job_name: gw, honor_labels: true, static_configs: [{{targets: [{gateway:?}]}}]}}]\n",
        rules = rules.join("*.yml"),
    );
    tokio::task::spawn_blocking(move || {
        let options = flags
            .iter()
            .fold(PrometheusOptions { config, ..PrometheusOptions::default() }, |options, flag| options.flag(*flag));
        start_prometheus(&program(Program::Prometheus), &options).unwrap()
    })
    .await
    .unwrap()
}

struct Caller(Checked);

impl PlugCaller for Caller {
    fn kind(&self, _: &str) -> PlugKind {
        PlugKind::Known
    }

    async fn call(&self, _: &str, ctx: Value) -> Result<Response, String> {
        let handle: &PlugHandle = &self.0;
        let answer = handle.process(ctx.to_string(), "").await.map_err(|error| error.to_string())?;
        let Answer { error, warnings, body, .. } = answer;
        let (code, error) = error.map(|problem| (problem.code, problem.message)).unzip();
        Ok(Response { error, code, warnings, body })
    }
}

/// Waits until the plug tells this state of an alert.
async fn until_state(plug: &Checked, name: &str, state: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(40);
    loop {
        let told = result(plug, json!({"operation": "get_alert_state", "alert_name": name})).await;
        if told["state"] == state {
            return told;
        }
        assert!(Instant::now() < deadline, "{told}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn an_alert_goes_from_a_pipe_to_a_webhook_and_is_silenced() {
    if without_servers("an_alert_goes_from_a_pipe_to_a_webhook_and_is_silenced") {
        return;
    }
    let hook = Receiver::start(&[200]);
    let own_hook = Receiver::start(&[200]);
    let rules = tempfile::tempdir().unwrap();
    let gateway = pushgateway(None).await;
    let manager = alertmanager(format!(
        "route: {{receiver: hook, group_by: [alertname], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}}\n\
         receivers:\n- name: hook\n  webhook_configs:\n  - url: {}\n",
        hook.url
    ))
    .await;
    let server =
        prometheus(rules.path(), &gateway.authority(), &manager.authority(), &["--web.enable-lifecycle"]).await;
    let config = json!({
        "gateway_url": gateway.url, "prometheus_url": server.url, "alertmanager_url": manager.url,
        "webhook_url": own_hook.url, "webhook_secret": "s3cr3t-key",
    });
    let plug = start_with_rules(config, rules.path()).await;

    // The seed's pipe, with an attempt that failed: it counts, and asks for its rule.
    let text = std::fs::read_to_string(root().join("examples/pipes/security_monitoring.yaml")).unwrap();
    let pipe = Pipe::from_yaml(&text).unwrap();
    let inputs: Map<String, Value> = [("success".to_owned(), json!("false"))].into_iter().collect();
    let caller = Caller(plug.clone());
    let attempt = async || {
        let report = pipe::run(&pipe, inputs.clone(), &caller, &mut ()).await.unwrap();
        assert!(report.success, "{report:?}");
        report
    };
    let report = serde_json::to_value(attempt().await).unwrap();
    let created = &report["steps"][1]["result"]["result"];
    assert_eq!((&created["alert_created"], &created["status"]), (&json!(true), &json!("installed")), "{report}");
    let again = serde_json::to_value(attempt().await).unwrap();
    let again = &again["steps"][1]["result"]["result"];
    assert_eq!((&again["alert_created"], &again["status"]), (&json!(true), &json!("unchanged")), "{again}");

    let mut fast = json!({"operation": "create_alert", "alert_config": {
        "alert_name": "Auth failures", "expression": "rate(plugpipe_auth_attempts_total{status='failure'}[5m])>0",
        "duration": "3s", "severity": "critical", "labels": {"team": "security"}, "runbook_url": "https://runbooks.example.com/auth",
        "annotations": {"summary": "{{ $labels.method }} fails", "description": "{{ $value }} a second"},
        "webhook_url": own_hook.url,
    }});
    let created = result(&plug, fast.clone()).await;
    assert_eq!(
        (&created["alert_created"], &created["webhook"]["delivered"]),
        (&json!(true), &json!(true)),
        "{created}"
    );
    let told = own_hook.next(Duration::from_secs(5));
    assert!(told.header("x-grafana-alerting-signature").is_some_and(|signature| signature.len() == 64));
    assert_eq!((&told.json()["version"], &told.json()["status"]), (&json!("4"), &json!("resolved")), "{}", told.body);

    // Counted up until the rate is one.
    attempt().await;
    let states = async || {
        until_state(&plug, "Auth failures", "pending").await;
        until_state(&plug, "Auth failures", "firing").await
    };
    let counting = async {
        for _ in 0..100 {
            attempt().await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    let firing = tokio::select! { firing = states() => firing, () = counting => panic!("it never fires") };
    assert!(firing["active_since"].is_string(), "{firing}");

    let told = hook.next(Duration::from_secs(30)).json();
    let alert = &told["alerts"][0];
    assert_eq!((&told["status"], &alert["labels"]["alertname"]), (&json!("firing"), &json!("Auth failures")), "{told}");
    assert_eq!((&alert["labels"]["severity"], &alert["labels"]["team"]), (&json!("critical"), &json!("security")));
    assert_eq!(alert["annotations"]["summary"], "password fails");
    assert_eq!(alert["annotations"]["runbook_url"], "https://runbooks.example.com/auth");

    result(&plug, json!({
        "operation": "create_silence", "matchers": ["alertname=\"Auth failures\""], "duration": "10m", "comment": "known",
    }))
    .await;
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let held =
            result(&plug, json!({"operation": "list_notified_alerts", "filter": "alertname=\"Auth failures\""})).await;
        if held["alerts"][0]["status"]["state"] == "suppressed" {
            break;
        }
        assert!(Instant::now() < deadline, "{held}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    fast["alert_config"]["duration"] = json!("4s");
    let changed = result(&plug, fast).await;
    assert_eq!((&changed["changed"], &changed["alert_created"]), (&json!(1), &json!(true)), "{changed}");
    let deleted = result(&plug, json!({"operation": "delete_alert", "alert_name": "Auth failures"})).await;
    assert_eq!(deleted["deleted"], true, "{deleted}");
    let gone = result(&plug, json!({"operation": "get_alert_state", "alert_name": "Auth failures"})).await;
    assert_eq!(gone["state"], "not_found");
    let left: Vec<String> = std::fs::read_dir(rules.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(left.len(), 1, "only the pipe's rule is left: {left:?}");
}

#[tokio::test]
async fn what_is_not_installed_is_pending_and_says_what_is_missing() {
    if without_servers("what_is_not_installed_is_pending_and_says_what_is_missing") {
        return;
    }
    let rules = tempfile::tempdir().unwrap();
    let create = |expression: &str| json!({"operation": "create_alert", "alert_config": {"alert_name": "A", "expression": expression}});
    // Without any server the file can be had all the same.
    let alone = start(json!({"job_name": "j"})).await;
    let pending = result(&alone, create("up == 0")).await;
    assert_eq!((&pending["alert_created"], &pending["status"]), (&json!(false), &json!("pending")), "{pending}");
    assert!(pending["pending"].as_str().unwrap().contains("prometheus_url"), "{pending}");
    let file: Value = serde_saphyr::from_str(pending["artifacts"][0]["content"].as_str().unwrap()).unwrap();
    assert_eq!(file["groups"][0]["rules"][0]["alert"], "A");

    let server = prometheus(rules.path(), "127.0.0.1:1", "127.0.0.1:1", &[]).await;
    let without_folder = start(json!({"prometheus_url": server.url})).await;
    let pending = result(&without_folder, create("up == 0")).await;
    assert_eq!((&pending["alert_created"], &pending["status"]), (&json!(false), &json!("pending")), "{pending}");
    assert!(pending["pending"].as_str().unwrap().contains("no rules folder was granted"), "{pending}");
    // The server's own parser has the last word.
    let wrong = without_folder.process(&create("rate(up[5m)")).await.unwrap();
    assert_eq!(
        (&wrong["error_code"], &wrong["field"]),
        (&json!("invalid_field"), &json!("alert_config.expression")),
        "{wrong}"
    );
    let wrong = without_folder.process(&create("nofunction(up)")).await.unwrap();
    assert_eq!(wrong["field"], "alert_config.expression", "{wrong}");
    assert!(wrong["error"].as_str().unwrap().contains("unknown function"), "{wrong}");
    let wrong = without_folder.process(&create("rate(up[5m]) by (job)")).await.unwrap();
    assert!(wrong["error"].as_str().unwrap().contains("sum by (job) (rate(up[5m]))"), "{wrong}");

    // Reload is off unless the server was told otherwise.
    let plug = start_with_rules(json!({"prometheus_url": server.url}), rules.path()).await;
    let pending = result(&plug, create("up == 0")).await;
    assert_eq!((&pending["alert_created"], &pending["rules_file_written"]), (&json!(false), &json!(true)), "{pending}");
    assert!(pending["pending"].as_str().unwrap().contains("--web.enable-lifecycle"), "{pending}");
}

#[tokio::test]
async fn a_file_that_the_server_refuses_is_taken_back() {
    if without_servers("a_file_that_the_server_refuses_is_taken_back") {
        return;
    }
    let rules = tempfile::tempdir().unwrap();
    let server = prometheus(rules.path(), "127.0.0.1:1", "127.0.0.1:1", &["--web.enable-lifecycle"]).await;
    let plug = start_with_rules(json!({"prometheus_url": server.url}), rules.path()).await;
    let create = |summary: &str| json!({"operation": "create_alert", "alert_name": "A", "expression": "up == 0", "annotations": {"summary": summary}});
    assert_eq!(result(&plug, create("well")).await["alert_created"], true);
    // A function that only newer servers have.
    let refused = result(&plug, create("{{ urlQueryEscape \"a\" }}")).await;
    assert_eq!((&refused["alert_created"], &refused["reload_refused"]), (&json!(false), &json!(true)), "{refused}");
    assert_eq!(refused["rules_file_written"], false, "{refused}");
    assert_eq!(result(&plug, create("well")).await["status"], "unchanged");
    // And the files are such that it can be reloaded and started again.
    let other = result(&plug, json!({"operation": "create_alert", "alert_name": "B", "expression": "up == 1"})).await;
    assert_eq!(other["alert_created"], true, "{other}");
}

#[tokio::test]
async fn five_hundred_rules_are_applied_at_once_and_then_nothing_changes() {
    if without_servers("five_hundred_rules_are_applied_at_once_and_then_nothing_changes") {
        return;
    }
    let rules = tempfile::tempdir().unwrap();
    let server = prometheus(rules.path(), "127.0.0.1:1", "127.0.0.1:1", &["--web.enable-lifecycle"]).await;
    let plug = start_with_rules(json!({"prometheus_url": server.url, "timeout": "30s"}), rules.path()).await;
    let groups = |changed: usize| {
        let group = |number: usize| {
            let rule = |index: usize| {
                json!({"alert": format!("A{number}_{index}"), "expr": format!("sum(rate(x{{a='{index}'}}[5m])) by (job)>{}", number + changed / 50),
                    "for": "90s", "labels": {"severity": "warning"}, "annotations": {"summary": "{{ $value }}"}})
            };
            json!({"name": format!("g{number}"), "interval": "30s", "rules": (0..50).map(rule).collect::<Vec<_>>()})
        };
        (0..10).map(group).collect::<Vec<_>>()
    };
    let call = |operation: &str, groups: Vec<Value>| json!({"operation": operation, "groups": groups, "rules_file": "many.yml"});
    let planned = result(&plug, call("plan_alerts", groups(0))).await;
    assert_eq!(
        (&planned["created"], &planned["status"], &planned["dry_run"]),
        (&json!(500), &json!("planned"), &json!(true))
    );
    assert!(std::fs::read_dir(rules.path()).unwrap().next().is_none(), "a plan writes nothing");
    let applied = result(&plug, call("apply_alerts", groups(0))).await;
    assert_eq!((&applied["applied"], &applied["created"]), (&json!(true), &json!(500)), "{}", applied["pending"]);
    let again = result(&plug, call("apply_alerts", groups(0))).await;
    assert_eq!(
        (&again["status"], &again["unchanged"], &again["exchange"]["attempts"]),
        (&json!("unchanged"), &json!(500), &json!(1)),
        "{}",
        again["exchange"]
    );
    let mut fewer = groups(0);
    fewer.pop();
    let fewer = result(&plug, call("apply_alerts", fewer)).await;
    assert_eq!((&fewer["applied"], &fewer["removed"], &fewer["unchanged"]), (&json!(true), &json!(50), &json!(450)));
    assert_eq!(
        result(&plug, json!({"operation": "list_alerts", "group": "g0"})).await["alerts"].as_array().unwrap().len(),
        50
    );
}

#[tokio::test]
async fn nothing_in_a_rule_changes_the_file_and_other_servers_load_it() {
    if without_servers("nothing_in_a_rule_changes_the_file_and_other_servers_load_it") {
        return;
    }
    let plug = start(json!({"job_name": "j"})).await;
    let odd = [
        "a: b\n- c",
        "\"quoted\" 'twice'",
        "{{ \"{{\" }} braces }}",
        "# no comment",
        "| block",
        "é☃ \u{1F600}",
        "groups:\n- name: x",
        "%",
        "!tag",
        "&a *a",
    ];
    let rules: Vec<Value> = odd
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let name: String = format!("n{index} {text}").chars().filter(|c| !c.is_control()).collect();
            json!({"alert": name, "expr": format!("up{{a={}}} == 0", json!(text)), "labels": {"l": text}, "annotations": {"summary": text}})
        })
        .collect();
    let exported =
        result(&plug, json!({"operation": "export_rules", "groups": [{"name": "odd: [x]", "rules": rules}]})).await;
    let text = exported["exported_rules"].as_str().unwrap();
    let read: Value = serde_saphyr::from_str(text).unwrap();
    assert_eq!(read["groups"].as_array().unwrap().len(), 1);
    for (index, text) in odd.iter().enumerate() {
        assert_eq!(read["groups"][0]["rules"][index]["annotations"]["summary"], *text);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("odd.yml");
    std::fs::write(&file, text).unwrap();
    let check = |mut command: Command| {
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let mut promtool = Command::new(program(Program::Promtool));
    promtool.args(["check", "rules"]).arg(&file);
    check(promtool);
    // vmalert comes with VictoriaMetrics.
    let vmalert = servers().find_or_fetch_newest(Program::VictoriaMetrics).unwrap().with_file_name("vmalert");
    let mut vmalert = Command::new(vmalert);
    vmalert.arg("-dryRun").arg(format!("-rule={}", file.display()));
    check(vmalert);
}

#[tokio::test]
async fn a_server_that_is_away_in_between_has_the_rule_when_it_is_back() {
    if without_servers("a_server_that_is_away_in_between_has_the_rule_when_it_is_back") {
        return;
    }
    let rules = tempfile::tempdir().unwrap();
    let server = prometheus(rules.path(), "127.0.0.1:1", "127.0.0.1:1", &["--web.enable-lifecycle"]).await;
    let (url, port) = (server.url.clone(), server.port());
    let config = std::fs::read_to_string(server.folder().join("prometheus.yml")).unwrap();
    let plug = start_with_rules(json!({"prometheus_url": url, "retry_attempts": 1}), rules.path()).await;
    tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
    let create = json!({"operation": "create_alert", "alert_name": "Away", "expression": "up == 0"});
    let away = result(&plug, create.clone()).await;
    assert_eq!((&away["alert_created"], &away["status"]), (&json!(false), &json!("pending")), "{away}");
    assert!(away["pending"].as_str().unwrap().contains("cannot list the server's rules"), "{away}");
    let back = tokio::task::spawn_blocking(move || {
        let options = PrometheusOptions { port: Some(port), config, ..PrometheusOptions::default() };
        start_prometheus(&program(Program::Prometheus), &options).unwrap()
    })
    .await
    .unwrap();
    let there = result(&plug, create).await;
    assert_eq!(
        (&there["alert_created"], &there["status"]),
        (&json!(true), &json!("unchanged")),
        "{there} {}",
        back.log()
    );
}
