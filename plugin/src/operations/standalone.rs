//! A plug with a transport of its own, for hosts that make one call at a time and for tests.

use core::ops::{Deref, DerefMut};
use core::time::Duration;

use super::Plug;
use crate::http::Transport;
use plugpipe_operations::hosting::{Answer, Due, FileProblem, Job, Moment, Outcome, Request, Step, Ticket, Work, run};

/// A plug, and what reaches servers for it.
pub struct Standalone<T> {
    plug: Plug,
    transport: T,
    driver: Driver,
}

/// What of a call outlives it.
#[derive(Debug, Default)]
pub struct Driver {
    ticket: Ticket,
    unix_nanos: u64,
    /// Lanes that have work, which a call that was given up may leave.
    due: Vec<Due>,
}

impl<T> Deref for Standalone<T> {
    type Target = Plug;

    fn deref(&self) -> &Plug {
        &self.plug
    }
}

impl<T> DerefMut for Standalone<T> {
    fn deref_mut(&mut self) -> &mut Plug {
        &mut self.plug
    }
}

impl<T: Transport> Standalone<T> {
    /// A plug that has recorded nothing, and reaches servers through `transport`.
    pub fn new(transport: T) -> Self {
        let seed = transport.unix_nanos() ^ transport.monotonic().as_nanos() as u64;
        Self { plug: Plug::new(seed), transport, driver: Driver::default() }
    }

    /// Carries out one operation, and waits for servers. Returns the body of the answer.
    pub fn process(&mut self, ctx: &str, cfg: &str) -> String {
        self.answer(Request::Call(ctx), cfg).body
    }

    /// Carries out a request, and waits for servers.
    pub fn answer(&mut self, what: Request, cfg: &str) -> Answer {
        self.driver.process(&mut self.plug, what, cfg, &mut self.transport)
    }

    /// The body of the answer to [`Request::Health`].
    pub fn health_check(&mut self) -> String {
        self.answer(Request::Health, "").body
    }

    /// The body of the answer to [`Request::Cleanup`].
    pub fn cleanup(&mut self) -> String {
        self.answer(Request::Cleanup, "").body
    }
}

impl Driver {
    /// The moment of a call. It never steps back.
    fn moment(&mut self, transport: &dyn Transport) -> Moment {
        self.unix_nanos = self.unix_nanos.max(transport.unix_nanos());
        let seed = self.unix_nanos.rotate_left(32) ^ transport.monotonic().as_nanos() as u64;
        Moment { unix_nanos: self.unix_nanos, seed, again: false }
    }

    /// Starts a request, and carries out jobs until it is answered.
    pub fn process(&mut self, plug: &mut Plug, what: Request, cfg: &str, transport: &mut dyn Transport) -> Answer {
        self.ticket += 1;
        let (ticket, at) = (self.ticket, self.moment(transport));
        let Step { mut answers, due, .. } = plug.start(ticket, what, cfg, at);
        self.due.extend(due);
        loop {
            if let Some(place) = answers.iter().position(|(answered, _)| *answered == ticket) {
                return answers.swap_remove(place).1;
            }
            let Some(next) = next(&mut self.due) else {
                // Nobody works for it any more.
                let at = self.moment(transport);
                answers = plug.release(ticket, at).answers;
                if answers.is_empty() {
                    return Answer::default();
                }
                continue;
            };
            if next.pause_ms > 0 {
                transport.sleep(Duration::from_millis(next.pause_ms.into()));
            }
            let at = self.moment(transport);
            let Some(Job { work, .. }) = plug.take(&next.lane, at) else { continue };
            let outcome = match work {
                Work::Run(job) => Outcome::Ran(run::run(job, transport)),
                Work::PutFile(_) => Outcome::FilePut(Err(FileProblem::NotGranted)),
            };
            let at = self.moment(transport);
            let step = plug.complete(&next.lane, outcome, at);
            answers = step.answers;
            self.due.extend(step.due);
        }
    }
}

/// The lane to be served first: one that waits for nothing, then the one that waits the shortest.
fn next(due: &mut Vec<Due>) -> Option<Due> {
    let place = due.iter().enumerate().min_by_key(|(_, due)| due.pause_ms)?.0;
    Some(due.remove(place))
}
