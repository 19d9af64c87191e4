//! Every example does what its file says.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{answer, harness, root, run, stderr, stdout};

/// Operations that need a server; without one they say so.
const NEED_A_SERVER: [&str; 4] = ["query_instant", "query_range", "push_metrics", "delete_metrics"];

fn files(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root().join("examples").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

#[test]
fn every_pipe_runs() {
    for pipe in files("pipes").into_iter().filter(|path| path.ends_with(".yaml")) {
        let output = run(&["run", &pipe, "--json"]);
        assert!(output.status.success(), "{pipe}: {}{}", stdout(&output), stderr(&output));
        let report = answer(&output);
        let succeeded = report["steps"].as_array().unwrap().iter().filter(|step| step["status"] == "succeeded").count();
        assert!(succeeded > 0, "{report}");
        assert!(!stderr(&output).contains("unknown field"), "{pipe}: {}", stderr(&output));
    }
}

#[test]
fn every_operation_runs_or_says_what_it_needs() {
    for file in files("operations") {
        let name = Path::new(&file).file_stem().unwrap().to_str().unwrap().to_owned();
        let ctx: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let operation = ctx["operation"].as_str().unwrap();
        let output = run(&["call", operation, "--ctx", &format!("@{file}")]);
        let answer = answer(&output);
        let expected = if NEED_A_SERVER.contains(&name.as_str()) { json!("not_configured") } else { Value::Null };
        assert_eq!(answer["error_code"], expected, "{file}: {answer}");
        assert!(answer["warnings"].is_null(), "{file}: {answer}");
        assert_eq!(output.status.code(), Some(i32::from(!expected.is_null())), "{file}");
        // With mock_mode, those that need a server answer too.
        if NEED_A_SERVER.contains(&name.as_str()) {
            let output =
                run(&["call", operation, "--ctx", &format!("@{file}"), "--config", "examples/config/debug.yaml"]);
            assert_eq!(crate::support::answer(&output)["result"]["mock"], true, "{file}");
        }
    }
}

#[test]
fn every_configuration_is_read_and_grants_what_it_names() {
    for file in files("config") {
        let mut command = harness(&["inspect", "--json", "--config", &file]);
        for (name, value) in [
            ("HOSTNAME", "host-1"),
            ("INSTANCE_ID", "i-1"),
            ("PUSHGATEWAY_URL", "http://127.0.0.1:9091"),
            ("PROMETHEUS_URL", "http://127.0.0.1:9090"),
            ("GRAFANA_URL", "http://127.0.0.1:3000"),
        ] {
            command.env(name, value).args(["--env", name]);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{file}: {}", stderr(&output));
        let grants = answer(&output)["grants"]["origins"].as_array().unwrap().len();
        assert_eq!(grants > 0, !file.ends_with("debug.yaml"), "{file}: {grants} grants");
    }
    let refused = run(&["inspect", "--config", "examples/config/production.yaml"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--env "), "{}", stderr(&refused));
}
