//! Alert settings of a call and of the configuration.

use crate::error::{Error, excerpt};
use crate::rules::known::{Evaluator, Version};
use crate::servers::ruler::{self, Target};
use plugpipe_contract::document::{Both, Document};
use plugpipe_contract::requests::{AlertConfig, AlertPlace, AlertRule, RulesTarget};

/// The default group of alerts.
pub(super) const DEFAULT_GROUP: &str = "plugpipe";

/// Alert settings: those of the call override `cfg.alert_config`.
#[derive(Default)]
pub(super) struct Settings<'s> {
    pub(super) alert: AlertRule<'s>,
    pub(super) place: AlertPlace<'s>,
    pub(super) target: RulesTarget<'s>,
    /// The object from which each field was taken, for error paths.
    pub(super) taken: Vec<(&'static str, &'s str)>,
    /// The object for all other fields.
    pub(super) object: &'s str,
}

/// Takes the fields of a part that are still unset.
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
    /// From the most to the least specific place: `alert_config`, the top level of the request, and
    /// the configuration's `alert_config`.
    pub(super) fn of(cfg: &'s str, own: Option<&AlertConfig<'s>>, beside: &AlertConfig<'s>) -> Result<Self, Error> {
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

    pub(super) fn take(&mut self, Both(alert, Both(place, target)): &AlertConfig<'s>, object: &'s str) {
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

    pub(super) fn path(&self, field: &str) -> String {
        let taken = self.taken.iter().find(|(own, _)| *own == field);
        match taken.map_or(self.object, |(_, object)| object) {
            "" => field.to_owned(),
            object => format!("{object}.{field}"),
        }
    }

    pub(super) fn alert_name(&self) -> Result<&str, Error> {
        Ok(self.alert.alert_name.required(&self.path("alert_name"), "the alert's name")?)
    }

    pub(super) fn group(&self) -> &str {
        self.place.group.get().unwrap_or(DEFAULT_GROUP)
    }

    /// The rule file's name: the given one, or the operation's default.
    pub(super) fn rules_file(&self, default: impl FnOnce() -> String) -> Result<String, Error> {
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
                "expected a file name of letters, digits, _, - and ., ending in .yml, got {:?}",
                excerpt(name, 100)
            ),
        ))
    }

    /// The target and its evaluator.
    pub(super) fn target(&self) -> Result<(Target, Evaluator), Error> {
        match self.target.target.get() {
            None => Ok((Target::default(), Evaluator::default())),
            Some(name) => ruler::target(name).map_err(|problem| Error::invalid(self.path("target"), problem)),
        }
    }

    /// The server's version, if the caller gives it.
    pub(super) fn target_version(&self) -> Result<Option<Version>, Error> {
        let Some(text) = self.target.target_version.get() else { return Ok(None) };
        let problem = || format!("expected a version such as 2.53 or 3.5.1, got {:?}", excerpt(text, 100));
        Version::read(text).map(Some).ok_or_else(|| Error::invalid(self.path("target_version"), problem()))
    }
}

/// Maps the field path of an error to the object from which the field was taken.
pub(super) fn within_place(error: Error, settings: &Settings) -> Error {
    error.map_field(|field| match field.split_once('.') {
        Some((first, rest)) => format!("{}.{rest}", settings.path(first)),
        None => settings.path(&field),
    })
}
