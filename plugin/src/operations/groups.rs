//! `list_groups` and `expire_groups`: what a Pushgateway holds, of all who push to it. A gateway forgets nothing by itself.

use super::{Answer, Call, push};
use crate::error::Error;
use crate::http::{Response, Url, shown};
use crate::json::Json;
use crate::servers::pushgateway::groups::{Held, groups};
use crate::servers::pushgateway::{self, Group};
use crate::time::{parse_duration, rfc3339};

/// Groups that are deleted side by side.
const AT_ONCE: usize = 16;

/// All groups: their labels, their last push and last refusal, how much they hold.
pub(super) fn list(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    if mocked(call, answer) {
        return Ok(());
    }
    let gateway = push::gateway(call)?.clone();
    let labels = call.ctx.labels("labels", true)?;
    let (url, response) = ask(call, &gateway)?;
    let text = String::from_utf8_lossy(&response.body);
    let json = Json::parse(&text);
    let wanted: Vec<Held> = groups(&url, &response, &json)?
        .into_iter()
        .filter(|held| labels.iter().all(|(name, value)| held.labels.contains(&(name.as_str(), value))))
        .collect();
    answer.count("count", wanted.len() as u64);
    answer.open_list("groups");
    for held in &wanted {
        answer.open_item();
        tell(held, &gateway, answer);
        answer.close();
    }
    answer.close_list();
    Ok(())
}

/// Deletes the groups whose last push is longer ago than `older_than`; those that never had one, by their last refusal. Only says
/// which, unless `dry_run` is false.
pub(super) fn expire(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let expected = "a duration such as 1h";
    let older_than = call.ctx.text("older_than", expected)?;
    let older_than = parse_duration(&older_than).map_err(|problem| Error::invalid("older_than", problem))?;
    let labels = call.ctx.labels("labels", true)?;
    let dry_run = call.ctx.flag_or("dry_run", true)?;
    if mocked(call, answer) {
        return Ok(());
    }
    let gateway = push::gateway(call)?.clone();
    let (url, response) = ask(call, &gateway)?;
    let text = String::from_utf8_lossy(&response.body);
    let json = Json::parse(&text);
    let before = call.unix_nanos as f64 / 1e9 - older_than.as_secs_f64();
    let is_old = |held: &Held| held.pushed_at().or(held.failed_at()).is_some_and(|seconds| seconds < before);
    let mut old: Vec<(Held, Group)> = Vec::new();
    for held in groups(&url, &response, &json)? {
        let wanted = labels.iter().all(|(name, value)| held.labels.contains(&(name.as_str(), value)));
        if wanted && is_old(&held) {
            old.extend(held.group().map(|group| (held, group)));
        }
    }
    let mut outcomes = Vec::new();
    if !dry_run {
        for some in old.chunks(AT_ONCE) {
            let some: Vec<Group> = some.iter().map(|(_, group)| group.clone()).collect();
            let limits = call.config.limits();
            // A gateway that does not answer any more is not waited for again and again.
            let mut client = call.client(limits, outcomes.is_empty());
            outcomes.extend(pushgateway::delete_all(&mut client, &gateway, &some));
        }
    }
    answer.flag("dry_run", dry_run);
    answer.count("count", old.len() as u64);
    answer.count("deleted", outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64);
    answer.open_list("groups");
    for (index, (held, _)) in old.iter().enumerate() {
        answer.open_item();
        tell(held, &gateway, answer);
        match outcomes.get(index) {
            None => answer.flag("deleted", false),
            Some(Ok(())) => answer.flag("deleted", true),
            Some(Err(error)) => {
                answer.flag("deleted", false);
                error.write_into(answer);
            }
        }
        answer.close();
    }
    answer.close_list();
    Ok(())
}

fn mocked(call: &Call, answer: &mut Answer) -> bool {
    if call.config.mock {
        answer.flag("mock", true);
    }
    call.config.mock
}

fn ask(call: &mut Call, gateway: &Url) -> Result<(Url, Response), Error> {
    let request = pushgateway::groups_request(gateway);
    let url = request.url.clone();
    let limits = call.config.limits();
    Ok((url, call.client(limits, true).send(pushgateway::PEER, request)?))
}

fn tell(held: &Held, gateway: &Url, answer: &mut Answer) {
    answer.open("labels");
    for (name, value) in &held.labels {
        answer.member(name, value);
    }
    answer.close();
    if let Some(group) = held.group() {
        answer.text("group", &shown(&group.url(gateway)));
    }
    for (name, seconds) in [("last_push", held.pushed_at()), ("last_failure", held.failed_at())] {
        if let Some(seconds) = seconds {
            // A number that is no instant is the first or the last one.
            answer.text(name, &rfc3339((seconds * 1e9) as u64));
        }
    }
    let (metrics, series) = held.size();
    answer.count("metrics", metrics as u64);
    answer.count("series", series as u64);
}
