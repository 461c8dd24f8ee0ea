//! How one value is found among many.

use crate::preprocessor::text_list::TextList;
use std::cmp::Ordering;

/// Values up to here are compared one by one.
const FEW: usize = 8;

/// How a list is searched, decided once for the list.
#[derive(Debug)]
pub(super) enum Lookup {
    /// One value after the other.
    Linear { length: u32 },
    /// By halves: the list is sorted, as scikit-learn's own categories are. A NaN may follow at the end.
    Sorted { sorted: u32 },
    /// By halves of this order of the list: categories that a user gave keep the user's order.
    Ordered(Box<[u32]>),
}

impl Lookup {
    /// The lookup for a list.
    pub(super) fn new<T: PartialOrd>(values: &[T]) -> Lookup {
        if values.len() <= FEW {
            return Lookup::Linear { length: values.len() as u32 };
        }
        let comparable = |value: &T| value.partial_cmp(value).is_some();
        let sorted = values.iter().take_while(|value| comparable(value)).count();
        let (front, back) = values.split_at(sorted);
        if front.is_sorted() && !back.iter().any(comparable) {
            return Lookup::Sorted { sorted: sorted as u32 };
        }
        let mut order: Vec<u32> = (0u32..).zip(values).filter(|(_, value)| comparable(value)).map(|(i, _)| i).collect();
        let at = |index: &u32| values.get(*index as usize);
        order.sort_by(|one, other| at(one).partial_cmp(&at(other)).unwrap_or(Ordering::Equal));
        Lookup::Ordered(order.into())
    }

    /// The position of a value.
    pub(super) fn find<T: PartialOrd>(&self, values: &[T], wanted: &T) -> Option<u32> {
        self.search(|index| values.get(index)?.partial_cmp(wanted))
    }

    /// The position of a text. Texts beyond those that the lookup was made for are not looked at: missing values stand
    /// there.
    pub(super) fn find_text(&self, texts: &TextList, wanted: &str) -> Option<u32> {
        self.search(|index| Some(texts.get(index)?.cmp(wanted)))
    }

    /// The position of the first value of a sorted list that equals what is wanted, where several may; the first of them in
    /// the list's own order if it is not sorted.
    pub(super) fn first(&self, compare: impl Fn(usize) -> Option<Ordering>) -> Option<u32> {
        let is_equal = |index: &u32| compare(*index as usize) == Some(Ordering::Equal);
        let mut found = self.search(&compare)?;
        match self {
            Lookup::Linear { .. } => {}
            Lookup::Sorted { .. } => {
                while let Some(before) = found.checked_sub(1).filter(is_equal) {
                    found = before;
                }
            }
            Lookup::Ordered(order) => found = order.iter().copied().filter(is_equal).min()?,
        }
        Some(found)
    }

    fn search(&self, compare: impl Fn(usize) -> Option<Ordering>) -> Option<u32> {
        match self {
            Lookup::Linear { length } => (0..*length).find(|index| compare(*index as usize) == Some(Ordering::Equal)),
            Lookup::Sorted { sorted } => bisect(*sorted as usize, compare).map(|index| index as u32),
            Lookup::Ordered(order) => {
                let at = |index: usize| order.get(index).map(|position| *position as usize);
                let index = bisect(order.len(), |index| compare(at(index)?))?;
                order.get(index).copied()
            }
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        if let Lookup::Ordered(order) = self { size_of_val(&**order) } else { 0 }
    }
}

fn bisect(length: usize, compare: impl Fn(usize) -> Option<Ordering>) -> Option<usize> {
    let (mut low, mut high) = (0, length);
    while low < high {
        let middle = low + (high - low) / 2;
        match compare(middle)? {
            Ordering::Equal => return Some(middle),
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_lookup_finds_what_a_walk_finds(mut values in proptest::collection::vec(-40i64..40, 0..40), sort in any::<bool>()) {
            if sort {
                values.sort_unstable();
            }
            values.dedup();
            let mut seen = std::collections::HashSet::new();
            values.retain(|value| seen.insert(*value));
            let lookup = Lookup::new(&values);
            let texts: Vec<String> = values.iter().map(|value| format!("v{value}")).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let text_lookup = Lookup::new(&texts);
            let list = TextList::new(texts.iter().copied()).unwrap();
            for wanted in -45..45 {
                let walk = values.iter().position(|value| *value == wanted).map(|index| index as u32);
                prop_assert_eq!(lookup.find(&values, &wanted), walk);
                prop_assert_eq!(text_lookup.find_text(&list, &format!("v{wanted}")), walk);
            }
        }
    }

    #[test]
    fn a_nan_at_the_end_or_in_the_middle_does_not_hide_other_values() {
        let mut values: Vec<f64> = (0..20).map(f64::from).collect();
        values.push(f64::NAN);
        values.extend([-1.0]);
        for values in [&values[..21], &values[..]] {
            let lookup = Lookup::new(values);
            for wanted in 0..20u32 {
                assert_eq!(lookup.find(values, &f64::from(wanted)), Some(wanted));
            }
            assert_eq!(lookup.find(values, &99.0), None);
        }
    }
}
