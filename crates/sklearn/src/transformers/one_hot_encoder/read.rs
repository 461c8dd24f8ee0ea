//! Reads an OneHotEncoder from a pickled object.

use super::apply::{EncodedFeature, HandleUnknown, OneHotEncoder};
use crate::artifact::attributes::{Attributes, one_dimensional};
use crate::artifact::builder::{Builder, Input};
use crate::artifact::work::Work;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names, NoNames};
use crate::feature_names::names;
use crate::feature_names::values::texts;
use crate::transformers::class::PickledClass;
use crate::transformers::shared::encoder::{self};
use crate::transformers::transformer::Built;
use byoc_formats::error::Result;
use byoc_formats::pickle::Value;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["OneHotEncoder"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._encoders"]
    }

    /// Reads `categories_`, `handle_unknown`, `dtype`, the dropped categories and (from 1.1 on) the infrequent ones.
    fn build<'t>(
        &self,
        encoder: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        if encoder.flag_or("_legacy_mode", false)? {
            return Err(
                encoder.error("it was fitted in the mode of scikit-learn before 0.20; fit it with categories='auto'")
            );
        }
        let categories = encoder::categories(encoder, input, builder)?;
        let counts: Vec<usize> = categories.iter().map(|categories| categories.len()).collect();
        let infrequent = encoder::infrequent(encoder, &counts, &builder.work)?;
        let handle_unknown = encoder.choice(
            "handle_unknown",
            &[
                ("error", HandleUnknown::Error),
                ("ignore", HandleUnknown::Ignore),
                ("infrequent_if_exist", HandleUnknown::InfrequentIfExist),
                ("warn", HandleUnknown::InfrequentIfExist),
            ],
        )?;
        let dtype = encoder::encoded_dtype(encoder)?;
        let drops = drops(encoder, categories.len(), &builder.work)?;
        builder.keep_items::<EncodedFeature>(categories.len())?;
        for ((count, infrequent), drop) in counts.iter().zip(&infrequent).zip(&drops) {
            if infrequent.is_some() || drop.is_some() {
                builder.work.charge_items::<u32>(*count)?;
                builder.keep_items::<u32>(*count)?;
            }
        }
        let features = categories
            .into_iter()
            .zip(infrequent)
            .zip(drops)
            .map(|((categories, infrequent), drop)| {
                EncodedFeature::new(categories, infrequent, drop, handle_unknown).ok_or_else(|| {
                    encoder.error("expected the index of a dropped category to be below the count of categories")
                })
            })
            .collect::<Result<Box<[_]>>>()?;
        let width = features.iter().map(|feature| feature.width as usize).sum();
        let one_array = encoder::one_array(builder.version);
        Built::array(OneHotEncoder { features, width, dtype, one_array }, width, builder)
    }

    /// The name of the feature and that of the category, for each remaining column.
    fn feature_names_out(&self, encoder: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        let given = names::names_in(encoder, given, bounds)?;
        if let Some(combiner) = encoder.get("feature_name_combiner").filter(|value| value.as_str() != Some("concat")) {
            return Err(NoNames::raised(format!(
                "feature_name_combiner is {}, and is not called",
                combiner.describe()
            )));
        }
        let categories: Option<Vec<_>> = encoder.items("categories_")?.into_iter().map(one_dimensional).collect();
        let categories =
            categories.ok_or_else(|| encoder.error("expected categories_ to be one-dimensional arrays"))?;
        let counts: Vec<usize> = categories.iter().map(|categories| categories.len()).collect();
        let infrequent = encoder::infrequent(encoder, &counts, &bounds.work)?;
        let drops = drops(encoder, counts.len(), &bounds.work)?;
        let mut columns = Vec::new();
        for (((name, categories), infrequent), drop) in given.iter().zip(categories).zip(infrequent).zip(drops) {
            let mut left = texts(categories, infrequent.is_some(), bounds)?;
            if let Some(infrequent) = infrequent {
                let mut groups = infrequent.groups.into_iter();
                left.retain(|_| groups.next().is_some_and(|group| group + 1 < infrequent.count));
                left.push("infrequent_sklearn".into());
            }
            if let Some(drop) = drop.filter(|drop| *drop < left.len()) {
                left.remove(drop);
            }
            columns.extend(left.into_iter().map(|category| (name, category)));
        }
        bounds.collect(columns.into_iter().map(|(name, category)| format!("{name}_{category}")))
    }

    /// `sparse` until 1.3, in which it may also be something else than a bool.
    fn gives_sparse(&self, object: Attributes<'_>, _input: &Input<'_>, _output: &Input<'_>) -> Result<bool> {
        let flags = ["sparse_output", "sparse"].into_iter().filter_map(|name| object.get(name)?.as_bool());
        Ok(flags.into_iter().next().unwrap_or(true))
    }

    /// It gets no names from its parent: its input features are numbered.
    fn get_feature_names(&self, object: Attributes<'_>, bounds: &Bounds<'_>) -> Option<Names> {
        let numbered = || -> Names { Ok(bounds.numbered(names::names_in(object, None, bounds)?.len())?) };
        Some(numbered().and_then(|names| self.feature_names_out(object, Some(&names), bounds)))
    }
}

/// The group of each feature that is dropped. From 1.2.2 on `drop_idx_` counts categories before their grouping, and
/// `_drop_idx_after_grouping` counts the groups; from 1.1 to 1.2.1, which lack it, `drop_idx_` does. Until 0.22 it is
/// an array of integers.
fn drops(encoder: Attributes<'_>, features: usize, work: &Work<'_>) -> Result<Vec<Option<usize>>> {
    const AFTER_GROUPING: &str = "_drop_idx_after_grouping";
    work.charge_items::<Option<usize>>(features)?;
    let name = if encoder.get(AFTER_GROUPING).is_some() { AFTER_GROUPING } else { "drop_idx_" };
    let Some(value) = encoder.present(name) else { return Ok(vec![None; features]) };
    let index = |value: i64| usize::try_from(value).ok();
    let read = || {
        let array = one_dimensional(value)?;
        let drops: Option<Vec<Option<usize>>> = match array.objects() {
            Some(objects) => {
                let drop = |object: Value<'_>| {
                    if object.is_none() { Some(None) } else { Some(Some(index(object.as_i64()?)?)) }
                };
                objects.map(drop).collect()
            }
            None => array.to_i64().ok()?.into_iter().map(|value| Some(Some(index(value)?))).collect(),
        };
        drops.filter(|drops| drops.len() == features)
    };
    read().ok_or_else(|| encoder.mismatch(name, "an index or None for each feature", value))
}
