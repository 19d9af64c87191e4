//! `export_metrics`: what was recorded, in a format; and the whole state, for a host that keeps it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Answer, Call, own_groups, together};
use crate::error::{Error, excerpt};
use crate::exposition::negotiate::Format;
use crate::exposition::{format_of, name_of, plain};
use plugpipe_contract::requests::{ExportMetrics, NoFields, RestoreMetrics};

/// What is written, where nobody named a format.
const DEFAULT: Format = Format::Text004;

pub(super) fn run(call: &mut Call, request: &ExportMetrics, answer: &mut Answer) -> Result<(), Error> {
    let format = match request.export_format.get() {
        None => DEFAULT,
        Some(name) => format_of(name.trim())
            .map_err(|problem| Error::invalid("export_format", format!("{problem}; got {:?}", excerpt(name, 100))))?,
    };
    let series = call.registry.len() + call.groups.series();
    let (bytes, choice) = call.expose_all(plain(format))?;
    answer.text("export_format", name_of(format));
    answer.text("content_type", &choice.content_type());
    answer.count("series", series as u64);
    match String::from_utf8(bytes) {
        Ok(text) if format != Format::Protobuf => answer.text("exported_data", &text),
        Ok(text) => answer.text("exported_data_base64", &STANDARD.encode(text)),
        Err(binary) => answer.text("exported_data_base64", &STANDARD.encode(binary.into_bytes())),
    }
    Ok(())
}

/// `snapshot_metrics`: all that is held, as base64.
pub(super) fn snapshot(call: &mut Call, _: &NoFields, answer: &mut Answer) -> Result<(), Error> {
    let mut bytes = Vec::new();
    own_groups::snapshot(call.registry, *call.pending, call.groups, &mut bytes);
    answer.count("series", (call.registry.len() + call.groups.series()) as u64);
    answer.text("snapshot", &STANDARD.encode(bytes));
    Ok(())
}

/// `restore_metrics`: replaces all that is held by a snapshot. One that is damaged changes nothing.
pub(super) fn restore(call: &mut Call, request: &RestoreMetrics, answer: &mut Answer) -> Result<(), Error> {
    let text = request.snapshot.required("snapshot", "what snapshot_metrics answered")?;
    let bytes =
        STANDARD.decode(text.trim()).map_err(|error| Error::invalid("snapshot", format!("is no base64: {error}")))?;
    let seed = call.transport.unix_nanos();
    let changes = call.pending.changes();
    let before = together::restore(&bytes, seed, call.config, call.registry, call.pending, call.groups)?;
    // Gateways have something else.
    call.pending.mark_beyond(changes);
    call.groups.mark_beyond(&before);
    answer.count("series", (call.registry.len() + call.groups.series()) as u64);
    Ok(())
}
