//! Installs rules and reads them back: by a file, which the host reads and writes, or by a ruler's
//! API. Each step is a job of its own: look, write, and confirm until the server lists the rules.

use core::time::Duration;

use super::evaluator::{rule_server, ruler};
use super::read::{Given, Wanted};
use super::settings::Settings;
use crate::error::{ClientError, Error, excerpt};
use crate::hosting::found::{ReloadError, RuleChanges, RulesStep, RulesView};
use crate::hosting::installing::{InstallPlace, InstallPlan};
use crate::hosting::schedule::millis;
use crate::http::{Segment, redacted};
use crate::operations::call::Call;
use crate::rules::Rule;
use crate::rules::edit::{Edit, Next};
use crate::rules::file::Current;
use crate::rules::plan::{self, Change, Equal, GroupChange, ServerGroup};
use crate::rules::read::Uses;
use crate::servers::ruler::{Ruler, Target};
use plugpipe_contract::requests::{RulesCurrent, RulesFolder};
use plugpipe_contract::responses::{Artifact, InstallReport, InstallStatus, NamedChange, RuleChange};

/// How long to wait until a server has loaded the rules.
const CONFIRM_WITHIN: Duration = Duration::from_secs(5);

/// An installation of rules.
pub(super) struct Install {
    edit: Edit,
    uses: Uses,
    given: Given,
    /// The rule file's name, for the target `file`.
    file: String,
    /// The file's current contents, if the host has read it.
    current: Option<Current>,
    /// Whether the caller says that it has written the file.
    written: bool,
    /// What is to be done.
    step: RulesStep,
    dry_run: bool,
}

/// The outcome of an installation.
#[derive(Default)]
pub(super) struct Installed {
    pub(super) report: InstallReport,
    /// Whether the server lists all rules as requested.
    pub(super) confirmed: bool,
    /// The groups on the server, if they were fetched.
    pub(super) held: Option<Vec<ServerGroup>>,
    /// For a removal: whether the alert was in the file or on the server.
    pub(super) was_there: bool,
    /// Whether the rules were written.
    pub(super) written: bool,
}

impl Install {
    /// `view` is what the recorder asks for and knows, and `folder` what a caller says of the file.
    pub(super) fn new(
        wanted: Wanted,
        file: String,
        (view, folder): (Option<&RulesView>, &RulesFolder),
        dry_run: bool,
    ) -> Self {
        let content = |current: &RulesCurrent| Current::of(current.content.as_ref().map(|content| &*content.0));
        let known = view.and_then(|view| view.current.as_ref()).map(|content| Current::of(content.as_deref()));
        Self {
            edit: wanted.edit,
            uses: wanted.uses,
            given: wanted.given,
            file,
            current: known.or_else(|| folder.rules_current.as_ref().map(content)),
            written: folder.rules_written.or(false),
            step: view.map(|view| view.step).unwrap_or_default(),
            dry_run,
        }
    }

    /// Carries out the step that the recorder asks for; plans them if this is the recorder.
    pub(super) fn run(self, call: &mut Call, settings: &Settings) -> Result<Installed, Error> {
        let (target, evaluator, ruler) = ruler(call, settings)?;
        let version = settings.target_version()?;
        let is_planned = call.next.view.is_none() && !call.config.mock;
        let asks_version = version.is_none() && self.uses.depend_on_version(evaluator) && ruler.is_ok();
        if self.step == RulesStep::Look && !(is_planned && asks_version) {
            let rule_server = rule_server(call, settings, evaluator, ruler.as_ref().ok(), &self.uses)?;
            self.uses.check(rule_server)?;
        }
        if target != Target::File {
            self.edit.names().into_iter().try_for_each(|name| Segment::with_slashes(name, "group").map(drop))?;
        }
        if call.config.mock {
            let report = InstallReport {
                mock: true,
                target,
                pending: Some("mock_mode contacts no server".into()),
                ..report(&self.edit.changes(&[], &Equal::default()))
            };
            return Ok(Installed { report, ..Installed::default() });
        }
        if is_planned {
            let place = match (target, self.current.is_some(), self.written) {
                (Target::File, false, false) => InstallPlace::File(self.file.clone()),
                (Target::File, _, written) => InstallPlace::CallersFile(self.file.clone(), written),
                _ => {
                    let ruler = ruler?;
                    InstallPlace::Ruler(format!("{}/{}", redacted(&ruler.base), ruler.namespace))
                }
            };
            let confirm_ms = millis(CONFIRM_WITHIN.min(call.config.timeout)).into();
            call.next.install = Some(Box::new(InstallPlan { place, confirm_ms, webhook: None }));
            return Ok(Installed::default());
        }
        let step = self.step;
        let mut installed = match (target, step) {
            (Target::File, RulesStep::Write) => self.reload(call, settings, ruler)?,
            (Target::File, RulesStep::Confirm) => self.confirm_file(call, settings, &ruler?)?,
            (Target::File, _) => self.look_at_file(call, settings, ruler)?,
            (_, RulesStep::Write) => self.write(call, &ruler?)?,
            (_, RulesStep::Confirm) => self.confirm(call, &ruler?)?,
            _ => self.look(call, settings, &ruler?)?,
        };
        installed.written = step != RulesStep::Look;
        Ok(noted(call, installed))
    }

    /// The required changes. Expressions that differ from the server's list are formatted by the
    /// server before they are compared.
    fn changes_with_formatting(
        &self,
        call: &mut Call,
        ruler: &Ruler,
        own: &[&ServerGroup],
        equal: &mut Equal,
    ) -> Vec<GroupChange> {
        let unknown: Vec<String> = equal.unknown(self.edit.groups(), own).into_iter().map(str::to_owned).collect();
        let mut lacking = false;
        for expression in unknown {
            // A server that cannot format one expression cannot format any.
            let formatted = if lacking {
                plan::Formatted::Lacking
            } else {
                ruler.format(&mut call.client(call.config.limits(), true), &expression)
            };
            lacking |= formatted == plan::Formatted::Lacking;
            equal.formats.insert(expression, formatted);
        }
        self.edit.changes(own, equal)
    }

    /// Validates new and changed expressions with the server's parser.
    fn check_expressions(
        &self,
        call: &mut Call,
        settings: &Settings,
        ruler: &Ruler,
        changes: &[GroupChange],
    ) -> Result<(), Error> {
        let groups = self.edit.groups().iter().enumerate().filter(|(_, group)| group.is_promql());
        for ((place, group), change) in groups.zip(changes) {
            if change.change == Change::Unchanged {
                continue;
            }
            for (index, (rule, (_, change))) in group.rules.iter().zip(&change.rules).enumerate() {
                if *change == Change::Unchanged {
                    continue;
                }
                let mut client = call.client(call.config.limits(), true);
                if let Some(problem) = ruler.check_expression(&mut client, &rule.expression)? {
                    let field = self.given.expression(settings, place, index);
                    return Err(Error::invalid(field, format!("rejected by {}: {problem}", ruler.peer.server)));
                }
            }
        }
        Ok(())
    }

    /// The next contents of the file, unless it was not read, and what was found so far.
    fn file_report(&mut self, settings: &Settings) -> Result<(Option<Next>, Installed), Error> {
        let current = self.current.take();
        let next = current.as_ref().map(|current| self.edit.next(current, &self.file)).transpose();
        let next = next.map_err(|problem| Error::invalid(settings.path("rules_file"), problem))?;
        let in_file = current.as_ref().map(Current::groups).unwrap_or_default();
        self.edit.keep_settings(in_file);
        let in_file = self.edit.changes_in_file(in_file, &self.file);
        let installed = Installed {
            report: InstallReport { rules_file: Some(self.file.clone()), ..report(&in_file) },
            was_there: self.edit.is_removal() && in_file.iter().any(|change| !change.rules.is_empty()),
            ..Installed::default()
        };
        Ok((next, installed))
    }

    /// Checks the rules of a file, and compares them with the server's.
    fn look_at_file(
        mut self,
        call: &mut Call,
        settings: &Settings,
        ruler: Result<Ruler, Error>,
    ) -> Result<Installed, Error> {
        let (next, mut installed) = self.file_report(settings)?;
        let Some(ruler) = self.configured(&mut installed, next.as_ref(), ruler)? else { return Ok(installed) };
        let held = match ruler.held(&mut call.client(call.config.limits(), true)) {
            Ok(held) => held,
            Err(error) => {
                let why = format!("cannot list the server's rules: {error}");
                self.report_pending(&mut installed.report, next.as_ref(), &[], &why);
                return Ok(installed);
            }
        };
        let own = ruler.own(&held, &self.file);
        let changes = self.changes_with_formatting(call, &ruler, &own, &mut Equal::default());
        note_changes(&mut installed.report, &changes);
        // Hosts that read the file have already made a call without it, which checked the
        // expressions.
        if next.is_none() {
            self.check_expressions(call, settings, &ruler, &changes)?;
        }
        installed.was_there |= self.edit.is_removal() && !changes.is_empty();
        installed.confirmed = self.set_status(&mut installed.report, next.as_ref(), (&changes, &own, &ruler), None);
        installed.held = Some(held);
        Ok(installed)
    }

    /// Has the server load the file.
    fn reload(mut self, call: &mut Call, settings: &Settings, ruler: Result<Ruler, Error>) -> Result<Installed, Error> {
        let (next, mut installed) = self.file_report(settings)?;
        let Some(ruler) = self.configured(&mut installed, next.as_ref(), ruler)? else { return Ok(installed) };
        let found = call.next.found.get_or_insert_default().rules.get_or_insert_default();
        found.awaits = true;
        let mut pending = "the file was written, and the server was not asked yet whether it lists the rules".into();
        if let Err(error) = ruler.reload(&mut call.client(call.config.limits(), true)) {
            // Whoever wrote the file takes it back where the server refuses what is in it.
            let refused = matches!(error, ClientError::Refused { status: 500, .. });
            let text = error.to_string();
            pending = not_loaded(&text);
            installed.report.reload_refused = Some(refused);
            let found = call.next.found.get_or_insert_default().rules.get_or_insert_default();
            found.reload_error = Some(ReloadError { text, refused });
            found.awaits = !refused;
        }
        installed.report.pending = Some(pending);
        Ok(installed)
    }

    /// Asks whether the server lists the rules of a file that was written.
    fn confirm_file(mut self, call: &mut Call, settings: &Settings, ruler: &Ruler) -> Result<Installed, Error> {
        let (next, mut installed) = self.file_report(settings)?;
        let reload_error = call.next.view.as_mut().and_then(|view| view.reload_error.take());
        installed.report.reload_refused = reload_error.as_ref().map(|error| error.refused);
        let held = match ruler.held(&mut call.client(call.config.limits(), true)) {
            Ok(held) => held,
            Err(error) => {
                let why = format!("cannot list the server's rules: {error}");
                installed.report.pending = Some(match reload_error {
                    Some(reload) => format!("{}; {why}", not_loaded(&reload.text)),
                    None => {
                        await_rules(call);
                        format!("the file was written, but {why}")
                    }
                });
                return Ok(installed);
            }
        };
        let own = ruler.own(&held, &self.file);
        let changes = self.changes_with_formatting(call, ruler, &own, &mut Equal::default());
        note_changes(&mut installed.report, &changes);
        installed.was_there |= self.edit.is_removal() && !changes.is_empty();
        // What the server did not load, it lists no sooner for being asked again.
        if !plan::is_done(&changes) && reload_error.is_none() {
            await_rules(call);
        }
        let error = reload_error.as_ref().map(|error| &*error.text);
        installed.confirmed = self.set_status(&mut installed.report, next.as_ref(), (&changes, &own, ruler), error);
        installed.held = Some(held);
        Ok(installed)
    }

    /// Sets the report's status and returns whether the installation is confirmed. `own` are the
    /// server's groups from the file.
    fn set_status(
        &self,
        report: &mut InstallReport,
        next: Option<&Next>,
        (changes, own, ruler): (&[GroupChange], &[&ServerGroup], &Ruler),
        reload_error: Option<&str>,
    ) -> bool {
        let written = self.step == RulesStep::Confirm;
        if plan::is_done(changes) && !next.is_some_and(|next| next.differs) {
            // Some fields are in no server's list, so without the file they cannot be compared.
            if next.is_none() && !written && self.edit.groups().iter().any(|group| group.has_unlisted()) {
                report.status = InstallStatus::Unverified;
                report.pending =
                    Some("the server lists the rules as requested, but does not return all of their fields".into());
                return false;
            }
            report.status = if written { InstallStatus::Installed } else { InstallStatus::Unchanged };
            return true;
        }
        if self.dry_run {
            report.status = InstallStatus::Planned;
        } else if written {
            report.status = unconfirmed(changes);
            report.pending = Some(match reload_error {
                Some(error) => not_loaded(error),
                None => {
                    format!("the file was written, but {}", plan::describe(changes, ruler.peer.server, &self.file))
                }
            });
        } else {
            self.report_pending(report, next, own, "not installed: no rules folder was granted; grant one, or copy the file in artifacts to a folder in the server's rule_files and reload the server");
        }
        false
    }

    /// The ruler. If none is configured, the file can be generated, but loading it cannot be
    /// confirmed: then the change is pending.
    fn configured(
        &self,
        installed: &mut Installed,
        next: Option<&Next>,
        ruler: Result<Ruler, Error>,
    ) -> Result<Option<Ruler>, Error> {
        match ruler {
            Err(error @ Error::NotConfigured { .. }) => {
                self.report_pending(&mut installed.report, next, &[], &error.to_string());
                Ok(None)
            }
            ruler => ruler.map(Some),
        }
    }

    /// Reports the rules as pending and adds the file to the artifacts. `own` are the server's
    /// groups from the file.
    fn report_pending(&self, report: &mut InstallReport, next: Option<&Next>, own: &[&ServerGroup], why: &str) {
        if self.dry_run {
            report.status = InstallStatus::Planned;
            return;
        }
        report.status = InstallStatus::Pending;
        let content = next.map_or_else(|| self.edit.unread(own), |next| Some(next.content.clone()));
        report.pending = Some(match &content {
            Some(_) => why.to_owned(),
            None => {
                let what = if self.edit.is_removal() { "remove the alert from" } else { "add the alert to" };
                let more = match self.edit.others(own).as_slice() {
                    [] => String::new(),
                    others => format!(", which also has other rules ({})", excerpt(&others.join(", "), 200)),
                };
                format!("{why}; {what} {}{more}", self.file)
            }
        });
        report.artifacts.extend(content.map(|content| Artifact {
            kind: "rules_file",
            name: self.file.clone(),
            remove: content.is_none(),
            content,
        }));
    }

    /// Marks the rules of a ruler, and says how they are compared.
    fn mark(&mut self, ruler: &Ruler) -> Result<Equal, Error> {
        let opaque = ruler.target == Target::Grafana;
        if opaque {
            for group in self.edit.groups_mut() {
                let rules = core::mem::take(&mut group.rules);
                group.rules = rules.into_iter().map(Rule::marked).collect::<Result<_, _>>()?;
            }
        }
        Ok(Equal { opaque, ..Equal::default() })
    }

    /// Checks the rules of a ruler's namespace, and compares them with the server's.
    fn look(mut self, call: &mut Call, settings: &Settings, ruler: &Ruler) -> Result<Installed, Error> {
        let mut equal = self.mark(ruler)?;
        let held = ruler.held(&mut call.client(call.config.limits(), true))?;
        let own = ruler.own(&held, "");
        self.check_other_rules(settings, &own)?;
        let mut changes = self.changes_with_formatting(call, ruler, &own, &mut equal);
        // Fields that the server does not list may differ, so write groups that have any.
        for (group, change) in self.edit.groups().iter().zip(&mut changes) {
            let listed = own.iter().any(|own| own.name == group.name);
            if change.change == Change::Unchanged && (group.has_unlisted() || !listed) {
                change.change = if listed { Change::Changed } else { Change::Created };
            }
        }
        let mut report = of_namespace(ruler, report(&changes));
        let confirmed = plan::is_done(&changes);
        let was_there = self.edit.is_removal() && !changes.is_empty();
        if confirmed || self.dry_run {
            report.status = if confirmed { InstallStatus::Unchanged } else { InstallStatus::Planned };
        } else {
            self.check_expressions(call, settings, ruler, &changes)?;
            call.next.found.get_or_insert_default().rules.get_or_insert_default().writes = true;
        }
        Ok(Installed { report, confirmed, held: Some(held), was_there, ..Installed::default() })
    }

    /// Gives a ruler the groups that were found to differ.
    fn write(mut self, call: &mut Call, ruler: &Ruler) -> Result<Installed, Error> {
        self.mark(ruler)?;
        let before = call.next.view.as_ref().and_then(|view| view.before.clone()).unwrap_or_default();
        let limits = call.config.limits();
        for change in &before.changes {
            let mut client = call.client(limits, true);
            match (change.change, self.edit.groups().iter().find(|group| group.name == change.group)) {
                (Change::Unchanged, _) => {}
                (_, Some(group)) => ruler.write(&mut client, group)?,
                (_, None) => ruler.delete(&mut client, &change.group)?,
            }
        }
        await_rules(call);
        let pending = Some("the server accepted the change, and was not asked yet whether it lists it".into());
        let report = InstallReport { pending, ..of_namespace(ruler, InstallReport::default()) };
        Ok(Installed { report, ..Installed::default() })
    }

    /// Asks whether a ruler lists the rules that it was given.
    fn confirm(mut self, call: &mut Call, ruler: &Ruler) -> Result<Installed, Error> {
        let mut equal = self.mark(ruler)?;
        let mut report = of_namespace(ruler, InstallReport::default());
        let held = match ruler.held(&mut call.client(call.config.limits(), true)) {
            Ok(held) => held,
            Err(error) => {
                await_rules(call);
                report.pending =
                    Some(format!("the server accepted the change, but its rules cannot be listed: {error}"));
                return Ok(Installed { report, ..Installed::default() });
            }
        };
        let changes = self.changes_with_formatting(call, ruler, &ruler.own(&held, ""), &mut equal);
        let confirmed = plan::is_done(&changes);
        if confirmed {
            report.status = InstallStatus::Installed;
        } else {
            await_rules(call);
            report.status = unconfirmed(&changes);
            let how = plan::describe(&changes, ruler.peer.server, &ruler.namespace);
            report.pending = Some(format!("the server accepted the change, but {how}"));
        }
        Ok(Installed { report, confirmed, held: Some(held), ..Installed::default() })
    }

    /// A ruler replaces and deletes whole groups: fail if a change of one alert would remove the
    /// others in its group.
    fn check_other_rules(&self, settings: &Settings, own: &[&ServerGroup]) -> Result<(), Error> {
        let (group, alert) = self.edit.alert();
        let same: Vec<&ServerGroup> = own.iter().copied().filter(|own| own.name == group).collect();
        let mut others = self.edit.others(&same);
        match self.edit {
            Edit::Whole(_) => return Ok(()),
            Edit::Take { .. } => {
                let is_there = |own: &&ServerGroup| own.rules.iter().any(|rule| rule.alert && rule.name == alert);
                if others.is_empty() || !same.iter().any(is_there) {
                    return Ok(());
                }
                return Err(Error::invalid(
                    settings.path("group"),
                    format!(
                        "the group {group} has other rules, which would be deleted with {alert}; use apply_alerts with the rules to keep"
                    ),
                ));
            }
            Edit::Put(_) if same.iter().any(|own| own.limit.is_some_and(|limit| limit > 0.0)) => {
                others.push("its limit".into());
            }
            Edit::Put(_) => {}
        }
        if others.is_empty() {
            return Ok(());
        }
        let others = excerpt(&others.join(", "), 200);
        Err(Error::invalid(
            settings.path("group"),
            format!(
                "the group {group} has contents that would be lost ({others}), because a ruler replaces whole groups; use a separate group, or apply_alerts with all rules"
            ),
        ))
    }
}

/// The server does not list the rules as they are wanted, or was not asked yet.
fn await_rules(call: &mut Call) {
    call.next.found.get_or_insert_default().rules.get_or_insert_default().awaits = true;
}

fn not_loaded(error: &str) -> String {
    format!("the file was written, but the server did not load it: {error}")
}

fn of_namespace(ruler: &Ruler, report: InstallReport) -> InstallReport {
    InstallReport { target: ruler.target, namespace: Some(ruler.namespace.clone()), ..report }
}

/// Tells the recorder what is to be written; once that is written, what changed is what was found
/// before.
fn noted(call: &mut Call, mut installed: Installed) -> Installed {
    let report = &mut installed.report;
    let Some(view) = &call.next.view else { return installed };
    if view.step != RulesStep::Look {
        if let Some(before) = view.before.clone() {
            [report.created, report.changed, report.unchanged, report.removed] = before.counts;
            report.changes = before.changes;
            installed.was_there = before.was_there;
        }
        return installed;
    }
    let artifact = report.artifacts.first().filter(|_| view.current.is_some());
    let file = artifact.map(|artifact| artifact.content.clone());
    let writes = call.next.found.as_ref().and_then(|found| found.rules.as_ref()).is_some_and(|rules| rules.writes);
    if writes || file.is_some() {
        let before = RuleChanges {
            counts: [report.created, report.changed, report.unchanged, report.removed],
            changes: report.changes.clone(),
            was_there: installed.was_there,
        };
        let found = call.next.found.get_or_insert_default().rules.get_or_insert_default();
        (found.file, found.before) = (file, Some(before));
    }
    installed
}

/// The status of rules that were written, and are not listed as they are wanted.
fn unconfirmed(changes: &[GroupChange]) -> InstallStatus {
    if plan::is_only_unsure(changes) { InstallStatus::Unverified } else { InstallStatus::Pending }
}

/// A report of these changes.
fn report(changes: &[GroupChange]) -> InstallReport {
    let mut report = InstallReport::default();
    note_changes(&mut report, changes);
    report
}

fn note_changes(report: &mut InstallReport, changes: &[GroupChange]) {
    let count = |kind| changes.iter().flat_map(|group| &group.rules).filter(|(_, change)| *change == kind).count();
    report.created = count(Change::Created) as u64;
    report.changed = count(Change::Changed) as u64;
    report.unchanged = count(Change::Unchanged) as u64;
    report.removed = count(Change::Removed) as u64;
    let rule = |(name, change): &(String, Change)| NamedChange { name: name.clone(), change: *change };
    let group = |group: &GroupChange| RuleChange {
        group: group.group.clone(),
        change: group.change,
        rules: group.rules.iter().map(rule).collect(),
    };
    report.changes = changes.iter().map(group).collect();
}
