//! `generate_config`: a `prometheus.yml`, or parts of it, and files of targets, as text in the answer. Reaches no server and writes no
//! file.
//!
//! No secret is written: a password or token stands in a file of the Prometheus server, which the configuration names.

use core::time::Duration;

use super::{Answer, Call};
use crate::config::Config;
use crate::error::{Error, excerpt};
use crate::fields::{self, Fields, kind_of, scalar};
use crate::http::Url;
use crate::json::{Json, Object};
use crate::prometheus_yml::{PROTOCOLS, Version, check_target, read_duration};
use crate::time::prometheus_duration;
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

/// Fields that would hold a secret, and are refused.
const SECRETS: [&str; 8] =
    ["password", "token", "bearer_token", "credentials", "authorization", "secret", "client_secret", "api_key"];

/// Keys and values of a map that is being made.
type Members = Vec<(String, Yaml)>;

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

pub(super) fn run(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let environment = environment(&call.ctx)?;
    let version = match call.ctx.text_or_none("for_version", "a version such as 3.5")? {
        None => Version::OLDEST,
        Some(text) => Version::parse(&text).map_err(|problem| Error::invalid("for_version", problem))?,
    };
    let nothing = Object::default();
    let given = call.ctx.object(ROOT)?.unwrap_or(&nothing);
    only(given, ROOT, &[&SECTIONS])?;
    let input = Fields::new(given, ROOT);
    let parts = parts(&call.ctx)?;

    let (global, interval) = global(&input, environment, call.config)?;
    let mut draft =
        Draft { version, interval, jobs: Vec::new(), remotes: Vec::new(), left_out: Vec::new(), flags: Vec::new() };
    let mut rule_files = texts(&input, "rule_files", rule_file)?;
    if rule_files.is_empty() && input.get("rule_files").is_none() {
        rule_files.extend(environment.rule_file.map(str::to_owned));
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|own| own == part);
    let mut jobs = Vec::new();
    if wanted("scrape_configs") {
        jobs = scrape_jobs(&input, environment, call.config, &mut draft)?;
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

    answer.text("environment", environment.name);
    answer.text("for_version", &draft.version.text());
    if !file.is_empty() {
        answer.text("file_name", "prometheus.yml");
        answer.text("config", &Yaml::Map(file).write());
    }
    if wanted("sd_targets") && !targets.is_empty() {
        let mut json = String::new();
        write_json(&Yaml::List(targets), &mut json);
        json.push('\n');
        answer.text("file_sd", &json);
        answer.open("http_sd");
        answer.text("content_type", "application/json");
        answer.text("body", &json);
        answer.close();
    }
    answer.texts("needs_flags", draft.flags.iter().copied());
    answer.texts("left_out", draft.left_out.iter().map(String::as_str));
    Ok(())
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
fn global(input: &Fields, environment: &Environment, config: &Config) -> Result<(Members, Duration), Error> {
    let nothing = Object::default();
    let map = input.object("global")?.unwrap_or(&nothing);
    let path = input.path("global");
    only(map, &path, &[&["scrape_interval", "scrape_timeout", "evaluation_interval", "external_labels"]])?;
    let fields = Fields::new(map, &path);
    // A setting that somebody made wins over the environment's.
    let setting = &config.scrape_interval;
    let setting = if *setting == Config::default().scrape_interval { environment.scrape_interval } else { setting };
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
    config: &Config,
    draft: &mut Draft,
) -> Result<Vec<Yaml>, Error> {
    let mut jobs = Vec::new();
    let named = config.job_name != Config::default().job_name;
    let plug = Job {
        name: Some(if named { &config.job_name } else { environment.job }),
        target: Some("localhost:8080".to_owned()),
        path: Some("/metrics".to_owned()),
        ..Job::default()
    };
    if let Some(map) = builtin(input, "plug")? {
        jobs.push(job(map, &input.path("plug"), &plug, draft)?);
    }
    let environments = environment.gateway.and_then(|url| Url::parse(url).ok());
    let url = config.gateway_url.as_ref().or(environments.as_ref());
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

/// How a server is spoken to. Passwords and tokens by file only.
fn http(fields: &Fields, members: &mut Members) -> Result<(), Error> {
    if let Some(map) = fields.object("basic_auth")? {
        let path = fields.path("basic_auth");
        only(map, &path, &[&["username", "password_file"]])?;
        let auth = Fields::new(map, &path);
        let mut pair = Members::new();
        put(&mut pair, "username", auth.text("username", "a user's name")?);
        put(&mut pair, "password_file", auth.text("password_file", "a file on the Prometheus server")?);
        put(members, "basic_auth", Yaml::Map(pair));
    }
    if let Some(file) = fields.text_or_none("bearer_token_file", "a file on the Prometheus server")? {
        if fields.some("basic_auth").is_some() {
            return Err(Error::invalid(fields.path("bearer_token_file"), "stands beside basic_auth; give one of them"));
        }
        put(members, "authorization", Yaml::Map(vec![("credentials_file".to_owned(), file.into())]));
    }
    if let Some(map) = fields.object("tls")? {
        const FILES: [&str; 4] = ["ca_file", "cert_file", "key_file", "server_name"];
        let path = fields.path("tls");
        only(map, &path, &[&FILES, &["insecure_skip_verify"]])?;
        let tls = Fields::new(map, &path);
        let mut settings = Members::new();
        for key in FILES {
            if let Some(text) = tls.text_or_none(key, "text")? {
                put(&mut settings, key, text);
            }
        }
        if tls.some("cert_file").is_some() != tls.some("key_file").is_some() {
            return Err(Error::invalid(path, "has one of cert_file and key_file; it needs both or none"));
        }
        if let Some(insecure) = flag(&tls, "insecure_skip_verify")? {
            put(&mut settings, "insecure_skip_verify", insecure);
        }
        put(members, "tls_config", Yaml::Map(settings));
    }
    if let Some(proxy) = fields.text_or_none("proxy_url", "a URL")? {
        url(&proxy).map_err(|problem| Error::invalid(fields.path("proxy_url"), problem))?;
        put(members, "proxy_url", proxy.trim());
    }
    Ok(())
}

/// Further headers of requests; neither Prometheus's own ones, nor such as hold a secret.
fn headers(fields: &Fields) -> Result<Members, Error> {
    const OWN: [&str; 13] = [
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "keep-alive",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-prometheus-remote-read-version",
        "x-prometheus-remote-write-version",
        "www-authenticate",
    ];
    const SECRET: [&str; 6] = ["auth", "cookie", "token", "secret", "password", "key"];
    let mut headers = Members::new();
    let Some(map) = fields.object("headers")? else { return Ok(headers) };
    for (name, value) in map.iter() {
        let path = || format!("{}.{}", fields.path("headers"), excerpt(name, 100));
        let lower = name.to_ascii_lowercase();
        if SECRET.iter().any(|word| lower.contains(word)) {
            let problem = "a secret does not belong into this file; use basic_auth or bearer_token_file";
            return Err(Error::invalid(path(), problem));
        }
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) || OWN.contains(&&*lower) {
            return Err(Error::invalid(path(), "is no header that may be set here"));
        }
        if headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)) {
            return Err(Error::invalid(path(), "is there twice"));
        }
        let value = scalar(value).ok_or_else(|| Error::invalid(path(), "expected text"))?;
        header_value(&value).map_err(|problem| Error::invalid(path(), problem))?;
        put(&mut headers, name, value);
    }
    Ok(headers)
}

fn header_value(text: &str) -> Result<(), &'static str> {
    if text.chars().any(char::is_control) { Err("a header's value is one line") } else { Ok(()) }
}

/// Labels as a map, sorted by name; none if there are none. With `meta`, names may begin with `__`, as discovered targets' do.
fn labels(fields: &Fields, key: &str, meta: bool) -> Result<Option<Yaml>, Error> {
    let Some(map) = fields.object(key)? else { return Ok(None) };
    let mut labels: Vec<(String, Yaml)> = Vec::new();
    for (name, _) in map.iter() {
        let path = || format!("{}.{}", fields.path(key), excerpt(name, 100));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let starts_well = !name.starts_with(|first: char| first.is_ascii_digit());
        if name.is_empty() || !name.bytes().all(plain) || !starts_well || (!meta && name.starts_with("__")) {
            return Err(Error::invalid(path(), "is no label name; expected letters, digits and _, such as region"));
        }
        // Of two with the same name the later one counts.
        if let Some(value) = map.get(name)
            && !labels.iter().any(|(own, _)| own == name)
        {
            let text = scalar(value);
            let text =
                text.ok_or_else(|| Error::invalid(path(), format!("a label value is text, got {}", kind_of(value))))?;
            labels.push((name.to_owned(), text.into()));
        }
    }
    labels.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Some(Yaml::Map(labels)).filter(|_| !map.is_empty()))
}

/// `params`: names, each with a text or a list of texts.
fn params(fields: &Fields) -> Result<Members, Error> {
    let mut params = Members::new();
    let Some(map) = fields.object("params")? else { return Ok(params) };
    let path = fields.path("params");
    let inner = Fields::new(map, &path);
    for (name, value) in map.iter() {
        if params.iter().any(|(own, _)| own == name) {
            continue;
        }
        let values = match value {
            Json::Array(_) => texts(&inner, name, |_| Ok(()))?,
            _ => inner.text_or_none(name, "text or a list of texts")?.into_iter().collect(),
        };
        put(&mut params, name, Yaml::texts(values));
    }
    Ok(params)
}

fn scheme(fields: &Fields) -> Result<Option<&'static str>, Error> {
    match fields.text_or_none("scheme", "http or https")?.as_deref().map(str::trim) {
        None => Ok(None),
        Some("http") => Ok(Some("http")),
        Some("https") => Ok(Some("https")),
        Some(_) => Err(Error::invalid(fields.path("scheme"), "expected http or https")),
    }
}

fn http_path(fields: &Fields, key: &str) -> Result<Option<String>, Error> {
    match fields.text_or_none(key, "a path such as /metrics")? {
        Some(path) if !path.starts_with('/') || path.contains(['?', '#', ' ']) || path.contains(char::is_control) => {
            let problem = "expected a path such as /metrics; what follows a ? belongs into params";
            Err(Error::invalid(fields.path(key), problem))
        }
        path => Ok(path),
    }
}

/// A URL without user and password.
fn url(text: &str) -> Result<Url, String> {
    let url =
        Url::parse(text.trim()).map_err(|problem| format!("{problem}; expected a URL such as http://h:9090/path"))?;
    if url.credentials().is_some() {
        return Err("holds a user or password; use basic_auth with its password_file".into());
    }
    if text.trim().contains(|character: char| character.is_control() || character == ' ') {
        return Err("holds a space or a control character; percent-encode it".into());
    }
    Ok(url)
}

/// As Prometheus has it: a `*` stands in the last part of the path only.
fn rule_file(text: &str) -> Result<(), String> {
    if text.contains(char::is_control) || text.trim().is_empty() {
        return Err("expected a path such as rules/*.yml".into());
    }
    Ok(())
}

/// As Prometheus has it.
fn sd_file(text: &str) -> Result<(), String> {
    let suffix = [".json", ".yml", ".yaml"].iter().any(|suffix| text.ends_with(suffix));
    let (folder, name) = text.rsplit_once('/').unwrap_or(("", text));
    if !suffix || folder.contains('*') || name.matches('*').count() > 1 || text.contains(char::is_control) {
        return Err(
            "expected a path to .json, .yml or .yaml, with at most one * in its last part, such as targets/*.json"
                .into(),
        );
    }
    Ok(())
}

/// A selector: a metric's name, or matchers in braces. Which series it selects, the server says.
fn selector(text: &str) -> Result<(), String> {
    let text = text.trim();
    let name = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
            && !text.starts_with(|first: char| first.is_ascii_digit())
    };
    let good = match text.split_once('{') {
        None => name(text) && !text.is_empty(),
        Some((before, matchers)) => {
            name(before.trim()) && matchers.ends_with('}') && (!before.trim().is_empty() || matchers.trim() != "}")
        }
    };
    if good { Ok(()) } else { Err("expected a selector such as up or {job=\"plugpipe\"}".into()) }
}

/// A time limit within an interval: Prometheus refuses a longer one.
fn timeout(fields: &Fields, key: &str, interval: Duration) -> Result<Option<Duration>, Error> {
    let timeout = duration(fields, key)?;
    if timeout.is_some_and(|timeout| timeout > interval) {
        let problem = format!("is longer than the interval of {}", prometheus_duration(interval));
        return Err(Error::invalid(fields.path(key), problem));
    }
    Ok(timeout)
}

fn duration(fields: &Fields, key: &str) -> Result<Option<Duration>, Error> {
    fields
        .text_or_none(key, "a duration")?
        .map(|text| read_duration(&text).map_err(|problem| Error::invalid(fields.path(key), problem)))
        .transpose()
}

fn flag(fields: &Fields, key: &str) -> Result<Option<bool>, Error> {
    let read = |value: &Json| {
        fields::flag(value).ok_or_else(|| {
            let problem = format!("expected true or false, got {}", excerpt(&value.shown(), 100));
            Error::invalid(fields.path(key), problem)
        })
    };
    fields.some(key).map(read).transpose()
}

/// A list of texts, none empty, each of which `check` takes.
fn texts(fields: &Fields, key: &str, check: impl Fn(&str) -> Result<(), String>) -> Result<Vec<String>, Error> {
    let list = match fields.some(key) {
        None => return Ok(Vec::new()),
        Some(Json::Array(list)) => list,
        Some(other) => {
            let problem = format!("expected a list of texts, got {}", kind_of(other));
            return Err(Error::invalid(fields.path(key), problem));
        }
    };
    let read = |(index, item): (usize, &Json)| {
        let wrong = |problem: String| Error::invalid(format!("{}[{index}]", fields.path(key)), problem);
        let text = item.as_str().ok_or_else(|| wrong(format!("expected text, got {}", kind_of(item))))?.trim();
        if text.is_empty() {
            return Err(wrong("is empty".into()));
        }
        check(text).map_err(wrong)?;
        Ok(text.to_owned())
    };
    list.iter().enumerate().map(read).collect()
}

/// An object in a list.
struct Item<'a> {
    map: &'a Object<'a>,
    path: String,
}

impl Item<'_> {
    fn fields(&self) -> Fields<'_> {
        Fields::new(self.map, &self.path)
    }
}

/// A list of objects, each made into YAML.
fn each(input: &Fields, key: &str, mut make: impl FnMut(&Item) -> Result<Yaml, Error>) -> Result<Vec<Yaml>, Error> {
    let list = match input.some(key) {
        None => return Ok(Vec::new()),
        Some(Json::Array(list)) => list,
        Some(other) => {
            let problem = format!("expected a list of objects, got {}", kind_of(other));
            return Err(Error::invalid(input.path(key), problem));
        }
    };
    let mut made = Vec::with_capacity(list.len());
    for (index, item) in list.iter().enumerate() {
        let path = format!("{}[{index}]", input.path(key));
        match item {
            Json::Object(map) => made.push(make(&Item { map, path })?),
            other => return Err(Error::invalid(path, format!("expected an object, got {}", kind_of(other)))),
        }
    }
    Ok(made)
}

/// Refuses fields that are not among these: a misspelt one would silently do nothing, and a secret would be shown.
fn only(map: &Object, path: &str, known: &[&[&str]]) -> Result<(), Error> {
    for (key, _) in map.iter() {
        if known.iter().any(|names| names.contains(&key)) {
            continue;
        }
        let problem = if SECRETS.contains(&key) {
            "a secret does not belong into this file; put it into a file on the Prometheus server, and name that as basic_auth.password_file or bearer_token_file".into()
        } else {
            format!("there is no such field; there are {}", known.concat().join(", "))
        };
        return Err(Error::invalid(format!("{path}.{}", excerpt(key, 100)), problem));
    }
    Ok(())
}

fn put(members: &mut Members, key: &str, value: impl Into<Yaml>) {
    members.push((key.to_owned(), value.into()));
}

/// The tree as JSON; a file of targets is read as that everywhere.
fn write_json(tree: &Yaml, out: &mut String) {
    let quoted = |text: &str, out: &mut String| {
        let mut bytes = Vec::new();
        crate::exposition::json::string(text, &mut bytes);
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
