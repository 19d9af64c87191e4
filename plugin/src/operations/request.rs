//! Requests, parsed until their operation is known.

use super::record::{multiple, one};
use crate::config::Config;
use crate::error::Error;
use crate::known::Warnings;
use crate::registry::Kind;
use plugpipe_contract::direct::read_directly;
use plugpipe_contract::document::{Both, Request as _};
use plugpipe_contract::requests::{DefinitionFields, ListedRecord, Record, RecordMultiple};
use plugpipe_contract::response::ResponseWriter;
use plugpipe_contract::scalar::Verbatim;
use plugpipe_operations::hosting::converse::Parsed;
use plugpipe_operations::operations::call::Call;
use plugpipe_operations::operations::table::{Operation, Run, find};

/// A request, parsed until its operation is known.
pub(super) enum Request<'a> {
    /// A record without settings or warnings, read in one pass.
    Record(&'static Operation, Option<Kind>, Record<'a>),
    /// A list of records, read in one pass.
    Records(&'static Operation, RecordMultiple<'a, ListedRecord<'a>>),
    /// Any other.
    Document(Parsed<'a>),
}

impl<'a> Request<'a> {
    pub(super) fn read(ctx: &'a str, warnings: &mut Warnings) -> Result<Self, Error> {
        if let Some(record) = read_directly::<Record>(ctx)
            && let Some(operation) = record.operation.get().and_then(find)
            && let Run::Record(kind) = operation.run
        {
            return Ok(Self::Record(operation, kind, record));
        }
        if let Some(records) = read_directly::<RecordMultiple<ListedRecord>>(ctx)
            && let Some(operation) = records.operation.get().and_then(find)
            && let Run::Records = operation.run
        {
            return Ok(Self::Records(operation, records));
        }
        Parsed::read(ctx, warnings).map(Self::Document)
    }

    /// The requested operation.
    pub(super) fn operation(&self) -> &'static Operation {
        match self {
            Self::Record(operation, ..) | Self::Records(operation, ..) | Self::Document(Parsed { operation, .. }) => {
                operation
            }
        }
    }

    /// The configuration of the call, if the request has settings.
    pub(super) fn config(&self, outer: &Config) -> Result<Option<Config>, Error> {
        match self {
            Self::Record(..) | Self::Records(..) => Ok(None),
            Self::Document(parsed) => parsed.config(outer),
        }
    }

    /// The pipe step of the request, if given.
    pub(super) fn step(&self) -> Option<Verbatim<'_>> {
        let Self::Document(Parsed { document, .. }) = self else { return None };
        ["step_id", "step"].into_iter().find_map(|key| document.read_field(key).ok()?)
    }

    pub(super) fn run(&self, call: &mut Call, response: &mut ResponseWriter) -> Result<(), Error> {
        match self {
            Self::Record(_, kind, record) => response.add(&one(call, *kind, (record, &DefinitionFields::default()))?),
            Self::Records(_, records) => {
                let fields = DefinitionFields::default();
                let list = records.records(|record| (record, &fields));
                response.add(&multiple(call, (list.as_deref(), &records.timestamp))?);
            }
            Self::Document(Parsed { operation, document, .. }) => match operation.run {
                Run::Record(kind) => {
                    let Both(record, fields) = Both::<Record, DefinitionFields>::from_document(document)?;
                    response.add(&one(call, kind, (&record, &fields))?);
                }
                Run::Records => {
                    let records = RecordMultiple::<Both<_, _>>::from_document(document)?;
                    let list = records.records(|Both(record, fields)| (record, fields));
                    response.add(&multiple(call, (list.as_deref(), &records.timestamp))?);
                }
                Run::Typed { run, .. } => run(call, document, response)?,
            },
        }
        Ok(())
    }

    /// Moves the warnings about the request to `warnings`.
    pub(super) fn take_warnings(&self, warnings: &mut Warnings) {
        if let Self::Document(Parsed { document, .. }) = self {
            warnings.append(document.take_warnings());
        }
    }
}

#[cfg(test)]
mod tests {
    use plugpipe_contract::document::Document;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Reads one record by the general path, if there are no warnings.
    fn record(ctx: &str) -> Option<Record<'_>> {
        let document = Document::parse(ctx).ok()?;
        let Both(record, fields) = Both::<Record, DefinitionFields>::from_document(&document).ok()?;
        let plain = fields == DefinitionFields::default() && document.take_warnings().is_empty();
        let whole = document.names().all(|name| Both::<Record, DefinitionFields>::fields().contains(&name));
        (plain && whole).then_some(record)
    }

    /// Reads a list of records by the general path.
    fn records(ctx: &str) -> Option<RecordMultiple<'_, ListedRecord<'_>>> {
        let document = Document::parse(ctx).ok()?;
        let records = RecordMultiple::<Both<_, _>>::from_document(&document).ok()?;
        let plain = |Both(record, fields)| (fields == DefinitionFields::default()).then_some(record);
        let RecordMultiple { operation, metrics, timestamp } = records;
        let metrics = metrics.map(|metrics| metrics.into_iter().map(plain).collect::<Option<Vec<_>>>());
        let metrics = match metrics {
            Some(metrics) => Some(metrics?),
            None => None,
        };
        let whole = document.names().all(|name| RecordMultiple::<Both<_, _>>::fields().contains(&name));
        (whole && document.take_warnings().is_empty()).then_some(RecordMultiple { operation, metrics, timestamp })
    }

    /// The fast path must read the same as the general path, or nothing.
    fn check_equal(ctx: &str) -> Result<(), TestCaseError> {
        if let Some(direct) = read_directly::<Record>(ctx) {
            prop_assert_eq!(Some(direct), record(ctx), "{}", ctx);
        }
        if let Some(direct) = read_directly::<RecordMultiple<ListedRecord>>(ctx) {
            prop_assert_eq!(Some(direct), records(ctx), "{}", ctx);
        }
        Ok(())
    }

    #[test]
    fn typical_records_are_read_in_one_pass() {
        for ctx in [
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":1}"#,
            r#" { "operation" : "record_gauge" , "metric_name" : "g" , "metric_value" : "1e3" } "#,
            r#"{"operation":"record_counter","metric_name":"g","metric_value":-0.5e-3,"labels":{"a":"\u00e9\n","b":2,"c":true}}"#,
            r#"{"operation":"record_counter","metric_name":"g","metric_value":1,"help":"x","timestamp":1700000000}"#,
        ] {
            let direct = read_directly::<Record>(ctx);
            assert!(direct.is_some(), "{ctx}");
            assert_eq!(direct, record(ctx));
        }
        for ctx in [
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":1,"job_name":"j"}"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":1,"metric_value":2}"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":1,"labels":{"a":1.50}}"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":"x"}"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":1} x"#,
            r#"{"operation":"record_gauge","metric_name":"\ud800","metric_value":1}"#,
        ] {
            assert_eq!(read_directly::<Record>(ctx), None, "{ctx}");
        }
    }

    /// Typical records, many of them with an irregularity.
    fn ctx() -> impl Strategy<Value = String> {
        let operation = prop_oneof![
            6 => prop::sample::select(vec!["record_counter", "record_gauge", "record_histogram", "record_summary", "record_metric"]).prop_map(Value::from),
            1 => prop::sample::select(vec!["describe", " record_gauge", "record"]).prop_map(Value::from),
            1 => Just(Value::Null),
        ];
        let name = prop_oneof![
            9 => prop::sample::select(vec!["c_total", "g", "h", "s", "n", "i", "few", "dotted.name", "new_metric"]).prop_map(Value::from),
            1 => any::<String>().prop_map(Value::from),
        ];
        let value = prop_oneof![
            4 => (-1_000_i64..1_000_000).prop_map(Value::from),
            4 => any::<f64>().prop_map(Value::from),
            2 => (0..100_000_u32).prop_map(|n| json!(f64::from(n) / 1e3)),
            1 => any::<i64>().prop_map(Value::from),
            1 => prop::sample::select(vec![json!("1.5"), json!(null), json!([]), json!(true), json!("x")]),
        ];
        let text = prop_oneof![6 => "[12]?", 1 => "[ -~]{0,20}", 1 => any::<String>()];
        let label = (
            "[ab]",
            prop_oneof![12 => text.prop_map(Value::from), 2 => (0..3_u32).prop_map(|n| json!(n)), 1 => Just(json!(1.5))],
        );
        let labels = prop_oneof![
            6 => prop::collection::vec(label, 0..4).prop_map(Some),
            1 => Just(None),
        ];
        let more = prop::option::weighted(
            0.2,
            prop::sample::select(vec![
                r#""metric_type":"gauge""#,
                r#""metric_type":"histogram""#,
                r#""metric_type":7"#,
                r#""help":"x""#,
                r#""timestamp":"2024-01-01T00:00:00Z""#,
                r#""timestamp":"x""#,
                r#""metric_value":2"#,
                r#""job_name":"j""#,
                r#""labels":{}"#,
                r#""utf8":true"#,
                r#""a":"#,
                "",
            ]),
        );
        let space = prop::sample::select(vec!["", "", "", " ", "\n\t"]);
        (operation, name, value, labels, more, space, any::<prop::sample::Index>()).prop_map(
            |(operation, name, value, labels, more, space, at)| {
                let mut members = vec![
                    format!("\"operation\":{space}{operation}"),
                    format!("\"metric_name\"{space}:{name}"),
                    format!("\"metric_value\":{value}{space}"),
                ];
                if let Some(labels) = labels {
                    let labels: Vec<String> =
                        labels.iter().map(|(name, value)| format!("\"{name}\":{space}{value}")).collect();
                    members.push(format!("{space}\"labels\":{{{}}}", labels.join(",")));
                }
                if let Some(more) = more {
                    members.insert(at.index(members.len() + 1), more.to_owned());
                }
                let rotate = at.index(members.len());
                members.rotate_left(rotate);
                format!("{space}{{{}}}{space}", members.join(","))
            },
        )
    }

    /// Typical lists, some of their items with an irregularity.
    fn batch() -> impl Strategy<Value = String> {
        let known = prop::sample::select(vec![
            ("c_total", "counter", r#"{"a":"1","b":"2"}"#),
            ("c_total", "counter", r#"{"a": 1 , "b":2}"#),
            ("c_total", "counter", r#"{"b":"é \u2603","a":""}"#),
            ("g", "gauge", "{}"),
            ("h", "histogram", r#"{ "a" : "1" }"#),
            ("s", "summary", "{}"),
            ("few", "gauge", r#"{"a":"1"}"#),
            ("few", "gauge", r#"{"a":"7"}"#),
        ]);
        let value = prop_oneof![
            20 => (0_u32..100_000).prop_map(|n| json!(f64::from(n) / 1e3)),
            1 => any::<f64>().prop_map(Value::from),
            1 => Just(json!("x")),
        ];
        let odd = prop::option::weighted(
            0.05,
            prop::sample::select(vec![r#","help":"x""#, r#","value":1"#, r#","type":7"#, r#","name":"new""#, ","]),
        );
        let item = (known, value, odd, any::<bool>()).prop_map(|((name, kind, labels), value, odd, short)| {
            let odd = odd.unwrap_or_default();
            let [name_key, value_key, kind_key] =
                if short { ["name", "value", "type"] } else { ["metric_name", "metric_value", "metric_type"] };
            format!(r#"{{"{name_key}":"{name}","{value_key}":{value},"{kind_key}":"{kind}","labels":{labels}{odd}}}"#)
        });
        prop::collection::vec(item, 0..8)
            .prop_map(|items| format!(r#"{{"operation":"record_multiple_metrics","metrics":[{}]}}"#, items.join(" ,")))
    }

    proptest! {
        #[test]
        fn both_paths_read_lists_equally(ctx in batch(), at: prop::sample::Index, byte in prop::char::range(' ', '~')) {
            check_equal(&ctx)?;
            let mut damaged: Vec<char> = ctx.chars().collect();
            let place = at.index(damaged.len());
            damaged[place] = byte;
            check_equal(&damaged.into_iter().collect::<String>())?;
        }

        #[test]
        fn both_paths_read_records_equally(ctx in ctx(), at: prop::sample::Index, byte in prop::char::range(' ', '~')) {
            check_equal(&ctx)?;
            let mut damaged: Vec<char> = ctx.chars().collect();
            let place = at.index(damaged.len());
            damaged[place] = byte;
            check_equal(&damaged.into_iter().collect::<String>())?;
        }
    }
}
