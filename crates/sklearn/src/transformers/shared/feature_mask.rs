//! Feature selection: a mask of the features that are kept (`sklearn.feature_selection`).

use crate::artifact::attributes::{Attributes, one_dimensional};
use crate::artifact::builder::{Builder, Input};
use crate::columns::check_array::CheckArray;
use crate::columns::demand::Demand;
use crate::columns::dtype::Dtype;
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Refuses};
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::feature_names::names;
use crate::transformers::transformer::{Apply, Built};
use crate::version::Version;
use byoc_formats::error::Result;
use byoc_formats::pickle::ItemKind;

/// Which features are kept.
#[derive(Debug)]
struct FeatureMask {
    kept: Box<[bool]>,
    refuses: Refuses,
    check: CheckArray,
    /// From 1.3 on, with `set_output(transform="pandas")` a frame is neither converted nor checked.
    keeps_frames: bool,
}

/// The transformer that keeps the features of a mask. scikit-learn computes the mask anew at each transform.
///
/// # Errors
/// If the selector was fitted on a different number of features than its input has.
pub(in crate::transformers) fn build<'t>(
    selector: Attributes<'t>,
    kept: Box<[bool]>,
    refuses: Refuses,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<Built<'t>> {
    builder.accept(input, selector, kept.len())?;
    builder.keep_items::<bool>(kept.len())?;
    let width = width(&kept);
    let keeps_frames = input.frame && selector.gives_frames() && builder.version >= Version::new(1, 3);
    let mask = FeatureMask { kept, refuses, check: CheckArray::of(builder.version), keeps_frames };
    Built::array(mask, width, builder)
}

fn width(kept: &[bool]) -> usize {
    kept.iter().filter(|kept| **kept).count()
}

/// The names of the features that are kept; `mask` reads the mask of the selector.
pub(in crate::transformers) fn feature_names_out<'t>(
    selector: Attributes<'t>,
    mask: impl FnOnce(Attributes<'t>, &mut Builder<'t, '_>) -> Result<Box<[bool]>>,
    given: Option<&[Name]>,
    bounds: &Bounds<'_>,
) -> Names {
    let mut builder = Builder::new(bounds.version, bounds.artifact_bytes, bounds.work.allowance);
    let kept = mask(selector, &mut builder)?;
    builder.accept(&Input::unknown(), selector, kept.len())?;
    builder.finish();
    let given = names::choose(names::fitted(selector, bounds)?.as_deref(), Some(kept.len()), given, bounds)?;
    Ok(given.into_iter().zip(&kept).filter(|(_, kept)| **kept).map(|(name, _)| name).collect())
}

/// A mask of the features at the given positions.
pub(in crate::transformers) fn keep(length: usize, kept: impl Iterator<Item = usize>) -> Box<[bool]> {
    let mut mask = vec![false; length];
    for index in kept {
        if let Some(kept) = mask.get_mut(index) {
            *kept = true;
        }
    }
    mask.into()
}

/// Reads the attribute `support_`, which is the mask.
///
/// # Errors
/// When it is not a one-dimensional array of bool.
pub(in crate::transformers) fn support<'t>(
    selector: Attributes<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<Box<[bool]>> {
    let value = selector.required("support_")?;
    let length = value.as_array().map_or(0, |array| array.len());
    builder.work.charge_items::<i64>(length)?;
    let _held = builder.allowance().hold(length.saturating_mul(size_of::<i64>() + size_of::<bool>()))?;
    let array = one_dimensional(value).filter(|array| array.dtype().kind == ItemKind::Bool);
    let mask = array.and_then(|array| array.to_i64().ok());
    let mask = mask.ok_or_else(|| selector.mismatch("support_", "a one-dimensional array of bool", value))?;
    Ok(mask.into_iter().map(|kept| kept != 0).collect())
}

impl Apply for FeatureMask {
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, _rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let features = if self.keeps_frames {
            features
        } else {
            let features = self.check.any(features);
            self.check.refuse(&features, self.refuses)?;
            features
        };
        Ok(features.into_iter().zip(&self.kept).filter(|(_, kept)| **kept).map(|(feature, _)| feature).collect())
    }

    fn demand(&self, given: usize) -> Demand {
        Demand::of_columns(given).then(Demand::of_columns(width(&self.kept)))
    }

    fn dtype_of_no_columns(&self, given: Dtype) -> Dtype {
        given
    }

    fn keeps_frames(&self) -> bool {
        self.keeps_frames
    }
}
