//! The message `aialgs.data.Record`: features and labels as named tensors.

use super::wire::{Field, Fields, broken, fixed, varint};
use crate::counted::counted;
use crate::error::{Error, Result};

/// A record's tensors of the name `values`, the only ones that linear models know. Meant to be filled again and again,
/// so that memory is taken once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record<N = f32> {
    /// The features.
    pub features: Tensor<N>,
    /// The label. Its values are empty where the record has none.
    pub label: Tensor<N>,
}

/// Numbers in the type that their reader needs, whatever the type in which they were sent; dense without keys, else
/// sparse.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensor<N = f32> {
    /// All values, or those of the keys.
    pub values: Vec<N>,
    /// The places of the values.
    pub keys: Vec<u64>,
    /// The number of values of the dense form; may be empty for a dense tensor.
    pub shape: Vec<u64>,
    element: Option<Element>,
}

/// The numbers of a tensor, by how they were sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cells<'a, N> {
    /// A value for each place.
    Dense(&'a [N]),
    /// Values for some of `width` places, as many as keys.
    Sparse {
        /// How many places there are.
        width: u64,
        /// The positions of the values, counted from 0 and not yet compared with the width.
        keys: &'a [u64],
        /// The value of each key.
        values: &'a [N],
    },
}

/// The type in which a tensor's numbers were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Float32,
    Float64,
    Int32,
}

/// The type in which a tensor's numbers are read.
pub trait Number: Copy + Default {
    /// Of a float32.
    fn from_f32(value: f32) -> Self;
    /// Of a float64.
    fn from_f64(value: f64) -> Self;
    /// Of an int32.
    fn from_i32(value: i32) -> Self;
}

/// For linear models, which compute in this type. Rounding is intended.
impl Number for f32 {
    fn from_f32(value: f32) -> f32 {
        value
    }

    fn from_f64(value: f64) -> f32 {
        value as f32
    }

    fn from_i32(value: i32) -> f32 {
        value as f32
    }
}

/// The type that Python gives any of them.
impl Number for f64 {
    fn from_f32(value: f32) -> f64 {
        value.into()
    }

    fn from_f64(value: f64) -> f64 {
        value
    }

    fn from_i32(value: i32) -> f64 {
        value.into()
    }
}

/// The name of features and labels (docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html).
pub(super) const NAME: &str = "values";

impl<N: Number> Tensor<N> {
    fn clear(&mut self) {
        self.values.clear();
        self.keys.clear();
        self.shape.clear();
        self.element = None;
    }

    /// The type in which its numbers were sent; `None` if the record has no such tensor.
    pub(super) fn element(&self) -> Option<Element> {
        self.element
    }

    /// The numbers of features.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] for a record without features named `values`, keys without a shape (they do
    /// not say how many features there are), another number of values than of keys, or than the shape says.
    pub fn cells(&self) -> Result<Cells<'_, N>> {
        if self.element.is_none() {
            return Err(Error::bad_payload("expected features named \"values\", found none"));
        }
        let Tensor { values, keys, shape, .. } = self;
        let size = match shape.as_slice() {
            [] => None,
            shape => {
                let size = shape.iter().try_fold(1_u64, |size, &length| size.checked_mul(length));
                Some(size.ok_or_else(|| Error::bad_payload(format!("the shape {shape:?} is too large")))?)
            }
        };
        match size {
            None if keys.is_empty() => Ok(Cells::Dense(values)),
            None => Err(Error::bad_payload("expected the shape of sparse features, found keys without one")),
            // scipy's row of zeros has a shape and nothing else.
            Some(width) if !keys.is_empty() || (values.is_empty() && width > 0) => {
                if keys.len() != values.len() {
                    return Err(Error::bad_payload(format!(
                        "expected as many values as keys in sparse features, found {} and {}",
                        counted(keys.len(), "key"),
                        counted(values.len(), "value")
                    )));
                }
                Ok(Cells::Sparse { width, keys, values })
            }
            Some(size) if size != values.len() as u64 => Err(Error::bad_payload(format!(
                "expected as many values as the shape {shape:?} says, found {}",
                values.len()
            ))),
            Some(_) => Ok(Cells::Dense(values)),
        }
    }

    fn push(&mut self, element: Element, bytes: &mut &[u8]) -> Result<()> {
        self.values.push(match element {
            Element::Float32 => N::from_f32(f32::from_le_bytes(fixed(bytes)?)),
            Element::Float64 => N::from_f64(f64::from_le_bytes(fixed(bytes)?)),
            Element::Int32 => N::from_i32(int32(varint(bytes)?)),
        });
        Ok(())
    }

    fn read(&mut self, element: Element, message: &[u8]) -> Result<()> {
        if self.element != Some(element) {
            self.clear();
            self.element = Some(element);
        }
        let mut fields = Fields(message);
        while let Some((number, field)) = fields.next_field()? {
            match (number, field) {
                (1, Field::Bytes(mut packed)) => match element {
                    Element::Float32 if packed.len().is_multiple_of(4) => {
                        let numbers = packed.as_chunks::<4>().0;
                        self.values.extend(numbers.iter().map(|bytes| N::from_f32(f32::from_le_bytes(*bytes))));
                    }
                    element => {
                        while !packed.is_empty() {
                            self.push(element, &mut packed)?;
                        }
                    }
                },
                (1, Field::Fixed32(bytes)) if element == Element::Float32 => {
                    self.values.push(N::from_f32(f32::from_le_bytes(bytes)));
                }
                (1, Field::Fixed64(bytes)) if element == Element::Float64 => {
                    self.values.push(N::from_f64(f64::from_le_bytes(bytes)));
                }
                (1, Field::Varint(number)) if element == Element::Int32 => {
                    self.values.push(N::from_i32(int32(number)));
                }
                (2 | 3, Field::Varint(value)) => self.places(number).push(value),
                (2 | 3, Field::Bytes(mut packed)) => {
                    while !packed.is_empty() {
                        let value = varint(&mut packed)?;
                        self.places(number).push(value);
                    }
                }
                (1..=3, _) => return Err(broken("a tensor's numbers are of the wrong wire type")),
                _ => {}
            }
        }
        Ok(())
    }

    fn places(&mut self, number: u64) -> &mut Vec<u64> {
        if number == 2 { &mut self.keys } else { &mut self.shape }
    }

    /// Reads a `Value`.
    fn read_value(&mut self, message: &[u8]) -> Result<()> {
        let mut fields = Fields(message);
        while let Some((number, field)) = fields.next_field()? {
            let element = match number {
                2 => Element::Float32,
                3 => Element::Float64,
                7 => Element::Int32,
                9 => return Err(broken("expected a tensor of numbers, found bytes")),
                _ => continue,
            };
            match field {
                Field::Bytes(message) => self.read(element, message)?,
                _ => return Err(broken("a tensor is of the wrong wire type")),
            }
        }
        Ok(())
    }
}

impl<N: Number> Record<N> {
    /// The capacity of the tensors in bytes.
    pub(super) fn capacity_in_bytes(&self) -> usize {
        let tensor = |tensor: &Tensor<N>| {
            tensor.values.capacity() * size_of::<N>()
                + (tensor.keys.capacity() + tensor.shape.capacity()) * size_of::<u64>()
        };
        tensor(&self.features) + tensor(&self.label)
    }

    /// Reads a record in place of the one before.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] for another message. Unknown fields are skipped.
    pub fn read(&mut self, payload: &[u8]) -> Result<()> {
        self.features.clear();
        self.label.clear();
        let mut fields = Fields(payload);
        while let Some((number, field)) = fields.next_field()? {
            let tensor = match number {
                1 => &mut self.features,
                2 => &mut self.label,
                _ => continue,
            };
            match field {
                Field::Bytes(entry) => read_entry(tensor, entry)?,
                _ => return Err(broken("features or labels are of the wrong wire type")),
            }
        }
        Ok(())
    }
}

/// An entry of a map: its name and its value. A later entry of the same name takes the place of an earlier one.
fn read_entry<N: Number>(tensor: &mut Tensor<N>, entry: &[u8]) -> Result<()> {
    let mut name: &[u8] = b"";
    let mut fields = Fields(entry);
    while let Some((number, field)) = fields.next_field()? {
        match (number, field) {
            (1, Field::Bytes(bytes)) => name = bytes,
            (1 | 2, Field::Varint(_) | Field::Fixed32(_) | Field::Fixed64(_)) => {
                return Err(broken("an entry's name or value is of the wrong wire type"));
            }
            _ => {}
        }
    }
    if name != NAME.as_bytes() {
        return Ok(());
    }
    tensor.clear();
    let mut fields = Fields(entry);
    while let Some((number, field)) = fields.next_field()? {
        if let (2, Field::Bytes(value)) = (number, field) {
            tensor.read_value(value)?;
        }
    }
    Ok(())
}

/// Negative numbers are sent with 64 bits; the lower 32 count.
fn int32(varint: u64) -> i32 {
    varint as u32 as i32
}
