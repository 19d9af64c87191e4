//! `export_metrics`, and snapshots of the whole state for hosts that persist it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::call::Call;
use super::{own_groups, together};
use crate::error::{Error, excerpt};
use crate::exposition::negotiate::Format;
use crate::exposition::{format_of, name_of, plain};
use crate::time::rfc3339;
use plugpipe_contract::requests::{ExportMetrics, NoFields, RestoreMetrics};
use plugpipe_contract::responses::{Exported, Restored, Snapshot};

/// The default format.
const DEFAULT: Format = Format::Text004;

/// `export_metrics`.
pub fn run(call: &mut Call, request: &ExportMetrics) -> Result<Exported, Error> {
    let format = match request.export_format.get() {
        None => DEFAULT,
        Some(name) => format_of(name.trim())
            .map_err(|problem| Error::invalid("export_format", format!("{problem}; got {:?}", excerpt(name, 100))))?,
    };
    let series = call.registry.len() + call.groups.series();
    let (bytes, choice) = call.expose_all(plain(format))?;
    let (exported_data, exported_data_base64) = match String::from_utf8(bytes) {
        Ok(text) if format != Format::Protobuf => (Some(text), None),
        Ok(text) => (None, Some(STANDARD.encode(text))),
        Err(binary) => (None, Some(STANDARD.encode(binary.into_bytes()))),
    };
    Ok(Exported {
        export_format: name_of(format),
        content_type: choice.content_type(),
        series: series as u64,
        exported_data,
        exported_data_base64,
        export_timestamp: call.config.is_former().then(|| rfc3339(call.unix_nanos)),
    })
}

/// `snapshot_metrics`: all stored metrics as base64.
pub fn snapshot(call: &mut Call, _: &NoFields) -> Result<Snapshot, Error> {
    let mut bytes = Vec::new();
    own_groups::snapshot(call.registry, *call.pending, call.groups, &mut bytes);
    let series = (call.registry.len() + call.groups.series()) as u64;
    Ok(Snapshot { series, snapshot: STANDARD.encode(bytes) })
}

/// `restore_metrics`: replaces all stored metrics with a snapshot. A damaged snapshot changes
/// nothing.
pub fn restore(call: &mut Call, request: &RestoreMetrics) -> Result<Restored, Error> {
    let text = request.snapshot.required("snapshot", "the snapshot from snapshot_metrics")?;
    let bytes = STANDARD
        .decode(text.trim())
        .map_err(|error| Error::invalid("snapshot", format!("is not valid base64: {error}")))?;
    let seed = call.transport.unix_nanos();
    let changes = call.pending.changes();
    let before = together::restore(&bytes, seed, call.config, call.registry, call.pending, call.groups)?;
    // Gateways still have the previous metrics.
    call.pending.mark_beyond(changes);
    call.groups.mark_beyond(&before);
    Ok(Restored { series: (call.registry.len() + call.groups.series()) as u64 })
}
