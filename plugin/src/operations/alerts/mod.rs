//! Alerts as code: `create_alert`, `plan_alerts`, `apply_alerts`, `list_alerts`, `get_alert_state`,
//! `delete_alert`, `export_rules`.
//!
//! `alert_created` is true only after a server listed the rule as it is wanted; until then
//! `pending` says what is missing.
//!
//! Prometheus has no API that takes rules. For the target `file` the response holds the file in
//! `artifacts`. A host that was granted a rules folder reads the file that is there and calls with
//! `rules_current`, so that what is in it is known before it is changed; writes the file of the new
//! response and calls again with `rules_written`, and then the plug asks the server to reload and
//! reads back.
//!
//! | file | what it is for |
//! |---|---|
//! | `read` | rules as callers give them |
//! | `install` | what has to change, and how it gets there |

mod install;
mod read;

use core::time::Duration;

use self::install::{Install, Installed};
use self::read::{Given, Wanted};
use super::call::Call;
use super::notify::deliver;
use crate::error::{Error, excerpt};
use crate::http::{Peer, Segment, Url};
use crate::rules::edit::Edit;
use crate::rules::known::{Evaluator, Taker, Version};
use crate::rules::plan::{ServerGroup, ServerRule};
use crate::rules::read::Uses;
use crate::rules::{self, Rule, RuleKind, slug, with_label};
use crate::servers::alertmanager::{Alert, pairs};
use crate::servers::ruler::{self, Ruler, Target};
use crate::servers::webhook::RuleData;
use crate::servers::{grafana, prometheus};
use crate::time::prometheus_duration;
use plugpipe_contract::document::{Both, Document};
use plugpipe_contract::requests::{
    AlertConfig, AlertPlace, AlertRule, AlertState, ApplyAlerts, CreateAlert, DeleteAlert, ExportRules, ListAlerts,
    RulesTarget, WantedRules,
};
use plugpipe_contract::responses::{
    ActiveAlert, AlertStateName, AlertStateReport, Amount, AppliedRules, CreatedAlert, DeletedAlert, Delivery,
    ExportedRules, FailedDelivery, HeldAlert, InstallReport, ListedAlerts, PlannedRules, Webhook,
};

/// The group of alerts that name none.
const DEFAULT_GROUP: &str = "plugpipe";

/// The file of a whole set of rules that names none.
const DEFAULT_FILE: &str = "plugpipe_rules.yml";

/// How long a server may take to load what it was given.
const CONFIRM_WITHIN: Duration = Duration::from_secs(5);

/// Between two looks at what it has loaded.
const CONFIRM_PAUSE: Duration = Duration::from_millis(200);

/// What is said of alerts: by the call, over `cfg.alert_config`.
#[derive(Default)]
struct Settings<'s> {
    alert: AlertRule<'s>,
    place: AlertPlace<'s>,
    target: RulesTarget<'s>,
    /// Which object each field was taken from, by its path.
    taken: Vec<(&'static str, &'s str)>,
    /// The object that the others belong in.
    object: &'s str,
}

/// Takes the fields of a part that are not there yet.
macro_rules! take {
    ($settings:ident.$part:ident, $type:ident { $($field:ident),* }, $object:ident) => {
        let $type { $($field),* } = $part;
        $(if $settings.$part.$field == Default::default() && *$field != Default::default() {
            $settings.$part.$field.clone_from($field);
            $settings.taken.push((stringify!($field).trim_start_matches("r#"), $object));
        })*
    };
}

impl<'s> Settings<'s> {
    /// From the most particular place to the least: `alert_config`, what stands beside it, and the
    /// configuration's `alert_config`.
    fn of(cfg: &'s str, own: Option<&AlertConfig<'s>>, beside: &AlertConfig<'s>) -> Result<Self, Error> {
        let mut settings = Self { object: if own.is_some() { "alert_config" } else { "" }, ..Self::default() };
        if let Some(own) = own {
            settings.take(own, "alert_config");
        }
        settings.take(beside, "");
        if !cfg.is_empty() {
            let cfg = Document::parse(cfg).map_err(|problem| Error::NotJson { what: "cfg", problem })?;
            if let Some(Some(configured)) = cfg.read_field("alert_config").map_err(|error| error.within("cfg"))? {
                settings.take(&configured, "cfg.alert_config");
            }
        }
        Ok(settings)
    }

    fn take(&mut self, Both(alert, Both(place, target)): &AlertConfig<'s>, object: &'s str) {
        take!(
            self.alert,
            AlertRule {
                alert_name,
                expression,
                duration,
                r#for,
                severity,
                labels,
                annotations,
                keep_firing_for,
                runbook_url
            },
            object
        );
        take!(self.place, AlertPlace { group, interval, rules_file, webhook_url }, object);
        take!(self.target, RulesTarget { target, target_version, namespace, datasource_uid }, object);
    }

    fn path(&self, field: &str) -> String {
        let taken = self.taken.iter().find(|(own, _)| *own == field);
        match taken.map_or(self.object, |(_, object)| object) {
            "" => field.to_owned(),
            object => format!("{object}.{field}"),
        }
    }

    fn alert_name(&self) -> Result<&str, Error> {
        Ok(self.alert.alert_name.required(&self.path("alert_name"), "the alert's name")?)
    }

    fn group(&self) -> &str {
        self.place.group.get().unwrap_or(DEFAULT_GROUP)
    }

    /// The rule file's name: the one that is given, or that of the operation.
    fn rules_file(&self, default: impl FnOnce() -> String) -> Result<String, Error> {
        let Some(name) = self.place.rules_file.get() else { return Ok(default()) };
        let name = name.trim();
        let plain =
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)) && !name.starts_with('.');
        let ends = name.ends_with(".yml") || name.ends_with(".yaml");
        if plain && ends && name.len() <= 200 {
            return Ok(name.to_owned());
        }
        Err(Error::invalid(
            self.path("rules_file"),
            format!(
                "expected a file's name of letters, digits, _, - and ., ending in .yml, got {:?}",
                excerpt(name, 100)
            ),
        ))
    }

    /// Where the rules go, and who evaluates them there.
    fn target(&self) -> Result<(Target, Evaluator), Error> {
        match self.target.target.get() {
            None => Ok((Target::default(), Evaluator::default())),
            Some(name) => ruler::target(name).map_err(|problem| Error::invalid(self.path("target"), problem)),
        }
    }

    /// The release of the server, where the caller says it.
    fn target_version(&self) -> Result<Option<Version>, Error> {
        let Some(text) = self.target.target_version.get() else { return Ok(None) };
        let problem = || format!("expected a version such as 2.53 or 3.5.1, got {:?}", excerpt(text, 100));
        Version::read(text).map(Some).ok_or_else(|| Error::invalid(self.path("target_version"), problem()))
    }
}

/// `create_alert`: one alert, checked, and installed where `target` says.
pub(super) fn create(
    call: &mut Call,
    Both(own, Both(beside, folder)): &CreateAlert,
) -> Result<(CreatedAlert, InstallReport), Error> {
    let settings = &Settings::of(call.cfg, own.alert_config.as_ref(), beside)?;
    let (_, evaluator) = settings.target()?;
    let (rule, wanted) = read::one_alert(settings, evaluator)?;
    let (name, group) = (rule.name(), settings.group());
    let file = settings.rules_file(|| alert_file(group, name))?;
    let webhook = settings.place.webhook_url.get().map(|text| Url::parse(text.trim())).transpose();
    let webhook = webhook.map_err(|problem| Error::invalid(settings.path("webhook_url"), problem))?;
    let installed = Install::new(wanted, file, folder, false).run(call, settings)?;
    let held = || installed.held.iter().flatten().flat_map(|group| &group.rules).filter(|rule| rule.name == name);
    let webhook = webhook.map(|url| {
        let fires = held().any(|rule| rule.state == "firing");
        // The rule stands whether or not anybody heard of it.
        notify(call, &url, &rule, fires).map_or_else(
            |error| Webhook::Failed(FailedDelivery { delivered: false, error: error.report() }),
            Webhook::Sent,
        )
    });
    let created = CreatedAlert {
        alert_id: format!("{group}/{name}"),
        alert_name: name.to_owned(),
        expression: rule.expression.clone(),
        alert_created: installed.confirmed,
        state: held().find(|rule| rule.alert).map(|rule| rule.state.clone()),
        webhook,
    };
    Ok((created, installed.report))
}

/// Tells a webhook of the rule: as resolved, because nothing fires only because it is watched; as
/// firing where the server says that it does.
fn notify(call: &mut Call, url: &Url, rule: &Rule, fires: bool) -> Result<Delivery, Error> {
    let (annotations, pending_for) = match &rule.makes {
        RuleKind::Alert { annotations, pending_for, .. } => (annotations.clone(), *pending_for),
        RuleKind::Record { .. } => Default::default(),
    };
    let now = call.unix_nanos;
    let alert = Alert {
        labels: with_label(&rule.labels, "alertname", rule.name(), "labels")?,
        annotations,
        starts_at: Some(now),
        ends_at: (!fires).then_some(now),
        generator_url: None,
    };
    let data = RuleData {
        alert: rule.name(),
        expr: Some(&rule.expression),
        pending_for: Some(prometheus_duration(pending_for)),
        labels: pairs(&rule.labels).collect(),
        annotations: pairs(&alert.annotations).collect(),
    };
    deliver(call, url, core::slice::from_ref(&alert), None, Some(&data))
}

/// `plan_alerts`: what `apply_alerts` would change.
pub(super) fn plan(call: &mut Call, request: &ApplyAlerts) -> Result<(PlannedRules, InstallReport), Error> {
    Ok((PlannedRules { dry_run: true }, install_whole(call, request, true)?.report))
}

/// `apply_alerts`: a whole file or namespace of rules; those that are no longer wanted are removed.
pub(super) fn apply(call: &mut Call, request: &ApplyAlerts) -> Result<(AppliedRules, InstallReport), Error> {
    let Both(_, Both(own, _)) = request;
    let dry_run = own.dry_run.or(false);
    let installed = install_whole(call, request, dry_run)?;
    Ok((AppliedRules { applied: (!dry_run).then_some(installed.confirmed), dry_run }, installed.report))
}

fn install_whole(
    call: &mut Call,
    Both(request, Both(_, Both(target, folder))): &ApplyAlerts,
    dry_run: bool,
) -> Result<Installed, Error> {
    let settings = &of_whole(call.cfg, request, target.clone())?;
    let (_, evaluator) = settings.target()?;
    let wanted = read::groups(request, settings, evaluator)?;
    let file = settings.rules_file(|| DEFAULT_FILE.into())?;
    Install::new(wanted, file, folder, dry_run).run(call, settings)
}

/// `export_rules`: the rule file, and nothing else.
pub(super) fn export(call: &mut Call, Both(request, own): &ExportRules) -> Result<ExportedRules, Error> {
    let target = RulesTarget {
        target: own.target.clone(),
        target_version: own.target_version.clone(),
        ..RulesTarget::default()
    };
    let settings = &of_whole(call.cfg, request, target)?;
    let (_, evaluator) = settings.target()?;
    let Wanted { edit, uses, .. } = read::groups(request, settings, evaluator)?;
    uses.check(Taker { evaluator, version: settings.target_version()? })?;
    let groups = edit.groups();
    Ok(ExportedRules {
        groups: groups.len() as u64,
        rules: groups.iter().map(|group| group.rules.len() as u64).sum(),
        rules_file: settings.rules_file(|| DEFAULT_FILE.into())?,
        exported_rules: rules::file(groups),
    })
}

/// The settings of a whole file or namespace.
fn of_whole<'s>(cfg: &'s str, request: &WantedRules<'s>, target: RulesTarget<'s>) -> Result<Settings<'s>, Error> {
    let place = AlertPlace {
        group: request.group.clone(),
        interval: request.interval,
        rules_file: request.rules_file.clone(),
        ..AlertPlace::default()
    };
    Settings::of(cfg, request.alert_config.as_ref(), &Both(AlertRule::default(), Both(place, target)))
}

/// `list_alerts`: the alerting rules that the server holds, with the state of each.
pub(super) fn list(call: &mut Call, Both(own, target): &ListAlerts) -> Result<ListedAlerts, Error> {
    let place = AlertPlace { group: own.group.clone(), ..AlertPlace::default() };
    let beside = Both(AlertRule::default(), Both(place, target.clone()));
    let settings = &Settings::of(call.cfg, own.alert_config.as_ref(), &beside)?;
    if call.config.mock {
        return Ok(ListedAlerts { mock: true, alerts: Vec::new() });
    }
    let mut held = held(call, settings)?;
    if let Some(group) = settings.place.group.get() {
        held.retain(|held| held.name == group);
    }
    Ok(ListedAlerts { mock: false, alerts: alerts(held, |_| true) })
}

/// `get_alert_state`: `inactive`, `pending` or `firing`, and since when; `not_found` where the
/// server has no such rule.
pub(super) fn state(call: &mut Call, Both(own, target): &AlertState) -> Result<AlertStateReport, Error> {
    let alert = AlertRule { alert_name: own.alert_name.clone(), ..AlertRule::default() };
    let beside = Both(alert, Both(AlertPlace::default(), target.clone()));
    let settings = &Settings::of(call.cfg, own.alert_config.as_ref(), &beside)?;
    let alert_name = settings.alert_name()?.to_owned();
    if call.config.mock {
        return Ok(AlertStateReport { mock: true, alert_name, ..AlertStateReport::default() });
    }
    let rules = alerts(held(call, settings)?, |rule| rule.name == alert_name);
    let is = |state: &str| rules.iter().any(|rule| rule.state == state);
    let state = match () {
        () if rules.is_empty() => AlertStateName::NotFound,
        () if is("firing") => AlertStateName::Firing,
        () if is("pending") => AlertStateName::Pending,
        () if is("inactive") => AlertStateName::Inactive,
        () => AlertStateName::Unknown,
    };
    let since = rules.iter().flat_map(|rule| &rule.active).map(|alert| &alert.active_since).min();
    Ok(AlertStateReport { mock: false, alert_name, state, active_since: since.cloned(), rules: Some(rules) })
}

/// The groups that the server holds.
fn held(call: &mut Call, settings: &Settings) -> Result<Vec<ServerGroup>, Error> {
    let ruler = ruler(call, settings)?.2?;
    Ok(ruler.held(&mut call.client(call.config.limits(), true))?)
}

/// The alerting rules of these groups that are wanted.
fn alerts(groups: Vec<ServerGroup>, wanted: impl Fn(&ServerRule) -> bool) -> Vec<HeldAlert> {
    let mut alerts = Vec::new();
    for group in groups {
        for rule in group.rules.into_iter().filter(|rule| rule.alert && wanted(rule)) {
            let active = rule.alerts.into_iter().map(|alert| ActiveAlert {
                state: alert.state,
                active_since: alert.active_at,
                value: alert.value,
                labels: alert.labels.into_iter().collect(),
            });
            alerts.push(HeldAlert {
                alert_name: rule.name,
                group: group.name.clone(),
                file: group.file.clone(),
                state: rule.state,
                health: rule.health,
                last_error: rule.last_error,
                expression: rule.query,
                for_seconds: Amount(rule.pending_for),
                labels: rule.labels.into_iter().collect(),
                annotations: rule.annotations.into_iter().collect(),
                active: active.collect(),
            });
        }
    }
    alerts
}

/// `delete_alert`: takes an alert out of where `create_alert` put it.
pub(super) fn delete(
    call: &mut Call,
    Both(own, Both(target, folder)): &DeleteAlert,
) -> Result<(DeletedAlert, Option<InstallReport>), Error> {
    let alert = AlertRule { alert_name: own.alert_name.clone(), ..AlertRule::default() };
    let place = AlertPlace { group: own.group.clone(), rules_file: own.rules_file.clone(), ..AlertPlace::default() };
    let settings = &Settings::of(call.cfg, own.alert_config.as_ref(), &Both(alert, Both(place, target.clone())))?;
    let (name, group) = (settings.alert_name()?, settings.group());
    let alert = DeletedAlert { alert_name: name.to_owned(), ..DeletedAlert::default() };
    if call.config.mock {
        return Ok((DeletedAlert { mock: true, ..alert }, None));
    }
    let (target, _, ruler) = ruler(call, settings)?;
    if target == Target::File {
        let file = settings.rules_file(|| alert_file(group, name))?;
        let wanted = Wanted {
            edit: Edit::Take { group: group.into(), alert: name.into() },
            uses: Uses::default(),
            given: Given::Alert,
        };
        let installed = Install::new(wanted, file, folder, false).run(call, settings)?;
        // Only what this call took out and the server lists no more.
        let deleted = installed.written && installed.confirmed;
        return Ok((DeletedAlert { deleted, was_there: Some(installed.was_there), ..alert }, Some(installed.report)));
    }
    let ruler = ruler?;
    let held = ruler.held(&mut call.client(call.config.limits(), true))?;
    let own = ruler.own(&held, "");
    let is = |rule: &ServerRule| rule.alert && rule.name == name;
    let found = own.iter().find(|held| held.name == group && held.rules.iter().any(is));
    if found.is_some_and(|held| !held.rules.iter().all(is)) {
        return Err(Error::invalid(
            settings.path("group"),
            format!(
                "the group {group} holds other rules too, which would be deleted with {name}; use apply_alerts with those that stay"
            ),
        ));
    }
    // A group is deleted as a whole: not one of which it is not known what is in it.
    if found.is_some() {
        ruler.delete(&mut call.client(call.config.limits(), true), group)?;
    }
    Ok((DeletedAlert { deleted: found.is_some(), was_there: Some(found.is_some()), ..alert }, None))
}

/// The file of an alert of its own.
fn alert_file(group: &str, alert: &str) -> String {
    format!("plugpipe_alert_{}.yml", slug(&format!("{group} {alert}")))
}

/// Who takes the rules. The server is asked for its version only where something depends on that.
fn taker(
    call: &mut Call,
    settings: &Settings,
    evaluator: Evaluator,
    ruler: Option<&Ruler>,
    uses: &Uses,
) -> Result<Taker, Error> {
    let mut version = settings.target_version()?;
    if version.is_none()
        && !call.config.mock
        && uses.depend_on_version(evaluator)
        && let Some(ruler) = ruler
    {
        version = ruler.version(&mut call.client(call.config.limits(), true));
    }
    Ok(Taker { evaluator, version })
}

/// Who evaluates the rules, or what is missing to know that.
fn ruler(call: &Call, settings: &Settings) -> Result<(Target, Evaluator, Result<Ruler, Error>), Error> {
    let (target, evaluator) = settings.target()?;
    let config = call.config;
    let (base, peer, missing) = match target {
        Target::File => match &config.ruler_url {
            // vmalert beside VictoriaMetrics, say.
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
                "name the ruler, for example {\"prometheus_config\": {\"ruler_url\": \"http://127.0.0.1:8080\"}}",
            ),
            "grafana_url" => ("grafana_url", "name the Grafana that takes the rules"),
            _ => (
                "prometheus_url",
                "name the server that evaluates the rules, so that it can be asked whether it has them",
            ),
        };
        return Ok((target, evaluator, Err(Error::NotConfigured { field: missing.0, todo: missing.1 })));
    };
    let datasource_uid = settings.target.datasource_uid.to_owned();
    if target == Target::Grafana && datasource_uid.is_none() {
        return Err(Error::missing(
            settings.path("datasource_uid"),
            "the uid of the Prometheus data source that the expressions are asked of",
        ));
    }
    let namespace = settings.target.namespace.get().unwrap_or(DEFAULT_GROUP).to_owned();
    if target != Target::File {
        Segment::with_slashes(&namespace, &settings.path("namespace"))?;
    }
    let peer: Peer = peer;
    Ok((target, evaluator, Ok(Ruler { target, peer, base, namespace, datasource_uid })))
}

/// The error of an alert whose fields stand in `alert_config`, or wherever the settings have them.
fn within_place(error: plugpipe_contract::Error, settings: &Settings) -> Error {
    error
        .map_field(|field| match field.split_once('.') {
            Some((first, rest)) => format!("{}.{rest}", settings.path(first)),
            None => settings.path(&field),
        })
        .into()
}

#[cfg(test)]
mod tests;
