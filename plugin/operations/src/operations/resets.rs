//! Detects counter resets by a push: counters that start at zero in a new process and replace the
//! group's totals on the gateway. A process that continues a counter pushes a higher value; one
//! that restarts it pushes the same or a lower one.
//!
//! With `detect_resets`, the group is read once before the first push to it, and the push's result
//! lists those counters.

use std::collections::BTreeMap;

use super::call::Call;
use crate::http::{Limits, Retry, Url};
use crate::servers::pushgateway::groups::{Held, groups};
use crate::servers::pushgateway::{self, Group, Mode, preflight};
use plugpipe_contract::responses::{Amount, ReplacedCounter};
use plugpipe_metrics::model::{Family, Point};

/// The maximum number of groups remembered as compared.
const MAX_GROUPS: usize = 64;

/// The counters of this group that the registry does not continue. Empty after the first push to
/// the group, and on errors, because a push must not fail because of this check.
pub(super) fn find(
    call: &mut Call,
    gateway: &Url,
    group: &Group,
    limits: Limits,
    bypass_breaker: bool,
) -> Vec<ReplacedCounter> {
    let target = group.url(gateway);
    if !call.config.detect_resets || call.pushes.compared.contains(&target) {
        return Vec::new();
    }
    let request = pushgateway::groups_request(gateway);
    let url = request.url.clone();
    let mut client = call.client(limits, bypass_breaker);
    client.retry = Retry::ONCE;
    let Ok(response) = client.send(pushgateway::PEER, request) else { return Vec::new() };
    if call.pushes.compared.len() < MAX_GROUPS {
        call.pushes.compared.push(target);
    }
    let text = String::from_utf8_lossy(&response.body);
    let Ok(stored) = groups(&url, &response, &text) else { return Vec::new() };
    let families = call.registry.read(call.unix_nanos / 1_000_000);
    let adds = call.config.push_mode == Mode::Add;
    stored.iter().filter(|stored| stored.is(group)).flat_map(|stored| compare(&families, group, stored, adds)).collect()
}

/// The totals of a group that a push of these families does not increase.
fn compare(families: &[Family], group: &Group, stored: &Held, adds: bool) -> Vec<ReplacedCounter> {
    let pushed = preflight::of(families);
    let mut totals: BTreeMap<(&str, preflight::Key), f64> = BTreeMap::new();
    let written = families.iter().filter(|family| !family.series.is_empty());
    for (family, pushed) in written.zip(&pushed) {
        for (series, named) in family.series.iter().zip(&pushed.series) {
            if let Some(total) = total(&series.point) {
                totals.insert((&pushed.name, preflight::key(named, group)), total);
            }
        }
    }
    let is_pushed = |name: &str| pushed.iter().any(|family| family.name == name);
    let mut replaced = Vec::new();
    for family in stored.families() {
        // A push with POST leaves other metrics of the group alone.
        if adds && !is_pushed(&family.name) {
            continue;
        }
        for (labels, stored) in family.totals() {
            let pushed = totals.get(&(&*family.name, labels.clone())).copied();
            if pushed.is_none_or(|pushed| pushed <= stored) && stored > 0.0 {
                let series = preflight::shown_series(&family.name, &labels);
                let (stored, pushed) = (Amount(stored), pushed.map(Amount));
                replaced.push(ReplacedCounter { series, stored, pushed });
            }
        }
    }
    replaced
}

fn total(point: &Point) -> Option<f64> {
    Some(match point {
        Point::Counter { total, .. } => *total,
        Point::Histogram { counts, .. } => counts.iter().sum::<u64>() as f64,
        Point::Native(histogram) => histogram.count() as f64,
        Point::Summary { count, .. } => *count as f64,
        Point::Gauge(_) | Point::Info | Point::StateSet(_) => return None,
    })
}
