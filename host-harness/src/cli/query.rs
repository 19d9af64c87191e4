//! `query`: PromQL as a table, a chart, CSV or JSON.

use std::collections::BTreeSet;
use std::fs;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use plugpipe_harness::chart::{self, Series};
use plugpipe_harness::{CommandError, Origin, printable};
use plugpipe_time::{PrometheusDuration, Timestamp};
use serde_json::{Map, Value, json};
use url::Url;

use super::plug_args::PlugArgs;
use super::show;

/// Rows of a chart in the terminal, without its legend.
const ROWS: u16 = 20;

/// Columns of a chart if stdout is not a terminal.
const COLUMNS: u16 = 100;

/// Columns of a trend in a table.
const BLOCKS: usize = 24;

/// Run a PromQL query, at one time or over a range
///
/// Queries the configured Prometheus, or the one given with --prometheus, which also grants its
/// origin.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    plugpipe-harness query up --prometheus http://127.0.0.1:9090\n  \
    plugpipe-harness query 'rate(plugpipe_plugin_executions_total[5m])' --range 1h --step 30s --plot --config examples/config/development.yaml\n  \
    plugpipe-harness query up --start 2026-01-01T00:00:00Z --end 2026-01-02T00:00:00Z --plot --prometheus http://127.0.0.1:9090\n  \
    plugpipe-harness query up --range 6h --svg up.svg --prometheus http://127.0.0.1:9090\n  \
    plugpipe-harness query up --range 1h --format csv --prometheus http://127.0.0.1:9090 > up.csv")]
pub(crate) struct QueryArgs {
    /// The PromQL expression
    #[arg(value_name = "PROMQL")]
    query: String,
    /// Query the time range of this length that ends at --end, such as 1h or 2d
    #[arg(long, value_name = "DURATION", group = "span")]
    range: Option<PrometheusDuration>,
    /// Query the time range from this time to --end; written like --end
    #[arg(long, value_name = "TIME", group = "span", allow_hyphen_values = true, value_parser = moment)]
    start: Option<Timestamp>,
    /// The resolution step, such as 30s; default 15s, or more if that would be too many points
    #[arg(long, value_name = "DURATION", requires = "span")]
    step: Option<PrometheusDuration>,
    /// The time, or the end of the range: RFC 3339, Unix seconds, or relative to now, such as
    /// now-1d
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true, value_parser = moment)]
    end: Timestamp,
    /// Draw a chart in the terminal
    #[arg(long, requires = "span", conflicts_with = "format")]
    plot: bool,
    /// The output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write a chart with axes and legend to this file
    #[arg(long, value_name = "FILE", requires = "span")]
    svg: Option<PathBuf>,
    /// Query this Prometheus instead of the configured one, and grant its origin
    #[arg(long, value_name = "URL", value_parser = server)]
    prometheus: Option<Url>,
    #[command(flatten)]
    pub(crate) plug: PlugArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table; for a range, one row per series with minimum, maximum and trend
    Table,
    /// The result as returned by Prometheus
    Json,
    /// One row per sample, one column per label
    Csv,
}

fn server(text: &str) -> Result<Url, String> {
    let url = plugpipe_harness::grants::parse_url(text)
        .map_err(|error| format!("{error}; expected a URL such as http://127.0.0.1:9090"))?;
    Origin::of(&url).ok_or("expected a URL such as http://127.0.0.1:9090")?;
    Ok(url)
}

pub(crate) async fn query(mut args: QueryArgs) -> Result<bool, CommandError> {
    let mut ctx = Map::new();
    ctx.insert("operation".into(), "query_metrics".into());
    ctx.insert("query".into(), args.query.clone().into());
    let start = match args.range {
        Some(range) => Some(before(args.end, range)?),
        None => args.start,
    };
    // What charts span, whatever points there are.
    let mut asked = None;
    match start {
        Some(start) if start >= args.end => {
            return Err(CommandError::settings(
                "--start",
                format!("expected a time before --end {}, got {start}", args.end),
            ));
        }
        Some(start) => {
            asked = Some((start.unix_millis() as f64 / 1_000.0, args.end.unix_millis() as f64 / 1_000.0));
            let mut time_range = json!({"start": start, "end": args.end});
            if let (Some(step), Some(time_range)) = (args.step, time_range.as_object_mut()) {
                time_range.insert("step".into(), json!(step));
            }
            ctx.insert("time_range".into(), time_range);
        }
        None => {
            ctx.insert("time".into(), json!(args.end));
        }
    }
    if let Some(url) = &args.prometheus {
        if let Some(origin) = Origin::of(url) {
            args.plug.grant_origin(origin);
        }
        ctx.insert("prometheus_config".into(), json!({"prometheus_url": url.as_str()}));
    }
    let answer = args.plug.start().await?.process(Value::Object(ctx).to_string(), "").await?;
    show::warn("", &answer.warnings);
    if let Some(problem) = answer.error {
        show::note(&format!("error: {}", problem.message));
        if problem.code == "not_configured" {
            show::note("set a server with --prometheus URL, or as prometheus_url in the --config file");
        }
        return Ok(false);
    }
    let mut result = show::result(&answer.body);
    for remarks in ["warnings", "infos"] {
        for remark in result.get(remarks).and_then(Value::as_array).into_iter().flatten() {
            show::note(&format!("Prometheus: {}", remark.as_str().unwrap_or_default()));
        }
    }
    if let Some(step) = result.get("step_raised_to_seconds") {
        show::note(&format!("the step was raised to {step} s to stay below the server's limit of points per response"));
    }
    if result.get("mock") == Some(&Value::Bool(true)) {
        show::note("mock_mode is on: no server was queried");
    }
    let found = result.get_mut("query_result").map(Value::take).unwrap_or_default();
    if let Some(path) = &args.svg {
        fs::write(path, chart::svg(&args.query, &over_time(&found), asked))
            .map_err(|error| CommandError::unwritable(path.clone(), &error))?;
        show::note(&format!("wrote {}", path.display()));
    }
    match args.format {
        Format::Json => show::print_json(&found),
        Format::Csv => show::print_data(csv(&found).trim_end()),
        Format::Table if args.plot => show::print_painted(plot(&over_time(&found), asked).trim_end()),
        Format::Table if args.svg.is_some() => {}
        Format::Table => show::print(&table(&found)),
    }
    Ok(true)
}

/// Parses a time; relative times are relative to now.
fn moment(text: &str) -> Result<Timestamp, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let now = Timestamp::from_unix_nanos(u64::try_from(now).unwrap_or(u64::MAX));
    Timestamp::parse(text, now).map_err(|problem| problem.to_string())
}

/// The start of a range of this length.
fn before(end: Timestamp, range: PrometheusDuration) -> Result<Timestamp, CommandError> {
    let begin = i64::try_from(range.as_millis()).ok().and_then(|range| end.unix_millis().checked_sub(range));
    begin.and_then(Timestamp::from_unix_millis).ok_or_else(|| {
        CommandError::settings("--range", format!("{range} before {end} is outside the years 0 to 9999"))
    })
}

/// The rows of a vector or matrix; a scalar or string is one row without labels.
fn rows(result: &Value) -> Vec<Row> {
    let kind = result.get("resultType").and_then(Value::as_str).unwrap_or_default();
    let result = result.get("result").cloned().unwrap_or_default();
    match result {
        Value::Array(pair) if matches!(kind, "scalar" | "string") => {
            vec![Row { labels: Map::new(), samples: vec![Sample::of(&Value::Array(pair), false)] }]
        }
        Value::Array(series) => series.iter().map(Row::of).collect(),
        _ => Vec::new(),
    }
}

/// A series of a result.
struct Row {
    labels: Map<String, Value>,
    samples: Vec<Sample>,
}

/// A timestamp and a value: a number as the server writes it, or a histogram in one line.
struct Sample {
    time: f64,
    value: String,
}

impl Row {
    fn of(series: &Value) -> Self {
        let labels = series.get("metric").and_then(Value::as_object).cloned().unwrap_or_default();
        let mut samples = Vec::new();
        for (key, histogram) in [("value", false), ("histogram", true)] {
            samples.extend(series.get(key).map(|pair| Sample::of(pair, histogram)));
        }
        for (key, histograms) in [("values", false), ("histograms", true)] {
            let pairs = series.get(key).and_then(Value::as_array).into_iter().flatten();
            samples.extend(pairs.map(|pair| Sample::of(pair, histograms)));
        }
        samples.sort_by(|one, other| one.time.total_cmp(&other.time));
        Self { labels, samples }
    }

    /// `name{label="value"}`, a PromQL selector.
    fn name(&self) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = self.labels.get("__name__").map(text).unwrap_or_default();
        let labels: Vec<String> = self
            .labels
            .iter()
            .filter(|(label, _)| *label != "__name__")
            // JSON and PromQL escape strings alike.
            .map(|(label, value)| format!("{label}={value}"))
            .collect();
        if labels.is_empty() && !name.is_empty() { name } else { format!("{name}{{{}}}", labels.join(", ")) }
    }

    /// The name in a table.
    fn cell(&self) -> String {
        printable::line(&self.name()).into_owned()
    }

    fn points(&self) -> Vec<(f64, f64)> {
        self.samples.iter().map(|sample| (sample.time, sample.value.parse().unwrap_or(f64::NAN))).collect()
    }
}

impl Sample {
    fn of(pair: &Value, histogram: bool) -> Self {
        let text = |path: &str| pair.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let value = if histogram { format!("count {}, sum {}", text("/1/count"), text("/1/sum")) } else { text("/1") };
        Self { time: pair.pointer("/0").and_then(Value::as_f64).unwrap_or(f64::NAN), value }
    }
}

fn over_time(result: &Value) -> Vec<Series> {
    rows(result).iter().map(|row| Series { name: row.name(), points: row.points() }).collect()
}

fn table(result: &Value) -> String {
    let rows = rows(result);
    if rows.is_empty() {
        return "no series".into();
    }
    if result.get("resultType").and_then(Value::as_str) != Some("matrix") {
        let mut table = show::table(["series", "value"]);
        for row in &rows {
            table.add_row([row.cell(), row.samples.first().map(|sample| sample.value.clone()).unwrap_or_default()]);
        }
        return table.to_string();
    }
    let blocks = if show::is_narrow() { BLOCKS / 2 } else { BLOCKS };
    let mut table = show::table(["series", "points", "min", "max", "last", "trend"]);
    for row in &rows {
        let points = row.points();
        let finite = || points.iter().map(|point| point.1).filter(|value| value.is_finite());
        let end = |of: fn(f64, f64) -> f64| finite().reduce(of).map(chart::number).unwrap_or_default();
        table.add_row([
            row.cell(),
            points.len().to_string(),
            end(f64::min),
            end(f64::max),
            row.samples
                .last()
                .map(|sample| sample.value.parse().map_or(sample.value.clone(), chart::number))
                .unwrap_or_default(),
            chart::blocks(&points, blocks),
        ]);
    }
    show::no_wrap(&mut table, 1..6);
    table.to_string()
}

fn plot(series: &[Series], asked: Option<(f64, f64)>) -> String {
    let terminal = std::io::stdout().is_terminal();
    let columns = if terminal { show::columns() } else { COLUMNS };
    let text = chart::terminal(series, asked, columns, ROWS, terminal && show::colors());
    if text.is_empty() { "no points to draw".into() } else { text }
}

fn csv(result: &Value) -> String {
    let rows = rows(result);
    let labels: BTreeSet<&String> = rows.iter().flat_map(|row| row.labels.keys()).collect();
    let mut out = String::new();
    let mut line = |cells: Vec<&str>| {
        let cells: Vec<String> = cells.into_iter().map(cell).collect();
        out.push_str(&cells.join(","));
        out.push('\n');
    };
    line(labels.iter().map(|label| label.as_str()).chain(["timestamp", "value"]).collect());
    for row in &rows {
        for sample in &row.samples {
            let time = sample.time.to_string();
            let values = labels.iter().map(|label| row.labels.get(*label).and_then(Value::as_str).unwrap_or_default());
            line(values.chain([time.as_str(), sample.value.as_str()]).collect());
        }
    }
    out
}

/// Quotes a cell as in RFC 4180.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_at_the_given_time() {
        let range = |end: &str, range: &str| {
            let end = moment(end).unwrap();
            before(end, range.parse().unwrap()).map(|begin| (begin.unix_millis(), end.unix_millis()))
        };
        for (end, of, millis) in
            [("now", "1h", 3_600_000), ("now-1d", "1.5h", 5_400_000), ("2024-01-01T00:00:00Z", "90", 90_000)]
        {
            let (begin, end) = range(end, of).unwrap();
            assert_eq!(end - begin, millis);
        }
        assert_eq!(range("1000", "1m40s").unwrap(), (900_000, 1_000_000));
        assert!(range("0001-01-01T00:00:00Z", "3y").is_err());
        assert!(["yesterday", "now-", "1h"].iter().all(|text| moment(text).is_err()));
    }

    #[test]
    fn results_of_each_kind_are_written() {
        let vector = json!({"resultType": "vector", "result": [
            {"metric": {"__name__": "up", "job": "a,\"b\""}, "value": [1.5, "1"]},
            {"metric": {}, "histogram": [1.5, {"count": "3", "sum": "4.5", "buckets": []}]},
        ]});
        assert_eq!(
            csv(&vector),
            "__name__,job,timestamp,value\nup,\"a,\"\"b\"\"\",1.5,1\n,,1.5,\"count 3, sum 4.5\"\n"
        );
        let text = table(&vector);
        assert!(text.contains(r#"up{job="a,\"b\""}"#) && text.contains("count 3, sum 4.5"), "{text}");
        let scalar = json!({"resultType": "scalar", "result": [7, "NaN"]});
        assert_eq!(csv(&scalar), "timestamp,value\n7,NaN\n");
        let matrix = json!({"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": [[1, "1"], [2, "+Inf"], [3, "20000"]]}]});
        let text = table(&matrix);
        assert!(text.contains("20k") && text.contains("▁ █"), "{text}");
        assert_eq!(table(&json!({"resultType": "vector", "result": []})), "no series");
    }
}
