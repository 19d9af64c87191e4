//! Configurations: what is wrong with one is said before anything runs, inputs are read once, and
//! YAML is read one way.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use plugpipe_harness::{Error, Grants, Limits, PlugHandle, Session};
use serde_json::{Value, json};

use crate::support::{Ask as _, agreeing, answer, harness, named_by, plug, run, stderr, stdout};

const PIPE: &str =
    "name: p\nsteps:\n  - {name: one, plugin: monitoring_prometheus, config: {metric_name: m, metric_value: 1}}\n";

/// Configurations that are none, and the path of what is wrong.
fn invalid() -> Vec<(Value, &'static str)> {
    vec![
        (
            json!({"prometheus_config": {"gateway_url": "http://127.0.0.1:1", "push_policy": "on_recrod", "job_name": "nightly"}}),
            "prometheus_config.push_policy",
        ),
        (json!({"gateway_url": "127.0.0.1:9091"}), "gateway_url"),
        (json!({"prometheus_config": {"push_timeout": "10 seconds"}}), "prometheus_config.push_timeout"),
        (json!({"retry_attempts": 100}), "retry_attempts"),
        (json!({"prometheus_config": "x"}), "prometheus_config"),
        (json!({"histogram_buckets": [2, 1]}), "histogram_buckets"),
        (json!({"external_labels": {"a": null}}), "external_labels.a"),
        (json!({"remote_write_capacity": 0}), "remote_write_capacity"),
        (json!({"gateway_auth": {"tokn": "planted"}}), "gateway_auth.tokn"),
        (
            json!({"prometheus_config": {"instance": "i", "grouping_key": {"instance": "x"}}}),
            "prometheus_config.grouping_key.instance",
        ),
    ]
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn start(config: &Value) -> Result<PlugHandle, Error> {
    plug().start(config, named_by(config), Limits::default()).await
}

#[tokio::test]
async fn a_plug_does_not_start_with_a_configuration_that_it_refuses() {
    for (config, path) in invalid() {
        let error = start(&config).await.err().unwrap_or_else(|| panic!("{config}"));
        let Error::Config { code, problem } = &error else { panic!("{config}: {error}") };
        assert!(!code.is_empty(), "{config}");
        assert!(problem.starts_with(path) && !problem.contains("planted"), "{problem}");
        let session = plug().session(&config, Grants::none(), Limits::default()).await;
        assert!(matches!(session, Err(Error::Config { .. })), "{config}");
    }
    for config in [json!("x"), json!([]), json!(5), json!(true)] {
        assert!(matches!(start(&config).await, Err(Error::Config { .. })), "{config}");
    }
    for config in [json!(null), json!({}), json!({"prometheus_config": null, "job_name": ""})] {
        assert!(start(&config).await.is_ok(), "{config}");
    }
}

#[tokio::test]
async fn a_state_folder_is_kept_while_its_configuration_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let open = async |config: Value| plug().session_in(&state, &config, Grants::none(), Limits::default()).await;
    let wrong = json!({"job_name": "j", "push_policy": "on_recrod"});
    let count = json!({"operation": "record_counter", "metric_name": "kept_total", "metric_value": 1}).to_string();
    let counted = async |session: &mut Session, cfg: &str| {
        let answer = agreeing(&session.process(&count, cfg).await.unwrap());
        answer["result"]["current_value"].as_f64().unwrap()
    };
    // A folder that is new, and one that holds something; each time.
    for total in 1..=3 {
        for _ in 0..2 {
            let error = open(wrong.clone()).await.err().unwrap();
            assert!(matches!(&error, Error::Config { .. }), "{error}");
        }
        let mut session = open(json!({"job_name": "j"})).await.unwrap();
        assert_eq!(counted(&mut session, "").await, f64::from(total));
    }
    // A configuration that came with a call is kept with the state, and hides no mistake in the one
    // of the next start. What was recorded under its job stays apart from the other's.
    let mut session = open(json!({"job_name": "j"})).await.unwrap();
    assert_eq!(counted(&mut session, r#"{"job_name": "of-the-call"}"#).await, 1.0);
    drop(session);
    assert!(open(wrong).await.is_err());
    let mut session = open(json!({"job_name": "j"})).await.unwrap();
    assert_eq!(counted(&mut session, "").await, 2.0);
    assert_eq!(counted(&mut session, r#"{"job_name": "j"}"#).await, 4.0);
}

#[tokio::test]
async fn a_call_with_an_invalid_configuration_is_an_error_and_uses_no_other() {
    let plug = start(&json!({"job_name": "mine"})).await.unwrap();
    let record = json!({"operation": "record_counter", "metric_name": "m_total", "metric_value": 1}).to_string();
    let ask = json!({"operation": "health_check"}).to_string();
    let describe = json!({"operation": "describe"}).to_string();
    for (config, path) in invalid() {
        for ctx in [&record, &ask, &describe] {
            let answer = plug.ask_text(ctx, config.to_string()).await.unwrap();
            assert_eq!(
                (&answer["success"], &answer["field"]),
                (&json!(false), &json!(format!("cfg.{path}"))),
                "{answer}"
            );
        }
    }
    for config in ["\"x\"", "[]", "5", "{", "nonsense"] {
        let answer = plug.process(&record, config).await.unwrap();
        let problem = answer.error.unwrap_or_else(|| panic!("{config} was taken"));
        assert!(problem.message.contains("cfg"), "{config}: {problem:?}");
    }
    let answer = plug.ask_text(record, "").await.unwrap();
    assert_eq!(
        (answer["result"]["current_value"].as_f64(), &answer["monitoring_metadata"]["job_name"]),
        (Some(1.0), &json!("mine"))
    );
}

#[test]
fn every_command_ends_with_2_and_says_where_the_configuration_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = file(folder.path(), "pipe.yaml", PIPE);
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let commands: [&[&str]; 10] = [
        &["call", "record_counter", "--ctx", r#"{"metric_name": "m", "metric_value": 1}"#],
        &["call", "describe"],
        &["run", &pipe],
        &["watch", &pipe],
        &["serve", "--web.listen-address", "127.0.0.1:0"],
        &["query", "up"],
        &["inspect"],
        &["dashboards", "plan"],
        &["dashboards", "export", "--out", out],
        &["dashboards", "preview", "--out", out],
    ];
    for (index, (config, path)) in invalid().into_iter().enumerate() {
        let config = file(folder.path(), "config.yaml", &config.to_string());
        // All with the first, and then each in its turn.
        for (_, command) in commands.iter().enumerate().filter(|(at, _)| index == 0 || *at == index % commands.len()) {
            let output = run(&[*command, &["--config", &config]].concat());
            let told = stderr(&output);
            assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{command:?}: {told}");
            assert!(told.starts_with(&format!("error: {config}: {path}: ")), "{command:?}: {told}");
        }
    }
}

#[test]
fn the_exit_status_tells_a_failure_from_a_wrong_command() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, text: &str| file(folder.path(), name, text);
    let (pipe, broken) = (at("pipe.yaml", PIPE), at("broken.yaml", "steps: [{plug: m, when: 3}]"));
    let needs = at("needs.yaml", &format!("inputs: {{x: {{required: true}}}}\n{PIPE}"));
    let (no_yaml, debug) = (at("no.yaml", "a: ["), at("debug.yaml", "debug: often"));
    let (names, list) = (at("names.yaml", "job_name: ${NOT_GRANTED}"), at("list.yaml", "[1]"));
    let dashboard = at("dashboard.json", "{");
    let missing = folder.path().join("missing");
    let missing = missing.to_str().unwrap();
    let under_a_file = format!("{pipe}/x");
    for (code, arguments) in [
        (0, &["run", &pipe][..]),
        (1, &["run", &broken]),
        (1, &["run", &no_yaml]),
        (2, &["run", &needs]),
        (2, &["run", missing]),
        (2, &["run", &pipe, "--input", "x"]),
        (2, &["run", &pipe, "--config", missing]),
        (2, &["run", &pipe, "--config", &no_yaml]),
        (2, &["run", &pipe, "--config", &list]),
        (2, &["run", &pipe, "--config", &names]),
        (2, &["run", &pipe, "--config", &debug]),
        (2, &["run", &pipe, "--grants", missing]),
        (2, &["run", &pipe, "--grants", &no_yaml]),
        (2, &["run", &pipe, "--replay", &no_yaml]),
        (2, &["run", &pipe, "--plug", missing]),
        (2, &["run", &pipe, "--plug", &pipe]),
        (1, &["run", &pipe, "--state", &under_a_file]),
        (2, &["call", "describe", "--ctx", "{"]),
        (2, &["call", "describe", "--ctx", "@missing-file"]),
        (1, &["call", "query_metrics"]),
        (2, &["watch", missing]),
        (2, &["watch", "/dev/null"]),
        (2, &["query", "up", "--range", "1x"]),
        (2, &["inspect", "--manifest", &no_yaml]),
        (2, &["dashboards", "plan", missing]),
        (1, &["dashboards", "plan", &dashboard]),
        (1, &["dashboards", "export", "--out", &under_a_file]),
        (2, &["serve", "--token-file", missing]),
        (2, &["top"]),
        (1, &["top", "--once", "--url", "http://127.0.0.1:9"]),
        (1, &["init", &under_a_file]),
        (2, &["no-such-command"]),
    ] {
        let output = if arguments == ["top"] {
            // One that answers, so that only the terminal is missing.
            let served = crate::cli::serve::Served::start(&[]);
            run(&["top", "--url", &served.url])
        } else {
            run(arguments)
        };
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}{}", stdout(&output), stderr(&output));
        assert!(
            code == 0 || stdout(&output).starts_with('{') || stderr(&output).starts_with("error: "),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}

/// Ends it where it takes too long, as one does that waits for a pipe.
fn ended(mut command: std::process::Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("it still waits: {}", stderr(&child.wait_with_output().unwrap()));
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

/// A named pipe that gives the text once.
fn named_pipe(folder: &Path, name: &str, text: &'static str) -> String {
    let path = folder.join(name);
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let to = path.clone();
    // Opening it waits for a reader; what is still there at the test's end goes with the process.
    thread::spawn(move || fs::OpenOptions::new().write(true).open(to).unwrap().write_all(text.as_bytes()).unwrap());
    path.to_str().unwrap().to_owned()
}

#[test]
fn every_input_is_read_once() {
    const CONFIG: &str = "job_name: once\ninstance: ${WHO}\nprometheus_config: {gateway_url: 'http://127.0.0.1:9'}\n";
    const GRANTS: &str = "origins: ['http://127.0.0.1:9091']\nenv: [WHO]\n";
    let folder = tempfile::tempdir().unwrap();
    let within = |number: usize, name: &str, text| named_pipe(folder.path(), &format!("{number}-{name}"), text);
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let commands: [&[&str]; 5] = [
        &["call", "record_gauge", "--ctx", r#"{"metric_name": "m", "metric_value": 1, "push_policy": "manual"}"#],
        &["inspect", "--json"],
        &["dashboards", "export", "--out", out],
        // Reads the configuration for two things, and then fails for lack of a server.
        &["dashboards", "preview", "--template", "pipe_overview", "--out", out],
        &["query", "up"],
    ];
    for (number, command) in commands.into_iter().enumerate() {
        let (config, grants) = (within(number, "config", CONFIG), within(number, "grants", GRANTS));
        let mut command = harness(&[command, &["--config", &config, "--grants", &grants]].concat());
        command.env("WHO", "me");
        let output = ended(command);
        let told = format!("{}{}", stdout(&output), stderr(&output));
        assert_eq!(output.status.code(), Some(i32::from(number > 2)), "{number}: {told}");
        match number {
            0 => {
                let metadata = &answer(&output)["monitoring_metadata"];
                assert_eq!((&metadata["job_name"], &metadata["instance"]), (&json!("once"), &json!("me")));
            }
            1 => assert_eq!(answer(&output)["grants"]["origins"], json!(["http://127.0.0.1:9091"])),
            2 => {}
            _ => assert!(told.contains("prometheus_url"), "{told}"),
        }
    }
    // The pipe, and a call's fields.
    let pipe = within(9, "pipe", PIPE);
    assert!(ended(harness(&["run", &pipe])).status.success());
    let ctx = within(9, "ctx", r#"{"metric_name": "m", "metric_value": 1}"#);
    assert!(ended(harness(&["call", "record_gauge", "--ctx", &format!("@{ctx}")])).status.success());
}

#[test]
fn a_shell_hands_over_what_a_command_writes() {
    let script = r#""$0" call record_gauge --ctx '{"metric_name": "m", "metric_value": 1}' --config <(echo 'job_name: of-a-command') --grants <(echo 'origins: []')"#;
    let mut command = std::process::Command::new("bash");
    command.args(["-c", script, env!("CARGO_BIN_EXE_plugpipe-harness")]).env_remove("PLUGPIPE_PLUG");
    let output = ended(command);
    assert_eq!(answer(&output)["monitoring_metadata"]["job_name"], "of-a-command", "{}", stderr(&output));
}

#[test]
fn a_text_keeps_how_it_was_written_in_configurations_and_pipes() {
    let folder = tempfile::tempdir().unwrap();
    for (written, text) in [
        ("01", "01"),
        ("0042", "0042"),
        ("y", "y"),
        ("1.0", "1.0"),
        ("1.10", "1.10"),
        ("1e3", "1e3"),
        ("0x1F", "0x1F"),
        ("no", "no"),
        ("True", "True"),
        ("5", "5"),
        ("true", "true"),
        ("12345678901234567890123", "12345678901234567890123"),
    ] {
        let config = file(
            folder.path(),
            "config.yaml",
            &format!(
                "instance: {written}\nprometheus_config: {{job_name: {written}}}\ntimeout: 1e1\nmock_mode: False\n"
            ),
        );
        let labels = format!("labels: {{version: {written}}}");
        let pipe = file(
            folder.path(),
            "pipe.yaml",
            &format!(
                "inputs: {{id: {{type: string, default: {written}}}, n: 1.50}}\nsteps:\n  - uses: monitoring_prometheus\n    with: {{metric_name: m, \
                 metric_value: 1.50, {labels}}}\n  - uses: monitoring_prometheus\n    with: {{operation: record_multiple_metrics, metrics: \
                 [{{name: n, value: 1.50, {labels}}}]}}\n  - uses: monitoring_prometheus\n    with: {{metric_name: o, metric_value: '{{{{ inputs.n * 2 }}}}', \
                 labels: {{version: '{{{{ inputs.id }}}}'}}}}\n  - uses: monitoring_prometheus\n    with: {{operation: export_metrics}}\n"
            ),
        );
        let output = run(&["run", &pipe, "--config", &config, "--json"]);
        assert!(output.status.success(), "{written}: {}{}", stdout(&output), stderr(&output));
        let report = answer(&output);
        let metadata = &report["steps"][0]["result"]["monitoring_metadata"];
        assert_eq!((&metadata["instance"], &metadata["job_name"]), (&json!(text), &json!(text)), "{written}");
        let exported = report["steps"][3]["result"]["result"]["exported_data"].as_str().unwrap().to_owned();
        for line in [
            format!("m{{version=\"{text}\"}} 1.5"),
            format!("n{{version=\"{text}\"}} 1.5"),
            format!("o{{version=\"{text}\"}} 3"),
        ] {
            assert!(exported.contains(&line), "{written}: {line} is not in {exported}");
        }
    }
    let config = file(folder.path(), "config.yaml", "instance: ~\njob_name:\n");
    let output =
        run(&["call", "record_gauge", "--ctx", r#"{"metric_name": "m", "metric_value": 1}"#, "--config", &config]);
    let metadata = answer(&output)["monitoring_metadata"].clone();
    assert_eq!((&metadata["instance"], &metadata["job_name"]), (&json!(null), &json!("plugpipe")));
}

#[test]
fn grants_configurations_and_pipes_refuse_what_one_reader_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let mut bomb = String::from("x0: &l0 [a, a, a, a, a, a, a, a, a, a]\n");
    for level in 1..10 {
        let previous = vec![format!("*l{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("x{level}: &l{level} [{previous}]\n"));
    }
    let deep = format!("a: {}{}", "[".repeat(100), "]".repeat(100));
    let pipe = file(folder.path(), "pipe.yaml", PIPE);
    for text in ["a: 1\na: 2", "a: 1\n---\nb: 2\n", "a: .inf", "a: [", "a: *b", bomb.as_str(), deep.as_str()] {
        let path = file(folder.path(), "wrong.yaml", text);
        for (arguments, code) in [
            (&["run", &pipe, "--config", &path][..], 2),
            (&["run", &pipe, "--grants", &path], 2),
            (&["inspect", "--manifest", &path], 2),
            (&["run", &path], 1),
        ] {
            let output = run(arguments);
            let told = stderr(&output);
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
            assert!(told.contains("YAML"), "{arguments:?}: {told}");
        }
    }
}

#[tokio::test]
async fn what_is_served_tells_an_instance_that_looks_like_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let config = file(folder.path(), "config.yaml", "instance: 0042\n");
    let served = crate::cli::serve::Served::start(&["--config", &config]);
    let (_, targets) = crate::cli::serve::get(&format!("{}/sd", served.url)).await;
    assert!(targets.contains("0042"), "{targets}");
    let (_, refused) =
        served.process(json!({"ctx": {"operation": "describe"}, "cfg": {"push_policy": "on_recrod"}})).await;
    assert_eq!((&refused["success"], &refused["field"]), (&json!(false), &json!("cfg.push_policy")));
}
