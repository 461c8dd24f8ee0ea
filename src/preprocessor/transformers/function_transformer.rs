//! `sklearn.preprocessing.FunctionTransformer`: nothing, or one of numpy's elementary functions.

use super::Transformer;
use crate::error::Result;
use crate::preprocessor::attributes::Attributes;
use crate::preprocessor::build::{Builder, Built, Input};
use crate::preprocessor::describe::names::{self, Names, NoNames};
use crate::preprocessor::fault::Fault;
use crate::preprocessor::feature::{Feature, Floats, Refuses};

/// A function of each value.
#[derive(Debug)]
pub(in crate::preprocessor) struct FunctionTransformer {
    function: Function,
    refuses: Refuses,
}

type Function = fn(f64) -> f64;

/// The functions, by numpy's names. All give floats, whatever they are given.
const FUNCTIONS: &[(&str, Function)] = &[
    ("cbrt", f64::cbrt),
    ("cos", f64::cos),
    ("exp", f64::exp),
    ("exp2", f64::exp2),
    ("expm1", f64::exp_m1),
    ("log", f64::ln),
    ("log10", f64::log10),
    ("log1p", f64::ln_1p),
    ("log2", f64::log2),
    ("sin", f64::sin),
    ("sqrt", f64::sqrt),
    ("tan", f64::tan),
    ("tanh", f64::tanh),
];

/// Reads `func`, `kw_args` and `validate`. A function of numpy is known by its name only; it is never called.
pub(super) fn build<'t>(transformer: Attributes<'t>, input: &Input<'t>, builder: &mut Builder) -> Result<Built<'t>> {
    let value = transformer.required("func")?;
    if value.is_none() {
        return Ok(Built { transformer: Transformer::Passthrough, output: input.clone() });
    }
    let symbol = value.symbol().filter(|(module, _)| *module == "numpy" || module.starts_with("numpy."));
    let function = symbol.and_then(|(_, name)| FUNCTIONS.iter().find(|(known, _)| *known == name));
    let Some((_, function)) = function else {
        let known: Vec<_> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
        return Err(transformer.mismatch("func", format_args!("None or one of numpy's {}", known.join(", ")), value));
    };
    if let Some(arguments) = transformer.present("kw_args")
        && arguments.entries().is_none_or(|entries| entries.len() > 0)
    {
        return Err(transformer.mismatch("kw_args", "None or empty", arguments));
    }
    let validate = transformer.flag("validate")?;
    let refuses = if validate { Refuses::InfinityAndMissing } else { Refuses::Nothing };
    let mut output = super::unfitted_output(transformer, input, builder)?;
    if !validate {
        // numpy's functions give a frame for a frame.
        output.names = input.names.clone();
    }
    let function = FunctionTransformer { function: *function, refuses };
    Ok(Built { transformer: Transformer::FunctionTransformer(function), output })
}

impl FunctionTransformer {
    pub(super) fn apply<'c, 'a>(&self, features: Vec<Feature<'c, 'a>>) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let mut floats = Floats::from_features(features, self.refuses)?;
        for column in 0..floats.columns.len() {
            floats.map_column(column, self.function);
        }
        Ok(floats.into_features())
    }
}

/// It names its features only if it was told how, with `feature_names_out` (1.1).
pub(super) fn feature_names_out(transformer: Attributes<'_>, given: Option<&[String]>) -> Names {
    match transformer.present("feature_names_out") {
        None => Err(super::no_feature_names_out(transformer)),
        Some(how) if how.as_str() == Some("one-to-one") => names::names_in(transformer, given),
        Some(how) => Err(NoNames::raised(format!("feature_names_out is {}, and is not called", how.describe()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocessor::transformers::testing::apply_floats;

    #[test]
    fn a_function_is_applied_to_each_value_and_what_it_cannot_take_becomes_nan() {
        let function = FunctionTransformer { function: f64::ln_1p, refuses: Refuses::Nothing };
        let values = apply_floats(|features| function.apply(features), vec![vec![0.0, 1.0, -2.0, f64::INFINITY]]);
        assert_eq!(values[0][..2], [0.0, std::f64::consts::LN_2]);
        assert!(values[0][2].is_nan() && values[0][3] == f64::INFINITY);
    }
}
