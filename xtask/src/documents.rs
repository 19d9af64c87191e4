//! The project's documents and their fenced blocks, for the tests that hold them against the code.

use crate::{read_text, root};

/// A fenced block of a document.
pub struct Block {
    /// Where it begins, for example `docs/x.md:12`.
    pub place: String,
    /// What follows the opening fence.
    pub language: String,
    /// The lines between the fences.
    pub content: String,
    /// Why it is not run: the text of the comment `<!-- not run: … -->` above it.
    pub not_run: Option<String>,
}

/// The fenced blocks of a document, given by its path from the root.
///
/// # Errors
/// The document cannot be read, or a comment `<!-- not run: … -->` is longer than a line or does
/// not stand directly above a block.
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
            return Err(format!("{place}: a comment `not run` must stand directly above its block"));
        }
    }
    Ok(blocks)
}

/// The paths of all documents that people read, from the root, sorted.
///
/// # Errors
/// The folder `docs` cannot be read.
pub fn documents() -> Result<Vec<String>, String> {
    let mut documents = vec!["README.md".to_owned(), "CONTRIBUTING.md".into(), "SECURITY.md".into()];
    let folder = std::fs::read_dir(root().join("docs")).map_err(|error| format!("docs cannot be read: {error}"))?;
    for entry in folder {
        let entry = entry.map_err(|error| format!("docs cannot be read: {error}"))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            documents.push(format!("docs/{name}"));
        }
    }
    documents.sort();
    Ok(documents)
}
