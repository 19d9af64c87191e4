//! Operations that ask servers and need nothing of what was recorded: their job is the request
//! itself, which a worker reads again and carries out.

use super::Recorder;
use super::found::{Found, RulesFound};
use super::job::ConverseJob;
use super::recorder::Lent;
use super::schedule::Next;
use super::worker::{Report, Told, Worker};
use crate::config::Config;
use crate::error::Error;
use crate::known::Warnings;
use crate::operations::call::Call;
use crate::operations::table::{Operation, Run, requested};
use plugpipe_contract::document::{Document, Request as _};
use plugpipe_contract::response::ResponseWriter;
use plugpipe_contract::settings::{ConfigurationOnly, Context, OfRequest};

/// A request that was read as far as is needed to know its operation.
pub struct Parsed<'a> {
    /// What is asked for.
    pub operation: &'static Operation,
    /// All of it.
    pub document: Document<'a>,
    /// What it says of the configuration, if it does.
    pub settings: Option<Document<'a>>,
}

impl<'a> Parsed<'a> {
    /// Reads a `ctx`, and notes what nobody knows.
    ///
    /// # Errors
    /// It is no JSON object, or names no operation.
    pub fn read(ctx: &'a str, warnings: &mut Warnings) -> Result<Self, Error> {
        let document = Document::parse(ctx).map_err(|problem| Error::NotJson { what: "ctx", problem })?;
        let operation = requested(&document)?;
        let (settings, context) = (OfRequest::fields(), Context::fields());
        document.warn_of_unknown(&[operation.run.fields(), context, settings], ConfigurationOnly::fields());
        let settings = document.part(settings);
        warnings.append(document.take_warnings());
        Ok(Self { operation, document, settings })
    }

    /// The configuration, where the request says something of it.
    ///
    /// # Errors
    /// What it says is not valid.
    pub fn config(&self, outer: &Config) -> Result<Option<Config>, Error> {
        let Some(settings) = &self.settings else { return Ok(None) };
        let config = outer.with_ctx(settings);
        self.document.add_warnings(settings.take_warnings());
        config.map(Some)
    }

    /// Carries out an operation that is in the table; records are not.
    ///
    /// # Errors
    /// As the operation says.
    pub fn run(&self, call: &mut Call, response: &mut ResponseWriter) -> Result<(), Error> {
        match self.operation.run {
            Run::Typed { run, .. } => run(call, &self.document, response),
            // The recorder does that itself.
            Run::Record(_) | Run::Records => Err(Error::invalid("operation", "is carried out by the recorder alone")),
        }
    }
}

impl ConverseJob {
    pub(super) fn run(self, unix_nanos: u64, worker: &mut Worker) -> (Option<Box<Found>>, Told) {
        let mut warnings = Warnings::default();
        let mut next = Next { view: self.view.clone().map(Box::new), ..Next::default() };
        let mut writer = ResponseWriter::new();
        let outcome = self.carry_out(unix_nanos, worker, (&mut warnings, &mut next), &mut writer);
        let report = outcome.err().map(|error| Report::of(&error));
        let members = if report.is_none() { writer.into_members() } else { String::new() };
        let failed = || {
            Some(Box::new(Found {
                rules: Some(RulesFound { failed: true, ..RulesFound::default() }),
                ..Found::default()
            }))
        };
        let found = match &report {
            None => next.found,
            // A replay has no report, and must come to the same stage.
            Some(_) => self.view.and_then(|_| failed()),
        };
        (found, Told { members, metadata: next.metadata, report, warnings, ..Told::default() })
    }

    fn carry_out(
        &self,
        unix_nanos: u64,
        worker: &mut Worker,
        (warnings, next): (&mut Warnings, &mut Next),
        writer: &mut ResponseWriter,
    ) -> Result<(), Error> {
        let mut recorder = Recorder::new(unix_nanos);
        // What there is to say of the configuration the recorder has said.
        recorder.configure(&self.cfg, &mut Warnings::default())?;
        let parsed = Parsed::read(&self.ctx, warnings)?;
        let config = parsed.config(&recorder.config)?;
        core::mem::swap(&mut recorder.circuits, &mut worker.circuits);
        let lent = Lent {
            transport: worker.transport,
            jitter: &mut worker.jitter,
            exchange: &mut worker.exchange,
            warnings,
            next,
            unix_nanos,
        };
        let outcome = parsed.run(&mut recorder.call(config.as_ref(), lent), writer);
        core::mem::swap(&mut recorder.circuits, &mut worker.circuits);
        warnings.append(parsed.document.take_warnings());
        outcome
    }
}
