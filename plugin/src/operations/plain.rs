//! The quick way of plain records: values for series that are there, one or a list of them ([`many`]), and no push after it. Nearly
//! all calls are of this kind, so they are read in one pass without a tree, and answered from pieces that were made before.
//!
//! Whatever else a call is, or is wrong with it, is left to the general way: then nothing has changed. The answer is, byte for
//! byte, what the general way answers; the tests hold the one against the other.

mod many;

use super::{push, record};
use crate::config::Config;
use crate::exposition::json::{first_to_escape, number};
use crate::json::Writer;
use crate::registry::{Kind, Registry, SeriesId};
use crate::time::rfc3339;

/// What is kept from call to call for its memory, and because it changes seldom.
#[derive(Debug, Default)]
pub(super) struct Plain {
    labels: Vec<Label>,
    batch: many::Batch,
    /// How an answer ends, after its timestamp; none where a record may be followed by a push, or there is more to say.
    tail: Option<String>,
    /// The second of the last record, and that moment as it was told.
    moment: (u64, String),
}

/// Where a label's name and value stand in the `ctx`.
#[derive(Debug, Clone, Copy)]
struct Label {
    name: (u32, u32),
    value: (u32, u32),
}

/// A `ctx` that holds nothing but these.
#[derive(Debug, Default)]
struct Given<'a> {
    operation: Option<&'a str>,
    name: Option<&'a str>,
    kind: Option<&'a str>,
    amount: Option<f64>,
    /// What stands between the braces, where it can be written again as it is.
    labels: Option<Option<&'a str>>,
}

/// What an answer begins with, up to the metric's name.
macro_rules! head {
    ($operation:literal) => {
        concat!(r#"{"success":true,"operation":""#, $operation, r#"","result":{"metric_name":""#)
    };
}

/// How an answer goes on, up to the value.
macro_rules! kind {
    ($kind:literal) => {
        concat!(r#"","metric_type":""#, $kind, r#"","metric_value":"#)
    };
}

impl Plain {
    pub(super) fn new(config: &Config) -> Self {
        let mut plain = Self::default();
        plain.configure(Some(config));
        plain
    }

    /// Takes note of a new configuration; none where plain records go elsewhere than to the plug's own
    /// registry.
    pub(super) fn configure(&mut self, config: Option<&Config>) {
        let pushes = |config: &Config| config.gateway_url.is_some() && push::pushes_itself(config);
        self.tail = config
            .filter(|config| !pushes(config) && !config.mock)
            .map(|config| format!("\",\"metric_pushed\":false}},\"monitoring_metadata\":{}}}", config.metadata()));
    }

    /// Records what `ctx` says and answers, if it is a plain record or a list of such; says how many values that were, else none.
    pub(super) fn process(
        &mut self,
        ctx: &str,
        unix_nanos: u64,
        registry: &mut Registry,
        answer: &mut Writer,
    ) -> Option<u64> {
        self.tail.as_ref()?;
        let recorded = match self.record(ctx, registry, answer) {
            Some(()) => 1,
            None => self.record_many(ctx, registry, answer)?,
        };
        let moment = moment(&mut self.moment, unix_nanos);
        let out = answer.pieces();
        out.extend_from_slice(br#","timestamp":""#);
        out.extend_from_slice(moment.as_bytes());
        out.extend_from_slice(self.tail.as_deref().unwrap_or_default().as_bytes());
        Some(recorded)
    }

    /// Records, and writes the answer up to its timestamp.
    fn record(&mut self, ctx: &str, registry: &mut Registry, answer: &mut Writer) -> Option<()> {
        let given = read(ctx, &mut self.labels)?;
        let (kind, head) = match given.operation? {
            "record_counter" => (Kind::Counter, head!("record_counter")),
            "record_gauge" => (Kind::Gauge, head!("record_gauge")),
            "record_histogram" => (Kind::Histogram, head!("record_histogram")),
            "record_summary" => (Kind::Summary, head!("record_summary")),
            "record_metric" => (given.kind.map_or(Some(Kind::Gauge), Kind::from_name)?, head!("record_metric")),
            _ => return None,
        };
        // Another kind than the operation's is warned of.
        if given.kind.is_some_and(|given| given != kind.name()) {
            return None;
        }
        let tail = tail_of(kind)?;
        let (name, amount) = (given.name?, given.amount?);
        let labels = texts(ctx, &self.labels);
        let id = registry.record_known(name, kind, labels.clone(), amount)?;
        let out = answer.restart();
        out.extend_from_slice(head.as_bytes());
        tell(answer, registry, id, name, tail, amount, labels, given.labels.flatten());
        Some(())
    }
}

/// How the answer to a record of this kind goes on after its metric's name; none for kinds that go the general way.
fn tail_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Counter => Some(kind!("counter")),
        Kind::Gauge => Some(kind!("gauge")),
        Kind::Histogram => Some(kind!("histogram")),
        Kind::Summary => Some(kind!("summary")),
        _ => None,
    }
}

/// The names and values of labels that stand in a `ctx`.
fn texts<'l>(ctx: &'l str, labels: &'l [Label]) -> impl ExactSizeIterator<Item = (&'l str, &'l str)> + Clone {
    let text = move |(begin, end): (u32, u32)| ctx.get(begin as usize..end as usize).unwrap_or_default();
    labels.iter().map(move |label| (text(label.name), text(label.value)))
}

/// Goes on with an answer from the metric's name to what the series holds.
// Inlined into both ways: as a function of eight arguments it would cost a record a tenth.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the parts of one sentence")]
fn tell<'l>(
    answer: &mut Writer,
    registry: &Registry,
    id: SeriesId,
    name: &str,
    tail: &str,
    amount: f64,
    labels: impl Iterator<Item = (&'l str, &'l str)> + Clone,
    between_braces: Option<&str>,
) {
    let out = answer.pieces();
    // Texts that hold no escape are written as they were read.
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(tail.as_bytes());
    number(amount, out);
    out.extend_from_slice(br#","labels":{"#);
    let compact: usize = labels.clone().map(|(name, value)| name.len() + value.len() + r#""":"","#.len()).sum();
    match between_braces {
        // There is no space between them: they can be copied in one piece.
        Some(text) if text.len() + 1 == compact => out.extend_from_slice(text.as_bytes()),
        _ => labels.for_each(|(name, value)| answer.member(name, value)),
    }
    answer.close();
    match registry.scalar(id) {
        Some(value) => answer.number("current_value", value),
        None => record::tell_held(registry, answer, id),
    }
}

/// A moment as [`rfc3339`] writes it, most of which is the same for a second. `last` is the second of the last one, and its text.
fn moment(last: &mut (u64, String), unix_nanos: u64) -> &str {
    let (second, text) = last;
    let now = unix_nanos / 1_000_000_000;
    if *second == now && text.len() == MOMENT {
        let millis = (unix_nanos / 1_000_000 - now * 1_000) as u32;
        text.truncate(MOMENT - "000Z".len());
        for digit in [millis / 100, millis / 10 % 10, millis % 10] {
            // Each is below ten.
            text.push(char::from(b'0' + digit as u8));
        }
        text.push('Z');
    } else {
        (*second, *text) = (now, rfc3339(unix_nanos));
    }
    text
}

/// How long a moment's text is.
const MOMENT: usize = "2024-01-01T00:00:00.000Z".len();

/// Reads a `ctx`, its labels into `labels`; none if it holds anything else, a member twice, or a text with an escape.
fn read<'a>(text: &'a str, labels: &mut Vec<Label>) -> Option<Given<'a>> {
    labels.clear();
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0 };
    let mut given = Given::default();
    reader.takes(b'{')?;
    loop {
        let name = reader.name()?;
        let twice = match reader.slice(name) {
            "operation" => given.operation.replace(reader.text()?).is_some(),
            "metric_name" => given.name.replace(reader.text()?).is_some(),
            "metric_type" => given.kind.replace(reader.text()?).is_some(),
            "metric_value" => given.amount.replace(reader.number()?).is_some(),
            "labels" => {
                let between_braces = reader.labels(labels)?.map(|span| reader.slice(span));
                given.labels.replace(between_braces).is_some()
            }
            _ => true,
        };
        if twice {
            return None;
        }
        if !reader.goes_on()? {
            break;
        }
    }
    reader.space();
    (reader.at == text.len()).then_some(given)
}

/// A place in a `ctx`. Every function passes over the spaces before what it reads.
struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

type Span = (usize, usize);

impl<'a> Reader<'a> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    fn takes(&mut self, byte: u8) -> Option<()> {
        self.space();
        if self.peek() != Some(byte) {
            return None;
        }
        self.at += 1;
        Some(())
    }

    /// Whether another member follows, or the object ends here.
    #[inline]
    fn goes_on(&mut self) -> Option<bool> {
        self.goes_on_until(b'}')
    }

    /// Whether after a comma something follows, or the end that is named here.
    #[inline]
    fn goes_on_until(&mut self, end: u8) -> Option<bool> {
        self.space();
        let next = self.peek()?;
        self.at += 1;
        match next {
            b',' => Some(true),
            next if next == end => Some(false),
            _ => None,
        }
    }

    /// Both ends are at quotes, so at characters' borders.
    #[inline]
    fn slice(&self, (begin, end): Span) -> &'a str {
        self.text.get(begin..end).unwrap_or_default()
    }

    /// Where the inside of a text without escapes stands.
    #[inline(never)]
    fn span(&mut self) -> Option<Span> {
        self.takes(b'"')?;
        let begin = self.at;
        let end = begin + first_to_escape(self.bytes.get(begin..)?)?;
        if self.bytes.get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        Some((begin, end))
    }

    fn text(&mut self) -> Option<&'a str> {
        self.span().map(|span| self.slice(span))
    }

    /// A member's name with its colon.
    #[inline]
    fn name(&mut self) -> Option<Span> {
        let name = self.span()?;
        self.takes(b':')?;
        Some(name)
    }

    /// A number without an exponent. Of at most 15 digits, those and the power of ten are both exact as doubles, and so is the
    /// rounding of their quotient; a longer one is left to the library.
    fn number(&mut self) -> Option<f64> {
        const POWERS: [f64; 16] =
            [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
        self.space();
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let begin = self.at;
        let mut digits: u64 = 0;
        let mut point = None;
        while let Some(byte) = self.peek() {
            match byte {
                b'0'..=b'9' => digits = digits.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')),
                b'.' if point.is_none() => point = Some(self.at),
                b'.' | b'e' | b'E' => return None,
                _ => break,
            }
            self.at += 1;
        }
        let whole = point.unwrap_or(self.at) - begin;
        let places = point.map_or(0, |point| self.at - point - 1);
        let leading_zero = whole > 1 && self.bytes.get(begin) == Some(&b'0');
        if whole == 0 || leading_zero || (point.is_some() && places == 0) {
            return None;
        }
        if whole + places > 15 {
            let size: f64 = self.text.get(begin..self.at)?.parse().ok()?;
            return Some(if negative { -size } else { size }).filter(|value| value.is_finite());
        }
        let size = digits as f64 / POWERS.get(places)?;
        Some(if negative { -size } else { size })
    }

    /// An object of labels, and where what stands between its braces can be written again as it is: nothing, if it cannot.
    fn labels(&mut self, labels: &mut Vec<Label>) -> Option<Option<Span>> {
        self.takes(b'{')?;
        let begin = self.at;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Some(Some((begin, self.at - 1)));
        }
        let mut all_texts = true;
        loop {
            let name = self.name()?;
            self.space();
            let value = if self.peek() == Some(b'"') {
                self.span()?
            } else {
                all_texts = false;
                self.whole_number()?
            };
            let short = |(begin, end): Span| Some((u32::try_from(begin).ok()?, u32::try_from(end).ok()?));
            labels.push(Label { name: short(name)?, value: short(value)? });
            if !self.goes_on()? {
                return Some(all_texts.then_some((begin, self.at - 1)));
            }
        }
    }

    /// A number that is its own text: digits, few enough for a double.
    fn whole_number(&mut self) -> Option<Span> {
        let begin = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = self.at - begin;
        let leading_zero = digits > 1 && self.bytes.get(begin) == Some(&b'0');
        // What goes on with anything else is no end of a member, which the caller finds.
        (1..=15).contains(&digits).then_some((begin, self.at)).filter(|_| !leading_zero)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::Plug;
    use super::super::tests::Shared;
    use super::*;

    /// Metrics of every kind, with and without labels, one at its limit, one that expires, one whose name is odd.
    const KNOWN: [&str; 10] = [
        r#"{"operation":"record_counter","metric_name":"c_total","metric_value":1,"labels":{"a":"1","b":"2"}}"#,
        r#"{"operation":"record_counter","metric_name":"c_total","metric_value":1,"labels":{"b":"é \u2603","a":""}}"#,
        r#"{"operation":"record_gauge","metric_name":"g","metric_value":2.5}"#,
        r#"{"operation":"record_gauge","metric_name":"dotted.name","metric_value":1,"utf8":true,"labels":{"a b":"1"}}"#,
        r#"{"operation":"record_histogram","metric_name":"h","metric_value":0.3,"labels":{"a":"1"}}"#,
        r#"{"operation":"record_summary","metric_name":"s","metric_value":0.3,"quantiles":[0.5],"expire_after":"1h"}"#,
        r#"{"operation":"record_metric","metric_type":"native_histogram","metric_name":"n","metric_value":0.3}"#,
        r#"{"operation":"record_metric","metric_type":"info","metric_name":"i","labels":{"a":"1"}}"#,
        r#"{"operation":"record_gauge","metric_name":"few","metric_value":1,"labels":{"a":"1"},"series_limit":1}"#,
        r#"{"operation":"record_gauge","metric_name":"few","metric_value":1,"labels":{"a":"2"}}"#,
    ];

    /// A plug that goes the quick way where it can, and one that never does.
    fn plugs() -> [Plug<Shared>; 2] {
        [true, false].map(|quick| {
            let mut plug = Plug::new(Shared::default());
            for ctx in KNOWN {
                let answer = plug.process(ctx, "");
                assert!(answer.starts_with(r#"{"success":true"#), "{answer}");
            }
            if !quick {
                plug.plain.tail = None;
            }
            plug
        })
    }

    fn went_quick(plug: &mut Plug<Shared>, ctx: &str) -> bool {
        let Plug { plain, registry, .. } = plug;
        plain.process(ctx, 0, registry, &mut Writer::new()).is_some()
    }

    fn snapshot(plug: &Plug<Shared>) -> Vec<u8> {
        let mut bytes = Vec::new();
        plug.snapshot(&mut bytes);
        bytes
    }

    /// Whether both answer the same, and hold the same then.
    fn agree([quick, general]: &mut [Plug<Shared>; 2], ctx: &str) -> Result<(), TestCaseError> {
        prop_assert_eq!(quick.process(ctx, ""), general.process(ctx, ""), "{}", ctx);
        prop_assert_eq!(snapshot(quick), snapshot(general), "{}", ctx);
        prop_assert_eq!(quick.telemetry.records, general.telemetry.records, "{}", ctx);
        prop_assert_eq!(quick.pending, general.pending);
        Ok(())
    }

    #[test]
    fn what_is_plain_goes_the_quick_way_and_the_rest_does_not() {
        let [mut plug, _] = plugs();
        for ctx in [
            r#"{"operation":"record_counter","metric_name":"c_total","metric_value":1,"labels":{"a":"1","b":"2"}}"#,
            r#" { "labels" : { "b" : "2" , "a" : "1" } , "metric_value" : -0.0, "metric_name":"c_total","operation":"record_counter"} "#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":-1.25,"labels":{}}"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":-1234567890.1234567}"#,
            r#"{"operation":"record_metric","metric_name":"g","metric_value":-1.25}"#,
            r#"{"operation":"record_counter","metric_name":"c_total","metric_value":1,"labels":{"a":1  ,"b":"2"}}"#,
            r#"{"operation":"record_metric","metric_type":"histogram","metric_name":"h","metric_value":7,"labels":{"a":"1"}}"#,
            r#"{"operation":"record_summary","metric_name":"s","metric_value":0.1}"#,
            r#"{"operation":"record_multiple_metrics","metrics":[{"name":"g","value":1}]}"#,
            r#"{ "metrics" : [ {"metric_name":"g","metric_value":1 } , {"value":2,"type":"counter","labels": {"b":"2", "a":"1"},"name":"c_total"} ] , "operation":"record_multiple_metrics" }"#,
            r#"{"operation":"record_multiple_metrics","metrics":[{"name":"s","value":1,"type":"summary"},{"name":"h","value":2,"metric_type":"histogram","labels":{"a":"1"}}]}"#,
        ] {
            assert!(went_quick(&mut plug, ctx), "{ctx}");
        }
        for ctx in [
            "",
            "{}",
            "[]",
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":1"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":1,}"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":1} x"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":1,"metric_value":2}"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":1,"job_name":"other"}"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":1,"timestamp":"now"}"#,
            r#"{"operation":"record_gauge","metric_name":"\u0067","metric_value":1}"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":"1"}"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":01}"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":1.}"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":.5}"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":-}"#,
            r#"{"operation":"record_gauge","metric_name":"g","metric_value":1e3}"#,
            r#"{"operation":"record_gauge","metric_name":"g"}"#,
            r#"{"operation":"record_gauge","metric_name":"new","metric_value":1}"#,
            r#"{"operation":"record_counter","metric_name":"g","metric_value":1}"#,
            r#"{"operation":"record_counter","metric_name":"c_total","metric_value":-1,"labels":{"a":"1","b":"2"}}"#,
            r#"{"operation":"record_counter","metric_name":"c_total","metric_value":1,"labels":{"a":"1","b":"new"}}"#,
            r#"{"operation":"record_counter","metric_name":"c_total","metric_value":1,"labels":{"a":"1","a":"1"}}"#,
            r#"{"operation":"record_counter","metric_name":"c_total","metric_value":1,"labels":{"a":"1"}}"#,
            r#"{"operation":"record_counter","metric_name":"c_total","metric_value":1,"labels":{"a":1.0,"b":"2"}}"#,
            r#"{"operation":"record_counter","metric_name":"c_total","metric_value":1,"labels":{"a":01,"b":"2"}}"#,
            r#"{"operation":"record_counter","metric_name":"c_total","metric_value":1,"labels":{"a":-1,"b":"2"}}"#,
            r#"{"operation":"record_counter","metric_name":"c_total","metric_value":1,"labels":{"a":true,"b":"2"}}"#,
            r#"{"operation":"record_gauge","metric_name":"few","metric_value":1,"labels":{"a":"__overflow__"}}"#,
            r#"{"operation":"record_metric","metric_type":"info","metric_name":"i","metric_value":1,"labels":{"a":"1"}}"#,
            "{\"operation\":\"record_gauge\",\"metric_name\":\"g\n\",\"metric_value\":1}",
            r#"{"operation":"record_multiple_metrics"}"#,
            r#"{"operation":"record_multiple_metrics","metrics":[]}"#,
            r#"{"operation":"record_multiple_metrics","metrics":{}}"#,
            r#"{"operation":"record_multiple_metrics","metrics":[1]}"#,
            r#"{"operation":"record_multiple_metrics","metrics":[{}]}"#,
            r#"{"operation":"record_multiple_metrics","metrics":[{"name":"g","value":1},]}"#,
            r#"{"operation":"record_multiple_metrics","metrics":[{"name":"g","value":1}}"#,
            r#"{"operation":"record_multiple_metrics","metrics":[{"name":"g","value":1}]"#,
            r#"{"operation":"record_multiple_metrics","metrics":[{"name":"g","value":1}],"metrics":[{"name":"g","value":1}]}"#,
            r#"{"operation":"record_multiple_metrics","metrics":[{"name":"g","value":1}],"job_name":"j"}"#,
            r#"{"operation":"record_gauge","metrics":[{"name":"g","value":1}]}"#,
            r#"{"operation":"record_multiple_metrics","metrics":[{"name":"g","value":1},{"name":"new","value":1}]}"#,
            r#"{"operation":"record_multiple_metrics","metrics":[{"name":"g","value":1},{"name":"c_total","value":-1,"type":"counter","labels":{"a":"1","b":"2"}}]}"#,
            r#"{"operation":"record_multiple_metrics","metrics":[{"name":"g","value":1,"metric_value":1}]}"#,
            r#"{"operation":"record_multiple_metrics","metrics":[{"name":"g","value":1,"help":"x"}]}"#,
            r#"{"operation":"record_multiple_metrics","metrics":[{"name":"i","value":1,"type":"info","labels":{"a":"1"}}]}"#,
        ] {
            let before = snapshot(&plug);
            assert!(!went_quick(&mut plug, ctx), "{ctx}");
            assert_eq!(snapshot(&plug), before, "{ctx}");
        }
    }

    #[test]
    fn records_that_may_be_followed_by_a_push_go_the_general_way() {
        let ctx = r#"{"operation":"record_gauge","metric_name":"g","metric_value":1}"#;
        for (cfg, quick) in [
            (json!({"job_name": "j"}), true),
            (json!({"gateway_url": "http://127.0.0.1:1", "push_policy": "manual"}), true),
            (json!({"gateway_url": "http://127.0.0.1:1"}), false),
            (json!({"mock_mode": true}), false),
        ] {
            let [mut plug, _] = plugs();
            plug.process(r#"{"operation":"describe"}"#, &cfg.to_string());
            assert_eq!(went_quick(&mut plug, ctx), quick, "{cfg}");
        }
    }

    #[test]
    fn a_moment_is_the_same_text_however_it_was_made() {
        let mut last = Default::default();
        let begin = 1_704_067_199_998_500_000;
        for step in 0..4_000 {
            let nanos = begin + step * 700_000;
            assert_eq!(moment(&mut last, nanos), rfc3339(nanos));
        }
        assert_eq!(moment(&mut last, 5_999_999), rfc3339(5_999_999));
    }

    /// Records such as callers send, with something odd in many of them.
    fn ctx() -> impl Strategy<Value = String> {
        let operation = prop_oneof![
            6 => prop::sample::select(vec!["record_counter", "record_gauge", "record_histogram", "record_summary", "record_metric"]).prop_map(Value::from),
            1 => prop::sample::select(vec!["describe", " record_gauge", "record"]).prop_map(Value::from),
            1 => Just(Value::Null),
        ];
        let name = prop_oneof![
            9 => prop::sample::select(vec!["c_total", "g", "h", "s", "n", "i", "few", "dotted.name", "new_metric"]).prop_map(Value::from),
            1 => any::<String>().prop_map(Value::from),
        ];
        let value = prop_oneof![
            4 => (-1_000_i64..1_000_000).prop_map(Value::from),
            4 => any::<f64>().prop_map(Value::from),
            2 => (0..100_000_u32).prop_map(|n| json!(f64::from(n) / 1e3)),
            1 => any::<i64>().prop_map(Value::from),
            1 => prop::sample::select(vec![json!("1.5"), json!(null), json!([]), json!(true), json!("x")]),
        ];
        let text = prop_oneof![6 => "[12]?", 1 => "[ -~]{0,20}", 1 => any::<String>()];
        let label = (
            "[ab]",
            prop_oneof![12 => text.prop_map(Value::from), 2 => (0..3_u32).prop_map(|n| json!(n)), 1 => Just(json!(1.5))],
        );
        let labels = prop_oneof![
            6 => prop::collection::vec(label, 0..4).prop_map(Some),
            1 => Just(None),
        ];
        let more = prop::option::weighted(
            0.2,
            prop::sample::select(vec![
                r#""metric_type":"gauge""#,
                r#""metric_type":"histogram""#,
                r#""metric_type":7"#,
                r#""help":"x""#,
                r#""timestamp":"2024-01-01T00:00:00Z""#,
                r#""timestamp":"x""#,
                r#""metric_value":2"#,
                r#""job_name":"j""#,
                r#""labels":{}"#,
                r#""utf8":true"#,
                r#""a":"#,
                "",
            ]),
        );
        let space = prop::sample::select(vec!["", "", "", " ", "\n\t"]);
        (operation, name, value, labels, more, space, any::<prop::sample::Index>()).prop_map(
            |(operation, name, value, labels, more, space, at)| {
                let mut members = vec![
                    format!("\"operation\":{space}{operation}"),
                    format!("\"metric_name\"{space}:{name}"),
                    format!("\"metric_value\":{value}{space}"),
                ];
                if let Some(labels) = labels {
                    let labels: Vec<String> =
                        labels.iter().map(|(name, value)| format!("\"{name}\":{space}{value}")).collect();
                    members.push(format!("{space}\"labels\":{{{}}}", labels.join(",")));
                }
                if let Some(more) = more {
                    members.insert(at.index(members.len() + 1), more.to_owned());
                }
                let rotate = at.index(members.len());
                members.rotate_left(rotate);
                format!("{space}{{{}}}{space}", members.join(","))
            },
        )
    }

    /// Lists such as callers send, with something odd in some of their items.
    fn batch() -> impl Strategy<Value = String> {
        let known = prop::sample::select(vec![
            ("c_total", "counter", r#"{"a":"1","b":"2"}"#),
            ("c_total", "counter", r#"{"a": 1 , "b":2}"#),
            ("c_total", "counter", r#"{"b":"é \u2603","a":""}"#),
            ("g", "gauge", "{}"),
            ("h", "histogram", r#"{ "a" : "1" }"#),
            ("s", "summary", "{}"),
            ("few", "gauge", r#"{"a":"1"}"#),
            ("few", "gauge", r#"{"a":"7"}"#),
        ]);
        let value = prop_oneof![
            20 => (0_u32..100_000).prop_map(|n| json!(f64::from(n) / 1e3)),
            1 => any::<f64>().prop_map(Value::from),
            1 => Just(json!("x")),
        ];
        let odd = prop::option::weighted(
            0.05,
            prop::sample::select(vec![r#","help":"x""#, r#","value":1"#, r#","type":7"#, r#","name":"new""#, ","]),
        );
        let item = (known, value, odd, any::<bool>()).prop_map(|((name, kind, labels), value, odd, short)| {
            let odd = odd.unwrap_or_default();
            let [name_key, value_key, kind_key] =
                if short { ["name", "value", "type"] } else { ["metric_name", "metric_value", "metric_type"] };
            format!(r#"{{"{name_key}":"{name}","{value_key}":{value},"{kind_key}":"{kind}","labels":{labels}{odd}}}"#)
        });
        prop::collection::vec(item, 0..8)
            .prop_map(|items| format!(r#"{{"operation":"record_multiple_metrics","metrics":[{}]}}"#, items.join(" ,")))
    }

    proptest! {
        #[test]
        fn both_ways_take_lists_alike(calls in prop::collection::vec(batch(), 1..6), at: prop::sample::Index, byte in prop::char::range(' ', '~')) {
            let mut plugs = plugs();
            for ctx in &calls {
                agree(&mut plugs, ctx)?;
            }
            let mut damaged: Vec<char> = calls.concat().chars().collect();
            let place = at.index(damaged.len());
            damaged[place] = byte;
            agree(&mut plugs, &damaged.into_iter().collect::<String>())?;
        }

        #[test]
        fn both_ways_answer_the_same_and_hold_the_same(calls in prop::collection::vec(ctx(), 1..12)) {
            let mut plugs = plugs();
            for ctx in &calls {
                agree(&mut plugs, ctx)?;
            }
        }

        #[test]
        fn both_ways_say_the_same_of_damaged_texts(ctx in ctx(), at: prop::sample::Index, byte in prop::char::range(' ', '~')) {
            let mut damaged: Vec<char> = ctx.chars().collect();
            let place = at.index(damaged.len());
            damaged[place] = byte;
            let cut: String = damaged.iter().take(place).collect();
            let mut plugs = plugs();
            agree(&mut plugs, &damaged.into_iter().collect::<String>())?;
            agree(&mut plugs, &cut)?;
        }
    }
}
