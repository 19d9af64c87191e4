//! The queue of calls to a session that a task owns.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tracing::debug;

use crate::error::Error;
use crate::session::{Recovery, Session};

/// Calls that may wait for a plug before further ones have to wait to be taken.
pub(crate) const QUEUE: usize = 1_024;

/// A call's future on the session that the task owns.
type Running<'s> = Pin<Box<dyn Future<Output = ()> + Send + 's>>;

/// A call on its way to the session; it carries its own way back.
type Call = Box<dyn for<'s> FnOnce(&'s mut Session) -> Running<'s> + Send>;

/// The way to a session that a task owns.
#[derive(Clone)]
pub(crate) struct Calls {
    queue: mpsc::Sender<Call>,
    /// As of the end of the last call.
    recovery: Arc<Mutex<Recovery>>,
}

impl Calls {
    /// Puts a task in charge of the session; it ends when there is no way to it any more.
    pub(crate) fn to(mut session: Session) -> Self {
        let recovery = Arc::new(Mutex::new(session.recovery().clone()));
        let (queue, mut calls) = mpsc::channel::<Call>(QUEUE);
        tokio::spawn(async move {
            while let Some(call) = calls.recv().await {
                call(&mut session).await;
            }
            debug!("the last handle is gone; the plug ends");
        });
        Self { queue, recovery }
    }

    /// Runs anything on the session, in its turn.
    pub(crate) async fn call<T, F>(&self, call: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s mut Session) -> Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 's>>
            + Send
            + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let recovery = Arc::clone(&self.recovery);
        let call: Call = Box::new(move |session| {
            Box::pin(async move {
                let outcome = call(&mut *session).await;
                // Before the caller sees the outcome, so that whoever heard of a crash finds it
                // counted.
                let mut shared = recovery.lock().unwrap_or_else(PoisonError::into_inner);
                if *shared != *session.recovery() {
                    shared.clone_from(session.recovery());
                }
                drop(shared);
                // Who asked may have gone; the call was made all the same.
                let _ = reply.send(outcome);
            })
        });
        self.queue.send(call).await.map_err(|_| Error::Ended)?;
        answer.await.map_err(|_| Error::Ended)?
    }

    /// As of the end of the last call.
    pub(crate) fn recovery(&self) -> Recovery {
        self.recovery.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the task has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }
}
