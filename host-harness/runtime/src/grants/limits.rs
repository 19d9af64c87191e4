//! Parses the limits in a grants file.

use std::time::Duration;

use plugpipe_time::PrometheusDuration;
use serde::Deserialize as _;

use super::place::Place;
use super::{GrantedLimits, syntax};
use crate::limits::{MAX_INSTANCES, MAX_MEMORIES, MAX_TABLE_ELEMENTS};

pub(super) fn limits(place: &Place<'_>) -> Result<GrantedLimits, String> {
    let table = place.table(&syntax::LIMITS)?;
    let get = |key: &str| table.get(key);
    let most = |key: &str, max: usize| {
        let bounded = |place: Place<'_>| match fits(&place, count(&place)?)? {
            number if number <= max => Ok(number),
            _ => Err(place.error(&format!("expected an integer of at most {max}"))),
        };
        get(key).map(bounded).transpose()
    };
    Ok(GrantedLimits {
        memory_bytes: get("memory").map(|place| fits(&place, bytes(&place)?)).transpose()?,
        call: get("call").map(|place| duration(&place)).transpose()?,
        response_bytes: get("response").map(|place| bytes(&place)).transpose()?,
        request_bytes: get("request").map(|place| bytes(&place)).transpose()?,
        request_total_bytes: get("request_total").map(|place| bytes(&place)).transpose()?,
        requests_per_minute: get("requests_per_minute").map(|place| fits(&place, count(&place)?)).transpose()?,
        requests_per_call: get("requests_per_call").map(|place| fits(&place, count(&place)?)).transpose()?,
        requests_at_once: get("requests_at_once").map(|place| fits(&place, count(&place)?)).transpose()?,
        answer_bytes: get("answer").map(|place| fits(&place, bytes(&place)?)).transpose()?,
        host_calls: get("host_calls").map(|place| count(&place)).transpose()?,
        resources: get("resources").map(|place| fits(&place, count(&place)?)).transpose()?,
        instances: most("instances", MAX_INSTANCES)?,
        tables: most("tables", MAX_INSTANCES)?,
        table_elements: most("table_elements", MAX_TABLE_ELEMENTS)?,
        memories: most("memories", MAX_MEMORIES)?,
        series: get("series").map(|place| fits(&place, count(&place)?)).transpose()?,
        component_bytes: get("component").map(|place| fits(&place, bytes(&place)?)).transpose()?,
        compile_memory_bytes: get("compile_memory").map(|place| bytes(&place)).transpose()?,
        compile_time: get("compile_time").map(|place| duration(&place)).transpose()?,
    })
}

fn count(place: &Place<'_>) -> Result<u64, String> {
    place.value.as_u64().filter(|number| *number > 0).ok_or_else(|| place.error("expected an integer of at least 1"))
}

/// Converts the number, or fails if it is too large.
fn fits<T: TryFrom<u64>>(place: &Place<'_>, number: u64) -> Result<T, String> {
    T::try_from(number).map_err(|_| place.error("the number is too large"))
}

fn bytes(place: &Place<'_>) -> Result<u64, String> {
    let units = [
        ("kib", 1_u64 << 10),
        ("mib", 1 << 20),
        ("gib", 1 << 30),
        ("kb", 1_000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
        ("b", 1),
    ];
    let read = || {
        if let Some(number) = place.value.as_u64() {
            return Some(number);
        }
        let text = place.value.as_str()?.trim().to_ascii_lowercase();
        let found = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
        let (number, factor) = found.unwrap_or((&text, 1));
        number.trim().parse::<u64>().ok()?.checked_mul(factor)
    };
    read().filter(|number| *number > 0).ok_or_else(|| place.error("expected bytes, such as 65536 or 64MiB"))
}

fn duration(place: &Place<'_>) -> Result<Duration, String> {
    let duration = PrometheusDuration::deserialize(place.value).map_err(|problem| place.error(&problem.to_string()))?;
    if duration == PrometheusDuration::ZERO {
        Err(place.error("expected a duration of at least 1ms, such as 30s or 1m30s"))
    } else {
        Ok(duration.get())
    }
}
