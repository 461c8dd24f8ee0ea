//! JSON rows into a batch of `float32` rows.

use super::reading::{Rows, Scalar};
use crate::error::{Error, Result};
use crate::rows::Batch;
use byoc_account::Allowance;

impl<'de> Rows<'de> for Batch<'_> {
    fn value(&mut self, value: Scalar<'de>) -> Result<()> {
        match value {
            Scalar::Float(value) => self.push_value(value),
            // Rounding to float64 is harmless: the model computes in float32.
            Scalar::Int(value) => self.push_value(value as f64),
            Scalar::UInt(value) => self.push_value(value as f64),
            Scalar::Missing | Scalar::Null | Scalar::Bool(_) | Scalar::Text(_) => {
                Err(Error::bad_payload(format!("expected a number, found {value}")))
            }
        }
    }

    fn key(&mut self, key: u64) -> Result<()> {
        self.push_key(key)
    }

    fn end_dense(&mut self) -> Result<()> {
        Batch::end_dense(self)
    }

    fn end_sparse(&mut self, shape: Option<u64>) -> Result<()> {
        Batch::end_sparse(self, shape)
    }

    fn allowance(&self) -> &Allowance {
        Batch::allowance(self)
    }
}
