//! Serves a plug over HTTP: Prometheus scrapes it, programs call it.
//!
//! | request | response |
//! |---|---|
//! | `GET /metrics` | the metrics, in the format that `Accept` prefers: text, OpenMetrics, protobuf, JSON or CSV; with gzip if `Accept-Encoding` asks for it |
//! | `POST /process` with `{"ctx": {…}, "cfg": {…}}` | the plug's response; status 200 even if the operation failed |
//! | `GET /sd` | this plug as a target for Prometheus' `http_sd_configs` |
//! | `GET /` | the web UI; see `web_ui` |
//! | `GET /healthz` | 200 while the server runs, even if the plug is busy; `recovery` reports crashes |
//! | `GET /readyz` | 200 if the plug answers, else 503; its state has been restored by then |
//!
//! Clients of a non-loopback address need a token, or what [`WebConfig`] says: a user's password or
//! a certificate. [`Options`] has these and the limits on sizes, times and connections; `guard`
//! checks requests. See docs/serve.md for operators.

mod compression;
mod connections;
mod guard;
mod host_name;
mod listeners;
mod options;
mod reloading;
mod token;
#[cfg(unix)]
mod unix;
mod web_config;
mod writers;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tracing::{Level, debug};

pub use self::host_name::HostName;
pub use self::listeners::Listeners;
pub use self::options::{Advertised, Options, read_address};
pub use self::token::{Token, authorization};
#[cfg(unix)]
pub use self::unix::UnixSocket;
pub use self::web_config::WebConfig;

use self::connections::{Connected, Reserved};
use self::guard::{Access, Guard, Rejection};
use self::options::{HEALTH, METRICS, READY, is_probe};
use self::writers::{ConnectionWriters, LiveWriters};
use crate::web_ui::{self, WebUi};
use plugpipe_runtime::{Description, Error, PlugHandle};

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Serves `plug` until `stop` completes, then waits for pending requests. Uses the default
/// [`Options`].
pub async fn serve(
    listener: TcpListener,
    plug: PlugHandle,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_with(listener, plug, Options::default(), stop).await
}

/// Like [`serve`], with the target for `GET /sd`.
pub async fn serve_as(
    listener: TcpListener,
    plug: PlugHandle,
    advertised: Advertised,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_with(listener, plug, Options { advertised, ..Options::default() }, stop).await
}

/// Like [`serve`], with options. A non-loopback address without a token is an error.
pub async fn serve_with(
    listeners: impl Into<Listeners>,
    plug: PlugHandle,
    options: Options,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listeners = listeners.into();
    for listener in &listeners.tcp {
        let checked = options.check(listener.local_addr()?);
        checked.map_err(|problem| io::Error::new(io::ErrorKind::InvalidInput, problem))?;
    }
    let (options, writers) = (Arc::new(options), LiveWriters::new(&plug));
    connections::serve(listeners, router(plug, Arc::clone(&options)), &writers, &options, stop).await;
    Ok(())
}

/// State of the handlers.
#[derive(Clone)]
struct AppState {
    plug: PlugHandle,
    options: Arc<Options>,
    ui: Arc<WebUi>,
}

fn router(plug: PlugHandle, options: Arc<Options>) -> Router {
    let (guard, web) = (Arc::new(Guard::new(&options)), options.web.clone());
    let ui = WebUi::new(&plug);
    let pages = web_ui::routes(&ui);
    let answers = Router::new()
        .route("/sd", get(sd))
        .route(METRICS, get(metrics))
        .route("/process", post(process))
        .route(HEALTH, get(healthz))
        .route(READY, get(readyz))
        .with_state(AppState { plug, options, ui });
    answers
        .merge(pages)
        .layer(middleware::from_fn_with_state(guard, check_request))
        .layer(middleware::map_response_with_state(web, add_headers))
}

/// Adds security headers to every response: no content sniffing, no scripts, no embedding by other
/// sites. The web UI sets its own policy, and the web configuration one for everything else.
async fn add_headers(State(web): State<Option<WebConfig>>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in web.iter().flat_map(|web| web.contents().headers.clone()) {
        headers.entry(name).or_insert(value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    let policy = HeaderValue::from_static("sandbox; default-src 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    response
}

/// The tracing target of the access log.
const ACCESS: &str = "plugpipe_harness::access";

async fn check_request(
    State(guard): State<Arc<Guard>>,
    Extension(connected): Extension<Connected>,
    request: Request,
    next: Next,
) -> Response {
    // Without the query, which may hold secrets.
    let line = tracing::enabled!(target: ACCESS, Level::DEBUG)
        .then(|| (request.method().clone(), request.uri().path().to_owned(), Instant::now()));
    let response = respond(&guard, connected, request, next).await;
    if let Some((method, path, started)) = line {
        let (status, ms) = (response.status().as_u16(), started.elapsed().as_secs_f64() * 1e3);
        debug!(target: ACCESS, %method, path, status, ms, "request");
    }
    response
}

async fn respond(guard: &Guard, connected: Connected, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if parts.extensions.get::<Reserved>().is_some() && !is_probe(parts.uri.path()) {
        let problem = "connection limit reached; try again later".to_owned();
        return rejected(&Rejection { status: StatusCode::SERVICE_UNAVAILABLE, code: "busy", problem });
    }
    let allowed = match guard.check(&parts, connected) {
        Ok(Access::Granted) => Ok(()),
        Ok(Access::IfPassword(password)) => password.verify().await,
        Err(rejection) => Err(rejection),
    };
    match allowed {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(rejection) => rejected(&rejection),
    }
}

fn rejected(Rejection { status, code, problem }: &Rejection) -> Response {
    let response = json!({"success": false, "error": problem, "error_code": code});
    let mut response = json_response(*status, response.to_string());
    // Close the connections of unauthorized clients.
    if matches!(*status, StatusCode::UNAUTHORIZED | StatusCode::MISDIRECTED_REQUEST | StatusCode::SERVICE_UNAVAILABLE) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if *status == StatusCode::UNAUTHORIZED {
        for challenge in ["Bearer", "Basic realm=\"a user, or the token as the password\", charset=\"UTF-8\""] {
            response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
    }
    response
}

async fn sd(State(AppState { plug, options, .. }): State<AppState>, headers: HeaderMap) -> Response {
    discovered(&plug.describe().name, &options, &headers)
}

async fn metrics(State(AppState { plug, .. }): State<AppState>, headers: HeaderMap) -> Response {
    let accepted: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let accept = accepted.join(", ");
    match plug.with(move |session| Box::pin(async move { session.scrape(&accept).await })).await {
        // Without a content type, the body is an error message.
        Ok(exposed) if exposed.content_type.is_empty() => {
            let text = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (StatusCode::INTERNAL_SERVER_ERROR, text, exposed.body).into_response()
        }
        Ok(exposed) if is_exposition(&exposed.content_type) => {
            compression::respond(exposed.content_type, exposed.body, &headers).await.unwrap_or_else(|error| {
                let response = json!({"success": false, "error": format!("gzip: {error}"), "error_code": "host"});
                json_response(StatusCode::INTERNAL_SERVER_ERROR, response.to_string())
            })
        }
        Ok(exposed) => {
            let problem = format!(
                "the plug returned the content type {:?}, which is not an exposition format",
                exposed.content_type
            );
            let response = json!({"success": false, "error": problem, "error_code": "host"});
            json_response(StatusCode::BAD_GATEWAY, response.to_string())
        }
        Err(error) => failed(&error),
    }
}

/// Whether a content type is an exposition format. The plug chooses it, and HTML would be
/// same-origin with `/process`.
fn is_exposition(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    ["text/plain", "application/openmetrics-text", "application/vnd.google.protobuf", "application/json", "text/csv"]
        .contains(&essence.as_str())
}

/// One target group in http_sd format.
fn discovered(plug: &str, options: &Options, headers: &HeaderMap) -> Response {
    let (advertised, is_https) = (&options.advertised, options.scheme() == "https");
    let host = || {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next().filter(|_| hosts.next().is_none()).and_then(|host| host.to_str().ok());
        let host = host.ok_or_else(|| "expected exactly one".to_owned())?;
        read_address(host).or_else(|problem| {
            // The default port is omitted.
            let port = if is_https { 443 } else { 80 };
            if host.contains(':') { Err(problem) } else { read_address(&format!("{host}:{port}")) }
        })
    };
    let address = match advertised.address.clone().map_or_else(host, Ok) {
        Ok(address) => address,
        Err(problem) => {
            let response = json!({
                "success": false,
                "error": format!("Host: {problem}; or start the server with --advertise HOST:PORT"),
                "error_code": "invalid_field",
            });
            return json_response(StatusCode::BAD_REQUEST, response.to_string());
        }
    };
    // Not `plugin_name`, which is a label of PlugPipe's own metrics.
    let mut labels = json!({"__metrics_path__": "/metrics", "plug": plug});
    if let Some(labels) = labels.as_object_mut() {
        if is_https {
            labels.insert("__scheme__".into(), "https".into());
        }
        labels.extend(advertised.instance.clone().map(|instance| ("instance".into(), instance.into())));
    }
    json_response(StatusCode::OK, json!([{"targets": [address.as_str()], "labels": labels}]).to_string())
}

/// How often the maximum length of a body is read before the connection is closed.
const DROPPED_TIMES: usize = 4;

/// Reads a request body within the limits.
async fn read_body(body: Body, options: &Options) -> Result<Bytes, Rejection> {
    let rejection = |status, code, problem| Rejection { status, code, problem };
    match tokio::time::timeout(options.body_time, collect(body, options.body_bytes)).await {
        Ok(Ok(Some(body))) => Ok(body),
        Ok(Ok(None)) => {
            let problem = format!("body: longer than {} bytes; split the request", options.body_bytes);
            Err(rejection(StatusCode::PAYLOAD_TOO_LARGE, "too_long", problem))
        }
        Ok(Err(error)) => Err(rejection(StatusCode::BAD_REQUEST, "invalid_json", format!("body: {error}"))),
        Err(_) => {
            let problem = format!("body: not received within {:?}; send it faster", options.body_time);
            Err(rejection(StatusCode::REQUEST_TIMEOUT, "timeout", problem))
        }
    }
}

/// The whole body; none if it is longer than `most` bytes. A client that is still sending when the
/// connection closes may never see the response, so some more is read and dropped.
async fn collect(mut body: Body, most: usize) -> Result<Option<Bytes>, axum::Error> {
    let (mut collected, mut length) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length <= most {
            collected.extend_from_slice(&data);
        } else if length > most.saturating_mul(DROPPED_TIMES) {
            break;
        } else {
            collected = Vec::new();
        }
    }
    Ok((length <= most).then(|| collected.into()))
}

/// The body of `POST /process`. Both parts go to the plug as they were written.
#[derive(Deserialize)]
struct Call<'b> {
    #[serde(borrow)]
    ctx: &'b RawValue,
    #[serde(borrow)]
    cfg: Option<&'b RawValue>,
}

async fn process(
    State(AppState { plug, options, ui }): State<AppState>,
    Extension(writers): Extension<Arc<ConnectionWriters>>,
    request: Request,
) -> Response {
    writers.note(request.headers());
    let body = match read_body(request.into_body(), &options).await {
        Ok(body) => body,
        Err(rejection) => return rejected(&rejection),
    };
    let invalid_body = |problem: String| {
        let response = json!({
            "success": false,
            "error": format!("body: {problem}; expected {{\"ctx\": {{…}}, \"cfg\": {{…}}}}"),
            "error_code": "invalid_json",
        });
        json_response(StatusCode::BAD_REQUEST, response.to_string())
    };
    let Call { ctx, cfg } = match serde_json::from_slice(&body) {
        Ok(call) => call,
        Err(error) => return invalid_body(error.to_string()),
    };
    match plug.process(ctx.get(), cfg.map(RawValue::get).unwrap_or_default()).await {
        Ok(answer) => {
            ui.answered(&answer);
            json_response(StatusCode::OK, answer.body)
        }
        Err(error) => failed(&error),
    }
}

/// Does not call the plug: a plug that is busy is no reason to restart the process.
async fn healthz(State(AppState { plug, .. }): State<AppState>) -> Response {
    match plug.liveness() {
        Ok(recovery) => {
            let Description { name, version, .. } = plug.describe();
            let answer = json!({"status": "ok", "plug": name, "version": version, "recovery": recovery});
            json_response(StatusCode::OK, answer.to_string())
        }
        Err(error) => failed(&error),
    }
}

/// How long the plug may take to answer a probe.
const READY_TIME: Duration = Duration::from_secs(5);

/// Calls the plug: with a delivery to no sink, which every plug answers at once, with an error. The
/// server starts after the state was restored, so that needs no check.
async fn readyz(State(AppState { plug, .. }): State<AppState>) -> Response {
    let problem = match tokio::time::timeout(READY_TIME, plug.deliver("")).await {
        Ok(Ok(_)) => return json_response(StatusCode::OK, json!({"status": "ready"}).to_string()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("the plug did not respond within {READY_TIME:?}"),
    };
    let response = json!({"success": false, "error": problem, "error_code": "not_ready"});
    json_response(StatusCode::SERVICE_UNAVAILABLE, response.to_string())
}

fn failed(error: &Error) -> Response {
    let response = json!({"success": false, "error": error.to_string(), "error_code": "host"});
    json_response(StatusCode::INTERNAL_SERVER_ERROR, response.to_string())
}

fn json_response(status: StatusCode, body: String) -> Response {
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
    fn the_advertised_address_overrides_host() {
        let status = |advertised: &Advertised, hosts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, header::HeaderValue::from_static(host));
            }
            discovered("p", &Options { advertised: advertised.clone(), ..Options::default() }, &headers)
                .status()
                .as_u16()
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
