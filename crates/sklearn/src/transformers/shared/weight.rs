//! `transformer_weights`: factors for the outputs of parts.

use crate::artifact::attributes::Attributes;
use crate::artifact::work::Work;
use crate::columns::dtype::Dtype;
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use byoc_formats::error::Result;
use byoc_formats::pickle::Value;
use byoc_formats::rows::table::{Cell, Column};
use std::collections::HashMap;

/// The longest result of a text multiplied by an integer.
const MAX_TEXT_LENGTH: usize = 1 << 16;

/// The factor of one part's output. An integer factor keeps integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Weight {
    Integer(i64),
    Float(f64),
}

/// The weights of the parts, by their names.
pub(crate) struct Weights<'t> {
    parent: Attributes<'t>,
    all: Option<(Value<'t>, HashMap<&'t str, Value<'t>>)>,
}

impl<'t> Weights<'t> {
    /// Reads `transformer_weights`.
    pub(crate) fn of(parent: Attributes<'t>, work: &Work<'_>) -> Result<Weights<'t>> {
        let Some(weights) = parent.present("transformer_weights") else { return Ok(Weights { parent, all: None }) };
        let Some(entries) = weights.entries() else {
            return Err(parent.mismatch("transformer_weights", "a dict", weights));
        };
        work.charge_items::<(&str, Value<'_>)>(entries.len())?;
        let by_name = weights.by_text().unwrap_or_default();
        Ok(Weights { parent, all: Some((weights, by_name)) })
    }

    /// The weight of the part of a name, if it has one.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Weight>> {
        let Some((weights, by_name)) = &self.all else { return Ok(None) };
        let Some(weight) = by_name.get(name).filter(|weight| !weight.is_none()) else { return Ok(None) };
        let integer = weight.as_i64().map(Weight::Integer);
        let weight = integer.or_else(|| weight.as_number().map(Weight::Float));
        weight.map(Some).ok_or_else(|| self.parent.mismatch("transformer_weights", "numbers", *weights))
    }
}

/// The type of an array after multiplication by a weight, if there is one.
pub(crate) fn dtype(weight: Option<Weight>, given: Dtype) -> Dtype {
    match (weight, given) {
        (None, given) => given,
        (Some(_), Dtype::Object | Dtype::Float32 | Dtype::Float64) => given,
        (Some(Weight::Integer(_)), Dtype::Bool | Dtype::Int64) => Dtype::Int64,
        (Some(_), Dtype::Bool | Dtype::Int64 | Dtype::UInt64) => Dtype::Float64,
    }
}

impl Weight {
    /// Multiplies every value.
    pub(crate) fn apply<'c, 'a>(self, features: Vec<Feature<'c, 'a>>) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        features.into_iter().map(|feature| self.multiply(feature)).collect()
    }

    fn multiply<'c, 'a>(self, feature: Feature<'c, 'a>) -> Result<Feature<'c, 'a>, Fault> {
        let float = match self {
            Weight::Integer(weight) => weight as f64,
            Weight::Float(weight) => weight,
        };
        let column = match (feature.data.into_owned(), self) {
            (Column::Float64(mut values), _) => {
                values.iter_mut().for_each(|value| *value *= float);
                Column::Float64(values)
            }
            (Column::Float32(mut values), _) => {
                values.iter_mut().for_each(|value| *value *= float as f32);
                Column::Float32(values)
            }
            (Column::Int64(mut values), Weight::Integer(weight)) => {
                values.iter_mut().for_each(|value| *value = value.wrapping_mul(weight));
                Column::Int64(values)
            }
            (Column::Bool(values), Weight::Integer(weight)) => {
                Column::Int64(values.into_iter().map(|value| i64::from(value) * weight).collect())
            }
            (Column::Int64(values), _) => {
                Column::Float64(values.into_iter().map(|value| value as f64 * float).collect())
            }
            (Column::UInt64(values), _) => {
                Column::Float64(values.into_iter().map(|value| value as f64 * float).collect())
            }
            (Column::Bool(values), _) => {
                Column::Float64(values.into_iter().map(|value| f64::from(u8::from(value)) * float).collect())
            }
            (Column::Object(cells), _) => {
                let multiply = |(row, cell)| {
                    self.multiply_cell(cell).ok_or_else(|| {
                        let message =
                            "expected a number, found text or None: a weight of transformer_weights is a number";
                        Fault::of_value(feature.origin, row, message)
                    })
                };
                Column::Object(cells.into_iter().enumerate().map(multiply).collect::<Result<_, _>>()?)
            }
        };
        Ok(Feature::new(feature.origin, column))
    }

    /// Python's product of two objects: text times an integer repeats the text.
    fn multiply_cell(self, cell: Cell<'_>) -> Option<Cell<'_>> {
        match (cell, self) {
            (Cell::Text(text), Weight::Integer(1)) => Some(Cell::Text(text)),
            (Cell::Text(text), Weight::Integer(times)) => {
                let times = usize::try_from(times).unwrap_or(0);
                let length = text.len().checked_mul(times)?;
                (length <= MAX_TEXT_LENGTH).then(|| Cell::Text(text.repeat(times).into()))
            }
            (Cell::Missing | Cell::None, _) => Some(Cell::Missing),
            (Cell::Bool(value), Weight::Integer(weight)) => Some(Cell::Int(i64::from(value) * weight)),
            (Cell::Int(value), Weight::Integer(weight)) => value.checked_mul(weight).map(Cell::Int),
            (Cell::Bool(value), Weight::Float(weight)) => Some(Cell::Float(f64::from(u8::from(value)) * weight)),
            (Cell::Int(value), Weight::Float(weight)) => Some(Cell::Float(value as f64 * weight)),
            (Cell::Float(value), Weight::Integer(weight)) => Some(Cell::Float(value * weight as f64)),
            (Cell::Float(value), Weight::Float(weight)) => Some(Cell::Float(value * weight)),
            (Cell::Text(_), Weight::Float(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::origin::Origin;
    use crate::transformers::shared::testing::{column, texts};

    #[test]
    fn a_weight_multiplies_and_an_integer_one_keeps_integers() {
        let weigh = |weight: Weight, data| column(weight.apply(vec![Feature::new(Origin::NONE, data)]));
        assert_eq!(weigh(Weight::Integer(3), Column::Int64(vec![2])), Column::Int64(vec![6]));
        assert_eq!(weigh(Weight::Float(0.5), Column::Int64(vec![3])), Column::Float64(vec![1.5]));
        assert_eq!(weigh(Weight::Integer(3), Column::Float64(vec![0.5])), Column::Float64(vec![1.5]));
        let text = |weight: Weight| weight.apply(vec![texts(&[Some("x"), None])]);
        assert_eq!(column(text(Weight::Integer(1))), column(Ok(vec![texts(&[Some("x"), None])])));
        assert_eq!(column(text(Weight::Integer(3))), column(Ok(vec![texts(&[Some("xxx"), None])])));
        assert_eq!(column(text(Weight::Integer(-1))), column(Ok(vec![texts(&[Some(""), None])])));
        assert!(text(Weight::Float(2.0)).is_err());
        assert!(text(Weight::Integer(i64::MAX)).is_err());
    }
}
