//! The documents: commands are run as they are written, and texts that they promise are what comes.

use std::process::Command;

use serde_json::Value;

use crate::support::{harness, root, stderr, stdout};

/// Commands that this suite does not run: how they begin, and why.
const LEFT_OUT: [(&str, &str); 3] = [
    ("serve", "does not end by itself; serve.rs runs it"),
    ("demo --stack", "starts servers; demo.rs runs it"),
    ("call health_check --config", "asks servers of the reader"),
];

/// The fenced blocks of a document: language and content.
fn blocks(document: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let content: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((language.to_owned(), content.join("\n")));
        }
    }
    blocks
}

/// The document's block that begins so, whole.
pub fn block(document: &str, begin: &str) -> String {
    let found = blocks(&read(document)).into_iter().find(|(_, content)| content.starts_with(begin));
    let (_, content) = found.unwrap_or_else(|| panic!("{document} has no block that begins with {begin}"));
    content + "\n"
}

/// The command as a shell reads it, with the built binary for `cargo run --`.
fn shell(arguments: &str) -> Command {
    let binary = harness(&[]);
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("exec '{}' {arguments}", binary.get_program().to_str().unwrap())])
        .current_dir(root())
        .env_remove("PLUGPIPE_PLUG")
        .env_remove("PLUGPIPE_LOG");
    command
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn every_text_of_troubleshooting_is_what_its_command_says() {
    let blocks = blocks(&read("docs/troubleshooting.md"));
    let mut seen = 0;
    for pair in blocks.windows(2) {
        let [(sh, command), (text, promised)] = pair else { continue };
        if (sh.as_str(), text.as_str()) != ("sh", "text") {
            continue;
        }
        let output = shell(command.strip_prefix("cargo run --").unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}");
        let said = match serde_json::from_slice::<Value>(&output.stdout) {
            Ok(answer) => answer["error"].as_str().unwrap().to_owned(),
            Err(_) => stderr(&output),
        };
        assert!(said.contains(promised.as_str()), "{command}\nsays: {said}");
        seen += 1;
    }
    assert!(seen >= 6, "{seen}");
}

#[test]
fn commands_of_the_readme_do_what_they_promise() {
    let mut run = 0;
    for (language, content) in blocks(&read("README.md")) {
        if language != "sh" {
            continue;
        }
        for line in content.lines() {
            let Some(arguments) = line.strip_prefix("cargo run -- ") else { continue };
            if let Some((begin, why)) = LEFT_OUT.iter().find(|(begin, _)| arguments.starts_with(begin)) {
                eprintln!("left out: {begin}: {why}");
                continue;
            }
            let output = shell(arguments).output().unwrap();
            assert!(output.status.success(), "{line}: {}{}", stdout(&output), stderr(&output));
            run += 1;
        }
    }
    assert!(run >= 3, "{run}");
}
