//! A plug that threads share. What needs no server is done on the caller's own thread, without a
//! queue and without a task; what waits for servers goes on in a tokio runtime.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tokio::sync::{Mutex, MutexGuard, Notify, oneshot};

use crate::answer::{Answer, Description, Request};
use crate::error::Error;

use super::Session;
use super::hosting::Begun;

/// A running plug for callers in threads of their own. Cheap to clone; the plug ends with the last
/// clone.
///
/// [`crate::PlugHandle`] is for callers in tasks.
#[derive(Clone)]
pub struct SharedPlug(Arc<Shared>);

struct Shared {
    session: Mutex<Session>,
    driver: Arc<Notify>,
    runtime: Handle,
    description: Arc<Description>,
    warnings: Vec<String>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The driver finds that nobody is left, and ends.
        self.driver.notify_one();
    }
}

/// A request that was taken.
pub enum Taken {
    /// It needed no server.
    Answered(Result<Answer, Error>),
    /// It waits for servers.
    Waits(Waiting),
}

/// A request that waits for servers. Whoever drops it leaves: what the request recorded stays.
pub struct Waiting {
    /// None once there was an answer.
    ticket: Option<u64>,
    answer: oneshot::Receiver<Result<Answer, Error>>,
    plug: SharedPlug,
}

impl Waiting {
    /// Waits for the answer.
    pub async fn answer(mut self) -> Result<Answer, Error> {
        let answer = (&mut self.answer).await;
        self.ticket = None;
        answer.map_err(|_| Error::Ended)?
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let plug = self.plug.clone();
        // Not on this thread, which may not wait for its turn.
        self.plug.0.runtime.spawn(async move {
            plug.0.session.lock().await.leave(ticket);
            plug.0.driver.notify_one();
        });
    }
}

/// The plug to oneself: calls of other threads, and the outcomes of jobs, wait until this is
/// dropped.
pub struct Turn<'p> {
    session: MutexGuard<'p, Session>,
    plug: &'p SharedPlug,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.session.board.is_idle() {
            self.plug.0.driver.notify_one();
        }
    }
}

impl Turn<'_> {
    /// Gives the plug a request. An empty `cfg` keeps the last one.
    pub fn take(&mut self, request: Request, cfg: &str) -> Taken {
        let ticket = match finish(self.session.begin(request.into(), cfg)) {
            Ok(Begun::Answered(answer)) => return Taken::Answered(Ok(answer)),
            Err(error) => return Taken::Answered(Err(error)),
            Ok(Begun::Open(ticket)) => ticket,
        };
        let (reply, answer) = oneshot::channel();
        self.session.attach(ticket, reply);
        Taken::Waits(Waiting { ticket: Some(ticket), answer, plug: self.plug.clone() })
    }

    /// Makes typed calls, which wait for no server. A request among them would hold up this thread
    /// and all others until it is answered.
    pub fn call<T>(&mut self, call: impl AsyncFnOnce(&mut Session) -> T) -> T {
        let _runtime = self.plug.0.runtime.enter();
        finish(call(&mut self.session))
    }
}

impl SharedPlug {
    /// Shares a session. What waits for servers does so in `runtime`.
    pub fn new(session: Session, runtime: &Handle) -> Self {
        let driver = Arc::new(Notify::new());
        let description = Arc::new(session.description().clone());
        let warnings = session.warnings().to_vec();
        let shared = Arc::new(Shared {
            session: Mutex::new(session),
            driver: Arc::clone(&driver),
            runtime: runtime.clone(),
            description,
            warnings,
        });
        runtime.spawn(drive(Arc::downgrade(&shared), driver));
        Self(shared)
    }

    /// What the plug said of the configuration that it was started with, such as keys that it does
    /// not know.
    pub fn warnings(&self) -> &[String] {
        &self.0.warnings
    }

    /// What the plug is.
    pub fn describe(&self) -> &Description {
        &self.0.description
    }

    /// The plug to oneself, if nobody has it now.
    pub fn try_turn(&self) -> Option<Turn<'_>> {
        self.0.session.try_lock().ok().map(|session| Turn { session, plug: self })
    }

    /// The plug to oneself. Must not be called within a task.
    pub fn turn(&self) -> Turn<'_> {
        self.try_turn().unwrap_or_else(|| Turn { session: self.0.session.blocking_lock(), plug: self })
    }
}

/// The output of a future that waits for nothing but its turn on the processor, as recorders do.
fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}

/// Runs jobs and hands over their outcomes, until the plug ends.
async fn drive(plug: Weak<Shared>, notified: Arc<Notify>) {
    loop {
        let wakes_at = {
            let Some(plug) = plug.upgrade() else { return };
            let mut session = plug.session.lock().await;
            session.tend().await;
            session.record_violations().await;
            // From here on, the end of a job wakes this task.
            while std::future::poll_fn(|context| Poll::Ready(session.board.poll_end(context).is_ready())).await {
                session.tend().await;
            }
            session.board.wakes_at()
        };
        let mut is_waiting = false;
        let woken = std::future::poll_fn(|_| match std::mem::replace(&mut is_waiting, true) {
            false => Poll::Pending,
            true => Poll::Ready(()),
        });
        let until = async {
            match wakes_at {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = notified.notified() => {}
            () = until => {}
            () = woken => {}
        }
    }
}
