//! Builds the documents as a book. `book.toml` has mdBook's settings, `docs/SUMMARY.md` the pages.
//!
//! mdBook gets a copy in which each page keeps its path, so that links between pages work. Links to
//! other files of the repository lead to the repository's site, or lose their target where that is
//! not known.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::documents::{self, from_root, links};
use crate::{output, read_text, remove, root, write};

/// The address of the repository's files on its site, such as `https://example.com/r/blob/v1`.
const SITE_VARIABLE: &str = "PLUGPIPE_REPOSITORY_FILES";
/// Where `book.toml` expects the copy, and writes the book.
const SOURCES: &str = "dist/book/src";
const BOOK: &str = "dist/book/html";
/// A program of its own, so that no other task needs it.
const TOOLS: &str = "dist/tools";
const MDBOOK: &str = "0.4.52";

/// Builds the book and returns its first page. Installs mdBook below `dist` if it is not on the
/// `PATH`.
///
/// # Errors
/// If a page cannot be read, mdBook cannot be installed, or it fails.
pub fn make() -> Result<PathBuf, String> {
    let pages = documents::pages()?;
    let sources = root().join(SOURCES);
    remove(&sources)?;
    let site = std::env::var(SITE_VARIABLE).ok();
    for page in &pages {
        let text = read_text(&root().join(page))?;
        write(&sources.join(page), linked(&text, folder(page), &pages, site.as_deref()))?;
    }
    let summary = read_text(&root().join(documents::SUMMARY))?;
    write(&sources.join("SUMMARY.md"), moved(&summary))?;
    let images =
        fs::read_dir(root().join("docs/images")).map_err(|error| format!("cannot read docs/images: {error}"))?;
    for image in images {
        let image = image.map_err(|error| format!("cannot read docs/images: {error}"))?;
        write(&sources.join("docs/images").join(image.file_name()), crate::read(&image.path())?)?;
    }
    output(Command::new(mdbook()?).arg("build"))?;
    Ok(root().join(BOOK).join("index.html"))
}

/// The folder of a page.
fn folder(page: &str) -> &str {
    page.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The summary, with links from the root.
fn moved(summary: &str) -> String {
    replace_links(summary, |target| Some(from_root("docs", target)))
}

/// A page, with its links to files that are not in the book replaced.
fn linked(text: &str, folder: &str, pages: &[String], site: Option<&str>) -> String {
    replace_links(text, |target| {
        let path = from_root(folder, target);
        let is_in_book = path.is_empty() || pages.contains(&path) || path.starts_with("docs/images/");
        if is_in_book || target.contains("://") || target.starts_with('#') {
            return Some(target.to_owned());
        }
        site.map(|site| format!("{site}/{path}"))
    })
}

/// Replaces the target of each link. Without one, the link becomes its text.
fn replace_links(text: &str, replace: impl Fn(&str) -> Option<String>) -> String {
    let mut out: Vec<String> = text.lines().map(str::to_owned).collect();
    for (line, target) in links(text) {
        let Some(text) = out.get_mut(line - 1) else { continue };
        let link = format!("]({target})");
        match replace(target) {
            Some(new) => *text = text.replacen(&link, &format!("](\u{0}{new})"), 1),
            None => {
                if let Some((before, after)) = text.split_once(&link)
                    && let Some((before, label)) = before.rsplit_once('[')
                {
                    *text = format!("{before}{label}{after}");
                }
            }
        }
    }
    // Marks what is replaced already: a line may name one target twice.
    out.join("\n").replace('\u{0}', "") + "\n"
}

fn mdbook() -> Result<PathBuf, String> {
    let installed = root().join(TOOLS).join("bin/mdbook");
    let is_there = |program: &Path| Command::new(program).arg("--version").output().is_ok();
    if let Some(program) = [Path::new("mdbook"), &installed].into_iter().find(|program| is_there(program)) {
        return Ok(program.to_owned());
    }
    let mut install = Command::new(env!("CARGO"));
    install.args(["install", "--locked", "--version", MDBOOK, "--no-default-features", "--root", TOOLS, "mdbook"]);
    // Lints of this workspace are not those of other programs.
    install.env_remove("RUSTC_WORKSPACE_WRAPPER");
    output(&mut install)?;
    Ok(installed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_pages_or_to_the_repository() {
        let pages = ["README.md".to_owned(), "docs/a.md".into()];
        let text = "[A](a.md#x), [W](../wit/w.wit) and [R](../README.md), [W](../wit/w.wit)\n";
        assert_eq!(linked(text, "docs", &pages, None), "[A](a.md#x), W and [R](../README.md), W\n");
        let site = linked(text, "docs", &pages, Some("https://s"));
        assert_eq!(site, "[A](a.md#x), [W](https://s/wit/w.wit) and [R](../README.md), [W](https://s/wit/w.wit)\n");
        assert_eq!(moved("- [A](a.md)\n[R](../README.md)\n"), "- [A](docs/a.md)\n[R](README.md)\n");
    }
}
