//! The category of a value, as recorded from scikit-learn 1.9.1 and, if it differs, from 1.2.2.

use super::*;
use crate::columns::origin::Origin;

const NEWEST: Version = Version::new(1, 9);

fn encode(categories: &Categories, column: Column<'_>) -> Result<Vec<Option<u32>>, String> {
    let feature = Feature::new(Origin::column(0), column);
    let mut codes = Vec::new();
    let encoded = categories.encode(&feature, |row, code| {
        assert_eq!(row, codes.len());
        codes.push(code);
        Ok(())
    });
    let message = |fault: Fault| fault.into_error(|_| None).to_string();
    encoded.map(|()| codes).map_err(message)
}

fn text(texts: &[Option<&'static str>]) -> Column<'static> {
    let cell = |text: &Option<&'static str>| text.map_or(Cell::Missing, |text| Cell::Text(text.into()));
    Column::Object(texts.iter().map(cell).collect())
}

#[test]
fn text_is_matched_exactly_and_a_missing_value_only_if_it_is_a_category() {
    let plain = Categories::of_texts(&[Some("n"), Some("y")], NEWEST);
    let values = [Some("n"), Some("y"), Some("n "), Some("N"), None];
    assert_eq!(encode(&plain, text(&values)), Ok(vec![Some(0), Some(1), None, None, None]));
    let with_missing = Categories::of_texts(&[Some("n"), Some("y"), None], NEWEST);
    assert_eq!(encode(&with_missing, text(&[None, Some("y"), Some("")])), Ok(vec![Some(2), Some(1), None]));
}

#[test]
fn a_null_of_json_is_the_category_none_or_else_nan() {
    let null = || Column::Object(vec![Cell::None]);
    let of = |last: Vec<Object>| {
        let text = [Object::Text("n".into())];
        Categories::new(objects(text.into_iter().chain(last).collect()).unwrap(), NEWEST)
    };
    assert_eq!(encode(&of(vec![]), null()), Ok(vec![None]));
    assert_eq!(encode(&of(vec![Object::Missing]), null()), Ok(vec![Some(1)]));
    assert_eq!(encode(&of(vec![Object::None]), null()), Ok(vec![Some(1)]));
    assert_eq!(encode(&of(vec![Object::None, Object::Missing]), null()), Ok(vec![Some(1)]));
    assert_eq!(encode(&of(vec![Object::Integer(1), Object::Missing]), null()), Ok(vec![Some(2)]));
    assert_eq!(encode(&Categories::of_floats(&[1.5, f64::NAN], NEWEST), null()), Ok(vec![Some(1)]));
    // CSV has no None.
    assert_eq!(encode(&of(vec![Object::None]), text(&[None])), Ok(vec![None]));
}

#[test]
fn a_numeric_column_is_never_matched_with_text_whatever_handle_unknown_says() {
    let categories = Categories::of_texts(&[Some("1"), Some("2")], NEWEST);
    for column in [Column::Int64(vec![1]), Column::Float64(vec![f64::NAN]), Column::Bool(vec![true])] {
        assert!(encode(&categories, column).is_err());
    }
    assert_eq!(encode(&categories, text(&[Some("1"), Some("01")])), Ok(vec![Some(0), None]));
}

#[test]
fn a_refusal_suggests_a_setting_that_is_not_set_yet() {
    let categories = Categories::of_texts(&[Some("a")], NEWEST);
    let refused = |imputed| {
        let feature = Feature { imputed, ..Feature::new(Origin::column(0), Column::Int64(vec![1])) };
        categories.encode(&feature, |_, _| Ok(())).unwrap_err().into_error(|_| None).to_string()
    };
    assert!(refused(false).ends_with("if one row had text here, or with an imputer before the encoder"));
    assert!(refused(true).ends_with("were fitted by scikit-learn 1.1 or later, which takes numbers for text"));
}

#[test]
fn until_0_23_numbers_match_objects_if_the_first_category_is_a_number() {
    let old = Version::new(0, 23);
    let of = |first: Object, version| {
        Categories::new(objects(vec![first, Object::Bool(true), Object::Integer(7)]).unwrap(), version)
    };
    assert_eq!(encode(&of(Object::Integer(3), old), Column::Int64(vec![7, 1, 9])), Ok(vec![Some(2), Some(1), None]));
    assert!(encode(&of(Object::Text("a".into()), old), Column::Int64(vec![9])).is_err());
    assert!(encode(&of(Object::Integer(3), Version::new(0, 24)), Column::Int64(vec![7])).is_err());
    // Until 0.21 the first category must still be one in the type of the column.
    let halves = |version| Categories::of_floats(&[0.5, 2.0], version);
    assert_eq!(encode(&halves(Version::new(0, 22)), Column::Int64(vec![2, 3])), Ok(vec![Some(1), None]));
    assert!(encode(&halves(Version::new(0, 21)), Column::Int64(vec![2, 3])).is_err());
}

#[test]
fn numbers_are_matched_by_value_and_text_never_matches_a_number() {
    let categories = Categories::of_integers(&[1, 2, 3], NEWEST);
    assert_eq!(encode(&categories, Column::Int64(vec![2, 7])), Ok(vec![Some(1), None]));
    assert_eq!(encode(&categories, Column::Float64(vec![2.0, 2.5, f64::NAN])), Ok(vec![Some(1), None, None]));
    assert_eq!(encode(&categories, Column::UInt64(vec![3, u64::MAX])), Ok(vec![Some(2), None]));
    assert_eq!(encode(&categories, Column::Bool(vec![true, false])), Ok(vec![Some(0), None]));
    assert_eq!(encode(&categories, text(&[Some("2"), Some("x")])), Ok(vec![None, None]));
    let mixed = Column::Object(vec![Cell::Bool(true), Cell::Int(2), Cell::Float(3.0), Cell::Missing]);
    assert_eq!(encode(&categories, mixed), Ok(vec![Some(0), Some(1), Some(2), None]));
}

#[test]
fn large_integers_are_matched_as_numpy_compares_their_types() {
    const HALF: u64 = 1 << 63;
    const EXACT: i64 = 1 << 53;
    let exact = EXACT.unsigned_abs();
    let unsigned = |values: &[u64]| Categories::of_unsigned_integers(values, NEWEST);
    // Within one type they are distinguished.
    let ids = unsigned(&[HALF, HALF + 1, HALF + 2]);
    assert_eq!(encode(&ids, Column::UInt64(vec![HALF + 1, HALF + 3, 5])), Ok(vec![Some(1), None, None]));
    let integers = Categories::of_integers(&[EXACT, EXACT + 1, EXACT + 2], NEWEST);
    assert_eq!(encode(&integers, Column::Int64(vec![EXACT + 1, EXACT + 3])), Ok(vec![Some(1), None]));
    // Between two types, a value is known if it occurs exactly, and its number is that of the first equal float.
    let columns = Column::UInt64(vec![exact + 1, HALF + 5, exact + 3]);
    assert_eq!(encode(&integers, columns), Ok(vec![Some(0), None, None]));
    let columns = Column::UInt64(vec![exact + 1]);
    assert_eq!(encode(&Categories::of_integers(&[EXACT, EXACT + 2], NEWEST), columns), Ok(vec![None]));
    let mixed = unsigned(&[exact, exact + 1, exact + 2, HALF]);
    assert_eq!(encode(&mixed, Column::Int64(vec![EXACT + 1, EXACT + 3, -1])), Ok(vec![Some(0), None, None]));
    // Floats convert all values to floats.
    assert_eq!(encode(&ids, Column::Float64(vec![HALF as f64, 1.5, f64::NAN])), Ok(vec![Some(0), None, None]));
    let apart = Categories::of_integers(&[EXACT + 1, EXACT + 3], NEWEST);
    let columns = Column::Float64(vec![EXACT as f64, EXACT as f64 + 4.0]);
    assert_eq!(encode(&apart, columns), Ok(vec![Some(0), Some(1)]));
    let floats = Categories::of_floats(&[EXACT as f64, EXACT as f64 + 2.0], NEWEST);
    assert_eq!(encode(&floats, Column::Int64(vec![EXACT + 1])), Ok(vec![Some(0)]));
    // Objects are compared as Python compares them.
    let objects =
        || Column::Object(vec![Cell::Int(EXACT + 1), Cell::Float(EXACT as f64 + 2.0), Cell::Text("x".into())]);
    assert_eq!(encode(&integers, objects()), Ok(vec![Some(1), Some(2), None]));
    assert_eq!(encode(&mixed, objects()), Ok(vec![Some(1), Some(2), None]));
    assert_eq!(encode(&floats, objects()), Ok(vec![None, Some(1), None]));
    // Many categories are searched by bisection.
    let many: Vec<i64> = (EXACT..EXACT + 40).collect();
    let many = Categories::of_integers(&many, NEWEST);
    assert_eq!(
        encode(&many, Column::UInt64(vec![exact + 20, exact + 21, exact + 39])),
        Ok(vec![Some(19), Some(19), Some(39)])
    );
}

#[test]
fn bools_are_matched_as_objects_from_1_6_on_if_unknown_values_have_a_replacement() {
    let flags = |flags: &[i64], version| {
        let flags = flags.iter().map(|flag| Object::Integer(*flag)).chain([Object::Missing]);
        Categories::new(objects(flags.collect()).unwrap(), version)
    };
    let both = || Column::Bool(vec![true, false]);
    assert_eq!(encode(&flags(&[0, 1], NEWEST), both()), Ok(vec![Some(1), Some(0)]));
    assert_eq!(encode(&flags(&[0], NEWEST), both()), Ok(vec![None, Some(0)]));
    assert!(encode(&flags(&[0, 1], Version::new(1, 5)), both()).is_err());
    // 2 becomes True, which is neither 2 nor 3.
    assert!(encode(&Categories::of_integers(&[2, 3], NEWEST), both()).is_err());
}

#[test]
fn a_float_category_may_be_nan_and_infinity_is_refused() {
    let categories = Categories::of_floats(&[1.5, 2.0, f64::NAN], NEWEST);
    assert_eq!(encode(&categories, Column::Float64(vec![f64::NAN, 9.0])), Ok(vec![Some(2), None]));
    assert_eq!(encode(&categories, Column::Int64(vec![2])), Ok(vec![Some(1)]));
    let error = encode(&categories, Column::Float64(vec![f64::INFINITY])).unwrap_err();
    assert_eq!(error, "row 1: expected a finite number, found infinity");
}

#[test]
fn before_0_24_a_missing_value_is_refused_even_when_unknown_values_are_not() {
    let old = Version::new(0, 23);
    assert!(encode(&Categories::of_texts(&[Some("n")], old), text(&[Some("n"), None])).is_err());
    assert!(encode(&Categories::of_floats(&[1.0], old), Column::Float64(vec![f64::NAN])).is_err());
}

#[test]
fn a_message_shows_a_few_categories_only() {
    let few = Categories::of_texts(&[Some("a,b"), None], NEWEST);
    assert_eq!(few.some(), "\"a,b\", nan");
    let many: Vec<i64> = (0..100).collect();
    assert_eq!(Categories::of_integers(&many, NEWEST).some(), "0, 1, 2, 3, 4, 5, 6, 7, and 92 more");
}
