//! Sorting, by one sort. Each use of the standard library's sort with another type or order is some
//! 5 KB of component; here all are lists of places, whose order is called through a reference.

use std::cmp::Ordering;

/// Sorts numbers that stand for something. Stable, and quick where long runs are sorted already.
pub fn sort_places(places: &mut [u32], order: &dyn Fn(u32, u32) -> Ordering) {
    places.sort_by(|a, b| order(*a, *b));
}

/// The list, sorted; at once if it is. Stable.
pub fn sorted_by<T>(list: Vec<T>, order: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    if list.is_sorted_by(|a, b| order(a, b).is_le()) {
        return list;
    }
    let mut places: Vec<u32> = (0..list.len() as u32).collect();
    sort_places(&mut places, &|a, b| match (list.get(a as usize), list.get(b as usize)) {
        (Some(a), Some(b)) => order(a, b),
        // Every place is one of the list.
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
        fn a_list_is_sorted_as_the_standard_library_does(list: Vec<(u8, String)>) {
            let mut expected = list.clone();
            expected.sort_by_key(|item| item.0);
            prop_assert_eq!(sorted_by(list, |a, b| a.0.cmp(&b.0)), expected);
        }
    }
}
