//! No text makes the reader of grants panic, and what it takes says the same again: no origin is
//! granted by another spelling than it is shown in. What is granted then judges requests: each that
//! is let through goes to an origin, below a path, with a method, with headers and to an address
//! that the file grants, however the request was spelled.
//!
//! The file, and behind a line `===` a request in each line: method, URI, an address that its name
//! leads to, and headers (`GET http://h/x 127.0.0.1 x-a=b cookie=c`).

#![no_main]

#[allow(dead_code)]
mod answer;
#[path = "../../host-harness/runtime/src/grants/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports)]
mod grants;

use std::net::IpAddr;
use std::path::Path;

use grants::{AddressKind, Grants, Origin, PLAIN_HEADERS};
use http::{HeaderName, HeaderValue, Method, Uri};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|text: &str| {
    let (file, requests) = text.split_once("\n===\n").unwrap_or((text, ""));
    let Ok(granted) = grants::read(file, Path::new("/folder")) else { return };
    for grant in &granted.origins {
        let shown = grants::OriginGrant::read(&grant.to_string()).expect("what is shown can be read");
        assert_eq!((&shown.origin, &shown.path), (&grant.origin, &grant.path));
        assert!(granted.allow(&grant.origin));
    }
    serde_json::to_string(&granted).expect("grants can be shown");
    for request in requests.lines() {
        judged(&granted, request);
    }
});

/// None where the line is no request, or one that is denied.
fn judged(granted: &Grants, request: &str) -> Option<()> {
    let mut words = request.split(' ');
    let method = Method::from_bytes(words.next()?.as_bytes()).ok()?;
    let written = words.next()?;
    let uri: Uri = written.parse().ok()?;
    let origin = Origin::of_uri(&uri)?;
    let authority = uri.authority().expect("an origin has a host").as_str();
    assert!(!authority.contains('@'), "no user: {written}");
    let grant = granted.grant_for(&origin, &method, uri.path()).ok()?;
    assert_eq!(grant.origin, origin);
    assert!(grant.methods.is_empty() || grant.methods.contains(method.as_str()));
    assert!(!["CONNECT", "TRACE"].iter().any(|never| method.as_str().eq_ignore_ascii_case(never)));

    // What is sent is read as the same by another reader of URLs, which joins the path.
    let sent = origin.in_uri(&uri).expect("what is granted can be sent");
    let joined = Url::parse(&sent.to_string()).expect("what is sent is a URL");
    assert_eq!(Origin::of(&joined), Some(origin.clone()), "{written}");
    assert_eq!(Origin::of_uri(&sent), Some(origin.clone()), "{written}");
    assert_eq!(sent.path(), if uri.path().is_empty() { "/" } else { uri.path() });
    let below = joined.path().strip_prefix(grant.path.trim_end_matches('/')).expect("the path is below its grant");
    assert!(below.is_empty() || below.starts_with('/'), "{written}");

    let address: IpAddr = words.next()?.parse().ok()?;
    if granted.allow_address(&origin, address).is_ok() {
        let kind = AddressKind::of(address);
        let is_named = origin.address().is_some() || origin.host() == "localhost";
        let is_listed = granted.addresses.iter().any(|range| range.contains(address));
        assert!(kind.is_none() || is_listed || (is_named && kind != Some(AddressKind::Metadata)), "{address}");
        let is_clear = granted.allow_cleartext(&origin, address).is_ok();
        let in_the_clear = granted.origins.iter().any(|grant| grant.origin == origin && grant.credential.is_some());
        let is_trusted = grants::canonical(address).is_loopback()
            || granted.origins.iter().any(|grant| grant.cleartext.iter().any(|range| range.contains(address)));
        assert!(!is_clear || !in_the_clear || is_trusted, "{address}");
    }
    for header in words {
        let (name, value) = header.split_once('=')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_str(value).ok()?;
        if grant.allows_header(&name, &value).is_ok() {
            let is_open = grant.credential.is_none() && grant.methods.is_empty() && grant.path == "/";
            let named = grant.headers.get(name.as_str());
            let is_named =
                named.is_some_and(|only| only.as_ref().is_none_or(|only| only.as_bytes() == value.as_bytes()));
            assert!(is_open || is_named || PLAIN_HEADERS.contains(&name.as_str()), "{name}");
            assert!(!["range", "te", "connection", "transfer-encoding", "accept-encoding"].contains(&name.as_str()));
        }
    }
    Some(())
}
