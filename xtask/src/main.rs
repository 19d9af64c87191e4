//! `cargo xtask TASK`.

use std::path::PathBuf;
use std::process::ExitCode;

use xtask::{build, dist, generate, npm, oci, release_check, reproducible, root, soak, wit};

const USAGE: &str = "\
cargo xtask dist [FOLDER]    the folder of PlugPipe's registry, below dist
cargo xtask npm [FOLDER]     the package for Node, in dist/npm
cargo xtask oci [FOLDER]     an OCI image layout, in dist/oci
cargo xtask wit              docs/wit.md, and the golden file of a new version of the world
cargo xtask generate         plug.yaml's operations and schemas, and of those docs/reference.md and types
                             for Node and Python; schemas of files for editors
cargo xtask soak NAME        run a soak test: conversations, gateway, recovery or serve; prints its row for docs/benchmarks.md
cargo xtask reproducible     compare the component with a build in another folder
cargo xtask release-check    run the checks before a release: reproducible, cargo doc, fuzz targets

With --auditable, dist, npm and oci use a component with an embedded list of its crates (cargo install cargo-auditable).";

fn main() -> ExitCode {
    let (flags, words): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word == "--auditable");
    let mut words = words.into_iter();
    let task = words.next().unwrap_or_default();
    let argument = words.next();
    match run(&task, argument.as_deref(), !flags.is_empty()) {
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

fn run(task: &str, argument: Option<&str>, auditable: bool) -> Result<String, String> {
    let at = |default: &str| argument.map_or_else(|| root().join("dist").join(default), PathBuf::from);
    match task {
        "dist" => dist::make(&build(auditable)?, &at("")).map(|folder| folder.display().to_string()),
        "npm" => npm::make(&build(auditable)?, &at("npm")).map(|()| at("npm").display().to_string()),
        "oci" => oci::make(&build(auditable)?, &at("oci")).map(|digest| format!("{}: {digest}", at("oci").display())),
        "wit" => wit::make().map(|()| wit::page_path().display().to_string()),
        "generate" => generate::make().map(|made| {
            let made: Vec<String> = made.iter().map(|path| path.display().to_string()).collect();
            made.join("\n")
        }),
        "soak" => soak::run(argument.unwrap_or_default()),
        "reproducible" => reproducible::check().map(|digest| format!("both builds have the SHA-256 {digest}")),
        "release-check" => release_check::run(),
        _ => Err(USAGE.into()),
    }
}
