use proptest::prelude::*;

use crate::rules::known::Evaluator;

fn check(text: &str, evaluator: Evaluator) -> Result<(), String> {
    evaluator.check_template(text)
}

/// Verified with promtool 2.42 and Prometheus 3.5: the templates they accept and those they reject.
pub(super) const GOOD: &str = include_str!("../../../../../tests/rules/templates_good.txt");
pub(super) const BAD: &str = include_str!("../../../../../tests/rules/templates_bad.txt");

/// The templates of a table, one per line; `⏎` stands for a newline.
fn table(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| !line.is_empty()).map(|line| line.replace('⏎', "\n"))
}

#[test]
fn templates_that_prometheus_accepts_are_accepted() {
    for text in table(GOOD) {
        assert_eq!(check(&text, Evaluator::Prometheus), Ok(()), "{text}");
    }
}

#[test]
fn templates_that_prometheus_rejects_are_rejected() {
    for text in table(BAD) {
        assert!(check(&text, Evaluator::Prometheus).is_err(), "{text}");
    }
}

#[test]
fn the_error_has_a_position_and_a_suggestion() {
    for (text, expected) in [
        ("{{ $label.instance }}", "column 4: undefined variable $label; did you mean $labels?"),
        ("{{ $labels.quantile * 100 }}", "column 21: unexpected '*'; templates have no arithmetic"),
        ("{{ nosuch \"a\" }}", "column 4: unknown function nosuch"),
        ("é {{ humanise $value }}", "column 6: unknown function humanise; did you mean humanize?"),
        ("{{ range query \"up\" }}x", "column 4: range has no {{end}}"),
        ("a\nb {{ $value ", "line 2, column 3: {{ is not closed by }}"),
        ("{{ if $value }}{{ else }}{{ else }}{{ end }}", "column 4: if has a second else"),
        ("{{ \"a\\q\" }}", "column 4: \"a\\q\" contains \\q"),
    ] {
        let error = check(text, Evaluator::Prometheus).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn evaluators_have_their_own_names() {
    for (text, evaluator, taken) in [
        ("{{ $activeAt | formatTime }}", Evaluator::Vmalert, true),
        ("{{ $activeAt }}", Evaluator::Prometheus, false),
        ("{{ graphLink \"up\" }}", Evaluator::Vmalert, false),
        ("{{ $values.A }}", Evaluator::Grafana, true),
        ("{{ $values.A }}", Evaluator::Mimir, false),
    ] {
        assert_eq!(check(text, evaluator).is_ok(), taken, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(
        text in any::<String>(),
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{{", "}}", "{{- ", " -}}", "if", "else", "end", "range", "with", "define", "block", "template", "break", " ", "$x", "$labels",
            ".a", ".", ":=", "=", ",", "|", "(", ")", "\"a\"", "`b`", "'c'", "1", "0x", "-", "1e", "+2i", "/*", "*/", "query", "nil", "\\", "\"", "\n", "é",
        ]), 0..40),
    ) {
        let _ = check(&text, Evaluator::Prometheus);
        let _ = check(&["{{", &text, "}}"].concat(), Evaluator::Prometheus);
        let _ = check(&pieces.concat(), Evaluator::Vmalert);
    }

    #[test]
    fn escaped_text_is_accepted(text in "[^{]{0,40}") {
        prop_assert!(check(&text, Evaluator::Prometheus).is_ok());
    }
}

#[test]
fn depth_is_bounded() {
    for text in [
        format!("{{{{ {}1{} }}}}", "(".repeat(20_000), ")".repeat(20_000)),
        "{{ if true }}".repeat(5_000),
        "{{ if true }}{{ else if true }}".repeat(5_000),
    ] {
        assert!(check(&text, Evaluator::Prometheus).is_err());
    }
}
