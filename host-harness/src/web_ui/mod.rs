//! The web UI that `serve` shows at `/`: metric families with sparklines, recent pushes, denied
//! requests, and the health of the servers.
//!
//! | module | purpose |
//! |---|---|
//! | `history` | values and events since the start, in bounded memory |
//! | `view` | renders `page.html` |
//!
//! | request | response |
//! |---|---|
//! | `GET /?q=TEXT&page=N` | the web UI; `q` filters by name or label; works without scripts |
//! | `GET /status` | pushes, denied requests and health as JSON, for `top` |
//! | `POST /health` | runs a health check and redirects to `/` |
//! | `GET /style.css`, `GET /app.js` | the web UI's assets |
//!
//! Only `POST /health` makes the plug send requests. The web UI loads nothing from other origins;
//! its content security policy forbids it.

mod history;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tracing::debug;

use crate::families::{self, MetricFamily};
use history::History;
use plugpipe_runtime::session::Format;
use plugpipe_runtime::{Answer, Description, Error, PlugHandle};
use view::Selection;

/// Initial sampling interval of the plug's metrics.
const INTERVAL: Duration = Duration::from_secs(1);

/// Maximum size of an exposition in the text format to sample.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Maximum size of an exposition in JSON to show, which is about twice that of its text.
const MAX_SHOWN_BYTES: usize = 32 * 1024 * 1024;

/// Maximum size of a response to inspect.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// Allows only scripts, styles and forms of this server, and no frames.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// State shared by the handlers.
pub(crate) struct WebUi {
    plug: PlugHandle,
    began: SystemTime,
    history: Mutex<History>,
}

/// The routes of the web UI.
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
    /// The web UI of `plug`, which samples its metrics from now on. Must be called within a tokio
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
                let due = ui.history().due();
                let Some(due) = due else { continue };
                match ui.sampled_families().await {
                    Ok(Some(families)) => ui.history().sample(&families, due, Instant::now()),
                    Ok(None) => {}
                    Err(Error::Ended) => return,
                    Err(error) => debug!(%error, "cannot sample the metrics"),
                }
            }
        });
        ui
    }

    /// Records pushes and denied requests from the response to a call.
    pub(crate) fn answered(&self, answer: &Answer) {
        if answer.body.len() <= MAX_RESPONSE_BYTES {
            self.history().answered(answer);
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The plug's families to show, with their names as they are; none if the exposition is too
    /// long.
    async fn families(&self) -> Result<Option<Vec<MetricFamily>>, Error> {
        let json = self.plug.with(|session| Box::pin(session.encode(Format::Json))).await?;
        if json.len() > MAX_SHOWN_BYTES {
            return Ok(None);
        }
        match families::read_json(&json) {
            Some(families) => Ok(Some(families)),
            // Another plug's JSON.
            None => self.sampled_families().await,
        }
    }

    /// The plug's families in the text format, which costs least if little has changed; names are
    /// escaped. None if the exposition is too long.
    async fn sampled_families(&self) -> Result<Option<Vec<MetricFamily>>, Error> {
        let text = self.plug.with(|session| Box::pin(session.encode(Format::Text))).await?;
        if text.len() > MAX_BYTES {
            return Ok(None);
        }
        Ok(Some(families::read(&String::from_utf8_lossy(&text))))
    }
}

async fn index(State(ui): State<Arc<WebUi>>, uri: Uri) -> Response {
    let selection = Selection::of(uri.query().unwrap_or_default());
    let contents = async {
        let recovery = ui.plug.recovery().await?;
        let families = ui.families().await?;
        let Description { name, version, .. } = ui.plug.describe();
        view::page((name, version), recovery.crashes, families.as_deref(), &selection, ui.began, &ui.history())
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

/// `serve` rejects cross-origin requests.
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
        // Without a referrer, the web UI's form would send `Origin: null`.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, body).into_response()
}

fn file(content_type: &'static str, text: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache")];
    (headers, text).into_response()
}
