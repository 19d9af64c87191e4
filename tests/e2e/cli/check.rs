//! `check`: what is wrong with files, where, and with which exit status.

use std::fs;

use serde_json::{Value, json};

use crate::support::{harness, run, stderr, stdout};

/// Writes files into a folder, and checks them from there.
fn check(files: &[(&str, &str)], arguments: &[&str]) -> std::process::Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = harness(&["check"]);
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
        command.arg(name);
    }
    command.args(arguments).current_dir(folder.path()).env("CHECKED_URL", "not a url").output().unwrap()
}

#[test]
fn all_problems_of_all_files_come_with_their_places() {
    let output = check(
        &[
            (
                "pipe.yaml",
                "steps:\n  - plug: monitoring_promethues\n    wen: x\n    on_error: stop\n    with: {v: '{{ 1 + }}', w: '{{ regoin }}'}\ninputs: {region: eu}\n",
            ),
            ("config.yaml", "job_name: j\nprometheus_config:\n  gateway_url: 'not a url'\n"),
            ("grants.yaml", "orgins: []\nlimits: {memroy: 1, call: 30s}\norigins: 7\n"),
            ("good.yaml", "pipeline: [{uses: monitoring_prometheus, wiht: {}}]\n"),
            ("web.yml", "rate_limit: {interval: 1s, burst: 0}\n"),
            ("users.yml", "basic_auth_users: {a: planted}\n"),
            ("limited.yml", "rate_limit: {interval: 1s, burst: 5}\n"),
        ],
        &[],
    );
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for line in [
        "pipe.yaml:3:5: warning: steps[0].wen: unknown key; did you mean when?",
        "pipe.yaml:4:15: error: steps[0].on_error: expected fail, warn or continue, got \"stop\"",
        "config.yaml:3:3: error: prometheus_config.gateway_url: ",
        "grants.yaml:1:1: error: orgins: unknown key; did you mean origins?",
        "grants.yaml:2:10: error: limits.memroy: unknown key; did you mean memory?",
        "grants.yaml:3:10: error: origins: expected a list, got 7",
        "good.yaml:1:42: warning: pipeline[0].wiht: unknown key; did you mean with?",
        "good.yaml: valid pipe",
        "web.yml:1:28: error: rate_limit.burst: expected the number",
        "users.yml:1:20: error: basic_auth_users.a: expected the bcrypt hash",
        "limited.yml: valid web configuration",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("planted"), "{text}");
}

#[test]
fn all_values_that_are_wrong_are_found_at_once() {
    let config = "\
prometheus_config:
  gateway_url: not a url
  push_polcy: manual
  push_timeout: 10 seconds
  grouping_key: {instance: a, '': b}
timeout: -1
labl: x
histogram_buckets: [1, x, 2]
";
    let grants = "\
origins:
- 'http://a:1'
- 'ftp://b'
- {url: 'https://c', methods: [GET, CONNECT]}
- {url: 'https://d', credential: nobody}
- 'no origin'
addresses: [10.0.0.0/99, private, nowhere]
env: ['A B']
limits: {memory: lots, call: 0s, requests_at_once: 5}
";
    let output = check(&[("config.yaml", config), ("grants.yaml", grants)], &[]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for line in [
        "config.yaml:2:3: error: prometheus_config.gateway_url: ",
        "config.yaml:3:3: warning: prometheus_config.push_polcy: ",
        "config.yaml:4:3: error: prometheus_config.push_timeout: ",
        "config.yaml:6:1: error: timeout: ",
        "config.yaml:7:1: warning: labl: ",
        "config.yaml:8:",
        "grants.yaml:3:3: error: origins[1]: ",
        "grants.yaml:4:37: error: origins[2].methods[1]: ",
        "grants.yaml:6:3: error: origins[4]: ",
        "grants.yaml:7:13: error: addresses[0]: ",
        "grants.yaml:7:35: error: addresses[2]: ",
        "grants.yaml:8:7: error: env[0]: ",
        "grants.yaml:9:10: error: limits.memory: ",
        "grants.yaml:9:24: error: limits.call: ",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(text.contains("push_polcy: unknown field; did you mean push_policy?"), "{text}");
    // What does not fit is said once each part is right.
    assert!(!text.contains("nobody"), "{text}");
    let output = check(&[("grants.yaml", "origins: [{url: 'https://d', credential: nobody}]\n")], &[]);
    assert!(stdout(&output).contains("unknown credential \"nobody\""), "{}", stdout(&output));
}

#[test]
fn templates_and_plugs_are_checked_too() {
    let output = check(
        &[(
            "pipe.yaml",
            "inputs: {region: eu}\nsteps:\n  - plug: monitoring_promethues\n    with:\n      v: '{{ 1 + }}'\n      w: ['{{ regoin }}']\n      x: '{{ $value }}'\n    when: region == 'eu' && other\n",
        )],
        &[],
    );
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for line in [
        "pipe.yaml:3:5: warning: steps[0]: unknown plug \"monitoring_promethues\"; did you mean monitoring_prometheus?",
        "pipe.yaml:5:7: error: steps[0].with.v: ",
        "pipe.yaml:6:11: warning: steps[0].with.w[0]: `regoin` is not defined; did you mean region?",
        "pipe.yaml:8:5: warning: steps[0].when: `other` is not defined",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(text.lines().count(), 4, "{text}");
}

#[test]
fn unknown_operations_are_found_before_a_step_runs() {
    let output = check(
        &[(
            "pipe.yaml",
            "inputs: {which: gauge}\nsteps:\n  - {plug: monitoring_prometheus, with: {operation: record_gaug}}\n  \
             - plug: plugs.monitoring_prometheus\n    config: {operation: record_gauge}\n    with:\n      operation: nothing_like_it\n  \
             - {plug: monitoring_prometheus, with: {operation: 'record_{{ inputs.which }}'}}\n  \
             - {plug: monitoring_prometheus, with: {operation: record_gauge}}\n",
        )],
        &[],
    );
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for line in [
        "pipe.yaml:3:42: error: steps[0].with.operation: unknown operation \"record_gaug\"; did you mean record_gauge?",
        "pipe.yaml:7:7: error: steps[1].with.operation: unknown operation \"nothing_like_it\"; plugpipe-harness call --list lists them",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn json_has_the_same_and_warnings_alone_are_no_failure() {
    let output = check(
        &[("p.yaml", "steps: [{plug: monitoring_prometheus, tag: x}]"), ("g.yaml", "env: [HOSTNAME]")],
        &["--json"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        reports,
        json!([
            {"file": "p.yaml", "kind": "pipe", "valid": true, "problems": [{
                "severity": "warning", "path": "steps[0].tag", "message": "unknown key; did you mean tags?", "line": 1, "column": 39,
            }]},
            {"file": "g.yaml", "kind": "grants", "valid": true, "problems": []},
        ])
    );
}

#[test]
fn variables_are_used_if_they_are_granted() {
    let config = [("c.yaml", "job_name: j\ngateway_url: '${CHECKED_URL}'\nlabl: x\n")];
    let output = check(&config, &[]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("c.yaml:2:1: warning: gateway_url: not checked"), "{text}");
    let output = check(&config, &["--env", "CHECKED_URL"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("c.yaml:2:1: error: gateway_url: "), "{}", stdout(&output));
}

#[test]
fn a_kind_can_be_named_and_a_missing_file_is_an_error_of_the_command_line() {
    let output = check(&[("x.yaml", "job_name: j\n")], &["--as", "grants"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("x.yaml:1:1: error: job_name: unknown key"), "{}", stdout(&output));
    let output = check(&[("x.yaml", "a: [")], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("x.yaml:1:"), "{}", stdout(&output));
    for arguments in
        [&["check"][..], &["check", "none.yaml"], &["check", "examples/pipes/pipespec.yaml", "--as", "else"]]
    {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_secret_in_a_grants_file_is_not_shown() {
    let output = check(&[("g.yaml", "credentials: {a: {bearer: s3cret-token}, b: {basic: s3cret-token}}\n")], &[]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("credentials.a.bearer: expected") && !text.contains("s3cret"), "{text}");
}
