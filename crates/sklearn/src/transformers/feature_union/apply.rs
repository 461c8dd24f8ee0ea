//! Applies a fitted FeatureUnion to columns.

use crate::columns::dtype::{Dtype, stack_beside, stack_frame};
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;

use crate::columns::demand::Demand;
use crate::transformers::shared::weight::{self, Weight};
use crate::transformers::transformer::{Apply, Transformer};
use byoc_formats::error::Result;
use byoc_formats::rows::table::Column;

/// The parts, in the order of their answers.
#[derive(Debug)]
pub(super) struct FeatureUnion {
    pub(super) parts: Box<[Part]>,
    /// Whether a part gives a sparse matrix: then the answer is one, which holds no objects.
    pub(super) sparse: bool,
    /// `set_output(transform="pandas")`: the columns of the answer keep their types.
    pub(super) frames: bool,
}

#[derive(Debug)]
pub(super) struct Part {
    pub(super) transformer: Transformer,
    pub(super) weight: Option<Weight>,
}

impl Apply for FeatureUnion {
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let features = &*features;
        let mut all = Vec::new();
        let mut empty = None;
        let before = Dtype::common(features);
        for part in &self.parts {
            let mut given = part.transformer.apply(features.to_vec(), rows)?;
            if part.transformer.keeps_frames() && !self.frames {
                given = stack_frame(given);
            }
            if given.is_empty() {
                let dtype = weight::dtype(part.weight, part.transformer.dtype_of_no_columns(before));
                empty = Some(empty.map_or(dtype, |empty: Dtype| empty.promote(dtype)));
            }
            if let Some(weight) = part.weight {
                given = weight.apply(given)?;
            }
            all.extend(given);
        }
        if self.sparse
            && let Some(text) = all.iter().find(|feature| matches!(*feature.data, Column::Object(_)))
        {
            let message = "the column holds text beside a sparse matrix, which takes numbers only";
            return Err(Fault::of_column(text.origin, message));
        }
        Ok(if self.frames { all } else { stack_beside(all, empty) })
    }

    fn dtype_of_no_columns(&self, given: Dtype) -> Dtype {
        let parts =
            self.parts.iter().map(|part| weight::dtype(part.weight, part.transformer.dtype_of_no_columns(given)));
        parts.reduce(Dtype::promote).unwrap_or(Dtype::Float64)
    }

    fn keeps_frames(&self) -> bool {
        self.frames
    }

    fn demand(&self, given: usize) -> Demand {
        let parts = self.parts.iter().map(|part| part.transformer.demand(given));
        let all = parts.fold(Demand::default(), |all, part| all + part);
        all.then(Demand::of_columns(all.width))
    }
}
