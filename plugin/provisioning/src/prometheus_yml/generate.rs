//! Generates `prometheus.yml`, or parts of it, and target files; or resources of the Prometheus
//! operator for the same jobs.
//!
//! No secret is written: the configuration refers to password and token files on the Prometheus
//! server.

use core::time::Duration;

use crate::error::Error;
use plugpipe_contract::error::excerpt;
use plugpipe_contract::requests::{
    AlertmanagerTargets, GenerateConfig, GeneratedSections, GlobalSection, KubernetesMonitors, RemoteEndpoint,
    ScrapeJob, TargetGroup, TlsFiles,
};
use plugpipe_contract::responses::{GeneratedConfig, HttpSd};
use plugpipe_contract::scalar::{self, Labels, Text, Verbatim};
use plugpipe_contract::time::prometheus_duration;
use plugpipe_contract::url::Url;

use super::fields::{
    Connection, Members, duration, each, header_value, headers, http_path, labels, params, put, put_if, rule_file,
    scheme, sd_file, selector, texts, timeout, url,
};
use super::{PROTOCOLS, Version, check_target, read_duration};
use crate::kubernetes::{self, Kind, MonitorSettings};
use crate::yaml::Yaml;

/// The field with the input.
const ROOT: &str = "generate";

/// The values of `parts`, in the order of the file.
const PARTS: [&str; 8] =
    ["global", "rule_files", "alerting", "scrape_configs", "federation", "remote_write", "remote_read", "sd_targets"];

/// The defaults of an environment, from PlugPipe's configuration templates.
struct Environment {
    name: &'static str,
    job: &'static str,
    scrape_interval: &'static str,
    gateway: Option<&'static str>,
    rule_file: Option<&'static str>,
}

const ENVIRONMENTS: [Environment; 3] = [
    Environment {
        name: "development",
        job: "plugpipe-dev",
        scrape_interval: "5s",
        gateway: Some("http://127.0.0.1:9091"),
        rule_file: None,
    },
    Environment {
        name: "testing",
        job: "plugpipe-test",
        scrape_interval: "15s",
        gateway: Some("http://prometheus-pushgateway:9091"),
        rule_file: None,
    },
    // Its gateway comes from the configuration; it has alerts.
    Environment {
        name: "production",
        job: "plugpipe-prod",
        scrape_interval: "15s",
        gateway: None,
        rule_file: Some("plugpipe_alerts.yml"),
    },
];

/// The defaults without an environment: those of the manifest.
const DEFAULT: Environment =
    Environment { name: "default", job: "plugpipe", scrape_interval: "15s", gateway: None, rule_file: None };

/// The state of the file under construction.
struct Draft {
    version: Version,
    /// The global scrape interval.
    interval: Duration,
    /// Job names so far.
    jobs: Vec<String>,
    /// Names of remote endpoints so far.
    remotes: Vec<String>,
    /// Fields that the version does not support.
    left_out: Vec<String>,
    /// Flags that the server needs.
    flags: Vec<&'static str>,
    /// Whether the jobs become Kubernetes resources.
    kubernetes: bool,
}

impl Draft {
    fn new(version: Version, interval: Duration, kubernetes: bool) -> Self {
        Self {
            version,
            interval,
            jobs: Vec::new(),
            remotes: Vec::new(),
            left_out: Vec::new(),
            flags: Vec::new(),
            kubernetes,
        }
    }

    /// Whether the version supports this; if not, it is omitted and reported.
    fn has(&mut self, since: Version, path: &str, what: &str) -> bool {
        let has = self.version >= since;
        if !has {
            let (since, own) = (since.text(), self.version.text());
            self.left_out.push(format!("{path}: {what} needs Prometheus {since}, and for_version is {own}"));
        }
        has
    }

    /// Records a flag that the server needs.
    fn needs(&mut self, flag: &'static str) {
        if !self.flags.contains(&flag) {
            self.flags.push(flag);
        }
    }
}

/// Plug settings from the configuration, which override the environment's. `None` if unset.
#[derive(Debug, Clone, Copy, Default)]
pub struct Configured<'c> {
    /// The scrape interval, as written in the configuration.
    pub scrape_interval: Option<&'c str>,
    /// The plug's job.
    pub job_name: Option<&'c str>,
    /// The Pushgateway to scrape.
    pub gateway_url: Option<&'c Url>,
}

/// Generates the files for the input of `generate_config`.
///
/// # Errors
/// A field is missing or invalid, or would write a secret.
pub fn generate(request: &GenerateConfig, configured: Configured) -> Result<GeneratedConfig, Error> {
    let monitors = KubernetesMonitors::default();
    if let Some(monitors) = request.kubernetes.if_set(&monitors) {
        return resources(request, configured, &MonitorSettings::read(monitors)?);
    }
    let environment = environment(&request.environment)?;
    let version = version(&request.for_version)?;
    let parts = parts(request.parts.as_deref())?;
    let nothing = GeneratedSections::default();
    let input = request.generate.as_ref().unwrap_or(&nothing);

    let (global, interval) = global(input.global.as_ref(), environment, configured)?;
    let mut draft = Draft::new(version, interval, false);
    let rule_files = match input.rule_files.as_deref() {
        None => environment.rule_file.map(str::to_owned).into_iter().collect(),
        Some(files) => texts(Some(files), &path("rule_files"), rule_file)?,
    };
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|own| own == part);
    let mut jobs = match wanted("scrape_configs") {
        true => scrape_jobs(input, environment, configured, &mut draft)?,
        false => Vec::new(),
    };
    let make = |job: &ScrapeJob, path: &str| federate(job, path, &mut draft);
    let federation = input.federate.as_deref().filter(|_| wanted("federation"));
    let federated = each(federation, &path("federate"), make)?;
    let alertmanagers =
        each(input.alertmanagers.as_deref(), &path("alertmanagers"), |targets, _| alertmanager(targets))?;
    let writes = each(input.remote_write.as_deref(), &path("remote_write"), |endpoint, path| {
        remote(endpoint, path, true, &mut draft)
    })?;
    let reads = each(input.remote_read.as_deref(), &path("remote_read"), |endpoint, path| {
        remote(endpoint, path, false, &mut draft)
    })?;
    let targets = each(input.sd_targets.as_deref(), &path("sd_targets"), |targets, _| group(targets))?;

    let lists = [
        ("rule_files", "rule_files", rule_files.is_empty()),
        ("alerting", "alertmanagers", alertmanagers.is_empty()),
        ("scrape_configs", "scrape", jobs.is_empty()),
        ("federation", "federate", federated.is_empty()),
        ("remote_write", "remote_write", writes.is_empty()),
        ("remote_read", "remote_read", reads.is_empty()),
        ("sd_targets", "sd_targets", targets.is_empty()),
    ];
    check_named(&parts, &lists)?;
    jobs.extend(federated);

    let mut file: Members = Vec::new();
    let mut put = |part: &str, key: &str, value: Yaml| {
        let is_empty = matches!(&value, Yaml::List(items) if items.is_empty());
        if wanted(part) && !is_empty {
            file.push((key.to_owned(), value));
        }
    };
    put("global", "global", Yaml::Map(global));
    put("rule_files", "rule_files", Yaml::texts(rule_files));
    if !alertmanagers.is_empty() {
        put("alerting", "alerting", Yaml::Map(vec![("alertmanagers".to_owned(), Yaml::List(alertmanagers))]));
    }
    // Jobs contains wanted parts only.
    let part = if wanted("scrape_configs") { "scrape_configs" } else { "federation" };
    put(part, "scrape_configs", Yaml::List(jobs));
    put("remote_write", "remote_write", Yaml::List(writes));
    put("remote_read", "remote_read", Yaml::List(reads));

    // Every version reads JSON, and serializing a tree cannot fail.
    let targets = (wanted("sd_targets") && !targets.is_empty())
        .then(|| serde_json::to_string(&targets).unwrap_or_default() + "\n");
    let config = (!file.is_empty()).then(|| Yaml::Map(file).write());
    Ok(GeneratedConfig {
        environment: environment.name,
        for_version: draft.version.text(),
        file_name: config.is_some().then_some("prometheus.yml"),
        config,
        http_sd: targets.clone().map(|body| HttpSd { content_type: "application/json", body }),
        file_sd: targets,
        needs_flags: draft.flags,
        left_out: draft.left_out,
    })
}

/// Checks that no part that `parts` names is empty, which is a mistake: each part with its field.
fn check_named(parts: &[String], lists: &[(&str, &str, bool)]) -> Result<(), Error> {
    let is_named = |part: &str| parts.iter().any(|own| own == part);
    match lists.iter().find(|(part, _, is_empty)| *is_empty && is_named(part)) {
        Some((_, field, _)) => Err(Error::missing(path(field), "a list, because parts names it")),
        None => Ok(()),
    }
}

/// Resources of the Prometheus operator for the jobs. All else of a `prometheus.yml` belongs to the
/// operator's Prometheus resource.
fn resources(
    request: &GenerateConfig,
    configured: Configured,
    settings: &MonitorSettings,
) -> Result<GeneratedConfig, Error> {
    let environment = environment(&request.environment)?;
    let version = version(&request.for_version)?;
    let parts = parts(request.parts.as_deref())?;
    let nothing = GeneratedSections::default();
    let input = request.generate.as_ref().unwrap_or(&nothing);
    let elsewhere = "is set in the operator's Prometheus resource, which is not generated; remove it";
    let is_job = |part: &String| matches!(part.as_str(), "scrape_configs" | "federation");
    if let Some(index) = parts.iter().position(|part| !is_job(part)) {
        return Err(Error::invalid(format!("parts[{index}]"), elsewhere));
    }
    let unset = GlobalSection::default();
    let of_global = input.global.as_ref().unwrap_or(&unset);
    for (field, is_given) in [
        ("rule_files", input.rule_files.is_some()),
        ("alertmanagers", input.alertmanagers.is_some()),
        ("remote_write", input.remote_write.is_some()),
        ("remote_read", input.remote_read.is_some()),
        ("sd_targets", input.sd_targets.is_some()),
        ("global.scrape_timeout", of_global.scrape_timeout.get().is_some()),
        ("global.evaluation_interval", of_global.evaluation_interval.get().is_some()),
        ("global.external_labels", !of_global.external_labels.is_empty()),
    ] {
        if is_given {
            return Err(Error::invalid(path(field), elsewhere));
        }
    }
    let (_, interval) = global(input.global.as_ref(), environment, configured)?;
    let mut draft = Draft::new(version, interval, true);
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|own| own == part);
    let (mut jobs, mut has_plug) = (Vec::new(), false);
    if wanted("scrape_configs") {
        let unset = ScrapeJob::default();
        if let Some(plug) = input.plug.or(&unset) {
            has_plug = true;
            selected(plug, settings.kind).map_err(|error| error.inside(&path("plug")))?;
        }
        jobs = scrape_jobs(input, environment, configured, &mut draft)?;
    }
    if wanted("federation") {
        let make = |job: &ScrapeJob, path: &str| federate(job, path, &mut draft);
        jobs.extend(each(input.federate.as_deref(), &path("federate"), make)?);
    }
    let resources = settings.resources(jobs, has_plug)?;
    let config = (!resources.is_empty()).then(|| kubernetes::file(&resources));
    Ok(GeneratedConfig {
        environment: environment.name,
        for_version: draft.version.text(),
        file_name: config.is_some().then_some("plugpipe_monitors.yaml"),
        config,
        needs_flags: draft.flags,
        left_out: draft.left_out,
        ..GeneratedConfig::default()
    })
}

/// Checks that a job that a monitor selects has no targets of its own.
fn selected(given: &ScrapeJob, kind: Kind) -> Result<(), Error> {
    for (field, is_given) in [
        ("targets", given.targets.is_some()),
        ("labels", !given.labels.is_empty()),
        ("file_sd", given.file_sd.is_some()),
        ("http_sd", given.http_sd.is_some()),
        ("refresh_interval", given.refresh_interval.get().is_some()),
    ] {
        if is_given && kind != Kind::ScrapeConfig {
            let problem = "a monitor selects its targets by kubernetes.selector; for targets, set kubernetes.kind to scrape_config";
            return Err(Error::invalid(field, problem));
        }
    }
    Ok(())
}

/// The credentials of a job in Kubernetes: from a Secret, not from files.
fn secret(given: &ScrapeJob, members: &mut Members) -> Result<(), Error> {
    let tls = given.tls.as_ref();
    let is_file = |file: fn(&TlsFiles) -> bool| tls.is_some_and(file);
    for (field, is_given) in [
        ("basic_auth", given.basic_auth.is_some()),
        ("bearer_token_file", given.bearer_token_file.get().is_some()),
        ("tls.ca_file", is_file(|tls| tls.ca_file.get().is_some())),
        ("tls.cert_file", is_file(|tls| tls.cert_file.get().is_some())),
        ("tls.key_file", is_file(|tls| tls.key_file.get().is_some())),
    ] {
        if is_given {
            let problem =
                "refers to a file on the Prometheus server, which these resources cannot; use bearer_token_secret";
            return Err(Error::invalid(field, problem));
        }
    }
    let Some(secret) = &given.bearer_token_secret else { return Ok(()) };
    let name = secret.name.required("bearer_token_secret.name", "a Secret's name")?;
    let key = secret.key.required("bearer_token_secret.key", "the key in the Secret")?;
    kubernetes::check_secret(name, key)?;
    let credentials =
        Yaml::pairs([("name", name), ("key", key)].map(|(field, text)| (field.to_owned(), text.to_owned())));
    put(members, "authorization", Yaml::Map(vec![("credentials".to_owned(), credentials)]));
    Ok(())
}

/// The oldest version to support.
fn version(given: &Text) -> Result<Version, Error> {
    match given.get() {
        None => Ok(Version::OLDEST),
        Some(text) => Version::parse(text).map_err(|problem| Error::invalid("for_version", problem)),
    }
}

/// The path of a field in [`ROOT`].
fn path(field: &str) -> String {
    format!("{ROOT}.{field}")
}

fn environment(given: &Text) -> Result<&'static Environment, Error> {
    match given.get() {
        None => Ok(&DEFAULT),
        Some(name) => ENVIRONMENTS.iter().find(|environment| environment.name == name.trim()).ok_or_else(|| {
            let problem = format!("expected development, testing or production, got {:?}", excerpt(name, 100));
            Error::invalid("environment", problem)
        }),
    }
}

/// The parts given; empty for all nonempty parts.
fn parts(given: Option<&[Verbatim]>) -> Result<Vec<String>, Error> {
    texts(given, "parts", |part| {
        let known = PARTS.contains(&part);
        if known { Ok(()) } else { Err(format!("expected one of {}, got {:?}", PARTS.join(", "), excerpt(part, 100))) }
    })
}

/// The part `global`, and the scrape interval.
fn global(
    given: Option<&GlobalSection>,
    environment: &Environment,
    configured: Configured,
) -> Result<(Members, Duration), Error> {
    let nothing = GlobalSection::default();
    let given = given.unwrap_or(&nothing);
    let inside = |error: Error| error.inside(&path("global"));
    // The configuration overrides the environment.
    let setting = configured.scrape_interval.unwrap_or(environment.scrape_interval);
    let interval = match duration(given.scrape_interval, "scrape_interval").map_err(inside)? {
        Some(interval) => interval,
        None => read_duration(setting).map_err(|problem| Error::invalid("scrape_interval", problem))?,
    };
    let timeout = timeout(given.scrape_timeout, "scrape_timeout", interval).map_err(inside)?;
    let evaluation = duration(given.evaluation_interval, "evaluation_interval").map_err(inside)?;
    let labels = labels(&given.external_labels, "external_labels", false).map_err(inside)?;
    let mut members = Members::new();
    put(&mut members, "scrape_interval", prometheus_duration(interval));
    put_if(&mut members, "scrape_timeout", timeout.map(prometheus_duration));
    put(&mut members, "evaluation_interval", prometheus_duration(evaluation.unwrap_or(Duration::from_secs(15))));
    put_if(&mut members, "external_labels", labels);
    Ok((members, interval))
}

/// The jobs of the plug, the gateway, and other targets.
fn scrape_jobs(
    input: &GeneratedSections,
    environment: &Environment,
    configured: Configured,
    draft: &mut Draft,
) -> Result<Vec<Yaml>, Error> {
    let mut jobs = Vec::new();
    let unset = ScrapeJob::default();
    let mut builtin = |field: &str, given: &ScrapeJob, default: &Job, draft: &mut Draft| {
        let path = path(field);
        jobs.push(job(given, &path, default, draft).map_err(|error| error.inside(&path))?);
        Ok::<_, Error>(())
    };
    let plug = Job {
        name: Some(configured.job_name.unwrap_or(environment.job)),
        target: Some("localhost:8080".to_owned()),
        path: Some("/metrics".to_owned()),
        ..Job::default()
    };
    if let Some(given) = input.plug.or(&unset) {
        builtin("plug", given, &plug, draft)?;
    }
    let environments = environment.gateway.and_then(|url| Url::parse(url).ok());
    let url = configured.gateway_url.or(environments.as_ref());
    let gateway = Job {
        name: Some("pushgateway"),
        target: url.map(Url::authority),
        path: url.map(|url| {
            let whole = url.path_and_query();
            format!("{}/metrics", whole.split('?').next().unwrap_or_default().trim_end_matches('/'))
        }),
        https: url.is_some_and(|url| url.scheme() == "https"),
        honor_labels: true,
        ..Job::default()
    };
    if let Some(given) = input.gateway.or(&unset)
        && (url.is_some() || *given != unset)
    {
        builtin("gateway", given, &gateway, draft)?;
    }
    jobs.extend(each(input.scrape.as_deref(), &path("scrape"), |given, path| {
        job(given, path, &Job::default(), draft)
    })?);
    Ok(jobs)
}

/// The defaults of a scrape job.
#[derive(Default)]
struct Job<'a> {
    name: Option<&'a str>,
    target: Option<String>,
    path: Option<String>,
    https: bool,
    honor_labels: bool,
    /// Selectors for federation.
    matches: Vec<String>,
}

/// An entry of `scrape_configs`. `path` is the path of the job.
fn job(given: &ScrapeJob, path: &str, default: &Job, draft: &mut Draft) -> Result<Yaml, Error> {
    if given.r#match.is_some() && default.matches.is_empty() {
        return Err(Error::invalid("match", "is valid for jobs in federate only"));
    }
    let name = given.job.get().or(default.name).ok_or_else(|| Error::missing("job", "a job's name"))?;
    if draft.jobs.iter().any(|own| own == name) {
        let problem = format!("there are two jobs {:?}; their names must differ", excerpt(name, 100));
        return Err(Error::invalid("job", problem));
    }
    draft.jobs.push(name.to_owned());
    let mut members = Members::new();
    put(&mut members, "job_name", name);
    let interval = duration(given.interval, "interval")?;
    // Resources have no global section.
    let written = interval.or(draft.kubernetes.then_some(draft.interval));
    put_if(&mut members, "scrape_interval", written.map(prometheus_duration));
    let timeout = timeout(given.timeout, "timeout", interval.unwrap_or(draft.interval))?;
    put_if(&mut members, "scrape_timeout", timeout.map(prometheus_duration));
    if given.honor_labels.or(default.honor_labels) {
        put(&mut members, "honor_labels", true);
    }
    put_if(&mut members, "honor_timestamps", given.honor_timestamps.get());
    put_if(&mut members, "metrics_path", http_path(&given.path, "path")?.or(default.path.as_deref()));
    put_if(&mut members, "scheme", scheme(&given.scheme)?.or(default.https.then_some("https")));
    let mut params = params(&given.params)?;
    if !default.matches.is_empty() {
        params.push(("match[]".to_owned(), Yaml::texts(default.matches.iter().cloned())));
    }
    if !params.is_empty() {
        put(&mut members, "params", Yaml::Map(params));
    }
    protocols(given, path, draft, &mut members)?;
    put_if(&mut members, "sample_limit", given.sample_limit.get().map(|limit| Yaml::Whole(limit as i64)));
    if draft.kubernetes {
        secret(given, &mut members)?;
    } else if given.bearer_token_secret.is_some() {
        return Err(Error::invalid("bearer_token_secret", "is valid with kubernetes only; use bearer_token_file"));
    }
    let connection = Connection {
        basic_auth: given.basic_auth.as_ref(),
        bearer_token_file: &given.bearer_token_file,
        tls: given.tls.as_ref(),
        proxy_url: &given.proxy_url,
    };
    connection.write(&mut members)?;
    let discovery = Discovery {
        targets: given.targets.as_deref(),
        file_sd: given.file_sd.as_deref(),
        http_sd: given.http_sd.as_deref(),
        refresh_interval: given.refresh_interval,
        labels: &given.labels,
    };
    discovery.write(default.target.as_deref(), &mut members)?;
    Ok(Yaml::Map(members))
}

/// `scrape_protocols` and native histograms, as supported by the version.
fn protocols(given: &ScrapeJob, path: &str, draft: &mut Draft, members: &mut Members) -> Result<(), Error> {
    let asked = texts(given.protocols.as_deref(), "protocols", |name| {
        let known = PROTOCOLS.iter().any(|(own, _)| *own == name);
        let names = || PROTOCOLS.map(|(name, _)| name).join(", ");
        if known { Ok(()) } else { Err(format!("expected one of {}, got {:?}", names(), excerpt(name, 100))) }
    })?;
    let mut kept: Vec<String> = Vec::new();
    for (index, name) in asked.into_iter().enumerate() {
        if kept.contains(&name) {
            return Err(Error::invalid(format!("protocols[{index}]"), "is listed twice"));
        }
        let since = PROTOCOLS.iter().find(|(own, _)| *own == name).map_or(Version::OLDEST, |(_, since)| *since);
        if draft.has(since, &format!("{path}.protocols[{index}]"), &name) {
            kept.push(name);
        }
    }
    let native = given.native_histograms.get();
    if native == Some(true) && !kept.is_empty() && !kept.iter().any(|name| name == "PrometheusProto") {
        let problem = "native histograms require PrometheusProto; add it, or remove protocols";
        return Err(Error::invalid("protocols", problem));
    }
    if !kept.is_empty() {
        put(members, "scrape_protocols", Yaml::texts(kept));
    }
    match native {
        // A setting per job in newer versions, a server flag in older ones.
        Some(native) if draft.version >= Version::NATIVE_HISTOGRAMS => {
            put(members, "scrape_native_histograms", native);
        }
        Some(true) => draft.needs("--enable-feature=native-histograms"),
        _ => {}
    }
    Ok(())
}

/// Static, file and HTTP targets; at least one of them.
struct Discovery<'r> {
    targets: Option<&'r [Verbatim<'r>]>,
    file_sd: Option<&'r [Verbatim<'r>]>,
    http_sd: Option<&'r [Verbatim<'r>]>,
    refresh_interval: scalar::Duration,
    labels: &'r Labels<'r>,
}

impl Discovery<'_> {
    /// `default` is the target if none is given.
    fn write(&self, default: Option<&str>, members: &mut Members) -> Result<(), Error> {
        let files = texts(self.file_sd, "file_sd", sd_file)?;
        let urls = texts(self.http_sd, "http_sd", |text| url(text).map(|_| ()))?;
        let mut targets = texts(self.targets, "targets", check_target)?;
        if targets.is_empty() && files.is_empty() && urls.is_empty() {
            let expected = "a list of host:port; or file_sd or http_sd, for service discovery";
            targets.push(default.ok_or_else(|| Error::missing("targets", expected))?.to_owned());
        }
        let refresh = duration(self.refresh_interval, "refresh_interval")?;
        let found = |key: &str, value: Yaml| {
            let mut members = vec![(key.to_owned(), value)];
            put_if(&mut members, "refresh_interval", refresh.map(prometheus_duration));
            Yaml::Map(members)
        };
        let labels = labels(self.labels, "labels", true)?;
        if !targets.is_empty() {
            let mut group = vec![("targets".to_owned(), Yaml::texts(targets))];
            put_if(&mut group, "labels", labels);
            put(members, "static_configs", Yaml::List(vec![Yaml::Map(group)]));
        } else if labels.is_some() {
            let problem = "apply to targets only; discovered targets have their own labels";
            return Err(Error::invalid("labels", problem));
        }
        if !files.is_empty() {
            put(members, "file_sd_configs", Yaml::List(vec![found("files", Yaml::texts(files))]));
        }
        if !urls.is_empty() {
            let urls = urls.into_iter().map(|url| found("url", url.into())).collect();
            put(members, "http_sd_configs", Yaml::List(urls));
        }
        Ok(())
    }
}

/// A scrape of another Prometheus server's `/federate`, which keeps labels.
fn federate(given: &ScrapeJob, path: &str, draft: &mut Draft) -> Result<Yaml, Error> {
    let matches = texts(given.r#match.as_deref(), "match", selector)?;
    if matches.is_empty() {
        return Err(Error::missing("match", "a list of selectors such as {job=\"plugpipe\"}"));
    }
    let default = Job {
        name: Some("federate"),
        path: Some("/federate".to_owned()),
        honor_labels: true,
        matches,
        ..Job::default()
    };
    job(given, path, &default, draft)
}

/// An entry of `remote_write` or `remote_read`. `path` is the path of the endpoint.
fn remote(given: &RemoteEndpoint, path: &str, write: bool, draft: &mut Draft) -> Result<Yaml, Error> {
    for (field, is_given, of_writes) in [
        ("protocol", given.protocol.get().is_some(), true),
        ("native_histograms", given.native_histograms.get().is_some(), true),
        ("exemplars", given.exemplars.get().is_some(), true),
        ("read_recent", given.read_recent.get().is_some(), false),
    ] {
        if is_given && of_writes != write {
            let part = if of_writes { "remote_write" } else { "remote_read" };
            return Err(Error::invalid(field, format!("is valid for endpoints in {part} only")));
        }
    }
    let address = given.url.required("url", "the URL of the endpoint")?;
    url(address).map_err(|problem| Error::invalid("url", problem))?;
    let mut members = Members::new();
    put(&mut members, "url", address.trim());
    if let Some(name) = given.name.get() {
        // Write and read endpoints may share a name.
        let kind = if write { 'w' } else { 'r' };
        let key = format!("{kind}{name}");
        if draft.remotes.contains(&key) {
            return Err(Error::invalid("name", "is used twice; names must differ"));
        }
        draft.remotes.push(key);
        put(&mut members, "name", name);
    }
    put_if(&mut members, "remote_timeout", duration(given.timeout, "timeout")?.map(prometheus_duration));
    let mut headers = headers(&given.headers)?;
    if let Some(tenant) = given.tenant.get() {
        header_value(tenant).map_err(|problem| Error::invalid("tenant", problem))?;
        if headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("X-Scope-OrgID")) {
            return Err(Error::invalid("headers", "sets X-Scope-OrgID, which tenant sets too"));
        }
        put(&mut headers, "X-Scope-OrgID", tenant);
    }
    if !headers.is_empty() {
        put(&mut members, "headers", Yaml::Map(headers));
    }
    match given.protocol.get().map(str::trim) {
        None | Some("1.0" | "1") => {}
        Some("2.0" | "2") => {
            if draft.has(Version::REMOTE_WRITE_2, &format!("{path}.protocol"), "remote write 2.0") {
                put(&mut members, "protobuf_message", "io.prometheus.write.v2.Request");
            }
        }
        Some(_) => return Err(Error::invalid("protocol", "expected 1.0 or 2.0")),
    }
    put_if(&mut members, "send_exemplars", given.exemplars.get());
    put_if(&mut members, "send_native_histograms", given.native_histograms.get());
    put_if(&mut members, "read_recent", given.read_recent.get());
    let connection = Connection {
        basic_auth: given.basic_auth.as_ref(),
        bearer_token_file: &given.bearer_token_file,
        tls: given.tls.as_ref(),
        proxy_url: &given.proxy_url,
    };
    connection.write(&mut members)?;
    Ok(Yaml::Map(members))
}

/// An entry of `alerting.alertmanagers`.
fn alertmanager(given: &AlertmanagerTargets) -> Result<Yaml, Error> {
    let mut members = Members::new();
    put_if(&mut members, "scheme", scheme(&given.scheme)?);
    put_if(&mut members, "path_prefix", http_path(&given.path_prefix, "path_prefix")?);
    put_if(&mut members, "timeout", duration(given.timeout, "timeout")?.map(prometheus_duration));
    let connection = Connection {
        basic_auth: given.basic_auth.as_ref(),
        bearer_token_file: &given.bearer_token_file,
        tls: given.tls.as_ref(),
        proxy_url: &given.proxy_url,
    };
    connection.write(&mut members)?;
    let discovery = Discovery {
        targets: given.targets.as_deref(),
        file_sd: given.file_sd.as_deref(),
        http_sd: given.http_sd.as_deref(),
        refresh_interval: given.refresh_interval,
        labels: &given.labels,
    };
    discovery.write(None, &mut members)?;
    Ok(Yaml::Map(members))
}

/// A group of a target file.
fn group(given: &TargetGroup) -> Result<Yaml, Error> {
    let targets = texts(given.targets.as_deref(), "targets", check_target)?;
    if targets.is_empty() {
        return Err(Error::missing("targets", "a list of host:port"));
    }
    let mut members = Members::new();
    put(&mut members, "targets", Yaml::texts(targets));
    put_if(&mut members, "labels", labels(&given.labels, "labels", true)?);
    Ok(Yaml::Map(members))
}
