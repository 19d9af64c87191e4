//! A plug's exports as Rust functions and types, generated from `wit/`.

// A world that has exports and no imports: `linker` links wasmtime's own.
#![allow(missing_docs, clippy::all)]

wasmtime::component::bindgen!({
    path: "wit",
    inline: "
        package plugpipe:host;
        world plug-host {
            export plugpipe:plug/plug@1.0.0;
            export plugpipe:plug/hosting@1.0.0;
            export plugpipe:plug/state@1.0.0;
            export plugpipe:monitoring/types@1.0.0;
            export plugpipe:monitoring/metrics@1.0.0;
            export plugpipe:monitoring/exposition@1.0.0;
            export plugpipe:monitoring/query@1.0.0;
        }
    ",
    exports: { default: async },
});
