//! The defaults of settings.

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    JSON, TEXT, Timed, done, exposing, gateway, gauge, median_wait, milliseconds, query, scrape, settings, silent,
};
use crate::fixture::Fixture;
use crate::support::{Receiver, alone, exposition, start};

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
        // What is dropped after that time is observed with a clock of its own, in
        // plugin/src/operations/remote_tests.rs.
        "otlp_gzip" | "otlp_temporality" => {
            let receiver = Fixture::start(|_| (200, "application/x-protobuf", Vec::new()));
            let plug = start(json!({"otlp_url": format!("{}/v1/metrics", receiver.url)})).await;
            done(&plug, json!({"operation": "record_counter", "metric_name": "c_total", "metric_value": 1})).await;
            done(&plug, json!({"operation": "export_otlp"})).await;
            let asked = receiver.asked().remove(0);
            // In a sum: temporality 2, cumulative, and monotonic.
            let has_cumulative = asked.body.windows(4).any(|window| window == [0x10, 0x02, 0x18, 0x01]);
            assert_eq!((asked.header("content-encoding"), has_cumulative), (None, true));
            let documents = json!({"otlp_gzip": false, "otlp_temporality": "cumulative"});
            assert_eq!(*documented, documents[setting]);
        }
        "remote_write_max_age" => assert_eq!(documented, "7200s"),
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
