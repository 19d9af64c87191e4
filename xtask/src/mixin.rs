//! Renders `deploy/mixin`: alerts and a dashboard for the plug itself, as its operations
//! `export_rules` and `export_dashboards` make them.

use std::path::PathBuf;
use std::time::Duration;

use monitoring_prometheus::http::{Clock, Failure, Limits, Request, Response, Transport};
use monitoring_prometheus::operations::Standalone;
use serde_json::{Value, json};

use crate::{pretty, root, write};

/// A world without servers, in which time stands still.
struct Nowhere;

impl Clock for Nowhere {
    fn unix_nanos(&self) -> u64 {
        0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl Transport for Nowhere {
    fn send_all(&mut self, requests: &[&Request], _: &Limits) -> Vec<Result<Response, Failure>> {
        requests.iter().map(|_| Err(Failure::UnknownHost)).collect()
    }

    fn sleep(&mut self, _: Duration) {}
}

/// Writes the files and returns their paths.
pub fn make() -> Result<Vec<PathBuf>, String> {
    let write = |(path, text): (String, String)| {
        let path = root().join(path);
        write(&path, text).map(|()| path)
    };
    files()?.into_iter().map(write).collect()
}

/// The files, by path below the workspace's root.
pub fn files() -> Result<Vec<(String, String)>, String> {
    let rules = result(&json!({"operation": "export_rules", "template": "plugpipe_monitoring"}))?;
    let dashboards = result(&json!({"operation": "export_dashboards", "templates": ["monitoring_plug"]}))?;
    let text = |value: &Value, at: &str| {
        value.pointer(at).and_then(Value::as_str).map(str::to_owned).ok_or(format!("the result has no {at}"))
    };
    let dashboard: Value =
        serde_json::from_str(&text(&dashboards, "/files/0/content")?).map_err(|error| error.to_string())?;
    Ok(vec![
        ("deploy/mixin/prometheus_alerts.yml".into(), text(&rules, "/exported_rules")?),
        ("deploy/mixin/dashboards/monitoring_plug.json".into(), pretty(&dashboard)),
    ])
}

/// The result of an operation that asks no server.
fn result(ctx: &Value) -> Result<Value, String> {
    let body = Standalone::new(Nowhere).process(&ctx.to_string(), "{}");
    let mut answer: Value = serde_json::from_str(&body).map_err(|error| format!("{error}: {body}"))?;
    answer.get_mut("result").filter(|result| result.is_object()).map(Value::take).ok_or(body)
}
