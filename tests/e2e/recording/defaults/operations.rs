//! What the pages on operations call a default.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{JSON, done, exposing, gateway, prometheus, scrape, settings};
use crate::fixture::Fixture;
use crate::support::{Checked, alone, exposition, root, start};

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

/// The pages on operations that are written by hand.
const PAGES: [&str; 6] = ["operations", "metrics", "sending", "prometheus", "alerts", "dashboards"];

/// Every place of [`PAGES`] that says default.
const DOCUMENTED: &[(&str, Observed)] = &[
    ("all settings with their defaults", Observed::Not),
    ("are the default ones of the Python plug", Observed::Not),
    ("`gauge` (the default)", Observed::Here("metric_type")),
    ("`histogram_buckets` by default, 5 ms to 5 min", Observed::Setting("histogram_buckets")),
    ("default 3, 2^-128, 160", Observed::Here("native")),
    ("default 0.5, 0.9, 0.99 over the last `10m`. An empty list means only sum and count", Observed::Here("quantiles")),
    ("`export_format`: `prometheus` (the default)", Observed::Here("export_format")),
    ("`openmetrics` (the default), `openmetrics2` or `prometheus`", Observed::Here("include")),
    ("`dry_run`, true by default", Observed::Here("expire_groups")),
    ("(`step` is `15s` by default)", Observed::Here("on_too_many_points")),
    ("`raise_step` (the default)", Observed::Here("on_too_many_points")),
    ("`build`, `runtime`, `tsdb` (these by default)", Observed::Here("prometheus_status")),
    ("`openmetrics` (the default), `openmetrics2`, `prometheus` or `protobuf`", Observed::Here("scrape")),
    ("by default `plugpipe-` and host and port", Observed::Here("scrape")),
    ("`scrape_job` is by default `federate-` and host and port", Observed::Here("federate")),
    ("has defaults for job name, interval and gateway", Observed::Not),
    ("`2.42` (the default) or later", Observed::Here("for_version")),
    (
        "`file` (the default, also `prometheus`)",
        Observed::By("servers/alerts.rs", "what_is_not_installed_is_pending_and_says_what_is_missing"),
    ),
    ("apart, default `job`", Observed::Here("alert_templates")),
    ("by default all templates are taken", Observed::Not),
    ("What Grafana adds (`id`, `version`, defaults)", Observed::Not),
];

/// Defaults of `docs/reference.md`, which is made from the manifest, that are observed.
const REFERENCE: &[(&str, &str)] = &[
    ("metric families and of lint findings in the result; 300 by default", "limit"),
    ("samples in the result; 1,000 by default", "sample_limit"),
    ("unless that already ends with it; `/metrics` by default", "scrape"),
    ("the setting `scrape_interval` by default", "scrape"),
    ("The timeout of the scrape; the setting of that name by default", "scrape"),
    ("The prefix of a template's metric names; `plugpipe` by default", "dashboards"),
    ("initially selected data source; Grafana's default by default", "dashboards"),
    ("changed by others are overwritten; false by default", "overwrite"),
    ("even if its fingerprint matches; false by default", "verify"),
    ("unique in an organization; `Prometheus` by default", "datasource"),
    ("as seen by Grafana; `prometheus_url` by default", "datasource"),
    ("the start of a region; now by default", "annotate"),
    ("all dashboards of the organization by default", "annotate"),
    ("by default all non-empty ones", "for_version"),
];

#[tokio::test]
async fn every_default_of_an_operation_is_what_a_call_does_that_is_told_nothing() {
    let page = |name: &&str| std::fs::read_to_string(root().join(format!("docs/{name}.md"))).unwrap();
    let text: String = PAGES.iter().map(page).collect();
    let mut rest = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut names = BTreeSet::new();
    for (says, observed) in DOCUMENTED {
        let (start, end) = rest.split_once(says).unwrap_or_else(|| panic!("{PAGES:?} no longer say {says:?}"));
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
    if let Some(at) = rest.find("default") {
        let begin = rest.floor_char_boundary(at.saturating_sub(60));
        let end = rest.ceil_char_boundary((at + 40).min(rest.len()));
        panic!("{PAGES:?} name a default that no test observes: …{}", &rest[begin..end]);
    }
    let reference = page(&"reference");
    for (says, name) in REFERENCE {
        assert!(reference.contains(says), "docs/reference.md no longer says {says:?}");
        names.insert(*name);
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
        "include" => {
            // Only OpenMetrics has the counter's name without the suffix.
            let text = "# TYPE c counter\nc_total 1\n# EOF\n";
            let ctx = json!({"operation": "include_metrics", "source": "library", "text": text});
            for (format, kind) in [(None, "counter"), (Some("openmetrics"), "counter"), (Some("prometheus"), "untyped")]
            {
                let (plug, mut ctx) = (alone().await, ctx.clone());
                if let Some(format) = format {
                    ctx["format"] = format.into();
                }
                done(&plug, ctx).await;
                assert_eq!(exposition(&plug).await, format!("# TYPE c_total {kind}\nc_total 1\n"));
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
