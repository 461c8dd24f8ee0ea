//! An OrdinalEncoder in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::{Fitted, Property, State, entry, parameters};
use crate::parameters::values::{AtLeast, Categories, Code, Frequency, NumpyClass, WordOr, words};
use crate::transformers::shared::fitted_categories::{Auto, Groups, check_categories};
use crate::transformers::specification::Leaf;
use byoc_formats::error::Result;
use byoc_formats::pickle::Python;

parameters! {
    OrdinalEncoder / OrdinalEncoderFit in "sklearn.preprocessing._encoders" {
        categories: WordOr<Auto, Vec<Categories>> = WordOr::Word(Auto::Auto),
        dtype: NumpyClass = NumpyClass::Float64,
        handle_unknown: HandleUnknownOrdinal = HandleUnknownOrdinal::Error,
        unknown_value: Option<Code> = None,
        encoded_missing_value: Code = Code::Nan,
        min_frequency: Option<Frequency> = None,
        max_categories: Option<AtLeast<1>> = None,
    } fitted {
        categories_: Vec<Categories>,
        infrequent_categories_: Property<Option<Vec<Option<Categories>>>>,
    }
}

words! {
    /// `handle_unknown` of an OrdinalEncoder
    HandleUnknownOrdinal { Error = "error", UseEncodedValue = "use_encoded_value" }
}

impl Leaf for OrdinalEncoder {
    fn private(fitted: &Fitted<Self>) -> State {
        private(fitted)
    }

    fn check(fitted: &Fitted<Self>, path: &str) -> Result<()> {
        let are_given = matches!(fitted.parameters.categories, WordOr::Given(_));
        check_categories(&fitted.attributes.categories_, are_given, path)
    }
}

fn private(fitted: &Fitted<OrdinalEncoder>) -> State {
    let attributes = &fitted.attributes;
    let grouped = attributes.infrequent_categories_.0.as_ref();
    let mut state: State = entry("_infrequent_enabled", grouped.is_some()).into_iter().collect();
    if grouped.is_some() {
        state.extend(Groups::of(&attributes.categories_, grouped, true).state());
    }
    let missing = attributes.categories_.iter().enumerate().filter(|(_, categories)| categories.ends_missing());
    let missing =
        missing.map(|(feature, categories)| (Python::Int(feature as i64), Python::Int(categories.len() as i64 - 1)));
    state.push(("_missing_indices".to_owned(), Python::Dict(missing.collect())));
    state
}
