//! Determines the server that evaluates rules.

use super::settings::{DEFAULT_GROUP, Settings};
use crate::error::Error;
use crate::http::{Peer, Segment};
use crate::operations::call::Call;
use crate::rules::known::{Evaluator, RuleServer};
use crate::rules::read::Uses;
use crate::servers::ruler::{self, Ruler, Target};
use crate::servers::{grafana, prometheus};

/// The evaluator and its version. The version is queried only if the rules depend on it.
pub(super) fn rule_server(
    call: &mut Call,
    settings: &Settings,
    evaluator: Evaluator,
    ruler: Option<&Ruler>,
    uses: &Uses,
) -> Result<RuleServer, Error> {
    let mut version = settings.target_version()?;
    if version.is_none()
        && !call.config.mock
        && uses.depend_on_version(evaluator)
        && let Some(ruler) = ruler
    {
        version = ruler.version(&mut call.client(call.config.limits(), true));
    }
    Ok(RuleServer { evaluator, version })
}

/// The target and evaluator, and the server or the setting that is missing.
pub(super) fn ruler(call: &Call, settings: &Settings) -> Result<(Target, Evaluator, Result<Ruler, Error>), Error> {
    let (target, evaluator) = settings.target()?;
    let config = call.config;
    let (base, peer, missing) = match target {
        Target::File => match &config.ruler_url {
            // For example vmalert next to VictoriaMetrics.
            Some(url) => (Some(url), ruler::PEER, ""),
            None => (config.prometheus_url.as_ref(), prometheus::PEER, "prometheus_url"),
        },
        Target::Mimir | Target::Cortex => (config.ruler_url.as_ref(), ruler::PEER, "ruler_url"),
        Target::Grafana => (config.grafana_url.as_ref(), grafana::PEER, "grafana_url"),
    };
    let Some(base) = base.cloned() else {
        let missing = match missing {
            "ruler_url" => (
                "ruler_url",
                "set it to the ruler's URL, for example {\"prometheus_config\": {\"ruler_url\": \"http://127.0.0.1:8080\"}}",
            ),
            "grafana_url" => ("grafana_url", "set it to the URL of the Grafana that evaluates the rules"),
            _ => ("prometheus_url", "set it to the server that evaluates the rules, to confirm that they are loaded"),
        };
        return Ok((target, evaluator, Err(Error::NotConfigured { field: missing.0, todo: missing.1 })));
    };
    let datasource_uid = settings.target.datasource_uid.to_owned();
    if target == Target::Grafana && datasource_uid.is_none() {
        return Err(Error::missing(
            settings.path("datasource_uid"),
            "the uid of the Prometheus data source that the expressions query",
        ));
    }
    let namespace = settings.target.namespace.get().unwrap_or(DEFAULT_GROUP).to_owned();
    if target != Target::File {
        Segment::with_slashes(&namespace, &settings.path("namespace"))?;
    }
    let peer: Peer = peer;
    Ok((target, evaluator, Ok(Ruler { target, peer, base, namespace, datasource_uid })))
}
