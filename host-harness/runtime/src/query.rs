//! Typed queries: each in a fresh instance, so that none waits for another and no record for one.

use std::sync::Arc;

use crate::bindings::exports::plugpipe::monitoring::{query, types};
use crate::egress::Reach;
use crate::error::Error;
use crate::exports::text;
use crate::store::{Factory, call_worker};

/// Asks the servers that a plug's configuration names. Cheap to clone.
#[derive(Clone)]
pub struct Querier {
    factory: Arc<Factory>,
    config: Arc<str>,
}

/// Makes a call of the query interface in a fresh instance.
macro_rules! query {
    ($querier:expr, |$query:ident, $store:ident| $call:expr) => {{
        let Querier { factory, config } = $querier;
        let limit = factory.limits.call;
        let mut worker = factory.worker(Reach::Nothing, limit).await?;
        // Before it is configured it reaches nothing.
        worker.exports.query()?;
        let adopted = call_worker!(&mut worker, limit, |exports, store| exports.hosting.call_configure(store, config))?;
        adopted.map_err(|problem| Error::Plug { problem: problem.message })?;
        worker.store.data_mut().egress.reach = Reach::Granted;
        call_worker!(&mut worker, limit, |exports, $store| async {
            match exports.query() {
                Ok($query) => $call.await,
                Err(error) => Err(error.into()),
            }
        })
    }};
}

/// What the plug answered; its own error as the host's.
fn said<T>(answer: Result<T, types::Error>) -> Result<T, Error> {
    answer.map_err(|error| Error::Plug { problem: text(error) })
}

type Said<T> = Result<Result<T, types::Error>, Error>;

impl Querier {
    pub(crate) fn new(factory: Arc<Factory>, config: String) -> Self {
        Self { factory, config: config.into() }
    }

    /// Asks the configured Prometheus an expression at one moment, in milliseconds since the epoch;
    /// none for the server's now.
    pub async fn instant(
        &self,
        expression: &str,
        time_ms: Option<i64>,
        options: query::Options,
    ) -> Result<query::Answer, Error> {
        said(self.try_instant(expression, time_ms, options).await?)
    }

    /// The same with the plug's own error, as for all calls of this name.
    pub(crate) async fn try_instant(
        &self,
        expression: &str,
        time_ms: Option<i64>,
        options: query::Options,
    ) -> Said<query::Answer> {
        query!(self, |query, store| query.call_instant(store, expression, time_ms, options))
    }

    /// Asks it an expression over a range of time, at each step; all in milliseconds.
    pub async fn range(
        &self,
        expression: &str,
        (start_ms, end_ms, step_ms): (i64, i64, i64),
        too_many: query::TooManyPoints,
        options: query::Options,
    ) -> Result<query::Answer, Error> {
        said(self.try_range(expression, (start_ms, end_ms, step_ms), too_many, options).await?)
    }

    pub(crate) async fn try_range(
        &self,
        expression: &str,
        (start_ms, end_ms, step_ms): (i64, i64, i64),
        too_many: query::TooManyPoints,
        options: query::Options,
    ) -> Said<query::Answer> {
        query!(self, |query, store| query.call_range(store, expression, start_ms, end_ms, step_ms, too_many, options))
    }

    /// The series that the selection finds in it.
    pub async fn series(&self, selection: &query::Selection) -> Result<query::SeriesList, Error> {
        said(self.try_series(selection).await?)
    }

    pub(crate) async fn try_series(&self, selection: &query::Selection) -> Said<query::SeriesList> {
        query!(self, |query, store| query.call_series(store, selection))
    }

    /// The names of labels in it.
    pub async fn labels(&self, selection: &query::Selection) -> Result<query::Texts, Error> {
        said(self.try_labels(selection).await?)
    }

    pub(crate) async fn try_labels(&self, selection: &query::Selection) -> Said<query::Texts> {
        query!(self, |query, store| query.call_labels(store, selection))
    }

    /// The values of one label in it.
    pub async fn label_values(&self, label: &str, selection: &query::Selection) -> Result<query::Texts, Error> {
        said(self.try_label_values(label, selection).await?)
    }

    pub(crate) async fn try_label_values(&self, label: &str, selection: &query::Selection) -> Said<query::Texts> {
        query!(self, |query, store| query.call_label_values(store, label, selection))
    }
}
