use super::*;
use std::cell::RefCell;

/// Knows `m`, whose response has the fields `fail` as its error, `warn` as its warning and `body`
/// as its body, and which gives none for `{"die": true}`; stubs `s`.
#[derive(Default)]
struct Plugs {
    calls: RefCell<Vec<Value>>,
}

impl PlugCaller for Plugs {
    fn kind(&self, plug: &str) -> PlugKind {
        match plug {
            "m" | "monitoring_prometheus" => PlugKind::Known,
            "s" | "data_processor" => PlugKind::Stub,
            _ => PlugKind::Unknown,
        }
    }

    async fn call(&self, _plug: &str, ctx: Value) -> Result<Response, String> {
        self.calls.borrow_mut().push(ctx.clone());
        if ctx.get("die").is_some() {
            return Err("ran out of time".to_owned());
        }
        let text = |key: &str| ctx.get(key).map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
        Ok(Response {
            error: text("fail"),
            code: text("code"),
            warnings: text("warn").into_iter().collect(),
            body: text("body").unwrap_or_else(|| "{\"done\": true}".to_owned()),
        })
    }

    async fn file(&self, path: &str) -> Result<String, String> {
        if path == "a.csv" { Ok("the text".to_owned()) } else { Err("is not there".to_owned()) }
    }
}

async fn run_with(yaml: &str, inputs: Value) -> (PipeReport, Vec<Value>) {
    let pipe = Pipe::from_yaml(yaml).unwrap();
    let plugs = Plugs::default();
    let report = run(&pipe, inputs.as_object().unwrap().clone(), &plugs, &mut ()).await.unwrap();
    (report, plugs.calls.into_inner())
}

async fn run_yaml(yaml: &str) -> (PipeReport, Vec<Value>) {
    run_with(yaml, json!({})).await
}

fn statuses(report: &PipeReport) -> Vec<StepStatus> {
    report.steps.iter().map(|step| step.status).collect()
}

use StepStatus::{Failed, Skipped, Stubbed, Succeeded, Warned};

const FAILING: &str = "{fail: 'gateway says no', body: {success: true, of: 3}}";

#[tokio::test]
async fn the_specifications_pipe_runs_with_a_stubbed_processor() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/pipes/basic_pipe_monitoring.yaml");
    let (report, calls) = run_yaml(&std::fs::read_to_string(path).unwrap()).await;
    assert!(report.success);
    assert_eq!(report.pipe, "monitored_data_pipeline");
    assert_eq!(statuses(&report), [Succeeded, Stubbed, Succeeded]);
    assert_eq!(report.steps[1].result, Some(json!({"success": true, "stubbed": true})));
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1]["labels"], json!({"pipeline_name": "data_pipeline", "status": "success"}));
    assert!(calls[1]["metric_value"].as_f64().unwrap() >= 0.0);
}

#[tokio::test]
async fn the_pipespec_example_runs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/pipes/pipespec.yaml");
    let (report, calls) = run_yaml(&std::fs::read_to_string(path).unwrap()).await;
    assert!(report.success, "{report:#?}");
    assert!(report.steps.iter().all(|step| step.status != Failed && step.status != Warned));
    assert!(calls.iter().any(|ctx| ctx["metrics"].is_array()));
}

#[tokio::test]
async fn an_unknown_plug_is_rejected_before_any_call() {
    let pipe = Pipe::from_yaml("steps: [{plug: m}, {plug: x, id: second}]").unwrap();
    let plugs = Plugs::default();
    let error = run(&pipe, Map::new(), &plugs, &mut ()).await.unwrap_err().to_string();
    assert!(error.contains("\"second\"") && error.contains("--stub x"), "{error}");
    assert!(plugs.calls.borrow().is_empty());
}

#[tokio::test]
async fn after_a_failure_only_steps_with_always_run_run() {
    let yaml = format!(
        "steps:\n- {{plug: m}}\n- {{plug: m, id: bad, with: {FAILING}}}\n- {{plug: m}}\n\
         - {{plug: m, always_run: true, with: {{was: '{{{{ previous_step.id }}}}', so: '{{{{ pipeline.success }}}}'}}}}\n"
    );
    let (report, calls) = run_yaml(&yaml).await;
    assert!(!report.success);
    assert_eq!(statuses(&report), [Succeeded, Failed, Skipped, Succeeded]);
    assert_eq!(report.steps[1].message.as_deref(), Some("gateway says no"));
    assert_eq!(report.steps[1].result, Some(json!({"success": true, "of": 3})), "the error alone decides");
    assert!(report.steps[2].message.as_ref().unwrap().contains("bad"));
    assert_eq!(calls.last().unwrap(), &json!({"was": "bad", "so": false}));
}

#[tokio::test]
async fn a_failure_with_on_error_warn_does_not_stop_the_pipe() {
    let yaml = format!(
        "steps:\n- {{plug: m, on_error: warn, with: {FAILING}}}\n\
         - {{plug: m, with: {{s: '{{{{ previous_step.success }}}}', e: '{{{{ previous_step.error }}}}', all: '{{{{ pipeline.success }}}}'}}}}\n"
    );
    let (report, calls) = run_yaml(&yaml).await;
    assert!(report.success);
    assert_eq!(statuses(&report), [Warned, Succeeded]);
    assert_eq!(calls[1], json!({"s": false, "e": "gateway says no", "all": true}));
}

#[tokio::test]
async fn a_call_without_a_response_fails_without_a_result() {
    let (report, _) = run_yaml("steps: [{plug: m, with: {die: true}}]").await;
    assert_eq!(report.steps[0].status, Failed);
    assert_eq!(report.steps[0].message.as_deref(), Some("ran out of time"));
    assert_eq!(report.steps[0].result, None);
}

#[tokio::test]
async fn a_template_without_a_value_fails_its_step_and_not_the_run() {
    let (report, calls) = run_yaml(
        "steps: [{plug: m, id: a, with: {labels: {x: '{{ inputs.nope }}'}}}, {plug: m}, {plug: m, always_run: true}]",
    )
    .await;
    assert_eq!(statuses(&report), [Failed, Skipped, Succeeded]);
    assert_eq!(calls.len(), 1);
    let message = report.steps[0].message.as_ref().unwrap();
    for part in ["step a", "labels.x", "{{ inputs.nope }}", "inputs {}, pipeline {"] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    assert_eq!(report.steps[0].ctx, json!({"labels": {"x": "{{ inputs.nope }}"}}));
}

#[tokio::test]
async fn the_first_step_has_no_previous_one() {
    let (report, _) = run_yaml("steps: [{plug: m, with: {x: '{{ previous_step.success }}'}}]").await;
    assert!(report.steps[0].message.as_ref().unwrap().contains("previous_step"));
    let (report, _) = run_yaml("steps: [{plug: m, when: previous_step is defined}]").await;
    assert_eq!(statuses(&report), [Skipped]);
}

#[tokio::test]
async fn a_skipped_step_does_not_become_the_previous_step() {
    let (report, calls) = run_with(
        "steps: [{plug: m, id: a}, {plug: m, id: b, when: '{{ inputs.go }}'}, \
         {plug: m, with: {p: '{{ previous_step.id }}', b: '{{ steps.b.status }}', e: '{{ steps.b.error }}'}}]",
        json!({"go": "false"}),
    )
    .await;
    assert!(report.success);
    assert_eq!(statuses(&report), [Succeeded, Skipped, Succeeded]);
    assert!(report.steps[1].message.as_ref().unwrap().contains("inputs.go"));
    assert_eq!(calls[1], json!({"p": "a", "b": "skipped", "e": null}));
}

#[tokio::test]
async fn a_condition_without_a_value_fails_the_step() {
    let (report, calls) = run_yaml("steps: [{plug: m, when: steps.nope.success}]").await;
    assert_eq!(statuses(&report), [Failed]);
    assert!(report.steps[0].message.as_ref().unwrap().contains("when"));
    assert!(calls.is_empty());
}

#[tokio::test]
async fn later_steps_read_the_results_of_earlier_ones() {
    let (_, calls) = run_yaml(
        "steps: [{plug: m, id: q, with: {body: {result: {value: 7, tags: [x, y]}}}}, {plug: s, id: s}, \
         {plug: m, with: {v: '{{ steps.q.result.result.value }}', t: '{{ steps.q.result.result.tags[1] }}', \
         s: '{{ steps.s.success }}'}}]",
    )
    .await;
    assert_eq!(calls[1], json!({"v": 7, "t": "y", "s": true}));
}

#[tokio::test]
async fn a_body_that_is_no_json_arrives_as_text() {
    let (report, calls) = run_yaml(
        "steps: [{plug: m, id: a, with: {body: '<{\"success\":false', warn: odd}}, {plug: m, with: {v: '{{ steps.a.result }}'}}]",
    )
    .await;
    assert!(report.success);
    assert_eq!(report.steps[0].warnings, ["odd"]);
    assert_eq!(report.steps[0].result, Some(json!("<{\"success\":false")));
    assert_eq!(calls[1], json!({"v": "<{\"success\":false"}));
}

#[tokio::test]
async fn the_observer_is_called_for_every_step() {
    #[derive(Default)]
    struct Log(Vec<String>);
    impl Observer for Log {
        fn started(&mut self, index: usize, total: usize, step: &Step) {
            self.0.push(format!("{index}/{total} {}", step.id));
        }
        fn finished(&mut self, index: usize, total: usize, report: &StepReport) {
            self.0.push(format!("{index}/{total} {:?}", report.status));
        }
    }
    let pipe = Pipe::from_yaml("steps: [{plug: m}, {plug: m, when: false}, {plug: s}]").unwrap();
    let mut log = Log::default();
    run(&pipe, Map::new(), &Plugs::default(), &mut log).await.unwrap();
    assert_eq!(log.0, ["0/3 step_1", "0/3 Succeeded", "1/3 Skipped", "2/3 step_3", "2/3 Stubbed"]);
}

#[tokio::test]
async fn reports_serialize_with_lowercase_statuses_and_no_empty_message() {
    let (report, _) = run_yaml("name: p\nsteps: [{plug: m, with: {a: 1}}]").await;
    let mut report = serde_json::to_value(report).unwrap();
    report["duration_seconds"] = json!(0);
    report["steps"][0]["duration_seconds"] = json!(0);
    assert_eq!(
        report,
        json!({
            "pipe": "p", "success": true, "duration_seconds": 0,
            "steps": [{
                "id": "step_1", "plug": "m", "status": "succeeded", "duration_seconds": 0,
                "ctx": {"a": 1}, "result": {"done": true}
            }]
        })
    );
}

/// Answers `m` as [`Plugs`] does; stubs `llm_github_mcp` with an answer, and `slack` without.
#[derive(Default)]
struct World {
    plugs: Plugs,
    pauses: RefCell<Vec<u64>>,
    failures: std::cell::Cell<u32>,
}

impl PlugCaller for World {
    fn kind(&self, plug: &str) -> PlugKind {
        if ["llm_github_mcp", "slack"].contains(&plug) { PlugKind::Stub } else { PlugKind::Known }
    }

    async fn call(&self, plug: &str, ctx: Value) -> Result<Response, String> {
        let response = self.plugs.call(plug, ctx).await;
        let left = self.failures.get();
        self.failures.set(left.saturating_sub(1));
        match left {
            0 => response,
            _ => Ok(Response { error: Some("busy".into()), code: Some("timeout".into()), ..Response::default() }),
        }
    }

    fn version(&self, _: &str) -> Option<String> {
        Some("2.0.0".into())
    }

    fn stub(&self, plug: &str) -> Option<Value> {
        (plug == "llm_github_mcp").then(|| json!({"health": {"score": 7}, "alerts": ["a", "b"], "insights": "fine"}))
    }

    fn variable(&self, name: &str) -> Variable {
        match name {
            "TOKEN" => Variable::Value("t0ken-of-{{ x }}\"".into()),
            "UNSET" => Variable::Unset,
            _ => Variable::NotGranted,
        }
    }

    async fn pause(&self, pause: Duration) {
        self.pauses.borrow_mut().push(pause.as_secs());
    }
}

async fn run_in(world: &World, yaml: &str, inputs: Value) -> PipeReport {
    let pipe = Pipe::from_yaml(yaml).unwrap();
    run(&pipe, inputs.as_object().unwrap().clone(), world, &mut ()).await.unwrap()
}

/// The request of the last call.
async fn last_ctx(yaml: &str, inputs: Value) -> Value {
    let world = World::default();
    let report = run_in(&world, yaml, inputs).await;
    assert!(report.success, "{report:#?}");
    world.plugs.calls.into_inner().pop().unwrap()
}

#[tokio::test]
async fn outputs_are_names_for_later_steps() {
    let ctx = last_ctx(
        "steps:\n- plug: llm_github_mcp\n  id: step_1\n  name: review\n  \
         outputs: {score: '{{ llm_github_result.health.score }}', all: '{{ any_result }}', tip: '{{ insights }}', alerts: array, state: my_status}\n  \
         output_mapping: {count: x_result.alerts.length, first: 'x_result.alerts[0]', branch: 'b/{{ timestamp }}', word: main}\n\
         - plug: m\n  with: {score: '{{ score }}', deep: '{{ all.health.score }}', tip: '{{ tip }}', count: '{{ count }}', first: '{{ first }}', \
         state: '{{ state }}', word: '{{ word }}', by_name: '{{ review.score }}', by_id: '{{ step_1.health.score }}', \
         by_steps: '{{ steps.review.outputs.tip }}', by_pipeline: '${pipeline.review.outputs.tip}', length: '{{ alerts | length }}', \
         dotted: '{{ review.alerts.length }}', each: '{% for a in alerts %}{{ a }};{% endfor %}', cut: '{{ \"one two three four\" | truncate(9) }}'}\n",
        json!({}),
    )
    .await;
    assert_eq!(
        ctx,
        json!({
            "score": 7, "deep": 7, "tip": "fine", "count": 2, "first": "a", "state": "stubbed", "word": "main", "by_name": 7,
            "by_id": 7, "by_steps": "fine", "by_pipeline": "fine", "length": 2, "dotted": 2, "each": "a;b;", "cut": "one...",
        })
    );
}

#[tokio::test]
async fn names_are_found_bare_and_references_are_like_templates() {
    let ctx = last_ctx(
        "config: {data: {items: [1, 2]}, region: eu}\ninputs: {who: me, region: us, key: '${env:TOKEN}', off: '${GONE}'}\nsteps:\n- plug: m\n  id: first\n  with: {body: {url: u, n: 3}}\n\
         - plug: m\n  with: {who: '{{ who }}', items: '${data.items}', region: '{{ region }}', c: '${config.region}', url: '${first.url}', \
         i: '${inputs.who}!', both: '${first.n > 2 && who == \"me\"}', choice: '{{ first.n < 2 ? \"low\" : \"high\" }}', \
         token: '${TOKEN}', key: '{{ key }}', or: '${env:NOPE:de:fault}', unset: '${env:UNSET:x}', raw: '{% raw %}${datasource}{% endraw %}', whole: '{{ first }}', sum: '${summary.status}'}",
        json!({}),
    )
    .await;
    let token = "t0ken-of-{{ x }}\"";
    assert_eq!(
        ctx,
        json!({
            "who": "me", "items": [1, 2], "region": "us", "c": "eu", "url": "u", "i": "me!", "both": true, "choice": "high",
            "token": token, "key": token, "or": "de:fault", "unset": "x", "raw": "${datasource}", "whole": {"url": "u", "n": 3}, "sum": "success",
        })
    );
}

#[tokio::test]
async fn a_reference_that_cannot_be_resolved_fails_a_step_that_runs() {
    for (value, said) in [
        ("${vault:a/b}", "${vault:…} is not supported"),
        ("${file:x}", "${file:…} is not supported"),
        ("x ${HOME}", "--env HOME"),
        ("${env:UNSET}", "not set in the environment"),
        ("{{ key }}", "--env GONE"),
        ("${nope.path}", "`nope.path` is undefined"),
    ] {
        let world = World::default();
        let yaml = format!("inputs: {{key: '${{GONE}}'}}\nsteps: [{{plug: m, with: {{a: {{b: '{value}'}}}}}}]");
        let report = run_in(&world, &yaml, json!({})).await;
        let message = report.steps[0].message.as_deref().unwrap_or_default();
        assert!(message.contains("a.b") && message.contains(said), "{value}: {message}");
        assert!(world.plugs.calls.borrow().is_empty());
        // Nobody needs the value for a stub.
        let yaml = yaml.replace("plug: m", "plug: slack");
        let report = run_in(&World::default(), &yaml, json!({})).await;
        assert!(report.success, "{report:?}");
    }
}

#[tokio::test]
async fn what_a_stub_did_not_give_is_empty_with_a_warning_and_else_fails() {
    let yaml = "steps:\n- {plug: slack, id: notify, outputs: {n: '{{ slack_result.a.b }}'}}\n\
         - {plug: m, id: use, when: '{{ n.count > 5 || !notify.sent }}', with: {n: '{{ n }}', deep: '{{ n.a[0].b }}', text: 'x{{ notify.gone.on }}y', \
         count: '{{ n | length }}', cut: '{{ n | truncate(3) }}', choice: \"{{ n.ok | ternary('a', 'b') }}\", each: '{% for a in n.list %}{{ a }}{% endfor %}', list: '{{ [n] }}'}}\n";
    let world = World::default();
    let report = run_in(&world, yaml, json!({})).await;
    assert!(report.success, "{report:#?}");
    let empty =
        json!({"n": "", "deep": "", "text": "xy", "count": 0, "cut": "", "choice": "b", "each": "", "list": [""]});
    assert_eq!(world.plugs.calls.borrow()[0], empty);
    let warnings = report.steps[1].warnings.join("\n");
    for part in ["when: n.count is undefined", "when: notify.sent", "deep: n.a", "text: notify.gone", "is empty"] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
    // Not a stub's: an error, even next to one.
    for (field, named) in [
        ("{{ n }}{{ whoo }}", "`whoo` is undefined; did you mean who?"),
        ("{{ notify.a }} {{ use.x }}", "`use.x` is undefined"),
    ] {
        let yaml = yaml.replace("{{ notify.gone.on }}", field);
        let report = run_in(&World::default(), &format!("inputs: {{who: me}}\n{yaml}"), json!({})).await;
        let message = report.steps[1].message.as_deref().unwrap_or_default();
        assert!(message.contains("text") && message.contains(named), "{message}");
    }
    let report =
        run_in(&World::default(), "steps: [{plug: m, id: a}, {plug: m, with: {v: '{{ a.gone.on }}'}}]", json!({}))
            .await;
    assert!(report.steps[1].message.as_deref().unwrap().contains("`a.gone.on` is undefined"), "{report:?}");
}

#[tokio::test]
async fn an_output_without_a_value_fails_a_step_that_ran() {
    let report =
        run_in(&World::default(), "steps: [{plug: m, id: a, outputs: {x: '{{ m_result.nope }}'}}]", json!({})).await;
    let message = report.steps[0].message.as_deref().unwrap();
    assert!(message.contains("outputs.x") && message.contains("m_result.nope"), "{message}");
    let yaml = "steps: [{plug: m, on_error: warn, with: {fail: no, body: {why: x}}, outputs: {why: string, gone: m_result.gone}}, {plug: m, with: {why: '{{ why }}'}}]";
    assert_eq!(last_ctx(yaml, json!({})).await, json!({"why": "x"}));
}

#[tokio::test]
async fn a_step_that_fails_runs_again_as_often_as_allowed() {
    let run_failing = async |failures: u32, policy: &str| {
        let world = World::default();
        world.failures.set(failures);
        let yaml =
            format!("error_handling: {{retry_policy: {policy}}}\nsteps: [{{plug: m, on_error: {{message: odd}}}}]");
        let report = run_in(&world, &yaml, json!({})).await;
        (report.success, report.steps[0].clone(), world.pauses.into_inner())
    };
    let (success, step, pauses) = run_failing(2, "{max_attempts: 4, backoff_strategy: exponential}").await;
    assert!(success);
    assert_eq!((step.attempts, pauses), (3, vec![1, 2]));
    assert_eq!(step.warnings, ["attempt 1 of 4 failed: busy", "attempt 2 of 4 failed: busy"]);
    let (success, step, pauses) = run_failing(9, "{max_retries: 2}").await;
    assert_eq!((success, step.attempts, pauses), (false, 3, vec![1, 1]));
    assert_eq!(step.message.as_deref(), Some("odd: busy"));
    let (_, step, _) = run_failing(9, "{max_retries: 2, retry_on: [network]}").await;
    assert_eq!(step.attempts, 1);
    let (success, ..) = run_failing(1, "{max_retries: 2, retry_on: [network, service_timeout]}").await;
    assert!(success);
}

#[tokio::test]
async fn sensitive_values_reach_the_plug_and_no_report() {
    let pipe = "inputs: {password: {type: string, sensitive: true, required: true}}\nsteps:\n\
         - {plug: m, id: a, with: {auth: 'Bearer {{ password }}', env: '${TOKEN}', warn: 'odd {{ password }}', body: {echo: '{{ inputs.password }}'}}, outputs: {p: m_result.echo}}\n\
         - {plug: m, with: {p: '{{ p }}', fail: 'not {{ p }}'}}";
    let world = World::default();
    let report = run_in(&world, pipe, json!({"password": "hunter22"})).await;
    let calls = world.plugs.calls.into_inner();
    assert_eq!((&calls[0]["auth"], &calls[1]["p"]), (&json!("Bearer hunter22"), &json!("hunter22")));
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("hunter22") && !text.contains("t0ken"), "{text}");
    assert_eq!(report.steps[0].outputs["p"], "***");
    assert_eq!(
        (report.steps[0].warnings[0].as_str(), report.steps[1].message.as_deref()),
        ("odd ***", Some("not ***"))
    );
}

#[tokio::test]
async fn a_version_that_the_host_has_not_got_yet_is_a_warning() {
    for (version, warned) in [("1.0.0", 0), ("2.0.0", 0), ("2.0", 0), ("2.0.1", 1), ("^10.0", 1), ("latest", 1)] {
        let report = run_in(&World::default(), &format!("steps: [{{plug: m, version: {version}}}]"), json!({})).await;
        assert_eq!(report.steps[0].warnings.len(), warned, "{version}");
    }
}

#[tokio::test]
async fn all_conditions_must_hold() {
    let (report, _) = run_yaml("steps: [{plug: m, when: true, condition: '1 > 2'}, {plug: m, condition: '${inputs.x || 1 == 1}', when: 'true'}]").await;
    assert_eq!(statuses(&report), [Skipped, Failed]);
    let (report, _) =
        run_with("inputs: {x: true}\nsteps: [{plug: m, condition: '${inputs.x && 1 == 1}', when: 'true'}]", json!({}))
            .await;
    assert_eq!(statuses(&report), [Succeeded]);
}

#[tokio::test]
async fn a_step_gets_the_text_of_its_file_and_the_report_does_not() {
    let step = |file: &str, plug: &str| {
        format!("inputs: {{name: a}}\nsteps: [{{uses: {plug}, file: '{file}', with: {{b: 1}}}}]")
    };
    let (report, calls) = run_yaml(&step("{{ inputs.name }}.csv", "m")).await;
    assert_eq!(calls, [json!({"b": 1, "file": "a.csv", "text": "the text"})]);
    assert_eq!(report.steps[0].ctx, json!({"b": 1, "file": "a.csv"}));
    let (report, calls) = run_yaml(&step("b.csv", "m")).await;
    assert_eq!((statuses(&report), calls.len()), (vec![Failed], 0));
    assert_eq!(report.steps[0].message.as_deref(), Some("step step_1, file: b.csv: is not there"));
    // Nothing is read for a stub.
    let (report, _) = run_yaml(&step("b.csv", "s")).await;
    assert_eq!(statuses(&report), [Stubbed]);
    let twice = Pipe::from_yaml("steps: [{uses: m, file: a.csv, with: {text: t}}]").unwrap_err().to_string();
    assert!(twice.contains("steps[0].file: the host sets the field text"), "{twice}");
}
