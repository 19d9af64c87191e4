//! Arguments of `call`, `run` and `query`: fields, formats, help of operations, dry runs.

use std::fs;

use serde_json::{Value, json};

use crate::support::{answer, root, run, stderr, stdout};

#[test]
fn call_takes_fields_and_prints_in_three_formats() {
    let fields = ["call", "record_counter", "metric_name=jobs_total", "metric_value=2", "labels.queue=mail"];
    let recorded = answer(&run(&fields));
    assert_eq!((&recorded["success"], &recorded["result"]["metric_name"]), (&json!(true), &json!("jobs_total")));
    let with_ctx = run(&["call", "export_metrics", "--ctx", r#"{"export_format": "csv"}"#, "export_format=json"]);
    assert_eq!(answer(&with_ctx)["result"]["export_format"], "json", "{}", stdout(&with_ctx));

    let yaml = run(&[&fields[..], &["-o", "yaml"]].concat());
    let text = stdout(&yaml);
    assert!(text.lines().any(|line| line == "  metric_name: jobs_total"), "{text}");
    let table = stdout(&run(&[&fields[..], &["-o", "table"]].concat()));
    assert!(table.contains("metric_name") && table.contains("jobs_total") && !table.contains("success"), "{table}");
    for (field, problem) in [("metric_name", "expected KEY=VALUE"), ("labels:=x", "labels: not JSON")] {
        let output = run(&["call", "record_counter", field]);
        assert!(output.status.code() == Some(2) && stderr(&output).contains(problem), "{}", stderr(&output));
    }
}

#[test]
fn the_plug_says_what_its_operations_are() {
    let list = stdout(&run(&["call", "--list"]));
    assert!(list.contains("record_counter") && list.contains("summary"), "{list}");
    let json: Value = serde_json::from_str(&stdout(&run(&["call", "--list", "-o", "json"]))).unwrap();
    assert!(json.as_array().unwrap().iter().any(|operation| operation["operation"] == "query_metrics"), "{json}");

    let help = stdout(&run(&["call", "record_counter", "--help"]));
    assert!(help.starts_with("record_counter: "), "{help}");
    assert!(help.lines().any(|line| line.contains("metric_name *") && line.contains(" text ")), "{help}");
    let schema: Value =
        serde_json::from_str(&stdout(&run(&["call", "record_counter", "--help", "-o", "json"]))).unwrap();
    assert!(schema["properties"]["metric_name"].is_object(), "{schema}");
    let wrong = run(&["call", "recrod_counter", "--help"]);
    assert!(!wrong.status.success() && stderr(&wrong).contains("did you mean record_counter?"), "{}", stderr(&wrong));
    let own = stdout(&run(&["call", "--help"]));
    assert!(own.contains("Usage:") && own.contains("KEY=VALUE") && own.contains("--list"), "{own}");
    assert_eq!(run(&["call"]).status.code(), Some(2));
}

#[test]
fn a_dry_run_sends_and_stores_nothing_and_metrics_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (pipe, config, state) = (path("pipe.yaml"), path("config.json"), path("state"));
    fs::write(
        &pipe,
        "name: p\nsteps:\n- {uses: monitoring_prometheus, with: {operation: record_counter, metric_name: jobs_total, metric_value: 1}}\n",
    )
    .unwrap();
    let gateway = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    gateway.set_nonblocking(true).unwrap();
    let url = format!("http://{}", gateway.local_addr().unwrap());
    fs::write(&config, json!({"gateway_url": url}).to_string()).unwrap();
    let dry = run(&["run", &pipe, "--config", &config, "--state", &state, "--dry-run", "--show-metrics"]);
    assert!(dry.status.success(), "{}{}", stdout(&dry), stderr(&dry));
    assert!(stderr(&dry).contains("dry run: nothing was sent or stored"), "{}", stderr(&dry));
    assert!(!stderr(&dry).contains("lost"), "{}", stderr(&dry));
    assert!(gateway.accept().is_err() && !std::path::Path::new(&state).exists());

    let shown = stdout(&run(&["run", &pipe, "--show-metrics"]));
    assert!(shown.contains("# TYPE jobs_total counter\njobs_total 1"), "{shown}");
}

#[test]
fn a_query_has_a_start_or_a_range() {
    let query = |arguments: &[&str]| run(&[&["query", "up", "--prometheus", "http://127.0.0.1:9"], arguments].concat());
    let both = query(&["--start", "2026-01-01T00:00:00Z", "--range", "1h"]);
    assert_eq!(both.status.code(), Some(2), "{}", stderr(&both));
    let backwards = query(&["--start", "2026-01-02T00:00:00Z", "--end", "2026-01-01T00:00:00Z"]);
    assert_eq!(backwards.status.code(), Some(2));
    assert!(stderr(&backwards).contains("--start: expected a time before --end"), "{}", stderr(&backwards));
    let down = query(&["--start", "2026-01-01T00:00:00Z", "--end", "2026-01-01T01:00:00Z", "--step", "1m"]);
    assert_eq!(down.status.code(), Some(1), "{}", stderr(&down));
    assert!(stderr(&down).contains("127.0.0.1:9"), "{}", stderr(&down));
}

/// What bash completes at the end of a line, with the script sourced and the words split as
/// readline splits them.
pub fn completed(line: &str, setup: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        // Readline makes words of its break characters.
        let mut rest = word;
        while let Some(at) = rest.find(['=', ':']) {
            words.extend((at > 0).then(|| rest[..at].to_owned()));
            words.push(rest[at..=at].to_owned());
            rest = &rest[at + 1..];
        }
        if !rest.is_empty() || !word.ends_with(['=', ':']) || word.is_empty() {
            words.push(rest.to_owned());
        }
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let binary = env!("CARGO_BIN_EXE_plugpipe-harness");
    let script = format!(
        "set -u; {setup}\nsource <('{binary}' completions bash)\n\
         COMP_WORDS=({}); COMP_CWORD={}; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}\n\
         _plugpipe_harness '{binary}' '' ''\nprintf '%s\\n' ${{COMPREPLY[@]+\"${{COMPREPLY[@]}}\"}}",
        quoted.join(" "),
        words.len() - 1
    );
    let output = std::process::Command::new("bash").args(["-c", &script]).current_dir(root()).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{line}: {}", stderr(&output));
    stdout(&output).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_files_operations_and_fields() {
    for (line, expected) in [
        ("plugpipe-harness comp", &["completions"][..]),
        ("plugpipe-harness run --dry", &["--dry-run"]),
        ("plugpipe-harness --log.format=lo", &["logfmt"]),
        ("plugpipe-harness run examples/pipes/basic_us", &["examples/pipes/basic_usage.yaml"]),
        ("plugpipe-harness run --config=examples/con", &["examples/config"]),
        ("plugpipe-harness init examples/con", &["examples/config"]),
        ("plugpipe-harness call record_cou", &["record_counter"]),
        ("plugpipe-harness call record_counter metric_na", &["metric_name="]),
        ("plugpipe-harness call record_counter metric_name=x lab", &["labels."]),
        ("plugpipe-harness call record_metric metric_name=x metric_type=cou", &["counter"]),
        ("plugpipe-harness call create_alert alert_config.expr", &["alert_config.expression="]),
    ] {
        assert_eq!(completed(line, ""), expected, "{line}");
    }
    let whole = completed("plugpipe-harness --log.format=lo", "COMP_WORDBREAKS=' '");
    assert_eq!(whole, ["--log.format=logfmt"], "readline was told not to break words there");
    let options = completed("plugpipe-harness query --", "");
    assert!(options.contains(&"--range".into()) && options.contains(&"--prometheus".into()), "{options:?}");
}

#[test]
fn a_plug_that_cannot_be_loaded_completes_nothing() {
    assert_eq!(completed("plugpipe-harness call --plug README.md rec", ""), [""; 0]);
}

#[test]
fn manual_pages_are_rendered_without_complaint() {
    let folder = tempfile::tempdir().unwrap();
    let written = run(&["man", "--out", folder.path().to_str().unwrap()]);
    assert!(written.status.success(), "{}", stderr(&written));
    let pages: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(pages.len() >= 16, "{pages:?}");
    let output = std::process::Command::new("man").args(["--warnings", "-E", "UTF-8", "-l"]).args(&pages).output();
    match output {
        Ok(output) => {
            assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
            assert!(stdout(&output).contains("--dry-run"), "{}", stdout(&output));
        }
        // The structure is tested in host-harness/src/cli/manual.rs.
        Err(error) => println!("man is not installed ({error}): the pages are not rendered"),
    }
}
