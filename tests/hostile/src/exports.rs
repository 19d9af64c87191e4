//! What the world asks for beside `process`: as little as can be, or lies.

use std::sync::atomic::Ordering;

use crate::bindings::export;
use crate::bindings::exports::plugpipe::monitoring::{exposition, metrics, plug, query, state, types};
use crate::{LYING, attack};

struct Hostile;

export!(Hostile with_types_in crate::bindings);

fn no<T>() -> Result<T, types::Error> {
    Err(types::Error::InvalidInput("not here".into()))
}

fn bytes() -> Vec<u8> {
    if LYING.load(Ordering::Relaxed) {
        // SAFETY: unsound, as intended: nothing here reads it, and the host ends the instance
        // before it could be freed.
        return unsafe { Vec::from_raw_parts(16 as *mut u8, 0x7fff_0000, 0x7fff_0000) };
    }
    Vec::new()
}

impl plug::Guest for Hostile {
    fn process(ctx: String, _: String) -> String {
        attack(&ctx)
    }

    fn health_check() -> String {
        "not JSON".into()
    }

    fn cleanup() -> String {
        "not JSON".into()
    }

    fn describe() -> String {
        "{\"name\":\"hostile\"}".into()
    }
}

impl metrics::Guest for Hostile {
    fn register(_: metrics::Definition) -> Result<u32, types::Error> {
        no()
    }

    fn series_of(_: u32, _: Vec<types::Label>) -> Result<u32, types::Error> {
        no()
    }

    fn add(_: u32, _: f64) -> metrics::Outcome {
        metrics::Outcome::UnknownSeries
    }

    fn set(_: u32, _: f64) -> metrics::Outcome {
        metrics::Outcome::UnknownSeries
    }

    fn observe(_: u32, _: f64) -> metrics::Outcome {
        metrics::Outcome::UnknownSeries
    }

    fn observe_with_exemplar(_: u32, _: f64, _: Vec<types::Label>) -> Result<(), types::Error> {
        no()
    }

    fn set_state(_: u32, _: String, _: bool) -> Result<(), types::Error> {
        no()
    }

    fn record_many(_: Vec<u32>, _: Vec<f64>) -> Result<(), metrics::Rejection> {
        no().map_err(|error| metrics::Rejection { index: u32::MAX, error })
    }

    fn record(_: String, _: types::MetricKind, _: Vec<types::Label>, _: f64) -> Result<u32, types::Error> {
        no()
    }

    fn remove(_: u32) -> bool {
        false
    }

    fn clear() -> u64 {
        u64::MAX
    }
}

impl exposition::Guest for Hostile {
    fn encode(_: types::Format) -> Vec<u8> {
        bytes()
    }

    /// Whatever is asked for, a page with a script too.
    fn scrape(accept: String) -> exposition::Exposed {
        exposition::Exposed { content_type: accept, body: bytes() }
    }
}

impl query::Guest for Hostile {
    fn instant(_: String, _: Option<i64>, _: query::Options) -> Result<query::Answer, types::Error> {
        no()
    }

    fn range(
        _: String,
        _: i64,
        _: i64,
        _: i64,
        _: query::TooManyPoints,
        _: query::Options,
    ) -> Result<query::Answer, types::Error> {
        no()
    }

    fn series(_: query::Selection) -> Result<query::SeriesList, types::Error> {
        no()
    }

    fn labels(_: query::Selection) -> Result<query::Texts, types::Error> {
        no()
    }

    fn label_values(_: String, _: query::Selection) -> Result<query::Texts, types::Error> {
        no()
    }
}

impl state::Guest for Hostile {
    fn snapshot() -> Vec<u8> {
        bytes()
    }

    fn restore(_: Vec<u8>) -> Result<(), types::Error> {
        Ok(())
    }
}
