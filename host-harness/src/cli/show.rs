//! Output for people: tables, JSON, progress and warnings.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, presets};
use plugpipe_harness::chart::number;
use plugpipe_harness::pipe::{Observer, PipeReport, Step, StepReport, StepStatus};
use plugpipe_harness::{Answer, printable};
use serde::Serialize;
use serde_json::{Value, json};

use super::log::LogFormat;

/// Writes to stdout; terminal control characters are escaped.
pub(crate) fn print(text: &str) {
    print_painted(&printable::text(text));
}

/// Writes text with colors to stdout. The caller escapes names and values with [`printable`]. A
/// closed pipe is not an error.
pub(crate) fn print_painted(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Writes data to stdout; escaped only on a terminal.
pub(crate) fn print_data(text: &str) {
    if std::io::stdout().is_terminal() { print(text) } else { print_painted(text) }
}

/// Writes to stderr, in the format of the log; terminal control characters are escaped.
pub(crate) fn note(text: &str) {
    let line = LogFormat::note(text).unwrap_or_else(|| printable::text(text).into());
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The log writer: stderr, with control characters escaped except the logger's own colors.
pub(crate) struct Log;

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::stderr().write_all(printable::log(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// Writes a value as indented JSON.
pub(crate) fn print_json(value: &impl Serialize) {
    // Maps with string keys always serialize.
    print_painted(&printable::json(&serde_json::to_string_pretty(value).unwrap_or_default()));
}

/// Prints a plug's response: its body, indented if it is JSON. If it is not, the error goes to
/// stderr.
pub(crate) fn print_answer(answer: &Answer) {
    if let Ok(body) = serde_json::from_str::<Value>(&answer.body) {
        return print_json(&body);
    }
    print_data(&answer.body);
    if let Some(problem) = &answer.error {
        note(&format!("error: {} ({})", problem.message, problem.code));
    }
}

/// The member `result` of a body of the monitoring plug; null if there is none.
pub(crate) fn result(body: &str) -> Value {
    let mut body: Value = serde_json::from_str(body).unwrap_or_default();
    body.get_mut("result").map(Value::take).unwrap_or_default()
}

/// Whether colors are enabled: <https://no-color.org>.
pub(crate) fn colors() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The columns of the terminal.
pub(crate) fn columns() -> u16 {
    columns_of(ratatui::crossterm::terminal::size().ok())
}

/// Pseudo-terminals without a window report 0 columns.
fn columns_of(size: Option<(u16, u16)>) -> u16 {
    const DEFAULT: u16 = 80;
    size.map_or(DEFAULT, |(columns, _)| if columns == 0 { DEFAULT } else { columns })
}

/// An empty table with a header.
pub(crate) fn table<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(head)
        .set_width(columns());
    if !std::io::stdout().is_terminal() {
        // Without a terminal there is no width to arrange for.
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table
}

/// Whether stdout is a narrow terminal.
pub(crate) fn is_narrow() -> bool {
    std::io::stdout().is_terminal() && columns() < 110
}

/// Prevents line breaks in these columns.
pub(crate) fn no_wrap(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

/// A table of the steps of a run.
pub(crate) fn steps(report: &PipeReport) -> Table {
    if is_narrow() && std::io::stderr().is_terminal() {
        // The progress on stderr has already shown the plug.
        let mut table = table(["step", "status", "ms", "outcome"]);
        for step in &report.steps {
            let ms = format!("{:.1}", step.duration_seconds * 1_000.0);
            table.add_row([cell(&step.id), painted(step.status), Cell::new(ms), cell(&outcome(step))]);
        }
        no_wrap(&mut table, [1, 2]);
        return table;
    }
    let mut table = table(["step", "plug", "status", "ms", "outcome"]);
    for step in &report.steps {
        table.add_row([
            cell(&step.id),
            cell(&step.plug),
            painted(step.status),
            Cell::new(format!("{:.1}", step.duration_seconds * 1_000.0)),
            cell(&outcome(step)),
        ]);
    }
    table
}

/// A cell for untrusted text.
pub(super) fn cell(text: &str) -> Cell {
    Cell::new(printable::text(text))
}

/// A step's outcome in one line: its error, or the recorded metric and whether it was pushed.
fn outcome(step: &StepReport) -> String {
    if let Some(message) = &step.message {
        return message.clone();
    }
    let Some(result) = step.result.as_ref().and_then(|response| response.get("result")) else { return String::new() };
    let text = |key: &str| result.get(key).and_then(Value::as_str);
    let mut line = match (text("metric_name"), text("metric_type"), result.get("metric_value")) {
        (Some(name), Some(kind), Some(value)) => format!("{kind} {name} {value}"),
        _ => result.get("metrics_recorded").map(|count| format!("{count} metrics")).unwrap_or_default(),
    };
    if result.get("metric_pushed") == Some(&Value::Bool(true)) {
        line.push_str(", pushed");
    } else if let Some(code) = text("push_error_code") {
        line.push_str(&format!(", not pushed: {code}"));
    }
    for warning in &step.warnings {
        let comma = if line.is_empty() { "" } else { "; " };
        line.push_str(&format!("{comma}warning: {warning}"));
    }
    line
}

/// Prints a plug's warnings to stderr, each after `about`.
pub(crate) fn warn(about: &str, warnings: &[String]) {
    for warning in warnings {
        note(&format!("warning: {about}{warning}"));
    }
}

/// The distinct push errors of a run, which are too long for the table.
pub(crate) fn push_errors(report: &PipeReport) -> BTreeSet<&str> {
    let steps = report.steps.iter();
    steps.filter_map(|step| step.result.as_ref()?.pointer("/result/push_error")?.as_str()).collect()
}

/// A warning about counters that a push replaced with smaller values.
pub(crate) fn replaced(result: &Value) -> Option<String> {
    let count = result.get("counters_replaced")?.as_u64()?;
    let listed = result.get("replaced").and_then(Value::as_array).into_iter().flatten().take(3).map(|one| {
        let total = |key: &str| one.get(key).and_then(Value::as_f64).map(number);
        let series = one.get("series").and_then(Value::as_str).unwrap_or_default();
        let pushed = total("pushed").unwrap_or_else(|| "removed".into());
        format!("{series} {} → {pushed}", total("stored").unwrap_or_default())
    });
    let listed = listed.collect::<Vec<_>>().join(", ");
    Some(format!(
        "warning: the counters of this process started at 0, and its push replaced counters in its group that were as large or larger ({count}): {listed}. \
         Keep counters across runs with --state DIR, or use a separate group for each run"
    ))
}

/// The warnings of [`replaced`] for all steps of a run.
pub(crate) fn all_replaced(report: &PipeReport) -> Vec<String> {
    report.steps.iter().filter_map(|step| replaced(step.result.as_ref()?.get("result")?)).collect()
}

fn status(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Succeeded => "ok",
        StepStatus::Failed => "FAILED",
        StepStatus::Warned => "warned",
        StepStatus::Skipped => "skipped",
        StepStatus::Stubbed => "stubbed",
    }
}

/// A colored status.
fn painted(status: StepStatus) -> Cell {
    let cell = Cell::new(self::status(status));
    if !colors() {
        return cell;
    }
    match status {
        StepStatus::Succeeded => cell.fg(Color::Green),
        StepStatus::Failed => cell.fg(Color::Red),
        StepStatus::Warned => cell.fg(Color::Yellow),
        StepStatus::Skipped | StepStatus::Stubbed => cell,
    }
}

/// Delay before the spinner is shown.
const SPINNER_DELAY: Duration = Duration::from_millis(300);

/// A spinner on stderr, shown until it is dropped if stderr is a terminal and the work is
/// slow.
pub(crate) struct Spinner {
    done: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Spinner {
    pub(crate) fn start(what: impl Into<String>) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { done: None };
        }
        let what = what.into();
        let (sender, done) = channel();
        let thread = std::thread::spawn(move || {
            let mut wait = SPINNER_DELAY;
            for turn in ['⠋', '⠙', '⠸', '⠴', '⠦', '⠇'].iter().cycle() {
                if done.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
                wait = Duration::from_millis(100);
                eprint!("\r{turn} {what} … ");
            }
            if wait != SPINNER_DELAY {
                // Clear the line.
                eprint!("\r\x1b[K");
            }
        });
        Self { done: Some((sender, thread)) }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.done.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

/// Writes one line of JSON per finished step, and a last line for the run.
pub(crate) struct JsonLines;

impl Observer for JsonLines {
    fn finished(&mut self, index: usize, total: usize, report: &StepReport) {
        let mut line = serde_json::to_value(report).unwrap_or_default();
        if let Some(line) = line.as_object_mut() {
            line.insert("step".into(), (index + 1).into());
            line.insert("of".into(), total.into());
        }
        print_painted(&printable::json(&line.to_string()));
    }
}

impl JsonLines {
    /// Writes the last line.
    pub(crate) fn end(report: &PipeReport) {
        let (pipe, success, seconds) = (&report.pipe, report.success, report.duration_seconds);
        let line = json!({"pipe": pipe, "success": success, "duration_seconds": seconds}).to_string();
        print_painted(&printable::json(&line));
    }
}

/// Shows the current step on stderr if it is a terminal.
pub(crate) struct Progress {
    enabled: bool,
}

impl Progress {
    pub(crate) fn on_terminal() -> Self {
        Self { enabled: std::io::stderr().is_terminal() }
    }
}

impl Observer for Progress {
    fn started(&mut self, index: usize, total: usize, step: &Step) {
        if self.enabled {
            begin(index, total, &step.id, &step.plug);
        }
    }

    fn finished(&mut self, index: usize, total: usize, report: &StepReport) {
        if !self.enabled {
            return;
        }
        // Skipped steps are not announced by `started`.
        if report.status == StepStatus::Skipped {
            begin(index, total, &report.id, &report.plug);
        }
        eprintln!("{} in {:.1} ms", status(report.status), report.duration_seconds * 1_000.0);
    }
}

fn begin(index: usize, total: usize, step: &str, plug: &str) {
    eprint!("[{}/{total}] {} ({}) … ", index + 1, printable::line(step), printable::line(plug));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_with_0_columns_gets_the_default_width() {
        assert_eq!([columns_of(None), columns_of(Some((0, 0))), columns_of(Some((132, 0)))], [80, 80, 132]);
    }

    #[test]
    fn replaced_counters_are_listed() {
        let result = json!({"counters_replaced": 4, "replaced": [
            {"series": "a_total{}", "stored": 5, "pushed": 1}, {"series": "b_total{}", "stored": 2},
        ]});
        let text = replaced(&result).unwrap_or_default();
        assert!(
            text.contains(
                "replaced counters in its group that were as large or larger (4): a_total{} 5 → 1, b_total{} 2 → removed. Keep"
            ),
            "{text}"
        );
        assert_eq!(replaced(&json!({"metric_pushed": true})), None);
    }
}
