//! The JSON Schema of `cfg`.

use core::time::Duration;

use plugpipe_contract::document::Request as _;
use plugpipe_contract::schema::{finish, generator};
use plugpipe_contract::settings::{
    Compatibility, ConfigurationOnly, OfConfiguration, PushPolicy, TopOfConfiguration, WebhookFormat,
};
use schemars::JsonSchema as _;
use serde_json::{Map, Value, json};

use super::{Config, Remote};
use crate::http::Retry;
use crate::servers::pushgateway::Mode;
use crate::servers::remote_write::Version;
use plugpipe_contract::schema::DIALECT;

/// The JSON Schema of `cfg`.
///
/// # Errors
/// A setting has no schema, or a description contains a link to Rust code.
pub fn config_schema() -> Result<Value, String> {
    let generator = &mut generator();
    let top = TopOfConfiguration::json_schema(generator).to_value();
    let reference = generator.subschema_for::<OfConfiguration>().to_value();
    let mut definitions = generator.take_definitions(true);
    let settings = definitions.get_mut("settings").and_then(|settings| settings.get_mut("properties"));
    let settings = settings.and_then(Value::as_object_mut).ok_or("there are no settings")?;
    for (name, value) in defaults() {
        let setting = settings.get_mut(&name).ok_or_else(|| format!("{name} has a default but is not a setting"))?;
        set(setting, "default", value);
    }
    for name in ConfigurationOnly::fields() {
        let setting = settings.get_mut(*name).ok_or_else(|| format!("{name} is not a setting"))?;
        set(setting, "x-configuration-only", true.into());
        let description = setting.get("description").and_then(Value::as_str).unwrap_or_default();
        let description = format!("{description} Only in the configuration.");
        set(setting, "description", description.into());
    }
    let modes = settings.get_mut("push_mode").and_then(|mode| mode.get_mut("oneOf")).and_then(Value::as_array_mut);
    // Not allowed in a configuration.
    modes.ok_or("push_mode has no choices")?.retain(|mode| mode.get("const") != Some(&json!("delete")));
    finish(json!({
        "$schema": DIALECT,
        "description":
            "Settings are flat or nested in prometheus_config, which takes precedence. Empty text means not set. Unknown keys cause warnings.",
        "type": "object",
        "$ref": reference.get("$ref"),
        "properties": top.get("properties"),
        "$defs": definitions,
    }))
}

fn compatible(compatibility: Compatibility) -> &'static str {
    match compatibility {
        Compatibility::V1 => super::FORMER_VERSION,
        Compatibility::V2 => "2.0.0",
    }
}

fn set(schema: &mut Value, key: &str, value: Value) {
    if let Value::Object(members) = schema {
        members.insert(key.into(), value);
    }
}

/// Default values in the format of a configuration; settings without a default are omitted. The
/// exhaustive pattern ensures that no field of [`Config`] is forgotten.
fn defaults() -> Map<String, Value> {
    let Config {
        prometheus_url: _,
        gateway_url: _,
        grafana_url: _,
        ruler_url: _,
        alertmanager_url: _,
        webhook_url: _,
        webhook_format,
        webhook_secret: _,
        grafana_org_id: _,
        grafana_resources,
        job_name,
        instance: _,
        scrape_interval,
        timeout,
        push_timeout,
        connect_timeout,
        max_response_bytes,
        retry: Retry { attempts, delay, max_delay },
        credentials: _,
        histogram_buckets,
        mock,
        own_metrics,
        default_metrics,
        remote:
            Remote {
                write_url: _,
                write_version,
                write_timeout,
                write_capacity,
                write_max_age,
                external_labels: _,
                otlp_url: _,
                otlp_gzip,
                otlp_delta,
                resource_attributes: _,
            },
        grouping_key: _,
        push_policy,
        push_interval,
        push_mode,
        push_gzip,
        preflight: _,
        detect_resets,
        delete_on_cleanup,
        compatibility,
    } = Config::default();
    let defaults = [
        ("compatibility", compatible(compatibility).into()),
        ("connect_timeout", text(connect_timeout)),
        ("default_metrics", default_metrics.into()),
        ("delete_on_cleanup", delete_on_cleanup.into()),
        ("detect_resets", detect_resets.into()),
        ("grafana_api", if grafana_resources { "k8s" } else { "api" }.into()),
        ("histogram_buckets", histogram_buckets.bounds().iter().map(|bound| number(*bound)).collect()),
        ("job_name", job_name.into()),
        ("max_response_bytes", max_response_bytes.into()),
        ("max_retry_delay", text(max_delay)),
        ("mock_mode", mock.into()),
        ("otlp_gzip", otlp_gzip.into()),
        ("otlp_temporality", if otlp_delta { "delta" } else { "cumulative" }.into()),
        ("own_metrics", own_metrics.into()),
        ("push_gzip", push_gzip.into()),
        ("push_interval", text(push_interval)),
        ("push_mode", mode(push_mode).into()),
        ("push_policy", policy(push_policy).into()),
        ("push_timeout", text(push_timeout)),
        ("remote_write_capacity", write_capacity.into()),
        ("remote_write_max_age", text(write_max_age)),
        ("remote_write_timeout", text(write_timeout)),
        ("remote_write_version", version(write_version).into()),
        ("retry_attempts", attempts.into()),
        ("retry_delay", text(delay)),
        ("scrape_interval", scrape_interval.into()),
        ("timeout", text(timeout)),
        ("webhook_format", format(webhook_format).into()),
    ];
    defaults.into_iter().map(|(name, value): (&str, Value)| (name.to_owned(), value)).collect()
}

fn policy(policy: PushPolicy) -> &'static str {
    match policy {
        PushPolicy::OnRecord => "on_record",
        PushPolicy::Manual => "manual",
        PushPolicy::Interval => "interval",
    }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Replace => "replace",
        Mode::Add => "add",
        Mode::Delete => "delete",
    }
}

fn format(format: WebhookFormat) -> &'static str {
    match format {
        WebhookFormat::Alertmanager => "alertmanager",
        WebhookFormat::PlugPipe => "plugpipe",
    }
}

fn version(version: Option<Version>) -> &'static str {
    match version {
        None => "auto",
        Some(Version::One) => "1.0",
        Some(Version::Two) => "2.0",
    }
}

/// A duration in one unit.
fn text(duration: Duration) -> Value {
    let milliseconds = duration.as_millis();
    match milliseconds % 1_000 {
        0 => format!("{}s", milliseconds / 1_000).into(),
        _ => format!("{milliseconds}ms").into(),
    }
}

/// A number; integers without a decimal point.
fn number(number: f64) -> Value {
    if number.trunc() == number && number.abs() < 1e15 { json!(number as i64) } else { json!(number) }
}
