//! The demonstration: what a new user sees first.

use crate::support::{harness, run, servers, stderr, stdout, without_servers};

#[test]
fn the_bare_command_shows_the_main_job() {
    for arguments in [&[][..], &["demo"]] {
        let output = run(arguments);
        let text = stdout(&output);
        assert!(output.status.success(), "{text}{}", stderr(&output));
        assert!(text.contains("plugpipe_pipeline_starts_total{pipeline_name=\"data_pipeline\"} 1\n"), "{text}");
        let histogram = "plugpipe_pipeline_duration_seconds";
        let labels = "pipeline_name=\"data_pipeline\",status=\"success\"";
        assert!(text.contains(&format!("# TYPE {histogram} histogram\n")), "{text}");
        assert!(text.contains(&format!("{histogram}_bucket{{{labels},le=\"+Inf\"}} 1\n")), "{text}");
        assert!(text.contains(&format!("{histogram}_count{{{labels}}} 1\n")), "{text}");
        let sum = text.lines().find_map(|line| line.strip_prefix(&format!("{histogram}_sum{{{labels}}} "))).unwrap();
        assert!(sum.parse::<f64>().unwrap() > 0.0, "{sum}");
        assert!(
            text.contains("wasi:http/outgoing-handler@0.2.0") && text.contains("none: every request is denied"),
            "{text}"
        );
    }
}

#[test]
fn the_demonstration_with_servers_ends_with_a_promql_answer() {
    if without_servers("the_demonstration_with_servers_ends_with_a_promql_answer") {
        return;
    }
    let output = harness(&["demo", "--stack", "--fetch"]).env("PLUGPIPE_SERVERS", servers().folder()).output().unwrap();
    let text = stdout(&output);
    assert!(output.status.success(), "{text}{}", stderr(&output));
    let answer = text.split_once("\nplugpipe_pipeline_starts_total\n").unwrap().1;
    assert!(answer.lines().next().unwrap().ends_with(" 1"), "{text}");
    assert!(answer.contains("\"job\":\"plugpipe-demo\""), "{text}");
}

#[test]
fn the_demonstration_without_servers_says_how_to_get_them() {
    let empty = tempfile::tempdir().unwrap();
    let output =
        harness(&["demo", "--stack"]).env("PLUGPIPE_SERVERS", empty.path()).env("PATH", empty.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("prometheus-pushgateway") && text.contains("--fetch"), "{text}");
}
