//! Waiting to be asked to stop.

/// Ctrl-C, and on Unix SIGTERM, from the moment it is created.
///
/// Created before a command says that it is ready: until then, the system's default action ends the
/// process.
pub(crate) struct StopSignal {
    #[cfg(unix)]
    signals: Option<[tokio::signal::unix::Signal; 2]>,
}

impl StopSignal {
    #[cfg(unix)]
    pub(crate) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        // Without a handler, the system's default action ends the process.
        let both = || Ok::<_, std::io::Error>([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?]);
        Self { signals: both().ok() }
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> Self {
        Self {}
    }

    /// Completes when the process is asked to stop, at once if it was since the creation.
    #[cfg(unix)]
    pub(crate) async fn received(&mut self) {
        match &mut self.signals {
            Some([terminate, interrupt]) => tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            },
            None => std::future::pending().await,
        }
    }

    /// Completes when the process is asked to stop.
    #[cfg(not(unix))]
    pub(crate) async fn received(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
