//! Parses the project's documents and their fenced blocks, for tests that compare them with the
//! code.

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
