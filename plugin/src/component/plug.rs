//! The export `plug.process`, written by hand: the generated one would copy each result into a
//! separate string and need another call to free it. Here the host reads the writer's buffer
//! directly, which is reused for the next result.
//!
//! See [`super::exposition`] for why this is sound.

use std::cell::RefCell;

use super::with;
use plugpipe_contract::response::ResponseWriter;

/// The last result, and its address and length.
#[derive(Default)]
struct ReturnArea {
    words: [usize; 2],
    text: ResponseWriter,
}

thread_local! {
    static RETURN_AREA: RefCell<ReturnArea> = RefCell::default();
}

/// `process: func(ctx: string, cfg: string) -> string`. In the canonical ABI, the parameters are
/// addresses and lengths of the strings, and the result the address of the result's address and
/// length.
///
/// # Safety
///
/// Each pair must be the address and length of UTF-8 bytes allocated by `cabi_realloc`, whose
/// ownership is passed to this function, as the canonical ABI does for strings.
// SAFETY: no other symbol has this name. The module's documentation explains why the result is
// valid.
#[unsafe(export_name = "plugpipe:monitoring/plug@1.0.0#process")]
unsafe extern "C" fn process(ctx: *mut u8, ctx_len: usize, cfg: *mut u8, cfg_len: usize) -> *const [usize; 2] {
    // SAFETY: as above, and as in `scrape`. The host has validated that the bytes are UTF-8.
    let (ctx, cfg) =
        unsafe { (String::from_raw_parts(ctx, ctx_len, ctx_len), String::from_raw_parts(cfg, cfg_len, cfg_len)) };
    RETURN_AREA.with_borrow_mut(|ReturnArea { words, text }| {
        with(|plug| plug.process_into(&ctx, &cfg, text));
        *words = [text.bytes().as_ptr().addr(), text.bytes().len()];
        std::ptr::from_ref(words)
    })
}
