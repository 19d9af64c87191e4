use serde::Deserialize;

use super::*;
use crate::document::Document;

fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, String> {
    let read = Document::parse(text).unwrap().read_field("x");
    read.map(Option::unwrap).map_err(|error| error.to_string())
}

#[test]
fn a_count_is_exact() {
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
