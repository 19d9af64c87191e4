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
//! | `GET /` | the web UI; works without scripts |
//! | `GET /status` | pushes, denied requests and health as JSON, for `top` |
//! | `POST /health` | runs a health check and redirects to `/` |
//! | `GET /style.css`, `GET /app.js` | the web UI's assets |
//!
//! Only `POST /health` makes the plug send requests. The web UI loads nothing from other origins;
//! its content security policy forbids it.

mod history;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tracing::debug;

use crate::families::{self, Family};
use history::History;
use plugpipe_runtime::Error;
use plugpipe_runtime::PlugHandle;
use plugpipe_runtime::session::Format;

/// Initial sampling interval of the plug's metrics.
const INTERVAL: Duration = Duration::from_secs(1);

/// Maximum size of an exposition to parse and show.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Maximum size of a response to inspect.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// Allows only scripts, styles and forms of this server, and no frames.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// State shared by the handlers.
struct WebUi {
    plug: PlugHandle,
    began: SystemTime,
    history: Mutex<History>,
}

/// Adds the web UI to the router that serves `plug` and observes the responses of `POST /process`.
/// Must be called within a tokio runtime.
pub(crate) fn attach(router: Router, plug: &PlugHandle) -> Router {
    let ui = Arc::new(WebUi { plug: plug.clone(), began: SystemTime::now(), history: Mutex::default() });
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
                Ok(Some(families)) => ui.history().sample(&families),
                Ok(None) => {}
                Err(Error::Ended) => return,
                Err(error) => debug!(%error, "cannot sample the metrics"),
            }
        }
    });
    let own = Router::new()
        .route("/", get(index))
        .route("/status", get(status))
        .route("/health", post(health))
        .route("/style.css", get(|| async { file("text/css; charset=utf-8", include_str!("style.css")) }))
        .route("/app.js", get(|| async { file("text/javascript; charset=utf-8", include_str!("app.js")) }))
        .with_state(Arc::clone(&ui));
    router.layer(from_fn_with_state(ui, observe)).merge(own)
}

impl WebUi {
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
        let description = ui.plug.describe().await?;
        let recovery = ui.plug.recovery().await?;
        let families = ui.families().await?;
        let recovery = serde_json::to_value(recovery).unwrap_or_default();
        view::render(&description, &recovery, families.as_deref(), ui.began, &ui.history())
    };
    match contents.await {
        Ok(html) => uncached(html, "text/html; charset=utf-8"),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn status(State(ui): State<Arc<WebUi>>) -> Response {
    let status = ui.history().status();
    uncached(status.to_string(), "application/json")
}

/// `serve` rejects cross-origin requests.
async fn health(State(ui): State<Arc<WebUi>>) -> Response {
    match ui.plug.health_check().await {
        Ok(response) => {
            ui.history().set_health(response);
            (StatusCode::SEE_OTHER, [(header::LOCATION, "/")]).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Records pushes and denied requests from responses.
async fn observe(State(ui): State<Arc<WebUi>>, request: Request, next: Next) -> Response {
    let is_call = request.method() == Method::POST && request.uri().path() == "/process";
    let response = next.run(request).await;
    if !is_call || response.status() != StatusCode::OK {
        return response;
    }
    let length = response.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let length =
        length.or_else(|| axum::body::HttpBody::size_hint(response.body()).exact().map(|exact| exact as usize));
    if length.is_none_or(|length| length > MAX_RESPONSE_BYTES) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_RESPONSE_BYTES).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // Most responses contain none of these and need no parsing.
    let markers = [&b"\"metric_pushed\":true"[..], b"\"push_error\"", b"\"not_granted\"", b"\"warnings\":["];
    if markers.iter().any(|marker| memchr::memmem::find(&body, marker).is_some())
        && let Ok(response) = serde_json::from_slice::<Value>(&body)
    {
        ui.history().record_response(&response);
    }
    Response::from_parts(parts, Body::from(body))
}

fn uncached(body: String, content_type: &'static str) -> Response {
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
