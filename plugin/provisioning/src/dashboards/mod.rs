//! Grafana dashboards as values: read from requests, checked and completed from the short form that
//! people write, compared with what a Grafana holds, written as files. No I/O.
//!
//! A dashboard that is made here has a stable `uid`, panels with `id`, place, data source and
//! `refId`s, a variable for the data source, and two tags: [`TAG`], and a fingerprint of its
//! content. By the fingerprint a search tells what is up to date.

mod build;
pub mod diff;
pub mod files;
mod import;
mod layout;
pub mod members;
mod migration;
mod options;
pub mod plan;
pub mod read;
mod sources;
mod templates;
pub mod uid;

pub use build::Dashboard;
pub use options::{Options, Place};

/// The tag of what the plug made.
pub const TAG: &str = "plugpipe";

/// What the tag with the fingerprint begins with.
const FINGERPRINT: &str = "plugpipe:";

/// Whether a tag is a fingerprint.
fn is_fingerprint(tag: &str) -> bool {
    tag.strip_prefix(FINGERPRINT).is_some_and(|hex| hex.len() == 16 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
