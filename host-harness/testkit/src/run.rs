//! Starting a server, waiting until it is ready, stopping it.
//!
//! A server is a child of this process. It ends with its [`Running`], also when a panic unwinds
//! past it. It outlives this process only if that one is killed outright or leaves by
//! `std::process::exit`: the kernel's signal on a parent's death is tied to the *thread* that
//! started the child, which in a pool of threads ends long before the process does, so it is not
//! used.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::tool::shown;
use super::{Program, ScrapeConfig, TestkitError, tail};

/// How long a server may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(15);
/// How long a server may take to end after it was asked to; Prometheus writes its head block out.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// How long one readiness request may take.
const PROBE_WITHIN: Duration = Duration::from_secs(1);
/// Between two looks at a server that starts or stops.
const POLL: Duration = Duration::from_millis(20);
/// How often a server is started anew because its port was taken.
const PORT_TRIES: u32 = 5;
/// Before a given port is tried again: long enough for a connection that happens to use it to go
/// away.
const PORT_PAUSE: Duration = Duration::from_millis(200);

const LOG_FILE: &str = "server.log";
const CONFIG_FILE: &str = "prometheus.yml";
const ALERTMANAGER_CONFIG_FILE: &str = "alertmanager.yml";

/// How to start a Pushgateway. The default: a port that is free, nothing kept on disk.
#[derive(Clone, Debug, Default)]
pub struct PushgatewayOptions {
    /// The port to listen on; a free one if `None`. To start it again at the same URL, give the
    /// port of the one that was stopped.
    pub port: Option<u16>,
    /// Where to keep the groups over a restart; if `None`, they are gone when it ends.
    pub persistence_file: Option<PathBuf>,
    /// Whether `PUT /api/v1/admin/wipe` works.
    pub admin_api: bool,
    /// Further flags, each as one argument: `--push.disable-consistency-check`.
    pub flags: Vec<String>,
}

impl PushgatewayOptions {
    /// Adds a flag: `--push.disable-consistency-check`.
    #[must_use]
    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    fn arguments(&self) -> Vec<OsString> {
        let mut arguments = Vec::new();
        if let Some(file) = &self.persistence_file {
            arguments.push(flag("--persistence.file=", &whole(file)));
        }
        if self.admin_api {
            arguments.push("--web.enable-admin-api".into());
        }
        arguments.extend(self.flags.iter().map(OsString::from));
        arguments
    }
}

/// How to start a Prometheus. The default: a port that is free, data in the temporary folder,
/// Prometheus's own default settings, and nothing to scrape.
#[derive(Clone, Debug, Default)]
pub struct PrometheusOptions {
    /// The port to listen on; a free one if `None`.
    pub port: Option<u16>,
    /// The configuration as YAML text; see [`ScrapeConfig::render`].
    pub config: String,
    /// Where to keep the data over a restart; if `None`, it is gone when the server ends.
    pub data: Option<PathBuf>,
    /// Further flags, each as one argument: `--web.enable-remote-write-receiver`.
    pub flags: Vec<String>,
}

impl PrometheusOptions {
    /// The default, with this configuration.
    #[must_use]
    pub fn scraping(config: &ScrapeConfig) -> Self {
        Self { config: config.render(), ..Self::default() }
    }

    /// Adds a flag: `--web.enable-lifecycle`.
    #[must_use]
    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    fn arguments(&self, folder: &Path) -> Vec<OsString> {
        let data = self.data.as_deref().map_or_else(|| folder.join("data"), whole);
        let mut arguments =
            vec![flag("--config.file=", &folder.join(CONFIG_FILE)), flag("--storage.tsdb.path=", &data)];
        arguments.extend(self.flags.iter().map(OsString::from));
        arguments
    }
}

/// How to start a VictoriaMetrics, single node. The default: a port that is free, data in the
/// temporary folder.
///
/// It drops samples older than its retention, which is 100 years here, so that tests may write at
/// fixed moments.
#[derive(Clone, Debug, Default)]
pub struct VictoriaMetricsOptions {
    /// The port to listen on; a free one if `None`. To start it again at the same URL, give the
    /// port of the one that was stopped.
    pub port: Option<u16>,
    /// Where to keep the data over a restart; if `None`, it is gone when the server ends.
    pub data: Option<PathBuf>,
    /// Further flags, each as one argument: `-search.latencyOffset=0s`.
    pub flags: Vec<String>,
}

impl VictoriaMetricsOptions {
    /// Adds a flag: `-search.latencyOffset=0s`.
    #[must_use]
    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    fn arguments(&self, folder: &Path) -> Vec<OsString> {
        let data = self.data.as_deref().map_or_else(|| folder.join("data"), whole);
        let mut arguments = vec![flag("-storageDataPath=", &data), "-retentionPeriod=100y".into()];
        arguments.extend(self.flags.iter().map(OsString::from));
        arguments
    }
}

/// How to start an Alertmanager, alone and without a cluster. The default: a port that is free,
/// data in the temporary folder, and one receiver that tells nobody.
#[derive(Clone, Debug)]
pub struct AlertmanagerOptions {
    /// The port to listen on; a free one if `None`.
    pub port: Option<u16>,
    /// The configuration as YAML text.
    pub config: String,
    /// Further flags, each as one argument.
    pub flags: Vec<String>,
}

impl Default for AlertmanagerOptions {
    fn default() -> Self {
        Self {
            port: None,
            config: "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n".into(),
            flags: Vec::new(),
        }
    }
}

/// Starts an Alertmanager and waits until it is ready. Debian's looks for its templates in the
/// installed package's folder; where it was only unpacked, a copy of it that looks into its
/// temporary folder is started instead.
///
/// # Errors
/// Those of [`start_pushgateway`]; a configuration that it refuses makes it end early, and its log
/// then says why.
pub fn start_alertmanager(bin: &Path, options: &AlertmanagerOptions) -> Result<Running, TestkitError> {
    let folder = server_folder("plugpipe-alertmanager-")?;
    let relocated = relocated_alertmanager(bin, folder.path())?;
    let bin = relocated.as_deref().unwrap_or(bin);
    let config = folder.path().join(ALERTMANAGER_CONFIG_FILE);
    fs::write(&config, &options.config).map_err(TestkitError::file("write the configuration", &config))?;
    let mut arguments = vec![
        flag("--config.file=", &config),
        flag("--storage.path=", &folder.path().join("data")),
        // No peers, so no second port.
        "--cluster.listen-address=".into(),
    ];
    arguments.extend(options.flags.iter().map(OsString::from));
    let launch = Launch {
        program: Program::Alertmanager,
        bin,
        port: options.port,
        listen_flag: "--web.listen-address=",
        ready_path: "/-/ready",
        ready_within: READY_WITHIN,
    };
    launch.start(folder, arguments)
}

/// Where Debian's Alertmanager has its templates.
const ALERTMANAGER_SHARE: &str = "/usr/share/prometheus/alertmanager";

/// Of an Alertmanager that was unpacked and not installed: a copy in `folder`, with its templates
/// beside it, in which the templates' place is the folder it runs in. None for any other.
fn relocated_alertmanager(bin: &Path, folder: &Path) -> Result<Option<PathBuf>, TestkitError> {
    // <package>/usr/bin/prometheus-alertmanager; what is installed has no second root.
    let Some(root) = bin.ancestors().nth(3).filter(|root| root.parent().is_some()) else { return Ok(None) };
    let share = root.join(ALERTMANAGER_SHARE.trim_start_matches('/'));
    if Path::new(ALERTMANAGER_SHARE).join("default.tmpl").exists() || !share.join("default.tmpl").exists() {
        return Ok(None);
    }
    for template in ["default.tmpl", "email.tmpl"] {
        let from = share.join(template);
        if from.exists() {
            fs::copy(&from, folder.join(template)).map_err(TestkitError::file("copy the template", &from))?;
        }
    }
    let mut program = fs::read(bin).map_err(TestkitError::file("read", bin))?;
    // Of the same length: "./././" and so on, which is the folder it runs in.
    let here: Vec<u8> = b"./".iter().copied().cycle().take(ALERTMANAGER_SHARE.len()).collect();
    let mut from = 0;
    while let Some(found) =
        program.get(from..).and_then(|rest| memchr::memmem::find(rest, ALERTMANAGER_SHARE.as_bytes()))
    {
        let place = from + found;
        if let Some(path) = program.get_mut(place..place + here.len()) {
            path.copy_from_slice(&here);
        }
        from = place + here.len();
    }
    let copy = folder.join("alertmanager");
    fs::write(&copy, program).map_err(TestkitError::file("write", &copy))?;
    let permissions = fs::metadata(bin).map_err(TestkitError::file("read", bin))?.permissions();
    fs::set_permissions(&copy, permissions).map_err(TestkitError::file("make executable", &copy))?;
    Ok(Some(copy))
}

/// Starts a Pushgateway and waits until it is ready.
///
/// # Errors
/// [`TestkitError`] if it cannot be run, ends early, does not get ready within 15 s, or if the port
/// that was asked for stays taken.
pub fn start_pushgateway(bin: &Path, options: &PushgatewayOptions) -> Result<Running, TestkitError> {
    let launch = Launch {
        program: Program::Pushgateway,
        bin,
        port: options.port,
        listen_flag: "--web.listen-address=",
        ready_path: "/-/ready",
        ready_within: READY_WITHIN,
    };
    launch.start(server_folder("plugpipe-pushgateway-")?, options.arguments())
}

/// Starts a Prometheus and waits until it is ready. Its configuration is then `prometheus.yml` in
/// [`Running::folder`].
///
/// Ready is not yet scraping: Prometheus passes its targets on every 5 s, so the first scrape comes
/// about 5 s after the start, however short the interval is. Give whoever waits for a sample more
/// time than that.
///
/// # Errors
/// Those of [`start_pushgateway`]; a configuration that Prometheus refuses makes it end early, and
/// its log then says why.
pub fn start_prometheus(bin: &Path, options: &PrometheusOptions) -> Result<Running, TestkitError> {
    let folder = server_folder("plugpipe-prometheus-")?;
    let config = folder.path().join(CONFIG_FILE);
    fs::write(&config, &options.config).map_err(TestkitError::file("write the configuration", &config))?;
    let arguments = options.arguments(folder.path());
    let launch = Launch {
        program: Program::Prometheus,
        bin,
        port: options.port,
        listen_flag: "--web.listen-address=",
        ready_path: "/-/ready",
        ready_within: READY_WITHIN,
    };
    launch.start(folder, arguments)
}

/// Starts a VictoriaMetrics and waits until it is ready. What is written to it may be queried about
/// a second later, since it keeps the newest samples in memory for that long; `GET
/// /internal/force_flush` makes them visible at once.
///
/// # Errors
/// Those of [`start_pushgateway`].
pub fn start_victoria_metrics(bin: &Path, options: &VictoriaMetricsOptions) -> Result<Running, TestkitError> {
    let folder = server_folder("plugpipe-victoria-metrics-")?;
    let arguments = options.arguments(folder.path());
    let launch = Launch {
        program: Program::VictoriaMetrics,
        bin,
        port: options.port,
        listen_flag: "-httpListenAddr=",
        ready_path: "/health",
        ready_within: READY_WITHIN,
    };
    launch.start(folder, arguments)
}

/// A server that runs on loopback. Dropping it kills the server at once; [`stop`](Self::stop) lets
/// it end in order.
#[derive(Debug)]
pub struct Running {
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub url: String,
    program: Program,
    port: u16,
    // Before `folder`: fields drop in this order, and the server must be gone before its files are.
    child: Reaped,
    folder: TempDir,
}

impl Running {
    /// Asks the server to end (SIGTERM), waits up to 5 s, then kills it. It has ended when this
    /// returns, and its port is free.
    pub fn stop(self) {
        self.stop_within(STOP_WITHIN);
    }

    fn stop_within(mut self, within: Duration) {
        if self.child.ask_to_end() {
            let deadline = Instant::now() + within;
            while self.child.ended().is_none() && Instant::now() < deadline {
                thread::sleep(POLL);
            }
        }
        // What is still there is killed as `self` is dropped.
    }

    /// Everything it has printed so far, or why that cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        read_log(self.folder.path())
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.0.id()
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:PORT`, as a scrape target is written.
    #[must_use]
    pub fn authority(&self) -> String {
        authority(self.port)
    }

    /// Which server this is.
    #[must_use]
    pub fn program(&self) -> Program {
        self.program
    }

    /// Its temporary folder, removed with it: its log, and for Prometheus the configuration and the
    /// data.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A child that is killed and reaped when it is dropped. Until it is reaped its pid cannot be
/// another process's.
#[derive(Debug)]
struct Reaped(Child);

impl Reaped {
    /// How it ended, if it has.
    fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().ok().flatten()
    }

    /// Sends SIGTERM; false if that cannot be done.
    #[cfg(unix)]
    fn ask_to_end(&mut self) -> bool {
        use rustix::process::{Pid, Signal, kill_process};
        self.ended().is_none() && kill_process(Pid::from_child(&self.0), Signal::TERM).is_ok()
    }

    /// There is no such request here.
    #[cfg(not(unix))]
    fn ask_to_end(&mut self) -> bool {
        false
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        // Both fail only for a process that has ended and was reaped.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What is the same for every server: which file, which port, how it says that it is ready.
struct Launch<'a> {
    program: Program,
    bin: &'a Path,
    port: Option<u16>,
    /// With its `=`; the address follows.
    listen_flag: &'static str,
    ready_path: &'static str,
    ready_within: Duration,
}

impl Launch<'_> {
    /// Starts it, again while the port turns out to be taken: a free port is only known to have
    /// been free a moment ago.
    fn start(&self, folder: TempDir, arguments: Vec<OsString>) -> Result<Running, TestkitError> {
        let mut tries = 1;
        loop {
            let port = match self.port {
                Some(port) => port,
                None => free_port().map_err(TestkitError::file("find a free port for", self.bin))?,
            };
            match self.start_on(port, folder.path(), &arguments) {
                Ok(child) => {
                    let url = format!("http://{}", authority(port));
                    return Ok(Running { url, program: self.program, port, child, folder });
                }
                Err(TestkitError::PortTaken { .. }) if tries < PORT_TRIES => tries += 1,
                Err(error) => return Err(error),
            }
            if self.port.is_some() {
                thread::sleep(PORT_PAUSE);
            }
        }
    }

    fn start_on(&self, port: u16, folder: &Path, arguments: &[OsString]) -> Result<Reaped, TestkitError> {
        let log_path = folder.join(LOG_FILE);
        let log = File::create(&log_path).map_err(TestkitError::file("create the log", &log_path))?;
        let log_too = log.try_clone().map_err(TestkitError::file("open the log", &log_path))?;
        let mut command = Command::new(whole(self.bin));
        command.arg(format!("{}{}", self.listen_flag, authority(port))).args(arguments);
        command.current_dir(folder).stdin(Stdio::null()).stdout(log).stderr(log_too);
        let child = command
            .spawn()
            .map_err(|error| TestkitError::CannotRun { path: self.bin.to_owned(), detail: error.to_string() })?;
        let mut child = Reaped(child);

        let deadline = Instant::now() + self.ready_within;
        loop {
            if let Some(status) = child.ended() {
                let log = read_log(folder);
                if log.contains("address already in use") {
                    return Err(TestkitError::PortTaken { program: self.program, port });
                }
                let (status, command) = (status.to_string(), shown(&command));
                return Err(TestkitError::EndedEarly { program: self.program, status, command, log: tail(&log) });
            }
            // Whoever took the port before may be a server of the same kind, and ready.
            if says_ready(port, self.ready_path) && listens(child.0.id(), port) != Some(false) {
                return Ok(child);
            }
            if Instant::now() >= deadline {
                let url = format!("http://{}{}", authority(port), self.ready_path);
                return Err(TestkitError::NotReady {
                    program: self.program,
                    url,
                    within: self.ready_within,
                    log: tail(&read_log(folder)),
                });
            }
            thread::sleep(POLL);
        }
    }
}

fn server_folder(prefix: &str) -> Result<TempDir, TestkitError> {
    tempfile::Builder::new()
        .prefix(prefix)
        .tempdir()
        .map_err(TestkitError::file("create a temporary folder in", std::env::temp_dir()))
}

fn authority(port: u16) -> String {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string()
}

fn flag(name: &str, value: &Path) -> OsString {
    let mut argument = OsString::from(name);
    argument.push(value);
    argument
}

/// The path from the root: the server runs in a folder of its own, where a relative one would mean
/// something else.
fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn read_log(folder: &Path) -> String {
    match fs::read(folder.join(LOG_FILE)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("(the log cannot be read: {error})"),
    }
}

/// A port that nothing listens on at this moment.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Whether a server on this port answers 200 to a GET of `path`.
fn says_ready(port: u16, path: &str) -> bool {
    status_line(port, path).is_ok_and(|line| is_ok(&line))
}

/// The first line of the answer. HTTP/1.0, so that the server closes the connection and nothing
/// needs to be parsed beyond that line.
fn status_line(port: u16, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), PROBE_WITHIN)?;
    stream.set_read_timeout(Some(PROBE_WITHIN))?;
    stream.set_write_timeout(Some(PROBE_WITHIN))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", authority(port)).as_bytes())?;
    let mut start = Vec::new();
    // Enough for any status line, and bounded whatever it is that listens there.
    stream.take(1024).read_to_end(&mut start)?;
    Ok(String::from_utf8_lossy(&start).lines().next().unwrap_or_default().to_owned())
}

fn is_ok(status_line: &str) -> bool {
    let mut words = status_line.split(' ');
    words.next().is_some_and(|version| version.starts_with("HTTP/1.")) && words.next() == Some("200")
}

/// Whether the process `pid` is the one that listens on the port; `None` where the system does not
/// tell.
#[cfg(target_os = "linux")]
fn listens(pid: u32, port: u16) -> Option<bool> {
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let sockets: Vec<String> = listeners_in(&table, port).map(|inode| format!("socket:[{inode}]")).collect();
    let mut descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    Some(descriptors.any(|entry| {
        fs::read_link(entry.path()).is_ok_and(|link| sockets.iter().any(|socket| link.as_os_str() == socket.as_str()))
    }))
}

#[cfg(not(target_os = "linux"))]
fn listens(_pid: u32, _port: u16) -> Option<bool> {
    None
}

/// The inodes of the sockets that listen on `port`, from `/proc/net/tcp`: `sl local_address
/// rem_address st … inode`, addresses in hex.
#[cfg(target_os = "linux")]
fn listeners_in(table: &str, port: u16) -> impl Iterator<Item = &str> {
    const LISTEN: &str = "0A";
    const INODE: usize = 9;
    table.lines().filter_map(move |line| {
        let mut fields = line.split_whitespace();
        let (_, local_port) = fields.nth(1)?.split_once(':')?;
        let state = fields.nth(1)?;
        (u16::from_str_radix(local_port, 16) == Ok(port) && state == LISTEN).then(|| fields.nth(INODE - 4)).flatten()
    })
}

#[cfg(test)]
#[cfg(unix)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests;
