//! `discover_targets`: the targets that an http_sd endpoint or a list names, and whether Prometheus scrapes them.

use super::{Answer, Call};
use crate::error::Error;
use crate::http::{Url, redacted};
use crate::json::Json;
use crate::prometheus_yml::check_target;
use crate::servers::discovery::{self, Group, Known};
use plugpipe_contract::requests::DiscoverTargets;

/// Takes `sd_url`, or `targets`: a list of `host:port`, or of groups as http_sd has them. Asks Prometheus where one is configured.
pub(super) fn run(call: &mut Call, request: &DiscoverTargets, answer: &mut Answer) -> Result<(), Error> {
    let mock = call.config.mock;
    let groups = match (request.sd_url.get(), request.targets.get()) {
        (Some(_), Some(_)) => return Err(Error::invalid("targets", "stands beside sd_url; give one of them")),
        (Some(url), None) => {
            let url = Url::parse(url.trim()).map_err(|problem| Error::invalid("sd_url", problem))?;
            answer.text("sd_url", &redacted(&url));
            if mock { Vec::new() } else { discovery::fetch(&mut call.client(call.config.limits(), true), &url)? }
        }
        (None, Some(targets)) => listed(&Json::parse(targets).map_err(|problem| Error::invalid("targets", problem))?)?,
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
    if mock {
        answer.flag("mock", true);
    }
    write(&groups, known.as_deref(), answer);
    Ok(())
}

fn listed(targets: &Json) -> Result<Vec<Group>, Error> {
    let Json::Array(items) = targets else {
        return Err(Error::invalid("targets", format!("expected a list, got {}", targets.kind())));
    };
    if !items.iter().any(|item| matches!(item, Json::String(_))) {
        return discovery::groups(targets, "targets").map_err(|(path, problem)| Error::invalid(path, problem));
    }
    let mut group = Group::default();
    for (index, item) in items.iter().enumerate() {
        let wrong = |problem: String| Error::invalid(format!("targets[{index}]"), problem);
        let target = item.as_str().ok_or_else(|| wrong(format!("expected host:port, got {}", item.kind())))?;
        check_target(target).map_err(wrong)?;
        if !group.targets.iter().any(|own| own == target) {
            group.targets.push(target.to_owned());
        }
    }
    Ok(vec![group])
}

/// The groups, with what Prometheus knows of each target, where it was asked.
fn write(groups: &[Group], known: Option<&[Known]>, answer: &mut Answer) {
    let mut counts = [0_u64; 2];
    answer.open_list("groups");
    for group in groups {
        answer.open_item();
        answer.open("labels");
        for (name, value) in &group.labels {
            answer.member(name, value);
        }
        answer.close();
        answer.open_list("targets");
        for address in &group.targets {
            answer.open_item();
            answer.text("address", address);
            counts[0] += 1;
            if let Some(known) = known {
                // One job may have dropped what another scrapes.
                let found = known.iter().filter(|target| target.is(address, &group.labels));
                let found = found.max_by_key(|target| target.active);
                counts[1] += u64::from(found.is_some_and(|target| target.active));
                write_state(found, answer);
            }
            answer.close();
        }
        answer.close_list();
        answer.close();
    }
    answer.close_list();
    answer.count("targets", counts[0]);
    answer.flag("compared", known.is_some());
    if known.is_some() {
        answer.count("active", counts[1]);
        answer.count("missing", counts[0] - counts[1]);
    }
}

fn write_state(found: Option<&Known>, answer: &mut Answer) {
    let Some(target) = found else {
        answer.text("state", "absent");
        return;
    };
    answer.text("state", if target.active { "active" } else { "dropped" });
    for (key, text) in [
        ("job", &target.job),
        ("health", &target.health),
        ("last_error", &target.last_error),
        ("scrape_url", &target.scrape_url),
    ] {
        if !text.is_empty() {
            answer.text(key, text);
        }
    }
}
