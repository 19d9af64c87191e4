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
use super::notify::{deliver, webhook_url};
use super::{Answer, Call, parse_object};
use crate::error::Error;
use crate::fields::{self, Fields};
use crate::http::{Peer, Segment, Url};
use crate::json::{Object, Writer};
use crate::rules::known::{Evaluator, Taker, Version};
use crate::rules::plan::{ServerGroup, ServerRule};
use crate::rules::read::Uses;
use crate::rules::{self, Group, RuleKind, slug, with_label};
use crate::servers::alertmanager::{Alert, pairs, write_labels};
use crate::servers::ruler::{self, Ruler, Target};
use crate::servers::{grafana, prometheus};
use crate::time::prometheus_duration;

/// The group of alerts that name none.
const DEFAULT_GROUP: &str = "plugpipe";

/// The file of a whole set of rules that names none.
const DEFAULT_FILE: &str = "plugpipe_rules.yml";

/// How long a server may take to load what it was given.
const CONFIRM_WITHIN: Duration = Duration::from_secs(5);

/// Between two looks at what it has loaded.
const CONFIRM_PAUSE: Duration = Duration::from_millis(200);

/// Settings of alerts: those of the call, over those of `cfg.alert_config`.
struct Settings<'c> {
    /// From the most particular place to the least.
    places: Vec<(&'c Object<'c>, &'c str)>,
}

impl<'c> Settings<'c> {
    /// The first place that has the field.
    fn with(&self, key: &str) -> Option<Fields<'c>> {
        self.places.iter().map(|(map, path)| Fields::new(map, path)).find(|fields| fields.some(key).is_some())
    }

    fn text(&self, key: &str, expected: &'static str) -> Result<Option<String>, Error> {
        self.with(key).map_or(Ok(None), |fields| Ok(fields.text_or_none(key, expected)?))
    }

    fn path(&self, key: &str) -> String {
        match (self.with(key), self.places.first()) {
            (Some(fields), _) => fields.path(key),
            (None, Some((_, path))) if !path.is_empty() => format!("{path}.{key}"),
            _ => key.to_owned(),
        }
    }
}

/// Calls `run` with the settings of a call.
fn with_settings<T>(call: &mut Call, run: impl FnOnce(&mut Call, &Settings) -> Result<T, Error>) -> Result<T, Error> {
    let ctx = call.ctx;
    let cfg_text = call.cfg.to_owned();
    let cfg = if cfg_text.is_empty() { Object::default() } else { parse_object("cfg", &cfg_text)? };
    let mut places = Vec::new();
    if let Some(own) = ctx.object("alert_config")? {
        places.push((own, "alert_config"));
    }
    places.push((ctx.map(), ""));
    if let Some(configured) = Fields::new(&cfg, "cfg").object("alert_config")? {
        places.push((configured, "cfg.alert_config"));
    }
    run(call, &Settings { places })
}

/// `create_alert`: one alert, checked, and installed where `target` says.
pub(super) fn create(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    with_settings(call, |call, settings| {
        let (_, evaluator) = target(settings)?;
        let wanted = read::one_alert(settings, evaluator)?;
        let groups = wanted.groups.clone();
        let group = groups.first().map(|group| group.name.clone()).unwrap_or_default();
        let rule = groups.iter().flat_map(|group| &group.rules).next();
        let name = rule.map(|rule| rule.name().to_owned()).unwrap_or_default();
        let rule_file = alert_file(settings, &group, &name)?;
        let webhook = settings.with("webhook_url").map_or(Ok(None), |fields| webhook_url(&fields))?;
        answer.text("alert_name", &name);
        answer.text("alert_id", &format!("{group}/{name}"));
        if let Some(rule) = rule {
            answer.text("expression", &rule.expression);
        }
        let installed = Install::put(wanted, rule_file).run(call, settings, answer)?;
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
    })
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
pub(super) fn plan(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    apply_or_plan(call, answer, true)
}

/// `apply_alerts`: a whole file or namespace of rules; those that are no more wanted are removed.
pub(super) fn apply(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    let dry_run = call.ctx.some("dry_run").and_then(fields::flag).unwrap_or(false);
    apply_or_plan(call, answer, dry_run)
}

fn apply_or_plan(call: &mut Call, answer: &mut Answer, dry_run: bool) -> Result<(), Error> {
    with_settings(call, |call, settings| {
        let (_, evaluator) = target(settings)?;
        let wanted = read::groups(&call.ctx, settings, evaluator)?;
        let file = match settings.text("rules_file", "a file's name")? {
            Some(file) => file_name(&file, settings)?,
            None => DEFAULT_FILE.into(),
        };
        let installed = Install::whole(wanted, file, dry_run).run(call, settings, answer)?;
        if dry_run {
            answer.flag("dry_run", true);
        } else {
            answer.flag("applied", installed.confirmed);
        }
        Ok(())
    })
}

/// `export_rules`: the rule file, and nothing else.
pub(super) fn export(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    with_settings(call, |call, settings| {
        let (_, evaluator) = target(settings)?;
        let read::Wanted { groups, uses, .. } = read::groups(&call.ctx, settings, evaluator)?;
        uses.check(Taker { evaluator, version: target_version(settings)? })?;
        let file = settings.text("rules_file", "a file's name")?.unwrap_or_else(|| DEFAULT_FILE.into());
        answer.count("groups", groups.len() as u64);
        answer.count("rules", groups.iter().map(|group| group.rules.len() as u64).sum());
        answer.text("rules_file", &file_name(&file, settings)?);
        answer.text("exported_rules", &rules::file(&groups));
        Ok(())
    })
}

/// `list_alerts`: the alerting rules that the server holds, with the state of each.
pub(super) fn list(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    with_settings(call, |call, settings| {
        let group = settings.text("group", "a group's name")?;
        if call.config.mock {
            answer.flag("mock", true);
            answer.open_list("alerts");
            answer.close_list();
            return Ok(());
        }
        let ruler = ruler(call, settings)?.2?;
        let held = ruler.held(&mut call.client(call.config.limits(), true))?;
        answer.open_list("alerts");
        for held in held.iter().filter(|held| group.as_ref().is_none_or(|group| held.name == *group)) {
            for rule in held.rules.iter().filter(|rule| rule.alert) {
                answer.open_item();
                write_held(answer, held, rule);
                answer.close();
            }
        }
        answer.close_list();
        Ok(())
    })
}

/// `get_alert_state`: `inactive`, `pending` or `firing`, and since when; `not_found` where the
/// server has no such rule.
pub(super) fn state(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    with_settings(call, |call, settings| {
        let name = alert_name(settings)?;
        answer.text("alert_name", &name);
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
    })
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
pub(super) fn delete(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    with_settings(call, |call, settings| {
        let name = alert_name(settings)?;
        let group = read::group_name(settings)?;
        answer.text("alert_name", &name);
        if call.config.mock {
            answer.flag("mock", true);
            answer.flag("deleted", false);
            return Ok(());
        }
        let (target, _, ruler) = ruler(call, settings)?;
        if target == Target::File {
            let file = alert_file(settings, &group, &name)?;
            let installed = Install::take(group, name, file).run(call, settings, answer)?;
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
            ruler.delete(&mut call.client(call.config.limits(), true), &group)?;
        }
        answer.flag("deleted", found.is_some());
        answer.flag("was_there", found.is_some());
        Ok(())
    })
}

/// The file of an alert: the one that is named, or one of its own.
fn alert_file(settings: &Settings, group: &str, alert: &str) -> Result<String, Error> {
    match settings.text("rules_file", "a file's name")? {
        Some(file) => file_name(&file, settings),
        None => Ok(format!("plugpipe_alert_{}.yml", slug(&format!("{group} {alert}")))),
    }
}

/// Where the rules go, and who evaluates them there.
fn target(settings: &Settings) -> Result<(Target, Evaluator), Error> {
    match settings.text("target", "a target's name")? {
        None => Ok((Target::default(), Evaluator::default())),
        Some(name) => Target::of(&name).map_err(|problem| Error::invalid(settings.path("target"), problem)),
    }
}

/// The release of the server, where the caller says it.
fn target_version(settings: &Settings) -> Result<Option<Version>, Error> {
    let Some(text) = settings.text("target_version", "a version such as 3.5")? else { return Ok(None) };
    let problem = || format!("expected a version such as 2.53 or 3.5.1, got {:?}", crate::error::excerpt(&text, 100));
    Version::read(&text).map(Some).ok_or_else(|| Error::invalid(settings.path("target_version"), problem()))
}

/// Who takes the rules. The server is asked for its version only where something depends on that.
fn taker(
    call: &mut Call,
    settings: &Settings,
    evaluator: Evaluator,
    ruler: Option<&Ruler>,
    uses: &Uses,
) -> Result<Taker, Error> {
    let mut version = target_version(settings)?;
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
    let (target, evaluator) = target(settings)?;
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
    let datasource_uid = settings.text("datasource_uid", "a data source's uid")?;
    if target == Target::Grafana && datasource_uid.is_none() {
        return Err(Error::missing(
            settings.path("datasource_uid"),
            "the uid of the Prometheus data source that the expressions are asked of",
        ));
    }
    let namespace = settings.text("namespace", "a namespace")?.unwrap_or_else(|| DEFAULT_GROUP.into());
    if target != Target::File {
        Segment::with_slashes(&namespace, &settings.path("namespace"))?;
    }
    let peer: Peer = peer;
    Ok((target, evaluator, Ok(Ruler { target, peer, base, namespace, datasource_uid })))
}

/// A rule file's name: of one file, in one folder.
fn file_name(name: &str, settings: &Settings) -> Result<String, Error> {
    let name = name.trim();
    let plain =
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)) && !name.starts_with('.');
    let ends = name.ends_with(".yml") || name.ends_with(".yaml");
    if plain && ends && name.len() <= 200 {
        Ok(name.to_owned())
    } else {
        Err(Error::invalid(
            settings.path("rules_file"),
            format!(
                "expected a file's name of letters, digits, _, - and ., ending in .yml, got {:?}",
                crate::error::excerpt(name, 100)
            ),
        ))
    }
}

fn alert_name(settings: &Settings) -> Result<String, Error> {
    settings
        .text("alert_name", "the alert's name")?
        .ok_or_else(|| Error::missing(settings.path("alert_name"), "the alert's name"))
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
