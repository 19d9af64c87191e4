//! A plug behind HTTP: Prometheus scrapes it, programs call it.
//!
//! | request | answer |
//! |---|---|
//! | `GET /metrics` | what was recorded, in the format that `Accept` prefers: text, OpenMetrics, protobuf, JSON or CSV |
//! | `POST /process` with `{"ctx": {…}, "cfg": {…}}` | the plug's answer; 200 also if the operation failed |
//! | `GET /sd` | this plug as a target, for `http_sd_configs` of Prometheus |
//! | `GET /` | a page for people; `web_ui` says what belongs to it |
//! | `GET /healthz` | 200 while the server runs, also while calls wait for the plug; `recovery` says what became of crashes |
//!
//! Who can reach an address that is not loopback must show a token; [`Options`] has that and what
//! bounds a caller: bytes, times, connections. `guard` says which requests are answered at all.
//! docs/serve.md is for those who run it.

mod connections;
mod guard;
mod host_name;
mod options;
mod token;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use self::host_name::HostName;
pub use self::options::{Advertised, Options, read_address};
pub use self::token::{Token, authorization};

use self::connections::{CameTo, Reserved};
use self::guard::{Guard, Refusal};
use self::options::HEALTH;
use crate::web_ui::{self, WebUi};
use plugpipe_runtime::{Description, Error, PlugHandle};

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Answers requests with `plug` until `stop` is ready, then lets those under way finish. With the
/// default [`Options`].
pub async fn serve(
    listener: TcpListener,
    plug: PlugHandle,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_with(listener, plug, Options::default(), stop).await
}

/// The same, with what `GET /sd` says.
pub async fn serve_as(
    listener: TcpListener,
    plug: PlugHandle,
    advertised: Advertised,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_with(listener, plug, Options { advertised, ..Options::default() }, stop).await
}

/// The same, with all options. An address that needs a token, and has none, is an error.
pub async fn serve_with(
    listener: TcpListener,
    plug: PlugHandle,
    options: Options,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let checked = options.check(listener.local_addr()?);
    checked.map_err(|problem| io::Error::new(io::ErrorKind::InvalidInput, problem))?;
    let options = Arc::new(options);
    connections::answer(listener, router(plug, Arc::clone(&options)), &options, stop).await;
    Ok(())
}

/// What handlers work with.
#[derive(Clone)]
struct Site {
    plug: PlugHandle,
    options: Arc<Options>,
    ui: Arc<WebUi>,
}

fn router(plug: PlugHandle, options: Arc<Options>) -> Router {
    let guard = Arc::new(Guard::new(&options));
    let ui = WebUi::new(&plug);
    let pages = web_ui::routes(&ui);
    let answers = Router::new()
        .route("/sd", get(sd))
        .route("/metrics", get(metrics))
        .route("/process", post(process))
        .route(HEALTH, get(healthz))
        .with_state(Site { plug, options, ui });
    answers.merge(pages).layer(middleware::from_fn_with_state(guard, guarded)).layer(middleware::map_response(shielded))
}

/// What every response says to browsers: it is what its type says, it runs nothing, and no other
/// site may embed it. The page has a policy of its own.
async fn shielded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    let policy = HeaderValue::from_static("sandbox; default-src 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    response
}

async fn guarded(
    State(guard): State<Arc<Guard>>,
    Extension(CameTo(address)): Extension<CameTo>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    if parts.extensions.get::<Reserved>().is_some() && parts.uri.path() != HEALTH {
        let problem = "all connections are taken, or all that one address may have; try again".to_owned();
        return refused(&Refusal { status: StatusCode::SERVICE_UNAVAILABLE, code: "busy", problem });
    }
    match guard.check(&parts, address) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(refusal) => refused(&refusal),
    }
}

fn refused(Refusal { status, code, problem }: &Refusal) -> Response {
    let answer = json!({"success": false, "error": problem, "error_code": code});
    let mut response = json_answer(*status, answer.to_string());
    // Whoever may not ask is not to hold a connection, nor to have many requests answered on it.
    if matches!(*status, StatusCode::UNAUTHORIZED | StatusCode::MISDIRECTED_REQUEST | StatusCode::SERVICE_UNAVAILABLE) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if *status == StatusCode::UNAUTHORIZED {
        for way in ["Bearer", "Basic realm=\"the token is the password\", charset=\"UTF-8\""] {
            response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(way));
        }
    }
    response
}

async fn sd(State(Site { plug, options, .. }): State<Site>, headers: HeaderMap) -> Response {
    discovered(&plug.describe().name, &options.advertised, &headers)
}

async fn metrics(State(Site { plug, .. }): State<Site>, headers: HeaderMap) -> Response {
    let accepted: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let accept = accepted.join(", ");
    match plug.with(move |session| Box::pin(async move { session.scrape(&accept).await })).await {
        // Then the body says why there is none; half an exposition would look like a whole one.
        Ok(exposed) if exposed.content_type.is_empty() => {
            let text = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (StatusCode::INTERNAL_SERVER_ERROR, text, exposed.body).into_response()
        }
        Ok(exposed) if is_exposition(&exposed.content_type) => {
            ([(header::CONTENT_TYPE, exposed.content_type)], exposed.body).into_response()
        }
        Ok(exposed) => {
            let problem = format!("the plug answered with {:?}, which is no exposition", exposed.content_type);
            let answer = json!({"success": false, "error": problem, "error_code": "host"});
            json_answer(StatusCode::BAD_GATEWAY, answer.to_string())
        }
        Err(error) => failed(&error),
    }
}

/// Whether a content type is one that metrics are exposed in. A plug chooses it, and a page of HTML
/// here would be of the same origin as `/process`.
fn is_exposition(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    ["text/plain", "application/openmetrics-text", "application/vnd.google.protobuf", "application/json", "text/csv"]
        .contains(&essence.as_str())
}

/// One group of targets, as http_sd has it.
fn discovered(plug: &str, advertised: &Advertised, headers: &HeaderMap) -> Response {
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
    let mut labels = json!({"__metrics_path__": "/metrics", "plug": plug});
    if let (Some(instance), Some(labels)) = (&advertised.instance, labels.as_object_mut()) {
        labels.insert("instance".into(), instance.clone().into());
    }
    json_answer(StatusCode::OK, json!([{"targets": [address.as_str()], "labels": labels}]).to_string())
}

/// A request's body, within its bounds.
async fn whole(body: Body, options: &Options) -> Result<Bytes, Refusal> {
    let refusal = |status, code, problem| Refusal { status, code, problem };
    match tokio::time::timeout(options.body_time, Limited::new(body, options.body_bytes).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let problem = format!("body: longer than {} bytes; send less at a time", options.body_bytes);
            Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, "too_long", problem))
        }
        Ok(Err(error)) => Err(refusal(StatusCode::BAD_REQUEST, "invalid_json", format!("body: {error}"))),
        Err(_) => {
            let problem = format!("body: not there after {:?}; send it without a break", options.body_time);
            Err(refusal(StatusCode::REQUEST_TIMEOUT, "timeout", problem))
        }
    }
}

async fn process(State(Site { plug, options, ui }): State<Site>, request: Request) -> Response {
    let body = match whole(request.into_body(), &options).await {
        Ok(body) => body,
        Err(refusal) => return refused(&refusal),
    };
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
    match plug.process(ctx.to_string(), cfg).await {
        Ok(answer) => {
            ui.answered(&answer);
            json_answer(StatusCode::OK, answer.body)
        }
        Err(error) => failed(&error),
    }
}

/// Touches no plug: a call that waits for a server holds up the calls behind it, and none of that
/// is a reason to end the process.
async fn healthz(State(Site { plug, .. }): State<Site>) -> Response {
    match plug.liveness() {
        Ok(recovery) => {
            let Description { name, version, .. } = plug.describe();
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
            discovered("p", advertised, &headers).status().as_u16()
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
