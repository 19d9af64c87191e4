//! The parts of the text that are the same for all series of a family.

use super::escaping::{Escaping, is_plain_metric_name, write_escaped, write_label_name, write_metric_name};
use crate::float::MAX_LEN;
use crate::number::number_text;
use crate::registry::{Definition, END, Kind, Registry};

/// Maximum length of a value with its line feed.
pub(super) const MAX_NUMBER_LEN: usize = MAX_LEN + 1;

/// The parts of the text that are the same for all series of a family.
pub(super) struct Template {
    /// `# HELP` and `# TYPE`.
    pub(super) head: Vec<u8>,
    pub(super) frame: Frame,
    /// The samples of each series.
    pub(super) samples: Vec<SampleTemplate>,
}

pub(super) struct SampleTemplate {
    pub(super) name: Vec<u8>,
    /// From the last label value to the sample value: the kind's own label, the brace and the
    /// space.
    pub(super) rest: Vec<u8>,
}

/// How the lines of a family begin: its name and labels.
pub(super) struct Frame {
    /// Escaped.
    pub(super) name: String,
    is_quoted: bool,
    /// The text before each label value: `{a="`, then `",b="`.
    labels: Vec<Vec<u8>>,
}

impl Frame {
    pub(super) fn new(definition: &Definition, escaping: Escaping) -> Self {
        let name = escaping.metric_name(definition.name.as_str()).into_owned();
        // A quoted metric name precedes the labels inside the braces.
        let is_quoted = !is_plain_metric_name(&name);
        let mut frame = Self { name, is_quoted, labels: Vec::new() };
        let labels = definition.label_names.iter().enumerate().map(|(index, label)| {
            let mut before = if index == 0 { frame.open() } else { b"\"," }.to_vec();
            before.extend_from_slice(&label_name(&escaping.label_name(label.as_str())));
            before.extend_from_slice(b"=\"");
            before
        });
        frame.labels = labels.collect();
        frame
    }

    /// What precedes the first label.
    fn open(&self) -> &'static [u8] {
        if self.is_quoted { b"," } else { b"{" }
    }

    /// The sample of each series whose name has the suffix, perhaps with a label of its own.
    pub(super) fn sample(&self, suffix: &str, own: Option<(&[u8], &str)>) -> SampleTemplate {
        let mut rest = Vec::new();
        match (own, self.labels.is_empty()) {
            (None, true) if self.is_quoted => rest.push(b'}'),
            (None, true) => {}
            (None, false) => rest.extend_from_slice(b"\"}"),
            (Some((label, value)), bare) => {
                rest.extend_from_slice(if bare { self.open() } else { b"\"," });
                rest.extend_from_slice(label);
                rest.extend_from_slice(b"=\"");
                write_escaped(value.as_bytes(), true, &mut rest);
                rest.extend_from_slice(b"\"}");
            }
        }
        rest.push(b' ');
        let mut name = Vec::new();
        if self.is_quoted {
            name.push(b'{');
        }
        write_metric_name(&self.name, suffix, &mut name);
        SampleTemplate { name, rest }
    }

    /// Appends the labels of a series, up to the closing quote of the last value.
    pub(super) fn write_labels(&self, mut key: &[u8], out: &mut Vec<u8>) {
        for before in &self.labels {
            append(out, before);
            key = append_value(out, key);
        }
    }

    /// Estimated length of all label values of the series, not counting escapes, and of the names
    /// before them.
    pub(super) fn label_bytes(&self, registry: &Registry, handles: &[u32]) -> usize {
        let names: usize = self.labels.iter().map(Vec::len).sum();
        let values =
            handles.iter().map(|handle| registry.key_of_handle(*handle).len().saturating_sub(self.labels.len()));
        names * handles.len() + values.sum::<usize>()
    }
}

impl Template {
    pub(super) fn new(definition: &Definition, escaping: Escaping) -> Self {
        let frame = Frame::new(definition, escaping);
        let name = &*frame.name;
        let sample = |suffix: &str, own: Option<(&[u8], &str)>| frame.sample(suffix, own);
        let numbers = |suffix: &str, label: &str, values: &[f64]| -> Vec<SampleTemplate> {
            values.iter().map(|value| sample(suffix, Some((label.as_bytes(), &number_text(*value))))).collect()
        };
        let (type_name, suffix, samples) = match definition.kind {
            Kind::Counter => ("counter", "", vec![sample("", None)]),
            Kind::Gauge => ("gauge", "", vec![sample("", None)]),
            Kind::Info if name.ends_with("_info") => ("gauge", "", vec![sample("", None)]),
            Kind::Info => ("gauge", "_info", vec![sample("_info", None)]),
            Kind::Unknown => ("untyped", "", vec![sample("", None)]),
            kind @ (Kind::Histogram | Kind::NativeHistogram | Kind::GaugeHistogram) => {
                let bounds = definition.buckets.as_ref().map(|buckets| buckets.bounds()).unwrap_or_default();
                let mut samples = numbers("_bucket", "le", bounds);
                samples.extend(numbers("_bucket", "le", &[f64::INFINITY]));
                let (name, sum, count) = match kind {
                    Kind::GaugeHistogram => ("untyped", "_gsum", "_gcount"),
                    _ => ("histogram", "_sum", "_count"),
                };
                samples.extend([sample(sum, None), sample(count, None)]);
                (name, "", samples)
            }
            Kind::Summary => {
                let mut samples = numbers("", "quantile", definition.quantiles.as_deref().unwrap_or_default());
                samples.extend([sample("_sum", None), sample("_count", None)]);
                ("summary", "", samples)
            }
            Kind::StateSet => {
                let label = label_name(&escaping.label_name(definition.name.as_str()));
                let states = definition.states.iter().map(|state| sample("", Some((&label, state)))).collect();
                ("gauge", "", states)
            }
        };
        let mut head = Vec::new();
        if let Some(help) = &definition.help {
            head.extend_from_slice(b"# HELP ");
            write_metric_name(name, suffix, &mut head);
            head.push(b' ');
            write_escaped(help.as_bytes(), false, &mut head);
            head.push(b'\n');
        }
        head.extend_from_slice(b"# TYPE ");
        write_metric_name(name, suffix, &mut head);
        head.extend_from_slice(b" ");
        head.extend_from_slice(type_name.as_bytes());
        head.push(b'\n');
        Self { head, frame, samples }
    }

    /// Estimated length of the series with values at their maximum length, not counting escapes.
    pub(super) fn bytes(&self, registry: &Registry, handles: &[u32]) -> usize {
        let sample = |sample: &SampleTemplate| sample.name.len() + sample.rest.len() + MAX_NUMBER_LEN;
        let fixed: usize = self.samples.iter().map(sample).sum();
        self.head.len() + fixed * handles.len() + self.frame.label_bytes(registry, handles) * self.samples.len()
    }
}

/// A label name, quoted if necessary.
pub(super) fn label_name(name: &str) -> Vec<u8> {
    let mut written = Vec::new();
    write_label_name(name, &mut written);
    written
}

/// Appends bytes. For short names, labels and values, a memcpy call costs more than the copy
/// itself.
#[inline]
pub(super) fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.len() > 64 {
        out.extend_from_slice(bytes);
        return;
    }
    let end = out.len() + bytes.len();
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().for_each(|word| out.extend_from_slice(word));
    match bytes.last_chunk::<8>() {
        // The last word overlaps the previous one.
        Some(last) if !rest.is_empty() => {
            out.truncate(end - last.len());
            out.extend_from_slice(last);
        }
        Some(_) => {}
        None => rest.iter().for_each(|byte| out.push(*byte)),
    }
}

/// Appends the first label value of a key, escaped, and returns the rest of the key.
fn append_value<'a>(out: &mut Vec<u8>, mut key: &'a [u8]) -> &'a [u8] {
    loop {
        let special = |byte: &u8| matches!(*byte, END | b'\\' | b'\n' | b'"');
        let at = key.iter().position(special).unwrap_or(key.len());
        let Some((plain, [byte, rest @ ..])) = key.split_at_checked(at) else {
            append(out, key);
            return &[];
        };
        append(out, plain);
        key = rest;
        match *byte {
            END => return key,
            _ => write_escaped(&[*byte], true, out),
        }
    }
}
