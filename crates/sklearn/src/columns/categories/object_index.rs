//! Finds one value among objects of several types, like a linear search with Python's `==`: numbers of all types and
//! bools by their value, text by itself, `None` and missing values each by their kind.

use crate::columns::categories::Object;
use byoc_formats::error::Result;
use byoc_formats::rows::table::Cell;
use std::cmp::Ordering;

/// The first object of each value.
#[derive(Debug, Default)]
pub(crate) struct ObjectIndex {
    /// Integers and bools, by their value.
    integers: Box<[u32]>,
    /// Floats, by their value.
    floats: Box<[u32]>,
    /// Integers, bools and floats, by their value as a float, with which floats are compared.
    numbers: Box<[u32]>,
    /// By the text.
    texts: Box<[u32]>,
    none: Option<u32>,
    missing: Option<u32>,
}

impl ObjectIndex {
    /// The index of objects; `keep` takes the bytes that it is about to allocate.
    pub(crate) fn new(objects: &[Object], keep: &mut dyn FnMut(usize) -> Result<()>) -> Result<ObjectIndex> {
        let mut order = |is_one: &dyn Fn(&Object) -> bool, compare: &dyn Fn(&Object, &Object) -> Ordering| {
            let count = objects.iter().filter(|object| is_one(object)).count();
            keep(count * size_of::<u32>())?;
            let mut order = Vec::with_capacity(count);
            order.extend((0u32..).zip(objects).filter(|(_, object)| is_one(object)).map(|(index, _)| index));
            let at = |index: u32| objects.get(index as usize).unwrap_or(&Object::None);
            order.sort_unstable_by(|one, other| compare(at(*one), at(*other)).then(one.cmp(other)));
            order.dedup_by(|later, earlier| compare(at(*later), at(*earlier)).is_eq());
            Ok::<_, byoc_formats::error::Error>(Box::from(order))
        };
        let by_float = |one: &Object, other: &Object| compare_floats(as_float(one), as_float(other));
        let position =
            |is_one: fn(&Object) -> bool| objects.iter().position(is_one).and_then(|index| u32::try_from(index).ok());
        Ok(ObjectIndex {
            integers: order(&|object| as_integer(object).is_some(), &|one, other| {
                as_integer(one).cmp(&as_integer(other))
            })?,
            floats: order(&|object| matches!(object, Object::Float(_)), &by_float)?,
            numbers: order(&|object| as_float(object).is_some(), &by_float)?,
            texts: order(&|object| as_text(object).is_some(), &|one, other| as_text(one).cmp(&as_text(other)))?,
            none: position(|object| *object == Object::None),
            missing: position(|object| *object == Object::Missing),
        })
    }

    /// The first of the objects that equals a cell.
    pub(crate) fn find(&self, objects: &[Object], cell: &Cell<'_>) -> Option<u32> {
        let search = |order: &[u32], compare: &dyn Fn(&Object) -> Ordering| {
            let found = order.binary_search_by(|index| objects.get(*index as usize).map_or(Ordering::Less, compare));
            order.get(found.ok()?).copied()
        };
        let float =
            |order: &[u32], wanted: f64| search(order, &|object| compare_floats(as_float(object), Some(wanted)));
        let integer = |wanted: i64| {
            let exact = search(&self.integers, &|object| as_integer(object).cmp(&Some(wanted)));
            first(exact, float(&self.floats, wanted as f64))
        };
        match cell {
            Cell::Missing => self.missing,
            Cell::None => self.none,
            Cell::Text(text) => search(&self.texts, &|object| as_text(object).cmp(&Some(&**text))),
            Cell::Bool(value) => integer(i64::from(*value)),
            Cell::Int(value) => integer(*value),
            Cell::Float(value) if value.is_nan() => None,
            Cell::Float(value) => float(&self.numbers, *value),
        }
    }
}

fn first(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn as_integer(object: &Object) -> Option<i64> {
    match object {
        Object::Bool(value) => Some(i64::from(*value)),
        Object::Integer(value) => Some(*value),
        _ => None,
    }
}

fn as_float(object: &Object) -> Option<f64> {
    match object {
        Object::Float(value) => Some(*value),
        other => as_integer(other).map(|value| value as f64),
    }
}

fn as_text(object: &Object) -> Option<&str> {
    if let Object::Text(text) = object { Some(text) } else { None }
}

/// Neither is NaN; both zeros are one.
fn compare_floats(one: Option<f64>, other: Option<f64>) -> Ordering {
    one.partial_cmp(&other).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXACT: i64 = 1 << 53;

    fn integer() -> impl Strategy<Value = i64> {
        prop_oneof![-2i64..4, EXACT - 2..EXACT + 4, i64::MAX - 2..=i64::MAX]
    }

    fn float() -> impl Strategy<Value = f64> {
        prop_oneof![Just(-0.0), Just(0.5), Just(f64::INFINITY), integer().prop_map(|value| value as f64)]
    }

    fn text() -> impl Strategy<Value = String> {
        "[a-c]{0,2}"
    }

    fn object() -> impl Strategy<Value = Object> {
        prop_oneof![
            Just(()).prop_map(|()| Object::Missing),
            Just(()).prop_map(|()| Object::None),
            text().prop_map(|text| Object::Text(text.as_str().into())),
            any::<bool>().prop_map(Object::Bool),
            integer().prop_map(Object::Integer),
            float().prop_map(Object::Float),
        ]
    }

    fn cell() -> impl Strategy<Value = Cell<'static>> {
        prop_oneof![
            Just(Cell::Missing),
            Just(Cell::None),
            text().prop_map(|text| Cell::Text(text.into())),
            any::<bool>().prop_map(Cell::Bool),
            integer().prop_map(Cell::Int),
            float().prop_map(Cell::Float),
            Just(Cell::Float(f64::NAN)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_index_finds_the_first_result_of_a_linear_search(
            objects in proptest::collection::vec(object(), 0..30),
            cells in proptest::collection::vec(cell(), 30),
        ) {
            let index = ObjectIndex::new(&objects, &mut |_| Ok(())).unwrap();
            for cell in &cells {
                let walk = objects.iter().position(|object| object.equals(cell)).map(|index| index as u32);
                prop_assert_eq!(index.find(&objects, cell), walk, "{:?}", cell);
            }
        }
    }
}
