//! `list_groups` and `expire_groups`: all groups on a Pushgateway, which never expires groups
//! itself.

use core::time::Duration;

use super::call::Call;
use super::{definition, push};
use crate::error::Error;
use crate::http::{Url, redacted};
use crate::servers::pushgateway;
use crate::servers::pushgateway::groups::{StoredGroup, groups};
use crate::time::rfc3339;
use plugpipe_contract::requests::{ExpireGroups, ListGroups};
use plugpipe_contract::responses::{DryRun, GroupList, ListedGroup};
use plugpipe_contract::scalar::Labels;

/// The number of groups that are deleted concurrently.
const CONCURRENT_DELETES: usize = 16;

/// Lists all groups: labels, last accepted and rejected push, and size.
pub fn list(call: &mut Call, request: &ListGroups) -> Result<GroupList, Error> {
    list_and_delete(call, &request.labels, None, true)
}

/// Deletes groups whose last push is older than `older_than`; if none was accepted, the last
/// rejected one counts. By default, only lists them.
pub fn expire(call: &mut Call, request: &ExpireGroups) -> Result<(DryRun, GroupList), Error> {
    let expected = "a duration such as 1h";
    let older_than = request.older_than.get().ok_or_else(|| Error::missing("older_than", expected))?;
    let dry_run = request.dry_run.or(true);
    Ok((DryRun { dry_run }, list_and_delete(call, &request.labels, Some(older_than), dry_run)?))
}

/// Lists the groups with these labels whose last push is older, and deletes them unless `keep`.
fn list_and_delete(
    call: &mut Call,
    labels: &Labels,
    older_than: Option<Duration>,
    keep: bool,
) -> Result<GroupList, Error> {
    let labels = definition::labels(labels, true, "labels")?;
    if call.config.mock {
        return Ok(GroupList { mock: true, ..GroupList::default() });
    }
    let gateway = push::gateway(call)?.clone();
    let limits = call.config.limits();
    let request = pushgateway::groups_request(&gateway);
    let url = request.url.clone();
    let response = call.client(limits, true).send(pushgateway::PEER, request)?;
    let text = String::from_utf8_lossy(&response.body);
    let mut found = groups(&url, &response, &text)?;
    found.retain(|held| {
        labels.iter().all(|(name, value)| held.labels.iter().any(|(own, held)| own == name.as_str() && held == value))
    });
    if let Some(older_than) = older_than {
        let before = call.unix_nanos as f64 / 1e9 - older_than.as_secs_f64();
        found.retain(|held| held.pushed_at().or(held.failed_at()).is_some_and(|seconds| seconds < before));
    }
    let urls: Vec<Option<Url>> = found.iter().map(|held| Some(held.group()?.url(&gateway))).collect();
    let mut outcomes = Vec::new();
    if !keep {
        // A group without a URL cannot be deleted.
        let urls: Vec<Url> = urls.iter().flatten().cloned().collect();
        for some in urls.chunks(CONCURRENT_DELETES) {
            // Only the first batch bypasses the circuit breaker, so an unresponsive gateway is not
            // retried.
            let mut client = call.client(limits, outcomes.is_empty());
            outcomes.extend(pushgateway::delete(&mut client, some));
        }
    }
    let deleted = outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64;
    if deleted > 0 {
        // The recorder pushes again what was recorded meanwhile, and has less to clean up.
        let gone = urls.iter().flatten().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
        call.next.found.get_or_insert_default().deleted = gone.map(|(url, _)| redacted(url)).collect();
    }
    let mut outcomes = outcomes.into_iter();
    let listed = found.iter().zip(&urls).map(|(held, url)| {
        let outcome = url.as_ref().and_then(|_| outcomes.next());
        ListedGroup {
            deleted: older_than.map(|_| matches!(outcome, Some(Ok(())))),
            error: outcome.and_then(Result::err).map(|error| Error::from(error).report()),
            ..listed(held, url.as_ref())
        }
    });
    Ok(GroupList {
        mock: false,
        count: Some(found.len() as u64),
        deleted: older_than.map(|_| deleted),
        groups: Some(listed.collect()),
    })
}

fn listed(held: &StoredGroup, url: Option<&Url>) -> ListedGroup {
    // The cast saturates for values that are no valid time.
    let instant = |seconds: Option<f64>| seconds.map(|seconds| rfc3339((seconds * 1e9) as u64));
    let (metrics, series) = held.size();
    ListedGroup {
        labels: held
            .labels
            .iter()
            .map(|(name, value)| (name.clone().into_owned(), value.clone().into_owned()))
            .collect(),
        group: url.map(redacted),
        last_push: instant(held.pushed_at()),
        last_failure: instant(held.failed_at()),
        metrics: metrics as u64,
        series: series as u64,
        deleted: None,
        error: None,
    }
}
