//! Starts servers, waits until they are ready, and stops them.
//!
//! A server is a child process that ends when its [`Running`] is dropped, also by a panic. It
//! outlives this process only if this process is killed or calls `std::process::exit`: the kernel's
//! parent-death signal is not used, because it fires when the *thread* that started the child ends,
//! which in a thread pool is long before the process.

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

/// Timeout for a server to become ready.
const READY_WITHIN: Duration = Duration::from_secs(15);
/// Timeout for a graceful shutdown, in which Prometheus writes its head block.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// Timeout of a readiness request.
const PROBE_WITHIN: Duration = Duration::from_secs(1);
/// Polling interval for a starting or stopping server.
const POLL: Duration = Duration::from_millis(20);
/// Maximum number of starts if the port is in use.
const PORT_TRIES: u32 = 5;
/// Pause before retrying a fixed port, so that a connection that uses it can end.
const PORT_PAUSE: Duration = Duration::from_millis(200);

const LOG_FILE: &str = "server.log";
const CONFIG_FILE: &str = "prometheus.yml";
const ALERTMANAGER_CONFIG_FILE: &str = "alertmanager.yml";

/// Options of a Pushgateway. Default: a free port, no persistence.
#[derive(Clone, Debug, Default)]
pub struct PushgatewayOptions {
    /// The port to listen on; a free one if `None`. To restart at the same URL, set the port of the
    /// stopped server.
    pub port: Option<u16>,
    /// File to persist groups across restarts.
    pub persistence_file: Option<PathBuf>,
    /// Enables `PUT /api/v1/admin/wipe`.
    pub admin_api: bool,
    /// Additional flags, each as one argument: `--push.disable-consistency-check`.
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
            arguments.push(flag("--persistence.file=", &absolute(file)));
        }
        if self.admin_api {
            arguments.push("--web.enable-admin-api".into());
        }
        arguments.extend(self.flags.iter().map(OsString::from));
        arguments
    }
}

/// Options of a Prometheus. Default: a free port, data in the temporary folder, an empty
/// configuration.
#[derive(Clone, Debug, Default)]
pub struct PrometheusOptions {
    /// The port to listen on; a free one if `None`.
    pub port: Option<u16>,
    /// The configuration as YAML text; see [`ScrapeConfig::render`].
    pub config: String,
    /// Folder to keep the data across restarts.
    pub data: Option<PathBuf>,
    /// Additional flags, each as one argument: `--web.enable-remote-write-receiver`.
    pub flags: Vec<String>,
}

impl PrometheusOptions {
    /// The default options with this configuration.
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
        let data = self.data.as_deref().map_or_else(|| folder.join("data"), absolute);
        let mut arguments =
            vec![flag("--config.file=", &folder.join(CONFIG_FILE)), flag("--storage.tsdb.path=", &data)];
        arguments.extend(self.flags.iter().map(OsString::from));
        arguments
    }
}

/// Options of a single-node VictoriaMetrics. Default: a free port, data in the temporary folder.
///
/// The retention is 100 years, so that tests can write samples at fixed times.
#[derive(Clone, Debug, Default)]
pub struct VictoriaMetricsOptions {
    /// The port to listen on; a free one if `None`. To restart at the same URL, set the port of the
    /// stopped server.
    pub port: Option<u16>,
    /// Folder to keep the data across restarts.
    pub data: Option<PathBuf>,
    /// Additional flags, each as one argument: `-search.latencyOffset=0s`.
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
        let data = self.data.as_deref().map_or_else(|| folder.join("data"), absolute);
        let mut arguments = vec![flag("-storageDataPath=", &data), "-retentionPeriod=100y".into()];
        arguments.extend(self.flags.iter().map(OsString::from));
        arguments
    }
}

/// Options of an Alertmanager without clustering. Default: a free port, data in the temporary
/// folder, and one receiver without integrations.
#[derive(Clone, Debug)]
pub struct AlertmanagerOptions {
    /// The port to listen on; a free one if `None`.
    pub port: Option<u16>,
    /// The configuration as YAML text.
    pub config: String,
    /// Additional flags, each as one argument.
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

/// Starts an Alertmanager and waits until it is ready. Debian's build expects its templates in the
/// installed package's folder; if the package was only unpacked, this starts a patched copy that
/// loads them from the temporary folder.
///
/// # Errors
/// The errors of [`start_pushgateway`]. With an invalid configuration the server exits early; the
/// error contains its log.
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

/// The template folder of Debian's Alertmanager.
const ALERTMANAGER_SHARE: &str = "/usr/share/prometheus/alertmanager";

/// For an Alertmanager that was unpacked and not installed, creates a copy in `folder` with its
/// templates, patched to load them from its working directory. None for any other.
fn relocated_alertmanager(bin: &Path, folder: &Path) -> Result<Option<PathBuf>, TestkitError> {
    // <package>/usr/bin/prometheus-alertmanager; for an installed one, the root is `/`.
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
    // A path of the same length that denotes the working directory: `./././…`.
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
/// [`TestkitError`] if it cannot be run, exits early, is not ready within 15 s, or if the given
/// port stays in use.
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
/// Ready does not mean scraping: Prometheus updates its targets every 5 s, so the first scrape
/// happens about 5 s after the start, regardless of the interval.
///
/// # Errors
/// The errors of [`start_pushgateway`]. With an invalid configuration the server exits early; the
/// error contains its log.
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

/// Starts a VictoriaMetrics and waits until it is ready. Written samples can be queried about a
/// second later, when they are flushed from memory; `GET /internal/force_flush` flushes them
/// immediately.
///
/// # Errors
/// The errors of [`start_pushgateway`].
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

/// A server running on loopback. Dropping it kills the server; [`stop`](Self::stop) shuts it down
/// gracefully.
#[derive(Debug)]
pub struct Running {
    /// `http://127.0.0.1:PORT`, without a trailing slash.
    pub url: String,
    program: Program,
    port: u16,
    // Before `folder`: fields drop in this order, and the server must end before its files are
    // removed.
    child: Reaped,
    folder: TempDir,
}

impl Running {
    /// Sends SIGTERM, waits up to 5 s, then kills the server. Its port is free when this returns.
    pub fn stop(self) {
        self.stop_within(STOP_WITHIN);
    }

    fn stop_within(mut self, within: Duration) {
        if self.child.terminate() {
            let deadline = Instant::now() + within;
            while self.child.exit_status().is_none() && Instant::now() < deadline {
                thread::sleep(POLL);
            }
        }
        // Dropping `self` kills it if it is still running.
    }

    /// Its output so far, or why that cannot be read.
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

    /// `127.0.0.1:PORT`, for scrape targets.
    #[must_use]
    pub fn authority(&self) -> String {
        authority(self.port)
    }

    /// Which server this is.
    #[must_use]
    pub fn program(&self) -> Program {
        self.program
    }

    /// Its temporary folder, which is removed with it. Contains the log, and for Prometheus the
    /// configuration and the data.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A child process that is killed and reaped on drop. Its pid is not reused before that.
#[derive(Debug)]
struct Reaped(Child);

impl Reaped {
    /// The exit status, if it has exited.
    fn exit_status(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().ok().flatten()
    }

    /// Sends SIGTERM; returns false on failure.
    #[cfg(unix)]
    fn terminate(&mut self) -> bool {
        use rustix::process::{Pid, Signal, kill_process};
        self.exit_status().is_none() && kill_process(Pid::from_child(&self.0), Signal::TERM).is_ok()
    }

    /// Not supported on this platform.
    #[cfg(not(unix))]
    fn terminate(&mut self) -> bool {
        false
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        // Both fail only if the process was already reaped.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How to start a server and check that it is ready.
struct Launch<'a> {
    program: Program,
    bin: &'a Path,
    port: Option<u16>,
    /// The flag with its `=`; the address is appended.
    listen_flag: &'static str,
    ready_path: &'static str,
    ready_within: Duration,
}

impl Launch<'_> {
    /// Starts the server. Retries if the port is in use: another process may take a free port
    /// before the server does.
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
        let stderr_log = log.try_clone().map_err(TestkitError::file("open the log", &log_path))?;
        let mut command = Command::new(absolute(self.bin));
        command.arg(format!("{}{}", self.listen_flag, authority(port))).args(arguments);
        command.current_dir(folder).stdin(Stdio::null()).stdout(log).stderr(stderr_log);
        let child = command
            .spawn()
            .map_err(|error| TestkitError::CannotRun { path: self.bin.to_owned(), detail: error.to_string() })?;
        let mut child = Reaped(child);

        let deadline = Instant::now() + self.ready_within;
        loop {
            if let Some(status) = child.exit_status() {
                let log = read_log(folder);
                if log.contains("address already in use") {
                    return Err(TestkitError::PortTaken { program: self.program, port });
                }
                let (status, command) = (status.to_string(), shown(&command));
                return Err(TestkitError::EndedEarly { program: self.program, status, command, log: tail(&log) });
            }
            // Another server of the same kind may be listening on the port.
            if is_ready(port, self.ready_path) && listens(child.0.id(), port) != Some(false) {
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

/// The absolute path, because the server runs in a different working directory.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn read_log(folder: &Path) -> String {
    match fs::read(folder.join(LOG_FILE)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("(the log cannot be read: {error})"),
    }
}

/// A port that is currently free.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Whether a server on this port responds with status 200 to a GET of `path`.
fn is_ready(port: u16, path: &str) -> bool {
    status_line(port, path).is_ok_and(|line| is_ok(&line))
}

/// The status line of the response. Uses HTTP/1.0, so that the server closes the connection.
fn status_line(port: u16, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), PROBE_WITHIN)?;
    stream.set_read_timeout(Some(PROBE_WITHIN))?;
    stream.set_write_timeout(Some(PROBE_WITHIN))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", authority(port)).as_bytes())?;
    let mut start = Vec::new();
    // Enough for any status line; bounded, because any server may be listening.
    stream.take(1024).read_to_end(&mut start)?;
    Ok(String::from_utf8_lossy(&start).lines().next().unwrap_or_default().to_owned())
}

fn is_ok(status_line: &str) -> bool {
    let mut words = status_line.split(' ');
    words.next().is_some_and(|version| version.starts_with("HTTP/1.")) && words.next() == Some("200")
}

/// Whether the process `pid` listens on the port; `None` if unknown.
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

/// The inodes of listening sockets on `port`, from `/proc/net/tcp`: `sl local_address rem_address
/// st … inode`, addresses in hex.
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
