//! Notifications to systemd, for a service of `Type=notify`.

/// The service is ready for requests.
pub(crate) fn ready() {
    #[cfg(unix)]
    notify(sd_notify::NotifyState::Ready);
}

/// The service is about to end.
pub(crate) fn stopping() {
    #[cfg(unix)]
    notify(sd_notify::NotifyState::Stopping);
}

/// Without a service manager (`NOTIFY_SOCKET`), this does nothing.
#[cfg(unix)]
fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!("NOTIFY_SOCKET: cannot notify the service manager: {error}");
    }
}
