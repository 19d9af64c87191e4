//! The typed calls: metrics, exposition, query and state.

use crate::bindings::exports::plugpipe::monitoring::metrics;
use crate::error::Error;
use crate::journal::{Call, Packed};
use crate::store::call_on;

use super::convert::{journaled_definition, journaled_kind, journaled_labels, plug_error, text};
use super::{Definition, Exposed, Format, Label, MetricKind, Outcome, Session, query};

impl Session {
    /// Registers a family and answers its number; the same definition again answers the same.
    pub async fn register(&mut self, definition: &Definition) -> Result<u32, Error> {
        self.writable().await?;
        let family = call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_register(store, definition))?
            .map_err(plug_error)?;
        self.acknowledge(Call::Register { definition: Box::new(journaled_definition(definition)), family }).await?;
        Ok(family)
    }

    /// The handle of a family's series for these labels, made if need be.
    pub async fn series_of(&mut self, family: u32, labels: &[Label]) -> Result<u32, Error> {
        self.writable().await?;
        let series =
            call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_series_of(store, family, labels))?
                .map_err(plug_error)?;
        self.acknowledge(Call::SeriesOf { family, labels: journaled_labels(labels), series }).await?;
        Ok(series)
    }

    /// Adds to a counter or gauge.
    pub async fn add(&mut self, series: u32, amount: f64) -> Result<Outcome, Error> {
        self.writable().await?;
        let outcome = call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_add(store, series, amount))?;
        if outcome == Outcome::Recorded {
            self.acknowledge(Call::Add { series, amount }).await?;
        }
        Ok(outcome)
    }

    /// Sets a gauge.
    pub async fn set(&mut self, series: u32, value: f64) -> Result<Outcome, Error> {
        self.writable().await?;
        let outcome = call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_set(store, series, value))?;
        if outcome == Outcome::Recorded {
            self.acknowledge(Call::Set { series, value }).await?;
        }
        Ok(outcome)
    }

    /// Observes a value in a histogram, native histogram or summary.
    pub async fn observe(&mut self, series: u32, value: f64) -> Result<Outcome, Error> {
        self.writable().await?;
        let outcome = call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_observe(store, series, value))?;
        if outcome == Outcome::Recorded {
            self.acknowledge(Call::Observe { series, value }).await?;
        }
        Ok(outcome)
    }

    /// Observes a value, or adds to a counter, with an example.
    pub async fn observe_with_exemplar(&mut self, series: u32, value: f64, exemplar: &[Label]) -> Result<(), Error> {
        self.writable().await?;
        call!(self, |plug, store| plug
            .plugpipe_monitoring_metrics()
            .call_observe_with_exemplar(store, series, value, exemplar))?
        .map_err(plug_error)?;
        self.acknowledge(Call::ObserveWithExemplar { series, value, exemplar: journaled_labels(exemplar) }).await
    }

    /// Turns a state of a state set on or off.
    pub async fn set_state(&mut self, series: u32, state: &str, on: bool) -> Result<(), Error> {
        self.writable().await?;
        call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_set_state(store, series, state, on))?
            .map_err(plug_error)?;
        self.acknowledge(Call::SetState { series, state, on }).await
    }

    /// Records many at once, all or none; the lists have the same length.
    pub async fn record_many(&mut self, series: &[u32], values: &[f64]) -> Result<(), Error> {
        self.writable().await?;
        call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_record_many(store, series, values))?
            .map_err(|rejection: metrics::Rejection| Error::Plug {
                problem: format!("item {}: {}", rejection.index, text(rejection.error)),
            })?;
        self.acknowledge(Call::RecordMany { series: Packed::of_handles(series), values: Packed::of_values(values) })
            .await
    }

    /// Records by name, and answers the handle for the next time.
    pub async fn record(&mut self, name: &str, kind: MetricKind, labels: &[Label], value: f64) -> Result<u32, Error> {
        self.writable().await?;
        let series = call!(self, |plug, store| plug
            .plugpipe_monitoring_metrics()
            .call_record(store, name, kind, labels, value))?
        .map_err(plug_error)?;
        self.acknowledge(Call::Record {
            name,
            kind: journaled_kind(kind),
            labels: journaled_labels(labels),
            value,
            series,
        })
        .await?;
        Ok(series)
    }

    /// Removes a series; false if there was none.
    pub async fn remove(&mut self, series: u32) -> Result<bool, Error> {
        self.writable().await?;
        let was_there = call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_remove(store, series))?;
        if was_there {
            self.acknowledge(Call::Remove { series }).await?;
        }
        Ok(was_there)
    }

    /// Removes everything, and answers how many series there were.
    pub async fn clear(&mut self) -> Result<u64, Error> {
        self.writable().await?;
        let removed = call!(self, |plug, store| plug.plugpipe_monitoring_metrics().call_clear(store))?;
        self.acknowledge(Call::Clear).await?;
        Ok(removed)
    }

    /// The whole registry in one of the formats.
    pub async fn encode(&mut self, format: Format) -> Result<Vec<u8>, Error> {
        let bytes = call!(self, |plug, store| plug.plugpipe_monitoring_exposition().call_encode(store, format))?;
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
        let (bytes,) = call!(self, |_plug, store| function.call_async(store, (format,)))?;
        if let Some(instance) = &self.instance {
            buffer.extend_from_slice(bytes.as_le_slice(&instance.store));
        }
        self.looked();
        Ok(())
    }

    /// What a scrape with this `Accept` header gets; no header is an empty text.
    pub async fn scrape(&mut self, accept: &str) -> Result<Exposed, Error> {
        self.record_violations().await;
        let exposed = call!(self, |plug, store| plug.plugpipe_monitoring_exposition().call_scrape(store, accept))?;
        self.looked();
        self.mark_delivered(self.changes);
        Ok(exposed)
    }

    /// Asks the configured Prometheus an expression at one moment, in milliseconds since the epoch;
    /// none for the server's now.
    pub async fn instant(
        &mut self,
        expression: &str,
        time_ms: Option<i64>,
        options: query::Options,
    ) -> Result<query::Answer, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_query().call_instant(store, expression, time_ms, options))?
            .map_err(plug_error)
    }

    /// Asks it an expression over a range of time, at each step; all in milliseconds.
    pub async fn range(
        &mut self,
        expression: &str,
        (start_ms, end_ms, step_ms): (i64, i64, i64),
        too_many: query::TooManyPoints,
        options: query::Options,
    ) -> Result<query::Answer, Error> {
        call!(self, |plug, store| plug
            .plugpipe_monitoring_query()
            .call_range(store, expression, start_ms, end_ms, step_ms, too_many, options))?
        .map_err(plug_error)
    }

    /// The series that the selection finds in it.
    pub async fn series(&mut self, selection: &query::Selection) -> Result<query::SeriesList, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_query().call_series(store, selection))?.map_err(plug_error)
    }

    /// The names of labels in it.
    pub async fn labels(&mut self, selection: &query::Selection) -> Result<query::Texts, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_query().call_labels(store, selection))?.map_err(plug_error)
    }

    /// The values of one label in it.
    pub async fn label_values(&mut self, label: &str, selection: &query::Selection) -> Result<query::Texts, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_query().call_label_values(store, label, selection))?
            .map_err(plug_error)
    }

    /// The whole registry, for [`Session::restore`].
    pub async fn snapshot(&mut self) -> Result<Vec<u8>, Error> {
        call!(self, |plug, store| plug.plugpipe_monitoring_state().call_snapshot(store))
    }

    /// Replaces the registry by a snapshot; one that is damaged changes nothing.
    pub async fn restore(&mut self, snapshot: &[u8]) -> Result<(), Error> {
        self.writable().await?;
        call!(self, |plug, store| plug.plugpipe_monitoring_state().call_restore(store, snapshot))?
            .map_err(plug_error)?;
        self.acknowledge(Call::Restore { snapshot }).await
    }
}
