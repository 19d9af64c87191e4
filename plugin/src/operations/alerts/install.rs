//! Rules brought to where they are evaluated, and read back: by a file, which the host reads and
//! writes, or by a ruler's API.

use super::read::{Given, Wanted};
use super::{CONFIRM_PAUSE, CONFIRM_WITHIN, Settings, ruler, taker};
use crate::error::{ClientError, Error, excerpt};
use crate::http::Segment;
use crate::operations::{Answer, Call};
use crate::rules::file::{self, Current};
use crate::rules::plan::{self, Change, Equal, GroupChange, ServerGroup};
use crate::rules::read::Uses;
use crate::rules::{Group, Rule};
use crate::servers::ruler::{Ruler, Target};
use plugpipe_contract::requests::{RulesCurrent, RulesFolder};

/// What is to become of a file or namespace.
pub(super) enum Edit {
    /// This group's one alert is in it; everything else stays.
    Put(Group),
    /// This alert of this group is not in it; everything else stays.
    Take { group: String, alert: String },
    /// It has these groups, and no others.
    Whole(Vec<Group>),
}

/// Rules to be brought to where they are evaluated.
pub(super) struct Install {
    pub(super) edit: Edit,
    uses: Uses,
    given: Given,
    /// The rule file's name, for the target `file`.
    file: String,
    /// What is in the rules folder under that name, where the host has read it.
    current: Option<Current>,
    /// Whether the host has written the file.
    written: bool,
    dry_run: bool,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Installed {
    /// Whether the server lists all as it is wanted.
    pub(super) confirmed: bool,
    /// What it holds, where it was asked.
    pub(super) held: Option<Vec<ServerGroup>>,
    /// Whether an alert that is to be taken out was in the file, or in the server's list.
    pub(super) was_there: bool,
    /// Whether the host has written the file.
    pub(super) written: bool,
}

/// A file as it is to be.
struct Next {
    /// None where there is to be none.
    content: Option<String>,
    /// Whether it is not so yet.
    differs: bool,
}

/// How it stands with rules of which the server's list does not say all.
struct Standing<'s> {
    ruler: &'s Ruler,
    changes: &'s [GroupChange],
    written: bool,
    reload_error: Option<&'s str>,
}

impl Install {
    pub(super) fn put(wanted: Wanted, file: String, folder: &RulesFolder) -> Self {
        let group = wanted.groups.into_iter().next().unwrap_or_else(|| Group::new("", Vec::new()));
        Self { uses: wanted.uses, given: wanted.given, ..Self::of(Edit::Put(group), file, folder) }
    }

    pub(super) fn take(group: String, alert: String, file: String, folder: &RulesFolder) -> Self {
        Self::of(Edit::Take { group, alert }, file, folder)
    }

    pub(super) fn whole(wanted: Wanted, file: String, folder: &RulesFolder, dry_run: bool) -> Self {
        let own = Self::of(Edit::Whole(wanted.groups), file, folder);
        Self { uses: wanted.uses, given: wanted.given, dry_run, ..own }
    }

    fn of(edit: Edit, file: String, folder: &RulesFolder) -> Self {
        let content = |current: &RulesCurrent| Current::of(current.content.as_ref().map(|content| &*content.0));
        Self {
            edit,
            uses: Uses::default(),
            given: Given::Alert,
            file,
            current: folder.rules_current.as_ref().map(content),
            written: folder.rules_written.or(false),
            dry_run: false,
        }
    }

    pub(super) fn run(self, call: &mut Call, settings: &Settings, answer: &mut Answer) -> Result<Installed, Error> {
        let (target, evaluator, ruler) = ruler(call, settings)?;
        let taker = taker(call, settings, evaluator, ruler.as_ref().ok(), &self.uses)?;
        self.uses.check(taker)?;
        answer.text("target", target.name());
        if target != Target::File {
            let names: Vec<&str> = match &self.edit {
                Edit::Put(group) => vec![&group.name],
                Edit::Take { group, .. } => vec![group],
                Edit::Whole(groups) => groups.iter().map(|group| group.name.as_str()).collect(),
            };
            names.into_iter().try_for_each(|name| Segment::with_slashes(name, "group").map(drop))?;
        }
        if call.config.mock {
            answer.flag("mock", true);
            write_changes(answer, &self.changes(&[], &Equal::default()));
            answer.text("status", "pending");
            answer.text("pending", "mock_mode reaches no server");
            return Ok(Installed::default());
        }
        match target {
            Target::File => self.file(call, settings, answer, ruler),
            _ => self.api(call, settings, answer, &ruler?),
        }
    }

    /// The groups that are wanted, as far as they are given.
    fn groups(&self) -> &[Group] {
        match &self.edit {
            Edit::Put(group) => core::slice::from_ref(group),
            Edit::Take { .. } => &[],
            Edit::Whole(groups) => groups,
        }
    }

    /// What has to change, compared with what is held of the file or namespace.
    fn changes(&self, own: &[&ServerGroup], equal: &Equal) -> Vec<GroupChange> {
        match &self.edit {
            Edit::Put(group) => vec![plan::plan_alert(group, own, equal)],
            Edit::Take { group, alert } => plan::plan_removal(group, alert, own),
            Edit::Whole(groups) => plan::plan(groups, own, equal),
        }
    }

    /// The same, with the server asked how it writes expressions that are written otherwise than in
    /// its list.
    fn changes_asked(
        &self,
        call: &mut Call,
        ruler: &Ruler,
        own: &[&ServerGroup],
        equal: &mut Equal,
    ) -> Vec<GroupChange> {
        let unknown: Vec<String> = equal.unknown(self.groups(), own).into_iter().map(str::to_owned).collect();
        let mut lacking = false;
        for expression in unknown {
            // A server that does not format one expression formats none.
            let formatted = if lacking {
                plan::Formatted::Lacking
            } else {
                ruler.format(&mut call.client(call.config.limits(), true), &expression)
            };
            lacking |= formatted == plan::Formatted::Lacking;
            equal.formats.insert(expression, formatted);
        }
        self.changes(own, equal)
    }

    /// The file as it is to be, made from the one that there is.
    fn next(&self, current: &Current, settings: &Settings) -> Result<Next, Error> {
        let refused = |problem: String| Err(Error::invalid(settings.path("rules_file"), problem));
        let name = &self.file;
        let groups = match (&self.edit, current) {
            (_, Current::Foreign) => {
                return refused(format!(
                    "{name} is not managed by the plug: its first line does not begin with {:?}. It is left as it is; name another file",
                    file::MARKER
                ));
            }
            (Edit::Whole(groups), _) => Some(groups.clone()),
            (_, Current::Edited) => {
                return refused(format!(
                    "{name} was changed by hand, so that a single rule of it cannot be changed. It is left as it is; use apply_alerts with all of its rules, or name another file"
                ));
            }
            (Edit::Put(group), current) => match file::with_alert(current.groups(), group) {
                Ok(groups) => Some(groups),
                Err(problem) => return refused(problem),
            },
            (Edit::Take { group, alert }, current) => file::without_alert(current.groups(), group, alert),
        };
        let before = (!matches!(current, Current::Absent)).then(|| current.groups());
        Ok(match groups {
            // Nothing to take out: the file stays as it is.
            None => Next { content: before.map(file::write), differs: false },
            // Gone, rather than without groups.
            Some(groups) if groups.is_empty() => Next { content: None, differs: before.is_some() },
            Some(groups) => {
                let differs = !matches!(current, Current::Managed(before) if *before == groups);
                Next { content: Some(file::write(&groups)), differs }
            }
        })
    }

    /// Expressions that the server has not taken before are asked of its parser.
    fn check_expressions(
        &self,
        call: &mut Call,
        settings: &Settings,
        ruler: &Ruler,
        changes: &[GroupChange],
    ) -> Result<(), Error> {
        let groups = self.groups().iter().enumerate().filter(|(_, group)| group.is_promql());
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
                    return Err(Error::invalid(field, format!("{} does not take it: {problem}", ruler.peer.server)));
                }
            }
        }
        Ok(())
    }

    fn file(
        mut self,
        call: &mut Call,
        settings: &Settings,
        answer: &mut Answer,
        ruler: Result<Ruler, Error>,
    ) -> Result<Installed, Error> {
        answer.text("rules_file", &self.file);
        let (current, written) = (self.current.take(), self.written);
        let next = current.as_ref().map(|current| self.next(current, settings)).transpose()?;
        if let (Edit::Put(group), Some(current)) = (&mut self.edit, &current)
            && let Some(own) = current.groups().iter().find(|own| own.name == group.name)
        {
            // The group keeps its settings, and a rule is listed with them.
            group.labels = own.labels.clone();
            group.more = own.more.clone();
        }
        let in_file: Vec<ServerGroup> =
            current.iter().flat_map(Current::groups).map(|group| ServerGroup::of(group, &self.file)).collect();
        let in_file = self.changes(&in_file.iter().collect::<Vec<_>>(), &Equal::default());
        let mut installed = Installed { written, ..Installed::default() };
        installed.was_there =
            in_file.iter().any(|change| matches!(self.edit, Edit::Take { .. }) && !change.rules.is_empty());
        let ruler = match ruler {
            Ok(ruler) => ruler,
            // A file can be made without a server; only nobody can say then whether it is loaded.
            Err(error @ Error::NotConfigured { .. }) => {
                write_changes(answer, &in_file);
                self.pend(answer, next.as_ref(), &[], &error.to_string());
                return Ok(installed);
            }
            Err(error) => return Err(error),
        };
        let mut reload_error = None;
        if written && let Err(error) = ruler.reload(&mut call.client(call.config.limits(), true)) {
            // Whoever wrote the file takes it back where the server refuses what is in it.
            answer.flag("reload_refused", matches!(error, ClientError::Refused { status: 500, .. }));
            reload_error = Some(error.to_string());
        }
        let deadline = call.transport.monotonic().saturating_add(CONFIRM_WITHIN.min(call.config.timeout));
        let (mut first, mut equal) = (None, Equal::default());
        let (held, changes) = loop {
            let held = match ruler.held(&mut call.client(call.config.limits(), true)) {
                Ok(held) => held,
                Err(error) if first.is_none() => {
                    write_changes(answer, &in_file);
                    self.pend(
                        answer,
                        next.as_ref(),
                        &[],
                        &format!("the server cannot be asked what it holds: {error}"),
                    );
                    return Ok(installed);
                }
                Err(error) => return Err(error.into()),
            };
            let changes = self.changes_asked(call, &ruler, &ruler.own(&held, &self.file), &mut equal);
            let done = changes.iter().all(|change| change.change == Change::Unchanged);
            first.get_or_insert_with(|| changes.clone());
            if written && !done && reload_error.is_none() && call.transport.monotonic() < deadline {
                call.transport.sleep(CONFIRM_PAUSE);
                continue;
            }
            break (held, changes);
        };
        // A host that reads the file has asked without it before.
        if next.is_none() && !written {
            self.check_expressions(call, settings, &ruler, &changes)?;
        }
        installed.was_there |= matches!(self.edit, Edit::Take { .. }) && !changes.is_empty();
        write_changes(answer, first.as_deref().unwrap_or(&changes));
        let own = ruler.own(&held, &self.file);
        let standing = Standing { ruler: &ruler, changes: &changes, written, reload_error: reload_error.as_deref() };
        installed.confirmed = self.conclude(answer, next.as_ref(), &own, &standing);
        installed.held = Some(held);
        Ok(installed)
    }

    /// Says how it stands, and whether all is confirmed.
    fn conclude(&self, answer: &mut Answer, next: Option<&Next>, own: &[&ServerGroup], standing: &Standing) -> bool {
        let done = standing.changes.iter().all(|change| change.change == Change::Unchanged);
        if done && !next.is_some_and(|next| next.differs) {
            // Without the file nobody can say whether it has what no server lists.
            if next.is_none() && !standing.written && self.groups().iter().any(Group::has_unlisted) {
                answer.text("status", "unverified");
                answer.text(
                    "pending",
                    "the server lists the rules as they are wanted; of some of their fields it tells nothing",
                );
                return false;
            }
            answer.text("status", if standing.written { "installed" } else { "unchanged" });
            return true;
        }
        if self.dry_run {
            answer.text("status", "planned");
        } else if standing.written {
            answer.text("status", if only_unsure(standing.changes) { "unverified" } else { "pending" });
            answer.text("pending", &["the file is written, and ", &*standing.said(&self.file)].concat());
        } else {
            self.pend(answer, next, own, "not installed: no rules folder was granted; grant one, or put the file of artifacts into a folder that the server's rule_files name, and reload the server");
        }
        false
    }

    /// Says that it is not there yet, and hands out the file. `own` is what the server holds of the
    /// file.
    fn pend(&self, answer: &mut Answer, next: Option<&Next>, own: &[&ServerGroup], why: &str) {
        answer.text("status", if self.dry_run { "planned" } else { "pending" });
        if self.dry_run {
            return;
        }
        let content = match (next, &self.edit) {
            (Some(next), _) => Some(next.content.clone()),
            (None, Edit::Whole(groups)) => Some((!groups.is_empty()).then(|| file::write(groups))),
            // Of a file that nobody has read, only what the server lists is known.
            (None, Edit::Put(group)) => {
                let alone = others(own, &group.name, group.rules.first().map_or("", Rule::name)).is_empty();
                alone.then(|| Some(file::write(core::slice::from_ref(group))))
            }
            (None, Edit::Take { group, alert }) => {
                (!own.is_empty() && others(own, group, alert).is_empty()).then_some(None)
            }
        };
        let Some(content) = content else {
            let (group, alert, what) = match &self.edit {
                Edit::Take { group, alert } => (&**group, &**alert, "take the alert out of"),
                Edit::Put(group) => (&*group.name, group.rules.first().map_or("", Rule::name), "put the alert into"),
                Edit::Whole(_) => ("", "", "change"),
            };
            let others = others(own, group, alert);
            let more = match others.as_slice() {
                [] => String::new(),
                others => format!(", which has other rules too ({})", excerpt(&others.join(", "), 200)),
            };
            answer.text("pending", &format!("{why}; {what} {}{more}", self.file));
            return;
        };
        answer.text("pending", why);
        answer.open_list("artifacts");
        answer.open_item();
        answer.text("kind", "rules_file");
        answer.text("name", &self.file);
        match content {
            Some(content) => answer.text("content", &content),
            None => answer.flag("remove", true),
        }
        answer.close();
        answer.close_list();
    }

    fn api(
        mut self,
        call: &mut Call,
        settings: &Settings,
        answer: &mut Answer,
        ruler: &Ruler,
    ) -> Result<Installed, Error> {
        if let (Target::Grafana, Edit::Put(_) | Edit::Whole(_)) = (ruler.target, &self.edit) {
            let groups = match &mut self.edit {
                Edit::Put(group) => core::slice::from_mut(group),
                Edit::Whole(groups) => groups,
                Edit::Take { .. } => &mut [],
            };
            for group in groups {
                let rules = core::mem::take(&mut group.rules);
                group.rules = rules.into_iter().map(Rule::marked).collect::<Result<_, _>>()?;
            }
        }
        answer.text("namespace", &ruler.namespace);
        let mut equal = Equal { opaque: ruler.target == Target::Grafana, ..Equal::default() };
        let held = ruler.held(&mut call.client(call.config.limits(), true))?;
        let own = ruler.own(&held, "");
        self.keeps_others(settings, &own)?;
        let mut changes = self.changes_asked(call, ruler, &own, &mut equal);
        // What no list tells may be otherwise: such a group is written again.
        for (group, change) in self.groups().iter().zip(&mut changes) {
            let listed = own.iter().any(|own| own.name == group.name);
            if change.change == Change::Unchanged && (group.has_unlisted() || !listed) {
                change.change = if listed { Change::Changed } else { Change::Created };
            }
        }
        let done = changes.iter().all(|change| change.change == Change::Unchanged);
        write_changes(answer, &changes);
        if done || self.dry_run {
            answer.text("status", if done { "unchanged" } else { "planned" });
            return Ok(Installed { confirmed: done, held: Some(held), ..Installed::default() });
        }
        self.check_expressions(call, settings, ruler, &changes)?;
        let limits = call.config.limits();
        for change in &changes {
            let mut client = call.client(limits, true);
            match (change.change, self.groups().iter().find(|group| group.name == change.group)) {
                (Change::Unchanged, _) => {}
                (_, Some(group)) => ruler.write(&mut client, group)?,
                (_, None) => ruler.delete(&mut client, &change.group)?,
            }
        }
        let deadline = call.transport.monotonic().saturating_add(CONFIRM_WITHIN.min(call.config.timeout));
        loop {
            let held = ruler.held(&mut call.client(limits, true))?;
            let changes = self.changes_asked(call, ruler, &ruler.own(&held, ""), &mut equal);
            let done = changes.iter().all(|change| change.change == Change::Unchanged);
            if done {
                answer.text("status", "installed");
            } else if call.transport.monotonic() < deadline {
                call.transport.sleep(CONFIRM_PAUSE);
                continue;
            } else {
                let standing = Standing { ruler, changes: &changes, written: true, reload_error: None };
                answer.text("status", if only_unsure(&changes) { "unverified" } else { "pending" });
                answer
                    .text("pending", &["the server took the rules, and ", &*standing.said(&ruler.namespace)].concat());
            }
            return Ok(Installed { confirmed: done, held: Some(held), ..Installed::default() });
        }
    }

    /// A ruler replaces a group as a whole: one alert is not to cost the others of its group.
    fn keeps_others(&self, settings: &Settings, own: &[&ServerGroup]) -> Result<(), Error> {
        let Edit::Put(group) = &self.edit else { return Ok(()) };
        let alert = group.rules.first().map_or("", Rule::name);
        let same: Vec<&ServerGroup> = own.iter().copied().filter(|own| own.name == group.name).collect();
        let mut others = others(&same, &group.name, alert);
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
                "the group {} has what would be lost ({others}), because a ruler replaces groups as a whole; name a group of its own, or use apply_alerts with all rules",
                group.name
            ),
        ))
    }
}

impl Standing<'_> {
    /// What the server lists otherwise; no reasons are guessed.
    fn said(&self, place: &str) -> String {
        if let Some(error) = self.reload_error {
            return format!("the server has not loaded it: {error}");
        }
        let unsure: Vec<String> = self
            .changes
            .iter()
            .flat_map(|change| &change.unsure)
            .map(|(name, query)| format!("{name} as {}", excerpt(query, 200)))
            .collect();
        if only_unsure(self.changes) {
            return format!(
                "the server lists {}; {} does not say whether that is the same expression",
                unsure.join(", "),
                self.ruler.peer.server
            );
        }
        let mut odd = self.changes.iter().flat_map(|group| {
            let rules = group.rules.iter().filter(|(_, change)| *change != Change::Unchanged);
            rules.map(|(name, change)| {
                let how = match change {
                    Change::Created => "is not listed",
                    Change::Removed => "is still listed",
                    Change::Changed | Change::Unchanged => "is listed with other settings",
                };
                format!("{}/{name} {how}", group.group)
            })
        });
        let named: Vec<String> = odd.by_ref().take(5).collect();
        let more = match odd.count() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let listed = if named.is_empty() { "groups are listed otherwise".to_owned() } else { named.join(", ") };
        format!(
            "in the server's list of rules {listed}{more}; it may load {place} later, and only if its configuration names it"
        )
    }
}

/// Whether all that is not as it is wanted may be so, as far as is known.
fn only_unsure(changes: &[GroupChange]) -> bool {
    changes.iter().filter(|change| change.change != Change::Unchanged).all(|change| change.only_unsure)
        && changes.iter().any(|change| change.only_unsure)
}

/// The rules of these groups other than this alert.
fn others(own: &[&ServerGroup], group: &str, alert: &str) -> Vec<String> {
    own.iter()
        .flat_map(|own| own.rules.iter().map(move |rule| (own, rule)))
        .filter(|(own, rule)| !(own.name == group && rule.alert && rule.name == alert))
        .map(|(own, rule)| format!("{}/{}", own.name, rule.name))
        .collect()
}

fn write_changes(answer: &mut Answer, changes: &[GroupChange]) {
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
