//! A SimpleImputer in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::{Fitted, Property, State, entry, object, parameters, text};
use crate::parameters::values::{NumpyType, Scalar, words};
use crate::transformers::specification::Leaf;
use byoc_formats::pickle::{Items, Python};

parameters! {
    SimpleImputer / SimpleImputerFit in "sklearn.impute._base" {
        missing_values: Scalar = Scalar::Float(f64::NAN),
        strategy: ImputeStrategy = ImputeStrategy::Mean,
        fill_value: Option<Scalar> = None,
        copy: bool = true,
        add_indicator: bool = false,
        keep_empty_features: bool = false,
    } fitted {
        statistics_: Property<Vec<Scalar>>,
        // The features with an indicator: those with a missing value at fit.
        indicator_features_: Property<Option<Vec<i64>>>,
        // `_fit_dtype` and `_fill_dtype` in Python.
        fit_dtype: Property<NumpyType>,
    }
}

words! {
    /// `strategy` of a SimpleImputer
    ImputeStrategy { Mean = "mean", Median = "median", MostFrequent = "most_frequent", Constant = "constant" }
}

impl Leaf for SimpleImputer {
    fn width(fitted: &Fitted<Self>, _inputs: usize) -> usize {
        let keeps = |statistic: &&Scalar| fitted.parameters.keep_empty_features || !statistic.is_nan();
        let indicated = fitted.attributes.indicator_features_.0.as_ref().map_or(0, Vec::len);
        fitted.attributes.statistics_.0.iter().filter(keeps).count() + indicated
    }

    fn private(fitted: &Fitted<Self>) -> State {
        private(fitted)
    }
}

fn private(fitted: &Fitted<SimpleImputer>) -> State {
    let (parameters, attributes) = (&fitted.parameters, &fitted.attributes);
    let statistics = &attributes.statistics_.0;
    let dtype = attributes.fit_dtype.0;
    let integer = |statistic: &Scalar| if let Scalar::Int(value) = statistic { Some(*value) } else { None };
    let integers: Option<Vec<i64>> = statistics.iter().map(integer).collect();
    // Since 1.8 a constant is in an array of objects, with which older versions refuse to fill numbers; all versions
    // accept numbers.
    let items = match (dtype, parameters.strategy, integers) {
        (NumpyType::Object, _, _) => Items::Object(statistics.iter().map(Scalar::python).collect()),
        (_, ImputeStrategy::Constant, Some(integers)) => Items::Int64(integers),
        _ => Items::Float64(statistics.iter().map(Scalar::number).collect()),
    };
    let indicator = attributes.indicator_features_.0.as_ref().map_or(Python::None, |features| {
        let state = [
            entry("missing_values", parameters.missing_values.clone()),
            Some(("features".to_owned(), text("missing-only"))),
            Some(("sparse".to_owned(), text("auto"))),
            entry("error_on_new", false),
            entry("_precomputed", true),
            entry("n_features_in_", fitted.features.count),
            entry("_n_features", fitted.features.count),
            Some(("features_".to_owned(), Python::array(Items::Int64(features.clone())))),
        ];
        object("sklearn.impute._base", "MissingIndicator", state.into_iter().flatten().collect())
    });
    let mut state: State = entry("_fit_dtype", dtype).into_iter().collect();
    state.extend(entry("_fill_dtype", dtype));
    state.push(("indicator_".to_owned(), indicator));
    state.push(("statistics_".to_owned(), Python::array(items)));
    state
}
