//! How often each value of a column occurs, with the equality of Python's and numpy's sets.

use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Refuses, refuse};
use crate::columns::origin::Origin;
use crate::parameters::values::{Categories, Scalar};
use byoc_formats::rows::table::{Cell, Column};
use std::collections::HashMap;

/// The values of a column, each with the number of rows that have it. One type for the whole column.
#[derive(Clone, Debug, Default)]
pub(crate) enum Counts {
    /// No row yet.
    #[default]
    Nothing,
    Bool([u64; 2]),
    Int64(HashMap<i64, u64>),
    UInt64(HashMap<u64, u64>),
    Float64(Floats),
    Object(Objects),
}

/// The values of a column of floats.
#[derive(Clone, Debug, Default)]
pub(crate) struct Floats {
    /// By their bits; both zeros count as one.
    counts: HashMap<u64, u64>,
    missing: u64,
    /// The zero that came first, which numpy's `unique` keeps.
    zero: Option<f64>,
}

/// The values of a column of objects. Equal numbers and bools are one value, as in Python.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects {
    texts: HashMap<Box<str>, u64>,
    /// By the bits, with the value that came first.
    numbers: HashMap<u64, (Scalar, u64)>,
    missing: u64,
}

fn bits(value: f64) -> u64 {
    if value == 0.0 { 0 } else { value.to_bits() }
}

impl Counts {
    /// Counts the values of some rows.
    ///
    /// # Errors
    /// For infinity, which encoders refuse.
    pub(crate) fn add(&mut self, feature: &Feature<'_, '_>) -> Result<(), Fault> {
        match &*feature.data {
            Column::Bool(values) => {
                if !matches!(self, Counts::Bool(_)) {
                    *self = Counts::Bool([0, 0]);
                }
                if let Counts::Bool(counts) = self {
                    values.iter().for_each(|value| counts[usize::from(*value)] += 1);
                }
            }
            Column::Int64(values) => {
                if !matches!(self, Counts::Int64(_)) {
                    *self = Counts::Int64(HashMap::new());
                }
                if let Counts::Int64(counts) = self {
                    values.iter().for_each(|value| *counts.entry(*value).or_default() += 1);
                }
            }
            Column::UInt64(values) => {
                if !matches!(self, Counts::UInt64(_)) {
                    *self = Counts::UInt64(HashMap::new());
                }
                if let Counts::UInt64(counts) = self {
                    values.iter().for_each(|value| *counts.entry(*value).or_default() += 1);
                }
            }
            Column::Float64(values) => {
                refuse(feature.origin, values, Refuses::Infinity)?;
                self.add_floats(values.iter().copied());
            }
            Column::Float32(values) => self.add_floats(values.iter().map(|value| f64::from(*value))),
            Column::Object(cells) => {
                if !matches!(self, Counts::Object(_)) {
                    *self = Counts::Object(Objects::default());
                }
                if let Counts::Object(objects) = self {
                    cells.iter().for_each(|cell| objects.add(cell));
                }
            }
        }
        Ok(())
    }

    fn add_floats(&mut self, values: impl Iterator<Item = f64>) {
        if !matches!(self, Counts::Float64(_)) {
            *self = Counts::Float64(Floats::default());
        }
        let Counts::Float64(floats) = self else { return };
        for value in values {
            if value.is_nan() {
                floats.missing += 1;
                continue;
            }
            if value == 0.0 {
                floats.zero.get_or_insert(value);
            }
            *floats.counts.entry(bits(value)).or_default() += 1;
        }
    }

    /// The values in scikit-learn's order: ascending, a missing one last.
    ///
    /// # Errors
    /// For text among numbers, which Python cannot sort.
    pub(crate) fn categories(&self, origin: Origin) -> Result<Categories, Fault> {
        Ok(match self {
            Counts::Nothing => Categories::Float64(Vec::new()),
            Counts::Bool(counts) => {
                Categories::Bool([false, true].into_iter().filter(|value| counts[usize::from(*value)] > 0).collect())
            }
            Counts::Int64(counts) => Categories::Int64(sorted(counts.keys().copied())),
            Counts::UInt64(counts) => Categories::UInt64(sorted(counts.keys().copied())),
            Counts::Float64(floats) => {
                let value = |bits: &u64| match f64::from_bits(*bits) {
                    0.0 => floats.zero.unwrap_or(0.0),
                    value => value,
                };
                let mut values: Vec<f64> = floats.counts.keys().map(value).collect();
                values.sort_unstable_by(f64::total_cmp);
                values.extend((floats.missing > 0).then_some(f64::NAN));
                Categories::Float64(values)
            }
            Counts::Object(objects) => Categories::Object(objects.sorted(origin)?),
        })
    }

    /// How many rows have a value.
    pub(crate) fn of(&self, value: &Scalar) -> u64 {
        let count = match (self, value) {
            (Counts::Bool(counts), value) if value.number() == 0.0 || value.number() == 1.0 => {
                counts.get(value.number() as usize)
            }
            (Counts::Int64(counts), Scalar::Int(value)) => counts.get(value),
            (Counts::UInt64(counts), Scalar::Int(value)) => {
                u64::try_from(*value).ok().and_then(|value| counts.get(&value))
            }
            (Counts::UInt64(counts), Scalar::Large(value)) => counts.get(value),
            (Counts::Float64(floats), value) if value.is_nan() => Some(&floats.missing),
            (Counts::Float64(floats), value) if !matches!(value, Scalar::Text(_)) => {
                floats.counts.get(&bits(value.number()))
            }
            (Counts::Object(objects), value) => return objects.of(value),
            _ => None,
        };
        count.copied().unwrap_or(0)
    }

    /// The most frequent value, the smallest if there are several; `None` for no value. Missing values do not count,
    /// nor does the value that marks them.
    pub(crate) fn most_frequent(&self, missing: &Scalar) -> Option<Scalar> {
        fn most<V: Copy + PartialOrd>(counts: impl Iterator<Item = (V, u64)>) -> Option<V> {
            let mut best: Option<(V, u64)> = None;
            for (value, count) in counts {
                if best.is_none_or(|(other, most)| count > most || count == most && value < other) {
                    best = Some((value, count));
                }
            }
            best.map(|(value, _)| value)
        }
        fn pairs<V: Copy>(counts: &HashMap<V, u64>) -> impl Iterator<Item = (V, u64)> + '_ {
            counts.iter().map(|(value, count)| (*value, *count))
        }
        let excluded = missing.number();
        match self {
            Counts::Nothing | Counts::Bool(_) => None,
            Counts::Int64(counts) => {
                most(pairs(counts).filter(|(value, _)| *value as f64 != excluded)).map(Scalar::Int)
            }
            Counts::UInt64(counts) => {
                most(pairs(counts).filter(|(value, _)| *value as f64 != excluded)).map(Scalar::Large)
            }
            Counts::Float64(floats) => {
                let values = pairs(&floats.counts).map(|(bits, count)| (f64::from_bits(bits), count));
                most(values.filter(|(value, _)| *value != excluded)).map(Scalar::Float)
            }
            Counts::Object(objects) => objects.most_frequent(missing),
        }
    }
}

fn sorted<V: Ord>(values: impl Iterator<Item = V>) -> Vec<V> {
    let mut values: Vec<V> = values.collect();
    values.sort_unstable();
    values
}

impl Objects {
    fn add(&mut self, cell: &Cell<'_>) {
        let number = |value: Scalar| (bits(value.number()), value);
        let (key, value) = match cell {
            Cell::Text(text) => {
                match self.texts.get_mut(&**text) {
                    Some(count) => *count += 1,
                    None => drop(self.texts.insert((&**text).into(), 1)),
                }
                return;
            }
            Cell::Missing | Cell::None => {
                self.missing += 1;
                return;
            }
            Cell::Bool(value) => number(Scalar::Bool(*value)),
            Cell::Int(value) => number(Scalar::Int(*value)),
            Cell::Float(value) => number(Scalar::Float(*value)),
        };
        self.numbers.entry(key).or_insert((value, 0)).1 += 1;
    }

    fn sorted(&self, origin: Origin) -> Result<Vec<Scalar>, Fault> {
        if let (Some(text), Some((number, _))) = (self.texts.keys().next(), self.numbers.values().next()) {
            return Err(Fault::of_column(
                origin,
                format!(
                    "expected an encoder's column to have text only or numbers only, found {text:?} and {}",
                    number.describe()
                ),
            ));
        }
        let mut values: Vec<Scalar> =
            sorted(self.texts.keys().cloned()).into_iter().map(|text| Scalar::Text(text.into())).collect();
        let mut numbers: Vec<Scalar> = self.numbers.values().map(|(value, _)| value.clone()).collect();
        numbers.sort_by(|one, other| one.number().total_cmp(&other.number()));
        values.append(&mut numbers);
        values.extend((self.missing > 0).then_some(Scalar::Float(f64::NAN)));
        Ok(values)
    }

    fn of(&self, value: &Scalar) -> u64 {
        match value {
            Scalar::Text(text) => self.texts.get(text.as_str()).copied().unwrap_or(0),
            value if value.is_nan() => self.missing,
            value => self.numbers.get(&bits(value.number())).map_or(0, |(_, count)| *count),
        }
    }

    /// Of several equally frequent values the smallest; Python cannot compare text with numbers, and scikit-learn then
    /// goes by the name of the type: bool, float, int, str.
    fn most_frequent(&self, missing: &Scalar) -> Option<Scalar> {
        let texts = self.texts.iter().map(|(text, count)| (Scalar::Text((&**text).into()), *count));
        let all = texts.chain(self.numbers.values().cloned()).filter(|(value, _)| value != missing);
        let all: Vec<(Scalar, u64)> = all.collect();
        let most = all.iter().map(|(_, count)| *count).max()?;
        let mut first: Vec<&Scalar> = all.iter().filter(|(_, count)| *count == most).map(|(value, _)| value).collect();
        let rank = |value: &Scalar| match value {
            Scalar::Bool(_) => 0,
            Scalar::Float(_) => 1,
            Scalar::Int(_) | Scalar::Large(_) => 2,
            Scalar::Text(_) => 3,
        };
        let mixed = first.iter().any(|value| rank(value) == 3) && first.iter().any(|value| rank(value) < 3);
        first.sort_by(|one, other| match (one, other) {
            (Scalar::Text(one), Scalar::Text(other)) => one.cmp(other),
            _ if mixed => (rank(one), one.describe()).cmp(&(rank(other), other.describe())),
            _ => one.number().total_cmp(&other.number()),
        });
        first.first().map(|value| (*value).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(columns: Vec<Column<'static>>) -> Counts {
        let mut counts = Counts::default();
        for column in columns {
            counts.add(&Feature::new(Origin::NONE, column)).unwrap();
        }
        counts
    }

    #[test]
    fn categories_are_sorted_with_a_missing_one_last() {
        let text = |text: &'static str| Cell::Text(text.into());
        let objects = counted(vec![
            Column::Object(vec![text("b"), Cell::Missing, text("a")]),
            Column::Object(vec![text("é"), text("b"), text("Z")]),
        ]);
        let Ok(Categories::Object(found)) = objects.categories(Origin::NONE) else { panic!("objects") };
        let shown: Vec<String> = found.iter().map(Scalar::describe).collect();
        assert_eq!(shown, ["\"Z\"", "\"a\"", "\"b\"", "\"é\"", "NaN"]);
        assert_eq!((objects.of(&Scalar::Text("b".into())), objects.of(&Scalar::Float(f64::NAN))), (2, 1));
        let floats = counted(vec![Column::Float64(vec![2.0, f64::NAN, -0.0, 0.0])]);
        assert_eq!(floats.of(&Scalar::Int(0)), 2);
        let Ok(Categories::Float64(found)) = floats.categories(Origin::NONE) else { panic!("floats") };
        assert_eq!(found[..2], [0.0, 2.0]);
    }

    #[test]
    fn of_equally_frequent_values_the_smallest_wins() {
        let text = |text: &'static str| Cell::Text(text.into());
        let objects = counted(vec![Column::Object(vec![text("b"), text("a"), Cell::Missing, Cell::Missing])]);
        let nan = Scalar::Float(f64::NAN);
        assert_eq!(objects.most_frequent(&nan), Some(Scalar::Text("a".into())));
        assert_eq!(objects.most_frequent(&Scalar::Text("a".into())), Some(Scalar::Text("b".into())));
        let integers = counted(vec![Column::Int64(vec![3, 1, 3, 1, 7])]);
        assert_eq!(integers.most_frequent(&nan), Some(Scalar::Int(1)));
        assert_eq!(integers.most_frequent(&Scalar::Int(1)), Some(Scalar::Int(3)));
        assert_eq!(counted(vec![Column::Float64(vec![f64::NAN])]).most_frequent(&nan), None);
    }
}
