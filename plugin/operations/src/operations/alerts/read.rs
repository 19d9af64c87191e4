//! Reads rules from requests: one alert with the fields of `create_alert`, a list of those, groups
//! in rule-file format, or a template.

use core::time::Duration;

use super::settings::{Settings, within_place};
use crate::error::{Error, excerpt};
use crate::known::meant;
use crate::registry::Labels;
use crate::rules::edit::Edit;
use crate::rules::known::Evaluator;
use crate::rules::read::{self, Uses};
use crate::rules::{Group, Rule, RuleKind, Style, with_label};
use plugpipe_contract::document::{Document, Request as _};
use plugpipe_contract::requests::{AlertRule, WantedRules};
use plugpipe_contract::scalar::{self, Any};

/// The maximum duration of an alert.
const MAX_DURATION: Duration = Duration::from_secs(10 * 365 * 86_400);

/// The requested contents of a file or namespace, and the features used that not every server
/// supports.
pub(super) struct Wanted {
    pub(super) edit: Edit,
    pub(super) uses: Uses,
    /// How the rules were given, for error paths.
    pub(super) given: Given,
}

/// How rules were given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// One alert, whose fields are in the settings.
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

/// The alert of `create_alert`, and its group.
pub(super) fn one_alert(settings: &Settings, evaluator: Evaluator) -> Result<(Rule, Wanted), Error> {
    let mut uses = Uses::default();
    let rule = alert_rule(settings, &mut uses)?;
    let group = Group { interval: interval(settings)?, ..Group::new(settings.group(), vec![rule.clone()]) };
    group.check("", "", Style::Flat, evaluator).map_err(|error| within_place(error.into(), settings))?;
    Ok((rule, Wanted { edit: Edit::Put(group), uses, given: Given::Alert }))
}

/// Zero means the default interval, as in Prometheus.
fn interval(settings: &Settings) -> Result<Option<Duration>, Error> {
    let interval = duration(settings, settings.place.interval, "interval")?;
    Ok(interval.filter(|interval| !interval.is_zero()))
}

/// The rule of an alert.
fn alert_rule(settings: &Settings, uses: &mut Uses) -> Result<Rule, Error> {
    let alert = &settings.alert;
    let name = settings.alert_name()?;
    let expression = alert.expression.required(&settings.path("expression"), "a PromQL expression")?;
    let mut given = |given: &Option<scalar::Labels>, field| match given {
        Some(given) => read::labels(given, &settings.path(field), uses),
        None => Ok(Labels::default()),
    };
    let (mut labels, mut annotations) = (given(&alert.labels, "labels")?, given(&alert.annotations, "annotations")?);
    for (label, value) in [("severity", alert.severity.get().unwrap_or("warning")), ("source", "plugpipe")] {
        if labels.get(label).is_none() {
            labels = with_label(&labels, label, value, &settings.path("labels"))?;
        }
    }
    if annotations.iter().len() == 0 {
        annotations = with_label(&annotations, "summary", &escape_template(&format!("Alert: {name}")), "annotations")?;
    }
    if let Some(url) = alert.runbook_url.get()
        && annotations.get("runbook_url").is_none()
    {
        annotations = with_label(&annotations, "runbook_url", url, &settings.path("annotations"))?;
    }
    let keep_firing_for = duration(settings, alert.keep_firing_for, "keep_firing_for")?.unwrap_or_default();
    if !keep_firing_for.is_zero() {
        uses.note(settings.path("keep_firing_for"), "keep_firing_for");
    }
    let pending_for = match duration(settings, alert.duration, "duration")? {
        None => duration(settings, alert.r#for, "for")?,
        given => given,
    };
    Ok(Rule {
        makes: RuleKind::Alert {
            name: name.to_owned(),
            pending_for: pending_for.unwrap_or(Duration::from_secs(300)),
            keep_firing_for,
            annotations,
        },
        expression: expression.to_owned(),
        labels,
        more: Vec::new(),
    })
}

/// Escapes template actions in a name.
fn escape_template(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

fn duration(settings: &Settings, given: scalar::Duration, field: &str) -> Result<Option<Duration>, Error> {
    match given.get() {
        Some(given) if given > MAX_DURATION => Err(Error::invalid(settings.path(field), "is longer than ten years")),
        given => Ok(given),
    }
}

/// Reads `groups` in rule-file format; or `alerts`, a list with the fields of `create_alert`, into
/// one group; or a template.
pub(super) fn groups(request: &WantedRules, settings: &Settings, evaluator: Evaluator) -> Result<Wanted, Error> {
    let mut uses = Uses::default();
    let (groups, given) = match (&request.groups, &request.alerts) {
        (Some(_), Some(_)) => return Err(Error::invalid("alerts", "conflicts with groups; give only one of them")),
        (Some(groups), None) => {
            let read = |(index, group): (usize, &Any)| {
                let path = format!("groups[{index}]");
                let group = read::group(*group, &path, &mut uses)?;
                group.check(&path, &format!("{path}.rules"), Style::File, evaluator)?;
                Ok(group)
            };
            (groups.iter().enumerate().map(read).collect::<Result<Vec<_>, Error>>()?, Given::Groups)
        }
        (None, Some(alerts)) => {
            let read = |(index, alert): (usize, &Any)| listed(*alert, &format!("alerts[{index}]"), &mut uses);
            let rules = alerts.iter().enumerate().map(read).collect::<Result<_, _>>()?;
            let group = Group { interval: interval(settings)?, ..Group::new(settings.group(), rules) };
            group.check("", "alerts", Style::Flat, evaluator)?;
            (vec![group], Given::Alerts)
        }
        (None, None) => {
            let groups = crate::rules::templates::read(request)?;
            for (index, group) in groups.iter().enumerate() {
                let path = format!("groups[{index}]");
                group.check(&path, &format!("{path}.rules"), Style::File, evaluator)?;
            }
            (groups, Given::Groups)
        }
    };
    for (index, group) in groups.iter().enumerate() {
        if groups.iter().take(index).any(|other| other.name == group.name) {
            return Err(Error::invalid(format!("groups[{index}].name"), format!("duplicate group {:?}", group.name)));
        }
    }
    Ok(Wanted { edit: Edit::Whole(groups), uses, given })
}

/// An alert of a list. Unknown fields are errors, because ignoring a misspelled one would install a
/// different rule.
fn listed(given: Any, path: &str, uses: &mut Uses) -> Result<Rule, Error> {
    let document = Document::of(given, path)?;
    let fields = AlertRule::fields();
    if let Some(name) = document.names().find(|name| !fields.contains(name)) {
        let near = meant(name, fields.iter().copied());
        let advice = if near.is_empty() { format!("; an alert has the fields {}", fields.join(", ")) } else { near };
        return Err(Error::invalid(format!("{path}.{}", excerpt(name, 100)), format!("unknown field{advice}")));
    }
    let alert = AlertRule::from_document(&document).map_err(|error| error.inside(path))?;
    alert_rule(&Settings { alert, object: path, ..Settings::default() }, uses)
}
