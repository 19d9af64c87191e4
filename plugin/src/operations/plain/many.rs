//! The quick way of a list: `record_multiple_metrics` with values for series that are there.
//!
//! The whole list is read and looked up before anything is recorded, and then recorded all or none.

use super::{Label, Plain, Reader, Span, tail_of, tell, texts};
use crate::json::Writer;
use crate::registry::{Kind, Registry, SeriesId};

/// What is kept from call to call for its memory.
#[derive(Debug, Default)]
pub(super) struct Batch {
    items: Vec<Item>,
    ids: Vec<u32>,
    amounts: Vec<f64>,
}

/// The most items whose memory is kept.
const MAX_KEPT: usize = 4_096;

/// One of the list, as places in the `ctx` and in the list of all labels.
#[derive(Debug, Clone, Copy)]
struct Item {
    name: Span,
    kind: Kind,
    /// How its answer goes on after its name.
    tail: &'static str,
    amount: f64,
    labels: Span,
    /// What stands between the braces, where it can be written again as it is.
    between_braces: Option<Span>,
}

impl Plain {
    /// Records all of a list or nothing, and writes the answer up to its timestamp; how many values that were.
    pub(super) fn record_many(&mut self, ctx: &str, registry: &mut Registry, answer: &mut Writer) -> Option<u64> {
        let Self { labels: all_labels, batch: Batch { items, ids, amounts }, .. } = self;
        if items.capacity() > MAX_KEPT {
            (*items, *ids, *amounts, *all_labels) = Default::default();
        }
        read(ctx, all_labels, items)?;
        let text = |(begin, end): Span| ctx.get(begin..end).unwrap_or_default();
        let labels_of = |item: &Item| {
            let (begin, end) = item.labels;
            texts(ctx, all_labels.get(begin..end).unwrap_or_default())
        };
        ids.clear();
        amounts.clear();
        for item in &*items {
            ids.push(registry.find_known(text(item.name), item.kind, labels_of(item), item.amount)?.raw());
            amounts.push(item.amount);
        }
        registry.record_many(ids, amounts).ok()?;
        let out = answer.restart();
        out.extend_from_slice(br#"{"success":true,"operation":"record_multiple_metrics","result":{"#);
        answer.count("metrics_recorded", items.len() as u64);
        answer.open_list("metrics");
        for (item, id) in items.iter().zip(ids) {
            answer.open_item();
            answer.pieces().extend_from_slice(br#""metric_name":""#);
            let (id, between_braces) = (SeriesId::from_raw(*id), item.between_braces.map(text));
            tell(answer, registry, id, text(item.name), item.tail, item.amount, labels_of(item), between_braces);
            answer.close();
        }
        answer.close_list();
        Some(items.len() as u64)
    }
}

/// Reads a `ctx` that holds a list of plain records and nothing else.
fn read(ctx: &str, labels: &mut Vec<Label>, items: &mut Vec<Item>) -> Option<()> {
    labels.clear();
    items.clear();
    let mut reader = Reader { text: ctx, bytes: ctx.as_bytes(), at: 0 };
    let mut operation = None;
    reader.takes(b'{')?;
    loop {
        let name = reader.name()?;
        match reader.slice(name) {
            "operation" if operation.is_none() => operation = Some(reader.text()?),
            "metrics" if items.is_empty() => {
                reader.takes(b'[')?;
                loop {
                    items.push(item(&mut reader, labels)?);
                    if !reader.goes_on_until(b']')? {
                        break;
                    }
                }
            }
            _ => return None,
        }
        if !reader.goes_on()? {
            break;
        }
    }
    reader.space();
    let is_whole = reader.at == ctx.len() && operation == Some("record_multiple_metrics") && !items.is_empty();
    is_whole.then_some(())
}

/// Reads one of the list, its labels to the end of `labels`; none if it holds anything else, or a member twice.
fn item(reader: &mut Reader, labels: &mut Vec<Label>) -> Option<Item> {
    let first_label = labels.len();
    let (mut name, mut kind, mut amount, mut between_braces) = (None, None, None, None);
    reader.takes(b'{')?;
    loop {
        let member = reader.name()?;
        let twice = match reader.slice(member) {
            "name" | "metric_name" => name.replace(reader.span()?).is_some(),
            "type" | "metric_type" => kind.replace(Kind::from_name(reader.text()?)?).is_some(),
            "value" | "metric_value" => amount.replace(reader.number()?).is_some(),
            "labels" => between_braces.replace(reader.labels(labels)?).is_some(),
            _ => true,
        };
        if twice {
            return None;
        }
        if !reader.goes_on()? {
            break;
        }
    }
    let kind = kind.unwrap_or(Kind::Gauge);
    let tail = tail_of(kind)?;
    Some(Item {
        name: name?,
        kind,
        tail,
        amount: amount?,
        labels: (first_label, labels.len()),
        between_braces: between_braces.flatten(),
    })
}
