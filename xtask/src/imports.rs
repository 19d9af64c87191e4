//! Finds import cycles between the files of a crate.
//!
//! A file imports another if it names an item of it in a `use` or in a path. Declaring child
//! modules and re-exporting their items without using them do not count. Tests are ignored, because
//! they may import anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::{read_text, root};

/// The folders of the workspace members, relative to the root.
///
/// # Errors
/// If the manifest cannot be read.
pub fn members() -> Result<Vec<String>, String> {
    let manifest = read_text(&root().join("Cargo.toml"))?;
    let list = manifest.split_once("\nmembers = [").and_then(|(_, rest)| rest.split_once(']'));
    let (list, _) = list.ok_or("Cargo.toml lists no members")?;
    Ok(list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

/// The import cycles of a crate's library and binary, each as a sorted list of files.
///
/// # Errors
/// If a file cannot be read.
pub fn circles(folder: &Path) -> Result<Vec<Vec<String>>, String> {
    let mut found = Vec::new();
    for name in ["src/lib.rs", "src/main.rs"] {
        let file = folder.join(name);
        if file.is_file() {
            let mut modules = Modules::default();
            modules.load(&file, &folder.join("src"), Vec::new())?;
            found.extend(modules.circles(folder));
        }
    }
    Ok(found)
}

/// A module path in its crate.
type Place = Vec<String>;

/// All modules of a library or binary that have their own file.
#[derive(Default)]
struct Modules(BTreeMap<Place, Module>);

struct Module {
    file: PathBuf,
    children: BTreeSet<String>,
    /// Items that the file defines.
    items: BTreeSet<String>,
    uses: Vec<Use>,
    /// The words outside `use`.
    code: Vec<String>,
}

/// A name imported by a `use`.
struct Use {
    path: Vec<String>,
    /// The local name; `*` for a glob import.
    name: String,
    is_reexport: bool,
}

impl Modules {
    /// Loads a file and its child modules from `folder`.
    fn load(&mut self, file: &Path, folder: &Path, place: Place) -> Result<(), String> {
        let module = Module::read(file)?;
        for child in &module.children {
            let mut below = place.clone();
            below.push(child.clone());
            let nested = folder.join(child);
            let candidates = [folder.join(format!("{child}.rs")), nested.join("mod.rs")];
            if let Some(file) = candidates.iter().find(|file| file.is_file()) {
                self.load(file, &nested, below)?;
            }
        }
        self.0.insert(place, module);
        Ok(())
    }

    /// Resolves a path in the module `from` to the module that defines the item.
    fn resolve(&self, from: &[String], path: &[String], depth: usize) -> Option<Place> {
        let (first, rest) = path.split_first()?;
        let module = self.0.get(from)?;
        match first.as_str() {
            "crate" => self.descend(Vec::new(), rest, depth),
            "self" => self.descend(from.to_vec(), rest, depth),
            "super" => self.descend(from.split_last()?.1.to_vec(), rest, depth),
            _ if module.children.contains(first) => self.descend(from.to_vec(), path, depth),
            _ => None,
        }
    }

    fn descend(&self, mut place: Place, path: &[String], depth: usize) -> Option<Place> {
        let module = self.0.get(&place)?;
        let Some((first, rest)) = path.split_first() else { return Some(place) };
        if first == "super" {
            place.pop();
            return self.descend(place, rest, depth);
        }
        if module.children.contains(first) {
            let mut below = place.clone();
            below.push(first.clone());
            // An inline module.
            return self.descend(below, rest, depth).or(Some(place));
        }
        if depth == 0 || module.items.contains(first) {
            return Some(place);
        }
        // Follow re-exports to the definition.
        let through = module.uses.iter().find(|used| used.name == *first);
        match through {
            Some(used) => self.resolve(&place, &used.path, depth - 1).or(Some(place)),
            None => Some(place),
        }
    }

    /// The modules that each module imports.
    fn imports(&self) -> BTreeMap<&Place, BTreeSet<Place>> {
        const MAX_REEXPORTS: usize = 8;
        let of = |place: &Place, module: &Module| {
            let used = module.uses.iter().filter(|used| !used.is_reexport || module.names(&used.name));
            let mut paths: Vec<Vec<String>> = used.map(|used| used.path.clone()).collect();
            paths.extend(module.paths());
            let resolved = paths.iter().filter_map(|path| self.resolve(place, path, MAX_REEXPORTS));
            resolved.filter(|target| target != place).collect()
        };
        self.0.iter().map(|(place, module)| (place, of(place, module))).collect()
    }

    fn circles(&self, folder: &Path) -> Vec<Vec<String>> {
        let imports = self.imports();
        // Modules that are reachable from each other are in one cycle.
        let reachable = |from: &Place| {
            let mut seen = BTreeSet::new();
            let mut next = vec![from];
            while let Some(place) = next.pop() {
                for target in imports.get(place).into_iter().flatten() {
                    if seen.insert(target) {
                        next.push(target);
                    }
                }
            }
            seen
        };
        let reachable: BTreeMap<&Place, BTreeSet<&Place>> =
            imports.keys().map(|place| (*place, reachable(place))).collect();
        let reaches = |from: &Place, to: &Place| reachable.get(from).is_some_and(|seen| seen.contains(to));
        let circle_of = |place: &&Place| -> BTreeSet<String> {
            let circle = imports.keys().filter(|other| reaches(place, other) && reaches(other, place));
            circle.filter_map(|place| self.0.get(*place)).map(|module| shown(&module.file, folder)).collect()
        };
        let circles: BTreeSet<BTreeSet<String>> = imports.keys().map(circle_of).collect();
        circles.into_iter().filter(|circle| !circle.is_empty()).map(|circle| circle.into_iter().collect()).collect()
    }
}

fn shown(file: &Path, folder: &Path) -> String {
    file.strip_prefix(folder).unwrap_or(file).display().to_string()
}

impl Module {
    fn read(file: &Path) -> Result<Self, String> {
        Ok(Self::of(file.into(), &words(&read_text(file)?)))
    }

    fn of(file: PathBuf, words: &[String]) -> Self {
        const DEFINE: &[&str] = &["struct", "enum", "fn", "const", "static", "type", "trait", "union", "macro_rules"];
        let mut module =
            Self { file, children: BTreeSet::new(), items: BTreeSet::new(), uses: Vec::new(), code: Vec::new() };
        let mut at = 0;
        let word = |at: usize| words.get(at).map_or("", String::as_str);
        while at < words.len() {
            if let Some(end) = test_item(words, at) {
                at = end;
                continue;
            }
            match word(at) {
                // Not a precise capturing bound `use<…>`.
                "use" if word(at + 1) != "<" => {
                    let is_reexport = at > 0 && matches!(word(at - 1), "pub" | ")");
                    let mut paths = Vec::new();
                    at = use_tree(words, at + 1, &[], &mut paths);
                    module.uses.extend(paths.into_iter().map(|(path, name)| Use { path, name, is_reexport }));
                    continue;
                }
                "mod" if word(at + 2) == ";" => {
                    module.children.insert(word(at + 1).to_owned());
                    at += 2;
                }
                define if DEFINE.contains(&define) => {
                    let name = if word(at + 1) == "!" { word(at + 2) } else { word(at + 1) };
                    module.items.insert(name.to_owned());
                }
                _ => {}
            }
            module.code.push(word(at).to_owned());
            at += 1;
        }
        module
    }

    /// Whether the code uses the name outside of a path.
    fn names(&self, name: &str) -> bool {
        let mut before = "";
        for word in &self.code {
            if word == name && before != "::" && before != "." {
                return true;
            }
            before = word;
        }
        false
    }

    /// Paths in the code that begin with `crate`, `super` or a child.
    fn paths(&self) -> Vec<Vec<String>> {
        let mut paths = Vec::new();
        let word = |at: usize| self.code.get(at).map_or("", String::as_str);
        for at in 0..self.code.len() {
            let first = word(at);
            let begins = matches!(first, "crate" | "super") || self.children.contains(first);
            if !begins || word(at + 1) != "::" || (at > 0 && word(at - 1) == "::") {
                continue;
            }
            let mut path = vec![first.to_owned()];
            let mut next = at + 1;
            while word(next) == "::" && is_name(word(next + 1)) {
                path.push(word(next + 1).to_owned());
                next += 2;
            }
            paths.push(path);
        }
        paths
    }
}

/// The end of a `#[cfg(test)]` item that starts here, including its attribute.
fn test_item(words: &[String], at: usize) -> Option<usize> {
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let is_test = word(at) == "#"
        && word(at + 1) == "["
        && word(at + 2) == "cfg"
        && (word(at + 4) == "test" || (word(at + 4) == "all" && word(at + 6) == "test"));
    if !is_test {
        return None;
    }
    let mut depth = 0_usize;
    // Skip the attribute.
    let mut end = at + 1;
    loop {
        match word(end) {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ => {}
        }
        end += 1;
        if depth == 0 {
            break;
        }
    }
    // Skip to the semicolon or the closing brace.
    while end < words.len() {
        match word(end) {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && word(end) == "}" {
                    return Some(end + 1);
                }
            }
            ";" if depth == 0 => return Some(end + 1),
            _ => {}
        }
        end += 1;
    }
    Some(end)
}

/// Parses a `use` tree at `at` into paths and local names. Returns its end.
fn use_tree(words: &[String], mut at: usize, prefix: &[String], found: &mut Vec<(Vec<String>, String)>) -> usize {
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let mut path = prefix.to_vec();
    loop {
        match word(at) {
            "{" => {
                at += 1;
                while at < words.len() && word(at) != "}" {
                    let end = use_tree(words, at, &path, found);
                    // Skip the comma and unexpected tokens.
                    at = if end == at || word(end) == "," { end + 1 } else { end };
                }
                return at + 1;
            }
            "::" => at += 1,
            "*" => {
                found.push((path, "*".into()));
                return at + 1;
            }
            "," | "}" | ";" | "" => {
                if path.last().is_some_and(|last| last == "self") {
                    path.pop();
                }
                let name = path.last().cloned().unwrap_or_default();
                found.push((path, name));
                return at;
            }
            "as" => {
                found.push((path, word(at + 1).to_owned()));
                return at + 2;
            }
            segment => {
                path.push(segment.to_owned());
                at += 1;
            }
        }
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Tokenizes a source file, without comments, strings and lifetimes.
fn words(source: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if let Some(line) = rest.strip_prefix("//") {
            2 + line.find('\n').unwrap_or(line.len())
        } else if let Some(block) = rest.strip_prefix("/*") {
            2 + block.find("*/").map_or(block.len(), |end| end + 2)
        } else if let Some(length) = text(rest) {
            length
        } else if rest.starts_with("::") {
            words.push("::".into());
            2
        } else if is_name(rest) || first.is_ascii_digit() {
            let length = rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(rest.len());
            words.push(rest.get(..length).unwrap_or_default().to_owned());
            length
        } else {
            if !first.is_whitespace() {
                words.push(first.into());
            }
            first.len_utf8()
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    words
}

/// The length of a string, character or lifetime that starts here.
fn text(rest: &str) -> Option<usize> {
    let raw = rest.trim_start_matches(['b', 'c']);
    let prefix = rest.len() - raw.len();
    if prefix > 1 {
        return None;
    }
    if let Some(raw) = raw.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw.get(hashes..)?.starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let inside = raw.get(hashes + 1..)?;
            let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
            return Some(prefix + 1 + hashes + 1 + length);
        }
        return None;
    }
    let quoted = |quote: char| {
        let inside = raw.strip_prefix(quote)?;
        let mut escaped = false;
        let end = inside.find(|next: char| {
            let ends = next == quote && !escaped;
            escaped = next == '\\' && !escaped;
            ends
        })?;
        Some(prefix + 1 + end + 1)
    };
    if raw.starts_with('"') {
        return quoted('"');
    }
    let inside = raw.strip_prefix('\'')?;
    let mut chars = inside.chars();
    let (first, second) = (chars.next()?, chars.next());
    if first == '\\' || second == Some('\'') {
        return quoted('\'');
    }
    Some(prefix + 1 + inside.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(inside.len()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use std::fs;

    use super::*;

    fn crate_of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join("src").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        circles(folder.path()).unwrap()
    }

    #[test]
    fn no_crate_of_the_workspace_has_an_import_cycle() {
        let mut problems = Vec::new();
        for member in members().unwrap() {
            let found = circles(&root().join(&member)).unwrap();
            problems.extend(found.into_iter().map(|circle| format!("{member}: {}", circle.join(", "))));
        }
        assert!(problems.is_empty(), "these files import each other: {problems:#?}");
    }

    #[test]
    fn import_cycles_are_found() {
        let one_way = [("lib.rs", "mod a;\nmod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", "pub struct B;")];
        assert_eq!(crate_of(&one_way), [[""; 0]; 0]);
        let circle = [
            ("lib.rs", "mod a;\nmod b;\nmod c;"),
            ("a.rs", "use crate::{b::{self, B}, c as d};"),
            ("b.rs", "use super::c::C;\npub struct B;"),
            ("c.rs", "pub struct C;\nfn f() { crate::a::g(\"crate::b\"); }"),
        ];
        assert_eq!(crate_of(&circle), [["src/a.rs", "src/b.rs", "src/c.rs"]]);
    }

    #[test]
    fn a_parent_that_only_declares_and_reexports_imports_nothing() {
        let child = ("a/b.rs", "use super::Shared;\npub struct B;");
        let reexports = ("a/mod.rs", "mod b;\npub use b::B;\npub struct Shared;");
        assert_eq!(crate_of(&[("lib.rs", "pub mod a;"), reexports, child]), [[""; 0]; 0]);
        for uses in ["fn f() -> B { todo!() }", "fn f() { b::g() }"] {
            let parent = format!("{}\n{uses}", reexports.1);
            let found = crate_of(&[("lib.rs", "pub mod a;"), ("a/mod.rs", &parent), child]);
            assert_eq!(found, [["src/a/b.rs", "src/a/mod.rs"]], "{uses}");
        }
        // An item that the parent only re-exports is imported from the sibling.
        let siblings = [
            ("lib.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B;"),
            ("a.rs", "use crate::B;\npub struct A;"),
            ("b.rs", "pub struct B;"),
        ];
        assert_eq!(crate_of(&siblings), [[""; 0]; 0]);
        let circle = [siblings[0], siblings[1], ("b.rs", "use super::A;\npub struct B;")];
        assert_eq!(crate_of(&circle), [["src/a.rs", "src/b.rs"]]);
    }

    #[test]
    fn tests_and_comments_import_nothing() {
        let files = [
            ("lib.rs", "mod a;\nmod b;"),
            ("a.rs", "use crate::b::B;\npub struct A;"),
            ("b.rs", "// use crate::a::A;\npub struct B;\n#[cfg(test)]\n#[allow(x)]\nmod tests { use crate::a::A; }"),
        ];
        assert_eq!(crate_of(&files), [[""; 0]; 0]);
    }
}
