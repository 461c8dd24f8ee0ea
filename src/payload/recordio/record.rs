//! The message `aialgs.data.Record`: features and labels as named tensors.

use super::wire::{Field, Fields, broken, fixed, varint};
use crate::error::Result;

/// A record's tensors of the name `values`, the only ones that linear models know. Meant to be filled again and again, so that
/// memory is taken once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// The features.
    pub features: Tensor,
    /// The label. Its values are empty where the record has none.
    pub label: Tensor,
}

/// Numbers as float32, whatever they were sent as; dense without keys, else sparse.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensor {
    /// All values, or those of the keys.
    pub values: Vec<f32>,
    /// The places of the values.
    pub keys: Vec<u64>,
    /// How many values there would be, written out; may be empty for a dense tensor.
    pub shape: Vec<u64>,
    element: Option<Element>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Element {
    Float32,
    Float64,
    Int32,
}

/// The name of features and labels (docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html).
const NAME: &[u8] = b"values";

impl Tensor {
    fn clear(&mut self) {
        self.values.clear();
        self.keys.clear();
        self.shape.clear();
        self.element = None;
    }

    /// Whether the record has such a tensor.
    pub fn is_given(&self) -> bool {
        self.element.is_some()
    }

    fn push(&mut self, element: Element, bytes: &mut &[u8]) -> Result<()> {
        self.values.push(match element {
            Element::Float32 => f32::from_le_bytes(fixed(bytes)?),
            // Rounding is the point: the model computes in float32.
            Element::Float64 => f64::from_le_bytes(fixed(bytes)?) as f32,
            // Negative numbers are sent as 64 bits, of which the lower 32 count.
            Element::Int32 => varint(bytes)? as u32 as i32 as f32,
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
                        self.values.extend(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
                    }
                    element => {
                        while !packed.is_empty() {
                            self.push(element, &mut packed)?;
                        }
                    }
                },
                (1, Field::Fixed32(bytes)) if element == Element::Float32 => {
                    self.values.push(f32::from_le_bytes(bytes));
                }
                (1, Field::Fixed64(bytes)) if element == Element::Float64 => {
                    self.values.push(f64::from_le_bytes(bytes) as f32);
                }
                (1, Field::Varint(number)) if element == Element::Int32 => {
                    self.values.push(number as u32 as i32 as f32);
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

impl Record {
    /// Reads a record in place of the one before.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] for what is no such message. Fields that are not known are skipped.
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
fn read_entry(tensor: &mut Tensor, entry: &[u8]) -> Result<()> {
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
    if name != NAME {
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
