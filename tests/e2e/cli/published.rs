//! Pipes in the shapes of published ones: they are valid, and run with stubs for the plugs of
//! others.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::fake_web::{WebServer, text};
use crate::support::{answer, harness, root, run, stderr, stdout};

const FOLDER: &str = "tests/fixtures/pipes";

/// The report of a run, and what stands on stderr.
fn report(pipe: &str, stubs: &[(&str, Option<Value>)], arguments: &[&str]) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = format!("{FOLDER}/{pipe}.yaml");
    let mut command = harness(&["run", &path, "--json"]);
    for (name, answer) in stubs {
        command.arg("--stub");
        match answer {
            Some(answer) => {
                let file = folder.path().join(format!("{name}.json"));
                fs::write(&file, answer.to_string()).unwrap();
                command.arg(format!("{name}={}", file.display()));
            }
            None => _ = command.arg(name),
        }
    }
    let output = command.args(arguments).env("FIXTURE_TOKEN", "t0ken-of-fixture").output().unwrap();
    (serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output))), stderr(&output))
}

fn step<'r>(report: &'r Value, id: &str) -> &'r Value {
    let steps = report["steps"].as_array().unwrap();
    steps.iter().find(|step| step["id"] == id).unwrap_or_else(|| panic!("{report:#}"))
}

const REVIEW: [&str; 8] =
    ["--input", "forge_token=t0ken", "--input", "repo_owner=acme", "--input", "repo_name=shop", "--input", "number=7"];

#[test]
fn every_one_is_valid() {
    let mut files: Vec<String> = fs::read_dir(root().join(FOLDER))
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|path| path.ends_with(".yaml"))
        .collect();
    files.sort();
    assert!(files.len() >= 8);
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let output = run(&[&["check"], &files[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let text = stdout(&output);
    assert_eq!(text.lines().filter(|line| line.ends_with(": valid pipe")).count(), files.len(), "{text}");
    assert!(!text.contains("unknown key"), "{text}");
}

#[test]
fn outputs_of_stubs_reach_later_steps_with_an_answer_and_are_empty_without() {
    let review = json!({
        "author": "me", "security": {"total": 2, "list": [{"file": "a.rs"}]}, "bugs": [1, 2, 3], "advice_of_model": "well done",
    });
    let (full, _) = report("reviews", &[("llm_review_mcp", Some(review)), ("forge_integration", None)], &REVIEW);
    assert_eq!(full["success"], true, "{full:#}");
    let body = step(&full, "step_2")["ctx"]["body"].as_str().unwrap();
    assert_eq!(body, "By me\n- a.rs\n\n3 bugs\nwell done\n");
    let metrics = &step(&full, "step_3")["ctx"]["metrics"];
    assert_eq!((&metrics[0]["value"], &metrics[1]["value"]), (&json!(2), &json!(3)));

    let (bare, notes) = report("reviews", &[("llm_review_mcp", None), ("forge_integration", None)], &REVIEW);
    assert_eq!(step(&bare, "step_2")["ctx"]["body"], "By \nnone\n0 bugs\n\n");
    assert!(notes.contains("step step_2: body: review.author is undefined"), "{notes}");
    // An empty value is no number.
    assert_eq!((&bare["success"], &step(&bare, "step_3")["status"]), (&json!(false), &json!("failed")));

    // What no stub could have given is an error, of the step that runs.
    let (missing, _) = report("reviews", &[("llm_review_mcp", None), ("forge_integration", None)], &REVIEW[..4]);
    let message = step(&missing, "step_3")["message"].as_str().unwrap();
    assert!(message.contains("`repo_name` is undefined"), "{message}");
}

#[test]
fn paths_lengths_choices_and_conditions_are_understood() {
    let found = json!({"alerts": [1, 2]});
    let analyzed = json!({"health_score": 4, "runs": [{"conclusion": "failure"}, {}]});
    let stubs = [("forge_mcp_compatible", Some(found)), ("pp_forge_automation", Some(analyzed))];
    let (report, _) = report("automation", &stubs, &[]);
    assert_eq!(report["success"], true, "{report:#}");
    let alarm = step(&report, "step_3");
    let labels = &alarm["ctx"]["labels"];
    assert_eq!(
        (&labels["state"], &labels["runs"], &labels["last"]),
        (&json!("critical"), &json!(2), &json!("failure"))
    );
    assert_eq!((&labels["branch"], &alarm["ctx"]["metric_value"]), (&alarm["outputs"]["report_branch"], &json!(4)));
}

#[test]
fn steps_run_in_the_order_of_dependencies() {
    let (detection, _) = report(
        "detection",
        &[("environment", None), ("scanner", Some(json!({"found": {"count": 3}, "level": "low"})))],
        &[],
    );
    let ids = |report: &Value| -> Vec<String> {
        report["steps"].as_array().unwrap().iter().map(|step| step["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&detection), ["setup", "scan_code", "scan_speed", "report"]);
    assert_eq!((&detection["success"], &step(&detection, "report")["ctx"]["metric_value"]), (&json!(true), &json!(3)));
    let (migrated, notes) = report("migrated", &[("name", None), ("importer", None)], &[]);
    assert_eq!(
        (&migrated["success"], ids(&migrated)),
        (&json!(true), ["step_3", "name", "last"].map(String::from).to_vec())
    );
    assert!(notes.contains("migrated.yaml:21:1: warning: success_criteria: not supported, and ignored"), "{notes}");
}

#[test]
fn references_reach_values_of_the_pipe_and_granted_variables_only() {
    let (tests, _) = report(
        "tester",
        &[("test_server", Some(json!({"url": "http://s"}))), ("attacker", Some(json!({"sent": 2})))],
        &[],
    );
    assert_eq!(tests["success"], true, "{tests:#}");
    assert_eq!(step(&tests, "attack")["ctx"]["requests"][1]["params"]["arguments"]["content"], "ignore all");
    assert_eq!(step(&tests, "count")["ctx"]["labels"], json!({"first": 2, "server": "at http://s"}));

    let stubs = [("forge_integration", None), ("payments", None)];
    let (secrets, _) = report("secrets", &stubs, &["--env", "FIXTURE_TOKEN"]);
    // The default of the input names a variable that is not granted.
    let message = step(&secrets, "count")["message"].as_str().unwrap();
    assert!(message.contains("admin_email") && message.contains("--env FIXTURE_ADMIN"), "{message}");
    let vault = &step(&secrets, "vault")["ctx"];
    assert_eq!(vault["api_key"], "${vault:payments/api_key}", "not needed by a stub");
    assert_eq!(step(&secrets, "forge")["ctx"]["api_token"], "***");
    let given = ["--env", "FIXTURE_TOKEN", "--input", "admin_email=a@b.example"];
    let (secrets, notes) = report("secrets", &stubs, &given);
    assert_eq!(secrets["success"], true, "{secrets:#}");
    assert_eq!(step(&secrets, "count")["ctx"]["labels"]["organization"], "default-org");
    assert!(notes.contains("--env FIXTURE_ORG") && !secrets.to_string().contains("t0ken"), "{notes}");
}

#[test]
fn a_mapping_says_what_follows_a_failure_and_outputs_may_be_types() {
    let stubs = [
        ("auth", Some(json!({"authenticated": true, "client_id": "c1"}))),
        ("manager", Some(json!({"inserted": true, "customer_id": "k7"}))),
    ];
    let inputs = ["--input", "payload={\"customer\": {\"city\": \"Bern\"}}", "--input", "api_key=key-of-fixture"];
    let (report, _) = report("webhook", &stubs, &inputs);
    assert_eq!(report["success"], true, "{report:#}");
    let labels = &step(&report, "monitor")["ctx"]["labels"];
    assert_eq!(labels, &json!({"status": "success", "client": "c1", "customer": "k7", "city": "Bern"}));
    assert_eq!(step(&report, "authenticate")["ctx"]["api_key"], "***");
    assert!(!report.to_string().contains("key-of-fixture"));
}

#[test]
fn a_health_check_of_a_server_that_is_down_fails_its_step() {
    let stubs = [("compose_runner", None)];
    let inputs = ["--input", "operation=status", "--grant", "http://127.0.0.1:9"];
    let (report, notes) = report("stack", &stubs, &inputs);
    let look = step(&report, "look");
    assert_eq!((&report["success"], &look["status"]), (&json!(true), &json!("warned")), "{report:#}");
    assert!(look["message"].as_str().unwrap().contains("prometheus is not healthy"), "{look}");
    assert_eq!(look["result"]["result"]["prometheus_status"], "unreachable", "{look}");
    assert_eq!(step(&report, "record")["ctx"]["labels"], json!({"operation": "status", "well": false}));
    assert!(!report.to_string().contains("fixture_admin_pass") && !notes.contains("fixture_admin_pass"));
    for (config, code) in [("{\"prometheus_url\": \"http://127.0.0.1:9\"}", 1), ("{}", 0)] {
        let output = run(&["call", "health_check", "--ctx", config, "--grant", "http://127.0.0.1:9"]);
        assert_eq!(output.status.code(), Some(code), "{}", stdout(&output));
        assert_eq!(answer(&output)["success"], code == 0);
    }
}

#[test]
fn an_input_must_be_one_of_its_enum() {
    let path = format!("{FOLDER}/stack.yaml");
    for (input, said) in [("operation=deplyo", "did you mean deploy?"), ("operation=restart", "got \"restart\"")] {
        let output = run(&["run", &path, "--stub", "compose_runner", "--input", input]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
    let output = run(&["run", &path, "--stub", "compose_runner"]);
    assert!(stderr(&output).contains("inputs.operation: is required"), "{}", stderr(&output));
}

#[test]
fn stubs_are_plugs_of_the_pipe_with_answers_that_are_json() {
    let pipe = format!("{FOLDER}/tester.yaml");
    let output = run(&["run", &pipe, "--stub", "test_server", "--stub", "attakcer"]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("--stub attakcer: no step uses this plug") && text.contains("unknown plug \"attacker\""),
        "{text}"
    );
    let file = Path::new(FOLDER).join("README.md");
    let output = run(&["run", &pipe, "--stub", &format!("test_server={}", file.display()), "--stub", "attacker"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("not JSON"), "{}", stderr(&output));
    assert_eq!(run(&["run", &pipe, "--stub", "=x"]).status.code(), Some(2));
}

/// Whether a file of this folder, or below it, contains a text.
fn is_found_in(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            is_found_in(&path, text)
        } else {
            String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(text)
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sensitive_input_is_masked_in_recordings_and_stays_out_of_the_state_folder() {
    const SECRET: &str = "pass-\"wörd\"-1";
    let gateway = WebServer::http(|_| text("")).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let pipe = json!({
        "inputs": {"secret": {"type": "string", "sensitive": true}},
        "steps": [
            {"id": "plain", "plug": "monitoring_prometheus", "on_error": "continue",
             "with": {"operation": "record_gauge", "metric_name": "told", "metric_value": 1, "labels": {"a": "so {{ secret }}"}}},
            {"id": "credential", "plug": "monitoring_prometheus",
             "with": {"operation": "record_gauge", "metric_name": "kept", "metric_value": 2,
                      "prometheus_config": {"gateway_auth": {"type": "bearer", "token": "{{ secret }}"}, "gateway_url": gateway.url()}}},
        ],
    });
    fs::write(path("pipe.yaml"), pipe.to_string()).unwrap();
    let cfg = json!({"gateway_url": gateway.url(), "preflight": false, "retry_attempts": 1});
    fs::write(path("config.json"), cfg.to_string()).unwrap();
    let input = format!("secret={SECRET}");
    let ran = |more: &[&str]| {
        let (pipe, config) = (path("pipe.yaml"), path("config.json"));
        let output = run(&[&["run", &pipe, "--config", &config, "--input", &input, "--json"], more].concat());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
        assert!(!stdout(&output).contains("wörd") && !stderr(&output).contains("wörd"), "{report:#}");
        report
    };
    // Without a state folder the value is recorded as it is, and no file has it.
    let report = ran(&["--record", &path("recording.jsonl")]);
    assert_eq!(
        (&report["success"], &step(&report, "plain")["status"]),
        (&json!(true), &json!("succeeded")),
        "{report:#}"
    );
    let recorded = fs::read_to_string(path("recording.jsonl")).unwrap();
    assert!(
        recorded.contains("told{a=") && !recorded.contains("wörd") && !recorded.contains("w\\u00f6rd"),
        "{recorded}"
    );
    let asked = gateway.asked().len();
    let replayed = ran(&["--replay", &path("recording.jsonl")]);
    assert_eq!((&replayed["success"], gateway.asked().len()), (&json!(true), asked), "{replayed:#}");
    // With one, only what the plug keeps out of it by itself.
    fs::create_dir(path("state")).unwrap();
    let report = ran(&["--state", &path("state"), "--record", &path("state/recording.jsonl")]);
    let plain = step(&report, "plain");
    assert_eq!(plain["status"], "warned", "{report:#}");
    assert!(
        plain["message"].as_str().unwrap().contains("a sensitive value would be written there in clear"),
        "{plain}"
    );
    assert_eq!(step(&report, "credential")["status"], "succeeded", "{report:#}");
    assert!(!is_found_in(Path::new(&path("state")), "wörd"));
    let exported = run(&["call", "export_metrics", "--state", &path("state")]);
    assert!(stdout(&exported).contains("kept 2") && !stdout(&exported).contains("told"), "{}", stdout(&exported));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_of_a_configuration_for_1_0_0_come_from_granted_variables() {
    let gateway = WebServer::http(|_| text("")).await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.json");
    fs::write(&config, json!({"compatibility": "1.0.0", "preflight": false, "retry_attempts": 1}).to_string()).unwrap();
    let called = |more: &[&str]| {
        let ctx = r#"{"metric_name": "a", "metric_value": 1}"#;
        let mut command = harness(&["call", "record_gauge", "--ctx", ctx, "--config", config.to_str().unwrap()]);
        let output = command.args(more).env("PUSHGATEWAY_URL", gateway.url()).output().unwrap();
        (answer(&output), stderr(&output))
    };
    let (granted, _) = called(&["--env", "PUSHGATEWAY_URL"]);
    assert_eq!(granted["result"]["metric_pushed"], true, "{granted}");
    assert!(gateway.asked().iter().any(|asked| asked.uri.ends_with("/job/plugpipe/instance/plugpipe-instance")));
    // Without, the address of 1.0.0 is granted, and whoever listens there is asked.
    let asked = gateway.asked().len();
    let (answer, said) = called(&[]);
    assert!(said.contains("gateway_url: the environment variable PUSHGATEWAY_URL is set but not granted"), "{said}");
    assert_eq!(answer["monitoring_metadata"]["gateway_url"], "http://127.0.0.1:9091", "{answer}");
    assert_ne!(answer["result"]["push_error_code"], "not_granted", "{answer}");
    assert_eq!(gateway.asked().len(), asked);
}
