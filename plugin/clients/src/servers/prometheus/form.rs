//! Form encoding of request fields, `application/x-www-form-urlencoded`: for bodies and URL
//! queries.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use plugpipe_metrics::number::number_text;

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b' ');

/// Form fields, in order of insertion.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Form(String);

impl Form {
    /// Adds a field. The name is one of the API's: letters, underscores and brackets.
    pub fn put(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.escape(name);
        self.0.push('=');
        self.escape(value);
    }

    fn escape(&mut self, text: &str) {
        for part in utf8_percent_encode(text, ENCODED) {
            for (index, word) in part.split(' ').enumerate() {
                if index > 0 {
                    self.0.push('+');
                }
                self.0.push_str(word);
            }
        }
    }

    /// Adds a duration: in seconds if it is a whole number of them, otherwise in `ms`, because
    /// servers truncate fractions: 0.029 becomes 28 ms.
    pub fn put_duration(&mut self, name: &str, milliseconds: Option<i64>) {
        match milliseconds {
            Some(milliseconds) if milliseconds % 1_000 != 0 => self.put(name, &format!("{milliseconds}ms")),
            whole => self.put_ms(name, whole),
        }
    }

    /// Adds a time, converted from milliseconds to seconds.
    pub fn put_ms(&mut self, name: &str, milliseconds: Option<i64>) {
        if let Some(milliseconds) = milliseconds {
            self.put(name, &seconds(milliseconds));
        }
    }

    /// Adds a count, if given.
    pub fn put_count(&mut self, name: &str, count: Option<u64>) {
        if let Some(count) = count {
            self.put(name, &count.to_string());
        }
    }

    /// Adds a string, if given.
    pub fn put_text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.put(name, text);
        }
    }

    /// Adds one field per string.
    pub fn put_all(&mut self, name: &str, texts: &[String]) {
        texts.iter().for_each(|text| self.put(name, text));
    }

    /// The encoded form; empty without fields.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Milliseconds as seconds, without a decimal point if whole.
pub(super) fn seconds(milliseconds: i64) -> String {
    number_text(milliseconds as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_form_is_escaped_once_and_keeps_its_order() {
        let mut form = Form::default();
        form.put("match[]", "{a=\"b c\"}");
        form.put("query", "=");
        form.put_ms("start", Some(-1_500));
        form.put_duration("step", Some(29));
        form.put_duration("step", Some(15_000));
        form.put_count("limit", Some(0));
        form.put_count("none", None);
        assert_eq!(form.as_str(), "match%5B%5D=%7Ba%3D%22b+c%22%7D&query=%3D&start=-1.5&step=29ms&step=15&limit=0");
    }

    proptest! {
        #[test]
        fn any_value_reads_back_as_itself(values in proptest::collection::vec(any::<String>(), 1..4)) {
            let mut form = Form::default();
            form.put_all("v", &values);
            let read: Vec<String> = form
                .as_str()
                .split('&')
                .map(|field| {
                    let (name, value) = field.split_once('=').unwrap();
                    assert_eq!(name, "v");
                    percent_decode_str(&value.replace('+', " ")).decode_utf8().unwrap().into_owned()
                })
                .collect();
            prop_assert!(form.as_str().is_ascii());
            prop_assert_eq!(read, values);
        }
    }
}
