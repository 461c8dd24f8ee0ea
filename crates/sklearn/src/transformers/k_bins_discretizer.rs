//! `sklearn.preprocessing.KBinsDiscretizer`: the number of the bin of each value, or a column for each bin.

use crate::artifact::attributes::{Attributes, one_dimensional};
use crate::artifact::builder::{Builder, Built, Input};
use crate::columns::demand::Demand;
use crate::columns::dtype::{Dtype, convert};
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};
use crate::feature_names::bounds::Bounds;
use crate::feature_names::names::{self, Name, Names};
use crate::transformers::Transformer;
use crate::version::Version;
use byoc_formats::error::Result;
use std::sync::Arc;

/// Bins, and an encoder of their numbers if there is one.
#[derive(Debug)]
pub(crate) struct KBinsDiscretizer {
    features: Box<[Bins]>,
    encoder: Option<Transformer>,
    encodes_as_given: bool,
}

/// Nanoseconds in which a value's bin is found, on a slow core.
const SEARCH: u64 = 60;

/// How a value's bin is found.
#[derive(Debug)]
enum Bins {
    /// From 1.1 on: how many inner edges are at or below it.
    Inner(Arc<[f64]>),
    /// Before: how many edges but the first are at or below it and a little more, the highest bin at most.
    Widened { edges: Arc<[f64]>, highest: f64 },
}

/// Reads `bin_edges_`, `encode` and `_encoder`.
pub(crate) fn build<'t>(
    discretizer: Attributes<'t>,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<Built<'t>> {
    let value = discretizer.required("bin_edges_")?;
    let mismatch = || discretizer.mismatch("bin_edges_", "an array of arrays of two numbers or more", value);
    let edges = one_dimensional(value).and_then(|array| array.objects()).ok_or_else(mismatch)?;
    let width = edges.len();
    builder.accept(input, discretizer, width)?;
    builder.keep(size_of::<KBinsDiscretizer>())?;
    builder.keep_items::<Bins>(width)?;
    builder.work.charge_items::<Bins>(width)?;
    let mut features = Vec::with_capacity(width);
    for value in edges {
        // Features that share their edges share them here too.
        let edges = builder.numbers(value)?.filter(|edges| edges.len() >= 2);
        let edges = edges.ok_or_else(mismatch)?;
        builder.work.charge_items::<f64>(edges.len())?;
        if !edges.is_sorted() {
            return Err(mismatch());
        }
        features.push(Bins::new(edges, builder.version));
    }
    let features = features.into_boxed_slice();
    let one_hot = discretizer.choice("encode", &[("onehot", true), ("onehot-dense", true), ("ordinal", false)])?;
    let (encoder, output) = if one_hot {
        let numbers = Input::array(width);
        let built = Transformer::build(discretizer.required("_encoder")?, &numbers, builder)?;
        (Some(built.transformer), built.output)
    } else {
        (None, Input::array(width))
    };
    let encodes_as_given = builder.version >= Version::new(0, 24);
    let discretizer = KBinsDiscretizer { features, encoder, encodes_as_given };
    Ok(Built { transformer: Transformer::KBinsDiscretizer(Box::new(discretizer)), output })
}

impl Bins {
    fn new(edges: Arc<[f64]>, version: Version) -> Bins {
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

fn as_floats<'c, 'a>(feature: Feature<'c, 'a>, single: bool) -> Feature<'c, 'a> {
    let dtype = if single { Dtype::Float32 } else { Dtype::Float64 };
    if Dtype::of(&feature.data) == dtype {
        return feature;
    }
    Feature::new(feature.origin, convert(&feature.data, dtype))
}

impl KBinsDiscretizer {
    pub(crate) fn apply<'c, 'a>(
        &'a self,
        features: Vec<Feature<'c, 'a>>,
        rows: usize,
    ) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let mut floats = Floats::from_features(features, Refuses::InfinityAndMissing)?;
        for (column, bins) in self.features.iter().enumerate() {
            floats.map_column(column, |value| bins.bin(value));
        }
        match &self.encoder {
            // It answers in the type of what it is given, floats, from 0.24 on; before, in that which it was made with.
            Some(encoder) if self.encodes_as_given => {
                let single = floats.single();
                let marks = encoder.apply(floats.into_features(), rows)?;
                Ok(marks.into_iter().map(|marks| as_floats(marks, single)).collect())
            }
            Some(encoder) => encoder.apply(floats.into_features(), rows),
            None => Ok(floats.into_features()),
        }
    }

    pub(crate) fn demand(&self, given: usize) -> Demand {
        let numbers = Demand::of(given, given, SEARCH);
        self.encoder.as_ref().map_or(numbers, |encoder| {
            let marks = encoder.demand(given);
            numbers.then(marks).then(Demand::of_columns(marks.width))
        })
    }
}

/// A name for each bin where there is a column for each, such as `x0_2.0`.
pub(crate) fn feature_names_out(discretizer: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
    let given = names::names_in(discretizer, given, bounds)?;
    match discretizer.present("_encoder") {
        Some(encoder) => crate::transformers::feature_names_out(encoder, Some(&given), bounds),
        None => Ok(given),
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
