use super::*;

/// Not a test: a server for the scripts of [`script`] that responds to every request with the
/// status in `FAKE_STATUS`. Does nothing unless `FAKE_ARGUMENTS` is set.
#[test]
#[ignore = "the fake server of other tests"]
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

/// An executable shell script. `{serve STATUS}` in it replaces the shell with the fake server.
fn script(folder: &TempDir, body: &str) -> PathBuf {
    let test = concat!(module_path!(), "::fake_server").split_once("::").unwrap().1;
    let this = std::env::current_exe().unwrap();
    let serve = format!("FAKE_ARGUMENTS=\"$*\" exec \"{}\" --exact {test} --ignored --nocapture", this.display());
    let body = body
        .replace("{serve 200}", &format!("FAKE_STATUS=200 {serve}"))
        .replace("{serve 503}", &format!("FAKE_STATUS=503 {serve}"));
    let file = folder.path().join("server");
    // Written by another process: a child of another test could inherit a descriptor that is open
    // for writing here, and running the script would fail with "text file busy".
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
fn pushgateway_options_become_flags() {
    assert!(PushgatewayOptions::default().arguments().is_empty());
    let options = PushgatewayOptions {
        port: Some(1),
        persistence_file: Some("/data/groups".into()),
        admin_api: true,
        flags: Vec::new(),
    }
    .flag("--log.level=debug");
    assert_eq!(options.arguments(), ["--persistence.file=/data/groups", "--web.enable-admin-api", "--log.level=debug"]);
}

#[test]
fn prometheus_keeps_its_data_in_its_folder_by_default() {
    let options = PrometheusOptions::default().flag("--web.enable-lifecycle");
    assert_eq!(
        options.arguments(Path::new("/f")),
        ["--config.file=/f/prometheus.yml", "--storage.tsdb.path=/f/data", "--web.enable-lifecycle"]
    );
    let options = PrometheusOptions { data: Some("/kept".into()), ..PrometheusOptions::default() };
    assert_eq!(options.arguments(Path::new("/f")), ["--config.file=/f/prometheus.yml", "--storage.tsdb.path=/kept"]);
}

#[test]
fn victoria_metrics_keeps_old_samples_and_its_data_in_its_folder_by_default() {
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
fn only_listeners_on_the_port_are_found() {
    let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
        \x20  0: 0100007F:2383 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 100 0 0 10 0\n\
        \x20  1: 0100007F:2383 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 222 1 0 20 4 30 10 -1\n\
        \x20  2: 0100007F:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 333 1 0 100 0 0 10 0\n";
    assert_eq!(listeners_in(table, 9091).collect::<Vec<_>>(), ["111"]);
    assert_eq!(listeners_in(table, 9093).count(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn the_listening_process_is_identified() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    assert_eq!(listens(std::process::id(), port), Some(true));
    let mut other = Command::new("sleep").arg("60").spawn().map(Reaped).unwrap();
    assert_eq!(listens(other.0.id(), port), Some(false));
    assert!(other.exit_status().is_none());
}

#[test]
fn a_server_is_ready_after_start_and_ends_on_drop() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&launch(&script(&folder, "echo hello\n{serve 200}"))).unwrap();
    let (pid, port, own_folder) = (server.pid(), server.port(), server.folder().to_owned());
    assert_eq!(server.url, format!("http://127.0.0.1:{port}"));
    assert!(server.log().starts_with("hello\n"), "{}", server.log());
    assert!(is_ready(port, "/-/ready") && is_alive(pid) && own_folder.exists());
    drop(server);
    assert!(!is_ready(port, "/-/ready") && !is_alive(pid) && !own_folder.exists());
}

#[test]
fn a_panic_ends_the_server() {
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
fn a_server_restarts_on_the_same_port() {
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
fn stopping_waits_for_a_graceful_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("ended");
    let body =
        format!("trap 'sleep 0.3; echo done > \"{}\"; exit 0' TERM\nwhile :; do sleep 0.05; done", mark.display());
    let mut child = Reaped(Command::new(script(&folder, &body)).spawn().unwrap());
    thread::sleep(Duration::from_millis(200));
    assert!(child.exit_status().is_none());
    let own = server_folder("plugpipe-test-").unwrap();
    Running { url: String::new(), program: Program::Pushgateway, port: 0, child, folder: own }.stop();
    assert_eq!(fs::read_to_string(mark).unwrap(), "done\n");
}

#[test]
fn a_server_that_ignores_sigterm_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&launch(&script(&folder, "trap '' TERM\n{serve 200}"))).unwrap();
    let (pid, sent, within) = (server.pid(), Instant::now(), Duration::from_millis(500));
    server.stop_within(within);
    assert!(!is_alive(pid));
    assert!(sent.elapsed() >= within, "it ended on SIGTERM, so the kill was not tested");
}

#[test]
fn an_early_exit_is_reported_with_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let error = start(&launch(&script(&folder, "echo 'unknown long flag' >&2; exit 3"))).unwrap_err();
    assert!(matches!(&error, TestkitError::EndedEarly { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("exit status: 3") && text.contains("unknown long flag"), "{text}");
    assert!(text.contains("--web.listen-address=127.0.0.1:"), "{text}");
}

#[test]
fn a_server_that_is_not_ready_in_time_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let bin = script(&folder, &format!("echo $$ > \"{}\"\n{{serve 503}}", pid_file.display()));
    let error = start(&Launch { ready_within: Duration::from_millis(700), ..launch(&bin) }).unwrap_err();
    assert!(matches!(error, TestkitError::NotReady { .. }), "{error}");
    let pid = fs::read_to_string(pid_file).unwrap().trim().parse().unwrap();
    assert!(!is_alive(pid));
}

#[test]
fn another_free_port_is_used_if_one_was_taken_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("tried");
    let body =
        "if [ ! -e MARK ]; then echo \"$*\" > MARK; echo 'bind: address already in use' >&2; exit 1; fi\n{serve 200}";
    let bin = script(&folder, &body.replace("MARK", &format!("\"{}\"", mark.display())));
    let server = start(&launch(&bin)).unwrap();
    assert!(mark.exists(), "the first start did not happen");
    assert!(is_alive(server.pid()));
}

#[test]
fn a_given_port_in_use_is_an_error_even_if_the_other_server_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let bin = script(&folder, "{serve 200}");
    let other = start(&launch(&bin)).unwrap();
    let error = start(&Launch { port: Some(other.port()), ..launch(&bin) }).unwrap_err();
    assert!(matches!(error, TestkitError::PortTaken { port, .. } if port == other.port()), "{error}");
}

#[test]
fn an_error_names_the_file_that_cannot_be_run() {
    let error =
        start_pushgateway(Path::new("/nowhere/pushgateway"), &PushgatewayOptions::default()).unwrap_err().to_string();
    assert!(error.contains("/nowhere/pushgateway does not run"), "{error}");
}
