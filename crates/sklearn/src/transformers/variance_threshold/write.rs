//! A VarianceThreshold in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::{Fitted, parameters};
use crate::parameters::values::{Float, Floats, ToPython};
use crate::transformers::specification::Leaf;
use byoc_formats::pickle::Python;
use serde::{Deserialize, Deserializer, Serialize};

parameters! {
    VarianceThreshold / VarianceThresholdFit in "sklearn.feature_selection._variance_threshold" {
        threshold: NotNegative = NotNegative(0.0),
    } fitted {
        variances_: Floats,
    }
}

impl Leaf for VarianceThreshold {
    fn width(fitted: &Fitted<Self>, _inputs: usize) -> usize {
        let threshold = fitted.parameters.threshold.0;
        fitted.attributes.variances_.iter().filter(|variance| *variance > threshold).count()
    }
}

/// A number of at least 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct NotNegative(pub(crate) f64);

impl<'de> Deserialize<'de> for NotNegative {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NotNegative, D::Error> {
        let Float(value) = Float::deserialize(deserializer)?;
        if value >= 0.0 {
            return Ok(NotNegative(value));
        }
        Err(serde::de::Error::invalid_value(serde::de::Unexpected::Float(value), &"a number of at least 0"))
    }
}

impl ToPython for NotNegative {
    fn to_python(&self) -> Option<Python> {
        Some(Python::Float(self.0))
    }
}
