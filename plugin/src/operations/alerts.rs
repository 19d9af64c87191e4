//! Alerts as code: `create_alert`, `plan_alerts`, `apply_alerts`, `list_alerts`, `get_alert_state`, `delete_alert`, `export_rules`.
//!
//! `alert_created` is true only after a server listed the rule as it is wanted; until then the answer is `pending`, with what is missing.
//!
//! Prometheus has no API that takes rules. For the target `file` the answer holds the file in `artifacts`; a host that was granted a rules
//! folder writes it there and asks again with `rules_written`, and then the plug asks the server to reload and reads back.

use core::time::Duration;

use super::notify::{deliver, webhook_url};
use super::{Answer, Call, parse_object};
use crate::error::Error;
use crate::fields::{self, Fields};
use crate::http::{Peer, Segment, Url};
use crate::json::{Json, Object, Writer};
use crate::registry::{Labels, MetricName};
use crate::rules::plan::{self, Change, GroupChange, HeldGroup, HeldRule};
use crate::rules::{self, Group, Makes, Rule, slug, with_label};
use crate::servers::alertmanager::{Alert, pairs, write_labels};
use crate::servers::ruler::{self, Ruler, Target};
use crate::servers::{grafana, prometheus};
use crate::time::{parse_duration, prometheus_duration};

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
    places: Vec<(&'c Object<'c>, &'static str)>,
}

impl<'c> Settings<'c> {
    /// The first place that has the field.
    fn with(&self, key: &str) -> Option<Fields<'c>> {
        self.places.iter().map(|(map, path)| Fields::new(map, path)).find(|fields| fields.some(key).is_some())
    }

    fn text(&self, key: &str, expected: &'static str) -> Result<Option<String>, Error> {
        self.with(key).map_or(Ok(None), |fields| fields.text_or_none(key, expected))
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
        let group = one_alert(settings)?;
        let name = group.rules.first().map(|rule| rule.name().to_owned()).unwrap_or_default();
        group.check("").map_err(|error| error.within_place(settings))?;
        let rule_file = match settings.text("rules_file", "a file's name")? {
            Some(file) => file_name(&file, settings)?,
            None => format!("plugpipe_alert_{}.yml", slug(&format!("{} {name}", group.name))),
        };
        let webhook = settings.with("webhook_url").map_or(Ok(None), |fields| webhook_url(&fields))?;
        answer.text("alert_name", &name);
        answer.text("alert_id", &format!("{}/{name}", group.name));
        if let Some(rule) = group.rules.first() {
            answer.text("expression", &rule.expression);
        }
        let installed = Install { groups: vec![group], file: rule_file, remove_others: false, dry_run: false }
            .run(call, settings, answer)?;
        answer.flag("alert_created", installed.confirmed);
        if let Some(held) = &installed.held
            && let Some(rule) = held.iter().flat_map(|group| &group.rules).find(|rule| rule.alert && rule.name == name)
        {
            answer.text("state", &rule.state);
        }
        if let Some(url) = webhook {
            notify(call, answer, &url, &installed.groups, installed.held.as_deref())?;
        }
        Ok(())
    })
}

/// Tells a webhook of the rule: as resolved, because nothing fires only because it is watched; as firing where the server says that it does.
fn notify(
    call: &mut Call,
    answer: &mut Answer,
    url: &Url,
    groups: &[Group],
    held: Option<&[HeldGroup]>,
) -> Result<(), Error> {
    let Some(rule) = groups.iter().flat_map(|group| &group.rules).next() else { return Ok(()) };
    let Makes::Alert { annotations, pending_for, .. } = &rule.makes else { return Ok(()) };
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
    if let Err(error) = deliver(call, answer, url, &[alert], Some(&data.finish())) {
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
        let groups = read_groups(&call.ctx, settings)?;
        let file = match settings.text("rules_file", "a file's name")? {
            Some(file) => file_name(&file, settings)?,
            None => DEFAULT_FILE.into(),
        };
        let installed = Install { groups, file, remove_others: true, dry_run }.run(call, settings, answer)?;
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
        let groups = read_groups(&call.ctx, settings)?;
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
        let ruler = ruler(call, settings)?.1?;
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

/// `get_alert_state`: `inactive`, `pending` or `firing`, and since when; `not_found` where the server has no such rule.
pub(super) fn state(call: &mut Call, answer: &mut Answer) -> Result<(), Error> {
    with_settings(call, |call, settings| {
        let name = alert_name(settings)?;
        answer.text("alert_name", &name);
        if call.config.mock {
            answer.flag("mock", true);
            answer.text("state", "not_found");
            return Ok(());
        }
        let ruler = ruler(call, settings)?.1?;
        let held = ruler.held(&mut call.client(call.config.limits(), true))?;
        let rules: Vec<(&HeldGroup, &HeldRule)> = held
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

fn write_held(answer: &mut Answer, group: &HeldGroup, rule: &HeldRule) {
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
        let group = settings.text("group", "a group's name")?.unwrap_or_else(|| DEFAULT_GROUP.into());
        answer.text("alert_name", &name);
        if call.config.mock {
            answer.flag("mock", true);
            answer.flag("deleted", false);
            return Ok(());
        }
        let (target, ruler) = ruler(call, settings)?;
        if target == Target::File {
            let file = match settings.text("rules_file", "a file's name")? {
                Some(file) => file_name(&file, settings)?,
                None => format!("plugpipe_alert_{}.yml", slug(&format!("{group} {name}"))),
            };
            let installed = Install { groups: Vec::new(), file, remove_others: true, dry_run: false }
                .run(call, settings, answer)?;
            answer.flag("deleted", installed.confirmed);
            return Ok(());
        }
        let ruler = ruler?;
        let held = ruler.held(&mut call.client(call.config.limits(), true))?;
        let own = ruler.own(&held, "");
        let found = own.iter().find(|held| held.name == group);
        let others = found.is_some_and(|held| held.rules.iter().any(|rule| rule.name != name));
        if others {
            return Err(Error::invalid(
                settings.path("group"),
                format!(
                    "the group {group} holds other rules too, which would be deleted with {name}; use apply_alerts with those that stay"
                ),
            ));
        }
        ruler.delete(&mut call.client(call.config.limits(), true), &group)?;
        answer.flag("deleted", true);
        answer.flag("was_there", found.is_some());
        Ok(())
    })
}

/// Rules to be brought to where they are evaluated.
struct Install {
    groups: Vec<Group>,
    /// The rule file's name, for the target `file`.
    file: String,
    /// Whether other groups of the file or namespace go.
    remove_others: bool,
    dry_run: bool,
}

/// What came of it.
struct Installed {
    groups: Vec<Group>,
    /// Whether the server lists all as it is wanted.
    confirmed: bool,
    /// What it holds, where it was asked.
    held: Option<Vec<HeldGroup>>,
}

impl Install {
    fn run(self, call: &mut Call, settings: &Settings, answer: &mut Answer) -> Result<Installed, Error> {
        let (target, ruler) = ruler(call, settings)?;
        answer.text("target", target.name());
        if target != Target::File {
            for group in &self.groups {
                Segment::with_slashes(&group.name, "group")?;
            }
        }
        if call.config.mock {
            answer.flag("mock", true);
            self.write_changes(answer, &self.changes(None, &[]));
            answer.text("status", "pending");
            answer.text("pending", "mock_mode reaches no server");
            return Ok(Installed { groups: self.groups, confirmed: false, held: None });
        }
        match target {
            Target::File => self.file(call, settings, answer, ruler),
            _ => self.api(call, settings, answer, ruler?),
        }
    }

    /// What has to change, compared with what the server holds.
    fn changes(&self, ruler: Option<&Ruler>, held: &[HeldGroup]) -> Vec<GroupChange> {
        let own = ruler.map(|ruler| ruler.own(held, &self.file)).unwrap_or_default();
        let mut changes = plan::plan(&self.groups, &own, ruler.is_some_and(|ruler| ruler.target == Target::Grafana));
        if !self.remove_others {
            changes.retain(|change| change.change != Change::Removed);
        }
        changes
    }

    fn write_changes(&self, answer: &mut Answer, changes: &[GroupChange]) {
        let rules = || changes.iter().flat_map(|change| &change.rules);
        for kind in [Change::Created, Change::Changed, Change::Unchanged, Change::Removed] {
            answer.count(kind.word(), rules().filter(|(_, change)| *change == kind).count() as u64);
        }
        answer.open_list("changes");
        for group in changes {
            answer.open_item();
            answer.text("group", &group.group);
            answer.text("change", group.change.word());
            answer.open_list("rules");
            for (name, change) in &group.rules {
                answer.open_item();
                answer.text("name", name);
                answer.text("change", change.word());
                answer.close();
            }
            answer.close_list();
            answer.close();
        }
        answer.close_list();
    }

    /// Expressions that the server has not taken before are asked of its parser.
    fn check_expressions(
        &self,
        call: &mut Call,
        settings: &Settings,
        ruler: &Ruler,
        changes: &[GroupChange],
    ) -> Result<(), Error> {
        for (group, change) in self.groups.iter().zip(changes) {
            if change.change == Change::Unchanged {
                continue;
            }
            for (index, (rule, (_, change))) in group.rules.iter().zip(&change.rules).enumerate() {
                if *change == Change::Unchanged {
                    continue;
                }
                let mut client = call.client(call.config.limits(), true);
                if let Some(problem) = ruler.check_expression(&mut client, &rule.expression)? {
                    let field = if self.remove_others {
                        format!("groups[{}].rules[{index}].expr", group.name)
                    } else {
                        settings.path("expression")
                    };
                    return Err(Error::invalid(field, format!("{} does not take it: {problem}", ruler.peer.server)));
                }
            }
        }
        Ok(())
    }

    fn file(
        self,
        call: &mut Call,
        settings: &Settings,
        answer: &mut Answer,
        ruler: Result<Ruler, Error>,
    ) -> Result<Installed, Error> {
        let written = call.ctx.some("rules_written").and_then(fields::flag).unwrap_or(false);
        answer.text("rules_file", &self.file);
        let ruler = match ruler {
            Ok(ruler) => ruler,
            // A file can be made without a server; only nobody can say then whether it is loaded.
            Err(error @ Error::NotConfigured { .. }) => {
                self.write_changes(answer, &self.changes(None, &[]));
                self.pend(answer, &error.to_string());
                return Ok(Installed { groups: self.groups, confirmed: false, held: None });
            }
            Err(error) => return Err(error),
        };
        let mut reload_error = None;
        if written && let Err(error) = ruler.reload(&mut call.client(call.config.limits(), true)) {
            // Whoever wrote the file takes it back where the server refuses what is in it.
            answer.flag("reload_refused", matches!(error, Error::Refused { status: 500, .. }));
            reload_error = Some(error.to_string());
        }
        let deadline = call.transport.monotonic().saturating_add(CONFIRM_WITHIN.min(call.config.timeout));
        let mut before = None;
        loop {
            let held = match ruler.held(&mut call.client(call.config.limits(), true)) {
                Ok(held) => held,
                Err(error) if before.is_none() => {
                    self.write_changes(answer, &self.changes(None, &[]));
                    self.pend(answer, &format!("the server cannot be asked what it holds: {error}"));
                    return Ok(Installed { groups: self.groups, confirmed: false, held: None });
                }
                Err(error) => return Err(error),
            };
            let changes = self.changes(Some(&ruler), &held);
            let done = changes.iter().all(|change| change.change == Change::Unchanged);
            let wait = written && !done && reload_error.is_none() && call.transport.monotonic() < deadline;
            before.get_or_insert(changes.clone());
            if wait {
                call.transport.sleep(CONFIRM_PAUSE);
                continue;
            }
            if !written && !done {
                self.check_expressions(call, settings, &ruler, &changes)?;
            }
            self.write_changes(answer, before.as_deref().unwrap_or(&changes));
            if done {
                answer.text("status", if written { "installed" } else { "unchanged" });
            } else if self.dry_run {
                answer.text("status", "planned");
            } else if written {
                answer.text("status", "pending");
                let why = reload_error.as_deref().unwrap_or("its rule_files may not name the folder");
                answer.text("pending", &["the file is written, and the server has not loaded it: ", why].concat());
            } else {
                self.pend(answer, "not installed: no rules folder was granted (harness: --rules-folder DIR); put the file of artifacts into a folder that the server's rule_files name, and reload the server");
            }
            return Ok(Installed { groups: self.groups, confirmed: done, held: Some(held) });
        }
    }

    /// Says that it is not there yet, and hands out the file.
    fn pend(&self, answer: &mut Answer, why: &str) {
        answer.text("status", if self.dry_run { "planned" } else { "pending" });
        if self.dry_run {
            return;
        }
        answer.text("pending", why);
        answer.open_list("artifacts");
        answer.open_item();
        answer.text("kind", "rules_file");
        answer.text("name", &self.file);
        if self.groups.is_empty() {
            // Gone, rather than without groups.
            answer.flag("remove", true);
        } else {
            answer.text("content", &rules::file(&self.groups));
        }
        answer.close();
        answer.close_list();
    }

    fn api(
        mut self,
        call: &mut Call,
        settings: &Settings,
        answer: &mut Answer,
        ruler: Ruler,
    ) -> Result<Installed, Error> {
        if ruler.target == Target::Grafana {
            for group in &mut self.groups {
                let rules = core::mem::take(&mut group.rules);
                group.rules = rules.into_iter().map(Rule::marked).collect::<Result<_, _>>()?;
            }
        }
        answer.text("namespace", &ruler.namespace);
        let held = ruler.held(&mut call.client(call.config.limits(), true))?;
        let changes = self.changes(Some(&ruler), &held);
        let done = changes.iter().all(|change| change.change == Change::Unchanged);
        self.write_changes(answer, &changes);
        if done || self.dry_run {
            answer.text("status", if done { "unchanged" } else { "planned" });
            return Ok(Installed { groups: self.groups, confirmed: done, held: Some(held) });
        }
        self.check_expressions(call, settings, &ruler, &changes)?;
        let limits = call.config.limits();
        for change in &changes {
            let mut client = call.client(limits, true);
            match (change.change, self.groups.iter().find(|group| group.name == change.group)) {
                (Change::Unchanged, _) => {}
                (_, Some(group)) => ruler.write(&mut client, group)?,
                (_, None) => ruler.delete(&mut client, &change.group)?,
            }
        }
        let deadline = call.transport.monotonic().saturating_add(CONFIRM_WITHIN.min(call.config.timeout));
        loop {
            let held = ruler.held(&mut call.client(limits, true))?;
            let done = self.changes(Some(&ruler), &held).iter().all(|change| change.change == Change::Unchanged);
            if done {
                answer.text("status", "installed");
            } else if call.transport.monotonic() < deadline {
                call.transport.sleep(CONFIRM_PAUSE);
                continue;
            } else {
                answer.text("status", "pending");
                answer.text(
                    "pending",
                    "the server took the rules, and does not list them yet; it loads them at its next poll",
                );
            }
            return Ok(Installed { groups: self.groups, confirmed: done, held: Some(held) });
        }
    }
}

/// Who evaluates the rules, or what is missing to know that.
fn ruler(call: &Call, settings: &Settings) -> Result<(Target, Result<Ruler, Error>), Error> {
    let target = match settings.text("target", "a target's name")? {
        None => Target::default(),
        Some(name) => Target::of(&name).map_err(|problem| Error::invalid(settings.path("target"), problem))?,
    };
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
        return Ok((target, Err(Error::NotConfigured { field: missing.0, todo: missing.1 })));
    };
    let datasource_uid = settings.text("datasource_uid", "a data source's uid")?;
    if target == Target::Grafana && datasource_uid.is_none() {
        return Err(Error::Missing {
            field: settings.path("datasource_uid"),
            expected: "the uid of the Prometheus data source that the expressions are asked of",
        });
    }
    let namespace = settings.text("namespace", "a namespace")?.unwrap_or_else(|| DEFAULT_GROUP.into());
    if target != Target::File {
        Segment::with_slashes(&namespace, &settings.path("namespace"))?;
    }
    let peer: Peer = peer;
    Ok((target, Ok(Ruler { target, peer, base, namespace, datasource_uid })))
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
        .ok_or_else(|| Error::Missing { field: settings.path("alert_name"), expected: "the alert's name" })
}

/// The alert of `create_alert`, in a group of its own file.
fn one_alert(settings: &Settings) -> Result<Group, Error> {
    let rule = alert_rule(settings)?;
    Ok(Group {
        name: settings.text("group", "a group's name")?.unwrap_or_else(|| DEFAULT_GROUP.into()),
        interval: duration(settings, &["interval"])?,
        rules: vec![rule],
    })
}

/// An alert with the seed's fields: `{alert_name, expression, duration, severity, annotations, labels, keep_firing_for, runbook_url}`.
fn alert_rule(settings: &Settings) -> Result<Rule, Error> {
    let name = alert_name(settings)?;
    let expression = settings
        .text("expression", "a PromQL expression")?
        .ok_or_else(|| Error::Missing { field: settings.path("expression"), expected: "a PromQL expression" })?;
    let given =
        |key: &str| settings.with(key).map_or_else(|| Ok(Labels::default()), |fields| fields.labels(key, false));
    let mut labels = given("labels")?;
    let severity = settings.text("severity", "info, warning or critical")?;
    for (label, value) in [("severity", severity.as_deref().unwrap_or("warning")), ("source", "plugpipe")] {
        if labels.get(label).is_none() {
            labels = with_label(&labels, label, value, &settings.path("labels"))?;
        }
    }
    let mut annotations = given("annotations")?;
    if annotations.iter().len() == 0 {
        annotations = with_label(&annotations, "summary", &escape_template(&format!("Alert: {name}")), "annotations")?;
    }
    if let Some(url) = settings.text("runbook_url", "a URL")?
        && annotations.get("runbook_url").is_none()
    {
        annotations = with_label(&annotations, "runbook_url", &url, &settings.path("annotations"))?;
    }
    Ok(Rule {
        makes: Makes::Alert {
            name,
            pending_for: duration(settings, &["duration", "for"])?.unwrap_or(Duration::from_secs(300)),
            keep_firing_for: duration(settings, &["keep_firing_for"])?.unwrap_or_default(),
            annotations,
        },
        expression,
        labels,
    })
}

/// A name may hold what a template would take for an action.
fn escape_template(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

fn duration(settings: &Settings, keys: &[&str]) -> Result<Option<Duration>, Error> {
    for key in keys {
        if let Some(text) = settings.text(key, "a duration")? {
            let problem = |problem| Error::invalid(settings.path(key), problem);
            let duration = parse_duration(&text).map_err(problem)?;
            if duration > Duration::from_secs(10 * 365 * 86_400) {
                return Err(problem("is longer than ten years".into()));
            }
            return Ok(Some(duration));
        }
    }
    Ok(None)
}

/// `groups`, as a rule file has them; or `alerts`, a list with the fields of `create_alert`, in one group.
fn read_groups(ctx: &Fields, settings: &Settings) -> Result<Vec<Group>, Error> {
    let groups = match (ctx.some("groups"), ctx.some("alerts")) {
        (Some(Json::Array(groups)), None) => groups
            .iter()
            .enumerate()
            .map(|(index, group)| {
                let path = format!("groups[{index}]");
                match group {
                    Json::Object(map) => read_group(&Fields::new(map, &path)),
                    other => Err(Error::invalid(path, format!("expected an object, got {}", fields::kind_of(other)))),
                }
            })
            .collect::<Result<Vec<_>, _>>()?,
        (None, Some(Json::Array(alerts))) => {
            let rules = alerts
                .iter()
                .enumerate()
                .map(|(index, alert)| {
                    let path = format!("alerts[{index}]");
                    match alert {
                        Json::Object(map) => {
                            alert_rule(&Settings { places: vec![(map, "")] }).map_err(|error| error.within(&path))
                        }
                        other => {
                            Err(Error::invalid(path, format!("expected an object, got {}", fields::kind_of(other))))
                        }
                    }
                })
                .collect::<Result<_, _>>()?;
            let name = settings.text("group", "a group's name")?.unwrap_or_else(|| DEFAULT_GROUP.into());
            vec![Group { name, interval: duration(settings, &["interval"])?, rules }]
        }
        (None, None) => crate::rules::templates::read(ctx)?,
        (Some(_), Some(_)) => return Err(Error::invalid("alerts", "is given beside groups; give one of them")),
        (Some(other), None) => {
            return Err(Error::invalid("groups", format!("expected a list, got {}", fields::kind_of(other))));
        }
        (None, Some(other)) => {
            return Err(Error::invalid("alerts", format!("expected a list, got {}", fields::kind_of(other))));
        }
    };
    for (index, group) in groups.iter().enumerate() {
        group.check(&format!("groups[{index}]"))?;
        if groups.iter().take(index).any(|other| other.name == group.name) {
            return Err(Error::invalid(
                format!("groups[{index}].name"),
                format!("there is another group {:?}", group.name),
            ));
        }
    }
    Ok(groups)
}

fn read_group(fields: &Fields) -> Result<Group, Error> {
    let path = fields.path("rules");
    let list = match fields.some("rules") {
        Some(Json::Array(list)) => list,
        Some(other) => return Err(Error::invalid(path, format!("expected a list, got {}", fields::kind_of(other)))),
        None => return Err(Error::Missing { field: path, expected: "a list of rules" }),
    };
    let rules = list
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            let path = format!("{path}[{index}]");
            match rule {
                Json::Object(map) => read_rule(&Fields::new(map, &path)),
                other => Err(Error::invalid(path, format!("expected an object, got {}", fields::kind_of(other)))),
            }
        })
        .collect::<Result<_, _>>()?;
    let interval =
        |text: String| parse_duration(&text).map_err(|problem| Error::invalid(fields.path("interval"), problem));
    Ok(Group {
        name: fields.text("name", "the group's name")?,
        interval: fields.text_or_none("interval", "a duration")?.map(interval).transpose()?,
        rules,
    })
}

/// A rule as a rule file has it: `{alert | record, expr, for, keep_firing_for, labels, annotations}`.
fn read_rule(fields: &Fields) -> Result<Rule, Error> {
    let duration = |key: &str| {
        fields
            .text_or_none(key, "a duration")?
            .map(|text| parse_duration(&text).map_err(|problem| Error::invalid(fields.path(key), problem)))
            .transpose()
    };
    let makes =
        match (fields.text_or_none("alert", "an alert's name")?, fields.text_or_none("record", "a metric's name")?) {
            (Some(name), None) => Makes::Alert {
                name,
                pending_for: duration("for")?.unwrap_or_default(),
                keep_firing_for: duration("keep_firing_for")?.unwrap_or_default(),
                annotations: fields.labels("annotations", false)?,
            },
            (None, Some(name)) => Makes::Record { name: MetricName::new(&name, &fields.path("record"))? },
            (Some(_), Some(_)) => {
                return Err(Error::invalid(fields.path("record"), "is given beside alert; a rule is one of them"));
            }
            (None, None) => {
                return Err(Error::Missing { field: fields.path("alert"), expected: "an alert's name, or record" });
            }
        };
    Ok(Rule { makes, expression: fields.text("expr", "a PromQL expression")?, labels: fields.labels("labels", false)? })
}

impl Error {
    /// The error of an alert whose fields stand in `alert_config`, or wherever the settings have them.
    fn within_place(self, settings: &Settings) -> Self {
        match self {
            Self::Invalid { field, problem } => {
                let path = match field.split_once('.') {
                    Some((first, rest)) => format!("{}.{rest}", settings.path(first)),
                    None => settings.path(&field),
                };
                Self::Invalid { field: path, problem }
            }
            Self::Missing { field, expected } => Self::Missing { field: settings.path(&field), expected },
            other => other,
        }
    }
}
