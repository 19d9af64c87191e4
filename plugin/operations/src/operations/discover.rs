//! `discover_targets`: the targets from an http_sd endpoint or a list, and whether Prometheus
//! scrapes them.

use super::call::Call;
use crate::error::Error;
use crate::http::{Url, redacted};
use crate::prometheus_yml::check_target;
use crate::servers::discovery::{self, Group, Known};
use plugpipe_contract::requests::DiscoverTargets;
use plugpipe_contract::responses::{DiscoveredTarget, DiscoveredTargets, TargetGroup, TargetState};
use plugpipe_contract::written::{kind_of, kind_of_value};
use serde_json::Value;

/// Reads `sd_url`, or `targets`: a list of `host:port`, or of groups in http_sd format. Compares
/// them with Prometheus if one is configured.
pub fn run(call: &mut Call, request: &DiscoverTargets) -> Result<DiscoveredTargets, Error> {
    let mock = call.config.mock;
    let mut sd_url = None;
    let groups = match (request.sd_url.get(), request.targets.get()) {
        (Some(_), Some(_)) => return Err(Error::invalid("targets", "conflicts with sd_url; give only one of them")),
        (Some(url), None) => {
            let url = Url::parse(url.trim()).map_err(|problem| Error::invalid("sd_url", problem))?;
            sd_url = Some(redacted(&url));
            if mock { Vec::new() } else { discovery::fetch(&mut call.client(call.config.limits(), true), &url)? }
        }
        (None, Some(targets)) => listed(targets)?,
        (None, None) => {
            let expected =
                "the URL of an http_sd endpoint, such as http://127.0.0.1:8080/sd; or targets, a list of host:port";
            return Err(Error::missing("sd_url", expected));
        }
    };
    let prometheus = call.config.prometheus_url.clone().filter(|_| !mock);
    let known = match &prometheus {
        None => None,
        Some(url) => Some(discovery::known(&mut call.client(call.config.limits(), true), url)?),
    };
    let groups: Vec<TargetGroup> = groups.into_iter().map(|group| compared(group, known.as_deref())).collect();
    let all = || groups.iter().flat_map(|group| &group.targets);
    let targets = all().count() as u64;
    let is_active = |target: &&DiscoveredTarget| target.state == Some(TargetState::Active);
    let active = known.is_some().then(|| all().filter(is_active).count() as u64);
    Ok(DiscoveredTargets {
        sd_url,
        mock,
        targets,
        compared: known.is_some(),
        active,
        missing: active.map(|active| targets - active),
        groups,
    })
}

fn listed(targets: &str) -> Result<Vec<Group>, Error> {
    let list = serde_json::from_str(targets).map_err(|problem| Error::invalid("targets", problem.to_string()))?;
    let Value::Array(items) = &list else {
        return Err(Error::invalid("targets", format!("expected a list, got {}", kind_of(targets))));
    };
    if !items.iter().any(Value::is_string) {
        return discovery::groups(&list, "targets").map_err(|(path, problem)| Error::invalid(path, problem));
    }
    let mut group = Group::default();
    for (index, item) in items.iter().enumerate() {
        let wrong = |problem: String| Error::invalid(format!("targets[{index}]"), problem);
        let expected = || wrong(format!("expected host:port, got {}", kind_of_value(item)));
        let target = item.as_str().ok_or_else(expected)?;
        check_target(target).map_err(wrong)?;
        if !group.targets.iter().any(|own| own == target) {
            group.targets.push(target.to_owned());
        }
    }
    Ok(vec![group])
}

/// A group and, if compared, each target's state in Prometheus.
fn compared(group: Group, known: Option<&[Known]>) -> TargetGroup {
    let Group { targets, labels } = group;
    let compared = |address: String| {
        let Some(known) = known else { return DiscoveredTarget { address, ..DiscoveredTarget::default() } };
        // One job may have dropped what another scrapes.
        let found = known.iter().filter(|target| target.is(&address, &labels)).max_by_key(|target| target.active);
        state(address, found)
    };
    let targets = targets.into_iter().map(compared).collect();
    TargetGroup { labels: labels.into_iter().collect(), targets }
}

fn state(address: String, found: Option<&Known>) -> DiscoveredTarget {
    let Some(target) = found else {
        return DiscoveredTarget { address, state: Some(TargetState::Absent), ..DiscoveredTarget::default() };
    };
    let unless_empty = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    DiscoveredTarget {
        address,
        state: Some(if target.active { TargetState::Active } else { TargetState::Dropped }),
        job: unless_empty(&target.job),
        health: unless_empty(&target.health),
        last_error: unless_empty(&target.last_error),
        scrape_url: unless_empty(&target.scrape_url),
    }
}
