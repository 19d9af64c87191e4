//! Grafana dashboards: read from requests, validated and completed from the short form, compared
//! with those in Grafana, written as files. No I/O.
//!
//! A complete dashboard has a stable `uid`, panels with `id`, position, data source and `refId`s, a
//! variable for the data source, and two tags: [`TAG`], and a fingerprint of its contents, which
//! lets a search find out what is up to date.

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

/// The tag of dashboards made by the plug.
pub const TAG: &str = "plugpipe";

/// The prefix of the fingerprint tag.
const FINGERPRINT: &str = "plugpipe:";

/// Whether a tag is a fingerprint.
fn is_fingerprint(tag: &str) -> bool {
    tag.strip_prefix(FINGERPRINT).is_some_and(|hex| hex.len() == 16 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
