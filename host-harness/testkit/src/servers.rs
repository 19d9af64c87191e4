//! Finds programs and fetches Debian packages without root.
//!
//! Each fetched package is unpacked completely into a separate folder, so that a program finds its
//! accompanying files:
//!
//! ```text
//! .servers/
//!   .lock                          locked during a fetch
//!   .fetch-XXXXXX/                 a fetch in progress; leftovers of killed processes are removed by the next fetch
//!   prometheus-pushgateway/usr/bin/prometheus-pushgateway
//!   pushgateway-1.11.2.linux-amd64/pushgateway     an upstream release, unpacked manually
//!   newest/                        the same for Debian's newest suite
//! ```

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::apt::Apt;
use super::tool::{FETCH_PREFIX, printed, run, run_tool};
use super::{Program, TestkitError, tail};

/// Overrides the folder of fetched servers.
const FOLDER_VARIABLE: &str = "PLUGPIPE_SERVERS";
const LOCK_FILE: &str = ".lock";
/// Subfolder for releases of the newest suite, which [`Servers::find`] ignores.
const NEWEST_FOLDER: &str = "newest";

/// The folder of fetched programs, which is searched before PATH.
#[derive(Clone, Debug)]
pub struct Servers {
    folder: PathBuf,
}

impl Servers {
    /// Uses `folder`, which is created by the first fetch.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Uses the folder in the environment variable `PLUGPIPE_SERVERS`, or `default` if it is unset
    /// or empty.
    ///
    /// Programs in the workspace pass the workspace's `.servers`, which is git-ignored.
    pub fn from_env_or(default: impl Into<PathBuf>) -> Self {
        Self::at(folder_or(env::var_os(FOLDER_VARIABLE).as_deref(), default.into()))
    }

    /// The folder of fetched servers.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Finds an executable file of the program in the folder, or else on PATH. The file is not run,
    /// so it may not work.
    ///
    /// Searches the folder itself, its `usr/bin`, and then for each subfolder, sorted by name, its
    /// `usr/bin` and the subfolder itself. In each place, Debian's file name is tried before the
    /// upstream one.
    #[must_use]
    pub fn find(&self, program: Program) -> Option<PathBuf> {
        self.find_with_path(program, env::var_os("PATH").as_deref())
    }

    /// Downloads the program's Debian package, unpacks it into the folder, and returns the
    /// program's path.
    ///
    /// Needs `apt-get` with package lists, and `dpkg`, but no root. Nothing is installed. If the
    /// folder already has the program, it is returned. The program is checked by running it with
    /// `--version`. Concurrent processes can fetch into the same folder: one downloads, the others
    /// wait and use its result.
    ///
    /// # Errors
    /// [`TestkitError`] if apt or its lists are missing, the download fails, or the program does
    /// not run.
    pub fn fetch(&self, program: Program) -> Result<PathBuf, TestkitError> {
        self.fetch_unless(program, || self.find_in_folder(program), |_| Ok(Apt::system()))
    }

    /// Fetches from `apt`, which is called with the folder to use, unless `found`, which is called
    /// under the lock, returns a program.
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
        // Released when `lock` is closed, even if this process is killed.
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
                // In these cases, another package may contain it.
                Err(error @ (TestkitError::UnknownPackage { .. } | TestkitError::NotInPackage { .. })) => {
                    failure = Some(error)
                }
                Err(error) => return Err(error),
            }
        }
        Err(failure.unwrap_or(TestkitError::UnknownPackage { program, package: "" }))
    }

    /// Finds the program, or fetches it.
    ///
    /// # Errors
    /// The errors of [`fetch`](Self::fetch).
    pub fn find_or_fetch(&self, program: Program) -> Result<PathBuf, TestkitError> {
        match self.find(program) {
            Some(found) => Ok(found),
            None => self.fetch(program),
        }
    }

    /// Finds a release of at least this major version in the folder or on PATH, or fetches the
    /// newest one from Debian's suite `sid`.
    ///
    /// For tests that need a newer release than the system's suite has. Nothing is installed, and
    /// the system's package lists are not changed: those of the newest suite are downloaded to a
    /// temporary folder from the mirror in the system's sources. Fetched releases are stored in a
    /// subfolder that [`find`](Self::find) ignores.
    ///
    /// # Errors
    /// [`TestkitError::NotNewEnough`] and [`TestkitError::File`].
    pub fn find_or_fetch_at_least(&self, program: Program, major: u32) -> Result<PathBuf, TestkitError> {
        self.find_or_fetch_release(program, (major, 0))
    }

    /// Like [`find_or_fetch_at_least`](Self::find_or_fetch_at_least), with a major and minor
    /// version.
    ///
    /// # Errors
    /// The errors of [`find_or_fetch_at_least`](Self::find_or_fetch_at_least).
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
                |folder| Apt::newest_suite(program, folder),
            )
            .map_err(|error| match error {
                error @ TestkitError::File { .. } => error,
                // Omit their advice, which applies to the system's suite.
                TestkitError::NoTool { tool, source, .. } => not_new_enough(format!("cannot run `{tool}` ({source})")),
                TestkitError::FetchFailed { command, output, .. } => {
                    not_new_enough(format!("`{command}` failed: {output}"))
                }
                TestkitError::UnknownPackage { package, .. } | TestkitError::NotInPackage { package, .. } => {
                    not_new_enough(format!("it is not in the package `{package}`"))
                }
                error => not_new_enough(error.to_string()),
            })?;
        let version = version(&found)?;
        if release_in(&version).is_none_or(|found| found < min_version) {
            return Err(not_new_enough(format!("the newest release is {version}")));
        }
        Ok(found)
    }

    /// Finds or fetches the program from Debian's newest suite, for programs that do not print
    /// their version, such as Debian's VictoriaMetrics. It is stored like that of
    /// [`find_or_fetch_at_least`](Self::find_or_fetch_at_least). A release that was manually put
    /// into the folder `newest` counts as the newest.
    ///
    /// # Errors
    /// Those of [`fetch`](Self::fetch), and [`TestkitError::NoMirror`].
    pub fn find_or_fetch_newest(&self, program: Program) -> Result<PathBuf, TestkitError> {
        let newest = self.newest();
        if let Some(found) = newest.find_in_folder(program) {
            return Ok(found);
        }
        newest.fetch_unless(program, || newest.find_in_folder(program), |folder| Apt::newest_suite(program, folder))
    }

    fn newest(&self) -> Self {
        Self::at(self.folder.join(NEWEST_FOLDER))
    }

    /// Searches the folder `newest` first. Runs each candidate for its version.
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

    /// The places in the folder, in search order.
    fn places(&self) -> Vec<PathBuf> {
        let mut places = vec![self.folder.clone(), self.folder.join("usr/bin")];
        for subfolder in subfolders(&self.folder) {
            places.push(subfolder.join("usr/bin"));
            places.push(subfolder);
        }
        places
    }
}

/// Makes a path independent of the working directory.
fn absolute(found: PathBuf) -> PathBuf {
    std::path::absolute(&found).unwrap_or(found)
}

/// The version that a program prints: `2.42.0+ds`, or its first line if that has a different
/// format. Empty if there is no output, as for Debian's VictoriaMetrics 1.79.
///
/// # Errors
/// [`TestkitError::CannotRun`] if `--version` cannot be run or does not succeed.
pub fn version(bin: &Path) -> Result<String, TestkitError> {
    let cannot_run = |detail| TestkitError::CannotRun { path: bin.to_owned(), detail };
    let output = run(Command::new(bin).arg("--version")).map_err(|error| cannot_run(error.to_string()))?;
    if !output.status.success() {
        return Err(cannot_run(format!("`--version` exited with {}: {}", output.status, tail(&printed(&output)))));
    }
    Ok(version_in(&printed(&output)))
}

/// `pushgateway, version 1.5.1 (branch: …)` → `1.5.1`.
fn version_in(printed: &str) -> String {
    let first = printed.lines().next().unwrap_or_default();
    let word = first.split_once(", version ").and_then(|(_, rest)| rest.split_whitespace().next());
    word.unwrap_or(first).to_owned()
}

/// `3.5.3+ds1` → 3 and 5; none if the version does not begin with a number.
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

/// The executable files in these folders with one of the program's names.
fn candidates(program: Program, folders: impl IntoIterator<Item = PathBuf>) -> impl Iterator<Item = PathBuf> {
    folders
        .into_iter()
        .flat_map(move |folder| program.file_names().iter().map(move |name| folder.join(name)))
        .filter(|file| is_executable(file))
}

/// The visible subfolders, sorted by name. Empty if the folder cannot be read.
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
    // Also distinguishes the program `prometheus` from the package folder of that name.
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

/// Removes leftovers of killed fetches. The caller holds the lock, so no fetch is in progress.
fn remove_leftovers(folder: &Path) {
    for path in entries(folder).filter(|path| has_prefix(path, FETCH_PREFIX)) {
        // A failure only wastes disk space.
        let _ = fs::remove_dir_all(path);
    }
}

/// Downloads and unpacks one package next to its final location, so that a rename is atomic. The
/// caller holds the lock.
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
                output: "it succeeded without creating a .deb file".to_owned(),
            }
        })?;

    let unpacked = scratch.path().join("unpacked");
    run_tool(program, "dpkg", Command::new("dpkg").arg("-x").arg(&archive).arg(&unpacked))?;
    let inside = find_in(program, [unpacked.join("usr/bin")]).ok_or(TestkitError::NotInPackage { program, package })?;
    version(&inside)?;

    let place = folder.join(package);
    if place.exists() {
        // It does not contain the program, or the fetch would have ended earlier. The rename needs
        // a free target.
        fs::rename(&place, scratch.path().join("replaced")).map_err(TestkitError::file("move away", &place))?;
    }
    fs::rename(&unpacked, &place).map_err(TestkitError::file("move the unpacked package to", &place))?;
    find_in(program, [place.join("usr/bin")]).ok_or(TestkitError::NotInPackage { program, package })
}

/// apt prints different messages, depending on whether other packages refer to the name.
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
    fn a_nonempty_variable_overrides_the_default() {
        assert_eq!(folder_or(Some(OsStr::new("/elsewhere")), "/default".into()), Path::new("/elsewhere"));
        assert_eq!(folder_or(Some(OsStr::new("")), "/default".into()), Path::new("/default"));
        assert_eq!(folder_or(None, "/default".into()), Path::new("/default"));
    }

    #[test]
    fn a_fetched_package_is_found() {
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
    fn a_program_in_the_folder_takes_precedence_over_a_fetched_package() {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join("prometheus-pushgateway/usr/bin/prometheus-pushgateway"), 0o755);
        let by_hand = folder.path().join("pushgateway");
        put(&by_hand, 0o755);
        assert_eq!(Servers::at(folder.path()).find_in_folder(Program::Pushgateway), Some(by_hand));
    }

    #[test]
    fn the_folder_takes_precedence_over_path() {
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
    fn nonexecutable_files_and_unfinished_fetches_are_ignored() {
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
    fn a_fetch_reuses_a_program_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("victoria-metrics-prod");
        put(&bin, 0o755);
        assert_eq!(Servers::at(folder.path()).fetch(Program::VictoriaMetrics).unwrap(), bin);
    }

    #[test]
    fn only_leftovers_of_killed_fetches_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join(".fetch-abc/unpacked/x"), 0o644);
        put(&folder.path().join("prometheus/usr/bin/prometheus"), 0o755);
        remove_leftovers(folder.path());
        assert!(!folder.path().join(".fetch-abc").exists());
        assert!(folder.path().join("prometheus/usr/bin/prometheus").exists());
    }

    #[test]
    fn an_error_names_the_folder_that_cannot_be_created() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        put(&file, 0o644);
        let error = Servers::at(file.join("servers")).fetch(Program::Prometheus).unwrap_err().to_string();
        assert!(error.contains("cannot create the folder") && error.contains("file/servers"), "{error}");
    }

    #[test]
    fn versions_are_parsed_or_the_whole_first_line() {
        assert_eq!(version_in("pushgateway, version 1.5.1 (branch: x, revision: y)\n  build user: z\n"), "1.5.1");
        assert_eq!(version_in("victoria-metrics-20220101-tags-v1.79.5\n"), "victoria-metrics-20220101-tags-v1.79.5");
        assert_eq!(version_in(""), "");
    }

    #[test]
    fn a_failed_version_check_names_the_program() {
        let error = version(Path::new("/bin/false")).unwrap_err().to_string();
        assert!(error.contains("/bin/false does not run") && error.contains("exit status: 1"), "{error}");
        let error = version(Path::new("/nowhere/pushgateway")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/pushgateway does not run"), "{error}");
    }

    #[test]
    fn a_release_is_major_and_minor_version() {
        assert_eq!(release_in("3.5.3+ds1"), Some((3, 5)));
        assert_eq!(release_in("10.0"), Some((10, 0)));
        assert_eq!(release_in("4-rc"), Some((4, 0)));
        for other in ["", "v1.79.5", "victoria-metrics-20220101-tags-v1.79.5"] {
            assert_eq!(release_in(other), None, "{other}");
        }
    }

    #[test]
    fn the_first_sufficiently_new_release_is_found() {
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
        // In reverse search order.
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
    fn find_ignores_the_newest_suite() {
        let folder = tempfile::tempdir().unwrap();
        put(&newest_of(folder.path()), 0o755);
        assert_eq!(Servers::at(folder.path()).find_in_folder(Program::Prometheus), None);
    }

    #[test]
    fn find_or_fetch_newest_ignores_the_systems_suite() {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join("victoria-metrics/usr/bin/victoria-metrics"), 0o755);
        let newest = folder.path().join("newest/victoria-metrics/usr/bin/victoria-metrics");
        put(&newest, 0o755);
        assert_eq!(Servers::at(folder.path()).find_or_fetch_newest(Program::VictoriaMetrics).unwrap(), newest);
    }

    #[test]
    fn unknown_packages_are_detected() {
        assert!(is_unknown_package("E: Unable to locate package promtool\n"));
        assert!(!is_unknown_package("E: Failed to fetch file: 404 Not Found\n"));
    }
}
