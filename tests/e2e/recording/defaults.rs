//! Every default that is documented, observed through the component: the settings of `plug.yaml`,
//! and what `docs/operations.md` calls a default. A new one without an observation fails here.

use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::cli::manifest::MANIFEST;
use crate::fixture::Fixture;
use crate::support::{Checked, Receiver, alone, exposition, root, start};

const TEXT: &str = "text/plain; version=0.0.4";

const JSON: &str = "application/json";

/// An endpoint that exposes this.
fn exposing(body: Vec<u8>) -> Fixture {
    Fixture::start(move |_| (200, TEXT, body.clone()))
}

/// A gateway that takes everything and holds nothing, and tells what a gateway tells.
fn gateway() -> Fixture {
    Fixture::start(|asked| match asked.path.as_str() {
        "/api/v1/metrics" => (200, JSON, br#"{"status":"success","data":[]}"#.to_vec()),
        "/api/v1/status" => (
            200,
            JSON,
            br#"{"status":"success","data":{"build_information":{"version":"1.11.2"},"flags":{}}}"#.to_vec(),
        ),
        _ => (200, TEXT, Vec::new()),
    })
}

/// A Prometheus that answers every question with no result.
fn prometheus() -> Fixture {
    Fixture::start(|asked| match asked.path.starts_with("/federate") {
        true => (200, TEXT, b"# TYPE a gauge\na{job=\"j\"} 1\n".to_vec()),
        false => (200, JSON, br#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#.to_vec()),
    })
}

/// A server that takes connections and never answers.
fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut held = Vec::new();
        held.extend(listener.incoming());
    });
    url
}

async fn done(plug: &Checked, ctx: Value) -> Value {
    let answer = plug.process(&ctx).await.unwrap();
    assert_eq!(answer["success"], true, "{ctx}: {answer}");
    answer["result"].clone()
}

fn gauge(value: f64) -> Value {
    json!({"operation": "record_gauge", "metric_name": "g", "metric_value": value})
}

fn scrape(url: &str) -> Value {
    json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": url}})
}

fn query() -> Value {
    json!({"operation": "query_metrics", "query": "up"})
}

/// Milliseconds of a documented duration.
fn milliseconds(documented: &Value) -> f64 {
    let text = documented.as_str().unwrap();
    let (number, unit) = text.split_at(text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap());
    number.parse::<f64>().unwrap() * if unit == "ms" { 1.0 } else { 1_000.0 }
}

/// Whether something takes so long and not much longer. A machine that runs many tests is slow at
/// times and never too fast, so a time that is too long is measured again.
struct Timed<'t> {
    what: &'t str,
    documented: &'t Value,
    tries: u32,
}

impl<'t> Timed<'t> {
    fn new(what: &'t str, documented: &'t Value) -> Self {
        Self { what, documented, tries: 3 }
    }

    /// Whether it took what is documented; false if it is to be measured again.
    fn took(&mut self, took: Duration) -> bool {
        let (took, wanted) = (took.as_secs_f64() * 1e3, milliseconds(self.documented));
        let is_close = took < wanted * 1.6 + 400.0;
        self.tries -= 1;
        assert!(
            took > wanted * 0.95 && (is_close || self.tries > 0),
            "{}: {took} ms for {}",
            self.what,
            self.documented
        );
        is_close
    }
}

/// The median of the waits before a second attempt, which are uniform from nothing up to the
/// longest one.
async fn median_wait(cfg: Value, at_once: usize) -> f64 {
    const TRIES: usize = 24;
    let mut waits = Vec::new();
    while waits.len() < TRIES {
        let mut tries = tokio::task::JoinSet::new();
        for _ in 0..at_once {
            let mut cfg = cfg.clone();
            tries.spawn(async move {
                let prometheus = Fixture::start(|_| (503, TEXT, Vec::new()));
                cfg["prometheus_url"] = json!(prometheus.url);
                cfg["retry_attempts"] = json!(2);
                let answer = start(cfg).await.process(&query()).await.unwrap();
                assert_eq!(answer["exchange"]["attempts"], 2, "{answer}");
                answer["exchange"]["elapsed_ms"].as_f64().unwrap()
            });
        }
        waits.extend(tries.join_all().await);
    }
    waits.sort_by(f64::total_cmp);
    waits[waits.len() / 2]
}

/// Observes what a plug does that is told nothing of this setting. `documented` is what the
/// manifest says of it.
async fn observe_setting(setting: &str, documented: &Value) {
    match setting {
        "job_name" | "scrape_interval" => {
            let answer = alone().await.process(&gauge(1.0)).await.unwrap();
            assert_eq!(&answer["monitoring_metadata"][setting], documented);
        }
        "timeout" => {
            let endpoint = exposing(b"a 1\n".to_vec());
            done(&start(json!({"endpoint_url": endpoint.url})).await, scrape(&endpoint.url)).await;
            let told = endpoint.asked()[0].header("x-prometheus-scrape-timeout-seconds").unwrap().to_owned();
            assert_eq!(told.parse::<f64>().unwrap() * 1e3, milliseconds(documented));
        }
        "push_timeout" => {
            let mut timed = Timed::new(setting, documented);
            loop {
                let plug = start(json!({"gateway_url": silent()})).await;
                let began = Instant::now();
                let result = done(&plug, gauge(1.0)).await;
                let took = began.elapsed();
                assert_eq!(result["push_error_code"], "timeout", "{result}");
                if timed.took(took) {
                    break;
                }
            }
        }
        "connect_timeout" => {
            // Connections beyond this backlog wait.
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let listener = socket.listen(1).unwrap();
            let address = listener.local_addr().unwrap();
            let mut waiting = Vec::new();
            while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
                waiting.push(stream);
            }
            let cfg = json!({"prometheus_url": format!("http://{address}"), "retry_attempts": 1});
            let mut timed = Timed::new(setting, documented);
            loop {
                let began = Instant::now();
                let answer = start(cfg.clone()).await.process(&query()).await.unwrap();
                let took = began.elapsed();
                assert_eq!(answer["error_code"], "timeout", "{answer}");
                if timed.took(took) {
                    break;
                }
            }
        }
        "max_response_bytes" => {
            let most = documented.as_u64().unwrap() as usize;
            for (bytes, taken) in [(most, true), (most + 1, false)] {
                let endpoint = exposing([b"#", " ".repeat(bytes - 2).as_bytes(), b"\n"].concat());
                let answer =
                    start(json!({"endpoint_url": endpoint.url})).await.process(&scrape(&endpoint.url)).await.unwrap();
                assert_eq!(answer["success"] == true, taken, "{bytes}: {answer}");
                assert!(taken || answer["error_code"] == "answer_too_long", "{answer}");
            }
        }
        "retry_attempts" => {
            let prometheus = Fixture::start(|_| (503, TEXT, Vec::new()));
            let answer = start(json!({"prometheus_url": prometheus.url})).await.process(&query()).await.unwrap();
            assert_eq!(
                (&answer["exchange"]["attempts"], prometheus.asked().len() as u64),
                (documented, documented.as_u64().unwrap())
            );
        }
        "retry_delay" => {
            let median = median_wait(json!({}), 1).await;
            let half = milliseconds(documented) / 2.0;
            assert!(median > half * 0.4 && median < half * 1.6 + 25.0, "{median}");
        }
        "max_retry_delay" => {
            let median = median_wait(json!({"retry_delay": "1h"}), 24).await;
            let half = milliseconds(documented) / 2.0;
            assert!(median > half * 0.4 && median < half * 1.6 + 50.0, "{median}");
        }
        "push_policy" | "push_mode" | "push_gzip" => {
            let gateway = gateway();
            let result = done(&start(json!({"gateway_url": gateway.url})).await, gauge(1.0)).await;
            assert_eq!(result["metric_pushed"], true, "{result}");
            let [push] = gateway.asked().try_into().unwrap_or_else(|asked| panic!("{asked:?}"));
            assert_eq!((push.method.as_str(), push.header("content-encoding")), ("PUT", None));
            let says = json!({"push_policy": "on_record", "push_mode": "replace", "push_gzip": false});
            assert_eq!(&says[setting], documented);
        }
        "compatibility" => {
            let metadata = |answer: Value| answer["monitoring_metadata"].clone();
            let export = json!({"operation": "export_metrics"});
            let told_nothing = metadata(start(json!({})).await.process(&export).await.unwrap());
            let told = metadata(start(json!({"compatibility": documented})).await.process(&export).await.unwrap());
            assert_eq!(told_nothing, told);
            let former = metadata(start(json!({"compatibility": "1.0.0"})).await.process(&export).await.unwrap());
            assert_ne!(told_nothing, former);
        }
        "push_interval" => {
            let gateway = gateway();
            let plug = start(json!({"gateway_url": gateway.url, "push_policy": "interval"})).await;
            let pushes = || gateway.asked().len();
            let mut timed = Timed::new(setting, documented);
            loop {
                // The first one waits for nothing, or for a whole interval: either way the interval
                // begins here.
                done(&plug, gauge(1.0)).await;
                let (began, before) = (Instant::now(), pushes());
                while pushes() == before {
                    assert!(began.elapsed() < Duration::from_secs(60));
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    done(&plug, gauge(2.0)).await;
                }
                if timed.took(began.elapsed()) {
                    break;
                }
            }
        }
        "webhook_format" => {
            let receiver = Receiver::start(&[200]);
            let plug = start(json!({"webhook_url": receiver.url})).await;
            let alerts = json!([{"labels": {"alertname": "A"}}]);
            done(&plug, json!({"operation": "notify_webhook", "alerts": alerts})).await;
            assert_eq!(receiver.next(Duration::from_secs(5)).json()["version"], "4");
            assert_eq!(documented, "alertmanager");
        }
        "grafana_api" => {
            let grafana = Fixture::start(|_| (200, JSON, b"[]".to_vec()));
            let plug = start(json!({"grafana_url": grafana.url})).await;
            let _ = plug.process(&json!({"operation": "list_dashboards"})).await.unwrap();
            let asked = grafana.asked();
            assert!(
                !asked.is_empty()
                    && asked.iter().all(|asked| asked.path.starts_with(&format!("/{}/", documented.as_str().unwrap()))),
                "{asked:?}"
            );
        }
        "remote_write_version" => {
            // One that does not say that it understood 2.0.
            let receiver = Fixture::start(|_| (204, TEXT, Vec::new()));
            let plug = start(json!({"remote_write_url": receiver.url})).await;
            done(&plug, gauge(1.0)).await;
            let result = done(&plug, json!({"operation": "remote_write_metrics"})).await;
            let spoken: Vec<String> = receiver
                .asked()
                .iter()
                .map(|asked| asked.header("x-prometheus-remote-write-version").unwrap().to_owned())
                .collect();
            assert_eq!((spoken, &result["version"]), (vec!["2.0.0".into(), "0.1.0".into()], &json!("1.0")));
            assert_eq!(documented, "auto");
        }
        "remote_write_timeout" => {
            let mut timed = Timed::new(setting, documented);
            loop {
                let plug = start(json!({"remote_write_url": silent(), "timeout": "60s"})).await;
                done(&plug, gauge(1.0)).await;
                let began = Instant::now();
                let answer = plug.process(&json!({"operation": "remote_write_metrics"})).await.unwrap();
                let took = began.elapsed();
                assert_eq!((&answer["success"], &answer["error_code"]), (&json!(false), &json!("timeout")), "{answer}");
                if timed.took(took) {
                    break;
                }
            }
        }
        "remote_write_capacity" => observe_capacity(documented.as_u64().unwrap()).await,
        "own_metrics" | "default_metrics" | "mock_mode" | "detect_resets" => {
            let gateway = gateway();
            let plug = start(json!({"gateway_url": gateway.url})).await;
            let result = done(&plug, gauge(1.0)).await;
            assert_eq!((gateway.asked().len(), &result["mock"]), (1, &Value::Null), "{result}");
            assert_eq!(exposition(&plug).await, "# TYPE g gauge\ng 1\n");
            // A metric that the plug knows by itself has the labels that a record gives it.
            let own = json!({"operation": "record_counter", "metric_name": "plugpipe_plugin_errors_total", "metric_value": 1});
            done(&plug, own).await;
            assert_eq!(documented, false);
        }
        "delete_on_cleanup" => {
            let gateway = gateway();
            let plug = start(json!({"gateway_url": gateway.url})).await;
            done(&plug, gauge(1.0)).await;
            plug.cleanup().await.unwrap();
            assert_eq!((gateway.asked().last().unwrap().method == "DELETE", documented), (true, &json!(true)));
        }
        "histogram_buckets" => {
            let plug = alone().await;
            done(&plug, json!({"operation": "record_histogram", "metric_name": "h", "metric_value": 1})).await;
            let text = exposition(&plug).await;
            let bounds: Vec<f64> = text
                .lines()
                .filter_map(|line| line.split_once("le=\"")?.1.split_once('"')?.0.parse().ok())
                .filter(|bound: &f64| bound.is_finite())
                .collect();
            let documented: Vec<f64> = documented.as_array().unwrap().iter().filter_map(Value::as_f64).collect();
            assert_eq!(bounds, documented);
        }
        _ => panic!("{setting} has a documented default, {documented}, that no test observes; add an observation here"),
    }
}

/// A receiver that is away keeps so many values waiting, and loses the oldest of more.
async fn observe_capacity(capacity: u64) {
    const AT_ONCE: u64 = 10_000;
    const SERIES: u64 = 30_000;
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plug = start(json!({"remote_write_url": format!("http://{away}"), "retry_attempts": 1})).await;
    for begin in (0..SERIES).step_by(AT_ONCE as usize) {
        let metrics: Vec<Value> = (begin..begin + AT_ONCE)
            .map(|index| json!({"name": "g", "value": 1, "labels": {"i": index.to_string()}}))
            .collect();
        done(&plug, json!({"operation": "record_multiple_metrics", "metrics": metrics})).await;
    }
    let mut pending = Vec::new();
    for _ in 0..=capacity.div_ceil(SERIES) {
        tokio::time::sleep(Duration::from_millis(3)).await;
        let answer = plug.process(&json!({"operation": "remote_write_metrics"})).await.unwrap();
        assert_eq!(answer["success"], false, "{answer}");
        let said = answer["error"].as_str().unwrap();
        let numbers = said.split(|letter: char| !letter.is_ascii_digit()).filter_map(|word| word.parse::<u64>().ok());
        pending
            .push(numbers.filter(|number| *number >= AT_ONCE && *number != u64::from(away.port())).max().unwrap_or(0));
    }
    assert_eq!(pending.last(), Some(&capacity), "{pending:?}");
    assert_eq!(pending[0], SERIES, "{pending:?}");
}

fn settings() -> &'static Value {
    &MANIFEST["config_schema"]["$defs"]["settings"]["properties"]
}

/// What is observed by a clock: side by side, and before what keeps the machine busy.
const TIMED: [&str; 5] =
    ["connect_timeout", "max_retry_delay", "push_interval", "push_timeout", "remote_write_timeout"];

#[tokio::test(flavor = "multi_thread")]
async fn every_default_of_a_setting_is_what_a_plug_does_that_is_told_nothing() {
    let with_default = || {
        let settings = settings().as_object().unwrap().iter();
        settings.filter_map(|(setting, schema)| Some((setting.as_str(), schema.get("default")?)))
    };
    assert!(with_default().count() > 20);
    let mut timed = tokio::task::JoinSet::new();
    for (setting, documented) in with_default().filter(|(setting, _)| TIMED.contains(setting)) {
        timed.spawn(observe_setting(setting, documented));
    }
    timed.join_all().await;
    for (setting, documented) in with_default().filter(|(setting, _)| !TIMED.contains(setting)) {
        observe_setting(setting, documented).await;
    }
}

/// The cells of a table's row, unless it is its head.
fn cells(line: &str) -> Option<[String; 3]> {
    let line = line.trim_start_matches("//! ").strip_prefix("| `")?.trim_end_matches(" |");
    // A pipe within a cell would be escaped; there is none.
    let cells: Vec<String> = line.split(" | ").map(str::to_owned).collect();
    cells.try_into().ok()
}

/// The rows of a table of settings: a key, and its default as the table has it.
fn rows(text: &str) -> Vec<(String, String)> {
    let table = text.split("| key | form | default |").nth(1).unwrap();
    let table = table.lines().skip(2).take_while(|line| line.contains("| "));
    let row = |line: &str| {
        let Some([keys, _, default]) = cells(line) else { return Vec::new() };
        let keys: Vec<String> =
            keys.split(", ").map(|key| key.trim_matches(['`', ' ']).to_owned()).filter(|key| key != "…").collect();
        let plain = |cell: &str| cell.trim_matches(['`', ' ']).to_owned();
        if let [key] = keys.as_slice() {
            return vec![(key.clone(), plain(&default))];
        }
        // Of several keys each has its own, or all have the same.
        let defaults: Vec<String> = default.split([',', ';']).map(plain).collect();
        let each = |(place, key)| (key, defaults.get(place).unwrap_or(&defaults[0]).clone());
        keys.into_iter().enumerate().map(each).collect()
    };
    table.flat_map(row).collect()
}

#[test]
fn the_tables_of_settings_say_the_defaults_of_the_manifest() {
    for file in ["docs/operations.md"] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let rows = rows(&text);
        for (key, told) in &rows {
            let schema = &settings()[key];
            assert!(schema.is_object(), "{file}: plug.yaml has no setting {key}");
            let plain = match &schema["default"] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let told = told.replace(',', "");
            let same = match key.as_str() {
                "preflight" => told.contains("push_metrics") && plain.is_empty(),
                "grafana_org_id" => told == "the credentials' own" && plain.is_empty(),
                "histogram_buckets" => {
                    (told == "0.005 … 300" && plain.starts_with("[0.005") && plain.ends_with("300]"))
                        || told.contains("Buckets::default")
                }
                "max_response_bytes" => told == plain || told == "16 MiB",
                _ => told == plain || (told == "none" && plain.is_empty()),
            };
            assert!(same, "{file}: {key} has the default {told:?}, and in plug.yaml {plain:?}");
        }
        let with: BTreeSet<&str> = rows.iter().map(|(key, _)| key.as_str()).collect();
        for (key, schema) in settings().as_object().unwrap() {
            let hosts_own = file == "docs/operations.md" && key == "grafana_api";
            assert!(schema.get("default").is_none() || with.contains(key.as_str()) || hosts_own, "{file} lacks {key}");
        }
    }
}

/// How a default of an operation's field is observed.
#[derive(Debug, Clone, Copy)]
enum Observed {
    /// By [`observe_operation`] under this name.
    Here(&'static str),
    /// By this test of the end-to-end suites, in this file.
    By(&'static str, &'static str),
    /// It is one of a setting, observed above.
    Setting(&'static str),
    /// No default is told.
    Not,
}

/// Every place of `docs/operations.md` that says default, outside of the table of settings.
const DOCUMENTED: &[(&str, Observed)] = &[
    ("`gauge` (the default)", Observed::Here("metric_type")),
    ("rising bounds; default 5 ms to 5 min", Observed::Setting("histogram_buckets")),
    ("default 3, 2^-128, 160", Observed::Here("native")),
    (
        "default 0.5, 0.9, 0.99 (an empty list: only sum and count); a duration, default `10m`",
        Observed::Here("quantiles"),
    ),
    ("`export_format`: `prometheus` (the default)", Observed::Here("export_format")),
    ("`dry_run`, true by default", Observed::Here("expire_groups")),
    ("`build`, `runtime`, `tsdb` (these by default)", Observed::Here("prometheus_status")),
    ("`raise_step` (the default)", Observed::Here("on_too_many_points")),
    ("default `/metrics`, `scrape_interval`, `timeout`", Observed::Here("scrape")),
    ("`openmetrics` (the default), `prometheus` or `protobuf`", Observed::Here("scrape")),
    ("of `families` and `lint`, default 300", Observed::Here("limit")),
    ("`{name, labels, value, timestamp}`, default at most 1,000", Observed::Here("sample_limit")),
    ("default `plugpipe-` and host and port", Observed::Here("scrape")),
    ("`scrape_job` is by default `federate-` and host and port", Observed::Here("federate")),
    ("with each parameter's meaning, default and whether", Observed::Here("alert_templates")),
    ("told apart, default `job`", Observed::Here("alert_templates")),
    ("(300 by default)", Observed::Setting("histogram_buckets")),
    ("begin with; default `plugpipe`", Observed::Here("dashboards")),
    ("begins with; default Grafana's default one", Observed::Here("dashboards")),
    ("made or changed; default false", Observed::Here("overwrite")),
    ("read and compare each dashboard; default false", Observed::Here("verify")),
    ("What Grafana adds (`id`, `version`, defaults)", Observed::Not),
    ("`name` (default `Prometheus`), `uid` (default made of the name)", Observed::Here("datasource")),
    ("(default the `prometheus_url`; a user", Observed::Here("datasource")),
    ("basic credentials), `default`,", Observed::Not),
    ("`time` (default now)", Observed::Here("annotate")),
    ("`panel_id` (default all dashboards of the organization)", Observed::Here("annotate")),
    ("from `2.42` (the default) on", Observed::Here("for_version")),
    ("default all that have something in them", Observed::Here("for_version")),
    (
        "`file` (the default, also `prometheus`)",
        Observed::By("servers/alerts.rs", "what_is_not_installed_is_pending_and_says_what_is_missing"),
    ),
];

#[tokio::test]
async fn every_default_of_an_operation_is_what_a_call_does_that_is_told_nothing() {
    let text = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let (before, settings_on) = text.split_once("| key | form | default |").unwrap();
    let after = settings_on.split_once("\n\n").unwrap().1;
    let mut rest = format!("{before} {after}").split_whitespace().collect::<Vec<_>>().join(" ");
    let mut names = BTreeSet::new();
    for (says, observed) in DOCUMENTED {
        let (start, end) =
            rest.split_once(says).unwrap_or_else(|| panic!("docs/operations.md no longer says {says:?}"));
        rest = format!("{start}{end}");
        match observed {
            Observed::Here(name) => {
                names.insert(*name);
            }
            Observed::By(file, test) => {
                let suite = std::fs::read_to_string(root().join("tests/e2e").join(file)).unwrap();
                assert!(suite.contains(&format!("fn {test}(")), "{file} has no test {test}");
            }
            Observed::Setting(setting) => assert!(!settings()[setting]["default"].is_null()),
            Observed::Not => {}
        }
    }
    rest = rest.replace("`default_metrics`", "");
    if let Some(at) = rest.find("default") {
        let begin = rest.floor_char_boundary(at.saturating_sub(60));
        panic!(
            "docs/operations.md tells a default that no test observes: …{}",
            &rest[begin..(at + 40).min(rest.len())]
        );
    }
    let mut observations = tokio::task::JoinSet::new();
    for name in names {
        observations.spawn(observe_operation(name));
    }
    observations.join_all().await;
}

/// Whether registering this is the same as what is there.
async fn is_same(plug: &Checked, more: Value) -> bool {
    let mut ctx = json!({"operation": "register_metric"});
    ctx.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = plug.process(&ctx).await.unwrap();
    assert!(answer["success"] == true || answer["error_code"] == "metric_conflict", "{answer}");
    answer["success"] == true
}

async fn observe_operation(name: &str) {
    match name {
        "metric_type" => {
            let ctx = json!({"operation": "record_metric", "metric_name": "m", "metric_value": 1});
            assert_eq!(done(&alone().await, ctx).await["metric_type"], "gauge");
        }
        "native" => {
            let plug = alone().await;
            let kind = json!({"metric_name": "n", "metric_type": "native_histogram"});
            assert!(is_same(&plug, kind.clone()).await);
            let own = json!({"schema": 3, "zero_threshold": 2f64.powi(-128), "max_buckets": 160});
            for (key, other) in [("", 0.0), ("schema", 4.0), ("zero_threshold", 0.5), ("max_buckets", 150.0)] {
                let mut asked = kind.clone();
                asked["native"] = own.clone();
                if !key.is_empty() {
                    asked["native"][key] = json!(other);
                }
                assert_eq!(is_same(&plug, asked).await, key.is_empty(), "{key}");
            }
        }
        "quantiles" => {
            let plug = alone().await;
            let summary = json!({"operation": "record_summary", "metric_name": "s", "metric_value": 3});
            done(&plug, summary).await;
            let ranks = "s{quantile=\"0.5\"} 3\ns{quantile=\"0.9\"} 3\ns{quantile=\"0.99\"} 3\n";
            assert_eq!(exposition(&plug).await, format!("# TYPE s summary\n{ranks}s_sum 3\ns_count 1\n"));
            let of = |window: &str| json!({"metric_name": "s", "metric_type": "summary", "window": window});
            assert!(is_same(&plug, of("10m")).await && !is_same(&plug, of("11m")).await);
            let none = json!({"operation": "record_summary", "metric_name": "t", "metric_value": 3, "quantiles": []});
            done(&plug, none).await;
            assert!(exposition(&plug).await.ends_with("# TYPE t summary\nt_sum 3\nt_count 1\n"));
        }
        "export_format" => {
            let result = done(&alone().await, json!({"operation": "export_metrics"})).await;
            assert_eq!(result["export_format"], "prometheus");
        }
        "expire_groups" => {
            let gateway = Fixture::start(|_| {
                let old = r#"{"status":"success","data":[{"labels":{"job":"old"},"last_push_successful":true,"push_time_seconds":{"time_stamp":"2020-01-01T00:00:00Z","type":"GAUGE","metrics":[{"labels":{"instance":"","job":"old"},"value":"1.5e9"}]}}]}"#;
                (200, JSON, old.into())
            });
            let plug = start(json!({"gateway_url": gateway.url})).await;
            let result = done(&plug, json!({"operation": "expire_groups", "older_than": "1h"})).await;
            assert_eq!((&result["count"], &result["deleted"]), (&json!(1), &json!(0)), "{result}");
            assert!(gateway.asked().iter().all(|asked| asked.method == "GET"));
        }
        "prometheus_status" => {
            let prometheus = prometheus();
            done(&start(json!({"prometheus_url": prometheus.url})).await, json!({"operation": "prometheus_status"}))
                .await;
            let asked: BTreeSet<String> = prometheus.asked().into_iter().map(|asked| asked.path).collect();
            let of = |what: &str| format!("/api/v1/status/{what}");
            assert_eq!(asked, ["buildinfo", "runtimeinfo", "tsdb"].map(of).into());
        }
        "on_too_many_points" => {
            let prometheus = prometheus();
            let plug = start(json!({"prometheus_url": prometheus.url})).await;
            let range = |more: Value| {
                let mut range = json!({"start": "2024-01-01T00:00:00Z", "end": "2024-01-02T00:00:00Z"});
                range.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                json!({"operation": "query_metrics", "query": "up", "time_range": range})
            };
            let result = done(&plug, range(json!({"step": "1s"}))).await;
            assert!(result["step_raised_to_seconds"].as_f64().unwrap() > 1.0, "{result}");
            done(&plug, range(json!({}))).await;
            let body = String::from_utf8(prometheus.asked().last().unwrap().body.clone()).unwrap();
            assert!(body.contains("step=15"), "{body}");
        }
        "scrape" => {
            let endpoint = exposing(b"a 1\n".to_vec());
            let result = done(&start(json!({"endpoint_url": endpoint.url})).await, scrape(&endpoint.url)).await;
            let asked = &endpoint.asked()[0];
            assert!(asked.header("accept").unwrap().starts_with("application/openmetrics-text"), "{asked:?}");
            assert_eq!(asked.path, "/metrics");
            let config = &result["scrape_config"];
            let job = format!("plugpipe-{}", endpoint.url.trim_start_matches("http://").replace(':', "-"));
            assert_eq!(
                (&config["job_name"], &config["scrape_interval"], &config["scrape_timeout"]),
                (&json!(job), &settings()["scrape_interval"]["default"], &settings()["timeout"]["default"])
            );
        }
        "limit" | "sample_limit" => {
            let most = if name == "limit" { 300 } else { 1_000 };
            let families: String = (0..=most).map(|index| format!("# TYPE m{index} gauge\nm{index} 1\n")).collect();
            let endpoint = exposing(families.into_bytes());
            let mut ctx = scrape(&endpoint.url);
            ctx["include_samples"] = json!(true);
            let result = done(&start(json!({"endpoint_url": endpoint.url})).await, ctx).await;
            let list = if name == "limit" { "families" } else { "samples" };
            assert_eq!((result[list].as_array().unwrap().len(), &result["truncated"]), (most, &json!(true)));
        }
        "federate" => {
            let (prometheus, gateway) = (prometheus(), gateway());
            let plug = start(json!({"prometheus_url": prometheus.url, "gateway_url": gateway.url})).await;
            let result = done(&plug, json!({"operation": "federate", "match": "{job=\"j\"}", "push": true})).await;
            let job = format!("/job/federate-{}", prometheus.url.trim_start_matches("http://").replace(':', "-"));
            assert!(result["pushed"]["group"].as_str().unwrap().ends_with(&job), "{result}");
        }
        "alert_templates" => {
            let plug = alone().await;
            let result = done(&plug, json!({"operation": "list_alert_templates"})).await;
            let templates = result["templates"].as_array().unwrap();
            let parameters: Vec<&Value> =
                templates.iter().flat_map(|template| template["parameters"].as_array().unwrap()).collect();
            let by: Vec<&&Value> = parameters.iter().filter(|parameter| parameter["name"] == "by").collect();
            assert!(by.len() == 3 && by.iter().all(|by| by["default"] == "job"), "{by:?}");
            let rules = done(&plug, json!({"operation": "export_rules", "template": "plugpipe"})).await.to_string();
            assert!(rules.contains("by (job"), "{rules}");
        }
        "dashboards" => {
            let ctx = json!({"operation": "create_dashboard", "template": "plugin_performance", "dry_run": true});
            let result = done(&alone().await, ctx).await;
            let dashboard = &result["dashboard"];
            assert!(dashboard["panels"].to_string().contains("plugpipe_plugin_"), "{dashboard}");
            let variable = &dashboard["templating"]["list"][0];
            assert_eq!((&variable["name"], &variable["type"]), (&json!("datasource"), &json!("datasource")));
            assert!(
                variable["current"]["value"].as_str().is_none_or(|value| matches!(value, "" | "default")),
                "{variable}"
            );
        }
        "overwrite" | "verify" | "datasource" | "annotate" => observe_grafana(name).await,
        "for_version" => {
            let generate = json!({"remote_write": [{"url": "http://r/w", "protocol": "2.0"}]});
            let result = done(&alone().await, json!({"operation": "generate_config", "generate": generate})).await;
            assert_eq!(result["for_version"], "2.42", "{result}");
            let config = result["config"].as_str().unwrap();
            // What has something in it, and nothing else.
            assert!(config.contains("remote_write:") && config.contains("scrape_configs:"), "{config}");
            assert!(!config.contains("remote_read:"), "{config}");
        }
        _ => panic!("{name} is not observed"),
    }
}

/// Against the tests' own Grafana.
async fn observe_grafana(name: &str) {
    let (fake, url) = crate::servers::dashboards::grafana().await;
    let cfg = json!({
        "grafana_url": url, "grafana_auth": {"token": "glsa_first"}, "prometheus_url": "http://127.0.0.1:1/prometheus",
    });
    let plug = start(cfg).await;
    match name {
        "verify" => {
            let apply = |verify: Value| json!({"operation": "apply_dashboards", "templates": "all", "verify": verify});
            done(&plug, apply(Value::Null)).await;
            for (verify, reads) in [(Value::Null, false), (json!(true), true)] {
                fake.lock().unwrap().asked.clear();
                done(&plug, apply(verify)).await;
                let asked = fake.lock().unwrap().asked.clone();
                assert_eq!(
                    asked.iter().any(|(_, target)| target.starts_with("/api/dashboards/uid/")),
                    reads,
                    "{asked:?}"
                );
            }
        }
        "overwrite" => {
            let dashboard = |more: Value| {
                let mut ctx =
                    json!({"operation": "create_dashboard", "dashboard_config": {"title": "mine", "panels": []}});
                ctx.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                ctx
            };
            let made = done(&plug, dashboard(json!({}))).await;
            assert_eq!(made["action"], "created", "{made}");
            let uid = made["uid"].as_str().unwrap().to_owned();
            // Somebody takes it over: without the plug's tags it is theirs.
            let other =
                json!({"dashboard": {"uid": uid, "title": "theirs", "tags": [], "panels": []}, "overwrite": true});
            let client = ureq::post(format!("{url}/api/dashboards/db"));
            let sent = tokio::task::spawn_blocking(move || {
                client.header("authorization", "Bearer glsa_first").content_type(JSON).send(other.to_string().as_str())
            });
            assert!(sent.await.unwrap().unwrap().status().is_success());
            let kept = done(&plug, dashboard(json!({}))).await;
            assert_eq!(kept["action"], "conflict", "{kept}");
            assert_eq!(done(&plug, dashboard(json!({"overwrite": true}))).await["action"], "updated");
        }
        "datasource" => {
            let made = done(&plug, json!({"operation": "ensure_datasource"})).await;
            assert_eq!(made["name"], "Prometheus", "{made}");
            assert!(made["uid"].as_str().is_some_and(|uid| uid.to_ascii_lowercase().contains("prometheus")), "{made}");
            assert!(format!("{:?}", fake.lock().unwrap().organizations).contains("http://127.0.0.1:1/prometheus"));
        }
        _ => {
            let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
            let made = done(&plug, json!({"operation": "annotate", "text": "now"})).await;
            assert!(made["annotation_id"].as_u64().is_some(), "{made}");
            let held = format!("{:?}", fake.lock().unwrap().organizations);
            let moments =
                held.split(|letter: char| !letter.is_ascii_digit()).filter_map(|word| word.parse::<u64>().ok());
            assert!(moments.into_iter().any(|moment| (before..before + 60_000).contains(&moment)), "{held}");
            assert!(!held.contains("dashboardUID"), "{held}");
        }
    }
}
