//! What a worker found is pushed as a group of its own, then imported.

use super::Recorder;
use super::call::Lent;
use crate::config::Config;
use crate::error::Error;
use crate::hosting::found::{Found, Import, PassOn};
use crate::hosting::probe::Probe;
use crate::hosting::pushing::{Target, told_of_failure};
use crate::hosting::schedule::{Next, Role, Want, Wanted};
use crate::hosting::worker::{Told, members};
use crate::hosting::{Moment, Step, Ticket};
use crate::http::{Exchange, Jitter, Url, redacted};
use crate::known::Warnings;
use crate::operations::call::Call;
use crate::operations::own_groups::group_text;
use crate::operations::{push, scrape};
use crate::servers::pushgateway::Group;
use plugpipe_contract::responses::RecordPush;

impl Recorder {
    /// Does what a worker's findings ask for: a push first, whose failure prevents the import.
    pub(super) fn follow(&mut self, ticket: Ticket, found: Found, at: Moment, step: &mut Step) {
        let Found { pass_on, import, .. } = found;
        let Some(open) = self.schedule.tickets.get_mut(&ticket) else { return };
        open.import = import;
        match pass_on {
            Some(pass_on) => {
                let want = self.want_to_pass_on(ticket, pass_on);
                step.due.extend(self.schedule.extend(ticket, vec![want]));
            }
            None => self.import(ticket, at, step),
        }
    }

    /// The changes of each group, by its key.
    pub(super) fn versions(&self) -> Vec<(String, u64)> {
        let own = self.base().group().ok().map(|key| (group_text(&key), self.pending.changes()));
        let others = self.groups.list.iter().map(|group| (group_text(&group.key), group.pending.changes()));
        own.into_iter().chain(others).collect()
    }

    /// Groups were deleted from the gateway by a job: a cleanup need not delete them, and what was
    /// recorded in them since the job was taken is pushed again.
    pub(super) fn forget_deleted(
        &mut self,
        ticket: Ticket,
        deleted: &[String],
        (versions, at): (&[(String, u64)], Moment),
        step: &mut Step,
    ) {
        if deleted.is_empty() {
            return;
        }
        deleted.iter().filter_map(|url| Url::parse(url).ok()).for_each(|url| self.pushes.forget(&url));
        let is_deleted = |config: &Config| {
            let url = config.gateway_url.as_ref().zip(config.group().ok()).map(|(gateway, group)| group.url(gateway));
            url.is_some_and(|url| deleted.contains(&redacted(&url)))
        };
        // All of a group that is newer than the job was recorded since.
        let version = |key: &Group| {
            let key = group_text(key);
            versions.iter().find(|(known, _)| *known == key).map_or(0, |(_, version)| *version)
        };
        let base = self.base().clone();
        if let Some(key) = base.group().ok().filter(|_| is_deleted(&base)) {
            self.pending.unsettle_beyond(version(&key));
        }
        for group in self.groups.list.iter_mut().filter(|group| is_deleted(&group.config(&base))) {
            group.pending.unsettle_beyond(version(&group.key));
        }
        if !self.schedule.is_open(ticket) {
            return;
        }
        let (mut next, mut warnings, mut exchange) = Default::default();
        let (mut probe, mut jitter) = (Probe::new(at.unix_nanos), Jitter::new(at.seed));
        let lent = Lent {
            transport: &mut probe,
            jitter: &mut jitter,
            exchange: &mut exchange,
            warnings: &mut warnings,
            next: &mut next,
            unix_nanos: at.unix_nanos,
        };
        push::again(&mut self.call(None, lent), &is_deleted);
        step.due.extend(self.schedule.extend(ticket, next.wants));
    }

    fn want_to_pass_on(&self, ticket: Ticket, pass_on: PassOn) -> Want {
        let PassOn { group, text, counts } = pass_on;
        let config = self.config_of(ticket);
        let Some(gateway) = &config.gateway_url else {
            let error = Error::NotConfigured { field: "gateway_url", todo: "name a Pushgateway" };
            let role = Role::PassedOn { group: String::new(), counts };
            return Want { role, task: Err(told_of_failure(&error)) };
        };
        let known = Config { own_metrics: false, detect_resets: false, ..config.with_group(&group) };
        // The key was that of a group before.
        match Target::of(&known, gateway, self.base(), true, true) {
            Ok(target) => {
                let target = Target { settles: false, check: known.preflight.unwrap_or(true), ..target };
                let role = Role::PassedOn { group: redacted(&target.url()), counts };
                Want { role, task: Ok(Wanted::PassOn(target, text)) }
            }
            Err(error) => {
                Want { role: Role::PassedOn { group: String::new(), counts }, task: Err(told_of_failure(&error)) }
            }
        }
    }

    /// The configuration of a ticket's call.
    fn config_of(&self, ticket: Ticket) -> Config {
        let open = self.schedule.tickets.get(&ticket);
        let own = open.and_then(|open| open.config.as_deref());
        let config = own.cloned().unwrap_or_else(|| self.base().clone());
        match open.and_then(|open| open.own.as_ref()) {
            Some(key) => config.with_group(key),
            None => config,
        }
    }

    /// Imports what a worker found, if it is to be; a push may follow as after a record.
    pub(super) fn import(&mut self, ticket: Ticket, at: Moment, step: &mut Step) {
        let Some(open) = self.schedule.tickets.get_mut(&ticket) else { return };
        let (Some(import), own) = (open.import.take(), open.own.clone()) else { return };
        let config = self.config_of(ticket);
        self.set_now(at);
        let (mut next, mut warnings) = (Next::default(), Warnings::default());
        let imported = self.import_into(own, &config, &import, at, (&mut next, &mut warnings));
        if let Some(open) = self.schedule.tickets.get_mut(&ticket) {
            open.warnings.append(warnings);
        }
        let (members, told) = match imported {
            Ok((members, RecordPush::Due)) => (members, None),
            Ok((imported, push)) => (imported, Some(Told { members: members(&push), ..Told::default() })),
            Err(error) => (String::new(), Some(told_of_failure(&error))),
        };
        let role = Role::Imported { members };
        let task = match (told, next.wants.pop()) {
            (None, Some(want)) => want.task,
            (told, _) => Err(told.unwrap_or_default()),
        };
        step.due.extend(self.schedule.extend(ticket, vec![Want { role, task }]));
    }

    fn import_into(
        &mut self,
        own: Option<Group>,
        config: &Config,
        import: &Import,
        at: Moment,
        (next, warnings): (&mut Next, &mut Warnings),
    ) -> Result<(String, RecordPush), Error> {
        let (mut probe, mut jitter) = (Probe::new(at.unix_nanos), Jitter::new(at.seed));
        let mut exchange = Exchange::default();
        let place = match own {
            Some(key) => Some(self.groups.take(&key, config, at.unix_nanos, self.registry.len())?),
            None => None,
        };
        let lent = Lent {
            transport: &mut probe,
            jitter: &mut jitter,
            exchange: &mut exchange,
            warnings: &mut *warnings,
            next,
            unix_nanos: at.unix_nanos,
        };
        let mut call: Call = self.call(Some(config), lent);
        match place {
            None => {
                let imported = scrape::import_found(&mut call, import);
                let notices = self.registry.take_notices();
                warnings.add_notices(notices.texts, notices.more);
                imported
            }
            Some((place, mut group)) => {
                group.registry.set_now(at.unix_ms());
                let imported = scrape::import_found(&mut call.within(&mut group, config), import);
                let notices = group.registry.take_notices();
                warnings.add_notices(notices.texts, notices.more);
                group.remember(config.clone());
                self.groups.put_back(place, group);
                imported
            }
        }
    }
}
