//! Frames as pandas writes them: names once and rows of values (`orient="split"`), or column by column
//! (`orient="columns"`, which is the default of `DataFrame.to_json`, and `to_dict("list")`).

use super::instance::{Instances, Purpose, Value, visit_scalars};
use super::member::Is;
use super::outline::{DATA, FrameColumns};
use super::reading::{Reading, Rows, refuse_scalars};
use crate::counted::counted;
use crate::error::Error;
use byoc_account::LeasedGrowth as _;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// `{"columns": ["a", "b"], "index": [0], "data": [[1, 2]]}`.
pub(super) struct Split<'a, 'r, R> {
    pub(super) reading: &'a mut Reading<'r, R>,
    /// `None` if the values are in the order of the model's columns, or are instances.
    pub(super) columns: Option<&'a FrameColumns>,
    /// The name of the member that contains the frame.
    pub(super) within: Option<&'static str>,
}

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for Split<'_, '_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for Split<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object {\"columns\": [...], \"data\": [...]}")
    }

    refuse_scalars! { reading, seq }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let name = self.within.unwrap_or(DATA);
        let mut found = false;
        while let Some(is_it) = map.next_key_seed(Is(name))? {
            if !is_it {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if found {
                return Err(A::Error::duplicate_field(name));
            }
            found = true;
            let reading = &mut *self.reading;
            match (self.within, self.columns) {
                (Some(_), columns) => map.next_value_seed(Split { reading, columns, within: None })?,
                (None, Some(columns)) => map.next_value_seed(SplitRows { reading, columns })?,
                (None, None) => map.next_value_seed(Instances(reading))?,
            }
        }
        if found { Ok(()) } else { Err(A::Error::missing_field(name)) }
    }
}

/// The rows of a frame, each a list of values by the names of its columns.
struct SplitRows<'a, 'r, R> {
    reading: &'a mut Reading<'r, R>,
    columns: &'a FrameColumns,
}

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for SplitRows<'_, '_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for SplitRows<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    refuse_scalars! { reading, map }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(SplitRow { reading: &mut *self.reading, columns: self.columns })?.is_some() {}
        self.reading.leave_instances();
        Ok(())
    }
}

/// One row.
struct SplitRow<'a, 'r, R> {
    reading: &'a mut Reading<'r, R>,
    columns: &'a FrameColumns,
}

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for SplitRow<'_, '_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.reading.go_to_next_row();
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for SplitRow<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row: a list of a value for each of \"columns\"")
    }

    refuse_scalars! { reading, map }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let (reading, places) = (self.reading, &self.columns.places);
        let mut found = 0;
        loop {
            let is_there = match places.get(found).copied().flatten() {
                Some(place) => {
                    let value = Value { reading: &mut *reading, column: place as usize, purpose: Purpose::Named };
                    list.next_element_seed(value)?.is_some()
                }
                None => list.next_element::<IgnoredAny>()?.is_some(),
            };
            if !is_there {
                break;
            }
            found += 1;
        }
        if found != places.len() {
            let expected = places.len();
            let message =
                format!("expected {}, one for each of \"columns\", found {found}", counted(expected, "value"));
            return Err(reading.fail(Error::bad_payload(message)));
        }
        reading.end_named()
    }
}

/// `{"a": [1, 2], "b": [3, 4]}`, and `{"a": {"0": 1, "1": 2}, "b": {"0": 3, "1": 4}}`, with the names of rows inside.
pub(super) struct ByColumn<'a, 'r, R>(pub(super) &'a mut Reading<'r, R>);

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for ByColumn<'_, '_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for ByColumn<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object {\"a\": [...], \"b\": [...]}")
    }

    refuse_scalars! { 0, seq }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reading = self.0;
        let mut labels = Labels::Unknown;
        let mut rows = None;
        while let Some(column) = map.next_key_seed(ColumnOf(&mut *reading))? {
            let Some(column) = column else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            reading.begin_column(column)?;
            let values = ColumnValues { reading: &mut *reading, column, labels: &mut labels };
            let found = map.next_value_seed(values)?;
            reading.leave_instances();
            let expected = *rows.get_or_insert(found);
            if found != expected {
                let message = format!("expected {} as in the first column, found {found}", counted(expected, "value"));
                return Err(reading.fail(Error::bad_payload(message)));
            }
        }
        if let Labels::Names(names) = labels {
            reading.allowance().give_back_items::<Cow<'_, str>>(names.capacity());
        }
        reading.end_columns(rows.unwrap_or(0))
    }
}

/// The model's column of a member's name.
struct ColumnOf<'a, 'r, R>(&'a mut Reading<'r, R>);

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for ColumnOf<'_, '_, R> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for ColumnOf<'_, '_, R> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a column")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Option<usize>, E> {
        self.0.column(name)
    }
}

/// The names of rows.
enum Labels<'de> {
    Unknown,
    /// No names: columns are lists.
    None,
    /// The names in the first column; all other columns must have the same.
    Names(Vec<Cow<'de, str>>),
}

/// Reads the values of one column and returns their number.
struct ColumnValues<'a, 'r, 'de, R> {
    reading: &'a mut Reading<'r, R>,
    column: usize,
    labels: &'a mut Labels<'de>,
}

impl<'a, 'r, R> ColumnValues<'a, 'r, '_, R> {
    /// The visitor for the value of a row.
    fn of_row(reading: &'a mut Reading<'r, R>, column: usize, row: usize) -> Value<'a, 'r, R> {
        reading.go_to_row(row);
        Value { reading, column, purpose: Purpose::OfColumn(row) }
    }

    fn value<E: serde::de::Error>(self) -> Result<(Value<'a, 'r, R>, usize), E> {
        let message = "expected the values of all rows, as another column has them, found one value";
        Err(self.reading.fail(Error::bad_payload(message)))
    }

    fn mixed<E: serde::de::Error>(reading: &mut Reading<'_, R>) -> E {
        reading.fail(Error::bad_payload("expected all columns to be lists or all to be objects, found both"))
    }
}

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for ColumnValues<'_, '_, 'de, R> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for ColumnValues<'_, '_, 'de, R> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the values of a column")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<usize, A::Error> {
        if let Labels::Names(_) = self.labels {
            return Err(Self::mixed(self.reading));
        }
        *self.labels = Labels::None;
        let mut row = 0;
        while list.next_element_seed(ColumnValues::of_row(&mut *self.reading, self.column, row))?.is_some() {
            row += 1;
        }
        Ok(row)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let (mut names, is_first) = match std::mem::replace(self.labels, Labels::None) {
            Labels::None => return Err(Self::mixed(self.reading)),
            Labels::Unknown => (Vec::new(), true),
            Labels::Names(names) => (names, false),
        };
        let mut row = 0;
        while let Some(name) = map.next_key_seed(Label)? {
            if is_first {
                let owned = if let Cow::Owned(name) = &name { name.len() } else { 0 };
                let allowance = self.reading.allowance();
                let reserved = names.reserve_leased(1, allowance).and_then(|()| allowance.take(owned));
                reserved.map_err(|exceeded| self.reading.fail::<A::Error>(exceeded.into()))?;
                names.push(name);
            } else if names.get(row) != Some(&name) {
                let message = "expected the rows of the first column in their order, found another";
                return Err(self.reading.fail(Error::bad_payload(message)));
            }
            map.next_value_seed(ColumnValues::of_row(&mut *self.reading, self.column, row))?;
            row += 1;
        }
        *self.labels = Labels::Names(names);
        Ok(row)
    }

    visit_scalars! { usize }
}

/// The name of a row.
struct Label;

impl<'de> DeserializeSeed<'de> for Label {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Label {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a row")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}
