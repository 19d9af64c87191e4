//! Tests of `scrape_endpoint` and `federate`.

use serde_json::{Value, json};

use super::tests::{Shared, plug, process};
use crate::http::{Failure, Method, Response};

const TEXT: &str = "text/plain; version=0.0.4";

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const METRICS: &str = "# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total{a=\"1\"} 3\njobs_total{a=\"2\"} 4\n\
                       # TYPE up gauge\nup 1\nodd 2 1700000000000\n";

const STATUS: &str = r#"{"data":{"build_information":{"version":"1.11.2"},"flags":{}}}"#;

const NO_GROUPS: &str = r#"{"status":"success","data":[]}"#;

fn cfg() -> Value {
    json!({"gateway_url": "http://gw:9091", "prometheus_url": "http://prom:9090/p", "push_policy": "manual"})
}

fn ctx(more: Value) -> Value {
    let mut ctx = json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": "http://u:secret@h:9100/app?token=hidden"}});
    ctx.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ctx
}

impl Shared {
    fn will_expose(&self, content_type: &str, body: &str) -> &Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        self.0.borrow_mut().answers.push_back(Ok(Response { status: 200, headers, body: body.into() }));
        self
    }
}

/// The result of scraping this body.
fn scrape(content_type: &str, body: &str, more: Value) -> Value {
    let (mut plug, world) = plug();
    world.will_expose(content_type, body);
    process(&mut plug, ctx(more), cfg())
}

#[test]
fn a_scrape_returns_the_exposed_metrics() {
    let (mut plug, world) = plug();
    world.will_expose(TEXT, METRICS);
    let answer = process(&mut plug, ctx(json!({"include_samples": true})), cfg());
    let result = &answer["result"];
    assert_eq!(
        (&result["endpoint_scraped"], &result["endpoint_url"], &result["metrics_count"]),
        (&json!(true), &json!("http://h:9100/app/metrics"), &json!(4)),
        "{answer}"
    );
    assert_eq!(
        result["families"],
        json!([
            {"name": "jobs_total", "type": "counter", "help": "Jobs.", "samples": 2},
            {"name": "up", "type": "gauge", "help": "", "samples": 1},
            {"name": "odd", "type": "unknown", "help": "", "samples": 1},
        ])
    );
    assert_eq!(result["samples"][1], json!({"name": "jobs_total", "labels": {"a": "2"}, "value": 4}));
    assert_eq!(result["samples"][3]["timestamp"], 1_700_000_000);
    assert_eq!((&result["format"], &result["bytes"]), (&json!("prometheus"), &json!(METRICS.len())));
    assert_eq!((&result["truncated"], &result["timestamps_dropped"]), (&json!(false), &Value::Null));
    assert!(
        result["lint"].as_array().unwrap().iter().any(|finding| finding["metric"] == "up" && finding["rule"] == "help")
    );
    assert_eq!(
        result["scrape_config"],
        json!({
            "job_name": "plugpipe-h-9100", "scrape_interval": "15s", "scrape_timeout": "10s", "metrics_path": "/app/metrics",
            "params": {"token": ["hidden"]}, "scheme": "http", "static_configs": [{"targets": ["h:9100"]}],
        })
    );
    let yaml: Value = serde_saphyr::from_str(result["scrape_config_yaml"].as_str().unwrap()).unwrap();
    let mut config = result["scrape_config"].clone();
    config.as_object_mut().unwrap().remove("scheme");
    assert_eq!(yaml, json!({"scrape_configs": [config]}));
    assert!(!answer.to_string().contains("secret"), "{answer}");
    let asked = world.asked();
    assert_eq!((asked[0].0, asked[0].1.as_str()), (Method::Get, "http://h:9100/app/metrics?token=hidden"));
    assert!(plug.registry().is_empty());
}

#[test]
fn flat_settings_apply_to_the_request() {
    let (mut plug, world) = plug();
    world.will_expose(TEXT, "");
    let flat = json!({
        "operation": "scrape_endpoint", "endpoint_url": "https://h", "path": "probe?a=b", "interval": "1m", "timeout": "2500ms",
        "accept": "protobuf", "scrape_job": "mine",
    });
    let answer = process(&mut plug, flat, json!({}));
    let config = &answer["result"]["scrape_config"];
    assert_eq!(
        config,
        &json!({
            "job_name": "mine", "scrape_interval": "1m", "scrape_timeout": "2s500ms", "metrics_path": "/probe",
            "params": {"a": ["b"]}, "scheme": "https", "static_configs": [{"targets": ["h"]}],
        }),
        "{answer}"
    );
    assert_eq!((&answer["result"]["metrics_count"], &answer["result"]["families"]), (&json!(0), &json!([])));
    let [accept, timeout] =
        ["accept", "x-prometheus-scrape-timeout-seconds"].map(|name| world.sent(name)[0].clone().unwrap());
    assert!(accept.starts_with("application/vnd.google.protobuf;"), "{accept}");
    assert_eq!(timeout, "2.5");
}

#[test]
fn only_the_configured_endpoint_gets_credentials() {
    let (mut plug, world) = plug();
    let configured = json!({"endpoint_url": "http://h:9100", "endpoint_auth": {"token": "s3cret-token"}});
    let nested = |url: &str| json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": url}});
    let mut own = nested("http://h:9200");
    own["endpoint_auth"] = json!("user:s3cret-word");
    let flat = json!({"operation": "scrape_endpoint", "endpoint_url": "http://h:9100/x"});
    for (ctx, sent) in [
        (nested("http://h:9100"), Some("Bearer s3cret-token")),
        (nested("http://h:9200"), None),
        // printf 'user:s3cret-word' | base64
        (own, Some("Basic dXNlcjpzM2NyZXQtd29yZA==")),
        (flat, Some("Bearer s3cret-token")),
    ] {
        world.will_expose(TEXT, "a{t=\"s3cret-token\"} 1\n");
        let answer = process(&mut plug, ctx.clone(), configured.clone());
        assert_eq!(answer["success"], true, "{answer}");
        assert_eq!(world.sent("authorization").last().unwrap().as_deref(), sent, "{ctx}");
    }
    world.will_answer(401, "not with s3cret-token");
    let answer = process(&mut plug, nested("http://h:9100"), configured);
    assert!(answer["error"].as_str().unwrap().ends_with("in endpoint_auth"), "{answer}");
    assert!(!answer.to_string().contains("s3cret-"), "{answer}");
}

#[test]
fn results_are_limited_on_request() {
    let result = &scrape(TEXT, METRICS, json!({"include_samples": true, "limit": 1, "sample_limit": "2"}))["result"];
    let count = |key: &str| result[key].as_array().unwrap().len();
    assert_eq!([count("families"), count("samples"), count("lint")], [1, 2, 1]);
    assert_eq!(
        (&result["truncated"], &result["families_count"], &result["metrics_count"]),
        (&json!(true), &json!(3), &json!(4))
    );
}

#[test]
fn an_invalid_exposition_is_an_error_with_its_position() {
    for (content_type, body, position, told) in [
        (TEXT, "a 1\nb{x=1} 2\n", json!({"line": 2, "column": 5}), "PrometheusText0.0.4"),
        (OPENMETRICS, "a 1\n", json!({"line": 2, "column": 1}), "OpenMetricsText"),
        ("application/vnd.google.protobuf", "\u{1}", Value::Null, "byte"),
        ("text/html; charset=utf-8", "<html>", Value::Null, "HTML page"),
        ("application/json", "{}", Value::Null, "fallback_format"),
        ("", "a 1\n", Value::Null, "no Content-Type"),
    ] {
        let answer = scrape(content_type, body, json!({"import": true}));
        assert_eq!(
            (&answer["success"], &answer["error_code"], &answer["origin"], &answer["position"]),
            (&json!(false), &json!("bad_answer"), &json!("http://h:9100"), &position),
            "{content_type}: {answer}"
        );
        assert!(answer["error"].as_str().unwrap().contains(told), "{answer}");
        assert!(!answer.to_string().contains("secret") && !answer.to_string().contains("hidden"), "{answer}");
    }
    let answer = scrape("application/json", "a 1\n", json!({"fallback_format": "prometheus"}));
    assert_eq!(answer["result"]["metrics_count"], 1, "{answer}");
    let (mut plug, world) = plug();
    let headers =
        vec![("content-type".to_owned(), TEXT.to_owned()), ("content-encoding".to_owned(), "gzip".to_owned())];
    world.0.borrow_mut().answers.push_back(Ok(Response { status: 200, headers, body: vec![0x1f, 0x8b] }));
    let answer = process(&mut plug, ctx(json!({})), cfg());
    assert!(answer["error"].as_str().unwrap().contains("compressed (gzip)"), "{answer}");
}

#[test]
fn an_endpoint_that_fails_is_named_with_its_setting() {
    for (status, told) in
        [(404, "check the path of scrape_config.endpoint_url"), (401, "in endpoint_auth"), (500, "returned 500")]
    {
        let (mut plug, world) = plug();
        (0..3).for_each(|_| {
            world.will_answer(status, "no");
        });
        let answer = process(&mut plug, ctx(json!({})), cfg());
        assert_eq!((&answer["error_code"], &answer["http_status"]), (&json!("refused"), &json!(status)), "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(told), "{answer}");
    }
    for (failure, code, told) in [
        (Failure::NotGranted, "not_granted", "grant http://h:9100 to the plug"),
        (Failure::AddressNotGranted, "not_granted", "grant addresses of that kind"),
        (Failure::TooLong { limit: 9 }, "answer_too_long", "max_response_bytes"),
    ] {
        let (mut plug, world) = plug();
        world.will_fail(failure);
        let answer = process(&mut plug, ctx(json!({})), cfg());
        assert_eq!((&answer["error_code"], &answer["origin"]), (&json!(code), &json!("http://h:9100")), "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(told), "{answer}");
    }
}

#[test]
fn invalid_fields_are_named_and_nothing_is_sent() {
    let federate = |more: Value| {
        let mut ctx = json!({"operation": "federate", "match": "up"});
        ctx.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ctx
    };
    let nested = |key: &str, value: Value| {
        let mut ctx = ctx(json!({}));
        ctx["scrape_config"][key] = value;
        ctx
    };
    let (mut plug, world) = plug();
    for (ctx, code, field) in [
        (json!({"operation": "scrape_endpoint"}), "missing_field", "scrape_config.endpoint_url"),
        (json!({"operation": "scrape_endpoint", "scrape_config": 1}), "invalid_field", "scrape_config"),
        (nested("endpoint_url", json!("u:secret@h")), "invalid_field", "scrape_config.endpoint_url"),
        (nested("path", json!([])), "invalid_field", "scrape_config.path"),
        (nested("interval", json!("soon")), "invalid_field", "scrape_config.interval"),
        (nested("timeout", json!("0s")), "invalid_field", "scrape_config.timeout"),
        (ctx(json!({"accept": "xml"})), "invalid_field", "accept"),
        (ctx(json!({"fallback_format": "xml"})), "invalid_field", "fallback_format"),
        (ctx(json!({"reexport": "protobuf"})), "invalid_field", "reexport"),
        (ctx(json!({"limit": 1_000_000})), "invalid_field", "limit"),
        (ctx(json!({"include_samples": true, "sample_limit": -1})), "invalid_field", "sample_limit"),
        (ctx(json!({"import": "perhaps"})), "invalid_field", "import"),
        (ctx(json!({"push": true, "gateway_url": ""})), "not_configured", "gateway_url"),
        (ctx(json!({"push": true, "scrape_job": "plugpipe"})), "invalid_field", "scrape_job"),
        (ctx(json!({"push": true, "push_mode": "delete"})), "invalid_field", "push_mode"),
        (federate(json!({"match": null})), "missing_field", "match"),
        (federate(json!({"match": [1, {}]})), "invalid_field", "match[1]"),
        (federate(json!({"prometheus_url": ""})), "not_configured", "prometheus_url"),
    ] {
        let answer = process(&mut plug, ctx.clone(), cfg());
        assert_eq!((&answer["error_code"], &answer["field"]), (&json!(code), &json!(field)), "{ctx}: {answer}");
        assert!(!answer.to_string().contains("secret"), "{answer}");
    }
    assert!(world.asked().is_empty());
}

#[test]
fn scraped_metrics_are_imported_also_those_of_unknown_type() {
    let (mut plug, world) = plug();
    world.will_expose(TEXT, METRICS);
    let answer = process(&mut plug, ctx(json!({"import": true})), cfg());
    let imported = &answer["result"]["imported"];
    assert_eq!(
        (&imported["metrics"], &imported["series"], &imported["metric_pushed"]),
        (&json!(3), &json!(4), &json!(false))
    );
    assert_eq!(imported["refused_count"], 0, "{answer}");
    let exported = process(&mut plug, json!({"operation": "export_metrics"}), json!({}));
    assert!(exported.to_string().contains("# TYPE odd untyped\\nodd 2\\n"), "{exported}");
    let (mut plug, world) = self::plug();
    assert_eq!(answer["result"]["timestamps_dropped"], 1);
    world.will_expose(TEXT, METRICS);
    process(&mut plug, ctx(json!({"import": true, "unknown_as_gauge": true})), cfg());
    let exported = process(&mut plug, json!({"operation": "export_metrics"}), json!({}));
    let text = exported["result"]["exported_data"].as_str().unwrap();
    // A total replaces the previous one, so that repeated imports do not count twice.
    for line in ["jobs_total{a=\"1\"} 3\n", "jobs_total{a=\"2\"} 4\n", "up 1\n", "odd 2\n", "# HELP jobs_total Jobs.\n"]
    {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn exemplars_and_created_timestamps_are_kept_and_dropped_exemplars_counted() {
    const FOO: &str = "# TYPE foo counter\nfoo_total 1e6 # {t=\"x\"} 1\nfoo_created 1500000000\n# EOF\n";
    let (mut plug, world) = plug();
    world.will_expose(OPENMETRICS, FOO);
    let result = process(&mut plug, ctx(json!({"import": true, "reexport": "openmetrics"})), cfg())["result"].clone();
    assert_eq!((&result["exemplars_dropped"], &result["imported"]["exemplars_dropped"]), (&Value::Null, &json!(0)));
    let exported = process(&mut plug, json!({"operation": "export_metrics", "export_format": "openmetrics"}), cfg());
    let text = exported["result"]["exported_data"].as_str().unwrap();
    assert!(text.contains("foo_created 1500000000.000\n"), "{text}");
    assert!(
        text.contains("foo_total 1000000.0 # {t=\"x\"} 1.0\n") || text.contains("foo_total 1000000 # {t=\"x\"} 1\n"),
        "{text}"
    );
    // They are counted only if they are dropped.
    assert_eq!(
        scrape(OPENMETRICS, FOO, json!({"reexport": "openmetrics"}))["result"]["exemplars_dropped"],
        Value::Null
    );
    assert_eq!(scrape(OPENMETRICS, FOO, json!({"reexport": "prometheus"}))["result"]["exemplars_dropped"], 1);
    // A target without created timestamps gets none.
    world.will_expose(OPENMETRICS, "# TYPE bar counter\nbar_total 7\n# EOF\n");
    process(&mut plug, ctx(json!({"import": true})), cfg());
    let exported = process(&mut plug, json!({"operation": "export_metrics", "export_format": "openmetrics"}), cfg());
    assert!(!exported.to_string().contains("bar_created"), "{exported}");
}

#[test]
fn native_histograms_are_recorded_with_classic_buckets_and_exemplars() {
    let (mut plug, _) = plug();
    for value in [0.5, 1.5] {
        let ctx = json!({
            "operation": "record_metric", "metric_type": "native_histogram", "metric_name": "wait_seconds",
            "metric_value": value, "buckets": [1, 2], "exemplar": {"trace_id": "t"},
        });
        let answer = process(&mut plug, ctx, json!({}));
        assert_eq!((&answer["success"], &answer["result"]["warnings"]), (&json!(true), &Value::Null), "{answer}");
    }
    let mut export = |format: &str| {
        let ctx = json!({"operation": "export_metrics", "export_format": format});
        process(&mut plug, ctx, json!({}))["result"]["exported_data"].as_str().unwrap().to_owned()
    };
    let second = export("openmetrics2");
    assert!(second.contains(",bucket:[1:1,2:2,+Inf:2]} st@"), "{second}");
    assert_eq!(second.matches(" # {trace_id=\"t\"} ").count(), 2, "{second}");
    let text = export("prometheus");
    assert!(text.contains("wait_seconds_bucket{le=\"1\"} 1\nwait_seconds_bucket{le=\"2\"} 2\n"), "{text}");
}

#[test]
fn openmetrics_2_0_is_scraped_and_written_when_asked_for() {
    const CONTENT_TYPE: &str = "application/openmetrics-text; version=2.0.0; charset=utf-8";
    let text = "# TYPE c_total counter\nc_total 7 st@1500000000.000 # {t=\"x\"} 1 1500000001.5\n\
        # TYPE \"h.s\" histogram\n{\"h.s\"} {count:3,sum:4.5,bucket:[1:1,+Inf:3]} st@1500000000.000\n\
        # TYPE n histogram\nn {count:3,sum:4.5,schema:0,zero_threshold:0,zero_count:1,positive_spans:[1:2],positive_buckets:[1,1]} st@1500000000.000 # {} 1.5 1500000001.5 # {} 3 1500000001.5\n# EOF\n";
    let (mut plug, world) = plug();
    world.will_expose(CONTENT_TYPE, text);
    let fields = json!({"accept": "openmetrics2", "import": true, "reexport": "openmetrics2", "include_samples": true});
    let result = process(&mut plug, ctx(fields), cfg())["result"].clone();
    assert_eq!((&result["format"], &result["content_type"]), (&json!("openmetrics2"), &json!(CONTENT_TYPE)));
    assert_eq!(result["exported_data"], text);
    assert_eq!(result["samples"].as_array().unwrap().last().unwrap()["exemplars"].as_array().map(Vec::len), Some(2));
    assert_eq!(result["imported"]["exemplars_dropped"], 0, "{result}");
    let exported = process(&mut plug, json!({"operation": "export_metrics", "export_format": "openmetrics2"}), cfg());
    let kept = text.replace("1500000001.5", "1500000001.500");
    assert_eq!(exported["result"]["exported_data"], kept);
    assert_eq!(exported["result"]["content_type"], CONTENT_TYPE);
}

#[test]
fn a_fallback_format_applies_to_html_pages_too() {
    let answer = scrape("text/html", "a 1\n", json!({}));
    assert!(answer["error"].as_str().unwrap().contains("fallback_format"), "{answer}");
    let answer = scrape("text/html; charset=utf-8", "a 1\n", json!({"fallback_format": "prometheus"}));
    assert_eq!((&answer["result"]["format"], &answer["result"]["metrics_count"]), (&json!("prometheus"), &json!(1)));
    let answer = scrape("text/html", "<html>", json!({"fallback_format": "prometheus"}));
    assert_eq!(answer["error_code"], "bad_answer", "{answer}");
}

#[test]
fn an_import_with_a_shared_name_warns_once() {
    let (mut plug, world) = plug();
    world.will_expose(TEXT, "# TYPE jobs gauge\njobs 1\n# TYPE jobs_total counter\njobs_total 2\n");
    let answer = process(&mut plug, ctx(json!({"import": true})), cfg());
    assert_eq!(answer["warnings"].as_array().map(Vec::len), Some(1), "{answer}");
    world.will_expose(TEXT, "# TYPE jobs gauge\njobs 1\n# TYPE jobs_total counter\njobs_total 2\n");
    assert_eq!(process(&mut plug, ctx(json!({"import": true})), cfg())["warnings"], Value::Null);
}

#[test]
fn many_metrics_that_share_names_are_counted() {
    let text: String = (0..150)
        .map(|index| format!("# TYPE m{index} gauge\nm{index} 1\n# TYPE m{index}_total counter\nm{index}_total 2\n"))
        .collect();
    let answer = scrape(TEXT, &text, json!({"import": true}));
    let warnings = answer["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 21, "{answer}");
    assert_eq!(warnings[20], "130 more warnings omitted");
}

#[test]
fn an_import_is_pushed_like_a_record() {
    let (mut plug, world) = plug();
    world.will_expose(TEXT, METRICS).will_answer(200, "");
    let answer = process(&mut plug, ctx(json!({"import": true})), json!({"gateway_url": "http://gw:9091"}));
    assert_eq!(answer["result"]["imported"]["metric_pushed"], true, "{answer}");
    assert_eq!(world.asked()[1].1, "http://gw:9091/metrics/job/plugpipe");
}

#[test]
fn scraped_metrics_are_converted_without_timestamps() {
    let result = scrape(TEXT, METRICS, json!({"reexport": "prometheus"}))["result"].clone();
    let text = "# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total{a=\"1\"} 3\njobs_total{a=\"2\"} 4\n\
                # TYPE up gauge\nup 1\n# TYPE odd untyped\nodd 2\n";
    assert_eq!((&result["exported_data"], &result["timestamps_dropped"]), (&json!(text), &json!(1)));
    assert_eq!(
        (&result["export_format"], &result["content_type"]),
        (&json!("prometheus"), &json!("text/plain; version=0.0.4; charset=utf-8"))
    );
    let again = scrape(TEXT, text, json!({"reexport": "openmetrics"}))["result"].clone();
    assert!(again["exported_data"].as_str().unwrap().ends_with("odd 2\n# EOF\n"), "{again}");
    assert!(again["content_type"].as_str().unwrap().starts_with("application/openmetrics-text"), "{again}");
}

#[test]
fn scraped_metrics_are_pushed_as_a_separate_group() {
    let (mut plug, world) = plug();
    world
        .will_expose(TEXT, METRICS)
        .will_answer(200, STATUS)
        .will_answer(200, NO_GROUPS)
        .will_answer(200, "")
        .will_answer(200, "");
    let answer = process(&mut plug, ctx(json!({"push": true, "grouping_key": {"zone": "a"}})), cfg());
    assert_eq!(
        answer["result"]["pushed"],
        json!({"group": "http://gw:9091/metrics/job/plugpipe-h-9100/zone/a", "metric_pushed": true, "metrics": 3, "samples": 4}),
        "{answer}"
    );
    let asked = world.asked();
    assert_eq!((asked[4].0, asked[4].1.as_str()), (Method::Put, "http://gw:9091/metrics/job/plugpipe-h-9100/zone/a"));
    assert!(asked[4].2.contains("odd 2\n"), "{}", asked[4].2);
    assert!(plug.registry().is_empty());
    // Cleanup deletes it.
    world.will_answer(202, "");
    plug.cleanup();
    assert_eq!(world.asked()[0].0, Method::Delete);
}

#[test]
fn a_conflicting_push_is_not_sent_and_nothing_is_imported() {
    let (mut plug, world) = plug();
    let held = r#"{"status":"success","data":[{"labels":{"job":"other"},
        "up":{"type":"COUNTER","metrics":[{"labels":{"job":"other"},"value":"1"}]}}]}"#;
    world.will_expose(TEXT, METRICS).will_answer(200, STATUS).will_answer(200, held).will_answer(200, "");
    let answer = process(&mut plug, ctx(json!({"push": true, "import": true})), cfg());
    assert_eq!((&answer["success"], &answer["error_code"]), (&json!(false), &json!("push_conflict")), "{answer}");
    assert_eq!((&answer["conflicts"][0]["reason"], &answer["conflicts"][0]["metric"]), (&json!("type"), &json!("up")));
    assert_eq!(world.asked().len(), 4);
    assert!(plug.registry().is_empty());
    // Without the check, the rejection is explained afterwards.
    world
        .will_expose(TEXT, METRICS)
        .will_answer(200, STATUS)
        .will_answer(400, "no")
        .will_answer(200, held)
        .will_answer(200, "");
    let answer = process(&mut plug, ctx(json!({"push": true, "preflight": false})), cfg());
    assert_eq!(
        (&answer["error_code"], &answer["conflicts"][0]["metric"]),
        (&json!("refused"), &json!("up")),
        "{answer}"
    );
}

#[test]
fn an_empty_scrape_does_not_empty_the_group() {
    let (mut plug, world) = plug();
    world.will_expose(TEXT, "# TYPE a gauge\n");
    let answer = process(&mut plug, ctx(json!({"push": true})), cfg());
    assert_eq!(answer["result"]["pushed"]["metric_pushed"], false, "{answer}");
    assert_eq!(world.asked().len(), 1);
}

#[test]
fn federation_sends_the_selectors_and_pushes_without_timestamps() {
    let (mut plug, world) = plug();
    let body = "# TYPE up untyped\nup{instance=\"i\",job=\"a\"} 1 1700000000000\nup{instance=\"j\",job=\"a\"} 0 1700000000001\n";
    world
        .will_expose(TEXT, body)
        .will_answer(200, STATUS)
        .will_answer(200, NO_GROUPS)
        .will_answer(200, "")
        .will_answer(200, "");
    let ctx = json!({"operation": "federate", "match": ["{job=\"a\"}", "up"], "push": true, "scrape_job": "fed", "include_samples": true});
    let answer = process(&mut plug, ctx, cfg());
    let result = &answer["result"];
    assert_eq!(
        (&result["federated"], &result["metrics_count"], &result["timestamps_dropped"]),
        (&json!(true), &json!(2), &json!(2)),
        "{answer}"
    );
    assert_eq!(result["samples"][1]["timestamp"], 1_700_000_000.001);
    let asked = world.asked();
    assert_eq!(asked[0].1, "http://prom:9090/p/federate?match%5B%5D=%7Bjob%3D%22a%22%7D&match%5B%5D=up");
    assert_eq!((asked[4].1.as_str(), asked[4].2.contains("1700")), ("http://gw:9091/metrics/job/fed", false));
    world.will_answer(400, "parse error: unexpected character");
    let answer = process(&mut plug, json!({"operation": "federate", "match": "{"}), cfg());
    assert_eq!((&answer["error_code"], &answer["http_status"]), (&json!("refused"), &json!(400)));
    assert!(answer["error"].as_str().unwrap().contains("check the selectors in match"), "{answer}");
}

#[test]
fn series_that_collide_in_the_group_are_detected_before_a_push() {
    let (mut plug, world) = plug();
    let body = "up{job=\"a\"} 1 1700000000000\nup{job=\"b\"} 0 1700000000000\n";
    world.will_expose(TEXT, body).will_answer(200, STATUS).will_answer(200, NO_GROUPS).will_answer(200, "");
    let answer = process(&mut plug, json!({"operation": "federate", "match": "up", "push": true}), cfg());
    assert_eq!(
        (&answer["error_code"], &answer["conflicts"][0]["reason"]),
        (&json!("push_conflict"), &json!("duplicate_series")),
        "{answer}"
    );
}

#[test]
fn mock_mode_scrapes_nothing() {
    let (mut plug, world) = plug();
    for ctx in [ctx(json!({})), json!({"operation": "federate", "match": "up"})] {
        let answer = process(&mut plug, ctx, json!({"mock_mode": true}));
        assert_eq!(
            (&answer["success"], &answer["result"]["mock"], &answer["result"]["metrics_count"]),
            (&json!(true), &json!(true), &json!(0))
        );
        assert_ne!(answer["result"]["endpoint_scraped"], true);
    }
    assert!(world.asked().is_empty());
}
