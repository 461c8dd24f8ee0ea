//! Reads a PowerTransformer from a pickled object.

use super::apply::{Method, PowerTransformer};
use crate::artifact::attributes::Attributes;
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
        &["PowerTransformer"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._data", "sklearn.preprocessing.data"]
    }

    /// Reads `method`, `lambdas_`, `standardize` and `_scaler`.
    fn build<'t>(
        &self,
        transformer: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        let yeo_johnson =
            if builder.version >= Version::new(1, 9) { Method::YeoJohnson } else { Method::YeoJohnsonByPowers };
        let method = transformer.choice("method", &[("yeo-johnson", yeo_johnson), ("box-cox", Method::BoxCox)])?;
        let lambdas = builder.numbers_in(transformer, "lambdas_")?;
        let width = lambdas.len();
        builder.accept(input, transformer, width)?;
        if lambdas.iter().any(|lambda| lambda.is_nan()) {
            return Err(
                transformer.error("expected lambdas_ to be numbers, found nan: a feature without a value at fit")
            );
        }
        let scaler = if transformer.flag("standardize")? {
            let numbers = Input::array(width);
            Some(class::build(transformer.required("_scaler")?, &numbers, builder)?.transformer)
        } else {
            None
        };
        let transformer = PowerTransformer { method, lambdas, scaler };
        Built::array(transformer, width, builder)
    }

    fn feature_names_out(&self, object: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        names::names_in(object, given, bounds)
    }

    /// The scaler of the transformed values, with their mean and deviation at fit.
    fn parts<'t>(
        &self,
        object: Attributes<'t>,
        given: Option<&[Name]>,
        bounds: &Bounds<'_>,
    ) -> Result<Vec<class::Part<'t>>> {
        let part = |transformer| {
            let given = names::names_in(object, given, bounds).ok();
            class::Part { name: "_scaler", transformer, given }
        };
        Ok(object.present("_scaler").map(part).into_iter().collect())
    }
}
