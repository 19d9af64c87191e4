//! The documents: what stands in a fenced block is run, read or compared, by its language, and texts that are promised are what comes.
//!
//! | language | what is done with a block |
//! |---|---|
//! | `sh` | run as it stands, in a folder that has `examples`; `cargo run --` is the built binary |
//! | `sh` and then `text`, in troubleshooting.md | run; it fails with this text, and with status 1, or what `exit=` says |
//! | `rust` | compared with snippets.rs, which is built and run |
//! | `yaml`, `json`, `python`, `js` | read by who reads such a file |
//! | `wit`, `text` elsewhere | left to the test that is named in `ELSEWHERE` |
//!
//! A block that cannot be run has a comment above it, with the reason: `<!-- not run: … -->`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use plugpipe_harness::grants;
use serde_json::Value;

use crate::serve::{Served, get};
use crate::support::{answer, harness, root, run, stderr, stdout};

const TROUBLESHOOTING: &str = "docs/troubleshooting.md";

/// Blocks that another test holds: document, language, and which.
const ELSEWHERE: [(&str, &str, &str); 3] = [
    ("docs/wit.md", "wit", "dist.rs compares the page with the world"),
    (TROUBLESHOOTING, "text", "every_text_of_troubleshooting_is_what_its_command_says"),
    (TROUBLESHOOTING, "text exit=2", "every_text_of_troubleshooting_is_what_its_command_says"),
];

/// A fenced block.
struct Block {
    /// Where it begins: `docs/x.md:12`.
    place: String,
    language: String,
    content: String,
    /// Why it is not run.
    left_out: Option<String>,
}

/// The fenced blocks of a document of the repository.
fn blocks(document: &str) -> Vec<Block> {
    let text = read(document);
    let mut blocks = Vec::new();
    let mut left_out = None;
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let place = format!("{document}:{}", index + 1);
        if let Some(language) = line.strip_prefix("```") {
            let content: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            let (language, content) = (language.to_owned(), content.join("\n"));
            blocks.push(Block { place, language, content, left_out: left_out.take() });
        } else if let Some(reason) = line.strip_prefix("<!-- not run: ") {
            let reason = reason.strip_suffix(" -->").unwrap_or_else(|| panic!("{place}: the comment is one line"));
            left_out = Some(reason.to_owned());
        } else {
            assert!(left_out.is_none(), "{place}: a reason stands directly above its block");
        }
    }
    blocks
}

/// The document's block that begins so, whole.
pub fn block(document: &str, begin: &str) -> String {
    let found = blocks(document).into_iter().find(|block| block.content.starts_with(begin));
    found.unwrap_or_else(|| panic!("{document} has no block that begins with {begin}")).content + "\n"
}

/// Every document that people read.
fn documents() -> Vec<String> {
    let mut documents = vec!["README.md".to_owned(), "CONTRIBUTING.md".into(), "SECURITY.md".into()];
    let folder = std::fs::read_dir(root().join("docs")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    documents.extend(names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")));
    documents.sort();
    documents
}

fn all() -> impl Iterator<Item = (String, Block)> {
    documents().into_iter().flat_map(|document| {
        blocks(&document).into_iter().map(move |block| (document.clone(), block)).collect::<Vec<_>>()
    })
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// A folder in which commands of the documents run: the examples are there, and what they write goes with it.
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
        let bin = self.folder.path().join(".bin").into_os_string().into_string().unwrap();
        Command::new("sh")
            .args(["-euc", script])
            .current_dir(self.folder.path())
            .env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()))
            .env_remove("PLUGPIPE_PLUG")
            .env_remove("PLUGPIPE_LOG")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

#[test]
fn every_command_does_what_it_promises() {
    let mut run = 0;
    for document in documents() {
        // A reader goes from one block to the next.
        let desk = Desk::new();
        for block in blocks(&document) {
            if block.language != "sh" || document == TROUBLESHOOTING {
                continue;
            }
            if let Some(reason) = &block.left_out {
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
    let (_grafana, grafana) = crate::dashboards::grafana().await;
    let blocks = blocks(TROUBLESHOOTING);
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

/// Runs a program that reads a block and says what is wrong with it.
fn checked_by(block: &Block, suffix: &str, program: &str, arguments: &[&str]) {
    let file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    std::fs::write(file.path(), &block.content).unwrap();
    let output = Command::new(program).args(arguments).arg(file.path()).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {program} is needed: {error}", block.place));
    assert!(output.status.success(), "{}: {}", block.place, stderr(&output));
}

#[test]
fn every_other_block_is_what_its_language_says() {
    /// A block as it may stand there at the top level of an interactive session.
    const PYTHON: &str =
        "import ast, sys; compile(open(sys.argv[1]).read(), sys.argv[1], 'exec', ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)";
    // Indentation differs: a block of a document stands for itself.
    let lines = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let snippets = lines(&read("tests/e2e/snippets.rs"));
    for (document, block) in all() {
        let place = &block.place;
        match block.language.as_str() {
            "sh" => {}
            "rust" => assert!(snippets.contains(&lines(&block.content)), "{place}: is not in tests/e2e/snippets.rs"),
            "yaml" => {
                let value: Value =
                    serde_saphyr::from_str(&block.content).unwrap_or_else(|error| panic!("{place}: {error}"));
                assert!(value.is_object(), "{place}");
                if value.get("origins").is_some() {
                    grants::read(&block.content, Path::new("")).unwrap_or_else(|error| panic!("{place}: {error}"));
                }
            }
            "json" => {
                serde_json::from_str::<Value>(&block.content).unwrap_or_else(|error| panic!("{place}: {error}"));
            }
            "python" => checked_by(&block, ".py", "python3", &["-c", PYTHON]),
            "js" => checked_by(&block, ".mjs", "node", &["--check"]),
            language => assert!(
                ELSEWHERE.iter().any(|(of, known, _)| (*of, *known) == (document.as_str(), language)),
                "{place}: no test reads a block of language {language:?}"
            ),
        }
    }
}

#[test]
fn every_file_and_link_that_is_named_is_there() {
    let mut seen = 0;
    for document in documents() {
        let text = read(&document);
        let folder = Path::new(&document).parent().unwrap();
        for (index, line) in text.lines().enumerate() {
            let place = format!("{document}:{}", index + 1);
            // Links to files beside the document.
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let path = target.split('#').next().unwrap();
                if path.is_empty() || target.contains("://") {
                    continue;
                }
                assert!(root().join(folder).join(path).exists(), "{place}: there is no {target}");
                seen += 1;
            }
            // Sources, from the root. architecture.md says what is in them, too.
            let words: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
            for (at, word) in words.iter().enumerate() {
                let is_source =
                    ["plugin/", "host-harness/", "tests/", "wit/"].iter().any(|room| word.starts_with(room));
                let is_planned = ["graphite.rs", "heartbeat.rs"].iter().any(|name| word.ends_with(name));
                if !is_source || is_planned || word.contains(['*', ' ']) {
                    continue;
                }
                let path = root().join(word);
                assert!(path.exists(), "{place}: there is no {word}");
                seen += 1;
                if document == "docs/architecture.md"
                    && let Some(name) = words.get(at + 1).filter(|_| line.contains(&format!("`{word}`, `")))
                {
                    let name = name.rsplit("::").next().unwrap();
                    let source = std::fs::read_to_string(&path).unwrap();
                    assert!(source.contains(name), "{place}: {word} has no {name}");
                }
            }
        }
    }
    assert!(seen > 30, "{seen}");
}

#[tokio::test]
async fn the_pod_of_the_readme_starts_as_written() {
    let pod: Value = serde_saphyr::from_str(&block("README.md", "containers:")).unwrap();
    let container = &pod["containers"][0];
    let folder = tempfile::tempdir().unwrap();
    let mounted = container["volumeMounts"][0]["mountPath"].as_str().unwrap();
    std::fs::write(folder.path().join("harness.yaml"), block("docs/scaling.md", "# harness.yaml")).unwrap();
    std::fs::write(folder.path().join("token"), "of-sixteen-characters\n").unwrap();
    let arguments = container["args"].as_array().unwrap().iter().map(|argument| {
        let argument = argument.as_str().unwrap().replace(mounted, folder.path().to_str().unwrap());
        argument.replace("0.0.0.0:8080", "0.0.0.0:0")
    });
    let mut command = harness(&[]);
    command.args(arguments);
    for variable in container["env"].as_array().unwrap() {
        command.env(variable["name"].as_str().unwrap(), "pod-7");
    }
    let served = Served::of(command);
    let url = served.url.replace("0.0.0.0", "127.0.0.1");
    let path = container["livenessProbe"]["httpGet"]["path"].as_str().unwrap();
    assert_eq!(get(&format!("{url}{path}")).await.0, 200);
    assert_eq!(get(&format!("{url}/metrics")).await.0, 401);
}

#[test]
fn every_operation_is_told_of() {
    let text = read("docs/operations.md");
    let described = answer(&run(&["call", "describe"]));
    let operations = described["result"]["operations"].as_object().unwrap();
    let untold: Vec<&String> = operations.keys().filter(|name| !text.contains(&format!("`{name}`"))).collect();
    assert!(operations.len() > 50 && untold.is_empty(), "{untold:?}");
}

#[test]
fn figures_of_the_readme_are_those_of_the_benchmarks() {
    let (readme, measured) = (read("README.md"), read("docs/benchmarks.md"));
    let (_, section) = readme.split_once("## Against the others").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let words: Vec<&str> = section.split_whitespace().map(|word| word.trim_end_matches([',', ';'])).collect();
    let figures =
        words.windows(2).filter(|pair| ["ms", "µs", "ns", "MB"].contains(&pair[1])).map(|pair| pair.join(" "));
    let figures: Vec<String> = figures.collect();
    assert!(figures.len() > 6, "{figures:?}");
    for figure in figures {
        assert!(measured.contains(&figure), "{figure} is not in docs/benchmarks.md");
    }
}
