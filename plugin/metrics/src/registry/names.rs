//! Validated metric names, label names and label sets.

use std::borrow::Cow;
use std::fmt;

use crate::error::Error;
use crate::sort::sorted_by;

/// Maximum length of a metric or label name in bytes. Prometheus has no limit; a kilobyte is far
/// more than needed.
pub const MAX_NAME_LEN: usize = 1_024;

/// Maximum length of a label value, in bytes.
pub const MAX_VALUE_LEN: usize = 16 * 1_024;

/// Maximum number of labels of a series.
pub const MAX_LABELS: usize = 128;

/// A valid metric name: `[a-zA-Z_:][a-zA-Z0-9_:]*`; or, created by [`MetricName::new_utf8`], any
/// text that is not empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricName(Box<str>);

/// A valid label name: `[a-zA-Z_][a-zA-Z0-9_]*`, not beginning with `__`, which Prometheus
/// reserves; or, created by [`LabelName::new_utf8`], any text that is not empty and does not begin
/// with `__`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelName(Box<str>);

impl MetricName {
    /// Validates a name. `field` is its path in the input, for errors.
    pub fn new(name: &str, field: &str) -> Result<Self, Error> {
        match find_fault(name, |byte| byte == b':') {
            Some(fault) => Err(Error::invalid(
                field,
                format!(
                    "{} is not a metric name: {fault}; expected letters, digits, _ and :, not beginning with a digit",
                    quote(name)
                ),
            )),
            None => Ok(Self(name.into())),
        }
    }

    /// Validates a name by the rules of Prometheus 3: any UTF-8 that is not empty. Formats limited
    /// to classic names write it escaped. `field` is its path in the input, for errors.
    pub fn new_utf8(name: &str, field: &str) -> Result<Self, Error> {
        match find_fault_utf8(name) {
            Some(fault) => Err(Error::invalid(field, format!("{} is not a metric name: {fault}", quote(name)))),
            None => Ok(Self(name.into())),
        }
    }

    /// The name of a family that was discarded: empty, so that it is never found or exposed.
    pub(super) fn discarded() -> Self {
        Self("".into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LabelName {
    /// Validates a name. `field` is the path of the label set in the input, for errors.
    pub fn new(name: &str, field: &str) -> Result<Self, Error> {
        match find_fault(name, |_| false).or_else(|| reserved(name)) {
            Some(fault) => Err(Error::invalid(
                format!("{field}.{}", crate::error::excerpt(name, 100)),
                format!(
                    "{} is not a label name: {fault}; expected letters, digits and _, not beginning with a digit",
                    quote(name)
                ),
            )),
            None => Ok(Self(name.into())),
        }
    }

    /// Validates a name by the rules of Prometheus 3: any UTF-8 that is not empty and does not
    /// begin with `__`. `field` is the path of the label set in the input, for errors.
    pub fn new_utf8(name: &str, field: &str) -> Result<Self, Error> {
        match find_fault_utf8(name).or_else(|| reserved(name)) {
            Some(fault) => Err(Error::invalid(
                format!("{field}.{}", crate::error::excerpt(name, 100)),
                format!("{} is not a label name: {fault}", quote(name)),
            )),
            None => Ok(Self(name.into())),
        }
    }

    /// Validates a name for a Prometheus rule file, where it may begin with `__`. With `utf8` it
    /// may be any text that is not empty. `field` is the path of the label set in the input, for
    /// errors.
    pub fn new_in_rule(name: &str, utf8: bool, field: &str) -> Result<Self, Error> {
        let fault = if utf8 { find_fault_utf8(name) } else { find_fault(name, |_| false) };
        match fault {
            Some(fault) => Err(Error::invalid(
                format!("{field}.{}", crate::error::excerpt(name, 100)),
                format!("{} is not a name: {fault}", quote(name)),
            )),
            None => Ok(Self(name.into())),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for LabelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The error for a label value above [`MAX_VALUE_LEN`].
pub(super) fn too_long(field: &str, value: &str) -> Error {
    Error::invalid(field, format!("the value has {} bytes; the maximum is {MAX_VALUE_LEN}", value.len()))
}

fn quote(name: &str) -> String {
    format!("{:?}", crate::error::excerpt(name, 100))
}

fn reserved(name: &str) -> Option<String> {
    name.starts_with("__").then(|| "names that begin with __ are reserved".to_owned())
}

fn find_fault_utf8(name: &str) -> Option<String> {
    match name.len() {
        0 => Some("it is empty".into()),
        1..=MAX_NAME_LEN => None,
        bytes => Some(format!("it has {bytes} bytes, more than {MAX_NAME_LEN}")),
    }
}

/// The name in text 0.0.4: each character that is invalid in classic names becomes `_`. `colon` is
/// whether a colon is allowed, which is the case in metric names only. Two names may become equal;
/// the registry rejects the second.
pub fn underscored(name: &str, colon: bool) -> Cow<'_, str> {
    let allowed = |index: usize, c: char| {
        c.is_ascii_alphabetic() || c == '_' || (c == ':' && colon) || (c.is_ascii_digit() && index > 0)
    };
    if name.char_indices().all(|(index, c)| allowed(index, c)) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.char_indices().map(|(index, c)| if allowed(index, c) { c } else { '_' }).collect())
}

fn find_fault(name: &str, also: impl Fn(u8) -> bool) -> Option<String> {
    if name.is_empty() {
        return Some("it is empty".into());
    }
    if name.len() > MAX_NAME_LEN {
        return Some(format!("it has {} bytes, more than {MAX_NAME_LEN}", name.len()));
    }
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        return Some("it begins with a digit".into());
    }
    name.chars()
        .find(|c| !c.is_ascii_alphanumeric() && *c != '_' && !u8::try_from(*c).is_ok_and(&also))
        .map(|invalid| format!("{invalid:?} is not allowed"))
}

/// Labels of one series: unique names, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Labels(Vec<(LabelName, Box<str>)>);

impl Labels {
    /// Validates and sorts labels. `field` is the path of the set in the input, for errors.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, field: &str) -> Result<Self, Error> {
        let mut labels = Vec::new();
        for (name, value) in pairs {
            labels.push((LabelName::new(name, field)?, value.into()));
        }
        Self::of(labels, field)
    }

    /// Sorts labels with validated names and checks their values. `field` is the path of the set in
    /// the input, for errors.
    pub fn of(labels: Vec<(LabelName, Box<str>)>, field: &str) -> Result<Self, Error> {
        if let Some((name, value)) = labels.iter().find(|(_, value)| value.len() > MAX_VALUE_LEN) {
            return Err(too_long(&format!("{field}.{name}"), value));
        }
        if labels.len() > MAX_LABELS {
            return Err(Error::invalid(field, format!("got {} labels; the maximum is {MAX_LABELS}", labels.len())));
        }
        let labels = sorted_by(labels, Ord::cmp);
        let duplicate = labels.windows(2).find_map(|pair| match pair {
            [(first, _), (second, _)] if first == second => Some(first.clone()),
            _ => None,
        });
        match duplicate {
            Some(name) => Err(Error::invalid(format!("{field}.{name}"), "the label is given twice")),
            None => Ok(Self(labels)),
        }
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&LabelName, &str)> {
        self.0.iter().map(|(name, value)| (name, &**value))
    }

    /// The names, sorted.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &LabelName> + Clone {
        self.0.iter().map(|(name, _)| name)
    }

    /// The value of a label, if the set has it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own.as_str() == name).map(|(_, value)| &**value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_data_model() {
        for name in ["a", "_", ":", "a:b", "A9", "__reserved_is_fine_here"] {
            assert!(MetricName::new(name, "metric_name").is_ok(), "{name}");
        }
        for name in ["", "9a", "a-b", "a b", "é", "a\n", "a.b", &"a".repeat(MAX_NAME_LEN + 1)] {
            let error = MetricName::new(name, "metric_name").unwrap_err();
            assert_eq!(error.field(), Some("metric_name"), "{name}");
        }
        assert!(LabelName::new("_ok", "labels").is_ok());
        for name in ["", "__name__", "a:b", "1", "ü", "a\"b"] {
            let error = LabelName::new(name, "labels").unwrap_err();
            assert!(error.field().unwrap().starts_with("labels."), "{name}: {error}");
        }
    }

    #[test]
    fn labels_are_sorted_and_unique() {
        let labels = Labels::new([("b", "2"), ("a", "1")], "labels").unwrap();
        assert_eq!(labels.names().map(LabelName::as_str).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(labels.get("b"), Some("2"));
        assert!(Labels::new([("a", "1"), ("a", "2")], "labels").is_err());
        assert!(Labels::new([("a", &*"x".repeat(MAX_VALUE_LEN + 1))], "labels").is_err());
    }

    #[test]
    fn utf8_names_are_accepted_and_escaped() {
        for name in ["é", "a.b", "9", "日本", "a b"] {
            assert_eq!(MetricName::new_utf8(name, "metric_name").unwrap().as_str(), name);
            assert_eq!(LabelName::new_utf8(name, "labels").unwrap().as_str(), name);
        }
        assert!(MetricName::new_utf8("", "metric_name").is_err());
        assert!(LabelName::new_utf8("__é", "labels").is_err());
        for (name, metric, label) in
            [("a:b", "a:b", "a_b"), ("9a", "_a", "_a"), ("é.x", "__x", "__x"), ("ok_1", "ok_1", "ok_1")]
        {
            assert_eq!((underscored(name, true), underscored(name, false)), (metric.into(), label.into()));
        }
    }

    proptest::proptest! {
        #[test]
        fn escaped_names_are_classic_names(name in ".{1,40}") {
            let escaped = underscored(&name, true);
            proptest::prop_assert!(MetricName::new(&escaped, "metric_name").is_ok());
            proptest::prop_assert_eq!(escaped.chars().count(), name.chars().count());
            let label = underscored(&name, false);
            proptest::prop_assert!(find_fault(&label, |_| false).is_none());
            proptest::prop_assert_eq!(&underscored(&label, false), &label);
        }
    }
}
