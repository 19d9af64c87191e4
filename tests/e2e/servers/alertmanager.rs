//! Alertmanager and webhooks, through the component.

use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Receiver, alertmanager, start, without_servers};

#[tokio::test]
async fn an_alert_is_told_silenced_heard_again_and_resolved() {
    if without_servers("an_alert_is_told_silenced_heard_again_and_resolved") {
        return;
    }
    let receiver = Receiver::start(&[200]);
    let server = alertmanager(format!(
        "route: {{receiver: hook, group_by: [alertname], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}}\n\
         receivers:\n- name: hook\n  webhook_configs:\n  - url: {}\n",
        receiver.url
    ))
    .await;
    let plug = start(json!({"alertmanager_url": server.url})).await;
    let call = async |ctx: Value| {
        let answer = plug.process(&ctx).await.unwrap();
        assert_eq!(answer["success"], true, "{answer}");
        answer["result"].clone()
    };
    let down = json!({
        "operation": "send_alerts", "alert_name": "Down \"q\" ☃", "severity": "critical", "labels": {"pipe": "p\\1\n", "empty": ""},
        "annotations": {"summary": "It is\ndown"}, "generator_url": "http://example.com/g",
    });
    let sent = call(down.clone()).await;
    assert_eq!(sent["alerts_sent"], 1);

    // Alertmanager's own webhook, and ours of the same alert, say the same.
    let theirs = receiver.next(Duration::from_secs(20)).json();
    let ours = Receiver::start(&[200]);
    let granted = start(json!({"webhook_url": ours.url})).await;
    let mut notify = down.clone();
    notify["operation"] = json!("notify_webhook");
    notify["receiver"] = json!("hook");
    let told = granted.process(&notify).await.unwrap();
    assert_eq!((&told["result"]["delivered"], &told["result"]["signed"]), (&json!(true), &json!(false)), "{told}");
    let ours = ours.next(Duration::from_secs(5)).json();
    for key in [
        "version",
        "status",
        "receiver",
        "groupLabels",
        "commonLabels",
        "commonAnnotations",
        "groupKey",
        "truncatedAlerts",
    ] {
        assert_eq!(ours[key], theirs[key], "{key}");
    }
    for key in ["status", "labels", "annotations", "endsAt", "generatorURL", "fingerprint"] {
        assert_eq!(ours["alerts"][0][key], theirs["alerts"][0][key], "{key}");
    }
    assert_eq!(sent["alerts"][0]["fingerprint"], theirs["alerts"][0]["fingerprint"]);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert!(keys(&ours).iter().all(|key| keys(&theirs).contains(key)), "{ours} {theirs}");

    let listed =
        call(json!({"operation": "list_notified_alerts", "filter": ["severity=\"critical\"", "pipe=~\"p.*\\n\""]}))
            .await;
    assert_eq!(listed["alerts"][0]["labels"]["alertname"], "Down \"q\" ☃", "{listed}");
    let none = call(json!({"operation": "list_notified_alerts", "filter": ["severity!=\"critical\""]})).await;
    assert_eq!(none["alerts"], json!([]));

    let silence = call(json!({
        "operation": "create_silence", "matchers": ["severity=critical"], "duration": "1h", "comment": "quiet", "created_by": "me",
    }))
    .await;
    let id = silence["silence_id"].clone();
    let state = async || {
        let listed = call(json!({"operation": "list_notified_alerts"})).await;
        listed["alerts"][0]["status"]["state"].clone()
    };
    until(async || state().await == "suppressed").await;
    let silences = call(json!({"operation": "list_silences"})).await;
    assert_eq!((&silences["silences"][0]["id"], &silences["silences"][0]["comment"]), (&id, &json!("quiet")));
    let expired = call(json!({"operation": "expire_silence", "silence_id": id})).await;
    assert_eq!(expired["expired"], true);
    until(async || state().await == "active").await;
    let unknown = "7d8fc4b1-0c5f-4f3a-9a55-1a2b3c4d5e6f";
    let expired = call(json!({"operation": "expire_silence", "silence_id": unknown})).await;
    assert_eq!(expired["expired"], false);

    let groups = call(json!({"operation": "list_alert_groups"})).await;
    assert_eq!(groups["groups"][0]["receiver"]["name"], "hook", "{groups}");
    assert_eq!(call(json!({"operation": "list_receivers"})).await["receivers"][0]["name"], "hook");
    let status = call(json!({"operation": "alertmanager_status"})).await;
    assert!(status["status"]["versionInfo"]["version"].is_string(), "{status}");

    let mut resolve = down;
    resolve["operation"] = json!("resolve_alerts");
    assert_eq!(call(resolve).await["alerts_resolved"], 1);
    let resolved = receiver.next(Duration::from_secs(20)).json();
    assert_eq!((&resolved["status"], &resolved["alerts"][0]["status"]), (&json!("resolved"), &json!("resolved")));

    let refused =
        plug.process(&json!({"operation": "list_notified_alerts", "filter": ["severity=~\"(\""]})).await.unwrap();
    assert_eq!((&refused["error_code"], &refused["http_status"]), (&json!("refused"), &json!(400)), "{refused}");
    let health = plug.health_check().await.unwrap();
    assert_eq!(health["result"]["alertmanager_status"], "healthy", "{health}");
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !holds().await {
        assert!(Instant::now() < deadline, "it never came to hold");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_webhook_is_signed_with_its_time_and_the_secret_is_told_to_nobody() {
    let receiver = Receiver::start(&[204, 500]);
    let plug = start(json!({"webhook_url": receiver.url, "webhook_secret": "s3cr3t-key"})).await;
    let notify = json!({"operation": "notify_webhook", "alert_name": "A"});
    let answer = plug.process(&notify).await.unwrap();
    assert_eq!((&answer["result"]["delivered"], &answer["result"]["signed"]), (&json!(true), &json!(true)), "{answer}");
    let arrived = receiver.next(Duration::from_secs(5));
    let seconds = arrived.header("x-grafana-alerting-timestamp").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cr3t-key").unwrap();
    mac.update(format!("{seconds}:{}", arrived.body).as_bytes());
    let expected: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(arrived.header("x-grafana-alerting-signature"), Some(&*expected));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(seconds.parse().unwrap()) < 60);

    let failed = plug.process(&notify).await.unwrap();
    assert_eq!((&failed["success"], &failed["error_code"]), (&json!(false), &json!("refused")), "{failed}");
    for answer in [answer, failed, plug.health_check().await.unwrap()] {
        assert!(!answer.to_string().contains("s3cr3t-key"), "{answer}");
    }
}

#[tokio::test]
async fn a_webhook_that_is_busy_is_told_again() {
    let receiver = Receiver::start(&[503, 429, 200]);
    let plug = start(json!({"webhook_url": receiver.url, "webhook_auth": {"token": "t0ken"}})).await;
    let answer = plug.process(&json!({"operation": "notify_webhook", "alert_name": "A"})).await.unwrap();
    let result = &answer["result"];
    assert_eq!((&result["delivered"], &result["exchange"]["attempts"]), (&json!(true), &json!(3)), "{answer}");
    for _ in 0..3 {
        assert_eq!(receiver.next(Duration::from_secs(5)).header("authorization"), Some("Bearer t0ken"));
    }
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn the_python_plugs_body_is_sent_on_request() {
    let receiver = Receiver::start(&[200]);
    let plug = start(json!({"webhook_url": receiver.url, "webhook_format": "plugpipe"})).await;
    let notify = json!({"operation": "notify_webhook", "alert_name": "A", "annotations": {"summary": "s"}});
    assert_eq!(plug.process(&notify).await.unwrap()["result"]["delivered"], true);
    let body = receiver.next(Duration::from_secs(5)).json();
    let expected = json!({"alert": "A", "labels": {"alertname": "A"}, "annotations": {"summary": "s"}});
    assert_eq!((&body["alert_data"], &body["source"]), (&expected, &json!("plugpipe-prometheus-backend")));
}

#[tokio::test]
async fn a_webhook_of_a_pipes_author_is_reached_only_where_it_is_granted() {
    let receiver = Receiver::start(&[200]);
    let plug = start(json!({"job_name": "j"})).await;
    for (url, code) in [
        (receiver.url.as_str(), "not_granted"),
        ("http://169.254.169.254/latest", "invalid_field"),
        ("http://[fe80::1]/", "invalid_field"),
        ("ftp://h/", "invalid_field"),
        ("", "not_configured"),
    ] {
        let notify = json!({"operation": "notify_webhook", "alert_name": "A", "webhook_url": url});
        let answer = plug.process(&notify).await.unwrap();
        assert_eq!(answer["error_code"], code, "{answer}");
    }
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn what_is_wrong_with_an_alert_is_said_by_its_path() {
    let plug = start(json!({"mock_mode": true, "alertmanager_url": "http://127.0.0.1:9"})).await;
    for (ctx, field) in [
        (json!({"operation": "send_alerts"}), "alert_name"),
        (json!({"operation": "send_alerts", "alerts": []}), "alerts"),
        (
            json!({"operation": "send_alerts", "alerts": [{"alert_name": "a"}, {"labels": {"b": "c"}}]}),
            "alerts[1].alert_name",
        ),
        (json!({"operation": "send_alerts", "alerts": [3]}), "alerts[0]"),
        (json!({"operation": "send_alerts", "alert_name": "a", "labels": {"alertname": "b"}}), "alert_name"),
        (json!({"operation": "send_alerts", "alert_name": "a", "labels": {"1x": "b"}}), "labels.1x"),
        (json!({"operation": "send_alerts", "alert_name": "a", "starts_at": 20, "ends_at": 10}), "ends_at"),
        (json!({"operation": "send_alerts", "alert_name": "a", "starts_at": "soon"}), "starts_at"),
        (json!({"operation": "create_silence", "comment": "c", "duration": "1h"}), "matchers"),
        (json!({"operation": "create_silence", "comment": "c", "duration": "1h", "matchers": ["x"]}), "matchers[0]"),
        (json!({"operation": "create_silence", "comment": "c", "duration": "1h", "matchers": ["x=\"\""]}), "matchers"),
        (json!({"operation": "create_silence", "duration": "1h", "matchers": ["x=y"]}), "comment"),
        (json!({"operation": "create_silence", "comment": "c", "matchers": ["x=y"]}), "duration"),
        (
            json!({"operation": "create_silence", "comment": "c", "duration": "9999999999d", "matchers": ["x=y"]}),
            "duration",
        ),
        (
            json!({"operation": "create_silence", "comment": "c", "ends_at": 10, "starts_at": 5, "matchers": ["x=y"]}),
            "ends_at",
        ),
        (
            json!({"operation": "create_silence", "comment": "c", "duration": "1h", "matchers": [{"name": "x"}]}),
            "matchers[0].value",
        ),
        (json!({"operation": "list_notified_alerts", "active": "perhaps"}), "active"),
        (json!({"operation": "expire_silence"}), "silence_id"),
    ] {
        let answer = plug.process(&ctx).await.unwrap();
        assert_eq!((&answer["success"], &answer["field"]), (&json!(false), &json!(field)), "{ctx} {answer}");
    }
    let mocked = plug.process(&json!({"operation": "send_alerts", "alert_name": "a"})).await.unwrap();
    assert_eq!((&mocked["result"]["mock"], &mocked["result"]["alerts_sent"]), (&json!(true), &json!(0)), "{mocked}");
}
