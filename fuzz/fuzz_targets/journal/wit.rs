//! `wit/types.wit` and `wit/metrics.wit`, as far as the journal holds them.

pub(crate) mod types {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, Serialize, Deserialize)]
    pub(crate) struct Label {
        pub(crate) name: String,
        pub(crate) value: String,
    }

    #[derive(Debug, Clone, Copy, Serialize, Deserialize)]
    pub(crate) enum MetricKind {
        Counter,
        Gauge,
        Histogram,
        NativeHistogram,
        Summary,
        Info,
        StateSet,
    }
}

pub(crate) mod metrics {
    use serde::{Deserialize, Serialize};

    use super::types::MetricKind;

    #[derive(Debug, Clone, Serialize, Deserialize)]
    pub(crate) struct NativeBuckets {
        pub(crate) schema: i32,
        pub(crate) zero_threshold: f64,
        pub(crate) max_buckets: u32,
    }

    #[derive(Debug, Clone, Serialize, Deserialize)]
    pub(crate) struct Definition {
        pub(crate) name: String,
        pub(crate) kind: MetricKind,
        pub(crate) help: Option<String>,
        pub(crate) unit: Option<String>,
        pub(crate) label_names: Vec<String>,
        pub(crate) buckets: Option<Vec<f64>>,
        pub(crate) native: Option<NativeBuckets>,
        pub(crate) quantiles: Option<Vec<f64>>,
        pub(crate) window_seconds: Option<f64>,
        pub(crate) states: Vec<String>,
        pub(crate) series_limit: Option<u32>,
        pub(crate) expire_after_seconds: Option<f64>,
    }
}
