//! Pipes of several plugs: each runs in its own sandbox, with its own grants, state and limits.

use std::path::Path;

use serde_json::json;

use crate::cli::other_plug::notes;
use crate::fake_web::{WebServer, text};
use crate::fixture::Fixture;
use crate::support::{answer, run, stderr, stdout};

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Off the runtime, which serves meanwhile.
async fn ran(arguments: Vec<String>) -> std::process::Output {
    let run = move || run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[test]
fn a_pipe_calls_several_plugs_by_their_names_and_each_keeps_its_own_state() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let pipe = write(
        folder.path(),
        "pipe.yaml",
        "name: p\nsteps:\n\
         - {id: count, uses: monitoring_prometheus, with: {operation: record_counter, metric_name: runs_total, metric_value: 1}}\n\
         - {id: put, uses: com.example.left, with: {operation: put, key: a, text: 'of left'}}\n\
         - {id: other, uses: right, with: {operation: get_note, key: a}}\n\
         - {id: same, uses: left, with: {operation: get_note, key: a}}\n\
         - {id: times, uses: left, with: {operation: count_puts, key: a}}\n",
    );
    let (left, right) = (format!("left={}", notes()), format!("right={}", notes()));
    for round in 1..=2 {
        let state = state.to_str().unwrap();
        let output = run(&["run", &pipe, "--plug", &left, "--plug", &right, "--state", state, "--json"]);
        assert!(output.status.success(), "{}", stderr(&output));
        let report = answer(&output);
        let results: Vec<_> = (2..5).map(|step| report["steps"][step]["result"].clone()).collect();
        assert_eq!(results, [json!(""), json!("of left"), json!(round)], "{report}");
        assert_eq!(report["steps"][0]["result"]["result"]["current_value"], round, "{report}");
    }
    assert!(state.join("plugs/left").is_dir() && state.join("plugs/right").is_dir());
}

#[tokio::test]
async fn a_configuration_declares_further_plugs_and_neither_reaches_what_the_other_may() {
    let (one, other) = (WebServer::http(|_| text("")).await, WebServer::http(|_| text("")).await);
    let folder = tempfile::tempdir().unwrap();
    let component = notes();
    let config = json!({"job_name": "several", "plugs": {
        "one": {"component": component, "config": {"server_url": other.url()}, "grants": {"origins": [one.url()]}},
        // Without grants: the servers of its settings are granted.
        "other": {"component": component, "config": {"server_url": other.url()}},
    }});
    let config = write(folder.path(), "config.json", &config.to_string());
    let ask = |plug: &str, url: &str| {
        format!("- {{id: {plug}_asks, uses: {plug}, with: {{operation: ask, url: '{url}', text: t}}}}\n")
    };
    let pipe = format!("name: p\nsteps:\n{}{}", ask("one", &other.url()), ask("other", &one.url()));
    let pipe = write(folder.path(), "pipe.yaml", &pipe);
    let output = ran(vec!["run".into(), pipe, "--config".into(), config.clone(), "--json".into()]).await;
    let report = answer(&output);
    for step in 0..2 {
        let told = report["steps"][step]["result"].to_string();
        assert!(told.contains("HttpRequestDenied"), "{report}");
    }
    assert!(one.asked().is_empty() && other.asked().is_empty());
    let inspected = ran(vec!["inspect".into(), "--config".into(), config.clone(), "--json".into()]).await;
    let plugs = answer(&inspected)["plugs"].clone();
    assert_eq!((&plugs[0]["plug"], &plugs[0]["name"]), (&json!("one"), &json!("notes")), "{}", stderr(&inspected));
    let granted = |plug: usize| plugs[plug]["grants"]["origins"].to_string();
    assert!(granted(0).contains(&one.url()) && !granted(0).contains(&other.url()), "{plugs}");
    assert!(granted(1).contains(&other.url()) && !granted(1).contains(&one.url()), "{plugs}");
    let shown = ran(vec!["inspect".into(), "--config".into(), config.clone()]).await;
    assert!(stdout(&shown).contains("\nplug one: notes 1, "), "{}", stdout(&shown));
    let checked = ran(vec!["check".into(), config]).await;
    assert!(checked.status.success(), "{}", stdout(&checked));
}

#[test]
fn a_credential_goes_with_its_own_plugs_requests_only() {
    let server = Fixture::start(|_| (200, "text/plain", b"answered".to_vec()));
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "token", "planted-secret");
    let with = json!({
        "origins": [{"url": server.url, "credential": "own"}],
        "credentials": {"own": {"bearer": {"file": "token"}}},
    });
    let config = json!({"plugs": {
        "with": {"component": notes(), "grants": with},
        "without": {"component": notes(), "grants": {"origins": [server.url]}},
    }});
    let config = write(folder.path(), "config.json", &config.to_string());
    let step =
        |plug: &str| format!("- {{uses: {plug}, with: {{operation: ask, url: '{}/{plug}', text: t}}}}\n", server.url);
    let pipe = write(folder.path(), "pipe.yaml", &format!("name: p\nsteps:\n{}{}", step("with"), step("without")));
    let output = run(&["run", &pipe, "--config", &config, "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!stdout(&output).contains("planted-secret"), "{}", stdout(&output));
    let asked = server.asked();
    let carried: Vec<_> = asked.iter().map(|asked| (asked.path.as_str(), asked.header("authorization"))).collect();
    assert_eq!(carried, [("/with", Some("Bearer planted-secret")), ("/without", None)]);
}

#[test]
fn the_command_line_grants_each_plug_what_it_names() {
    let server = Fixture::start(|_| (200, "text/plain", b"answered".to_vec()));
    let folder = tempfile::tempdir().unwrap();
    let step =
        |plug: &str| format!("- {{uses: {plug}, with: {{operation: ask, url: '{}/{plug}', text: t}}}}\n", server.url);
    let pipe = write(folder.path(), "pipe.yaml", &format!("name: p\nsteps:\n{}{}", step("one"), step("two")));
    let (one, two) = (format!("one={}", notes()), format!("two={}", notes()));
    let grant = format!("two={}", server.url);
    let output = run(&["run", &pipe, "--plug", &one, "--plug", &two, "--grant", &grant, "--json"]);
    let report = answer(&output);
    assert!(report["steps"][0]["result"].to_string().contains("HttpRequestDenied"), "{report}");
    let asked = server.asked();
    assert_eq!(asked.iter().map(|asked| asked.path.as_str()).collect::<Vec<_>>(), ["/two"], "{report}");
    for (arguments, said) in [
        (
            &["run", &pipe, "--plug", &one, "--grant", "on=metrics"][..],
            "--grant: on: no further plug has this name; did you mean one?",
        ),
        (&["call", "random", "--grant", "one=metrics"], "this command takes one plug"),
        (&["run", &pipe, "--plug", &one, "--grant", "one=metric"], "or one=metrics, or one=query"),
    ] {
        let refused = run(arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&refused).contains(said), "{}", stderr(&refused));
    }
}

#[test]
fn a_check_loads_each_component_and_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let component =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), wat::parse_str(text).unwrap()).unwrap();
    component("empty.wasm", "(component)");
    component("other.wasm", "(component (import \"example:other/thing@1.0.0\" (instance)))");
    let config = format!(
        "plugs:\n  empty:\n    component: empty.wasm\n  other:\n    component: other.wasm\n  gone:\n    component: gone.wasm\n  \
         small:\n    component: {0}\n    grants: {{limits: {{memory: 64KiB}}}}\n  good:\n    component: {0}\n    config: {{server_url: '${{NOT_GRANTED}}'}}\n",
        notes()
    );
    let config = write(folder.path(), "config.yaml", &config);
    let limits = format!("plugs:\n  a:\n    component: {}\n    grants: {{limits: {{serees: 5}}}}\n", notes());
    let limits = write(folder.path(), "limits.yaml", &limits);
    let pipe = write(folder.path(), "pipe.yaml", "steps: [{uses: good}, {uses: option}, {uses: nowhere}]\n");
    let option = format!("option={}", folder.path().join("empty.wasm").display());
    let output = run(&["check", &config, &limits, &pipe, "--plug", &option]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", stderr(&output));
    for said in [
        "empty.wasm: error: component: it is not a plug: it does not export plugpipe:plug/plug@1.0.0",
        "config.yaml:3:5: error: plugs.empty.component: ",
        "config.yaml:5:5: error: plugs.other.component: ",
        "it imports example:other/thing@1.0.0, which this host does not provide",
        "config.yaml:7:5: error: plugs.gone.component: ",
        "config.yaml:9:5: error: plugs.small.component: ",
        "config.yaml:13:14: error: plugs.good.config.server_url: ${NOT_GRANTED} is not granted; add NOT_GRANTED to plugs.good.grants.env",
        "limits.yaml:4:23: error: plugs.a.grants.limits.serees: unknown key; did you mean series?",
        "pipe.yaml:1:39: warning: steps[2]: unknown plug \"nowhere\"",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert!(!text.contains("unknown plug \"good\"") && !text.contains("unknown plug \"option\""), "{text}");
}

#[tokio::test]
async fn a_plug_that_traps_or_hangs_costs_the_others_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = write(
        folder.path(),
        "pipe.yaml",
        "name: p\nsteps:\n\
         - {id: first, uses: a, with: {operation: put, key: k, text: kept}}\n\
         - {id: count, uses: monitoring_prometheus, with: {operation: record_counter, metric_name: runs_total, metric_value: 1}}\n\
         - {id: trap, uses: b, on_error: warn, with: {operation: trap}}\n\
         - {id: spin, uses: b, on_error: warn, with: {operation: spin}}\n\
         - {id: kept, uses: a, with: {operation: get_note, key: k}}\n\
         - {id: alive, uses: b, with: {operation: get_note, key: k}}\n",
    );
    let config = json!({"plugs": {
        "a": {"component": notes()}, "b": {"component": notes(), "grants": {"limits": {"call": "100ms"}}},
    }});
    let config = write(folder.path(), "config.json", &config.to_string());
    let output = ran(["run", &pipe, "--config", &config, "--json"].map(str::to_owned).to_vec()).await;
    assert!(output.status.success(), "{}", stderr(&output));
    let report = answer(&output);
    let said = |step: usize| report["steps"][step]["message"].as_str().unwrap_or_default().to_owned();
    assert!(said(2).contains("the plug crashed"), "{report}");
    assert!(said(3).contains("stopped after 0.1 s"), "{report}");
    assert_eq!(report["steps"][4]["result"], "kept", "{report}");
    assert_eq!(report["steps"][5]["status"], "succeeded", "{report}");
}

#[test]
fn what_is_no_plug_or_unknown_is_said_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = write(folder.path(), "pipe.yaml", "name: p\nsteps: [{uses: note, with: {operation: random}}]\n");
    let named = format!("notes={}", notes());
    let unknown = run(&["run", &pipe, "--plug", &named]);
    assert_eq!(unknown.status.code(), Some(1));
    let text = stderr(&unknown);
    assert!(
        text.contains("unknown plug \"note\"; did you mean notes?") && text.contains("--plug note=FILE.wasm"),
        "{text}"
    );

    let empty = folder.path().join("empty.wasm");
    std::fs::write(&empty, wat::parse_str("(component)").unwrap()).unwrap();
    let refused = run(&["run", &pipe, "--plug", &format!("note={}", empty.display())]);
    assert_eq!(refused.status.code(), Some(2));
    let missing = "it does not export plugpipe:plug/plug@1.0.0, plugpipe:plug/hosting@1.0.0, plugpipe:plug/state@1.0.0";
    assert!(stderr(&refused).contains(missing), "{}", stderr(&refused));

    let taken = run(&["run", &pipe, "--plug", &format!("monitoring_prometheus={}", notes())]);
    assert!(stderr(&taken).contains("is the first plug"), "{}", stderr(&taken));
    let one = run(&["call", "random", "--plug", &named]);
    assert_eq!(one.status.code(), Some(2));
    assert!(stderr(&one).contains("this command takes one plug"), "{}", stderr(&one));
}

#[test]
fn the_specifications_pipe_runs_with_the_embedded_data_processor() {
    let output = run(&["run", "examples/pipes/basic_pipe_monitoring.yaml", "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let step = &answer(&output)["steps"][1];
    assert_eq!((&step["status"], &step["result"]["records"]), (&json!("succeeded"), &json!(3)), "{step}");
    assert!(step.get("warnings").is_none() && step["ctx"].get("text").is_none(), "{step}");
    let shown = stdout(&run(&["run", "examples/pipes/basic_pipe_monitoring.yaml", "--show-metrics"]));
    assert!(shown.contains("data_processor_records_total{format=\"json\",plug=\"data_processor\"} 3"), "{shown}");
    // A pipe leads to no file outside its folder.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("pipes")).unwrap();
    write(folder.path(), "secret.csv", "a\n1\n");
    let pipe = write(&folder.path().join("pipes"), "pipe.yaml", "steps: [{plug: data_processor, file: ../secret.csv}]");
    let refused = run(&["run", &pipe]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stdout(&refused).contains("without .."), "{}", stdout(&refused));
}
