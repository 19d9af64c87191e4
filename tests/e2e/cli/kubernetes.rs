//! `deploy/kubernetes`: its manifests fit together, and its containers' command lines, files and
//! probes work. Rendering it and running the image is for `cargo xtask release-check`.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use plugpipe_harness::{Limits, grants};
use serde_json::{Value, json};
use xtask::kubernetes::{Container, KUSTOMIZATIONS, Pod, Source, files, folder, resources};

use crate::cli::serve::Served;
use crate::crds;
use crate::fixture::Fixture;
use crate::support::{Ask as _, Mounted, harness, plug, read_head, run, stderr, stdout};

const POD: Pod = Pod { name: "plugpipe-7d4b9c-x2x", namespace: "jobs" };

const TOKEN: &str = "the-token-of-clients";

const METRICS_TOKEN: &str = "the-token-of-prometheus";

/// This machine's address on its network, which is what a pod's is.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Sends nothing. Without a network, another address of this machine's own.
    match socket.connect("192.0.2.1:9") {
        Ok(()) => socket.local_addr().unwrap().ip(),
        Err(_) => IpAddr::from([127, 0, 0, 2]),
    }
}

#[test]
fn manifests_fit_together() {
    let all = files().unwrap();
    let mut kinds = BTreeMap::<String, usize>::new();
    for (path, manifest) in &all {
        if path.ends_with("harness.yaml") || path.ends_with("grants.yaml") {
            continue;
        }
        let kind = manifest["kind"].as_str().unwrap_or_else(|| panic!("{}", path.display()));
        *kinds.entry(kind.to_owned()).or_default() += 1;
        match kind {
            "PodMonitor" => assert_eq!(crds::problems(manifest), Vec::<String>::new(), "{}", path.display()),
            "Deployment" if path.ends_with("persistent/deployment.yaml") => {}
            "Deployment" | "Service" | "NetworkPolicy" => {
                let labels = &manifest["metadata"]["labels"];
                assert!(labels["app.kubernetes.io/name"].is_string(), "{}", path.display());
                let selectors = ["/spec/selector/matchLabels", "/spec/selector", "/spec/podSelector/matchLabels"];
                let selector = selectors.iter().find_map(|pointer| manifest.pointer(pointer)).unwrap();
                assert_eq!(selector, labels, "{}", path.display());
            }
            _ => {}
        }
    }
    let wanted =
        [("Deployment", 3), ("NetworkPolicy", 1), ("PersistentVolumeClaim", 1), ("PodMonitor", 2), ("Service", 1)];
    assert!(wanted.iter().all(|(kind, count)| kinds.get(*kind) == Some(count)), "{kinds:?}");
    // Monitors, pods and Secrets call ports, labels and keys alike.
    for name in ["plugpipe", "sidecar"] {
        let resources = resources(&folder().join(name)).unwrap();
        let of = |kind: &str| resources.iter().find(|own| own["kind"] == kind).unwrap();
        let (pods, monitor) = (&of("Deployment")["spec"]["template"], &of("PodMonitor")["spec"]);
        assert_eq!(monitor["selector"]["matchLabels"], pods["metadata"]["labels"], "{name}");
        let endpoint = &monitor["podMetricsEndpoints"][0];
        let containers = pods["spec"]["containers"].as_array().unwrap();
        let mut ports = containers.iter().filter_map(|own| own["ports"].as_array()).flatten();
        assert!(ports.any(|port| port["name"] == endpoint["port"]), "{name}");
        let credentials = &endpoint["authorization"]["credentials"];
        assert!(pods.to_string().contains(&format!("\"secretName\":{}", credentials["name"])), "{name}");
        assert!(pods.to_string().contains(&format!("/{}\"", credentials["key"].as_str().unwrap())), "{name}");
    }
    // Every file that a kustomization names is there, but the tokens, which nobody may commit.
    for name in KUSTOMIZATIONS {
        let folder = folder().join(name);
        let (_, kustomization) = all.iter().find(|(path, _)| *path == folder.join("kustomization.yaml")).unwrap();
        let of_generators = [&kustomization["configMapGenerator"][0], &kustomization["secretGenerator"][0]];
        let lists = ["bases", "resources", "patchesStrategicMerge"].map(|key| &kustomization[key]);
        let named = lists.into_iter().chain(of_generators.map(|generator| &generator["files"]));
        for file in named.filter_map(Value::as_array).flatten().filter_map(Value::as_str) {
            let ignored = fs::read_to_string(folder.join(".gitignore")).unwrap_or_default();
            let is_ignored = ignored.lines().any(|line| line == format!("/{file}"));
            assert!(folder.join(file).exists() || is_ignored, "{name}: {file}");
        }
    }
}

#[test]
fn the_configurations_are_valid() {
    for (name, count) in [("base", 2), ("sidecar", 1)] {
        let container = Container::of(&resources(&folder().join(name)).unwrap(), "plugpipe", POD).unwrap();
        let written = tempfile::tempdir().unwrap();
        let mut checked = 0;
        for (_, source) in &container.mounts {
            let Source::ConfigMap(files) = source else { continue };
            for (file, content) in files {
                let path = written.path().join(file);
                fs::write(&path, content).unwrap();
                let output = run(&["check", path.to_str().unwrap(), "--env", "PLUGPIPE_INSTANCE"]);
                assert!(output.status.success(), "{name}/{file}: {}{}", stdout(&output), stderr(&output));
                checked += 1;
            }
        }
        assert_eq!(checked, count, "{name}");
    }
}

/// A container's process, its volumes below a folder of this machine.
struct Running {
    served: Served,
    port: u16,
    _volumes: Vec<Mounted>,
    _state: tempfile::TempDir,
}

/// Starts a container of a kustomization on a free port; `change` edits its files.
fn start(name: &str, change: impl Fn(&str, &str) -> String) -> (Container, Running) {
    let container = Container::of(&resources(&folder().join(name)).unwrap(), "plugpipe", POD).unwrap();
    let state = tempfile::tempdir().unwrap();
    let (mut volumes, mut places) = (Vec::new(), Vec::new());
    for (path, source) in &container.mounts {
        let files: Vec<(&str, String)> = match source {
            Source::ConfigMap(files) => files.iter().map(|(file, text)| (&**file, change(file, text))).collect(),
            Source::Secret(_) => vec![("token", TOKEN.into()), ("metrics-token", METRICS_TOKEN.into())],
            Source::Folder => {
                places.push((path.clone(), state.path().to_owned()));
                continue;
            }
        };
        let files: Vec<(&str, &[u8])> = files.iter().map(|(file, text)| (*file, text.as_bytes())).collect();
        let volume = Mounted::new(&files);
        places.push((path.clone(), volume.path("")));
        volumes.push(volume);
    }
    let place = |argument: &String| {
        let argument = argument.replace("0.0.0.0:8080", "0.0.0.0:0");
        places.iter().fold(argument, |argument, (path, at)| {
            argument.replace(&format!("{path}/"), &format!("{}/", at.display().to_string().trim_end_matches('/')))
        })
    };
    let arguments: Vec<String> = container.args.iter().map(place).collect();
    let mut command = harness(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    command.envs(container.env.iter().map(|(name, value)| (name, value)));
    let served = Served::of(command);
    let port = served.authority().rsplit(':').next().unwrap().trim_end_matches(|last: char| !last.is_ascii_digit());
    let port = port.parse().unwrap();
    (container, Running { served, port, _volumes: volumes, _state: state })
}

impl Running {
    /// Status and body of a request to the pod's address.
    fn ask(&self, method: &str, path: &str, host: &str, token: Option<&str>, body: &str) -> (u16, String) {
        use std::io::{BufReader, Read as _, Write as _};
        let mut stream = TcpStream::connect((own_address(), self.port)).unwrap();
        let token = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{token}Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut stream = BufReader::new(stream);
        let head = read_head(&mut stream);
        let mut body = String::new();
        stream.read_to_string(&mut body).unwrap();
        (head[0].split(' ').nth(1).unwrap().parse().unwrap(), body)
    }
}

#[test]
fn the_container_serves_probes_clients_and_prometheus() {
    let gateway = Fixture::start(|_| (200, "text/plain", Vec::new()));
    let port = gateway.url.rsplit(':').next().unwrap().to_owned();
    // The cluster's DNS and network are missing here: the gateway's name leads to this machine.
    let (container, pod) = start("base", |file, text| {
        let text = text.replace(":9091", &format!(":{port}"));
        match file {
            "grants.yaml" => {
                let text = text.replace("[private]", "[loopback]");
                format!("{text}hosts: {{pushgateway.monitoring.svc: 127.0.0.1}}\n")
            }
            _ => text,
        }
    });
    let address = format!("{}:{}", own_address(), pod.port);
    for path in &container.probes {
        // A kubelet sends the pod's address, or what `host` of the probe says.
        for host in [&*address, POD.name] {
            assert_eq!(pod.ask("GET", path, host, None, "").0, 200, "{path} with the host {host}");
        }
    }
    let service = "plugpipe.jobs.svc.cluster.local:8080";
    let record = json!({"ctx": {"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 2}});
    let (status, body) = pod.ask("POST", "/process", service, Some(TOKEN), &record.to_string());
    assert!(status == 200 && body.contains("\"success\":true"), "{status} {body}");
    for host in ["plugpipe", "plugpipe.jobs", "plugpipe.jobs.svc"] {
        assert_eq!(pod.ask("GET", "/status", host, Some(TOKEN), "").0, 200, "{host}");
    }
    assert_eq!(pod.ask("GET", "/status", "other.jobs.svc", Some(TOKEN), "").0, 421);
    let (status, body) = pod.ask("GET", "/metrics", &address, Some(METRICS_TOKEN), "");
    assert!(status == 200 && body.contains("jobs_total 2\n"), "{status} {body}");
    assert_eq!(pod.ask("GET", "/metrics", &address, None, "").0, 401);
    assert_eq!(pod.ask("POST", "/process", &address, Some(METRICS_TOKEN), &record.to_string()).0, 403);
    let push = json!({"ctx": {"operation": "push_metrics"}}).to_string();
    let (_, body) = pod.ask("POST", "/process", service, Some(TOKEN), &push);
    assert!(body.contains("\"metric_pushed\":true"), "{body}");
    let pushed = gateway.asked().into_iter().find(|asked| asked.method != "GET").unwrap();
    assert_eq!(pushed.path, format!("/metrics/job/plugpipe/instance/{}", POD.name));
    let log = pod.served.stop();
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
}

#[test]
fn the_sidecar_serves_its_application_by_loopback() {
    let (container, pod) = start("sidecar", |_, text| text.to_owned());
    assert!(container.probes.iter().all(|path| pod.ask("GET", path, POD.name, None, "").0 == 200));
    let deployment = resources(&folder().join("sidecar")).unwrap();
    assert!(json!(deployment).to_string().contains("http://127.0.0.1:8080"), "the application's URL");
    let record = json!({"ctx": {"operation": "record_gauge", "metric_name": "g", "metric_value": 1}}).to_string();
    assert_eq!(pod.ask("POST", "/process", "127.0.0.1:8080", Some(TOKEN), &record).0, 200);
}

#[tokio::test]
async fn the_gateways_address_in_the_cluster_is_granted() {
    let container = Container::of(&resources(&folder().join("base")).unwrap(), "plugpipe", POD).unwrap();
    let files = container.mounts.iter().find_map(|(_, source)| match source {
        Source::ConfigMap(files) => Some(files.clone()),
        _ => None,
    });
    let files = files.unwrap();
    let text = &files.iter().find(|(name, _)| name == "grants.yaml").unwrap().1;
    // An address of a cluster's service network, where nothing listens here.
    let named = format!("{text}hosts: {{pushgateway.monitoring.svc: 10.96.17.4}}\n");
    for (text, is_denied) in [(named.clone(), false), (named.replace("[private]", "[]"), true)] {
        let granted = grants::read(&text, Path::new(".")).unwrap();
        let config = json!({
            "gateway_url": "http://pushgateway.monitoring.svc:9091", "retry_attempts": 1, "timeout": "300ms",
            "connect_timeout": "200ms", "push_policy": "manual",
        });
        let plug = plug().start(&config, granted, Limits::default()).await.unwrap();
        let started = Instant::now();
        let answer = plug.ask(&json!({"operation": "list_groups"})).await.unwrap();
        assert_eq!(answer["error_code"] == "not_granted", is_denied, "{answer}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
