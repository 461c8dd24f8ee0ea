//! Reads a FunctionTransformer from a pickled object.

use super::apply::{FUNCTIONS, Function, FunctionTransformer, IDENTITY, OF_SPARSE, OfBools};
use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::columns::check_array::CheckArray;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names, NoNames};
use crate::feature_names::names;
use crate::transformers::class::{self, PickledClass};
use crate::transformers::columns_used::ColumnsUsed;
use crate::transformers::shared::output;
use crate::transformers::transformer::Built;
use crate::version::Version;
use byoc_formats::error::Result;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["FunctionTransformer"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._function_transformer"]
    }

    /// Reads `func`, `kw_args` and `validate`. A numpy function is recognised by its name; it is never called.
    fn build<'t>(
        &self,
        transformer: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        let value = transformer.required("func")?;
        let validate = validate(transformer, builder.version)?;
        if value.is_none() {
            if validate.is_none() {
                return Ok(Built::passthrough(input));
            }
            let output = output::unfitted_output(transformer, input, builder)?;
            let function = FunctionTransformer { function: IDENTITY, validate };
            return Built::new(function, output, builder);
        }
        let symbol = value.symbol().filter(|(module, _)| *module == "numpy" || module.starts_with("numpy."));
        let function =
            symbol.and_then(|(module, name)| Some((module, FUNCTIONS.iter().find(|(known, _)| *known == name)?)));
        let Some((module, (name, function))) = function else {
            let known: Vec<_> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
            return Err(transformer.mismatch(
                "func",
                format_args!("None or one of numpy's {}", known.join(", ")),
                value,
            ));
        };
        if let Some(arguments) = transformer.present("kw_args")
            && arguments.entries().is_none_or(|entries| entries.len() > 0)
        {
            return Err(transformer.mismatch("kw_args", "None or empty", arguments));
        }
        let mut function = *function;
        // numpy 1 rounds integers to floats. It writes its functions' module like this from 1.20 on; before, as numpy
        // 2 does, which no scikit-learn before 1.4 knows.
        let numpy_1 = module.starts_with("numpy.core") || builder.version < Version::new(1, 4);
        if matches!(*name, "ceil" | "floor" | "trunc") && numpy_1 {
            function = Function { of_integers: None, of_unsigned: None, of_bools: OfBools::Halves, ..function };
        }
        if input.sparse && !OF_SPARSE.contains(name) {
            builder.refuse(format!("the model applies numpy.{name} to a sparse matrix, which does not have it"));
        }
        let mut output = output::unfitted_output(transformer, input, builder)?;
        if validate.is_none() {
            // numpy's functions give a frame for a frame.
            output.names = input.names.clone();
            output.frame = input.frame;
        }
        let function = FunctionTransformer { function, validate };
        Built::new(function, output, builder)
    }

    /// It names its features only with `feature_names_out` (1.1).
    fn feature_names_out(&self, transformer: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        match transformer.present("feature_names_out") {
            None => Err(class::no_feature_names_out(transformer)),
            Some(how) if how.as_str() == Some("one-to-one") => names::names_in(transformer, given, bounds),
            Some(how) => Err(NoNames::raised(format!("feature_names_out is {}, and is not called", how.describe()))),
        }
    }

    fn has_feature_names_out(&self, object: Attributes<'_>) -> bool {
        object.present("feature_names_out").is_some()
    }

    /// Without a function it passes its input on.
    fn columns_used<'t>(&self, object: Attributes<'t>, builder: &mut Builder<'t, '_>) -> Result<ColumnsUsed<'t>> {
        if object.present("func").is_none() {
            return Ok(ColumnsUsed::PassedOn);
        }
        class::all_columns_used(object, builder)
    }
}

/// `validate`. Its default was None before 0.22 and meant True.
fn validate(transformer: Attributes<'_>, version: Version) -> Result<Option<CheckArray>> {
    let validate = match transformer.get("validate") {
        Some(value) if value.is_none() && version < Version::new(0, 22) => true,
        _ => transformer.flag("validate")?,
    };
    Ok(validate.then(|| CheckArray::of(version)))
}
