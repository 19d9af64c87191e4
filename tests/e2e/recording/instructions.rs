//! The encoder's work, counted: wasmtime's fuel is about one unit an instruction, and the same on
//! every machine and at every run.
//!
//! A bound that is passed means the encoder does more than it did. Raise it only with a reason.

use std::sync::OnceLock;

use serde_json::{Value, json};
use wasmtime::component::{Component, Instance, Linker, ResourceTable, Val};
use wasmtime::{Config, Engine, OptLevel, RegallocAlgorithm, Store};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksCtx, WasiClocksCtxView};
use wasmtime_wasi::p2::bindings::clocks;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

/// Series in the registry that is encoded.
const SERIES: u64 = 1_000;

#[derive(Default)]
struct State {
    table: ResourceTable,
    clocks: WasiClocksCtx,
    http: WasiHttpCtx,
}

impl IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: wasmtime_wasi_http::default_hooks() }
    }
}

fn clocks(state: &mut State) -> WasiClocksCtxView<'_> {
    WasiClocksCtxView { ctx: &mut state.clocks, table: &mut state.table }
}

/// The embedded component on an engine that counts.
struct Counted {
    store: Store<State>,
    instance: Instance,
    ticket: u64,
}

/// A member of a record.
fn field<'v>(record: &'v Val, name: &str) -> &'v Val {
    let Val::Record(fields) = record else { panic!("{record:?}") };
    &fields.iter().find(|(own, _)| own == name).unwrap().1
}

/// Compiled once: that takes longer than all that is counted.
fn component() -> &'static Component {
    static COMPONENT: OnceLock<Component> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        // Fuel is counted by instructions of WebAssembly, whatever they are compiled to.
        let mut config = Config::new();
        config.consume_fuel(true).cranelift_opt_level(OptLevel::None);
        config.cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
        let engine = Engine::new(&config).unwrap();
        Component::new(&engine, plugpipe_component::EMBEDDED).unwrap()
    })
}

impl Counted {
    async fn new() -> Self {
        let component = component();
        let engine = component.engine();
        let mut linker = Linker::<State>::new(engine);
        wasmtime_wasi_io::add_to_linker_async(&mut linker).unwrap();
        clocks::wall_clock::add_to_linker::<State, WasiClocks>(&mut linker, clocks).unwrap();
        clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(&mut linker, clocks).unwrap();
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
        let mut store = Store::new(engine, State::default());
        store.set_fuel(u64::MAX).unwrap();
        let instance = linker.instantiate_async(&mut store, component).await.unwrap();
        Self { store, instance, ticket: 0 }
    }

    /// Calls a function, and says what it answered and how much fuel it took.
    async fn call(&mut self, interface: &str, function: &str, arguments: &[Val]) -> (Val, u64) {
        let interface = format!("plugpipe:{interface}@1.0.0");
        let interface = self.instance.get_export_index(&mut self.store, None, &interface).unwrap();
        let function = self.instance.get_export_index(&mut self.store, Some(&interface), function).unwrap();
        let function = self.instance.get_func(&mut self.store, function).unwrap();
        let mut answer = [Val::Bool(false)];
        let before = self.store.get_fuel().unwrap();
        function.call_async(&mut self.store, arguments, &mut answer).await.unwrap();
        let [answer] = answer;
        (answer, before - self.store.get_fuel().unwrap())
    }

    /// Starts an operation, and says what its body is and how much fuel it took.
    async fn start(&mut self, ctx: &str, cfg: &str) -> (String, u64) {
        self.ticket += 1;
        let moment = [
            ("unix-nanos", Val::U64(1_700_000_000_000_000_000 + self.ticket)),
            ("seed", Val::U64(self.ticket)),
            ("again", Val::Bool(false)),
        ];
        let arguments = [
            Val::U64(self.ticket),
            Val::Variant("call".into(), Some(Box::new(Val::String(ctx.into())))),
            Val::String(cfg.into()),
            Val::Record(moment.map(|(name, value)| (name.into(), value)).into()),
        ];
        let (step, fuel) = self.call("plug/hosting", "start", &arguments).await;
        let Val::List(answers) = field(&step, "answers") else { panic!("{step:?}") };
        let [Val::Tuple(answer)] = &answers[..] else { panic!("{step:?}") };
        let Val::String(body) = field(&answer[1], "body") else { panic!("{step:?}") };
        (body.clone(), fuel)
    }

    async fn set(&mut self, offset: f64) -> u64 {
        let metrics: Vec<Value> = (0..SERIES)
            .map(|index| {
                let value = (index * 7_919 % 10_007) as f64 / 997.0 + offset;
                json!({"name": "m", "value": value, "labels": {"method": "GET", "path": format!("/items/{index:04}")}})
            })
            .collect();
        let ctx = json!({"operation": "record_multiple_metrics", "metrics": metrics}).to_string();
        let (answer, fuel) = self.start(&ctx, "").await;
        assert!(answer.contains("\"success\":true"), "{answer}");
        fuel
    }

    /// A counter with two labels that is there already, through the JSON contract; with a job of
    /// its own if one is given.
    async fn count(&mut self, job: Option<&str>) -> u64 {
        let mut ctx = json!({
            "operation": "record_counter", "metric_name": "c_total", "metric_value": 1.5,
            "labels": {"method": "GET", "status": "200"},
        });
        if let Some(job) = job {
            ctx["job_name"] = json!(job);
        }
        self.start(&ctx.to_string(), "{}").await;
        let (answer, fuel) = self.start(&ctx.to_string(), "{}").await;
        assert!(answer.contains("\"current_value\":3,"), "{answer}");
        fuel
    }

    /// A record to a counter that is there, as `text`, its operation, metric and labels beside
    /// `rest`.
    async fn record(&mut self, rest: &str) -> u64 {
        let ctx = format!(r#"{{"operation":"record_counter","metric_name":"forms_total",{rest}}}"#);
        self.start(&ctx, "{}").await;
        let (answer, fuel) = self.start(&ctx, "{}").await;
        assert!(answer.starts_with(r#"{"success":true"#) && !answer.contains("warnings"), "{ctx}: {answer}");
        fuel
    }

    async fn encode(&mut self) -> (usize, u64) {
        match self.call("monitoring/exposition", "encode", &[Val::Enum("text".into())]).await {
            (Val::List(bytes), fuel) => (bytes.len(), fuel),
            (other, _) => panic!("{other:?}"),
        }
    }

    /// Updates of all series by handle, in one call: fuel of one of them.
    async fn record_many(&mut self) -> u64 {
        // The first series of a registry is 0, the next 1.
        let series = (0..SERIES as u32).map(Val::U32).collect();
        let values = (0..SERIES).map(|index| Val::Float64(index as f64)).collect();
        let (answer, fuel) =
            self.call("monitoring/metrics", "record-many", &[Val::List(series), Val::List(values)]).await;
        assert_eq!(answer, Val::Result(Ok(None)));
        fuel / SERIES
    }

    async fn add(&mut self) -> u64 {
        let (answer, fuel) = self.call("monitoring/metrics", "add", &[Val::U32(7), Val::Float64(1.5)]).await;
        assert_eq!(answer, Val::Enum("recorded".into()));
        fuel
    }
}

#[tokio::test]
async fn an_update_by_handle_does_no_more_than_it_did() {
    let mut plug = Counted::new().await;
    plug.set(0.1).await;
    // The first call makes what later ones find.
    plug.add().await;
    let (add, update) = (plug.add().await, plug.record_many().await);
    eprintln!("fuel: add {add}, an update among many {update}");
    for (what, fuel, bound) in [("add", add, BY_HANDLE[0]), ("an update among many", update, BY_HANDLE[1])] {
        assert!(fuel <= bound, "{what} took {fuel} instructions, more than {bound}");
    }
}

/// A tenth above what was counted when they were set.
const BY_HANDLE: [u64; 2] = [114, 80];

#[tokio::test]
async fn every_form_of_a_record_costs_about_the_same() {
    const LABELS: &str = r#""labels":{"method":"GET","status":"200"}"#;
    let forms = [
        ("cheapest", format!(r#""metric_value":1.5,{LABELS}"#)),
        ("value as text", format!(r#""metric_value":"1.5",{LABELS}"#)),
        ("exponent", format!(r#""metric_value":1e3,{LABELS}"#)),
        ("escapes", r#""metric_value":1.5,"labels":{"method":"G\u00c9T\n","status":"200"}"#.to_owned()),
        ("number as a label", r#""metric_value":1.5,"labels":{"method":"GET","status":200}"#.to_owned()),
        ("timestamp", format!(r#""metric_value":1.5,"timestamp":"2024-01-01T00:00:00Z",{LABELS}"#)),
        ("help", format!(r#""metric_value":1.5,"help":"What is counted.",{LABELS}"#)),
        ("spaces", r#" "metric_value" : 1.5 , "labels" : { "method" : "GET" , "status" : "200" } "#.to_owned()),
    ];
    let mut plug = Counted::new().await;
    plug.record(&forms[6].1).await;
    let mut fuels = Vec::new();
    for (form, rest) in &forms {
        fuels.push((form, plug.record(rest).await));
    }
    eprintln!("fuel: {fuels:?}");
    let cheapest = fuels[0].1;
    for (form, fuel) in fuels {
        assert!(fuel <= ANY_FORM, "{form} took {fuel} instructions, more than {ANY_FORM}");
        assert!(fuel * 10 <= cheapest * 13, "{form} took {fuel} instructions, more than 1.3 times {cheapest}");
    }
}

/// A tenth above what the dearest form took, a timestamp. The budget is 16,000: docs/benchmarks.md
/// says what is missing.
const ANY_FORM: u64 = 22_400;

#[tokio::test]
async fn the_encoder_does_no_more_than_it_did() {
    let mut plug = Counted::new().await;
    plug.set(0.1).await;
    let (bytes, first) = plug.encode().await;
    let (_, unchanged) = plug.encode().await;
    let record = plug.set(0.2).await / SERIES;
    let (_, changed) = plug.encode().await;
    let count = plug.count(None).await;
    let of_group = plug.count(Some("own")).await;
    let (_, with_group) = plug.encode().await;
    eprintln!(
        "fuel: first {first}, unchanged {unchanged}, every value changed {changed}, per record in a batch {record}, a record by itself {count}, one under a key of its own {of_group}, encoding with such a group {with_group}; {bytes} bytes"
    );
    for (what, fuel, bound) in [
        ("encoding nothing new", unchanged, BOUNDS[0]),
        ("a changed value", changed / SERIES, BOUNDS[1]),
        ("a new series", first / SERIES, BOUNDS[2]),
        ("a record in a batch", record, BOUNDS[3]),
        ("a record by itself", count, BOUNDS[4]),
        ("a record under a key of its own", of_group, BOUNDS[5]),
        ("encoding a series beside a group", with_group / SERIES, BOUNDS[6]),
    ] {
        assert!(fuel <= bound, "{what} took {fuel} instructions, more than {bound}");
    }
}

/// A tenth above what was counted when they were set. Records go through one path, whatever form
/// they have, and settings through one struct: so a record by itself costs more than the plainest
/// did on a path of its own, all other forms less, and a record with settings more. An encoding that
/// finds nothing new is a few calls of code that is compiled for size.
const BOUNDS: [u64; 7] = [800, 859, 3_300, 12_700, 18_600, 125_000, 853];
