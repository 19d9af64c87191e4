use super::*;
use serde_json::{Map, json};

fn scope() -> Scope {
    let Value::Object(variables) = json!({
        "inputs": {"env": "prod", "rate": 0.5, "count": 3, "on": true, "text_no": "False", "labels": {"a": "b"}},
        "pipeline": {"name": "p", "success": true},
        "evil": "{{ inputs.env }}",
    }) else {
        unreachable!()
    };
    scope_of(variables)
}

fn scope_of(variables: Map<String, Value>) -> Scope {
    Scope::new(variables.iter().map(|(name, value)| (name.clone(), engine_value(value))).collect())
}

fn condition(when: &str) -> Result<bool, TemplateError> {
    Templates::new().condition(when, &scope(), &mut Vec::new())
}

fn render(text: &str) -> Result<Value, String> {
    Templates::new().render(&json!(text), &scope(), &mut Vec::new()).map_err(|error| error.to_string())
}

#[test]
fn a_sole_expression_keeps_its_type() {
    assert_eq!(render("{{ inputs.rate }}").unwrap(), json!(0.5));
    assert_eq!(render("{{- inputs.count -}}").unwrap(), json!(3));
    assert_eq!(render("{{inputs.on}}").unwrap(), json!(true));
    assert_eq!(render("{{ inputs.labels }}").unwrap(), json!({"a": "b"}));
    assert_eq!(render("{{ [inputs.count, none] }}").unwrap(), json!([3, null]));
    assert_eq!(render("{{ 'a}} {{b' }}").unwrap(), json!("a}} {{b"));
}

#[test]
fn the_work_of_a_template_is_limited() {
    for template in [
        "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}",
        "{{ 'x' * 100000000 }} and more",
        "{{ 'x' * 100000000 }}",
    ] {
        let begun = std::time::Instant::now();
        let problem = render(template).unwrap_err();
        assert!(problem.contains("exceeds the work limit of 1000000 instructions"), "{problem}");
        assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
    }
    // Much more work than pipes need.
    let much = render("{% for a in range(9999) %}{{ a }},{% endfor %}").unwrap();
    assert!(much.as_str().unwrap().ends_with(",9998,"));
    assert!(condition("range(9999) | sum > 1").unwrap());
}

/// Expressions that nest as deep as `length` bytes allow, one per kind of nesting.
fn deep(length: usize) -> Vec<String> {
    let room = length - 2;
    let filled = |before: &str, part: &str, after: &str| {
        format!("{before}{}{after}", part.repeat((room - before.len() - after.len()) / part.len()))
    };
    vec![
        filled("", "-", "1"),
        filled("", "not ", "1"),
        filled("", "(", "1"),
        filled("", "[", ""),
        filled("", "{1:", ""),
        filled("1", "~1", ""),
        filled("1", "+1", ""),
        filled("1", "**1", ""),
        filled("1", "|int", ""),
        filled("inputs", ".a", ""),
        filled("inputs", "[0]", ""),
        filled("1", " if 1 else 1", ""),
        filled("1", " and 1", ""),
        filled("1", "<1", ""),
        filled("1", " is not none", ""),
        filled("range", "(1)", ""),
    ]
}

#[test]
fn deep_templates_fit_the_stack() {
    for expression in deep(MAX_TAG_LEN) {
        // The result does not matter, only that the stack suffices.
        let _ = condition(&expression);
        let _ = render(&format!("{{{{{}}}}}", expression.get(4..).unwrap()));
        let _ = render(&format!("x {{{{{}", expression.get(4..).unwrap()));
    }
    let elifs = format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(MAX_ELIFS));
    assert_eq!(render(&elifs).unwrap(), json!(""));
    for block in ["{% if 1 %}", "{% for a in [1] %}", "{% with %}", "{% macro m() %}", "{% filter upper %}"] {
        let _ = render(&block.repeat(MAX_TEMPLATE_LEN / block.len()));
    }
}

#[test]
fn deeper_templates_are_rejected_before_compilation() {
    for expression in deep(200_000) {
        let problem = condition(&expression).unwrap_err().to_string();
        assert!(problem.contains("199") && problem.contains("exceeds the limit of 8192"), "{problem}");
        for template in [format!("{{{{{expression}}}}}"), format!("{{%if {expression}"), format!("a{{{{ {expression}")]
        {
            let problem = render(&template).unwrap_err();
            assert!(problem.contains("an expression or tag has"), "{problem}");
        }
    }
    let elifs = format!("{{% if 0 %}}{}{{% endif %}}", "{%- elif 0 -%}".repeat(MAX_ELIFS + 1));
    assert!(render(&elifs).unwrap_err().contains("501 elif tags exceed the limit of 500"));
    assert!(render(&format!("{{{{ 1 }}}}{}", "x".repeat(MAX_TEMPLATE_LEN))).unwrap_err().contains("the template has"));
    // Long text does not nest.
    let long = "x".repeat(500_000);
    assert_eq!(render(&format!("{{% raw %}}{long}{{% endraw %}}{{# {long} #}}")).unwrap(), json!(long));
}

#[test]
fn values_are_bounded_in_size_and_depth() {
    let many = "[[1] * 99999] * 99999";
    for template in [
        format!("{{{{ {many} }}}}"),
        format!("{{{{ [{many}] * 99999 }}}}"),
        "{{ [range(99999)] * 99999 }}".into(),
        "{{ ['x' * 1000000] * 99999 }}".into(),
        "{{ [{'x' * 1000000: 1}] * 99999 }}".into(),
        format!("x{{{{ {many} }}}}"),
        "x{{ [[1] * 9999000] * 999 }}".into(),
        "{% set a = [1] * 1000 %}{% set b = [a] * 1000 %}{{ [b, b, b, b] }}".into(),
    ] {
        let begun = std::time::Instant::now();
        let problem = render(&template).unwrap_err();
        assert!(problem.contains("exceeds the work limit of 1000000 instructions"), "{problem}");
        assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{template}: {:?}", begun.elapsed());
    }
    // Nested lists: an external value, and the template's own lists around it.
    let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let wrapped = |levels: usize, own: usize| {
        let Value::Object(variables) = json!({"deep": deep(levels)}) else { unreachable!() };
        let template = format!("{{{{ {}deep{} }}}}", "[".repeat(own), "]".repeat(own));
        Templates::new()
            .render(&json!(template), &scope_of(variables), &mut Vec::new())
            .map_err(|error| error.to_string())
    };
    for (levels, own) in [(127, 0), (67, 60)] {
        assert_eq!(wrapped(levels, own), Ok(deep(levels + own)));
        let problem = wrapped(levels + 1, own).unwrap_err();
        assert!(problem.contains("the value nests deeper than 127 levels"), "{problem}");
    }
}

#[test]
fn text_around_an_expression_makes_a_string() {
    assert_eq!(render("{{ inputs.count }} ").unwrap(), json!("3 "));
    assert_eq!(render("{{ inputs.count }}{{ inputs.count }}").unwrap(), json!("33"));
    assert_eq!(render("{% if inputs.on %}yes{% endif %}\n").unwrap(), json!("yes\n"));
}

#[test]
fn text_is_not_escaped_and_promql_is_unchanged() {
    let promql = "sum(rate(a{status='failure'}[5m])) by (le) > 0.1 & \"x\"";
    assert_eq!(render(promql).unwrap(), json!(promql));
    assert_eq!(render("<{{ \"<a & 'b'>\" }}>").unwrap(), json!("<<a & 'b'>>"));
}

#[test]
fn ternary_selects_by_truth() {
    assert_eq!(render("{{ pipeline.success | ternary('success', 'failed') }}").unwrap(), json!("success"));
    assert_eq!(render("{{ 0 | ternary('success', 'failed') }}").unwrap(), json!("failed"));
    assert!(render("{{ inputs.nope | ternary(1, 2) }}").unwrap_err().contains("undefined"));
}

#[test]
fn values_are_not_evaluated_again() {
    assert_eq!(render("{{ evil }}").unwrap(), json!("{{ inputs.env }}"));
    assert_eq!(render("x{{ evil }}").unwrap(), json!("x{{ inputs.env }}"));
}

#[test]
fn prometheus_expressions_pass_through() {
    for text in [
        "{{ $value }}",
        "{{$value}}",
        "{{- $value -}}",
        "Error rate is {{ $value }} errors/sec",
        "{{ $labels.instance }} of {{ $labels.job }}: {{ $value | printf \"%.2f}}\" }}",
        "{{ $labels.path }} it's \\ {{ $x }}",
        r#"{{ $labels.path | reReplaceAll "\n|\"" "}}" }}"#,
    ] {
        assert_eq!(render(text).unwrap(), json!(text));
    }
    assert_eq!(render("{{ inputs.env }}: {{ $value }}").unwrap(), json!("prod: {{ $value }}"));
}

#[test]
fn prometheus_expressions_in_quotes_comments_and_raw_blocks_are_left_alone() {
    assert_eq!(render("{{ \"{{ $value }}\" }}").unwrap(), json!("{{ $value }}"));
    assert_eq!(render("a{# {{ $value }} #}b").unwrap(), json!("ab"));
    assert_eq!(
        render("{%- raw -%} {{ $value }}{{plugin_name}} {%- endraw %} {{ inputs.env }}").unwrap(),
        json!("{{ $value }}{{plugin_name}} prod")
    );
}

#[test]
fn an_unclosed_tag_is_an_error() {
    assert!(render("{{ $value").unwrap_err().contains("syntax error"));
    assert!(render("{% raw %}{{ $value }}").is_err());
}

#[test]
fn an_undefined_name_error_lists_the_defined_names() {
    let fields = json!({"metrics": [{"labels": {"status": "{{ inputs.statuss }}"}}]});
    let error = Templates::new().render(&fields, &scope(), &mut Vec::new()).unwrap_err().to_string();
    for part in [
        "metrics[0].labels.status",
        "{{ inputs.statuss }}",
        "`inputs.statuss` is undefined",
        "inputs {count, env,",
        "pipeline {name, success}",
    ] {
        assert!(error.contains(part), "{part:?} is not in {error}");
    }
    assert!(render("{{plugin_name}}").unwrap_err().contains("{% raw %}"));
    assert!(render("{{ humanize $value }}").unwrap_err().contains("{% raw %}"));
}

#[test]
fn an_undefined_part_of_an_object_is_an_error() {
    assert!(render("{{ {'a': inputs.nope} }}").unwrap_err().contains("undefined"));
}

#[test]
fn infinities_are_spelled_as_in_prometheus() {
    assert_eq!(render("{{ 1e308 * 10 }}").unwrap(), json!("+Inf"));
    assert_eq!(render("{{ -1e308 * 10 }}").unwrap(), json!("-Inf"));
}

#[test]
fn keys_are_not_templates() {
    let fields = json!({"{{ inputs.env }}": "{{ inputs.env }}"});
    let rendered = Templates::new().render(&fields, &scope(), &mut Vec::new()).unwrap();
    assert_eq!(rendered, json!({"{{ inputs.env }}": "prod"}));
}

#[test]
fn conditions_are_expressions_with_or_without_braces() {
    let holds = |when: &str| condition(when).map_err(|error| error.to_string());
    assert_eq!(holds("inputs.env == 'prod'"), Ok(true));
    assert_eq!(holds("{{ inputs.env == 'dev' }}\n"), Ok(false));
    assert_eq!(holds("true"), Ok(true));
    assert_eq!(holds("inputs.text_no"), Ok(false));
    assert_eq!(holds("inputs.env"), Ok(true));
    assert!(holds("inputs.nope").unwrap_err().contains("undefined"));
    assert!(holds("true and inputs.nope").unwrap_err().contains("undefined"));
    assert!(holds("{{ inputs.on }} or {{ inputs.on }}").unwrap_err().contains("when"));
}

#[test]
fn long_templates_are_quoted_in_part() {
    let text = format!("{{{{ nope }}}}{}", "é".repeat(5000));
    assert!(render(&text).unwrap_err().len() < 1000);
}

/// Texts in which the syntax of templates is likely.
fn source() -> impl proptest::strategy::Strategy<Value = String> {
    let part = "\\{\\{|\\}\\}|\\{%|%\\}|\\{#|#\\}|\\$\\{|\\}|raw|endraw|env:|inputs\\.env|[ -~]{0,4}|é|\n|\"|'|\\\\|\\|\\||&&|\\?|:|\\.length|!";
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

use proptest::prelude::{Strategy as _, any};
use proptest::{prop_assert, prop_assert_eq};

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn pieces_are_the_whole_text(text in source()) {
        let whole: String = syntax::pieces(&text)
            .map(|piece| match piece {
                Piece::Text(text) | Piece::Tag(_, text) => text.to_owned(),
                Piece::Reference(inner) => format!("${{{inner}}}"),
            })
            .collect();
        prop_assert_eq!(whole, text);
    }

    #[test]
    fn any_text_has_a_value_or_an_error(text in source()) {
        let mut warnings = Vec::new();
        let plain = Templates::new().render(&json!({"field": text}), &scope(), &mut warnings);
        prop_assert!(warnings.is_empty());
        if !["{{", "{%", "{#", "${"].iter().any(|open| text.contains(open)) {
            prop_assert_eq!(plain.unwrap(), json!({"field": text}));
        } else if let Err(error) = plain {
            prop_assert!(error.to_string().starts_with("field: cannot evaluate "), "{}", error);
        }
        _ = condition(&text);
    }

    #[test]
    fn values_are_inserted_verbatim(value in any::<String>(), around in "[ -Z]{0,3}") {
        let variables = json!({"value": value.clone()});
        let references = [("NAME", &value), ("env:OTHER:x", &value)].map(|(name, value)| (name.to_owned(), Ok(value.clone())));
        let scope = scope_of(variables.as_object().unwrap().clone()).with_references(references.into());
        let render = |text: String| Templates::new().render(&json!(text), &scope, &mut Vec::new()).unwrap();
        for reference in ["{{ value }}", "${NAME}", "${env:OTHER:x}", "${ value }"] {
            prop_assert_eq!(render(reference.to_owned()), json!(&value));
            prop_assert_eq!(render(format!("({around}{reference})")), json!(format!("({around}{value})")));
        }
    }

    #[test]
    fn raw_blocks_are_left_alone(text in source()) {
        if !text.contains("endraw") && !text.contains("{%") && !text.ends_with('{') {
            let rendered = render(&format!("{{% raw %}}{text}{{% endraw %}}"));
            prop_assert_eq!(rendered, Ok(json!(text)));
        }
    }
}
