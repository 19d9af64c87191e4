//! Scraping and federating through the component: a plug's own `serve`, real Pushgateways,
//! Prometheus 2.42 and 3, and endpoints that answer nonsense.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use plugpipe_testkit::{Running, ScrapeJob};
use serde_json::{Value, json};

use crate::cli::serve::{Served, get};
use crate::fixture::Fixture;
use crate::support::{
    Checked, alone, exposition, prometheus, prometheus_3, pushgateway, pushgateway_1_11, query_until, start,
    without_servers,
};

const FORMATS: [&str; 3] = ["prometheus", "openmetrics", "protobuf"];

/// A plug that may scrape there.
async fn scraper(url: &str) -> Checked {
    start(json!({"endpoint_url": url, "push_policy": "manual"})).await
}

async fn ask(plug: &Checked, ctx: Value) -> Value {
    let answer = plug.process(&ctx).await.unwrap();
    assert_eq!(answer["success"], true, "{ctx}: {answer}");
    answer["result"].clone()
}

/// A scrape that must succeed.
async fn scrape(plug: &Checked, url: &str, more: Value) -> Value {
    let mut ctx = json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": url}, "limit": 10_000});
    ctx.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ask(plug, ctx).await
}

/// A plug behind HTTP that holds one metric of each kind that formats write alike.
async fn served() -> Served {
    let served = Served::start(&crate::cli::serve::WITHOUT_OWN_METRICS);
    for (operation, name, value) in [
        ("record_counter", "jobs_total", json!(3)),
        ("record_counter", "jobs_total", json!(0.25)),
        ("record_gauge", "temperature_celsius", json!(-1.5)),
        ("record_histogram", "wait_seconds", json!(0.3)),
        ("record_histogram", "wait_seconds", json!(70)),
    ] {
        let labels = json!({"a": "q\"b\\s\nü", "operation": operation});
        let ctx = json!({"operation": operation, "metric_name": name, "metric_value": value, "labels": labels, "help": "A \"test\"\nof \\."});
        assert_eq!(served.process(json!({"ctx": ctx})).await.1["success"], true);
    }
    served
}

#[tokio::test]
async fn what_a_served_plug_exposes_is_imported_and_exported_the_same() {
    let served = served().await;
    let text = get(&format!("{}/metrics", served.url)).await.1;
    for accept in FORMATS {
        let plug = scraper(&served.url).await;
        let result =
            scrape(&plug, &served.url, json!({"accept": accept, "import": true, "reexport": "prometheus"})).await;
        assert_eq!(result["format"], accept, "{result}");
        assert_eq!(
            (&result["imported"]["series"], &result["imported"]["refused"]),
            (&json!(3), &json!([])),
            "{result}"
        );
        assert_eq!(exposition(&plug).await, text, "{accept}");
        // Written again as text, a bound is spelled as text has it, whatever it was scraped from.
        assert_eq!(result["exported_data"], text, "{accept}");
        // A second scrape replaces what the first one brought, and counts nothing twice.
        scrape(&plug, &served.url, json!({"accept": accept, "import": true})).await;
        assert_eq!(exposition(&plug).await, text, "{accept}");
    }
}

/// Samples by family, of the families that do not change from scrape to scrape.
fn families(result: &Value) -> BTreeMap<String, (String, u64)> {
    let of = |family: &Value| {
        let name = family["name"].as_str().unwrap();
        let kind = family["type"].as_str().unwrap().to_owned();
        (name.strip_suffix("_total").unwrap_or(name).to_owned(), (kind, family["samples"].as_u64().unwrap()))
    };
    let steady = |(name, _): &(String, (String, u64))| !name.contains("http") && !name.starts_with("net_");
    result["families"].as_array().unwrap().iter().map(of).filter(steady).collect()
}

/// Scrapes a server's own metrics in each format; which formats it gave.
async fn in_every_format(server: &Running) -> Vec<String> {
    let plug = scraper(&server.url).await;
    let mut formats = Vec::new();
    let mut seen = Vec::new();
    for accept in FORMATS {
        let result = scrape(&plug, &server.url, json!({"accept": accept, "import": true})).await;
        assert_eq!(
            (&result["endpoint_scraped"], &result["endpoint_url"], &result["truncated"]),
            (&json!(true), &json!(format!("{}/metrics", server.url)), &json!(false))
        );
        let metrics: u64 =
            result["families"].as_array().unwrap().iter().map(|family| family["samples"].as_u64().unwrap()).sum();
        assert!(metrics > 30 && result["metrics_count"] == metrics, "{result}");
        assert!(result["imported"]["series"].as_u64().unwrap() > 30, "{result}");
        formats.push(result["format"].as_str().unwrap().to_owned());
        seen.push(families(&result));
    }
    let names = |seen: &BTreeMap<String, (String, u64)>| -> Vec<(String, String)> {
        seen.iter().map(|(name, (kind, _))| (name.clone(), kind.clone())).collect()
    };
    assert!(names(&seen[0]).contains(&("go_goroutines".into(), "gauge".into())));
    assert_eq!(names(&seen[0]), names(&seen[1]));
    assert_eq!(names(&seen[0]), names(&seen[2]));
    let text = exposition(&plug).await;
    assert!(text.contains("\n# TYPE go_gc_duration_seconds summary\n"), "{text}");
    formats
}

#[tokio::test]
async fn a_pushgateways_metrics_are_read_in_the_formats_that_it_has() {
    if without_servers("a_pushgateways_metrics_are_read_in_the_formats_that_it_has") {
        return;
    }
    for gateway in [pushgateway(None).await, pushgateway_1_11(&[]).await] {
        let formats = in_every_format(&gateway).await;
        assert_eq!((&*formats[0], &*formats[2]), ("prometheus", "protobuf"), "{formats:?}");
    }
}

#[tokio::test]
async fn a_prometheus_own_metrics_are_read_in_the_formats_that_it_has() {
    if without_servers("a_prometheus_own_metrics_are_read_in_the_formats_that_it_has") {
        return;
    }
    for server in [prometheus(Vec::new()).await, prometheus_3(Vec::new(), |options| options).await] {
        // Neither writes its own metrics in OpenMetrics; who asks for that gets text.
        assert_eq!(in_every_format(&server).await, ["prometheus", "prometheus", "protobuf"]);
    }
}

#[tokio::test]
async fn federated_series_are_pushed_to_a_gateway_and_imported() {
    if without_servers("federated_series_are_pushed_to_a_gateway_and_imported") {
        return;
    }
    let served = served().await;
    let jobs = || vec![ScrapeJob::new("served", served.authority())];
    let gateway = pushgateway(None).await;
    for (index, server) in [prometheus(jobs()).await, prometheus_3(jobs(), |options| options).await].iter().enumerate()
    {
        let config = json!({"prometheus_url": server.url, "gateway_url": gateway.url, "push_policy": "manual"});
        let plug = start(config).await;
        query_until(&plug, json!({"operation": "query_metrics", "query": "jobs_total"}), |result| {
            !result.as_array().unwrap().is_empty()
        })
        .await;
        for accept in FORMATS {
            let ctx = json!({
                "operation": "federate", "match": ["jobs_total", "{__name__=~\"wait_.*|temperature.*\"}"], "accept": accept,
                "include_samples": true, "import": true, "unknown_as_gauge": true, "reexport": "openmetrics",
                "push": true, "scrape_job": format!("federated-{index}"),
            });
            let result = ask(&plug, ctx).await;
            let count = result["metrics_count"].as_u64().unwrap();
            assert!(count > 5 && result["timestamps_dropped"] == count, "{result}");
            assert_eq!(result["pushed"]["metric_pushed"], true, "{result}");
            let sample = result["samples"]
                .as_array()
                .unwrap()
                .iter()
                .find(|sample| sample["name"] == "jobs_total")
                .unwrap()
                .clone();
            assert_eq!(
                (&sample["value"], &sample["labels"]["job"], &sample["labels"]["instance"]),
                (&json!(3.25), &json!("served"), &json!(served.authority()))
            );
            assert!(sample["timestamp"].as_f64().unwrap() > 1.7e9, "{sample}");
            assert!(result["exported_data"].as_str().unwrap().ends_with("# EOF\n"));
        }
        let held = get(&format!("{}/metrics", gateway.url)).await.1;
        let line = held
            .lines()
            .find(|line| line.starts_with("jobs_total{") && line.contains(&format!("job=\"federated-{index}\"")));
        assert!(line.is_some_and(|line| line.ends_with(" 3.25")), "{held}");
        assert!(exposition(&plug).await.contains("jobs_total{"));
        let wrong = plug.process(&json!({"operation": "federate", "match": "{"})).await.unwrap();
        assert_eq!((&wrong["error_code"], &wrong["http_status"]), (&json!("refused"), &json!(400)), "{wrong}");
    }
}

#[tokio::test]
async fn a_scrape_of_a_server_goes_to_a_gateway_or_is_refused_with_the_metric() {
    if without_servers("a_scrape_of_a_server_goes_to_a_gateway_or_is_refused_with_the_metric") {
        return;
    }
    let (gateway, served) = (pushgateway(None).await, served().await);
    let config = json!({"endpoint_url": served.url, "gateway_url": gateway.url, "push_policy": "manual"});
    let plug = start(config).await;
    for accept in FORMATS {
        let result = scrape(&plug, &served.url, json!({"accept": accept, "push": true})).await;
        assert_eq!(
            (&result["pushed"]["metric_pushed"], &result["pushed"]["metrics"]),
            (&json!(true), &json!(3)),
            "{result}"
        );
    }
    let held = get(&format!("{}/metrics", gateway.url)).await.1;
    let job = format!("job=\"plugpipe-{}\"", served.authority().replace(':', "-"));
    assert!(
        held.lines().any(|line| line.starts_with("wait_seconds_count{") && line.contains(&job) && line.ends_with(" 2")),
        "{held}"
    );
    // The gateway has that metric itself, as a gauge.
    let clashing = endpoint("text/plain", b"# TYPE go_goroutines counter\ngo_goroutines 1 1700000000000\n");
    let config = json!({"endpoint_url": clashing, "gateway_url": gateway.url, "push_policy": "manual"});
    let plug = start(config).await;
    let ctx = json!({"operation": "scrape_endpoint", "endpoint_url": clashing, "push": true, "scrape_job": "clashing"});
    let checked = plug.process(&ctx).await.unwrap();
    assert_eq!((&checked["success"], &checked["error_code"]), (&json!(false), &json!("push_conflict")), "{checked}");
    assert_eq!(
        (&checked["conflicts"][0]["reason"], &checked["conflicts"][0]["metric"]),
        (&json!("type"), &json!("go_goroutines"))
    );
    let mut unchecked = ctx.clone();
    unchecked["preflight"] = json!(false);
    let unchecked = plug.process(&unchecked).await.unwrap();
    assert_eq!((&unchecked["success"], &unchecked["http_status"]), (&json!(false), &json!(400)), "{unchecked}");
}

/// A server that answers every request so. Its thread ends with the test.
pub fn endpoint(content_type: &str, body: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&[head.as_bytes(), body].concat());
        }
    });
    url
}

#[tokio::test]
async fn a_broken_endpoint_is_an_error_with_its_place_and_changes_nothing() {
    for (content_type, body, position) in [
        ("text/plain; version=0.0.4", &b"# TYPE a gauge\na 1\na{b=\"1\" 2\n"[..], json!({"line": 3, "column": 9})),
        ("application/openmetrics-text; version=1.0.0", b"a 1\n", json!({"line": 2, "column": 1})),
        ("text/html", b"<html>a 1</html>", Value::Null),
        ("application/json", b"{}", Value::Null),
        ("application/vnd.google.protobuf", b"\xff\xff\xff\xff\xff\xff", Value::Null),
    ] {
        let url = endpoint(content_type, body);
        let plug = scraper(&url).await;
        let record = json!({"operation": "record_gauge", "metric_name": "kept", "metric_value": 1});
        ask(&plug, record).await;
        let ctx = json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": url}, "import": true});
        let answer = plug.process(&ctx).await.unwrap();
        assert_eq!(
            (&answer["error_code"], &answer["origin"], &answer["position"]),
            (&json!("bad_answer"), &json!(url), &position),
            "{answer}"
        );
        assert_eq!(exposition(&plug).await, "# TYPE kept gauge\nkept 1\n");
    }
}

#[tokio::test]
async fn a_page_that_holds_metrics_is_read_where_a_fallback_is_given() {
    let url = endpoint("text/html; charset=utf-8", b"a 1\n");
    let plug = scraper(&url).await;
    let result = scrape(&plug, &url, json!({"fallback_format": "prometheus"})).await;
    assert_eq!((&result["format"], &result["metrics_count"]), (&json!("prometheus"), &json!(1)), "{result}");
}

#[tokio::test]
async fn samples_with_different_times_are_one_point_and_none_is_lost() {
    const TEXT: &str = "text/plain; version=0.0.4";
    let dated = b"# TYPE s summary\ns{quantile=\"0.5\"} 1 1000\ns{quantile=\"0.5\"} 7 3000\ns_sum 2 2000\ns_count 1\n\
        # TYPE h histogram\nh_bucket{le=\"+Inf\"} 2 1000\nh_sum 3 2000\nh_count 2\n";
    let expected = "# TYPE s summary\ns{quantile=\"0.5\"} 7\ns_sum 2\ns_count 1\n\
        # TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n";
    let url = endpoint(TEXT, dated);
    let gateway = Fixture::start(|asked| match asked.path.as_str() {
        "/api/v1/metrics" => (200, "application/json", br#"{"status":"success","data":[]}"#.to_vec()),
        _ => (200, TEXT, b"{}".to_vec()),
    });
    let plug = start(json!({"endpoint_url": url, "gateway_url": gateway.url, "push_policy": "manual"})).await;
    let result = scrape(&plug, &url, json!({"reexport": "prometheus", "push": true})).await;
    assert_eq!((&result["exported_data"], &result["timestamps_dropped"]), (&json!(expected), &json!(5)), "{result}");
    let pushed = gateway.asked().into_iter().find(|asked| asked.method == "PUT").unwrap();
    assert_eq!(String::from_utf8(pushed.body).unwrap(), expected);
}

#[tokio::test]
async fn timestamps_may_stand_still_be_finer_than_a_millisecond_and_must_fit() {
    const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let url = endpoint(OPENMETRICS, b"# TYPE g gauge\ng 1 1.0001\ng 2 1.0002\ng 3 1.0002\n# EOF\n");
    let plug = scraper(&url).await;
    let result = scrape(&plug, &url, json!({"include_samples": true, "reexport": "prometheus"})).await;
    let times: Vec<&Value> = result["samples"].as_array().unwrap().iter().map(|sample| &sample["timestamp"]).collect();
    assert_eq!(times, [&json!(1.0001), &json!(1.0002), &json!(1.0002)]);
    assert_eq!(result["exported_data"], "# TYPE g gauge\ng 3\n");
    for (content_type, body) in [
        (OPENMETRICS, &b"# TYPE g gauge\ng 1 1e20\n# EOF\n"[..]),
        ("text/plain; version=0.0.4", b"g 1 9223372036854775808\n"),
    ] {
        let url = endpoint(content_type, body);
        let answer = scraper(&url).await;
        let answer = answer
            .process(&json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": url}}))
            .await
            .unwrap();
        assert_eq!(answer["error_code"], "bad_answer", "{answer}");
        assert!(answer["position"]["line"].is_u64(), "{answer}");
    }
}

#[tokio::test]
async fn lint_knows_whose_le_and_quantile_are() {
    let url = endpoint(
        "text/plain; version=0.0.4",
        b"# HELP s x\n# TYPE s summary\ns{le=\"1\",quantile=\"0.5\"} 1\ns_sum{le=\"1\"} 1\ns_count{le=\"1\"} 1\n\
          # HELP h x\n# TYPE h histogram\nh_bucket{quantile=\"1\",le=\"+Inf\"} 1\nh_sum{quantile=\"1\"} 1\nh_count{quantile=\"1\"} 1\n",
    );
    let result = scrape(&scraper(&url).await, &url, json!({})).await;
    let found: Vec<(&Value, &Value)> =
        result["lint"].as_array().unwrap().iter().map(|finding| (&finding["metric"], &finding["rule"])).collect();
    let reserved = json!("label_reserved");
    assert_eq!(found, [(&json!("s"), &reserved), (&json!("h"), &reserved)], "{result}");
}

fn gzip(plain: &[u8]) -> &'static [u8] {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap().leak()
}

#[tokio::test]
async fn a_compressed_response_is_decompressed_within_bounds() {
    const COMPRESSED: &str = "text/plain; version=0.0.4\r\nContent-Encoding: gzip";
    let samples: String = (0..1_000).map(|number| format!("a{{number=\"{number}\"}} 1\n")).collect();
    let text = format!("# TYPE a gauge\n{samples}");
    let url = endpoint(COMPRESSED, gzip(text.as_bytes()));
    let plug = scraper(&url).await;
    let result = scrape(&plug, &url, json!({"reexport": "prometheus"})).await;
    assert_eq!((&result["metrics_count"], &result["exported_data"]), (&json!(1_000), &json!(text)));
    // The bound is on the plain text, of which what is sent has a thousandth.
    let short = start(json!({"endpoint_url": url, "max_response_bytes": text.len() - 1})).await;
    let zeros = gzip(&vec![b'\n'; 64 << 20]);
    let bomb = endpoint(COMPRESSED, zeros);
    assert!(zeros.len() < 128 * 1024, "{}", zeros.len());
    let rated = start(json!({"endpoint_url": bomb, "max_response_bytes": 128 << 20})).await;
    let cut = endpoint(COMPRESSED, &gzip(text.as_bytes())[..200]);
    for (plug, url, code) in [
        (short, &url, "answer_too_long"),
        // The ratio gives it away before the length does.
        (scraper(&bomb).await, &bomb, "unreachable"),
        (rated, &bomb, "unreachable"),
        (scraper(&cut).await, &cut, "unreachable"),
    ] {
        let ctx = json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": url}, "import": true});
        let answer = plug.process(&ctx).await.unwrap();
        assert_eq!(answer["error_code"], code, "{answer}");
        assert_eq!(exposition(&plug).await, "");
    }
}

#[tokio::test]
async fn an_endpoint_that_was_not_granted_is_not_asked() {
    let url = endpoint("text/plain", b"a 1\n");
    let plug = alone().await;
    let ctx = json!({"operation": "scrape_endpoint", "scrape_config": {"endpoint_url": url}});
    let answer = plug.process(&ctx).await.unwrap();
    assert_eq!((&answer["error_code"], &answer["origin"]), (&json!("not_granted"), &json!(url)), "{answer}");
    assert!(answer["error"].as_str().unwrap().contains(&format!("grant {url} to the plug")), "{answer}");
    let long = start(json!({"endpoint_url": url, "max_response_bytes": 3})).await;
    assert_eq!(long.process(&ctx).await.unwrap()["error_code"], "answer_too_long");
}
