//! The order of steps: as they are written, unless `depends_on` or `next` asks for another.

use std::collections::BTreeSet;

/// The indices of `count` steps in the order in which they run. `after` has pairs of a step and one
/// that runs before it. The error is a circle of steps that wait for each other.
pub(super) fn order(count: usize, after: &BTreeSet<(usize, usize)>) -> Result<Vec<usize>, Vec<usize>> {
    let mut waiting: BTreeSet<usize> = (0..count).collect();
    let mut order = Vec::with_capacity(count);
    let first_of = |step: usize, waiting: &BTreeSet<usize>| {
        let before = after.range((step, 0)..(step + 1, 0)).map(|(_, before)| *before);
        before.into_iter().find(|before| waiting.contains(before))
    };
    while !waiting.is_empty() {
        let Some(next) = waiting.iter().copied().find(|step| first_of(*step, &waiting).is_none()) else {
            return Err(circle(&waiting, |step| first_of(step, &waiting)));
        };
        waiting.remove(&next);
        order.push(next);
    }
    Ok(order)
}

/// Each of the steps has one that it waits for, so that the way leads back to one passed before.
fn circle(waiting: &BTreeSet<usize>, waits_for: impl Fn(usize) -> Option<usize>) -> Vec<usize> {
    let mut way = Vec::new();
    let mut at = waiting.first().copied();
    while let Some(step) = at {
        if let Some(begin) = way.iter().position(|passed| *passed == step) {
            way.drain(..begin);
            break;
        }
        way.push(step);
        at = waits_for(step);
    }
    // From the first to the last, as they would run.
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_run_as_written_unless_they_depend_on_a_later_one() {
        assert_eq!(order(3, &BTreeSet::new()), Ok(vec![0, 1, 2]));
        assert_eq!(order(4, &[(0, 2), (2, 3)].into()), Ok(vec![1, 3, 2, 0]));
        assert_eq!(order(4, &[(3, 0), (1, 3)].into()), Ok(vec![0, 2, 3, 1]));
    }

    #[test]
    fn a_circle_is_named_without_what_only_leads_to_it() {
        assert_eq!(order(1, &[(0, 0)].into()), Err(vec![0]));
        assert_eq!(order(4, &[(0, 1), (1, 2), (2, 3), (3, 1)].into()), Err(vec![3, 2, 1]));
    }
}
