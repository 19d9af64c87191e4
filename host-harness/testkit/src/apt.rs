//! Runs `apt-get` with the system's own sources or with Debian's newest suite.
//!
//! The newest suite comes from the mirror in the system's own sources; no mirror is hard-coded. Its
//! package lists are downloaded to a temporary folder. Needs no root and does not change the
//! system.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::tool::{FETCH_PREFIX, run, run_tool};
use super::{Program, TestkitError};

/// The suite of Debian's newest packages.
const NEWEST_SUITE: &str = "sid";
/// The signing keys of Debian's suites, if Debian's keyring package is installed.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Disables the system's hooks, which command line options cannot do.
const NO_HOOKS: &str = "#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
";

/// An `apt-get` with its options.
pub(super) struct Apt {
    options: Vec<OsString>,
    /// The folder that the options refer to.
    _folder: Option<TempDir>,
}

impl Apt {
    /// With the system's own sources and package lists.
    pub(super) fn system() -> Self {
        // Do not let an unreachable mirror block a test run for minutes.
        let options = ["Acquire::Retries=1", "Acquire::http::Timeout=30", "Acquire::https::Timeout=30"];
        let options = options.into_iter().flat_map(|option| ["-o".into(), option.into()]);
        Self { options: ["-q".into()].into_iter().chain(options).collect(), _folder: None }
    }

    /// With the package lists of Debian's newest suite, downloaded to a temporary folder in
    /// `place`.
    pub(super) fn newest_suite(program: Program, place: &Path) -> Result<Self, TestkitError> {
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
            // Ignore installed packages.
            ("status", String::new()),
        ] {
            fs::write(inside(name), text).map_err(TestkitError::file("write", inside(name)))?;
        }

        let mut apt = Self::system();
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
        // Ignore the system's other sources and version preferences.
        for key in ["Dir::Etc::sourceparts", "Dir::Etc::preferences", "Dir::Etc::preferencesparts"] {
            option(key, "/dev/null".into());
        }
        // As root, apt would download as a user without access to the temporary folder.
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

/// The mirror of Debian's main packages in the system's own sources.
fn mirror(program: Program) -> Result<String, TestkitError> {
    let mut targets = Command::new("apt-get");
    targets.args(["indextargets", "--format", "$(REPO_URI)"]);
    // Fields of the release files: other archives, such as `Debian-Security`, do not have the
    // newest suite.
    targets.args(["Origin: Debian", "Label: Debian", "Component: main", "Created-By: Packages"]);
    let output = run(&mut targets).map_err(|source| TestkitError::NoTool { program, tool: "apt-get", source })?;
    first_mirror(&String::from_utf8_lossy(&output.stdout)).ok_or(TestkitError::NoMirror)
}

fn first_mirror(targets: &str) -> Option<String> {
    targets.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

/// The line for `sources.list`. Only the package lists are needed.
fn source(mirror: &str, keyring: bool) -> String {
    // Without the keyring, apt uses its trusted keys.
    let keyring = if keyring { format!("signed-by={KEYRING} ") } else { String::new() };
    format!("deb [{keyring}target=Packages lang=none] {mirror} {NEWEST_SUITE} main\n")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn the_first_mirror_is_used() {
        assert_eq!(first_mirror("\nfile:/one/\nfile:/two/\n").as_deref(), Some("file:/one/"));
        assert_eq!(first_mirror("\n"), None);
    }

    #[test]
    fn the_source_names_the_keyring_if_installed() {
        assert_eq!(
            source("file:/debian/", true),
            format!("deb [signed-by={KEYRING} target=Packages lang=none] file:/debian/ sid main\n")
        );
        assert_eq!(source("file:/debian/", false), "deb [target=Packages lang=none] file:/debian/ sid main\n");
    }

    #[test]
    fn options_precede_the_command() {
        let command = Apt::system().get(&["download", "prometheus"]);
        let words: Vec<String> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(words.first().map(String::as_str), Some("-q"));
        assert_eq!(words[words.len() - 2..], ["download", "prometheus"]);
    }
}
