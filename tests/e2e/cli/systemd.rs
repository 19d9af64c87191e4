//! `serve` as a service of systemd: sockets that it passes, notifications, and the unit files.

use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::serve::{Served, get};
use crate::support::{harness, root, stderr, stdout};

/// A command that has these as the sockets of systemd, with the names `http` and `local`.
fn activated(tcp: OwnedFd, unix: OwnedFd, arguments: &[&str]) -> Command {
    // A process's id is known only when it runs: the shell sets it and becomes the program.
    let script =
        "exec 3<&0 4<&1 </dev/null >/dev/null; LISTEN_FDS=2 LISTEN_FDNAMES=http:local LISTEN_PID=$$ exec \"$0\" \"$@\"";
    let program = harness(&[]);
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(program.get_program()).arg("serve").args(arguments);
    command.current_dir(root()).stdin(Stdio::from(tcp)).stdout(Stdio::from(unix));
    command.env_remove("PLUGPIPE_PLUG").env_remove("PLUGPIPE_LOG");
    command
}

#[tokio::test]
async fn it_serves_on_the_sockets_of_systemd_and_says_when_it_is_ready_and_when_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (notified, path) = (folder.path().join("notify"), folder.path().join("local"));
    let manager = UnixDatagram::bind(&notified).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let told = || {
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", tcp.local_addr().unwrap());
    let unix = UnixListener::bind(&path).unwrap();
    let mut command = activated(tcp.into(), unix.into(), &["--web.systemd-socket"]);
    command.env("NOTIFY_SOCKET", &notified);
    let served = Served::of(command);
    assert_eq!(told(), "READY=1\n");
    assert_eq!(served.url, url);
    assert_eq!(get(&format!("{url}/metrics")).await.0, 200);
    let mut stream = UnixStream::connect(&path).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut response = String::new();
    std::io::Read::read_to_string(&mut stream, &mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    let said = served.stop();
    assert_eq!(told(), "STOPPING=1\n");
    assert!(said.contains("(http)") && said.contains(&format!("{} (local)", path.display())), "{said}");
    assert!(path.exists(), "the file is systemd's");
}

#[test]
fn sockets_that_are_missing_or_not_wanted_are_said() {
    let output = harness(&["serve", "--web.systemd-socket"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--web.systemd-socket: systemd passed no socket"), "{}", stderr(&output));
    let sockets = || {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        (OwnedFd::from(tcp), OwnedFd::from(UnixDatagram::unbound().unwrap()))
    };
    let (tcp, other) = sockets();
    let output = activated(tcp, other, &["--web.systemd-socket"]).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("local: expected a listening stream socket"), "{}", stderr(&output));
    let (tcp, other) = sockets();
    let served = Served::of(activated(tcp, other, &["--web.listen-address", "127.0.0.1:0"]));
    assert!(
        served.stop().contains("warning: LISTEN_FDS: sockets from systemd are not used without --web.systemd-socket")
    );
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units_and_little_that_they_expose() {
    let folder = tempfile::tempdir().unwrap();
    let units = ["plugpipe-monitoring.service", "plugpipe-monitoring.socket"].map(|name| {
        let text = fs::read_to_string(root().join("deploy/systemd").join(name)).unwrap();
        let path = folder.path().join(name);
        let installed = Path::new("/usr/bin/plugpipe-harness");
        assert!(name.ends_with("socket") || text.contains(&format!("ExecStart={} serve ", installed.display())));
        // The program need not be installed here.
        let program = harness(&[]).get_program().to_owned().into_string().unwrap();
        fs::write(&path, text.replace(installed.to_str().unwrap(), &program)).unwrap();
        path
    });
    let analyze = |arguments: &[&str]| {
        Command::new("systemd-analyze").args(arguments).output().unwrap_or_else(|error| {
            panic!("systemd-analyze cannot be run ({error}); on Debian: `apt-get install systemd`")
        })
    };
    let [service, socket] = units.each_ref().map(|path| path.to_str().unwrap());
    // What it only warns of does not change its exit status.
    let verified = analyze(&["verify", service, socket]);
    assert!(verified.status.success() && verified.stderr.is_empty(), "{}", stderr(&verified));
    // A tenth of the points that it gives: at most 1.5 of 10 for exposure.
    let judged = analyze(&["security", "--offline=yes", "--threshold=15", service]);
    assert!(judged.status.success(), "{}", stdout(&judged));
}
