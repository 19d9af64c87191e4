//! The exports of the interface `exposition`, written by hand: the generated ones would copy the
//! whole text into a list of its own before the host copies it out. Here the host reads the
//! encoder's own buffer.
//!
//! What is answered stays as it is until the next call, and nothing is freed after the host has
//! read it. That is sound, because an instance has one thread, the component model lets nobody
//! enter it again before a call has ended, and a call ends when the host has read its answer. What
//! only lives for the host's sake is in [`Answer`].

use std::cell::RefCell;

use super::with;
use crate::bindings::exports::plugpipe::monitoring::types;
use crate::exposition::negotiate::{Choice, Format, negotiate};
use crate::exposition::plain;

/// The last answer, and what it points to beside the encoder's text.
#[derive(Default)]
struct Answer {
    /// Address and length of the content type, where it is asked for; then of the body.
    words: [usize; 4],
    content_type: String,
    /// The body of a format whose encoder keeps none.
    body: Vec<u8>,
}

thread_local! {
    static ANSWER: RefCell<Answer> = RefCell::default();
}

/// Encodes, and says where the answer's words are: content type first.
fn answer(choice: Choice, with_content_type: bool) -> *const [usize; 4] {
    ANSWER.with_borrow_mut(|answer| {
        let Answer { words, content_type, body } = answer;
        // The last body goes first, so that its memory serves the next one.
        *body = Vec::new();
        with(|plug| {
            let bytes = match plug.expose(choice, super::now_ms()) {
                Ok((bytes, kept_to)) => {
                    *content_type = if with_content_type { kept_to.content_type() } else { String::new() };
                    match bytes {
                        std::borrow::Cow::Borrowed(text) => text,
                        std::borrow::Cow::Owned(made) => {
                            *body = made;
                            body.as_slice()
                        }
                    }
                }
                Err(error) => {
                    // Without a content type it is no exposition, but why there is none.
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

/// `encode: func(format: format) -> list<u8>`; the canonical ABI has the case's number come in, and
/// the place of the list's address and length go out.
// SAFETY: no other symbol has this name; what is returned is valid as the module's doc says.
#[unsafe(export_name = "plugpipe:monitoring/exposition@1.0.0#encode")]
extern "C" fn encode(format: u32) -> *const usize {
    let choice = plain(match format {
        _ if format == types::Format::OpenMetrics as u32 => Format::OpenMetrics100,
        _ if format == types::Format::Protobuf as u32 => Format::Protobuf,
        _ if format == types::Format::Json as u32 => Format::Json,
        _ if format == types::Format::Csv as u32 => Format::Csv,
        // The host lets no number in that is none of the cases.
        _ => Format::Text004,
    });
    answer(choice, false).cast::<usize>().wrapping_add(2)
}

/// `scrape: func(accept: string) -> exposed`: the text's address and length come in, the place of
/// the record goes out.
///
/// # Safety
///
/// The two name `len` bytes that `cabi_realloc` gave, and that nobody else has: so the canonical
/// ABI hands over a string.
// SAFETY: no other symbol has this name; what is returned is valid as the module's doc says.
#[unsafe(export_name = "plugpipe:monitoring/exposition@1.0.0#scrape")]
unsafe extern "C" fn scrape(accept: *mut u8, len: usize) -> *const usize {
    // SAFETY: as above. `cabi_realloc` is `alloc` of the global allocator with alignment 1, which
    // `Vec` gives back; of an empty text nothing is given back.
    let accept = unsafe { Vec::from_raw_parts(accept, len, len) };
    let choice = negotiate(str::from_utf8(&accept).unwrap_or_default());
    answer(choice, true).cast()
}
