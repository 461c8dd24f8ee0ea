//! Finds one value among many.

use crate::columns::text_list::TextList;
use byoc_formats::error::Result;
use std::cmp::Ordering;

/// Up to this number, values are compared one by one.
const FEW: usize = 8;

/// How a list is searched, decided once for the list.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// One value after the other.
    Linear { length: u32 },
    /// By bisection: the list is sorted, as the categories that scikit-learn finds are. A NaN may follow at the end.
    Sorted { sorted: u32 },
    /// By bisection of this order of the list: categories that a user gave keep the user's order.
    Ordered(Box<[u32]>),
}

impl Lookup {
    /// The lookup for a list; `keep` takes the bytes that it is about to allocate.
    pub(crate) fn of<T: PartialOrd>(values: &[T], keep: &mut dyn FnMut(usize) -> Result<()>) -> Result<Lookup> {
        let at = |index: usize| values.get(index);
        Lookup::build(values.len(), |one, other| at(one)?.partial_cmp(at(other)?), keep)
    }

    /// The lookup for the first texts of a list; missing values follow them.
    pub(crate) fn of_texts(
        texts: &TextList,
        length: usize,
        keep: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Lookup> {
        Lookup::build(length, |one, other| Some(texts.get(one)?.cmp(texts.get(other)?)), keep)
    }

    fn build(
        length: usize,
        compare: impl Fn(usize, usize) -> Option<Ordering>,
        keep: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Lookup> {
        if length <= FEW {
            return Ok(Lookup::Linear { length: length as u32 });
        }
        // NaN is not comparable with itself.
        let comparable = |index: &usize| compare(*index, *index).is_some();
        let sorted = (0..length).take_while(comparable).count();
        let is_sorted = (1..sorted).all(|index| compare(index - 1, index).is_some_and(Ordering::is_le));
        if is_sorted && !(sorted..length).any(|index| comparable(&index)) {
            return Ok(Lookup::Sorted { sorted: sorted as u32 });
        }
        let count = (0..length).filter(comparable).count();
        keep(count * size_of::<u32>())?;
        let mut order = Vec::with_capacity(count);
        order.extend((0..length).filter(comparable).map(|index| index as u32));
        let compare = |one: u32, other: u32| compare(one as usize, other as usize).unwrap_or(Ordering::Equal);
        order.sort_unstable_by(|one, other| compare(*one, *other).then(one.cmp(other)));
        // The first of equal values is found.
        order.dedup_by(|later, earlier| compare(*later, *earlier).is_eq());
        Ok(Lookup::Ordered(order.into()))
    }

    /// The position of a value.
    pub(crate) fn find<T: PartialOrd>(&self, values: &[T], wanted: &T) -> Option<u32> {
        self.search(|index| values.get(index)?.partial_cmp(wanted))
    }

    /// The position of a text. Entries after the texts of the lookup are not compared: they are missing values.
    pub(crate) fn find_text(&self, texts: &TextList, wanted: &str) -> Option<u32> {
        self.search(|index| Some(texts.get(index)?.cmp(wanted)))
    }

    /// The position of the first value that equals the wanted one, if several different values may. They are adjacent
    /// in the lookup's order.
    pub(crate) fn first(&self, compare: impl Fn(usize) -> Option<Ordering>) -> Option<u32> {
        let is_equal = |index: usize| compare(index) == Some(Ordering::Equal);
        match self {
            Lookup::Linear { .. } => self.search(&compare),
            Lookup::Sorted { sorted } => {
                let first = lower_bound(*sorted as usize, &compare);
                is_equal(first).then_some(first as u32)
            }
            Lookup::Ordered(order) => {
                let at = |index: usize| order.get(index).map(|position| *position as usize);
                let first = lower_bound(order.len(), |index| compare(at(index)?));
                let equal = order.get(first..)?.iter().take_while(|position| is_equal(**position as usize));
                equal.copied().min()
            }
        }
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
}

/// The first index at which a sorted list is not below the wanted value.
fn lower_bound(length: usize, compare: impl Fn(usize) -> Option<Ordering>) -> usize {
    let (mut low, mut high) = (0, length);
    while low < high {
        let middle = low + (high - low) / 2;
        match compare(middle) {
            Some(Ordering::Less) => low = middle + 1,
            _ => high = middle,
        }
    }
    low
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
impl Lookup {
    /// The lookup for a list.
    pub(crate) fn new<T: PartialOrd>(values: &[T]) -> Lookup {
        Lookup::of(values, &mut |_| Ok(())).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_lookup_finds_the_result_of_a_linear_search(
            mut values in proptest::collection::vec(-40i64..40, 0..40),
            sort in any::<bool>(),
        ) {
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
            let list = TextList::of(texts.iter().copied());
            for wanted in -45..45 {
                let walk = values.iter().position(|value| *value == wanted).map(|index| index as u32);
                prop_assert_eq!(lookup.find(&values, &wanted), walk);
                prop_assert_eq!(text_lookup.find_text(&list, &format!("v{wanted}")), walk);
            }
        }
    }

    proptest! {
        #[test]
        fn of_several_equal_categories_the_first_is_found(
            mut values in proptest::collection::vec(0i64..60, 0..60),
            sort in any::<bool>(),
        ) {
            if sort {
                values.sort_unstable();
            }
            let lookup = Lookup::new(&values);
            // Three integers are one float here.
            for wanted in 0..25 {
                let walk = values.iter().position(|value| *value / 3 == wanted).map(|index| index as u32);
                let found = lookup.first(|index| Some((values.get(index)? / 3).cmp(&wanted)));
                prop_assert_eq!(found, walk);
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
