use serde_json::{Value, json};

use super::*;
use crate::http::auth;

fn config(cfg: Value) -> Result<Config, Error> {
    Config::from_cfg(&Document::parse_at("cfg", &cfg.to_string()).unwrap())
}

fn with_ctx(config: &Config, ctx: &Value) -> Result<Config, Error> {
    config.with_ctx(&Document::parse(&ctx.to_string()).unwrap())
}

#[test]
fn the_more_specific_place_takes_precedence() {
    let config = config(json!({
        "job_name": "flat", "gateway_url": "http://flat:1",
        "prometheus_config": {"job_name": "nested", "instance": "i"},
    }))
    .unwrap();
    assert_eq!(config.job_name, "nested");
    assert_eq!(config.gateway_url.as_ref().unwrap().to_string(), "http://flat:1/");
    let ctx = json!({"job_name": "ctx", "prometheus_config": {"instance": ""}});
    let for_call = with_ctx(&config, &ctx).unwrap();
    assert_eq!((for_call.job_name.as_str(), for_call.instance), ("ctx", None));
    assert_eq!(with_ctx(&config, &json!({"operation": "x"})), Ok(config));
}

#[test]
fn an_error_names_the_path_and_no_password() {
    for (cfg, field) in [
        (json!({"gateway_url": "ftp://h"}), "cfg.gateway_url"),
        (json!({"prometheus_config": {"prometheus_url": "http://u:secret@"}}), "cfg.prometheus_config.prometheus_url"),
        (json!({"prometheus_config": []}), "cfg.prometheus_config"),
        (json!({"timeout": "fast"}), "cfg.timeout"),
        (json!({"timeout": 0}), "cfg.timeout"),
        (json!({"scrape_interval": "often"}), "cfg.scrape_interval"),
        (json!({"instance": "${HOSTNAME}"}), "cfg.instance"),
        (json!({"histogram_buckets": [2, 1]}), "cfg.histogram_buckets"),
        (json!({"mock_mode": "maybe"}), "cfg.mock_mode"),
        (json!({"retry_attempts": 0}), "cfg.retry_attempts"),
        (json!({"retry_attempts": 1.5}), "cfg.retry_attempts"),
        (json!({"retry_delay": "soon"}), "cfg.retry_delay"),
        (
            json!({"prometheus_config": {"grafana_auth": {"token": "a\nsecret"}}}),
            "cfg.prometheus_config.grafana_auth.token",
        ),
        (json!({"gateway_auth": {"password": "${GW_secret}", "username": "u"}}), "cfg.gateway_auth.password"),
        (json!({"gateway_auth": "secret\r"}), "cfg.gateway_auth"),
        (json!({"max_response_bytes": -1}), "cfg.max_response_bytes"),
        (json!({"job_name": ["a"]}), "cfg.job_name"),
        (json!({"grouping_key": {"__name__": "x"}}), "cfg.grouping_key.__name__"),
        (json!({"prometheus_config": {"grouping_key": {"job": "x"}}}), "cfg.prometheus_config.grouping_key.job"),
        (json!({"grouping_key": {"region": "${REGION}"}}), "cfg.grouping_key.region"),
        (json!({"grouping_key": "region"}), "cfg.grouping_key"),
        (json!({"push_policy": "always"}), "cfg.push_policy"),
        (json!({"push_mode": "delete"}), "cfg.push_mode"),
        (json!({"push_interval": "0s"}), "cfg.push_interval"),
        (json!({"remote_write_url": "h:1/api/v1/write"}), "cfg.remote_write_url"),
        (json!({"remote_write_version": "3"}), "cfg.remote_write_version"),
        (json!({"remote_write_capacity": "many"}), "cfg.remote_write_capacity"),
        (json!({"external_labels": {"__name__": "x"}}), "cfg.external_labels.__name__"),
        (json!({"prometheus_config": {"otlp_url": "ftp://h"}}), "cfg.prometheus_config.otlp_url"),
    ] {
        let error = config(cfg.clone()).unwrap_err();
        assert_eq!(error.field(), Some(field), "{cfg}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

/// All settings, each with values that it must reject.
fn rejected() -> Vec<(&'static str, Vec<Value>)> {
    let text = vec![json!([]), json!({}), json!("${NAME}")];
    let url = vec![json!("h:1"), json!("127.0.0.1:9090"), json!("ftp://h"), json!("http://"), json!(5), json!(true)];
    let duration = vec![
        json!("10 seconds"),
        json!("soon"),
        json!("-5s"),
        json!(-1),
        json!(0),
        json!("0s"),
        json!("2d"),
        json!(true),
    ];
    let flag = vec![json!("maybe"), json!("yes"), json!(1), json!(0), json!("on")];
    let size = vec![json!(0), json!(-1), json!(1.5), json!("many"), json!(2_147_483_648_u64), json!(true)];
    let labels = vec![
        json!("x"),
        json!(5),
        json!({"a": []}),
        json!({"__name__": "x"}),
        json!({"a": "${NAME}"}),
        json!({"a": null}),
    ];
    let auth = vec![
        json!(5),
        json!(true),
        json!("a\nb"),
        json!("${NAME}"),
        json!({"tokn": "t"}),
        json!({"type": "digest", "token": "t"}),
        json!({"type": "basic", "password": "p"}),
        json!({"type": "bearer"}),
        json!({"username": "u", "token": "t"}),
        json!({"username": "u:v", "password": "p"}),
        json!({"token": []}),
        json!({"headers": "x"}),
        json!({"headers": {"Host": "x"}}),
        json!({"headers": {"a": "b\r"}}),
        json!({"tenant": "a b"}),
    ];
    let of = |common: &[Value], own: &[Value]| [common, &[json!([]), json!({})], own].concat();
    let mut all = vec![
        ("job_name", text.clone()),
        ("instance", text.clone()),
        ("webhook_secret", text),
        ("webhook_format", of(&[], &[json!("slack"), json!(5)])),
        ("grafana_org_id", of(&[], &[json!(0), json!("main"), json!(-1), json!(1.5)])),
        ("grafana_api", of(&[], &[json!("apis"), json!(1)])),
        ("push_policy", of(&[], &[json!("on_recrod"), json!("always"), json!(true), json!(["manual"])])),
        ("otlp_temporality", of(&[], &[json!("Delta"), json!(1)])),
        ("push_mode", of(&[], &[json!("delete"), json!("merge")])),
        ("retry_attempts", of(&[], &[json!(0), json!(11), json!(100), json!(1.5), json!("two"), json!(-1)])),
        ("remote_write_version", of(&[], &[json!("3"), json!(2.1), json!("latest")])),
        (
            "histogram_buckets",
            vec![json!("1"), json!(5), json!({}), json!([2, 1]), json!(["x"]), json!([1, 1]), json!([null])],
        ),
        ("grouping_key", [&labels[..], &[json!({"job": "x"})]].concat()),
        ("external_labels", labels.clone()),
        ("resource_attributes", labels),
        ("prometheus_config", vec![json!("x"), json!(5), json!([]), json!(true), json!("")]),
    ];
    all.extend(
        auth::SERVERS.iter().filter(|server| !server.url.contains('.')).map(|server| (server.url, of(&url, &[]))),
    );
    all.extend(auth::SERVERS.iter().map(|server| (server.auth, [&auth[..], &[json!([])]].concat())));
    for key in [
        "scrape_interval",
        "timeout",
        "push_timeout",
        "connect_timeout",
        "retry_delay",
        "max_retry_delay",
        "push_interval",
        "remote_write_timeout",
        "remote_write_max_age",
    ] {
        all.push((key, of(&duration, &[])));
    }
    for key in [
        "mock_mode",
        "own_metrics",
        "otlp_gzip",
        "push_gzip",
        "preflight",
        "detect_resets",
        "delete_on_cleanup",
        "default_metrics",
    ] {
        all.push((key, of(&flag, &[])));
    }
    for key in ["max_response_bytes", "remote_write_capacity"] {
        all.push((key, of(&size, &[])));
    }
    all.push(("compatibility", vec![json!("1.0.1"), json!("1"), json!(1), json!(true)]));
    all
}

#[test]
fn settings_reject_invalid_values() {
    for (key, values) in rejected() {
        for value in values {
            for (cfg, at) in [
                (json!({key: value}), "cfg".to_owned()),
                (json!({"prometheus_config": {key: value}}), format!("cfg.{NESTED}")),
            ] {
                if key == NESTED && at != "cfg" {
                    continue;
                }
                let path = format!("{at}.{key}");
                let error = config(cfg.clone()).expect_err(&cfg.to_string());
                let field = error.field().unwrap_or_else(|| panic!("{cfg}: {error}"));
                assert!(
                    field == path || field.starts_with(&format!("{path}.")) || field.starts_with(&format!("{path}[")),
                    "{cfg}: {field}"
                );
                assert!(error.to_string().starts_with(field), "{cfg}: {error}");
            }
        }
    }
}

#[test]
fn invalid_values_of_every_setting_are_tested() {
    let checked: Vec<&str> = rejected().into_iter().map(|(key, _)| key).collect();
    let named = Configuration::fields().iter().copied();
    // Settings of operations and hosts are not validated here.
    for key in
        named.filter(|key| !["endpoint_url", "scrape_config", "debug", "enable_alerting", "alert_config"].contains(key))
    {
        assert!(checked.contains(&key), "{key}");
    }
}

#[test]
fn null_and_empty_text_reset_a_setting() {
    let outside = json!({
        "job_name": "j", "instance": "i", "timeout": "3s", "scrape_interval": "3s", "retry_attempts": 5, "mock_mode": true,
        "gateway_url": "http://h:1", "histogram_buckets": [1, 2], "grouping_key": {"a": "b"}, "external_labels": {"a": "b"}, "resource_attributes": {"a": "b"}, "otlp_gzip": true, "otlp_temporality": "delta",
        "push_policy": "manual", "push_mode": "add", "max_response_bytes": 5, "preflight": true, "delete_on_cleanup": false,
        "gateway_auth": "token",
    });
    for unset in [json!(null), json!(""), json!("  ")] {
        let mut cfg = outside.clone();
        let nested: serde_json::Map<String, Value> =
            outside.as_object().unwrap().keys().map(|key| (key.clone(), unset.clone())).collect();
        cfg[NESTED] = nested.into();
        let mut found = config(cfg).unwrap();
        found.credentials = Credentials::default();
        assert_eq!(found, Config::default(), "{unset}");
    }
    assert_eq!(config(json!({"prometheus_config": null})).unwrap(), Config::default());
}

#[test]
fn the_instance_must_be_given_once() {
    let twice = json!({"instance": "i", "prometheus_config": {"grouping_key": {"instance": "x"}}});
    assert_eq!(config(twice).unwrap_err().field(), Some("cfg.prometheus_config.grouping_key.instance"));
    let once = json!({"instance": "", "grouping_key": {"instance": "x"}});
    assert!(config(once).is_ok());
}

#[test]
fn the_group_is_job_instance_and_grouping_key() {
    let plug = config(json!({"job_name": "j", "instance": "i", "grouping_key": {"a.b": 1, "zone": ""}})).unwrap();
    let labels: Vec<_> = plug.group().unwrap().labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(labels, ["a.b=1", "instance=i", "zone="]);
    let for_call = with_ctx(&plug, &json!({"grouping_key": {"instance": "other"}})).unwrap();
    assert_eq!(for_call.group().unwrap_err().field(), Some("grouping_key.instance"));
    let for_call = with_ctx(&plug, &json!({"grouping_key": ""})).unwrap();
    assert_eq!(for_call.group().unwrap().labels.iter().len(), 1);
}

#[test]
fn templates_may_give_numbers_and_flags_as_text() {
    let config = config(json!({"timeout": "2.5", "mock_mode": "true", "histogram_buckets": ["1", 2]})).unwrap();
    assert_eq!(config.timeout, Duration::from_millis(2_500));
    assert!(config.mock);
    assert_eq!(config.histogram_buckets.bounds(), [1.0, 2.0]);
}

#[test]
fn an_infinite_bound_may_only_be_last() {
    let of = |bounds: Value| config(json!({"histogram_buckets": bounds}));
    assert_eq!(of(json!([1, "+Inf"])).unwrap().histogram_buckets.bounds(), [1.0]);
    assert_eq!(of(json!(["+Inf", 1])).unwrap_err().field(), Some("cfg.histogram_buckets[0]"));
    assert_eq!(of(json!([1, "x"])).unwrap_err().field(), Some("cfg.histogram_buckets[1]"));
}
