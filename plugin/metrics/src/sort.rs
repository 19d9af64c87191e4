//! A single shared sort. Each monomorphization of the standard library's sort adds some 5 KB to the
//! component, so this module only ever sorts indices, comparing through a `dyn Fn`.

use std::cmp::Ordering;

/// Sorts indices. Stable, and fast on partially sorted input.
pub fn sort_places(places: &mut [u32], order: &dyn Fn(u32, u32) -> Ordering) {
    places.sort_by(|a, b| order(*a, *b));
}

/// Returns the list sorted. Stable, and returns immediately if it is already sorted.
pub fn sorted_by<T>(list: Vec<T>, order: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    if list.is_sorted_by(|a, b| order(a, b).is_le()) {
        return list;
    }
    let mut places: Vec<u32> = (0..list.len() as u32).collect();
    sort_places(&mut places, &|a, b| match (list.get(a as usize), list.get(b as usize)) {
        (Some(a), Some(b)) => order(a, b),
        // Every index is in range.
        _ => Ordering::Equal,
    });
    let mut list: Vec<Option<T>> = list.into_iter().map(Some).collect();
    places.into_iter().filter_map(|place| list.get_mut(place as usize)?.take()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn matches_the_standard_library(list: Vec<(u8, String)>) {
            let mut expected = list.clone();
            expected.sort_by_key(|item| item.0);
            prop_assert_eq!(sorted_by(list, |a, b| a.0.cmp(&b.0)), expected);
        }
    }
}
