//! The log on stderr, as text, JSON or logfmt.

use std::fmt::{self, Write as _};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use plugpipe_harness::printable;
use plugpipe_time::Timestamp;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Formats of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// An object in each line
    Json,
    /// key=value pairs
    Logfmt,
}

static FORMAT: OnceLock<LogFormat> = OnceLock::new();

impl LogFormat {
    /// Makes this the format of the process. The first one stays.
    pub(crate) fn set(self) {
        let _ = FORMAT.set(self);
    }

    /// A line for a message of the command line, if the process's log has lines for programs. The
    /// level is that of its prefix, `error: ` or `warning: `.
    pub(crate) fn note(text: &str) -> Option<String> {
        let format = FORMAT.get().copied().filter(|format| *format != Self::Text)?;
        let (level, text) = match (text.strip_prefix("error: "), text.strip_prefix("warning: ")) {
            (Some(text), _) => ("ERROR", text),
            (_, Some(text)) => ("WARN", text),
            _ => ("INFO", text),
        };
        Some(format.line(level, "plugpipe_harness", vec![(MESSAGE, text.into())]))
    }

    /// A line with these fields after the time, the level and the target.
    fn line(self, level: &str, target: &str, fields: Vec<(&str, Value)>) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let now = Timestamp::from_unix_nanos(u64::try_from(now).unwrap_or(u64::MAX));
        let head = [("time", now.to_string().into()), ("level", level.into()), ("target", target.into())];
        let mut line = String::new();
        for (name, value) in head.into_iter().chain(fields) {
            let name = if name == MESSAGE { "msg" } else { name };
            let separator = match (self, line.is_empty()) {
                (Self::Json, true) => "{",
                (Self::Json, false) => ",",
                (_, true) => "",
                (_, false) => " ",
            };
            // Writing to a string cannot fail.
            let _ = match self {
                Self::Json => write!(line, "{separator}{}:{value}", Value::from(name)),
                Self::Text | Self::Logfmt => write!(line, "{separator}{name}={}", bare(&value)),
            };
        }
        if self == Self::Json {
            line.push('}');
        }
        printable::json(&line).into_owned()
    }
}

/// The field that `tracing` has a message in.
const MESSAGE: &str = "message";

/// Text that needs no quotes as it is, and anything else as JSON.
fn bare(value: &Value) -> String {
    match value.as_str() {
        Some(text) if !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !"\"=\\".contains(c)) => {
            text.into()
        }
        _ => value.to_string(),
    }
}

/// Formats events as lines for programs.
pub(super) struct Structured(pub(super) LogFormat);

impl<S, N> FormatEvent<S, N> for Structured
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        writeln!(writer, "{}", self.0.line(metadata.level().as_str(), metadata.target(), fields.0))
    }
}

/// The fields of an event.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name(), format!("{value:?}").into()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.push((field.name(), value.into()));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_json_or_logfmt() {
        let fields = || vec![(MESSAGE, "a \"b\"\n\u{9b}".into()), ("status", 200.into()), ("path", "/metrics".into())];
        let json: Value = serde_json::from_str(&LogFormat::Json.line("INFO", "t", fields())).unwrap();
        let text = |member: &str| json.get(member).and_then(Value::as_str).unwrap();
        assert_eq!(
            (text("level"), text("target"), text("msg"), text("path")),
            ("INFO", "t", "a \"b\"\n\u{9b}", "/metrics")
        );
        assert!(json.get("status") == Some(&200.into()) && text("time").ends_with('Z'), "{json}");
        let logfmt = LogFormat::Logfmt.line("WARN", "t", fields());
        let (time, rest) = logfmt.split_once(' ').unwrap();
        assert!(time.starts_with("time=2"), "{logfmt}");
        assert_eq!(rest, "level=WARN target=t msg=\"a \\\"b\\\"\\n\\u009b\" status=200 path=/metrics");
    }
}
