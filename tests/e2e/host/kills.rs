//! `kill -9`, at every point of a request's way and under load: what was acknowledged is there once,
//! remote writes arrive with their own times and values, and groups that were pushed are deleted by
//! the process that comes after.
//!
//! `PLUGPIPE_SOAK_CUT_ROUNDS` (40), `PLUGPIPE_SOAK_KILLS` (200) and
//! `PLUGPIPE_SOAK_PROMETHEUS_KILLS` (50) make them long.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use plugpipe_harness::grants::{CredentialGrant, OriginGrant, SecretSource};
use plugpipe_harness::{Error, Grants, Limits, PlugHandle};
use serde_json::{Value, json};

use crate::cli::serve::{Served, get};
use crate::fake_accounting::{Account, AccountingServer, Behavior, Moment};
use crate::support::{Ask as _, body, exposition, flush, named_by, plug, prometheus_3, scale, without_servers};

const GROUP: &str = "/metrics/job/killed";

/// The series that counts remote writes: each has a value of its own.
const ROUND: &str = "round";

fn config(server: &AccountingServer) -> Value {
    json!({
        "gateway_url": server.url, "remote_write_url": server.write_url(), "remote_write_version": "1.0",
        "job_name": "killed", "timeout": "5s", "push_timeout": "5s", "retry_attempts": 1,
    })
}

fn counter(name: &str) -> Value {
    json!({"operation": "record_counter", "metric_name": name, "metric_value": 1})
}

fn round(number: u64) -> Value {
    json!({"operation": "record_gauge", "metric_name": ROUND, "metric_value": number, "push_policy": "manual"})
}

fn write() -> Value {
    json!({"operation": "remote_write_metrics"})
}

/// The value of the only series of this name, whatever its labels.
fn value_of(exposition: &str, name: &str) -> u64 {
    let is_it = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let line = exposition.lines().find(is_it);
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as u64)
}

/// The numbers of the rounds that a server has; each arrived with one time only.
fn rounds(account: &Account) -> BTreeSet<u64> {
    assert_eq!(account.problems, [""; 0]);
    let samples = account.samples(ROUND);
    let rounds: BTreeSet<u64> = samples.values().map(|bits| f64::from_bits(*bits) as u64).collect();
    assert_eq!(rounds.len(), samples.len(), "a round arrived with two times: {samples:?}");
    rounds
}

/// The folder is free once the last handle's task has ended.
async fn open(folder: &Path, config: &Value, grants: &Grants) -> PlugHandle {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match plug().start_in(folder, config, grants.clone(), Limits::default()).await {
            Err(Error::State { problem, .. }) if problem.contains("in use") => assert!(Instant::now() < deadline),
            started => return started.unwrap(),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Something that was done while the journal grew from `from` to `to` bytes.
struct Done {
    from: usize,
    to: usize,
    what: What,
}

enum What {
    /// One more was counted.
    Counted,
    /// A round was written, and arrived, or is kept for the next write.
    Written { number: u64, arrived: bool },
}

/// Where the records of a state file end: see host-harness/runtime/src/journal/file.rs.
fn ends(bytes: &[u8]) -> Vec<usize> {
    let mut place = 8;
    let mut ends = Vec::new();
    while let Some(length) = bytes.get(place..place + 4) {
        place += 12 + u32::from_le_bytes(length.try_into().unwrap()) as usize;
        ends.push(place);
    }
    ends
}

/// Pushes and writes, some of which fail, with the journal that they leave.
async fn run(folder: &Path, server: &AccountingServer) -> (Vec<u8>, Vec<Done>) {
    let config = config(server);
    let plug = open(folder, &config, &named_by(&config)).await;
    let path = folder.join("journal");
    let length = || std::fs::metadata(&path).unwrap().len() as usize;
    // Numbers for tickets are reserved with the first call.
    plug.ask(&json!({"operation": "describe"})).await.unwrap();
    let mut done = Vec::new();
    for number in 1..=scale("PLUGPIPE_SOAK_CUT_ROUNDS", 4) {
        let from = length();
        assert_eq!(plug.ask(&counter("counted_total")).await.unwrap()["success"], true);
        done.push(Done { from, to: length(), what: What::Counted });
        plug.ask(&round(number)).await.unwrap();
        let from = length();
        let answer = plug.ask(&write()).await.unwrap();
        let arrived = answer["success"] == true;
        assert!(arrived || answer["pending"].as_u64().unwrap() > 0, "{answer}");
        done.push(Done { from, to: length(), what: What::Written { number, arrived } });
    }
    (std::fs::read(path).unwrap(), done)
}

/// A process that is killed leaves the journal as it is at that moment: so each beginning of the
/// journal is a kill, and so is each that ends within an entry. Before `start` is in it, nothing was
/// recorded; from then on, all was, whether the job was taken or not, whether its request arrived
/// or not, until `complete` is in it.
#[tokio::test]
async fn a_kill_at_any_point_between_start_and_complete_loses_nothing_and_repeats_no_other_value() {
    let folder = tempfile::tempdir().unwrap();
    let server = AccountingServer::start(Behavior { fails_at_times: true, ..Behavior::default() });
    let (whole, done) = run(folder.path(), &server).await;
    server.stop_failing();
    let known = server.account(|account| account.series.clone());
    let failed = done.iter().filter(|done| matches!(done.what, What::Written { arrived: false, .. })).count();
    assert!((1..done.len() / 2).contains(&failed), "{failed} of {} writes failed", done.len() / 2);
    let ends = ends(&whole);
    assert_eq!(ends.last(), Some(&whole.len()));
    let torn = ends.windows(2).map(|pair| usize::midpoint(pair[0], pair[1]));
    let cuts: BTreeSet<usize> = ends.iter().copied().chain(torn).collect();
    assert!(cuts.len() > 6 * done.len(), "{} for {}", cuts.len(), done.len());
    println!("{} beginnings of a journal of {} calls", cuts.len(), done.len());
    for cut in cuts {
        // As far as whole entries go.
        let kept = *ends.iter().rfind(|end| **end <= cut).unwrap();
        let counted = done.iter().filter(|done| matches!(done.what, What::Counted) && done.from < kept).count();
        let mut pending = BTreeSet::new();
        for done in done.iter().filter(|done| done.from < kept) {
            let What::Written { number, arrived } = done.what else { continue };
            pending.insert(number);
            // Else the server may have it, and the journal does not say so.
            if arrived && done.to <= kept {
                pending.clear();
            }
        }
        for series in [&known, &BTreeMap::new()] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("journal"), &whole[..cut]).unwrap();
            server.replace(Account::with_series(series.clone()));
            let (total, rounds) = goes_on(folder.path(), &server).await;
            assert_eq!(total, counted as u64, "at {cut} of {}", whole.len());
            // What the server had is not part of what arrives now.
            let expected: BTreeSet<u64> = pending.iter().copied().chain([LAST]).collect();
            assert!(rounds.is_superset(&expected), "{rounds:?} at {cut} of {}", whole.len());
            assert!(!series.is_empty() || rounds == expected, "{rounds:?}, not {expected:?}, at {cut}");
        }
    }
}

/// The round that a process writes that goes on after a kill.
const LAST: u64 = 1_000;

/// A process that comes after a kill; returns the total that it knows, and the rounds that the server
/// has in the end.
async fn goes_on(folder: &Path, server: &AccountingServer) -> (u64, BTreeSet<u64>) {
    let config = config(server);
    let plug = open(folder, &config, &named_by(&config)).await;
    assert_eq!(plug.recovery().await.unwrap().lost, 0);
    let total = value_of(&exposition(&plug).await, "counted_total");
    plug.ask(&round(LAST)).await.unwrap();
    let answer = plug.ask(&write()).await.unwrap();
    assert_eq!((&answer["success"], &answer["result"]["pending"]), (&json!(true), &json!(0)), "{answer}");
    assert_eq!(flush(&plug).await, None);
    let rounds = server.account(|account| {
        assert_eq!(account.pushed(GROUP, "counted_total"), total);
        rounds(account)
    });
    plug.cleanup().await.unwrap();
    server.account(|account| assert!(account.groups.is_empty(), "{:?}", account.groups));
    (total, rounds)
}

/// The credential of the host, which the plug does not know.
const SECRET: &str = "of-the-host-alone";

/// A host with a state folder, to which its files belong.
struct Host {
    server: AccountingServer,
    folder: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let server = AccountingServer::start(Behavior {
            push_takes: Duration::from_millis(2),
            authorization: Some(format!("Bearer {SECRET}")),
            fails_at_times: true,
        });
        let folder = tempfile::tempdir().unwrap();
        let host = Self { server, folder };
        let url = &host.server.url;
        let grants = format!(
            "origins: [{{url: \"{url}\", credential: own}}]\ncredentials: {{own: {{bearer: {{file: secret}}}}}}"
        );
        for (name, text) in
            [("config.json", config(&host.server).to_string()), ("grants.yaml", grants), ("secret", SECRET.to_owned())]
        {
            std::fs::write(host.path(name), text).unwrap();
        }
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self) -> Served {
        let [config, grants, state] = ["config.json", "grants.yaml", "state"].map(|name| self.path(name));
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        Served::start(&["--config", &text(&config), "--grants", &text(&grants), "--state", &text(&state)])
    }

    /// The same in this process.
    async fn open(&self) -> PlugHandle {
        let mut grant = OriginGrant::read(&self.server.url).unwrap();
        grant.credential = Some("own".into());
        let mut grants = Grants::none();
        grants.origins.insert(grant);
        grants.credentials.insert("own".into(), CredentialGrant::Bearer(SecretSource::File(self.path("secret"))));
        open(&self.path("state"), &config(&self.server), &grants).await
    }
}

/// One call; nothing where the host is gone.
fn call(agent: &ureq::Agent, url: &str, ctx: &Value) -> Option<Value> {
    let mut response = agent.post(format!("{url}/process")).send(json!({"ctx": ctx}).to_string()).ok()?;
    serde_json::from_str(&response.body_mut().read_to_string().ok()?).ok()
}

/// Callers that count, each into a series of its own, and how.
const COUNTERS: [(&str, Option<&str>); 3] =
    [("counted_0_total", None), ("counted_1_total", None), ("counted_2_total", Some("killed-own"))];

/// Counts until the host is gone; returns how often that was acknowledged.
fn counts(url: &str, (name, job): (&str, Option<&str>), pushed: &AtomicBool) -> u64 {
    let (agent, mut acknowledged) = (ureq::Agent::new_with_defaults(), 0);
    let mut ctx = counter(name);
    if let Some(job) = job {
        ctx["prometheus_config"] = json!({"job_name": job});
    }
    while let Some(answer) = call(&agent, url, &ctx) {
        assert_eq!(answer["success"], true, "{answer}");
        if answer["result"]["metric_pushed"] == true {
            pushed.store(true, Ordering::Relaxed);
        }
        acknowledged += 1;
    }
    acknowledged
}

/// What the writer tried, and what was acknowledged.
#[derive(Default)]
struct Writer {
    tried: u64,
    acknowledged: BTreeSet<u64>,
}

impl Writer {
    /// Writes rounds until the host is gone.
    fn writes(mut self, url: &str) -> Self {
        let agent = ureq::Agent::new_with_defaults();
        loop {
            self.tried += 1;
            if call(&agent, url, &round(self.tried)).is_none() {
                return self;
            }
            let Some(answer) = call(&agent, url, &write()) else { return self };
            // What did not arrive is kept for the next write.
            assert!(answer["success"] == true || answer["pending"].as_u64().unwrap() > 0, "{answer}");
            self.acknowledged.insert(self.tried);
        }
    }
}

/// Waits for the moment to kill: a time, or what arrives at the server or was stored there.
fn wait_for_moment(kill: u64, server: &AccountingServer) {
    use Moment::{PushArrived, PushStored, WriteArrived, WriteStored};
    let wanted = [None, Some(PushArrived), Some(PushStored), Some(WriteArrived), Some(WriteStored)];
    let moments = server.moments();
    // Irregular, and the same at every run.
    let irregular = kill * 7_919;
    match wanted[(kill % 5) as usize] {
        None => std::thread::sleep(Duration::from_millis(20 + irregular % 130)),
        Some(wanted) => {
            for _ in 0..=irregular % 7 {
                let deadline = Duration::from_secs(20);
                while moments.recv_timeout(deadline).unwrap_or_else(|error| panic!("{wanted:?}: {error}")) != wanted {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_under_load_with_pushes_and_remote_writes_lose_nothing() {
    let kills = scale("PLUGPIPE_SOAK_KILLS", 10);
    let host = Host::new();
    let mut counted = [0; COUNTERS.len()];
    let mut writer = Writer::default();
    let pushed = Arc::new(AtomicBool::new(false));
    for kill in 0..=kills {
        let served = Arc::new(host.start());
        let text = get(&format!("{}/metrics", served.url)).await.1;
        for (counted, (name, _)) in counted.iter_mut().zip(COUNTERS) {
            let found = value_of(&text, name);
            // One call may have been written down and not been answered.
            assert!((*counted..=*counted + 1).contains(&found), "{name}, kill {kill}: {counted}, and {found} there");
            *counted = found;
        }
        if kill == kills {
            ends_well(&host, &served, &counted, writer).await;
            break;
        }
        let counters = COUNTERS.map(|counter| {
            let (served, pushed) = (Arc::clone(&served), Arc::clone(&pushed));
            tokio::task::spawn_blocking(move || counts(&served.url, counter, &pushed))
        });
        let writes = {
            let served = Arc::clone(&served);
            tokio::task::spawn_blocking(move || writer.writes(&served.url))
        };
        let server = host.server.clone();
        tokio::task::spawn_blocking(move || wait_for_moment(kill, &server)).await.unwrap();
        served.kill();
        for (counted, counter) in counted.iter_mut().zip(counters) {
            *counted += counter.await.unwrap();
        }
        writer = writes.await.unwrap();
    }
    assert!(pushed.load(Ordering::Relaxed));
    // The process that cleans up comes after one that was killed too.
    let plug = host.open().await;
    let answer = body(&plug.cleanup().await.unwrap());
    host.server.account(|account| {
        assert!(account.groups.is_empty(), "{:?}: {answer}", account.groups);
        assert_eq!((account.unauthorized, account.problems.len()), (0, 0), "{:?}", account.problems);
        println!(
            "{kills} kills, {counted:?} counted, {} pushes, {} writes, {} samples that arrived again",
            account.pushes, account.writes, account.repeated
        );
    });
}

/// After the last kill: the servers have all that was acknowledged, and then the host is killed.
async fn ends_well(host: &Host, served: &Served, counted: &[u64], mut writer: Writer) {
    host.server.stop_failing();
    writer.tried += 1;
    writer.acknowledged.insert(writer.tried);
    for ctx in [round(writer.tried), write(), json!({"operation": "flush_metrics"})] {
        let (_, answer) = served.process(json!({"ctx": ctx})).await;
        assert_eq!(answer["success"], true, "{answer}");
    }
    host.server.account(|account| {
        let arrived = rounds(account);
        assert!(arrived.is_superset(&writer.acknowledged), "{:?}", writer.acknowledged.difference(&arrived));
        assert!(arrived.iter().all(|round| (1..=writer.tried).contains(round)), "{arrived:?}");
        for (counted, (name, job)) in counted.iter().zip(COUNTERS) {
            let group = job.map_or(GROUP.to_owned(), |job| format!("/metrics/job/{job}"));
            assert_eq!(account.pushed(&group, name), *counted, "{name}");
        }
    });
    served.kill();
}

/// The times and values of the rounds that a real Prometheus has stored.
async fn stored_rounds(url: &str) -> Vec<u64> {
    let (status, text) = get(&format!("{url}/api/v1/query?query={ROUND}%5B1h%5D")).await;
    assert_eq!(status, 200, "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    let series = answer["data"]["result"].as_array().unwrap();
    let values = series.iter().flat_map(|series| series["values"].as_array().unwrap());
    values.map(|sample| sample[1].as_str().unwrap().parse::<f64>().unwrap() as u64).collect()
}

/// The fake receiver counts exactly; this one decides itself what it takes twice, late or not at
/// all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_prometheus_stores_each_acknowledged_value_once_whatever_is_killed() {
    if without_servers("a_real_prometheus_stores_each_acknowledged_value_once_whatever_is_killed") {
        return;
    }
    let prometheus = prometheus_3(Vec::new(), |options| options.flag("--web.enable-remote-write-receiver")).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let config = json!({
        "remote_write_url": format!("{}/api/v1/write", prometheus.url), "job_name": "killed", "retry_attempts": 1,
    });
    std::fs::write(path("config.json"), config.to_string()).unwrap();
    let mut writer = Writer::default();
    let kills = scale("PLUGPIPE_SOAK_PROMETHEUS_KILLS", 5);
    for kill in 0..kills {
        let served = Arc::new(Served::start(&["--config", &path("config.json"), "--state", &path("state")]));
        let writes = {
            let served = Arc::clone(&served);
            tokio::task::spawn_blocking(move || writer.writes(&served.url))
        };
        tokio::time::sleep(Duration::from_millis(150 + kill * 7_919 % 180)).await;
        served.kill();
        writer = writes.await.unwrap();
    }
    // What the last kill left is sent by the process that comes after.
    let served = Served::start(&["--config", &path("config.json"), "--state", &path("state")]);
    writer.tried += 1;
    for ctx in [round(writer.tried), write()] {
        let (_, answer) = served.process(json!({"ctx": ctx})).await;
        assert_eq!(answer["success"], true, "{answer}");
    }
    writer.acknowledged.insert(writer.tried);
    let stored = stored_rounds(&prometheus.url).await;
    let rounds: BTreeSet<u64> = stored.iter().copied().collect();
    assert_eq!(rounds.len(), stored.len(), "a round is stored with two times: {stored:?}");
    assert!(rounds.is_superset(&writer.acknowledged), "{:?}", writer.acknowledged.difference(&rounds));
    assert!(rounds.iter().all(|round| (1..=writer.tried).contains(round)), "{rounds:?} of {}", writer.tried);
    println!("{kills} kills, {} rounds acknowledged, {} stored", writer.acknowledged.len(), stored.len());
    assert!(writer.acknowledged.len() as u64 > kills, "{:?}", writer.acknowledged);
}
