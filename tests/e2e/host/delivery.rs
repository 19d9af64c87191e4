//! Values at the end of a process: delivered, kept, written to a file, or said to be lost.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::json;

use crate::cli::serve::{Served, get};
use crate::support::{answer, pushgateway, run, stderr, stdout, without_servers};

const PIPE: &str = "name: p\nsteps:\n\
    - {uses: monitoring_prometheus, with: {operation: record_counter, metric_name: jobs_total, metric_value: 1}}\n\
    - {uses: monitoring_prometheus, with: {metric_name: temperature_celsius, metric_value: 21.5}}\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            fs::write(folder.path(name), text).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        run(&[&["run", &self.path("pipe.yaml")], arguments].concat())
    }
}

fn config(gateway: &str, policy: &str) -> String {
    let settings = json!({"gateway_url": gateway, "push_policy": policy, "retry_attempts": 1, "job_name": "nightly"});
    json!({"prometheus_config": settings}).to_string()
}

#[test]
fn a_run_without_a_gateway_says_what_is_lost_unless_it_is_kept() {
    let folder = Folder::with(&[("pipe.yaml", PIPE)]);
    let lost = folder.run(&[]);
    let text = stderr(&lost);
    assert_eq!(lost.status.code(), Some(0), "{text}");
    assert!(text.contains("the values of 2 series are lost: no gateway is configured. To keep them"), "{text}");
    assert!(text.contains("--state DIR") && text.contains("--textfile FILE"), "{text}");
    let required = folder.run(&["--require-delivery"]);
    assert_eq!(required.status.code(), Some(1), "{}", stderr(&required));
    assert!(stderr(&required).contains("--require-delivery"), "{}", stderr(&required));

    let (state, file) = (folder.path("state"), folder.path("p.prom"));
    for kept in [&["--state", &state][..], &["--textfile", &file], &["--textfile", &file, "--require-delivery"]] {
        let output = folder.run(kept);
        assert_eq!((output.status.code(), stderr(&output).contains("lost")), (Some(0), false), "{}", stderr(&output));
    }
    let required = folder.run(&["--state", &state, "--require-delivery"]);
    assert_eq!(required.status.code(), Some(1), "{}", stderr(&required));
    assert!(stderr(&required).contains("are stored in"), "{}", stderr(&required));
    let exported = run(&["call", "export_metrics", "--state", &state]);
    assert!(stdout(&exported).contains("jobs_total 2\\n"), "kept over runs: {}", stdout(&exported));
}

#[test]
fn a_gateway_that_is_down_and_a_manual_policy_are_named() {
    let folder = Folder::with(&[
        ("pipe.yaml", PIPE),
        ("down.json", &config("http://127.0.0.1:9", "on_record")),
        ("manual.json", &config("http://127.0.0.1:9", "manual")),
    ]);
    let down = folder.run(&["--config", &folder.path("down.json")]);
    let text = stderr(&down);
    assert!(text.contains("2 series are lost: the push failed: ") && text.contains("127.0.0.1:9"), "{text}");
    assert!(stdout(&down).contains("the next push sends it"), "{}", stdout(&down));
    assert!(!stdout(&down).contains("is kept and goes out"), "{}", stdout(&down));
    let kept = folder.run(&["--config", &folder.path("down.json"), "--state", &folder.path("state")]);
    assert!(stderr(&kept).contains("were not delivered: the push failed"), "{}", stderr(&kept));
    let manual = folder.run(&["--config", &folder.path("manual.json")]);
    assert!(stderr(&manual).contains("lost: push_policy is manual"), "{}", stderr(&manual));

    let ctx = r#"{"metric_name": "m", "metric_value": 1}"#;
    let call = run(&["call", "record_gauge", "--ctx", ctx]);
    assert_eq!((call.status.code(), answer(&call)["success"].clone()), (Some(0), json!(true)));
    assert!(stderr(&call).contains("1 series are lost: no gateway"), "{}", stderr(&call));
    let required = run(&["call", "record_gauge", "--ctx", ctx, "--require-delivery"]);
    assert_eq!(required.status.code(), Some(1));
    for nothing in [&["call", "describe"][..], &["call", "export_metrics", "--require-delivery"]] {
        let output = run(nothing);
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "nothing was recorded");
    }
}

#[test]
fn a_textfile_is_whole_also_when_the_run_fails() {
    let failing = format!("{PIPE}- {{uses: monitoring_prometheus, with: {{operation: nonsense}}}}\n");
    let folder = Folder::with(&[("pipe.yaml", &failing), ("p.prom", "old 1\n")]);
    let file = folder.path("p.prom");
    let output = folder.run(&["--textfile", &file]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&format!("wrote 2 series to {file}")), "{}", stderr(&output));
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("# TYPE jobs_total counter\njobs_total 1\n") && text.contains("temperature_celsius 21.5\n"),
        "{text}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(Path::new(&file).metadata().unwrap().permissions().mode() & 0o777, 0o644);
    }
    let names = fs::read_dir(folder.0.path()).unwrap().count();
    assert_eq!(names, 2, "nothing is left beside it");

    let wrong = folder.run(&["--textfile", &folder.path("p.txt")]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains(".prom"), "{}", stderr(&wrong));
    let nowhere = folder.run(&["--textfile", &folder.path("no/such/folder.prom")]);
    let text = stderr(&nowhere);
    assert_eq!(nowhere.status.code(), Some(1), "{text}");
    assert!(text.contains("cannot be written") && text.contains("2 series are lost"), "{text}");
}

#[tokio::test]
async fn a_gateway_that_has_the_values_leaves_nothing_to_say_and_replaced_counters_are_named() {
    if without_servers("a_gateway_that_has_the_values_leaves_nothing_to_say_and_replaced_counters_are_named") {
        return;
    }
    let gateway = pushgateway(None).await;
    let pipe = format!(
        "name: p\nsteps:\n- {{uses: monitoring_prometheus, with: {{operation: record_counter, metric_name: elsewhere_total, \
         metric_value: 1, prometheus_config: {{gateway_url: '{}', job_name: other}}}}}}\n",
        gateway.url
    );
    let folder = Folder::with(&[
        ("pipe.yaml", PIPE),
        ("elsewhere.yaml", &pipe),
        ("config.json", &config(&gateway.url, "on_record")),
    ]);
    let config = folder.path("config.json");
    let state = folder.path("state");
    let first = folder.run(&["--config", &config, "--require-delivery"]);
    assert_eq!((first.status.code(), stderr(&first).as_str()), (Some(0), ""));
    let again = folder.run(&["--config", &config]);
    let text = stderr(&again);
    assert_eq!(again.status.code(), Some(0), "{text}");
    let replaced = r#"replaced counters in its group that were as large or larger (1): jobs_total{instance="", job="nightly"} 1 → 1"#;
    assert!(text.contains(replaced) && text.contains("--state DIR") && !text.contains("lost"), "{text}");
    for _ in 0..3 {
        let kept = folder.run(&["--config", &config, "--state", &state]);
        assert_eq!((kept.status.code(), stderr(&kept).as_str()), (Some(0), ""));
    }
    let held = get(&format!("{}/metrics", gateway.url)).await.1;
    assert!(held.contains("jobs_total{instance=\"\",job=\"nightly\"} 3\n"), "{held}");
    // A gateway that only a step names has the values too.
    let elsewhere = run(&["run", &folder.path("elsewhere.yaml"), "--grant", &gateway.url, "--require-delivery"]);
    assert_eq!(
        (elsewhere.status.code(), stderr(&elsewhere).contains("lost")),
        (Some(0), false),
        "{}",
        stderr(&elsewhere)
    );
}

#[tokio::test]
async fn a_denied_request_leaves_the_group_at_the_gateway_as_it_is() {
    if without_servers("a_denied_request_leaves_the_group_at_the_gateway_as_it_is") {
        return;
    }
    let gateway = pushgateway(None).await;
    let denied = "name: p\nsteps:\n- {uses: monitoring_prometheus, on_error: continue, with: {operation: push_metrics, \
                  gateway_url: 'http://127.0.0.1:9'}}\n";
    let folder = Folder::with(&[
        ("pipe.yaml", PIPE),
        ("denied.yaml", denied),
        ("config.json", &config(&gateway.url, "on_record")),
    ]);
    let config = folder.path("config.json");
    assert_eq!(folder.run(&["--config", &config]).status.code(), Some(0));
    let call = run(&["call", "push_metrics", "gateway_url=http://127.0.0.1:9", "--config", &config]);
    assert_eq!(call.status.code(), Some(1));
    assert!(stdout(&call).contains("has not granted"), "{}", stdout(&call));
    let pipe = run(&["run", &folder.path("denied.yaml"), "--config", &config]);
    assert!(stdout(&pipe).contains("has not granted"), "{} {}", stdout(&pipe), stderr(&pipe));
    let held = get(&format!("{}/metrics", gateway.url)).await.1;
    assert!(held.contains("jobs_total{instance=\"\",job=\"nightly\"} 1\n"), "{held}");
    assert!(!held.contains("plugpipe_capability_violations_total"), "{held}");
}

#[tokio::test]
async fn a_served_plug_that_was_scraped_loses_nothing() {
    let record = json!({"ctx": {"metric_name": "m", "metric_value": 1}});
    let served = Served::start(&[]);
    assert_eq!(served.process(record.clone()).await.0, 200);
    assert_eq!(get(&format!("{}/metrics", served.url)).await.0, 200);
    assert!(!served.stop().contains("lost"));
    let served = Served::start(&[]);
    assert_eq!(get(&format!("{}/metrics", served.url)).await.0, 200);
    assert_eq!(served.process(record).await.0, 200);
    let said = served.stop();
    assert!(said.contains("the values of 1 series are lost: no gateway is configured"), "{said}");
}
