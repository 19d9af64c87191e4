//! Suggestions for misspelled names.

/// `; did you mean …?`, if there is a similar name.
pub(super) fn nearest<'k>(key: &str, known: impl Iterator<Item = &'k str>) -> String {
    let close = known.map(|known| (strsim::damerau_levenshtein(key, known), known)).min();
    match close {
        Some((distance, known)) if distance <= known.len().div_ceil(3) => format!("; did you mean {known}?"),
        _ => String::new(),
    }
}
