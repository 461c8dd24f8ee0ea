//! Applies a fitted ColumnTransformer to columns.

use crate::columns::dtype::{Dtype, stack_beside, stack_frame};
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, objects_as_floats};

use crate::transformers::shared::weight::{self, Weight};
use byoc_formats::error::Result;

use crate::columns::demand::Demand;
use crate::transformers::transformer::{Apply, Transformer};

/// The branches in the order of `transformers_`, which is that of the answer's columns.
#[derive(Debug)]
pub(super) struct ColumnTransformer {
    pub(super) branches: Box<[Branch]>,
    /// How many columns the answer has.
    pub(super) width: usize,
    /// `sparse_output_`: all columns become numbers, since a sparse matrix contains only numbers.
    pub(super) sparse: bool,
    /// `set_output(transform="pandas")`: the columns of the answer keep their types.
    pub(super) frames: bool,
}

#[derive(Debug)]
pub(super) struct Branch {
    pub(super) transformer: Transformer,
    /// Its input columns. The label counts as the last one.
    pub(super) columns: Box<[u32]>,
    pub(super) weight: Option<Weight>,
}

impl Apply for ColumnTransformer {
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let features = &*features;
        let mut all = Vec::with_capacity(self.width);
        let mut empty = None;
        for branch in &self.branches {
            let given = branch.columns.iter().map(|column| features.get(*column as usize).cloned());
            let Some(given) = given.collect::<Option<Vec<_>>>() else {
                return Err(Fault::new("the row has fewer columns than the model was fitted on"));
            };
            let before = Dtype::common(&given);
            let mut given = branch.transformer.apply(given, rows)?;
            if branch.transformer.keeps_frames() && !self.frames {
                given = stack_frame(given);
            }
            // A branch without columns is skipped.
            if given.is_empty() && !branch.columns.is_empty() {
                let dtype = weight::dtype(branch.weight, branch.transformer.dtype_of_no_columns(before));
                empty = Some(empty.map_or(dtype, |empty: Dtype| empty.promote(dtype)));
            }
            if let Some(weight) = branch.weight {
                given = weight.apply(given)?;
            }
            if self.sparse {
                given = given.into_iter().map(objects_as_floats).collect::<Result<_, _>>()?;
            }
            all.append(&mut given);
        }
        Ok(if self.frames { all } else { stack_beside(all, empty) })
    }

    fn dtype_of_no_columns(&self, given: Dtype) -> Dtype {
        let parts = self
            .branches
            .iter()
            .map(|branch| weight::dtype(branch.weight, branch.transformer.dtype_of_no_columns(given)));
        parts.reduce(Dtype::promote).unwrap_or(Dtype::Float64)
    }

    fn keeps_frames(&self) -> bool {
        self.frames
    }

    fn demand(&self, _given: usize) -> Demand {
        let parts = self.branches.iter().map(|branch| branch.transformer.demand(branch.columns.len()));
        let all = parts.fold(Demand::default(), |all, part| all + part);
        all.then(Demand::of_columns(all.width))
    }
}
