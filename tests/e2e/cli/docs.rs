//! The documents' commands: each `sh` block is run, and each text of docs/troubleshooting.md and
//! docs/tutorial.md is what its command prints. What else stands in a block is checked by
//! xtask/tests/repository/documents.rs.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use xtask::documents::{Block, blocks, documents};

use crate::support::{answer, harness, root, run, servers, stderr, stdout, without_servers};

const TROUBLESHOOTING: &str = "docs/troubleshooting.md";
const TUTORIAL: &str = "docs/tutorial.md";

/// The document's block that begins so, whole.
pub fn block(document: &str, begin: &str) -> String {
    let found = blocks(document).unwrap().into_iter().find(|block| block.content.starts_with(begin));
    found.unwrap_or_else(|| panic!("{document} has no block that begins with {begin}")).content + "\n"
}

/// A folder in which commands of the documents run: the examples are there, and what they write
/// goes with it.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        let within = |name: &str| desk.folder.path().join(name);
        let whole = |path: &Path| path.canonicalize().unwrap();
        std::os::unix::fs::symlink(whole(&root().join("examples")), within("examples")).unwrap();
        std::fs::create_dir(within(".bin")).unwrap();
        let binary = PathBuf::from(harness(&[]).get_program());
        std::os::unix::fs::symlink(whole(&binary), within(".bin/plugpipe-harness")).unwrap();
        let cargo = "#!/bin/sh\n[ \"$1\" = run ] || { echo \"only cargo run is run here, not cargo $1\" >&2; exit 64; }\n\
                     shift\n[ \"$1\" = -- ] && shift\nexec plugpipe-harness \"$@\"\n";
        std::fs::write(within(".bin/cargo"), cargo).unwrap();
        std::fs::set_permissions(within(".bin/cargo"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        desk
    }

    /// Runs a block's lines, each of which must succeed.
    fn run(&self, script: &str) -> Output {
        self.command(script).output().unwrap()
    }

    fn command(&self, script: &str) -> Command {
        let bin = self.folder.path().join(".bin").into_os_string().into_string().unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-euc", script])
            .current_dir(self.folder.path())
            .env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()))
            .env_remove("PLUGPIPE_PLUG")
            .env_remove("PLUGPIPE_LOG")
            .stdin(Stdio::null());
        command
    }
}

#[test]
fn every_command_does_what_it_promises() {
    let mut run = 0;
    for document in documents().unwrap() {
        // A reader goes from one block to the next.
        let desk = Desk::new();
        for block in blocks(&document).unwrap() {
            if block.language != "sh" || [TROUBLESHOOTING, TUTORIAL].contains(&document.as_str()) {
                continue;
            }
            if let Some(reason) = &block.not_run {
                eprintln!("{}: not run: {reason}", block.place);
                continue;
            }
            let output = desk.run(&block.content);
            assert!(output.status.success(), "{}: {}{}", block.place, stdout(&output), stderr(&output));
            run += 1;
        }
    }
    assert!(run >= 3, "{run}");
}

/// Whether a block of troubleshooting is what its command says: `text`, or with another status
/// `text exit=2`.
fn is_said(block: &Block) -> bool {
    matches!(block.language.as_str(), "text" | "text exit=2")
}

#[tokio::test]
async fn every_text_of_troubleshooting_is_what_its_command_says() {
    // Servers that answer, in place of the reader's.
    let (_grafana, grafana) = crate::servers::dashboards::grafana().await;
    let blocks = blocks(TROUBLESHOOTING).unwrap();
    let seen = tokio::task::spawn_blocking(move || {
        let desk = Desk::new();
        let mut seen = 0;
        for pair in blocks.windows(2) {
            let [command, text] = pair else { continue };
            if command.language != "sh" || !is_said(text) {
                continue;
            }
            let here = |text: &str| text.replace("http://127.0.0.1:3000", &grafana);
            let output = desk.run(&here(&command.content));
            let code = if text.language == "text" { 1 } else { 2 };
            assert_eq!(output.status.code(), Some(code), "{}: {}{}", command.place, stdout(&output), stderr(&output));
            let said = match serde_json::from_slice::<Value>(&output.stdout) {
                Ok(answer) => answer["error"].as_str().unwrap().to_owned(),
                Err(_) => stderr(&output),
            };
            assert!(said.contains(&here(&text.content)), "{}\nsays: {said}", command.place);
            seen += 1;
        }
        let texts = blocks.iter().filter(|block| is_said(block)).count();
        assert_eq!(seen, texts, "each text follows its command");
        seen
    });
    assert!(seen.await.unwrap() >= 12);
}

/// The servers of the tutorial.
struct Lab(Child);

impl Lab {
    /// Runs the tutorial's command for them, without a shell that would outlive it.
    fn start(desk: &Desk, command: &str) -> Self {
        let mut command = desk.command(&command.replace("cargo run -- ", "exec plugpipe-harness "));
        command.env("PLUGPIPE_SERVERS", servers().folder()).stdout(Stdio::null());
        let lab = Self(command.spawn().unwrap());
        let config = desk.folder.path().join("lab/config.yaml");
        let started = Instant::now();
        while !config.exists() {
            assert!(started.elapsed() < Duration::from_secs(60), "no {}", config.display());
            std::thread::sleep(Duration::from_millis(50));
        }
        lab
    }

    /// Stops them as Ctrl-C does, if they still run.
    fn stop(&mut self) -> Option<i32> {
        if self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ =
                rustix::process::kill_process(rustix::process::Pid::from_child(&self.0), rustix::process::Signal::INT);
        }
        self.0.wait().ok()?.code()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop();
    }
}

#[test]
fn the_tutorial_ends_with_an_alert_that_fired() {
    if without_servers("the_tutorial_ends_with_an_alert_that_fired") {
        return;
    }
    let desk = Desk::new();
    let blocks = blocks(TUTORIAL).unwrap();
    let mut lab = None;
    for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.language == "sh") {
        if block.content.contains("--keep") {
            lab = Some(Lab::start(&desk, &block.content));
            continue;
        }
        let text = blocks.get(index + 1).filter(|next| next.language.starts_with("text"));
        let (language, text) = text.map_or(("text", ""), |text| (text.language.as_str(), text.content.as_str()));
        let started = Instant::now();
        loop {
            let output = desk.run(&block.content);
            let printed = format!("{}{}", stdout(&output), stderr(&output));
            assert_eq!(output.status.code(), Some(i32::from(language == "text exit=1")), "{}: {printed}", block.place);
            let Some(missing) = text.lines().find(|line| !printed.contains(*line)) else { break };
            let may_come = language == "text eventually" && started.elapsed() < Duration::from_secs(30);
            assert!(may_come, "{}: {missing} is not in\n{printed}", block.place);
            std::thread::sleep(Duration::from_millis(300));
        }
    }
    assert_eq!(lab.expect("the tutorial starts its servers").stop(), Some(0));
    assert!(!desk.folder.path().join("lab/config.yaml").exists());
}

#[test]
fn every_operation_is_told_of() {
    let text = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let described = answer(&run(&["call", "describe"]));
    let operations = described["result"]["operations"].as_object().unwrap();
    let untold: Vec<&String> = operations.keys().filter(|name| !text.contains(&format!("`{name}`"))).collect();
    assert!(operations.len() > 50 && untold.is_empty(), "{untold:?}");
}
