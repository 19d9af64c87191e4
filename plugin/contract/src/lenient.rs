//! Members of servers' responses that may be missing, null, or of another type than expected.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// For `deserialize_with`: a value of another type counts as the default instead of failing the
/// whole response.
///
/// # Errors
/// The text is not JSON.
pub fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    let value = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(value.get()).unwrap_or_default())
}

/// For `deserialize_with`: null counts as the default. Some servers write it for an empty list.
///
/// # Errors
/// The value is neither null nor what is expected.
pub fn unless_null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Default, Deserialize)]
    #[serde(default)]
    struct Lenient {
        #[serde(deserialize_with = "lenient")]
        text: String,
        #[serde(deserialize_with = "lenient")]
        limit: Option<f64>,
    }

    #[test]
    fn missing_and_mistyped_members_count_as_the_default() {
        for (json, text, limit) in [
            (r#"{}"#, "", None),
            (r#"{"text": null, "limit": null, "more": []}"#, "", None),
            (r#"{"text": ["a"], "limit": "5"}"#, "", None),
            (r#"{"text": "a\n", "limit": 5}"#, "a\n", Some(5.0)),
        ] {
            assert_eq!(serde_json::from_str::<Lenient>(json).unwrap(), Lenient { text: text.into(), limit }, "{json}");
        }
        assert!(serde_json::from_str::<Lenient>("[").is_err());
    }
}
