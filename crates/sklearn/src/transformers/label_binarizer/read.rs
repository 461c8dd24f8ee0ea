//! Reads a LabelBinarizer from a pickled object.

use super::apply::{LabelBinarizer, NumbersBesideTexts};
use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input, RequestWidth, Shape};
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::transformers::class::{self, PickledClass};
use crate::transformers::transformer::Built;
use byoc_formats::error::Result;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["LabelBinarizer"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._label", "sklearn.preprocessing.label"]
    }

    /// Reads `classes_`, `neg_label`, `pos_label` and `y_type_`.
    fn build<'t>(
        &self,
        binarizer: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        binarizer.choice("y_type_", &[("binary", ()), ("multiclass", ())])?;
        match input.shape {
            Shape::Request { .. } => builder.require_width(RequestWidth::Exactly(1)),
            Shape::Fixed(1) => {}
            Shape::Fixed(width) => {
                return Err(binarizer.error(format_args!("it takes one column, but is given {width}")));
            }
        }
        let value = binarizer.required("classes_")?;
        let classes = builder.categories(value)?;
        let classes = classes
            .ok_or_else(|| binarizer.mismatch("classes_", "a one-dimensional array of numbers or text", value))?;
        builder.note_categories(input, 0, &classes)?;
        let mark = |name| {
            let value = binarizer.required(name)?;
            value.as_i64().ok_or_else(|| binarizer.mismatch(name, "an integer", value))
        };
        let numbers = NumbersBesideTexts::of(&classes, builder.version);
        let binarizer = LabelBinarizer { classes, negative: mark("neg_label")?, positive: mark("pos_label")?, numbers };
        // Of two classes there is one column, unless a request has more than two labels.
        let width = if binarizer.classes.len() <= 2 { 1 } else { binarizer.classes.len() };
        Built::array(binarizer, width, builder)
    }

    fn feature_names_out(&self, object: Attributes<'_>, _given: Option<&[Name]>, _bounds: &Bounds<'_>) -> Names {
        Err(class::no_feature_names_out(object))
    }

    fn has_feature_names_out(&self, _object: Attributes<'_>) -> bool {
        false
    }

    fn gives_sparse(&self, object: Attributes<'_>, _input: &Input<'_>, _output: &Input<'_>) -> Result<bool> {
        object.flag_or("sparse_output", false)
    }
}
