//! Long use of `serve`: records and pushes side by side, a gateway that fails a third of the time,
//! a state folder. Totals are exact, memory and the state stay as they are.
//!
//! `PLUGPIPE_SOAK_PUSHES` (10000) and `PLUGPIPE_SOAK_RECORDS` (10000000) make it long.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::serve::{Served, get};
use crate::support::scale;

/// Values in one call.
const BATCH: u64 = 500;

/// Series of the counter.
const SERIES: u64 = 50;

/// What the state folder's file may come to: the journal's own bound is 1 MiB, and one call may
/// come on top of it.
const MAX_STATE_LEN: u64 = 3 * 1024 * 1024;

/// How much the host's memory may differ between the second half and the moment at which all of it
/// was used once.
const SLACK_KIB: u64 = 24 * 1024;

/// A gateway on loopback that keeps its connections, fails every third push, and knows the last
/// body that it accepted.
#[derive(Default)]
struct Gateway {
    asked: AtomicU64,
    accepted: AtomicU64,
    last: Mutex<String>,
}

impl Gateway {
    fn start() -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gateway = Arc::new(Self::default());
        let shared = Arc::clone(&gateway);
        // Its threads end with the process.
        spawn(move || {
            for stream in listener.incoming() {
                let (stream, gateway) = (stream.unwrap(), Arc::clone(&shared));
                spawn(move || while gateway.answer(&mut BufReader::new(&stream)).is_some() {});
            }
        });
        (gateway, url)
    }

    /// Answers one request; none if that ends the connection.
    fn answer(&self, stream: &mut BufReader<&TcpStream>) -> Option<()> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let status = match (number % 3, number / 3 % 3) {
            (2, 0) => 500,
            (2, 1) => 503,
            // The body was read, and nothing is said.
            (2, _) => return None,
            _ => {
                *self.last.lock().unwrap() = String::from_utf8(body).unwrap();
                self.accepted.fetch_add(1, Ordering::Relaxed);
                200
            }
        };
        write!(stream.get_mut(), "HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").ok()
    }
}

/// One caller's batches, and what they add up to.
struct Caller {
    name: &'static str,
    batches: u64,
    sums: [u64; SERIES as usize],
}

impl Caller {
    fn new(name: &'static str) -> Self {
        Self { name, batches: 0, sums: [0; SERIES as usize] }
    }

    /// The next call, other values each time.
    fn ctx(&self) -> Value {
        let metrics: Vec<Value> = (0..BATCH)
            .map(|n| match n {
                0 => json!({"name": "soak_last", "type": "gauge", "value": self.batches, "labels": {"by": self.name}}),
                1 => json!({"name": "soak_seconds", "type": "histogram", "value": 0.25, "labels": {"by": self.name}}),
                _ => {
                    let labels = json!({"by": self.name, "n": (n % SERIES).to_string()});
                    json!({"name": "soak_total", "type": "counter", "value": self.amount(n), "labels": labels})
                }
            })
            .collect();
        json!({"operation": "record_multiple_metrics", "metrics": metrics})
    }

    fn amount(&self, n: u64) -> u64 {
        1 + (self.batches + n) % 3
    }

    fn acknowledged(&mut self) {
        for n in 2..BATCH {
            self.sums[(n % SERIES) as usize] += self.amount(n);
        }
        self.batches += 1;
    }

    /// Holds an exposition against what was acknowledged.
    fn check(&self, text: &str, of: &str) {
        let by = self.name;
        let line = |series: String, value: u64| {
            let line = format!("{series} {value}\n");
            assert!(text.contains(&line), "{of}: not there: {line}");
        };
        for (n, sum) in self.sums.iter().enumerate() {
            line(format!("soak_total{{by=\"{by}\",n=\"{n}\"}}"), *sum);
        }
        line(format!("soak_last{{by=\"{by}\"}}"), self.batches - 1);
        line(format!("soak_seconds_count{{by=\"{by}\"}}"), self.batches);
    }
}

fn call(agent: &ureq::Agent, served: &Served, ctx: &Value) -> Value {
    let body = json!({"ctx": ctx}).to_string();
    let url = format!("{}/process", served.url);
    let mut answer = agent.post(url).header("content-type", "application/json").send(&body).unwrap();
    let answer: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    assert_eq!(answer["success"], true, "{answer}");
    answer
}

/// A process's memory that is not on disk, in KiB.
fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_flat_and_totals_are_exact_with_a_gateway_that_fails_a_third_of_the_time() {
    let (pushes, records) = (scale("PLUGPIPE_SOAK_PUSHES", 60), scale("PLUGPIPE_SOAK_RECORDS", 60_000));
    let (gateway, gateway_url) = Gateway::start();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    std::fs::write(&config, format!("gateway_url: {gateway_url}\njob_name: soak\n")).unwrap();
    let state = folder.path().join("state");
    let served = Served::start(&["--config", config.to_str().unwrap(), "--state", state.to_str().unwrap()]);
    let served = Arc::new(served);
    let recorded = Arc::new(AtomicU64::new(0));
    let pushed_all = Arc::new(AtomicBool::new(false));
    let began = Instant::now();

    // Each record of this one waits for its push.
    let pusher = tokio::task::spawn_blocking({
        let (served, gateway, recorded, pushed_all) =
            (Arc::clone(&served), Arc::clone(&gateway), Arc::clone(&recorded), Arc::clone(&pushed_all));
        move || {
            let (agent, mut caller, mut accepted) = (ureq::Agent::new_with_defaults(), Caller::new("pusher"), 0);
            while gateway.asked.load(Ordering::Relaxed) < pushes {
                let result = call(&agent, &served, &caller.ctx())["result"].clone();
                caller.acknowledged();
                recorded.fetch_add(BATCH, Ordering::Relaxed);
                if result["metric_pushed"] == true {
                    accepted += 1;
                } else {
                    assert!(result["push_error"].is_string(), "{result}");
                }
            }
            pushed_all.store(true, Ordering::Relaxed);
            (caller, accepted)
        }
    });
    // This one records while those pushes are under way.
    let recorder = tokio::task::spawn_blocking({
        let (served, recorded, pushed_all) = (Arc::clone(&served), Arc::clone(&recorded), Arc::clone(&pushed_all));
        move || {
            let (agent, mut caller) = (ureq::Agent::new_with_defaults(), Caller::new("recorder"));
            while !pushed_all.load(Ordering::Relaxed) || recorded.load(Ordering::Relaxed) < records {
                let mut ctx = caller.ctx();
                ctx["push_policy"] = json!("manual");
                assert_eq!(call(&agent, &served, &ctx)["result"]["metric_pushed"], false);
                caller.acknowledged();
                recorded.fetch_add(BATCH, Ordering::Relaxed);
                // The other one sets the pace as long as it goes on.
                if !pushed_all.load(Ordering::Relaxed) && recorded.load(Ordering::Relaxed) >= records {
                    sleep(Duration::from_millis(1));
                }
            }
            caller
        }
    });
    // (progress in percent, memory, length of the state)
    let mut samples: Vec<(u64, u64, u64)> = Vec::new();
    while !recorder.is_finished() {
        let done = |of: u64, all: u64| (100 * of / all.max(1)).min(100);
        let progress =
            done(gateway.asked.load(Ordering::Relaxed), pushes).min(done(recorded.load(Ordering::Relaxed), records));
        samples.push((progress, resident_kib(served.process_id()), state_length(&state)));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ((pusher, accepted), recorder) = (pusher.await.unwrap(), recorder.await.unwrap());
    let took = began.elapsed();

    let text = get(&format!("{}/metrics", served.url)).await.1;
    for caller in [&pusher, &recorder] {
        caller.check(&text, "what is held");
    }
    assert_eq!(gateway.accepted.load(Ordering::Relaxed), accepted, "pushes that were accepted, and said to be");

    // The gateway has all of it as soon as it takes one more.
    let mut taken = false;
    for _ in 0..10 {
        let (_, answer) = served.process(json!({"ctx": {"operation": "push_metrics"}})).await;
        taken = answer["success"] == true && answer["result"]["metric_pushed"] == true;
        if taken {
            break;
        }
        sleep(Duration::from_millis(50));
    }
    assert!(taken);
    let last = gateway.last.lock().unwrap().clone();
    for caller in [&pusher, &recorder] {
        caller.check(&last, "what was pushed");
    }

    let peak = |from: u64, to: u64| {
        let within = samples.iter().filter(|(progress, ..)| (from..=to).contains(progress));
        within.map(|(_, memory, _)| *memory).max()
    };
    let longest = samples.iter().map(|(.., length)| *length).max().unwrap();
    println!(
        "{} records, {} pushes asked for, {} accepted, in {took:.1?}; anonymous memory in KiB by quarters {:?}; longest state {longest} bytes",
        recorded.load(Ordering::Relaxed),
        gateway.asked.load(Ordering::Relaxed),
        gateway.accepted.load(Ordering::Relaxed),
        [(1, 25), (26, 50), (51, 75), (76, 100)].map(|(from, to)| peak(from, to)),
    );
    let (warm, late) = (peak(0, 50).unwrap(), peak(51, 100).unwrap());
    assert!(late <= warm + SLACK_KIB, "memory grows: {warm} KiB, then {late} KiB: {samples:?}");
    assert!(longest <= MAX_STATE_LEN, "the state grows: {longest} bytes");
}

fn state_length(state: &Path) -> u64 {
    // Absent for the moment in which a new file is renamed over it on some file systems.
    std::fs::metadata(state.join("journal")).map_or(0, |file| file.len())
}
