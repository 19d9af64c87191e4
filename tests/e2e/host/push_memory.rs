//! The host's memory while much is pushed: the registry with its text, and no more than three bodies:
//! in the recorder, on the way, and in the worker.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use plugpipe_harness::{Limits, PlugHandle};
use serde_json::json;

use crate::support::{Ask as _, exposition, named_by, plug};

const SERIES: usize = 100_000;

/// Series set in one call.
const PART: usize = 10_000;

/// What a worker has without a body, buffers of connections, and stacks.
const SLACK: usize = 4 * 1024 * 1024;

/// A gateway that keeps nothing, and takes a moment; sends how long each body was.
fn gateway() -> (String, std::sync::mpsc::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, bodies) = std::sync::mpsc::channel();
    // Ends with the process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut head, mut piece) = (stream.unwrap(), Vec::new(), vec![0; 65_536]);
            let (length, mut body) = loop {
                let count = stream.read(&mut piece).unwrap();
                head.extend_from_slice(&piece[..count]);
                let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
                let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                break (length.unwrap(), head.len() - end - 4);
            };
            while body < length {
                body += stream.read(&mut piece).unwrap();
            }
            std::thread::sleep(Duration::from_millis(300));
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            sender.send(body).unwrap();
        }
    });
    (url, bodies)
}

/// A line of /proc/self/status, in bytes.
fn status(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1_024
}

/// What this process has in memory, without what the allocator keeps for the next time, and how much
/// of that is no file's. Workers' tasks end a moment after their answers.
async fn resident() -> (usize, usize) {
    tokio::time::sleep(Duration::from_millis(300)).await;
    #[cfg(target_env = "gnu")]
    // SAFETY: it may be called at any time.
    unsafe {
        libc::malloc_trim(0);
    }
    (status("VmRSS"), status("RssAnon"))
}

/// Forgets the most memory that this process had so far.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// Other tests would be in the figures: so this one runs [`pushing_takes_three_bodies`] in a process
/// of its own.
#[test]
fn pushing_100_000_series_takes_no_more_than_three_bodies_and_gives_them_back() {
    // Compiled here, for that process to find it in the cache.
    let _ = plug();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["host::push_memory::pushing_takes_three_bodies", "--exact", "--ignored", "--nocapture"])
        // What the program holds is measured, and not what glibc keeps for the next block of a size
        // that was freed before, which is another amount in each run.
        .env("MALLOC_MMAP_THRESHOLD_", "131072")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// Sets all series, a part in each call.
async fn set_all(plug: &PlugHandle, to: f64) {
    for part in 0..SERIES / PART {
        let series = (part * PART..(part + 1) * PART).map(|series| {
            json!({
                "name": "pushed_value", "type": "gauge", "value": to,
                "labels": {"method": "GET", "path": format!("/api/v1/items/{series}")},
            })
        });
        let ctx = json!({"operation": "record_multiple_metrics", "metrics": series.collect::<Vec<_>>()});
        assert_eq!(plug.ask(&ctx).await.unwrap()["success"], true);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by pushing_100_000_series_takes_no_more_than_three_bodies_and_gives_them_back"]
async fn pushing_takes_three_bodies() {
    let (url, bodies) = gateway();
    // What would be refused is not looked for: that asks the gateway what it has.
    let config = json!({
        "gateway_url": url, "job_name": "j", "timeout": "50s", "push_timeout": "50s", "push_policy": "manual",
        "preflight": false,
    });
    let limits = Limits::default().with_memory_bytes(256 << 20).with_recorder(Duration::from_secs(60));
    let plug = plug().start(&config, named_by(&config), limits).await.unwrap();
    set_all(&plug, 0.123_456).await;
    // The registry keeps the text that it wrote last.
    let text = exposition(&plug).await.len();
    let linear = async || plug.with(|session| Box::pin(async move { Ok(session.memory_bytes()) })).await.unwrap();
    let linear_begun = linear().await;
    let begun = resident().await.1;
    for round in 1..=4 {
        let (before, _) = resident().await;
        let files = status("RssFile");
        forget_peak();
        let answer = plug.ask(&json!({"operation": "push_metrics"})).await.unwrap();
        assert_eq!(answer["result"]["metric_pushed"], true, "{answer}");
        // Code that runs for the first time is read from the cache's file, and can go again.
        let code = status("RssFile").saturating_sub(files);
        let peak = status("VmHWM").saturating_sub(before + code);
        let body = bodies.recv().unwrap();
        assert_eq!(body, text);
        let left = resident().await.1.saturating_sub(begun);
        println!("push {round}: {:.2} bodies of {body} bytes; {left} bytes are left", peak as f64 / body as f64);
        assert!(peak <= 3 * body + SLACK, "{peak} bytes more than before, with a body of {body}");
        // The recorder and the allocator keep what they need for each further push, however many
        // there are. Whether they get it with the first or the second differs from run to run.
        assert!(left <= 2 * body + SLACK, "{left} bytes are left after push {round}, with a body of {body}");
    }
    // An instance gives back none of its memory.
    let grown = linear().await - linear_begun;
    assert!(grown <= text + SLACK, "the recorder grew by {grown} bytes for a body of {text}");
}
