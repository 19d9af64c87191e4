//! What others made for Grafana, held against the plug's dashboards and the tests' own Grafana: the
//! types of `@grafana/schema`, and the Python client `grafana-client`. Both are pinned in
//! `tests/grafana`, and fetched once into the target folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::fetched::{fetched, note, tool, tsc, typescript};
use crate::servers::dashboards::{examples, grafana, shared_export};
use crate::support::{alone, root, start, stderr, without_servers};

/// The schema as JSON has it: where TypeScript asks for a member of an enum of texts, JSON holds
/// its text.
const AS_JSON: &str = "import type { Dashboard } from '@grafana/schema';
type Json<T> = 0 extends 1 & T ? T
  : T extends string ? `${T}`
  : T extends (infer U)[] ? Json<U>[]
  : T extends object ? { [K in keyof T]: Json<T[K]> }
  : T;
";

fn typed(dashboards: &[Value]) -> String {
    let mut text = AS_JSON.to_owned();
    for (index, dashboard) in dashboards.iter().enumerate() {
        text.push_str(&format!("export const d{index}: Json<Dashboard> = {dashboard:#};\n"));
    }
    text
}

/// Dashboards in short and old forms: all that `create_dashboard` mends.
fn short_forms() -> Vec<Value> {
    let target = json!([{"expr": "sum(rate(x_total[5m])) by (a)", "legendFormat": "{{a}}"}]);
    let panel = |kind: &str, more: Value| {
        let mut panel = json!({"title": kind, "type": kind, "targets": target});
        panel.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        panel
    };
    vec![
        json!({"title": "nothing"}),
        json!({"title": "old <&\"'> ☃", "tags": ["a"], "panels": [
            panel("graph", json!({"yaxes": [{"format": "bytes", "label": "l", "min": 0}, {}], "fill": 3, "linewidth": 2, "stack": true, "percentage": true})),
            panel("graph", json!({"yaxes": [{"min": "0", "max": "100", "decimals": "1"}, {}], "fill": "1"})),
            panel("graph", json!({"xaxis": {"mode": "series"}, "bars": true})),
            panel("graph", json!({"xaxis": {"mode": "histogram"}})),
            panel("singlestat", json!({"format": "percent", "decimals": 1, "valueName": "avg", "thresholds": "50,80", "colors": ["green", "orange", "red"]})),
            panel("singlestat", json!({"gauge": {"show": true, "minValue": 0, "maxValue": 100}})),
            panel("table-old", json!({})),
            panel("grafana-piechart-panel", json!({"pieType": "donut"})),
            panel("pie", json!({"datasource": "My Prometheus"})),
        ]}),
        json!({"dashboard": {"title": "rows", "panels": [
            {"type": "row", "title": "open"},
            panel("timeseries", json!({"gridPos": {"x": 3, "y": 1, "w": 9, "h": 7}})),
            {"type": "row", "title": "closed", "collapsed": true, "panels": [panel("stat", json!({})), panel("table", json!({}))]},
            {"type": "text", "title": "words", "options": {"mode": "markdown", "content": "# words"}},
        ], "templating": {"list": [{"name": "env", "type": "custom", "query": "a,b"}]}, "time": {"from": "now-6h", "to": "now"}}}),
    ]
}

#[tokio::test]
async fn every_dashboard_has_the_types_of_grafanas_schema() {
    if without_servers("every_dashboard_has_the_types_of_grafanas_schema") {
        return;
    }
    let plug = alone().await;
    let exported = plug.process(&json!({"operation": "export_dashboards", "templates": "all"})).await.unwrap();
    let mut dashboards: Vec<Value> = exported["result"]["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| serde_json::from_str(file["content"].as_str().unwrap()).unwrap())
        .collect();
    assert!(dashboards.len() >= 5, "{exported}");
    // Grafana itself writes library panels without a type, annotations with an expression, and
    // variables with a definition and without a current value, and the types know none of these.
    let mut shared = shared_export();
    shared["panels"].as_array_mut().unwrap().retain(|panel| panel["libraryPanel"]["uid"] != "elsewhere");
    shared["annotations"]["list"].as_array_mut().unwrap().retain(|annotation| annotation.get("expr").is_none());
    for variable in shared["templating"]["list"].as_array_mut().unwrap() {
        let variable = variable.as_object_mut().unwrap();
        variable.remove("definition");
        variable.retain(|_, value| *value != json!({}));
    }
    for given in examples().into_iter().chain(short_forms()).chain([shared]) {
        let ctx = json!({"operation": "create_dashboard", "dashboard_config": given, "dry_run": true});
        let answer = plug.process(&ctx).await.unwrap();
        assert_eq!(answer["success"], true, "{answer}");
        dashboards.push(answer["result"]["dashboard"].clone());
    }
    // What is wrong must be found, or the check is worth nothing.
    let mut misspelt = dashboards[0].clone();
    misspelt["panels"][0]["gridPos"]["width"] = json!(3);
    let mut of_no_mode = dashboards[0].clone();
    of_no_mode["panels"][0]["fieldConfig"]["defaults"]["thresholds"]["mode"] = json!("absurd");

    let folder = typescript();
    let files = [
        ("dashboards.ts", typed(&dashboards)),
        ("misspelt.ts", typed(&[misspelt])),
        ("of_no_mode.ts", typed(&[of_no_mode])),
    ];
    let types = folder.join("node_modules/@grafana/schema/dist/types/raw/composable");
    let known: BTreeSet<String> =
        fs::read_dir(types).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let said = tokio::task::spawn_blocking(move || tsc(&folder, &files, &["--skipLibCheck"])).await.unwrap();
    for wrong in ["misspelt.ts", "of_no_mode.ts"] {
        assert!(
            said.iter().any(|line| line.starts_with(wrong) && line.contains("error TS2322")
                || line.starts_with(wrong) && line.contains("error TS2353")),
            "{wrong} passes: {said:#?}"
        );
    }
    let ours: Vec<&String> =
        said.iter().filter(|line| !line.starts_with("misspelt.ts") && !line.starts_with("of_no_mode.ts")).collect();
    assert!(ours.is_empty(), "{ours:#?}");

    // The types do not say what a panel's type may be; the folders of the panels' own settings do.
    let mut kinds = BTreeSet::new();
    for dashboard in &dashboards {
        for panel in dashboard["panels"].as_array().unwrap() {
            let inner = panel["panels"].as_array().into_iter().flatten();
            kinds.extend([panel].into_iter().chain(inner).map(|panel| panel["type"].as_str().unwrap()));
        }
    }
    kinds.remove("row");
    let unknown: Vec<&&str> = kinds.iter().filter(|kind| !known.contains(**kind)).collect();
    assert!(unknown.is_empty() && kinds.len() > 5, "{unknown:?} of {kinds:?}; known are {known:?}");
}

/// The Python of an environment of that name, in which is installed what this file below `tests`
/// asks for.
pub fn python(name: &str, requirements: &str) -> PathBuf {
    let pins = [requirements];
    let (folder, there) = fetched(name, &pins);
    let python = folder.join("bin/python");
    if !there {
        let how = "the test needs Python with venv and what pip fetches; on Debian: `apt-get install python3-venv`";
        tool(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder), how);
        tool(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r"])
                .arg(root().join("tests").join(requirements)),
            how,
        );
        note(&folder, &pins);
    }
    python
}

#[tokio::test]
async fn an_independent_client_finds_the_fake_fair_and_the_plug_finds_what_it_left() {
    if without_servers("an_independent_client_finds_the_fake_fair_and_the_plug_finds_what_it_left") {
        return;
    }
    for status_form in [false, true] {
        let (fake, url) = grafana().await;
        fake.lock().unwrap().status_form = status_form;
        let argument = url.clone();
        let output = tokio::task::spawn_blocking(move || {
            Command::new(python("grafana-client", "grafana/requirements.txt"))
                .arg(root().join("tests/grafana/client.py"))
                .arg(argument)
                .output()
                .unwrap()
        })
        .await
        .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let left: Value = serde_json::from_slice(&output.stdout).unwrap();
        let plug = start(json!({"grafana_url": url, "grafana_auth": {"token": "glsa_first"}})).await;
        let held = plug.process(&json!({"operation": "get_dashboard", "uid": left["uid"]})).await.unwrap();
        assert_eq!((&held["result"]["version"], &held["result"]["folder_uid"]), (&left["version"], &json!("inner")));
        let list = plug.process(&json!({"operation": "list_dashboards", "tag": "many"})).await.unwrap();
        assert_eq!(list["result"]["count"], left["many"], "{list}");
    }
}
