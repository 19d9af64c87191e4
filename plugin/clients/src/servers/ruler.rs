//! Who evaluates rules: Prometheus and vmalert by files, Mimir's and Cortex's rulers and Grafana by
//! their APIs.
//!
//! All of them tell what they hold in Prometheus's own form, so that a change can be read back
//! whoever made it.

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

/// A ruler with an API, for errors.
pub const PEER: Peer = Peer { server: "the ruler", setting: "ruler_url" };

/// The targets by the names that callers give, with who evaluates the rules there.
const TARGETS: [(&str, Target, Evaluator); 7] = [
    ("file", Target::File, Evaluator::Prometheus),
    ("prometheus", Target::File, Evaluator::Prometheus),
    ("vmalert", Target::File, Evaluator::Vmalert),
    ("thanos", Target::File, Evaluator::Thanos),
    ("mimir", Target::Mimir, Evaluator::Mimir),
    ("cortex", Target::Cortex, Evaluator::Cortex),
    ("grafana", Target::Grafana, Evaluator::Grafana),
];

/// The target of that name, and who evaluates the rules there. The error says which there are.
pub fn target(name: &str) -> Result<(Target, Evaluator), String> {
    let found = TARGETS.iter().find(|(own, ..)| *own == name.trim());
    found.map(|(_, target, evaluator)| (*target, *evaluator)).ok_or_else(|| {
        let known: Vec<&str> = TARGETS.iter().map(|(name, ..)| *name).collect();
        format!("expected one of {}, got {:?}", known.join(", "), excerpt(name, 100))
    })
}

/// One who evaluates rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruler {
    /// How it takes rules.
    pub target: Target,
    /// For errors, and for the credentials that are sent.
    pub peer: Peer,
    /// The server, with any path it lives under; without the paths of its API.
    pub base: Url,
    /// Of the groups: a folder of rulers and of Grafana.
    pub namespace: String,
    /// Grafana's data source that the expressions are asked of.
    pub datasource_uid: Option<String>,
}

impl Ruler {
    /// The groups that it has loaded; with the alerts they make now.
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
            Ok(Held { status: Status::Success, data: ServerRules { groups } }) => Ok(groups),
            Err(_) => Err(Error::BadAnswer {
                server: self.peer.server,
                origin: url.origin(),
                problem: format!("it begins with {:?}", excerpt(&text, 100)),
            }),
        }
    }

    /// Of these groups, those of this namespace, or of the rule file with this name.
    pub fn own<'h>(&self, held: &'h [ServerGroup], file: &str) -> Vec<&'h ServerGroup> {
        held.iter()
            .filter(|group| match self.target {
                Target::File => group.file == file || group.file.ends_with(&format!("/{file}")),
                // Rulers say the namespace, some with the tenant before it.
                _ => group.file == self.namespace || group.file.ends_with(&format!("/{}", self.namespace)),
            })
            .collect()
    }

    /// Asks the server to load its rule files again. An error says why it did not: then it goes on
    /// with the rules it had.
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
            500 => Err(self.refused(&url, &response, "it goes on with the rules that it had; its log says more")),
            _ => Err(self.refused(&url, &response, "")),
        }
    }

    /// Writes one group: it is replaced as a whole. Not for files.
    pub fn write(&self, client: &mut Client, group: &Group) -> Result<(), Error> {
        Segment::with_slashes(&group.name, "group")?;
        let url = self.group_url(None)?;
        // A group is replaced as a whole, so that it may arrive twice.
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

    /// Deletes one group. One that is not there is deleted already. Not for files.
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

    /// The server's release. None where it does not say, or is something else than it is taken for.
    pub fn version(&self, client: &mut Client) -> Option<Version> {
        let url = endpoint(&self.base, self.prefix()?.iter().copied().chain(["api", "v1", "status", "buildinfo"]));
        let response = client.send(self.peer, Request::new(Method::Get, url)).ok()?;
        let text = String::from_utf8_lossy(&response.body);
        let Running { data } = serde_json::from_str(&text).ok().filter(|_| response.status == 200)?;
        // Mimir says what it is; a Prometheus says nothing.
        if self.target == Target::File && data.application.is_some_and(|name| !name.eq_ignore_ascii_case("prometheus"))
        {
            return None;
        }
        Version::read(&data.version)
    }

    /// The path below which Prometheus's API is. None where there is none that is ours to reach:
    /// Grafana asks its data source.
    fn prefix(&self) -> Option<&'static [&'static str]> {
        match self.target {
            Target::File => Some(&[]),
            Target::Mimir | Target::Cortex => Some(&["prometheus"]),
            Target::Grafana => None,
        }
    }

    /// The server's own form of an expression.
    pub fn format(&self, client: &mut Client, expression: &str) -> Formatted {
        let asked = self.prefix().and_then(|prefix| self.ask(client, prefix, "format_query", expression).ok());
        match asked.flatten() {
            Some(Ok(Some(form))) => Formatted::As(form),
            Some(Err(problem)) => Formatted::Refused(problem),
            Some(Ok(None)) | None => Formatted::Lacking,
        }
    }

    /// What a place of the API says of an expression: its data where that is a text, or why it is
    /// refused. None where there is no such place.
    fn ask(
        &self,
        client: &mut Client,
        prefix: &[&'static str],
        place: &'static str,
        expression: &str,
    ) -> Result<Option<Result<Option<String>, String>>, Error> {
        let url = endpoint(&self.base, prefix.iter().copied().chain(["api", "v1", place]));
        let mut form = Form::default();
        form.put("query", expression);
        let request = Request::new(Method::Post, url)
            .with_body("application/x-www-form-urlencoded", form.as_str().into())
            .repeatable();
        let response = client.send(self.peer, request)?;
        let text = String::from_utf8_lossy(&response.body);
        let Ok(Judged { status, data, error_type, error }) = serde_json::from_str(&text) else { return Ok(None) };
        match (&*status, &*error_type) {
            ("success", _) => Ok(Some(Ok(data))),
            (_, "bad_data" | "400" | "422") if response.status != 404 => {
                Ok(Some(Err(excerpt(error.as_deref().unwrap_or("it does not parse"), 1_000))))
            }
            _ => Ok(None),
        }
    }

    /// Asks whether an expression parses, without evaluating it where the server can do that. None
    /// if it cannot say.
    pub fn check_expression(&self, client: &mut Client, expression: &str) -> Result<Option<String>, Error> {
        let Some(prefix) = self.prefix() else { return Ok(None) };
        for place in ["format_query", "query"] {
            if let Some(said) = self.ask(client, prefix, place, expression)? {
                return Ok(said.err());
            }
        }
        Ok(None)
    }

    fn refused(&self, url: &Url, response: &Response, todo: &str) -> Error {
        let text = String::from_utf8_lossy(&response.body);
        let Refusal { error, message, msg } = serde_json::from_str(&text).unwrap_or_default();
        match error.or(message).or(msg) {
            Some(said) => {
                let response = Response { body: said.into_bytes(), ..response.clone() };
                super::refused(self.peer, url, &response, todo)
            }
            None => super::refused(self.peer, url, response, todo),
        }
    }
}

/// The response to `GET /api/v1/rules`.
#[derive(Deserialize)]
struct Held {
    status: Status,
    data: ServerRules,
}

/// Of a response that can be used.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Success,
}

/// The response to `GET /api/v1/status/buildinfo`.
#[derive(Deserialize)]
struct Running {
    data: Build,
}

#[derive(Deserialize)]
struct Build {
    #[serde(default, deserialize_with = "lenient")]
    application: Option<String>,
    version: String,
}

/// What a server says of an expression.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Judged {
    #[serde(deserialize_with = "lenient")]
    status: String,
    #[serde(deserialize_with = "lenient")]
    data: Option<String>,
    #[serde(deserialize_with = "lenient")]
    error_type: String,
    #[serde(deserialize_with = "lenient")]
    error: Option<String>,
}

/// Why a request was refused: Prometheus, Mimir and Grafana each have a name of their own for it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    #[serde(deserialize_with = "lenient")]
    error: Option<String>,
    #[serde(deserialize_with = "lenient")]
    message: Option<String>,
    #[serde(deserialize_with = "lenient")]
    msg: Option<String>,
}
