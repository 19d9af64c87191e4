//! `new`: writes a plug as a Rust crate. Never overwrites a file.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use plugpipe_harness::CommandError;

use super::init::write_files;
use super::show;

/// The files of a plug: path and text, in which `{{NAME}}` is replaced.
const PLUG: [(&str, &str); 7] = [
    (".gitignore", "/target\n"),
    ("Cargo.toml", include_str!("../../templates/plug/Cargo.toml.in")),
    ("src/lib.rs", include_str!("../../templates/plug/lib.rs")),
    ("tests/pipe.rs", include_str!("../../templates/plug/test.rs")),
    ("pipe.yaml", include_str!("../../templates/plug/pipe.yaml")),
    ("harness.yaml", include_str!("../../templates/plug/harness.yaml")),
    ("wit/world.wit", include_str!("../../templates/plug/world.wit")),
];

/// The interfaces, as this host has them.
const WIT: [(&str, &str); 9] = [
    ("wit/deps/clocks.wit", include_str!("../../../wit/deps/clocks.wit")),
    ("wit/deps/http.wit", include_str!("../../../wit/deps/http.wit")),
    ("wit/deps/io.wit", include_str!("../../../wit/deps/io.wit")),
    ("wit/deps/plug.wit", include_str!("../../../wit/deps/plug.wit")),
    ("wit/deps/monitoring/exposition.wit", include_str!("../../../wit/exposition.wit")),
    ("wit/deps/monitoring/metrics.wit", include_str!("../../../wit/metrics.wit")),
    ("wit/deps/monitoring/query.wit", include_str!("../../../wit/query.wit")),
    ("wit/deps/monitoring/types.wit", include_str!("../../../wit/types.wit")),
    ("wit/deps/monitoring/world.wit", include_str!("../../../wit/world.wit")),
];

/// Write the start of something new
#[derive(Args)]
pub(crate) struct NewArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write a plug: a Rust crate that answers, keeps a state and records metrics, with a pipe and
    /// a test that runs it
    Plug {
        /// The plug's name, as pipes refer to it
        #[arg(value_name = "NAME", value_parser = name)]
        name: String,
        /// The crate's folder; by default one with the plug's name
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

/// The name is that of a package, of a step's plug and of a label's value.
fn name(text: &str) -> Result<String, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if is_plain && text.starts_with(|first: char| first.is_ascii_lowercase()) {
        Ok(text.to_owned())
    } else {
        Err("expected lower-case letters, digits and _, with a letter first, such as data_cleaner".to_owned())
    }
}

pub(crate) fn new(args: &NewArgs) -> Result<bool, CommandError> {
    let What::Plug { name, folder } = &args.what;
    let folder = folder.as_deref().unwrap_or(Path::new(name));
    let files = PLUG.iter().chain(&WIT).map(|(path, text)| (folder.join(path), text.replace("{{NAME}}", name)));
    write_files(&files.collect::<Vec<_>>())?;
    let folder = folder.display();
    show::print(&format!(
        "\nNext: cd {folder} && cargo build --release --target wasm32-unknown-unknown && plugpipe-harness run pipe.yaml --config harness.yaml"
    ));
    Ok(true)
}
