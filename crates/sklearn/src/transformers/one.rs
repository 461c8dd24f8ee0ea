//! A transformer on its own, for whoever has just fitted it.

use crate::artifact::builder::{Builder, Input, Shape};
use crate::artifact::version::version_of;
use crate::columns::column_names::ColumnNames;
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::columns::readings::Origins;
use crate::transformers::transformer::Transformer;
use byoc_account::Allowance;
use byoc_formats::error::Result;
use byoc_formats::pickle::Tree;

/// A transformer that is no model yet: it is applied to columns on their way.
pub(crate) struct OneTransformer(Transformer);

impl OneTransformer {
    /// What gives on what it is given.
    pub(crate) fn passthrough() -> OneTransformer {
        OneTransformer(Transformer::Passthrough)
    }

    /// That of a pickled object, for so many columns; their `names`, if they are a frame's.
    ///
    /// # Errors
    /// For attributes that do not fit each other, or the columns.
    pub(crate) fn build(
        tree: &Tree,
        names: Option<Vec<&str>>,
        columns: usize,
        sparse: bool,
        allowance: &Allowance,
    ) -> Result<OneTransformer> {
        let given = Input {
            frame: names.is_some(),
            names: names.map(ColumnNames::new),
            shape: Shape::Fixed(columns),
            sparse,
            origins: Origins::Changed,
        };
        let mut builder = Builder::new(version_of(tree.root())?, tree.plain_bytes(), allowance);
        Ok(OneTransformer(Transformer::build(tree.root(), &given, &mut builder)?.transformer))
    }

    /// What the transformer makes of the columns of so many rows.
    ///
    /// # Errors
    /// Where scikit-learn would raise.
    pub(crate) fn apply<'c, 'a>(
        &'a self,
        features: Vec<Feature<'c, 'a>>,
        rows: usize,
    ) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        self.0.apply(features, rows)
    }

    /// Whether what is made of a frame is a frame.
    pub(crate) fn keeps_frames(&self) -> bool {
        self.0.keeps_frames()
    }
}
