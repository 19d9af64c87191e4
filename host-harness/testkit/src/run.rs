//! Starting a server, waiting until it is ready, stopping it.
//!
//! A server is a child of this process. It ends with its [`Running`], also when a panic unwinds past it. It outlives this process only
//! if that one is killed outright or leaves by `std::process::exit`: the kernel's signal on a parent's death is tied to the *thread*
//! that started the child, which in a pool of threads ends long before the process does, so it is not used.

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
/// Before a given port is tried again: long enough for a connection that happens to use it to go away.
const PORT_PAUSE: Duration = Duration::from_millis(200);

const LOG_FILE: &str = "server.log";
const CONFIG_FILE: &str = "prometheus.yml";
const ALERTMANAGER_CONFIG_FILE: &str = "alertmanager.yml";

/// How to start a Pushgateway. The default: a port that is free, nothing kept on disk.
#[derive(Clone, Debug, Default)]
pub struct PushgatewayOptions {
    /// The port to listen on; a free one if `None`. To start it again at the same URL, give the port of the one that was stopped.
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

/// How to start a Prometheus. The default: a port that is free, data in the temporary folder, Prometheus's own default settings, and
/// nothing to scrape.
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

/// How to start a VictoriaMetrics, single node. The default: a port that is free, data in the temporary folder.
///
/// It drops samples older than its retention, which is 100 years here, so that tests may write at fixed moments.
#[derive(Clone, Debug, Default)]
pub struct VictoriaMetricsOptions {
    /// The port to listen on; a free one if `None`. To start it again at the same URL, give the port of the one that was stopped.
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

/// How to start an Alertmanager, alone and without a cluster. The default: a port that is free, data in the temporary folder, and one
/// receiver that tells nobody.
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

/// Starts an Alertmanager and waits until it is ready. Debian's looks for its templates in the installed package's folder; where it was
/// only unpacked, a copy of it that looks into its temporary folder is started instead.
///
/// # Errors
/// Those of [`start_pushgateway`]; a configuration that it refuses makes it end early, and its log then says why.
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

/// Of an Alertmanager that was unpacked and not installed: a copy in `folder`, with its templates beside it, in which the templates'
/// place is the folder it runs in. None for any other.
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
/// [`TestkitError`] if it cannot be run, ends early, does not get ready within 15 s, or if the port that was asked for stays taken.
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

/// Starts a Prometheus and waits until it is ready. Its configuration is then `prometheus.yml` in [`Running::folder`].
///
/// Ready is not yet scraping: Prometheus passes its targets on every 5 s, so the first scrape comes about 5 s after the start, however
/// short the interval is. Give whoever waits for a sample more time than that.
///
/// # Errors
/// Those of [`start_pushgateway`]; a configuration that Prometheus refuses makes it end early, and its log then says why.
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

/// Starts a VictoriaMetrics and waits until it is ready. What is written to it may be queried about a second later, since it keeps the
/// newest samples in memory for that long; `GET /internal/force_flush` makes them visible at once.
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

/// A server that runs on loopback. Dropping it kills the server at once; [`stop`](Self::stop) lets it end in order.
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
    /// Asks the server to end (SIGTERM), waits up to 5 s, then kills it. It has ended when this returns, and its port is free.
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

    /// Its temporary folder, removed with it: its log, and for Prometheus the configuration and the data.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A child that is killed and reaped when it is dropped. Until it is reaped its pid cannot be another process's.
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
    /// Starts it, again while the port turns out to be taken: a free port is only known to have been free a moment ago.
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

/// The path from the root: the server runs in a folder of its own, where a relative one would mean something else.
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

/// The first line of the answer. HTTP/1.0, so that the server closes the connection and nothing needs to be parsed beyond that line.
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

/// Whether the process `pid` is the one that listens on the port; `None` where the system does not tell.
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

/// The inodes of the sockets that listen on `port`, from `/proc/net/tcp`: `sl local_address rem_address st … inode`, addresses in hex.
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
mod tests {
    use super::*;

    /// Not a test: run by the scripts of [`script`], it is a server that answers every request with the status in `FAKE_STATUS`.
    /// Returns at once when nobody asked for that.
    #[test]
    #[ignore = "the body of the fake servers of other tests"]
    fn fake_server() {
        let Ok(arguments) = std::env::var("FAKE_ARGUMENTS") else { return };
        let address = arguments.split(' ').find_map(|word| word.strip_prefix("--web.listen-address=")).unwrap();
        let status = std::env::var("FAKE_STATUS").unwrap();
        let listener = TcpListener::bind(address).unwrap_or_else(|error| {
            eprintln!("listen tcp {address}: bind: {}", error.to_string().to_lowercase());
            std::process::exit(1)
        });
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = write!(stream, "HTTP/1.0 {status} Whatever\r\n\r\n");
        }
    }

    /// An executable shell script. `{serve STATUS}` in it becomes the fake server, in place of the shell and with its pid.
    fn script(folder: &TempDir, body: &str) -> PathBuf {
        let test = concat!(module_path!(), "::fake_server").split_once("::").unwrap().1;
        let this = std::env::current_exe().unwrap();
        let serve = format!("FAKE_ARGUMENTS=\"$*\" exec \"{}\" --exact {test} --ignored --nocapture", this.display());
        let body = body
            .replace("{serve 200}", &format!("FAKE_STATUS=200 {serve}"))
            .replace("{serve 503}", &format!("FAKE_STATUS=503 {serve}"));
        let file = folder.path().join("server");
        // Written by another process: a descriptor that is open for writing here may be inherited by a child that another test
        // starts, and then the script is "text file busy".
        let written = Command::new("sh")
            .args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh"])
            .arg(&file)
            .arg(body)
            .status()
            .unwrap();
        assert!(written.success());
        file
    }

    fn launch(bin: &Path) -> Launch<'_> {
        Launch {
            program: Program::Pushgateway,
            bin,
            port: None,
            listen_flag: "--web.listen-address=",
            ready_path: "/-/ready",
            ready_within: READY_WITHIN,
        }
    }

    fn start(launch: &Launch<'_>) -> Result<Running, TestkitError> {
        launch.start(server_folder("plugpipe-test-").unwrap(), Vec::new())
    }

    fn is_alive(pid: u32) -> bool {
        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
        rustix::process::test_kill_process(pid).is_ok()
    }

    #[test]
    fn pushgateway_options_become_flags_with_the_callers_own_last() {
        assert!(PushgatewayOptions::default().arguments().is_empty());
        let options = PushgatewayOptions {
            port: Some(1),
            persistence_file: Some("/data/groups".into()),
            admin_api: true,
            flags: Vec::new(),
        }
        .flag("--log.level=debug");
        assert_eq!(
            options.arguments(),
            ["--persistence.file=/data/groups", "--web.enable-admin-api", "--log.level=debug"]
        );
    }

    #[test]
    fn prometheus_keeps_its_data_in_its_folder_unless_told_otherwise() {
        let options = PrometheusOptions::default().flag("--web.enable-lifecycle");
        assert_eq!(
            options.arguments(Path::new("/f")),
            ["--config.file=/f/prometheus.yml", "--storage.tsdb.path=/f/data", "--web.enable-lifecycle"]
        );
        let options = PrometheusOptions { data: Some("/kept".into()), ..PrometheusOptions::default() };
        assert_eq!(
            options.arguments(Path::new("/f")),
            ["--config.file=/f/prometheus.yml", "--storage.tsdb.path=/kept"]
        );
    }

    #[test]
    fn victoria_metrics_keeps_old_samples_and_its_data_in_its_folder_unless_told_otherwise() {
        let options = VictoriaMetricsOptions::default().flag("-search.latencyOffset=0s");
        assert_eq!(
            options.arguments(Path::new("/f")),
            ["-storageDataPath=/f/data", "-retentionPeriod=100y", "-search.latencyOffset=0s"]
        );
        let options = VictoriaMetricsOptions { data: Some("/kept".into()), ..VictoriaMetricsOptions::default() };
        assert_eq!(options.arguments(Path::new("/f")), ["-storageDataPath=/kept", "-retentionPeriod=100y"]);
    }

    #[test]
    fn only_a_status_of_200_is_ready() {
        assert!(is_ok("HTTP/1.1 200 OK"));
        assert!(is_ok("HTTP/1.0 200"));
        for line in ["HTTP/1.1 503 Service Unavailable", "HTTP/1.1 2000 OK", "SSH-2.0 200", "HTTP/1.1", ""] {
            assert!(!is_ok(line), "{line:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn listeners_are_told_from_connections_and_from_other_ports() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            \x20  0: 0100007F:2383 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 100 0 0 10 0\n\
            \x20  1: 0100007F:2383 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 222 1 0 20 4 30 10 -1\n\
            \x20  2: 0100007F:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 333 1 0 100 0 0 10 0\n";
        assert_eq!(listeners_in(table, 9091).collect::<Vec<_>>(), ["111"]);
        assert_eq!(listeners_in(table, 9093).count(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_that_listens_is_told_from_another() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(listens(std::process::id(), port), Some(true));
        let mut other = Command::new("sleep").arg("60").spawn().map(Reaped).unwrap();
        assert_eq!(listens(other.0.id(), port), Some(false));
        assert!(other.ended().is_none());
    }

    #[test]
    fn a_server_is_ready_when_started_and_gone_when_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let server = start(&launch(&script(&folder, "echo hello\n{serve 200}"))).unwrap();
        let (pid, port, own_folder) = (server.pid(), server.port(), server.folder().to_owned());
        assert_eq!(server.url, format!("http://127.0.0.1:{port}"));
        assert!(server.log().starts_with("hello\n"), "{}", server.log());
        assert!(says_ready(port, "/-/ready") && is_alive(pid) && own_folder.exists());
        drop(server);
        assert!(!says_ready(port, "/-/ready") && !is_alive(pid) && !own_folder.exists());
    }

    #[test]
    fn a_panic_takes_the_server_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let server = start(&launch(&script(&folder, "{serve 200}"))).unwrap();
        let pid = server.pid();
        let panicked = thread::spawn(move || {
            let _server = server;
            panic!("as a failing test does");
        });
        assert!(panicked.join().is_err());
        assert!(!is_alive(pid));
    }

    #[test]
    fn a_server_starts_again_on_the_port_of_the_one_that_was_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let bin = script(&folder, "{serve 200}");
        let first = start(&launch(&bin)).unwrap();
        let (url, port, pid) = (first.url.clone(), first.port(), first.pid());
        first.stop();
        assert!(!is_alive(pid));
        let second = start(&Launch { port: Some(port), ..launch(&bin) }).unwrap();
        assert_eq!(second.url, url);
        assert_ne!(second.pid(), pid);
    }

    #[test]
    fn stopping_waits_for_a_server_that_ends_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("ended");
        let body =
            format!("trap 'sleep 0.3; echo done > \"{}\"; exit 0' TERM\nwhile :; do sleep 0.05; done", mark.display());
        let mut child = Reaped(Command::new(script(&folder, &body)).spawn().unwrap());
        thread::sleep(Duration::from_millis(200));
        assert!(child.ended().is_none());
        let own = server_folder("plugpipe-test-").unwrap();
        Running { url: String::new(), program: Program::Pushgateway, port: 0, child, folder: own }.stop();
        assert_eq!(fs::read_to_string(mark).unwrap(), "done\n");
    }

    #[test]
    fn a_server_that_ignores_the_request_to_end_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let server = start(&launch(&script(&folder, "trap '' TERM\n{serve 200}"))).unwrap();
        let (pid, asked, within) = (server.pid(), Instant::now(), Duration::from_millis(500));
        server.stop_within(within);
        assert!(!is_alive(pid));
        assert!(asked.elapsed() >= within, "it ended on SIGTERM, so the kill was not tested");
    }

    #[test]
    fn a_server_that_ends_early_is_reported_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let error = start(&launch(&script(&folder, "echo 'unknown long flag' >&2; exit 3"))).unwrap_err();
        assert!(matches!(&error, TestkitError::EndedEarly { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("exit status: 3") && text.contains("unknown long flag"), "{text}");
        assert!(text.contains("--web.listen-address=127.0.0.1:"), "{text}");
    }

    #[test]
    fn a_server_that_is_never_ready_is_reported_and_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let pid_file = folder.path().join("pid");
        let bin = script(&folder, &format!("echo $$ > \"{}\"\n{{serve 503}}", pid_file.display()));
        let error = start(&Launch { ready_within: Duration::from_millis(700), ..launch(&bin) }).unwrap_err();
        assert!(matches!(error, TestkitError::NotReady { .. }), "{error}");
        let pid = fs::read_to_string(pid_file).unwrap().trim().parse().unwrap();
        assert!(!is_alive(pid));
    }

    #[test]
    fn a_free_port_that_was_taken_meanwhile_is_replaced_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("tried");
        let body = "if [ ! -e MARK ]; then echo \"$*\" > MARK; echo 'bind: address already in use' >&2; exit 1; fi\n{serve 200}";
        let bin = script(&folder, &body.replace("MARK", &format!("\"{}\"", mark.display())));
        let server = start(&launch(&bin)).unwrap();
        assert!(mark.exists(), "the first start did not happen");
        assert!(is_alive(server.pid()));
    }

    #[test]
    fn a_given_port_that_stays_taken_is_an_error_even_if_the_other_server_is_ready() {
        let folder = tempfile::tempdir().unwrap();
        let bin = script(&folder, "{serve 200}");
        let other = start(&launch(&bin)).unwrap();
        let error = start(&Launch { port: Some(other.port()), ..launch(&bin) }).unwrap_err();
        assert!(matches!(error, TestkitError::PortTaken { port, .. } if port == other.port()), "{error}");
    }

    #[test]
    fn a_file_that_cannot_be_run_is_named() {
        let error = start_pushgateway(Path::new("/nowhere/pushgateway"), &PushgatewayOptions::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("/nowhere/pushgateway does not run"), "{error}");
    }
}
