//! The manifests in `deploy/kubernetes`, and their containers as a kubelet would start them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::{output, read, read_text, root, write};

/// The folder of the manifests.
pub fn folder() -> PathBuf {
    root().join("deploy/kubernetes")
}

/// The kustomizations, each a folder in [`folder`].
pub const KUSTOMIZATIONS: [&str; 4] = ["base", "plugpipe", "persistent", "sidecar"];

/// The documents of a YAML text.
///
/// # Errors
/// A document is not YAML.
pub fn documents(text: &str) -> Result<Vec<Value>, String> {
    // Nothing here has a block with such a line.
    let parts = text.split("\n---\n").filter(|part| !part.trim().is_empty());
    parts.map(|part| serde_saphyr::from_str(part).map_err(|error| format!("not YAML: {error}\n{part}"))).collect()
}

/// Every manifest, with its path.
///
/// # Errors
/// A file cannot be read or is not YAML.
pub fn files() -> Result<Vec<(PathBuf, Value)>, String> {
    let mut files = Vec::new();
    for name in KUSTOMIZATIONS {
        let folder = folder().join(name);
        let entries = fs::read_dir(&folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.extension().is_some_and(|extension| extension == "yaml") {
                let text = read_text(&path)?;
                let value = serde_saphyr::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
                files.push((path, value));
            }
        }
    }
    files.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(files)
}

/// The resources of a kustomization, without patches and generated Secrets, and with the ConfigMaps
/// of `configMapGenerator` under their plain names: enough to start its containers where there is
/// no `kubectl` to render it.
///
/// # Errors
/// A file that it names cannot be read.
pub fn resources(folder: &Path) -> Result<Vec<Value>, String> {
    let read = |path: &Path| {
        let text = read_text(path)?;
        serde_saphyr::from_str::<Value>(&text).map_err(|error| format!("{}: {error}", path.display()))
    };
    let kustomization = read(&folder.join("kustomization.yaml"))?;
    let mut resources = Vec::new();
    for base in texts(&kustomization, "bases") {
        resources.extend(self::resources(&folder.join(base))?);
    }
    for file in texts(&kustomization, "resources") {
        resources.push(read(&folder.join(file))?);
    }
    for generator in list(&kustomization, "configMapGenerator") {
        let mut data = serde_json::Map::new();
        for file in texts(generator, "files") {
            data.insert(file.to_owned(), read_text(&folder.join(file))?.into());
        }
        let name = generator.get("name");
        resources.push(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}));
    }
    Ok(resources)
}

/// A pod's name and namespace.
#[derive(Debug, Clone, Copy)]
pub struct Pod<'p> {
    /// Its name.
    pub name: &'p str,
    /// Its namespace.
    pub namespace: &'p str,
}

/// What is mounted at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The files of a ConfigMap: names and contents.
    ConfigMap(Vec<(String, String)>),
    /// The files of the Secret of this name.
    Secret(String),
    /// A writable folder.
    Folder,
}

/// A container as a kubelet would start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// Its volumes, by path.
    pub mounts: Vec<(String, Source)>,
    /// The paths of its liveness and readiness probes.
    pub probes: [String; 2],
    /// The user it runs as.
    pub user: u64,
}

impl Container {
    /// The container of this name in the only Deployment of these resources.
    ///
    /// # Errors
    /// There is none, or it refers to something that is not among the resources.
    pub fn of(resources: &[Value], name: &str, pod: Pod) -> Result<Self, String> {
        let is = |kind: &str, own: &Value| own.get("kind").and_then(Value::as_str) == Some(kind);
        let deployment = resources.iter().find(|own| is("Deployment", own)).ok_or("there is no Deployment")?;
        let spec = deployment.pointer("/spec/template/spec").ok_or("the Deployment has no pods")?;
        let container = named(spec, "containers", name).ok_or_else(|| format!("there is no container {name}"))?;
        let mut env = Vec::new();
        for variable in list(container, "env") {
            let from = variable.pointer("/valueFrom/fieldRef/fieldPath").and_then(Value::as_str);
            let value = match (text(variable, "value"), from) {
                (Some(value), _) => value,
                (None, Some("metadata.name")) => pod.name,
                (None, Some("metadata.namespace")) => pod.namespace,
                (None, _) => return Err(format!("no value for the variable {variable}")),
            };
            env.push((text(variable, "name").unwrap_or_default().to_owned(), value.to_owned()));
        }
        let replace = |argument: &str| {
            env.iter().fold(argument.to_owned(), |text, (name, value)| text.replace(&format!("$({name})"), value))
        };
        let args: Vec<String> = texts(container, "args").map(replace).collect();
        if let Some(argument) = args.iter().find(|argument| argument.contains("$(")) {
            return Err(format!("{argument} refers to a variable that the container does not have"));
        }
        let mut mounts = Vec::new();
        for mount in list(container, "volumeMounts") {
            let volume = text(mount, "name").unwrap_or_default();
            let source =
                source(named(spec, "volumes", volume).ok_or_else(|| format!("no volume {volume}"))?, resources)?;
            mounts.push((text(mount, "mountPath").unwrap_or_default().to_owned(), source));
        }
        let probe = |name: &str| {
            let get = container.get(name).and_then(|probe| probe.get("httpGet")).ok_or_else(|| format!("no {name}"))?;
            let port = text(get, "port").unwrap_or_default();
            named(container, "ports", port).ok_or_else(|| format!("{name}: the container has no port {port}"))?;
            text(get, "path").map(str::to_owned).ok_or_else(|| format!("{name} has no path"))
        };
        let own = container.pointer("/securityContext/runAsUser");
        let user = own.or_else(|| spec.pointer("/securityContext/runAsUser")).and_then(Value::as_u64);
        Ok(Self {
            probes: [probe("livenessProbe")?, probe("readinessProbe")?],
            user: user.ok_or("runAsUser is missing")?,
            args,
            env,
            mounts,
        })
    }
}

fn source(volume: &Value, resources: &[Value]) -> Result<Source, String> {
    if let Some(secret) = volume.pointer("/secret/secretName").and_then(Value::as_str) {
        return Ok(Source::Secret(secret.to_owned()));
    }
    let Some(map) = volume.pointer("/configMap/name") else { return Ok(Source::Folder) };
    let is_it =
        |own: &&Value| own.get("kind") == Some(&json!("ConfigMap")) && own.pointer("/metadata/name") == Some(map);
    let found = resources.iter().find(is_it).and_then(|own| own.get("data")).and_then(Value::as_object);
    let data = found.ok_or_else(|| format!("there is no ConfigMap {map}"))?;
    let files = data.iter().map(|(name, content)| (name.clone(), content.as_str().unwrap_or_default().to_owned()));
    Ok(Source::ConfigMap(files.collect()))
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn texts<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v str> + use<'v> {
    list(value, key).filter_map(Value::as_str)
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

/// The item of a list that has this name.
fn named<'v>(value: &'v Value, key: &str, name: &str) -> Option<&'v Value> {
    list(value, key).find(|item| text(item, "name") == Some(name))
}

/// The resources of a kustomization, rendered by `kubectl`, with tokens made up.
///
/// # Errors
/// `kubectl` is missing, or cannot render it.
pub fn rendered(name: &str) -> Result<Vec<Value>, String> {
    let copy = tempfile::tempdir().map_err(|error| format!("cannot create a temporary folder: {error}"))?;
    documents(&render(name, copy.path())?)
}

/// The text of a rendered kustomization; `folder` is an empty one to render in.
fn render(name: &str, folder: &Path) -> Result<String, String> {
    for kustomization in KUSTOMIZATIONS {
        let from = self::folder().join(kustomization);
        let entries = fs::read_dir(&from).map_err(|error| format!("cannot read {}: {error}", from.display()))?;
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file()) {
            let file = path.file_name().unwrap_or_default();
            write(&folder.join(kustomization).join(file), read(&path)?)?;
        }
    }
    for token in ["token", "metrics-token"] {
        write(&folder.join("plugpipe").join(token), "0123456789abcdef")?;
    }
    let mut kubectl = Command::new("kubectl");
    kubectl.arg("kustomize").arg(folder.join(name));
    output(&mut kubectl).map_err(|problem| format!("{problem} (Debian: apt-get install kubernetes-client)"))
}

/// Renders every kustomization and holds the results against the schemas of Kubernetes, of which
/// the Python package `kubernetes-validate` has copies. Custom resources are left to the tests.
///
/// # Errors
/// A tool is missing, or a resource is not what its schema says.
pub fn check() -> Result<String, String> {
    let python = root().join("target/kubernetes-validate");
    if !python.join("bin/kubernetes-validate").is_file() {
        let hint = "it needs python3 with venv, and PyPI";
        let made = output(Command::new("python3").args(["-m", "venv"]).arg(&python));
        made.map_err(|problem| format!("{problem}; {hint}"))?;
        let mut pip = Command::new(python.join("bin/pip"));
        let installed = output(pip.args(["install", "--quiet", "kubernetes-validate==1.37.0"]));
        installed.map_err(|problem| format!("{problem}; {hint}"))?;
    }
    let mut count = 0;
    for name in KUSTOMIZATIONS {
        let copy = tempfile::tempdir().map_err(|error| format!("cannot create a temporary folder: {error}"))?;
        let text = render(name, copy.path())?;
        count += documents(&text)?.len();
        let file = copy.path().join("rendered.yaml");
        write(&file, text)?;
        let mut validate = Command::new(python.join("bin/kubernetes-validate"));
        output(validate.args(["--strict", "--quiet", "--no-warn"]).arg(&file))
            .map_err(|problem| format!("deploy/kubernetes/{name}: {problem}"))?;
    }
    Ok(format!("{count} resources"))
}
