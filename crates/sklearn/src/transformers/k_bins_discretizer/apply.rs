//! Applies a fitted KBinsDiscretizer to columns.

use crate::columns::dtype::{Dtype, convert};
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};

use crate::columns::demand::Demand;
use crate::transformers::transformer::{Apply, Transformer};
use crate::version::Version;
use byoc_formats::error::Result;
use std::sync::Arc;

/// Bins, and perhaps an encoder of their numbers.
#[derive(Debug)]
pub(super) struct KBinsDiscretizer {
    pub(super) features: Box<[Bins]>,
    pub(super) encoder: Option<Transformer>,
    pub(super) encodes_as_given: bool,
}

/// Nanoseconds to find a value's bin on a slow core.
pub(super) const SEARCH: u64 = 60;

/// How a value's bin is found.
#[derive(Debug)]
pub(super) enum Bins {
    /// From 1.1 on: how many inner edges are at or below it.
    Inner(Arc<[f64]>),
    /// Before: how many edges but the first are at or below it and a little more, the highest bin at most.
    Widened { edges: Arc<[f64]>, highest: f64 },
}

impl Bins {
    pub(super) fn new(edges: Arc<[f64]>, version: Version) -> Bins {
        if version >= Version::new(1, 1) {
            return Bins::Inner(edges);
        }
        let highest = edges.len().saturating_sub(2) as f64;
        Bins::Widened { edges, highest }
    }

    fn bin(&self, value: f64) -> f64 {
        match self {
            Bins::Inner(edges) => {
                let inner = edges.get(1..edges.len().saturating_sub(1)).unwrap_or_default();
                inner.partition_point(|edge| *edge <= value) as f64
            }
            Bins::Widened { edges, highest } => {
                let widened = value + (1e-8 + 1e-5 * value.abs());
                let but_first = edges.get(1..).unwrap_or_default();
                (but_first.partition_point(|edge| *edge <= widened) as f64).min(*highest)
            }
        }
    }
}

pub(super) fn as_floats<'c, 'a>(feature: Feature<'c, 'a>, single: bool) -> Feature<'c, 'a> {
    let dtype = if single { Dtype::Float32 } else { Dtype::Float64 };
    if Dtype::of(&feature.data) == dtype {
        return feature;
    }
    Feature::new(feature.origin, convert(&feature.data, dtype))
}

impl Apply for KBinsDiscretizer {
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let mut floats = Floats::from_features(features, Refuses::InfinityAndMissing)?;
        for (column, bins) in self.features.iter().enumerate() {
            floats.map_column(column, |value| bins.bin(value));
        }
        match &self.encoder {
            // From 0.24 on the output has the type of the input, floats; before, the type given to the constructor.
            Some(encoder) if self.encodes_as_given => {
                let single = floats.single();
                let marks = encoder.apply(floats.into_features(), rows)?;
                Ok(marks.into_iter().map(|marks| as_floats(marks, single)).collect())
            }
            Some(encoder) => encoder.apply(floats.into_features(), rows),
            None => Ok(floats.into_features()),
        }
    }

    fn demand(&self, given: usize) -> Demand {
        let numbers = Demand::of(given, given, SEARCH);
        self.encoder.as_ref().map_or(numbers, |encoder| {
            let marks = encoder.demand(given);
            numbers.then(marks).then(Demand::of_columns(marks.width))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_belongs_to_the_bin_above_and_the_ends_take_everything_beyond() {
        let bins = Bins::new([0.0, 1.0, 2.0, 3.0].into(), Version::new(1, 6));
        let values = [-5.0, 0.0, 0.999, 1.0, 2.0, 3.0, 9.0];
        assert_eq!(values.map(|value| bins.bin(value)), [0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 2.0]);
        let widened = Bins::new([0.0, 1.0, 2.0, 3.0].into(), Version::new(1, 0));
        assert_eq!(values.map(|value| widened.bin(value)), [0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 2.0]);
        assert_eq!((bins.bin(0.999999), widened.bin(0.999999)), (0.0, 1.0));
    }
}
