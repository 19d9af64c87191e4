//! The monitoring component and a plug that imports it, composed into one component: it runs with
//! wasmtime and its WASI crates only, and pushes.
//!
//! `cargo xtask release-check guests` composes it, with tools that are no part of the workspace, and
//! runs this with its file in `PLUGPIPE_COMPOSED`.

use serde_json::json;
use wasmtime::component::{Component, Instance, Linker, ResourceTable, Val};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use crate::support::{pushgateway, without_servers};

/// What an instance has: clocks and HTTP, without a policy.
#[derive(Default)]
struct Guest {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Open,
}

#[derive(Default)]
struct Open;

impl WasiHttpHooks for Open {}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// Calls a function of an exported interface, which has one result.
async fn call(
    instance: &Instance,
    store: &mut Store<Guest>,
    (interface, function): (&str, &str),
    arguments: &[Val],
) -> Val {
    let index = instance.get_export_index(&mut *store, None, interface).unwrap();
    let index = instance.get_export_index(&mut *store, Some(&index), function).unwrap();
    let function = instance.get_func(&mut *store, index).unwrap();
    let mut results = [Val::Bool(false)];
    function.call_async(&mut *store, arguments, &mut results).await.unwrap();
    let [result] = results;
    result
}

/// `process` of an interface: the answer's body.
async fn process(
    instance: &Instance,
    store: &mut Store<Guest>,
    interface: &str,
    ctx: serde_json::Value,
    cfg: &str,
) -> String {
    let request = Val::Variant("call".into(), Some(Box::new(Val::String(ctx.to_string()))));
    let answer = call(instance, store, (interface, "process"), &[request, Val::String(cfg.into())]).await;
    let Val::Record(members) = &answer else { panic!("{answer:?}") };
    assert!(members.iter().any(|(name, value)| name == "error" && *value == Val::Option(None)), "{answer:?}");
    let body = members.iter().find_map(|(name, value)| match value {
        Val::String(body) if name == "body" => Some(body.clone()),
        _ => None,
    });
    body.unwrap_or_else(|| panic!("{answer:?}"))
}

#[tokio::test]
#[ignore = "run by cargo xtask release-check guests, which composes it"]
async fn a_composed_component_records_and_pushes_in_plain_wasmtime() {
    let file = std::env::var_os("PLUGPIPE_COMPOSED").expect("PLUGPIPE_COMPOSED is the composed component's file");
    if without_servers("a_composed_component_records_and_pushes_in_plain_wasmtime") {
        return;
    }
    let engine = Engine::default();
    let component = Component::new(&engine, std::fs::read(file).unwrap()).unwrap();
    let mut linker = Linker::<Guest>::new(&engine);
    wasmtime_wasi_http::p2::add_to_linker_async(&mut linker).unwrap();
    let mut store = Store::new(&engine, Guest::default());
    let instance = linker.instantiate_async(&mut store, &component).await.unwrap();

    let record = json!({"operation": "record", "metric": "doors_opened_total", "kind": "counter", "value": 3});
    let body = process(&instance, &mut store, "plugpipe:plug/plug@1.0.0", record, "").await;
    assert!(body.contains("\"readings\":1"), "{body}");
    // Nothing adds the label `plug`: no host stands between the two.
    let encode = ("plugpipe:monitoring/exposition@1.0.0", "encode");
    let Val::List(text) = call(&instance, &mut store, encode, &[Val::Enum("text".into())]).await else { panic!() };
    let text: Vec<u8> = text.iter().map(|byte| if let Val::U8(byte) = byte { *byte } else { panic!() }).collect();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("\ndoors_opened_total 3\n"), "{text}");

    // The monitoring component's own `plugpipe:plug/plug` has this name.
    let gateway = pushgateway(None).await;
    let cfg = json!({"gateway_url": gateway.url, "job_name": "composed"}).to_string();
    process(&instance, &mut store, "monitoring", json!({"operation": "push_metrics"}), &cfg).await;
    let url = format!("{}/metrics", gateway.url);
    let pushed =
        tokio::task::spawn_blocking(move || ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap());
    let pushed = pushed.await.unwrap();
    assert!(pushed.contains("doors_opened_total{instance=\"\",job=\"composed\"} 3"), "{pushed}");
    println!("composed: passed");
}
