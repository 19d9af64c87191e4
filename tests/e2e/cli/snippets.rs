//! The Rust of the documents, run. A block of README.md or docs/ is a part of this file, line by
//! line: xtask/tests/repository/documents.rs compares. So who changes one changes the other.

/// "From Rust" of the README.
mod host {
    use serde_json::json;

    use crate::support::{body, pushgateway, without_servers};

    #[tokio::test]
    async fn a_plug_is_started_and_called() {
        if without_servers("a_plug_is_started_and_called") {
            return;
        }
        let gateway = pushgateway(None).await;
        let answer = body(&called(&gateway.url).await.unwrap());
        assert_eq!((&answer["success"], &answer["result"]["metric_pushed"]), (&json!(true), &json!(true)), "{answer}");
    }

    #[rustfmt::skip]
    async fn called(gateway: &str) -> Result<plugpipe_harness::Answer, plugpipe_harness::Error> {
        use plugpipe_harness::{Grants, Limits, embedded};
        use serde_json::json;

        let config = json!({"prometheus_config": {"gateway_url": gateway}});
        let plug = embedded()?;                       // compiled once, then from a cache on disk
        let grants = Grants::named_by(&config, &plug.describe().await?.servers);
        let handle = plug.start(&config, grants, Limits::default()).await?;
        let ctx = json!({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 1});
        let answer = handle.process(ctx.to_string(), "").await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn a_series_is_made_once_and_updated_by_number() {
        let text = typed().await.unwrap();
        assert!(String::from_utf8(text).unwrap().contains("\njobs_total 4\n"));
    }

    async fn typed() -> Result<Vec<u8>, plugpipe_harness::Error> {
        use plugpipe_harness::{Grants, Limits, embedded};
        let (plug, config) = (embedded()?, json!({}));
        use plugpipe_harness::session::{Format, MetricKind};

        let mut session = plug.session(&config, Grants::none(), Limits::default()).await?;
        let jobs = session.record("jobs_total", MetricKind::Counter, &[], 1.0).await?;
        session.record_many(&[jobs, jobs], &[1.0, 2.0]).await?;
        let text = session.encode(Format::Text).await?;
        Ok(text)
    }
}

/// "A format" of docs/extending.md.
mod format {
    use monitoring_prometheus::registry::{Definition, Kind, LabelName, MetricName, Registry};

    mod graphite {
        //! Graphite's plain text: a line for each counter and gauge, labels as tags.

        use std::io::Write as _;

        use monitoring_prometheus::model::{Family, Point};

        /// Appends a line for each series that is a single number, with the timestamp `now_ms`.
        pub fn encode(families: &[Family], now_ms: u64, out: &mut Vec<u8>) {
            for family in families {
                for series in &family.series {
                    let (Point::Counter { total: value, .. } | Point::Gauge(value)) = series.point else { continue };
                    write_word(family.name, out);
                    for (name, text) in &series.labels {
                        out.push(b';');
                        write_word(name, out);
                        out.push(b'=');
                        write_word(text, out);
                    }
                    // Writing to memory cannot fail.
                    let _ = writeln!(out, " {value} {}", now_ms / 1_000);
                }
            }
        }

        /// Replaces what would end a word or a line with `_`: an encoder escapes every text from outside.
        fn write_word(text: &str, out: &mut Vec<u8>) {
            out.extend(text.bytes().map(|byte| if byte <= b' ' || b";=~".contains(&byte) { b'_' } else { byte }));
        }
    }

    #[test]
    fn labels_are_tags_and_cannot_end_the_line() {
        let mut registry = Registry::default();
        let mut definition = Definition::new(MetricName::new("jobs_total", "metric_name").unwrap(), Kind::Counter);
        definition.label_names = vec![LabelName::new("queue", "labels").unwrap()];
        let family = registry.register(definition).unwrap();
        let series = registry.series(family, &["a b;c\nd"]).unwrap();
        registry.add(series, 2.5).unwrap();
        let mut out = Vec::new();
        graphite::encode(&registry.read(0), 61_999, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "jobs_total;queue=a_b_c_d 2.5 61\n");
    }
}

/// "A server" of docs/extending.md.
mod server {
    use std::time::Duration;

    use plugpipe_clients::Error;
    use plugpipe_clients::http::{
        Circuits, Client, Clock, Credentials, Exchange, Failure, Jitter, Limits, Request, Response, Retry, Transport,
        Url,
    };

    mod heartbeat {
        //! A dead man's switch: a server that alerts when a check stops reporting.

        use plugpipe_clients::Error;
        use plugpipe_clients::http::{Client, Method, Peer, Request, Segment, Url, endpoint};

        /// For errors.
        pub const PEER: Peer = Peer { server: "the heartbeat server", setting: "heartbeat_url" };

        /// Reports that the check is alive. Reporting twice is harmless, so transport errors are retried.
        pub fn beat(client: &mut Client, url: &Url, check: &str) -> Result<(), Error> {
            let request =
                Request::new(Method::Post, endpoint(url, ["ping".into(), Segment::of(check, "check")?])).repeatable();
            let response = client.send(PEER, request)?;
            match response.status {
                200..=299 => Ok(()),
                404 => Err(super::refused(PEER, url, &response, "create the check there first")),
                _ => Err(super::refused(PEER, url, &response, "")),
            }
        }
    }

    /// In the place of the one in plugin/clients/src/servers/mod.rs, which is not for other crates.
    fn refused(peer: plugpipe_clients::http::Peer, url: &Url, response: &Response, todo: &str) -> Error {
        Error::Refused {
            server: peer.server,
            origin: url.origin(),
            status: response.status,
            reply: String::from_utf8_lossy(&response.body).into_owned(),
            todo: todo.into(),
        }
    }

    /// A way to servers that gives these answers in turn.
    struct Scripted {
        answers: Vec<Result<Response, Failure>>,
        asked: Vec<String>,
    }

    impl Clock for Scripted {
        fn unix_nanos(&self) -> u64 {
            0
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    impl Transport for Scripted {
        fn send_all(&mut self, requests: &[&Request], _: &Limits) -> Vec<Result<Response, Failure>> {
            self.asked.extend(requests.iter().map(|request| format!("{:?} {}", request.method, request.url)));
            requests.iter().map(|_| self.answers.remove(0)).collect()
        }

        fn sleep(&mut self, _: Duration) {}
    }

    fn beat(answers: Vec<Result<Response, Failure>>) -> (Result<(), Error>, Vec<String>) {
        let mut transport = Scripted { answers, asked: Vec::new() };
        let mut client = Client {
            transport: &mut transport,
            circuits: &mut Circuits::default(),
            limits: Limits { connect: Duration::from_secs(1), total: Duration::from_secs(10), response_bytes: 1 << 20 },
            bypass_breaker: true,
            retry: Retry::default(),
            credentials: &Credentials::default(),
            exchange: &mut Exchange::default(),
            jitter: &mut Jitter::new(1),
        };
        let outcome = heartbeat::beat(&mut client, &Url::parse("http://h:1/base").unwrap(), "nightly import");
        (outcome, transport.asked)
    }

    #[test]
    fn a_beat_is_sent_again_and_its_refusal_says_what_to_do() {
        let status = |status| Ok(Response { status, ..Response::default() });
        let (outcome, asked) = beat(vec![status(503), status(200)]);
        assert!(outcome.is_ok());
        assert_eq!(asked, ["Post http://h:1/base/ping/nightly%20import"; 2]);
        let (outcome, asked) = beat(vec![status(404)]);
        assert!(outcome.unwrap_err().to_string().contains("create the check there first"));
        assert_eq!(asked.len(), 1);
    }
}
