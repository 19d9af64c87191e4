//! Suggestions for misspelled names.

/// `; did you mean …?`, if there is a similar name.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let close = known.into_iter().map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
    match close {
        Some((distance, known)) if distance <= known.len().div_ceil(3) => format!("; did you mean {known}?"),
        _ => String::new(),
    }
}
