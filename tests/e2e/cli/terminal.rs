//! What reaches a terminal: within its width, and nothing that it would act on.

use std::fs;
use std::process::Command;

use plugpipe_harness::chart::{Series, svg};
use plugpipe_harness::printable::{self, is_unprintable};
use serde_json::{Value, json};

use crate::fake_web::{WebServer, text};
use crate::support::{answer, harness, root, run, stderr, stdout};

/// A color, a cleared screen in C0 and C1, a bell, and text that runs backwards.
const HOSTILE: &str = "\u{1b}[31m\u{1b}[2J\u{9b}2J\u{7}\u{202e}\u{2066}";

fn unprintable(text: &str) -> Option<char> {
    text.chars().find(|character| is_unprintable(*character) && !matches!(character, '\n' | '\t'))
}

fn on_path(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

#[test]
fn a_terminal_without_a_size_gets_a_table_of_the_usual_width() {
    assert!(on_path("script"), "this test needs script: `apt-get install bsdutils` as root");
    let program = env!("CARGO_BIN_EXE_plugpipe-harness");
    let command = format!("stty rows 0 cols 0; {program} run examples/pipes/basic_usage.yaml");
    let output =
        Command::new("script").args(["-qec", &command, "/dev/null"]).current_dir(root()).env("NO_COLOR", "1").output();
    let text = stdout(&output.unwrap());
    let widest = text.lines().filter(|line| line.contains('│')).map(|line| line.trim_end().chars().count()).max();
    assert!(widest > Some(40) && widest <= Some(80), "{text}");
    assert!(text.lines().any(|line| line.contains('│') && line.contains(" ok ")), "{text}");
}

#[test]
fn nothing_of_a_pipe_or_command_line_acts_on_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe.yaml");
    let step = json!({"name": format!("s{HOSTILE}"), "plugin": "monitoring_prometheus", "on_error": "warn",
        "config": {"operation": format!("no{HOSTILE}")}});
    let good = json!({"name": "good", "plugin": "monitoring_prometheus",
        "config": {"metric_name": "m", "metric_value": 1, "labels": {"a": HOSTILE}}});
    let pipe = json!({"name": format!("p{HOSTILE}"), "steps": [step, good]}).to_string();
    // YAML takes some of these characters in escapes only.
    fs::write(&path, printable::json(&pipe).as_bytes()).unwrap();
    let path = path.to_str().unwrap();
    let table = run(&["run", path]);
    for name in ["s", "p"] {
        let escaped = format!("{name}\\u{{1b}}[31m\\u{{1b}}[2J\\u{{9b}}2J\\u{{7}}\\u{{202e}}\\u{{2066}}");
        assert!(stdout(&table).contains(&escaped), "{}", stdout(&table));
    }
    for output in [&table, &run(&["run", path, "--json"]), &run(&["run", path, "--json=lines"])] {
        assert_eq!((unprintable(&stdout(output)), unprintable(&stderr(output))), (None, None), "{}", stdout(output));
    }
    let report = answer(&run(&["run", path, "--json"]));
    assert_eq!(report["steps"][1]["result"]["result"]["labels"]["a"], json!(HOSTILE), "JSON keeps the value");
    for arguments in [
        vec!["run", path, "--input", HOSTILE],
        vec!["run", path, "--grant", HOSTILE],
        vec!["run", HOSTILE],
        vec!["call", HOSTILE],
        vec!["call", "record_gauge", "--ctx", HOSTILE],
        vec![HOSTILE],
    ] {
        let output = run(&arguments);
        assert!(!output.status.success());
        assert_eq!((unprintable(&stdout(&output)), unprintable(&stderr(&output))), (None, None), "{}", stderr(&output));
    }
    let watched = run(&["run", path, "--input", "a=\u{1b}[2J"]);
    assert_eq!(unprintable(&stderr(&watched)), None, "{}", stderr(&watched));
}

#[tokio::test]
async fn nothing_of_a_server_acts_on_the_terminal() {
    const ANSWER: &str = r#"{"status":"success","warnings":["w\u001b[2J\u009b2J\u202e"],"data":{"resultType":"matrix","result":[
        {"metric":{"__name__":"up","a":"\u001b[31m\u009b2J\u202eb"},"values":[[1,"1"],[16,"2"],[31,"3"]]}]}}"#;
    let server = WebServer::http(|_| text(ANSWER)).await;
    let url = format!("http://127.0.0.1:{}", server.port);
    let ask = async |more: &'static [&'static str]| {
        let url = url.clone();
        let asked = move || {
            let mut command = harness(&["query", "up", "--range", "1m", "--step", "15s", "--prometheus", &url]);
            command.args(more).env("PLUGPIPE_LOG", "debug").output().unwrap()
        };
        tokio::task::spawn_blocking(asked).await.unwrap()
    };
    for more in [&[][..], &["--plot"], &["--format", "json"]] {
        let output = ask(more).await;
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(
            (unprintable(&stdout(&output)), unprintable(&stderr(&output))),
            (None, None),
            "{more:?} {}",
            stdout(&output)
        );
        assert!(stderr(&output).contains("w\\u{1b}[2J\\u{9b}2J\\u{202e}"), "{}", stderr(&output));
    }
    let found: Value = answer(&ask(&["--format", "json"]).await);
    assert_eq!(found["result"][0]["metric"]["a"], json!("\u{1b}[31m\u{9b}2J\u{202e}b"));
}

#[test]
fn a_viewer_without_css_variables_draws_the_lines_of_a_chart() {
    if !on_path("rsvg-convert") {
        eprintln!(
            "left out, because rsvg-convert is not on PATH (`apt-get install librsvg2-bin`): the chart in librsvg"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("c.svg"), folder.path().join("c.png"));
    let points = (0..60).map(|index| (f64::from(index) * 15.0, f64::from(index % 7))).collect();
    let draw = |series: &[Series]| {
        fs::write(&from, svg("t", series, None)).unwrap();
        let output = Command::new("rsvg-convert").arg(&from).arg("-o").arg(&to).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        fs::read(&to).unwrap().len()
    };
    let without = draw(&[Series { name: "s".into(), points: vec![(0.0, f64::NAN), (900.0, f64::NAN)] }]);
    let with = draw(&[Series { name: "s".into(), points }]);
    assert!(with > without * 2, "lines make a larger picture: {with} and {without} bytes");
}
