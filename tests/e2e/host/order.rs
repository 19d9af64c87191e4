//! What comes first and what waits, by order and not by time: a server that never responds delays
//! no other, and what is done to one push group ends as if it was done one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use plugpipe_harness::{Grants, Limits};
use serde_json::{Value, json};

use crate::cli::serve::get;
use crate::fake_accounting::{AccountingServer, Behavior};
use crate::fake_web::{WebServer, text};
use crate::support::{Ask as _, Checked, plug, pushgateway, start, without_servers};

/// Queries that wait for the server that never responds.
const STUCK: usize = 200;

/// Servers that respond at once.
const OTHERS: usize = 63;

/// Queries to each of them.
const ROUNDS: usize = 4;

const VECTOR: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;

/// Takes connections and responds to none; with the number of those that it took.
fn silent() -> (String, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let taken = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&taken);
    // Ends with the process.
    std::thread::spawn(move || {
        let kept: Vec<_> = listener.incoming().inspect(|_| _ = count.fetch_add(1, Ordering::SeqCst)).collect();
        drop(kept);
    });
    (url, taken)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_of_a_server_that_never_responds_delay_those_of_no_other() {
    let (silent, taken) = silent();
    let mut others = Vec::new();
    for _ in 0..OTHERS {
        others.push(WebServer::http(|_| text(VECTOR)).await);
    }
    let urls = others.iter().map(WebServer::url).chain([silent.clone()]);
    let grants = urls.fold(Grants::none(), |grants, url| grants.and(url.parse().unwrap()));
    let limits = Limits::default().with_call(Duration::from_secs(300));
    let plug = plug().start(&json!({"timeout": "5m", "connect_timeout": "5m"}), grants, limits).await.unwrap();
    let query = |url: &str| {
        let (plug, ctx) = (plug.clone(), json!({"operation": "query_metrics", "query": "up", "prometheus_url": url}));
        tokio::spawn(async move { plug.ask(&ctx).await.unwrap() })
    };
    let stuck: Vec<_> = (0..STUCK).map(|_| query(&silent)).collect();
    while taken.load(Ordering::SeqCst) < 8 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let answered: Vec<_> = (0..ROUNDS).flat_map(|_| others.iter().map(|server| query(&server.url()))).collect();
    for answer in answered {
        let answer = answer.await.unwrap();
        assert_eq!(answer["success"], true, "{answer}");
    }
    assert!(stuck.iter().all(|stuck| !stuck.is_finished()));
    assert_eq!(taken.load(Ordering::SeqCst), 8, "no more than 8 at once for one server");
    assert!(others.iter().all(|server| server.asked().len() == ROUNDS));
    stuck.iter().for_each(tokio::task::JoinHandle::abort);
}

fn counter(name: &str) -> Value {
    json!({"operation": "record_counter", "metric_name": name, "metric_value": 1})
}

fn delete() -> Value {
    json!({"operation": "delete_metrics"})
}

async fn succeeds(plug: &Checked, ctx: Value) {
    let answer = plug.process(&ctx).await.unwrap();
    assert_eq!(answer["success"], true, "{ctx}: {answer}");
    assert_ne!(answer["result"]["metric_pushed"], false, "{ctx}: {answer}");
}

/// All are under way at once, and were begun in this order.
async fn push_delete_and_push(plug: &Checked) {
    tokio::join!(
        succeeds(plug, counter("first_total")),
        succeeds(plug, delete()),
        succeeds(plug, counter("second_total")),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn push_delete_and_push_of_one_group_are_done_one_after_the_other() {
    let behavior = Behavior { push_takes: Duration::from_millis(50), ..Behavior::default() };
    let gateway = AccountingServer::start(behavior);
    let plug = start(json!({"gateway_url": gateway.url, "job_name": "j"})).await;
    push_delete_and_push(&plug).await;
    let group = "/metrics/job/j";
    let expected = ["PUT", "DELETE", "PUT"].map(|method| format!("{method} {group}"));
    gateway.account(|account| {
        assert_eq!(account.order, expected);
        assert_eq!(account.most_at_once, 1);
        assert_eq!(["first_total", "second_total"].map(|series| account.pushed(group, series)), [1, 1]);
    });
    // The other way round nothing is left.
    tokio::join!(succeeds(&plug, counter("first_total")), succeeds(&plug, delete()));
    gateway.account(|account| assert!(account.groups.is_empty() && account.most_at_once == 1, "{account:?}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_gateway_holds_what_push_delete_and_push_come_to() {
    if without_servers("a_real_gateway_holds_what_push_delete_and_push_come_to") {
        return;
    }
    let gateway = pushgateway(None).await;
    let plug = start(json!({"gateway_url": gateway.url, "job_name": "j"})).await;
    for round in 1..=10 {
        push_delete_and_push(&plug).await;
        let held = get(&format!("{}/metrics", gateway.url)).await.1;
        for series in ["first_total", "second_total"] {
            let line = format!("{series}{{instance=\"\",job=\"j\"}} {round}\n");
            assert!(held.contains(&line), "not there: {line}{held}");
        }
        tokio::join!(succeeds(&plug, counter("third_total")), succeeds(&plug, delete()));
        // It responds to a deletion before that is done.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let held = get(&format!("{}/metrics", gateway.url)).await.1;
            if !held.contains("job=\"j\"") {
                break;
            }
            assert!(Instant::now() < deadline, "{held}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_pushes_that_add_different_families_are_both_there() {
    if without_servers("two_pushes_that_add_different_families_are_both_there") {
        return;
    }
    let real = pushgateway(None).await;
    let behavior = Behavior { push_takes: Duration::from_millis(50), ..Behavior::default() };
    let accounting = AccountingServer::start(behavior);
    for url in [&real.url, &accounting.url] {
        let config = json!({"gateway_url": url, "job_name": "j", "push_mode": "add"});
        let (plug, other) = (start(config.clone()).await, start(config).await);
        // Of one plug, and of another one with the same group.
        tokio::join!(
            succeeds(&plug, counter("first_total")),
            succeeds(&plug, counter("second_total")),
            succeeds(&other, counter("third_total")),
        );
    }
    let held = get(&format!("{}/metrics", real.url)).await.1;
    for series in ["first_total", "second_total", "third_total"] {
        let line = format!("{series}{{instance=\"\",job=\"j\"}} 1\n");
        assert!(held.contains(&line), "not there: {line}{held}");
        assert_eq!(accounting.account(|account| account.pushed("/metrics/job/j", series)), 1, "{series}");
    }
}
