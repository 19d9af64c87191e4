//! The answer to a ticket, once nothing is awaited any more.

use core::time::Duration;

use super::recorder::Recorder;
use super::schedule::{Finish, Open, Part, PartState, Role};
use super::worker::{Told, members};
use super::{Answer, Problem};
use crate::operations::health::{SERVERS, Server};
use crate::operations::table::find;
use plugpipe_contract::response::ResponseWriter;
use plugpipe_contract::responses::{
    Exchange, Exchanged, Flushed, FormerMetadata, Head, HealthStatus, PushOutcome, Tail,
};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

impl Recorder {
    /// The answer, of a ticket whose parts are all there.
    pub fn answer(&self, open: Open) -> Answer {
        let mut out = ResponseWriter::new();
        let report = open.parts.iter().filter(|part| is_essential(&part.role)).find_map(Part::report);
        let operation = open.operation.as_deref().and_then(find).map(|operation| operation.name);
        let head = Head { success: report.is_none(), operation };
        out.add(&head);
        match &report {
            Some(report) => {
                out.members(&report.members);
                out.add(&exchanged(&open.parts));
            }
            None => {
                out.open("result");
                self.result(&open, &mut out);
                if open.finish != Finish::Cleanup {
                    out.add(&exchanged(&open.parts));
                }
                out.close();
            }
        }
        let more = open.parts.iter().filter_map(|part| part.told.as_ref()).map(|told| told.metadata.as_str());
        let mut metadata = more.fold(open.metadata, |metadata, more| with_members(&metadata, more));
        if let Finish::Health { former: true, .. } = open.finish {
            let more = FormerMetadata { overall_healthy: Some(is_well(&open.parts)), ..FormerMetadata::default() };
            metadata = with_members(&metadata, &serde_json::to_string(&more).unwrap_or_default());
        }
        let mut warnings = open.warnings;
        open.parts.into_iter().filter_map(|part| part.told).for_each(|told| warnings.append(told.warnings));
        let warnings = warnings.into_texts();
        // After a cleanup there is no configuration of which anything could be said.
        if open.finish != Finish::Cleanup {
            let metadata = RawValue::from_string(metadata).unwrap_or_default();
            out.add(&Tail { warnings: warnings.clone(), monitoring_metadata: &metadata });
        }
        out.close();
        Answer {
            error: report.map(|report| Problem { code: report.code, message: report.message }),
            warnings,
            unsent: self.unsent(),
            body: out.into_text(),
        }
    }

    /// The members of a result.
    fn result(&self, open: &Open, out: &mut ResponseWriter) {
        out.members(&open.members);
        let is_own = |part: &&Part| matches!(part.role, Role::Own { .. });
        match &open.finish {
            Finish::Push(own) if !own => out.member("metric_pushed", &!open.parts.is_empty()),
            Finish::Flush { own, group, reason } => {
                if !own {
                    out.member("metric_pushed", &!open.parts.is_empty());
                }
                let unpushed = match group {
                    Some(group) => self.is_due(group),
                    None => self.pending.is_due() || self.groups.is_due(),
                };
                out.add(&Flushed { unpushed, unpushed_reason: unpushed.then_some(*reason) });
            }
            Finish::Health { mock, .. } => self.health(&open.parts, *mock, out),
            _ => {}
        }
        for part in open.parts.iter().filter(is_own) {
            if let (Role::Own { group: Some(group), .. }, PartState::Done) = (&part.role, part.state) {
                out.member("group", group);
            }
            out.members(&outcome(part));
        }
        for part in &open.parts {
            match &part.role {
                Role::Talk | Role::Webhook => out.members(told_members(part)),
                Role::Delete { group } => {
                    out.member("deleted", &true);
                    out.member("group", group);
                }
                Role::PassedOn { group, counts: (metrics, samples) } => {
                    out.open("pushed");
                    out.member("group", group);
                    out.members(&outcome(part));
                    out.member("metrics", metrics);
                    out.member("samples", samples);
                    out.close();
                }
                Role::Imported { members } => {
                    out.open("imported");
                    out.members(members);
                    out.members(&outcome(part));
                    out.close();
                }
                Role::Own { .. } | Role::Other { .. } | Role::Clean { .. } | Role::Health { .. } | Role::Ended => {}
            }
        }
        let others: Vec<String> = open.parts.iter().filter_map(other).collect();
        if !others.is_empty() {
            out.list_of_members("groups_pushed", others.iter().map(String::as_str));
        }
        let ended: Vec<&str> = open.parts.iter().filter(|part| part.role == Role::Ended).map(told_members).collect();
        if !ended.is_empty() {
            out.list_of_members("remote_write", ended);
        }
        cleaned(&open.parts, out);
    }

    /// How the servers are.
    fn health(&self, parts: &[Part], mock: bool, out: &mut ResponseWriter) {
        let all = || checked(parts);
        for (server, status, _) in all() {
            out.member(server.status, &status);
        }
        out.member("healthy", &is_well(parts));
        out.member("series", &((self.registry.len() + self.groups.series()) as u64));
        out.member("unpushed", &(self.pending.is_due() || self.groups.is_due()));
        if mock {
            out.member("mock", &true);
        }
        out.open("details");
        for (server, _, members) in all().filter(|(.., members)| !members.is_empty()) {
            out.open(server.name);
            out.members(members);
            out.close();
        }
        out.close();
    }
}

/// The servers that were checked, with their status and the members that say more.
fn checked(parts: &[Part]) -> impl Iterator<Item = (&'static Server, HealthStatus, &str)> {
    parts.iter().filter_map(|part| {
        let Role::Health { place } = part.role else { return None };
        let status = part.told.as_ref().and_then(|told| told.health).unwrap_or(HealthStatus::Unreachable);
        Some((SERVERS.get(usize::from(place))?, status, told_members(part)))
    })
}

/// Whether all servers that are configured are healthy.
fn is_well(parts: &[Part]) -> bool {
    checked(parts).all(|(_, status, _)| {
        matches!(status, HealthStatus::Healthy | HealthStatus::NotConfigured | HealthStatus::Mock)
    })
}

/// The metadata with further members, both JSON objects; empty text has none.
pub fn with_members(metadata: &str, more: &str) -> String {
    let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    if more.is_empty() {
        return metadata.to_owned();
    }
    let mut all = read(metadata);
    all.extend(read(more));
    Value::Object(all).to_string()
}

fn told_members(part: &Part) -> &str {
    part.told.as_ref().map_or("", |told| &told.members)
}

/// How the push of a part went. What a restart forgot is whether there was more to say.
fn outcome(part: &Part) -> String {
    match &part.told {
        Some(told) => told.members.clone(),
        None => {
            let pushed = part.state == PartState::Done;
            members(&PushOutcome { metric_pushed: Some(pushed), ..PushOutcome::default() })
        }
    }
}

/// How the push of a group went that the call is not about.
fn other(part: &Part) -> Option<String> {
    let Role::Other { group, .. } = &part.role else { return None };
    let mut out = ResponseWriter::new();
    out.member("group", group);
    out.members(&outcome(part));
    Some(out.into_members())
}

/// Which groups a cleanup deleted, and which it did not.
fn cleaned(parts: &[Part], out: &mut ResponseWriter) {
    let clean = |part: &Part| match &part.role {
        Role::Clean { group, kept } => Some((group.clone(), part.report(), part.state == PartState::Done && !kept)),
        _ => None,
    };
    let all: Vec<_> = parts.iter().filter_map(clean).collect();
    if all.is_empty() {
        return;
    }
    let deleted: Vec<&String> = all.iter().filter(|(.., deleted)| *deleted).map(|(group, ..)| group).collect();
    out.member("groups_deleted", &deleted);
    let left = all.iter().filter(|(.., deleted)| !*deleted).map(|(group, report, _)| {
        let mut out = ResponseWriter::new();
        out.member("group", group);
        out.members(report.as_ref().map_or("", |report| &report.members));
        out.into_members()
    });
    let left: Vec<String> = left.collect();
    out.list_of_members("groups_left", left.iter().map(String::as_str));
}

/// Whether the failure of such a part is that of the request.
fn is_essential(role: &Role) -> bool {
    match role {
        Role::Talk | Role::Delete { .. } | Role::PassedOn { .. } => true,
        Role::Own { asked, .. } | Role::Other { asked, .. } => *asked,
        Role::Clean { .. } | Role::Imported { .. } | Role::Health { .. } | Role::Ended | Role::Webhook => false,
    }
}

/// How often servers were asked and how long that took, if they were.
fn exchanged(parts: &[Part]) -> Exchanged {
    let all = || parts.iter().filter_map(|part| part.told.as_deref());
    // Servers are checked side by side.
    let aside = |parts: &[Part]| parts.iter().any(|part| matches!(part.role, Role::Health { .. }));
    let (attempts, elapsed): (u32, Duration) = match aside(parts) {
        true => (
            all().map(|told| told.attempts).max().unwrap_or(0),
            all().map(|told| told.elapsed).max().unwrap_or_default(),
        ),
        false => (all().map(|told: &Told| told.attempts).sum(), all().map(|told| told.elapsed).sum()),
    };
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    Exchanged { exchange: (attempts > 0).then_some(Exchange { attempts, elapsed_ms }) }
}
