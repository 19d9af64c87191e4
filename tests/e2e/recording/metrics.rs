//! The typed interfaces of the component: families, series, updates, limits, snapshots; and that the
//! JSON interface fills the same registry.

mod definitions;
mod distributions;
mod json;
mod limits;
mod snapshots;
mod updates;

use plugpipe_harness::session::{Definition, Format, Label, MetricKind};
use plugpipe_harness::{Error, Grants, Limits, Session};
use serde_json::{Value, json};

use crate::support::{agreeing, plug};

async fn session(config: Value) -> Session {
    plug().session(&config, Grants::none(), Limits::default()).await.unwrap()
}

async fn bare() -> Session {
    session(json!({})).await
}

/// A definition without options.
fn metric(name: &str, kind: MetricKind, label_names: &[&str]) -> Definition {
    Definition {
        name: name.into(),
        kind,
        help: None,
        unit: None,
        label_names: label_names.iter().map(|name| (*name).into()).collect(),
        buckets: None,
        native: None,
        quantiles: None,
        window_seconds: None,
        states: Vec::new(),
        series_limit: None,
        expire_after_seconds: None,
    }
}

fn labels(pairs: &[(&str, &str)]) -> Vec<Label> {
    pairs.iter().map(|(name, value)| Label { name: (*name).into(), value: (*value).into() }).collect()
}

/// A series without labels of a family that is made for it.
async fn single(session: &mut Session, definition: Definition) -> u32 {
    let family = session.register(&definition).await.unwrap();
    session.series_of(family, &[]).await.unwrap()
}

async fn text(session: &mut Session) -> String {
    String::from_utf8(session.encode(Format::Text).await.unwrap()).unwrap()
}

/// A line of the text exposition, by what stands before its value.
async fn value(session: &mut Session, series: &str) -> Option<f64> {
    let text = text(session).await;
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')).map(|value| value.parse().unwrap())
}

/// The families of the JSON exposition.
async fn families(session: &mut Session) -> Value {
    let json: Value = serde_json::from_slice(&session.encode(Format::Json).await.unwrap()).unwrap();
    json["families"].clone()
}

/// What the plug said when it refused.
#[track_caller]
fn refusal<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer.unwrap_err() {
        Error::Plug { problem } => problem,
        other => panic!("the plug did not refuse, but: {other}"),
    }
}

async fn process(session: &mut Session, ctx: Value) -> Value {
    agreeing(&session.process(&ctx.to_string(), "").await.unwrap())
}

/// The result of an operation that succeeds.
async fn result(session: &mut Session, ctx: Value) -> Value {
    let answer = process(session, ctx).await;
    assert_eq!(answer["success"], true, "{answer}");
    answer["result"].clone()
}
