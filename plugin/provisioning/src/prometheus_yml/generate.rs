//! Generates a `prometheus.yml`, or parts of it, and files of targets.
//!
//! No secret is written: a password or token is read from a file of the Prometheus server, which
//! the configuration names.

use core::time::Duration;

use plugpipe_contract::error::{Error, excerpt};
use plugpipe_contract::fields::{self, Fields, kind_of};
use plugpipe_contract::json::{Json, Object};
use plugpipe_contract::time::prometheus_duration;
use plugpipe_contract::url::Url;

use super::fields::{
    Item, Members, duration, each, flag, header_value, headers, http, http_path, labels, only, params, put, rule_file,
    scheme, sd_file, selector, texts, timeout, url,
};
use super::{PROTOCOLS, Version, check_target, read_duration};
use crate::yaml::Yaml;

/// The field that holds what is to be written.
const ROOT: &str = "generate";

/// What `parts` may name, in the order in which they are written.
const PARTS: [&str; 8] =
    ["global", "rule_files", "alerting", "scrape_configs", "federation", "remote_write", "remote_read", "sd_targets"];

/// The fields of [`ROOT`].
const SECTIONS: [&str; 10] = [
    "global",
    "plug",
    "gateway",
    "scrape",
    "federate",
    "rule_files",
    "alertmanagers",
    "remote_write",
    "remote_read",
    "sd_targets",
];

/// How a server is spoken to: fields of every entry that has one.
const HTTP: [&str; 4] = ["basic_auth", "bearer_token_file", "tls", "proxy_url"];

/// The values of PlugPipe's configuration templates.
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

/// Without an environment: the manifest's default configuration.
const DEFAULT: Environment =
    Environment { name: "default", job: "plugpipe", scrape_interval: "15s", gateway: None, rule_file: None };

/// What is known while a file is being written.
struct Draft {
    version: Version,
    /// Between scrapes of jobs that name no interval.
    interval: Duration,
    /// The names of jobs so far.
    jobs: Vec<String>,
    /// The names of remote endpoints so far.
    remotes: Vec<String>,
    /// What the version does not have: the path, and since when there is one.
    left_out: Vec<String>,
    /// Flags that the server needs for what was asked.
    flags: Vec<&'static str>,
}

impl Draft {
    /// Whether the version has this; if not, it is left out and the answer says so.
    fn has(&mut self, since: Version, path: &str, what: &str) -> bool {
        let has = self.version >= since;
        if !has {
            let (since, own) = (since.text(), self.version.text());
            self.left_out.push(format!("{path}: {what} needs Prometheus {since}, and for_version is {own}"));
        }
        has
    }

    /// Notes a flag that the server needs.
    fn needs(&mut self, flag: &'static str) {
        if !self.flags.contains(&flag) {
            self.flags.push(flag);
        }
    }
}

/// Settings of the plug that a configuration makes, over those of the environment. None for what
/// nobody set.
#[derive(Debug, Clone, Copy, Default)]
pub struct Configured<'c> {
    /// Between scrapes, as it is written in the configuration.
    pub scrape_interval: Option<&'c str>,
    /// The job of the plug.
    pub job_name: Option<&'c str>,
    /// The Pushgateway to scrape.
    pub gateway_url: Option<&'c Url>,
}

/// What was generated.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// The environment whose values were taken, or `default`.
    pub environment: &'static str,
    /// The oldest version of Prometheus that reads it, for example `2.42`.
    pub for_version: String,
    /// The text of `prometheus.yml`; none where no part has anything in it.
    pub config: Option<String>,
    /// The targets as JSON, for file and HTTP service discovery.
    pub targets: Option<String>,
    /// Flags that the server needs.
    pub needs_flags: Vec<&'static str>,
    /// What the version does not have: the path, and since when there is one.
    pub left_out: Vec<String>,
}

/// Generates what the fields of `generate_config` ask for.
///
/// # Errors
/// A field is missing or not valid, or would hold a secret.
pub fn generate(ctx: &Fields, configured: Configured) -> Result<Generated, Error> {
    let environment = environment(ctx)?;
    let version = match ctx.text_or_none("for_version", "a version such as 3.5")? {
        None => Version::OLDEST,
        Some(text) => Version::parse(&text).map_err(|problem| Error::invalid("for_version", problem))?,
    };
    let nothing = Object::default();
    let given = ctx.object(ROOT)?.unwrap_or(&nothing);
    only(given, ROOT, &[&SECTIONS])?;
    let input = Fields::new(given, ROOT);
    let parts = parts(ctx)?;

    let (global, interval) = global(&input, environment, configured)?;
    let mut draft =
        Draft { version, interval, jobs: Vec::new(), remotes: Vec::new(), left_out: Vec::new(), flags: Vec::new() };
    let mut rule_files = texts(&input, "rule_files", rule_file)?;
    if rule_files.is_empty() && input.get("rule_files").is_none() {
        rule_files.extend(environment.rule_file.map(str::to_owned));
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|own| own == part);
    let mut jobs = Vec::new();
    if wanted("scrape_configs") {
        jobs = scrape_jobs(&input, environment, configured, &mut draft)?;
    }
    let federated =
        if wanted("federation") { each(&input, "federate", |item| federate(item, &mut draft))? } else { Vec::new() };
    let alertmanagers = each(&input, "alertmanagers", alertmanager)?;
    let writes = each(&input, "remote_write", |item| remote(item, true, &mut draft))?;
    let reads = each(&input, "remote_read", |item| remote(item, false, &mut draft))?;
    let targets = each(&input, "sd_targets", group)?;

    // A part that was asked for by name and has nothing in it is a mistake.
    for (part, field, is_empty) in [
        ("rule_files", "rule_files", rule_files.is_empty()),
        ("alerting", "alertmanagers", alertmanagers.is_empty()),
        ("scrape_configs", "scrape", jobs.is_empty()),
        ("federation", "federate", federated.is_empty()),
        ("remote_write", "remote_write", writes.is_empty()),
        ("remote_read", "remote_read", reads.is_empty()),
        ("sd_targets", "sd_targets", targets.is_empty()),
    ] {
        if is_empty && !parts.is_empty() && wanted(part) {
            return Err(Error::Missing { field: input.path(field), expected: "a list, because parts asks for it" });
        }
    }
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
    // Of these, only what was wanted was made.
    let part = if wanted("scrape_configs") { "scrape_configs" } else { "federation" };
    put(part, "scrape_configs", Yaml::List(jobs));
    put("remote_write", "remote_write", Yaml::List(writes));
    put("remote_read", "remote_read", Yaml::List(reads));

    let targets = (wanted("sd_targets") && !targets.is_empty()).then(|| {
        let mut json = String::new();
        write_json(&Yaml::List(targets), &mut json);
        json.push('\n');
        json
    });
    Ok(Generated {
        environment: environment.name,
        for_version: draft.version.text(),
        config: (!file.is_empty()).then(|| Yaml::Map(file).write()),
        targets,
        needs_flags: draft.flags,
        left_out: draft.left_out,
    })
}

fn environment(ctx: &Fields) -> Result<&'static Environment, Error> {
    match ctx.text_or_none("environment", "an environment's name")? {
        None => Ok(&DEFAULT),
        Some(name) => ENVIRONMENTS.iter().find(|environment| environment.name == name.trim()).ok_or_else(|| {
            let problem = format!("expected development, testing or production, got {:?}", excerpt(&name, 100));
            Error::invalid("environment", problem)
        }),
    }
}

/// The parts that are named; none for all that have something in them.
fn parts(ctx: &Fields) -> Result<Vec<String>, Error> {
    texts(ctx, "parts", |part| {
        let known = PARTS.contains(&part);
        if known { Ok(()) } else { Err(format!("expected one of {}, got {:?}", PARTS.join(", "), excerpt(part, 100))) }
    })
}

/// The part `global`, and the time between scrapes.
fn global(input: &Fields, environment: &Environment, configured: Configured) -> Result<(Members, Duration), Error> {
    let nothing = Object::default();
    let map = input.object("global")?.unwrap_or(&nothing);
    let path = input.path("global");
    only(map, &path, &[&["scrape_interval", "scrape_timeout", "evaluation_interval", "external_labels"]])?;
    let fields = Fields::new(map, &path);
    // A setting that somebody made wins over the environment's.
    let setting = configured.scrape_interval.unwrap_or(environment.scrape_interval);
    let interval = match duration(&fields, "scrape_interval")? {
        Some(interval) => interval,
        None => read_duration(setting).map_err(|problem| Error::invalid("scrape_interval", problem))?,
    };
    let mut members = Members::new();
    put(&mut members, "scrape_interval", prometheus_duration(interval));
    if let Some(timeout) = timeout(&fields, "scrape_timeout", interval)? {
        put(&mut members, "scrape_timeout", prometheus_duration(timeout));
    }
    let evaluation = duration(&fields, "evaluation_interval")?.unwrap_or(Duration::from_secs(15));
    put(&mut members, "evaluation_interval", prometheus_duration(evaluation));
    if let Some(labels) = labels(&fields, "external_labels", false)? {
        members.push(("external_labels".to_owned(), labels));
    }
    Ok((members, interval))
}

/// The plug, the gateway, and other targets.
fn scrape_jobs(
    input: &Fields,
    environment: &Environment,
    configured: Configured,
    draft: &mut Draft,
) -> Result<Vec<Yaml>, Error> {
    let mut jobs = Vec::new();
    let plug = Job {
        name: Some(configured.job_name.unwrap_or(environment.job)),
        target: Some("localhost:8080".to_owned()),
        path: Some("/metrics".to_owned()),
        ..Job::default()
    };
    if let Some(map) = builtin(input, "plug")? {
        jobs.push(job(map, &input.path("plug"), &plug, draft)?);
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
    if let Some(map) = builtin(input, "gateway")?
        && (url.is_some() || !map.is_empty())
    {
        jobs.push(job(map, &input.path("gateway"), &gateway, draft)?);
    }
    jobs.extend(each(input, "scrape", |item| job(item.map, &item.path, &Job::default(), draft))?);
    Ok(jobs)
}

/// A job that is there unless it says `false`, and may have fields of its own.
fn builtin<'a>(input: &Fields<'a>, key: &str) -> Result<Option<&'a Object<'a>>, Error> {
    static NOTHING: Object<'static> = Object::EMPTY;
    match input.some(key) {
        None => Ok(Some(&NOTHING)),
        Some(Json::Object(map)) => Ok(Some(map)),
        Some(value) => match fields::flag(value) {
            Some(true) => Ok(Some(&NOTHING)),
            Some(false) => Ok(None),
            None => {
                let problem = format!("expected an object, or false to leave it out, got {}", kind_of(value));
                Err(Error::invalid(input.path(key), problem))
            }
        },
    }
}

/// What a scrape job has where its fields say nothing.
#[derive(Default)]
struct Job<'a> {
    name: Option<&'a str>,
    target: Option<String>,
    path: Option<String>,
    https: bool,
    honor_labels: bool,
    /// The selectors of a federation.
    matches: Vec<String>,
}

/// The fields of a scrape job.
const JOB: [&str; 16] = [
    "job",
    "targets",
    "labels",
    "file_sd",
    "http_sd",
    "refresh_interval",
    "path",
    "scheme",
    "interval",
    "timeout",
    "honor_labels",
    "honor_timestamps",
    "params",
    "protocols",
    "native_histograms",
    "sample_limit",
];

/// One entry of `scrape_configs`.
fn job(map: &Object, path: &str, default: &Job, draft: &mut Draft) -> Result<Yaml, Error> {
    only(map, path, &[&JOB, &HTTP, if default.matches.is_empty() { &[] } else { &["match"] }])?;
    let fields = Fields::new(map, path);
    let name = match fields.text_or_none("job", "a job's name")? {
        Some(name) => name,
        None => default
            .name
            .map(str::to_owned)
            .ok_or_else(|| Error::Missing { field: fields.path("job"), expected: "a job's name" })?,
    };
    if draft.jobs.contains(&name) {
        let problem = format!("there are two jobs {:?}; their names must differ", excerpt(&name, 100));
        return Err(Error::invalid(fields.path("job"), problem));
    }
    draft.jobs.push(name.clone());
    let mut members = Members::new();
    put(&mut members, "job_name", name);
    let interval = duration(&fields, "interval")?;
    if let Some(interval) = interval {
        put(&mut members, "scrape_interval", prometheus_duration(interval));
    }
    if let Some(timeout) = timeout(&fields, "timeout", interval.unwrap_or(draft.interval))? {
        put(&mut members, "scrape_timeout", prometheus_duration(timeout));
    }
    let honors = flag(&fields, "honor_labels")?.unwrap_or(default.honor_labels);
    if honors {
        put(&mut members, "honor_labels", true);
    }
    if let Some(honors) = flag(&fields, "honor_timestamps")? {
        put(&mut members, "honor_timestamps", honors);
    }
    if let Some(path) = http_path(&fields, "path")?.or_else(|| default.path.clone()) {
        put(&mut members, "metrics_path", path);
    }
    if let Some(scheme) = scheme(&fields)?.or(default.https.then_some("https")) {
        put(&mut members, "scheme", scheme);
    }
    let mut params = params(&fields)?;
    if !default.matches.is_empty() {
        params.push(("match[]".to_owned(), Yaml::texts(default.matches.iter().cloned())));
    }
    if !params.is_empty() {
        put(&mut members, "params", Yaml::Map(params));
    }
    protocols(&fields, draft, &mut members)?;
    if let Some(limit) = fields.some("sample_limit") {
        let limit = fields::number(limit).map_err(|problem| Error::invalid(fields.path("sample_limit"), problem))?;
        if limit.trunc() != limit || !(0.0..=4e9).contains(&limit) {
            return Err(Error::invalid(fields.path("sample_limit"), "expected a whole number, 0 for no limit"));
        }
        put(&mut members, "sample_limit", Yaml::Whole(limit as i64));
    }
    http(&fields, &mut members)?;
    discovery(&fields, default, &mut members)?;
    Ok(Yaml::Map(members))
}

/// `scrape_protocols` and native histograms, as far as the version has them.
fn protocols(fields: &Fields, draft: &mut Draft, members: &mut Members) -> Result<(), Error> {
    let path = fields.path("protocols");
    let asked = texts(fields, "protocols", |name| {
        let known = PROTOCOLS.iter().any(|(own, _)| *own == name);
        let names = || PROTOCOLS.map(|(name, _)| name).join(", ");
        if known { Ok(()) } else { Err(format!("expected one of {}, got {:?}", names(), excerpt(name, 100))) }
    })?;
    let mut kept: Vec<String> = Vec::new();
    for (index, name) in asked.into_iter().enumerate() {
        if kept.contains(&name) {
            return Err(Error::invalid(format!("{path}[{index}]"), "is there twice"));
        }
        let since = PROTOCOLS.iter().find(|(own, _)| *own == name).map_or(Version::OLDEST, |(_, since)| *since);
        if draft.has(since, &format!("{path}[{index}]"), &name) {
            kept.push(name);
        }
    }
    let native = flag(fields, "native_histograms")?;
    if native == Some(true) && !kept.is_empty() && !kept.iter().any(|name| name == "PrometheusProto") {
        let problem = "native histograms are scraped with PrometheusProto only; add it, or leave protocols out";
        return Err(Error::invalid(path, problem));
    }
    if !kept.is_empty() {
        put(members, "scrape_protocols", Yaml::texts(kept));
    }
    match native {
        // From there on each job says it; before, the whole server.
        Some(native) if draft.version >= Version::NATIVE_HISTOGRAMS => {
            put(members, "scrape_native_histograms", native);
        }
        Some(true) => draft.needs("--enable-feature=native-histograms"),
        _ => {}
    }
    Ok(())
}

/// Where a job's targets come from: fixed ones, files, HTTP; at least one of them.
fn discovery(fields: &Fields, default: &Job, members: &mut Members) -> Result<(), Error> {
    let files = texts(fields, "file_sd", sd_file)?;
    let urls = texts(fields, "http_sd", |text| url(text).map(|_| ()))?;
    let mut targets = texts(fields, "targets", check_target)?;
    if targets.is_empty() && files.is_empty() && urls.is_empty() {
        targets.extend(default.target.clone());
    }
    if targets.is_empty() && files.is_empty() && urls.is_empty() {
        let expected = "a list of host:port; or file_sd or http_sd, which find them";
        return Err(Error::Missing { field: fields.path("targets"), expected });
    }
    let refresh = duration(fields, "refresh_interval")?;
    let found = |key: &str, value: Yaml| {
        let mut members = vec![(key.to_owned(), value)];
        if let Some(refresh) = refresh {
            put(&mut members, "refresh_interval", prometheus_duration(refresh));
        }
        Yaml::Map(members)
    };
    let labels = labels(fields, "labels", true)?;
    if !targets.is_empty() {
        let mut group = vec![("targets".to_owned(), Yaml::texts(targets))];
        group.extend(labels.map(|labels| ("labels".to_owned(), labels)));
        put(members, "static_configs", Yaml::List(vec![Yaml::Map(group)]));
    } else if labels.is_some() {
        let problem = "labels go to targets that are named here; those that are found bring their own";
        return Err(Error::invalid(fields.path("labels"), problem));
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

/// A scrape of another Prometheus server's `/federate`, whose labels stay.
fn federate(item: &Item, draft: &mut Draft) -> Result<Yaml, Error> {
    let fields = item.fields();
    let matches = texts(&fields, "match", selector)?;
    if matches.is_empty() {
        let expected = "a list of selectors such as {job=\"plugpipe\"}";
        return Err(Error::Missing { field: fields.path("match"), expected });
    }
    let default = Job {
        name: Some("federate"),
        path: Some("/federate".to_owned()),
        honor_labels: true,
        matches,
        ..Job::default()
    };
    job(item.map, &item.path, &default, draft)
}

/// One entry of `remote_write`, or of `remote_read`.
fn remote(item: &Item, write: bool, draft: &mut Draft) -> Result<Yaml, Error> {
    const WRITES: [&str; 3] = ["protocol", "native_histograms", "exemplars"];
    let own: &[&str] = if write { &WRITES } else { &["read_recent"] };
    only(item.map, &item.path, &[&["url", "name", "tenant", "headers", "timeout"], &HTTP, own])?;
    let fields = item.fields();
    let address = fields.text("url", "the URL of the endpoint")?;
    url(&address).map_err(|problem| Error::invalid(fields.path("url"), problem))?;
    let mut members = Members::new();
    put(&mut members, "url", address.trim());
    if let Some(name) = fields.text_or_none("name", "a name")? {
        // A read and a write may share a name.
        let kind = if write { 'w' } else { 'r' };
        let key = format!("{kind}{name}");
        if draft.remotes.contains(&key) {
            return Err(Error::invalid(fields.path("name"), "is there twice; the names must differ"));
        }
        draft.remotes.push(key);
        put(&mut members, "name", name);
    }
    if let Some(timeout) = duration(&fields, "timeout")? {
        put(&mut members, "remote_timeout", prometheus_duration(timeout));
    }
    let mut headers = headers(&fields)?;
    if let Some(tenant) = fields.text_or_none("tenant", "a tenant's name")? {
        header_value(&tenant).map_err(|problem| Error::invalid(fields.path("tenant"), problem))?;
        if headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("X-Scope-OrgID")) {
            return Err(Error::invalid(fields.path("headers"), "has an X-Scope-OrgID, and so says tenant"));
        }
        put(&mut headers, "X-Scope-OrgID", tenant);
    }
    if !headers.is_empty() {
        put(&mut members, "headers", Yaml::Map(headers));
    }
    if write {
        match fields.text_or_none("protocol", "1.0 or 2.0")?.as_deref().map(str::trim) {
            None | Some("1.0" | "1") => {}
            Some("2.0" | "2") => {
                if draft.has(Version::REMOTE_WRITE_2, &fields.path("protocol"), "remote write 2.0") {
                    put(&mut members, "protobuf_message", "io.prometheus.write.v2.Request");
                }
            }
            Some(_) => return Err(Error::invalid(fields.path("protocol"), "expected 1.0 or 2.0")),
        }
        for (key, name) in [("exemplars", "send_exemplars"), ("native_histograms", "send_native_histograms")] {
            if let Some(flag) = flag(&fields, key)? {
                put(&mut members, name, flag);
            }
        }
    } else if let Some(recent) = flag(&fields, "read_recent")? {
        put(&mut members, "read_recent", recent);
    }
    http(&fields, &mut members)?;
    Ok(Yaml::Map(members))
}

/// One entry of `alerting.alertmanagers`.
fn alertmanager(item: &Item) -> Result<Yaml, Error> {
    only(
        item.map,
        &item.path,
        &[&["targets", "file_sd", "http_sd", "refresh_interval", "labels", "scheme", "path_prefix", "timeout"], &HTTP],
    )?;
    let fields = item.fields();
    let mut members = Members::new();
    if let Some(scheme) = scheme(&fields)? {
        put(&mut members, "scheme", scheme);
    }
    if let Some(prefix) = http_path(&fields, "path_prefix")? {
        put(&mut members, "path_prefix", prefix);
    }
    if let Some(timeout) = duration(&fields, "timeout")? {
        put(&mut members, "timeout", prometheus_duration(timeout));
    }
    http(&fields, &mut members)?;
    discovery(&fields, &Job::default(), &mut members)?;
    Ok(Yaml::Map(members))
}

/// One group of a file of targets.
fn group(item: &Item) -> Result<Yaml, Error> {
    only(item.map, &item.path, &[&["targets", "labels"]])?;
    let fields = item.fields();
    let targets = texts(&fields, "targets", check_target)?;
    if targets.is_empty() {
        return Err(Error::Missing { field: fields.path("targets"), expected: "a list of host:port" });
    }
    let mut members = Members::new();
    put(&mut members, "targets", Yaml::texts(targets));
    members.extend(labels(&fields, "labels", true)?.map(|labels| ("labels".to_owned(), labels)));
    Ok(Yaml::Map(members))
}

/// The tree as JSON; a file of targets is read as that everywhere.
fn write_json(tree: &Yaml, out: &mut String) {
    let quoted = |text: &str, out: &mut String| {
        let mut bytes = Vec::new();
        plugpipe_metrics::exposition::json::string(text, &mut bytes);
        // What it writes of a text is a text.
        out.push_str(&String::from_utf8(bytes).unwrap_or_default());
    };
    match tree {
        Yaml::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Yaml::Whole(number) => out.push_str(&number.to_string()),
        Yaml::Text(text) | Yaml::Block(text) => quoted(text, out),
        Yaml::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_json(item, out);
            }
            out.push(']');
        }
        Yaml::Map(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                quoted(key, out);
                out.push(':');
                write_json(value, out);
            }
            out.push('}');
        }
    }
}
