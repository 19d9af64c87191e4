//! Warnings in results, and suggestions for misspelled names.

use std::borrow::Cow;

/// Warnings beyond this number are only counted.
const MAX_WARNINGS: usize = 20;

/// Longer names get no suggestion.
const MAX_COMPARED: usize = 48;

/// What a call was done otherwise than its caller may think.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Warnings {
    texts: Vec<String>,
    more: usize,
}

impl Warnings {
    /// Adds a warning that names its subject first (a field path, metric or server). Duplicates are
    /// dropped.
    pub fn add(&mut self, text: String) {
        if self.texts.contains(&text) {
            return;
        }
        if self.texts.len() < MAX_WARNINGS { self.texts.push(text) } else { self.more += 1 }
    }

    /// Adds the warnings of another part of the call.
    pub fn append(&mut self, others: Self) {
        others.texts.into_iter().for_each(|text| self.add(text));
        self.more += others.more;
    }

    /// Adds the notices of a registry: their texts, and how many more there were.
    pub fn add_notices(&mut self, texts: Vec<String>, more: usize) {
        texts.into_iter().for_each(|text| self.add(text));
        self.more += more;
    }

    /// Whether there are no warnings.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The texts; a last one tells how many were omitted.
    pub fn into_texts(self) -> Vec<String> {
        let Self { mut texts, more } = self;
        if more > 0 {
            texts.push(format!("{more} more warnings omitted"));
        }
        texts
    }
}

/// The most similar of these names, if it is close enough to be a likely typo.
pub fn nearest<'n>(given: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let given = folded(given);
    if given.len() > MAX_COMPARED {
        return None;
    }
    // A name of three letters may differ in one of them, a longer one in up to four.
    let max_distance = (given.len() / 3).clamp(1, 4);
    let near = names.map(|name| (strsim::osa_distance(&given, &folded(name)), name));
    near.filter(|(distance, _)| *distance <= max_distance).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// `; did you mean NAME?` for an error if [`nearest`] finds a name, else an empty string.
pub fn meant<'n>(given: &str, names: impl Iterator<Item = &'n str>) -> String {
    nearest(given, names).map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

/// Normalizes a name for comparison: `metricName` and `metric-name` equal `metric_name`.
fn folded(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Cow::Borrowed(name);
    }
    name.chars().filter(|sign| !matches!(sign, '_' | '-' | ' ')).map(|sign| sign.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_name_is_found() {
        let names = ["labels", "label_names", "gateway_url", "grafana_url", "metric_name", "on", "annotations"];
        for (given, meant) in [
            ("lables", Some("labels")),
            ("label", Some("labels")),
            ("gateway_ulr", Some("gateway_url")),
            ("gatewayUrl", Some("gateway_url")),
            ("metric-name", Some("metric_name")),
            ("METRIC_NAME", Some("metric_name")),
            ("annotatons", Some("annotations")),
            ("no", Some("on")),
            ("zzz", None),
            ("", None),
            ("something_else_entirely", None),
        ] {
            assert_eq!(nearest(given, names.into_iter()), meant, "{given}");
        }
        assert_eq!(nearest(&"x".repeat(10_000), names.into_iter()), None);
        for (one, other, steps) in
            [("", "", 0), ("ab", "ba", 1), ("abc", "abd", 1), ("abc", "", 3), ("ulr", "url", 1), ("ca", "abc", 3)]
        {
            assert_eq!(strsim::osa_distance(one, other), steps, "{one} {other}");
        }
    }

    #[test]
    fn warnings_are_bounded_and_deduplicated() {
        let mut warnings = Warnings::default();
        for number in 0..100 {
            warnings.add(format!("field_{number}: unknown field"));
            warnings.add("the same".into());
        }
        let texts = warnings.into_texts();
        assert_eq!((texts.len(), texts[20].as_str()), (21, "81 more warnings omitted"));
    }
}
