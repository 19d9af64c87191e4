//! Tables of equivalent and deceptive spellings of origins and paths.

use http::{Method, Uri};

use super::*;
use crate::grants::{AddressKind, canonical};

const GRANTED: [&str; 4] =
    ["http://127.0.0.1:9091", "https://ok.example", "http://[::1]:9092", "http://xn--bcher-kva.example"];

/// Granted spellings, and their normalized URIs.
const OWN: &[(&str, &str)] = &[
    ("http://127.0.0.1:9091", "http://127.0.0.1:9091/"),
    ("http://127.0.0.1:9091/a?b", "http://127.0.0.1:9091/a?b"),
    ("HTTP://127.0.0.1:9091/", "http://127.0.0.1:9091/"),
    ("hTTp://127.0.0.1:9091/", "http://127.0.0.1:9091/"),
    ("http://127.0.0.1:09091/", "http://127.0.0.1:9091/"),
    ("http://2130706433:9091/", "http://127.0.0.1:9091/"),
    ("http://0x7f000001:9091/", "http://127.0.0.1:9091/"),
    ("http://0X7F000001:9091/", "http://127.0.0.1:9091/"),
    ("http://017700000001:9091/", "http://127.0.0.1:9091/"),
    ("http://0x7f.0.0.1:9091/", "http://127.0.0.1:9091/"),
    ("http://0177.0.0.1:9091/", "http://127.0.0.1:9091/"),
    ("http://127.0.0x0.01:9091/", "http://127.0.0.1:9091/"),
    ("http://127.1:9091/", "http://127.0.0.1:9091/"),
    ("http://127.0.1:9091/", "http://127.0.0.1:9091/"),
    ("http://0x7f.1:9091/", "http://127.0.0.1:9091/"),
    ("http://127.0.0.1.:9091/", "http://127.0.0.1:9091/"),
    ("https://ok.example", "https://ok.example/"),
    ("https://OK.Example/", "https://ok.example/"),
    ("https://ok.example:443/", "https://ok.example/"),
    ("https://ok.example:0443/", "https://ok.example/"),
    ("https://ok.example:/", "https://ok.example/"),
    ("http://[::1]:9092/", "http://[::1]:9092/"),
    ("http://[0:0:0:0:0:0:0:1]:9092/", "http://[::1]:9092/"),
    ("http://[0000::0001]:9092/", "http://[::1]:9092/"),
    ("http://[::0.0.0.1]:9092/", "http://[::1]:9092/"),
    ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
    ("http://XN--BCHER-KVA.EXAMPLE:80/", "http://xn--bcher-kva.example/"),
];

/// Spellings that are not granted or are invalid URIs.
const OTHER: &[&str] = &[
    // Another scheme, or none.
    "https://127.0.0.1:9091/",
    "http://ok.example/",
    "http://ok.example:443/",
    "https://ok.example:80/",
    "ftp://127.0.0.1:9091/",
    "file://127.0.0.1:9091/",
    "file:///etc/passwd",
    "ws://127.0.0.1:9091/",
    "httpx://127.0.0.1:9091/",
    "http:127.0.0.1:9091/",
    "http:/127.0.0.1:9091/",
    "http:///127.0.0.1:9091/",
    "//127.0.0.1:9091/",
    "127.0.0.1:9091",
    "/only/a/path",
    "*",
    "",
    // Users and lookalikes.
    "https://ok.example@evil.example/",
    "https://evil.example@ok.example/",
    "https://@ok.example/",
    "https://:@ok.example/",
    "https://user@ok.example/",
    "https://user:password@ok.example/",
    "https://ok.example:443@evil.example/",
    "https://ok.example:@evil.example/",
    "https://ok.example%40evil.example/",
    "https://evil.example%40ok.example/",
    "https://evil.example#@ok.example/",
    "https://evil.example?@ok.example/",
    "https://evil.example/@ok.example/",
    "https://evil.example\\@ok.example/",
    "https://evil.example;@ok.example/",
    // Ports.
    "http://127.0.0.1/",
    "http://127.0.0.1:/",
    "http://127.0.0.1:9090/",
    "http://127.0.0.1:9091x/",
    "http://127.0.0.1:9091:9091/",
    "http://127.0.0.1:-9091/",
    "http://127.0.0.1:+9091/",
    "http://127.0.0.1:74627/",
    "http://127.0.0.1:0x2383/",
    "http://127.0.0.1:9091%20/",
    "http://127.0.0.1:\u{ff19}091/",
    "https://ok.example:444/",
    "https://ok.example:0/",
    "https://ok.example:4294967739/",
    // Other names.
    "https://ok.example./",
    "https://ok.example.:443/",
    "https://ok.example../",
    "https://.ok.example/",
    "https://ok..example/",
    "https://ok.example.evil.example/",
    "https://okxexample/",
    "https://a.ok.example/",
    "https://ok.example-evil.example/",
    "https://ok.example_/",
    "https://ok-example/",
    "https://xn--ok-example-.evil/",
    "https://xn--ok.example/",
    "https://okexample/",
    // Percent.
    "https://ok%2eexample/",
    "https://%6fk.example/",
    "https://ok.example%00.evil.example/",
    "https://ok.example%2eevil.example/",
    "https://ok.example%23.evil.example/",
    "https://ok.example%2f.evil.example/",
    "https://ok.example%0d%0a/",
    "http://%3127.0.0.1:9091/",
    "http://127%2e0%2e0%2e1:9091/",
    // Letters of other scripts and forms, which HTTP requests cannot contain.
    "https://\u{24de}k.example/",
    "https://\u{ff4f}k.example/",
    "https://ok\u{3002}example/",
    "https://ok\u{ff0e}example/",
    "https://o\u{212a}.example/",
    "https://ok.ex\u{430}mple/",
    "https://ok.example\u{ad}/",
    "https://ok.example\u{200b}/",
    "http://b\u{fc}cher.example/",
    "http://bu\u{308}cher.example/",
    "http://xn--bcher-kva.example./",
    "http://xn--bucher-3ya.example/",
    "http://bucher.example/",
    "http://\u{ff11}27.0.0.1:9091/",
    // Addresses of the same machine, and of others.
    "http://localhost:9091/",
    "http://0:9091/",
    "http://0.0.0.0:9091/",
    "http://127.0.0.2:9091/",
    "http://2130706434:9091/",
    "http://4294967296:9091/",
    "http://127.0.0.1.0:9091/",
    "http://127.0.0.256:9091/",
    "http://127.0.0.08:9091/",
    "http://0x7f.0x0.0x0.0x100:9091/",
    "http://127..1:9091/",
    "http://[::1]:9091/",
    "http://[::]:9092/",
    "http://[::2]:9092/",
    "http://[::ffff:127.0.0.1]:9091/",
    "http://[::ffff:7f00:1]:9091/",
    "http://[0:0:0:0:0:ffff:7f00:1]:9091/",
    "http://[::127.0.0.1]:9091/",
    "http://[64:ff9b::7f00:1]:9091/",
    "http://[64:ff9b:1::7f00:1]:9091/",
    "http://[2002:7f00:1::]:9091/",
    "http://[::ffff:0:127.0.0.1]:9091/",
    "http://[fe80::1%25lo]:9092/",
    "http://[::1%25lo]:9092/",
    "http://[::1%lo]:9092/",
    "http://[::1]x:9092/",
    "http://x[::1]:9092/",
    "http://[[::1]]:9092/",
    "http://[::1:9092/",
    "http://::1:9092/",
    "http://[v1.1]:9092/",
    "http://[127.0.0.1]:9091/",
    "http://[]:9092/",
    // Characters that URL parsers may remove or replace.
    "http://127.0.0.1\\:9091/",
    "http:\\\\127.0.0.1:9091/",
    "https://evil.example\\ok.example/",
    "https://ok.example\\.evil.example/",
    "https://ok.example\t/",
    "https://ok\t.example/",
    "https://ok\n.example/",
    "https://ok\r\n.example/",
    "ht\ttps://ok.example/",
    " https://ok.example/",
    "https:// ok.example/",
    "https://ok.example /",
    "https://ok.example\0/",
    "https://ok.example\u{7f}/",
    "https://ok.example|/",
    "https://ok.example^/",
    "https://<ok.example>/",
    "https://ok.example,evil.example/",
    "https://ok.example\r\nHost: evil.example/",
];

fn network() -> Network {
    let grants = GRANTED.iter().fold(Grants::none(), |grants, origin| grants.and(origin.parse().unwrap()));
    Network::new(grants, None, None, system_resolver()).unwrap()
}

/// The normalized URI of an allowed request; none if it is denied.
fn admitted(network: &Network, method: &Method, uri: &str) -> Option<String> {
    let uri: Uri = uri.parse().ok()?;
    let body = Full::default().map_err(|never| match never {}).boxed_unsync();
    let request = Request::builder().method(method).uri(uri).body(body).unwrap();
    let call = Sent { requests: 1, ..Sent::default() };
    network.admit(request, &call, &Reach::Granted).ok().map(|admitted| admitted.request.uri().to_string())
}

#[tokio::test]
async fn origins_are_allowed_only_in_equivalent_spellings() {
    let network = network();
    for (spelling, uri) in OWN {
        assert_eq!(admitted(&network, &Method::GET, spelling).as_deref(), Some(*uri), "{spelling:?}");
    }
    for spelling in OTHER {
        assert_eq!(admitted(&network, &Method::GET, spelling), None, "{spelling:?}");
    }
    assert!(OWN.len() + OTHER.len() > 150 && OTHER.len() > 100);
}

/// A grant means the origin that it displays, in any spelling.
#[test]
fn a_grant_means_the_origin_that_it_displays() {
    for spelling in OWN.iter().map(|(spelling, _)| spelling).chain(OTHER) {
        let Ok(grant) = OriginGrant::read(spelling) else { continue };
        let shown = grant.origin.to_string();
        assert_eq!(shown.parse(), Ok(grant.origin.clone()), "{spelling:?}");
        let before_path = spelling.split_once("://").map_or("", |(_, behind)| behind).split(['/', '\\']).next();
        assert!(!before_path.unwrap_or_default().contains('@'), "{spelling:?}");
        let uri: Uri = shown.parse().unwrap();
        assert_eq!(Origin::of_uri(&uri), Some(grant.origin), "{spelling:?}");
    }
}

/// All forms of an address need the same grant.
#[test]
fn an_address_has_the_same_kind_in_every_form() {
    for (spellings, kind) in [
        (
            &["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[::1]", "127.255.255.254"][..],
            AddressKind::Loopback,
        ),
        (
            &[
                "169.254.169.254",
                "2852039166",
                "0xa9fea9fe",
                "0251.0376.0251.0376",
                "169.254.43518",
                "[::ffff:169.254.169.254]",
            ],
            AddressKind::Metadata,
        ),
        (&["10.0.0.1", "0xa.1", "012.1", "167772161", "[::ffff:a00:1]"], AddressKind::Private),
    ] {
        for spelling in spellings {
            let origin: Origin = format!("http://{spelling}").parse().unwrap();
            let address = origin.address().unwrap();
            assert_eq!(AddressKind::of(address), Some(kind), "{spelling} is {}", canonical(address));
        }
    }
}

/// Paths, and whether a grant of `/api/v1` allows them.
const PATHS: &[(&str, bool)] = &[
    ("/api/v1", true),
    ("/api/v1/", true),
    ("/api/v1?query=../..", true),
    ("/api/v1/query", true),
    ("/api/v1/a.b/c%20d", true),
    ("/api/v1/a..b", true),
    ("/api/v1/a./b", true),
    ("/api/v1/~x", true),
    ("/api/v1/%41", true),
    ("/api/v1/@job/x", true),
    ("/", false),
    ("/api", false),
    ("/api/", false),
    ("/api/v10", false),
    ("/api/v1.", false),
    ("/api/v1;x", false),
    ("/api/v1%2fquery", false),
    ("/api/v1%00", false),
    ("/API/v1", false),
    ("/api%2fv1/query", false),
    ("/api/%76%31/query", false),
    ("//api/v1", false),
    ("/./api/v1", false),
    ("/x/../api/v1", false),
    ("/api/v1/..", false),
    ("/api/v1/../admin", false),
    ("/api/v1/./admin", false),
    ("/api/v1/%2e%2e/admin", false),
    ("/api/v1/%2E./admin", false),
    ("/api/v1/.%2e/admin", false),
    ("/api/v1/..%2fadmin", false),
    ("/api/v1/%2e%2e%2fadmin", false),
    ("/api/v1/%252e%252e/admin", false),
    ("/api/v1/%25252e/admin", false),
    ("/api/v1/..%5cadmin", false),
    ("/api/v1/x\\..\\admin", false),
    ("/api/v1//admin", false),
    ("/api/v1/..;/admin", false),
    ("/api/v1/x;/../admin", false),
    ("/api/v1/..;x=y/admin", false),
    ("/api/v1/...", false),
    ("/api/v1/.git", false),
    ("/api/v1/%c0%ae%c0%ae/admin", false),
    ("/api/v1/%u002e%u002e/admin", false),
    ("/api/v1/%ef%bc%8e%ef%bc%8e/admin", false),
    ("/api/v1/x%00/../admin", false),
    ("/api/v1/%0d%0aX", false),
    ("/api/v1/x%", false),
    ("*", false),
];

#[tokio::test]
async fn no_spelling_of_a_path_escapes_its_grant() {
    let mut grants = Grants::none();
    grants.origins.insert(OriginGrant::read("http://h.example/api/v1").unwrap());
    let network = Network::new(grants, None, None, system_resolver()).unwrap();
    for (path, is_granted) in PATHS {
        let uri = format!("http://h.example{path}");
        let found = admitted(&network, &Method::GET, &uri);
        assert_eq!(found.is_some(), *is_granted, "{path:?}");
        // It is sent as it was checked.
        assert!(found.is_none_or(|found| found == uri), "{path:?}");
    }
}
