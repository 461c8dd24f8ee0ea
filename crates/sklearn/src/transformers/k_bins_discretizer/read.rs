//! Reads a KBinsDiscretizer from a pickled object.

use super::apply::{Bins, KBinsDiscretizer};
use crate::artifact::attributes::{Attributes, one_dimensional};
use crate::artifact::builder::{Builder, Input};
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::feature_names::names;
use crate::transformers::class::{self, PickledClass};
use crate::transformers::transformer::Built;
use crate::version::Version;
use byoc_formats::error::Result;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["KBinsDiscretizer"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._discretization"]
    }

    /// Reads `bin_edges_`, `encode` and `_encoder`.
    fn build<'t>(
        &self,
        discretizer: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        let value = discretizer.required("bin_edges_")?;
        let mismatch = || discretizer.mismatch("bin_edges_", "an array of arrays of two numbers or more", value);
        let edges = one_dimensional(value).and_then(|array| array.objects()).ok_or_else(mismatch)?;
        let width = edges.len();
        builder.accept(input, discretizer, width)?;
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
            let built = class::build(discretizer.required("_encoder")?, &numbers, builder)?;
            (Some(built.transformer), built.output)
        } else {
            (None, Input::array(width))
        };
        let encodes_as_given = builder.version >= Version::new(0, 24);
        let discretizer = KBinsDiscretizer { features, encoder, encodes_as_given };
        Built::new(discretizer, output, builder)
    }

    /// A name for each bin where there is a column for each, such as `x0_2.0`.
    fn feature_names_out(&self, discretizer: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        let given = names::names_in(discretizer, given, bounds)?;
        match discretizer.present("_encoder") {
            Some(encoder) => class::feature_names_out(encoder, Some(&given), bounds),
            None => Ok(given),
        }
    }

    fn gives_sparse(&self, object: Attributes<'_>, _input: &Input<'_>, _output: &Input<'_>) -> Result<bool> {
        Ok(object.text("encode")? == "onehot")
    }
}
