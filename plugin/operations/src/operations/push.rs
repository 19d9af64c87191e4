//! `push_metrics`, `flush_metrics` and `delete_metrics`; automatic pushes after a record or at
//! intervals; and the deletion of groups by `cleanup`.

use core::time::Duration;

use super::call::Call;
use super::own_groups::{self, Pending};
use super::pushes::Pushes;
use super::{definition, resets};
use crate::config::{Config, PushPolicy};
use crate::error::{ClientError, Error, report_conflicts};
use crate::exposition::negotiate::Format;
use crate::exposition::plain;
use crate::http::{Client, Failure, Limits, Response, Retry, Url, redacted};
use crate::registry::Kind;
use crate::servers::pushgateway::groups::{Abilities, Held, OwnFamily, groups, own_families};
use crate::servers::pushgateway::preflight::{self, Conflict, Target};
use crate::servers::pushgateway::{self, Body, Group, Mode};
use plugpipe_contract::requests::{NoFields, NoteExchange, PushMetrics, SettledGroup};
use plugpipe_contract::responses::{
    CleanedGroups, Deleted, Flushed, GroupLeft, GroupPush, Mock, Noted, PushOutcome, PushRemarks, PushReport, Pushed,
    RecordPush, Settled, Unpushed, UnpushedReason,
};

/// The maximum number of replaced counters in a response.
const MAX_REPLACED: usize = 20;

/// The URL and push outcome of a group other than the call's.
type OtherPush = (String, Result<PushOutcome, Error>);

/// Pushes the groups with their own keys that `wanted` selects by pending changes and
/// configuration.
fn push_others(call: &mut Call, explicit: bool, wanted: &dyn Fn(&Pending, &Config) -> bool) -> Vec<OtherPush> {
    let mut groups = core::mem::take(&mut call.groups.list);
    let mut others = Vec::new();
    for group in &mut groups {
        let config = group.config(call.base);
        let Some(gateway) = config.gateway_url.clone().filter(|_| wanted(&group.pending, &config)) else { continue };
        let Ok(key) = config.group() else { continue };
        let limits = if explicit { config.limits() } else { config.push_limits() };
        let check = call.config.preflight.unwrap_or(explicit);
        let outcome = send(&mut call.within(group, &config), &gateway, limits, explicit, check);
        others.push((redacted(&key.url(&gateway)), outcome));
    }
    call.groups.list = groups;
    others
}

/// The push outcomes of other groups.
fn group_pushes(others: &[OtherPush]) -> Vec<GroupPush> {
    others.iter().map(|(group, pushed)| GroupPush { group: group.clone(), outcome: outcome(pushed) }).collect()
}

/// The error of the first failed push.
fn first_error(others: Vec<OtherPush>) -> Result<(), Error> {
    others.into_iter().find_map(|(_, outcome)| outcome.err()).map_or(Ok(()), Err)
}

/// Pushes recorded metrics to this plug's group, and pending ones to groups with their own keys. If
/// the call has its own key, pushes only that group. With `dry_run`, nothing is sent, and the
/// result lists the conflicts because of which the gateway would reject the push.
pub fn push(call: &mut Call, request: &PushMetrics) -> Result<(Pushed, PushReport), Error> {
    call.pushes.reported = true;
    if call.config.push_mode == Mode::Delete {
        let (Deleted { deleted, group }, Mock { mock }) = delete(call, &NoFields {})?;
        let response = Pushed { deleted: Some(deleted), group, ..Pushed::default() };
        return Ok((
            response,
            PushReport { beside: PushRemarks { mock, ..PushRemarks::default() }, ..PushReport::default() },
        ));
    }
    let mut response = Pushed { series: Some(call.registry.len() as u64), ..Pushed::default() };
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
        return check_only(call, &gateway, response);
    }
    let mut report = PushReport::default();
    let mut failed = Ok(());
    // Do not push an empty group if all metrics were recorded under other keys.
    let mut pushed = !is_unused || call.groups.series() == 0;
    if pushed {
        let check = call.config.preflight.unwrap_or(true);
        match send(call, &gateway, call.config.limits(), true, check) {
            Ok(outcome) => {
                response.group = Some(redacted(&call.config.group()?.url(&gateway)));
                report.outcome = outcome;
            }
            Err(error) => failed = Err(error),
        }
    }
    if !call.own {
        let others = push_others(call, true, &|pending, _| pending.is_due());
        pushed |= !others.is_empty();
        report.beside.groups_pushed = group_pushes(&others);
        failed = failed.and(first_error(others));
    }
    failed?;
    report.outcome.metric_pushed = Some(pushed);
    Ok((response, report))
}

fn not_pushed(beside: PushRemarks) -> PushReport {
    PushReport { outcome: PushOutcome { metric_pushed: Some(false), ..PushOutcome::default() }, beside }
}

fn check_only(call: &mut Call, gateway: &Url, response: Pushed) -> Result<(Pushed, PushReport), Error> {
    let group = call.config.group()?;
    let limits = call.config.limits();
    let abilities = abilities(call, gateway, limits, true)?;
    let conflicts = conflicts(call, gateway, &group, limits, true, abilities)?;
    let response = Pushed {
        dry_run: true,
        would_be_accepted: Some(conflicts.is_empty()),
        group: Some(redacted(&group.url(gateway))),
        ..response
    };
    let mut report = not_pushed(PushRemarks::default());
    report.outcome.conflicts = Some(report_conflicts(&conflicts));
    Ok((response, report))
}

/// Pushes pending changes of all groups, for hosts that are about to exit. Succeeds if nothing is
/// pending or only `push_metrics` may push. With `dry_run`, nothing is pushed, and the response
/// tells what would be lost.
pub fn flush(call: &mut Call, request: &PushMetrics) -> Result<(Flushed, PushReport), Error> {
    call.pushes.reported = true;
    let dry_run = request.dry_run.or(false);
    let wanted = |pending: &Pending, config: &Config| !dry_run && pending.is_due() && pushes_itself(config);
    let gateway = call.config.gateway_url.clone().filter(|_| wanted(call.pending, call.config));
    let is_due = gateway.is_some() || (!call.own && any_other(call, &wanted));
    if is_due && call.config.defer_push {
        return Ok((unpushed(call.config, true), defer(call, &wanted)));
    }
    let mut report = PushReport::default();
    let mut failed = Ok(());
    let mut pushed = is_due;
    if let Some(gateway) = gateway {
        match send(call, &gateway, call.config.push_limits(), false, call.config.preflight.unwrap_or(false)) {
            Ok(outcome) => report.outcome = outcome,
            Err(error) => failed = Err(error),
        }
    }
    if !call.own {
        let others = push_others(call, false, &wanted);
        pushed &= others.iter().all(|(_, outcome)| outcome.is_ok());
        report.beside.groups_pushed = group_pushes(&others);
        failed = failed.and(first_error(others));
    }
    failed?;
    report.outcome.metric_pushed = Some(pushed);
    let is_due = call.pending.is_due() || (!call.own && call.groups.is_due());
    Ok((unpushed(call.config, is_due), report))
}

/// Whether some values have not reached a gateway, and why.
fn unpushed(config: &Config, unpushed: bool) -> Flushed {
    let reason = || match () {
        () if config.mock => UnpushedReason::MockMode,
        () if config.gateway_url.is_none() => UnpushedReason::NoGateway,
        () if config.push_policy == PushPolicy::Manual => UnpushedReason::Manual,
        () if config.push_mode == Mode::Delete => UnpushedReason::DeleteMode,
        () => UnpushedReason::NotAccepted,
    };
    Flushed { unpushed, unpushed_reason: unpushed.then(reason) }
}

/// Deletes only the call's group. Recorded metrics are kept and pushed again after the next record.
pub fn delete(call: &mut Call, _: &NoFields) -> Result<(Deleted, Mock), Error> {
    call.pushes.reported = true;
    if call.config.mock {
        return Ok((Deleted { deleted: false, group: None }, Mock { mock: true }));
    }
    let url = call.config.group()?.url(gateway(call)?);
    let outcomes = pushgateway::delete(&mut call.client(call.config.limits(), true), std::slice::from_ref(&url));
    outcomes.into_iter().collect::<Result<(), ClientError>>()?;
    call.pushes.groups.retain(|known| *known != url);
    settle(call);
    Ok((Deleted { deleted: true, group: Some(redacted(&url)) }, Mock::default()))
}

/// Settles the call's group, except if the configured group was pushed to a gateway given only in
/// the call.
fn settle(call: &mut Call) {
    if call.own || call.base.gateway_url.is_none() || call.config.gateway_url == call.base.gateway_url {
        call.pending.settle();
    }
}

/// Pushes recorded metrics if a gateway is configured and the policy is to push now.
#[inline]
pub fn after_record(call: &mut Call) -> RecordPush {
    call.pushes.reported = true;
    let now = match call.config.push_policy {
        PushPolicy::OnRecord => true,
        PushPolicy::Manual => false,
        PushPolicy::Interval => interval_is_over(call.pending, call.config, call.transport.monotonic()),
    };
    let gateway = call.config.gateway_url.as_ref().filter(|_| now && pushes_itself(call.config)).cloned();
    match gateway {
        Some(_) if call.config.defer_push => RecordPush::Tried(Box::new(defer(call, &|_, _| false))),
        Some(gateway) => RecordPush::Tried(Box::new(push_automatically(call, &gateway))),
        None => RecordPush::Untried(Unpushed { mock: call.config.mock, ..Unpushed::default() }),
    }
}

/// Pushes all groups whose push interval is over; called at the end of every call.
pub fn overdue(call: &mut Call) -> PushReport {
    let now = call.transport.monotonic();
    let wanted = |pending: &Pending, config: &Config| {
        pending.is_due() && pushes_itself(config) && interval_is_over(pending, config, now)
    };
    let gateway = call.base.gateway_url.clone();
    let gateway = gateway.filter(|_| !call.pushes.reported && wanted(call.pending, call.base));
    if call.base.defer_push {
        // A response tells at most once that a push is due; the next response covers the rest.
        let is_due = !call.pushes.reported && (gateway.is_some() || any_other(call, &wanted));
        return if is_due { defer(call, &wanted) } else { PushReport::default() };
    }
    let mut report = gateway.map(|gateway| push_automatically(call, &gateway)).unwrap_or_default();
    report.beside.groups_pushed = group_pushes(&push_others(call, false, &wanted));
    report
}

/// Whether `wanted` selects another group that has a gateway.
fn any_other(call: &Call, wanted: &dyn Fn(&Pending, &Config) -> bool) -> bool {
    call.groups.list.iter().any(|group| {
        let config = group.config(call.base);
        config.gateway_url.is_some() && wanted(&group.pending, &config)
    })
}

/// Reports that a push is due, which the host makes in another instance.
fn defer(call: &mut Call, wanted: &dyn Fn(&Pending, &Config) -> bool) -> PushReport {
    let now = Some(call.transport.monotonic());
    call.pending.tried = now;
    for group in &mut call.groups.list {
        if wanted(&group.pending, &group.config(call.base)) {
            group.pending.tried = now;
        }
    }
    not_pushed(PushRemarks { push_due: true, ..PushRemarks::default() })
}

/// `push_recorded`: makes the push that another instance with the same contents reported as due;
/// the result is that of a record's push. Other groups whose push interval is over are pushed as
/// after any call.
pub fn recorded(call: &mut Call, _: &NoFields) -> Result<PushReport, Error> {
    call.pushes.reported = true;
    let gateway = call.config.gateway_url.clone().filter(|_| pushes_itself(call.config));
    let mut report = not_pushed(PushRemarks::default());
    match gateway {
        Some(gateway) if call.pending.is_due() => report = push_automatically(call, &gateway),
        // An earlier push included these changes.
        Some(_) => report.outcome.metric_pushed = Some(call.pending.is_used()),
        None => {}
    }
    Ok(report)
}

/// `note_exchange`: updates this instance's own metrics and pending changes after another
/// instance's exchange with servers. Takes `elapsed_ms`; for a push `metric_pushed`; for a write or
/// export `values_lost`; and `settled`, which the other instance returns for `tell`: the last
/// change of each group that a gateway accepted or that was followed by deleting the group.
pub fn noted(call: &mut Call, request: &NoteExchange) -> Result<Noted, Error> {
    call.pushes.reported = true;
    if request.tell.or(false) {
        return Ok(Noted { noted: false, settled: Some(settled(call)) });
    }
    if let Some(elapsed) = request.elapsed_ms.get() {
        call.telemetry.exchanged(Duration::from_millis(elapsed));
    }
    call.telemetry.values_lost += request.values_lost.get().unwrap_or(0);
    if let Some(pushed) = request.metric_pushed.get() {
        call.telemetry.pushes += u64::from(pushed);
        call.telemetry.push_failures += u64::from(!pushed);
    }
    apply_settled(call, request.settled.as_deref().unwrap_or_default())?;
    Ok(Noted { noted: true, settled: None })
}

/// The last settled change of each group, for the instance that this one was copied from.
fn settled(call: &Call) -> Vec<Settled> {
    let others = call.groups.list.iter().map(|group| Settled {
        job: Some(group.key.job.clone()),
        labels: Some(
            group.key.labels.iter().map(|(name, value)| (name.as_str().to_owned(), value.to_owned())).collect(),
        ),
        up_to: group.pending.settled,
    });
    let own = Settled { up_to: call.pending.settled, ..Settled::default() };
    core::iter::once(own).chain(others).collect()
}

/// Applies the output of [`settled`].
fn apply_settled(call: &mut Call, settled: &[SettledGroup]) -> Result<(), Error> {
    for (index, item) in settled.iter().enumerate() {
        let up_to = item.up_to.get().unwrap_or(0);
        let Some(job) = item.job.to_owned() else {
            call.pending.settle_up_to(up_to);
            continue;
        };
        let labels = definition::labels(&item.labels, true, &format!("settled[{index}].labels"))?;
        let key = Group { job, labels };
        if let Some(group) = call.groups.list.iter_mut().find(|group| group.key == key) {
            group.pending.settle_up_to(up_to);
        }
    }
    Ok(())
}

/// Whether automatic pushes are enabled.
#[inline]
fn pushes_itself(config: &Config) -> bool {
    !config.mock && config.push_policy != PushPolicy::Manual && config.push_mode != Mode::Delete
}

/// Whether the last push attempt was an interval ago, or never.
fn interval_is_over(pending: &Pending, config: &Config, now: Duration) -> bool {
    pending.tried.is_none_or(|tried| now.saturating_sub(tried) >= config.push_interval)
}

/// An automatic push: it has a shorter timeout, and its failure does not fail the operation.
fn push_automatically(call: &mut Call, gateway: &Url) -> PushReport {
    let pushed = send(call, gateway, call.config.push_limits(), false, call.config.preflight.unwrap_or(false));
    PushReport { outcome: outcome(&pushed), ..PushReport::default() }
}

/// The outcome of an automatic push.
fn outcome(pushed: &Result<PushOutcome, Error>) -> PushOutcome {
    match pushed {
        Ok(outcome) => PushOutcome { metric_pushed: Some(true), ..outcome.clone() },
        Err(error) => PushOutcome {
            metric_pushed: Some(false),
            push_error: Some(format!(
                "Failed to push metrics to gateway: {error}. The value stays recorded, and the next push of this process carries it."
            )),
            push_error_code: Some(error.code()),
            push_origin: error.origin().map(str::to_owned),
            conflicts: error.conflicts(),
            ..PushOutcome::default()
        },
    }
}

fn send(
    call: &mut Call,
    gateway: &Url,
    limits: Limits,
    bypass_breaker: bool,
    check: bool,
) -> Result<PushOutcome, Error> {
    call.pending.tried = Some(call.transport.monotonic());
    let sent = try_to_send(call, gateway, limits, bypass_breaker, check);
    call.telemetry.pushes += u64::from(sent.is_ok());
    call.telemetry.push_failures += u64::from(sent.is_err());
    let sent = sent?;
    settle(call);
    Ok(sent)
}

fn try_to_send(
    call: &mut Call,
    gateway: &Url,
    limits: Limits,
    bypass_breaker: bool,
    check: bool,
) -> Result<PushOutcome, Error> {
    let group = call.config.group()?;
    let natives = call.registry.names_of(Kind::NativeHistogram);
    let abilities = match () {
        // The gateway may have been replaced since the last status request.
        () if check => abilities(call, gateway, limits, bypass_breaker)?,
        () if natives.is_empty() && group.odd_name().is_none() => Abilities::default(),
        () => known_abilities(call, gateway, limits, bypass_breaker)?,
    };
    check_names(&group, abilities)?;
    let mut outcome = PushOutcome::default();
    if check {
        match conflicts(call, gateway, &group, limits, bypass_breaker, abilities) {
            Ok(conflicts) if conflicts.is_empty() => {}
            Ok(conflicts) => {
                return Err(Error::Client(ClientError::PushConflict {
                    origin: gateway.origin(),
                    reply: None,
                    conflicts,
                }));
            }
            Err(error) => outcome.preflight_skipped = Some(skip_reason(error)?),
        }
    }
    outcome.replaced = resets::find(call, gateway, &group, limits, bypass_breaker);
    outcome.counters_replaced = Some(outcome.replaced.len() as u64).filter(|count| *count > 0);
    outcome.replaced.truncate(MAX_REPLACED);
    let (bytes, choice) = call.expose(plain(format(&natives, abilities)))?;
    if choice.format != Format::Protobuf && !natives.is_empty() {
        let reason = match abilities.version {
            Some((major, minor)) => format!(
                "the gateway has version {major}.{minor}, but native histograms need 1.8 or later: only their sum and count were sent"
            ),
            None => {
                "the gateway does not report its version: only the sum and count of native histograms were sent".into()
            }
        };
        (outcome.downgraded, outcome.downgrade_reason) = (natives, Some(reason));
    }
    let gzip = call.config.push_gzip;
    let bytes = if gzip { crate::http::gzip::compress(&bytes) } else { bytes };
    let body = Body { content_type: choice.content_type(), bytes, gzip };
    let adds = call.config.push_mode == Mode::Add;
    let url = group.url(gateway);
    match pushgateway::push(&mut call.client(limits, bypass_breaker), &url, adds, body) {
        Ok(()) => {}
        Err(error @ ClientError::Refused { status: 400, .. }) => {
            let found = conflicts(call, gateway, &group, limits, bypass_breaker, abilities).unwrap_or_default();
            return Err(with_conflicts(error, found).into());
        }
        Err(error) => return Err(error.into()),
    }
    call.pushes.remember(url);
    Ok(outcome)
}

/// Pushes text 0.0.4 from outside the registry to a group. `families` is the parsed text. Returns
/// why the conflict check was skipped, if it was.
pub fn push_text(
    call: &mut Call,
    gateway: &Url,
    group: &Group,
    families: &[preflight::Family],
    text: &[u8],
) -> Result<Option<String>, Error> {
    let limits = call.config.limits();
    let abilities = abilities(call, gateway, limits, true)?;
    check_names(group, abilities)?;
    let adds = call.config.push_mode == Mode::Add;
    let check = |call: &mut Call| {
        check_groups(call, gateway, limits, true, &mut |_, held, own| {
            let target = Target { group, adds, held, own, unchecked: abilities.unchecked };
            Ok(preflight::check(families, &target))
        })
    };
    let mut unchecked = None;
    if call.config.preflight.unwrap_or(true) {
        match check(call) {
            Ok(conflicts) if conflicts.is_empty() => {}
            Ok(conflicts) => {
                return Err(Error::Client(ClientError::PushConflict {
                    origin: gateway.origin(),
                    reply: None,
                    conflicts,
                }));
            }
            Err(error) => unchecked = Some(skip_reason(error)?),
        }
    }
    let gzip = call.config.push_gzip;
    let bytes = if gzip { crate::http::gzip::compress(text) } else { text.to_vec() };
    let body = Body { content_type: plain(Format::Text004).content_type(), bytes, gzip };
    let url = group.url(gateway);
    let pushed = pushgateway::push(&mut call.client(limits, true), &url, adds, body);
    call.telemetry.pushes += u64::from(pushed.is_ok());
    call.telemetry.push_failures += u64::from(pushed.is_err());
    match pushed {
        Ok(()) => call.pushes.remember(url),
        Err(error @ ClientError::Refused { status: 400, .. }) => {
            let found = check(call).unwrap_or_default();
            return Err(with_conflicts(error, found).into());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(unchecked)
}

/// Rejects label names that the gateway would misinterpret.
fn check_names(group: &Group, abilities: Abilities) -> Result<(), Error> {
    match group.odd_name() {
        Some(name) if !abilities.utf8 && abilities.version.is_some() => {
            let problem = "this gateway supports only names of letters, digits and _; start it with --push.enable-utf8-names, or rename the label";
            Err(Error::invalid(format!("grouping_key.{name}"), problem))
        }
        _ => Ok(()),
    }
}

/// The reason for pushing without a conflict check, if the gateway is available and may still
/// accept the push.
fn skip_reason(error: Error) -> Result<String, Error> {
    match error {
        Error::Client(
            ClientError::Refused { .. }
            | ClientError::BadAnswer { .. }
            | ClientError::Unanswered { failure: Failure::TooLong { .. }, .. },
        ) => Ok(error.to_string()),
        error => Err(error),
    }
}

/// A gateway's rejection, with the conflicts that explain it.
fn with_conflicts(error: ClientError, conflicts: Vec<Conflict>) -> ClientError {
    match error {
        ClientError::Refused { origin, reply, .. } if !conflicts.is_empty() => {
            ClientError::PushConflict { origin, reply: Some(reply), conflicts }
        }
        error => error,
    }
}

fn format(natives: &[String], abilities: Abilities) -> Format {
    if !natives.is_empty() && abilities.takes_native_histograms() { Format::Protobuf } else { Format::Text004 }
}

/// The gateway's abilities, cached from the last status request.
fn known_abilities(call: &mut Call, gateway: &Url, limits: Limits, bypass_breaker: bool) -> Result<Abilities, Error> {
    match &call.pushes.gateway {
        Some((origin, abilities)) if *origin == gateway.origin() => Ok(*abilities),
        _ => abilities(call, gateway, limits, bypass_breaker),
    }
}

/// Fetches the gateway's abilities.
fn abilities(call: &mut Call, gateway: &Url, limits: Limits, bypass_breaker: bool) -> Result<Abilities, Error> {
    let request = pushgateway::status_request(gateway);
    let mut client = call.client(limits, bypass_breaker);
    client.retry = Retry::ONCE;
    let response = client.send(pushgateway::PEER, request)?;
    let abilities = Abilities::read(&response);
    call.pushes.gateway = Some((gateway.origin(), abilities));
    Ok(abilities)
}

/// The conflicts because of which the gateway would reject the recorded metrics.
fn conflicts(
    call: &mut Call,
    gateway: &Url,
    group: &Group,
    limits: Limits,
    bypass_breaker: bool,
    abilities: Abilities,
) -> Result<Vec<Conflict>, Error> {
    check_groups(call, gateway, limits, bypass_breaker, &mut |call, held, own| {
        if call.config.own_metrics {
            call.telemetry.publish(call.registry)?;
        }
        let families = call.registry.read(call.unix_nanos / 1_000_000);
        let adds = call.config.push_mode == Mode::Add;
        let target = Target { group, adds, held, own, unchecked: abilities.unchecked };
        Ok(preflight::check(&preflight::of(&families), &target))
    })
}

/// Finds conflicts with the groups on a gateway and with the gateway's own metrics.
type Check<'c> = &'c mut dyn FnMut(&mut Call, &[Held], &[OwnFamily]) -> Result<Vec<Conflict>, Error>;

/// Fetches the groups on the gateway and checks them.
fn check_groups(
    call: &mut Call,
    gateway: &Url,
    limits: Limits,
    bypass_breaker: bool,
    check: Check,
) -> Result<Vec<Conflict>, Error> {
    let request = pushgateway::groups_request(gateway);
    let url = request.url.clone();
    let mut client = call.client(limits, bypass_breaker);
    // Only the push itself is retried; the check adds no waits.
    client.retry = Retry::ONCE;
    let text = |response: &Response| String::from_utf8_lossy(&response.body).into_owned();
    let response = client.send(pushgateway::PEER, request)?;
    let held_text = text(&response);
    let held = groups(&url, &response, &held_text)?;
    // Fetched last, because some of the gateway's metrics appear with the first request. Metrics
    // under another path are not checked.
    let response = client.send(pushgateway::PEER, pushgateway::metrics_request(gateway))?;
    let own_text = text(&response);
    let own = if response.status == 200 { own_families(&own_text) } else { Vec::new() };
    check(call, &held, &own)
}

/// The configured gateway.
pub(super) fn gateway<'c>(call: &Call<'c>) -> Result<&'c Url, Error> {
    call.config.gateway_url.as_ref().ok_or(Error::NotConfigured {
        field: "gateway_url",
        todo: "set it to a Pushgateway, for example {\"prometheus_config\": {\"gateway_url\": \"http://127.0.0.1:9091\"}}",
    })
}

/// Deletes all pushed groups concurrently within the push timeout, unless disabled by the
/// configuration. `None` if no group was pushed.
pub fn clean(pushes: &mut Pushes, client: &mut Client, config: &Config) -> Option<CleanedGroups> {
    let groups = core::mem::take(&mut pushes.groups);
    if groups.is_empty() {
        return None;
    }
    let outcomes = if config.delete_on_cleanup { pushgateway::delete(client, &groups) } else { Vec::new() };
    let mut cleaned = CleanedGroups::default();
    for (index, group) in groups.iter().map(redacted).enumerate() {
        match outcomes.get(index) {
            Some(Ok(())) => cleaned.groups_deleted.push(group),
            Some(Err(error)) => {
                let error = Some(Error::from(error.clone()).report());
                cleaned.groups_left.push(GroupLeft { group, error });
            }
            None => cleaned.groups_left.push(GroupLeft { group, error: None }),
        }
    }
    Some(cleaned)
}
