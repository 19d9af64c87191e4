//! Made from plug.yaml by `cargo xtask generate`; a test compares.

/// A setting that names a server. Paths are of keys, with dots between.
pub(super) struct ServerSetting {
    /// The setting with the server's URL.
    pub(super) url: &'static str,
    /// Headers in lower case, and the settings that say their value: the first that is there counts.
    pub(super) headers: &'static [(&'static str, &'static [&'static str])],
}

/// The settings that name a server.
pub(super) const SERVER_SETTINGS: &[ServerSetting] = &[
    ServerSetting {
        url: "prometheus_url",
        headers: &[
            ("x-scope-orgid", &["prometheus_auth.tenant","prometheus_auth.org_id"]),
        ],
    },
    ServerSetting {
        url: "gateway_url",
        headers: &[
            ("x-scope-orgid", &["gateway_auth.tenant","gateway_auth.org_id"]),
        ],
    },
    ServerSetting {
        url: "grafana_url",
        headers: &[
            ("x-grafana-org-id", &["grafana_org_id"]),
            ("x-scope-orgid", &["grafana_auth.tenant","grafana_auth.org_id"]),
        ],
    },
    ServerSetting {
        url: "ruler_url",
        headers: &[
            ("x-scope-orgid", &["ruler_auth.tenant","ruler_auth.org_id"]),
        ],
    },
    ServerSetting {
        url: "alertmanager_url",
        headers: &[
            ("x-scope-orgid", &["alertmanager_auth.tenant","alertmanager_auth.org_id"]),
        ],
    },
    ServerSetting {
        url: "webhook_url",
        headers: &[
            ("x-scope-orgid", &["webhook_auth.tenant","webhook_auth.org_id"]),
        ],
    },
    ServerSetting {
        url: "remote_write_url",
        headers: &[
            ("x-scope-orgid", &["remote_write_auth.tenant","remote_write_auth.org_id"]),
        ],
    },
    ServerSetting {
        url: "otlp_url",
        headers: &[
            ("x-scope-orgid", &["otlp_auth.tenant","otlp_auth.org_id"]),
        ],
    },
    ServerSetting {
        url: "endpoint_url",
        headers: &[
            ("x-scope-orgid", &["endpoint_auth.tenant","endpoint_auth.org_id"]),
        ],
    },
    ServerSetting {
        url: "scrape_config.endpoint_url",
        headers: &[
            ("x-scope-orgid", &["scrape_config.endpoint_auth.tenant","scrape_config.endpoint_auth.org_id"]),
        ],
    },
    ServerSetting {
        url: "alert_config.webhook_url",
        headers: &[
        ],
    },
];
