//! Which job runs next: lanes that are due, paused or running, and the slots that jobs share.
//!
//! A lane waits for its origins without a slot, so that any number of jobs for a server that never
//! responds delays no other server. Lanes that wait for the same origins are one queue: looking for
//! the next job costs a step for each set of origins, not for each lane.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::grants::Origin;

/// Jobs that run at once.
pub(crate) const MAX_RUNNING: usize = 64;

/// Jobs that run at once and may reach the same origin.
pub(crate) const MAX_PER_ORIGIN: usize = 8;

/// Slots for jobs none of whose origins another running job may reach.
pub(crate) const RESERVED: usize = 16;

/// Lanes that have work or run at once.
pub(crate) const MAX_LANES: usize = 65_536;

/// After so many jobs that no request asked for, a lane waits between jobs: a plug that keeps
/// itself busy gets no more than a job each [`MIN_PAUSE`].
pub(crate) const MAX_STREAK: u32 = 1_000;

const MIN_PAUSE: Duration = Duration::from_secs(1);

/// The origins of a job, sorted.
pub(crate) type Origins = Arc<[Origin]>;

/// A lane that has work.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) lane: Arc<str>,
    pub(crate) origins: Origins,
    pub(crate) pause: Duration,
    pub(crate) limit: Duration,
    /// How many jobs led to this one that no request asked for.
    pub(crate) streak: u32,
}

/// A lane whose job is to be taken: it holds a slot until [`Lanes::finish`].
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) lane: Arc<str>,
    pub(crate) origins: Origins,
    pub(crate) limit: Duration,
}

/// All lanes of a plug.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lanes: HashMap<Arc<str>, Lane>,
    paused: BTreeMap<(Instant, u64), Arc<str>>,
    /// By origins, and then in order.
    ready: BTreeMap<Origins, BTreeMap<u64, Arc<str>>>,
    by_origin: HashMap<Origin, usize>,
    running: usize,
    next: u64,
}

#[derive(Debug, Default)]
struct Lane {
    due: Option<Waiting>,
    running: Option<Origins>,
    streak: u32,
}

#[derive(Debug)]
struct Waiting {
    origins: Origins,
    limit: Duration,
    at: Instant,
    number: u64,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Paused,
    Ready,
    /// Its last job has not ended.
    Behind,
}

impl Lanes {
    /// Notes that a lane has work. False if there are too many lanes.
    pub(crate) fn due(&mut self, due: Due, now: Instant) -> bool {
        let Due { lane, origins, pause, limit, streak } = due;
        if !self.lanes.contains_key(&lane) && self.lanes.len() >= MAX_LANES {
            return false;
        }
        self.forget_due(&lane);
        self.next += 1;
        let entry = self.lanes.entry(Arc::clone(&lane)).or_default();
        // A request that asks for it begins anew.
        entry.streak = if streak == 0 { 0 } else { entry.streak.max(streak) };
        let pause = if entry.streak > MAX_STREAK { pause.max(MIN_PAUSE) } else { pause };
        let at = now.checked_add(pause).unwrap_or(now);
        entry.due = Some(Waiting { origins, limit, at, number: self.next, place: Place::Behind });
        if entry.running.is_none() {
            self.queue(&lane, now);
        }
        true
    }

    /// Puts a lane that is due and does not run where it waits.
    fn queue(&mut self, lane: &Arc<str>, now: Instant) {
        let Some(Waiting { origins, at, number, place, .. }) =
            self.lanes.get_mut(lane).and_then(|lane| lane.due.as_mut())
        else {
            return;
        };
        if *at > now {
            *place = Place::Paused;
            self.paused.insert((*at, *number), Arc::clone(lane));
        } else {
            *place = Place::Ready;
            self.ready.entry(Arc::clone(origins)).or_default().insert(*number, Arc::clone(lane));
        }
    }

    fn forget_due(&mut self, lane: &str) {
        let Some(waiting) = self.lanes.get_mut(lane).and_then(|lane| lane.due.take()) else { return };
        match waiting.place {
            Place::Paused => _ = self.paused.remove(&(waiting.at, waiting.number)),
            Place::Ready => {
                if let Some(queue) = self.ready.get_mut(&waiting.origins) {
                    queue.remove(&waiting.number);
                    if queue.is_empty() {
                        self.ready.remove(&waiting.origins);
                    }
                }
            }
            Place::Behind => {}
        }
    }

    /// The next lane whose job may run now, the one that has waited longest first.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Ready> {
        while let Some(first) = self.paused.first_entry().filter(|first| first.key().0 <= now) {
            let lane = first.remove();
            self.queue(&lane, now);
        }
        if self.running >= MAX_RUNNING {
            return None;
        }
        let first = |queue: &BTreeMap<u64, Arc<str>>| queue.first_key_value().map_or(u64::MAX, |(number, _)| *number);
        let (_, lane) = self
            .ready
            .iter()
            .filter(|(origins, _)| self.has_room(origins))
            .min_by_key(|(_, queue)| first(queue))
            .and_then(|(_, queue)| queue.first_key_value())?;
        let lane = Arc::clone(lane);
        let (origins, limit) = self.lanes.get(&lane)?.due.as_ref().map(|due| (Arc::clone(&due.origins), due.limit))?;
        self.forget_due(&lane);
        self.lanes.get_mut(&lane)?.running = Some(Arc::clone(&origins));
        self.running += 1;
        for origin in &*origins {
            *self.by_origin.entry(origin.clone()).or_default() += 1;
        }
        Some(Ready { lane, origins, limit })
    }

    fn has_room(&self, origins: &Origins) -> bool {
        let busiest = origins.iter().filter_map(|origin| self.by_origin.get(origin)).max().copied().unwrap_or(0);
        let slots = if busiest == 0 { MAX_RUNNING } else { MAX_RUNNING - RESERVED };
        self.running < slots && busiest < MAX_PER_ORIGIN
    }

    /// For how many jobs in a row of a lane no request asked.
    pub(crate) fn streak(&self, lane: &str) -> u32 {
        self.lanes.get(lane).map_or(0, |lane| lane.streak)
    }

    /// Gives back the slot of a lane whose job has ended.
    pub(crate) fn finish(&mut self, lane: &Arc<str>, now: Instant) {
        let Some(entry) = self.lanes.get_mut(lane) else { return };
        if let Some(origins) = entry.running.take() {
            self.running -= 1;
            for origin in &*origins {
                if let Some(count) = self.by_origin.get_mut(origin) {
                    *count -= 1;
                    if *count == 0 {
                        self.by_origin.remove(origin);
                    }
                }
            }
        }
        if self.lanes.get(lane).is_some_and(|lane| lane.due.is_some()) {
            self.queue(lane, now);
        } else {
            self.lanes.remove(lane);
        }
    }

    /// Forgets that a lane has work.
    pub(crate) fn remove(&mut self, lane: &str) {
        self.forget_due(lane);
        if self.lanes.get(lane).is_some_and(|lane| lane.running.is_none()) {
            self.lanes.remove(lane);
        }
    }

    /// When the next pause is over.
    pub(crate) fn wakes_at(&self) -> Option<Instant> {
        self.paused.first_key_value().map(|((at, _), _)| *at)
    }

    /// Whether no lane has work or runs.
    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Whether a lane's next job waits for another one to end.
    #[cfg(test)]
    fn is_due(&self, lane: &str) -> bool {
        self.lanes.get(lane).is_some_and(|lane| lane.due.is_some())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);

    fn due(lane: &str, origins: &[&str]) -> Due {
        let origins = origins.iter().map(|origin| origin.parse().unwrap()).collect();
        Due { lane: lane.into(), origins, pause: Duration::ZERO, limit: LIMIT, streak: 0 }
    }

    fn all(lanes: &mut Lanes, now: Instant) -> Vec<String> {
        std::iter::from_fn(|| lanes.next(now)).map(|ready| ready.lane.to_string()).collect()
    }

    #[test]
    fn a_lane_runs_one_job_at_a_time_and_lanes_in_order() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        for lane in ["b", "a", "c"] {
            assert!(lanes.due(due(lane, &[]), now));
        }
        assert_eq!(all(&mut lanes, now), ["b", "a", "c"]);
        assert!(lanes.due(due("a", &[]), now));
        assert_eq!(all(&mut lanes, now), [""; 0]);
        lanes.finish(&"b".into(), now);
        assert_eq!(all(&mut lanes, now), [""; 0]);
        lanes.finish(&"a".into(), now);
        assert_eq!(all(&mut lanes, now), ["a"]);
        lanes.finish(&"a".into(), now);
        lanes.finish(&"c".into(), now);
        assert!(lanes.lanes.is_empty() && lanes.ready.is_empty() && lanes.paused.is_empty());
        assert_eq!(lanes.running, 0);
    }

    #[test]
    fn an_origin_that_is_busy_delays_no_other() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        for number in 0..200 {
            lanes.due(due(&format!("slow{number}"), &["http://slow"]), now);
        }
        for number in 0..63 {
            lanes.due(due(&format!("{number}"), &[&format!("http://h{number}")]), now);
        }
        let ran = all(&mut lanes, now);
        assert_eq!(ran.len(), MAX_RUNNING);
        assert_eq!(ran.iter().filter(|lane| lane.starts_with("slow")).count(), MAX_PER_ORIGIN);
        // Each of the others runs as soon as another one of them ends.
        for number in 0..63 {
            lanes.finish(&format!("{number}").into(), now);
        }
        assert_eq!(all(&mut lanes, now).len(), 63 - (MAX_RUNNING - MAX_PER_ORIGIN));
    }

    #[test]
    fn slots_are_kept_for_origins_that_have_none_running() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        for origin in 0..10 {
            for number in 0..20 {
                lanes.due(due(&format!("{origin}.{number}"), &[&format!("http://h{origin}")]), now);
            }
        }
        assert_eq!(all(&mut lanes, now).len(), 6 * MAX_PER_ORIGIN + 4);
        for number in 0..20 {
            lanes.due(due(&format!("new{number}"), &[&format!("http://new{number}")]), now);
        }
        assert_eq!(all(&mut lanes, now).len(), MAX_RUNNING - 6 * MAX_PER_ORIGIN - 4);
        // A job of several origins waits for all of them.
        lanes.finish(&"new0".into(), now);
        lanes.due(due("both", &["http://h0", "http://free"]), now);
        lanes.due(due("none", &[]), now);
        assert_eq!(all(&mut lanes, now), ["new12"]);
    }

    #[test]
    fn a_pause_holds_a_lane_back_and_a_later_word_replaces_it() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        let second = Duration::from_secs(1);
        lanes.due(Due { pause: 2 * second, ..due("a", &["http://h"]) }, now);
        lanes.due(Due { pause: second, ..due("b", &["http://h"]) }, now);
        assert_eq!((lanes.wakes_at(), all(&mut lanes, now).len()), (Some(now + second), 0));
        assert_eq!(all(&mut lanes, now + second), ["b"]);
        lanes.due(Due { limit: 2 * LIMIT, ..due("a", &[]) }, now);
        assert_eq!(lanes.wakes_at(), None);
        let a = lanes.next(now).unwrap();
        assert_eq!((&*a.lane, a.origins.len(), a.limit), ("a", 0, 2 * LIMIT));
        // Of a lane that runs, the pause counts from when it was due.
        lanes.due(Due { pause: second, ..due("a", &[]) }, now);
        lanes.finish(&"a".into(), now);
        assert_eq!(lanes.wakes_at(), Some(now + second));
        lanes.remove("a");
        assert!(!lanes.is_due("a"));
        assert_eq!(lanes.wakes_at(), None);
    }

    #[test]
    fn a_plug_that_keeps_itself_busy_waits_between_jobs() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        let mut streak = 0;
        let mut ran = 0;
        lanes.due(due("a", &[]), now);
        while let Some(ready) = lanes.next(now) {
            ran += 1;
            streak = lanes.streak(&ready.lane).max(streak) + 1;
            lanes.finish(&ready.lane, now);
            // Under a new name each time.
            lanes.due(Due { streak, ..due(&format!("a{ran}"), &[]) }, now);
        }
        assert_eq!((ran, lanes.wakes_at()), (MAX_STREAK + 1, Some(now + MIN_PAUSE)));
        lanes.due(due(&format!("a{ran}"), &[]), now);
        assert!(lanes.next(now).is_some(), "a request asks for it");
    }

    #[test]
    fn lanes_are_bounded() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        for number in 0..MAX_LANES {
            assert!(lanes.due(due(&number.to_string(), &["http://h"]), now));
        }
        assert!(!lanes.due(due("one more", &[]), now));
        assert!(lanes.due(due("0", &[]), now));
    }
}
