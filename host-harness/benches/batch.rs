//! Batches of records through `serve`, with ids and a state folder: `cargo bench -p
//! plugpipe-harness --bench batch`.
//!
//! Writers send batches of 100 records, counters and histograms with labels, each over a connection
//! of its own that is kept alive. First as fast as they can, then at 50,000 records a second: each
//! batch at its own moment, from which its time is counted, so that one that had to wait for others
//! counts its wait. Client and server share the machine. A batch is written to the journal before
//! it is answered.

// A bench that meets what it did not expect should stop there.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::future::pending;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use plugpipe_harness::serve::serve;
use plugpipe_harness::session::Format;
use plugpipe_harness::{Grants, Limits, embedded};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const WRITERS: usize = 8;
/// Records in a batch.
const RECORDS: usize = 100;
/// Records a second that are asked for.
const PACE: usize = 50_000;
const SECONDS: usize = 10;

/// The batches of one writer.
struct Writer {
    stream: BufReader<TcpStream>,
    /// A request without its number and its length.
    parts: [String; 3],
    number: u64,
}

impl Writer {
    fn connect(address: SocketAddr, index: usize) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let record = |place: usize| match place % 4 {
            0 => {
                json!({"name": "wait_seconds", "type": "histogram", "labels": {"queue": format!("q{}", place % 16)}, "values": [0.02, 0.4]})
            }
            _ => {
                json!({"name": "jobs_total", "type": "counter", "labels": {"queue": format!("q{place}"), "region": "eu"}, "value": 1})
            }
        };
        let metrics: Vec<_> = (0..RECORDS).map(record).collect();
        let parts = [
            format!(
                "POST /process HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nPlugPipe-Writer: w{index}\r\nContent-Length: "
            ),
            format!("\r\n\r\n{{\"ctx\": {{\"operation\": \"record_batch\", \"writer\": \"w{index}\", \"number\": "),
            format!(", \"metrics\": {}}}}}", json!(metrics)),
        ];
        Self { stream: BufReader::new(stream), parts, number: 0 }
    }

    fn send(&mut self) {
        self.number += 1;
        let [head, before, after] = &self.parts;
        let number = self.number.to_string();
        let length = before.len() - "\r\n\r\n".len() + number.len() + after.len();
        let request = format!("{head}{length}{before}{number}{after}");
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let answer = self.answer();
        assert!(answer.contains("\"success\":true") && !answer.contains("\"refused\":[{"), "{answer}");
    }

    fn answer(&mut self) -> String {
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some((_, value)) =
                line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }
}

fn main() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plug = embedded().unwrap();
    let plug = runtime
        .block_on(plug.start_in(&folder.path().join("state"), &json!({}), Grants::default(), Limits::default()))
        .unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(serve(listener, plug.clone(), pending()));
    let mut writers: Vec<Writer> = (0..WRITERS).map(|index| Writer::connect(address, index)).collect();

    let started = Instant::now();
    each(&mut writers, |writer, _| {
        while started.elapsed() < Duration::from_secs(SECONDS as u64 / 2) {
            writer.send();
        }
        Vec::new()
    });
    let sent: u64 = writers.iter().map(|writer| writer.number).sum();
    let rate = (sent as usize * RECORDS) as f64 / started.elapsed().as_secs_f64();
    println!("as fast as {WRITERS} writers can: {rate:.0} records a second");

    let batches = PACE / RECORDS * SECONDS;
    let every = Duration::from_secs(SECONDS as u64) / batches as u32;
    let start = Instant::now() + Duration::from_millis(100);
    let mut took = each(&mut writers, |writer, index| {
        let moments = (0..batches).filter(|batch| batch % WRITERS == index).map(|batch| start + every * batch as u32);
        moments
            .map(|moment| {
                std::thread::sleep(moment.saturating_duration_since(Instant::now()));
                writer.send();
                moment.elapsed()
            })
            .collect()
    });
    let late = start.elapsed().saturating_sub(Duration::from_secs(SECONDS as u64));
    took.sort();
    let at = |per_mille: usize| took[(took.len() - 1) * per_mille / 1_000];
    println!(
        "{batches} batches at {PACE} records a second: median {:?}, p99 {:?}, p99.9 {:?}, longest {:?}; the last was answered {late:?} \
         after its second",
        at(500),
        at(990),
        at(999),
        at(1_000)
    );

    let sent: u64 = writers.iter().map(|writer| writer.number).sum();
    let text = runtime.block_on(plug.with(|session| Box::pin(session.encode(Format::Text)))).unwrap();
    let text = String::from_utf8(text).unwrap();
    let sample = |line: &str| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
    let total: f64 = text.lines().filter(|line| line.starts_with("jobs_total{")).map(sample).sum();
    assert_eq!(total, (sent as usize * RECORDS * 3 / 4) as f64, "each record is counted once");
}

/// What all writers measure at once.
fn each(writers: &mut [Writer], run: impl Fn(&mut Writer, usize) -> Vec<Duration> + Sync) -> Vec<Duration> {
    std::thread::scope(|scope| {
        let run = &run;
        let running: Vec<_> =
            writers.iter_mut().enumerate().map(|(index, writer)| scope.spawn(move || run(writer, index))).collect();
        running.into_iter().flat_map(|running| running.join().unwrap()).collect()
    })
}
