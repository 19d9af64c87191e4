//! `push_metrics`, `flush_metrics` and `delete_metrics`, and the pushes that follow a record or come
//! in intervals: when one is due, and for whom. [`crate::hosting`] makes them.

use std::rc::Rc;

use super::call::Call;
use super::own_groups::{self, OwnGroup, Pending};
use crate::config::{Config, PushPolicy};
use crate::error::{ClientError, Error};
use crate::hosting::deleting::{DeleteTask, Settles};
use crate::hosting::pushing::{Target, failed_outcome, told_of_failure};
use crate::hosting::schedule::{Finish, Role, Want, Wanted};
use crate::hosting::worker::How;
use crate::http::{Failure, Url, redacted};
use crate::servers::pushgateway::{self, Mode};
use plugpipe_contract::requests::{NoFields, PushMetrics};
use plugpipe_contract::response::Eventually;
use plugpipe_contract::responses::{
    Deleted, Flushed, Mock, PushOutcome, PushRemarks, PushReport, Pushed, RecordPush, Unpushed, UnpushedReason,
};

/// Why something is pushed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trigger {
    /// Something was recorded.
    Record,
    /// The host delivers. It waits by itself after failures, and the last delivery before it ends
    /// has no later one, so that an open circuit does not stop it. The request fails if a push
    /// does.
    Host,
    /// Somebody asked for it by name.
    Request,
}

impl Trigger {
    /// Whether the response is about the push.
    fn is_asked(self) -> bool {
        self != Self::Record
    }

    fn target(self, call: &Call, config: &Config, gateway: &Url, own: bool) -> Result<Target, Error> {
        let mut target = Target::of(config, gateway, call.base, self == Self::Request, own)?;
        target.how.asked = self.is_asked();
        Ok(target)
    }
}

/// Wants groups with keys of their own to be pushed, those that `wanted` picks by what is due, when
/// it was tried, and how the group is pushed.
fn want_others(call: &mut Call, trigger: Trigger, wanted: &dyn Fn(&Pending, &Config) -> bool) {
    let mut groups = core::mem::take(&mut call.groups.list);
    for group in &mut groups {
        want_other(call, group, trigger, wanted);
    }
    call.groups.list = groups;
}

fn want_other(call: &mut Call, group: &mut OwnGroup, trigger: Trigger, wanted: &dyn Fn(&Pending, &Config) -> bool) {
    let config = group.config(call.base);
    let Some(gateway) = config.gateway_url.clone().filter(|_| wanted(&group.pending, &config)) else { return };
    let preflight = call.config.preflight;
    let Ok(mut target) = trigger.target(call, &config, &gateway, true) else { return };
    target.check = preflight.unwrap_or(trigger == Trigger::Request);
    let role = Role::Other { asked: trigger.is_asked(), group: redacted(&target.url()) };
    want(&mut call.within(group, &config), target, role, Vec::new());
}

/// Wants a push of the call's group; one to a gateway that is left alone has failed already.
fn want(call: &mut Call, target: Target, role: Role, series: Vec<u32>) {
    call.pending.tried = Some(call.unix_nanos);
    let origin = target.gateway.origin();
    let now = core::time::Duration::from_nanos(call.unix_nanos);
    let resting = call.circuits.open_for(&origin, now).filter(|_| !target.how.asked);
    let task = match resting {
        Some(left) => {
            call.telemetry.push_failures += 1;
            let (server, setting) = (pushgateway::PEER.server, pushgateway::PEER.setting);
            let failure = Failure::CircuitOpen { left };
            Err(told_of_failure(&ClientError::Unanswered { server, origin, setting, failure }.into()))
        }
        None => Ok(Wanted::Push { version: call.pending.changes(), series, target: Rc::new(target) }),
    };
    call.next.wants.push(Want { role, task });
}

/// Wants a push of the call's group.
fn want_own(call: &mut Call, gateway: &Url, trigger: Trigger, says_group: bool, series: Vec<u32>) -> Result<(), Error> {
    let target = trigger.target(call, call.config, gateway, call.own)?;
    let group = says_group.then(|| redacted(&target.url()));
    want(call, target, Role::Own { asked: trigger.is_asked(), group }, series);
    Ok(())
}

/// Pushes recorded metrics to this plug's group, and pending ones to groups with their own keys. If
/// the call has its own key, pushes only that group. With `dry_run`, nothing is sent, and the
/// result lists the conflicts because of which the gateway would reject the push.
pub fn push(call: &mut Call, request: &PushMetrics) -> Result<(Pushed, PushReport), Error> {
    call.pushes.reported = true;
    if call.config.push_mode == Mode::Delete {
        let Eventually::Now((Deleted { deleted, .. }, Mock { mock })) = delete(call, &NoFields {})? else {
            return Ok((Pushed::default(), PushReport::default()));
        };
        let beside = PushRemarks { mock, ..PushRemarks::default() };
        return Ok((
            Pushed { deleted: Some(deleted), ..Pushed::default() },
            PushReport { beside, ..PushReport::default() },
        ));
    }
    let response = Pushed { series: Some(call.registry.len() as u64), ..Pushed::default() };
    if call.config.mock {
        return Ok((response, not_pushed(PushRemarks { mock: true, ..PushRemarks::default() })));
    }
    let gateway = gateway(call)?.clone();
    let is_unused = !call.pending.is_used() && call.registry.is_empty();
    if call.own && is_unused {
        let problem = format!(
            "nothing was recorded under {}; record with the same job_name, instance and grouping_key, or omit them here",
            own_groups::group_text(&call.config.group()?)
        );
        return Err(Error::invalid("job_name", problem));
    }
    if request.dry_run.or(false) {
        let target = Target { dry: true, ..Target::of(call.config, &gateway, call.base, true, call.own)? };
        let task = Wanted::Push { version: call.pending.changes(), series: Vec::new(), target: Rc::new(target) };
        call.next.wants.push(Want { role: Role::Own { asked: true, group: None }, task: Ok(task) });
        return Ok((response, PushReport::default()));
    }
    // Nobody wants an empty group where all that was recorded has keys of its own.
    let own = !is_unused || call.groups.series() == 0;
    if own {
        want_own(call, &gateway, Trigger::Request, true, Vec::new())?;
    }
    if !call.own {
        want_others(call, Trigger::Request, &|pending, _| pending.is_due());
    }
    if call.next.wants.is_empty() {
        return Ok((response, not_pushed(PushRemarks::default())));
    }
    call.next.finish = Finish::Push(own);
    Ok((response, PushReport::default()))
}

fn not_pushed(beside: PushRemarks) -> PushReport {
    PushReport { outcome: PushOutcome { metric_pushed: Some(false), ..PushOutcome::default() }, beside }
}

/// Pushes what no gateway has accepted yet, of all groups, for hosts that are about to end. Nothing
/// to push, and a policy by which only `push_metrics` pushes, are fine too. With `dry_run` nothing
/// is pushed, and the response says what would be lost.
pub fn flush(call: &mut Call, request: &PushMetrics) -> Result<(Eventually<Flushed>, PushReport), Error> {
    call.pushes.reported = true;
    let dry_run = request.dry_run.or(false);
    let wanted = |pending: &Pending, config: &Config| !dry_run && pending.is_due() && pushes_itself(config);
    let gateway = call.config.gateway_url.clone().filter(|_| wanted(call.pending, call.config));
    let own = gateway.is_some();
    if let Some(gateway) = gateway {
        want_own(call, &gateway, Trigger::Host, false, Vec::new())?;
    }
    if !call.own {
        want_others(call, Trigger::Host, &wanted);
    }
    if call.next.wants.is_empty() {
        let is_due = call.pending.is_due() || (!call.own && call.groups.is_due());
        return Ok((Eventually::Now(unpushed(call.config, is_due)), not_pushed(PushRemarks::default())));
    }
    let group = if call.own { Some(call.config.group()?) } else { None };
    call.next.finish = Finish::Flush { own, group, reason: reason(call.config) };
    Ok((Eventually::Later, PushReport::default()))
}

/// Whether some values have not reached a gateway, and why.
fn unpushed(config: &Config, unpushed: bool) -> Flushed {
    Flushed { unpushed, unpushed_reason: unpushed.then(|| reason(config)) }
}

/// Why values that have reached no gateway have not.
pub fn reason(config: &Config) -> UnpushedReason {
    match () {
        () if config.mock => UnpushedReason::MockMode,
        () if config.gateway_url.is_none() => UnpushedReason::NoGateway,
        () if config.push_policy == PushPolicy::Manual => UnpushedReason::Manual,
        () if config.push_mode == Mode::Delete => UnpushedReason::DeleteMode,
        () => UnpushedReason::NotAccepted,
    }
}

/// Deletes exactly this plug's group. What was recorded stays, and comes back with the first push
/// after something else was recorded.
pub fn delete(call: &mut Call, _: &NoFields) -> Result<Eventually<(Deleted, Mock)>, Error> {
    call.pushes.reported = true;
    if call.config.mock {
        return Ok(Eventually::Now((Deleted { deleted: false, group: None }, Mock { mock: true })));
    }
    let gateway = gateway(call)?;
    let target = Target::of(call.config, gateway, call.base, true, call.own)?;
    let url = target.url();
    let task = DeleteTask {
        url: url.clone(),
        how: How::asked(call.config),
        settles: target.settles.then_some(Settles(target.group)),
        cleanup: false,
    };
    call.next.wants.push(Want { role: Role::Delete { group: redacted(&url) }, task: Ok(Wanted::Delete(task)) });
    Ok(Eventually::Later)
}

/// Pushes what was recorded, where a gateway is configured and the policy says so. `series` are
/// those of the record.
#[inline]
pub fn after_record(call: &mut Call, series: impl FnOnce() -> Vec<u32>) -> RecordPush {
    call.pushes.reported = true;
    let now = match call.config.push_policy {
        PushPolicy::OnRecord => true,
        PushPolicy::Manual => false,
        PushPolicy::Interval => interval_is_over(call.pending, call.config, call.unix_nanos),
    };
    if call.config.gateway_url.is_none() || !now || !pushes_itself(call.config) {
        return RecordPush::Untried(Unpushed { metric_pushed: false, mock: call.config.mock });
    }
    want_after_record(call, series())
}

#[inline(never)]
fn want_after_record(call: &mut Call, series: Vec<u32>) -> RecordPush {
    let Some(gateway) = call.config.gateway_url.clone() else { return RecordPush::Due };
    match want_own(call, &gateway, Trigger::Record, false, series) {
        Ok(()) => RecordPush::Due,
        Err(error) => {
            let outcome = failed_outcome(&error);
            RecordPush::Tried(Box::new(PushReport { outcome, ..PushReport::default() }))
        }
    }
}

/// Pushes what the policy `interval` has let wait for long enough, of any group, with whatever call
/// comes next.
pub fn overdue(call: &mut Call) {
    let now = call.unix_nanos;
    let wanted = |pending: &Pending, config: &Config| {
        pending.is_due() && pushes_itself(config) && interval_is_over(pending, config, now)
    };
    let gateway = call.base.gateway_url.clone();
    if let Some(gateway) = gateway.filter(|_| !call.pushes.reported && wanted(call.pending, call.base)) {
        // The plug's own key is a valid one.
        let _ = want_own(call, &gateway, Trigger::Record, false, Vec::new());
    }
    want_others(call, Trigger::Record, &wanted);
}

/// Pushes groups again that were deleted from the gateway after something was recorded: what `wanted`
/// picks, as after a record.
pub fn again(call: &mut Call, wanted: &dyn Fn(&Config) -> bool) {
    let wanted = |pending: &Pending, config: &Config| {
        pending.is_due() && config.push_policy == PushPolicy::OnRecord && pushes_itself(config) && wanted(config)
    };
    let gateway = call.base.gateway_url.clone().filter(|_| wanted(call.pending, call.base));
    // The plug's own key is a valid one.
    if let Some(Ok(target)) = gateway.map(|gateway| Target::of(call.base, &gateway, call.base, false, call.own)) {
        let role = Role::Other { asked: false, group: redacted(&target.url()) };
        want(call, target, role, Vec::new());
    }
    want_others(call, Trigger::Record, &wanted);
}

/// Whether automatic pushes are enabled.
#[inline]
fn pushes_itself(config: &Config) -> bool {
    !config.mock && config.push_policy != PushPolicy::Manual && config.push_mode != Mode::Delete
}

/// Whether the last push was tried an interval ago, or never.
fn interval_is_over(pending: &Pending, config: &Config, now: u64) -> bool {
    let interval = u64::try_from(config.push_interval.as_nanos()).unwrap_or(u64::MAX);
    pending.tried.is_none_or(|tried| now.saturating_sub(tried) >= interval)
}

/// The configured gateway.
pub(super) fn gateway<'c>(call: &Call<'c>) -> Result<&'c Url, Error> {
    call.config.gateway_url.as_ref().ok_or(Error::NotConfigured {
        field: "gateway_url",
        todo: "set it to a Pushgateway, for example {\"prometheus_config\": {\"gateway_url\": \"http://127.0.0.1:9091\"}}",
    })
}
