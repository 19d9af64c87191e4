//! A plug behind HTTP: Prometheus scrapes it, programs call it.
//!
//! | request | answer |
//! |---|---|
//! | `GET /metrics` | what was recorded, in the format that `Accept` prefers: text, OpenMetrics, protobuf, JSON or CSV |
//! | `POST /process` with `{"ctx": {…}, "cfg": {…}}` | the plug's answer; 200 also where it says `success: false` |
//! | `GET /healthz` | 200 while the plug answers |

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::error::Error;
use crate::handle::PlugHandle;

/// The longest body of a `POST /process`.
const BODY_BYTES: usize = 4 * 1024 * 1024;

/// Answers requests with `plug` until `stop` is ready, then lets those under way finish.
pub async fn serve(
    listener: TcpListener,
    plug: PlugHandle,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(plug)).with_graceful_shutdown(stop).await
}

fn router(plug: PlugHandle) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/process", post(process))
        .route("/healthz", get(healthz))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(plug)
}

async fn metrics(State(plug): State<PlugHandle>, headers: HeaderMap) -> Response {
    let accepted: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let accept = accepted.join(", ");
    match plug.with(move |session| Box::pin(async move { session.scrape(&accept).await })).await {
        Ok(exposed) => ([(header::CONTENT_TYPE, exposed.content_type)], exposed.body).into_response(),
        Err(error) => failed(&error),
    }
}

async fn process(State(plug): State<PlugHandle>, body: Bytes) -> Response {
    let wrong = |problem: String| {
        let answer = json!({
            "success": false,
            "error": format!("body: {problem}; expected {{\"ctx\": {{…}}, \"cfg\": {{…}}}}"),
            "error_code": "invalid_json",
        });
        json_answer(StatusCode::BAD_REQUEST, answer.to_string())
    };
    let body: Value = match serde_json::from_slice(&body) {
        Ok(body) => body,
        Err(error) => return wrong(error.to_string()),
    };
    let Some(ctx) = body.get("ctx") else { return wrong("has no ctx".into()) };
    let cfg = body.get("cfg").map(Value::to_string).unwrap_or_default();
    match plug.process_text(ctx.to_string(), cfg).await {
        Ok(answer) => json_answer(StatusCode::OK, answer),
        Err(error) => failed(&error),
    }
}

async fn healthz(State(plug): State<PlugHandle>) -> Response {
    match plug.describe().await {
        Ok(description) => {
            let answer =
                json!({"status": "ok", "plug": description.get("name"), "version": description.get("version")});
            json_answer(StatusCode::OK, answer.to_string())
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &Error) -> Response {
    let answer = json!({"success": false, "error": error.to_string(), "error_code": "host"});
    json_answer(StatusCode::INTERNAL_SERVER_ERROR, answer.to_string())
}

fn json_answer(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
