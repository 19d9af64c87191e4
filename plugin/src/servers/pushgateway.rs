//! Pushgateway: a group of metrics, named by its job and further labels, replaced or deleted as a whole.
//!
//! Every push carries the group's absolute state, so that a push may be repeated without counting twice.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use crate::error::Error;
use crate::exposition::text;
use crate::http::{Client, Method, Peer, Request, Response, Url, endpoint};
use crate::registry::Labels;

/// For errors.
pub const PEER: Peer = Peer { server: "Pushgateway", setting: "gateway_url" };

/// Names a group: the job, and further labels such as `instance`. Pushgateway puts them on every sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The job's name, not empty.
    pub job: String,
    /// Further labels; not `job`.
    pub labels: Labels,
}

impl Group {
    /// Where the group lives under a gateway's base URL: `/metrics/job/<job>/<label>/<value>…`, labels sorted.
    ///
    /// A value that cannot stand in a path (empty, `.`, `..`, or with a `/`) is written as `<label>@base64/<base64url>`.
    pub fn url(&self, base: &Url) -> Url {
        let mut segments = vec!["metrics".to_owned()];
        for (name, value) in
            std::iter::once(("job", &*self.job)).chain(self.labels.iter().map(|(n, v)| (n.as_str(), v)))
        {
            if matches!(value, "." | "..") || value.contains('/') {
                segments.extend([format!("{name}@base64"), URL_SAFE.encode(value)]);
            } else if value.is_empty() {
                // An empty segment would be cleaned away; one padding sign decodes to nothing.
                segments.extend([format!("{name}@base64"), "=".to_owned()]);
            } else {
                segments.extend([name.to_owned(), value.to_owned()]);
            }
        }
        endpoint(base, segments.iter().map(String::as_str))
    }
}

/// Replaces the group (`PUT`) with `body`, which is text exposition. Done when the gateway says 200 or 202.
pub fn push(client: &mut Client, base: &Url, group: &Group, body: Vec<u8>) -> Result<(), Error> {
    let request = Request::new(Method::Put, group.url(base)).with_body(text::CONTENT_TYPE, body);
    let url = request.url.clone();
    let response = client.send(PEER, request)?;
    accepted(&url, &response)
}

/// Deletes exactly this group. A gateway says 202 also for a group that is not there.
pub fn delete(client: &mut Client, base: &Url, group: &Group) -> Result<(), Error> {
    let request = Request::new(Method::Delete, group.url(base));
    let url = request.url.clone();
    let response = client.send(PEER, request)?;
    accepted(&url, &response)
}

/// `GET /-/healthy`.
pub fn health_request(base: &Url) -> Request {
    Request::new(Method::Get, endpoint(base, ["-", "healthy"]))
}

fn accepted(url: &Url, response: &Response) -> Result<(), Error> {
    match response.status {
        // A gateway says nothing at all.
        200 | 202 if super::is_page(response) => {
            Err(Error::BadAnswer { server: PEER.server, origin: url.origin(), problem: "it is an HTML page".into() })
        }
        200 | 202 => Ok(()),
        400 => Err(super::refused(
            PEER,
            url,
            response,
            "a gateway refuses a metric that another group holds with another type, or that it exposes itself (go_*, push_*); rename it or delete the other group",
        )),
        _ => Err(super::refused(PEER, url, response, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn values_that_no_path_can_hold_go_as_base64() {
        assert_eq!(group("a/b", &[]), "http://h:9091/prefix/metrics/job@base64/YS9i");
        assert_eq!(group("..", &[("i", "")]), "http://h:9091/prefix/metrics/job@base64/Li4=/i@base64/=");
        assert_eq!(group("é%?#", &[]), "http://h:9091/prefix/metrics/job/%C3%A9%25%3F%23");
    }
}
