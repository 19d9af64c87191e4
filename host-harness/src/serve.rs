//! A plug behind HTTP: Prometheus scrapes it, programs call it.
//!
//! | request | answer |
//! |---|---|
//! | `GET /metrics` | what was recorded, in the format that `Accept` prefers: text, OpenMetrics, protobuf, JSON or CSV |
//! | `POST /process` with `{"ctx": {…}, "cfg": {…}}` | the plug's answer; 200 also where it says `success: false` |
//! | `GET /sd` | this plug as a target, for `http_sd_configs` of Prometheus |
//! | `GET /` | a page for people; `page` says what belongs to it |
//! | `GET /healthz` | 200 while the plug answers; `recovery` says what became of crashes |

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::error::Error;
use crate::handle::PlugHandle;
use crate::page;

/// The longest body of a `POST /process`.
const BODY_BYTES: usize = 4 * 1024 * 1024;

/// What `GET /sd` says of this plug.
#[derive(Debug, Clone, Default)]
pub struct Advertised {
    /// Where Prometheus should scrape; none for the `Host` that a request names.
    pub address: Option<Authority>,
    /// The label `instance`; none leaves it to Prometheus, which takes the address.
    pub instance: Option<String>,
}

/// Answers requests with `plug` until `stop` is ready, then lets those under way finish.
pub async fn serve(
    listener: TcpListener,
    plug: PlugHandle,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    serve_as(listener, plug, Advertised::default(), stop).await
}

/// The same, with what `GET /sd` says.
pub async fn serve_as(
    listener: TcpListener,
    plug: PlugHandle,
    advertised: Advertised,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(plug, advertised)).with_graceful_shutdown(stop).await
}

/// Reads an address that Prometheus can scrape: `host:port`. The error says what was expected.
pub fn read_address(text: &str) -> Result<Authority, String> {
    let authority: Authority = text.parse().map_err(|error| format!("{error}; expected HOST:PORT"))?;
    let is_bare = !text.contains('@') && !authority.host().is_empty();
    // A port that is no number is none.
    let has_port = authority.port_u16().is_some_and(|port| port > 0);
    if is_bare && has_port { Ok(authority) } else { Err("expected HOST:PORT".into()) }
}

fn router(plug: PlugHandle, advertised: Advertised) -> Router {
    let shown = plug.clone();
    let router = Router::new()
        .route("/sd", get(move |headers: HeaderMap| async move { discovered(&advertised, &headers) }))
        .route("/metrics", get(metrics))
        .route("/process", post(process))
        .route("/healthz", get(healthz))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(plug);
    page::attach(router, &shown)
}

async fn metrics(State(plug): State<PlugHandle>, headers: HeaderMap) -> Response {
    let accepted: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let accept = accepted.join(", ");
    match plug.with(move |session| Box::pin(async move { session.scrape(&accept).await })).await {
        Ok(exposed) => ([(header::CONTENT_TYPE, exposed.content_type)], exposed.body).into_response(),
        Err(error) => failed(&error),
    }
}

/// One group of targets, as http_sd has it.
fn discovered(advertised: &Advertised, headers: &HeaderMap) -> Response {
    let host = || {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next().filter(|_| hosts.next().is_none()).and_then(|host| host.to_str().ok());
        let host = host.ok_or_else(|| "there must be one".to_owned())?;
        read_address(host).or_else(|problem| {
            // HTTP leaves its own port out.
            if host.contains(':') { Err(problem) } else { read_address(&format!("{host}:80")) }
        })
    };
    let address = match advertised.address.clone().map_or_else(host, Ok) {
        Ok(address) => address,
        Err(problem) => {
            let answer = json!({
                "success": false,
                "error": format!("Host: {problem}; or start the server with --advertise HOST:PORT"),
                "error_code": "invalid_field",
            });
            return json_answer(StatusCode::BAD_REQUEST, answer.to_string());
        }
    };
    // Not `plugin_name`, which PlugPipe's own metrics have as a label.
    let mut labels = json!({"__metrics_path__": "/metrics", "plug": "monitoring_prometheus"});
    if let (Some(instance), Some(labels)) = (&advertised.instance, labels.as_object_mut()) {
        labels.insert("instance".into(), instance.clone().into());
    }
    json_answer(StatusCode::OK, json!([{"targets": [address.as_str()], "labels": labels}]).to_string())
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
    let said = async { Ok((plug.describe().await?, plug.recovery().await?)) };
    match said.await {
        Ok((description, recovery)) => {
            let (name, version) = (description.get("name"), description.get("version"));
            let answer = json!({"status": "ok", "plug": name, "version": version, "recovery": recovery});
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port_and_nothing_else() {
        for good in ["localhost:8080", "127.0.0.1:1", "[::1]:9", "plug.example:65535"] {
            assert_eq!(read_address(good).unwrap().as_str(), good);
        }
        for bad in ["", "h", ":1", "h:", "h:0", "h:x", "h:99999", "u@h:1", "http://h:1", "h:1/x", "h h:1", "h:1\n"] {
            assert!(read_address(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_advertised_wins_over_the_host_that_was_asked() {
        let status = |advertised: &Advertised, hosts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, header::HeaderValue::from_static(host));
            }
            discovered(advertised, &headers).status().as_u16()
        };
        let nothing = Advertised::default();
        assert_eq!(status(&nothing, &["h:8080"]), 200);
        assert_eq!(status(&nothing, &["h"]), 200);
        for hosts in [&[][..], &["h:1", "i:1"], &["u:p@h:1"], &["h:1/x"], &[""]] {
            assert_eq!(status(&nothing, hosts), 400, "{hosts:?}");
            let advertised = Advertised { address: Some(read_address("h:1").unwrap()), instance: None };
            assert_eq!(status(&advertised, hosts), 200, "{hosts:?}");
        }
    }
}
