//! Rules as callers give them: one alert with the fields of `create_alert`, a list of those, groups
//! as a rule file has them, or a template.

use core::time::Duration;

use super::{DEFAULT_GROUP, Settings, alert_name};
use crate::error::Error;
use crate::fields::{self, Fields};
use crate::json::Json;
use crate::known::meant;
use crate::registry::Labels;
use crate::rules::known::Evaluator;
use crate::rules::read::{self, Uses};
use crate::rules::{Group, Rule, RuleKind, Style, with_label};
use crate::time::parse_duration;

/// Longest duration of an alert.
const MAX_DURATION: Duration = Duration::from_secs(10 * 365 * 86_400);

/// The fields of an alert in a list of alerts.
const ALERT_FIELDS: [&str; 9] = [
    "alert_name",
    "expression",
    "duration",
    "for",
    "severity",
    "labels",
    "annotations",
    "keep_firing_for",
    "runbook_url",
];

/// Groups that are wanted, and what they use that not every server takes.
pub(super) struct Wanted {
    pub(super) groups: Vec<Group>,
    pub(super) uses: Uses,
    /// How they were given, for the paths of errors.
    pub(super) given: Given,
}

/// How rules were given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// One alert, whose fields the settings have.
    Alert,
    /// `alerts`
    Alerts,
    /// `groups`, or a template.
    Groups,
}

impl Given {
    /// The path of a rule's expression.
    pub(super) fn expression(self, settings: &Settings, group: usize, rule: usize) -> String {
        match self {
            Self::Alert => settings.path("expression"),
            Self::Alerts => format!("alerts[{rule}].expression"),
            Self::Groups => format!("groups[{group}].rules[{rule}].expr"),
        }
    }
}

/// The alert of `create_alert`, in its group.
pub(super) fn one_alert(settings: &Settings, evaluator: Evaluator) -> Result<Wanted, Error> {
    let mut uses = Uses::default();
    let rule = alert_rule(settings, &mut uses)?;
    let group = Group { interval: interval(settings)?, ..Group::new(group_name(settings)?, vec![rule]) };
    group.check("", "", Style::Flat, evaluator).map_err(|error| super::within_place(error, settings))?;
    Ok(Wanted { groups: vec![group], uses, given: Given::Alert })
}

pub(super) fn group_name(settings: &Settings) -> Result<String, Error> {
    Ok(settings.text("group", "a group's name")?.unwrap_or_else(|| DEFAULT_GROUP.into()))
}

/// Prometheus takes none for its own.
fn interval(settings: &Settings) -> Result<Option<Duration>, Error> {
    Ok(duration(settings, &["interval"])?.filter(|interval| !interval.is_zero()))
}

/// An alert with the seed's fields: `{alert_name, expression, duration, severity, annotations,
/// labels, keep_firing_for, runbook_url}`.
fn alert_rule(settings: &Settings, uses: &mut Uses) -> Result<Rule, Error> {
    let name = alert_name(settings)?;
    let expression = settings
        .text("expression", "a PromQL expression")?
        .ok_or_else(|| Error::missing(settings.path("expression"), "a PromQL expression"))?;
    let mut given =
        |key: &str| settings.with(key).map_or_else(|| Ok(Labels::default()), |fields| read::labels(&fields, key, uses));
    let (mut labels, mut annotations) = (given("labels")?, given("annotations")?);
    let severity = settings.text("severity", "info, warning or critical")?;
    for (label, value) in [("severity", severity.as_deref().unwrap_or("warning")), ("source", "plugpipe")] {
        if labels.get(label).is_none() {
            labels = with_label(&labels, label, value, &settings.path("labels"))?;
        }
    }
    if annotations.iter().len() == 0 {
        annotations = with_label(&annotations, "summary", &escape_template(&format!("Alert: {name}")), "annotations")?;
    }
    if let Some(url) = settings.text("runbook_url", "a URL")?
        && annotations.get("runbook_url").is_none()
    {
        annotations = with_label(&annotations, "runbook_url", &url, &settings.path("annotations"))?;
    }
    let keep_firing_for = duration(settings, &["keep_firing_for"])?.unwrap_or_default();
    if !keep_firing_for.is_zero() {
        uses.note(settings.path("keep_firing_for"), "keep_firing_for");
    }
    Ok(Rule {
        makes: RuleKind::Alert {
            name,
            pending_for: duration(settings, &["duration", "for"])?.unwrap_or(Duration::from_secs(300)),
            keep_firing_for,
            annotations,
        },
        expression,
        labels,
        more: Vec::new(),
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
            if duration > MAX_DURATION {
                return Err(problem("is longer than ten years".into()));
            }
            return Ok(Some(duration));
        }
    }
    Ok(None)
}

/// `groups`, as a rule file has them; or `alerts`, a list with the fields of `create_alert`, in one
/// group; or a template.
pub(super) fn groups(ctx: &Fields, settings: &Settings, evaluator: Evaluator) -> Result<Wanted, Error> {
    let mut uses = Uses::default();
    let list = |key: &str| match ctx.some(key) {
        None => Ok(None),
        Some(Json::Array(list)) => Ok(Some(list)),
        Some(other) => Err(Error::invalid(key, format!("expected a list, got {}", fields::kind_of(other)))),
    };
    let (groups, given) = match (list("groups")?, list("alerts")?) {
        (Some(_), Some(_)) => return Err(Error::invalid("alerts", "is given beside groups; give one of them")),
        (Some(groups), None) => {
            let read = |(path, group): (String, Fields)| {
                let group = read::group(&group, &mut uses)?;
                group.check(&path, &format!("{path}.rules"), Style::File, evaluator)?;
                Ok(group)
            };
            (each(groups, "groups", read)?, Given::Groups)
        }
        (None, Some(alerts)) => {
            let read = |(path, alert): (String, Fields)| {
                let places = vec![(alert.map(), &*path)];
                if let Some((name, _)) = alert.map().iter().find(|(name, _)| !ALERT_FIELDS.contains(name)) {
                    let near = meant(name, ALERT_FIELDS.into_iter());
                    return Err(Error::invalid(
                        alert.path(&crate::error::excerpt(name, 100)),
                        format!("unknown field{near}; an alert of a list has {}", ALERT_FIELDS.join(", ")),
                    ));
                }
                alert_rule(&Settings { places }, &mut uses)
            };
            let rules = each(alerts, "alerts", read)?;
            let group = Group { interval: interval(settings)?, ..Group::new(group_name(settings)?, rules) };
            group.check("", "alerts", Style::Flat, evaluator)?;
            (vec![group], Given::Alerts)
        }
        (None, None) => {
            let groups = crate::rules::templates::read(ctx)?;
            for (index, group) in groups.iter().enumerate() {
                let path = format!("groups[{index}]");
                group.check(&path, &format!("{path}.rules"), Style::File, evaluator)?;
            }
            (groups, Given::Groups)
        }
    };
    for (index, group) in groups.iter().enumerate() {
        if groups.iter().take(index).any(|other| other.name == group.name) {
            return Err(Error::invalid(
                format!("groups[{index}].name"),
                format!("there is another group {:?}", group.name),
            ));
        }
    }
    Ok(Wanted { groups, uses, given })
}

/// Reads each object of a list; `key` is the list's path.
fn each<T>(
    list: &[Json],
    key: &str,
    mut read: impl FnMut((String, Fields)) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    list.iter()
        .enumerate()
        .map(|(index, item)| {
            let path = format!("{key}[{index}]");
            match item {
                Json::Object(map) => read((path.clone(), Fields::new(map, &path))),
                other => Err(Error::invalid(path, format!("expected an object, got {}", fields::kind_of(other)))),
            }
        })
        .collect()
}
