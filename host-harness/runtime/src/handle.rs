//! A running plug that many callers share. One task owns the [`Session`]; requests that wait for
//! servers do so beside it, so that no record waits for a server.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tracing::debug;

use crate::answer::{Answer, Description, Request};
use crate::error::Error;
use crate::query::Querier;
use crate::session::{Begun, Recovery, Reply, Session};

/// Calls that may wait for a plug before further ones have to wait to be taken.
const QUEUE: usize = 1_024;

/// A running plug. Cheap to clone; calls from all clones are taken in the order they come.
#[derive(Clone)]
pub struct PlugHandle {
    calls: mpsc::Sender<Call>,
    left: mpsc::UnboundedSender<u64>,
    description: Arc<Description>,
    warnings: Arc<[String]>,
    /// As of the end of the last call.
    recovery: Arc<Mutex<Recovery>>,
    replaced: Arc<AtomicU64>,
}

/// A call's future on the session that the task owns.
type Running<'s> = Pin<Box<dyn Future<Output = ()> + Send + 's>>;

/// A call on its way to the session; it carries its own way back.
enum Call {
    Request { request: Request, cfg: String, ticket: Arc<AtomicU64>, reply: Reply },
    With(Box<dyn for<'s> FnOnce(&'s mut Session) -> Running<'s> + Send>),
}

/// Says that a caller dropped its future.
struct Leaving {
    /// 0 where there is none, or none yet.
    ticket: Arc<AtomicU64>,
    left: mpsc::UnboundedSender<u64>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let ticket = self.ticket.load(Ordering::SeqCst);
        if ticket != 0 {
            // The task may have ended, and the ticket with it.
            let _ = self.left.send(ticket);
        }
    }
}

impl PlugHandle {
    /// Puts a task in charge of the session; it ends with the last handle.
    pub(crate) fn new(session: Session) -> Self {
        let (calls, queue) = mpsc::channel(QUEUE);
        let (left, leaving) = mpsc::unbounded_channel();
        let recovery = Arc::new(Mutex::new(session.recovery().clone()));
        let description = Arc::new(session.description().clone());
        let warnings = session.warnings().into();
        let replaced = session.replaced();
        tokio::spawn(serve(session, queue, leaving, Arc::clone(&recovery)));
        Self { calls, left, description, warnings, recovery, replaced }
    }

    /// What the plug said of the configuration that it was started with, such as keys that it does
    /// not know.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What the plug is.
    pub fn describe(&self) -> &Description {
        &self.description
    }

    /// Runs one operation: `ctx` and `cfg` go to the plug as they are. An empty `cfg` keeps the last
    /// one. An operation that fails is an `Ok` answer with an error.
    pub async fn process(&self, ctx: impl Into<String>, cfg: impl Into<String>) -> Result<Answer, Error> {
        self.request(Request::Call(ctx.into()), cfg.into()).await
    }

    /// Makes the plug send to this sink what has not been sent, for a host that is about to end; see
    /// [`Description::sinks`].
    pub async fn deliver(&self, sink: impl Into<String>) -> Result<Answer, Error> {
        self.request(Request::Deliver(sink.into()), String::new()).await
    }

    /// Checks every configured server.
    pub async fn health(&self) -> Result<Answer, Error> {
        self.request(Request::Health, String::new()).await
    }

    /// Makes the plug forget what it recorded, and its configuration, and remove what it left on
    /// servers.
    pub async fn cleanup(&self) -> Result<Answer, Error> {
        self.request(Request::Cleanup, String::new()).await
    }

    /// Carries out a request. A caller that drops this future leaves: what the request recorded
    /// stays.
    pub async fn request(&self, request: Request, cfg: String) -> Result<Answer, Error> {
        let ticket = Arc::new(AtomicU64::new(0));
        // Dropped after the receiver: see `begin`.
        let leaving = Leaving { ticket: Arc::clone(&ticket), left: self.left.clone() };
        let (reply, answer) = oneshot::channel();
        self.calls.send(Call::Request { request, cfg, ticket, reply }).await.map_err(|_| Error::Ended)?;
        let answer = answer.await.map_err(|_| Error::Ended)?;
        leaving.ticket.store(0, Ordering::SeqCst);
        answer
    }

    /// What became of crashes so far.
    pub async fn recovery(&self) -> Result<Recovery, Error> {
        self.with(|session| Box::pin(async move { Ok(session.recovery().clone()) })).await
    }

    /// What [`PlugHandle::recovery`] said at the end of the last call, or [`Error::Ended`]: known
    /// without waiting for the plug.
    pub fn liveness(&self) -> Result<Recovery, Error> {
        if self.calls.is_closed() {
            return Err(Error::Ended);
        }
        Ok(self.recovery.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// How often the plug's state was replaced, or not all of it could be restored: handles of
    /// before may then be those of other series.
    pub(crate) fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Relaxed)
    }

    /// Host resources that the recorder holds between calls: see [`Session::host_resources`].
    pub async fn host_resources(&self) -> Result<usize, Error> {
        self.with(|session| Box::pin(async move { Ok(session.host_resources()) })).await
    }

    /// Asks the plug's typed queries, with the configuration that holds now.
    pub async fn querier(&self) -> Result<Querier, Error> {
        self.with(|session| Box::pin(async move { Ok(session.querier()) })).await
    }

    /// Runs anything on the session, in its turn: the typed calls, or several calls that belong
    /// together. A request there that waits for a server holds up the others.
    pub async fn with<T, F>(&self, call: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s mut Session) -> Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 's>>
            + Send
            + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let recovery = Arc::clone(&self.recovery);
        let call = Call::With(Box::new(move |session| {
            Box::pin(async move {
                let outcome = call(&mut *session).await;
                publish(session, &recovery);
                // The caller may have dropped the future; the call was made all the same.
                let _ = reply.send(outcome);
            })
        }));
        self.calls.send(call).await.map_err(|_| Error::Ended)?;
        answer.await.map_err(|_| Error::Ended)?
    }
}

/// The task that owns the session.
async fn serve(
    mut session: Session,
    mut calls: mpsc::Receiver<Call>,
    mut leaving: mpsc::UnboundedReceiver<u64>,
    recovery: Arc<Mutex<Recovery>>,
) {
    loop {
        session.tend().await;
        session.record_violations().await;
        publish(&session, &recovery);
        tokio::select! {
            call = calls.recv() => match call {
                Some(Call::Request { request, cfg, ticket, reply }) => {
                    begin(&mut session, request, &cfg, &ticket, reply, &recovery).await;
                }
                Some(Call::With(call)) => call(&mut session).await,
                None => break,
            },
            Some(ticket) = leaving.recv() => session.leave(ticket),
            () = session.wait() => {}
        }
    }
    debug!("the last handle is gone; the plug ends");
}

async fn begin(
    session: &mut Session,
    request: Request,
    cfg: &str,
    ticket: &AtomicU64,
    reply: Reply,
    recovery: &Mutex<Recovery>,
) {
    let outcome = match session.begin(request.into(), cfg).await {
        Ok(Begun::Open(number)) => {
            // A caller that leaves first drops the receiver and then looks for its ticket, so that
            // one of both sees the other.
            ticket.store(number, Ordering::SeqCst);
            if reply.is_closed() {
                session.leave(number);
            } else {
                session.attach(number, reply);
            }
            return;
        }
        Ok(Begun::Answered(answer)) => Ok(answer),
        Err(error) => Err(error),
    };
    publish(session, recovery);
    // The caller may have dropped the future; ignore send errors.
    let _ = reply.send(outcome);
}

/// Before the caller sees the outcome, so that whoever heard of a crash finds it counted.
fn publish(session: &Session, recovery: &Mutex<Recovery>) {
    let mut shared = recovery.lock().unwrap_or_else(PoisonError::into_inner);
    if *shared != *session.recovery() {
        shared.clone_from(session.recovery());
    }
}
