//! Alerts as code: `create_alert`, `plan_alerts`, `apply_alerts`, `list_alerts`, `get_alert_state`,
//! `delete_alert`, `export_rules`.
//!
//! `alert_created` is true only after the server listed the rule as requested; until then,
//! `pending` tells what is missing.
//!
//! Prometheus has no API to write rules. For the target `file`, the response has the file in
//! `artifacts`. A host with a rules folder first calls with the existing file in `rules_current`,
//! writes the file from the response, and calls again with `rules_written`. Then the plug reloads
//! the server and reads the rules back.
//!
//! | file | purpose |
//! |---|---|
//! | `read` | reads rules from requests |
//! | `install` | determines and applies changes |

mod evaluator;
mod install;
mod read;
mod settings;

use self::evaluator::ruler;
use self::install::{Install, Installed};
use self::read::{Given, Wanted};
use self::settings::Settings;
use super::call::Call;
use super::notify::deliver;
use crate::error::Error;
use crate::hosting::found::{RulesStep, RulesView};
use crate::http::Url;
use crate::rules::edit::Edit;
use crate::rules::known::RuleServer;
use crate::rules::plan::{ServerGroup, ServerRule};
use crate::rules::read::Uses;
use crate::rules::{self, Rule, RuleKind, slug, with_label};
use crate::servers::alertmanager::{Alert, pairs};
use crate::time::prometheus_duration;
use plugpipe_contract::document::Both;
use plugpipe_contract::requests::{
    AlertPlace, AlertRule, AlertState, ApplyAlerts, CreateAlert, DeleteAlert, ExportRules, KubernetesMetadata,
    ListAlerts, RulesTarget, WantedRules,
};
use plugpipe_contract::response::Eventually;
use plugpipe_contract::responses::{
    ActiveAlert, AlertStateName, AlertStateReport, Amount, AppliedRules, CreatedAlert, DeletedAlert, Delivery,
    ExportedRules, FailedDelivery, FormerMetadata, FormerRule, InstallReport, InstalledRule, ListedAlerts, Notified,
    PlannedRules, Webhook,
};
use plugpipe_provisioning::kubernetes::{self, Metadata};

/// The default file for whole sets of rules.
const DEFAULT_FILE: &str = "plugpipe_rules.yml";

/// The response of `create_alert`; its webhook is notified by a job of its own.
pub type Created = (Eventually<(CreatedAlert, InstallReport)>, Option<Notified>);

/// `create_alert`: validates an alert and installs it at `target`.
pub fn create(call: &mut Call, Both(own, Both(beside, folder)): &CreateAlert) -> Result<Created, Error> {
    let settings = &Settings::of(call.cfg, own.alert_config.as_ref(), beside)?;
    let (_, evaluator) = settings.target()?;
    let (rule, wanted) = read::one_alert(settings, evaluator)?;
    let (name, group) = (rule.name(), settings.group());
    call.add_former(|| FormerMetadata { alert_rule: Some(former_rule(&rule)), ..FormerMetadata::default() });
    let file = settings.rules_file(|| alert_file(group, name))?;
    let webhook = settings.place.webhook_url.get().map(|text| Url::parse(text.trim())).transpose();
    let webhook = webhook.map_err(|problem| Error::invalid(settings.path("webhook_url"), problem))?;
    let notify = |call: &mut Call, url: &Url, fires: bool| {
        // The rule is installed even if the notification fails.
        let webhook = notify(call, url, &rule, fires).map_or_else(
            |error| Webhook::Failed(FailedDelivery { delivered: false, error: error.report() }),
            Webhook::Sent,
        );
        Notified { webhook }
    };
    if let (Some(RulesView { step: RulesStep::Notify(fires), .. }), Some(url)) = (call.next.view.as_deref(), &webhook) {
        let fires = *fires;
        return Ok((Eventually::Later, Some(notify(call, url, fires))));
    }
    let installed = Install::new(wanted, file, (call.next.view.as_deref(), folder), false).run(call, settings)?;
    let held = || installed.held.iter().flatten().flat_map(|group| &group.rules).filter(|rule| rule.name == name);
    let mut notified = None;
    if let Some(url) = &webhook {
        if call.config.mock {
            notified = Some(notify(call, url, false));
        } else if let Some(plan) = &mut call.next.install {
            plan.webhook = Some(url.origin());
        } else {
            let fires = held().any(|rule| rule.state == "firing");
            call.next.found.get_or_insert_default().rules.get_or_insert_default().notify = Some(fires);
        }
    }
    let created = CreatedAlert {
        alert_id: format!("{group}/{name}"),
        alert_name: name.to_owned(),
        expression: rule.expression.clone(),
        alert_created: installed.confirmed,
        state: held().find(|rule| rule.alert).map(|rule| rule.state.clone()),
    };
    Ok((Eventually::Now((created, installed.report)), notified))
}

/// Notifies a webhook of the rule: as firing if the server reports it so, otherwise as resolved.
fn notify(call: &mut Call, url: &Url, rule: &Rule, fires: bool) -> Result<Delivery, Error> {
    let annotations = match &rule.makes {
        RuleKind::Alert { annotations, .. } => annotations.clone(),
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
    deliver(call, url, core::slice::from_ref(&alert), None, Some(&former_rule(rule)))
}

/// The rule in the Python plug's format.
fn former_rule(rule: &Rule) -> FormerRule<'_> {
    let (annotations, pending_for) = match &rule.makes {
        RuleKind::Alert { annotations, pending_for, .. } => (Some(annotations), Some(*pending_for)),
        RuleKind::Record { .. } => (None, None),
    };
    FormerRule {
        alert: rule.name(),
        expr: Some(&rule.expression),
        pending_for: pending_for.map(prometheus_duration),
        labels: pairs(&rule.labels).collect(),
        annotations: annotations.map(|annotations| pairs(annotations).collect()).unwrap_or_default(),
    }
}

/// `plan_alerts`: what `apply_alerts` would change.
pub fn plan(call: &mut Call, request: &ApplyAlerts) -> Result<(PlannedRules, InstallReport), Error> {
    Ok((PlannedRules { dry_run: true }, install_whole(call, request, true)?.report))
}

/// `apply_alerts`: a whole file or namespace of rules; rules missing from the request are deleted.
pub fn apply(call: &mut Call, request: &ApplyAlerts) -> Result<(AppliedRules, InstallReport), Error> {
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
    Install::new(wanted, file, (call.next.view.as_deref(), folder), dry_run).run(call, settings)
}

/// `export_rules`: returns a rule file or a PrometheusRule without installing it.
pub fn export(call: &mut Call, Both(request, own): &ExportRules) -> Result<ExportedRules, Error> {
    let target = RulesTarget {
        target: own.target.clone(),
        target_version: own.target_version.clone(),
        ..RulesTarget::default()
    };
    let settings = &of_whole(call.cfg, request, target)?;
    let (_, evaluator) = settings.target()?;
    let Wanted { edit, uses, .. } = read::groups(request, settings, evaluator)?;
    uses.check(RuleServer { evaluator, version: settings.target_version()? })?;
    let groups = edit.groups();
    let rules_file = settings.rules_file(|| DEFAULT_FILE.into())?;
    let metadata = KubernetesMetadata::default();
    let exported_rules = match own.kubernetes.if_set(&metadata) {
        Some(metadata) => kubernetes::prometheus_rule(groups, Metadata::read(metadata)?, &rules_file)?.write(),
        None => rules::file(groups),
    };
    Ok(ExportedRules {
        groups: groups.len() as u64,
        rules: groups.iter().map(|group| group.rules.len() as u64).sum(),
        rules_file,
        exported_rules,
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

/// `list_alerts`: the alerting rules on the server and their states.
pub fn list(call: &mut Call, Both(own, target): &ListAlerts) -> Result<ListedAlerts, Error> {
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

/// `get_alert_state`: `inactive`, `pending` or `firing`, and since when; `not_found` if the server
/// has no such rule.
pub fn state(call: &mut Call, Both(own, target): &AlertState) -> Result<AlertStateReport, Error> {
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

/// The groups on the server.
fn held(call: &mut Call, settings: &Settings) -> Result<Vec<ServerGroup>, Error> {
    let ruler = ruler(call, settings)?.2?;
    Ok(ruler.held(&mut call.client(call.config.limits(), true))?)
}

/// The matching alerting rules of these groups.
fn alerts(groups: Vec<ServerGroup>, wanted: impl Fn(&ServerRule) -> bool) -> Vec<InstalledRule> {
    let mut alerts = Vec::new();
    for group in groups {
        for rule in group.rules.into_iter().filter(|rule| rule.alert && wanted(rule)) {
            let active = rule.alerts.into_iter().map(|alert| ActiveAlert {
                state: alert.state,
                active_since: alert.active_at,
                value: alert.value,
                labels: alert.labels.into_iter().collect(),
            });
            alerts.push(InstalledRule {
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

/// `delete_alert`: removes an alert that `create_alert` installed.
pub fn delete(
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
    let file = settings.rules_file(|| alert_file(group, name))?;
    let wanted = Wanted {
        edit: Edit::Take { group: group.into(), alert: name.into() },
        uses: Uses::default(),
        given: Given::Alert,
    };
    let installed = Install::new(wanted, file, (call.next.view.as_deref(), folder), false).run(call, settings)?;
    // Only what this call took out and the server lists no more.
    let deleted = installed.written && installed.confirmed;
    Ok((DeletedAlert { deleted, was_there: Some(installed.was_there), ..alert }, Some(installed.report)))
}

/// The default file for a single alert.
fn alert_file(group: &str, alert: &str) -> String {
    format!("plugpipe_alert_{}.yml", slug(&format!("{group} {alert}")))
}
