//! The shape of the sources: files and functions that can be read at once.

use std::fs;
use std::path::{Path, PathBuf};

/// A longer file says why in its first lines.
const MAX_FILE: usize = 700;

/// Tables of tests may be longer.
const MAX_FUNCTION: usize = 80;

/// All Rust files of a folder and of the folders in it, without what is built or fetched.
pub(super) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !name.starts_with('.') && !["target", "node_modules", "dist"].contains(&name) {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn all() -> Vec<(String, String)> {
    let root = xtask::root();
    let found = rust_files(&root);
    assert!(found.len() > 300, "{}", found.len());
    let named = |path: &PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    found.iter().map(|path| (named(path), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn a_long_file_says_why() {
    let is_long = |text: &str| text.lines().count() > MAX_FILE;
    let says_why = |text: &str| text.lines().take(6).any(|line| line.contains("long because"));
    let long = all().into_iter().filter(|(_, text)| is_long(text) && !says_why(text));
    let long: Vec<String> = long.map(|(path, _)| path).collect();
    assert!(long.is_empty(), "split these files, or say in their first lines that they are long because …: {long:#?}");
}

/// The functions of a text with more lines than they should have. What rustfmt wrote ends with a
/// brace below its first word.
fn long_functions(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().take_while(|line| !line.contains("#[cfg(test)]")).collect();
    let functions = lines.iter().enumerate().filter(|(_, line)| {
        let words = line.split(['(', '<']).next().unwrap_or_default();
        words.split_whitespace().any(|word| word == "fn")
            && !line.trim_start().starts_with("//")
            && !line.ends_with([';', '}'])
    });
    let mut long = Vec::new();
    for (first, line) in functions {
        let indent = line.len() - line.trim_start().len();
        let is_end = |line: &&str| line.len() - line.trim_start().len() == indent && line.trim_start().starts_with('}');
        let length = lines[first..].iter().position(is_end).map_or(0, |last| last + 1);
        if length > MAX_FUNCTION {
            long.push(format!("{}: {length} lines", line.trim()));
        }
    }
    long
}

#[test]
fn functions_are_short() {
    let is_test = |path: &str| path.split(['/', '.', '_']).any(|part| ["tests", "benches"].contains(&part));
    let long: Vec<(String, Vec<String>)> = all()
        .into_iter()
        .filter(|(path, _)| !is_test(path))
        .map(|(path, text)| (path, long_functions(&text)))
        .filter(|(_, long)| !long.is_empty())
        .collect();
    assert!(long.is_empty(), "split these functions: {long:#?}");
    let body = "    let x = 1;\n".repeat(MAX_FUNCTION);
    assert_eq!(long_functions(&format!("fn f() {{\n{body}}}\n")).len(), 1);
    assert_eq!(long_functions(&format!("fn f() {{\n}}\n{body}")), Vec::<String>::new());
}
