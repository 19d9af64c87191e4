//! Scrapes: the request for a target's exposition, and checks of the response.
//! [`plugpipe_metrics::exposition::parse`] parses it.
//!
//! Source: Prometheus's documentation of content negotiation; the headers of Prometheus 3.5's
//! scrapes.

use core::time::Duration;

use super::{is_page, prometheus, refused};
use crate::error::Error;
use crate::http::{Client, Method, Peer, Request, Url, endpoint};
use plugpipe_contract::error::excerpt;
use plugpipe_metrics::exposition::parse::{Families, Format, Limits, parse};
use plugpipe_metrics::number::number_text;
use plugpipe_provisioning::prometheus_yml::join;

/// Identifies the server in errors.
pub const PEER: Peer = Peer { server: "the endpoint", setting: "scrape_config.endpoint_url" };

/// The `Accept` header that prefers this format. Protobuf and OpenMetrics 2.0, which is
/// experimental, are only accepted if they are preferred.
pub fn accept(first: Format) -> &'static str {
    match first {
        Format::Protobuf => {
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
             application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
             text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
        }
        Format::OpenMetrics2 => {
            "application/openmetrics-text;version=2.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
             text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
        }
        Format::OpenMetrics => {
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
             text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
        }
        Format::Text => {
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4,\
             application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.3,*/*;q=0.1"
        }
    }
}

/// The URL of a target: appends `path`, which may have a query, to the endpoint's path unless that
/// ends with it already. The endpoint's query stays. The origin is always the endpoint's.
pub fn target(endpoint: &Url, path: &str) -> Result<Url, String> {
    let whole = endpoint.path_and_query();
    let (base, query) = whole.split_once('?').unwrap_or((&whole, ""));
    let path = path.split('#').next().unwrap_or_default();
    let (path, more) = path.split_once('?').unwrap_or((path, ""));
    let mut url = format!("{}://", endpoint.scheme());
    if let Some((user, password)) = endpoint.credentials() {
        url = format!("{url}{user}:{password}@");
    }
    url = format!("{url}{}{}", endpoint.authority(), join(base, path));
    for (part, mark) in [(query, '?'), (more, if query.is_empty() { '?' } else { '&' })] {
        if !part.is_empty() {
            url.push(mark);
            url.push_str(part);
        }
    }
    Url::parse(&url)
}

/// A fetched exposition.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched {
    peer: Peer,
    origin: String,
    /// From `Content-Type` or the fallback.
    pub format: Format,
    /// Uncompressed.
    pub body: Vec<u8>,
}

/// Fetches an exposition from a target. `fallback` is the format of responses without a known
/// `Content-Type`.
pub fn fetch(client: &mut Client, url: &Url, first: Format, fallback: Option<Format>) -> Result<Fetched, Error> {
    let mut request = get(url, first);
    request.headers.push(("x-prometheus-scrape-timeout-seconds", seconds(client.limits.total)));
    send(client, PEER, request, fallback, "")
}

/// Fetches the latest samples of the selected series from the Prometheus at `base`, with their
/// scrape timestamps.
pub fn federate(client: &mut Client, base: &Url, matches: &[String], first: Format) -> Result<Fetched, Error> {
    let mut form = prometheus::Form::default();
    form.put_all("match[]", matches);
    let url = endpoint(base, ["federate"]).with_query(Some(form.as_str().to_owned()));
    send(
        client,
        prometheus::PEER,
        get(&url, first),
        None,
        "check the selectors in match, and the path of prometheus_url",
    )
}

fn get(url: &Url, first: Format) -> Request {
    let mut request = Request::new(Method::Get, url.clone());
    request.headers.push(("accept", accept(first).into()));
    request
}

fn seconds(duration: Duration) -> String {
    number_text(duration.as_millis() as f64 / 1e3)
}

fn send(
    client: &mut Client,
    peer: Peer,
    request: Request,
    fallback: Option<Format>,
    todo: &str,
) -> Result<Fetched, Error> {
    let url = request.url.clone();
    let response = client.send(peer, request)?;
    if response.status != 200 {
        return Err(refused(peer, &url, &response, todo));
    }
    let bad =
        |problem: String| Error::Exposition { server: peer.server, origin: url.origin(), problem, position: None };
    // Some targets serve metrics as text/html; a fallback format overrides this check.
    if fallback.is_none() && is_page(&response) {
        return Err(bad(format!(
            "returned an HTML page without metrics; check {} and the path{}",
            peer.setting,
            if peer == PEER { ", or give a fallback_format" } else { "" }
        )));
    }
    let encoding = response.header("content-encoding").map_or("", str::trim);
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        let encoding = excerpt(encoding, 100);
        return Err(bad(format!(
            "the response is compressed ({encoding}), which the request did not allow; fix the target"
        )));
    }
    let format = Format::detect(response.header("content-type"), fallback)
        .map_err(|problem| bad(if peer == PEER { format!("{problem} in fallback_format") } else { problem }))?;
    Ok(Fetched { peer, origin: url.origin(), format, body: response.body })
}

impl Fetched {
    /// Parses the exposition. One violation of the format, and nothing is returned.
    pub fn read(&self, limits: &Limits) -> Result<Families<'_>, Error> {
        parse(&self.body, self.format, limits).map_err(|error| {
            let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            Error::Exposition {
                server: self.peer.server,
                origin: self.origin.clone(),
                problem: format!("invalid {} exposition: {error}", self.format.name()),
                position: (error.line > 0).then(|| (number(error.line), number(error.column))),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use plugpipe_metrics::exposition::negotiate::{self, negotiate};

    #[test]
    fn a_path_comes_after_the_endpoints_own() {
        for (endpoint, path, whole) in [
            ("http://h:1", "/metrics", "http://h:1/metrics"),
            ("http://h:1/", "metrics", "http://h:1/metrics"),
            ("http://h/metrics", "/metrics", "http://h/metrics"),
            ("https://u:p%40@h/app/?a=b", "/metrics?c=d#e", "https://u:p%40@h/app/metrics?a=b&c=d"),
            ("http://h", "/", "http://h/"),
            ("http://h", "/a/", "http://h/a/"),
            ("http://h/a", "//evil:1/x", "http://h/a/evil:1/x"),
        ] {
            assert_eq!(target(&Url::parse(endpoint).unwrap(), path).unwrap().to_string(), whole, "{endpoint} {path}");
        }
    }

    #[test]
    fn accepted_formats_are_those_the_plug_writes() {
        for (first, format) in [
            (Format::Protobuf, negotiate::Format::Protobuf),
            (Format::OpenMetrics, negotiate::Format::OpenMetrics100),
            (Format::OpenMetrics2, negotiate::Format::OpenMetrics200),
            (Format::Text, negotiate::Format::Text100),
        ] {
            assert_eq!(negotiate(accept(first)).format, format);
        }
    }

    proptest! {
        #[test]
        fn no_path_leads_to_another_origin(path in "\\PC{0,20}|[/@:?#.\\\\a-z]{0,20}") {
            let endpoint = Url::parse("http://u:p@h:1/app").unwrap();
            let url = target(&endpoint, &path).unwrap();
            prop_assert_eq!(url.origin(), endpoint.origin());
            prop_assert_eq!(url.credentials(), endpoint.credentials());
        }
    }
}
