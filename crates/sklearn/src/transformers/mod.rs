//! The transformers of scikit-learn that are applied here, one file each: what it reads from the artifact, how it is
//! applied to columns.
//!
//! This folder knows columns and fitted attributes. It does not know the request, its label or its format.

mod binarizer;
mod center_and_scale;
mod column_transformer;
mod demand;
mod encoder;
mod feature_selection;
mod feature_union;
mod function_transformer;
mod k_bins_discretizer;
mod label_binarizer;
mod legacy_names;
mod max_abs_scaler;
mod min_max_scaler;
mod normalizer;
pub(crate) mod one;
mod one_hot_encoder;
mod ordinal_encoder;
mod pipeline;
mod polynomial_features;
mod power_transformer;
mod quantile_transformer;
mod robust_scaler;
pub(crate) mod seen;
mod simple_imputer;
mod standard_scaler;
pub(crate) mod steps;
mod target_encoder;
#[cfg(test)]
mod testing;
mod weight;

pub(crate) use column_transformer::{ColumnTransformer, unused};
pub(crate) use legacy_names::get_feature_names;
pub(crate) use pipeline::{chain, named};
pub use quantile_transformer::normal_quantile;

use crate::artifact::attributes::{Attributes, numeric};
use crate::artifact::builder::{Builder, Built, Input, Shape, check_width};
use crate::columns::dtype::Dtype;
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::columns::readings::Origins;
use crate::describe::Child;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::names::{self, Name, Names, NoNames};
use crate::transformers::seen::FittedColumns;
use crate::transformers::steps::best;
use byoc_formats::error::{Cause, Result};
use byoc_formats::pickle::{Value, supported_estimators};

#[expect(clippy::enum_variant_names, reason = "variants have the names of scikit-learn's classes")]
/// A fitted transformer. The set is closed: what is not here is refused when the artifact is opened.
#[derive(Debug)]
pub(crate) enum Transformer {
    /// Gives what it is given: `'passthrough'`, `FunctionTransformer(None)`, an empty pipeline.
    Passthrough,
    Binarizer(binarizer::Binarizer),
    ColumnTransformer(ColumnTransformer),
    FeatureSelection(feature_selection::FeatureSelection),
    FeatureUnion(feature_union::FeatureUnion),
    FunctionTransformer(function_transformer::FunctionTransformer),
    KBinsDiscretizer(Box<k_bins_discretizer::KBinsDiscretizer>),
    LabelBinarizer(Box<label_binarizer::LabelBinarizer>),
    MaxAbsScaler(max_abs_scaler::MaxAbsScaler),
    MinMaxScaler(Box<min_max_scaler::MinMaxScaler>),
    Normalizer(normalizer::Normalizer),
    OneHotEncoder(one_hot_encoder::OneHotEncoder),
    OrdinalEncoder(ordinal_encoder::OrdinalEncoder),
    Pipeline(pipeline::Pipeline),
    PolynomialFeatures(polynomial_features::PolynomialFeatures),
    PowerTransformer(Box<power_transformer::PowerTransformer>),
    QuantileTransformer(Box<quantile_transformer::QuantileTransformer>),
    RobustScaler(center_and_scale::CenterAndScale),
    SimpleImputer(Box<simple_imputer::SimpleImputer>),
    StandardScaler(center_and_scale::CenterAndScale),
    TargetEncoder(target_encoder::TargetEncoder),
}

/// Builds a transformer of one class.
type Build = for<'t, 'i, 'b, 'a> fn(Attributes<'t>, &'i Input<'t>, &'b mut Builder<'t, 'a>) -> Result<Built<'t>>;

/// The classes that are built here.
const BUILDERS: &[(&str, Build)] = &[
    ("Binarizer", binarizer::build),
    ("ColumnTransformer", column_transformer::build),
    ("FeatureUnion", feature_union::build),
    ("FunctionTransformer", function_transformer::build),
    ("GenericUnivariateSelect", feature_selection::build),
    ("KBinsDiscretizer", k_bins_discretizer::build),
    ("LabelBinarizer", label_binarizer::build),
    ("MaxAbsScaler", max_abs_scaler::build),
    ("MinMaxScaler", min_max_scaler::build),
    ("Normalizer", normalizer::build),
    ("OneHotEncoder", one_hot_encoder::build),
    ("OrdinalEncoder", ordinal_encoder::build),
    ("Pipeline", pipeline::build),
    ("PolynomialFeatures", polynomial_features::build),
    ("PowerTransformer", power_transformer::build),
    ("QuantileTransformer", quantile_transformer::build),
    ("RFE", feature_selection::build),
    ("RFECV", feature_selection::build),
    ("RobustScaler", robust_scaler::build),
    ("SelectFdr", feature_selection::build),
    ("SelectFpr", feature_selection::build),
    ("SelectFromModel", feature_selection::build),
    ("SelectFwe", feature_selection::build),
    ("SelectKBest", feature_selection::build),
    ("SelectPercentile", feature_selection::build),
    ("SequentialFeatureSelector", feature_selection::build),
    ("SimpleImputer", simple_imputer::build),
    ("StandardScaler", standard_scaler::build),
    ("TargetEncoder", target_encoder::build),
    ("VarianceThreshold", feature_selection::build),
];

/// The names of the classes that are built here.
pub fn supported_transformers() -> impl Iterator<Item = &'static str> {
    BUILDERS.iter().map(|(class, _)| *class)
}

impl Transformer {
    /// Builds a transformer from what the artifact says.
    ///
    /// # Errors
    /// [`Cause::BadArtifact`] for a class that is not supported, and for attributes
    /// that are missing, of a wrong type, or do not fit each other.
    pub(crate) fn build<'t>(value: Value<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
        builder.count_transformer()?;
        if value.as_str() == Some("passthrough") {
            return Ok(Built { transformer: Transformer::Passthrough, output: input.clone() });
        }
        let value = best(value)?;
        let (module, class) = value.class().unwrap_or_default();
        let object = Attributes::of(value).filter(|_| module.starts_with("sklearn."));
        let Some(object) = object else {
            let found = value.describe();
            return Err(value.error(format!("expected a fitted scikit-learn transformer, found {found}")));
        };
        let Some((_, build)) = BUILDERS.iter().find(|(known, _)| *known == class) else {
            let supported = supported_transformers().collect::<Vec<_>>().join(", ");
            let error = object.error(format_args!(
                "this class is not supported as a transformer; supported are {supported}, and as the last step {}",
                supported_estimators()
            ));
            return Err(error.because(Cause::Unsupported));
        };
        let mut built = build(object, input, builder)?;
        if let Shape::Fixed(width) = built.output.shape {
            check_width(object, "features in its answer", width)?;
        }
        built.output.sparse = gives_sparse(object, input, &built.output)?;
        built.output.frame |= object.gives_frames();
        Ok(built)
    }

    /// Transforms columns; what comes out has the type that scikit-learn's answer has, column by column.
    pub(crate) fn apply<'c, 'a>(
        &'a self,
        features: Vec<Feature<'c, 'a>>,
        rows: usize,
    ) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        match self {
            Transformer::Passthrough => Ok(features),
            Transformer::Binarizer(binarizer) => binarizer.apply(features),
            Transformer::ColumnTransformer(transformer) => transformer.apply(&features, rows),
            Transformer::FeatureSelection(selection) => selection.apply(features),
            Transformer::FeatureUnion(union) => union.apply(&features, rows),
            Transformer::FunctionTransformer(function) => function.apply(features),
            Transformer::KBinsDiscretizer(discretizer) => discretizer.apply(features, rows),
            Transformer::LabelBinarizer(binarizer) => binarizer.apply(features),
            Transformer::MaxAbsScaler(scaler) => scaler.apply(features),
            Transformer::MinMaxScaler(scaler) => scaler.apply(features),
            Transformer::Normalizer(normalizer) => normalizer.apply(features),
            Transformer::OneHotEncoder(encoder) => encoder.apply(features, rows),
            Transformer::OrdinalEncoder(encoder) => encoder.apply(features),
            Transformer::Pipeline(pipeline) => pipeline.apply(features, rows),
            Transformer::PolynomialFeatures(polynomial) => polynomial.apply(features, rows),
            Transformer::PowerTransformer(transformer) => transformer.apply(features),
            Transformer::QuantileTransformer(transformer) => transformer.apply(features),
            Transformer::RobustScaler(scaler) | Transformer::StandardScaler(scaler) => scaler.apply(features),
            Transformer::SimpleImputer(imputer) => imputer.apply(features),
            Transformer::TargetEncoder(encoder) => encoder.apply(&features),
        }
    }

    /// The type of the array that comes out where it has no columns, for columns of a type that are given: a selector that keeps
    /// nothing, an encoder whose only category is dropped, an imputer of columns that had no value.
    fn dtype_of_no_columns(&self, given: Dtype) -> Dtype {
        match self {
            Transformer::Passthrough | Transformer::FeatureSelection(_) | Transformer::SimpleImputer(_) => given,
            Transformer::OneHotEncoder(encoder) => encoder.dtype(),
            Transformer::Pipeline(pipeline) => pipeline.dtype_of_no_columns(given),
            Transformer::ColumnTransformer(transformer) => transformer.dtype_of_no_columns(given),
            Transformer::FeatureUnion(union) => union.dtype_of_no_columns(given),
            _ => Dtype::Float64,
        }
    }

    /// Whether a frame comes out as the frame that it was, with columns of several types.
    pub(crate) fn keeps_frames(&self) -> bool {
        match self {
            Transformer::Passthrough => true,
            Transformer::Pipeline(pipeline) => pipeline.keeps_frames(),
            Transformer::FunctionTransformer(function) => function.keeps_frames(),
            Transformer::ColumnTransformer(transformer) => transformer.gives_frames(),
            Transformer::FeatureSelection(selection) => selection.keeps_frames(),
            Transformer::FeatureUnion(union) => union.gives_frames(),
            _ => false,
        }
    }
}

/// Whether scikit-learn's answer is a sparse matrix. What is not said here keeps one sparse, or would not have been fitted
/// on one.
fn gives_sparse(object: Attributes<'_>, input: &Input<'_>, output: &Input<'_>) -> Result<bool> {
    match object.class() {
        // It is not there when all columns are dropped.
        "ColumnTransformer" => object.flag_or("sparse_output_", false),
        // `sparse` until 1.3, in which it is already no bool any more.
        "OneHotEncoder" => {
            let flags = ["sparse_output", "sparse"].into_iter().filter_map(|name| object.get(name)?.as_bool());
            Ok(flags.into_iter().next().unwrap_or(true))
        }
        "KBinsDiscretizer" => Ok(object.text("encode")? == "onehot"),
        "LabelBinarizer" => object.flag_or("sparse_output", false),
        // Their parts have said it.
        "FeatureUnion" | "Pipeline" => Ok(output.sparse),
        _ => Ok(input.sparse),
    }
}

/// How many features an estimator was fitted on: `n_features_in_`, or before 0.23 the length of a fitted array.
fn width(estimator: Attributes<'_>, arrays: &[&str]) -> Result<usize> {
    if let Some(width) = estimator.n_features_in()? {
        return Ok(width);
    }
    let fitted = arrays.iter().find(|name| estimator.present(name).is_some());
    match fitted.or(arrays.first()) {
        Some(name) => {
            let value = estimator.required(name)?;
            let array = numeric(value);
            let array = array.ok_or_else(|| estimator.mismatch(name, "a one-dimensional array of numbers", value))?;
            Ok(array.len())
        }
        None => Ok(0),
    }
}

/// What a transformer gives that has nothing fitted, and so may not know how many features there are.
fn unfitted_output<'t>(
    transformer: Attributes<'t>,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<Input<'t>> {
    let shape = match transformer.n_features_in()? {
        Some(width) => {
            builder.accept(input, transformer, width)?;
            Shape::Fixed(width)
        }
        None => input.shape,
    };
    Ok(Input { names: None, shape, sparse: input.sparse, frame: false, origins: Origins::Changed })
}

/// The columns of the request that a part of several gives on as they are, and how many columns it gives. One that passes a
/// request through gives on none that is known here; and what has a weight is a number.
fn given_on(output: &Input<'_>, is_weighted: bool) -> (Origins, usize) {
    match (output.shape, is_weighted) {
        (Shape::Fixed(width), false) => (output.origins.clone(), width),
        (Shape::Fixed(width), true) => (Origins::Changed, width),
        (Shape::Request { .. }, _) => (Origins::Changed, 0),
    }
}

/// The names of the frame that an estimator was fitted on, if it says so.
pub(crate) fn fitted_columns<'t>(
    estimator: Attributes<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<Option<FittedColumns<'t>>> {
    if estimator.class() == "ColumnTransformer" {
        return column_transformer::fitted_columns(estimator, builder);
    }
    // An estimator that is given the whole frame uses all of it.
    let names = builder.feature_names_in(estimator)?;
    Ok(names.map(FittedColumns::all_taken))
}

/// `get_feature_names_out`: the names of the features that a transformer gives for those that it is given.
pub(crate) fn feature_names_out(transformer: Value<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
    let Some(object) = Attributes::of(transformer) else {
        let given = given.filter(|_| transformer.as_str() == Some("passthrough"));
        return match given {
            Some(given) => Ok(bounds.copy(given.iter())?),
            None => Err(NoNames::raised("it has no names on its own")),
        };
    };
    match object.class() {
        "ColumnTransformer" => column_transformer::feature_names_out(object, given, bounds),
        "FeatureUnion" => feature_union::feature_names_out(object, given, bounds),
        "FunctionTransformer" => function_transformer::feature_names_out(object, given, bounds),
        "KBinsDiscretizer" => k_bins_discretizer::feature_names_out(object, given, bounds),
        "OneHotEncoder" => one_hot_encoder::feature_names_out(object, given, bounds),
        "Pipeline" => pipeline::feature_names_out(object, given, bounds),
        "PolynomialFeatures" => polynomial_features::feature_names_out(object, given, bounds),
        "SimpleImputer" => simple_imputer::feature_names_out(object, given, bounds),
        "TargetEncoder" => target_encoder::feature_names_out(object, given, bounds),
        class if feature_selection::supports(class) => feature_selection::feature_names_out(object, given, bounds),
        class if ONE_TO_ONE.contains(&class) => names::names_in(object, given, bounds),
        _ => Err(no_feature_names_out(object)),
    }
}

/// `OneToOneFeatureMixin`: a feature for each, by the same name.
const ONE_TO_ONE: &[&str] = &[
    "Binarizer",
    "MaxAbsScaler",
    "MinMaxScaler",
    "Normalizer",
    "OrdinalEncoder",
    "PowerTransformer",
    "QuantileTransformer",
    "RobustScaler",
    "StandardScaler",
];

/// Whether a transformer has the method at all, for `hasattr`: FunctionTransformer only if told, and LabelBinarizer,
/// estimators and searches never.
fn has_feature_names_out(transformer: Value<'_>) -> bool {
    Attributes::of(transformer).is_none_or(|object| match object.class() {
        "FunctionTransformer" => object.present("feature_names_out").is_some(),
        "ColumnTransformer" | "FeatureUnion" | "KBinsDiscretizer" | "OneHotEncoder" | "Pipeline" => true,
        "PolynomialFeatures" | "SimpleImputer" | "TargetEncoder" => true,
        class => ONE_TO_ONE.contains(&class) || feature_selection::supports(class),
    })
}

fn no_feature_names_out(object: Attributes<'_>) -> NoNames {
    NoNames::raised(format!("AttributeError: This '{}' has no attribute 'get_feature_names_out'", object.class()))
}

/// The names of the features that a transformer is given.
pub(crate) fn names_in(object: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
    match object.class() {
        "ColumnTransformer" => column_transformer::names_in(object, given, bounds),
        "FeatureUnion" | "GridSearchCV" | "Pipeline" | "RandomizedSearchCV" => {
            let first = first_part(object, bounds)?;
            first.map_or_else(|| names::choose(None, None, given, bounds), |first| names_in(first, given, bounds))
        }
        _ => names::names_in(object, given, bounds),
    }
}

/// The first part of an object that is made of others: the one that is given what the object is given. Steps that only pass
/// on are none.
fn first_part<'t>(object: Attributes<'t>, bounds: &Bounds<'_>) -> Result<Option<Attributes<'t>>> {
    let attribute = match object.class() {
        "FeatureUnion" => "transformer_list",
        "Pipeline" => "steps",
        _ => return Ok(object.present("best_estimator_").and_then(Attributes::of)),
    };
    let parts = named(object, attribute, &bounds.work)?;
    Ok(parts.into_iter().find_map(|(_, part)| Attributes::of(part)))
}

/// The transformers that one is made of, each with the names that it is given.
pub(crate) fn parts<'t>(object: Attributes<'t>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Result<Vec<Child<'t>>> {
    match object.class() {
        "ColumnTransformer" => column_transformer::parts(object, given, bounds),
        "FeatureUnion" => feature_union::parts(object, given, bounds),
        "Pipeline" => pipeline::parts(object, given, bounds),
        "GridSearchCV" | "RandomizedSearchCV" => {
            let given = given.map(|given| bounds.copy(given.iter())).transpose()?;
            let best = |transformer| Child { name: "best_estimator_", transformer, given };
            Ok(object.present("best_estimator_").map(best).into_iter().collect())
        }
        // What standardizes after a PowerTransformer, with the mean and deviation of the transformed values.
        _ => {
            let part = |transformer| {
                let given = names::names_in(object, given, bounds).ok();
                Child { name: "_scaler", transformer, given }
            };
            Ok(object.present("_scaler").map(part).into_iter().collect())
        }
    }
}
