//! The contents of a preprocessor as data: the tree of transformers with their columns, settings, fitted values and the
//! names of their features.
//!
//! It is read from the pickle again, since the preprocessor keeps neither names nor settings. scikit-learn's convention
//! distinguishes settings and fitted values: parameters of the constructor are attributes without an underscore at
//! either end, and fitted attributes end in one. How a class names its features is in its
//! folder of
//! [`transformers`](crate::transformers).
//!
//! Artifacts of scikit-learn 1.0 and later are named as `get_feature_names_out` of the newest version names them.
//! Before, there was `get_feature_names`, which knew neither the names of a frame nor most transformers: where it
//! answers, its names are shown; where it raises, the newer names are, and [`TransformerDescription::note`] says so.

#[cfg(test)]
mod describe_test;

use crate::artifact::attributes::Attributes;
use crate::artifact::version::version_of;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names, NoNames};
use crate::feature_names::values;
use crate::preprocessor::readings::ColumnReading;
use crate::preprocessor::{Assumption, Preprocessor};
use crate::transformers::class::{self, Part};
use crate::version::Version;
use byoc_account::Allowance;
use byoc_formats::error::Result;
use byoc_formats::pickle::{Outline, Tree, Value};
use byoc_formats::rows::missing_texts::MissingTexts;
use byoc_formats::rows::reading::ReadAs;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use std::borrow::Cow;

/// The contents of a preprocessor.
#[derive(Debug, Serialize)]
pub struct PreprocessorDescription {
    /// The version of scikit-learn that made it.
    pub scikit_learn: String,
    /// The names of a row's columns without its label; empty when a row's columns are known by their position only.
    pub columns: Vec<Name>,
    /// The label that a row may have.
    pub label: Option<LabelDescription>,
    /// How the columns are read whose dtype does not depend on their cells.
    pub read_as: Vec<ColumnReadAs>,
    /// Which columns were fitted on text that looks like numbers although nothing says that they are text, and how to
    /// say it.
    pub undecided_types: Option<Assumption>,
    /// The texts that are values here, although the newest pandas reads them as missing: the pandas with which the
    /// model was fitted did not.
    pub no_missing_values: Vec<&'static str>,
    /// Why every request will be refused, if that is the case.
    pub refusal: Option<String>,
    /// The root of the tree.
    pub transformer: TransformerDescription,
}

/// The label of a row.
#[derive(Debug, Serialize)]
pub struct LabelDescription {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// `first`, `last`, or the number of the column.
    pub position: Cow<'static, str>,
    /// Whether it is a guess: neither a setting nor a document names the label.
    pub guessed: bool,
    /// Why it was guessed, and which setting changes it.
    pub note: Option<Assumption>,
}

/// How a column is read.
#[derive(Debug, Serialize)]
pub struct ColumnReadAs {
    /// Its name; if columns have no names, its position in a row, counted from 0.
    pub column: Name,
    /// pandas' name of the type; the cells of a body decide if `None`.
    pub dtype: Option<&'static str>,
    /// `told`, or `fitted` where the model shows it.
    pub by: &'static str,
    /// The texts that are values of it, although pandas reads them as missing: a transformer was fitted on them.
    pub no_missing_values: Vec<&'static str>,
}

/// One transformer of the tree.
#[derive(Debug, Serialize)]
pub struct TransformerDescription {
    /// Its name in the transformer that it is part of.
    pub name: Option<String>,
    /// scikit-learn's class, or `passthrough`.
    pub class: String,
    /// The class with its module, if it is unsupported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_read: Option<String>,
    /// The names of its input columns; empty if scikit-learn has none.
    pub columns: Vec<Name>,
    /// The factor of its features (`transformer_weights`).
    pub weight: Option<Json>,
    /// The parameters of its constructor.
    pub settings: Map<String, Json>,
    /// The fitted attributes.
    pub fitted: Map<String, Json>,
    /// Which of `fitted` have a value for each of `columns`.
    #[serde(skip)]
    pub by_column: Vec<String>,
    /// Its parts.
    pub parts: Vec<TransformerDescription>,
    /// The input columns that no part takes.
    pub dropped: Vec<Name>,
    /// The names of its features.
    pub feature_names_out: Option<Vec<Name>>,
    /// Why there are no names: the exception of scikit-learn.
    pub feature_names_out_error: Option<String>,
    /// A remark about the names.
    pub note: Option<String>,
}

/// Attributes that are neither shown as settings nor as fitted: they are shown as the tree itself, as coefficients of
/// their features, or say nothing.
const STRUCTURE: &[&str] = &[
    "best_estimator_",
    "coef_",
    "cv_results_",
    "feature_names_in_",
    "intercept_",
    "n_features_in_",
    "n_input_features_",
    "output_indices_",
    "steps",
    "transformer_list",
    "transformer_weights",
    "transformers",
    "transformers_",
];

/// Fitted values that are lists, but not of one value for each column.
const NOT_BY_COLUMN: &[&str] = &["classes_", "references_", "target_mean_", "features_", "grid_scores_"];

impl Preprocessor {
    /// Describes the preprocessor of a pickle.
    ///
    /// # Errors
    /// [`Cause::BadArtifact`](byoc_formats::error::Cause::BadArtifact) where [`Preprocessor::from_pickle`] has it.
    pub fn describe(&self, tree: &Tree, allowance: &Allowance) -> Result<PreprocessorDescription> {
        self.describe_within(tree, &self.bounds(tree, allowance)?)
    }

    /// The bounds of the description of a pickle.
    ///
    /// # Errors
    /// Where the pickle has no version.
    pub(crate) fn bounds<'a>(&self, tree: &Tree, allowance: &'a Allowance) -> Result<Bounds<'a>> {
        Ok(Bounds::new(version_of(tree.root())?, tree.plain_bytes(), allowance))
    }

    fn read_as(&self, bounds: &Bounds<'_>) -> Result<Vec<ColumnReadAs>> {
        let readings = self.layout.readings();
        let is_special =
            |known: &&ColumnReading| known.reading.dtype.is_some() || known.reading.missing != readings.missing();
        let mut columns = Vec::new();
        for known in readings.columns().iter().filter(is_special) {
            let name = self.layout.name(known.column as usize);
            bounds.take(size_of::<ColumnReadAs>().saturating_add(name.map_or(0, str::len)))?;
            columns.push(ColumnReadAs {
                column: name.map_or_else(|| Name::from(&*known.column.to_string()), Name::from),
                dtype: known.reading.dtype.map(ReadAs::name),
                by: if known.is_set { "told" } else { "fitted" },
                no_missing_values: readings.missing().without(known.reading.missing).iter().collect(),
            });
        }
        Ok(columns)
    }

    /// As [`Preprocessor::describe`], within bounds that are shared with other work.
    ///
    /// # Errors
    /// As [`Preprocessor::describe`].
    pub(crate) fn describe_within(&self, tree: &Tree, bounds: &Bounds<'_>) -> Result<PreprocessorDescription> {
        let label = self.layout.label().map(|label| LabelDescription {
            name: label.name.as_deref().map(str::to_owned),
            position: label.place.describe(),
            guessed: label.is_guessed,
            note: self.guessed_label(),
        });
        let columns = self.feature_names();
        bounds.take_names(columns.len(), columns.iter().map(|name| name.len()).sum())?;
        Ok(PreprocessorDescription {
            scikit_learn: bounds.version.to_string(),
            columns: columns.into_iter().map(Name::from).collect(),
            label,
            read_as: self.read_as(bounds)?,
            undecided_types: self.undecided_types(),
            no_missing_values: MissingTexts::NEWEST.without(self.layout.readings().missing()).iter().collect(),
            refusal: self.refusal().map(str::to_owned),
            transformer: describe(None, tree.root(), None, bounds)?,
        })
    }
}

/// The description of a scikit-learn artifact that is refused.
#[derive(Debug, Serialize)]
pub struct RefusedDescription {
    /// The version of scikit-learn that made it.
    pub scikit_learn: String,
    /// The root of the tree, in which unsupported objects have only a name.
    pub transformer: TransformerDescription,
}

impl RefusedDescription {
    /// Describes the object of a pickle, if it is one of scikit-learn's.
    ///
    /// # Errors
    /// If its structure cannot be followed.
    pub fn of(outline: &Outline, allowance: &Allowance) -> Result<RefusedDescription> {
        let root = outline.root();
        let bounds = Bounds::new(version_of(root)?, outline.plain_bytes(), allowance);
        let transformer = describe(None, root, None, &bounds)?;
        Ok(RefusedDescription { scikit_learn: bounds.version.to_string(), transformer })
    }
}

impl PreprocessorDescription {
    /// The last step, inside of Pipelines and searches.
    pub fn last_step(&self) -> &TransformerDescription {
        let mut last = &self.transformer;
        while let (true, Some(step)) = (class::ends_with_last_part(&last.class), last.parts.last()) {
            last = step;
        }
        last
    }
}

fn describe(
    name: Option<&str>,
    transformer: Value<'_>,
    given: Option<Vec<Name>>,
    bounds: &Bounds<'_>,
) -> Result<TransformerDescription> {
    bounds.take(size_of::<TransformerDescription>())?;
    let (names, note) = feature_names(transformer, given.as_deref(), bounds);
    let was_given = given.is_some();
    let (feature_names_out, feature_names_out_error) = match names {
        Ok(names) => (Some(names), None),
        Err(NoNames(reason)) => (None, Some(reason)),
    };
    let mut description = TransformerDescription {
        name: name.map(str::to_owned),
        class: transformer
            .class()
            .map_or(transformer.as_str(), |(_, class)| Some(class))
            .unwrap_or_default()
            .to_owned(),
        not_read: transformer.is_unlisted().then(|| transformer.describe()),
        columns: given.unwrap_or_default(),
        weight: None,
        settings: Map::new(),
        fitted: Map::new(),
        by_column: Vec::new(),
        parts: Vec::new(),
        dropped: Vec::new(),
        feature_names_out,
        feature_names_out_error,
        note,
    };
    let Some(object) = Attributes::of(transformer) else { return Ok(description) };
    description.class = object.class().to_owned();
    if !was_given {
        description.columns = class::names_in(object, None, bounds).unwrap_or_default();
    }
    for (name, value) in object.all().filter(|(name, _)| !STRUCTURE.contains(name) && !name.starts_with('_')) {
        if transformer.is_unlisted() && name.ends_with('_') {
            // Its fitted attributes are irrelevant here.
            continue;
        }
        if !name.ends_with('_') {
            description.settings.insert(name.to_owned(), values::json(value, bounds)?);
        } else if let Some(features) = value.attribute("features_") {
            // An object with this attribute, such as an indicator of missing values, is described by it: the columns
            // that it looks at.
            description.fitted.insert(name.to_owned(), values::json(features, bounds)?);
        } else {
            description.fitted.insert(name.to_owned(), values::json(value, bounds)?);
        }
    }
    if let Some(infrequent) = infrequent_categories(object, bounds)? {
        description.fitted.insert("infrequent_categories_".into(), infrequent);
    }
    let is_by_column = |(name, value): (&String, &Json)| {
        let one_each = value.as_array().is_some_and(|values| values.len() == description.columns.len());
        (one_each && !NOT_BY_COLUMN.contains(&name.as_str())).then(|| name.clone())
    };
    description.by_column = description.fitted.iter().filter_map(is_by_column).collect();
    description.dropped = class::dropped(object, &description.columns, bounds)?;
    let weights = object.get("transformer_weights").and_then(Value::by_text).unwrap_or_default();
    let given = was_given.then_some(&*description.columns);
    for Part { name, transformer, given } in class::parts(object, given, bounds)? {
        let mut part = describe(Some(name), transformer, given, bounds)?;
        part.weight = weights.get(name).map(|weight| values::json(*weight, bounds)).transpose()?;
        description.parts.push(part);
    }
    Ok(description)
}

/// `infrequent_categories_` of an encoder, which scikit-learn works out of two attributes: for each column the
/// categories that share one number, or None.
fn infrequent_categories(encoder: Attributes<'_>, bounds: &Bounds<'_>) -> Result<Option<Json>> {
    let indices = encoder.present("_infrequent_indices").and_then(Value::items);
    let categories = encoder.get("categories_").and_then(Value::items);
    let (Some(indices), Some(categories)) = (indices, categories) else { return Ok(None) };
    let mut all = Vec::new();
    for (indices, categories) in indices.zip(categories) {
        let categories = values::json(categories, bounds)?;
        let length = indices.as_array().map_or(0, |array| array.len());
        bounds.take(length.saturating_mul(size_of::<Json>()))?;
        let own = crate::artifact::attributes::integers(indices).unwrap_or_default();
        let own = own.into_iter().map(|index| categories.get(usize::try_from(index).ok()?).cloned());
        let is_array = indices.as_array().is_some();
        all.push(own.collect::<Option<Json>>().filter(|_| is_array).unwrap_or(Json::Null));
    }
    Ok(Some(Json::Array(all)))
}

/// The names of a transformer's features, with a note.
fn feature_names(transformer: Value<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> (Names, Option<String>) {
    let version = bounds.version;
    let names = class::feature_names_out(transformer, given, bounds);
    if version >= Version::new(1, 0) || transformer.as_str().is_some() {
        return (names, None);
    }
    match class::get_feature_names(transformer, bounds) {
        Ok(names) => (Ok(names), Some(format!("named as get_feature_names of scikit-learn {version} names them"))),
        Err(NoNames(raised)) => {
            (names, Some(format!("named as scikit-learn 1.0 and later names them; {version} raises {raised}")))
        }
    }
}
