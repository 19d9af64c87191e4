//! Rules as a PrometheusRule of the Prometheus operator.

use super::resource::{FIELD, MAX_CONFIG_MAP_BYTES, Metadata, Resource};
use crate::error::Error;
use crate::rules::{Group, file};
use crate::yaml::Yaml;

/// Group fields of a PrometheusRule besides those that every server supports. Rules have no others.
const GROUP_FIELDS: [&str; 3] = ["limit", "partial_response_strategy", "query_offset"];

/// The longest rule file. The operator passes rule files on in ConfigMaps that it fills halfway.
const MAX_FILE_BYTES: usize = MAX_CONFIG_MAP_BYTES / 2;

/// The PrometheusRule with these groups; `rules_file` is what its name is made of if none is given.
///
/// # Errors
/// A field is not part of a PrometheusRule, or the rules are too long.
pub fn prometheus_rule(groups: &[Group], metadata: Metadata, rules_file: &str) -> Result<Resource, Error> {
    for (index, group) in groups.iter().enumerate() {
        let own = group.more.iter().map(|(field, _)| (String::new(), field.name));
        let of_rules = group
            .rules
            .iter()
            .enumerate()
            .flat_map(|(rule, own)| own.more.iter().map(move |(field, _)| (format!(".rules[{rule}]"), field.name)));
        let unknown = |(within, name): &(String, &str)| !within.is_empty() || !GROUP_FIELDS.contains(name);
        if let Some((within, name)) = own.chain(of_rules).find(unknown) {
            let problem = "is not part of a PrometheusRule; remove it, or export a rule file";
            return Err(Error::invalid(format!("groups[{index}]{within}.{name}"), problem));
        }
    }
    let bytes = file(groups).len();
    if bytes > MAX_FILE_BYTES {
        let problem = format!(
            "has {bytes} bytes of rules; the operator accepts {MAX_FILE_BYTES} of one PrometheusRule: export groups separately"
        );
        return Err(Error::invalid(FIELD, problem));
    }
    let stem = rules_file.rsplit_once('.').map_or(rules_file, |(stem, _)| stem);
    let groups = groups.iter().map(Group::yaml).collect();
    Ok(Resource {
        api_version: "monitoring.coreos.com/v1",
        kind: "PrometheusRule",
        name: metadata.name_of(stem, true)?,
        metadata,
        body: ("spec", Yaml::Map(vec![("groups".to_owned(), Yaml::List(groups))])),
    })
}
