//! Installs rules and reads them back: by a file, which the host reads and writes, or by a ruler's
//! API.

use core::time::Duration;

use super::evaluator::{rule_server, ruler};
use super::read::{Given, Wanted};
use super::settings::Settings;
use crate::error::{ClientError, Error, excerpt};
use crate::hosting::found::{FileView, RuleChanges};
use crate::http::Segment;
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

/// The interval between checks whether it has loaded them.
const CONFIRM_PAUSE: Duration = Duration::from_millis(200);

/// An installation of rules.
pub(super) struct Install {
    edit: Edit,
    uses: Uses,
    given: Given,
    /// The rule file's name, for the target `file`.
    file: String,
    /// The file's current contents, if the host has read it.
    current: Option<Current>,
    /// Whether the host has written the file.
    written: bool,
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
    /// Whether the host has written the file.
    pub(super) written: bool,
}

/// The state of the server and the file.
struct ServerState<'s> {
    changes: &'s [GroupChange],
    /// The server's groups from the file.
    own: &'s [&'s ServerGroup],
    /// The server's name, for messages.
    server: &'static str,
    written: bool,
    reload_error: Option<&'s str>,
}

impl Install {
    /// `view` is what the recorder knows of the file, and `folder` what a caller says of it.
    pub(super) fn new(
        wanted: Wanted,
        file: String,
        (view, folder): (Option<&FileView>, &RulesFolder),
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
            written: view.is_some_and(|view| view.written) || folder.rules_written.or(false),
            dry_run,
        }
    }

    pub(super) fn run(self, call: &mut Call, settings: &Settings) -> Result<Installed, Error> {
        let (target, evaluator, ruler) = ruler(call, settings)?;
        if target == Target::File && !call.config.mock && self.current.is_none() && !self.written {
            // The recorder has the host read the file before anybody is asked.
            call.next.file = Some(self.file.as_str().into());
        }
        let rule_server = rule_server(call, settings, evaluator, ruler.as_ref().ok(), &self.uses)?;
        self.uses.check(rule_server)?;
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
        match target {
            Target::File => {
                let installed = self.file(call, settings, ruler)?;
                Ok(noted(call, installed))
            }
            _ => self.api(call, settings, &ruler?),
        }
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

    fn file(mut self, call: &mut Call, settings: &Settings, ruler: Result<Ruler, Error>) -> Result<Installed, Error> {
        let (current, written) = (self.current.take(), self.written);
        let next = current.as_ref().map(|current| self.edit.next(current, &self.file)).transpose();
        let next = next.map_err(|problem| Error::invalid(settings.path("rules_file"), problem))?;
        let in_file = current.as_ref().map(Current::groups).unwrap_or_default();
        self.edit.keep_settings(in_file);
        let in_file = self.edit.changes_in_file(in_file, &self.file);
        let mut installed = Installed {
            report: InstallReport { rules_file: Some(self.file.clone()), ..report(&in_file) },
            was_there: self.edit.is_removal() && in_file.iter().any(|change| !change.rules.is_empty()),
            written,
            ..Installed::default()
        };
        let ruler = match ruler {
            Ok(ruler) => ruler,
            // The file can be generated without a server, but loading it cannot be confirmed.
            Err(error @ Error::NotConfigured { .. }) => {
                self.report_pending(&mut installed.report, next.as_ref(), &[], &error.to_string());
                return Ok(installed);
            }
            Err(error) => return Err(error),
        };
        let mut reload_error = None;
        if written && let Err(error) = ruler.reload(&mut call.client(call.config.limits(), true)) {
            // Whoever wrote the file takes it back where the server refuses what is in it.
            let refused = matches!(error, ClientError::Refused { status: 500, .. });
            installed.report.reload_refused = Some(refused);
            if refused {
                call.next.found.get_or_insert_default().refused = true;
            }
            reload_error = Some(error.to_string());
        }
        let deadline = call.transport.monotonic().saturating_add(CONFIRM_WITHIN.min(call.config.timeout));
        let (mut first, mut equal) = (true, Equal::default());
        let (held, changes) = loop {
            let held = match ruler.held(&mut call.client(call.config.limits(), true)) {
                Ok(held) => held,
                Err(error) if first => {
                    let why = format!("cannot list the server's rules: {error}");
                    self.report_pending(&mut installed.report, next.as_ref(), &[], &why);
                    return Ok(installed);
                }
                Err(error) => return Err(error.into()),
            };
            let changes = self.changes_with_formatting(call, &ruler, &ruler.own(&held, &self.file), &mut equal);
            if first {
                note_changes(&mut installed.report, &changes);
                first = false;
            }
            let settled = !written || reload_error.is_some() || plan::is_done(&changes);
            if settled || call.transport.monotonic() >= deadline {
                break (held, changes);
            }
            call.transport.sleep(CONFIRM_PAUSE);
        };
        // Hosts that read the file have already made a call without it, which checked the
        // expressions.
        if next.is_none() && !written {
            self.check_expressions(call, settings, &ruler, &changes)?;
        }
        installed.was_there |= self.edit.is_removal() && !changes.is_empty();
        let state = ServerState {
            changes: &changes,
            own: &ruler.own(&held, &self.file),
            server: ruler.peer.server,
            written,
            reload_error: reload_error.as_deref(),
        };
        installed.confirmed = self.set_status(&mut installed.report, next.as_ref(), &state);
        installed.held = Some(held);
        Ok(installed)
    }

    /// Sets the report's status and returns whether the installation is confirmed.
    fn set_status(&self, report: &mut InstallReport, next: Option<&Next>, state: &ServerState) -> bool {
        let written = state.written;
        if plan::is_done(state.changes) && !next.is_some_and(|next| next.differs) {
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
            report.status = unconfirmed(state.changes);
            let how = match state.reload_error {
                Some(error) => format!("the server did not load it: {error}"),
                None => plan::describe(state.changes, state.server, &self.file),
            };
            report.pending = Some(format!("the file was written, but {how}"));
        } else {
            self.report_pending(report, next, state.own, "not installed: no rules folder was granted; grant one, or copy the file in artifacts to a folder in the server's rule_files and reload the server");
        }
        false
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

    fn api(mut self, call: &mut Call, settings: &Settings, ruler: &Ruler) -> Result<Installed, Error> {
        if ruler.target == Target::Grafana {
            for group in self.edit.groups_mut() {
                let rules = core::mem::take(&mut group.rules);
                group.rules = rules.into_iter().map(Rule::marked).collect::<Result<_, _>>()?;
            }
        }
        let mut equal = Equal { opaque: ruler.target == Target::Grafana, ..Equal::default() };
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
        let mut report =
            InstallReport { target: ruler.target, namespace: Some(ruler.namespace.clone()), ..report(&changes) };
        let confirmed = plan::is_done(&changes);
        if confirmed || self.dry_run {
            report.status = if confirmed { InstallStatus::Unchanged } else { InstallStatus::Planned };
            return Ok(Installed { report, confirmed, held: Some(held), ..Installed::default() });
        }
        self.check_expressions(call, settings, ruler, &changes)?;
        let limits = call.config.limits();
        for change in &changes {
            let mut client = call.client(limits, true);
            match (change.change, self.edit.groups().iter().find(|group| group.name == change.group)) {
                (Change::Unchanged, _) => {}
                (_, Some(group)) => ruler.write(&mut client, group)?,
                (_, None) => ruler.delete(&mut client, &change.group)?,
            }
        }
        let deadline = call.transport.monotonic().saturating_add(CONFIRM_WITHIN.min(call.config.timeout));
        let (held, changes) = loop {
            let held = ruler.held(&mut call.client(limits, true))?;
            let changes = self.changes_with_formatting(call, ruler, &ruler.own(&held, ""), &mut equal);
            if plan::is_done(&changes) || call.transport.monotonic() >= deadline {
                break (held, changes);
            }
            call.transport.sleep(CONFIRM_PAUSE);
        };
        let confirmed = plan::is_done(&changes);
        if confirmed {
            report.status = InstallStatus::Installed;
        } else {
            report.status = unconfirmed(&changes);
            let how = plan::describe(&changes, ruler.peer.server, &ruler.namespace);
            report.pending = Some(format!("the server accepted the rules, but {how}"));
        }
        Ok(Installed { report, confirmed, held: Some(held), ..Installed::default() })
    }

    /// A ruler replaces whole groups: fail if writing one alert would remove the others in its
    /// group.
    fn check_other_rules(&self, settings: &Settings, own: &[&ServerGroup]) -> Result<(), Error> {
        let Edit::Put(group) = &self.edit else { return Ok(()) };
        let same: Vec<&ServerGroup> = own.iter().copied().filter(|own| own.name == group.name).collect();
        let mut others = self.edit.others(&same);
        if same.iter().any(|own| own.limit.is_some_and(|limit| limit > 0.0)) {
            others.push("its limit".into());
        }
        if others.is_empty() {
            return Ok(());
        }
        let others = excerpt(&others.join(", "), 200);
        Err(Error::invalid(
            settings.path("group"),
            format!(
                "the group {} has contents that would be lost ({others}), because a ruler replaces whole groups; use a separate group, or apply_alerts with all rules",
                group.name
            ),
        ))
    }
}

/// Tells the recorder what the file is to hold; once that is written, what changed is what was found
/// before.
fn noted(call: &mut Call, mut installed: Installed) -> Installed {
    let report = &mut installed.report;
    let Some(view) = &call.next.view else { return installed };
    if view.written {
        if let Some(before) = view.before.clone() {
            [report.created, report.changed, report.unchanged, report.removed] = before.counts;
            report.changes = before.changes;
            installed.was_there = before.was_there;
        }
    } else if view.current.is_some()
        && let Some(artifact) = report.artifacts.first()
    {
        let before = RuleChanges {
            counts: [report.created, report.changed, report.unchanged, report.removed],
            changes: report.changes.clone(),
            was_there: installed.was_there,
        };
        let found = call.next.found.get_or_insert_default();
        found.file = Some(artifact.content.clone());
        found.before = Some(before);
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
