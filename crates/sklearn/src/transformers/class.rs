//! The classes of the registry in pickles: how each is read and described.
//!
//! The functions take any pickled value. A class that is not in the registry, such as an estimator that is
//! the last step, behaves as the defaults of `PickledClass` say.

use super::columns_used::{ColumnsUsed, FittedColumns};
use super::shared::named_parts::named_parts;
use super::transformer::Built;
use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input, Shape};
use crate::artifact::class_list::{ClassList, ClassNames};
use crate::artifact::work::Work;
use crate::estimators::registry::supported_estimators;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names, NoNames};
use crate::feature_names::names;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::pickle::{Usage, Value};
use std::collections::HashMap;
use std::sync::LazyLock;

/// One class of scikit-learn, or several that are read in the same way.
///
/// Every class must provide the methods without a default.
pub(crate) trait PickledClass: Sync {
    /// scikit-learn's names of the class.
    fn names(&self) -> &'static [&'static str];

    /// The modules that scikit-learn 0.20 to 1.9 have written for it.
    fn modules(&self) -> &'static [&'static str];

    /// Other classes and functions of scikit-learn that its objects refer to.
    fn companions(&self) -> &'static [ClassNames] {
        &[]
    }

    /// Builds the transformer from the attributes of a fitted object.
    ///
    /// # Errors
    /// [`Cause::BadArtifact`] for attributes that are missing, of a wrong type, or inconsistent.
    fn build<'t>(&self, object: Attributes<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>>;

    /// `get_feature_names_out`, for input features of these names. [`no_feature_names_out`] if the class has no such
    /// method.
    fn feature_names_out(&self, object: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names;

    /// `hasattr(object, "get_feature_names_out")`
    fn has_feature_names_out(&self, object: Attributes<'_>) -> bool {
        let _ = object;
        true
    }

    /// `get_feature_names` of scikit-learn before 1.0; `None` if the class did not have it.
    fn get_feature_names(&self, object: Attributes<'_>, bounds: &Bounds<'_>) -> Option<Names> {
        let _ = (object, bounds);
        None
    }

    /// The names of the input features.
    fn names_in(&self, object: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        names::names_in(object, given, bounds)
    }

    /// Its parts, each with the names of its input features.
    fn parts<'t>(&self, object: Attributes<'t>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Result<Vec<Part<'t>>> {
        let _ = (object, given, bounds);
        Ok(Vec::new())
    }

    /// The input columns that no part takes.
    fn dropped(&self, object: Attributes<'_>, columns: &[Name], bounds: &Bounds<'_>) -> Result<Vec<Name>> {
        let _ = (object, columns, bounds);
        Ok(Vec::new())
    }

    /// Whether scikit-learn's output is a sparse matrix. By default it is one if the input is: a class without support
    /// for sparse input could not have been fitted on it.
    fn gives_sparse(&self, object: Attributes<'_>, input: &Input<'_>, output: &Input<'_>) -> Result<bool> {
        let _ = (object, output);
        Ok(input.sparse)
    }

    /// The columns of a request that it uses, if its input is the request itself.
    fn columns_used<'t>(&self, object: Attributes<'t>, builder: &mut Builder<'t, '_>) -> Result<ColumnsUsed<'t>> {
        all_columns_used(object, builder)
    }

    /// The attribute with the steps, of a class whose last step gives the output and may be an estimator.
    fn steps(&self) -> Option<&'static str> {
        None
    }

    /// The attribute with the object that replaces this one. An object without it was not fitted completely.
    fn stands_for(&self) -> Option<&'static str> {
        None
    }
}

/// A transformer within another.
pub(crate) struct Part<'t> {
    pub(crate) name: &'t str,
    pub(crate) transformer: Value<'t>,
    /// The names of its input features, if its parent passes any.
    pub(crate) given: Option<Vec<Name>>,
}

/// The class of this name, if the registry has it.
pub(crate) fn find(name: &str) -> Option<&'static dyn PickledClass> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static dyn PickledClass>> = LazyLock::new(|| {
        let named = |class: &&'static dyn PickledClass| class.names().iter().map(|name| (*name, *class)).collect();
        super::CLASSES.iter().flat_map(|class| -> Vec<_> { named(class) }).collect()
    });
    BY_NAME.get(name).copied()
}

/// The names of all classes and of what their objects refer to.
pub(crate) fn class_names() -> impl Iterator<Item = ClassNames> {
    super::CLASSES.iter().flat_map(|class| {
        let own = ClassNames { modules: class.modules(), names: class.names(), usage: Usage::Object };
        std::iter::once(own).chain(class.companions().iter().copied())
    })
}

/// The allow-list for reading back a transformer that was fitted here.
pub(crate) static TRANSFORMERS_ALONE: LazyLock<ClassList> =
    LazyLock::new(|| ClassList::new(class_names(), |_, _| "which no fitted transformer refers to".to_owned()));

fn class_of(object: Attributes<'_>) -> Option<&'static dyn PickledClass> {
    find(object.class())
}

/// Builds a transformer from a pickled value: `'passthrough'`, or an object of a class of the registry.
///
/// # Errors
/// [`Cause::Unsupported`] for a class that is not in the registry,
/// [`Cause::BadArtifact`] for attributes that are missing, of a wrong type, or
/// inconsistent.
pub(crate) fn build<'t>(value: Value<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
    builder.count_transformer()?;
    if value.as_str() == Some("passthrough") {
        return Ok(Built::passthrough(input));
    }
    let value = stands_for(value)?;
    let (module, name) = value.class().unwrap_or_default();
    let object = Attributes::of(value).filter(|_| module.starts_with("sklearn."));
    let Some(object) = object else {
        let found = value.describe();
        return Err(value.error(format!("expected a fitted scikit-learn transformer, found {found}")));
    };
    let class = find(name).ok_or_else(|| unsupported(object))?;
    let mut built = class.build(object, input, builder)?;
    if let Shape::Fixed(width) = built.output.shape {
        object.check_width("output features", width)?;
    }
    built.output.sparse = class.gives_sparse(object, input, &built.output)?;
    built.output.frame |= object.gives_frames();
    Ok(built)
}

/// The names of the classes that are applied, in alphabetical order.
pub fn supported_transformers() -> impl Iterator<Item = &'static str> {
    let applied = super::CLASSES.iter().filter(|class| class.stands_for().is_none());
    let mut names: Vec<&'static str> = applied.flat_map(|class| class.names()).copied().collect();
    names.sort_unstable();
    names.into_iter()
}

/// The error for a class that is not a transformer.
pub(crate) fn unsupported(object: Attributes<'_>) -> Error {
    let transformers = supported_transformers().collect::<Vec<_>>().join(", ");
    let estimators = supported_estimators().collect::<Vec<_>>().join(", ");
    let error = object.error(format_args!(
        "this class is not supported as a transformer; supported are {transformers}, and as the last step {estimators}"
    ));
    error.because(Cause::Unsupported)
}

/// The object that replaces this one, or the value itself: every method of a search is one of its best estimator.
///
/// # Errors
/// For a search that was fitted with `refit=False`.
pub(crate) fn stands_for(value: Value<'_>) -> Result<Value<'_>> {
    let Some(object) = Attributes::of(value) else { return Ok(value) };
    let Some(attribute) = class_of(object).and_then(PickledClass::stands_for) else { return Ok(value) };
    object.get(attribute).ok_or_else(|| {
        object.error(format_args!("{attribute} is missing: expected a search that was fitted, with refit=True"))
    })
}

/// Whether the last part of a class gives the output of the whole.
pub(crate) fn ends_with_last_part(name: &str) -> bool {
    find(name).is_some_and(|class| class.stands_for().is_some() || class.steps().is_some())
}

/// The steps of an object, if it is of a class whose last step may be an estimator.
///
/// # Errors
/// For steps that are not names with transformers.
pub(crate) fn steps<'t>(object: Attributes<'t>, work: &Work<'_>) -> Result<Option<Vec<(&'t str, Value<'t>)>>> {
    let attribute = class_of(object).and_then(PickledClass::steps);
    attribute.map(|attribute| named_parts(object, attribute, work)).transpose()
}

/// The columns of a request that a model uses.
///
/// # Errors
/// If scikit-learn would not write such a pickle.
pub(crate) fn columns_used<'t>(value: Value<'t>, builder: &mut Builder<'t, '_>) -> Result<ColumnsUsed<'t>> {
    // Neither 'passthrough' nor a None among the steps has attributes.
    let Some(object) = stands_for(value).ok().and_then(Attributes::of) else { return Ok(ColumnsUsed::PassedOn) };
    match class_of(object) {
        Some(class) => class.columns_used(object, builder),
        None => all_columns_used(object, builder),
    }
}

/// An estimator whose input is the whole frame uses all of it.
pub(crate) fn all_columns_used<'t>(object: Attributes<'t>, builder: &mut Builder<'t, '_>) -> Result<ColumnsUsed<'t>> {
    let names = builder.feature_names_in(object)?;
    Ok(names.map(FittedColumns::all_taken).map_or(ColumnsUsed::Everything, ColumnsUsed::Columns))
}

/// The names of a transformer's output features, for input features of these names.
pub(crate) fn feature_names_out(transformer: Value<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
    let Some(object) = Attributes::of(transformer) else {
        let given = given.filter(|_| transformer.as_str() == Some("passthrough"));
        return match given {
            Some(given) => Ok(bounds.copy(given.iter())?),
            None => Err(NoNames::raised("it has no names on its own")),
        };
    };
    match class_of(object) {
        Some(class) => class.feature_names_out(object, given, bounds),
        None => Err(no_feature_names_out(object)),
    }
}

/// `hasattr(transformer, "get_feature_names_out")`; `'passthrough'` counts as a transformer that has it.
pub(crate) fn has_feature_names_out(transformer: Value<'_>) -> bool {
    let Some(object) = Attributes::of(transformer) else { return true };
    class_of(object).is_some_and(|class| class.has_feature_names_out(object))
}

/// Python's exception for a class without the method.
pub(crate) fn no_feature_names_out(object: Attributes<'_>) -> NoNames {
    NoNames::raised(format!("AttributeError: This '{}' has no attribute 'get_feature_names_out'", object.class()))
}

/// `get_feature_names` of scikit-learn before 1.0: the names by the artifact's version.
pub(crate) fn get_feature_names(transformer: Value<'_>, bounds: &Bounds<'_>) -> Names {
    let object = Attributes::of(transformer);
    object.and_then(|object| class_of(object)?.get_feature_names(object, bounds)).unwrap_or_else(|| {
        let class = transformer.class().map(|(_, class)| class).unwrap_or_default();
        Err(NoNames::raised(format!("AttributeError: '{class}' object has no attribute 'get_feature_names'")))
    })
}

/// As [`get_feature_names`], for a part of another transformer: the name of the part precedes each name.
pub(crate) fn get_feature_names_of_part(name: &str, part: Value<'_>, bounds: &Bounds<'_>) -> Names {
    let names = Attributes::of(part).and_then(|object| class_of(object)?.get_feature_names(object, bounds));
    let Some(names) = names else {
        let class = part.class().map_or("str", |(_, class)| class);
        return Err(NoNames::no_method(name, class, "get_feature_names"));
    };
    bounds.collect(names?.iter().map(|feature| format!("{name}__{feature}")))
}

/// The names of the input features of an object.
pub(crate) fn names_in(object: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
    match class_of(object) {
        Some(class) => class.names_in(object, given, bounds),
        None => names::names_in(object, given, bounds),
    }
}

/// The parts of an object.
///
/// # Errors
/// For parts that scikit-learn would not write.
pub(crate) fn parts<'t>(object: Attributes<'t>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Result<Vec<Part<'t>>> {
    class_of(object).map_or(Ok(Vec::new()), |class| class.parts(object, given, bounds))
}

/// The input columns that no part of an object takes.
///
/// # Errors
/// As [`parts`].
pub(crate) fn dropped(object: Attributes<'_>, columns: &[Name], bounds: &Bounds<'_>) -> Result<Vec<Name>> {
    class_of(object).map_or(Ok(Vec::new()), |class| class.dropped(object, columns, bounds))
}

/// The names of the input features of the first part that is an object: those of the whole.
pub(crate) fn names_in_of_first_part(
    parent: Attributes<'_>,
    attribute: &str,
    given: Option<&[Name]>,
    bounds: &Bounds<'_>,
) -> Names {
    let parts = named_parts(parent, attribute, &bounds.work)?;
    match parts.into_iter().find_map(|(_, part)| Attributes::of(part)) {
        Some(first) => names_in(first, given, bounds),
        None => names::choose(None, None, given, bounds),
    }
}
