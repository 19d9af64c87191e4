//! Grafana's `uid`s: at most 40 letters, digits, `-` and `_`; derived ones are stable.

/// The longest uid that Grafana accepts.
const MAX_LEN: usize = 40;

pub use crate::fnv::fnv1a as hash;

/// Derives a uid from a title and the titles of its folders, outermost first.
pub fn derive(folders: &[String], title: &str) -> String {
    let mut slug = String::new();
    for character in title.chars() {
        if slug.len() >= MAX_LEN - 17 {
            break;
        }
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    // A zero byte ends each part, so that different paths have different bytes.
    let parts = folders.iter().map(String::as_str).chain([title]);
    let hash = hash(parts.flat_map(|part| part.bytes().chain([0])));
    match slug.trim_end_matches('-') {
        "" => format!("d-{hash:016x}"),
        slug => format!("{slug}-{hash:016x}"),
    }
}

/// Whether Grafana accepts the uid.
pub fn check(uid: &str) -> Result<(), String> {
    if uid.is_empty() || uid.len() > MAX_LEN {
        return Err(format!("has {} characters; expected 1 to {MAX_LEN}", uid.len()));
    }
    if !uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Err("must contain ASCII letters, digits, - and _ only".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_uid_is_the_same_in_every_version() {
        assert_eq!(derive(&[], "PlugPipe System Overview"), "plugpipe-system-overvie-29ccb61f2ae0a43b");
        assert_ne!(derive(&["a".into(), "b".into()], "c"), derive(&["ab".into()], "c"));
        assert_ne!(derive(&["a".into()], "c"), derive(&[], "c"));
    }

    #[test]
    fn invalid_uids_are_rejected() {
        for uid in ["", "a b", "a/b", "é", &"a".repeat(41)] {
            assert!(check(uid).is_err(), "{uid}");
        }
        assert_eq!(check(&"a".repeat(40)), Ok(()));
    }

    proptest! {
        #[test]
        fn any_title_gets_a_valid_uid(folders in proptest::collection::vec(any::<String>(), 0..3), title in any::<String>()) {
            prop_assert_eq!(check(&derive(&folders, &title)), Ok(()));
        }
    }
}
