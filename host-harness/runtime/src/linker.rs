//! Links the interfaces that a component can import.

use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

mod empty;
mod monitoring;

use crate::empty_wasi;
use crate::limits::WORD_BYTES;
use crate::store::{State, WallClock};

/// What every component gets.
const ALWAYS: [&str; 5] = [
    "wasi:clocks/wall-clock@",
    "wasi:clocks/monotonic-clock@",
    "wasi:http/outgoing-handler@",
    "wasi:http/types@",
    "wasi:io/",
];

/// Of the plug that records for others.
const MONITORING: [&str; 3] =
    ["plugpipe:monitoring/types@", "plugpipe:monitoring/metrics@", "plugpipe:monitoring/query@"];

/// The imports of a component, sorted.
pub(crate) fn imports(component: &Component) -> Vec<String> {
    let mut imports: Vec<String> =
        component.component_type().imports(component.engine()).map(|(name, _)| name.to_owned()).collect();
    imports.sort();
    imports
}

/// A component with its imports: clocks and HTTP; metrics and queries of another plug; and, empty,
/// what language runtimes import. One that imports anything else is refused.
pub(crate) fn linked(engine: &Engine, component: &Component) -> wasmtime::Result<InstancePre<State>> {
    let is_among = |import: &str, names: &[&str]| names.iter().any(|name| import.starts_with(name));
    let imports = imports(component);
    let unknown: Vec<&str> = imports
        .iter()
        .map(String::as_str)
        .filter(|import| !is_among(import, &ALWAYS) && !is_among(import, &MONITORING) && !empty_wasi::is_empty(import))
        .collect();
    if !unknown.is_empty() {
        let problem = format!("it imports {}, which this host does not provide (docs/hosting.md)", unknown.join(", "));
        return Err(wasmtime::Error::msg(problem));
    }
    let mut linker = linker(engine)?;
    if imports.iter().any(|import| is_among(import, &MONITORING)) {
        monitoring::link(&mut linker)?;
    }
    if imports.iter().any(|import| empty_wasi::is_empty(import)) {
        empty::link(&mut linker)?;
    }
    linker.instantiate_pre(component)
}

/// Links the seven interfaces that every component gets.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    use wasmtime::component::HasSelf;
    use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
    use wasmtime_wasi::p2::bindings::clocks;

    let mut linker = Linker::new(engine);
    wasmtime_wasi_io::add_to_linker_async(&mut linker)?;
    clocks::wall_clock::add_to_linker::<State, HasSelf<WallClock>>(&mut linker, State::wall_clock)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(&mut linker, State::clocks)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    limit_lengths(&mut linker)?;
    release_request_options(&mut linker)?;
    Ok(linker)
}

/// In wasmtime-wasi-http, `handle` takes ownership of the request options but leaves them in the
/// table, so each request would leak a host resource until the instance ends.
fn release_request_options(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    use wasmtime::component::Resource;
    use wasmtime_wasi_http::p2::bindings::http::outgoing_handler::Host as _;
    use wasmtime_wasi_http::p2::types::HostOutgoingRequest;
    use wasmtime_wasi_http::{RequestOptions, WasiHttpView as _};

    type Arguments = (Resource<HostOutgoingRequest>, Option<Resource<RequestOptions>>);
    linker.allow_shadowing(true);
    let mut handler = linker.instance("wasi:http/outgoing-handler@0.2.12")?;
    handler.func_wrap("handle", |mut store, (request, options): Arguments| {
        let mut http = store.data_mut().http();
        let borrowed = options.as_ref().map(|options| Resource::new_borrow(options.rep()));
        let response = http.handle(request, borrowed);
        if let Some(options) = options {
            http.table.delete(options)?;
        }
        Ok((match response {
            Ok(response) => Ok(response),
            Err(error) => Err(error.downcast()?),
        },))
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

/// wasmtime does not limit the length of a request's method and authority, which could be as long
/// as the plug's memory in each request.
fn limit_lengths(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    use wasmtime::component::Resource;
    use wasmtime_wasi_http::WasiHttpView as _;
    use wasmtime_wasi_http::p2::bindings::http::types::{HostOutgoingRequest as _, Method};
    use wasmtime_wasi_http::p2::types::HostOutgoingRequest;

    type Request = Resource<HostOutgoingRequest>;
    linker.allow_shadowing(true);
    let mut http = linker.instance("wasi:http/types@0.2.12")?;
    http.func_wrap("[method]outgoing-request.set-method", |mut store, (request, method): (Request, Method)| {
        let fits = !matches!(&method, Method::Other(word) if word.len() > WORD_BYTES);
        Ok((if fits { store.data_mut().http().set_method(request, method)? } else { Err(()) },))
    })?;
    http.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store, (request, authority): (Request, Option<String>)| {
            let fits = authority.as_ref().is_none_or(|word| word.len() <= WORD_BYTES);
            Ok((if fits { store.data_mut().http().set_authority(request, authority)? } else { Err(()) },))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}
