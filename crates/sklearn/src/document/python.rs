//! A fitted transformer as the object that scikit-learn would have pickled: the attributes that a user sees, and the
//! private ones that its methods need.

use super::{SCIKIT_LEARN_VERSION, Scalar};
use crate::document::check::key;
use crate::document::classes::*;
use crate::document::composite::*;
use crate::parameters::values::{Categories, NumpyClass, NumpyType, ToPython, WordOr};
use byoc_formats::pickle::{Items, Python};
use std::collections::HashMap;

fn text(text: &str) -> Python {
    Python::Text(text.to_owned())
}

fn entry(name: &str, value: impl ToPython) -> Option<(String, Python)> {
    Some((name.to_owned(), value.to_python()?))
}

/// An object; scikit-learn writes its version last.
fn object(module: &'static str, class: &'static str, mut state: State) -> Python {
    state.push(("_sklearn_version".to_owned(), text(SCIKIT_LEARN_VERSION)));
    Python::Object(module, class, state)
}

fn leaf<C: Class>(fitted: &Fitted<C>, private: State) -> Python {
    let mut state = fitted.parameters.parameters();
    state.extend(fitted.features.state());
    state.extend(C::attributes(&fitted.attributes));
    state.extend(private);
    object(C::MODULE, C::NAME, state)
}

fn unfitted_leaf<C: Class>(parameters: &C) -> Python {
    object(C::MODULE, C::NAME, parameters.parameters())
}

/// A transformer that is not fitted.
fn unfitted(specified: &Specified) -> Python {
    match specified {
        Specified::Passthrough => text("passthrough"),
        Specified::Drop => text("drop"),
        Specified::Binarizer(parameters) => unfitted_leaf(parameters),
        Specified::FunctionTransformer(parameters) => unfitted_leaf(parameters),
        Specified::KBinsDiscretizer(parameters) => unfitted_leaf(parameters),
        Specified::MaxAbsScaler(parameters) => unfitted_leaf(parameters),
        Specified::MinMaxScaler(parameters) => unfitted_leaf(parameters),
        Specified::Normalizer(parameters) => unfitted_leaf(parameters),
        Specified::OneHotEncoder(parameters) => unfitted_leaf(parameters),
        Specified::OrdinalEncoder(parameters) => unfitted_leaf(parameters),
        Specified::PolynomialFeatures(parameters) => unfitted_leaf(parameters),
        Specified::PowerTransformer(parameters) => unfitted_leaf(parameters),
        Specified::QuantileTransformer(parameters) => unfitted_leaf(parameters),
        Specified::RobustScaler(parameters) => unfitted_leaf(parameters),
        Specified::SimpleImputer(parameters) => unfitted_leaf(parameters),
        Specified::StandardScaler(parameters) => unfitted_leaf(parameters),
        Specified::VarianceThreshold(parameters) => unfitted_leaf(parameters),
        Specified::ColumnTransformer(parameters) => {
            object(COMPOSE, "ColumnTransformer", column_transformer_parameters(parameters))
        }
        Specified::FeatureUnion(union) => {
            let parts = union.transformer_list.iter().map(|(name, part)| (name.as_str(), unfitted(part)));
            object(PIPELINE, "FeatureUnion", union_state(union, parts))
        }
        Specified::Pipeline(pipeline) => {
            let steps = pipeline.steps.iter().map(|(name, step)| (name.as_str(), unfitted(step)));
            object(PIPELINE, "Pipeline", pipeline_state(pipeline, steps))
        }
    }
}

const COMPOSE: &str = "sklearn.compose._column_transformer";
const PIPELINE: &str = "sklearn.pipeline";

/// A fitted transformer.
pub(crate) fn to_python(fitted: &FittedTransformer) -> Python {
    match fitted {
        FittedTransformer::Passthrough => text("passthrough"),
        FittedTransformer::Drop => text("drop"),
        FittedTransformer::Binarizer(fitted) => leaf(fitted, State::new()),
        FittedTransformer::FunctionTransformer(fitted) => leaf(fitted, State::new()),
        FittedTransformer::KBinsDiscretizer(fitted) => leaf(fitted, discretizer(fitted)),
        FittedTransformer::MaxAbsScaler(fitted) => leaf(fitted, State::new()),
        FittedTransformer::MinMaxScaler(fitted) => leaf(fitted, State::new()),
        FittedTransformer::Normalizer(fitted) => leaf(fitted, State::new()),
        FittedTransformer::OneHotEncoder(fitted) => leaf(fitted, one_hot(fitted)),
        FittedTransformer::OrdinalEncoder(fitted) => leaf(fitted, ordinal(fitted)),
        FittedTransformer::PolynomialFeatures(fitted) => leaf(fitted, polynomial(fitted)),
        FittedTransformer::PowerTransformer(fitted) => leaf(fitted, power(fitted)),
        FittedTransformer::QuantileTransformer(fitted) => leaf(fitted, State::new()),
        FittedTransformer::RobustScaler(fitted) => leaf(fitted, State::new()),
        FittedTransformer::SimpleImputer(fitted) => leaf(fitted, imputer(fitted)),
        FittedTransformer::StandardScaler(fitted) => leaf(fitted, State::new()),
        FittedTransformer::VarianceThreshold(fitted) => leaf(fitted, State::new()),
        FittedTransformer::ColumnTransformer(fitted) => column_transformer(fitted),
        FittedTransformer::FeatureUnion(union) => {
            let part = |part: &FittedTransformer| match part {
                FittedTransformer::Passthrough => passthrough_of_union(union),
                part => to_python(part),
            };
            let parts = union.transformer_list.iter().map(|(name, fitted)| (name.as_str(), part(fitted)));
            object(PIPELINE, "FeatureUnion", union_state(&union.specified(), parts))
        }
        FittedTransformer::Pipeline(fitted) => {
            let steps = fitted.steps.iter().map(|(name, step)| (name.as_str(), to_python(step)));
            object(PIPELINE, "Pipeline", pipeline_state(&fitted.specified(), steps))
        }
    }
}

fn pairs<'n>(parts: impl Iterator<Item = (&'n str, Python)>) -> Python {
    Python::List(parts.map(|(name, part)| Python::Tuple(vec![text(name), part])).collect())
}

fn pipeline_state<'n>(pipeline: &Pipeline, steps: impl Iterator<Item = (&'n str, Python)>) -> State {
    let mut state = vec![("steps".to_owned(), pairs(steps))];
    state.extend(entry("transform_input", pipeline.transform_input));
    state.extend(entry("memory", pipeline.memory));
    state.extend(entry("verbose", pipeline.verbose));
    state
}

fn union_state<'n>(union: &FeatureUnion, parts: impl Iterator<Item = (&'n str, Python)>) -> State {
    let mut state = vec![("transformer_list".to_owned(), pairs(parts))];
    state.extend(entry("n_jobs", union.n_jobs));
    state.extend(entry("transformer_weights", union.transformer_weights.clone()));
    state.extend(entry("verbose", union.verbose));
    state.extend(entry("verbose_feature_names_out", union.verbose_feature_names_out));
    state
}

fn triple(name: &str, part: Python, columns: &Columns) -> Python {
    Python::Tuple(vec![text(name), part, columns.to_python().unwrap_or(Python::None)])
}

fn column_transformer_parameters(parameters: &ColumnTransformer) -> State {
    let transformers =
        parameters.transformers.iter().map(|(name, part, columns)| triple(name, unfitted(part), columns)).collect();
    let mut state = vec![
        ("transformers".to_owned(), Python::List(transformers)),
        ("remainder".to_owned(), unfitted(&parameters.remainder)),
    ];
    state.extend(entry("sparse_threshold", parameters.sparse_threshold));
    state.extend(entry("n_jobs", parameters.n_jobs));
    state.extend(entry("transformer_weights", parameters.transformer_weights.clone()));
    state.extend(entry("verbose", parameters.verbose));
    state.extend(entry("verbose_feature_names_out", parameters.verbose_feature_names_out));
    // A parameter of 1.5 to 1.8, without which those cannot print or clone the object.
    state.extend(entry("force_int_remainder_cols", true));
    state
}

/// What a ColumnTransformer applies where `"passthrough"` is specified, since 1.4.
fn passthrough(features: Features) -> Python {
    let parameters = FunctionTransformer {
        accept_sparse: true,
        check_inverse: false,
        feature_names_out: Some(FeatureNamesOut::OneToOne),
        ..FunctionTransformer::default()
    };
    let fitted = Fitted { parameters, features, attributes: FunctionTransformerFit {} };
    let config = Python::Dict(vec![(text("transform"), text("default"))]);
    leaf(&fitted, vec![("_sklearn_output_config".to_owned(), config)])
}

/// What a FeatureUnion applies where `"passthrough"` is specified.
fn passthrough_of_union(union: &FittedFeatureUnion) -> Python {
    let feature_names_out = Some(FeatureNamesOut::OneToOne);
    let parameters = FunctionTransformer { feature_names_out, ..FunctionTransformer::default() };
    let features = Features { count: union.n_features_in_, names: union.feature_names_in_.clone() };
    leaf(&Fitted { parameters, features, attributes: FunctionTransformerFit {} }, State::new())
}

fn column_transformer(fitted: &FittedColumnTransformer) -> Python {
    let names = fitted.feature_names_in_.as_deref();
    let places = names.map(NamePlaces::of);
    let mut state = column_transformer_parameters(&fitted.specified());
    let features = Features { count: fitted.n_features_in_, names: fitted.feature_names_in_.clone() };
    state.extend(features.state());

    let indices = |columns: &Columns| resolve(columns, places.as_ref(), fitted.n_features_in_).unwrap_or_default();
    let (mut given, mut transformers, mut outputs_of) = (Vec::new(), Vec::new(), Vec::new());
    let mut begin = 0;
    for (name, part, columns) in &fitted.transformers_ {
        let own = indices(columns);
        let own_names = names.map(|names| own.iter().filter_map(|at| names.get(*at).cloned()).collect());
        let width = outputs(part, own.len());
        let slice = match part {
            FittedTransformer::Drop => Python::Slice(0, 0),
            _ => Python::Slice(begin as i64, (begin + width) as i64),
        };
        let part = match part {
            FittedTransformer::Passthrough => passthrough(Features { count: own.len(), names: own_names }),
            part => to_python(part),
        };
        transformers.push(triple(name, part, columns));
        given.push((text(name), positions(&own)));
        outputs_of.push((text(name), slice));
        begin += width;
    }
    let remainder = match fitted.transformers_.last() {
        Some((name, _, columns)) if name == REMAINDER => columns.clone(),
        _ => {
            given.push((text(REMAINDER), Python::List(Vec::new())));
            outputs_of.push((text(REMAINDER), Python::Slice(0, 0)));
            Columns::Positions(Vec::new())
        }
    };
    let columns = fitted.named().iter().filter_map(|(_, _, columns)| columns.to_python()).collect();
    state.push(("_columns".to_owned(), Python::List(columns)));
    state.push(("_transformer_to_input_indices".to_owned(), Python::Dict(given)));
    state.push(("_remainder".to_owned(), triple(REMAINDER, unfitted(&fitted.remainder), &remainder)));
    state.extend(entry("sparse_output_", fitted.sparse_output_));
    state.push(("transformers_".to_owned(), Python::List(transformers)));
    state.push(("output_indices_".to_owned(), Python::Dict(outputs_of)));
    object(COMPOSE, "ColumnTransformer", state)
}

fn positions(positions: &[usize]) -> Python {
    Python::List(positions.iter().filter_map(ToPython::to_python).collect())
}

/// Where each name of a frame stands first.
pub(crate) struct NamePlaces<'n>(HashMap<&'n str, usize>);

impl<'n> NamePlaces<'n> {
    pub(crate) fn of(names: &'n [String]) -> NamePlaces<'n> {
        let mut places = HashMap::with_capacity(names.len());
        for (place, name) in names.iter().enumerate() {
            places.entry(name.as_str()).or_insert(place);
        }
        NamePlaces(places)
    }
}

/// Where the columns stand that are named or counted; the first that does not exist where one does not.
pub(crate) fn resolve(columns: &Columns, names: Option<&NamePlaces<'_>>, width: usize) -> Result<Vec<usize>, String> {
    match columns {
        Columns::Names(wanted) => {
            let position = |name: &String| names?.0.get(name.as_str()).copied();
            wanted.iter().map(|name| position(name).ok_or_else(|| format!("{name:?}"))).collect()
        }
        Columns::Positions(wanted) => {
            let position = |at: i64| {
                let at = if at < 0 { at.checked_add(i64::try_from(width).ok()?)? } else { at };
                usize::try_from(at).ok().filter(|at| *at < width)
            };
            wanted.iter().map(|at| position(*at).ok_or_else(|| at.to_string())).collect()
        }
    }
}

/// How many features a transformer gives for so many.
pub(crate) fn outputs(fitted: &FittedTransformer, inputs: usize) -> usize {
    match fitted {
        FittedTransformer::Drop => 0,
        FittedTransformer::Passthrough
        | FittedTransformer::Binarizer(_)
        | FittedTransformer::FunctionTransformer(_)
        | FittedTransformer::MaxAbsScaler(_)
        | FittedTransformer::MinMaxScaler(_)
        | FittedTransformer::Normalizer(_)
        | FittedTransformer::OrdinalEncoder(_)
        | FittedTransformer::PowerTransformer(_)
        | FittedTransformer::QuantileTransformer(_)
        | FittedTransformer::RobustScaler(_)
        | FittedTransformer::StandardScaler(_) => inputs,
        FittedTransformer::KBinsDiscretizer(fitted) => match fitted.parameters.encode {
            BinEncoding::Ordinal => inputs,
            BinEncoding::OneHot | BinEncoding::OneHotDense => {
                fitted.attributes.n_bins_.0.iter().filter_map(|bins| usize::try_from(*bins).ok()).sum()
            }
        },
        FittedTransformer::OneHotEncoder(fitted) => Groups::of_one_hot(fitted).widths.iter().sum(),
        FittedTransformer::PolynomialFeatures(fitted) => fitted.attributes.n_output_features_,
        FittedTransformer::SimpleImputer(fitted) => {
            let keeps = |statistic: &&Scalar| fitted.parameters.keep_empty_features || !statistic.is_nan();
            let indicated = fitted.attributes.indicator_features_.0.as_ref().map_or(0, Vec::len);
            fitted.attributes.statistics_.0.iter().filter(keeps).count() + indicated
        }
        FittedTransformer::VarianceThreshold(fitted) => {
            let threshold = fitted.parameters.threshold.0;
            fitted.attributes.variances_.iter().filter(|variance| *variance > threshold).count()
        }
        FittedTransformer::ColumnTransformer(fitted) => {
            let places = fitted.feature_names_in_.as_deref().map(NamePlaces::of);
            let width =
                |columns| resolve(columns, places.as_ref(), fitted.n_features_in_).map_or(0, |columns| columns.len());
            fitted.transformers_.iter().map(|(_, part, columns)| outputs(part, width(columns))).sum()
        }
        FittedTransformer::FeatureUnion(fitted) => {
            fitted.transformer_list.iter().map(|(_, part)| outputs(part, inputs)).sum()
        }
        FittedTransformer::Pipeline(fitted) => {
            fitted.steps.iter().fold(inputs, |inputs, (_, step)| outputs(step, inputs))
        }
    }
}

/// Which categories of each feature are one, for being infrequent.
struct Groups {
    /// The infrequent ones; none for a feature without any.
    infrequent: Vec<Option<Vec<i64>>>,
    /// For each category its number once the infrequent ones are one, the last.
    mappings: Vec<Option<Vec<i64>>>,
    /// How many columns a OneHotEncoder makes of each feature.
    widths: Vec<usize>,
}

impl Groups {
    fn of(categories: &[Categories], infrequent: Option<&Vec<Option<Categories>>>, skips_missing: bool) -> Groups {
        let mut groups = Groups { infrequent: Vec::new(), mappings: Vec::new(), widths: Vec::new() };
        for (feature, own) in categories.iter().enumerate() {
            let own_infrequent = infrequent.and_then(|all| all.get(feature)?.as_ref());
            let Some(own_infrequent) = own_infrequent else {
                groups.infrequent.push(None);
                groups.mappings.push(None);
                groups.widths.push(own.len());
                continue;
            };
            let (all, rare) = (own.scalars(), own_infrequent.scalars());
            let mut by_key: HashMap<_, Vec<&Scalar>> = HashMap::new();
            rare.iter().for_each(|rare| by_key.entry(key(rare)).or_default().push(rare));
            let is_rare = |category: &Scalar| by_key.get(&key(category)).is_some_and(|rare| rare.contains(&category));
            let counted = all.len() - usize::from(skips_missing && own.ends_missing());
            let is_rare: Vec<bool> = all.iter().take(counted).map(is_rare).collect();
            let frequent = is_rare.iter().filter(|is_rare| !**is_rare).count() as i64;
            let mut next = 0;
            let mapping = is_rare.iter().map(|is_rare| {
                if *is_rare {
                    return frequent;
                }
                next += 1;
                next - 1
            });
            groups.mappings.push(Some(mapping.collect()));
            let indices = (0..).zip(&is_rare).filter(|(_, is_rare)| **is_rare).map(|(index, _)| index);
            groups.infrequent.push(Some(indices.collect()));
            groups.widths.push(all.len() + 1 - rare.len());
        }
        groups
    }

    fn of_one_hot(fitted: &Fitted<OneHotEncoder>) -> Groups {
        let attributes = &fitted.attributes;
        let mut groups = Groups::of(&attributes.categories_, attributes.infrequent_categories_.0.as_ref(), false);
        if let Some(dropped) = &attributes.drop_idx_.0 {
            for (width, dropped) in groups.widths.iter_mut().zip(dropped) {
                *width = width.saturating_sub(usize::from(dropped.is_some()));
            }
        }
        groups
    }

    fn state(&self) -> State {
        let arrays = |lists: &[Option<Vec<i64>>]| {
            let array = |list: &Option<Vec<i64>>| {
                list.as_ref().map_or(Python::None, |list| Python::array(Items::Int64(list.clone())))
            };
            Python::List(lists.iter().map(array).collect())
        };
        vec![
            ("_infrequent_indices".to_owned(), arrays(&self.infrequent)),
            ("_default_to_infrequent_mappings".to_owned(), arrays(&self.mappings)),
        ]
    }
}

fn objects(items: Vec<Option<i64>>) -> Python {
    Python::array(Items::Object(items.into_iter().map(|item| item.map_or(Python::None, Python::Int)).collect()))
}

fn one_hot(fitted: &Fitted<OneHotEncoder>) -> State {
    let attributes = &fitted.attributes;
    let groups = Groups::of_one_hot(fitted);
    let grouped = attributes.infrequent_categories_.0.is_some();
    let mut state: State = entry("_infrequent_enabled", grouped).into_iter().collect();
    if grouped {
        state.extend(groups.state());
    }
    // `drop_idx_` counts among all categories, the other among those that are left once the infrequent ones are one.
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

fn ordinal(fitted: &Fitted<OrdinalEncoder>) -> State {
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

/// The encoder of the numbers of bins, which scikit-learn fits on zeros.
fn discretizer(fitted: &Fitted<KBinsDiscretizer>) -> State {
    if fitted.parameters.encode == BinEncoding::Ordinal {
        return State::new();
    }
    let bins = &fitted.attributes.n_bins_.0;
    let parameters = OneHotEncoder {
        categories: WordOr::Given(bins.iter().map(|bins| Categories::Int64((0..*bins).collect())).collect()),
        sparse_output: fitted.parameters.encode == BinEncoding::OneHot,
        dtype: NumpyClass::Float64,
        ..OneHotEncoder::default()
    };
    let features = Features { count: bins.len(), names: None };
    let numbers = |bins: &i64| Categories::Float64((0..*bins).map(|bin| bin as f64).collect());
    let attributes = OneHotEncoderFit {
        categories_: bins.iter().map(numbers).collect(),
        drop_idx_: Property(None),
        infrequent_categories_: Property(None),
    };
    let encoder = Fitted { parameters, features, attributes };
    let private = one_hot(&encoder);
    let mut encoder = leaf(&encoder, private);
    if let Python::Object(_, _, state) = &mut encoder {
        let output = fitted.attributes.output_dtype.0;
        // A dtype here and not a class; a class where the user gave one.
        let dtype = match fitted.parameters.dtype {
            Some(class) => class.to_python(),
            None => output.to_python(),
        };
        for (_, value) in state.iter_mut().filter(|(name, _)| name == "dtype") {
            *value = dtype.clone().unwrap_or(Python::None);
        }
    }
    vec![("_encoder".to_owned(), encoder)]
}

fn polynomial(fitted: &Fitted<PolynomialFeatures>) -> State {
    let (lowest, highest) = fitted.parameters.degrees();
    let all = fitted.parameters.count(fitted.features.count, 0, highest);
    let state = [
        entry("_min_degree", lowest),
        entry("_max_degree", highest),
        entry("_n_out_full", all.unwrap_or(fitted.attributes.n_output_features_)),
    ];
    state.into_iter().flatten().collect()
}

fn power(fitted: &Fitted<PowerTransformer>) -> State {
    let Some(scaler) = &fitted.attributes.scaler_.0 else { return State::new() };
    let config = Python::Dict(vec![(text("transform"), text("default"))]);
    vec![("_scaler".to_owned(), leaf(scaler, vec![("_sklearn_output_config".to_owned(), config)]))]
}

fn imputer(fitted: &Fitted<SimpleImputer>) -> State {
    let (parameters, attributes) = (&fitted.parameters, &fitted.attributes);
    let statistics = &attributes.statistics_.0;
    let dtype = attributes.fit_dtype.0;
    let integer = |statistic: &Scalar| if let Scalar::Int(value) = statistic { Some(*value) } else { None };
    let integers: Option<Vec<i64>> = statistics.iter().map(integer).collect();
    // Since 1.8 a constant stands in an array of objects, which older versions refuse to fill numbers with; all take numbers.
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

impl PolynomialFeatures {
    /// The lowest and the highest degree.
    pub(crate) fn degrees(&self) -> (usize, usize) {
        match self.degree {
            crate::document::Degrees::UpTo(highest) => (0, highest.count()),
            crate::document::Degrees::Between(lowest, highest) => (lowest.count(), highest.count()),
        }
    }

    /// How many features there are (`PolynomialFeatures._num_combinations`); none for too many.
    pub(crate) fn count(&self, features: usize, lowest: usize, highest: usize) -> Option<usize> {
        let bias = usize::from(self.include_bias);
        if self.interaction_only {
            let degrees = lowest.max(1)..=highest.min(features);
            let sum =
                degrees.map(|degree| choose(features, degree)).try_fold(0usize, |sum, count| sum.checked_add(count?));
            return sum?.checked_add(bias);
        }
        let up_to = |degree: usize| choose(features.checked_add(degree)?, degree)?.checked_sub(1);
        let lower = if lowest > 0 { up_to(lowest - 1)? } else { 0 };
        up_to(highest)?.checked_sub(lower)?.checked_add(bias)
    }
}

/// The binomial coefficient.
fn choose(of: usize, chosen: usize) -> Option<usize> {
    let chosen = chosen.min(of.checked_sub(chosen)?);
    let mut product: u128 = 1;
    for step in 1..=chosen {
        product = product.checked_mul((of - chosen + step) as u128)? / step as u128;
    }
    usize::try_from(product).ok()
}
