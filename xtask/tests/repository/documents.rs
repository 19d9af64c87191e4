//! The documents: what stands in a fenced block is run, read or compared, by its language; files,
//! links, anchors and figures that are named exist; and each page is in the book.
//!
//! | language | what is done with a block |
//! |---|---|
//! | `sh` | run by tests/e2e/cli/docs.rs, in a folder that has `examples`; `cargo run --` is the built binary |
//! | `sh` and then `text`, in troubleshooting.md | run there too; it fails with this text, and with status 1, or what `exit=` says |
//! | the same in tutorial.md | run there too; it prints these lines, at once or `eventually`, and succeeds, or ends with what `exit=` says |
//! | `rust` | compared with tests/e2e/cli/snippets.rs and the runtime's hosting_guide.rs, which are built and run |
//! | `yaml`, `json`, `python`, `js` | read by a reader of the language |
//! | `wit`, `text` elsewhere | left to the test that is named in `ELSEWHERE` |
//!
//! A block that cannot be run has a comment above it, with the reason: `<!-- not run: … -->`.

use std::path::Path;
use std::process::Command;

use plugpipe_runtime::grants;
use serde_json::Value;
use xtask::documents::{Block, SUMMARY, anchors, blocks, documents, from_root, links, pages};
use xtask::root;

const TROUBLESHOOTING: &str = "docs/troubleshooting.md";
const TUTORIAL: &str = "docs/tutorial.md";
const TUTORIAL_TEST: &str = "the_tutorial_ends_with_an_alert_that_fired";

/// Tests whose parts are the Rust of documents.
const SNIPPETS: [&str; 2] = ["tests/e2e/cli/snippets.rs", "host-harness/runtime/tests/runtime/hosting_guide.rs"];

/// Blocks that another test holds: document, language, and which.
const ELSEWHERE: [(&str, &str, &str); 6] = [
    (TUTORIAL, "text", TUTORIAL_TEST),
    (TUTORIAL, "text eventually", TUTORIAL_TEST),
    (TUTORIAL, "text exit=1", TUTORIAL_TEST),
    ("docs/wit.md", "wit", "dist.rs compares the page with the world"),
    (TROUBLESHOOTING, "text", "every_text_of_troubleshooting_is_what_its_command_says"),
    (TROUBLESHOOTING, "text exit=2", "every_text_of_troubleshooting_is_what_its_command_says"),
];

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// Runs a program that reads a block and says what is wrong with it.
fn checked_by(block: &Block, suffix: &str, program: &str, arguments: &[&str]) {
    let file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    std::fs::write(file.path(), &block.content).unwrap();
    let output = Command::new(program).args(arguments).arg(file.path()).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {program} is needed: {error}", block.place));
    assert!(output.status.success(), "{}: {}", block.place, String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_other_block_is_what_its_language_says() {
    /// A block as it may stand there at the top level of an interactive session.
    const PYTHON: &str =
        "import ast, sys; compile(open(sys.argv[1]).read(), sys.argv[1], 'exec', ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)";
    // Indentation differs: a block of a document stands for itself.
    let lines = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let snippets = SNIPPETS.map(|path| lines(&read(path)));
    for (document, block) in documents().unwrap().into_iter().flat_map(|document| {
        blocks(&document).unwrap().into_iter().map(move |block| (document.clone(), block)).collect::<Vec<_>>()
    }) {
        let place = &block.place;
        match block.language.as_str() {
            "sh" => {}
            "rust" => {
                let block = lines(&block.content);
                assert!(snippets.iter().any(|snippets| snippets.contains(&block)), "{place}: is not in {SNIPPETS:?}");
            }
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
fn every_link_leads_to_a_file_and_its_anchor_to_a_heading() {
    let mut seen = 0;
    for document in documents().unwrap().into_iter().chain(["CHANGELOG.md".into(), "examples/README.md".into()]) {
        let text = read(&document);
        let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, target) in links(&text).into_iter().filter(|(_, target)| !target.contains("://")) {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { document.clone() } else { from_root(folder, path) };
            assert!(root().join(&path).exists(), "{document}:{line}: there is no {target}");
            let has_anchor = anchor.is_empty() || anchors(&read(&path)).iter().any(|known| known == anchor);
            assert!(has_anchor, "{document}:{line}: {path} has no heading for {target}");
            seen += 1;
        }
    }
    assert!(seen > 150, "{seen}");
}

#[test]
fn every_page_is_in_the_book_once() {
    let mut listed = pages().unwrap();
    listed.sort();
    let all = listed.len();
    listed.dedup();
    assert_eq!(listed.len(), all, "{SUMMARY} lists a page twice");
    for document in documents().unwrap().into_iter().filter(|document| document != SUMMARY) {
        assert!(listed.contains(&document), "{SUMMARY} has no {document}");
    }
}

#[test]
fn the_readme_is_short_and_each_error_code_has_a_row() {
    assert!(read("README.md").lines().count() <= 150);
    let page = read("docs/errors.md");
    let (plug, hosts) = page.split_once("\n## Of the hosts").unwrap();
    let rows = |part: &str| -> Vec<String> {
        let names = part.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        names.map(str::to_owned).collect()
    };
    let manifest = xtask::reference::manifest().unwrap();
    let codes = manifest.pointer("/output_schema/$defs/error_code/enum").unwrap();
    let codes: Vec<&str> = codes.as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    assert_eq!(rows(plug), codes, "docs/errors.md, and ERROR_CODES of plugin/contract/src/schema.rs");
    // What hosts say besides.
    let rows = [rows(plug), rows(hosts)].concat();
    let mut seen = 0;
    for source in [
        "host-harness/src/serve/guard.rs",
        "host-harness/src/serve/mod.rs",
        "host-harness/python/src/answer.rs",
        "packaging/python/main.py",
        "packaging/python/bare_host.py",
    ] {
        let text = read(source);
        for before in ["\"error_code\": \"", "code: \"", "=> \"", "failure(\""] {
            for code in text.split(before).skip(1).filter_map(|rest| rest.split('"').next()) {
                let is_code = before != "=> \"" || code == "plug_crashed" || code == "host";
                assert!(
                    !is_code || rows.iter().any(|row| row == code),
                    "{source}: docs/errors.md has no row for {code}"
                );
                seen += usize::from(is_code);
            }
        }
        // `reject(StatusCode::FORBIDDEN, "forbidden", problem)`
        for call in text.split("StatusCode::").skip(1).filter_map(|rest| rest.split(", problem").next()) {
            if let Some(code) = call.split_once(", \"").and_then(|(_, rest)| rest.strip_suffix('"')) {
                assert!(rows.iter().any(|row| row == code), "{source}: docs/errors.md has no row for {code}");
                seen += 1;
            }
        }
    }
    assert!(seen > 12, "{seen}");
}

#[test]
fn every_source_that_is_named_is_there() {
    let mut seen = 0;
    for document in documents().unwrap() {
        let text = read(&document);
        for (index, line) in text.lines().enumerate() {
            let place = format!("{document}:{}", index + 1);
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

#[test]
fn figures_of_the_readme_are_those_of_the_benchmarks() {
    let (readme, measured) = (read("README.md"), read("docs/benchmarks.md"));
    let (_, section) = readme.split_once("## Measured").unwrap();
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
