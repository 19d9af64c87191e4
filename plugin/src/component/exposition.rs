//! The exports of the interface `exposition`, written by hand: the generated ones would copy the
//! whole text into a separate list before the host copies it out. Here the host reads the encoder's
//! buffer directly.
//!
//! A result stays unchanged until the next call, and nothing is freed after the host has read it.
//! This is sound because an instance is single-threaded, the component model does not allow
//! reentrance before a call has ended, and a call ends after the host has read its result.
//! [`ReturnArea`] keeps data alive for the host.

use std::cell::RefCell;

use super::with;
use crate::bindings::exports::plugpipe::monitoring::types;
use crate::exposition::negotiate::{Choice, Format, negotiate};
use crate::exposition::plain;

/// The last result, and the data it points to in addition to the encoder's buffer.
#[derive(Default)]
struct ReturnArea {
    /// Address and length of the content type, if requested, then of the body.
    words: [usize; 4],
    content_type: String,
    /// The body of formats whose encoder has no buffer.
    body: Vec<u8>,
}

thread_local! {
    static RETURN_AREA: RefCell<ReturnArea> = RefCell::default();
}

/// Encodes an exposition and returns the address of the result's words, content type first.
fn encode_result(choice: Choice, with_content_type: bool) -> *const [usize; 4] {
    RETURN_AREA.with_borrow_mut(|area| {
        let ReturnArea { words, content_type, body } = area;
        // Drop the last body first, so that its memory is reused.
        *body = Vec::new();
        with(|plug| {
            let bytes = match plug.expose(choice, super::now_ms()) {
                Ok((bytes, kept_to)) => {
                    *content_type = if with_content_type { kept_to.content_type() } else { String::new() };
                    match bytes {
                        std::borrow::Cow::Borrowed(text) => text,
                        std::borrow::Cow::Owned(bytes) => {
                            *body = bytes;
                            body.as_slice()
                        }
                    }
                }
                Err(error) => {
                    // An empty content type marks an error message.
                    content_type.clear();
                    *body = match choice.format {
                        _ if with_content_type => error.to_string().into_bytes(),
                        Format::Json => serde_json::json!({ "error": error.to_string() }).to_string().into_bytes(),
                        Format::Protobuf => Vec::new(),
                        _ => format!("# {error}\n").into_bytes(),
                    };
                    body.as_slice()
                }
            };
            *words = [content_type.as_ptr().addr(), content_type.len(), bytes.as_ptr().addr(), bytes.len()];
        });
        std::ptr::from_ref(words)
    })
}

/// `encode: func(format: format) -> list<u8>`. In the canonical ABI, the parameter is the index of
/// the case, and the result the address of the list's address and length.
// SAFETY: no other symbol has this name. The module's documentation explains why the result is
// valid.
#[unsafe(export_name = "plugpipe:monitoring/exposition@1.0.0#encode")]
extern "C" fn encode(format: u32) -> *const usize {
    let choice = plain(match format {
        _ if format == types::Format::OpenMetrics as u32 => Format::OpenMetrics100,
        _ if format == types::Format::Protobuf as u32 => Format::Protobuf,
        _ if format == types::Format::Json as u32 => Format::Json,
        _ if format == types::Format::Csv as u32 => Format::Csv,
        // The host rejects all other numbers.
        _ => Format::Text004,
    });
    encode_result(choice, false).cast::<usize>().wrapping_add(2)
}

/// `scrape: func(accept: string) -> exposed`. In the canonical ABI, the parameters are the string's
/// address and length, and the result the address of the record.
///
/// # Safety
///
/// `accept` must point to `len` bytes allocated by `cabi_realloc`, whose ownership is passed to
/// this function, as the canonical ABI does for strings.
// SAFETY: no other symbol has this name. The module's documentation explains why the result is
// valid.
#[unsafe(export_name = "plugpipe:monitoring/exposition@1.0.0#scrape")]
unsafe extern "C" fn scrape(accept: *mut u8, len: usize) -> *const usize {
    // SAFETY: as above. `cabi_realloc` allocates with the global allocator and alignment 1, like
    // `Vec`; an empty string has no allocation, and none is freed.
    let accept = unsafe { Vec::from_raw_parts(accept, len, len) };
    let choice = negotiate(str::from_utf8(&accept).unwrap_or_default());
    encode_result(choice, true).cast()
}
