//! `push_metrics`, `flush_metrics` and `delete_metrics`; the pushes that follow a record or come in intervals; and what `cleanup`
//! deletes.

use core::time::Duration;

use super::{Answer, Call, resets};
use crate::config::{Config, PushPolicy};
use crate::error::Error;
use crate::exposition::negotiate::Format;
use crate::exposition::plain;
use crate::http::{Client, Failure, Limits, Response, Retry, Url, shown};
use crate::json::Json;
use crate::registry::{Kind, Registry};
use crate::servers::pushgateway::groups::{Abilities, Held, OwnFamily, groups, own_families};
use crate::servers::pushgateway::preflight::{self, Conflict, Target};
use crate::servers::pushgateway::{self, Body, Group, Mode};

/// Groups are few, but may come from each call's `ctx`: no more than this many are remembered for `cleanup`.
const MOST_GROUPS: usize = 64;

/// What is remembered of pushes.
#[derive(Debug, Default)]
pub(super) struct Pushes {
    /// The URLs of the groups that a gateway accepted and that were not deleted since, each once.
    groups: Vec<Url>,
    /// When a push was tried last.
    tried: Option<Duration>,
    /// What the gateway that was asked last can do, and its origin.
    gateway: Option<(String, Abilities)>,
    /// The URLs of the groups whose counters were compared with those of the registry.
    pub(super) compared: Vec<Url>,
}

/// A push that the gateway accepted.
struct Sent {
    /// Native histograms of which only sum and count were sent, and why.
    downgraded: Option<(Vec<String>, String)>,
    /// Why the push was not checked before, though it should have been.
    unchecked: Option<String>,
    /// Totals of the group that the push did not raise.
    replaced: Vec<resets::Replaced>,
}

impl Sent {
    fn write_into(&self, answer: &mut Answer) {
        if let Some((metrics, reason)) = &self.downgraded {
            answer.texts("downgraded", metrics.iter().map(String::as_str));
            answer.text("downgrade_reason", reason);
        }
        if let Some(reason) = &self.unchecked {
            answer.text("preflight_skipped", reason);
        }
        resets::write_into(&self.replaced, answer);
    }
}

/// Puts what was recorded into this plug's group on the gateway, now, and says whether the gateway took it. With `dry_run`
/// nothing is sent, and the answer says what the gateway would refuse.
pub(super) fn push(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    if call.config.push_mode == Mode::Delete {
        return delete(call, answer);
    }
    let dry_run = call.ctx.flag_or("dry_run", false)?;
    answer.count("series", call.registry.len() as u64);
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("metric_pushed", false);
        return Ok(());
    }
    let gateway = gateway(call)?.clone();
    if dry_run {
        return check_only(call, &gateway, answer);
    }
    let check = call.config.preflight.unwrap_or(true);
    let sent = send(call, &gateway, call.config.limits(), true, check)?;
    answer.flag("metric_pushed", true);
    answer.text("group", &shown(&call.config.group()?.url(&gateway)));
    sent.write_into(answer);
    Ok(())
}

fn check_only(call: &mut Call, gateway: &Url, answer: &mut Answer) -> Result<(), Error> {
    let group = call.config.group()?;
    let limits = call.config.limits();
    let abilities = abilities(call, gateway, limits, true)?;
    let conflicts = conflicts(call, gateway, &group, limits, true, abilities)?;
    answer.flag("dry_run", true);
    answer.flag("metric_pushed", false);
    answer.flag("would_be_accepted", conflicts.is_empty());
    answer.text("group", &shown(&group.url(gateway)));
    Error::PushConflict { origin: gateway.origin(), reply: None, conflicts }.write_conflicts(answer);
    Ok(())
}

/// Pushes what no gateway has accepted yet, for hosts that are about to end. Nothing to push, and a policy by which only
/// `push_metrics` pushes, are fine too. With `dry_run` nothing is pushed, and the answer says what would be lost.
pub(super) fn flush(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let dry_run = call.ctx.flag_or("dry_run", false)?;
    let gateway = call.config.gateway_url.clone();
    let gateway = gateway.filter(|_| *call.unpushed && pushes_itself(call.config) && !dry_run);
    if gateway.is_some() && call.config.defer_push {
        defer(call, answer);
    } else if let Some(gateway) = gateway {
        let sent = send(call, &gateway, call.config.push_limits(), false, call.config.preflight.unwrap_or(false))?;
        answer.flag("metric_pushed", true);
        sent.write_into(answer);
    } else {
        answer.flag("metric_pushed", false);
    }
    answer.flag("unpushed", *call.unpushed);
    if *call.unpushed {
        answer.text("unpushed_reason", unpushed_reason(call.config));
    }
    Ok(())
}

/// Why values have reached no gateway, as one of the manifest's codes.
fn unpushed_reason(config: &Config) -> &'static str {
    match () {
        () if config.mock => "mock_mode",
        () if config.gateway_url.is_none() => "no_gateway",
        () if config.push_policy == PushPolicy::Manual => "manual",
        () if config.push_mode == Mode::Delete => "delete_mode",
        () => "not_accepted",
    }
}

/// Deletes exactly this plug's group. What was recorded stays, and comes back with the next push.
pub(super) fn delete(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("deleted", false);
        return Ok(());
    }
    let url = call.config.group()?.url(gateway(call)?);
    let outcomes = pushgateway::delete(&mut call.client(call.config.limits(), true), std::slice::from_ref(&url));
    outcomes.into_iter().collect::<Result<(), Error>>()?;
    call.pushes.groups.retain(|known| *known != url);
    // What was deleted on purpose is not to be back at once.
    call.pushes.tried = Some(call.transport.monotonic());
    *call.unpushed = !call.registry.is_empty();
    answer.flag("deleted", true);
    answer.text("group", &shown(&url));
    Ok(())
}

/// Pushes what was recorded, where a gateway is configured and the policy says so, and says in the record's answer how that
/// went.
pub(super) fn after_record(call: &mut Call, answer: &mut Answer) {
    if call.config.mock {
        answer.flag("mock", true);
    }
    let now = match call.config.push_policy {
        PushPolicy::OnRecord => true,
        PushPolicy::Manual => false,
        PushPolicy::Interval => is_due(call),
    };
    let gateway = call.config.gateway_url.clone();
    match gateway.filter(|_| now && pushes_itself(call.config)) {
        Some(_) if call.config.defer_push => defer(call, answer),
        Some(gateway) => unasked(call, &gateway, answer),
        None => answer.flag("metric_pushed", false),
    }
}

/// Pushes what the policy `interval` has let wait for long enough, with whatever call comes next.
pub(super) fn overdue(call: &mut Call, answer: &mut Answer) {
    let waits = *call.unpushed && call.config.push_policy == PushPolicy::Interval;
    if !waits || !pushes_itself(call.config) || !is_due(call) {
        return;
    }
    match call.config.gateway_url.clone() {
        Some(_) if call.config.defer_push => defer(call, answer),
        Some(gateway) => unasked(call, &gateway, answer),
        None => {}
    }
}

/// Says that a push is due, for the host to have made elsewhere. Written so that the host finds it without reading the whole.
fn defer(call: &mut Call, answer: &mut Answer) {
    call.pushes.tried = Some(call.transport.monotonic());
    answer.flag("metric_pushed", false);
    answer.flag("push_due", true);
}

/// `push_recorded`: the push that another instance said to be due, in an instance that was brought up to it; told as a record tells
/// its push.
pub(super) fn recorded(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let gateway = call.config.gateway_url.clone().filter(|_| pushes_itself(call.config));
    match gateway {
        Some(gateway) => unasked(call, &gateway, answer),
        None => answer.flag("metric_pushed", false),
    }
    Ok(())
}

/// `note_exchange`: what another instance's exchange with servers came to, so that this one's own metrics and its next push know.
/// `elapsed_ms`; for a push also `metric_pushed`, and `everything`: whether nothing was recorded since what it carried; for a deletion
/// `group_deleted`.
pub(super) fn noted(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    if let Some(elapsed) = super::prometheus::count(&call.ctx, "elapsed_ms")? {
        call.telemetry.exchanged(Duration::from_millis(elapsed));
    }
    if call.ctx.flag_or("group_deleted", false)? {
        // As for a deletion of its own.
        call.pushes.tried = Some(call.transport.monotonic());
        *call.unpushed = !call.registry.is_empty();
    } else if call.ctx.some("metric_pushed").is_some() {
        let pushed = call.ctx.flag_or("metric_pushed", false)?;
        call.telemetry.pushes += u64::from(pushed);
        call.telemetry.push_failures += u64::from(!pushed);
        call.pushes.tried = Some(call.transport.monotonic());
        if pushed && call.ctx.flag_or("everything", false)? {
            *call.unpushed = false;
        }
    }
    answer.flag("noted", true);
    Ok(())
}

pub(super) fn pushes_itself(config: &Config) -> bool {
    !config.mock && config.push_policy != PushPolicy::Manual && config.push_mode != Mode::Delete
}

/// Whether the last push was tried an interval ago, or never.
fn is_due(call: &Call) -> bool {
    let now = call.transport.monotonic();
    call.pushes.tried.is_none_or(|tried| now.saturating_sub(tried) >= call.config.push_interval)
}

/// A push that nobody asked for by name: it takes less time, and its failure is a part of the answer.
fn unasked(call: &mut Call, gateway: &Url, answer: &mut Answer) {
    let pushed = send(call, gateway, call.config.push_limits(), false, call.config.preflight.unwrap_or(false));
    answer.flag("metric_pushed", pushed.is_ok());
    match pushed {
        Ok(sent) => sent.write_into(answer),
        Err(error) => {
            let text = format!(
                "Failed to push metrics to gateway: {error}. The value stays recorded, and the next push of this process carries it."
            );
            answer.text("push_error", &text);
            answer.text("push_error_code", error.code());
            if let Some(origin) = error.origin() {
                answer.text("push_origin", origin);
            }
            error.write_conflicts(answer);
        }
    }
}

fn send(call: &mut Call, gateway: &Url, limits: Limits, insist: bool, check: bool) -> Result<Sent, Error> {
    call.pushes.tried = Some(call.transport.monotonic());
    let sent = try_to_send(call, gateway, limits, insist, check);
    call.telemetry.pushes += u64::from(sent.is_ok());
    call.telemetry.push_failures += u64::from(sent.is_err());
    let sent = sent?;
    *call.unpushed = false;
    Ok(sent)
}

fn try_to_send(call: &mut Call, gateway: &Url, limits: Limits, insist: bool, check: bool) -> Result<Sent, Error> {
    let group = call.config.group()?;
    let natives = native_histograms(call.registry);
    let abilities = match () {
        // A gateway may have been replaced since it was asked.
        () if check => abilities(call, gateway, limits, insist)?,
        () if natives.is_empty() && group.odd_name().is_none() => Abilities::default(),
        () => known_abilities(call, gateway, limits, insist)?,
    };
    check_names(&group, abilities)?;
    let mut sent = Sent { downgraded: None, unchecked: None, replaced: Vec::new() };
    if check {
        match conflicts(call, gateway, &group, limits, insist, abilities) {
            Ok(conflicts) if conflicts.is_empty() => {}
            Ok(conflicts) => return Err(Error::PushConflict { origin: gateway.origin(), reply: None, conflicts }),
            Err(error) => sent.unchecked = Some(tolerated(error)?),
        }
    }
    sent.replaced = resets::find(call, gateway, &group, limits, insist);
    let (bytes, choice) = call.expose(plain(format(&natives, abilities)))?;
    if choice.format != Format::Protobuf && !natives.is_empty() {
        let reason = match abilities.version {
            Some((major, minor)) => format!(
                "the gateway is of version {major}.{minor}, and takes native histograms from 1.8 on: only their sum and count were sent"
            ),
            None => "the gateway does not say its version: only sum and count of native histograms were sent".into(),
        };
        sent.downgraded = Some((natives, reason));
    }
    let gzip = call.config.push_gzip;
    let bytes = if gzip { crate::http::gzip::compress(&bytes) } else { bytes };
    let body = Body { content_type: choice.content_type(), bytes, gzip };
    let adds = call.config.push_mode == Mode::Add;
    let url = group.url(gateway);
    match pushgateway::push(&mut call.client(limits, insist), &url, adds, body) {
        Ok(()) => {}
        Err(error @ Error::Refused { status: 400, .. }) => {
            let found = conflicts(call, gateway, &group, limits, insist, abilities).unwrap_or_default();
            return Err(explained(error, found));
        }
        Err(error) => return Err(error),
    }
    remember(call, url);
    Ok(sent)
}

/// Puts text 0.0.4 that is not the registry's into a group, for somebody who asked for that by name. `families` is what the text
/// says. Why it was not checked before, though it should have been.
pub(super) fn push_text(
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
        look(call, gateway, limits, true, &mut |_, held, own| {
            let target = Target { group, adds, held, own, unchecked: abilities.unchecked };
            Ok(preflight::check(families, &target))
        })
    };
    let mut unchecked = None;
    if call.config.preflight.unwrap_or(true) {
        match check(call) {
            Ok(conflicts) if conflicts.is_empty() => {}
            Ok(conflicts) => return Err(Error::PushConflict { origin: gateway.origin(), reply: None, conflicts }),
            Err(error) => unchecked = Some(tolerated(error)?),
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
        Ok(()) => remember(call, url),
        Err(error @ Error::Refused { status: 400, .. }) => {
            let found = check(call).unwrap_or_default();
            return Err(explained(error, found));
        }
        Err(error) => return Err(error),
    }
    Ok(unchecked)
}

/// Refuses a label's name that the gateway would misread.
fn check_names(group: &Group, abilities: Abilities) -> Result<(), Error> {
    match group.odd_name() {
        Some(name) if !abilities.utf8 && abilities.version.is_some() => {
            let problem = "this gateway takes names of letters, digits and _ only; start it with --push.enable-utf8-names, or rename the label";
            Err(Error::invalid(format!("grouping_key.{name}"), problem))
        }
        _ => Ok(()),
    }
}

/// Why a push goes out unchecked, where the gateway is there and may take it all the same.
fn tolerated(error: Error) -> Result<String, Error> {
    match error {
        Error::Refused { .. }
        | Error::BadAnswer { .. }
        | Error::Unanswered { failure: Failure::TooLong { .. }, .. } => Ok(error.to_string()),
        error => Err(error),
    }
}

/// A gateway's refusal, with what was found to be its reason.
fn explained(error: Error, conflicts: Vec<Conflict>) -> Error {
    match error {
        Error::Refused { origin, reply, .. } if !conflicts.is_empty() => {
            Error::PushConflict { origin, reply: Some(reply), conflicts }
        }
        error => error,
    }
}

/// Keeps a group's URL for `cleanup`.
fn remember(call: &mut Call, url: Url) {
    if call.pushes.groups.len() < MOST_GROUPS && !call.pushes.groups.contains(&url) {
        call.pushes.groups.push(url);
    }
}

fn format(natives: &[String], abilities: Abilities) -> Format {
    if !natives.is_empty() && abilities.takes_native_histograms() { Format::Protobuf } else { Format::Text004 }
}

/// The names of the native histograms that have series.
fn native_histograms(registry: &Registry) -> Vec<String> {
    let native = |index: &usize| {
        registry.family_at(*index).is_some_and(|(_, definition, _)| definition.kind == Kind::NativeHistogram)
    };
    let natives: Vec<usize> = (0..registry.families()).filter(native).collect();
    if natives.is_empty() {
        return Vec::new();
    }
    let members = registry.members();
    let live = natives.into_iter().filter(|index| !members.of(*index).is_empty());
    live.filter_map(|index| Some(registry.family_at(index)?.1.name.to_string())).collect()
}

/// What the gateway can do, as it said when it was asked last.
fn known_abilities(call: &mut Call, gateway: &Url, limits: Limits, insist: bool) -> Result<Abilities, Error> {
    match &call.pushes.gateway {
        Some((origin, abilities)) if *origin == gateway.origin() => Ok(*abilities),
        _ => abilities(call, gateway, limits, insist),
    }
}

/// Asks the gateway what it can do.
fn abilities(call: &mut Call, gateway: &Url, limits: Limits, insist: bool) -> Result<Abilities, Error> {
    let request = pushgateway::status_request(gateway);
    let mut client = call.client(limits, insist);
    client.retry = Retry::ONCE;
    let response = client.send(pushgateway::PEER, request)?;
    let abilities = Abilities::read(&response);
    call.pushes.gateway = Some((gateway.origin(), abilities));
    Ok(abilities)
}

/// What the gateway would refuse of what is recorded.
fn conflicts(
    call: &mut Call,
    gateway: &Url,
    group: &Group,
    limits: Limits,
    insist: bool,
    abilities: Abilities,
) -> Result<Vec<Conflict>, Error> {
    look(call, gateway, limits, insist, &mut |call, held, own| {
        if call.config.own_metrics {
            call.telemetry.publish(call.registry)?;
        }
        let families = call.registry.read(call.unix_nanos / 1_000_000);
        let adds = call.config.push_mode == Mode::Add;
        let target = Target { group, adds, held, own, unchecked: abilities.unchecked };
        Ok(preflight::check(&preflight::of(&families), &target))
    })
}

/// Decides from the groups that a gateway holds, and from what it exposes itself.
type Judge<'j> = &'j mut dyn FnMut(&mut Call, &[Held], &[OwnFamily]) -> Result<Vec<Conflict>, Error>;

/// Asks the gateway what it holds.
fn look(call: &mut Call, gateway: &Url, limits: Limits, insist: bool, judge: Judge) -> Result<Vec<Conflict>, Error> {
    let request = pushgateway::groups_request(gateway);
    let url = request.url.clone();
    let mut client = call.client(limits, insist);
    // The push itself is repeated; what only looks ahead costs no waits of its own.
    client.retry = Retry::ONCE;
    let text = |response: &Response| String::from_utf8_lossy(&response.body).into_owned();
    let response = client.send(pushgateway::PEER, request)?;
    let held_text = text(&response);
    let json = Json::parse(&held_text);
    let held = groups(&url, &response, &json)?;
    // Asked for last: some of the gateway's metrics are there from the first request on. They may live under another path,
    // where nobody looks for them.
    let response = client.send(pushgateway::PEER, pushgateway::metrics_request(gateway))?;
    let own_text = text(&response);
    let own = if response.status == 200 { own_families(&own_text) } else { Vec::new() };
    judge(call, &held, &own)
}

pub(super) fn gateway<'c>(call: &Call<'c>) -> Result<&'c Url, Error> {
    call.config.gateway_url.as_ref().ok_or(Error::NotConfigured {
        field: "gateway_url",
        todo: "name a Pushgateway, for example {\"prometheus_config\": {\"gateway_url\": \"http://127.0.0.1:9091\"}}",
    })
}

/// Deletes every group that was pushed, where the configuration says so, side by side and within one push's time; and tells in
/// the answer of `cleanup`.
pub(super) fn clean(pushes: &mut Pushes, client: &mut Client, config: &Config, answer: &mut Answer) {
    let groups = core::mem::take(&mut pushes.groups);
    if groups.is_empty() {
        return;
    }
    let outcomes = if config.delete_on_cleanup { pushgateway::delete(client, &groups) } else { Vec::new() };
    let names: Vec<String> = groups.iter().map(shown).collect();
    let deleted = names.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
    answer.texts("groups_deleted", deleted.map(|(name, _)| name.as_str()));
    answer.open_list("groups_left");
    for (index, name) in names.iter().enumerate() {
        let outcome = outcomes.get(index);
        if matches!(outcome, Some(Ok(()))) {
            continue;
        }
        answer.open_item();
        answer.text("group", name);
        if let Some(Err(error)) = outcome {
            error.write_into(answer);
        }
        answer.close();
    }
    answer.close_list();
}
