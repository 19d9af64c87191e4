//! Compresses the schemas of operations, which `describe` answers, so that the component stays small.

use std::io::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=schemas.json");
    let schemas: Value = serde_json::from_str(&fs::read_to_string("schemas.json")?)?;
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(schemas.to_string().as_bytes())?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("schemas.json.gz"), out.finish()?)?;
    Ok(())
}
