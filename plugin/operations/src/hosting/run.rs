//! Carries out jobs.

use core::time::Duration;

use super::ResultOfRun;
use super::job::{Body, Effect, Order, What, encode};
use super::worker::{Report, Told, Worker};
use crate::http::{Exchange, Transport};

/// Carries out a job, and waits for servers.
pub fn run(job: Vec<u8>, transport: &mut dyn Transport) -> ResultOfRun {
    let Some((Order { reach, body }, carried)) = Order::decode(job) else {
        let told = Told {
            report: Some(Report::new("interrupted", "the job is from another version of the plug".into())),
            ..Told::default()
        };
        return ResultOfRun { effect: encode(&Effect::default()), told: encode(&told) };
    };
    let now = reach.unix_nanos;
    let mut worker = Worker::new(reach, transport);
    let (what, told) = match body {
        Body::Converse(job) => {
            let (found, told) = job.run(now, &mut worker);
            (found.map_or(What::Nothing, What::Found), told)
        }
        Body::Push(job) => {
            let (effect, told) = job.run(carried, &mut worker);
            (What::Push(effect), told)
        }
        Body::Status(job) => {
            let (effect, told) = job.run(&mut worker);
            (effect.map_or(What::Nothing, What::Push), told)
        }
        Body::Delete(job) => {
            let (deleted, told) = job.run(&mut worker);
            (if deleted { What::Deleted } else { What::Nothing }, told)
        }
        Body::Write(job) => {
            let (effect, told) = job.run(&mut worker);
            (What::Written(effect), told)
        }
        Body::Export(job) => {
            let (effect, told) = job.run(&mut worker);
            (What::Exported(effect), told)
        }
        Body::Health(job) => (What::Nothing, job.run(&mut worker)),
    };
    worker.finish(what, told)
}

impl Worker<'_> {
    fn finish(self, what: What, told: Told) -> ResultOfRun {
        let now = self.transport.monotonic();
        let after = self.circuits.open(now);
        let mut circuits: Vec<(String, Option<Duration>)> = Vec::new();
        for (origin, left) in &after {
            let until = now.saturating_add(*left);
            if !self.before.iter().any(|(own, before)| own == origin && *before == until) {
                circuits.push((origin.clone(), Some(*left)));
            }
        }
        for (origin, _) in self.before {
            if !after.iter().any(|(own, _)| *own == origin) {
                circuits.push((origin, None));
            }
        }
        let Exchange { attempts, elapsed } = self.exchange;
        let effect = Effect { circuits, exchanged: (attempts > 0).then_some(elapsed), what };
        ResultOfRun { effect: encode(&effect), told: encode(&Told { attempts, elapsed, ..told }) }
    }
}
