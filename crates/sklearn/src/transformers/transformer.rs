//! A fitted transformer as it is applied.

use crate::artifact::builder::{Builder, Input};
use crate::columns::demand::Demand;
use crate::columns::dtype::Dtype;
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use byoc_formats::error::Result;

/// How a fitted transformer of one class is applied to the columns of a block of rows.
pub(crate) trait Apply: std::fmt::Debug + Send + Sync {
    /// Transforms columns. Each column that it returns has the dtype that it has in scikit-learn's output.
    ///
    /// # Errors
    /// Where scikit-learn raises, with the column and the row.
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault>;

    /// The memory and time that one row of `given` columns takes.
    fn demand(&self, given: usize) -> Demand;

    /// The dtype of the output when it has no columns, for an input of dtype `given`.
    fn dtype_of_no_columns(&self, given: Dtype) -> Dtype {
        let _ = given;
        Dtype::Float64
    }

    /// Whether the output for a pandas frame is a frame, whose columns keep their own dtypes.
    fn keeps_frames(&self) -> bool {
        false
    }
}

/// A fitted transformer, ready to be applied.
#[derive(Debug)]
pub(crate) enum Transformer {
    /// Returns its input: `'passthrough'`, a pipeline without steps, `func=None`.
    Passthrough,
    /// A class of the registry.
    Of(Box<dyn Apply>),
}

/// A transformer that was built, and its output: the input of the next one.
pub(crate) struct Built<'t> {
    pub(crate) transformer: Transformer,
    pub(crate) output: Input<'t>,
}

impl<'t> Built<'t> {
    /// A transformer with the given output; its own size is taken from the model's memory.
    ///
    /// # Errors
    /// When the memory is not available.
    pub(crate) fn new(
        transformer: impl Apply + 'static,
        output: Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        builder.keep(size_of_val(&transformer))?;
        Ok(Built { transformer: Transformer::Of(Box::new(transformer)), output })
    }

    /// A transformer whose output is an array of `width` columns.
    ///
    /// # Errors
    /// As [`Built::new`].
    pub(crate) fn array(
        transformer: impl Apply + 'static,
        width: usize,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        Built::new(transformer, Input::array(width), builder)
    }

    /// A transformer that returns its input.
    pub(crate) fn passthrough(input: &Input<'t>) -> Built<'t> {
        Built { transformer: Transformer::Passthrough, output: input.clone() }
    }
}

impl Transformer {
    /// As [`Apply::apply`].
    ///
    /// # Errors
    /// As [`Apply::apply`].
    pub(crate) fn apply<'c, 'a>(
        &'a self,
        features: Vec<Feature<'c, 'a>>,
        rows: usize,
    ) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        match self {
            Transformer::Passthrough => Ok(features),
            Transformer::Of(transformer) => transformer.apply(features, rows),
        }
    }

    /// As [`Apply::demand`].
    pub(crate) fn demand(&self, given: usize) -> Demand {
        match self {
            Transformer::Passthrough => Demand::of_columns(given),
            Transformer::Of(transformer) => transformer.demand(given),
        }
    }

    /// As [`Apply::dtype_of_no_columns`].
    pub(crate) fn dtype_of_no_columns(&self, given: Dtype) -> Dtype {
        match self {
            Transformer::Passthrough => given,
            Transformer::Of(transformer) => transformer.dtype_of_no_columns(given),
        }
    }

    /// As [`Apply::keeps_frames`].
    pub(crate) fn keeps_frames(&self) -> bool {
        match self {
            Transformer::Passthrough => true,
            Transformer::Of(transformer) => transformer.keeps_frames(),
        }
    }
}
