//! Parses the project's documents and their fenced blocks, for tests that compare them with the
//! code.

use std::collections::BTreeMap;

use crate::{read_text, root};

/// A fenced block of a document.
pub struct Block {
    /// Its location, for example `docs/x.md:12`.
    pub place: String,
    /// The info string of the fence.
    pub language: String,
    /// The lines between the fences.
    pub content: String,
    /// Why it is not run, from the comment `<!-- not run: … -->` above it.
    pub not_run: Option<String>,
}

/// The fenced blocks of a document. The path is relative to the root.
///
/// # Errors
/// If the document cannot be read, or a comment `<!-- not run: … -->` is longer than one line or
/// not directly above a block.
pub fn blocks(document: &str) -> Result<Vec<Block>, String> {
    let text = read_text(&root().join(document))?;
    let mut blocks = Vec::new();
    let mut not_run = None;
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let place = format!("{document}:{}", index + 1);
        if let Some(language) = line.strip_prefix("```") {
            let content: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            let (language, content) = (language.to_owned(), content.join("\n"));
            blocks.push(Block { place, language, content, not_run: not_run.take() });
        } else if let Some(reason) = line.strip_prefix("<!-- not run: ") {
            let reason = reason.strip_suffix(" -->").ok_or_else(|| format!("{place}: the comment must be one line"))?;
            not_run = Some(reason.to_owned());
        } else if not_run.is_some() {
            return Err(format!("{place}: a comment `not run` must be directly above its block"));
        }
    }
    Ok(blocks)
}

/// The sorted paths of all documents, relative to the root.
///
/// # Errors
/// If the folder `docs` cannot be read.
pub fn documents() -> Result<Vec<String>, String> {
    let mut documents = vec!["README.md".to_owned(), "CONTRIBUTING.md".into(), "SECURITY.md".into()];
    let folder = std::fs::read_dir(root().join("docs")).map_err(|error| format!("cannot read docs: {error}"))?;
    for entry in folder {
        let entry = entry.map_err(|error| format!("cannot read docs: {error}"))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            documents.push(format!("docs/{name}"));
        }
    }
    documents.sort();
    Ok(documents)
}

/// The targets of a document's links and pictures, each with its line, outside of fenced blocks.
#[must_use]
pub fn links(text: &str) -> Vec<(usize, &str)> {
    let targets = |(line, text)| {
        let targets = str::split(text, "](").skip(1).filter_map(|rest: &str| rest.split(')').next());
        targets.map(move |target| (line, target))
    };
    prose(text).flat_map(targets).collect()
}

/// The anchors of a document's headings, as GitHub and mdBook make them.
#[must_use]
pub fn anchors(text: &str) -> Vec<String> {
    let headings = prose(text).filter_map(|(_, line)| {
        let title = line.trim_start_matches('#').strip_prefix(' ')?;
        line.starts_with('#').then_some(title)
    });
    // Headings of the same text are numbered.
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let anchors = headings.map(|title| {
        let kept = title.trim().to_lowercase();
        let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        let anchor: String = kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect();
        let before = seen.entry(anchor.clone()).or_default();
        *before += 1;
        if *before == 1 { anchor } else { format!("{anchor}-{}", *before - 1) }
    });
    anchors.collect()
}

/// The lines outside of fenced blocks, counted from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        (!is_code && !is_fence).then_some((index + 1, line))
    })
}

/// The book's pages in their order, relative to the root.
///
/// # Errors
/// If `docs/SUMMARY.md` cannot be read.
pub fn pages() -> Result<Vec<String>, String> {
    let summary = read_text(&root().join(SUMMARY))?;
    Ok(links(&summary).into_iter().map(|(_, target)| from_root("docs", target)).collect())
}

/// The book's table of contents.
pub const SUMMARY: &str = "docs/SUMMARY.md";

/// A link's path without its anchor, relative to the root, of a document in `folder`.
#[must_use]
pub fn from_root(folder: &str, target: &str) -> String {
    let path = target.split('#').next().unwrap_or_default();
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." | "" => {}
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_anchors_are_those_of_the_prose() {
        let text = "# A `b`, c\n[x](a.md#b) ![y](c.png)\n```sh\n# no](z)\n```\n## A b c\n#### what_is-it?\n# A b c\n";
        assert_eq!(links(text), [(2, "a.md#b"), (2, "c.png")]);
        assert_eq!(anchors(text), ["a-b-c", "a-b-c-1", "what_is-it", "a-b-c-2"].map(String::from));
        assert_eq!(from_root("docs", "../wit/a.wit#x"), "wit/a.wit");
        assert_eq!(from_root("", "docs/a.md"), "docs/a.md");
    }
}
