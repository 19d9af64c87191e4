//! Compression of responses with gzip, if `Accept-Encoding` asks for it (RFC 9110, 12.5.3).

use std::io::{self, Write as _};

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

/// On expositions, which are repetitive, level 1 takes a fifth of the time of level 6 and
/// compresses nearly as well.
const LEVEL: u32 = 1;

/// A shorter body fits into one packet anyway.
const MIN_BYTES: usize = 1024;

/// A response with this body, compressed if the client prefers that. `Vary` tells caches that
/// `Accept` and `Accept-Encoding` decide.
///
/// # Errors
/// If the compression's thread ended; the body is lost with it.
pub(super) async fn respond(content_type: String, body: Vec<u8>, request: &HeaderMap) -> io::Result<Response> {
    let is_compressed = body.len() >= MIN_BYTES && prefers_gzip(request);
    let body = match is_compressed {
        // A megabyte takes some 10 ms, in which this thread would serve nobody else.
        true => tokio::task::spawn_blocking(move || compress(&body)).await??,
        false => body,
    };
    let vary = (header::VARY, "Accept, Accept-Encoding");
    let mut response = ([(header::CONTENT_TYPE, &*content_type), vary], body).into_response();
    if is_compressed {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

fn compress(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::new(LEVEL));
    encoder.write_all(body)?;
    encoder.finish()
}

/// Whether gzip is allowed and nothing is preferred to it. A client without the header gets the
/// body as it is, and so does one that allows nothing we have.
fn prefers_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut identity, mut any) = (None, None, None);
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    for coding in values.flat_map(|value| value.split(',')) {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let place: &mut Option<f32> = match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => &mut gzip,
            "identity" => &mut identity,
            "*" => &mut any,
            _ => continue,
        };
        *place = Some(place.unwrap_or(0.0).max(quality(parameters)));
    }
    let gzip = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

/// The value of `q`: 1 if there is none, and 0 if it is not a number from 0 to 1, which asks for
/// nothing.
fn quality(parameters: &str) -> f32 {
    let weight = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let Some((_, value)) =
        weight.map(|(name, value)| (name.trim(), value.trim())).find(|(name, _)| *name == "q" || *name == "Q")
    else {
        return 1.0;
    };
    value.parse().ok().filter(|quality| (0.0..=1.0).contains(quality)).unwrap_or(0.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read as _;

    use http_body_util::BodyExt as _;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (header::ACCEPT_ENCODING, value.parse().unwrap())).collect()
    }

    #[test]
    fn gzip_is_chosen_where_the_client_prefers_it() {
        for accepted in [
            &["gzip"][..],
            &["GZIP"],
            &["x-gzip"],
            &["deflate, gzip;q=0.5"],
            &["deflate", "gzip"],
            &["gzip;q=0.001"],
            &["br;q=1, gzip ; q=0.8, *;q=0.1"],
            &["*"],
            &["identity;q=0.5, gzip;q=0.5"],
            &["identity;q=0, *;q=0.3"],
            &["gzip;x=1;Q=1.000"],
            &["gzip;q=0", "gzip"],
        ] {
            assert!(prefers_gzip(&headers(accepted)), "{accepted:?}");
        }
        for plain in [
            &[][..],
            &[""],
            &["identity"],
            &["gzip;q=0"],
            &["gzip;q=0.000, *"],
            &["*;q=0"],
            &["br, zstd, deflate"],
            &["identity, gzip;q=0.9"],
            &["gzip;q=2"],
            &["gzip;q=-1"],
            &["gzip;q=NaN"],
            &["gzip;q="],
            &["gzipx"],
            &["identity;q=0"],
        ] {
            assert!(!prefers_gzip(&headers(plain)), "{plain:?}");
        }
        let mut unreadable = HeaderMap::new();
        unreadable.insert(header::ACCEPT_ENCODING, HeaderValue::from_bytes(b"gzip\xff").unwrap());
        assert!(!prefers_gzip(&unreadable));
    }

    #[tokio::test]
    async fn a_long_body_is_compressed_and_a_short_one_is_not() {
        let text = "up 1\n".repeat(10_000);
        for (body, accept, coding) in [
            (text.as_str(), "gzip", Some("gzip")),
            (&text, "identity", None),
            (&text[..MIN_BYTES - 1], "gzip", None),
            (&text[..MIN_BYTES], "gzip", Some("gzip")),
        ] {
            let response = respond("text/plain".into(), body.into(), &headers(&[accept])).await.unwrap();
            let found = response.headers().get(header::CONTENT_ENCODING).map(|coding| coding.to_str().unwrap());
            assert_eq!(
                (found, &response.headers()[header::VARY]),
                (coding, &"Accept, Accept-Encoding".parse().unwrap())
            );
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain");
            let sent = response.into_body().collect().await.unwrap().to_bytes();
            let mut plain = String::new();
            match coding {
                Some(_) => flate2::read::GzDecoder::new(&*sent).read_to_string(&mut plain).unwrap(),
                None => (&*sent).read_to_string(&mut plain).unwrap(),
            };
            assert_eq!(plain, body);
            assert!(coding.is_none() || body.len() < 10_000 || sent.len() * 20 < body.len(), "{}", sent.len());
        }
    }
}
