//! Rule evaluators: Prometheus and vmalert, configured by files; Mimir, Cortex and Grafana,
//! configured by their APIs.
//!
//! All of them list their rules in Prometheus's format, so every change can be verified.

use super::prometheus::Form;
use crate::error::Error;
use crate::http::{Client, Method, Peer, Request, Response, Segment, Url, endpoint};
use plugpipe_contract::error::excerpt;
use plugpipe_contract::lenient::lenient;
pub use plugpipe_contract::responses::InstallTarget as Target;
use plugpipe_provisioning::rules::Group;
use plugpipe_provisioning::rules::known::{Evaluator, Version};
use plugpipe_provisioning::rules::plan::{Formatted, ServerGroup, ServerRules};
use serde::Deserialize;

/// Identifies a ruler with an API in errors.
pub const PEER: Peer = Peer { server: "the ruler", setting: "ruler_url" };

/// The targets by their names in requests, with the evaluator of the rules.
const TARGETS: [(&str, Target, Evaluator); 7] = [
    ("file", Target::File, Evaluator::Prometheus),
    ("prometheus", Target::File, Evaluator::Prometheus),
    ("vmalert", Target::File, Evaluator::Vmalert),
    ("thanos", Target::File, Evaluator::Thanos),
    ("mimir", Target::Mimir, Evaluator::Mimir),
    ("cortex", Target::Cortex, Evaluator::Cortex),
    ("grafana", Target::Grafana, Evaluator::Grafana),
];

/// Finds a target by name, and its evaluator. The error lists the names.
pub fn target(name: &str) -> Result<(Target, Evaluator), String> {
    let found = TARGETS.iter().find(|(own, ..)| *own == name.trim());
    found.map(|(_, target, evaluator)| (*target, *evaluator)).ok_or_else(|| {
        let known: Vec<&str> = TARGETS.iter().map(|(name, ..)| *name).collect();
        format!("expected one of {}, got {:?}", known.join(", "), excerpt(name, 100))
    })
}

/// A server that evaluates rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruler {
    /// How rules are installed.
    pub target: Target,
    /// For errors and credentials.
    pub peer: Peer,
    /// The base URL, without API paths.
    pub base: Url,
    /// The namespace or Grafana folder of the groups.
    pub namespace: String,
    /// Grafana's data source for the expressions.
    pub datasource_uid: Option<String>,
}

impl Ruler {
    /// The loaded groups, with their current alerts.
    pub fn held(&self, client: &mut Client) -> Result<Vec<ServerGroup>, Error> {
        let segments: &[&'static str] = match self.target {
            Target::File => &["api", "v1", "rules"],
            Target::Mimir | Target::Cortex => &["prometheus", "api", "v1", "rules"],
            Target::Grafana => &["api", "prometheus", "grafana", "api", "v1", "rules"],
        };
        let url = endpoint(&self.base, segments.iter().copied());
        let response = client.send(self.peer, Request::new(Method::Get, url.clone()))?;
        if response.status != 200 {
            return Err(self.refused(&url, &response, ""));
        }
        let text = String::from_utf8_lossy(&response.body);
        match serde_json::from_str(&text) {
            Ok(RulesResponse { status: Status::Success, data: ServerRules { groups } }) => Ok(groups),
            Err(_) => Err(Error::BadAnswer {
                server: self.peer.server,
                origin: url.origin(),
                problem: format!("it begins with {:?}", excerpt(&text, 100)),
            }),
        }
    }

    /// The groups of this namespace, or of the rule file with this name.
    pub fn own<'h>(&self, held: &'h [ServerGroup], file: &str) -> Vec<&'h ServerGroup> {
        held.iter()
            .filter(|group| match self.target {
                Target::File => group.file == file || group.file.ends_with(&format!("/{file}")),
                // Rulers return the namespace, some prefixed with the tenant.
                _ => group.file == self.namespace || group.file.ends_with(&format!("/{}", self.namespace)),
            })
            .collect()
    }

    /// Tells the server to reload its rule files. On error it keeps the current rules.
    pub fn reload(&self, client: &mut Client) -> Result<(), Error> {
        let url = endpoint(&self.base, ["-", "reload"]);
        let response = client.send(self.peer, Request::new(Method::Post, url.clone()))?;
        match response.status {
            200..=299 => Ok(()),
            403 => Err(self.refused(
                &url,
                &response,
                "reload is disabled on the server: start it with --web.enable-lifecycle, or restart it",
            )),
            500 => Err(self.refused(&url, &response, "it keeps its current rules; see its log")),
            _ => Err(self.refused(&url, &response, "")),
        }
    }

    /// Writes or replaces a group. Not for files.
    pub fn write(&self, client: &mut Client, group: &Group) -> Result<(), Error> {
        Segment::with_slashes(&group.name, "group")?;
        let url = self.group_url(None)?;
        // Replacing a group is idempotent.
        let mut request = Request::new(Method::Post, url.clone())
            .with_body("application/yaml", group.yaml().write().into_bytes())
            .repeatable();
        if self.target == Target::Grafana {
            request
                .headers
                .extend(self.datasource_uid.iter().map(|uid| ("x-grafana-alerting-datasource-uid", uid.clone())));
        }
        let response = client.send(self.peer, request)?;
        match response.status {
            200..=299 => Ok(()),
            _ => Err(self.refused(&url, &response, "")),
        }
    }

    /// Deletes a group, if it exists. Not for files.
    pub fn delete(&self, client: &mut Client, group: &str) -> Result<(), Error> {
        let url = self.group_url(Some(Segment::with_slashes(group, "group")?))?;
        let response = client.send(self.peer, Request::new(Method::Delete, url.clone()))?;
        match response.status {
            200..=299 | 404 => Ok(()),
            _ => Err(self.refused(&url, &response, "")),
        }
    }

    fn group_url(&self, group: Option<Segment>) -> Result<Url, Error> {
        let config: &[&'static str] = match self.target {
            Target::Mimir | Target::File => &["prometheus", "config", "v1", "rules"],
            Target::Cortex => &["api", "v1", "rules"],
            Target::Grafana => &["api", "convert", "prometheus", "config", "v1", "rules"],
        };
        let mut url = endpoint(&self.base, config.iter().copied());
        url.push_segment(&Segment::with_slashes(&self.namespace, "namespace")?);
        group.iter().for_each(|group| url.push_segment(group));
        Ok(url)
    }

    /// The server's version. `None` if it is unknown or the server is not the expected one.
    pub fn version(&self, client: &mut Client) -> Option<Version> {
        let url = endpoint(&self.base, self.prefix()?.iter().copied().chain(["api", "v1", "status", "buildinfo"]));
        let response = client.send(self.peer, Request::new(Method::Get, url)).ok()?;
        let text = String::from_utf8_lossy(&response.body);
        let BuildInfoResponse { data } = serde_json::from_str(&text).ok().filter(|_| response.status == 200)?;
        // Mimir names itself; Prometheus does not.
        if self.target == Target::File && data.application.is_some_and(|name| !name.eq_ignore_ascii_case("prometheus"))
        {
            return None;
        }
        Version::read(&data.version)
    }

    /// The path prefix of Prometheus's API. `None` for Grafana, whose queries go to its data
    /// source.
    fn prefix(&self) -> Option<&'static [&'static str]> {
        match self.target {
            Target::File => Some(&[]),
            Target::Mimir | Target::Cortex => Some(&["prometheus"]),
            Target::Grafana => None,
        }
    }

    /// Formats an expression on the server.
    pub fn format(&self, client: &mut Client, expression: &str) -> Formatted {
        let formatted =
            self.prefix().and_then(|prefix| self.ask_about(client, prefix, "format_query", expression).ok());
        match formatted.flatten() {
            Some(Ok(Some(form))) => Formatted::As(form),
            Some(Err(problem)) => Formatted::Refused(problem),
            Some(Ok(None)) | None => Formatted::Lacking,
        }
    }

    /// Asks an endpoint of the API about an expression: returns its data if that is a string, or
    /// why the expression is invalid. `None` if there is no such endpoint.
    fn ask_about(
        &self,
        client: &mut Client,
        prefix: &[&'static str],
        path: &'static str,
        expression: &str,
    ) -> Result<Option<Result<Option<String>, String>>, Error> {
        let url = endpoint(&self.base, prefix.iter().copied().chain(["api", "v1", path]));
        let mut form = Form::default();
        form.put("query", expression);
        let request = Request::new(Method::Post, url)
            .with_body("application/x-www-form-urlencoded", form.as_str().into())
            .repeatable();
        let response = client.send(self.peer, request)?;
        let text = String::from_utf8_lossy(&response.body);
        let Ok(ExpressionResponse { status, data, error_type, error }) = serde_json::from_str(&text) else {
            return Ok(None);
        };
        match (&*status, &*error_type) {
            ("success", _) => Ok(Some(Ok(data))),
            (_, "bad_data" | "400" | "422") if response.status != 404 => {
                Ok(Some(Err(excerpt(error.as_deref().unwrap_or("it does not parse"), 1_000))))
            }
            _ => Ok(None),
        }
    }

    /// Checks whether an expression parses, without evaluating it if the server supports that.
    /// `None` if the expression is valid or cannot be checked.
    pub fn check_expression(&self, client: &mut Client, expression: &str) -> Result<Option<String>, Error> {
        let Some(prefix) = self.prefix() else { return Ok(None) };
        for path in ["format_query", "query"] {
            if let Some(result) = self.ask_about(client, prefix, path, expression)? {
                return Ok(result.err());
            }
        }
        Ok(None)
    }

    fn refused(&self, url: &Url, response: &Response, todo: &str) -> Error {
        let text = String::from_utf8_lossy(&response.body);
        let ErrorBody { error, message, msg } = serde_json::from_str(&text).unwrap_or_default();
        match error.or(message).or(msg) {
            Some(text) => {
                let response = Response { body: text.into_bytes(), ..response.clone() };
                super::refused(self.peer, url, &response, todo)
            }
            None => super::refused(self.peer, url, response, todo),
        }
    }
}

/// The response to `GET /api/v1/rules`.
#[derive(Deserialize)]
struct RulesResponse {
    status: Status,
    data: ServerRules,
}

/// The only usable status.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Success,
}

/// The response to `GET /api/v1/status/buildinfo`.
#[derive(Deserialize)]
struct BuildInfoResponse {
    data: Build,
}

#[derive(Deserialize)]
struct Build {
    #[serde(default, deserialize_with = "lenient")]
    application: Option<String>,
    version: String,
}

/// The response to a request about an expression.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ExpressionResponse {
    #[serde(deserialize_with = "lenient")]
    status: String,
    #[serde(deserialize_with = "lenient")]
    data: Option<String>,
    #[serde(deserialize_with = "lenient")]
    error_type: String,
    #[serde(deserialize_with = "lenient")]
    error: Option<String>,
}

/// An error body: Prometheus, Mimir and Grafana name the message differently.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    #[serde(deserialize_with = "lenient")]
    error: Option<String>,
    #[serde(deserialize_with = "lenient")]
    message: Option<String>,
    #[serde(deserialize_with = "lenient")]
    msg: Option<String>,
}
