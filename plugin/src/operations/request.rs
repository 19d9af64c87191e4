//! What a call asks for.

use std::sync::OnceLock;

use super::table::{Operation, choose, find};
use super::{Answer, Call, Run, RunRecord, RunRecords, parse_object};
use crate::config::Config;
use crate::error::Error;
use crate::fields::Fields;
use crate::json::Object;
use crate::known::{self, Warnings};
use plugpipe_contract::direct::read_directly;
use plugpipe_contract::document::{Both, Document, Request as _};
use plugpipe_contract::requests::{DefinitionFields, ListedRecord, Record, RecordMultiple};
use plugpipe_contract::scalar::Verbatim;
use plugpipe_contract::settings::{configuration_only, context_fields, request_settings};

/// A request that was read as far as is needed to know its operation.
pub(super) enum Request<'a> {
    /// A record, read in one pass: nothing is to be said of it, and it has no settings.
    Record(&'static Operation, RunRecord, Record<'a>),
    /// The same for a list of records.
    Records(&'static Operation, RunRecords, RecordMultiple<'a, ListedRecord<'a>>),
    /// Any other.
    Document {
        operation: &'static Operation,
        document: Document<'a>,
        /// What it says of the configuration, if it does.
        settings: Option<Document<'a>>,
        /// The same as a tree, for what is read field by field.
        object: Object<'a>,
    },
}

impl<'a> Request<'a> {
    pub(super) fn read(ctx: &'a str, warnings: &mut Warnings) -> Result<Self, Error> {
        if let Some(record) = read_directly::<Record>(ctx)
            && let Some(operation) = record.operation.get().and_then(find)
            && let Run::Record(run) = operation.run
        {
            return Ok(Self::Record(operation, run, record));
        }
        if let Some(records) = read_directly::<RecordMultiple<ListedRecord>>(ctx)
            && let Some(operation) = records.operation.get().and_then(find)
            && let Run::Records(run) = operation.run
        {
            return Ok(Self::Records(operation, run, records));
        }
        let document = Document::parse(ctx).map_err(|problem| Error::NotJson { what: "ctx", problem })?;
        let operation = choose(&document)?;
        let (settings, context) = (request_settings(), context_fields());
        let mut object = Object::EMPTY;
        match operation.run.fields() {
            None => {
                object = parse_object("ctx", ctx)?;
                known::check_ctx(operation.name, &object, warnings);
            }
            Some(fields) => {
                document.warn_of_unknown(&[fields, context, settings], configuration_only());
            }
        }
        let settings = document.part(settings);
        warnings.append(document.take_warnings());
        Ok(Self::Document { operation, document, settings, object })
    }

    /// What is asked for.
    pub(super) fn operation(&self) -> &'static Operation {
        match self {
            Self::Record(operation, ..) | Self::Records(operation, ..) | Self::Document { operation, .. } => operation,
        }
    }

    /// The configuration, where the request says something of it.
    pub(super) fn config(&self, outer: &Config) -> Result<Option<Config>, Error> {
        match self {
            Self::Record(..) | Self::Records(..) => Ok(None),
            Self::Document { settings, document, .. } => {
                let Some(settings) = settings else { return Ok(None) };
                let config = outer.with_ctx(settings);
                document.add_warnings(settings.take_warnings());
                config.map(Some)
            }
        }
    }

    /// The step of a pipe that the request is from, where it says so.
    pub(super) fn step(&self) -> Option<Verbatim<'_>> {
        let Self::Document { document, .. } = self else { return None };
        ["step_id", "step"].into_iter().find_map(|key| document.read_field(key).ok()?)
    }

    /// The request's fields, for operations that read them one by one.
    pub(super) fn fields(&self) -> Fields<'_> {
        static EMPTY: Object = Object::EMPTY;
        match self {
            Self::Record(..) | Self::Records(..) => Fields::new(&EMPTY, ""),
            Self::Document { object, .. } => Fields::new(object, ""),
        }
    }

    pub(super) fn run(&self, call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
        match self {
            Self::Record(_, run, record) => run(call, (record, &DefinitionFields::default()), answer),
            Self::Records(_, run, records) => {
                let fields = DefinitionFields::default();
                let list = records.records(|record| (record, &fields));
                run(call, (list.as_deref(), &records.timestamp), answer)
            }
            Self::Document { operation, document, .. } => match operation.run {
                Run::Record(run) => {
                    let Both(record, fields) = Both::<Record, DefinitionFields>::from_document(document)?;
                    run(call, (&record, &fields), answer)
                }
                Run::Records(run) => {
                    let records = RecordMultiple::<Both<_, _>>::from_document(document)?;
                    let list = records.records(|Both(record, fields)| (record, fields));
                    run(call, (list.as_deref(), &records.timestamp), answer)
                }
                Run::Typed { run, .. } => run(call, document, answer),
                Run::Untyped(run) => run(call, answer),
            },
        }
    }

    /// What there is to say of how the request was read.
    pub(super) fn take_warnings(&self, warnings: &mut Warnings) {
        if let Self::Document { document, .. } = self {
            warnings.append(document.take_warnings());
        }
    }
}

impl Run {
    /// The fields of the operation's request, where it has a type.
    fn fields(self) -> Option<&'static [&'static str]> {
        static RECORD: FieldNames = FieldNames::new();
        static RECORDS: FieldNames = FieldNames::new();
        Some(match self {
            Self::Record(_) => RECORD.get_or_init(Both::<Record, DefinitionFields>::fields),
            Self::Records(_) => RECORDS.get_or_init(RecordMultiple::<Both<_, _>>::fields),
            Self::Typed { fields, .. } => fields(),
            Self::Untyped(_) => return None,
        })
    }
}

/// The names of a request's fields, which are asked for once.
pub(super) type FieldNames = OnceLock<Vec<&'static str>>;
