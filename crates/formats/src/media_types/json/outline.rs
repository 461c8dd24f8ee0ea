//! Determines the form of a document from its members before it is read: a list of instances, one instance, or a frame
//! as pandas writes it.
//!
//! The members of an object come in any order, and a column may have the same name as a member of a form:
//! `{"data": 5, "features": 2}` is an instance by names if the model has such columns. The value of a column is never a
//! list or an object, so the shape of the value decides.

use super::reading::{Reading, Rows, read_as};
use super::shape::{AnyShape, Shape, visit_others};
use byoc_account::{Allowance, LeasedGrowth as _};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The form of a document, and the member with the rows.
pub(super) enum Form {
    /// A list of instances, in the member of this name.
    Instances(&'static str),
    /// One instance. `is_empty`: no member looks like part of an instance.
    Instance { is_empty: bool },
    /// pandas' `split`: names once, then rows of values; in the member `within`, if that is set. Without names the
    /// values are in the order of the model's columns.
    Split { columns: Option<FrameColumns>, within: Option<&'static str> },
    /// pandas' `columns` and `list`: the values of all rows for each column.
    ByColumn,
}

pub(super) const INSTANCES: &str = "instances";
pub(super) const DATA: &str = "data";
const COLUMNS: &str = "columns";
const FEATURES: &str = "features";
/// The names of these forms in `MLflow`'s servers (mlflow.org/docs/latest/ml/deployment/deploy-model-locally).
const RECORDS: &str = "dataframe_records";
const SPLIT: &str = "dataframe_split";

/// Where the values of a frame's columns go.
pub(super) struct FrameColumns {
    /// The model's column of each name.
    pub(super) places: Vec<Option<u32>>,
    /// The number of names that are columns of the model.
    known: usize,
    /// Whether the names are 0, 1, 2 and so on, pandas' default names.
    numbered: bool,
}

impl FrameColumns {
    pub(super) fn give_back_to(self, allowance: &Allowance) {
        allowance.give_back_items::<Option<u32>>(self.places.capacity());
    }
}

/// The members that determine the form of an object.
#[derive(Default)]
pub(super) struct Outline {
    instances: Option<Shape>,
    records: Option<Shape>,
    features: Option<Shape>,
    data: Option<Shape>,
    columns: Option<FrameColumns>,
    /// The columns of `dataframe_split`.
    split: Option<Option<FrameColumns>>,
    /// Whether any column of the model has a value, and whether it has the values of all rows.
    has_values: bool,
    has_lists: bool,
    /// Whether the model has a column named `instances`.
    is_column: bool,
}

impl Outline {
    /// Determines the form of a document.
    pub(super) fn form<'de, R: Rows<'de>>(text: &'de [u8], reading: &mut Reading<'_, R>) -> serde_json::Result<Form> {
        if !is_object(text) || begins_with_instances(text) {
            return Ok(Form::Instances(INSTANCES));
        }
        let outline = read_as(OutlineOf(&mut *reading), text)?;
        let form = outline.into_form(reading)?;
        if !matches!(form, Form::Split { columns: Some(_), .. }) {
            reading.forget_names();
        }
        Ok(form)
    }

    fn into_form<'de, R: Rows<'de>>(self, reading: &mut Reading<'_, R>) -> serde_json::Result<Form> {
        if self.instances.is_some_and(|shape| !(shape.is_scalar() && self.is_column)) {
            return Ok(Form::Instances(INSTANCES));
        }
        if self.records == Some(Shape::List) {
            return Ok(Form::Instances(RECORDS));
        }
        if let Some(columns) = self.split {
            return Ok(Form::Split { columns: by_name(columns, reading)?, within: Some(SPLIT) });
        }
        let has_features = self.features.is_some_and(|shape| !shape.is_scalar());
        if self.data == Some(Shape::List) && !has_features {
            return Ok(Form::Split { columns: by_name(self.columns, reading)?, within: None });
        }
        if let Some(columns) = self.columns {
            columns.give_back_to(reading.allowance());
        }
        let has_features = has_features || self.data == Some(Shape::Object);
        if self.has_lists && !has_features {
            return Ok(Form::ByColumn);
        }
        Ok(Form::Instance { is_empty: !has_features && !self.has_values })
    }
}

/// The columns of a frame, or `None` if its values come by position because the model's or the frame's columns have no
/// names.
fn by_name<'de, R: Rows<'de>>(
    columns: Option<FrameColumns>,
    reading: &mut Reading<'_, R>,
) -> serde_json::Result<Option<FrameColumns>> {
    let Some(columns) = columns else { return Ok(None) };
    if columns.known > 0 {
        return Ok(Some(columns));
    }
    if columns.numbered || !reading.has_names() {
        columns.give_back_to(reading.allowance());
        return Ok(None);
    }
    Err(reading.no_column_of(COLUMNS))
}

fn is_object(text: &[u8]) -> bool {
    text.trim_ascii_start().first() == Some(&b'{')
}

/// Whether the first member is the list of instances, as in nearly all documents.
fn begins_with_instances(mut text: &[u8]) -> bool {
    [b"{".as_slice(), b"\"instances\"", b":", b"["].into_iter().all(|token| {
        let rest = text.trim_ascii_start().strip_prefix(token);
        text = rest.unwrap_or_default();
        rest.is_some()
    })
}

/// Reads the outline of an object.
struct OutlineOf<'a, 'r, R>(&'a mut Reading<'r, R>);

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for OutlineOf<'_, '_, R> {
    type Value = Outline;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Outline, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for OutlineOf<'_, '_, R> {
    type Value = Outline;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outline, A::Error> {
        let mut outline = Outline::default();
        while let Some((member, is_column)) = map.next_key_seed(MemberOf(&mut *self.0))? {
            let shape = match member {
                Member::Columns => {
                    let (shape, columns) = map.next_value_seed(Columns(&mut *self.0))?;
                    replace(&mut outline.columns, columns, self.0);
                    shape
                }
                Member::Split => map.next_value_seed(SplitColumns(&mut *self.0, &mut outline.split))?,
                _ => map.next_value_seed(AnyShape)?,
            };
            match member {
                Member::Instances => (outline.instances, outline.is_column) = (Some(shape), is_column),
                Member::Records => outline.records = Some(shape),
                Member::Features => outline.features = Some(shape),
                Member::Data => outline.data = Some(shape),
                Member::Columns | Member::Split | Member::Other => {}
            }
            outline.has_values |= is_column;
            outline.has_lists |= is_column && !shape.is_scalar();
        }
        Ok(outline)
    }
}

/// If columns come twice, the last ones count.
fn replace<'de, R: Rows<'de>>(
    columns: &mut Option<FrameColumns>,
    by: Option<FrameColumns>,
    reading: &mut Reading<'_, R>,
) {
    if let Some(before) = std::mem::replace(columns, by) {
        before.give_back_to(reading.allowance());
    }
}

#[derive(Clone, Copy)]
enum Member {
    Instances,
    Records,
    Features,
    Data,
    Columns,
    Split,
    Other,
}

/// A member, and whether its name is also a column of the model.
struct MemberOf<'a, 'r, R>(&'a mut Reading<'r, R>);

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for MemberOf<'_, '_, R> {
    type Value = (Member, bool);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for MemberOf<'_, '_, R> {
    type Value = (Member, bool);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        let is_column = self.0.is_column(name)?;
        let member = match name {
            INSTANCES => Member::Instances,
            RECORDS => Member::Records,
            FEATURES => Member::Features,
            DATA => Member::Data,
            COLUMNS => Member::Columns,
            SPLIT => Member::Split,
            _ => Member::Other,
        };
        Ok((member, is_column))
    }
}

/// The names of a frame's columns, where they are a list.
struct Columns<'a, 'r, R>(&'a mut Reading<'r, R>);

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for Columns<'_, '_, R> {
    type Value = (Shape, Option<FrameColumns>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for Columns<'_, '_, R> {
    type Value = (Shape, Option<FrameColumns>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the names of a frame's columns")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut columns = FrameColumns { places: Vec::new(), known: 0, numbered: true };
        while let Some((place, number)) = list.next_element_seed(ColumnName(&mut *self.0))? {
            let reserved = columns.places.reserve_leased(1, self.0.allowance());
            reserved.map_err(|exceeded| self.0.fail::<A::Error>(exceeded.into()))?;
            columns.numbered &= number == Some(columns.places.len() as u64);
            columns.known += usize::from(place.is_some());
            columns.places.push(place.and_then(|place| u32::try_from(place).ok()));
        }
        Ok((Shape::List, Some(columns)))
    }

    visit_others! { (Shape::Scalar, None); (Shape::Object, None) }
}

/// The name of a column: the model's column of that name, and the name as a number if it is one.
struct ColumnName<'a, 'r, R>(&'a mut Reading<'r, R>);

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for ColumnName<'_, '_, R> {
    type Value = (Option<usize>, Option<u64>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for ColumnName<'_, '_, R> {
    type Value = (Option<usize>, Option<u64>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a column")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok((self.0.column(name)?, None))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok((self.0.column(&number.to_string())?, Some(number)))
    }
}

/// Reads `dataframe_split` and stores its columns.
struct SplitColumns<'a, 'r, R>(&'a mut Reading<'r, R>, &'a mut Option<Option<FrameColumns>>);

impl<'de, R: Rows<'de>> DeserializeSeed<'de> for SplitColumns<'_, '_, R> {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Rows<'de>> Visitor<'de> for SplitColumns<'_, '_, R> {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object {\"columns\": [...], \"data\": [...]}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let found = self.1.get_or_insert(None);
        while let Some((member, _)) = map.next_key_seed(MemberOf(&mut *self.0))? {
            if let Member::Columns = member {
                let (_, columns) = map.next_value_seed(Columns(&mut *self.0))?;
                replace(found, columns, self.0);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Shape::Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Shape, A::Error> {
        AnyShape.visit_seq(list)
    }

    visit_others! { Shape::Scalar }
}
