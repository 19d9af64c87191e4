//! The export `plug.process`, written by hand: the generated one would copy each answer into a text
//! of its own, and be called once more to free it. Here the host reads the writer's own buffer,
//! which serves the next answer too.
//!
//! What was said in [`super::exposition`] of why that is sound holds here too.

use std::cell::RefCell;

use super::with;
use plugpipe_contract::response::ResponseWriter;

/// The last answer, and where it stands: address and length.
#[derive(Default)]
struct Answer {
    words: [usize; 2],
    text: ResponseWriter,
}

thread_local! {
    static ANSWER: RefCell<Answer> = RefCell::default();
}

/// `process: func(ctx: string, cfg: string) -> string`: addresses and lengths of the texts come in,
/// and the place of the answer's address and length goes out.
///
/// # Safety
///
/// Each pair names bytes that `cabi_realloc` gave, that nobody else has, and that are a text: so
/// the canonical ABI hands over a string.
// SAFETY: no other symbol has this name; what is returned is valid as the module's doc says.
#[unsafe(export_name = "plugpipe:monitoring/plug@1.0.0#process")]
unsafe extern "C" fn process(ctx: *mut u8, ctx_len: usize, cfg: *mut u8, cfg_len: usize) -> *const [usize; 2] {
    // SAFETY: as above, and as in `scrape`. The host has seen to it that the bytes are UTF-8.
    let (ctx, cfg) =
        unsafe { (String::from_raw_parts(ctx, ctx_len, ctx_len), String::from_raw_parts(cfg, cfg_len, cfg_len)) };
    ANSWER.with_borrow_mut(|Answer { words, text }| {
        with(|plug| plug.process_into(&ctx, &cfg, text));
        *words = [text.bytes().as_ptr().addr(), text.bytes().len()];
        std::ptr::from_ref(words)
    })
}
