//! Runs jobs until there is an answer, or as long as there is something to do.

use std::time::Instant;

use tokio::sync::oneshot;
use tracing::error;

use crate::answer::{Answer, Request};
use crate::error::Error;

use super::Session;
use super::board::{Reply, Todo};
use super::hosting::Begun;

/// With less memory free than this no further job is taken while others run.
const MIN_FREE_BYTES: usize = 8 * 1024 * 1024;

impl Session {
    /// Carries out a request, and waits for servers. Jobs of several lanes run in parallel.
    pub async fn request(&mut self, request: Request, cfg: &str) -> Result<Answer, Error> {
        // One whose future was dropped.
        if let Some(ticket) = self.board.own.take() {
            self.leave(ticket);
        }
        self.tend().await;
        let outcome = match self.begin(request.into(), cfg).await {
            Ok(Begun::Answered(answer)) => Ok(answer),
            Ok(Begun::Open(ticket)) => {
                let (reply, answer) = oneshot::channel();
                self.attach(ticket, reply);
                self.board.own = Some(ticket);
                let answer = self.drive(answer).await;
                self.board.own = None;
                answer
            }
            Err(error) => Err(error),
        };
        self.tend().await;
        self.record_violations().await;
        outcome
    }

    async fn drive(&mut self, mut answer: oneshot::Receiver<Result<Answer, Error>>) -> Result<Answer, Error> {
        loop {
            self.tend().await;
            match answer.try_recv() {
                Ok(answer) => return answer,
                Err(oneshot::error::TryRecvError::Closed) => return Err(Error::Ended),
                Err(oneshot::error::TryRecvError::Empty) => self.wait().await,
            }
        }
    }

    /// Runs jobs until none runs and no lane has work. A plug that tries a server again and again has
    /// work for as long.
    pub async fn settle(&mut self) {
        loop {
            self.tend().await;
            if self.board.is_idle() {
                return;
            }
            self.wait().await;
        }
    }

    /// Says who waits for a ticket.
    pub(crate) fn attach(&mut self, ticket: u64, reply: Reply) {
        if let Some(waiter) = self.board.waiters.get_mut(&ticket) {
            waiter.reply = Some(reply);
        }
    }

    /// Releases a ticket whose caller left.
    pub(crate) fn leave(&mut self, ticket: u64) {
        if self.board.waiters.contains_key(&ticket) {
            self.board.todo.push_back(Todo::Release(ticket));
        }
    }

    /// Waits until a job ends, a pause or somebody's patience is over; for ever where there is none.
    pub(crate) async fn wait(&mut self) {
        match self.board.wakes_at() {
            Some(at) => {
                tokio::select! {
                    () = self.board.end() => {}
                    () = tokio::time::sleep_until(at.into()) => {}
                }
            }
            None => self.board.end().await,
        }
    }

    /// Does all that can be done now, without waiting for a server.
    pub(crate) async fn tend(&mut self) {
        if self.board.is_idle() {
            return;
        }
        loop {
            while self.board.try_end() {}
            self.board.resume(Instant::now());
            for ticket in self.board.expired(Instant::now()) {
                self.board.todo.push_back(Todo::Release(ticket));
            }
            if let Err(error) = self.ready().await
                && !matches!(error, Error::Lost { .. })
            {
                error!(%error, "open requests end, because the plug cannot be restored");
                self.board.clear(&error.cause());
                return;
            }
            if let Some(todo) = self.board.todo.pop_front() {
                self.perform(todo).await;
                continue;
            }
            let short = self.factory.budget.free() < MIN_FREE_BYTES && !self.board.running.is_empty();
            let next = if short { None } else { self.board.lanes.next(Instant::now()) };
            let Some(ready) = next else { return };
            if let Err(error) = self.take(ready).await {
                error!(%error, "a job could not be taken");
            }
        }
    }
}
