//! The web UI that `serve` shows at `/`: metric families with sparklines, recent pushes, denied
//! requests, and the health of the servers.
//!
//! | module | what it is for |
//! |---|---|
//! | `history` | values and events since the start, in bounded memory |
//! | `view` | the page's contents, and `page.html` filled with them |
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the page; works without scripts |
//! | `GET /status` | the same pushes, refusals and health as JSON, for `top` |
//! | `POST /health` | asks the configured servers whether they are well, and leads back to `/` |
//! | `GET /style.css`, `GET /app.js` | the page's own |
//!
//! No request but `POST /health` makes the plug ask a server. The page loads nothing from
//! elsewhere, and its policy forbids it to.

mod history;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tracing::debug;

use crate::families::{self, Family};
use history::History;
use plugpipe_runtime::session::Format;
use plugpipe_runtime::{Answer, Description, Error, PlugHandle};

/// From one look at the plug's metrics to the next, at first; later there are fewer.
const INTERVAL: Duration = Duration::from_secs(1);

/// Longer expositions are not shown, because the cost grows with their length.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Longer responses are not inspected.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Only the page's own scripts, styles and images; no frames; its form posts to this server only.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// The state that handlers share.
pub(crate) struct WebUi {
    plug: PlugHandle,
    began: SystemTime,
    history: Mutex<History>,
}

/// The requests of the web UI.
pub(crate) fn routes(ui: &Arc<WebUi>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/status", get(status))
        .route("/health", post(health))
        .route("/style.css", get(|| async { file("text/css; charset=utf-8", include_str!("style.css")) }))
        .route("/app.js", get(|| async { file("text/javascript; charset=utf-8", include_str!("app.js")) }))
        .with_state(Arc::clone(ui))
}

impl WebUi {
    /// The web UI of `plug`, which looks at its metrics from now on. Must be called within a tokio
    /// runtime.
    pub(crate) fn new(plug: &PlugHandle) -> Arc<Self> {
        let ui = Arc::new(Self { plug: plug.clone(), began: SystemTime::now(), history: Mutex::default() });
        // Ends with the router: the task must not keep the plug alive.
        let weak = Arc::downgrade(&ui);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(INTERVAL);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            loop {
                ticks.tick().await;
                let Some(ui) = weak.upgrade() else { return };
                if !ui.history().is_due() {
                    continue;
                }
                match ui.families().await {
                    Ok(Some(families)) => ui.history().look(&families),
                    Ok(None) => {}
                    Err(Error::Ended) => return,
                    Err(error) => debug!(%error, "the metrics could not be looked at"),
                }
            }
        });
        ui
    }

    /// Records pushes and denied requests from the response to a call.
    pub(crate) fn answered(&self, answer: &Answer) {
        if answer.body.len() <= MAX_ANSWER_BYTES {
            self.history().answered(answer);
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The plug's families; none if the exposition is too long.
    async fn families(&self) -> Result<Option<Vec<Family>>, Error> {
        let text = self.plug.with(|session| Box::pin(session.encode(Format::Text))).await?;
        if text.len() > MAX_BYTES {
            return Ok(None);
        }
        Ok(Some(families::read(&String::from_utf8_lossy(&text))))
    }
}

async fn index(State(ui): State<Arc<WebUi>>) -> Response {
    let contents = async {
        let recovery = ui.plug.recovery().await?;
        let families = ui.families().await?;
        let Description { name, version, .. } = ui.plug.describe();
        view::page((name, version), recovery.crashes, families.as_deref(), ui.began, &ui.history())
    };
    match contents.await {
        Ok(html) => guarded(html, "text/html; charset=utf-8"),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn status(State(ui): State<Arc<WebUi>>) -> Response {
    let status = ui.history().status();
    guarded(status.to_string(), "application/json")
}

/// What serves the page lets no form of another origin come here.
async fn health(State(ui): State<Arc<WebUi>>) -> Response {
    match ui.plug.health().await {
        Ok(answer) => {
            ui.history().health(&answer);
            (StatusCode::SEE_OTHER, [(header::LOCATION, "/")]).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn guarded(body: String, content_type: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // With none at all, the page's own form would say `Origin: null`.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, body).into_response()
}

fn file(content_type: &'static str, text: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache")];
    (headers, text).into_response()
}
