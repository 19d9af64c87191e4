//! `cargo xtask TASK`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use xtask::{build, checksums, dist, generate, image, npm, oci, release_check, reproducible, root, soak, wit};

const USAGE: &str = "\
cargo xtask dist [FOLDER]    the folder of PlugPipe's registry, below dist
cargo xtask npm [FOLDER]     the package for Node, in dist/npm
cargo xtask oci [FOLDER]     the component and its WIT packages as an OCI image layout, in dist/oci
cargo xtask image [FOLDER]   the harness as a container image, as an OCI image layout, in dist/image; with
                             --binary=FILE of a static binary that was built before
cargo xtask checksums FOLDER SHA256SUMS of its files
cargo xtask wit              docs/wit.md, and the golden file of a new version of the world
cargo xtask generate         plug.yaml's operations and schemas, and of those docs/reference.md and types
                             for Node and Python; schemas of files for editors; deploy/mixin
cargo xtask soak NAME        run a soak test: conversations, gateway, recovery or serve; prints its row for docs/benchmarks.md
cargo xtask reproducible     compare the component with a build in another folder
cargo xtask release-check    run the checks before a release: reproducible, cargo doc, the book, fuzz targets, guests
                             in other languages, a new plug's test, Kubernetes manifests, the container image; or the one that is named

With --auditable, dist, npm and oci use a component with an embedded list of its crates (cargo install cargo-auditable).";

fn main() -> ExitCode {
    let (flags, words): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let mut words = words.into_iter();
    let task = words.next().unwrap_or_default();
    let argument = words.next();
    let flags = Flags::read(&flags);
    match flags.and_then(|flags| run(&task, argument.as_deref(), &flags)) {
        Ok(message) => {
            println!("{message}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// What the flags say.
#[derive(Default)]
struct Flags {
    auditable: bool,
    binary: Option<PathBuf>,
}

impl Flags {
    fn read(given: &[String]) -> Result<Self, String> {
        let mut flags = Self::default();
        for flag in given {
            match (flag.as_str(), flag.strip_prefix("--binary=")) {
                ("--auditable", _) => flags.auditable = true,
                // Tasks run in the workspace's root.
                (_, Some(path)) => {
                    flags.binary = Some(std::path::absolute(path).map_err(|error| format!("{flag}: {error}"))?)
                }
                _ => return Err(format!("{flag}: unknown flag\n\n{USAGE}")),
            }
        }
        Ok(flags)
    }
}

fn run(task: &str, argument: Option<&str>, flags: &Flags) -> Result<String, String> {
    let Flags { auditable, ref binary } = *flags;
    let at = |default: &str| argument.map_or_else(|| root().join("dist").join(default), PathBuf::from);
    match task {
        "dist" => dist::make(&build(auditable)?, &at("")).map(|folder| folder.display().to_string()),
        "npm" => npm::make(&build(auditable)?, &at("npm")).map(|()| at("npm").display().to_string()),
        "oci" => oci::make(&build(auditable)?, &at("oci")).map(|digest| format!("{}: {digest}", at("oci").display())),
        "image" => {
            let digest = image::make(binary.as_deref(), &at("image"));
            digest.map(|digest| format!("{}: {digest}", at("image").display()))
        }
        "checksums" => {
            let folder = argument.ok_or("checksums: expected the folder of the files")?;
            checksums::make(Path::new(folder)).map(|files| format!("{files} files"))
        }
        "wit" => wit::make().map(|()| wit::page_path().display().to_string()),
        "generate" => generate::make().map(|made| {
            let made: Vec<String> = made.iter().map(|path| path.display().to_string()).collect();
            made.join("\n")
        }),
        "soak" => soak::run(argument.unwrap_or_default()),
        "reproducible" => reproducible::check().map(|digest| format!("both builds have the SHA-256 {digest}")),
        "release-check" => release_check::run(argument, binary.as_deref()),
        _ => Err(USAGE.into()),
    }
}
