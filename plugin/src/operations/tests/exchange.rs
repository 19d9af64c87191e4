//! Retries, credentials, and secrets in results.

use super::*;

const SECRETS: [&str; 4] = ["s3cret-pass", "s3cret-token", "s3cret-header", "dTpzM2NyZXQtcGFzcw=="];

fn servers() -> Value {
    json!({
        "gateway_url": "http://gw:9091", "prometheus_url": "http://p:9090", "grafana_url": "http://g:3000",
        "gateway_auth": {"type": "basic", "username": "u", "password": "s3cret-pass"},
        "prometheus_auth": {"token": "s3cret-token", "tenant": "team-1"},
        "grafana_auth": {"headers": {"X-Key": "s3cret-header"}},
        // One request for a push.
        "preflight": false,
    })
}

fn query() -> Value {
    json!({"operation": "query_metrics", "query": "up"})
}

impl Shared {
    fn will_answer_with(&self, status: u16, header: (&str, &str), body: &str) -> &Self {
        let headers = vec![(header.0.to_owned(), header.1.to_owned())];
        self.0.borrow_mut().answers.push_back(Ok(Response { status, headers, body: body.into() }));
        self
    }

    fn slept(&self) -> Vec<Duration> {
        std::mem::take(&mut self.0.borrow_mut().slept)
    }

    /// The values of a header in all requests.
    pub(in crate::operations) fn sent(&self, name: &str) -> Vec<Option<String>> {
        let world = self.0.borrow();
        let value = |headers: &Vec<(String, String)>| {
            let of_name: Vec<_> = headers.iter().filter(|(own, _)| own == name).collect();
            assert!(of_name.len() < 2, "{name} is sent twice");
            of_name.first().map(|(_, value)| value.clone())
        };
        world.headers.iter().map(value).collect()
    }
}

const VECTOR: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

#[test]
fn transient_errors_are_retried() {
    for fails in [
        |world: &Shared| _ = world.will_answer(503, ""),
        |world: &Shared| _ = world.will_answer(429, ""),
        |world: &Shared| _ = world.will_fail(Failure::Refused),
        |world: &Shared| _ = world.will_fail(Failure::Broken),
    ] {
        let (mut plug, world) = plug();
        fails(&world);
        world.will_answer(200, VECTOR);
        let answer = process(&mut plug, query(), servers());
        assert_eq!(
            (&answer["success"], &answer["result"]["exchange"]["attempts"]),
            (&json!(true), &json!(2)),
            "{answer}"
        );
        let slept = world.slept();
        assert!(slept.len() == 1 && slept[0] <= Duration::from_millis(100), "{slept:?}");
    }
}

#[test]
fn attempts_are_limited_and_reported() {
    let (mut plug, world) = plug();
    (0..3).for_each(|_| _ = world.will_answer(503, "busy"));
    let answer = process(&mut plug, json!({"operation": "push_metrics"}), servers());
    assert_eq!((&answer["error_code"], &answer["http_status"]), (&json!("refused"), &json!(503)));
    let slept: Duration = world.slept().iter().sum();
    assert_eq!(answer["exchange"], json!({"attempts": 3, "elapsed_ms": slept.as_millis() as u64}));
    assert_eq!(world.asked().len(), 3);
    let ctx = json!({"operation": "push_metrics", "retry_attempts": "1"});
    world.will_answer(503, "busy");
    assert_eq!(process(&mut plug, ctx, json!({}))["exchange"]["attempts"], 1);
}

#[test]
fn permanent_errors_are_not_retried() {
    for status in [301, 400, 401, 404, 422] {
        let (mut plug, world) = plug();
        world.will_answer(status, "no");
        let answer = process(&mut plug, json!({"operation": "delete_metrics"}), servers());
        assert_eq!((&answer["success"], &answer["exchange"]["attempts"]), (&json!(false), &json!(1)), "{answer}");
    }
    for failure in [Failure::NotGranted, Failure::Tls("t".into()), Failure::TooLong { limit: 1 }] {
        let (mut plug, world) = plug();
        world.will_fail(failure);
        assert_eq!(process(&mut plug, query(), servers())["exchange"]["attempts"], 1);
    }
}

#[test]
fn retry_after_is_respected_up_to_the_timeout() {
    let (mut plug, world) = plug();
    // The world's clock begins with 2024.
    world
        .will_answer_with(429, ("retry-after", "2"), "")
        .will_answer_with(503, ("retry-after", "Mon, 01 Jan 2024 00:00:03 GMT"), "")
        .will_answer(200, VECTOR);
    let answer = process(&mut plug, query(), servers());
    assert_eq!(answer["result"]["exchange"], json!({"attempts": 3, "elapsed_ms": 3_000}), "{answer}");
    assert_eq!(world.slept(), [2, 1].map(Duration::from_secs));
    world.will_answer_with(429, ("retry-after", "11"), "slow down");
    let answer = process(&mut plug, query(), json!({}));
    assert_eq!((&answer["http_status"], &answer["exchange"]["attempts"]), (&json!(429), &json!(1)), "{answer}");
    assert!(world.slept().is_empty());
}

#[test]
fn the_timeout_bounds_all_attempts_together() {
    let (mut plug, world) = plug();
    world.0.borrow_mut().cost = Duration::from_secs(4);
    (0..9).for_each(|_| _ = world.will_answer(503, ""));
    let mut ctx = query();
    ctx["retry_attempts"] = json!(9);
    let answer = process(&mut plug, ctx, servers());
    // The fake responds late, even after the deadline; no attempt starts after it.
    assert_eq!(answer["exchange"]["attempts"], 3, "{answer}");
}

#[test]
fn a_timeout_is_not_retried() {
    let (mut plug, world) = plug();
    world.0.borrow_mut().cost = Duration::from_secs(1);
    for _ in 0..2 {
        world.will_fail(Failure::Timeout { after: Duration::from_secs(1) });
        let answer = process(&mut plug, query(), servers());
        assert_eq!(answer["exchange"], json!({"attempts": 1, "elapsed_ms": 1_000}), "{answer}");
    }
    assert_eq!(world.asked().len(), 2);
}

#[test]
fn automatic_pushes_and_health_checks_are_not_retried() {
    let (mut plug, world) = plug();
    world.will_answer(503, "");
    let answer = process(&mut plug, counter(json!(1)), servers());
    assert_eq!(answer["result"]["exchange"], json!({"attempts": 1, "elapsed_ms": 0}), "{answer}");
    (0..3).for_each(|_| _ = world.will_answer(503, ""));
    let answer = process(&mut plug, json!({"operation": "health_check"}), json!({}));
    assert_eq!(answer["result"]["exchange"]["attempts"], 1, "{answer}");
    assert_eq!(world.asked().len(), 4);
}

#[test]
fn without_requests_there_is_no_exchange_in_the_result() {
    let (mut plug, _) = plug();
    assert_eq!(process(&mut plug, counter(json!(1)), json!({}))["result"].get("exchange"), None);
    assert_eq!(process(&mut plug, json!({"operation": "fly"}), json!({})).get("exchange"), None);
}

#[test]
fn each_server_gets_only_its_own_credentials() {
    let (mut plug, world) = plug();
    process(&mut plug, json!({"operation": "health_check"}), servers());
    assert_eq!(
        world.sent("authorization"),
        // printf u:s3cret-pass | base64
        [Some("Bearer s3cret-token".into()), Some("Basic dTpzM2NyZXQtcGFzcw==".into()), None]
    );
    assert_eq!(world.sent("x-scope-orgid"), [Some("team-1".into()), None, None]);
    assert_eq!(world.sent("x-key"), [None, None, Some("s3cret-header".into())]);
}

#[test]
fn the_forms_of_credentials() {
    for (auth, header) in [
        (json!({"type": "basic", "username": "admin", "password": "p:w"}), Some("Basic YWRtaW46cDp3")),
        (json!({"username": "admin", "password": "p:w"}), Some("Basic YWRtaW46cDp3")),
        (json!("admin:p:w"), Some("Basic YWRtaW46cDp3")),
        (json!("glsa_token"), Some("Bearer glsa_token")),
        (json!({"api_key": "glsa_token"}), Some("Bearer glsa_token")),
        (json!({"type": "Bearer", "token": "glsa_token"}), Some("Bearer glsa_token")),
        (json!({"headers": {"Authorization": "Custom x"}}), Some("Custom x")),
        (json!(""), Some("Basic dTp3")),
        (json!(null), Some("Basic dTp3")),
        (json!({"type": "none"}), Some("Basic dTp3")),
    ] {
        let (mut plug, world) = plug();
        // `<server>_auth` replaces the credentials of the URL.
        let cfg = json!({"grafana_url": "http://u:w@g", "grafana_auth": auth});
        process(&mut plug, json!({"operation": "health_check"}), cfg);
        assert_eq!(world.sent("authorization"), [header.map(str::to_owned)], "{auth}");
    }
}

#[test]
fn invalid_credentials_are_rejected_with_their_path_and_not_repeated() {
    for (auth, field) in [
        (json!({"token": "s3cret-token\r\nX-Evil: 1"}), ".token"),
        (json!({"token": "s3cret-token\n"}), ".token"),
        (json!({"username": "u", "password": "${S3_s3cret-pass}"}), ".password"),
        (json!({"username": "a:b", "password": "s3cret-pass"}), ".username"),
        (json!({"type": "basic", "password": "s3cret-pass"}), ".username"),
        (json!({"type": "bearer"}), ".token"),
        (json!({"type": "s3cret-token"}), ".type"),
        (json!({"token": ["s3cret-token"]}), ".token"),
        (json!({"username": "u", "token": "s3cret-token"}), ""),
        (json!({"password": "s3cret-pass"}), ""),
        (json!({"tokn": "s3cret-token"}), ".tokn"),
        (json!(["s3cret-token"]), ""),
        (json!({"tenant": "a b"}), ".tenant"),
        (json!({"org_id": "a\nb"}), ".org_id"),
        (json!({"headers": {"X-A": "s3cret-header\r\n"}}), ".headers.X-A"),
        (json!({"headers": {"X A": "s3cret-header"}}), ".headers.X A"),
        (json!({"headers": {"": "s3cret-header"}}), ".headers."),
        (json!({"headers": {"Host": "s3cret-header"}}), ".headers.Host"),
        (json!({"headers": {"content-length": "1"}}), ".headers.content-length"),
        (json!({"headers": {"Transfer-Encoding": "chunked"}}), ".headers.Transfer-Encoding"),
        (json!({"headers": {"X-Scope-OrgID": "1"}}), ".headers.X-Scope-OrgID"),
        (json!({"headers": {"a": "1", "A": "s3cret-header"}}), ".headers.a"),
        (json!({"token": "s3cret-token", "headers": {"authorization": "s3cret-header"}}), ".headers.authorization"),
    ] {
        let (mut plug, _) = plug();
        let answer = process(&mut plug, query(), json!({"prometheus_config": {"gateway_auth": auth}}));
        let path = format!("cfg.prometheus_config.gateway_auth{field}");
        assert_eq!((&answer["success"], &answer["field"]), (&json!(false), &json!(path)), "{auth}");
        assert_no_secret(&answer.to_string());
    }
}

#[test]
fn credentials_are_not_sent_to_other_servers() {
    let (mut plug, world) = plug();
    let elsewhere = json!({"operation": "push_metrics", "gateway_url": "http://other:9091"});
    world.will_answer(200, "").will_answer(200, "").will_answer(200, "").will_answer(200, "");
    process(&mut plug, elsewhere, servers());
    process(&mut plug, json!({"operation": "push_metrics", "gateway_url": "http://gw:9091/path"}), json!({}));
    let own =
        json!({"operation": "push_metrics", "gateway_url": "http://other:9091", "gateway_auth": "token-of-other"});
    process(&mut plug, own, json!({}));
    process(&mut plug, json!({"operation": "push_metrics"}), json!({}));
    let basic = || Some("Basic dTpzM2NyZXQtcGFzcw==".to_owned());
    assert_eq!(world.sent("authorization"), [None, basic(), Some("Bearer token-of-other".into()), basic()]);
}

fn assert_no_secret(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} is told: {text}");
    }
}

#[test]
fn no_result_contains_a_secret_whatever_servers_return() {
    let echo = format!("<html>{}</html>", SECRETS.join(" "));
    let echoes = |status, body: &str| {
        let headers = vec![
            ("location".to_owned(), format!("http://u:s3cret-pass@x/{}?{0}", SECRETS[1])),
            ("content-type".to_owned(), "text/html".to_owned()),
        ];
        Ok(Response { status, headers, body: body.into() })
    };
    let json_error = format!(r#"{{"status":"error","errorType":"bad_data","error":"{}"}}"#, SECRETS.join(" "));
    let outcomes: Vec<Result<Response, Failure>> = vec![
        echoes(200, &echo),
        echoes(302, &echo),
        echoes(400, &json_error),
        echoes(401, &echo),
        echoes(503, &echo),
        echoes(200, "{"),
        Err(Failure::Refused),
        Err(Failure::NotGranted),
        Err(Failure::Broken),
        Err(Failure::Timeout { after: Duration::from_secs(1) }),
        Err(Failure::Protocol("p".into())),
    ];
    for operation in plugpipe_operations::operations::table::OPERATIONS.iter().map(|operation| operation.name) {
        for outcome in &outcomes {
            let (mut plug, world) = plug();
            (0..9).for_each(|_| world.0.borrow_mut().answers.push_back(outcome.clone()));
            let ctx = json!({
                "operation": operation, "query": "up", "metric_name": "m", "metric_value": 1,
                "metrics": [{"name": "m", "value": 1}],
            });
            // A server can only repeat its own secrets.
            for server in ["gateway", "prometheus", "grafana"] {
                let mut cfg = json!({(format!("{server}_url")): "http://h:1"});
                cfg[format!("{server}_auth")] = json!({
                    "username": "u", "password": "s3cret-pass", "headers": {"X-T": "s3cret-token", "X-K": "s3cret-header"},
                });
                let answer = process(&mut plug, ctx.clone(), cfg);
                assert_no_secret(&answer.to_string());
            }
            assert_no_secret(&plug.describe_operations());
            assert_no_secret(&format!("{:?}", plug.recorder.config));
            assert_no_secret(&plug.cleanup());
        }
    }
}

#[test]
fn debug_output_contains_no_secret() {
    let mut request =
        Request::new(Method::Get, crate::http::Url::parse("http://u:s3cret-pass@h/?t=s3cret-token").unwrap());
    request.credentials.push(("x".into(), crate::http::auth::Secret::new("s3cret-header")));
    assert_no_secret(&format!("{request:?}"));
    assert_no_secret(&format!("{:?} {}", request.credentials, request.credentials[0].1));
    assert_no_secret(&format!("{:?}", crate::http::Url::parse("http://u:s3cret-pass@h/?t=s3cret-token").unwrap()));
}

#[test]
fn a_login_page_is_not_a_gateway() {
    let (mut plug, world) = plug();
    world.will_answer_with(200, ("content-type", "text/html; charset=utf-8"), "<html>log in</html>");
    let answer = process(&mut plug, counter(json!(1)), servers());
    assert_eq!(
        (&answer["result"]["metric_pushed"], &answer["result"]["push_error_code"]),
        (&json!(false), &json!("bad_answer")),
        "{answer}"
    );
}
