//! `export_metrics`: what was recorded, in exposition format.

use super::{Answer, Call};
use crate::error::{Error, excerpt};
use crate::exposition::{Format, text};

pub(super) fn run(call: &mut Call) -> Result<Answer, Error> {
    let format = match call.ctx.text_or_none("export_format", "a format's name")? {
        None => Format::Text,
        Some(name) => Format::from_name(name.trim()).ok_or_else(|| {
            Error::invalid(
                "export_format",
                format!("expected prometheus, got {:?}; this version writes no other", excerpt(&name, 100)),
            )
        })?,
    };
    let mut bytes = Vec::new();
    match format {
        Format::Text => text::encode(call.registry, &mut bytes),
    }
    let mut answer = Answer::new();
    answer.insert("export_format".into(), format.name().into());
    answer.insert("content_type".into(), format.content_type().into());
    answer.insert("series".into(), call.registry.len().into());
    // Text exposition is made of UTF-8 only, so nothing is replaced here.
    answer.insert("exported_data".into(), String::from_utf8_lossy(&bytes).into());
    Ok(answer)
}
