use super::*;
use serde_json::json;

fn error(yaml: &str) -> String {
    Pipe::from_yaml(yaml).unwrap_err().to_string()
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[track_caller]
fn assert_error(yaml: &str, starts: &str, contains: &str) {
    let error = error(yaml);
    assert!(error.starts_with(starts), "{error:?} does not start with {starts:?}");
    assert!(error.contains(contains), "{error:?} does not contain {contains:?}");
}

#[test]
fn every_example_pipe_parses() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/pipes");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        Pipe::from_yaml(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "basic_pipe_monitoring.yaml",
            "basic_usage.yaml",
            "generate_config.yaml",
            "performance_monitoring.yaml",
            "pipespec.yaml",
            "security_monitoring.yaml"
        ]
    );
}

#[test]
fn the_basic_usage_example_is_parsed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/pipes/basic_usage.yaml");
    let mut pipe = Pipe::from_yaml(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(pipe.name, "pipe");
    // The name of an operation is the plug's own business.
    assert!(pipe.steps[0].ctx.as_object_mut().unwrap().remove("operation").is_some());
    assert_eq!(
        pipe.steps,
        [Step {
            id: "step_1".into(),
            plug: "monitoring_prometheus".into(),
            ctx: json!({
                "metric_name": "plugpipe_pipeline_duration",
                "metric_value": 45.2,
                "metric_type": "histogram",
                "labels": {"pipeline_name": "data_processing", "status": "success"}
            }),
            when: None,
            on_error: OnError::Fail,
            always_run: false,
        }]
    );
}

#[test]
fn both_dialects_give_the_same_steps() {
    let plain = Pipe::from_yaml(
        "name: p\nsteps:\n  - {name: a, plugin: m, config: {x: 1}, when: inputs.go, on_error: warn, always_run: true}",
    );
    let spec = Pipe::from_yaml(
        "apiVersion: v1\nkind: PipeSpec\nmetadata: {name: p, owner: o, version: 1.0.0}\npipeline:\n  \
         - {id: a, uses: m, with: {x: 1}, when: inputs.go, on_error: continue, always_run: true, doc: d, tags: [t]}",
    );
    assert_eq!(plain.unwrap(), spec.unwrap());
}

#[test]
fn config_inputs_and_with_are_merged_in_order() {
    let pipe = Pipe::from_yaml(
        "steps: [{with: {c: with}, inputs: {b: inputs, c: inputs}, config: {a: config, b: config, c: config}, plug: m}]",
    );
    let steps = pipe.unwrap().steps;
    assert_eq!(steps[0].ctx, json!({"a": "config", "b": "inputs", "c": "with"}));
}

#[test]
fn an_id_takes_precedence_over_a_name_and_a_missing_one_is_numbered() {
    let pipe = Pipe::from_yaml("steps: [{plug: m}, {plug: m, name: n}, {plug: m, name: n, id: i}, {plug: m}]");
    let ids: Vec<String> = pipe.unwrap().steps.into_iter().map(|step| step.id).collect();
    assert_eq!(ids, ["step_1", "n", "i", "step_4"]);
}

#[test]
fn errors_name_the_path_and_the_expectation() {
    for (yaml, starts, contains) in [
        ("", "pipe: ", "`steps`"),
        ("[1]", "pipe: ", "got a list"),
        ("name: x", "pipe: ", "neither"),
        ("steps: [{plug: m}]\npipeline: [{plug: m}]", "pipe: ", "both"),
        ("steps: []", "steps: ", "empty list"),
        ("steps: {a: 1}", "steps: ", "a mapping"),
        ("steps: [x]", "steps[0]: ", "plugin: NAME"),
        ("steps: [{config: {}}]", "steps[0]: ", "no plug"),
        ("steps: [{plug: m, uses: m}]", "steps[0]: ", "`plug` and `uses`"),
        ("steps: [{plug: 3}]", "steps[0].plug: ", "got 3"),
        ("steps: [{plug: m, config: [1]}]", "steps[0].config: ", "a mapping, got a list"),
        ("steps: [{plug: m, id: a}, {plug: m, id: a}]", "steps[1]: ", "duplicate id \"a\""),
        ("steps: [{plug: m}, {plug: m, on_error: stop}]", "steps[1].on_error: expected fail or warn, got \"stop\"", ""),
        ("steps: [{plug: m, always_run: 'yes'}]", "steps[0].always_run: ", "true or false, got \"yes\""),
        ("steps: [{plug: m, when: 3}]", "steps[0].when: ", "got 3"),
        ("steps: [{plug: m, wen: x}]", "steps[0].wen: unknown key", "when, on_error"),
        ("pipeline: [{uses: m}, {uses: m, foreach: [1]}]", "pipeline[1].foreach: is not supported", "takes a list"),
        ("pipeline: [{uses: m, env: {A: b}}]", "pipeline[0].env: is not supported", "with"),
        ("pipeline: [{uses: m, next: end}]", "pipeline[0].next: is not supported", "when"),
        ("steps: [{plug: m, depends_on: [b]}, {plug: m, id: b}]", "steps[0].depends_on: ", "earlier"),
        ("steps: [{plug: m, id: a, depends_on: a}]", "steps[0].depends_on: ", "earlier"),
        ("secrets: {token: x}\nsteps: [{plug: m}]", "secrets: is not supported", "host"),
        ("middleware: [{uses: x}]\nsteps: [{plug: m}]", "middleware: is not supported", "steps"),
        ("prometheus_config: {debug: true}\nsteps: [{plug: m}]", "prometheus_config: ", "--config"),
        ("stesp: []\nsteps: [{plug: m}]", "stesp: unknown key", "steps or pipeline"),
        ("kind: Job\npipeline: [{uses: m}]", "kind: expected PipeSpec", "Job"),
        ("name: {}\nsteps: [{plug: m}]", "name: ", "a mapping"),
        ("inputs: {a: {type: text}}\nsteps: [{plug: m}]", "inputs.a.type: ", "boolean"),
        ("inputs: {a: {type: integer, default: 1.5}}\nsteps: [{plug: m}]", "inputs.a.default: ", "integer, got 1.5"),
        ("inputs: {a: {type: x, env: y}}\nsteps: [{plug: m}]", "inputs.a.env: ", "default"),
        ("steps: [{plug: m, config: {v: .inf}}]", "the pipe is not valid YAML", "+Inf"),
        ("steps: [{plug: m, plug: n}]", "the pipe is not valid YAML", "line 1"),
        ("steps: [", "the pipe is not valid YAML", "line 1"),
    ] {
        assert_error(yaml, starts, contains);
    }
}

#[test]
fn empty_unsupported_keys_are_accepted() {
    Pipe::from_yaml(
        "secrets: {}\nmiddleware: []\nx-labels: {a: b}\ntags: [t]\nsummary: {format: table}\ninputs:\n\
         steps: [{plug: m, env: {}, foreach: , id: a, with: }, {plug: m, depends_on: [a]}, {plug: m, depends_on: a}]",
    )
    .unwrap();
}

#[test]
fn yaml_1_1_booleans_are_strings() {
    let pipe = Pipe::from_yaml("steps: [{plug: m, with: {country: no, mode: on, code: 0755, ok: true}}]").unwrap();
    assert_eq!(pipe.steps[0].ctx, json!({"country": "no", "mode": "on", "code": "0755", "ok": true}));
}

#[test]
fn step_fields_keep_their_source_text_and_documents_their_numbers() {
    let pipe = Pipe::from_yaml(
        "inputs: {n: 1.50, flag: True, id: 007, v: {type: string, default: 1.10}, w: {type: string, default: 5}}\n\
         steps:\n  - plug: m\n    always_run: True\n    config:\n      instance: 1e3\n      metric_value: 1.50\n      labels: {version: 1.10, on: TRUE, \
         n: 5}\n      prometheus_config: {job_name: 0x1F, gateway_auth: {password: 1e5}}\n      metrics: [{labels: {version: 2.0}, \
         metric_value: 2.50}]\n      dashboard_config: {max: 1.50, panels: [{min: 1e3, uid: 0x10, hidden: True}]}\n",
    )
    .unwrap();
    assert_eq!(
        pipe.steps[0].ctx,
        json!({
            "instance": "1e3", "metric_value": "1.50", "labels": {"version": "1.10", "on": "TRUE", "n": 5},
            "prometheus_config": {"job_name": "0x1F", "gateway_auth": {"password": "1e5"}},
            "metrics": [{"labels": {"version": 2.0}, "metric_value": 2.5}],
            "dashboard_config": {"max": 1.5, "panels": [{"min": 1000.0, "uid": 16, "hidden": true}]},
        })
    );
    assert!(pipe.steps[0].always_run);
    let inputs = json!({"n": 1.5, "flag": true, "id": "007", "v": "1.10", "w": "5"});
    assert_eq!(Value::Object(pipe.inputs), inputs);
}

#[test]
fn endless_nesting_is_an_error() {
    for yaml in ["[".repeat(1 << 20), "{a: ".repeat(1 << 18), "- ".repeat(1 << 19), "? ".repeat(1 << 19)] {
        let error = error(&yaml);
        assert!(error.starts_with("the pipe is not valid YAML"), "{error}");
        assert!(error.len() < 2000);
    }
}

#[test]
fn exponential_aliases_are_an_error() {
    let mut yaml = String::from("x-0: &l0 [a, a, a, a, a, a, a, a, a, a]\n");
    for level in 1..12 {
        let previous = format!("*l{}, ", level - 1).repeat(10);
        yaml.push_str(&format!("x-{level}: &l{level} [{previous}]\n"));
    }
    assert!(error(&yaml).starts_with("the pipe is not valid YAML"));
}

fn with_inputs() -> Pipe {
    Pipe::from_yaml(
        "inputs:\n  env: dev\n  labels: {team: x}\n  rate: {type: number, default: 0.5}\n  \
         id: {type: string, required: true, description: who}\n  dry: {type: boolean}\n\
         steps: [{plug: m}]",
    )
    .unwrap()
}

#[test]
fn given_inputs_override_the_pipes_own() {
    let inputs = with_inputs().resolve_inputs(map(json!({"id": "5", "env": "prod"})));
    assert_eq!(Value::Object(inputs.unwrap()), json!({"env": "prod", "labels": {"team": "x"}, "rate": 0.5, "id": "5"}));
}

#[test]
fn given_strings_are_converted_to_the_declared_type() {
    let given = json!({"id": "7", "rate": " 2 ", "dry": "false", "env": "3"});
    let inputs = with_inputs().resolve_inputs(map(given)).unwrap();
    assert_eq!(inputs["id"], json!("7"));
    assert_eq!(inputs["rate"], json!(2));
    assert_eq!(inputs["dry"], json!(false));
    assert_eq!(inputs["env"], json!("3"));
}

#[test]
fn missing_unknown_and_mistyped_inputs_are_errors() {
    let error = |given| with_inputs().resolve_inputs(map(given)).unwrap_err().to_string();
    assert_eq!(error(json!({})), "inputs.id: is required; set it with --input id=VALUE");
    assert_eq!(error(json!({"id": "x", "rate": "fast"})), "inputs.rate: expected number, got \"fast\"");
    let unknown = error(json!({"id": "x", "envv": "prod"}));
    assert!(unknown.starts_with("inputs.envv: "), "{unknown}");
    assert!(unknown.ends_with("env, labels, rate, dry, id"), "{unknown}");
}

#[test]
fn a_pipe_without_inputs_accepts_any() {
    let pipe = Pipe::from_yaml("steps: [{plug: m}]").unwrap();
    let given = map(json!({"a": 1}));
    assert_eq!(pipe.resolve_inputs(given.clone()).unwrap(), given);
}
