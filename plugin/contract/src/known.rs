//! Which fields a caller may give: what a call or a configuration holds beside them is said in the
//! answer's `warnings`, so that a misspelt name is not silently without effect. The names come from
//! plug.yaml.

use std::borrow::Cow;

use crate::error::excerpt;
use crate::json::{Json, Object, Writer};
#[cfg(feature = "testing")]
use crate::known_fields::TOP_OF_CONFIGURATION;
use crate::known_fields::{COMMON, CONFIGURATION_ONLY, OBJECTS, OPERATIONS, SETTINGS};
use plugpipe_metrics::registry::Notices;

/// More warnings than this in one answer are counted only.
const MAX_WARNINGS: usize = 20;

/// Names longer than this have no likely other.
const MAX_COMPARED: usize = 48;

/// What a call was done otherwise than its caller may think.
#[derive(Debug, Default)]
pub struct Warnings {
    texts: Vec<String>,
    more: usize,
}

impl Warnings {
    /// Adds a warning: what is concerned (a field's path, a metric, a server), then what of it. The
    /// same one again is none.
    pub fn add(&mut self, text: String) {
        if self.texts.contains(&text) {
            return;
        }
        if self.texts.len() < MAX_WARNINGS { self.texts.push(text) } else { self.more += 1 }
    }

    /// Adds those of another part of the call.
    pub fn append(&mut self, others: Self) {
        others.texts.into_iter().for_each(|text| self.add(text));
        self.more += others.more;
    }

    /// Adds what a registry has to say.
    pub fn add_notices(&mut self, notices: Notices) {
        notices.texts.into_iter().for_each(|text| self.add(text));
        self.more += notices.more;
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Writes `warnings`, unless there are none.
    pub fn write(&self, answer: &mut Writer) {
        if self.is_empty() {
            return;
        }
        let more = (self.more > 0).then(|| format!("{} more warnings are left out", self.more));
        answer.texts("warnings", self.texts.iter().map(String::as_str).chain(more.as_deref()));
    }
}

/// Warns of what `ctx` holds that `operation` does not know.
pub fn check_ctx(operation: &str, ctx: &Object, warnings: &mut Warnings) {
    walk(&ctx_objects(operation), ctx, &Path::Top, warnings);
}

/// Where settings may be nested.
#[cfg(feature = "testing")]
const NESTED: &str = "prometheus_config";

/// The one of these names that was likely meant.
pub fn nearest<'n>(given: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let given = folded(given);
    if given.len() > MAX_COMPARED {
        return None;
    }
    // A name of three letters may differ in one of them, a long one in a few.
    let most = (given.len() / 3).clamp(1, 4);
    let near = names.map(|name| (strsim::osa_distance(&given, &folded(name)), name));
    near.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// `; did you mean NAME?` for an error, where [`nearest`] has one; else nothing.
pub fn meant<'n>(given: &str, names: impl Iterator<Item = &'n str>) -> String {
    nearest(given, names).map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

/// As names are compared: `metricName` and `metric-name` are `metric_name`.
fn folded(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Cow::Borrowed(name);
    }
    name.chars().filter(|sign| !matches!(sign, '_' | '-' | ' ')).map(|sign| sign.to_ascii_lowercase()).collect()
}

fn ctx_objects(operation: &str) -> [u8; 3] {
    let own = OPERATIONS.iter().find(|(name, _)| *name == operation).map_or(0, |(_, own)| *own);
    [own, COMMON, SETTINGS]
}

fn fields(object: u8) -> &'static [(&'static str, u8)] {
    OBJECTS.get(usize::from(object)).copied().unwrap_or_default()
}

/// Whether the object has this field, and the field's own object, 0 where anything may stand in it.
fn find(object: u8, name: &str) -> Option<u8> {
    fields(object).iter().find(|(own, _)| *own == name).map(|(_, nested)| *nested)
}

/// Where an object stands. It is made a text only where there is something to say of it.
enum Path<'p> {
    Top,
    Member(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl Path<'_> {
    /// The path, ready for a member's name.
    fn prefix(&self) -> String {
        match self {
            Self::Top => String::new(),
            Self::Member(parent, name) => format!("{}{name}.", parent.prefix()),
            Self::Item(list, index) => format!("{}[{index}].", list.prefix().trim_end_matches('.')),
        }
    }
}

fn walk(objects: &[u8], object: &Object, path: &Path, warnings: &mut Warnings) {
    for (name, value) in object.iter() {
        match objects.iter().find_map(|object| find(*object, name)) {
            // Somebody's own, by convention.
            None if name.starts_with('_') => {}
            None => warnings.add(unknown(objects, name, path)),
            Some(0) => {}
            Some(nested) => {
                let path = Path::Member(path, name);
                match value {
                    Json::Object(object) => walk(&[nested], object, &path, warnings),
                    Json::Array(list) => {
                        for (index, item) in list.iter().enumerate() {
                            if let Json::Object(object) = item {
                                walk(&[nested], object, &Path::Item(&path, index), warnings);
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

fn unknown(objects: &[u8], name: &str, path: &Path) -> String {
    let place = format!("{}{}", path.prefix(), excerpt(name, 100));
    if find(CONFIGURATION_ONLY, name).is_some() && objects.contains(&SETTINGS) {
        return format!("{place}: is ignored here; it belongs in the configuration");
    }
    let names = objects.iter().flat_map(|object| fields(*object)).map(|(name, _)| *name);
    match nearest(name, names) {
        Some(meant) => format!("{place}: unknown field; did you mean {meant}?"),
        None => format!("{place}: unknown field; it is ignored"),
    }
}

/// The fields that the code asks for, which plug.yaml must have: checked after each call of the
/// tests.
#[cfg(feature = "testing")]
pub mod asked {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;

    thread_local! {
        static ASKED: RefCell<BTreeSet<(String, String)>> = RefCell::default();
    }

    /// Notes that the code asks for `path.key`.
    pub fn note(path: &str, key: &str) {
        ASKED.with_borrow_mut(|asked| asked.insert((path.to_owned(), key.to_owned())));
    }

    /// Fails the test if the code asked for a field that the manifest does not have.
    pub fn check(operation: &str) {
        let asked = ASKED.take();
        let unknown: BTreeSet<String> = asked
            .into_iter()
            .filter(|(path, key)| !is_known(operation, path, key))
            .map(|(path, key)| format!("{}.{key}", path.replace(|sign: char| sign.is_ascii_digit(), "")))
            .collect();
        assert!(unknown.is_empty(), "{operation} asks for {unknown:?}, which plug.yaml's schemas do not have");
    }

    fn is_known(operation: &str, path: &str, key: &str) -> bool {
        let mut objects = ctx_objects(operation).to_vec();
        let mut parts = path.split('.').filter(|part| !part.is_empty()).peekable();
        match parts.peek() {
            Some(&"cfg") => {
                parts.next();
                objects = vec![SETTINGS, CONFIGURATION_ONLY, TOP_OF_CONFIGURATION];
                if parts.peek() == Some(&NESTED) {
                    parts.next();
                }
            }
            Some(&"ctx") => drop(parts.next()),
            _ => {}
        }
        for part in parts {
            let name = part.split('[').next().unwrap_or_default();
            match objects.iter().find_map(|object| find(*object, name)) {
                None => return false,
                Some(0) => return true,
                Some(nested) => objects = vec![nested],
            }
        }
        objects.iter().any(|object| find(*object, key).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_likely_meant_is_found() {
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
    fn an_answer_repeats_a_bounded_number() {
        let mut warnings = Warnings::default();
        for number in 0..100 {
            warnings.add(format!("field_{number}: unknown field"));
            warnings.add("the same".into());
        }
        let mut answer = Writer::new();
        warnings.write(&mut answer);
        let answer: serde_json::Value = serde_json::from_str(&answer.finish()).unwrap();
        let texts = answer["warnings"].as_array().unwrap();
        assert_eq!((texts.len(), texts[20].as_str().unwrap()), (21, "81 more warnings are left out"));
    }
}
