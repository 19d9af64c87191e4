//! `plugpipe-harness dashboards`: plan, apply, export and preview, with a Grafana that keeps what
//! it is told and a real Prometheus.

use std::fs;
use std::path::Path;

use plugpipe_testkit::ScrapeJob;
use serde_json::{Value, json};

use crate::cli::serve::Served;
use crate::servers::dashboards::{grafana, metrics};
use crate::support::{
    alone, answer, harness, prometheus, pushgateway, query_until, root, run, start, stderr, stdout, without_servers,
};

/// A configuration file.
fn config(text: &Value) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text.to_string()).unwrap();
    file
}

/// The command with a configuration, run while the tests' own Grafana answers.
async fn dashboards(arguments: &[&str], config: &Path) -> std::process::Output {
    let mut command = harness(&["dashboards"]);
    command.args(arguments).arg("--config").arg(config);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test]
async fn dashboards_are_planned_applied_and_found_unchanged_by_the_command() {
    let (fake, url) = grafana().await;
    let config = config(&json!({"grafana_url": url, "grafana_auth": {"token": "glsa_first"}}));
    let plan = [
        "plan",
        "examples/dashboards/system_overview.json",
        "--template",
        "pipe_overview",
        "--folder",
        "A",
        "--folder",
        "B",
    ];
    let planned = dashboards(&plan, config.path()).await;
    assert!(planned.status.success(), "{}", stderr(&planned));
    assert!(stdout(&planned).matches("created").count() == 2, "{}", stdout(&planned));
    assert!(stderr(&planned).contains("converted to timeseries"), "{}", stderr(&planned));
    assert_eq!(fake.lock().unwrap().take_asked().1, 0, "a plan writes nothing");

    let mut apply = plan;
    apply[0] = "apply";
    let applied = dashboards(&apply, config.path()).await;
    assert!(applied.status.success(), "{}", stderr(&applied));
    assert_eq!(fake.lock().unwrap().take_asked().1, 4, "two folders and two dashboards");
    let again = dashboards(&[&apply[..], &["--json"]].concat(), config.path()).await;
    assert_eq!((answer(&again)["unchanged"].clone(), fake.lock().unwrap().take_asked().1), (json!(2), 0));

    // What somebody changed by hand is a conflict, and the command fails.
    let uid = answer(&again)["dashboards"][1]["uid"].as_str().unwrap().to_owned();
    fake.lock().unwrap().organizations.get_mut(&1).unwrap().dashboards.get_mut(&uid).unwrap().model["time"]["from"] =
        json!("now-2d");
    let conflict = dashboards(&[&apply[..], &["--verify", "--diff"]].concat(), config.path()).await;
    assert_eq!(conflict.status.code(), Some(1));
    let text = stdout(&conflict);
    assert!(text.contains("overwrite: true") && text.contains("time.from: \"now-2d\" becomes \"now-1h\""), "{text}");
    let forced = dashboards(&[&apply[..], &["--verify", "--overwrite"]].concat(), config.path()).await;
    assert!(forced.status.success() && stdout(&forced).contains("updated"), "{}", stdout(&forced));
}

#[test]
fn templates_are_exported_as_files_with_the_provider_that_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new/dashboards");
    let output = run(&["dashboards", "export", "--prefix", "acme", "--out", out.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    let mut titles = Vec::new();
    for entry in fs::read_dir(&out).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().unwrap() == "json" {
            let model: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            assert_eq!(path.file_stem().unwrap().to_str(), model["uid"].as_str());
            titles.push(model["title"].as_str().unwrap().to_owned());
        }
    }
    assert!(titles.len() == 5 && titles.iter().all(|title| title.ends_with("(acme)")), "{titles:?}");
    assert!(fs::read_to_string(out.join("provider.yaml")).unwrap().contains("providers:"));
}

#[test]
fn what_cannot_be_done_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    for (arguments, code, said) in [
        (vec!["apply"], 1, "grafana_url"),
        (vec!["preview", "--out", out], 1, "prometheus_url"),
        (vec!["plan", "no-such-file.json"], 2, "no-such-file.json"),
        (vec!["plan", "README.md"], 1, "not JSON"),
        (vec!["export", "--template", "nothing", "--out", out], 1, "pipe_overview"),
        (vec!["export"], 2, "--out"),
        (vec!["preview", "--out", out, "--range", "1x"], 2, "1h30m"),
    ] {
        let output = run(&[&["dashboards"][..], &arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
    }
}

/// The texts of an SVG, as a reader of XML finds them.
fn texts(svg: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for part in svg.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("a tag ends");
        assert!(tag.matches('"').count() % 2 == 0, "{tag}");
        if tag.starts_with("text ") || tag == "title" {
            texts.push(text.to_owned());
        }
    }
    texts
}

/// Every pipe of the examples is run, pushed and scraped; then each dashboard of the templates is
/// drawn.
#[tokio::test]
async fn what_the_seeds_pipes_recorded_is_drawn() {
    if without_servers("what_the_seeds_pipes_recorded_is_drawn") {
        return;
    }
    let gateway = pushgateway(None).await;
    let prometheus = prometheus(vec![ScrapeJob::new("pushgateway", gateway.authority()).honor_labels()]).await;
    let state = tempfile::tempdir().unwrap();
    let settings = json!({"prometheus_config": {
        "gateway_url": gateway.url, "prometheus_url": prometheus.url, "job_name": "seed", "instance": "one", "scrape_interval": "1s",
        "own_metrics": true,
    }});
    let file = config(&settings);
    // Twice, so that counters rise between scrapes.
    for round in 0..2 {
        for pipe in
            ["basic_pipe_monitoring", "basic_usage", "performance_monitoring", "pipespec", "security_monitoring"]
        {
            let mut command = harness(&["run", &format!("examples/pipes/{pipe}.yaml"), "--stub", "data_processor"]);
            command.arg("--config").arg(file.path()).arg("--state").arg(state.path());
            let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
            assert!(output.status.success(), "{pipe}: {}{}", stdout(&output), stderr(&output));
        }
        let plug = start(settings.clone()).await;
        let query = format!("plugpipe_plugin_executions_total > {round}");
        let query = json!({"operation": "query_metrics", "query": query});
        query_until(&plug, query, |result| !result.as_array().unwrap().is_empty()).await;
    }
    // A rate spans four scrapes and needs two of them.
    let query =
        json!({"operation": "query_metrics", "query": "count_over_time(plugpipe_plugin_executions_total[4s]) >= 3"});
    query_until(&start(settings.clone()).await, query, |result| !result.as_array().unwrap().is_empty()).await;
    let out = tempfile::tempdir().unwrap();
    let preview = ["preview", "--range", "1m", "--var", "job=seed", "--out", out.path().to_str().unwrap()];
    let output = dashboards(&preview, file.path()).await;
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    let said = stdout(&output);
    // Of what the seed's pipes do not record, the panels say so, and nothing else is empty.
    let empty: Vec<&str> = said.lines().filter_map(|line| line.trim().strip_prefix("no data: ")).collect();
    for recorded in [
        "Plug execution rate",
        "Duration",
        "Concurrent executions",
        "Authentication attempts",
        "Runs started",
        "Duration (p95)",
        "Duration (p95) by pipeline",
        "Series",
        "Pushes",
        "Records",
    ] {
        assert!(!empty.contains(&recorded), "{recorded}: {said}");
    }
    let mut drawn = 0;
    for entry in fs::read_dir(out.path()).unwrap() {
        let svg = fs::read_to_string(entry.unwrap().path()).unwrap();
        let texts = texts(&svg);
        if texts.iter().any(|text| text == "PlugPipe Plug Performance") {
            assert!(texts.iter().any(|text| text == "data_processor") && svg.contains("<polyline"), "{texts:?}");
            assert!(texts.iter().any(|text| text == "p95"), "{texts:?}");
        }
        drawn += 1;
    }
    assert_eq!(drawn, 5);
    // A job that there is none of: all is empty, and nothing is an error.
    let none = [
        "preview",
        "--template",
        "pipe_overview",
        "--range",
        "1m",
        "--var",
        "job=none",
        "--out",
        out.path().to_str().unwrap(),
    ];
    let output = dashboards(&none, file.path()).await;
    assert!(output.status.success() && stdout(&output).contains(" 0 panels with data"), "{}", stdout(&output));
}

#[tokio::test]
async fn every_type_of_panel_is_drawn_whatever_its_texts_are() {
    if without_servers("every_type_of_panel_is_drawn_whatever_its_texts_are") {
        return;
    }
    let served = Served::start(&[]);
    let (_, recorded) = served.process(json!({"ctx": metrics()})).await;
    assert_eq!(recorded["success"], true, "{recorded}");
    let odd = json!({"ctx": {"operation": "record_gauge", "metric_name": "odd", "metric_value": 7,
        "labels": {"text": "</text><script>alert(\"x\")</script> & 'q' ☃\u{1}"}}});
    assert_eq!(served.process(odd).await.1["success"], true);
    let prometheus = prometheus(vec![ScrapeJob::new("plugpipe", served.authority())]).await;
    let settings = json!({"prometheus_url": prometheus.url, "scrape_interval": "1s"});
    let plug = start(settings.clone()).await;
    let query = json!({"operation": "query_metrics", "query": "count_over_time(odd[30s]) >= 2"});
    query_until(&plug, query, |result| !result.as_array().unwrap().is_empty()).await;

    let panel = |kind: &str, expr: &str| json!({"type": kind, "title": format!("<b>{kind}</b>"), "description": "\"d\" <d>", "targets": [{"expr": expr, "legendFormat": "{{text}}"}]});
    let dashboard = json!({"title": "<script>&\"' ☃ 日本語", "panels": [
        panel("timeseries", "odd"), panel("stat", "odd"), panel("gauge", "odd * 3"), panel("table", "odd"), panel("piechart", "odd"),
        panel("heatmap", "odd"), panel("stat", "odd{job=\"none\"}"), panel("timeseries", "rate(odd)"),
        {"type": "row", "title": "row"}, {"type": "text", "title": "text", "options": {"content": "<i>words</i> and words"}},
    ]});
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.json");
    fs::write(&path, dashboard.to_string()).unwrap();
    let file = config(&settings);
    let arguments = ["preview", path.to_str().unwrap(), "--range", "30s", "--out", folder.path().to_str().unwrap()];
    let output = dashboards(&arguments, file.path()).await;
    // One expression is wrong: its panel and the command say so, and the others are drawn.
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(
        stderr(&output).contains("<b>timeseries</b>: ") && stderr(&output).contains("parse error"),
        "{}",
        stderr(&output)
    );
    assert!(
        stdout(&output).contains("6 panels with data") && stdout(&output).contains("no data: <b>stat</b>"),
        "{}",
        stdout(&output)
    );
    let svg = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "svg"));
    let svg = fs::read_to_string(svg.unwrap()).unwrap();
    assert!(!svg.contains("<script") && !svg.contains("<b>") && !svg.contains('\u{1}'), "{svg}");
    for wanted in [
        "&lt;script&gt;&amp;&quot;&#39; ☃ 日本語",
        "&lt;b&gt;timeseries&lt;/b&gt;",
        "No data",
        "21",
        "7 (100%)",
        "heatmap panels are not supported",
    ] {
        assert!(texts(&svg).iter().any(|text| text == wanted), "{wanted}: {:?}", texts(&svg));
    }
}

#[tokio::test]
async fn absurd_dashboards_are_right_or_refused_and_nothing_is_asked_that_was_not_wished_for() {
    let (fake, url) = grafana().await;
    let plug = start(json!({"grafana_url": url, "grafana_auth": {"token": "glsa_first"}})).await;
    let many: Vec<Value> = (0..10_000)
        .map(|index| json!({"title": format!("p{index}"), "type": "graph", "targets": [{"expr": "up"}]}))
        .collect();
    let ctx = json!({"operation": "create_dashboard", "dashboard_config": {"title": "many \"<☃>\"", "panels": many}});
    let created = plug.process(&ctx).await.unwrap();
    let (asked, writes) = fake.lock().unwrap().take_asked();
    assert_eq!(created["success"], true, "{created}");
    assert_eq!((created["result"]["action"].as_str(), asked.len(), writes), (Some("created"), 2, 1), "{asked:?}");
    let uid = created["result"]["uid"].as_str().unwrap();
    let held = fake.lock().unwrap().organizations[&1].dashboards[uid].model.clone();
    assert_eq!((held["panels"].as_array().unwrap().len(), held["title"].as_str()), (10_000, Some("many \"<☃>\"")));
    let mut deep = json!(1);
    for _ in 0..60 {
        deep = json!({"panels": [deep]});
    }
    for absurd in [deep, json!({"title": {"a": 1}}), json!([]), json!({"title": "t", "panels": {"0": 1}})] {
        let answer = plug.process(&json!({"operation": "create_dashboard", "dashboard_config": absurd})).await.unwrap();
        assert!(answer["success"] == false && answer["error"].as_str().unwrap().len() > 10, "{answer}");
        assert_eq!(fake.lock().unwrap().take_asked().0, []);
    }
    // None of it hurt the plug.
    assert_eq!(alone().await.process(&json!({"operation": "grafana_status"})).await.unwrap()["success"], false);
    assert_eq!(plug.process(&json!({"operation": "grafana_status"})).await.unwrap()["success"], true);
}

#[tokio::test]
async fn two_hundred_dashboards_applied_again_are_read_in_two_pages() {
    let (fake, url) = grafana().await;
    let plug = start(json!({"grafana_url": url, "grafana_auth": {"token": "glsa_first"}})).await;
    let many: Vec<Value> = (0..200)
        .map(|index| json!({"title": format!("d{index}"), "panels": [{"type": "graph", "targets": [{"expr": "up"}]}]}))
        .collect();
    let mut ctx = json!({"operation": "apply_dashboards", "dashboards": many});
    assert_eq!(plug.process(&ctx).await.unwrap()["result"]["created"], 200);
    fake.lock().unwrap().take_asked();
    assert_eq!(plug.process(&ctx).await.unwrap()["result"]["unchanged"], 200);
    let (asked, writes) = fake.lock().unwrap().take_asked();
    assert_eq!((asked.len(), writes), (2, 0), "{asked:?}");
    for index in [3, 150] {
        ctx["dashboards"][index]["panels"][0]["title"] = json!("new");
    }
    assert_eq!(plug.process(&ctx).await.unwrap()["result"]["updated"], 2);
    let (asked, writes) = fake.lock().unwrap().take_asked();
    assert_eq!((asked.len(), writes), (6, 2), "two pages, and for each changed one a read and a write: {asked:?}");
}

#[test]
fn the_pictures_that_the_page_names_are_drawings_of_the_command() {
    let page = fs::read_to_string(root().join("docs/dashboards.md")).unwrap();
    let images: Vec<&str> = page.split("](images/").skip(1).map(|part| part.split(')').next().unwrap()).collect();
    assert!(!images.is_empty());
    for image in images {
        let svg = fs::read_to_string(root().join("docs/images").join(image)).unwrap();
        assert!(svg.starts_with("<svg ") && svg.contains("<polyline") && !texts(&svg).is_empty(), "{image}");
    }
}
