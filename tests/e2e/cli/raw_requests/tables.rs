//! The table, kind by kind; long because it has a row for each way in which a request can be wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{TOKEN, Table, authorization, get, got, post};

fn with_host(host: &[u8]) -> Vec<u8> {
    let rest = format!("\r\n{}\r\n", authorization());
    [b"GET /metrics HTTP/1.1\r\nHost: ", host, rest.as_bytes()].concat()
}

pub(super) fn hosts() -> Table {
    let mut table = Table::new("hosts");
    for own in [
        "localhost",
        "LOCALHOST",
        "LocalHost.",
        "localhost:1",
        "localhost:65535",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.255.255.254",
        "[::1]",
        "[::1]:80",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]:8",
        "127.0.0.1.",
        "plug.example",
        "PLUG.EXAMPLE:443",
        "plug.example.",
        "told.example",
        "told.example:9",
        " localhost",
        "localhost\t",
    ] {
        table.add(format!("own {own:?}"), with_host(own.as_bytes()), "200 S");
    }
    for other in [
        "evil.example",
        "evil.example:80",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1.nip.example",
        "a.plug.example",
        "plugXexample",
        "plug.example..",
        "localhost..",
        "0.0.0.0",
        "0",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "192.0.2.1",
        "10.0.0.1",
        "169.254.169.254",
        "[::]",
        "[::2]",
        "[fe80::1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "xn--localhost-",
        "localhost_",
        "-",
        "*",
        "localhost;evil.example",
        "localhost,evil.example",
    ] {
        // The connection of who asks for another server is closed.
        table.add(format!("other {other:?}"), with_host(other.as_bytes()), "421");
    }
    for wrong in [
        "",
        " ",
        ":80",
        "a@localhost",
        "user:pw@localhost",
        "@localhost",
        "localhost@evil.example",
        "local host",
        "localhost\tx",
        "http://localhost",
        "localhost/",
        "localhost/x",
        "localhost?x",
        "localhost#x",
        "localhost\\x",
        "[::1",
        "::1",
        "[localhost]x",
        "[localhost]",
        "[127.0.0.1]",
        "localhost%00",
        "%6cocalhost",
        "localhost%2eevil.example",
        "localhost:80:80",
        "localhost, localhost",
        "<localhost>",
        "\u{24db}ocalhost",
        "\"localhost\"",
    ] {
        table.add(format!("wrong {wrong:?}"), with_host(wrong.as_bytes()), "400 S");
    }
    let two = |one: &str, two: &str| get("/metrics", &format!("Host: {one}\r\nHost: {two}\r\n{}", authorization()));
    table.add("none", get("/metrics", &authorization()), "400 S");
    table.add("none in 1.0", "GET /metrics HTTP/1.0\r\n\r\n", "400");
    table.add("two that are the same", two("localhost", "localhost"), "400 S");
    table.add("two", two("localhost", "evil.example"), "400 S");
    table.add("two, the other way round", two("evil.example", "localhost"), "400 S");
    table.add(
        "X-Forwarded-Host",
        get("/metrics", &format!("X-Forwarded-Host: localhost\r\n{}", authorization())),
        "400 S",
    );
    let forwarded = "Host: evil.example\r\nX-Forwarded-Host: localhost\r\nForwarded: host=localhost\r\n";
    table.add("forwarded", table.post(&format!("{forwarded}{}", authorization())), "421");
    table.add("post to another", table.post(&format!("Host: evil.example\r\n{}", authorization())), "421");
    table.recording(1, "post", table.posted(""), "200 S");
    table
}

pub(super) fn targets() -> Table {
    let mut table = Table::new("targets");
    let asked = |target: &str, host: &str| get(target, &format!("Host: {host}\r\n{}", authorization()));
    for (target, host, responses) in [
        ("http://localhost/metrics", "localhost", "200 S"),
        ("HTTP://LOCALHOST/metrics", "localhost", "200 S"),
        ("https://localhost/metrics", "localhost", "200 S"),
        ("http://localhost:81/metrics", "localhost:80", "200 S"),
        ("http://plug.example/metrics", "localhost", "200 S"),
        ("http://evil.example/metrics", "localhost", "421"),
        ("http://evil.example/healthz", "localhost", "421"),
        ("http://localhost/metrics", "evil.example", "421"),
        ("http://evil.example/metrics", "evil.example", "421"),
        ("ftp://localhost/metrics", "localhost", "400 S"),
        ("http://localhost.evil.example/metrics", "localhost", "421"),
        ("http://u@localhost/metrics", "localhost", "400 S"),
        ("http://u:p@localhost/metrics", "localhost", "400 S"),
        ("http://localhost@evil.example/metrics", "localhost", "400 S"),
        ("http://evil.example@localhost/metrics", "localhost", "400 S"),
        ("http:///metrics", "localhost", "400"),
        ("http://", "localhost", "400"),
        ("http://[::1/metrics", "localhost", "400"),
        ("://localhost/metrics", "localhost", "400 S"),
        ("//evil.example/metrics", "localhost", "404 S"),
        ("///metrics", "localhost", "404 S"),
        ("localhost/metrics", "localhost", "400"),
        ("metrics", "localhost", "400 S"),
        ("?metrics", "localhost", "400"),
        ("#", "localhost", "400"),
        ("*", "localhost", "404 S"),
        ("/metrics\u{e9}", "localhost", "404 S"),
        ("/metrics HTTP/1.1 x", "localhost", "400"),
        ("/a b", "localhost", "400"),
        ("/a\tb", "localhost", "400"),
        ("/a\u{1}b", "localhost", "400"),
        ("/a\0b", "localhost", "400"),
        ("/a\rb", "localhost", "400"),
        ("/metrics?a=b&c", "localhost", "200 S"),
        ("/metrics?", "localhost", "200 S"),
        ("/metrics#fragment", "localhost", "200 S"),
    ] {
        table.add(format!("{target:?} of {host}"), asked(target, host), responses);
    }
    table.add("absolute without Host", get("http://localhost/metrics", &authorization()), "400 S");
    let options = format!("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n{}\r\n", authorization());
    table.add("OPTIONS *", options, "404 S");
    for target in ["localhost:80", "evil.example:80", "169.254.169.254:80", "/process"] {
        let connect = format!("CONNECT {target} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", authorization());
        let responses = match target {
            "localhost:80" => "404 S",
            "/process" => "405 S",
            _ => "421",
        };
        table.add(format!("CONNECT {target}"), connect, responses);
    }
    table
}

/// What a path without the token may be: only the one that asks for none.
pub(super) fn traversal() -> Table {
    let mut table = Table::new("traversal");
    for path in ["/healthz", "/healthz?", "/healthz?token=x", "/healthz#/metrics"] {
        table.add(format!("{path} needs no token"), get(path, "Host: localhost\r\n"), "200 S");
    }
    for path in [
        "/healthz/",
        "/healthz/../metrics",
        "/healthz/..",
        "/healthz/%2e%2e/metrics",
        "/healthz%2f..%2fmetrics",
        "/healthz..%2fmetrics",
        "/healthz;/../metrics",
        "/healthz;x",
        "/healthz%00",
        "/healthz%20",
        "/healthz.json",
        "/healthz\\..\\metrics",
        "//healthz",
        "/./healthz",
        "/x/../healthz",
        "/metrics/../healthz",
        "/%68ealthz",
        "/HEALTHZ",
        "/healthz%3fx",
        "/healthz%23",
        "/metrics?/healthz",
        "/metrics#/healthz",
        "/metrics;/healthz",
        "/process/healthz",
        "/",
        "/sd",
        "/status",
        "/style.css",
        "/app.js",
        "/health",
        "/favicon.ico",
        "/nothing",
    ] {
        table.add(format!("{path} without the token"), get(path, "Host: localhost\r\n"), "401");
    }
    for path in [
        "/../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..\\..\\etc\\passwd",
        "/%c0%ae%c0%ae/etc",
        "/style.css/../../Cargo.toml",
        "/./metrics",
        "/metrics/",
        "/METRICS",
        "/metrics%00",
        "/%6detrics",
        "/metrics/..",
        "/file:///etc/passwd",
        "/~root",
        "/.git/config",
        "/process/",
        "/process/../process",
        "//process",
    ] {
        table.add(format!("{path} with the token"), got(path), "404 S");
        let to = String::from_utf8(table.posted("")).unwrap().replacen("/process", path, 1);
        table.add(format!("POST {path} with the token"), to, "404 S");
    }
    table
}

pub(super) fn lengths() -> Table {
    let mut table = Table::new("lengths");
    let body = table.record();
    let (length, half) = (body.len(), body.len() / 2);
    let chunked = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    let hidden = String::from_utf8(table.posted("")).unwrap();
    let sized = |lines: &str| table.framed(&lines.replace("LENGTH", &length.to_string()), &body);
    let mut more: Vec<(String, Vec<u8>, &'static str, u64)> = Vec::new();
    for (lines, responses, records) in [
        ("Content-Length: LENGTH\r\n", "200 S", 1),
        ("content-length:LENGTH\r\n", "200 S", 1),
        ("Content-Length: \t LENGTH \t\r\n", "200 S", 1),
        ("Content-Length: 0LENGTH\r\n", "200 S", 1),
        ("Content-Length: LENGTH\r\nContent-Length: LENGTH\r\n", "200 S", 1),
        ("Content-Length: LENGTH\r\nContent-Length: 1\r\n", "400", 0),
        ("Content-Length: 1\r\nContent-Length: LENGTH\r\n", "400", 0),
        ("Content-Length: LENGTH, LENGTH\r\n", "400", 0),
        ("Content-Length: LENGTH, 1\r\n", "400", 0),
        ("Content-Length: +LENGTH\r\n", "400", 0),
        ("Content-Length: -LENGTH\r\n", "400", 0),
        ("Content-Length: -0\r\n", "400", 0),
        ("Content-Length: 0xLENGTH\r\n", "400", 0),
        ("Content-Length: LENGTH.0\r\n", "400", 0),
        ("Content-Length: LENGTHe0\r\n", "400", 0),
        ("Content-Length: 1 LENGTH\r\n", "400", 0),
        ("Content-Length: LENGTH;\r\n", "400", 0),
        ("Content-Length: \"LENGTH\"\r\n", "400", 0),
        ("Content-Length: LENGTH\u{b}\r\n", "400", 0),
        ("Content-Length: \u{661}\u{662}\r\n", "400", 0),
        ("Content-Length: \r\n", "400", 0),
        ("Content-Length: x\r\n", "400", 0),
        ("Content-Length: 18446744073709551615\r\n", "431", 0),
        ("Content-Length: 18446744073709551616\r\n", "400", 0),
        ("Content-Length: 99999999999999999999999999\r\n", "400", 0),
        ("Content-Length : LENGTH\r\n", "400", 0),
        (" Content-Length: LENGTH\r\n", "400", 0),
        ("Content-Length\r\n", "400", 0),
        // Its body is behind what it says that it is: no request.
        ("Content-Length: 0\r\n", "400 400", 0),
        ("Content_Length: LENGTH\r\n", "400 400", 0),
        ("X-Content-Length: LENGTH\r\n", "400 400", 0),
    ] {
        more.push((format!("{lines:?}"), sized(lines), responses, records));
    }
    let framed = |lines: &str| table.framed(&lines.replace("LENGTH", &length.to_string()), &chunked);
    for (lines, responses, records) in [
        ("Transfer-Encoding: chunked\r\n", "200 S", 1),
        ("transfer-encoding: CHUNKED\r\n", "200 S", 1),
        ("Transfer-Encoding:\tchunked \r\n", "200 S", 1),
        // By the chunks, and the connection is closed: another server on the way may have gone by
        // the length.
        ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "200", 1),
        ("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "200", 1),
        ("Transfer-Encoding: chunked\r\nContent-Length: LENGTH\r\n", "200", 1),
        ("Transfer-Encoding: chunked\r\nContent-Length: x\r\n", "200", 1),
        ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", "200", 1),
        ("Content-Length: x\r\nTransfer-Encoding: chunked\r\n", "400", 0),
        ("Transfer-Encoding: identity\r\n", "400", 0),
        ("Transfer-Encoding: \r\n", "400", 0),
        ("Transfer-Encoding: gzip\r\n", "400", 0),
        ("Transfer-Encoding: chunked, gzip\r\n", "400", 0),
        ("Transfer-Encoding: chunked, identity\r\n", "400", 0),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "400", 0),
        ("Transfer-Encoding: xchunked\r\n", "400", 0),
        ("Transfer-Encoding: chunkedx\r\n", "400", 0),
        ("Transfer-Encoding: chunked;q=1\r\n", "400", 0),
        ("Transfer-Encoding: \"chunked\"\r\n", "400", 0),
        ("Transfer-Encoding: chunked\u{b}\r\n", "400", 0),
        ("Transfer-Encoding: chunked\0\r\n", "400", 0),
        ("Transfer-Encoding : chunked\r\n", "400", 0),
        ("Transfer-Encoding\r\n : chunked\r\n", "400", 0),
        ("Transfer-Encoding:\r\n chunked\r\n", "400", 0),
        ("X: y\rTransfer-Encoding: chunked\r\n", "400", 0),
        // No header that says anything: no body, and behind it no request.
        ("Transfer_Encoding: chunked\r\n", "400 400", 0),
        ("X-Transfer-Encoding: chunked\r\n", "400 400", 0),
        ("TE: chunked\r\n", "400 400", 0),
    ] {
        more.push((format!("chunked {lines:?}"), framed(lines), responses, records));
    }
    let old = |lines: &str, body: &str| {
        let text = format!("POST /process HTTP/1.0\r\nHost: localhost\r\n{}{lines}\r\n{body}", authorization());
        text.into_bytes()
    };
    more.push(("1.0".into(), old(&format!("Content-Length: {length}\r\n"), &body), "200", 1));
    more.push(("1.0 chunked".into(), old("Transfer-Encoding: chunked\r\n", &chunked), "400", 0));
    more.push(("1.0 without a length".into(), old("", &body), "400", 0));
    // The rest of a body is no request, nor is a request within a body.
    more.push(("half".into(), table.framed(&format!("Content-Length: {half}\r\n"), &body), "400 400", 0));
    let within = format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{}", authorization());
    let get_with = format!("{within}Content-Length: {}\r\n\r\n{hidden}", hidden.len());
    more.push(("a request in the body of a GET".into(), get_with.into(), "200 S", 0));
    let get_chunked = format!("{within}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
    more.push(("a request in the chunks of a GET".into(), get_chunked.into(), "200 S", 0));
    let refused =
        format!("POST /process HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{hidden}", hidden.len());
    more.push(("a request in the body of one without the token".into(), refused.into(), "401", 0));
    let smuggled = format!("0\r\n\r\n{hidden}");
    let lines = format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", smuggled.len());
    more.push(("a request behind the chunks, within the length".into(), table.framed(&lines, smuggled), "400", 0));
    for (name, bytes, responses, records) in more {
        table.recording(records, name, bytes, responses);
    }
    table
}

pub(super) fn chunks() -> Table {
    let mut table = Table::new("chunks");
    let body = table.record();
    let size = format!("{:x}", body.len());
    let sent = |text: &str| {
        let text = text.replace("SIZE", &size).replace("BODY", &body);
        table.framed("Transfer-Encoding: chunked\r\n", text)
    };
    let whole = "\r\nBODY\r\n0\r\n\r\n";
    let mut cases = Vec::new();
    for (start, responses, records) in [
        ("SIZE", "200 S", 1),
        ("0000SIZE", "200 S", 1),
        ("SIZE;name=value", "200 S", 1),
        ("SIZE;name=\"a;b\"", "200 S", 1),
        ("SIZE ;name", "200 S", 1),
        ("SIZE ", "200 S", 1),
        ("SIZE\t", "200 S", 1),
        ("00000000000000000000SIZE", "200 S", 1),
        ("0xSIZE", "400", 0),
        ("-SIZE", "400", 0),
        ("+SIZE", "400", 0),
        (" SIZE", "400", 0),
        ("SIZE SIZE", "400", 0),
        ("SIZE,", "400", 0),
        ("SIZEg", "400", 0),
        ("g", "400", 0),
        ("", "400", 0),
        (";name", "400", 0),
        ("SIZE;a\nb", "400", 0),
        ("SIZE\0", "400", 0),
        ("SIZE\r", "400", 0),
        ("fffffffffffffffff", "400", 0),
        ("10000000000000000", "400", 0),
        ("1", "400", 0),
    ] {
        cases.push((format!("{start:?}"), format!("{start}{whole}"), responses, records));
    }
    for (text, responses, records) in [
        // In two, and with headers at the end, which count for nothing.
        ("1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", "400 S", 0),
        ("SIZE\r\nBODY\r\n0\r\nX: y\r\n\r\n", "200 S", 1),
        ("SIZE\r\nBODY\r\n0\r\nContent-Length: 4\r\nTransfer-Encoding: identity\r\n\r\n", "200 S", 1),
        ("SIZE\r\nBODY\r\n00000\r\n\r\n", "200 S", 1),
        ("SIZE\r\nBODY\r\n0;last\r\n\r\n", "200 S", 1),
        ("0\r\n\r\n", "400 S", 0),
        ("SIZE\nBODY\r\n0\r\n\r\n", "400", 0),
        ("SIZE\r\nBODY\n0\r\n\r\n", "400", 0),
        ("SIZE\r\nBODY0\r\n\r\n", "400", 0),
        ("SIZE\r\nBODYx\r\n0\r\n\r\n", "400", 0),
        ("SIZE\r\nBODY\r\nx\r\n\r\n", "400", 0),
        ("SIZE\r\nBODY\r\n\r\n0\r\n\r\n", "400", 0),
    ] {
        cases.push((format!("{text:?}"), text.to_owned(), responses, records));
    }
    let long = "x".repeat(70_000);
    cases.push(("a long extension".into(), format!("SIZE;{long}{whole}"), "400", 0));
    cases.push((
        "many long extensions".into(),
        format!("1;{}\r\n \r\n", "x".repeat(900)).repeat(40) + "SIZE" + whole,
        "400",
        0,
    ));
    cases.push(("a long header at the end".into(), format!("SIZE\r\nBODY\r\n0\r\nX: {long}\r\n\r\n"), "400", 0));
    cases.push((
        "many headers at the end".into(),
        format!("SIZE\r\nBODY\r\n0\r\n{}\r\n", "X: y\r\n".repeat(2_000)),
        "400",
        0,
    ));
    cases.push((
        "one byte each".into(),
        body.chars().map(|char| format!("1\r\n{char}\r\n")).collect::<String>() + "0\r\n\r\n",
        "200 S",
        1,
    ));
    let cases: Vec<_> =
        cases.into_iter().map(|(name, text, responses, records)| (name, sent(&text), responses, records)).collect();
    for (name, bytes, responses, records) in cases {
        table.recording(records, name, bytes, responses);
    }
    table
}

pub(super) fn headers() -> Table {
    let mut table = Table::new("headers");
    let with = |line: &[u8]| {
        let body = table.record();
        let head = format!(
            "POST /process HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n",
            authorization(),
            body.len()
        );
        [head.as_bytes(), line, b"\r\n\r\n", body.as_bytes()].concat()
    };
    let mut cases: Vec<(String, Vec<u8>, &'static str, u64)> = Vec::new();
    for line in [
        &b"X: y\r\n folded"[..],
        b"X: y\r\n\tfolded",
        b"X:\r\n folded",
        b"X: y\r\n ",
        b"X: y\r\n X: z",
        b" X: y",
        b"\tX: y",
        b"X",
        b"X Y",
        b": y",
        b"X : y",
        b"X\t: y",
        b"X\r: y",
        b"X: y\rY: z",
        b"\rX: y",
        b"X: y\r\r",
        b"X: \0",
        b"X: y\0z",
        b"X\0: y",
        b"\0: y",
        b"X: \x01",
        b"X: \x08",
        b"X: \x0b",
        b"X: \x1b[2J",
        b"X: \x7f",
        b"X\x7f: y",
        b"X\x80: y",
        b"\xc3\xa9: y",
        b"\xef\xbb\xbfX: y",
        b"X(: y",
        b"X): y",
        b"X,: y",
        b"X/: y",
        b"X;: y",
        b"X<: y",
        b"X=: y",
        b"X>: y",
        b"X?: y",
        b"X@: y",
        b"X[: y",
        b"X\\: y",
        b"X]: y",
        b"X{: y",
        b"X}: y",
        b"X\": y",
        b"GET / HTTP/1.1",
    ] {
        cases.push((format!("{:?}", String::from_utf8_lossy(line)), with(line), "400", 0));
    }
    for line in [
        &b"X:"[..],
        b"X:y",
        b"X: \t y \t",
        b"X: \x80\xff",
        b"X: \xc3\xa9",
        b"X: a\tb",
        b"!#$%&'*+-.^_`|~: y",
        b"X: y: z",
        b"x: y\r\nX: z",
        b"X: y\nY: z",
        b"Expect: nonsense",
        b"Upgrade: websocket\r\nConnection: upgrade",
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        b"X-HTTP-Method-Override: DELETE",
        b"X-Original-URL: /healthz",
        b"X-Rewrite-URL: /nothing",
        b"Range: bytes=0-1",
        b"Accept: */*, text/html;q=9, \x80",
        b"Accept-Encoding: gzip, br",
        b"Cookie: a=b",
        b"Max-Forwards: 0",
        b"Via: 1.1 a, 1.1 b",
    ] {
        cases.push((format!("{:?}", String::from_utf8_lossy(line)), with(line), "200 S", 1));
    }
    cases.push(("Expect".into(), with(b"Expect: 100-continue"), "100 200 S", 1));
    cases.push(("Connection: close".into(), with(b"Connection: close"), "200", 1));
    cases.push((
        "Connection: keep-alive, close".into(),
        with(b"Connection: keep-alive\r\nConnection: close"),
        "200",
        1,
    ));
    let many = |count: usize| format!("{}X: y", "X: y\r\n".repeat(count - 1));
    // With the three others 100 in all.
    cases.push(("100 headers".into(), with(many(97).as_bytes()), "200 S", 1));
    cases.push(("101 headers".into(), with(many(98).as_bytes()), "431", 0));
    cases.push(("5,000 headers".into(), with(many(5_000).as_bytes()), "431", 0));
    let long = |length: usize| format!("X: {}", "x".repeat(length));
    cases.push(("a value of 30 KiB".into(), with(long(30 * 1024).as_bytes()), "200 S", 1));
    cases.push(("a value of 33 KiB".into(), with(long(33 * 1024).as_bytes()), "431", 0));
    cases.push(("a value of 1 MiB".into(), with(long(1024 * 1024).as_bytes()), "431", 0));
    cases.push(("a name of 33 KiB".into(), with(format!("{}: y", "x".repeat(33 * 1024)).as_bytes()), "431", 0));
    cases.push(("a name of 70,000 bytes".into(), with(format!("{}: y", "x".repeat(70_000)).as_bytes()), "431", 0));
    cases.push(("a target of 30 KiB".into(), got(&format!("/metrics?{}", "x".repeat(30 * 1024))), "200 S", 0));
    cases.push(("a target of 33 KiB".into(), got(&format!("/{}", "x".repeat(33 * 1024))), "431", 0));
    cases.push(("a target of 70,000 bytes".into(), got(&format!("/{}", "x".repeat(70_000))), "431", 0));
    cases.push(("a host of 30 KiB".into(), with_host("x".repeat(30 * 1024).as_bytes()), "421", 0));
    for (name, bytes, responses, records) in cases {
        table.recording(records, name, bytes, responses);
    }
    table
}

pub(super) fn lines() -> Table {
    let mut table = Table::new("lines");
    let rest = format!("\r\nHost: localhost\r\n{}\r\n", authorization());
    for (line, responses) in [
        ("GET /metrics HTTP/1.1", "200 S"),
        ("\r\nGET /metrics HTTP/1.1", "200 S"),
        ("\n\nGET /metrics HTTP/1.1", "200 S"),
        ("GET /metrics HTTP/1.0", "200"),
        ("GET /metrics HTTP/1.2", "400"),
        ("GET /metrics HTTP/0.9", "400"),
        ("GET /metrics HTTP/2.0", "400"),
        ("GET /metrics HTTP/2", "400"),
        ("GET /metrics HTTP/11", "400"),
        ("GET /metrics HTTP/1,1", "400"),
        ("GET /metrics HTTP/1.1x", "400"),
        ("GET /metrics HTTP/1.10", "400"),
        ("GET /metrics http/1.1", "400"),
        ("GET /metrics HTTPS/1.1", "400"),
        ("GET /metrics ICY/1.1", "400"),
        ("GET /metrics", "400"),
        ("GET", "400"),
        ("GET  /metrics HTTP/1.1", "400"),
        ("GET /metrics  HTTP/1.1", "400"),
        ("GET\t/metrics\tHTTP/1.1", "400"),
        (" GET /metrics HTTP/1.1", "400"),
        ("GET /metrics HTTP/1.1\r", "400"),
        ("G\0T /metrics HTTP/1.1", "400"),
        ("G\u{e9}T /metrics HTTP/1.1", "400"),
        ("GET@ /metrics HTTP/1.1", "400"),
        ("\u{feff}GET /metrics HTTP/1.1", "400"),
        ("HTTP/1.1 200 OK", "400"),
    ] {
        table.add(format!("{line:?}"), format!("{line}{rest}"), responses);
    }
    table.add("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "");
    table.add("TLS", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03".to_vec(), "400");
    table.add("SSH", "SSH-2.0-x\r\n", "400");
    table.add("SMTP", "EHLO localhost\r\n", "400");
    table.add(
        "PROXY protocol",
        "PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "400",
    );
    table.add("zeros", vec![0; 200], "400");
    table.add("bytes above ASCII", vec![0xff; 200], "400");
    table.add("a body and nothing else", table.record(), "400");
    table
}

pub(super) fn methods() -> Table {
    let mut table = Table::new("methods");
    let body = table.record();
    let sent = |method: &str, path: &str| {
        let length = body.len();
        let own = authorization();
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{own}Content-Length: {length}\r\n\r\n{body}")
    };
    for method in [
        "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "post", "Post", "POSTS", "X", "M-SEARCH",
        "HEAD", "GET",
    ] {
        table.add(format!("{method} /process"), sent(method, "/process"), "405 S");
        let reads = matches!(method, "GET" | "HEAD");
        table.add(format!("{method} /metrics"), sent(method, "/metrics"), if reads { "200 S" } else { "405 S" });
        table.add(format!("{method} /healthz"), sent(method, "/healthz"), if reads { "200 S" } else { "405 S" });
    }
    table.add("POST /metrics", sent("POST", "/metrics"), "405 S");
    table.add("POST /health", sent("POST", "/health"), "303 S");
    table.add("GET /health", sent("GET", "/health"), "405 S");
    let long = "X".repeat(1_000);
    table.add("a long method", sent(&long, "/process"), "405 S");
    table
}

pub(super) fn tokens() -> Table {
    let mut table = Table::new("tokens");
    let basic = |pair: &str| format!("Authorization: Basic {}", STANDARD.encode(pair));
    let (upper, short) = (TOKEN.to_ascii_uppercase(), &TOKEN[..TOKEN.len() - 1]);
    for right in [
        format!("Authorization: Bearer {TOKEN}"),
        format!("authorization: bearer {TOKEN}"),
        format!("AUTHORIZATION: BEARER {TOKEN}"),
        format!("Authorization: Bearer   {TOKEN}"),
        format!("Authorization:Bearer {TOKEN} \t"),
        format!("Authorization: Bearer \t{TOKEN}"),
        basic(&format!(":{TOKEN}")),
        basic(&format!("anybody:{TOKEN}")),
        basic(&format!("anybody:{TOKEN}")).replace("Basic", "bASIC"),
        format!("Cookie: token=x\r\nAuthorization: Bearer {TOKEN}"),
    ] {
        table.recording(1, format!("right {right:?}"), table.post(&format!("Host: localhost\r\n{right}\r\n")), "200 S");
    }
    for wrong in [
        "X: y".to_owned(),
        "Authorization:".into(),
        "Authorization: Bearer".into(),
        "Authorization: Bearer ".into(),
        format!("Authorization: {TOKEN}"),
        format!("Authorization: Bearer{TOKEN}"),
        format!("Authorization: Bearer\t{TOKEN}"),
        format!("Authorization: Bearer:{TOKEN}"),
        format!("Authorization: Bearer={TOKEN}"),
        format!("Authorization: Bearer \"{TOKEN}\""),
        format!("Authorization: Bearer <{TOKEN}>"),
        format!("Authorization: Bearer {upper}"),
        format!("Authorization: Bearer {short}"),
        format!("Authorization: Bearer {TOKEN}0"),
        format!("Authorization: Bearer 0{TOKEN}"),
        format!("Authorization: Bearer {TOKEN},"),
        format!("Authorization: Bearer {TOKEN}, Bearer {TOKEN}"),
        format!("Authorization: Bearer {TOKEN} {TOKEN}"),
        format!("Authorization: Bearer token={TOKEN}"),
        format!("Authorization: Bearer x {TOKEN}"),
        format!("Authorization: Bearer {TOKEN};"),
        format!("Authorization: Bearer {}", STANDARD.encode(TOKEN)),
        format!("Authorization: Bearer {}", TOKEN.replace('-', "%2d")),
        format!("Authorization: Bearer \u{feff}{TOKEN}"),
        format!("Authorization: Bearer \u{a0}{TOKEN}"),
        "Authorization: Bearer *".into(),
        "Authorization: Bearer undefined".into(),
        "Authorization: Bearer \u{ff50}".into(),
        format!("Authorization: Token {TOKEN}"),
        format!("Authorization: Digest {TOKEN}"),
        format!("Authorization: Negotiate {TOKEN}"),
        format!("Authorization: Basic {TOKEN}"),
        basic(TOKEN),
        basic(&format!("{TOKEN}:")),
        basic(&format!("a:{TOKEN}:")),
        basic(&format!("a:b:{TOKEN}")),
        basic(&format!("a:{upper}")),
        basic(&format!("a:{TOKEN}\n")),
        basic(&format!("a:{TOKEN}\0")),
        basic(""),
        basic(":"),
        basic("a:"),
        "Authorization: Basic".into(),
        "Authorization: Basic !!!".into(),
        format!("{}x", basic(&format!("a:{TOKEN}"))),
        basic(&format!("a:{TOKEN}")).replace('=', ""),
        format!("Authorization: Bearer {TOKEN}\r\nAuthorization: Bearer {TOKEN}"),
        format!("Authorization: Bearer x\r\nAuthorization: Bearer {TOKEN}"),
        format!("Authorization: Bearer {TOKEN}\r\nAuthorization: Bearer x"),
        format!("Proxy-Authorization: Bearer {TOKEN}"),
        format!("X-Authorization: Bearer {TOKEN}"),
        format!("X-Api-Key: {TOKEN}"),
        format!("Cookie: token={TOKEN}"),
        format!("WWW-Authenticate: Bearer {TOKEN}"),
        format!("X: Authorization: Bearer {TOKEN}"),
        format!("Sec-WebSocket-Protocol: {TOKEN}"),
        "X-Forwarded-For: 127.0.0.1".into(),
        "X-Forwarded-User: root".into(),
        "X-Remote-User: root".into(),
        "X-WEBAUTH-USER: admin".into(),
    ] {
        table.add(format!("wrong {wrong:?}"), table.post(&format!("Host: localhost\r\n{wrong}\r\n")), "401");
    }
    for wrong in [
        format!("Authorization : Bearer {TOKEN}"),
        format!("Authorization\0: Bearer {TOKEN}"),
        format!("Authorization: Bearer {TOKEN}\0"),
        format!("Authorization: Bearer\r\n {TOKEN}"),
        format!("X: y\r\n Authorization: Bearer {TOKEN}"),
        format!(" Authorization: Bearer {TOKEN}"),
    ] {
        table.add(format!("no header {wrong:?}"), table.post(&format!("Host: localhost\r\n{wrong}\r\n")), "400");
    }
    let record = table.record();
    for query in ["token", "access_token", "authorization", "api_key", "bearer"] {
        let target = format!("/process?{query}={TOKEN}");
        let length = record.len();
        let text = format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{record}");
        table.add(format!("in the query as {query}"), text, "401");
    }
    table.add("in the path", get(&format!("/metrics/{TOKEN}"), "Host: localhost\r\n"), "401");
    table.add(
        "as the user of the target",
        get(&format!("http://x:{TOKEN}@localhost/metrics"), "Host: localhost\r\n"),
        "400 S",
    );
    let trailer = format!("{:x}\r\n{record}\r\n0\r\nAuthorization: Bearer {TOKEN}\r\n\r\n", record.len());
    let head = "POST /process HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    table.add("behind the chunks", format!("{head}{trailer}"), "401");
    table.add("in the body", post("Host: localhost\r\n", format!("access_token={TOKEN}&{record}")), "401");
    table
}

pub(super) fn origins() -> Table {
    let mut table = Table::new("origins");
    for line in [
        "Origin: http://evil.example",
        "Origin: null",
        "Origin:",
        "Origin: *",
        "Origin: localhost",
        "Origin: http://localhost:81",
        "Origin: http://localhost.evil.example",
        "Origin: http://evil.example http://localhost",
        "Origin: http://localhost, http://localhost",
        "Origin: http://u@localhost",
        "Origin: http://localhost/",
        "Origin: ftp://localhost",
        "Origin: file://",
        "Origin: http://127.0.0.1",
        "Origin: http://localhost\r\nOrigin: http://evil.example",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site:",
        "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site",
        "Origin: http://localhost\r\nSec-Fetch-Site: cross-site",
        "Origin: \u{e9}",
    ] {
        table.add(format!("{line:?}"), table.posted(&format!("{line}\r\n")), "403 S");
    }
    for line in [
        "Origin: http://localhost",
        "Origin: https://LOCALHOST",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Site: none",
        "Origin: http://localhost\r\nSec-Fetch-Site: same-origin",
        "Referer: http://evil.example/",
    ] {
        table.recording(1, format!("{line:?}"), table.posted(&format!("{line}\r\n")), "200 S");
    }
    table
}

pub(super) fn encodings() -> Table {
    let mut table = Table::new("encodings");
    for line in [
        "Content-Type: application/json",
        "Content-Type: APPLICATION/JSON ; charset=utf-8",
        "Content-Type: application/json;charset=utf-16",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Encoding: identity",
        "Content-Encoding: IDENTITY",
        "Content-Language: en",
    ] {
        table.recording(1, format!("{line:?}"), table.posted(&format!("{line}\r\n")), "200 S");
    }
    for line in [
        "Content-Type: text/plain",
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Type:",
        "Content-Type: application/jsonx",
        "Content-Type: application/ld+json",
        "Content-Type: text/json",
        "Content-Type: json",
        "Content-Type: application/json, text/plain",
        "Content-Type: application/json\r\nContent-Type: application/json",
        "Content-Type: application/json\r\nContent-Type: text/plain",
        "Content-Type: text/html; application/json",
        "Content-Type: \"application/json\"",
        "Content-Encoding: gzip",
        "Content-Encoding: x-gzip",
        "Content-Encoding: deflate",
        "Content-Encoding: br",
        "Content-Encoding: zstd",
        "Content-Encoding: identity, gzip",
        "Content-Encoding: gzip\r\nContent-Encoding: identity",
        "Content-Encoding: identity\r\nContent-Encoding: gzip",
        "Content-Encoding: aes128gcm",
    ] {
        table.add(format!("{line:?}"), table.posted(&format!("{line}\r\n")), "415 S");
    }
    let record = table.record();
    let utf16: Vec<u8> = record.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let own = format!("Host: localhost\r\n{}", authorization());
    for (name, body) in [
        ("UTF-16", utf16),
        ("a byte order mark", format!("\u{feff}{record}").into_bytes()),
        (
            "no UTF-8",
            record
                .replace("record_counter", "record_\u{fffd}")
                .into_bytes()
                .iter()
                .map(|byte| if *byte > 127 { 0xff } else { *byte })
                .collect(),
        ),
        ("an overlong slash", [record.as_bytes(), b"\xc0\xaf"].concat()),
        ("gzip", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("a form", format!("ctx={record}").into_bytes()),
        (
            "a part of a form",
            format!("--x\r\nContent-Disposition: form-data; name=\"ctx\"\r\n\r\n{record}\r\n--x--\r\n").into_bytes(),
        ),
        ("YAML", b"ctx: {operation: record_counter}".to_vec()),
        ("XML", b"<ctx/>".to_vec()),
    ] {
        table.add(name, post(&own, body), "400 S");
    }
    table
}

pub(super) fn nesting() -> Table {
    let mut table = Table::new("nesting");
    let own = format!("Host: localhost\r\n{}", authorization());
    let record = table.record();
    let with = |member: &str| record.replacen("{\"ctx\": {", &format!("{{\"ctx\": {{{member}, "), 1);
    let mut cases: Vec<(String, String, &'static str, u64)> = Vec::new();
    for (open, close, inner) in [("[", "]", ""), ("{\"a\":", "}", "1")] {
        for levels in [128, 1_000, 100_000, 400_000] {
            let nested = format!("{}{inner}{}", open.repeat(levels), close.repeat(levels));
            cases.push((format!("{levels} of {open}"), nested.clone(), "400 S", 0));
            // What is in ctx is for the plug to judge, which ignores a field that it does not know.
            cases.push((format!("{levels} of {open} in ctx"), with(&format!("\"deep\": {nested}")), "200 S", 1));
            cases.push((format!("{levels} of {open} never closed"), open.repeat(levels), "400 S", 0));
        }
        let nested = format!("{}{inner}{}", open.repeat(100), close.repeat(100));
        cases.push((format!("100 of {open} in ctx"), with(&format!("\"deep\": {nested}")), "200 S", 1));
    }
    for body in [
        "",
        " ",
        "null",
        "true",
        "1",
        "\"ctx\"",
        "[]",
        "{}",
        "{\"cfg\": {}}",
        "{\"CTX\": {}}",
        "{\"ctx\"}",
        "{\"ctx\": }",
        "{\"ctx\": {},}",
        "{ctx: {}}",
        "{'ctx': {}}",
        "{\"ctx\": {}} {}",
        "{\"ctx\": {}}\0",
        "{\"ctx\": {\"a\": NaN}}",
        "{\"ctx\": {\"a\": Infinity}}",
        "{\"ctx\": {\"a\": 01}}",
        "{\"ctx\": {\"a\": \"\\x41\"}}",
        "{\"ctx\": {\"a\": \"\n\"}}",
        "{\"ctx\": {}} // x",
        "/**/{\"ctx\": {}}",
        "{\"ctx\": {\"a\": \"",
        "{\"ctx\": {\"a\": tru",
        "{\"ctx\": [}",
        "\u{2028}",
    ] {
        cases.push((format!("{body:?}"), body.to_owned(), "400 S", 0));
    }
    // JSON, and no call: the plug says so.
    for body in [
        "{\"ctx\": null}",
        "{\"ctx\": 1}",
        "{\"ctx\": \"record_counter\"}",
        "{\"ctx\": []}",
        "{\"ctx\": {}}",
        "{\"ctx\": {}, \"cfg\": []}",
        "{\"ctx\": {\"a\": 1e999}}",
        "{\"ctx\": {\"a\": \"\\ud800\"}}",
    ] {
        cases.push((format!("{body:?}"), body.to_owned(), "200 S", 0));
    }
    cases.push(("spaces around".into(), format!(" \r\n\t{record}\n\n"), "200 S", 1));
    cases.push(("a large number".into(), with(&format!("\"n\": {}", "9".repeat(5_000))), "200 S", 1));
    cases.push(("many members".into(), with(&vec!["\"a\": 1"; 20_000].join(", ")), "200 S", 1));
    for (name, body, responses, records) in cases {
        table.recording(records, name, post(&own, body), responses);
    }
    table.add("5 MiB", post(&own, " ".repeat(5 << 20)), "413 S");
    let chunk = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
    table.add(
        "5 MiB in chunks",
        table.framed("Transfer-Encoding: chunked\r\n", chunk.repeat(5) + "0\r\n\r\n"),
        "413 S",
    );
    table
}

pub(super) fn pipelines() -> Table {
    let mut table = Table::new("pipelines");
    let (one, own) = (table.posted(""), format!("Host: localhost\r\n{}", authorization()));
    let wrong = |text: &str| text.as_bytes().to_vec();
    let chain = |parts: &[&[u8]]| parts.concat();
    let (nothing, health) = (got("/nothing"), get("/healthz", "Host: localhost\r\n"));
    let unknown = get("/metrics", "Host: evil.example\r\n");
    let without = table.post("Host: localhost\r\n");
    let closing = table.posted("Connection: close\r\n");
    let head = wrong(&format!("HEAD /metrics HTTP/1.1\r\n{own}\r\n"));
    let chunked = table.framed(
        "Transfer-Encoding: chunked\r\n",
        format!("{:x}\r\n{}\r\n0\r\n\r\n", table.record().len(), table.record()),
    );
    let both = table.framed(
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        format!("{:x}\r\n{}\r\n0\r\n\r\n", table.record().len(), table.record()),
    );
    let continuing = table.posted("Expect: 100-continue\r\n");
    let bad = post(&own, "no JSON");
    let garbage = wrong("garbage\r\n\r\n");
    for (name, bytes, responses, records) in [
        ("two", chain(&[&one, &one]), "200 200 S", 2),
        ("ten", one.repeat(10), "200 200 200 200 200 200 200 200 200 200 S", 10),
        ("health first", chain(&[&health, &one]), "200 200 S", 1),
        ("not found first", chain(&[&nothing, &one]), "404 200 S", 1),
        ("HEAD first", chain(&[&head, &one]), "200 200 S", 1),
        ("no JSON first", chain(&[&bad, &one]), "400 200 S", 1),
        ("chunked first", chain(&[&chunked, &one, &chunked]), "200 200 200 S", 3),
        ("100 first", chain(&[&continuing, &one]), "100 200 200 S", 2),
        ("line breaks between", chain(&[&one, b"\r\n\r\n", &one]), "200 200 S", 2),
        // What follows these is not answered, and not done.
        ("without the token first", chain(&[&without, &one]), "401", 0),
        ("without the token in the middle", chain(&[&one, &without, &one]), "200 401", 1),
        ("another name first", chain(&[&unknown, &one]), "421", 0),
        ("another name in the middle", chain(&[&one, &unknown, &one]), "200 421", 1),
        ("closing first", chain(&[&closing, &one]), "200", 1),
        ("length and chunks first", chain(&[&both, &one]), "200", 1),
        ("garbage first", chain(&[&garbage, &one]), "400", 0),
        ("garbage in the middle", chain(&[&one, &garbage, &one]), "200 400", 1),
        ("zeros in the middle", chain(&[&one, &[0; 10], &one]), "200 400", 1),
    ] {
        table.recording(records, name, bytes, responses);
    }
    table
}

/// Requests that never end: each with how much of it comes.
pub(super) fn unfinished() -> Table {
    let mut table = Table::new("unfinished");
    let own = format!("Host: localhost\r\n{}", authorization());
    for text in [
        "",
        "G",
        "GET",
        "GET /metrics",
        "GET /metrics HTTP/1.1\r\n",
        "GET /metrics HTTP/1.1\r\nHost: local",
        "\r\n\r\n\r\n",
    ] {
        table.add(format!("{text:?}"), text, "");
    }
    table.add("no end of the headers", format!("GET /metrics HTTP/1.1\r\n{own}"), "");
    table.add("no body", table.framed("Content-Length: 10\r\n", ""), "408");
    table.add("half a body", table.framed("Content-Length: 1000\r\n", table.record()), "408");
    table.add("no chunk", table.framed("Transfer-Encoding: chunked\r\n", ""), "408");
    table.add("half a size", table.framed("Transfer-Encoding: chunked\r\n", "1"), "408");
    table.add("half a chunk", table.framed("Transfer-Encoding: chunked\r\n", "ff\r\n{"), "408");
    table.add("a chunk that does not end", table.framed("Transfer-Encoding: chunked\r\n", "1\r\n{"), "408");
    let chunk = format!("{:x}\r\n{}\r\n", table.record().len(), table.record());
    table.add("no last chunk", table.framed("Transfer-Encoding: chunked\r\n", chunk.clone()), "408");
    table.add("no end of the last chunk", table.framed("Transfer-Encoding: chunked\r\n", chunk + "0\r\n"), "408");
    table.add("no body and no token", "POST /process HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n", "401");
    table.add(
        "no body that it waits for",
        table.framed("Content-Length: 10\r\nExpect: 100-continue\r\n", ""),
        "100 408",
    );
    table.add("a length that never comes", table.framed("Content-Length: 9223372036854775807\r\n", "{"), "408");
    table.add(
        "a chunk that never comes",
        table.framed("Transfer-Encoding: chunked\r\n", "7fffffffffffffff\r\n{"),
        "408",
    );
    table.add("a request and a half", [&table.post(&own)[..], b"GET /"].concat(), "200");
    table.cases.last_mut().unwrap().records = 1;
    table
}
