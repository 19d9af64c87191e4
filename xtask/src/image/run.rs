//! Runs the image as a kubelet would run its container, as far as that goes without a cluster: the
//! process as the image's user on a read-only root, with configuration, tokens and state as mounts.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{BINARY, USER, make};
use crate::kubernetes::{Container, Pod, Source, rendered};
use crate::{VERSION, output, write};

/// The longest time from the start of the process until it listens.
const MAX_START: Duration = Duration::from_millis(100);

/// How often the container is started; the fastest start counts.
const STARTS: usize = 5;

/// The pod.
const POD: Pod = Pod { name: "plugpipe-0", namespace: "jobs" };

/// What the container's root needs beyond the image: a mount namespace of its own, in which the
/// root is read-only and `$@` are pairs of a folder and its place in the root.
const CONTAINER: &str = r#"
set -e
root=$1; shift
mount --bind "$root" "$root"
while [ "$1" != -- ]; do mount --bind "$1" "$root$2"; shift 2; done
shift
mount -o remount,bind,ro "$root"
exec chroot --userspec="$USER_AND_GROUP" --groups= "$root" "$@"
"#;

/// Builds the image, unpacks it, and runs it with the rendered manifests. The result says how long
/// a start took.
///
/// # Errors
/// A tool is missing, or the container does not do what the manifests promise.
pub fn check(binary: Option<&Path>) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("cannot create a temporary folder: {error}"))?;
    let (layout, bundle) = (folder.path().join("layout"), folder.path().join("bundle"));
    make(binary, &layout)?;
    let mut umoci = Command::new("umoci");
    umoci.args(["unpack", "--image"]).arg(format!("{}:{VERSION}", layout.display())).arg(&bundle);
    output(&mut umoci).map_err(|problem| format!("{problem} (Debian: apt-get install umoci)"))?;
    let root = bundle.join("rootfs");
    let container = Container::of(&rendered("persistent")?, "plugpipe", POD)?;
    if container.user != u64::from(USER) {
        return Err(format!("the manifests' user is {}, and the image's {USER}", container.user));
    }
    let mounts = mounts(&container, folder.path(), &root)?;
    let mut fastest = Duration::MAX;
    for _ in 0..STARTS {
        let mut running = Running::start(&container, &root, &mounts)?;
        fastest = fastest.min(running.started);
        running.check(&container)?;
        running.stop()?;
    }
    if fastest > MAX_START {
        return Err(format!(
            "the container listens after {} ms; expected at most {} ms",
            fastest.as_millis(),
            MAX_START.as_millis()
        ));
    }
    Ok(format!("the container listens after {} ms", fastest.as_millis()))
}

/// Makes the folders to mount, each with its place in the root.
fn mounts(container: &Container, folder: &Path, root: &Path) -> Result<Vec<(PathBuf, String)>, String> {
    let mut mounts = Vec::new();
    for (index, (path, source)) in container.mounts.iter().enumerate() {
        let from = folder.join(format!("volume-{index}"));
        let place = root.join(path.trim_start_matches('/'));
        for made in [&from, &place] {
            fs::create_dir_all(made).map_err(|error| format!("cannot create {}: {error}", made.display()))?;
        }
        let files = match source {
            Source::ConfigMap(files) => files.clone(),
            Source::Secret(_) => ["token", "metrics-token"].map(|name| (name.to_owned(), token(name))).to_vec(),
            Source::Folder => {
                // As a volume without fsGroup is: everybody can write there.
                let open = fs::Permissions::from_mode(0o777);
                fs::set_permissions(&from, open).map_err(|error| format!("cannot open {}: {error}", from.display()))?;
                Vec::new()
            }
        };
        for (name, content) in files {
            write(&from.join(name), content)?;
        }
        mounts.push((from, path.clone()));
    }
    Ok(mounts)
}

fn token(name: &str) -> String {
    format!("{name}-of-16-letters-or-more")
}

/// A running container.
struct Running {
    child: Child,
    address: SocketAddr,
    started: Duration,
}

impl Running {
    fn start(container: &Container, root: &Path, mounts: &[(PathBuf, String)]) -> Result<Self, String> {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", CONTAINER, "sh"]).arg(root);
        for (from, place) in mounts {
            command.arg(from).arg(place);
        }
        command.arg("--").arg(BINARY);
        command.args(container.args.iter().map(|argument| argument.replace("0.0.0.0:8080", "0.0.0.0:0")));
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("USER_AND_GROUP", format!("{USER}:{USER}"));
        command.envs(container.env.iter().map(|(name, value)| (name, value)));
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("cannot run unshare: {error}"))?;
        let mut log = BufReader::new(child.stderr.take().ok_or("no log")?);
        let mut said = String::new();
        while !said.contains("listening on ") {
            let read = log.read_line(&mut said).map_err(|error| format!("cannot read the log: {error}"))?;
            if read == 0 {
                return Err(format!("the container ended (it needs to be started by root): {said}"));
            }
        }
        let started = begun.elapsed();
        // Read on, so that it never waits for a reader of its log.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let port =
            said.split("http://0.0.0.0:").nth(1).map(|rest| rest.split(|next: char| !next.is_ascii_digit()).next());
        let port = port.flatten().and_then(|port| port.parse().ok()).ok_or_else(|| format!("no port in {said}"))?;
        Ok(Self { child, address: SocketAddr::new(own_address(), port), started })
    }

    /// Probes, a record and a scrape, as from outside the pod.
    fn check(&self, container: &Container) -> Result<(), String> {
        let address = self.address.to_string();
        for path in &container.probes {
            for host in [&*address, POD.name] {
                self.expect("GET", path, host, None, "")?;
            }
        }
        let record = r#"{"ctx": {"operation": "record_counter", "metric_name": "a_total", "metric_value": 1}}"#;
        let service = format!("plugpipe.{}.svc", POD.namespace);
        let body = self.expect("POST", "/process", &service, Some(&token("token")), record)?;
        let scraped = self.expect("GET", "/metrics", &address, Some(&token("metrics-token")), "")?;
        if body.contains("\"success\":true") && scraped.contains("a_total ") {
            return Ok(());
        }
        Err(format!("the record was answered {body}, and the scrape {scraped}"))
    }

    /// The body of a response with the status 200.
    fn expect(&self, method: &str, path: &str, host: &str, token: Option<&str>, body: &str) -> Result<String, String> {
        let token = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
        let length = body.len();
        let ask = || {
            let mut stream = TcpStream::connect(self.address)?;
            write!(
                stream,
                "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{token}Content-Length: {length}\r\n\r\n{body}"
            )?;
            let mut response = String::new();
            stream.read_to_string(&mut response).map(|_| response)
        };
        let response = ask().map_err(|error: std::io::Error| format!("{method} {path}: {error}"))?;
        match response.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.to_owned()),
            _ => Err(format!("{method} {path} with the host {host}: {response}")),
        }
    }

    /// Asks it to stop, as a kubelet does, and waits until it has.
    fn stop(&mut self) -> Result<(), String> {
        output(Command::new("kill").arg(self.child.id().to_string()))?;
        let status = self.child.wait().map_err(|error| format!("cannot wait for the container: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("the container ended with {status}")) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This machine's address on its network, which is what a pod's is.
fn own_address() -> IpAddr {
    let connected = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        // Sends nothing.
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    connected.map_or(IpAddr::from([127, 0, 0, 2]), |address| address.ip())
}
