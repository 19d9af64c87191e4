//! No bytes make the parser of templates or the reader of managed rule files panic, and what the
//! reader takes is written back as the same bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use monitoring_prometheus::rules::file::{Current, MARKER, write};
use monitoring_prometheus::rules::known::Evaluator;

fuzz_target!(|input: &str| {
    for evaluator in [Evaluator::Prometheus, Evaluator::Vmalert, Evaluator::Grafana] {
        if let Err(problem) = evaluator.check_template(input) {
            assert!(!problem.is_empty());
        }
        let _ = evaluator.check_template(&["{{", input, "}}"].concat());
    }
    for file in [input.to_owned(), [MARKER, "\n", input].concat()] {
        if let Current::Managed(groups) = Current::of(Some(&file)) {
            assert_eq!(write(&groups), file);
        }
    }
});
