use std::collections::BTreeMap;

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
        // Beside them lies what a step reads.
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
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
    pipe.steps[0].field_paths.clear();
    assert_eq!(
        pipe.steps,
        [Step {
            path: "steps[0]".into(),
            id: "step_1".into(),
            plug: "monitoring_prometheus".into(),
            ctx: json!({
                "metric_name": "plugpipe_pipeline_duration",
                "metric_value": 45.2,
                "metric_type": "histogram",
                "labels": {"pipeline_name": "data_processing", "status": "success"}
            }),
            field_paths: BTreeMap::new(),
            reads_file: false,
            name: None,
            version: None,
            outputs: Vec::new(),
            when: Vec::new(),
            on_error: OnError::Fail,
            message: None,
            retry: None,
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
    let (plain, mut spec) = (plain.unwrap(), spec.unwrap());
    assert_eq!(spec.steps[0].path, "pipeline[0]");
    assert_eq!(spec.steps[0].field_paths["x"], "pipeline[0].with.x");
    spec.steps[0].path = plain.steps[0].path.clone();
    spec.steps[0].field_paths = plain.steps[0].field_paths.clone();
    assert_eq!(plain, spec);
}

#[test]
fn config_with_input_and_inputs_are_merged_in_order() {
    let pipe = Pipe::from_yaml(
        "steps: [{inputs: {d: inputs}, with: {b: with, c: with}, input: {c: input, d: input}, \
         config: {a: config, b: config, c: config}, plug: m}]",
    );
    let steps = pipe.unwrap().steps;
    assert_eq!(steps[0].ctx, json!({"a": "config", "b": "with", "c": "input", "d": "inputs"}));
    let paths: Vec<&str> = steps[0].field_paths.values().map(String::as_str).collect();
    assert_eq!(paths, ["steps[0].config.a", "steps[0].with.b", "steps[0].input.c", "steps[0].inputs.d"]);
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
        ("pipeline: {stepz: []}", "pipeline.steps: ", "at least one step"),
        ("pipeline: {steps: x}", "pipeline.steps: expected a list", "got \"x\""),
        ("steps: [x]", "steps[0]: ", "a step"),
        ("steps: [{config: {}}]", "steps[0]: ", "no plug"),
        ("steps: [{plug: 3}]", "steps[0].plug: ", "got 3"),
        ("steps: [{plug: m, config: [1]}]", "steps[0].config: ", "a mapping, got a list"),
        ("steps: [{plug: m, id: a}, {plug: m, id: a}]", "steps[1].id: ", "duplicate id \"a\""),
        ("steps: [{plug: m}, {plug: m, on_error: wran}]", "steps[1].on_error: ", "did you mean warn?"),
        ("steps: [{plug: m, on_error: {action: retyr}}]", "steps[0].on_error.action: ", "did you mean retry?"),
        ("steps: [{plug: m, on_error: {max_attempts: 0}}]", "steps[0].on_error.max_attempts: ", "from 1 to 20, got 0"),
        (
            "steps: [{plug: m}]\nerror_handling: {retry_policy: {max_retries: 21}}",
            "error_handling.retry_policy.max_retries: ",
            "19",
        ),
        ("steps: [{plug: m, always_run: 'yes'}]", "steps[0].always_run: ", "true or false, got \"yes\""),
        ("steps: [{plug: m, when: 3}]", "steps[0].when: ", "got 3"),
        ("pipeline: [{uses: m}, {uses: m, foreach: [1]}]", "pipeline[1].foreach: is not supported", "takes a list"),
        ("pipeline: [{uses: m, env: {A: b}}]", "pipeline[0].env: is not supported", "with"),
        ("pipeline: [{uses: m, next: end}]", "pipeline[0].next: \"end\" is not the id or name of a step", ""),
        ("steps: [{plug: m, id: abc, depends_on: [abd]}]", "steps[0].depends_on: ", "did you mean abc?"),
        ("steps: [{plug: m, id: a, depends_on: a}]", "steps[0]: steps wait for each other: a → a", ""),
        ("steps: [{plug: m, id: a, next: b}, {plug: m, id: b, next: a}]", "steps[1]: ", "b → a → b"),
        (
            "steps: [{plug: m, id: a, next: [{target: b, when: x}]}, {plug: m, id: b}]",
            "steps[0].next[0].when: ",
            "opposite",
        ),
        ("secrets: {token: x}\nsteps: [{plug: m}]", "secrets: is not supported", "host"),
        ("middleware: [{uses: x}]\nsteps: [{plug: m}]", "middleware: is not supported", "steps"),
        ("prometheus_config: {debug: true}\nsteps: [{plug: m}]", "prometheus_config: ", "--config"),
        ("kind: Job\npipeline: [{uses: m}]", "kind: expected PipeSpec", "Job"),
        ("name: {}\nsteps: [{plug: m}]", "name: ", "a mapping"),
        ("inputs: {a: {type: text}}\nsteps: [{plug: m}]", "inputs.a.type: ", "boolean"),
        ("inputs: {a: {type: integer, default: 1.5}}\nsteps: [{plug: m}]", "inputs.a.default: ", "integer, got 1.5"),
        (
            "inputs: {a: {enum: [one, two], default: tow}}\nsteps: [{plug: m}]",
            "inputs.a.default: expected one of \"one\", \"two\"",
            "did you mean two?",
        ),
        ("steps: [{plug: m, config: {v: .inf}}]", "pipe: is not valid YAML", "+Inf"),
        ("steps: [{plug: m, plug: n}]", "pipe: is not valid YAML", "line 1"),
        ("steps: [", "pipe: is not valid YAML", "line 1"),
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
        assert!(error.starts_with("pipe: is not valid YAML"), "{error}");
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
    assert!(error(&yaml).starts_with("pipe: is not valid YAML"));
}

fn with_inputs() -> Pipe {
    Pipe::from_yaml(
        "inputs:\n  env: dev\n  labels: {team: x}\n  rate: {type: number, default: 0.5}\n  \
         id: {type: string, required: true, description: who}\n  dry: {type: boolean}\n\
         steps: [{plug: m}]",
    )
    .unwrap()
}

/// All problems of a pipe, each as `line:column kind path: message`.
fn problems(yaml: &str) -> Vec<String> {
    let problems = match Pipe::from_yaml(yaml) {
        Ok(pipe) => pipe.warnings,
        Err(PipeError::Invalid(problems)) => problems,
        Err(error) => panic!("{error}"),
    };
    let told = problems.iter().map(|problem| {
        let at = problem.position.unwrap();
        let kind = if problem.is_warning { "warning" } else { "error" };
        format!("{}:{} {kind} {problem}", at.line, at.column)
    });
    told.collect()
}

#[test]
fn all_problems_come_at_once_in_the_order_of_the_file() {
    let told = problems(
        "nmae: p\nconfg: {a: 1}\nsteps:\n  - {plug: m, wen: x, on_error: stop}\n  - config: {}\n  - plug: m\n    \
         depends_on: [b]\n    with: [1]\n",
    );
    assert_eq!(
        told,
        [
            "1:1 warning nmae: unknown key; did you mean name?",
            "2:1 warning confg: unknown key; did you mean config?",
            "4:15 warning steps[0].wen: unknown key; did you mean when?",
            "4:33 error steps[0].on_error: expected fail, warn or continue, got \"stop\"",
            "5:5 error steps[1]: no plug; expected `plugin: NAME` (or `plug`, or `uses`)",
            "8:11 error steps[2].with: expected a mapping, got a list",
        ]
    );
}

#[test]
fn what_is_not_carried_out_is_one_warning() {
    let told = problems(
        "success_criteria: [all is well]\nerror_handling: {default_policy: fail_fast, rollback_on_failure: true, \
         notification_channels: [{type: log}], on_failure: [{rollback: true}], retry_policy: {max_retries: 2}}\n\
         inputs: {a: {type: object, schema: {type: object}}}\nsteps: [{plug: m}]",
    );
    assert_eq!(
        told,
        [
            "3:28 warning inputs.a.schema: not supported, and ignored: inputs.a.schema, error_handling.rollback_on_failure, \
          error_handling.notification_channels, error_handling.on_failure, success_criteria"
        ]
    );
    assert!(problems("error_handling: {rollback_on_failure: false}\nsteps: [{plug: m}]").is_empty());
}

#[test]
fn metadata_of_published_pipes_is_accepted_in_silence() {
    let told = problems(
        "apiVersion: v1\nkind: PipeSpec\nmetadata: {name: p, owner: o, version: 1.0.0, industry: any, compliance_frameworks: [A]}\n\
         version: 1.0.0\nauthor: a\nowner: o\nstatus: stable\ncategory: c\nsubcategory: s\ntype: pipe\ntags: [t]\n\
         config: {timeout: 600}\nrequired_plugins: [m]\nsummary: {format: table, columns: [a], doc: Done}\n\
         outputs: {success: {type: boolean, value: x}}\ndependencies: {plugins: [m >= 1.0.0]}\nmonitoring: {self_monitor: true}\n\
         documentation: {usage: text}\nexamples: [{name: e, input: {}}]\ninterface: {process: {}}\n_provenance: {from: x}\n\
         copyright: {owner: o, year: 2025}\nlicense: MIT\nlicense_url: u\nspdx_license_identifier: MIT\n\
         pipeline: {steps: [{name: a, plugin: m, version: 1.0.0, description: d}]}",
    );
    assert!(told.is_empty(), "{told:#?}");
}

#[test]
fn the_plug_is_the_first_of_plug_plugin_and_uses() {
    let step = |fields: &str| {
        let pipe = Pipe::from_yaml(&format!("steps: [{{{fields}}}]")).unwrap();
        let step = pipe.steps[0].clone();
        (step.plug, step.version, pipe.warnings.len())
    };
    let plug = |name: &str, version: Option<&str>, warnings| (name.to_owned(), version.map(str::to_owned), warnings);
    assert_eq!(step("plug: a, plugin: b, uses: c"), plug("a", None, 2));
    assert_eq!(step("plugin: b, uses: c"), plug("b", None, 1));
    assert_eq!(step("plugin: b, uses: b"), plug("b", None, 0));
    assert_eq!(step("uses: name"), plug("name", None, 0));
    for nothing in ["name", "id", "plugin", "description", ""] {
        assert_eq!(step(&format!("plug: a, uses: {nothing}")), plug("a", None, 0), "{nothing}");
    }
    assert_eq!(step("plugin: com.example.a, version: 1.10"), plug("com.example.a", Some("1.10"), 0));
    assert_eq!(step("plugin: 'com.example.a:2.0.0'"), plug("com.example.a", Some("2.0.0"), 0));
}

#[test]
fn steps_run_in_the_order_of_their_dependencies() {
    let pipe = Pipe::from_yaml(
        "steps:\n- {plug: m, id: report, depends_on: [load, check_it]}\n- {plug: m, id: last}\n- {plug: m, id: load, next: {}}\n\
         - {plug: m, id: step_9, name: check_it}\n- {plug: m, id: first, next: [load, {target: check_it}]}"
            .replace(", next: {}", "")
            .as_str(),
    );
    let ids: Vec<String> = pipe.unwrap().steps.into_iter().map(|step| step.id).collect();
    assert_eq!(ids, ["last", "first", "load", "step_9", "report"]);
}

#[test]
fn on_error_may_be_a_mapping_and_the_pipe_may_have_a_policy() {
    let pipe = Pipe::from_yaml(
        "error_handling: {retry_policy: {max_retries: 1, backoff: exponential, retry_on: [timeout]}}\nsteps:\n\
         - {plug: m, on_error: {action: log, continue: true}}\n- {plug: m, on_error: {action: log, continue: false}}\n\
         - {plug: m, on_error: {action: fail, message: no}}\n\
         - {plug: m, on_error: {action: retry, max_attempts: 4, fallback: {action: warn, message: odd}}}",
    );
    let steps = pipe.unwrap().steps;
    let effects: Vec<OnError> = steps.iter().map(|step| step.on_error).collect();
    assert_eq!(effects, [OnError::Warn, OnError::Fail, OnError::Fail, OnError::Warn]);
    assert_eq!((steps[2].message.as_deref(), steps[3].message.as_deref()), (Some("no"), Some("odd")));
    let of_pipe = Retry { attempts: 2, exponential: true, retry_on: vec!["timeout".into()] };
    assert_eq!(steps[0].retry, Some(of_pipe));
    assert_eq!(steps[3].retry, Some(Retry { attempts: 4, exponential: false, retry_on: vec![] }));
}

#[test]
fn pauses_double_and_codes_match_by_word() {
    let retry = |exponential, codes: &[&str]| Retry {
        attempts: 9,
        exponential,
        retry_on: codes.iter().map(|code| (*code).to_owned()).collect(),
    };
    let pauses = |retry: Retry| (2..10).map(|attempt| retry.pause_seconds(attempt)).collect::<Vec<_>>();
    assert_eq!(pauses(retry(true, &[])), [1, 2, 4, 8, 16, 30, 30, 30]);
    assert_eq!(pauses(retry(false, &[])), [1; 8]);
    assert!(retry(true, &[]).is_for(None) && !retry(true, &["timeout"]).is_for(None));
    for (listed, matches) in [("timeout", true), ("Service-Timeout", true), ("timeouts", false), ("network", false)] {
        assert_eq!(retry(true, &[listed]).is_for(Some("timeout")), matches, "{listed}");
    }
}

#[test]
fn outputs_are_templates_paths_or_members() {
    let pipe = Pipe::from_yaml(
        "steps: [{plug: m, outputs: {a: '{{ x_result.a }}', b: boolean, c: {type: string}}, output_mapping: {d: x_result.d, e: 5}}]",
    );
    let outputs = pipe.unwrap().steps[0].outputs.clone();
    let value = |name: &str, value| (name.to_owned(), Output::Value(value));
    let member = |name: &str| (name.to_owned(), Output::Member);
    assert_eq!(
        outputs,
        [
            value("a", json!("{{ x_result.a }}")),
            member("b"),
            member("c"),
            value("d", json!("x_result.d")),
            value("e", json!(5))
        ]
    );
}

#[test]
fn enums_are_checked_and_sensitive_values_not_shown() {
    let pipe = Pipe::from_yaml(
        "inputs:\n  mode: {type: string, enum: [on, off], required: true}\n  size: {enum: [1, 2]}\n  \
         key: {type: integer, sensitive: true}\n  word: {enum: [alpha, beta], sensitive: true}\nsteps: [{plug: m}]",
    )
    .unwrap();
    let resolve = |given| pipe.resolve_inputs(map(given)).map_err(|error| error.to_string());
    let inputs = resolve(json!({"mode": "off", "size": "2", "key": "12", "word": "beta"})).unwrap();
    assert_eq!(Value::Object(inputs), json!({"mode": "off", "size": 2, "key": 12, "word": "beta"}));
    assert_eq!(
        resolve(json!({"mode": "of"})).unwrap_err(),
        "inputs.mode: expected one of \"on\", \"off\", got \"of\"; did you mean off?"
    );
    for given in [json!({"mode": "on", "key": "s3cret"}), json!({"mode": "on", "word": "s3cret"})] {
        let error = resolve(given).unwrap_err();
        assert!(error.contains("another value") && !error.contains("s3cret"), "{error}");
    }
    let error = error("inputs: {key: {type: integer, sensitive: true, default: s3cret}}\nsteps: [{plug: m}]");
    assert!(error.starts_with("inputs.key.default: expected integer") && !error.contains("s3cret"), "{error}");
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
