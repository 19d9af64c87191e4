//! What a caller misspelt is said where the caller looks: in the answer, on stderr, in the table of
//! a run, on the page of `serve`. And the spellings of durations and moments, which are the same
//! everywhere.

use std::io::Write as _;

use plugpipe_harness::Limits;
use serde_json::{Value, json};

use crate::cli::serve::{Served, get};
use crate::servers::faults::{Faulty, answer};
use crate::support::{Ask as _, named_by, plug, run, stderr, stdout};

const MISSPELT: &str = "lables: unknown field; did you mean labels?";

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn warnings(answer: &Value) -> Vec<&str> {
    answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn answers_warn_of_what_the_plug_does_not_know() {
    let alertmanager = Faulty::start(|stream, _| answer(stream, "200", "", ""));
    let url = alertmanager.url.as_str();
    let config = json!({"alertmanager_url": url, "prometheus_config": {"job_nmae": "j"}});
    let plug = plug().start(&config, named_by(&config), Limits::default()).await.unwrap();
    let of_start = "cfg.prometheus_config.job_nmae: unknown field; did you mean job_name?";
    assert_eq!(plug.warnings(), [of_start]);
    // Known to the quick way, but for one name.
    for _ in 0..3 {
        let ctx =
            json!({"operation": "record_counter", "metric_name": "m_total", "metric_value": 1, "lables": {"a": "b"}});
        let answer = plug.ask(&ctx).await.unwrap();
        assert_eq!((warnings(&answer), &answer["success"]), (vec![MISSPELT], &json!(true)), "{answer}");
    }
    // By a worker, which says nothing of the configuration again.
    let alert = json!({"operation": "send_alerts", "alerts": [{"alert_name": "A"}, {"alert_name": "B", "annotatons": {"a": "b"}}]});
    let told = plug.ask(&alert).await.unwrap();
    assert_eq!(warnings(&told), ["alerts[1].annotatons: unknown field; did you mean annotations?"], "{told}");
    // A configuration that comes with a call is warned of in that call's answer only.
    let cfg = json!({"alertmanager_url": url, "gateway_ulr": "http://h", "debug": true}).to_string();
    for expected in [vec!["cfg.gateway_ulr: unknown field; did you mean gateway_url?"], vec![]] {
        let ctx = json!({"operation": "send_alerts", "alert_name": "A", "starts_at": "now-1.5h", "ends_at": "now+2h"});
        let answer = plug.ask_text(ctx.to_string(), &cfg).await.unwrap();
        assert_eq!((warnings(&answer), &answer["success"]), (expected, &json!(true)), "{answer}");
    }
    let unknown = plug.ask(&json!({"operation": "send_alert"})).await.unwrap();
    assert!(
        unknown["error"].as_str().unwrap().contains("did you mean send_alerts? describe lists them, "),
        "{unknown}"
    );
    // Moments are one type: a silence may begin and end relative to now too.
    let silenced = Faulty::start(|stream, _| answer(stream, "200", "", r#"{"silenceID":"x"}"#));
    let config = json!({"alertmanager_url": silenced.url});
    let plug = crate::support::plug().start(&config, named_by(&config), Limits::default()).await.unwrap();
    let silence = json!({"operation": "create_silence", "matchers": ["a=b"], "comment": "c", "starts_at": "now+1h", "ends_at": "now+1d12h"});
    let silence = plug.ask(&silence).await.unwrap();
    assert_eq!(silence["success"], true, "{silence}");
    let asked = silenced.asked().len();
    let escaped = plug.ask(&json!({"operation": "expire_silence", "silence_id": "../x"})).await.unwrap();
    assert_eq!((&escaped["field"], silenced.asked().len()), (&json!("silence_id"), asked), "{escaped}");
}

#[test]
fn the_command_line_shows_warnings() {
    let config = file("gateway_ulr: http://127.0.0.1:9\nprometheus_config: {job_name: j}\n");
    let config = config.path().to_str().unwrap();
    let of_config = "warning: cfg.gateway_ulr: unknown field; did you mean gateway_url?\n";
    let ctx = r#"{"metric_name": "m", "metric_value": 1, "lables": {"a": "b"}}"#;
    let output = run(&["call", "record_gauge", "--ctx", ctx, "--config", config]);
    assert!(output.status.success());
    let said = stderr(&output);
    assert!(said.contains(of_config) && said.contains(&format!("warning: {MISSPELT}\n")), "{said}");
    let pipe = file(
        "name: p\nsteps:\n  - name: one\n    plugin: monitoring_prometheus\n    config: {metric_name: m, metric_value: 1, lables: {a: b}, step_id: one}\n",
    );
    let output = run(&["run", pipe.path().to_str().unwrap(), "--config", config]);
    assert!(output.status.success());
    let (said, table) = (stderr(&output), stdout(&output));
    assert!(said.contains(of_config) && said.contains(&format!("warning: step one: {MISSPELT}\n")), "{said}");
    assert!(table.contains(&format!("warning: {MISSPELT}")) && !table.contains("step_id"), "{table}");
}

#[tokio::test]
async fn the_page_shows_warnings_once() {
    let served = Served::start(&[]);
    for _ in 0..3 {
        let ctx = json!({"operation": "record_gauge", "metric_name": "m", "metric_value": 1, "lables": {}});
        let (status, answer) = served.process(json!({"ctx": ctx})).await;
        assert_eq!((status, warnings(&answer)), (200, vec![MISSPELT]), "{answer}");
    }
    let (_, page) = get(&served.url).await;
    assert_eq!(page.matches("lables: unknown field; did you mean labels?").count(), 1, "{page}");
}

#[test]
fn grants_and_options_take_the_durations_that_settings_take() {
    for (text, shown) in
        [("1m30s", "1m30s"), ("1d12h", "1d12h"), ("2w", "2w"), ("500ms", "500ms"), ("1.5h", "1h30m"), ("90", "1m30s")]
    {
        let grants = file(&format!("limits: {{call: {text}}}\n"));
        let config = file(&format!("timeout: {}\n", if text == "2w" || text == "1d12h" { "1h" } else { text }));
        let (grants, config) = (grants.path().to_str().unwrap(), config.path().to_str().unwrap());
        let output = run(&["inspect", "--grants", grants]);
        assert!(
            output.status.success() && stdout(&output).contains(shown),
            "{text}: {}{}",
            stdout(&output),
            stderr(&output)
        );
        let output = run(&["call", "health_check", "--config", config]);
        assert!(output.status.success(), "{text}: {}", stdout(&output));
    }
    for (arguments, expected) in [
        (["query", "up", "--range", "1x"], "expected a duration such as 15s, 1h30m"),
        (["query", "up", "--end", "tomorrow"], "expected a timestamp such as"),
        (["top", "--interval", "300y", "--once"], "too long"),
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
    let grants = file("limits: {call: 0.00001s}\n");
    let output = run(&["inspect", "--grants", grants.path().to_str().unwrap()]);
    assert!(!output.status.success() && stderr(&output).contains("limits.call"), "{}", stderr(&output));
}
