//! An OneHotEncoder in `preprocessor.json`: its parameters, its fitted attributes, and the object in Python.

use crate::parameters::class::{Fitted, Property, State, entry, parameters};
use crate::parameters::values::positions;
use crate::parameters::values::{AtLeast, Categories, Frequency, NumpyClass, Scalar, WordOr, words};
use crate::transformers::shared::fitted_categories::{Auto, Groups, check_categories};
use crate::transformers::specification::Leaf;
use byoc_formats::error::Result;
use byoc_formats::pickle::{Items, Python};

parameters! {
    OneHotEncoder / OneHotEncoderFit in "sklearn.preprocessing._encoders" {
        categories: WordOr<Auto, Vec<Categories>> = WordOr::Word(Auto::Auto),
        drop: Option<WordOr<Drop, Vec<Scalar>>> = None,
        sparse_output: bool = true,
        dtype: NumpyClass = NumpyClass::Float64,
        handle_unknown: HandleUnknown = HandleUnknown::Error,
        min_frequency: Option<Frequency> = None,
        max_categories: Option<AtLeast<1>> = None,
        feature_name_combiner: Combiner = Combiner::Concat,
    } fitted {
        categories_: Vec<Categories>,
        drop_idx_: Property<Option<Vec<Option<usize>>>>,
        infrequent_categories_: Property<Option<Vec<Option<Categories>>>>,
    }
}

words! {
    /// `drop`
    Drop { First = "first", IfBinary = "if_binary" }
    /// `handle_unknown` of a OneHotEncoder
    HandleUnknown { Error = "error", Ignore = "ignore", InfrequentIfExist = "infrequent_if_exist", Warn = "warn" }
    /// `feature_name_combiner`
    Combiner { Concat = "concat" }
}

impl Leaf for OneHotEncoder {
    fn width(fitted: &Fitted<Self>, _inputs: usize) -> usize {
        groups(fitted).widths.iter().sum()
    }

    fn gives_sparse(fitted: &Fitted<Self>, _is_given: bool) -> bool {
        fitted.parameters.sparse_output
    }

    fn private(fitted: &Fitted<Self>) -> State {
        private(fitted)
    }

    fn check(fitted: &Fitted<Self>, path: &str) -> Result<()> {
        let are_given = matches!(fitted.parameters.categories, WordOr::Given(_));
        check_categories(&fitted.attributes.categories_, are_given, path)
    }
}

fn objects(items: Vec<Option<i64>>) -> Python {
    Python::array(Items::Object(items.into_iter().map(|item| item.map_or(Python::None, Python::Int)).collect()))
}

fn private(fitted: &Fitted<OneHotEncoder>) -> State {
    let attributes = &fitted.attributes;
    let groups = groups(fitted);
    let grouped = attributes.infrequent_categories_.0.is_some();
    let mut state: State = entry("_infrequent_enabled", grouped).into_iter().collect();
    if grouped {
        state.extend(groups.state());
    }
    // `drop_idx_` counts all categories, the other attribute those after the infrequent ones are grouped into one.
    let (all, left) = match &attributes.drop_idx_.0 {
        None => (Python::None, Python::None),
        Some(dropped) => {
            let index = |index: &Option<usize>| index.and_then(|index| i64::try_from(index).ok());
            let after = |(feature, dropped): (usize, &Option<usize>)| {
                let mapping = groups.mappings.get(feature).and_then(Option::as_ref);
                match (mapping, *dropped) {
                    (Some(mapping), Some(dropped)) => mapping.get(dropped).copied(),
                    _ => index(dropped),
                }
            };
            (objects(dropped.iter().map(index).collect()), objects(dropped.iter().enumerate().map(after).collect()))
        }
    };
    state.push(("_drop_idx_after_grouping".to_owned(), left));
    state.push(("drop_idx_".to_owned(), all));
    state.push(("_n_features_outs".to_owned(), positions(&groups.widths)));
    state
}

/// The infrequent categories, and the number of columns for each feature without the dropped ones.
fn groups(fitted: &Fitted<OneHotEncoder>) -> Groups {
    let attributes = &fitted.attributes;
    let mut groups = Groups::of(&attributes.categories_, attributes.infrequent_categories_.0.as_ref(), false);
    if let Some(dropped) = &attributes.drop_idx_.0 {
        for (width, dropped) in groups.widths.iter_mut().zip(dropped) {
            *width = width.saturating_sub(usize::from(dropped.is_some()));
        }
    }
    groups
}
