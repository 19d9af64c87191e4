//! Pushgateway: groups of metrics, identified by job and other labels, replaced or deleted as a
//! whole.
//!
//! Every push sends the group's absolute state, so it can be retried without counting twice.

pub mod conflict;
pub mod groups;
pub mod preflight;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use crate::error::Error;
use crate::http::{Client, Method, Peer, Request, Response, Segment, Url, endpoint};
use plugpipe_metrics::exposition::escaping::{Escaping, is_plain_label_name};
use plugpipe_metrics::registry::{LabelName, Labels};

/// Identifies the server in errors.
pub const PEER: Peer = Peer { server: "Pushgateway", setting: "gateway_url" };

pub use plugpipe_contract::settings::PushMode as Mode;

/// The grouping key: the job, and other labels such as `instance`. Pushgateway adds them to every
/// series.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The job's name, not empty.
    pub job: String,
    /// Other labels; not `job`.
    pub labels: Labels,
}

impl Group {
    /// The group's URL below a gateway's base URL: `/metrics/job/<job>/<label>/<value>…`, sorted by
    /// label.
    ///
    /// A value that is not a valid path segment (see [`Segment::of`]) is written as
    /// `<label>@base64/<base64url>`; a label name with characters other than letters, digits and
    /// `_` in its `U__` form.
    pub fn url(&self, base: &Url) -> Url {
        let mut url = endpoint(base, ["metrics"]);
        for (name, value) in
            std::iter::once(("job", &*self.job)).chain(self.labels.iter().map(|(n, v)| (n.as_str(), v)))
        {
            let name = Escaping::Values.label_name(name);
            if let Ok(value) = Segment::of(value, "") {
                url.push_segment(&Segment::word(&name));
                url.push_segment(&value);
            } else {
                // Empty segments are normalized away; a single padding character decodes to
                // nothing.
                let encoded = if value.is_empty() { "=".to_owned() } else { URL_SAFE.encode(value) };
                url.push_segment(&Segment::word(&format!("{name}@base64")));
                url.push_segment(&Segment::word(&encoded));
            }
        }
        url
    }

    /// A label name that requires a gateway with UTF-8 names, if there is one.
    pub fn odd_name(&self) -> Option<&str> {
        self.labels.names().map(LabelName::as_str).find(|name| !is_plain_label_name(name))
    }
}

/// The body of a push.
#[derive(Debug)]
pub struct Body {
    /// Text 0.0.4, or delimited protobuf for gateways that accept it.
    pub content_type: String,
    /// The exposition, possibly compressed.
    pub bytes: Arc<Vec<u8>>,
    /// Whether `bytes` is gzipped.
    pub gzip: bool,
}

/// Pushes the body to the group at this URL. Any 2xx is success: Pushgateway returns 200 or 202,
/// VictoriaMetrics 204.
pub fn push(client: &mut Client, group: &Url, adds: bool, body: Body) -> Result<(), Error> {
    let method = if adds { Method::Post } else { Method::Put };
    // The body is absolute state, so POST can be repeated too.
    let mut request = Request::new(method, group.clone()).with_shared_body(&body.content_type, body.bytes).repeatable();
    if body.gzip {
        request.headers.push(("content-encoding", "gzip".into()));
    }
    let response = client.send(PEER, request)?;
    accepted(group, &response)
}

/// Deletes exactly the groups at these URLs, concurrently; returns the results in the same order. A
/// gateway returns 202 for missing groups too.
pub fn delete(client: &mut Client, groups: &[Url]) -> Vec<Result<(), Error>> {
    let requests = groups.iter().map(|url| (PEER, Request::new(Method::Delete, url.clone()))).collect();
    let responses = client.send_all(requests);
    responses.into_iter().zip(groups).map(|(response, url)| accepted(url, &response?)).collect()
}

/// `GET /api/v1/metrics`: the gateway's contents, for [`groups::groups`].
pub fn groups_request(base: &Url) -> Request {
    Request::new(Method::Get, endpoint(base, ["api", "v1", "metrics"]))
}

/// `GET /api/v1/status`: version and flags, for [`groups::Abilities`].
pub fn status_request(base: &Url) -> Request {
    Request::new(Method::Get, endpoint(base, ["api", "v1", "status"]))
}

/// `GET /metrics`: the gateway's exposition, for [`groups::own_families`].
pub fn metrics_request(base: &Url) -> Request {
    Request::new(Method::Get, endpoint(base, ["metrics"]))
}

/// `GET /-/healthy`.
pub fn health_request(base: &Url) -> Request {
    Request::new(Method::Get, endpoint(base, ["-", "healthy"]))
}

fn accepted(url: &Url, response: &Response) -> Result<(), Error> {
    match response.status {
        // A gateway's response is empty.
        200..=299 if super::is_page(response) => {
            Err(Error::BadAnswer { server: PEER.server, origin: url.origin(), problem: "it is an HTML page".into() })
        }
        200..=299 => Ok(()),
        400 => Err(super::refused(
            PEER,
            url,
            response,
            "a gateway rejects a metric that has another type in another group, or that it exposes itself (such as go_*); rename it or delete the other group",
        )),
        _ => Err(super::refused(PEER, url, response, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugpipe_metrics::exposition::escaping::unescape_values;

    fn group(job: &str, labels: &[(&str, &str)]) -> String {
        let group = Group { job: job.into(), labels: Labels::new(labels.iter().copied(), "labels").unwrap() };
        group.url(&Url::parse("http://h:9091/prefix/").unwrap()).to_string()
    }

    #[test]
    fn a_group_has_the_path_that_pushgateway_documents() {
        assert_eq!(group("plugpipe", &[]), "http://h:9091/prefix/metrics/job/plugpipe");
        assert_eq!(
            group("a b", &[("z", "1"), ("instance", "h:1")]),
            "http://h:9091/prefix/metrics/job/a%20b/instance/h:1/z/1"
        );
    }

    #[test]
    fn names_with_other_characters_are_escaped() {
        let labels =
            [("a.b", "1"), ("é", "/")].map(|(name, value)| (LabelName::new_utf8(name, "l").unwrap(), value.into()));
        let group = Group { job: "j".into(), labels: Labels::of(labels.into(), "l").unwrap() };
        assert_eq!(group.odd_name(), Some("a.b"));
        let url = group.url(&Url::parse("http://h").unwrap()).to_string();
        assert_eq!(url, "http://h/metrics/job/j/U__a_2e_b/1/U___e9_@base64/Lw==");
    }

    proptest::proptest! {
        #[test]
        fn a_path_contains_the_whole_key(job in ".+", labels in proptest::collection::btree_map("[a-zA-Z][a-zA-Z0-9_]{0,5}|.{1,4}", ".{0,6}|[./]{0,3}", 0..4)) {
            let labels: Vec<(LabelName, Box<str>)> = labels
                .into_iter()
                .filter(|(name, _)| !name.starts_with("__") && !name.starts_with("U_") && name != "job")
                .map(|(name, value)| (LabelName::new_utf8(&name, "l").unwrap(), value.into()))
                .collect();
            let group = Group { job, labels: Labels::of(labels, "l").unwrap() };
            let url = group.url(&Url::parse("http://h").unwrap()).to_string();
            let path = url.strip_prefix("http://h/metrics/").unwrap();
            let segments: Vec<String> = path
                .split('/')
                .map(|segment| percent_encoding::percent_decode_str(segment).decode_utf8().unwrap().into_owned())
                .collect();
            // As the gateway parses it.
            let read: Vec<(String, String)> = segments
                .chunks(2)
                .map(|pair| {
                    let (name, value) = match pair[0].strip_suffix("@base64") {
                        Some(name) => (name, String::from_utf8(URL_SAFE.decode(&pair[1]).or_else(|_| URL_SAFE.decode("")).unwrap()).unwrap()),
                        None => (&*pair[0], pair[1].clone()),
                    };
                    (unescape_values(name).unwrap_or_else(|| name.into()), value)
                })
                .collect();
            let meant: Vec<(String, String)> = [("job".to_owned(), group.job.clone())]
                .into_iter()
                .chain(group.labels.iter().map(|(name, value)| (name.as_str().to_owned(), value.to_owned())))
                .collect();
            proptest::prop_assert_eq!(read, meant);
            proptest::prop_assert!(segments.iter().all(|segment| !matches!(segment.as_str(), "" | "." | "..")));
        }
    }

    #[test]
    fn values_that_are_not_valid_in_a_path_are_base64_encoded() {
        assert_eq!(group("a/b", &[]), "http://h:9091/prefix/metrics/job@base64/YS9i");
        assert_eq!(group("..", &[("i", "")]), "http://h:9091/prefix/metrics/job@base64/Li4=/i@base64/=");
        assert_eq!(group("é%?#", &[]), "http://h:9091/prefix/metrics/job/%C3%A9%25%3F%23");
    }
}
