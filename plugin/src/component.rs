//! The world's exports. A few lines each: every call goes to [`Plug`].

// The generated code is not ours to document or to bind by our lints.
#[allow(missing_docs, unsafe_op_in_unsafe_fn, unreachable_pub, clippy::all, clippy::undocumented_unsafe_blocks)]
pub(crate) mod bindings {
    wit_bindgen::generate!({ path: "../wit", world: "monitoring", generate_all, pub_export_macro: false });
}

use std::cell::RefCell;

use bindings::exports::plugpipe::monitoring::plug::Guest;

use crate::Plug;
use crate::http::wasi::Wasi;

thread_local! {
    static PLUG: RefCell<Plug<Wasi>> = RefCell::new(Plug::new(Wasi));
}

struct Component;

impl Guest for Component {
    fn process(ctx: String, cfg: String) -> String {
        PLUG.with_borrow_mut(|plug| plug.process(&ctx, &cfg))
    }

    fn health_check() -> String {
        PLUG.with_borrow_mut(Plug::health_check)
    }

    fn cleanup() -> String {
        PLUG.with_borrow_mut(Plug::cleanup)
    }

    fn describe() -> String {
        PLUG.with_borrow(Plug::describe)
    }
}

bindings::export!(Component with_types_in bindings);
