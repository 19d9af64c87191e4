//! `scrape_endpoint` and `federate`: scrape and strictly parse expositions, and optionally import,
//! convert or push them. All three drop timestamps, and the response tells how many.

use core::time::Duration;

use super::call::Call;
use super::prometheus::selectors;
use super::push;
use crate::error::{Error, excerpt};
use crate::exposition::negotiate;
use crate::exposition::parse::{
    Exemplar, Families, Format, Label, Limits, Native, ParsedFamily, Point, import, lint, parse, reexpose,
};
use crate::exposition::plain;
use crate::hosting::found::{Import, PassOn};
use crate::hosting::pushing::unlimited;
use crate::http::{Url, redacted};
use crate::prometheus_yml::{check_duration, read_duration, scrape_config_for, scrape_configs};
use crate::registry::Labels;
use crate::servers::pushgateway::{Group, Mode};
use crate::servers::scrape::{self, Fetched};
use crate::time::rfc3339;
use plugpipe_contract::document::Both;
use plugpipe_contract::requests::{Federate, ScrapeEndpoint, ScrapeOptions};
use plugpipe_contract::response::ResponseWriter;
use plugpipe_contract::responses::{
    Amount, Exposed, Federated, FormerMetadata, Imported, LabelPairs, LintFinding, NativeBucket, NativeSample,
    PassedOn, PushOutcome, PushRemarks, RecordPush, RefusedMetric, Scraped, ScrapedExemplar, ScrapedFamily,
    ScrapedSample, Unpushed,
};
use plugpipe_contract::scalar::Flag;

/// The default maximum number of families and lint findings in a response.
const FAMILIES: usize = 300;

/// The default maximum number of samples in a response.
const SAMPLES: usize = 1_000;

/// The highest allowed limit: a response is a single text in memory.
const MAX_LISTED: usize = 50_000;

/// The maximum number of rejected metrics in a response.
pub(super) const MAX_REFUSED: usize = 100;

/// The object in which fields may be nested.
const NESTED: &str = "scrape_config";

/// `scrape_endpoint`: scrapes and parses an endpoint.
pub fn run(call: &mut Call, request: &ScrapeEndpoint) -> Result<(Scraped, Option<Exposed>), Error> {
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
    call.next.lasting = wanted.import.is_some() || wanted.push.is_some();
    let fallback = scraped.read("fallback_format", |endpoint| endpoint.fallback_format.get(), any_format)?;
    let mut limits = call.config.limits();
    limits.connect = limits.connect.min(timeout);
    limits.total = timeout;

    let now = call.unix_nanos;
    call.add_former(|| FormerMetadata { scrape_timestamp: Some(rfc3339(now)), ..FormerMetadata::default() });
    let began = call.transport.monotonic();
    let fetched = match call.config.mock {
        true => None,
        false => Some(scrape::fetch(&mut call.client(limits, true), &url, wanted.accept, fallback)?),
    };
    let families = fetched.as_ref().map(|fetched| read(call, fetched)).transpose()?;
    let elapsed = call.transport.monotonic().saturating_sub(began);
    let scrape_config = scrape_config_for(&url, interval, timeout, &wanted.job);
    let mut scraped = Scraped {
        endpoint_scraped: fetched.is_some(),
        endpoint_url: redacted(&url),
        metrics_count: families.as_ref().map_or(0, Families::samples) as u64,
        scrape_config_yaml: scrape_configs(&scrape_config),
        scrape_config,
        lint_count: None,
        lint: None,
        mock: fetched.is_none(),
    };
    let (Some(fetched), Some(families)) = (&fetched, &families) else { return Ok((scraped, None)) };
    let findings = lint::lint(families);
    scraped.lint_count = Some(findings.len() as u64);
    scraped.lint = Some(findings.into_iter().take(wanted.limit).map(finding).collect());
    Ok((scraped, Some(exposed(call, fetched, elapsed, families, &wanted)?)))
}

/// `federate`: the last values of series in Prometheus that match selectors, with all labels.
pub fn federate(
    call: &mut Call,
    Both(series, Both(config, options)): &Federate,
) -> Result<(Federated, Option<Exposed>), Error> {
    let matches = selectors(&series.r#match, &series.match_of_api)?;
    if matches.is_empty() {
        return Err(Error::missing("match", "a selector such as {job=\"a\"}, or a list of them"));
    }
    let nested = config.scrape_config.as_ref().map(|Both(_, options)| options);
    let options = Given { nested, beside: options };
    let prometheus = call.config.prometheus_url.clone().ok_or(Error::NotConfigured {
        field: "prometheus_url",
        todo: "set it to the Prometheus server to federate from, for example {\"prometheus_config\": {\"prometheus_url\": \"http://127.0.0.1:9090\"}}",
    });
    if call.config.mock {
        return Ok((Federated { mock: true, ..Federated::default() }, None));
    }
    let prometheus = prometheus?;
    let mut wanted = Wanted::read(call, &options, &format!("federate-{}", plain_authority(&prometheus)))?;
    call.next.lasting = wanted.import.is_some() || wanted.push.is_some();
    if matches!(wanted.accept, Format::OpenMetrics | Format::OpenMetrics2) {
        // Prometheus does not support it for federation.
        wanted.accept = Format::Text;
    }
    let limits = call.config.limits();
    let began = call.transport.monotonic();
    let fetched = scrape::federate(&mut call.client(limits, true), &prometheus, &matches, wanted.accept)?;
    let families = read(call, &fetched)?;
    let elapsed = call.transport.monotonic().saturating_sub(began);
    let exposed = exposed(call, &fetched, elapsed, &families, &wanted)?;
    let federated = Federated {
        federated: true,
        prometheus_url: Some(redacted(&prometheus)),
        matches,
        metrics_count: families.samples() as u64,
        mock: false,
    };
    Ok((federated, Some(exposed)))
}

/// Options of a scrape.
struct Wanted {
    /// The preferred format.
    accept: Format,
    /// The maximum number of families in the response.
    limit: usize,
    /// The maximum number of samples in the response; `None` for no samples.
    samples: Option<usize>,
    import: Option<import::Options>,
    reexport: Option<Format>,
    /// The gateway and group to push to.
    push: Option<(Url, Group)>,
    /// The job of the scrape configuration and of the group.
    job: String,
}

impl Wanted {
    fn read(call: &Call, options: &Given<ScrapeOptions>, job: &str) -> Result<Self, Error> {
        let flag = |get: fn(&ScrapeOptions) -> Flag| options.get(|options| get(options).get()).unwrap_or(false);
        let accept = options.read("accept", |options| options.accept.get(), any_format)?;
        let job = options.get(|options| options.scrape_job.get()).unwrap_or(job).to_owned();
        let push = flag(|options| options.push).then(|| push_target(call, &job)).transpose()?;
        let limit = options.read("limit", |options| options.limit.get(), listed)?;
        let sample_limit = options.read("sample_limit", |options| options.sample_limit.get(), listed)?;
        let import = import::Options {
            unknown_as_gauge: flag(|options| options.unknown_as_gauge),
            classic_as_native: flag(|options| options.convert_classic_histograms_to_nhcb),
        };
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

/// Fields that may be nested in [`NESTED`], where they take precedence, or given at the top level.
struct Given<'r, T> {
    nested: Option<&'r T>,
    beside: &'r T,
}

impl<'r, T> Given<'r, T> {
    fn get<V>(&self, get: impl Fn(&'r T) -> Option<V>) -> Option<V> {
        self.nested.and_then(&get).or_else(|| get(self.beside))
    }

    /// A field's value, converted by `check`. Errors have the path under which the field was given.
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

/// The gateway and group for pushing a scrape.
fn push_target(call: &Call, job: &str) -> Result<(Url, Group), Error> {
    let gateway = push::gateway(call)?.clone();
    if call.config.push_mode == Mode::Delete {
        return Err(Error::invalid("push_mode", "expected replace or add with push, got delete"));
    }
    let labels: Labels = call.config.grouping_key.clone();
    let group = Group { job: job.to_owned(), labels };
    if group == call.config.group()? {
        return Err(Error::invalid("scrape_job", "is the group of this plug's own metrics; use another job"));
    }
    Ok((gateway, group))
}

fn listed(limit: usize) -> Result<usize, String> {
    if limit > MAX_LISTED { Err(format!("expected at most {MAX_LISTED}")) } else { Ok(limit) }
}

fn any_format(name: &str) -> Result<Format, String> {
    format(name, &[Format::Text, Format::OpenMetrics, Format::OpenMetrics2, Format::Protobuf])
}

/// A text format by its name.
pub(super) fn text_format(name: &str) -> Result<Format, String> {
    format(name, &[Format::Text, Format::OpenMetrics, Format::OpenMetrics2])
}

fn format(name: &str, known: &[Format]) -> Result<Format, String> {
    Format::from_name(name.trim()).filter(|format| known.contains(format)).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|format| word(*format)).collect();
        format!("expected one of {}, got {:?}", names.join(", "), excerpt(name, 100))
    })
}

/// The format's name in `accept` and `export_format`.
fn word(format: Format) -> &'static str {
    match format {
        Format::Text => "prometheus",
        Format::OpenMetrics => "openmetrics",
        Format::OpenMetrics2 => "openmetrics2",
        Format::Protobuf => "protobuf",
    }
}

fn wrong_url(problem: &str) -> String {
    format!("{problem}; expected a URL such as http://127.0.0.1:9100")
}

/// `host-port`, as part of a job name.
fn plain_authority(url: &Url) -> String {
    url.authority().replace(['[', ']'], "").replace(':', "-")
}

fn read<'f>(call: &Call, fetched: &'f Fetched) -> Result<Families<'f>, Error> {
    Ok(fetched.read(&Limits { bytes: call.config.max_response_bytes, seed: call.unix_nanos, ..Limits::default() })?)
}

fn finding(finding: lint::Finding) -> LintFinding {
    LintFinding { metric: finding.metric, rule: finding.rule, problem: finding.problem }
}

/// Lists the scraped families, then converts, pushes and imports them as requested. Steps that can
/// fail come first.
fn exposed(
    call: &mut Call,
    fetched: &Fetched,
    elapsed: Duration,
    families: &Families,
    wanted: &Wanted,
) -> Result<Exposed, Error> {
    let points = || families.list.iter().flat_map(|family| &family.points);
    let samples = |limit| points().take(limit).map(|point| sample(families.labels(point), point)).collect();
    let mut exposed = Exposed {
        format: word(fetched.format),
        bytes: fetched.body.len() as u64,
        duration_ms: elapsed.as_millis() as u64,
        families_count: families.list.len() as u64,
        families: families.list.iter().take(wanted.limit).map(family).collect(),
        samples: wanted.samples.map(samples),
        truncated: families.list.len() > wanted.limit || wanted.samples.is_some_and(|limit| families.samples() > limit),
        ..Exposed::default()
    };
    let is_some = |count: usize| (count > 0).then_some(count as u64);
    if wanted.reexport.is_some() || wanted.push.is_some() || wanted.import.is_some() {
        exposed.timestamps_dropped = is_some(points().filter(|point| point.timestamp.is_some()).count());
    }
    let mut exemplars_dropped = 0;
    if wanted.push.is_some() {
        // Pushes use the text format, which has no exemplars.
        exemplars_dropped = points().map(|point| point.exemplars.len()).sum();
    }
    if let Some(format) = wanted.reexport {
        let (text, dropped) = written(families, format, "reexport")?;
        exemplars_dropped = exemplars_dropped.max(dropped);
        let plain_format = match format {
            Format::OpenMetrics => negotiate::Format::OpenMetrics100,
            Format::OpenMetrics2 => negotiate::Format::OpenMetrics200,
            _ => negotiate::Format::Text004,
        };
        exposed.export_format = Some(word(format));
        exposed.content_type = Some(plain(plain_format).content_type());
        exposed.exported_data = Some(text);
    }
    exposed.exemplars_dropped = is_some(exemplars_dropped);
    if let Some((gateway, group)) = &wanted.push {
        match pass_on(families, gateway, group)? {
            Ok(pass_on) => call.next.found.get_or_insert_default().pass_on = Some(pass_on),
            Err(nothing) => exposed.pushed = Some(nothing),
        }
    }
    if let Some(import::Options { unknown_as_gauge, classic_as_native }) = wanted.import {
        let format = fetched.format.name().into();
        let import = Import { body: fetched.body.clone(), format, unknown_as_gauge, classic_as_native };
        call.next.found.get_or_insert_default().import = Some(import);
    }
    Ok(exposed)
}

fn family(family: &ParsedFamily) -> ScrapedFamily {
    ScrapedFamily {
        name: family.name.to_string(),
        r#type: family.kind.name(),
        help: family.help.as_deref().unwrap_or_default().to_owned(),
        unit: family.unit.as_deref().map(str::to_owned),
        samples: family.points.len() as u64,
    }
}

fn sample(labels: &[Label], point: &Point) -> ScrapedSample {
    ScrapedSample {
        name: point.name.to_string(),
        labels: pairs(labels),
        value: Amount(point.value),
        timestamp: point.timestamp.map(Amount),
        created: point.created_ms.map(|created| Amount(created as f64 / 1e3)),
        native: point.native.as_deref().map(native),
        exemplar: point.exemplars.first().map(exemplar),
        exemplars: match &*point.exemplars {
            several @ [_, _, ..] => several.iter().map(exemplar).collect(),
            _ => Vec::new(),
        },
    }
}

fn pairs(labels: &[Label]) -> LabelPairs<'static> {
    labels.iter().map(|label| (label.name.to_string(), label.value.to_string())).collect()
}

fn native(native: &Native) -> NativeSample {
    let buckets = |side: &[(i32, f64)]| {
        side.iter().map(|(index, count)| NativeBucket { index: *index, count: Amount(*count) }).collect()
    };
    NativeSample {
        schema: native.schema,
        zero_threshold: Amount(native.zero_threshold),
        zero_count: Amount(native.zero_count),
        positive: buckets(&native.positive),
        negative: buckets(&native.negative),
        sum: Amount(native.sum),
        count: Amount(native.count),
    }
}

fn exemplar(exemplar: &Exemplar) -> ScrapedExemplar {
    ScrapedExemplar {
        labels: pairs(&exemplar.labels),
        value: Amount(exemplar.value),
        timestamp: exemplar.timestamp.map(Amount),
    }
}

/// Converts the families to a format; returns the text and the number of dropped exemplars.
fn written(families: &Families, format: Format, field: &str) -> Result<(String, usize), Error> {
    let mut text = Vec::new();
    let dropped = reexpose(families, format, &mut text).map_err(|problem| Error::invalid(field, problem))?;
    let text = String::from_utf8(text).map_err(|error| Error::invalid(field, error.to_string()))?;
    Ok((text, dropped))
}

/// What is to be pushed, for the recorder; or why nothing is.
fn pass_on(families: &Families, gateway: &Url, group: &Group) -> Result<Result<PassOn, PassedOn>, Error> {
    let (text, _) = written(families, Format::Text, "push")?;
    // What is pushed is judged, not what was scraped: it has other names and types.
    let pushed = parse(text.as_bytes(), Format::Text, &unlimited())
        .map_err(|error| Error::invalid("push", format!("the scraped metrics cannot be pushed: {error}")))?;
    if pushed.list.is_empty() {
        // A push of nothing would empty the group.
        let reason = Some("there was nothing to push");
        return Ok(Err(PassedOn { group: redacted(&group.url(gateway)), reason, ..PassedOn::default() }));
    }
    let counts = (pushed.list.len() as u64, pushed.samples() as u64);
    Ok(Ok(PassOn { group: group.clone(), text, counts }))
}

/// Imports what a worker scraped, and lets a push follow as after a record. Returns what the answer
/// says of the import, and of that push where none follows.
pub fn import_found(call: &mut Call, found: &Import) -> Result<(String, RecordPush), Error> {
    let format = Format::from_name(&found.format).ok_or_else(|| Error::invalid("import", "has no format"))?;
    let limits = Limits { seed: call.unix_nanos, ..unlimited() };
    // It was read before.
    let families = parse(&found.body, format, &limits).map_err(|error| Error::invalid("import", error.to_string()))?;
    let options =
        import::Options { unknown_as_gauge: found.unknown_as_gauge, classic_as_native: found.classic_as_native };
    Ok(take(call, &families, options))
}

/// A rejected metric in a response.
pub(super) fn refused_metric(refused: &import::Refused) -> RefusedMetric {
    RefusedMetric { metric: refused.metric.clone(), reason: refused.reason.clone(), series: refused.series as u64 }
}

fn take(call: &mut Call, families: &Families, options: import::Options) -> (String, RecordPush) {
    call.registry.set_now(call.unix_nanos / 1_000_000);
    let imported = import::import(families, call.registry, options);
    let mut push = RecordPush::Untried(Unpushed::default());
    if imported.series > 0 {
        call.recorded(imported.series as u64);
        push = push::after_record(call, Vec::new);
    }
    let imported = Imported {
        metrics: imported.metrics as u64,
        series: imported.series as u64,
        exemplars_dropped: imported.exemplars_dropped as u64,
        refused_count: imported.refused.len() as u64,
        refused: imported.refused.iter().take(MAX_REFUSED).map(refused_metric).collect(),
        push: PushOutcome::default(),
        beside: PushRemarks::default(),
    };
    let mut out = ResponseWriter::new();
    out.add(&imported);
    (out.into_members(), push)
}
