//! Parses the grants file: YAML or JSON. Unknown keys are errors, because a misspelled limit would
//! not be enforced.
//!
//! | key | forms | example |
//! |---|---|---|
//! | `origins` | list of origins or maps | `[http://127.0.0.1:9091]` |
//! | `origins[].url` | scheme, host, port; a path grants itself and everything below | `https://mimir.example/prometheus` |
//! | `origins[].methods` | list of methods; default: all except CONNECT and TRACE | `[GET, POST]` |
//! | `origins[].credential` | a name from `credentials` | `mimir` |
//! | `origins[].identity` | a name from `tls.identities`; https only | `mimir` |
//! | `origins[].headers` | additional headers for an origin with a credential, path or methods: a list, or a map with the allowed values | `{X-Scope-OrgID: team-1}` |
//! | `origins[].cleartext` | networks and addresses to which the credential may be sent unencrypted; always includes loopback | `[10.1.0.0/16]` |
//! | `addresses` | list of networks, addresses, and the words of [`AddressKind`](super::AddressKind) | `[private, 10.1.0.0/16, 127.0.0.1]` |
//! | `hosts` | names with an address or a list of addresses | `{gateway.example: 10.1.0.7}` |
//! | `env` | list of names | `[HOSTNAME]` |
//! | `credentials.NAME.bearer` | a secret | `{env: MIMIR_TOKEN}` |
//! | `credentials.NAME.basic` | `username`, and a secret for `password` | `{username: me, password: {file: gateway.password}}` |
//! | `credentials.NAME.header` | `name`, and a secret for `value` | `{name: X-Api-Key, value: {command: [pass, show, key]}}` |
//! | a secret | `{env: NAME}`, `{file: PATH}`, `{command: [PROGRAM, ARGUMENT, …]}`; never the secret itself | `{file: /run/secrets/token}` |
//! | `tls.roots` | `web` (Mozilla's list; the default), `system`, `none` | `system` |
//! | `tls.ca` | a PEM file or a list of PEM files | `ca.pem` |
//! | `tls.client` | PEM files `certificate` and `key`, for origins without `identity` | `{certificate: me.pem, key: me.key}` |
//! | `tls.identities.NAME` | the same, for origins that refer to it | `{certificate: mimir.pem, key: mimir.key}` |
//! | `proxy` | an http origin, or a map of `url`, `credential`, and `cleartext` (true if credentials may be sent through it unencrypted) | `http://proxy.example:3128` |
//! | `rules_folder` | a folder | `rules` |
//! | `metrics`, `query` | `true` if the plug may record in, or query through, the plug that it is linked to | `true` |
//! | `metrics_prefix` | with what the names of the metrics that it records there must begin | `greeter_` |
//! | `limits.memory`, `limits.response`, `limits.request`, `limits.request_total`, `limits.answer`, `limits.component`, `limits.compile_memory` | bytes, optionally with KB, MB, GB, KiB, MiB, GiB | `64MiB` |
//! | `limits.call`, `limits.compile_time` | seconds, optionally with ms, s, m, h | `30s` |
//! | `limits.requests_per_minute`, `limits.requests_per_call`, `limits.requests_at_once`, `limits.host_calls`, `limits.resources`, `limits.series` | an integer, at least 1 | `600` |
//! | `limits.instances`, `limits.tables`, `limits.memories`, `limits.table_elements` | an integer, at least 1 and at most 1,000, 1,000, 16 and 10,000,000 | `40` |
//!
//! Paths are relative to the file's folder.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use http::{HeaderName, Method};
use plugpipe_yaml as yaml;
use plugpipe_yaml::prune::Pruned;
use plugpipe_yaml::shape::{Finding, Shape};
use serde_json::Value;

use super::{
    AddressRange, ClientCertificate, CredentialGrant, Grants, Origin, OriginGrant, Proxy, Roots, SecretSource, Tls,
    limits::limits,
    place::{Place, Table},
    syntax,
};

/// Parses grants. Paths are relative to `folder`. Errors begin with the location.
pub fn read(text: &str, folder: &Path) -> Result<Grants, String> {
    let value = yaml::read(text).map_err(|error| format!("not YAML: {error}"))?.to_written();
    read_value(&value, folder)
}

/// Reads grants that stand in another file. Paths are relative to `folder`. Errors begin with the
/// location within them.
pub fn read_value(value: &Value, folder: &Path) -> Result<Grants, String> {
    let grants = from_value(value, folder)?;
    check(&grants)?;
    Ok(grants)
}

/// Whether the parts of a file fit each other.
fn check(grants: &Grants) -> Result<(), String> {
    grants.check_names()?;
    check_cleartext(grants)
}

fn from_value(value: &Value, folder: &Path) -> Result<Grants, String> {
    if value.is_null() {
        return Ok(Grants::none());
    }
    let file = Place { path: String::new(), value };
    let table = file.table(&syntax::FILE)?;
    let mut grants = Grants::none();
    for place in table.list("origins")? {
        grants.origins.insert(origin_grant(&place)?);
    }
    for place in table.list("addresses")? {
        grants.addresses.insert(place.parsed::<AddressRange>()?);
    }
    if let Some(place) = table.get("hosts") {
        grants.hosts = hosts(&place)?;
    }
    for place in table.list("env")? {
        grants.env.insert(name_of_env(&place)?);
    }
    if let Some(place) = table.get("credentials") {
        for (name, place) in place.named()? {
            grants.credentials.insert(name.to_owned(), credential(&place, folder)?);
        }
    }
    if let Some(place) = table.get("tls") {
        grants.tls = tls(&place, folder)?;
    }
    if let Some(place) = table.get("proxy") {
        grants.proxy = Some(proxy(&place)?);
    }
    if let Some(place) = table.get("rules_folder") {
        grants.rules_folder = Some(folder.join(place.text()?));
    }
    grants.metrics = flag(&table, "metrics")?;
    grants.query = flag(&table, "query")?;
    if let Some(place) = table.get("metrics_prefix") {
        grants.metrics_prefix = Some(place.text()?.to_owned());
    }
    if let Some(place) = table.get("limits") {
        grants.limits = limits(&place)?;
    }
    Ok(grants)
}

/// Whether a document is meant to be a grants file: a key of one is at its top.
pub fn is_meant(document: &yaml::Node) -> bool {
    syntax::FILE.is_meant(document)
}

/// All unknown keys and values of a wrong type. [`value_problems`] reads the values.
pub fn problems(document: &yaml::Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    Shape::Table(&syntax::FILE).check(document, "", &mut findings);
    findings
}

/// What is wrong with the values of a document whose keys and types are right: all of it, where
/// [`read`] returns the first. Whether parts fit each other is looked at if each is right.
pub fn value_problems(document: &yaml::Node, folder: &Path) -> Vec<String> {
    let mut left = Pruned::new(document.to_written());
    let mut problems = Vec::new();
    loop {
        let problem = match from_value(left.value(), folder) {
            Ok(grants) if problems.is_empty() => return check(&grants).err().into_iter().collect(),
            Ok(_) => return problems,
            Err(problem) => problem,
        };
        let found = problem.split_once(": ").and_then(|(path, text)| Some((left.remove(path)?, text)));
        let Some((path, text)) = found else {
            problems.push(problem);
            return problems;
        };
        problems.push(format!("{path}: {text}"));
    }
}

/// Rejects credentials that would always be sent unencrypted. Addresses are checked for each
/// connection; this check fails early.
fn check_cleartext(grants: &Grants) -> Result<(), String> {
    let exposed = |grant: &&OriginGrant| {
        let local = grant.origin.host() == "localhost" || grant.origin.address().is_some_and(|to| to.is_loopback());
        grant.credential.is_some() && !grant.origin.is_https() && !local && grant.cleartext.is_empty()
    };
    let through_proxy =
        |grant: &&OriginGrant| exposed(grant) && !grants.proxy.as_ref().is_some_and(|proxy| proxy.cleartext);
    match grants.origins.iter().find(through_proxy) {
        Some(grant) => Err(format!(
            "{}: a credential would be sent unencrypted; use https, or list the allowed addresses in cleartext, such as 10.1.0.0/16",
            grant.origin
        )),
        None => Ok(()),
    }
}

fn origin_grant(place: &Place) -> Result<OriginGrant, String> {
    if place.value.is_string() {
        return OriginGrant::read(place.text()?).map_err(|problem| place.error(&problem));
    }
    let table = place.table(&syntax::ORIGIN)?;
    let url = table.required("url")?;
    let mut grant = OriginGrant::read(url.text()?).map_err(|problem| url.error(&problem))?;
    let methods = table.list("methods")?;
    if methods.is_empty() && table.get("methods").is_some() {
        return Err(place.error("methods is empty; list some, or remove the key to grant all"));
    }
    for place in methods {
        let method = place.text()?.to_ascii_uppercase();
        if Method::from_bytes(method.as_bytes()).is_err() || matches!(method.as_str(), "CONNECT" | "TRACE") {
            return Err(place.error(&format!("{method:?} cannot be granted; expected a method such as GET")));
        }
        grant.methods.insert(method);
    }
    if let Some(place) = table.get("credential") {
        grant.credential = Some(place.text()?.to_owned());
    }
    if let Some(place) = table.get("identity") {
        grant.identity = Some(place.text()?.to_owned());
    }
    if let Some(place) = table.get("headers") {
        grant.headers = headers(&place)?;
    }
    for place in table.list("cleartext")? {
        grant.cleartext.insert(place.parsed::<AddressRange>()?);
    }
    Ok(grant)
}

/// A list of names, or a map of names with their allowed values.
fn headers(place: &Place) -> Result<BTreeMap<String, Option<String>>, String> {
    let name = |place: &Place, name: &str| {
        let lower = name.to_ascii_lowercase();
        match HeaderName::from_bytes(lower.as_bytes()) {
            Ok(_) => Ok(lower),
            Err(_) => Err(place.error("expected a header name, such as X-Scope-OrgID")),
        }
    };
    if place.value.is_object() {
        let named = place.named()?;
        return named
            .into_iter()
            .map(|(key, value)| Ok((name(&value, key)?, Some(value.text()?.to_owned()))))
            .collect();
    }
    place.items()?.iter().map(|item| Ok((name(item, item.text()?)?, None))).collect()
}

fn hosts(place: &Place) -> Result<BTreeMap<String, Vec<IpAddr>>, String> {
    let mut hosts = BTreeMap::new();
    for (name, place) in place.named()? {
        let origin: Origin = format!("http://{name}").parse().map_err(|_| place.error("expected a host name"))?;
        if origin.address().is_some() || origin.port() != 80 {
            return Err(place.error("expected a host name without a port"));
        }
        let mut addresses = Vec::new();
        for place in place.one_or_many()? {
            let address = place.text()?.parse().map_err(|_| place.error("expected an address such as 10.1.0.7"))?;
            addresses.push(address);
        }
        hosts.insert(origin.host().to_owned(), addresses);
    }
    Ok(hosts)
}

fn name_of_env(place: &Place) -> Result<String, String> {
    let name = place.text()?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name {
        Ok(name.to_owned())
    } else {
        Err(place.error("expected the name of an environment variable, such as HOSTNAME"))
    }
}

fn credential(place: &Place, folder: &Path) -> Result<CredentialGrant, String> {
    let table = place.table(&syntax::CREDENTIAL)?;
    match (table.get("bearer"), table.get("basic"), table.get("header")) {
        (Some(place), None, None) => Ok(CredentialGrant::Bearer(secret(&place, folder)?)),
        (None, Some(place), None) => {
            let table = place.table(&syntax::BASIC)?;
            let user = table.required("username")?;
            let username = user.text()?.to_owned();
            if username.contains(':') {
                return Err(user.error("a user name cannot contain a colon"));
            }
            Ok(CredentialGrant::Basic { username, password: secret(&table.required("password")?, folder)? })
        }
        (None, None, Some(place)) => {
            let table = place.table(&syntax::HEADER)?;
            let header = table.required("name")?;
            let name = header.text()?.to_ascii_lowercase();
            let is_name = HeaderName::from_bytes(name.as_bytes()).is_ok();
            // These determine message framing and routing.
            let framing = ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"];
            if !is_name || framing.contains(&name.as_str()) {
                return Err(header.error("expected a header name, such as X-Api-Key"));
            }
            Ok(CredentialGrant::Header { name, value: secret(&table.required("value")?, folder)? })
        }
        _ => Err(place.error("expected one of bearer, basic and header")),
    }
}

fn secret(place: &Place, folder: &Path) -> Result<SecretSource, String> {
    let expected =
        "secrets are not allowed in this file; expected {env: NAME}, {file: PATH} or {command: [PROGRAM, …]}";
    if !place.value.is_object() {
        return Err(format!("{}: {expected}", place.path));
    }
    let table = place.table(&syntax::SECRET_SOURCE)?;
    match (table.get("env"), table.get("file"), table.get("command")) {
        (Some(place), None, None) => name_of_env(&place).map(SecretSource::Env),
        (None, Some(place), None) => Ok(SecretSource::File(folder.join(place.text()?))),
        (None, None, Some(place)) => {
            let words: Vec<String> =
                place.items()?.iter().map(|word| word.text().map(str::to_owned)).collect::<Result<_, _>>()?;
            if words.first().is_none_or(String::is_empty) {
                return Err(place.error("expected a program and its arguments, as a list"));
            }
            Ok(SecretSource::Command(words))
        }
        _ => Err(format!("{}: {expected}", place.path)),
    }
}

fn tls(place: &Place, folder: &Path) -> Result<Tls, String> {
    let table = place.table(&syntax::TLS)?;
    let mut tls = Tls::default();
    if let Some(place) = table.get("roots") {
        tls.roots = match place.text()? {
            "web" => Roots::Web,
            "system" => Roots::System,
            "none" => Roots::None,
            _ => return Err(place.error("expected web, system or none")),
        };
    }
    if let Some(place) = table.get("ca") {
        for place in place.one_or_many()? {
            tls.ca.push(folder.join(place.text()?));
        }
    }
    if let Some(place) = table.get("client") {
        tls.client = Some(client_certificate(&place, folder)?);
    }
    if let Some(place) = table.get("identities") {
        for (name, place) in place.named()? {
            tls.identities.insert(name.to_owned(), client_certificate(&place, folder)?);
        }
    }
    Ok(tls)
}

fn client_certificate(place: &Place, folder: &Path) -> Result<ClientCertificate, String> {
    let table = place.table(&syntax::CERTIFICATE)?;
    let file = |key: &str| table.required(key)?.text().map(|path| folder.join(path));
    Ok(ClientCertificate { certificate: file("certificate")?, key: file("key")? })
}

fn proxy(place: &Place) -> Result<Proxy, String> {
    let (url, credential, cleartext) = if place.value.is_string() {
        (place.text()?, None, false)
    } else {
        let table = place.table(&syntax::PROXY)?;
        let url = table.required("url")?.value.as_str().unwrap_or_default();
        let credential = table.get("credential").map(|place| place.text().map(str::to_owned)).transpose()?;
        (url, credential, flag(&table, "cleartext")?)
    };
    let origin: Origin = url.parse().map_err(|problem: String| place.error(&problem))?;
    if origin.is_https() {
        return Err(place.error("expected an http proxy; https requests are tunneled through it"));
    }
    Ok(Proxy { origin, credential, cleartext })
}

/// A member that is true or false; false if it is missing.
fn flag(table: &Table, key: &str) -> Result<bool, String> {
    let flag = table.get(key).map(|place| place.value.as_bool().ok_or_else(|| place.error("expected true or false")));
    Ok(flag.transpose()?.unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const WHOLE: &str = r#"
origins:
  - http://127.0.0.1:9091
  - url: https://mimir.example/prometheus/
    methods: [get, POST]
    credential: mimir
    identity: mimir
addresses: [private, 10.1.0.0/16]
hosts: {GW.example: 10.1.0.7, two.example: [10.1.0.8, "::1"]}
env: [HOSTNAME]
credentials:
  mimir: {bearer: {env: MIMIR_TOKEN}}
  gateway: {basic: {username: me, password: {file: gateway.password}}}
  grafana: {header: {name: X-Api-Key, value: {command: [pass, show, key]}}}
tls:
  roots: none
  ca: ca.pem
  client: {certificate: me.pem, key: /keys/me.key}
  identities: {mimir: {certificate: mimir.pem, key: /keys/mimir.key}}
proxy: {url: "http://proxy.example:3128", credential: gateway}
rules_folder: rules
metrics: true
metrics_prefix: greeter_
query: true
limits:
  memory: 64MiB
  call: 1.5s
  response: 1000
  request: 2MB
  request_total: 1GiB
  requests_per_minute: 600
  requests_per_call: 50
  requests_at_once: 8
  answer: 1MiB
  host_calls: 10000
  resources: 100
  instances: 40
  tables: 30
  table_elements: 200000
  memories: 2
  series: 20
  component: 10MB
  compile_memory: 2GiB
  compile_time: 5m
"#;

    fn grants(text: &str) -> Result<Grants, String> {
        read(text, Path::new("/folder"))
    }

    #[test]
    fn every_form_is_parsed() {
        let grants = grants(WHOLE).unwrap();
        let value = serde_json::to_value(&grants).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "origins": [
                    "http://127.0.0.1:9091",
                    {
                        "url": "https://mimir.example:443/prometheus", "methods": ["GET", "POST"],
                        "credential": "mimir", "identity": "mimir",
                    },
                ],
                "addresses": ["private", "10.1.0.0/16"],
                "hosts": {"gw.example": ["10.1.0.7"], "two.example": ["10.1.0.8", "::1"]},
                "env": ["HOSTNAME"],
                "credentials": {
                    "mimir": {"bearer": "environment MIMIR_TOKEN"},
                    "gateway": {"basic": {"username": "me", "password": "file /folder/gateway.password"}},
                    "grafana": {"header": {"name": "x-api-key", "value": "command pass …"}},
                },
                "tls": {
                    "roots": "none", "ca": ["/folder/ca.pem"],
                    "client": {"certificate": "/folder/me.pem", "key": "/keys/me.key"},
                    "identities": {"mimir": {"certificate": "/folder/mimir.pem", "key": "/keys/mimir.key"}},
                },
                "proxy": {"origin": "http://proxy.example:3128", "credential": "gateway", "cleartext": false},
                "rules_folder": "/folder/rules",
                "metrics": true,
                "metrics_prefix": "greeter_",
                "query": true,
                "limits": {
                    "memory_bytes": 67108864, "call": 1.5, "response_bytes": 1000, "request_bytes": 2_000_000,
                    "request_total_bytes": 1_073_741_824, "requests_per_minute": 600,
                    "requests_per_call": 50, "requests_at_once": 8, "answer_bytes": 1048576, "host_calls": 10000, "resources": 100, "series": 20,
                    "instances": 40, "tables": 30, "table_elements": 200_000, "memories": 2,
                    "component_bytes": 10_000_000, "compile_memory_bytes": 2_147_483_648_u64, "compile_time": 300.0,
                },
            })
        );
        assert_eq!(super::read("", Path::new("")).unwrap(), Grants::none());
        assert_eq!(super::read("# nothing\n", Path::new("")).unwrap(), Grants::none());
        assert_eq!(super::read(r#"{"origins": ["http://h"]}"#, Path::new("")).unwrap().origins.len(), 1);
    }

    #[test]
    fn errors_name_the_location_and_the_expectation() {
        for (text, expected) in [
            ("orgins: []", "orgins: unknown key; did you mean origins?"),
            (
                "limits: {requests_per_minut: 1}",
                "limits.requests_per_minut: unknown key; did you mean requests_per_minute?",
            ),
            ("zzz: 1", "expected one of origins, addresses"),
            ("[1]", "expected a map"),
            ("origins: http://h", "origins: expected a list"),
            ("origins: [h:80]", "origins[0]"),
            ("origins: [{methods: [GET]}]", "origins[0]: url is missing"),
            ("origins: [{url: http://h, methods: [CONNECT]}]", "origins[0].methods[0]"),
            ("origins: [{url: http://h, methods: []}]", "methods is empty"),
            (
                "origins: [{url: https://h, credential: mimr}]\ncredentials: {mimir: {bearer: {env: A}}}",
                "did you mean mimir?",
            ),
            (
                "origins: [{url: https://h, identity: mimr}]\ntls: {identities: {mimir: {certificate: a, key: b}}}",
                "unknown identity \"mimr\"; add it to tls.identities; did you mean mimir?",
            ),
            (
                "origins: [{url: http://h, identity: m}]\ntls: {identities: {m: {certificate: a, key: b}}}",
                "http://h:80: an identity needs TLS",
            ),
            (
                "origins: [{url: https://h/a, identity: m}, https://h/b]\ntls: {identities: {m: {certificate: a, key: b}}}",
                "https://h:443/b: identity differs from https://h:443/a",
            ),
            ("tls: {identities: {m: {certificate: a}}}", "tls.identities.m: key is missing"),
            ("addresses: [intern]", "addresses[0]: \"intern\" is not an address range"),
            ("hosts: {\"h:81\": 1.1.1.1}", "without a port"),
            ("hosts: {h: x}", "hosts.h: \"x\" expected an address"),
            ("env: [\"A B\"]", "env[0]"),
            ("credentials: {a: {bearer: {env: A}, basic: {}}}", "expected one of bearer, basic and header"),
            ("credentials: {a: {header: {name: Host, value: {env: A}}}}", "credentials.a.header.name"),
            ("tls: {roots: all}", "expected web, system or none"),
            ("tls: {client: {certificate: a}}", "tls.client: key is missing"),
            ("proxy: https://p", "proxy: "),
            ("limits: {memory: 64 apples}", "limits.memory: \"64 apples\" expected bytes"),
            ("limits: {resources: 0}", "limits.resources: 0 expected an integer"),
            ("limits: {requests_per_call: 5000000000}", "limits.requests_per_call: 5000000000 the number is too large"),
            ("limits: {call: 0}", "limits.call: 0 expected a duration"),
            ("limits: {requests_per_minute: 0}", "at least 1"),
            ("limits: {instances: 1001}", "limits.instances: 1001 expected an integer of at most 1000"),
            ("limits: {memories: 17}", "at most 16"),
            ("origins: [", "not YAML"),
        ] {
            let error = grants(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn a_secret_in_the_file_is_rejected_and_not_quoted() {
        for text in ["credentials: {a: {bearer: s3cret}}", "credentials: {a: {basic: {username: u, password: s3cret}}}"]
        {
            let error = grants(text).unwrap_err();
            assert!(error.contains("secrets are not allowed in this file") && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_credential_is_not_sent_unencrypted() {
        let with = |url: &str, more: &str| {
            grants(&format!(
                "origins: [{{url: \"{url}\", credential: c}}]\ncredentials: {{c: {{bearer: {{env: A}}}}}}\n{more}"
            ))
        };
        assert!(with("http://h.example", "").unwrap_err().contains("unencrypted"));
        // Granting an address does not allow cleartext credentials to it.
        for addresses in ["addresses: [192.168.0.0/16]", "addresses: [private]", "addresses: [10.0.0.1]"] {
            assert!(with("http://10.0.0.1", addresses).is_err(), "{addresses}");
        }
        assert!(with("http://h.example", "proxy: http://p:1").is_err());
        assert!(with("http://h.example", "proxy: {url: 'http://p:1', cleartext: true}").is_ok());
        assert!(with("https://h.example", "").is_ok() && with("http://127.0.0.1:9", "").is_ok());
        assert!(
            with("http://localhost:9", "").is_ok()
                && with("http://h.example\", cleartext: [private], x: \"", "").is_err()
        );
        let text = "origins: [{url: 'http://h', credential: c, cleartext: [10.1.0.0/16]}]\ncredentials: {c: {bearer: {env: A}}}";
        let granted = grants(text).unwrap();
        let allowed = |address: &str| granted.allow_cleartext(&"http://h".parse().unwrap(), address.parse().unwrap());
        assert!(allowed("10.1.2.3").is_ok() && allowed("127.0.0.1").is_ok() && allowed("::1").is_ok());
        assert_eq!(allowed("10.2.0.1"), Err(super::super::Denial::Cleartext("10.2.0.1".parse().unwrap())));
        assert!(granted.allow_cleartext(&"http://other".parse().unwrap(), "10.2.0.1".parse().unwrap()).is_ok());
    }

    #[test]
    fn sizes_and_times_have_units() {
        let limit = |key: &str, value: &str| grants(&format!("limits: {{{key}: {value}}}")).map(|grants| grants.limits);
        for (text, expected) in [("1KiB", 1_024), ("\"2 mb\"", 2_000_000), ("7", 7), ("7B", 7), ("1GiB", 1 << 30)] {
            assert_eq!(limit("response", text).unwrap().response_bytes, Some(expected), "{text}");
        }
        for (text, millis) in [
            ("2", 2_000),
            ("500ms", 500),
            ("1.5m", 90_000),
            ("1h", 3_600_000),
            ("1m30s", 90_000),
            ("1d12h", 129_600_000),
            ("2w", 1_209_600_000),
        ] {
            assert_eq!(limit("call", text).unwrap().call, Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["-1", "1e400s", "99999999999999999999GiB", "\"\"", "[1]", "0", "0s"] {
            assert!(limit("call", text).is_err() && limit("memory", text).is_err(), "{text}");
        }
    }
}
