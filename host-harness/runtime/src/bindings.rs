//! The plug's exports as Rust functions and types, generated from `wit/`.

// A world with the plug's exports but without its imports, which `linker` links from wasmtime.
#![allow(missing_docs, clippy::all)]

wasmtime::component::bindgen!({
    path: "../../wit",
    inline: "
        package plugpipe:host;
        world monitoring-host {
            export plugpipe:monitoring/types@1.0.0;
            export plugpipe:monitoring/plug@1.0.0;
            export plugpipe:monitoring/metrics@1.0.0;
            export plugpipe:monitoring/exposition@1.0.0;
            export plugpipe:monitoring/query@1.0.0;
            export plugpipe:monitoring/state@1.0.0;
        }
    ",
    exports: { default: async },
});
