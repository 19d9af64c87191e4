//! Every request of a plug passes here. One that was not granted is refused before any name is looked up or connection made.

use std::sync::Arc;

use http::Request;
use http::uri::{Parts, Uri};
use http_body_util::BodyExt;
use tracing::{debug, warn};
use url::Url;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::grants::{Grants, Origin};

/// Enforces the grants of one plug.
pub(crate) struct Outbound {
    grants: Arc<Grants>,
    /// Whether calls are made again that were made before: what they sent is not sent twice.
    pub(crate) replaying: bool,
    /// Whether anything was asked for since this was last set.
    pub(crate) asked: bool,
}

impl Outbound {
    pub(crate) fn new(grants: Arc<Grants>) -> Self {
        Self { grants, replaying: false, asked: false }
    }
}

type Exchange = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Exchange, Error>> + Send> {
        self.asked = true;
        let admitted = if self.replaying { Err(Error::HttpRequestDenied) } else { admit(&self.grants, request.uri()) };
        Box::new(async move {
            // The address that is connected to is made from the origin that was checked, not from what the plug wrote.
            *request.uri_mut() = admitted?;
            debug!(method = %request.method(), origin = %request.uri(), "request");
            let (response, connection) = wasmtime_wasi_http::default_send_request(request, options).await?;
            debug!(status = response.status().as_u16(), "answer");
            Ok((response.map(BodyExt::boxed_unsync), Box::new(connection) as Box<dyn Future<Output = _> + Send>))
        })
    }
}

/// The request's own URI with its origin in canonical form, if the origin was granted.
fn admit(grants: &Grants, uri: &Uri) -> Result<Uri, Error> {
    let refused = |origin: &str| {
        warn!(origin, "refused: the plug was not granted this origin (grant it with --grant {origin})");
        Error::HttpRequestDenied
    };
    let url = match (uri.scheme_str(), uri.authority()) {
        // A user in the authority is a way to make one host look like another; the plug sends credentials as headers.
        (Some(scheme), Some(authority)) if !authority.as_str().contains('@') => {
            Url::parse(&format!("{scheme}://{authority}/")).ok()
        }
        _ => None,
    };
    let origin = url.as_ref().and_then(Origin::of).ok_or_else(|| refused("(not an http origin)"))?;
    if !grants.allow(&origin) {
        return Err(refused(&origin.to_string()));
    }
    let mut parts = Parts::default();
    parts.scheme = uri.scheme().cloned();
    parts.authority = origin.authority().parse().ok();
    parts.path_and_query = uri.path_and_query().cloned().or_else(|| "/".parse().ok());
    Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants() -> Grants {
        Grants::none().and("http://127.0.0.1:9091".parse().unwrap()).and("https://ok.example".parse().unwrap())
    }

    fn admitted(uri: &str) -> Option<String> {
        admit(&grants(), &uri.parse().unwrap()).ok().map(|uri| uri.to_string())
    }

    #[test]
    fn a_granted_origin_is_connected_to_as_it_was_checked() {
        assert_eq!(admitted("http://127.0.0.1:9091/metrics?x=1").unwrap(), "http://127.0.0.1:9091/metrics?x=1");
        assert_eq!(admitted("http://2130706433:9091").unwrap(), "http://127.0.0.1:9091/");
        assert_eq!(admitted("https://OK.example/a").unwrap(), "https://ok.example:443/a");
    }

    #[test]
    fn nothing_else_gets_out() {
        for uri in [
            "http://127.0.0.1:9090/",
            "https://127.0.0.1:9091/",
            "http://localhost:9091/",
            "http://127.0.0.2:9091/",
            "http://[::1]:9091/",
            "http://[::ffff:127.0.0.1]:9091/",
            "http://ok.example/",
            "https://ok.example./",
            "https://ok.example.evil.example/",
            "https://ok.example@evil.example/",
            "https://evil.example@ok.example/",
            "/only/a/path",
        ] {
            assert_eq!(admitted(uri), None, "{uri}");
        }
    }
}
