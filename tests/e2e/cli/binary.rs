//! The binary: exit status, stdout for results, stderr for the rest.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::json;

use crate::support::{answer, harness, run, stderr, stdout};

fn pipe(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn a_failed_step_fails_the_run_and_a_warned_one_does_not() {
    let step = |on_error: &str| {
        pipe(&format!(
            "name: p\nsteps:\n  - name: bad\n    plugin: monitoring_prometheus\n    on_error: {on_error}\n    config: {{operation: nonsense}}\n\
             \x20 - name: after\n    plugin: monitoring_prometheus\n    config: {{metric_name: m, metric_value: 1}}\n\
             \x20 - name: last\n    plugin: monitoring_prometheus\n    always_run: true\n    config: {{metric_name: m, metric_value: 2}}\n"
        ))
    };
    for (on_error, code, statuses) in
        [("fail", 1, ["failed", "skipped", "succeeded"]), ("warn", 0, ["warned", "succeeded", "succeeded"])]
    {
        let file = step(on_error);
        let output = run(&["run", file.path().to_str().unwrap(), "--json"]);
        assert_eq!(output.status.code(), Some(code), "{}", stdout(&output));
        let report = answer(&output);
        let found: Vec<_> =
            report["steps"].as_array().unwrap().iter().map(|step| step["status"].as_str().unwrap()).collect();
        assert_eq!(found, statuses);
        let table = stdout(&run(&["run", file.path().to_str().unwrap()]));
        assert!(table.contains("bad") && table.contains("nonsense"), "{table}");
    }
}

#[test]
fn an_unknown_plug_is_named_with_the_way_to_pass_it_over() {
    let file = pipe("steps: [{plug: data_procesor}]");
    let output = run(&["run", file.path().to_str().unwrap()]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let text = stderr(&output);
    assert!(text.contains("did you mean data_processor?") && text.contains("--stub data_procesor"), "{text}");
}

#[test]
fn inputs_reach_the_templates() {
    let file = pipe(
        "inputs: {region: us}\nsteps:\n  - uses: monitoring_prometheus\n    with: {metric_name: m, metric_value: '{{ inputs.n }}', labels: {region: '{{ inputs.region }}'}}\n",
    );
    let file = file.path().to_str().unwrap();
    let output = run(&["run", file, "--input", "region=eu", "--input", "n=45.2", "--json"]);
    // `n` is no input of this pipe.
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains('n'), "{}", stderr(&output));
    let file = pipe(
        "inputs: {region: us, n: 1}\nsteps:\n  - uses: monitoring_prometheus\n    with: {metric_name: m, metric_value: '{{ inputs.n }}', labels: {region: '{{ inputs.region }}'}}\n",
    );
    let output = run(&["run", file.path().to_str().unwrap(), "--input", "region=eu", "--input", "n=45.2", "--json"]);
    let result = &answer(&output)["steps"][0]["result"]["result"];
    assert_eq!((&result["metric_value"], &result["labels"]["region"]), (&json!(45.2), &json!("eu")));
}

#[test]
fn call_takes_ctx_from_an_argument_a_file_and_stdin() {
    let ctx = r#"{"metric_name": "m", "metric_value": 1}"#;
    let file = pipe(ctx);
    let at_file = format!("@{}", file.path().display());
    for (argument, stdin) in [(ctx, ""), (at_file.as_str(), ""), ("-", ctx)] {
        let mut child = harness(&["call", "record_gauge", "--ctx", argument])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{argument}");
        assert_eq!(answer(&output)["result"]["metric_name"], "m");
    }
    let output = run(&["call", "record_gauge", "--ctx", "[]"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--ctx"), "{}", stderr(&output));
    let output = run(&["call", "record_gauge"]);
    assert_eq!((output.status.code(), answer(&output)["field"].clone()), (Some(1), json!("metric_name")));
}

#[test]
fn a_grant_on_the_command_line_opens_one_origin() {
    let ctx = r#"{"prometheus_config": {"gateway_url": "http://127.0.0.1:9"}}"#;
    let refused = run(&["call", "push_metrics", "--ctx", ctx]);
    assert_eq!(answer(&refused)["error_code"], "not_granted");
    assert!(stderr(&refused).contains("http://127.0.0.1:9"), "the refusal is logged: {}", stderr(&refused));
    let granted = run(&["call", "push_metrics", "--ctx", ctx, "--grant", "http://127.0.0.1:9"]);
    assert_eq!(answer(&granted)["error_code"], "unreachable");
    let wrong = run(&["call", "push_metrics", "--grant", "http://127.0.0.1:9/path"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn inspect_says_size_imports_exports_and_grants() {
    let report = answer(&run(&["inspect", "--json", "--grant", "https://example.org"]));
    assert!(report["size_bytes"].as_u64().unwrap() > 10_000);
    assert_eq!(report["imports"].as_array().unwrap().len(), 7);
    let exports: Vec<_> = report["exports"].as_array().unwrap().iter().map(|export| &export["interface"]).collect();
    assert!(exports.contains(&&json!("plugpipe:plug/hosting@1.0.0")), "{exports:?}");
    assert_eq!(
        (&report["grants"]["origins"], &report["grants"]["rules_folder"]),
        (&json!(["https://example.org:443"]), &json!(null))
    );
    let text = stdout(&run(&["inspect"]));
    assert!(text.contains("wasi:http/outgoing-handler") && text.contains("granted origins"), "{text}");
}

#[test]
fn another_component_is_loaded_from_an_option_or_the_environment() {
    let file = pipe("not wasm");
    let path = file.path().to_str().unwrap();
    let by_option = run(&["inspect", "--plug", path]);
    let by_environment = harness(&["inspect"]).env("PLUGPIPE_PLUG", path).output().unwrap();
    for output in [by_option, by_environment] {
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(&format!("{path} cannot be loaded")), "{}", stderr(&output));
    }
}

#[test]
fn help_shows_examples() {
    for command in [&["--help"][..], &["run", "--help"], &["call", "--help"], &["serve", "--help"]] {
        let text = stdout(&run(command));
        assert!(text.contains("Examples:"), "{text}");
    }
}

#[test]
fn json_lines_say_each_step_and_then_the_run() {
    let file = pipe(
        "name: p\nsteps:\n  - {name: one, plugin: monitoring_prometheus, config: {metric_name: m, metric_value: 1}}\n  \
         - {name: two, plugin: monitoring_prometheus, config: {operation: nonsense}}\n",
    );
    let output = run(&["run", file.path().to_str().unwrap(), "--json=lines"]);
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["id"], &lines[0]["step"], &lines[0]["of"]), (&json!("one"), &json!(1), &json!(2)));
    assert_eq!((&lines[1]["status"], &lines[2]["success"]), (&json!("failed"), &json!(false)));
}

#[test]
fn init_writes_a_pipe_that_runs_and_never_writes_over_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let within = |name: &str| folder.path().join("new").join(name).to_str().unwrap().to_owned();
    let place = folder.path().join("new");
    let output = run(&["init", place.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    let (pipe, config, grants) = (within("pipe.yaml"), within("config.yaml"), within("grants.yaml"));
    let files = ["--config", &config, "--grants", &grants];
    let output = run(&[&["run", &pipe, "--input", "region=eu", "--json"][..], &files].concat());
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(answer(&output)["steps"][0]["result"]["result"]["labels"]["region"], "eu");
    let inspected = answer(&run(&[&["inspect", "--json"][..], &files].concat()));
    assert_eq!(inspected["grants"]["origins"], json!(["http://127.0.0.1:9091"]), "{inspected}");
    // What may be switched on is valid too.
    for file in [&config, &grants] {
        let text = std::fs::read_to_string(file).unwrap();
        let switched_on = |line: &str| match line.split_once('#') {
            Some((before, setting)) if before.trim().is_empty() && !setting.is_empty() && !setting.starts_with(' ') => {
                format!("{before}{setting}\n")
            }
            // A setting of more than one line goes on so.
            Some((before, setting)) if before.starts_with("  ") && setting.starts_with("  ") => {
                format!("{before}{setting}\n")
            }
            Some((before, setting)) if before.is_empty() && setting.starts_with("  ") => format!("{setting}\n"),
            _ => format!("{line}\n"),
        };
        std::fs::write(file, text.lines().map(switched_on).collect::<String>()).unwrap();
    }
    let output = harness(&[&["inspect", "--json"][..], &files].concat())
        .env("HOSTNAME", "h")
        .env("PROMETHEUS_TOKEN", "t0ken-of-prometheus")
        .args(["--env", "PROMETHEUS_TOKEN"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let origins = answer(&output)["grants"]["origins"].to_string();
    assert!(origins.contains("https://prometheus.example"), "{origins}");
    std::fs::remove_file(&config).unwrap();
    std::fs::remove_file(&grants).unwrap();
    std::fs::write(within("pipe.yaml"), "mine").unwrap();
    let output = run(&["init", place.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("pipe.yaml") && !place.join("config.yaml").exists(), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(within("pipe.yaml")).unwrap(), "mine");
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let commands = run(&["__complete", "fish", "--", ""]);
    for (output, form) in [(run(&["man"]), "plugpipe\\-harness\\-"), (commands, "\n")] {
        let text = stdout(&output);
        assert!(output.status.success(), "{}", stderr(&output));
        for command in ["run", "query", "top", "watch", "init"] {
            assert!(text.contains(&format!("{form}{command}")), "{command}: {text}");
        }
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&run(&["completions", shell]));
        assert!(script.contains(&format!("__complete {shell} -- ")), "{script}");
    }
}

#[test]
fn a_query_without_a_server_or_grant_says_what_to_do() {
    let output = run(&["query", "up"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(stderr(&output).contains("prometheus_url"), "{}", stderr(&output));
    let output = run(&["query", "up", "--prometheus", "http://127.0.0.1:9"]);
    assert!(stderr(&output).contains("http://127.0.0.1:9"), "{}", stderr(&output));
    assert_eq!(run(&["query", "up", "--plot"]).status.code(), Some(2));
}

#[tokio::test]
async fn a_query_is_a_table_a_chart_csv_and_svg() {
    if crate::support::without_servers("query of a real Prometheus") {
        return;
    }
    let prometheus = crate::support::prometheus(vec![]).await;
    let url = prometheus.url.clone();
    let ask = |more: &[&str]| {
        let output = run(&[&["query", "vector(42) + vector(0) * time()", "--prometheus", &url], more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    assert!(ask(&[]).contains("42"));
    assert!(ask(&["--format", "csv"]).starts_with("timestamp,value\n"));
    let range = ["--range", "10m", "--step", "1m"];
    let csv = ask(&[&range[..], &["--format", "csv"]].concat());
    assert_eq!(csv.lines().count(), 12, "{csv}");
    assert!(ask(&range).contains("trend"));
    let plot = ask(&[&range[..], &["--plot"]].concat());
    assert!(plot.chars().any(|character| ('\u{2801}'..='\u{28ff}').contains(&character)), "{plot}");
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("q.svg");
    ask(&[&range[..], &["--svg", svg.to_str().unwrap()]].concat());
    assert!(std::fs::read_to_string(svg).unwrap().contains("<polyline"));
}

#[tokio::test]
async fn top_shows_what_a_served_plug_holds() {
    let served = crate::cli::serve::Served::start(&[]);
    served
        .process(json!({"ctx": {"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 3}}))
        .await;
    // Eight are the plug's own.
    let output = run(&["top", "--once", "--interval", "0.1", "--url", &served.url]);
    let text = stdout(&output);
    assert!(output.status.success() && text.contains("jobs_total") && text.contains("9 families"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "0123456789abcdef\n").unwrap();
    let token = token.to_str().unwrap();
    let guarded = crate::cli::serve::Served::start(&["--token-file", token]);
    let without = run(&["top", "--once", "--url", &guarded.url]);
    assert!(!without.status.success() && stderr(&without).contains("--token-file"), "{}", stderr(&without));
    let once = ["top", "--once", "--interval", "0.1", "--url", &guarded.url];
    let by_file = run(&[&once[..], &["--token-file", token]].concat());
    let by_environment = harness(&[&once[..], &["--token-env", "TOP_TOKEN"]].concat())
        .env("TOP_TOKEN", "0123456789abcdef")
        .output()
        .unwrap();
    for output in [by_file, by_environment] {
        assert!(
            output.status.success() && stdout(&output).contains("8 families"),
            "{}{}",
            stdout(&output),
            stderr(&output)
        );
    }
    let output = run(&["top", "--once", "--url", "http://127.0.0.1:9"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("--url"), "{}", stderr(&output));
}

#[test]
fn watch_runs_again_and_says_what_is_another() {
    use std::io::{BufRead as _, BufReader};
    let step = |value: u32| {
        format!(
            "name: p\nsteps:\n  - {{name: one, plugin: monitoring_prometheus, config: {{metric_name: watched, metric_value: {value}}}}}\n"
        )
    };
    let file = pipe(&step(1));
    let mut child = harness(&["watch", file.path().to_str().unwrap()]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("watching")));
    std::fs::write(file.path(), step(22)).unwrap();
    let found = lines.find(|line| line.starts_with("~ ") || line.starts_with("watching"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(found.as_deref(), Some("~ watched 1 → 22"));
}
