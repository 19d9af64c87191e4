//! The typed calls: metrics, exposition and state. A plug may do without the first two.

use std::sync::atomic::Ordering;

use crate::bindings::exports::plugpipe::monitoring::{metrics, types};
use crate::error::Error;
use crate::exports::text;
use crate::journal::{Bytes, Call, Packed};
use crate::store::call_recorder;

use super::convert::{journaled_definition, journaled_kind, journaled_labels, plug_error};
use super::{Definition, Exposed, Format, Label, MetricKind, Outcome, Session};

/// Makes a call of an interface that a plug may lack.
macro_rules! call_optional {
    ($session:expr, $interface:ident, $name:literal, |$guest:ident, $store:ident| $call:expr) => {{
        let limit = $session.limits.recorder_call();
        let mut instance = $session.take_ready().await?;
        if instance.exports.$interface.is_none() {
            $session.put_back(instance);
            return Err(Error::NotExported { interface: $name });
        }
        let outcome = call_recorder!(&mut instance, limit, |exports, $store| async {
            match &exports.$interface {
                Some($guest) => $call.await,
                None => Err(wasmtime::Error::msg($name)),
            }
        });
        match outcome {
            Ok(answer) => {
                $session.put_back(instance);
                Ok(answer)
            }
            Err(error) => Err($session.lost(&instance, error)),
        }
    }};
}

/// What the plug answered, unless that is an error of its own.
macro_rules! said {
    ($answer:expr) => {
        match $answer {
            Ok(value) => value,
            Err(error) => return Ok(Err(error)),
        }
    };
}

macro_rules! call_metrics {
    ($session:expr, |$guest:ident, $store:ident| $call:expr) => {
        call_optional!($session, metrics, "plugpipe:monitoring/metrics", |$guest, $store| $call)
    };
}

macro_rules! call_exposition {
    ($session:expr, |$guest:ident, $store:ident| $call:expr) => {
        call_optional!($session, exposition, "plugpipe:monitoring/exposition", |$guest, $store| $call)
    };
}

impl Session {
    /// Registers a family and answers its number; the same definition again answers the same.
    pub async fn register(&mut self, definition: &Definition) -> Result<u32, Error> {
        self.try_register(definition).await?.map_err(plug_error)
    }

    /// The same with the plug's own error, as for all calls of this name.
    pub(crate) async fn try_register(&mut self, definition: &Definition) -> Result<Result<u32, types::Error>, Error> {
        self.writable().await?;
        let family = said!(call_metrics!(self, |metrics, store| metrics.call_register(store, definition))?);
        self.acknowledge(Call::Register { definition: Box::new(journaled_definition(definition)), family }, 0).await?;
        Ok(Ok(family))
    }

    /// The handle of a family's series for these labels, made if need be.
    pub async fn series_of(&mut self, family: u32, labels: &[Label]) -> Result<u32, Error> {
        self.try_series_of(family, labels).await?.map_err(plug_error)
    }

    pub(crate) async fn try_series_of(
        &mut self,
        family: u32,
        labels: &[Label],
    ) -> Result<Result<u32, types::Error>, Error> {
        self.writable().await?;
        let series = said!(call_metrics!(self, |metrics, store| metrics.call_series_of(store, family, labels))?);
        self.acknowledge(Call::SeriesOf { family, labels: journaled_labels(labels), series }, 0).await?;
        Ok(Ok(series))
    }

    /// Adds to a counter or gauge.
    pub async fn add(&mut self, series: u32, amount: f64) -> Result<Outcome, Error> {
        self.writable().await?;
        let outcome = call_metrics!(self, |metrics, store| metrics.call_add(store, series, amount))?;
        if outcome == Outcome::Recorded {
            self.acknowledge(Call::Add { series, amount }, 0).await?;
        }
        Ok(outcome)
    }

    /// Sets a gauge.
    pub async fn set(&mut self, series: u32, value: f64) -> Result<Outcome, Error> {
        self.writable().await?;
        let outcome = call_metrics!(self, |metrics, store| metrics.call_set(store, series, value))?;
        if outcome == Outcome::Recorded {
            self.acknowledge(Call::Set { series, value }, 0).await?;
        }
        Ok(outcome)
    }

    /// Observes a value in a histogram, native histogram or summary.
    pub async fn observe(&mut self, series: u32, value: f64) -> Result<Outcome, Error> {
        self.writable().await?;
        let outcome = call_metrics!(self, |metrics, store| metrics.call_observe(store, series, value))?;
        if outcome == Outcome::Recorded {
            self.acknowledge(Call::Observe { series, value }, 0).await?;
        }
        Ok(outcome)
    }

    /// Observes a value, or adds to a counter, with an example.
    pub async fn observe_with_exemplar(&mut self, series: u32, value: f64, exemplar: &[Label]) -> Result<(), Error> {
        self.try_observe_with_exemplar(series, value, exemplar).await?.map_err(plug_error)
    }

    pub(crate) async fn try_observe_with_exemplar(
        &mut self,
        series: u32,
        value: f64,
        exemplar: &[Label],
    ) -> Result<Result<(), types::Error>, Error> {
        self.writable().await?;
        said!(call_metrics!(self, |metrics, store| {
            metrics.call_observe_with_exemplar(store, series, value, exemplar)
        })?);
        self.acknowledge(Call::ObserveWithExemplar { series, value, exemplar: journaled_labels(exemplar) }, 0).await?;
        Ok(Ok(()))
    }

    /// Turns a state of a state set on or off.
    pub async fn set_state(&mut self, series: u32, state: &str, on: bool) -> Result<(), Error> {
        self.try_set_state(series, state, on).await?.map_err(plug_error)
    }

    pub(crate) async fn try_set_state(
        &mut self,
        series: u32,
        state: &str,
        on: bool,
    ) -> Result<Result<(), types::Error>, Error> {
        self.writable().await?;
        said!(call_metrics!(self, |metrics, store| metrics.call_set_state(store, series, state, on))?);
        self.acknowledge(Call::SetState { series, state, on }, 0).await?;
        Ok(Ok(()))
    }

    /// Records many at once, all or none; the lists have the same length.
    pub async fn record_many(&mut self, series: &[u32], values: &[f64]) -> Result<(), Error> {
        self.try_record_many(series, values).await?.map_err(|rejection| Error::Plug {
            problem: format!("item {}: {}", rejection.index, text(rejection.error)),
        })
    }

    pub(crate) async fn try_record_many(
        &mut self,
        series: &[u32],
        values: &[f64],
    ) -> Result<Result<(), metrics::Rejection>, Error> {
        self.writable().await?;
        said!(call_metrics!(self, |metrics, store| metrics.call_record_many(store, series, values))?);
        self.acknowledge(
            Call::RecordMany { series: Packed::of_handles(series), values: Packed::of_values(values) },
            size_of_val(series) + size_of_val(values),
        )
        .await?;
        Ok(Ok(()))
    }

    /// Records by name, and answers the handle for the next time.
    pub async fn record(&mut self, name: &str, kind: MetricKind, labels: &[Label], value: f64) -> Result<u32, Error> {
        self.try_record(name, kind, labels, value).await?.map_err(plug_error)
    }

    pub(crate) async fn try_record(
        &mut self,
        name: &str,
        kind: MetricKind,
        labels: &[Label],
        value: f64,
    ) -> Result<Result<u32, types::Error>, Error> {
        self.writable().await?;
        let series =
            said!(call_metrics!(self, |metrics, store| metrics.call_record(store, name, kind, labels, value))?);
        self.acknowledge(
            Call::Record { name, kind: journaled_kind(kind), labels: journaled_labels(labels), value, series },
            0,
        )
        .await?;
        Ok(Ok(series))
    }

    /// Removes a series; false if there was none.
    pub async fn remove(&mut self, series: u32) -> Result<bool, Error> {
        self.writable().await?;
        let was_there = call_metrics!(self, |metrics, store| metrics.call_remove(store, series))?;
        if was_there {
            self.acknowledge(Call::Remove { series }, 0).await?;
        }
        Ok(was_there)
    }

    /// Removes everything, and answers how many series there were.
    pub async fn clear(&mut self) -> Result<u64, Error> {
        self.writable().await?;
        let removed = call_metrics!(self, |metrics, store| metrics.call_clear(store))?;
        self.acknowledge(Call::Clear, 0).await?;
        Ok(removed)
    }

    /// The whole registry in one of the formats.
    pub async fn encode(&mut self, format: Format) -> Result<Vec<u8>, Error> {
        let bytes = call_exposition!(self, |exposition, store| exposition.call_encode(store, format))?;
        self.looked();
        Ok(bytes)
    }

    /// Like [`Session::encode`], into a buffer that the caller uses again: for tens of megabytes,
    /// memory that is fresh at each call costs several times what the copy does. What was in the
    /// buffer is gone, also after an error.
    pub async fn encode_into(&mut self, format: Format, buffer: &mut Vec<u8>) -> Result<(), Error> {
        buffer.clear();
        if !self.in_place {
            // Other plugs may free their answer before this call is back.
            *buffer = self.encode(format).await?;
            return Ok(());
        }
        let function = self.ready().await?.encode_in_place()?;
        let (bytes,) = call!(self, |_exports, store| function.call_async(store, (format,)))?;
        if let Some(instance) = &self.instance {
            buffer.extend_from_slice(bytes.as_le_slice(&instance.store));
        }
        self.looked();
        Ok(())
    }

    /// What a scrape with this `Accept` header gets; no header is an empty text.
    pub async fn scrape(&mut self, accept: &str) -> Result<Exposed, Error> {
        self.record_violations().await;
        let exposed = call_exposition!(self, |exposition, store| exposition.call_scrape(store, accept))?;
        self.looked();
        self.scraped_to = Some(self.changes);
        Ok(exposed)
    }

    /// All that the plug stores, for [`Session::restore`].
    pub async fn snapshot(&mut self) -> Result<Vec<u8>, Error> {
        call!(self, |exports, store| exports.state.call_snapshot(store))
    }

    /// Replaces all of it by a snapshot; one that is damaged changes nothing.
    pub async fn restore(&mut self, snapshot: &[u8]) -> Result<(), Error> {
        self.writable().await?;
        if !self.board.is_idle() {
            let problem = "it cannot be restored while requests or jobs are open".to_owned();
            return Err(Error::Plug { problem });
        }
        call!(self, |exports, store| exports.state.call_restore(store, snapshot))?
            .map_err(|problem| Error::Plug { problem })?;
        self.replaced.fetch_add(1, Ordering::Relaxed);
        self.acknowledge(Call::Restore { snapshot: Bytes(snapshot) }, snapshot.len()).await?;
        // What was open in the snapshot has no caller here.
        self.go_on().await?;
        self.tend().await;
        Ok(())
    }
}
