//! What operations are asked: a struct for each, its fields documented where they are declared.

use serde::Deserialize;

mod export;
mod generate;
mod groups;
mod push;
mod record;
mod scrape;

pub use export::{ExportMetrics, RestoreMetrics};
pub use generate::{
    AlertmanagerTargets, BasicAuth, GenerateConfig, GeneratedSections, GlobalSection, RemoteEndpoint, ScrapeJob,
    TargetGroup, TlsFiles,
};
pub use groups::{ExpireGroups, ListGroups};
pub use push::{NoteExchange, PushMetrics, SettledGroup};
pub use record::{
    ClearMetrics, DefinitionFields, ListedParts, ListedRecord, NativeFields, Record, RecordMultiple, RegisterMetric,
    RemoveMetric,
};
pub use scrape::{
    Federate, FederatedSeries, ScrapeConfig, ScrapeEndpoint, ScrapeFields, ScrapeOptions, ScrapedEndpoint,
};

/// Operations that take nothing but what any call may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NoFields {}
