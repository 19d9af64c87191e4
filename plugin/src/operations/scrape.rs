//! `scrape_endpoint` and `federate`: what others expose, read strictly, and on request imported into the registry, written again,
//! or pushed as a group of its own. All three leave timestamps out, and the answer says how many.

use core::time::Duration;

use super::prometheus::selectors;
use super::{Answer, Call, push};
use crate::error::{Error, excerpt};
use crate::exposition::negotiate;
use crate::exposition::parse::{
    Exemplar, Families, FamilyType, Format, Label, Limits, Native, Point, import, lint, parse, reexpose,
};
use crate::exposition::plain;
use crate::http::{Url, redacted};
use crate::prometheus_yml::{check_duration, read_duration, scrape_config_for};
use crate::registry::Labels;
use crate::servers::pushgateway::preflight::{self, Series};
use crate::servers::pushgateway::{Group, Mode};
use crate::servers::scrape::{self, Fetched};
use crate::yaml::Yaml;
use plugpipe_contract::document::Both;
use plugpipe_contract::requests::{Federate, ScrapeEndpoint, ScrapeOptions};
use plugpipe_contract::scalar::Flag;

/// Families and lint findings that an answer lists, where nobody said how many.
const FAMILIES: usize = 300;

/// The same of samples.
const SAMPLES: usize = 1_000;

/// The most that may be asked for: an answer is one text in memory.
const MAX_LISTED: usize = 50_000;

/// Refused metrics that an answer lists.
const MAX_REFUSED: usize = 100;

/// The object in which fields may be nested.
const NESTED: &str = "scrape_config";

/// `scrape_endpoint`: fetches and reads what an endpoint exposes.
pub(super) fn run(call: &mut Call, request: &ScrapeEndpoint, answer: &mut Answer) -> Result<(), Error> {
    let Both(config, Both(endpoint, options)) = request;
    let nested = config.scrape_config.as_ref();
    let scraped = Given { nested: nested.map(|Both(endpoint, _)| endpoint), beside: endpoint };
    let options = Given { nested: nested.map(|Both(_, options)| options), beside: options };
    let endpoint = match scraped.get(|endpoint| endpoint.endpoint_url.get()) {
        Some(text) => {
            Url::parse(text.trim()).map_err(|problem| Error::invalid(scrape::PEER.setting, wrong_url(&problem)))?
        }
        None => {
            let expected = "the URL of a server that exposes metrics, such as http://127.0.0.1:9100";
            return Err(Error::missing(scrape::PEER.setting, expected));
        }
    };
    let below = |path: &str| scrape::target(&endpoint, path);
    let url = match scraped.read("path", |endpoint| endpoint.path.get(), |path| below(path.trim()))? {
        Some(url) => url,
        None => below("/metrics").map_err(|problem| Error::invalid("path", problem))?,
    };
    let interval = match scraped.read("interval", |endpoint| endpoint.interval.get(), check_duration)? {
        Some(interval) => interval,
        None => {
            read_duration(&call.config.scrape_interval).map_err(|problem| Error::invalid("scrape_interval", problem))?
        }
    };
    let timeout = scraped.read("timeout", |endpoint| endpoint.timeout.get(), check_duration)?;
    let timeout = timeout.unwrap_or(call.config.timeout);
    let wanted = Wanted::read(call, &options, &format!("plugpipe-{}", plain_authority(&url)))?;
    let fallback = scraped.read("fallback_format", |endpoint| endpoint.fallback_format.get(), any_format)?;
    let mut limits = call.config.limits();
    limits.connect = limits.connect.min(timeout);
    limits.total = timeout;

    let began = call.transport.monotonic();
    let fetched = match call.config.mock {
        true => None,
        false => Some(scrape::fetch(&mut call.client(limits, true), &url, wanted.accept, fallback)?),
    };
    let families = fetched.as_ref().map(|fetched| read(call, fetched)).transpose()?;
    let elapsed = call.transport.monotonic().saturating_sub(began);
    answer.flag("endpoint_scraped", fetched.is_some());
    answer.text("endpoint_url", &redacted(&url));
    answer.count("metrics_count", families.as_ref().map_or(0, Families::samples) as u64);
    write_scrape_config(&url, interval, timeout, &wanted.job, answer);
    let (Some(fetched), Some(families)) = (&fetched, &families) else {
        answer.flag("mock", true);
        return Ok(());
    };
    write_received(fetched, elapsed, answer);
    write_families(families, &wanted, answer);
    write_lint(families, wanted.limit, answer);
    pass_on(call, families, &wanted, answer)
}

/// `federate`: the last values of Prometheus's series that selectors find, with all their labels.
pub(super) fn federate(
    call: &mut Call,
    Both(series, Both(config, options)): &Federate,
    answer: &mut Answer,
) -> Result<(), Error> {
    let matches = selectors(&series.r#match, &series.match_of_api)?;
    if matches.is_empty() {
        return Err(Error::missing("match", "a selector such as {job=\"a\"}, or a list of them"));
    }
    let nested = config.scrape_config.as_ref().map(|Both(_, options)| options);
    let options = Given { nested, beside: options };
    let prometheus = call.config.prometheus_url.clone().ok_or(Error::NotConfigured {
        field: "prometheus_url",
        todo: "name the Prometheus server to federate from, for example {\"prometheus_config\": {\"prometheus_url\": \"http://127.0.0.1:9090\"}}",
    });
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("federated", false);
        answer.count("metrics_count", 0);
        return Ok(());
    }
    let prometheus = prometheus?;
    let mut wanted = Wanted::read(call, &options, &format!("federate-{}", plain_authority(&prometheus)))?;
    if wanted.accept == Format::OpenMetrics {
        // No Prometheus federates in it.
        wanted.accept = Format::Text;
    }
    let limits = call.config.limits();
    let began = call.transport.monotonic();
    let fetched = scrape::federate(&mut call.client(limits, true), &prometheus, &matches, wanted.accept)?;
    let families = read(call, &fetched)?;
    let elapsed = call.transport.monotonic().saturating_sub(began);
    answer.flag("federated", true);
    answer.text("prometheus_url", &redacted(&prometheus));
    answer.texts("match", matches.iter().map(String::as_str));
    answer.count("metrics_count", families.samples() as u64);
    write_received(&fetched, elapsed, answer);
    write_families(&families, &wanted, answer);
    pass_on(call, &families, &wanted, answer)
}

/// What is to be told of a scrape, and done with it.
struct Wanted {
    /// What is asked for first.
    accept: Format,
    /// Families in the answer.
    limit: usize,
    /// Samples in the answer; none for no samples.
    samples: Option<usize>,
    import: Option<import::Options>,
    reexport: Option<Format>,
    /// The gateway and the group.
    push: Option<(Url, Group)>,
    /// Of the scrape configuration, and of the group.
    job: String,
}

impl Wanted {
    fn read(call: &Call, options: &Given<ScrapeOptions>, job: &str) -> Result<Self, Error> {
        let flag = |get: fn(&ScrapeOptions) -> Flag| options.get(|options| get(options).get()).unwrap_or(false);
        let text_format = |name: &str| format(name, &[Format::Text, Format::OpenMetrics]);
        let accept = options.read("accept", |options| options.accept.get(), any_format)?;
        let job = options.get(|options| options.scrape_job.get()).unwrap_or(job).to_owned();
        let push = flag(|options| options.push).then(|| push_target(call, &job)).transpose()?;
        let limit = options.read("limit", |options| options.limit.get(), listed)?;
        let sample_limit = options.read("sample_limit", |options| options.sample_limit.get(), listed)?;
        let import = import::Options { unknown_as_gauge: flag(|options| options.unknown_as_gauge) };
        Ok(Self {
            accept: accept.unwrap_or(Format::OpenMetrics),
            limit: limit.unwrap_or(FAMILIES),
            samples: flag(|options| options.include_samples).then_some(sample_limit.unwrap_or(SAMPLES)),
            import: flag(|options| options.import).then_some(import),
            reexport: options.read("reexport", |options| options.reexport.get(), text_format)?,
            push,
            job,
        })
    }
}

/// Fields that may be nested in [`NESTED`], where they win, or stand beside it.
struct Given<'r, T> {
    nested: Option<&'r T>,
    beside: &'r T,
}

impl<'r, T> Given<'r, T> {
    fn get<V>(&self, get: impl Fn(&'r T) -> Option<V>) -> Option<V> {
        self.nested.and_then(&get).or_else(|| get(self.beside))
    }

    /// A field's value as `check` takes it. The error has the path under which the field was given.
    fn read<V, R>(
        &self,
        field: &str,
        get: impl Fn(&'r T) -> Option<V>,
        check: impl Fn(V) -> Result<R, String>,
    ) -> Result<Option<R>, Error> {
        let checked = |object: &'r T| get(object).map(&check);
        if let Some(nested) = self.nested.and_then(checked) {
            return nested.map(Some).map_err(|problem| Error::invalid(format!("{NESTED}.{field}"), problem));
        }
        checked(self.beside).transpose().map_err(|problem| Error::invalid(field, problem))
    }
}

/// Where a group of its own is pushed to.
fn push_target(call: &Call, job: &str) -> Result<(Url, Group), Error> {
    let gateway = push::gateway(call)?.clone();
    if call.config.push_mode == Mode::Delete {
        return Err(Error::invalid("push_mode", "expected replace or add beside push, got delete"));
    }
    let labels: Labels = call.config.grouping_key.clone();
    let group = Group { job: job.to_owned(), labels };
    if group == call.config.group()? {
        return Err(Error::invalid("scrape_job", "is the group of this plug's own pushes; name another job"));
    }
    Ok((gateway, group))
}

fn listed(limit: usize) -> Result<usize, String> {
    if limit > MAX_LISTED { Err(format!("expected at most {MAX_LISTED}")) } else { Ok(limit) }
}

fn any_format(name: &str) -> Result<Format, String> {
    format(name, &[Format::Text, Format::OpenMetrics, Format::Protobuf])
}

fn format(name: &str, known: &[Format]) -> Result<Format, String> {
    Format::from_name(name.trim()).filter(|format| known.contains(format)).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|format| word(*format)).collect();
        format!("expected one of {}, got {:?}", names.join(", "), excerpt(name, 100))
    })
}

/// The format's name, as `accept` and `export_format` have it.
fn word(format: Format) -> &'static str {
    match format {
        Format::Text => "prometheus",
        Format::OpenMetrics => "openmetrics",
        Format::Protobuf => "protobuf",
    }
}

fn wrong_url(problem: &str) -> String {
    format!("{problem}; expected a URL such as http://127.0.0.1:9100")
}

/// `host-port`, as a part of a job's name.
fn plain_authority(url: &Url) -> String {
    url.authority().replace(['[', ']'], "").replace(':', "-")
}

fn read<'f>(call: &Call, fetched: &'f Fetched) -> Result<Families<'f>, Error> {
    Ok(fetched.read(&Limits { bytes: call.config.max_response_bytes, seed: call.unix_nanos, ..Limits::default() })?)
}

fn write_scrape_config(url: &Url, interval: Duration, timeout: Duration, job: &str, answer: &mut Answer) {
    let whole = url.path_and_query();
    let (path, query) = match whole.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (&*whole, None),
    };
    // Only where there is no path can another one be put after it and be the same.
    let Ok(server) = Url::parse(&url.origin()) else { return };
    let config = scrape_config_for(&server.with_query(query), path, interval, timeout, job);
    answer.open(NESTED);
    if let Yaml::Map(members) = &config {
        for (key, value) in members {
            match value {
                Yaml::Text(text) if key != "scheme" => answer.member(key, text),
                Yaml::Map(params) => {
                    answer.open("params");
                    for (name, values) in params {
                        answer.member_list(name, list(values));
                    }
                    answer.close();
                }
                _ => {}
            }
        }
    }
    answer.text("scheme", url.scheme());
    answer.open_list("static_configs");
    answer.open_item();
    answer.texts("targets", [&*url.authority()]);
    answer.close();
    answer.close_list();
    answer.close();
    let whole = Yaml::Map(vec![("scrape_configs".to_owned(), Yaml::List(vec![config]))]);
    answer.text("scrape_config_yaml", &whole.write());
}

/// The texts of a list.
fn list(values: &Yaml) -> impl Iterator<Item = &str> {
    let items = match values {
        Yaml::List(items) => items.as_slice(),
        _ => &[],
    };
    items.iter().filter_map(|item| match item {
        Yaml::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

fn write_received(fetched: &Fetched, elapsed: Duration, answer: &mut Answer) {
    answer.text("format", word(fetched.format));
    answer.count("bytes", fetched.body.len() as u64);
    answer.count("duration_ms", elapsed.as_millis() as u64);
}

fn write_families(families: &Families, wanted: &Wanted, answer: &mut Answer) {
    answer.count("families_count", families.list.len() as u64);
    answer.open_list("families");
    for family in families.list.iter().take(wanted.limit) {
        answer.open_item();
        answer.text("name", &family.name);
        answer.text("type", family.kind.name());
        answer.text("help", family.help.as_deref().unwrap_or_default());
        if let Some(unit) = &family.unit {
            answer.text("unit", unit);
        }
        answer.count("samples", family.points.len() as u64);
        answer.close();
    }
    answer.close_list();
    let mut truncated = families.list.len() > wanted.limit;
    if let Some(limit) = wanted.samples {
        truncated |= families.samples() > limit;
        answer.open_list("samples");
        for point in families.list.iter().flat_map(|family| &family.points).take(limit) {
            answer.open_item();
            write_sample(families.labels(point), point, answer);
            answer.close();
        }
        answer.close_list();
    }
    answer.flag("truncated", truncated);
}

fn write_sample(labels: &[Label], point: &Point, answer: &mut Answer) {
    answer.text("name", &point.name);
    write_labels(labels, answer);
    answer.number("value", point.value);
    if let Some(timestamp) = point.timestamp {
        answer.number("timestamp", timestamp);
    }
    if let Some(created) = point.created_ms {
        answer.number("created", created as f64 / 1e3);
    }
    if let Some(native) = &point.native {
        write_native(native, answer);
    }
    if let Some(exemplar) = &point.exemplar {
        write_exemplar(exemplar, answer);
    }
}

fn write_labels(labels: &[Label], answer: &mut Answer) {
    answer.open("labels");
    for label in labels {
        answer.member(&label.name, &label.value);
    }
    answer.close();
}

fn write_native(native: &Native, answer: &mut Answer) {
    answer.open("native");
    answer.number("schema", f64::from(native.schema));
    answer.number("zero_threshold", native.zero_threshold);
    answer.number("zero_count", native.zero_count);
    for (name, side) in [("positive", &native.positive), ("negative", &native.negative)] {
        answer.open_list(name);
        for (index, count) in side {
            answer.open_item();
            answer.number("index", f64::from(*index));
            answer.number("count", *count);
            answer.close();
        }
        answer.close_list();
    }
    answer.number("sum", native.sum);
    answer.number("count", native.count);
    answer.close();
}

fn write_exemplar(exemplar: &Exemplar, answer: &mut Answer) {
    answer.open("exemplar");
    write_labels(&exemplar.labels, answer);
    answer.number("value", exemplar.value);
    if let Some(timestamp) = exemplar.timestamp {
        answer.number("timestamp", timestamp);
    }
    answer.close();
}

fn write_lint(families: &Families, limit: usize, answer: &mut Answer) {
    let findings = lint::lint(families);
    answer.count("lint_count", findings.len() as u64);
    answer.open_list("lint");
    for finding in findings.iter().take(limit) {
        answer.open_item();
        answer.text("metric", &finding.metric);
        answer.text("rule", finding.rule);
        answer.text("problem", &finding.problem);
        answer.close();
    }
    answer.close_list();
}

/// Writes again, pushes and imports what was scraped, as far as that was asked for. What can fail comes first.
fn pass_on(call: &mut Call, families: &Families, wanted: &Wanted, answer: &mut Answer) -> Result<(), Error> {
    let dated = families.list.iter().flat_map(|family| &family.points).filter(|point| point.timestamp.is_some());
    let dated = dated.count() as u64;
    let exemplars = families.list.iter().flat_map(|family| &family.points).filter(|point| point.exemplar.is_some());
    let exemplars = exemplars.count();
    let asked = wanted.reexport.is_some() || wanted.push.is_some() || wanted.import.is_some();
    if asked && dated > 0 {
        answer.count("timestamps_dropped", dated);
    }
    // Pushes are text, which has none, and the registry keeps those of its own recordings.
    let mut exemplars_dropped = if wanted.push.is_some() || wanted.import.is_some() { exemplars } else { 0 };
    if let Some(format) = wanted.reexport {
        let (text, dropped) = written(families, format, "reexport")?;
        exemplars_dropped = exemplars_dropped.max(dropped);
        let plain_format = match format {
            Format::OpenMetrics => negotiate::Format::OpenMetrics100,
            _ => negotiate::Format::Text004,
        };
        answer.text("export_format", word(format));
        answer.text("content_type", &plain(plain_format).content_type());
        answer.text("exported_data", &text);
    }
    if exemplars_dropped > 0 {
        answer.count("exemplars_dropped", exemplars_dropped as u64);
    }
    if let Some((gateway, group)) = &wanted.push {
        push_on(call, families, gateway, group, answer)?;
    }
    if let Some(options) = wanted.import {
        take(call, families, options, answer);
    }
    Ok(())
}

/// The families in that format, and how many exemplars that leaves out.
fn written(families: &Families, format: Format, field: &str) -> Result<(String, usize), Error> {
    let mut text = Vec::new();
    let dropped = reexpose(families, format, &mut text).map_err(|problem| Error::invalid(field, problem))?;
    let text = String::from_utf8(text).map_err(|error| Error::invalid(field, error.to_string()))?;
    Ok((text, dropped))
}

fn push_on(
    call: &mut Call,
    families: &Families,
    gateway: &Url,
    group: &Group,
    answer: &mut Answer,
) -> Result<(), Error> {
    let (text, _) = written(families, Format::Text, "push")?;
    // What is pushed is judged, not what was scraped: it has other names and types.
    let unlimited = usize::MAX;
    let limits = Limits {
        bytes: unlimited,
        samples: unlimited,
        families: unlimited,
        all_labels: unlimited,
        ..Limits::default()
    };
    let pushed = parse(text.as_bytes(), Format::Text, &limits)
        .map_err(|error| Error::invalid("push", format!("what was scraped cannot be pushed: {error}")))?;
    answer.open("pushed");
    answer.text("group", &redacted(&group.url(gateway)));
    if pushed.list.is_empty() {
        // A push of nothing would empty the group.
        answer.flag("metric_pushed", false);
        answer.text("reason", "there was nothing to push");
    } else {
        let unchecked = push::push_text(call, gateway, group, &judged(&pushed), text.as_bytes())?;
        answer.flag("metric_pushed", true);
        answer.count("metrics", pushed.list.len() as u64);
        answer.count("samples", pushed.samples() as u64);
        if let Some(reason) = unchecked {
            answer.text("preflight_skipped", &reason);
        }
    }
    answer.close();
    Ok(())
}

/// What is to be pushed, as the pre-flight has it.
fn judged<'f>(families: &'f Families) -> Vec<preflight::Family<'f>> {
    let of = |family: &'f crate::exposition::parse::Family| preflight::Family {
        name: (&*family.name).into(),
        kind: match family.kind {
            FamilyType::Counter => "COUNTER",
            FamilyType::Gauge => "GAUGE",
            FamilyType::Histogram => "HISTOGRAM",
            FamilyType::Summary => "SUMMARY",
            FamilyType::GaugeHistogram | FamilyType::Info | FamilyType::StateSet | FamilyType::Unknown => "UNTYPED",
        },
        help: family.help.as_deref().unwrap_or_default(),
        series: families
            .metrics(family)
            .into_iter()
            .map(|metric| Series {
                labels: metric.labels.into_iter().map(|(name, value)| (name.into(), value)).collect(),
                timestamp: false,
            })
            .collect(),
    };
    families.list.iter().map(of).collect()
}

/// Imports what was scraped, and lets a push follow as after a record.
fn take(call: &mut Call, families: &Families, options: import::Options, answer: &mut Answer) {
    call.registry.set_now(call.transport.unix_nanos() / 1_000_000);
    let imported = import::import(families, call.registry, options);
    answer.open("imported");
    answer.count("metrics", imported.metrics as u64);
    answer.count("series", imported.series as u64);
    answer.count("exemplars_dropped", imported.exemplars_dropped as u64);
    answer.count("refused_count", imported.refused.len() as u64);
    answer.open_list("refused");
    for refused in imported.refused.iter().take(MAX_REFUSED) {
        answer.open_item();
        answer.text("metric", &refused.metric);
        answer.text("reason", &refused.reason);
        answer.count("series", refused.series as u64);
        answer.close();
    }
    answer.close_list();
    if imported.series > 0 {
        call.recorded(imported.series as u64);
        answer.add(&push::after_record(call));
    }
    answer.close();
}
