use serde::Deserialize;

use super::*;
use crate::document::Document;

fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, String> {
    let read = Document::parse(text).unwrap().read_field("x");
    read.map(Option::unwrap).map_err(|error| error.to_string())
}

#[test]
fn large_counts_are_exact() {
    for (text, count) in [
        (r#"{"x": 18446744073709551615}"#, Some(u64::MAX)),
        (r#"{"x": " 9007199254740993 "}"#, Some(9_007_199_254_740_993)),
        (r#"{"x": ""}"#, None),
        (r#"{"x": null}"#, None),
    ] {
        assert_eq!(read(text), Ok(Count(count)), "{text}");
    }
    for (text, shown) in [("-1", "-1"), ("1.5", "1.5"), ("\"a\"", "\"a\""), ("true", "true"), ("[1]", "a list")] {
        let problem = format!("x: expected a whole number, got {shown}");
        assert_eq!(read::<Count>(&format!("{{\"x\": {text}}}")), Err(problem));
    }
}

#[test]
fn a_word_may_be_missing_but_not_wrong() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Pace {
        Slow,
        VeryFast,
    }
    for (text, word) in
        [("\"slow\"", Some(Pace::Slow)), ("\" very_fast\"", Some(Pace::VeryFast)), ("\" \"", None), ("null", None)]
    {
        assert_eq!(read(&format!("{{\"x\": {text}}}")), Ok(Word(word)), "{text}");
    }
    for (text, shown) in [("\"fast\"", "\"fast\""), ("1", "1"), ("{}", "an object")] {
        let problem = format!("x: expected one of slow, very_fast, got {shown}");
        assert_eq!(read::<Word<Pace>>(&format!("{{\"x\": {text}}}")), Err(problem));
    }
}

#[test]
fn numbers_are_finite_and_may_be_text() {
    for (text, number) in [("\" 45.2 \"", Some(45.2)), ("3", Some(3.0)), ("null", None), ("-1e3", Some(-1e3))] {
        assert_eq!(read(&format!("{{\"x\": {text}}}")), Ok(Number(number)), "{text}");
    }
    for text in ["\"abc\"", "\"NaN\"", "\"inf\"", "1e999", "[1]", "true", "\"\""] {
        assert!(read::<Number>(&format!("{{\"x\": {text}}}")).is_err(), "{text}");
    }
}

#[test]
fn labels_accept_only_scalars() {
    let labels: Labels = read(r#"{"x": {"a": 1.50, "b": true, "c": "\u00e9"}}"#).unwrap();
    assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "1.50"), ("b", "true"), ("c", "é")]);
    assert_eq!(read(r#"{"x": null}"#), Ok(Labels::default()));
    for (text, path) in [(r#"{"a": null}"#, "x.a"), (r#"{"a": {}}"#, "x.a"), (r#"["a"]"#, "x")] {
        let error = read::<Labels>(&format!("{{\"x\": {text}}}")).unwrap_err();
        assert!(error.starts_with(&format!("{path}: ")), "{error}");
    }
}

#[test]
fn a_metrics_value_may_be_a_flag() {
    for (text, value) in [
        ("true", Some(1.0)),
        ("false", Some(0.0)),
        ("\"True\"", Some(1.0)),
        ("\" false\"", Some(0.0)),
        ("\"1e3\"", Some(1e3)),
        ("null", None),
    ] {
        let read: MetricValue = read(&format!("{{\"x\": {text}}}")).unwrap();
        assert_eq!(read.get(), value, "{text}");
    }
    for text in ["\"\"", "\"yes\"", "[]", "\"NaN\""] {
        let error = read::<MetricValue>(&format!("{{\"x\": {text}}}")).unwrap_err();
        assert!(error.starts_with("x: expected a finite number, got "), "{error}");
    }
    assert!(read::<Number>(r#"{"x": true}"#).is_err());
    assert!(read::<Whole>(r#"{"x": true}"#).is_err());
}

#[test]
fn a_list_names_the_item_that_is_wrong() {
    let bounds: Vec<Bound> = read(r#"{"x": [1, "2", "+Inf"]}"#).unwrap();
    assert_eq!(bounds, [Bound(1.0), Bound(2.0), Bound(f64::INFINITY)]);
    let error = read::<Vec<Bound>>(r#"{"x": [1, "y"]}"#).unwrap_err();
    assert_eq!(error, "x[1]: expected a finite number, got \"y\"");
}
