//! Alerts as code: `create_alert`, `plan_alerts`, `apply_alerts`, `list_alerts`, `get_alert_state`,
//! `delete_alert`, `export_rules`.
//!
//! `alert_created` is true only after a server listed the rule as it is wanted; until then the
//! answer is `pending`, with what is missing.
//!
//! Prometheus has no API that takes rules. For the target `file` the answer holds the file in
//! `artifacts`. A host that was granted a rules folder reads the file that is there and asks with
//! `rules_current`, so that what is in it is known before it is changed; writes the file of the new
//! answer and asks again with `rules_written`, and then the plug asks the server to reload and
//! reads back.
//!
//! | file | what it is for |
//! |---|---|
//! | `read` | rules as callers give them |
//! | `install` | what has to change, and how it gets there |

mod install;
mod read;

use core::time::Duration;

use self::install::Install;
use super::notify::deliver;
use super::{Answer, Call};
use crate::error::{Error, excerpt};
use crate::http::{Peer, Segment, Url};
use crate::json::Writer;
use crate::rules::known::{Evaluator, Taker, Version};
use crate::rules::plan::{ServerGroup, ServerRule};
use crate::rules::read::Uses;
use crate::rules::{self, Group, RuleKind, slug, with_label};
use crate::servers::alertmanager::{Alert, pairs, write_labels};
use crate::servers::ruler::{self, Ruler, Target};
use crate::servers::{grafana, prometheus};
use crate::time::prometheus_duration;
use plugpipe_contract::document::{Both, Document};
use plugpipe_contract::requests::{
    AlertConfig, AlertPlace, AlertRule, AlertState, ApplyAlerts, CreateAlert, DeleteAlert, ExportRules, ListAlerts,
    RulesTarget, WantedRules,
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
            Some(name) => Target::of(name).map_err(|problem| Error::invalid(self.path("target"), problem)),
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
    answer: &mut Answer,
) -> Result<(), Error> {
    let settings = &Settings::of(call.cfg, own.alert_config.as_ref(), beside)?;
    let (_, evaluator) = settings.target()?;
    let wanted = read::one_alert(settings, evaluator)?;
    let groups = wanted.groups.clone();
    let group = groups.first().map(|group| group.name.clone()).unwrap_or_default();
    let rule = groups.iter().flat_map(|group| &group.rules).next();
    let name = rule.map(|rule| rule.name().to_owned()).unwrap_or_default();
    let rule_file = settings.rules_file(|| alert_file(&group, &name))?;
    let webhook = settings.place.webhook_url.get().map(|text| Url::parse(text.trim())).transpose();
    let webhook = webhook.map_err(|problem| Error::invalid(settings.path("webhook_url"), problem))?;
    answer.text("alert_name", &name);
    answer.text("alert_id", &format!("{group}/{name}"));
    if let Some(rule) = rule {
        answer.text("expression", &rule.expression);
    }
    let installed = Install::put(wanted, rule_file, folder).run(call, settings, answer)?;
    answer.flag("alert_created", installed.confirmed);
    if let Some(held) = &installed.held
        && let Some(rule) = held.iter().flat_map(|group| &group.rules).find(|rule| rule.alert && rule.name == name)
    {
        answer.text("state", &rule.state);
    }
    if let Some(url) = webhook {
        notify(call, answer, &url, &groups, installed.held.as_deref())?;
    }
    Ok(())
}

/// Tells a webhook of the rule: as resolved, because nothing fires only because it is watched; as
/// firing where the server says that it does.
fn notify(
    call: &mut Call,
    answer: &mut Answer,
    url: &Url,
    groups: &[Group],
    held: Option<&[ServerGroup]>,
) -> Result<(), Error> {
    let Some(rule) = groups.iter().flat_map(|group| &group.rules).next() else { return Ok(()) };
    let RuleKind::Alert { annotations, pending_for, .. } = &rule.makes else { return Ok(()) };
    let fires = held
        .into_iter()
        .flatten()
        .flat_map(|group| &group.rules)
        .any(|held| held.name == rule.name() && held.state == "firing");
    let now = call.unix_nanos;
    let alert = Alert {
        labels: with_label(&rule.labels, "alertname", rule.name(), "labels")?,
        annotations: annotations.clone(),
        starts_at: Some(now),
        ends_at: if fires { None } else { Some(now) },
        generator_url: None,
    };
    let mut data = Writer::new();
    data.text("alert", rule.name());
    data.text("expr", &rule.expression);
    data.text("for", &prometheus_duration(*pending_for));
    write_labels(&mut data, "labels", pairs(&rule.labels));
    write_labels(&mut data, "annotations", pairs(annotations));
    answer.open("webhook");
    let mark = answer.mark();
    // The rule stands whether or not anybody heard of it.
    if let Err(error) = deliver(call, answer, url, &[alert], None, Some(&data.finish())) {
        answer.take_back(mark);
        answer.flag("delivered", false);
        error.write_into(answer);
    }
    answer.close();
    Ok(())
}

/// `plan_alerts`: what `apply_alerts` would change.
pub(super) fn plan(call: &mut Call, request: &ApplyAlerts, answer: &mut Answer) -> Result<(), Error> {
    apply_or_plan(call, request, answer, true)
}

/// `apply_alerts`: a whole file or namespace of rules; those that are no more wanted are removed.
pub(super) fn apply(call: &mut Call, request: &ApplyAlerts, answer: &mut Answer) -> Result<(), Error> {
    let Both(_, Both(own, _)) = request;
    apply_or_plan(call, request, answer, own.dry_run.or(false))
}

fn apply_or_plan(
    call: &mut Call,
    Both(request, Both(_, Both(target, folder))): &ApplyAlerts,
    answer: &mut Answer,
    dry_run: bool,
) -> Result<(), Error> {
    let settings = &of_whole(call.cfg, request, target.clone())?;
    let (_, evaluator) = settings.target()?;
    let wanted = read::groups(request, settings, evaluator)?;
    let file = settings.rules_file(|| DEFAULT_FILE.into())?;
    let installed = Install::whole(wanted, file, folder, dry_run).run(call, settings, answer)?;
    if dry_run {
        answer.flag("dry_run", true);
    } else {
        answer.flag("applied", installed.confirmed);
    }
    Ok(())
}

/// `export_rules`: the rule file, and nothing else.
pub(super) fn export(call: &mut Call, Both(request, own): &ExportRules, answer: &mut Answer) -> Result<(), Error> {
    let target = RulesTarget {
        target: own.target.clone(),
        target_version: own.target_version.clone(),
        ..RulesTarget::default()
    };
    let settings = &of_whole(call.cfg, request, target)?;
    let (_, evaluator) = settings.target()?;
    let read::Wanted { groups, uses, .. } = read::groups(request, settings, evaluator)?;
    uses.check(Taker { evaluator, version: settings.target_version()? })?;
    answer.count("groups", groups.len() as u64);
    answer.count("rules", groups.iter().map(|group| group.rules.len() as u64).sum());
    answer.text("rules_file", &settings.rules_file(|| DEFAULT_FILE.into())?);
    answer.text("exported_rules", &rules::file(&groups));
    Ok(())
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
pub(super) fn list(call: &mut Call, Both(own, target): &ListAlerts, answer: &mut Answer) -> Result<(), Error> {
    let place = AlertPlace { group: own.group.clone(), ..AlertPlace::default() };
    let beside = Both(AlertRule::default(), Both(place, target.clone()));
    let settings = &Settings::of(call.cfg, own.alert_config.as_ref(), &beside)?;
    if call.config.mock {
        answer.flag("mock", true);
        answer.open_list("alerts");
        answer.close_list();
        return Ok(());
    }
    let ruler = ruler(call, settings)?.2?;
    let held = ruler.held(&mut call.client(call.config.limits(), true))?;
    let group = settings.place.group.get();
    answer.open_list("alerts");
    for held in held.iter().filter(|held| group.is_none_or(|group| held.name == group)) {
        for rule in held.rules.iter().filter(|rule| rule.alert) {
            answer.open_item();
            write_held(answer, held, rule);
            answer.close();
        }
    }
    answer.close_list();
    Ok(())
}

/// `get_alert_state`: `inactive`, `pending` or `firing`, and since when; `not_found` where the
/// server has no such rule.
pub(super) fn state(call: &mut Call, Both(own, target): &AlertState, answer: &mut Answer) -> Result<(), Error> {
    let alert = AlertRule { alert_name: own.alert_name.clone(), ..AlertRule::default() };
    let beside = Both(alert, Both(AlertPlace::default(), target.clone()));
    let settings = &Settings::of(call.cfg, own.alert_config.as_ref(), &beside)?;
    let name = settings.alert_name()?;
    answer.text("alert_name", name);
    if call.config.mock {
        answer.flag("mock", true);
        answer.text("state", "not_found");
        return Ok(());
    }
    let ruler = ruler(call, settings)?.2?;
    let held = ruler.held(&mut call.client(call.config.limits(), true))?;
    let rules: Vec<(&ServerGroup, &ServerRule)> = held
        .iter()
        .flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
        .filter(|(_, rule)| rule.alert && rule.name == name)
        .collect();
    // Of several with that name, the one that matters most.
    let state = ["firing", "pending", "inactive"]
        .into_iter()
        .find(|state| rules.iter().any(|(_, rule)| rule.state == *state))
        .unwrap_or(if rules.is_empty() { "not_found" } else { "unknown" });
    answer.text("state", state);
    let since = rules.iter().flat_map(|(_, rule)| &rule.alerts).map(|alert| alert.active_at.as_str()).min();
    if let Some(since) = since {
        answer.text("active_since", since);
    }
    answer.open_list("rules");
    for (group, rule) in rules {
        answer.open_item();
        write_held(answer, group, rule);
        answer.close();
    }
    answer.close_list();
    Ok(())
}

fn write_held(answer: &mut Answer, group: &ServerGroup, rule: &ServerRule) {
    answer.text("alert_name", &rule.name);
    answer.text("group", &group.name);
    answer.text("file", &group.file);
    answer.text("state", &rule.state);
    answer.text("health", &rule.health);
    if !rule.last_error.is_empty() {
        answer.text("last_error", &rule.last_error);
    }
    answer.text("expression", &rule.query);
    answer.number("for_seconds", rule.pending_for);
    write_labels(answer, "labels", rule.labels.iter().map(|(n, v)| (&**n, &**v)));
    write_labels(answer, "annotations", rule.annotations.iter().map(|(n, v)| (&**n, &**v)));
    answer.open_list("active");
    for alert in &rule.alerts {
        answer.open_item();
        answer.text("state", &alert.state);
        answer.text("active_since", &alert.active_at);
        answer.text("value", &alert.value);
        write_labels(answer, "labels", alert.labels.iter().map(|(n, v)| (&**n, &**v)));
        answer.close();
    }
    answer.close_list();
}

/// `delete_alert`: takes an alert out of where `create_alert` put it.
pub(super) fn delete(
    call: &mut Call,
    Both(own, Both(target, folder)): &DeleteAlert,
    answer: &mut Answer,
) -> Result<(), Error> {
    let alert = AlertRule { alert_name: own.alert_name.clone(), ..AlertRule::default() };
    let place = AlertPlace { group: own.group.clone(), rules_file: own.rules_file.clone(), ..AlertPlace::default() };
    let settings = &Settings::of(call.cfg, own.alert_config.as_ref(), &Both(alert, Both(place, target.clone())))?;
    let (name, group) = (settings.alert_name()?, settings.group());
    answer.text("alert_name", name);
    if call.config.mock {
        answer.flag("mock", true);
        answer.flag("deleted", false);
        return Ok(());
    }
    let (target, _, ruler) = ruler(call, settings)?;
    if target == Target::File {
        let file = settings.rules_file(|| alert_file(group, name))?;
        let installed = Install::take(group.into(), name.into(), file, folder).run(call, settings, answer)?;
        // Only what this call took out and the server lists no more.
        answer.flag("deleted", installed.written && installed.confirmed);
        answer.flag("was_there", installed.was_there);
        return Ok(());
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
    answer.flag("deleted", found.is_some());
    answer.flag("was_there", found.is_some());
    Ok(())
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
