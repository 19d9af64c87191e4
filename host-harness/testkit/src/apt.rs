//! Calls of `apt-get`: with the system's own sources, or with those of Debian's newest suite.
//!
//! The newest suite comes from the mirror that the system's own sources name; no mirror is written
//! down here. Its package lists, which the system does not have, are downloaded into a temporary
//! folder. Needs no root, and changes nothing of the system's.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::tool::{FETCH_PREFIX, run, run_tool};
use super::{Program, TestkitError};

/// The suite that Debian's newest packages enter first.
const NEWEST_SUITE: &str = "sid";
/// The keys that Debian's suites are signed with, where Debian's package of them is installed.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What the options on a command line cannot say: the system's hooks, some of which clean up after
/// an update, are for updates of the system.
const NO_HOOKS: &str = "#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
";

/// An `apt-get` with its options.
pub(super) struct Apt {
    options: Vec<OsString>,
    /// The folder that the options point to.
    _folder: Option<TempDir>,
}

impl Apt {
    /// With the system's own sources and package lists.
    pub(super) fn of_the_system() -> Self {
        // The options keep a dead mirror from holding up a test run for minutes.
        let options = ["Acquire::Retries=1", "Acquire::http::Timeout=30", "Acquire::https::Timeout=30"];
        let options = options.into_iter().flat_map(|option| ["-o".into(), option.into()]);
        Self { options: ["-q".into()].into_iter().chain(options).collect(), _folder: None }
    }

    /// With the package lists of Debian's newest suite, which are downloaded into a temporary
    /// folder within `place`.
    pub(super) fn of_the_newest_suite(program: Program, place: &Path) -> Result<Self, TestkitError> {
        let mirror = mirror(program)?;
        let folder = tempfile::Builder::new()
            .prefix(FETCH_PREFIX)
            .tempdir_in(place)
            .map_err(TestkitError::file("create a temporary folder in", place))?;
        let inside = |name: &str| folder.path().join(name);
        for name in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(inside(name)).map_err(TestkitError::file("create the folder", inside(name)))?;
        }
        for (name, text) in [
            ("sources.list", source(&mirror, Path::new(KEYRING).is_file())),
            ("apt.conf", NO_HOOKS.to_owned()),
            // What is installed is not to be compared with.
            ("status", String::new()),
        ] {
            fs::write(inside(name), text).map_err(TestkitError::file("write", inside(name)))?;
        }

        let mut apt = Self::of_the_system();
        let mut option = |key: &str, value: OsString| {
            let mut text = OsString::from(format!("{key}="));
            text.push(value);
            apt.options.extend(["-o".into(), text]);
        };
        for (key, name) in [
            ("Dir::State", "state"),
            ("Dir::State::status", "status"),
            ("Dir::Cache", "cache"),
            ("Dir::Etc::sourcelist", "sources.list"),
        ] {
            option(key, inside(name).into());
        }
        // Neither the system's further sources nor its choice of versions are meant for this suite.
        for key in ["Dir::Etc::sourceparts", "Dir::Etc::preferences", "Dir::Etc::preferencesparts"] {
            option(key, "/dev/null".into());
        }
        // Run by root, apt would hand downloads to a user who may not enter the temporary folder.
        option("APT::Sandbox::User", "root".into());
        apt.options.extend(["-c".into(), inside("apt.conf").into()]);
        apt._folder = Some(folder);
        run_tool(program, "apt-get", &mut apt.get(&["update"]))?;
        Ok(apt)
    }

    /// `apt-get` with these arguments.
    pub(super) fn get(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("apt-get");
        command.args(&self.options).args(arguments);
        command
    }
}

/// Where the system's own sources get Debian's main packages from.
fn mirror(program: Program) -> Result<String, TestkitError> {
    let mut targets = Command::new("apt-get");
    targets.args(["indextargets", "--format", "$(REPO_URI)"]);
    // Fields of the suites' own release files: `Debian-Security` and others are archives without
    // the newest suite.
    targets.args(["Origin: Debian", "Label: Debian", "Component: main", "Created-By: Packages"]);
    let output = run(&mut targets).map_err(|source| TestkitError::NoTool { program, tool: "apt-get", source })?;
    first_mirror(&String::from_utf8_lossy(&output.stdout)).ok_or(TestkitError::NoMirror)
}

fn first_mirror(targets: &str) -> Option<String> {
    targets.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

/// The line of a `sources.list`. Lists of packages are all that is needed of the suite's lists.
fn source(mirror: &str, keyring: bool) -> String {
    // Without it, whatever keys apt trusts decide.
    let keyring = if keyring { format!("signed-by={KEYRING} ") } else { String::new() };
    format!("deb [{keyring}target=Packages lang=none] {mirror} {NEWEST_SUITE} main\n")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn the_first_mirror_of_several_is_taken_and_none_is_none() {
        assert_eq!(first_mirror("\nfile:/one/\nfile:/two/\n").as_deref(), Some("file:/one/"));
        assert_eq!(first_mirror("\n"), None);
    }

    #[test]
    fn the_source_is_one_line_that_names_the_keys_where_they_are() {
        assert_eq!(
            source("file:/debian/", true),
            format!("deb [signed-by={KEYRING} target=Packages lang=none] file:/debian/ sid main\n")
        );
        assert_eq!(source("file:/debian/", false), "deb [target=Packages lang=none] file:/debian/ sid main\n");
    }

    #[test]
    fn options_stand_before_the_command() {
        let command = Apt::of_the_system().get(&["download", "prometheus"]);
        let words: Vec<String> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(words.first().map(String::as_str), Some("-q"));
        assert_eq!(words[words.len() - 2..], ["download", "prometheus"]);
    }
}
