//! Jobs and outcomes of remote writes and OTLP exports.

use super::Recorder;
use super::lanes::Known;
use crate::config::Config;
use crate::hosting::deleting::Settles;
use crate::hosting::exporting::{ExportJob, ExportTask};
use crate::hosting::job::{Body, Order, What};
use crate::hosting::schedule::{Open, Taken, Task};
use crate::hosting::worker::{Told, lost};
use crate::hosting::writing::{WriteEffect, WriteJob, WriteTask};
use crate::hosting::{Moment, Ticket};
use crate::http::{Url, redacted};
use crate::operations::own_groups;
use crate::operations::receivers::{MAX_BYTES, MAX_VALUES, Receiver};
use crate::operations::remote::{OtlpBody, delta_body, otlp_body};
use crate::operations::together::refresh_all;

impl Recorder {
    /// The next batch of a receiver, for all tasks of the lane that wait for it.
    pub(super) fn write(&mut self, lane: &str, task: &WriteTask, taken: &mut Taken, at: Moment) -> Order {
        if let Some(entry) = self.schedule.lanes.get_mut(lane) {
            let same = |other: &Task| matches!(other, Task::Write(_, other) if other.how.shares(&task.how) && other.version == task.version && other.ends == task.ends);
            let count = entry.tasks.iter().take_while(|other| same(other)).count();
            taken.tasks.extend(entry.tasks.drain(..count));
        }
        for task in &mut taken.tasks {
            if let Task::Write(_, task) = task {
                task.started.get_or_insert(at.unix_nanos);
            }
        }
        let how = task.how.completed(self.base());
        let url = if task.how.credentials.is_some() { task.url.clone() } else { self.known_receiver(&task.url) };
        let mut job = WriteJob {
            url,
            version: task.version,
            spoken: None,
            halving: task.totals.halving,
            queue: Default::default(),
        };
        if let Some(receiver) = self.receiver(&task.url) {
            let (_, count) = receiver.send_queue.batch(MAX_VALUES, MAX_BYTES);
            receiver.send_queue.launch(count);
            job.spoken = receiver.spoken;
            if !at.again {
                job.queue = receiver.send_queue.carry(Some(count));
            }
        }
        Order { reach: how.reach(&self.circuits, at), body: Body::Write(Box::new(job)) }
    }

    fn receiver(&mut self, url: &Url) -> Option<&mut Receiver> {
        let shown = redacted(url);
        let all = &mut self.receivers.0;
        let place = all.iter().position(|receiver| receiver.url == *url);
        let place = place.or_else(|| all.iter().position(|receiver| redacted(&receiver.url) == shown))?;
        all.get_mut(place)
    }

    /// The whole URL of a receiver, of which a restart forgot user and query.
    fn known_receiver(&self, url: &Url) -> Url {
        match &self.config.remote.write_url {
            Some(known) if redacted(known) == redacted(url) => known.clone(),
            _ => url.clone(),
        }
    }

    /// Takes what a batch came to; the next one follows while there are values, time and a receiver
    /// that takes them.
    pub(super) fn complete_write(
        &mut self,
        lane: &str,
        mut taken: Taken,
        known: Known,
        at: Moment,
        ready: &mut Vec<(Ticket, Open)>,
    ) {
        let Some(Task::Write(_, first)) = taken.tasks.first().cloned() else { return };
        let effect = match known.what {
            What::Written(effect) => effect,
            // What is on its way is pending again.
            _ => WriteEffect { confirmed: true, halving: first.totals.halving, ..WriteEffect::default() },
        };
        let told = match known.lost {
            Some(why) => Told { report: lost(true, &why).report, ..Told::default() },
            None => known.told,
        };
        let failed = effect.failed || told.report.is_some();
        let (mut pending, mut dropped, mut refused, mut spoken) = (0, 0, effect.refused, None);
        if let Some(receiver) = self.receiver(&first.url) {
            let queue = &mut receiver.send_queue;
            queue.land();
            if effect.histograms {
                refused += queue.remove_histograms();
            }
            queue.remove_up_to(effect.up_to);
            receiver.spoken = effect.spoken.or(receiver.spoken);
            spoken = receiver.spoken;
            let is_over = failed || queue.pending() == 0;
            if is_over || is_late(&first, at) {
                first.kept.bound(queue, at.unix_ms());
            }
            dropped = queue.take_dropped();
            pending = queue.pending() as u64;
        }
        self.telemetry.values_lost += refused + dropped;
        for task in &mut taken.tasks {
            if let Task::Write(_, task) = task {
                task.add(&effect, refused, dropped);
            }
        }
        if pending > 0 && !failed && !is_late(&first, at) {
            if let Some(entry) = self.schedule.lanes.get_mut(lane) {
                taken.tasks.into_iter().rev().for_each(|task| entry.tasks.push_front(task));
            }
            return;
        }
        if first.ends.is_some() {
            let shown = redacted(&first.url);
            self.receivers.0.retain(|receiver| redacted(&receiver.url) != shown);
        }
        for task in taken.tasks {
            let Task::Write(owner, task) = task else { continue };
            if pending == 0 && !failed {
                for (Settles(group), version) in &task.settles {
                    self.settle_up_to(group, *version);
                }
                if let Some(contents) = &task.contents {
                    self.pushes.note_delivered(&task.url, contents.clone());
                }
            }
            let cause = failed.then(|| told.cause());
            let told = task.told(spoken, pending, cause.as_ref(), told.clone());
            ready.extend(self.schedule.settle(owner, told.report.is_none(), told));
        }
    }

    /// The job of an export.
    pub(super) fn export(&mut self, task: &ExportTask, at: Moment) -> Option<Order> {
        let config: Config = task.config.as_deref().cloned().unwrap_or_else(|| self.base().clone());
        let (now_ms, own_metrics) = (at.unix_ms(), config.own_metrics && !task.delta);
        let refreshed = refresh_all(&mut self.registry, &mut self.groups, &mut self.telemetry, own_metrics, now_ms);
        // The plug's own metrics are valid ones.
        refreshed.ok()?;
        let OtlpBody { bytes: body, points, undated } = match task.delta {
            true => self.delta(task, &config, at)?,
            false if at.again => OtlpBody::default(),
            false => otlp_body(&self.registry, &self.groups, &config, at.unix_nanos),
        };
        let how = task.how.completed(self.base());
        let url = match &self.config.remote.otlp_url {
            Some(known) if task.how.credentials.is_none() && redacted(known) == redacted(&task.url) => known.clone(),
            _ => task.url.clone(),
        };
        Some(Order {
            reach: how.reach(&self.circuits, at),
            body: Body::Export(ExportJob {
                url,
                body,
                gzip: config.remote.otlp_gzip,
                points,
                delta: task.delta,
                undated,
            }),
        })
    }

    /// What was counted since the receiver accepted the last delta. What is recorded now is on its
    /// way from here on, in a replay too.
    fn delta(&mut self, task: &ExportTask, config: &Config, at: Moment) -> Option<OtlpBody> {
        let mut now = Vec::new();
        own_groups::snapshot(&self.registry, self.pending, &self.groups, &mut now);
        let (before, now) = self.pushes.deltas.launch(&task.url, now, at.unix_nanos)?;
        // Both were written by this plug.
        if at.again { Some(OtlpBody::default()) } else { delta_body(before, now, config).ok() }
    }
}

/// Whether no further batch is begun.
fn is_late(task: &WriteTask, at: Moment) -> bool {
    let limit = u64::try_from(task.how.limits.total.as_nanos()).unwrap_or(u64::MAX);
    task.started.is_some_and(|started| at.unix_nanos.saturating_sub(started) >= limit)
}
