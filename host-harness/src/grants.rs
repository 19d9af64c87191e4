//! What a plug may reach. Says it and compares; `outbound` enforces it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use url::Url;

/// Scheme, host and port: what a request is granted by. Written `http://127.0.0.1:9091`, always with its port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of an `http` or `https` URL; none for any other.
    pub fn of(url: &Url) -> Option<Self> {
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        Some(Self { scheme: url.scheme().into(), host: url.host_str()?.into(), port: url.port_or_known_default()? })
    }

    /// Host and port, as an HTTP authority.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

impl FromStr for Origin {
    type Err = String;

    /// Reads `http://host`, `https://host:port`; a path, query or user is an error, because it would be taken for a narrower grant
    /// than it is.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected an origin such as http://127.0.0.1:9091";
        let url = Url::parse(text.trim()).map_err(|error| format!("{text:?} is no URL ({error}); {expected}"))?;
        if url.path() != "/"
            || url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(format!("an origin has scheme, host and port only; {expected}"));
        }
        Self::of(&url).ok_or_else(|| format!("{text:?} is not http or https; {expected}"))
    }
}

impl Serialize for Origin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a plug may reach. By default nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Grants {
    /// Origins to which the plug may send requests, whatever the path and method.
    pub origins: BTreeSet<Origin>,
    /// The folder into which the host writes rule files that the plug hands out; none for nowhere.
    pub rules_folder: Option<PathBuf>,
}

impl Grants {
    /// Grants nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Grants the origins that a configuration names, nothing else: those of every text under a key that ends in `_url`,
    /// at any depth.
    pub fn named_by(config: &Value) -> Self {
        let mut grants = Self::none();
        grants.collect(config);
        grants
    }

    /// Grants one more origin.
    #[must_use]
    pub fn and(mut self, origin: Origin) -> Self {
        self.origins.insert(origin);
        self
    }

    /// Grants a folder for rule files.
    #[must_use]
    pub fn and_rules_folder(mut self, folder: Option<PathBuf>) -> Self {
        self.rules_folder = folder;
        self
    }

    /// Whether requests may go there.
    pub fn allow(&self, origin: &Origin) -> bool {
        self.origins.contains(origin)
    }

    fn collect(&mut self, config: &Value) {
        match config {
            Value::Object(map) => {
                for (key, value) in map {
                    let origin = value
                        .as_str()
                        .filter(|_| key.ends_with("_url"))
                        .and_then(|text| Url::parse(text.trim()).ok())
                        .and_then(|url| Origin::of(&url));
                    self.origins.extend(origin);
                    self.collect(value);
                }
            }
            Value::Array(list) => list.iter().for_each(|value| self.collect(value)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_configuration_grants_the_origins_it_names_and_nothing_else() {
        let grants = Grants::named_by(&json!({
            "prometheus_config": {"gateway_url": "http://user:pw@GW.example/path", "job_name": "http://no.example"},
            "alert_config": [{"webhook_url": "https://hook.example:8443/x"}],
            "grafana_url": "",
            "prometheus_url": "not a url",
        }));
        let origins: Vec<String> = grants.origins.iter().map(Origin::to_string).collect();
        assert_eq!(origins, ["http://gw.example:80", "https://hook.example:8443"]);
    }

    #[test]
    fn an_origin_has_one_spelling() {
        let canonical: Origin = "http://127.0.0.1:9091".parse().unwrap();
        for spelling in
            ["HTTP://127.0.0.1:9091/", "http://2130706433:9091", "http://0x7f.1:9091", "http://0177.0.0.1:9091"]
        {
            assert_eq!(spelling.parse(), Ok(canonical.clone()), "{spelling}");
        }
        for other in ["https://127.0.0.1:9091", "http://127.0.0.1", "http://[::1]:9091", "http://localhost:9091"] {
            assert_ne!(other.parse(), Ok(canonical.clone()), "{other}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused() {
        for text in ["", "host:80", "http://h/path", "http://h?q", "http://u@h", "ftp://h", "http://", "http://h#f"] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
