//! What the suites share: the component compiled once, the binary, real servers.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use plugpipe_harness::answer::Server;
use plugpipe_harness::delivery::{self, Undelivered};
use plugpipe_harness::session::Format;
use plugpipe_harness::{Answer, Error, Grants, Limits, Plug, PlugHandle};
use plugpipe_testkit::{
    AlertmanagerOptions, Program, PrometheusOptions, PushgatewayOptions, Running, ScrapeConfig, ScrapeJob, Servers,
    start_alertmanager, start_prometheus, start_pushgateway, version,
};
use serde_json::{Value, json};

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The embedded component, compiled once for all tests.
pub fn plug() -> &'static Plug {
    static PLUG: OnceLock<Plug> = OnceLock::new();
    PLUG.get_or_init(|| plugpipe_harness::embedded().unwrap())
}

/// What a configuration of the embedded plug grants by itself.
pub fn named_by(config: &Value) -> Grants {
    static SERVERS: OnceLock<Vec<Server>> = OnceLock::new();
    // Asked on a thread of its own, since callers may be within a runtime.
    let describe = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(plug().describe()).unwrap().servers.clone()
    };
    Grants::named_by(config, SERVERS.get_or_init(|| std::thread::scope(|scope| scope.spawn(describe).join().unwrap())))
}

/// The body of a response, as JSON.
pub fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// Calls whose requests and responses are JSON.
pub trait Ask {
    /// The body of the response to an operation. It says of success and warnings what the answer says.
    async fn ask(&self, ctx: &Value) -> Result<Value, Error>;

    /// The same of texts, which need not be JSON.
    async fn ask_text(&self, ctx: impl Into<String>, cfg: impl Into<String>) -> Result<Value, Error>;

    /// That of the response to a health check.
    async fn health_check(&self) -> Result<Value, Error>;
}

impl Ask for PlugHandle {
    async fn ask(&self, ctx: &Value) -> Result<Value, Error> {
        self.ask_text(ctx.to_string(), "").await
    }

    async fn ask_text(&self, ctx: impl Into<String>, cfg: impl Into<String>) -> Result<Value, Error> {
        Ok(agreeing(&self.process(ctx, cfg).await?))
    }

    async fn health_check(&self) -> Result<Value, Error> {
        Ok(agreeing(&self.health().await?))
    }
}

/// The body of a response, which says of errors and warnings what the response itself says.
pub fn agreeing(answer: &Answer) -> Value {
    let body = body(answer);
    assert_eq!(body["success"], answer.is_ok(), "{answer:?}");
    if let Some(problem) = &answer.error {
        assert_eq!(body["error_code"], problem.code, "{answer:?}");
    }
    let warnings = body.get("warnings").cloned().unwrap_or(json!([]));
    assert_eq!(warnings, json!(answer.warnings), "{answer:?}");
    body
}

/// Delivers what is unsent. What would be lost then, if anything.
pub async fn flush(plug: &PlugHandle) -> Option<Undelivered> {
    delivery::deliver(plug, None).await.unwrap().undelivered
}

/// A plug whose every answer is held against the manifest's schemas.
#[derive(Clone)]
pub struct Checked(PlugHandle);

impl From<PlugHandle> for Checked {
    fn from(plug: PlugHandle) -> Self {
        Self(plug)
    }
}

impl std::ops::Deref for Checked {
    type Target = PlugHandle;

    fn deref(&self) -> &PlugHandle {
        &self.0
    }
}

impl Checked {
    pub async fn process(&self, ctx: &Value) -> Result<Value, plugpipe_harness::Error> {
        let answer = self.0.ask(ctx).await?;
        crate::cli::manifest::check(ctx, &answer);
        Ok(answer)
    }

    pub async fn health_check(&self) -> Result<Value, plugpipe_harness::Error> {
        let answer = self.0.health_check().await?;
        crate::cli::manifest::check(&json!({}), &answer);
        Ok(answer)
    }
}

/// A plug with this configuration, granted what the configuration names.
pub async fn start(config: Value) -> Checked {
    Checked(plug().start(&config, named_by(&config), Limits::default()).await.unwrap())
}

/// A plug that may write rules into that folder.
pub async fn start_with_rules(config: Value, rules: &Path) -> Checked {
    let grants = named_by(&config).and_rules_folder(Some(rules.to_owned()));
    plug().start(&config, grants, Limits::default()).await.unwrap().into()
}

/// The result of an operation that succeeds.
pub async fn result(plug: &Checked, ctx: Value) -> Value {
    let answer = plug.process(&ctx).await.unwrap();
    assert_eq!(answer["success"], true, "{answer}");
    answer["result"].clone()
}

/// A plug without configuration or grants.
pub async fn alone() -> Checked {
    start(json!({})).await
}

/// How much of something a test does: what the environment says, or the default.
pub fn scale(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// The text exposition of a plug.
pub async fn exposition(plug: &PlugHandle) -> String {
    let text = plug.with(|session| Box::pin(session.encode(Format::Text))).await.unwrap();
    String::from_utf8(text).unwrap()
}

/// `plugpipe-harness` in the workspace's root, told nothing by this process's environment.
pub fn harness(arguments: &[&str]) -> Command {
    // Compiled before, so that no command announces on stderr that it compiles the component.
    plug();
    let mut command = Command::new(env!("CARGO_BIN_EXE_plugpipe-harness"));
    command
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null())
        .env_remove("PLUGPIPE_PLUG")
        .env_remove("PLUGPIPE_LOG");
    command
}

/// Runs it to its end.
pub fn run(arguments: &[&str]) -> Output {
    harness(arguments).output().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The JSON on stdout.
pub fn answer(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", stdout(output), stderr(output)))
}

/// Whether the caller asked to leave real servers out; says what is left out.
pub fn without_servers(test: &str) -> bool {
    let without =
        std::env::var_os("PLUGPIPE_TESTS_WITHOUT_SERVERS").is_some_and(|value| !value.is_empty() && value != "0");
    if without {
        eprintln!("left out, because PLUGPIPE_TESTS_WITHOUT_SERVERS is set: {test}");
    }
    without
}

pub fn servers() -> Servers {
    Servers::from_env_or(root().join(".servers"))
}

pub fn program(program: Program) -> PathBuf {
    servers().find_or_fetch(program).unwrap_or_else(|error| panic!("{error}"))
}

/// A real Pushgateway, on this port or a free one.
pub async fn pushgateway(port: Option<u16>) -> Running {
    tokio::task::spawn_blocking(move || {
        start_pushgateway(&program(Program::Pushgateway), &PushgatewayOptions { port, ..Default::default() }).unwrap()
    })
    .await
    .unwrap()
}

/// A real Alertmanager with this configuration.
pub async fn alertmanager(config: String) -> Running {
    tokio::task::spawn_blocking(move || {
        // Debian's older one does not start when it was only unpacked.
        let bin = servers().find_or_fetch_newest(Program::Alertmanager);
        let options = AlertmanagerOptions { config, ..AlertmanagerOptions::default() };
        start_alertmanager(&bin.unwrap_or_else(|error| panic!("{error}")), &options).unwrap()
    })
    .await
    .unwrap()
}

/// A real Pushgateway of at least version 1.11, which takes native histograms and has a flag for
/// UTF-8 names.
pub async fn pushgateway_1_11(flags: &'static [&'static str]) -> Running {
    tokio::task::spawn_blocking(move || {
        let bin =
            servers().find_or_fetch_release(Program::Pushgateway, (1, 11)).unwrap_or_else(|error| panic!("{error}"));
        let options = flags.iter().fold(PushgatewayOptions::default(), |options, flag| options.flag(*flag));
        start_pushgateway(&bin, &options).unwrap()
    })
    .await
    .unwrap()
}

/// A real Prometheus that scrapes these every second.
pub async fn prometheus(jobs: Vec<ScrapeJob>) -> Running {
    prometheus_with(jobs, |options| options).await
}

/// The same with further options.
pub async fn prometheus_with(
    jobs: Vec<ScrapeJob>,
    with: impl FnOnce(PrometheusOptions) -> PrometheusOptions + Send + 'static,
) -> Running {
    tokio::task::spawn_blocking(move || start_prometheus(&program(Program::Prometheus), &with(scraping(jobs))).unwrap())
        .await
        .unwrap()
}

/// A real Prometheus of at least version 3 that scrapes these every second, and takes native
/// histograms.
pub async fn prometheus_3(
    jobs: Vec<ScrapeJob>,
    with: impl FnOnce(PrometheusOptions) -> PrometheusOptions + Send + 'static,
) -> Running {
    tokio::task::spawn_blocking(move || {
        let bin = servers().find_or_fetch_at_least(Program::Prometheus, 3).unwrap_or_else(|error| panic!("{error}"));
        let release = version(&bin).unwrap();
        let minor: u32 = release.split('.').nth(1).unwrap().parse().unwrap();
        let mut options = with(scraping(jobs));
        // A feature to switch on up to 3.7, a setting from 3.8 on; each refuses or ignores the
        // other's.
        if minor < 8 {
            options = options.flag("--enable-feature=native-histograms");
        } else {
            options.config = options.config.replacen("global:\n", "global:\n  scrape_native_histograms: true\n", 1);
        }
        start_prometheus(&bin, &options).unwrap()
    })
    .await
    .unwrap()
}

fn scraping(jobs: Vec<ScrapeJob>) -> PrometheusOptions {
    PrometheusOptions::scraping(&jobs.into_iter().fold(ScrapeConfig::every(Duration::from_secs(1)), ScrapeConfig::job))
}

/// Asks a query through the plug until its result is one that `wanted` takes; Prometheus first
/// scrapes some seconds after its start.
pub async fn query_until(plug: &Checked, ctx: Value, wanted: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        let answer = plug.process(&ctx).await.unwrap();
        assert_eq!(answer["success"], true, "{answer}");
        if wanted(&answer["result"]["query_result"]["result"]) {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(40), "no such answer: {answer}");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// A receiver of webhooks on loopback: keeps what arrives, and answers each with the next of its
/// statuses, the last one for ever.
pub struct Receiver {
    pub url: String,
    arrived: std::sync::mpsc::Receiver<Arrived>,
}

/// One request: its headers, names in lower case, and its body.
#[derive(Debug)]
pub struct Arrived {
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Arrived {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The first line of a request and its headers; nothing where the connection ended before them.
pub fn read_head(stream: &mut impl std::io::BufRead) -> Vec<String> {
    let lines = std::iter::from_fn(|| {
        let mut line = String::new();
        (stream.read_line(&mut line).unwrap_or(0) > 0).then(|| line.trim().to_owned())
    });
    lines.take_while(|line| !line.is_empty()).collect()
}

impl Receiver {
    pub fn start(statuses: &[u16]) -> Self {
        use std::io::{BufReader, Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (sender, arrived) = std::sync::mpsc::channel();
        let mut statuses = statuses.to_vec();
        // Ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let lines = read_head(&mut stream);
                let headers: Vec<(String, String)> = lines
                    .iter()
                    .skip(1)
                    .filter_map(|line| line.split_once(':'))
                    .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                    .collect();
                let length = headers.iter().find(|(name, _)| name == "content-length");
                let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
                if stream.read_exact(&mut body).is_err() {
                    continue;
                }
                let status = if statuses.len() > 1 { statuses.remove(0) } else { statuses[0] };
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.get_mut().write_all(answer.as_bytes());
                if sender.send(Arrived { headers, body: String::from_utf8(body).unwrap() }).is_err() {
                    return;
                }
            }
        });
        Self { url, arrived }
    }

    /// The next request, waited for.
    pub fn next(&self, within: Duration) -> Arrived {
        self.arrived.recv_timeout(within).expect("the webhook is called")
    }

    /// Whether nothing more arrived.
    pub fn is_quiet(&self) -> bool {
        self.arrived.try_recv().is_err()
    }
}

/// A folder as Kubernetes mounts a secret: each file is a link into `..data`, a link that leads to
/// another folder once the secret has changed.
pub struct Mounted(tempfile::TempDir);

impl Mounted {
    pub fn new(files: &[(&str, &[u8])]) -> Self {
        let mounted = Self(tempfile::tempdir().unwrap());
        for (name, _) in files {
            std::os::unix::fs::symlink(Path::new("..data").join(name), mounted.path(name)).unwrap();
        }
        mounted.change(files);
        mounted
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts these files in the place of the others, all at once.
    pub fn change(&self, files: &[(&str, &[u8])]) {
        let folder = tempfile::Builder::new().prefix("..").tempdir_in(self.0.path()).unwrap().keep();
        for (name, content) in files {
            std::fs::write(folder.join(name), content).unwrap();
        }
        let next = self.path("..next");
        std::os::unix::fs::symlink(&folder, &next).unwrap();
        std::fs::rename(next, self.path("..data")).unwrap();
    }
}

/// Waits until the host looks at files again.
pub async fn until_files_are_read() {
    tokio::time::sleep(Duration::from_millis(1_200)).await;
}
