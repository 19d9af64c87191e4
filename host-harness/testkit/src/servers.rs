//! Finding programs, and fetching Debian packages without root.
//!
//! Fetched packages are unpacked whole, each into a folder of its own, so that files a program
//! expects next to it stay reachable:
//!
//! ```text
//! .servers/
//!   .lock                          held while something is fetched
//!   .fetch-XXXXXX/                 a fetch under way; what a killed process left is removed by the next fetch
//!   prometheus-pushgateway/usr/bin/prometheus-pushgateway
//!   pushgateway-1.11.2.linux-amd64/pushgateway     an upstream release, put there by hand
//!   newest/                        the same again, for what was fetched from Debian's newest suite
//! ```

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::apt::Apt;
use super::tool::{FETCH_PREFIX, printed, run, run_tool};
use super::{Program, TestkitError, tail};

/// Names the folder of fetched servers, in place of the caller's default.
const FOLDER_VARIABLE: &str = "PLUGPIPE_SERVERS";
const LOCK_FILE: &str = ".lock";
/// Where releases of the newest suite are kept: out of the way of who wants the one that the
/// system's suite has.
const NEWEST_FOLDER: &str = "newest";

/// Where programs are looked for and where fetched ones are kept.
///
/// Programs are taken from the folder first and from PATH second, so that a version put into the
/// folder wins over the system's.
#[derive(Clone, Debug)]
pub struct Servers {
    folder: PathBuf,
}

impl Servers {
    /// Uses `folder`, which need not exist yet.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Uses the folder that the environment variable `PLUGPIPE_SERVERS` names, or `default` if it
    /// is unset or empty.
    ///
    /// A program built from the workspace passes the workspace's `.servers`, which is git-ignored.
    pub fn from_env_or(default: impl Into<PathBuf>) -> Self {
        Self::at(folder_or(env::var_os(FOLDER_VARIABLE).as_deref(), default.into()))
    }

    /// The folder of fetched servers.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// An executable file of that program: in the folder, or else on PATH. Not run, so it may still
    /// turn out not to work.
    ///
    /// In the folder, these places are looked at in order, and in each Debian's name before the
    /// upstream one: the folder itself and its `usr/bin`, then the `usr/bin` of each subfolder, by
    /// name, and that subfolder itself.
    #[must_use]
    pub fn find(&self, program: Program) -> Option<PathBuf> {
        self.find_with_path(program, env::var_os("PATH").as_deref())
    }

    /// Downloads the program's Debian package and unpacks it into the folder; the path of the
    /// program in there.
    ///
    /// Needs `apt-get` with package lists, and `dpkg`; no root, and nothing is installed. If the
    /// folder already has the program, that one is returned. The program is run once with
    /// `--version` before it is accepted. Several processes may fetch into one folder at once: one
    /// downloads, the others wait for it and take its result.
    ///
    /// # Errors
    /// [`TestkitError`], with what to do: no apt or no lists, a download that failed, a program
    /// that does not run here.
    pub fn fetch(&self, program: Program) -> Result<PathBuf, TestkitError> {
        self.fetch_unless(program, || self.find_in_folder(program), |_| Ok(Apt::of_the_system()))
    }

    /// Fetches from `apt`, which is asked for with the folder to use, unless `found` has it, which
    /// is asked while nobody else fetches.
    fn fetch_unless(
        &self,
        program: Program,
        found: impl FnOnce() -> Option<PathBuf>,
        apt: impl FnOnce(&Path) -> Result<Apt, TestkitError>,
    ) -> Result<PathBuf, TestkitError> {
        let folder =
            std::path::absolute(&self.folder).map_err(TestkitError::file("find the place of", &self.folder))?;
        fs::create_dir_all(&folder).map_err(TestkitError::file("create the folder", &folder))?;
        let lock_path = folder.join(LOCK_FILE);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(TestkitError::file("open the lock file", &lock_path))?;
        // Released when `lock` is closed, also if this process is killed.
        lock.lock().map_err(TestkitError::file("lock", &lock_path))?;

        // Another process may have fetched it while this one waited.
        if let Some(found) = found() {
            return Ok(found);
        }
        remove_leftovers(&folder);
        let apt = apt(&folder)?;
        let mut failure = None;
        for package in program.packages() {
            match fetch_package(&folder, &apt, program, package) {
                Ok(found) => return Ok(found),
                // Only these two say that another package may have it.
                Err(error @ (TestkitError::UnknownPackage { .. } | TestkitError::NotInPackage { .. })) => {
                    failure = Some(error)
                }
                Err(error) => return Err(error),
            }
        }
        Err(failure.unwrap_or(TestkitError::UnknownPackage { program, package: "" }))
    }

    /// [`find`](Self::find), and if there is none, [`fetch`](Self::fetch).
    ///
    /// # Errors
    /// Those of [`fetch`](Self::fetch).
    pub fn find_or_fetch(&self, program: Program) -> Result<PathBuf, TestkitError> {
        match self.find(program) {
            Some(found) => Ok(found),
            None => self.fetch(program),
        }
    }

    /// A release of at least this major version: one that is fetched already, in the folder or on
    /// PATH; or else the newest one that Debian has, from its suite `sid`.
    ///
    /// For tests that need more than the system's suite has. Nothing is installed, and the system's
    /// package lists stay as they are: those of the newest suite are downloaded into a temporary
    /// folder, through the mirror that the system's own sources name. What is fetched is kept
    /// apart, so that [`find`](Self::find) does not come upon it.
    ///
    /// # Errors
    /// [`TestkitError::NotNewEnough`], with what to do, and those of [`fetch`](Self::fetch) that
    /// are about files.
    pub fn find_or_fetch_at_least(&self, program: Program, major: u32) -> Result<PathBuf, TestkitError> {
        self.find_or_fetch_release(program, (major, 0))
    }

    /// The same for a release of at least this major and minor version.
    ///
    /// # Errors
    /// Those of [`find_or_fetch_at_least`](Self::find_or_fetch_at_least).
    pub fn find_or_fetch_release(&self, program: Program, min_version: (u32, u32)) -> Result<PathBuf, TestkitError> {
        if let Some(found) = self.find_at_least(program, min_version, env::var_os("PATH").as_deref(), version) {
            return Ok(found);
        }
        let newest = self.newest();
        let not_new_enough =
            |problem| TestkitError::NotNewEnough { program, min_version, folder: newest.folder.clone(), problem };
        let found = newest
            .fetch_unless(
                program,
                || newest.find_at_least(program, min_version, None, version),
                |folder| Apt::of_the_newest_suite(program, folder),
            )
            .map_err(|error| match error {
                error @ TestkitError::File { .. } => error,
                // Without their own advice, which is for the release that the system's suite has.
                TestkitError::NoTool { tool, source, .. } => {
                    not_new_enough(format!("`{tool}` could not be run ({source})"))
                }
                TestkitError::FetchFailed { command, output, .. } => {
                    not_new_enough(format!("`{command}` failed: {output}"))
                }
                TestkitError::UnknownPackage { package, .. } | TestkitError::NotInPackage { package, .. } => {
                    not_new_enough(format!("it is not in the package `{package}` there"))
                }
                error => not_new_enough(error.to_string()),
            })?;
        let version = version(&found)?;
        if release_in(&version).is_none_or(|found| found < min_version) {
            return Err(not_new_enough(format!("the newest release there is {version}")));
        }
        Ok(found)
    }

    /// The program from Debian's newest suite, fetched already or now; for programs that do not
    /// tell their version, as Debian's VictoriaMetrics. It is kept apart, as that of
    /// [`find_or_fetch_at_least`](Self::find_or_fetch_at_least) is. A release put into the folder
    /// `newest` by hand counts as the newest.
    ///
    /// # Errors
    /// Those of [`fetch`](Self::fetch), and [`TestkitError::NoMirror`].
    pub fn find_or_fetch_newest(&self, program: Program) -> Result<PathBuf, TestkitError> {
        let newest = self.newest();
        if let Some(found) = newest.find_in_folder(program) {
            return Ok(found);
        }
        newest.fetch_unless(
            program,
            || newest.find_in_folder(program),
            |folder| Apt::of_the_newest_suite(program, folder),
        )
    }

    fn newest(&self) -> Self {
        Self::at(self.folder.join(NEWEST_FOLDER))
    }

    /// In the folder of the newest ones first. Asks each that it comes upon for its version.
    fn find_at_least(
        &self,
        program: Program,
        min_version: (u32, u32),
        path: Option<&OsStr>,
        version: impl Fn(&Path) -> Result<String, TestkitError>,
    ) -> Option<PathBuf> {
        let path = path.map(env::split_paths).into_iter().flatten();
        let places = self.newest().places().into_iter().chain(self.places()).chain(path);
        let new_enough = |file: &PathBuf| {
            version(file).is_ok_and(|version| release_in(&version).is_some_and(|found| found >= min_version))
        };
        candidates(program, places).find(new_enough).map(absolute)
    }

    fn find_with_path(&self, program: Program, path: Option<&OsStr>) -> Option<PathBuf> {
        self.find_in_folder(program).or_else(|| find_in(program, env::split_paths(path?)))
    }

    fn find_in_folder(&self, program: Program) -> Option<PathBuf> {
        find_in(program, self.places()).map(absolute)
    }

    /// Where in the folder a program may be, in the order to look.
    fn places(&self) -> Vec<PathBuf> {
        let mut places = vec![self.folder.clone(), self.folder.join("usr/bin")];
        for subfolder in subfolders(&self.folder) {
            places.push(subfolder.join("usr/bin"));
            places.push(subfolder);
        }
        places
    }
}

/// A relative path would stop being right as soon as something runs in another folder.
fn absolute(found: PathBuf) -> PathBuf {
    std::path::absolute(&found).unwrap_or(found)
}

/// The version a program gives itself: `2.42.0+ds`, or its whole first line where that has another
/// shape. Empty if it succeeds without a word, as Debian's VictoriaMetrics 1.79 does.
///
/// # Errors
/// [`TestkitError::CannotRun`] if `--version` cannot be run or does not succeed.
pub fn version(bin: &Path) -> Result<String, TestkitError> {
    let cannot_run = |detail| TestkitError::CannotRun { path: bin.to_owned(), detail };
    let output = run(Command::new(bin).arg("--version")).map_err(|error| cannot_run(error.to_string()))?;
    if !output.status.success() {
        return Err(cannot_run(format!("`--version` ended with {}: {}", output.status, tail(&printed(&output)))));
    }
    Ok(version_in(&printed(&output)))
}

/// `pushgateway, version 1.5.1 (branch: …)` → `1.5.1`.
fn version_in(printed: &str) -> String {
    let first = printed.lines().next().unwrap_or_default();
    let word = first.split_once(", version ").and_then(|(_, rest)| rest.split_whitespace().next());
    word.unwrap_or(first).to_owned()
}

/// `3.5.3+ds1` → 3 and 5; none where the version begins with no number.
fn release_in(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map_while(|number| number.parse().ok());
    Some((numbers.next()?, numbers.next().unwrap_or(0)))
}

fn folder_or(variable: Option<&OsStr>, default: PathBuf) -> PathBuf {
    match variable {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => default,
    }
}

fn find_in(program: Program, folders: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    candidates(program, folders).next()
}

/// The executable files in these folders that have one of the program's names.
fn candidates(program: Program, folders: impl IntoIterator<Item = PathBuf>) -> impl Iterator<Item = PathBuf> {
    folders
        .into_iter()
        .flat_map(move |folder| program.file_names().iter().map(move |name| folder.join(name)))
        .filter(|file| is_executable(file))
}

/// The visible subfolders in order of name. A folder that cannot be read has none.
fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = entries(folder).filter(|path| !has_prefix(path, ".") && path.is_dir()).collect();
    found.sort();
    found
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn has_prefix(path: &Path, prefix: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    // Also tells the program `prometheus` from the folder of the package of that name.
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

/// Removes what a fetch left that was killed. The caller holds the lock, so no fetch is under way.
fn remove_leftovers(folder: &Path) {
    for path in entries(folder).filter(|path| has_prefix(path, FETCH_PREFIX)) {
        // Failing costs disk space and nothing else.
        let _ = fs::remove_dir_all(path);
    }
}

/// Downloads and unpacks one package, next to its final place so that one rename puts all of it
/// there. The caller holds the lock.
fn fetch_package(folder: &Path, apt: &Apt, program: Program, package: &'static str) -> Result<PathBuf, TestkitError> {
    let scratch = tempfile::Builder::new()
        .prefix(FETCH_PREFIX)
        .tempdir_in(folder)
        .map_err(TestkitError::file("create a temporary folder in", folder))?;

    let mut download = apt.get(&["download", package]);
    download.current_dir(scratch.path());
    run_tool(program, "apt-get", &mut download).map_err(|error| match error {
        TestkitError::FetchFailed { ref output, .. } if is_unknown_package(output) => {
            TestkitError::UnknownPackage { program, package }
        }
        error => error,
    })?;
    let archive =
        entries(scratch.path()).find(|path| path.extension() == Some(OsStr::new("deb"))).ok_or_else(|| {
            TestkitError::FetchFailed {
                program,
                command: format!("apt-get download {package}"),
                output: "it said it succeeded, but left no .deb file".to_owned(),
            }
        })?;

    let unpacked = scratch.path().join("unpacked");
    run_tool(program, "dpkg", Command::new("dpkg").arg("-x").arg(&archive).arg(&unpacked))?;
    let inside = find_in(program, [unpacked.join("usr/bin")]).ok_or(TestkitError::NotInPackage { program, package })?;
    version(&inside)?;

    let place = folder.join(package);
    if place.exists() {
        // It lacks the program, or the fetch would have ended earlier. The rename below wants an
        // empty place.
        fs::rename(&place, scratch.path().join("replaced")).map_err(TestkitError::file("move away", &place))?;
    }
    fs::rename(&unpacked, &place).map_err(TestkitError::file("move the unpacked package to", &place))?;
    find_in(program, [place.join("usr/bin")]).ok_or(TestkitError::NotInPackage { program, package })
}

/// Both texts of apt mean it: the first when no list has the name, the second when only other
/// packages mention it.
fn is_unknown_package(output: &str) -> bool {
    ["Unable to locate package", "has no installation candidate", "Can't select candidate version"]
        .iter()
        .any(|text| output.contains(text))
}

#[cfg(test)]
#[cfg(unix)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn put(file: &Path, mode: u32) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "").unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_variable_that_is_set_wins_over_the_default_and_an_empty_one_does_not() {
        assert_eq!(folder_or(Some(OsStr::new("/elsewhere")), "/default".into()), Path::new("/elsewhere"));
        assert_eq!(folder_or(Some(OsStr::new("")), "/default".into()), Path::new("/default"));
        assert_eq!(folder_or(None, "/default".into()), Path::new("/default"));
    }

    #[test]
    fn a_fetched_package_is_found_and_its_folder_is_not_taken_for_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("prometheus/usr/bin/prometheus");
        put(&bin, 0o755);
        assert_eq!(Servers::at(folder.path()).find_in_folder(Program::Prometheus), Some(bin));
    }

    #[test]
    fn an_unpacked_upstream_release_is_found_under_its_upstream_name() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("pushgateway-1.11.2.linux-amd64/pushgateway");
        put(&bin, 0o755);
        assert_eq!(Servers::at(folder.path()).find_in_folder(Program::Pushgateway), Some(bin));
    }

    #[test]
    fn a_program_put_straight_into_the_folder_wins_over_a_fetched_package() {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join("prometheus-pushgateway/usr/bin/prometheus-pushgateway"), 0o755);
        let by_hand = folder.path().join("pushgateway");
        put(&by_hand, 0o755);
        assert_eq!(Servers::at(folder.path()).find_in_folder(Program::Pushgateway), Some(by_hand));
    }

    #[test]
    fn the_folder_wins_over_path() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (in_folder, on_path) = (folder.path().join("promtool"), elsewhere.path().join("promtool"));
        put(&on_path, 0o755);
        let servers = Servers::at(folder.path());
        let path = Some(elsewhere.path().as_os_str());
        assert_eq!(servers.find_with_path(Program::Promtool, path), Some(on_path));
        put(&in_folder, 0o755);
        assert_eq!(servers.find_with_path(Program::Promtool, path), Some(in_folder));
    }

    #[test]
    fn a_file_that_is_not_executable_and_a_fetch_under_way_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join("promtool"), 0o644);
        put(&folder.path().join(".fetch-abc/promtool"), 0o755);
        assert_eq!(Servers::at(folder.path()).find_in_folder(Program::Promtool), None);
    }

    #[test]
    fn path_is_searched_in_order_for_either_name() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("1"), folder.path().join("2"));
        put(&first.join("pushgateway"), 0o755);
        put(&second.join("prometheus-pushgateway"), 0o755);
        let path = env::join_paths([&first, &second]).unwrap();
        let servers = Servers::at(folder.path().join("empty"));
        assert_eq!(servers.find_with_path(Program::Pushgateway, Some(&path)), Some(first.join("pushgateway")));
        assert_eq!(servers.find_with_path(Program::Prometheus, Some(&path)), None);
        assert_eq!(servers.find_with_path(Program::Prometheus, None), None);
    }

    #[test]
    fn a_fetch_takes_what_is_in_the_folder_already() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("victoria-metrics-prod");
        put(&bin, 0o755);
        assert_eq!(Servers::at(folder.path()).fetch(Program::VictoriaMetrics).unwrap(), bin);
    }

    #[test]
    fn leftovers_of_a_killed_fetch_are_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join(".fetch-abc/unpacked/x"), 0o644);
        put(&folder.path().join("prometheus/usr/bin/prometheus"), 0o755);
        remove_leftovers(folder.path());
        assert!(!folder.path().join(".fetch-abc").exists());
        assert!(folder.path().join("prometheus/usr/bin/prometheus").exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        put(&file, 0o644);
        let error = Servers::at(file.join("servers")).fetch(Program::Prometheus).unwrap_err().to_string();
        assert!(error.contains("could not create the folder") && error.contains("file/servers"), "{error}");
    }

    #[test]
    fn versions_are_read_from_the_usual_line_and_from_others_whole() {
        assert_eq!(version_in("pushgateway, version 1.5.1 (branch: x, revision: y)\n  build user: z\n"), "1.5.1");
        assert_eq!(version_in("victoria-metrics-20220101-tags-v1.79.5\n"), "victoria-metrics-20220101-tags-v1.79.5");
        assert_eq!(version_in(""), "");
    }

    #[test]
    fn a_program_that_fails_its_version_check_is_named_with_what_it_said() {
        let error = version(Path::new("/bin/false")).unwrap_err().to_string();
        assert!(error.contains("/bin/false does not run") && error.contains("exit status: 1"), "{error}");
        let error = version(Path::new("/nowhere/pushgateway")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/pushgateway does not run"), "{error}");
    }

    #[test]
    fn major_and_minor_version_are_the_first_numbers() {
        assert_eq!(release_in("3.5.3+ds1"), Some((3, 5)));
        assert_eq!(release_in("10.0"), Some((10, 0)));
        assert_eq!(release_in("4-rc"), Some((4, 0)));
        for other in ["", "v1.79.5", "victoria-metrics-20220101-tags-v1.79.5"] {
            assert_eq!(release_in(other), None, "{other}");
        }
    }

    #[test]
    fn a_release_that_is_new_enough_is_found_past_an_older_one_wherever_it_is() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let servers = Servers::at(folder.path());
        let path = Some(elsewhere.path().as_os_str());
        let put_release = |file: &Path, release: &str| {
            put(file, 0o755);
            fs::write(file, release).unwrap();
        };
        let find = |major| {
            servers.find_at_least(Program::Prometheus, (major, 0), path, |file| Ok(fs::read_to_string(file).unwrap()))
        };
        put_release(&folder.path().join("prometheus/usr/bin/prometheus"), "2.42.0+ds");
        assert_eq!(find(3), None);
        // From the last place to be looked at to the first.
        let newest = newest_of(folder.path());
        for (place, release) in [
            (elsewhere.path().join("prometheus"), "3.1.0"),
            (folder.path().join("prometheus-3.5.0.linux-amd64/prometheus"), "3.5.0"),
            (newest.clone(), "3.5.3+ds1"),
        ] {
            put_release(&place, release);
            assert_eq!(find(3), Some(place));
        }
        assert_eq!((find(2), find(4)), (Some(newest.clone()), None));
        let find = |minor| {
            servers.find_at_least(Program::Prometheus, (3, minor), path, |file| Ok(fs::read_to_string(file).unwrap()))
        };
        assert_eq!((find(5), find(6)), (Some(newest), None));
    }

    fn newest_of(folder: &Path) -> PathBuf {
        folder.join("newest/prometheus/usr/bin/prometheus")
    }

    #[test]
    fn what_is_fetched_from_the_newest_suite_is_not_what_others_find() {
        let folder = tempfile::tempdir().unwrap();
        put(&newest_of(folder.path()), 0o755);
        assert_eq!(Servers::at(folder.path()).find_in_folder(Program::Prometheus), None);
    }

    #[test]
    fn the_newest_is_not_the_one_of_the_systems_suite() {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join("victoria-metrics/usr/bin/victoria-metrics"), 0o755);
        let newest = folder.path().join("newest/victoria-metrics/usr/bin/victoria-metrics");
        put(&newest, 0o755);
        assert_eq!(Servers::at(folder.path()).find_or_fetch_newest(Program::VictoriaMetrics).unwrap(), newest);
    }

    #[test]
    fn apt_saying_it_knows_no_such_package_is_told_from_other_failures() {
        assert!(is_unknown_package("E: Unable to locate package promtool\n"));
        assert!(!is_unknown_package("E: Failed to fetch file: 404 Not Found\n"));
    }
}
